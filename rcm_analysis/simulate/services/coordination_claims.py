"""What becomes of an uploaded month: three lags, denials and second tries, the lead's fee, money taken back."""

from __future__ import annotations

import numpy as np
import polars as pl

from ...tables import schema_coordination as services
from ..practice_book import working_day
from ..submission import NEVER
from .coordination_team import Team
from .rows import day_or_never, numbered, only_where

RATE_CODES = {"low": "1864", "medium": "1865", "high": "1866", "high_fidelity_wraparound": "1867"}
RATES = {"upstate": (24_300, 48_500, 80_900, 122_800), "downstate": (27_600, 55_300, 92_100, 139_900)}
"""Health Homes Serving Children, monthly rates in cents from January 2024 (health.ny.gov, hh_rates_aug2024)."""
LEAD = "Bridgepoint Health Home"
FEE = 0.05
SLOW = {"harbor": 46.0, "medicaid": 24.0}


def rates(region: str) -> dict[str, int]:
    """The month's rate of every level in cents.

    >>> rates("upstate")["medium"]
    48500
    """
    return dict(zip(RATE_CODES, RATES[region], strict=True))


def billed(team: Team, months: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Claims and recoupments of the months that were uploaded."""
    sent = months.filter(pl.col("uploaded") < NEVER)
    first = _tried(team, sent.with_columns(turn=pl.lit(0)))
    luck = team.luck("second tries")
    again = first.filter(pl.col("denial").is_not_null() & (pl.col("decided") <= team.last))
    key = again["number"].to_numpy(), again["month"].to_numpy()
    retried = luck.uniform("again", *key) < 0.55
    second = (
        again.filter(pl.Series(retried))
        .with_columns(
            uploaded=pl.Series(
                working_day(again["decided"].to_numpy()[retried] + luck.between("wait", 5, 25, *key)[retried])
            ),
            turn=pl.lit(1),
        )
        .drop("lead", "decided", "paid_by_payer", "denial", "agency", "fee", "cents")
    )
    both = pl.concat([first, _tried(team, second).select(first.columns)]).sort("uploaded", "member", "month", "turn")
    both = both.with_columns(id=pl.Series(numbered("HC", len(both)), dtype=pl.String))
    before = both.filter(pl.col("turn") == 0).select("member", "month", pl.col("id").alias("before"))
    both = both.join(before, on=["member", "month"], how="left", maintain_order="left")
    return {"care_claims": _claim_rows(team, both), "care_recoupments": _taken_back(team, both)}


def _tried(team: Team, sent: pl.DataFrame) -> pl.DataFrame:
    """Lead billed, payer decided, agency paid: each later than the last, and slower in managed care."""
    luck = team.luck("claims")
    key = sent["number"].to_numpy(), sent["month"].to_numpy(), sent["turn"].to_numpy()
    payer = team.members["payer"][sent["member"].to_numpy()]
    lead = working_day(sent["uploaded"].to_numpy() + luck.between("lead", 4, 18, *key))
    slow = np.array([SLOW[word] for word in payer.tolist()])
    decided = working_day(
        lead + np.maximum(7, np.rint(slow * np.exp(0.4 * luck.normal("payer", *key)))).astype(np.int64)
    )
    agency = working_day(decided + luck.between("agency", 9, 36, *key))
    agency = np.where(agency >= team.lead_stops_from, NEVER, agency)
    share = np.where(payer == "harbor", 0.085, 0.05) * np.where(key[2] > 0, 2.0, 1.0)
    denied = luck.uniform("denied", *key) < share
    reason = luck.word(
        "reason",
        {"not_eligible": 38, "no_consent": 14, "late": 12, "duplicate_enrolment": 16, "missing_data": 20},
        *key,
    )
    cents = np.array([rates(team.region)[level] for level in sent["level"].to_list()], np.int64)
    return sent.with_columns(
        lead=pl.Series(lead),
        decided=pl.Series(decided),
        paid_by_payer=pl.Series(np.where(denied, 0, cents)),
        cents=pl.Series(cents),
        denial=pl.Series(only_where(denied, reason)),
        agency=pl.Series(day_or_never(~denied, agency)),
        fee=pl.Series(np.rint(cents * FEE).astype(np.int64)),
    )


def _claim_rows(team: Team, claims: pl.DataFrame) -> pl.DataFrame:
    labels = np.array([month.label for month in team.months])
    member = claims["member"].to_numpy()
    return team.rows(
        services.CARE_CLAIMS,
        {
            "care_claim_id": claims["id"],
            "enrolment_id": team.ids[member],
            "month": labels[claims["month"].to_numpy()],
            "payer": [team.payers[word] for word in team.members["payer"][member].tolist()],
            "lead_health_home": pl.Series([LEAD] * len(claims), dtype=pl.String),
            "rate_code": pl.Series([RATE_CODES[level] for level in claims["level"].to_list()], dtype=pl.String),
            "level": claims["level"],
            "billed_cents": claims["cents"],
            "replaces": only_where(claims["turn"].to_numpy() == 1, claims["before"]),
            "uploaded_on": claims["uploaded"],
            "lead_billed_on": claims["lead"],
            "payer_decided_on": claims["decided"],
            "payer_paid_cents": claims["paid_by_payer"],
            "denial_reason": claims["denial"],
            "agency_paid_on": claims["agency"],
            "lead_fee_cents": claims["fee"],
            "agency_paid_cents": claims["cents"] - claims["fee"],
        },
    )


def _taken_back(team: Team, claims: pl.DataFrame) -> pl.DataFrame:
    luck = team.luck("recoupments")
    paid = claims.filter(pl.col("agency") < NEVER)
    key = paid["number"].to_numpy(), paid["month"].to_numpy()
    taken = paid.filter(pl.Series(luck.uniform("taken", *key) < 0.03))
    key = taken["number"].to_numpy(), taken["month"].to_numpy()
    day = working_day(taken["agency"].to_numpy() + luck.between("wait", 30, 160, *key))
    return team.rows(
        services.CARE_RECOUPMENTS,
        {
            "recoupment_id": numbered("RC", len(taken)),
            "care_claim_id": taken["id"],
            "taken_on": day,
            "amount_cents": taken["cents"] - taken["fee"],
            "reason": luck.word(
                "reason", {"retroactive_disenrolment": 6, "documentation": 3, "duplicate_payment": 1}, *key
            ),
        },
    )
