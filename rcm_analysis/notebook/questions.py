"""What is asked at the bench: a number, the claims behind it, how it moved, between which groups, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import polars as pl

from ..errors import ParameterError, RcmError, TableError, closest, listed
from ..exhibits.formats import comma_list
from ..measures.menu import Measure
from ..measures.windows import monthly
from ..periods import Period
from ..tables.frames import NO_VALUE
from ..tables.schema import CLAIMS
from . import asked
from .results import heading

CLAIM = "claim_id"
NO_CLAIM = "(no single claim)"
ABOUT_A_CLAIM = ("service_on", "payer", "provider", "location")
OF_A_BALANCE = ("party", "responsible_payer")
SERVICE_OF = {"self_pay": "self_pay", "engagement": "patient_engagement", "coordination": "care_coordination"}
"""Subjects of measures -> the service whose records they count, where it is not claims."""


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
        if not set(by) <= set(found.columns):
            raise _not_apart(self.record, by)
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
        raise _not_apart(record, by) from None


def _not_apart(record: Measure, by: Sequence[str]) -> ParameterError:
    return ParameterError(
        f"{record.name} cannot be told apart by {comma_list(by)}: {counts(record)} Columns of claims are: "
        f"{listed(CLAIMS.names, 30)}."
    )


def counts(record: Measure) -> str:
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
            raise ParameterError(f"{record.name} has no claims behind it: {counts(record)}.")
        return found, ("One row each, as the measure itself lists them.",)
    found = asking.answer(tables, period, as_of, by=[CLAIM])
    if CLAIM not in found:
        raise ParameterError(f"{record.name} cannot be told apart by {CLAIM}: {counts(record)}.")
    if len(found) and set(found[CLAIM]) == {NO_VALUE} and not any(name.endswith("_cents") for name in found):
        raise ParameterError(f"{record.name} cannot be told apart by {CLAIM}: {counts(record)}.")
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
    about = [CLAIM, *ABOUT_A_CLAIM]
    known = [name for name in about if name == CLAIM or name not in found.columns]
    claims = tables["claims"]
    rows = pl.from_pandas(claims).lazy() if isinstance(claims, pd.DataFrame) else claims.lazy()
    rows = rows.filter(pl.col(CLAIM).is_in(found[CLAIM].tolist())).select(known).collect().to_pandas()
    if "service_on" in rows:
        rows["service_on"] = pd.to_datetime(rows["service_on"])
    out = found.merge(rows, on=CLAIM, how="left")
    first = [name for name in about if name in out]
    return out[[*first, *(name for name in out.columns if name not in first)]]


def _lower(words: str) -> str:
    return words if words.isupper() else words.lower()


def title_of(asking: Question, names: Mapping[str, Mapping[str, str]]) -> str:
    """The measure with what was kept of it and what it is told apart by, in words."""
    kept = [names.get(name, {}).get(value, value) for name, wanted in asking.where.items() for value in wanted]
    by = f" by {comma_list([_lower(heading(name)) for name in asking.by])}" if asking.by else ""
    return f"{asking.record.title}{', ' if kept else ''}{comma_list(kept)}{by}"
