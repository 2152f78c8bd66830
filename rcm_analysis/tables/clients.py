"""The registry: our firm, its clients and the payers, as one TOML file outside git.

    [firm]      name
    [payers.X]  name, payer_class, aliases, identifiers (as they appear in 835, 837 and exports)
    [clients.X] name, specialty, services, providers, revenue, is_estimate, commission_rate,
                meeting_cadence, meeting_day, emails_per_week, hours_per_week, high_complexity,
                assigned_to, assigned_level, npis, column_maps
    [[clients.X.changes]] effective, and any of the settings above: they hold from that day on

Dollars and rates are written as text ("827990.00", "0.055"), so that they stay exact.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import ClientError, closest, listed
from .schema import CLIENTS, MEETING_CADENCES, PAYER_CLASSES, PAYERS, check

LEVELS = ("coordinator", "manager", "senior_manager", "director")
SERVICES = ("claims", "self_pay", "patient_engagement", "care_coordination")
SELF_PAY = "self_pay"
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class Payer:
    """One payer, and the names and ids under which it appears in files."""

    payer: str
    name: str
    payer_class: str = "other"
    aliases: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Client:
    """One client's settings as they stand on a day (see `Registry.client`)."""

    client: str
    name: str
    providers: int
    revenue_cents: int
    commission_rate: float
    meeting_cadence: str
    specialty: str | None = None
    services: tuple[str, ...] = ("claims",)
    is_estimate: bool = False
    meeting_day: str | None = None
    emails_per_week: float | None = None
    hours_per_week: float | None = None
    high_complexity: bool | None = None
    assigned_to: str | None = None
    assigned_level: str | None = None
    npis: tuple[str, ...] = ()
    column_maps: tuple[str, ...] = ()
    changes: tuple[tuple[dt.date, Mapping[str, Any]], ...] = field(default=(), repr=False)

    def as_of(self, day: dt.date) -> Client:
        """The settings as they stood on `day`: every change effective by then is applied, in order."""
        client = self
        for effective, settings in sorted(self.changes, key=lambda change: change[0]):
            if effective <= day:
                client = replace(client, **settings)
        return client


@dataclass(frozen=True)
class Registry:
    """Firm, clients and payers."""

    firm: str
    clients: Mapping[str, Client]
    payers: Mapping[str, Payer]
    path: Path

    def client(self, client: str, *, as_of: dt.date | None = None) -> Client:
        """One client's settings.

        Raises
            ClientError for an unknown id: it names the known ones and the closest.
        """
        found = self.clients.get(client)
        if found is None:
            raise ClientError(
                f"No client {client!r} in {self.path.name}. Known: {listed(self.clients, 30)}."
                + closest(client, self.clients)
            )
        return found.as_of(as_of) if as_of else found

    def clients_frame(self, *, as_of: dt.date) -> pl.DataFrame:
        """The clients as they stood on `as_of`: one row each, columns of `schema.CLIENTS`."""
        rows = []
        for client in self.clients.values():
            settings = client.as_of(as_of)
            row = {name: getattr(settings, name) for name in CLIENTS.names}
            rows.append(row | {"services": ",".join(settings.services)})
        return check(pl.DataFrame(rows, schema=CLIENTS.polars), CLIENTS, self.path.name)

    def payers_frame(self) -> pl.DataFrame:
        """The payers: one row each, columns of `schema.PAYERS`."""
        rows = [{name: getattr(payer, name) for name in PAYERS.names} for payer in self.payers.values()]
        return pl.DataFrame(rows, schema=PAYERS.polars)

    @cached_property
    def _payer_by_word(self) -> dict[str, str]:
        words: dict[str, str] = {}
        for payer in self.payers.values():
            for word in (payer.payer, payer.name, *payer.aliases, *payer.identifiers):
                words[_plain(word)] = payer.payer
        return words

    def payer_of(self, *words: str | None) -> str | None:
        """The payer that one of these names or ids stands for, or None when none is known."""
        for word in words:
            found = self._payer_by_word.get(_plain(word)) if word else None
            if found:
                return found
        return None

    def client_of_npi(self, npi: str | None) -> str | None:
        """The client that bills under this NPI, or None."""
        return next((client.client for client in self.clients.values() if npi in client.npis), None)


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", str(word).lower()).strip()


def to_cents(text: Any, what: str) -> int:
    """Dollars written as text into exact cents.

    >>> to_cents("827990.00", "revenue")
    82799000
    """
    try:
        cents = Decimal(str(text).replace(",", "").removeprefix("$")) * 100
    except InvalidOperation:
        raise ClientError(f'{what} must be dollars written as text, such as "1250.00".') from None
    if not cents.is_finite() or cents != cents.to_integral_value():
        raise ClientError(f"{what} must be a whole number of cents.")
    return int(cents)


def read_registry(path: Path) -> Registry:
    """Read and check the registry file; every fault is named at once.

    Raises
        ClientError: the file is missing, is not TOML, or contradicts itself.
    """
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ClientError(f"No registry at {path}. Write one, or change `clients` in rcm.toml.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ClientError(f"{path.name} is not a TOML file: {error}.") from None
    faults: list[str] = []
    _refuse_unknown(raw, {"firm", "payers", "clients"}, path.name, faults)
    payers = {name: _payer(name, entry, faults) for name, entry in raw.get("payers", {}).items()}
    clients = {name: _client(name, entry, faults) for name, entry in raw.get("clients", {}).items()}
    if not clients:
        faults.append("there is no [clients.*] section")
    _refuse_shared(payers, clients, faults)
    if faults:
        raise ClientError(f"{path.name} has {len(faults)} fault(s): " + "; ".join(faults) + ".")
    payers.setdefault(SELF_PAY, Payer(SELF_PAY, "Self-pay", "self_pay"))
    return Registry(str(raw.get("firm", {}).get("name", "")), clients, payers, path)


def _refuse_unknown(entry: Mapping[str, Any], known: Iterable[str], where: str, faults: list[str]) -> None:
    known = set(known)
    for key in entry:
        if key not in known:
            faults.append(f"{where}: unknown setting {key!r}.{closest(key, known)}".rstrip("."))


def _refuse_shared(payers: Mapping[str, Payer], clients: Mapping[str, Client], faults: list[str]) -> None:
    seen: dict[str, str] = {}
    for payer in payers.values():
        for word in {_plain(word) for word in (payer.payer, payer.name, *payer.aliases, *payer.identifiers)}:
            if seen.setdefault(word, payer.payer) != payer.payer:
                faults.append(f"payers {seen[word]} and {payer.payer} share a name or identifier")
    npis: dict[str, str] = {}
    for client in clients.values():
        for npi in client.npis:
            if npis.setdefault(npi, client.client) != client.client:
                faults.append(f"clients {npis[npi]} and {client.client} share an NPI")


def _payer(name: str, entry: Mapping[str, Any], faults: list[str]) -> Payer:
    known = {item.name for item in fields(Payer)} - {"payer"}
    where = f"[payers.{name}]"
    _refuse_unknown(entry, known, where, faults)
    if entry.get("payer_class", "other") not in PAYER_CLASSES:
        faults.append(f"{where}: payer_class is one of {listed(PAYER_CLASSES)}")
    return Payer(
        name,
        str(entry.get("name", name)),
        entry.get("payer_class", "other"),
        tuple(entry.get("aliases", ())),
        tuple(str(word) for word in entry.get("identifiers", ())),
    )


def _client(name: str, entry: Mapping[str, Any], faults: list[str]) -> Client:
    where = f"[clients.{name}]"
    if not _SLUG.fullmatch(name):
        faults.append(f"{where}: a client id is lower-case letters, digits and hyphens")
    required = {"name", "providers", "revenue", "commission_rate", "meeting_cadence"}
    missing = sorted(required - set(entry))
    if missing:
        faults.append(f"{where}: missing {listed(missing)}")
    settings = {"name": name, "providers": 1, "revenue_cents": 0, "commission_rate": 0.0, "meeting_cadence": "monthly"}
    settings |= _settings({key: value for key, value in entry.items() if key != "changes"}, where, faults)
    changes = []
    for change in entry.get("changes", ()):
        effective = change.get("effective")
        if not isinstance(effective, dt.date):
            faults.append(f"{where}: every change needs `effective`, a date such as 2026-10-01")
            continue
        rest = {key: value for key, value in change.items() if key != "effective"}
        changes.append((effective, _settings(rest, f"{where} change of {effective}", faults)))
    return Client(client=name, changes=tuple(changes), **settings)


def _settings(entry: Mapping[str, Any], where: str, faults: list[str]) -> dict[str, Any]:
    known = {item.name for item in fields(Client)} - {"client", "revenue_cents", "changes"} | {"revenue"}
    _refuse_unknown(entry, known, where, faults)
    settings: dict[str, Any] = {}
    for key, value in entry.items():
        if key not in known:
            continue
        try:
            settings["revenue_cents" if key == "revenue" else key] = _setting(key, value)
        except (ValueError, ArithmeticError, ClientError) as error:
            faults.append(f"{where}: {key}: {str(error).rstrip('.')}")
    return settings


def _setting(key: str, value: Any) -> Any:
    if key == "revenue":
        return to_cents(value, "revenue")
    if key == "commission_rate":
        rate = Decimal(str(value))
        if not 0 <= rate < 1:
            raise ValueError('a share of collections such as "0.055"')
        return float(rate)
    if key == "providers" and (not isinstance(value, int) or value < 1):
        raise ValueError("a whole number from 1")
    if key in ("emails_per_week", "hours_per_week") and (isinstance(value, (str, bool)) or value < 0):
        raise ValueError("a number from 0")
    if key in ("is_estimate", "high_complexity") and not isinstance(value, bool):
        raise ValueError("true or false")
    choices = {"meeting_cadence": MEETING_CADENCES, "assigned_level": LEVELS}.get(key)
    if choices and value not in choices:
        raise ValueError(f"one of {listed(choices)}")
    if key == "services" and set(value) - set(SERVICES):
        raise ValueError(f"any of {listed(SERVICES)}")
    return tuple(str(item) for item in value) if isinstance(value, list) else value
