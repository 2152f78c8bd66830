"""The money pages of a self-pay review: liquidation by cohort, payment plans, promises, declined payments."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ...blocks.vocabulary import Table
from ...ledger.ratios import ratio
from ...ledger.suppression import LEAST
from ...measures.self_pay import collections as self_pay_collections
from ...measures.self_pay import declines
from .. import figures
from ..blocks import Block, note
from ..figures import BLUE, GREY, INK, NAVY, RUST, SKY, styled
from ..formats import as_text, comma_list, counted, sentence, span
from ..pages import page
from ..tables import Shown, show, with_total
from .facts import Facts

NEWEST = ((RUST, "-"), (BLUE, "--"), (GREY, "-."))


@styled
def plot_liquidation(curves: pd.DataFrame, ax: Axes, *, newest: int = 3) -> Axes:
    """Share collected by days since the first statement: a thin line a cohort, the newest ones strong and named.

    `curves` holds month, day and liquidation (empty while a cohort is too young); the dark line is the
    dollars of all cohorts that are old enough at each day.
    """
    wide = curves.pivot(index="day", columns="month", values="liquidation")
    young = list(wide.columns[wide.isna().any() & (wide.notna().sum() > 1)])[-newest:]
    for month in wide.columns.difference(young):
        ax.plot(wide.index, wide[month], color=SKY, linewidth=0.9, zorder=1)
    overall = all_cohorts(curves)
    ax.plot(overall["day"], overall["liquidation"], color=NAVY, linewidth=2.3, zorder=3)
    ends = [(float(overall["day"].iloc[-1]), float(overall["liquidation"].iloc[-1]))] if len(overall) else []
    for month, (color, style) in zip(reversed(young), NEWEST, strict=False):
        known = wide[month].dropna()
        ax.plot(known.index, known, color=color, linestyle=style, linewidth=1.8, zorder=4)
        _stop(ax, float(known.index[-1]), float(known.iloc[-1]), f"{pd.Timestamp(month):%b %Y}", color)
    for day, share in ends:
        ax.annotate(
            "all months",
            (day, share),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=NAVY,
            fontsize=9,
            fontweight="semibold",
        )
    top = float(np.nanmax(wide.to_numpy(), initial=0.0))
    ax.set_ylim(0, max(top * 1.1, 0.1))
    ax.set_xlim(0, float(wide.index.max()) * 1.02)
    figures.rate_axis(ax.yaxis)
    ax.set_xticks([day for day in wide.index if day % 30 == 0])
    ax.set_xlabel("days since the first statement", color=INK)
    return ax


def _stop(ax: Axes, day: float, share: float, words: str, color: str) -> None:
    """A dot where a young cohort stops, and its name below the lines."""
    ax.plot([day], [share], marker="o", markersize=4.5, color=color, zorder=5)
    ax.annotate(
        words,
        (day, share),
        xytext=(10, -26),
        textcoords="offset points",
        va="center",
        color=color,
        fontsize=9,
        fontweight="semibold",
        zorder=6,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.9},
        arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 3},
    )


def all_cohorts(curves: pd.DataFrame) -> pd.DataFrame:
    """Collected and billed dollars of the cohorts that are mature at each day, and their share: day, liquidation."""
    ripe = curves[curves["is_mature"]]
    sums = ripe.groupby("day", as_index=False)[["collected_cents", "billed_cents"]].sum()
    share = sums["collected_cents"].astype("float64") / sums["billed_cents"].where(sums["billed_cents"] > 0)
    return sums.assign(liquidation=share)


COLUMN_DAYS = (30, 60, 90, 120, 180)
STATUS_WORDS = {
    "on_schedule": "Open, on schedule",
    "behind": "Open, behind: an installment is overdue",
    "broken": "Open, broken",
    "completed": "Paid to the end",
    "closed": "Closed as broken",
    "cancelled": "Canceled",
}
NETWORKS = {"visa": "Visa", "mastercard": "Mastercard"}
HIDDEN = f"Counts below {LEAST}, and others that would give them away, are hidden (–), with the amounts beside them."


def rate_words(top: int, bottom: int, one: str, many: str = "") -> str:
    """A share with its parts.

    >>> rate_words(3, 4, "promise")
    '3 of 4 promises (75.0%)'
    """
    return f"{as_text(top, 'count')} of {counted(bottom, one, many)} ({as_text(ratio(top, bottom), 'rate')})"


# -- liquidation -----------------------------------------------------------------------------------


@page
def liquidation(facts: Facts) -> list[Block]:
    """Curves by the month of the first statement, and their table."""
    subject, curves = facts.subject, facts.curves
    if curves.empty:
        return [
            figures.nothing_to_draw(
                f"No account was billed to its patient for the first time in the twelve months to {subject.as_of_text}."
            )
        ]
    table = _cohort_table(facts)
    if not curves["is_mature"].any():
        return [note("No month of first statements is old enough to judge yet."), table]
    return [*liquidation_chart(facts), table, *_transfers(facts)]


def liquidation_chart(facts: Facts, *, width: float = figures.WIDTH, height: float = 2.7) -> list[Block]:
    """The curves; nothing where no month is old enough."""
    if facts.curves.empty or not facts.curves["is_mature"].any():
        return []
    finding = _liquidation_finding(facts)
    newest = 1 if width <= figures.HALF else len(NEWEST)
    axes = plot_liquidation(facts.curves, figures.new_axes(height, width=width), newest=newest)
    return [
        figures.figure_block(
            axes,
            name="liquidation_chart",
            title="Share of the dollars first billed to patients that was collected, by month of first statement",
            alt=(
                "Line chart of the share collected by days since the first statement, a line for each month of "
                f"first statements. {finding}"
            ),
            finding=finding,
            table=_curve_table(facts),
        )
    ]


def _liquidation_finding(facts: Facts) -> str:
    overall = all_cohorts(facts.curves).set_index("day")["liquidation"]
    known = [day for day in (30, 90, 180) if day in overall and pd.notna(overall[day])]
    if not known:
        return "No month of first statements has been watched for 30 days yet."
    parts = [f"{as_text(overall[day], 'rate')} by day {day}" for day in known]
    text = f"Of each dollar first billed to patients, {', '.join(parts)} came in (all months that are old enough)."
    newest = facts.curves[(facts.curves["day"] == 30) & facts.curves["is_mature"]]
    if len(newest) < 4:
        return text
    last, before = newest.iloc[-1], newest.iloc[:-1]
    usual = ratio(before["collected_cents"].sum(), before["billed_cents"].sum())
    return (
        f"{text} At 30 days, the accounts of {pd.Timestamp(last['month']):%B %Y} stand at "
        f"{as_text(last['liquidation'], 'rate')}; "
        f"those of the {counted(len(before), 'month')} before stood at {as_text(usual, 'rate')}."
    )


def _curve_table(facts: Facts) -> Table:
    """The numbers behind the lines: one row a month and day."""
    return show(
        facts.curves,
        [
            Shown("month", "First statement", "month"),
            Shown("day", "Day", "count"),
            Shown("accounts", "Accounts", "count"),
            Shown("billed_cents", "First billed", "usd"),
            Shown("collected_cents", "Collected so far", "usd"),
            Shown("is_mature", "Old enough", "flag"),
            Shown("liquidation", "Share", "rate"),
        ],
        name="liquidation_curves",
        title="Share collected by days since the first statement",
        definition=(
            "Accounts by the month of their first statement; the share is empty while the month is too "
            "young; US dollars."
        ),
    )


def _cohort_table(facts: Facts) -> Table:
    curves = facts.curves[facts.curves["day"].isin(COLUMN_DAYS)]
    wide = (
        curves.pivot(index="month", columns="day", values="liquidation")
        .rename(columns=lambda day: f"day_{day}")
        .reset_index()
    )
    sizes = curves.drop_duplicates("month")[["month", "accounts", "billed_cents"]]
    rows = sizes.merge(wide, on="month").sort_values("month", ignore_index=True)
    return show(
        rows,
        [
            Shown("month", "First statement", "month"),
            Shown("accounts", "Accounts", "count"),
            Shown("billed_cents", "First billed", "usd"),
            *(Shown(f"day_{day}", f"By day {day}", "rate") for day in COLUMN_DAYS),
        ],
        name="liquidation",
        title="Share collected, by month of the first statement",
        definition="Accounts by the month of their first statement; patients' payments less refunds to "
        f"{facts.subject.as_of_text}, "
        "at most what was first billed; US dollars.",
        notes=[
            "– The month's last account has not been watched so long: too young to judge. "
            "Months are compared at the same age; one month's cash is never compared with another's here."
        ],
    )


def _transfers(facts: Facts) -> list[Block]:
    subject = facts.subject
    moved = self_pay_collections.balance_transfers(subject.tables, period=subject.period).iloc[0]
    months = self_pay_collections.balance_transfers(subject.tables, period=facts.year, by=["month"])
    table = show(
        months,
        [
            Shown("month", "Month", "month"),
            Shown("accounts", "Accounts", "count"),
            Shown("transferred_cents", "Moved to patients", "usd"),
            Shown("returned_cents", "Moved back", "usd"),
        ],
        name="balance_transfers",
        title="Balances moved to patients, by month",
        print_it=False,
        definition=f"Transfers by posting date, {span(facts.year)}; US dollars.",
    )
    if not moved["accounts"] and not moved["returned_cents"]:
        return [note(f"No balance was moved to a patient in {subject.period.title}."), table]
    back = (
        f"; {as_text(int(moved['returned_cents']), 'usd')} was moved back to insurers"
        if moved["returned_cents"]
        else ""
    )
    return [
        note(
            f"Insurers' decisions moved {as_text(int(moved['transferred_cents']), 'usd')} on "
            f"{counted(int(moved['accounts']), 'account')} to patients in {subject.period.title}{back}."
        ),
        table,
    ]


# -- payment plans ---------------------------------------------------------------------------------


@page
def plans(facts: Facts) -> list[Block]:
    """How the plans stand, what is paid on schedule, and how long plans hold."""
    subject, standing = facts.subject, facts.plan_standing
    if not standing["plans"]:
        return [note(f"No payment plan is on file up to {subject.as_of_text}.")]
    rows = facts.plans.assign(plans=1)
    rows["status"] = rows["status"].mask((rows["status"] == "broken") & rows["closed_on"].notna(), "closed")
    sums = ["plans", "amount_cents", "paid_cents", "left_cents", "at_risk_cents"]
    table = (
        rows.groupby("status")[sums]
        .sum()
        .reindex([name for name in STATUS_WORDS if name in set(rows["status"])])
        .reset_index()
    )
    table["words"] = table["status"].map(STATUS_WORDS)
    total, emphasis = with_total(table, "words", sums)
    return [
        show(
            total,
            [
                Shown("words", "How it stands"),
                Shown("plans", "Plans", "count"),
                Shown("amount_cents", "Agreed", "usd"),
                Shown("paid_cents", "Paid", "usd"),
                Shown("left_cents", "Not paid", "usd"),
                Shown("at_risk_cents", "At risk", "usd"),
            ],
            name="plans",
            title=f"Payment plans, as of {subject.as_of_text}",
            emphasis=emphasis,
            definition="All plans agreed so far; broken: two installments missed, or one more than 30 days late, "
            "or closed as broken. "
            "At risk: not yet paid on open plans that are behind or broken; US dollars.",
        ),
        _plan_rates(facts),
        *_defaults(facts),
        _plan_list(facts),
    ]


def _plan_rates(facts: Facts) -> Block:
    """Use, schedule, completion and cure, each with its parts."""
    use, due, done, cures = facts.utilisation, facts.instalments, facts.completion, facts.cures
    rows = [
        (
            "Patients who owe money and are on an open plan",
            use,
            "patients_on_plan",
            "patients_with_balance",
            "plan_utilisation",
        ),
        (
            "Installments paid on schedule, three months",
            due,
            "paid_instalments",
            "due_instalments",
            "instalments_on_schedule",
        ),
        (
            "Plans of the past year that ended, paid to the end",
            done,
            "completed_plans",
            "ended_plans",
            "plan_completion",
        ),
        ("Plans that ever broke and came back (cured)", cures, "cured_plans", "ever_broken_plans", "plan_cures"),
    ]
    table = pd.DataFrame(
        [
            {"words": words, "top": int(found[top]), "bottom": int(found[bottom]), "share": found[share]}
            for words, found, top, bottom, share in rows
        ]
    )
    return show(
        table,
        [
            Shown("words", "What"),
            Shown("top", "Number", "count"),
            Shown("bottom", "Of", "count"),
            Shown("share", "Share", "rate"),
        ],
        name="plan_rates",
        title="How plans are used and kept",
        definition=(
            f"As of {facts.subject.as_of_text}; installments by the day due, {span(facts.quarter)}; ended "
            f"plans by the day agreed, {span(facts.year)}."
        ),
    )


def _defaults(facts: Facts) -> list[Block]:
    known = facts.defaults.dropna(subset=["broken"])
    if known.empty:
        return [note("No plan has been watched for 90 days yet, so nothing is said about how long plans hold.")]
    return [
        show(
            known.assign(after=[f"{int(day)} days" for day in known["day"]]),
            [
                Shown("after", "Within"),
                Shown("broken", "Plans broken", "rate"),
                Shown("low", "Interval from", "rate"),
                Shown("high", "to", "rate"),
                Shown("at_risk", "Plans watched so long", "count"),
            ],
            name="plan_defaults",
            title="How long plans hold: share that broke for the first time",
            definition="Days from the agreement to the first day on which the plan was broken, cured later or "
            "not; open plans count as open, "
            "to the as-of day (Kaplan–Meier, 95% interval).",
        )
    ]


def _plan_list(facts: Facts) -> Block:
    rows = facts.plans[facts.plans["at_risk_cents"] > 0].sort_values(
        ["at_risk_cents", "plan_id"], ascending=[False, True], ignore_index=True
    )
    return show(
        rows.assign(words=rows["status"].map(STATUS_WORDS)),
        [
            Shown("plan_id", "Plan"),
            Shown("claim_id", "Account"),
            Shown("opened_on", "Agreed", "date"),
            Shown("words", "How it stands"),
            Shown("overdue_instalments", "Overdue installments", "count"),
            Shown("overdue_cents", "Overdue", "usd"),
            Shown("at_risk_cents", "Not paid", "usd"),
        ],
        name="plans_at_risk",
        title="Plans to call about",
        print_it=False,
        definition="Open plans that are behind or broken, largest balance first; US dollars.",
    )


# -- promises and declines -------------------------------------------------------------------------


@page
def payments(facts: Facts) -> list[Block]:
    """Promises kept, and payments that were declined."""
    return [*_promises(facts), *_declines(facts), *_networks(facts)]


def _promises(facts: Facts) -> list[Block]:
    subject = facts.subject
    found = self_pay_collections.promises_kept(subject.tables, period=facts.year, as_of=subject.as_of, by=["month"])
    if found.empty:
        return [note(f"No promise to pay is on file that fell due in the twelve months to {subject.as_of_text}.")]
    now = facts.promises
    words = (
        "No promise fell due in the past three months."
        if not now["due_promises"]
        else (
            f"{rate_words(int(now['kept_promises']), int(now['due_promises']), 'promise')} that fell due in the "
            "three months to "
            f"{subject.period.title} were kept; {counted(int(now['open_promises']), 'promise')} still ran and "
            f"{'is' if now['open_promises'] == 1 else 'are'} in no rate."
        )
    )
    return [
        note(sentence(words)),
        show(
            found,
            [
                Shown("month", "Due in", "month"),
                Shown("due_promises", "Fell due", "count"),
                Shown("kept_promises", "Kept", "count"),
                Shown("promises_kept", "Share kept", "rate"),
                Shown("promised_cents", "Promised", "usd"),
                Shown("kept_cents", "Of it kept", "usd"),
                Shown("open_promises", "Still open", "count"),
            ],
            name="promises",
            title="Promises to pay",
            definition=(
                "Promises by the day promised. Kept: 95% of the amount paid by then, with the policy's "
                "days of grace; US dollars."
            ),
        ),
    ]


DECLINE_WORDS = {
    "hard": "Hard: this card may not be tried again",
    "soft": "Soft: may be tried again",
    "(none)": "Kind not recorded",
}


def _declines(facts: Facts) -> list[Block]:
    subject, rate, kinds = facts.subject, facts.decline_rate, facts.declined
    if not rate["payments"]:
        return [note(f"No try of a payment by card or bank is on file for the twelve months to {subject.as_of_text}.")]
    words = (
        f"{rate_words(int(rate['declined_payments']), int(rate['payments']), 'payment')} by card or bank were "
        "declined at the first try "
        f"in the twelve months to {subject.period.title}."
    )
    if not kinds["declined_payments"].sum():
        return [note(sentence(words))]
    again = facts.reprocessed
    if again["retried_payments"]:
        words += (
            f" {rate_words(int(again['approved_payments']), int(again['retried_payments']), 'payment')} "
            "tried again went through."
        )
    return [note(sentence(words)), _declines_by_kind(facts)]


def _declines_by_kind(facts: Facts) -> Table:
    subject, kinds = facts.subject, facts.declined
    rows = kinds.assign(words=kinds["decline_kind"].map(DECLINE_WORDS))
    whole = declines.decline_recovery(subject.tables, period=facts.year, as_of=subject.as_of).iloc[0]
    table, emphasis = with_total(
        rows,
        "words",
        ["declined_payments", "declined_cents", "recovered_payments", "recovered_cents"],
        values={"decline_recovery": whole["decline_recovery"], "attempts_per_decline": whole["attempts_per_decline"]},
    )
    young = int(kinds["young_payments"].sum())
    return show(
        table,
        [
            Shown("words", "First decline"),
            Shown("declined_payments", "Declined", "count"),
            Shown("declined_cents", "Dollars", "usd"),
            Shown("recovered_cents", "Recovered in 30 days", "usd"),
            Shown("decline_recovery", "Share", "rate"),
            Shown("attempts_per_decline", "Attempts each", "number"),
        ],
        name="declines",
        title="What came of declined payments",
        emphasis=emphasis,
        definition=f"Payments by card or bank declined at the first try, {span(facts.year)}; recovered: "
        "approved within 30 days, with the "
        "same or another card; US dollars.",
        notes=[
            (
                f"{sentence(counted(young, 'decline'))} of the last 30 days {'is' if young == 1 else 'are'} too "
                "young and left out."
            )
            if young
            else ""
        ],
    )


def _networks(facts: Facts) -> list[Block]:
    """Retries against the card networks' own limits, which hold whatever the client's policy says."""
    rows, beyond = facts.network_retries, facts.retries_beyond
    if not rows["retries"].sum():
        return []
    words = (
        f"No retry of a declined card went beyond the networks' limits ({span(facts.year)})."
        if beyond.empty
        else f"{sentence(counted(int(beyond['attempt_id'].nunique()), 'retry', 'retries'))} of declined cards "
        "went beyond the networks' limits "
        f"({span(facts.year)})."
    )
    blocks = [
        note(words, tone="warning" if len(beyond) else "info"),
        show(
            rows.assign(words=rows["network"].map(NETWORKS)),
            [
                Shown("words", "Card network"),
                Shown("allowed", "Allowed"),
                Shown("since", "Since", "date"),
                Shown("retries", "Retries checked", "count"),
                Shown("most_found", "Most found", "count"),
                Shown("beyond", "Beyond", "count"),
            ],
            name="network_retries",
            title="Retries against the card networks' limits",
            definition=f"Retries by the day of the attempt, {span(facts.year)}, by payment and kind of card: "
            "the data hold no card numbers. "
            "The limits are the networks', not the client's; a retry can break two of them.",
            notes=[f"Read from {comma_list(sorted(set(rows['source'])))}."],
        ),
    ]
    if beyond.empty:
        return blocks
    return [
        *blocks,
        show(
            beyond.assign(words=beyond["network"].map(NETWORKS)),
            [
                Shown("attempted_on", "Day", "date"),
                Shown("attempt_id", "Attempt"),
                Shown("claim_id", "Account"),
                Shown("words", "Card network"),
                Shown("allowed", "Allowed"),
                Shown("found", "Found", "count"),
            ],
            name="retries_beyond",
            title="Retries beyond the networks' limits",
            print_it=False,
            definition=(
                f"By the day of the attempt, {span(facts.year)}. Found: retries or attempts in the days "
                "of the limit, or hard declines before it."
            ),
        ),
    ]
