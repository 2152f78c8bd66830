"""The registry: our firm, its clients and the payers, as one TOML file outside git.

    [firm]      name
    [firm.packet] how the firm's documents look and what its clients get (see `tables/looks.py`)
    [specialties.X] revenue_per_provider and its source: what clients of the specialty are taken to collect whose
                revenue nobody states
    [payers.X]  name, payer_class, funding, aliases, identifiers (as they appear in 835, 837 and exports)
    [clients.X] name, specialty, state, services, providers, revenue, is_estimate, commission_rate,
                meeting_cadence, meeting_day, emails_per_week, hours_per_week, high_complexity,
                assigned_to, assigned_level, service_levels, npis, tax_ids, aliases, not_ours, follow_up, column_maps
    [clients.X.packet] what of [firm.packet] is otherwise for this client
    [[clients.X.changes]] effective, and any of the settings above: they hold from that day on

Dollars and rates are written as text ("827990.00", "0.055"), so that they stay exact.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import polars as pl
from pydantic import BaseModel, BeforeValidator, Field, StrictBool, create_model

from ..blocks.vocabulary import Brand
from ..errors import ClientError, closest, listed
from .checking import KEY, KNOWN_KEYS, Words, checked, one_of, says
from .looks import Look, brand_of
from .schema import CLIENTS, FUNDINGS, MEETING_CADENCES, PAYER_CLASSES, PAYERS, check

LEVELS = ("coordinator", "manager", "senior_manager", "director")
SERVICES = ("claims", "aging_reports", "self_pay", "patient_engagement", "care_coordination")
SERVICE_STEPS = ("claim_sent", "rejection_reworked", "denial_worked", "payment_posted", "message_answered")
SELF_PAY = "self_pay"
OWN, FOREIGN, UNKNOWN, UNSAID = "own", "foreign", "unknown", "unsaid"
UNSTATED = -1
"""Annual collections that nobody stated; estimated from the specialty before anybody reads them."""
LEGAL_ENDINGS = ("llc", "llp", "pllc", "pc", "pa", "inc", "corp", "ltd", "md", "do")
"""What may follow a practice's name without making it another."""
TAX_ID_DIGITS = 9


def _cents(text: Any) -> int:
    """Dollars written as text into exact cents.

    >>> _cents("827990.00")
    82799000
    """
    try:
        cents = Decimal(str(text).replace(",", "").removeprefix("$")) * 100
    except InvalidOperation:
        raise ValueError('dollars written as text, such as "1250.00"') from None
    if not cents.is_finite() or cents != cents.to_integral_value():
        raise ValueError("a whole number of cents")
    return int(cents)


Id = Annotated[
    str,
    Field(alias=KEY, pattern=r"^[a-z0-9][a-z0-9-]*$"),
    says("a client id of lower-case letters, digits and hyphens"),
]
Whole = Annotated[int, Field(ge=1, strict=True), says("a whole number from 1")]
Number = Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False), says("a number from 0")]
Day = Annotated[dt.date, Field(strict=True), says("a date such as 2026-10-01: every change needs `effective`")]
Rate = Annotated[float, Field(ge=0, lt=1), says('a share of collections such as "0.055"')]


@dataclass(frozen=True)
class Payer:
    """One payer, and the names and ids under which it appears in files."""

    __pydantic_config__ = KNOWN_KEYS
    payer: Annotated[str, Field(alias=KEY)]
    name: str
    payer_class: Annotated[str, one_of(PAYER_CLASSES)] = "other"
    funding: Annotated[str, one_of(FUNDINGS)] | None = None
    """"insured" only where the plans are insured under the law of the clients' state: others have an entry of their
    own."""
    aliases: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Specialty:
    """What a provider of a specialty is taken to bring a year, and who says so."""

    __pydantic_config__ = KNOWN_KEYS
    revenue_per_provider_cents: Annotated[int, Field(alias="revenue_per_provider"), BeforeValidator(_cents)]
    source: str


class Change(BaseModel):
    """Settings of a client that hold from `effective` on; those not named stay as they were."""

    model_config = KNOWN_KEYS
    effective: Day = Field(None, validate_default=True)


@dataclass(frozen=True)
class Client:
    """One client's settings as they stand on a day (see `Registry.client`)."""

    __pydantic_config__ = KNOWN_KEYS
    client: Id
    name: str
    providers: Whole
    commission_rate: Rate
    meeting_cadence: Annotated[str, one_of(MEETING_CADENCES)]
    revenue_cents: Annotated[int, Field(alias="revenue"), BeforeValidator(_cents)] = UNSTATED
    revenue_source: str | None = None
    specialty: str | None = None
    state: Annotated[str, Field(pattern=r"^[A-Z]{2}$"), says("a state as two capital letters")] | None = None
    services: tuple[Annotated[str, one_of(SERVICES)], ...] = ("claims",)
    is_estimate: StrictBool = False
    meeting_day: str | None = None
    emails_per_week: Number | None = None
    hours_per_week: Number | None = None
    high_complexity: StrictBool | None = None
    assigned_to: str | None = None
    assigned_level: Annotated[str, one_of(LEVELS)] | None = None
    npis: tuple[str, ...] = ()
    tax_ids: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    not_ours: tuple[str, ...] = ()
    service_levels: dict[Annotated[str, one_of(SERVICE_STEPS)], Whole] = field(default_factory=dict, hash=False)
    """Business days agreed by step, such as claim_sent (see measures/portfolio/client_service.py)."""
    follow_up: dict[str, Whole] = field(default_factory=dict, hash=False)
    """Key accounts by claim number, or all of a payer: so many days at most from touch to touch."""
    assumptions: str | None = None
    """The plan of its care-coordination programme: a file of the folder of plans, or the id of a sister programme."""
    column_maps: tuple[str, ...] = ()
    packet: Look = Look()
    changes: tuple[Change, ...] = field(default=(), repr=False)

    @property
    def companies(self) -> set[str]:
        """The names under which payers may pay it, as they are compared."""
        return {_company(one) for one in (self.name, self.client, *self.aliases)}

    def as_of(self, day: dt.date) -> Client:
        """The settings as they stood on `day`: every change effective by then is applied, in order."""
        client = self
        for change in sorted(self.changes, key=lambda change: change.effective):
            if change.effective <= day:
                client = replace(client, **change.model_dump(exclude_unset=True, exclude={"effective"}))
        return client

    def refuse_unbought(self, service: str) -> None:
        """Silence where a service is not bought: a report about it would say nothing but that nothing is there.

        Raises
            ClientError for a service that is not among the client's; an empty one is about none in particular.
        """
        if service and service not in self.services:
            raise ClientError(
                f"{self.client} has not bought the service {service}, only {listed(self.services)}, so it gets no "
                "report of it. Nothing was run."
            )


_HINTS = get_type_hints(Client, include_extras=True)
_SETTINGS: dict[str, Any] = {
    name: (kind, None) for name, kind in _HINTS.items() if name not in ("client", "packet", "changes")
}
Change = create_model("Change", __base__=Change, __module__=__name__, **_SETTINGS)  # type: ignore[misc]


def _with_ids(section: Any, ids: Iterable[str]) -> Any:
    """Each entry knows its own id; what is no section is left for its type to refuse."""
    if not isinstance(section, Mapping):
        return section
    return {
        name: {**dict.fromkeys(ids, name), **entry} if isinstance(entry, Mapping) else entry
        for name, entry in section.items()
    }


@dataclass(frozen=True)
class _Firm:
    name: str = ""
    packet: Look = Look()


@dataclass(frozen=True)
class _File:
    """The file as a whole."""

    __pydantic_config__ = KNOWN_KEYS
    firm: _Firm = _Firm()
    specialties: dict[str, Specialty] = field(default_factory=dict)
    payers: Annotated[dict[str, Payer], BeforeValidator(partial(_with_ids, ids=(KEY, "name")))] = field(
        default_factory=dict
    )
    clients: Annotated[dict[str, Client], BeforeValidator(partial(_with_ids, ids=(KEY,)))] = field(default_factory=dict)


@dataclass(frozen=True)
class Registry:
    """Firm, clients and payers."""

    firm: str
    clients: Mapping[str, Client]
    payers: Mapping[str, Payer]
    path: Path
    packet: Look = Look()
    """How the firm's documents look, and what its clients get."""
    specialties: Mapping[str, Specialty] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """One SHA-256 of all that the file says."""
        return hashlib.sha256(repr((self.firm, self.clients, self.payers, self.specialties)).encode()).hexdigest()

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
        return self._estimated(found.as_of(as_of) if as_of else found)

    def _estimated(self, client: Client) -> Client:
        """The client with what its specialty brings where nobody states its revenue, and who says so."""
        specialty = self.specialties.get(client.specialty or "")
        if client.revenue_cents != UNSTATED or specialty is None:
            return client
        cents = specialty.revenue_per_provider_cents * client.providers
        return replace(client, revenue_cents=cents, is_estimate=True, revenue_source=specialty.source)

    def look(self, client: str | None = None) -> Look:
        """How documents about this client look, and what it gets: the firm's, but for what the client has of its own;
        without a client the firm's.
        """
        own = self.client(client).packet if client else Look()
        return own.over(replace(self.packet, name=self.packet.name or self.firm))

    def brand(self, client: str | None = None) -> Brand:
        """Color, logo and disclaimer of documents about this client.

        Raises
            ClientError for a logo that is not there or cannot be shown.
        """
        return brand_of(self.look(client), self.path.parent)

    def logos(self) -> tuple[bytes, ...]:
        """Every logo that a document of this registry may bear; ClientError for one that cannot be shown."""
        brands = dict.fromkeys(self.brand(client) for client in (None, *self.clients))
        return tuple(brand.picture for brand in brands if brand.logo)

    def clients_frame(self, *, as_of: dt.date) -> pl.DataFrame:
        """The clients as they stood on `as_of`: one row each, columns of `schema.CLIENTS`."""
        rows = []
        for client in self.clients.values():
            settings = self.client(client.client, as_of=as_of)
            row = {name: getattr(settings, name) for name in CLIENTS.names}
            rows.append(row | {"services": ",".join(settings.services)})
        return check(pl.DataFrame(rows, schema=CLIENTS.polars), CLIENTS, self.path.name)

    def payers_frame(self, client: str | None = None) -> pl.DataFrame:
        """The payers: one row each, columns of `schema.PAYERS`, with the state of the client that asks."""
        asking = self.clients.get(client or "")
        words = [name for name in PAYERS.names if name != "state"]
        rows = [
            {name: getattr(payer, name) for name in words} | {"state": asking.state if asking else None}
            for payer in self.payers.values()
        ]
        return pl.DataFrame(rows, schema=PAYERS.polars)

    @cached_property
    def _payer_by_word(self) -> dict[str, str]:
        return {word: payer.payer for payer in self.payers.values() for word in _words(payer)}

    def payer_of(self, *words: str | None) -> str | None:
        """The payer that one of these names or ids stands for, or None when none is known."""
        for word in words:
            found = self._payer_by_word.get(_plain(word)) if word else None
            if found:
                return found
        return None

    def payee(self, client: str, *, npi: str | None = None, tax_id: str | None = None, name: str | None = None) -> str:
        """Whose money a remittance brings, judged by the payee that it names.

        Formula
            what the client lists under not_ours is not its own, unless the NPI is; then an NPI decides where the
            client lists npis; else a tax id where the client lists tax_ids; else the name, which must be the client's
            or one of its aliases but for case, punctuation and legal ending
        Counts
            "own", "foreign" (an id that the client does not have, or an id or name of another client), "unknown" (a
            payee by which nothing could be decided), "unsaid" (no payee is named). `tax_id` may be the
            last digits alone.
        """
        own = self.client(client)
        if self.is_not_ours(client, npi=npi, tax_id=tax_id, name=name):
            return FOREIGN
        others = [other for other in self.clients.values() if other.client != client]
        for word, listed_ids, of_others in (
            (npi, own.npis, {one for other in others for one in other.npis}),
            (_digits(tax_id), own.tax_ids, {one for other in others for one in other.tax_ids}),
        ):
            if word and any(_digits(one).endswith(word) for one in listed_ids):
                return OWN
            if word and (listed_ids or any(_digits(one).endswith(word) for one in of_others)):
                return FOREIGN
        if name and _company(name) in own.companies:
            return OWN
        if name and any(_company(name) in other.companies for other in others):
            return FOREIGN
        return UNKNOWN if npi or tax_id or name else UNSAID

    def is_not_ours(
        self, client: str, *, npi: str | None = None, tax_id: str | None = None, name: str | None = None
    ) -> bool:
        """True for a payee that the client lists under not_ours (NPI, tax id or name), and whose NPI is not its own."""
        own, end = self.client(client), _digits(tax_id)
        if npi in own.npis:
            return False
        ids = [_digits(one) for one in own.not_ours if not re.search("[A-Za-z]", one)]
        names = {_company(one) for one in own.not_ours if re.search("[A-Za-z]", one)}
        return (
            npi in ids
            or bool(end and any(one.endswith(end) for one in ids if len(one) == TAX_ID_DIGITS))
            or bool(name and _company(name) in names)
        )

    def client_of_npi(self, npi: str | None) -> str | None:
        """The client that bills under this NPI, or None."""
        return next((client.client for client in self.clients.values() if npi in client.npis), None)


def _words(payer: Payer) -> tuple[str, ...]:
    return tuple(_plain(word) for word in (payer.payer, payer.name, *payer.aliases, *payer.identifiers))


def payee_words(name: str | None, npi: str | None, tax_id: str | None) -> str:
    """A payee in words; of a tax id, which may be a person's, only the end.

    >>> payee_words("OTHER CLINIC", None, "998877665"), payee_words(None, None, "7665")
    ('payee OTHER CLINIC, tax id ending 7665', 'tax id ending 7665')
    """
    parts = [f"payee {name}"] if name else []
    parts += [f"NPI {npi}"] if npi else []
    parts += [f"tax id ending {_digits(tax_id)[-4:]}"] if tax_id else []
    return ", ".join(parts)


def _digits(word: str | None) -> str:
    return re.sub(r"\D", "", word or "")


def _company(name: str) -> str:
    """A practice's name without case, punctuation and what follows it by law.

    >>> _company("Acme Ortho, P.L.L.C."), _company("ACME ORTHO")
    ('acme ortho', 'acme ortho')
    """
    words = _plain(name.replace(".", "")).split()
    while len(words) > 1 and words[-1] in LEGAL_ENDINGS:
        words.pop()
    return " ".join(words)


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", str(word).lower()).strip()


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
    file, faults = checked(_File, raw, Words(" is"))
    faults += [] if raw.get("clients") else ["there is no [clients.*] section"]
    faults += _shared(raw.get("payers"), "a name or identifier", "name", "aliases", "identifiers")
    faults += _shared(raw.get("clients"), "an NPI", "npis")
    faults += _without_revenue(file) if file else []
    if faults:
        raise ClientError(f"{path.name} has {len(faults)} fault(s): " + "; ".join(faults) + ".")
    payers = {**file.payers}
    payers.setdefault(SELF_PAY, Payer(SELF_PAY, "Self-pay", "self_pay"))
    return Registry(file.firm.name, file.clients, payers, path, file.firm.packet, file.specialties)


def _without_revenue(file: _File) -> list[str]:
    """Clients whose collections nobody states, nor their specialty."""
    return [
        f"clients.{one.client} is missing revenue, and no [specialties.{one.specialty or 'X'}] says what to take for it"
        for one in file.clients.values()
        if one.revenue_cents == UNSTATED and one.specialty not in file.specialties
    ]


def _shared(section: Any, what: str, *keys: str) -> list[str]:
    """Entries that stand under one word, whatever else may be wrong with them."""
    seen: dict[str, str] = {}
    out = []
    for name, entry in section.items() if isinstance(section, Mapping) else ():
        given = [entry.get(key) for key in keys] if isinstance(entry, Mapping) else []
        words = [name, *(word for item in given for word in (item if isinstance(item, list) else [item]) if word)]
        twice = [seen[word] for word in map(_plain, words) if seen.setdefault(word, name) != name]
        out += [f"{other} and {name} share {what}" for other in dict.fromkeys(twice)]
    return out
