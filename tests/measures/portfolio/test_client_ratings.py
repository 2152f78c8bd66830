"""Client ratings: the seed's twelve clients, and the boundaries of the rule."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.errors import TableError
from rcm_analysis.measures.portfolio.ratings import client_ratings

# client, providers, revenue, cadence, override, is_estimate, printed revenue per provider, printed rating
OVERVIEW = [
    ("chicago-med", 5, 827_990, "monthly", None, False, 165_598, "A"),
    ("2020-vision", 2, 64_166, "monthly", None, False, 32_083, "C"),
    ("ortho-group", 20, 2_620_262, "weekly", None, False, 131_013, "B"),
    ("dr-quinn", 5, 301_108, "monthly", None, False, 60_221, "C"),
    ("st-elsewhere", 5, 153_059, "monthly", None, False, 30_612, "C"),
    ("cali-care", 4, 500_000, "weekly", None, True, 125_000, "B"),
    ("greys-anatomy", 1, 135_434, "monthly", None, False, 135_434, "A"),
    ("dr-suess", 1, 150_322, "monthly", None, False, 150_322, "A"),
    ("dr-doogie-howser", 2, 64_058, "monthly", True, False, 32_029, "D"),
    ("tx-docs", 28, 3_674_834, "weekly", None, False, 131_244, "B"),
    ("dr-foot-loose", 1, 82_933, "weekly", None, False, 82_933, "D"),
    ("abc-obgyn", 3, 209_691, "weekly", None, False, 69_897, "D"),
]


def overview() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "client": [row[0] for row in OVERVIEW],
            "providers": [row[1] for row in OVERVIEW],
            "revenue_cents": [row[2] * 100 for row in OVERVIEW],
            "meeting_cadence": [row[3] for row in OVERVIEW],
            "emails_per_week": [3.0] * 12,
            "hours_per_week": [2.0] * 12,
            "high_complexity": [row[4] for row in OVERVIEW],
            "is_estimate": [row[5] for row in OVERVIEW],
        }
    )


@pytest.mark.parametrize("position", range(12), ids=[row[0] for row in OVERVIEW])
def test_the_twelve_clients_of_the_overview_come_out_as_printed(position):
    rated = client_ratings(overview()).iloc[position]
    *_, printed, rating = OVERVIEW[position]
    assert rated["rating"] == rating
    assert abs(rated["revenue_per_provider_cents"] - printed * 100) <= 100


def one(**given) -> pd.Series:
    row = {
        "client": "x",
        "providers": 1,
        "revenue_cents": 100_000_00,
        "meeting_cadence": "monthly",
        "emails_per_week": 0.0,
        "hours_per_week": 0.0,
        "high_complexity": None,
    } | given
    return client_ratings(pd.DataFrame([row])).iloc[0]


@pytest.mark.parametrize(
    ("given", "rating"),
    [
        pytest.param({"revenue_cents": 124_999_99}, "C", id="one cent below the boundary is low revenue"),
        pytest.param({"revenue_cents": 125_000_00}, "A", id="exactly 125,000.00 a provider is high revenue"),
        pytest.param(
            {"revenue_cents": 374_999_99, "providers": 3},
            "C",
            id="the rule is not rounded, so a third of a cent short is low",
        ),
        pytest.param({"emails_per_week": 9.0}, "C", id="nine e-mails a week are not complex"),
        pytest.param({"emails_per_week": 10.0}, "D", id="ten e-mails a week are complex"),
        pytest.param({"hours_per_week": 3.75}, "C", id="under four hours is not complex"),
        pytest.param({"hours_per_week": 4.0}, "D", id="exactly four hours is complex"),
        pytest.param({"meeting_cadence": "biweekly"}, "D", id="a biweekly meeting is complex"),
        pytest.param({"high_complexity": True}, "D", id="an override of True makes a quiet client complex"),
        pytest.param(
            {"meeting_cadence": "weekly", "high_complexity": False},
            "C",
            id="an override of False wins over weekly meetings",
        ),
        pytest.param(
            {"emails_per_week": None, "hours_per_week": None},
            "C",
            id="missing e-mails and hours do not make a client complex",
        ),
        pytest.param({"revenue_cents": 0}, "C", id="no collections at all is low revenue, not empty"),
        pytest.param({"revenue_cents": None}, None, id="revenue not known gives no rating"),
        pytest.param({"providers": 0}, None, id="no providers gives no rating"),
        pytest.param(
            {"meeting_cadence": None, "emails_per_week": None, "hours_per_week": None},
            None,
            id="nothing known of complexity gives no rating",
        ),
        pytest.param(
            {"meeting_cadence": None, "emails_per_week": None, "hours_per_week": None, "high_complexity": False},
            "C",
            id="an override alone is enough",
        ),
    ],
)
def test_boundaries(given, rating):
    found = one(**given)["rating"]
    assert found == rating if rating else pd.isna(found)


def test_revenue_per_provider_rounds_half_up():
    assert one(revenue_cents=5, providers=2)["revenue_per_provider_cents"] == 3


def test_without_providers_revenue_per_provider_is_empty_not_infinite():
    assert pd.isna(one(providers=0)["revenue_per_provider_cents"])


def test_optional_columns_may_be_absent_and_the_estimate_mark_survives():
    short = overview().drop(columns=["emails_per_week", "hours_per_week", "high_complexity"])
    rated = client_ratings(short)
    assert rated["is_estimate"].tolist() == overview()["is_estimate"].tolist()
    assert rated.set_index("client")["rating"]["dr-doogie-howser"] == "C"


def test_polars_frames_are_welcome_and_the_input_comes_back_unchanged():
    frame = overview()
    before = frame.copy(deep=True)
    columns = ["client", "revenue_per_provider_cents", "rating"]
    assert_frame_equal(
        client_ratings(pl.from_pandas(frame))[columns], client_ratings(frame)[columns], check_dtype=False
    )
    assert_frame_equal(frame, before)


def test_a_frame_without_clients_is_an_empty_rating():
    rated = client_ratings(overview().head(0))
    assert rated.empty and "rating" in rated


def test_a_cadence_nobody_knows_is_refused_without_showing_it():
    with pytest.raises(TableError, match="1 of 1 rows") as refusal:
        one(meeting_cadence="fortnightly")
    assert "fortnightly" not in str(refusal.value)


def test_a_missing_column_is_named():
    with pytest.raises(TableError, match="revenue_cents"):
        client_ratings(overview().drop(columns="revenue_cents"))
