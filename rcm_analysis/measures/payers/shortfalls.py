"""Lines for which a payer allowed less than it should have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import one_if, sums, with_groups, with_rate
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import collect
from ..menu import measure
from .contract import MODE_PERCENT, expected_allowed
from .prices import inferred_steps, with_deadlines

col = nw.col

FLOOR_CENTS = 5_00
TOLERANCE_PERCENT = 3
"""A single line is worth a letter when more than both of these is missing. Again and again, less is too: a contract's
price is exact to the cent a unit that rounding may cost; an inferred one may be off by the percentage."""

LINES = (
    "client",
    "claim_id",
    "line_number",
    "payer",
    "procedure",
    "modifiers",
    "place_of_service",
    "service_on",
    "received_on",
    "units",
    "charge_cents",
    "allowed_cents",
    "expected_cents",
    "unit_cents",
    "basis",
    "method",
)
DATES = ("service_on", "received_on")


@measure("Underpaid lines, one by one", value="short_cents", good="down")
def underpaid_lines(tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None) -> pd.DataFrame:
    """Every line that a primary payer allowed too little for, with what is missing and until when to appeal.

    Formula
        short_cents = expected_cents - allowed_cents
        short when short_cents > $5 and short_cents > 3 % of expected_cents: what a single line is worth a letter for;
        less than that, again and again, is for `repeated_underpayments`
        appeal_by = received_on + the payer's appeal limit in force on that day
    Counts
        The latest decision on each line, comparable lines only (`contract.expected_allowed`); with `since`, decisions
        received on that day or later. Where the expectation is inferred, a line paid at the payer's new usual price
        is no underpayment (`rate_changes`), and one below it is measured against it.
        confidence: high = contract, medium = inferred from the mode, low = from the median. Inferred is not contract.
    Date basis
        received_on of the latest decision, up to `as_of`; price of the day of service
    Unit
        cents
    Empty
        Nothing short: no rows. Without a rule of the payer appeal_by is empty.
    Source
        medibilling.app, underpayment detection guide (tolerance); $5 and 3 % are our own

    >>> from rcm_analysis.examples.contract import example_contract
    >>> found = underpaid_lines(example_contract(), as_of=dt.date(2026, 6, 30))
    >>> found[["claim_id", "expected_cents", "allowed_cents", "short_cents", "appeal_by"]].head(1)
      claim_id  expected_cents  allowed_cents  short_cents  appeal_by
    0       10           10000           9000         1000 2026-12-01
    """
    low = low_lines(tables, as_of=as_of, since=since)
    found = low[low["is_flagged"]].drop(columns=["is_low", "is_flagged", "given_cents"]).reset_index(drop=True)
    return with_deadlines(found, tables, as_of=as_of)


def compared_lines(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """The lines of `contract.expected_allowed` that can be compared with an expectation."""
    return expected_allowed(tables, as_of=as_of).filter(col("excluded") == "", col("basis") != "")


def low_lines(
    tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Comparable lines below the contract by more than a cent a unit, or below an inferred price by more than the
    percentage; is_flagged where by more than the percentage and $5."""
    short = col("expected_cents") - col("allowed_cents")
    by_rule = (col("basis") == "contract") | (short * 100 > col("expected_cents") * TOLERANCE_PERCENT)
    rows = compared_lines(tables, as_of=as_of).filter(short > col("units"), by_rule)
    if since is not None:
        rows = rows.filter(col("received_on") >= since)
    groups = [name for name in by if name not in LINES]
    rows = (
        with_groups(rows, tables, groups, month_on="received_on")
        .select(*LINES, *groups)
        .with_columns(units=col("units").cast(nw.Int64))
    )
    words = ["client", "claim_id", "payer", "procedure", "modifiers", "place_of_service", "basis", "method"]
    words += [name for name in groups if name != "month"]
    out = collect(rows, words, dates=DATES).sort_values([*words, "line_number"], ignore_index=True)
    return _without_new_prices(out, tables, as_of)


def _without_new_prices(low: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """Inferred lines after a change of the usual price: measured against the new price, or no longer low."""
    out = low.assign(given_cents=low["expected_cents"])
    if (out["basis"] == "inferred").any():
        steps = inferred_steps(tables, as_of=as_of)
        key = ["client", "payer", "procedure", "modifiers", "place_of_service"]
        after = out[out["basis"] == "inferred"].reset_index().merge(steps[[*key, "changed_on", "new_cents"]], on=key)
        after = (
            after[after["changed_on"] <= after["service_on"]]
            .sort_values("changed_on")
            .drop_duplicates("index", keep="last")
        )
        price = (after["new_cents"] * after["units"]).clip(upper=after["charge_cents"])
        price.index = after["index"]
        lower = price[price < out.loc[price.index, "expected_cents"]]
        out.loc[lower.index, "expected_cents"] = lower
    out["short_cents"] = out["expected_cents"] - out["allowed_cents"]
    is_far = out["short_cents"] * 100 > out["expected_cents"] * TOLERANCE_PERCENT
    out["is_low"] = (out["short_cents"] > out["units"]) & (is_far | (out["basis"] == "contract"))
    out["is_flagged"] = out["is_low"] & is_far & (out["short_cents"] > FLOOR_CENTS)
    confidence = {"contract": "high", "mode": "medium", "median": "low"}
    return out.assign(confidence=out["method"].map(confidence).astype("str"))


MONTHS = 3
"""The repeat index looks at the last three months."""

FEWEST_CLAIMS = 3
LEAST_SHARE = {"contract": 0.1, "inferred": 0.25}
"""A finding needs three claims, and from its onset on at least this share of its lines short.

About one line in 300 is repriced after a takeback, anywhere. What a payer does by rule hits nearly all lines of the
code, or those of one plan: a part of them.
"""
USUAL_SHORT = 0.0033
BY_CHANCE = 0.001
MOST_USUAL = 0.02
"""More than one low line in fifty, over a client's other payers and procedures, is no noise but other findings."""
FEWEST_OTHERS = 5
"""Below a contract, so many short lines must be rarer than this where one in 300, or the client's own share elsewhere,
is usual: the chance of the binomial tail times the days on which it may have begun."""

CELL = ["client", "payer", "procedure"]
COMPARED = ["lines", "expected_cents", "allowed_cents"]


@measure("Underpayments by payer and procedure", value="short_cents", good="down", is_additive=True)
def underpayments(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("payer", "procedure")
) -> pd.DataFrame:
    """What payers allowed too little in the period, by payer and procedure.

    Formula
        short_cents = sum of expected - allowed over the short lines; short_share = short_cents / expected_cents
        repeat_index = months_short / 3, the months of the last three (to the period's end) with a short line
        appeal_by = the first appeal deadline of the group's short lines that is not over at the period's end
        high_short_cents = what inferred lines miss against the 90th percentile of what was allowed before: where it
        is far above short_cents, the usual price may itself be an underpayment
    Counts
        Lines whose latest decision was received in the period and is comparable: lines, expected_cents and
        allowed_cents are of all of them, short_lines and claims of the short ones (`underpaid_lines`).
        basis says where the expectations of the compared lines come from. `by` may hold columns of the line,
        `month`, and columns of its claim.
    Date basis
        received_on of the latest decision known at the period's end
    Unit
        cents; share and index 0 to 1
    Empty
        Nothing compared: zeros and empty shares without `by`, no row with it.
    Source
        medibilling.app, underpayment detection guide

    >>> from rcm_analysis.examples.contract import example_contract
    >>> found = underpayments(example_contract(), period=Period.month("2026-06"))
    >>> found[["payer", "procedure", "lines", "expected_cents", "short_cents", "short_share"]]
      payer procedure  lines  expected_cents  short_cents  short_share
    0     p     99213      4           40000         4000          0.1
    """
    by = list(by)
    rows = compared_lines(tables, as_of=period.last_day).filter(period.holds(col("received_on")))
    inferred = col("basis") == "inferred"
    rows = rows.with_columns(
        lines=nw.lit(1),
        inferred_lines=one_if(inferred),
        high_short_cents=nw.when(inferred & (col("high_cents") > col("allowed_cents")))
        .then(col("high_cents") - col("allowed_cents"))
        .otherwise(0),
    )
    grouped = with_groups(rows, tables, by, month_on="received_on")
    out = sums(grouped, by, [*COMPARED, "inferred_lines", "high_short_cents"])
    recent = period.trailing(MONTHS) if period.days <= 31 else Period(period.shift(1 - MONTHS).first_day, period.end)
    low = low_lines(tables, as_of=period.last_day, since=min(recent.first_day, period.first_day), by=by)
    short = with_deadlines(low[low["is_flagged"]], tables, as_of=period.last_day)
    out = _beside(out, _short_sums(short[period.holds(short["received_on"].dt.date)], by), by)
    out["expected_cents"] += _beside(out[by], _moved(low[period.holds(low["received_on"].dt.date)], by), by)[
        "moved_cents"
    ]
    out = _with_repeats(out, short, Period.of(period.last_day).trailing(MONTHS), by)
    out["basis"] = _basis_words(out["lines"], out["inferred_lines"])
    return with_rate(out, "short_share", "short_cents", "expected_cents")


@measure("Underpayments as a share of what was due", unit="rate", good="down")
def underpayment_share(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """What payers allowed too little, as a share of what they should have allowed.

    Formula
        underpayment_share = short_cents / expected_cents
    Counts
        As `underpayments`: comparable lines with a contract price or an inferred one.
    Date basis
        received_on of the latest decision known at the period's end
    Unit
        share, 0 to 1
    Empty
        Nothing compared: an empty value.
    Source
        medibilling.app ("3 to 5 % of revenue", an industry claim)

    >>> from rcm_analysis.examples.contract import example_contract
    >>> underpayment_share(example_contract(), period=Period.month("2026-06"))
       short_cents  expected_cents  underpayment_share
    0         4000           40000                 0.1
    """
    found = underpayments(tables, period=period, by=by)
    return with_rate(
        found[[*by, "short_cents", "expected_cents"]], "underpayment_share", "short_cents", "expected_cents"
    )


@measure("Repeated underpayments", value="short_cents", good="down")
def repeated_underpayments(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Payers that allow too little for a procedure again and again: since when, how much, and until when to appeal.

    Formula
        low line    below the contract by more than a cent a unit, whatever the amount: many small ones add up; below
                    an inferred price by more than 3 %
        onset_on    the day from which on low lines exceed a tenth (inferred: a quarter) of all lines by most (a
                    cumulative sum)
        found when  low lines on at least 3 claims and that share of the lines since then, one of them in the last
                    three months, and together more than $5 short. Below a contract they must also persist: come on 3
                    days or more, and be too many for chance (binomial; usual is the client's share of low lines of
                    other payers and procedures, those with a tenth of their lines low left out, at least 1 in 300).
                    Below an inferred price they must be 3 % short, and a larger share than before the onset, beyond
                    chance (Fisher's exact test): lines that are low, and lines at the very amounts that are low now
        short_cents = sum of expected - allowed over the low lines since the onset
        short_share = short_cents / expected_cents of all lines compared since the onset
        repeat_index = months_short / 3, the months of the last three with a low line
        appealable_cents and lapsed_cents: what of it can be appealed on `as_of`, and what is too late
    Counts
        One row per client, payer and procedure, from the lines of `contract.expected_allowed`. New prices are no
        findings (`rate_changes`), and neither is an inferred price that most lines (55 %) since the onset fall short
        of, or most of those served since the first low one: what most lines get is the usual price, or a new one; nor
        a second price that was always paid: that of another plan.
        confidence as in `underpaid_lines`, the lowest of the lines.
    Date basis
        received_on of the latest decision, up to `as_of`
    Unit
        cents; share and index 0 to 1
    Empty
        No such payer and procedure: no rows.
    Source
        our own; the onset as in Page 1954 (cumulative sum)

    >>> from rcm_analysis.examples.contract import example_contract
    >>> found = repeated_underpayments(example_contract(), as_of=dt.date(2026, 6, 30))
    >>> found[["payer", "procedure", "onset_on", "claims", "short_cents", "repeat_index", "confidence"]]
      payer procedure   onset_on  claims  short_cents  repeat_index confidence
    0     p     99213 2026-06-02       4         4000      0.333333       high
    """
    low = with_deadlines(low_lines(tables, as_of=as_of), tables, as_of=as_of)
    days = _cell_days(tables, as_of, low)
    recent = Period.of(as_of).trailing(MONTHS)
    usual, inferred = _usual_share(days), _inferred_lines_of(tables, as_of, low)
    found = [
        one
        for cell, part in days.groupby(CELL, sort=True)
        if (one := _finding(cell, part, low, recent, usual[cell])) is not None
        and not (one["basis"] == "inferred" and _is_price(cell, one["onset_on"], low, inferred, len(part)))
    ]
    out = pd.DataFrame(found, columns=list(FINDING)).astype(FINDING)
    return out.assign(
        short_share=quotient(out["short_cents"], out["expected_cents"]),
        repeat_index=quotient(out["months_short"], pd.Series(MONTHS, index=out.index)),
    )


FINDING = {
    **dict.fromkeys(CELL, "str"),
    "onset_on": "datetime64[us]",
    "last_on": "datetime64[us]",
    "lines": "int64",
    "short_lines": "int64",
    "claims": "int64",
    "expected_cents": "int64",
    "allowed_cents": "int64",
    "short_cents": "int64",
    "months_short": "int64",
    "appeal_by": "datetime64[us]",
    "appealable_cents": "int64",
    "lapsed_cents": "int64",
    "basis": "str",
    "confidence": "str",
}


def _short_sums(short: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Short lines, claims, dollars and the first open deadline by group."""
    keyed = short.assign(all_rows="all", open_by=short["appeal_by"].where(short["is_appealable"]))
    groups = keyed.assign(claim=keyed["client"] + "\t" + keyed["claim_id"]).groupby(by or ["all_rows"])
    found = groups.agg(
        short_lines=("short_cents", "size"),
        claims=("claim", "nunique"),
        short_cents=("short_cents", "sum"),
        appeal_by=("open_by", "min"),
    )
    return found.reset_index(drop=not by)


def _moved(low: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """By how much a new usual price lowered the expectation of lines that looked low."""
    keyed = low.assign(all_rows="all", moved_cents=low["expected_cents"] - low["given_cents"])
    return keyed.groupby(by or ["all_rows"])[["moved_cents"]].sum().reset_index(drop=not by)


def _beside(left: pd.DataFrame, right: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    both = left.merge(right, on=by, how="left") if by else pd.concat([left, right.reindex(left.index)], axis=1)
    whole = [name for name in right.columns if name not in by and name != "appeal_by"]
    return both.assign(**{name: both[name].fillna(0).astype("int64") for name in whole})


def _with_repeats(out: pd.DataFrame, short: pd.DataFrame, recent: Period, by: list[str]) -> pd.DataFrame:
    """months_short and repeat_index of each group, from its short lines of the last three months."""
    groups = [name for name in by if name != "month"]
    late = short[recent.holds(short["received_on"].dt.date)]
    late = late.assign(all_rows="all", in_month=late["received_on"].dt.strftime("%Y-%m"))
    months = (
        late.groupby(groups or ["all_rows"])["in_month"].nunique().rename("months_short").reset_index(drop=not groups)
    )
    found = _beside(out, months.to_frame() if isinstance(months, pd.Series) else months, groups)
    return found.assign(repeat_index=quotient(found["months_short"], pd.Series(MONTHS, index=found.index)))


def _basis_words(lines: pd.Series, inferred: pd.Series) -> pd.Series:
    words = pd.Series("contract, inferred", index=lines.index, dtype="str")
    words = words.mask(inferred == 0, "contract").mask(inferred == lines, "inferred")
    return words.mask(lines == 0, "")


def _cell_days(tables: Mapping[str, Any], as_of: dt.date, low: pd.DataFrame) -> pd.DataFrame:
    """By client, payer, procedure and day of receipt: lines compared, and low ones, of cells with any low line."""
    if low.empty:
        return pd.DataFrame(columns=[*CELL, "received_on", *COMPARED, "low_lines", "moved_cents"])
    rows = compared_lines(tables, as_of=as_of).filter(
        col("payer").is_in(sorted(set(low["payer"]))), col("procedure").is_in(sorted(set(low["procedure"])))
    )
    added = (
        rows.with_columns(lines=nw.lit(1)).group_by(*CELL, "received_on").agg(*[col(name).sum() for name in COMPARED])
    )
    days = collect(added, [*CELL, "received_on"], dates=["received_on"])
    marks = low.assign(low_lines=low["is_low"].astype("int64"), moved_cents=low["expected_cents"] - low["given_cents"])
    marks = marks.groupby([*CELL, "received_on"], as_index=False)[["low_lines", "moved_cents"]].sum()
    both = days.merge(marks, on=[*CELL, "received_on"], how="left").fillna({"low_lines": 0, "moved_cents": 0})
    cells = marks.loc[marks["low_lines"] > 0, CELL].drop_duplicates()
    return both.merge(cells, on=CELL).sort_values([*CELL, "received_on"], ignore_index=True)


def _usual_share(days: pd.DataFrame) -> dict[tuple, float]:
    """For each cell the share of low lines in the other cells with any: at least one in 300."""
    sums = days.groupby(CELL)[["lines", "low_lines"]].sum()
    quiet = sums.where(sums["low_lines"] < LEAST_SHARE["contract"] * sums["lines"], 0)
    rest = quiet.sum() - quiet
    others = quotient(rest["low_lines"], rest["lines"]).fillna(0)
    others = others if len(others) >= FEWEST_OTHERS else others * 0
    spread = others.clip(lower=USUAL_SHORT, upper=MOST_USUAL)
    return dict(zip(spread.index, spread.astype(float), strict=True))


def _persists(own: pd.DataFrame, since: pd.DataFrame, days: int, usual: float) -> bool:
    """Whether low lines come again and again, more often than chance has it."""
    from scipy import stats

    tail = float(stats.binom.sf(len(own) - 1, since["lines"].sum(), usual))
    return own["received_on"].nunique() >= FEWEST_CLAIMS and tail * days <= BY_CHANCE


def _rose(days: pd.DataFrame, onset: pd.Timestamp, looks: int) -> bool:
    """Whether more lines are low since the onset than before it, beyond chance: a second price that was always paid
    is that of another plan."""
    from scipy import stats

    lines, low = (days[name].groupby(days["received_on"] >= onset).sum() for name in ("lines", "low_lines"))
    counts = [[int(low.get(is_since, 0)), int((lines - low).get(is_since, 0))] for is_since in (True, False)]
    return stats.fisher_exact(counts, alternative="greater").pvalue * looks <= BY_CHANCE


def _inferred_lines_of(tables: Mapping[str, Any], as_of: dt.date, low: pd.DataFrame) -> pd.DataFrame:
    """Every comparable line of the cells with lines below an inferred price, with the allowed amount of one unit."""
    cells = low.loc[low["is_low"] & (low["basis"] == "inferred"), CELL].drop_duplicates()
    rows = compared_lines(tables, as_of=as_of).filter(
        col("payer").is_in(sorted(set(cells["payer"]))), col("procedure").is_in(sorted(set(cells["procedure"])))
    )
    names = [*CELL, "service_on", "received_on", "units", "allowed_cents"]
    lines = collect(rows.select(*names), CELL, dates=["service_on", "received_on"]) if len(cells) else low[names]
    return lines.assign(one_cents=lines["allowed_cents"] // lines["units"].astype("int64")).merge(cells, on=CELL)


def _is_price(cell: tuple, onset: pd.Timestamp, low: pd.DataFrame, lines: pd.DataFrame, days: int) -> bool:
    """Whether the amounts that are low since the onset are a price, and no shortfall: paid as often before, that of
    another plan; or the most frequent of them is paid on most lines served since its first, a new one."""
    since = low[(low[CELL] == list(cell)).all(axis=1) & low["is_low"] & (low["received_on"] >= onset)]
    lines = lines[(lines[CELL] == list(cell)).all(axis=1)]
    amounts = since["allowed_cents"] // since["units"]
    often = amounts.mode().iloc[0]
    served = lines.loc[lines["service_on"] >= since.loc[amounts == often, "service_on"].min(), "one_cents"]
    marks = lines.assign(low_lines=lines["one_cents"].isin(amounts).astype("int64"), lines=1)
    return (served == often).sum() * 100 >= len(served) * MODE_PERCENT or not _rose(marks, onset, days)


def _finding(cell: tuple, days: pd.DataFrame, low: pd.DataFrame, recent: Period, usual: float) -> dict[str, Any] | None:
    """What one payer and procedure has run up since its onset, or None where that is too little to be a rule."""
    is_low = low[(low[CELL] == list(cell)).all(axis=1) & low["is_low"]]
    basis = "inferred" if set(is_low["basis"]) == {"inferred"} else "contract"
    least = LEAST_SHARE[basis]
    onset = _onset(days, least)
    if onset is None:
        return None
    since = days[days["received_on"] >= onset]
    under = low[(low[CELL] == list(cell)).all(axis=1) & (low["received_on"] >= onset)]
    own = under[under["is_low"]]
    months = own.loc[recent.holds(own["received_on"].dt.date), "received_on"].dt.strftime("%Y-%m").nunique()
    expected, short = int((since["expected_cents"] + since["moved_cents"]).sum()), int(own["short_cents"].sum())
    inferred = basis == "inferred"
    few = own["claim_id"].nunique() < FEWEST_CLAIMS or len(own) < least * since["lines"].sum()
    near = inferred and short * 100 <= own["expected_cents"].sum() * TOLERANCE_PERCENT
    is_usual = inferred and len(under) * 100 >= since["lines"].sum() * MODE_PERCENT
    if few or near or is_usual or short <= FLOOR_CENTS or not months:
        return None
    if not (_rose(days, onset, len(days)) if inferred else _persists(own, since, len(days), usual)):
        return None
    open_lines = own[own["is_appealable"]]
    return dict(zip(CELL, cell, strict=True)) | {
        "onset_on": onset,
        "last_on": own["received_on"].max(),
        "lines": int(since["lines"].sum()),
        "short_lines": len(own),
        "claims": own["claim_id"].nunique(),
        "expected_cents": expected,
        "allowed_cents": int(since["allowed_cents"].sum()),
        "short_cents": short,
        "months_short": months,
        "appeal_by": open_lines["appeal_by"].min(),
        "appealable_cents": int(open_lines["short_cents"].sum()),
        "lapsed_cents": int(own.loc[own["appeal_by"].notna() & ~own["is_appealable"], "short_cents"].sum()),
        "basis": basis,
        "confidence": max(own["confidence"], key=CONFIDENCE.index),
    }


CONFIDENCE = ("high", "medium", "low")


def _onset(days: pd.DataFrame, least: float) -> pd.Timestamp | None:
    """The first day of receipt from which on low lines exceed their least share by most; None where they never do."""
    excess = (days["low_lines"] - least * days["lines"]).to_numpy()
    total = excess.sum()
    from_here = total - excess.cumsum() + excess
    best = int(from_here.argmax()) if len(from_here) else 0
    return days["received_on"].iloc[best] if len(from_here) and from_here[best] > 0 else None
