"""Page one of a client review: five questions, five answers, sixty seconds."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ...ledger.ratios import quotient
from ...measures.collections import rates as collections
from ...measures.payers.due import cash_due
from ...periods import Period
from ...tables.reference.carc import codes_of
from ..blocks import Block, cards, note
from ..formats import as_text, comma_list, counted, sentence, words_of
from ..incomplete import incomplete_note
from ..pages import page
from ..subject import Subject
from ..tables import Shown, show
from .work import held, waiting_on_client, work_done

COMPLETE_SHARE = 70
"""A month with fewer claims entered than this percentage of its usual number is marked as possibly incomplete."""

MATURE_MONTHS_BACK = 4
"""The newest month of service that is at least 120 days old on a month's last day, in months before it."""

HOLDS = {
    "documents": "documents",
    "authorization": "authorizations",
    "eligibility": "insurance details of patients",
    "credentialing": "enrolment papers",
    "coding": "answers on coding",
    "other": "an answer",
}


def settled_services(period: Period) -> Period:
    """The three newest months of service that are old enough to be judged.

    >>> settled_services(Period.month("2026-10"))
    Period(first_day=datetime.date(2026, 4, 1), end=datetime.date(2026, 7, 1))
    """
    return period.shift(-MATURE_MONTHS_BACK).trailing(3)


def span(period: Period) -> str:
    """Several months in words.

    >>> span(settled_services(Period.month("2026-10")))
    'April to June 2026'
    >>> span(settled_services(Period.month("2026-05")))
    'November 2025 to January 2026'
    """
    months = period.months()
    first, last = months[0], months[-1]
    if first == last:
        return first.title
    one_year = first.first_day.year == last.first_day.year
    return f"{first.first_day:%B}{'' if one_year else f' {first.first_day:%Y}'} to {last.title}"


def gap_of(subject: Subject) -> dict[str, int]:
    """What the settled services should have brought, what they brought, and where the rest is.

    `due_cents - cash_cents = insurance_cents + patient_cents + written_off_cents + denied_cents`: still
    open with insurance or patients (credits netted), written off, or taken off as if agreed although the
    code is a denial.
    """
    services = settled_services(subject.period)
    rate = collections.net_collection_rate_matured(subject.tables, period=services, as_of=subject.as_of).iloc[0]
    claims = subject.pandas("claims")
    inside = (claims["service_on"] >= pd.Timestamp(services.first_day)) & (
        claims["service_on"] < pd.Timestamp(services.end)
    )
    rows = subject.pandas("transactions")
    rows = rows[rows["claim_id"].isin(claims.loc[inside, "claim_id"])]
    patient = rows["party"] == "patient"
    denial_coded = (rows["kind"] == "contractual") & rows["carc"].isin(codes_of(family="denial"))
    return {
        "claims": int(rate["claims"]),
        "due_cents": int(rate["collectable_cents"]),
        "cash_cents": int(rate["cash_cents"]),
        "insurance_cents": int(rows.loc[~patient, "amount_cents"].sum()),
        "patient_cents": int(rows.loc[patient, "amount_cents"].sum()),
        "written_off_cents": -int(rows.loc[rows["kind"] == "write_off", "amount_cents"].sum()),
        "denied_cents": -int(rows.loc[denial_coded, "amount_cents"].sum()),
    }


def settled(subject: Subject) -> list[Block]:
    """What became of each dollar that was due for the settled services."""
    services, gap = settled_services(subject.period), gap_of(subject)
    if gap["due_cents"] <= 0:
        return [note(f"No service of {span(services)} is old enough (120 days) to say what became of it.")]
    places = [
        ("Due after agreed discounts", gap["due_cents"]),
        ("Received", gap["cash_cents"]),
        ("Still open with insurance", gap["insurance_cents"]),
        ("Still open with patients", gap["patient_cents"]),
        ("Written off", gap["written_off_cents"]),
        ("Denied, and taken off as if agreed", gap["denied_cents"]),
    ]
    rows = pd.DataFrame(places, columns=["what", "amount_cents"])
    rows["share"] = quotient(rows["amount_cents"], pd.Series([gap["due_cents"]] * len(rows)))
    return [
        show(
            rows,
            [
                Shown("what", f"Services of {span(services)}"),
                Shown("amount_cents", "Amount", "usd"),
                Shown("share", "Share of what was due", "rate"),
            ],
            name="settled_services",
            title="What became of each dollar that was due",
            emphasis=[0],
            definition=f"{sentence(counted(gap['claims'], 'claim'))} by day of service, at least 120 days old; "
            f"postings to {subject.as_of_text}; US dollars. "
            "The lines below the first add up to it; the share received is the net collection rate.",
        )
    ]


@page
def answers(subject: Subject) -> list[Block]:
    """Page one: the five cards, with a warning when the month looks incomplete or records lack their counterpart."""
    due = cash_due(subject.tables, period=subject.period, by=["payer"])
    five = cards([_came_in(subject), _should(subject, due), _where(subject, due), _did(subject), _need(subject)])
    return [*incomplete_note(subject), *completeness_note(subject), five]


def _came_in(subject: Subject) -> tuple[str, str, str]:
    now = collections.cash(subject.tables, period=subject.period).iloc[0]
    before = int(collections.cash(subject.tables, period=subject.period.shift(-1))["cash_cents"].iloc[0])
    parts = [
        f"insurance {as_text(int(now['insurance_cents']), 'usd')}",
        f"patients {as_text(int(now['patient_cents']), 'usd')}",
    ]
    back = int(now["takebacks_cents"] + now["refunds_cents"])
    if back:
        parts.append(f"less {as_text(back, 'usd')} taken back or refunded")
    parts += _without_a_claim(int(now["provider_level_cents"]))
    detail = f"Posted in {subject.month}: {', '.join(parts)}. {_against(int(now['cash_cents']), before, subject)}"
    return "How much came in?", as_text(int(now["cash_cents"]), "usd"), detail


def _without_a_claim(cents: int) -> list[str]:
    if not cents:
        return []
    words = "plus {} that payers paid" if cents > 0 else "less {} that payers withheld"
    return [f"{words.format(as_text(abs(cents), 'usd'))} without naming a claim"]


def _against(now: int, before: int, subject: Subject) -> str:
    month = f"{subject.period.shift(-1).first_day:%B}"
    if not before:
        return f"Nothing was posted in {month}."
    change = now - before
    if as_text(abs(change), "usd") == "$0":
        return f"The same as in {month}."
    share = quotient(pd.Series([abs(change)]), pd.Series([abs(before)])).iloc[0]
    return (
        f"{as_text(abs(change), 'usd')} ({as_text(share, 'rate')}) {'more' if change > 0 else 'less'} than in {month}."
    )


def _should(subject: Subject, due: pd.DataFrame) -> tuple[str, str, str]:
    question = "How much should have come in?"
    if not due["claims"].sum():
        return (
            question,
            as_text(None, "usd"),
            (
                "Too early to say: there is not yet enough history of the payers' answers to know what fell due "
                "this month."
            ),
        )
    sums = due[["claims", "cash_due_cents", "contract_cents", "collected_cents", "patient_cents", "gap_cents"]].sum()
    basis = (
        "by contract"
        if sums["contract_cents"] == sums["cash_due_cents"]
        else ("by past payment" if not sums["contract_cents"] else "by contract or past payment")
    )
    return (
        question,
        as_text(int(sums["cash_due_cents"]), "usd"),
        (
            f"Due in {subject.month} on {counted(int(sums['claims']), 'claim')}, {basis}: "
            f"{as_text(int(sums['collected_cents']), 'usd')} came in, "
            f"{as_text(int(sums['patient_cents']), 'usd')} is the patients', "
            f"{as_text(int(sums['gap_cents']), 'usd')} is missing."
        ),
    )


def _where(subject: Subject, due: pd.DataFrame) -> tuple[str, str, str]:
    question = "Where is the gap?"
    if not due["claims"].sum():
        return question, as_text(None, "usd"), "No gap can be shown until the payers' usual answers are known."
    gap, patient = int(due["gap_cents"].sum()), int(due["patient_cents"].sum())
    with_patients = f" Patients owe {as_text(patient, 'usd')} more." if patient else ""
    if gap <= 0:
        return (
            question,
            "no gap",
            f"Insurance claims that fell due in {subject.month} brought what was due.{with_patients}",
        )
    short = due[due["gap_cents"] > 0].sort_values("gap_cents", ascending=False)
    places = [
        f"{subject.payer_name(row['payer'])} ({as_text(int(row['gap_cents']), 'usd')})"
        for row in short.head(2).to_dict("records")
    ]
    lead = "all with" if len(short) == 1 else "most with"
    day = as_text(subject.as_of, "date")
    return question, as_text(gap, "usd"), f"Not received by {day}: {lead} {comma_list(places)}."


def _did(subject: Subject) -> tuple[str, str, str]:
    done = work_done(subject)
    question = "What did we do about it?"
    if not done["notes"]:
        return question, "no follow-up recorded", f"The work log holds no entry for {subject.period.title}."
    steps = [
        counted(done[name], one, many)
        for name, one, many in (
            ("appeal", "appeal", "appeals"),
            ("corrected_claim", "corrected claim", "corrected claims"),
            ("resubmit", "claim sent again", "claims sent again"),
            ("bill_secondary", "claim sent to a second insurer", "claims sent to a second insurer"),
        )
        if done[name]
    ]
    won = f" {counted(done['overturned'], 'denial')} overturned." if done["overturned"] else ""
    steps_text = f": {comma_list(steps)}" if steps else ""
    return (
        question,
        f"{counted(done['claims'], 'claim')} worked",
        (
            f"{counted(done['notes'], 'entry', 'entries')} in the work log{steps_text}.{won} "
            f"{as_text(done['recovered_cents'], 'usd')} was posted in "
            f"{subject.month} on claims worked in the 60 days before."
        ),
    )


def _need(subject: Subject) -> tuple[str, str, str]:
    waiting = waiting_on_client(subject)
    question = "What do we need from you?"
    if waiting.empty:
        return question, "nothing", f"No claim was waiting for you on {subject.as_of_text}."
    parts = [
        f"{HOLDS.get(row['hold_reason'], words_of(row['hold_reason']))} for "
        f"{counted(int(row['claims']), 'claim')} ({as_text(int(row['open_cents']), 'usd')})"
        for row in waiting.to_dict("records")
    ]
    total = int(waiting["open_cents"].sum())
    return (
        question,
        f"{as_text(total, 'usd')} waits for you",
        f"We need {comma_list(parts)}. The longest wait is since {_oldest(waiting)}.",
    )


def _oldest(waiting: pd.DataFrame) -> Any:
    return as_text(waiting["oldest_on"].min(), "date")


def completeness(subject: Subject) -> tuple[bool, str]:
    """Whether the month looks complete, and why: claims entered beside the usual number, last day posted."""
    claims, rows = subject.pandas("claims"), subject.pandas("transactions")
    entered = int(held(subject.period, claims["entered_on"]).sum())
    before = [int(held(month, claims["entered_on"]).sum()) for month in subject.period.shift(-1).trailing(12).months()]
    before = [count for count in before if count]
    last = rows["posted_on"].max()
    usual = int(pd.Series(before).median()) if before else 0
    text = (
        f"{counted(entered, 'claim')} entered, {as_text(usual, 'count')} in a usual month; last posting on "
        f"{as_text(last, 'date')}"
    )
    if not before:
        return True, f"{counted(entered, 'claim')} entered; there is no earlier month to compare with"
    return entered * 100 >= usual * COMPLETE_SHARE, text


def completeness_note(subject: Subject) -> list[Block]:
    """A warning when the month looks incomplete; nothing otherwise."""
    is_complete, text = completeness(subject)
    if is_complete:
        return []
    return [note(f"This month may be incomplete: {text}. Read its numbers as a first look.", tone="warning")]
