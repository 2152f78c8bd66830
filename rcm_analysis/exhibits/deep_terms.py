"""The words of the deep dive that are no measures: what the models behind it do."""

from __future__ import annotations

from collections.abc import Mapping

OURS = "our own"
TERMS: tuple[Mapping[str, str], ...] = (
    {
        "name": "systemic_denials", "title": "Denials beyond the usual", "unit": "lines, US dollars",
        "source": "Benjamini and Hochberg 1995; Laney 2002",
        "formula": "Every payer, code, provider and place is judged by its own past: denied lines of the latest months against the rate "
                   "usual before. Chance is kept to one false finding in twenty, small effects are left out, and of several views of one "
                   "cause only one is named. Over the usual = allowed amounts of the denied lines - usual rate × allowed amounts of all "
                   "lines. Date basis: day of remittance, complete months only.",
    },
    {
        "name": "control_chart", "title": "Limits of chance", "unit": "share", "source": "Laney, Quality Engineering 14(4), 2002",
        "formula": "Centre ± three standard deviations of the rate, widened by how much more the months vary than chance alone would "
                   "have it. A month outside them is marked.",
    },
    {
        "name": "steps_stopped", "title": "A step that was dropped", "unit": "claims, US dollars", "source": OURS,
        "formula": "Secondary claims not sent, or claims held for documents: the day that sets the shares before and after it furthest "
                   "apart, if that is far beyond chance. Over the usual = dollars of the claims since then × (missed - the chance that it "
                   "would have been missed anyhow).",
    },
    {
        "name": "questions", "title": "Questions to the practice", "unit": "claims, US dollars", "source": OURS,
        "formula": "From the first note that asks the practice for something to the first other note, claim sent or answer of a payer; "
                   "reminders do not start the wait anew. Date basis: day of the work.",
    },
    {
        "name": "untouched", "title": "Untouched, rejected, never sent", "unit": "claims, US dollars", "source": OURS,
        "formula": "Untouched: open insurance claims with no note, no claim sent and no answer for 30 days. Rejected: sent back by a front "
                   "end seven days ago or more and not sent again; a rejection is no denial, and the filing limit runs on. Never sent: "
                   "entered longer ago than nineteen of twenty claims take to leave, with no note that says why.",
    },
    {
        "name": "later_entry", "title": "Charges entered later, days without a claim sent", "unit": "days, claims, US dollars",
        "source": "Mann-Whitney test, Benjamini and Hochberg 1995",
        "formula": "Working days from the service to the entry of the charge, by month of entry, against all earlier months. Days without "
                   "a claim sent: at least three sending days in a row while claims were waiting, beyond chance.",
    },
    {
        "name": "high_value", "title": "High-value accounts", "unit": "claims, US dollars", "source": OURS,
        "formula": "Open claims at least as large as 95 in 100 of all open claims, and $250. From four times that balance on an account is "
                   "to be touched every 7 days, from twice every 14, else every 30. Decide on: twice overdue, a limit within 14 days, or a "
                   "promised payment that did not come.",
    },
    {
        "name": "came_in_behind", "title": "What came in behind the work", "unit": "US dollars", "source": OURS,
        "formula": "Payments posted in the month on claims worked in the 60 days before, each counted once, with the last note before it.",
    },
    {
        "name": "collectable_value", "title": "What balances are worth", "unit": "US dollars", "source": OURS,
        "formula": "Open dollars of each age and payer × the cash that a dollar of that age brought in the end in the last twelve months, "
                   "wherever it was passed on to; what contracts take off and what is lost likewise. Date basis: posting date.",
    },
    {
        "name": "worklist_score", "title": "What work adds", "unit": "US dollars", "source": OURS,
        "formula": "Expected allowed amount × chance to be paid when worked now (by age, payer, status and denial reason) × the part of it "
                   "that would not come by itself. Order: limits ending within 14 days first, then dollars for each minute. What a payer is "
                   "still likely to answer in its usual time is left alone.",
    },
)
