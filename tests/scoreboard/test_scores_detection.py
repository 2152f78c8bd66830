"""The scorers of what changed: when two statements are one alarm, and what counts from which day."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import polars as pl
import pytest

from rcm_analysis.periods import Period
from rcm_analysis.scoreboard.record import FIGURES
from rcm_analysis.scoreboard.scores import detection as scores_detection
from rcm_analysis.scoreboard.scores.detection import _of_all_spells as of_all_spells
from rcm_analysis.scoreboard.scores.detection import creep, silence, standing
from rcm_analysis.scoreboard.scoring import PlantedProblem, Watch, alarms_of

SUMMIT = {"category": "authorization", "payer": "summit"}
CODES = SUMMIT | {"procedures": ("73721", "73030")}


def said(*statements: list[tuple[dict, int]]):
    """Statements of month after month of 2026."""
    return [(Period.month(f"2026-{number:02d}").last_day, statement) for number, statement in enumerate(statements, 1)]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param([[(SUMMIT, 10)], [(SUMMIT, 30)]], [(1, 30)], id="raised again: the first day, the latest dollars"),
        pytest.param([[(SUMMIT, 10)], [(CODES, 30)]], [(1, 30)], id="told more closely, it is the same"),
        pytest.param([[(SUMMIT, 10)], [], [(SUMMIT, 30)]], [(1, 30)], id="one silent month does not end it"),
        pytest.param(
            [[(SUMMIT, 10)], [], [], [(SUMMIT, 30)]], [(1, 10), (4, 30)], id="after two silent months it is a new alarm"
        ),
        pytest.param(
            [[(SUMMIT, 10)], [({"category": "coding", "payer": "summit"}, 30)]],
            [(1, 10), (2, 30)],
            id="another category is another alarm",
        ),
        pytest.param(
            [[(SUMMIT, 10)], [({"category": "authorization", "payer": "medicare"}, 30)]],
            [(1, 10), (2, 30)],
            id="another payer is another alarm",
        ),
        pytest.param(
            [[(CODES, 10)], [(SUMMIT | {"procedures": ("97110",)}, 30)]],
            [(1, 10), (2, 30)],
            id="other codes are another alarm",
        ),
        pytest.param(
            [[(SUMMIT, 10)], [(SUMMIT, 30), (CODES, 5)]], [(1, 30), (2, 5)], id="two findings of one day are two alarms"
        ),
        pytest.param(
            [[({"category": "authorization"}, 1), (SUMMIT, 2)], [(CODES, 9)]],
            [(1, 1), (1, 9)],
            id="it continues the one that shares the most",
        ),
    ],
)
def test_what_is_one_alarm(statements, expected):
    alarms = alarms_of("a", said(*statements), same=("category",))
    assert [(alarm.raised_on.month, alarm.cents) for alarm in alarms] == expected


def case(planted: list[PlantedProblem], rows: pl.DataFrame | None = None):
    """A client of the first half of 2026, without its tables."""
    period = Period.month("2026-06").trailing(6)
    watch = Watch("a", period.first_day, period.last_day, is_quiet=not planted)
    return SimpleNamespace(
        client="a",
        period=period,
        known={},
        watch=watch,
        problems=lambda *kinds: planted,
        plant_rows=lambda *kinds: rows,
    )


def test_an_outage_counts_from_its_first_silent_day(monkeypatch):
    """It lasts from 27 April to 3 May: seen on 30 April, before the first late claim leaves on 4 May."""
    found = pl.DataFrame({"onset_on": [dt.datetime(2026, 4, 27)]}).to_pandas()
    monkeypatch.setattr(scores_detection, "submission_rows", lambda tables: ())
    monkeypatch.setattr(
        scores_detection, "outages", lambda as_of: found if as_of >= dt.date(2026, 4, 30) else found.head(0)
    )
    rows = pl.DataFrame({"start": [dt.date(2026, 4, 27)]})
    tallies = silence(case([PlantedProblem("a", dt.date(2026, 5, 4))], rows))
    assert {tally.figure: tally.numerator / tally.denominator for tally in tallies} == {"recall": 1, "precision": 1}


def test_a_creep_is_told_by_its_provider(monkeypatch):
    found = pl.DataFrame({"provider": ["Cruz"], "location": [""]}).to_pandas()
    monkeypatch.setattr(scores_detection, "lag_rows", lambda tables: None)
    monkeypatch.setattr(scores_detection, "creeps", lambda claims, as_of: found if as_of.month >= 4 else found.head(0))
    good = creep(case([PlantedProblem("a", dt.date(2026, 3, 1), scope={"provider": "Cruz"})]))
    late = creep(case([PlantedProblem("a", dt.date(2026, 1, 1), scope={"provider": "Cruz"})]))
    other = creep(case([PlantedProblem("a", dt.date(2026, 3, 1), scope={"provider": "Lee"})]))
    assert [tallies[0].numerator for tallies in (good, late, other)] == [1, 0, 0]


def test_a_finding_that_returned_has_the_dollars_of_both_its_spells():
    spells = {}
    states = [("new", 5), ("continuing", 7), ("over", 8), ("over", 8), ("returned", 2), ("returned", 3), ("over", 3)]
    row = {"first_told": "2026-01", "category": "coding"}
    told = [of_all_spells(spells, row | {"state": state, "excess_cents": cents}) for state, cents in states]
    assert told == [5, 7, 8, 8, 10, 11, 11]
    assert of_all_spells(spells, row | {"category": "other", "state": "new", "excess_cents": 4}) == 4


def test_every_tally_has_its_figure(monkeypatch):
    monkeypatch.setattr(scores_detection, "lag_rows", lambda tables: None)
    monkeypatch.setattr(
        scores_detection, "creeps", lambda claims, as_of: pl.DataFrame({"provider": [], "location": []}).to_pandas()
    )
    named = {(figure.analysis, figure.name) for figure in FIGURES}
    tallies = creep(case([]))
    assert tallies and all((tally.analysis, tally.figure) in named for tally in tallies)


def test_what_stood_before_the_record_is_sought_beside_its_peers_and_not_as_a_change(monkeypatch):
    place = {"level": ["location"], "name": ["North"], "category": ["eligibility"]}
    monkeypatch.setattr(scores_detection, "standing_rates", lambda tables, as_of: pl.DataFrame(place).to_pandas())
    planted = [PlantedProblem("a", dt.date(2026, 1, 5), scope={"location": "North", "category": "eligibility"})]
    days = (dt.date(2024, 1, 1), dt.date(2026, 2, 1))
    for start, told in zip(days, ({"recall": 1, "precision": 1}, {}), strict=True):
        one = case(planted, pl.DataFrame({"start": [start]}))
        one.known_on = lambda day: {}
        one.problems = lambda *kinds: [] if kinds == ("bundling_edit",) else planted
        assert {tally.figure: tally.numerator for tally in standing(one)} == told
