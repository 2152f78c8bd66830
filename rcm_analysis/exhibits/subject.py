"""What a report is about: one client (or the firm), one period, the tables as known on its last day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from ..ledger.completeness import never_charged, relations_to_date
from ..periods import Period
from ..tables.clients import Client, Registry
from ..tables.store import Tables, as_known
from .formats import day_text, words_of

PUBLIC_CLASSES = ("medicare", "medicaid", "government")


@dataclass(frozen=True)
class Subject:
    """One client and one period.

    `tables` holds only what was known at the end of `as_of`; `findings` and `quarantine` are intake's.
    """

    client: Client
    period: Period
    as_of: dt.date
    firm: str
    tables: Mapping[str, Any]
    payers: pd.DataFrame
    findings: pd.DataFrame
    quarantine: pd.DataFrame
    fingerprints: Mapping[str, str]
    rows: Mapping[str, int]
    versions: Mapping[str, str]
    template: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    registry: Registry | None = None
    plan: Path | None = None
    """The client's own care-coordination plan, where it has one."""
    _frames: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def memory(self) -> dict[str, Any]:
        """What was worked out about this client and day, for all who ask again."""
        return {}

    def at_close(self, period: Period) -> Subject:
        """The same client at the close of an earlier month, as known then."""
        day = period.last_day
        known = self.tables
        tables = known.as_known_on(day) if isinstance(known, Tables) else as_known(known, day)
        client = self.registry.client(self.client.client, as_of=day) if self.registry else self.client
        return replace(self, client=client, period=period, as_of=day, tables=tables, _frames={})

    @property
    def as_of_text(self) -> str:
        return day_text(self.as_of)

    @property
    def month(self) -> str:
        """The period's month in words, without its year."""
        return f"{self.period.first_day:%B}"

    def payer_name(self, payer: str) -> str:
        """The payer's name as printed; an id that the registry does not know stays as it is."""
        known = self._names.get(payer)
        return words_of(payer) if known is None else known

    @cached_property
    def _names(self) -> dict[str, str]:
        first = self.payers.drop_duplicates("payer")
        return dict(zip(first["payer"], map(str, first["name"]), strict=True))

    @property
    def public_payers(self) -> list[str]:
        """Payers of the State: their prices are law, and what was paid too much must be returned to them."""
        return self.payers.loc[self.payers["payer_class"].isin(PUBLIC_CLASSES), "payer"].tolist()

    def with_payer_names(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with `payer` in printed names."""
        return frame.assign(payer=[self.payer_name(payer) for payer in frame["payer"]])

    @property
    def relations(self) -> pd.DataFrame:
        """The relations between the records, to date and in the period's month (columns month_count, month_cents,
        month_share).

        `is_doubtful` where one is broken by so large a share, of all or of the month, that advice on it would
        be about dollars that are not there.
        """
        if "relations" not in self._frames:
            self._frames["relations"] = relations_to_date(
                self.tables,
                as_of=self.as_of,
                period=self.period,
                registry=self.registry,
                aside=pl.from_pandas(self.quarantine),
            )
        return self._frames["relations"]

    @property
    def never_billed(self) -> set[str]:
        """Claims with postings and no charge: what looks like a credit on them is none."""
        if "never billed" not in self._frames:
            claims = never_charged(self.tables, as_of=self.as_of)
            self._frames["never billed"] = pd.DataFrame({"claim_id": sorted(claims)})
        return set(self._frames["never billed"]["claim_id"])

    def holds(self, table: str) -> bool:
        """Whether any record of this kind is on file: where none is, that nothing is seen in it is no good news."""
        if table in self._frames:
            return not self._frames[table].empty
        return not self.tables[table].lazy().head(1).collect().is_empty()

    def pandas(self, table: str) -> pd.DataFrame:
        """One of the tables as a pandas frame, dates as datetime64."""
        if table not in self._frames:
            frame = self.tables[table].collect().to_pandas()
            days = [name for name in frame.columns if name.endswith(("_on", "_from", "_to"))]
            self._frames[table] = frame.assign(**{name: pd.to_datetime(frame[name]) for name in days})
        return self._frames[table].copy(deep=False)


@dataclass(frozen=True)
class Book:
    """The firm's clients and one period: what a portfolio report is about."""

    firm: str
    period: Period
    as_of: dt.date
    manager: str
    clients: pd.DataFrame
    clients_before: pd.DataFrame
    meeting_days: Mapping[str, str | None]
    tables: Mapping[str, Any]
    rows: Mapping[str, Mapping[str, int]]
    fingerprints: Mapping[str, Mapping[str, str]]
    findings: Mapping[str, int]
    versions: Mapping[str, str]
    template: str
    clients_earliest: pd.DataFrame | None = None
    """The clients two months ago."""
    service_levels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def as_of_text(self) -> str:
        return day_text(self.as_of)

    @cached_property
    def _names(self) -> dict[str, str]:
        return dict(zip(self.clients["client"], self.clients["name"], strict=True))

    def name_of(self, client: str) -> str:
        return self._names.get(client, client)
