"""Files that are no export at all, told for what they are: web pages, PDF, XML, JSON, bank files."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from ...errors import SourceError

_AS_TABLE = "open it in Excel and save it as .xlsx or .csv"
KINDS: tuple[tuple[str, str, str], ...] = (
    (r"%PDF-", "a PDF", "ask for the export as .xlsx or .csv, or for the 835"),
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
    (r"01,[^,\n]*,[^,\n]*,\d{6},\d{0,4},[^\n]*/", "a bank file (BAI2)", "deposits are taken from the 835s"),
)
"""How the file starts (any case of letters), what it is, and what to do."""


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
    encoding = "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    text = start.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    for pattern, what, advice in KINDS:
        if re.match(pattern, text, re.IGNORECASE):
            named = f" saved as {path.suffix}" if path.suffix else ""
            raise SourceError(f"{path.name} is {what}{named}, no table of rows. Nothing was read; {advice}.")
