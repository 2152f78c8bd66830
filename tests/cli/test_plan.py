"""`rcm plan` from the command line: the worked example's known answers, and nothing written where an input is wrong."""

import json
from types import SimpleNamespace

import openpyxl
import pytest

from builders.care_programmes import paid_bill, programme
from rcm_analysis.cli import app as cli
from rcm_analysis.models.plan.assumptions import EXAMPLE, PUBLISHED, read_assumptions
from rcm_analysis.press.runs import run as press


@pytest.fixture
def plan(capsys, tmp_path, monkeypatch):
    """`plan("--scenario", "lag_120")` runs the command without its report; gives the exit code, what was said and the
    JSON."""
    monkeypatch.setattr(
        press,
        "run",
        lambda request: press.RunResult(request.template, request.client, request.period, tmp_path, "done", 0.0),
    )
    monkeypatch.chdir(tmp_path)

    def ran(*words: str):
        with pytest.raises(SystemExit) as stop:
            cli.main(["plan", "--out", "out", "--json", "figures.json", *words])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        file = tmp_path / "figures.json"
        return stop.value.code, said.out + said.err, json.loads(file.read_text()) if file.exists() else None

    return ran


@pytest.mark.parametrize(
    ("scenario", "dollars", "month", "number", "payback"),
    [
        pytest.param("base", -15_531, "2025-04", 4, "2026-01", id="paid at once"),
        pytest.param("lag_120", -47_275, "2025-08", 8, "2027-07", id="paid after 120 days"),
    ],
)
def test_the_worked_example(plan, scenario, dollars, month, number, payback):
    code, _, figures = plan("--assumptions", "published", "--scenario", scenario)
    assert code == 0 and figures["scenario"] == scenario
    assert round(figures["break_even_members_per_coordinator"], 1) == 19.6
    assert round(figures["peak_deficit_cents"] / 100) == dollars
    assert (figures["peak_deficit_month"], figures["peak_deficit_month_number"], figures["payback_month"]) == (
        month,
        number,
        payback,
    )
    assert list(figures["cash_cents"]) == list(figures["accrual_cents"]) and list(figures["cash_cents"])[0] == "2025-01"
    running = [sum(list(figures["cash_cents"].values())[: place + 1]) for place in range(36)]
    assert min(running) == figures["peak_deficit_cents"] and running.index(min(running)) == number - 1
    assert {"money", "months", "peak_deficit_cents", "cash_cents"} <= set(figures["about"])


@pytest.mark.parametrize(
    ("words", "source"),
    [
        pytest.param((), EXAMPLE, id="without a file: the example"),
        pytest.param(("--assumptions", "published"), PUBLISHED, id="by its name"),
    ],
)
def test_a_shipped_file_is_handed_over_with_its_notes(plan, tmp_path, words, source):
    assert plan(*words)[0] == 0
    assert (tmp_path / "out" / "assumptions.toml").read_text() == source.read_text()


def test_a_wrong_file_names_the_key_and_writes_nothing(plan, tmp_path):
    (tmp_path / "mine.toml").write_text(PUBLISHED.read_text().replace("fringe = 0.28", "fringe = 28"))
    code, said, figures = plan("--assumptions", "mine.toml")
    assert code == 2 and figures is None and not (tmp_path / "out").exists()
    assert "mine.toml: 1 of the plan's inputs cannot be used. Nothing was run." in said
    assert "staffing.fringe: expected a share from 0 to 1 with at most four decimals; found 28" in said


def test_a_workbook_whose_formula_was_typed_over_is_refused_by_its_cell(plan, tmp_path):
    assert plan("--assumptions", "published")[0] == 0
    book = openpyxl.load_workbook(tmp_path / "out" / "plan.xlsx")
    book["Months"]["E30"] = 5
    book.save(tmp_path / "edited.xlsx")
    (tmp_path / "figures.json").unlink()
    code, said, figures = plan("--from", "edited.xlsx", "--out", "again")
    assert code == 2 and figures is None and not (tmp_path / "again").exists()
    assert "Months!E30" in said and "found 5" in said


def store_of(monkeypatch, months, tables=None, own=None):
    """A store that holds these tables of every client whom one asks for."""
    view = SimpleNamespace(
        client="acme",
        plan=own,
        stored=SimpleNamespace(active_months=lambda services: months),
        tables=lambda as_of: SimpleNamespace(in_memory=lambda: tables),
    )
    monkeypatch.setattr(
        "rcm_analysis.tables.workspace.open_workspace", lambda folder: SimpleNamespace(client=lambda name: view)
    )


def test_the_plan_on_the_clients_own_records_says_what_stood_there_and_what_moved(plan, tmp_path, monkeypatch):
    bills = [{"month": "2026-05", "bills": [paid_bill("2026-06-01", 5, 35, 100)]} for _ in range(60)]
    store_of(monkeypatch, ["2026-05", "2026-12"], programme(*bills))
    code, said, figures = plan("--from-store", "acme")
    assert code == 0 and "Before" in said and "Measured" in said
    text = (tmp_path / "out" / "assumptions.toml").read_text()
    assert text.startswith("# Measured on the records of acme through 2026-12-31")
    assert "# lag.billed_to_paid.days: 45 -> 34 (30 on 60, 30 to 30)" in text
    assert read_assumptions(tmp_path / "out" / "assumptions.toml").value("lag.billed_to_paid.days") == 34
    assert figures["peak_deficit_cents"] != plan()[2]["peak_deficit_cents"]


def test_the_clients_own_plan_is_what_stood_there_before(plan, tmp_path, monkeypatch):
    own = tmp_path / "acme.toml"
    own.write_text(EXAMPLE.read_text().replace("{days = 45,", "{days = 70,"))
    bills = [{"month": "2026-05", "bills": [paid_bill("2026-06-01", 5, 35, 100)]} for _ in range(20)]
    store_of(monkeypatch, ["2026-12"], programme(*bills), own)
    assert plan("--from-store", "acme")[0] == 0
    assert "lag.billed_to_paid.days: 70 -> 50 (30 on 20" in (tmp_path / "out" / "assumptions.toml").read_text()


def test_a_client_without_such_records_is_told_and_nothing_is_written(plan, tmp_path, monkeypatch):
    store_of(monkeypatch, [])
    code, said, figures = plan("--from-store", "acme")
    assert code == 2 and "no care-coordination records" in " ".join(said.split()) and figures is None
    assert not (tmp_path / "out").exists()
