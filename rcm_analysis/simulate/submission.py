"""From charge entry to the payer's door: scrubber, holds, 837s, rejections, acceptance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from .book import Book, working_day
from .company import stream

NEVER = 10**7
EDIT_REASONS = {
    "scrubber": ("missing modifier", "diagnosis not specific", "age and procedure conflict", "missing rendering provider"),
    "clearinghouse": ("subscriber id format", "payer id not recognised", "missing diagnosis pointer", "invalid date of birth"),
    "payer": ("subscriber not found", "provider not on file", "duplicate batch"),
}
FAILS = {"scrubber": (0.06, (1, 7)), "clearinghouse": (0.025, (2, 10)), "payer": (0.008, (3, 12))}
"""Share of claims that fail each check where denials are average, and the days to mend them."""
AVERAGE_DENIAL_RATE = 0.085
HOLD_REASONS = ("documents", "authorization", "eligibility", "coding")


@dataclass
class Submitted:
    """What was sent when, what was checked, what was held, and when each claim was accepted."""

    accepted: np.ndarray
    submissions: list[dict[str, np.ndarray]]
    edits: list[dict[str, np.ndarray]]
    notes: list[dict[str, np.ndarray]]


def submit(book: Book, seed: int) -> Submitted:
    """Take every claim with an insurer to acceptance; `accepted` is NEVER for the rest."""
    rng = stream(seed, book.client.id, "submission")
    count = book.size
    insured = np.flatnonzero(book.claims["payer"] != book.payer_number("self_pay"))
    result = Submitted(np.full(count, NEVER), [], [], [])
    care = book.client.denial_rate / AVERAGE_DENIAL_RATE
    checked = working_day(book.claims["entered"][insured] + rng.integers(0, 2, len(insured)))
    scrubbed = _check(result, insured, checked, "scrubber", care, rng)
    sent = working_day(scrubbed + rng.integers(0, 2, len(insured)) + _holds(result, insured, scrubbed, rng))
    _send(book, result, insured, sent)
    for stage in ("clearinghouse", "payer"):
        checked = working_day(sent + 1)
        passed = _check(result, insured, checked, stage, care, rng)
        again = passed > checked
        _send(book, result, insured[again], passed[again])
        sent = passed
    result.accepted[insured] = sent
    return result


def _check(result: Submitted, claims: np.ndarray, checked: np.ndarray, stage: str, care: float,
           rng: np.random.Generator) -> np.ndarray:
    """One check of every claim; those that fail are mended and checked again. The day each passed."""
    share, repair = FAILS[stage]
    failed = rng.random(len(claims)) < share * care
    reason = rng.integers(0, len(EDIT_REASONS[stage]), len(claims))
    passed = np.where(failed, working_day(checked + rng.integers(*repair, len(claims))), checked)
    for rows, day, outcome in ((np.flatnonzero(failed), checked, "failed"), (np.arange(len(claims)), passed, "passed")):
        words = np.array(EDIT_REASONS[stage])[reason[rows]] if outcome == "failed" else np.full(len(rows), "")
        result.edits.append({
            "claim": claims[rows], "checked": day[rows], "stage": np.full(len(rows), stage),
            "result": np.full(len(rows), outcome), "reason": words,
        })
    return passed


def _holds(result: Submitted, claims: np.ndarray, since: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Days that each claim waits before it is sent: a few wait for the client, some never leave."""
    held = np.flatnonzero(rng.random(len(claims)) < 0.022)
    days = np.zeros(len(claims), np.int64)
    days[held] = np.where(rng.random(len(held)) < 0.12, NEVER, rng.integers(6, 55, len(held)))
    reason = np.array(HOLD_REASONS)[rng.integers(0, len(HOLD_REASONS), len(held))]
    base = {"claim": claims[held], "action": np.full(len(held), "request_documents"), "hold": reason}
    result.notes.append(base | {"day": since[held], "outcome": np.full(len(held), "waiting_on_client")})
    reminder = held[days[held] > 20]
    result.notes.append({
        "claim": claims[reminder], "action": np.full(len(reminder), "follow_up"), "day": working_day(since[reminder] + 18),
        "outcome": np.full(len(reminder), "waiting_on_client"), "hold": reason[days[held] > 20],
    })
    return days


def _send(book: Book, result: Submitted, claims: np.ndarray, days: np.ndarray) -> None:
    add_submissions(result, claims, days, book.claims["payer"][claims], "primary", "1")


def add_submissions(result: Submitted, claims: np.ndarray, days: np.ndarray, payers: np.ndarray, order: str, frequency: str) -> None:
    """Put claims into the 837s of the given days."""
    result.submissions.append({
        "claim": claims, "day": days, "payer": payers,
        "order": np.full(len(claims), order), "frequency": np.full(len(claims), frequency),
    })


def joined(parts: list[dict[str, np.ndarray]], last: int, day: str) -> pl.DataFrame:
    """The parts as one table without what happens after the last day simulated."""
    frame = pl.concat([pl.DataFrame(part).select(sorted(part)) for part in parts], how="vertical_relaxed")
    return frame.filter(pl.col(day) <= last)
