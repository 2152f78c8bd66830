"""Document → PDF/A-2a and PDF/UA-1 in one file, set by Typst from data, never from generated markup.

    render(document, timestamp=…) -> PdfResult(bytes, warnings, pages)

The same document and time stamp give the same bytes. No system font, no network and no file outside a
private folder is read. A picture that cannot be set becomes a box with its description. A last pass over the finished
file tags row headers as such and packs the tags.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import pikepdf
import typst
from pikepdf import Array, Dictionary, Name

from ...blocks.plain import visible
from ...blocks.vocabulary import BRIEF, Meta
from ...errors import RunError
from ...tables.disk import temporary_folder
from ..document.document import Document
from ..document.pictures import EXTENSIONS, size_in_points
from .glyphs import cleaned, coverage, said, typst_fonts
from .scripts import fonts_for, fonts_with, undrawn
from .style import cover_lines, day_in_words, palettes
from .typeset import Setter, soft

STANDARDS = ("a-2a", "ua-1")
_LONGEST_CONTENTS = 34
_LANGUAGE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True)
class PdfResult:
    """The file's bytes, what the person at the desk should know, and the number of pages."""

    bytes: bytes
    warnings: tuple[str, ...]
    pages: int


def render(
    document: Document, *, timestamp: dt.datetime, standards: Sequence[str] = STANDARDS, strict: bool = False
) -> PdfResult:
    """The document as PDF bytes.

    `timestamp` is the moment of printing, which goes into the file's dates (without a zone it is taken as
    UTC). With `strict`, a figure without a description is an error and not a warning.
    """
    setter = Setter(workbook=document.workbook)
    blocks = setter.blocks(document.blocks)
    if setter.undescribed and strict:
        raise RunError(
            f"Every figure needs a description (alt text) for readers who cannot see it; "
            f"missing for {len(setter.undescribed)}: {', '.join(setter.undescribed[:8])}. Give 'alt' where the "
            "figure is shown."
        )
    coloured, brand = palettes(document.meta.brand.color), document.meta.brand
    warnings = [
        *document.warnings,
        *filter(None, [coloured.said]),
        *(f"{name} has no description (alt text)." for name in setter.undescribed),
    ]
    moment = timestamp.replace(tzinfo=dt.UTC) if timestamp.tzinfo is None else timestamp.astimezone(dt.UTC)
    moment = moment.replace(microsecond=0)
    page = _page(document.meta, blocks, moment) | {"palette": dict(coloured.light), "fonts": []}
    if brand.picture:
        setter.pictures[page["meta"]["logo"]] = brand.picture
    with temporary_folder("pdf") as folder:
        press = _Press(tuple(standards), moment, folder, setter.pictures)
        raw, data = _set(page, press, warnings)
    pdf, complete = finish(raw, row_headers_in(data["blocks"]))
    if not complete:
        warnings.append("Row headers could not be tagged in every table.")
    return PdfResult(pdf, tuple(warnings), _page_count(pdf))


@dataclass(frozen=True)
class _Press:
    """What one PDF is set with; `fonts` are the shipped ones unless the document needs others."""

    standards: tuple[str, ...]
    moment: dt.datetime
    folder: Path
    pictures: Mapping[str, bytes]
    fonts: typst.Fonts | None = None


def _page(meta: Meta, blocks: list[dict[str, Any]], moment: dt.datetime) -> dict[str, Any]:
    """Everything the template reads."""
    headings = [block for block in _flat(blocks) if block["k"] == "h"]
    deep = sum(block["level"] <= 2 for block in headings)
    confidential = f"Confidential: prepared for {meta.client_name}." if meta.client_name else "Confidential."
    made = f"Prepared {day_in_words(moment.date().isoformat())}" + (f" by {meta.firm}." if meta.firm else ".")
    template = f"Template {meta.template} {meta.template_version}".strip() + "." if meta.template else ""
    return {
        "contents": len(headings) >= 2 and meta.layout != BRIEF,
        "brief": meta.layout == BRIEF,
        "blocks": blocks,
        "meta": {
            "title": soft(meta.title),
            "title_size": 26 if len(meta.title) <= 44 else 19,
            "lang": meta.lang if _LANGUAGE.fullmatch(meta.lang) else "en",
            "author": meta.firm,
            "keywords": [word for word in (meta.client_name, meta.period) if word],
            "description": " ".join(part for part in (meta.client_name, meta.title, meta.period_title) if part),
            "date": [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second],
            "firm": soft(meta.firm),
            "logo": f"logo.{EXTENSIONS[meta.brand.mime]}" if meta.brand.picture else "",
            "logo_width": _breadth(meta),
            "disclaimer": soft(meta.brand.disclaimer),
            "client_name": soft(meta.client_name),
            "lines": [soft(line) for line in cover_lines(meta)],
            "parts": any(block["part"] for block in headings),
            "running_left": soft(meta.client_name or meta.title),
            "running_right": soft(meta.title if meta.client_name else meta.period_title),
            "footer": soft(" · ".join(part for part in (meta.firm, "Confidential", *cover_lines(meta)) if part)),
            "small_print": [line for line in (f"{confidential} {made}", template) if line],
            "contents_depth": 2 if deep <= _LONGEST_CONTENTS else 1,
            "contents_levels": len({block["level"] for block in headings if block["level"] <= 2}),
            "contents_size": 10 if deep <= 24 or deep > _LONGEST_CONTENTS else 9,
        },
    }


def _breadth(meta: Meta) -> float:
    """The logo's width beside its height, so that a band gives it neither less nor much more room than it takes."""
    width, height = size_in_points(meta.brand.picture, meta.brand.mime) or (3.0, 1.0)
    return round(min(5.0, max(0.5, width / height)), 3)


def _flat(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks with those inside landscape pages, in reading order."""
    return [inner for block in blocks for inner in (block["x"] if block["k"] == "wide" else [block])]


def _checked(data: dict[str, Any]) -> dict[str, Any]:
    """What PDF/UA refuses put right after cleaning: no empty heading, no skipped level, no empty title."""
    level = 0

    def kept(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        nonlocal level
        left = []
        for block in blocks:
            if block["k"] == "wide":
                block = block | {"x": kept(block["x"])}
            elif block["k"] == "h":
                if not visible("".join(run["t"] for run in block["x"])):
                    continue
                level = min(block["level"], level + 1)
                block = block | {"level": level}
            left.append(block)
        return left

    blocks = kept(data["blocks"])
    headings = [block for block in _flat(blocks) if block["k"] == "h"]
    meta = data["meta"] | ({} if visible(data["meta"]["title"]) else {"title": "Report"})
    return data | {
        "blocks": blocks,
        "meta": meta,
        "anchors": [block["id"] for block in headings],
        "contents": data["contents"] and len(headings) >= 2,
    }


def _set(page: dict[str, Any], press: _Press, warnings: list[str]) -> tuple[bytes, dict[str, Any]]:
    """The raw PDF and what it was set from; if it cannot be set, once more with less.

    Fonts of the machine go first, with formulas (which become the TeX they were), then pictures become boxes.
    """
    for name, content in press.pictures.items():
        (press.folder / name).write_bytes(content)
    (press.folder / "report.typ").write_bytes(resources.files(__package__).joinpath("pages/report.typ").read_bytes())
    data, press_with, missing = _with_fonts(page, press)
    try:
        raw = _compile(data, press_with)
    except typst.TypstError as error:
        plain_page, plain_missing = _without_formulas(page), Counter[str]()
        plain = _checked(cleaned(plain_page, plain_missing))
        if plain != data:
            try:
                raw = _compile(plain, press)
            except typst.TypstError:
                pass
            else:
                warnings.append(
                    "Formulas and rare scripts could not be set in the PDF; they are printed as their source."
                )
                return raw, _told(plain, plain_missing, warnings)
        raw, data = _with_boxes(plain, press, warnings, error)
        missing = plain_missing
    return raw, _told(data, missing, warnings)


def _told(data: dict[str, Any], missing: Counter[str], warnings: list[str]) -> dict[str, Any]:
    if missing:
        warnings.append(said(missing.items()))
    return data


def _with_fonts(page: dict[str, Any], press: _Press) -> tuple[dict[str, Any], _Press, Counter[str]]:
    """What will be set, with fonts found for scripts that ours do not draw, and what is still missing."""
    missing: Counter[str] = Counter()
    found = fonts_for(undrawn(page))
    if not found.files:
        return _checked(cleaned(page, missing)), press, missing
    fonts, families = fonts_with(found, press.folder / "fonts")
    data = cleaned(page | {"fonts": families}, missing, coverage() | found.covered)
    return _checked(data), replace(press, fonts=fonts), missing


def _without_formulas(value: Any) -> Any:
    """A JSON value whose formulas are the code they were."""
    if isinstance(value, list):
        return [_without_formulas(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_formulas(item) for key, item in value.items() if key != "tree"}
    return kept | {"code": True} if "tree" in value else kept


def _with_boxes(
    data: dict[str, Any], press: _Press, warnings: list[str], error: typst.TypstError
) -> tuple[bytes, dict[str, Any]]:
    """The PDF with the pictures that are at fault replaced by boxes."""
    broken = [name for name in press.pictures if not _can_be_set(name, press)]
    if not broken:
        raise RunError(_refusal(error)) from error
    if data["meta"]["logo"] in broken:
        data = data | {"meta": data["meta"] | {"logo": ""}}
        warnings.append("The logo could not be drawn in the PDF, which has none.")
    figures = [name for name in broken if not name.startswith("logo.")]
    if figures:
        warnings.append(
            f"{len(figures)} of {len(press.pictures)} figures could not be drawn in the PDF and are shown as their "
            "descriptions."
        )
    data = data | {"blocks": [_boxed(block, set(broken)) for block in data["blocks"]]}
    try:
        return _compile(data, press), data
    except typst.TypstError as again:
        raise RunError(_refusal(again)) from again


def _write_data(folder: Path, data: dict[str, Any]) -> None:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    (folder / "doc.json").write_text(text, encoding="utf-8", errors="replace")


def _compile(data: dict[str, Any], press: _Press) -> bytes:
    _write_data(press.folder, data)
    return _compiled(press.folder / "report.typ", press)


def _compiled(main: Path, press: _Press) -> bytes:
    nowhere = str(main.parent / "no-packages")
    try:
        pdf, _ = typst.compile_with_warnings(  # type: ignore[call-overload]
            str(main),
            root=str(main.parent),
            font_paths=press.fonts or typst_fonts(),
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=list(press.standards),
            timestamp=press.moment,
            package_path=nowhere,
            package_cache_path=nowhere,
        )
    except typst.TypstError:
        raise
    except BaseException as error:
        # A panic inside the compiler is no Exception; it must not end a batch.
        if type(error).__name__ != "PanicException":
            raise
        raise typst.TypstError("the page could not be set", "", [], []) from error
    return pdf


def _can_be_set(name: str, press: _Press) -> bool:
    trial = press.folder / "trial.typ"
    trial.write_text(f'#set document(title: "trial")\n#image("{name}", alt: "trial", width: 100pt)\n', encoding="utf-8")
    try:
        _compiled(trial, press)
    except typst.TypstError:
        return False
    return True


def as_png(picture: bytes, mime: str, dots: float = 144.0) -> bytes:
    """A picture in pixels, as a workbook takes it; nothing for one that cannot be drawn."""
    if mime == "image/png":
        return picture
    with temporary_folder("png") as folder:
        (folder / "picture.svg").write_bytes(picture)
        page = folder / "picture.typ"
        page.write_text('#set page(width: auto, height: auto, margin: 0pt)\n#image("picture.svg")\n', encoding="utf-8")
        try:
            return typst.compile(str(page), root=str(folder), ignore_system_fonts=True, format="png", ppi=dots)
        except typst.TypstError:
            return b""


def _boxed(block: dict[str, Any], broken: set[str]) -> dict[str, Any]:
    """The block, and every block inside it, with broken pictures as boxes."""
    if block["k"] == "f" and block.get("path") in broken:
        return {key: value for key, value in block.items() if key != "path"}
    if block["k"] == "t":
        return block | {"body": [[_unpictured(cell, broken) for cell in row] for row in block["body"]]}
    if block["k"] in ("q", "wide", "pair", "parts"):
        return block | {"x": [_boxed(inner, broken) for inner in block["x"]]}
    if block["k"] in ("ul", "ol"):
        return block | {"items": [[_boxed(inner, broken) for inner in item] for item in block["items"]]}
    return block


def _unpictured(cell: dict[str, Any], broken: set[str]) -> dict[str, Any]:
    if cell.get("path") not in broken:
        return cell
    kept = {key: value for key, value in cell.items() if key != "path"}
    return kept | {"t": cell["t"] or "[picture]"}


def _refusal(error: typst.TypstError) -> str:
    kind = re.sub(r'"[^"]*"', '"…"', getattr(error, "message", "") or "")[:120]
    return (
        f"The PDF could not be set ({kind or 'no reason given'}). The HTML page holds the same report; "
        "please report this as a fault, with the notebook."
    )


def _page_count(pdf: bytes) -> int:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return len(opened.pages)


_STREAM = re.compile(rb">>\nstream\n")
_LENGTH = re.compile(rb"/Length (\d+)(?! \d+ R)")


def row_headers_in(blocks: list[dict[str, Any]]) -> list[list[set[int]]]:
    """For every table in reading order, for every body row, which of its cells are row headers."""
    return [
        [{x for x, cell in enumerate(row) if cell.get("rowhead")} for row in table["body"]]
        for table in _tables_in(blocks)
    ]


def _tables_in(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        if block["k"] == "t":
            yield block
        elif block["k"] == "facts":
            yield block["table"]
        elif block["k"] in ("q", "wide", "pair", "parts"):
            yield from _tables_in(block["x"])
        elif block["k"] in ("ul", "ol"):
            for item in block["items"]:
                yield from _tables_in(item)


def finish(data: bytes, row_headers: list[list[set[int]]]) -> tuple[bytes, bool]:
    """The PDF with its row headers tagged and its tags packed, and whether every table was found where it was
    expected."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        found = list(_elements(pdf.Root.StructTreeRoot, Name.Table)) if "/StructTreeRoot" in pdf.Root else []
        complete = len(found) == len(row_headers)
        if complete:
            for table, headers in zip(found, row_headers, strict=True):
                complete &= _tag_rows(table, headers)
        # Typst writes /Suspects false, which is the default; some readers take a false they did not expect for a fault.
        if "/MarkInfo" in pdf.Root and pdf.Root.MarkInfo.get("/Suspects") is False:
            del pdf.Root.MarkInfo.Suspects
        return _saved(pdf), complete


def _saved(pdf: pikepdf.Pdf) -> bytes:
    packed = io.BytesIO()
    pdf.save(packed, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
    return _with_clear_ends(packed.getvalue())


def _with_clear_ends(data: bytes) -> bytes:
    """The file with CR LF, not LF, before `endstream` wherever the data themselves end in CR.

    The byte it takes is saved in the stream's own dictionary (`<< /` becomes `<</`), so that nothing moves.
    """
    parts, copied, place = [], 0, 0
    while match := _STREAM.search(data, place):
        head = data.rfind(b" obj\n<< /", 0, match.start()) + 5
        length = _LENGTH.search(data, head, match.start())
        place = end = match.end() + (int(length[1]) if length else 0)
        if head > 4 and data[end - 1 : end + 10] == b"\r\nendstream":
            parts += [data[copied:head], b"<<", data[head + 3 : end], b"\r"]
            copied = end
    return b"".join([*parts, data[copied:]])


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Array) else [] if value is None else [value]


def _kids(element: Any) -> list[Any]:
    return [kid for kid in _listed(element.get("/K")) if isinstance(kid, Dictionary)]


def _elements(root: Any, kind: Any) -> Iterator[Any]:
    """Structure elements of a kind in reading order, not looking inside them."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if element.get("/S") == kind:
            yield element
        else:
            waiting.extend(reversed(_kids(element)))


def _tag_rows(table: Any, headers: list[set[int]]) -> bool:
    rows = [row for group in _kids(table) if group.get("/S") == Name.TBody for row in _kids(group)]
    if not rows:
        rows = [row for row in _kids(table) if row.get("/S") == Name.TR]
    if len(rows) != len(headers):
        return False
    for row, positions in zip(rows, headers, strict=True):
        cells = _kids(row)
        for position in positions:
            if position < len(cells):
                _make_row_header(cells[position])
    return True


def _make_row_header(cell: Any) -> None:
    every = _listed(cell.get("/A"))
    scope = Dictionary(O=Name.Table, Scope=Name.Row)
    for entry in every:
        if entry.get("/O") == Name.Table:
            for key, value in entry.items():
                if key not in ("/O", "/Scope", "/Headers"):
                    scope[key] = value
    cell.S = Name.TH
    cell.A = Array([*(entry for entry in every if entry.get("/O") != Name.Table), scope])
