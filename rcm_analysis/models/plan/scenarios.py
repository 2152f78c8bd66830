"""What if: scenarios side by side, what moves the plan most, a thousand drawn futures, and the smallest way out.

Every question is asked of the same engine through the same levers, many cases in one run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .assumptions import BASE, Assumptions, Scenario
from .engine import LaggedScenario, run
from .fields import LEVER_BY_KEY, LEVERS, SHARE, Lever
from .programme import summaries, unit_economics

PERCENTILES = (5, 25, 50, 75, 95)
BATCH, STEPS = 250, 8
LONGEST_LAG = 720


def scenario_table(assumptions: Assumptions) -> pd.DataFrame:
    """The plan under each scenario of the assumptions.

    Shape
        scenario, title, peak_deficit_cents, peak_month, payback_month, lowest_balance_cents, lowest_month,
        closing_cash_cents, result_cents (accrual, whole plan), members_at_end (thousandths),
        break_even_members, change_cents (peak deficit against base)
    Empty
        A month that does not come within the plan is empty.
    """
    rows = run(assumptions, list(assumptions.scenarios))
    made = summaries(assumptions, rows)
    frame = pd.DataFrame(
        {
            "scenario": [item.name for item in assumptions.scenarios],
            "title": [item.title for item in assumptions.scenarios],
            "peak_deficit_cents": [item.peak_deficit_cents for item in made],
            "peak_month": [item.peak_deficit_month for item in made],
            "payback_month": [item.payback_month for item in made],
            "lowest_balance_cents": [item.lowest_balance_cents for item in made],
            "lowest_month": [item.lowest_balance_month for item in made],
            "closing_cash_cents": [item.closing_cash_cents for item in made],
            "result_cents": rows["cumulative_accrual"][:, -1],
            "members_at_end": rows["members"][:, -1],
            "break_even_members": [item.break_even_members_per_coordinator for item in made],
        }
    )
    base = frame.loc[frame["scenario"] == BASE, "peak_deficit_cents"].iloc[0]
    return frame.assign(change_cents=frame["peak_deficit_cents"] - base)


def with_lever(scenario: Scenario, key: str, value: int) -> Scenario:
    """The scenario with one lever set, for the whole plan."""
    return replace(scenario, levers=dict(scenario.levers) | {key: value})


def tornado(assumptions: Assumptions, scenario: str | Scenario = BASE) -> pd.DataFrame:
    """Each lever alone at the low and the high end of its range of uncertainty, widest first.

    Shape
        lever, title, kind, low, high (small units), low_peak_cents, high_peak_cents, base_peak_cents,
        low_closing_cents, high_closing_cents, width_cents (of the peak deficit)
    Empty
        A lever without a range in the assumptions has no row.
    """
    base = assumptions.scenario(scenario)
    keys = list(assumptions.uncertainty)
    cases = [with_lever(base, key, bound) for key in keys for bound in assumptions.uncertainty[key]]
    made = summaries(assumptions, run(assumptions, [base, *cases]))
    low, high = made[1::2], made[2::2]
    frame = pd.DataFrame(
        {
            "lever": keys,
            "title": [LEVER_BY_KEY[key].title for key in keys],
            "kind": [LEVER_BY_KEY[key].kind for key in keys],
            "low": [assumptions.uncertainty[key][0] for key in keys],
            "high": [assumptions.uncertainty[key][1] for key in keys],
            "low_peak_cents": [item.peak_deficit_cents for item in low],
            "high_peak_cents": [item.peak_deficit_cents for item in high],
            "base_peak_cents": made[0].peak_deficit_cents,
            "low_closing_cents": [item.closing_cash_cents for item in low],
            "high_closing_cents": [item.closing_cash_cents for item in high],
        }
    )
    frame["width_cents"] = (frame["high_peak_cents"] - frame["low_peak_cents"]).abs()
    return frame.sort_values("width_cents", ascending=False, kind="stable").reset_index(drop=True)


@dataclass(frozen=True)
class Futures:
    """The drawn futures of a plan."""

    fan: pd.DataFrame
    """month and one column of running cash flow (cents) per percentile: p5 … p95."""
    peaks: pd.DataFrame
    """percentile, peak_deficit_cents: at p5, one future in twenty is deeper."""
    out_of_cash: float
    """Share of the futures in which cash at hand falls below zero, 0 to 1."""
    paid_back: float
    """Share of the futures that are paid back within the plan."""
    draws: int
    seed: int


def futures(
    assumptions: Assumptions, scenario: str | Scenario = BASE, *, draws: int | None = None, seed: int | None = None
) -> Futures:
    """The plan under levers drawn from their ranges of uncertainty.

    Counts
        Each lever of `uncertainty` is drawn alone, from a triangle between low and high whose top is no
        change, on top of the scenario. The same seed gives the same futures.
    Unit
        cents; shares 0 to 1. Percentiles are of the drawn values themselves (no interpolation)
    """
    draws, seed = draws or assumptions.draws, assumptions.seed if seed is None else seed
    base = assumptions.scenario(scenario)
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = {
        key: _triangle(generator.random(draws), low, LEVER_BY_KEY[key].neutral, high)
        for key, (low, high) in assumptions.uncertainty.items()
    }
    cases = [_moved(base, {key: int(values[number]) for key, values in drawn.items()}) for number in range(draws)]
    running, lowest = [], []
    for first in range(0, draws, BATCH):
        rows = run(assumptions, cases[first : first + BATCH])
        running.append(rows["cumulative_cash"])
        lowest.append(rows["balance"].min(axis=1))
    paths, low = np.concatenate(running), np.concatenate(lowest)
    peaks = np.minimum(0, paths.min(axis=1))
    bands = np.percentile(paths, PERCENTILES, axis=0, method="inverted_cdf")
    back = (paths[:, -1] >= 0) | np.array([_returns(path) for path in paths])
    return Futures(
        fan=pd.DataFrame(
            {"month": assumptions.month_labels}
            | {f"p{level}": band.astype("int64") for level, band in zip(PERCENTILES, bands, strict=True)}
        ),
        peaks=pd.DataFrame(
            {
                "percentile": PERCENTILES,
                "peak_deficit_cents": np.percentile(peaks, PERCENTILES, method="inverted_cdf").astype("int64"),
            }
        ),
        out_of_cash=float((low < 0).mean()),
        paid_back=float(back.mean()),
        draws=draws,
        seed=seed,
    )


def _triangle(chance: np.ndarray, low: int, top: int, high: int) -> np.ndarray:
    """The value below which a triangle between low and high holds that much of its area."""
    width = max(high - low, 1)
    turn = (top - low) / width
    rising = low + np.sqrt(chance * width * (top - low))
    falling = high - np.sqrt((1 - chance) * width * (high - top))
    return np.floor(np.where(chance < turn, rising, falling) + 0.5).astype("int64")


def _moved(base: Scenario, moves: Mapping[str, int]) -> Scenario:
    """The scenario with each lever moved on from where the scenario has put it."""
    levers = dict(base.levers)
    for key, value in moves.items():
        lever = LEVER_BY_KEY[key]
        held = base.lever(key)
        levers[key] = held * value // SHARE if lever.kind == "factor" else _held_in(held + value, lever)
    return replace(base, levers=levers)


def _held_in(value: int, lever: Lever) -> int:
    return max(-SHARE, min(SHARE, value)) if lever.kind == "move" else value


def _returns(path: np.ndarray) -> bool:
    trough = int(path.argmin())
    return bool((path[trough:] >= 0).any())


# ---------------------------------------------------------------- break-even and the way out
def break_even_rate(assumptions: Assumptions, scenario: str | Scenario = BASE) -> dict[str, float | None]:
    """How far rates could fall, or must rise, for the last month to pay for itself.

    Formula
        the smallest factor on every rate (in ten-thousandths) at which the accrual result of the last month
        is zero or more; the blended rate is the rate of an average member times that factor
    Unit
        factor; cents per member-month, not rounded
    Empty
        None where three times the rates would not do; no rate in cents either where the scenario has set rates to zero.
    """
    base = assumptions.scenario(scenario)
    held = base.lever("rate")

    def good(values: Sequence[int]) -> np.ndarray:
        return run(assumptions, [with_lever(base, "rate", value) for value in values])["accrual"][:, -1] >= 0

    found = _smallest(good, 0, 3 * SHARE)
    blend = unit_economics(assumptions, run(assumptions, [base]))["blend"][0, -1]
    return {
        "factor": None if found is None else found / SHARE,
        "rate_cents": None if found is None or not held else float(blend * found / held),
        "blended_rate_cents": float(blend),
    }


def break_even_lag(assumptions: Assumptions, scenario: str | Scenario = BASE) -> int | None:
    """The longest lag, every payment alike, at which cash at hand never falls below zero.

    Unit
        days; 720 stands for that long or longer
    Empty
        None where opening cash does not survive even without a lag.
    """
    base = assumptions.scenario(scenario)

    def broke(lags: Sequence[int]) -> np.ndarray:
        return run(assumptions, [LaggedScenario(base, days) for days in lags])["balance"].min(axis=1) < 0

    if broke([0])[0]:
        return None
    first = _smallest(broke, 0, LONGEST_LAG)
    return LONGEST_LAG if first is None else first - 1


def _smallest(good: Callable[[Sequence[int]], np.ndarray], low: int, high: int) -> int | None:
    """The smallest whole number from low to high that is good, where all above a good one are good.

    Asks for a row of numbers at a time, because the engine runs many cases as quickly as a few.
    """
    if not good([high])[0]:
        return None
    while low < high:
        tried = sorted({low + (high - low) * part // STEPS for part in range(STEPS)})
        first = next((place for place, found in enumerate(good(tried)) if found), len(tried))
        high = tried[first] if first < len(tried) else high
        low = tried[first - 1] + 1 if first else high
    return high


def ways_out(assumptions: Assumptions, scenario: str | Scenario = BASE) -> pd.DataFrame:
    """For each lever alone: the smallest move that keeps cash at hand from ever falling below zero.

    Formula
        search over whole small units from no change to the lever's end, on the side that helps; confirmed by
        running the plan at the move found and one unit short of it
    Shape
        lever, title, kind, from, to (small units; `to` empty where no move within the range is enough),
        share_of_range (0 to 1, smallest first), closing_cash_cents at the move. The first row, "opening_cash",
        is the cash that would have to be added
    Empty
        No row where there is no gap.
    """
    base = assumptions.scenario(scenario)
    lowest = int(run(assumptions, [base])["balance"].min())
    columns = ["lever", "title", "kind", "from", "to", "share_of_range", "closing_cash_cents"]
    if lowest >= 0:
        return pd.DataFrame(columns=columns)
    rows = [_way_out(assumptions, base, lever) for lever in LEVERS]
    frame = pd.DataFrame(rows, columns=columns).sort_values("share_of_range", kind="stable", na_position="last")
    opening = assumptions.value("opening_cash")
    closing = int(run(assumptions, [base])["cumulative_cash"][0, -1])
    first = pd.DataFrame(
        [["opening_cash", "Opening cash", "money", opening, opening - lowest, None, closing]], columns=columns
    )
    both = pd.concat([first.astype(object), frame.astype(object)], ignore_index=True)
    return both.astype({"share_of_range": "float64", "to": "Int64", "closing_cash_cents": "Int64"})


def _way_out(assumptions: Assumptions, base: Scenario, lever: Lever) -> list:
    held = base.lever(lever.key)
    room = (lever.high - held) if lever.better > 0 else (held - lever.low)

    def solvent(steps: Sequence[int]) -> np.ndarray:
        cases = [with_lever(base, lever.key, held + lever.better * step) for step in steps]
        return run(assumptions, cases)["balance"].min(axis=1) >= 0

    step = _smallest(solvent, 0, room) if room > 0 else None
    if step is None or solvent([step - 1])[0]:
        return [lever.key, lever.title, lever.kind, held, None, None, None]
    to = held + lever.better * step
    closing = int(run(assumptions, [with_lever(base, lever.key, to)])["cumulative_cash"][0, -1])
    return [lever.key, lever.title, lever.kind, held, to, step / room, closing]


def blend_levers(assumptions: Assumptions, moves: Mapping[str, int], *, lag_days: int | None = None) -> pd.DataFrame:
    """Running cash and result under levers set by hand: what the sliders redraw.

    Shape
        month, cumulative_cash, cumulative_accrual, balance, members
    """
    rows = run(assumptions, [LaggedScenario(Scenario("sliders", "Sliders", dict(moves)), lag_days)])
    names: Sequence[str] = ("cumulative_cash", "cumulative_accrual", "balance", "members")
    return pd.DataFrame({"month": assumptions.month_labels} | {name: rows[name][0] for name in names})
