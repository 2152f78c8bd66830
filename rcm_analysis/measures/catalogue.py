"""The menu of measures: one record each, read by reports, workbook, glossary and tests.

The record says what a reader needs beside the number. What the number *is* stands in one place only,
the docstring of its function: `Measure.formula`, `.date_basis` and `.source` read it there.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pandas as pd

from ..errors import ParameterError, closest
from . import (
    appeals,
    ar,
    cash_due,
    client_ratings,
    collections,
    denial_reasons,
    denials,
    first_pass,
    lags,
    portfolio,
    write_offs,
)

UNITS = ("usd", "rate", "days", "count", "words", "date")
DIRECTIONS = ("up", "down", "none")
SECTIONS = ("Formula", "Counts", "Date basis", "Unit", "Empty", "Source")


@dataclass(frozen=True)
class Measure:
    """One measure of the menu.

    value        the column that holds the headline number ("usd" columns hold cents)
    good         which direction is good: "up", "down" or "none"
    tables       the tables it cannot do without
    options      arguments that belong to the name ("aged_share_90" is `aged_share` with days=90)
    is_additive  the value of a longer period is a sum, so windows compare per month
    """

    name: str
    function: Callable[..., pd.DataFrame]
    title: str
    value: str
    unit: str
    good: str
    tables: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    is_additive: bool = False

    @property
    def summary(self) -> str:
        """The first sentence of the definition."""
        return inspect.getdoc(self.function).split("\n\n")[0].replace("\n", " ")

    @property
    def formula(self) -> str:
        return section(self.function, "Formula")

    @property
    def date_basis(self) -> str:
        return section(self.function, "Date basis")

    @property
    def source(self) -> str:
        return section(self.function, "Source")

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.function).parameters)


def section(function: Callable[..., Any], title: str) -> str:
    """One section of a measure's docstring as one line; empty when the docstring lacks it."""
    text = inspect.getdoc(function) or ""
    found = re.search(rf"^{title}\n((?:    .*\n?)+)", text, flags=re.MULTILINE)
    return " ".join(found[1].split()) if found else ""


_REMITS = ("remit_claims", "remit_lines", "remit_adjustments")
_MONEY = ("transactions",)
_CLAIM_MONEY = ("claims", "transactions")

_RECORDS = (
    # What is owed
    Measure("aging", ar.aging, "Receivable by age", "ar_cents", "usd", "down", _CLAIM_MONEY),
    Measure("open_balances", ar.open_balances, "Open receivable", "ar_cents", "usd", "down", _MONEY),
    Measure(
        "credit_balances", ar.credit_balances, "Credit balances as a share of the receivable", "credit_share",
        "rate", "down", _MONEY,
    ),
    Measure(
        "unapplied_money", ar.unapplied_money, "Unapplied money", "unapplied_cents", "usd", "down", _MONEY,
    ),
    Measure(
        "aged_share_90", ar.aged_share, "Receivable older than 90 days", "aged_share", "rate", "down",
        _CLAIM_MONEY, {"days": 90},
    ),
    Measure(
        "aged_share_120", ar.aged_share, "Receivable older than 120 days", "aged_share", "rate", "down",
        _CLAIM_MONEY, {"days": 120},
    ),
    Measure("days_in_ar", ar.days_in_ar, "Days in AR", "days_in_ar", "days", "down", _MONEY),
    # What came in
    Measure("cash", collections.cash, "Cash collected", "cash_cents", "usd", "up", _MONEY, is_additive=True),
    Measure(
        "charges", collections.charges, "Charges posted", "charge_cents", "usd", "none", _MONEY,
        is_additive=True,
    ),
    Measure(
        "cash_due", cash_due.cash_due, "Cash due on claims that fell due", "cash_due_cents", "usd", "none",
        ("claims", "submissions", "remit_claims", "transactions"), is_additive=True,
    ),
    Measure(
        "gross_collection_rate_posted", collections.gross_collection_rate_posted,
        "Gross collection rate, posting month", "gross_collection_rate_posted", "rate", "up", _MONEY,
    ),
    Measure(
        "net_collection_rate_posted", collections.net_collection_rate_posted,
        "Net collection rate, posting month", "net_collection_rate_posted", "rate", "up", _MONEY,
    ),
    Measure(
        "gross_collection_rate_matured", collections.gross_collection_rate_matured,
        "Gross collection rate, matured services", "gross_collection_rate_matured", "rate", "up",
        _CLAIM_MONEY,
    ),
    Measure(
        "net_collection_rate_matured", collections.net_collection_rate_matured,
        "Net collection rate, matured services", "net_collection_rate_matured", "rate", "up", _CLAIM_MONEY,
    ),
    # How long it takes
    Measure(
        "charge_lag", lags.charge_lag, "Days from service to charge entry", "median_days", "days", "down",
        ("claims",),
    ),
    Measure(
        "submission_lag", lags.submission_lag, "Days from charge entry to first bill", "median_days", "days",
        "down", ("claims", "submissions"),
    ),
    Measure(
        "days_to_pay", lags.days_to_pay, "Days from first bill to the payer's answer", "median_days", "days",
        "down", ("submissions", "remit_claims"),
    ),
    # What was given up
    Measure(
        "write_offs", write_offs.write_offs, "Write-offs", "write_off_cents", "usd", "down", _MONEY,
        is_additive=True,
    ),
    Measure(
        "denial_write_off_share", write_offs.denial_write_off_share,
        "Denial write-offs as a share of collectable charges", "denial_write_off_share", "rate", "down",
        _MONEY,
    ),
    Measure(
        "small_balance_write_offs", write_offs.small_balance_write_offs,
        "Small-balance write-offs as a share of write-offs", "small_share", "rate", "none", _MONEY,
    ),
    Measure(
        "whole_dollar_sweeps", write_offs.whole_dollar_sweeps,
        "Whole-dollar write-offs of old balances, by batch", "swept_cents", "usd", "down", _CLAIM_MONEY,
    ),
    # What is denied
    Measure(
        "initial_denial_rate_claims_remitted", denials.initial_denial_rate_claims_remitted,
        "Initial denial rate: claims, of claims remitted", "initial_denial_rate_claims_remitted", "rate",
        "down", _REMITS,
    ),
    Measure(
        "initial_denial_rate_lines_remitted", denials.initial_denial_rate_lines_remitted,
        "Initial denial rate: lines, of lines remitted", "initial_denial_rate_lines_remitted", "rate", "down",
        _REMITS,
    ),
    Measure(
        "initial_denial_rate_dollars_remitted", denials.initial_denial_rate_dollars_remitted,
        "Initial denial rate: dollars, of dollars remitted", "initial_denial_rate_dollars_remitted", "rate",
        "down", _REMITS,
    ),
    Measure(
        "initial_denial_rate_claims_submitted", denials.initial_denial_rate_claims_submitted,
        "Initial denial rate: claims, of claims submitted", "initial_denial_rate_claims_submitted", "rate",
        "down", ("submissions", *_REMITS),
    ),
    Measure(
        "initial_denial_rate_dollars_submitted", denials.initial_denial_rate_dollars_submitted,
        "Initial denial rate: dollars, of dollars submitted", "initial_denial_rate_dollars_submitted", "rate",
        "down", ("submissions", *_REMITS),
    ),
    Measure(
        "primary_denial_rate", denials.primary_denial_rate,
        "Zero-pay remittances of primary payers, past four weeks", "primary_denial_rate", "rate", "down",
        _REMITS,
    ),
    Measure(
        "denial_reasons", denial_reasons.denial_reasons, "Denied dollars by reason", "denied_cents", "usd",
        "down", _REMITS,
    ),
    Measure(
        "primary_denial_reasons", denial_reasons.primary_denial_reasons, "Denied claims by their main reason",
        "claims", "count", "down", _REMITS,
    ),
    Measure(
        "denial_trend", denial_reasons.denial_trend, "Initial denial rate by month", "denial_rate", "rate",
        "down", _REMITS,
    ),
    Measure(
        "disguised_denials", denial_reasons.disguised_denials, "Denials that look like contract discounts",
        "amount_cents", "usd", "down", (*_REMITS, "transactions"),
    ),
    Measure(
        "unmapped_codes", denial_reasons.unmapped_codes, "Adjustment codes not on our list", "amount_cents",
        "usd", "down", _REMITS,
    ),
    Measure(
        "missing_remarks", denial_reasons.missing_remarks, "Adjustments that need a remark code and lack it",
        "missing_remark_rate", "rate", "down", _REMITS,
    ),
    Measure(
        "appeals", appeals.appeals, "Appeals and what came of them", "appealed_claims", "count", "none",
        ("work_log", *_REMITS),
    ),
    Measure(
        "overturn_rate_claims", appeals.overturn_rate_claims, "Appeals overturned: claims",
        "overturn_rate_claims", "rate", "up", ("work_log", *_REMITS),
    ),
    Measure(
        "overturn_rate_dollars", appeals.overturn_rate_dollars, "Appeals overturned: dollars",
        "overturn_rate_dollars", "rate", "up", ("work_log", *_REMITS),
    ),
    Measure(
        "denial_recovery", appeals.denial_recovery, "Denied dollars paid later", "denial_recovery", "rate",
        "up", _REMITS,
    ),
    Measure(
        "denial_response_days", appeals.denial_response_days, "Days from denial to appeal",
        "denial_response_days", "days", "down", ("work_log", *_REMITS),
    ),
    # Right the first time: before submission, and at the payer
    Measure(
        "clean_claim_rate", first_pass.clean_claim_rate, "Clean claim rate, before submission",
        "clean_claim_rate", "rate", "up", ("claim_edits",),
    ),
    Measure(
        "first_pass_resolution_rate", first_pass.first_pass_resolution_rate,
        "First-pass resolution rate, at the payer", "first_pass_resolution_rate", "rate", "up",
        ("submissions", *_REMITS),
    ),
    # The client manager's book
    Measure(
        "client_ratings", client_ratings.client_ratings, "Client rating A to D", "rating", "words", "none",
        ("clients",),
    ),
    Measure(
        "fee_revenue", portfolio.fee_revenue, "Fee revenue", "fee_cents", "usd", "up",
        ("clients", "transactions"), is_additive=True,
    ),
    Measure(
        "fee_per_hour", portfolio.fee_per_hour, "Fee per hour", "fee_per_hour_cents", "usd", "up",
        ("clients", "transactions"),
    ),
    Measure(
        "trailing_collections", portfolio.trailing_collections, "Collections of the trailing months",
        "cash_cents", "usd", "up", _MONEY,
    ),
    Measure(
        "level_fit", portfolio.level_fit, "Level of the account against the level assigned", "fit", "words",
        "none", ("clients",),
    ),
    Measure(
        "manager_workload", portfolio.manager_workload, "Workload of each client manager", "hours_per_week",
        "count", "none", ("clients",),
    ),
    Measure(
        "rating_matrix", portfolio.rating_matrix, "Clients and dollars by rating", "clients", "count", "none",
        ("clients",),
    ),
    Measure(
        "movements", portfolio.movements, "What moved since last month", "change", "words", "none",
        ("clients",),
    ),
    Measure(
        "meeting_calendar", portfolio.meeting_calendar, "Meetings of the period", "meets_on", "date", "none",
        ("clients",),
    ),
)

CATALOGUE: Mapping[str, Measure] = MappingProxyType({record.name: record for record in _RECORDS})
"""Every measure by name."""


def measure(name: str) -> Measure:
    """The measure of this name.

    Raises
        ParameterError for an unknown name: it names the closest.

    >>> measure("days_in_ar").title, measure("days_in_ar").good
    ('Days in AR', 'down')
    """
    if name not in CATALOGUE:
        raise ParameterError(f"No measure {name!r} in the catalogue." + closest(name, CATALOGUE))
    return CATALOGUE[name]


def record_of(function: Callable[..., Any]) -> Measure | None:
    """The first record of this function, or None."""
    return next((record for record in _RECORDS if record.function is function), None)


def glossary(names: Iterable[str] | None = None) -> pd.DataFrame:
    """The definitions as a table, for an appendix or a sheet: one row per measure, in the catalogue's order.

    Columns: name, title, definition, formula, date_basis, unit, good, source.

    >>> glossary(["cash"]).loc[0, "formula"]
    'cash_cents = insurance_cents + patient_cents - takebacks_cents - refunds_cents'
    """
    wanted = [measure(name) for name in (CATALOGUE if names is None else names)]
    columns = ["name", "title", "definition", "formula", "date_basis", "unit", "good", "source"]
    rows = [
        (one.name, one.title, one.summary, one.formula, one.date_basis, one.unit, one.good, one.source)
        for one in wanted
    ]
    return pd.DataFrame(rows, columns=columns)


def check_record(record: Measure) -> list[str]:
    """What is wrong with a record; nothing when it is sound."""
    faults = []
    if record.unit not in UNITS:
        faults.append(f"{record.name}: unit {record.unit!r}")
    if record.good not in DIRECTIONS:
        faults.append(f"{record.name}: good {record.good!r}")
    lacking = [title for title in SECTIONS if not section(record.function, title)]
    unknown = [name for name in record.options if name not in record.parameters]
    faults += [f"{record.name}: docstring lacks {title}" for title in lacking]
    faults += [f"{record.name}: no parameter {name!r}" for name in unknown]
    if ">>>" not in (record.function.__doc__ or ""):
        faults.append(f"{record.name}: docstring lacks an example")
    return faults
