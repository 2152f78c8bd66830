"""The menu of measures is complete, sound, and says of each number what a reader must know."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import pandas as pd
import pytest

import rcm_analysis.measures
from rcm_analysis.errors import ParameterError
from rcm_analysis.measures import catalogue
from rcm_analysis.periods import Period
from rcm_analysis.tables import schema

NOT_MEASURES = {"account_movements", "catalogue", "comparisons", "menu"}
MODULES = [
    name.removeprefix("rcm_analysis.measures.")
    for _, name, is_package in pkgutil.walk_packages(rcm_analysis.measures.__path__, "rcm_analysis.measures.")
    if not is_package and not NOT_MEASURES & set(name.split("."))
]


def public_measures():
    """Functions of the measure modules that take tables or clients and give a frame back."""
    for name in MODULES:
        module = importlib.import_module(f"rcm_analysis.measures.{name}")
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


PARTS = {"registry_frame", "low_lines", "inferred_steps", "hold"}
"""Shared between modules of measures; no measure by themselves."""

FUNCTIONS = [
    pytest.param(function, id=function.__name__) for function in public_measures() if function.__name__ not in PARTS
]
RECORDS = [pytest.param(record, id=record.name) for record in catalogue.CATALOGUE.values()]


def test_there_is_something_to_check():
    assert len(FUNCTIONS) > 30 and {"receivable.ar", "denials.rates", "portfolio.book"} <= set(MODULES)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_public_measure_is_in_the_catalogue(function):
    assert catalogue.record_of(function) is not None


@pytest.mark.parametrize("record", RECORDS)
def test_every_record_is_sound_and_its_definition_complete(record):
    assert catalogue.check_record(record) == []
    assert set(record.tables) <= {*schema.TABLES, "clients"}


@pytest.mark.parametrize("record", [record for record in RECORDS if "tables" in record.values[0].parameters])
def test_tables_are_the_only_positional_argument_and_time_is_always_said(record):
    first, *rest = inspect.signature(record.function).parameters.values()
    assert first.name == "tables"
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in rest)
    time = [parameter for parameter in rest if parameter.name in ("as_of", "period")]
    assert time and all(parameter.default is inspect.Parameter.empty for parameter in time)


@pytest.fixture(scope="module")
def everything(builders_ledger):
    book = builders_ledger.random_book(60)
    return {**{name: table.empty().to_pandas() for name, table in schema.TABLES.items()}, **book}


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
def test_a_client_without_a_single_row_breaks_no_measure(record):
    nothing = {name: table.empty().to_pandas() for name, table in schema.TABLES.items()}
    found = call(record, nothing, Period.month("2026-03"))
    assert record.value in found
    if record.unit in ("rate", "days"):
        assert found[record.value].isna().all(), "nothing to measure is empty, never zero"


def test_the_first_pass_and_the_clean_claim_rate_never_share_a_title():
    titles = [record.title for record in catalogue.CATALOGUE.values()]
    assert len(set(titles)) == len(titles)


def test_the_glossary_is_filled_for_every_measure():
    glossary = catalogue.glossary()
    assert len(glossary) == len(catalogue.CATALOGUE) and (glossary != "").all(axis=None)


def test_an_unknown_measure_is_refused_with_the_closest():
    with pytest.raises(ParameterError, match="days_in_ar"):
        catalogue.measure("days_in_arr")


@pytest.mark.parametrize("record", RECORDS)
def test_a_definition_cites_nothing_that_a_stranger_cannot_find(record):
    """Working papers have no place in a definition, nor has the name of a constant of ours."""
    text = " ".join(inspect.getdoc(record.function).split(">>>")[0].split())
    assert not re.findall(r"\bDOMAIN\b|\bDESIGN\b|\b[Ss]eed (?:\d|\")|\bseed: ", text)
    assert not re.findall(r"`[A-Z_]+`", record.source)
