"""Patients become keyed pseudonyms before anything is stored."""

from __future__ import annotations

import hashlib
import hmac

import polars as pl


def pseudonyms(patients: pl.Series, *, client: str, key: bytes) -> pl.Series:
    """Each patient id as a pseudonym: the same person of the same client, the same pseudonym.

    HMAC-SHA-256 of client and id under the workspace's key, cut to 80 bits. Without the key it can
    neither be turned back nor be recomputed from a list of ids, and two clients never share one.
    An empty id stays empty.

    >>> pseudonyms(pl.Series("patient", ["A1", "A1", None]), client="x", key=b"k" * 32).n_unique()
    2
    """
    unique = patients.cast(pl.String).drop_nulls().unique()
    hashed = [
        "p" + hmac.new(key, f"{client}\x1f{patient.strip()}".encode(), hashlib.sha256).hexdigest()[:20]
        for patient in unique
    ]
    return (
        patients.cast(pl.String)
        .replace_strict(unique, pl.Series(hashed, dtype=pl.String), default=None)
        .alias(patients.name)
    )
