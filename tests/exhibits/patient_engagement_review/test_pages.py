"""The pages of a patient engagement review: nothing small is printed, and every page is true to the measures."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from builders.acorn import invented, subject_of
from builders.engagement_offices import EXHIBITS, simulated, tables_of, words_of
from rcm_analysis.exhibits.pages import Pages, pages_of
from rcm_analysis.exhibits.patient_engagement_review.appendix import MEASURES
from rcm_analysis.exhibits.patient_engagement_review.facts import Facts
from rcm_analysis.exhibits.patient_engagement_review.small import HIDDEN
from rcm_analysis.measures.engagement import appointments
from rcm_analysis.measures.engagement.hospital_use import readmissions
from rcm_analysis.periods import Period
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.schema_services import TABLES_OF_SERVICE

NOT_PATIENTS = {"third_next_available", "huddle"}
"""Tables whose counts are of checks and of signals, not of patients."""


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
        for table in tables_of(getattr(offices[office], exhibit)()):
            names = [column["name"] for column in table["columns"]]
            for raw, text in zip(table["rows"], table["text"], strict=True):
                hidden = {name for name, cell in zip(names, text, strict=True) if cell == HIDDEN}
                seen += bool(hidden)
                assert all(value in (None, HIDDEN) for name, value in zip(names, raw, strict=True) if name in hidden)
                if "no_shows" in hidden and "no_show_rate" in names:
                    assert "no_show_rate" in hidden
            if any(HIDDEN in row for row in table["text"]):
                assert any(line.startswith(HIDDEN) for line in table["notes"])
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
    (answer,) = [item for item in review.answers()[0].payload["items"] if item["title"] == "What has changed?"]
    assert "rose from" in answer["detail"] or "fell from" in answer["detail"]
    (block,) = review.all_findings()
    assert block.payload["kind"] == "findings"
    assert all(item["owner"] and item["due"] > "2026-10-31" for item in block.payload["items"])
    high = [item for item in block.payload["items"] if item["severity"] == "high"]
    assert len(high) == 2 and any(item["amount_cents"] is None for item in high)


def test_the_quiet_office_hears_of_no_change_for_the_worse(offices):
    (answer,) = [
        item for item in offices["quiet"].answers()[0].payload["items"] if item["title"] == "What has changed?"
    ]
    assert answer["answer"] == "nothing for the worse"
    assert not [item for item in offices["quiet"].all_findings()[0].payload["items"] if item["severity"] == "high"]


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
    for exhibit in EXHIBITS[2:-2]:
        for item in getattr(review, exhibit)():
            assert item.payload["kind"] == "note", exhibit


def test_every_measure_of_the_review_is_defined(acorn):
    (glossary, *_) = pages_of("patient_engagement_review", acorn).definitions()
    names = [item["name"] for item in glossary.payload["items"]]
    assert names[: len(MEASURES)] == list(MEASURES) and {"suppression", "retention", "shifts"} <= set(names)
