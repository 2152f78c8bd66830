"""The templates: their title card, their parameters, the house rules, and a run from end to end."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest

from rcm_analysis import notebook
from rcm_analysis.exhibits.care_coordination_plan.review import PlanReport
from rcm_analysis.exhibits.portfolio_overview.review import PortfolioOverview
from rcm_analysis.press.runs.templates import read_template

FOLDER = Path(__file__).parents[1] / "templates"
TEMPLATES = sorted(FOLDER.glob("*.ipynb"))
OPENERS = {"open_report", "open_portfolio", "open_plan"}


def cells(path: Path, kind: str = "code") -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def statements(path: Path) -> list[ast.stmt]:
    return [
        node
        for cell in cells(path)
        if "parameters" not in cell.metadata.get("tags", [])
        for node in ast.parse(cell.source).body
    ]


def exhibit_of(node: ast.stmt) -> tuple[str, str] | None:
    """The exhibit that one line shows: `report.show(report.review.aging())`, or `report.show_cash()` of the plan."""
    text = ast.unparse(node)
    found = re.fullmatch(r"report\.show\(report\.(review|overview)\.([a-z_]+)\(\)\)", text) or re.fullmatch(
        r"()report\.(show_[a-z_]+)\(\)", text
    )
    return (found[1], found[2]) if found else None


def is_allowed(node: ast.stmt) -> bool:
    """One import of the opener, one opening, then one exhibit a line."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "rcm_analysis.notebook" and {name.name for name in node.names} <= OPENERS
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
        return isinstance(node.value.func, ast.Name) and node.value.func.id in OPENERS
    return exhibit_of(node) is not None


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
class TestTemplate:
    def test_it_has_a_title_card_and_parameters(self, path):
        template = read_template(path)
        assert template.title and template.version != "0"
        assert template.takes("workspace") and template.takes("period")
        assert template.takes("client") == (template.scope == "client")
        assert all(parameter.help for parameter in template.parameters)

    def test_its_file_is_sound_and_stores_no_output(self, path):
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        assert all(not cell.outputs and cell.execution_count is None for cell in cells(path))
        assert len({cell.id for cell in book.cells}) == len(book.cells)

    def test_it_computes_nothing(self, path):
        """No function, no division, no grouping, no file: whatever is not an exhibit call is refused."""
        refused = [ast.unparse(node) for node in statements(path) if not is_allowed(node)]
        assert refused == []

    def test_its_blocks_stand_in_order(self, path):
        book = nbformat.read(path, as_version=4)
        assert book.cells[0].source.startswith("# ")
        assert "parameters" in book.cells[1].metadata.tags
        assert "open_" in book.cells[2].source
        last = [exhibit_of(node)[1].removeprefix("show_") for node in statements(path)[-2:]]
        assert last == ["definitions", "provenance"]

    def test_every_exhibit_it_calls_exists(self, path):
        makers = {"review": notebook.REVIEWS.get(path.stem), "overview": PortfolioOverview, "": PlanReport}
        for node in statements(path):
            if isinstance(node, ast.Expr):
                maker, name = exhibit_of(node)
                assert callable(getattr(makers[maker], name, None)), name


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("def total(frame):\n    return frame.sum()", id="a function"),
        pytest.param("rate = paid / charged", id="a division"),
        pytest.param("frame.groupby('payer').sum()", id="a grouping"),
        pytest.param("import pandas as pd", id="another import"),
        pytest.param("report = open('claims.csv')", id="a file"),
        pytest.param("report.subject.tables.clear()", id="a reach inside"),
    ],
)
def test_the_house_rules_notice(cell):
    assert not all(is_allowed(node) for node in ast.parse(cell).body)


@pytest.mark.slow
def test_both_templates_run_from_raw_files_to_a_document(tmp_path):
    from rcm_analysis.press.document.extract import extract
    from rcm_analysis.simulate.files.workspace import write_company
    from rcm_analysis.sources.intake import find_files, ingest_client
    from rcm_analysis.tables.workspace import open_workspace

    write_company(tmp_path, months=14, clients=["dr-suess", "cali-care"], scale=0.1)
    workspace = open_workspace(tmp_path)
    for client, paths in find_files(workspace).items():
        ingest_client(workspace, client, paths)
    for template, more in (("client_review", {"client": "dr-suess"}), ("portfolio_overview", {})):
        executed = _executed(template, {"workspace": str(tmp_path), "period": "2026-10", **more}, tmp_path)
        document = extract(executed)
        assert document.meta.period == "2026-10"
        assert not document.warnings


def _executed(template: str, parameters: dict, folder: Path) -> nbformat.NotebookNode:
    import papermill

    return papermill.execute_notebook(
        FOLDER / f"{template}.ipynb",
        folder / f"{template}.ipynb",
        parameters=parameters,
        progress_bar=False,
        kernel_name="python3",
    )
