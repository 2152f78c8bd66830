"""How good a payer is to work with: what it yields, how fast, at what effort; and how its contract compares."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.postings import one_if, optional
from ...ledger.ratios import half_up, quotient
from ...periods import Period
from ...tables.frames import collect, source
from ..collections.lags import days_to_pay
from ..collections.rates import cash
from ..denials.rates import initial_denial_rate_claims_remitted
from ..denials.recovery import overturn_rate_claims
from ..menu import measure
from .contract import expected_allowed, hold
from .shortfalls import underpayments

col = nw.col

WHO = ["client", "payer"]
FEWEST_CLAIMS = 30
"""A payer with fewer claims decided in the quarter is flagged, and neither ranked nor compared."""

COST_PER_HOUR_CENTS = 35_00
"""What an hour of work costs us unless told: our own assumption, print it."""

SHOWN = [
    *WHO,
    "quarter",
    "claims",
    "is_small",
    "rank",
    "net_yield",
    "expected_cents",
    "allowed_cents",
    "inferred_share",
    "median_days_to_pay",
    "denial_rate",
    "overturn_rate",
    "resolved_appeals",
    "underpaid_cents",
    "underpaid_share",
    "collected_cents",
    "minutes",
    "cost_cents",
    "cost_per_1000_cents",
]
TRENDS = ["net_yield", "median_days_to_pay", "denial_rate", "underpaid_share", "cost_per_1000_cents"]


@measure("Payer scorecard", value="net_yield", unit="rate", good="up")
def payer_scorecard(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    cost_per_hour_cents: int = COST_PER_HOUR_CENTS,
    fewest: int = FEWEST_CLAIMS,
) -> pd.DataFrame:
    """Each payer in the latest complete calendar quarter, ranked by what it yields, beside the quarter before.

    Formula
        net_yield = allowed_cents / expected_cents: of every dollar the contract promises for the lines decided in
        the quarter, how much was allowed (denials and underpayments both lower it). The rank is by it, 1 is best.
        denial_rate    initial denials of the quarter's claims, as `initial_denial_rate_claims_remitted`
        overturn_rate  appeals of the four quarters up to this one, of resolved_appeals
        median_days_to_pay  of claims first billed in the quarter before, all of which had 90 days
        underpaid_cents, underpaid_share  as `underpayments`
        cost_cents = minutes of work on the payer's claims x `cost_per_hour_cents` / 60
        cost_per_1000_cents = cost_cents per $1,000 collected; collected_cents = its payments less takebacks
        each of net_yield, median_days_to_pay, denial_rate, underpaid_share and cost_per_1000_cents also as `_before`
        (the quarter before) and `_change` (this less that), and rank_before
    Counts
        Every quarter as known on its own last day, so that both are equally old. Expected: contract price, else the
        inferred one (inferred_share of the lines); lines with neither are left out of the yield, as are reversed
        ones and lines capitated, priced by another payer or lawfully reduced. Denied lines stay in. A payer with
        fewer than `fewest` claims decided is_small and has no rank. Payers without a decision in the quarter are
        left out. Minutes without an entry count as none.
    Date basis
        received_on of the decision; posting date of cash; worked_on of work
    Unit
        cents; rates 0 to 1; days; minutes
    Empty
        Nothing decided in the quarter: no rows. No price: an empty yield and no rank. No cash: an empty cost per
        $1,000.
    Source
        our own; the figures as in their measures

    >>> from rcm_analysis.examples.contract import example_contract
    >>> found = payer_scorecard(example_contract(), as_of=dt.date(2026, 7, 31), fewest=10)
    >>> found[["payer", "claims", "rank", "net_yield", "underpaid_cents"]]
      payer  claims  rank  net_yield  underpaid_cents
    0     p      12     1   0.966667             4000
    """
    last = latest_quarter(as_of)
    earlier_quarter = Period(last.shift(-3).first_day, last.first_day)
    tables = hold(tables, last.last_day, earlier_quarter.last_day)
    now = _of_quarter(tables, last, cost_per_hour_cents, fewest)
    before = _of_quarter(tables, earlier_quarter, cost_per_hour_cents, fewest)
    earlier = before[[*WHO, "rank", *TRENDS]].rename(columns={name: f"{name}_before" for name in ["rank", *TRENDS]})
    out = now.merge(earlier, on=WHO, how="left")
    out = out.assign(**{f"{name}_change": out[name] - out[f"{name}_before"] for name in TRENDS})
    return out.astype({"rank_before": "Int64"}).sort_values(["client", "rank", "payer"], ignore_index=True)


def latest_quarter(as_of: dt.date) -> Period:
    """The last calendar quarter that was over at the end of `as_of`.

    >>> latest_quarter(dt.date(2026, 9, 30)).first_day, latest_quarter(dt.date(2026, 9, 29)).first_day
    (datetime.date(2026, 7, 1), datetime.date(2026, 4, 1))
    """
    day = as_of + dt.timedelta(days=1)
    start = Period.of(day).shift(-((day.month - 1) % 3))
    return Period(start.shift(-3).first_day, start.first_day)


@measure("Contracts side by side", value="raise_cents")
def contract_evaluation(tables: Mapping[str, Any], *, as_of: dt.date, months: int = 12, top: int = 20) -> pd.DataFrame:
    """What each payer's contract allows for the main procedures, beside what the client's other payers allow.

    Formula
        unit_cents    the payer's price of one unit: the latest contract price used, else the inferred one
        median_cents  the median of unit_cents over the client's payers with volume in the procedure
        others_cents  the same without this payer; ratio = unit_cents / others_cents
        raise_cents   what the payer's units would bring more at median_cents; 0 for a payer at or above it
    Counts
        Lines decided in the last `months` months, without modifiers that change the price, whatever was decided;
        the `top` procedures of the client by expected dollars. Prices of public payers are law, not negotiated:
        choose the payers to talk to.
    Date basis
        received_on of the latest decision, up to `as_of`; price of the latest service
    Unit
        cents; units and payers are counts
    Empty
        No price: no rows. A procedure with one payer: others_cents and ratio are empty, nothing to raise.
    Source
        our own

    >>> from rcm_analysis.examples.contract import example_contract
    >>> found = contract_evaluation(example_contract(), as_of=dt.date(2026, 6, 30))
    >>> found[["payer", "procedure", "units", "unit_cents", "median_cents", "raise_cents"]]
      payer procedure  units  unit_cents  median_cents  raise_cents
    0     p     99213     12       10000         10000            0
    """
    prices = _prices(tables, Period(Period.of(as_of).shift(1 - months).first_day, as_of + dt.timedelta(days=1)), as_of)
    prices = prices[prices.groupby("client")["volume"].rank("dense", ascending=False) <= top].copy()
    same = prices.groupby(["client", "procedure"])["unit_cents"]
    prices["payers"] = same.transform("size").astype("int64")
    prices["median_cents"] = half_up(same.transform("median")).astype("int64")
    prices["others_cents"] = _median_of_others(prices)
    prices["ratio"] = quotient(prices["unit_cents"], prices["others_cents"])
    prices["raise_cents"] = ((prices["median_cents"] - prices["unit_cents"]).clip(lower=0) * prices["units"]).astype(
        "int64"
    )
    columns = [
        *WHO,
        "procedure",
        "units",
        "unit_cents",
        "basis",
        "payers",
        "median_cents",
        "others_cents",
        "ratio",
        "raise_cents",
    ]
    return prices.sort_values(
        ["raise_cents", "volume", *WHO, "procedure"], ascending=[False, False, True, True, True], ignore_index=True
    )[columns]


def _prices(tables: Mapping[str, Any], period: Period, as_of: dt.date) -> pd.DataFrame:
    """client, payer, procedure: units, unit_cents (the latest), basis, and volume (expected dollars of the
    procedure)."""
    rows = expected_allowed(tables, as_of=as_of).filter(
        col("basis") != "",
        period.holds(col("received_on")),
        ~col("excluded").is_in(["recouped", "units", "modifier"]),
        (col("basis") == "inferred") | (col("contract_modifiers") == ""),
    )
    cell = [*WHO, "procedure", "basis", "unit_cents"]
    added = (
        rows.with_columns(units=col("units").cast(nw.Int64))
        .group_by(*cell)
        .agg(col("units").sum(), col("expected_cents").sum(), latest_on=col("service_on").max())
    )
    found = collect(added, [*WHO, "procedure", "basis"], dates=["latest_on"])
    found = found.sort_values([*WHO, "procedure", "latest_on", "units"])
    groups = found.groupby([*WHO, "procedure"], as_index=False)
    out = groups.agg(
        units=("units", "sum"),
        unit_cents=("unit_cents", "last"),
        basis=("basis", "last"),
        expected_cents=("expected_cents", "sum"),
    )
    return out.assign(volume=out.groupby(["client", "procedure"])["expected_cents"].transform("sum"))


def _median_of_others(prices: pd.DataFrame) -> pd.Series:
    found = pd.Series(pd.NA, index=prices.index, dtype="Int64")
    cents = prices["unit_cents"].to_numpy(dtype=float, na_value=np.nan)
    for rows in prices.groupby(["client", "procedure"]).indices.values():
        if len(rows) > 1:
            others = [np.delete(cents[rows], place) for place in range(len(rows))]
            medians = [np.median(known) if len(known := own[~np.isnan(own)]) else np.nan for own in others]
            found.iloc[rows] = half_up(pd.Series(medians)).to_numpy()
    return found


def _of_quarter(tables: Mapping[str, Any], quarter: Period, cost_per_hour_cents: int, fewest: int) -> pd.DataFrame:
    """One row per payer with a decision in the quarter, as known on its last day."""
    as_of = quarter.last_day
    year = Period(quarter.shift(-9).first_day, quarter.end)
    billed = Period(quarter.shift(-3).first_day, quarter.first_day)
    out = _yields(tables, quarter)
    parts = [
        initial_denial_rate_claims_remitted(tables, period=quarter, by=WHO).rename(
            columns={"initial_denial_rate_claims_remitted": "denial_rate"}
        ),
        underpayments(tables, period=quarter, by=WHO).rename(
            columns={"short_cents": "underpaid_cents", "short_share": "underpaid_share"}
        ),
    ]
    wanted = ["denial_rate", "underpaid_cents", "underpaid_share"]
    if optional(tables, "submissions") is not None:
        parts.append(
            days_to_pay(tables, period=billed, as_of=as_of, by=WHO).rename(
                columns={"median_days": "median_days_to_pay"}
            )
        )
    if optional(tables, "work_log") is not None:
        found = overturn_rate_claims(tables, period=year, as_of=as_of, by=WHO)
        parts.append(
            found.rename(columns={"overturn_rate_claims": "overturn_rate", "resolved_claims": "resolved_appeals"})
        )
        parts.append(_minutes(tables, quarter))
    if optional(tables, "transactions") is not None:
        paid = cash(tables, period=quarter, by=WHO)
        parts.append(paid.assign(collected_cents=paid["insurance_cents"] - paid["takebacks_cents"]))
    wanted += ["median_days_to_pay", "overturn_rate", "resolved_appeals", "minutes", "collected_cents"]
    for part in parts:
        out = out.merge(part[[*WHO, *(name for name in wanted if name in part)]], on=WHO, how="left")
    out = out.assign(**{name: float("nan") for name in wanted if name not in out})
    return _ranked(_with_cost(out, cost_per_hour_cents), quarter, fewest)[SHOWN]


def _yields(tables: Mapping[str, Any], quarter: Period) -> pd.DataFrame:
    """Claims decided in the quarter, and what was expected and allowed on their lines."""
    rows = expected_allowed(tables, as_of=quarter.last_day).filter(quarter.holds(col("received_on")))
    kept = (col("basis") != "") & col("excluded").is_in(["", "denied", "zero_allowed"])
    rows = rows.with_columns(
        priced_lines=one_if(kept),
        inferred_lines=one_if(kept & (col("basis") == "inferred")),
        **{name: nw.when(kept).then(col(name)).otherwise(0) for name in ("expected_cents", "allowed_cents")},
    )
    parts = ["priced_lines", "inferred_lines", "expected_cents", "allowed_cents"]
    claims = rows.group_by(*WHO, "claim_id").agg(*[col(name).sum() for name in parts]).with_columns(claims=nw.lit(1))
    out = collect(claims.group_by(*WHO).agg(*[col(name).sum() for name in ("claims", *parts)]), WHO)
    return out.assign(
        net_yield=quotient(out["allowed_cents"], out["expected_cents"]),
        inferred_share=quotient(out["inferred_lines"], out["priced_lines"]),
    )


def _minutes(tables: Mapping[str, Any], quarter: Period) -> pd.DataFrame:
    """Minutes of work in the quarter on claims of each primary payer; hundredths of a minute are added up."""
    claims = source(tables, "claims", ["client", "claim_id", "payer"])
    notes = source(tables, "work_log", ["client", "claim_id", "worked_on", "entered_on", "minutes"])
    notes = notes.filter(quarter.holds(col("worked_on")), col("entered_on") < quarter.end)
    rows = notes.join(claims, on=["client", "claim_id"]).with_columns(
        hundredths=(col("minutes").fill_null(0.0) * 100 + 0.5).floor().cast(nw.Int64)
    )
    out = collect(rows.group_by(*WHO).agg(col("hundredths").sum()), WHO)
    return out.assign(minutes=out["hundredths"] * 0.01)


def _with_cost(rows: pd.DataFrame, cost_per_hour_cents: int) -> pd.DataFrame:
    minutes = rows["minutes"]
    sixty = pd.Series(60, index=rows.index)
    cost = half_up(quotient(minutes * cost_per_hour_cents, sixty))
    per_1000 = half_up(quotient(cost * 1000_00, rows["collected_cents"].clip(lower=0)))
    return rows.assign(cost_cents=cost.astype("Float64"), cost_per_1000_cents=per_1000.astype("Float64"))


def _ranked(rows: pd.DataFrame, quarter: Period, fewest: int) -> pd.DataFrame:
    rows = rows.assign(quarter=f"{quarter.first_day:%Y-%m}", is_small=rows["claims"] < fewest)
    judged = rows["net_yield"].where(~rows["is_small"])
    rank = judged.groupby(rows["client"]).rank("min", ascending=False)
    return rows.assign(rank=rank.astype("Int64"))
