"""What patients say: fixed survey items with their intervals, and coded feedback with the time it took to answer.

Items are asked in fixed words and counted by their best answers ("top box"); every share comes with
its number of answers and an interval, because a few dozen surveys say little. Free text is not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.postings import one_if, sums
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import NO_VALUE, collect, day_number, days_before, month_of, source
from ..menu import measure

TEN_POINT = ("rating", "would_recommend")
"""Items from 0 to 10: nine and ten are the top box; the others run from 1 to 4, and four is."""

ANSWER_DAYS = 7
LEVEL = 0.95


def wilson(part: pd.Series, whole: pd.Series, *, level: float = LEVEL) -> tuple[pd.Series, pd.Series]:
    """The Wilson interval of each share; empty where the whole is zero.

    >>> low, high = wilson(pd.Series([8]), pd.Series([10]))
    >>> f"{low[0]:.3f} {high[0]:.3f}"
    '0.490 0.943'
    """
    from scipy.stats import binomtest

    nothing = (float("nan"), float("nan"))
    edges = [
        tuple(binomtest(int(k), int(n)).proportion_ci(level, method="wilson")) if n > 0 else nothing
        for k, n in zip(part, whole, strict=True)
    ]
    low, high = zip(*edges, strict=True) if edges else ((), ())
    return pd.Series(low, index=part.index, dtype=float), pd.Series(high, index=part.index, dtype=float)


def _answers(tables: Mapping[str, Any], period: Period, by: Sequence[str]) -> nw.LazyFrame:
    """Answered items of the period with `score` and `by` (the survey's own columns are joined)."""
    rows = source(tables, "survey_answers", ["client", "survey_id", "item", "answered_on", "score"])
    rows = rows.filter(period.holds(nw.col("answered_on")), ~nw.col("score").is_null())
    words = [name for name in by if name not in ("item", "month")]
    if words:
        rows = rows.join(
            source(tables, "surveys", ["client", "survey_id", *words]), on=["client", "survey_id"], how="left"
        )
        rows = rows.with_columns(*[nw.col(name).fill_null(NO_VALUE) for name in words])
    return rows.with_columns(month_of(nw.col("answered_on"))) if "month" in by else rows


@measure("Top-box satisfaction", value="top_box_share", unit="rate", good="up")
def satisfaction(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("item",)) -> pd.DataFrame:
    """The share of answers in the top box, with its interval, item by item.

    Formula
        top_box_share = top_box / answers
        low, high = Wilson interval at 95 %
    Counts
        Answers given in the period, skipped items left out; top box: 4 on the items from 1 to 4,
        9 and 10 on `rating` and `would_recommend`. Items are never added together: without `item`
        in `by` only `rating` is counted, the overall one.
    Date basis
        day of the answer
    Unit
        rate; answers and top_box are counts
    Empty
        No answer: no row with `by`; without it one row with an empty share.
    Source
        CG-CAHPS top-box scoring (AHRQ); Wilson (1927)

    >>> from rcm_analysis.examples.office import example_office
    >>> satisfaction(example_office(), period=Period.month("2026-10"))[["item", "answers", "top_box"]]
                    item  answers  top_box
    0  provider_listened        2        1
    1             rating        3        2
    2    would_recommend        3        1
    """
    rows = _answers(tables, period, by)
    if "item" not in by:
        rows = rows.filter(nw.col("item") == "rating")
    best = nw.when(nw.col("item").is_in(list(TEN_POINT))).then(nw.lit(9)).otherwise(nw.lit(4))
    rows = rows.with_columns(answers=nw.lit(1), top_box=one_if(nw.col("score") >= best))
    found = sums(rows, by, ["answers", "top_box"])
    low, high = wilson(found["top_box"], found["answers"])
    return found.assign(top_box_share=quotient(found["top_box"], found["answers"]), low=low, high=high)


@measure("Net promoter score", unit="rate", good="up")
def net_promoter(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Those who would recommend (9, 10) less those who would not (0 to 6), as a share of all who answered.

    Formula
        net_promoter = (promoters - detractors) / answers, from -1 to 1
        low, high = net_promoter -/+ 1.96 x root of (promoter share + detractor share - net_promoter^2) / answers
    Counts
        Answers to `would_recommend` given in the period.
    Date basis
        day of the answer
    Unit
        rate; answers, promoters and detractors are counts
    Empty
        No answer: empty.
    Source
        our own; the interval is that of a difference of two shares of one sample

    >>> from rcm_analysis.examples.office import example_office
    >>> net_promoter(example_office(), period=Period.month("2026-10"))[
    ...     ["answers", "promoters", "detractors", "net_promoter"]
    ... ]
       answers  promoters  detractors  net_promoter
    0        3          1           1           0.0
    """
    from scipy.stats import norm

    rows = _answers(tables, period, [*by, "item"]).filter(nw.col("item") == "would_recommend")
    score = nw.col("score")
    rows = rows.with_columns(answers=nw.lit(1), promoters=one_if(score >= 9), detractors=one_if(score <= 6))
    found = sums(rows, by, ["answers", "promoters", "detractors"])
    net = quotient(found["promoters"] - found["detractors"], found["answers"])
    spread = quotient(found["promoters"] + found["detractors"], found["answers"]) - net**2
    half = norm.ppf(0.5 + LEVEL * 0.5) * np.sqrt(quotient(spread.clip(lower=0), found["answers"]))
    return found.assign(net_promoter=net, low=(net - half).clip(lower=-1), high=(net + half).clip(upper=1))


@measure("Survey response rate", value="response_rate", unit="rate", good="up")
def survey_response_rate(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Surveys answered, of those sent in the period.

    Formula
        response_rate = answered / sent
    Counts
        Surveys sent in the period; answered by its last day, so that the newest are still on their way.
    Date basis
        day on which it was sent
    Unit
        rate; sent and answered are counts
    Empty
        None sent: empty.
    Source
        our own

    >>> from rcm_analysis.examples.office import example_office
    >>> survey_response_rate(example_office(), period=Period.month("2026-10"))
       sent  answered  response_rate
    0     4         3           0.75
    """
    words = [name for name in by if name != "month"]
    rows = source(tables, "surveys", ["client", "sent_on", "answered_on"], by=words).filter(
        period.holds(nw.col("sent_on"))
    )
    rows = rows.with_columns(sent=nw.lit(1), answered=one_if((nw.col("answered_on") < period.end).fill_null(False)))
    rows = rows.with_columns(month_of(nw.col("sent_on"))) if "month" in by else rows
    found = sums(rows, by, ["sent", "answered"])
    return found.assign(response_rate=quotient(found["answered"], found["sent"]))


@measure("Complaints by theme", value="entries", unit="count", good="down", is_additive=True)
def feedback_themes(
    tables: Mapping[str, Any], *, period: Period, kind: str = "complaint", by: Sequence[str] = ("theme",)
) -> pd.DataFrame:
    """What complaints are about: entries by coded theme, their share, and those of the period before.

    Formula
        share = entries / all entries of the kind in the period
        before = entries of the same theme in the period of equal length before
    Counts
        Entries of `kind` received in the period, one theme each. The words themselves are not kept.
        `by` may hold `theme`, `location`, `month`.
    Date basis
        day on which it came in
    Unit
        count
    Empty
        No entry: no row with `by`; without it one row of zeros.
    Source
        our own

    >>> from rcm_analysis.examples.office import example_office
    >>> feedback_themes(example_office(), period=Period.month("2026-10"))
         theme  entries  before     share
    0  billing        1       0  0.333333
    1  waiting        2       0  0.666667
    """
    earlier = Period.days_ending(days_before(period.first_day, 1), period.days)
    words = [name for name in by if name != "month"]
    rows = source(tables, "feedback", ["client", "received_on", "kind"], by=words).filter(nw.col("kind") == kind)
    now, before = period.holds(nw.col("received_on")), earlier.holds(nw.col("received_on"))
    rows = rows.filter(now | before).with_columns(entries=one_if(now), before=one_if(before))
    rows = rows.with_columns(month_of(nw.col("received_on"))) if "month" in by else rows
    found = sums(rows, by, ["entries", "before"])
    return found.assign(share=quotient(found["entries"], pd.Series(found["entries"].sum(), index=found.index)))


@measure("Complaints answered within seven days", value="in_time_share", unit="rate", good="up")
def feedback_answered_in_time(
    tables: Mapping[str, Any], *, period: Period, days: int = ANSWER_DAYS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Complaints answered within seven days, of those whose seven days are over.

    Formula
        in_time_share = in_time / due
    Counts
        Complaints received in the period; due: received at least `days` days before its last day;
        in_time: of those, answered within `days` days; open: not answered by the last day, due or not.
    Date basis
        day on which it came in
    Unit
        rate; received, due, in_time and open are counts
    Empty
        None due: empty.
    Source
        our own

    >>> from rcm_analysis.examples.office import example_office
    >>> feedback_answered_in_time(example_office(), period=Period.month("2026-10"))
       received  due  in_time  open  in_time_share
    0         3    3        1     1       0.333333
    """
    words = [name for name in by if name != "month"]
    rows = source(tables, "feedback", ["client", "received_on", "responded_on", "kind"], by=words)
    rows = rows.filter(nw.col("kind") == "complaint", period.holds(nw.col("received_on")))
    is_due = nw.col("received_on") <= days_before(period.last_day, days)
    is_answered = (nw.col("responded_on") < period.end).fill_null(False)
    took = day_number(nw.col("responded_on")) - day_number(nw.col("received_on"))
    rows = rows.with_columns(
        received=nw.lit(1),
        due=one_if(is_due),
        in_time=one_if(is_due & is_answered & (took <= days).fill_null(False)),
        open=one_if(~is_answered),
    )
    rows = rows.with_columns(month_of(nw.col("received_on"))) if "month" in by else rows
    found = sums(rows, by, ["received", "due", "in_time", "open"])
    return found.assign(in_time_share=quotient(found["in_time"], found["due"]))


@measure("Days that complaints waited", value="days", unit="days", good="down")
def answer_waits(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """How long each complaint of the period waited: until its answer, or until the last day where there is none yet.

    Formula
        days = day of the answer (or last day of the period) - day on which it came in
    Counts
        Complaints received in the period, one row per number of days and end; `is_open`: still waiting.
    Date basis
        day on which it came in
    Unit
        days; entries is a count
    Empty
        No complaint: no row.
    Source
        our own; input of `models.patients.retention.answer_time`

    >>> from rcm_analysis.examples.office import example_office
    >>> answer_waits(example_office(), period=Period.month("2026-10"))
       days  is_open  entries
    0     4    False        1
    1    12    False        1
    2    19     True        1
    """
    rows = source(tables, "feedback", ["received_on", "responded_on", "kind"])
    rows = rows.filter(nw.col("kind") == "complaint", period.holds(nw.col("received_on")))
    is_answered = (nw.col("responded_on") < period.end).fill_null(False)
    end = nw.when(is_answered).then(day_number(nw.col("responded_on"))).otherwise(nw.lit(period.last_day.toordinal()))
    rows = rows.with_columns(days=end - day_number(nw.col("received_on")), open=one_if(~is_answered), entries=nw.lit(1))
    found = collect(rows.group_by("days", "open").agg(nw.col("entries").sum()), [])
    found = found.astype("int64").sort_values(["days", "open"], ignore_index=True)
    return found.assign(is_open=found["open"] == 1)[["days", "is_open", "entries"]]
