"""The rules of the score on truth and answers made by hand; slow: one seed, or three, from raw files to rows."""

from __future__ import annotations

import datetime as dt
import json
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

import rcm_analysis
from builders.each import each
from rcm_analysis import scoreboard
from rcm_analysis.errors import ParameterError, RunError
from rcm_analysis.periods import Period
from rcm_analysis.scoreboard.case import Case
from rcm_analysis.scoreboard.record import FALSE_ALARMS, FIGURES, NOT_JUDGED, Aim, Figure, Row, Tally, rows_of
from rcm_analysis.scoreboard.scores import detection, underpayments
from rcm_analysis.scoreboard.scores.claims import duplicated_remittances, sweeps
from rcm_analysis.scoreboard.scoring import Alarm, PlantedProblem, Watch, points_to, projected, sought
from rcm_analysis.simulate import read_truth
from rcm_analysis.simulate.laws import CHOOSING, WORLDS

PACKAGE = Path(rcm_analysis.__file__).parent
MARCH = dt.date(2026, 3, 10)
WATCH = Watch("a", dt.date(2025, 1, 1), dt.date(2026, 12, 31), is_quiet=False)
QUIET = Watch("q", dt.date(2025, 1, 1), dt.date(2025, 12, 31), is_quiet=True)
SYSTEMIC = PlantedProblem("a", MARCH, scope={"payer": "summit", "procedures": ["97110", "97140"]}, cents=100_00)


def alarm(month: int, *, client: str = "a", cents: int = 0, **scope) -> Alarm:
    """An alarm on the 28th of a month of 2026."""
    return Alarm(client, dt.date(2026, month, 28), scope, cents)


def figures(tallies: list[Tally]) -> dict[str, float]:
    return {tally.figure: tally.numerator / tally.denominator for tally in tallies}


# -- when an alarm points to a planted problem -----------------------------------------------------


@pytest.mark.parametrize(
    "raised,points",
    [
        pytest.param(
            alarm(3, payer="summit", procedures="97110"),
            True,
            id="the payer and one of the codes, in the month of the onset",
        ),
        pytest.param(alarm(9, payer="summit"), True, id="rolled up to the payer, and late: late is not false"),
        pytest.param(alarm(4, payer="summit", procedures=["97530"]), False, id="the payer, but other codes"),
        pytest.param(alarm(4, payer="medicare", procedures="97110"), False, id="the code, but another payer"),
        pytest.param(alarm(2, payer="summit"), False, id="before the onset it cannot have seen it"),
        pytest.param(alarm(4, client="b", payer="summit"), False, id="another client"),
        pytest.param(alarm(4, provider="Moss, Ann"), False, id="nothing in common names nothing"),
        pytest.param(alarm(4), False, id="an alarm that names nothing does not name a confined problem"),
    ],
)
def test_an_alarm_points_to_a_problem_when_they_agree(raised, points):
    assert points_to(raised, SYSTEMIC) is points


def test_a_problem_of_the_whole_client_is_named_by_any_alarm_of_it():
    assert points_to(alarm(4, payer="summit"), PlantedProblem("a", MARCH))


# -- what it adds to the figures -------------------------------------------------------------------


@pytest.mark.parametrize(
    "alarms,recall",
    [
        pytest.param([alarm(5, payer="summit")], 1, id="the second month after the month of the onset is in time"),
        pytest.param([alarm(6, payer="summit")], 0, id="the third is late"),
        pytest.param([alarm(6, payer="summit"), alarm(4, payer="summit")], 1, id="the earliest alarm counts"),
        pytest.param([], 0, id="silence"),
    ],
)
def test_recall_within_two_months(alarms, recall):
    assert figures(sought("x", [SYSTEMIC], alarms, WATCH, within_months=2))["recall"] == recall


def test_a_problem_whose_time_is_not_over_counts_only_when_found():
    short = Watch("a", dt.date(2025, 1, 1), dt.date(2026, 4, 30), is_quiet=False)
    assert sought("x", [SYSTEMIC], [], short, within_months=2) == []
    assert figures(sought("x", [SYSTEMIC], [alarm(4, payer="summit")], short, within_months=2))["recall"] == 1
    over = Watch("a", dt.date(2025, 1, 1), dt.date(2026, 5, 31), is_quiet=False)
    assert figures(sought("x", [SYSTEMIC], [], over, within_months=2))["recall"] == 0


def test_what_had_to_be_found_before_anything_could_be_judged_is_counted_apart():
    early = sought("x", [SYSTEMIC], [], WATCH, within_months=2, judged_from=dt.date(2026, 6, 30))
    assert [(tally.figure, tally.numerator) for tally in early] == [(NOT_JUDGED, 1)]
    due = sought("x", [SYSTEMIC], [], WATCH, within_months=2, judged_from=dt.date(2026, 5, 31))
    assert {tally.figure: tally.numerator for tally in due} == {NOT_JUDGED: 0, "recall": 0, "dollar error": 100_00}
    named = [alarm(4, payer="summit", cents=100_00)]
    found = sought("x", [SYSTEMIC], named, WATCH, within_months=2, judged_from=dt.date(2026, 6, 30))
    assert figures(found) == {NOT_JUDGED: 0, "recall": 1, "precision": 1, "dollar error": 0}


def test_precision_counts_alarms_and_recall_counts_problems():
    found = figures(
        sought("x", [SYSTEMIC], [alarm(3, payer="summit"), alarm(4, payer="summit"), alarm(4, payer="medicare")], WATCH)
    )
    assert found["recall"] == 1
    assert found["precision"] == pytest.approx(2 / 3)
    assert "false alarms per quiet client-year" not in found


def test_every_alarm_of_a_quiet_client_is_false_and_silence_counts_too():
    three = figures(sought("x", [], [alarm(3, client="q")] * 3, QUIET))
    assert three["false alarms per quiet client-year"] == pytest.approx(3, abs=0.01)
    assert three["precision"] == 0
    assert figures(sought("x", [], [], QUIET)) == {"false alarms per quiet client-year": 0}


def test_dollar_error_adds_the_alarms_of_each_problem_and_misses_count_in_full():
    other = PlantedProblem("a", MARCH, scope={"payer": "medicare"}, cents=300_00)
    alarms = [alarm(3, payer="summit", procedures="97110", cents=60_00), alarm(4, payer="summit", cents=50_00)]
    assert figures(sought("x", [SYSTEMIC, other], alarms, WATCH))["dollar error"] == pytest.approx((10 + 300) / 400)


def test_an_alarm_counts_its_dollars_once_for_the_problem_that_it_names_most_closely():
    payer_wide = PlantedProblem("a", MARCH, scope={"payer": "summit"}, cents=0)
    narrow = alarm(4, payer="summit", procedures="97140", cents=100_00)
    assert figures(sought("x", [payer_wide, SYSTEMIC], [narrow], WATCH))["dollar error"] == 0


def test_errors_of_projections_do_not_cancel_and_their_bias_does():
    assert figures(projected("x", [(110, 100), (90, 100)])) == {"error": 0.1, "bias": 0}


# -- rows ------------------------------------------------------------------------------------------

TWO = [
    Figure("found", "recall", Aim(least=0.95)),
    Figure("sum", "left over", Aim(0, 0), "usd", is_sum=True),
    Figure("none", "yet"),
]


def test_tallies_are_added_before_they_are_divided():
    rows = rows_of(
        [
            Tally("found", "recall", 1, 1),
            Tally("found", "recall", 1, 3),
            Tally("sum", "left over", 150),
            Tally("sum", "left over", 0),
        ],
        TWO,
    )
    assert rows == [
        Row("found", "recall", 0.5, ">= 0.95", False, 4),
        Row("sum", "left over", 1.5, "= 0", False),
        Row("none", "yet", None, None, None),
    ]


def test_what_nobody_scored_is_empty_and_neither_holds_nor_fails():
    assert {(row.value, row.holds) for row in rows_of([])} == {(None, None)}


def test_nothing_to_divide_by_is_empty():
    assert rows_of([Tally("found", "recall", 0, 0)], TWO)[0] == Row("found", "recall", None, ">= 0.95", None)


def test_rivals_are_added_apart_and_the_better_one_over_all_divides():
    tallies = [Tally("found", "recall", 2, (1, 10)), Tally("found", "recall", 2, (9, 2))]
    assert rows_of(tallies, TWO)[0].value == pytest.approx(4 / 10)


@pytest.mark.parametrize("numerator,denominator", [(float("nan"), 1), (1, float("inf")), (1, (1, float("nan")))])
def test_an_answer_that_is_no_number_stops_the_score_instead_of_emptying_it(numerator, denominator):
    with pytest.raises(RunError, match="found, recall: the analysis gave no finite number"):
        Tally("found", "recall", numerator, denominator)


def test_a_tally_of_an_unknown_figure_is_refused():
    with pytest.raises(ParameterError, match="no figure 'recal' of 'found'"):
        rows_of([Tally("found", "recal", 1)], TWO)


def test_no_figure_is_listed_twice_and_the_aims_of_the_issue_stand():
    aims = {(figure.analysis, figure.name): figure.aim.text if figure.aim else None for figure in FIGURES}
    assert len(aims) == len(FIGURES)
    assert aims["systemic denials", "recall within two months of onset"] == ">= 0.95"
    assert aims["systemic denials", "false alarms per quiet client-year"] == "<= 0.25"
    assert aims["repeated underpayments", "dollar error"] == "<= 0.05"
    assert aims["worklist", "dollars recovered, of oldest first"] == ">= 1.5"
    for ahead in (1, 2, 3):
        assert aims["cash outlook", f"coverage of the 80 % interval, months ahead: {ahead}"] == "0.75 to 0.85"


def test_json_holds_exactly_the_six_names_and_comes_back():
    rows = rows_of([Tally("worklist", "dollars recovered, of oldest first", 3, 2)])
    plain = json.loads(json.dumps(scoreboard.as_json(rows)))
    assert {tuple(row) for row in plain} == {("analysis", "figure", "value", "aim", "holds", "cases")}
    assert [Row(**row) for row in plain] == rows


def test_history_grows_by_one_line_a_run(tmp_path):
    rows = rows_of([])
    for made_at in ("2026-11-01T00:00:00+00:00", "2026-11-02T00:00:00+00:00"):
        scoreboard.keep(tmp_path, {"usual": rows}, scoreboard.table_text(rows), seeds=[1, 2], made_at=made_at)
    runs = [json.loads(line) for line in (tmp_path / "scoreboard.jsonl").read_text().splitlines()]
    assert [(run["made_at"][:10], run["seeds"], len(run["rows"])) for run in runs] == [
        ("2026-11-01", [1, 2], len(FIGURES)),
        ("2026-11-02", [1, 2], len(FIGURES)),
    ]
    assert (tmp_path / "scoreboard.txt").read_text().startswith("analysis")


@pytest.mark.parametrize("text,seeds", [("1-3", [1, 2, 3]), ("5", [5]), (" 4 - 4 ", [4])])
def test_seeds(text, seeds):
    assert scoreboard.parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["3-1", "", "a-b", "1-", "-2", "1,2", "1-2-3", "1.5"])
def test_what_is_no_range_of_seeds_is_refused(text):
    with pytest.raises(ParameterError, match="Seeds are written A-B"):
        scoreboard.parse_seeds(text)


def test_no_seed_is_refused():
    with pytest.raises(ParameterError, match="at least one seed"):
        scoreboard.run([])


# -- scorers on a truth made by hand ---------------------------------------------------------------


def plant(kind: str, **other) -> dict:
    """One entry of a truth file."""
    entry = {
        "id": f"a/{kind}/1",
        "kind": kind,
        "client": "a",
        "is_problem": kind != "rate_cut",
        "start": "2026-03-01",
        "end": None,
        "start_basis": "posted",
        "size": 1.0,
        "size_unit": "files",
        "scope": {},
        "first_seen": "2026-03-20",
        "claims_count": 1,
        "amount_cents": 500,
        "amount_means": "",
        "files": [],
        "months": [],
        "rows": [],
    }
    return entry | other


def case(
    folder: Path, plants: list[dict], *, tables: dict | None = None, refused: tuple[str, ...] = (), **sums
) -> Case:
    """A client with what is stored, what intake refused, and what is true."""
    (folder / "truth").mkdir()
    (folder / "truth" / "a.json").write_text(json.dumps({"client": "a", "plants": plants, **sums}))
    findings = pl.DataFrame(
        {"rule": ["duplicate_remittance"] * len(refused), "file": list(refused)},
        schema={"rule": pl.String, "file": pl.String},
    )
    view = SimpleNamespace(tables=lambda: {name: frame.lazy() for name, frame in (tables or {}).items()})
    period = Period(dt.date(2026, 1, 1), dt.date(2026, 7, 1))
    return Case("a", period, view, SimpleNamespace(findings=findings), read_truth(folder))


COPY = plant("duplicated_remit", files=["835/resent_x.835"])


@pytest.mark.parametrize(
    "refused,stored,recall,doubled",
    [
        pytest.param(("835/resent_x.835",), 700, 1, 0, id="refused and counted once"),
        pytest.param((), 1400, 0, 700, id="taken in twice"),
        pytest.param(("835/y.835",), 1400, 0, 700, id="another file was refused instead"),
    ],
)
def test_a_remittance_delivered_twice(tmp_path, refused, stored, recall, doubled):
    deposits = pl.DataFrame({"paid_cents": [stored]})
    one = case(tmp_path, [COPY], tables={"deposits": deposits}, refused=refused, deposits_cents=700)
    assert figures(duplicated_remittances(one)) == {"recall": recall, "dollars counted twice": doubled}


def test_a_lawful_change_leaves_a_client_quiet_and_what_nobody_can_see_is_not_asked_for(tmp_path):
    one = case(tmp_path, [plant("rate_cut"), plant("underpayment", first_seen=None, is_problem=False)])
    assert one.watch.is_quiet
    assert one.problems("underpayment") == []
    assert [found.starts_on for found in one.problems("rate_cut")] == [dt.date(2026, 3, 20)]


@pytest.mark.parametrize("kind,quiet", [("charge_lag_creep", False), ("call_outside_hours", True)])
def test_a_client_is_quiet_for_claims_when_only_another_domain_has_a_problem(tmp_path, kind, quiet):
    assert case(tmp_path, [plant(kind)]).watch.is_quiet is quiet


def test_what_a_plant_shows_in_a_month_is_read_from_the_truth(tmp_path):
    months = [
        {"month": "2026-03", "claims_count": 1, "amount_cents": 300},
        {"month": "2026-04", "claims_count": 1, "amount_cents": 200},
    ]
    one = case(
        tmp_path, [plant("denials_as_contractual", months=months), plant("underpayment", id="a/u/1", months=months)]
    )
    assert one.planted_cents(Period.month("2026-04"), "denials_as_contractual") == 200


def test_a_sweep_is_found_from_the_postings_and_its_dollars_compared(tmp_path):
    swept = [f"c{number}" for number in range(6)]
    claims = pl.DataFrame({"client": "a", "claim_id": swept, "service_on": [dt.date(2025, 6, 1)] * 6})
    postings = pl.DataFrame(
        {
            "client": "a",
            "claim_id": swept,
            "kind": "write_off",
            "posted_by": "jd",
            "reason": "administrative",
            "amount_cents": [-10_00] * 6,
            "posted_on": [dt.date(2026, 3, 31)] * 6,
        }
    )
    never = pl.lit(None, pl.Date)
    claims = claims.with_columns(entered_on="service_on", voided_on=never)
    tables = {"claims": claims, "transactions": postings}
    one = case(tmp_path, [plant("whole_dollar_sweep", amount_cents=50_00)], tables=tables)
    assert figures(sweeps(one)) == {"recall": 1, "precision": 1, "dollar error": 0.2}


# -- the truth stays apart -------------------------------------------------------------------------

READERS = [
    path
    for path in sorted(
        [
            *PACKAGE.rglob("*.py"),
            *PACKAGE.rglob("*.ipynb"),
            *PACKAGE.parent.glob("notebooks/*.ipynb"),
            *PACKAGE.parent.glob("templates/*.ipynb"),
        ]
    )
    if path.relative_to(PACKAGE.parent).parts[:2] not in (("rcm_analysis", "scoreboard"), ("rcm_analysis", "simulate"))
]


@each(READERS, lambda path: str(path.relative_to(PACKAGE.parent)))
def test_no_analysis_reads_the_truth(path):
    text = path.read_text("utf-8")
    assert "read_truth" not in text
    assert "truth/" not in text and '"truth"' not in text and "'truth'" not in text


# -- end to end ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "seeds", [pytest.param([1], id="one seed"), pytest.param([1, 2, 3], id="three seeds", marks=pytest.mark.long)]
)
def test_from_raw_files_to_rows(seeds):
    rows = {
        (row.analysis, row.figure): row
        for row in scoreboard.run(seeds, clients=3, months=18, workers=2, sizes=(0.15, 0.1))
    }
    must_hold = [
        ("duplicated remittances", "recall"),
        ("duplicated remittances", "dollars counted twice"),
        ("reconciliation", "residual"),
        ("balances", "closing receivable against truth"),
        ("cash collected", "difference from truth"),
        ("gross collection rate", "error"),
    ]
    for key in must_hold:
        assert rows[key].holds is True, rows[key]
    for analysis in (
        ("whole-dollar sweeps", "disguised denials") if len(seeds) > 1 else ()
    ):  # seed 1 has no quiet client
        assert rows[analysis, "false alarms per quiet client-year"].value is not None
    assert rows["cash due", "error"].value is not None


DETECTORS = (sweeps, *underpayments.SCORERS, *detection.SCORERS)


ONE, THREE = [32], [31, 32, 33]
EVERYWHERE = [
    *(pytest.param(laws.name, ONE, id=f"{laws.name}, one seed") for laws in WORLDS if laws.name not in CHOOSING),
    *(pytest.param(laws.name, THREE, id=f"{laws.name}, three seeds", marks=pytest.mark.long) for laws in WORLDS),
]


@pytest.mark.slow
@pytest.mark.parametrize(("world", "seeds"), EVERYWHERE)
def test_in_no_world_is_a_quiet_client_told_of_problems_it_does_not_have(world, seeds, monkeypatch):
    monkeypatch.setattr(import_module("rcm_analysis.scoreboard.run"), "SCORERS", DETECTORS)
    rows = scoreboard.run(seeds, clients=2, months=16, workers=1, sizes=(0.2,), world=world)
    alarms = {row.analysis: row for row in rows if row.figure == FALSE_ALARMS and row.value is not None}
    assert set(alarms) >= {"systemic denials", "repeated underpayments", "charge-lag creep", "whole-dollar sweeps"}
    assert all(row.holds for row in alarms.values()), alarms
