"""The self-pay programme ties to the ledger, and every planted breach can be seen in the stored rows."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from rcm_analysis.measures.self_pay.quality import posting_faults
from rcm_analysis.periods import Period

CLIENTS = ("chicago-med", "tx-docs")
PLANTED = "chicago-med"
WEEK = dt.timedelta(days=7)


class Book:
    """One client's stored tables, and what was planted by kind."""

    def __init__(self, stored, plants) -> None:
        self.stored, self.plants = stored, plants

    def __getattr__(self, name: str) -> pl.DataFrame:
        return self.stored.read(name)

    def told(self, kind: str) -> set[str]:
        return {row[0] for row in self.plants.get(kind, {"rows": []})["rows"]}

    @property
    def calls(self) -> pl.DataFrame:
        return self.interactions.filter((pl.col("direction") == "out") & (pl.col("channel") == "phone"))


@pytest.fixture(scope="module")
def books(services) -> dict[str, Book]:
    return {client: Book(services.stored[client], services.plants[client]) for client in CLIENTS}


@pytest.fixture(params=CLIENTS)
def book(request, books) -> Book:
    """A client with planted breaches, then one without."""
    return books[request.param]


def patient_side(book: Book) -> pl.DataFrame:
    return book.transactions.filter((pl.col("party") == "patient") & pl.col("claim_id").is_not_null()).sort("posted_on")


def test_the_ledger_still_closes_every_month_at_its_own_control_total(book):
    ledger = book.transactions
    for month, closing, closed_on in book.control_totals.select("month", "closing_cents", "closed_on").iter_rows():
        assert ledger.filter(pl.col("posted_on") <= closed_on)["amount_cents"].sum() == closing, month


def posted_and_taken(book: Book) -> tuple[set, set]:
    """Patients' payments of the ledger and approved attempts of the desk: account, day, cents."""
    posted = patient_side(book).filter((pl.col("kind") == "payment") & (pl.col("reason") != "copay"))
    assert (
        {"plan payment", "prepayment", "statement payment"}
        <= set(posted["reason"])
        <= {"plan payment", "prepayment", "statement payment", "posting correction"}
    )
    approved = book.payment_attempts.filter(pl.col("result") == "approved")
    sides = (
        posted.select("claim_id", "posted_on", -pl.col("amount_cents")),
        approved.select("claim_id", "posted_on", "amount_cents"),
    )
    return tuple(
        {tuple(row) for row in side.group_by("claim_id", "posted_on").agg(pl.col("amount_cents").sum()).rows()}
        for side in sides
    )


def test_approved_attempts_and_postings_are_the_same_but_for_the_few_posted_wrong_at_first(book):
    posted, taken = posted_and_taken(book)
    wrong = {account for account, _, _ in posted ^ taken}
    assert len(posted) > 100 and 0 < len(wrong) < 0.03 * len({account for account, _, _ in taken})
    for account in wrong:
        assert sum(cents for one, _, cents in posted if one == account) == sum(
            cents for one, _, cents in taken if one == account
        )


def test_what_was_posted_wrong_at_first_is_what_correct_posting_finds(book):
    posted, taken = posted_and_taken(book)
    period = Period(dt.date(2025, 1, 1), dt.date(2027, 1, 1))
    tables = {
        name: book.stored.read(name).lazy()
        for name in ("transactions", "payment_attempts", "self_pay_policies", "claims")
    }
    faults = posting_faults(tables, period=period, as_of=period.last_day)
    assert set(faults["claim_id"]) == {account for account, _, _ in posted ^ taken}
    corrected = set(patient_side(book).filter(pl.col("reason") == "posting correction")["claim_id"])
    assert set(faults.loc[faults["fault"] == "corrected", "claim_id"]) == corrected and set(faults["fault"]) <= {
        "corrected",
        "late",
    }


def test_sampled_reviews_are_of_conversations_and_follow_them(book):
    reviews = book.quality_reviews.join(
        book.interactions.select("interaction_id", "entered_on", "result", "handled_by"),
        on="interaction_id",
        how="left",
    )
    assert (
        len(reviews)
        and (reviews["result"] == "conversation").all()
        and (reviews["reviewed_on"] > reviews["entered_on"]).all()
    )
    assert (reviews["handled_by"] == reviews["handled_by_right"]).all() and (
        reviews["points"] <= reviews["points_possible"]
    ).all()


def test_paid_instalments_are_the_plan_payments_of_the_ledger(book):
    paid = book.plan_instalments.filter(pl.col("paid_on").is_not_null()).join(book.payment_plans, on="plan_id")
    posted = patient_side(book).filter(pl.col("reason") == "plan payment")
    assert sorted(paid.select("claim_id", "paid_on", "paid_cents").rows()) == sorted(
        posted.select("claim_id", "posted_on", -pl.col("amount_cents")).rows()
    )
    sums = book.plan_instalments.group_by("plan_id").agg(pl.col("amount_cents").sum(), pl.len())
    both = sums.join(book.payment_plans, on="plan_id")
    assert (both["amount_cents"] == both["amount_cents_right"]).all() and (both["len"] == both["instalments"]).all()
    assert {"completed", "broken"} <= set(book.payment_plans["outcome"].drop_nulls())


def test_a_statement_asks_for_the_ledger_balance_of_its_day_except_the_planted_ones(book):
    balance = (
        patient_side(book)
        .with_columns(sum=pl.col("amount_cents").cum_sum().over("claim_id"))
        .select("claim_id", "posted_on", "sum")
    )
    asked = book.statements.sort("statement_on").join_asof(
        balance, left_on="statement_on", right_on="posted_on", by="claim_id", check_sortedness=False
    )
    wrong = asked.filter(pl.col("sum").fill_null(0) != pl.col("balance_cents"))
    assert set(wrong["statement_id"]) == book.told("statement_before_remit")
    assert (wrong["sum"].fill_null(0) <= 0).all()


def test_payments_before_anything_was_asked_make_credits_until_the_insurer_answers(book):
    early = book.payment_attempts.filter(pl.col("due_on").is_null() & (pl.col("result") == "approved"))
    balance = (
        patient_side(book)
        .with_columns(sum=pl.col("amount_cents").cum_sum().over("claim_id"))
        .select("claim_id", "posted_on", "sum")
    )
    after = early.sort("posted_on").join_asof(balance, on="posted_on", by="claim_id", check_sortedness=False)
    assert len(early) > 3 and (after["sum"] < 0).all()
    put_right = book.account_changes.filter(pl.col("reason") == "payment before due date")
    assert set(put_right["claim_id"]) <= set(early["claim_id"]) and len(put_right) >= len(early) - 5


def test_approved_assistance_is_written_off_as_such(book):
    helped = book.assistance_applications.filter(pl.col("approved_cents") > 0)
    off = patient_side(book).filter(pl.col("reason") == "financial assistance")
    assert sorted(helped.select("claim_id", "approved_cents").rows()) == sorted(
        off.select("claim_id", -pl.col("amount_cents")).rows()
    )


def test_calls_outside_the_window(book):
    outside = book.calls.filter(~pl.col("local_time").is_between(pl.lit("08:00"), pl.lit("20:59")))
    assert set(outside["interaction_id"]) == book.told("calls_outside_window")


def test_more_than_seven_calls_in_seven_days(book):
    calls = book.calls
    pairs = calls.join(calls.select("claim_id", pl.col("happened_on").alias("other")), on="claim_id")
    within = pairs.filter(
        pl.col("other").is_between(pl.col("happened_on") - WEEK, pl.col("happened_on"), closed="right")
    )
    busy = within.group_by("interaction_id", "claim_id").len().filter(pl.col("len") > 7)
    planted = calls.filter(pl.col("interaction_id").is_in(list(book.told("too_many_calls"))))
    assert set(busy["claim_id"]) == set(planted["claim_id"])


def test_calls_within_a_week_of_a_conversation(book):
    talks = book.interactions.filter(pl.col("result") == "conversation").select(
        "claim_id", pl.col("happened_on").alias("talk")
    )
    after = book.calls.join(talks, on="claim_id").filter(
        (pl.col("happened_on") > pl.col("talk")) & (pl.col("happened_on") <= pl.col("talk") + WEEK)
    )
    assert set(after["interaction_id"]) == book.told("call_after_conversation")


def test_conversations_without_disclosure_and_work_out_of_scope(book):
    assert set(book.interactions.filter(~pl.col("is_disclosure_given"))["interaction_id"]) == book.told(
        "missing_disclosure"
    )
    outside = book.account_changes.filter(pl.col("kind").is_in(["credit_reporting", "third_party_collection"]))
    assert set(outside["change_id"]) == book.told("out_of_scope")


def test_cards_tried_again_against_the_rules(book):
    attempts = book.payment_attempts
    hard = attempts.filter(pl.col("decline_kind") == "hard").select(pl.col("attempt_id").alias("retry_of"), "method")
    again = attempts.join(hard, on=["retry_of", "method"])
    assert set(again["attempt_id"]) == book.told("retry_after_hard_decline")
    tries = attempts.filter(pl.col("retry_of").is_not_null()).group_by("retry_of").len().filter(pl.col("len") > 20)
    assert len(tries) == (1 if book.plants else 0)


def test_write_offs_without_approval(book):
    by_hand = patient_side(book).filter((pl.col("kind") == "write_off") & (pl.col("reason") == "bad debt"))
    approved = book.write_off_approvals.filter(pl.col("decision") == "approved")
    assert set(by_hand.join(approved, on="claim_id", how="anti")["claim_id"]) == book.told("unapproved_write_offs")


def test_calls_while_an_application_is_open(book):
    during = book.calls.join(book.assistance_applications, on="patient").filter(
        pl.col("happened_on").is_between("applied_on", pl.col("decided_on").fill_null(dt.date(2099, 1, 1)))
    )
    assert set(during["interaction_id"]) == book.told("worked_during_application")


def test_bills_far_above_the_estimate(book):
    ledger = patient_side(book)
    bill = (
        ledger.filter((pl.col("kind") == "charge") | (pl.col("reason") == "self-pay discount"))
        .group_by("claim_id")
        .agg(pl.col("amount_cents").sum())
    )
    both = book.estimates.join(bill, on="claim_id")
    over = both.filter(pl.col("amount_cents_right") - pl.col("amount_cents") >= 40_000)
    assert set(over["estimate_id"]) == book.told("estimate_exceeded")


def planted_cents(book: Book, kind: str) -> dict[str, int]:
    return {claim: cents for claim, _, _, cents in book.plants.get(kind, {"rows": []})["rows"]}


def sums(rows: pl.DataFrame, sign: int = 1) -> dict[str, int]:
    return dict(rows.group_by("claim_id").agg(pl.col("amount_cents").sum() * sign).iter_rows())


def test_planted_balances_that_do_not_follow_the_eob(books):
    book = books[PLANTED]
    ledger, own = book.transactions, patient_side(book)
    moved = own.filter(pl.col("kind") == "transfer", pl.col("group_code").is_not_null())
    discount = sums(ledger.filter(pl.col("kind") == "contractual", pl.col("party") != "patient"), -1)
    for kind in ("share_not_transferred", "share_written_off"):
        told = planted_cents(book, kind)
        assert told and not set(own["claim_id"]) & set(told), kind
    left = sums(ledger.filter(pl.col("party") == "primary"))
    assert all(left[claim] == cents for claim, cents in planted_cents(book, "share_not_transferred").items())
    assert all(left[claim] == 0 for claim in planted_cents(book, "share_written_off"))
    asked = sums(moved)
    assert all(asked[claim] - discount[claim] == cents for claim, cents in planted_cents(book, "posting_swap").items())
    taken = planted_cents(book, "takeback_not_followed")
    assert set(taken) <= set(ledger.filter(pl.col("kind") == "takeback")["claim_id"])
    assert not set(moved.filter(pl.col("amount_cents") < 0)["claim_id"]) & set(taken)
    denials = sums(moved.filter(pl.col("group_code") == "CO"))
    assert denials == planted_cents(book, "denial_billed") and denials


def test_nobody_is_asked_for_money_while_a_dispute_or_an_application_is_open_or_a_promise_runs(book):
    asks = pl.concat(
        [
            book.calls.filter(pl.col("reason").is_in(["balance", "payment_plan"])).select(
                "claim_id", pl.col("interaction_id").alias("id"), pl.col("happened_on").alias("day")
            ),
            book.statements.select("claim_id", pl.col("statement_id").alias("id"), pl.col("statement_on").alias("day")),
        ]
    )
    spans = pl.concat(
        [
            book.disputes.select("claim_id", pl.col("opened_on").alias("from"), pl.col("closed_on").alias("to")),
            book.assistance_applications.select(
                "claim_id", pl.col("applied_on").alias("from"), pl.col("decided_on").alias("to")
            ),
        ]
    )
    met = asks.join(spans, on="claim_id").filter(
        pl.col("day") > pl.col("from"), pl.col("day") < pl.col("to").fill_null(dt.date(2099, 1, 1))
    )
    planted = {row[0] for plant in book.plants.values() for row in plant["rows"]}
    assert set(met["id"]) <= planted
    running = book.calls.join(book.promises, on="claim_id").filter(
        pl.col("happened_on") > pl.col("promised_on"), pl.col("happened_on") <= pl.col("due_on") + dt.timedelta(days=3)
    )
    assert set(running["interaction_id"]) <= planted


def test_every_kind_of_breach_is_planted_once_and_the_other_client_keeps_its_policy(books):
    assert len(books[PLANTED].plants) >= 10 and books["tx-docs"].plants == {}
    for plant in books[PLANTED].plants.values():
        assert (
            plant["claims_count"] == len(plant["rows"]) == sum(month["claims_count"] for month in plant["months"]) > 0
        )
