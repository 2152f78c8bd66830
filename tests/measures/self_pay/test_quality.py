"""Payments posted right at once, sampled reviews, the client's targets, and the card networks' limits: by hand."""

from __future__ import annotations

import datetime as dt

import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.measures.self_pay import contacts as patient_contacts
from rcm_analysis.measures.self_pay import declines as card_networks
from rcm_analysis.measures.self_pay import quality as self_pay_quality
from rcm_analysis.periods import Period

MARCH = Period.month("2026-03")
DAY = dt.date(2026, 4, 30)


@pytest.fixture(scope="module")
def b(builders_self_pay):
    return builders_self_pay


def taken(on, cents=5000, *, claim="C1", **other):
    return {
        "patient": "p",
        "claim_id": claim,
        "attempted_on": on,
        "amount_cents": cents,
        "method": "visa",
        "channel": "portal",
        "result": "approved",
        **other,
    }


def back(on, cents=5000, *, claim="C1", kind="payment"):
    """A posting with the sign turned."""
    return {"claim_id": claim, "kind": kind, "party": "patient", "amount_cents": cents, "posted_on": on}


POSTINGS = [
    pytest.param([("2026-03-05", 5000)], [], [""], id="posted on its day"),
    pytest.param([("2026-03-08", 5000)], [], [""], id="posted on the third day"),
    pytest.param([("2026-03-09", 5000)], [], ["late"], id="posted on the fourth day"),
    pytest.param([("2026-04-04", 5000)], [], ["late"], id="posted on the thirtieth day"),
    pytest.param([("2026-04-05", 5000)], [], ["missing"], id="posted on the thirty-first day"),
    pytest.param([("2026-03-04", 5000)], [], ["missing"], id="a payment of the day before is another one"),
    pytest.param([("2026-03-05", 4900)], [], ["missing"], id="posted with another amount"),
    pytest.param([("2026-03-05", 5000, "C2")], [], ["missing"], id="posted to another account"),
    pytest.param([("2026-03-05", 5000)], [back("2026-04-04")], ["corrected"], id="taken back on the thirtieth day"),
    pytest.param([("2026-03-05", 5000)], [back("2026-04-05")], [""], id="taken back later than is watched"),
    pytest.param([("2026-03-05", 5000)], [back("2026-03-07", kind="refund")], [""], id="a refund is no correction"),
    pytest.param([("2026-03-05", 5000)], [back("2026-03-07", kind="takeback")], [""], id="nor is a returned check"),
    pytest.param([("2026-03-05", 5000)], [back("2026-03-07", 4000)], [""], id="another payment was taken back"),
    pytest.param(
        [("2026-03-05", 5900), ("2026-03-10", 5000)],
        [back("2026-03-10", 5900)],
        ["corrected"],
        id="a wrong amount first, then the right one",
    ),
    pytest.param(
        [("2026-03-05", 5000)],
        [back("2026-03-05", 5000), back("2026-03-06", 5000, claim="C2")],
        ["corrected"],
        id="taken back on its own day",
    ),
]


def posted(b, postings, more=(), attempts=None, policy=()):
    ledger = [b.pay(claim[0] if claim else "C1", day, cents) for day, cents, *claim in postings]
    return b.tables(
        payment_attempts=attempts or [taken("2026-03-05")],
        transactions=[*ledger, *more],
        self_pay_policies=list(policy),
    )


@pytest.mark.parametrize(("postings", "more", "faults"), POSTINGS)
def test_one_payment_taken_on_march_5(b, postings, more, faults):
    tables = posted(b, postings, more)
    found = self_pay_quality.correct_posting(tables, period=MARCH, as_of=DAY).iloc[0]
    wrong = self_pay_quality.posting_faults(tables, period=MARCH, as_of=DAY)
    assert wrong["fault"].tolist() == [fault for fault in faults if fault]
    assert (found["payments"], found["correct_payments"], found["correct_posting"]) == (
        1,
        int(faults == [""]),
        float(faults == [""]),
    )
    assert found["fault_cents"] == (0 if faults == [""] else 5000)


def test_each_posting_answers_one_payment(b):
    twice = [taken("2026-03-05"), taken("2026-03-05")]
    found = self_pay_quality.correct_posting(
        posted(b, [("2026-03-05", 5000)], attempts=twice), period=MARCH, as_of=DAY
    ).iloc[0]
    assert (found["correct_payments"], found["missing"]) == (1, 1)
    monthly = [taken("2026-03-01"), taken("2026-03-31")]
    rows = self_pay_quality.posting_faults(posted(b, [("2026-03-31", 5000)], attempts=monthly), period=MARCH, as_of=DAY)
    assert rows[["fault", "attempted_on"]].astype(str).values.tolist() == [["missing", "2026-03-01"]]


def test_what_is_declined_or_too_young_is_in_no_rate_and_the_policy_gives_the_days(b):
    attempts = [taken("2026-03-05", result="declined"), taken("2026-03-31"), taken("2026-03-10", 700)]
    tables = posted(b, [("2026-03-12", 700)], attempts=attempts, policy=[b.policy("posting_days", 1)])
    found = self_pay_quality.correct_posting(tables, period=MARCH, as_of=dt.date(2026, 4, 29)).iloc[0]
    assert (found["young_payments"], found["payments"], found["late"]) == (1, 1, 1)
    by_method = self_pay_quality.correct_posting(tables, period=MARCH, as_of=DAY, by=["method"])
    assert by_method[["method", "payments"]].values.tolist() == [["visa", 2]]
    by_month = self_pay_quality.correct_posting(tables, period=MARCH, as_of=DAY, by=["month"])
    assert by_month["month"].dt.strftime("%Y-%m").tolist() == ["2026-03"]


def review(on, points, *, skill="eob_interpretation", by="cp01", possible=5):
    return {"reviewed_on": on, "handled_by": by, "skill": skill, "points": points, "points_possible": possible}


def test_points_of_sampled_reviews(b):
    rows = [
        review("2026-03-31", 5),
        review("2026-03-01", 2, by="cp02"),
        review("2026-04-01", 0),
        review("2026-03-02", 1, skill="professional_conduct"),
    ]
    tables = b.tables(quality_reviews=[{**row, "review_id": f"V{number}"} for number, row in enumerate(rows)])
    whole = self_pay_quality.eob_interpretation(tables, period=MARCH).iloc[0]
    assert (whole["reviews"], whole["points"], whole["points_possible"], whole["interpretation_score"]) == (
        2,
        7,
        10,
        0.7,
    )
    each = self_pay_quality.eob_interpretation(tables, period=MARCH, by=["handled_by"])
    assert dict(zip(each["handled_by"], each["interpretation_score"], strict=True)) == {"cp01": 1.0, "cp02": 0.4}
    skills = self_pay_quality.quality_scores(tables, period=MARCH)
    assert dict(zip(skills["skill"], skills["quality_score"], strict=True)) == {
        "eob_interpretation": 0.7,
        "professional_conduct": 0.2,
    }


TARGETS = [
    pytest.param(7, 10, ["70"], True, id="exactly the target is met"),
    pytest.param(7, 10, ["70.1"], False, id="a tenth of a point below is not"),
    pytest.param(9, 9, ["50"], None, id="nine counted decide nothing"),
    pytest.param(7, 10, [], None, id="no target is stated"),
    pytest.param(0, 0, ["70"], None, id="nothing to measure"),
]


@pytest.mark.parametrize(("points", "possible", "target", "is_met"), TARGETS)
def test_a_target_is_the_clients_own(b, points, possible, target, is_met):
    rows = [review("2026-03-05", points, possible=possible)] if possible else []
    tables = b.tables(quality_reviews=rows, self_pay_policies=[b.policy("eob_target", value) for value in target])
    row = self_pay_quality.self_pay_targets(tables, period=MARCH, as_of=DAY).set_index("rule").loc["eob_target"]
    assert (None if row.isna()["is_met"] else bool(row["is_met"])) == is_met
    assert row.isna()["target"] == (not target)


def test_the_target_of_the_day_holds_with_its_day(b):
    policies = [
        b.policy("eob_target", 60, to="2026-03-14"),
        b.policy("eob_target", 80, since="2026-03-15"),
        b.policy("script_target", 90, to="2026-03-30"),
    ]
    tables = b.tables(quality_reviews=[review("2026-03-05", 7, possible=10)], self_pay_policies=policies)
    rows = self_pay_quality.self_pay_targets(tables, period=MARCH, as_of=DAY).set_index("rule")
    assert (
        rows.loc["eob_target", "target"],
        str(rows.loc["eob_target", "set_on"].date()),
        rows.loc["eob_target", "is_met"],
    ) == (0.8, "2026-03-15", False)
    assert rows.loc["script_target"].isna()["target"], "a target that ended on the day before the last is none"
    assert len(rows) == 7


def test_every_target_reads_its_own_measure(b):
    talk = {
        "patient": "p",
        "claim_id": "C",
        "entered_on": "2026-03-05",
        "direction": "in",
        "channel": "phone",
        "result": "conversation",
        "reason": "balance",
        "resolution": "resolved",
        "next_step": "none",
        "is_identity_verified": True,
        "is_disclosure_given": True,
        "is_script_followed": True,
    }
    open_ = {**talk, "resolution": "open", "next_step": None, "is_script_followed": None, "direction": "out"}
    missed = {
        "patient": "q",
        "claim_id": "D",
        "entered_on": "2026-03-06",
        "direction": "out",
        "channel": "phone",
        "result": "no_answer",
        "reason": "balance",
    }
    tables = posted(b, [("2026-03-05", 5000)], attempts=[taken("2026-03-05"), taken("2026-03-06", 1)]) | {
        "interactions": b.table("interactions", [talk, open_, missed]),
        "quality_reviews": b.table("quality_reviews", [review("2026-03-05", 3, possible=4)]),
    }
    rows = self_pay_quality.self_pay_targets(tables, period=MARCH, as_of=DAY)
    assert dict(zip(rows["measure"], zip(rows["reached"], rows["counted"], strict=True), strict=True)) == {
        "contact_rate": (1, 2),
        "engagement_rate": (1, 2),
        "resolution_rate": (1, 2),
        "documentation": (2, 3),
        "script_adherence": (1, 1),
        "correct_posting": (1, 2),
        "eob_interpretation": (3, 4),
    }
    lacking = patient_contacts.incomplete_records(tables, period=MARCH)
    assert lacking[["direction", "lacks_next_step", "missing_fields", "required_fields"]].values.tolist() == [
        ["out", 1, 1, 5]
    ]


# -- card networks ----------------------------------------------------------------------------------


def tries(count, first="2026-03-01", *, method="visa", step=1, **other):
    """A declined payment and its retries, `step` days apart."""
    start = dt.date.fromisoformat(first)
    days = [str(start + dt.timedelta(days=step * number)) for number in range(count)]
    return [
        {
            **taken(day, result="declined", decline_kind="soft", method=method),
            "attempt_id": f"A{number:02d}",
            "retry_of": "A00" if number else None,
        }
        | other
        for number, day in enumerate(days)
    ]


SPRING = Period(dt.date(2025, 4, 1), dt.date(2025, 7, 1))
NETWORKS = [
    pytest.param(tries(21), MARCH, 0, id="visa: twenty retries"),
    pytest.param(tries(22), MARCH, 1, id="visa: the twenty-first"),
    pytest.param(tries(16, "2025-04-20"), SPRING, 0, id="visa before May 19, 2025: fifteen"),
    pytest.param(tries(17, "2025-04-20"), SPRING, 1, id="visa before May 19, 2025: the sixteenth"),
    pytest.param(tries(17, "2025-05-19"), SPRING, 0, id="visa from May 19, 2025: sixteen are allowed"),
    pytest.param(tries(10, method="mastercard", step=0), MARCH, 0, id="mastercard: ten attempts on one day"),
    pytest.param(tries(11, method="mastercard", step=0), MARCH, 1, id="mastercard: the eleventh on one day"),
    pytest.param(
        [
            *tries(10, method="mastercard", step=0),
            {**tries(1, "2026-03-02", method="mastercard")[0], "attempt_id": "A99", "retry_of": "A00"},
        ],
        MARCH,
        0,
        id="mastercard: the eleventh on the next day",
    ),
    pytest.param(
        tries(36, "2026-03-01", method="mastercard", step=0),
        MARCH,
        27,
        id="mastercard: of 36 on one day 26 are beyond ten, and one beyond 35 in 30 days",
    ),
    pytest.param(tries(40, method="other_card", step=0), MARCH, 0, id="a network whose limits nobody has published"),
    pytest.param(tries(2, decline_kind="hard"), MARCH, 1, id="visa after a hard decline"),
    pytest.param(tries(2, decline_kind="hard", method="mastercard"), MARCH, 1, id="mastercard after a hard decline"),
    pytest.param(tries(22, "2026-02-05"), MARCH, 0, id="all in the month before"),
    pytest.param(tries(22, "2026-02-10"), MARCH, 1, id="days look back before the month"),
]


@pytest.mark.parametrize(("attempts", "period", "beyond"), NETWORKS)
def test_limits_of_card_networks_hold_without_a_policy(b, attempts, period, beyond):
    tables = b.tables(payment_attempts=attempts)
    assert len(card_networks.retries_beyond_limits(tables, period=period)) == beyond
    rows = card_networks.network_retries(tables, period=period)
    assert rows["beyond"].sum() == beyond
    assert rows["beyond_share"].isna().tolist() == (rows["retries"] == 0).tolist()


def test_only_the_limits_of_the_period_have_rows():
    words = [limit.words for limit in card_networks.LIMITS if limit.network == "visa" and limit.counts == "retries"]
    assert words == ["15 retries in 30 days", "20 retries in 30 days"]


@pytest.mark.parametrize(
    "measured",
    [
        pytest.param(lambda tables: self_pay_quality.correct_posting(tables, period=MARCH, as_of=DAY), id="posting"),
        pytest.param(lambda tables: self_pay_quality.quality_scores(tables, period=MARCH), id="reviews"),
        pytest.param(lambda tables: self_pay_quality.self_pay_targets(tables, period=MARCH, as_of=DAY), id="targets"),
        pytest.param(lambda tables: card_networks.network_retries(tables, period=MARCH), id="networks"),
        pytest.param(lambda tables: patient_contacts.incomplete_records(tables, period=MARCH), id="records"),
    ],
)
def test_every_engine_gives_the_same(b, as_engine, engine, measured):
    tables = posted(
        b,
        [("2026-03-05", 5000), ("2026-03-20", 700)],
        attempts=[*tries(22), taken("2026-03-05"), taken("2026-03-10", 700)],
        policy=[b.policy("eob_target", 60)],
    )
    tables |= {"quality_reviews": b.table("quality_reviews", [review("2026-03-05", 7, possible=10)])}
    assert_frame_equal(measured(as_engine(tables, engine)), measured(tables))
