"""Aging reports: what is open by age, one row per payer, patient or both, and nothing of how it came about.

An age without a column is taken as nothing. Where a report knows only "over 90", that is `bucket_91_120_cents`: the
youngest day of what it may be. With `bucket` and `balance_cents` a row is one age of an account. Rows of one account
(patient and payer) are added up. A row is insurance where it names a payer, else the patient's; `party` says otherwise.
"""

from __future__ import annotations

import polars as pl

from ...tables.schema_base import Table, columns
from ...tables.schema_services import AGED, AGING_BALANCES
from .text_tables import TOTAL

AGING_GRAIN = "aging_balance"
"""What `one_row_per` says of such a file."""
BUCKETS = {
    f"bucket_{name.replace('-', '_').replace(' ', '_')}_cents" if name != "unapplied" else "unapplied_cents": name
    for name in AGED
}
"""Our column of an age, and its name."""
AMOUNTS_OF_BUCKETS = tuple(BUCKETS)

AGING_REPORT = Table(
    "aging_report",
    "one row per account of an aging report, its ages side by side; stored as aging balances",
    ("client",),
    columns(
        ("balance_cents", "cents", "open in all, checked against the ages; or what is open in the bucket", True),
        ("reported_on", "date", "day of the report; mostly of its file's name (from_name)"),
        ("payer", "text", "payer who owes it", True),
        ("patient", "text", "patient, as in the file", True),
        ("party", "text", "who owes it", True, AGING_BALANCES.column("party").values),
        ("location", "text", "part of the practice", True),
        ("bucket", "text", "age, where a row is one age", True, AGED),
        *((name, "cents", f"open, {age} days old" if age[0] in "0369o" else "not applied", True)
          for name, age in BUCKETS.items()),
    ),
    known_on="reported_on",
)  # fmt: skip


def total_lines(names: list[pl.Expr]) -> pl.Expr:
    """True for rows that are no account: called a total, or with the sum of all accounts under no name or such a name.

    `names` are the texts of payer and patient as far as the file has them.
    """
    said = pl.concat_str(names, separator=" ", ignore_nulls=True).str.strip_chars()
    cents = pl.sum_horizontal(*AMOUNTS_OF_BUCKETS, pl.when(pl.col("bucket").is_not_null()).then("balance_cents"))
    is_doubtful = (said == "") | said.str.contains(TOTAL)
    others = pl.when(~is_doubtful).then(cents).sum()
    return said.str.contains(rf"{TOTAL}\W*$") | (is_doubtful & (cents == others))


def aged(rows: pl.DataFrame, client: str) -> tuple[pl.DataFrame, int, int]:
    """Aging balances of the rows of a report; rows whose total is not that of their ages, and the dollars between.

    >>> import datetime as dt
    >>> row = {"reported_on": dt.date(2026, 10, 31), "payer": "aetna", "bucket_0_30_cents": 500,
    ...        "bucket_over_120_cents": 70, "balance_cents": 570}
    >>> found, off, cents = aged(pl.DataFrame([row, row], schema=AGING_REPORT.polars), "acme")
    >>> found.select("party", "bucket", "balance_cents").rows(), off
    ([('insurance', '0-30', 1000), ('insurance', 'over 120', 140)], 0)
    """
    parts = pl.sum_horizontal(AMOUNTS_OF_BUCKETS)
    is_wide = pl.col("bucket").is_null()
    gap = rows.filter(is_wide).select(pl.col("balance_cents") - parts).to_series().drop_nulls()
    party = pl.when(pl.col("payer").is_null()).then(pl.lit("patient")).otherwise(pl.lit("insurance"))
    rows = rows.with_columns(
        client=pl.lit(client),
        party=pl.coalesce("party", party),
        location=pl.col("location").fill_null("all"),
        account=pl.concat_str(pl.col("patient").fill_null(""), pl.col("payer").fill_null(""), separator=":"),
    )
    named = ["client", "reported_on", "party", "location", "account", "payer"]
    wide = rows.filter(is_wide).unpivot(AMOUNTS_OF_BUCKETS, index=named, variable_name="age", value_name="cents")
    age = pl.col("age").replace_strict(BUCKETS, return_dtype=pl.String)
    wide = wide.select(*named, bucket=age, balance_cents="cents")
    long = rows.filter(~is_wide).select(*named, "bucket", "balance_cents")
    key = list(AGING_BALANCES.key)
    found = pl.concat([wide, long]).group_by(key, maintain_order=True).agg(
        pl.col("payer").first(), pl.col("balance_cents").sum()
    )  # fmt: skip
    found = found.filter(pl.col("balance_cents") != 0).select(AGING_BALANCES.names)
    off = gap.filter(gap != 0)
    return found, off.len(), int(off.abs().sum())
