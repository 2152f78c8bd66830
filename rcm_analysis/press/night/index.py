"""`runs/index.html`: every client's months on one page that needs no server, no network and no script.

With a script, whose hash the page's security policy names, it can be searched and sorted. It is read from the manifests
in the run folders, and put in place by a rename.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from ...errors import RunError
from ...periods import Period
from ...tables.disk import write_text
from ..runs import folders, manifest
from ..runs.packet import MANAGER, NAME, file_name
from ..writers.locked import MARK

INDEX = "index.html"
KINDS = {".pdf": "PDF", ".html": "HTML", ".xlsx": "XLSX", f"{MARK}.pdf": "locked PDF", f"{MARK}.xlsx": "locked XLSX"}
"""The ends of the names of a packet's files, the copies under a password among them, and the words of their links."""
WHOLE, PARTLY, NOTHING = "complete", "incomplete", "failed"
MONTHS = "[0-9][0-9][0-9][0-9]-[0-9][0-9]"


@dataclass(frozen=True)
class Link:
    """A file to open: its words, its place from the runs folder on."""

    text: str
    place: str


@dataclass(frozen=True)
class Row:
    """One client's month: whether all of it is there, what is not and why, key figures, and what to open."""

    client: str
    name: str
    month: str
    state: str
    why: tuple[str, ...] = ()
    pages: int | None = None
    made: str = ""
    figures: Mapping[str, str] = field(default_factory=dict)
    packet: tuple[Link, ...] = ()
    manager: tuple[Link, ...] = ()

    @property
    def title(self) -> str:
        """The month in words."""
        return Period.month(self.month).title


def write_index(runs: Path, names: Mapping[str, str]) -> Path:
    """Write the page over all that is in the runs folder; `names` are the clients' names by id."""
    path = Path(runs) / INDEX
    write_text(path, page(list(rows(runs, names))))
    return path


def rows(runs: Path, names: Mapping[str, str]) -> Iterator[Row]:
    """Every client's months, the latest month first, the portfolio before the clients."""
    found = [folder for folder in Path(runs).glob(f"*/{MONTHS}") if not folder.parent.name.startswith((".", "_"))]
    for folder in sorted(found, key=lambda one: (one.parent.name != folders.PORTFOLIO, one.parent.name)):
        row = _row(folder, names)
        if row:
            yield row


def _row(folder: Path, names: Mapping[str, str]) -> Row | None:
    signed = {path.parent.name: _manifest(path.parent) for path in sorted(folder.glob(f"*/{manifest.MANIFEST}"))}
    signed = {name: made for name, made in signed.items() if made and not name.startswith(".")}
    if not signed:
        return None
    client, month, packet = folder.parent.name, folder.name, signed.get(NAME, {})
    why = [_failure(name, made) for name, made in signed.items() if made["status"] != "done"]
    why += [f"{item['title']}: {item['reason']}" for item in packet.get("absent", []) if not why]
    reports = {name: made for name, made in signed.items() if name != NAME and made["status"] == "done"}
    there = packet if client != folders.PORTFOLIO else reports
    return Row(
        client,
        names.get(client, client) if client != folders.PORTFOLIO else "All clients",
        month,
        (PARTLY if why else WHOLE) if there else NOTHING,
        tuple(why) or (() if there else ("no packet was made",)),
        packet.get("pages"),
        max(made.get("finished_at", "") for made in signed.values())[:16].replace("T", " "),
        {label: text for made in reports.values() for label, text in made.get("figures", {}).items()},
        links_of(folder) if client != folders.PORTFOLIO else tuple(_report_links(folder, reports)),
        links_of(folder, MANAGER),
    )


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return manifest.read(folder)
    except RunError:
        return {}


def _names(made: Mapping[str, Any]) -> set[str]:
    """The files that a manifest names: they are there also where only the manifest was copied to this machine."""
    return {one["name"] for one in made.get("outputs", [])}


def _failure(name: str, made: Mapping[str, Any]) -> str:
    error = made.get("error") or {}
    cell = f" at cell {error['cell']}" if error.get("cell") is not None else ""
    return f"{name.removesuffix('.failed')} stopped{cell}: {error.get('line', made['status'])}"


def links_of(month: Path, name: str = NAME) -> tuple[Link, ...]:
    """The files of a client's packet, or of the manager's copy beside it, that are there."""
    stem, place = file_name(month.parent.name, month.name, name), f"{month.parent.name}/{month.name}/{NAME}"
    made = _names(_manifest(month / NAME))
    there = [kind for kind in KINDS if f"{stem}{kind}" in made]
    return tuple(Link(KINDS[kind], quote(f"{place}/{stem}{kind}")) for kind in there)


def _report_links(month: Path, reports: Mapping[str, Mapping[str, Any]]) -> Iterator[Link]:
    for name, made in reports.items():
        title = made.get("template", {}).get("title", name)
        for file in ("report.pdf", "report.html", "workbook.xlsx"):
            if file in _names(made):
                kind = file.rpartition(".")[2].upper()
                yield Link(f"{title} {kind}", quote(f"{month.parent.name}/{month.name}/{name}/{file}"))


def page(found: list[Row]) -> str:
    """The rows as one page; the same rows always give the same bytes."""
    script, style = _shipped("index.js"), _shipped("index.css")
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    ordered = sorted(found, key=lambda row: row.month, reverse=True)
    return templates().get_template("index.html").render(
        policy=policy,
        script=script,
        style=style,
        rows=ordered,
        labels=list(dict.fromkeys(label for row in ordered for label in row.figures)),
        states=[state for state in (NOTHING, PARTLY, WHOLE) if any(row.state == state for row in found)],
    )  # fmt: skip


@functools.cache
def templates() -> jinja2.Environment:
    """The page and the letter, which escape every text."""
    pages = jinja2.Environment(
        loader=jinja2.PackageLoader("rcm_analysis.press.night", "pages"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["number"] = as_number
    return pages


def as_number(text: str) -> str:
    """What a printed figure sorts by.

    >>> [as_number(text) for text in ("$330,242", "-$12", "($12)", "47.1", "12.0%", "")]
    ['330242', '-12', '-12', '47.1', '12.0', '']
    """
    digits = re.sub(r"[^0-9.]", "", text)
    return f"-{digits}" if digits and text.lstrip().startswith(("-", "(", "−")) else digits


def _shipped(name: str) -> str:
    return resources.files("rcm_analysis.press.night").joinpath("pages", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
