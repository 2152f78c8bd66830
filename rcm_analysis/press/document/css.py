"""What HTML says about its look: style sheets through tinycss2 and cssselect, colours through coloraide.

Only facts come out: a colour that was understood, a stretch of a bar, whether something is shown at all.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import cssselect
import tinycss2
from lxml import etree
from lxml import html as lxml_html

MOST_RULES = 3_000
LEAST_CONTRAST = 4.5
"""What text needs beside its ground (WCAG 2.2)."""

_PAPER = "#ffffff"
_ONE_ID = re.compile(r"#[\w-]+")
_HEX = re.compile(r"#[0-9a-f]{6}")
_NOTHING = {"", "none", "transparent", "inherit", "initial", "unset", "revert", "currentcolor"}
_BESIDE_A_COLOUR = re.compile(
    r"(no-repeat|repeat(-[xy])?|scroll|fixed|local|center|top|bottom|left|right|cover|contain|auto|none|initial"
    r"|(border|padding|content)-box|-?[\d.]+(%|[a-z]+)?|[/,])"
)
_ID_WEIGHT = (1, 0, 0)
_EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Ground:
    """What a cell stands on: a colour or nothing, how much of it a bar covers, and whether all of it was understood."""

    fill: str | None = None
    bar: float | None = None
    understood: bool = True


@functools.lru_cache(maxsize=4_096)
def shade(value: str) -> tuple[str, float] | None:
    """A CSS colour as #rrggbb and how far it covers what is behind it, 0 to 1; nothing for what is no colour.

    >>> shade("darkred"), shade("rgb(255 0 0 / 50%)"), shade("url(x)")
    (('#8b0000', 1.0), ('#ff0000', 0.5), None)
    """
    value = value.strip().lower()
    if _HEX.fullmatch(value):
        return value, 1.0
    from coloraide import Color

    try:
        found = Color(value)
        return found.convert("srgb").fit().to_string(hex=True, alpha=False), float(found.alpha())
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def colour(value: str, behind: str = _PAPER) -> str | None:
    """A CSS colour as it is seen over another, as #rrggbb, or nothing.

    >>> colour("#abc"), colour("hsl(0 100% 50%)"), colour("rgba(255, 0, 0, 0.5)"), colour("transparent")
    ('#aabbcc', '#ff0000', '#ff8080', None)
    """
    found = shade(value)
    if found is None or found[1] <= 0:
        return None
    top, cover = found
    if cover >= 1:
        return top
    pairs = ((int(top[place : place + 2], 16), int(behind[place : place + 2], 16)) for place in (1, 3, 5))
    return "#" + "".join(f"{round(over * cover + under * (1 - cover)):02x}" for over, under in pairs)


def luminance(colour: str) -> float:
    """How light a colour is, 0 to 1.

    Source
        WCAG 2.2, relative luminance

    >>> luminance("#ffffff"), luminance("#000000")
    (1.0, 0.0)
    """
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21; text needs 4.5, what is drawn 3.

    Source
        WCAG 2.2, contrast ratio

    >>> round(contrast("#ffffff", "#000000"), 1)
    21.0
    """
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def ground_of(style: Mapping[str, str]) -> Ground:
    """The ground that a style paints.

    >>> ground_of({"background-color": "darkred"}), ground_of({"background": "url(x.png)"})
    (Ground(fill='#8b0000', bar=None, understood=True), Ground(fill=None, bar=None, understood=False))
    >>> ground_of({"background": "linear-gradient(90deg, #d65f5f 40%, transparent 40%)"}).bar
    0.4
    """
    image = style.get("background-image", "")
    shorthand = style.get("background", "")
    plain = style.get("background-color", "")
    for value in (image, shorthand):
        if "(" in value and ("gradient" in value or "url" in value):
            bar = _bar(value)
            return Ground(colour(plain) if plain else None, bar, bar is not None)
    if plain.lower() not in _NOTHING:
        return Ground(colour(plain), None, shade(plain) is not None)
    return _of_shorthand(shorthand)


def _of_shorthand(value: str) -> Ground:
    if value.lower() in _NOTHING:
        return Ground()
    rest = []
    for part in _parts(value, " "):
        if shade(part) is not None:
            return Ground(colour(part))
        rest.append(part)
    return Ground(None, None, all(_BESIDE_A_COLOUR.fullmatch(part.lower()) for part in rest))


def _parts(value: str, between: str) -> list[str]:
    """The pieces of a CSS value, not parted inside brackets."""
    pieces: list[list[Any]] = [[]]
    for token in tinycss2.parse_component_value_list(value):
        is_gap = token.type == "whitespace" if between == " " else token.type == "literal" and token.value == between
        if is_gap:
            pieces.append([])
        else:
            pieces[-1].append(token)
    texts = (tinycss2.serialize(piece).strip() for piece in pieces)
    return [text for text in texts if text]


def _bar(value: str) -> float | None:
    """How much of its cell a horizontal gradient colours, as pandas draws bars; nothing for other pictures."""
    calls = [token for token in tinycss2.parse_component_value_list(value) if token.type == "function"]
    if len(calls) != 1 or calls[0].lower_name not in ("linear-gradient", "-webkit-linear-gradient"):
        return None
    pieces = _parts(tinycss2.serialize(calls[0].arguments), ",")
    if pieces and re.fullmatch(r"-?[\d.]+(deg|turn|rad)|(to )?(left|right)( .*)?", pieces[0]):
        pieces = pieces[1:]
    stops = [stop for piece in pieces for stop in _stops(piece)]
    if len(stops) < 2 or not any(place is not None for place, _ in stops) or None in [one for one, _ in stops[1:-1]]:
        return None
    (first, begins), (last, ends) = stops[0], stops[-1]
    stops = [(0.0, begins), (first or 0.0, begins), *stops[1:-1], (1.0 if last is None else last, ends), (1.0, ends)]
    covered = sum(
        max(0.0, (after or 0.0) - (before or 0.0))
        for (before, seen), (after, then) in zip(stops, stops[1:], strict=False)
        if seen and then
    )
    return round(min(1.0, covered), 4)


def _stops(piece: str) -> list[tuple[float | None, bool]]:
    """Place and whether anything is seen, for each stop of one piece of a gradient; a blend of colours has no place."""
    words = _parts(piece, " ")
    found = shade(words[0]) if words else None
    if found is None:
        return []
    places = [float(word[:-1]) / 100 for word in words[1:] if re.fullmatch(r"-?[\d.]+%", word)]
    seen = found[1] > 0 and found[0] != _PAPER
    return [(place, seen) for place in places] or [(None, seen)]


@functools.lru_cache(maxsize=8_192)
def declared(css: str) -> Mapping[str, str]:
    """The declarations of one style: names in lower case, values as text; an important one under its name and `!`, too.

    >>> dict(declared("Color: RED !important; background-color:#fff"))
    {'color': 'RED', 'color!': 'RED', 'background-color': '#fff'}
    """
    found = tinycss2.parse_blocks_contents(css, skip_comments=True, skip_whitespace=True)
    said: dict[str, str] = {}
    for one in found:
        if one.type == "declaration":
            value = tinycss2.serialize(one.value).strip()
            said |= {one.lower_name: value} | ({f"{one.lower_name}!": value} if one.important else {})
    return said


_UNSEEN = re.compile(r"0*\.?0+(%|px|pt|r?em)?")


def is_hidden(element: lxml_html.HtmlElement, style: Mapping[str, str]) -> bool:
    """Whether the author hid an element."""
    return (
        (element.get("hidden") is not None and "display" not in style)
        or style.get("display") == "none"
        or style.get("visibility") in ("hidden", "collapse")
        or _UNSEEN.fullmatch(style.get("opacity") or "1") is not None
        or _UNSEEN.fullmatch(style.get("font-size") or "1") is not None
    )


class Sheet:
    """The style sheets inside a piece of HTML, and what they say about each of its elements."""

    def __init__(self, root: lxml_html.HtmlElement) -> None:
        self._by_id: dict[str, dict[str, str]] = {}
        self._weak: dict[lxml_html.HtmlElement, dict[str, str]] = {}
        self._strong: dict[lxml_html.HtmlElement, dict[str, str]] = {}
        css = "\n".join(style.text or "" for style in root.iter("style"))
        if css.strip():
            self._read(css, root)

    def of(self, element: lxml_html.HtmlElement) -> Mapping[str, str]:
        """The declarations that hold for an element itself; nothing is inherited."""
        inline = declared(element.get("style") or "") if element.get("style") else _EMPTY
        named = self._by_id.get(element.get("id") or "", _EMPTY)
        weak, strong = self._weak.get(element, _EMPTY), self._strong.get(element, _EMPTY)
        if not (named or weak or strong):
            return inline
        merged = {**weak, **named, **strong, **inline}
        return merged | {name[:-1]: value for name, value in merged.items() if name.endswith("!")}

    def _read(self, css: str, root: lxml_html.HtmlElement) -> None:
        matched: list[tuple[tuple[int, int, int], str, Mapping[str, str]]] = []
        for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)[:MOST_RULES]:
            if rule.type != "qualified-rule":
                continue
            said = declared(tinycss2.serialize(rule.content))
            for selector in _parts(tinycss2.serialize(rule.prelude), ","):
                if _ONE_ID.fullmatch(selector):
                    self._by_id.setdefault(selector[1:], {}).update(said)
                else:
                    matched += [(weight, path, said) for weight, path in _paths(selector)]
        for weight, path, said in sorted(matched, key=lambda one: one[0]):
            store = self._weak if weight < _ID_WEIGHT else self._strong
            for element in root.xpath(path):
                store.setdefault(element, {}).update(said)


@functools.lru_cache(maxsize=2_048)
def _paths(selector: str) -> tuple[tuple[tuple[int, int, int], str], ...]:
    """Weight and XPath of a selector; a selector that says nothing about a page at rest has none."""
    translator = cssselect.HTMLTranslator()
    try:
        parsed = [one for one in cssselect.parse(selector) if one.pseudo_element is None]
        paths = [(one.specificity(), translator.selector_to_xpath(one)) for one in parsed]
        return tuple((weight, path) for weight, path in paths if etree.XPath(path) is not None)
    except (cssselect.SelectorError, etree.XPathError):
        return ()
