"""Why the receivable, the days it stands for, and a rate moved: part by part, each by kind of change, to the cent."""

from __future__ import annotations

import pandas as pd

from .account import split, whole_cents

KINDS = ["volume_cents", "mix_cents", "rate_cents"]


def _beside(before: pd.DataFrame, now: pd.DataFrame, part: str, columns: list[str]) -> pd.DataFrame:
    """One row per part of either period, what is not there as nothing."""
    both = before[[part, *columns]].merge(now[[part, *columns]], on=part, how="outer", suffixes=("_old", "_new"))
    numbers = [f"{name}_{when}" for name in columns for when in ("old", "new")]
    return both.assign(**{name: both[name].astype("float64").fillna(0.0) for name in numbers}).sort_values(
        part, ignore_index=True
    )


def sum_by_part(before: pd.DataFrame, now: pd.DataFrame, *, part: str, cents: str, base: str) -> pd.DataFrame:
    """The change of a sum by part, as more work, other work, and more of it for each dollar of work.

    Formula
        change_cents = volume_cents + mix_cents + rate_cents (`account.split`), for every part and for all together
    Columns
        the part, old_cents, new_cents, change_cents, volume_cents, mix_cents, rate_cents
    Unit
        whole cents
    Empty
        Nothing in both periods: no rows.

    >>> before = pd.DataFrame({"payer": ["a", "b"], "owed": [40, 40], "charged": [800, 200]})
    >>> now = pd.DataFrame({"payer": ["a", "b"], "owed": [30, 80], "charged": [600, 400]})
    >>> sum_by_part(before, now, part="payer", cents="owed", base="charged")[["change_cents", *KINDS]].values.tolist()
    [[-10, 0, -10, 0], [40, 0, 40, 0]]
    """
    rows = _beside(before, now, part, [cents, base])
    old, new = rows[f"{cents}_old"], rows[f"{cents}_new"]
    bases = rows[f"{base}_old"], rows[f"{base}_new"]
    kinds = split(old, new, *bases, float(bases[0].sum()), float(bases[1].sum()))
    out = pd.DataFrame({part: rows[part], "old_cents": old.astype("int64"), "new_cents": new.astype("int64")})
    out["change_cents"] = out["new_cents"] - out["old_cents"]
    whole = [whole_cents(list(row)) for row in zip(*kinds, strict=True)]
    return out.assign(**{name: [int(row[place]) for row in whole] for place, name in enumerate(KINDS)})


def ratio_by_part(
    before: pd.DataFrame, now: pd.DataFrame, *, part: str, top: str, base: str, times: float = 1.0
) -> pd.DataFrame:
    """The change of a ratio whose top is no part of its bottom, by part: what the tops did, and what the bottoms did.

    Formula
        ratio = times x sum of tops / sum of bottoms; n, b the sums, 0 and 1 the periods
        by_top  = times x change of the part's top x (1 / b0 + 1 / b1) / 2
        by_base = - times x mean of n x change of the part's bottom / (b0 x b1)
        added up over all parts: by_top + by_base = the change of the ratio
    Columns
        the part, top_old, top_new, base_old, base_new, by_top, by_base, change
    Unit
        that of the ratio: days where `times` is the days of the window, else a share
    Empty
        No bottom in one of the periods: there is no ratio, and no rows.
    Source
        our own; each effect is linear in its own change, so it splits over any parts

    >>> before = pd.DataFrame({"part": ["all"], "owed": [90_000], "charged": [180_000]})
    >>> now = pd.DataFrame({"part": ["all"], "owed": [99_000], "charged": [198_000]})
    >>> found = ratio_by_part(before, now, part="part", top="owed", base="charged", times=90)
    >>> found[["by_top", "by_base"]].round(4).values.tolist()
    [[4.2955, -4.2955]]
    """
    rows = _beside(before, now, part, [top, base])
    b0, b1 = float(rows[f"{base}_old"].sum()), float(rows[f"{base}_new"].sum())
    if b0 <= 0 or b1 <= 0:
        return pd.DataFrame(columns=[part, "top_old", "top_new", "base_old", "base_new", "by_top", "by_base", "change"])
    mean = float(rows[f"{top}_old"].sum() + rows[f"{top}_new"].sum()) / 2
    rows.columns = [part, "top_old", "base_old", "top_new", "base_new"]
    by_top = times * (rows["top_new"] - rows["top_old"]) * (1 / b0 + 1 / b1) / 2
    by_base = -times * mean * (rows["base_new"] - rows["base_old"]) / (b0 * b1)
    return rows.assign(by_top=by_top, by_base=by_base, change=by_top + by_base)
