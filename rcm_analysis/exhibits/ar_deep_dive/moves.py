"""Why the receivable, the days in AR and the net collection rate moved: by payer, every table adding up exactly."""

from __future__ import annotations

import pandas as pd

from ...ledger.ratios import quotient
from ...measures.collections.rates import net_collection_rate_matured
from ...measures.receivable.ar import days_in_ar
from ...models.drivers.by_part import KINDS, ratio_by_part, sum_by_part
from ...periods import Period
from ..blocks import Block, note
from ..client_review.answers import settled_services
from ..formats import as_text, span
from ..tables import Shown, show, with_total
from .facts import Facts

BACK = 3
"""Months between the two closes, and between the two spans of services, that are compared."""
WINDOW_DAYS = 90


def moves(facts: Facts) -> list[Block]:
    """The three accounts, those for which there is a month to compare with."""
    return [*_owed(facts), *_collected(facts)]


def _owed(facts: Facts) -> list[Block]:
    then = facts.subject.period.shift(-BACK).last_day
    before, now = (days_in_ar(facts.tables, as_of=day, by=["payer"]) for day in (then, facts.as_of))
    found = ratio_by_part(before, now, part="payer", top="ar_cents", base="charge_cents", times=WINDOW_DAYS)
    if found.empty:
        return []
    kinds = sum_by_part(before, now, part="payer", cents="ar_cents", base="charge_cents")
    rows = facts.names(kinds.merge(found[["payer", "by_top", "by_base", "change"]], on="payer"), "payer")
    rows = rows[(rows[["old_cents", "new_cents"]] != 0).any(axis=1)]
    rows = rows.sort_values("change_cents", key=lambda cents: -cents.abs(), kind="stable", ignore_index=True)
    sums = ["old_cents", "new_cents", "change_cents", *KINDS, "by_top", "by_base", "change"]
    table, emphasis = with_total(rows, "payer", sums)
    day = as_text(then, "date")
    return [
        note(_days_sentence(found, day)),
        show(
            table,
            [
                Shown("payer", "Payer"),
                Shown("old_cents", f"Owed {day}", "usd"),
                Shown("new_cents", "Owed now", "usd"),
                Shown("change_cents", "Change", "usd", drawn="bar"),
                Shown("volume_cents", "By more or less work", "usd"),
                Shown("mix_cents", "By other work", "usd"),
                Shown("rate_cents", "By slower or faster pay", "usd"),
                Shown("by_top", "Days, by what is owed", "days"),
                Shown("by_base", "Days, by charges", "days"),
                Shown("change", "Days in AR", "days"),
            ],
            name="why_owed_moved",
            title="Why the receivable moved, by payer",
            emphasis=emphasis,
            definition="Balances above zero at both closes by payer of the claim, and charges posted in the 90 days "
            "before each: more charges raise what is owed (work), a payer with more than its share of them (other "
            "work), and more owed for each dollar charged (pay). The parts add up to the change of each row, and the "
            "rows to the total. US dollars; days.",
        ),
    ]


def _days_sentence(found: pd.DataFrame, day: str) -> str:
    ends = [WINDOW_DAYS * float(found[f"top_{when}"].sum() / found[f"base_{when}"].sum()) for when in ("old", "new")]
    change, owed, charged = (float(found[name].sum()) for name in ("change", "by_top", "by_base"))
    if as_text(abs(change), "days") == "0.0":
        return f"Days in AR are {as_text(ends[1], 'days')}, as on {day}."
    more = "more is owed" if owed > 0 else "less is owed"
    work = "charges rose" if charged < 0 else "charges fell"
    return (
        f"Days in AR {'rose' if change > 0 else 'fell'} {as_text(abs(change), 'days')} days since {day}, from "
        f"{as_text(ends[0], 'days')} to {as_text(ends[1], 'days')}: {more}, which "
        f"{'added' if owed > 0 else 'took off'} {as_text(abs(owed), 'days')}; {work}, which "
        f"{'added' if charged > 0 else 'took off'} {as_text(abs(charged), 'days')}."
    )


def _collected(facts: Facts) -> list[Block]:
    services = settled_services(facts.subject.period)
    earlier = Period(services.shift(-BACK).first_day, services.first_day)
    before, now = (
        net_collection_rate_matured(facts.tables, period=period, as_of=day, by=["payer"])
        for period, day in ((earlier, facts.subject.period.shift(-BACK).last_day), (services, facts.as_of))
    )
    found = ratio_by_part(before, now, part="payer", top="cash_cents", base="collectable_cents")
    if found.empty:
        return []
    rows = facts.names(found, "payer").sort_values("change", key=lambda one: -one.abs(), kind="stable")
    sums = ["top_old", "base_old", "top_new", "base_new", "by_top", "by_base", "change"]
    table, emphasis = with_total(rows, "payer", sums)
    for when in ("old", "new"):
        table[f"rate_{when}"] = quotient(table[f"top_{when}"].astype(float), table[f"base_{when}"].astype(float))
    return [
        show(
            table,
            [
                Shown("payer", "Payer"),
                Shown("rate_old", span(earlier), "rate"),
                Shown("rate_new", span(services), "rate"),
                Shown("by_top", "By cash", "rate"),
                Shown("by_base", "By what was due", "rate"),
                Shown("change", "Change of the whole rate", "rate"),
            ],
            name="why_collection_moved",
            title="Why the net collection rate moved, by payer",
            emphasis=emphasis,
            definition="Cash over charges less agreed discounts, of services at least 120 days old, each span as known "
            "when it was as old as the other. The last three columns add up over payers: by cash, more or less came "
            "in; by what was due, more or less was to be had for the same cash. Points of the whole rate.",
        )
    ]
