"""Measures: one function, one number, with its numerator and denominator."""

from . import (
    account_movements,
    appeals,
    ar,
    audit_trail,
    cash_due,
    catalogue,
    client_ratings,
    collections,
    comparisons,
    deadlines,
    delays,
    denial_reasons,
    denials,
    first_pass,
    high_value,
    lags,
    limits,
    portfolio,
    ratios,
    roll_rates,
    secondary,
    write_offs,
)

__all__ = [
    "account_movements", "appeals", "ar", "audit_trail", "cash_due", "catalogue", "client_ratings", "collections",
    "comparisons", "deadlines", "delays", "denial_reasons", "denials", "first_pass", "high_value", "lags", "limits",
    "portfolio", "ratios", "roll_rates", "secondary", "write_offs",
]
