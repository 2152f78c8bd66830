"""Six kinds of client, from raw files to a packet, read page by page: how full a page is, what stands together, in
which words, and that the pages look as they did (`layouts/`; UPDATE_GOLDEN=1 writes them again).
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import openpyxl
import polars as pl
import pytest

from builders.layouts import differences, html_layout, pdf_layout, sheet_layout
from builders.packets import BODY_END, BODY_TOP, Packet, bound, finished
from rcm_analysis.exhibits.subject import Subject
from rcm_analysis.notebook import open_report
from rcm_analysis.press.document.document import Grid, Pair, paired
from rcm_analysis.press.document.extract import extract
from rcm_analysis.press.runs.run import NOTEBOOK
from rcm_analysis.press.runs.templates import find_template
from rcm_analysis.press.writers import html, pdf
from rcm_analysis.simulate.files.workspace import write_company
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.workspace import open_workspace

pytestmark = pytest.mark.slow

LAYOUTS = Path(__file__).parent / "layouts"
ALL = ("claims", "self_pay", "patient_engagement")
Change = Callable[[Subject], Subject]


def almost_empty(subject: Subject) -> Subject:
    """The month with next to nothing in it: one posting, nothing worked, nothing paid."""
    first = subject.period.first_day
    tables = dict(subject.tables)
    for name, day in (("transactions", "posted_on"), ("work_log", "worked_on"), ("claims", "entered_on")):
        frame = tables[name].collect()
        tables[name] = pl.concat([frame.filter(pl.col(day) < first), frame.filter(pl.col(day) >= first).head(1)]).lazy()
    return replace(subject, tables=tables)


def same(subject: Subject) -> Subject:
    return subject


KINDS: dict[str, tuple[str, str, tuple[str, ...], Change]] = {
    "large": ("tx-docs", "2026-10", ALL, same),
    "middle": ("tx-docs", "2026-10", ("claims",), same),
    "tiny": ("dr-foot-loose", "2026-10", ("claims",), same),
    "new": ("dr-foot-loose", "2025-10", ("claims",), same),
    "one": ("tx-docs", "2026-10", ("patient_engagement",), same),
    "empty": ("dr-foot-loose", "2026-10", ("claims",), almost_empty),
}
"""Kind -> client, month (the records begin in July 2025), services, and what is changed."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("six")
    write_company(folder, months=16, clients=["tx-docs", "dr-foot-loose"], scale=0.3)
    workspace = open_workspace(folder)
    for client, paths in find_files(workspace).items():
        ingest_client(workspace, client, paths)
    return folder


@pytest.fixture(scope="module")
def packets(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Packet]:
    """The packet of a kind, made when it is first asked for."""
    made: dict[str, Packet] = {}

    def packet(kind: str) -> Packet:
        if kind not in made:
            client, month, services, change = KINDS[kind]
            template = "client_review" if "claims" in services else "patient_engagement_review"
            subject = change(open_report(company, client, month, template=template).subject)
            made[kind] = bound(subject, services, tmp_path_factory.mktemp(kind), reader="client")
        return made[kind]

    return packet


@pytest.fixture(params=KINDS)
def packet(request: pytest.FixtureRequest, packets: Callable[[str], Packet]) -> Packet:
    return packets(request.param)


def texts(packet: Packet) -> list[str]:
    return [" ".join(word for _, word in page) for page in packet.pages("packet.pdf")]


def test_it_is_short_and_no_page_is_two_thirds_empty(packet: Packet) -> None:
    """Four pages, and two for each further service; the last page may be shorter, not a few lines."""
    pages = packet.pages("packet.pdf")
    services = packet.subject.client.services
    assert len(pages) <= (4 if "claims" in services else 0) + 2 * len(set(services) - {"claims"})
    filled = [
        (max(edge for edge, _ in page if BODY_TOP < edge < BODY_END) - BODY_TOP) / (BODY_END - BODY_TOP)
        for page in pages
    ]
    assert [round(share, 2) for share in filled[:-1] if share < 1 / 3] == [] and filled[-1] > 0.15, filled


def test_a_caption_its_heads_and_the_first_row_stand_on_one_page(packet: Packet) -> None:
    pages = texts(packet)
    tables = 0
    for folder in packet.folder.parent.iterdir():
        if folder.name == "packet":
            continue
        document = extract(nbformat.read(folder / NOTEBOOK, as_version=4))
        for block in paired(document.blocks):
            for grid in [block.left, block.right] if isinstance(block, Pair) else [block]:
                if isinstance(grid, Grid) and grid.caption and grid.body:
                    tables += 1
                    words = " ".join(grid.caption.split()).split(",")[0]
                    needed = [
                        word
                        for cell in (*grid.head[-1], *grid.body[0])
                        if not cell.drawing
                        for word in cell.text.split()
                    ]
                    needed = [word for word in needed if not re.search(r"\d|\W", word)]
                    there = [page for page in pages if words in page]
                    assert any(all(word in page for word in needed) for page in there), grid.caption
    assert tables >= 5


def test_no_page_ends_with_a_heading_or_begins_with_the_rest_of_a_sentence(packet: Packet) -> None:
    document = [
        extract(nbformat.read(folder / NOTEBOOK, as_version=4))
        for folder in packet.folder.parent.iterdir()
        if folder.name != "packet"
    ]
    heads = {
        "".join(run.text for run in block.text) for one in document for block in one.blocks if hasattr(block, "anchor")
    }
    for page in packet.pages("packet.pdf"):
        edges = sorted({round(edge) for edge, _ in page if BODY_TOP < edge < BODY_END})
        lines = [" ".join(word for edge, word in page if round(edge) == wanted) for wanted in (edges[0], edges[-1])]
        assert lines[1] not in heads | {"Terms"}, lines[1]
        assert not lines[0][:1].islower(), lines[0]


RIDDLES = {
    "a code that a client does not speak": r"\b(?:CO|PR|OA|PI)-?\d+\b|\bEOBs?\b|\bCARC\b|(?<![$\d.,])\b83[57]s\b",
    "a name of the program": r"\b[a-z]+_[a-z_]+\b",
    "nothing in place of a value": r"\b(?:nan|NaN|None|NaT|inf)\b",
    "money without its sign": r"(?<![\d$.,])\d{1,3},\d{3}\.\d\d\b",
    "a hole in a sentence": r" ,|\(\)|\$ | \.(?:\s|$)",
}


@pytest.mark.parametrize("riddle", RIDDLES.values(), ids=RIDDLES)
def test_its_words_are_a_practices_own(packet: Packet, riddle: str) -> None:
    assert [found for page in texts(packet) for found in re.findall(riddle, page)] == []


def test_notes_are_said_once(packet: Packet) -> None:
    page = packet.file("packet.html").read_text(encoding="utf-8")
    notes = re.findall(r"<strong>(?:Please note|Note):</strong>(.*?)<", page, re.S)
    assert len(notes) == len(set(notes))


def test_what_the_first_sheet_traces_are_numbers(packet: Packet) -> None:
    book = openpyxl.load_workbook(packet.file("packet.xlsx"))
    assert len(book.sheetnames) <= 12 + 5 * (len(packet.subject.client.services) - 1) and not [
        name for name in book.sheetnames if "_" in name
    ]
    traces = [sheet for sheet in book if sheet["A1"].value == "Page one, figure by figure"]
    assert len(traces) == len({*packet.subject.client.services})
    for sheet in traces:
        rows = [row for row in sheet.iter_rows(min_row=5) if row[0].value and row[2].value is not None]
        assert rows and all(isinstance(row[2].value, (int, float)) for row in rows)
        assert all(row[2].number_format not in ("General", "@") and row[3].hyperlink for row in rows)


def weekly(packet: Packet, tmp_path: Path) -> Any:
    folder = finished(find_template("ar_weekly_review"), packet.subject, tmp_path / "runs")
    return extract(nbformat.read(folder / NOTEBOOK, as_version=4))


def made_of(which: str, packets: Callable[[str], Packet], tmp_path: Path) -> list[str]:
    """The layout of one key page in lines."""
    packet = packets("large")
    if which == "packet_pdf":
        return pdf_layout(packet.file("packet.pdf"), [1, 5, 7])
    if which == "workbook":
        return sheet_layout(packet.file("packet.xlsx"), ["Contents", "Page one", "How the month adds up"])
    document = weekly(packet, tmp_path)
    if which == "weekly_pdf":
        path = tmp_path / "weekly.pdf"
        path.write_bytes(pdf.render(document, timestamp=dt.datetime(2026, 11, 1, tzinfo=dt.UTC)).bytes)
        return pdf_layout(path, [1, 2])
    name, size, scheme = which.split("-")
    page = tmp_path / "weekly.html"
    page.write_text(html.render(document), encoding="utf-8")
    return html_layout(packet.file("packet.html") if name == "packet" else page, int(size), scheme)


PAGES = ["packet_pdf", "weekly_pdf", "workbook"]
SCREENS = [
    f"{name}-{size}-{scheme}" for name in ("packet", "weekly") for size in (1280, 390) for scheme in ("light", "dark")
]


@pytest.mark.parametrize("which", [*PAGES, *(pytest.param(one, marks=pytest.mark.browser) for one in SCREENS)])
def test_a_key_page_looks_as_it_did(which: str, packets: Callable[[str], Packet], tmp_path: Path) -> None:
    """Every line of text, box and color where it was, but for a few points."""
    found, golden = made_of(which, packets, tmp_path), LAYOUTS / f"{which}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text("\n".join(found) + "\n", encoding="utf-8")
    assert differences(golden.read_text(encoding="utf-8").splitlines(), found) == []
