"""Two ways in which an office's own work goes wrong: charges are entered later and later, and no claims are sent for
days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar

from ...errors import ParameterError
from ...ledger.derived import ANSWERED
from ...tables.frames import kept, source
from ..statistics.estimators import later_by_chance

LAG_COLUMNS = (
    "client",
    "level",
    "provider",
    "location",
    "onset_on",
    "first_month",
    "last_month",
    "claims",
    "usual_days",
    "days",
    "days_last_month",
    "days_a_month",
    "late_claims",
    "late_cents",
    "q_value",
    "is_new",
)
FEWEST_BEFORE = 6
MOST_MONTHS = 12
FEWEST_CLAIMS = 5
FEWEST_USUAL = 20
SHARE_OF_CAUSE = 0.8
BY_CHANCE = 0.05
MONTH_ENDS = 12
"""The question is asked at every month's end: each may spend a twelfth of the false findings allowed in a year."""
LATE = 0.9
"""Later than 90 % of what is usual is late."""


@kept
def charge_lag_creep(tables: Mapping[str, Any], *, as_of: dt.date, q: float = 0.01, days: float = 1.0) -> pd.DataFrame:
    """The providers and locations (or the whole client) that began to enter charges later, and still do: one row each.

    Formula
        lag = working days (Monday to Friday) from the first day of service to the entry of the charge
        1. Test the whole client, each provider and each location. Each of the last twelve months but the latest may
           be the one in which the change began (a single month is an incident, not a change): compare the lags from
           that month on with the lags of all months before it. The test is a one-sided Mann-Whitney test; its p is
           multiplied by the number of months tried.
        2. Report the client, provider or location when all of this holds: its q (Benjamini-Hochberg, over all that
           were tested) is at most a twelfth of `q`, because twelve month ends of a year ask; the mean lag since the
           change, and the mean lag of the last month, are at least `days` working days above the usual mean, and above
           that of the whole client (who was quicker than the office and now is like it has lost nothing to act on);
           the mean of the months between is at least half a day above the usual one; and the last month alone, and
           the months between alone, are later with p <= 0.05. No lag counts for more than three times the usual late
           lag, so that one claim cannot decide.
        3. Name the cause: a provider or location that accounts for 80 % of the days lost, or that shows the change
           more clearly than all together, if everybody else is not slower by the same test; otherwise the client as a
           whole.
        A charge is late when it was entered later than 90 % of the charges were before the change; late_claims
        and late_cents count the late charges beyond the usual 10 %.
    Counts
        Claims by month of entry: such a month is complete on its last day, whereas entries for the latest months of
        service are still to come. Needed: six months and twenty claims before the change, five claims since.
    Columns
        onset_on: the first late entry of the first month; usual_days, days: the mean lag before the change and since;
        days_last_month: that of the last month; days_a_month: by how many days the lag grows each month since then;
        is_new: the change began in the month before the last one
    Date basis
        entered_on
    Unit
        working days, claims, cents (billed charge)
    Empty
        Nothing raised: no rows.
    Source
        our own; charge lag as in `measures.collections.lags`
    """
    claims = lag_rows(tables)
    return creeps(claims, as_of=as_of, q=q, days=days)


def lag_rows(tables: Mapping[str, Any]) -> pd.DataFrame:
    """What `creeps` needs of each claim: provider, location, entered_on, month, lag, charge_cents; not of claims known
    from answers alone, the day of whose entry is not on file.

    Raises
        ParameterError when the tables hold more than one client.
    """
    names = ["client", "claim_id", "provider", "location", "service_on", "entered_on", "charge_cents"]
    rows = _of_one_client(tables, "claims", names, may_lack=["submission_id"])
    rows = rows[rows["submission_id"].fillna("") != ANSWERED].reset_index(drop=True)
    lag = np.busday_count(rows["service_on"].to_numpy("datetime64[D]"), rows["entered_on"].to_numpy("datetime64[D]"))
    return rows.assign(lag=np.maximum(0, lag), month=rows["entered_on"].dt.to_period("M"))


def creeps(claims: pd.DataFrame, *, as_of: dt.date, q: float = 0.01, days: float = 1.0) -> pd.DataFrame:
    """`charge_lag_creep` for claims that were read with `lag_rows`, with what was known on `as_of`."""
    from scipy import stats

    known = claims[claims["entered_on"] <= pd.Timestamp(as_of)]
    found = [_tested(known[held], names, as_of) for names, held in _scopes(known)]
    found = [one for one in found if one is not None]
    if found:
        odds = stats.false_discovery_control([one["p_value"] for one in found])
        found = [one | {"q_value": value} for one, value in zip(found, odds, strict=True)]
    raised = [one for one in found if one["q_value"] <= q / MONTH_ENDS and _is_above(one, days)]
    raised = [
        one
        for one in raised
        if min(one["days"], one["days_last_month"]) >= _office_days(known, one["first_month"]) + days
    ]
    rows = [one | {"client": claims["client"].iloc[0]} for one in _causes(known, raised, as_of, (q / MONTH_ENDS, days))]
    out = pd.DataFrame(rows).reindex(columns=list(LAG_COLUMNS))
    return out.astype({"onset_on": "datetime64[us]"}).sort_values("late_cents", ascending=False, ignore_index=True)


def _office_days(claims: pd.DataFrame, first_month: str) -> float:
    """The usual mean lag of the whole client before a month."""
    before = claims.loc[claims["month"] < pd.Period(first_month, "M"), "lag"]
    return float(_clipped(before, before).mean())


def _clipped(lags: pd.Series, usual: pd.Series) -> pd.Series:
    """No lag counts for more than three times the usual late one."""
    return lags.clip(upper=3 * max(1.0, float(usual.quantile(LATE))))


def _scopes(claims: pd.DataFrame) -> list[tuple[dict[str, str], pd.Series]]:
    scopes: list[tuple[dict[str, str], pd.Series]] = [({}, pd.Series(True, index=claims.index))]
    for name in ("provider", "location"):
        values = sorted(claims[name].dropna().unique())
        if len(values) > 1:
            scopes += [({name: value}, claims[name] == value) for value in values]
    return scopes


def _is_above(one: Mapping[str, Any], days: float) -> bool:
    lasting = one["days_earlier"] >= one["usual_days"] + days / 2
    lasting &= max(one["p_earlier"], one["p_last_month"]) <= BY_CHANCE
    return lasting and min(one["days"], one["days_last_month"]) >= one["usual_days"] + days


def _tested(claims: pd.DataFrame, names: Mapping[str, str], as_of: dt.date) -> dict[str, Any] | None:
    """The month in which later entry most likely began, with its p and its figures; None where too few claims are
    known."""
    last = pd.Period(as_of, "M")
    if claims.empty or (claims["month"] == last).sum() == 0:
        return None
    begin = claims["month"].min()
    month = claims["month"].astype("int64").to_numpy()
    lag = claims["lag"].to_numpy(np.int64)
    tried = []
    for first in range(max(begin.ordinal + FEWEST_BEFORE, last.ordinal - MOST_MONTHS + 1), last.ordinal):
        before, since = lag[month < first], lag[month >= first]
        if len(before) >= FEWEST_USUAL and len(since) >= FEWEST_CLAIMS:
            tried.append((later_by_chance(since, before), first))
    if not tried:
        return None
    p_value, first = min(tried)
    return {
        **_described(claims, month, first, last),
        **_level(names),
        "p_value": min(1.0, p_value * len(tried)),
        "names": dict(names),
    }


def _level(names: Mapping[str, str]) -> dict[str, str]:
    level = next(iter(names), "whole client")
    return {"level": level, "provider": names.get("provider", ""), "location": names.get("location", "")}


def _described(claims: pd.DataFrame, month: np.ndarray, first: int, last: pd.Period) -> dict[str, Any]:
    before, since = claims[month < first], claims[month >= first]
    late_from = float(before["lag"].quantile(LATE))
    usual, now = _clipped(before["lag"], before["lag"]).mean(), _clipped(since["lag"], before["lag"])
    is_late = since["lag"] > late_from
    usually_late = float((before["lag"] > late_from).mean())
    earlier = since["month"] < last
    than = before["lag"].to_numpy(np.int64)
    p_earlier, p_last = (
        later_by_chance(since.loc[part, "lag"].to_numpy(np.int64), than) if part.any() else 1.0
        for part in (earlier, ~earlier)
    )
    elapsed = (since["month"].astype("int64") - first).to_numpy(float)
    slope = np.polyfit(elapsed, since["lag"].to_numpy(float), 1)[0] if len(np.unique(elapsed)) > 1 else np.nan
    return {
        "onset_on": since.loc[is_late, "entered_on"].min() if is_late.any() else since["entered_on"].min(),
        "first_month": str(pd.Period(ordinal=first, freq="M")),
        "last_month": str(last),
        "claims": len(since),
        "usual_days": usual,
        "days": now.mean(),
        "days_last_month": now[since["month"] == last].mean(),
        "days_a_month": slope,
        "late_claims": max(0.0, is_late.sum() - usually_late * len(since)),
        "late_cents": max(
            0, int(since.loc[is_late, "charge_cents"].sum() - usually_late * since["charge_cents"].sum())
        ),
        "days_earlier": now[earlier].mean(),
        "p_earlier": float(p_earlier),
        "p_last_month": float(p_last),
        "days_lost": float((now - usual).sum()),
        "is_new": first >= last.ordinal - 1,
    }


def _causes(
    claims: pd.DataFrame, raised: list[dict[str, Any]], as_of: dt.date, limits: tuple[float, float]
) -> list[dict[str, Any]]:
    """Of everything reported (the client, providers, locations) the rows that name a cause; the others only show it
    again."""
    whole = [one for one in raised if not one["names"]]
    parts = sorted((one for one in raised if one["names"]), key=lambda one: one["p_value"])
    for part in parts if whole else ():
        rest = _tested(claims[~_inside(claims, part)], {}, as_of)
        quiet = rest is None or rest["p_value"] > limits[0] or not _is_above(rest, limits[1])
        is_most = part["days_lost"] >= SHARE_OF_CAUSE * whole[0]["days_lost"]
        if quiet and (is_most or part["p_value"] < whole[0]["p_value"]):
            return [part]
    if whole:
        return whole
    kept: list[dict[str, Any]] = []
    for part in parts:
        rest = claims
        for other in kept:
            rest = rest[~_inside(rest, other)]
        alone = _tested(rest[_inside(rest, part)], part["names"], as_of)
        if alone is not None and alone["p_value"] <= limits[0] and _is_above(alone, limits[1]):
            kept.append(part)
    return kept


def _inside(claims: pd.DataFrame, one: Mapping[str, Any]) -> pd.Series:
    ((name, value),) = one["names"].items()
    return claims[name] == value


def late_entries(tables: Mapping[str, Any], finding: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The claims behind a row of `charge_lag_creep`: since the change entered later than nine of ten were before it.

    Columns
        claim_id, charge_cents; their charges are more than `late_cents`, which counts those beyond the usual tenth
    Date basis
        entered_on
    Unit
        cents
    """
    claims = lag_rows(tables)
    claims = claims[claims["entered_on"] <= pd.Timestamp(as_of)]
    for name in ("provider", "location"):
        if finding[name]:
            claims = claims[claims[name] == finding[name]]
    is_since = claims["month"] >= pd.Period(finding["first_month"], "M")
    late_from = float(claims.loc[~is_since, "lag"].quantile(LATE))
    late = claims[is_since & (claims["lag"] > late_from)]
    return late[["claim_id", "charge_cents"]].reset_index(drop=True)


# -- days without submissions ----------------------------------------------------------------------

OUTAGE_COLUMNS = (
    "client",
    "onset_on",
    "last_on",
    "resumed_on",
    "days",
    "claims",
    "cents",
    "p_value",
    "is_over",
    "payer",
)
SHORTEST = 3
"""A shorter run of days without submissions can be a day off and one lost batch."""
SENDING_SHARE = 0.05
"""A weekday on which a smaller share of all claims was sent is not one of the client's usual sending days."""
LONGEST_WAIT = 60
SURELY = 0.01
FEWEST_DAYS_AT_WORK = 2
"""Where charges were entered on fewer days of the run, the office was closed: that is no outage."""


@kept
def submission_outages(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Outages: runs of working days on which the client sent no claim, or none to one payer, although claims were
    waiting; the oldest first.

    Formula
        run       at least three of the client's sending days in a row without a submission of any kind
        chance    how likely it is that the office sent nothing by chance: the product, over all waiting claims, of the
                  probability that such a claim is not sent during the run, given that it was not sent before. The
                  probabilities come from how long this client's claims usually wait from entry to first submission
        reported  when the chance x the number of sending days on record is at most 0.01, and charges were entered on
                  at least two days of the run (else the office was closed)
        in part   the same for the claims to each payer, when claims to others left meanwhile; the chance x the number
                  of payers as well
    Counts
        Sending days: the weekdays on which at least 5 % of all claims were sent, without federal holidays, and any
        other day on which claims were sent. Waiting claims: they have an insurer, were entered by the end of the run,
        had not been sent by then, and are not held by a note of the work log (`stalled_steps.holds_risen` counts
        those). `claims` and `cents` leave out those that had already waited longer than 95 % of
        claims do when the run began: they wait for something else.
    Columns
        onset_on, last_on: the first and the last sending day of the run; resumed_on: the day on which claims were sent
        again, empty (and is_over false) while the outage lasts; payer: of an outage in part, empty where no claim left
    Date basis
        submitted_on, entered_on
    Unit
        days (sending days), claims, cents (billed charge)
    Empty
        No such run, or nothing was ever sent: no rows.
    Source
        our own
    """
    return outages(*submission_rows(tables), as_of=as_of)


def submission_rows(tables: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `outages` needs: the claims with an insurer (with their first submission, and the day on which a note first
    held them before it), and every submission.

    Raises
        ParameterError when the tables hold more than one client.
    """
    claims = _of_one_client(tables, "claims", ["client", "claim_id", "payer", "entered_on", "charge_cents"])
    sent = _of_one_client(tables, "submissions", ["client", "claim_id", "submitted_on"])
    first = sent.groupby("claim_id")["submitted_on"].min().rename("sent_on").reset_index()
    insured = claims[claims["payer"] != "self_pay"].merge(first, on="claim_id", how="left")
    held = _holds(tables).merge(first, on="claim_id", how="left")
    held = held[held["sent_on"].isna() | (held["worked_on"] <= held["sent_on"])]
    since = held.groupby("claim_id")["entered_on"].min().rename("held_on").reset_index()
    insured = insured.merge(since, on="claim_id", how="left")
    return insured.astype(dict.fromkeys(("sent_on", "held_on"), "datetime64[us]")), sent


def _holds(tables: Mapping[str, Any]) -> pd.DataFrame:
    """The notes of the work log, where there is one, that say what a claim waits for."""
    names = ["client", "claim_id", "worked_on", "entered_on", "hold_reason"]
    if "work_log" not in tables:
        return pd.DataFrame(columns=names).astype({"claim_id": "str"} | dict.fromkeys(names[2:4], "datetime64[us]"))
    notes = _of_one_client(tables, "work_log", names)
    return notes[notes["hold_reason"].fillna("") != ""]


def outages(claims: pd.DataFrame, sent: pd.DataFrame, *, as_of: dt.date) -> pd.DataFrame:
    """`submission_outages` for rows that were read with `submission_rows`, with what was known on `as_of`."""
    sent = sent[sent["submitted_on"] <= pd.Timestamp(as_of)]
    known = _waiting(claims, pd.Timestamp(as_of))
    rows: list[dict[str, Any]] = []
    if len(sent) and len(known):
        waits = _Waits(known, _sending_days(sent["submitted_on"], pd.Timestamp(as_of)), pd.Timestamp(as_of))
        days = waits.days
        silent = ~np.isin(days, sent["submitted_on"].to_numpy("datetime64[D]"))
        runs = _runs(silent)
        rows = [row for first, last in runs if (row := waits.judged(first, last)) is not None]
        rows += _in_part(known, sent, days, runs, pd.Timestamp(as_of))
        rows.sort(key=lambda row: (row["onset_on"], row["payer"]))
    out = pd.DataFrame(rows).reindex(columns=list(OUTAGE_COLUMNS))
    out["client"] = claims["client"].iloc[0] if len(rows) else out["client"]
    return out.astype(dict.fromkeys(("onset_on", "last_on", "resumed_on"), "datetime64[us]"))


def _waiting(claims: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """The claims entered by the day that no note known by then holds."""
    return claims[(claims["entered_on"] <= day) & ~(claims["held_on"] <= day)]


def _in_part(
    claims: pd.DataFrame, sent: pd.DataFrame, days: np.ndarray, whole: list[tuple[int, int]], as_of: pd.Timestamp
) -> list[dict[str, Any]]:
    """Outages of one payer's claims, apart from the runs in which nobody's left."""
    found = []
    payers = claims["payer"].nunique()
    left = dict(list(sent.merge(claims[["claim_id", "payer"]], on="claim_id").groupby("payer")["submitted_on"]))
    for payer, part in claims.groupby("payer") if payers > 1 else ():
        if payer not in left:
            continue
        own = left[payer].to_numpy("datetime64[D]")
        since = days[days >= own.min()]
        waits = _Waits(part, since, as_of)
        shift = len(days) - len(since)
        for first, last in _runs(~np.isin(since, own)):
            is_whole = any(start <= last + shift and first + shift <= end for start, end in whole)
            row = None if is_whole else waits.judged(first, last, looks=payers)
            if row is not None:
                found.append(row | {"payer": payer})
    return found


def claims_held_up(tables: Mapping[str, Any], finding: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The claims behind a row of `submission_outages`, which `claims` and `cents` count; one payer's where it is named.

    Columns
        claim_id, charge_cents
    Date basis
        submitted_on, entered_on
    Unit
        cents
    """
    claims, sent = submission_rows(tables)
    day = pd.Timestamp(as_of)
    known = _waiting(claims, day)
    submitted = sent.loc[sent["submitted_on"] <= day]
    days = _sending_days(submitted["submitted_on"], day)
    if finding["payer"]:
        known = known[known["payer"] == finding["payer"]]
        own = submitted.loc[submitted["claim_id"].isin(known["claim_id"]), "submitted_on"]
        days = days[days >= own.min().to_datetime64().astype("datetime64[D]")]
    first, last = (int(np.searchsorted(days, np.datetime64(finding[name], "D"))) for name in ("onset_on", "last_on"))
    return _Waits(known, days, day).held(first, last)[["claim_id", "charge_cents"]].reset_index(drop=True)


def _sending_days(submitted: pd.Series, last: pd.Timestamp) -> np.ndarray:
    """Every usual sending day from the first submission on, and every other day on which claims were sent."""
    share = submitted.dt.day_of_week.value_counts(normalize=True)
    usual = share.index[share >= SENDING_SHARE]
    days = pd.date_range(submitted.min(), last, freq="D")
    closed = USFederalHolidayCalendar().holidays(days[0], days[-1])
    return days[(days.day_of_week.isin(usual) & ~days.isin(closed)) | days.isin(submitted)].to_numpy("datetime64[D]")


def _runs(silent: np.ndarray) -> list[tuple[int, int]]:
    """The first and the last position of each run of at least `SHORTEST` days without submissions."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(int)))
    return [(first, end - 1) for first, end in zip(edges[::2], edges[1::2], strict=True) if end - first >= SHORTEST]


class _Waits:
    """How long the claims of one client wait for their first submission, in sending days."""

    def __init__(self, claims: pd.DataFrame, days: np.ndarray, as_of: pd.Timestamp) -> None:
        self.claims, self.days, self.as_of = claims, days, as_of
        sent_on = claims["sent_on"].where(claims["sent_on"] <= as_of)
        self.entered = np.searchsorted(days, claims["entered_on"].to_numpy("datetime64[D]"), side="right") - 1
        self.sent = np.where(
            sent_on.notna(),
            np.searchsorted(days, sent_on.fillna(as_of).to_numpy("datetime64[D]"), side="right") - 1,
            len(days),
        )
        wait = np.clip(self.sent - self.entered, 0, LONGEST_WAIT)
        left = sent_on.notna().to_numpy() & (self.sent - self.entered <= LONGEST_WAIT)
        ended = np.bincount(wait[left], minlength=LONGEST_WAIT + 1)
        at_risk = np.bincount(wait, minlength=LONGEST_WAIT + 1)[::-1].cumsum()[::-1]
        hazard = np.divide(ended, at_risk + 1, out=np.zeros(LONGEST_WAIT + 1), where=at_risk > 0)
        self.log_stay = np.concatenate([[0.0], np.log1p(-hazard).cumsum()])
        self.long = int(np.searchsorted(-np.exp(self.log_stay[1:]), -0.05))

    def judged(self, first: int, last: int, *, looks: int = 1) -> dict[str, Any] | None:
        """The outage in these sending days; None where nothing may have been sent by chance, or the office was
        closed."""
        waiting = (self.entered <= last) & (self.sent > last)
        before = np.clip(first - self.entered[waiting], 0, LONGEST_WAIT + 1)
        after = np.clip(last + 1 - self.entered[waiting], 0, LONGEST_WAIT + 1)
        p_value = float(np.exp((self.log_stay[after] - self.log_stay[before]).sum())) * len(self.days) * looks
        at_work = len(np.unique(self.entered[(self.entered >= first) & (self.entered <= last)]))
        if p_value > SURELY or at_work < FEWEST_DAYS_AT_WORK:
            return None
        held = self.held(first, last)
        resumed = self.days[last + 1] if last + 1 < len(self.days) else np.datetime64("NaT")
        return {
            "onset_on": self.days[first],
            "last_on": self.days[last],
            "resumed_on": resumed,
            "days": last - first + 1,
            "claims": len(held),
            "cents": int(held["charge_cents"].sum()),
            "p_value": p_value,
            "is_over": last + 1 < len(self.days),
            "payer": "",
        }

    def held(self, first: int, last: int) -> pd.DataFrame:
        """The claims that waited in these sending days and would have been sent in them."""
        waiting = (self.entered <= last) & (self.sent > last)
        before = np.clip(first - self.entered[waiting], 0, LONGEST_WAIT + 1)
        return self.claims[waiting][before <= self.long]


def _of_one_client(
    tables: Mapping[str, Any], name: str, columns: list[str], *, may_lack: Sequence[str] = ()
) -> pd.DataFrame:
    rows = source(tables, name, columns, may_lack=may_lack).collect("pandas").to_native()
    if rows["client"].nunique() > 1:
        raise ParameterError(
            f"Shifts in the work are sought client by client; these tables hold {rows['client'].nunique()} clients."
        )
    for day in [column for column in columns if column.endswith("_on")]:
        rows[day] = pd.to_datetime(rows[day]).astype("datetime64[us]")
    return rows
