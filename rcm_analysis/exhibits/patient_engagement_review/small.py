"""Counts of patients on paper: small ones are hidden before anything is made of them, and say that they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ...blocks.vocabulary import Table
from ...ledger.ratios import quotient
from ...ledger.suppression import ALL, LEAST, suppressed
from ..formats import as_text, is_empty
from ..tables import Shown, show

HIDDEN = "hidden"
WHY = f"{HIDDEN}: 1 to {LEAST - 1}, or it would give away such a number. Zeros are shown."
TOTAL = "All"


def guarded(
    frame: pd.DataFrame,
    *,
    counts: Sequence[str],
    by: Sequence[str] = (),
    of: str | None = None,
    rates: Mapping[str, tuple[str, str]] | None = None,
    totals: bool = True,
    guard: str | None = None,
) -> pd.DataFrame:
    """The result with small counts hidden, totals added, and its rates made of what is left.

    `rates` maps a new column to its numerator and denominator, and only of shown counts: a rate of a
    hidden count is empty.

    >>> frame = pd.DataFrame({"place": ["A", "B", "C"], "missed": [30, 4, 20], "slots": [200, 90, 100]})
    >>> found = guarded(frame, counts=["missed"], by=["place"], of="slots", rates={"rate": ("missed", "slots")})
    >>> [as_text(rate, "rate") for rate in found["rate"]]
    ['15.0%', '–', '–', '13.8%']
    """
    needed = [*by, *counts, *([of] if of else [])]
    found = suppressed(frame[needed], counts=counts, by=by, of=of, totals=totals and bool(by), guard=guard)
    for name, (part, whole) in (rates or {}).items():
        found[name] = quotient(found[part], found[whole])
    return found


def each_alone(
    frame: pd.DataFrame,
    *,
    counts: Sequence[str],
    by: str,
    of: str | None = None,
    rates: Mapping[str, tuple[str, str]] | None = None,
) -> pd.DataFrame:
    """Rows decided one by one, whatever stands beside them, with a total that is shown only where every row is.

    A series of months is published month by month: what is hidden in one report must be hidden in the next,
    so no month can be hidden to guard another.

    >>> frame = pd.DataFrame({"month": ["Jan", "Feb"], "missed": [30, 4], "slots": [200, 90]})
    >>> found = each_alone(frame, counts=["missed"], by="month", of="slots", rates={"rate": ("missed", "slots")})
    >>> [as_text(rate, "rate") for rate in found["rate"]], found["missed"].isna().tolist()
    (['15.0%', '–', '–'], [False, True, True])
    """
    if frame.empty:
        return guarded(frame, counts=counts, by=[by], of=of, rates=rates)
    given = [*counts, *([of] if of else [])]
    parts = [
        guarded(frame.iloc[[place]], counts=counts, of=of).assign(**{by: [frame[by].iloc[place]]})
        for place in range(len(frame))
    ]
    rows = pd.concat(parts, ignore_index=True)
    sums = {name: [pd.NA if rows["is_suppressed"].any() else int(frame[name].sum())] for name in given}
    total = pd.DataFrame({**sums, by: [ALL], "is_suppressed": [bool(rows["is_suppressed"].any())]}).astype(
        dict.fromkeys(given, "Int64")
    )
    out = pd.concat([rows.astype({by: object}), total.astype({by: object})], ignore_index=True)[
        [by, *given, "is_suppressed"]
    ]
    return out.assign(**{name: quotient(out[part], out[whole]) for name, (part, whole) in (rates or {}).items()})


def total_of(found: pd.DataFrame, by: str) -> pd.Series:
    """The row of the grand total."""
    return found[found[by] == ALL].iloc[-1] if len(found) else pd.Series(dtype=object)


def parts_of(found: pd.DataFrame, by: str) -> pd.DataFrame:
    """The rows without the total."""
    return found[found[by] != ALL].reset_index(drop=True)


def said(row: Mapping[str, Any], name: str, unit: str = "count") -> str:
    """A value in a sentence, or that it is hidden.

    >>> (
    ...     said({"missed": pd.NA, "is_suppressed": True}, "missed"),
    ...     said({"missed": 1200, "is_suppressed": False}, "missed"),
    ... )
    ('hidden', '1,200')
    """
    value = row.get(name)
    return HIDDEN if is_empty(value) and bool(row.get("is_suppressed", False)) else as_text(value, unit)


def known(row: Mapping[str, Any], *names: str) -> bool:
    """Are these values shown, all of them?"""
    return all(not is_empty(row.get(name)) for name in names)


def show_guarded(found: pd.DataFrame, columns: Sequence[Shown], *, notes: Sequence[str] = (), **words: Any) -> Table:
    """`tables.show` of a guarded result: hidden cells say so, on paper and in the workbook; its total is marked."""
    first = columns[0].column
    totals = [place for place, value in enumerate(found[first]) if value == ALL]
    rows = found.assign(
        **{
            first: found[first]
            .astype(object)
            .where(found[first] != ALL, None if columns[0].unit in ("month", "date") else TOTAL)
        }
    )
    table = show(rows, columns, emphasis=totals, notes=notes, **words)
    hidden = found["is_suppressed"].tolist() if "is_suppressed" in found else [False] * len(found)
    text = [
        [
            HIDDEN if is_hidden and is_empty(row[item.column]) and place else cell
            for place, (item, cell) in enumerate(zip(columns, cells, strict=True))
        ]
        for is_hidden, row, cells in zip(hidden, rows.to_dict("records"), table.shown, strict=True)
    ]
    for place in totals:
        text[place][0] = TOTAL
    return replace(table, text=tuple(map(tuple, text)), notes=(*table.notes, *([WHY] if any(hidden) else [])))
