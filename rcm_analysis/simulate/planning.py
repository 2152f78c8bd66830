"""Who gets which plant: the fixed list of the demo company, and random ones for everybody else."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ParameterError, closest
from .book import providers_from_start, site_count
from .company import Client, Company, plant_entries, stream
from .fees import Calendar
from .plants import DENIALS, PLANT_KINDS, Plant, Scope

QUIET_SHARE = 0.35
STANDING_CUT = ("northwind", 0.04, 4)
"""Every simulated company's lawful change: Northwind pays 4 % less by contract, from four months before the last."""
SIZES = {
    "authorization_denials": (0.5, 0.9), "documentation_denials": (0.3, 0.6), "eligibility_denials": (0.25, 0.5),
    "underpayment": (0.06, 0.15), "rate_cut": (0.03, 0.08), "secondary_not_billed": (0.7, 1.0), "document_holds": (0.12, 0.3),
    "charge_lag_creep": (1.0, 3.0), "denials_as_contractual": (0.5, 0.9), "whole_dollar_sweep": (0.9, 1.0),
    "patient_billed_for_denials": (0.4, 0.8), "clearinghouse_outage": (7.0, 7.0), "duplicated_remit": (1.0, 1.0),
}
ALWAYS = ("clearinghouse_outage", "duplicated_remit")


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
                f"A plant of '{client.id}' has an unknown kind or key. Kinds: {', '.join(PLANT_KINDS)}; keys: {', '.join(known)}."
                f"{closest(entry['kind'], PLANT_KINDS)}")
        scope = Scope(entry.get("payer"), tuple(entry.get("procedures", ())), _from_one(entry, "location"), _from_one(entry, "provider"))
        found.append(_plant(client, calendar, entry["kind"], len(found) + 1, calendar.month_start(entry["months_back"]), entry["size"], scope))
    return tuple(found)


def drawn(client: Client, company: Company, calendar: Calendar, seed: int) -> tuple[Plant, ...]:
    """Random plants of one client: none for about a third of them, else one to three kinds."""
    rng = stream(seed, client.id, "plants")
    quiet, lawful = rng.random() < QUIET_SHARE, rng.random() < 0.3
    count = 1 + int(rng.choice(3, p=[0.5, 0.35, 0.15]))
    problems = [kind for kind, about in PLANT_KINDS.items() if about.is_problem and _possible(kind, client, company)]
    kinds = [] if quiet else [str(kind) for kind in rng.choice(problems, count, replace=False)]
    kinds += ["rate_cut"] if lawful else []
    found = []
    for number, kind in enumerate(kinds, 1):
        own = stream(seed, client.id, f"plant {kind}")
        start = calendar.month_start(_months_back(calendar, own)) + int(own.integers(0, 21))
        size = round(float(own.uniform(*SIZES[kind])), 3)
        found.append(_plant(client, calendar, kind, number, start, size, _scope(kind, client, company, own)))
    return tuple(found)


def _plant(client: Client, calendar: Calendar, kind: str, number: int, start: int, size: float, scope: Scope) -> Plant:
    end = None
    start = max(start, calendar.first) if kind in ALWAYS else start
    if kind == "clearinghouse_outage":
        start += -(start + 3) % 7     # from a Monday to the Sunday
        end = start + int(size) - 1
    return Plant(f"{client.id}/{kind}/{number}", kind, client.id, start, float(size), scope, end)


def _from_one(entry: dict[str, Any], name: str) -> int | None:
    return entry[name] - 1 if name in entry else None


def _months_back(calendar: Calendar, rng: np.random.Generator) -> int:
    """How long ago it began: at least two months, and with eight quiet months before it where there are so many."""
    return int(rng.integers(2, max(2, min(9, len(calendar.months) - 9)) + 1))


def _possible(kind: str, client: Client, company: Company) -> bool:
    if kind == "secondary_not_billed":
        return company.mix[client.codes].get("medicare", 0) >= 10
    return kind != "authorization_denials" or bool(_families(client, company))


def _scope(kind: str, client: Client, company: Company, rng: np.random.Generator) -> Scope:
    if kind == "authorization_denials":
        families = _families(client, company)
        return Scope(_payer(client, company, rng), families[sorted(families)[int(rng.integers(len(families)))]])
    if kind in DENIALS:
        return Scope(location=int(rng.integers(site_count(client))))
    if kind == "underpayment":
        return Scope(_payer(client, company, rng), _common_codes(client, company, rng))
    if kind == "rate_cut":
        return Scope(_payer(client, company, rng))
    if kind == "charge_lag_creep" and client.registry["providers"] > 1 and rng.random() < 0.5:
        return Scope(provider=int(rng.integers(providers_from_start(client))))
    return Scope()


def _payer(client: Client, company: Company, rng: np.random.Generator) -> str:
    """A payer with a contract to negotiate, likelier the more it pays; never the one with the standing cut."""
    mix = company.mix[client.codes]
    names = [payer.id for payer in company.payers
             if payer.payer_class in ("commercial", "managed_care") and mix.get(payer.id, 0) >= 8 and payer.id != STANDING_CUT[0]]
    share = np.array([mix[name] for name in names], float)
    return names[int(rng.choice(len(names), p=share / share.sum()))]


def _frequency(client: Client, company: Company) -> dict[str, float]:
    """About how many lines of each code a claim has."""
    table = company.codes[client.codes]
    result: dict[str, float] = {}
    for part, mean in (("visit", 1.0), ("extra", table["extra_mean"])):
        total = sum(entry[2] for entry in table[part])
        for entry in table[part]:
            result[entry[0]] = result.get(entry[0], 0) + mean * entry[2] / total
    return result


def _families(client: Client, company: Company) -> dict[str, tuple[str, ...]]:
    """Code families that a payer may want authorized: by leading character, without visits, often enough to see."""
    found: dict[str, list[str]] = {}
    often = _frequency(client, company)
    for code in often:
        if not code.startswith(("99", "92")):
            found.setdefault(code[0], []).append(code)
    return {name: tuple(codes) for name, codes in found.items() if sum(often[code] for code in codes) >= 0.08}


def _common_codes(client: Client, company: Company, rng: np.random.Generator) -> tuple[str, ...]:
    """One or two of the client's four most frequent codes."""
    often = _frequency(client, company)
    top = sorted(often, key=lambda code: -often[code])[:4]
    return tuple(str(code) for code in rng.choice(top, int(rng.integers(1, 3)), replace=False))
