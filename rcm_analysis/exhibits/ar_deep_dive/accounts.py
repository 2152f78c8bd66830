"""High-value accounts with their schedule, and the trail of the work: who did what, with which result."""

from __future__ import annotations

import pandas as pd

from ...ledger.ratios import quotient, ratio
from ...measures.denials import recovery
from ...measures.receivable import audit_trail, high_value
from ..blocks import Block, note
from ..client_review.appendix import ACTION_WORDS
from ..formats import as_text, counted, sentence, words_of
from ..incomplete import untold
from ..pages import page
from ..register.facts import RECENT_MONTHS
from ..tables import Shown, show, with_total
from .facts import Facts

LARGEST = 10
CHANNELS = {"(none)": "not noted", "call": "by telephone", "email": "by e-mail", "portal": "payer portal"}
ACCOUNT = (
    Shown("claim_id", "Claim"),
    Shown("payer", "Payer"),
    Shown("service_on", "Service", "date"),
    Shown("open_cents", "Open", "usd"),
    Shown("last_touch_on", "Last touch", "date"),
    Shown("every_days", "Every (days)", "count"),
    Shown("next_touch_on", "Next due", "date"),
)


@page
def key_accounts(facts: Facts) -> list[Block]:
    """The largest open claims, how often each is to be touched, and whether it was."""
    rows = facts.names(facts.key_accounts, "payer").sort_values(["open_cents", "claim_id"], ascending=[False, True])
    if rows.empty:
        return [note(f"No claim was large enough on {facts.subject.as_of_text} to be a high-value account.")]
    late = rows["next_touch_on"] < pd.Timestamp(facts.as_of)
    rows = rows.assign(is_late=late.mask(rows["next_touch_on"].isna()))
    definition = (
        "The largest twentieth of the open claims; the larger, the more often each is to be touched (every 7, "
        "14 or 30 days); "
        "a statement counts as a touch only where the patient alone owes; US dollars of charges."
    )
    unknown = untold(facts.subject, "Whether they are touched in time", "work_log")
    blocks = [
        note(f"{_accounts_sentence(facts, rows)} {unknown or _touched(facts, rows)}{_progress(facts)}"),
        show(
            rows.head(LARGEST),
            ACCOUNT,
            name="high_value_largest",
            definition=definition,
            title=f"The largest accounts, as of {facts.subject.as_of_text}",
            notes=[f"All {len(rows)} are in the workbook, sheet High value accounts."] if len(rows) > LARGEST else [],
        ),
    ]
    return [
        *blocks,
        *_escalations(facts),
        *_missed(facts),
        show(
            rows,
            [
                *ACCOUNT,
                Shown("is_late", "Overdue", "flag"),
                Shown("notes", "Notes", "count"),
                Shown("provider", "Provider"),
                Shown("location", "Place"),
                Shown("insurance_cents", "Insurance owes", "usd"),
                Shown("patient_cents", "Patient owes", "usd"),
            ],
            name="high_value_accounts",
            title=f"High-value accounts, as of {facts.subject.as_of_text}",
            definition=definition,
            print_it=False,
        ),
    ]


def _accounts_sentence(facts: Facts, rows: pd.DataFrame) -> str:
    cents = int(rows["open_cents"].sum())
    share = ratio(cents, facts.collectable["open_cents"])
    return (
        f"{counted(len(rows), 'account')} from {as_text(int(rows['threshold_cents'].iloc[0]), 'usd')} up hold "
        f"{as_text(cents, 'usd')} ({as_text(share, 'rate')} of all that is owed)."
    )


def _touched(facts: Facts, rows: pd.DataFrame) -> str:
    """Whether they are touched as their schedule says."""
    schedule = facts.subject.client.follow_up
    kept = high_value.touch_compliance(facts.tables, as_of=facts.as_of, schedule=schedule).iloc[0]
    covered = audit_trail.note_coverage(facts.tables, as_of=facts.as_of).iloc[0]
    text = (
        f"{as_text(covered['note_coverage'], 'rate')} of them were touched in the last 30 days; "
        f"{as_text(int(rows['is_late'].sum()), 'count')} are overdue on their schedule."
    )
    if pd.isna(kept["touch_compliance"]):
        return text
    return (
        f"{text} Of {counted(int(kept['touches_due']), 'touch', 'touches')} that fell due, "
        f"{as_text(int(kept['touches_in_time']), 'count')} were made in time "
        f"({as_text(kept['touch_compliance'], 'rate')})."
    )


def _progress(facts: Facts) -> str:
    """What came of the accounts that were high-value eight weeks ago."""
    found = high_value.recovery_progress(facts.tables, as_of=facts.as_of)
    if found.empty or not found["opening_cents"].iloc[0]:
        return ""
    last = found.iloc[-1]
    named = ("collected_cents", "adjusted_cents", "written_off_cents", "open_cents")
    rest = int(last["opening_cents"]) - sum(int(last[name]) for name in named)
    kept = "was passed on or corrected" if rest > 0 else "was charged anew or is in credit"
    other = f" {as_text(abs(rest), 'usd')} {kept}." if rest else ""
    return (
        f" Of the {as_text(int(last['opening_cents']), 'usd')} on the "
        f"{counted(int(last['accounts']), 'account')} of eight weeks ago, "
        f"{as_text(int(last['collected_cents']), 'usd')} was collected ({as_text(last['collected_share'], 'rate')}), "
        f"{as_text(int(last['adjusted_cents']), 'usd')} taken off by contract and "
        f"{as_text(int(last['written_off_cents']), 'usd')} written "
        f"off; {as_text(int(last['open_cents']), 'usd')} is still open.{other}"
    )


def _escalations(facts: Facts) -> list[Block]:
    rows = facts.names(facts.escalations, "payer")
    if rows.empty:
        return []
    return [
        show(
            rows,
            [
                Shown("claim_id", "Claim"),
                Shown("payer", "Payer"),
                Shown("open_cents", "Open", "usd"),
                Shown("age_days", "Age (days)", "count"),
                Shown("last_touch_on", "Last touch", "date"),
                Shown("reason", "Why"),
                Shown("deadline_on", "Limit", "date"),
            ],
            name="escalations",
            title=f"Accounts to decide on, as of {facts.subject.as_of_text}",
            print_it=False,
            definition=(
                "High-value accounts twice overdue for a touch, with a time limit in 14 days, or past a "
                "promised payment; US dollars."
            ),
        )
    ]


def _missed(facts: Facts) -> list[Block]:
    """Touches that fell due in the past four weeks and were not made in time, account by account."""
    due = high_value.touch_compliance(
        facts.tables, as_of=facts.as_of, schedule=facts.subject.client.follow_up, by=("claim_id", "payer", "every_days")
    )
    due = facts.names(due[due["touches_in_time"] < due["touches_due"]], "payer")
    if due.empty:
        return []
    return [
        show(
            due.sort_values(["touches_in_time", "claim_id"], ignore_index=True),
            [
                Shown("claim_id", "Claim"),
                Shown("payer", "Payer"),
                Shown("every_days", "Every (days)", "count"),
                Shown("touches_due", "Touches due", "count"),
                Shown("touches_in_time", "Made in time", "count"),
            ],
            name="touches_missed",
            title="Accounts whose schedule was not kept",
            print_it=False,
            definition="Accounts that were high-value four weeks ago, with the touches that fell due since then by the "
            "schedule of the registry (follow_up), else by their tier.",
        )
    ]


@page
def trail(facts: Facts) -> list[Block]:
    """Open claims by the time since the last touch, the month's work with what came in behind it, by whom and by which
    way, how well it is noted, and what became of corrections and appeals."""
    unknown = untold(facts.subject, "What was worked, by whom and how long ago", "work_log")
    if unknown:
        return [note(unknown), *_reworked(facts)]
    return [*_touches(facts), *_results(facts), *_channels(facts), *_notes(facts), *_reworked(facts)]


def _channels(facts: Facts) -> list[Block]:
    """What came in behind each way of asking; nothing where no note says it."""
    work = audit_trail.work_results(facts.tables, period=facts.subject.period.trailing(RECENT_MONTHS), by=["channel"])
    if not (work["channel"] != "(none)").any():
        return []
    rows = _per_hour(work.assign(channel=[sentence(CHANNELS.get(one, words_of(one))) for one in work["channel"]]))
    return [
        show(
            rows.sort_values("recovered_cents", ascending=False, ignore_index=True),
            [
                Shown("channel", "Asked by"),
                Shown("notes", "Notes", "count"),
                Shown("claims", "Claims", "count"),
                Shown("minutes", "Minutes", "count"),
                Shown("paid", "Paid", "count"),
                Shown("denied", "Denied", "count"),
                Shown("waiting_on_payer", "Waits", "count"),
                Shown("recovered_cents", "Came in behind it", "usd"),
                Shown("hour_cents", "For an hour", "usd"),
            ],
            name="work_by_channel",
            title="What each way of asking brought, three months",
            definition="Notes by how the payer was asked; payments posted in the same months on claims worked in the "
            "60 days before, each with the last note before it. Hard claims are called about and easy ones looked up, "
            "so that the ways differ in their claims, too; US dollars.",
        )
    ]


def _notes(facts: Facts) -> list[Block]:
    """How many notes let the next person go on; nothing where no note says who answered."""
    quality = audit_trail.note_quality(facts.tables, period=facts.subject.period, by=["worked_by"])
    if quality["note_quality"].isna().all():
        return []
    rows = quality.assign(worked_by=quality["worked_by"].replace({"(none)": "Not noted"}))
    table, emphasis = with_total(rows, "worked_by", ["notes", "says_who", "says_what", "says_next", "whole_notes"])
    table.loc[table.index[-1], "note_quality"] = ratio(rows["whole_notes"].sum(), rows["notes"].sum())
    return [
        show(
            table,
            [
                Shown("worked_by", "Who"),
                Shown("notes", "Notes", "count"),
                Shown("says_who", "Says who answered", "count"),
                Shown("says_what", "What was said", "count"),
                Shown("says_next", "What is next, when", "count"),
                Shown("whole_notes", "All three", "count"),
                Shown("note_quality", "Share", "rate"),
            ],
            name="note_quality",
            title=f"How well the work of {facts.subject.period.title} is noted",
            emphasis=emphasis,
            definition="Notes that asked a payer or the practice. Who: a person, department or reference is noted. "
            "What was said: a status other than none. Next: a next action with its day, or nothing follows (paid, "
            "overturned, upheld, resolved).",
        )
    ]


def _reworked(facts: Facts) -> list[Block]:
    """Corrections and appeals of the past year apart, in the workbook."""
    year = facts.subject.period.trailing(12)
    fixed = recovery.corrected_claim_success(facts.tables, period=year, as_of=facts.as_of).iloc[0]
    fought = recovery.appeals(facts.tables, period=year, as_of=facts.as_of).iloc[0]
    rows = pd.DataFrame(
        [
            (
                "Corrected and sent again",
                *fixed[["corrected_claims", "decided_claims", "paid_claims", "recovered_cents"]],
            ),
            ("Appealed", *fought[["appealed_claims", "resolved_claims", "overturned_claims", "recovered_cents"]]),
        ],
        columns=["what", "claims", "decided", "paid", "recovered_cents"],
    )
    if not rows["claims"].sum():
        return []
    return [
        show(
            rows.assign(share=quotient(rows["paid"], rows["decided"])),
            [
                Shown("what", "What was done"),
                Shown("claims", "Denied claims", "count"),
                Shown("decided", "Decided since", "count"),
                Shown("paid", "Paid", "count"),
                Shown("share", "Share", "rate"),
                Shown("recovered_cents", "Recovered", "usd"),
            ],
            name="reworked",
            title="Corrected claims and appeals of twelve months",
            print_it=False,
            definition="Denied claims by the first correction (a note, or an 837 that replaces) or first appeal after "
            "the denial; a claim that was appealed is in the second row only; recovered is at most what was denied; US "
            "dollars.",
        )
    ]


def _touches(facts: Facts) -> list[Block]:
    found = audit_trail.days_since_touch(facts.tables, as_of=facts.as_of)
    if found.empty:
        return [note(f"No claim was open on {facts.subject.as_of_text}.")]
    found["since_touch"] = found["since_touch"].astype(str).str.replace("-", " to ").replace({"never": "Never touched"})
    table, emphasis = with_total(found, "since_touch", ["claims", "open_cents"], values={"touch_share": 1.0})
    return [
        show(
            table,
            [
                Shown("since_touch", "Last touch"),
                Shown("claims", "Open claims", "count"),
                Shown("touch_share", "Share", "rate"),
                Shown("open_cents", "Open", "usd"),
            ],
            name="days_since_touch",
            title=f"Open claims by the last note on them, as of {facts.subject.as_of_text}",
            emphasis=emphasis,
            definition=(
                "Claims with a balance, whoever owes it; many were sent lately and need no touch yet; US "
                "dollars of charges."
            ),
        )
    ]


def _results(facts: Facts) -> list[Block]:
    work = facts.work
    if work.empty or not work["notes"].sum():
        return [note(f"The work log holds no entry for {facts.subject.period.title}.")]
    sums = [
        "notes",
        "claims",
        "minutes",
        "recovered_cents",
        "paid",
        "overturned",
        "denied",
        "upheld",
        "waiting_on_client",
    ]
    by_person = work.groupby("worked_by", as_index=False)[sums].sum().sort_values("recovered_cents", ascending=False)
    by_person = _per_hour(by_person.assign(worked_by=by_person["worked_by"].replace({"(none)": "Not noted"})))
    total, emphasis = with_total(
        by_person, "worked_by", ["notes", "minutes", "recovered_cents", "paid", "overturned", "upheld"]
    )
    total.loc[total.index[-1], "hour_cents"] = _per_hour(by_person[sums[:4]].sum().to_frame().T)["hour_cents"].iloc[0]
    definition = (
        "Notes by the day of the work. Came in behind it: payments posted in the month on claims worked in the "
        "60 days before, "
        "each with the last note before it; that is no proof that the work brought them; US dollars."
    )
    columns = [
        Shown("notes", "Notes", "count"),
        Shown("minutes", "Minutes", "count"),
        Shown("paid", "Paid", "count"),
        Shown("overturned", "Overturned", "count"),
        Shown("upheld", "Upheld", "count"),
        Shown("recovered_cents", "Came in behind it", "usd"),
        Shown("hour_cents", "For an hour", "usd"),
    ]
    detail = _per_hour(work.assign(action=[ACTION_WORDS.get(name, words_of(name)) for name in work["action"]]))
    return [
        show(
            total,
            [Shown("worked_by", "Who"), *columns],
            name="work_by_person",
            title=f"Who worked in {facts.subject.period.title}",
            definition=definition,
            emphasis=emphasis,
        ),
        show(
            detail,
            [Shown("worked_by", "Who"), Shown("action", "What was done"), Shown("claims", "Claims", "count"), *columns],
            name="work_by_person_and_action",
            title=f"Who did what in {facts.subject.period.title}",
            definition=definition,
            print_it=False,
        ),
    ]


def _per_hour(rows: pd.DataFrame) -> pd.DataFrame:
    rate = quotient(rows["recovered_cents"].astype("float64") * 60, rows["minutes"].astype("float64"))
    return rows.assign(hour_cents=rate.round())
