"""What really happened in a care-coordination programme: six small tables, checked, in the plan's units.

A folder of CSV files, one per table, months as YYYY-MM, dollars to the cent:

    referrals.csv   month, source, referrals, eligible
    outreach.csv    month, reached, enrolled
    caseload.csv    month, coordinator, level, members, contacts, units   (units: billable member-months)
    billing.csv     month, level, billed, denied          (month of service; level may be "outreach" or "assessment")
    payments.csv    service_month, month, paid            (what arrived, by month of service)
    expense.csv     month, expense, line                  (may be left out; so may line, a line of `PLAN_LINES`)

`actuals_from_tables` counts the same six from the stored tables of a programme; what was spent comes from its general
ledger or payroll, taken in through a column map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pandas as pd

from ...errors import ParameterError, TableError, listed
from ...tables.frames import source
from ...tables.schema_coordination import PLAN_LINES, RECEIPTS
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
    "expense": {"month": "month", "expense": "cost", "line": "text"},
}
OPTIONAL = ("expense",)
SCALE = {"count": MILLI, "money": CENTS, "cost": CENTS}
IN_ALL = "expense"
"""The line of an expense that is told in one sum."""
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
    receipts: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["month", "booked_cents", "recorded_cents"])
    )
    """What came in by the ledger, and by the programme's records less what was taken back; the months of the ledger."""


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
    known: tuple[tuple[str, str, set[str]], ...] = (
        ("caseload", "level", set(plan.levels)),
        ("billing", "level", {*plan.levels, *BESIDE}),
        ("expense", "line", set(PLAN_LINES if made["expense"]["line"].ne(IN_ALL).any() else (IN_ALL,))),
    )
    for name, column, words in known:
        odd = ~made[name][column].isin(words)
        if odd.any():
            raise TableError(
                f"{name}.{column}: expected one of {listed(sorted(words))}; {int(odd.sum())} rows hold something "
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
    if name == "expense" and "line" not in frame.columns:
        frame = frame.assign(line=IN_ALL)
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
        units = [_units(cell, SCALE[kind], signed=kind == "cost") for cell in text]
        expected = {
            "money": "dollars to the cent, 0 or more",
            "cost": "dollars to the cent",
            "count": "numbers of 0 or more, at most three decimals",
        }[kind]
        bad, out = pd.Series([unit is None for unit in units], dtype=bool), pd.Series(units)
    if bad.any():
        raise TableError(
            f"{name}.{column}: expected {expected}; {int(bad.sum())} of {len(text)} rows are not, first at row "
            f"{int(bad.idxmax()) + 2}. Nothing was compared."
        )
    return out if kind in ("text", "month") else out.astype("int64")


def _units(cell: str, scale: int, *, signed: bool = False) -> int | None:
    try:
        number = Decimal(cell.replace(",", "").removeprefix("$")) * scale
    except InvalidOperation:
        return None
    whole = number.is_finite() and number == number.to_integral_value() and (signed or number >= 0)
    return int(number) if whole else None


NEEDED = {
    "referrals": ("referral_id", "referred_on", "source", "screening"),
    "outreach": ("referral_id", "contacted_on", "is_reached"),
    "enrolments": ("enrolment_id", "enrolled_on"),
    "acuity_months": ("enrolment_id", "month", "level"),
    "care_contacts": ("enrolment_id", "contacted_on", "is_reached"),
    "care_assignments": ("enrolment_id", "coordinator", "assigned_from", "assigned_to"),
    "billing_support": ("enrolment_id", "month", "uploaded_on", "missed_on"),
    "care_claims": (
        "month",
        "level",
        "billed_cents",
        "replaces",
        "payer_decided_on",
        "denial_reason",
        "agency_paid_on",
        "agency_paid_cents",
    ),
    "care_recoupments": ("taken_on", "amount_cents"),
    "programme_costs": ("posted_on", "line", "amount_cents"),
}
STILL_OPEN = 0.10
"""A month is compared once no more than this share of its member-months still waits to be uploaded or missed."""


def actuals_from_tables(tables: Mapping[str, Any], plan: Assumptions, *, through: str) -> Actuals:
    """The months from the plan's first to `through`, counted from what is stored; the last ones only once billed.

    Counts
        referrals: by the month referred, eligible as screened. Outreach: referrals by the month first reached;
        enrolments by the month of consent. Caseload: one member per enrolment and month with an acuity level, under
        the coordinator in charge at the month's end; contacts that reached somebody; a unit where the month was
        uploaded for billing. Billing: first bills by month of service and level; denied where the payer's answer to
        the first bill names a reason. Months at the end of which more than a tenth of the member-months are not yet
        uploaded or missed are left out: they would look unbillable. Payments: what reached the agency, by month of
        service and month of receipt. Expense: postings of the ledger or payroll, by month and line of the plan.
        Receipts: the ledger's postings of what came in, beside the payments and recoupments of the records by the
        same months, whatever the month of service.
    Unit
        as `Actuals`: thousandths and cents. Outreach billed and assessment fees are not in the tables
    Empty
        No posting in any month: no expense, so that nothing is said of it.
        A month without members breaks the row of months and is refused.

    Raises
        ParameterError where the plan has no month in common with what is stored, or not all its levels; TableError for
        a missing table or column, or months that leave a gap.
    """
    read = {name: source(tables, name, columns).collect().to_pandas() for name, columns in NEEDED.items()}
    caseload = _caseload(read)
    _expect_common_months(caseload["month"], plan, through)
    _expect_levels(caseload["level"], plan)
    frames = {
        "referrals": _referrals(read["referrals"]),
        "outreach": _outreach(read),
        "caseload": caseload,
        "billing": _billing(read["care_claims"]),
        "payments": _payments(read["care_claims"]),
        "expense": _expense(read["programme_costs"]),
    }
    through = _last_billed(read, through)
    kept = {
        name: frame[frame["month"].between(plan.start, through)].reset_index(drop=True)
        for name, frame in frames.items()
    }
    kept["caseload"] = kept["caseload"][kept["caseload"]["month"].isin(plan.month_labels)]
    kept["payments"] = kept["payments"][kept["payments"]["service_month"] >= plan.start]
    found = actuals(kept, plan, without=BESIDE)
    return replace(found, receipts=_receipts(read, found.months))


def _receipts(read: Mapping[str, pd.DataFrame], months: tuple[str, ...]) -> pd.DataFrame:
    costs, paid, back = read["programme_costs"], read["care_claims"], read["care_recoupments"]
    booked = -_monthly(costs[costs["line"] == RECEIPTS], "posted_on", "amount_cents")
    recorded = _monthly(paid, "agency_paid_on", "agency_paid_cents").sub(
        _monthly(back, "taken_on", "amount_cents"), fill_value=0
    )
    booked = booked[booked.index.isin(months)]
    return (
        pd.DataFrame({"booked_cents": booked, "recorded_cents": recorded.reindex(booked.index, fill_value=0)})
        .astype("int64")
        .rename_axis("month")
        .reset_index()
    )


def _monthly(rows: pd.DataFrame, day: str, cents: str) -> pd.Series:
    there = rows[rows[day].notna()]
    return there.groupby(_month(there[day]))[cents].sum()


def _expect_common_months(stored: pd.Series, plan: Assumptions, through: str) -> None:
    if not stored.between(plan.start, min(through, plan.month_labels[-1])).any():
        there = f"are of {stored.min()} to {stored.max()}" if len(stored) else "hold no month with members"
        raise ParameterError(
            f"start: expected a plan with months that are stored, through {through}; the plan is for "
            f"{plan.start} to {plan.month_labels[-1]}, "
            f"the stored tables {there}. Nothing was compared. Give the assumptions that the program was run on."
        )


def _expect_levels(stored: pd.Series, plan: Assumptions) -> None:
    unplanned = stored[~stored.isin(plan.levels)]
    if len(unplanned):
        raise ParameterError(
            f"acuity: expected every level that members were at; the plan has {listed(plan.levels)}, and "
            f"{len(unplanned):,} stored rows of "
            f"coordinators' months are at {listed(sorted(unplanned.unique()))}. Nothing was compared. Give the "
            "level a share of the mix, "
            "a caseload and a rate."
        )


def _month(days: pd.Series) -> pd.Series:
    return pd.to_datetime(days).dt.strftime("%Y-%m")


def _referrals(frame: pd.DataFrame) -> pd.DataFrame:
    return (
        frame.assign(month=_month(frame["referred_on"]), eligible=(frame["screening"] == "eligible").astype(int))
        .groupby(["month", "source"], as_index=False)
        .agg(referrals=("referral_id", "nunique"), eligible=("eligible", "sum"))
    )


def _outreach(read: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    tried, won = read["outreach"], read["enrolments"]
    first = tried[tried["is_reached"].astype(bool)].groupby("referral_id")["contacted_on"].min()
    both = pd.concat(
        [_month(first).value_counts().rename("reached"), _month(won["enrolled_on"]).value_counts().rename("enrolled")],
        axis=1,
    )
    return both.fillna(0).astype(int).rename_axis("month").reset_index().sort_values("month", ignore_index=True)


def _last_billed(read: Mapping[str, pd.DataFrame], through: str) -> str:
    """The last month whose billing is as good as over; a month that was never opened for billing is not."""
    support = read["billing_support"]
    done = support[support["uploaded_on"].notna() | support["missed_on"].notna()].groupby("month").size()
    members = read["acuity_months"].groupby("month").size()
    over = done.reindex(members.index, fill_value=0) >= members * (1 - STILL_OPEN)
    closed = [month for month in members.index[over] if month <= through]
    return closed[-1] if closed else through


def _caseload(read: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    made, key = read["care_contacts"], ["enrolment_id", "month"]
    made = made[made["is_reached"].astype(bool)]
    contacts = made.assign(month=_month(made["contacted_on"])).groupby(key).size().rename("contacts").reset_index()
    support = read["billing_support"].assign(units=read["billing_support"]["uploaded_on"].notna().astype(int))
    months = _in_charge(read).merge(support[[*key, "units"]], on=key, how="left").merge(contacts, on=key, how="left")
    months = months.assign(
        coordinator=months["coordinator"].fillna("(not assigned)"),
        units=months["units"].fillna(0).astype(int),
        contacts=months["contacts"].fillna(0).astype(int),
    )
    return months.groupby(["month", "coordinator", "level"], as_index=False).agg(
        members=("enrolment_id", "nunique"), contacts=("contacts", "sum"), units=("units", "sum")
    )


def _in_charge(read: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Member-months with their level and the coordinator in charge at the month's end."""
    months, held = read["acuity_months"], read["care_assignments"]
    both = months.merge(held, on="enrolment_id", how="inner")
    end = pd.to_datetime(both["month"] + "-01") + pd.offsets.MonthEnd(0)
    last = pd.to_datetime(both["assigned_to"])
    inside = (pd.to_datetime(both["assigned_from"]) <= end) & (
        last.isna() | (last >= end) | (last.dt.strftime("%Y-%m") == both["month"])
    )
    latest = (
        both[inside].sort_values("assigned_from", kind="stable").drop_duplicates(["enrolment_id", "month"], keep="last")
    )
    return months.merge(latest[["enrolment_id", "month", "coordinator"]], on=["enrolment_id", "month"], how="left")


def _billing(frame: pd.DataFrame) -> pd.DataFrame:
    first = frame[frame["replaces"].isna()]
    denied = first["billed_cents"].where(first["denial_reason"].notna(), 0)
    sums = (
        first.assign(denied_cents=denied)
        .groupby(["month", "level"], as_index=False)[["billed_cents", "denied_cents"]]
        .sum()
    )
    return sums.assign(billed=_dollars(sums["billed_cents"]), denied=_dollars(sums["denied_cents"]))


def _payments(frame: pd.DataFrame) -> pd.DataFrame:
    paid = frame[frame["agency_paid_on"].notna() & (frame["agency_paid_cents"].fillna(0) > 0)]
    paid = paid.rename(columns={"month": "service_month"})
    sums = (
        paid.assign(month=_month(paid["agency_paid_on"]))
        .groupby(["service_month", "month"], as_index=False)["agency_paid_cents"]
        .sum()
    )
    return sums.assign(paid=_dollars(sums["agency_paid_cents"]))


def _expense(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame[frame["line"] != RECEIPTS]
    sums = frame.assign(month=_month(frame["posted_on"])).groupby(["month", "line"], as_index=False)["amount_cents"]
    found = sums.sum()
    return found.assign(expense=_dollars(found["amount_cents"]))


def _dollars(cents: pd.Series) -> pd.Series:
    return pd.Series(
        [f"{int(value) // 100}.{int(value) % 100:02d}" for value in cents], index=cents.index, dtype=object
    )
