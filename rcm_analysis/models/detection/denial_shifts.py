"""Systemic denials: a payer, code, provider or location (a cell) of which suddenly more is denied than usual.

Each cell is compared with its own past. For every cell and category of denial we try each month of the last year as
the month in which the rise began, and compare the denials since then with the usual rate before. Thousands of such
tests would find something by chance alone. So the false findings are limited (Benjamini-Hochberg), and rises too
small to matter are left out. One cause shows in many cells; only the cell that describes it best is reported.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import ParameterError
from ...tables.frames import kept
from ..statistics.control_charts import change_point, laney_chart
from .denial_cells import (
    LEVELS,
    Cells,
    Verdict,
    cells_of,
    counts_of,
    expected_lines,
    false_discoveries,
    judged,
    usual_line_rate,
)
from .mixes import LEAST_CHANGE, usual_rates_of_kinds

COMPLETE_SHARE = 0.7
"""A month with less than 70 % of the usual claims is not complete: only the quickest payers have answered."""
BY_CHANCE = 0.01
"""A small practice may have so few claims by chance. Only a month that is rarer than this (Poisson) is incomplete."""
USUAL_MONTHS = 6
MONTH_ENDS = 12
"""The question is asked at every month's end: each may spend a twelfth of the false findings allowed in a year."""
MOST_FINDINGS = 20
"""At most so many causes are reported at a time: nobody can follow up more."""
SAME_CAUSE = 0.5
"""Lines that are raised at least half as much as the cell beside them have the same cause: the coarser cell names
both."""


@dataclass(frozen=True)
class Floors:
    """Rises below these limits are not reported, however certain they are.

    points, ratio: the rate must be 5 percentage points above the usual one, or 1.5 times it; claims: fewer than 3
    denied claims are single incidents; cents: $100 is what it costs to rework three or four claims (from $25 each).
    """

    points: float = 0.05
    ratio: float = 1.5
    claims: int = 3
    cents: int = 10_000


@dataclass(frozen=True)
class DenialHistory:
    """Every first decision of one client, counted once: `findings` may be asked for any day up to `last_day`."""

    client: str
    lines: pd.DataFrame
    cells: Cells
    last_day: dt.date


COLUMNS = (
    "client",
    "level",
    "payer",
    "category",
    "procedures",
    "codes",
    "provider",
    "location",
    "onset_on",
    "first_month",
    "last_month",
    "claims",
    "denied_claims",
    "lines",
    "denied",
    "expected",
    "excess",
    "usual_rate",
    "rate",
    "observed_rate",
    "rate_since_onset",
    "denied_cents",
    "excess_cents",
    "contract_share",
    "q_value",
    "is_new",
    "is_over",
    "ended_on",
)
CLEARLY_OVER = 3.0
"""A cause is over when its weeks are twenty times (e to the third) likelier with an end than without one."""
WEEKS_AT_END = 5
RECENTLY = 62
"""Days for which a cause that is over is still told."""


@kept
def systemic_denials(
    tables: Mapping[str, Any], *, as_of: dt.date, q: float = 0.05, floors: Floors | None = None
) -> pd.DataFrame:
    """What has come to be denied more than usual and still is: one row per cause, the largest excess first.

    Formula
        cell          payer, code family, code, provider, location, payer with each of the other four, or the whole
                      client, for every category of denial
        usual rate    of the months before the first one tested, drawn towards the next coarser cells
                      (`denial_cells.usual_rates`)
        p             the beta-binomial chance of so many denied claims since then, given how well the usual rate is
                      known and how much the client's months vary (Laney's sigma_z), times the number of months tried
        raised        a cell is raised when q <= 0.05 / 12 (Benjamini-Hochberg over all cells and categories, the same
                      share of false findings for each level; twelve month ends of a year ask) and the rise is above
                      `floors`, both over all months since it began and over the last two
        not the mix   when 15 % or more of a rise come from doing more of what these payers always denied more often
                      (`mixes.usual_rates_of_kinds`), that part is added to the usual rate. A cell that is no longer
                      above it is no cause; one that still is gives way to a finer raised cell, if there is one
        named         the raised cell whose counts are least likely, given how many cells there are at its level; then
                      the next coarser raised cell, as long as its other lines are raised at least half as much
        excess        denied - expected; expected = usual rate x lines; excess_cents = expected amounts of the denied
                      lines - usual rate x expected amounts of all lines of the cell
    Counts
        First decisions of primary payers on lines (`denial_cells.first_lines`), from the month of the onset on. The
        tests count claims, because lines of one claim are denied together. No line counts in two findings of one
        category. The last month is left out when it holds less than 70 % of the median claims of the six months before
        it and chance does not explain that; `attrs["left_out"]` then says so. At least six months must come before the
        first month tested. What is over is not in here (`findings`).
    Columns
        level in words; procedures: code family or code; codes: the codes denied; onset_on: first denial of the week
        in which the rate changed; first_month, last_month: the months counted; usual_rate: the rate expected, drawn
        towards similar cells; observed_rate: what the cell's own lines before first_month show, empty without any;
        rate: of the months counted; rate_since_onset: from onset_on on; contract_share: share of denied_cents
        that comes from a fee schedule (the rest is inferred); is_new: it began in the last two months tested
    Date basis
        received_on of the remittance
    Unit
        claims, lines, cents; rates 0 to 1; expected and excess need not be whole
    Empty
        Nothing raised, or fewer than seven months: no rows.
    Source
        HFMA Claim Integrity Task Force 2021 (initial denials); Laney 2002; Benjamini and Hochberg 1995

    Raises
        ParameterError when the tables hold more than one client.
    """
    found = findings(denial_history(tables, as_of=as_of), as_of=as_of, q=q, floors=floors)
    return only(found, ~found["is_over"])


def denial_history(tables: Mapping[str, Any], *, as_of: dt.date) -> DenialHistory:
    """Read and count the first decisions once, so that `findings` can be asked for several days; see
    `systemic_denials`."""
    lines = expected_lines(tables, as_of=as_of)
    clients = sorted(lines["client"].unique())
    if len(clients) > 1:
        raise ParameterError(f"Systemic denials are sought client by client; these tables hold {len(clients)} clients.")
    months = (
        pd.period_range(lines["month"].min(), lines["month"].max(), freq="M")
        if len(lines)
        else pd.period_range("2000-01", periods=0, freq="M")
    )
    return DenialHistory(clients[0] if clients else "", lines, cells_of(lines, months), as_of)


def decided_months(tables: Mapping[str, Any], *, as_of: dt.date) -> int:
    """How many months, from the first with a first decision to that of `as_of`, denials are known of."""
    lines = expected_lines(tables, as_of=as_of)
    return pd.Period(as_of, "M").ordinal - lines["month"].min().ordinal + 1 if len(lines) else 0


def only(found: pd.DataFrame, kept_rows: pd.Series) -> pd.DataFrame:
    """Some of the findings, numbered anew, with what is said of the month that was left out."""
    out = found[kept_rows].reset_index(drop=True)
    out.attrs["left_out"] = found.attrs.get("left_out", "")
    return out


def findings(history: DenialHistory, *, as_of: dt.date, q: float = 0.05, floors: Floors | None = None) -> pd.DataFrame:
    """`systemic_denials` for a history that is already counted, as of the end of the month of `as_of`; what ended in
    the two months before is in it too (`is_over`, `ended_on`: the last denial before the rate fell)."""
    floors = floors or Floors()
    last, left_out = last_month(history, as_of)
    rows = _causes(history, last, q, floors) if last >= 0 and history.cells.categories else []
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    dates = {"onset_on": "datetime64[us]", "ended_on": "datetime64[us]", "is_over": bool}
    found = found.astype(dates).sort_values("excess_cents", ascending=False, ignore_index=True)
    is_old = found["ended_on"] < pd.Timestamp(as_of) - pd.Timedelta(days=RECENTLY)
    found = found[~is_old].reset_index(drop=True)
    found.attrs["left_out"] = left_out
    return found


def _causes(history: DenialHistory, last: int, q: float, floors: Floors) -> list[dict[str, Any]]:
    """The causes, the most certain first. The claims that one cause explains are subtracted before the next is looked
    for: the same cause shows in many cells, and would be reported again and again."""
    kinds = range(len(history.cells.categories))
    cells = dict.fromkeys(kinds, history.cells)
    verdict = judged(history.cells, last, kinds)
    above = np.array([_above(cells[kind], verdict, kind, last, floors) for kind in kinds])
    rows: list[dict[str, Any]] = []
    while len(rows) < MOST_FINDINGS:
        q_value = false_discoveries(history.cells, verdict, last)
        raised = (q_value <= q / MONTH_ENDS) & above
        if not raised.any():
            break
        kind = int(np.argmax(np.where(raised, verdict.evidence, -1.0).max(axis=1)))
        cell = _named(cells[kind], verdict, kind, last, raised[kind])
        changed = int(verdict.start[kind, cell])
        usual, mix = usual_line_rate(cells[kind], kind, cell, changed), _mix_change(history, kind, cell, changed, last)
        now = _rate(cells[kind], kind, cell, changed, last)
        shifted = mix >= LEAST_CHANGE * (now - usual)
        usual += mix * shifted
        if shifted and (
            _has_finer(cells[kind], cell, raised[kind])
            or not _is_beyond(history, kind, cell, (changed, last), usual, floors)
        ):
            above[kind, cell] = False
            continue
        start, onset = _onset(history, kind, cell, changed, last)
        marked = _marked_lines(history, kind, cell)
        ended = ended_on(marked[(marked["received_on"] >= onset) & (marked["at"] <= last)], usual)
        if ended is None and not _above(cells[kind], verdict, kind, last, floors, lately=True)[cell]:
            above[kind, cell] = False
            continue
        until = last if ended is None else max(start, pd.Period(ended, "M").ordinal - history.cells.months[0].ordinal)
        rows.append(
            _finding(history, cells[kind], kind, cell, (start, until), usual)
            | _rates_around(history, kind, cell, onset, ended or history.cells.months[last].end_time)
            | {"onset_on": onset, "q_value": q_value[kind, cell], "is_new": start >= last - 1}
            | {"is_over": ended is not None, "ended_on": ended}
        )
        cells[kind] = cells[kind].without(
            counts_of(history.lines, cells[kind], _claims_of(history, cell, start, until))
        )
        verdict.replace(kind, judged(cells[kind], last, [kind]))
        above[kind] = _above(cells[kind], verdict, kind, last, floors)
    return rows


def last_month(history: DenialHistory, as_of: dt.date) -> tuple[int, str]:
    """The position of the last complete month, -1 if there is none, and why the month of `as_of` is left out ('' if it
    is not)."""
    from scipy import stats

    months = history.cells.months
    here = pd.Period(as_of, "M")
    position = here.ordinal - months[0].ordinal if len(months) else -1
    position = min(position, len(months) - 1)
    if position < 0:
        return -1, ""
    volume = history.cells.claims[0]
    usual = np.median(volume[max(0, position - USUAL_MONTHS) : position]) if position else 0.0
    few = volume[position] < COMPLETE_SHARE * usual and stats.poisson.cdf(volume[position], usual) < BY_CHANCE
    if months[position] == here and few:
        share = volume[position] / usual
        said = (
            f"Of denials {here.start_time:%B %Y} is left out: {volume[position]:.0f} claims decided, {share:.0%} of "
            f"the usual {usual:.0f}; the month is not complete."
        )
        return position - 1, said
    return position, ""


def _above(cells: Cells, verdict: Verdict, kind: int, last: int, floors: Floors, *, lately: bool = False) -> np.ndarray:
    """Which cells are above the floors since their first month; or in the last two months, `lately`."""
    size, start, usual = last + 1, verdict.start[kind], verdict.usual[kind]
    month = np.arange(size)[None, :]
    since = month >= start[:, None]
    lost, cents = cells.denied_cents[kind, :, :size], cells.cents[:, :size]
    above = (cells.denied_claims[kind, :, :size] * since).sum(1) >= floors.claims
    above &= (lost * since).sum(1) - usual * (cents * since).sum(1) >= floors.cents
    window = month >= np.maximum(start, last - 1)[:, None] if lately else since
    of = (cells.claims[:, :size] * window).sum(1)
    rate = np.divide((cells.denied_claims[kind, :, :size] * window).sum(1), of, out=np.zeros(len(of)), where=of > 0)
    return above & ((rate >= usual + floors.points) | (rate >= usual * floors.ratio))


def _named(cells: Cells, verdict: Verdict, kind: int, last: int, raised: np.ndarray) -> int:
    """The cell that describes the cause best (see "named" in `systemic_denials`)."""
    of_level = cells.table["level"].map(cells.table["level"].value_counts()).to_numpy(float)
    score = np.where(raised, verdict.evidence[kind] - np.log(of_level), -np.inf)
    best = int(np.argmax(score))
    span = slice(int(verdict.start[kind, best]), last + 1)
    denied, lines = cells.denied_lines[kind, :, span].sum(1), cells.lines[:, span].sum(1)
    usual = verdict.usual[kind]
    while True:
        wider = [
            cell
            for cell in cells.table["parents"][best]
            if raised[cell] and _rest_is_raised(denied, lines, usual, best, cell)
        ]
        if not wider:
            return best
        best = max(wider, key=lambda cell: score[cell])


def _rest_is_raised(denied: np.ndarray, lines: np.ndarray, usual: np.ndarray, fine: int, coarse: int) -> bool:
    """Whether the lines of the coarser cell outside the finer one are raised too, at least half as much and not by
    chance.

    Where there are no such lines, both cells are the same lines, and the coarser name is as true.
    """
    from scipy import stats

    lost, of = denied[coarse] - denied[fine], lines[coarse] - lines[fine]
    if of == 0:
        return True
    if stats.binom.sf(lost - 1, of, usual[coarse]) > BY_CHANCE:
        return False
    return lost / of - usual[coarse] >= SAME_CAUSE * (denied[fine] / lines[fine] - usual[fine])


def _rate(cells: Cells, kind: int, cell: int, start: int, last: int) -> float:
    span = slice(start, last + 1)
    return float(cells.denied_lines[kind, cell, span].sum() / cells.lines[cell, span].sum())


def _mix_change(history: DenialHistory, kind: int, cell: int, start: int, last: int) -> float:
    """How much of a cell's rise is due to its mix: the mean usual rate of the payers and codes of its lines since
    `start`, less that of its lines before."""
    lines = _marked_lines(history, kind, cell)
    before, since = lines[lines["at"] < start], lines[(lines["at"] >= start) & (lines["at"] <= last)]
    if before.empty or since.empty:
        return 0.0
    then, now = (usual_rates_of_kinds(before, rows, "denied", "line").mean() for rows in (before, since))
    return float(now - then)


def _is_beyond(
    history: DenialHistory, kind: int, cell: int, months: tuple[int, int], usual: float, floors: Floors
) -> bool:
    """Whether the cell's lines in these months were denied more often than `usual`: above the floors, and not by
    chance."""
    from scipy import stats

    lines = _marked_lines(history, kind, cell)
    denied = lines.loc[lines["at"].between(*months), "denied"]
    rate = denied.mean()
    is_large = rate >= usual + floors.points or rate >= usual * floors.ratio
    return bool(is_large and stats.binom.sf(denied.sum() - 1, len(denied), min(1.0, usual)) <= BY_CHANCE)


def _marked_lines(history: DenialHistory, kind: int, cell: int) -> pd.DataFrame:
    """The lines of a cell with `at` (position of the month), `denied` (0 or 1, for this category) and `line` (1)."""
    lines = history.lines[(history.cells.member == cell).any(axis=0)]
    at = lines["month"].astype("int64").to_numpy() - history.cells.months[0].ordinal
    return lines.assign(at=at, denied=(lines["category"] == history.cells.categories[kind]).astype("int64"), line=1)


def _has_finer(cells: Cells, cell: int, raised: np.ndarray) -> bool:
    """Whether one of the finer cells inside this cell is raised."""
    inside = {cell}
    for finer, parents in enumerate(cells.table["parents"]):
        if inside & set(parents):
            inside.add(finer)
    return any(raised[finer] for finer in inside - {cell})


def _claims_of(history: DenialHistory, cell: int, start: int, last: int) -> np.ndarray:
    """Every line of the claims that have a line in the cell in these months."""
    lines = history.lines
    inside = (history.cells.member == cell).any(axis=0) & _within(history, start, last)
    return np.flatnonzero(lines["claim_id"].isin(lines.loc[inside, "claim_id"]) & _within(history, start, last))


def _within(history: DenialHistory, start: int, last: int) -> np.ndarray:
    months = history.lines["month"].astype("int64").to_numpy() - history.cells.months[0].ordinal
    return (months >= start) & (months <= last)


def _onset(history: DenialHistory, kind: int, cell: int, start: int, last: int) -> tuple[int, pd.Timestamp]:
    """The first month that counts, and the day of the first denial of the week in which the rate changed."""
    begin = history.cells.months[start].start_time
    inside = (history.cells.member == cell).any(axis=0) & _within(history, max(0, start - USUAL_MONTHS), last)
    lines = history.lines[inside]
    lost = (lines["category"] == history.cells.categories[kind]).to_numpy()
    week = lines["received_on"].dt.to_period("W").dt.start_time
    weeks = pd.DataFrame({"week": week, "denied": lost, "total": 1}).groupby("week").sum()
    changed = change_point(weeks["denied"], weeks["total"], significance=1.0)
    if changed is not None and changed.rate_after > changed.rate_before:
        monday = weeks.index[changed.position]
        if abs((monday - begin).days) <= 62:
            begin = monday
    days = lines.loc[lost & (lines["received_on"] >= begin).to_numpy(), "received_on"]
    onset = days.min() if len(days) else begin
    return min(start, pd.Period(onset, "M").ordinal - history.cells.months[0].ordinal), onset


def ended_on(rows: pd.DataFrame, usual: float) -> pd.Timestamp | None:
    """The last denial before a rate that had risen fell back to what is usual; None while it goes on.

    `rows` are the lines since the onset: claim_id, received_on, denied (0 or 1).

    Formula
        gain(k) = logL(weeks before k at their own rate) + logL(weeks from k on at the usual rate) - logL(all weeks at
        their own rate), binomial, of claims; over where the largest gain is 3 or more and the later weeks, and the
        last five of them, lie nearer to the usual rate than to the earlier one
    """
    from scipy import special

    claims = rows.groupby("claim_id", sort=False).agg(on=("received_on", "min"), denied=("denied", "max"))
    weeks = claims.assign(week=claims["on"].dt.to_period("W"), of=1).groupby("week")[["denied", "of"]].sum()
    if len(weeks) < 2:
        return None
    denied, of = weeks["denied"].to_numpy(float).cumsum(), weeks["of"].to_numpy(float).cumsum()
    lost, total = denied[-1] - denied[:-1], of[-1] - of[:-1]
    rate = denied[:-1] / of[:-1]
    expected = min(max(usual, 0.5 / of[-1]), 1 - 1e-9)
    later = special.xlogy(lost, expected) + special.xlogy(total - lost, 1 - expected)
    gain = _own_rate(denied[:-1], of[:-1]) + later - _own_rate(denied[-1:], of[-1:])
    fell = np.divide(lost, total, out=np.ones_like(total), where=total > 0) < (expected + rate) / 2
    gain = np.where(fell, gain, -np.inf)
    best = int(gain.argmax())
    back = max(best, len(weeks) - 1 - WEEKS_AT_END)
    again = (denied[-1] - denied[back]) / max(1.0, of[-1] - of[back])
    if gain[best] < CLEARLY_OVER or again >= (expected + rate[best]) / 2:
        return None
    before = claims[(claims["on"] <= weeks.index[best].end_time) & (claims["denied"] > 0)]
    return before["on"].max()


def _own_rate(count: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The binomial log likelihood of counts at their own rate."""
    from scipy import special

    return special.xlogy(count, count / total) + special.xlogy(total - count, 1 - count / total)


def _rates_around(
    history: DenialHistory, kind: int, cell: int, onset: pd.Timestamp, ended: pd.Timestamp
) -> dict[str, float]:
    """The cell's own rate before its first month, and its rate from the onset to the end, in lines."""
    rows = _marked_lines(history, kind, cell)
    before = rows[rows["month"] < pd.Period(onset, "M")]
    since = rows[(rows["received_on"] >= onset) & (rows["received_on"] <= ended)]
    return {"observed_rate": before["denied"].mean(), "rate_since_onset": since["denied"].mean()}


def _finding(
    history: DenialHistory, cells: Cells, kind: int, cell: int, months: tuple[int, int], usual: float
) -> dict[str, Any]:
    start, last = months
    span = slice(start, last + 1)
    claims, lines, cents = (array[cell, span].sum() for array in (cells.claims, cells.lines, cells.cents))
    denied_claims, denied, lost = (
        array[kind, cell, span].sum() for array in (cells.denied_claims, cells.denied_lines, cells.denied_cents)
    )
    name = cells.table.iloc[cell]
    category = cells.categories[kind]
    rows = history.lines[(history.cells.member == cell).any(axis=0) & _within(history, start, last)]
    rows = rows[rows["category"] == category]
    by_contract = rows.loc[rows["basis"] == "contract", "expected_cents"].sum()
    return {
        "client": history.client,
        "level": name["level"],
        "payer": name["payer"] or "",
        "category": category,
        "procedures": name["procedure"] or name["family"] or "",
        "codes": tuple(sorted(rows["procedure"].dropna().unique())) if name["procedure"] or name["family"] else (),
        "provider": name["provider"] or "",
        "location": name["location"] or "",
        "first_month": str(history.cells.months[start]),
        "last_month": str(history.cells.months[last]),
        "claims": int(claims),
        "denied_claims": int(denied_claims),
        "lines": int(lines),
        "denied": int(denied),
        "expected": usual * lines,
        "excess": denied - usual * lines,
        "usual_rate": usual,
        "rate": denied / lines,
        "denied_cents": int(lost),
        "excess_cents": int(lost - usual * cents),
        "contract_share": by_contract / rows["expected_cents"].sum() if rows["expected_cents"].sum() > 0 else np.nan,
    }


def evidence(tables: Mapping[str, Any], finding: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The denied lines behind one finding, the oldest first.

    `finding` is a row of `systemic_denials` (`found.iloc[0]`, or the same as a dict).

    Counts
        Lines of the finding's scope and category first decided in its months; claims that an earlier
        finding of the same category explains are among them.
    Unit
        cents; `expected_cents` is the amount that the line would have brought
    Date basis
        received_on of the remittance
    """
    lines = expected_lines(tables, as_of=as_of)
    rows = lines[in_scope(lines, finding) & (lines["category"] == finding["category"])]
    names = [
        "claim_id",
        "line_number",
        "payer",
        "procedure",
        "carc",
        "received_on",
        "charge_cents",
        "expected_cents",
        "status",
    ]
    return rows[names].reset_index(drop=True)


def in_scope(lines: pd.DataFrame, finding: Mapping[str, Any]) -> pd.Series:
    """Which of the lines (of `with_families`) lie in the scope and the months of the finding, denied or not."""
    held = (lines["month"].astype(str) >= finding["first_month"]) & (
        lines["month"].astype(str) <= finding["last_month"]
    )
    return held & of_cell(lines, finding)


def of_cell(lines: pd.DataFrame, finding: Mapping[str, Any]) -> pd.Series:
    """Which of the lines lie in the scope of the finding, in any month."""
    held = pd.Series(True, index=lines.index)
    for name in ("payer", "provider", "location"):
        if finding[name]:
            held &= lines[name] == finding[name]
    if finding["procedures"]:
        by_code = finding["level"] in (LEVELS["procedure",], LEVELS["payer", "procedure"])
        held &= lines["procedure" if by_code else "family"] == finding["procedures"]
    return held


def denial_rates(
    tables: Mapping[str, Any], finding: Mapping[str, Any], *, as_of: dt.date, by: str = "month"
) -> pd.DataFrame:
    """The denial rate of a finding's scope and category by month (or week), with the limits that were usual before it.

    Formula
        rate = denied lines / lines first decided; limits of Laney's p' chart of the periods before the onset's,
        of the mean volume of these
    Columns
        month (or week: its Monday), lines, denied, rate, centre, lower, upper, is_signal
    Date basis
        received_on of the remittance
    Unit
        lines; rates 0 to 1
    Empty
        A period without lines is missing; without periods before the onset the limits are empty.
    """
    if by not in ("month", "week"):
        raise ParameterError(f"`by` should be month or week; found {by!r}.")
    lines = expected_lines(tables, as_of=as_of)
    rows = lines[of_cell(lines, finding)]
    period = rows["received_on"].dt.to_period("M" if by == "month" else "W").dt.start_time.rename(by)
    lost = (rows["category"] == finding["category"]).astype("int64")
    found = pd.DataFrame({by: period, "lines": 1, "denied": lost}).groupby(by, as_index=False).sum()
    onset = pd.Timestamp(finding["onset_on"]).to_period("M" if by == "month" else "W").start_time
    before = found[found[by] < onset]
    chart = laney_chart(before["denied"], before["lines"])
    limits = {name: chart[name].mean() for name in ("centre", "lower", "upper")}
    rate = found["denied"] / found["lines"]
    return found.assign(rate=rate, **limits, is_signal=rate > limits["upper"])
