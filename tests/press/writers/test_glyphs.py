"""What the fonts can draw, and what happens to the rest."""

from __future__ import annotations

import datetime as dt
import io
from collections import Counter

import pikepdf
import pytest

from rcm_analysis.blocks.vocabulary import Meta, Note
from rcm_analysis.press.document.document import Document, Paragraph, Run
from rcm_analysis.press.writers import pdf
from rcm_analysis.press.writers.glyphs import cleaned, coverage, drawable, font_files, said, typst_fonts

MOMENT = dt.datetime(2026, 11, 5, 9, tzinfo=dt.UTC)


def test_all_font_files_are_shipped_with_their_licence():
    families = font_files()
    assert len(families) == 2 and all(file.is_file() for family in families for file in family)
    licence = families[0][0].parent / "OFL.txt"
    assert "SIL Open Font License, Version 1.1" in licence.read_text(encoding="utf-8")


def test_the_families_that_the_template_names_are_found():
    assert {"Source Sans 3", "DejaVu Sans", "DejaVu Sans Mono"} <= set(typst_fonts().families())


@pytest.mark.parametrize("text", ["plain", "Ōoku", "Grey’s “Anatomy”", "≥ 95 % – ▲▼■✓", "Привет", "€ £ ¢"])
def test_what_a_report_needs_can_be_drawn(text):
    missing: Counter[str] = Counter()
    assert drawable(text, missing) == text and not missing


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        pytest.param("你", "[U+4F60]", id="a character no font holds becomes its number"),
        pytest.param("a\x00\x1bb", "ab", id="control characters go"),
        pytest.param("e\u0301", "é", id="letters are composed"),
        pytest.param("a\ufe0fb\u00adc", "abc", id="invisible selectors and soft hyphens go"),
        pytest.param("\ue000", "[U+E000]", id="a private character becomes its number"),
    ],
)
def test_what_cannot_be_drawn(text, drawn):
    assert drawable(text, Counter()) == drawn


def test_paths_anchors_and_links_are_not_touched():
    value = {"t": "你", "path": "figure-001.svg", "id": "你", "h": "https://example.org/你", "x": [{"t": "ok"}]}
    assert cleaned(value, Counter()) == {**value, "t": "[U+4F60]"}


@pytest.mark.parametrize(
    "style", [{}, {"bold": True, "italic": True}, {"code": True, "bold": True}], ids=["plain", "bold italic", "code"]
)
def test_every_covered_character_can_really_be_set(style):
    """The promise behind the whole module: pages of all characters of the coverage compile."""
    points = sorted(coverage())
    safe = " ".join(
        drawable("".join(map(chr, points[start : start + 40])), Counter()) for start in range(0, len(points), 40)
    )
    result = pdf.render(Document(Meta(title="All"), (Paragraph((Run(safe, **style),)),)), timestamp=MOMENT)
    assert result.pages >= 2


def test_missing_characters_are_reported_once_with_their_numbers():
    document = Document(Meta(title="Report"), (Note("你好你"),))
    result = pdf.render(document, timestamp=MOMENT)
    (warning,) = result.warnings
    assert "U+4F60 (2×)" in warning and "2 different characters" in warning
    assert "3 more" in said([(f"U+{n:04X}", 1) for n in range(15)])


def test_the_pdf_embeds_the_shipped_font():
    result = pdf.render(Document(Meta(title="Report"), (Note("x"),)), timestamp=MOMENT)
    with pikepdf.open(io.BytesIO(result.bytes)) as opened:
        names = {
            str(item.get("/BaseFont"))
            for item in opened.objects
            if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == pikepdf.Name.Font
        }
    assert any("SourceSans3" in name for name in names)
