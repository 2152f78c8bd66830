"""The laws of an invented world: how busy offices are, when payers answer, what happens to whom. A world is a set of
laws; the usual one is that of the demo company, the others differ from it in kind.

Ranges are published ones, with their source beside them; none is chosen for what an analysis likes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ParameterError, closest

TWO_SPEEDS, HEAVY_TAIL, TWO_HUMPS = "two speeds", "heavy tail", "two humps"
LEAD_STOPS, ONE_DAY = "lead_stops_paying_on", "services_on_one_day"


@dataclass(frozen=True)
class Laws:
    """How one world works. Empty or zero: as in the usual world, which none of these changes by a byte."""

    name: str
    season: tuple[float, ...] = ()
    """Visits a working day by calendar month, of an average one."""
    growth: tuple[float, float] | None = None
    """Yearly growth of a practice, between these."""
    vacation_days: int = 0
    """Days in a row on which a practice of one or two doctors is closed, once in a summer."""
    lag: str = TWO_SPEEDS
    monthly_payers: tuple[str, ...] = ()
    """Payers that pay on one day of the month."""
    pays_at_year_end: tuple[str, ...] = ()
    """Payers that pay between Christmas and New Year, and at Thanksgiving."""
    drift: tuple[str, float] | None = None
    """Payer to whose plan patients move, and the share of all visits that has moved after a year."""
    takeback_wave: float = 0.0
    """Share of a quarter's paid claims that one payer takes back in one sweep."""
    new_client_share: float = 0.0
    """Share of the clients of which only four to six months exist."""
    problem_days: tuple[int, int] | None = None
    """How long a planted problem lasts; without it, until the end."""
    standing_share: float = 0.0
    """Share of planted denials that were there from the first day on."""
    fewest_problems: int = 1
    part_of_lines: tuple[float, float] | None = None
    """The share of its lines for which an underpaying payer allows too little."""
    unloaded_rise: float = 0.0
    """A contract's yearly rise that one payer never loads."""
    bundling_share: float = 0.0
    """Share of the lines of one pair of codes that a payer bundles by a published edit, from one day on."""
    part_outages: bool = False
    """An outage of the clearinghouse stops the claims to one payer only."""
    has_fee_schedules: bool = True
    care_faults: tuple[str, ...] = ()
    """What goes wrong in planted care-coordination programmes beside a coordinator who is not billed: `LEAD_STOPS`,
    `ONE_DAY`."""
    successors: tuple[tuple[str, str], ...] = ()
    """Payers of which another one answers from one day of service on: the old id and the new one. An id that no payer
    has is the old payer under a new name; otherwise the two merge, and the prices are those of the other."""
    lesser_plan: tuple[float, float] | None = None
    """Share of a commercial payer's patients with a plan that always pays less, and by how much."""
    closes_late: tuple[float, int] | None = None
    """Share of the clients that post what insurers paid in a month's last ten days only when they close the month, and
    the day of the next month on which they do."""


USUAL = Laws("usual")
WORLDS = (
    USUAL,
    Laws(
        "slow and seasonal",
        # Primary care: the highest month about 20 % above the lowest, August lowest (Waller and Hodgkin, 17 practices);
        # children: sick season October to February (pcc.com, visit volume 2011-2014). Twice that for a strong season.
        season=(1.15, 1.18, 1.08, 1.0, 0.96, 0.88, 0.82, 0.8, 0.95, 1.08, 1.1, 1.0),
        growth=(-0.15, 0.25),
        vacation_days=10,
        # Mean waits of 33 to 54 days by commercial plan, 32 to 64 by public payer (Oregon Medical Association 2001).
        lag=HEAVY_TAIL,
        pays_at_year_end=("medicare", "summit", "lakeshore"),
        problem_days=(21, 75),
        takeback_wave=0.06,
    ),
    Laws(
        "batches and small print",
        # 37 % of one payer's claims answered within 11 to 15 days, others wait for a review (dailypracticeblog.com).
        lag=TWO_HUMPS,
        monthly_payers=("harbor", "northwind"),
        drift=("harbor", 0.12),
        part_of_lines=(0.2, 0.4),
        unloaded_rise=0.025,
        bundling_share=0.9,
        standing_share=0.3,
    ),
    Laws(
        "young and unsettled",
        growth=(-0.1, 0.3),
        new_client_share=0.35,
        problem_days=(40, 150),
        fewest_problems=2,
        part_outages=True,
        has_fee_schedules=False,
        care_faults=(LEAD_STOPS, ONE_DAY),
        pays_at_year_end=("medicare", "medicaid", "harbor", "summit", "lakeshore", "northwind"),
    ),
    Laws(
        "mergers and late books",
        # Members move to the new payer as their plans renew; claims go by the day of service (AmeriHealth, platform
        # transition of 2024). A month may be closed up to the 15th of the next one (MediTouch, AR Month End Close).
        successors=(("summit", "crestview"), ("bluemesa", "lakeshore")),
        # Offices have another rate with each plan (J Gen Intern Med 32, 2017, prices of primary care); a fifth to two
        # fifths of plans with narrow networks (LDI, 2015 and 2017). How much less they pay is our own.
        lesser_plan=(0.35, 0.12),
        closes_late=(0.5, 9),
        has_fee_schedules=False,
    ),
)
"""The worlds of the scoreboard."""

CHOOSING = ("usual", "batches and small print")
"""Thresholds may be chosen on these worlds; the others are only reported."""


def laws_of(name: str) -> Laws:
    """The laws of a world by its name.

    Raises
        ParameterError for a world that does not exist.

    >>> laws_of("slow and seasonal").vacation_days
    10
    """
    for laws in WORLDS:
        if laws.name == name:
            return laws
    names = [laws.name for laws in WORLDS]
    raise ParameterError(f"There is no world {name!r}; the worlds are: {', '.join(names)}.{closest(name, names)}")


def lag_days(laws: Laws, fast: np.ndarray, is_slow: np.ndarray, tail: np.ndarray, bulk: np.ndarray) -> np.ndarray:
    """Days from acceptance to decision in another world, from the same draws: `tail` and `bulk` are log-normal about 1.

    heavy tail: most in the usual time, the slow ones with a tail as of a power law, up to four times as slow again;
    two humps: the quick ones in half of the time, the rest after a review of about five weeks.
    """
    if laws.lag == HEAVY_TAIL:
        return np.where(is_slow | (tail > 2.0), fast * np.minimum(10, 1.8 * tail**1.6), (fast - 6) * bulk + 3)
    reviewed = is_slow | (tail > 1.25)
    return np.where(reviewed, 32 + 8 * bulk, 0.5 * fast * bulk + 3)
