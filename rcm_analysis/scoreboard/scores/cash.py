"""Cash: what came in, which share of what could be collected that is, what should have come, and what will."""

from __future__ import annotations

import polars as pl

from ...measures.collections.rates import cash, gross_collection_rate_posted, net_collection_rate_posted
from ...measures.payers.due import cash_due
from ...models.cash.next_months import backtest
from ...models.cash.payment_lag import claim_ends, incidence_by
from ...models.statistics.estimators import share_by
from ...periods import Period
from ..case import Case
from ..record import COVERAGE, OF_NAIVE, Tally
from ..scoring import projected

SETTLED_MONTHS = 6
"""A month is settled when its claims had half a year to be paid: only settled months are compared."""
HISTORY_MONTHS = 9
"""`cash_due` learns from the months before: the first ones have nothing to learn from."""
PAID_DAYS = 150
AHEAD = 3
KEY = ["claim_id"]
SEASON = ["payer", "quarter"]
"""Fewer claims are paid early in a year, when deductibles begin anew: what a quarter brings is learned from its
like."""


def collected(case: Case) -> list[Tally]:
    """Cash and its rates of each month, against the simulated ledger."""
    cash_wrong, gross_wrong, net_wrong = 0, [], []
    truth = {row["month"]: row for row in case.sums["months"]}
    for month in case.period.months():
        true = truth[month.label]
        came = true["payments_cents"] - true["refunds_cents"] - true["takebacks_cents"]
        found = cash(case.known, period=month).iloc[0]
        cash_wrong += abs(int(found["cash_cents"] - found["provider_level_cents"]) - came)
        gross_wrong += _gap(gross_collection_rate_posted(case.known, period=month), came, true["charges_cents"])
        if "contractual_cents" in true:
            discount = true["contractual_cents"] - case.planted_cents(month, "denials_as_contractual")
            net_wrong += _gap(
                net_collection_rate_posted(case.known, period=month), came, true["charges_cents"] - discount
            )
    return [
        Tally("cash collected", "difference from truth", cash_wrong),
        Tally("gross collection rate", "error", sum(gross_wrong), len(gross_wrong)),
        Tally("net collection rate", "error", sum(net_wrong), len(net_wrong)),
    ]


def _gap(measured, came: int, base: int) -> list[float]:
    """How far the measured rate is from came / base; nothing where there is no base."""
    return [abs(float(measured.iloc[0, -1]) - came / base)] if base > 0 else []


def due(case: Case) -> list[Tally]:
    """`cash_due` on the month's last day against what the same claims turned out to be worth.

    Compared are the months that are settled by now, and in them the claims that insurers settled without
    giving anything up and that no planted problem touched: their worth is the charge less the contractual
    adjustments posted by the last day. (What a denied claim would have brought is known to nobody.)
    """
    worth = _worth(case)
    pairs = []
    for month, tables in list(case.months_known())[HISTORY_MONTHS:-SETTLED_MONTHS]:
        said = pl.from_pandas(cash_due(tables, period=month, by=KEY)[[*KEY, "cash_due_cents"]])
        both = said.join(worth, on="claim_id", how="inner")
        if both.height:
            pairs.append((int(both["cash_due_cents"].sum()), int(both["worth_cents"].sum())))
    return projected("cash due", pairs) if pairs else []


def _worth(case: Case) -> pl.DataFrame:
    """claim_id, worth_cents of the claims that their insurers settled under the contract."""
    problems = case.truth.plants.filter("is_problem").select("plant")
    touched = (
        case.truth.rows.filter(pl.col("client") == case.client)
        .join(problems, on="plant", how="semi")
        .select("claim_id")
        .unique()
    )
    kind, cents = pl.col("kind"), pl.col("amount_cents")
    moved = (
        case.known["transactions"]
        .filter(pl.col("claim_id").is_not_null())
        .group_by("claim_id")
        .agg(
            worth_cents=cents.filter(kind.is_in(["charge", "contractual"])).sum(),
            insured_cents=-cents.filter(kind.is_in(["payment", "takeback"]) & (pl.col("party") != "patient")).sum(),
            open_cents=cents.filter(pl.col("party") != "patient").sum(),
            given_up=((kind == "write_off") & (pl.col("party") != "patient")).sum(),
        )
        .collect()
    )
    settled = moved.filter(pl.col("insured_cents") > 0, pl.col("open_cents") == 0, pl.col("given_up") == 0)
    return settled.join(touched, on="claim_id", how="anti").select("claim_id", "worth_cents")


def lags(case: Case) -> list[Tally]:
    """`payment_lag` half a year before the end: the share of the last three months' bills that will be paid in time.

    Learned by payer and quarter of the year: without the quarter, bills of spring are promised the payments of autumn.
    """
    if len(case.period.months()) < HISTORY_MONTHS + SETTLED_MONTHS:
        return []
    then = Period.of(case.period.last_day).shift(-SETTLED_MONTHS)
    quarter = then.trailing(3)
    known_then = claim_ends(case.known_on(then.last_day), as_of=then.last_day, by=SEASON)
    usual = dict(iter(incidence_by(known_then).groupby("payer")))
    curves = dict(iter(incidence_by(known_then, by=SEASON).groupby(SEASON)))
    known_now = claim_ends(case.known, as_of=case.period.last_day, by=SEASON)
    billed = known_now[quarter.holds(known_now["start_on"].dt.date) & known_now["payer"].isin(list(usual))]
    # A payer that was not seen in this quarter of a year before has its curve of all year.
    said = sum(
        len(claims) * share_by(curves.get(key, usual[key[0]]), PAID_DAYS) for key, claims in billed.groupby(SEASON)
    )
    came = int(((billed["end"] == "paid") & (billed["days"] <= PAID_DAYS)).sum())
    name = "of the share paid within 150 days"
    return projected("payment lag", [(said, came)], error=f"error {name}", bias=f"bias {name}") if came else []


def outlook(case: Case) -> list[Tally]:
    """`cash_outlook.backtest`: the outlooks of the last twelve months' ends against the cash that came."""
    name, months = "cash outlook", AHEAD
    rows = backtest(case.known, as_of=case.period.last_day, horizon=months).rows
    if rows.empty:
        return []
    third = rows[(rows["ahead"] == months) & rows["by_bucket_cents"].notna()]
    actual = third["actual_cents"]
    came, missed = float(actual.sum()), _missed(third["forecast_cents"], actual)
    rivals = tuple(_missed(third[column], actual) for column in ("last_three_cents", "by_bucket_cents"))
    return [
        Tally(name, OF_NAIVE, missed, rivals),
        Tally(name, "WAPE at three months, of chance alone", missed, float(third["chance_cents"].sum())),
        Tally(name, "WAPE at three months", missed, came),
        Tally(name, "bias at three months", float((third["forecast_cents"] - actual).sum()), came),
        *(
            Tally(name, f"{COVERAGE}{ahead}", int(part["inside"].sum()), len(part))
            for ahead, part in rows.groupby("ahead")
        ),
    ]


def _missed(said, actual) -> float:
    return float((said.astype(float) - actual).abs().sum())


SCORERS = (collected, due, lags, outlook)
