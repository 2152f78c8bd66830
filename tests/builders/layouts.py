"""How a page looks, in lines of text that can be compared: words, boxes and colors, never pixels.

A line is its words or the name of a box, then " | ", then numbers; fonts are our own, so that they hardly move.
"""

from __future__ import annotations

import html
import re
from itertools import groupby
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils import get_column_letter

from builders.packets import words_of

TOLERANCE = 4.0
"""Points or pixels by which a box may move."""
CHROMIUM = Path("/usr/bin/chromium")
BOXES = (
    "h1,h2,h3,.logo,.headline,.split .bar,.split li,.card,.callout,caption,thead,tbody,figure img,nav.contents,footer"
)
FIRST = 60
"""So many boxes of a screen are kept: its first pages."""
MEASURE = """selectors => [...document.querySelectorAll(selectors)].map(one => {
  const box = one.getBoundingClientRect(), look = getComputedStyle(one);
  return {name: one.tagName.toLowerCase() + (one.classList[0] ? '.' + one.classList[0] : ''),
          words: one.matches('h1,h2,h3,.headline,.split li,caption') ? one.innerText : '',
          box: [box.x, box.y + scrollY, box.width, box.height], ink: look.color, ground: look.backgroundColor};
})"""


def masked(words: str) -> str:
    """The words without their numbers, which are another matter."""
    return re.sub(r"\d[\d,.]*", "#", words)


def pdf_layout(pdf: Path, pages: list[int]) -> list[str]:
    """Each line of text on these pages with its left edge and its foot, in points."""
    out = []
    for number in pages:
        words = [(*map(float, word.group(1, 2, 3, 4)), html.unescape(word[5])) for word in words_of(pdf)[number - 1]]
        for foot, line in groupby(
            sorted(words, key=lambda word: (round(word[3]), word[0])), lambda word: round(word[3])
        ):
            row = list(line)
            out.append(f"{number} {masked(' '.join(word[4] for word in row))} | {row[0][0]:.0f} {foot}")
    return out


def html_layout(page: Path, width: int, scheme: str) -> list[str]:
    """Each heading, table, figure, card and piece of a bar with its box in pixels; of a dark screen its colors."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip("Debian's chromium is not installed")
    with playwright.sync_playwright() as program:
        browser = program.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
        shown.goto(page.as_uri())
        shown.evaluate("document.fonts.ready")
        found = shown.evaluate(MEASURE, BOXES)
        browser.close()
    if scheme != "light":
        return sorted({f"{one['name']} {one['ink']} on {one['ground']} | 0" for one in found})
    out, last = [], 0.0
    for one in found[:FIRST]:
        x, y, wide, high = one["box"]
        words = masked(" ".join(str(one["words"]).split()))
        out.append(f"{one['name']} {words} {one['ink']} | {x:.0f} {y - last:.0f} {wide:.0f} {high:.0f}")
        last = y
    return out


def sheet_layout(workbook: Path, sheets: list[str]) -> list[str]:
    """Each cell's words with font and format; widths and heights in numbers."""
    book, out = openpyxl.load_workbook(workbook), []
    out += [f"sheet {name} | 0" for name in book.sheetnames]
    for sheet in (book[name] for name in sheets):
        letters = [get_column_letter(number) for number in range(1, sheet.max_column + 1)]
        widths = " ".join(f"{sheet.column_dimensions[letter].width or 8:.0f}" for letter in letters)
        out.append(f"{sheet.title} frozen at {sheet.freeze_panes}, {sheet.page_setup.orientation} | {widths}")
        for row in sheet.iter_rows():
            height = sheet.row_dimensions[row[0].row].height or 15
            for cell in row:
                if cell.value is not None:
                    font = f"{cell.font.name} {cell.font.size:.0f}{' bold' if cell.font.bold else ''}"
                    out.append(
                        f"{cell.coordinate} {masked(str(cell.value))} ({font}, {cell.number_format}) | {height:.0f}"
                    )
    return [" ".join(line.split()) for line in out]


def differences(expected: list[str], found: list[str], tolerance: float = TOLERANCE) -> list[str]:
    """The lines that are another: other words, or a number that moved by more than the tolerance."""
    if len(expected) != len(found):
        return [f"expected {len(expected)} lines, found {len(found)}", *sorted(set(expected) ^ set(found))[:20]]
    out = []
    for old, new in zip(expected, found, strict=True):
        (words, _, numbers), (now, _, at) = old.rpartition(" | "), new.rpartition(" | ")
        moved = [abs(float(a) - float(b)) for a, b in zip(numbers.split(), at.split(), strict=False)]
        if words != now or len(numbers.split()) != len(at.split()) or max(moved, default=0) > tolerance:
            out.append(f"{old}  ->  {new}")
    return out[:20]
