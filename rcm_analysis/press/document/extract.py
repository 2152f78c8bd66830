"""Executed notebook → neutral document.

    extract(notebook) -> Document      what a reader should see, in order

Code, prompts, parameters and hidden cells are left out. An error output is not printed: the notebook is refused, unless
it may fail. Our own blocks come first; any other output of an analyst's notebook (pictures, HTML, Markdown, formulas,
what was printed) is printed as well as it can be, and what cannot is said where it stood and in `warnings`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...blocks.plain import ended_well, notebook_text, one_line
from ...blocks.vocabulary import (
    MIME,
    Block,
    Cards,
    Facts,
    Figure,
    Findings,
    Glossary,
    Headline,
    Kpis,
    Meta,
    Note,
    PageBreak,
    Split,
    Table,
    read_block,
)
from ...errors import RunError
from .document import Document, Grid, Heading, LeftOut, Printed, Run, behinds, grid_of, numbered, plain_text
from .html_blocks import html_blocks
from .markdown import markdown_blocks
from .outputs import Reading, error_blocks, output_blocks, raw_blocks, stream_blocks
from .pictures import picture_of_bundle
from .printouts import joined_streams
from .shown_tables import workbook_table

__all__ = ["Document", "Meta", "Reading", "extract", "blocks_in"]

_LEFT_OUT = {"parameters", "injected-parameters", "hide", "remove_cell", "remove-cell"}
_OUTPUT_LEFT_OUT = {"remove_output", "remove-output", "hide-output"}
_MAY_FAIL = "raises-exception"
REPORT = Reading()


@dataclass
class _Reader:
    """What has been gathered while walking the cells."""

    meta: Meta | None = None
    blocks: list[Printed] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    lists: list[Table] = field(default_factory=list)

    def add(self, blocks: Sequence[Printed], position: int) -> None:
        """Print the blocks; what they say is left out is told at the desk too."""
        self.blocks += blocks
        self.warnings += [f"Cell {position}: {block.text}" for block in blocks if isinstance(block, LeftOut)]


def extract(notebook: Mapping[str, Any], reading: Reading = REPORT) -> Document:
    """The printable document of an executed notebook (nbformat 4, as a mapping).

    Raises `RunError` if an output is an error that `reading` does not take, or a block does not hold what its kind
    needs.

    >>> cell = {"cell_type": "markdown", "metadata": {}, "source": "# Cash in October"}
    >>> extract({"cells": [cell], "metadata": {}}).meta.title
    'Cash in October'
    """
    reader = _Reader()
    for position, cell in enumerate(_cells(notebook), start=1):
        tags = set(cell.get("metadata", {}).get("tags") or [])
        kind = cell.get("cell_type")
        if kind == "code":
            _refuse_errors(cell, position, reading, tags)
        if tags & _LEFT_OUT:
            continue
        if kind == "markdown":
            source = notebook_text(cell.get("source"))
            reader.add(markdown_blocks(source, cell.get("attachments"), reading.folder), position)
        elif kind == "raw":
            reader.add(raw_blocks(cell, reading), position)
        elif kind == "code" and not tags & _OUTPUT_LEFT_OUT:
            for output in joined_streams(cell.get("outputs") or []):
                _read_output(output, reader, position, reading)
    return _finished(reader, notebook, reading)


def blocks_in(notebook: Mapping[str, Any]) -> Iterator[Block]:
    """Every block of a notebook, in order, also those that are not printed (for the workbook and the manifest).

    Tables that an analyst showed as HTML (pandas, Styler) are blocks too, with the numbers that their texts hold.
    """
    for place, cell in enumerate(_cells(notebook), start=1):
        shown = 0
        for output in cell.get("outputs") or []:
            data = output.get("data") or {}
            block = read_block(data.get(MIME))
            if block is not None:
                yield block
            elif MIME not in data and "text/html" in data and not _LEFT_OUT & _tags(cell):
                for grid in html_blocks(notebook_text(data["text/html"])):
                    if isinstance(grid, Grid):
                        shown += 1
                        yield workbook_table(grid, f"table_{cell.get('execution_count') or place}_{shown}")


def without(notebook: Mapping[str, Any], titles: Iterable[str]) -> Mapping[str, Any]:
    """The notebook without the sections of these titles: a heading's cell and all up to the next of its level or above.

    What is meant for the workbook alone (a cell tagged `workbook`) stays. Titles are compared but for case.
    """
    unwanted = {title.casefold() for title in titles}
    kept, level = [], 0
    for cell in _cells(notebook) if unwanted else ():
        depth, title = _title(cell)
        if depth and (not level or depth <= level):
            level = depth if title.casefold() in unwanted else 0
        if not level or "workbook" in (cell.get("metadata", {}).get("tags") or []):
            kept.append(cell)
    return {**notebook, "cells": kept} if unwanted else notebook


def titles_in(notebook: Mapping[str, Any]) -> list[str]:
    """The title of every section, as its cell begins."""
    return [title for _, title in map(_title, _cells(notebook)) if title]


def headings_in(notebook: Mapping[str, Any]) -> dict[str, str]:
    """Under which heading each printed table stands, by the table's name."""
    found: dict[str, str] = {}
    heading = ""
    for cell in _cells(notebook):
        heading = _title(cell)[1] or heading
        for block in blocks_in({"cells": [cell]}):
            table = block.table if isinstance(block, Figure) else block
            if isinstance(table, Table) and table.print and table.name:
                found.setdefault(table.name, heading)
    return found


def _title(cell: Mapping[str, Any]) -> tuple[int, str]:
    """Level and words of the heading with which a cell begins; 0 and nothing where it begins with none."""
    text = notebook_text(cell.get("source")) if cell.get("cell_type") == "markdown" else ""
    found = re.match(r"(#+)\s+(.*)", text)
    return (len(found[1]), found[2].strip()) if found else (0, "")


def _tags(cell: Mapping[str, Any]) -> set[str]:
    return set((cell.get("metadata") or {}).get("tags") or [])


def _cells(notebook: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise RunError(
            "A notebook (nbformat 4) must hold a list of cells; this one does not. Open and save it in "
            "JupyterLab first."
        )
    return cells


def _refuse_errors(cell: Mapping[str, Any], position: int, reading: Reading, tags: set[str]) -> None:
    if reading.errors or (reading.messages and _MAY_FAIL in tags):
        return
    for output in cell.get("outputs") or []:
        if output.get("output_type") == "error" and not ended_well(output):
            name = str(output.get("ename", ""))
            named = f" ({name})" if name.isidentifier() else ""
            raise RunError(
                f"Cell {position} of the notebook holds an error output{named}. A report is made only from a "
                "notebook that ran to its end: repair the cell and run it again."
            )


def _read_output(output: Mapping[str, Any], reader: _Reader, position: int, reading: Reading) -> None:
    kind = output.get("output_type")
    if kind == "stream":
        _read_stream(output, reader, position, reading)
    elif kind == "error":
        ended = LeftOut("The notebook ended itself here; nothing after this cell was run.")
        reader.add([ended] if ended_well(output) else error_blocks(output), position)
    if kind not in ("display_data", "execute_result"):
        return
    data = output.get("data") or {}
    payload = data.get(MIME)
    if isinstance(payload, Mapping):
        if _read_payload(payload, data, reader, position):
            return
        reader.warnings.append(
            f"Cell {position}: a block of a kind this version does not know was printed from its fallback."
        )
    reader.add(output_blocks(data, output.get("metadata") or {}, reading), position)


def _read_stream(output: Mapping[str, Any], reader: _Reader, position: int, reading: Reading) -> None:
    blocks = stream_blocks(output)
    if output.get("name") == "stderr" and not reading.messages:
        count = sum(block.text.count("\n") + 1 for block in blocks)
        said = f"Cell {position}: {count} line{'s' if count > 1 else ''} on the error stream, which no report prints."
        reader.warnings += [said] if blocks else []
    else:
        reader.add(blocks, position)


def _read_payload(payload: Mapping[str, Any], data: Mapping[str, Any], reader: _Reader, position: int) -> bool:
    try:
        block = read_block(payload)
    except RunError as error:
        raise RunError(f"Cell {position}: {error}") from error
    if isinstance(block, Meta):
        reader.meta = reader.meta or block
    elif isinstance(block, Table):
        reader.blocks += [grid_of(block)] if block.print else []
        reader.lists += [] if block.print else [block]
    elif isinstance(block, Figure):
        picture = picture_of_bundle(data)
        reader.blocks.append(replace(block, data=picture.data, mime=picture.mime) if picture else block)
    elif isinstance(block, Glossary):
        reader.blocks += [block] if block.print else []
    elif isinstance(block, (Cards, Facts, Findings, Headline, Kpis, Note, PageBreak, Split)):
        reader.blocks.append(block)
    return block is not None


def _finished(reader: _Reader, notebook: Mapping[str, Any], reading: Reading) -> Document:
    meta = reader.meta or Meta()
    if meta.title == Meta().title:
        meta = replace(meta, title=_title_of(notebook, reader.blocks, reading))
    blocks = _levelled(_without_title(_without_repeats(reader.blocks), meta.title))
    named = {one.table for one in behinds(blocks)}
    lists = tuple(table for table in reader.lists if table.name in named)
    return Document(meta, numbered(tuple(_anchored(blocks))), tuple(reader.warnings), lists, workbook=reading.workbook)


def _without_repeats(blocks: list[Printed]) -> list[Printed]:
    """The blocks with each note once: what is said on page one need not be read again."""
    return [block for place, block in enumerate(blocks) if not isinstance(block, Note) or block not in blocks[:place]]


def _title_of(notebook: Mapping[str, Any], blocks: list[Printed], reading: Reading) -> str:
    """A notebook is named by the title card in its metadata, its first heading, or its file."""
    metadata = notebook.get("metadata") or {}
    about = metadata.get("rcm") or {}
    headings = [plain_text(block.text) for block in blocks if isinstance(block, Heading)]
    named = one_line(about.get("title")) if isinstance(about, Mapping) else ""
    file = one_line(reading.name.replace("_", " "))
    return named or next(iter(headings), "") or one_line(metadata.get("title")) or file or Meta().title


def _without_title(blocks: list[Printed], title: str) -> list[Printed]:
    """The title stands on the cover: a lone first heading of level 1 goes, and the others rise."""
    headings = [block for block in blocks if isinstance(block, Heading)]
    tops = [heading for heading in headings if heading.level == 1]
    if len(tops) != 1 or headings[0] is not tops[0]:
        return blocks
    if plain_text(tops[0].text) != title and len(headings) == 1:
        return blocks
    return [
        replace(block, level=max(1, block.level - 1)) if isinstance(block, Heading) else block
        for block in blocks
        if block is not tops[0]
    ]


def _levelled(blocks: list[Printed]) -> list[Printed]:
    """No heading skips a level: screen readers and PDF/UA ask for it."""
    level, levelled = 0, []
    for block in blocks:
        if isinstance(block, Heading):
            level = max(1, min(block.level, level + 1, 6))
            block = replace(block, level=level)
        levelled.append(block)
    return levelled


def _anchored(blocks: list[Printed]) -> list[Printed]:
    """Every anchor once."""
    used: set[str] = set()
    anchored = []
    for block in blocks:
        if isinstance(block, Heading):
            anchor, count = block.anchor, 1
            while anchor in used:
                count += 1
                anchor = f"{block.anchor}-{count}"
            used.add(anchor)
            block = replace(block, anchor=anchor, text=tuple(_one_line_runs(block)))
        anchored.append(block)
    return anchored


def _one_line_runs(heading: Heading) -> list[Run]:
    return [replace(run, text=" ", line_break=False) if run.line_break else run for run in heading.text]
