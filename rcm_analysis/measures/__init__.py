"""Measures: one function, one number, with its numerator and denominator."""

from . import (
    appeals,
    ar,
    cash_due,
    catalogue,
    client_ratings,
    collections,
    comparisons,
    denial_reasons,
    denials,
    first_pass,
    lags,
    portfolio,
    ratios,
    write_offs,
)

__all__ = [
    "appeals", "ar", "cash_due", "catalogue", "client_ratings", "collections", "comparisons", "denial_reasons", "denials",
    "first_pass", "lags", "portfolio", "ratios", "write_offs",
]
