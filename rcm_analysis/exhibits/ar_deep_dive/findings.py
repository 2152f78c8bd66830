"""The findings of the deep dive: the actions of the client's register, with cause, dollars, owner and day."""

from __future__ import annotations

import re

import pandas as pd

from ...blocks.vocabulary import Table
from ...models.detection.denial_cells import FEWEST_BEFORE
from ...models.detection.denial_shifts import decided_months
from ...models.detection.renamed_payers import renamed_payers
from ..blocks import Block, Finding, findings, note
from ..formats import as_text, counted
from ..incomplete import limits_untold
from ..pages import page
from ..register.action import CLAIMS, Action
from ..register.months import register
from ..tables import Shown, show
from .facts import Facts
from .payers import NOT_COMPARED

MOST = 12
LINES = "action_claims"


def found(facts: Facts) -> list[Action]:
    """Every action of the register on claims, the gravest and largest first."""
    return register(facts.subject, CLAIMS)


@page
def all_findings(facts: Facts) -> list[Block]:
    """The list, and where the evidence and the other findings stand."""
    actions = found(facts)
    if not actions:
        blocks = [note(f"Nothing was found in {facts.subject.period.title} of what could be judged.")]
    else:
        blocks = [findings("Findings, in dollars", [one.as_finding() for one in actions[:MOST]])]
    if len(actions) > MOST:
        blocks.append(
            note(
                f"{counted(len(actions) - MOST, 'smaller finding')} left out; all of them are in the workbook, "
                "sheet Findings."
            )
        )
    unjudged = not_judged(facts)
    return [*blocks, *([note(" ".join(unjudged))] if unjudged else []), note(ONCE), *_for_the_workbook(actions)]


def not_judged(facts: Facts) -> list[str]:
    """What nothing can be said of, and why: silence on it is no good news."""
    words = []
    months = decided_months(facts.tables, as_of=facts.as_of)
    if months <= FEWEST_BEFORE:
        words.append(
            "Whether more is denied than usual cannot be judged yet: that takes decisions of at least "
            f"{FEWEST_BEFORE + 1} months, and there are {months}."
        )
    if facts.denial_lives.attrs["left_out"]:
        words.append(facts.denial_lives.attrs["left_out"])
    words += [
        f"{facts.subject.payer_name(row['old_payer'])} has answered nothing of services after "
        f"{as_text(row['last_on'], 'date')}, and {facts.subject.payer_name(row['new_payer'])} answers for "
        f"{as_text(row['shared_share'], 'rate')} of the patients who came back since. If it is one payer, "
        "make one of both in the registry: until then its rates and prices before and after cannot be compared."
        for row in renamed_payers(facts.tables, as_of=facts.as_of).to_dict("records")
    ]
    if facts.compared_lines == 0:
        words.append(NOT_COMPARED)
    return [*words, *filter(None, [limits_untold(facts.subject)])]


ONCE = (
    "Every claim stands in one finding, with all its dollars: a cause before a step, a step before a habit, so the "
    "amounts may be added up where they are of one kind. The client's packet and the weekly review show the same "
    "findings with the same amount, owner and day. The claims behind each are in the workbook: its sheet Findings "
    "leads to them."
)


def _for_the_workbook(actions: list[Action]) -> list[Block]:
    """Every finding as a row that leads to the sheet with its claims."""
    if not actions:
        return []
    rows = pd.DataFrame([_row(number, one, one.as_finding()) for number, one in enumerate(actions, start=1)])
    return [
        show(
            rows,
            [
                Shown("number", "No.", "count"),
                Shown("title", "Finding"),
                Shown("amount_cents", "Dollars", "usd"),
                Shown("owner", "Owner"),
                Shown("due", "Due", "date"),
                Shown("severity", "Priority"),
                Shown("sheet", "Claims on sheet", link=True),
                Shown("of", "No. there"),
                Shown("detail", "Cause"),
                Shown("basis", "Dollars are"),
                Shown("action_id", "Action"),
            ],
            name="findings",
            title="Findings, in dollars",
            print_it=False,
            definition=(
                "One row per finding, the gravest and largest first; US dollars. The sheet named is one "
                "click away and holds the claims behind it."
            ),
        ),
        _claims(actions),
    ]


def _claims(actions: list[Action]) -> Table:
    """Every claim of every finding, once, with the dollars that it adds to it."""
    rows = [(one.action_id, one.title, claim, cents) for one in actions for claim, cents in one.claims.items()]
    return show(
        pd.DataFrame(rows, columns=["action_id", "title", "claim_id", "cents"]),
        [
            Shown("action_id", "Action"),
            Shown("title", "Finding"),
            Shown("claim_id", "Claim"),
            Shown("cents", "Dollars", "usd", exact=True),
        ],
        name=LINES,
        title="Claims of every finding",
        print_it=False,
        definition="One row per claim; each claim stands in one finding, and its rows add up to the finding's dollars. "
        "US dollars and cents.",
    )


def _row(number: int, action: Action, card: Finding) -> dict[str, object]:
    leads = re.fullmatch(r"(\w*)(?:, no\. (\d+))?", action.sheet or (LINES if action.claims else ""))
    return {
        **card.payload,
        "number": number,
        "detail": action.detail or f"{action.why}.",
        "sheet": leads[1] if leads else "",
        "of": leads[2] if leads else None,
        "basis": action.basis,
        "action_id": action.action_id,
    }
