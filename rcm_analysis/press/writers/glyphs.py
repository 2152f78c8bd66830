"""Which characters the shipped fonts can draw.

Under PDF/A and PDF/UA the first character without a glyph stops the whole document, so what cannot be drawn
is replaced by its number before the page is set, and reported.
"""

from __future__ import annotations

import functools
import importlib.util
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typst
from fontTools.ttLib import TTFont

from ...errors import RunError

_FONTS = Path(__file__).parent / "fonts"
_SOURCE_SANS = ("Regular", "It", "Semibold", "SemiboldIt")
_DEJAVU = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique")
_ZERO_WIDTH = {0x200B, 0x200C, 0x200D, 0x2060}
_SELECTORS = set(range(0xFE00, 0xFE10))
NEVER_CLEANED = frozenset({"path", "id", "k", "h", "palette", "tree", "c", "f", "fonts"})


def font_files() -> tuple[tuple[Path, ...], ...]:
    """The files of each family, all styles: Source Sans 3 (ours) and DejaVu Sans (matplotlib's)."""
    found = importlib.util.find_spec("matplotlib")
    places = list(found.submodule_search_locations or []) if found else []
    families = [tuple(_FONTS / f"SourceSans3-{style}.ttf" for style in _SOURCE_SANS)]
    for place in places:
        files = tuple(Path(place) / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf" for name in _DEJAVU)
        if all(file.is_file() for file in files):
            families.append(files)
    return tuple(families)


def font_folders() -> list[str]:
    """The folders of the fonts: Typst takes folders and ignores files."""
    return [str(family[0].parent) for family in font_files()]


@functools.cache
def typst_fonts() -> typst.Fonts:
    """The fonts a page may use: ours, matplotlib's and Typst's own, never the machine's."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=font_folders())
    absent = {"Source Sans 3", "DejaVu Sans"} - set(fonts.families())
    if absent:
        raise RunError(
            f"The PDF needs the font families Source Sans 3 and DejaVu Sans; not found: {', '.join(sorted(absent))}. "
            "They come with rcm_analysis and matplotlib: install both again."
        )
    return fonts


@functools.cache
def coverage() -> frozenset[int]:
    """The code points that one family draws in all of its styles.

    >>> ord("é") in coverage(), ord("▲") in coverage(), ord("你") in coverage()
    (True, True, False)
    """
    covered: set[int] = set()
    for family in font_files():
        covered |= set.intersection(*(_code_points(file) for file in family))
    return frozenset(covered)


def _code_points(file: Path) -> set[int]:
    with TTFont(file, lazy=True) as font:
        return set(font.getBestCmap())


def drawable(text: str, missing: Counter[str], covered: frozenset[int] | None = None) -> str:
    """`text` with every character that cannot be drawn replaced by its number, counted in `missing`.

    >>> missing = Counter()
    >>> drawable("Dr. 你", missing), dict(missing)
    ('Dr. [U+4F60]', {'U+4F60': 1})
    """
    if text.isascii() and (text.isprintable() or not any(ord(c) < 32 and c not in "\n\t" or c == "\x7f" for c in text)):
        return text
    covered = covered or coverage()
    drawn = []
    for character in unicodedata.normalize("NFC", text):
        point = ord(character)
        if character in "\n\t" or point in _ZERO_WIDTH:
            drawn.append(character)
        elif point < 32 or 0x7F <= point < 0xA0 or point in _SELECTORS or point == 0xAD:
            continue
        elif point in covered and not 0xE000 <= point <= 0xF8FF and unicodedata.category(character) != "Cf":
            drawn.append(character)
        else:
            missing[f"U+{point:04X}"] += 1
            drawn.append(f"[U+{point:04X}]")
    return "".join(drawn)


def cleaned(value: Any, missing: Counter[str], covered: frozenset[int] | None = None) -> Any:
    """`drawable` for every string of a JSON value, except paths, anchors and links."""
    if isinstance(value, str):
        return drawable(value, missing, covered)
    if isinstance(value, list):
        return [cleaned(item, missing, covered) for item in value]
    if isinstance(value, dict):
        return {key: item if key in NEVER_CLEANED else cleaned(item, missing, covered) for key, item in value.items()}
    return value


def said(missing: Iterable[tuple[str, int]]) -> str:
    """The warning about characters that could not be drawn."""
    counts = sorted(missing)
    shown = ", ".join(f"{name} ({count}×)" for name, count in counts[:12])
    more = f" and {len(counts) - 12} more" if len(counts) > 12 else ""
    return (
        f"The PDF fonts cannot draw {len(counts)} different characters; they are printed as their numbers: "
        f"{shown}{more}. Fonts for more scripts: pip install 'rcm_analysis[scripts]'."
    )
