"""How much should have come in: collectable charges whose payer's usual time to answer ended in a period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.adjudications import DENIED, net_positions
from ...ledger.postings import CASH_KINDS, cohort_sums, filled, split_by_kind, with_claim_columns
from ...ledger.ratios import adding_up, half_up, quotient
from ...periods import Period
from ...tables.frames import collect, days_before, kept, source
from ...tables.schema import CLAIMS
from ..collections.lags import COHORT_DAYS, days_to_pay, first_answers, first_bills
from ..menu import measure
from .contract import lesser_of_charge, with_contract_price

HISTORY_MONTHS = 12
FEWEST_CLAIMS = 10
"""A payer with fewer mature claims than this is given the figures of all the client's payers."""

KEY = list(CLAIMS.key)
LINE = [*KEY, "line_number"]
CENTS = (
    *("charge_cents", "contract_cents", "estimated_cents", "unknown_cents", "cash_due_cents"),
    *("collected_cents", "patient_cents", "gap_cents", "waiting_cents", "late_cents"),
    *("refused_cents", "short_cents", "otherwise_cents"),
)
COUNTED = ("charge_cents", "contract_cents", "unpriced_cents", "collected_cents", "patient_cents")
GAPS = {
    "waiting_cents": ("waiting", "late"),
    "late_cents": ("late",),
    "refused_cents": ("refused",),
    "short_cents": ("short",),
    "otherwise_cents": ("otherwise",),
}
"""The parts of the gap, and how the claims of each stand on the last day."""


@measure("Cash due on claims that fell due", value="cash_due_cents", is_additive=True)
def cash_due(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """What should have come in by the end of the period on the claims that fell due in it.

    Formula
        a claim falls due on its first bill + its payer's usual days to pay
        cash_due_cents = contract_cents + estimated_cents
        contract_cents = sum over lines of min(fee schedule x units, charge), for claims with a price in
        force for every line; estimated_cents = other charges x the payer's allowed share
        gap_cents = cash_due_cents - collected_cents - patient_cents
                  = waiting_cents + refused_cents + short_cents + otherwise_cents
    Counts
        Claims billed to a primary payer that fell due in the period. Usual days to pay: median of
        `lags.days_to_pay` over the twelve months before the period, as known on the day before it.
        It is a median: up to half of the claims take longer, and what falls due late in the period is
        partly still waiting at its end. Allowed share: (charges - approved contractual) / charges of the
        claims of those twelve months that were paid and are at least 120 days old. Both by client and
        payer; a payer with fewer than 10 such claims gets the client's figure. collected_cents: all cash
        on these claims by the last day. patient_cents: what is still open with the patient on them, which
        no payer owes. The gap is told apart by how the claim stands with its primary payer on the last day:
        waiting, not answered (late_cents, a part of it: and older than the day by which the payer answers
        90 % of its claims, or 90 days where it never answers so many); refused, its standing answer denies it
        or a part; short, paid less than the contract; otherwise, every other answered claim: paid
        as agreed or more, priced by an estimate, or neither paid nor refused. Only that part may be negative
        by rule: more came than was reckoned. Without the table remit_adjustments nothing is known to be refused.
        Charges that have neither price nor history are in unknown_cents and not due. Self-pay
        claims are never billed and so never due. `by` may hold columns of claims.
    Date basis
        first submission date for what falls due; posting date up to the last day for what came
    Unit
        cents; claims is a count. The estimate is rounded per client, payer and group, answered or not
    Empty
        Without answers in the twelve months before nothing can fall due: zeros without `by`, else no row.
    Source
        our own

    >>> from rcm_analysis.examples.cash import example_monthly_claims
    >>> found = cash_due(example_monthly_claims(), period=Period.month("2026-06"))
    >>> found[["claims", "charge_cents", "cash_due_cents", "collected_cents", "gap_cents"]]
       claims  charge_cents  cash_due_cents  collected_cents  gap_cents
    0       1         10000            6000             4000       2000
    """
    by = list(by)
    keys = list(dict.fromkeys(["client", "payer", *by]))
    due = _standing(tables, period, keys)
    if due is None:
        return _total(pd.DataFrame(columns=[*keys, "claims", *CENTS]).astype({"claims": "int64"}), by)
    added = due.group_by(*keys, "state").agg(nw.len().alias("claims"), *[nw.col(name).sum() for name in COUNTED])
    rows = _with_share(collect(added, [*keys, "state"]), _allowed_share(tables, period))
    return _total(_told_apart(rows, _estimate(rows)), by)


@kept
def claims_due(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """The claims behind `cash_due`: what each was due and what became of it, adding up to it to the cent.

    Formula
        every column of cents, summed over the claims = that column of `cash_due`, in total and by payer
        the estimate of a payer's claims that stand alike, in whole cents, is split among them by
        `ratios.adding_up`
    Shape
        client, claim_id, payer, the columns of claims in `by`, state (waiting, late, refused, short, otherwise), and
        the cents of `cash_due`; one row per claim
    Unit
        cents
    Empty
        Nothing fell due: no row.

    >>> from rcm_analysis.examples.cash import example_monthly_claims
    >>> found = claims_due(example_monthly_claims(), period=Period.month("2026-06"))
    >>> found[["claim_id", "state", "cash_due_cents", "collected_cents", "gap_cents"]]
      claim_id      state  cash_due_cents  collected_cents  gap_cents
    0       12  otherwise            6000             4000       2000
    """
    keys = [*KEY, *dict.fromkeys(["payer", *by])]
    due = _standing(tables, period, keys)
    if due is None:
        return pd.DataFrame(columns=[*keys, "state", *CENTS])
    rows = collect(due.select(*keys, "state", *COUNTED), [*keys, "state"])
    rows = _with_share(rows, _allowed_share(tables, period))
    groups = rows.groupby(["client", "payer", "state"])
    whole = _estimate(rows.assign(unpriced_cents=groups["unpriced_cents"].transform("sum")))
    cents = adding_up(rows["unpriced_cents"] * rows["share"], groups.ngroup(), whole)
    return _told_apart(rows, cents)[[*keys, "state", *CENTS]]


def _standing(tables: Mapping[str, Any], period: Period, columns: Sequence[str]) -> nw.LazyFrame | None:
    """The claims that fell due with their cents and state, one row each; None where nothing can fall due."""
    usual, overall = _usual_days(tables, period)
    if overall.empty:
        return None
    wanted = [name for name in columns if name not in KEY]
    due = _claims_due(tables, period, _falls_due(usual, overall, period), wanted)
    due = _with_money(_with_contract(due, tables), tables, period)
    return _with_state(due, tables, _is_late(usual, overall, period), period)


def _history(period: Period) -> tuple[Period, dt.date]:
    before = Period(Period.of(period.first_day).shift(-HISTORY_MONTHS).first_day, period.first_day)
    return before, before.last_day


def _usual_days(tables: Mapping[str, Any], period: Period) -> tuple[pd.DataFrame, pd.DataFrame]:
    """client, payer, median_days, p90_days where known well enough; and client and the days over all payers."""
    before, as_of = _history(period)
    answered = {
        name: days_to_pay(tables, period=before, as_of=as_of, by=keys).dropna(subset=["median_days"])
        for name, keys in {"usual": ["client", "payer"], "overall": ["client"]}.items()
    }
    usual = answered["usual"]
    return usual[usual["claims"] >= FEWEST_CLAIMS], answered["overall"]


def _falls_due(usual: pd.DataFrame, overall: pd.DataFrame, period: Period) -> nw.Expr:
    """Comparisons of the first bill with the period shifted back by each payer's usual days."""

    def in_window(days: float) -> nw.Expr:
        start, end = days_before(period.first_day, int(days)), days_before(period.end, int(days))
        return Period(start, end).holds(nw.col("billed_on"))

    return _by_days(usual, overall, "median_days", in_window)


def _is_late(usual: pd.DataFrame, overall: pd.DataFrame, period: Period) -> nw.Expr:
    """True where the first bill is older than the day by which the payer answers nine of ten claims."""

    def is_older(days: float) -> nw.Expr:
        return nw.col("billed_on") < days_before(period.last_day, int(days))

    known, whole = (frame.fillna({"p90_days": COHORT_DAYS}) for frame in (usual, overall))
    return _by_days(known, whole, "p90_days", is_older)


def _by_days(usual: pd.DataFrame, overall: pd.DataFrame, column: str, holds: Callable[[float], nw.Expr]) -> nw.Expr:
    """What holds for a claim, by the days of its payer, or of its client where the payer's are not known."""
    found = nw.lit(False)
    for client, days in zip(overall["client"], overall[column], strict=True):
        is_client, rest = nw.col("client") == client, holds(days)
        own = usual[usual["client"] == client]
        for usual_days, payers in own.groupby(column)["payer"]:
            found = found | (is_client & nw.col("payer").is_in(payers.tolist()) & holds(usual_days))
        if len(own):
            rest = rest & ~nw.col("payer").is_in(own["payer"].tolist())
        found = found | (is_client & rest)
    return found


def _claims_due(tables: Mapping[str, Any], period: Period, due: nw.Expr, columns: list[str]) -> nw.LazyFrame:
    billed = first_bills(tables, primary=True).filter(nw.col("billed_on") < period.end)
    wanted = list(dict.fromkeys(["payer", "charge_cents", "service_on", *columns]))
    claims = with_claim_columns(billed, tables, wanted).filter(~nw.col("charge_cents").is_null())
    return filled(claims, columns).filter(due)


def _with_contract(due: nw.LazyFrame, tables: Mapping[str, Any]) -> nw.LazyFrame:
    """The claims with contract_cents where every line has a price, else their charge as unpriced_cents."""
    if not {"claim_lines", "fee_schedules"} <= set(tables):
        return due.with_columns(nw.col("charge_cents").alias("unpriced_cents"), contract_cents=nw.lit(0))
    priced = _priced_lines(due, tables)
    per_claim = priced.group_by(*KEY).agg(
        nw.len().alias("lines"), nw.col("is_priced").sum(), nw.col("line_cents").sum()
    )
    rows = due.join(per_claim, on=KEY, how="left")
    is_priced = (nw.col("lines") == nw.col("is_priced")).fill_null(False)
    return rows.with_columns(
        contract_cents=nw.when(is_priced).then(nw.col("line_cents")).otherwise(0),
        unpriced_cents=nw.when(is_priced).then(0).otherwise(nw.col("charge_cents")),
    )


def _priced_lines(due: nw.LazyFrame, tables: Mapping[str, Any]) -> nw.LazyFrame:
    """client, claim_id, line_number, is_priced (0 or 1), line_cents: the lesser of price and charge."""
    columns = [*LINE, "procedure", "modifiers", "units", "service_on", "charge_cents"]
    lines = source(tables, "claim_lines", columns).join(due.select([*KEY, "payer"]), on=KEY)
    lines = lines.with_columns(nw.col("modifiers").fill_null(""), nw.col("units").fill_null(1.0))
    out = with_contract_price(lines, tables, key=LINE).select([*LINE, "charge_cents", "price_cents"])
    is_priced = nw.when(nw.col("price_cents").is_null()).then(0).otherwise(1)
    return out.with_columns(is_priced=is_priced, line_cents=lesser_of_charge(nw.col("price_cents")))


def _with_money(due: nw.LazyFrame, tables: Mapping[str, Any], period: Period) -> nw.LazyFrame:
    """The claims with collected_cents and patient_cents as posted by the last day of the period."""
    rows = source(tables, "transactions", [*KEY, "kind", "party", "amount_cents", "posted_on"])
    rows = rows.filter(nw.col("posted_on") < period.end, ~nw.col("claim_id").is_null())
    parts = {"cash_cents": nw.col("kind").is_in(list(CASH_KINDS)), "owed_cents": nw.col("party") == "patient"}
    moved = split_by_kind(rows, parts).group_by(*KEY).agg(nw.col("cash_cents").sum(), nw.col("owed_cents").sum())
    owed = nw.col("owed_cents").fill_null(0)
    return due.join(moved, on=KEY, how="left").with_columns(
        collected_cents=nw.col("cash_cents").fill_null(0) * -1, patient_cents=nw.when(owed > 0).then(owed).otherwise(0)
    )


def _with_state(due: nw.LazyFrame, tables: Mapping[str, Any], is_late: nw.Expr, period: Period) -> nw.LazyFrame:
    """The claims with `state`: how each stands with its primary payer on the last day."""
    day, col = period.last_day, nw.col
    rows = due.join(first_answers(tables, as_of=day), on=KEY, how="left")
    if "remit_adjustments" in tables:
        standing = net_positions(tables, as_of=day).filter(col("payer_order") == "primary").select(*KEY, "outcome")
        rows = rows.join(standing, on=KEY, how="left")
    else:
        rows = rows.with_columns(outcome=nw.lit("paid"))
    is_short = (col("unpriced_cents") == 0) & (col("contract_cents") > col("collected_cents") + col("patient_cents"))
    state = nw.lit("otherwise")
    for name, holds in reversed(
        [
            ("late", col("answered_on").is_null() & is_late),
            ("waiting", col("answered_on").is_null()),
            ("refused", col("outcome").is_in(list(DENIED))),
            ("short", is_short & (col("outcome") == "paid")),
        ]
    ):
        state = nw.when(holds).then(nw.lit(name)).otherwise(state)
    return rows.with_columns(state=state)


def _allowed_share(tables: Mapping[str, Any], period: Period) -> tuple[pd.DataFrame, pd.DataFrame]:
    """client, payer, share where known well enough; and client, share over all payers."""
    before, as_of = _history(period)
    found = []
    for keys in (["client", "payer"], ["client"]):
        paid = cohort_sums(tables, period=before, as_of=as_of, cohort_days=120, by=keys, paid_only=True)
        paid["share"] = quotient(paid["collectable_cents"], paid["charge_cents"].clip(lower=0))
        found.append(paid.dropna(subset=["share"]))
    payers, clients = found
    return payers[payers["claims"] >= FEWEST_CLAIMS][["client", "payer", "share"]], clients[["client", "share"]]


def _with_share(rows: pd.DataFrame, shares: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    """The rows with the share of the charges that their payer, else their client's payers together, allows."""
    payers, clients = shares
    rows = rows.merge(payers, on=["client", "payer"], how="left").merge(
        clients.rename(columns={"share": "client_share"}), on="client", how="left"
    )
    return rows.assign(share=rows["share"].fillna(rows["client_share"]))


def _estimate(rows: pd.DataFrame) -> pd.Series:
    return half_up(rows["unpriced_cents"] * rows["share"]).fillna(0).astype("int64")


def _told_apart(rows: pd.DataFrame, estimated_cents: pd.Series) -> pd.DataFrame:
    """The rows with what was due of them, and what of it did not come by the state they are in."""
    rows["estimated_cents"] = estimated_cents
    rows["unknown_cents"] = rows["unpriced_cents"].where(rows["share"].isna(), 0)
    rows["cash_due_cents"] = rows["contract_cents"] + rows["estimated_cents"]
    rows["gap_cents"] = rows["cash_due_cents"] - rows["collected_cents"] - rows["patient_cents"]
    for column, states in GAPS.items():
        rows[column] = rows["gap_cents"].where(rows["state"].isin(states), 0)
    return rows


def _total(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    numbers = ["claims", *CENTS]
    if not by:
        return rows[numbers].sum().astype("int64").to_frame().T
    out = rows.groupby(by, as_index=False)[numbers].sum()
    return out.astype(dict.fromkeys(numbers, "int64")).sort_values(by, ignore_index=True)
