"""`rcm print`: any executed notebook on paper; `rcm reference`: what every number of all reports counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..errors import ParameterError
from .terminal import FINDINGS, HERE, WorkspaceOption, console, step

if TYPE_CHECKING:
    from ..blocks.vocabulary import Block, Meta
    from ..tables.workspace import Workspace


def print_notebook(
    notebook: Annotated[Path, typer.Argument(metavar="NOTEBOOK", help="an executed notebook (.ipynb)")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="where to write; by default beside the notebook")
    ] = None,
    charts: Annotated[
        bool, typer.Option("--charts/--no-charts", help="draw charts of scripts as pictures; runs their scripts")
    ] = True,
    failed: Annotated[bool, typer.Option("--errors", help="print error outputs as notes, too")] = False,
) -> None:
    """Print any executed notebook as HTML and PDF.

    Charts of Plotly, Altair and Bokeh that hold no picture are drawn by the browser of this machine, without network.
    What cannot be printed is said where it stood, and here.
    """
    from ..press import charts as drawing
    from ..press.document.extract import Reading, extract
    from ..press.writers import html, pdf

    read: dict[str, Any] = _read(notebook)
    said: list[str] = []
    if charts:
        with step("Drawing charts"):
            read, said = drawing.drawn(read)
    about = Reading(workbook=False, messages=True, errors=failed, folder=notebook.parent, name=notebook.stem)
    document = extract(read, about)
    result = pdf.render(document, timestamp=dt.datetime.now(dt.UTC))
    folder = out or notebook.parent
    folder.mkdir(parents=True, exist_ok=True)
    page, paper = folder / f"{notebook.stem}.html", folder / f"{notebook.stem}.pdf"
    page.write_text(html.render(document), encoding="utf-8")
    paper.write_bytes(result.bytes)
    for line in (*said, *result.warnings):
        console.print(escape(line))
    console.print(escape(f"{page}, and {paper} ({result.pages} pages)"))
    raise typer.Exit(FINDINGS if said or document.warnings else 0)


def _read(notebook: Path) -> dict[str, Any]:
    import nbformat
    from nbformat.reader import NotJSONError

    try:
        return nbformat.read(notebook, as_version=4)
    except (NotJSONError, UnicodeDecodeError, AttributeError, KeyError, ValueError) as error:
        raise ParameterError(
            f"{notebook} must be a notebook (JSON as Jupyter writes it); it could not be read as one "
            f"({type(error).__name__}). Name an executed .ipynb file."
        ) from error


REFERENCE, NAME = "_reference", "reference"
"""Where the document stands below the runs folder: every report's page links there."""

CHAPTERS = {
    "receivable": "What is owed",
    "collections": "What came in",
    "denials": "Denials",
    "payers": "Payers",
    "self_pay": "Self-pay",
    "engagement": "Patient engagement",
    "coordination": "Care coordination",
    "portfolio": "Our clients",
}


def reference(
    workspace: WorkspaceOption = HERE,
    force: Annotated[bool, typer.Option("--force", help="make it again, even where nothing changed")] = False,
) -> None:
    """Make the document that says what every number counts.

    One PDF and one page for all clients and months, in the firm's look; every report links there. `rcm packets` makes
    it too. What is unchanged is kept.
    """
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    made = make_reference(opened, force=force)
    console.print(
        escape(f"{'Made' if made else 'Unchanged'}: {opened.place('runs')}/{REFERENCE}/{NAME}.html, {NAME}.pdf")
    )


def make_reference(workspace: Workspace, *, force: bool = False) -> bool:
    """Whether the document was made; nothing is done where the one in place says the same."""
    from ..press.runs import folders, manifest

    about, target = _meta(workspace), workspace.runs / REFERENCE
    # The software says what stands in the chapters: they are gathered only where the document is made.
    key = manifest.sha256(manifest.canonical([about.payload, manifest.packages()]))
    if not force and target.exists() and not manifest.verify(target) and manifest.read(target).get("run_key") == key:
        return False
    from ..press.document.extract import extract
    from ..press.writers import html, pdf

    document = extract(_notebook(about, dict(_chapters())))
    result = pdf.render(document, timestamp=dt.datetime.combine(dt.date.today(), dt.time(), dt.UTC))
    with folders.making(target) as folder:
        (folder / f"{NAME}.html").write_text(html.render(document), encoding="utf-8")
        (folder / f"{NAME}.pdf").write_bytes(result.bytes)
        manifest.write(folder, {"kind": NAME, "status": "done", "run_key": key, "pages": result.pages})
        folders.place(folder, target)
    return True


def _meta(workspace: Workspace) -> Meta:
    from ..blocks.vocabulary import Meta

    registry = workspace.registry
    firm, brand = registry.look().name or "", registry.brand()
    return Meta(title="How every number is counted", firm=firm, template=NAME, brand=brand)


def _chapters() -> Iterator[tuple[str, Block]]:
    """Each subject of the menu, then what reports print that is no measure."""
    from ..exhibits.ar_deep_dive import appendix as deep_dive
    from ..exhibits.client_review import outlook
    from ..exhibits.client_review.definitions import glossary_of
    from ..exhibits.patient_engagement_review import appendix as engagement
    from ..exhibits.self_pay_review import appendix as self_pay
    from ..measures.menu import menu

    more = {
        "receivable": deep_dive.TERMS,
        "collections": outlook.TERMS,
        "self_pay": self_pay.TERMS,
        "engagement": engagement.TERMS,
    }
    for subject, title in CHAPTERS.items():
        names = tuple(name for name, one in menu().items() if one.subject == subject)
        yield title, glossary_of(names, more=more.get(subject, ()))


def _notebook(about: Meta, chapters: dict[str, Block]) -> dict:
    """The document as a notebook with outputs, as every page of ours begins."""
    from ..press.notebook_files import nbformat

    new = nbformat.v4
    cells = []
    for title, block in ((f"# {about.title}", about), *((f"## {title}", block) for title, block in chapters.items())):
        output = new.new_output("display_data", data=block.bundle())
        cells += [new.new_markdown_cell(title), new.new_code_cell(outputs=[output])]
    return new.new_notebook(cells=cells)
