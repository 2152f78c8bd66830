"""The templates: their title card, their parameters, the house rules, and a run from end to end."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest

from rcm_analysis.exhibits.care_coordination_plan.answers import CarePlan
from rcm_analysis.exhibits.pages import modules_of, pages_in, service_of
from rcm_analysis.press.runs.templates import read_template

FOLDER = Path(__file__).parents[1] / "templates"
TEMPLATES = sorted(FOLDER.glob("*.ipynb"))
ENDS = {
    "client_review": ["terms", "in_the_workbook"],
    "self_pay_review": ["behind", "in_the_workbook"],
    "patient_engagement_review": ["behind", "in_the_workbook"],
    "care_coordination_review": ["behind", "in_the_workbook"],
}
"""Reports for a client define and trace their numbers in the workbook; others end with both."""
LISTS = {
    "client_meeting": "ar_weekly_review",
    "self_pay_accounts": "self_pay_review",
    "care_team_huddle": "patient_engagement_review",
    "care_coordination_lists": "care_coordination_review",
}
"""Lists for those who work them -> the review whose pages they show; they have no page one and no definitions."""
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


def page_of(node: ast.stmt) -> str | None:
    """The page that one line shows: `report.show(report.review.aging())`."""
    found = re.fullmatch(r"report\.show\(report\.review\.([a-z_]+)\(\)\)", ast.unparse(node))
    return found[1] if found else None


def is_allowed(node: ast.stmt) -> bool:
    """One import of the opener, one opening, then one exhibit a line."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "rcm_analysis.notebook" and {name.name for name in node.names} <= OPENERS
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
        return isinstance(node.value.func, ast.Name) and node.value.func.id in OPENERS
    return page_of(node) is not None


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
        shown = [page_of(node) for node in statements(path) if isinstance(node, ast.Expr)]
        assert len(set(shown)) == len(shown)
        if path.stem in LISTS:
            assert read_template(path).reader == "manager" and read_template(FOLDER / f"{LISTS[path.stem]}.ipynb")
            return
        assert shown[-2:] == ENDS.get(path.stem, ["definitions", "provenance"])
        assert "answers" in shown[:2], "page one answers; beside it only what is no page: sliders, the working file"

    def test_its_title_stands_on_its_card_and_heads_it(self, path):
        assert cells(path, "markdown")[0].source.splitlines()[0] == f"# {read_template(path).title}"

    def test_it_shows_every_page_of_its_exhibits_and_page_one_is_answers(self, path):
        review = LISTS.get(path.stem, path.stem)
        both = [review, *(name for name, of in LISTS.items() if of == review)]
        lines = [node for name in both for node in statements(FOLDER / f"{name}.ipynb")]
        shown = {page_of(node) for node in lines if isinstance(node, ast.Expr)}
        modules = modules_of(review)
        if path.stem == "care_coordination_plan":
            assert all(callable(getattr(CarePlan, name)) for name in shown)
        else:
            pages = pages_in(modules)
            assert shown <= set(pages)
            called = {name for page in pages.values() for name in page.__code__.co_names}
            assert set(pages) <= shown | called, "a page that no page of the template shows"
            assert pages_in(modules)["answers"].__module__.endswith(".answers")
            assert service_of(modules) in (read_template(path).service, "")
            assert f'template="{review}"' in cells(path)[1].source or "open_portfolio" in cells(path)[1].source


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("def total(frame):\n    return frame.sum()", id="a function"),
        pytest.param("rate = paid / charged", id="a division"),
        pytest.param("frame.groupby('payer').sum()", id="a grouping"),
        pytest.param("import pandas as pd", id="another import"),
        pytest.param("report = open('claims.csv')", id="a file"),
        pytest.param("report.subject.tables.clear()", id="a reach inside"),
        pytest.param("report.show(report.review.about.claims())", id="a reach behind a page"),
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
