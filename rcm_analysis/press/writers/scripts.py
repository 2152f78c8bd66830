"""Fonts for what the shipped ones do not draw (Chinese, Arabic, emoji): from an optional package, or this machine.

They are looked for only when a document needs them, so that every other document is the same on every machine.
"""

from __future__ import annotations

import functools
import importlib.util
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typst
from fontTools.ttLib import TTFont, TTLibError

from .glyphs import coverage, font_folders

_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk", "noto_cjk_sans_jp_regular")
_LIKELY = ("noto", "cjk", "sans", "arial", "segoe", "emoji", "arab", "yahei", "pingfang", "malgun", "gothic", "unicode")
_UNLIKELY = ("serif", "mono", "bold", "italic", "oblique", "condensed", "light", "thin", "black", "color")
MOST_FONTS, MOST_LOOKED_AT = 6, 600
_SUFFIXES = {".ttf", ".otf", ".ttc"}
_RESTRICTED = 0x2


@dataclass(frozen=True)
class Found:
    """The font files that draw what was asked for, in the order of their use, and what they draw."""

    files: tuple[Path, ...] = ()
    covered: frozenset[int] = frozenset()


def fonts_for(points: Iterable[int]) -> Found:
    """Fonts for code points that the shipped fonts lack; as few as draw most of them.

    >>> fonts_for([]).files
    ()
    """
    open_points, files, covered = set(points), [], set[int]()
    for file in _candidates() if open_points else ():
        drawn = open_points & _drawn_by(file)
        if drawn:
            files.append(file)
            covered |= drawn
            open_points -= drawn
        if not open_points or len(files) == MOST_FONTS:
            break
    return Found(tuple(files), frozenset(covered))


def undrawn(value: Any) -> set[int]:
    """The code points in the texts of a JSON value that need a font of their own script."""
    found: set[int] = set()
    if isinstance(value, str):
        if not value.isascii():
            found = {ord(one) for one in unicodedata.normalize("NFC", value)} - coverage()
            found = {point for point in found if point > 0xFF and unicodedata.category(chr(point))[0] in "LMNPSZ"}
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            found |= undrawn(item)
    return found


def fonts_with(found: Found, folder: Path) -> tuple[typst.Fonts, list[str]]:
    """The shipped fonts with the files found, which are put into a private folder; and the names of their families."""
    families: list[str] = []
    for number, file in enumerate(found.files):
        own = folder / f"{number}"
        own.mkdir(parents=True)
        shutil.copyfile(file, own / f"font{file.suffix}")
        alone = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(own)])
        families += [name for name in alone.families() if name not in families]
    folders = [*font_folders(), *(str(folder / f"{number}") for number in range(len(found.files)))]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=folders), families


@functools.cache
def _candidates() -> tuple[Path, ...]:
    """Fonts of the optional packages, then those of the machine, likely ones first."""
    from matplotlib.font_manager import findSystemFonts

    of_machine = sorted((Path(name) for name in findSystemFonts()), key=lambda file: (_rank(file), file.name.lower()))
    return (*_of_packages(), *[file for file in of_machine if file.suffix.lower() in _SUFFIXES][:MOST_LOOKED_AT])


def _of_packages() -> Iterator[Path]:
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            files = (file for file in Path(place).rglob("*") if file.suffix.lower() in _SUFFIXES)
            yield from sorted(files, key=lambda file: (_rank(file), file.name))


def _rank(file: Path) -> int:
    name = file.stem.lower()
    return 2 * any(word in name for word in _UNLIKELY) - any(word in name for word in _LIKELY)


@functools.lru_cache(maxsize=MOST_LOOKED_AT + 100)
def _drawn_by(file: Path) -> frozenset[int]:
    """The code points that a font draws as outlines, if it may be put into a document."""
    try:
        with TTFont(file, lazy=True, fontNumber=0) as font:
            drawn_as_lines = "glyf" in font or "CFF " in font or "CFF2" in font
            restricted = "OS/2" in font and font["OS/2"].fsType & 0xF == _RESTRICTED
            return frozenset(font.getBestCmap() or ()) if drawn_as_lines and not restricted else frozenset()
    except (OSError, TTLibError, KeyError, ValueError, AssertionError):
        return frozenset()
