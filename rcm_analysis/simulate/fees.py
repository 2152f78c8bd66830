"""What services are charged, and what each payer's contract allows for them from which day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from ..errors import ParameterError
from ..periods import Period
from .company import Client, Company, day_number, stream
from .plants.kinds import Plant, PlantLog

MODIFIER_PAYS = {"": 1.0, "25": 1.0, "59": 1.0, "RT": 1.0, "LT": 1.0, "26": 0.42, "50": 1.5}
CHARGE_MULTIPLE = 2.15
YEARLY_RISE = 0.03


@dataclass(frozen=True)
class Calendar:
    """The months simulated."""

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

    def month_start(self, back: int) -> int:
        """First day of the month `back` months before the last one; may lie before the first month."""
        return day_number(self.months[-1].shift(-back).first_day)


@dataclass
class Fees:
    """The client's code list, its charges, and what each payer pays of the base fee by code and day.

    `pays` is payer by code by fee day; `uncut` gives it as it would be without one planted rate cut.
    """

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
    uncut: dict[str, np.ndarray]

    def allowed(
        self,
        payer: np.ndarray,
        code: np.ndarray,
        modifier: np.ndarray,
        units: np.ndarray,
        day: np.ndarray,
        without: str | None = None,
    ) -> np.ndarray:
        """Contract allowed amount in cents; one unit's fee is rounded before it is multiplied."""
        pays = self.pays if without is None else self.uncut[without]
        year = np.searchsorted(self.days, day, side="right") - 1
        share = np.array(list(MODIFIER_PAYS.values()))[modifier]
        return np.rint(self.base_cents[code] * pays[payer, code, year] * share).astype(np.int64) * units


def make_fees(
    client: Client, company: Company, calendar: Calendar, seed: int, factor: float, plant_log: PlantLog
) -> Fees:
    """The client's charges and contracts; `factor` moves every fee, and no draw."""
    table = company.codes[client.codes]
    entries = table["visit"] + table["extra"]
    base = np.array([entry[1] for entry in entries], dtype=float) * factor
    multiple = np.where(np.arange(len(entries)) % 7 == 5, 1.25, CHARGE_MULTIPLE)
    procedures = [entry[0] for entry in entries]
    days = _fee_days(calendar, plant_log)
    pays = _contracts(client, company, seed, days, len(entries))
    cuts = {plant.id: _cut(plant, company, procedures, days) for plant in plant_log.of("rate_cut")}
    return Fees(
        procedures,
        base,
        len(table["visit"]),
        np.array([entry[2] for entry in entries], float),
        np.array([entry[3] for entry in entries]),
        [["", *entry[4]] for entry in entries],
        np.maximum(100, np.rint(base * multiple / 100).astype(np.int64) * 100),
        table["extra_mean"],
        days,
        _product(pays, cuts),
        {name: _product(pays, cuts, without=name) for name in cuts},
    )


def _fee_days(calendar: Calendar, plant_log: PlantLog) -> np.ndarray:
    """First days of the fee years, and of every planted rate cut."""
    years = range(calendar.months[0].first_day.year - 1, calendar.months[-1].first_day.year + 1)
    days = {day_number(dt.date(year, 1, 1)) for year in years} | {plant.start for plant in plant_log.of("rate_cut")}
    return np.array(sorted(days))


def _contracts(client: Client, company: Company, seed: int, days: np.ndarray, codes: int) -> np.ndarray:
    """Payer by code by fee day: the payer's level, a little more or less by code, and yearly rises."""
    january = np.array([dt.date.fromordinal(int(day) + 719163).month == 1 for day in days])
    rises = np.cumprod(np.where(january, 1 + YEARLY_RISE, 1.0))
    level = np.array([payer.pays for payer in company.payers])
    negotiated = np.array([payer.payer_class in ("commercial", "managed_care") for payer in company.payers])
    spread = stream(seed, client.id, "contracts").uniform(0.94, 1.06, (len(level), codes))
    by_code = level[:, None] * np.where(negotiated[:, None], spread, 1.0)
    ids = [payer.id for payer in company.payers]
    for old, new in company.renamed:
        by_code[ids.index(new)] = by_code[ids.index(old)]
    return by_code[:, :, None] * rises


def _cut(plant: Plant, company: Company, procedures: list[str], days: np.ndarray) -> np.ndarray:
    """Payer by code by fee day: 1, or less where the rate cut holds."""
    payer = np.array([entry.id == plant.scope.payer or plant.scope.payer is None for entry in company.payers])
    code = np.array([not plant.scope.procedures or name in plant.scope.procedures for name in procedures])
    held = payer[:, None, None] & code[None, :, None] & plant.holds(days)[None, None, :]
    return np.where(held, 1 - plant.size, 1.0)


def _product(pays: np.ndarray, cuts: dict[str, np.ndarray], without: str | None = None) -> np.ndarray:
    for name, cut in cuts.items():
        if name != without:
            pays = pays * cut
    return pays


def fee_schedule(fees: Fees, company: Company) -> pl.DataFrame:
    """What each payer's contract allows, by code, modifier and first day in force."""
    rows = []
    for number, payer in enumerate(company.payers):
        if payer.payer_class == "self_pay":
            continue
        for code, procedure in enumerate(fees.procedures):
            pays = fees.pays[number, code]
            kept = [0] + [at for at in range(1, len(fees.days)) if pays[at] != pays[at - 1]]
            ends = [int(fees.days[at]) - 1 for at in kept[1:]] + [None]
            for modifier in fees.modifiers[code]:
                share = MODIFIER_PAYS[modifier]
                rows += [
                    (
                        payer.id,
                        procedure,
                        modifier,
                        int(fees.days[at]),
                        end,
                        int(np.rint(fees.base_cents[code] * pays[at] * share)),
                        f"contract {payer.id} {dt.date.fromordinal(int(fees.days[at]) + 719163).year}",
                    )
                    for at, end in zip(kept, ends, strict=True)
                ]
    columns = ["payer", "procedure", "modifiers", "effective_from", "effective_to", "allowed_cents", "source"]
    frame = pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)
    return frame.sort("payer", "effective_from", maintain_order=True).with_columns(
        pl.col("effective_from", "effective_to").cast(pl.Int32).cast(pl.Date)
    )
