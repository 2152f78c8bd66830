"""Page one of a self-pay review: what became of what patients were billed, what was done and missed, what is needed."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from ...measures.collections.rates import cash
from ...measures.self_pay.collections import promises_kept
from ...measures.self_pay.declines import decline_rate
from ...measures.self_pay.payment_plans import instalments_on_schedule
from ...measures.self_pay.policy import policy_breaches
from ...periods import Period
from ..blocks import Block, cards, headline, note, split
from ..client_review.asks import MOST, asked_of, table_of, what_dollars_are
from ..client_review.behind import traced
from ..client_review.beside_past import Number, Series, numbers_beside
from ..client_review.work import held
from ..formats import as_text, comma_list, counted, sentence, span, whole_dollars
from ..incomplete import patients_untold
from ..pages import page
from ..register.action import Action
from ..register.months import actions_of
from ..subject import Subject
from ..tables import Shown, show, with_total
from .controls import BREACH_WORDS, SCOPE_WORDS, asked_wrong
from .facts import Facts
from .findings import SERVICE
from .quality import targets_met

PIECES = (
    ("in_time_cents", "paid within 120 days", "strong"),
    ("later_cents", "paid later", "medium"),
    ("written_off_cents", "written off", "light"),
    ("owed_cents", "still owed", "alert"),
    ("otherwise_cents", "back to insurers, or corrected", "pale"),
)


@page
def answers(facts: Facts) -> list[Block]:
    """The finding in a sentence, where the billed dollars are, what was done and missed, asks, numbers by month."""
    if not facts.is_running:
        return [
            note(
                f"The records of {facts.subject.client.name} hold no statement, payment plan or contact of a "
                f"self-pay program up to {facts.subject.as_of_text}.",
                tone="warning",
            )
        ]
    if patients_untold(facts.subject):
        words = (
            "Nothing is on file of what patients paid, so nobody can say what became of what they were billed. The "
            "postings of the billing system would tell, or the desk's list of receipts."
        )
        return [note(words, tone="warning"), *_asks(facts)]
    page_one = [*_became(facts), cards([_did(facts), _missed(facts)]), *_asks(facts), *_beside(facts)]
    return [
        headline(f"{_paid(facts)} {_finding(facts)}"),
        *page_one,
        *traced(page_one, "self_pay_page_one", whole="billed_outcome"),
    ]


def _paid(facts: Facts) -> str:
    rate = facts.pay_rate
    if not rate["billed_cents"]:
        now = cash(facts.subject.tables, period=facts.subject.period)["patient_cents"].iloc[0]
        return (
            f"{as_text(int(now), 'usd')} came in from patients in {facts.subject.month}; no month of first bills is "
            "120 days old yet."
        )
    return (
        f"Of what patients were first billed from {span(facts.mature)}, {as_text(rate['pay_rate'], 'rate')} was paid "
        "within 120 days."
    )


def _finding(facts: Facts) -> str:
    """The gravest thing of the month, in a sentence."""
    outside = facts.out_of_scope
    outside = outside[held(facts.subject.period, outside["done_on"])] if len(outside) else outside
    if len(outside):
        kinds = comma_list(SCOPE_WORDS[kind].lower() for kind in sorted(set(outside["kind"])))
        return f"{sentence(counted(len(outside), 'account'))} went to {kinds}, which is no part of the program."
    over = facts.eob_wrong
    over = over[over["difference_cents"] > 0]
    if len(over):
        return (
            f"{sentence(counted(len(over), 'account is', 'accounts are'))} asked "
            f"{as_text(int(over['difference_cents'].sum()), 'usd')} too much."
        )
    broken = int(facts.checks["breached"].sum())
    if broken:
        return f"Your policy was broken {counted(broken, 'time')} in {facts.subject.month}."
    if not facts.checks["checked"].sum():
        return "Nobody is asked for more than the payers' decisions leave."
    return "Nobody is asked for more than the payers' decisions leave, and your policy was kept."


def _became(facts: Facts) -> list[Block]:
    """The bar, and its months for the workbook."""
    months = facts.billed_outcome
    found = {column: int(months[column].sum()) for column, _, _ in PIECES}
    if not sum(found.values()):
        return [note("No account was first billed to its patient 120 days ago or earlier: it is too early for a rate.")]
    shown = [(words, found[column], tone) for column, words, tone in PIECES if found[column] > 0]
    dollars = whole_dollars([cents for _, cents, _ in shown])
    accounts = counted(int(months["accounts"].sum()), "account")
    now = cash(facts.subject.tables, period=facts.subject.period)["patient_cents"].iloc[0]
    columns = ["accounts", "billed_cents", *(column for column, _, _ in PIECES)]
    table, emphasis = with_total(months, "month", columns, words=None)  # type: ignore[arg-type]
    return [
        split(
            f"Of {as_text(sum(dollars), 'usd')} first billed to patients from {span(facts.mature)}",
            [(words, cents, tone) for (words, _, tone), cents in zip(shown, dollars, strict=True)],
            definition=f"{sentence(accounts)}, each followed from its first statement. {as_text(int(now), 'usd')} came "
            f"in from patients in {facts.subject.month}, from bills of many months.",
        ),
        show(
            table,
            [
                Shown("month", "First statement", "month"),
                Shown("accounts", "Accounts", "count"),
                Shown("billed_cents", "First billed", "usd", exact=True),
                *(Shown(column, sentence(words), "usd", exact=True) for column, words, _ in PIECES),
            ],
            name="billed_outcome",
            title="What became of what patients were first billed",
            emphasis=emphasis,
            print_it=False,
            definition="Each row adds up: first billed = the columns at its right. Accounts by the day of their first "
            f"statement; postings to {facts.subject.as_of_text}; US dollars.",
        ),
    ]


def _did(facts: Facts) -> tuple[str, str, str]:
    subject, month = facts.subject, facts.subject.period
    contacts, sent, agreed = (subject.pandas(name) for name in ("interactions", "statements", "payment_plans"))
    contacts = contacts[held(month, contacts["happened_on"])]
    out = int((contacts["direction"] == "out").sum())
    talks = int((contacts["result"] == "conversation").sum())
    agreed = agreed[held(month, agreed["opened_on"])]
    disputes = int(held(month, subject.pandas("disputes")["closed_on"]).sum())
    parts = [
        counted(int(held(month, sent["statement_on"]).sum()), "statement"),
        counted(out, "call or message to patients", "calls and messages to patients"),
        f"{counted(len(agreed), 'payment plan')} agreed ({as_text(int(agreed['amount_cents'].sum()), 'usd')})",
        f"{counted(disputes, 'dispute')} settled",
    ]
    return "What we did", f"{counted(talks, 'conversation')} with patients", f"{sentence(comma_list(parts))}."


def _missed(facts: Facts) -> tuple[str, str, str]:
    checks, wrong, outside = facts.checks, facts.eob_wrong, facts.out_of_scope
    broken, said = int(checks["breached"].sum()), []
    if broken:
        worst = checks.loc[checks["breached"].idxmax()]
        words = BREACH_WORDS.get(worst["rule"], worst["title"])
        most = f"; most often: {words[:1].lower()}{words[1:]} ({as_text(int(worst['breached']), 'count')})"
        said.append(f"In {counted(int(checks['checked'].sum()), 'check')} of our work{most}.")
    if len(wrong):
        said.append(f"Asked of patients: {asked_wrong(wrong)}.")
    if len(outside):
        kinds = comma_list(SCOPE_WORDS[kind].lower() for kind in sorted(set(outside["kind"])))
        gone = sentence(counted(len(outside), "account"))
        said.append(f"{gone} went to {kinds} in twelve months, which is no part of the program.")
    met = targets_met(facts)
    if met:
        said.append(f"{sentence(met)}.")
    if not said:
        return "What we missed", "nothing we know of", "Your policy was kept, and nobody is asked the wrong amount."
    answer = f"{counted(broken, 'breach', 'breaches')} of your policy" if broken else "no breach of your policy"
    return "What we missed", answer, " ".join(said)


# -- asks -------------------------------------------------------------------------------------------


def asks(facts: Facts) -> list[Action]:
    """What the practice is asked for: decisions by dollars, then the policy where none is on file."""
    return asked_of(actions_of(facts, SERVICE))


def _asks(facts: Facts) -> list[Block]:
    found = asks(facts)[:MOST]
    if not found:
        return [note("We need nothing from you: no decision of yours is open.")]
    lists = "The list of the accounts reaches you apart from this packet."
    return [table_of(found, f"{what_dollars_are(found)} {lists}".strip(), name="self_pay_asks")]


# -- beside the past --------------------------------------------------------------------------------


def _monthly(measure: Callable[..., pd.DataFrame], value: str, *, is_dated: bool = True) -> Callable[..., Series]:
    """A measure of a period, by month."""

    def series(subject: Subject, months: list[Period]) -> Series:
        more = {"as_of": subject.as_of} if is_dated else {}
        whole = Period(months[0].first_day, months[-1].end)
        found = measure(subject.tables, period=whole, by=["month"], **more).set_index("month")[value]
        return {month: found.get(pd.Timestamp(month.first_day)) for month in months}

    return series


def _breaches(subject: Subject, months: list[Period]) -> Series:
    found = policy_breaches(subject.tables, period=Period(months[0].first_day, months[-1].end))
    days = pd.to_datetime(found["broken_on"])
    return {month: int(held(month, days).sum()) for month in months}


NUMBERS = (
    Number("Promises to pay kept", "rate", "up", _monthly(promises_kept, "promises_kept")),
    Number("Installments paid on schedule", "rate", "up", _monthly(instalments_on_schedule, "instalments_on_schedule")),
    Number("Payments declined at first", "rate", "down", _monthly(decline_rate, "decline_rate", is_dated=False)),
    Number("Breaches of your policy", "count", "down", _breaches),
)


def _beside(facts: Facts) -> list[Block]:
    return numbers_beside(
        facts.subject,
        NUMBERS,
        Period.of(facts.began),
        name="self_pay_numbers",
        basis="Promises and installments by the day due, those whose days of grace are over; payments by card or bank "
        "by the day tried; breaches by the day of the record. Shares and counts.",
    )
