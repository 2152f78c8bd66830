"""The client manager's book: fees, levels, workload, matrix, movements and meetings."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.measures.portfolio import book as portfolio
from rcm_analysis.periods import Period

MARCH = Period.month("2026-03")


def registry(*rows) -> pd.DataFrame:
    plain = {
        "client": "acme",
        "name": "Acme",
        "providers": 1,
        "revenue_cents": 20_000_000,
        "is_estimate": False,
        "commission_rate": 0.05,
        "meeting_cadence": "monthly",
        "emails_per_week": 2.0,
        "hours_per_week": 2.0,
        "high_complexity": None,
        "assigned_to": "Jane Smith",
        "assigned_level": "manager",
    }
    return pd.DataFrame([plain | row for row in rows], columns=list(plain))


def test_fees_are_cash_times_commission_and_every_client_has_a_row(builders_ledger):
    b = builders_ledger
    book = b.tables(
        b.post("1", "payment", -10050, "2026-03-05"),
        b.post("1", "refund", 50, "2026-03-05", party="patient"),
        b.post(None, "payment", -30, "2026-03-05"),
    )
    clients = registry({"commission_rate": 0.055}, {"client": "quiet"}, {"client": "unset", "commission_rate": None})
    found = portfolio.fee_revenue(book, clients=clients, period=MARCH).set_index("client")
    assert found.loc["acme", ["cash_cents", "fee_cents"]].tolist() == [10030, 552]  # 551.65 rounds half up
    assert found.loc["quiet", "fee_cents"] == 0
    assert pd.isna(found.loc["unset", "fee_cents"])


def test_fee_per_hour_by_hand_and_empty_without_hours(builders_ledger):
    b = builders_ledger
    book = b.tables(b.post("1", "payment", -3_100_000, "2026-03-05"))
    clients = registry(
        {"hours_per_week": 3.5}, {"client": "none", "hours_per_week": None}, {"client": "zero", "hours_per_week": 0.0}
    )
    found = portfolio.fee_per_hour(book, clients=clients, period=MARCH).set_index("client")
    assert found.loc["acme", ["hours", "fee_per_hour_cents"]].tolist() == [15.5, 10000.0]  # 3.5 h x 31 / 7
    assert found.loc[["none", "zero"], "fee_per_hour_cents"].isna().all()


@pytest.mark.parametrize(
    ("settings", "expected", "fit"),
    [
        pytest.param({"revenue_cents": 14_999_999}, "coordinator", "too senior", id="below 150,000 a coordinator"),
        pytest.param({"revenue_cents": 15_000_000}, "manager", "fits", id="from 150,000 a manager"),
        pytest.param(
            {"revenue_cents": 100_000_000}, "senior_manager", "too junior", id="from 1,000,000 a senior manager"
        ),
        pytest.param({"revenue_cents": 300_000_000}, "director", "too junior", id="from 3,000,000 a director"),
        pytest.param(
            {"meeting_cadence": "weekly"}, "senior_manager", "too junior", id="high complexity asks for one level more"
        ),
        pytest.param(
            {"revenue_cents": 300_000_000, "meeting_cadence": "weekly"},
            "director",
            "too junior",
            id="there is no level above director",
        ),
        pytest.param({"assigned_level": None}, "manager", None, id="no level assigned"),
        pytest.param({"revenue_cents": None}, None, None, id="revenue not known"),
    ],
)
def test_level_fit(settings, expected, fit):
    found = portfolio.level_fit(registry(settings)).iloc[0]
    assert (found["expected_level"], found["fit"]) == (expected, fit)


def test_workload_adds_up_by_manager_and_counts_what_is_not_stated():
    clients = registry(
        {"hours_per_week": 2.0},
        {"client": "b", "hours_per_week": None, "providers": 3, "meeting_cadence": "weekly"},
        {"client": "c", "assigned_to": None},
    )
    found = portfolio.manager_workload(clients).set_index("assigned_to")
    assert found.loc[
        "Jane Smith",
        ["clients", "providers", "hours_per_week", "hours_not_stated", "high_complexity_clients", "misplaced"],
    ].tolist() == [2, 4, 2.0, 1, 1, 1]
    assert found.loc["(none)", "clients"] == 1
    assert portfolio.manager_workload(registry()).empty


def test_the_matrix_always_has_four_rows_and_leaves_out_who_has_no_rating():
    found = portfolio.rating_matrix(registry({}, {"client": "b", "revenue_cents": None})).set_index("rating")
    assert found["clients"].to_dict() == {"A": 1, "B": 0, "C": 0, "D": 0}
    assert found.loc["A", "revenue_share"] == 1.0
    assert portfolio.rating_matrix(registry())["client_share"].isna().all()


@pytest.mark.parametrize(
    ("before", "after", "change", "details"),
    [
        pytest.param({}, {}, None, None, id="nothing moved"),
        pytest.param(
            {},
            {"meeting_cadence": "weekly"},
            "rating changed",
            "rating, meeting_cadence",
            id="a new cadence moves the rating",
        ),
        pytest.param({}, {"assigned_to": "John Doe"}, "reassigned", "assigned_to", id="another manager"),
        pytest.param({}, {"commission_rate": 0.06}, "settings changed", "commission_rate", id="another rate"),
        pytest.param({"assigned_level": None}, {"assigned_level": None}, None, None, id="empty and empty are the same"),
        pytest.param(None, {}, "new", "", id="a new client"),
        pytest.param({}, None, "left", "", id="a client that left"),
    ],
)
def test_movements(before, after, change, details):
    frames = [registry({}).iloc[:0] if settings is None else registry(settings) for settings in (before, after)]
    found = portfolio.movements(*frames)
    assert found["change"].tolist() == ([] if change is None else [change])
    assert found["details"].tolist() == ([] if change is None else [details])


@pytest.mark.parametrize(
    ("cadence", "words", "days"),
    [
        pytest.param("monthly", "second tuesday", [13], id="second Tuesday"),
        pytest.param("monthly", "Last Friday of the month", [30], id="last Friday"),
        pytest.param("monthly", "tuesday", [6], id="a weekday alone is the first one"),
        pytest.param("monthly", "15th", [15], id="a day of the month"),
        pytest.param("monthly", "31", [31], id="the last day"),
        pytest.param("weekly", "monday", [5, 12, 19, 26], id="every Monday"),
        pytest.param("biweekly", "thursday", [8, 22], id="every second Thursday"),
        pytest.param("weekly", "15th", [None], id="a weekly day of the month makes no sense: no date"),
        pytest.param("monthly", None, [None], id="no day agreed"),
        pytest.param("monthly", "when needed", [None], id="words that name no day"),
    ],
)
def test_meetings_of_october_2026(cadence, words, days):
    clients = registry({"meeting_cadence": cadence}).assign(meeting_day=words)
    found = portfolio.meeting_calendar(clients, period=Period.month("2026-10"))["meets_on"]
    assert [None if pd.isna(day) else day.day for day in found] == days


def test_a_day_the_month_lacks_is_its_last_day():
    clients = registry({}).assign(meeting_day="31st")
    found = portfolio.meeting_calendar(clients, period=Period.month("2024-02"))["meets_on"]
    assert found.dt.date.tolist() == [dt.date(2024, 2, 29)]


def test_biweekly_meetings_keep_their_step_across_months():
    clients = registry({"meeting_cadence": "biweekly"}).assign(meeting_day="monday")
    days = portfolio.meeting_calendar(clients, period=Period.month("2026-12").trailing(12))["meets_on"]
    assert set(days.diff().dropna().dt.days) == {14}
