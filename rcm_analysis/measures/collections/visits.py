"""Kept visits and claims, each without the other: what was done and never charged, and what no appointment explains.

A visit and a claim belong together by the first of these that holds: the appointment names the claim; patient, day of
service and provider (where both name one) are the same; patient and day are the same, and no visit of the claim's own
provider explains it (services billed under a supervisor), one claim to one visit; the same with the claim a day before
or after (midnight, a wrong day of service), which is told apart. Claims voided for good are none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.ratios import half_up, quotient
from ...periods import Period
from ...tables.frames import NO_VALUE, collect, days_before, kept, source
from ..menu import measure

USUAL_LAG_DAYS = 14
"""Days from visit to charge entry that are waited for while fewer than LEAST_LAGS visits show the client's own."""
LEAST_LAGS = 20
LEAST_ALIKE = 5
LEAST_BILLED = 0.5
"""Of a client's visits that are due, fewer with a claim than this means that the two systems name patients
differently, or that not all claims are here: nothing is said of them."""
YEAR_DAYS = 365
OFFICES = ("02", "10", "11", "17", "20", "49", "50", "71", "72")
"""Places of service with an appointment book: video, office, walk-in and urgent care, clinics."""
OFFICE_VISITS = r"^(?:9920[2-5]|9921[1-5]|9938[1-7]|9939[1-7]|9200[24]|9201[24])$"
"""Procedures that are an office visit, a check-up or an eye examination."""

_WORDS = ["client", "appointment_id", "patient", "provider", "location", "visit_type", "problem", "claim_id"]
_DAY = ["client", "patient", "day"]
_PLACES = ["client", "claim_id", "patient", "provider", "location"]
_LISTED = [*_WORDS[:-1], "scheduled_on", "days", "lag_days", "charge_cents", "basis"]


@measure("Kept visits without a claim, one by one", value="charge_cents", good="down")
def visits_not_billed(tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None) -> pd.DataFrame:
    """Every kept appointment for which no charge was entered, although the client usually has entered it by then.

    Formula
        due from scheduled_on + lag_days; lag_days = the day by which 95 % of the visits billed in the year had their
        charges entered (14 while fewer than 20 show it); days = as_of - scheduled_on
        charge_cents = the median charge of the billed visits of the year, of the same provider and kind of visit where
        there are five (basis), else of the client
    Counts
        Kept appointments from `since` and from the client's first claim on, due by the last day on which the client
        entered a charge, that no claim belongs to (as in the module; a claim a day off is one). Clients with fewer
        than half of such visits billed are left out. Some visits are rightly free: after surgery, a nurse only,
        capitation.
    Date basis
        day of the appointment; claims as entered by `as_of`
    Unit
        cents of charges, no cash; empty where no visit was billed
    Empty
        No appointments: no rows.
    Source
        our own; after charge-capture reports of practice systems ("patient visits without charges")

    >>> from rcm_analysis.examples.office import example_visits
    >>> found = visits_not_billed(example_visits(), as_of=dt.date(2026, 10, 31))
    >>> found[["appointment_id", "provider", "lag_days", "charge_cents", "basis"]]
      appointment_id provider  lag_days  charge_cents   basis
    0             V4      lee        14         20000  client
    """
    rows = _due(tables, as_of)
    rows = rows[(rows["match"] == "") & (rows["scheduled_on"] >= pd.Timestamp(since or dt.date.min))]
    days = (pd.Timestamp(as_of) - rows["scheduled_on"]).dt.days
    return rows.assign(days=days, charge_cents=rows["usual_cents"])[_LISTED].reset_index(drop=True)


@measure("Kept visits that were billed", value="billed_share", unit="rate", good="up")
def visits_billed(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """The share of kept appointments that a claim belongs to, of those whose charges are due.

    Formula
        billed_share = billed / visits; visits = billed + not_billed
        missing_cents = sum of charge_cents of `visits_not_billed`
    Counts
        Kept appointments of the period that are due at its end, as in `visits_not_billed`; a_day_off: those billed
        with a claim of the day before or after. `by` may hold provider, location, visit_type, problem and `month`.
    Date basis
        day of the appointment; claims as entered by the period's end
    Unit
        rate; cents of charges; counts of visits
    Empty
        No visit due: one row with empty rate and dollars without `by`, no row with it.
    Source
        as `visits_not_billed`

    >>> from rcm_analysis.examples.office import example_visits
    >>> found = visits_billed(example_visits(), period=Period.month("2026-10"))
    >>> found[["visits", "billed", "a_day_off", "not_billed", "billed_share", "missing_cents"]]
       visits  billed  a_day_off  not_billed  billed_share  missing_cents
    0       4       3          1           1          0.75          20000
    """
    rows = _due(tables, period.last_day)
    rows = rows[rows["scheduled_on"] >= pd.Timestamp(period.first_day)]
    is_missing = rows["match"] == ""
    rows = rows.assign(
        all_rows="all",
        month=rows["scheduled_on"].dt.to_period("M").dt.to_timestamp(),
        visits=1,
        billed=(~is_missing).astype("int64"),
        a_day_off=(rows["match"] == "a day off").astype("int64"),
        not_billed=is_missing.astype("int64"),
        missing_cents=rows["usual_cents"].where(is_missing, 0),
    )
    counts = ["visits", "billed", "a_day_off", "not_billed"]
    found = rows.groupby(list(by) or ["all_rows"])[[*counts, "missing_cents"]].sum()
    if not by and found.empty:
        found = pd.DataFrame({name: [0] for name in counts}).assign(missing_cents=pd.array([None], dtype="Int64"))
    found = found.reset_index(drop=not by)
    return found.assign(billed_share=quotient(found["billed"], found["visits"]))


@measure("Claims of office visits without an appointment", value="charge_cents")
def claims_without_visit(tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None) -> pd.DataFrame:
    """Every claim of an office visit on a day for which the patient has no kept appointment.

    Formula
        appointment = what became of the patient's appointment of that day, where there is one that was not kept
    Counts
        Claims with an office visit (99202-99215, 99381-99397, eye examinations) in an office, a clinic or by video
        (places of service 02, 10, 11, 17, 20, 49, 50, 71, 72: never hospital rounds, laboratories or care by
        telephone), from `since` on, that no visit belongs to (as in the module), between the client's first and last
        kept appointment, in months in which their provider kept one. Appointments whose end nobody recorded count as
        kept. Clients with fewer than half of their visits billed are left out.
    Date basis
        day of service; entered by `as_of`
    Unit
        cents of charges
    Empty
        No appointments in the month: no rows.
    Source
        our own

    >>> from rcm_analysis.examples.office import example_visits
    >>> found = claims_without_visit(example_visits(), as_of=dt.date(2026, 10, 31))
    >>> found[["claim_id", "appointment", "charge_cents"]]
      claim_id appointment  charge_cents
    0       C9     no_show         30000
    """
    booked = _booked(tables, as_of)
    claims = _claim_days(tables, as_of) if len(booked) else pd.DataFrame()
    columns = [*_PLACES, "service_on", "appointment", "charge_cents"]
    if claims.empty:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns}).astype({"charge_cents": "int64"})
    seen, pairs = _pairs(booked[booked["status"].isin(["kept", NO_VALUE])], claims)
    judged = _due(tables, as_of)["client"].unique()
    rest = claims[~claims["claim_id"].isin(pairs["claim_id"]) & claims["client"].isin(judged) & claims["is_visit"]]
    rest = rest[rest["day"] >= pd.Timestamp(since or dt.date.min)]
    rest = rest[_is_covered(rest, seen[seen["status"] == "kept"])]
    other = booked.drop_duplicates(_DAY)[[*_DAY, "status"]].rename(columns={"status": "appointment"})
    rest = rest.merge(other, on=_DAY, how="left").rename(columns={"day": "service_on"})
    return rest.fillna({"appointment": ""})[columns].sort_values(["service_on", "claim_id"], ignore_index=True)


def _is_covered(claims: pd.DataFrame, seen: pd.DataFrame) -> pd.Series:
    """Whether the appointment book covers each claim: its client's days, and its provider's month."""
    days = seen.groupby("client")["day"].agg(["min", "max"]).reindex(claims["client"])
    months = seen["day"].dt.to_period("M").astype(str)
    held = set(zip(seen["client"], seen["provider"], months, strict=True))
    any_one = {(client, month) for client, _, month in held}
    unnamed = {(client, month) for client, provider, month in held if provider == NO_VALUE}
    is_held = [
        (client, provider, month) in held
        or ((client, month) in any_one and (provider == NO_VALUE or (client, month) in unnamed))
        for client, provider, month in zip(
            claims["client"], claims["provider"], claims["day"].dt.to_period("M").astype(str), strict=True
        )
    ]
    within = (claims["day"].to_numpy() >= days["min"].to_numpy()) & (claims["day"].to_numpy() <= days["max"].to_numpy())
    return pd.Series(is_held, index=claims.index, dtype=bool) & within


def _booked(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The appointments up to the day, in the order of their ids."""
    rows = source(tables, "appointments", [*_WORDS, "status", "scheduled_on"]).filter(nw.col("scheduled_on") <= as_of)
    found = collect(rows, [*_WORDS, "status"], dates=["scheduled_on"])
    return found.assign(day=found["scheduled_on"]).sort_values(["client", "appointment_id"], ignore_index=True)


def _claim_days(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """One row per claim and day of service: its charges of that day, and whether they are an office visit's."""
    names = [*_PLACES, "entered_on", "service_on", "voided_on", "charge_cents"]
    is_void = (nw.col("voided_on") <= as_of).fill_null(False)
    claims = source(tables, "claims", names).filter(nw.col("entered_on") <= as_of, ~is_void).drop("voided_on")
    found = collect(claims, _PLACES, dates=["entered_on", "service_on"])
    texts = ["client", "claim_id", "procedure", "place_of_service"]
    lines = source(tables, "claim_lines", [*texts, "service_on", "charge_cents", "entered_on"])
    days = collect(lines.filter(nw.col("entered_on") <= as_of).drop("entered_on"), texts, dates=["service_on"])
    is_office = days["place_of_service"].isin(OFFICES) & days["procedure"].str.match(OFFICE_VISITS)
    keys = ["client", "claim_id", "day"]
    sums = days.assign(day=days["service_on"], is_visit=is_office).groupby(keys, as_index=False)
    by_day = sums.agg(cents=("charge_cents", "sum"), is_visit=("is_visit", "any"))
    found = found.merge(by_day, on=["client", "claim_id"], how="left")
    charge = found["cents"].fillna(found["charge_cents"]).astype("int64")
    found = found.assign(day=found["day"].fillna(found["service_on"]), charge_cents=charge)
    return found.assign(is_visit=found["is_visit"].eq(True)).drop(columns=["cents", "service_on"])


def _pairs(visits: pd.DataFrame, claims: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The visits with how each was matched (empty: not), and the pairs: `visit` and the claim's columns."""
    visits = visits.reset_index(drop=True).assign(visit=range(len(visits)))
    claims = claims.reset_index(drop=True).assign(number=range(len(claims)), of=pd.factorize(claims["claim_id"])[0])
    known = claims[claims["patient"] != NO_VALUE]
    named = visits[["visit", "client", "claim_id"]].merge(claims, on=["client", "claim_id"])
    same = visits[["visit", *_DAY, "provider"]].merge(known, on=_DAY, suffixes=("_seen", ""))
    alike = (same["provider"] == same["provider_seen"]) | same[["provider", "provider_seen"]].eq(NO_VALUE).any(axis=1)
    found = [named.assign(match="named"), same[alike].assign(match="provider")]
    for match, shift in (("same day", 0), ("a day off", 1), ("a day off", -1)):
        done = pd.concat(found)
        open_visits = visits[~visits["visit"].isin(done["visit"])]
        left = known[~known["of"].isin(done["of"])]
        moved = open_visits[["visit", *_DAY]].assign(day=open_visits["day"] + pd.Timedelta(days=shift))
        moved = moved.assign(turn=moved.groupby(_DAY).cumcount())
        left = left.assign(turn=left.groupby(_DAY).cumcount())
        found.append(moved.merge(left, on=[*_DAY, "turn"]).assign(match=match))
    pairs = pd.concat(found, ignore_index=True).drop_duplicates(["visit", "number"])
    first = pairs.drop_duplicates("visit").set_index("visit")["match"]
    return visits.assign(match=first.reindex(visits["visit"], fill_value="").to_numpy()), pairs


@kept
def _due(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """Kept visits whose charges are due, with `match`, the client's `lag_days`, `usual_cents` and its `basis`."""
    booked = _booked(tables, as_of)
    seen = booked[booked["status"] == "kept"]
    if seen.empty:
        return seen.assign(match="", lag_days=0, usual_cents=pd.array([], dtype="Int64"), basis="")
    claims = _claim_days(tables, as_of)
    visits, pairs = _pairs(seen, claims)
    of_visit = pairs.groupby("visit").agg(charge_cents=("charge_cents", "sum"), entered_on=("entered_on", "min"))
    visits = visits.join(of_visit, on="visit")
    lags = (visits["entered_on"] - visits["scheduled_on"]).dt.days
    is_usual = visits["match"].isin(["named", "provider", "same day"])
    is_usual &= visits["scheduled_on"] > pd.Timestamp(days_before(as_of, YEAR_DAYS))
    groups = lags[is_usual & (lags >= 0)].groupby(visits["client"])
    own = groups.quantile(0.95, interpolation="higher").where(groups.size() >= LEAST_LAGS)
    waits = visits["client"].map(own).fillna(USUAL_LAG_DAYS).astype("int64")
    visits = _usual_charge(visits.assign(lag_days=waits), visits[is_usual])
    ends = claims.groupby("client").agg(first=("day", "min"), last=("entered_on", "max"))
    ends = ends.reindex(visits["client"]).set_axis(visits.index)
    due_on = visits["scheduled_on"] + pd.to_timedelta(visits["lag_days"], unit="D")
    visits = visits[(visits["scheduled_on"] >= ends["first"]) & (due_on <= ends["last"])]
    billed = (visits["match"] != "").groupby(visits["client"]).mean()
    return visits[visits["client"].map(billed) >= LEAST_BILLED].drop(columns="charge_cents").reset_index(drop=True)


def _usual_charge(visits: pd.DataFrame, billed: pd.DataFrame) -> pd.DataFrame:
    """The visits with what such a visit usually is billed at, and of whom that was seen."""
    cells = ["client", "provider", "visit_type"]
    groups = billed.groupby(cells)["charge_cents"]
    own = groups.median().where(groups.size() >= LEAST_ALIKE)
    alike = own.reindex(pd.MultiIndex.from_frame(visits[cells])).set_axis(visits.index)
    of_all = visits["client"].map(billed.groupby("client")["charge_cents"].median())
    basis = pd.Series("provider and kind of visit", index=visits.index).where(alike.notna(), "client")
    return visits.assign(usual_cents=half_up(alike.fillna(of_all)), basis=basis)
