"""The blocks a report is made of: plain payloads that the press prints and JupyterLab shows.

A block is data, never markup: every text in it is plain text. `Block` travels from the notebook to
the press as one MIME bundle, with an HTML copy for the bench and, for figures, the SVG beside it.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .formats import as_text, is_empty, plain

MIME = "application/vnd.rcm.block+json"
STATUSES = ("good", "bad", "neutral", "empty")
SEVERITIES = ("high", "medium", "low")
TONES = ("info", "warning")


@dataclass(frozen=True)
class Block:
    """One payload with, for a figure, its SVG."""

    payload: Mapping[str, Any]
    svg: str | None = None

    def bundle(self) -> dict[str, Any]:
        """The MIME bundle of the block."""
        out: dict[str, Any] = {MIME: dict(self.payload), "text/plain": f"[{self.payload['kind']}]"}
        if self.payload["kind"] not in ("inputs", "pagebreak"):
            out["text/html"] = as_html(self)
        if self.svg:
            out["image/svg+xml"] = self.svg
        return out

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return self.bundle()


def emit(blocks: Block | Iterable[Block]) -> None:
    """Display the blocks in the notebook, in order."""
    from IPython.display import display

    for block in [blocks] if isinstance(blocks, Block) else blocks:
        display(block.bundle(), raw=True)


def note(text: str, *, tone: str = "info") -> Block:
    """One paragraph in a box: what the reader must know beside the numbers."""
    return Block({"kind": "note", "tone": _one_of(tone, TONES, "tone"), "text": text})


def pagebreak() -> Block:
    """A new page in print."""
    return Block({"kind": "pagebreak"})


def cards(items: Sequence[tuple[str, str, str]]) -> Block:
    """Page one: question, answer, one sentence."""
    return Block(
        {
            "kind": "cards",
            "items": [{"title": title, "answer": answer, "detail": detail} for title, answer, detail in items],
        }
    )


def comparison(label: str, value: Any, unit: str, *, now: Any = None, good: str = "") -> dict[str, Any]:
    """One earlier value beside a tile, and whether the move since then is good.

    `good` is "up", "down" or "" (neither); an unknown value on either side has no direction.
    """
    move = "flat"
    if is_empty(value) or is_empty(now):
        move = ""
    elif as_text(value, unit) != as_text(now, unit):
        move = "up" if now > value else "down"
    verdict = None if not good or move in ("", "flat") else move == good
    return {"label": label, "value": as_text(value, unit), "direction": move, "good": verdict}


def kpi(
    label: str,
    value: Any,
    unit: str,
    *,
    note: str,
    target: str = "",
    status: str = "neutral",
    comparisons: Sequence[Mapping[str, Any]] = (),
    reason: str = "",
) -> dict[str, Any]:
    """One tile: a value with its basis, target and earlier values."""
    if is_empty(value):
        status = "empty"
    return {
        "label": label,
        "value": as_text(value, unit, reason=reason),
        "note": note,
        "target": target,
        "status": _one_of(status, STATUSES, "status"),
        "comparisons": [dict(item) for item in comparisons],
    }


def kpis(items: Sequence[Mapping[str, Any]]) -> Block:
    """The row of tiles."""
    return Block({"kind": "kpis", "items": [dict(item) for item in items]})


def finding(
    title: str,
    detail: str,
    *,
    amount_cents: int | None = None,
    owner: str = "",
    due: Any = None,
    severity: str = "medium",
) -> dict[str, Any]:
    """One thing to do: what, why, dollars, owner, day."""
    return {
        "title": title,
        "detail": detail,
        "amount_cents": plain(amount_cents, "usd"),
        "amount": as_text(amount_cents, "usd"),
        "owner": owner,
        "due": plain(due, "date"),
        "severity": _one_of(severity, SEVERITIES, "severity"),
    }


def findings(title: str, items: Sequence[Mapping[str, Any]]) -> Block:
    """A list of things to do."""
    return Block({"kind": "findings", "title": title, "items": [dict(item) for item in items]})


def facts(title: str, items: Iterable[tuple[str, str]]) -> Block:
    """Labels and values: provenance, parameters."""
    return Block(
        {"kind": "facts", "title": title, "items": [{"label": label, "value": value} for label, value in items]}
    )


def glossary(items: Iterable[Mapping[str, str]]) -> Block:
    """The definitions of the measures that were used."""
    return Block({"kind": "glossary", "items": [dict(item) for item in items]})


def inputs(tables: Iterable[Mapping[str, Any]], findings: int, client: str) -> Block:
    """What went in: for the manifest, not for print."""
    return Block(
        {"kind": "inputs", "tables": [dict(table) for table in tables], "findings": int(findings), "client": client}
    )


def meta(**items: str) -> Block:
    """Title, client, period and as-of of the report: once, first."""
    return Block({"kind": "meta", **items})


def _one_of(value: str, known: Sequence[str], what: str) -> str:
    if value not in known:
        raise ValueError(f"{what} should be one of {', '.join(known)}; found {value!r}")
    return value


# The copy for the bench: a quiet rendering with no script, for JupyterLab and plain nbconvert.


def as_html(block: Block) -> str:
    """The block as escaped HTML, for whoever looks at the notebook itself."""
    return f'<div style="font-family:sans-serif;max-width:60em">{_WRITERS[block.payload["kind"]](block)}</div>'


def _text(value: Any) -> str:
    return html.escape(str(value))


def _note_html(block: Block) -> str:
    return f"<p><em>{_text(block.payload['text'])}</em></p>"


def _cards_html(block: Block) -> str:
    return "".join(
        f"<p><strong>{_text(item['title'])}</strong><br><span "
        f"style='font-size:1.6em'>{_text(item['answer'])}</span>"
        f"<br>{_text(item['detail'])}</p>"
        for item in block.payload["items"]
    )


def _kpis_html(block: Block) -> str:
    rows = (
        f"<tr><th "
        f"style='text-align:left'>{_text(item['label'])}</th><td><strong>{_text(item['value'])}</strong></td>"
        f"<td>{_text(item['target'])}</td><td>"
        f"{_text('; '.join(c['label'] + ' ' + c['value'] for c in item['comparisons']))}</td>"
        f"<td>{_text(item['note'])}</td></tr>"
        for item in block.payload["items"]
    )
    return f"<table>{''.join(rows)}</table>"


def table_html(payload: Mapping[str, Any]) -> str:
    """A table payload as an HTML table."""
    head = "".join(f"<th>{_text(column['title'])}</th>" for column in payload["columns"])
    left = {
        number
        for number, column in enumerate(payload["columns"])
        if column["unit"] in ("text", "flag", "date", "month")
    }
    strong = set(payload["emphasis"])
    body = ""
    for number, row in enumerate(payload["text"]):
        weight = "bold" if number in strong else "normal"
        body += (
            f"<tr style='font-weight:{weight}'>"
            + "".join(
                f"<td style='text-align:{'left' if place in left else 'right'}'>{_text(cell)}</td>"
                for place, cell in enumerate(row)
            )
            + "</tr>"
        )
    notes = "".join(
        f"<div><small>{_text(line)}</small></div>" for line in [payload["definition"], *payload["notes"]] if line
    )
    return (
        f"<p><strong>{_text(payload['title'])}</strong></p><table><thead><tr>{head}</tr></thead><tbody>{body}"
        f"</tbody></table>{notes}"
    )


def _table_html(block: Block) -> str:
    return table_html(block.payload)


def _figure_html(block: Block) -> str:
    picture = base64.b64encode((block.svg or "").encode()).decode()
    return (
        f"<p><strong>{_text(block.payload['title'])}</strong></p>"
        f'<img src="data:image/svg+xml;base64,{picture}" alt="{_text(block.payload["alt"])}">'
        f"<p>{_text(block.payload['finding'])}</p>"
    )


def _findings_html(block: Block) -> str:
    items = (
        f"<li><strong>{_text(item['title'])}</strong> ({_text(item['amount'])}; {_text(item['owner'])}, "
        f"{_text(as_text(item['due'], 'date'))})<br>{_text(item['detail'])}</li>"
        for item in block.payload["items"]
    )
    return f"<p><strong>{_text(block.payload['title'])}</strong></p><ol>{''.join(items)}</ol>"


def _facts_html(block: Block) -> str:
    rows = "".join(
        f"<tr><th style='text-align:left'>{_text(item['label'])}</th><td "
        f"style='text-align:left'>{_text(item['value'])}</td></tr>"
        for item in block.payload["items"]
    )
    return f"<p><strong>{_text(block.payload['title'])}</strong></p><table>{rows}</table>"


def _glossary_html(block: Block) -> str:
    return "".join(
        f"<p><strong>{_text(item['title'])}</strong> ({_text(item['unit'])}): {_text(item['formula'])} "
        f"<small>{_text(item['source'])}</small></p>"
        for item in block.payload["items"]
    )


def _meta_html(block: Block) -> str:
    meta = block.payload
    return (
        f"<p><strong>{_text(meta['client_name'])}</strong>, {_text(meta['period_title'])}; as of "
        f"{_text(meta['as_of'])}</p>"
    )


_WRITERS = {
    "note": _note_html,
    "cards": _cards_html,
    "kpis": _kpis_html,
    "table": _table_html,
    "figure": _figure_html,
    "findings": _findings_html,
    "facts": _facts_html,
    "glossary": _glossary_html,
    "meta": _meta_html,
}
