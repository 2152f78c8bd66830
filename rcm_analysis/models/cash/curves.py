"""How fast dollars that are owed turn into cash, by age, payer and party, and the projection of balances day by day.

Per dollar the curves are those of `estimators.cumulative_incidence`: of the dollars owed by a party at an
age, the share that on this day is paid, adjusted away, written off or passed on to the next party.
They rest on the balances of a recent window only (older dollars enter it at the age they have), and
small streams are drawn towards all streams of their party by `shrinkage`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..statistics.estimators import incidence_table
from ..statistics.shrinkage import counts_of, prior_claims_between, shrunk
from .flows import EXITS, PARTY_ORDER, PATIENT, SELF_PAY, Flows

LONGEST_AGE = 730
"""Ages beyond two years share the hazard of the last days before it."""

STEP_EDGES = np.array([*range(0, 45), *range(45, 120, 7), *range(120, LONGEST_AGE, 30), LONGEST_AGE])
"""Hazards are taken by day up to age 45, by week up to 120, by month after that: few dollars are left there."""

_AS_ENDS = dict(zip(("paid", "denied", "written_off", "patient"), EXITS, strict=True))


@dataclass(frozen=True)
class Curves:
    """What is known by a day: `hazard[stream, age, exit]`, where dollars are passed on to, and cash outside balances.

    `passed_to[source, target]` is the share of dollars passed on that come to be owed there;
    `ahead_of_charges` the patients' cash ahead per dollar charged (by client's patient stream);
    `ahead_of_cash` insurers' takebacks, and money beyond balances, per dollar of their cash;
    `weekday` the share of cash by day of the week; `open_by_age` the balances on the day;
    `prior_claims` what the common curve of its party was worth, in claims.
    """

    hazard: np.ndarray
    passed_to: np.ndarray
    ahead_of_charges: np.ndarray
    ahead_of_cash: np.ndarray
    weekday: np.ndarray
    open_by_age: np.ndarray
    prior_claims: np.ndarray


def fit_curves(flows: Flows, *, as_of: int, window_days: int = 365) -> Curves:
    """The curves of every stream from the balances of the `window_days` days that end with `as_of`.

    Formula
        hazard(age, exit) = dollars that ended so at the age / dollars owed at the age, in the window
    Counts
        Moves posted by `as_of`; dollars still owed on `as_of` are censored, those already owed when
        the window begins enter it at the age they have then.
    Unit
        shares per day; `as_of` is a day number
    """
    at_risk, ended = _exposure(flows, as_of, window_days)
    hazard, prior_claims = _hazards(flows, as_of, at_risk, ended)
    recent = _recent(flows, as_of, window_days)
    streams = len(flows.streams)
    passed_to = _passed_to(flows, recent, streams)
    cash, ahead, charges = _cash_sums(flows, as_of, window_days, streams)
    ahead_of_charges, ahead_of_cash = _ahead_rates(flows.streams, cash, ahead, charges)
    weekday = _weekday_shares(flows, as_of, window_days, streams)
    return Curves(
        hazard, passed_to, ahead_of_charges, ahead_of_cash, weekday, open_by_age(flows, as_of=as_of), prior_claims
    )


def open_by_age(flows: Flows, *, as_of: int) -> np.ndarray:
    """Balances above zero at the end of `as_of`, by stream and age.

    Unit
        cents
    """
    balance, age = _open_items(flows, as_of)
    out = np.zeros((len(flows.streams), LONGEST_AGE))
    np.add.at(out, (flows.item_stream, np.clip(age, 0, LONGEST_AGE - 1)), balance)
    return out


def project(curves: Curves, opening: np.ndarray, charges: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Cash by group, day and stream: balances age by a day, part of them ends, what is passed on begins anew.

    Formula
        ended(exit) = balance(age) x hazard(age, exit), every day, for each age; cash is the first exit
    Counts
        Group 0 holds `opening` (what is owed at the start); the charges of day d, by stream, are put
        into group `group[d]`. Dollars stay in their group when they are passed on.
    Unit
        cents per day
    """
    groups, days = int(group.max(initial=0)) + 1, len(charges)
    balance = np.zeros((groups, *opening.shape))
    balance[0] = opening
    cash_rate, pass_rate = curves.hazard[:, :, 0], curves.hazard[:, :, 3]
    stay = 1.0 - curves.hazard.sum(axis=2)
    cash = np.zeros((groups, days, len(opening)))
    for day in range(days):
        _grow_older(balance)
        balance[group[day], :, 0] += charges[day]
        passed = (balance * pass_rate).sum(axis=2) @ curves.passed_to
        balance[:, :, 0] += passed
        # What was passed on today may be passed on again today, by the secondary; no further.
        passed = (passed * pass_rate[:, 0]) @ curves.passed_to
        balance[:, :, 0] += passed
        cash[:, day] = (balance * cash_rate).sum(axis=2)
        balance *= stay
    return cash


def value_of_dollar(curves: Curves) -> np.ndarray:
    """What a dollar owed at an age brings in cash in the end, by stream and age, wherever it is passed on to.

    Formula
        value(age) = cash(age) + passed on(age) x value at age 0 there + stays(age) x value(age + 1)
    Unit
        dollars per dollar, 0 to 1
    """
    cash_rate, pass_rate = curves.hazard[:, :, 0], curves.hazard[:, :, 3]
    total = curves.hazard.sum(axis=2)
    value = np.zeros(total.shape)
    for _ in range(len(PARTY_ORDER)):
        gain = cash_rate + pass_rate * (curves.passed_to @ value[:, 0])[:, None]
        last = np.divide(gain[:, -1], total[:, -1], out=np.zeros(len(gain)), where=total[:, -1] > 0)
        for age in range(gain.shape[1] - 1, -1, -1):
            last = gain[:, age] + (1 - total[:, age]) * last
            value[:, age] = last
    return np.clip(value, 0, 1)


def on_weekdays(cash: np.ndarray, curves: Curves, *, first_day: int) -> np.ndarray:
    """The same cash on the days of the week on which each stream's money arrives.

    Formula
        the cash of a day is spread over the seven days around it by their weekday's share; days
        before the first are left out, and the rest takes their part: no dollar is lost, except
        over the far end, which should lie some days after what is of interest
    Unit
        cents per day; the last two axes are day and stream
    """
    days = cash.shape[-2]
    offsets = np.arange(-3, 4)
    target = np.arange(days)[:, None] + offsets
    share = curves.weekday[:, (target + first_day + 3) % 7] * (target >= 0)
    total = share.sum(axis=2, keepdims=True)
    share = np.where(total > 0, share / np.where(total > 0, total, 1), (offsets == 0) * 1.0)
    out = np.zeros_like(cash)
    for place, offset in enumerate(offsets):
        to = slice(max(offset, 0), days + min(offset, 0))
        of = slice(max(-offset, 0), days - max(offset, 0))
        out[..., to, :] += cash[..., of, :] * share[:, of, place].T
    return out


def incidence_of(curves: Curves, stream: int) -> pd.DataFrame:
    """The curve of one stream as a table: share of a dollar owed that ended in each way by each age.

    Unit
        shares, 0 to 1
    """
    hazard = curves.hazard[stream]
    table = incidence_table(np.ones(len(hazard)), {name: hazard[:, place] for place, name in enumerate(EXITS)})
    return table.drop(columns="at_risk")


def _grow_older(balance: np.ndarray) -> None:
    balance[:, :, -1] += balance[:, :, -2]
    balance[:, :, 1:-1] = balance[:, :, :-2].copy()
    balance[:, :, 0] = 0.0


def _open_items(flows: Flows, day: int) -> tuple[np.ndarray, np.ndarray]:
    """Balance and age of every item at the end of a day."""
    known = flows.day <= day
    items = len(flows.item_stream)
    balance = np.bincount(flows.item[known], flows.net[known], items)
    start = np.full(items, day)
    start[flows.item] = flows.start
    return np.where(np.abs(balance) < 0.5, 0.0, np.clip(balance, 0, None)), day - np.minimum(start, day)


def _recent(flows: Flows, as_of: int, window_days: int) -> np.ndarray:
    return (flows.day <= as_of) & (flows.day > as_of - window_days)


def _exposure(flows: Flows, as_of: int, window_days: int) -> tuple[np.ndarray, np.ndarray]:
    """Dollars owed at each age, and ended at it by exit, in the window; by stream."""
    streams = len(flows.streams)

    def by_age(stream: np.ndarray, age: np.ndarray, cents: np.ndarray) -> np.ndarray:
        place = stream * (LONGEST_AGE + 1) + np.clip(age, 0, LONGEST_AGE)
        return np.bincount(place, cents, streams * (LONGEST_AGE + 1)).reshape(streams, -1).astype(float)

    rows = _recent(flows, as_of, window_days) & (flows.day >= flows.start)
    stream, age = flows.stream[rows], (flows.day - flows.start)[rows]
    ended = np.stack([by_age(stream, age, flows.out[rows, place]) for place in range(len(EXITS))], axis=2)
    came = by_age(stream, age, flows.began[rows])
    before, before_age = _open_items(flows, as_of - window_days)
    after, after_age = _open_items(flows, as_of)
    came += by_age(flows.item_stream, before_age + 1, before)
    left = ended.sum(axis=2) + by_age(flows.item_stream, after_age, after)
    at_risk = came.cumsum(axis=1) - np.concatenate([np.zeros((streams, 1)), left.cumsum(axis=1)[:, :-1]], axis=1)
    at_risk = np.where(at_risk < 0.5, 0.0, at_risk)[:, :LONGEST_AGE]
    return at_risk, np.minimum(ended[:, :LONGEST_AGE], at_risk[:, :, None])


def _stepped(values: np.ndarray) -> np.ndarray:
    """Values by age, averaged within the steps of `STEP_EDGES`."""
    widths = np.diff(STEP_EDGES)
    means = np.add.reduceat(values, STEP_EDGES[:-1], axis=0)
    widths = widths.reshape(-1, *[1] * (values.ndim - 1))
    return np.repeat(means / widths, np.diff(STEP_EDGES), axis=0)


def _hazards(flows: Flows, as_of: int, at_risk: np.ndarray, ended: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hazard = np.zeros((*at_risk.shape, len(EXITS)))
    worth = np.zeros(len(at_risk))
    groups = flows.streams.groupby(["client", "party"]).indices
    known = flows.day <= as_of
    cents = np.bincount(flows.stream[known], flows.began[known], len(flows.streams))
    items = np.bincount(flows.item_stream[np.unique(flows.item[known])], minlength=len(flows.streams))
    for members in groups.values():
        size = cents[members].sum() / max(items[members].sum(), 1)
        if size <= 0:
            continue
        tables = {number: _table(at_risk[number] / size, ended[number] / size) for number in members}
        common = _table(at_risk[members].sum(axis=0) / size, ended[members].sum(axis=0) / size)
        worth[members] = prior_claims_between(tables, common) if len(members) > 1 else 0.0
        for number in members:
            counts, ends = counts_of(shrunk(tables[number], common, prior_claims=worth[number]))
            for place, name in enumerate(_AS_ENDS):
                hazard[number, :, place] = np.divide(ends[name], counts, out=np.zeros(len(counts)), where=counts > 0)
    total = hazard.sum(axis=2, keepdims=True)
    return hazard / np.maximum(total, 1.0), worth


def _table(at_risk: np.ndarray, ended: np.ndarray) -> pd.DataFrame:
    risk, ends = _stepped(at_risk), _stepped(ended)
    return incidence_table(risk, {name: ends[:, place] for place, name in enumerate(_AS_ENDS)})


def _passed_to(flows: Flows, recent: np.ndarray, streams: int) -> np.ndarray:
    """Share of the dollars that a stream passes on, by the stream in which they begin anew; sums to at most 1."""
    source = flows.item_source[flows.item]
    rows = recent & (source >= 0)
    came = np.zeros((streams, streams))
    np.add.at(came, (source[rows], flows.stream[rows]), flows.began[rows])
    passed = np.bincount(flows.stream[recent], flows.out[recent, 3], streams)
    share = np.divide(came, passed[:, None], out=np.zeros_like(came), where=passed[:, None] > 0)
    return share / np.maximum(share.sum(axis=1, keepdims=True), 1.0)


def _cash_sums(flows: Flows, as_of: int, window_days: int, streams: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = (flows.cash_day <= as_of) & (flows.cash_day > as_of - window_days)
    ahead = np.bincount(flows.cash_stream[rows], flows.ahead_cents[rows], streams)
    cash = np.bincount(flows.cash_stream[rows], flows.cash_cents[rows], streams) - ahead
    charged = (flows.charge_day <= as_of) & (flows.charge_day > as_of - window_days)
    return cash, ahead, np.bincount(flows.charge_stream[charged], flows.charge_cents[charged], streams)


def _ahead_rates(
    streams: pd.DataFrame, cash: np.ndarray, ahead: np.ndarray, charges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    is_patient = streams["party"].isin([PATIENT, SELF_PAY]).to_numpy()
    whole = pd.Series(charges).groupby(streams["client"]).transform("sum").to_numpy()
    of_charges = np.where(is_patient & (whole > 0), ahead / np.where(whole > 0, whole, 1), 0.0)
    of_cash = np.where(~is_patient & (cash > 0), ahead / np.where(cash > 0, cash, 1), 0.0)
    return of_charges, of_cash


def _weekday_shares(flows: Flows, as_of: int, window_days: int, streams: int) -> np.ndarray:
    rows = (flows.cash_day <= as_of) & (flows.cash_day > as_of - window_days) & (flows.cash_cents > 0)
    place = flows.cash_stream[rows] * 7 + (flows.cash_day[rows] + 3) % 7
    sums = np.bincount(place, flows.cash_cents[rows], streams * 7).reshape(streams, 7)
    total = sums.sum(axis=1, keepdims=True)
    return np.where(total > 0, sums / np.where(total > 0, total, 1), 1 / 7)
