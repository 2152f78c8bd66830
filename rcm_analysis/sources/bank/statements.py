"""Rows of bank statements and lockboxes, as deposits: what came in, with its trace number, and nothing of who sent it.

| kind | a row is of it where |
|---|---|
| `claim_payment` | its text has a TRN segment or HCCLAIMPMT, as payments of health plans must |
| `lockbox` | the bank says that it is what a lockbox took in on a day |
| `check` | it is one check of a lockbox (`constants = { kind = "check" }` in the map of a lockbox file) |
| `returned` | it takes back a deposit: a check returned, an ACH entry reversed |
| `other` | none of these: patients, cards, transfers, or a payer's money without its name |

Money that goes out is left out and told, but for what is returned and for claim payments taken back. The text of a row
is read for these marks and then forgotten: it may name a patient.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ...tables.schema import BANK_DEPOSITS, BANK_KINDS
from ...tables.schema_base import Table, columns

BANK_STATEMENT = Table(
    "bank_statement",
    "one row per credit or debit of a bank statement, or per check of a lockbox; stored as bank deposits",
    ("client",),
    columns(
        ("amount_cents", "cents", "credited; below zero for a debit"),
        ("posted_on", "date", "day on which the bank posted it"),
        ("kind", "text", "what it is; found from the text when empty", True, BANK_KINDS),
        ("trace", "text", "check, EFT or trace number", True),
        ("reference", "text", "second number that the bank gives", True),
        ("batch", "text", "batch of a lockbox", True),
        ("account", "text", "account; its last four digits are kept", True),
        ("description", "text", "the bank's text: read, and not kept", True),
    ),
    known_on="posted_on",
)

TRACE = r"(?i)TRN[*| ]1[*| ]([^*|~\\\s]+)"
"""The trace number of a payment (TRN02) in what the bank passes on of it."""
CLAIM_PAYMENT = r"(?i)HCCLAIMPMT|TRN[*| ]1[*| ]"
RETURNED = (
    r"(?i)\b(?:nsf|return(?:ed)? (?:deposit|item|check|chk|ach)|(?:deposit(?:ed)?|check|chk|ach) (?:item )?return)"
)


@dataclass(frozen=True)
class Banked:
    """The deposits of a statement, and what is to be said of it: rule, how many, dollars, message."""

    rows: pl.DataFrame
    remarks: tuple[tuple[str, int, int | None, str], ...] = ()


def banked(rows: pl.DataFrame, client: str) -> Banked:
    """The deposits that the rows of a statement hold.

    Counts
        Two equal deposits of a day both count; the same rows in a second statement of the account are the same.

    >>> import datetime as dt
    >>> row = {"posted_on": dt.date(2026, 10, 5), "amount_cents": 8010, "description": "HCCLAIMPMT A TRN*1*77*1999"}
    >>> found = banked(pl.DataFrame([row, row], schema=BANK_STATEMENT.polars), "acme")
    >>> found.rows.select("deposit_id", "kind", "trace").rows()
    [(':2026-10-05:8010:1', 'claim_payment', '77'), (':2026-10-05:8010:2', 'claim_payment', '77')]
    """
    texts = pl.concat_str("trace", "reference", "description", separator=" ", ignore_nulls=True)
    found = pl.when(texts.str.contains(CLAIM_PAYMENT)).then(pl.lit("claim_payment"))
    found = found.when((pl.col("amount_cents") < 0) & texts.str.contains(RETURNED)).then(pl.lit("returned"))
    rows = rows.with_columns(
        client=pl.lit(client),
        kind=pl.coalesce("kind", found.otherwise(pl.lit("other"))),
        trace=pl.coalesce(texts.str.extract(TRACE), "trace"),
        account_end=pl.col("account").str.replace_all(r"\W", "").str.slice(-4),
    )
    comes_in = (pl.col("amount_cents") > 0) | pl.col("kind").is_in(["returned", "claim_payment"])
    out = rows.filter(~comes_in)
    key = ["account_end", "posted_on", "amount_cents"]
    kept = rows.filter(comes_in).with_columns(
        deposit_id=pl.concat_str(
            pl.col("account_end").fill_null(""),
            "posted_on",
            "amount_cents",
            pl.int_range(1, pl.len() + 1).over(key),
            separator=":",
        )
    )
    message = "row(s) are no deposits (money that goes out, or nothing): they were left out"
    told = (("bank_debits", out.height, int(out["amount_cents"].abs().sum()), message),) if out.height else ()
    return Banked(kept.select(BANK_DEPOSITS.names), told)
