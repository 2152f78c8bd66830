"""What was done and charged: patients, claims and service lines of one client."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from pandas.tseries.holiday import USFederalHolidayCalendar

from .company import Client, Company, Draws, npi, stream
from .fees import MODIFIER_PAYS, Calendar, Fees, make_fees
from .laws import Laws
from .plants.kinds import Plant, PlantLog

SEASON = np.array([1.06, 1.0, 1.05, 1.02, 1.0, 0.98, 0.92, 0.96, 1.02, 1.06, 0.98, 0.9])
WEEK = np.array([1.1, 1.05, 1.0, 1.0, 0.85, 0, 0])
LAST = [
    "Abbot",
    "Barlow",
    "Castell",
    "Denholm",
    "Eastman",
    "Farrow",
    "Gantry",
    "Hollis",
    "Ingram",
    "Jessop",
    "Kestrel",
    "Lindqvist",
    "Marlowe",
    "Norcott",
    "Oakes",
    "Pettifer",
    "Quarles",
    "Rosling",
    "Sandoval",
    "Thackeray",
    "Underhill",
    "Vasquez",
    "Whitlock",
    "Yardley",
    "Zeller",
    "Okafor",
    "Nakamura",
    "Dubois",
    "Haddad",
    "Iyer",
]
FIRST = [
    "Ada",
    "Bram",
    "Cora",
    "Dev",
    "Elsie",
    "Finn",
    "Greta",
    "Hugo",
    "Ines",
    "Jonah",
    "Kira",
    "Leo",
    "Mina",
    "Noor",
    "Otis",
    "Pia",
    "Quinn",
    "Rosa",
    "Seth",
    "Tess",
    "Uma",
    "Vera",
    "Wade",
    "Xena",
    "Yusuf",
    "Zoe",
    "Amos",
    "Bea",
    "Cyrus",
    "Dot",
]


@dataclass
class ChargeBook:
    """One client's patients, claims and lines, as columns; a line names its claim by row number."""

    client: Client
    company: Company
    calendar: Calendar
    seed: int
    fees: Fees
    patients: dict[str, np.ndarray]
    claims: dict[str, np.ndarray]
    lines: dict[str, np.ndarray]
    first_line: np.ndarray
    line_count: np.ndarray
    providers: list[tuple[str, str, str]]
    plant_log: PlantLog

    @property
    def location_names(self) -> list[str]:
        """Places of service as the billing system names them."""
        return [f"Site {number + 1:02d}" for number in range(site_count(self.client))]

    @property
    def provider_names(self) -> list[str]:
        """Rendering providers as the billing system names them."""
        return [f"{last}, {first}" for last, first, _ in self.providers]

    def draws(self, stage: str) -> Draws:
        """One random number per claim, for one stage of the claims' life."""
        return Draws(self.seed, self.client.id, stage, self.size)

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


def site_count(client: Client) -> int:
    """How many places a client of its size has."""
    return 1 + client.registry["providers"] // 4


def providers_from_start(client: Client) -> int:
    """How many of its providers work there from the first day: of three or more one joins later, of ten two."""
    providers = client.registry["providers"]
    return providers - (2 if providers >= 10 else 1 if providers >= 3 else 0)


def open_book(
    client: Client,
    company: Company,
    calendar: Calendar,
    *,
    seed: int,
    scale: float = 1.0,
    fee_factor: float = 1.0,
    plant_log: PlantLog | None = None,
) -> ChargeBook:
    """Draw one client's patients, visits and charges. Neither `fee_factor` nor plants change a draw."""
    plant_log = plant_log or PlantLog()
    fees = make_fees(client, company, calendar, seed, fee_factor, plant_log)
    count = max(24, round(client.revenue_cents / 100 / 12 * len(calendar.months) * scale / client.paid_per_claim))
    patients = _patients(client, company, calendar, seed, count)
    claims = _claims(client, calendar, patients, seed, count, company.laws)
    _succeeded(client, company, calendar, claims, seed, plant_log)
    lines, line_count = _lines(client, fees, claims, seed)
    claims["charge"] = np.bincount(lines["claim"], weights=lines["charge"], minlength=count).astype(np.int64)
    first_line = np.cumsum(line_count) - line_count
    book = ChargeBook(
        client,
        company,
        calendar,
        seed,
        fees,
        patients,
        claims,
        lines,
        first_line,
        line_count,
        _providers(client),
        plant_log,
    )
    _creep(book)
    return book


def _creep(book: ChargeBook) -> None:
    """Charges of a creeping client, or of one provider, are entered later every month."""
    every = np.arange(book.size)
    for plant in book.plant_log.of("charge_lag_creep"):
        service = book.claims["service"]
        late = np.minimum(45, np.floor(plant.size * np.maximum(0, service - plant.start) / 30.4)).astype(np.int64)
        late = np.where(plant.holds(service) & claims_in_scope(book, plant, every), late, 0)
        entered = working_day(book.claims["entered"] + late)
        moved = np.flatnonzero(entered > book.claims["entered"])
        book.claims["entered"] = entered
        book.plant_log.note(plant, moved, entered[moved], book.claims["charge"][moved])


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
        "payer": payer,
        "secondary": secondary,
        "birth": calendar.first - age * 365 - rng.integers(0, 365, count),
        "last": rng.integers(0, len(LAST), count),
        "first": rng.integers(0, len(FIRST), count),
        "member": 1_000_000 + (int(rng.integers(8_999_993)) + np.arange(count) * 104_729) % 8_999_993,
        "copay": np.where(commercial[payer], np.array([0, 2000, 2500, 3000, 4000])[rng.integers(0, 5, count)], 0),
        "coinsurance": np.select(
            [old, commercial[payer]], [0.2, np.array([0.0, 0.1, 0.2])[rng.integers(0, 3, count)]], 0.0
        ),
        "deductible": np.select([old, commercial[payer]], [0.07, 0.24], 0.0),
        "lesser_plan": _lesser_plan(client, company.laws, seed, commercial[payer]),
        "plan_grows": payer == (ids.index(company.laws.drift[0]) if company.laws.drift else -1),
    }


def _claims(
    client: Client, calendar: Calendar, patients: dict, seed: int, count: int, laws: Laws
) -> dict[str, np.ndarray]:
    rng = stream(seed, client.id, "visits")
    days = np.arange(calendar.first, calendar.last + 1)
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    season = np.array(laws.season) if laws.season else SEASON
    weight = season[month] * _growth(client, seed, days, laws) * WEEK[(days + 3) % 7] * ~is_holiday(days)
    weight = weight * _is_open(client, laws, seed, days) if laws.vacation_days else weight
    service = np.sort(rng.choice(days, count, p=weight / weight.sum()))
    patient = rng.integers(0, len(patients["payer"]), count)
    patient = _drifted(patients, patient, (service - days[0]) / 365, client, seed, laws) if laws.drift else patient
    habit = stream(seed, client.id, "charge entry").uniform(0.36, 0.5)
    lag = rng.geometric(habit, count) - 1 + np.where(rng.random(count) < 0.05, rng.integers(5, 30, count), 0)
    quarter = (month // 3)[service - days[0]]
    deductible = rng.random(count) < patients["deductible"][patient] * np.array([1.9, 1.1, 0.7, 0.4])[quarter]
    return {
        "patient": patient,
        "payer": patients["payer"][patient],
        "secondary": patients["secondary"][patient],
        "service": service,
        "entered": working_day(service + lag),
        "provider": _who(client, calendar, service, rng),
        "location": rng.integers(0, site_count(client), count),
        "institutional": rng.random(count) < client.institutional_share,
        "deductible": np.where(deductible, np.where(rng.random(count) < 0.6, 1.0, 0.5), 0.0),
        "coinsurance": patients["coinsurance"][patient],
        "copay": patients["copay"][patient],
    }


def _lesser_plan(client: Client, laws: Laws, seed: int, is_commercial: np.ndarray) -> np.ndarray:
    """Which patients have a plan that pays less."""
    share = laws.lesser_plan[0] if laws.lesser_plan else 0.0
    return is_commercial & (stream(seed, client.id, "plans").random(len(is_commercial)) < share)


def _succeeded(
    client: Client, company: Company, calendar: Calendar, claims: dict[str, np.ndarray], seed: int, plant_log: PlantLog
) -> None:
    """Claims of payers that were renamed or merged go to the one that went on, from its day of service on."""
    ids = [payer.id for payer in company.payers]
    for old, new in company.laws.successors:
        since = claims["service"] >= succession_day(old, calendar, seed)
        moved = np.flatnonzero(since & (claims["payer"] == ids.index(old)))
        for role in ("payer", "secondary"):
            claims[role] = np.where(since & (claims[role] == ids.index(old)), ids.index(new), claims[role])
        claims["secondary"] = np.where(claims["secondary"] == claims["payer"], -1, claims["secondary"])
        for plant in plant_log.of("payer_succeeded"):
            if plant.id.endswith(f"/{old}"):
                plant_log.note(plant, moved, claims["entered"][moved], np.zeros(len(moved)))


def succession_day(old: str, calendar: Calendar, seed: int) -> int:
    """From which day of service on another payer answers for the old one: the same for every client."""
    return calendar.month_start(int(stream(seed, old, "succession").integers(4, 10)))


def _is_open(client: Client, laws: Laws, seed: int, days: np.ndarray) -> np.ndarray:
    """0 on the vacation days of a small practice, a run of days in every July or August, 1 on all others."""
    if client.registry["providers"] > 2:
        return np.ones(len(days))
    start = int(stream(seed, client.id, "vacation").integers(181, 228))
    year = days.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    return 1.0 - ((days - year >= start) & (days - year < start + laws.vacation_days))


def _drifted(
    patients: dict, patient: np.ndarray, years: np.ndarray, client: Client, seed: int, laws: Laws
) -> np.ndarray:
    """Some visits are by patients of the plan to which patients move, more of them every month."""
    assert laws.drift is not None
    rng = stream(seed, client.id, "drift")
    theirs = np.flatnonzero(patients["plan_grows"])
    moved = rng.random(len(patient)) < laws.drift[1] * years
    return np.where(moved, rng.choice(theirs, len(patient)), patient) if len(theirs) else patient


def _growth(client: Client, seed: int, days: np.ndarray, laws: Laws) -> np.ndarray:
    """How busy the practice is: most grow a little every year, some shrink."""
    if laws.growth:
        drawn = float(stream(seed, client.id, "growth").uniform(*laws.growth))
        return 1 + drawn * (days - days[0]) / 365
    yearly = float(np.clip(stream(seed, client.id, "growth").normal(0.06, 0.05), -0.06, 0.2))
    return 1 + yearly * (days - days[0]) / 365


def _who(client: Client, calendar: Calendar, service: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The provider of each visit; of three or more the last one joined along the way, of ten the last two."""
    providers = client.registry["providers"]
    joiners = providers - providers_from_start(client)
    provider, instead = rng.integers(0, providers, len(service)), rng.integers(0, providers - joiners, len(service))
    span = calendar.last - calendar.first
    from_day = np.full(providers, calendar.first)
    from_day[providers - joiners :] = calendar.first + (span * rng.uniform(0.25, 0.7, joiners)).astype(np.int64)
    return np.where(service < from_day[provider], instead, provider)


def is_holiday(days: np.ndarray) -> np.ndarray:
    """Which of the days are federal holidays, when offices are closed.

    >>> is_holiday(np.array([0, 1, 4]))
    array([ True, False, False])
    """
    first, last = (dt.date(1970, 1, 1) + dt.timedelta(days=int(day)) for day in (days.min(), days.max()))
    closed = USFederalHolidayCalendar().holidays(first, last).to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.isin(days, closed)


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
    charge = (
        np.rint(fees.charge_cents[code] * np.where(np.array(names)[modifier] == "50", 1.5, 1.0)).astype(np.int64)
        * units
    )
    place_of_service = np.where(claims["institutional"][claim], "23", "20" if client.codes == "urgent" else "11")
    return {
        "claim": claim,
        "number": place + 1,
        "code": code,
        "modifier": modifier,
        "units": units,
        "charge": charge,
        "place": place_of_service,
    }, wanted + 1


def _providers(client: Client) -> list[tuple[str, str, str]]:
    """Rendering providers: last name, first name, NPI."""
    return [
        (
            LAST[(client.number * 5 + position * 7) % len(LAST)],
            FIRST[(client.number * 3 + position * 11) % len(FIRST)],
            npi(160_000_000 + client.number * 1_000 + position),
        )
        for position in range(client.registry["providers"])
    ]


def working_day(days: np.ndarray) -> np.ndarray:
    """The day itself, or the Monday after a weekend.

    >>> working_day(np.array([4, 9, 10]))
    array([ 4, 11, 11])
    """
    weekday = (days + 3) % 7
    return days + np.where(weekday > 4, 7 - weekday, 0)


def claims_in_scope(book: ChargeBook, plant: Plant, claims: np.ndarray, payer: np.ndarray | None = None) -> np.ndarray:
    """Which of the claims the plant's scope covers; `payer` is their primary unless given."""
    scope, held = plant.scope, np.ones(len(claims), bool)
    if scope.payer is not None:
        held &= (book.claims["payer"][claims] if payer is None else payer) == book.payer_number(scope.payer)
    if scope.location is not None:
        held &= book.claims["location"][claims] == scope.location
    if scope.provider is not None:
        held &= book.claims["provider"][claims] == scope.provider
    if scope.procedures:
        line, owner = book.lines_of(claims)
        held &= np.bincount(owner, weights=codes_in_scope(book, plant, line), minlength=len(claims)) > 0
    return held


def codes_in_scope(book: ChargeBook, plant: Plant, line: np.ndarray) -> np.ndarray:
    """Which of the lines have a code of the plant; all where it names none."""
    wanted = np.array([not plant.scope.procedures or name in plant.scope.procedures for name in book.fees.procedures])
    return wanted[book.lines["code"][line]]


def struck(
    book: ChargeBook, plant: Plant, claims: np.ndarray, days: np.ndarray, payer: np.ndarray | None = None
) -> np.ndarray:
    """Which of the claims the plant strikes: in its time and scope, and drawn at the rate of its size."""
    draw = book.draws(f"plant {plant.id}").uniform("struck")[claims]
    return plant.holds(days) & claims_in_scope(book, plant, claims, payer) & (draw < plant.size)
