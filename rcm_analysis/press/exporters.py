"""nbconvert exporters: `jupyter nbconvert --to rcm_html|rcm_pdf notebook.ipynb`, and JupyterLab's export menu.

They print any executed notebook, whole: what was printed, HTML, formulas and pictures too, and a note where something
cannot stand on a page. One that is not ours gets its title from its first heading, else from its file.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from nbconvert.exporters import Exporter
from traitlets import Bool, Unicode, default

from ..errors import RunError
from .document.document import Document
from .document.extract import Reading, extract
from .notebook_files import nbformat
from .writers import html, pdf


class _RcmExporter(Exporter):
    """Notebook → our document, with what should be known said in nbconvert's log."""

    errors = Bool(False, help="Print error outputs as notes instead of refusing the notebook.").tag(config=True)

    def _document(
        self, notebook: Any, resources: dict[str, Any] | None, extra: dict[str, Any]
    ) -> tuple[Document, dict[str, Any]]:
        prepared, resources = super().from_notebook_node(notebook, resources, **extra)
        about = resources.get("metadata") or {}
        name, path = str(about.get("name") or ""), str(about.get("path") or "")
        folder = Path(path) if path and name else None
        name = "" if name.lower().startswith("notebook") and not folder else name
        reading = Reading(workbook=False, messages=True, errors=self.errors, folder=folder, name=name)
        return extract(nbformat.from_dict(prepared), reading), resources

    def _say(self, warnings: tuple[str, ...]) -> None:
        for warning in warnings:
            self.log.warning("%s", warning)


class RcmHTMLExporter(_RcmExporter):
    """One self-contained page: no script, no network."""

    export_from_notebook = "RCM report (HTML)"
    output_mimetype = "text/html"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    def from_notebook_node(  # type: ignore[override]
        self, nb: Any, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        document, resources = self._document(nb, resources, kw)
        self._say(document.warnings)
        return html.render(document), resources


class RcmPDFExporter(_RcmExporter):
    """One PDF/A-2a and PDF/UA-1 file."""

    export_from_notebook = "RCM report (PDF)"
    output_mimetype = "application/pdf"

    timestamp = Unicode("", help="Moment of printing, ISO 8601, e.g. 2026-11-05T09:00; now, if not given.").tag(
        config=True
    )
    strict = Bool(False, help="Refuse a figure without a description (alt text).").tag(config=True)

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".pdf"

    def from_notebook_node(  # type: ignore[override]
        self, nb: Any, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[bytes, dict[str, Any]]:
        document, resources = self._document(nb, resources, kw)
        result = pdf.render(document, timestamp=self._moment(), strict=self.strict)
        self._say(result.warnings)
        return result.bytes, resources

    def _moment(self) -> dt.datetime:
        if not self.timestamp:
            return dt.datetime.now(dt.UTC)
        try:
            return dt.datetime.fromisoformat(self.timestamp)
        except ValueError as error:
            raise RunError(
                "The time stamp must be ISO 8601, such as 2026-11-05T09:00; what was given is not."
            ) from error
