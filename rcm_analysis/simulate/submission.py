"""From charge entry to the payer's door: scrubber, holds, 837s, rejections, acceptance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from .corrections import recharged, voided
from .practice_book import ChargeBook, claims_in_scope, struck, working_day

NEVER = 10**7
EDIT_REASONS = {
    "scrubber": (
        "missing modifier",
        "diagnosis not specific",
        "age and procedure conflict",
        "missing rendering provider",
    ),
    "clearinghouse": (
        "subscriber id format",
        "payer id not recognised",
        "missing diagnosis pointer",
        "invalid date of birth",
    ),
    "payer": ("subscriber not found", "provider not on file", "duplicate batch"),
}
FAILS = {"scrubber": (0.06, (1, 7)), "clearinghouse": (0.025, (2, 10)), "payer": (0.008, (3, 12))}
"""Share of claims that fail each check where denials are average, and the days to mend them."""
AVERAGE_DENIAL_RATE = 0.085
HOLD_REASONS = ("documents", "authorization", "eligibility", "coding")


@dataclass
class Submitted:
    """What was sent when, what was checked, what was held, and when each claim was accepted.

    `wrong_units` are charged on a claim's first line before it is replaced on its day in `replaced`; `voided` is
    the day of its void. Both are NEVER for most.
    """

    accepted: np.ndarray
    wrong_units: np.ndarray
    replaced: np.ndarray
    voided: np.ndarray
    submissions: list[dict[str, np.ndarray]]
    edits: list[dict[str, np.ndarray]]
    notes: list[dict[str, np.ndarray]]


def submit(book: ChargeBook) -> Submitted:
    """Take every claim with an insurer to acceptance; `accepted` is NEVER for the rest."""
    draws = book.draws("submission")
    insured = np.flatnonzero(book.claims["payer"] != book.payer_number("self_pay"))
    never = np.full(book.size, NEVER)
    result = Submitted(never, np.zeros(book.size, np.int64), never.copy(), never.copy(), [], [], [])
    checked = working_day(book.claims["entered"][insured] + draws.integers("scrubbed", 0, 2)[insured])
    scrubbed = _check(book, result, insured, checked, "scrubber")
    sent = scrubbed + draws.integers("sent", 0, 2)[insured] + _holds(book, result, insured, scrubbed)
    sent = _send(book, result, insured, working_day(sent))
    for stage in ("clearinghouse", "payer"):
        checked = working_day(sent + 1)
        passed = _check(book, result, insured, checked, stage)
        again = passed > checked
        passed[again] = _send(book, result, insured[again], passed[again])
        sent = passed
    result.accepted[insured] = sent
    _put_right(book, result)
    return result


def _put_right(book: ChargeBook, result: Submitted) -> None:
    """Claims that are replaced or voided before their payer answers."""
    claims, days, units = recharged(book, result.accepted)
    result.accepted[claims] = result.replaced[claims] = _send(book, result, claims, days, "7")
    result.wrong_units[claims] = units
    claims, days = voided(book, result.accepted)
    claims, days = claims[result.wrong_units[claims] == 0], days[result.wrong_units[claims] == 0]
    result.voided[claims] = _send(book, result, claims, days, "8")
    result.accepted[claims] = NEVER


def _check(book: ChargeBook, result: Submitted, claims: np.ndarray, checked: np.ndarray, stage: str) -> np.ndarray:
    """One check of every claim; those that fail are mended and checked again. The day each passed."""
    share, repair = FAILS[stage]
    draws = book.draws(f"check by {stage}")
    failed = draws.uniform("failed")[claims] < share * book.client.denial_rate / AVERAGE_DENIAL_RATE
    reason = draws.integers("reason", 0, len(EDIT_REASONS[stage]))[claims]
    passed = np.where(failed, working_day(checked + draws.integers("mended", *repair)[claims]), checked)
    for rows, day, outcome in ((np.flatnonzero(failed), checked, "failed"), (np.arange(len(claims)), passed, "passed")):
        words = np.array(EDIT_REASONS[stage])[reason[rows]] if outcome == "failed" else np.full(len(rows), "")
        result.edits.append(
            {
                "claim": claims[rows],
                "checked": day[rows],
                "stage": np.full(len(rows), stage),
                "result": np.full(len(rows), outcome),
                "reason": words,
            }
        )
    return passed


def _holds(book: ChargeBook, result: Submitted, claims: np.ndarray, since: np.ndarray) -> np.ndarray:
    """Days that each claim waits before it is sent: a few wait for the client, some never leave."""
    draws = book.draws("holds")
    held = draws.uniform("held")[claims] < 0.022
    forever = draws.uniform("forever")[claims]
    days = np.where(held, np.where(forever < 0.12, NEVER, draws.integers("days", 6, 55)[claims]), 0)
    reason = np.array(HOLD_REASONS)[draws.integers("reason", 0, len(HOLD_REASONS))[claims]]
    for plant in book.plant_log.of("document_holds"):
        more = struck(book, plant, claims, book.claims["entered"][claims]) & ~held
        longer = draws.integers("days of plant", 30, 120)[claims]
        days = np.where(more, np.where(forever < 0.35, NEVER, longer), days)
        reason = np.where(more, "documents", reason)
        held |= more
        book.plant_log.note(plant, claims[more], since[more], book.claims["charge"][claims[more]])
    _hold_notes(result, claims[held], since[held], days[held], reason[held])
    return days


def _hold_notes(result: Submitted, claims: np.ndarray, since: np.ndarray, days: np.ndarray, reason: np.ndarray) -> None:
    """The request to the client, and reminders while it stays unanswered."""
    for action, wait in (("request_documents", 0), ("follow_up", 18), ("follow_up", 46)):
        rows = np.flatnonzero(days > wait + 2)
        result.notes.append(
            {
                "claim": claims[rows],
                "action": np.full(len(rows), action),
                "day": working_day(since[rows] + wait),
                "outcome": np.full(len(rows), "waiting_on_client"),
                "hold": reason[rows],
            }
        )


def sending_days(book: ChargeBook, claims: np.ndarray, days: np.ndarray) -> np.ndarray:
    """The days on which claims really leave: none in a week without clearinghouse."""
    for plant in book.plant_log.of("clearinghouse_outage"):
        stuck = plant.holds(days) & claims_in_scope(book, plant, claims)
        late = int(working_day(np.array([(plant.end or 0) + 1]))[0])
        book.plant_log.note(plant, claims[stuck], np.full(int(stuck.sum()), late), book.claims["charge"][claims[stuck]])
        days = np.where(stuck, late, days)
    return days


def _send(
    book: ChargeBook, result: Submitted, claims: np.ndarray, days: np.ndarray, frequency: str = "1"
) -> np.ndarray:
    days = sending_days(book, claims, days)
    add_submissions(result, claims, days, book.claims["payer"][claims], "primary", frequency)
    return days


def add_submissions(
    result: Submitted, claims: np.ndarray, days: np.ndarray, payers: np.ndarray, order: str, frequency: str
) -> None:
    """Put claims into the 837s of the given days."""
    result.submissions.append(
        {
            "claim": claims,
            "day": days,
            "payer": payers,
            "order": np.full(len(claims), order),
            "frequency": np.full(len(claims), frequency),
        }
    )


def stacked(parts: list[dict[str, np.ndarray]], last: int, day: str) -> pl.DataFrame:
    """The parts as one table without what happens after the last day simulated."""
    frame = pl.concat([pl.DataFrame(part).select(sorted(part)) for part in parts], how="vertical_relaxed")
    return frame.filter(pl.col(day) <= last)


def submitted(sent: Submitted, last: int) -> pl.DataFrame:
    """Everything sent by the last day simulated; originals that were replaced later carry their `wrong_units`."""
    frame = stacked(sent.submissions, last, "day")
    claim = frame["claim"].to_numpy()
    before = (frame["day"].to_numpy() < sent.replaced[claim]) & (frame["order"] == "primary").to_numpy()
    return frame.with_columns(pl.Series("wrong_units", np.where(before, sent.wrong_units[claim], 0)))
