"""The tables of the services: part of the store, keyed by client, two dates where something is learned late."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from rcm_analysis.tables.clients import SERVICES
from rcm_analysis.tables.schema import ACTIONS, TABLES, check
from rcm_analysis.tables.schema_base import Table, columns
from rcm_analysis.tables.schema_services import DISPUTES, OUT_OF_SCOPE, SERVICE_TABLES, TABLES_OF_SERVICE
from rcm_analysis.tables.store import known_by

EVERY = pytest.mark.parametrize("table", SERVICE_TABLES.values(), ids=lambda table: table.name)


def test_every_service_but_claims_has_tables_and_the_store_has_them_all():
    assert set(TABLES_OF_SERVICE) == set(SERVICES) - {"claims"}
    assert set(SERVICE_TABLES) < set(TABLES)
    assert sum(map(len, TABLES_OF_SERVICE.values())) == len(SERVICE_TABLES)


@EVERY
def test_a_table_follows_the_conventions_of_the_store(table: Table):
    assert table.names[0] == table.key[0] == "client"
    assert check(table.empty(), table, "nothing").is_empty()
    for column in table.columns:
        kind = {"_cents": "cents", "_on": "date", "_from": "date", "_to": "date"}
        for ending, wanted in kind.items():
            assert not column.name.endswith(ending) or column.kind == wanted or column.name.startswith("call_"), (
                column.name
            )
        assert column.kind != "flag" or column.name.startswith(("is_", "has_")), column.name
        assert column.note and (not column.values or column.kind == "text")


@EVERY
def test_what_makes_a_row_known_is_never_empty_and_what_is_learned_later_may_be(table: Table):
    assert not table.known_on or not table.column(table.known_on).empty
    assert all(table.column(name).empty for name in table.key) is False
    for day, names in table.later:
        assert table.column(day).kind == "date" and table.known_on not in (day, *names)


def test_out_of_scope_work_is_a_kind_of_account_change():
    assert set(OUT_OF_SCOPE) < set(SERVICE_TABLES["account_changes"].column("kind").values)


def test_a_table_that_hides_a_required_column_is_refused():
    with pytest.raises(AssertionError, match="odd"):
        Table("odd", "a row", ("client",), columns(("closed_on", "date", "the end")), later=(("closed_on", ()),))


@pytest.mark.parametrize(
    ("as_of", "seen"),
    [
        pytest.param(dt.date(2026, 3, 1), [], id="before it was opened nobody knows of it"),
        pytest.param(dt.date(2026, 3, 9), [(None, None, None)], id="while it is open, nobody knows how it ended"),
        pytest.param(
            dt.date(2026, 3, 20),
            [(dt.date(2026, 3, 20), "adjusted", 500)],
            id="on the day of the decision all is known",
        ),
        pytest.param(None, [(dt.date(2026, 3, 20), "adjusted", 500)], id="without a day everything is known"),
    ],
)
def test_a_dispute_is_replayed_as_it_stood(as_of, seen):
    row = {
        "client": "a",
        "dispute_id": "1",
        "patient": "p",
        "claim_id": "c",
        "opened_on": dt.date(2026, 3, 5),
        "reason": "amount",
        "amount_cents": 1000,
        "closed_on": dt.date(2026, 3, 20),
        "outcome": "adjusted",
        "adjusted_cents": 500,
    }
    rows = known_by(pl.LazyFrame([row], schema=DISPUTES.polars), DISPUTES, as_of).collect()
    assert rows.select("closed_on", "outcome", "adjusted_cents").rows() == seen


def test_actions_closed_later_stay_open_as_before():
    row = {
        "client": "a",
        "action_id": "1",
        "opened_on": dt.date(2026, 1, 5),
        "title": "t",
        "category": None,
        "owner": "o",
        "due_on": dt.date(2026, 2, 1),
        "amount_cents": 1,
        "closed_on": dt.date(2026, 3, 1),
        "outcome": "done",
        "recovered_cents": 7,
    }
    rows = known_by(pl.LazyFrame([row], schema=ACTIONS.polars), ACTIONS, dt.date(2026, 2, 1)).collect()
    assert rows.select("closed_on", "outcome", "recovered_cents").rows() == [(None, None, None)]
