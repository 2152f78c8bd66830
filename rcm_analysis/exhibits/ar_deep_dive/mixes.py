"""A figure that moved only because the work is another: said as that, so that nobody seeks a cause that is not
there."""

from __future__ import annotations

from ...models.detection.mixes import VERDICTS
from ..blocks import Block, Finding, finding
from ..client_review.opportunities import PROCESS_DAYS, due
from ..formats import as_text, sentence
from ..tables import Shown, show
from .facts import Facts

WORDS = {
    "denials": ("share of lines denied", "rose", "denied"),
    "collections": ("share of charges allowed", "fell", "allowed"),
}
"""Each figure: what it is, its bad direction, and what happens to a line."""


def mixes(facts: Facts) -> list[Finding]:
    """One finding for each overall figure that got worse by a change of mix, in whole or in part."""
    items = []
    for row in facts.mix_shifts.to_dict("records"):
        worse = row["change"] > 0 if row["figure"] == "denials" else row["change"] < 0
        if not worse or row["verdict"] not in ("mix", "both"):
            continue
        name, moved, happens = WORDS[row["figure"]]
        usual, now, expected = (as_text(row[value], "rate") for value in ("usual", "now", "expected"))
        whole = row["verdict"] == "mix"
        said = (
            "No payer changed: there is nothing to appeal."
            if whole
            else "The rest is no change of mix: see the other findings."
        )
        items.append(
            finding(
                f"{sentence(name)} {moved} {'with' if whole else 'in part with'} the mix of payers and services",
                f"From {usual} to {now} in the last three months; the same payers and services at their usual "
                f"rates would give {expected}. "
                f"{facts.subject.payer_name(row['payer'])}, {row['family']}, of which "
                f"{as_text(row['its_rate'], 'rate')} was usually "
                f"{happens}, went from {as_text(row['share_before'], 'rate')} to "
                f"{as_text(row['share_now'], 'rate')} of the work. {said} "
                f"Sheet: Mix.",
                owner="practice manager",
                due=due(facts.subject, PROCESS_DAYS),
                severity="low",
            )
        )
    return items


def table(facts: Facts) -> list[Block]:
    """Both figures, usual and now, and what the mix alone would have made of them; for the workbook."""
    found = facts.names(facts.mix_shifts, "payer")
    if found.empty:
        return []
    rows = found.assign(
        what=[sentence(WORDS[name][0]) for name in found["figure"]],
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
