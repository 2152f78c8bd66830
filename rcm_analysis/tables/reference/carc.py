"""What each claim adjustment reason code (CARC) means to us: denial or not, which kind, who can prevent it.

The list is carc_categories.csv: numbers and dates are facts of the public list, the grouping and the
notes are ours. Codes that are not on it are "unmapped": never counted as a denial in silence, always
listed (`measures.denials.unmapped_codes`).
"""

from __future__ import annotations

import csv
import functools
from pathlib import Path

import narwhals.stable.v2 as nw
import polars as pl

FAMILIES = ("denial", "non_denial", "cob", "pend")
UNMAPPED = "unmapped"

PRIORITY = (
    "timely_filing",
    "authorization",
    "referral",
    "eligibility",
    "other_payer",
    "provider_enrolment",
    "network_contract",
    "non_covered",
    "benefit_limit",
    "medical_necessity",
    "bundling",
    "coding",
    "documentation",
    "administrative",
    "duplicate",
)
"""Which category names a denial when two share the largest amount: what cannot be mended by new paper
comes first (a late claim stays late), then what was known before the visit, then the content of the
claim, and last the codes that say little ("documentation" holds 16, "administrative" holds A1)."""

STAGES = (
    "registration",
    "authorization",
    "clinical",
    "documentation",
    "coding",
    "billing",
    "credentialing",
    "contracting",
    "none",
)
"""The steps at which an adjustment can be prevented, in the order of the work; `none` where it cannot."""


FILE = Path(__file__).with_name("carc_categories.csv")


@functools.cache
def carc_categories() -> pl.DataFrame:
    """The list, one row per code.

    Columns: code, family (one of `FAMILIES`), category, is_actionable (may still be paid after a
    correction), preventable_stage (one of `STAGES`), needs_remark (says nothing without a RARC),
    valid_from, valid_to (days of the public list; empty where that is not known), note, source.

    >>> carc_categories().filter(pl.col("code") == "197").select("family", "category", "preventable_stage").row(0)
    ('denial', 'authorization', 'authorization')
    """
    text = pl.read_csv(FILE, infer_schema=False)
    flags = [(pl.col(name) == "true").alias(name) for name in ("is_actionable", "needs_remark")]
    return text.with_columns(*flags, pl.col("valid_from", "valid_to").str.to_date("%Y-%m-%d"))


def codes_of(*, family: str | None = None, category: str | None = None) -> list[str]:
    """The codes of a family, of a category, or of both.

    Asked while modules are imported, so it leaves Polars alone: a process that has used Polars must not fork.

    >>> codes_of(category="duplicate")
    ['18', 'B13']
    """
    return list(_codes(family, category))


@functools.cache
def _codes(family: str | None, category: str | None) -> tuple[str, ...]:
    kept = (row for row in _rows() if family in (None, row["family"]) and category in (None, row["category"]))
    return tuple(row["code"] for row in kept)


@functools.cache
def _rows() -> list[dict[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def codes_that_need_a_remark() -> list[str]:
    """The codes that name no reason of their own and so need a remark code (RARC)."""
    return carc_categories().filter(pl.col("needs_remark"))["code"].to_list()


def category_of(carc: nw.Expr, *, family: str | None = None) -> nw.Expr:
    """The category of a column of codes; "unmapped" for a code that is not on the list.

    Written as plain comparisons, so that the list need not be carried into a foreign engine.
    `family` limits the list when only codes of that family are in the column.
    """
    rows = carc_categories() if family is None else carc_categories().filter(pl.col("family") == family)
    category = nw.lit(UNMAPPED)
    for name in rows["category"].unique(maintain_order=True):
        codes = rows.filter(pl.col("category") == name)["code"].to_list()
        category = nw.when(carc.is_in(codes)).then(nw.lit(name)).otherwise(category)
    return category


def priority_of(category: nw.Expr) -> nw.Expr:
    """The place of a category in `PRIORITY`, from 1; whatever is not listed comes last."""
    place = nw.lit(len(PRIORITY) + 1)
    for number, name in enumerate(PRIORITY, start=1):
        place = nw.when(category == name).then(nw.lit(number)).otherwise(place)
    return place
