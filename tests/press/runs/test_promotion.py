"""From a notebook to a template: each change is said, what no rule can put right is refused with its cell."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from rcm_analysis.errors import ParameterError
from rcm_analysis.press.runs.promotion import promoted
from rcm_analysis.press.runs.templates import read_template, templates_folder

CLIENTS = ("tx-docs", "TX DOCS")
OPEN = 'import rcm_analysis as rcm\nreport = rcm.open_report("runs/demo", "tx-docs", "2026-10")'


def book(*cells: str, parameters: str = "", **metadata: object) -> nbformat.NotebookNode:
    made = new_notebook(metadata=metadata)
    made.cells = [new_markdown_cell("# Why days rose\n\nA question.")]
    if parameters:
        made.cells.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    made.cells += [new_code_cell(cell) for cell in cells]
    return made


def test_a_notebook_of_the_tour_becomes_a_template_and_says_each_change(tmp_path):
    given = book(OPEN, "claims = report.claims('days_in_ar')\nclaims.to_excel('days.xlsx')\nclaims", "!rcm packets")
    given.cells[2].outputs = [new_output("stream", text="x")]
    made = promoted(given, "why_days", clients=CLIENTS)
    sources = [cell.source for cell in made.notebook.cells]
    assert sources[1].splitlines() == [
        'workspace: str = "."  # the folder with rcm.toml',
        'client: str = ""  # the client, by id',
        'period: str = ""  # the month, YYYY-MM',
    ]
    assert sources[2].splitlines()[1] == "report = rcm.open_report(workspace, client, period)"
    assert sources[3] == "claims = report.claims('days_in_ar')\nclaims" and sources[4] == ""
    said = "; ".join(made.changes)
    for words in ("outputs of 1 cells", "left out: claims.to_excel", "left out: !rcm packets", "cell of parameters"):
        assert words in said, words
    path = tmp_path / "why_days.ipynb"
    nbformat.write(made.notebook, path)
    card = read_template(path)
    assert (card.title, card.packet, card.reader, card.scope) == ("Why days rose", True, "manager", "client")
    assert not any(cell.get("outputs") for cell in made.notebook.cells)


def test_filled_in_parameters_are_left_open_and_others_stay():
    parameters = (
        'workspace: str = "/home/ann/ws"\nclient: str = "tx-docs"\nperiod = "2026-10"\ndays: int = 15  # how many'
    )
    made = promoted(
        book("report = open_report(workspace, client, period)", parameters=parameters), "x", clients=CLIENTS
    )
    lines = made.notebook.cells[1].source.splitlines()
    assert lines[0].startswith('workspace: str = "."') and lines[1].startswith('client: str = ""')
    assert lines[2].startswith('period: str = ""') and lines[3] == "days: int = 15  # how many"


def test_a_title_card_is_honoured():
    card = {"title": "My own", "version": "7", "scope": "client", "order": 5, "reader": "client", "service": "claims"}
    made = promoted(book(OPEN, rcm=card), "x", clients=CLIENTS)
    assert made.notebook.metadata["rcm"] == card | {"packet": True}
    assert (
        promoted(book(OPEN, rcm=card), "x", clients=CLIENTS, title="Other").notebook.metadata["rcm"]["title"] == "Other"
    )


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        pytest.param([], "expected one cell with open_report", id="nothing is opened"),
        pytest.param([OPEN, OPEN], "found 2", id="two are opened"),
        pytest.param([OPEN, "x = 'tx-docs'"], r"cell 4, line 1 names a client", id="a client is named"),
        pytest.param([OPEN, "import datetime as dt\nd = dt.date.today()"], "line 2 reads the clock", id="the clock"),
        pytest.param([OPEN, "f = open('/etc/passwd')"], "names a place of this machine", id="a place"),
        pytest.param([OPEN, "if True:\n    t.to_csv('x.csv')"], "writes a file", id="a file"),
        pytest.param([OPEN, "def broken(:"], "is not Python", id="no Python"),
    ],
)
def test_what_cannot_be_put_right_is_refused_with_its_place(cells, words):
    with pytest.raises(ParameterError, match=words):
        promoted(book(*cells), "x", clients=CLIENTS)


def test_all_faults_are_told_at_once():
    with pytest.raises(ParameterError, match="names a client.*reads the clock"):
        promoted(book(OPEN, "x = 'tx-docs'", "y = dt.datetime.now()"), "x", clients=CLIENTS)


@pytest.mark.parametrize("path", sorted((templates_folder() / "starters").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_starter_is_sound_stores_no_output_and_can_be_promoted(path):
    given = nbformat.read(path, as_version=4)
    nbformat.validate(given)
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in given.cells)
    assert given.cells[0].source.startswith(f"# {given.metadata['rcm']['title']}\n")
    made = promoted(given, path.stem, clients=CLIENTS)
    assert [change for change in made.changes if "left out" in change] == []
