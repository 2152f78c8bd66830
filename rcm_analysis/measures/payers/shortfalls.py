"""Lines for which a payer allowed less than it should have, and new prices, which are no underpayments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import one_if, optional, sums, with_groups, with_rate
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import collect, month_of, source
from ..menu import measure
from ..receivable.limits import with_limit
from .contract import MODE_PERCENT, expected_allowed

col = nw.col

FEWEST_AT_NEW = 5
"""A step needs five lines at the new price."""

LEAST_CHANGE_PERCENT = 1
"""Less than this is rounding, not a new price."""

KEY = ["client", "payer", "procedure", "modifiers", "place_of_service"]
COLUMNS = {
    **dict.fromkeys(KEY, "str"),
    "changed_on": "datetime64[us]",
    "old_cents": "int64",
    "new_cents": "int64",
    "basis": "str",
    "lines": "int64",
    "units": "int64",
}


@measure("Changed prices", value="effect_cents")
def rate_changes(tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None) -> pd.DataFrame:
    """Prices that changed: when, from what to what, and what that has meant so far.

    Formula
        change_share = new_cents / old_cents - 1; effect_cents = (new_cents - old_cents) x units
    Counts
        basis "contract": a row of the fee schedule whose price differs from the one before it (same payer,
        procedure and modifiers), in force by `as_of`. basis "inferred", only where the schedule has no price: the
        most frequent allowed amount of one unit (55 % of the month's lines) differs by more than 1 % from the last
        one and lasts: 55 % and at least five of the lines of its first three months, in two of them (or ten lines
        of the newest month).
        Such a step down is a new price or an underpayment, which nothing but the contract can tell: appeal_by is the
        first day until which one of its lines can be appealed, appealable_cents what these lines are short of the
        old price. Both are empty and zero for prices of the schedule and for rises.
        lines and units are comparable ones priced at the new price, until the next change. With `since`, changes
        of that day or later.
    Date basis
        changed_on is a day of service: effective_from, or the first service at the new amount
    Unit
        cents; change_share is a share, negative for a cut
    Empty
        Nothing changed: no rows.
    Source
        our own

    >>> from rcm_analysis.examples.contract import example_contract
    >>> found = rate_changes(example_contract(), as_of=dt.date(2026, 6, 30))
    >>> found[["payer", "procedure", "changed_on", "old_cents", "new_cents", "change_share"]]
      payer procedure changed_on  old_cents  new_cents  change_share
    0     p     99213 2026-01-01       8000      10000          0.25
    """
    found = pd.concat([_schedule_changes(tables, as_of), inferred_steps(tables, as_of=as_of)], ignore_index=True)
    found = found[found["changed_on"] >= pd.Timestamp(since)] if since is not None else found
    found = found.sort_values(["changed_on", *KEY], ignore_index=True).astype(COLUMNS)
    change = found["new_cents"] - found["old_cents"]
    found = found.assign(change_share=quotient(change, found["old_cents"]), effect_cents=change * found["units"])
    return _with_appeals(found, tables, as_of)


def _with_appeals(steps: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The steps with appeal_by and appealable_cents of the lines paid at an inferred lower price."""
    out = steps.assign(
        appeal_by=pd.Series(pd.NaT, index=steps.index, dtype="datetime64[us]"),
        appealable_cents=pd.Series(0, index=steps.index, dtype="int64"),
    )
    cuts = out[(out["basis"] == "inferred") & (out["new_cents"] < out["old_cents"])]
    if cuts.empty:
        return out
    lines = _inferred_lines(tables, as_of).select(
        *KEY, "service_on", "received_on", "one_cents", units=col("units").cast(nw.Int64)
    )
    rows = collect(lines, KEY, dates=["service_on", "received_on"])
    both = rows.merge(cuts[[*KEY, "changed_on", "old_cents", "new_cents"]].reset_index(names="step"), on=KEY)
    both = both[(both["one_cents"] == both["new_cents"]) & (both["service_on"] >= both["changed_on"])]
    both = with_deadlines(both.reset_index(drop=True), tables, as_of=as_of)
    both = both[both["is_appealable"]]
    short = (both["old_cents"] - both["new_cents"]) * both["units"]
    out["appeal_by"] = out["appeal_by"].fillna(both.groupby("step")["appeal_by"].min())
    out["appealable_cents"] += short.groupby(both["step"]).sum().reindex(out.index).fillna(0).astype("int64")
    return out


def inferred_steps(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Lasting steps of the usual allowed amount of one unit, where the schedule has no price: KEY, changed_on, old,
    new."""
    months = _usual_by_month(tables, as_of)
    found = [step for key, part in months.groupby(KEY, sort=True) for step in _steps(key, part)]
    return pd.DataFrame(found, columns=list(COLUMNS)).astype(COLUMNS)


def _schedule_changes(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    if optional(tables, "fee_schedules") is None:
        return pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
    same = ["client", "payer", "procedure", "modifiers"]
    fees = source(tables, "fee_schedules", [*same, "effective_from", "allowed_cents"])
    fees = fees.with_columns(col("modifiers").fill_null("")).filter(col("effective_from") <= as_of)
    rows = collect(fees, [*same, "effective_from"], dates=["effective_from"])
    rows["old_cents"] = rows.groupby(same)["allowed_cents"].shift()
    changed = rows[rows["old_cents"].notna() & (rows["old_cents"] != rows["allowed_cents"])]
    changed = changed.rename(columns={"effective_from": "changed_on", "allowed_cents": "new_cents"})
    priced = expected_allowed(tables, as_of=as_of).filter(col("excluded") == "", col("basis") == "contract")
    used = priced.with_columns(lines=nw.lit(1), units=col("units").cast(nw.Int64), modifiers=col("contract_modifiers"))
    used = used.group_by(*same, "contract_from").agg(col("lines").sum(), col("units").sum())
    volume = collect(used, [*same, "contract_from"], dates=["contract_from"]).rename(
        columns={"contract_from": "changed_on"}
    )
    out = changed.merge(volume, on=[*same, "changed_on"], how="left").fillna({"lines": 0, "units": 0})
    return out.assign(place_of_service="", basis="contract")[list(COLUMNS)].astype(COLUMNS)


def _usual_by_month(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """KEY, month, allowed amount of one unit: lines, units and first service at it."""
    rows = _inferred_lines(tables, as_of).with_columns(
        month_of(col("received_on")), lines=nw.lit(1), units=col("units").cast(nw.Int64)
    )
    added = rows.group_by(*KEY, "month", "one_cents").agg(
        col("lines").sum(), col("units").sum(), first_on=col("service_on").min()
    )
    return collect(added, [*KEY, "month"], dates=["first_on"])


def _inferred_lines(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    """Comparable lines without a price of the schedule, with `one_cents`, the allowed amount of one unit."""
    rows = expected_allowed(tables, as_of=as_of).filter(
        col("excluded") == "", col("basis") != "contract", col("allowed_cents") < col("charge_cents")
    )
    whole = col("units").cast(nw.Int64)
    return rows.filter(col("allowed_cents") % whole == 0).with_columns(one_cents=col("allowed_cents") // whole)


def _steps(key: tuple, part: pd.DataFrame) -> list[dict[str, Any]]:
    """The steps of one key: walk its months, and take a new most frequent amount once it has held."""
    tops = _tops(part)
    found: list[dict[str, Any]] = []
    level = None
    for place, top in enumerate(tops):
        if top["usual"] is None or top["usual"] == level:
            continue
        if level is None or abs(top["usual"] - level) * 100 <= level * LEAST_CHANGE_PERCENT:
            level = top["usual"]
        elif _holds(part, tops, place):
            start = tops[max(place - 1, 0)]["month"]
            at_new = part[(part["one_cents"] == top["usual"]) & (part["month"] >= start)]
            named = dict(zip(KEY, key, strict=True))
            found.append(
                named
                | {
                    "changed_on": at_new["first_on"].min(),
                    "old_cents": level,
                    "new_cents": top["usual"],
                    "basis": "inferred",
                    "lines": int(at_new["lines"].sum()),
                    "units": int(at_new["units"].sum()),
                }
            )
            level = top["usual"]
    return found


def _tops(part: pd.DataFrame) -> list[dict[str, Any]]:
    """Month by month: the amount that holds 55 % of the lines (None where none does), and its lines."""
    tops = []
    for month, values in part.groupby("month"):
        best = values.loc[values["lines"].idxmax()]
        is_usual = best["lines"] * 100 >= values["lines"].sum() * MODE_PERCENT
        tops.append(
            {"month": month, "usual": int(best["one_cents"]) if is_usual else None, "lines": int(best["lines"])}
        )
    return tops


def _holds(part: pd.DataFrame, tops: list[dict[str, Any]], place: int) -> bool:
    """Whether the new amount lasts: over its first three months with lines, in two of them, or ten lines in the
    newest."""
    window = [top["month"] for top in tops[place : place + 3]]
    rows = part[part["month"].isin(window)]
    at_new = rows[rows["one_cents"] == tops[place]["usual"]]
    lines = int(at_new["lines"].sum())
    enough = (
        lines >= FEWEST_AT_NEW if at_new["month"].nunique() > 1 else len(window) == 1 and lines >= 2 * FEWEST_AT_NEW
    )
    return enough and lines * 100 >= int(rows["lines"].sum()) * MODE_PERCENT


FLOOR_CENTS = 5_00
TOLERANCE_PERCENT = 3
"""A line is short when more than both of these is missing: less is rounding, or not worth a letter."""

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
        short when short_cents > $5 and short_cents > 3 % of expected_cents
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


def with_deadlines(lines: pd.DataFrame, tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The lines with appeal_by (received_on + the appeal limit in force then) and is_appealable on `as_of`."""
    out = lines.assign(appeal_by=pd.Series(pd.NaT, index=lines.index, dtype="datetime64[us]"))
    if optional(tables, "payer_rules") is not None and len(lines):
        starts = lines[["client", "payer"]].assign(starts_on=lines["received_on"])
        ruled = with_limit(starts, tables, "appeal_limit_days", as_of=as_of)
        out["appeal_by"] = ruled["deadline_on"].to_numpy()
    return out.assign(is_appealable=out["appeal_by"] >= pd.Timestamp(as_of))


def compared_lines(tables: Mapping[str, Any], *, as_of: dt.date) -> nw.LazyFrame:
    """The lines of `contract.expected_allowed` that can be compared with an expectation."""
    return expected_allowed(tables, as_of=as_of).filter(col("excluded") == "", col("basis") != "")


def low_lines(
    tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Comparable lines short by more than the percentage; is_flagged where by more than $5 too."""
    short = col("expected_cents") - col("allowed_cents")
    rows = compared_lines(tables, as_of=as_of).filter(
        short > 0, short * 100 > col("expected_cents") * TOLERANCE_PERCENT
    )
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
    out["is_low"] = (out["short_cents"] > 0) & (out["short_cents"] * 100 > out["expected_cents"] * TOLERANCE_PERCENT)
    out["is_flagged"] = out["is_low"] & (out["short_cents"] > FLOOR_CENTS)
    confidence = {"contract": "high", "mode": "medium", "median": "low"}
    return out.assign(confidence=out["method"].map(confidence).astype("str"))


MONTHS = 3
"""The repeat index looks at the last three months."""

FEWEST_CLAIMS = 3
LEAST_SHARE = 0.25
"""A finding needs three claims, and at least a quarter of its lines short from its onset on.

About one line in 300 is repriced after a takeback, anywhere. Three such claims among twelve lines of one payer and
code come together about once in 100,000 times; what a payer does by rule hits nearly all lines of the code.
"""

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
        low line    short by more than 3 % of what was expected, whatever the amount: many small ones add up
        onset_on    the day from which on low lines exceed a quarter of all lines by most (a cumulative sum)
        found when  low lines on at least 3 claims and a quarter of the lines since then, one of them in the last
                    three months, and together more than $5 and 3 % short
        short_cents = sum of expected - allowed over the low lines since the onset
        short_share = short_cents / expected_cents of all lines compared since the onset
        repeat_index = months_short / 3, the months of the last three with a low line
        appealable_cents and lapsed_cents: what of it can be appealed on `as_of`, and what is too late
    Counts
        One row per client, payer and procedure, from the lines of `contract.expected_allowed`. New prices are no
        findings (`rate_changes`), and neither is an inferred price that most lines (55 %) since the onset fall short
        of: what most lines get is the usual price. confidence as in `underpaid_lines`, the lowest of the lines.
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
    found = [
        one for cell, part in days.groupby(CELL, sort=True) if (one := _finding(cell, part, low, recent)) is not None
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


def _finding(cell: tuple, days: pd.DataFrame, low: pd.DataFrame, recent: Period) -> dict[str, Any] | None:
    """What one payer and procedure has run up since its onset, or None where that is too little to be a rule."""
    onset = _onset(days)
    if onset is None:
        return None
    since = days[days["received_on"] >= onset]
    under = low[(low[CELL] == list(cell)).all(axis=1) & (low["received_on"] >= onset)]
    own = under[under["is_low"]]
    months = own.loc[recent.holds(own["received_on"].dt.date), "received_on"].dt.strftime("%Y-%m").nunique()
    expected, short = int((since["expected_cents"] + since["moved_cents"]).sum()), int(own["short_cents"].sum())
    few = own["claim_id"].nunique() < FEWEST_CLAIMS or len(own) < LEAST_SHARE * since["lines"].sum()
    small = short <= FLOOR_CENTS or short * 100 <= own["expected_cents"].sum() * TOLERANCE_PERCENT
    inferred = set(own["basis"]) == {"inferred"}
    is_usual = inferred and len(under) * 100 >= since["lines"].sum() * MODE_PERCENT
    if few or small or is_usual or not months:
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
        "basis": "inferred" if inferred else "contract",
        "confidence": max(own["confidence"], key=CONFIDENCE.index),
    }


CONFIDENCE = ("high", "medium", "low")


def _onset(days: pd.DataFrame) -> pd.Timestamp | None:
    """The first day of receipt from which on low lines exceed their least share by most; None where they never do."""
    excess = (days["low_lines"] - LEAST_SHARE * days["lines"]).to_numpy()
    total = excess.sum()
    from_here = total - excess.cumsum() + excess
    best = int(from_here.argmax()) if len(from_here) else 0
    return days["received_on"].iloc[best] if len(from_here) and from_here[best] > 0 else None
