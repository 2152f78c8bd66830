"""What patients pay, what nobody pays: copays, statements, refunds, unapplied money, write-offs."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from .adjudication import SHARES, DenialCodes
from .company import Draws, day_number
from .corrections import REBILLED
from .files.ledger_rows import postings
from .practice_book import ChargeBook, struck, working_day
from .submission import NEVER, Submitted, add_submissions, sending_days

APPROVERS = np.array(("mgraham", "sokafor"))
STATEMENT_DAYS = (6, 36, 66)
SMALL_BALANCE = 1_000


class Front:
    """Per claim: what was paid at the desk, and what the patient owes from which day."""

    def __init__(self, book: ChargeBook, lines: pl.DataFrame) -> None:
        billed = (pl.col("denial_group") == "PR") | pl.col("to_patient")
        share = sum(pl.col(name) for name in SHARES) + pl.col("denied") * billed
        owed = lines.filter(pl.col("next_party") == "patient").with_columns(share=share)
        before = (
            owed.filter(pl.col("kind") != "takeback")
            .group_by("claim")
            .agg(pl.col("share").sum(), pl.col("posted").max())
        )
        after = owed.group_by("claim").agg(pl.col("share").sum())
        taken = lines.filter(pl.col("kind") == "takeback").group_by("claim").agg(pl.col("posted").max())
        self.owed = _column(book.size, before, "share", 0)
        self.since = _column(book.size, before, "posted", NEVER)
        self.owed_after = _column(book.size, after, "share", 0)
        self.taken = _column(book.size, taken, "posted", NEVER)
        own = book.claims["payer"] == book.payer_number("self_pay")
        self.owed[own] = self.owed_after[own] = book.claims["charge"][own]
        self.since[own] = book.claims["entered"][own]
        self.own = own


def _column(size: int, frame: pl.DataFrame, name: str, empty: int) -> np.ndarray:
    values = np.full(size, empty, np.int64)
    values[frame["claim"].to_numpy()] = frame[name].to_numpy()
    return values


def patient_side(book: ChargeBook, sent: Submitted, lines: pl.DataFrame) -> list[pl.DataFrame]:
    """Postings of the patients' accounts; statements go to the work log."""
    draws = book.draws("patients' money")
    front = Front(book, lines)
    parts, paid = _copays(book, draws)
    if len(discounted := np.flatnonzero(front.own & (draws.uniform("discount") < 0.6))):
        discount = np.rint(front.owed[discounted] * 0.25).astype(np.int64)
        parts.append(_write_off(discounted, discount, front.since[discounted], "self-pay discount", draws))
        front.owed[discounted] -= discount
        front.owed_after[discounted] -= discount
    paid = paid + _statements(sent, front, paid, parts, draws)
    _refunds(front, paid, parts, draws)
    _patient_write_offs(front, paid, parts, draws)
    return parts


def _copays(book: ChargeBook, draws: Draws) -> tuple[list[pl.DataFrame], np.ndarray]:
    """Copays taken at the desk; a few wait unapplied until somebody finds their claim."""
    copay = book.claims["copay"]
    claims = np.flatnonzero((copay > 0) & (draws.uniform("copay") < 0.62))
    stray = draws.uniform("stray")[claims] < 0.03
    day = book.claims["entered"][claims]
    paid = np.zeros(book.size, np.int64)
    paid[claims] = copay[claims]
    frame = postings(
        claim=claims,
        kind=np.full(len(claims), "payment"),
        party=np.full(len(claims), "patient"),
        amount=-copay[claims],
        happened=book.claims["service"][claims],
        posted=day,
        reason=np.full(len(claims), "copay"),
    ).with_columns(claim=pl.when(~pl.Series(stray)).then("claim"))
    found = claims[stray]
    later = working_day(day[stray] + draws.integers("found", 12, 90)[found])
    common = {
        "kind": np.full(len(found), "transfer"),
        "party": np.full(len(found), "patient"),
        "happened": later,
        "posted": later,
        "reason": np.full(len(found), "unapplied payment applied"),
    }
    off = postings(amount=copay[found], **common)
    on = postings(claim=found, amount=-copay[found], **common)
    return [frame, off, on], paid


def _statements(sent: Submitted, front: Front, paid: np.ndarray, parts: list[pl.DataFrame], draws: Draws) -> np.ndarray:
    """Three statements, a month apart; each brings some patients to pay, most of them in full."""
    due = front.owed - paid
    received = np.zeros_like(paid)
    open_claims = np.flatnonzero((due > 0) & (front.since < NEVER))
    willing = np.where(front.own, 0.62, 1.0)
    for wait, share in zip(STATEMENT_DAYS, (0.64, 0.48, 0.36), strict=True):
        day = working_day(front.since[open_claims] + wait)
        open_claims, day = open_claims[day < front.taken[open_claims]], day[day < front.taken[open_claims]]
        sent.notes.append(
            {
                "claim": open_claims,
                "action": np.full(len(open_claims), "statement"),
                "day": day,
                "outcome": np.full(len(open_claims), "none"),
                "hold": np.full(len(open_claims), ""),
            }
        )
        pays = draws.uniform(f"pays {wait}")[open_claims] < share * willing[open_claims]
        payers = open_claims[pays]
        part = np.where(draws.uniform(f"part {wait}")[payers] < 0.06, 0.5, 1.0)
        amount = np.maximum(1, np.rint(due[payers] * part)).astype(np.int64)
        when = working_day(day[pays] + draws.integers(f"when {wait}", 3, 26)[payers])
        parts.append(_patient_payment(payers, amount, when))
        known = when < front.taken[payers]
        received[payers[known]] += amount[known]
        parts[-1] = parts[-1].filter(pl.Series(known))
        open_claims = open_claims[~pays]
    return received


def _patient_payment(claims: np.ndarray, amount: np.ndarray, day: np.ndarray) -> pl.DataFrame:
    return postings(
        claim=claims,
        kind=np.full(len(claims), "payment"),
        party=np.full(len(claims), "patient"),
        amount=-amount,
        happened=day,
        posted=day,
        reason=np.full(len(claims), "statement payment"),
    )


def _refunds(front: Front, paid: np.ndarray, parts: list[pl.DataFrame], draws: Draws) -> None:
    """Credits that patients get back, some weeks after they arose; some are never noticed."""
    since = np.where(front.taken < NEVER, front.taken, front.since)
    owed = np.where(front.taken < NEVER, front.owed_after, front.owed)
    claims = np.flatnonzero((paid > owed) & (since < NEVER) & (draws.uniform("refund") < 0.88))
    day = working_day(since[claims] + draws.integers("refunded", 14, 60)[claims])
    parts.append(
        postings(
            claim=claims,
            kind=np.full(len(claims), "refund"),
            party=np.full(len(claims), "patient"),
            amount=(paid - owed)[claims],
            happened=day,
            posted=day,
            reason=np.full(len(claims), "patient overpayment"),
        )
    )


def _patient_write_offs(front: Front, paid: np.ndarray, parts: list[pl.DataFrame], draws: Draws) -> None:
    due = np.where(front.taken < NEVER, 0, front.owed - paid)
    claims = np.flatnonzero((due > 0) & (front.since < NEVER))
    small = due[claims] < SMALL_BALANCE
    draw = draws.uniform("given up")[claims]
    day = working_day(front.since[claims] + np.where(small, 94, 100) + draws.integers("written off", 0, 45)[claims])
    for chosen, reason in ((small & (draw < 0.85), "small balance"), (~small & (draw < 0.92), "bad debt")):
        parts.append(_write_off(claims[chosen], due[claims[chosen]], day[chosen], reason, draws))


def _write_off(
    claims: np.ndarray, amount: np.ndarray, day: np.ndarray, reason: str, draws: Draws, party: str = "patient"
) -> pl.DataFrame:
    return postings(
        claim=claims,
        kind=np.full(len(claims), "write_off"),
        party=np.full(len(claims), party),
        amount=-amount,
        happened=day,
        posted=day,
        reason=np.full(len(claims), reason),
        approved_by=APPROVERS[draws.integers(f"approver of {reason}", 0, 2)[claims]],
    )


# -- what insurers never pay -----------------------------------------------------------------------


def insurer_write_offs(book: ChargeBook, sent: Submitted, lines: pl.DataFrame) -> list[pl.DataFrame]:
    """Denied and unanswered balances that were given up, with reason and approver."""
    draws = book.draws("write-offs")
    codes = DenialCodes.of(book)
    denied = lines.filter(
        (pl.col("denial_group") != "PR") & (pl.col("denied") != 0) & ~pl.col("posted_away") & ~pl.col("to_patient")
    )
    stood = (
        denied.group_by("claim", "order")
        .agg(pl.col("denied").sum(), pl.col("code").last(), pl.col("posted").max(), pl.col("payer").last())
        .filter(pl.col("denied") > 0)
        .sort("claim", "order")
    )
    claims, order = stood["claim"].to_numpy(), stood["order"].to_numpy()
    day = working_day(stood["posted"].to_numpy() + draws.integers("days", 40, 120)[claims])
    given_up = draws.uniform("given up")[claims] < 0.93
    day, amount, reason = _swept(book, stood, day, codes.reason[stood["code"].to_numpy()], given_up)
    given_up &= amount > 0
    notes = np.flatnonzero(given_up)
    sent.notes.append(
        {
            "claim": claims[notes],
            "action": np.full(len(notes), "write_off_request"),
            "day": working_day(day[notes] - 4),
            "outcome": np.full(len(notes), "resolved"),
            "hold": np.full(len(notes), ""),
        }
    )
    frame = postings(
        claim=claims,
        kind=np.full(len(claims), "write_off"),
        party=np.where(order == 1, "secondary", "primary"),
        amount=-amount,
        happened=day,
        posted=day,
        payer=stood["payer"].to_numpy(),
        reason=reason,
        approved_by=APPROVERS[draws.integers("approver", 0, 2)[claims]],
    )
    return [frame.filter(pl.Series(given_up)), _unanswered(book, sent, lines, draws)]


def _swept(
    book: ChargeBook, stood: pl.DataFrame, day: np.ndarray, reason: np.ndarray, given_up: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Day, amount and reason of the write-offs: in whole dollars at a month's end where the sweep is planted."""
    claims, amount = stood["claim"].to_numpy(), stood["denied"].to_numpy()
    for plant in book.plant_log.of("whole_dollar_sweep"):
        swept = struck(book, plant, claims, day, stood["payer"].to_numpy())
        late = _sweep_day(np.maximum(day, book.claims["service"][claims] + 121))
        day, amount = np.where(swept, late, day), np.where(swept, amount // 100 * 100, amount)
        reason = np.where(swept, "administrative", reason)
        rows = np.flatnonzero(swept & given_up & (amount > 0))
        book.plant_log.note(plant, claims[rows], day[rows], amount[rows])
    return day, amount, reason


def _sweep_day(days: np.ndarray) -> np.ndarray:
    """The last day of the month: the habit of clearing old balances before the report."""
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    return ((months + 1).astype("datetime64[D]") - 1).astype(np.int64)


def _unanswered(book: ChargeBook, sent: Submitted, lines: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Claims no payer ever answered: chased, and half of them lost to the filing limit."""
    answered = np.zeros(book.size, bool)
    answered[lines["claim"].unique().to_numpy()] = True
    silent = np.flatnonzero(~answered & (sent.accepted < NEVER))
    for wait in (32, 62, 95):
        chased = silent[draws.uniform(f"chased {wait}")[silent] < 0.85]
        sent.notes.append(
            {
                "claim": chased,
                "action": np.full(len(chased), "follow_up"),
                "day": working_day(sent.accepted[chased] + wait),
                "outcome": np.full(len(chased), "waiting_on_payer"),
                "hold": np.full(len(chased), ""),
            }
        )
    again = silent[draws.uniform("billed again")[silent] < REBILLED]
    day = sending_days(book, again, working_day(sent.accepted[again] + 62))
    add_submissions(sent, again, day, book.claims["payer"][again], "primary", "1")
    lost = silent[(draws.uniform("lost")[silent] < 0.8) & (book.calendar.last - sent.accepted[silent] > 190)]
    day = working_day(sent.accepted[lost] + 180 + draws.integers("lost on", 0, 20)[lost])
    frame = _write_off(lost, book.claims["charge"][lost], day, "timely filing", draws, party="primary")
    return frame.with_columns(payer=pl.Series(book.claims["payer"][lost].astype(np.int64)))


def month_ends(book: ChargeBook) -> list[tuple[str, int]]:
    """Every month simulated with its last day."""
    return [(month.label, day_number(month.last_day)) for month in book.calendar.months]


def as_date(day: int) -> dt.date:
    """The day as a date."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(day))
