"""A packet with every service: how its pages are filled, and what of it the client is never sent.

The reports are made from an invented client, without a kernel, as finished runs; the packet is made of them as always.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import nbformat
import pytest

from builders.acorn import invented, subject_of
from builders.engagement_offices import simulated
from builders.packets import BODY_END, BODY_TOP, Packet, bound
from builders.self_pay_programme import programme
from rcm_analysis.blocks.plain import sheet_title
from rcm_analysis.exhibits.subject import Subject
from rcm_analysis.press.document.document import Grid, Pair, paired
from rcm_analysis.press.document.extract import extract
from rcm_analysis.press.runs.run import NOTEBOOK

SERVICES = ("claims", "self_pay", "patient_engagement")
LISTS = tuple(
    map(
        sheet_title,
        ("breaches", "scope_guard", "plans_at_risk", "write_off_list", "eob_claims", "decisions", "quality", "huddle"),
    )
)
"""Sheets that name accounts, patients or partners."""


@pytest.fixture(scope="module")
def packet(tmp_path_factory: pytest.TempPathFactory) -> Packet:
    base = programme(subject_of({**invented(), **simulated(1.0, plants=True)}))
    return bound(base, SERVICES, tmp_path_factory.mktemp("services") / "runs")


def patients(subject: Subject) -> set[str]:
    return set(subject.tables["risk_assessments"].collect()["patient"])


def grids(packet: Packet, name: str) -> Iterator[Grid]:
    """The printed tables of one report, those side by side too."""
    folder = packet.folder.parent / name
    document = extract(nbformat.read(folder / NOTEBOOK, as_version=4))
    for block in paired(document.blocks):
        yield from (
            one for one in ([block.left, block.right] if isinstance(block, Pair) else [block]) if isinstance(one, Grid)
        )


def test_lists_of_patients_and_accounts_are_in_the_managers_copy_alone(packet: Packet) -> None:
    known = patients(packet.subject)
    for name in ("packet.xlsx", "packet_data.xlsx"):
        sheets = packet.sheets(name)
        assert not [sheet for sheet in sheets if re.sub(r" \d+$", "", sheet) in LISTS]
        texts = {text for sheet in sheets.values() for text in sheet}
        assert not known & texts and "p-secret" not in texts and "PL1" not in texts
    pages = packet.file("packet.html").read_text(encoding="utf-8")
    assert not [patient for patient in known if f">{patient}<" in pages] and "huddle" not in pages.lower()
    words = {word for page in packet.pages("packet.pdf") for _, word in page}
    assert not known & words and "PL1" not in words

    ours = packet.sheets("manager.xlsx")
    kept = packet.sheets("manager_data.xlsx")
    assert set(LISTS) - {"Quality", "EOB claims"} <= set(ours) | set(kept)
    assert known & set(ours["Huddle"])
    assert [patient for patient in known if patient in packet.file("manager.html").read_text(encoding="utf-8")]
    assert known & {word for page in packet.pages("manager.pdf") for _, word in page}


def test_each_service_takes_two_pages_at_most_and_no_page_is_two_thirds_empty(packet: Packet) -> None:
    pages = packet.pages("packet.pdf")
    starts = {
        title: next(number for number, page in enumerate(pages, 1) if title in " ".join(word for _, word in page))
        for title in ("Self-pay program", "Patient engagement")
    }
    assert starts["Patient engagement"] - starts["Self-pay program"] <= 2
    assert len(pages) + 1 - starts["Patient engagement"] <= 2
    filled = [max(edge for edge, _ in page if BODY_TOP < edge < BODY_END) for page in pages]
    usable = BODY_END - BODY_TOP
    assert [number for number, edge in enumerate(filled, 1) if edge - BODY_TOP < usable / 3] == []


def test_a_caption_stands_on_the_page_of_its_table(packet: Packet) -> None:
    """The table's number, its column heads and its first row are words of one page."""
    pages = [" ".join(word for _, word in page) for page in packet.pages("packet.pdf")]
    captions = [(number, found) for number, page in enumerate(pages) for found in re.findall(r"Table \d+ ·", page)]
    assert len(captions) == len({found for _, found in captions}) >= 15, "a caption is printed once"
    tables = [grid for name in ("self_pay_review", "patient_engagement_review") for grid in grids(packet, name)]
    assert len(tables) > 8
    for grid in tables:
        words = " ".join(grid.caption.replace("\u200b", "").split())
        there = [page for page in pages if words.split(",")[0] in page]
        heads = [word for cell in grid.head[-1] for word in cell.text.split()]
        first = grid.body[0][0].text.split()
        assert any(all(word in page for word in (*heads, *first)) for page in there), grid.caption


def test_no_page_opens_with_an_orphan_line(packet: Packet) -> None:
    """What a page ends with is no heading: its section would begin on the next one."""
    for page in packet.pages("packet.pdf"):
        lines = sorted({round(edge) for edge, _ in page if BODY_TOP < edge < BODY_END})
        last = " ".join(word for edge, word in page if round(edge) == lines[-1])
        assert not last.startswith("Behind the") and last not in ("Terms", "How the month adds up"), last
