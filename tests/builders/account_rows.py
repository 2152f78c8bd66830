"""Rows of the work log and of promises for the follow-up tests, and a random log on a random book."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl

from rcm_analysis.tables import schema

CLIENT = "acme"


def note(claim_id, on, action="follow_up", **other) -> dict:
    """One note, entered on the day of the work."""
    return {"claim_id": claim_id, "worked_on": on, "entered_on": on, "worked_by": "jd", "action": action, **other}


def promise(claim_id, given, due, cents) -> dict:
    """One promise to pay."""
    return {"claim_id": claim_id, "promised_on": given, "due_on": due, "amount_cents": cents, "patient": "p"}


def frame(name: str, rows: list[dict], key: str) -> pd.DataFrame:
    """The table of the schema with these rows."""
    table = schema.TABLES[name]
    days = {column.name for column in table.columns if column.kind == "date"}
    filled = [{"client": CLIENT, key: f"{number:04d}", **row} for number, row in enumerate(rows)]
    typed = [
        {c: dt.date.fromisoformat(row[c]) if c in days and row.get(c) else row.get(c) for c in table.names}
        for row in filled
    ]
    return pl.DataFrame(typed, schema=table.polars).to_pandas()


BEGAN = "2025-12-01"


def with_work(tables: dict, *notes, promises=(), began: str | None = BEGAN) -> dict:
    """The tables with a work log, of another claim's note from the day it `began` on, and promises."""
    first = [note("elsewhere", began)] if began else []
    return {
        **tables,
        "work_log": frame("work_log", [*first, *notes], "note_id"),
        "promises": frame("promises", list(promises), "promise_id"),
    }


def random_work(tables: dict, notes: int = 300, seed: int = 5) -> dict:
    """The random book with notes of three people, some without an outcome or minutes."""
    rng = np.random.default_rng(seed)
    claims, start = tables["claims"]["claim_id"].tolist(), dt.date(2025, 5, 1)
    actions, outcomes = ["follow_up", "appeal", "statement"], [None, "paid", "waiting_on_payer"]
    rows = [
        note(
            claims[rng.integers(len(claims))],
            str(start + dt.timedelta(days=int(rng.integers(0, 340)))),
            actions[rng.integers(3)],
            worked_by=["ann", "bob", "cy"][rng.integers(3)],
            outcome=outcomes[rng.integers(3)],
            minutes=[None, 5.0, 12.5][rng.integers(3)],
        )
        for _ in range(notes)
    ]
    promised = [promise(claims[n], "2026-01-10", "2026-02-10", 500) for n in range(40)]
    return with_work(tables, *rows, promises=promised)
