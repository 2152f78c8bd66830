"""What moved in the week: from the opening to the close, beside the average of the four weeks before."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from ...measures.collections.rates import cash
from ...measures.denials.rates import initial_denial_rate_claims_remitted, initial_denial_rate_dollars_remitted
from ...measures.receivable.roll_forward import ar_movement, credits_and_unapplied, roll_rates
from ...models.cash.collectable import collectable_value
from ...periods import Period
from ..blocks import Block
from ..formats import as_text, counted, whole_dollars
from ..pages import page
from ..subject import Subject
from ..tables import Shown, show
from .facts import WEEK, Facts

WEEKS_BEFORE = 4
STEPS = (
    ("opening_cents", "Open a week before"),
    ("raised_cents", "+ New balances"),
    ("paid_cents", "− Paid"),
    ("adjusted_cents", "− Contract adjustments"),
    ("written_off_cents", "− Written off"),
    ("transferred_cents", "− Passed on to another payer or the patient"),
    ("corrected_cents", "− Charges corrected"),
    ("closing_cents", "Open at the end of the week"),
)


@page
def moved(facts: Facts) -> list[Block]:
    """The steps of the week, and the evidence behind them in the workbook."""
    return [*_movement(facts.subject, facts.week), *_evidence(facts.subject, facts.week)]


def _movement(subject: Subject, week: Period) -> list[Block]:
    weeks = [Period.days_ending(week.last_day - number * WEEK, 7) for number in range(WEEKS_BEFORE + 1)]
    rows = pd.DataFrame([_week_of(subject, one) for one in weeks])
    now, before = rows.iloc[0], rows.iloc[1:]
    before = before[(before["opening_cents"] > 0) | (before["closing_cents"] > 0)]
    usual = before.mean(numeric_only=True)
    steps = [step for step in STEPS if step[0] != "corrected_cents" or rows["corrected_cents"].any()]
    lines = [(words, now[name], usual.get(name)) for name, words in steps]
    denied = f"Denied at first: charges of {counted(int(now['denied_claims']), 'claim')}"
    if len(before):
        denied += f" (usually {as_text(float(usual['denied_claims']), 'number')})"
    cash_words = "Cash, with unapplied money, copays and money without a claim"
    lines.append((cash_words, now["cash_cents"], usual.get("cash_cents")))
    if subject.holds("remit_claims"):
        lines.append((denied, now["denied_cents"], usual.get("denied_cents")))
    table = pd.DataFrame(lines, columns=["what", "now", "usual"]).astype({"now": "float64", "usual": "float64"})
    few = f"Average of the {counted(len(before), 'week')} before" if len(before) != 1 else "The week before"
    cents, dollars = (
        show(
            one.assign(change=one["now"] - one["usual"]),
            [
                Shown("what", "What moved"),
                Shown("now", "This week", "usd"),
                Shown("usual", few, "usd"),
                Shown("change", "Difference", "usd"),
            ],
            name="what_moved",
            title="What moved this week",
            emphasis=[0, len(steps) - 1],
            definition=f"Balances above zero, by posting date, {as_text(week.first_day, 'date')} to "
            f"{as_text(week.last_day, 'date')}; US dollars."
            + (" Denials by the day of the payer's first answer." if subject.holds("remit_claims") else ""),
            notes=[_worth(subject)],
        )
        for one in (table, _in_dollars(table, len(steps) - 1))
    )
    return [replace(cents, text=dollars.text)]


def _in_dollars(table: pd.DataFrame, last: int) -> pd.DataFrame:
    """The amounts in whole dollars, from the first line to the `last` as a reader adds them up."""
    out, signs = table.copy(), [-1 if words.startswith("−") else 1 for words in table["what"][:last]]
    for name in ("now", "usual"):
        if table[name].notna().all():
            cents = [round(value) for value in table[name]]
            parts = whole_dollars([sign * each for sign, each in zip(signs, cents, strict=False)])
            rest = [whole_dollars([each])[0] for each in cents[last + 1 :]]
            out[name] = [*(sign * each for sign, each in zip(signs, parts, strict=True)), sum(parts), *rest]
    return out


def _week_of(subject: Subject, week: Period) -> dict[str, int]:
    found = ar_movement(subject.tables, period=week).iloc[0].to_dict()
    claims = initial_denial_rate_claims_remitted(subject.tables, period=week).iloc[0]
    charges = initial_denial_rate_dollars_remitted(subject.tables, period=week).iloc[0]
    return {
        **found,
        "raised_cents": found["new_cents"] + found["grown_cents"],
        "cash_cents": int(cash(subject.tables, period=week)["cash_cents"].sum()),
        "denied_claims": int(claims["denied_claims"]),
        "denied_cents": int(charges["denied_cents"]),
    }


def _worth(subject: Subject) -> str:
    worth = collectable_value(subject.tables, as_of=subject.as_of).iloc[0]
    if pd.isna(worth["collectable_share"]):
        return ""
    return (
        f"Of the open balance about {as_text(int(worth['collectable_cents']), 'usd')} "
        f"({as_text(float(worth['collectable_share']), 'rate')}) will come in as cash, going by the past year; "
        f"contracts take off {as_text(int(worth['adjusted_cents']), 'usd')}, "
        f"{as_text(int(worth['lost_cents']), 'usd')} is probably lost"
        + (f"; of {as_text(int(worth['unknown_cents']), 'usd')} it cannot be told." if worth["unknown_cents"] else ".")
    )


def _evidence(subject: Subject, week: Period) -> list[Block]:
    by_payer = ar_movement(subject.tables, period=week, by=["responsible_payer"]).rename(
        columns={"responsible_payer": "payer"}
    )
    named = subject.with_payer_names(by_payer.assign(raised_cents=by_payer["new_cents"] + by_payer["grown_cents"]))
    matrix = roll_rates(subject.tables, period=week)
    outside = credits_and_unapplied(subject.tables, period=week)
    words = {"credits": "Credit balances", "unapplied": "Money without a claim"}
    return [
        show(
            named,
            [Shown("payer", "Who owes"), *(Shown(name, title.lstrip("+− "), "usd") for name, title in STEPS)],
            name="moved_by_payer",
            title="What moved, by who owes",
            print_it=False,
            definition="As 'What moved this week'; by the payer of the party that owes, or the patient; US dollars.",
        ),
        show(
            matrix,
            [
                Shown("from_bucket", "From"),
                Shown("to_bucket", "To"),
                Shown("claims", "Balances", "count"),
                Shown("moved_cents", "Dollars", "usd"),
                Shown("roll_rate", "Share of the bucket", "rate"),
            ],
            name="roll_rates",
            title="From age bucket to age bucket in the week",
            print_it=False,
            definition="Days since the service, at the opening and the close of the week; US dollars.",
        ),
        show(
            outside,
            [
                Shown("kind", "What", texts=words),
                Shown("opening_cents", "A week before", "usd"),
                Shown("closing_cents", "Now", "usd"),
                Shown("change_cents", "Change", "usd"),
            ],
            name="credits_unapplied",
            title="Credits and unapplied money",
            print_it=False,
            definition="They stand apart and lower no balance; by posting date; US dollars.",
        ),
    ]
