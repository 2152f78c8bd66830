"""The invented company: who its clients and payers are, and the registry that says so."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from ..errors import ClientError, closest
from ..periods import Period
from .laws import USUAL, Laws

REGISTRY_FIELDS = (
    "name",
    "specialty",
    "services",
    "providers",
    "revenue",
    "is_estimate",
    "commission_rate",
    "meeting_cadence",
    "meeting_day",
    "emails_per_week",
    "hours_per_week",
    "assigned_to",
    "assigned_level",
    "npis",
    "column_maps",
)
SYSTEMS = {"self_pay": "self_pay_desk", "patient_engagement": "front_office", "care_coordination": "care_program"}
"""Every service beside claims, and the column map of its system."""
EVERY = {"self_pay": 2, "patient_engagement": 3, "care_coordination": 4}
"""Of the invented clients, by position, every second, third and fourth one has the service."""
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class Payer:
    """One payer: how it is named in each source, what it pays, and how soon."""

    id: str
    name: str
    payer_class: str
    aliases: tuple[str, ...]
    identifiers: tuple[str, ...]
    pays: float
    remit_weekday: int
    fast_days: float
    slow_share: float


@dataclass(frozen=True)
class Client:
    """One client: its registry entry, and how its claims behave."""

    id: str
    number: int
    registry: dict[str, Any]
    codes: str
    paid_per_claim: float
    denial_rate: float
    institutional_share: float = 0.0
    changes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def revenue_cents(self) -> int:
        return int(str(self.registry["revenue"]).replace(".", ""))

    @property
    def npi(self) -> str:
        return self.registry["npis"][0]

    @property
    def layout(self) -> str:
        return self.registry["column_maps"][0]


@dataclass(frozen=True)
class Company:
    """Firm, payers and clients, and the tables of codes and denials they share."""

    firm: str
    payers: tuple[Payer, ...]
    clients: tuple[Client, ...]
    codes: dict[str, dict]
    mix: dict[str, dict[str, float]]
    denials: tuple[dict, ...]
    laws: Laws = USUAL

    @property
    def renamed(self) -> tuple[tuple[str, str], ...]:
        """The payers that go on under a new name: old id and new id."""
        return tuple(pair for pair in self.laws.successors if all(pair[1] not in mix for mix in self.mix.values()))


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01: the simulation counts in these.

    >>> day_number(dt.date(1970, 1, 5))
    4
    """
    return (day - _EPOCH).days


def stream(seed: int, client: str, stage: str) -> np.random.Generator:
    """The random numbers of one stage of one client: changing one stage leaves the others alone."""
    return np.random.default_rng([seed, zlib.crc32(client.encode()), zlib.crc32(stage.encode())])


class Draws:
    """Random numbers of one stage, one for every claim (or other thing counted), each draw with a name.

    A claim's numbers depend on the seed, the client, the stage and the name, and on nothing that happened
    to another claim: what is planted on one claim leaves the luck of all others alone.
    """

    def __init__(self, seed: int, client: str, stage: str, size: int) -> None:
        self._seed, self._client, self._stage, self.size = seed, client, stage, size

    def _named(self, name: str) -> np.random.Generator:
        return stream(self._seed, self._client, f"{self._stage}: {name}")

    def uniform(self, name: str) -> np.ndarray:
        """Between 0 and 1."""
        return self._named(name).random(self.size)

    def integers(self, name: str, low: int, high: int) -> np.ndarray:
        """Whole numbers from `low` up to, and without, `high`."""
        return self._named(name).integers(low, high, self.size)

    def geometric(self, name: str, share: float) -> np.ndarray:
        """Tries until the first success."""
        return self._named(name).geometric(share, self.size)

    def lognormal(self, name: str, sigma: float) -> np.ndarray:
        """Factors around 1."""
        return self._named(name).lognormal(0, sigma, self.size)


def npi(number: int) -> str:
    """A ten-digit provider number with a valid check digit.

    >>> npi(123456789)
    '1234567893'
    """
    body = f"80840{number:09d}"
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body))]
    return f"{number:09d}{-sum(value // 10 + value % 10 for value in doubled) % 10}"


@cache
def _seed_data() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "seed_company.toml").read_text("utf-8"))


def plant_entries(client: str) -> list[dict[str, Any]]:
    """What seed_company.toml plants on one client."""
    return [entry for entry in _seed_data().get("plants", []) if entry["client"] == client]


def seed_company(clients: Sequence[str] | None = None) -> Company:
    """The company of the printed client overview, or only the named clients of it.

    Raises
        ClientError for a name that is not one of the twelve.
    """
    data = _seed_data()
    everyone = [_client(number, name, entry) for number, (name, entry) in enumerate(data["clients"].items(), 1)]
    known = [client.id for client in everyone]
    for name in clients or ():
        if name not in known:
            raise ClientError(
                f"No client '{name}' in the simulated company. Known: {', '.join(known)}.{closest(name, known)}"
            )
    return _company([client for client in everyone if clients is None or client.id in clients])


def grown_company(number: int, seed: int, laws: Laws = USUAL) -> Company:
    """A company of `number` clients in a world: the twelve of the overview first, then invented ones."""
    everyone = list(seed_company().clients)[:number]
    everyone += [_invented(position, seed) for position in range(len(everyone) + 1, number + 1)]
    company = replace(_company(everyone), laws=laws)
    known = {payer.id: payer for payer in company.payers}
    return replace(company, payers=(*company.payers, *(_under_name(known[old], new) for old, new in company.renamed)))


def _under_name(payer: Payer, name: str) -> Payer:
    """The payer under another name and id; nothing else about it changes."""
    return replace(
        payer,
        id=name,
        name=f"{name.capitalize()} Health",
        aliases=(name.upper(), f"{name.upper()} HLTH", f"{name.upper()} HEALTH INC"),
        identifiers=(f"9{payer.identifiers[0][1:]}", f"{name[:4].upper()}1"),
    )


def _company(clients: Sequence[Client]) -> Company:
    data = _seed_data()
    payers = tuple(
        Payer(id=name, **{**entry, "aliases": tuple(entry["aliases"]), "identifiers": tuple(entry["identifiers"])})
        for name, entry in data["payers"].items()
    )
    return Company(data["firm"], payers, tuple(clients), data["codes"], data["mix"], tuple(data["denials"]))


def _client(number: int, name: str, entry: dict[str, Any]) -> Client:
    registry = {key: entry[key] for key in REGISTRY_FIELDS if key in entry}
    registry.setdefault("npis", [npi(150_000_000 + 7_919 * number)])
    return Client(
        id=name,
        number=number,
        registry={key: registry[key] for key in REGISTRY_FIELDS},
        codes=entry["codes"],
        paid_per_claim=entry["paid_per_claim"],
        denial_rate=entry["denial_rate"],
        institutional_share=entry.get("institutional_share", 0.0),
        changes=[change for change in _seed_data()["changes"] if change["client"] == name],
    )


_PLACES = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fern", "Grove", "Hazel", "Ivy", "Juniper", "Laurel", "Maple")
_KINDS = {
    "family": "Family Medicine",
    "eye": "Eye Care",
    "ortho": "Orthopedics",
    "urgent": "Urgent Care",
    "surgery": "Surgical",
    "pediatric": "Pediatrics",
    "multi": "Medical Group",
    "foot": "Podiatry",
    "women": "Women's Health",
}


def _invented(number: int, seed: int) -> Client:
    rng = stream(seed, f"client {number}", "registry")
    codes = list(_KINDS)[int(rng.integers(len(_KINDS)))]
    providers = int(rng.integers(1, 9))
    revenue = int(providers * rng.uniform(40_000, 190_000))
    cadence = ("monthly", "monthly", "biweekly", "weekly")[int(rng.integers(4))]
    name = f"{_PLACES[number % len(_PLACES)]} {_KINDS[codes]} {number}"
    services = [service for service, step in EVERY.items() if number % step == 0]
    registry = dict(
        zip(
            REGISTRY_FIELDS,
            (
                name,
                _KINDS[codes].lower(),
                ["claims", *services],
                providers,
                f"{revenue}.00",
                False,
                f"{int(rng.integers(35, 80)) / 1000:.3f}",
                cadence,
                f"{cadence} tuesday",
                int(rng.integers(2, 16)),
                round(float(rng.uniform(1, 8)), 1),
                ("Jane Smith", "John Doe", "Joe Schmo")[number % 3],
                ("manager", "senior_manager", "coordinator")[number % 3],
                [npi(150_000_000 + 7_919 * number)],
                ["layout_b" if number % 4 == 0 else "layout_a", *(SYSTEMS[service] for service in services)],
            ),
            strict=True,
        )
    )
    return Client(
        id=re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"),
        number=number,
        registry=registry,
        codes=codes,
        paid_per_claim=float(rng.uniform(95, 240)),
        denial_rate=float(rng.uniform(0.05, 0.13)),
    )


# -- the registry as a file ------------------------------------------------------------------------


def registry_toml(company: Company, last_month: Period) -> str:
    """clients.toml: the firm, its payers and its clients, with dated changes in the last two months."""
    parts = [f"[firm]\nname = {_toml(company.firm)}\n"]
    for payer in company.payers:
        parts.append(
            _section(
                f"payers.{payer.id}",
                {
                    "name": payer.name,
                    "payer_class": payer.payer_class,
                    "aliases": list(payer.aliases),
                    "identifiers": list(payer.identifiers),
                },
            )
        )
    for client in company.clients:
        before = {key: value for change in reversed(client.changes) for key, value in change["before"].items()}
        parts.append(_section(f"clients.{client.id}", client.registry | before))
        for change in sorted(client.changes, key=lambda change: -change["months_back"]):
            now = {key: client.registry[key] for key in change["before"]}
            effective = last_month.shift(-change["months_back"]).first_day
            parts.append(_section(f"clients.{client.id}.changes", {"effective": effective} | now, many=True))
    return "\n".join(parts)


def workspace_toml() -> str:
    """rcm.toml: where a workspace keeps its parts."""
    paths = {"clients": "clients.toml", "raw": "raw", "maps": "maps", "store": "store", "runs": "runs"}
    return _section("paths", paths)


def _section(name: str, values: dict[str, Any], many: bool = False) -> str:
    head = f"[[{name}]]" if many else f"[{name}]"
    return "\n".join([head, *(f"{key} = {_toml(value)}" for key, value in values.items()), ""])


def _toml(value: Any) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)
