"""What is to come: expected cash of the next three months with its band, and how good such outlooks have been.

The outlook is `models.cash.outlook`; its back-test makes it again at past month ends and sets it beside
two simple ways. Whether the model is worth more than they are for this client is computed and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ...blocks.vocabulary import Table
from ...ledger.ratios import half_up, quotient
from ...measures.collections.rates import cash
from ...models.cash.next_months import Backtest, Outlook, backtest, outlook
from ...periods import Period
from .. import figures
from ..blocks import Block, note
from ..formats import as_text, comma_list, counted, sentence, whole_dollars
from ..pages import page
from ..subject import Subject
from ..tables import Shown, show

AHEAD, BEFORE, LEVEL = 3, 12, 0.8
LEAST_MONTHS = 6
"""Months with postings before an outlook is printed: future billing goes on at the level of half a year."""

LARGE, LARGE_SNAPSHOTS = 400_000, 9
"""With more postings than this the outlook is tested at nine past month ends instead of twelve, to keep the report
quick."""

FEWEST_TESTS = 6
"""With fewer past outlooks than this nothing is said about how good they were."""

ALIKE = 0.05
"""Errors that differ by less than this share count as the same."""

SPANS = {"1": "the next month", "3": "the third month ahead", "all": "the three months together"}
WAYS = {
    "outlook": "This outlook",
    "last_three": "Average of the last three months",
    "by_bucket": "Open balances × past rates by age",
}
HEADINGS = {"outlook": "This outlook", "last_three": "Last three months", "by_bucket": "Balances by age"}
"""The ways in a word or two, for the heads of columns."""

ANNOUNCED = Shown("announced_cents", "Announced takebacks", "usd")
PARTS = [
    Shown("existing_cents", "From open balances", "usd"),
    Shown("billing_cents", "From new billing", "usd"),
    Shown("other_cents", "Other", "usd"),
    ANNOUNCED,
    Shown("cash_cents", "Expected", "usd"),
    Shown("low_cents", "Band from", "usd"),
    Shown("high_cents", "to", "usd"),
]
TERMS: tuple[Mapping[str, str], ...] = (
    {
        "name": "cash_outlook",
        "title": "Cash outlook",
        "unit": "US dollars",
        "source": "our own",
        "formula": "Payments less refunds and money taken back, expected by month. From open balances: every "
        "balance of "
        "the as-of day by its age and payer, times the share of such dollars that was paid so many days on. From new "
        "billing: charges at the level of the past half-year by working day, with their own growth and season, "
        "through the same shares. Other: copays at the "
        "desk and unapplied money, less refunds and money taken back, at the past year's rates. Announced takebacks: "
        "what payers said they take back and no check has taken yet, off their next payments. Date basis: "
        "posting date.",
    },
    {
        "name": "cash_outlook_band",
        "title": "Band of the cash outlook",
        "unit": "US dollars",
        "source": "our own",
        "formula": "The range that should hold the cash of a month four times out of five: 1,000 courses drawn "
        "from the past year's differences between expected and posted cash, a calendar month of all remittances at "
        "a time. The band "
        "of several months together is narrower than the sum of their bands.",
    },
    {
        "name": "cash_outlook_backtest",
        "title": "Test of the cash outlook",
        "unit": "share",
        "source": "our own",
        "formula": "The outlook made again as of the last twelve month ends (nine for the largest clients), "
        "from what was "
        "known then. How far off: sum of the errors without their signs / cash posted. Leaning: sum of the "
        "errors / cash posted; above zero, too much was foreseen. Average of the last three months: that amount "
        "for every month ahead. Open balances × "
        "past rates by age: balances by age, times the share of such balances that came in so many months "
        "later in the past, plus what newer claims brought lately.",
    },
)
"""The words of this section for the appendix."""


@page
def whats_to_come(subject: Subject) -> list[Block]:
    """The outlook's chart and tables, and its test; a sentence instead where there is too little to go by."""
    lack = too_little(subject)
    if lack:
        return [note(lack)]
    found = outlook(subject.tables, as_of=subject.as_of, months=AHEAD, level=LEVEL)
    in_print = _in_dollars(found)
    snapshots = LARGE_SNAPSHOTS if len(subject.pandas("transactions")) > LARGE else BEFORE
    tested = backtest(subject.tables, as_of=subject.as_of, snapshots=snapshots, horizon=AHEAD, level=LEVEL)
    posted = posted_cash(subject)
    return [
        _chart(subject, posted, in_print),
        *_test(subject, tested, posted),
        replace(_months(subject, found), text=_months(subject, in_print).text),
        _payers(subject, found),
    ]


def _in_dollars(found: Outlook) -> Outlook:
    """The outlook, which is an estimate, with its parts in whole dollars: months, parts and sums add up in print."""
    months = found.months.copy()
    for column in ("existing_cents", "billing_cents", "other_cents"):
        months[column] = [whole_dollars([cents])[0] for cents in months[column]]
    months["cash_cents"] = months["existing_cents"] + months["billing_cents"] + months["other_cents"]
    through = found.through.assign(cash_cents=months["cash_cents"].cumsum().to_numpy())
    return replace(found, months=months, through=through)


def too_little(subject: Subject) -> str:
    """Why there can be no outlook yet; empty when there can."""
    rows = subject.pandas("transactions")
    half_year = rows[rows["posted_on"] >= pd.Timestamp(subject.period.shift(1 - LEAST_MONTHS).first_day)]
    begins = rows.loc[rows["kind"].isin(["charge", "payment"]), "posted_on"].min()
    there = Period.of(begins.date()) if pd.notna(begins) else None
    for kind, words in (("charge", "charges"), ("payment", "payments")):
        if not (half_year["kind"] == kind).any():
            return (
                f"No outlook: no {words} were posted in the {LEAST_MONTHS} months to {subject.as_of_text}, "
                "so there is nothing to project from."
            )
    months = len(Period(there.first_day, subject.period.end).months()) if there else 0
    if months < LEAST_MONTHS:
        return (
            f"No outlook yet: postings begin in {there.title if there else 'no month'}. It needs at least "
            f"{LEAST_MONTHS} months "
            f"of them; there {'is' if months == 1 else 'are'} {counted(months, 'month')}."
        )
    return ""


def posted_cash(subject: Subject) -> pd.DataFrame:
    """Cash of the last twelve months, from the first month with postings on: month, posted_cents."""
    months = subject.period.trailing(BEFORE).months()
    found = cash(subject.tables, period=subject.period.trailing(BEFORE), by=["month"])
    begins = subject.pandas("transactions")["posted_on"].min()
    days = pd.to_datetime([month.first_day for month in months if month.end > begins.date()])
    posted = found["cash_cents"] - found["provider_level_cents"]  # the outlook is of claims
    cents = posted.set_axis(pd.to_datetime(found["month"])).reindex(days, fill_value=0)
    return pd.DataFrame({"month": days, "posted_cents": cents.astype("int64").to_numpy()})


def _chart(subject: Subject, posted: pd.DataFrame, found: Outlook) -> Block:
    axes = plot_outlook(posted, found.months, figures.new_axes(1.75))
    finding = _finding(posted, found)
    return figures.figure_block(
        axes,
        name="outlook_chart",
        title=f"Cash by month: posted and expected, {subject.client.name} (US dollars, posting date, after refunds)",
        alt=f"Line chart of cash posted in {counted(len(posted), 'month')} to {subject.period.title} and "
        "expected in the "
        f"three months after, with a band around what is expected. {finding}",
        finding=finding,
    )


@figures.styled
def plot_outlook(posted: pd.DataFrame, expected: pd.DataFrame, ax: Axes) -> Axes:
    """Posted cash as a line, what is expected as its broken continuation, and the band as a shade around it."""
    last = posted["posted_cents"].iloc[-1]
    both = pd.concat([posted, expected], ignore_index=True)
    both.loc[len(posted) - 1, ["cash_cents", "low_cents", "high_cents"]] = last
    figures.plot_months(both, ax, series={"posted_cents": "", "cash_cents": "Expected"})
    at = np.arange(len(posted) - 1, len(both))
    low, high = (both[name].astype("float64").to_numpy()[at] for name in ("low_cents", "high_cents"))
    ax.fill_between(at, low, high, color=figures.SKY, alpha=0.45, linewidth=0, zorder=1)
    top = max(float(high.max()), float(posted["posted_cents"].max()))
    ax.set_ylim(min(0.0, float(low.min()), float(posted["posted_cents"].min())), top * 1.12 if top > 0 else 1)
    ax.annotate(
        "Posted",
        (0, posted["posted_cents"].iloc[:2].max()),
        xytext=(0, 9),
        textcoords="offset points",
        color=figures.NAVY,
        fontsize=9,
        fontweight="semibold",
    )
    return ax


def _finding(posted: pd.DataFrame, found: Outlook) -> str:
    first, whole = found.months.iloc[0], found.through.iloc[-1]
    last = found.months["month"].iloc[-1]
    usual = _average(posted)
    return (
        f"{as_text(first['cash_cents'], 'usd')} is expected in {first['month']:%B %Y}, and "
        f"{as_text(whole['cash_cents'], 'usd')} in "
        f"the three months to {last:%B %Y} (four times out of five between {as_text(whole['low_cents'], 'usd')} and "
        f"{as_text(whole['high_cents'], 'usd')}). The last three months brought {as_text(usual, 'usd')} each on "
        "average."
    )


def _average(posted: pd.DataFrame) -> int:
    last = posted["posted_cents"].tail(3)
    return int(half_up(quotient(pd.Series([last.sum()]), pd.Series([len(last)]))).iloc[0])


def _months(subject: Subject, found: Outlook) -> Table:
    """Expected cash by month, and of the months together: its band is its own, not the sum of theirs."""
    sums = ["existing_cents", "billing_cents", "other_cents", "announced_cents", "cash_cents"]
    announced = -int(found.months["announced_cents"].sum())
    whole = found.through.iloc[-1][["low_cents", "high_cents"]].to_dict()
    months = found.months.assign(words=[as_text(day, "month") for day in found.months["month"]])
    table = pd.concat(
        [months, pd.DataFrame([months[sums].sum().to_dict() | whole | {"words": "Together"}])], ignore_index=True
    )
    collectible = int(found.receivable["collectible_cents"].sum())
    return show(
        table,
        [Shown("words", "Month"), *_parts(found)],
        name="outlook_months",
        title="Cash expected, and where it comes from",
        emphasis=[len(table) - 1],
        definition="Payments less refunds and money taken back, by posting date, as foreseen from what was known on "
        f"{subject.as_of_text}. Four times out of five, cash should fall into the band; that of all "
        "months is narrower, as misses of single months even out. US dollars.",
        notes=[
            "Other: copays at the desk and unapplied money, less refunds and money taken back.",
            (
                f"Payers have said that they take back {as_text(announced, 'usd')} which no check has taken yet; it is "
                "taken off their next payments here, and can come later."
                if announced
                else ""
            ),
            (
                f"In the end about {as_text(collectible, 'usd')} should come in from what was "
                f"open on {subject.as_of_text}."
            ),
        ],
    )


def _parts(found: Outlook) -> list[Shown]:
    """The columns of dollars; announced takebacks only where there are any."""
    return PARTS if found.months["announced_cents"].any() else [one for one in PARTS if one is not ANNOUNCED]


def _payers(subject: Subject, found: Outlook) -> Block:
    names = {
        payer: "Patients" if payer == "patient" else subject.payer_name(payer)
        for payer in found.payers["payer"].unique()
    }
    table = found.payers.assign(name=found.payers["payer"].map(names))
    return show(
        table,
        [
            Shown("name", "Payer"),
            Shown("month", "Month", "month"),
            *_parts(found),
            Shown("charge_cents", "Charges expected", "usd"),
        ],
        name="outlook_payers",
        title="Cash expected by payer and month",
        print_it=False,
        definition="As the table by month; each payer's band is its own, so bands do not add up. Charges "
        "expected are those of "
        "the month; posting date; US dollars.",
    )


def _test(subject: Subject, tested: Backtest, posted: pd.DataFrame) -> list[Block]:
    """The back-test beside the simple ways, with its verdict in words."""
    rows = tested.summary.set_index("ahead")
    cases = int(rows["cases"].get("1", 0))
    if cases < FEWEST_TESTS:
        return [
            note(
                f"How good such outlooks are for this client cannot be said yet: that takes {FEWEST_TESTS} past "
                "month ends with at "
                f"least three months of postings before each, and there {'is' if cases == 1 else 'are'} "
                f"{cases or 'none'}."
            )
        ]
    spans = [ahead for ahead in SPANS if ahead in rows.index]
    table = rows.loc[spans].assign(span=[sentence(SPANS[ahead]) for ahead in spans])
    return [
        show(
            table,
            [
                Shown("span", "Looked ahead"),
                *[Shown(f"{way}_wape", words, "rate") for way, words in HEADINGS.items()],
                Shown("chance_wape", "Chance alone", "rate"),
                Shown("outlook_bias", "Leaning", "rate"),
            ],
            name="outlook_test",
            title=f"How far off such outlooks would have been at the last {counted(cases, 'month end')}",
            definition="Errors without their signs, as a share of the cash that was posted: of this outlook, of "
            "the average of the last three "
            "months, of open balances × past rates by age, and of someone who knew every rate exactly (chance "
            "alone). Leaning: errors of this outlook "
            "with their signs; above zero, too much was foreseen. Made again from what was known at each month "
            "end; posting date.",
            notes=[_coverage(tested)],
        ),
        _tested_rows(tested),
        note(f"{verdict(tested)} {_advice(tested, posted)}"),
    ]


def _coverage(tested: Backtest) -> str:
    """How often the band held what came, and whether it was too narrow or too wide."""
    judged = tested.rows[tested.rows["ahead"].isin([1, AHEAD])]
    held = [
        f"{int(part['inside'].sum())} of {len(part)} times for {SPANS[str(ahead)]}"
        for ahead, part in judged.groupby("ahead")
    ]
    share = judged["inside"].astype(float).mean()
    tail = ""
    if abs(share - tested.level) > 0.15:
        tail = f" It has been too {'narrow' if share < tested.level else 'wide'} for this client."
    return f"The band should hold 8 of 10 outcomes; it held {comma_list(held)}.{tail}"


def standings(tested: Backtest) -> dict[str, str]:
    """For every span that was tested: whether the outlook was closer, alike, or farther off than the better simple
    way."""
    found = tested.summary.set_index("ahead")["of_better"].reindex(list(SPANS)).dropna()
    return {
        str(ahead): "closer" if ratio < 1 - ALIKE else "farther" if ratio > 1 + ALIKE else "alike"
        for ahead, ratio in found.items()
    }


def verdict(tested: Backtest) -> str:
    """What the test says of the outlook beside the better of the two simple ways."""
    found = standings(tested)
    if not found:
        return "There was no simple way to compare this outlook with."
    words = {"closer": "closer for", "alike": "about as close for", "farther": "farther off for"}
    parts = [
        f"{text} {comma_list(SPANS[ahead] for ahead, state in found.items() if state == kind)}"
        for kind, text in words.items()
        if kind in found.values()
    ]
    return f"Tested on past months against two simple ways of guessing, this outlook was {'; '.join(parts)}."


def _advice(tested: Backtest, posted: pd.DataFrame) -> str:
    states = set(standings(tested).values())
    usual = f"the average of the last three months, {as_text(_average(posted), 'usd')}"
    if states == {"closer"}:
        text = "For this client it beats them, and is the better guide."
    elif "closer" in states:
        text = f"For this client it beats them only in part: read it together with {usual}."
    elif states:
        text = f"For this client it does not beat them: plan with the band, and read it together with {usual}."
    else:
        return ""
    cases = int(tested.summary["cases"].max())
    return f"{text} {sentence(counted(cases, 'past month'))} are few; small differences may be chance."


def _tested_rows(tested: Backtest) -> Block:
    money: list[tuple[str, str]] = [
        ("actual_cents", "Posted"),
        ("forecast_cents", "Foreseen"),
        ("low_cents", "Band from"),
        ("high_cents", "to"),
        ("last_three_cents", WAYS["last_three"]),
        ("by_bucket_cents", WAYS["by_bucket"]),
        ("chance_cents", "Off by chance alone"),
    ]
    columns: list[Any] = [
        Shown("snapshot", "Made as of", "date"),
        Shown("month", "Month", "month"),
        Shown("ahead", "Months ahead", "count"),
    ]
    return show(
        tested.rows,
        [*columns, *[Shown(name, words, "usd") for name, words in money], Shown("inside", "Inside the band", "flag")],
        name="outlook_test_rows",
        title="Every outlook that was made again, beside what came",
        print_it=False,
        definition=(
            "A row per month end and month ahead; cash is payments less refunds and money taken back, by "
            "posting date; US dollars."
        ),
    )
