"""The shape of a real appointment export through a column map of its own, to answers counted by hand.

The header, the words and the traps are those of the public data set "Medical Appointment No Shows"
(Vitória, Brazil, 2016): `No-show` says Yes when the patient did *not* come, days are ISO timestamps in
UTC, ids come as floats in one of its copies, a few are booked after the day they are for, and nothing says
what kind of visit it was or when it was settled. Its licence does not let its rows be copied, so the rows
here are made up; every value is invented. Rows that none of us made up: `test_real_visits.py`.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl
import pytest

from builders.appointment_workspace import workspace_with
from rcm_analysis.measures.engagement import appointments
from rcm_analysis.periods import Period
from rcm_analysis.sources.exports import reader as exports
from rcm_analysis.sources.exports.column_maps import parse_map
from rcm_analysis.sources.intake import ingest_client
from rcm_analysis.tables import schema

HEADER = (
    "PatientId,AppointmentID,Gender,ScheduledDay,AppointmentDay,Age,Neighbourhood,Scholarship,Hipertension,"
    "Diabetes,Alcoholism,Handcap,SMS_received,No-show"
)
MAP = """
name = "clinic_slots"
[appointments]
delivery = "full"
[appointments.columns]
appointment_id = "AppointmentID"
patient = "PatientId"
booked_on = "ScheduledDay"
scheduled_on = "AppointmentDay"
settled_on = "AppointmentDay"        # the file gives no other day: an appointment is settled on its own
location = "Neighbourhood"
status = "No-show"
[appointments.values.status]
"Yes" = "no_show"                    # the trap: Yes means that the patient stayed away
"No" = "kept"
[appointments.constants]
visit_type = "follow_up"
is_planned_follow_up = "no"
"""
ROWS = [
    # patient, booked (UTC), day, place, No-show; made up
    ("70012.0", "2016-04-29T18:38:08Z", "2016-04-29T00:00:00Z", "JARDIM NOVO", "No"),  # same day
    ("70013.0", "2016-04-29T16:08:27Z", "2016-04-29T00:00:00Z", "JARDIM NOVO", "Yes"),  # same day
    ("70012.0", "2016-04-27T08:36:51Z", "2016-05-02T00:00:00Z", "JARDIM NOVO", "No"),  # 5 days
    ("70014.0", "2016-04-25T07:00:00Z", "2016-05-02T00:00:00Z", "ÁGUA CLARA", "Yes"),  # 7 days
    ("70015.0", "2016-04-24T07:00:00Z", "2016-05-02T00:00:00Z", "ÁGUA CLARA", "No"),  # 8 days
    ("70016.0", "2016-04-04T23:59:59Z", "2016-05-02T00:00:00Z", "ÁGUA CLARA", "Yes"),  # 28 days
    ("70017.0", "2016-04-03T00:00:01Z", "2016-05-02T00:00:00Z", "ÁGUA CLARA", "Yes"),  # 29 days
    ("70018.0", "2016-05-10T10:51:53Z", "2016-05-09T00:00:00Z", "JARDIM NOVO", "No"),  # booked after its day
    ("70019.0", "2016-05-04T08:00:00Z", "2016-05-06T00:00:00Z", "JARDIM NOVO", "No"),  # 2 days
    ("70012.0", "2016-05-30T08:00:00Z", "2016-05-31T00:00:00Z", "JARDIM NOVO", "yes"),  # 1 day, another spelling
    ("70020.0", "2016-05-31T08:00:00Z", "2016-06-01T00:00:00Z", "JARDIM NOVO", "No"),  # after the month
]
MAY = Period.month("2016-05")


def lines(rows=ROWS) -> list[str]:
    return [
        f"{patient},{5_600_000 + number},F,{booked},{day},41,{place},0,0,0,0,0,1,{missed}"
        for number, (patient, booked, day, place, missed) in enumerate(rows)
    ]


def read(folder, rows: list[str], *, text: str = MAP, encoding: str = "utf-8") -> exports.Export:
    file = folder / "appointments_2016.csv"
    file.write_bytes(("\n".join([HEADER, *rows]) + "\n").encode(encoding))
    (part,) = exports.recognise(file, [parse_map(text, "clinic_slots.toml")])
    return exports.read_export(file, part, client="acme")


@pytest.fixture
def stored(tmp_path) -> dict[str, pl.LazyFrame]:
    export = read(tmp_path, lines())
    return {"appointments": schema.check(export.rows, schema.TABLES["appointments"], "appointments_2016.csv").lazy()}


def test_timestamps_become_days_and_yes_means_missed(tmp_path):
    export = read(tmp_path, lines())
    assert (export.rows_in, len(export.quarantine)) == (11, 0)
    rows = schema.check(export.rows, schema.TABLES["appointments"], "appointments_2016.csv")
    assert rows["status"].to_list() == [
        "kept",
        "no_show",
        "kept",
        "no_show",
        "kept",
        "no_show",
        "no_show",
        "kept",
        "kept",
        "no_show",
        "kept",
    ]
    assert rows["booked_on"].to_list()[0] == dt.date(2016, 4, 29) and rows["scheduled_on"].to_list()[2] == dt.date(
        2016, 5, 2
    )
    assert rows["settled_on"].to_list() == rows["scheduled_on"].to_list()
    assert rows["location"].unique().sort().to_list() == ["JARDIM NOVO", "ÁGUA CLARA"]
    assert set(rows.columns) == set(schema.TABLES["appointments"].names), (
        "age, diagnoses and alcohol are left in the file"
    )


def test_the_measures_give_the_answers_counted_by_hand(stored):
    found = appointments.appointment_outcomes(stored, period=MAY).iloc[0]
    assert (found["scheduled"], found["slots"], found["kept"], found["no_shows"], found["late_cancels"]) == (
        8,
        8,
        4,
        4,
        0,
    )
    assert (found["no_show_rate"], found["appointment_adherence"]) == (0.5, 0.5)
    by_lead = appointments.no_show_rate(stored, period=MAY, by=["lead"])
    assert by_lead[["lead", "no_shows", "slots"]].to_numpy().tolist() == [
        ["1 same day", 0, 1],
        ["2 one to seven days", 2, 4],
        ["3 eight to 28 days", 1, 2],
        ["4 over 28 days", 1, 1],
    ]
    by_place = appointments.no_show_rate(stored, period=MAY, by=["location"])
    assert by_place[["location", "no_shows", "slots"]].to_numpy().tolist() == [
        ["JARDIM NOVO", 1, 4],
        ["ÁGUA CLARA", 3, 4],
    ]
    april = appointments.no_show_rate(stored, period=Period.month("2016-04")).iloc[0]
    assert (april["no_shows"], april["slots"]) == (1, 2)


def test_the_trap_turns_the_rate_round_when_the_map_falls_into_it(tmp_path):
    """What a careless map does: the same file says the opposite, and no rule can notice. Hence the comment in the
    map."""
    careless = MAP.replace('"Yes" = "no_show"', '"Yes" = "kept"').replace('"No" = "kept"', '"No" = "no_show"')
    rows = read(tmp_path, lines(ROWS[:3]), text=careless).rows
    assert rows["status"].to_list() == ["no_show", "kept", "no_show"]


def test_without_the_map_of_the_words_nothing_is_stored(tmp_path):
    """Yes and No are no statuses: without `values` every row is set aside, and none is guessed."""
    bare = MAP[: MAP.index("[appointments.values.status]")] + MAP[MAP.index("[appointments.constants]") :]
    export = read(tmp_path, lines(), text=bare)
    assert (
        len(export.rows) == 0
        and set(export.quarantine["rule"]) == {"not_listed"}
        and set(export.quarantine["column"]) == {"No-show"}
    )


@pytest.mark.parametrize(
    ("row", "rule", "column"),
    [
        pytest.param(
            "70030,9,F,2016-04-29,,41,CENTRO,0,0,0,0,0,1,No",
            "missing",
            "AppointmentDay",
            id="no day of the appointment",
        ),
        pytest.param(
            "70030,9,F,2016-02-30T00:00:00Z,2016-05-02T00:00:00Z,41,CENTRO,0,0,0,0,0,1,No",
            "unreadable",
            "ScheduledDay",
            id="a day that does not exist",
        ),
        pytest.param(
            "70030,9,F,2016-04-29,2016-05-02,41,CENTRO,0,0,0,0,0,1,Perhaps",
            "not_listed",
            "No-show",
            id="a word that the map does not know",
        ),
        pytest.param(",9,F,2016-04-29,2016-05-02,41,CENTRO,0,0,0,0,0,1,No", "missing", "PatientId", id="nobody"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_rule(tmp_path, row, rule, column):
    export = read(tmp_path, [*lines(ROWS[:2]), row])
    assert len(export.rows) == 2
    assert (rule, column) in set(export.quarantine.select("rule", "column").rows())


def test_an_old_code_page_keeps_the_names_of_places(tmp_path):
    assert "ÁGUA CLARA" in read(tmp_path, lines(), encoding="cp1252").rows["location"].to_list()


def test_it_comes_in_by_the_front_door_under_pseudonyms(tmp_path):
    """Registry, map and raw file in a workspace: intake takes the file in, and nobody's number is kept."""
    workspace = workspace_with(tmp_path, "clinic_slots", MAP)
    raw = tmp_path / "raw" / "acme"
    raw.mkdir(parents=True)
    (raw / "any name.csv").write_text("\n".join([HEADER, *lines()]) + "\n", "utf-8")
    report = ingest_client(workspace, "acme", [raw / "any name.csv"])
    assert [file.rows_stored for file in report.files] == [11]
    known = workspace.client("acme").tables(as_of=dt.date(2016, 5, 31))
    found = appointments.no_show_rate(known, period=MAY).iloc[0]
    assert (found["no_shows"], found["slots"]) == (4, 8)
    people = known["appointments"].collect()["patient"]
    assert (
        people.n_unique() == 9 and people.str.contains(r"^p[0-9a-f]{20}$").all()
    )  # any three digits occur in a pseudonym by chance
    assert isinstance(found, pd.Series)
