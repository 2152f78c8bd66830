"""Page two of a self-pay review, and what stands in its workbook; lists of accounts are for those who work them."""

from __future__ import annotations

import pandas as pd

from ...blocks.vocabulary import Figure, Table
from ..blocks import Block, for_the_workbook, two_by_two
from ..figures import HALF
from ..formats import span
from ..pages import page
from ..tables import Shown, narrowed, show, with_total
from . import appendix, controls, credits, money, quality, requests
from .facts import Facts

COVER = {"layout": "brief"}

LISTS = (
    "eob_rules",
    "eob_largest",
    "eob_claims",
    "breaches_latest",
    "breaches",
    "scope_guard",
    "estimates",
    "plans_at_risk",
    "retries_beyond",
    "patient_write_offs",
    "write_off_list",
    "posting_faults",
    "refunds_due",
    "quality",
    "quality_reviews",
    "incomplete_records",
)
"""Tables that name accounts, records or partners, or tell how to mend an account: never in what a client is sent."""


@page
def everything(facts: Facts) -> list[Block]:
    """All that the review knows, with its lists."""
    return [
        *controls.eob_check(facts),
        *controls.compliance(facts),
        *controls.scope_guard(facts),
        *controls.estimates(facts),
        *money.liquidation(facts),
        *money.plans(facts),
        *money.payments(facts),
        *requests.requests(facts),
        *requests.rework(facts),
        *quality.targets(facts),
        *quality.contacts(facts),
        *controls.write_offs(facts),
        *quality.posting(facts),
        *credits.credits(facts),
        *quality.quality(facts),
    ]


def is_list(block: Block) -> bool:
    """Whether the block names accounts, records or partners."""
    return isinstance(block, Table) and block.name in LISTS


@page
def behind(facts: Facts) -> list[Block]:
    """Page two: how bills are paid, plans, balances against the payers' decisions, the policy, targets, credits."""
    quarter = span(facts.quarter)
    return two_by_two(
        [
            *money.liquidation_chart(facts, width=HALF, height=1.75),
            *_short(
                money.plans(facts), "plans", ["words", "plans", "left_cents", "at_risk_cents"],
                "Not paid: still to come of what was agreed. At risk: open plans behind or broken. US dollars.",
            ),
            *_short(
                controls.eob_check(facts), "eob_rules", ["words", "claims", "difference_cents"],
                "Billed to the patient less what all payers left to them; below zero: too little. US dollars. "
                "A dash: a question that the data cannot answer.",
            ),
            *_policy(facts),
            *_short(
                quality.targets(facts), "targets", ["words", "value", "target", "met"],
                f"{quarter}; the least that your policy asks for.",
            ),
            *_short(
                credits.credits(facts), "patient_credits", ["kind", "words", "accounts", "credit_cents"],
                "Paid before it was due: waits for the insurer's answer. Overpaid: to be refunded. US dollars.",
                title="Money that belongs to others",
            ),
            *_short(
                requests.requests(facts), "turnaround", ["words", "cases", "open", "share", "late"],
                f"Came in {span(facts.year)}. Within policy: of those whose days are up.",
            ),
            *_short(
                money.payments(facts), "declines", ["words", "declined_payments", "declined_cents", "recovered_cents"],
                f"By card or bank, declined at the first try, {span(facts.year)}; US dollars.",
            ),
        ]
    )  # fmt: skip


def _short(blocks: list[Block], name: str, columns: list[str], definition: str, *, title: str = "") -> list[Block]:
    """The table of that name with these columns; where there is none, what is said instead of it."""
    for block in blocks:
        if isinstance(block, Table) and block.name == name:
            return [narrowed(block, columns, definition=definition, title=title)]
    return [block for block in blocks if not isinstance(block, (Table, Figure))][:1]


def _policy(facts: Facts) -> list[Block]:
    """The rules that were broken, the others together, and all of them; where none was, the sentence that says so."""
    rows = facts.checks
    broken = rows[(rows["breached"] > 0) | (rows["breached_quarter"] > 0)]
    if broken.empty:
        return [block for block in controls.compliance(facts) if not isinstance(block, Table)][:1]
    sums = ["checked", "breached", "breached_quarter"]
    broken = broken.sort_values(["breached", "breached_quarter", "title"], ascending=[False, False, True])
    kept = rows.drop(broken.index)
    others = {"title": f"{len(kept)} other rules", **{name: int(kept[name].sum()) for name in sums}}
    table, emphasis = with_total(pd.concat([broken, pd.DataFrame([others])])[["title", *sums]], "title", sums)
    return [
        show(
            table,
            [
                Shown("title", "Your policy"),
                Shown("checked", "Checked", "count"),
                Shown("breached", "Broken", "count"),
                Shown("breached_quarter", "In three months", "count"),
            ],
            name="policy_broken",
            title=f"Rules of your policy that were broken, {facts.subject.period.title}",
            emphasis=emphasis,
            definition="A check of our own work against the limits that you approved, no finding of law.",
        )
    ]


@page
def in_the_workbook(facts: Facts) -> list[Block]:
    """Everything else that the review may tell its client, in the workbook alone."""
    told = [block for block in everything(facts) if not is_list(block)]
    return for_the_workbook([*told, *appendix.definitions(facts), *appendix.provenance(facts)])
