"""Visits nobody charged on the deep dive: the table, the list and the action say the same, and only where data are."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from builders.page_checks import assert_prints
from rcm_analysis.exhibits.ar_deep_dive.facts import Facts
from rcm_analysis.exhibits.ar_deep_dive.indicators import indicators
from rcm_analysis.exhibits.ar_deep_dive.visits import visits
from rcm_analysis.exhibits.register.action import settle
from rcm_analysis.exhibits.register.habits import unbilled_visits
from rcm_analysis.measures.denials.rates import initial_denial_rate_claims_submitted
from rcm_analysis.tables.schema import TABLES


@pytest.fixture(scope="module")
def booked(acorn):
    """Each claim of Acorn has its visit; the claims of a tenth are gone, so that those visits have none."""
    claims = acorn.tables["claims"].lazy().collect().with_row_index()
    kept = claims.select(
        "client",
        "patient",
        "provider",
        "location",
        pl.col("index").cast(pl.String).alias("appointment_id"),
        pl.col("service_on").alias("scheduled_on"),
        pl.lit("kept").alias("status"),
    )
    appointments = pl.concat([TABLES["appointments"].empty(), kept], how="diagonal_relaxed")
    left = claims.filter(pl.col("index") % 10 != 3).drop("index")
    tables = {**acorn.tables, "appointments": appointments.lazy(), "claims": left.lazy()}
    return replace(acorn, tables=tables, _frames={})


def test_the_page_the_list_and_the_action_add_up(booked):
    facts = Facts(booked)
    blocks = visits(facts)
    assert_prints(blocks)
    tables = {block.payload["name"]: block.payload for block in blocks if block.payload["kind"] == "table"}
    summary, listed = tables["visits_without_claim"], tables["unbilled_visits"]
    action = settle(unbilled_visits(facts))[0]
    cents = int(facts.visits_not_billed["charge_cents"].sum())
    names = [column["name"] for column in summary["columns"]]
    total = dict(zip(names, summary["rows"][-1], strict=True))
    assert (total["not_billed"], total["missing_cents"]) == (len(listed["rows"]), cents) and cents > 0
    assert (action.amount_cents, action.sheet, action.claims) == (cents, "unbilled_visits", {})


def test_a_client_without_appointments_hears_nothing_of_visits(acorn):
    facts = Facts(acorn)
    assert visits(facts) == [] and unbilled_visits(facts) == []


def test_further_indicators_are_those_with_data_and_bear_their_own_window(acorn):
    table = indicators(Facts(acorn))
    assert_prints([table])
    rows = {row[0]: row for row in table.rows}
    assert all(row[1][0] is not None for row in rows.values())
    submitted = rows["Initial denial rate: claims, of claims submitted"]
    alone = initial_denial_rate_claims_submitted(acorn.tables, period=acorn.period).iloc[0]
    assert submitted[1] == (alone["initial_denial_rate_claims_submitted"], "rate") and submitted[3] == "the month"
    assert "speromd.com" in submitted[4] and "Appeals overturned: claims" not in rows
