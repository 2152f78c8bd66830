"""Calendar exports (.ics) as a table of text: a row per meeting and day, those that repeat written out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from ...errors import SourceError

HEADINGS = ("UID", "DTSTART", "DURATION", "STATUS")
AHEAD_DAYS = 366
"""A meeting that repeats without an end is written out for so long after the last day that the file names."""


def calendar_rows(path: Path) -> list[tuple[str, ...]]:
    """The meetings of a calendar below their headings: UID with the day, DTSTART, DURATION in minutes, STATUS.

    Counts
        Every occurrence of what repeats, without those taken out (EXDATE) and as changed one by one (RECURRENCE-ID).
        Whole days are no meetings. Title, place and persons are not read.

    Raises
        SourceError where the file is no calendar, or the packages that read it are not installed.
    """
    try:
        import icalendar
        import recurring_ical_events
    except ImportError:
        raise SourceError(
            f"{path.name} is a calendar; reading it takes two more packages: pip install 'rcm_analysis[calendar]'. "
            "Nothing of it was read."
        ) from None
    try:
        calendar = icalendar.Calendar.from_ical(path.read_bytes())
        days = [_day(event.get("DTSTART").dt) for event in calendar.walk("VEVENT") if event.get("DTSTART")]
        end = max(days, default=dt.date(2000, 1, 1)) + dt.timedelta(days=AHEAD_DAYS)
        found = recurring_ical_events.of(calendar).between(min(days, default=end), end)
    except (ValueError, IndexError) as error:
        raise SourceError(
            f"{path.name} is a calendar that cannot be read ({type(error).__name__}). Export it again; nothing of it "
            "was read."
        ) from error
    return [HEADINGS, *sorted(_row(event) for event in found if isinstance(event.start, dt.datetime))]


def _row(event: Any) -> tuple[str, str, str, str]:
    day = event.start.date()
    minutes = (event.end - event.start).total_seconds() / 60
    return (
        f"{event.get('UID')} {event.start:%Y-%m-%dT%H:%M}",
        f"{day}",
        f"{minutes:g}",
        str(event.get("STATUS", "CONFIRMED")).upper(),
    )


def _day(value: dt.date) -> dt.date:
    return value.date() if isinstance(value, dt.datetime) else value
