"""How a number moved between two months and why: then and now by group, with parts that add up to the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd

from ..blocks.vocabulary import Block
from ..errors import NotThere, ParameterError, RcmError
from ..exhibits import blocks
from ..exhibits.blocks import note
from ..exhibits.formats import as_text, comma_list, words_of
from ..exhibits.register.why import why_sentences
from ..ledger.ratios import quotient, ratio
from ..models.drivers.by_part import ratio_by_part
from ..models.drivers.explained import FIGURES, why
from ..periods import Period
from .questions import Question, counts
from .results import Result, heading

EXPLAINED = {"cash": "cash", "denial_reasons": "denied_charges", "denied_charges": "denied_charges"}
DIMENSIONS = ("payer", "provider", "location")
NAMED_PARTS = 3
REST = "Everything else"
EFFECTS = ["by_top", "by_base", "of_the_change"]
ENDS = ("_then", "_now")


@dataclass(frozen=True)
class Move:
    """A measure in two months.

    rows   one per group, the largest move first: the value and every column then and now, its change, and for a value
           whose groups add up the part of the whole's change, of a quotient by its top and by its base
    whole  the same of the whole
    top    the columns that a quotient divides; empty for other values
    base
    """

    rows: pd.DataFrame
    whole: Mapping[str, Any]
    top: str = ""
    base: str = ""

    @property
    def adds_up(self) -> bool:
        return "of_the_change" in self.rows


def compared(asking: Question, tables: Mapping[str, Any], then: Period, now: Period, *, together: bool = False) -> Move:
    """A measure then and now, by group, the largest move first; `together` adds up its own rows within a group.

    Formula
        change = value now - value then; of_the_change = what the group adds to the change of the whole: of a sum its
        own change, of a quotient by_top + by_base (`models.drivers.by_part.ratio_by_part`); both add up to it
    Empty
        No of_the_change where the value is no quotient of two columns and no sum (a median), or where a claim counts
        in several groups, so that they do not add up.
    Raises
        ParameterError for a measure whose value is no number.
    """
    value, by = asking.record.value, list(asking.by)
    rows, whole = (
        [asking.by_month(tables, [month], columns).drop(columns="month") for month in (then, now)]
        for columns in (by, [])
    )
    if not all(pd.api.types.is_numeric_dtype(one[value]) for one in (*rows, *whole)):
        raise ParameterError(f"{asking.record.name} is no number to compare: it gives {words_of(value)}.")
    if asking.record.unit == "usd":
        whole = [one if len(one) == 1 else one[[value]].sum().to_frame().T for one in whole]
        rows = [one.groupby(by, as_index=False)[[value]].sum() if together else one for one in rows]
    keys = _keys(rows, by, value)
    indexed = [one.set_index(keys) if keys else one for one in rows]
    both = indexed[0].add_suffix("_then").join(indexed[1].add_suffix("_now"), how="outer")
    counted = [name for name in indexed[1] if pd.api.types.is_integer_dtype(indexed[1][name])]
    sums = [f"{name}{end}" for name in counted for end in ENDS if f"{name}{end}" in both]
    both[sums] = both[sums].fillna(0).astype("int64")
    both["change"] = both[f"{value}_now"] - both[f"{value}_then"]
    parts, top, base = _parts(indexed, whole, value) if by else (None, "", "")
    out = both if parts is None else both.join(parts)
    order = out["change" if parts is None else "of_the_change"].abs().sort_values(ascending=False, kind="stable")
    out = out.loc[order.index].reset_index(drop=not keys)
    first = [*keys, f"{value}_then", f"{value}_now", "change", *(name for name in EFFECTS if name in out)]
    out = out[[*first, *(name for name in out.columns if name not in first)]]
    return Move(out, _whole_row(whole, value, None if parts is None else parts.sum()), top, base)


def _keys(rows: Sequence[pd.DataFrame], by: Sequence[str], value: str) -> list[str]:
    """What tells the rows apart: the columns asked for, and where those do not, words and numbers of the measure."""
    keys, both = list(by), pd.concat(rows, keys=ENDS, names=["end"]).reset_index("end")
    others = [name for name in rows[1].columns if name not in (*by, value)]
    for name in sorted(others, key=lambda one: pd.api.types.is_numeric_dtype(both[one])):
        is_word = not pd.api.types.is_numeric_dtype(both[name])
        if both.duplicated(["end", *keys]).any() or (is_word and not by):
            keys.append(name)
    return keys


def _whole_row(whole: Sequence[pd.DataFrame], value: str, effects: pd.Series | None) -> dict[str, Any]:
    ends = [one.to_dict("records")[0] if len(one) == 1 else {} for one in whole]
    row = {f"{name}{end}": part for one, end in zip(ends, ENDS, strict=True) for name, part in one.items()}
    change = row.get(f"{value}_now", np.nan) - row.get(f"{value}_then", np.nan)
    return row | {"change": change} | ({} if effects is None else effects.to_dict() | {"of_the_change": change})


def _parts(
    rows: Sequence[pd.DataFrame], whole: Sequence[pd.DataFrame], value: str
) -> tuple[pd.DataFrame | None, str, str]:
    """What each group adds to the change of the whole, with the columns that the value divides."""
    if any(len(one) != 1 for one in whole) or any(one.index.has_duplicates for one in rows):
        return None, "", ""
    if all(pd.api.types.is_integer_dtype(one[value]) for one in (*rows, *whole)):
        if not _add_up(rows, whole, [value]):
            return None, "", ""
        moved = rows[1][value].sub(rows[0][value], fill_value=0)
        return moved.astype("int64").rename("of_the_change").to_frame(), "", ""
    top, base, times = _divided(pd.concat([*rows, *whole]), value)
    if not top or not _add_up(rows, whole, [top, base]):
        return None, "", ""
    groups = rows[0].index.union(rows[1].index, sort=False)
    numbered = [one.assign(part=groups.get_indexer(one.index)) for one in rows]
    found = ratio_by_part(*numbered, part="part", top=top, base=base, times=times)
    if found.empty:
        return None, "", ""
    effects = found.rename(columns={"change": "of_the_change"})[EFFECTS]
    return effects.set_axis(groups.take(found["part"])), top, base


def _add_up(rows: Sequence[pd.DataFrame], whole: Sequence[pd.DataFrame], names: Sequence[str]) -> bool:
    return all(
        int(part[name].sum()) == int(one[name].iloc[0]) for part, one in zip(rows, whole, strict=True) for name in names
    )


def _divided(rows: pd.DataFrame, value: str) -> tuple[str, str, float]:
    """The columns of which the value is one multiple of the quotient in every row, and that multiple."""
    told = rows[rows[value].notna()]
    numbers = [name for name in rows.columns if pd.api.types.is_integer_dtype(rows[name])]
    for top, base in permutations([] if value.startswith("median") else numbers, 2):
        made = quotient(told[top], told[base])
        times = quotient(told[value], made).dropna()
        if times.any() and np.allclose(times.iloc[-1] * made, told[value].astype("float64"), rtol=1e-9):
            return top, base, float(times.iloc[-1])
    return "", "", 1.0


# ---------------------------------------------------------------- why
class Answer:
    """Why a number moved: sentences, and the table of its parts; it shows itself, and draws and exports its table."""

    def __init__(self, said: Sequence[Block], table: Result) -> None:
        self.said, self.table = list(said), table

    def _ipython_display_(self) -> None:
        self.table.about.opening()
        blocks.emit([*self.said, *self.table.blocks()[:1]])

    def __repr__(self) -> str:
        return "\n".join([*(getattr(block, "text", "") for block in self.said), repr(self.table)])

    def __getattr__(self, name: str) -> Any:
        if name in ("plot", "to_excel", "sql"):
            return getattr(self.table, name)
        raise NotThere(f"an answer has said, table, plot, to_excel and sql, and no {name!r}")


def explained(
    figure: str, tables: Mapping[str, Any], then: Period, now: Period, payer_name: Any
) -> tuple[list[Block], pd.DataFrame]:
    """The drivers of a figure that can be told apart to the cent: sentences, and its parts."""
    found = why(tables, figure, period=now, against=then)
    rows = [(_cell(one.where, payer_name), round(one.old_cents), round(one.new_cents)) for one in found.account.shown()]
    old, new = round(found.account.old_cents), round(found.account.new_cents)
    rest = (old - sum(row[1] for row in rows), new - sum(row[2] for row in rows))
    parts = pd.DataFrame([*rows, ("Everything else", *rest)], columns=["part", "then_cents", "now_cents"])
    parts["change_cents"] = parts["now_cents"] - parts["then_cents"]
    return [note(" ".join(why_sentences(found, payer_name)))], parts


def _cell(where: Mapping[str, str], payer_name: Any) -> str:
    words = {key: payer_name(text) if key == "payer" else words_of(text) for key, text in where.items()}
    return ", ".join(f"{key} {text}" if key in ("provider", "location") else text for key, text in words.items())


def figure_of(name: str) -> str:
    """The explained figure that a measure is made of; empty where none is.

    >>> figure_of("initial_denial_rate_dollars_remitted"), figure_of("cash"), figure_of("days_in_ar")
    ('denied_charges', 'cash', '')
    """
    if name.startswith("initial_denial_rate"):
        return "denied_charges"
    return EXPLAINED.get(name, name if name in FIGURES else "")


def moved_where(
    asking: Question, tables: Mapping[str, Any], then: Period, now: Period, names: Mapping[str, Mapping[str, str]]
) -> tuple[list[Block], pd.DataFrame, Move]:
    """Any other measure by payer, provider and location: sentences, the parts of each, and the move of the whole.

    Formula
        the largest movers by name and all others in one row, so that the parts of each dimension add up to the change
        (`compared`); where the groups of a value do not add up, its largest movers alone
    """
    record, parts, sentences = asking.record, [], []
    unit, move = record.unit or "number", None
    for dimension in DIMENSIONS:
        try:
            asked = Question(record, (dimension,), asking.where, asking.options)
            found = compared(asked, tables, then, now, together=True)
        except RcmError:
            continue
        move = move if move is not None and move.adds_up else found
        named = _named_parts(found, dimension, record.value, names.get(dimension, {}))
        amount = "of_the_change" if found.adds_up else "change"
        told = [f"{row['part']} {_signed(row[amount], unit)}" for _, row in named.iterrows()]
        sentences.append(f"By {dimension}: {comma_list(told)}.")
        parts.append(named)
    if move is None:
        raise ParameterError(f"{record.name} cannot be told apart by {comma_list(DIMENSIONS)}: {counts(record)}.")
    ends = [as_text(move.whole.get(f"{record.value}{end}"), unit) for end in ENDS]
    first = f"{record.title}: {ends[0]} in {then.title}, {ends[1]} in {now.title}"
    if move.top:
        effects = [
            f"{heading(name)} {_signed(move.whole[effect], unit)}"
            for name, effect in ((move.top, "by_top"), (move.base, "by_base"))
        ]
        first += f" ({_signed(move.whole['change'], unit)}: {comma_list(effects)})"
    return [note(" ".join([f"{first}.", *sentences]))], pd.concat(parts, ignore_index=True), move


def _named_parts(move: Move, dimension: str, value: str, names: Mapping[str, str]) -> pd.DataFrame:
    """The largest movers of a dimension, and where parts add up, all others as one."""
    rows = move.rows.assign(part=[names.get(one, one) for one in move.rows[dimension]])
    ends = [f"{value}{end}" for end in ENDS]
    effects = [name for name in EFFECTS if name in rows] or ["change"]
    named, others = rows.head(NAMED_PARTS), rows.iloc[NAMED_PARTS:]
    if move.adds_up and len(others):
        rest: dict[str, Any] = {"part": REST, **others[effects].sum().to_dict()}
        rest |= {f"{value}{end}": _value_of(others, move, value, end) for end in ENDS}
        named = pd.concat([named, pd.DataFrame([rest])], ignore_index=True)
    return named.assign(by=dimension)[["by", "part", *ends, *effects]]


def _value_of(rows: pd.DataFrame, move: Move, value: str, end: str) -> Any:
    """The value of several groups together: their sum, or the quotient of their sums."""
    if not move.top:
        return rows[f"{value}{end}"].sum()
    top, base = (f"{name}{end}" for name in (move.top, move.base))
    times = ratio(move.whole[f"{value}{end}"], ratio(move.whole[top], move.whole[base]))
    return times * ratio(rows[top].sum(), rows[base].sum())


def _signed(value: Any, unit: str) -> str:
    if value != value:
        return as_text(None, unit)
    amount = f"{as_text(abs(value) * 100, 'days')} points" if unit == "rate" else as_text(abs(value), unit)
    return f"{'+' if value >= 0 else '-'}{amount}"
