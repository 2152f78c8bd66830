"""What the sign of an amount means: by the balance of the file where it has one, else by how its amounts stand."""

from __future__ import annotations

from itertools import product

import polars as pl

from ..exports.values import cents, cleaned
from ..exports.visits import AMOUNTS, BALANCES
from .drafts import Proposed, Question

HOLDS = 0.98
"""So many rows must fit a pattern of signs."""


def amounts_of(out: Proposed, names: list[str]) -> pl.DataFrame:
    """The amounts of these columns in cents, empty as zero."""
    reads = []
    for name in names:
        held = out.held(name)
        assert held is not None
        cell = cleaned(pl.col(str(held.place)), out.file.empty)
        reads.append(cents(cell, out.file.decimal).fill_null(0).alias(name))
    return out.file.rows.select(reads)


def negated(out: Proposed) -> tuple[list[str], str, list[Question]]:
    """The amounts side by side that stand with a minus, why, and what the file leaves open.

    With a balance, the one pattern of signs under which charge less payments and adjustments is the balance of nearly
    all rows. Without one, a column whose amounts are nearly all negative.
    """
    names = [name for name in AMOUNTS if name in out.columns]
    balance = [name for name in ("balance_cents",) if name in out.columns]
    if not balance and {"insurance_balance_cents", "patient_balance_cents"} <= out.columns.keys():
        balance = list(BALANCES[:2])
    if not names or "charge_cents" not in out.columns:
        return [], "", []
    found = amounts_of(out, ["charge_cents", *names, *balance])
    moving = [name for name in names if (found[name] != 0).any()]
    negative = [name for name in moving if (found[name] < 0).sum() > (found[name] > 0).sum()]
    if balance:
        fits = [list(pattern) for pattern in _patterns(moving) if _holds(found, names, list(pattern), balance)]
        if len(fits) == 1:
            why = "charge less payments and adjustments is then the balance of the file, and only then"
            return fits[0], why, []
        if negative in fits:
            return negative, "the balance of the file holds, with these amounts negative in it", []
        if not fits:
            out.why["balance_cents"] = "does not follow from the other amounts in most rows, under any signs: look"
    mixed = [name for name in moving if (found[name] < 0).any() and (found[name] > 0).any() and not balance]
    questions = [
        Question(
            f"negate.{name}", f"{out.columns[name]!r} has both signs. Is an ordinary amount negative?", ("no", "yes")
        )
        for name in mixed
        if 10 * int((found[name] < 0).sum()) > int((found[name] != 0).sum())
    ]
    asked = {question.key.removeprefix("negate.") for question in questions}
    return [name for name in negative if name not in asked], "nearly all amounts are negative", questions


def _patterns(names: list[str]) -> list[tuple[str, ...]]:
    picks = product((False, True), repeat=min(len(names), 6))
    return [tuple(name for name, turned in zip(names, pick, strict=False) if turned) for pick in picks]


def _holds(found: pl.DataFrame, names: list[str], turned: list[str], balance: list[str]) -> bool:
    effect = {name: (1 if name == "refunded_cents" else -1) * (-1 if name in turned else 1) for name in names}
    owed = pl.col("charge_cents") + sum((pl.col(name) * sign for name, sign in effect.items()), pl.lit(0))
    stated = sum((pl.col(name) for name in balance), pl.lit(0))
    return bool(found.select((owed == stated).mean() >= HOLDS).item())


def sign_of(out: Proposed) -> tuple[str, str]:
    """`sign.by` of postings and why; nothing, and what is open, where the amounts decide nothing."""
    both = out.settings.get("amount_cents")
    if "kind" not in out.columns or not ("amount_cents" in out.columns or isinstance(both, list)):
        return "", "No column tells what was posted."
    if isinstance(both, list):
        return "file", "debits raise the balance, credits lower it"
    held = out.held("kind")
    assert held is not None
    words = out.values.get("kind", {})
    kind = cleaned(pl.col(str(held.place)), out.file.empty).str.to_lowercase().replace(words)
    rows = amounts_of(out, ["amount_cents"]).with_columns(out.file.rows.select(kind=kind))
    shares = {
        name: rows.filter(pl.col("kind").is_in(of), pl.col("amount_cents") != 0)
        .select((pl.col("amount_cents") < 0).mean())
        .item()
        for name, of in (("charges", ["charge"]), ("lowering", ["payment", "contractual", "write_off"]))
    }
    charges, lowering = shares["charges"], shares["lowering"]
    if charges is None or lowering is None:
        return "", "Charges, or payments, are missing from the file."
    for by, (first, second), why in (
        ("kind", (False, False), "charges and payments are both positive: amounts are magnitudes"),
        ("file", (False, True), "charges are positive, payments negative: amounts are effects on the balance"),
        ("negate", (True, False), "charges are negative, payments positive"),
    ):
        if (charges > 0.5) == first and (lowering > 0.5) == second and _clear(charges) and _clear(lowering):
            return by, why
    return "", "Charges and payments have mixed signs."


def _clear(share: float) -> bool:
    return share <= 0.1 or share >= 0.9
