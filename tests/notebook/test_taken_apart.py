"""Every page of every report can say the calls that made it, as a cell that gives the same numbers."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from builders.bench_workspace import CLIENTS
from rcm_analysis import open_portfolio, open_report, simulate
from rcm_analysis.exhibits.care_coordination_plan.answers import CarePlan
from rcm_analysis.exhibits.pages import modules_of, pages_in
from rcm_analysis.notebook import open_plan
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.workspace import open_workspace

pytestmark = pytest.mark.slow

TEMPLATES = Path(__file__).parents[2] / "templates"
CLIENT_REPORTS = ("client_review", "ar_deep_dive", "ar_weekly_review", "self_pay_review", "patient_engagement_review")
WITHOUT_NUMBERS = {"terms", "definitions"}


def same(one: object, other: object) -> bool:
    """Whether two answers hold the same values."""
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
        return True
    if isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other)
        return True
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, pl.LazyFrame):
        return same(nw.from_native(one), nw.from_native(other))
    if isinstance(one, nw.LazyFrame):
        first, second = (frame.collect("pandas").to_native() for frame in (one, other))
        order = list(first.columns)
        return same(*(rows.sort_values(order, ignore_index=True) for rows in (first, second)))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one) if f.init)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (nw.Expr, pl.Expr)):  # a condition: what it picks is held by the answers that are made of it
        return type(one) is type(other)
    return one is other or one == other or (one != one and other != other) or type(one) is type(other)


def check(report, page: str) -> int:
    """Paste the cell, run it, and hold each answer against the one that the page was made of."""
    cell = report.apart(page)
    there = {"report": report}
    exec(str(cell), there)
    for call in cell.calls:
        assert same(call.kept, there[call.name]), call.name
    return len(cell.calls)


@pytest.mark.parametrize("template", CLIENT_REPORTS)
def test_every_page_of_a_clients_report_gives_its_numbers_again(made, month, template):
    report = open_report(made.folder, CLIENTS[0], month, template=template)
    found = {page: check(report, page) for page in dir(report.review)}
    assert {page for page, calls in found.items() if not calls} <= WITHOUT_NUMBERS


def test_every_page_of_the_portfolio_gives_its_numbers_again(made, month):
    report = open_portfolio(made.folder, month)
    for page in dir(report.review):
        check(report, page)


LISTS = {
    "self_pay_accounts": "self_pay_review",
    "care_team_huddle": "patient_engagement_review",
    "care_coordination_lists": "care_coordination_review",
}


@pytest.mark.parametrize("template", LISTS)
def test_every_page_of_a_list_is_one_of_its_review(template):
    """The lists show pages of their reviews, which are taken apart here; so a list is no closed box either."""
    text = (TEMPLATES / f"{template}.ipynb").read_text()
    assert LISTS[template] in (*CLIENT_REPORTS, "care_coordination_review") and f'template=\\"{LISTS[template]}' in text
    pages = pages_in(modules_of(LISTS[template]))
    shown = re.findall(r"report\.review\.(\w+)\(\)", text)
    assert shown and set(shown) <= set(pages)


def test_every_page_of_a_programmes_review_and_lists_gives_its_numbers_again(tmp_path):
    simulate.write_company(tmp_path, clients=["dr-suess"], months=14, scale=0.1)
    workspace = open_workspace(tmp_path)
    ingest_client(workspace, "dr-suess", find_files(workspace)["dr-suess"])
    report = open_report(tmp_path, "dr-suess", "2026-10", template="care_coordination_review")
    assert all(check(report, page) > 0 for page in dir(report.review))


def test_every_page_of_a_plan_gives_its_numbers_again(tmp_path, capsys):
    report = open_plan(tmp_path, "plan", "2027-01")
    pages = [name for name, made in vars(CarePlan).items() if callable(made) and not name.startswith("_")]
    found = {page: check(report, page) for page in pages if page != "sliders"}
    assert all(found.values()) and found["tornado"] == 2
    assert "tornado(report.review.assumptions)" in report.apart(report.review.tornado)
    with pytest.raises(AttributeError, match="A plan has no page 'tornados'.*Closest: tornado"):
        report.apart("tornados")


def test_a_page_is_a_cell_to_paste(report):
    cell = report.apart("aging")
    assert cell.startswith("# What made report.review.aging()\n") and "(report.tables, as_of=report.as_of" in cell
    assert repr(cell) == str(cell) and check(report, "aging") > 0
    other = report.apart(report.review.ar_deep_dive.movement)
    assert other.startswith("# What made report.review.ar_deep_dive.movement()")


def test_its_numbers_are_those_that_the_page_prints(report):
    """The printed receivable stands among the numbers of the cell."""
    there = {"report": report}
    cell = report.apart("aging")
    exec(str(cell), there)
    cents = {
        int(there[call.name]["ar_cents"].sum())
        for call in cell.calls
        if isinstance(call.kept, pd.DataFrame) and "ar_cents" in call.kept
    }
    printed = {value for block in report.review.aging() for row in getattr(block, "rows", ()) for value in row}
    assert cents & printed


def test_what_is_no_page_is_refused(report):
    with pytest.raises(AttributeError, match="has no page 'agings'"):
        report.apart("agings")
    with pytest.raises(AttributeError, match="Give a page of this report"):
        report.apart(len)
