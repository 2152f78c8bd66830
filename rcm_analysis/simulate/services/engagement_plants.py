"""What is planted in a front office: shifts of a rate at one place or everywhere, from a day on, drawn from the
seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..company import day_number, stream
from ..practice import Practice
from .rows import planted_item

KINDS: dict[str, dict[str, Any]] = {
    "no_show_rise": {
        "sizes": (1.4, 2.2),
        "basis": "scheduled",
        "usual": 0.09,
        "extra": (0.09, 0.0),
        "everywhere": 0.0,
        "size_unit": "more no-shows than before, as a share of them",
        "amount_means": "none: appointments are counted",
    },
    "late_cancel_rise": {
        "sizes": (2.0, 3.5),
        "basis": "scheduled",
        "usual": 0.045,
        "extra": (0.025, -0.02),
        "everywhere": 0.5,
        "size_unit": "more late cancellations than before, as a share of them",
        "amount_means": "none: appointments are counted",
    },
    "social_needs_dropped": {
        "sizes": (0.45, 0.75),
        "basis": "taken",
        "usual": 0.08,
        "extra": (0.27, 0.0),
        "everywhere": 0.6,
        "size_unit": "share of forms on which the needs are no longer asked",
        "amount_means": "none: forms are counted",
    },
}
"""Kind -> range of its size, the date that starts it, the chance that all places have it; and about how many records
a visit brings of that sort as usual, and how many more with the shift (times size, plus)."""

CHANCE = 0.7
"""Of each kind but the first that can be seen; at least one is planted."""
MONTHS_BACK = (3, 8)
CLEAR = 5.0
"""Standard deviations by which the extra records of all its months stand out of chance: less cannot be dated to a
month."""
FEWEST_MONTHS = 9


@dataclass(frozen=True)
class Shift:
    """One planted shift; `location` is a place's number, None for all; `start` a day number."""

    kind: str
    start: int
    size: float
    location: int | None = None

    def strikes(self, location: np.ndarray, day: np.ndarray) -> np.ndarray:
        """True where the place and the day have it."""
        here = np.ones(len(location), bool) if self.location is None else location == self.location
        return here & (day >= self.start)

    def told(self, number: int, client: str, rows: list[list[Any]], places: np.ndarray) -> dict[str, Any]:
        """The shift in the words of `plants`."""
        about = KINDS[self.kind]
        return planted_item(
            number,
            client,
            self.kind,
            start=str(np.datetime64(self.start, "D")),
            start_basis=about["basis"],
            size=self.size,
            size_unit=about["size_unit"],
            amount_means=about["amount_means"],
            rows=rows,
            scope={} if self.location is None else {"location": str(places[self.location])},
        )


def shifts_of(practice: Practice) -> dict[str, Shift]:
    """The shifts of one client, by kind: only what stands out clearly, or nobody could tell it from chance."""
    book = practice.book
    months = book.calendar.months
    if len(months) < FEWEST_MONTHS:
        return {}
    claims = book.claims
    visits = np.bincount(claims["location"][claims["service"] <= book.calendar.last]) / len(months)
    found: dict[str, Shift] = {}
    for kind, about in KINDS.items():
        rng = stream(practice.seed, book.client.id, f"engagement plant {kind}")
        wanted, everywhere = rng.random() < CHANCE, rng.random() < about["everywhere"]
        size = float(np.floor(rng.uniform(*about["sizes"]) * 100) / 100)
        back, into, pick = int(rng.integers(MONTHS_BACK[0], MONTHS_BACK[1] + 1)), int(rng.integers(0, 25)), rng.random()
        clear = [_is_clear(about, size, float(count) * back) for count in (*visits, visits.sum())]
        seen = np.flatnonzero(clear[:-1])
        if everywhere and clear[-1]:
            place = None
        elif len(seen):
            place = int(seen[int(pick * len(seen))])
        else:
            continue
        if wanted or not found:
            found[kind] = Shift(kind, day_number(months[-back].first_day) + into, size, place)
    return found


def _is_clear(about: dict[str, Any], size: float, visits: float) -> bool:
    """Do the extra records of so many visits stand out, against chance?"""
    by_size, more = about["extra"]
    extra = visits * (by_size * size + more)
    return extra >= CLEAR * np.sqrt(visits * about["usual"] + max(extra, 0.0))
