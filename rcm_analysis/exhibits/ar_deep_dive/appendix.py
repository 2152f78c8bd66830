"""What the words of a deep dive mean, those that are no measures among them, and where its numbers come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...blocks.vocabulary import Table
from ..blocks import Block, for_the_workbook
from ..client_review import appendix as client_review
from ..client_review.definitions import glossary_of
from ..pages import page
from .facts import Facts

OURS = "our own"
TERMS: tuple[Mapping[str, str], ...] = (
    {
        "name": "unaddressed_secondary",
        "title": "Claims not sent to the second insurer",
        "unit": "claims, US dollars",
        "source": OURS,
        "formula": "The first insurer settled the claim at least 30 days ago, left something to the patient, "
        "said nothing of passing it on, "
        "and no claim went to the second insurer. Dollars: what it left open. Too late: the second insurer's "
        "limit, counted "
        "from that answer, has passed. Date basis: day the first insurer's last decision came in.",
    },
    {
        "name": "crossovers_not_received",
        "title": "Claims passed on, without an answer",
        "unit": "claims, US dollars",
        "source": OURS,
        "formula": (
            "As above, but the first insurer says that it passed the claim on, and the second has not "
            "been heard of for 45 days."
        ),
    },
    {
        "name": "document_requests",
        "title": "Questions to the practice",
        "unit": "claims, days, US dollars",
        "source": OURS,
        "formula": "The notes of one claim that ask for documents or wait for the practice, one after the "
        "other, are one question. It is "
        "answered by the first other note, claim sent or payment decision after the last of them. Days: from "
        "the first note to "
        "the answer, or to the day of the report. Date basis: day of the work.",
    },
    {
        "name": "deadlines",
        "title": "Time limits",
        "unit": "claims, US dollars",
        "source": "payers' contracts and manuals, as kept in payer rules",
        "formula": "To file: days from the service; to appeal: days from the denial; to file with the second "
        "insurer: days from the first "
        "one's answer. Four fifths used: at least 80 % of the time allowed is over and the limit has not "
        "passed. Missed: it has, "
        "and the claim is still open. A claim may have several limits.",
    },
    {
        "name": "systemic_denials",
        "title": "Denials beyond the usual",
        "unit": "lines, US dollars",
        "source": "Benjamini and Hochberg 1995; Laney 2002",
        "formula": "Every payer, code, provider and place is judged by its own past: denied lines of the latest "
        "months against the rate "
        "usual before. Chance is kept to one false finding in twenty, small effects are left out, and of "
        "several views of one "
        "cause only one is named. Over the usual = allowed amounts of the denied lines - usual rate × allowed "
        "amounts of all "
        "lines. Charts: the usual rate ± three standard deviations, widened by how much more months vary than "
        "chance alone (Laney). "
        "Date basis: day of remittance, complete months only.",
    },
    {
        "name": "mix_shifts",
        "title": "Did the work change, or the payers?",
        "unit": "shares",
        "source": "Kitagawa, Components of a difference between two rates, 1955",
        "formula": "The last three months against the six before. By the mix alone: the lines (charges) of now "
        "at the usual rate of their "
        "payer and code. A rise of denials by 15%, or a fall of the allowed share by 5%, that this alone "
        "explains is a change of "
        "mix and no cause to seek. Date basis: day of remittance, first decisions of primary payers.",
    },
    {
        "name": "underpayments",
        "title": "Allowed too little, new prices",
        "unit": "US dollars",
        "source": OURS,
        "formula": "Allowed amount against the fee schedule in force on the day of service (modifiers, units "
        "and lesser-of charge "
        "respected), else against what the payer usually allowed (inferred). Again and again: at least 3 claims "
        "and a quarter of "
        "the lines short by more than 3% since the onset, one in the last three months. A new row of the "
        "schedule, or a lasting "
        "step, is a new price. Date basis: day of remittance; price of the day of service.",
    },
    {
        "name": "steps_stopped",
        "title": "A step that was dropped",
        "unit": "claims, US dollars",
        "source": OURS,
        "formula": "Secondary claims not sent, or claims held for documents: the day that sets the shares "
        "before and after it furthest "
        "apart, if that is far beyond chance. Over the usual = dollars of the claims since then × (missed - the "
        "chance that it "
        "would have been missed anyhow).",
    },
    {
        "name": "roll_matrix",
        "title": "Where each dollar went",
        "unit": "US dollars",
        "source": "Roll rates of lenders",
        "formula": "Of each balance owed at the start, what is still owed stands under its age at the end; the "
        "rest under what resolved it: "
        "paid (less refunds and money taken back), adjusted by contract, written off, passed on to another "
        "party. New: not owed "
        "at the start. Grown: owed more than at the start. Date basis: posting date; age from the day of service.",
    },
    {
        "name": "payer_yield",
        "title": "Payers side by side",
        "unit": "share, days, US dollars",
        "source": OURS,
        "formula": "Latest complete quarter. Yield: amounts allowed / amounts that the contract, or the payer's "
        "habit where none is on file, "
        "promises for the lines decided; denials and underpayments both lower it. Days to pay: the median from "
        "the first claim "
        "sent, of claims that had 90 days. Denied: claims denied at first / claims first decided.",
    },
    {
        "name": "untouched",
        "title": "Untouched, rejected, never sent",
        "unit": "claims, US dollars",
        "source": OURS,
        "formula": "Untouched: open insurance claims with no note, no claim sent and no answer for 30 days. "
        "Rejected: sent back by a front "
        "end seven days ago or more and not sent again; a rejection is no denial, and the filing limit runs on. "
        "Never sent: "
        "entered longer ago than nineteen of twenty claims take to leave, with no note that says why.",
    },
    {
        "name": "later_entry",
        "title": "Charges entered later, days without a claim sent",
        "unit": "days, claims, US dollars",
        "source": "Mann-Whitney test, Benjamini and Hochberg 1995",
        "formula": "Working days from the service to the entry of the charge, by month of entry, against all "
        "earlier months. Days without "
        "a claim sent: at least three sending days in a row while claims were waiting, beyond chance.",
    },
    {
        "name": "high_value",
        "title": "High-value accounts",
        "unit": "claims, US dollars",
        "source": OURS,
        "formula": "Open claims at least as large as 95 in 100 of all open claims, and $250. From four times "
        "that balance on an account is "
        "to be touched every 7 days, from twice every 14, else every 30. A touch falls due so many days after "
        "the last one; made in time is a note by then. Decide on: twice overdue, a limit within 14 days, or a "
        "promised payment that did not come.",
    },
    {
        "name": "collectable_value",
        "title": "What balances are worth",
        "unit": "US dollars",
        "source": OURS,
        "formula": "Open dollars of each age and payer × the cash that a dollar of that age brought in the end "
        "in the last twelve months, "
        "wherever it was passed on to; what contracts take off and what is lost likewise. Date basis: posting date.",
    },
    {
        "name": "worklist_score",
        "title": "What work adds",
        "unit": "US dollars",
        "source": OURS,
        "formula": "Expected if worked: the allowed amount of the open balance × the share of it that this "
        "payer or patient is expected to "
        "pay when the item is worked now (by age, payer, status and denial reason). Comes anyway: the part of "
        "that which the "
        "client's own past says arrives though nobody works it. Work adds: the first less the second. Order: "
        "limits ending "
        "within 14 days first, then what work adds for each minute. What a payer is still likely to answer in "
        "its usual time, "
        "or what is promised for a day, is left alone until then.",
    },
)

MEASURES = ("aging",)
"""The measures that the deep dive defines in the menu's words; the others are defined in `terms`."""


@page
def definitions(facts: Facts) -> list[Block]:
    """What each figure counts, in the workbook; on paper it stands in the firm's reference document."""
    return for_the_workbook([glossary_of(MEASURES, more=TERMS)])


@page
def provenance(facts: Facts) -> list[Block]:
    """Where the numbers come from; the input tables in the workbook."""
    blocks = client_review.provenance(facts.subject)
    return [
        replace(block, print=False) if isinstance(block, Table) and block.name == "inputs" else block
        for block in blocks
    ]
