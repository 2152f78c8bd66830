"""Invented front offices of any size, and what the pages of a patient engagement review say of them."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from rcm_analysis.exhibits.blocks import Block
from rcm_analysis.simulate.company import seed_company
from rcm_analysis.simulate.fees import Calendar
from rcm_analysis.simulate.files.workspace import Job, live
from rcm_analysis.simulate.services.engagement import engagement_tables

EXHIBITS = (
    "answers",
    "behind",
    "in_the_workbook",
    "shifts",
    "appointments",
    "access",
    "retention",
    "intake",
    "risk",
    "hospital",
    "going_on",
    "satisfaction",
    "feedback",
    "worth",
    "loop",
    "definitions",
    "provenance",
)


def simulated(scale: float, *, plants: bool, seed: int = 7) -> dict[str, pl.DataFrame]:
    company = seed_company(["dr-quinn"])
    practice = live(Job(company.clients[0], company, Calendar.ending("2026-10", 20), seed, scale), 1.0)
    tables, _ = engagement_tables(practice, plants)
    return {name: frame.select(pl.lit("acorn-clinic").alias("client"), pl.all()) for name, frame in tables.items()}


def tables_of(blocks: list[Block]) -> Iterator[dict]:
    for block in blocks:
        if block.payload["kind"] == "table":
            yield {"text": block.payload["rows"], **block.payload}
        elif block.payload["kind"] == "figure" and block.payload["table"]:
            yield {"text": block.payload["table"]["rows"], **block.payload["table"]}


def words_of(blocks: list[Block]) -> Iterator[str]:
    """Every sentence: notes, alternative texts, findings, cards, pieces of a bar; notes and definitions of tables."""
    for block in blocks:
        payload = block.payload
        yield from (
            str(payload.get(name, ""))
            for name in ("text", "finding", "alt", "title", "definition")
            if isinstance(payload.get(name, ""), str)
        )
        items = [*payload.get("items", []), *payload.get("pieces", [])]
        yield from (str(value) for item in items for value in item.values())
        for table in tables_of([block]):
            yield from (*table["notes"], table["definition"], table["title"])
