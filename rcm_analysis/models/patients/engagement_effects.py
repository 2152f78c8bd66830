"""The review loop: what was found, what was changed, and what the rate has done since, with its interval.

Before and after is a weak proof: rates drift, and what was bad enough to be noticed tends to get better by
itself (regression to the mean). So each change stands beside its interval, and beside the other places
where it was made at one place only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.postings import optional
from ...measures.engagement.appointments import late_cancel_rate, no_show_rate
from ...measures.engagement.care_risk import intake_completeness, social_needs_asked
from ...measures.engagement.experience import feedback_answered_in_time, wilson
from ...periods import Period
from ...tables.frames import collect, source

WINDOW_DAYS = 180
FEWEST_DAYS = 28
RATES: dict[str, tuple[Callable[..., pd.DataFrame], str, str, str]] = {
    "no_show": (no_show_rate, "no_shows", "slots", "down"),
    "late_cancel": (late_cancel_rate, "late_cancels", "slots", "down"),
    "social_needs": (social_needs_asked, "asked", "forms", "up"),
    "intake": (intake_completeness, "complete", "forms", "up"),
    "response_time": (feedback_answered_in_time, "in_time", "due", "up"),
}
"""What a change may move: the measure, its counts, and which way is good. Other names have no effect shown."""
NEEDS = {
    "no_show": "appointments",
    "late_cancel": "appointments",
    "social_needs": "intakes",
    "intake": "intakes",
    "response_time": "feedback",
}


def review_loop(tables: Mapping[str, Any], *, as_of: dt.date, window: int = WINDOW_DAYS) -> pd.DataFrame:
    """Every change made after a review with the rate before and since: one row a change, in order of its start.

    Formula
        effect = rate since - rate before; low, high = Newcombe's interval of a difference of two shares
    Counts
        Changes of `programme_changes` decided by `as_of`, and actions whose category names one of `RATES`
        (they hold from the day they were closed). before: up to `window` days before the start; since:
        from the start to `as_of`, `window` days at most; at the change's place. others_effect: the same
        at all other places, where the change was made at one. Less than four weeks since the start,
        or a measure that is not in `RATES`: no effect is shown.
    Unit
        rates 0 to 1; is_better: the whole interval lies on the good side, is_worse: on the other
    Empty
        No change: no row.
    Source
        R. Newcombe, Interval estimation for the difference between proportions, Statistics in Medicine 17, 1998
    """
    changes = _changes(tables, as_of)
    rows = [{**change, **_effect(tables, change, as_of, window)} for change in changes.to_dict("records")]
    columns = [
        *changes.columns,
        "count_before",
        "of_before",
        "count_since",
        "of_since",
        "rate_before",
        "rate_since",
        "effect",
        "low",
        "high",
        "others_effect",
        "is_better",
        "is_worse",
    ]
    return pd.DataFrame(rows, columns=columns)


def difference(count_before: int, of_before: int, count_since: int, of_since: int) -> tuple[float, float, float]:
    """The difference of two shares with Newcombe's interval; empty where one of them has no denominator.

    >>> effect, low, high = difference(20, 100, 10, 100)
    >>> f"{effect:.2f} {low:.3f} {high:.3f}"
    '-0.10 -0.199 -0.000'
    """
    if not of_before or not of_since:
        return (np.nan,) * 3
    before, since = count_before / of_before, count_since / of_since
    low, high = wilson(pd.Series([count_before, count_since]), pd.Series([of_before, of_since]))
    effect = since - before
    return (
        effect,
        effect - float(np.hypot(since - low[1], high[0] - before)),
        effect + float(np.hypot(high[1] - since, before - low[0])),
    )


def _changes(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    columns = ["started_on", "decided_on", "measure", "location", "issue", "change"]
    parts = []
    if optional(tables, "programme_changes") is not None:
        rows = source(tables, "programme_changes", columns).filter(nw.col("decided_on") <= as_of)
        parts.append(
            _text(collect(rows, ["measure", "location", "issue", "change"], dates=["decided_on", "started_on"]))
        )
    if optional(tables, "actions") is not None:
        rows = source(tables, "actions", ["opened_on", "closed_on", "title", "category"]).filter(
            nw.col("category").is_in(list(RATES)), nw.col("opened_on") <= as_of
        )
        done = collect(rows, ["title", "category"], dates=["opened_on", "closed_on"])
        parts.append(
            pd.DataFrame(
                {
                    "started_on": done["closed_on"],
                    "decided_on": done["opened_on"],
                    "measure": done["category"],
                    "location": "",
                    "issue": "agreed in the action list",
                    "change": done["title"],
                }
            )
        )
    found = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    return found.sort_values(["started_on", "measure", "change"], ignore_index=True)


def _text(changes: pd.DataFrame) -> pd.DataFrame:
    return changes.assign(location=changes["location"].replace("(none)", ""))


def _effect(tables: Mapping[str, Any], change: Mapping[str, Any], as_of: dt.date, window: int) -> dict[str, Any]:
    name, start = change["measure"], change["started_on"]
    if name not in RATES or optional(tables, NEEDS[name]) is None or pd.isna(start):
        return {}
    day = start.date()
    if (as_of - day).days + 1 < FEWEST_DAYS:
        return {}
    before = Period(day - dt.timedelta(days=window), day)
    since = Period(day, min(as_of + dt.timedelta(days=1), day + dt.timedelta(days=window)))
    here, others = zip(*(_counts(tables, name, span, change["location"]) for span in (before, since)), strict=True)
    effect, low, high = difference(*here[0], *here[1])
    other = difference(*others[0], *others[1])[0] if change["location"] else np.nan
    good = 1 if RATES[name][3] == "up" else -1
    rates = [count / of if of else np.nan for count, of in here]
    return {
        "count_before": here[0][0],
        "of_before": here[0][1],
        "count_since": here[1][0],
        "of_since": here[1][1],
        "rate_before": rates[0],
        "rate_since": rates[1],
        "effect": effect,
        "low": low,
        "high": high,
        "others_effect": other,
        "is_better": bool(min(low * good, high * good) > 0),
        "is_worse": bool(max(low * good, high * good) < 0),
    }


def _counts(
    tables: Mapping[str, Any], name: str, period: Period, location: str
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Count and denominator at the place (everywhere without one), and at all others."""
    measure, count, of, _ = RATES[name]
    found = measure(tables, period=period, by=["location"])
    here = found["location"] == location if location else pd.Series(True, index=found.index)
    own, others = ((int(found.loc[where, count].sum()), int(found.loc[where, of].sum())) for where in (here, ~here))
    return own, others
