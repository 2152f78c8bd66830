"""Every page of every report can say the calls that made it, as a cell that gives the same numbers."""

from __future__ import annotations

import dataclasses

import narwhals.stable.v2 as nw
import pandas as pd
import pytest

from builders.bench_workspace import CLIENTS
from rcm_analysis import open_portfolio, open_report

pytestmark = pytest.mark.slow

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
