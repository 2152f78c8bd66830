"""The weekly review: its numbers tie, it fits on two pages, and it stands where tables are empty."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import nbformat
import pandas as pd
import polars as pl
import pytest

from builders.page_checks import assert_prints
from rcm_analysis.exhibits import blocks
from rcm_analysis.exhibits.ar_weekly_review import lists as weekly_lists
from rcm_analysis.exhibits.ar_weekly_review.movement import STEPS
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.measures.receivable import ar
from rcm_analysis.press.document.extract import extract
from rcm_analysis.press.writers.pdf import render
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.store import known_by

PAGES = (
    "answers",
    "moved",
    "blockers",
    "decisions",
    "coming_week",
    "last_week",
    "working_file",
    "definitions",
    "provenance",
)
FRIDAY = dt.date(2026, 10, 16)


def on(subject, day):
    """The invented client on another day of its month."""
    known = {name: known_by(frame, TABLES[name], day).collect().lazy() for name, frame in subject.tables.items()}
    return replace(subject, as_of=day, tables=known, _frames={})


def pages(subject):
    review = pages_of("ar_weekly_review", subject)
    return {name: getattr(review, name)() for name in PAGES}


def tables_of(found):
    return {
        block.payload["name"]: block.payload
        for exhibit in found.values()
        for block in exhibit
        if block.payload["kind"] == "table"
    }


def pdf_pages(subject, found) -> int:
    day = subject.as_of
    meta = blocks.meta(
        title="Weekly AR review",
        client="acorn-clinic",
        client_name="Acorn Clinic",
        period="2026-10",
        as_of=day.isoformat(),
        period_title=f"Seven days to {day:%B} {day.day}, {day.year}",
        firm="Lantern",
        template="ar_weekly_review",
        template_version="1",
        layout="brief",
    )
    shown = [meta, *(block for exhibit in found.values() for block in exhibit)]
    outputs = [nbformat.v4.new_output("display_data", data=block.bundle()) for block in shown]
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# Weekly AR review"), nbformat.v4.new_code_cell("", outputs=outputs)]
    )
    return render(extract(book), timestamp=dt.datetime(2026, 10, 31, tzinfo=dt.UTC)).pages


@pytest.fixture(scope="module")
def friday(acorn):
    return on(acorn, FRIDAY)


@pytest.fixture(scope="module")
def weekly(friday):
    return pages(friday)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_json_and_the_press_can_print_it(weekly, name):
    assert_prints(weekly[name])


def test_the_week_ties_from_its_opening_to_its_close(weekly, friday):
    rows = {row[0]: row[1] for row in tables_of(weekly)["what_moved"]["rows"]}
    words = [title for _, title in STEPS if title in rows]
    opened, raised, *lowered, closed = (rows[title] for title in words)
    assert opened + raised - sum(lowered) == closed
    for day, cents in ((FRIDAY - dt.timedelta(days=7), opened), (FRIDAY, closed)):
        assert cents == ar.open_balances(friday.tables, as_of=day)["ar_cents"].sum() > 0


def test_the_average_is_of_the_four_weeks_before(weekly, friday):
    table = tables_of(weekly)["what_moved"]
    ends = [
        ar.open_balances(friday.tables, as_of=FRIDAY - dt.timedelta(days=7 * number))["ar_cents"].iloc[0]
        for number in range(1, 5)
    ]
    closing = next(row for row in table["rows"] if row[0] == STEPS[-1][1])
    assert closing[2] == int(sum(ends) / 4) and "4 weeks" in table["columns"][2]["title"]


def test_decisions_name_their_dollars_owner_and_day(weekly):
    table = tables_of(weekly)["decisions"]
    assert [column["title"] for column in table["columns"]] == ["Decision", "Why", "Dollars", "Owner", "By"]
    assert all(row[2] is not None and row[3] and row[4] for row in table["rows"])
    assert [
        "Ask for authorization before the visit",
        "Agreed Sep 8, 2026, overdue.",
        240000,
        "Acorn front desk",
        "2026-10-15",
    ] in table["rows"]


def test_every_open_question_is_listed_with_its_age(weekly):
    found = tables_of(weekly)
    assert len(found["documents"]["rows"]) > len(found["documents_shown"]["rows"]) == 5
    ages = [(row[3], row[4]) for row in found["documents"]["rows"]]
    assert all((FRIDAY - dt.date.fromisoformat(day)).days == days for day, days in ages)


def test_the_list_is_split_among_who_worked_and_the_people_add_up(weekly, friday):
    found = tables_of(weekly)
    assert {row[0] for row in found["people"]["rows"]} == {"kim", "Total"}
    assert found["people"]["rows"][-1][1] == len(found["coming_week"]["rows"])
    days = {row[1] for row in found["coming_week"]["rows"]}
    assert days <= {f"2026-10-{number}" for number in range(19, 24)}
    assert weekly_lists.people_at(friday, FRIDAY)[0].name == "kim"


def test_the_last_list_ties(weekly):
    table = tables_of(weekly)["last_list"]
    names = [column["name"] for column in table["columns"]]
    for row in table["rows"]:
        cell = dict(zip(names, row, strict=True))
        assert cell["opening_cents"] == cell["collected_cents"] + cell["other_cents"] + cell["open_cents"]
        assert cell["worked"] <= cell["items"]


def test_the_working_file_is_the_sheet_that_is_taken_back_in(weekly):
    from rcm_analysis.sources.worklist.notes import FILLED, SHEET

    table = tables_of(weekly)[SHEET]
    assert [column["title"] for column in table["columns"] if column.get("editable")] == list(FILLED.values())
    assert table["print"] is False and table["rows"]


def test_it_is_two_pages(friday, weekly):
    assert pdf_pages(friday, weekly) == 2


@pytest.mark.slow
def test_it_is_two_pages_at_the_end_of_the_month(acorn):
    assert pdf_pages(acorn, pages(acorn)) == 2


@pytest.mark.parametrize(
    "people", [pytest.param(2, marks=pytest.mark.slow), pytest.param(5, marks=pytest.mark.slow), 9]
)
def test_it_stays_two_pages_however_many_share_the_work(friday, people):
    """Every claim denied for something long to say, and shared by so many."""
    log = friday.tables["work_log"].collect()
    names = [f"coordinator-{number}" for number in range(people)]
    log = log.with_columns(
        worked_by=pl.Series([names[number % people] for number in range(len(log))]), minutes=pl.lit(240.0)
    )
    subject = replace(friday, tables={**friday.tables, "work_log": log.lazy()}, _frames={})
    found = pages(subject)
    assert len({row[0] for row in tables_of(found)["people"]["rows"]}) > 1
    assert pdf_pages(subject, found) == 2


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(
            tuple(name for name in TABLES if name not in ("claims", "transactions")), id="claims and postings only"
        ),
        pytest.param(("actions",), id="no actions", marks=pytest.mark.slow),
        pytest.param(("submissions",), id="nothing was sent", marks=pytest.mark.slow),
        pytest.param(("remit_claims", "remit_lines", "remit_adjustments"), id="no remittances", marks=pytest.mark.slow),
    ],
)
def test_a_client_that_lacks_something_still_has_a_review(without, names):
    found = pages(on(without(*names), FRIDAY))
    assert all(found.values())
    assert "NaN" not in json.dumps([block.payload for exhibit in found.values() for block in exhibit])


def test_what_nobody_worked_is_said_in_words(without):
    found = pages(on(without("work_log"), FRIDAY))
    said = [
        block.payload["text"]
        for name in ("coming_week", "last_week", "blockers")
        for block in found[name]
        if block.payload["kind"] == "note"
    ]
    assert any("Nobody noted work" in text for text in said)
    assert any("What came of the last list cannot be told: no work log" in text for text in said)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        pytest.param(
            "Owed by the patient since 2026-03-01 and no statement sent: send one.",
            "Owed by the patient since 2026-03-01 and no statement sent",
            id="what follows is left out",
        ),
        pytest.param(
            "Denied for coding (code 11) on 2026-08-12 and not worked since; 84 of 100 are paid.",
            "Denied for coding (code 11) on 2026-08-12 and not worked since",
            id="the odds are left out",
        ),
        pytest.param("", "", id="nothing said"),
    ],
)
def test_short_reasons(text, short):
    assert weekly_lists.short_reason(text) == short


def test_a_patient_is_called_and_no_payer_asked():
    row = pd.Series({"party": "patient", "action": "follow_up"})
    assert weekly_lists._to_do(row) == "Call the patient"


def test_flagged_claims_are_reported_where_the_practice_flagged_any(weekly, friday):
    assert "flagged" not in tables_of(weekly)
    claim = friday.pandas("claims")["claim_id"].iloc[0]
    flag = {"client": friday.client.client, "flag_id": "F1", "claim_id": claim, "flagged_by": "Dr. Lee"}
    flagged_on = dt.date(2026, 9, 1)
    flags = pl.DataFrame([flag | {"flagged_on": flagged_on}], schema=TABLES["client_flags"].polars)
    given = replace(friday, tables={**friday.tables, "client_flags": flags.lazy()}, _frames={})
    shown = tables_of({"blockers": pages_of("ar_weekly_review", given).blockers()})
    assert shown["flagged_shown"]["print"] and not shown["flagged"]["print"]
    assert len(shown["flagged"]["rows"]) == 1 and "principal, late" in shown["flagged"]["rows"][0]
