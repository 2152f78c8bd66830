"""The menu of measures is complete, sound, and says of each number what a reader must know."""

from __future__ import annotations

import inspect
import pkgutil
import re
from importlib import import_module

import pandas as pd
import pytest

import rcm_analysis.measures
from rcm_analysis.errors import ParameterError
from rcm_analysis.measures.menu import _RECORDS, SUBJECTS, Measure, glossary, measure, menu, named, record_of, section
from rcm_analysis.periods import Period
from rcm_analysis.tables import schema

NOT_MEASURES = {"account_movements", "client_ratings", "menu", "windows"}
MODULES = [
    name.removeprefix("rcm_analysis.measures.")
    for _, name, is_package in pkgutil.walk_packages(rcm_analysis.measures.__path__, "rcm_analysis.measures.")
    if not is_package and not NOT_MEASURES & set(name.split("."))
]


def public_measures():
    """Functions of the measure modules that take tables or clients and give a frame back."""
    for name in MODULES:
        module = import_module(f"rcm_analysis.measures.{name}")
        for function in vars(module).values():
            own = (
                inspect.isfunction(function)
                and function.__module__ == module.__name__
                and not function.__name__.startswith("_")
            )
            if (
                own
                and str(inspect.signature(function).return_annotation) in ("pd.DataFrame", "DataFrame")
                and takes_tables(function)
            ):
                yield function


def takes_tables(function) -> bool:
    return next(iter(inspect.signature(function).parameters), "") in ("tables", "clients", "before")


PARTS = {
    "registry_frame",
    "low_lines",
    "inferred_steps",
    "hold",
    "claims_due",
    "aged_claims",
    "register",
    "care_claims",
    "member_months",
    "member_months_with_contacts",
    "followed",
}
"""Shared between modules of measures; no measure by themselves."""

FUNCTIONS = [
    pytest.param(function, id=function.__name__) for function in public_measures() if function.__name__ not in PARTS
]
RECORDS = [pytest.param(record, id=record.name) for record in menu().values()]


def test_there_is_something_to_check():
    assert len(FUNCTIONS) > 30 and {"receivable.ar", "denials.rates", "portfolio.book"} <= set(MODULES)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_public_measure_is_on_the_menu(function):
    assert record_of(function) is not None


UNITS = ("usd", "rate", "days", "count", "words", "date")
SECTIONS = ("Formula", "Counts", "Date basis", "Unit", "Empty", "Source")


def faults(record: Measure) -> list[str]:
    """What is wrong with a record; nothing when it is sound."""
    found = [f"docstring lacks {title}" for title in SECTIONS if not section(record.function, title)]
    found += [f"no parameter {name!r}" for name in record.options if name not in record.parameters]
    found += [] if record.unit in UNITS else [f"unit {record.unit!r}"]
    found += [] if record.good in ("up", "down", "none") else [f"good {record.good!r}"]
    return found + ([] if ">>>" in (record.function.__doc__ or "") else ["docstring lacks an example"])


@pytest.mark.parametrize("record", RECORDS)
def test_every_record_is_sound_and_its_definition_complete(record):
    assert faults(record) == []


@pytest.mark.parametrize("record", [record for record in RECORDS if "tables" in record.values[0].parameters])
def test_tables_are_the_only_positional_argument_and_time_is_always_said(record):
    first, *rest = inspect.signature(record.function).parameters.values()
    assert first.name == "tables"
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in rest)
    time = [parameter for parameter in rest if parameter.name in ("as_of", "period")]
    assert time and all(parameter.default is inspect.Parameter.empty for parameter in time)


@pytest.fixture(scope="module")
def nothing() -> dict[str, pd.DataFrame]:
    return {name: table.empty().to_pandas() for name, table in schema.TABLES.items()}


@pytest.fixture(scope="module")
def everything(builders_ledger, nothing):
    return nothing | builders_ledger.random_book(60)


def registry() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "client": ["acme"],
            "providers": 2,
            "revenue_cents": 30_000_000,
            "meeting_cadence": "monthly",
            "commission_rate": 0.05,
            "hours_per_week": 2.0,
            "meeting_day": "second tuesday",
        }
    )


def call(record, tables, month):
    arguments = {
        "as_of": month.last_day,
        "period": month,
        "clients": registry(),
        "before": registry().iloc[:0],
        "earliest": registry(),
        "after": registry(),
        "last_list": pd.DataFrame({"claim_id": ["C1"], "listed_on": [month.first_day], "open_cents": [100]}),
    }
    first, *others = record.parameters
    given = {name: arguments[name] for name in others if name in arguments}
    return record.function(tables if first == "tables" else arguments[first], **given, **record.options)


@pytest.mark.parametrize("record", RECORDS)
def test_every_measure_gives_the_column_it_promises(record, everything):
    found = call(record, everything, Period.month("2026-03"))
    assert isinstance(found, pd.DataFrame) and record.value in found
    assert (record.unit == "usd") == record.value.endswith("_cents")


@pytest.mark.parametrize("record", RECORDS)
def test_a_client_without_a_single_row_breaks_no_measure(record, nothing):
    found = call(record, nothing, Period.month("2026-03"))
    assert record.value in found
    if record.unit in ("rate", "days"):
        assert found[record.value].isna().all(), "nothing to measure is empty, never zero"


def test_the_first_pass_and_the_clean_claim_rate_never_share_a_title():
    titles = [record.title for record in menu().values()]
    assert len(set(titles)) == len(titles)


def test_the_glossary_is_filled_for_every_measure():
    found = glossary()
    assert list(found["name"]) == list(menu()) and (found != "").all(axis=None)


def test_the_menu_is_ordered_by_subject_whatever_was_imported_first():
    subjects = [record.subject for record in menu().values()]
    assert list(dict.fromkeys(subjects)) == list(SUBJECTS)
    assert subjects == sorted(subjects, key=SUBJECTS.index)


def in_notebook(source: str):
    """The function `mine` of a module called `notebook`, as it is after the module was loaded (again)."""
    names = {"__name__": "notebook", "measure": measure}
    exec(source, names)
    return names["mine"]


@pytest.fixture
def records(monkeypatch):
    monkeypatch.setattr("rcm_analysis.measures.menu._RECORDS", dict(_RECORDS))


def test_an_analyst_puts_a_measure_on_the_menu_and_loading_it_again_replaces_it(records):
    first = in_notebook('@measure("Mine", value="mine_cents", good="up")\ndef mine(tables, *, as_of): ...')
    assert named("mine").function is first and named("mine").unit == "usd" and list(menu())[-1] == "mine"
    second = in_notebook('@measure("Mine, again", unit="days")\ndef mine(tables, *, as_of): ...')
    assert named("mine").function is second and named("mine").title == "Mine, again"
    assert record_of(first) == named("mine"), "the record of a function is found by where it stands, not by the object"


def test_two_measures_of_one_name_are_refused(records):
    with pytest.raises(ValueError, match="Two measures are called cash: .*rates.*notebook"):
        in_notebook('def cash(tables): ...\nmine = measure("Cash")(cash)')


def test_options_make_several_measures_of_one_function():
    assert named("aged_share_90").function is named("aged_share_120").function
    assert dict(named("aged_share_120").options) == {"days": 120}


def test_an_unknown_measure_is_refused_with_the_closest():
    with pytest.raises(ParameterError, match="days_in_ar"):
        named("days_in_arr")


@pytest.mark.parametrize("record", RECORDS)
def test_a_definition_cites_nothing_that_a_stranger_cannot_find(record):
    """Working papers have no place in a definition, nor has the name of a constant of ours."""
    text = " ".join(inspect.getdoc(record.function).split(">>>")[0].split())
    assert not re.findall(r"\bDOMAIN\b|\bDESIGN\b|\b[Ss]eed (?:\d|\")|\bseed: ", text)
    assert not re.findall(r"`[A-Z_]+`", record.source)
