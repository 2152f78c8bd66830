"""What goes wrong in the ordinary life of an office and its payers, and is put right: whom it strikes, and when.

Shares are of claims where nothing else is said. Nobody publishes most of them; those are our own, kept small.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from .company import Draws
from .practice_book import ChargeBook, working_day

RECHARGED = 0.01
"""Claims sent with one unit too many or too few, and replaced (7) before their answer. Our own; corrected denials come
on top. Replacements were 2-3 % of the claims that follow a first one until 2022 (XiFin, 12 February 2026)."""
VOIDED = 0.01
"""Claims sent by mistake, and voided (8) before their answer, of those without a copay or a second payer. Our own."""
SPLIT, SPLIT_APART = 0.015, 0.35
"""Claims of several lines that the payer answers in two CLPs, and how many of those a week apart. Our own. Payers split
claims that exceed their system's lines or edits (MO HealthNet, hot tip of 6 Feb 2012), or if a part is pended (X12 RFI
454)."""
MISPOSTED = 0.006
"""Claims whose payment is posted to another claim of the same payer first, and moved later. Our own."""
FETCHED_LATE = 0.02
"""835 files that are downloaded again weeks later, with that day in their envelopes. Our own."""
BATCH_AGAIN = 0.01
"""Days whose claims are all sent a second time on the next working day. Our own."""
REBILLED = 0.5
"""Claims without an answer that are sent again, unchanged, when the payer is asked for the second time. Our own."""


def recharged(book: ChargeBook, accepted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Claims that are replaced, the day on which each is, and the units too many (1) or too few (-1) before."""
    draws = book.draws("wrong units")
    too_few = (book.lines["units"][book.first_line] > 1) & (draws.uniform("too few") < 0.5)
    day = working_day(accepted + draws.integers("noticed", 4, 11))
    claims = np.flatnonzero((draws.uniform("recharged") < RECHARGED) & (day <= book.calendar.last))
    return claims, day[claims], np.where(too_few, -1, 1)[claims]


def voided(book: ChargeBook, accepted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Claims that are voided, and the day on which each is."""
    draws = book.draws("sent by mistake")
    day = working_day(accepted + draws.integers("noticed", 4, 11))
    alone = (book.claims["secondary"] < 0) & (book.claims["copay"] == 0)
    claims = np.flatnonzero((draws.uniform("voided") < VOIDED) & alone & (day <= book.calendar.last))
    return claims, day[claims]


def unit_charge(book: ChargeBook, claims: np.ndarray) -> np.ndarray:
    """Cents of one unit of the claims' first lines."""
    line = book.first_line[claims]
    return book.lines["charge"][line] // book.lines["units"][line]


def sent_again(book: ChargeBook, submissions: pl.DataFrame) -> pl.DataFrame:
    """The submissions and, for a few days, all originals of the day once more."""
    draws = Draws(book.seed, book.client.id, "batches sent again", book.calendar.last + 9 - book.calendar.first)
    day = submissions["day"].to_numpy()
    later = working_day(day + 1)
    again = (draws.uniform("again") < BATCH_AGAIN)[day - book.calendar.first] & (later <= book.calendar.last)
    for plant in book.plant_log.of("clearinghouse_outage"):
        again &= ~plant.holds(later)
    originals = pl.Series(again) & (submissions["frequency"] == "1") & (submissions["order"] == "primary")
    return pl.concat([submissions, submissions.with_columns(pl.Series("day", later)).filter(originals)])


def misposted(book: ChargeBook, paid: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray]:
    """The postings of insurers with some payments on the claim before, of the same payer, and which claims are struck.

    Days or weeks later the payment is taken off there, and posted where it belongs.
    """
    draws = book.draws("misposted")
    everyone = pl.DataFrame({"claim": np.arange(book.size), "payer": book.claims["payer"]})
    other = everyone.select(pl.col("claim").shift(1).over("payer"))["claim"].fill_null(-1).to_numpy()
    is_payment = (pl.col("kind") == "payment") & (pl.col("party") == "primary")
    once = paid.filter(is_payment).group_by("claim").agg(pl.col("trace").n_unique()).filter(pl.col("trace") == 1)
    struck = (draws.uniform("misposted") < MISPOSTED) & (other >= 0) & np.isin(np.arange(book.size), once["claim"])
    is_moved = is_payment & pl.Series(struck[paid["claim"].to_numpy()], dtype=pl.Boolean)
    moved = paid.filter(is_moved)
    claim = moved["claim"].to_numpy()
    wrong = moved.with_columns(pl.Series("claim", other[claim]), line_number=pl.lit(None, pl.Int64))
    later = working_day(moved["posted"].to_numpy() + draws.integers("noticed", 3, 29)[claim])
    put_right = pl.concat([wrong.with_columns(amount=-pl.col("amount")), moved])
    put_right = put_right.with_columns(pl.Series("posted", np.tile(later, 2)))
    return pl.concat([paid.filter(~is_moved), wrong, put_right]), struck


def envelope_days(book: ChargeBook) -> np.ndarray:
    """By last day of a file (a row for each day) and payer: the day its envelope names, its own or a later one."""
    first, last, payers = book.calendar.first, book.calendar.last, len(book.company.payers)
    draws = Draws(book.seed, book.client.id, "files fetched late", (last - first + 9) * payers)
    own = np.repeat(np.arange(first, last + 9), payers)
    late = own + draws.integers("days", 20, 76)
    is_late = (draws.uniform("late") < FETCHED_LATE) & (late <= last)
    return np.where(is_late, late, own).reshape(-1, payers)
