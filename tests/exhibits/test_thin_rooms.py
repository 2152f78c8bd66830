"""What few offices record, from their files to the page: patients' care that goes on, how a client is served, by which
way claims were asked for, claims that the practice asked about, patients' calls and what new insurance brought."""

import contextlib
import csv
import datetime as dt
import io
import json

import pytest
from cases.desk import CLIENT, blank

from rcm_analysis.exhibits.register.months import facts_of, register
from rcm_analysis.notebook import open_portfolio, open_report
from rcm_analysis.tables.schema import TABLES as TABLE_OF

pytest.importorskip("recurring_ical_events")
DAYS = [dt.date(2026, 1, 1) + dt.timedelta(days=place % 300) for place in range(600)]
ENDS = ("kept", "no_show", "late_cancel", "cancelled")
TABLES = ("appointments", "intakes", "appointment_reminders", "care_referrals", "care_plan_steps", "clinical_readings")
TABLES += ("staff_feedback", "client_contacts", "interactions")
FEW = ("work_log", "client_flags", "account_changes")
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
    text += 'paid_cents = "Paid"\npaid_on = "Paid on"\n'
    for name in (*TABLES, *FEW):
        columns = [column.name for column in TABLE_OF[name].columns if column.name != "client"]
        text += f'\n[{name}]\ndelivery = "full"\n[{name}.columns]\n'
        text += "".join(f'{column} = "{name} {column}"\n' for column in columns)
    return text


def rows() -> dict[str, list[dict[str, object]]]:
    """Two a day from January on: each visit reminded of, every other one confirmed; half the loops closed in a week."""
    out: dict[str, list[dict[str, object]]] = {name: [] for name in TABLES} | few()
    forms = [column.name for column in TABLE_OF["intakes"].columns if column.kind == "flag"]
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
        call = {"interaction_id": f"I{place}", "happened_on": day, "local_time": "10:00", "direction": "in"}
        call |= {"entered_on": day, "handled_by": "Ann", "channel": "phone", "is_abandoned": "no" if half else "yes"}
        call |= {"result": "conversation", "wait_seconds": 40, "minutes": 6} if half else {"result": "no_answer"}
        out["interactions"].append(own | call | ({"patient_rating": 5 if place % 4 else 2} if half else {}))
        message = {"contact_id": f"C{place}", "happened_on": day, "channel": "email", "thread": f"T{place // 2}"}
        out["client_contacts"].append(message | {"direction": "in" if half else "out", "minutes": 10})
    return out


def few() -> dict[str, list[dict[str, object]]]:
    """Ten claims worked in the portal, ten by phone, two that the practice asks about, three new insurances."""
    day, ways = dt.date(2026, 10, 12), ("portal", "call")
    note = {"worked_on": day, "entered_on": day, "worked_by": "Ann", "action": "follow_up", "minutes": 5}
    flag = {"flagged_on": dt.date(2026, 10, 5), "flagged_by": "Dr. Lee", "wanted_on": dt.date(2026, 10, 20)}
    new = {"requested_on": dt.date(2026, 7, 1), "done_on": dt.date(2026, 7, 6), "kind": "insurance_update"}
    return {
        "work_log": [
            note | {"note_id": f"N{number}", "claim_id": f"K{number}", "channel": ways[number % 2]}
            | {"outcome": "waiting_on_payer", "hold_reason": "referral" if number < 4 else ""}
            for number in range(20)
        ],
        "client_flags": [flag | {"flag_id": f"G{number}", "claim_id": f"K{number}"} for number in (1, 2)],
        "account_changes": [
            new | {"change_id": f"U{number}", "claim_id": f"K{number}", "patient": f"P{number}", "done_by": "Ann"}
            for number in (30, 31, 32)
        ],
    }  # fmt: skip


def bills() -> str:
    """Forty claims of $100: of twelve the insurer paid $80, of the odd ones in August, of the even ones in October."""
    lines = ["Claim,Chart,Payer,DOS,Charge,Paid,Paid on"]
    for number in range(40):
        money = f"80.00,{'2026-08-03' if number % 2 else '2026-10-20'}" if number in (*range(10, 20), 30, 31) else ","
        lines.append(f"K{number},P{number},Bluex,2026-06-{number % 28 + 1:02d},100.00,{money}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    made = blank(tmp_path_factory.mktemp("thin"))
    registry = (made.folder / "clients.toml").read_text().replace('"monthly"\n', '"monthly"\nmeeting_day = "15th"\n')
    services = 'services = ["claims", "patient_engagement", "self_pay"]\ncolumn_maps = ["records", "calendar"]\n'
    made.configure("clients.toml", registry + services)
    made.configure("maps/records.toml", column_map())
    for name, found in rows().items():
        text = io.StringIO()
        columns = [column.name for column in TABLE_OF[name].columns if column.name != "client"]
        writer = csv.writer(text)
        writer.writerow([f"{name} {column}" for column in columns])
        writer.writerows([row.get(column, "") for column in columns] for row in found)
        made.put(f"{name}.csv", text.getvalue())
    made.put("meetings.ics", ICS)
    made.put("bills.csv", bills())
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


def test_ways_of_asking_and_claims_that_the_practice_asked_about_reach_their_pages(desk):
    with contextlib.redirect_stdout(io.StringIO()):
        deep = open_report(desk.folder, CLIENT, "2026-10", template="ar_deep_dive")
        weekly = open_report(desk.folder, CLIENT, "2026-10", template="ar_weekly_review")
        ways = {row[0]: row[1:3] for row in cells(deep.review.trail())["work_by_channel"]}
        stuck = weekly.review.blockers()
    found = cells(stuck)
    assert ways == {"Payer portal": (10, 10), "By telephone": (10, 10)}
    assert {row[0] for row in found["flagged"]} == {"K1", "K2"}
    assert ("Waits for referrals", "practice", 4) in [row[:3] for row in found["blockers"]]


def test_an_office_whose_bills_are_not_on_file_is_not_told_that_its_claims_never_left(desk):
    """Its claims come from a list of charges and payments: nobody can say which of them were sent."""
    with contextlib.redirect_stdout(io.StringIO()):
        report = open_report(desk.folder, CLIENT, "2026-10", template="ar_weekly_review")
        words = json.dumps([getattr(block, "payload", str(block)) for block in report.review.blockers()], default=str)
        facts = facts_of(report.subject)
    assert "never sent" not in words.replace("were never sent cannot be told", "") and "cannot be told" in words
    assert not {"never_sent", "limits"} & {action.action_id for action in register(report.subject)}
    assert set(facts.worklist["status"]) == {"processing", "unpaid_rest"}, "paid in part: answered; else no answer yet"
    assert "no bill on file" in facts.worklist.loc[facts.worklist["status"] == "processing", "reason"].iloc[0]


def test_calls_and_new_insurance_reach_the_self_pay_review(desk):
    with contextlib.redirect_stdout(io.StringIO()):
        found = cells(open_report(desk.folder, CLIENT, "2026-10", template="self_pay_review").review.contacts())
    assert found["experience"] == ((88, 44, 0.5, 176, 88, 0.5, 40.0, 6.0),), "two calls a day from August to October 27"
    assert found["insurance_updates"] == ((3, 1, 1 / 3, 8_000, 0),), "K31 within 90 days, K30 after them, K32 never"
