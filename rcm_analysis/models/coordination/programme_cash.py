"""The cash of a care-coordination programme in the next months: of months billed, given, and to come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ...ledger.ratios import half_up, ratio
from ...measures.coordination.stages import MONTH, SUPPORT, care_claims, member_months, register, within
from ...periods import Period
from ..statistics.estimators import OPEN, cumulative_incidence

WINDOW_DAYS = 365
FEWEST = 20
PARTS = ["billed_cents", "to_bill_cents", "to_come_cents", "taken_back_cents"]


def programme_outlook(tables: Mapping[str, Any], *, as_of: dt.date, months: int = 6) -> pd.DataFrame:
    """What will reach us month by month, if members, rates and everybody's pace stay as they are.

    Formula
        billed_cents      amount x net share x chance to be paid in that month, given its days since the upload
        to_bill_cents     the same after the chance and the days to be uploaded, for months opened and not billed
        to_come_cents     the same for months not opened yet: this month's members again in every month to come
        taken_back_cents  - taken-back share x the three above
        cash_cents        the sum of the four
    Counts
        Chances and days are measured on what was uploaded (opened) in the 365 days before `as_of`, with denials (closed
        windows) as the other end and open ones as open (Aalen-Johansen), for each payer with 20 paid bills or more.
        net share: what reached us of what was billed; taken-back share: taken back of what reached us; both of the
        same 365 days. Denied bills that will be billed again are not counted before they are.
    Date basis
        the day of the payment to us
    Unit
        cents
    Empty
        Nothing was ever paid to us: no row, for there is nothing to measure.
    Source
        our own; Aalen and Johansen (1978)

    >>> from rcm_analysis.examples.coordination import example_coordination
    >>> len(programme_outlook(example_coordination(), as_of=dt.date(2026, 10, 31)))
    0
    """
    columns = ["month", *PARTS, "cash_cents"]
    bills = care_claims(tables, as_of=as_of)
    recent = bills[bills["uploaded_on"] > pd.Timestamp(as_of) - pd.Timedelta(days=WINDOW_DAYS)]
    paid = recent[recent["stage"] == "paid"]
    if paid.empty:
        return pd.DataFrame(columns=columns)
    months_ahead = [Period.of(as_of).shift(step) for step in range(1, months + 1)]
    pace = _Pace(tables, recent, as_of, (months_ahead[-1].last_day - as_of).days)
    rows = member_months(tables, as_of=as_of)
    net = _share(paid["agency_paid_cents"], paid["billed_cents"])
    daily = {
        "billed_cents": _of_bills(rows, pace),
        "to_bill_cents": _to_bill(tables, rows, pace),
        "to_come_cents": _to_come(rows, pace, months_ahead),
    }
    days = pd.date_range(as_of + dt.timedelta(days=1), periods=pace.days).strftime("%Y-%m")
    out = pd.DataFrame({"month": [month.label for month in months_ahead]})
    for name, cents in daily.items():
        out[name] = half_up(out["month"].map(pd.Series(cents * net).groupby(days).sum()))
    back = _taken_back_share(tables, bills, as_of)
    out["taken_back_cents"] = -half_up(out[PARTS[:3]].sum(axis=1) * back)
    return out.assign(cash_cents=out[PARTS].sum(axis=1))[columns]


def _share(part: pd.Series, whole: pd.Series) -> float:
    """One sum over another; nothing of nothing is 0."""
    return ratio(part.sum(), whole.sum()) if whole.sum() else 0.0


class _Pace:
    """How fast opened months are uploaded, and by payer how fast bills are paid to us; both with their other end."""

    def __init__(self, tables: Mapping[str, Any], bills: pd.DataFrame, as_of: dt.date, days: int) -> None:
        self.as_of, self.days = as_of, days
        self.upload = _uploading(tables, as_of)
        self._all = self._measured(bills)
        self._own = {
            payer: self._measured(part)
            for payer, part in bills.groupby("payer")
            if (part["stage"] == "paid").sum() >= FEWEST
        }

    def _measured(self, bills: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        ends = bills["stage"].where(bills["stage"].isin(["paid", "denied"]), OPEN)
        last = bills["since"].where(ends != OPEN, pd.Timestamp(self.as_of))
        table = cumulative_incidence((last - bills["uploaded_on"]).dt.days.clip(lower=0), ends)
        return table["paid"].to_numpy(), table[OPEN].to_numpy()

    def age(self, days: pd.Series) -> pd.Series:
        return (pd.Timestamp(self.as_of) - days).dt.days

    def paid(self, payer: str, age: int) -> np.ndarray:
        """The chance to be paid on each of the days ahead, for an open bill so many days after its upload."""
        return _ahead(self._own.get(payer, self._all), age, self.days)

    def uploaded_and_paid(self, payer: str, age: int, wait: int = 0) -> np.ndarray:
        """The same for a month that is still to be uploaded, that is so old, or opens in `wait` days."""
        sent = _ahead(self.upload, age, self.days - wait)
        return np.concatenate([np.zeros(wait), np.convolve(sent, self.paid(payer, 0))[: self.days - wait]])


def _ahead(table: tuple[np.ndarray, np.ndarray], age: int, days: int) -> np.ndarray:
    """The chance to end on each of the next days, for one that is open at this age; at age 0 day 0 belongs to the
    first."""
    done, still_open = table
    at = done[np.minimum(np.arange(age, age + days + 1), len(done) - 1)]
    left = still_open[min(age, len(still_open) - 1)] if age else 1.0
    if age == 0 and len(at):
        at = np.concatenate([[0.0], at[1:]])
    return np.diff(at) / left if left > 0 else np.zeros(days)


def _uploading(tables: Mapping[str, Any], as_of: dt.date) -> tuple[np.ndarray, np.ndarray]:
    """The share of opened months uploaded by each day after the opening, and the share still open."""
    rows = register(tables, "billing_support", ["enrolment_id", "month"], SUPPORT, as_of)
    rows = rows[rows["opened_on"] > pd.Timestamp(as_of) - pd.Timedelta(days=WINDOW_DAYS)]
    ends = np.select([rows["uploaded_on"].notna(), rows["missed_on"].notna()], ["paid", "denied"], OPEN)
    ended = rows["uploaded_on"].fillna(rows["missed_on"]).fillna(pd.Timestamp(as_of))
    table = cumulative_incidence((ended - rows["opened_on"]).dt.days.clip(lower=0), pd.Series(ends))
    return table["paid"].to_numpy(), table[OPEN].to_numpy()


def _of_bills(rows: pd.DataFrame, pace: _Pace) -> np.ndarray:
    waiting = rows[rows["stage"].isin(["uploaded", "lead_billed", "paid_to_lead"])]
    sums = waiting["amount_cents"].groupby([waiting["payer"], pace.age(waiting["uploaded_on"])]).sum()
    return _added((cents * pace.paid(payer, int(age)) for (payer, age), cents in sums.items()), pace.days)


def _to_bill(tables: Mapping[str, Any], rows: pd.DataFrame, pace: _Pace) -> np.ndarray:
    opened = register(tables, "billing_support", ["enrolment_id", "month"], ["opened_on"], pace.as_of)
    waiting = rows[rows["stage"].isin(["given", "documented"])].merge(opened, on=MONTH)
    sums = waiting["amount_cents"].groupby([waiting["payer"], pace.age(waiting["opened_on"])]).sum()
    return _added((cents * pace.uploaded_and_paid(payer, int(age)) for (payer, age), cents in sums.items()), pace.days)


def _to_come(rows: pd.DataFrame, pace: _Pace, ahead: list[Period]) -> np.ndarray:
    """Months not opened yet, and the last month's members again in every month ahead; each opens when it is over."""
    by_month = rows[rows["stage"] == "not_opened"].groupby(["month", "payer"])["amount_cents"].sum()
    sums = dict(by_month.items())
    for payer, cents in by_month.get(by_month.index.get_level_values("month").max(), pd.Series(dtype="int64")).items():
        sums |= {(month.label, payer): cents for month in ahead}
    waits = {label: max((Period.month(label).last_day - pace.as_of).days, 0) for label, _ in sums}
    parts = (
        cents * pace.uploaded_and_paid(payer, 0, waits[label])
        for (label, payer), cents in sums.items()
        if waits[label] < pace.days
    )
    return _added(parts, pace.days)


def _added(parts: Iterable[np.ndarray], days: int) -> np.ndarray:
    return sum(parts, np.zeros(days))


def _taken_back_share(tables: Mapping[str, Any], bills: pd.DataFrame, as_of: dt.date) -> float:
    year = Period.days_ending(as_of, WINDOW_DAYS)
    back = register(tables, "care_recoupments", ["care_claim_id"], ["taken_on"], as_of, numbers=["amount_cents"])
    return _share(
        back.loc[within(back["taken_on"], year), "amount_cents"],
        bills.loc[within(bills["agency_paid_on"], year), "agency_paid_cents"],
    )
