"""The plan's live workbook: formulas, named inputs, what comes back after editing, and LibreOffice's word on every
figure."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from openpyxl.workbook.defined_name import DefinedName

from builders.office import recalculated
from builders.plan_cases import GOLDEN, assumed, drawn, raw, rich
from rcm_analysis.errors import ParameterError
from rcm_analysis.exhibits.care_coordination_plan.workbook.book import read_scenario, read_workbook, write_plan_workbook
from rcm_analysis.exhibits.care_coordination_plan.workbook.inputs import cell_name
from rcm_analysis.models.plan.assumptions import example_assumptions, parse
from rcm_analysis.models.plan.fields import FIELDS
from rcm_analysis.models.plan.programme import programme_plan, working_capital
from rcm_analysis.models.plan.scenarios import scenario_table, tornado

FEW = tuple(item for item in example_assumptions().scenarios if item.name in ("base", "slow_payer", "your_own"))
SMALL = dataclasses.replace(example_assumptions(), months=12, scenarios=FEW)
"""The shipped example's first year under three scenarios: a workbook small enough to open many times."""
SEEDS = (1, 3, 4, 10, 12)
TWO_REGIONS = [{"from": "2025-01", "upstate": 0.25, "downstate": 0.75}]
MIX = GOLDEN["acuity"]["mix"][0]
OWN_MIX = {"region": "upstate", "from": "2025-01", "low": 0.1, "medium": 0.2, "high": 0.7}
MONTHLY = ("Months", "Plan", "Paid share", "Receipts", "Lags")


@pytest.fixture(scope="module")
def workbook(tmp_path_factory) -> Path:
    return write_plan_workbook(SMALL, tmp_path_factory.mktemp("plan") / "plan.xlsx", scenario="slow_payer")


@pytest.fixture
def edited(workbook, tmp_path):
    """The shipped workbook with some cells changed: `edited({"Staff!B6": None})`."""

    return lambda changes: changed(workbook, changes, tmp_path / "edited.xlsx")


def changed(workbook: Path, changes: dict[str, object], path: Path) -> Path:
    """A copy of the workbook with some cells changed, each by its name or its place."""
    book = openpyxl.load_workbook(workbook)
    for place, value in changes.items():
        if "!" in place:
            sheet, _, cell = place.partition("!")
        else:
            sheet, _, cell = book.defined_names[place].attr_text.replace("$", "").partition("!")
        book[sheet][cell] = value
    book.save(path)
    return path


class TestShape:
    def test_the_board_is_one_page_with_charts_and_dollars(self, workbook):
        board = openpyxl.load_workbook(workbook)["Board"]
        assert (board.page_setup.orientation, board.page_setup.fitToHeight, len(board._charts)) == ("landscape", 1, 2)
        rows = {cell.value: cell.row for cell in board["A"] if cell.value}
        assert all("$" in board.cell(rows[name], 2).number_format for name in ("Peak deficit", "Recoupment reserve"))
        titles = [board.cell(6, 2 + place).value for place in range(len(SMALL.scenarios))]
        assert [title.partition('="",')[0] for title in titles] == [
            f"=IF(Scenarios!{letter}5" for letter in "DEFGHIJ"[: len(titles)]
        ]

    def test_every_input_is_a_named_cell(self, workbook):
        names = openpyxl.load_workbook(workbook).defined_names
        assert {cell_name(field.key) for field in FIELDS} <= set(names)
        assert {"Scenario", "AllChecks", "start", "acuity_mix_high", "referrals_0_monthly"} <= set(names)

    def test_months_hold_formulas_not_numbers(self, workbook):
        book = openpyxl.load_workbook(workbook)
        typed = [
            f"{name}!{cell.coordinate}"
            for name in MONTHLY
            for row in book[name].iter_rows(min_row=5, min_col=4)
            for cell in row
            if cell.value is not None and not str(cell.value).startswith("=")
        ]
        assert typed == []

    def test_regions_stand_in_the_plan_where_there_are_several(self, workbook, tmp_path):
        plan = dataclasses.replace(
            SMALL,
            regions={"upstate": ((SMALL.start, 4_000),), "downstate": ((SMALL.start, 6_000),)},
            rates={
                level: {"upstate": ((SMALL.start, 20_000),)} | by_region for level, by_region in SMALL.rates.items()
            },
        )
        two = write_plan_workbook(plan, tmp_path / "two.xlsx")
        titles = [{cell.value for cell in openpyxl.load_workbook(path)["Plan"]["A"]} for path in (workbook, two)]
        assert {"Members, upstate", "Members, downstate"} & titles[0] == set() and {
            "Members, upstate",
            "Members, downstate",
        } <= titles[1]
        again = read_workbook(two)
        assert again.regions == plan.regions and again.rates == plan.rates

    def test_a_region_with_its_own_mix_comes_back_as_it_was(self, tmp_path):
        plan = parse(raw(region=None, regions=TWO_REGIONS, acuity__mix=[MIX, OWN_MIX]), "two mixes")
        assert read_workbook(write_plan_workbook(plan, tmp_path / "own.xlsx")).mix_in == plan.mix_in != {}

    def test_a_monthly_sheet_prints_twelve_months_a_page(self, tmp_path):
        book = openpyxl.load_workbook(
            write_plan_workbook(dataclasses.replace(SMALL, months=30), tmp_path / "plan.xlsx")
        )
        assert book["Plan"].page_setup.fitToWidth == 3 and [one.id for one in book["Plan"].col_breaks.brk] == [15, 27]
        assert book["Plan"].print_title_cols == "$A:$C" and book["Summary"].page_setup.fitToWidth == 1

    def test_no_function_that_an_older_program_lacks(self, workbook):
        book = openpyxl.load_workbook(workbook)
        text = " ".join(
            str(cell.value)
            for sheet in book
            for row in sheet.iter_rows()
            for cell in row
            if str(cell.value).startswith("=")
        )
        assert not any(
            word in text for word in ("LET(", "LAMBDA(", "FILTER(", "SEQUENCE(", "XLOOKUP(", "_xlfn", "OFFSET(", "#")
        )

    def test_inputs_are_checked_as_typed_and_scenarios_are_chosen_from_a_list(self, workbook):
        book = openpyxl.load_workbook(workbook)
        rules = {rule.type for rule in book["Assumptions"].data_validations.dataValidation}
        assert rules == {"custom", "list"}, "every rule as a formula; what holds of each cell: test_rules.py"
        [choice] = book["Summary"].data_validations.dataValidation
        assert choice.type == "list" and "B4" in str(choice.sqref)
        assert len(book["Summary"]._charts) == 3

    def test_the_same_assumptions_give_the_same_sheets(self, workbook, tmp_path):
        again = write_plan_workbook(SMALL, tmp_path / "again.xlsx", scenario="slow_payer")
        one, two = (openpyxl.load_workbook(path) for path in (workbook, again))
        for sheet in one:
            assert list(sheet.values) == list(two[sheet.title].values)

    def test_a_plan_with_more_members_than_capacity_is_not_written(self, tmp_path):
        plan = assumed(enrolment={"reached": 1, "enrolled": 1, "opening_members": 30})
        with pytest.raises(ParameterError, match="room for 25.0"):
            write_plan_workbook(plan, tmp_path / "plan.xlsx")
        assert not (tmp_path / "plan.xlsx").exists()


class TestReadBack:
    def test_unedited_it_gives_the_same_assumptions(self, workbook):
        read = read_workbook(workbook)
        assert read == dataclasses.replace(
            SMALL, **{name: getattr(read, name) for name in ("values", "sources", "mix")}
        )
        assert all(
            programme_plan(read, item.name).months.equals(programme_plan(SMALL, item.name).months)
            for item in SMALL.scenarios
        )
        assert read_scenario(workbook) == "slow_payer"

    @settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
    @given(raw=drawn(6))
    def test_anything_written_reads_back_to_the_same_plan(self, raw, tmp_path):
        plan = parse(raw, "drawn")
        try:
            write_plan_workbook(plan, tmp_path / "drawn.xlsx")
        except ParameterError:
            assume(False)
        again = read_workbook(tmp_path / "drawn.xlsx")
        for scenario in ("base", "drawn"):
            assert programme_plan(again, scenario).months.equals(programme_plan(plan, scenario).months)

    def test_an_edited_value_a_new_change_and_a_new_coordinator(self, edited):
        path = edited(
            {
                "denials_rate": 0.2,
                "enrolment_reached": 0.1 + 0.2,
                "Staff!A10": "Coordinator 6",
                "Staff!B10": dt.datetime(2027, 9, 1),
                "Staff!D10": 0.5,
                "Staff!E10": 58000,
                "Summary!B4": "acuity_shift",
            }
        )
        plan = read_workbook(path)
        assert plan.value("denials.rate") == 2_000 and plan.value("enrolment.reached") == 3_000
        assert dataclasses.astuple(plan.coordinators[-1]) == ("Coordinator 6", "2027-09", None, 500, 5_800_000)
        assert read_scenario(path) == "acuity_shift"

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            pytest.param(
                {"denials_rate": 1.5},
                r"Assumptions!C\d+ \(denials.rate\[0\].value\): expected a share from 0 to 1",
                id="share above one",
            ),
            pytest.param(
                {"fees_mco": "five"},
                r"Assumptions!C\d+ \(fees.mco\): expected a share from 0 to 1",
                id="words for a number",
            ),
            pytest.param(
                {"lag_paid_to_agency_days": -10},
                r"Assumptions!C\d+ \(lag.paid_to_agency.days\): expected whole days, 0 or more; found -10",
                id="negative lag",
            ),
            pytest.param(
                {"acuity_mix_low": 0.7},
                (
                    r"Assumptions!C\d+:C\d+ \(acuity.mix \(2027-01\)\): expected shares of the levels that sum to "
                    r"1; found 1.2"
                ),
                id="mix above one",
            ),
            pytest.param(
                {"Staff!C6": dt.datetime(2027, 2, 1)},
                r"Staff!C6 \(coordinators\[1\].last_month\): expected a month not before Staff!B6",
                id="leaves before hired",
            ),
            pytest.param(
                {
                    "Rates!A5": dt.datetime(2027, 3, 1),
                    "Rates!A6": dt.datetime(2027, 4, 1),
                    "Rates!A7": dt.datetime(2027, 5, 1),
                },
                (
                    r"Rates!B5:B13 \(rates \(low, downstate\)\): expected a rate for every month of the plan; 2 are "
                    r"missing, first 2027-01"
                ),
                id="rates too late",
            ),
            pytest.param(
                {"Staff!B6": "May 2027"},
                r"Staff!B6 .* expected a date .*\(not text that looks like one\); found 'the text May 2027'",
                id="a month as text",
            ),
            pytest.param(
                {"staffing_vacancy": None},
                r"Assumptions!C\d+ \(staffing.vacancy\): expected a share .* found nothing",
                id="an emptied cell",
            ),
            pytest.param(
                {"start": "2027-01"},
                r"1 of the plan's inputs .*\n- Assumptions!C\d+ \(start\): expected a date .* found 'the text 2027-01'",
                id="the first month as text, and nothing else that follows from it",
            ),
            pytest.param(
                {"regions_downstate": 0.9},
                r"\(regions \(2027-01\)\): expected shares of the regions that sum to 1; found 0.9",
                id="regions below one",
            ),
            pytest.param(
                {"Rates!A6": dt.datetime(2024, 1, 1), "Rates!A7": dt.datetime(2022, 4, 1)},
                r"Rates!A7: expected rows in the order of their months, oldest first; found 2022-04 below 2024-01",
                id="rates out of order",
            ),
            pytest.param(
                {"Rates!C7": None},
                r"Rates!C7 .* expected dollars of 0 or more, to the cent; found nothing",
                id="a rate emptied",
            ),
            pytest.param(
                {"Staff!D5": None},
                r"Staff!D5 \(coordinators\[0\].fte\): expected a number",
                id="a full-time share emptied",
            ),
            pytest.param(
                {"Staff!B18": None},
                r"Staff!B18 \(staffing.ramp\[1\]\): expected a share .* found nothing",
                id="a hole in the ramp",
            ),
            pytest.param(
                {"outreach_paid": "perhaps"},
                r"\(outreach.paid\): expected true or false; found 'the text perhaps'",
                id="neither true nor false",
            ),
            pytest.param(
                {"opening_cash": 10**12},
                r"\(opening_cash\): expected dollars .* at most 1,000,000,000",
                id="an amount with too many zeros",
            ),
            pytest.param(
                {"Months!F40": 1234},
                r"Months!F40 \(.+\): expected the formula that rcm plan wrote; found 1234",
                id="a formula overwritten by a number",
            ),
            pytest.param(
                {"Months!F40": None},
                r"Months!F40 \(.+\): expected the formula that rcm plan wrote; found nothing",
                id="a formula deleted",
            ),
            pytest.param(
                {f"Plan!{column}12": 5 for column in "DEFGH"},
                r"Plan!D12 and 4 more cells .*: expected the formula",
                id="a row of formulas overwritten",
            ),
            pytest.param(
                {"Summary!B7": -100}, r"Summary!B7 \(Peak deficit\): expected the formula", id="a figure typed over"
            ),
            pytest.param(
                {"Scenarios!E11": 5},
                r"Scenarios!E11 \(scenarios\[1\].acuity_shift\): expected a change from -1 to 1",
                id="a lever out of range",
            ),
        ],
    )
    def test_a_mistake_is_named_by_its_cell(self, edited, changes, message):
        with pytest.raises(ParameterError, match=message):
            read_workbook(edited(changes))

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            pytest.param(
                {"enrolment_opening_members": 200},
                r"^Assumptions!C\d+ \(enrolment.opening_members\): expected no more members",
                id="at the start",
            ),
            pytest.param(
                {"enrolment_disenrolment": 0, "Staff!C5": dt.date(2027, 6, 1), "Staff!C6": dt.date(2027, 6, 1)},
                (
                    r"^Staff!A5:E\d+ \(coordinators\), Assumptions!C8:C10 \(acuity.caseload\), "
                    r"Assumptions!C\d+:C\d+ \(acuity.mix\): expected no more members"
                ),
                id="when coordinators leave",
            ),
        ],
    )
    def test_too_many_cases_are_named_by_their_cells(self, edited, changes, message):
        with pytest.raises(ParameterError, match=message):
            read_workbook(edited(changes))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param(
                lambda book: book.__delitem__("Months"),
                "Months: expected the sheet of this name; found none",
                id="a sheet of formulas deleted",
            ),
            pytest.param(
                lambda book: book.__delitem__("Rates"), "sheets missing: Rates", id="a sheet of inputs deleted"
            ),
            pytest.param(
                lambda book: book.defined_names.pop("denials_rate"),
                r"Assumptions!C\d+: expected the cell to be named denials_rate; found no such name",
                id="a name deleted",
            ),
            pytest.param(
                lambda book: book.defined_names.__setitem__(
                    "denials_rate", DefinedName("denials_rate", attr_text="Assumptions!$C$9")
                ),
                r"Assumptions!C\d+: expected the cell to be named denials_rate; found that name at Assumptions!C9",
                id="a name moved",
            ),
            pytest.param(
                lambda book: rekey(book, "denials.rat"),
                r"Assumptions!A\d+: no input of the plan is called denials.rat. Closest: denials.rate",
                id="a key misspelled",
            ),
            pytest.param(
                lambda book: rekey(book, None),
                r"Assumptions!A: expected a row with the key denials.rate; found none",
                id="a key deleted",
            ),
            pytest.param(
                lambda book: rekey(book, "fees.mco"),
                r"expected each key once; found fees.mco in row \d+, too",
                id="a key twice",
            ),
        ],
    )
    def test_what_must_not_be_edited_is_named(self, workbook, tmp_path, change, message):
        book = openpyxl.load_workbook(workbook)
        change(book)
        book.save(tmp_path / "edited.xlsx")
        with pytest.raises(ParameterError, match=message):
            read_workbook(tmp_path / "edited.xlsx")

    @pytest.mark.parametrize("content", [pytest.param(b"not a workbook", id="text"), pytest.param(b"", id="empty")])
    def test_not_a_workbook(self, tmp_path, content):
        (tmp_path / "x.xlsx").write_bytes(content)
        with pytest.raises(ParameterError, match="not an XLSX workbook"):
            read_workbook(tmp_path / "x.xlsx")

    def test_another_workbook(self, tmp_path):
        openpyxl.Workbook().save(tmp_path / "x.xlsx")
        with pytest.raises(ParameterError, match="x.xlsx is not a plan workbook: sheets missing: Summary"):
            read_workbook(tmp_path / "x.xlsx")

    def test_no_workbook(self, tmp_path):
        with pytest.raises(ParameterError, match="There is no workbook"):
            read_workbook(tmp_path / "none.xlsx")


def rekey(book: openpyxl.Workbook, key: str | None) -> None:
    """The key denials.rate written otherwise."""
    [cell] = [cell for cell in book["Assumptions"]["A"] if cell.value == "denials.rate"]
    cell.value = key


def compare(saved: Path, plan, scenario: str) -> None:
    """Every monthly row, the need for working capital and the summary: LibreOffice's and ours."""
    book = openpyxl.load_workbook(saved, data_only=True)
    sheet, made = book["Months"], programme_plan(plan, scenario)
    found = {
        sheet.cell(row, 1).value: [sheet.cell(row, 4 + month).value for month in range(plan.months)]
        for row in range(6, sheet.max_row + 1)
    }
    for name in made.months.columns[1:]:
        assert found[name] == made.months[name].tolist(), name
    years_add_up(book, made.months)
    need = working_capital(plan, scenario)["need_cents"].tolist()
    assert [whole_cents(book["Lags"].cell(row, 2).value) for row in range(5, 10)] == need
    summary = {book["Summary"].cell(row, 1).value: book["Summary"].cell(row, 2).value for row in range(4, 30)}
    assert summary["Checks"] == (
        "LOOK" if made.months["transferred"].any() or not any(p.hired for p in plan.coordinators) else "OK"
    )
    assert whole_cents(summary["Peak deficit"]) == made.summary.peak_deficit_cents
    assert whole_cents(summary["Lowest cash at hand"]) == made.summary.lowest_balance_cents
    paid_back = summary["Paid back in"]
    assert (f"{paid_back:%Y-%m}" if isinstance(paid_back, dt.datetime) else None) == made.summary.payback_month
    pays = summary["Members that pay for one coordinator, last month"]
    ours = made.summary.break_even_members_per_coordinator
    assert pays == pytest.approx(ours, rel=1e-9) if ours is not None else not isinstance(pays, (int, float))


def years_add_up(book, months) -> None:
    """Quarters add up to the total, years too, and the total is the plan's; what stands is that of the end."""
    sheet = book["Years"]
    titles = {sheet.cell(row, 1).value: row for row in range(5, sheet.max_row + 1)}
    end = next(cell.column for cell in sheet[4] if cell.value == "In all")
    quarters = len(months) // 3 + 2
    for title, name in (("Net cash flow", "cash"), ("Net revenue", "revenue")):
        line = [sheet.cell(titles[title], column).value or 0 for column in range(4, end + 1)]
        whole = int(months[name].sum())
        assert [whole_cents(sum(part)) for part in (line[:quarters], line[quarters:-1], line[-1:])] == [whole] * 3
    assert whole_cents(sheet.cell(titles["Cash at hand"], end).value) == months["balance"].iloc[-1]


def whole_cents(dollars: float) -> int:
    return round(dollars * 100)


SHIPPED = [item.name for item in example_assumptions().scenarios]
PUBLISHED = assumed(lag={"billed_to_paid": {"days": 120}})
EDITS = {
    "lag_billed_to_paid_days": 77,
    "denials_rate": 0.1337,
    "staffing_fringe": 0.3141,
    "outreach_paid": True,
    "enrolment_delay_months": 3,
    "Summary!B4": "your_own",
    "Scenarios!F11": -0.15,
    "Scenarios!F15": 33,
    "Staff!A10": "New",
    "Staff!B10": dt.datetime(2027, 9, 15),
    "Staff!D10": 0.5,
    "Staff!E10": 58001.99,
}


@pytest.fixture(scope="module")
def given(workbook, tmp_path_factory) -> dict[str, Path]:
    """The workbooks by name, as we write them."""
    folder = tmp_path_factory.mktemp("given")
    example = example_assumptions()
    made = [write_plan_workbook(example, folder / f"{name}.xlsx", scenario=name) for name in SHIPPED]
    made.append(write_plan_workbook(PUBLISHED, folder / "published.xlsx"))
    made.append(changed(workbook, EDITS, folder / "edited.xlsx"))
    plans = {seed: parse(rich(seed), "drawn") for seed in SEEDS}
    made += [write_plan_workbook(plan, folder / f"{seed}.xlsx", scenario="drawn") for seed, plan in plans.items()]
    return {path.stem: path for path in made}


@pytest.fixture(scope="module")
def saved(given, tmp_path_factory) -> dict[str, Path]:
    """The same workbooks as LibreOffice computes them."""
    return recalculated(list(given.values()), tmp_path_factory.mktemp("recalculated"))


@pytest.mark.slow
@pytest.mark.xdist_group("soffice")
@pytest.mark.skipif(shutil.which("soffice") is None, reason="soffice (LibreOffice Calc) is not installed")
class TestLibreOffice:
    @pytest.mark.parametrize("scenario", SHIPPED)
    def test_every_monthly_figure_of_the_shipped_scenarios(self, saved, scenario):
        compare(saved[scenario], example_assumptions(), scenario)

    def test_the_board_has_every_scenario_and_one_lever_at_both_ends(self, saved):
        """Whatever is chosen, each column is that scenario's own; the last two move with the one chosen."""
        example, table = example_assumptions(), scenario_table(example_assumptions())
        ends = tornado(example, "slow_payer").set_index("lever").loc["lag_days"]
        for chosen in ("slow_payer", "denial_spike"):
            board = openpyxl.load_workbook(saved[chosen], data_only=True)["Board"]
            rows = {cell.value: cell.row for cell in board["A"] if cell.value}
            peaks = [whole_cents(cell.value) for cell in board[rows["Peak deficit"]][1 : len(SHIPPED) + 3]]
            assert peaks[:-2] == table["peak_deficit_cents"].tolist()
            if chosen == "slow_payer":
                assert peaks[-2:] == [ends["low_peak_cents"], ends["high_peak_cents"]]
            closing = [whole_cents(c.value) for c in board[rows["Running cash flow at the end"]][1 : len(SHIPPED) + 1]]
            assert closing == table["closing_cash_cents"].tolist() and board["B5"].value == "OK"
            lines = {name: [c.value or 0 for c in board[row][1:7] if c.value != ""] for name, row in rows.items()}
            first, last = rows["Net revenue"], rows["Accrual result"]
            block = [name for name, row in rows.items() if first <= row < last]
            assert [round(sum(part), 2) for part in zip(*(lines[name] for name in block), strict=True)] == [
                round(total, 2) for total in lines["Accrual result"]
            ]

    def test_the_published_example(self, saved):
        compare(saved["published"], PUBLISHED, "base")

    def test_an_edited_workbook(self, given, saved):
        plan = read_workbook(given["edited"])
        compare(saved["edited"], plan, read_scenario(given["edited"]))
        again = programme_plan(read_workbook(saved["edited"]), read_scenario(saved["edited"]))
        assert again.months.equals(programme_plan(plan, "your_own").months)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_every_monthly_figure_of_plans_drawn_at_random(self, saved, seed):
        compare(saved[str(seed)], parse(rich(seed), "drawn"), "drawn")
