"""Plain text: what is allowed to reach a page at all.

Texts come from raw billing files, so they may hold anything. Three things never pass: control characters
(invisible, and illegal in a PDF/A), lone surrogates (not encodable) and characters that turn the reading
direction round (they can make 1,234 read as 4,321). Markup passes: the writers print it as text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

_TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_FORBIDDEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f{_TURNING}\ufeff\ufff9-\ufffb]")
_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029\x0b\x0c]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_INVISIBLE = re.compile(
    r"[\s\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u3164\ufe00-\ufe0f\uffa0]+"
)


def clean(value: Any) -> str:
    """`value` as text that can be printed, with its line ends.

    >>> clean("a\\x00b\\r\\nc\\ud800"), clean(None), clean("\\u202e4321")
    ('ab\\nc\\ufffd', '', '4321')
    """
    if value is None:
        return ""
    text = _LINE_ENDS.sub("\n", str(value))
    text = _SURROGATES.sub("\ufffd", _FORBIDDEN.sub("", text))
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def sheet_title(name: str) -> str:
    """The name of a table as its sheet in the workbook bears it, and as texts speak of it.

    >>> sheet_title("open_questions"), sheet_title("eob_rules")
    ('Open questions', 'EOB rules')
    """
    words = " ".join("EOB" if word == "eob" else word for word in name.replace("_", " ").split())
    return words[:1].upper() + words[1:]


def one_line(value: Any) -> str:
    """`value` as one printable line.

    >>> one_line("  Cash \\n posted ")
    'Cash posted'
    """
    return _SPACES.sub(" ", clean(value)).strip()


def visible(text: str) -> bool:
    """Whether a reader would see anything.

    >>> visible("\\u200b \\u2060"), visible("x")
    (False, True)
    """
    return bool(_INVISIBLE.sub("", text))


def notebook_text(value: str | Sequence[str] | None) -> str:
    """A notebook's text, which may be stored as one string or as a list of lines."""
    if value is None:
        return ""
    return value if isinstance(value, str) else "".join(value)


def ended_well(output: Mapping[str, Any]) -> bool:
    """Whether a notebook's error output is the notebook ending itself with `sys.exit(0)`, as papermill sees it.

    >>> ended_well({"ename": "SystemExit", "evalue": "0"}), ended_well({"ename": "SystemExit", "evalue": "1"})
    (True, False)
    """
    return output.get("ename") == "SystemExit" and str(output.get("evalue") or "0") == "0"


def slug(text: str, otherwise: str = "section") -> str:
    """A text as a name in ASCII, for the anchor of a heading or a folder; `otherwise` where no letter is left.

    >>> slug("What we need — from you?"), slug("Ōoku"), slug("你好")
    ('what-we-need-from-you', 'ooku', 'section')
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:60] or otherwise
