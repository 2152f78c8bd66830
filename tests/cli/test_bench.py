"""`rcm new notebook`, `rcm run FILE.ipynb`, `rcm promote`, `rcm lab`: from a worked question to a report for all."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import nbformat
import openpyxl
import pytest

from builders import small_clients
from builders.bench_workspace import CLIENTS, bench_workspace, last_month
from rcm_analysis import cli
from rcm_analysis.cli import bench
from rcm_analysis.errors import ParameterError
from rcm_analysis.periods import Period
from rcm_analysis.tables.workspace import open_workspace

STARTERS = bench.starters()
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return bench_workspace(tmp_path_factory.mktemp("bench"))


@pytest.fixture
def workspace(made, tmp_path):
    return open_workspace(shutil.copytree(made.folder, tmp_path / "workspace"))


def rcm(capsys, *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(word) for word in words])
    out = capsys.readouterr()
    return stop.value.code, " ".join(out.out.split()), " ".join(out.err.split())


def test_starters_are_listed_with_their_questions_and_the_blank_one_last(capsys):
    code, out, _ = rcm(capsys, "new", "notebook")
    assert code == 0 and "Denials that jumped" in out and list(STARTERS)[-1] == "blank" and len(STARTERS) == 8


@pytest.mark.slow
@pytest.mark.parametrize("starter", STARTERS)
def test_every_starter_runs_as_it_is(capsys, workspace, starter):
    month = last_month(workspace)
    code, out, _ = rcm(
        capsys, "new", "notebook", "Mine", "--from", starter, "-c", "TX Docs", "--workspace", workspace.folder
    )
    file = workspace.folder / "notebooks" / "mine.ipynb"
    assert code == 0 and f"rcm run {file}" in out
    assert f'period: str = "{month}"' in nbformat.read(file, as_version=4).cells[1].source
    code, out, err = rcm(capsys, "run", file, "--workspace", workspace.folder)
    folder = workspace.runs / CLIENTS[0] / month / "mine-notebook"
    assert (code, "done" in out) == (0, True), out + err
    assert {"report.html", "report.pdf", "workbook.xlsx", "notebook.ipynb"} <= {one.name for one in folder.iterdir()}
    page = (folder / "report.html").read_text()
    assert "TX DOCS" in page and page.count("<table") > 1


@pytest.mark.slow
def test_a_promoted_notebook_runs_for_every_client_with_its_tables_in_the_workbook(capsys, workspace):
    month, file = last_month(workspace), workspace.folder / "notebooks" / "days.ipynb"
    rcm(capsys, "new", "notebook", "days", "--workspace", workspace.folder)
    book = nbformat.read(file, as_version=4)
    plain = (
        "import pandas as pd\nframe = pd.DataFrame(report.measure('open_balances', by='payer'))"
        "[['payer', 'ar_cents']].head(2)\nframe"
    )
    book.cells += [
        nbformat.v4.new_code_cell(plain),
        nbformat.v4.new_code_cell(
            "frame.assign(dollars=frame['ar_cents'] / 100).style.format({'dollars': '${:,.2f}'})"
        ),
    ]
    nbformat.write(book, file)
    code, out, err = rcm(capsys, "promote", file, "--title", "Days, asked by us", "--workspace", workspace.folder)
    assert code == 0 and 'templates = "templates"' in out and "parameter client left open" in out, out + err
    opened = open_workspace(workspace.folder)
    assert nbformat.read(opened.paths["templates"] / "days.ipynb", as_version=4).metadata["rcm"]["reader"] == "manager"
    for client in CLIENTS:
        code, out, err = rcm(capsys, "run", "days", "-c", client, "--period", month, "--workspace", workspace.folder)
        assert code == 0, out + err
        folder = opened.runs / client / month / "days"
        assert "Days, asked by us" in (folder / "report.html").read_text()
        sheets = openpyxl.load_workbook(folder / "workbook.xlsx")
        values = {cell.value for sheet in sheets for row in sheet.iter_rows() for cell in row}
        shown = nbformat.read(folder / "notebook.ipynb", as_version=4)
        plain = nbformat.read(folder / "notebook.ipynb", as_version=4).cells[-2].outputs[0]["data"]["text/plain"]
        cents = int(re.findall(r"\d+", plain)[-1])
        assert {cents, cents / 100} <= values, "a pandas frame and a Styler's dollars, as numbers"
        assert shown.metadata["rcm"]["packet"]
    from rcm_analysis.cli.packets import wanted

    asked = {(one.client, one.template) for one in wanted(opened, month, opened.clients(), force=False)}
    assert {(client, "days") for client in CLIENTS} <= asked, "the next rcm packets runs it for every client"
    assert {(client, "client_review") for client in CLIENTS} <= asked, "and the shipped ones as before"


def tour() -> tuple[list[str], list[str]]:
    """The ten lines of the page for analysts: seven of a notebook, three of a shell."""
    text = (ROOT / "docs" / "bench.md").read_text().partition("## From an odd question")[2]
    python, shell = (re.search(rf"```{kind}\n(.*?)```", text, flags=re.DOTALL)[1] for kind in ("python", "sh"))
    return python.splitlines()[1:], shell.splitlines()


@pytest.mark.slow
def test_the_tour_answers_its_question_in_ten_lines(capsys, workspace, monkeypatch):
    """Why did days in AR move, which payer, which claims; plotted, in Excel, a PDF, then for every client."""
    lines, commands = tour()
    assert len(lines) + len(commands) <= 10
    month = last_month(workspace)
    since = Period.month(month).shift(-3).label
    for told, here in (("runs/demo", "."), ("Chicago Med", "TX Docs"), ("2026-10", month), ("2026-07", since)):
        lines = [line.replace(f'"{told}"', f'"{here}"') for line in lines]
    monkeypatch.chdir(workspace.folder)
    there: dict = {}
    exec("\n".join(["import rcm_analysis as rcm", *lines]), there)
    report, claims = there["report"], there["claims"]
    payer = there["moved"].first("payer")
    assert claims["ar_cents"].sum() == report.measure("days_in_ar", payer=payer)["ar_cents"].iloc[0]
    assert len(openpyxl.load_workbook("days_in_ar.xlsx").sheetnames) == 3
    (workspace.folder / "notebooks").mkdir()
    cells = [nbformat.v4.new_code_cell(line) for line in ["import rcm_analysis as rcm", *lines, "claims"]]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Why days in AR moved"), *cells])
    nbformat.write(book, "notebooks/days.ipynb")
    assert commands[0] == "rcm run notebooks/days.ipynb" and commands[1] == "rcm promote notebooks/days.ipynb"
    code, out, err = rcm(capsys, *commands[0].split()[1:], "-c", "TX Docs", "--period", month)
    assert code == 0 and "left out: claims.to_excel" in out, out + err
    made = workspace.runs / CLIENTS[0] / month / "days-notebook"
    assert (made / "report.pdf").read_bytes().startswith(b"%PDF")
    assert "Why days in AR moved" in (made / "report.html").read_text()
    assert rcm(capsys, *commands[1].split()[1:])[0] == 0
    code, out, err = rcm(capsys, "packets", "--period", month, "--plan", "plan.txt")
    planned = (workspace.folder / "plan.txt").read_text().splitlines()
    ours = [
        number
        for number, line in enumerate(map(json.loads, planned), start=1)
        if (line["job"], line.get("template")) == ("report", "days")
    ]
    assert len(ours) == len(CLIENTS), "then for every client"
    for number in ours:
        code, out, err = rcm(capsys, "run-one", "plan.txt", "--line", number)
        assert code == 0, out + err


@pytest.mark.slow
@pytest.mark.long
def test_a_promoted_notebook_runs_for_twelve_clients_each_with_its_own_numbers(capsys, tmp_path, monkeypatch):
    """Each client is charged 300 dollars more than the one before it."""
    monkeypatch.chdir(tmp_path)
    opened = small_clients.workspace_of(tmp_path, tuple(small_clients.NPIS))
    for place, client in enumerate(small_clients.NPIS):
        small_clients.put_all(opened, client, months=3, claims=3 + place)
        small_clients.take(opened, client)
    Path("notebooks").mkdir()
    lines = (
        'import rcm_analysis as rcm\nreport = rcm.open_report(".", "acme", "2026-03")',
        'report.trend("charges", months=3)',
        'report.why("charges")',
    )
    cells = [nbformat.v4.new_markdown_cell("# Charges of all"), *map(nbformat.v4.new_code_cell, lines)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), "notebooks/all.ipynb")
    code, out, err = rcm(capsys, "promote", "notebooks/all.ipynb")
    assert code == 0, out + err
    rcm(capsys, "packets", "--period", "2026-03", "--plan", "plan.txt")
    planned = [json.loads(line) for line in Path("plan.txt").read_text().splitlines()]
    ours = [number for number, line in enumerate(planned, start=1) if line.get("template") == "all"]
    assert len(ours) == len(small_clients.NPIS) == 12
    for number in ours:
        code, out, err = rcm(capsys, "run-one", "plan.txt", "--line", number)
        assert code == 0, out + err
    for place, client in enumerate(small_clients.NPIS):
        book = openpyxl.load_workbook(opened.runs / client / "2026-03" / "all" / "workbook.xlsx")
        values = {cell.value for sheet in book for row in sheet.iter_rows() for cell in row}
        assert 100 * (3 + place) in values, client


@pytest.mark.slow
def test_mistakes_are_one_message(capsys, workspace):
    where = ("--workspace", workspace.folder)
    for words, says in (
        (("new", "notebook", "x", "--from", "denial-spik", *where), "Closest: denial-spike"),
        (("new", "notebook", "x", "-c", "TX Doc", *where), "No client 'TX Doc'"),
        (("promote", "nowhere.ipynb", *where), "There is no notebook nowhere.ipynb"),
        (("run", "nowhere.ipynb", *where), "There is no notebook nowhere.ipynb"),
    ):
        code, _, err = rcm(capsys, *words)
        assert code == 2 and says in err and "Traceback" not in err, err
    rcm(capsys, "new", "notebook", "x", *where)
    assert "is there already" in rcm(capsys, "new", "notebook", "x", *where)[2]


@pytest.mark.slow
def test_one_damaged_store_file_is_one_sentence_with_the_repair_and_the_others_go_on(capsys, workspace):
    store = workspace.store.open(CLIENTS[1])
    file = store.folder / next(iter(store.months("transactions").values()))["file"]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(bytes(data))
    code, out, err = rcm(capsys, "check", "--workspace", workspace.folder)
    assert code == 1 and err.count("Rebuild the store") == 1 and f"rcm repair {CLIENTS[1]}" in err
    assert CLIENTS[0] in out and "1 of 2 clients are damaged" in err and "Traceback" not in err
    code, _, err = rcm(capsys, "verify", "--workspace", workspace.folder)
    assert code == 1 and f"rcm repair {CLIENTS[1]}" in err


def test_lab_offers_each_starter_as_a_tile_of_its_own(tmp_path):
    tiles = bench.launcher(tmp_path)
    assert [Path(tile["source"]).stem for tile in tiles] == list(STARTERS)
    assert {"title": "Denial spike", "type": "notebook"}.items() <= tiles[0].items() | tiles[1].items()
    told = bench._environment(tmp_path)
    assert told["JUPYTER_APP_LAUNCHER_PATH"] == str(tmp_path)
    assert list(Path(told["JUPYTER_CONFIG_PATH"]).glob("jupyter_server_config.d/*.json")), "and the key is hidden"


def test_without_jupyterlab_it_says_what_to_install(capsys, tmp_path, monkeypatch):
    (tmp_path / "rcm.toml").write_text("")
    (tmp_path / "clients.toml").write_text('[firm]\nname = "L"\n')
    monkeypatch.setattr(bench, "find_spec", lambda name: None)
    code, _, err = rcm(capsys, "lab", "--workspace", tmp_path)
    assert code == 2 and 'pip install "rcm_analysis[lab]"' in err


def test_a_notebook_that_is_none_is_refused(tmp_path):
    (tmp_path / "rcm.toml").write_text("")
    (tmp_path / "x.ipynb").write_text("no notebook")
    with pytest.raises(ParameterError, match=r"x\.ipynb is not a notebook of format 4"):
        bench._promoted(tmp_path / "x.ipynb", open_workspace(tmp_path))
