"""Periods: half-open spans of days, and the only window test in the package."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from .errors import ParameterError

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, order=True)
class Period:
    """The days from `first_day` up to, and without, `end`.

    >>> october = Period.month("2026-10")
    >>> october.last_day, october.end, october.days
    (datetime.date(2026, 10, 31), datetime.date(2026, 11, 1), 31)
    """

    first_day: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        if self.end <= self.first_day:
            raise ParameterError(
                f"A period must hold at least one day: it starts {self.first_day} and ends before {self.end}."
            )

    @classmethod
    def month(cls, text: str) -> Period:
        """The calendar month written as YYYY-MM.

        >>> Period.month("2024-02").days
        29
        """
        match = _MONTH.fullmatch(str(text))
        if not match:
            raise ParameterError(f"A period is a month written YYYY-MM, such as 2026-10; found {text!r}.")
        year, month = int(match[1]), int(match[2])
        return cls(dt.date(year, month, 1), dt.date(year + month // 12, month % 12 + 1, 1))

    @classmethod
    def of(cls, day: dt.date) -> Period:
        """The calendar month that holds `day`."""
        return cls.month(f"{day:%Y-%m}")

    @classmethod
    def days_ending(cls, last_day: dt.date, days: int) -> Period:
        """The `days` days that end on `last_day`, `last_day` included.

        >>> Period.days_ending(dt.date(2026, 3, 31), 90).first_day
        datetime.date(2026, 1, 1)
        """
        return cls(last_day - dt.timedelta(days=days - 1), last_day + dt.timedelta(days=1))

    @property
    def last_day(self) -> dt.date:
        return self.end - dt.timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.end - self.first_day).days

    @property
    def label(self) -> str:
        """YYYY-MM for a whole month, else both days.

        >>> Period.month("2026-10").label
        '2026-10'
        """
        if self.first_day.day == 1 and self.end.day == 1 and 28 <= self.days <= 31:
            return f"{self.first_day:%Y-%m}"
        return f"{self.first_day} to {self.last_day}"

    @property
    def title(self) -> str:
        """The period in words.

        >>> Period.month("2026-10").title
        'October 2026'
        """
        return f"{self.first_day:%B %Y}" if "to" not in self.label else self.label

    def shift(self, months: int) -> Period:
        """The calendar month `months` later (earlier when negative).

        >>> Period.month("2026-01").shift(-1).label
        '2025-12'
        """
        serial = self.first_day.year * 12 + self.first_day.month - 1 + months
        return Period.month(f"{serial // 12:04d}-{serial % 12 + 1:02d}")

    def trailing(self, months: int) -> Period:
        """The `months` months that end with this one.

        >>> Period.month("2026-10").trailing(3).first_day
        datetime.date(2026, 8, 1)
        """
        return Period(self.shift(1 - months).first_day, self.end)

    def months(self) -> list[Period]:
        """The calendar months that this period touches, in order."""
        months, month = [], Period.of(self.first_day)
        while month.first_day < self.end:
            months.append(month)
            month = month.shift(1)
        return months

    def holds(self, dates: Any) -> Any:
        """True where the date lies in the period: a date, a column, or a column expression.

        >>> Period.month("2026-10").holds(dt.date(2026, 11, 1))
        False
        """
        return (dates >= self.first_day) & (dates < self.end)
