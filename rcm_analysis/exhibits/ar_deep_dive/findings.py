"""The findings of the deep dive: what was found, its cause, its dollars, who answers for it, until when."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from ...blocks.plain import sheet_title
from ...measures.collections.written_off import whole_dollar_sweeps
from ...measures.denials.reasons import disguised_denials
from ...measures.receivable.delays import NEVER_SENT
from ...models.detection.denial_cells import FEWEST_BEFORE
from ...models.detection.denial_shifts import decided_months
from ...models.detection.renamed_payers import renamed_payers
from ..ar_weekly_review.lists import workday
from ..blocks import Block, Finding, finding, findings, note
from ..client_review.opportunities import FOLLOW_UP_DAYS, PROCESS_DAYS, due, ours, severity_of
from ..formats import as_text, comma_list, counted, sentence, words_of
from ..incomplete import ANSWERED, SENT, advises
from ..pages import page
from ..tables import Shown, show
from .denial_causes import denials, ended, standing
from .facts import Facts
from .mixes import mixes

MOST = 12
BILLERS = "our billers"
RANK = {"high": 0, "medium": 1, "low": 2}


def found(facts: Facts) -> list[Finding]:
    """Every finding, the gravest and largest first."""
    subject = facts.subject
    items = [item for look in LOOKS if advises(subject, RESTS_ON.get(look, ())) for item in look(facts)]
    return sorted(items, key=lambda item: (RANK[item.severity], -(item.amount_cents or 0), item.title))


@page
def all_findings(facts: Facts) -> list[Block]:
    """The list, and where the evidence and the other findings stand."""
    items = found(facts)
    if not items:
        blocks = [note(f"Nothing was found in {facts.subject.period.title} of what could be judged.")]
    else:
        blocks = [findings("Findings, in dollars", items[:MOST])]
    if len(items) > MOST:
        blocks.append(
            note(
                f"{counted(len(items) - MOST, 'smaller finding')} left out; all of them are in the workbook, "
                "sheet Findings."
            )
        )
    unjudged = [note(" ".join(not_judged(facts)))] if not_judged(facts) else []
    return [*blocks, *unjudged, note(_elsewhere(facts)), *_for_the_workbook(items)]


def not_judged(facts: Facts) -> list[str]:
    """What nothing can be said of, and why: silence on it is no good news."""
    words = []
    months = decided_months(facts.tables, as_of=facts.as_of)
    if months <= FEWEST_BEFORE:
        words.append(
            "Whether more is denied than usual cannot be judged yet: that takes decisions of at least "
            f"{FEWEST_BEFORE + 1} months, and there are {months}."
        )
    if facts.denial_lives.attrs["left_out"]:
        words.append(facts.denial_lives.attrs["left_out"])
    words += [
        f"{facts.subject.payer_name(row['old_payer'])} has not answered since {as_text(row['last_on'], 'date')}, and "
        f"{facts.subject.payer_name(row['new_payer'])} answers since {as_text(row['first_on'], 'date')} for "
        f"{as_text(row['shared_share'], 'rate')} the same patients. If it is one payer, make one of both in the "
        "registry: until then its rates and prices before and after cannot be compared."
        for row in renamed_payers(facts.tables, as_of=facts.as_of).to_dict("records")
    ]
    if facts.compared_lines == 0:
        words.append(
            "Whether payers allow too little cannot be judged: no line can be compared, for want of a fee schedule and "
            "of enough paid lines of one payer and code."
        )
    if facts.subject.pandas("payer_rules").empty:
        words.append("Limits to file and to appeal cannot be told: no payer's limits are on file.")
    return words


def _for_the_workbook(items: list[Finding]) -> list[Block]:
    """Every finding as a row that leads to the sheet with its claims."""
    if not items:
        return []
    split = [re.fullmatch(r"(.*) Sheet: ([\w ]+)(?:, no\. (\d+))?\.", item.detail) for item in items]
    rows = pd.DataFrame(
        [
            {
                **item.payload,
                "number": number,
                "detail": found[1] if found else item.detail,
                "sheet": found[2].lower().replace(" ", "_") if found else "",
                "of": found[3] if found else None,
            }
            for number, (item, found) in enumerate(zip(items, split, strict=True), start=1)
        ]
    )
    return [
        show(
            rows,
            [
                Shown("number", "No.", "count"),
                Shown("title", "Finding"),
                Shown("amount_cents", "Dollars", "usd"),
                Shown("owner", "Owner"),
                Shown("due", "Due", "date"),
                Shown("severity", "Priority"),
                Shown("sheet", "Claims on sheet", link=True),
                Shown("of", "No. there"),
                Shown("detail", "Cause"),
            ],
            name="findings",
            title="Findings, in dollars",
            print_it=False,
            definition=(
                "One row per finding, the gravest and largest first; US dollars. The sheet named is one "
                "click away and holds the claims behind it."
            ),
        )
    ]


def _elsewhere(facts: Facts) -> str:
    """What stands in the monthly review and is not repeated here."""
    subject = facts.subject
    hidden = int(disguised_denials(subject.tables, period=subject.period.trailing(3))["amount_cents"].sum())
    swept = int(whole_dollar_sweeps(subject.tables, period=subject.period)["swept_cents"].sum())
    parts = [
        f"{words} ({as_text(cents, 'usd')})"
        for words, cents in (
            ("denials that were posted as discounts", hidden),
            ("old balances written off in whole dollars", swept),
        )
        if cents
    ]
    more = f" {sentence(comma_list(parts))} stand there and are not counted again here." if parts else ""
    return (
        "The claims behind each finding are in the workbook: its sheet Findings leads to them. Credits, "
        "unapplied money, late "
        "charges and write-offs are in the monthly review, which also counts every time limit that ends within "
        "30 days; here one "
        f"counts from four fifths of its time on.{more}"
    )


def _sheet(name: str) -> str:
    return f" Sheet: {sheet_title(name)}."


def _earlier(facts: Facts, days: int, deadline: Any = None) -> dt.date:
    """The day promised: so many days ahead, or the deadline where that is earlier, but never before the next working
    day."""
    promised = due(facts.subject, days)
    return promised if pd.isna(deadline) else min(promised, max(pd.Timestamp(deadline).date(), workday(facts.as_of, 0)))


GRAVER = {"low": "medium", "medium": "high", "high": "high"}
"""A limit that runs out makes a finding one grade graver than its dollars."""


def underpayments(facts: Facts) -> list[Finding]:
    """One finding for each payer that allows too little again and again."""
    items = []
    for payer, rows in facts.underpayments.groupby("payer"):
        rows = rows.sort_values("short_cents", ascending=False)
        cents, left = int(rows["short_cents"].sum()), int(rows["appealable_cents"].sum())
        share = " to ".join(
            dict.fromkeys(as_text(edge, "rate") for edge in (rows["short_share"].min(), rows["short_share"].max()))
        )
        against = (
            "its contract"
            if (rows["basis"] == "contract").all()
            else "what it usually allowed (inferred, not its contract)"
        )
        items.append(
            finding(
                f"{facts.subject.payer_name(payer)} allows too little for {_codes(rows['procedure'])}",
                f"{share} less than {against}, since {as_text(rows['onset_on'].min(), 'date')}, on "
                f"{counted(int(rows['short_lines'].sum()), 'line')}. {as_text(left, 'usd')} of it can still be "
                "appealed. Confidence: "
                f"{comma_list(sorted(set(rows['confidence'])))}.{_sheet('underpayments')}",
                amount_cents=cents,
                owner=ours(facts.subject),
                due=_earlier(facts, FOLLOW_UP_DAYS, rows["appeal_by"].min()),
                severity=severity_of(cents, facts.subject),
            )
        )
    return items


def _codes(codes: pd.Series, most: int = 4) -> str:
    names = list(dict.fromkeys(codes))
    return comma_list(names) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} other codes"


def prices(facts: Facts) -> list[Finding]:
    """New prices of the last three months: those of the fee schedule to know, those only seen to ask about."""
    items = []
    rows = facts.new_prices.assign(
        is_asked=(facts.new_prices["basis"] == "inferred") & (facts.new_prices["change_share"] < 0)
    )
    for (payer, is_asked), part in rows.groupby(["payer", "is_asked"]):
        items.append(_new_price_or_underpayment(facts, payer, part) if is_asked else _new_price(facts, payer, part))
    return items


def _new_price(facts: Facts, payer: str, rows: pd.DataFrame) -> Finding:
    known = (
        "The fee schedule on file says so: these prices are agreed, and paying them is no underpayment"
        if (rows["basis"] == "contract").all()
        else "Seen in what it allows, not in a fee schedule: ask for the new contract"
    )
    return finding(
        f"{facts.subject.payer_name(payer)} has new prices",
        f"{_changed(rows)}; {as_text(int(rows['effect_cents'].sum()), 'usd')} so far. {known}.{_sheet('new_prices')}",
        owner="practice manager",
        due=due(facts.subject, PROCESS_DAYS),
        severity="low",
    )


def _new_price_or_underpayment(facts: Facts, payer: str, rows: pd.DataFrame) -> Finding:
    """A price that fell without a contract that says so: dollars, and until when they can be appealed."""
    cents, left = -int(rows["effect_cents"].sum()), int(rows["appealable_cents"].sum())
    first = rows["appeal_by"].min()
    until = (
        "no day to appeal is on file"
        if pd.isna(first)
        else f"{as_text(left, 'usd')} can be appealed, the first of it until {as_text(first, 'date')}"
    )
    return finding(
        f"{facts.subject.payer_name(payer)}: new price or underpayment, ask for the contract",
        f"{_changed(rows)}; {as_text(cents, 'usd')} less on {counted(int(rows['lines'].sum()), 'line')}. No fee "
        f"schedule on file says what was agreed. If the contract did not change, this is an underpayment: {until}."
        f"{_sheet('new_prices')}",
        amount_cents=cents,
        owner=ours(facts.subject),
        due=_earlier(facts, FOLLOW_UP_DAYS, first),
        severity=severity_of(cents, facts.subject),
    )


def _changed(rows: pd.DataFrame) -> str:
    """How many codes changed, by how much and since when."""
    low, high = rows["change_share"].min(), rows["change_share"].max()
    move = (
        f"by {as_text(high, 'rate')}"
        if as_text(low, "rate") == as_text(high, "rate")
        else f"between {as_text(low, 'rate')} and {as_text(high, 'rate')}"
    )
    return (
        f"{counted(rows['procedure'].nunique(), 'code')} changed {move} from "
        f"{as_text(rows['changed_on'].min(), 'date')} on"
    )


def secondaries(facts: Facts) -> list[Finding]:
    """Secondary claims nobody sent, and whether the step was dropped."""
    rows = facts.secondaries
    if rows.empty:
        return []
    left, gone = rows[~rows["is_missed"]], rows[rows["is_missed"]]
    stopped = facts.secondaries_stopped
    cause = "Each was left to the second insurer by the first one, and never sent."
    if len(stopped):
        one = stopped.iloc[0]
        cause = (
            f"Since {as_text(one['onset_on'], 'date')} {as_text(one['rate'], 'rate')} of such claims were not "
            "sent, before it "
            f"was {as_text(one['usual_rate'], 'rate')}: the step was dropped, worth "
            f"{as_text(int(round(one['excess_cents'])), 'usd')} over the usual so far."
        )
    more = counted(len(gone), "more claim") if len(left) else "all of them"
    late = (
        f" For {more} ({as_text(int(gone['patient_cents'].sum()), 'usd')}) the limit has passed." if len(gone) else ""
    )
    cents = int(left["patient_cents"].sum())
    items = (
        [
            finding(
                f"Send {counted(len(left), 'claim')} to the second insurer",
                f"{cause} Dollars are what the first insurer left open.{late}{_sheet('secondary_not_sent')}",
                amount_cents=cents,
                owner=BILLERS,
                due=_earlier(facts, FOLLOW_UP_DAYS, left["deadline_on"].min()),
                severity="high" if len(stopped) else severity_of(cents, facts.subject),
            )
        ]
        if len(left)
        else []
    )
    if not len(left) and len(gone):
        items.append(
            finding(
                f"{counted(len(gone), 'secondary claim')} can no longer be sent",
                f"{cause}{late}{_sheet('secondary_not_sent')}",
                amount_cents=int(gone["patient_cents"].sum()),
                owner=BILLERS,
                due=due(facts.subject, PROCESS_DAYS),
                severity="low",
            )
        )
    return items


def crossovers(facts: Facts) -> list[Finding]:
    """Claims the first insurer forwarded and of which nothing was heard."""
    rows = facts.crossovers
    left = rows[~rows["is_missed"]]
    if left.empty:
        return []
    cents, gone = int(left["patient_cents"].sum()), len(rows) - len(left)
    late = f" For {counted(gone, 'older one')} the limit has passed." if gone else ""
    return [
        finding(
            f"Ask after {counted(len(left), 'claim')} that never reached the second insurer",
            (
                "The first insurer says it passed them on more than 45 days ago; no answer "
                f"came.{late}{_sheet('crossovers_missing')}"
            ),
            amount_cents=cents,
            owner=BILLERS,
            due=_earlier(facts, FOLLOW_UP_DAYS, left["deadline_on"].min()),
            severity=severity_of(cents, facts.subject),
        )
    ]


def waiting(facts: Facts) -> list[Finding]:
    """What the client was asked for and has not answered, and whether it became more."""
    rows = facts.requests[facts.requests["is_open"]]
    asked, gone = rows[~rows["claim_id"].isin(facts.lapsed)], rows[rows["claim_id"].isin(facts.lapsed)]
    if asked.empty:
        return _past_their_limit(facts, gone)
    cents = int(asked["open_cents"].sum())
    risen = facts.holds_risen
    more = ""
    if len(risen):
        one = risen.iloc[0]
        more = (
            f" Since {as_text(one['onset_on'], 'date')} {as_text(one['rate'], 'rate')} of new claims wait for "
            "documents, before "
            f"it was {as_text(one['usual_rate'], 'rate')}: {as_text(int(round(one['excess_cents'])), 'usd')} of "
            "charges over the "
            f"usual were delayed so far, those released since included."
        )
    if len(gone):
        more += (
            f" {sentence(counted(len(gone), 'more question'))} ({as_text(int(gone['open_cents'].sum()), 'usd')}) came "
            "too late: no payer has these claims, their limit to file has passed, and an answer brings nothing."
        )
    days = counted(int(asked["days_open"].median()), "day")
    wait = f"Half of them have waited {days} or more" if len(asked) > 1 else f"It has waited {days}"
    return [
        finding(
            f"Answer {counted(len(asked), 'open question')} of ours",
            f"{wait}, the oldest since {as_text(asked['asked_on'].min(), 'date')}.{more} Charges are "
            f"shown.{_sheet('open_questions')}",
            amount_cents=cents,
            owner="practice manager",
            due=due(facts.subject, FOLLOW_UP_DAYS),
            severity="high" if len(risen) else severity_of(cents, facts.subject),
        )
    ]


def _past_their_limit(facts: Facts, gone: pd.DataFrame) -> list[Finding]:
    """Questions that were answered by nobody until the payer's limit had passed, where no others are open."""
    if gone.empty:
        return []
    return [
        finding(
            f"{counted(len(gone), 'open question')} of ours came too late",
            "Nobody answered before the payer's limit to file had passed: decide on the write-off. "
            f"Charges are shown.{_sheet('open_questions')}",
            amount_cents=int(gone["open_cents"].sum()),
            owner=ours(facts.subject),
            due=due(facts.subject, PROCESS_DAYS),
            severity="low",
        )
    ]


def unsent(facts: Facts) -> list[Finding]:
    """Claims entered and never sent without a reason, and claims rejected and left."""
    items = []
    rows = facts.holds[facts.holds["hold_reason"] == NEVER_SENT]
    if len(rows):
        cents = int(rows["open_cents"].sum())
        items.append(
            finding(
                f"Send {counted(len(rows), 'claim')} that never left",
                f"Entered longer ago than nineteen of twenty claims take to leave, and no note says why; the oldest on "
                f"{as_text(rows['since_on'].min(), 'date')}. Charges are shown.{_sheet('claims_on_hold')}",
                amount_cents=cents,
                owner=BILLERS,
                due=due(facts.subject, FOLLOW_UP_DAYS),
                severity=severity_of(cents, facts.subject),
            )
        )
    rows = facts.rejected
    if len(rows):
        cents = int(rows["open_cents"].sum())
        reasons = rows["reason"].value_counts().head(2)
        words = comma_list(f"{words_of(reason)} ({count})" for reason, count in reasons.items())
        items.append(
            finding(
                f"Mend and send {counted(len(rows), 'rejected claim')}",
                "Sent back by the clearinghouse or the payer's front end, at least seven days ago, and not "
                f"sent again: {words}. No "
                f"payer has them. Charges are shown.{_sheet('rejected_claims')}",
                amount_cents=cents,
                owner=BILLERS,
                due=due(facts.subject, FOLLOW_UP_DAYS),
                severity=severity_of(cents, facts.subject),
            )
        )
    return items


def limits(facts: Facts) -> list[Finding]:
    """Time limits of which four fifths are used: to file, and to appeal. Secondary claims have their own finding."""
    words = {
        "filing": ("File {} before the limit", "No payer has them"),
        "appeal": ("Appeal or give up {} before the limit", "Denied and not appealed"),
    }
    items = []
    for kind, (title, why) in words.items():
        of_kind = facts.deadlines[facts.deadlines["kind"] == kind]
        rows = of_kind[of_kind["is_alert"] & of_kind["is_recoverable"]]
        if rows.empty:
            continue
        first, cents = rows["deadline_on"].min(), int(rows["open_cents"].sum())
        items.append(
            finding(
                title.format(counted(len(rows), "claim")),
                f"{why}, and at least four fifths of the time allowed is used; the first limit ends on "
                f"{as_text(first, 'date')}. Charges "
                f"are shown.{_sheet('time_limits')}",
                amount_cents=cents,
                owner=BILLERS if kind == "filing" else ours(facts.subject),
                due=_earlier(facts, FOLLOW_UP_DAYS, first),
                severity=GRAVER[severity_of(cents, facts.subject)],
            )
        )
    return items


def later_entry(facts: Facts) -> list[Finding]:
    """Charges that are entered later than they used to be."""
    items = []
    for row in facts.lag_creep.to_dict("records"):
        where = row["provider"] or row["location"] or "the whole practice"
        cents = int(round(row["late_cents"]))
        items.append(
            finding(
                f"Charges are entered later: {where}",
                f"From {as_text(row['onset_on'], 'date')} on it takes {as_text(row['days'], 'days')} working "
                "days from the service to the "
                f"charge, {as_text(row['days_last_month'], 'days')} of late; before it was "
                f"{as_text(row['usual_days'], 'days')}. Charges "
                f"entered later than usual are shown: their cash comes later.{_sheet('process_changes')}",
                amount_cents=cents,
                owner="practice manager",
                due=due(facts.subject, PROCESS_DAYS),
                severity=severity_of(cents, facts.subject),
            )
        )
    return items


def silent_days(facts: Facts) -> list[Finding]:
    """Days on which no claim left though some were waiting."""
    items = []
    for row in facts.outages.to_dict("records"):
        cents = int(round(row["cents"]))
        end = (
            f"claims left again on {as_text(row['resumed_on'], 'date')}"
            if row["is_over"]
            else "and none has left since"
        )
        items.append(
            finding(
                f"No claim{_to(facts, row['payer'])} left from {as_text(row['onset_on'], 'date')} to "
                f"{as_text(row['last_on'], 'date')}",
                f"{counted(int(row['claims']), 'claim was', 'claims were')} waiting; {end}. Ask the "
                "clearinghouse for its report of these days "
                f"and check that each claim was accepted. Charges are shown.{_sheet('process_changes')}",
                amount_cents=cents,
                owner=BILLERS,
                due=due(facts.subject, FOLLOW_UP_DAYS),
                severity="low" if row["is_over"] else "high",
            )
        )
    return items


def _to(facts: Facts, payer: str) -> str:
    return f" to {facts.subject.payer_name(payer)}" if payer else ""


def untouched(facts: Facts) -> list[Finding]:
    """Open insurance claims on which nothing has happened for thirty days."""
    rows = facts.untouched
    if rows.empty:
        return []
    cents = int(rows["open_cents"].sum())
    never = int(rows["last_note_on"].isna().sum())
    return [
        finding(
            f"Take up {counted(len(rows), 'claim')} that nobody touched for 30 days",
            f"No note, no claim sent, no answer; {counted(never, 'of them has', 'of them have')} no note at "
            "all. Charges are shown; some "
            f"of these claims are in other findings as well.{_sheet('untouched_claims')}",
            amount_cents=cents,
            owner=ours(facts.subject),
            due=due(facts.subject, FOLLOW_UP_DAYS),
            severity="low" if severity_of(cents, facts.subject) == "low" else "medium",
        )
    ]


def escalated(facts: Facts) -> list[Finding]:
    """High-value accounts that need somebody above the desk."""
    rows = facts.escalations
    if rows.empty:
        return []
    cents = int(rows["open_cents"].sum())
    return [
        finding(
            f"Decide on {counted(len(rows), 'high-value account')}",
            f"Twice overdue for a touch, close to a limit, or past a promised payment; the largest owes "
            f"{as_text(int(rows['open_cents'].max()), 'usd')}. Charges are shown.{_sheet('escalations')}",
            amount_cents=cents,
            owner=ours(facts.subject),
            due=due(facts.subject, FOLLOW_UP_DAYS),
            severity=severity_of(cents, facts.subject),
        )
    ]


LOOKS: list[Callable[[Facts], list[Finding]]] = [
    denials,
    ended,
    standing,
    mixes,
    underpayments,
    secondaries,
    crossovers,
    waiting,
    unsent,
    limits,
    later_entry,
    silent_days,
    escalated,
    untouched,
    prices,
]
RESTS_ON: dict[Callable[[Facts], list[Finding]], tuple[str, ...]] = {
    secondaries: SENT,
    crossovers: SENT,
    waiting: ANSWERED,
    unsent: SENT,
    limits: SENT,
    untouched: ANSWERED,
}
"""The relations between records without which a look would advise on dollars that are not there."""
