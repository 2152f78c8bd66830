"""Quality of self-pay work: payments posted right at once, points of sampled quality reviews, and the client's
targets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.postings import sums, with_groups, with_rate
from ...ledger.ratios import quotient
from ...ledger.registers import CLAIM, known, rows_of
from ...periods import Period
from ...tables.frames import source
from ..menu import measure
from . import contacts as patient_contacts
from .policy import day_within, days_in_policy
from .rules import Review

col = nw.col
POSTING_DAYS = 3
WATCHED_DAYS = 30
FAULTS = ("corrected", "late", "missing")
EOB = "eob_interpretation"
PERCENT = 100
LEAST_COUNTED = 10
"""Fewer than so many counted decide nothing: one more or less would be more than ten points."""


@measure("Patients' payments posted right the first time", unit="rate", good="up")
def correct_posting(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Payments taken from patients that reached the ledger right the first time, of those taken.

    Formula
        correct_posting = correct_payments / payments
        payments = correct_payments + corrected + late + missing
    Counts
        Approved attempts of the period, whatever the method, made 30 days or longer before `as_of`; young_payments
        are more recent and left out. Correct: a payment of the same amount was posted to the same account
        within the policy's days for posting (3 where it is silent), and was not taken back as a posting (a
        payment with the sign turned; refunds and takebacks are no corrections) within 30 days of the
        attempt. Else corrected: a posting on the account was taken back in those days; late: posted after
        the policy's days; missing: not on the account in 30 days. `by`: columns of the attempt
        (`method`, `channel`) or of its claim.
    Date basis
        day of the attempt; postings by posting date, as known on `as_of`
    Unit
        share of payments, 0 to 1; counts; fault_cents: amounts of the payments that were not right
    Empty
        No payment was taken long enough ago: an empty value.
    Source
        the programme's scope of work: post transactions accurately to patient ledgers; the days are our own

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = correct_posting(
    ...     example_self_pay(), period=Period.month("2026-03").trailing(3), as_of=dt.date(2026, 4, 30)
    ... )
    >>> found[["missing", "correct_payments", "payments", "correct_posting"]]
       missing  correct_payments  payments  correct_posting
    0        0                 3         3              1.0
    """
    rows = _posted(tables, period, as_of, [name for name in by if name != "month"])
    counts = ["young_payments", *FAULTS, "fault_cents", "correct_payments", "payments"]
    is_old, fault = rows["is_old"], rows["fault"]
    rows = rows.assign(
        young_payments=(~is_old).astype("int64"),
        payments=is_old.astype("int64"),
        correct_payments=(is_old & (fault == "")).astype("int64"),
        fault_cents=rows["amount_cents"].where(is_old & (fault != ""), 0),
        month=rows["attempted_on"].dt.to_period("M").dt.to_timestamp(),
        **{name: (is_old & (fault == name)).astype("int64") for name in FAULTS},
    )
    if by:
        found = rows.groupby(list(by), as_index=False)[counts].sum()
    else:
        found = pd.DataFrame({name: [int(rows[name].sum())] for name in counts})
    return with_rate(found, "correct_posting", "correct_payments", "payments")


@measure("Patients' payments not posted right at once, one by one", value="amount_cents", good="down")
def posting_faults(tables: Mapping[str, Any], *, period: Period, as_of: dt.date) -> pd.DataFrame:
    """Every payment taken from a patient that was not posted right the first time: corrected, late, or missing.

    Formula
        one row per payment that `correct_posting` does not count as correct
    Counts
        As `correct_posting`. posted_on: the day on which the amount stood on the account; taken_back_on: the day
        on which a posting was taken back.
    Date basis
        day of the attempt
    Unit
        cents
    Empty
        Every payment was posted right: no row.
    Source
        as `correct_posting`

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> len(posting_faults(example_self_pay(), period=Period.month("2026-03").trailing(3), as_of=dt.date(2026, 4, 30)))
    0
    """
    rows = _posted(tables, period, as_of, [])
    names = ["client", "attempt_id", "claim_id", "attempted_on", "amount_cents", "fault", "posted_on", "taken_back_on"]
    return rows.loc[rows["is_old"] & (rows["fault"] != ""), names].sort_values(
        ["attempted_on", "attempt_id"], ignore_index=True
    )


@measure("Points of quality reviews, by skill", value="quality_score", unit="rate", good="up")
def quality_scores(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("skill",)) -> pd.DataFrame:
    """Points given by quality review, of the points that could be given, by skill.

    Formula
        quality_score = points / points_possible
    Counts
        Sampled reviews of the period, one row a skill. `by`: columns of the review (`skill`, `handled_by`,
        `reviewed_by`).
    Date basis
        day of the review
    Unit
        share, 0 to 1; reviews is a count of reviews and skills; points
    Empty
        Nothing was reviewed: no row; without `by` an empty value.
    Source
        the programme's performance expectations: quality standards as defined by the client

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> quality_scores(example_self_pay(), period=Period.month("2026-03"))
                      skill  reviews  points  points_possible  quality_score
    0     eob_interpretation        2       7               10            0.7
    1  professional_conduct        1       5                5            1.0
    """
    return _scored(tables, period, by, None, "quality_score")


@measure("EOBs explained rightly, of sampled reviews", value="interpretation_score", unit="rate", good="up")
def eob_interpretation(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """How well client partners explain an Explanation of Benefits, in sampled quality reviews.

    Formula
        interpretation_score = points / points_possible
    Counts
        Reviews of the skill "eob_interpretation" in the period. `by`: columns of the review (`handled_by`).
    Date basis
        day of the review
    Unit
        share, 0 to 1; reviews is a count
    Empty
        Nothing was reviewed: an empty value.
    Source
        the programme's performance expectations: a clear understanding of how to interpret an EOB

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> eob_interpretation(example_self_pay(), period=Period.month("2026-03"), by=["handled_by"])
      handled_by  reviews  points  points_possible  interpretation_score
    0       cp01        1       5                5                   1.0
    1       cp02        1       2                5                   0.4
    """
    return _scored(tables, period, by, EOB, "interpretation_score")


@measure("The client's targets, and what was reached", value="value", unit="rate", good="up")
def self_pay_targets(tables: Mapping[str, Any], *, period: Period, as_of: dt.date) -> pd.DataFrame:
    """The targets that the client has set for the programme, each beside what was reached.

    Formula
        is_met = value >= target
        value = reached / counted, by the measure named
    Counts
        Targets of the client's policy in force on the last day of the period: contact_rate, engagement_rate,
        resolution_rate, documentation, script_adherence, correct_posting, eob_interpretation, each as its
        measure counts the period. A measure without a target has its row, with an empty target: nobody's
        figure but the client's stands for it. Fewer than ten counted are neither met nor missed.
    Date basis
        as each measure
    Unit
        shares, 0 to 1; counts; set_on: first day in force
    Empty
        Nothing to measure: an empty value, and is_met empty; fewer than ten counted: is_met empty; no target:
        target and is_met empty.
    Source
        the client's policy; the programme's performance expectations: patient engagement and resolution targets,
        quality standards as defined by the client

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = self_pay_targets(
    ...     example_self_pay(), period=Period.month("2026-03").trailing(3), as_of=dt.date(2026, 4, 30)
    ... )
    >>> found[["measure", "reached", "counted", "target", "is_met"]].iloc[[1, 2, 6]]
                  measure  reached  counted  target is_met
    1     engagement_rate        2        3     0.6   <NA>
    2     resolution_rate        1        2     NaN   <NA>
    6  eob_interpretation        7       10     0.8  False
    """
    day = day_within(period, as_of)
    review, rows = Review(tables, period), []
    for rule, (name, look, top, bottom) in TARGETS.items():
        found = (
            look(tables, period=period, as_of=as_of) if look is correct_posting else look(tables, period=period)
        ).iloc[0]
        percent, since, origin = _target(review, rule, day)
        rows.append((rule, name, int(found[top]), int(found[bottom]), percent, since, origin))
    out = pd.DataFrame(rows, columns=["rule", "measure", "reached", "counted", "percent", "set_on", "source"])
    out["value"] = quotient(out["reached"], out["counted"])
    out["target"] = quotient(out["percent"], pd.Series(PERCENT, index=out.index))
    out["set_on"] = pd.to_datetime(out["set_on"]).astype("datetime64[us]")
    # The products are whole numbers where the target is: 7 of 10 against 70 percent is met, whatever 0.7 is in binary.
    met = (out["reached"] * PERCENT >= out["percent"] * out["counted"]).astype("boolean")
    out["is_met"] = met.where((out["counted"] >= LEAST_COUNTED) & out["target"].notna())
    return out[["rule", "measure", "reached", "counted", "value", "target", "is_met", "set_on", "source"]]


TARGETS: dict[str, tuple[str, Any, str, str]] = {
    "contact_target": ("contact_rate", patient_contacts.contact_rate, "conversations", "attempts"),
    "engagement_target": (
        "engagement_rate",
        patient_contacts.engagement_rate,
        "reached_patients",
        "contacted_patients",
    ),
    "resolution_target": (
        "resolution_rate",
        patient_contacts.resolution_rate,
        "settled_conversations",
        "conversations",
    ),
    "documentation_target": ("documentation", patient_contacts.documentation, "complete_records", "records"),
    "script_target": ("script_adherence", patient_contacts.script_adherence, "followed", "sampled"),
    "posting_target": ("correct_posting", correct_posting, "correct_payments", "payments"),
    "eob_target": ("eob_interpretation", eob_interpretation, "points", "points_possible"),
}
"""Each rule of the policy that sets a target: the measure, its function, and the two counts whose share it is."""


def _target(review: Review, rule: str, day: dt.date) -> tuple[float, pd.Timestamp, str]:
    """The target in percent in force on the day, with its first day and its document; empty where there is none."""
    rows, at = review.targets, pd.Timestamp(day)
    held = rows[
        (rows["rule"] == rule)
        & (rows["effective_from"] <= at)
        & (rows["effective_to"].isna() | (rows["effective_to"] >= at))
    ]
    if held.empty:
        return float("nan"), pd.NaT, ""
    last = held.iloc[-1]
    return float(pd.to_numeric(last["value"], errors="coerce")), last["effective_from"], str(last["source"])


def _scored(tables: Mapping[str, Any], period: Period, by: Sequence[str], skill: str | None, name: str) -> pd.DataFrame:
    rows = known(tables, "quality_reviews", ["skill", "points", "points_possible"], as_of=period.last_day, by=by)
    rows = rows.filter(period.holds(col("reviewed_on")))
    rows = rows.filter(col("skill") == skill) if skill else rows
    rows = with_groups(rows, tables, by, month_on="reviewed_on").with_columns(reviews=nw.lit(1))
    return with_rate(sums(rows, by, ["reviews", "points", "points_possible"]), name, "points", "points_possible")


def _posted(tables: Mapping[str, Any], period: Period, as_of: dt.date, by: Sequence[str]) -> pd.DataFrame:
    """Approved attempts of the period with is_old, fault (empty where posted right), posted_on and taken_back_on."""
    days = days_in_policy(tables, "posting_days", POSTING_DAYS, as_of=day_within(period, as_of))
    names = ["client", "attempt_id", "claim_id"]
    taken = known(tables, "payment_attempts", ["attempt_id", "claim_id", "amount_cents", "result"], as_of=as_of, by=by)
    taken = with_groups(taken.filter(col("result") == "approved", period.holds(col("attempted_on"))), tables, by)
    taken = rows_of(
        taken.select("client", "attempt_id", "claim_id", *by, "attempted_on", "amount_cents"),
        [*names, *by],
        ["attempted_on"],
    )
    ledger = source(
        tables, "transactions", ["client", "transaction_id", "claim_id", "kind", "party", "amount_cents", "posted_on"]
    ).filter(
        col("kind") == "payment",
        col("party") == "patient",
        col("posted_on") >= period.first_day,
        col("posted_on") <= as_of,
        ~col("claim_id").is_null(),
    )
    ledger = rows_of(ledger.drop("kind", "party"), ["client", "transaction_id", "claim_id"], ["posted_on"])
    taken = _matched(taken, ledger[ledger["amount_cents"] < 0])
    taken = taken.assign(taken_back_on=_taken_back(taken, ledger[ledger["amount_cents"] > 0]))
    late = taken["posted_on"] > taken["attempted_on"] + pd.Timedelta(days=days)
    faults = [taken["taken_back_on"].notna(), taken["posted_on"].isna(), late]
    is_old = taken["attempted_on"] <= pd.Timestamp(as_of) - pd.Timedelta(days=WATCHED_DAYS)
    return taken.assign(fault=np.select(faults, ["corrected", "missing", "late"], ""), is_old=is_old)


def _matched(taken: pd.DataFrame, ledger: pd.DataFrame) -> pd.DataFrame:
    """The attempts with posted_on, the next posting of their amount on their account; each posting answers one
    attempt."""
    taken = taken.assign(place=taken.groupby([*CLAIM, "amount_cents", "attempted_on"]).cumcount())
    ledger = ledger.assign(amount_cents=-ledger["amount_cents"])
    ledger = ledger.assign(place=ledger.groupby([*CLAIM, "amount_cents", "posted_on"]).cumcount())
    found = pd.merge_asof(
        taken.sort_values(["attempted_on", "attempt_id"]),
        ledger.sort_values("posted_on"),
        left_on="attempted_on",
        right_on="posted_on",
        by=[*CLAIM, "amount_cents", "place"],
        direction="forward",
        tolerance=pd.Timedelta(days=WATCHED_DAYS),
    )
    again = found["transaction_id"].notna() & found.duplicated(["client", "transaction_id"], keep="last")
    return found.assign(posted_on=found["posted_on"].mask(again)).drop(columns=["transaction_id", "place"])


def _taken_back(taken: pd.DataFrame, ledger: pd.DataFrame) -> pd.Series:
    """For each attempt the first day in the days watched on which a posting was taken back: its own, or any where it
    came late."""
    both = taken.reset_index(names="row")[["row", *CLAIM, "attempted_on", "posted_on", "amount_cents"]]
    both = both.merge(
        ledger[[*CLAIM, "amount_cents", "posted_on"]].rename(
            columns={"amount_cents": "back_cents", "posted_on": "back_on"}
        ),
        on=CLAIM,
    )
    watched = (both["back_on"] >= both["attempted_on"]) & (
        both["back_on"] <= both["attempted_on"] + pd.Timedelta(days=WATCHED_DAYS)
    )
    own = (both["back_cents"] == both["amount_cents"]) & (both["back_on"] >= both["posted_on"])
    before = both["posted_on"].isna() | (
        (both["back_on"] <= both["posted_on"]) & (both["posted_on"] > both["attempted_on"])
    )
    return (
        both[watched & (own | before)]
        .groupby("row")["back_on"]
        .min()
        .reindex(range(len(taken)))
        .astype("datetime64[us]")
    )
