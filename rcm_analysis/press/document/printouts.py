"""What a program printed: carriage returns played, colour codes read through rich, long texts shortened."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from ...blocks.plain import clean
from .css import LEAST_CONTRAST, contrast
from .document import Inline, Preformatted, Run

LONGEST_LINE = 2_000
_RETURN = "\r"
_BACKSPACE = re.compile("[^\x08\n]\x08")
_CONTROL = "\x1b"
_DULL = TerminalTheme(
    (243, 246, 248),
    (26, 39, 51),
    [
        (26, 39, 51), (168, 30, 30), (20, 100, 40), (122, 84, 0),
        (20, 66, 150), (128, 30, 128), (0, 96, 110), (85, 97, 110),
    ],
)  # fmt: skip
"""The sixteen colours of a terminal, dark enough to be read on the page's own ground."""
_GROUND = "#f3f6f8"
_CONSOLE = Console(file=None, force_terminal=False, width=LONGEST_LINE)


def printed(text: str, kind: str) -> Preformatted | None:
    """A stream as a reader of the terminal saw it; nothing if it shows nothing.

    >>> printed("10%\\r100%\\n", "printed").text
    '100%'
    """
    lines = [_played(line) for line in text.replace("\r\n", "\n").split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    if not any(line.strip() for line in lines):
        return None
    if not any(_CONTROL in line for line in lines):
        return Preformatted("\n".join(clean(line) for line in lines), kind=kind)
    styled = tuple(_coloured(line) for line in lines)
    return Preformatted("\n".join("".join(run.text for run in line) for line in styled), styled, kind)


def _played(line: str) -> str:
    """A line after its carriage returns and backspaces: what was written over is gone."""
    while "\b" in line and (shorter := _BACKSPACE.sub("", line)) != line:
        line = shorter
    if _RETURN not in line:
        return line
    seen = ""
    for piece in line.split(_RETURN):
        seen = piece if _CONTROL in piece or len(piece) >= len(seen) else piece + seen[len(piece) :] if piece else seen
    return seen


def _coloured(line: str) -> Inline:
    text = Text.from_ansi(line)
    return tuple(
        Run(
            clean(segment.text).replace("\n", ""),
            bold=bool(style.bold),
            italic=bool(style.italic),
            strike=bool(style.strike),
            color=_colour(style),
        )
        for segment in text.render(_CONSOLE)
        if (style := segment.style or Style()) is not None and segment.text
    )


def _colour(style: Style) -> str | None:
    """The colour of the letters; on a ground of their own they keep none, because the ground is not printed."""
    if style.color is None or style.bgcolor is not None or style.reverse or style.color.is_default:
        return None
    found = style.color.get_truecolor(_DULL).hex
    return found if contrast(found, _GROUND) >= LEAST_CONTRAST else None


def lines_of(block: Preformatted) -> tuple[Inline, ...]:
    """The lines of a text, each as runs."""
    return block.lines or tuple((Run(line),) for line in block.text.split("\n"))


def shortened(block: Preformatted, most: int) -> tuple[tuple[Inline, ...], str, tuple[Inline, ...]]:
    """The first lines, words on what is left out, and the last lines: at most about `most` lines together.

    >>> head, words, tail = shortened(Preformatted("\\n".join(map(str, range(100)))), 10)
    >>> len(head), words, len(tail)
    (8, '90 lines are left out here; the notebook holds them.', 2)
    """
    lines = lines_of(block)
    if len(lines) <= most:
        return tuple(map(_narrow, lines)), "", ()
    last = most // 5
    count = len(lines) - most
    words = f"{count:,} lines are left out here; the notebook holds them."
    words = words if count > 1 else "1 line is left out here; the notebook holds it."
    return tuple(map(_narrow, lines[: most - last])), words, tuple(map(_narrow, lines[len(lines) - last :]))


def _narrow(line: Inline) -> Inline:
    length = sum(len(run.text) for run in line)
    if length <= LONGEST_LINE:
        return line
    return (*_first(line, LONGEST_LINE), Run(f" … {length - LONGEST_LINE:,} more characters", italic=True))


def _first(line: Inline, most: int) -> Iterator[Run]:
    for run in line:
        if most <= 0:
            return
        yield run if len(run.text) <= most else Run(run.text[:most], run.bold, run.italic, color=run.color)
        most -= len(run.text)


def joined_streams(outputs: Iterable[dict]) -> Iterator[dict]:
    """The outputs of a cell with neighbouring pieces of one stream as one."""
    for key, group in itertools.groupby(outputs, key=_stream):
        if key is None:
            yield from group
            continue
        pieces = [one.get("text") or "" for one in group]
        text = "".join(piece if isinstance(piece, str) else "".join(piece) for piece in pieces)
        yield {"output_type": "stream", "name": key, "text": text}


def _stream(output: dict) -> str | None:
    return str(output.get("name") or "stdout") if output.get("output_type") == "stream" else None
