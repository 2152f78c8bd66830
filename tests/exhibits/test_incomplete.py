"""Records without their counterpart on the pages: told on page one, in the strip, and never advised on."""

import dataclasses
import datetime as dt
import json

import polars as pl
import pytest

from builders.page_checks import assert_prints
from rcm_analysis.exhibits.client_review import money
from rcm_analysis.exhibits.incomplete import SENT, advises, incomplete_note, strip
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.exhibits.register import claims, habits
from rcm_analysis.exhibits.register.action import settle
from rcm_analysis.exhibits.register.facts import MonthFacts
from rcm_analysis.exhibits.register.months import register
from rcm_analysis.tables.schema import TABLES

CLIENT = "acorn-clinic"
OLD = dt.date(2026, 6, 1)


def words_of(blocks):
    return " ".join(json.dumps(block.payload) for block in blocks)


def changed(subject, table, change):
    frame = change(subject.tables[table].collect())
    return dataclasses.replace(subject, tables={**subject.tables, table: frame.lazy()}, _frames={})


def with_postings(subject, *rows):
    """The subject with these (claim, kind, cents, day) posted too."""
    known = TABLES["transactions"]
    more = [
        dict.fromkeys(known.names)
        | {"client": CLIENT, "transaction_id": f"more{number}", "claim_id": claim, "kind": kind, "party": "primary"}
        | {"amount_cents": cents, "happened_on": day, "posted_on": day, "payer": "acme"}
        for number, (claim, kind, cents, day) in enumerate(rows)
    ]
    return changed(subject, "transactions", lambda frame: pl.concat([frame, pl.DataFrame(more, schema=known.polars)]))


def found_by(look, subject):
    return settle(look(MonthFacts(subject)))


def kinds_of(subject):
    return {item.kind for item in register(subject)}


def cash_of(subject):
    rows = subject.pandas("transactions")
    rows = rows[rows["kind"].isin(["payment", "takeback"]) & rows["claim_id"].notna()]
    return int(rows["amount_cents"].abs().sum())


def test_a_sound_client_has_one_line_and_no_warning(acorn):
    lately = pl.max_horizontal("submitted_on", dt.date(2026, 7, 5))
    subject = changed(acorn, "submissions", lambda frame: frame.with_columns(submitted_on=lately))
    assert incomplete_note(subject) == []
    (line,) = strip(subject)
    assert "no record lacks its counterpart" in line.payload["text"]


def test_claims_that_payers_have_not_answered_are_in_the_strip_but_are_no_missing_records(acorn):
    assert incomplete_note(acorn) == []
    assert "Claims sent over 120 days ago, open, without any answer" in words_of(strip(acorn))


@pytest.mark.parametrize("above", [False, True], ids=["just below 2 %", "2 %"])
def test_page_one_warns_from_two_percent_of_the_whole_on(acorn, above):
    cents = -(-cash_of(acorn) // 49)  # of all cash with it: 1/50
    subject = with_postings(acorn, ("GHOST", "payment", -(cents if above else cents - 50), OLD))
    warning = incomplete_note(subject)
    assert bool(warning) == above
    assert "Claims paid but never billed" in words_of(strip(subject))
    if above:
        assert "1 claim paid but never billed" in warning[0].payload["text"]


def test_a_share_of_the_month_is_enough_and_says_that_it_is_the_months(acorn):
    october = dt.date(2026, 10, 9)
    rows = acorn.pandas("transactions")
    paid = rows[(rows["kind"] == "payment") & (rows["posted_on"] >= "2026-10-01") & rows["claim_id"].notna()]
    cents = int(paid["amount_cents"].abs().sum()) // 25
    assert cents < cash_of(acorn) // 60
    subject = with_postings(acorn, ("GHOST", "payment", -cents, october))
    assert "1 claim paid but never billed in the month" in incomplete_note(subject)[0].payload["text"]


def test_a_credit_without_a_charge_is_none_to_return(acorn):
    subject = with_postings(acorn, ("GHOST", "payment", -100, OLD), ("GHOST2", "contractual", -50, OLD))
    assert found_by(habits.old_credits, subject) == found_by(habits.old_credits, acorn)
    credits = next(block for block in money.aging(subject) if block.payload.get("name") == "credits").payload["rows"]
    assert ["On claims whose charge is missing: no credit", 2, -150] in credits


def test_a_credit_with_its_charge_is_still_one_to_return(acorn):
    subject = with_postings(acorn, ("TRUE", "charge", 100, OLD), ("TRUE", "payment", -300, OLD))
    assert [item.amount_cents for item in found_by(habits.old_credits, subject)] == [200]


def test_nothing_is_advised_on_credits_while_many_payments_were_never_billed(acorn):
    credit = (("TRUE", "charge", 100, OLD), ("TRUE", "payment", -300, OLD))
    assert "credits" in kinds_of(with_postings(acorn, *credit))
    subject = with_postings(acorn, *credit, ("GHOST", "payment", -cash_of(acorn), OLD))
    assert "credits" not in kinds_of(subject)


def test_nothing_is_advised_on_claims_to_be_sent_while_their_837s_are_missing(acorn):
    subject = changed(acorn, "submissions", lambda frame: frame.sort("submitted_on").head(2))
    assert not advises(subject, SENT)
    waiting = {item.kind for look in (claims.limits, claims.unsent) for item in found_by(look, subject)}
    assert not waiting & {"filing_limit", "never_sent"}, "where bills are missing nobody can tell what never left"
    assert not waiting & kinds_of(subject)


@pytest.fixture(scope="module")
def never_billed(acorn):
    return with_postings(acorn, ("GHOST", "payment", -cash_of(acorn), OLD))


@pytest.mark.parametrize("template", ["client_review", "ar_deep_dive", "ar_weekly_review"])
def test_every_page_one_says_it_and_the_press_can_print_it(never_billed, template):
    subject = never_billed
    blocks = pages_of(template, subject).answers()
    assert "The records are not complete: 1 claim paid but never billed" in words_of(blocks[:1])
    assert_prints(blocks)
    assert_prints(strip(subject))
