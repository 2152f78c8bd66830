"""Tables that keep what is derived from them give the same answers as plain ones, measure by measure."""

import inspect

import pandas as pd
import polars as pl
import pytest

from builders.acorn import OCTOBER, invented, subject_of
from rcm_analysis.ledger.completeness import never_charged, phantoms, relations_to_date
from rcm_analysis.ledger.reconciliation import deposits_check, roll_forward_check
from rcm_analysis.measures.menu import menu
from rcm_analysis.measures.payers.due import claims_due
from rcm_analysis.measures.receivable.ar import aged_claims
from rcm_analysis.models.drivers.explained import denied_rows, why
from rcm_analysis.models.worklist.ranking import worklist
from rcm_analysis.tables.clients import Registry
from rcm_analysis.tables.derived import Shelf
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.store import Tables, known_by

DAY = OCTOBER.last_day
GIVEN = {"period": OCTOBER, "as_of": DAY}


@pytest.fixture(scope="module")
def plain():
    return dict(subject_of(invented()).tables)


@pytest.fixture(scope="module")
def keeping():
    frames = {name: known_by(frame.lazy(), TABLES[name], DAY) for name, frame in invented().items()}
    return Tables(frames, DAY).in_memory()


def answered(record, tables, **other):
    takes = inspect.signature(record.function).parameters
    given = {name: value for name, value in (GIVEN | other).items() if name in takes} | dict(record.options)
    lacking = [n for n, p in takes.items() if p.default is p.empty and n not in given and n != "tables"]
    if "tables" not in takes or lacking:
        pytest.skip("needs more than tables, month and day")
    return record.function(tables, **given)


@pytest.mark.parametrize("name", sorted(menu()))
def test_a_measure_gives_the_same_with_memory_and_without(name, plain, keeping):
    record = menu()[name]
    expected = answered(record, plain)
    assert answered(record, keeping).equals(expected)
    assert answered(record, keeping).equals(expected)  # from memory


@pytest.mark.parametrize(
    "name", ["initial_denial_rate_lines_remitted", "denial_reasons", "net_collection_rate_matured"]
)
def test_memory_of_one_day_answers_for_earlier_days(name, plain, keeping):
    for months in (1, 3):
        earlier = OCTOBER.shift(-months)
        given = {"period": earlier, "as_of": earlier.last_day}
        assert answered(menu()[name], keeping, **given).equals(answered(menu()[name], plain, **given))


def test_the_worklist_is_the_same_with_memory_and_without(plain, keeping):
    assert worklist(keeping, as_of=DAY).equals(worklist(plain, as_of=DAY))


DERIVED = {
    "relations": lambda tables, month: relations_to_date(tables, as_of=month.last_day, period=month),
    "claims due": lambda tables, month: claims_due(tables, period=month),
    "why denied": lambda tables, month: why(tables, "denied_charges", period=month.trailing(3)),
    "why cash": lambda tables, month: why(tables, "cash", period=month),
    "denied rows": lambda tables, month: denied_rows(tables, period=month.trailing(6)),
    "roll-forward": lambda tables, month: roll_forward_check(tables, period=month.trailing(2)),
    "deposits": lambda tables, month: deposits_check(tables, as_of=month.last_day),
    "aged claims": lambda tables, month: aged_claims(
        tables, as_of=month.last_day, clock="responsibility", parties=("patient",)
    ),
    "never charged": lambda tables, month: pd.Series(sorted(never_charged(tables, as_of=month.last_day))),
    "phantoms": lambda tables, month: phantoms(tables, as_of=month.last_day),
}


@pytest.mark.parametrize("months", [0, 1, 4], ids=lambda months: f"{months} months ago")
@pytest.mark.parametrize("name", DERIVED)
def test_what_is_stored_is_the_same_as_worked_out_plainly_on_each_day(name, months, tmp_path):
    month, derive = OCTOBER.shift(-months), DERIVED[name]
    known = {table: known_by(frame.lazy(), TABLES[table], month.last_day) for table, frame in invented().items()}
    expected, held = derive(known, month), []
    for _ in range(2):
        tables = Tables(known, month.last_day, Shelf(tmp_path, "state")).in_memory()
        found = derive(tables, month)
        assert found.equals(expected) if isinstance(expected, (pd.DataFrame, pd.Series)) else found == expected
        tables.save()
        held.append(list(tmp_path.glob("answer*")))
    assert held[0] and held[0] == held[1], "the second time it is read"


def test_relations_are_told_apart_by_what_was_set_aside_and_by_the_registry(tmp_path):
    known = {table: known_by(frame.lazy(), TABLES[table], DAY) for table, frame in invented().items()}
    tables = Tables(known, DAY, Shelf(tmp_path, "state")).in_memory()
    row = {"client": "acorn", "table": "claims", "rule": "odd", "amount_cents": 12300, "known_on": DAY, "file": "a"}
    aside = pl.DataFrame([row | {"row": 1, "column": "", "message": "", "text": ""}])
    found = [relations_to_date(tables, as_of=DAY, period=OCTOBER, aside=rows) for rows in (aside.clear(), aside)]
    assert [frame.loc[frame["relation"] == "set_aside", "amount_cents"].sum() for frame in found] == [0, 12300]
    one, other = (
        Registry(firm, {}, {}, tmp_path / "clients.toml").fingerprint for firm in ("Acorn Billing", "Other Billing")
    )
    assert one != other
