"""Page one of a care-coordination review, for the board: what was given, what came in, what is late, what to decide."""

from __future__ import annotations

from ...ledger.ratios import quotient, ratio
from ...measures.coordination.stages import within
from ...periods import Period
from ..blocks import Block, cards, headline, note, split
from ..client_review.asks import MOST, table_of, what_dollars_are
from ..client_review.beside_past import Number, Series, numbers_beside
from ..formats import as_text, counted, day_text, whole_dollars, words_of
from ..pages import page
from ..register.action import Action
from ..register.months import actions_of
from ..subject import Subject
from .facts import MONTHS, Facts
from .findings import SERVICE, STEP_WORDS, is_told, who_of

PIECES = (
    ("reached", "reached us", "strong"),
    ("kept", "kept by the lead Health Home, or taken back", "medium"),
    ("way", "on its way, in the usual time", "light"),
    ("late", "late", "alert"),
    ("denied", "denied", "neutral"),
    ("not_billed", "given and never billed", "alert"),
    ("not_given", "contacts did not meet the rule", "neutral"),
    ("not_opened", "not opened for billing yet", "pale"),
)
NO_DATA = "No care-coordination records have been delivered for this client: no referrals, members, contacts or bills."
RATE_WORDS = "at the published rate of its level"


@page
def answers(facts: Facts) -> list[Block]:
    """The finding in a sentence, twelve months as one bar, four answers, asks, numbers by month."""
    if not is_told(facts):
        return [note(NO_DATA, tone="warning")]
    return [
        headline(" ".join([found_first(facts), *([facts.plan.words()[1]] if facts.plan else [])])),
        *_bar(facts),
        cards([_people(facts), _billed(facts), _waiting(facts), _ahead(facts)]),
        *_asks(facts),
        *_beside(facts),
    ]


def found_first(facts: Facts) -> str:
    """The gravest finding: a step that stopped, a coordinator who is no longer billed, what is late; else that there
    is none."""
    for row in facts.stopped.to_dict("records"):
        return (
            f"{who_of(facts, row)} has moved nothing since {day_text(row['last_on'].date())}: "
            f"{counted(row['waiting'], 'member-month waits', 'member-months wait')}, "
            f"{as_text(row['amount_cents'], 'usd')}."
        )
    for row in facts.unbilled.to_dict("records"):
        return (
            f"{row['coordinator']}'s months have not been billed since {as_text(row['onset_month'], 'month')}: "
            f"{counted(row['not_billed'], 'member-month')} of {row['months']}, "
            f"{as_text(row['not_billed_cents'], 'usd')}."
        )
    for row in facts.one_day.to_dict("records"):
        return (
            f"{row['coordinator']}'s months have been billed on contacts of a single day since "
            f"{as_text(row['onset_month'], 'month')}: {counted(row['not_billed'], 'member-month')} of {row['months']}, "
            f"{as_text(row['not_billed_cents'], 'usd')} that an audit may take back."
        )
    late = facts.on_their_way[facts.on_their_way["is_late"]]
    if len(late):
        return (
            f"{counted(len(late), 'member-month is', 'member-months are')} late by the usual days of its step: "
            f"{as_text(int(late['amount_cents'].sum()), 'usd')}."
        )
    return "Every month that was given is billed, and everything billed moves at its usual pace."


def _bar(facts: Facts) -> list[Block]:
    """The member-months of twelve months by where their dollars are; the pieces printed add up."""
    rows = facts.months
    if rows.empty:
        return [note(f"No member was enrolled in the twelve months to {facts.subject.period.title}.")]
    late = facts.on_their_way.loc[facts.on_their_way["is_late"], ["enrolment_id", "month"]].assign(late=True)
    rows = rows.merge(late, on=["enrolment_id", "month"], how="left")
    paid, gross = rows["stage"] == "paid", rows["gross_cents"]
    moving = rows["stage"].isin(list(STEP_WORDS))
    sums = {
        "reached": int(rows.loc[paid, "amount_cents"].sum()),
        "kept": int((gross - rows["amount_cents"])[paid].sum() + gross[rows["stage"] == "taken_back"].sum()),
        "way": int(gross[moving & rows["late"].isna()].sum()),
        "late": int(gross[moving & rows["late"].notna()].sum()),
        **{name: int(gross[rows["stage"] == name].sum()) for name, _, _ in PIECES[4:]},
    }
    shown = [(name, words, tone) for name, words, tone in PIECES if sums[name]]
    dollars = whole_dollars([sums[name] for name, _, _ in shown])
    return [
        split(
            f"Of {counted(len(rows), 'member-month')} worth {as_text(sum(dollars), 'usd')}, {_span(facts)}",
            [(words, cents, tone) for (_, words, tone), cents in zip(shown, dollars, strict=True)],
            definition="Every enrolled member and month once: what was billed, else what it would bring "
            f"{RATE_WORDS}. Late: longer at its step than nine of ten months of the last year.",
        )
    ]


def _span(facts: Facts) -> str:
    months = facts.year.months()
    return f"{as_text(months[0].label, 'month')} to {as_text(months[-1].label, 'month')}"


# -- four answers -------------------------------------------------------------------------------------


def _people(facts: Facts) -> tuple[str, str, str]:
    sources = facts.sources
    referred, enrolled = (int(sources[name].sum()) if len(sources) else 0 for name in ("referrals", "enrolled"))
    detail = f"{counted(referred, 'referral')} in {MONTHS} months, {counted(enrolled, 'child', 'children')} enrolled"
    best = sources[sources["referrals"] >= 10].sort_values(["conversion", "referrals"]).iloc[::-1]
    if len(best) > 1:
        first, last = best.iloc[0], best.iloc[-1]
        detail += (
            f"; most often from {words_of(first['source'])} ({as_text(first['conversion'], 'rate')}), least often from "
            f"{words_of(last['source'])} ({as_text(last['conversion'], 'rate')})"
        )
    return "Whom do we look after?", counted(facts.members, "member"), f"{detail}."


def _billed(facts: Facts) -> tuple[str, str, str]:
    rows = facts.months[~facts.months["stage"].isin(["not_opened", "given", "documented"])]
    question = "Is what was given billed?"
    if rows.empty:
        return question, "not known", "No month has been opened and settled yet."
    given = rows[rows["stage"] != "not_given"]
    lost = given[given["stage"] == "not_billed"]
    missed = rows[rows["stage"] == "not_given"]
    share = ratio(len(given) - len(lost), len(given))
    return (
        question,
        f"{as_text(share, 'rate')} was",
        f"{counted(len(lost), 'month')} given were never billed ({as_text(int(lost['gross_cents'].sum()), 'usd')}); in "
        f"{counted(len(missed), 'more', 'more')} the contacts did not meet the rule "
        f"({as_text(int(missed['gross_cents'].sum()), 'usd')}).",
    )


def _waiting(facts: Facts) -> tuple[str, str, str]:
    rows = facts.on_their_way
    question = "What is still to come?"
    if rows.empty:
        return question, as_text(0, "usd"), "No month that was given waits for its money."
    late = rows[rows["is_late"]]
    where = rows.groupby("stage")["amount_cents"].sum()
    stage = str(where.idxmax())
    return (
        question,
        as_text(int(rows["amount_cents"].sum()), "usd"),
        f"{counted(len(rows), 'member-month')}; most of it {STEP_WORDS[stage]} "
        f"({as_text(int(where[stage]), 'usd')}). Late: {as_text(int(late['amount_cents'].sum()), 'usd')}.",
    )


def _ahead(facts: Facts) -> tuple[str, str, str]:
    question, found = "What will come next?", facts.outlook
    if found.empty:
        return question, "not known", "Nothing was ever paid to us, so there is no pace to measure."
    first = found.iloc[0]
    three = int(found["cash_cents"].head(3).sum())
    told = ""
    if facts.foreseen:
        then, came = facts.foreseen
        told = (
            f" Three months ago {as_text(then, 'usd')} was foreseen for the three months since; {as_text(came, 'usd')} "
            "came."
        )
    return (
        f"What will come in in {as_text(first['month'], 'month')}?",
        as_text(int(first["cash_cents"]), "usd"),
        f"{as_text(three, 'usd')} in three months, if members and pace stay as they are.{told}",
    )


# -- asks ---------------------------------------------------------------------------------------------


def asks(facts: Facts) -> list[Action]:
    """What to decide or do, by dollars: the actions of the client's register that are of this service."""
    return sorted(actions_of(facts, SERVICE), key=lambda ask: (-(ask.amount_cents or 0), ask.title))


def _asks(facts: Facts) -> list[Block]:
    found = asks(facts)[:MOST]
    if not found:
        return [note("Nothing needs a decision this month.")]
    definition = f"By dollars. {what_dollars_are(found)}"
    return [table_of(found, definition, name="care_asks", title="What to decide and do")]


# -- beside the past ----------------------------------------------------------------------------------


def _beside(facts: Facts) -> list[Block]:
    """Members, contacts, what was billed of what was given, denials and cash, month by month."""

    def members(subject: Subject, months: list[Period]) -> Series:
        sizes = facts.every_month.groupby("month").size()
        return {month: sizes.get(month.label) for month in months}

    def contacts(subject: Subject, months: list[Period]) -> Series:
        sums = facts.every_month.groupby("month")[["contacts", "member_months"]].sum()
        share = quotient(sums["contacts"], sums["member_months"])
        return {month: share.get(month.label) for month in months}

    def billed(subject: Subject, months: list[Period]) -> Series:
        rows = facts.every_month[~facts.every_month["stage"].isin(["not_opened", "given", "documented", "not_given"])]
        sums = rows.groupby("month")[["units", "member_months"]].sum()
        share = quotient(sums["units"], sums["member_months"])
        return {month: share.get(month.shift(-1).label) for month in months}

    def denied(subject: Subject, months: list[Period]) -> Series:
        out = {}
        for month in months:
            bills = facts.bills[within(facts.bills["payer_decided_on"], month)]
            out[month] = float((bills["stage"] == "denied").mean()) if len(bills) else None
        return out

    def cash(subject: Subject, months: list[Period]) -> Series:
        return {month: facts.cash_by_month.get(month.label) for month in months}

    began = Period.month(str(facts.every_month["month"].min())) if len(facts.every_month) else facts.subject.period
    return numbers_beside(
        facts.subject,
        [
            Number("Cash that reached us", "usd", "up", cash),
            Number("Members", "count", "up", members),
            Number("Contacts a member", "number", "up", contacts),
            Number("Billed of what was given, one month earlier", "rate", "up", billed),
            Number("Bills denied of those decided", "rate", "down", denied),
        ],
        began,
        name="care_numbers",
        basis="Cash by the day it reached us; members and contacts by month of service; billed of given by month of "
        "service, a month later; denials by the day of the payer's answer.",
    )
