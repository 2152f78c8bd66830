"""The sums that must hold, each computed two ways, with the residual between them.

    roll_forward_check   the ledger's movements against balances rebuilt claim by claim, and against
                         the billing system's own month-end close
    deposits_check       835 deposits (BPR) less provider adjustments (PLB) against postings
    charges_check        claims, service lines, ledger charges and 837 charges

`check_client` gathers them for `rcm check`; the reports print the same figures.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ..periods import Period
from ..tables.frames import NO_VALUE, collect, month_of, source
from .balances import balances, roll_forward


@dataclass(frozen=True)
class Check:
    """One sum that must hold: what, where, the residual in cents, and what to look at."""

    name: str
    client: str
    where: str
    residual_cents: int
    detail: str

    @property
    def holds(self) -> bool:
        return self.residual_cents == 0


def roll_forward_check(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """The roll-forward by month, with two independent closings beside it.

    Formula
        residual_cents = closing_cents (opening and movements by kind) - rebuilt_cents (balances of
        every claim and party, credits and unapplied money, as of the last day of the month)
        close_difference_cents = closing_cents - closing of the billing system's month-end report
        transfers_left_cents = what left claims by transfers less what waits unapplied because of it, and
        what claims received less what left the unapplied money, each without its sign
    Counts
        Postings by posting date. Months without a month-end report have an empty close difference.
        Transfers are added up claim by claim, so that 50 too much on one claim and 50 too little on
        another are 100.
    Unit
        cents
    Empty
        No row for a client without a posting.
    """
    rolled = roll_forward(tables, period=period)
    rebuilt = [
        balances(tables, as_of=month.last_day)[["client", "receivable_cents"]].assign(
            month=pd.Timestamp(month.first_day)
        )
        for month in period.months()
    ]
    known = pd.concat(rebuilt, ignore_index=True).rename(columns={"receivable_cents": "rebuilt_cents"})
    known["month"] = known["month"].astype("datetime64[us]")
    out = rolled.astype({"month": "datetime64[us]"}).merge(known, on=["client", "month"], how="left")
    out["rebuilt_cents"] = out["rebuilt_cents"].fillna(0).astype("int64")
    out["residual_cents"] = out["closing_cents"] - out["rebuilt_cents"]
    out = out.merge(_transfers_left(tables, period), on=["client", "month"], how="left")
    out["transfers_left_cents"] = out["transfers_left_cents"].fillna(0).astype("int64")
    return out.merge(_closes(tables, out), on=["client", "month"], how="left")


def _transfers_left(tables: Mapping[str, Any], period: Period) -> pd.DataFrame:
    """By month: transfers between parties that do not come out even on their claim, nor with unapplied money."""
    need = ["client", "claim_id", "kind", "amount_cents", "posted_on"]
    rows = source(tables, "transactions", need).filter(nw.col("kind") == "transfer", period.holds(nw.col("posted_on")))
    rows = rows.with_columns(month_of(nw.col("posted_on"))).with_columns(
        side=nw.when(nw.col("claim_id").is_null()).then(nw.lit("unapplied")).otherwise(nw.lit("claim"))
    )
    whole = rows.filter(nw.col("side") == "unapplied").with_columns(claim_id=nw.lit(NO_VALUE))
    keys = ["client", "month", "side", "claim_id"]
    on_claims = rows.filter(nw.col("side") == "claim").group_by(keys).agg(nw.col("amount_cents").sum())
    nets = pd.concat([collect(on_claims, keys), collect(whole.select(*keys, "amount_cents"), keys)], ignore_index=True)
    nets["went"] = nets["amount_cents"].clip(upper=0).abs()
    nets["came"] = nets["amount_cents"].clip(lower=0)
    sums = nets.groupby(["client", "month", "side"])[["went", "came"]].sum().unstack("side", fill_value=0)
    sums = sums.reindex(columns=pd.MultiIndex.from_product([["went", "came"], ["claim", "unapplied"]]), fill_value=0)
    left = (sums["went"]["claim"] - sums["came"]["unapplied"]).abs()
    left += (sums["came"]["claim"] - sums["went"]["unapplied"]).abs()
    return left.rename("transfers_left_cents").reset_index()


def _closes(tables: Mapping[str, Any], rolled: pd.DataFrame) -> pd.DataFrame:
    """Ledger less month-end report, for each of its five totals."""
    totals = ["charges_cents", "payments_cents", "adjustments_cents", "refunds_cents", "closing_cents"]
    frame = source(tables, "control_totals", ["client", "month", *totals])
    closes = collect(frame.rename({"month": "closed_month"}), ["client", "closed_month"])
    closes["month"] = pd.to_datetime(closes["closed_month"] + "-01").astype("datetime64[us]")
    ledger = pd.DataFrame(
        {
            "client": rolled["client"],
            "month": rolled["month"],
            "charges_cents": rolled["charges_cents"],
            "payments_cents": rolled["payments_cents"],
            "adjustments_cents": rolled["contractual_cents"] + rolled["write_offs_cents"],
            "refunds_cents": rolled["refunds_cents"] + rolled["takebacks_cents"],
            "closing_cents": rolled["closing_cents"],
        }
    )
    both = ledger.merge(closes.drop(columns="closed_month"), on=["client", "month"], suffixes=("", "_close"))
    out = both[["client", "month"]].copy()
    for name in totals:
        out[f"close_difference_{name}"] = both[name] - both[f"{name}_close"]
    return out


def deposits_check(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """Every 835 deposit against what was posted under its trace number by `as_of`.

    Formula
        file_difference_cents = claims_paid - provider_adjustments - deposit, without its sign, of each
        remittance under the trace                                                   (835 balancing)
        posting_difference_cents = posted - claims_paid, once anything was posted
        unposted_cents = claims_paid of deposits without any posting
    Counts
        Insurance payments and takebacks in the ledger, by payer and trace number; a deposit of
        zero claims is posted by definition. Postings under a trace that no deposit has are returned
        with an empty `remit_id`.
    Unit
        cents; posted money is positive
    Shape
        client, month (of receipt, else of posting), payer, trace, remit_id, deposit_cents,
        provider_adjustment_cents, claims_paid_cents, posted_cents, and the three above
    """
    deposits = _deposits(tables, as_of)
    posted = _posted(tables, as_of)
    out = deposits.merge(posted, on=["client", "payer", "trace"], how="outer")
    is_ours = out["remit_id"].notna()
    is_posted = out["posted_cents"].notna() | (is_ours & (out["claims_paid_cents"] == 0))
    out["month"] = out["month"].fillna(out.pop("posting_month"))
    amounts = [*_SUMMED, "posted_cents"]
    out[amounts] = out[amounts].fillna(0).astype("int64")
    out["posting_difference_cents"] = (out["posted_cents"] - out["claims_paid_cents"]).where(is_posted, 0)
    out["unposted_cents"] = out["claims_paid_cents"].where(~is_posted, 0)
    return out.sort_values(["client", "month", "payer", "trace"], ignore_index=True)


_SUMMED = ("deposit_cents", "provider_adjustment_cents", "claims_paid_cents", "file_difference_cents")


def _deposits(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    names = {"paid_cents": "deposit_cents"}
    need = [
        "client",
        "remit_id",
        "payer",
        "trace",
        "paid_cents",
        "provider_adjustment_cents",
        "claims_paid_cents",
        "received_on",
    ]
    rows = source(tables, "deposits", need, by=["trace"]).filter(nw.col("received_on") <= as_of)
    rows = rows.with_columns(month_of(nw.col("received_on"))).drop("received_on").rename(names)
    found = collect(rows, ["client", "payer", "trace", "remit_id"])
    difference = found["claims_paid_cents"] - found["provider_adjustment_cents"] - found["deposit_cents"]
    found["file_difference_cents"] = difference.abs()
    keys = ["client", "payer", "trace"]
    sums = dict.fromkeys(_SUMMED, "sum")
    return found.groupby(keys, as_index=False).agg({"remit_id": "first", "month": "min", **sums})


def _posted(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    need = ["client", "payer", "trace", "kind", "amount_cents", "posted_on"]
    rows = source(tables, "transactions", need).filter(
        nw.col("posted_on") <= as_of,
        nw.col("kind").is_in(["payment", "takeback"]),
        ~nw.col("trace").is_null(),
        ~nw.col("payer").is_null(),
    )
    sums = rows.group_by("client", "payer", "trace").agg(
        nw.col("amount_cents").sum(), nw.col("posted_on").min().alias("posting_month")
    )
    out = collect(sums, ["client", "payer", "trace"], dates=["posting_month"])
    out["posting_month"] = out["posting_month"].dt.to_period("M").dt.to_timestamp().astype("datetime64[us]")
    out["posted_cents"] = -out.pop("amount_cents")
    return out


def charges_check(tables: Mapping[str, Any]) -> pd.DataFrame:
    """The charges of each client, counted in four places.

    Counts
        All claims; ledger charges that name a claim; the first original submission to the primary
        payer (frequency 1) of each claim. `*_differ` counts claims whose charge differs from the
        claim table's; claims without lines or without a submission are not counted as different.
        `*_difference_cents` adds up the difference of each claim without its sign.
    Unit
        cents, and claims
    """
    claims = collect(source(tables, "claims", ["client", "claim_id", "charge_cents"]), ["client", "claim_id"])
    places = {
        "lines": _per_claim(source(tables, "claim_lines", ["client", "claim_id", "charge_cents"]), "charge_cents"),
        "ledger": _per_claim(
            source(tables, "transactions", ["client", "claim_id", "kind", "amount_cents"]).filter(
                nw.col("kind") == "charge", ~nw.col("claim_id").is_null()
            ),
            "amount_cents",
        ),
        "submitted": _submitted(tables),
    }
    out = claims.groupby("client", as_index=False).agg(
        claims=("claim_id", "size"), claims_cents=("charge_cents", "sum")
    )
    for name, place in places.items():
        both = claims.merge(place, on=["client", "claim_id"], how="inner" if name != "ledger" else "outer")
        both[["charge_cents", "cents"]] = both[["charge_cents", "cents"]].fillna(0)
        differ = (both["charge_cents"] != both["cents"]).groupby(both["client"]).sum()
        gap = (both["cents"] - both["charge_cents"]).abs().groupby(both["client"]).sum()
        out[f"{name}_differ"] = out["client"].map(differ).fillna(0).astype("int64")
        out[f"{name}_difference_cents"] = out["client"].map(gap).fillna(0).astype("int64")
    return out


def _per_claim(rows: nw.LazyFrame, amount: str) -> pd.DataFrame:
    return collect(rows.group_by("client", "claim_id").agg(nw.col(amount).sum().alias("cents")), ["client", "claim_id"])


def _submitted(tables: Mapping[str, Any]) -> pd.DataFrame:
    need = ["client", "claim_id", "payer_order", "frequency", "charge_cents"]
    rows = source(tables, "submissions", need).filter(nw.col("payer_order") == "primary", nw.col("frequency") == "1")
    return collect(
        rows.group_by("client", "claim_id").agg(nw.col("charge_cents").min().alias("cents")), ["client", "claim_id"]
    )


def check_client(tables: Mapping[str, Any], *, client: str, period: Period) -> list[Check]:
    """Every sum of one client that must hold, over the months of `period`."""
    sums = (*_month_sums(tables, period), *_deposit_sums(tables, period), *_charge_sums(tables))
    return [Check(name, client, month, int(cents), about) for name, month, cents, about in sums]


def _month_sums(tables: Mapping[str, Any], period: Period) -> Iterator[tuple[str, str, float, str]]:
    for row in roll_forward_check(tables, period=period).to_dict("records"):
        month = f"{row['month']:%Y-%m}"
        yield "roll-forward", month, row["residual_cents"], "opening and movements against rebuilt balances"
        yield "transfers", month, row["transfers_left_cents"], "transfers between parties sum to zero on each claim"
        for name in ("charges", "payments", "adjustments", "refunds", "closing"):
            difference = row[f"close_difference_{name}_cents"]
            if pd.notna(difference):
                yield f"month-end {name}", month, difference, "ledger against the billing system's close"


def _deposit_sums(tables: Mapping[str, Any], period: Period) -> Iterator[tuple[str, str, float, str]]:
    gaps = ["file_difference_cents", "posting_difference_cents"]
    deposits = deposits_check(tables, as_of=period.last_day)
    for month, row in deposits.groupby("month")[gaps].agg(lambda found: found.abs().sum()).iterrows():
        label = f"{month:%Y-%m}"
        file, posting = (row[name] for name in gaps)
        yield "835 balances", label, file, "claims less provider adjustments against the deposit"
        yield "deposits posted", label, posting, "postings against the claims of the deposit"


def _charge_sums(tables: Mapping[str, Any]) -> Iterator[tuple[str, str, float, str]]:
    for row in charges_check(tables).to_dict("records"):
        for place in ("lines", "ledger", "submitted"):
            about = f"{row[f'{place}_differ']} of {row['claims']} claims differ"
            yield f"charges: {place}", "all", row[f"{place}_difference_cents"], about
