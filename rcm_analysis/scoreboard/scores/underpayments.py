"""Underpayments: payers that allow less than their contract again and again, and lawful rate cuts that are none.

The findings are those that a report at the end of each month would state, from what was known on that day. A finding
that is stated again the month after is one alarm: raised on the first day, with the dollars of its last statement.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from ...measures.payers.contract import expected_allowed
from ...measures.payers.shortfalls import CELL, FEWEST_CLAIMS, TOLERANCE_PERCENT, repeated_underpayments
from ...tables.frames import source
from ..case import Case
from ..record import RECALL_IN_TIME, Tally
from ..scoring import Alarm, alarms_of, sought

NAME = "repeated underpayments"
MONTHS = 2
REMITS = ("remit_claims", "remit_lines", "remit_adjustments")


def underpayments(case: Case) -> list[Tally]:
    """`underpayments.repeated_underpayments`: one alarm a payer and procedure; and no rate cut among them."""
    alarms = stated(case)
    planted = case.problems("underpayment")
    cuts = case.problems("rate_cut")
    tallies = sought(NAME, planted, alarms, case.watch, within_months=MONTHS, recall=RECALL_IN_TIME)
    if cuts:
        wrong = sum(
            any(_names(alarm, cut) for cut in cuts) and not any(_names(alarm, one) for one in planted)
            for alarm in alarms
        )
        tallies.append(Tally(NAME, "rate cuts called underpayments", wrong))
    return tallies


def stated(case: Case) -> list[Alarm]:
    """The findings of every month's end, each once: a new onset is a new alarm only after a month of silence."""
    cells = candidates(case)
    if cells.is_empty():
        return []
    said = []
    for month in case.period.months():
        found = repeated_underpayments(_narrowed(case, month.last_day, cells), as_of=month.last_day)
        said.append(
            (
                month.last_day,
                [
                    ({"payer": row.payer, "procedures": (row.procedure,)}, int(row.short_cents))
                    for row in found.itertuples()
                ],
            )
        )
    return alarms_of(case.client, said, same=("payer", "procedures"), within=1)


def candidates(case: Case) -> pl.DataFrame:
    """Payers and procedures with enough claims that were ever decided low: no others can be found in any month."""
    every = expected_allowed(case.known, as_of=case.period.last_day, every_decision=True).to_native()
    short = pl.col("expected_cents") - pl.col("allowed_cents")
    by_rule = (pl.col("basis") == "contract") | (short * 100 > pl.col("expected_cents") * TOLERANCE_PERCENT)
    low = every.filter(pl.col("excluded") == "", pl.col("basis") != "", short > pl.col("units"), by_rule)
    claims = low.group_by(CELL).agg(claims=pl.col("claim_id").n_unique())
    return claims.filter(pl.col("claims") >= FEWEST_CLAIMS).select(CELL).collect()


def _narrowed(case: Case, day: Any, cells: pl.DataFrame) -> dict[str, Any]:
    """What was known on `day` of the claims with a line of one of the cells: the same findings, much sooner."""
    tables = case.known_on(day)
    payers = source(tables, "remit_claims", ["client", "remit_claim_id", "payer"]).to_native()
    lines = source(tables, "remit_lines", ["client", "claim_id", "remit_claim_id", "procedure"]).to_native()
    claims = (
        lines.join(payers, on=["client", "remit_claim_id"])
        .join(cells.lazy(), on=CELL, how="semi")
        .select("client", "claim_id")
        .unique()
        .collect()
    )
    return tables | {
        name: tables[name].join(claims.lazy(), on=["client", "claim_id"], how="semi")
        for name in (*REMITS, "claim_lines", "claims")
    }


def _names(alarm: Alarm, planted: Any) -> bool:
    """Whether the alarm points to the payer (and a code) of the item, on or after its first day."""
    codes = planted.scope.get("procedures")
    same_code = codes is None or set(codes) & set(alarm.scope["procedures"])
    return alarm.scope["payer"] == planted.scope["payer"] and bool(same_code) and alarm.raised_on >= planted.starts_on


SCORERS = (underpayments,)
