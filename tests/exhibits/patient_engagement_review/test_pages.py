"""The pages of a patient engagement review: nothing small is printed, and every page is true to the measures."""

from __future__ import annotations

import datetime as dt
import json
import re

import polars as pl
import pytest

from builders.acorn import invented, subject_of
from builders.engagement_offices import EXHIBITS, simulated, tables_of, words_of
from rcm_analysis.exhibits.pages import Pages, pages_of
from rcm_analysis.exhibits.patient_engagement_review.answers import to_do
from rcm_analysis.exhibits.patient_engagement_review.appendix import MEASURES
from rcm_analysis.exhibits.patient_engagement_review.facts import Facts
from rcm_analysis.exhibits.patient_engagement_review.small import HIDDEN
from rcm_analysis.measures.engagement import appointments
from rcm_analysis.measures.engagement.hospital_use import readmissions
from rcm_analysis.periods import Period
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.schema_services import TABLES_OF_SERVICE

NOT_PATIENTS = {"third_next_available", "engagement_asks"}
"""Tables whose counts are of checks and of asks, not of patients."""


@pytest.fixture(scope="module")
def offices() -> dict[str, Pages]:
    """A planted office, a quiet one, a very small one, and the planted one in its second and in its tenth month."""
    base = invented()
    planted = simulated(1.0, plants=True)
    made = {
        "planted": planted,
        "quiet": simulated(1.0, plants=False),
        "tiny": simulated(0.08, plants=False),
        "minute": simulated(0.02, plants=False),
    }
    reviews = {
        name: pages_of("patient_engagement_review", subject_of({**base, **tables})) for name, tables in made.items()
    }
    early = {
        month: pages_of("patient_engagement_review", subject_of({**base, **planted}, Period.month(month)))
        for month in ("2025-04", "2025-12")
    }
    return reviews | early


@pytest.mark.parametrize("office", ["planted", "quiet", "tiny", "minute", "2025-04", "2025-12"])
def test_no_small_count_is_printed_or_kept_for_the_workbook(offices, office):
    blocks = [block for exhibit in EXHIBITS for block in getattr(offices[office], exhibit)()]
    for table in tables_of(blocks):
        if table["name"] in NOT_PATIENTS:
            continue
        for place, column in enumerate(table["columns"]):
            if column["unit"] == "count":
                assert not [row[place] for row in table["rows"] if row[place] is not None and 0 < row[place] < 11], (
                    table["name"],
                    column["name"],
                )
    for text in words_of(blocks):
        assert not re.search(
            r"(?<![\d.,])([1-9]|10) of [\d,]+ (slots|forms|patients|complaints|visits|stays|surveys)", text
        ), text


@pytest.mark.parametrize("office", ["planted", "quiet", "tiny"])
def test_a_hidden_cell_says_so_and_takes_its_rate_along(offices, office):
    seen = 0
    for exhibit in EXHIBITS:
        page = getattr(offices[office], exhibit)()
        below = [block.payload["text"] for block in page if block.payload["kind"] == "note"]
        for table in tables_of(page):
            names = [column["name"] for column in table["columns"]]
            for raw, text in zip(table["rows"], table["text"], strict=True):
                hidden = {name for name, cell in zip(names, text, strict=True) if cell == HIDDEN}
                seen += bool(hidden)
                assert all(value in (None, HIDDEN) for name, value in zip(names, raw, strict=True) if name in hidden)
                if "no_shows" in hidden and "no_show_rate" in names:
                    assert "no_show_rate" in hidden
            if any(HIDDEN in row for row in table["text"]):
                assert any(line.startswith(HIDDEN) for line in [*table["notes"], *below])
    assert seen


def test_all_tables_of_a_block_share_one_total(offices):
    for name in ("planted", "quiet"):
        office = offices[name]
        facts = Facts(office.about.subject)
        assert not facts.is_withheld and facts.block == Period(dt.date(2026, 1, 1), dt.date(2026, 7, 1))
        totals = [
            frame[frame[by] == "(all)"].iloc[-1]["slots"]
            for frame, by in ((facts.leads, "lead"), (facts.visit_types, "visit_type"), (facts.locations, "location"))
        ]
        months = facts.months[
            [str(month)[:7] in {one.label for one in facts.block.months()} for month in facts.months["month"]]
        ]
        raw = appointments.no_show_rate(office.about.subject.tables, period=facts.block).iloc[0]
        assert {*totals, months["slots"].sum()} == {raw["slots"]}
        assert (
            facts.twelve_months["slots"]
            == appointments.no_show_rate(office.about.subject.tables, period=facts.year).iloc[0]["slots"]
        )


def test_a_month_shown_anywhere_is_the_month_of_the_table(offices):
    """Page one quotes the month from the protected table, never from the measure behind it."""
    for name in ("planted", "quiet", "tiny"):
        facts = Facts(offices[name].about.subject)
        row = facts.months[facts.months["month"].astype(str).str.startswith("2026-10")]
        assert (facts.month["no_shows"] is row.iloc[0]["no_shows"]) or facts.month["no_shows"] == row.iloc[0][
            "no_shows"
        ]


def test_the_planted_office_is_told_what_changed_and_who_sees_to_it(offices):
    review = offices["planted"]
    page = {block.payload["kind"]: block.payload for block in review.answers()}
    assert re.search(r"(rose|fell) from .* around ", page["headline"]["text"])
    (asked,) = [table for table in tables_of(review.answers()) if table["name"] == "engagement_asks"]
    found = to_do(review.about)
    assert [row[0] for row in asked["rows"]] == ["1", "2", "3"][: len(found)] or len(asked["rows"]) == 3
    assert [row[1].split(". ")[0] for row in asked["text"]] == [item.title for item in found[:3]]
    assert all(row[-2] and row[-1] for row in asked["text"])
    (all_of_it,) = [table for table in tables_of(review.answers()) if table["name"] == "findings"]
    assert len(all_of_it["rows"]) == len(found) and all_of_it["print"] is False
    high = [item for item in found if item.severity == "high"]
    assert len(high) == 2 and any(item.amount_cents is None for item in high)
    assert ("cash a visit" in asked["definition"]) is any(item.amount_cents for item in found[:3])


def test_the_quiet_office_hears_of_no_change_for_the_worse(offices):
    review = offices["quiet"]
    assert (
        review.answers()[0]
        .payload["text"]
        .endswith("No rate has become worse in eight months, beyond what chance explains.")
    )
    assert not [item for item in to_do(review.about) if item.severity == "high"]


def test_the_bar_adds_up_to_its_appointments(offices):
    for name in ("planted", "quiet"):
        (bar,) = [block.payload for block in offices[name].answers() if block.payload["kind"] == "split"]
        total = int(bar["title"].split()[1].replace(",", ""))
        assert total == sum(int(piece["value"].replace(",", "")) for piece in bar["pieces"])
        assert total == Facts(offices[name].about.subject).slots["slots"]


@pytest.mark.parametrize("office", ["planted", "quiet", "tiny", "minute", "2025-04"])
def test_lines_show_the_months_that_their_tables_show_and_no_others(offices, office):
    told = {table["name"]: table for table in tables_of(offices[office].answers())}
    if "engagement_numbers_by_month" not in told:
        return
    whole = {table["name"]: table for table in tables_of(offices[office].appointments())}.get("no_shows_by_month")
    if whole is None:
        return
    shown = {str(row[0])[:7]: row[-1] for row in whole["rows"] if row[0]}
    for month, rate, *_ in told["engagement_numbers_by_month"]["rows"]:
        assert rate == shown.get(str(month)[:7])


@pytest.mark.parametrize("office", ["planted", "quiet", "tiny"])
def test_page_two_says_what_the_whole_tables_say(offices, office):
    whole = {table["name"]: table for table in tables_of(offices[office].in_the_workbook())}
    for table in tables_of(offices[office].behind()):
        if table["name"] not in whole:
            assert table["name"] == "open_slots"
            continue
        names = [column["name"] for column in whole[table["name"]]["columns"]]
        places = [names.index(column["name"]) for column in table["columns"]]
        rows = [[row[place] for place in places] for row in whole[table["name"]]["text"]]
        assert all(list(row) in rows for row in table["text"])


def test_the_huddle_list_is_in_no_page_of_the_client(offices):
    review = offices["planted"]
    patients = set(review.about.subject.tables["risk_assessments"].collect()["patient"])
    printed = json.dumps([block.payload for page in EXHIBITS for block in getattr(review, page)()])
    assert not [patient for patient in patients if f'"{patient}"' in printed]
    assert "huddle" not in printed


def test_hospital_rates_are_labelled_observed_and_unadjusted(offices):
    text = " ".join([*words_of(offices["planted"].hospital()), *words_of(offices["planted"].answers())])
    notes = " ".join(line for table in tables_of(offices["planted"].hospital()) for line in table["notes"])
    assert "not adjusted for risk" in text and "Observed, not adjusted" in notes


def test_the_money_states_ranges_assumptions_and_the_warning(offices):
    blocks = offices["planted"].worth()
    assert "regression to the mean" in blocks[0].payload["text"]
    worth, assumed = tables_of(blocks)
    assert [column["name"] for column in worth["columns"]][1:] == [
        "span",
        "events",
        "low_cents",
        "mid_cents",
        "high_cents",
    ]
    for row in worth["rows"]:
        assert row[3] is None or row[3] <= row[4] <= row[5]
    assert len(assumed["rows"]) == 7 and all(row[2] for row in assumed["rows"])


def test_a_hidden_count_takes_its_dollars_along(offices):
    """Fewer than eleven readmissions: dollars at so much apiece would say how many."""
    facts = Facts(offices["planted"].about.subject)
    assert 0 < readmissions(facts.tables, period=facts.year, as_of=facts.subject.as_of).iloc[0]["readmitted"] < 11
    row = facts.avoidable.set_index("item").loc["readmissions"]
    assert row["is_suppressed"] and row[["events", "low_cents", "mid_cents", "high_cents"]].isna().all()


def test_the_huddle_list_holds_pseudonyms_and_reasons_only(offices):
    (table,) = tables_of(offices["planted"].huddle())
    assert [column["name"] for column in table["columns"]] == ["patient", "signals", "reasons"]
    assert 0 < len(table["rows"]) <= 20 and all(row[1] >= 2 for row in table["rows"])
    known = set(offices["planted"].about.subject.tables["risk_assessments"].collect()["patient"])
    assert {row[0] for row in table["rows"]} <= known


def test_no_column_of_free_text_is_ever_read():
    """Comments are not kept at all; this guards against a table that grows one."""
    for table in TABLES_OF_SERVICE["patient_engagement"]:
        assert not {"comment", "text", "note", "notes", "remark"} & set(TABLES[table.name].names)


def test_a_client_without_any_of_it_is_told_once(acorn):
    review = pages_of("patient_engagement_review", acorn)
    (block,) = review.answers()
    assert block.payload["tone"] == "warning" and "No patient engagement data" in block.payload["text"]
    for exhibit in ("behind", *EXHIBITS[3:-2]):
        for item in getattr(review, exhibit)():
            assert item.payload["kind"] == "note", exhibit


def test_every_measure_of_the_review_is_defined(acorn):
    (glossary, *_) = pages_of("patient_engagement_review", acorn).definitions()
    names = [item["name"] for item in glossary.payload["items"]]
    assert names[: len(MEASURES)] == list(MEASURES) and {"suppression", "retention", "shifts"} <= set(names)


def recorded(tables):
    """The tables with reminders, ways of meeting, referrals, plan steps, readings, forms and staff's answers."""
    visits = tables["appointments"].with_columns(
        is_telehealth=pl.col("appointment_id").hash(1) % 4 == 0, provider=pl.lit("lee")
    )
    sent = visits.select(
        "client",
        "appointment_id",
        reminder_id="appointment_id",
        sent_on=pl.col("scheduled_on") - pl.duration(days=1),
        channel=pl.lit("text"),
        confirmed_on=pl.when(pl.col("appointment_id").hash(2) % 2 == 0).then("scheduled_on"),
    )
    some = visits.filter(pl.col("scheduled_on").dt.year() == 2026).select(
        "client", "patient", number="appointment_id", day="scheduled_on"
    )
    whose = ["client", "patient"]
    rows = {
        "appointment_reminders": sent,
        "care_referrals": some.select(*whose, referral_id="number", referred_on="day", report_on="day"),
        "care_plan_steps": some.select(
            *whose, step_id="number", agreed_on="day", kind=pl.lit("test"), due_on="day", done_on="day"
        ),
        "clinical_readings": some.select(
            *whose, reading_id="number", taken_on="day", recorded_on="day", indicator=pl.lit("hba1c"), value=pl.lit(7.0)
        ),
        "staff_feedback": some.select(
            "client", answer_id="number", answered_on="day", item=pl.lit("tools_help"), score=pl.lit(4, pl.Int64)
        ),
    }
    full = {
        name: pl.concat([TABLES[name].empty(), frame], how="diagonal").select(TABLES[name].names)
        for name, frame in rows.items()
    }
    forms = tables["intakes"].with_columns(is_language_recorded=pl.lit(True), is_preference_recorded=pl.lit(False))
    return {**tables, **full, "appointments": visits, "intakes": forms}


def test_care_that_goes_on_is_told_where_it_is_recorded_and_else_not(offices):
    bare = {table["name"] for table in tables_of(offices["planted"].going_on())}
    assert bare <= {"going_on"}, "only stays are recorded"
    given = {**invented(), **recorded(simulated(1.0, plants=False))}
    blocks = pages_of("patient_engagement_review", subject_of(given)).going_on()
    found = {table["name"]: table for table in tables_of(blocks)}
    assert set(found) == {"going_on", "telehealth", "staff_feedback"}
    shares = {row[0]: row[-1] for row in found["going_on"]["text"]}
    assert {"Reminded before the day", "Language recorded", "Care-plan step done by its day"} <= set(shares)
    assert any("Bice-Boxerman index" in text and "is 1.00" in text for text in words_of(blocks)), "one provider"


def test_a_risk_of_not_coming_stands_with_the_care_team_alone(offices):
    (block,) = offices["tiny"].likely_missed()
    assert block.payload["kind"] == "note" and "No risk of single appointments is told" in block.payload["text"]
    assert "likely_missed" not in {table["name"] for table in tables_of(offices["planted"].in_the_workbook())}
