"""The money with its ranges and assumptions, and the review loop: found, changed, effect since."""

from __future__ import annotations

import pandas as pd

from ...measures.engagement import worth as money
from ..blocks import Block, note
from ..formats import as_text, is_empty, words_of
from ..pages import page
from ..tables import Shown, show
from .facts import Facts
from .findings import RATES
from .published import title_of
from .small import HIDDEN, WHY, known, show_guarded

REGRESSION = (
    "Before and after is weak proof. What was bad enough to be noticed tends to get better by itself, and "
    "patients picked for last year's many visits have fewer this "
    "year without anybody's help (regression to the mean)."
)
NO_SAVING = f"{REGRESSION} None of these amounts is a saving that has been made."


@page
def worth(facts: Facts) -> list[Block]:
    """Three amounts, each low, middle and high, with what was assumed."""
    before = facts.subject.period.shift(-1)
    spans = [
        f"twelve months to {facts.subject.period.title}",
        f"twelve months to {before.title}",
        title_of(facts.stay_block),
    ]
    table = pd.DataFrame([_recovered(facts), *(_avoidable(row) for row in facts.avoidable.to_dict("records"))]).assign(
        span=spans
    )
    blocks = [note(NO_SAVING, tone="warning")]
    if not len(facts.twelve_months) and not facts.avoidable["events"].fillna(1).any():
        return [
            *blocks,
            note("There is nothing to put a value on: no slots and no hospital reports in the twelve months."),
        ]
    return [
        *blocks,
        show_guarded(
            table,
            [
                Shown("what", "What it may be worth"),
                Shown("span", "Of"),
                Shown("events", "Counted", "count"),
                Shown("low_cents", "Low", "usd"),
                Shown("mid_cents", "Middle", "usd"),
                Shown("high_cents", "High", "usd"),
            ],
            name="worth",
            title="What engagement may be worth",
            definition=(
                "Events counted, times the assumptions below; US dollars. Visits are the practice's "
                "money; hospital costs are the payers'."
            ),
        ),
        show(
            pd.DataFrame(_assumptions(facts), columns=["assumption", "value", "source"]),
            [Shown("assumption", "Assumption"), Shown("value", "Value"), Shown("source", "From")],
            name="assumptions",
            title="What was assumed",
            definition="Each can be changed: they are arguments of the measures, not facts about this practice.",
        ),
    ]


def _recovered(facts: Facts) -> dict:
    row = facts.recovered
    is_hidden = len(facts.twelve_months) > 0 and not known(facts.twelve_months, "no_shows", "slots")
    return {
        "what": f"Visits recovered if no-shows fell to {as_text(money.TARGET_RATE, 'rate')}",
        "events": row["no_shows"],
        "is_suppressed": is_hidden,
        **{name: row[name] for name in money.RANGE},
    }


def _avoidable(row: dict) -> dict:
    words = {
        "emergency_visits": "Emergency visits that could be avoided",
        "readmissions": "Readmissions that could be avoided",
    }
    return {
        "what": words[row["item"]],
        "events": row["events"],
        "is_suppressed": row["is_suppressed"],
        **{name: row[name] for name in money.RANGE},
    }


def _assumptions(facts: Facts) -> list[tuple[str, str, str]]:
    def shares(values: tuple[float, ...]) -> str:
        return " / ".join(as_text(value, "rate") for value in values)

    cash = facts.recovered["visit_cents"]
    return [
        (
            "No-show rate within reach",
            as_text(money.TARGET_RATE, "rate"),
            "flexbone.ai, 5 to 7 %, attributed there to MGMA; a secondary source",
        ),
        ("Slots won back that become a paid visit", shares(money.FILLED), "our assumption"),
        (
            "Cash of a kept visit",
            as_text(None if is_empty(cash) else int(cash), "usd", reason="no visit old enough"),
            "this practice: visits at least 120 days old",
        ),
        ("Cost of an emergency visit", as_text(money.EMERGENCY_CENTS, "usd"), "HCUP Statistical Brief 268 (2017)"),
        (
            "Emergency visits that could be treated elsewhere",
            shares(money.EMERGENCY_SHARES),
            "Weinick and others, Health Affairs 2010; middle ours",
        ),
        ("Cost of a readmission", as_text(money.READMISSION_CENTS, "usd"), "HCUP Statistical Brief 248 (2016), about"),
        (
            "Readmissions that reviewers called avoidable",
            shares(money.READMISSION_SHARES),
            "van Walraven and others, CMAJ 2011 (quartiles)",
        ),
    ]


@page
def loop(facts: Facts) -> list[Block]:
    """What was found, what was changed, and the rate before and since."""
    found = facts.loop
    if found.empty:
        return [note("No change has been recorded after a review yet.")]
    shown = found.assign(
        done=[f"{row['issue']}: {row['change']}" for row in found.to_dict("records")],
        what=[
            f"{RATES.get(row['measure'], words_of(row['measure']))}{', ' if row['location'] else ''}{row['location']}"
            for row in found.to_dict("records")
        ],
        verdict=[_verdict(row) for row in found.to_dict("records")],
    )
    return [
        show(
            shown,
            [
                Shown("started_on", "Since", "date"),
                Shown("what", "What"),
                Shown("done", "Found, and changed"),
                Shown("rate_before", "Before", "rate"),
                Shown("rate_since", "Since then", "rate"),
                Shown("verdict", "Effect, in points"),
            ],
            name="review_loop",
            title="What was found, what was changed, and what it did",
            notes=[REGRESSION, WHY if found["is_suppressed"].any() else ""],
            definition=(
                f"Up to 180 days before the change and since it, to {facts.subject.as_of_text}; the "
                "effect is the rate since less the rate before, with its 95% interval."
            ),
        )
    ]


def _verdict(row: dict) -> str:
    """The effect with its interval in whole points of a hundred: "better: -3 (-4 to -1)"."""
    if row["is_suppressed"]:
        return HIDDEN
    if pd.isna(row["effect"]):
        return "too early, or not measured"
    effect, low, high = (as_text(round(float(row[name]) * 100), "count") for name in ("effect", "low", "high"))
    verdict = "better" if row["is_better"] is True else "worse" if row["is_worse"] is True else "unclear"
    others = (
        ""
        if pd.isna(row["others_effect"])
        else f"; other places {as_text(round(float(row['others_effect']) * 100), 'count')}"
    )
    return f"{verdict}: {effect} ({low} to {high}){others}"
