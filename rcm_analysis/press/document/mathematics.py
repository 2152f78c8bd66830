"""TeX to MathML, through latex2mathml; what it does not know stays the TeX it was.

The PDF sets the same formula with Typst's own mathematics: `tree` gives the MathML as plain lists, never as markup.
"""

from __future__ import annotations

import functools
import html
import re
from typing import Any
from xml.etree import ElementTree

import latex2mathml.converter

from ...blocks.plain import clean

LONGEST = 4_000
_SPACE = "http://www.w3.org/1998/Math/MathML"
_CHILDREN = {
    "math": None, "mrow": None, "mstyle": None, "mtable": None, "mtr": None, "mtd": None, "msqrt": None,
    "mpadded": None, "mphantom": None, "menclose": None, "mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2,
    "mover": 2, "msubsup": 3, "munderover": 3, "mi": 0, "mn": 0, "mo": 0, "mtext": 0, "mspace": 0,
}  # fmt: skip
"""The elements that may stand on a page, with the children that each must have; None: any number."""
_KEPT = {"displaystyle", "scriptlevel", "stretchy", "fence", "form", "accent", "accentunder", "linethickness"}
_KEPT |= {"columnalign", "rowspacing", "columnspacing", "mathvariant", "minsize", "maxsize", "width", "notation"}
_FENCES = set("()[]{}|\u2016\u2225\u27e8\u27e9\u230a\u230b\u2308\u2309")
_BRACES = {"\u23df": "underbrace", "\u23de": "overbrace"}
_BOLD = {chr(65 + place): chr(0x1D400 + place) for place in range(26)}
_BOLD |= {chr(97 + place): chr(0x1D41A + place) for place in range(26)}
_DELIMITERS = ((r"\[", r"\]"), (r"\(", r"\)"), ("$$", "$$"), ("$", "$"))
_NUMBERED = re.compile(r"\{(align|equation|gather|multline|eqnarray|alignat|flalign)\}")
_LABEL, _TAG = re.compile(r"\\label\{[^{}]*\}|\\(nonumber|notag)\b"), re.compile(r"\\tag(\*?)\{([^{}]*)\}")
_ACCENTS = {
    "^": "\u0302", "\u02c6": "\u0302", "~": "\u0303", "\u02dc": "\u0303", "\u00af": "\u0304", "\u2015": "\u0305",
    "\u203e": "\u0305", "_": "\u0305", "\u02d9": "\u0307", ".": "\u0307", "\u00a8": "\u0308", "\u2192": "\u20d7",
    "\u20d7": "\u20d7", "\u02c7": "\u030c", "\u02d8": "\u0306", "\u00b4": "\u0301", "`": "\u0300",
}  # fmt: skip


def bare(tex: str) -> tuple[str, bool]:
    """TeX without its delimiters, and whether they ask for a line of its own.

    >>> bare(r"$$\\frac{a}{b}$$"), bare(r"$\\displaystyle x$"), bare("x")
    (('\\\\frac{a}{b}', True), ('\\\\displaystyle x', False), ('x', False))
    """
    tex = tex.strip()
    for begin, end in _DELIMITERS:
        if tex.startswith(begin) and tex.endswith(end) and len(tex) > len(begin) + len(end):
            inner = tex[len(begin) : -len(end)].strip()
            if begin not in inner:
                return inner, begin in ("$$", r"\[")
    return tex, tex.startswith(r"\begin{")


@functools.lru_cache(maxsize=2_048)
def mathml(tex: str, display: bool = False) -> str | None:
    """A formula as MathML of presentation elements only, or nothing where the TeX is not understood.

    >>> mathml("x^2")
    '<math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>'
    >>> mathml(r"\\unknown{x}") is None
    True
    """
    root = _element(tex, display)
    return None if root is None else ElementTree.tostring(root, encoding="unicode")


@functools.lru_cache(maxsize=2_048)
def tree(tex: str) -> list[Any] | None:
    """A formula as lists that the PDF's template reads: a kind, then texts or lists.

    >>> tree(r"\\frac{a}{2}")
    ['frac', ['i', 'a'], ['n', '2']]
    """
    root = _element(tex, False)
    return None if root is None else _branch(root)


def _element(tex: str, display: bool) -> ElementTree.Element | None:
    if len(tex) > LONGEST or tex.count("{") != tex.count("}"):
        return None
    plain = _LABEL.sub("", _NUMBERED.sub(r"{\1*}", clean(tex)))
    plain = _TAG.sub(lambda tag: rf"\qquad\text{{{tag[2] if tag[1] else f'({tag[2]})'}}}", plain)
    if r"\\" in plain and r"\begin" not in plain:
        plain = rf"\begin{{align*}}{plain}\end{{align*}}"
    try:
        root = latex2mathml.converter.convert_to_element(plain, display="block" if display else "inline")
        return _checked(root)
    except Exception:  # noqa: BLE001 -- the library raises whatever it meets; the formula then stays TeX
        return None


def _checked(found: ElementTree.Element) -> ElementTree.Element:
    """The element with known parts only; raises ValueError at the first that is not."""
    name = found.tag.removeprefix(f"{{{_SPACE}}}")
    if name not in _CHILDREN:
        raise ValueError(name)
    wanted = _CHILDREN[name]
    children = [_checked(child) for child in found]
    if wanted is not None and len(children) != wanted:
        raise ValueError(name)
    made = ElementTree.Element(name, {key: value for key, value in found.attrib.items() if key in _KEPT})
    if name == "math":
        made.set("display", found.get("display") or "inline")
    text = clean(html.unescape(found.text or ""))
    if "\\" in text or (text == "&" and name != "mtext") or (text.strip() and wanted != 0):
        raise ValueError(text)
    made.text = text or None
    made.extend(children)
    return made


def _branch(element: ElementTree.Element) -> list[Any]:
    name, text, inner = element.tag, element.text or "", list(element)
    if name == "mi" and element.get("mathvariant") == "normal":
        return ["t", text]
    if name in ("mi", "mn", "mo", "mtext"):
        return [{"mi": "i", "mn": "n", "mo": "o", "mtext": "t"}[name], _in_face(text, element.get("mathvariant", ""))]
    if name == "mspace":
        return ["t", " "]
    if name == "mtable":
        kind = "aligned" if element.get("displaystyle") == "true" else "table"
        return [kind, *([_row(list(cell)) for cell in row] for row in inner)]
    if name in ("msqrt", "mfrac", "mroot"):
        parts = [_row(inner)] if name == "msqrt" else [_branch(child) for child in inner]
        return [{"msqrt": "sqrt", "mfrac": "frac", "mroot": "root"}[name], *parts]
    if name in ("msub", "msup", "msubsup", "munder", "mover", "munderover"):
        return _attached(name, [_branch(child) for child in inner])
    return _row(inner)


def _row(children: list[ElementTree.Element]) -> list[Any]:
    """A row; what stands between fences that grow is one, so that they grow with it."""
    branches = [_branch(child) for child in children]
    grown = [place for place, child in enumerate(children) if _grows(child)]
    if len(grown) > 1:
        first, last = grown[0], grown[-1] + 1
        branches = [*branches[:first], ["lr", *branches[first:last]], *branches[last:]]
    elif grown and len(branches) > 1:
        branches = [["lr", *branches]]
    return branches[0] if len(branches) == 1 else ["row", *branches]


def _grows(element: ElementTree.Element) -> bool:
    return element.tag == "mo" and element.text in _FENCES and element.get("stretchy") != "false"


def _attached(name: str, parts: list[list[Any]]) -> list[Any]:
    """Base, what stands below, what stands above; an accent is one with its base."""
    base, *marks = parts
    if name == "mover" and marks[0][0] == "o" and marks[0][1] in _ACCENTS:
        return ["accent", base, _ACCENTS[marks[0][1]]]
    if len(marks) == 1 and marks[0][0] == "o" and marks[0][1] in _BRACES:
        return [_BRACES[marks[0][1]], base]
    below = marks[0] if "sub" in name or "under" in name else None
    above = marks[-1] if name not in ("msub", "munder") else None
    return ["limits" if "under" in name or "over" in name else "attach", base, below, above]


def _in_face(text: str, variant: str) -> str:
    """Letters in the face that MathML names beside them: bold, for which Unicode has letters of its own."""
    if "bold" not in variant:
        return text
    return "".join(_BOLD.get(one, one) for one in text)


__all__ = ["bare", "mathml", "tree"]
