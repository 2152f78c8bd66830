"""The scorers of the follow-up: one alarm for each run of months, with the dollars of its last statement."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import pandas as pd
import pytest

from rcm_analysis.periods import Period
from rcm_analysis.scoreboard.run import SCORERS
from rcm_analysis.scoreboard.scores import follow_up as scores
from rcm_analysis.scoreboard.scoring import PlantedProblem, Watch

HALF_YEAR = Period(dt.date(2026, 1, 1), dt.date(2026, 7, 1))


@dataclass
class Replay:
    """A case of which only the months matter."""

    client: str = "acme"
    period: Period = HALF_YEAR
    plants: list[PlantedProblem] = field(default_factory=list)
    asked: list[dt.date] = field(default_factory=list)

    def known_on(self, day: dt.date) -> dict:
        self.asked.append(day)
        return dict.fromkeys(scores.TABLES)

    def problems(self, *kinds: str) -> list[PlantedProblem]:
        return self.plants

    @property
    def watch(self) -> Watch:
        return Watch(self.client, self.period.first_day, self.period.last_day, not self.plants)


def stated(*cents: float):
    """A detector that states these excess cents month by month; 0 is nothing found."""
    said = iter(cents)

    def found(tables, *, as_of):
        assert set(tables) == set(scores.TABLES)
        value = next(said)
        return pd.DataFrame({"excess_cents": [value] if value else []})

    return found


@pytest.mark.parametrize(
    ("cents", "alarms"),
    [
        pytest.param((0, 0, 0, 0, 0, 0), [], id="nothing found"),
        pytest.param(
            (0, 0, 100.4, 250.0, 300.6, 410.2),
            [(3, 410)],
            id="stated every month: once, with the last dollars and the first day",
        ),
        pytest.param((0, 90.0, 0, 0, 50.0, 70.0), [(2, 90), (5, 70)], id="gone and back: twice"),
        pytest.param((80.0, 0, 0, 0, 0, 0), [(1, 80)], id="stated once"),
    ],
)
def test_a_run_of_months_is_one_alarm(cents, alarms):
    found = scores._alarms(Replay(), stated(*cents))
    assert [(alarm.raised_on.month, alarm.cents) for alarm in found] == alarms


def test_each_month_is_asked_with_what_was_known_on_its_last_day():
    case = Replay()
    scores._alarms(case, stated(*[0] * 6))
    assert case.asked == [month.last_day for month in HALF_YEAR.months()]


def test_the_tallies_of_a_planted_problem(monkeypatch):
    monkeypatch.setattr(scores, "secondaries_stopped", stated(0, 0, 0, 60.0, 80.0, 97.0))
    case = Replay(plants=[PlantedProblem("acme", dt.date(2026, 3, 9), cents=100)])
    tallies = {tally.figure: (tally.numerator, tally.denominator) for tally in scores.unaddressed_secondaries(case)}
    assert tallies == {"recall": (1, 1), "precision": (1, 1), "dollar error": (3, 100)}


def test_a_quiet_client_counts_its_false_alarms(monkeypatch):
    monkeypatch.setattr(scores, "holds_risen", stated(0, 10.0, 20.0, 0, 30.0, 0))
    tallies = {tally.figure: tally.numerator for tally in scores.document_holds(Replay())}
    assert tallies == {"precision": 0, "false alarms per quiet client-year": 2}


def test_both_are_on_the_scoreboard():
    assert set(scores.SCORERS) <= set(SCORERS)
