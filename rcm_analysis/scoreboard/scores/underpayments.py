"""Underpayments: payers that allow less than their contract again and again, and lawful rate cuts that are none.

The findings are those that a report at the end of each month would state, from what was known on that day. A finding
that is stated again the month after is one alarm: raised on the first day, with the dollars of its last statement.

Where there is no fee schedule, a price that fell for all lines is stated as a new price or an underpayment, with the
contract to be asked for: nothing but the contract can tell. That finds an underpayment; of a lawful cut it is right,
too, and counts neither for nor against.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl

from ...exhibits.register.facts import RECENT_MONTHS
from ...measures.payers.contract import expected_allowed
from ...measures.payers.prices import rate_changes
from ...measures.payers.shortfalls import CELL, FEWEST_CLAIMS, TOLERANCE_PERCENT, repeated_underpayments
from ...tables.frames import source
from ..case import Case
from ..record import RECALL_IN_TIME, Tally
from ..scoring import Alarm, alarms_of, sought

NAME = "repeated underpayments"
MONTHS = 2
REMITS = ("remit_claims", "remit_lines", "remit_adjustments")


def underpayments(case: Case) -> list[Tally]:
    """`repeated_underpayments` and inferred `rate_changes`: one alarm a payer and procedure; no rate cut among them."""
    called, asked = stated(case)
    planted = case.problems("underpayment")
    cuts = case.problems("rate_cut")

    def is_cut(alarm: Alarm) -> bool:
        return any(_names(alarm, cut) for cut in cuts) and not any(_names(alarm, one) for one in planted)

    alarms = [*called, *(alarm for alarm in asked if not is_cut(alarm))]
    tallies = sought(NAME, planted, alarms, case.watch, within_months=MONTHS, recall=RECALL_IN_TIME)
    if cuts:
        tallies.append(Tally(NAME, "rate cuts called underpayments", sum(map(is_cut, called))))
    return tallies


def stated(case: Case) -> tuple[list[Alarm], list[Alarm]]:
    """The findings of every month's end, each once: what is called an underpayment, and what may be a new price. A new
    onset is a new alarm only after a month of silence."""
    cells = candidates(case)
    called, asked = [], []
    for month in case.period.months() if len(cells) else ():
        day, known = month.last_day, _narrowed(case, month.last_day, cells)
        found = repeated_underpayments(known, as_of=day)
        called.append((day, _statements(found, found["short_cents"])))
        steps = rate_changes(known, as_of=day, since=month.trailing(RECENT_MONTHS).first_day)
        steps = steps[(steps["basis"] == "inferred") & (steps["change_share"] < 0)]
        asked.append((day, _statements(steps, -steps["effect_cents"])))
    same = ("payer", "procedures")
    return (alarms_of(case.client, called, same=same, within=1), alarms_of(case.client, asked, same=same, within=1))


def _statements(found: pd.DataFrame, cents: pd.Series) -> list[tuple[dict[str, Any], int]]:
    """The cents of each payer and procedure."""
    sums = cents.groupby([found["payer"], found["procedure"]]).sum()
    return [({"payer": payer, "procedures": (code,)}, int(short)) for (payer, code), short in sums.items()]


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
