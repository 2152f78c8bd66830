"""Money that belongs to others: credits of patients, and when they must be returned."""

from __future__ import annotations

import pandas as pd

from ...measures.self_pay.policy import policy_value
from ..blocks import Block, note
from ..formats import as_text, counted, day_text
from ..pages import page
from ..subject import Subject
from ..tables import Shown, show, with_total
from .facts import Facts

OWED_TO = {"patient": "Patients", "insurer": "Insurers", "government": "Government payers"}

GOVERNMENT_DAYS = 60
"""Medicare: an overpayment is reported and returned within so many days of being identified."""


@page
def credits(facts: Facts) -> list[Block]:
    """Whose money is held: early payments apart from overpayments, by age of the refund clock, government payers
    apart."""
    subject, found = facts.subject, facts.credits
    if found.empty:
        return [note(f"No account had a credit balance on {subject.as_of_text}.")]
    rows = found.assign(accounts=1, words=found["owed_to"].map(OWED_TO))
    for age, name in (("0-30", "young_cents"), ("31-60", "middle_cents"), ("over 60", "old_cents")):
        rows[name] = rows["credit_cents"].where(rows["age"] == age, 0)
    sums = ["accounts", "young_cents", "middle_cents", "old_cents", "credit_cents"]
    table = rows.groupby(["kind", "words"], as_index=False)[sums].sum()
    table["kind"] = table["kind"].map({"early payment": "Paid before it was due", "overpayment": "Overpaid"})
    table = table.sort_values(["kind", "words"], ignore_index=True)
    total, emphasis = with_total(table, "kind", sums)
    lists = found[found["kind"] == "overpayment"].sort_values(
        ["age_days", "claim_id"], ascending=[False, True], ignore_index=True
    )
    lists = lists.assign(words=lists["owed_to"].map(OWED_TO), due_on=return_by(facts.subject, lists))
    return [
        note(_credit_words(facts)),
        show(
            total,
            [
                Shown("kind", "What it is"),
                Shown("words", "Whose money"),
                Shown("accounts", "Accounts", "count"),
                Shown("young_cents", "0–30 days", "usd"),
                Shown("middle_cents", "31–60 days", "usd"),
                Shown("old_cents", "Over 60 days", "usd"),
                Shown("credit_cents", "Total", "usd"),
            ],
            name="patient_credits",
            title=f"Credit balances and their clocks, as of {day_text(subject.as_of)}",
            emphasis=emphasis,
            definition="Paid before it was due: the insurer still owes on the account, so the money waits for "
            "its answer. Overpaid: to be refunded; the "
            "clock runs from the day on which it was an overpayment. US dollars.",
            notes=[
                "Overpayments of Medicare are reported and returned within 60 days of being identified."
                if (table["words"] == OWED_TO["government"]).any()
                else ""
            ],
        ),
        show(
            lists,
            [
                Shown("claim_id", "Account"),
                Shown("words", "Whose money"),
                Shown("clock_on", "Overpaid since", "date"),
                Shown("age_days", "Days", "count"),
                Shown("due_on", "To return by", "date"),
                Shown("credit_cents", "Amount", "usd", exact=True),
            ],
            name="refunds_due",
            title="Refunds due",
            print_it=False,
            definition="Overpayments, the oldest clock first. To return by: of government payers 60 days from "
            "the day on which it was identified (the first note on it, else the end of its month), of others "
            "the days that the client's policy allows; empty where it allows none. US dollars.",
        ),
    ]


def return_by(subject: Subject, rows: pd.DataFrame) -> pd.Series:
    """The last day of each refund's clock; empty where neither law nor policy names one."""
    allowed = policy_value(subject.tables, "refund_days", as_of=subject.as_of)
    days = (
        rows["owed_to"].map({"government": GOVERNMENT_DAYS, "patient": allowed, "insurer": allowed}).astype("float64")
    )
    return rows["clock_on"] + pd.to_timedelta(days, unit="D")


def _credit_words(facts: Facts) -> str:
    found = facts.credits
    over, early = found[found["kind"] == "overpayment"], found[found["kind"] != "overpayment"]
    old = over[over["age"] == "over 60"]
    parts = [
        f"{as_text(int(over['credit_cents'].sum()), 'usd')} on {counted(len(over), 'account')} is overpaid and "
        "to be refunded, "
        f"{as_text(int(old['credit_cents'].sum()), 'usd')} of it for more than 60 days"
        if len(over)
        else "Nothing is overpaid"
    ]
    late = return_by(facts.subject, over) < pd.Timestamp(facts.subject.as_of)
    if late.any():
        parts.append(f"on {counted(int(late.sum()), 'account')} the days to return it are over")
    if len(early):
        parts.append(
            f"{as_text(int(early['credit_cents'].sum()), 'usd')} on {counted(len(early), 'account')} was paid "
            "before the insurer had "
            "answered and is no refund yet"
        )
    return f"{'; '.join(parts)}."
