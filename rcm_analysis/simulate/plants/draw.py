"""Who gets which plant: the fixed list of the demo company, and random ones for everybody else."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ParameterError, closest
from ..company import SYSTEMS, Client, Company, day_number, plant_entries, stream
from ..fees import Calendar
from ..laws import Laws
from ..practice_book import providers_from_start, site_count, succession_day
from .kinds import DENIALS, PLANT_KINDS, Plant, Scope

QUIET_SHARE = 0.35
STANDING_CUT = ("northwind", 0.04, 4)
"""Every simulated company's lawful change: Northwind pays 4 % less by contract, from four months before the last."""
SIZES = {
    "authorization_denials": (0.5, 0.9),
    "documentation_denials": (0.3, 0.6),
    "eligibility_denials": (0.25, 0.5),
    "underpayment": (0.06, 0.15),
    "rate_cut": (0.03, 0.08),
    "secondary_not_billed": (0.7, 1.0),
    "document_holds": (0.12, 0.3),
    "charge_lag_creep": (1.0, 3.0),
    "denials_as_contractual": (0.5, 0.9),
    "whole_dollar_sweep": (0.9, 1.0),
    "patient_billed_for_denials": (0.4, 0.8),
    "clearinghouse_outage": (7.0, 7.0),
    "duplicated_remit": (1.0, 1.0),
}
FEWEST = 5.0
"""Claims a month that a random plant should touch at least, so that it can be told from chance."""
LASTING = (*DENIALS, "underpayment", "document_holds", "secondary_not_billed")
"""The kinds that end again where the laws say how long problems last."""
ALWAYS = ("clearinghouse_outage", "duplicated_remit")
DEMO_SERVICES_PLANTED = {
    "self_pay": "chicago-med",
    "patient_engagement": "dr-quinn",
    "care_coordination": "st-elsewhere",
}
"""The demo company: the client of each service in whose files something is planted."""
SERVICE_PLANTED_SHARE = 2 / 3


def services_planted(client: Client, seed: int | None = None) -> tuple[str, ...]:
    """The services of the client in whose files something is planted.

    Without a seed those of the demo company; with one, each service of any client with a chance of two in three.

    >>> from rcm_analysis.simulate.company import seed_company
    >>> services_planted(seed_company(["dr-quinn"]).clients[0])
    ('patient_engagement',)
    """
    own = [service for service in SYSTEMS if service in client.registry["services"]]
    if seed is None:
        return tuple(service for service in own if DEMO_SERVICES_PLANTED[service] == client.id)
    return tuple(
        service for service in own if stream(seed, client.id, f"plants of {service}").random() < SERVICE_PLANTED_SHARE
    )


def standing(client: Client, calendar: Calendar) -> tuple[Plant, ...]:
    """What holds for every client: one lawful rate cut, which is no problem."""
    payer, size, back = STANDING_CUT
    return (Plant(f"{client.id}/rate_cut/0", "rate_cut", client.id, calendar.month_start(back), size, Scope(payer)),)


def fixed(client: Client, calendar: Calendar) -> tuple[Plant, ...]:
    """The plants that seed_company.toml lists for the client.

    Raises
        ParameterError for a kind or a key that is not known.
    """
    found: list[Plant] = []
    for entry in plant_entries(client.id):
        known = ("client", "kind", "months_back", "size", "payer", "procedures", "location", "provider")
        if entry["kind"] not in PLANT_KINDS or set(entry) - set(known):
            raise ParameterError(
                f"A plant of '{client.id}' has an unknown kind or key. Kinds: {', '.join(PLANT_KINDS)}; keys: "
                f"{', '.join(known)}."
                f"{closest(entry['kind'], PLANT_KINDS)}"
            )
        scope = Scope(
            entry.get("payer"),
            tuple(entry.get("procedures", ())),
            _from_one(entry, "location"),
            _from_one(entry, "provider"),
        )
        found.append(
            _plant(
                client,
                calendar,
                entry["kind"],
                len(found) + 1,
                calendar.month_start(entry["months_back"]),
                entry["size"],
                scope,
            )
        )
    return tuple(found)


def drawn(client: Client, company: Company, calendar: Calendar, seed: int, scale: float = 1.0) -> tuple[Plant, ...]:
    """Random plants of one client: none for about a third of them, else one to three kinds.

    Only what touches at least about FEWEST claims a month is planted: less could not be told from chance.
    """
    volume = _Volume(client, company, scale)
    rng = stream(seed, client.id, "plants")
    quiet, lawful = rng.random() < QUIET_SHARE, rng.random() < 0.3
    count = max(company.laws.fewest_problems, 1 + int(rng.choice(3, p=[0.5, 0.35, 0.15])))
    problems = [kind for kind, about in PLANT_KINDS.items() if about.is_problem and volume.allows(kind)]
    kinds = [] if quiet else [str(kind) for kind in rng.choice(problems, min(count, len(problems)), replace=False)]
    kinds += ["rate_cut"] if lawful else []
    found = []
    for number, kind in enumerate(kinds, 1):
        own = stream(seed, client.id, f"plant {kind}")
        start = calendar.month_start(_months_back(calendar, own)) + int(own.integers(0, 21))
        size = round(float(own.uniform(*SIZES[kind])), 3)
        plant = _plant(client, calendar, kind, number, start, size, _scope(kind, volume, own))
        found.append(_under_laws(plant, company.laws, volume, calendar, seed))
    succeeded = [
        Plant(
            f"{client.id}/payer_succeeded/{old}",
            "payer_succeeded",
            client.id,
            succession_day(old, calendar, seed),
            1.0,
            Scope(new),
        )
        for old, new in company.laws.successors
    ]
    return (*found, *_lawful(client, company.laws, volume, calendar, seed), *succeeded)


def _under_laws(plant: Plant, laws: Laws, volume: _Volume, calendar: Calendar, seed: int) -> Plant:
    """The plant as the laws have it: how long it lasts, which lines it strikes; unchanged in the usual world."""
    rng = stream(seed, plant.client, f"laws of {plant.id}")
    if plant.kind in DENIALS and rng.random() < laws.standing_share:
        return replace(plant, start=calendar.first - 365)
    if laws.problem_days and plant.kind in LASTING:
        return replace(plant, end=plant.start + int(rng.integers(*laws.problem_days, endpoint=True)))
    if laws.part_of_lines and plant.kind == "underpayment":
        return replace(plant, share=float(rng.uniform(*laws.part_of_lines)))
    if laws.part_outages and plant.kind == "clearinghouse_outage":
        return replace(plant, scope=Scope(_likely(volume, rng)))
    return plant


def _lawful(client: Client, laws: Laws, volume: _Volume, calendar: Calendar, seed: int) -> tuple[Plant, ...]:
    """What some worlds have beside the problems drawn: a rise that was never loaded, an edit that bundles lawfully."""
    found = []
    rng = stream(seed, client.id, "plants of the law")
    if laws.unloaded_rise and volume.payers and rng.random() < 0.5:
        january = dt.date(calendar.months[-1].first_day.year, 1, 1)
        start, scope = max(calendar.first, day_number(january)), Scope(_likely(volume, rng))
        found.append(Plant(f"{client.id}/unloaded_rise/0", "underpayment", client.id, start, laws.unloaded_rise, scope))
    if laws.bundling_share and volume.payers and rng.random() < 0.5:
        start = calendar.month_start(_months_back(calendar, rng))
        scope = Scope(_likely(volume, rng), (volume.usual_extra(),))
        found.append(
            Plant(f"{client.id}/bundling_edit/0", "bundling_edit", client.id, start, laws.bundling_share, scope)
        )
    return tuple(found)


def _likely(volume: _Volume, rng: np.random.Generator) -> str:
    """A commercial payer, the larger ones more often."""
    share = np.array(list(volume.payers.values()))
    return list(volume.payers)[int(rng.choice(len(share), p=share / share.sum()))]


def _plant(client: Client, calendar: Calendar, kind: str, number: int, start: int, size: float, scope: Scope) -> Plant:
    end = None
    start = max(start, calendar.first) if kind in ALWAYS else start
    if kind == "clearinghouse_outage":
        start += -(start + 3) % 7  # from a Monday to the Sunday
        end = start + int(size) - 1
    return Plant(f"{client.id}/{kind}/{number}", kind, client.id, start, float(size), scope, end)


def _from_one(entry: dict[str, Any], name: str) -> int | None:
    return entry[name] - 1 if name in entry else None


def _months_back(calendar: Calendar, rng: np.random.Generator) -> int:
    """How long ago it began: at least two months, and with eight quiet months before it where there are so many."""
    return int(rng.integers(2, max(2, min(9, len(calendar.months) - 9)) + 1))


def _scope(kind: str, volume: _Volume, rng: np.random.Generator) -> Scope:
    client = volume.client
    if kind in ("authorization_denials", "underpayment"):
        choices = volume.families() if kind == "authorization_denials" else volume.common_codes()
        payer, codes = choices[int(rng.integers(len(choices)))]
        return Scope(payer, codes)
    if kind in DENIALS:
        return Scope(location=int(rng.integers(site_count(client))))
    if kind == "rate_cut":
        payers = list(volume.payers)
        share = np.array(list(volume.payers.values()))
        return Scope(payers[int(rng.choice(len(payers), p=share / share.sum()))])
    if kind == "charge_lag_creep" and client.registry["providers"] > 1 and rng.random() < 0.5:
        return Scope(provider=int(rng.integers(providers_from_start(client))))
    return Scope()


class _Volume:
    """About how many claims a month of a client each kind and scope would touch."""

    def __init__(self, client: Client, company: Company, scale: float) -> None:
        self.client, self._table = client, company.codes[client.codes]
        self.claims = client.revenue_cents / 100 / 12 / client.paid_per_claim * scale
        mix = company.mix[client.codes]
        total = sum(mix.values())
        self._medicare = mix.get("medicare", 0) / total
        self.payers = {
            payer.id: mix[payer.id] / total
            for payer in company.payers
            if payer.payer_class in ("commercial", "managed_care")
            and mix.get(payer.id, 0) >= 8
            and payer.id != STANDING_CUT[0]
            and payer.id not in dict(company.laws.successors)
        }

    def allows(self, kind: str) -> bool:
        """Whether the kind would touch enough claims of this client."""
        denied = self.claims * self.client.denial_rate
        touched = {
            "authorization_denials": FEWEST * len(self.families()),
            "underpayment": FEWEST * len(self.common_codes()),
            "documentation_denials": self.claims * 0.45 / site_count(self.client),
            "eligibility_denials": self.claims * 0.35 / site_count(self.client),
            "secondary_not_billed": self.claims * self._medicare * 0.12,
            "document_holds": self.claims * 0.2,
            "charge_lag_creep": self.claims / self.client.registry["providers"],
            "denials_as_contractual": denied * 0.6,
            "patient_billed_for_denials": denied * 0.5,
            "whole_dollar_sweep": denied * 0.5,
            "clearinghouse_outage": self.claims * 7 / 30,
        }
        return touched.get(kind, FEWEST) >= FEWEST

    def _often(self) -> dict[str, float]:
        """About how many lines of each code a claim has, the most frequent first."""
        result: dict[str, float] = {}
        for part, mean in (("visit", 1.0), ("extra", self._table["extra_mean"])):
            total = sum(entry[2] for entry in self._table[part])
            for entry in self._table[part]:
                result[entry[0]] = result.get(entry[0], 0) + mean * entry[2] / total
        return dict(sorted(result.items(), key=lambda item: -item[1]))

    def families(self) -> list[tuple[str, tuple[str, ...]]]:
        """Payer and code family (by leading character, visits left out) that a payer may want authorized."""
        found: dict[str, list[str]] = {}
        often = self._often()
        for code in often:
            if not code.startswith(("99", "92")):
                found.setdefault(code[0], []).append(code)
        return [
            (payer, tuple(codes))
            for payer, share in self.payers.items()
            for codes in found.values()
            if self.claims * share * 0.7 * min(1.0, sum(often[code] for code in codes)) >= FEWEST
        ]

    def usual_extra(self) -> str:
        """An additional service that is often billed beside a visit, and can be bundled into it."""
        return max(self._table["extra"], key=lambda entry: entry[2])[0]

    def common_codes(self) -> list[tuple[str, tuple[str, ...]]]:
        """Payer and one to three of the client's most frequent codes, as many as it takes."""
        found = []
        often = self._often()
        for payer, share in self.payers.items():
            for count in (1, 2, 3):
                codes = tuple(often)[:count]
                if self.claims * share * sum(often[code] for code in codes) >= FEWEST:
                    found.append((payer, codes))
                    break
        return found
