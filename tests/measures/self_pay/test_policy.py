"""The self-pay policy, rule by rule: what breaks it, what just keeps it, and what the policy of the day was."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.errors import ParameterError
from rcm_analysis.measures.self_pay import policy as measures
from rcm_analysis.measures.self_pay.rules import RULES
from rcm_analysis.periods import Period

MARCH = Period.month("2026-03")
VALUES = {
    "call_window_from": "08:00",
    "call_window_to": "21:00",
    "calls_in_seven_days": "7",
    "days_after_conversation": "7",
    "card_retries_in_thirty_days": "20",
    "retry_after_hard_decline": "no",
    "promise_grace_days": "3",
    "dispute_days": "30",
    "assistance_days": "30",
    "itemised_days": "10",
    "write_off_approval_over_cents": "1000",
    "estimate_difference_cents": "40000",
    "script_version": "2",
}


def call(on, *, time="10:00", **other):
    return {
        "patient": "p",
        "claim_id": "C",
        "happened_on": on,
        "entered_on": on,
        "local_time": time,
        "direction": "out",
        "channel": "phone",
        "result": "no_answer",
        "reason": "balance",
        "handled_by": "cp01",
        **other,
    }


def talk(on, **other):
    return call(on, **{"direction": "in", "result": "conversation", "reason": "other", **other})


def attempt(name, on, **other):
    return {
        "attempt_id": name,
        "patient": "p",
        "claim_id": "C",
        "attempted_on": on,
        "method": "visa",
        "result": "declined",
        "decline_kind": "soft",
        "amount_cents": 5000,
        "channel": "portal",
        **other,
    }


def off(on, cents, **other):
    return {
        "claim_id": "C",
        "kind": "write_off",
        "party": "patient",
        "amount_cents": -cents,
        "posted_on": on,
        "reason": "bad debt",
        **other,
    }


def asked(cents, on, decision="approved", by="boss"):
    return {
        "patient": "p",
        "claim_id": "C",
        "requested_on": "2026-02-01",
        "requested_by": "cp01",
        "amount_cents": cents,
        "reason": "bad debt",
        "decided_on": on,
        "decision": decision,
        "decided_by": by,
    }


def opened(on, closed=None, **other):
    return {
        "patient": "p",
        "claim_id": "C",
        "opened_on": on,
        "reason": "amount",
        "amount_cents": 100,
        "closed_on": closed,
        **other,
    }


def applied(on, decided=None, *, complete=None, claim="C", cents=0):
    return {
        "patient": "p",
        "claim_id": claim,
        "applied_on": on,
        "amount_cents": 100,
        "completed_on": complete,
        "decided_on": decided,
        "approved_cents": cents,
        "decision": "approved" if cents else "denied",
    }


DAILY = [call(f"2026-03-{day:02d}") for day in range(2, 9)]
RETRIES = [
    attempt("A0", "2026-03-01"),
    *(attempt(f"A{day:02d}", f"2026-03-{day:02d}", retry_of="A0") for day in range(2, 23)),
]
HARD = [attempt("A1", "2026-03-02", decline_kind="hard")]
CASES = [
    # hours of calls
    pytest.param(
        "call_window",
        {"interactions": [call("2026-03-02", time="08:00"), call("2026-03-20", time="21:00")]},
        (2, 0),
        id="both ends of the hours are inside",
    ),
    pytest.param(
        "call_window",
        {"interactions": [call("2026-03-02", time="07:59"), call("2026-03-20", time="21:01")]},
        (2, 2),
        id="a minute too early and too late",
    ),
    pytest.param(
        "call_window",
        {"interactions": [talk("2026-03-02", time="23:00")]},
        (0, 0),
        id="a patient may call whenever it suits",
    ),
    pytest.param(
        "call_window",
        {"interactions": [call("2026-02-28", time="23:00"), call("2026-03-02", entered_on="2026-04-01", time="23:00")]},
        (0, 0),
        id="calls of another month, or recorded in another",
    ),
    # seven in seven
    pytest.param("calls_in_seven_days", {"interactions": DAILY}, (7, 0), id="seven calls in seven days"),
    pytest.param(
        "calls_in_seven_days",
        {"interactions": [*DAILY, call("2026-03-08", time="11:00", result="voicemail")]},
        (8, 1),
        id="the eighth is a voicemail",
    ),
    pytest.param(
        "calls_in_seven_days",
        {"interactions": [*DAILY, call("2026-03-09")]},
        (8, 0),
        id="the eighth comes on the eighth day",
    ),
    pytest.param(
        "calls_in_seven_days",
        {"interactions": [*DAILY, call("2026-03-08", claim_id="D")]},
        (8, 0),
        id="the eighth is about another debt",
    ),
    pytest.param(
        "calls_in_seven_days",
        {"interactions": [*DAILY, call("2026-03-08", patient="q")]},
        (8, 0),
        id="the eighth is to another person",
    ),
    pytest.param(
        "calls_in_seven_days",
        {"interactions": [*[call("2026-02-27") for _ in range(7)], call("2026-03-01")]},
        (1, 1),
        id="seven in the month before count",
    ),
    # after a conversation: its day is day 1
    pytest.param(
        "days_after_conversation", {"interactions": [talk("2026-03-02"), call("2026-03-08")]}, (1, 1), id="on day 7"
    ),
    pytest.param(
        "days_after_conversation", {"interactions": [talk("2026-03-02"), call("2026-03-09")]}, (1, 0), id="on day 8"
    ),
    pytest.param(
        "days_after_conversation",
        {"interactions": [talk("2026-03-02", time="09:00"), call("2026-03-02")]},
        (1, 1),
        id="an hour after it",
    ),
    pytest.param(
        "days_after_conversation",
        {"interactions": [call("2026-03-02"), talk("2026-03-02", time="11:00")]},
        (1, 0),
        id="an hour before it",
    ),
    pytest.param(
        "days_after_conversation",
        {"interactions": [talk("2026-02-27"), call("2026-03-03")]},
        (1, 1),
        id="across the turn of the month",
    ),
    pytest.param(
        "days_after_conversation",
        {"interactions": [talk("2026-03-02", claim_id="D"), call("2026-03-04")]},
        (1, 0),
        id="about another debt",
    ),
    pytest.param(
        "days_after_conversation",
        {"interactions": [talk("2026-03-02", channel="portal"), call("2026-03-04")]},
        (1, 0),
        id="a chat is no telephone conversation",
    ),
    pytest.param(
        "days_after_conversation",
        {"interactions": [talk("2026-03-02", direction="out"), call("2026-03-04")]},
        (2, 1),
        id="after a call of our own that got through",
    ),
    # promises
    pytest.param(
        "promise_grace_days",
        {
            "promises": [{"claim_id": "C", "promised_on": "2026-03-02", "due_on": "2026-03-10"}],
            "interactions": [call("2026-03-13")],
        },
        (1, 1),
        id="on the last day of grace",
    ),
    pytest.param(
        "promise_grace_days",
        {
            "promises": [{"claim_id": "C", "promised_on": "2026-03-02", "due_on": "2026-03-10"}],
            "interactions": [call("2026-03-14"), call("2026-03-02")],
        },
        (2, 0),
        id="after the grace, and on the day it was given",
    ),
    pytest.param(
        "promise_grace_days",
        {
            "promises": [{"claim_id": "C", "promised_on": "2026-03-02", "due_on": "2026-03-10"}],
            "interactions": [call("2026-03-05", reason="dispute")],
        },
        (0, 0),
        id="an answer to a dispute asks for no money",
    ),
    # records of conversations
    pytest.param(
        "disclosure_given",
        {
            "interactions": [
                talk("2026-03-02", is_disclosure_given=True),
                talk("2026-03-03", is_disclosure_given=False),
                talk("2026-03-04"),
            ]
        },
        (2, 1),
        id="not read out; where nothing is recorded nothing is known",
    ),
    pytest.param(
        "identity_verified",
        {"interactions": [talk("2026-03-02", is_identity_verified=False)]},
        (1, 1),
        id="not checked",
    ),
    pytest.param(
        "script_version",
        {"interactions": [talk("2026-03-02", script_version="2"), talk("2026-03-03", script_version="1")]},
        (2, 1),
        id="an old script",
    ),
    # accounts that should rest
    pytest.param(
        "worked_while_open",
        {"disputes": [opened("2026-03-02", "2026-03-20")], "interactions": [call("2026-03-10")]},
        (1, 1),
        id="a call during a dispute",
    ),
    pytest.param(
        "worked_while_open",
        {"disputes": [opened("2026-03-02", "2026-03-20")], "interactions": [call("2026-03-02"), call("2026-03-20")]},
        (2, 0),
        id="calls on the days on which it was raised and settled",
    ),
    pytest.param(
        "worked_while_open",
        {
            "disputes": [opened("2026-03-02")],
            "statements": [{"patient": "p", "claim_id": "C", "statement_on": "2026-03-30"}],
        },
        (1, 1),
        id="a statement during a dispute that is still open",
    ),
    pytest.param(
        "worked_while_open",
        {
            "disputes": [opened("2026-03-02")],
            "payment_plans": [{"patient": "p", "claim_id": "C", "opened_on": "2026-03-09"}],
        },
        (1, 1),
        id="a plan agreed during a dispute",
    ),
    pytest.param(
        "worked_while_open",
        {"disputes": [opened("2026-03-02", claim_id="D")], "interactions": [call("2026-03-10")]},
        (1, 0),
        id="another account is disputed",
    ),
    pytest.param(
        "worked_while_open",
        {
            "disputes": [opened("2026-03-02")],
            "interactions": [call("2026-03-10", reason="dispute"), talk("2026-03-11")],
        },
        (0, 0),
        id="a call about the dispute, and one by the patient",
    ),
    pytest.param(
        "worked_while_open",
        {
            "assistance_applications": [applied("2026-03-02", claim=None)],
            "interactions": [call("2026-03-10", channel="text")],
        },
        (1, 1),
        id="a message while an application for all accounts is open",
    ),
    pytest.param(
        "worked_while_open",
        {"assistance_applications": [applied("2026-03-02", claim="D")], "interactions": [call("2026-03-10")]},
        (1, 0),
        id="the application is for another account",
    ),
    # cards
    pytest.param("card_retries_in_thirty_days", {"payment_attempts": RETRIES[:-1]}, (20, 0), id="twenty retries"),
    pytest.param("card_retries_in_thirty_days", {"payment_attempts": RETRIES}, (21, 1), id="twenty-one retries"),
    pytest.param(
        "card_retries_in_thirty_days",
        {"payment_attempts": [*RETRIES[:-1], attempt("A99", "2026-03-30", retry_of="A21")]},
        (21, 1),
        id="a retry of a retry is one of the same payment",
    ),
    pytest.param(
        "card_retries_in_thirty_days",
        {"payment_attempts": [*RETRIES[:-1], attempt("A99", "2026-03-30", retry_of="A0", method="mastercard")]},
        (21, 0),
        id="on another card",
    ),
    pytest.param(
        "retry_after_hard_decline",
        {"payment_attempts": [*HARD, attempt("A2", "2026-03-04", retry_of="A1")]},
        (1, 1),
        id="the same card again",
    ),
    pytest.param(
        "retry_after_hard_decline",
        {"payment_attempts": [*HARD, attempt("A2", "2026-03-04", retry_of="A1", method="bank", result="approved")]},
        (1, 0),
        id="another way to pay",
    ),
    pytest.param(
        "retry_after_hard_decline",
        {
            "payment_attempts": [
                attempt("A1", "2026-03-02"),
                attempt("A2", "2026-03-04", retry_of="A1", decline_kind="hard"),
            ]
        },
        (1, 0),
        id="the retry itself was declined for good",
    ),
    # requests in time
    pytest.param(
        "dispute_days", {"disputes": [opened("2026-02-10", "2026-03-12")]}, (1, 0), id="a dispute settled on day 30"
    ),
    pytest.param(
        "dispute_days",
        {"disputes": [opened("2026-02-10", "2026-03-13"), opened("2026-02-10")]},
        (2, 2),
        id="settled on day 31, and still open",
    ),
    pytest.param("dispute_days", {"disputes": [opened("2026-03-10")]}, (0, 0), id="its days are not up"),
    pytest.param(
        "assistance_days",
        {
            "assistance_applications": [
                applied("2026-01-02", complete="2026-02-10", decided="2026-03-13"),
                applied("2026-01-02"),
            ]
        },
        (1, 1),
        id="the clock of an application starts when it is complete",
    ),
    pytest.param(
        "itemised_days",
        {
            "itemised_requests": [
                {"patient": "p", "claim_id": "C", "requested_on": "2026-03-02", "sent_on": "2026-03-12"},
                {"patient": "p", "claim_id": "C", "requested_on": "2026-03-02", "sent_on": "2026-03-13"},
            ]
        },
        (2, 1),
        id="an itemised statement on day 10 and on day 11",
    ),
    # write-offs
    pytest.param(
        "write_off_approval",
        {"transactions": [off("2026-03-05", 1000), off("2026-03-06", 1001)]},
        (1, 1),
        id="only above the limit",
    ),
    pytest.param(
        "write_off_approval",
        {"transactions": [off("2026-03-05", 5000)], "write_off_approvals": [asked(5000, "2026-03-05")]},
        (1, 0),
        id="approved that day",
    ),
    pytest.param(
        "write_off_approval",
        {"transactions": [off("2026-03-05", 5000)], "write_off_approvals": [asked(5000, "2026-03-06")]},
        (1, 1),
        id="approved a day later",
    ),
    pytest.param(
        "write_off_approval",
        {"transactions": [off("2026-03-05", 5000)], "write_off_approvals": [asked(5000, "2026-03-01", "refused")]},
        (1, 1),
        id="refused",
    ),
    pytest.param(
        "write_off_approval",
        {"transactions": [off("2026-03-05", 5000)], "write_off_approvals": [asked(4999, "2026-03-01")]},
        (1, 1),
        id="a cent less approved",
    ),
    pytest.param(
        "write_off_approval",
        {
            "transactions": [off("2026-03-05", 5000), off("2026-03-09", 5000)],
            "write_off_approvals": [asked(5000, "2026-03-01")],
        },
        (2, 1),
        id="one approval does not serve twice",
    ),
    pytest.param(
        "write_off_approval",
        {
            "transactions": [off("2026-03-05", 5000, reason="financial assistance")],
            "assistance_applications": [applied("2026-02-01", "2026-03-04", cents=5000)],
        },
        (1, 0),
        id="relief that was granted",
    ),
    pytest.param(
        "write_off_approval",
        {
            "transactions": [
                off("2026-03-05", 5000, reason="Self-pay_discount"),
                off("2026-03-05", 5000, party="primary"),
                off("2026-03-05", -5000),
            ]
        },
        (0, 0),
        id="discounts, insurers' balances and reversals need none",
    ),
    pytest.param(
        "own_approval",
        {
            "write_off_approvals": [
                asked(5000, "2026-03-05"),
                asked(5000, "2026-03-05", by="cp01"),
                asked(5000, "2026-03-05", "refused", "cp01"),
            ]
        },
        (2, 1),
        id="approved by the one who had asked",
    ),
]


@pytest.fixture(scope="module")
def b(builders_self_pay):
    return builders_self_pay


@pytest.fixture(scope="module")
def policies(b):
    return [b.policy(rule, value) for rule, value in VALUES.items()]


@pytest.fixture(scope="module")
def bare(b, policies):
    """A client with a policy and nothing else."""
    return b.tables(self_pay_policies=policies)


@pytest.mark.parametrize(("rule", "rows", "expected"), CASES)
def test_golden_cases(b, bare, rule, rows, expected):
    review = measures.Review(bare | {name: b.table(name, given) for name, given in rows.items()}, MARCH)
    checked = RULES[rule][1](review)
    assert (len(checked), int(checked["is_breach"].sum())) == expected


def test_the_policy_of_the_day_holds(b):
    tables = b.tables(
        interactions=[call("2026-03-10", time="20:30"), call("2026-03-20", time="20:30")],
        self_pay_policies=[
            b.policy("call_window_from", "08:00"),
            b.policy("call_window_to", "21:00", to="2026-03-14"),
            b.policy("call_window_to", "20:00", since="2026-03-15"),
        ],
    )
    found = measures.policy_breaches(tables, period=MARCH)
    assert found[["rule", "allowed", "found"]].values.tolist() == [["call_window", "08:00 to 20:00", "20:30"]]
    assert [
        measures.policy_value(tables, "call_window_to", as_of=day)
        for day in (dt.date(2026, 3, 14), dt.date(2026, 3, 15))
    ] == ["21:00", "20:00"]


def test_a_rule_that_the_policy_does_not_name_or_no_longer_names_checks_nothing(b):
    tables = b.tables(
        interactions=[call("2026-03-10", time="23:30")],
        self_pay_policies=[b.policy("call_window_from", "08:00"), b.policy("call_window_to", "21:00", to="2026-02-28")],
    )
    checks = measures.policy_checks(tables, period=MARCH).set_index("rule")
    assert (
        checks.loc["call_window", "checked"] == 0
        and pd.isna(checks.loc["call_window", "breach_share"])
        and pd.isna(checks.loc["call_window", "in_force"])
    )
    assert measures.policy_value(tables, "call_window_to", as_of=MARCH.last_day) is None


def test_an_unknown_rule_is_refused_with_the_closest(b):
    with pytest.raises(ParameterError, match="dispute_days"):
        measures.policy_value(b.tables(), "dispute_day", as_of=MARCH.last_day)


@pytest.fixture(scope="module")
def everything(b, policies):
    """The rows of all golden cases in one client, each case with accounts and people of its own."""
    rows: dict[str, list] = {}
    for number, case in enumerate(CASES):
        for name, given in case.values[1].items():
            for row in given:
                renamed = {
                    key: f"{row[key]}{number}"
                    for key in ("patient", "claim_id", "attempt_id", "retry_of")
                    if row.get(key) is not None
                }
                rows.setdefault(name, []).append(row | renamed)
    changes = [
        {
            "patient": "p",
            "claim_id": "C",
            "requested_on": "2026-03-02",
            "done_on": "2026-03-04",
            "kind": kind,
            "amount_cents": 700,
            "done_by": "cp03",
        }
        for kind in ("credit_reporting", "plan_adjustment", "third_party_collection")
    ]
    return b.tables(self_pay_policies=policies, account_changes=changes, **rows)


def test_breaches_are_the_breached_of_the_checks_and_each_case_stands_by_itself(everything):
    checks, found = (look(everything, period=MARCH) for look in (measures.policy_checks, measures.policy_breaches))
    counted = found["rule"].value_counts().reindex(checks["rule"]).fillna(0).astype(int)
    assert counted.tolist() == checks["breached"].tolist() and (checks["breached"] <= checks["checked"]).all()
    least = {rule: sum(case.values[2][1] for case in CASES if case.values[0] == rule) for rule in RULES}
    assert all(counted[rule] >= least[rule] > 0 for rule in RULES)
    assert found["broken_on"].between("2026-03-01", "2026-03-31").all()


def test_months_add_up(everything):
    parts = [measures.policy_breaches(everything, period=month) for month in (MARCH, MARCH.shift(1))]
    whole = measures.policy_breaches(everything, period=MARCH.shift(1).trailing(2))
    key = ["rule", "record_id"]
    assert sorted(whole[key].values.tolist()) == sorted(row for part in parts for row in part[key].values.tolist())
    assert all(len(part) for part in parts)


def test_what_is_out_of_scope_is_listed(everything):
    found = measures.scope_guard(everything, period=MARCH)
    assert (
        found["kind"].tolist() == ["credit_reporting", "third_party_collection"] and found["amount_cents"].sum() == 1400
    )
    assert measures.scope_guard(everything, period=MARCH.shift(1)).empty


ESTIMATES = [
    pytest.param(50000, [("charge", 90000)], {}, True, id="exactly four hundred dollars more"),
    pytest.param(50001, [("charge", 90000)], {}, False, id="a cent less than that"),
    pytest.param(
        50000, [("charge", 100000), ("write_off", -10000, "self-pay discount")], {}, True, id="after the discount"
    ),
    pytest.param(50000, [("charge", 90000), ("payment", -90000)], {}, True, id="whatever was paid since"),
    pytest.param(
        50000, [("charge", 90000), ("write_off", -90000, "bad debt")], {}, True, id="whatever was given up since"
    ),
    pytest.param(50000, [("charge", 60000)], {"estimate_difference_cents": 10000}, True, id="a stricter policy"),
]


@pytest.mark.parametrize(("estimate", "postings", "policy", "is_over"), ESTIMATES)
def test_bills_above_their_estimate(b, estimate, postings, policy, is_over):
    rows = [
        {
            "claim_id": "C",
            "party": "patient",
            "posted_on": "2026-03-04",
            "kind": kind,
            "amount_cents": cents,
            "reason": (*reason, None)[0],
        }
        for kind, cents, *reason in postings
    ]
    given = {"patient": "p", "planned_on": "2026-03-01", "amount_cents": estimate}
    tables = b.tables(
        transactions=rows,
        self_pay_policies=[b.policy(rule, value) for rule, value in policy.items()],
        estimates=[
            given | {"claim_id": "C", "given_on": "2026-02-20"},
            given | {"claim_id": "C", "given_on": "2026-02-01", "amount_cents": 1},
            given | {"claim_id": "C", "given_on": "2026-02-28", "amount_cents": 10**6},
            given | {"claim_id": None, "given_on": "2026-02-20"},
        ],
        statements=[
            {"patient": "p", "claim_id": "C", "statement_on": "2026-03-10"},
            {"patient": "p", "claim_id": "C", "statement_on": "2026-04-09"},
        ],
    )
    found = measures.estimate_differences(tables, period=MARCH)
    assert len(found) == is_over and (not is_over or str(found["dispute_until"][0].date()) == "2026-07-08")
    share = measures.estimate_difference_share(tables, period=MARCH).iloc[0]
    assert (share["estimated_bills"], share["over_bills"], share["difference_share"]) == (1, is_over, float(is_over))
    assert measures.estimate_differences(tables, period=MARCH.shift(1)).empty


@pytest.mark.parametrize(
    ("given_on", "planned_on", "counts"),
    [
        pytest.param("2026-03-03", "2026-03-04", True, id="on the day before"),
        pytest.param("2026-03-04", "2026-03-04", False, id="on the day of the service"),
        pytest.param("2026-02-27", "2026-03-02", True, id="on Friday for Monday"),
        pytest.param("2026-02-28", "2026-03-02", False, id="on Saturday for Monday"),
        pytest.param("2026-02-27", "2026-02-28", True, id="on Friday for Saturday"),
        pytest.param("2026-02-13", "2026-02-17", True, id="before a federal holiday"),
        pytest.param("2026-02-16", "2026-02-17", False, id="on a federal holiday"),
    ],
)
def test_an_estimate_counts_a_business_day_before_the_service(b, given_on, planned_on, counts):
    estimate = {"patient": "p", "claim_id": "C", "given_on": given_on, "planned_on": planned_on, "amount_cents": 1}
    charge = {"claim_id": "C", "party": "patient", "posted_on": "2026-03-04", "kind": "charge", "amount_cents": 9}
    tables = b.tables(transactions=[charge], estimates=[estimate], self_pay_policies=[], statements=[])
    assert measures.estimate_difference_share(tables, period=MARCH)["estimated_bills"].tolist() == [int(counts)]


@pytest.mark.parametrize(
    "measured",
    [
        pytest.param(measures.policy_breaches, id="breaches"),
        pytest.param(measures.scope_guard, id="scope"),
        pytest.param(measures.estimate_difference_share, id="estimates"),
    ],
)
def test_every_engine_gives_the_same(everything, as_engine, engine, measured):
    assert_frame_equal(measured(as_engine(everything, engine), period=MARCH), measured(everything, period=MARCH))


def test_no_words_hold_more_than_numbers_and_days(everything):
    found = measures.policy_breaches(everything, period=MARCH)
    known = {*everything["interactions"]["patient"], *everything["interactions"]["claim_id"].dropna()}
    assert not any(name in text for text in found["found"] for name in known if len(name) > 2)
