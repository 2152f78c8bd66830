"""Claims that wait for a step, as actions: limits, second insurers, questions, write-offs, rejected, never sent."""

from __future__ import annotations

from functools import partial

import pandas as pd

from ...measures.receivable.delays import NEVER_SENT
from ..formats import as_text, comma_list, counted, day_text, sentence, words_of
from .action import (
    BILLERS,
    CHARGES,
    EXPECTED,
    FOLLOW_UP_DAYS,
    LEFT_OPEN,
    PROCESS_DAYS,
    Action,
    Found,
    added,
    due,
    earlier,
    ours,
    severity_of,
)
from .facts import INSURANCE, MonthFacts, with_worth

KINDS = {
    "documents": ("document", "documents"),
    "authorization": ("authorization", "authorizations"),
    "eligibility": ("insurance detail", "insurance details"),
    "credentialing": ("enrollment paper", "enrollment papers"),
    "coding": ("coding question", "coding questions"),
    "other": ("other question", "other questions"),
}
LIMIT_WORDS = {
    "filing": ("Send {} before the filing limit", "No payer has accepted them"),
    "appeal": ("Appeal {} before the limit, or give up", "Denied and not appealed"),
}
HORIZON_DAYS = 30
"""How far ahead a time limit is announced."""

OLD_DAYS = 120


def limits(facts: MonthFacts) -> list[Found]:
    """Time limits to file and to appeal that end within thirty days or of which four fifths are used.

    Limits to bill the second insurer have their own action.
    """
    found = facts.deadlines
    near = found[found["is_recoverable"] & (found["is_alert"] | (found["days_left"] <= HORIZON_DAYS))]
    out = []
    for kind in LIMIT_WORDS:
        rows = near[near["kind"] == kind].sort_values(["deadline_on", "claim_id"])
        if len(rows):
            out.append(Found(f"{kind}_limit", partial(_limits_told, facts, kind), _dollars(rows, "open_cents")))
    return out


def _dollars(rows: pd.DataFrame, cents: str) -> pd.DataFrame:
    """One row per claim with its dollars as `cents`; the first of its rows gives the words."""
    sums = rows.groupby("claim_id")[cents].sum()
    first = rows.drop_duplicates("claim_id").reset_index(drop=True)
    return first.assign(cents=first["claim_id"].map(sums).astype("int64"))


def _limits_told(facts: MonthFacts, kind: str, rows: pd.DataFrame) -> Action:
    title, why = LIMIT_WORDS[kind]
    first = rows["deadline_on"].min()
    payers = comma_list(sorted({facts.subject.payer_name(payer) for payer in rows["payer"]})[:3])
    why = f"{why}; the first limit ends on {as_text(first, 'date')}"
    return Action(
        title.format(counted(len(rows), "claim")),
        why,
        BILLERS if kind == "filing" else ours(facts.subject),
        earlier(facts.subject, FOLLOW_UP_DAYS, first),
        f"{why}. {sentence(payers)} among the payers. A limit counts here when it ends within {HORIZON_DAYS} days or "
        "four fifths of it are used; after it the charges cannot be collected.",
        "high",
        CHARGES,
        "time_limits",
    )


def secondaries(facts: MonthFacts) -> list[Found]:
    """Secondary claims nobody sent; those whose limit has passed only where none can be sent any more."""
    rows = facts.secondaries
    if rows.empty:
        return []
    left, gone = rows[~rows["is_missed"]], rows[rows["is_missed"]]
    if len(left):
        return [Found("secondary", partial(_secondaries_told, facts, gone), _dollars(left, "patient_cents"))]
    return [Found("secondary_lost", partial(_lost_told, facts), _dollars(gone, "patient_cents"))]


def _cause(facts: MonthFacts) -> str:
    stopped = facts.secondaries_stopped
    if stopped.empty:
        return "Each was left to the second insurer by the first one, and never sent"
    one = stopped.iloc[0]
    return (
        f"Since {as_text(one['onset_on'], 'date')} {as_text(one['rate'], 'rate')} of such claims were not sent, before "
        f"it was {as_text(one['usual_rate'], 'rate')}"
    )


def _secondaries_told(facts: MonthFacts, gone: pd.DataFrame, left: pd.DataFrame) -> Action:
    late = (
        f" For {counted(len(gone), 'more claim')} ({as_text(int(gone['patient_cents'].sum()), 'usd')}) the limit has "
        "passed."
        if len(gone)
        else ""
    )
    is_stopped = len(facts.secondaries_stopped) > 0
    return Action(
        f"Send {counted(len(left), 'claim')} to the second insurer",
        _cause(facts),
        BILLERS,
        earlier(facts.subject, FOLLOW_UP_DAYS, left["deadline_on"].min()),
        f"{_cause(facts)}{': the step was dropped' if is_stopped else ''}. Dollars are {LEFT_OPEN}.{late}",
        "high" if is_stopped else severity_of(added(left), facts.subject),
        LEFT_OPEN,
        "secondary_not_sent",
    )


def _lost_told(facts: MonthFacts, gone: pd.DataFrame) -> Action:
    return Action(
        f"Close {counted(len(gone), 'secondary claim')} that can no longer be sent",
        f"{_cause(facts)}; the limit has passed for all of them",
        BILLERS,
        due(facts.subject, PROCESS_DAYS),
        severity="low",
        basis=LEFT_OPEN,
        sheet="secondary_not_sent",
    )


def crossovers(facts: MonthFacts) -> list[Found]:
    """Claims the first insurer forwarded and of which nothing was heard."""
    left = facts.crossovers[~facts.crossovers["is_missed"]]
    return [Found("crossovers", partial(_crossovers_told, facts), _dollars(left, "patient_cents"))] if len(left) else []


def _crossovers_told(facts: MonthFacts, rows: pd.DataFrame) -> Action:
    gone = int(facts.crossovers["is_missed"].sum())
    late = f" For {counted(gone, 'older one')} the limit has passed." if gone else ""
    why = "The first insurer says it passed them on more than 45 days ago; no answer came"
    return Action(
        f"Ask after {counted(len(rows), 'claim')} that never reached the second insurer",
        why,
        BILLERS,
        earlier(facts.subject, FOLLOW_UP_DAYS, rows["deadline_on"].min()),
        f"{why}.{late}",
        severity_of(added(rows), facts.subject),
        LEFT_OPEN,
        "crossovers_missing",
    )


def questions(facts: MonthFacts) -> list[Found]:
    """What the practice was asked and has not answered, as one request."""
    asked = facts.requests[facts.requests["is_open"] & ~facts.requests["claim_id"].isin(facts.lapsed)]
    if asked.empty:
        return []
    rows = asked.sort_values(["asked_on", "claim_id"]).drop_duplicates("claim_id")
    return [Found("questions", partial(_questions_told, facts), _dollars(rows, "open_cents"))]


def _questions_told(facts: MonthFacts, rows: pd.DataFrame) -> Action:
    asked = facts.requests[facts.requests["is_open"] & facts.requests["claim_id"].isin(rows["claim_id"])]
    kinds = asked.groupby("hold_reason").size().sort_values(ascending=False, kind="stable")
    parts = comma_list(counted(int(count), *KINDS.get(str(kind), KINDS["other"])) for kind, count in kinds.items())
    wait = counted(int(asked["days_open"].median()), "day")
    waited = f"Half of them have waited {wait} or more" if len(rows) > 1 else f"It has waited {wait}"
    risen, more = facts.holds_risen, ""
    if len(risen):
        one = risen.iloc[0]
        more = (
            f" Since {as_text(one['onset_on'], 'date')} {as_text(one['rate'], 'rate')} of new claims wait for "
            f"documents, before it was {as_text(one['usual_rate'], 'rate')}: "
            f"{as_text(int(round(one['excess_cents'])), 'usd')} of charges over the usual were delayed so far, those "
            "released since included."
        )
    gone = facts.requests[facts.requests["is_open"] & facts.requests["claim_id"].isin(facts.lapsed)]
    if len(gone):
        more += (
            f" {sentence(counted(len(gone), 'more question'))} ({as_text(int(gone['open_cents'].sum()), 'usd')}) came "
            "too late: no payer has these claims, their limit to file has passed, and an answer brings nothing."
        )
    why = f"{sentence(parts)}; the oldest was asked for on {day_text(asked['asked_on'].min())}"
    return Action(
        f"Send what {counted(len(rows), 'claim waits', 'claims wait')} for",
        why,
        "practice manager",
        due(facts.subject, FOLLOW_UP_DAYS),
        f"{why}. {waited}.{more}",
        "high" if len(risen) else severity_of(added(rows), facts.subject),
        CHARGES,
        "open_questions",
        True,
    )


def write_offs(facts: MonthFacts) -> list[Found]:
    """What the practice is to write off, or to tell us to keep: past its limit, or next to no chance."""
    rows = facts.given_up
    return [Found("write_offs", partial(_write_offs_told, facts), _dollars(rows, "open_cents"))] if len(rows) else []


def _write_offs_told(facts: MonthFacts, rows: pd.DataFrame) -> Action:
    late = int((rows["days_left"] < 0).fillna(False).sum())
    reasons = (
        (late, "is past a time limit", "are past a time limit"),
        (len(rows) - late, "has next to no chance of payment", "have next to no chance of payment"),
    )
    expected = int(with_worth(rows)["worked_cents"].sum())
    said = comma_list(
        f"all {many}" if count == len(rows) > 1 else counted(count, one, many) for count, one, many in reasons if count
    )
    return Action(
        f"Approve or refuse {counted(len(rows), 'write-off')}",
        f"{sentence(said)}; worked on, they should bring {as_text(expected, 'usd')}"
        if len(rows) > 1
        else f"It {said.partition(' ')[2]}; worked on, it should bring {as_text(expected, 'usd')}",
        "practice manager",
        due(facts.subject, FOLLOW_UP_DAYS),
        severity="low",
        basis=CHARGES,
        is_asked=True,
    )


def unsent(facts: MonthFacts) -> list[Found]:
    """Claims entered and never sent without a reason, and claims rejected and left."""
    never = facts.holds[facts.holds["hold_reason"] == NEVER_SENT]
    looks = (("never_sent", never, _never_sent_told), ("rejected", facts.rejected, _rejected_told))
    return [Found(kind, partial(tell, facts), _dollars(rows, "open_cents")) for kind, rows, tell in looks if len(rows)]


def _never_sent_told(facts: MonthFacts, rows: pd.DataFrame) -> Action:
    unsaid = "no note says why" if facts.subject.holds("work_log") else "no work log is on file that would say why"
    why = (
        f"Entered longer ago than nineteen of twenty claims take to leave, and {unsaid}; the oldest on "
        f"{as_text(rows['since_on'].min(), 'date')}"
    )
    return Action(
        f"Send {counted(len(rows), 'claim')} that never left",
        why,
        BILLERS,
        due(facts.subject, FOLLOW_UP_DAYS),
        severity=severity_of(added(rows), facts.subject),
        sheet="claims_on_hold",
    )


def _rejected_told(facts: MonthFacts, rows: pd.DataFrame) -> Action:
    reasons = rows["reason"].value_counts().head(2)
    words = comma_list(f"{words_of(reason)} ({count})" for reason, count in reasons.items())
    return Action(
        f"Mend and send {counted(len(rows), 'rejected claim')}",
        "Sent back by the clearinghouse or the payer's front end at least seven days ago and not sent again, so that "
        f"no payer has them: {words}",
        BILLERS,
        due(facts.subject, FOLLOW_UP_DAYS),
        severity=severity_of(added(rows), facts.subject),
        sheet="rejected_claims",
    )


def escalated(facts: MonthFacts) -> list[Found]:
    """High-value accounts that need somebody above the desk."""
    rows = facts.escalations
    return [Found("escalations", partial(_escalated_told, facts), _dollars(rows, "open_cents"))] if len(rows) else []


def _escalated_told(facts: MonthFacts, rows: pd.DataFrame) -> Action:
    return Action(
        f"Decide on {counted(len(rows), 'high-value account')}",
        "Twice overdue for a touch, close to a limit, or past a promised payment; the largest owes "
        f"{as_text(int(rows['cents'].max()), 'usd')}",
        ours(facts.subject),
        due(facts.subject, FOLLOW_UP_DAYS),
        severity=severity_of(added(rows), facts.subject),
        sheet="escalations",
    )


def _worth(facts: MonthFacts, claims: pd.Series | None = None, *, older_than: int = -1) -> pd.DataFrame:
    """Open insurance items with the cash expected if they are worked: claim_id, payer, open_cents, cents."""
    items = facts.worklist
    if items.empty:
        return pd.DataFrame(columns=["claim_id", "payer", "open_cents", "cents"])
    items = items[items["party"].isin(INSURANCE) & (items["open_cents"] > 0) & (items["age_days"] > older_than)]
    if claims is not None:
        items = items[items["claim_id"].isin(claims)]
    rows = with_worth(items).rename(columns={"worked_cents": "cents"})
    sums = rows.groupby("claim_id", as_index=False)[["open_cents", "cents"]].sum()
    return sums.merge(rows.drop_duplicates("claim_id")[["claim_id", "payer"]], on="claim_id")


def untouched(facts: MonthFacts) -> list[Found]:
    """Open insurance claims on which nothing has happened for thirty days, at the cash expected of them."""
    rows = _worth(facts, facts.untouched["claim_id"]) if len(facts.untouched) else facts.untouched
    return [Found("untouched", partial(_untouched_told, facts), rows)] if len(rows) else []


def _untouched_told(facts: MonthFacts, rows: pd.DataFrame) -> Action:
    quiet = facts.untouched[facts.untouched["claim_id"].isin(rows["claim_id"])]
    never = int(quiet["last_note_on"].isna().sum())
    return Action(
        f"Take up {counted(len(rows), 'claim')} that nobody touched for 30 days",
        f"No note, no claim sent, no answer; {as_text(int(rows['open_cents'].sum()), 'usd')} is owed on them",
        ours(facts.subject),
        due(facts.subject, FOLLOW_UP_DAYS),
        f"No note, no claim sent, no answer; {counted(never, 'of them has', 'of them have')} no note at all. "
        f"{as_text(int(rows['open_cents'].sum()), 'usd')} is owed on them; {EXPECTED} is shown. Claims of the actions "
        "above are not counted again.",
        "low" if severity_of(added(rows), facts.subject) == "low" else "medium",
        EXPECTED,
        "untouched_claims",
    )


def aged(facts: MonthFacts) -> list[Found]:
    """Insurance balances over 120 days that no other action holds, at the cash expected of them."""
    rows = _worth(facts, older_than=OLD_DAYS)
    return [Found("over_120", partial(_aged_told, facts), rows)] if len(rows) else []


def _aged_told(facts: MonthFacts, rows: pd.DataFrame) -> Action:
    by_payer = rows.groupby("payer")["open_cents"].sum().sort_values(ascending=False, kind="stable")
    owed = as_text(int(rows["open_cents"].sum()), "usd")
    why = (
        f"{owed} is owed for services more than {OLD_DAYS} days ago, "
        f"{as_text(int(by_payer.iloc[0]), 'usd')} of it by {facts.subject.payer_name(str(by_payer.index[0]))}"
    )
    return Action(
        f"Work {counted(len(rows), 'more insurance claim')} over {OLD_DAYS} days old",
        why,
        ours(facts.subject),
        due(facts.subject, FOLLOW_UP_DAYS),
        f"{why}. {sentence(EXPECTED)} is shown. Claims of the actions above are not counted again.",
        severity_of(added(rows), facts.subject),
        EXPECTED,
    )
