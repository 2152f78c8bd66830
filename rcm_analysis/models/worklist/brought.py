"""What work brought: claims that were worked beside claims like them that were left untouched, with an interval.

Work is looked at from one close to the next, a cause of denials since it was first told. Lists of three and of six
months before were tried on two demonstration clients (26 actions with work): no action came to be comparable that was
not after one month, and one did no longer, since of claims so old hardly any like them were left untouched; each such
list cost 2 to 4 CPU seconds a report.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.balances import posted
from ...ledger.postings import CASH_KINDS
from ...ledger.ratios import half_up
from ...measures.receivable.account_movements import ACCOUNT
from ...tables.frames import collect, source
from ..detection.denial_cells import expected_lines
from ..detection.denial_shifts import of_cell

col = nw.col
FEWEST = 10
"""Fewer worked claims, or fewer like them left untouched, show nothing."""

DRAWS, LEVEL = 2000, 0.9
AGES = (30, 60, 90, 120)
ALIKE = ["payer", "status", "category", "age_days"]
COLUMNS = ["action", "worked", "compared", "untouched", "came_cents", "usual_cents", "brought_cents"]
BAND = ["low_cents", "high_cents"]


def work_brought(
    tables: Mapping[str, Any],
    items: pd.DataFrame,
    actions: Mapping[str, Collection[str]],
    *,
    listed: dt.date,
    as_of: dt.date,
    seed: int = 1,
) -> pd.DataFrame:
    """What the work on each action's claims brought since the day of the list, beside claims like them left untouched.

    Formula
        brought_cents = came_cents - usual_cents
        came_cents = cash posted on a worked claim after its first work by `as_of`; usual_cents = what was owed on it
        that day x the cash per dollar of the untouched claims that were open then, over the same days
        low_cents to high_cents: the middle 90 % of the same over claims drawn again, the worked and the untouched
    Counts
        `items`: the worklist of `listed`. `actions`: name -> claims, each in one. Worked: a note worked after `listed`
        while insurers owed on the claim. Untouched: every claim of the list on which insurers owed and that nobody
        worked since, in an action or not. Alike: same payer, status (held, pended, denied, ...), reason of a denial,
        and age (30, 60, 90, 120 days).
        compared: worked claims with at least ten untouched ones alike; untouched: those. Claims that were paid by
        themselves before anybody could work them count as untouched, so that the estimate is rather too low; who
        chooses the claims to work by what only the office sees makes it too high or too low, and no interval says so.
    Date basis
        worked_on of notes entered by `as_of`; posting date of cash
    Unit
        cents; empty where fewer than ten claims could be compared
    Empty
        An action none of whose claims was worked: a row of zeros, the cents empty.
    Source
        matched comparison at the same horizon (landmark) with a percentile bootstrap over claims; our own

    >>> from rcm_analysis.examples.ledger import example_accounts
    >>> items = pd.DataFrame({"client": ["acme"], "claim_id": ["A"], "party": ["primary"], "payer": ["p"]})
    >>> items = items.assign(status="denied", category="authorization", age_days=70)
    >>> days = {"listed": dt.date(2026, 2, 28), "as_of": dt.date(2026, 3, 31)}
    >>> work_brought(example_accounts(), items, {"a": ["A"]}, **days)[["worked", "compared", "brought_cents"]]
       worked  compared  brought_cents
    0       0         0           <NA>
    """
    claims = _alike(items, tables, listed, as_of)
    place = {claim: name for name, those in actions.items() for claim in those}
    claims["action"] = claims["claim_id"].map(place)
    days = (as_of - listed).days + 1
    owed, cash = _by_day(tables, claims, listed, as_of, days)
    rng = np.random.default_rng(seed)
    rows = []
    for name in actions:
        mine = claims[(claims["action"] == name) & claims["worked"].notna()]["worked"].astype(int)
        mine = mine[owed[mine.index, mine] > 0]
        rows.append({"action": name, "worked": len(mine), **_compared(mine, claims, owed, cash, rng)})
    out = pd.DataFrame(rows, columns=[*COLUMNS, *BAND])
    return out.astype(dict.fromkeys(["came_cents", "usual_cents", "brought_cents", *BAND], "Int64"))


def prevention_brought(
    tables: Mapping[str, Any], finding: Mapping[str, Any], *, told: dt.date, as_of: dt.date, seed: int = 1
) -> dict[str, Any]:
    """What fewer denials of a cause brought since it was told, beside the same denials everywhere else.

    Formula
        usual_cents = rate before x (rate of the others since / rate of the others before) x lines since x mean expected
        amount of its denied lines: what would have been denied;  came_cents = what was denied since
        brought_cents = usual_cents - came_cents, with the middle 90 % of draws of the four rates (beta,
        Jeffreys)
    Counts
        `finding`: a row of `finding_lives`. First decisions of lines in its scope: before, from its onset to `told`;
        since, on services after `told`. The others: lines outside its scope over the same days. worked: lines since;
        compared: lines of the others since; fewer than ten lines anywhere, or a category that nobody else is denied
        for, cannot be compared. Whether the practice did what was asked is not known here, only what came after.
    Unit
        cents; lines are counts; the cents are missing where nothing can be said
    Source
        difference in differences on the ratio scale; our own
    """
    lines = expected_lines(tables, as_of=as_of)
    own, denied = of_cell(lines, finding).to_numpy(), (lines["category"] == finding["category"]).to_numpy()
    since = (lines["service_on"] > pd.Timestamp(told)).to_numpy()
    before = ((lines["received_on"] >= finding["onset_on"]) & (lines["received_on"] <= pd.Timestamp(told))).to_numpy()
    parts = [mask & span for span in (before, since) for mask in (own, ~own)]
    sizes, counts = (np.array([(part & hits).sum() for part in parts]) for hits in (own | ~own, denied))
    found = {"worked": int(sizes[2]), "compared": int(sizes[3]), "untouched": int(sizes[3])}
    if sizes.min() < FEWEST or counts[:2].min() == 0:
        return found
    mean = lines.loc[own & denied, "expected_cents"].mean()
    rng = np.random.default_rng(seed)
    shares = rng.beta(counts + 0.5, sizes - counts + 0.5, (DRAWS, 4))
    usual = counts[0] / sizes[0] * (counts[3] / sizes[3]) / (counts[1] / sizes[1])
    drawn = shares[:, 0] * shares[:, 3] / shares[:, 1] - shares[:, 2]
    worth = sizes[2] * mean
    out = _banded(usual * worth, counts[2] / sizes[2] * worth, drawn * worth)
    return found | out | {"came_cents": out["usual_cents"], "usual_cents": out["came_cents"]}


def _compared(
    mine: pd.Series, claims: pd.DataFrame, owed: np.ndarray, cash: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    """The worked claims (row -> day) beside the untouched ones alike, open on that day: sums and draws."""
    alike = claims[claims["worked"].isna()].groupby("stratum").groups
    pairs: dict[int, np.ndarray] = {}
    for claim, day in mine.items():
        group = np.asarray(alike.get(claims.at[claim, "stratum"], []), dtype=int)
        pairs[claim] = group[owed[group, day] > 0]
    pairs = {claim: group for claim, group in pairs.items() if len(group) >= FEWEST}
    others = np.unique(np.concatenate([*pairs.values(), []])).astype(int)
    found: dict[str, Any] = {"compared": len(pairs), "untouched": len(others)}
    if len(pairs) < FEWEST:
        return found
    kept, days = list(pairs), mine[list(pairs)].to_numpy()
    weights = rng.poisson(1.0, (DRAWS, len(others)))
    rates, drawn = np.zeros(len(kept)), np.zeros((DRAWS, len(kept)))
    for place, (group, day) in enumerate(zip(pairs.values(), days, strict=True)):
        came, was, drawings = cash[group, -1] - cash[group, day], owed[group, day], np.searchsorted(others, group)
        rates[place], base = came.sum() / was.sum(), weights[:, drawings] @ was
        ratio = np.full(DRAWS, rates[place])
        drawn[:, place] = np.divide(weights[:, drawings] @ came, base, out=ratio, where=base > 0)
    came, was = cash[kept, -1] - cash[kept, days], owed[kept, days]
    again = rng.multinomial(len(kept), np.full(len(kept), 1 / len(kept)), DRAWS)
    return found | _banded(came.sum(), np.dot(rates, was), ((came - drawn * was) * again).sum(axis=1))


def _banded(came: float, usual: float, drawn: np.ndarray) -> dict[str, int]:
    ends = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    came_cents, usual_cents, low, high = half_up(pd.Series([came, usual, *ends])).astype(int).tolist()
    brought = came_cents - usual_cents
    return {
        "came_cents": came_cents,
        "usual_cents": usual_cents,
        "brought_cents": brought,
        "low_cents": min(low, brought),
        "high_cents": max(high, brought),
    }


def _by_day(
    tables: Mapping[str, Any], claims: pd.DataFrame, listed: dt.date, as_of: dt.date, days: int
) -> tuple[np.ndarray, np.ndarray]:
    """What insurers owe on each claim at the end of each day from `listed`, and their cash since then."""
    rows = posted(tables, as_of=as_of).filter(~(col("party") == "patient"), ~col("claim_id").is_null())
    rows = rows.with_columns(cash=nw.when(col("kind").is_in(list(CASH_KINDS))).then(col("amount_cents")).otherwise(0))
    keys = [*ACCOUNT, "posted_on"]
    moves = collect(
        rows.group_by(*keys).agg(col("amount_cents").sum(), col("cash").sum()), ACCOUNT, dates=["posted_on"]
    )
    moves = moves.merge(claims[ACCOUNT].assign(row=range(len(claims))), on=ACCOUNT)
    day = (moves["posted_on"] - pd.Timestamp(listed)).dt.days.clip(lower=0).to_numpy()
    moved, cash = np.zeros((len(claims), days)), np.zeros((len(claims), days))
    np.add.at(moved, (moves["row"].to_numpy(), day), moves["amount_cents"].to_numpy())
    np.add.at(cash, (moves["row"].to_numpy()[day > 0], day[day > 0]), -moves["cash"].to_numpy()[day > 0])
    return moved.cumsum(axis=1), cash.cumsum(axis=1)


def _alike(items: pd.DataFrame, tables: Mapping[str, Any], listed: dt.date, as_of: dt.date) -> pd.DataFrame:
    """One row per claim of the list on which insurers owed: its stratum, and the day (from `listed`) it was worked."""
    claims = items[items["party"] != "patient"].drop_duplicates(ACCOUNT, ignore_index=True)[[*ACCOUNT, *ALIKE]]
    claims["age_days"] = np.searchsorted(AGES, claims["age_days"])
    notes = source(tables, "work_log", [*ACCOUNT, "worked_on", "entered_on"])
    notes = notes.filter(col("entered_on") <= as_of, col("worked_on") <= as_of, col("worked_on") > listed)
    first = collect(notes.group_by(*ACCOUNT).agg(col("worked_on").min()), ACCOUNT, dates=["worked_on"])
    claims = claims.merge(first, on=ACCOUNT, how="left")
    return claims.assign(
        worked=(claims["worked_on"] - pd.Timestamp(listed)).dt.days,
        stratum=claims.groupby(ALIKE, dropna=False).ngroup(),
    )
