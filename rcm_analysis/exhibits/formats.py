"""Values as the reader sees them. The only rounding in the package.

Money comes in as whole cents and leaves as dollars; rates come in as 0 to 1. Negative money is
printed the accountants' way, in parentheses. Nothing is ever printed as 0 because it is unknown:
an empty value is a dash, with its reason where one is given.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from ..periods import Period

EMPTY = "–"
UNITS = ("text", "usd", "count", "rate", "days", "number", "date", "month", "flag")


def is_empty(value: Any) -> bool:
    """True for None, NaN, NaT and the empty text.

    >>> is_empty(float("nan")), is_empty(0), is_empty("")
    (True, False, True)
    """
    if isinstance(value, str):
        return not value.strip()
    if value is None or isinstance(value, (int, float)):
        return value is None or value != value
    return bool(pd.isna(value)) if pd.api.types.is_scalar(value) else False


def as_text(value: Any, unit: str, *, exact: bool = False, reason: str = "") -> str:
    """One value as printed text.

    Unit
        usd (from cents; whole dollars, or cents when `exact`), rate (0 to 1; one decimal, or up to two
        when `exact`), days, count, number, date, month, flag, text
    Empty
        A dash, followed by `reason` in parentheses where one is given.

    >>> as_text(123456789, "usd"), as_text(-123450, "usd"), as_text(-5, "usd", exact=True)
    ('$1,234,568', '($1,235)', '($0.05)')
    >>> as_text(0.1234, "rate"), as_text(34.25, "days"), as_text(1200, "count")
    ('12.3%', '34.3', '1,200')
    >>> as_text(0.0713, "rate", exact=True), as_text(0.09, "rate", exact=True)
    ('7.13%', '9.0%')
    >>> as_text(None, "days", reason="no charges posted")
    '– (no charges posted)'
    """
    if unit not in UNITS:
        raise ValueError(f"unit should be one of {', '.join(UNITS)}; found {unit!r}")
    if is_empty(value) or (isinstance(value, float) and math.isinf(value)):
        return f"{EMPTY} ({reason})" if reason else EMPTY
    return _EXACT[unit](value, exact) if unit in _EXACT else _WRITERS[unit](value)


def _rounded(value: Any, places: int) -> Decimal:
    """Half up, away from zero; a float is taken as it prints, so that 34.25 is 34.3."""
    printed = repr(float(value)) if isinstance(value, float) else str(value)
    number = value if isinstance(value, Decimal) else Decimal(printed)
    out = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return out if out else abs(out)


def _usd(cents: Any, exact: bool) -> str:
    whole = int(cents)
    if exact:
        dollars, rest = divmod(abs(whole), 100)
        text = f"${dollars:,}.{rest:02d}"
        return f"({text})" if whole < 0 else text
    rounded = _rounded(Decimal(whole) / 100, 0)
    text = f"${abs(rounded):,}"
    return f"({text})" if rounded < 0 else text


def _rate(value: Any, exact: bool) -> str:
    share = Decimal(repr(float(value))) * 100
    short = _rounded(share, 1)
    return f"{short if not exact or short == _rounded(share, 2) else _rounded(share, 2):,}%"


def _number(value: Any) -> str:
    return f"{_rounded(value, 1):,}" if abs(value) < 1e15 else f"{float(value):.3g}"


def _count(value: Any) -> str:
    return f"{_rounded(value, 0):,}"


def _date(value: Any) -> str:
    day = pd.Timestamp(value)
    return f"{day:%b} {day.day}, {day.year}"


def _month(value: Any) -> str:
    return f"{pd.Timestamp(str(value)[:7] + '-01'):%b %Y}"


def _flag(value: Any) -> str:
    return "yes" if value else "no"


_EXACT: dict[str, Callable[[Any, bool], str]] = {"usd": _usd, "rate": _rate}
_WRITERS: dict[str, Callable[[Any], str]] = {
    "text": str,
    "days": _number,
    "number": _number,
    "count": _count,
    "date": _date,
    "month": _month,
    "flag": _flag,
}


def plain(value: Any, unit: str) -> str | int | float | bool | None:
    """The value as JSON keeps it: cents and counts as int, rates as float, days as ISO text.

    >>> plain(pd.Timestamp("2026-10-31"), "date"), plain(float("nan"), "usd"), plain(12.0, "usd")
    ('2026-10-31', None, 12)
    """
    if is_empty(value) or (isinstance(value, float) and math.isinf(value)):
        return None
    if unit == "date":
        return f"{pd.Timestamp(value):%Y-%m-%d}"
    if unit == "month":
        return str(value)[:7] if isinstance(value, str) else f"{pd.Timestamp(value):%Y-%m}"
    if unit in ("usd", "count"):
        return int(value)
    if unit == "flag":
        return bool(value)
    return str(value) if unit == "text" else float(value)


def readable(frame: pd.DataFrame, units: Mapping[str, str] | None = None) -> pd.DataFrame:
    """A result for the eye, every value as text; `units` names the unit of columns whose name does not tell it.

    Columns in _cents are dollars, in _rate or _share percent; dates, flags, whole numbers and fractions are told by
    their kind.

    >>> readable(
    ...     pd.DataFrame(
    ...         {"payer": ["acme", None], "ar_cents": [123456, -50], "denial_rate": [0.125, None], "wait": [3.25, 2.0]}
    ...     ),
    ...     {"wait": "days"},
    ... )
      payer ar_cents denial_rate wait
    0  acme   $1,235       12.5%  3.3
    1     –     ($1)           –  2.0
    """
    given = units or {}
    return pd.DataFrame(
        {
            name: [as_text(value, unit_of(str(name), column, given)) for value in column]
            for name, column in frame.items()
        },
        index=frame.index,
    )


def unit_of(name: str, column: pd.Series, given: Mapping[str, str] | None = None) -> str:
    """The unit of a column: the one given, else told by its name or by the kind of its values.

    >>> unit_of("open_cents", pd.Series([1])), unit_of("wait", pd.Series([1.5])), unit_of("age_days", pd.Series([3]))
    ('usd', 'number', 'days')
    """
    kinds = pd.api.types
    if given and name in given:
        return given[name]
    if name == "month":
        return "month"
    if kinds.is_datetime64_any_dtype(column):
        return "date"
    if kinds.is_bool_dtype(column):
        return "flag"
    if not kinds.is_numeric_dtype(column):
        return "text"
    stem = name.removesuffix("_then").removesuffix("_now")
    if stem.endswith("_cents"):
        return "usd"
    if stem.endswith(("_rate", "_share")):
        return "rate"
    if stem.endswith("_days"):
        return "days"
    return "count" if kinds.is_integer_dtype(column) else "number"


def day_text(day: dt.date) -> str:
    """A day in a sentence.

    >>> day_text(dt.date(2026, 10, 31))
    'October 31, 2026'
    """
    return f"{day:%B} {day.day}, {day.year}"


def span(period: Period) -> str:
    """Several months in words.

    >>> span(Period.month("2026-06").trailing(3)), span(Period.month("2026-01").trailing(3))
    ('April to June 2026', 'November 2025 to January 2026')
    """
    months = period.months()
    first, last = months[0], months[-1]
    if first == last:
        return first.title
    one_year = first.first_day.year == last.first_day.year
    return f"{first.first_day:%B}{'' if one_year else f' {first.first_day:%Y}'} to {last.title}"


def person(name: str) -> str:
    """A name as a sentence says it; what has no comma stays.

    >>> person("Okafor, Dev"), person("Site 03")
    ('Dev Okafor', 'Site 03')
    """
    return " ".join(reversed([part.strip() for part in name.split(",", 1)]))


def whole_dollars(cents: Sequence[int]) -> list[int]:
    """The amounts in whole dollars (as cents), rounded so that they add up to their sum in whole dollars.

    Each is rounded by itself; a dollar too many or too few then falls on the last that can be rounded the other way,
    as lists begin with what is told elsewhere, too.

    >>> whole_dollars([3340, 3330, 3330]), whole_dollars([150, 150, 150]), whole_dollars([-140, 240, 100])
    ([3300, 3300, 3400], [200, 200, 100], [-100, 200, 100])
    """
    out = [int(_rounded(Decimal(each) / 100, 0)) * 100 for each in cents]
    over = sum(out) - int(_rounded(Decimal(sum(cents)) / 100, 0)) * 100
    step = -100 if over > 0 else 100
    for place in reversed(range(len(out))):
        if over and (out[place] - cents[place]) * step < 0:
            out[place] += step
            over += step
    return out


def gap(one: Any, other: Any, unit: str) -> str:
    """How far apart two values are, as whoever subtracts the printed ones finds it.

    >>> gap(0.5774, 0.6596, "rate"), gap(18_242_360, 17_153_900, "usd"), gap(0.5774, 0.66, "rate")
    ('8.3%', '$10,885', '8.3%')
    """
    places = {"usd": -2, "rate": 3, "days": 1, "number": 1}.get(unit, 0)
    apart = abs(_rounded(one, places) - _rounded(other, places))
    return as_text(int(apart) if unit == "usd" else apart, unit)


def counted(number: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> counted(1, "claim"), counted(1200, "claim"), counted(0, "reply", "replies")
    ('1 claim', '1,200 claims', 'no replies')
    """
    noun = one if number == 1 else many or f"{one}s"
    return f"{as_text(number, 'count') if number else 'no'} {noun}"


def comma_list(words: Iterable[str]) -> str:
    """Words as a list in a sentence.

    >>> comma_list(["a"]), comma_list(["a", "b"]), comma_list(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def sentence(text: str) -> str:
    """The text with a capital first letter; nothing else is touched.

    >>> sentence("no denials were posted.")
    'No denials were posted.'
    """
    return text[:1].upper() + text[1:]


def words_of(code: str) -> str:
    """An internal name in the reader's words.

    >>> words_of("timely_filing"), words_of("other_payer")
    ('timely filing', 'other insurance first')
    """
    return _WORDS.get(code, american(str(code).replace("_", " ")))


def american(text: str) -> str:
    """The text as Americans spell it: our names in the code are spelled otherwise.

    >>> american("provider enrolment, itemised")
    'provider enrollment, itemized'
    """
    return re.sub("|".join(_SPELLED), lambda found: _SPELLED[found[0]], text)


_SPELLED = {
    "nrolment": "nrollment",
    "nstalment": "nstallment",
    "temised": "temized",
    "tomised": "tomized",
    "tilisation": "tilization",
    "ancelled": "anceled",
    "rogramme": "rogram",
}


_WORDS = {
    "cob": "other insurance first",
    "other_payer": "other insurance first",
    "network_contract": "network or contract",
    "self_pay": "patients without insurance",
    "write_off": "write-off",
    "(none)": "not stated",
    "duplicate_enrolment": "duplicate enrollment",
    "prior_payer_info": "earlier payer's decision",
}
