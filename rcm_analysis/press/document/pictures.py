"""Pictures: which bytes may be shown, and how large they want to be."""

from __future__ import annotations

import base64
import binascii
import html
import io
import mimetypes
import re
import struct
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from ...blocks.plain import notebook_text, one_line
from .document import Picture

PRINTABLE = ("image/svg+xml", "image/png", "image/jpeg", "image/webp", "image/gif")
EXTENSIONS = {
    "image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif",
}  # fmt: skip
LARGEST_FILE = 30 << 20
_DATA_URI = re.compile(r"data:(image/[\w.+-]+)((?:;(?!base64)[\w=-]+)*)(;base64)?,(.+)", re.S)
_SVG_TAG = re.compile(rb"<svg\b[^>]*>", re.S)
_SVG_BEGINS, _NAMED_SVG = re.compile(r"<svg\b", re.I), '<svg xmlns="http://www.w3.org/2000/svg"'
_LENGTH = re.compile(rb"""\b(width|height)\s*=\s*["']\s*([\d.]+)\s*(pt|px|in|mm|cm)?\s*["']""")
_VIEW_BOX = re.compile(rb"""\bviewBox\s*=\s*["']\s*[-\d.eE]+[\s,]+[-\d.eE]+[\s,]+([\d.]+)[\s,]+([\d.]+)""")
_HTML_INSIDE = re.compile(rb"<foreignObject\b[^>]*>(.*?)</foreignObject>", re.S)
_VARIABLE = re.compile(rb"var\(\s*--[\w-]+\s*,\s*([^()]+?)\s*\)")
_POINTS = {b"": 0.75, b"px": 0.75, b"pt": 1.0, b"in": 72.0, b"mm": 72 / 25.4, b"cm": 72 / 2.54}


def _decoded(mime: str, text: str) -> Picture | None:
    if mime == "image/svg+xml" and text.lstrip().startswith("<"):
        named = text if "http://www.w3.org/2000/svg" in text else _SVG_BEGINS.sub(_NAMED_SVG, text, count=1)
        return Picture(named.encode("utf-8", "replace"), mime)
    try:
        return _printable(mime, base64.b64decode(text, validate=False))
    except (binascii.Error, ValueError):
        return None


def _printable(mime: str, data: bytes) -> Picture | None:
    """The picture as it is, or drawn again as PNG where only few programs know its kind."""
    if not data:
        return None
    if mime in PRINTABLE:
        return Picture(data, mime)
    from PIL import Image

    made = io.BytesIO()
    try:
        Image.open(io.BytesIO(data)).convert("RGBA").save(made, "PNG")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return Picture(made.getvalue(), "image/png")


def picture_of_bundle(data: Mapping[str, Any]) -> Picture | None:
    """The best printable picture of an output's MIME bundle: drawn lines before pixels."""
    others = sorted(mime for mime in data if mime.startswith("image/") and mime not in PRINTABLE)
    for mime in (*PRINTABLE, *others):
        if data.get(mime) and (found := _decoded(mime, notebook_text(data[mime]))):
            return found
    return None


def picture_of_uri(uri: str, attachments: Mapping[str, Any], folder: Path | None = None) -> Picture | None:
    """The picture behind an address in a notebook: an attachment of the cell, a data URI, or a file in its own folder.

    Nothing is fetched from the network, and no file is read outside `folder`, or without one.
    """
    if uri.startswith("attachment:"):
        bundle = attachments.get(unquote(uri.removeprefix("attachment:")))
        return picture_of_bundle(bundle) if isinstance(bundle, Mapping) else None
    match = _DATA_URI.fullmatch(uri.strip())
    if match:
        mime, _, packed, text = match.groups()
        return _decoded(mime, unquote(text)) if packed else _printable(mime, unquote_to_bytes(text))
    return _picture_of_file(uri, folder) if folder else None


def _picture_of_file(uri: str, folder: Path) -> Picture | None:
    try:
        parts = urlsplit(uri)
        file = (folder / PurePosixPath(unquote(parts.path))).resolve()
        mime = mimetypes.guess_type(file.name)[0] or ""
        is_ours = not (parts.scheme or parts.netloc) and file.is_relative_to(folder.resolve())
        if not is_ours or not mime.startswith("image/") or file.stat().st_size > LARGEST_FILE:
            return None
        return _printable(mime, file.read_bytes())
    except (OSError, ValueError):
        return None


def size_in_points(picture_data: bytes, mime: str) -> tuple[float, float] | None:
    """Width and height of a picture in points, or nothing if it does not say.

    >>> size_in_points(b'<svg width="144pt" height="72pt"></svg>', "image/svg+xml")
    (144.0, 72.0)
    """
    if mime == "image/png" and picture_data[:8] == b"\x89PNG\r\n\x1a\n" and len(picture_data) >= 24:
        width, height = struct.unpack(">II", picture_data[16:24])
        return (width * 0.5, height * 0.5) if width and height else None
    if mime == "image/gif" and picture_data[:4] == b"GIF8" and len(picture_data) >= 10:
        width, height = struct.unpack("<HH", picture_data[6:10])
        return (width * 0.75, height * 0.75) if width and height else None
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


def for_paper(data: bytes, mime: str) -> tuple[bytes, str]:
    """A picture as the PDF can draw it, and the words of HTML inside it, which it cannot.

    >>> for_paper(b'<svg><a fill="var(--x, red)"/><foreignObject><p>Denied</p></foreignObject></svg>', "image/svg+xml")
    (b'<svg><a fill="red"/><foreignObject><p>Denied</p></foreignObject></svg>', 'Denied')
    """
    if mime != "image/svg+xml":
        return data, ""
    inside = b" ".join(_HTML_INSIDE.findall(data)).decode("utf-8", "replace")
    return _VARIABLE.sub(rb"\1", data), one_line(html.unescape(re.sub(r"<[^>]*>", " ", inside)))


def _is_number(text: bytes) -> bool:
    return re.fullmatch(rb"\d+\.?\d*|\.\d+", text) is not None
