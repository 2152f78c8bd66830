"""The service pages of a self-pay review: requests of patients, rework of accounts, triage."""

from __future__ import annotations

import pandas as pd

from ...ledger.ratios import ratio
from ...ledger.suppression import LEAST, suppressed
from ...measures.self_pay import contacts as patient_contacts
from ...measures.self_pay import requests as patient_requests
from ..blocks import Block, note
from ..formats import as_text, counted, sentence, span, words_of
from ..pages import page
from ..tables import Shown, show, with_total
from .facts import Facts
from .money import HIDDEN, rate_words

REASONS = {
    "insurance_should_pay": "The insurer should pay",
    "service_not_received": "Service not received",
    "amount": "The amount",
    "already_paid": "Already paid",
    "duplicate": "Billed twice",
    "identity": "Not the patient",
    "itemised_statement": "Itemized statement",
    "payment_plan": "Payment plan",
    "financial_assistance": "Financial assistance",
    "demographics": "Address and other data",
    "estimate": "Estimate",
    "balance": "What is owed",
    "promise": "Promise to pay",
    "(none)": "Not recorded",
}
OUTCOMES = {
    "upheld": "The bill stood",
    "adjusted": "The bill was changed",
    "rebilled": "Billed to the insurer again",
    "withdrawn": "Withdrawn",
    "(none)": "Outcome not recorded",
}
DECISIONS = {
    "approved": "Approved",
    "partly_approved": "Approved in part",
    "denied": "Denied",
    "withdrawn": "Withdrawn",
    "(none)": "Decision not recorded",
}
KINDS = {
    "plan_adjustment": "Payment plans adjusted",
    "insurance_update": "Insurance updated",
    "demographic_update": "Address and other data updated",
    "ledger_correction": "Ledger corrected (payments before the due date)",
    "balance_transfer": "Balances moved by hand",
    "credit_reporting": "Credit reporting: out of scope",
    "third_party_collection": "Third-party collection: out of scope",
}
ROUTES = {
    "self_pay": "Self-pay",
    "billing": "Billing",
    "insurance_follow_up": "Insurance follow-up",
    "front_desk": "Front desk",
    "financial_counselling": "Financial counselling",
    "clinic": "Clinic",
    "(none)": "Not recorded",
}
CLOCK_WORDS = {
    "disputes": "Disputes settled",
    "assistance": "Applications decided",
    "itemised": "Itemized statements sent",
}


@page
def requests(facts: Facts) -> list[Block]:
    """Disputes, applications for assistance and itemised statements: how many, how long, what came of them."""
    return [*_turnaround(facts), *_disputes(facts), *_assistance(facts)]


def _turnaround(facts: Facts) -> list[Block]:
    if not any(found["cases"] for found in facts.turnarounds.values()):
        return [
            note(
                "No dispute, application for assistance or request for an itemized statement is on file for the "
                "twelve months to "
                f"{facts.subject.as_of_text}."
            )
        ]
    rows = []
    for what, found in facts.turnarounds.items():
        good, due = facts.in_time[what]
        rows.append({"words": CLOCK_WORDS[what], **found.to_dict(), "share": ratio(good, due), "late": due - good})
    return [
        show(
            pd.DataFrame(rows),
            [
                Shown("words", "What"),
                Shown("cases", "Came in", "count"),
                Shown("open", "Open", "count"),
                Shown("median_days", "Median days", "days"),
                Shown("p90_days", "Nine in ten by day", "days"),
                Shown("share", "Within policy", "rate"),
                Shown("late", "Late", "count"),
            ],
            name="turnaround",
            title="How long patients wait",
            definition=f"Cases that came in {span(facts.year)}, as of {facts.subject.as_of_text}. Open cases "
            "count as open in the days "
            "(Kaplan–Meier). Within policy: of the cases whose days are up; applications from the day on which "
            "all documents were there.",
            notes=[
                "– Too few have ended, or none is old enough, to say."
                if pd.DataFrame(rows)[["median_days", "p90_days", "share"]].isna().any(axis=None)
                else ""
            ],
        )
    ]


def _disputes(facts: Facts) -> list[Block]:
    subject, whole = facts.subject, facts.disputes
    if not whole["disputes"]:
        return [note(f"No dispute is on file for the twelve months to {subject.as_of_text}.")]
    rows = patient_requests.disputes(subject.tables, period=facts.year, as_of=subject.as_of, by=["reason"])
    rows = rows.sort_values(["amount_cents", "reason"], ascending=[False, True], ignore_index=True)
    rows = suppressed(rows, counts=["disputes"], by=["reason"], clear=["amount_cents", "adjusted_cents"])
    rows["words"] = [REASONS.get(reason, words_of(reason)) for reason in rows["reason"]]
    table, emphasis = with_total(
        rows, "words", [], values={name: int(whole[name]) for name in ("disputes", "amount_cents", "adjusted_cents")}
    )
    repeats = int(whole["repeats"])
    words = (
        f"{sentence(counted(int(whole['disputes']), 'dispute'))} in twelve months, "
        f"{as_text(int(whole['amount_cents']), 'usd')}; "
        f"{counted(int(whole['open_disputes']), 'dispute')} still open ({as_text(int(whole['open_cents']), 'usd')}). "
        f"{sentence(counted(repeats, 'dispute was', 'disputes were'))} of an account disputed before."
    )
    outcome = patient_requests.disputes(subject.tables, period=facts.year, as_of=subject.as_of, by=["outcome"])
    outcome = outcome[outcome["settled_disputes"] > 0].sort_values(
        ["disputes", "outcome"], ascending=[False, True], ignore_index=True
    )
    outcome = suppressed(outcome, counts=["disputes"], by=["outcome"], clear=["amount_cents", "adjusted_cents"])
    outcome["words"] = [OUTCOMES[word] for word in outcome["outcome"]]
    hidden = [HIDDEN if frame["is_suppressed"].any() else "" for frame in (rows, outcome)]
    basis = f"Disputes by the day raised, {span(facts.year)}, as of {subject.as_of_text}; US dollars"
    return [
        note(words),
        show(
            table,
            [
                Shown("words", "What is disputed"),
                Shown("disputes", "Disputes", "count"),
                Shown("amount_cents", "Disputed", "usd"),
                Shown("adjusted_cents", "Taken off", "usd"),
            ],
            name="disputes",
            title="Disputes by reason",
            emphasis=emphasis,
            definition=f"{basis}.",
            notes=[hidden[0]],
        ),
        show(
            outcome,
            [
                Shown("words", "What came of it"),
                Shown("disputes", "Disputes", "count"),
                Shown("amount_cents", "Disputed", "usd"),
            ],
            name="dispute_outcomes",
            title="What came of disputes",
            definition=f"{basis}. Settled ones only.",
            notes=[hidden[1]],
        ),
    ]


def _assistance(facts: Facts) -> list[Block]:
    subject, whole = facts.subject, facts.assistance
    if not whole["applications"]:
        return [note(f"Nobody applied for financial assistance in the twelve months to {subject.as_of_text}.")]
    rows = patient_requests.assistance(subject.tables, period=facts.year, as_of=subject.as_of, by=["decision"])
    rows = rows[rows["decided_applications"] > 0].reset_index(drop=True)
    side = rows["decision"].isin(patient_requests.APPROVED).map({True: "yes", False: "no"})
    rows = (
        pd.concat(
            [
                _hidden(part, ["decision"], "applications", ["asked_cents", "approved_cents"])
                for _, part in rows.groupby(side)
            ]
        )
        if len(rows)
        else rows.assign(is_suppressed=False)
    )
    rows["words"] = [DECISIONS.get(word, word) for word in rows["decision"]]
    complete = _guarded(int(whole["complete_applications"]), int(whole["applications"]), "application")
    approved = _guarded(int(whole["approved_applications"]), int(whole["decided_applications"]), "decision")
    parts = [
        f"{sentence(counted(int(whole['applications']), 'application'))} for financial assistance came in in "
        "twelve months; "
        f"{counted(int(whole['open_applications']), 'decision is', 'decisions are')} open."
    ]
    parts.append(f"{complete} had all documents." if complete else "")
    parts.append(
        f"{approved} were approvals, in whole or in part: {as_text(int(whole['approved_cents']), 'usd')} relieved."
        if approved
        else ""
    )
    if not (complete and approved):
        parts.append(f"Shares with fewer than {LEAST} applications on a side are not printed.")
    blocks = [note(" ".join(part for part in parts if part)), _worked(facts)]
    if not approved or rows["is_suppressed"].all():
        return blocks
    return [
        *blocks,
        show(
            rows,
            [
                Shown("words", "Decision"),
                Shown("applications", "Applications", "count"),
                Shown("asked_cents", "Asked for", "usd"),
                Shown("approved_cents", "Relieved", "usd"),
            ],
            name="assistance",
            title="Decisions on financial assistance",
            definition=(
                f"Applications that came in {span(facts.year)} and were decided by {subject.as_of_text}; US dollars."
            ),
            notes=[HIDDEN if rows["is_suppressed"].any() else ""],
        ),
    ]


def _worked(facts: Facts) -> Block:
    """Work on accounts of people whose application was open: must be none."""
    rows = facts.breaches
    rows = rows[(rows["rule"] == "worked_while_open") & rows["found"].str.contains("of an application", regex=False)]
    if rows.empty:
        return note(f"No account was worked while its application was open ({span(facts.quarter)}).")
    accounts = counted(int(rows["claim_id"].nunique()), "account was", "accounts were")
    return note(
        f"{sentence(accounts)} worked while an application was open ({span(facts.quarter)}): "
        f"{counted(len(rows), 'call, message, statement or plan', 'calls, messages, statements or plans')}.",
        tone="warning",
    )


def _guarded(top: int, bottom: int, one: str) -> str:
    """A share with its parts, or nothing where either side has fewer than eleven patients."""
    return "" if 0 < top < LEAST or 0 < bottom - top < LEAST or not bottom else rate_words(top, bottom, one)


def _hidden(rows: pd.DataFrame, by: list[str], count: str, clear: list[str]) -> pd.DataFrame:
    """The rows of one table whose total is printed, with small counts hidden; the columns of `by` make one label."""
    label = rows[by].agg(" / ".join, axis=1)
    found = suppressed(rows.assign(label=label), counts=[count], by=["label"], clear=clear)
    return found.drop(columns="label")


# -- rework and triage -----------------------------------------------------------------------------


@page
def rework(facts: Facts) -> list[Block]:
    """What was changed on accounts, what patients called about, and which department took it."""
    return [*_changes(facts), *_triage(facts)]


def _changes(facts: Facts) -> list[Block]:
    subject = facts.subject
    now = patient_requests.account_rework(subject.tables, period=subject.period)
    year = patient_requests.account_rework(subject.tables, period=facts.year)
    if year.empty:
        return [note(f"No account was reworked in the twelve months to {subject.as_of_text}.")]
    rows = year.merge(now[["kind", "changes", "amount_cents"]], on="kind", how="left", suffixes=("_year", ""))
    rows[["changes", "amount_cents"]] = rows[["changes", "amount_cents"]].fillna(0).astype("int64")
    rows["words"] = [KINDS.get(kind, words_of(kind)) for kind in rows["kind"]]
    rows = rows.sort_values(["changes_year", "kind"], ascending=[False, True], ignore_index=True)
    total = int(rows["amount_cents"].sum())
    rows["amount_cents"] = rows["amount_cents"].astype("Int64").mask(rows["amount_cents_year"] == 0)
    table, emphasis = with_total(rows, "words", ["changes", "changes_year"], values={"amount_cents": total})
    return [
        show(
            table,
            [
                Shown("words", "What was done"),
                Shown("changes", subject.month, "count"),
                Shown("amount_cents", f"Amount, {subject.month}", "usd"),
                Shown("changes_year", "Twelve months", "count"),
                Shown("days_to_do", "Mean days to do", "days"),
            ],
            name="rework",
            title="Rework of patient accounts",
            emphasis=emphasis,
            definition=(
                f"Changes by the day done; days from the request, {span(facts.year)}; US dollars moved "
                "or corrected. Counts are of work, not of patients."
            ),
            notes=["– Moves no dollars."] if rows["amount_cents"].isna().any() else [],
        )
    ]


def _triage(facts: Facts) -> list[Block]:
    subject = facts.subject
    rows = patient_contacts.triage(subject.tables, period=facts.year)
    if rows.empty:
        return [note(f"No inquiry of a patient was recorded in the twelve months to {subject.as_of_text}.")]
    whole = patient_contacts.triage(subject.tables, period=facts.year, by=()).iloc[0]
    kept = (rows["passed_on"] > 0).map({True: "passed", False: "kept"})
    rows = pd.concat(
        [_hidden(part, ["reason", "department"], "inquiries", ["passed_on"]) for _, part in rows.groupby(kept)]
    )
    rows["about"] = [REASONS.get(reason, sentence(words_of(reason))) for reason in rows["reason"]]
    rows["taken"] = [ROUTES.get(name, words_of(name)) for name in rows["department"]]
    few = int(rows["is_suppressed"].sum())
    rows = rows[~rows["is_suppressed"]].sort_values(
        ["inquiries", "about", "taken"], ascending=[False, True, True], ignore_index=True
    )
    passed = note(
        f"{rate_words(int(whole['passed_on']), int(whole['inquiries']), 'inquiry', 'inquiries')} in twelve "
        "months went to another department "
        "than self-pay."
    )
    if rows.empty:
        return [passed, note(f"No reason and department have {LEAST} inquiries or more, so they are not broken down.")]
    return [
        passed,
        show(
            rows,
            [
                Shown("about", "What it was about"),
                Shown("taken", "Department"),
                Shown("inquiries", "Inquiries", "count"),
            ],
            name="triage",
            title="Inquiries by reason, and who took them",
            definition=f"Contacts made by patients, {span(facts.year)}, by the day of the record.",
            notes=[
                (
                    f"{sentence(counted(few, 'more pair'))} of reason and department not shown: counts below "
                    f"{LEAST}, and others that would give them away."
                )
                if few
                else ""
            ],
        ),
    ]
