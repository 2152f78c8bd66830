"""What really happened in a care-coordination programme: six small tables, checked, in the plan's units.

A folder of CSV files, one per table, months as YYYY-MM, dollars to the cent:

    referrals.csv   month, source, referrals, eligible
    outreach.csv    month, reached, enrolled
    caseload.csv    month, coordinator, level, members, contacts, units   (units: billable member-months)
    billing.csv     month, level, billed, denied          (month of service; level may be "outreach" or "assessment")
    payments.csv    service_month, month, paid            (what arrived, by month of service)
    expense.csv     month, expense                        (may be left out)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pandas as pd

from ...errors import TableError, listed
from .assumptions import Assumptions
from .fields import ASSESSMENT, CENTS, MILLI, OUTREACH

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "referrals": {"month": "month", "source": "text", "referrals": "count", "eligible": "count"},
    "outreach": {"month": "month", "reached": "count", "enrolled": "count"},
    "caseload": {
        "month": "month",
        "coordinator": "text",
        "level": "text",
        "members": "count",
        "contacts": "count",
        "units": "count",
    },
    "billing": {"month": "month", "level": "text", "billed": "money", "denied": "money"},
    "payments": {"service_month": "month", "month": "month", "paid": "money"},
    "expense": {"month": "month", "expense": "money"},
}
OPTIONAL = ("expense",)
SCALE = {"count": MILLI, "money": CENTS}
BESIDE = (OUTREACH, ASSESSMENT)
"""What is billed beside the levels of the members."""


@dataclass(frozen=True)
class Actuals:
    """The tables of a programme's first months: counts in thousandths, money in cents."""

    referrals: pd.DataFrame
    outreach: pd.DataFrame
    caseload: pd.DataFrame
    billing: pd.DataFrame
    payments: pd.DataFrame
    expense: pd.DataFrame
    months: tuple[str, ...]
    """The months with a caseload: from the plan's first month on, without a gap."""
    without: tuple[str, ...] = ()
    """What the source of these months has no room for, so that its absence says nothing: of `BESIDE`."""


def read_actuals(folder: str | Path, plan: Assumptions) -> Actuals:
    """The actual months of a plan, from the CSV files of a folder.

    Raises
        TableError that names the file, the column, what was expected, and the first rows at fault.
    """
    folder = Path(folder)
    frames = {}
    for name in COLUMNS:
        file = folder / f"{name}.csv"
        if file.is_file():
            frames[name] = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        elif name not in OPTIONAL:
            raise TableError(
                f"{file.name} is missing in {folder}: expected the columns {listed(COLUMNS[name])}. Nothing was "
                "compared."
            )
    return actuals(frames, plan)


def actuals(frames: Mapping[str, pd.DataFrame], plan: Assumptions, *, without: tuple[str, ...] = ()) -> Actuals:
    """The same from frames whose cells are text or numbers, in people and dollars.

    Raises
        TableError for missing columns, cells that are not what they should be, unknown levels, or months that
        leave a gap or lie outside the plan.
    """
    made = {name: _checked(name, frames.get(name)) for name in COLUMNS}
    for name, levels in (("caseload", set(plan.levels)), ("billing", {*plan.levels, *BESIDE})):
        odd = ~made[name]["level"].isin(levels)
        if odd.any():
            raise TableError(
                f"{name}.level: expected one of {listed(sorted(levels))}; {int(odd.sum())} rows hold something "
                f"else, first at row {int(odd.idxmax()) + 2}. Nothing was compared."
            )
    months = sorted(made["caseload"]["month"].unique())
    wanted = plan.month_labels[: len(months)]
    if not months or months != wanted:
        missing = [month for month in wanted if month not in months]
        raise TableError(
            f"caseload.month: expected the months from {plan.start} on without a gap; "
            f"{len(missing) or 'all'} are missing{f', first {missing[0]}' if missing else ''}. Nothing was compared."
        )
    return Actuals(
        **{name: frame[frame["month"].isin(months)].reset_index(drop=True) for name, frame in made.items()},
        months=tuple(months),
        without=without,
    )


def _checked(name: str, frame: pd.DataFrame | None) -> pd.DataFrame:
    wanted = COLUMNS[name]
    if frame is None:
        frame = pd.DataFrame({column: pd.Series(dtype=str) for column in wanted})
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        raise TableError(
            f"{name} lacks the columns {listed(missing)}; expected {listed(wanted)}. Nothing was compared."
        )
    return pd.DataFrame({column: _column(name, column, kind, frame[column]) for column, kind in wanted.items()})


def _column(name: str, column: str, kind: str, cells: pd.Series) -> pd.Series:
    text = cells.astype(str).str.strip().reset_index(drop=True)
    if kind == "text":
        bad, expected, out = text == "", "words", text
    elif kind == "month":
        bad, expected, out = ~text.str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])"), "months written YYYY-MM", text
    else:
        units = [_units(cell, SCALE[kind]) for cell in text]
        expected = (
            "dollars to the cent, 0 or more" if kind == "money" else "numbers of 0 or more, at most three decimals"
        )
        bad, out = pd.Series([unit is None for unit in units], dtype=bool), pd.Series(units)
    if bad.any():
        raise TableError(
            f"{name}.{column}: expected {expected}; {int(bad.sum())} of {len(text)} rows are not, first at row "
            f"{int(bad.idxmax()) + 2}. Nothing was compared."
        )
    return out if kind in ("text", "month") else out.astype("int64")


def _units(cell: str, scale: int) -> int | None:
    try:
        number = Decimal(cell.replace(",", "").removeprefix("$")) * scale
    except InvalidOperation:
        return None
    whole = number.is_finite() and number == number.to_integral_value() and number >= 0
    return int(number) if whole else None
