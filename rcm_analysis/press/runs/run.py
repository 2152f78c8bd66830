"""One request, one run folder: execute the template, write the report, sign it, put it in its place.

    runs/<client>/<YYYY-MM>/<template>/   notebook.ipynb  report.html  report.pdf  workbook.xlsx  manifest.json

A run that fails keeps its notebook in `<template>.failed/`; the last good run stays where it was.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ...blocks.vocabulary import Block, Inputs, Meta, Table
from ...errors import ParameterError, RcmError, RunError
from ...periods import Period
from ..notebook_files import nbformat
from . import folders, kernels, manifest
from .parameters import check_parameters, convert
from .templates import Template, find_template, imported_by

NOTEBOOK, HTML, PDF, WORKBOOK = "notebook.ipynb", "report.html", "report.pdf", "workbook.xlsx"
DONE, FAILED, REUSED = "done", "failed", "reused"


@dataclass(frozen=True)
class RunRequest:
    """What is wanted: a template for a client (None: the whole portfolio) and a month.

    `variant` tells apart reports of one template that differ in parameters only. `workspace` is the kernel's working
    folder. `fingerprints` are those of the tables as they are now (`client/table` -> fingerprint, and names without a
    client for what every report reads: `registry`); with them an unchanged report is reused, unless `force`.
    `printed_on` is the day of printing that the PDF names; without it, the day the report is as of.
    """

    template: str
    client: str | None
    period: str
    runs: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    templates: Path | None = None
    workspace: Path | None = None
    fingerprints: Mapping[str, str] | None = None
    force: bool = False
    variant: str = ""
    printed_on: dt.date | None = None

    @property
    def folder(self) -> Path:
        """Where the finished report lands; a variant (one manager's book, say) has a place of its own."""
        name = f"{self.template}-{self.variant}" if self.variant else self.template
        return folders.run_folder(Path(self.runs), self.client, self.period, name)


@dataclass(frozen=True)
class RunResult:
    """What became of a request. `error` is one line that carries no value from the data, `kind` the error's name."""

    template: str
    client: str | None
    period: str
    folder: Path
    status: str
    seconds: float
    cell: int | None = None
    error: str = ""
    pages: int | None = None
    warnings: tuple[str, ...] = ()
    kind: str = ""
    attempts: int = 1

    @property
    def good(self) -> bool:
        return self.status in (DONE, REUSED)

    def line(self) -> str:
        """The result in one line, for a terminal."""
        who = f"{self.client or folders.PORTFOLIO} {self.period}"
        if self.good:
            return f"{self.template}, {who}: {self.status} ({self.folder})"
        where = f" at cell {self.cell}" if self.cell is not None else ""
        why = self.error if self.error.endswith((".", "!", "?")) else f"{self.error}."
        said = [f"{self.template} stopped for {who}{where}: {why}"]
        if (self.folder / NOTEBOOK).is_file():
            said.append(f"The notebook as far as it got: {self.folder / NOTEBOOK}.")
        if self.template != folders.PACKET:
            said.append("No report was made.")
        return " ".join(said)


@dataclass
class _Making:
    """A run in the making: what is known of it so far, for its manifest."""

    request: RunRequest
    template: Template
    parameters: dict[str, Any]
    started: float
    seconds: dict[str, float] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    pages: int | None = None
    usage: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = round(time.perf_counter() - start, 3)


def run(request: RunRequest, *, settings: kernels.Settings | None = None, engine: str = "fork") -> RunResult:
    """Make one report. A request that cannot be right raises before anything starts; a report that stops
    comes back with status "failed", its evidence in `<template>.failed/`.
    """
    started = time.perf_counter()
    template, parameters = prepared(request)
    target = request.folder
    kept = unchanged(request)
    if kept:
        return kept
    work = _Making(request, template, parameters, started)
    settings = settings or kernels.Settings()
    if request.workspace and settings.folder is None:
        settings = replace(settings, folder=Path(request.workspace))
    with folders.making(target) as folder:
        try:
            stopped = _execute(work, folder, settings, engine)
            if stopped is None:
                _print(work, folder)
        except RcmError as error:
            line = _Places(request).left_out(" ".join(str(error).split()))
            stopped = kernels.Stopped(None, type(error).__name__, line)
        except OSError:
            raise
        except Exception as error:
            told = _Places(request).left_out(traceback.format_exc())
            (folder / "traceback.txt").write_text(told, encoding="utf-8")
            stopped = kernels.Stopped(
                None, type(error).__name__, f"{type(error).__name__} (see traceback.txt beside it)."
            )
        return _finish(work, folder, target, stopped)


def unchanged(request: RunRequest) -> RunResult | None:
    """The result of a request whose report is in place and up to date; None where it must be made. Starts nothing."""
    started = time.perf_counter()
    template, parameters = prepared(request)
    target = request.folder
    folders.check_ours(target)
    folders.check_ours(folders.failed_folder(target))
    if request.force or not reusable(request, template, parameters):
        return None
    return _result(request, REUSED, target, started, pages=manifest.read(target).get("pages"))


def prepared(request: RunRequest) -> tuple[Template, dict[str, Any]]:
    """The template and its checked parameters; client and period of the request are parameters too."""
    template = find_template(request.template, request.templates)
    period = Period.month(request.period).label
    if template.scope == "client" and not request.client:
        raise ParameterError(f"{template.name} reports on one client: client must be given. Nothing was run.")
    if template.scope == "portfolio" and request.client:
        raise ParameterError(f"{template.name} reports on the whole portfolio and takes no client. Nothing was run.")
    folders.run_folder(Path(request.runs), request.client, period, template.name)
    given = dict(request.parameters)
    for name, value in (("client", request.client), ("period", period)):
        if value is None or not template.takes(name):
            continue
        if name in given and convert(template.parameter(name), given[name]) != value:
            raise ParameterError(f"{template.name}: {name} is given twice, with two values. Nothing was run.")
        given[name] = value
    return template, check_parameters(template, given)


def reusable(request: RunRequest, template: Template, parameters: Mapping[str, Any]) -> bool:
    """Whether the report in place was made by the same template and software, with the same parameters,
    from tables that are unchanged, and is whole. A report that does not say what it read is made again.
    """
    target = request.folder
    if request.fingerprints is None or folders.failed_folder(target).exists() or manifest.verify(target):
        return False
    made = manifest.read(target)
    read, shared = made.get("inputs", {}), shared_inputs(request)
    if not set(read) - set(shared) or not set(shared) <= set(read) <= set(request.fingerprints):
        return False
    now = {name: request.fingerprints[name] for name in read}
    return made.get("run_key") == manifest.run_key(template.sha256, parameters, now)


def shared_inputs(request: RunRequest) -> dict[str, str]:
    """The fingerprints of what every report reads, such as the registry: those that name no client."""
    given = request.fingerprints or {}
    return {name: value for name, value in given.items() if "/" not in name}


def _execute(work: _Making, folder: Path, settings: kernels.Settings, engine: str) -> kernels.Stopped | None:
    with work.timed("execute"):
        settings = replace(settings, imports=imported_by(work.template.path.parent))
        executed = kernels.execute(work.template.notebook(), work.parameters, settings, engine=engine)
    work.usage = dict(executed.usage)
    nbformat.write(_without_places(executed.notebook, work.request), folder / NOTEBOOK)
    return executed.stopped and replace(executed.stopped, line=_Places(work.request).left_out(executed.stopped.line))


def _without_places(notebook: nbformat.NotebookNode, request: RunRequest) -> nbformat.NotebookNode:
    """The notebook without folders of this machine in what its cells said: tracebacks and warnings name files."""
    places = _Places(request)
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        for holder, name in ((output, "text"), (output, "evalue"), (output.get("data", {}), "text/plain")):
            if isinstance(holder.get(name), str):
                holder[name] = places.left_out(holder[name])
        if "traceback" in output:
            output["traceback"] = [places.left_out(line) for line in output["traceback"]]
    return notebook


class _Places:
    """The folders of this machine that a request's files may name."""

    def __init__(self, request: RunRequest) -> None:
        workspace = [Path(request.workspace), Path(request.workspace).resolve()] if request.workspace else []
        code = [Path(__file__).parents[3], Path(sys.prefix), Path(sys.base_prefix)]
        every = [*workspace, Path(request.runs), *code, Path(tempfile.gettempdir()), Path.home()]
        self._before = sorted({str(place) + os.sep for place in every if place.is_absolute()}, key=len, reverse=True)
        self._workspace = [str(place) for place in workspace if len(str(place)) > 1]

    def left_out(self, text: str) -> str:
        """The text with files named from the workspace, the package, Python, or the user's or temporary folder on."""
        for place in self._before:
            text = text.replace(place, "")
        for place in self._workspace:
            text = text.replace(place, ".")
        return text


def _print(work: _Making, folder: Path) -> None:
    """The executed notebook as HTML, PDF and workbook."""
    from ..document import extract as document
    from ..writers import html, pdf, workbook

    with work.timed("document"):
        notebook = json.loads((folder / NOTEBOOK).read_text(encoding="utf-8"))
        work.blocks = list(document.blocks_in(notebook))
        _check_client(work)
        printed = titled(document.extract(notebook), work.template, work.request)
    with work.timed("html"):
        (folder / HTML).write_text(html.render(printed), encoding="utf-8")
    with work.timed("pdf"):
        result = pdf.render(printed, timestamp=printing_time(work.request, printed.meta.as_of))
        (folder / PDF).write_bytes(result.bytes)
    with work.timed("workbook"):
        section = workbook.section_of(work.blocks, printed.meta.title)
        workbook.write_workbook([section], folder / WORKBOOK, meta=printed.meta)
    work.warnings = tuple(dict.fromkeys((*printed.warnings, *result.warnings)))
    work.pages = result.pages


def _check_client(work: _Making) -> None:
    """A report that says it is about another client is never put into this client's folder."""
    named = {block.client for block in work.blocks if isinstance(block, (Meta, Inputs))}
    if work.request.client and named - {"", work.request.client}:
        raise RunError(
            f"The notebook read or names another client than {work.request.client}. Nothing was kept as a report."
        )


def titled(printed: Any, template: Template, request: RunRequest) -> Any:
    """The document with what its cover lacks taken from the template and the request."""
    meta, month = printed.meta, Period.month(request.period)
    return replace(
        printed,
        meta=replace(
            meta,
            title=meta.title if meta.title not in ("", "Report") else template.title,
            client=meta.client or request.client or "",
            client_name=meta.client_name or request.client or "",
            period=meta.period or month.label,
            period_title=meta.period_title or month.title,
            template=meta.template or template.name,
            template_version=meta.template_version or template.version,
        ),
    )


def printing_time(request: Any, as_of: str) -> dt.datetime:
    """The time written into a PDF: midnight of a day that is given, so that the same data give the same file."""
    day = request.printed_on
    if day is None:
        try:
            day = dt.date.fromisoformat(as_of)
        except ValueError:
            day = Period.month(request.period).last_day
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def _finish(work: _Making, folder: Path, target: Path, stopped: kernels.Stopped | None) -> RunResult:
    """Sign the folder and put it in its place: the report's, or that of a failed attempt."""
    work.seconds["total"] = round(time.perf_counter() - work.started, 3)
    if stopped is not None:
        for name in (HTML, PDF, WORKBOOK):
            (folder / name).unlink(missing_ok=True)
        place = folders.failed_folder(target)
        manifest.write(folder, _content(work, FAILED, stopped))
        folders.place(folder, place)
        return _result(
            work.request, FAILED, place, work.started, cell=stopped.cell, error=stopped.line, kind=stopped.error
        )
    manifest.write(folder, _content(work, DONE, None))
    folders.place(folder, target)
    folders.remove(folders.failed_folder(target))
    return _result(work.request, DONE, target, work.started, pages=work.pages, warnings=work.warnings)


def _content(work: _Making, status: str, stopped: kernels.Stopped | None) -> dict[str, Any]:
    inputs = [block for block in work.blocks if isinstance(block, Inputs)]
    read = manifest.fingerprints(inputs) | shared_inputs(work.request)
    template = work.template
    return {
        "kind": "run",
        "status": status,
        "error": asdict(stopped) if stopped else None,
        "template": {
            "name": template.name,
            "title": template.title,
            "version": template.version,
            "sha256": template.sha256,
        },
        "client": work.request.client,
        "period": Period.month(work.request.period).label,
        "parameters": work.parameters,
        "inputs": read,
        "rows": manifest.row_counts(inputs),
        "findings": sum(block.findings for block in inputs),
        "run_key": manifest.run_key(template.sha256, work.parameters, read),
        "pages": work.pages,
        "figures": _figures(work.blocks),
        "warnings": list(work.warnings),
        "seconds": work.seconds,
        "usage": work.usage,
    }


def _figures(blocks: list[Block]) -> dict[str, str]:
    """What the report's table `numbers` prints: its first two columns, a label and the month's figure."""
    tables = [block for block in blocks if isinstance(block, Table) and block.name == "numbers"]
    return {str(row[0]): str(row[1]) for table in tables for row in table.shown if len(row) > 1}


def _result(request: RunRequest, status: str, folder: Path, started: float, **more: Any) -> RunResult:
    seconds = round(time.perf_counter() - started, 3)
    return RunResult(request.template, request.client, request.period, folder, status, seconds, **more)
