"""Three-cell notebooks that analyse nothing: all that the press is tested with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from rcm_analysis.press.runs.run import RunRequest, RunResult, run
from rcm_analysis.press.writers import scripts

MIME = "application/vnd.rcm.block+json"
PARAMETERS = 'client: str = ""  # client id\nperiod: str = ""  # month YYYY-MM\nweeks: int = 4  # how far back'
CARD = {"title": "Small review", "version": "1.0", "scope": "client", "packet": True, "service": "claims", "order": 10}
TABLE = {
    "kind": "table",
    "name": "aging",
    "title": "Open AR by age",
    "definition": "Open balances, as of the month's end",
    "columns": [
        {"name": "payer", "title": "Payer", "unit": "text"},
        {"name": "open_cents", "title": "Open", "unit": "usd"},
        {"name": "share", "title": "Share", "unit": "rate"},
        {"name": "since", "title": "Since", "unit": "date"},
    ],
    "rows": [["=cmd|'/c calc'!A0", 123456, 0.25, "2026-10-01"], ["Total", 123456, 1.0, None]],
    "text": [["=cmd|'/c calc'!A0", "$1,234.56", "25.0%", "10/01/2026"], ["Total", "$1,234.56", "100.0%", ""]],
    "emphasis": [1],
    "notes": ["+ credits left out"],
    "row_header": 0,
    "print": True,
}
GLOSSARY = {
    "kind": "glossary",
    "items": [{"name": "open", "title": "Open AR", "formula": "@sum", "unit": "usd", "source": "our own"}],
}


def showing(*payloads: dict[str, Any]) -> str:
    """A cell that emits the payloads; `{client}` in them becomes the parameter's value."""
    text = json.dumps(json.dumps(list(payloads)))
    return (
        "import json\nfrom IPython.display import display\n"
        f"for payload in json.loads({text}.replace('{{client}}', client)):\n"
        f"    display({{{MIME!r}: payload, 'text/plain': payload['kind']}}, raw=True)"
    )


def meta(client: str = "{client}") -> dict[str, Any]:
    return {
        "kind": "meta",
        "title": "Small review",
        "client": client,
        "client_name": "Client {client}",
        "period": "2026-10",
        "period_title": "October 2026",
        "as_of": "2026-10-31",
        "firm": "Firm",
        "template": "small",
        "template_version": "1.0",
    }


def inputs(client: str = "{client}") -> dict[str, Any]:
    return {
        "kind": "inputs",
        "client": client,
        "findings": 2,
        "tables": [{"table": "claims", "rows": 3, "fingerprint": "f1"}],
    }


def notebook(
    *cells: str, parameters: str | None = PARAMETERS, card: dict[str, Any] | None = None
) -> nbformat.NotebookNode:
    """A template of these code cells, after a heading and a parameters cell."""
    made = nbformat.v4.new_notebook(metadata={"rcm": CARD | (card or {})})
    made.cells.append(nbformat.v4.new_markdown_cell("# Small review"))
    if parameters is not None:
        made.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    made.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
    return made


GOOD = showing(meta(), inputs(), TABLE, GLOSSARY)


@pytest.fixture(autouse=True)
def no_fonts_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test prints does not depend on the fonts that happen to be here."""
    monkeypatch.setattr(scripts, "_candidates", lambda: ())


@pytest.fixture(scope="session")
def templates_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`small` works, `broken` stops at its third cell, `wanderer` shows another client, `other` works too."""
    folder = tmp_path_factory.mktemp("templates")
    for name, made in {
        "small": notebook(GOOD, "leak = globals().get('leak', client)\nassert leak == client"),
        "broken": notebook("1 + 1", "raise KeyError('Jane Doe')", card={"title": "Broken review", "order": 20}),
        "wanderer": notebook(showing(meta("somebody-else")), card={"title": "Wanderer", "packet": False}),
        "other": notebook(showing(meta(), TABLE), card={"title": "Other review", "order": 30}),
    }.items():
        nbformat.write(made, folder / f"{name}.ipynb")
    return folder


@pytest.fixture
def request_for(templates_folder: Path, tmp_path: Path) -> Callable[..., RunRequest]:
    """A request for the small template, into this test's own runs folder."""

    def build(template: str = "small", client: str | None = "cali-care", **changes: Any) -> RunRequest:
        return RunRequest(
            **{
                "template": template,
                "client": client,
                "period": "2026-10",
                "runs": tmp_path / "runs",
                "templates": templates_folder,
                **changes,
            }
        )

    return build


@pytest.fixture(scope="session")
def finished(templates_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult, RunResult]:
    """The small report, made once for each of two clients. Tests only read it, or copy it."""
    runs = tmp_path_factory.mktemp("finished")
    made = [
        run(RunRequest("small", client, "2026-10", runs, templates=templates_folder))
        for client in ("cali-care", "dr-suess")
    ]
    return made[0], made[1]
