"""What a care-coordination plan is asked for: every input and every lever, with its unit and its meaning.

One list serves the assumptions file, the input sheet of the workbook, the glossary and the messages.
Inside the plan every number is a whole number of a small unit, so that nothing depends on how a program
stores fractions: a share or factor in ten-thousandths, money in cents, members, staff and contacts in
thousandths, lags in days.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, create_model
from pydantic import Field as Setting

from ...errors import ParameterError
from ...periods import Period
from ...tables.checking import refuse
from .rules import CENTS as CENTS
from .rules import FIRST_MONTH, KINDS, LAST_MONTH, RULES, SHARE, refused
from .rules import MICRO as MICRO
from .rules import MILLI as MILLI


@dataclass(frozen=True)
class Field:
    """One input: where it stands in the file, its unit, and what it means. `default` None: it must be given."""

    key: str
    kind: str
    title: str
    note: str
    default: int | None = None
    dated: bool = True


def exact(value: Any, kind: str) -> int:
    """A number of the file as whole small units, or ValueError with what was expected.

    >>> exact(0.88, "share"), exact("62000.00", "money"), exact(12.5, "count"), exact(True, "flag")
    (8800, 6200000, 12500, 1)
    >>> exact(-3, "days")
    Traceback (most recent call last):
        ...
    ValueError: whole days, 0 or more
    """
    rule = KINDS[kind]
    if isinstance(value, bool) != (kind == "flag") or value is None:
        raise ValueError(rule.words)
    if kind == "flag":
        return int(value)
    try:
        number = Decimal(str(value).replace(",", "").removeprefix("$")) * rule.scale
    except InvalidOperation:
        raise ValueError(rule.words) from None
    if not number.is_finite() or number != number.to_integral_value() or not rule.low <= number:
        raise ValueError(rule.words)
    if number > rule.high:
        at_most = "" if kind in ("share", "move") else f", at most {rule.high // rule.scale:,}"
        raise ValueError(rule.words + at_most)
    return int(number)


def _fields() -> tuple[Field, ...]:
    """The rows of `inputs.csv`: key, kind, title, note, default as a person writes it (empty: must be given), dated."""
    with Path(__file__).with_name("inputs.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return tuple(
        Field(row["key"], row["kind"], row["title"], row["note"], _default(row), row["dated"] == "yes") for row in rows
    )


def _default(row: Mapping[str, str]) -> int | None:
    flags: Mapping[str, Any] = {"true": True, "false": False, "": None}
    value = flags.get(row["default"], row["default"])
    return None if value is None else exact(value, row["kind"])


FIELDS = _fields()
ASSESSMENT, OUTREACH = "assessment", "outreach"
"""What is billed beside the member-months: the level of the rate table that holds the assessment fee, and outreach."""
BY_KEY: Mapping[str, Field] = {field.key: field for field in FIELDS}
FAILURES = ("billable.no_core_service", "billable.support_late", "billable.retro_disenrolled")
STAGES = ("lag.uploaded_to_billed", "lag.billed_to_paid", "lag.paid_to_agency")


@dataclass(frozen=True)
class Lever:
    """One thing a scenario may change: neutral leaves the plan as it is; `low` to `high` is what is searched."""

    key: str
    kind: str
    title: str
    note: str
    neutral: int
    low: int
    high: int
    better: int
    """+1: more is better for cash; -1: less is."""


LEVERS: tuple[Lever, ...] = (
    Lever("referrals", "factor", "Referrals", "Times the referrals of every source.", SHARE, 0, 3 * SHARE, 1),
    Lever("engagement", "factor", "Engagement", "Times the share that enrols.", SHARE, 0, 2 * SHARE, 1),
    Lever("disenrolment", "factor", "Disenrollment", "Times the share that leaves.", SHARE, 0, 4 * SHARE, -1),
    Lever(
        "acuity_shift",
        "move",
        "Acuity shift",
        "Share of each level's members who move one level down; below 0: up.",
        0,
        -SHARE,
        SHARE,
        -1,
    ),
    Lever(
        "failed_months",
        "factor",
        "Months that fail",
        "Times the member-months that cannot be billed.",
        SHARE,
        0,
        4 * SHARE,
        -1,
    ),
    Lever("denials", "move", "Denials", "Added to the share denied at first.", 0, -SHARE, SHARE, -1),
    Lever("rate", "factor", "Rates", "Times every rate of the rate table.", SHARE, 0, 3 * SHARE, 1),
    Lever(
        "lag_days", "added_days", "Payment lag", "Days added between bill and MCO or State payment.", 0, -360, 360, -1
    ),
    Lever("caseload", "factor", "Caseload", "Times the members that a coordinator carries.", SHARE, 0, 3 * SHARE, 1),
    Lever("salary", "factor", "Salaries", "Times every salary.", SHARE, 0, 3 * SHARE, -1),
    Lever(
        "hiring",
        "added_months",
        "Hiring",
        "Months by which positions are filled later that begin with the plan or after it; below 0: sooner.",
        0,
        -12,
        24,
        1,
    ),
)
LEVER_BY_KEY: Mapping[str, Lever] = {lever.key: lever for lever in LEVERS}
NEUTRAL: Mapping[str, int] = {lever.key: lever.neutral for lever in LEVERS}


def natural(units: int, kind: str) -> bool | int | Decimal:
    """Small units back as the number a person writes.

    >>> natural(8800, "share"), natural(6200000, "money"), natural(45, "days")
    (Decimal('0.88'), Decimal('62000'), 45)
    """
    if kind == "flag":
        return bool(units)
    scale = KINDS[kind].scale
    return int(units) if scale == 1 else Decimal(int(units)) / scale


Dated = tuple[tuple[str, int], ...]
"""Steps of (month from which it holds, value in small units), in order."""


def at(dated: Dated, month: str) -> int:
    """The value that holds in `month`.

    >>> at((("2027-01", 5), ("2027-04", 6)), "2027-03")
    5
    """
    return [value for start, value in dated if start <= month][-1]


def path(dated: Dated, months: Sequence[str]) -> list[int]:
    """The value that holds in each of `months`."""
    return [at(dated, month) for month in months]


def month(value: Any) -> str:
    """A month of the file as YYYY-MM, or ValueError with what was expected.

    >>> month(dt.date(2027, 1, 31))
    '2027-01'
    """
    try:
        label = Period.month(f"{value:%Y-%m}" if isinstance(value, dt.date) else value).label
    except ParameterError:
        label = ""
    if not FIRST_MONTH <= label <= LAST_MONTH:
        raise ValueError(RULES["month"])
    return label


def read_month(value: Any, info: Any) -> str:
    try:
        return month(value)
    except ValueError as error:
        raise refused(info.context.get("month", "month")) from error


def read_words(value: Any) -> str:
    """A text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise refused("words")
    return value.strip()


def unit(kind: str) -> BeforeValidator:
    """A number of the file in small units of this kind."""
    return BeforeValidator(partial(exact, kind=kind))


def steps(kind: str, *, note: str = "", dated: bool = True) -> BeforeValidator:
    """One number, or steps of from and value; the first step must hold in the plan's first month."""
    parts: dict[str, Any] = {"from": (Month, ...), "value": (Annotated[int, unit(kind)], ...)}
    step: Any = Annotated[create_model("Step", **parts), BeforeValidator(_step)]
    inner: Any = TypeAdapter(list[step])

    def read(value: Any, info: Any) -> Dated:
        start = info.context["start"]
        if value is None:
            raise refused(kind, note)
        if not isinstance(value, list):
            return ((start, exact(value, kind)),)
        if not dated:
            raise refused("no_steps")
        found = inner.validate_python(value, context=info.context)
        given = tuple(tuple(one.model_dump().values()) for one in found)
        refuse(out_of_order(given, start))
        return given

    return BeforeValidator(read)


def _step(step: Any) -> Any:
    if not isinstance(step, Mapping) or set(step) != {"from", "value"}:
        raise refused("step")
    return step


def out_of_order(dated: Dated, start: str, **place: Any) -> list[Any]:
    """What is wrong with the months of steps, if anything is."""
    months = [month for month, _ in dated]
    if months != sorted(set(months)):
        return [refused("in_order", found=months, **place)]
    if not months or months[0] > start:
        found = f"from {months[0]}" if months else None
        return [refused("first_month", words={"start": start}, found=found, **place)]
    return []


ASKED = Setting(default=None, validate_default=True)
"""A key that must be given: left out, it is refused like any other value that is none."""
Month = Annotated[str, BeforeValidator(read_month), ASKED]
Text = Annotated[str, BeforeValidator(read_words), ASKED]
Money = Annotated[int, unit("money"), ASKED]
