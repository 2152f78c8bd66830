"""Every rule of the plan's inputs: the reader refuses it, its cell has a validation, its check turns red."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils import get_column_letter as letter

from builders.office import recalculated
from rcm_analysis.errors import ParameterError
from rcm_analysis.exhibits.care_coordination_plan.workbook.book import write_plan_workbook
from rcm_analysis.exhibits.care_coordination_plan.workbook.inputs import cell_name
from rcm_analysis.exhibits.care_coordination_plan.workbook.reading import read_scenario, read_workbook
from rcm_analysis.models.plan import sections
from rcm_analysis.models.plan.assumptions import example_assumptions
from rcm_analysis.models.plan.rules import FILE_ONLY, RULES

SMALL = dataclasses.replace(example_assumptions(), months=6, scenarios=example_assumptions().scenarios[:2])
MAY, JUNE = dt.datetime(2027, 5, 1), dt.datetime(2027, 6, 1)
AFTER = {"from": 3, "value": 4}
"""Columns from the value of an input to its first change."""
BROKEN: dict[str, list[dict[str, object]]] = {
    "share": [
        {"enrolment_reached": 70},
        {"enrolment_reached": "0.7"},
        {"enrolment_reached": None},
        {"enrolment_reached": -0.1},
        {"enrolment_reached": 0.123456},
        {"Staff!B18": None},
    ],
    "factor": [{"staffing_salary_index": 101}, {"Scenarios!E8": "1.1"}],
    "move": [{"Scenarios!E11": 5}],
    "money": [{"opening_cash": -1}, {"Staff!E5": 62000.005}, {"Staff!E5": None}, {"Rates!C7": None}],
    "count": [{"referrals_0_monthly": "many"}, {"Staff!D5": -1}],
    "days": [{"lag_billed_to_paid_days": 77.5}, {"lag_billed_to_paid_days": 1801}],
    "added_days": [{"Scenarios!E15": 0.5}],
    "months": [{"enrolment_delay_months": 1.5}],
    "added_months": [{"Scenarios!E18": 0.5}],
    "flag": [{"outreach_paid": 1}, {"outreach_paid": "TRUE"}],
    "seed": [{"Scenarios!D20": 1.5}],
    "draws": [{"Scenarios!D21": 0}],
    "date": [
        {"start": "2027-01"},
        {"Staff!B6": "May 2027"},
        {"Staff!B6": 12},
        {"denials_rate+3": MAY, "denials_rate+4": None, "denials_rate+5": "June", "denials_rate+6": 0.1},
        {"acuity_mix_low+8": 0.4},
        {"fees_mco+4": 0.1},
    ],
    "words": [{"name": "  "}, {"referrals_0_source": None}, {"referrals_0_source": 5}],
    "in_order": [
        {"start": dt.datetime(2028, 1, 1)},
        {
            "enrolment_reached+3": MAY,
            "enrolment_reached+4": 0.5,
            "enrolment_reached+5": MAY,
            "enrolment_reached+6": 0.6,
        },
        {"acuity_mix_low+3": dt.datetime(2026, 12, 1), "acuity_mix_low+4": 0.5},
    ],
    "no_steps": [{"opening_cash+3": MAY, "opening_cash+4": 5}, {"name+3": "other"}],
    "above_zero": [{"staffing_coordinators_per_supervisor": 0}],
    "slow_share": [{"lag_billed_to_paid_slow_share": 0.95}],
    "fails": [{"billable_no_core_service": 0.7, "billable_support_late": 0.4}],
    "caseload": [{"acuity_caseload_low": 0}],
    "sum_of_mix": [{"acuity_mix_low": 0.7}],
    "sum_of_regions": [{"regions_downstate": 0.9}],
    "not_before": [{"Staff!C6": dt.datetime(2027, 1, 1)}, {"Scenarios!E6": JUNE, "Scenarios!E7": MAY}],
    "month_of_plan": [{"Staff!B32": dt.datetime(2026, 12, 1)}],
    "one_coordinator": [{f"Staff!B{row}": None for row in range(5, 15)}],
    "ramp": [{f"Staff!B{row}": None for row in range(17, 29)}],
    "own_name": [{"Scenarios!E4": "base"}],
    "range": [{"uncertain low": 1.2}],
    "rate_in_every_month": [{f"Rates!A{row}": dt.datetime(2027, 2 + row - 5, 1) for row in range(5, 8)}],
    "rate_once": [{"Rates!A6": dt.datetime(2024, 1, 1), "Rates!A7": dt.datetime(2024, 1, 15)}],
    "rates_in_order": [{"Rates!A6": dt.datetime(2024, 1, 1), "Rates!A7": dt.datetime(2022, 4, 1)}],
    "capacity": [{"enrolment_opening_members": 200}],
    "exact": [{"Staff!E5": 10**9, "Staff!D5": 10**5, "staffing_salary_index": 100}],
    "scenario": [{"Summary!B4": "nobody"}],
    "as_written": [{"months": 24}],
    "outside": [
        {"Staff!A15": "One more", "Staff!B15": MAY},
        {"Rates!A60": MAY, **{f"Rates!{column}60": 100 for column in "BCDE"}},
        {"denials_rate+30": 5},
    ],
}
CASES = [(rule, number) for rule, cases in BROKEN.items() for number in range(len(cases))]


@pytest.fixture(scope="module")
def workbook(tmp_path_factory) -> Path:
    return write_plan_workbook(SMALL, tmp_path_factory.mktemp("rules") / "plan.xlsx")


@pytest.fixture(scope="module")
def entries(workbook) -> list[tuple[str, str, str, str, str]]:
    rows = openpyxl.load_workbook(workbook)["Entries"].iter_rows(min_row=5, values_only=True)
    return [tuple(map(str, row[:5])) for row in rows if row[0]]


@pytest.fixture(scope="module")
def broken(workbook, tmp_path_factory) -> Callable[[str, int], Path]:
    """Writes the workbook that breaks a rule in one of the ways."""
    folder = tmp_path_factory.mktemp("broken")
    return lambda rule, nth: edited(workbook, BROKEN[rule][nth], folder / f"{rule}{nth}.xlsx")


def edited(workbook: Path, changes: dict[str, object], path: Path) -> Path:
    """A copy with some cells changed: a place, or the name of an input and how many columns beside it."""
    book = openpyxl.load_workbook(workbook)
    for place, value in changes.items():
        name, _, beside = place.partition("+")
        if place == "uncertain low":
            [head] = [cell for cell in book["Scenarios"][4] if cell.value == "Uncertain from"]
            name = f"Scenarios!{letter(head.column)}8"
        sheet, _, cell = (name if "!" in name else book.defined_names[name].attr_text.replace("$", "")).partition("!")
        book[sheet][cell].offset(column=int(beside or 0)).value = value
    book.save(path)
    return path


def test_every_rule_that_a_workbook_can_break_is_broken_here(entries):
    can = set(RULES) - FILE_ONLY
    assert set(BROKEN) == can and {row[3] for row in entries} == can


def test_every_refusal_of_the_file_is_a_rule_of_the_table():
    source = Path(sections.__file__)
    text = source.read_text() + source.with_name("fields.py").read_text()
    assert set(re.findall(r"(?<!\w)expected\((.*?)[,)]", text)) == {"str(error"}, "said elsewhere than in the table"
    named = set(re.findall(r'refused\("(\w+)"', text)) | set(re.findall(r'RULES\["(\w+)"\]', text))
    assert named <= set(RULES)


def test_every_shaded_cell_has_a_rule_and_a_validation_from_the_same_condition(workbook, entries):
    book = openpyxl.load_workbook(workbook)
    ruled = {row[0] for row in entries}
    for name in ("Assumptions", "Staff", "Rates", "Scenarios"):
        sheet = book[name]
        valid = {cell: rule for rule in sheet.data_validations.dataValidation for cell in cells_of(rule)}
        shaded = {
            cell.coordinate
            for row in sheet.iter_rows()
            for cell in row
            if cell.fill.fgColor.rgb == "00FFF8DC" and cell.number_format != "@"
        }
        assert shaded and not {cell for cell in shaded if f"{name}!{cell}" not in ruled}
        assert not shaded - set(valid)
        for place, _, words, rule, _ in entries:
            if place.partition("!")[0] == name and ":" not in place and rule not in ("flag", "scenario"):
                own = valid[place.partition("!")[2]]
                assert words[:60] in own.error or len(own.error) > 160
                assert len(own.formula1) <= 255 and own.showErrorMessage


def cells_of(rule) -> set[str]:
    return {letter(c) + str(r) for one in rule.sqref.ranges for r, c in one.cells}


@pytest.mark.parametrize(
    ("rule", "nth"), [pytest.param(rule, nth, marks=[pytest.mark.slow] if nth else []) for rule, nth in CASES]
)
def test_the_reader_refuses(broken, rule, nth):
    path = broken(rule, nth)
    words = re.escape(re.sub(r"\{.*", "", RULES[rule])[:30])
    with pytest.raises(ParameterError, match=words if rule not in ("scenario", "exact") else "scenario|too large"):
        read_workbook(path).scenario(read_scenario(path))


def test_a_pasted_number_and_a_pasted_date_are_read_as_the_formulas_read_them(workbook, tmp_path):
    serial = edited(workbook, {"Staff!B10": 46508, "Staff!D10": 1, "Staff!E10": 1}, tmp_path / "serial.xlsx")
    assert read_workbook(serial).coordinators[-1].hired == "2027-05"
    book = openpyxl.load_workbook(workbook)
    sheet, _, cell = book.defined_names[cell_name("lag.billed_to_paid.days")].attr_text.replace("$", "").partition("!")
    book[sheet][cell].value, book[sheet][cell].number_format = 77, "mmm yyyy"
    book.save(tmp_path / "dated.xlsx")
    assert read_workbook(tmp_path / "dated.xlsx").value("lag.billed_to_paid.days") == 77


@pytest.mark.slow
@pytest.mark.xdist_group("soffice")
@pytest.mark.skipif(shutil.which("soffice") is None, reason="soffice (LibreOffice Calc) is not installed")
@pytest.mark.parametrize(
    "cases", [pytest.param(CASES[::8], id="one in eight"), pytest.param(CASES, id="all", marks=pytest.mark.long)]
)
def test_each_broken_rule_turns_its_own_check_red_and_the_summary_says_where(workbook, broken, tmp_path, cases):
    saved = recalculated([workbook, *(broken(*case) for case in cases)], tmp_path)
    looks = {name: looked_at(path) for name, path in saved.items()}
    assert looks.pop("plan") == ("OK", set(), None)
    silent = {
        name: (said, red)
        for name, (light, red, said) in looks.items()
        if light != "LOOK" or name.rstrip("0123456789") not in red or "expected" not in str(said)
    }
    assert silent == {}


def looked_at(path: Path) -> tuple[str, set[str], str | None]:
    """The light of the summary, the rules that are red, and the words beside it."""
    book = openpyxl.load_workbook(path, data_only=True)
    red = {row[3] for row in book["Entries"].iter_rows(min_row=5, values_only=True) if row[4] != 0}
    return book["Summary"]["B5"].value, red - {None}, book["Summary"]["A6"].value or None
