"""Page one of a review made of aging reports alone, what stands behind it, and what such reports cannot say."""

from __future__ import annotations

import pandas as pd

from ...ledger.ratios import ratio
from ...measures.receivable.aging_reports import left_after_a_month, reported_aging
from ...tables.frames import NO_VALUE
from ...tables.schema_services import AGED
from .. import figures
from ..blocks import Block, glossary, headline, note
from ..client_review import appendix as client_review
from ..formats import as_text, day_text
from ..pages import page
from ..subject import Subject
from ..tables import Shown, show, with_total

COVER = {"layout": "brief"}
MONTHS, PAYERS = 13, 15
AGES = {age: f"{age} days" for age in AGED[:-1]} | {"unapplied": "Not applied"}
NOBODY = "Patients, or no payer named"
PARTIES = {"insurance": "Insurance", "patient": "Patients"}
UNKNOWN = (
    ("Charges, payments, adjustments, write-offs", "the export of postings, or one row per claim with its amounts"),
    ("Cash by month, collection rates, days in AR", "the same: they need charges and payments"),
    ("Denials and their reasons, underpayments", "the payers' 835s"),
    ("Days to bill and days to pay, claims never answered", "837s (or a claims export), and 835s"),
    ("Single claims, a worklist, time limits", "the list of open claims, or any of the above"),
)
"""What aging reports cannot say, and what would."""


def _reports(subject: Subject) -> pd.DataFrame:
    """The last report of each month up to the period, the newest last."""
    every = reported_aging(subject.tables, as_of=subject.as_of)
    month = every["reported_on"].dt.to_period("M")
    return every[~month.duplicated(keep="last")].tail(MONTHS).reset_index(drop=True)


def _two_days(subject: Subject, by: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the latest report and of the one a month before it, by party or payer."""
    days = _reports(subject)["reported_on"].tolist()
    rows = reported_aging(subject.tables, as_of=subject.as_of, by=(by,))
    before = rows[rows["reported_on"] == days[-2]] if len(days) > 1 else rows.iloc[:0]
    return rows[rows["reported_on"] == days[-1]], before


@page
def answers(subject: Subject) -> list[Block]:
    """What is owed and how it moved, by age, by payer and by month; what stayed; what is not known."""
    reports = _reports(subject)
    if reports.empty:
        return [note(f"No aging report of {subject.client.name} up to {subject.as_of_text}.", tone="warning")]
    return [
        headline(_sentence(subject, reports)),
        *_chart(subject, reports),
        _by_age(reports),
        _by_payer(subject),
        _by_month(reports),
        *_left(reports),
        *_not_known(),
    ]


def _sentence(subject: Subject, reports: pd.DataFrame) -> str:
    now = reports.iloc[-1]
    text = f"{as_text(int(now['balance_cents']), 'usd')} was open on {day_text(now['reported_on'])}"
    if not pd.isna(now["over_90_share"]):
        text += f", {as_text(now['over_90_share'], 'rate')} of it over 90 days old"
    if len(reports) < 2:
        return f"{text}; it is the first aging report, so nothing can be said of how it moved."
    before = reports.iloc[-2]
    change = int(now["balance_cents"] - before["balance_cents"])
    moved = f"{as_text(abs(change), 'usd')} {'more' if change > 0 else 'less'} than" if change else "the same as"
    return f"{text}; {moved} on {day_text(before['reported_on'])}."


def _chart(subject: Subject, reports: pd.DataFrame) -> list[Block]:
    now, _ = _two_days(subject, "party")
    wide = pd.DataFrame({"bucket": AGED[:-1]})
    parts = {}
    for party, words in PARTIES.items():
        mine = now[now["party"] == party]
        if len(mine) and mine[list(AGED[:-1])].clip(lower=0).to_numpy().sum() > 0:
            wide[party] = mine[list(AGED[:-1])].iloc[0].clip(lower=0).to_numpy()
            parts[party] = words
    if not parts:
        return []
    finding = f"Balances of the report of {day_text(reports['reported_on'].iloc[-1])}, by age in days."
    axes = figures.plot_aging(wide, figures.new_axes(0.5 + 0.45 * len(parts)), parts=parts)
    return [
        figures.figure_block(
            axes,
            name="aging_chart",
            title=f"Open balances by age in days, {subject.client.name} (US dollars, credits left out)",
            alt=f"Stacked bars of open balances by age. {finding}",
            finding=finding,
        )
    ]


def _by_age(reports: pd.DataFrame) -> Block:
    now = reports.iloc[-1]
    before = reports.iloc[-2] if len(reports) > 1 else None
    rows = pd.DataFrame({"age": list(AGES.values()), "now": [int(now[age]) for age in AGES]})
    rows["before"] = [None if before is None else int(before[age]) for age in AGES]
    rows["change"] = [None if before is None else int(now[age] - before[age]) for age in AGES]
    rows["share"] = [ratio(int(now[age]), int(now["balance_cents"])) for age in AGES]
    sums = ["now"] if before is None else ["before", "now", "change"]
    table, total = with_total(rows, "age", sums, values={"share": 1.0})
    return show(
        table,
        [
            Shown("age", "Age on the day of the report"),
            Shown("before", "A report before", "usd", exact=True),
            Shown("now", day_text(now["reported_on"]), "usd", exact=True),
            Shown("change", "Change", "usd", exact=True),
            Shown("share", "Share", "rate"),
        ],
        name="aging",
        title="What is owed, by age",
        emphasis=total,
        definition="As the billing system's aging reports say it, credits taken off; US dollars and cents.",
        notes=["" if before is None else f"The report before is of {day_text(before['reported_on'])}."],
    )


def _by_payer(subject: Subject) -> Block:
    now, before = _two_days(subject, "payer")
    earlier = before.set_index("payer")["balance_cents"]
    rows = now.assign(
        change=[
            int(cents - earlier.get(payer, 0)) if len(before) else None
            for payer, cents in zip(now["payer"], now["balance_cents"], strict=True)
        ],
        name=[NOBODY if payer == NO_VALUE else subject.payer_name(payer) for payer in now["payer"]],
    ).sort_values("balance_cents", ascending=False)
    rest = rows.iloc[PAYERS:]
    if len(rest):
        money = [*AGED, "balance_cents", *(["change"] if len(before) else [])]
        other = rest[money].sum().to_dict() | {"name": f"{len(rest)} others"}
        rows = pd.concat([rows.iloc[:PAYERS], pd.DataFrame([other])], ignore_index=True)
    money = [*AGED, "balance_cents", *(["change"] if len(before) else [])]
    table, total = with_total(rows, "name", money)
    return show(
        table,
        [
            Shown("name", "Payer"),
            *(Shown(age, words.removesuffix(" days"), "usd") for age, words in AGES.items()),
            Shown("balance_cents", "All", "usd"),
            Shown("change", "Change", "usd"),
        ],
        name="by_payer",
        title="What is owed, by payer and age",
        emphasis=total,
        definition="The latest report; change since the one before, of payers that the latest names; US dollars.",
    )


def _by_month(reports: pd.DataFrame) -> Block:
    rows = reports.assign(change=reports["balance_cents"].diff().astype("Int64"))
    return show(
        rows,
        [
            Shown("reported_on", "Report of", "date"),
            Shown("balance_cents", "Open", "usd"),
            Shown("change", "Change", "usd"),
            *(Shown(age, words, "usd") for age, words in AGES.items()),
            Shown("over_90_share", "Over 90 days", "rate"),
        ],
        name="by_month",
        title="How it moved, report by report",
        definition="The last report of each month; a change is charges less payments, adjustments and write-offs, "
        "which the reports do not tell apart. US dollars.",
    )


def _left(reports: pd.DataFrame) -> list[Block]:
    found = left_after_a_month(reports).tail(4)
    if found.empty:
        return []
    return [
        show(
            found.assign(age=found["age"] + " days"),
            [
                Shown("age", "Was then"),
                Shown("before_cents", "Open then", "usd"),
                Shown("left_cents", "Still open a month later", "usd"),
                Shown("left_share", "Share left", "rate"),
            ],
            name="left",
            title="What stayed open from the report before",
            definition="A month later each balance is one age older: what is then missing was paid, discounted, "
            "written off or corrected; the reports do not say which. US dollars.",
        )
    ]


def _not_known() -> list[Block]:
    return [
        show(
            pd.DataFrame(UNKNOWN, columns=["what", "needs"]),
            [Shown("what", "Not in this report"), Shown("needs", "What we would need for it")],
            name="not_known",
            title="What aging reports cannot say",
            definition="An aging report holds balances, not what made them; none of this is guessed here.",
        )
    ]


@page
def definitions(subject: Subject) -> list[Block]:
    """What the words of the report mean."""
    terms = (
        ("Open", "The balances of the aging report, credits and money not applied taken off."),
        ("Over 90 days", "Balances that the report shows as older than 90 days, as a share of all its ages."),
        ("Share left", "What is one age older in the next report, of what was of that age in the one before."),
    )
    return [glossary([{"title": title, "formula": text} for title, text in terms])]


@page
def provenance(subject: Subject) -> list[Block]:
    """As-of, data through, fingerprints, versions."""
    return client_review.provenance(subject)
