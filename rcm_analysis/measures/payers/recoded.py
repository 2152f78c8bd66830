"""Lines that a payer decided under another code, or with fewer units, than were billed: what that costs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from scipy import stats

from ...ledger.adjudications import COST_SHARE, adjustment_lines
from ...ledger.postings import with_groups
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import NO_VALUE, collect
from ..menu import measure
from .contract import PLAIN_DISCOUNTS, expected_allowed
from .prices import with_deadlines

col = nw.col

WORDS = ("client", "claim_id", "payer", "procedure", "decided_procedure", "change", "change_basis", "basis", "method")
DATES = ("service_on", "received_on")
NUMBERS = ("line_number", "charge_cents", "allowed_cents", "expected_cents", "denied_cents", "highest_cents")
UNITS = ("units", "decided_units")
FEWEST_LINES = 30


@measure("Recoded and cut lines, one by one", value="lost_cents", good="down")
def recoded_lines(
    tables: Mapping[str, Any], *, as_of: dt.date, since: dt.date | None = None, by: Sequence[str] = ("provider",)
) -> pd.DataFrame:
    """Every line that a primary payer decided under another code or with fewer units, and what is missing by that.

    Formula
        lost_cents = expected_cents of the code and the units billed - the most that the payer allowed, if above 0
        appeal_by = received_on + the payer's appeal limit in force on that day
    Counts
        The latest decision on each line where SVC01 differs from SVC06 or SVC05 from SVC07 (change_basis stated), or,
        where the payer says nothing, from the line of the 837 with the same number, charge and day (inferred). A code
        that stands for an unreadable one (99199, D9999, 0949), another modifier, a code that is worth no less, and
        several codes bundled into one are none. The expected amount is the contract's, else what the payer usually
        allows for the code billed (`contract.expected_allowed`), never the charge. What was allowed at first and
        taken back later is missing by the takeback (`takebacks`) and not here; a line with too little for its new
        code, too, misses the whole here and is no underpaid line. `reason` has the payer's codes beside the discount.
        denied_cents: what of the charge stands among the denied dollars as well, as a cut of units often does.
    Date basis
        received_on of the latest decision, up to `as_of`; price of the day of service
    Unit
        cents; lost_cents is 0 where no price is known (basis is empty)
    Empty
        No such line: no rows. Without a rule of the payer appeal_by is empty.
    Source
        X12 RFI 2320, 2375, 366 (SVC06); American Academy of Family Physicians, on payers' programmes that lower the
        level of a visit

    >>> from rcm_analysis.examples.contract import example_recodes
    >>> found = recoded_lines(example_recodes(), as_of=dt.date(2026, 6, 30))
    >>> found[["procedure", "decided_procedure", "expected_cents", "allowed_cents", "lost_cents", "reason"]].head(1)
      procedure decided_procedure  expected_cents  allowed_cents  lost_cents reason
    0     99214             99213           14000          10000        4000    N22
    """
    rows = expected_allowed(tables, as_of=as_of).filter(col("excluded") == "recoded")
    if since is not None:
        rows = rows.filter(col("received_on") >= since)
    groups = [name for name in by if name not in (*WORDS, *DATES, "reason")]
    rows = with_groups(rows, tables, groups, month_on="received_on")
    cents = [col(name).cast(nw.Int64) for name in UNITS]
    words = [*WORDS, "unit", *groups]
    out = collect(rows.select(*words, *DATES, *NUMBERS, *cents), words, dates=DATES)
    lost = (out["expected_cents"] - out[["allowed_cents", "highest_cents"]].max(axis=1)).clip(lower=0)
    out = out.assign(lost_cents=lost, reason=_reasons(tables, as_of, out))
    out = out[(out["lost_cents"] > 0) | (out["basis"] == "")].drop(columns=["unit", "highest_cents"])
    return with_deadlines(out.reset_index(drop=True), tables, as_of=as_of)


@measure("Dollars lost to recodes and cuts of units", value="lost_cents", good="down", is_additive=True)
def recodes(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("payer", "procedure", "decided_procedure")
) -> pd.DataFrame:
    """What payers did not allow in the period because they decided another code or fewer units than were billed.

    Formula
        lost_cents = sum of lost_cents of `recoded_lines`
        disputable_cents = what of it can still be appealed at the period's end; appeal_by = its first appeal deadline
    Counts
        Lines whose latest decision was received in the period; claims of them; unpriced_lines are those for which
        neither a contract nor the payer's habit gives a price, and which lost_cents therefore leaves out.
        `by` may hold columns of the line (payer, procedure, decided_procedure, change, change_basis, reason), `month`,
        and columns of its claim (provider, location).
    Date basis
        received_on of the latest decision known at the period's end
    Unit
        cents
    Empty
        No such line: zeros without `by`, no row with it.
    Source
        as `recoded_lines`

    >>> from rcm_analysis.examples.contract import example_recodes
    >>> year = Period.month("2026-06").trailing(12)
    >>> recodes(example_recodes(), period=year)[["payer", "procedure", "decided_procedure", "claims", "lost_cents"]]
      payer procedure decided_procedure  claims  lost_cents
    0     p     99214             99213      12       48000
    """
    by = list(by)
    lines = recoded_lines(tables, as_of=period.last_day, since=period.first_day, by=by)
    lines = lines.assign(
        all_rows="all",
        claim=lines["client"] + "\t" + lines["claim_id"],
        unpriced=(lines["basis"] == "").astype("int64"),
        disputable=lines["lost_cents"].where(lines["is_appealable"], 0),
        open_by=lines["appeal_by"].where(lines["is_appealable"]),
    )
    found = lines.groupby(by or ["all_rows"]).agg(
        lines=("claim", "size"),
        claims=("claim", "nunique"),
        unpriced_lines=("unpriced", "sum"),
        lost_cents=("lost_cents", "sum"),
        disputable_cents=("disputable", "sum"),
        appeal_by=("open_by", "min"),
    )
    if by or len(found):
        return found.reset_index(drop=not by)
    return pd.DataFrame({name: [0] for name in found.columns[:-1]}).assign(appeal_by=pd.NaT)


@measure("Doctors whose codes are lowered more often than others'", value="ratio", unit="count", good="down")
def recodes_by_doctor(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Doctors of whom payers lower codes or units more often than of their peers with the same payers and codes.

    Formula
        expected = sum over the doctor's lines of the share of the other doctors' lines of the same payer and billed
        code that are recoded or cut; ratio = recoded_lines / expected
        p_value = chance of so many or more at the others' rates (exact, each line by its own rate); q_value: the same
        after Benjamini-Hochberg over the doctors
    Counts
        Lines whose latest decision was received in the period, recoded or cut (`recoded_lines`) or decided as billed;
        those of a payer and code that no other doctor has are left out. Doctors with 30 lines and one expected cut.
        The diagnosis is not in the mix: a doctor may have sicker patients, or simpler ones.
    Date basis
        received_on of the latest decision known at the period's end
    Unit
        lines; expected need not be whole; p_value and q_value from 0 to 1
    Empty
        No doctor can be compared: no row.
    Source
        indirect standardisation, leaving the doctor out; exact Poisson-binomial tail; Benjamini and Hochberg 1995

    >>> from rcm_analysis.examples.contract import example_recodes
    >>> recodes_by_doctor(example_recodes(), period=Period.month("2026-06").trailing(12)).empty
    True
    """
    rows = expected_allowed(tables, as_of=period.last_day).filter(
        period.holds(col("received_on")), col("excluded").is_in(["", "recoded"])
    )
    cut = nw.when(col("excluded") == "recoded").then(1).otherwise(0)
    rows = with_groups(rows, tables, ["provider"], month_on="received_on").with_columns(cut=cut, lines=nw.lit(1))
    keys = ["client", "provider", "payer", "procedure"]
    cells = collect(rows.group_by(*keys).agg(col("lines").sum(), col("cut").sum()), keys)
    cells = cells[cells["provider"] != NO_VALUE]
    sums = cells.groupby(["client", "payer", "procedure"])[["lines", "cut"]].transform("sum") - cells[["lines", "cut"]]
    cells = cells.assign(rate=quotient(sums["cut"], sums["lines"])).dropna(subset=["rate"])
    found = [
        (client, doctor, own["lines"].sum(), own["cut"].sum(), (own["lines"] * own["rate"]).sum(), _tail(own))
        for (client, doctor), own in cells.groupby(["client", "provider"])
    ]
    names = ["client", "provider", "lines", "recoded_lines", "expected", "p_value"]
    out = pd.DataFrame(found, columns=names)
    out = out.astype({"lines": "int64", "recoded_lines": "int64", "expected": "float64", "p_value": "float64"})
    out = out[(out["lines"] >= FEWEST_LINES) & (out["expected"] >= 1)]
    chances = stats.false_discovery_control(out["p_value"]) if len(out) else out["p_value"]
    out = out.assign(ratio=quotient(out["recoded_lines"], out["expected"]), q_value=chances)
    return out.sort_values(["p_value", "provider"], ignore_index=True)


def _tail(own: pd.DataFrame) -> float:
    """The chance of as many cuts or more where each cell has its own rate: the convolution of its binomials."""
    chances = np.ones(1)
    for lines, rate in zip(own["lines"], own["rate"], strict=True):
        chances = np.convolve(chances, stats.binom.pmf(np.arange(lines + 1), lines, rate))
    return float(min(1.0, chances[int(own["cut"].sum()) :].sum()))


def _reasons(tables: Mapping[str, Any], as_of: dt.date, lines: pd.DataFrame) -> pd.Series:
    """The payer's own codes on each line, beside the discount and the patient's share: adjustments, then remarks."""
    units = sorted(set(lines["unit"]))
    names = ["client", "unit", "carc", "remark_codes"]
    told = adjustment_lines(tables, as_of=as_of).filter(col("unit").is_in(units)).select(names)
    said: dict[tuple[str, str], dict[str, None]] = {}
    found = collect(told.with_columns(col("remark_codes").fill_null("")), names)
    for client, unit, carc, remarks in found.itertuples(index=False):
        codes = [] if carc in (*PLAIN_DISCOUNTS, *COST_SHARE) else [carc]
        said.setdefault((client, unit), {}).update(dict.fromkeys([*codes, *remarks.split()]))
    each = [" ".join(said.get(key, {})) for key in zip(lines["client"], lines["unit"], strict=True)]
    return pd.Series(each, index=lines.index, dtype="str")
