"""Pictures: which bytes may be shown, and how large they want to be."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...blocks.plain import notebook_text

PRINTABLE = ("image/svg+xml", "image/png", "image/jpeg")
EXTENSIONS = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg"}
_DATA_URI = re.compile(r"data:(image/(?:svg\+xml|png|jpeg));base64,(.+)", re.S)
_SVG_TAG = re.compile(rb"<svg\b[^>]*>", re.S)
_LENGTH = re.compile(rb"""\b(width|height)\s*=\s*["']\s*([\d.]+)\s*(pt|px|in|mm|cm)?\s*["']""")
_VIEW_BOX = re.compile(rb"""\bviewBox\s*=\s*["']\s*[-\d.eE]+[\s,]+[-\d.eE]+[\s,]+([\d.]+)[\s,]+([\d.]+)""")
_POINTS = {b"": 0.75, b"px": 0.75, b"pt": 1.0, b"in": 72.0, b"mm": 72 / 25.4, b"cm": 72 / 2.54}


@dataclass(frozen=True, slots=True)
class Picture:
    data: bytes
    mime: str


def _decoded(mime: str, text: str) -> Picture | None:
    if mime == "image/svg+xml" and text.lstrip().startswith("<"):
        return Picture(text.encode("utf-8", "replace"), mime)
    try:
        return Picture(base64.b64decode(text, validate=False), mime)
    except (binascii.Error, ValueError):
        return None


def picture_of_bundle(data: Mapping[str, Any]) -> Picture | None:
    """The best printable picture of an output's MIME bundle: drawn lines before pixels."""
    for mime in PRINTABLE:
        if data.get(mime):
            return _decoded(mime, notebook_text(data[mime]))
    return None


def picture_of_uri(uri: str, attachments: Mapping[str, Any]) -> Picture | None:
    """The picture behind a Markdown image: an attachment of the cell or a data URI, never a file or address."""
    if uri.startswith("attachment:"):
        bundle = attachments.get(uri.removeprefix("attachment:"))
        return picture_of_bundle(bundle) if isinstance(bundle, Mapping) else None
    match = _DATA_URI.fullmatch(uri)
    return _decoded(match[1], match[2]) if match else None


def size_in_points(picture_data: bytes, mime: str) -> tuple[float, float] | None:
    """Width and height of a picture in points, or nothing if it does not say.

    >>> size_in_points(b'<svg width="144pt" height="72pt"></svg>', "image/svg+xml")
    (144.0, 72.0)
    """
    if mime == "image/png" and picture_data[:8] == b"\x89PNG\r\n\x1a\n" and len(picture_data) >= 24:
        width, height = struct.unpack(">II", picture_data[16:24])
        return (width * 0.5, height * 0.5) if width and height else None
    if mime != "image/svg+xml":
        return None
    tag = _SVG_TAG.search(picture_data[:20_000])
    if not tag:
        return None
    lengths = {
        name: float(number) * _POINTS[unit] for name, number, unit in _LENGTH.findall(tag[0]) if _is_number(number)
    }
    if lengths.get(b"width") and lengths.get(b"height"):
        return lengths[b"width"], lengths[b"height"]
    box = _VIEW_BOX.search(tag[0])
    if box and _is_number(box[1]) and _is_number(box[2]) and float(box[1]) and float(box[2]):
        return float(box[1]) * 0.75, float(box[2]) * 0.75
    return None


def _is_number(text: bytes) -> bool:
    return re.fullmatch(rb"\d+\.?\d*|\.\d+", text) is not None
