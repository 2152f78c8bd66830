"""Two invented payers that always do the same, small enough to check by hand: the examples of cash due and the
outlook."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from ..periods import Period


def example_monthly_claims() -> dict[str, pd.DataFrame]:
    """One payer that allows 60 % and answers after 30 days: a year of one claim a month."""
    months = [month.first_day + dt.timedelta(days=4) for month in Period.month("2026-05").trailing(13).months()]
    ids = [str(number) for number in range(len(months))]
    claims = {"client": "a", "claim_id": ids, "payer": "p", "service_on": months, "charge_cents": 10000}
    sent = {"client": "a", "claim_id": ids, "payer_order": "primary", "frequency": "1", "submitted_on": months}
    answers = [day + dt.timedelta(days=30) for day in months]
    remits = {"client": "a", "claim_id": ids, "payer_order": "primary", "status": "1", "received_on": answers}
    posted = [
        pd.DataFrame(
            {
                "client": "a",
                "claim_id": ids,
                "kind": kind,
                "party": "primary",
                "carc": carc,
                "amount_cents": cents,
                "posted_on": days,
            }
        )
        for kind, carc, cents, days in [
            ("charge", None, 10000, months),
            ("contractual", "45", -4000, answers),
            ("payment", None, -4000, answers),
        ]
    ]
    frames = {"claims": claims, "submissions": sent, "remit_claims": remits}
    return {name: pd.DataFrame(rows) for name, rows in frames.items()} | {"transactions": pd.concat(posted)}


def example_daily_charges() -> dict[str, pd.DataFrame]:
    """A client that charges 100 dollars every day and is paid 60 of them twenty days later."""
    days = pd.date_range("2025-07-01", "2026-06-30")
    charged = pd.DataFrame(
        {"claim_id": [f"{day:%Y%m%d}" for day in days], "posted_on": days, "kind": "charge", "amount_cents": 10_000}
    )
    later = charged.assign(posted_on=days + pd.Timedelta(days=20))
    rows = pd.concat(
        [
            charged,
            later.assign(kind="payment", amount_cents=-6_000),
            later.assign(kind="contractual", amount_cents=-4_000),
        ]
    )
    rows = rows.assign(client="acme", party="primary", payer="aetna")
    claims = charged[["claim_id"]].assign(client="acme", payer="aetna", secondary_payer=None)
    return {"transactions": rows, "claims": claims}
