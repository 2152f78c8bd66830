"""Steps that stopped being done: found when many more than usual are missed, and not by chance."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl
import pytest

from rcm_analysis.models.detection import stalled_steps
from rcm_analysis.tables.schema import TABLES

FIRST = dt.date(2026, 1, 1)
END = dt.date(2026, 10, 31)


def book(*, stopped: dt.date | None, usual: int = 10, a_day: int = 1, waits: int = 9) -> dict:
    """`a_day` claims of 20.00 a day, one in `usual` never sent to the secondary payer, and from `stopped` none."""
    rows: dict[str, list[dict]] = {
        name: [] for name in ("claims", "submissions", "remit_claims", "remit_adjustments", "work_log")
    }
    days = [FIRST + dt.timedelta(days=day) for day in range((END - FIRST).days + 1) for _ in range(a_day)]
    for number, day in enumerate(days):
        name = str(number)
        rows["claims"].append(
            {
                "claim_id": name,
                "claim_type": "professional",
                "payer": "medicare",
                "secondary_payer": "medigap",
                "service_on": day,
                "entered_on": day,
                "charge_cents": 10000,
            }
        )
        bill = {"claim_id": name, "frequency": "1", "charge_cents": 10000}
        first = {"submission_id": f"{name}-1", "submitted_on": day, "payer": "medicare", "payer_order": "primary"}
        rows["submissions"].append(bill | first)
        rows["remit_claims"].append(
            {
                "remit_claim_id": name,
                "remit_id": "r",
                "claim_id": name,
                "sequence": number,
                "status": "1",
                "payer": "medicare",
                "payer_order": "primary",
                "charge_cents": 10000,
                "paid_cents": 8000,
                "received_on": day,
            }
        )
        rows["remit_adjustments"].append(
            {
                "remit_adjustment_id": name,
                "remit_claim_id": name,
                "claim_id": name,
                "group_code": "PR",
                "carc": "2",
                "amount_cents": 2000,
                "received_on": day,
            }
        )
        is_held = stopped is not None and day >= stopped
        if is_held:
            rows["work_log"].append(
                {
                    "note_id": name,
                    "claim_id": name,
                    "worked_on": day,
                    "entered_on": day,
                    "worked_by": "kim",
                    "action": "request_documents",
                    "outcome": "waiting_on_client",
                    "hold_reason": "documents",
                }
            )
        sent_on = day + dt.timedelta(days=waits)
        if not is_held and number % usual and sent_on <= END:
            rows["submissions"].append(
                {
                    "submission_id": name,
                    "claim_id": name,
                    "submitted_on": sent_on,
                    "payer": "medigap",
                    "payer_order": "secondary",
                    "frequency": "1",
                    "charge_cents": 10000,
                }
            )
    return {
        name: pl.DataFrame([{"client": "acme", **row} for row in made], schema=TABLES[name].polars).lazy()
        for name, made in rows.items()
    }


def test_secondaries_that_stopped_by_hand():
    """From 1 August none: 92 claims, of which the last nine days' would not be out yet anyhow."""
    found = stalled_steps.secondaries_stopped(book(stopped=dt.date(2026, 8, 1)), as_of=END).iloc[0]
    assert found["onset_on"] == pd.Timestamp(2026, 8, 1) and (found["claims"], found["missed"]) == (92, 92)
    assert found["usual_rate"] == pytest.approx((22 + 0.5) / (212 + 1))
    assert found["excess_cents"] == pytest.approx(2000 * 83 * (1 - 22.5 / 213))


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"stopped": None}, id="one in ten is forgotten, as always"),
        pytest.param({"stopped": None, "usual": 2}, id="half of them is what is usual here"),
        pytest.param({"stopped": dt.date(2026, 10, 19)}, id="the last twelve days: too few are due"),
        pytest.param({"stopped": FIRST}, id="never done: nothing to compare with"),
        pytest.param({"stopped": None, "waits": 400}, id="none was ever sent"),
    ],
)
def test_nothing_is_raised(given):
    assert stalled_steps.secondaries_stopped(book(**given), as_of=END).empty


def test_holds_by_hand():
    """Each claim of the last month is held: its charge, less what usually is."""
    found = stalled_steps.holds_risen(book(stopped=dt.date(2026, 10, 1)), as_of=END).iloc[0]
    assert (found["claims"], found["missed"]) == (31, 31) and found["onset_on"] == pd.Timestamp(2026, 10, 1)
    assert found["excess_cents"] == pytest.approx(31 * 10000 * (1 - 0.5 / 274))


def test_no_holds_and_no_rows_at_all():
    assert stalled_steps.holds_risen(book(stopped=None), as_of=END).empty
    nothing = {name: table.empty().lazy() for name, table in TABLES.items()}
    assert (
        stalled_steps.holds_risen(nothing, as_of=END).empty
        and stalled_steps.secondaries_stopped(nothing, as_of=END).empty
    )


def test_holds_of_another_reason_are_another_finding():
    held = book(stopped=dt.date(2026, 10, 1))
    assert stalled_steps.holds_risen(held, as_of=END, reasons=("coding",)).empty
