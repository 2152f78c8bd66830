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
from builders.self_pay_programme import POLICY, programme, typed
from rcm_analysis.exhibits import figures
from rcm_analysis.exhibits.formats import as_text
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.exhibits.register.action import graded, settle
from rcm_analysis.exhibits.self_pay_review import findings, printed
from rcm_analysis.exhibits.self_pay_review.money import all_cohorts, plot_liquidation

EXHIBITS = dir(pages_of("self_pay_review", None))
DAY = dt.date(2026, 10, 31)


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


def findings_of(review):
    """What the accounts' own report says is to be put right."""
    return [one.as_finding().payload for one in graded(settle(findings.found(review.about)))]


def column(payload, title):
    place = [one["title"] for one in payload["columns"]].index(title)
    return [row[place] for row in payload["text"]]


@pytest.mark.parametrize("name", EXHIBITS)
def test_every_exhibit_is_json_and_the_press_can_print_it(pages, bare, name):
    for blocks in (pages[name], bare[name]):
        assert_prints(blocks)


def test_page_one_leads_with_its_finding_and_adds_up(pages, review):
    page_one = pages["answers"]
    kinds = [block.payload["kind"] for block in page_one if block.payload.get("print", True)]
    assert kinds == ["headline", "split", "cards", "table", "table"]
    assert page_one[0].payload["text"].endswith(
        "1 account went to credit reporting, which is no part of the program."
    ) and page_one[0].payload["text"].startswith("Of what patients were first billed from January to June 2026, ")
    bar = page_one[1].payload
    whole = int(review.about.billed_outcome["billed_cents"].sum())
    assert bar["title"].startswith(f"Of {as_text(whole, 'usd')} first billed")
    assert sum(int(piece["value"].replace("$", "").replace(",", "")) for piece in bar["pieces"]) == round(whole / 100)
    rate = review.about.pay_rate
    assert whole == rate["billed_cents"], "the bar stands on the same accounts as the pay rate"
    cards = {item["title"]: item for item in page_one[3].payload["items"]}
    assert cards["What we did"]["answer"] == "42 conversations with patients"
    assert cards["What we missed"]["answer"] == "5 breaches of your policy"
    checks = tables_of(pages["compliance"])["policy_checks"]
    assert sum(map(int, column(checks, "Breached"))) == 5
    assert "1 account went to credit reporting in twelve months" in cards["What we missed"]["detail"]
    asked = tables_of(page_one)["self_pay_asks"]
    assert asked["text"] == [
        [
            "1",
            "Decide on 1 complete application for assistance. The oldest has waited since September 10, 2026.",
            "$123",
            "Practice manager",
            "Nov 14, 2026",
        ]
    ]


def test_what_became_of_the_bills_adds_up_month_by_month(pages):
    table = tables_of(pages["answers"])["billed_outcome"]
    assert table["print"] is False and len(table["rows"]) > 2
    for row in table["rows"]:
        assert row[2] == sum(row[3:])
    assert table["rows"][-1][1:] == [sum(row[place] for row in table["rows"][:-1]) for place in range(1, 8)]


def test_numbers_stand_beside_their_own_past(pages):
    tables = tables_of(pages["answers"])
    shown = {row[0]: row for row in tables["self_pay_numbers"]["rows"]}
    assert shown["Promises to pay kept"][1] == [0.0, "rate"]
    assert shown["Breaches of your policy"][1] == [5, "count"]
    months = tables["self_pay_numbers_by_month"]
    assert [row[0] for row in months["rows"]][0] == "2026-01" and months["rows"][-1][4] == 5


def test_without_a_policy_the_client_is_asked_for_one_and_for_three_things_at_most(acorn):
    asked = {"claim_id": "2026-02-8", "requested_on": "2026-10-02", "amount_cents": 4000, "reason": "bad_debt"}
    own = pages_of("self_pay_review", programme(acorn, self_pay_policies=[], write_off_approvals=[asked]))
    rows = tables_of(own.answers())["self_pay_asks"]["text"]
    assert [row[1].split(".")[0] for row in rows] == [
        "Decide on 1 complete application for assistance",
        "Decide on 1 write-off request",
        "Approve a self-pay policy",
    ]
    assert [row[2] for row in rows] == ["$123", "$40", "–"]


def test_nothing_to_ask_is_a_sentence(acorn):
    own = pages_of("self_pay_review", programme(acorn, assistance_applications=[]))
    assert "We need nothing from you: no decision of yours is open." in words_of(own.answers())


ACCOUNTS = {"claim_id", "plan_id", "attempt_id", "record_id", "change_id", "transaction_id", "interaction_id",
            "handled_by", "who", "done_by", "approved_by", "fix"}  # fmt: skip
"""Columns that name an account, a record or a partner, or tell how to mend an account."""
CLIENT_PAGES, MANAGER_PAGES = ("answers", "behind", "in_the_workbook"), ("to_put_right", "accounts")


def test_no_list_of_accounts_is_in_what_the_client_is_sent_and_all_are_in_the_managers(acorn, review):
    told = tables_of([block for name in CLIENT_PAGES for block in getattr(review, name)()])
    assert not [
        (name, column["name"])
        for name, table in told.items()
        for column in table["columns"]
        if column["name"] in ACCOUNTS
    ]
    kept = tables_of([block for name in MANAGER_PAGES for block in getattr(review, name)()])
    assert {"breaches", "scope_guard", "plans_at_risk", "write_off_list", "decisions", "quality"} <= set(kept)
    assert kept["decisions"]["text"] == [["complete application for assistance", "Sep 10, 2026", "–", "$123.00"]]
    known = {table["name"] for table in tables_of(printed.everything(review.about)).values()}
    assert known == (set(kept) - {"decisions"}) | (set(told) & known), "nothing that is known stands in neither"


def test_the_rules_that_were_broken_add_up_to_all(pages, review):
    table = tables_of(pages["behind"])["policy_broken"]
    assert [row[0] for row in table["rows"]][-1] == "Total" and "other rules" in table["rows"][-2][0]
    for place in (1, 2, 3):
        assert table["rows"][-1][place] == sum(row[place] for row in table["rows"][:-1])
    assert table["rows"][-1][1] == review.about.checks["checked"].sum()


def test_page_two_stands_in_pairs_and_each_table_is_whole_in_the_workbook(pages):
    shown = [block.payload for block in pages["behind"] if block.payload["kind"] in ("table", "figure")]
    assert [bool(payload.get("beside")) for payload in shown] == [place % 2 == 1 for place in range(len(shown))]
    kept = tables_of(pages["in_the_workbook"])
    for name, table in tables_of(pages["behind"]).items():
        whole = kept.get(name)
        assert not whole or {column["name"] for column in table["columns"]} <= {
            column["name"] for column in whole["columns"]
        }
    assert all(block.payload.get("print") is False for block in pages["in_the_workbook"])


def test_findings_have_owner_and_day_and_the_scope_stands_first(review):
    items = findings_of(review)
    assert items[0]["title"] == "Stop what is out of scope" and items[0]["amount_cents"] == 4400
    assert all(item["owner"] and item["due"] > "2026-10-31" for item in items)
    assert {"Policy: call outside the hours allowed", "Policy: disclosure not read out"} <= {
        item["title"] for item in items
    }
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
    found = {item["title"]: item for item in findings_of(own)}
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
    printed_plans = tables_of(own.behind())["plans"]
    assert column(printed_plans, "At risk") == column(table, "At risk"), "page two counts as the table does"
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
        ("plans", "No payment plan is on file"),
        ("payments", "No promise to pay is on file"),
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
            item["title"]: item["amount_cents"] for item in findings_of(review) if item["title"].startswith("Refund")
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


def test_where_nothing_is_on_file_of_what_patients_paid_no_share_of_it_is_told(acorn):
    """Statements and contacts are there, and not one payment of a patient: a share of nothing would be told."""
    running = programme(acorn)
    rows = running.tables["transactions"].collect()
    settles = (pl.col("party") == "patient") & pl.col("kind").is_in(["payment", "write_off", "refund", "takeback"])
    tables = {**running.tables, "transactions": rows.filter(~settles).lazy()}
    unpaid = dataclasses.replace(running, tables=tables, _frames={})
    said = words_of(pages_of("self_pay_review", unpaid).answers())
    assert "Nothing is on file of what patients paid" in said and "was paid within 120 days" not in said
