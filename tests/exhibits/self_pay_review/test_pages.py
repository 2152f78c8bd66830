"""The pages of a self-pay review on one invented programme, on a programme without a row, and what may never be
printed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pandas as pd
import polars as pl
import pytest

from builders.page_checks import assert_prints
from rcm_analysis.exhibits import figures
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.exhibits.self_pay_review.money import all_cohorts, plot_liquidation
from rcm_analysis.tables.schema import TABLES

EXHIBITS = dir(pages_of("self_pay_review", None))
DAY = dt.date(2026, 10, 31)
POLICY = {
    "promise_grace_days": "3",
    "dispute_days": "30",
    "itemised_days": "10",
    "assistance_days": "30",
    "call_window_from": "08:00",
    "call_window_to": "21:00",
    "write_off_approval_over_cents": "1000",
    "estimate_difference_cents": "40000",
    "script_version": "2",
}


def day(text):
    return dt.date.fromisoformat(text)


def typed(name, rows):
    """Rows of one table with the client's name, empty columns and unique ids."""
    table = TABLES[name]
    key = next((column for column in table.key if column not in ("client", "claim_id", "rule", "effective_from")), None)
    full = [
        {
            "client": "acorn-clinic",
            **({key: f"{name[:2]}{number}"} if key and table.column(key).kind == "text" else {}),
            **row,
        }
        for number, row in enumerate(rows)
    ]
    dates = [column.name for column in table.columns if column.kind == "date"]
    full = [
        {column: day(value) if column in dates and isinstance(value, str) else value for column, value in row.items()}
        for row in full
    ]
    return pl.DataFrame(full, schema=table.polars)


def programme(subject, **more):
    """The invented client with a programme: twenty accounts billed to their patients, a plan, calls, disputes, a
    request out of scope."""
    owed = [f"2026-0{month}-{number}" for month in (1, 2, 9) for number in (2, 5)] + [
        f"2026-0{month}-8" for month in range(2, 10)
    ]
    sent = {claim: f"2026-{claim[5:7]}-28" for claim in owed}
    talk = {
        "happened_on": "2026-10-06",
        "entered_on": "2026-10-06",
        "local_time": "10:00",
        "direction": "in",
        "channel": "phone",
        "result": "conversation",
        "resolution": "resolved",
        "next_step": "none",
        "is_identity_verified": True,
        "is_disclosure_given": True,
        "script_version": "2",
        "handled_by": "cp01",
    }
    tables = {
        "statements": [
            {
                "patient": "p-secret",
                "claim_id": claim,
                "statement_on": on,
                "sequence": 1,
                "balance_cents": 10_000,
                "due_on": on,
                "channel": "mail",
            }
            for claim, on in sent.items()
        ],
        "payment_plans": [
            {
                "plan_id": "PL1",
                "patient": "p-secret",
                "claim_id": owed[0],
                "opened_on": "2026-02-01",
                "amount_cents": 9000,
                "instalments": 3,
                "is_autopay": True,
            }
        ],
        "plan_instalments": [
            {"plan_id": "PL1", "number": number, "agreed_on": "2026-02-01", "due_on": on, "amount_cents": 3000}
            for number, on in ((1, "2026-08-15"), (2, "2026-09-15"), (3, "2027-01-15"))
        ],
        "promises": [
            {
                "patient": "p-secret",
                "claim_id": owed[1],
                "promised_on": "2026-10-01",
                "due_on": on,
                "amount_cents": 5000,
            }
            for on in ("2026-10-10", "2026-10-30")
        ],
        "payment_attempts": [
            {
                "patient": "p-secret",
                "claim_id": owed[1],
                "attempted_on": "2026-08-10",
                "amount_cents": 5000,
                "method": "visa",
                "channel": "phone",
                "result": "declined",
                "decline_kind": "soft",
            }
        ],
        "interactions": [
            {**talk, "patient": "p-secret", "claim_id": owed[number % 5], "reason": reason, "department": route}
            for reason, route, count in (
                ("balance", "self_pay", 14),
                ("payment", "self_pay", 12),
                ("dispute", "billing", 12),
                ("estimate", "self_pay", 3),
            )
            for number in range(count)
        ]
        + [
            {
                **talk,
                "patient": "p-secret",
                "claim_id": owed[0],
                "reason": "balance",
                "direction": "out",
                "local_time": "22:15",
                "is_disclosure_given": False,
            }
        ],
        "disputes": [
            {
                "patient": "p-secret",
                "claim_id": owed[number % 6],
                "opened_on": "2026-07-01",
                "reason": reason,
                "amount_cents": 700,
                "closed_on": "2026-07-20",
                "outcome": "upheld",
                "adjusted_cents": 0,
            }
            for reason, count in (("amount", 15), ("duplicate", 13), ("identity", 2))
            for number in range(count)
        ],
        "assistance_applications": [
            {"patient": "p-secret", "applied_on": "2026-09-01", "completed_on": "2026-09-10", "amount_cents": 12_300}
        ],
        "account_changes": [
            {
                "patient": "p-secret",
                "claim_id": owed[0],
                "requested_on": "2026-10-01",
                "done_on": "2026-10-02",
                "kind": "credit_reporting",
                "amount_cents": 4400,
                "reason": "unpaid",
                "done_by": "cp03",
            }
        ],
        "self_pay_policies": [
            {"rule": rule, "effective_from": "2020-01-01", "value": value, "source": "policy"}
            for rule, value in POLICY.items()
        ],
    } | more
    ready = {name: typed(name, rows).lazy() for name, rows in tables.items()}
    return dataclasses.replace(subject, tables={**subject.tables, **ready}, template="self_pay_review", _frames={})


@pytest.fixture(scope="module")
def review(acorn):
    return pages_of("self_pay_review", programme(acorn))


@pytest.fixture(scope="module")
def pages(review):
    return {name: getattr(review, name)() for name in EXHIBITS}


@pytest.fixture(scope="module")
def bare(acorn):
    """The same client without a programme."""
    own = pages_of("self_pay_review", dataclasses.replace(acorn, template="self_pay_review", _frames={}))
    return {name: getattr(own, name)() for name in EXHIBITS}


def tables_of(blocks):
    found = [block.payload for block in blocks if block.payload["kind"] == "table"]
    return {payload["name"]: payload for payload in found} | {
        block.payload["table"]["name"]: block.payload["table"]
        for block in blocks
        if block.payload["kind"] == "figure" and block.payload["table"]
    }


def words_of(blocks):
    """Everything in these blocks that is a sentence and no table."""
    return " ".join(
        json.dumps(block.payload)
        for block in blocks
        if block.payload["kind"] in ("note", "cards", "findings", "facts", "glossary")
    )


def column(payload, title):
    place = [one["title"] for one in payload["columns"]].index(title)
    return [row[place] for row in payload["text"]]


@pytest.mark.parametrize("name", EXHIBITS)
def test_every_exhibit_is_json_and_the_press_can_print_it(pages, bare, name):
    for blocks in (pages[name], bare[name]):
        assert_prints(blocks)


def test_page_one_answers_six_questions(pages):
    cards = {item["title"]: item for item in pages["answers"][0].payload["items"]}
    assert len(cards) == 6 and all(len(item["detail"]) <= 150 for item in cards.values())
    assert (
        cards["Are payment plans paid on schedule?"]["answer"] == "0.0%"
        and "$90 of $90 still to come is at risk" in cards["Are payment plans paid on schedule?"]["detail"]
    )
    assert (
        cards["Are promises to pay kept?"]["answer"] == "0.0%"
        and "0 of 1 promise" in cards["Are promises to pay kept?"]["detail"]
    )
    assert (
        cards["What do we need from you?"]["answer"] == "1 decision"
        and "$123" in cards["What do we need from you?"]["detail"]
    )
    assert "1 record out of scope" in cards["Did we keep your policy?"]["detail"]


def test_findings_have_owner_and_day_and_the_scope_stands_first(pages):
    items = pages["all_findings"][0].payload["items"]
    assert items[0]["title"] == "Stop what is out of scope" and items[0]["amount_cents"] == 4400
    assert all(item["owner"] and item["due"] > "2026-10-31" for item in items)
    assert {
        "Policy: call outside the hours allowed",
        "Policy: disclosure not read out",
        "Call about plans that fell behind",
    } <= {item["title"] for item in items}
    ranks = [("high", "medium", "low").index(item["severity"]) for item in items]
    assert ranks == sorted(ranks)


def test_a_young_month_is_empty_and_said_to_be_young(pages):
    table = tables_of(pages["liquidation"])["liquidation"]
    by_month = {row[0]: row[3:] for row in table["rows"]}
    assert by_month["2026-09"][:2] == [1 / 3, None], (
        "one of three paid on the day of the statement, more than was asked"
    )
    assert None not in by_month["2026-02"]
    assert "too young to judge" in table["notes"][0] and "never compared" in table["notes"][0]
    assert pages["liquidation"][0].payload["kind"] == "figure"


def test_the_chart_shows_a_line_a_month_and_names_the_young_ones(review):
    curves = review.about.curves
    axes = plot_liquidation(curves, figures.new_axes())
    assert {text.get_text() for text in axes.texts} == {"all months", "Jul 2026", "Aug 2026", "Sep 2026"}
    together = all_cohorts(curves).set_index("day")
    ripe = curves[curves["is_mature"] & (curves["day"] == 30)]
    assert together.loc[30, "liquidation"] == ripe["collected_cents"].sum() / ripe["billed_cents"].sum()


def test_policy_checks_say_what_they_are_and_count(pages):
    table = tables_of(pages["compliance"])["policy_checks"]
    assert table["definition"].startswith("Internal policy check") and len(table["rows"]) == 15
    rows = dict(
        zip(
            column(table, "Rule"),
            zip(column(table, "In force"), column(table, "Checked"), column(table, "Breached"), strict=True),
            strict=True,
        )
    )
    assert rows["Calls within the hours allowed"] == ("08:00 to 21:00", "1", "1")
    assert rows["Write-offs approved before posting"][0] == "above $10"
    assert len(tables_of(pages["compliance"])["breaches"]["rows"]) >= 2


def test_targets_are_the_clients_or_none_and_few_records_decide_nothing(acorn, pages):
    assert "states no target" in words_of(pages["targets"])
    policies = [
        {"rule": rule, "effective_from": "2026-01-01", "value": value, "source": "policy of 2026"}
        for rule, value in (
            POLICY | {"resolution_target": "99.9", "documentation_target": "90", "script_target": "95"}
        ).items()
    ]
    own = pages_of("self_pay_review", programme(acorn, self_pay_policies=policies))
    table = tables_of(own.targets())["targets"]
    met = dict(
        zip(
            column(table, "What"),
            zip(column(table, "Target"), column(table, "Met"), column(table, "In force since"), strict=True),
            strict=True,
        )
    )
    assert met["Conversations that settled something"] == ("99.9%", "yes", "Jan 1, 2026")
    assert met["Records of contacts that are complete"] == ("90.0%", "yes", "Jan 1, 2026")
    assert met["Script followed, of sampled conversations"] == ("95.0%", "nothing to measure", "Jan 1, 2026")
    assert met["Calls that reached the patient"] == ("–", "no target", "–")
    assert table["notes"] == ["Stated in: policy of 2026."]
    assert "2 of 2 targets met in three months." in words_of(own.targets()) and "2 of 2 targets met" in words_of(
        own.answers()
    )


def test_what_reviews_posting_and_networks_say_stands_with_its_rows(acorn):
    talk = {
        "patient": "p-secret",
        "claim_id": "2026-02-8",
        "happened_on": "2026-09-06",
        "entered_on": "2026-09-06",
        "local_time": "10:00",
        "direction": "in",
        "channel": "phone",
        "result": "conversation",
        "handled_by": "cp01",
    }
    tried = {
        "patient": "p-secret",
        "claim_id": "2026-02-8",
        "amount_cents": 5000,
        "method": "mastercard",
        "channel": "phone",
    }
    own = pages_of(
        "self_pay_review",
        programme(
            acorn,
            interactions=[talk],
            quality_reviews=[
                {
                    "review_id": "V1",
                    "reviewed_on": "2026-09-08",
                    "handled_by": "cp01",
                    "skill": "eob_interpretation",
                    "points": 3,
                    "points_possible": 4,
                }
            ],
            payment_attempts=[
                {
                    **tried,
                    "attempt_id": f"A{number:02d}",
                    "attempted_on": "2026-09-05",
                    "result": "declined",
                    "decline_kind": "soft",
                    "retry_of": "A00" if number else None,
                }
                for number in range(12)
            ]
            + [{**tried, "attempt_id": "A99", "attempted_on": "2026-09-10", "result": "approved"}],
        ),
    )
    quality, posting, payments = (tables_of(look()) for look in (own.quality, own.posting, own.payments))
    assert quality["quality_reviews"]["text"] == [["cp01", "1", "75.0%"], ["All", "1", "75.0%"]]
    assert column(quality["incomplete_records"], "What is missing") == [
        "what it was about, what was settled, what follows, identity checked and disclosure given"
    ]
    assert column(posting["posting"], "Payments") == ["0", "0", "1", "1"] and column(
        posting["posting_faults"], "Payment"
    ) == ["A99"]
    assert "0 of 1 payment (0.0%) taken from patients" in words_of(own.posting())
    limits = dict(
        zip(column(payments["network_retries"], "Allowed"), column(payments["network_retries"], "Beyond"), strict=True)
    )
    assert limits["10 attempts in one day"] == "2" and column(payments["retries_beyond"], "Found") == ["11", "12"]
    found = {item["title"]: item for item in own.all_findings()[0].payload["items"]}
    assert found["Stop card retries beyond the networks' limits"]["detail"].startswith("2 retries on 1 account")
    assert found["Find payments that are not on their account"]["amount_cents"] == 5000


def test_plans_closed_as_broken_stand_apart_from_open_ones(acorn):
    plan = {
        "patient": "p-secret",
        "claim_id": "2026-02-8",
        "opened_on": "2026-02-01",
        "amount_cents": 9000,
        "instalments": 1,
        "is_autopay": True,
    }
    plans = [{**plan, "plan_id": "PL1"}, {**plan, "plan_id": "PL2", "closed_on": "2026-06-01", "outcome": "broken"}]
    own = pages_of("self_pay_review", programme(acorn, payment_plans=plans))
    table = tables_of(own.plans())["plans"]
    assert dict(zip(column(table, "How it stands"), column(table, "At risk"), strict=True)) == {
        "Open, broken": "$90",
        "Closed as broken": "$0",
        "Total": "$90",
    }
    assert "1 plan is open" in words_of(own.answers()) or "1 open plan" in words_of(own.answers()), (
        "page one counts the open ones of the table"
    )
    rates = tables_of(own.plans())["plan_rates"]
    assert column(rates, "Of")[2] == "1" and column(rates, "Share")[2] == "0.0%"


def test_the_scope_guard_speaks_either_way(pages, bare):
    assert "Credit reporting: 1. Third-party collection: 0" in words_of(pages["scope_guard"])
    assert column(tables_of(pages["scope_guard"])["scope_guard"], "Amount") == ["$44"]
    assert "Credit reporting: 0. Third-party collection: 0." in words_of(bare["scope_guard"])


def test_small_counts_of_patients_and_their_amounts_are_hidden(pages):
    disputes = tables_of(pages["requests"])["disputes"]
    shown = dict(zip(column(disputes, "What is disputed"), column(disputes, "Disputes"), strict=True))
    assert shown["Not the patient"] == "–" and list(shown.values()).count("–") >= 2, (
        "one hidden cell beside a total is no secret"
    )
    hidden = [row for row in disputes["rows"][:-1] if row[1] is None]
    assert all(row[2] is None and row[3] is None for row in hidden)
    triage = tables_of(pages["rework"])["triage"]
    assert None not in [row[2] for row in triage["rows"]] and min(row[2] for row in triage["rows"]) >= 11, (
        "what is hidden is not listed"
    )
    assert "not shown: counts below 11" in triage["notes"][0]


def test_no_patient_is_named_anywhere_and_accounts_only_in_tables(pages, review):
    printed = json.dumps([block.payload for blocks in pages.values() for block in blocks])
    assert "p-secret" not in printed
    sentences = " ".join(words_of(blocks) for name, blocks in pages.items() if name != "provenance")
    assert not [
        claim
        for claim in review.about.subject.pandas("claims")["claim_id"]
        if f'"{claim}"' in sentences or f" {claim} " in sentences
    ]


def test_a_client_without_a_programme_is_told_so_and_nothing_is_zero_for_want_of_data(bare):
    assert "hold no statement, payment plan or contact" in words_of(bare["answers"])
    for name, says in (
        ("liquidation", "No account was billed"),
        ("plans", "No payment plan was agreed"),
        ("payments", "No promise to pay fell due"),
        ("requests", "No dispute, application"),
        ("rework", "No account was reworked"),
        ("contacts", "No contact with a patient"),
        ("quality", "nothing to sample"),
        ("estimates", "good-faith estimate"),
        ("compliance", "No approved self-pay policy"),
    ):
        assert says in words_of(bare[name]), name


def test_without_a_policy_write_offs_are_not_said_to_be_approved(bare, pages):
    assert "approvals are not checked" in words_of(bare["write_offs"])
    assert "Not approved" not in [
        one["title"] for one in tables_of(bare["write_offs"])["patient_write_offs"]["columns"]
    ]
    assert "without enough approved" in words_of(pages["write_offs"]), (
        "the invented client writes off small balances of more than $10 without asking"
    )


def test_early_payments_stand_apart_from_overpayments(acorn):
    claims = acorn.pandas("claims")
    unpaid = claims.loc[claims["claim_id"].str.endswith("-10"), "claim_id"].iloc[-1]
    settled = claims.loc[
        claims["claim_id"].str.endswith("-3") & claims["claim_id"].str.startswith("2026-05"), "claim_id"
    ].iloc[0]
    ledger = acorn.tables["transactions"].collect()
    extra = typed(
        "transactions",
        [
            {
                "transaction_id": f"x{number}",
                "claim_id": claim,
                "kind": "payment",
                "party": "patient",
                "amount_cents": -cents,
                "happened_on": "2026-10-05",
                "posted_on": "2026-10-05",
            }
            for number, (claim, cents) in enumerate(((unpaid, 2500), (settled, 999_900)))
        ],
    )
    both = dataclasses.replace(
        acorn, tables={**acorn.tables, "transactions": pl.concat([ledger, extra]).lazy()}, _frames={}
    )
    table = tables_of(pages_of("self_pay_review", both).credits())["patient_credits"]
    kinds = dict(zip(column(table, "What it is"), column(table, "Accounts"), strict=True))
    assert int(kinds["Paid before it was due"]) >= 1 and int(kinds["Overpaid"]) >= 1
    due = tables_of(pages_of("self_pay_review", both).credits())["refunds_due"]
    assert settled in [row[0] for row in due["rows"]] and unpaid not in [row[0] for row in due["rows"]]


def test_refunds_are_late_by_the_policy_or_else_after_sixty_days(review, monkeypatch):
    rows = [
        ("C1", "government", 61),
        ("C2", "patient", 31),
        ("C3", "patient", 30),
        ("C4", "insurer", 61),
        ("C5", "government", 60),
    ]
    found = pd.DataFrame(
        [
            {
                "claim_id": claim,
                "party": "patient",
                "owed_to": owed,
                "kind": "overpayment",
                "credit_cents": 1000,
                "age_days": days,
                "clock_on": pd.Timestamp(DAY) - pd.Timedelta(days=days),
                "age": "over 60" if days > 60 else "31-60",
            }
            for claim, owed, days in rows
        ]
    )
    monkeypatch.setitem(review.about.__dict__, "credits", found)

    def late():
        return {
            item["title"]: item["amount_cents"]
            for item in review.all_findings()[0].payload["items"]
            if item["title"].startswith("Refund")
        }

    assert late() == {"Refund what is overpaid: government payers": 1000, "Refund what is overpaid: insurers": 1000}, (
        "the policy names no days: sixty"
    )
    monkeypatch.setattr(
        "rcm_analysis.exhibits.self_pay_review.credits.policy_value",
        lambda tables, rule, *, as_of: "30" if rule == "refund_days" else None,
    )
    assert late() == {
        "Refund what is overpaid: government payers": 1000,
        "Refund what is overpaid: insurers": 1000,
        "Refund what is overpaid: patients": 1000,
    }
    due = dict(
        zip(
            *(column(tables_of(review.credits())["refunds_due"], title) for title in ("Account", "To return by")),
            strict=True,
        )
    )
    assert due["C1"] == "Oct 30, 2026" and due["C5"] == "Oct 31, 2026" and due["C3"] == "Oct 31, 2026"


def test_lines_that_ask_a_question_have_no_difference(review, monkeypatch):
    found = pd.DataFrame(
        [
            {
                "claim_id": "C1",
                "payer": "acme",
                "rule": "waiver_unknown",
                "is_information": True,
                "also": "",
                "patient_billed_cents": 100,
                "owed_cents": 100,
                "difference_cents": 0,
                "paid_cents": 0,
                "open_cents": 0,
                "refund_cents": 0,
                "since_on": pd.Timestamp(DAY),
                "fix": "Look for the form.",
            },
            {
                "claim_id": "C2",
                "payer": "acme",
                "rule": "co_billed",
                "is_information": False,
                "also": "",
                "patient_billed_cents": -500,
                "owed_cents": -2000,
                "difference_cents": 1500,
                "paid_cents": 2000,
                "open_cents": 0,
                "refund_cents": 1500,
                "since_on": pd.Timestamp(DAY),
                "fix": "Refund.",
            },
        ]
    )
    monkeypatch.setitem(review.about.__dict__, "eob", found)
    tables = tables_of(review.eob_check())
    assert column(tables["eob_rules"], "Difference") == ["$15", "–"]
    assert tables["eob_claims"]["text"][0][4:8] == ["$15.00", "$0.00", "$15.00", "$20.00"], (
        "what was billed and what the EOB leaves, before payments"
    )
    assert [row[0] for row in tables["eob_claims"]["rows"]] == ["C2"]
    assert column(tables["eob_rules"], "Paid, to refund") == ["$15", "–"] and column(
        tables["eob_claims"], "To refund"
    ) == ["$15.00"]
    assert "Asked of patients: $15 too much on 1 account; $15 was paid and goes back." in words_of(review.eob_check())


def test_the_appendix_explains_every_measure_in_words(pages):
    items = pages["definitions"][0].payload["items"]
    assert [item["title"] for item in items][-2:] == ["How long plans hold", "How long patients wait"]
    for item in items:
        assert not [mark for mark in ("_cents", "`", "as_of", "DOMAIN") if mark in item["formula"] + item["source"]], (
            item["name"]
        )
