"""Cash in three columns on the reconciliation page: with bank statements, and what is said without."""

import dataclasses
import datetime as dt

import polars as pl
import pytest

from rcm_analysis.exhibits.client_review.bank import NO_BANK
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.tables.schema import BANK_DEPOSITS


def page(subject):
    blocks = pages_of("client_review", subject).month_adds_up()
    return {block.payload["name"]: block.payload for block in blocks if "name" in block.payload}


@pytest.fixture
def banked(acorn):
    """The bank has every remittance payment of the month a day later, but the largest, and one of nobody's."""
    paid = acorn.tables["deposits"].collect().filter(pl.col("paid_cents") > 0).sort("paid_cents", "remit_id")
    rows = [
        {"deposit_id": row["remit_id"], "posted_on": row["received_on"] + dt.timedelta(days=1), "trace": row["trace"]}
        | {"amount_cents": row["paid_cents"], "client": row["client"], "kind": "claim_payment"}
        for row in paid[:-1].iter_rows(named=True)
    ]
    last = {"client": acorn.client.client, "kind": "other", "posted_on": acorn.as_of, "deposit_id": "last"}
    last["amount_cents"] = 500
    deposits = pl.DataFrame([*rows, last], schema=BANK_DEPOSITS.polars).lazy()
    tables = {**acorn.tables, "bank_deposits": deposits}
    return dataclasses.replace(acorn, tables=tables, _frames={})


def test_without_statements_the_page_says_that_deposits_are_the_payers_word(acorn):
    found = page(acorn)
    assert "cash_three_ways" not in found and NO_BANK in found["deposits"]["notes"]


def test_three_columns_add_up_and_say_what_is_not_there(banked):
    found = page(banked)
    rows = found["cash_three_ways"]["rows"]
    for column in (1, 2, 3):
        assert sum(row[column] or 0 for row in rows[:-1]) == rows[-1][column]
    month = banked.tables["deposits"].collect().filter(pl.col("received_on") >= banked.period.first_day)
    assert rows[-1][2] == month["paid_cents"].sum()
    assert found["bank_unmatched"]["print"] is False and not found["deposits"]["print"]
    assert NO_BANK not in found["deposits"]["notes"]
