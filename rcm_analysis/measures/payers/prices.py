"""New prices: those of a fee schedule, and steps in what a payer allows that nothing but the contract can explain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import optional
from ...ledger.ratios import quotient
from ...tables.frames import collect, month_of, source
from ..menu import measure
from ..receivable.limits import with_limit
from .contract import MODE_PERCENT, expected_allowed

col = nw.col
FEWEST_AT_NEW = 5
"""A step needs five lines at the new price."""

LEAST_CHANGE_PERCENT = 1
"""Less than this is rounding, not a new price."""

BY_CHANCE = 0.001
"""A price that is paid more often than before by more than chance is new; one that always stood beside the usual one is
another plan's."""
FEWEST_BESIDE = 3
"""A second plan's price was paid on three lines before, and on a tenth of all."""

KEY = ["client", "payer", "procedure", "modifiers", "place_of_service"]
COLUMNS = {
    **dict.fromkeys(KEY, "str"),
    "changed_on": "datetime64[us]",
    "old_cents": "int64",
    "new_cents": "int64",
    "basis": "str",
    "lines": "int64",
    "units": "int64",
    "seen_on": "datetime64[us]",
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
        one, lasts: 55 % and at least five of the lines of its first three months, in two of them (or ten lines
        of its first month), and is new: paid on more of these lines than before, beyond chance (Fisher's exact test,
        p <= 0.001), or the usual one of an earlier time. What was always paid beside the usual amount is another plan's
        price; where that changes by the same share, to the cent, it is a row of its own.
        Such a step down is a new price or an underpayment, which nothing but the contract can tell: appeal_by is the
        first day until which one of its lines can be appealed, appealable_cents what these lines are short of the
        old price. Both are empty and zero for prices of the schedule and for rises.
        lines and units are comparable ones priced at the new price, until the next change. With `since`, changes
        first seen on that day or later.
    Date basis
        changed_on is a day of service: effective_from, or the first service at the new amount; seen_on is that day,
        or the first remittance at the new amount
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
    inferred = inferred_steps(tables, as_of=as_of, beside=True)
    found = pd.concat([_schedule_changes(tables, as_of), inferred], ignore_index=True)
    found = found[found["seen_on"] >= pd.Timestamp(since)] if since is not None else found
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


def inferred_steps(tables: Mapping[str, Any], *, as_of: dt.date, beside: bool = False) -> pd.DataFrame:
    """Lasting steps of the usual allowed amount of one unit, where the schedule has no price: KEY, changed_on, old,
    new; `beside` with those of other plans' prices that moved with it."""
    months = _usual_by_month(tables, as_of)
    found = [step for key, part in months.groupby(KEY, sort=True) for step in _steps(key, part, beside)]
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
    out = out.assign(place_of_service="", basis="contract", seen_on=out["changed_on"])
    return out[list(COLUMNS)].astype(COLUMNS)


def _usual_by_month(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """KEY, month, allowed amount of one unit: lines, units, first service and first remittance at it."""
    rows = _inferred_lines(tables, as_of).with_columns(
        month_of(col("received_on")), lines=nw.lit(1), units=col("units").cast(nw.Int64)
    )
    added = rows.group_by(*KEY, "month", "one_cents").agg(
        col("lines").sum(), col("units").sum(), first_on=col("service_on").min(), seen_on=col("received_on").min()
    )
    return collect(added, [*KEY, "month"], dates=["first_on", "seen_on"])


def _inferred_lines(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    """Comparable lines without a price of the schedule, with `one_cents`, the allowed amount of one unit."""
    rows = expected_allowed(tables, as_of=as_of).filter(
        col("excluded") == "", col("basis") != "contract", col("allowed_cents") < col("charge_cents")
    )
    whole = col("units").cast(nw.Int64)
    return rows.filter(col("allowed_cents") % whole == 0).with_columns(one_cents=col("allowed_cents") // whole)


def _steps(key: tuple, part: pd.DataFrame, beside: bool) -> list[dict[str, Any]]:
    """The steps of one key: walk its months, and take a new most frequent amount once it has held."""
    tops = _tops(part)
    found: list[dict[str, Any]] = []
    level, levels, began = None, set(), tops[0]["month"]
    for place, top in enumerate(tops):
        usual = top["usual"]
        if usual is None or usual == level:
            continue
        start = tops[max(place - 1, 0)]["month"]
        before = part[(part["month"] >= began) & (part["month"] < start)]
        if level is None or abs(usual - level) * 100 <= level * LEAST_CHANGE_PERCENT:
            level = usual
        elif not (usual in levels or _is_new(part, before, tops, place)):
            so_far = part[(part["month"] >= began) & (part["month"] <= top["month"])]
            level = usual if _lines_at(so_far, usual) > _lines_at(so_far, level) else level
        elif _holds(part, tops, place):
            since = part[part["month"] >= (top["month"] if usual in levels else start)]
            moved = _moved(before, since, level, usual)
            told = moved if beside else moved[:1]
            found += [_step(key, since[since["one_cents"] == new], old, new) for old, new in told]
            levels.add(level)
            level, began = moved[0][1], top["month"]
    return found


def _step(key: tuple, at_new: pd.DataFrame, old: int, new: int) -> dict[str, Any]:
    return dict(zip(KEY, key, strict=True)) | {
        "changed_on": at_new["first_on"].min(),
        "old_cents": old,
        "new_cents": new,
        "basis": "inferred",
        "lines": int(at_new["lines"].sum()),
        "units": int(at_new["units"].sum()),
        "seen_on": at_new["seen_on"].min(),
    }


def _moved(before: pd.DataFrame, since: pd.DataFrame, level: int, usual: int) -> list[tuple[int, int]]:
    """Old and new amounts, those of the usual price first: of all amounts that the new most frequent one may come from
    the one that explains the most lines, when every amount moved by its share, to the cent; then the nearest."""
    paid, now = (rows.groupby("one_cents")["lines"].sum() for rows in (before, since))
    regular = (paid >= FEWEST_BESIDE) & (paid * 10 >= paid.sum())
    olds = sorted({level, *map(int, paid.index[regular])} - {usual})
    news = [int(cents) for cents in now.index if cents == usual or paid.get(cents, 0) < FEWEST_BESIDE]
    best, most = [(level, usual)], (-1, 0)
    for origin in olds:
        pairs = [(old, new) for old in olds for new in news if new != old and abs(new * origin - old * usual) <= origin]
        weight = (int(now[[new for _, new in pairs]].sum()), -abs(usual - origin))
        if weight > most:
            best, most = sorted(pairs, key=lambda pair: pair[0] != level), weight
    return best


def _lines_at(rows: pd.DataFrame, cents: int) -> int:
    return int(rows.loc[rows["one_cents"] == cents, "lines"].sum())


def _is_new(part: pd.DataFrame, before: pd.DataFrame, tops: list[dict[str, Any]], place: int) -> bool:
    """Whether the month's most frequent amount is paid on more lines of its first three months than before, beyond
    chance."""
    from scipy import stats

    now = part[part["month"].isin([top["month"] for top in tops[place : place + 3]])]
    at, total = ([_lines_at(rows, tops[place]["usual"]) for rows in (now, before)], [now, before])
    rest = [int(rows["lines"].sum()) - lines for rows, lines in zip(total, at, strict=True)]
    return bool(stats.fisher_exact([at, rest], alternative="greater").pvalue <= BY_CHANCE)


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
    first."""
    if tops[place]["lines"] >= 2 * FEWEST_AT_NEW:
        return True
    rows = part[part["month"].isin([top["month"] for top in tops[place : place + 3]])]
    at_new = rows[rows["one_cents"] == tops[place]["usual"]]
    lines = int(at_new["lines"].sum())
    enough = lines >= FEWEST_AT_NEW and at_new["month"].nunique() > 1
    return enough and lines * 100 >= int(rows["lines"].sum()) * MODE_PERCENT


def with_deadlines(lines: pd.DataFrame, tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The lines with appeal_by (received_on + the appeal limit in force then) and is_appealable on `as_of`."""
    out = lines.assign(appeal_by=pd.Series(pd.NaT, index=lines.index, dtype="datetime64[us]"))
    if optional(tables, "payer_rules") is not None and len(lines):
        starts = lines[["client", "payer"]].assign(starts_on=lines["received_on"])
        ruled = with_limit(starts, tables, "appeal_limit_days", as_of=as_of)
        out["appeal_by"] = ruled["deadline_on"].to_numpy()
    return out.assign(is_appealable=out["appeal_by"] >= pd.Timestamp(as_of))
