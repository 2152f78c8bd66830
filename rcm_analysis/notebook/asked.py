"""What an analyst writes, as measures take it: one column or several, days and months as text, names for ids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import polars as pl

from ..errors import ClientError, ParameterError, closest, listed
from ..periods import Period
from ..tables.clients import Registry

NAMED = ("payer", "provider", "location", "party", "specialty", "claim_type")
"""Columns whose values are no patient's: an unknown one may be answered with the closest."""


def columns(by: Any) -> list[str]:
    """The columns to group by, from one name or several.

    >>> columns("payer"), columns(["payer", "location"]), columns(None)
    (['payer'], ['payer', 'location'], [])
    """
    if by is None:
        return []
    wanted = [by] if isinstance(by, str) or not isinstance(by, Iterable) else list(dict.fromkeys(by))
    if not all(isinstance(one, str) for one in wanted):
        raise ParameterError(f"by names a column of claims, or several, such as by='payer'; found {by!r}.")
    return wanted


def count(name: str, given: Any) -> int:
    """How many, from a whole number of one or more.

    Raises
        ParameterError for anything else.
    """
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise ParameterError(f"{name} is a whole number of one or more; found {given!r}.")
    return given


def day(given: Any) -> dt.date:
    """A day from a date, or from YYYY-MM-DD; of a month, YYYY-MM, the last day.

    >>> day("2026-10-16"), day("2026-02")
    (datetime.date(2026, 10, 16), datetime.date(2026, 2, 28))
    """
    if isinstance(given, dt.datetime):
        return given.date()
    if isinstance(given, dt.date):
        return given
    if isinstance(given, Period):
        return given.last_day
    text = str(given)
    try:
        return Period.month(text).last_day if len(text) == 7 else dt.date.fromisoformat(text)
    except (ValueError, ParameterError):
        raise ParameterError(
            f"A day is written YYYY-MM-DD, such as 2026-10-16, or YYYY-MM for the last day of a month; found {text!r}."
        ) from None


def span(given: Any) -> Period:
    """A period from a month, YYYY-MM, from two ("2026-07 to 2026-10"), or from a day in it.

    >>> span("2026-10").label, span("2026-07 to 2026-10").label, span(dt.date(2026, 10, 3)).label
    ('2026-10', '2026-07-01 to 2026-10-31', '2026-10')
    """
    if isinstance(given, Period):
        return given
    if isinstance(given, dt.date):
        return Period.of(given)
    first, _, last = str(given).partition(" to ")
    months = [Period.of(day(text.strip())) for text in (first, last or first)]
    return Period(months[0].first_day, months[1].end)


def client(registry: Registry, given: str) -> str:
    """The id of a client, from its id or its name in any spelling of capitals.

    Raises
        ClientError for a client that is not in the registry: it names the closest.
    """
    if given in registry.clients:
        return given
    names = {one.name.casefold(): key for key, one in registry.clients.items()}
    found = names.get(str(given).strip().casefold())
    if found:
        return found
    known = [*registry.clients, *(one.name for one in registry.clients.values())]
    raise ClientError(
        f"No client {str(given)!r} in {registry.path.name}. Known: {listed(registry.clients, 30)}."
        + closest(str(given), known)
    )


def values(name: str, given: Any, tables: Mapping[str, Any], payers: Mapping[str, str]) -> list[str]:
    """The values of a column that are asked for; a payer by id or name. Nothing given keeps everything.

    Raises
        ParameterError for a value that no claim has, and no payer of the registry.
    """
    if given is None or (isinstance(given, str) and not given):
        return []
    wanted = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    there = _there(name, tables)
    ids = {words.casefold(): key for key, words in payers.items()} if name.endswith("payer") else {}
    out = []
    for one in wanted:
        found = one if there is None or one in there or one in payers else ids.get(str(one).casefold())
        if found is None:
            known = [*(there or ()), *(payers.values() if ids else ())]
            near = closest(str(one), known) if name in NAMED else ""
            raise ParameterError(f"No claim has the {name} {str(one)!r}.{near}")
        out.append(found)
    return list(dict.fromkeys(out))


def _there(name: str, tables: Mapping[str, Any]) -> set[str] | None:
    """The values that the claims have in a column; None where it is no column of theirs, or not to be listed."""
    if name not in NAMED or "claims" not in tables:
        return None
    claims = tables["claims"]
    if isinstance(claims, pd.DataFrame):
        claims = pl.from_pandas(claims)
    rows = claims.lazy() if isinstance(claims, pl.DataFrame) else claims
    if not isinstance(rows, pl.LazyFrame) or name not in rows.collect_schema().names():
        return None
    return set(rows.select(pl.col(name).drop_nulls().unique()).collect()[name])
