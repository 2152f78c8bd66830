"""What was done and charged: patients, claims, service lines and contract fees of one client."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..errors import ParameterError
from ..periods import Period
from .company import Client, Company, day_number, npi, stream

MODIFIER_PAYS = {"": 1.0, "25": 1.0, "59": 1.0, "RT": 1.0, "LT": 1.0, "26": 0.42, "50": 1.5}
CHARGE_MULTIPLE = 2.15
LAST = ["Abbot", "Barlow", "Castell", "Denholm", "Eastman", "Farrow", "Gantry", "Hollis", "Ingram", "Jessop", "Kestrel", "Lindqvist", "Marlowe", "Norcott", "Oakes", "Pettifer", "Quarles", "Rosling", "Sandoval", "Thackeray", "Underhill", "Vasquez", "Whitlock", "Yardley", "Zeller", "Okafor", "Nakamura", "Dubois", "Haddad", "Iyer"]
FIRST = ["Ada", "Bram", "Cora", "Dev", "Elsie", "Finn", "Greta", "Hugo", "Ines", "Jonah", "Kira", "Leo", "Mina", "Noor", "Otis", "Pia", "Quinn", "Rosa", "Seth", "Tess", "Uma", "Vera", "Wade", "Xena", "Yusuf", "Zoe", "Amos", "Bea", "Cyrus", "Dot"]


@dataclass(frozen=True)
class Calendar:
    """The days simulated, and the days on which contract fees change."""

    months: tuple[Period, ...]

    @classmethod
    def ending(cls, last_month: str, months: int) -> Calendar:
        if months < 1:
            raise ParameterError(f"A simulation needs at least one month, found {months}.")
        return cls(tuple(Period.month(last_month).trailing(months).months()))

    @property
    def first(self) -> int:
        return day_number(self.months[0].first_day)

    @property
    def last(self) -> int:
        return day_number(self.months[-1].last_day)

    @property
    def fee_days(self) -> np.ndarray:
        """First days of the fee years, and of the mid-year change one payer makes."""
        years = range(self.months[0].first_day.year - 1, self.months[-1].first_day.year + 1)
        days = {day_number(dt.date(year, 1, 1)) for year in years} | {self.rate_change}
        return np.array(sorted(days))

    @property
    def rate_change(self) -> int:
        """The day from which Northwind pays 4 % less by contract: a rate cut, not an underpayment."""
        return day_number(self.months[-1].shift(-4).first_day)


@dataclass
class Fees:
    """The client's code list, its charges, and what each payer allows from which day."""

    procedures: list[str]
    base_cents: np.ndarray
    visit_count: int
    weights: np.ndarray
    most_units: np.ndarray
    modifiers: list[list[str]]
    charge_cents: np.ndarray
    extra_mean: float
    days: np.ndarray
    pays: np.ndarray

    def allowed(self, payer: np.ndarray, code: np.ndarray, modifier: np.ndarray, units: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Contract allowed amount in cents; one unit's fee is rounded before it is multiplied."""
        year = np.searchsorted(self.days, day, side="right") - 1
        share = np.array(list(MODIFIER_PAYS.values()))[modifier]
        return np.rint(self.base_cents[code] * self.pays[payer, year] * share).astype(np.int64) * units


@dataclass
class Book:
    """One client's patients, claims and lines, as columns; a line names its claim by row number."""

    client: Client
    company: Company
    calendar: Calendar
    fees: Fees
    patients: dict[str, np.ndarray]
    claims: dict[str, np.ndarray]
    lines: dict[str, np.ndarray]
    first_line: np.ndarray
    line_count: np.ndarray
    providers: list[tuple[str, str, str]]

    @property
    def size(self) -> int:
        return len(self.claims["service"])

    def payer_number(self, name: str) -> int:
        return [payer.id for payer in self.company.payers].index(name)

    def lines_of(self, claims: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The lines of the claims, and for each line the position of its claim in `claims`."""
        counts = self.line_count[claims]
        owner = np.repeat(np.arange(len(claims)), counts)
        offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(self.first_line[claims], counts) + offset, owner


def open_book(client: Client, company: Company, calendar: Calendar, *, seed: int, scale: float = 1.0, fee_factor: float = 1.0) -> Book:
    """Draw one client's patients, visits and charges. `fee_factor` moves every fee, and no draw."""
    fees = _fees(client, company, calendar, fee_factor)
    count = max(24, round(client.revenue_cents / 100 / 12 * len(calendar.months) * scale / client.paid_per_claim))
    patients = _patients(client, company, calendar, seed, count)
    claims = _claims(client, calendar, patients, seed, count)
    lines, line_count = _lines(client, fees, claims, seed)
    claims["charge"] = np.bincount(lines["claim"], weights=lines["charge"], minlength=count).astype(np.int64)
    first_line = np.cumsum(line_count) - line_count
    return Book(client, company, calendar, fees, patients, claims, lines, first_line, line_count, _providers(client))


def _fees(client: Client, company: Company, calendar: Calendar, factor: float) -> Fees:
    table = company.codes[client.codes]
    entries = table["visit"] + table["extra"]
    base = np.array([entry[1] for entry in entries], dtype=float) * factor
    multiple = np.where(np.arange(len(entries)) % 7 == 5, 1.25, CHARGE_MULTIPLE)
    days = calendar.fee_days
    years = np.array([0.03 if dt.date.fromordinal(day + 719163).month == 1 else 0.0 for day in days])
    rises = np.cumprod(1 + years)
    pays = np.array([[payer.pays * rise for rise in rises] for payer in company.payers])
    northwind = [payer.id for payer in company.payers].index("northwind")
    pays[northwind, days >= calendar.rate_change] *= 0.96
    return Fees(
        [entry[0] for entry in entries], base, len(table["visit"]), np.array([entry[2] for entry in entries], float),
        np.array([entry[3] for entry in entries]), [["", *entry[4]] for entry in entries],
        np.maximum(100, np.rint(base * multiple / 100).astype(np.int64) * 100), table["extra_mean"], days, pays,
    )


def _patients(client: Client, company: Company, calendar: Calendar, seed: int, claims: int) -> dict[str, np.ndarray]:
    rng = stream(seed, client.id, "patients")
    count = max(12, claims // 4)
    ids = [payer.id for payer in company.payers]
    share = np.array([company.mix[client.codes].get(name, 0) for name in ids], float)
    payer = rng.choice(len(ids), count, p=share / share.sum())
    commercial = np.array([entry.payer_class == "commercial" for entry in company.payers])
    choice = np.array([ids.index(name) for name in ("medicaid", "summit", "bluemesa")])
    secondary = choice[rng.choice(3, count, p=[0.3, 0.4, 0.3])]
    wanted = rng.random(count) < np.select([payer == ids.index("medicare"), commercial[payer]], [0.55, 0.05], 0.0)
    secondary = np.where(wanted & (secondary != payer), secondary, -1)
    old = payer == ids.index("medicare")
    age = np.where(old, rng.integers(65, 92, count), rng.integers(1, 64, count))
    return {
        "payer": payer, "secondary": secondary,
        "birth": calendar.first - age * 365 - rng.integers(0, 365, count),
        "last": rng.integers(0, len(LAST), count), "first": rng.integers(0, len(FIRST), count),
        "member": 1_000_000 + (int(rng.integers(8_999_993)) + np.arange(count) * 104_729) % 8_999_993,
        "copay": np.where(commercial[payer], np.array([0, 2000, 2500, 3000, 4000])[rng.integers(0, 5, count)], 0),
        "coinsurance": np.select([old, commercial[payer]], [0.2, np.array([0.0, 0.1, 0.2])[rng.integers(0, 3, count)]], 0.0),
        "deductible": np.select([old, commercial[payer]], [0.07, 0.24], 0.0),
    }


def _claims(client: Client, calendar: Calendar, patients: dict, seed: int, count: int) -> dict[str, np.ndarray]:
    rng = stream(seed, client.id, "visits")
    days = np.arange(calendar.first, calendar.last + 1)
    weekday = (days + 3) % 7
    month = np.array([dt.date.fromordinal(int(day) + 719163).month for day in days])
    season = np.array([1.06, 1.0, 1.05, 1.02, 1.0, 0.98, 0.92, 0.96, 1.02, 1.06, 0.98, 0.9])[month - 1]
    weight = season * (1 + 0.06 * (days - days[0]) / 365) * np.array([1.1, 1.05, 1.0, 1.0, 0.85, 0, 0])[weekday]
    service = np.sort(rng.choice(days, count, p=weight / weight.sum()))
    patient = rng.integers(0, len(patients["payer"]), count)
    lag = rng.geometric(0.42, count) - 1 + np.where(rng.random(count) < 0.05, rng.integers(5, 30, count), 0)
    providers = client.registry["providers"]
    early = dt.date.fromordinal
    quarter = np.array([(early(int(day) + 719163).month - 1) // 3 for day in days])[service - days[0]]
    deductible = rng.random(count) < patients["deductible"][patient] * np.array([1.9, 1.1, 0.7, 0.4])[quarter]
    return {
        "patient": patient, "payer": patients["payer"][patient], "secondary": patients["secondary"][patient],
        "service": service, "entered": working_day(service + lag),
        "provider": rng.integers(0, providers, count), "location": rng.integers(0, 1 + providers // 4, count),
        "institutional": rng.random(count) < client.institutional_share,
        "deductible": np.where(deductible, np.where(rng.random(count) < 0.6, 1.0, 0.5), 0.0),
        "coinsurance": patients["coinsurance"][patient], "copay": patients["copay"][patient],
    }


def _lines(client: Client, fees: Fees, claims: dict, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = stream(seed, client.id, "charges")
    count, visits = len(claims["service"]), fees.visit_count
    extras = len(fees.procedures) - visits
    wanted = np.minimum(rng.poisson(fees.extra_mean, count), extras)
    visit = rng.choice(visits, count, p=fees.weights[:visits] / fees.weights[:visits].sum())
    # Gumbel noise on log weights draws distinct extra codes for every claim at once.
    score = np.log(fees.weights[visits:]) + rng.gumbel(size=(count, extras))
    order = np.argsort(-score, axis=1)
    chosen = np.concatenate([visit[:, None], visits + order], axis=1)
    keep = np.arange(extras + 1)[None, :] <= wanted[:, None]
    claim, place = np.nonzero(keep)
    code = chosen[claim, place]
    names = list(MODIFIER_PAYS)
    draw = rng.random(len(code))
    modifier = np.zeros(len(code), np.int64)
    for position, options in enumerate(fees.modifiers):
        rows = code == position
        if options[1:] == ["25"]:
            modifier[rows] = np.where((wanted[claim[rows]] > 0) & (draw[rows] < 0.6), names.index("25"), 0)
        elif len(options) > 1:
            numbers = np.array([names.index(option) for option in options])
            modifier[rows] = numbers[(draw[rows] * len(options)).astype(np.int64)]
    units = 1 + (rng.random(len(code)) * fees.most_units[code]).astype(np.int64)
    charge = np.rint(fees.charge_cents[code] * np.where(np.array(names)[modifier] == "50", 1.5, 1.0)).astype(np.int64) * units
    place_of_service = np.where(claims["institutional"][claim], "23", "20" if client.codes == "urgent" else "11")
    return {"claim": claim, "number": place + 1, "code": code, "modifier": modifier, "units": units, "charge": charge,
            "place": place_of_service}, wanted + 1


def _providers(client: Client) -> list[tuple[str, str, str]]:
    """Rendering providers: last name, first name, NPI."""
    return [
        (LAST[(client.number * 5 + position * 7) % len(LAST)], FIRST[(client.number * 3 + position * 11) % len(FIRST)],
         npi(160_000_000 + client.number * 1_000 + position))
        for position in range(client.registry["providers"])
    ]


def working_day(days: np.ndarray) -> np.ndarray:
    """The day itself, or the Monday after a weekend.

    >>> working_day(np.array([4, 9, 10]))
    array([ 4, 11, 11])
    """
    weekday = (days + 3) % 7
    return days + np.where(weekday > 4, 7 - weekday, 0)


def fee_schedule(book: Book) -> pl.DataFrame:
    """What each payer's contract allows, by code, modifier and first day in force."""
    fees, rows = book.fees, []
    names = list(MODIFIER_PAYS)
    for number, payer in enumerate(book.company.payers):
        if payer.payer_class == "self_pay":
            continue
        kept = [0] + [at for at in range(1, len(fees.days)) if fees.pays[number, at] != fees.pays[number, at - 1]]
        for place, at in enumerate(kept):
            end = fees.days[kept[place + 1]] - 1 if place + 1 < len(kept) else None
            for code, procedure in enumerate(fees.procedures):
                for modifier in fees.modifiers[code]:
                    allowed = fees.allowed(*(np.array([value]) for value in (number, code, names.index(modifier), 1, fees.days[at])))
                    rows.append((payer.id, procedure, modifier, int(fees.days[at]), None if end is None else int(end), int(allowed[0]),
                                 f"contract {payer.id} {dt.date.fromordinal(int(fees.days[at]) + 719163).year}"))
    names = ["payer", "procedure", "modifiers", "effective_from", "effective_to", "allowed_cents", "source"]
    frame = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    return frame.with_columns(pl.col("effective_from", "effective_to").cast(pl.Int32).cast(pl.Date))
