"""`rcm print`: any executed notebook as a page and on paper, its charts drawn as pictures."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from ..errors import ParameterError
from .terminal import FINDINGS, console, step


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
