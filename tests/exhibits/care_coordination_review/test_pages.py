"""The pages of a care-coordination review: a planted programme, a quiet one, one without bills, and one without any."""

from __future__ import annotations

import dataclasses
import functools
import re

import polars as pl
import pytest

from builders.acorn import invented, subject_of
from builders.care_programmes import programme
from builders.engagement_offices import tables_of, words_of
from builders.page_checks import assert_prints
from rcm_analysis.exhibits.care_coordination_review.printed import MEASURES
from rcm_analysis.exhibits.pages import Pages, pages_of
from rcm_analysis.measures.coordination.caseloads import coordinator_results
from rcm_analysis.models.plan.assumptions import SHIPPED
from rcm_analysis.simulate.company import seed_company
from rcm_analysis.simulate.fees import Calendar
from rcm_analysis.simulate.files.workspace import Job, live
from rcm_analysis.simulate.services.coordination import coordination_tables

TEMPLATE = "care_coordination_review"
PAGES = ("answers", "behind", "in_the_workbook", "work_lists")


@functools.cache
def simulated(*, plants: bool, seed: int = 7) -> tuple[dict[str, pl.DataFrame], list[dict]]:
    company = seed_company(["st-elsewhere"])
    practice = live(Job(company.clients[0], company, Calendar.ending("2026-10", 20), seed, 0.3), 1.0)
    tables, planted = coordination_tables(practice, plants)
    named = {name: frame.select(pl.lit("acorn-clinic").alias("client"), pl.all()) for name, frame in tables.items()}
    return named, planted


def review(tables: dict[str, pl.DataFrame], plan=None) -> Pages:
    subject = dataclasses.replace(
        subject_of({**invented(), **tables}), plan=plan, parameters={"client": "acorn-clinic"}
    )
    return pages_of(TEMPLATE, subject)


@pytest.fixture(scope="module")
def programmes() -> dict[str, Pages]:
    unpaid = programme({"month": "2026-09", "opened_on": "2026-10-01"}, {"month": "2026-10"})
    nothing = {name: pl.from_pandas(frame) for name, frame in unpaid.items()}
    return {
        "planted": review(simulated(plants=True)[0]),
        "quiet": review(simulated(plants=False)[0]),
        "new": review(nothing),
    }


@pytest.mark.parametrize("which", ["planted", "quiet", "new"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_json_and_the_press_can_print_it(programmes, which, page):
    assert_prints(getattr(programmes[which], page)())


@pytest.mark.parametrize("which", ["planted", "quiet"])
def test_the_bar_adds_up_to_its_title_and_to_the_table_of_stages(programmes, which):
    (bar,) = [block.payload for block in programmes[which].answers() if block.payload["kind"] == "split"]
    pieces = sum(int(piece["value"].strip("$").replace(",", "")) for piece in bar["pieces"])
    assert pieces == int(re.search(r"worth \$([\d,]+)", bar["title"])[1].replace(",", ""))
    (stages,) = [table for table in tables_of(programmes[which].behind()) if table["name"] == "months_by_stage"]
    assert abs(stages["rows"][-1][2] - 100 * pieces) < 100
    assert sum(row[1] for row in stages["rows"][:-1]) == stages["rows"][-1][1]
    assert sum(row[2] for row in stages["rows"][:-1]) == stages["rows"][-1][2]


@pytest.mark.parametrize("which", ["planted", "quiet"])
def test_every_total_is_the_sum_of_the_rows_above_it(programmes, which):
    blocks = [block for page in PAGES for block in getattr(programmes[which], page)()]
    checked = 0
    for table in tables_of(blocks):
        sums = [place for place, column in enumerate(table["columns"]) if column["unit"] in ("usd", "count")]
        for place, total in [(place, total) for place in sums for total in table["emphasis"]]:
            assert sum(row[place] for row in table["rows"][:total]) == table["rows"][total][place], table["name"]
            checked += 1
    assert checked >= 6


def test_the_cash_to_come_adds_up_in_every_month(programmes):
    (table,) = [table for table in tables_of(programmes["planted"].behind()) if table["name"] == "programme_outlook"]
    assert len(table["rows"]) == 6
    assert all(sum(row[1:-1]) == row[-1] for row in table["rows"])


def test_the_coordinator_whose_months_are_not_billed_is_the_finding_and_the_first_ask():
    tables, planted = simulated(plants=True)
    (truth,) = [one for one in planted if one["kind"] == "contacts_not_billed"]
    pages = review(tables)
    blocks = [block.payload for block in pages.answers()]
    assert blocks[0]["text"].startswith(f"{truth['scope']['provider']}'s months have not been billed since ")
    (asks,) = [table for table in tables_of(pages.answers()) if table["name"] == "care_asks"]
    assert truth["scope"]["provider"] in asks["rows"][0][1]


def test_the_quiet_programme_accuses_nobody(programmes):
    words = " ".join(words_of(programmes["quiet"].answers()))
    assert "have not been billed since" not in words and "has moved nothing" not in words


def test_the_team_is_the_measure(programmes):
    facts = programmes["planted"].about
    (table,) = [table for table in tables_of(programmes["planted"].behind()) if table["name"] == "coordinator_results"]
    found = coordinator_results(facts.tables, period=facts.team_span, as_of=facts.as_of).set_index("coordinator")
    assert {row[0]: row[1] for row in table["rows"]} == found["members"].to_dict()


def test_no_member_is_on_a_page_of_the_client(programmes):
    facts = programmes["planted"].about
    ids = {*facts.every_month["enrolment_id"], *facts.not_engaged["referral_id"], *facts.not_engaged["patient"]}
    for page in PAGES[:-1]:
        blocks = getattr(programmes["planted"], page)()
        cells = {str(cell) for table in tables_of(blocks) for row in table["rows"] for cell in row}
        said = " ".join(words_of(blocks))
        assert not ids & cells and not [name for name in ids if name in said]
    assert "patient" not in {
        column["name"] for table in tables_of(programmes["planted"].work_lists()) for column in table["columns"]
    }


def test_a_client_without_any_of_it_is_told_once(acorn):
    (block,) = pages_of(TEMPLATE, acorn).answers()
    assert block.payload["tone"] == "warning" and not pages_of(TEMPLATE, acorn).behind()


def test_a_plan_that_cannot_be_used_leaves_the_rest_standing(tmp_path):
    plan = tmp_path / "acorn-clinic.toml"
    plan.write_bytes(SHIPPED["example"].read_bytes())
    blocks = [block.payload for block in review(simulated(plants=True)[0], plan).behind()]
    (refused,) = [block["text"] for block in blocks if block["kind"] == "note"]
    assert refused.startswith("The plan on file cannot be used") and "start" in refused
    assert len([block for block in blocks if block["kind"] == "table"]) >= 6


def test_results_stand_beside_the_clients_own_plan(tmp_path):
    text = SHIPPED["example"].read_text()
    for old, new in (("2027-", "2025-"), ("2028-", "2026-"), ("2029-", "2027-")):
        text = text.replace(old, new)
    text = text.replace('"low", "medium", "high"]', '"low", "medium", "high", "high_fidelity_wraparound"]')
    text = text.replace("high = 16}", "high = 16, high_fidelity_wraparound = 10}")
    for old, new in (("0.15", "0.13"), ("0.20", "0.18")):
        text = text.replace(f"\nhigh = {old}\n", f"\nhigh = {new}\nhigh_fidelity_wraparound = 0.02\n")
    tables, _ = simulated(plants=True)
    first = min(tables["acuity_months"]["month"])
    text = re.sub(r'^start = "[^"]*"', f'start = "{first}"', text, flags=re.M)
    text = re.sub(r'^month = "2025-0\d"', 'month = "2026-01"', text, flags=re.M)
    plan = tmp_path / "acorn-clinic.toml"
    plan.write_text(text)
    pages = review(tables, plan)
    assert not pages.about.plan_refused
    (table,) = [table for table in tables_of(pages.behind()) if table["name"] == "variance"]
    assert sum(row[2] for row in table["rows"][:-1]) == table["rows"][-1][2]
    assert re.search(
        r"(Receipts|Cash) (is|are) (\$[\d,]+ (below|above) plan|as planned)", pages.answers()[0].payload["text"]
    )


def test_every_measure_of_the_review_is_defined(acorn):
    pages = pages_of(TEMPLATE, acorn)
    (terms,) = [block.payload for block in pages.in_the_workbook() if block.payload["kind"] == "glossary"]
    assert [term["name"] for term in terms["items"]] == list(MEASURES)
