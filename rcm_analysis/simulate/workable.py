"""What work would bring: for every balance open at a month's end, the dollars that one touch adds over doing nothing.

The truth behind the scoreboard's worklist. It knows what no office can know, and is made from the simulated life
alone: from the luck that each claim was dealt (whether a rework of its denial wins, whether its payer will ever
answer, whether its patient pays by himself) and never from anybody's score. For an item open on a day, `gain_cents` is
what comes in if somebody works it in the week after, doing what it needs, less what comes in if nobody touches it:

| how it stands on the day | gain |
|---|---|
| the payer will answer by itself; rework or secondary on its way; crossing over | nothing |
| denied, not worked | what the payer would have paid, if the rework wins (the same draw that decides it in the simulated life) |
| denied again after a rework | the same for one in `SECOND` of them |
| never answered by the payer, and old enough to be told so | what the payer would have paid, for a share `REFILED` of them |
| failed a check and not mended | what its first decision will pay |
| held for good | what the payer would have paid, for a share `RELEASED` of them |
| never sent to the secondary, or not yet | what the secondary pays |
| paid less than the contract says (planted, or repriced after a takeback), nothing open | what is missing, for a share `MADE_GOOD` of the claims |
| answered, posted to another claim | nothing |
| answered, posted, and the patient's share still with the payer (planted) | the balance, for a share `SHARE_PAID` of them |
| a balance of a patient who will not pay by himself | the balance, for a share `PERSUADED` (old: `PERSUADED_OLD`) of them |

Nothing comes in after the filing, appeal or secondary limit. Minutes are drawn as those of the notes are.
"""  # noqa: E501

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .adjudication import DenialCodes, settle
from .plants.kinds import PlantLog
from .submission import NEVER

if TYPE_CHECKING:
    from .practice import Practice

MONTH_ENDS = 5
"""So many month ends, two months apart and the last one left out: later weeks must lie inside the simulated time."""

REFILED, RELEASED, SECOND, PERSUADED, PERSUADED_OLD, MADE_GOOD = 0.65, 0.35, 0.12, 0.09, 0.03, 0.55
SHARE_PAID = 0.7
TOLD_AFTER_DAYS, POSTING_DAYS = 15, 7
OLD_DAYS = 120
PARTIES = {"primary": 0, "secondary": 1}


@dataclass
class _Life:
    """What each claim is dealt, by claim number; days are NEVER where a thing never happens."""

    decided: pl.DataFrame
    full: np.ndarray
    first_day: np.ndarray
    first_paid: np.ndarray
    work_day: np.ndarray
    answer_day: np.ndarray
    asked_day: np.ndarray
    billed_day: np.ndarray
    next_day: np.ndarray
    next_paid: np.ndarray
    next_crosses: np.ndarray
    pays_until: np.ndarray
    mending: list[tuple[np.ndarray, np.ndarray]]


def workable(practice: Practice, limits: dict[str, Any]) -> list[dict[str, Any]]:
    """For each month end: `as_of`, and `items` of [claim number, party, gain in cents, minutes]; `underpaid` likewise.

    `limits` gives a payer class its filing, appeal and secondary limit in days.
    """
    life = _life(practice)
    ends = practice.book.calendar.months[-2::-2][:MONTH_ENDS][::-1]
    return [_on(practice, life, limits, int(np.datetime64(month.last_day, "D").astype(int))) for month in ends]


def _life(practice: Practice) -> _Life:
    book, sent, decisions = practice.book, practice.sent, practice.decisions
    lines = pl.concat(
        [pl.DataFrame(part).select("decision", "denied", "paid", "code") for part in decisions.lines],
        how="vertical_relaxed",
    )
    sums = lines.group_by("decision").agg(pl.col("denied").sum(), pl.col("paid").sum(), pl.col("code").max())
    decided = pl.concat([pl.DataFrame(part) for part in decisions.claims], how="vertical_relaxed").filter(
        pl.col("rank") == 1
    )
    decided = decided.join(sums, on="decision").sort("day", "decision")
    first = decided.filter(pl.col("kind") == "first")
    later = decided.filter(pl.col("kind") == "secondary")
    crosses = first.filter(pl.col("status") == "19")["claim"].to_numpy()
    notes = pl.concat(
        [pl.DataFrame(part).select("claim", "action", "day", "outcome") for part in sent.notes], how="vertical_relaxed"
    )
    rework = notes.filter(pl.col("action").is_in(["corrected_claim", "appeal"]))
    begun, over = (rework.filter(pl.col("outcome") == "in_process"), rework.filter(pl.col("outcome") != "in_process"))
    asked = notes.filter(pl.col("action") == "request_documents")
    billed = pl.concat(
        [pl.DataFrame(part).select("claim", "day", "order") for part in sent.submissions], how="vertical_relaxed"
    )
    own = practice.everything.filter(
        (pl.col("party") == "patient") & (pl.col("kind") == "payment") & pl.col("claim").is_not_null()
    )
    size = book.size
    return _Life(
        decided,
        _full(practice),
        _by_claim(size, first, "day"),
        _by_claim(size, first, "paid", 0),
        _by_claim(size, begun, "day"),
        _by_claim(size, over, "day"),
        _by_claim(size, asked, "day"),
        _by_claim(size, billed.filter(pl.col("order") == "secondary"), "day"),
        _by_claim(size, later, "day"),
        _by_claim(size, later, "paid", 0),
        np.isin(np.arange(size), crosses),
        _by_claim(size, own.sort("posted"), "posted", -NEVER),
        _mending(practice),
    )


def _by_claim(size: int, rows: pl.DataFrame, column: str, empty: int = NEVER) -> np.ndarray:
    """The column by claim number, the last row of a claim."""
    out = np.full(size, empty, np.int64)
    out[rows["claim"].to_numpy()] = rows[column].to_numpy()
    return out


def _full(practice: Practice) -> np.ndarray:
    """What the primary payer pays on every claim whose lines it takes, all planted problems left out."""
    book = replace(practice.book, plant_log=PlantLog())
    claims = np.arange(book.size)
    lines = settle(book, {"claim": claims, "day": np.zeros(book.size, np.int64)}, np.full(len(book.lines["claim"]), -1))
    return np.bincount(lines["owner"], weights=lines["paid"], minlength=book.size).astype(np.int64)


def _mending(practice: Practice) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each stage of checks: the day on which a claim failed, and the day on which it passed after that."""
    out = []
    parts = {
        (str(part["stage"][0]), str(part["result"][0])): part for part in practice.sent.edits if len(part["claim"])
    }
    for stage in sorted({stage for stage, _ in parts}):
        days = [np.full(practice.book.size, NEVER, np.int64) for _ in range(2)]
        for number, result in enumerate(("failed", "passed")):
            if (stage, result) in parts:
                days[number][parts[stage, result]["claim"]] = parts[stage, result]["checked"]
        out.append((days[0], days[1]))
    return out


def _on(practice: Practice, life: _Life, limits: dict[str, Any], day: int) -> dict[str, Any]:
    """The open items of one day and what a touch would add to each."""
    known = practice.ledger.filter((pl.col("posted") <= day) & pl.col("claim").is_not_null())
    since = pl.col("posted").filter(pl.col("amount") > 0).min()
    items = known.group_by("claim", "party").agg(pl.col("amount").sum().alias("balance"), since.alias("since"))
    items = items.filter(pl.col("balance") > 0).sort("claim", "party")
    last = life.decided.filter(pl.col("day") <= day).unique(["claim", "order"], keep="last", maintain_order=True)
    orders = pl.col("party").replace_strict(PARTIES, default=9, return_dtype=pl.Int64)
    items = items.with_columns(order=orders).join(
        last.select("claim", "order", "day", "kind", "denied", "paid", "code"), on=["claim", "order"], how="left"
    )
    gain = np.zeros(len(items), np.int64)
    for party, gains in (("primary", _primary), ("secondary", _secondary), ("patient", _patient)):
        rows = np.flatnonzero(items["party"].to_numpy() == party)
        gain[rows] = gains(practice, life, items[rows], limits, day)
    claim = items["claim"].to_numpy()
    minutes = practice.book.draws("worth of work").integers("minutes", 3, 25)[claim]
    rows = zip(claim.tolist(), items["party"].to_list(), gain.tolist(), minutes.tolist(), strict=True)
    return {
        "as_of": str(np.datetime64(day, "D")),
        "items": [list(row) for row in rows],
        "underpaid": _underpaid(practice, life, items, limits, day),
    }


def _underpaid(
    practice: Practice, life: _Life, items: pl.DataFrame, limits: dict[str, Any], day: int
) -> list[list[Any]]:
    """Claims without an open primary balance that were paid short by the day: planted, or taken back and repriced
    lower.

    The same columns as the items.
    """
    book = practice.book
    parts = [
        book.plant_log.rows(plant, day).select("claim", "known", "amount")
        for plant in book.plant_log.of("underpayment")
    ]
    repriced = life.decided.filter((pl.col("kind") == "takeback") & (pl.col("denied") == 0) & (pl.col("day") <= day))
    missing = pl.Series(life.full[repriced["claim"].to_numpy()]) - repriced["paid"]
    parts.append(
        repriced.select("claim", pl.col("day").alias("known"), missing.alias("amount")).filter(pl.col("amount") > 0)
    )
    struck = pl.concat(parts).group_by("claim").agg(pl.col("known").max(), pl.col("amount").sum()).sort("claim")
    struck = struck.join(items.filter(pl.col("party") == "primary").select("claim"), on="claim", how="anti")
    claim = struck["claim"].to_numpy()
    draws = book.draws("worth of work")
    in_time = day <= struck["known"].to_numpy() + _limit(practice, limits, book.claims["payer"][claim], 1)
    gain = struck["amount"].to_numpy() * (draws.uniform("made good")[claim] < MADE_GOOD) * in_time
    rows = zip(claim.tolist(), gain.tolist(), draws.integers("minutes", 3, 25)[claim].tolist(), strict=True)
    return [[number, "primary", cents, minutes] for number, cents, minutes in rows]


def _limit(practice: Practice, limits: dict[str, Any], payer: np.ndarray, place: int) -> np.ndarray:
    """A payer's limit in days: 0 filing, 1 appeal, 2 secondary; a payer without rules has none."""
    table = np.array([limits.get(entry.payer_class, (NEVER,) * 3)[place] for entry in practice.book.company.payers])
    return table[payer]


def _primary(practice: Practice, life: _Life, items: pl.DataFrame, limits: dict[str, Any], day: int) -> np.ndarray:
    book, claim = practice.book, items["claim"].to_numpy()
    payer, service, accepted = (
        book.claims["payer"][claim],
        book.claims["service"][claim],
        practice.sent.accepted[claim],
    )
    draws = book.draws("worth of work")
    in_time = day <= service + _limit(practice, limits, payer, 0)
    full, first_paid = life.full[claim], life.first_paid[claim]
    mending = np.any([(failed[claim] <= day) & (day < passed[claim]) for failed, passed in life.mending], axis=0)
    held = (accepted >= NEVER) & (life.asked_day[claim] <= day)
    silent = (accepted <= day - TOLD_AFTER_DAYS) & (life.first_day[claim] >= NEVER)
    decided = items["day"].fill_null(NEVER).to_numpy()
    denied = (items["denied"].fill_null(0).to_numpy() > 0) & (decided <= day)
    forgotten = (decided < day - POSTING_DAYS) & ~practice.misposted[claim]
    return np.select(
        [denied, forgotten, mending, held, silent],
        [
            _denied(practice, life, items, day <= decided + _limit(practice, limits, payer, 1), day),
            items["balance"].to_numpy() * (draws.uniform("share")[claim] < SHARE_PAID),
            first_paid * in_time,
            full * (draws.uniform("released")[claim] < RELEASED) * in_time,
            full * (draws.uniform("refiled")[claim] < REFILED) * in_time,
        ],
        0,
    )


def _denied(practice: Practice, life: _Life, items: pl.DataFrame, in_time: np.ndarray, day: int) -> np.ndarray:
    """The gain of items that stand denied by the primary payer; `code` is the row of the denial table."""
    book, claim = practice.book, items["claim"].to_numpy()
    draws = book.draws("worth of work")
    code = items["code"].fill_null(0).to_numpy().clip(0)
    overturned = DenialCodes.of(book).overturned[code]
    first = items["kind"].fill_null("").to_numpy() == "first"
    luck = np.where(first, book.draws("rework").uniform("won")[claim], draws.uniform("won later")[claim])
    begun, over = life.work_day[claim] <= day, life.answer_day[claim] <= day
    taken = items["kind"].fill_null("").to_numpy() == "takeback"
    wins = np.select(
        [taken, begun & ~over, begun],
        [luck < overturned, np.zeros(len(claim), bool), draws.uniform("won again")[claim] < SECOND],
        luck < overturned,
    )
    return np.maximum(life.full[claim] - items["paid"].fill_null(0).to_numpy(), 0) * wins * in_time


def _secondary(practice: Practice, life: _Life, items: pl.DataFrame, limits: dict[str, Any], day: int) -> np.ndarray:
    book, claim = practice.book, items["claim"].to_numpy()
    payer, balance = book.claims["secondary"][claim], items["balance"].to_numpy()
    decided = items["day"].fill_null(NEVER).to_numpy()
    denied = (items["denied"].fill_null(0).to_numpy() > 0) & (decided <= day)
    overturned = DenialCodes.of(book).overturned[items["code"].fill_null(0).to_numpy().clip(0)]
    wins = (book.draws("worth of work").uniform("won later")[claim] < overturned) & (
        day <= decided + _limit(practice, limits, payer, 1)
    )
    comes = life.next_day[claim] < NEVER
    under_way = comes & ((life.billed_day[claim] <= day) | life.next_crosses[claim])
    in_time = day <= life.first_day[claim] + _limit(practice, limits, payer, 2)
    return np.select(
        [denied, (decided <= day) | under_way, comes],
        [balance * wins, np.zeros(len(claim), np.int64), life.next_paid[claim] * in_time],
        _if_billed(book, claim, payer, balance) * in_time,
    )


def _if_billed(book: Any, claim: np.ndarray, payer: np.ndarray, balance: np.ndarray) -> np.ndarray:
    """What a secondary that is never sent would pay: the same luck as those that are sent."""
    outcome = book.draws("secondary").uniform("outcome")[claim]
    cut = np.where(payer == book.payer_number("medicaid"), np.rint(balance * 0.45).astype(np.int64), 0)
    return np.where(outcome < 0.12, 0, balance - cut)


def _patient(practice: Practice, life: _Life, items: pl.DataFrame, limits: dict[str, Any], day: int) -> np.ndarray:
    claim = items["claim"].to_numpy()
    luck = practice.book.draws("worth of work").uniform("persuaded")[claim]
    share = np.where(day - items["since"].fill_null(day).to_numpy() > OLD_DAYS, PERSUADED_OLD, PERSUADED)
    return np.where((life.pays_until[claim] > day) | (luck >= share), 0, items["balance"].to_numpy())
