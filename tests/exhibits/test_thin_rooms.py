"""What few offices record, from their files to the page: patients' care that goes on, and how a client is served."""

import contextlib
import csv
import datetime as dt
import io

import pytest
from cases.desk import CLIENT, blank

from rcm_analysis.notebook import open_portfolio, open_report
from rcm_analysis.tables.schema_services import OFFICE_TABLES, SERVICE_TABLES

pytest.importorskip("recurring_ical_events")
DAYS = [dt.date(2026, 1, 1) + dt.timedelta(days=place % 300) for place in range(600)]
ENDS = ("kept", "no_show", "late_cancel", "cancelled")
TABLES = ("appointments", "intakes", "appointment_reminders", "care_referrals", "care_plan_steps", "clinical_readings")
TABLES += ("staff_feedback", "client_contacts")
ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//y//EN
BEGIN:VEVENT
UID:m1
DTSTAMP:20260101T000000Z
DTSTART:20261015T140000
DTEND:20261015T150000
END:VEVENT
END:VCALENDAR
"""


def column_map() -> str:
    """Each table from a file whose headings are our own names, and one bill: a book is told of months with postings."""
    text = 'name = "records"\n\n[visits]\none_row_per = "claim"\n[visits.columns]\n'
    text += 'claim_id = "Claim"\npatient = "Chart"\npayer = "Payer"\nservice_on = "DOS"\ncharge_cents = "Charge"\n'
    for name in TABLES:
        columns = [column.name for column in (SERVICE_TABLES | OFFICE_TABLES)[name].columns if column.name != "client"]
        text += f'\n[{name}]\ndelivery = "full"\n[{name}.columns]\n'
        text += "".join(f'{column} = "{name} {column}"\n' for column in columns)
    return text


def rows() -> dict[str, list[dict[str, object]]]:
    """Two a day from January on: each visit reminded of, every other one confirmed; half the loops closed in a week."""
    out: dict[str, list[dict[str, object]]] = {name: [] for name in TABLES}
    forms = [column.name for column in SERVICE_TABLES["intakes"].columns if column.kind == "flag"]
    for place, day in enumerate(DAYS):
        own, half = {"patient": f"P{place % 200}"}, place % 2 == 0
        before, later = day - dt.timedelta(days=2), day + dt.timedelta(days=7)
        slot = own | {"appointment_id": f"A{place}"}
        visit = {"visit_type": "follow_up", "is_planned_follow_up": "no", "status": ENDS[place // 3 % 4]}
        visit |= {"provider": "Lee", "booked_on": day - dt.timedelta(days=20), "scheduled_on": day, "settled_on": day}
        out["appointments"].append(slot | visit | {"is_telehealth": "yes" if half else "no"})
        form = {"intake_id": f"F{place}", "taken_on": day, "entered_on": day} | dict.fromkeys(forms, "yes")
        out["intakes"].append(slot | form | {"social_needs": 0})
        sent = {"reminder_id": f"R{place}", "appointment_id": f"A{place}", "sent_on": before, "channel": "text"}
        out["appointment_reminders"].append(sent | {"confirmed_on": before if half else ""})
        referral = {"referral_id": f"L{place}", "referred_on": day, "report_on": later if half else ""}
        out["care_referrals"].append(own | referral)
        step = {"step_id": f"S{place}", "agreed_on": before, "kind": "test", "due_on": day}
        out["care_plan_steps"].append(own | step | {"done_on": day if half else ""})
        reading = {"reading_id": f"B{place}", "taken_on": day, "recorded_on": day, "indicator": "hba1c", "value": 7.5}
        out["clinical_readings"].append(own | reading)
        answer = {"answer_id": f"W{place}", "answered_on": day, "item": "tools_help", "score": 4}
        out["staff_feedback"].append(answer)
        message = {"contact_id": f"C{place}", "happened_on": day, "channel": "email", "thread": f"T{place // 2}"}
        out["client_contacts"].append(message | {"direction": "in" if half else "out", "minutes": 10})
    return out


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    made = blank(tmp_path_factory.mktemp("thin"))
    registry = (made.folder / "clients.toml").read_text().replace('"monthly"\n', '"monthly"\nmeeting_day = "15th"\n')
    services = 'services = ["claims", "patient_engagement"]\ncolumn_maps = ["records", "calendar"]\n'
    made.configure("clients.toml", registry + services)
    made.configure("maps/records.toml", column_map())
    for name, found in rows().items():
        text = io.StringIO()
        columns = [column.name for column in (SERVICE_TABLES | OFFICE_TABLES)[name].columns if column.name != "client"]
        writer = csv.writer(text)
        writer.writerow([f"{name} {column}" for column in columns])
        writer.writerows([row.get(column, "") for column in columns] for row in found)
        made.put(f"{name}.csv", text.getvalue())
    made.put("meetings.ics", ICS)
    made.put("bills.csv", "Claim,Chart,Payer,DOS,Charge\nK1,P1,Bluex,2026-10-02,100.00\n")
    return made.store()


def cells(blocks) -> dict[str, list[list[object]]]:
    return {block.name: block.rows for block in blocks if hasattr(block, "rows")}


def test_nothing_of_the_files_is_set_aside(desk):
    assert desk.aside() == [] and {name: len(desk.stored(name)) for name in TABLES} == dict.fromkeys(TABLES, 600)


def test_patients_care_that_goes_on_reaches_its_page(desk):
    with contextlib.redirect_stdout(io.StringIO()):
        report = open_report(desk.folder, CLIENT, "2026-10", template="patient_engagement_review")
        found = cells(report.review.going_on())
    assert {"going_on", "telehealth", "staff_feedback"} <= set(found)
    shares = {row[0]: row[2:4] for row in found["going_on"]}
    assert shares == {
        "Reminded before the day": (272, 272),
        "Confirmed by the patient": (272, 152),
        "Language recorded": (362, 362),
        "Preferences recorded": (362, 362),
        "Referral loop closed": (362, 182),
        "Care-plan step done by its day": (362, 182),
        "Blood sugar under control": (200, 200),
    }


def test_how_a_client_is_served_reaches_the_book(desk):
    with contextlib.redirect_stdout(io.StringIO()):
        found = cells(open_portfolio(desk.folder, "2026-10").review.service())
    assert found["service_levels"][0][0] == "Message of the practice answered"
    assert found["meetings_held"][0][:3] == ("Acme Ortho", 1, 1), "the fifteenth of October, from the calendar"
    assert found["effort_measured"][0][0] == "Acme Ortho"
