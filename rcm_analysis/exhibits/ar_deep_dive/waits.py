"""What waits and until when: time limits, secondary claims, questions to the client, holds, rejections, untouched
claims."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ...measures.receivable.delays import NEVER_SENT
from ..blocks import Block, note
from ..client_review.answers import HOLDS
from ..client_review.work import held
from ..formats import as_text, counted, sentence, words_of
from ..incomplete import limits_untold, sending_note, untold
from ..pages import page
from ..tables import Shown, show, with_total
from .facts import Facts
from .visits import visits

KINDS = {
    "filing": "To file the claim",
    "appeal": "To appeal a denial",
    "secondary_filing": "To file with the second insurer",
}
ABOUT = (Shown("claim_id", "Claim"), Shown("payer", "Payer"))
SERVICE = Shown("service_on", "Service", "date")


@page
def limits(facts: Facts) -> list[Block]:
    """Time limits by kind: running, four fifths used, missed."""
    if facts.deadlines.empty:
        none = "No time limit runs on an open claim, as far as the payers' rules are known."
        unknown = limits_untold(facts.subject)
        return [note(f"No limit is shown. {unknown}" if unknown else none)]
    unknown = limits_untold(facts.subject)
    return [_limits_by_kind(facts), *([note(unknown)] if unknown else []), _limits_by_claim(facts)]


def _limits_by_kind(facts: Facts) -> Block:
    found = facts.deadlines
    table, emphasis = with_total(
        pd.DataFrame([_of_kind(found[found["kind"] == kind], words) for kind, words in KINDS.items()]),
        "kind",
        ["running", "near", "near_cents", "missed", "missed_cents"],
    )
    late = int((~found["is_recoverable"] & ~found["is_missed"]).sum())
    denied = f"{counted(late, 'denial', 'denials')} as filed too late, without proof of filing in time"
    return show(
        table,
        [
            Shown("kind", "Time limit"),
            Shown("running", "Claims still in time", "count"),
            Shown("near", "Four fifths used", "count"),
            Shown("near_cents", "At stake", "usd"),
            Shown("first_on", "First ends", "date"),
            Shown("missed", "Missed, still open", "count"),
            Shown("missed_cents", "Missed", "usd"),
        ],
        name="time_limits_summary",
        title=f"Time limits, as of {facts.subject.as_of_text}",
        emphasis=emphasis,
        notes=[f"{denied}: an appeal will not help."] if late else [],
        definition="Limits of the payers' rules: filing from the day of service, appeal from the denial, "
        "second insurer from the first one's remittance; open charges (second insurer: what was left "
        "to it); US dollars.",
    )


def _of_kind(found: pd.DataFrame, words: str) -> dict[str, Any]:
    near, gone = found[found["is_alert"] & found["is_recoverable"]], found[found["is_missed"]]
    return {
        "kind": words,
        "running": int((~found["is_missed"]).sum()),
        "near": len(near),
        "near_cents": int(near["open_cents"].sum()),
        "first_on": near["deadline_on"].min(),
        "missed": len(gone),
        "missed_cents": int(gone["open_cents"].sum()),
    }


def _limits_by_claim(facts: Facts) -> Block:
    found = facts.deadlines
    return show(
        facts.names(found, "payer").assign(kind=found["kind"].map(KINDS)),
        [
            *ABOUT,
            Shown("kind", "Time limit"),
            Shown("starts_on", "Clock began", "date"),
            Shown("deadline_on", "Ends", "date"),
            Shown("days_left", "Days left", "count"),
            Shown("used_share", "Used", "rate"),
            Shown("is_alert", "Four fifths used", "flag"),
            Shown("is_missed", "Missed", "flag"),
            Shown("is_recoverable", "Can be saved", "flag"),
            Shown("open_cents", "Open", "usd", exact=True),
        ],
        name="time_limits",
        title=f"Time limits claim by claim, as of {facts.subject.as_of_text}",
        print_it=False,
        definition="One row per open claim and limit; US dollars.",
    )


@page
def waits(facts: Facts) -> list[Block]:
    """What waits, kind by kind, with its lists in the workbook."""
    return [
        *_summary(facts),
        *sending_note(facts.subject),
        *_questions(facts),
        *_lists(facts),
        *_changes(facts),
        *visits(facts),
    ]


def _summary(facts: Facts) -> list[Block]:
    day, has_limits = pd.Timestamp(facts.as_of), facts.subject.holds("payer_rules")
    asked = facts.requests[facts.requests["is_open"]]
    unsent = facts.holds[facts.holds["hold_reason"] == NEVER_SENT]
    kinds = [
        ("Never sent to the second insurer", facts.secondaries, "patient_cents", "decided_on", "secondary_not_sent"),
        (
            "Passed on by the first insurer, no answer",
            facts.crossovers,
            "patient_cents",
            "decided_on",
            "crossovers_missing",
        ),
        ("Waiting for the practice", asked, "open_cents", "asked_on", "open_questions"),
        ("Never sent, no reason noted", unsent, "open_cents", "since_on", "claims_on_hold"),
        ("Rejected and not sent again", facts.rejected, "open_cents", "rejected_on", "rejected_claims"),
        ("Untouched for 30 days", facts.untouched, "open_cents", "last_on", "untouched_claims"),
    ]
    rows = [
        {
            "what": words,
            "claims": len(frame),
            "cents": int(frame[cents].sum()),
            "oldest_on": frame[since].min(),
            "late": int(frame["is_missed"].sum()) if "is_missed" in frame and has_limits else None,
            "median_days": (day - frame[since]).dt.days.median(),
            "sheet": sheet,
        }
        for words, frame, cents, since, sheet in kinds
    ]
    rows = [row for row in rows if row["claims"]]
    if not rows:
        none = f"Nothing is seen to wait on {facts.subject.as_of_text}, as far as the records tell."
        return [
            note(untold(facts.subject, "What waits for the practice, and what lies untouched,", "work_log") or none)
        ]
    return [
        show(
            pd.DataFrame(rows),
            [
                Shown("what", "Waiting"),
                Shown("claims", "Claims", "count"),
                Shown("late", "Too late", "count"),
                Shown("cents", "Dollars", "usd"),
                Shown("median_days", "Half waited (days)", "count"),
                Shown("oldest_on", "Oldest since", "date"),
                Shown("sheet", "Sheet", link=True),
            ],
            name="waiting",
            title=f"What waits, as of {facts.subject.as_of_text}",
            definition="Open charges; for the second insurer what the first one left, also where its time limit "
            "has passed. A claim may stand in "
            "several rows, so they are not added up. US dollars.",
        )
    ]


def _questions(facts: Facts) -> list[Block]:
    asked = facts.requests
    answered = asked[held(facts.subject.period.trailing(3), asked["answered_on"])]
    still = asked[asked["is_open"]]
    if still.empty and answered.empty:
        unknown = untold(facts.subject, "What was asked of the practice", "work_log")
        return [] if unknown else [note("Nothing was asked of the practice in the last three months.")]
    rows = []
    for reason in sorted({*still["hold_reason"], *answered["hold_reason"]}):
        mine, done = still[still["hold_reason"] == reason], answered[answered["hold_reason"] == reason]
        rows.append(
            {
                "what": sentence(HOLDS.get(reason, words_of(reason))),
                "open": len(mine),
                "cents": int(mine["open_cents"].sum()),
                "oldest_on": mine["asked_on"].min(),
                "answered": len(done),
                "days": done["days_open"].median(),
            }
        )
    table, emphasis = with_total(
        pd.DataFrame(rows).sort_values("cents", ascending=False),
        "what",
        ["open", "cents", "answered"],
        values={"days": answered["days_open"].median(), "oldest_on": still["asked_on"].min()},
    )
    return [
        show(
            table,
            [
                Shown("what", "What we asked for"),
                Shown("open", "Open", "count"),
                Shown("cents", "Open charges", "usd"),
                Shown("oldest_on", "Oldest since", "date"),
                Shown("answered", "Answered in three months", "count"),
                Shown("days", "Days to the answer", "days"),
            ],
            name="questions",
            title=f"Questions to the practice, as of {facts.subject.as_of_text}",
            emphasis=emphasis,
            definition=(
                "Requests in the work log, from the first note to the first other event; days to the "
                "answer: the median; US dollars."
            ),
        )
    ]


_PLACE = [*ABOUT, Shown("provider", "Provider"), Shown("location", "Place"), SERVICE]
_DAYS, _CENTS = Shown("waiting_days", "Days waiting", "count"), Shown("open_cents", "Open", "usd", exact=True)
_HELD_FOR = Shown("hold_reason", "Waits for")
SECOND = [
    *ABOUT,
    Shown("secondary_payer", "Second insurer"),
    *_PLACE[len(ABOUT) :],
    Shown("decided_on", "First insurer decided", "date"),
    _DAYS,
    Shown("patient_cents", "Left open", "usd", exact=True),
    Shown("deadline_on", "Send by", "date"),
    Shown("is_missed", "Missed", "flag"),
]
ASKED = [
    *_PLACE,
    _HELD_FOR,
    Shown("asked_on", "Asked on", "date"),
    Shown("reminders", "Reminders", "count"),
    Shown("days_open", "Days open", "count"),
    _CENTS,
]
HELD = [*_PLACE, _HELD_FOR, Shown("since_on", "Since", "date"), _DAYS, Shown("is_sent", "Sent before", "flag"), _CENTS]
REJECTED = [
    *_PLACE,
    Shown("stage", "Rejected by"),
    Shown("reason", "Reason"),
    Shown("rejected_on", "Rejected on", "date"),
    _DAYS,
    Shown("deadline_on", "File by", "date"),
    _CENTS,
]
UNTOUCHED = [
    *_PLACE,
    Shown("last_event", "Last event"),
    Shown("last_on", "On", "date"),
    Shown("last_note_on", "Last note", "date"),
    Shown("quiet_days", "Days", "count"),
    _CENTS,
]


def _lists(facts: Facts) -> list[Block]:
    """The claims behind each row, for the workbook."""
    asked = facts.requests[facts.requests["is_open"]]
    lists = [
        ("secondary_not_sent", "Claims never sent to the second insurer", facts.secondaries, SECOND),
        ("crossovers_missing", "Claims passed on by the first insurer, without an answer", facts.crossovers, SECOND),
        ("open_questions", "Open questions to the practice", asked, ASKED),
        ("claims_on_hold", "Claims on hold or never sent", facts.holds, HELD),
        ("rejected_claims", "Rejected claims not sent again", facts.rejected, REJECTED),
        ("untouched_claims", "Claims nobody touched for 30 days", facts.untouched, UNTOUCHED),
    ]
    return [
        show(
            facts.names(frame, *[name for name in ("payer", "secondary_payer") if name in frame]),
            columns,
            name=name,
            title=title,
            definition=f"One row per claim, as of {as_text(facts.as_of, 'date')}; US dollars.",
            print_it=False,
        )
        for name, title, frame, columns in lists
        if len(frame)
    ]


def _changes(facts: Facts) -> list[Block]:
    """Steps that changed: later charge entry, days without a claim sent, secondaries not sent, claims held."""
    rows = (
        [
            {
                "what": "Charges entered later",
                "where": row["provider"] or row["location"] or "the whole practice",
                "onset_on": row["onset_on"],
                "claims": row["late_claims"],
                "cents": round(row["late_cents"]),
            }
            for row in facts.lag_creep.to_dict("records")
        ]
        + [
            {
                "what": "No claim left",
                "where": f"until {as_text(row['last_on'], 'date')}",
                "onset_on": row["onset_on"],
                "claims": row["claims"],
                "cents": round(row["cents"]),
            }
            for row in facts.outages.to_dict("records")
        ]
        + [
            {
                "what": words,
                "where": "the whole practice",
                "onset_on": row["onset_on"],
                "claims": round(row["excess"]),
                "cents": round(row["excess_cents"]),
            }
            for words, frame in (
                ("Secondary claims not sent", facts.secondaries_stopped),
                ("Claims held for documents", facts.holds_risen),
            )
            for row in frame.to_dict("records")
        ]
    )
    if not rows:
        return []
    return [
        show(
            pd.DataFrame(rows),
            [
                Shown("what", "What changed"),
                Shown("where", "Where"),
                Shown("onset_on", "Since", "date"),
                Shown("claims", "Claims over the usual", "count"),
                Shown("cents", "Dollars over the usual", "usd"),
            ],
            name="process_changes",
            title=f"Steps of the work that changed, as of {facts.subject.as_of_text}",
            definition=(
                "Claims and dollars beyond what was usual before; charges, for secondary claims what the "
                "first insurer left; US dollars."
            ),
        )
    ]
