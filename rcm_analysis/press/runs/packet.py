"""The packet: one client's finished reports of a month as one PDF, one HTML and one workbook; ours in a copy beside it.

Only finished reports whose files are as they were made go in. What failed, was never made or has been
changed is named on the contents page, with the reason, and is not in the packet.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...blocks.vocabulary import BRIEF, Meta, Note
from ...errors import RunError
from ...periods import Period
from ..document.document import Document, Heading, Run, join
from ..writers import locked
from . import folders, manifest
from .run import DONE, FAILED, NOTEBOOK, REUSED, RunResult, printing_time, titled
from .templates import Template, find_template

NAME = folders.PACKET
MANAGER = "manager"
"""The name of the copy beside the packet that holds what the client's manager reads, in the manager's own words."""
TITLES = {NAME: "", MANAGER: "Manager's copy"}


@dataclass(frozen=True)
class PacketRequest:
    """A client's packet of a month: the reports it should hold, by template name."""

    client: str
    period: str
    runs: Path
    reports: tuple[str, ...]
    templates: Path | None = None
    title: str = "Monthly packet"
    force: bool = False
    printed_on: dt.date | None = None
    claims: bool = True
    """Whether the client's page carries the claims behind its numbers: claim numbers with days of service."""

    leave_out: tuple[str, ...] = ()
    """Titles of sections, and of whole reports, that the client does not get."""

    encrypt: bool = False
    """Whether copies under the client's password lie beside the packet, for mail (`press/writers/locked.py`)."""

    @property
    def folder(self) -> Path:
        return folders.period_folder(Path(self.runs), self.client, self.period) / NAME


@dataclass(frozen=True)
class Absent:
    """A report that should be in the packet and is not."""

    title: str
    reason: str
    reader: str = "client"


def packet_reports(templates: Sequence[Template], services: Sequence[str] | None = None) -> tuple[str, ...]:
    """The names of the templates that belong in a client's packet, in order; only for the services given."""
    chosen = [template for template in templates if template.packet and template.scope == "client"]
    if services is not None:
        chosen = [template for template in chosen if not template.service or template.service in services]
    return tuple(template.name for template in sorted(chosen, key=lambda template: (template.order, template.name)))


def file_name(client: str, period: str, name: str = NAME) -> str:
    """The name of a packet's files without their kind: it says whose and of which month they are, wherever they go.

    >>> file_name("tx-docs", "2026-10")
    'tx-docs_2026-10_packet'
    """
    return f"{client}_{period}_{name}"


def build_packet(request: PacketRequest) -> RunResult:
    """Make the packet from the client's finished reports, or come back failed if there is none at all."""
    started = time.perf_counter()
    target = request.folder
    contents = _contents(request)
    kept = _kept(request, contents, started)
    if kept:
        return kept
    with folders.making(target) as folder:
        pages, warnings = _print(request, folder, contents.included, contents.absent)
        warnings = (*(f"Not in this packet: {item.title} ({item.reason})." for item in contents.absent), *warnings)
        manifest.write(
            folder,
            {
                "kind": "packet",
                "status": DONE,
                "client": request.client,
                "period": request.period,
                "run_key": contents.key,
                "made_from": contents.made_from,
                "absent": [asdict(item) for item in contents.absent],
                "pages": pages,
                "warnings": list(warnings),
                "seconds": {"total": round(time.perf_counter() - started, 3)},
            },
        )
        folders.place(folder, target)
    return _result(request, DONE, started, pages=pages, warnings=warnings)


def unchanged(request: PacketRequest) -> RunResult | None:
    """The result of a packet that is in place and up to date, or that cannot be made; None where it must be."""
    return _kept(request, _contents(request), time.perf_counter())


@dataclass(frozen=True)
class _Contents:
    """What goes into a packet, what does not, and the key of both."""

    included: list[Template]
    absent: list[Absent]
    made_from: dict[str, str]
    key: str


def _contents(request: PacketRequest) -> _Contents:
    folders.check_ours(request.folder)
    included, absent = _sort_reports(request)
    made_from = {template.name: manifest.fingerprint(_run_folder(request, template)) for template in included}
    wishes = [request.title, request.claims, request.leave_out, request.encrypt and locked.fingerprint(request.client)]
    key = [made_from, [asdict(item) for item in absent], *wishes, manifest.packages()]
    return _Contents(included, absent, made_from, manifest.sha256(manifest.canonical(key)))


def _kept(request: PacketRequest, contents: _Contents, started: float) -> RunResult | None:
    target = request.folder
    if not contents.included:
        reasons = "; ".join(f"{item.title}: {item.reason}" for item in contents.absent) or "no report was asked for"
        return _result(request, FAILED, started, error=f"No packet was made, as no report is finished ({reasons}).")
    if request.force or not target.exists() or manifest.verify(target):
        return None
    made = manifest.read(target)
    return _result(request, REUSED, started, pages=made.get("pages")) if made.get("run_key") == contents.key else None


def _run_folder(request: PacketRequest, template: Template) -> Path:
    return folders.run_folder(Path(request.runs), request.client, request.period, template.name)


def _sort_reports(request: PacketRequest) -> tuple[list[Template], list[Absent]]:
    included: list[Template] = []
    absent: list[Absent] = []
    templates = [find_template(name, request.templates) for name in dict.fromkeys(request.reports)]
    unwanted = {title.casefold() for title in request.leave_out}
    templates = [one for one in templates if one.title.casefold() not in unwanted or one.reader != "client"]
    for template in sorted(templates, key=lambda template: (template.order, template.name)):
        reason = why_not(_run_folder(request, template))
        if reason:
            absent.append(Absent(template.title, reason, template.reader))
        else:
            included.append(template)
    return included, absent


def why_not(folder: Path) -> str:
    """Why a run folder may not go into a packet; nothing if it may.

    A failed attempt bars the older good run beside it: its data have moved on.
    """
    failed = folders.failed_folder(folder)
    if failed.exists():
        return _how_it_failed(failed)
    folders.recover(folder)
    if not folder.exists():
        return "it was not made"
    problems = manifest.verify(folder)
    return f"its files are not as they were made ({'; '.join(problems)})" if problems else ""


def _how_it_failed(failed: Path) -> str:
    try:
        error = manifest.read(failed).get("error") or {}
    except RunError:
        error = {}
    cell = f" at cell {error['cell']}" if error.get("cell") is not None else ""
    kind = f" ({error['error']})" if error.get("error") else ""
    return f"the last run stopped{cell}{kind}"


def _print(
    request: PacketRequest, folder: Path, included: Sequence[Template], absent: Sequence[Absent]
) -> tuple[int, tuple[str, ...]]:
    from ..document import extract as document
    from ..writers import claims, html, pdf, workbook

    pages, warnings, there = 0, [], [find_template(name, request.templates).title for name in request.reports]
    password = locked.password_of(request.client) if request.encrypt else ""
    for name, reader in ((NAME, "client"), (MANAGER, "manager")):
        documents, sections = [], []
        for template in (one for one in included if one.reader == reader):
            notebook = json.loads((_run_folder(request, template) / NOTEBOOK).read_text(encoding="utf-8"))
            if reader == "client":
                there += document.titles_in(notebook)
                notebook = document.without(notebook, request.leave_out)
            documents.append(titled(document.extract(notebook), template, request))  # type: ignore[arg-type]
            headings = document.headings_in(notebook) if reader == "client" else {}
            sections.append(workbook.section_of(document.blocks_in(notebook), documents[-1].meta.title, headings))
        if not documents:
            continue
        meta = _meta(request, documents, TITLES[name] or request.title)
        packet = join(documents, meta, appendix=meta.layout != BRIEF)
        packet = replace(packet, blocks=(*_absences(absent, reader), *packet.blocks))
        stem = file_name(request.client, request.period, name)
        lists = claims.lists_of(packet) if reader == "client" and request.claims else None
        (folder / f"{stem}.html").write_text(html.render(packet, lists=lists), encoding="utf-8")
        result = pdf.render(packet, timestamp=printing_time(request, meta.as_of))
        (folder / f"{stem}.pdf").write_bytes(result.bytes)
        looked_up, data = zip(*map(workbook.divided, sections), strict=True)
        workbook.write_workbook(looked_up, folder / f"{stem}.xlsx", meta=meta)
        if any(section.tables for section in data):
            about = replace(meta, title=f"{meta.title}: data")
            workbook.write_workbook(data, folder / f"{stem}_data.xlsx", meta=about)
        if password and reader == "client":
            locked.write_copies(folder, stem, password)
        pages = pages or result.pages
        warnings += [*packet.warnings, *(lists.warnings if lists else ()), *result.warnings]
    unknown = [one for one in request.leave_out if one.casefold() not in {title.casefold() for title in there}]
    warnings += [f"The registry leaves out {title!r}; no section or report here has that title." for title in unknown]
    return pages, tuple(dict.fromkeys(warnings))


def _meta(request: PacketRequest, documents: Sequence[Document], title: str) -> Meta:
    """The cover: the client, the month, and the latest day any of its reports is as of."""
    first = documents[0].meta
    return replace(
        first,
        title=title,
        template=NAME,
        template_version="",
        period=Period.month(request.period).label,
        period_title=Period.month(request.period).title,
        as_of=max(item.meta.as_of for item in documents),
    )


def _absences(absent: Sequence[Absent], reader: str) -> list[Any]:
    """A part of its own, so that the contents page itself names what its reader should have and has not."""
    absent = [item for item in absent if item.reader == reader]
    if not absent:
        return []
    title = f"Not in this packet: {', '.join(item.title for item in absent)}"
    notes = [Note(f"{item.title} is not in this packet: {item.reason}.", "warning") for item in absent]
    return [Heading(1, (Run(title),), "not-in-this-packet", part=True), *notes]


def _result(request: PacketRequest, status: str, started: float, **more: Any) -> RunResult:
    seconds = round(time.perf_counter() - started, 3)
    return RunResult(NAME, request.client, request.period, request.folder, status, seconds, **more)
