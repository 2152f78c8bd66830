"""A calendar export (.ics): each meeting on its day, those that repeat too; nothing else of it is read."""

import datetime as dt
import sys

import pytest
from cases.desk import blank

pytest.importorskip("recurring_ical_events")

ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//y//EN
BEGIN:VEVENT
UID:m1
DTSTAMP:20260101T000000Z
DTSTART;TZID=America/New_York:20260106T233000
DTEND;TZID=America/New_York:20260107T001500
RRULE:FREQ=WEEKLY;COUNT=5
EXDATE;TZID=America/New_York:20260113T233000
SUMMARY:About patient Jo Doe
END:VEVENT
BEGIN:VEVENT
UID:m1
RECURRENCE-ID;TZID=America/New_York:20260120T233000
DTSTAMP:20260101T000000Z
DTSTART;TZID=America/New_York:20260121T150000
DTEND;TZID=America/New_York:20260121T153000
STATUS:CANCELLED
END:VEVENT
BEGIN:VEVENT
UID:d1
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20260110
SUMMARY:Holiday
END:VEVENT
END:VCALENDAR
"""


def desk_with(tmp_path, text):
    desk = blank(tmp_path)
    settings = (desk.folder / "clients.toml").read_text()
    desk.configure("clients.toml", settings + 'column_maps = ["calendar"]\n')
    desk.put("meetings.ics", text)
    return desk.store()


def test_what_repeats_is_written_out_as_changed_one_by_one(tmp_path):
    desk = desk_with(tmp_path, ICS.replace("\n", "\r\n"))
    rows = [(row["meets_on"], row["status"], row["minutes"]) for row in desk.stored("meetings")]
    assert sorted(rows) == [
        (dt.date(2026, 1, 6), "scheduled", 45.0),  # in the calendar's own zone
        (dt.date(2026, 1, 21), "cancelled", 30.0),  # moved, and cancelled
        (dt.date(2026, 1, 27), "scheduled", 45.0),
        (dt.date(2026, 2, 3), "scheduled", 45.0),
    ]
    assert "Doe" not in str(desk.stored("meetings")) and desk.findings() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            ICS.replace("DTSTART;TZID=America/New_York:20260106T233000", "DTSTART:soon"),
            "a calendar that cannot be read",
        ),
        (ICS.replace("COUNT=5", "COUNT=many"), "a calendar that cannot be read"),
    ],
)
def test_a_damaged_calendar_is_refused_in_one_line(tmp_path, text, said):
    desk = desk_with(tmp_path, text)
    assert said in desk.messages() and desk.stored("meetings") == []


def test_without_the_packages_the_line_says_which(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "icalendar", None)
    assert "pip install 'rcm_analysis[calendar]'" in desk_with(tmp_path, ICS).messages()
