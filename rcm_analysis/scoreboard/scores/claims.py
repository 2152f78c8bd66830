"""Claims: what intake must refuse, the sums that must hold, and problems that hide in the ledger.

Alarms are raised on the last day of a month, from what was known on that day, as a monthly report
would raise them.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import polars as pl

from ...ledger.balances import roll_forward
from ...ledger.reconciliation import check_client
from ...measures.collections.written_off import whole_dollar_sweeps
from ...measures.denials.reasons import disguised_denials
from ..case import Case
from ..record import RECALL, Tally
from ..scoring import Alarm, sought

DUPLICATES = ("duplicate_file", "duplicate_remittance", "same_check_again")


def duplicated_remittances(case: Case) -> list[Tally]:
    """Every remittance that was delivered twice is refused once, and its dollars are counted once."""
    name = "duplicated remittances"
    refused = {
        PurePosixPath(file).name for file in case.intake.findings.filter(pl.col("rule").is_in(DUPLICATES))["file"]
    }
    copies = [PurePosixPath(file).name for file in case.plant_rows("duplicated_remit")["files"].explode().drop_nulls()]
    stored = int(case.known["deposits"].select(pl.col("paid_cents").sum()).collect().item() or 0)
    tallies = [Tally(name, "dollars counted twice", abs(stored - case.sums["deposits_cents"]))]
    return tallies + [Tally(name, RECALL, file in refused) for file in copies]


def reconciliation(case: Case) -> list[Tally]:
    """What is left over in the sums of `rcm check`, whose answers must be zero."""
    checks = check_client(case.known, client=case.client, period=case.period)
    return [Tally("reconciliation", "residual", sum(abs(check.residual_cents) for check in checks))]


def balances(case: Case) -> list[Tally]:
    """The receivable at each month's end, as rebuilt from the raw files, against the simulated one."""
    rolled = roll_forward(case.known, period=case.period)
    closing = dict(zip(rolled["month"].dt.strftime("%Y-%m"), rolled["closing_cents"], strict=True))
    wrong = sum(abs(int(closing.get(month["month"], 0)) - month["closing_cents"]) for month in case.sums["months"])
    return [Tally("balances", "closing receivable against truth", wrong)]


def sweeps(case: Case) -> list[Tally]:
    """`write_offs.whole_dollar_sweeps`: one alarm a batch."""
    alarms = []
    for month, tables in case.months_known():
        for batch in whole_dollar_sweeps(tables, period=month).itertuples():
            alarms.append(Alarm(case.client, batch.posted_on.date(), cents=int(batch.swept_cents)))
    return sought("whole-dollar sweeps", case.problems("whole_dollar_sweep"), alarms, case.watch)


def disguised(case: Case) -> list[Tally]:
    """`denial_reasons.disguised_denials`: one alarm a month, payer and kind."""
    alarms = []
    for month, tables in case.months_known():
        for row in disguised_denials(tables, period=month, by=["payer"]).itertuples():
            alarms.append(Alarm(case.client, month.last_day, {"payer": row.payer}, int(row.amount_cents)))
    return sought("disguised denials", case.problems("denials_as_contractual"), alarms, case.watch)


SCORERS = (duplicated_remittances, reconciliation, balances, sweeps, disguised)
