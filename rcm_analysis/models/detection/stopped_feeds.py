"""Feeds that stopped: a kind of file that used to come in a rhythm of its own, and has not come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

RHYTHM_DAYS, LEAST_GAPS, USUAL_QUANTILE, MOST_GRACE = 365, 6, 0.95, 7


def stopped_feeds(days: Mapping[str, Sequence[dt.date]], *, as_of: dt.date) -> pd.DataFrame:
    """Kinds of files that have been silent for longer than their own rhythm allows.

    Formula
        gaps = days between one file's last day and the next one's, over the year up to the last of them
        usual_days = the gap that nineteen of twenty did not exceed (95th percentile, the lower of two)
        allowed_days = usual_days and as much again, at most seven days more
        stopped where as_of - last_on exceeds allowed_days
    Counts
        `days`: by kind of file the days up to which its files reach, by `as_of`; a day counts once. A kind with
        fewer than six gaps in the year has no rhythm yet and is never said to have stopped.
    Unit
        days
    Empty
        Nothing stopped: no row.
    Source
        our own. One long silence in the past does not make the next one usual, as a percentile is not moved by it.

    >>> fridays = [dt.date(2026, 1, 2) + dt.timedelta(weeks=week) for week in range(8)]
    >>> stopped_feeds({"remittances": fridays}, as_of=dt.date(2026, 3, 6)).empty
    True
    >>> stopped_feeds({"remittances": fridays}, as_of=dt.date(2026, 3, 7))
              feed    last_on  usual_days  allowed_days  silent_days
    0  remittances 2026-02-20           7            14           15
    """
    rows = []
    for feed, each in sorted(days.items()):
        known = sorted({day for day in each if day <= as_of})
        recent = [day for day in known if (known[-1] - day).days <= RHYTHM_DAYS]
        gaps = np.diff([day.toordinal() for day in recent])
        if len(gaps) < LEAST_GAPS:
            continue
        usual = int(np.quantile(gaps, USUAL_QUANTILE, method="lower"))
        allowed, silent = usual + min(usual, MOST_GRACE), (as_of - recent[-1]).days
        if silent > allowed:
            rows.append((feed, pd.Timestamp(recent[-1]), usual, allowed, silent))
    return pd.DataFrame(rows, columns=["feed", "last_on", "usual_days", "allowed_days", "silent_days"])
