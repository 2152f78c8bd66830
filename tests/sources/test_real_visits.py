"""Real rows that none of us wrote, as an appointment export: Synthea's encounters through a map of their own.

The file has other names for everything, times in UTC, and no word on what became of a visit: an encounter
took place, so all are kept. Only classes that are visits to an office get a kind of visit; a stay, an emergency
or a hospice has none, and its row is set aside under `not_listed`. Nothing is lost on the way. A class is only
a class: one `wellness` row certifies a death, and counts as a visit kept like the others.
What the measures say is counted again from the same file with plain pandas.
"""

from __future__ import annotations

import datetime as dt
import json

import pandas as pd
import polars as pl
import pytest

from builders.appointment_workspace import workspace_with
from rcm_analysis.measures.engagement import appointments
from rcm_analysis.periods import Period
from rcm_analysis.sources.exports import reader as exports
from rcm_analysis.sources.exports.column_maps import parse_map
from rcm_analysis.sources.intake import ingest_client

OFFICE = ("ambulatory", "outpatient", "wellness", "urgentcare")
ALL_YEARS = Period(dt.date(1970, 1, 1), dt.date(2025, 1, 1))
MAP = """
name = "encounters"
[appointments]
delivery = "full"
earliest = 1970-01-01                 # the file goes back to 1977
[appointments.columns]
appointment_id = "Id"
patient = "PATIENT"
booked_on = "START"                   # nobody says when it was booked: as known from its own day
scheduled_on = "START"
settled_on = "START"
location = "ORGANIZATION"
provider = "PROVIDER"
visit_type = "ENCOUNTERCLASS"
problem = "REASONDESCRIPTION"
[appointments.constants]
status = "kept"
is_planned_follow_up = "no"
[appointments.values.visit_type]
"ambulatory" = "acute"
"urgentcare" = "acute"
"outpatient" = "follow_up"
"wellness" = "preventive"
[appointments.values.problem]
"""
FAMILIES = {
    "respiratory": (
        "Asthma",
        "Childhood asthma",
        "Viral sinusitis (disorder)",
        "Acute bacterial sinusitis (disorder)",
        "Acute viral pharyngitis (disorder)",
        "Acute bronchitis (disorder)",
        "Seasonal allergic rhinitis",
        "Perennial allergic rhinitis",
    ),
    "pregnancy": ("Normal pregnancy", "Complete miscarriage (disorder)"),
    "infection": (
        "Human immunodeficiency virus infection (disorder)",
        "Streptococcal sore throat (disorder)",
        "Otitis media",
        "Suspected COVID-19",
        "Acute infective cystitis (disorder)",
    ),
    "mental_health": ("Dependent drug abuse (disorder)", "Child attention deficit disorder"),
    "injury": (
        "Injury of tendon of the rotator cuff of shoulder",
        "Concussion with no loss of consciousness",
        "Fracture of clavicle",
        "Fracture subluxation of wrist",
        "Fracture of rib",
    ),
    "musculoskeletal": ("Chronic pain (finding)",),
    "skin": ("Atopic dermatitis",),
    "preventive": (
        "Contraception care (regime/therapy)",
        "Sterilization requested (situation)",
        "Screening for malignant neoplasm of colon (procedure)",
    ),
    "other": (
        "Aortic valve regurgitation (disorder)",
        "Allergy to substance (finding)",
        "Eggs (edible) (substance)",
        "Anemia (disorder)",
    ),
}
PLANNED = ("Prenatal visit", "Postnatal visit", "Asthma follow-up")
UNPLANNED = (
    "Encounter for problem (procedure)",
    "Encounter for problem",
    "Encounter for symptom (procedure)",
    "Encounter for symptom",
    "Encounter for check up (procedure)",
    "Encounter for check up",
    "Prenatal initial visit",
    "Patient-initiated encounter",
    "Outpatient procedure",
    "Consultation for treatment",
    "Patient encounter procedure",
    "Administration of vaccine to produce active immunity (procedure)",
    "Urgent care clinic (environment)",
    "General examination of patient (procedure)",
    "Well child visit (procedure)",
    "Death Certification",
)
FAMILY_OF = {reason: family for family, reasons in FAMILIES.items() for reason in reasons}
WORDS = "\n".join(f'"{reason}" = "{family}"' for reason, family in FAMILY_OF.items())


@pytest.fixture(scope="module")
def file(samples):
    return samples / "tables" / "synthea" / "encounters.csv"


@pytest.fixture(scope="module")
def raw(file) -> pd.DataFrame:
    """The file as plain pandas reads it, with the day and the month of each row."""
    rows = pd.read_csv(file, dtype=str)
    day = pd.to_datetime(rows["START"].str[:10])
    return rows.assign(day=day, month=day.dt.strftime("%Y-%m"), is_office=rows["ENCOUNTERCLASS"].isin(OFFICE))


@pytest.fixture(scope="module")
def taken_in(file, tmp_path_factory):
    """A workspace into which the file came by the front door, its intake report, and the client's tables."""
    folder = tmp_path_factory.mktemp("visits")
    workspace = workspace_with(folder, "encounters", f"{MAP}{WORDS}\n")
    report = ingest_client(workspace, "acme", [file])
    return workspace, report, workspace.client("acme").tables(as_of=ALL_YEARS.last_day)


def read(file, text: str) -> exports.Export:
    (part,) = exports.recognise(file, [parse_map(text, "encounters.toml")])
    return exports.read_export(file, part, client="acme")


def test_every_row_is_stored_or_set_aside_with_its_rule(raw, taken_in):
    workspace, report, tables = taken_in
    (came,) = report.files
    assert (came.rows_in, came.rows_stored, came.rows_quarantined) == (
        len(raw),
        raw["is_office"].sum(),
        (~raw["is_office"]).sum(),
    )
    assert (came.rows_in, came.rows_stored) == (388, 355)
    aside = workspace.client("acme").quarantine()
    assert set(zip(aside["column"], aside["rule"], strict=True)) == {("ENCOUNTERCLASS", "not_listed")}
    said = pd.Series([json.loads(text)["visit_type"] for text in aside["text"]]).value_counts().to_dict()
    assert said == raw.loc[~raw["is_office"], "ENCOUNTERCLASS"].value_counts().to_dict()
    both = tables["appointments"].collect()["appointment_id"].to_list() + [
        json.loads(text)["appointment_id"] for text in aside["text"]
    ]
    assert sorted(both) == sorted(raw["Id"]), "each row of the file once, here or there"


def test_kept_visits_by_place_and_month_are_those_of_the_file(raw, taken_in):
    found = appointments.appointment_outcomes(taken_in[2], period=ALL_YEARS, by=["location", "month"])
    office = raw[raw["is_office"]]
    counted = office.groupby(["ORGANIZATION", "month"]).size().to_dict()
    months = pd.to_datetime(found["month"].astype(str)).dt.strftime("%Y-%m")
    assert dict(zip(zip(found["location"], months, strict=True), found["kept"], strict=True)) == counted
    assert found["kept"].sum() == len(office) and (found["scheduled"] == found["kept"]).all()
    kinds = (
        appointments.appointment_outcomes(taken_in[2], period=ALL_YEARS, by=["visit_type"])
        .set_index("visit_type")["kept"]
        .to_dict()
    )
    classes = office["ENCOUNTERCLASS"].value_counts()
    assert kinds == {
        "acute": classes["ambulatory"] + classes["urgentcare"],
        "follow_up": classes["outpatient"],
        "preventive": classes["wellness"],
    }


@pytest.mark.parametrize("month", ["2015-07", "2021-03", "2014-05"])
def test_nobody_stayed_away_out_of_all_visits_of_the_month(raw, taken_in, month):
    found = appointments.no_show_rate(taken_in[2], period=Period.month(month)).iloc[0]
    slots = int((raw["is_office"] & (raw["month"] == month)).sum())
    assert (found["no_shows"], found["slots"], found["no_show_rate"]) == (0, slots, 0.0) and slots > 4


def test_a_month_without_visits_has_no_rate(raw, taken_in):
    assert not (raw["month"] == "1999-05").any()
    found = appointments.no_show_rate(taken_in[2], period=Period.month("1999-05")).iloc[0]
    assert found["slots"] == 0 and pd.isna(found["no_show_rate"])


def repeats_of(raw: pd.DataFrame, days: int) -> tuple[int, int]:
    """Visits for a family of problems, and those with another of the same patient and family 1 to `days` days
    before."""
    rows = raw[raw["is_office"]].assign(family=raw["REASONDESCRIPTION"].map(FAMILY_OF))
    rows = rows[rows["family"].notna() & ~rows["family"].isin(["other", "preventive"])]
    again = 0
    for row in rows.itertuples():
        gaps = (row.day - rows.loc[(rows["PATIENT"] == row.PATIENT) & (rows["family"] == row.family), "day"]).dt.days
        again += bool(((gaps >= 1) & (gaps <= days)).any())
    return len(rows), again


@pytest.mark.parametrize("days", [1, 7, 14, 30, 365])
def test_repeat_visits_are_those_counted_row_by_row(raw, taken_in, days):
    found = appointments.repeat_visits(taken_in[2], period=ALL_YEARS, days=days).iloc[0]
    assert (found["visits"], found["repeats"]) == repeats_of(raw, days)


def test_repeat_visits_of_fourteen_days_are_these_nine(raw, taken_in):
    """Looked at one by one in the file: eight on the way to a birth, and a sinusitis that came back."""
    months = appointments.repeat_visits(taken_in[2], period=ALL_YEARS, by=["month"])
    again = months[months["repeats"] > 0]
    found = dict(zip(pd.to_datetime(again["month"].astype(str)).dt.strftime("%Y-%m"), again["repeats"], strict=True))
    assert found == {"2014-07": 2, "2015-12": 1, "2016-11": 1, "2017-06": 1, "2018-08": 1, "2020-10": 2, "2022-03": 1}


def test_planned_visits_are_no_repeats_once_the_map_says_which_they_are(file, raw):
    """What remains: the sinusitis of November 2016, and the visit of October 2020 that the patient asked for."""
    words = "\n".join(f'"{word}" = "{"yes" if word in PLANNED else "no"}"' for word in (*PLANNED, *UNPLANNED))
    text = MAP.replace('is_planned_follow_up = "no"\n', "").replace(
        "[appointments.constants]", 'is_planned_follow_up = "DESCRIPTION"\n[appointments.constants]'
    )
    export = read(file, f"{text}{WORDS}\n[appointments.values.is_planned_follow_up]\n{words}\n")
    assert len(export.rows) == raw["is_office"].sum()
    months = appointments.repeat_visits({"appointments": export.rows.lazy()}, period=ALL_YEARS, by=["month"])
    again = months[months["repeats"] > 0]
    assert pd.to_datetime(again["month"].astype(str)).dt.strftime("%Y-%m").to_list() == ["2016-11", "2020-10"]
    families = raw["REASONDESCRIPTION"].map(FAMILY_OF)
    counted = (
        raw["is_office"]
        & families.notna()
        & ~families.isin(["other", "preventive"])
        & ~raw["DESCRIPTION"].isin(PLANNED)
    )
    assert (months["repeats"].sum(), months["visits"].sum()) == (2, counted.sum())


def test_no_patient_of_the_file_is_in_what_is_stored(raw, taken_in):
    workspace, _, tables = taken_in
    stored = tables["appointments"].collect()
    people = set(raw["PATIENT"])
    aside = workspace.client("acme").quarantine()
    for frame in (stored, aside):
        texts = frame.select(pl.col(pl.String)).unpivot()["value"].drop_nulls()
        assert texts.len() and not [person for person in people if texts.str.contains(person, literal=True).any()]
    kept = raw[raw["is_office"]].set_index("Id")["PATIENT"]
    pairs = set(zip(stored["patient"], kept.loc[stored["appointment_id"].to_list()], strict=True))
    assert len(pairs) == stored["patient"].n_unique() == kept.nunique(), (
        "one pseudonym per patient, and one patient per pseudonym"
    )


def test_a_day_before_the_earliest_of_the_map_is_set_aside(file, raw):
    """The default of 1990 would take six real visits out, and says so; the map above knows better."""
    export = read(file, MAP.replace("earliest = 1970-01-01", "") + WORDS)
    old = raw["is_office"] & (raw["day"] < "1990-01-01")
    rules = export.quarantine["rule"].value_counts()
    assert (
        dict(rules.rows()) == {"impossible_date": old.sum(), "not_listed": (~raw["is_office"]).sum()} and old.sum() == 6
    )
    assert len(export.rows) + len(export.quarantine) == len(raw)


def test_a_reason_that_the_map_does_not_name_is_set_aside_and_not_guessed(file, raw):
    """Without the families only visits without a reason can be stored."""
    export = read(file, MAP.replace("[appointments.values.problem]", ""))
    assert len(export.rows) == (raw["is_office"] & raw["REASONDESCRIPTION"].isna()).sum()
    assert len(export.rows) + len(export.quarantine) == len(raw)
