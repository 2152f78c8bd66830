"""What the inputs of a plan must fulfil, rule by rule, in the words of every message.

One table serves the assumptions file, the reader of an edited workbook, the validations of its cells and the
formulas of its check sheet: `refused` says what was expected where a rule is broken, and the workbook holds a
condition for every rule that is not in `FILE_ONLY`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

from ...tables.checking import expected

SHARE, CENTS, MILLI, MICRO = 10_000, 100, 1_000, 1_000_000
FIRST_MONTH, LAST_MONTH = "2000-01", "2099-12"
LONGEST, MOST_SEED, MOST_DRAWS = 120, 2**31, 20_000
SLOW_AT_MOST = SHARE * 9 // 10


@dataclass(frozen=True)
class Kind:
    """One kind of number: its whole small units in one of what a person writes, its least and largest in small units,
    and the words for it."""

    scale: int
    low: int
    high: int
    words: str

    @property
    def decimals(self) -> int:
        """How many decimals a person may write.

        >>> KINDS["share"].decimals, KINDS["days"].decimals
        (4, 0)
        """
        return len(str(self.scale)) - 1


KINDS: Mapping[str, Kind] = {
    "share": Kind(SHARE, 0, SHARE, "a share from 0 to 1 with at most four decimals"),
    "factor": Kind(
        SHARE, 0, 100 * SHARE, "a factor of 0 or more with at most four decimals (1 leaves things as they are)"
    ),
    "move": Kind(
        SHARE, -SHARE, SHARE, "a change from -1 to 1 with at most four decimals (0 leaves things as they are)"
    ),
    "money": Kind(CENTS, 0, 10**11, "dollars of 0 or more, to the cent"),
    "count": Kind(MILLI, 0, 10**8, "a number of 0 or more with at most three decimals"),
    "days": Kind(1, 0, 1_800, "whole days, 0 or more"),
    "added_days": Kind(1, -1_800, 1_800, "whole days, below 0 for sooner"),
    "months": Kind(1, 0, 120, "whole months, 0 or more"),
    "added_months": Kind(1, -120, 120, "whole months, below 0 for sooner"),
    "flag": Kind(1, 0, 1, "true or false"),
    "seed": Kind(1, 0, MOST_SEED, f"a whole number from 0 to {MOST_SEED}"),
    "draws": Kind(1, 1, MOST_DRAWS, f"a whole number from 1 to {MOST_DRAWS}"),
}

RULES: Mapping[str, str] = {
    **{name: kind.words for name, kind in KINDS.items()},
    "date": "a date from 2000 on (not text that looks like one)",
    "words": "words",
    "in_order": "steps in the order of their months, each month once",
    "no_steps": "one number for the whole plan, no steps",
    "above_zero": "a number above 0",
    "slow_share": "a share of at most 0.9; if nearly all is slow, raise the usual days",
    "fails": "failing shares that sum to at most 1",
    "caseload": "members above 0 whom one full-time coordinator can carry",
    "sum_of_mix": "shares of the levels that sum to 1",
    "sum_of_regions": "shares of the regions that sum to 1",
    "not_before": "a month not before {beside}",
    "month_of_plan": "a month of the plan, {first} to {last}",
    "one_coordinator": "at least one coordinator, written [[coordinators]]",
    "ramp": "shares of a full caseload in the months after hire, such as [0.25, 0.6, 1.0]",
    "own_name": "a name that no other scenario has",
    "range": "low at most, and high at least, what leaves the plan as it is",
    "rate_in_every_month": "a rate for every month of the plan",
    "rate_once": "one rate for each level and month",
    "rates_in_order": "rows in the order of their months, oldest first",
    "capacity": "no more members than the coordinators can carry",
    "exact": "amounts that can be kept to the cent",
    "scenario": "one of the scenarios of the sheet Scenarios",
    "as_written": "as many months as the workbook was made for; another length needs rcm plan",
    "outside": "nothing below or beside the shaded cells, where no formula reads it",
    # What only a file can break: a workbook has no cell for it.
    "month": f"a month written YYYY-MM, from {FIRST_MONTH} to {LAST_MONTH}",
    "whole_months": f"a whole number from 1 to {LONGEST}",
    "step": 'a step {{from = "YYYY-MM", value = …}}',
    "first_month": "a value for the plan's first month, {start}",
    "levels": 'the acuity levels from lowest to highest, such as ["low", "medium", "high"]',
    "level_once": "each level once",
    "level_beside": "levels of members; {beside} are billed beside them",
    "level": "one of {known}",
    "part": "one of the {what} {known}",
    "region_of_plan": "one of the plan's regions: {known}",
    "regions": 'the share of each region, such as [[regions]] from = "2027-01", upstate = 0.4, downstate = 0.6',
    "one_region": "one region, or shares of several under [[regions]], not both",
    "caseload_by_level": "members by level, such as {{low = 55, medium = 30, high = 16}}",
    "rate_file": "a CSV file (UTF-8) beside the assumptions file{lacking}",
    "source_of_rates": "one of table, file and [[rates.rows]]",
    "rate_table": "{known}",
    "rate_column": "a column of the rate table: {known}",
    "at_least_one": "at least one {what}, written [[{key}]]",
}
FILE_ONLY = frozenset(list(RULES)[list(RULES).index("month") :])


def refused(
    rule: str, more: str = "", /, *, words: Mapping[str, Any] | None = None, **place: Any
) -> PydanticCustomError:
    """The fault that a rule is broken: its words, filled in with `words`, and `more`; `place` as in `expected`."""
    return expected(RULES[rule].format(**words or {}) + more, **place)
