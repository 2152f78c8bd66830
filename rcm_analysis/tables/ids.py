"""Ids and trace numbers that are the same in another dress: what billing systems, payers and spreadsheets do to
them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

import polars as pl

SPREADSHEET_DIGITS = 15
"""A spreadsheet keeps this many digits of a number; the rest become zeros."""
_SCIENTIFIC = re.compile(r"^(\d)(?:\.(\d+))?E\+?(\d+)$")
_SAME = r"[^\p{L}\p{N}]"


def plain(ids: pl.Expr) -> pl.Expr:
    """The id without case, punctuation, blanks, leading zeros and a decimal that a spreadsheet added.

    >>> frame = pl.DataFrame({"id": ["000777", "0042-A", "ab 123", "2026010500017.0"]})
    >>> frame.select(plain(pl.col("id")))["id"].to_list()
    ['777', '42A', 'AB123', '2026010500017']
    """
    whole = ids.str.strip_chars().str.replace(r"^(\d+)\.0+$", "$1")
    return whole.str.to_uppercase().str.replace_all(_SAME, "").str.strip_chars_start("0")


def joined_but_for_form(left: Iterable[str], right: Iterable[str]) -> pl.DataFrame:
    """The pairs of ids that differ only in their form.

    Counts
        Ids that are equal but for leading zeros, case, punctuation and blanks; one of them in scientific
        notation; one of more than 15 digits that lost the last of them in a spreadsheet. An id that
        could be several of the other side is paired with none of them by a lossy form.
    Shape
        left, right: each pair once

    >>> joined_but_for_form(["777", "2.02601E+12", "5"], ["000777", "2026010500017", "6"]).rows()
    [('777', '000777'), ('2.02601E+12', '2026010500017')]
    """
    ours, theirs = list(dict.fromkeys(left)), list(dict.fromkeys(right))
    frames = [
        pl.DataFrame({"id": ids}, schema={"id": pl.String}).with_columns(key=plain(pl.col("id")))
        for ids in (ours, theirs)
    ]
    a, b = (frame.filter(pl.col("key") != "") for frame in frames)
    exact = a.join(b, on="key", how="inner", suffix="_right").select(left="id", right="id_right")
    taken_left, taken_right = set(exact["left"]), set(exact["right"])
    ours = [name for name in ours if name not in taken_left]
    theirs = [name for name in theirs if name not in taken_right]
    lossy = [(a, b) for a, b in _lossy(ours, theirs)] + [(b, a) for a, b in _lossy(theirs, ours)]
    found = pl.DataFrame(lossy, schema={"left": pl.String, "right": pl.String}, orient="row")
    return pl.concat([exact, found]).unique(maintain_order=True)


def _lossy(cut: list[str], whole: list[str]) -> list[tuple[str, str]]:
    """Pairs of an id that lost digits and the only id it can have been."""
    short = {name: key for name in cut if (key := _what_is_left(name))}
    if not short:
        return []
    kept = {digits for digits, _ in short.values()}
    lengths = {len(digits) for digits in kept}
    found: dict[tuple[str, int], set[str]] = {}
    for name in whole:
        digits = name.lstrip("0")
        if digits.isascii() and digits.isdigit():
            for key in _ways_to_lose(digits, lengths):
                found.setdefault(key, set()).add(name)
    return [(name, next(iter(found[key]))) for name, key in short.items() if len(found.get(key, ())) == 1]


def _what_is_left(name: str) -> tuple[str, int] | None:
    """The digits that survive, and how many there were: of an id in scientific notation, or of one cut to zeros.

    >>> _what_is_left("2.02601E+12"), _what_is_left("1234567890123456800"), _what_is_left("A1")
    (('202601', 13), ('12345678901234568', 19), None)
    """
    scientific = _SCIENTIFIC.match(name.strip().upper())
    if scientific:
        first, rest, power = scientific.groups()
        return (first + (rest or "")).rstrip("0"), int(power) + 1
    digits = name.strip().lstrip("0")
    if digits.isascii() and digits.isdigit() and len(digits) > SPREADSHEET_DIGITS:
        return digits.rstrip("0"), len(digits)
    return None


def _ways_to_lose(digits: str, lengths: set[int]) -> set[tuple[str, int]]:
    """What an id can look like once a number has been made of it: rounded or cut to fewer digits, or a float."""
    count = len(digits)
    keys = set()
    for kept in {*range(max(lengths), min(lengths) - 1, -1), SPREADSHEET_DIGITS}:
        if kept < count:
            step = Decimal(1).scaleb(count - kept)
            rounded = str(int((Decimal(digits) / step).to_integral_value(ROUND_HALF_UP)))
            keys |= {(digits[:kept].rstrip("0"), count), (rounded.rstrip("0"), count + len(rounded) - kept)}
    if count > SPREADSHEET_DIGITS:
        value = float(digits)
        keys |= {(form.rstrip("0"), len(form)) for form in (str(int(value)), str(int(Decimal(repr(value)))))}
    return keys
