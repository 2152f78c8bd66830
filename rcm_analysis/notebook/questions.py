"""What is asked at the bench: a number, the claims behind it, how it moved, between which groups, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from ..blocks.vocabulary import Block
from ..errors import ParameterError, RcmError, TableError, closest, listed
from ..exhibits import blocks
from ..exhibits.blocks import note
from ..exhibits.formats import as_text, comma_list, words_of
from ..exhibits.register.why import why_sentences
from ..ledger.ratios import quotient
from ..measures.menu import Measure
from ..measures.windows import monthly
from ..models.drivers.explained import FIGURES, why
from ..periods import Period
from ..tables.frames import NO_VALUE
from ..tables.schema import CLAIMS
from . import asked
from .results import Result, heading

CLAIM = "claim_id"
NO_CLAIM = "(no single claim)"
ABOUT_A_CLAIM = ("service_on", "payer", "provider", "location")
EXPLAINED = {"cash": "cash", "denial_reasons": "denied_charges", "denied_charges": "denied_charges"}
DIMENSIONS = ("payer", "provider", "location")
NAMED_PARTS = 3
OF_A_BALANCE = ("party", "responsible_payer")


@dataclass(frozen=True)
class Question:
    """One measure with the columns, values, days and options asked for."""

    record: Measure
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def answer(
        self, tables: Mapping[str, Any], period: Period, as_of: dt.date, by: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """The rows of the measure, only those that were asked for."""
        return self._of(tables, {"period": period, "as_of": as_of}, self.by if by is None else tuple(by))

    def by_month(self, tables: Mapping[str, Any], months: Sequence[Period], by: Sequence[str]) -> pd.DataFrame:
        """The same month by month."""
        record, options = self.record, self._with_columns(by)
        found = _said(record, by, lambda: monthly(record, tables, months=months, **options))
        return self._chosen(found, by)

    def _of(self, tables: Mapping[str, Any], when: Mapping[str, Any], by: tuple[str, ...]) -> pd.DataFrame:
        takes = self.record.parameters
        given = {key: value for key, value in {"tables": tables, **when}.items() if key in takes}
        given |= {**self.record.options, **self._with_columns(by)}
        lacking = [key for key in _needed(self.record) if key not in given]
        if lacking:
            raise ParameterError(f"{self.record.name} also needs {listed(lacking)}: give it by name.")
        return self._chosen(_said(self.record, by, lambda: self.record.function(**given)), by)

    def _with_columns(self, by: Sequence[str]) -> dict[str, Any]:
        every = list(dict.fromkeys([*by, *self.where]))
        return {**self.options, **({"by": every} if every and "by" in self.record.parameters else {})}

    def _chosen(self, found: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        for name, wanted in self.where.items():
            if name not in found.columns:
                raise ParameterError(f"{self.record.name} cannot be asked for one {name}: its rows do not name it.")
            found = found[found[name].isin(wanted)]
            if name not in by and len(wanted) == 1 and "by" in self.record.parameters:
                found = found.drop(columns=name)
        return found.reset_index(drop=True)


def question(
    record: Measure, given: Mapping[str, Any], tables: Mapping[str, Any], payers: Mapping[str, str]
) -> Question:
    """What an analyst wrote, as a question: options of the measure, and columns of claims as what to keep.

    Raises
        ParameterError for an option that the measure does not take and no claim has.
    """
    takes = record.parameters
    options: dict[str, Any] = {}
    where: dict[str, tuple[str, ...]] = {}
    columns = [name for name in CLAIMS.names if name not in ("client", "patient", CLAIM)]
    for name, value in given.items():
        if name in takes and name != "by":
            options[name] = _plain(name, value)
        elif name in (*columns, *OF_A_BALANCE) and name != "by":
            kept = tuple(asked.values(name, value, tables, payers))
            where |= {name: kept} if kept else {}
    unknown = [name for name in given if name not in takes and name not in (*columns, *OF_A_BALANCE)]
    if unknown:
        raise ParameterError(
            f"{record.name} takes no {listed(unknown)}. It takes: {listed(takes)}; and what to keep of: "
            f"{listed(columns, 30)}.{closest(unknown[0], [*takes, *columns])}"
        )
    return Question(record, tuple(asked.columns(given.get("by"))), where, options)


def _plain(name: str, value: Any) -> Any:
    if name == "period":
        return asked.span(value)
    if name in ("as_of", "since") and value is not None:
        return asked.day(value)
    return [value] if name == "parties" and isinstance(value, str) else value


def _needed(record: Measure) -> list[str]:
    import inspect

    takes = inspect.signature(record.function).parameters
    return [name for name, one in takes.items() if one.default is one.empty]


def _said(record: Measure, by: Sequence[str], work: Any) -> pd.DataFrame:
    """What the work gives; a column that the measure's rows do not have is said in a sentence."""
    try:
        return work()
    except (TableError, KeyError, pl.exceptions.PolarsError) as error:
        if not by or (isinstance(error, RcmError) and not any(name in str(error) for name in by)):
            raise
        raise ParameterError(
            f"{record.name} cannot be told apart by {comma_list(by)}: {_counts(record)} Columns of claims are: "
            f"{listed(CLAIMS.names, 30)}."
        ) from None


def _counts(record: Measure) -> str:
    return f"its rows are not of claims, or have no such column ({record.summary})"


# ---------------------------------------------------------------- the claims behind a number
def claims_behind(
    asking: Question, tables: Mapping[str, Any], period: Period, as_of: dt.date
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The claims that a measure adds up, with their parts of it, largest first; and what to say of them.

    Formula
        the measure itself, asked claim by claim; amounts of no single claim stand in a last row, so that every column
        of cents adds up to the measure's own to the cent
    Raises
        ParameterError where the measure counts no claims.
    """
    record = asking.record
    if "by" not in record.parameters:
        found = asking.answer(tables, period, as_of)
        if CLAIM not in found.columns:
            raise ParameterError(f"{record.name} has no claims behind it: {_counts(record)}.")
        return found, ("One row each, as the measure itself lists them.",)
    found = asking.answer(tables, period, as_of, by=[CLAIM])
    if CLAIM not in found:
        raise ParameterError(f"{record.name} cannot be told apart by {CLAIM}: {_counts(record)}.")
    if len(found) and set(found[CLAIM]) == {NO_VALUE} and not any(name.endswith("_cents") for name in found):
        raise ParameterError(f"{record.name} cannot be told apart by {CLAIM}: {_counts(record)}.")
    found[CLAIM] = found[CLAIM].replace(NO_VALUE, NO_CLAIM)
    whole = asking.answer(tables, period, as_of, by=[])
    numbers = [name for name in found.columns if pd.api.types.is_integer_dtype(found[name])]
    found = found[(found[numbers] != 0).any(axis=1)] if numbers else found
    cents = [name for name in numbers if name.endswith("_cents") and name in whole]
    left = {name: int(whole[name].sum()) - int(found[name].sum()) for name in cents}
    notes = []
    if any(left.values()):
        found = pd.concat([found, pd.DataFrame([{CLAIM: NO_CLAIM, **left}])], ignore_index=True)
        found[numbers] = found[numbers].fillna(0).astype("int64")
    if NO_CLAIM in set(found[CLAIM]):
        notes.append("The last row holds what belongs to no single claim.")
    first = next((name for name in (record.value, *cents, *numbers) if name in found and name in numbers), "")
    if first:
        found = found.sort_values(first, ascending=False, key=abs, kind="stable", ignore_index=True)
        found = pd.concat([found[found[CLAIM] != NO_CLAIM], found[found[CLAIM] == NO_CLAIM]], ignore_index=True)
    kept = {name: wanted[0] for name, wanted in asking.where.items() if len(wanted) == 1}
    return _with_claims(found.assign(**kept), tables), tuple(notes)


def _with_claims(found: pd.DataFrame, tables: Mapping[str, Any]) -> pd.DataFrame:
    """The rows with what a reader knows each claim by."""
    known = [CLAIM, *(name for name in ABOUT_A_CLAIM if name not in found.columns)]
    claims = tables["claims"]
    rows = pl.from_pandas(claims).lazy() if isinstance(claims, pd.DataFrame) else claims.lazy()
    rows = rows.filter(pl.col(CLAIM).is_in(found[CLAIM].tolist())).select(known).collect().to_pandas()
    if "service_on" in rows:
        rows["service_on"] = pd.to_datetime(rows["service_on"])
    out = found.merge(rows, on=CLAIM, how="left")
    return out[[*known, *(name for name in out.columns if name not in known)]]


# ---------------------------------------------------------------- how it moved
def compared(
    asking: Question, tables: Mapping[str, Any], then: Period, now: Period
) -> tuple[pd.DataFrame, Mapping[str, Any]]:
    """A measure then and now, by group, the largest move first; and the row of the whole.

    Formula
        change = value now - value then. of_the_change = what the group adds to the change of the whole: k n / N now
        less k n / N then for a value k n / d with the whole's denominator N; the groups add up to the whole
    Empty
        of_the_change where the value is no quotient of two columns and no sum, a median for example.
    """
    value, by = asking.record.value, list(asking.by)
    rows = [_parts(asking, asking.by_month(tables, [month], by)) for month in (then, now)]
    whole = [_parts(asking, asking.by_month(tables, [month], [])) for month in (then, now)]
    keys = by or [name for name in rows[1].columns if not pd.api.types.is_numeric_dtype(rows[1][name])]
    shares = [_of_whole(part, one, value) for part, one in zip(rows, whole, strict=True)]
    named = [
        part.assign(share=share).set_index(keys).add_suffix(end) if keys else part.assign(share=share).add_suffix(end)
        for part, share, end in zip(rows, shares, ("_then", "_now"), strict=True)
    ]
    both = named[0].join(named[1], how="outer")
    sums = [
        name for name in both.columns if pd.api.types.is_integer_dtype(rows[1].get(_bare(name), pd.Series(dtype=float)))
    ]
    both[sums] = both[sums].fillna(0).astype("int64")
    moved = both["share_now"].fillna(0) - both["share_then"].fillna(0)
    unknown = all(share.isna().all() for share in shares)
    out = both.drop(columns=["share_then", "share_now"]).assign(
        change=both[f"{value}_now"] - both[f"{value}_then"], of_the_change=np.nan if unknown else moved
    )
    order = (out["change"] if unknown else out["of_the_change"]).abs().sort_values(ascending=False, kind="stable")
    out = out.loc[order.index].reset_index(drop=not keys)
    return _arranged(out, keys, value), _whole_row(whole, value)


def _parts(asking: Question, found: pd.DataFrame) -> pd.DataFrame:
    return found.drop(columns="month")


def _bare(name: str) -> str:
    return name.removesuffix("_then").removesuffix("_now")


def _arranged(out: pd.DataFrame, keys: Sequence[str], value: str) -> pd.DataFrame:
    first = [*keys, f"{value}_then", f"{value}_now", "change", "of_the_change"]
    out = out[[*first, *(name for name in out.columns if name not in first)]]
    if out["of_the_change"].isna().all() or not keys:
        out = out.drop(columns="of_the_change")
    return out


def _whole_row(whole: Sequence[pd.DataFrame], value: str) -> dict[str, Any]:
    ends = [one.to_dict("records")[0] if len(one) == 1 else {} for one in whole]
    row = {f"{name}{end}": part for one, end in zip(ends, ("_then", "_now"), strict=True) for name, part in one.items()}
    change = row.get(f"{value}_now", np.nan) - row.get(f"{value}_then", np.nan)
    return row | {"change": change, "of_the_change": change}


def _of_whole(rows: pd.DataFrame, whole: pd.DataFrame, value: str) -> pd.Series:
    """What each group adds to the value of the whole: found from the columns, which hold what the value divides."""
    if len(whole) != 1 or value not in rows:
        return pd.Series(np.nan, index=rows.index)
    if pd.api.types.is_integer_dtype(rows[value]):
        return rows[value].astype("float64")
    numbers = [name for name in rows.columns if pd.api.types.is_integer_dtype(rows[name])]
    for above, below in permutations(numbers, 2):
        n, d, v = (float(whole[name].iloc[0]) for name in (above, below, value))
        if not n or not d or v != v:
            continue
        factor = v * d / n
        told = rows[rows[value].notna() & (rows[below] != 0)]
        made = quotient(told[above] * factor, told[below])
        if len(told) > 1 and np.allclose(
            made.astype("float64"), told[value].astype("float64"), rtol=1e-6, equal_nan=True
        ):
            return quotient(rows[above] * factor, pd.Series(d, index=rows.index)).astype("float64")
    return pd.Series(np.nan, index=rows.index)


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
        raise AttributeError(f"an answer has said, table, plot, to_excel and sql, and no {name!r}")


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
) -> tuple[list[Block], pd.DataFrame]:
    """For any other measure: its largest movers by payer, provider and location, and one sentence on each."""
    record, parts, sentences = asking.record, [], []
    unit = record.unit or "number"
    for dimension in DIMENSIONS:
        try:
            rows, whole = compared(Question(record, (dimension,), asking.where, asking.options), tables, then, now)
        except RcmError:
            continue
        amount = "of_the_change" if "of_the_change" in rows else "change"
        rows = rows.head(NAMED_PARTS)
        known = names.get(dimension, {})
        told = [
            f"{known.get(row[dimension], row[dimension])} {_signed(row[amount], unit)}" for _, row in rows.iterrows()
        ]
        sentences.append(f"By {dimension}: {comma_list(told)}.")
        values = {f"{end}": rows[f"{record.value}_{end}"] for end in ("then", "now")}
        parts.append(
            pd.DataFrame(
                {
                    "by": dimension,
                    "part": [known.get(one, one) for one in rows[dimension]],
                    **{f"{record.value}_{end}": column.to_numpy() for end, column in values.items()},
                    amount: rows[amount].to_numpy(),
                }
            )
        )
    if not parts:
        raise ParameterError(f"{record.name} cannot be told apart by {comma_list(DIMENSIONS)}: {_counts(record)}.")
    ends = [as_text(whole.get(f"{record.value}_{end}"), unit) for end in ("then", "now")]
    first = f"{record.title}: {ends[0]} in {then.title}, {ends[1]} in {now.title}."
    return [note(" ".join([first, *sentences]))], pd.concat(parts, ignore_index=True)


def _signed(value: Any, unit: str) -> str:
    text = as_text(abs(value), unit) if value == value else as_text(None, unit)
    return f"{'+' if value >= 0 else '-'}{text}" if value == value else text


def _lower(words: str) -> str:
    return words if words.isupper() else words.lower()


def title_of(asking: Question, names: Mapping[str, Mapping[str, str]]) -> str:
    """The measure with what was kept of it and what it is told apart by, in words."""
    kept = [names.get(name, {}).get(value, value) for name, wanted in asking.where.items() for value in wanted]
    by = f" by {comma_list([_lower(heading(name)) for name in asking.by])}" if asking.by else ""
    return f"{asking.record.title}{', ' if kept else ''}{comma_list(kept)}{by}"
