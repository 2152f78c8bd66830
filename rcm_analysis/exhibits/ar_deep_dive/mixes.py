"""A figure that moved only because the work is another: said as that, so that nobody seeks a cause that is not
there."""

from __future__ import annotations

from ...models.detection.mixes import VERDICTS
from ..blocks import Block
from ..formats import sentence
from ..register.causes import MIX_WORDS
from ..tables import Shown, show
from .facts import Facts


def table(facts: Facts) -> list[Block]:
    """Both figures, usual and now, and what the mix alone would have made of them; for the workbook."""
    found = facts.names(facts.mix_shifts, "payer")
    if found.empty:
        return []
    rows = found.assign(
        what=[sentence(MIX_WORDS[name][0]) for name in found["figure"]],
        why=[sentence(VERDICTS[name]) for name in found["verdict"]],
        kind=[f"{payer}, {family}" for payer, family in zip(found["payer"], found["family"], strict=True)],
    )
    return [
        show(
            rows,
            [
                Shown("what", "Figure"),
                Shown("usual", "Usual", "rate"),
                Shown("now", "Now", "rate"),
                Shown("expected", "By the mix alone", "rate"),
                Shown("why", "Why"),
                Shown("kind", "What grew most against it"),
                Shown("its_rate", "Its usual rate", "rate"),
                Shown("share_before", "Share before", "rate"),
                Shown("share_now", "Share now", "rate"),
            ],
            name="mix",
            title="Did the work change, or the payers?",
            print_it=False,
            definition="The last three months against the six before, first decisions of primary payers, day of "
            "remittance. By the mix alone: "
            "the lines of now at the usual rate of their payer and code.",
        )
    ]
