"""Several reports as one packet."""

from __future__ import annotations

from dataclasses import replace

from ...blocks.plain import slug
from ...blocks.vocabulary import Facts, Glossary, Meta, Note, Term
from .document import Document, Grid, Heading, ListBlock, Paragraph, Printed, Quote, Run, numbered

LARGE_ROWS = 10
"""A table of so many rows is printed once in a packet; a small one may be wanted where it is read."""


def join(documents: list[Document], meta: Meta) -> Document:
    """One document with a part per report; what all its numbers mean and where they come from stands once, at the end.

    Every anchor, number and large table is there once.

    >>> from rcm_analysis.blocks.vocabulary import Note
    >>> one = Document(Meta(title="Aging"), (Note("x"),))
    >>> [type(block).__name__ for block in join([one, one], Meta(title="Packet")).blocks]
    ['Heading', 'Note', 'Heading', 'Note']
    """
    blocks: list[Printed] = []
    terms: dict[tuple[str, str], Term] = {}
    remarks: list[Printed] = []
    origins: dict[tuple[Printed, ...], list[tuple[str, str]]] = {}
    shown: dict[Grid, str] = {}
    for position, document in enumerate(documents, start=1):
        prefix = f"part-{position}"
        kept, said = _without_glossaries(list(document.blocks), terms)
        kept, origin = _without_origin(kept)
        remarks += [block for block in (_moved(block, prefix) for block in said) if block not in remarks]
        if origin:
            origins.setdefault(origin, []).append((document.meta.title, prefix))
        blocks.append(
            _part(
                document.meta.title,
                prefix,
                document.meta.period_title if document.meta.period_title != meta.period_title else "",
            )
        )
        blocks.extend(_moved(_once(block, shown, document.meta.title), prefix) for block in kept)
    if terms:
        blocks.append(_part("Definitions", "definitions-of-the-packet"))
        blocks.extend(remarks)
        blocks.append(Glossary(tuple(terms.values())))
    if origins:
        blocks.append(_part("Where the numbers come from", "origin-of-the-packet"))
    for origin, reports in origins.items():
        title, prefix = ", ".join(name for name, _ in reports), reports[0][1]
        blocks.append(Heading(2, (Run(title),), f"{prefix}-origin"))
        blocks.extend(_moved(_once(block, shown, title), prefix) for block in origin)
    warnings = tuple(f"{document.meta.title}: {warning}" for document in documents for warning in document.warnings)
    return Document(meta, numbered(tuple(blocks)), warnings)


def _part(title: str, anchor: str, subtitle: str = "") -> Heading:
    return Heading(1, (Run(title),), slug(anchor), part=True, subtitle=subtitle)


def _without_glossaries(
    blocks: list[Printed], terms: dict[tuple[str, str], Term]
) -> tuple[list[Printed], list[Printed]]:
    """The blocks without their glossaries, whose terms are gathered; and what is said of the definitions.

    A section that begins with its glossary goes whole: what stands after the glossary is about it.
    """
    kept: list[Printed] = []
    remarks: list[Printed] = []
    closing: Heading | None = None
    for block in blocks:
        if closing is not None and (not isinstance(block, Heading) or block.level > closing.level):
            remarks.append(block)
            continue
        closing = None
        if not isinstance(block, Glossary):
            kept.append(block)
            continue
        for term in block.items:
            terms.setdefault((term.name or term.title, term.formula), term)
        if kept and isinstance(kept[-1], Heading):
            closing = kept[-1]
            kept.pop()
    return kept, remarks


def _without_origin(blocks: list[Printed]) -> tuple[list[Printed], tuple[Printed, ...]]:
    """The blocks without their last section where that begins with facts, and what stands in it.

    A report that is nothing but that section keeps it: the part would be empty.
    """
    last = max((place for place, block in enumerate(blocks) if isinstance(block, Heading)), default=0)
    if not last or last + 1 == len(blocks) or not isinstance(blocks[last + 1], Facts):
        return blocks, ()
    more = blocks[last + 2 :]
    return blocks[:last], (
        replace(blocks[last + 1], title=""),  # type: ignore[arg-type]
        *(replace(block, number=None) if isinstance(block, Grid) else block for block in more),
    )


def _once(block: Printed, shown: dict[Grid, str], part: str) -> Printed:
    """The block, or a note that says in which part the same table stands."""
    if not isinstance(block, Grid) or len(block.body) < LARGE_ROWS or not block.caption:
        return block
    first = shown.setdefault(replace(block, number=None), part)
    return block if first == part else Note(f"{block.caption}: as in the part \u201c{first}\u201d.")


def _moved(block: Printed, prefix: str) -> Printed:
    """The block one level down, its anchors and links inside its own part."""
    if isinstance(block, Heading):
        return replace(
            block, level=min(6, block.level + 1), anchor=f"{prefix}-{block.anchor}", text=_linked(block.text, prefix)
        )
    if isinstance(block, Paragraph):
        return replace(block, text=_linked(block.text, prefix))
    if isinstance(block, Quote):
        return replace(block, blocks=tuple(_moved(inner, prefix) for inner in block.blocks))
    if isinstance(block, ListBlock):
        return replace(block, items=tuple(tuple(_moved(inner, prefix) for inner in item) for item in block.items))
    return block


def _linked(text: tuple[Run, ...], prefix: str) -> tuple[Run, ...]:
    return tuple(
        replace(run, href=f"#{prefix}-{run.href[1:]}") if run.href and run.href.startswith("#") else run for run in text
    )
