"""The store: replaced month by month, replayed as of a day, whole after a crash."""

import datetime as dt
import json
import os

import polars as pl
import pytest

from rcm_analysis.errors import StoreError, TableError
from rcm_analysis.periods import Period
from rcm_analysis.tables import store as store_module
from rcm_analysis.tables.schema import ACTIONS, FEE_SCHEDULES, TABLES, TRANSACTIONS
from rcm_analysis.tables.store import Store, is_active

DAY = dt.date


def posting(number: str, day: dt.date, cents: int = 100, **other) -> dict:
    row = dict.fromkeys(TRANSACTIONS.names)
    return (
        row
        | {
            "client": "a",
            "transaction_id": number,
            "claim_id": "1",
            "kind": "charge",
            "party": "primary",
            "amount_cents": cents,
            "happened_on": day,
            "posted_on": day,
        }
        | other
    )


def frame(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=TRANSACTIONS.polars)


@pytest.fixture
def store(tmp_path) -> Store:
    store = Store(tmp_path / "store")
    with store.change("a") as change:
        change.replace(
            TRANSACTIONS,
            frame(posting("t1", DAY(2026, 1, 31)), posting("t2", DAY(2026, 2, 1)), posting("t3", DAY(2026, 2, 28))),
        )
    return store


def ids(store: Store, as_of: dt.date | None = None) -> list[str]:
    return sorted(store.tables(["a"], as_of=as_of)["transactions"].collect()["transaction_id"])


def test_a_month_is_replaced_and_the_others_stay(store):
    with store.change("a") as change:
        change.replace(TRANSACTIONS, frame(posting("t9", DAY(2026, 2, 14))))
    assert ids(store) == ["t1", "t9"]


def test_append_takes_the_place_of_the_same_key_even_in_another_month(store):
    with store.change("a") as change:
        change.append(TRANSACTIONS, frame(posting("t2", DAY(2026, 3, 5), 7), posting("t4", DAY(2026, 1, 2))))
    assert ids(store) == ["t1", "t2", "t3", "t4"]
    assert store.open("a").read("transactions")["amount_cents"].sum() == 307


def test_replace_all_forgets_every_other_month(store):
    with store.change("a") as change:
        change.replace_all(TRANSACTIONS, frame(posting("t9", DAY(2026, 5, 1))))
    assert ids(store) == ["t9"]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        pytest.param(DAY(2026, 1, 30), [], id="nothing was known the day before the first posting"),
        pytest.param(DAY(2026, 1, 31), ["t1"], id="a posting is known on its own day"),
        pytest.param(DAY(2026, 2, 27), ["t1", "t2"], id="a later posting is not known yet"),
        pytest.param(None, ["t1", "t2", "t3"], id="without a day, all is known"),
    ],
)
def test_the_past_is_replayed(store, as_of, expected):
    assert ids(store, as_of) == expected


def test_an_action_closed_later_is_open_again_in_the_past(tmp_path):
    store = Store(tmp_path)
    row = {
        "client": "a",
        "action_id": "1",
        "opened_on": DAY(2026, 1, 5),
        "title": "call",
        "category": None,
        "owner": "us",
        "due_on": DAY(2026, 1, 20),
        "amount_cents": 5,
        "closed_on": DAY(2026, 2, 3),
        "outcome": "done",
        "recovered_cents": 4,
    }
    with store.change("a") as change:
        change.append(ACTIONS, pl.DataFrame([row], schema=ACTIONS.polars))
    then = store.tables(["a"], as_of=DAY(2026, 1, 31))["actions"].collect().row(0, named=True)
    now = store.tables(["a"], as_of=DAY(2026, 2, 28))["actions"].collect().row(0, named=True)
    assert (then["closed_on"], then["outcome"], then["recovered_cents"]) == (None, None, None)
    assert now["outcome"] == "done"


def test_a_table_nobody_delivered_is_there_without_rows(store):
    table = store.tables(["a"])["work_log"].collect()
    assert table.is_empty() and "worked_on" in table.columns


def test_an_unknown_table_names_the_closest(store):
    with pytest.raises(KeyError, match="Closest: claims"):
        store.tables(["a"])["claim"]


def test_a_client_called_007_stays_text(tmp_path):
    store = Store(tmp_path)
    with store.change("007") as change:
        change.append(TRANSACTIONS, frame(posting("t1", DAY(2026, 1, 1), client="007")))
    assert store.tables(["007"])["transactions"].collect()["client"].to_list() == ["007"]


def test_an_error_inside_the_change_leaves_everything_as_it_was(store):
    before = store.open("a").manifest
    with pytest.raises(RuntimeError), store.change("a") as change:
        change.replace_all(TRANSACTIONS, frame(posting("t9", DAY(2026, 5, 1))))
        raise RuntimeError("the power went")
    assert store.open("a").manifest == before and ids(store) == ["t1", "t2", "t3"]


@pytest.mark.parametrize("step", range(1, 4))
def test_a_crash_while_writing_leaves_the_old_store_whole(store, monkeypatch, step):
    """os.replace renames each new Parquet file and, last, the manifest: stop before each of them."""
    calls = iter(range(1, 100))
    real = os.replace

    def dies(source, target):
        if next(calls) == step:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(store_module.os, "replace", dies)
    with pytest.raises(KeyboardInterrupt), store.change("a") as change:
        change.replace(TRANSACTIONS, frame(posting("t8", DAY(2026, 2, 14)), posting("t9", DAY(2026, 3, 14))))
    monkeypatch.undo()
    assert ids(store) == ["t1", "t2", "t3"]
    with store.change("a") as change:
        change.replace(TRANSACTIONS, frame(posting("t8", DAY(2026, 2, 14))))
    assert ids(store) == ["t1", "t8"]


def test_equal_content_has_equal_fingerprints(store, tmp_path):
    other = Store(tmp_path / "other")
    with other.change("a") as change:
        change.append(
            TRANSACTIONS,
            frame(posting("t3", DAY(2026, 2, 28)), posting("t1", DAY(2026, 1, 31)), posting("t2", DAY(2026, 2, 1))),
        )
    assert other.open("a").fingerprints() == store.open("a").fingerprints()
    with other.change("a") as change:
        change.append(TRANSACTIONS, frame(posting("t1", DAY(2026, 1, 31), 101)))
    assert other.open("a").fingerprints()["transactions"] != store.open("a").fingerprints()["transactions"]
    assert other.open("a").fingerprints()["claims"] == store.open("a").fingerprints()["claims"]


def test_a_second_ingest_of_the_same_client_is_refused(store):
    with store.change("a"), pytest.raises(StoreError, match="Another ingest"), store.change("a"):
        pass


def test_what_breaks_the_schema_never_reaches_the_store(store):
    doubled = frame(posting("t9", DAY(2026, 3, 1)), posting("t9", DAY(2026, 3, 2)))
    with pytest.raises(TableError, match="not unique"), store.change("a") as change:
        change.replace(TRANSACTIONS, doubled)
    assert ids(store) == ["t1", "t2", "t3"]


def test_files_that_nothing_names_stay_for_a_day(store):
    with store.change("a") as change:
        change.replace(TRANSACTIONS, frame(posting("t9", DAY(2026, 2, 14))))
    with store.change("a"):
        pass
    files = list((store.folder / "a").rglob("*.parquet"))
    assert len(files) == 3, "a reader of an earlier state can finish"
    for path in files:
        age(path, hours=25)
    with store.change("a"):
        pass
    assert len(list((store.folder / "a").rglob("*.parquet"))) == 2, "and what the manifest names stays however old"
    assert ids(store) == ["t1", "t9"]


def age(path, *, hours: int) -> None:
    then = path.stat().st_mtime - 3600 * hours
    os.utime(path, (then, then))


def test_delete_removes_the_client_and_only_what_is_ours(store, tmp_path):
    store.delete("a")
    assert store.clients() == []
    (tmp_path / "store" / "b").mkdir(parents=True)
    with pytest.raises(StoreError, match="nothing was deleted"):
        store.delete("b")


def test_an_unreadable_manifest_says_so(store):
    (store.folder / "a" / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match=r"damaged.*rcm repair a"):
        store.open("a")
    (store.folder / "a" / "manifest.json").write_text(json.dumps({"version": 99, "client": "a"}))
    with pytest.raises(StoreError, match="version"):
        store.open("a")


def test_a_table_without_a_known_day_is_one_partition(tmp_path):
    store = Store(tmp_path)
    row = {
        "client": "a",
        "payer": "m",
        "procedure": "00100",
        "modifiers": "",
        "effective_from": DAY(2026, 1, 1),
        "effective_to": None,
        "allowed_cents": 5,
        "source": None,
    }
    with store.change("a") as change:
        change.replace_all(FEE_SCHEDULES, pl.DataFrame([row], schema=FEE_SCHEDULES.polars))
    assert store.tables(["a"], as_of=DAY(2020, 1, 1))["fee_schedules"].collect()["procedure"].to_list() == ["00100"]


def test_what_was_stored_before_a_column_was_added_holds_it_empty(store, monkeypatch):
    from dataclasses import replace

    from rcm_analysis.tables.schema import TABLES, Column

    wider = replace(TRANSACTIONS, columns=(*TRANSACTIONS.columns, Column("channel", "text", "how it was paid", True)))
    monkeypatch.setitem(TABLES, "transactions", wider)
    assert store.open("a").read("transactions")["channel"].to_list() == [None, None, None]
    with store.change("a") as change:
        change.append(wider, frame(posting("t4", DAY(2026, 2, 2))).with_columns(channel=pl.lit("card")))
    found = store.open("a").read("transactions").sort("transaction_id")
    assert found["channel"].to_list() == [None, None, None, "card"] and found.columns == wider.names


@pytest.mark.parametrize(
    ("services", "month", "active"),
    [
        (["claims"], "2026-03", True),
        (["claims"], "2026-02", False),  # the day of service is no day of posting
        (["self_pay"], "2026-03", True),
        (["patient_engagement"], "2026-03", False),
        (["patient_engagement"], "2026-04", True),  # booked
        (["patient_engagement"], "2026-05", True),  # to be seen
        (["patient_engagement", "claims"], "2026-06", False),
    ],
)
def test_a_month_is_active_when_something_of_a_service_falls_into_it(services, month, active):
    frames = {name: table.empty() for name, table in TABLES.items()}
    day = dt.date(2026, 3, 5)
    posting = {"posted_on": day, "happened_on": dt.date(2026, 2, 5)}
    slot = {"booked_on": dt.date(2026, 4, 1), "scheduled_on": dt.date(2026, 5, 1)}
    for name, row in (("transactions", posting), ("appointments", slot)):
        frames[name] = pl.concat([frames[name], pl.DataFrame([row])], how="diagonal_relaxed")
    tables = {name: frame.lazy() for name, frame in frames.items()}
    assert is_active(tables, services, Period.month(month)) == active
