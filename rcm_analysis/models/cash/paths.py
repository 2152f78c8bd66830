"""One cash forecast from one day, and what could come instead: paths from the errors of past calendar months.

Checks bring many claims at once and come on their payer's day, so claims are not independent: what is drawn is a
month of all remittances together, every batch whole and in its place. The months of the calendar, because some payers
pay once in each: four weeks hold none of their checks, one or two, which no month does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...errors import ParameterError
from ..statistics.seasons import PAUSE_SPREAD, is_year_end, pause_share, postponed, repeated
from .billing_ahead import Billing, by_day, expected_charges
from .curves import LONGEST_AGE, Curves, fit_curves, on_weekdays, project, value_of_dollar
from .flows import PATIENT, PRIMARY, SELF_PAY, Flows

BLOCK_DAYS = 28
HISTORY_DAYS = 371
"""Weeks that hold twelve whole months."""
FEWEST_MONTHS = 3
"""With fewer whole months of errors, weeks stand for months."""
MONTH_DAYS = 365.25 / 12
FEWEST_DAYS = 91
"""With less history than a quarter there is nothing to project from."""

SPILL_DAYS = 4
RAMP_WEEKS = 13
"""Weeks in which the records begin: balances from before them are not known."""

PARTS = ("existing", "billing", "other")
"""Balances of today; what will be charged after today; copays at the desk and unapplied money, less refunds and
takebacks."""


@dataclass(frozen=True)
class Forecast:
    """Expected cash `cash[month, stream, part]`, drawn cash `paths[path, month, stream]`, and what they rest on.

    `charges[month, stream]` is the billing expected; `collectible[stream]` what the balances of the
    day bring in the end, whoever pays it then; `curves` as of the day.
    """

    cash: np.ndarray
    paths: np.ndarray
    charges: np.ndarray
    collectible: np.ndarray
    curves: Curves


def forecast(
    flows: Flows, *, as_of: int, month_ends: np.ndarray, paths: int, seed: int, billing: np.ndarray | None = None
) -> Forecast:
    """Cash of the months that end on the days `month_ends`, the first of which begins after `as_of`.

    Formula
        existing: balances of the day through the curves; billing: charges expected by day through
        the same curves; what insurers would pay at a year's end comes in January as far as `seasons.pause_share`
        says; other: rates of the past year on charges, and on insurers' cash
    Counts
        Moves posted by `as_of` only. `billing[month]` overrides the total charged per month.
    Unit
        cents; days are day numbers
    """
    if as_of - flows.first_day < FEWEST_DAYS:
        raise ParameterError(
            f"An outlook needs at least {FEWEST_DAYS} days of postings before its as-of day; found "
            f"{max(as_of - flows.first_day, 0)}. "
            "Choose a later day, or ingest older transactions."
        )
    curves = fit_curves(flows, as_of=as_of)
    days = int(month_ends[-1]) - as_of
    month = np.searchsorted(month_ends, as_of + 1 + np.arange(days + SPILL_DAYS))
    foreseen = expected_charges(flows, as_of=as_of, days=days + SPILL_DAYS)
    charges = foreseen.charges
    if billing is not None:
        charges = _scaled(charges, month, billing)
    block = np.arange(days + SPILL_DAYS) // BLOCK_DAYS + 1
    history = _history(flows, curves, as_of, days)
    due = on_weekdays(project(curves, curves.open_by_age, charges, block), curves, first_day=as_of + 1)
    cash = postponed(due, history.pause, first_day=as_of + 1)[:, :days]
    collectible = _collectible(curves)
    cash = _in_season(cash, history.season, collectible.sum())
    month, charges = month[:days], charges[:days]
    by_month = _sum_by(cash, month, len(month_ends))
    existing, billed = by_month[0], by_month[1:]
    gross = existing + billed.sum(axis=0)
    other = (
        _by_client(flows.streams, _sum_by(charges[None], month, len(month_ends))[0]) * curves.ahead_of_charges
        + gross * curves.ahead_of_cash
    )
    expected = np.stack([existing, billed.sum(axis=0), other], axis=2)
    drawn = _paths(
        flows,
        history,
        foreseen,
        as_of=as_of,
        month=month,
        expected=expected,
        billed=billed,
        paths=paths,
        rng=np.random.default_rng(seed),
    )
    if history.unseen.any() and is_year_end(as_of + 1, days).any():
        moved = (postponed(due, history.unseen, first_day=as_of + 1) - due).sum(axis=0)[None, :days]
        drawn = drawn + _first_year_end(_sum_by(moved, month, len(month_ends))[0], paths, seed)
    return Forecast(expected, drawn, _sum_by(charges[None], month, len(month_ends))[0], collectible, curves)


def actual_cash(flows: Flows, *, first_day: int, days: int) -> np.ndarray:
    """Cash by day and stream as posted, all kinds.

    Unit
        cents per day
    """
    return by_day(flows.cash_day, flows.cash_stream, flows.cash_cents, first_day, days, len(flows.streams))


def _paths(
    flows: Flows,
    history: History,
    foreseen: Billing,
    *,
    as_of: int,
    month: np.ndarray,
    expected: np.ndarray,
    billed: np.ndarray,
    paths: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Expected cash, with the errors of past months, of their mean, and of future billing."""
    usual, whole = history.usual, expected.sum(axis=2)
    ahead = expected.sum(axis=(0, 2)) / len(month)
    scale = np.clip(np.where(usual > 0, ahead / np.where(usual > 0, usual, 1), 0.0), 0, 4)
    under_way, errors = _errors_of_months(history.errors * scale, as_of)
    known, months = len(errors), len(history.errors) / MONTH_DAYS
    drawn = rng.normal(size=(paths, len(whole), known)) + rng.normal(size=(paths, 1, known)) / np.sqrt(months)
    drawn *= _unsure(known, paths, rng)[:, None, None] / np.sqrt(known)
    out: np.ndarray = whole + drawn @ errors
    out[:, 0] += drawn[:, 0] @ (under_way - errors)
    return out + _billing_error(flows, foreseen, as_of=as_of, billed=billed, paths=paths, rng=rng)


def _errors_of_months(errors: np.ndarray, as_of: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors by past month and stream, less their mean: of the days of a month that are still to come in the first
    month ahead, and of the whole month. With too few months each week stands for a month of like weeks."""
    day = (as_of + 1 + np.arange(-len(errors), 1)).astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    begun = np.flatnonzero(np.concatenate([[day[0] == month[0]], month[1:] != month[:-1]]))
    if len(begun) - 1 < FEWEST_MONTHS:
        weeks = errors.reshape(-1, 7, errors.shape[1]).sum(axis=1)
        sums = weeks[None] * np.sqrt(np.array([((month[-1] + 1) - day[-1]).astype(int), MONTH_DAYS]) / 7)[:, None, None]
    else:
        running = np.concatenate([np.zeros((1, errors.shape[1])), errors.cumsum(axis=0)])
        gone = np.minimum(begun[:-1] + (day[-1] - month[-1]).astype(int), begun[1:])
        sums = running[begun[1:]] - running[np.stack([gone, begun[:-1]])]
    under_way, whole = sums - sums.mean(axis=1, keepdims=True)
    return under_way, whole


def _unsure(known: float, paths: int, rng: np.random.Generator) -> np.ndarray:
    """A factor on each path's errors, as the spread of so few is not sure: with it normal draws have Student's t."""
    return np.sqrt(known / rng.chisquare(known - 1, paths))


def _first_year_end(moved: np.ndarray, paths: int, seed: int) -> np.ndarray:
    """What a year's end moves whose like was never seen, by path, month and stream, of what all of it would move."""
    share = np.minimum(1, np.abs(np.random.default_rng([seed, 1]).normal(0, PAUSE_SPREAD, paths)))
    return share[:, None, None] * moved


@dataclass(frozen=True)
class History:
    """How past cash differed from what the curves say: `errors[day, stream]` of the past year around their mean,
    `usual[stream]` expected cash of a day, `season[day, stream]`, the deviation to expect in future,
    `pause[stream]`, the share of a year's end that comes in January, and `unseen[stream]`, 1 where no year's end of
    the insurer was seen."""

    errors: np.ndarray
    usual: np.ndarray
    season: np.ndarray
    pause: np.ndarray
    unseen: np.ndarray


def _history(flows: Flows, curves: Curves, as_of: int, days: int) -> History:
    known = (as_of - flows.first_day + 1) // 7 * 7
    first = as_of - known + 1
    streams = len(flows.streams)
    charges = by_day(flows.charge_day, flows.charge_stream, flows.charge_cents, first, known, streams)
    expected = project(curves, np.zeros((streams, LONGEST_AGE)), charges, np.zeros(known, np.int64))[0]
    expected = on_weekdays(expected, curves, first_day=first)
    expected = expected * (1 + curves.ahead_of_cash) + _by_client(flows.streams, charges) * curves.ahead_of_charges
    actual = actual_cash(flows, first_day=first, days=known)
    pause = _pauses(flows.streams, actual[RAMP_WEEKS * 7 :], expected[RAMP_WEEKS * 7 :], first + RAMP_WEEKS * 7)
    is_seen = is_year_end(first + RAMP_WEEKS * 7, max(0, known - RAMP_WEEKS * 7)).any()
    unseen = _is_insurer(flows.streams) * (0.0 if is_seen else 1.0)
    expected = postponed(expected, pause, first_day=first)
    season, past = _cash_season(flows, actual, expected, days)
    span = min(HISTORY_DAYS, max(known - 2 * BLOCK_DAYS, BLOCK_DAYS)) // 7 * 7
    errors = (actual - expected * (1 + past))[-span:]
    return History(errors - errors.mean(axis=0), expected[-span:].mean(axis=0), season, pause, unseen)


def _is_insurer(streams: pd.DataFrame) -> np.ndarray:
    return ~streams["party"].isin([PATIENT, SELF_PAY]).to_numpy()


def _pauses(streams: pd.DataFrame, actual: np.ndarray, expected: np.ndarray, first: int) -> np.ndarray:
    """The share of a year's end that comes in January, by stream: of a client's insurers together; patients pay on."""
    insurers = np.flatnonzero(_is_insurer(streams))
    out = np.zeros(len(streams))
    for places in streams.iloc[insurers].groupby("client").indices.values():
        members = insurers[places]
        sums = [values[:, members].sum(axis=1) for values in (actual, expected)]
        out[members] = pause_share(*sums, first_day=first)
    return out


def _cash_season(flows: Flows, actual: np.ndarray, expected: np.ndarray, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Deviations to expect by day and stream, in future and in the past: by client, insurers and patients apart."""
    is_patient = flows.streams["party"].isin([PATIENT, SELF_PAY])
    ahead = np.zeros((days, actual.shape[1]))
    past = np.zeros(actual.shape)
    for members in flows.streams.groupby(["client", is_patient]).indices.values():
        sums = [values[:, members].sum(axis=1).reshape(-1, 7).sum(axis=1)[RAMP_WEEKS:] for values in (actual, expected)]
        if len(sums[0]) == 0 or sums[1].min() <= 0:
            continue
        future, before = repeated(sums[0] / sums[1] - 1, -(-days // 7))
        ahead[:, members] = np.repeat(future, 7)[:days, None]
        past[RAMP_WEEKS * 7 :, members] = np.repeat(before, 7)[:, None]
    return np.clip(ahead, -0.9, 1.5), past


def _in_season(cash: np.ndarray, season: np.ndarray, collectible: float) -> np.ndarray:
    """Cash with the season's deviations; balances of today never bring more than can be collected of them."""
    out = cash * (1 + season)
    existing = out[0].sum()
    if existing > collectible:
        out[0] *= collectible / existing
    return out


def _collectible(curves: Curves) -> np.ndarray:
    older = np.minimum(np.arange(LONGEST_AGE) + 1, LONGEST_AGE - 1)  # a balance meets its next day's hazard first
    return (curves.open_by_age * value_of_dollar(curves)[:, older]).sum(axis=1)


def _billing_error(
    flows: Flows, foreseen: Billing, *, as_of: int, billed: np.ndarray, paths: int, rng: np.random.Generator
) -> np.ndarray:
    """What future billing may bring more or less: the chance of past blocks of charges around the client's course, and
    what is not known of the course. Neighbouring blocks lie in the same course."""
    streams = len(flows.streams)
    span = min(HISTORY_DAYS, (as_of - flows.first_day) // 7 * 7)
    charges = by_day(flows.charge_day, flows.charge_stream, flows.charge_cents, as_of - span + 1, span, streams)
    is_primary = (flows.streams["party"] == PRIMARY).to_numpy()
    charges = np.where(is_primary, charges, _by_client(flows.streams, charges))
    weeks = charges.reshape(-1, 7, streams).sum(axis=1)
    out = np.zeros((paths, *billed.shape[1:]))
    size, blocks = min(BLOCK_DAYS // 7, len(weeks)), len(billed)
    drift = np.zeros((paths, blocks, streams))
    for members, found in foreseen.courses:
        weeks[:, members] /= np.clip(1 + found.past[-len(weeks) :], 0.2, 5)[:, None]
        wanders = found.deviations(paths, rng) / np.clip(1 + found.ahead, 0.2, 5)
        for number in range(blocks):
            inside = wanders[:, number * size : (number + 1) * size]
            if inside.shape[1]:
                drift[:, number, members] = inside.mean(axis=1)[:, None]
    running = np.concatenate([np.zeros((1, streams)), weeks.cumsum(axis=0)])
    sums = running[size:] - running[:-size]
    mean = weeks.mean(axis=0) * size
    share = np.where(mean > 0, sums / np.where(mean > 0, mean, 1) - 1, 0.0)
    unsure = _unsure(len(weeks) / size, paths, rng)[:, None]
    for number in range(blocks):
        out += (share[rng.integers(0, len(share), paths)] * unsure + drift[:, number])[:, None, :] * billed[number]
    return out


def _scaled(charges: np.ndarray, month: np.ndarray, billing: np.ndarray) -> np.ndarray:
    wanted = np.append(billing, billing[-1])[np.minimum(month, len(billing))]
    days = np.bincount(month, minlength=len(billing) + 1)
    total = np.bincount(month, charges.sum(axis=1), len(billing) + 1)
    per_day = np.where(total > 0, total / np.maximum(days, 1), 1)
    whole = month < len(billing)
    factor = np.where(
        whole,
        wanted / np.maximum(total[month], 1),
        wanted / np.maximum(days[np.minimum(month, len(billing) - 1)], 1) / per_day[month],
    )
    return charges * factor[:, None]


def _sum_by(cash: np.ndarray, month: np.ndarray, months: int) -> np.ndarray:
    """Sums over the days of each month: group, month, stream."""
    out = np.zeros((len(cash), months, cash.shape[2]))
    for number in range(months):
        out[:, number] = cash[:, month == number].sum(axis=1)
    return out


def _by_client(streams: pd.DataFrame, values: np.ndarray) -> np.ndarray:
    """For every stream (last axis) the sum over all streams of its client."""
    same = streams["client"].to_numpy()[:, None] == streams["client"].to_numpy()[None, :]
    return values @ same.astype(float)
