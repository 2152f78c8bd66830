"""One output of an analyst's own notebook to blocks: the richest form of it that can stand on a page.

What cannot is said where it stood; nothing is dropped without a word but reprs that only name what a picture shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...blocks.plain import clean, notebook_text, one_line
from ...blocks.vocabulary import Figure
from .document import Formula, LeftOut, Preformatted, Printed
from .html_blocks import html_blocks
from .markdown import markdown_blocks
from .mathematics import bare, mathml
from .pictures import picture_of_bundle
from .printouts import printed

__all__ = ["Reading", "error_blocks", "output_blocks", "raw_blocks", "stream_blocks", "titled"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a notebook is read.

    A report of the press has its `workbook` and its person at the desk, who is told what libraries warned of; a
    notebook that is printed as it is shows `messages` where they stood, and cells that may fail as they did. With
    `errors` every error is printed as a note. Pictures may be files of `folder`; `name` is the file's own.
    """

    workbook: bool = True
    messages: bool = False
    errors: bool = False
    folder: Path | None = None
    name: str = ""


_ARTIST = re.compile(
    r"<(?:matplotlib|seaborn|mpl_toolkits|Axes|AxesSubplot|Figure|BarContainer|ErrorbarContainer)\b[^<>\n]*>"
    r"|\bText\([^\n]*\)"
)
_AROUND_ARTISTS = re.compile(r"(?:array|dtype=object|[\s\[\](){},:])*")
_TEXT_OF_LATEX = re.compile(r"\\begin\{(tabular|table|longtable|document)")
_EMPTY_FIGURE = re.compile(r"<Figure size [\d.x]+ with 0 Axes>")
_REPR = re.compile(r"<IPython\.(?:(?:core|lib)\.)?display\.(\w+)[^\n>]*>")
_PLOTLY, _WIDGET = "application/vnd.plotly.v1+json", "application/vnd.jupyter.widget-view+json"
_BOKEH = ("application/vnd.bokehjs_exec.v0+json", "application/vnd.bokehjs_load.v0+json")
_HOLOVIEWS = ("application/vnd.holoviews_exec.v0+json", "application/vnd.holoviews_load.v0+json")
_QUIET = {"application/vnd.bokehjs_load.v0+json", "application/vnd.holoviews_load.v0+json"}
_SCRIPTS = ("application/javascript", "text/javascript")


def output_blocks(data: Mapping[str, Any], metadata: Mapping[str, Any], reading: Reading) -> list[Printed]:
    """The blocks of one displayed bundle."""
    formula = _formula(data)
    if formula:
        return [formula]
    picture, chart = picture_of_bundle(data), _chart(data)
    blocks = html_blocks(notebook_text(data.get("text/html")), folder=reading.folder) if not chart else []
    shows = any(not isinstance(block, LeftOut) for block in blocks)
    if picture and not shows:
        return [_figure(picture, metadata)]
    if chart:
        return [LeftOut(chart)]
    if shows:
        return blocks
    if data.get("text/html"):
        text = _text(data)
        return blocks if blocks and (not text or _REPR.fullmatch(text)) else blocks + _plain(data)
    if data.get("text/markdown"):
        return markdown_blocks(notebook_text(data["text/markdown"]), folder=reading.folder)
    if data.get("text/latex"):
        return _latex(notebook_text(data["text/latex"]))
    return _plain(data)


def _formula(data: Mapping[str, Any]) -> Formula | None:
    """The formula of an output that is nothing but one (as of SymPy), rather than its picture."""
    tex, _ = bare(clean(notebook_text(data.get("text/latex")))) if "text/html" not in data else ("", False)
    return Formula(tex) if tex and not _TEXT_OF_LATEX.search(tex) and mathml(tex, True) else None


def _figure(picture: Any, metadata: Mapping[str, Any]) -> Figure:
    about = next((one for mime, one in metadata.items() if mime.startswith("image/") and isinstance(one, Mapping)), {})
    alt = metadata.get("alt") or about.get("alt") or ""
    width, height = (_length(about.get(name) or metadata.get(name)) for name in ("width", "height"))
    return Figure(alt=one_line(alt), data=picture.data, mime=picture.mime, width=width, height=height)


def _length(value: Any) -> float:
    try:
        return max(0.0, min(10_000.0, float(value)))
    except (TypeError, ValueError):
        return 0.0


def _chart(data: Mapping[str, Any]) -> str:
    """What to say where a script would draw, or nothing."""
    kind, title = "", ""
    vega = next((mime for mime in data if mime.startswith(("application/vnd.vega.", "application/vnd.vegalite."))), "")
    if _PLOTLY in data:
        kind, title = "chart (Plotly)", titled(data[_PLOTLY], "layout")
    elif vega:
        kind, title = "chart (Vega, as by Altair)", titled(data[vega], "")
    elif any(mime in data for mime in (*_BOKEH, *_HOLOVIEWS)):
        return "" if _QUIET & set(data) else "An interactive chart (Bokeh) is not printed: a script draws it."
    elif _WIDGET in data:
        text = _text(data)
        said = f": {one_line(text)[:200]}" if text and not text.startswith("<") else ""
        return f"A control or widget is not printed{said}" + ("" if said.endswith((".", ")")) else ".")
    elif any(data.get(mime) for mime in _SCRIPTS) and "text/html" not in data:
        return "Something that a script draws is not printed."
    if not kind:
        return ""
    named = f" “{title}”" if title else ""
    return f"An interactive {kind}{named} is not printed: a script draws it. `rcm print` draws such charts as pictures."


def titled(chart: Any, inside: str) -> str:
    """The title of a chart, from its specification or the part of it that is named `inside`."""
    about = chart.get(inside) if inside and isinstance(chart, Mapping) else chart
    title = about.get("title") if isinstance(about, Mapping) else ""
    if isinstance(title, Mapping):
        title = title.get("text")
    title = " ".join(map(str, title)) if isinstance(title, list) else title
    return one_line(re.sub(r"<[^>]*>", " ", title))[:200] if isinstance(title, str) else ""


def _latex(text: str) -> list[Printed]:
    tex, _ = bare(clean(text))
    if _TEXT_OF_LATEX.search(tex):
        return [Preformatted(clean(text).strip("\n"))]
    return [Formula(tex)] if tex.strip() else []


def _text(data: Mapping[str, Any]) -> str:
    return clean(_without_codes(notebook_text(data.get("text/plain")))).strip("\n")


def _without_codes(text: str) -> str:
    found = printed(text, "") if "\x1b" in text else None
    return found.text if found else text


def _plain(data: Mapping[str, Any]) -> list[Printed]:
    """The text of an output, or what else there is of it as text."""
    text = notebook_text(data.get("text/plain"))
    words = text.strip()
    for mime in sorted(data) if not words or _REPR.fullmatch(words) else ():
        if mime.endswith("json") and mime not in _QUIET:
            return [Preformatted(clean(json.dumps(data[mime], ensure_ascii=False, indent=2, default=str)))]
        if mime.startswith("text/") and mime not in ("text/plain", "text/html"):
            return [Preformatted(clean(notebook_text(data[mime])).strip("\n"))]
    shown, names = _REPR.fullmatch(words), _EMPTY_FIGURE.fullmatch(words) or _names_a_picture(words)
    others = {mime for mime in data if data[mime]} - {*_QUIET, *_SCRIPTS, "text/plain", "text/html", "text/latex"}
    if others and (not words or shown or names):
        return [LeftOut(f"An output that could not be printed stood here ({one_line(', '.join(sorted(others)))}).")]
    if shown:
        empty = "text/html" in data or "text/latex" in data
        return [] if empty else [LeftOut(f"What the notebook shows here ({shown[1]}) was not stored in it.")]
    if not words or names:
        return []
    found = printed(text.strip("\n"), "")
    return [found] if found else []


def _names_a_picture(words: str) -> bool:
    """Whether a repr only names what is drawn: axes, lines, bars."""
    without, count = _ARTIST.subn("", words[:10_000])
    return count > 0 and len(words) <= 10_000 and bool(_AROUND_ARTISTS.fullmatch(without))


def stream_blocks(output: Mapping[str, Any]) -> list[Preformatted]:
    """What a program printed, or said on its error stream."""
    found = printed(notebook_text(output.get("text")), "messages" if output.get("name") == "stderr" else "printed")
    return [found] if found else []


def error_blocks(output: Mapping[str, Any]) -> list[Printed]:
    """An error as a note with its traceback: for those who asked for it, or whose cell was allowed to fail."""
    name, said = one_line(output.get("ename")), one_line(printed_text(output.get("evalue")))
    note = LeftOut(f"This cell ended with an error: {name or 'an error'}{f': {said}' if said else ''}")
    trace = printed("\n".join(map(str, output.get("traceback") or [])), "messages")
    return [note, *([trace] if trace else [])]


def printed_text(value: Any) -> str:
    """A text without its terminal codes."""
    return _without_codes(str(value or ""))


def raw_blocks(cell: Mapping[str, Any], reading: Reading) -> list[Printed]:
    """A raw cell, by what it says it holds: HTML and Markdown are read, anything else is printed as it is."""
    about = cell.get("metadata") or {}
    kind = str(about.get("raw_mimetype") or about.get("format") or "").lower()
    source = notebook_text(cell.get("source"))
    if "html" in kind:
        return html_blocks(source, cell.get("attachments") or {}, reading.folder)
    if "markdown" in kind:
        return markdown_blocks(source, cell.get("attachments"), reading.folder)
    found = printed(source, "")
    return [found] if found else []
