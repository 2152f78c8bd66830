"""What the receivable is worth: by hand where everything is regular, and tied to the outlook and the ledger."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from builders import ledger_tables as b
from rcm_analysis.errors import ParameterError
from rcm_analysis.measures.receivable import ar
from rcm_analysis.models.cash.collectable import collectable_value
from rcm_analysis.models.cash.next_months import outlook

AS_OF = dt.date(2026, 6, 30)


def steady(paid=-6_000, adjusted=-3_000, written_off=-1_000, start="2025-07-01", party="primary"):
    """A hundred dollars charged every day; twenty days later 60 are paid and 30 adjusted, ten days on 10 written
    off."""
    rows = []
    for number, day in enumerate(pd.date_range(start, "2026-06-30")):
        name = str(number)
        later, last = day + pd.Timedelta(days=20), day + pd.Timedelta(days=30)
        rows += [
            b.post(name, "charge", 10_000, f"{day:%Y-%m-%d}", party=party),
            b.post(name, "payment", paid, f"{later:%Y-%m-%d}", party=party),
            b.post(name, "contractual", adjusted, f"{later:%Y-%m-%d}", party=party),
            b.post(name, "write_off", written_off, f"{last:%Y-%m-%d}", party=party),
        ]
    return b.tables(*rows)


def test_of_young_dollars_sixty_are_collected_of_old_ones_nothing():
    """Twenty balances of 100 dollars wait for the payer (60 + 30 + 10), ten of 10 dollars for their write-off."""
    found = collectable_value(steady(), as_of=AS_OF).iloc[0]
    assert found[["open_cents", "collectable_cents", "adjusted_cents", "lost_cents", "unknown_cents"]].tolist() == [
        210_000,
        120_000,
        60_000,
        30_000,
        0,
    ]
    assert found["collectable_share"] == pytest.approx(120 / 210)


def test_by_age_bucket_the_old_are_worth_less():
    book = steady()
    stuck = [b.post("stuck", "charge", 5_000, "2026-01-15")]
    tables = {**book, "transactions": pd.concat([book["transactions"], b.tables(*stuck)["transactions"]])}
    tables["claims"] = pd.concat([book["claims"], b.tables(*stuck)["claims"]])
    found = collectable_value(tables, as_of=AS_OF, by=["bucket"]).set_index("bucket")
    assert found.loc["over 120", "open_cents"] == 5_000 and found.loc["over 120", "collectable_cents"] == 0
    assert found.loc["0-30", "open_cents"] == 210_000


def test_too_short_a_history_leaves_the_worth_empty():
    found = collectable_value(steady(start="2026-05-01"), as_of=AS_OF).iloc[0]
    assert found["open_cents"] == 210_000
    assert found[["collectable_cents", "adjusted_cents", "lost_cents", "collectable_share"]].isna().all()


def test_nothing_posted_is_a_row_of_zeros_and_no_row_by_payer():
    found = collectable_value(b.tables(), as_of=AS_OF)
    assert found["open_cents"].tolist() == [0] and found["collectable_share"].isna().all()
    assert collectable_value(b.tables(), as_of=AS_OF, by=["payer"]).empty


def test_a_party_without_any_history_is_unknown_not_worthless():
    book = steady()
    fresh = b.tables(b.post("new", "transfer", 700, "2026-06-20", party="patient"))
    tables = {
        **book,
        "transactions": pd.concat([book["transactions"], fresh["transactions"]]),
        "claims": pd.concat([book["claims"], fresh["claims"]]),
    }
    found = collectable_value(tables, as_of=AS_OF, by=["party"]).set_index("party")
    assert found.loc["patient", ["open_cents", "unknown_cents", "collectable_cents"]].tolist() == [700, 700, 0]
    assert pd.isna(found.loc["patient", "collectable_share"]) and found.loc["primary", "unknown_cents"] == 0


@pytest.fixture(scope="module")
def book():
    return b.random_book()


def test_it_ties_to_the_receivable_and_to_the_outlook(book):
    day = dt.date(2026, 3, 31)
    found = collectable_value(book, as_of=day, by=["party", "payer"]).set_index(["party", "payer"])
    assert found["open_cents"].sum() == ar.open_balances(book, as_of=day)["ar_cents"].sum()
    known = outlook(book, as_of=day, months=1).receivable.set_index(["party", "payer"])["collectible_cents"]
    assert found["collectable_cents"].to_dict() == known[known.index.isin(found.index)].to_dict()
    for by in ([], ["payer"], ["bucket"], ["client", "party"]):
        rows = collectable_value(book, as_of=day, by=by)
        parts = rows["collectable_cents"] + rows["adjusted_cents"] + rows["lost_cents"] + rows["unknown_cents"]
        assert (rows["open_cents"] == parts).all() and rows["collectable_share"].dropna().between(0, 1).all()


def test_with_every_dollar_doubled_the_worth_doubles(book):
    twice = {**book, "transactions": book["transactions"].assign(amount_cents=book["transactions"]["amount_cents"] * 2)}
    day = dt.date(2026, 3, 31)
    ours, theirs = collectable_value(book, as_of=day).iloc[0], collectable_value(twice, as_of=day).iloc[0]
    assert theirs["collectable_cents"] == pytest.approx(2 * ours["collectable_cents"], abs=1)
    assert theirs["collectable_share"] == pytest.approx(ours["collectable_share"], abs=1e-4)


def test_another_column_is_refused(book):
    with pytest.raises(ParameterError, match="bucket"):
        collectable_value(book, as_of=AS_OF, by=["provider"])
