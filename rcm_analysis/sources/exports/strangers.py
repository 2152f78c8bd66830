"""Files that are no export at all, told for what they are: web pages, PDF, XML, JSON, locked ones."""

from __future__ import annotations

import codecs
import re
import zipfile
from pathlib import Path

from ...errors import SourceError

_AS_TABLE = "open it in Excel and save it as .xlsx or .csv"
KINDS: tuple[tuple[str, str, str], ...] = (
    (r"%PDF-", "a PDF", "ask the payer for its 835, or the billing system for its export as .xlsx or .csv"),
    (r"-----BEGIN PGP", "an encrypted file (PGP)", "decrypt it and put what it holds here"),
    (
        r"(?s)(?:<\?xml.{0,200}?)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype html|html|head|body|table|meta|div)\b",
        "a web page (HTML)",
        _AS_TABLE,
    ),
    (r"MIME-Version:", "a web archive (HTML in a mail envelope)", _AS_TABLE),
    (r"(?s)<\?xml.*?urn:schemas-microsoft-com:office:spreadsheet", "an XML spreadsheet of 2003", _AS_TABLE),
    (r"<\?xml", "an XML file", "ask for the export as .xlsx or .csv"),
    (r"\{\\rtf", "a text document (RTF)", "ask for the export as .xlsx or .csv"),
    (r'\{\s*"|\[\s*\{', "a JSON file", "ask for the export as .xlsx or .csv, or for the 835"),
)
"""How the file starts (any case of letters), what it is, and what to do."""
_UNPACK = "unpack it and put its files here"
PACKED: tuple[tuple[tuple[str, ...], tuple[bytes, ...], str, str], ...] = (
    (
        (".gpg", ".pgp"),
        (b"\x85\x01", b"\x85\x02", b"\x85\x04", b"\x84\x5e", b"\x8c\x0d", b"\xc1\xc0"),
        "an encrypted file (PGP)",
        "decrypt it and put what it holds here",
    ),
    ((".crdownload", ".part", ".partial", ".download"), (), "a download that never ended", "download the file again"),
    ((), (b"7z\xbc\xaf\x27\x1c",), "an archive (7z)", _UNPACK),
    ((), (b"Rar!\x1a\x07",), "an archive (RAR)", _UNPACK),
    ((), (b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"), "a compressed file", _UNPACK),
    ((), (b"PK\x05\x06",), "an archive without any file", "ask for it again"),
)
"""Endings of the name, or first bytes; what it is, and what to do."""


def refuse_strangers(path: Path) -> None:
    """Nothing for a file that may be an export.

    Raises
        SourceError that says what the file is, whatever its name says, and what to do.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror}.") from error
    _refuse_packed(path, start)
    encoding = "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    text = start.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    for pattern, what, advice in KINDS:
        if re.match(pattern, text, re.IGNORECASE):
            raise _stranger(path, what, advice)


def _stranger(path: Path, what: str, advice: str) -> SourceError:
    named = f" saved as {path.suffix}" if path.suffix and path.suffix.lower()[1:] not in what.lower() else ""
    return SourceError(f"{path.name}: this is {what}{named}: {advice}. Nothing was read.")


def _refuse_packed(path: Path, start: bytes) -> None:
    """Files that hold others, or are locked, or are not whole yet."""
    for suffixes, starts, what, advice in PACKED:
        if path.name.lower().endswith(suffixes) or start.startswith(starts):
            raise _stranger(path, what, advice)
    if start[257:262] == b"ustar":
        raise _stranger(path, "an archive (tar)", _UNPACK)
    if start.startswith(b"PK\x03\x04") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        for member, what in (("word/", "a Word document"), ("ppt/", "a presentation"), ("Index/", "an Apple document")):
            if any(name.startswith(member) for name in names):
                raise _stranger(path, what, "ask for the export as .xlsx or .csv")
