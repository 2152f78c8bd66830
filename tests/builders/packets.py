"""Packets of invented clients, made without a kernel: finished runs of the templates, bound as always."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
import openpyxl
import pytest

from rcm_analysis.exhibits import blocks
from rcm_analysis.exhibits.pages import cover_of, modules_of, pages_of
from rcm_analysis.exhibits.subject import Subject
from rcm_analysis.press.runs import folders, manifest
from rcm_analysis.press.runs.packet import PacketRequest, build_packet, packet_reports
from rcm_analysis.press.runs.run import NOTEBOOK
from rcm_analysis.press.runs.templates import Template, find_template, read_templates

BODY_TOP, BODY_END = 40.0, 740.0
"""Points from the top of a letter page between which a packet's text stands."""
WORD = re.compile(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</word>')


@dataclass
class Packet:
    folder: Path
    subject: Subject

    def file(self, name: str) -> Path:
        (found,) = self.folder.glob(f"*_{name}")
        return found

    def sheets(self, name: str) -> dict[str, list[str]]:
        """Every text of a workbook by sheet."""
        book = openpyxl.load_workbook(self.file(name))
        return {sheet.title: [str(cell) for row in sheet.values for cell in row if cell is not None] for sheet in book}

    def pages(self, name: str) -> list[list[tuple[float, str]]]:
        """The words of each page with their lower edges."""
        return [[(float(word[4]), html.unescape(word[5])) for word in page] for page in words_of(self.file(name))]


def words_of(pdf: Path) -> list[list[re.Match[str]]]:
    """The words of each page of a PDF with their boxes."""
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext (poppler-utils) is not installed")
    done = subprocess.run(["pdftotext", "-bbox", str(pdf), "-"], capture_output=True, check=True, timeout=60)
    return [list(WORD.finditer(page)) for page in done.stdout.decode().split("<page ")[1:]]


def finished(template: Template, subject: Subject, runs: Path) -> Path:
    """A finished run of the template: its notebook with the blocks that its pages give, and its manifest."""
    book = template.notebook()
    name = re.findall(r'template="(\w+)"', "".join(cell.source for cell in book.cells))[0]
    review = pages_of(name, subject)
    client, month = subject.client.client, subject.period.label
    about = {
        "client": client,
        "client_name": subject.client.name,
        "period": month,
        "period_title": subject.period.title,
    }
    day, cover = subject.as_of.isoformat(), cover_of(modules_of(name))
    meta = blocks.meta(**about, as_of=day, firm="Lantern", template=template.name, **cover)
    for cell in book.cells:
        page = re.fullmatch(r"report\.show\(report\.review\.(\w+)\(\)\)", cell.source)
        shown = getattr(review, page[1])() if page else [meta] if "open_report" in cell.source else []
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("display_data", data=block.bundle()) for block in shown]
    folder = folders.run_folder(runs, client, month, template.name)
    with folders.making(folder) as place:
        nbformat.write(book, place / NOTEBOOK)
        manifest.write(place, {"kind": "run", "status": "done", "run_key": template.name})
        folders.place(place, folder)
    return folder


def bound(subject: Subject, services: tuple[str, ...], runs: Path, *, reader: str = "") -> Packet:
    """The packet of these services; with `reader` only the reports that are for it."""
    reports = packet_reports(read_templates(), services)
    reports = tuple(name for name in reports if reader in ("", find_template(name).reader))
    subject = replace(subject, client=replace(subject.client, services=services))
    for name in reports:
        finished(find_template(name), subject, runs)
    result = build_packet(PacketRequest(subject.client.client, subject.period.label, runs, reports))
    assert result.good and not result.warnings
    return Packet(result.folder, subject)
