"""Exported ledgers in which payments went to the wrong claim first."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence


def mispost(texts: dict[str, str], places: Sequence[int], days: int, wrong: int) -> dict[str, str]:
    """Some insurance payments are posted to another claim; `days` later they are reversed there and posted right.

    `texts` are the transaction files of layout A by name, one a month. What falls after the last of them happens on
    the last day of its month.
    """
    tables = {name: list(csv.reader(io.StringIO(text))) for name, text in texts.items()}
    header = next(iter(tables.values()))[0]
    at = {name: header.index(name) for name in ("Txn ID", "Claim #", "Type", "Resp", "Amount", "Post Date")}
    payments = [
        row
        for rows in tables.values()
        for row in rows[1:-1]
        if row[at["Type"]] == "PMT" and row[at["Resp"]] == "P" and row[at["Claim #"]]
    ]
    claims = sorted({row[at["Claim #"]] for row in payments})
    last = sorted(tables)[-1]
    for number in sorted({place % len(payments) for place in places}):
        row = payments[number]
        right = row[at["Claim #"]]
        row[at["Claim #"]] = claims[(claims.index(right) + wrong) % len(claims)]
        day = dt.datetime.strptime(row[at["Post Date"]], "%m/%d/%Y").date() + dt.timedelta(days)
        file = f"transactions_{day:%Y-%m}.csv"
        if file not in tables:
            file, day = last, _last_day(last)
        back, anew = list(row), list(row)
        back[at["Txn ID"]], anew[at["Txn ID"]] = f"{row[0]}R", f"{row[0]}N"
        back[at["Amount"]], anew[at["Claim #"]] = f"({row[at['Amount']]})", right
        back[at["Post Date"]] = anew[at["Post Date"]] = f"{day:%m/%d/%Y}"
        tables[file][-1:-1] = [back, anew]
    return {name: _text(rows) for name, rows in tables.items()}


def _last_day(name: str) -> dt.date:
    month = dt.date.fromisoformat(f"{name.removesuffix('.csv')[-7:]}-28")
    return (month + dt.timedelta(4)).replace(day=1) - dt.timedelta(1)


def _text(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
