"""Shifts of a rate found, placed and dated; who comes back; what a change did; and the score of it."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from rcm_analysis.models.patients.engagement_effects import difference, review_loop
from rcm_analysis.models.patients.rate_shifts import Change, _together, engagement_shifts
from rcm_analysis.models.patients.waiting import answer_time, retention
from rcm_analysis.periods import Period
from rcm_analysis.scoreboard.scores import engagement as scores_engagement

AS_OF = dt.date(2026, 10, 31)
DAYS = pd.date_range("2025-03-01", AS_OF)
SHIFT = pd.Timestamp("2026-06-10")


def office(
    rates: dict[str, tuple[float, float]], *, slots: int = 6, seed: int = 1, at: pd.Timestamp = SHIFT
) -> dict[str, pd.DataFrame]:
    """Slots of each place, `slots` a day, missed at one rate before the day and at another from it on."""
    rng = np.random.default_rng(seed)
    parts = []
    for place, (before, after) in rates.items():
        day = DAYS.repeat(slots)
        missed = rng.random(len(day)) < np.where(day >= at, after, before)
        parts.append(
            pd.DataFrame(
                {
                    "location": place,
                    "scheduled_on": day,
                    "booked_on": day,
                    "status": np.where(missed, "no_show", "kept"),
                }
            )
        )
    rows = pd.concat(parts, ignore_index=True)
    return {"appointments": rows.assign(client="acme", patient="P1", notice_hours=np.nan)}


def found(tables) -> pd.DataFrame:
    return engagement_shifts(tables, as_of=AS_OF)


def test_a_rise_at_one_place_is_found_there_and_dated():
    rows = found(office({"East": (0.08, 0.2), "West": (0.08, 0.08)}))
    assert rows[["measure", "location", "direction", "is_worse"]].to_numpy().tolist() == [
        ["no_show", "East", "rise", True]
    ]
    row = rows.iloc[0]
    assert abs((row["onset_on"] - SHIFT).days) <= 10 and row["earliest_on"] <= SHIFT <= row["latest_on"]
    assert row["rate_before"] == pytest.approx(0.08, abs=0.02) and row["rate_after"] == pytest.approx(0.2, abs=0.03)
    assert row["of_before"] + row["of_after"] == len(DAYS) * 6


def test_a_rise_at_every_place_is_everybodys():
    rows = found(office({"East": (0.08, 0.18), "West": (0.1, 0.2), "North": (0.06, 0.16)}))
    assert rows["location"].tolist() == [""] and abs((rows["onset_on"].iloc[0] - SHIFT).days) <= 7


def test_the_only_place_is_named():
    assert found(office({"East": (0.08, 0.2)}))["location"].tolist() == ["East"]


def test_a_fall_of_no_shows_is_for_the_better():
    assert found(office({"East": (0.2, 0.08)}))["is_worse"].tolist() == [False]


@pytest.mark.parametrize("rate", [0.05, 0.12, 0.3])
def test_a_rate_that_does_not_change_is_quiet(rate):
    rows = [len(found(office({"East": (rate, rate), "West": (rate, rate)}, seed=seed))) for seed in range(6)]
    assert sum(rows) <= 1


def test_weeks_that_vary_more_than_chance_are_no_shift():
    """The same rate, but whole weeks miss together: dispersion keeps it quiet."""
    tables = office({"East": (0.1, 0.1)}, seed=3)
    rows = tables["appointments"]
    rng = np.random.default_rng(8)
    week = (rows["scheduled_on"] - DAYS[0]).dt.days // 7
    odds = rng.beta(1.0, 9.0, int(week.max()) + 1)
    rows["status"] = np.where(rng.random(len(rows)) < odds[week], "no_show", "kept")
    assert found(tables).empty


def test_two_changes_are_two_and_neither_moves_the_other():
    tables = office({"East": (0.08, 0.22)}, at=pd.Timestamp("2025-09-15"))
    rows = tables["appointments"]
    late = rows["scheduled_on"] >= pd.Timestamp("2026-05-04")
    rng = np.random.default_rng(4)
    rows.loc[late, "status"] = np.where(rng.random(late.sum()) < 0.07, "no_show", "kept")
    got = found(tables)
    assert got["direction"].tolist() == ["rise", "fall"]
    assert (
        abs((got["onset_on"].iloc[0] - pd.Timestamp("2025-09-15")).days) <= 10
        and abs((got["onset_on"].iloc[1] - pd.Timestamp("2026-05-04")).days) <= 10
    )


def test_too_little_to_go_by_gives_no_row():
    assert found({"appointments": office({"East": (0.1, 0.1)})["appointments"].iloc[:0]}).empty
    few = office({"East": (0.0, 1.0)})["appointments"]
    assert found({"appointments": few[few["scheduled_on"] >= pd.Timestamp("2026-09-20")]}).empty


def test_what_is_learned_later_is_not_used():
    tables = office({"East": (0.08, 0.2)})
    early = engagement_shifts(tables, as_of=dt.date(2026, 6, 1))
    assert early.empty


# -- the score -------------------------------------------------------------------------------------


def case(tables, *, start: str, place: str | None, kind: str = "no_show_rise"):
    planted = pl.DataFrame(
        {"kind": [kind], "start": [dt.date.fromisoformat(start)], "location": [place]},
        schema={"kind": pl.String, "start": pl.Date, "location": pl.String},
    )
    return SimpleNamespace(
        plant_rows=lambda *kinds: planted.filter(pl.col("kind").is_in(kinds)),
        known=tables,
        period=Period(dt.date(2025, 3, 1), dt.date(2026, 11, 1)),
    )


@pytest.mark.parametrize(
    ("start", "place", "kind", "hits"),
    [
        pytest.param("2026-06-10", "East", "no_show_rise", 1, id="found at its place and day"),
        pytest.param("2026-06-10", "West", "no_show_rise", 0, id="at another place"),
        pytest.param("2026-06-10", None, "no_show_rise", 1, id="planted everywhere, found somewhere"),
        pytest.param("2026-04-20", "East", "no_show_rise", 0, id="more than a month away"),
        pytest.param("2026-06-10", "East", "late_cancel_rise", 0, id="another rate"),
    ],
)
def test_the_score_asks_for_rate_place_and_month(start, place, kind, hits):
    tables = office({"East": (0.08, 0.2), "West": (0.08, 0.08)})
    (tally,) = scores_engagement.shifts(case(tables, start=start, place=place, kind=kind))
    assert (tally.numerator, tally.denominator) == (hits, 1)


def test_a_client_without_planted_shifts_is_not_scored():
    assert scores_engagement.shifts(case({}, start="2026-06-10", place=None, kind="something_else")) == []


# -- coming back -----------------------------------------------------------------------------------


def visits(*rows: tuple[str, str]) -> dict[str, pd.DataFrame]:
    frame = pd.DataFrame(rows, columns=["patient", "scheduled_on"]).assign(client="acme", status="kept")
    return {"appointments": frame.assign(scheduled_on=pd.to_datetime(frame["scheduled_on"]))}


def test_retention_by_hand_with_one_patient_still_waiting():
    """Four patients of the third quarter of 2025: back after 30 and 200 days, never (watched 400 days), and a late
    one."""
    book = visits(
        ("A", "2025-09-01"),
        ("A", "2025-10-01"),
        ("B", "2025-09-01"),
        ("B", "2026-03-20"),
        ("C", "2025-09-26"),
        ("D", "2025-08-01"),
        ("D", "2025-09-20"),
    )
    row = retention(book, as_of=AS_OF).set_index("quarter").loc["2025-Q3"]
    assert (row["patients"], row["returned"], row["is_whole"]) == (4, 2, True)
    assert (row["back_90"], row["back_180"], row["back_365"]) == (0.25, 0.25, 0.5)


def test_the_newest_quarter_waits_and_is_not_lost():
    book = visits(("A", "2026-08-01"), ("B", "2026-09-30"), ("A", "2026-08-20"), ("A", "2026-10-02"))
    row = retention(book, as_of=AS_OF).set_index("quarter").loc["2026-Q3"]
    assert (row["patients"], row["returned"], row["is_whole"]) == (2, 1, False)
    assert pd.isna(row["back_365"]) and pd.isna(row["low"])


def test_answer_time_counts_open_ones_as_waiting():
    feedback = pd.DataFrame(
        {
            "received_on": pd.to_datetime(["2026-10-01"] * 4),
            "responded_on": pd.to_datetime(["2026-10-03", "2026-10-11", None, None]),
            "kind": "complaint",
        }
    )
    found_ = answer_time({"feedback": feedback}, period=Period.month("2026-10")).iloc[0]
    assert (found_["complaints"], found_["open"], found_["median_days"]) == (4, 2, 10.0) and pd.isna(found_["p90_days"])


# -- the review loop -------------------------------------------------------------------------------


def test_newcombe_against_the_published_example():
    """Newcombe 1998, table II, example (a): 56 of 70 less 48 of 80, method 10."""
    effect, low, high = difference(48, 80, 56, 70)
    assert (round(effect, 4), round(low, 4), round(high, 4)) == (0.2, 0.0524, 0.3339)


@pytest.mark.parametrize(
    ("rates", "place", "verdict"),
    [
        pytest.param({"East": (0.2, 0.08), "West": (0.2, 0.2)}, "East", "is_better", id="better where it was changed"),
        pytest.param({"East": (0.08, 0.2), "West": (0.08, 0.08)}, "East", "is_worse", id="worse where it was changed"),
        pytest.param({"East": (0.1, 0.1), "West": (0.1, 0.1)}, "", None, id="no clear effect"),
    ],
)
def test_a_change_is_held_against_its_interval(rates, place, verdict):
    change = pd.DataFrame(
        {
            "decided_on": [SHIFT - pd.Timedelta(days=9)],
            "started_on": [SHIFT],
            "measure": "no_show",
            "location": place or None,
            "issue": "i",
            "change": "c",
        }
    )
    row = review_loop({**office(rates), "programme_changes": change}, as_of=AS_OF).iloc[0]
    assert (row["is_better"], row["is_worse"]) == (verdict == "is_better", verdict == "is_worse")
    assert row["low"] < row["effect"] < row["high"] and pd.notna(row["others_effect"]) == bool(place)


def test_what_stands_before_and_since_a_change_by_hand():
    """One slot a day: every fifth is missed for the 180 days before, every tenth in the 144 days since; what lies
    further back is all missed."""
    since = (DAYS >= SHIFT).sum()
    back = (SHIFT - DAYS).days
    missed = np.where(back > 180, True, np.where(back > 0, back % 5 == 0, back % 10 == 0))
    rows = pd.DataFrame(
        {
            "location": "East",
            "scheduled_on": DAYS,
            "booked_on": DAYS,
            "status": np.where(missed, "no_show", "kept"),
            "client": "acme",
            "patient": "P1",
            "notice_hours": np.nan,
        }
    )
    change = pd.DataFrame(
        {
            "decided_on": [SHIFT],
            "started_on": [SHIFT],
            "measure": "no_show",
            "location": None,
            "issue": "i",
            "change": "c",
        }
    )
    row = review_loop({"appointments": rows, "programme_changes": change}, as_of=AS_OF).iloc[0]
    assert (row["count_before"], row["of_before"]) == (36, 180) and row["rate_before"] == pytest.approx(0.2)
    assert (row["count_since"], row["of_since"]) == (15, since) and since == 144
    assert row["effect"] == pytest.approx(15 / 144 - 0.2) and row["is_better"]


@pytest.mark.parametrize(
    ("measure", "started"),
    [
        pytest.param("no_show", "2026-10-20", id="less than four weeks ago"),
        pytest.param("morale", "2026-06-10", id="a measure that nobody counts"),
    ],
)
def test_too_early_or_not_measured_has_no_effect(measure, started):
    change = pd.DataFrame(
        {
            "decided_on": pd.to_datetime(["2026-05-01"]),
            "started_on": pd.to_datetime([started]),
            "measure": measure,
            "location": None,
            "issue": "i",
            "change": "c",
        }
    )
    row = review_loop({**office({"East": (0.1, 0.1)}), "programme_changes": change}, as_of=AS_OF).iloc[0]
    assert pd.isna(row["effect"])


def test_an_action_about_no_shows_joins_the_loop_once_it_is_closed():
    actions = pd.DataFrame(
        {
            "opened_on": pd.to_datetime(["2026-03-01", "2026-03-01"]),
            "closed_on": pd.to_datetime(["2026-06-10", None]),
            "title": ["Call the day before", "Ask for a card"],
            "category": ["no_show", "authorization"],
        }
    )
    rows = review_loop({**office({"East": (0.2, 0.08)}), "actions": actions}, as_of=AS_OF)
    assert rows["change"].tolist() == ["Call the day before"] and rows["is_better"].tolist() == [True]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param({"East": 100, "West": 110}, [("", 100, (30.0, 300.0))], id="every place has it at about one time"),
        pytest.param(
            {"East": 100, "West": 300},
            [("East", 100, (10.0, 100.0)), ("West", 300, (20.0, 200.0))],
            id="far apart they are two",
        ),
    ],
)
def test_changes_that_every_place_had_by_itself_are_one(days, expected):
    index = pd.date_range("2025-03-01", periods=600)
    changes = [
        (place, Change(index, at, (at - 5, at + 5), before, (before[0] * 3, before[1]), 0.001 * number))
        for number, ((place, at), before) in enumerate(
            zip(days.items(), [(10.0, 100.0), (20.0, 200.0)], strict=True), 1
        )
    ]
    assert [(place, change.at, change.before) for place, change in _together(changes, 2)] == expected
