"""Answers beside a store: what is worked out from new files is never mixed with what is known of the old ones."""

import datetime as dt
from types import SimpleNamespace

import polars as pl
import pytest

from builders.acorn import OCTOBER, invented
from rcm_analysis.exhibits.portfolio_overview.facts import _asked as prepare
from rcm_analysis.exhibits.portfolio_overview.facts import asked_of_each
from rcm_analysis.ledger.adjudications import claim_adjudications, first_adjudications, line_adjudications
from rcm_analysis.ledger.postings import disguised_postings
from rcm_analysis.measures.collections.rates import cash
from rcm_analysis.measures.denials.rates import initial_denial_rate_claims_remitted
from rcm_analysis.measures.menu import measure, menu
from rcm_analysis.measures.receivable.ar import aging, days_in_ar
from rcm_analysis.periods import Period
from rcm_analysis.tables.schema import TABLES, TRANSACTIONS
from rcm_analysis.tables.store import Store

DAY = OCTOBER.last_day
CLIENTS = ("acorn-clinic", "birch-care")


@pytest.fixture
def store(tmp_path) -> Store:
    store = Store(tmp_path)
    for client in CLIENTS:
        with store.change(client) as change:
            for name, rows in invented(client).items():
                if len(rows) and name != "payers":
                    change.replace(TABLES[name], rows)
    return store


def opened(store: Store, day: dt.date = DAY):
    return store.tables([CLIENTS[0]], as_of=day).in_memory()


def plain(store: Store, day: dt.date = DAY) -> dict[str, pl.LazyFrame]:
    return dict(store.tables([CLIENTS[0]], as_of=day))


def asked(tables, day: dt.date = DAY) -> list:
    month = Period.of(day)
    return [
        aging(tables, as_of=day, by=["payer"]),
        days_in_ar(tables, as_of=day),
        cash(tables, period=month),
        initial_denial_rate_claims_remitted(tables, period=month.trailing(3), by=["payer"]),
    ]


def equal(found: list, expected: list) -> bool:
    return all(one.equals(other) for one, other in zip(found, expected, strict=True))


def test_a_second_report_reads_what_the_first_one_worked_out(store, monkeypatch):
    tables = opened(store)
    expected = asked(tables)
    tables.save()
    monkeypatch.setattr("rcm_analysis.tables.frames._worked_out", lambda *asked: pytest.fail("worked out again"))
    assert equal(asked(opened(store)), expected)


def test_earlier_months_stand_in_files_of_their_own_and_are_as_known_then(store):
    for day in (OCTOBER.shift(-2).last_day, DAY, OCTOBER.shift(-2).last_day):
        tables = opened(store, day)
        assert equal(asked(tables, day), asked(plain(store, day), day))
        tables.save()


def test_what_is_taken_in_is_in_every_answer_after_that(store):
    tables = opened(store)
    before = asked(tables)
    tables.save()
    row = dict.fromkeys(TRANSACTIONS.names) | {
        "client": CLIENTS[0],
        "transaction_id": "late",
        "kind": "payment",
        "party": "primary",
        "amount_cents": -12345,
        "happened_on": DAY,
        "posted_on": DAY,
    }
    with store.change(CLIENTS[0]) as change:
        change.append(TRANSACTIONS, pl.DataFrame([row], schema=TRANSACTIONS.polars))
    after = asked(opened(store))
    assert equal(after, asked(plain(store)))
    assert after[2]["cash_cents"].iloc[0] == before[2]["cash_cents"].iloc[0] + 12345
    assert asked(tables)[2].equals(before[2])  # a report that is under way stays with what it opened


def test_a_book_gets_the_same_from_summaries_as_from_all_ledgers(store):
    tables = store.tables(list(CLIENTS), as_of=DAY)
    for _ in range(2):
        for record, given in (("cash", {"period": OCTOBER}), ("days_in_ar", {"as_of": DAY})):
            measured = menu()[record].function
            assert measured(tables, by=["client"], **given).equals(measured(dict(tables), by=["client"], **given))


def test_a_book_opens_no_ledger_for_what_it_knows(store, monkeypatch):
    expected = days_in_ar(store.tables(list(CLIENTS), as_of=DAY), as_of=DAY, by=["client"])
    for path in store.folder.rglob("transactions/*.parquet"):
        path.unlink()
    assert days_in_ar(store.tables(list(CLIENTS), as_of=DAY), as_of=DAY, by=["client"]).equals(expected)


def test_an_overview_asks_each_client_once_and_then_no_ledger(store):
    book = SimpleNamespace(period=OCTOBER, as_of=DAY, tables=store.tables(list(CLIENTS), as_of=DAY), service_levels={})
    expected = [ask(dict(book.tables)) for ask in asked_of_each(book)]
    prepare(book)
    for path in store.folder.rglob("*.parquet"):
        path.unlink()
    known = store.tables(list(CLIENTS), as_of=DAY)
    assert equal([ask(known) for ask in asked_of_each(book)], expected)


def test_a_measure_from_elsewhere_is_not_stored(store, monkeypatch):
    """Its code is not ours to know: it may change while the data stay."""
    monkeypatch.setattr("rcm_analysis.measures.menu._RECORDS", {})
    answers = iter(range(1, 9))

    @measure("Of an analyst", value="n")
    def of_an_analyst(tables, *, as_of):
        return cash(tables, period=Period.of(as_of)).assign(n=next(answers))

    for number in (1, 2):
        tables = opened(store)
        assert of_an_analyst(tables, as_of=DAY)["n"].tolist() == [number]
        assert of_an_analyst(tables, as_of=DAY)["n"].tolist() == [number]
        tables.save()


@pytest.mark.parametrize("months", [1, 4, 7])
def test_what_is_known_now_and_was_known_then_is_what_was_known_then(store, months):
    """Facts carry the day on which they became known: those of October as of June are those of June."""
    then = OCTOBER.shift(-months).last_day
    for decided in (line_adjudications, claim_adjudications, first_adjudications):
        now, at_the_time = (
            decided(opened(store, day), as_of=then).collect("polars").to_native() for day in (DAY, then)
        )
        assert now.height and now.sort("remit_claim_id").equals(at_the_time.select(now.columns).sort("remit_claim_id"))
    flags = [disguised_postings(opened(store, day)).collect("polars").to_native() for day in (DAY, then)]
    posted = plain(store, then)["transactions"].collect()
    assert (
        flags[0]
        .join(posted, on="transaction_id", how="semi")
        .sort("transaction_id")
        .equals(flags[1].sort("transaction_id"))
    )
