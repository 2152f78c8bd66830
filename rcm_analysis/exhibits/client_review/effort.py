"""What we did in the month and what we missed: work counted as work, and what ran out or lies untouched."""

from __future__ import annotations

import pandas as pd

from ...measures.receivable.audit_trail import work_results
from ...measures.receivable.delays import untouched_claims
from ...measures.receivable.time_limits import deadlines
from ...models.detection.stalled_steps import secondaries_stopped
from ..formats import as_text, comma_list, counted
from ..incomplete import ANSWERED, SENT, advises, untold
from ..subject import Subject
from .work import held

MAILED = "statement"
"""A mailed statement is no work on a claim, and cash behind it is no result of follow-up."""

STEPS = (
    ("corrected_claim", "corrected claim", "corrected claims"),
    ("appeal", "appeal", "appeals"),
    ("resubmit", "claim sent again", "claims sent again"),
    ("bill_secondary", "claim to a second insurer", "claims to second insurers"),
    ("follow_up", "question to a payer", "questions to payers"),
    ("request_documents", "question to you", "questions to you"),
    ("transfer_to_patient", "balance passed to its patient", "balances passed to patients"),
    ("write_off_request", "write-off asked for", "write-offs asked for"),
)
LIMITS = {"filing": "to file", "appeal": "to appeal", "secondary_filing": "to bill the second insurer"}


def did(subject: Subject) -> tuple[str, str, str]:
    """What we did: claims worked by hand, the steps, what came of appeals, and the cash behind hand work alone."""
    log = subject.pandas("work_log")
    month = log[held(subject.period, log["worked_on"])]
    by_hand = month[month["action"] != MAILED]
    mailed = month.loc[month["action"] == MAILED, "claim_id"]
    only_mailed = mailed[~mailed.isin(by_hand["claim_id"])].nunique()
    came = work_results(subject.tables, period=subject.period, by=("action",))
    cents = int(came.loc[came["action"] != MAILED, "recovered_cents"].sum())
    behind = []
    if cents:
        behind.append(f"{as_text(cents, 'usd')} came in on claims worked by hand in the 60 days before.")
    if month.empty:
        none = f"The work log holds no entry for {subject.period.title}."
        nothing = untold(subject, "What was worked", "work_log") or none
        answer = "no follow-up recorded" if subject.holds("work_log") else "cannot be told"
        return "What we did", answer, " ".join([nothing, *behind])
    said = []
    counts = by_hand["action"].value_counts()
    steps = [counted(int(counts[name]), one, many) for name, one, many in STEPS if counts.get(name, 0)]
    others = int(counts.sum()) - sum(int(counts.get(name, 0)) for name, _, _ in STEPS)
    if others:
        steps.append(counted(others, "other step"))
    if steps:
        whole = f"{counted(int(counts.sum()), 'step')}: " if len(steps) > 1 else ""
        said.append(f"{whole}{comma_list(steps)}.")
    outcomes = [
        counted(found, f"denial {word}", f"denials {word}")
        for word in ("overturned", "upheld")
        if (found := by_hand.loc[by_hand["outcome"] == word, "claim_id"].nunique())
    ]
    if outcomes:
        said.append(f"{comma_list(outcomes)}.")
    said += behind
    if only_mailed:
        other = "other " if len(by_hand) else ""
        said.append(f"{counted(only_mailed, f'{other}claim')} got only a patient statement.")
    return "What we did", f"{counted(by_hand['claim_id'].nunique(), 'claim')} worked by hand", " ".join(said)


def missed(subject: Subject) -> tuple[str, str, str]:
    """What we missed: time limits that ended in the month, a step that is no longer taken, claims nobody touched.

    Without a work log nobody can say what was appealed or worked: neither is counted as missed then.
    """
    said, cents = [], 0
    is_logged = subject.holds("work_log")
    if advises(subject, SENT):
        found = deadlines(subject.tables, as_of=subject.as_of)
        over = found[found["is_missed"] & held(subject.period, found["deadline_on"])]
        over = over if is_logged else over[over["kind"] != "appeal"]
        cents = int(over["open_cents"].sum())
        if len(over):
            kinds = over.groupby("kind")["claim_id"].nunique()
            named = [(int(kinds[kind]), words) for kind, words in LIMITS.items() if kind in kinds]
            if len(named) == 1:
                said.append(f"{counted(len(over), f'time limit {named[0][1]}', f'time limits {named[0][1]}')} ran out.")
            else:
                parts = [f"{as_text(count, 'count')} {words}" for count, words in named]
                said.append(f"{counted(len(over), 'time limit')} ran out in {subject.month}: {comma_list(parts)}.")
        stopped = secondaries_stopped(subject.tables, as_of=subject.as_of)
        for row in stopped.to_dict("records"):
            since = pd.Timestamp(row["onset_on"])
            said.append(
                f"Since {since:%B %Y} {as_text(row['rate'], 'rate')} of the claims for a second insurer were not sent, "
                f"before that {as_text(row['usual_rate'], 'rate')}."
            )
    if not is_logged:
        said.append(untold(subject, "Which claims nobody appealed or worked", "work_log"))
    elif advises(subject, ANSWERED):
        quiet = untouched_claims(subject.tables, as_of=subject.as_of)
        if len(quiet):
            said.append(
                f"{counted(len(quiet), 'open insurance claim')} ({as_text(int(quiet['open_cents'].sum()), 'usd')} of "
                "charges) saw no work and no answer for 30 days."
            )
    unknown = untold(subject, "Whether a time limit ran out", "payer_rules")
    if not said:
        none = "No time limit ran out, and no open claim lay untouched."
        return "What we missed", "nothing we know of", f"No open claim lay untouched. {unknown}" if unknown else none
    none = "nothing we know of" if unknown else "no limit ran out"
    none = none if is_logged else "cannot be told"
    return "What we missed", f"{as_text(cents, 'usd')} past a limit" if cents else none, " ".join(said)
