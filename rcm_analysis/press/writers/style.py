"""What both writers share: the few words that a page itself says, how much fits on it, and the palette as CSS."""

from __future__ import annotations

import datetime as dt
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...blocks.palette import DARK, PALETTE, variables
from ...blocks.vocabulary import Card, Comparison, Meta, Note
from ..document.css import contrast
from ..document.document import Grid
from ..document.html_tables import rectangular

__all__ = ["contrast"]

PDF_ROWS = 1_500
HTML_ROWS = 5_000
PDF_LINES, HTML_LINES = 200, 5_000
"""Lines of one print-out; the others are counted where they are left out."""

_SHORT_ANSWER = 16

COVERS = {"cover": "#14425f", "cover_ink": "#ffffff"}, {"cover": "#0e2c40", "cover_ink": "#ffffff"}
"""The band above a page, and what stands in it: light, dark."""

TEXT_CONTRAST = 4.5

TONES = {"strong": "strong", "medium": "medium", "light": "light", "pale": "pale", "neutral": "mute", "alert": "bad"}
"""The tone of a piece of a whole -> its colour; dark, light and burnt stay apart in grey print."""

STATUS_WORDS = {"good": "on target", "bad": "off target", "neutral": "", "empty": "no data"}
STATUS_MARKS = {"good": "✓", "bad": "!", "neutral": "", "empty": "–"}
DIRECTION_MARKS = {"up": "▲", "down": "▼", "flat": "■"}
DIRECTION_WORDS = {"up": "up", "down": "down", "flat": "unchanged"}
SEVERITY_WORDS = {"high": "High", "medium": "Medium", "low": "Low"}
SEVERITY_COLOURS = {"high": "bad", "medium": "brand", "low": "mute"}


@dataclass(frozen=True)
class Palettes:
    """The colors of a document: of paper and a light screen, and of a dark one; `said` where a color had to give."""

    light: Mapping[str, str]
    dark: Mapping[str, str]
    said: str = ""


def palettes(color: str = "") -> Palettes:
    """The palettes in a firm's color, or as shipped without one.

    The color is that of band, headings and lines; what numbers mean (better, worse, the pieces of a bar) keeps its
    colors, as it must be told apart. A color on which or in which text could not be read is darkened as far as needed;
    a dark screen gets it lightened.

    >>> palettes("#ffcc00").said.partition(", and")[0]
    'The color #ffcc00 has a contrast of 1.3 on the grounds it is read on'
    >>> palettes("#14425f").said, palettes("#14425f").light["brand"]
    ('', '#14425f')
    """
    if not color:
        return Palettes(PALETTE | COVERS[0], DARK | COVERS[1])
    grounds, dark_grounds = ([palette["paper"], palette["tint"]] for palette in (PALETTE, DARK))
    brand = _until_read(color, "#000000", grounds)
    on_dark = _until_read(brand, "#ffffff", dark_grounds)
    ours = {"brand": brand, "brand_tint": _tint(brand, grounds), "cover": brand, "cover_ink": "#ffffff"}
    darkened = {"brand": on_dark, "brand_tint": _tint(on_dark, dark_grounds), "cover": mixed(brand, "#000000", 0.35)}
    worst = math.floor(10 * _least(color, grounds)) / 10
    said = (
        f"The color {color} has a contrast of {worst} on the grounds it is read on, and text needs {TEXT_CONTRAST}: it "
        f"is printed as {brand}."
    )
    return Palettes(PALETTE | ours, DARK | COVERS[1] | darkened, said if brand != color else "")


def _until_read(color: str, towards: str, grounds: Sequence[str]) -> str:
    """The color moved as little as needed for text in it to be read on each ground, and on its own tint there."""
    steps = (mixed(color, towards, step / 100) for step in range(101))
    return next(found for found in steps if _least(found, grounds) >= TEXT_CONTRAST)


def _least(color: str, grounds: Sequence[str]) -> float:
    return min(contrast(color, ground) for ground in (*grounds, _tint(color, grounds)))


def _tint(color: str, grounds: Sequence[str]) -> str:
    return mixed(color, grounds[0], 0.92)


def mixed(color: str, other: str, share: float) -> str:
    """The color with so much of the other in it, 0 to 1.

    >>> mixed("#000000", "#ffffff", 0.5)
    '#808080'
    """
    parts = ((int(color[place : place + 2], 16), int(other[place : place + 2], 16)) for place in (1, 3, 5))
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in parts)


def css_variables(color: str = "") -> str:
    """The palettes as CSS rules: light, and dark for a screen that asks for it; paper is always light.

    >>> css_variables().startswith(":root{color-scheme:light dark;--ink:#1a2733;"), css_variables().count("--ink")
    (True, 2)
    """
    both = palettes(color)
    return (
        f":root{{color-scheme:light dark;{variables(both.light)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{variables(both.dark)}}}}}"
    )


def day_in_words(text: str) -> str:
    """An ISO date as an American reader writes it; anything else unchanged.

    >>> day_in_words("2026-10-31"), day_in_words("soon")
    ('October 31, 2026', 'soon')
    """
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day:%B} {day.day}, {day.year}"


def cover_lines(meta: Meta) -> list[str]:
    """Period and as-of date, as they stand under the title; a day that the period names already is not said twice."""
    period = meta.period_title or meta.period
    day = day_in_words(meta.as_of)
    as_of = f"as of {day}" if day and day not in period else ""
    line = ", ".join(part for part in (period, as_of) if part)
    return [line[:1].upper() + line[1:]] if line else []


def numbered_title(word: str, number: int | None, title: str) -> str:
    """ "Table 3 · Aging by payer", or what of it there is.

    >>> numbered_title("Table", 3, "Aging by payer"), numbered_title("Figure", None, "")
    ('Table 3 · Aging by payer', '')
    """
    return " · ".join(part for part in (f"{word} {number}" if number else "", title) if part)


def change_word(comparison: Comparison) -> str:
    """What the change means, in a word that survives a grey printer.

    >>> change_word(Comparison("Last month", "$3", "up", True)), change_word(Comparison("A year ago", "$3", "flat"))
    ('better', 'same')
    """
    if comparison.good is not None:
        return "better" if comparison.good else "worse"
    return "same" if comparison.direction == "flat" else ""


def note_word(note: Note) -> str:
    return "Please note" if note.tone == "warning" else "Note"


def has_turned(text: str) -> bool:
    """Whether a text has letters that are read from right to left.

    >>> has_turned("Paid 12"), has_turned("\u0645\u062d\u0645\u062f 12")
    (False, True)
    """
    return not text.isascii() and any(unicodedata.bidirectional(one) in ("R", "AL") for one in text)


def is_turned(text: str) -> bool:
    """Whether a text begins with letters that are read from right to left.

    >>> is_turned("Paid 12"), is_turned("12 \u0645\u062d\u0645\u062f")
    (False, True)
    """
    if text.isascii():
        return False
    first = next((kind for one in text if (kind := unicodedata.bidirectional(one)) in ("L", "R", "AL")), "L")
    return first != "L"


def whereabouts(table: Grid, workbook: bool) -> str:
    """Where the whole of a table is that a page holds only a part of: a table of ours has a sheet in the workbook."""
    return "all are in the workbook" if workbook and table.name else "the notebook holds them all"


def capped(table: Grid, limit: int, *, workbook: bool = True) -> Grid:
    """The table with at most `limit` rows and all its totals, and a note that says where the rest is.

    >>> from rcm_analysis.press.document.document import Cell
    >>> long = Grid(1, (), tuple((Cell(str(n)),) for n in range(5)), emphasis=frozenset({4}), name="claims")
    >>> short = capped(long, 2)
    >>> [row[0].text for row in short.body], sorted(short.emphasis), short.notes
    (['0', '1', '4'], [2], ('Rows 1–2 of 4; all are in the workbook.',))
    """
    ordinary = [y for y in range(len(table.body)) if y not in table.emphasis]
    if len(ordinary) <= limit:
        return table
    kept = sorted([*ordinary[:limit], *table.emphasis])
    body = rectangular(tuple(table.body[y] for y in kept), table.columns)
    note = f"Rows 1–{limit:,} of {len(ordinary):,}; {whereabouts(table, workbook)}."
    emphasis = frozenset(position for position, y in enumerate(kept) if y in table.emphasis)
    return replace(table, body=body, emphasis=emphasis, notes=(*table.notes, note))


def cards_abreast(cards: Sequence[Card]) -> int:
    """How many cards share a row in one style, whatever their length: two, or three with short answers; else 0."""
    if len(cards) == 3 and any(map(card_is_wide, cards)):
        return 3 * all(len(card.answer) <= 2 * _SHORT_ANSWER and len(card.detail) <= 220 for card in cards)
    return 2 * (len(cards) == 2)


def card_is_wide(card: Card) -> bool:
    """Whether the answer is a sentence, which needs the whole width, rather than a number."""
    return len(card.answer) > _SHORT_ANSWER or len(card.detail) > 140
