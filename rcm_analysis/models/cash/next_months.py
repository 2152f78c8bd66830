"""The cash of the next months: from what is owed today, from what will be billed, by payer, with a band around it.

    found = outlook(tables, as_of=date(2026, 10, 31))
    found.months        expected cash, its parts, and the band that it should fall into four times out of five
    found.payers        the same by payer
    found.receivable    what is owed today, and what of it will be collected

How it is made: `flows` (the ledger as dollars that begin and end), `curves` (how fast they
turn into cash, and the projection), `paths` (billing to come, and the errors of past months). How good it has
been is for `backtest` to say.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ParameterError, TableError
from ...ledger.postings import optional
from ...ledger.ratios import half_up
from ...measures.payers.taken_back import takebacks
from ...periods import Period
from ...tables.frames import kept
from .curves import incidence_of
from .flows import Flows, day_of, read_flows
from .past_months import Backtest, backtest
from .paths import PARTS, Forecast, forecast

__all__ = ["Backtest", "Outlook", "backtest", "outlook"]

PATHS = 1000
TOLD_IN = ("remit_claims", "remit_adjustments", "deposits", "provider_adjustments")
"""Where payers say what they take back."""

CURVE_DAYS = 365
MOST_MONTHS = 24


@dataclass(frozen=True)
class Outlook:
    """The outlook from one day: frames for the report, all money in whole cents.

    months       a row per month: days, cash_cents = existing_cents + billing_cents + other_cents + announced_cents,
                 low_cents and high_cents (the band that holds `level` of the drawn paths), charge_cents expected
    through      cash from the as-of day through each month, with its own band (narrower than the sum of bands)
    payers       as `months`, by client and payer; patients are the payer "patient"
    receivable   by client, party and payer: open_cents today, collectible_cents of it in the end,
                 collectible_share
    curves       by client, party and payer: share of a dollar owed that was paid (cash), adjusted, written_off,
                 passed_on or is open, by day
    """

    as_of: dt.date
    level: float
    seed: int
    months: pd.DataFrame
    through: pd.DataFrame
    payers: pd.DataFrame
    receivable: pd.DataFrame
    curves: pd.DataFrame


def outlook(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    months: int = 6,
    level: float = 0.8,
    seed: int = 1,
    billing: pd.DataFrame | None = None,
) -> Outlook:
    """Expected cash of the months after `as_of`, by payer, with a band.

    Formula
        cash = existing + billing + other, summed over the days of the month
        existing: every balance of today, by its age and payer: f(d) / S(age), the share of
        dollars still owed at that age which is paid d days on; what is passed on to
        secondary or patient goes on from age 0 there
        billing: charges expected by day through the same curves (convolution)
        year's end: of what insurers would pay from 24 December to 1 January a share comes the weeks after, as the
        client's own year ends show (`seasons.pause_share`); before one was seen none, and the band says that it may
        other: copays at the desk and unapplied money, less refunds and takebacks, at the past year's rates
        announced: less what payers said they take back and no check has taken yet (to_come_cents of
        `measures.payers.taken_back`), from their next money on, never more than that; the band moves with it
        band: the paths' quantiles; each path adds to the expected cash errors like those of past calendar
        months (all remittances of a month together; normal with their covariance, in Student's t, as they are few), of
        their mean, of past billing and of its course, and of a year's end that was never seen
    Counts
        Postings known on `as_of`. Curves: balances of the past 365 days; small payers drawn towards the
        client. Billing: level of the past 182 days by working day, with the client's growth and season, unless
        `billing` (month, charge_cents) says otherwise. A month under way counts from the day after `as_of`.
    Date basis
        posting date
    Unit
        cents; days is a count; `level` and shares 0 to 1
    Empty
        Less than 91 days of postings are refused.
    Source
        our own; the same `seed` gives the same band

    >>> from rcm_analysis.examples.cash import example_daily_charges
    >>> found = outlook(example_daily_charges(), as_of=dt.date(2026, 6, 30), months=2)
    >>> found.months[["month", "days"]].assign(dollars=(found.months["cash_cents"] + 50) // 100).to_string(
    ...     index=False, header=False
    ... )
    '2026-07-01 31 1861\\n2026-08-01 31 1868'
    """
    if not (isinstance(months, int) and 1 <= months <= MOST_MONTHS):
        raise ParameterError(f"`months` should be a whole number from 1 to {MOST_MONTHS}; found {months!r}.")
    if not 0 < level < 1:
        raise ParameterError(f"`level` should lie between 0 and 1, such as 0.8; found {level!r}.")
    if billing is not None:
        return _from(tables, as_of, months, level, seed, billing)
    parts = {name: _part(tables, as_of=as_of, months=months, level=level, seed=seed, name=name) for name in _FRAMES}
    return Outlook(as_of, level, seed, **parts)


_FRAMES = ("months", "through", "payers", "receivable", "curves")


@kept
def _part(
    tables: Mapping[str, Any], *, as_of: dt.date, months: int, level: float, seed: int, name: str
) -> pd.DataFrame:
    return getattr(_whole(tables, as_of=as_of, months=months, level=level, seed=seed), name)


@kept
def _whole(tables: Mapping[str, Any], *, as_of: dt.date, months: int, level: float, seed: int) -> Outlook:
    return _from(tables, as_of, months, level, seed, None)


def _from(
    tables: Mapping[str, Any], as_of: dt.date, months: int, level: float, seed: int, billing: pd.DataFrame | None
) -> Outlook:
    first = Period.of(as_of + dt.timedelta(days=1))
    periods = [first.shift(number) for number in range(months)]
    flows = read_flows(tables, as_of=as_of)
    ends = np.array([day_of(period.last_day) for period in periods])
    found = forecast(
        flows,
        as_of=day_of(as_of),
        month_ends=ends,
        paths=PATHS,
        seed=seed,
        billing=None if billing is None else _billing(billing, periods),
    )
    payers = _less_announced(_payers(flows, found, periods, as_of, level), tables, as_of)
    return Outlook(
        as_of,
        level,
        seed,
        _months(payers, found, level),
        _through(payers, found, level),
        payers,
        _receivable(flows, found),
        _curves(flows, found),
    )


def _payers(flows: Flows, found: Forecast, periods: list[Period], as_of: dt.date, level: float) -> pd.DataFrame:
    """By client, payer and month: the parts in whole cents, and the band."""
    keys = flows.streams[["client", "payer"]]
    number = keys.groupby(["client", "payer"]).ngroup().to_numpy()
    names = keys.drop_duplicates().sort_values(["client", "payer"], ignore_index=True)
    pick = np.eye(len(names))[number]
    drawn = np.einsum("pms,sk->pmk", found.paths, pick)
    low, high = np.quantile(drawn, _tails(level), axis=0)
    parts = np.einsum("msq,sk->mkq", found.cash, pick)
    frames = []
    for place, period in enumerate(periods):
        start = max(period.first_day, as_of + dt.timedelta(days=1))
        cents = {f"{name}_cents": _cents(parts[place, :, part]) for part, name in enumerate(PARTS)}
        charged = _cents(found.charges[place] @ pick)
        frames.append(
            names.assign(
                month=pd.Timestamp(period.first_day),
                days=(period.end - start).days,
                **cents,
                cash_cents=sum(cents.values()),
                low_cents=_cents(low[place]),
                high_cents=_cents(high[place]),
                charge_cents=charged,
            )
        )
    out = pd.concat(frames, ignore_index=True)
    out["month"] = out["month"].astype("datetime64[us]")
    columns = [
        "client",
        "payer",
        "month",
        "days",
        "cash_cents",
        "low_cents",
        "high_cents",
        *[f"{name}_cents" for name in PARTS],
        "charge_cents",
    ]
    return out[columns].sort_values(["client", "payer", "month"], ignore_index=True)


def _less_announced(payers: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The rows less what each payer has announced to take back, from its next money on."""
    out = payers.assign(announced_cents=0)
    if any(optional(tables, name) is None for name in TOLD_IN):
        return out
    told = takebacks(tables, as_of=as_of)
    for (client, payer), rest in told.groupby(["client", "payer"])["to_come_cents"].sum().items():
        for row in out.index[(out["client"] == client) & (out["payer"] == payer)]:
            part = min(rest, max(out.at[row, "cash_cents"], 0))
            out.at[row, "announced_cents"], rest = -part, rest - part
    for name in ("cash_cents", "low_cents", "high_cents"):
        out[name] += out["announced_cents"]
    return out


def _months(payers: pd.DataFrame, found: Forecast, level: float) -> pd.DataFrame:
    sums = ["cash_cents", *[f"{name}_cents" for name in (*PARTS, "announced")], "charge_cents"]
    out = payers.groupby("month", as_index=False).agg({"days": "first", **dict.fromkeys(sums, "sum")})
    low, high = np.quantile(found.paths.sum(axis=2), _tails(level), axis=0)
    out.insert(3, "low_cents", _cents(low) + out["announced_cents"])
    out.insert(4, "high_cents", _cents(high) + out["announced_cents"])
    return out


def _through(payers: pd.DataFrame, found: Forecast, level: float) -> pd.DataFrame:
    out = payers.groupby("month", as_index=False).agg({"days": "first", "cash_cents": "sum", "announced_cents": "sum"})
    out[["days", "cash_cents", "announced_cents"]] = out[["days", "cash_cents", "announced_cents"]].cumsum()
    low, high = np.quantile(found.paths.sum(axis=2).cumsum(axis=1), _tails(level), axis=0) + [out["announced_cents"]]
    return out.assign(low_cents=_cents(low), high_cents=_cents(high)).drop(columns="announced_cents")


def _receivable(flows: Flows, found: Forecast) -> pd.DataFrame:
    out = flows.streams.assign(
        open_cents=_cents(found.curves.open_by_age.sum(axis=1)), collectible_cents=_cents(found.collectible)
    )
    share = out["collectible_cents"] / out["open_cents"].where(out["open_cents"] > 0)
    return out.assign(collectible_share=share.astype("float64"))


def _curves(flows: Flows, found: Forecast) -> pd.DataFrame:
    frames = [
        incidence_of(found.curves, number)
        .head(CURVE_DAYS + 1)
        .assign(client=row.client, party=row.party, payer=row.payer)
        for number, row in enumerate(flows.streams.itertuples())
    ]
    out = pd.concat(frames, ignore_index=True)
    return out[["client", "party", "payer", *[name for name in out if name not in ("client", "party", "payer")]]]


def _billing(billing: pd.DataFrame, periods: list[Period]) -> np.ndarray:
    missing = [name for name in ("month", "charge_cents") if name not in billing]
    if missing:
        raise TableError(
            f"The billing forecast lacks the columns {', '.join(missing)}; it needs month and charge_cents."
        )
    stated = (
        billing.assign(month=pd.to_datetime(billing["month"]).dt.strftime("%Y-%m"))
        .groupby("month")["charge_cents"]
        .sum()
    )
    absent = [period.label for period in periods if period.label not in stated.index]
    if absent:
        raise ParameterError(
            f"The billing forecast lacks {', '.join(absent)}; give every month of the outlook, or leave it out."
        )
    if (stated < 0).any():
        raise ParameterError(
            f"charge_cents of the billing forecast should be zero or more; found {(stated < 0).sum()} months "
            "below zero."
        )
    return np.array([float(stated[period.label]) for period in periods])


def _tails(level: float) -> list[float]:
    return [(1 - level) / 2, (1 + level) / 2]


def _cents(values: np.ndarray) -> np.ndarray:
    return half_up(pd.Series(values)).astype("int64").to_numpy()
