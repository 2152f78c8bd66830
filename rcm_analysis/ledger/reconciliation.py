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
import polars as pl

from ..periods import Period
from ..tables.frames import NO_VALUE, collect, kept, month_of, source
from ..tables.schema import PARTIES
from .balances import posted, roll_forward
from .claim_state import ADDITIONS, bills_of, charge_in_force
from .derived import DERIVED


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


@kept
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
    known = _rebuilt(tables, period)
    out = rolled.astype({"month": "datetime64[us]"}).merge(known, on=["client", "month"], how="left")
    out["rebuilt_cents"] = out["rebuilt_cents"].fillna(0).astype("int64")
    out["residual_cents"] = out["closing_cents"] - out["rebuilt_cents"]
    out = out.merge(_transfers_left(tables, period), on=["client", "month"], how="left")
    out["transfers_left_cents"] = out["transfers_left_cents"].fillna(0).astype("int64")
    return out.merge(_closes(tables, out), on=["client", "month"], how="left")


def _rebuilt(tables: Mapping[str, Any], period: Period) -> pd.DataFrame:
    """By month end: the receivable of `balances`, each claim and party on its own, from their changes by month."""
    item = ["client", "claim_id", "party"]
    rows = posted(tables, as_of=period.last_day).with_columns(month_of(nw.col("posted_on")))
    changes = rows.group_by(*item, "month").agg(nw.col("amount_cents").sum()).collect("polars").to_native()
    changes = changes.select(*item, pl.col("month").cast(pl.Date), change=pl.col("amount_cents").cast(pl.Int64))
    changes = changes.sort("month").with_columns(balance=pl.col("change").cum_sum().over(item))
    is_whole = pl.col("claim_id").is_null() | pl.col("party").is_in(PARTIES).fill_null(False)
    after, before = (
        pl.when(is_whole | (cents < 0)).then(cents).otherwise(0)
        for cents in (pl.col("balance"), pl.col("balance") - pl.col("change"))
    )
    months = [month.first_day for month in period.months()]
    spine = changes.select("client").unique().join(pl.DataFrame({"month": months}), how="cross")
    moved = changes.group_by("client", "month").agg(rebuilt_cents=(after - before).sum())
    whole = pl.concat([moved, spine.with_columns(rebuilt_cents=pl.lit(0, pl.Int64))])
    sums = whole.group_by("client", "month").agg(pl.col("rebuilt_cents").sum()).sort("client", "month")
    ends = sums.with_columns(pl.col("rebuilt_cents").cum_sum().over("client")).filter(pl.col("month").is_in(months))
    return ends.to_pandas().astype({"client": "str", "month": "datetime64[us]"})


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


@kept
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
        with an empty `remit_id`, but for derived postings: they stand on the day of the payment, and
        their remittance may not have been received by then.
    Unit
        cents; posted money is positive
    Shape
        client, month (of receipt, else of posting), payer, trace, remit_id, deposit_cents,
        provider_adjustment_cents, claims_paid_cents, posted_cents, and the three above
    """
    deposits = _deposits(tables, as_of)
    posted = _posted(tables, as_of)
    out = deposits.merge(posted, on=["client", "payer", "trace"], how="outer")
    is_on_its_way = out["remit_id"].isna() & out.pop("derived").gt(0)
    out = out[~is_on_its_way].reset_index(drop=True)
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
    need = ["client", "payer", "trace", "kind", "amount_cents", "posted_on", "transaction_id"]
    rows = source(tables, "transactions", need).filter(
        nw.col("posted_on") <= as_of,
        nw.col("kind").is_in(["payment", "takeback"]),
        ~nw.col("trace").is_null(),
        ~nw.col("payer").is_null(),
    )
    rows = rows.with_columns(derived=nw.when(nw.col("transaction_id").str.starts_with(DERIVED)).then(1).otherwise(0))
    sums = rows.group_by("client", "payer", "trace").agg(
        nw.col("amount_cents").sum(), nw.col("derived").sum(), nw.col("posted_on").min().alias("posting_month")
    )
    out = collect(sums, ["client", "payer", "trace"], dates=["posting_month"])
    out["posting_month"] = out["posting_month"].dt.to_period("M").dt.to_timestamp().astype("datetime64[us]")
    out["posted_cents"] = -out.pop("amount_cents")
    return out


def charges_check(tables: Mapping[str, Any]) -> pd.DataFrame:
    """The charges of each client, counted in four places.

    Counts
        All claims; ledger charges that name a claim; the charge in force by the bills to the primary payer
        (`claim_state`: an original, its replacement, one sent again). `*_differ` counts claims whose
        charge differs from the claim table's; claims without lines or without a bill are not counted as
        different, nor are lines where later bills added to a claim: the lines are those of the last one.
        A claim whose ledger charges were taken back whole, or whose last bill is a void, is no
        difference: `voided` and `voided_cents` count it apart.
        `*_difference_cents` adds up the difference of each claim without its sign.
    Unit
        cents, and claims
    """
    claims = collect(source(tables, "claims", ["client", "claim_id", "charge_cents"]), ["client", "claim_id"])
    places = {"lines": _lines_of_whole_claims(tables), "ledger": _charged(tables), "submitted": _submitted(tables)}
    out = claims.groupby("client", as_index=False).agg(
        claims=("claim_id", "size"), claims_cents=("charge_cents", "sum")
    )
    for name, place in places.items():
        both = claims.merge(place, on=["client", "claim_id"], how="inner" if name != "ledger" else "outer")
        both[["charge_cents", "cents"]] = both[["charge_cents", "cents"]].fillna(0)
        is_void = both["cents"].eq(0) & both.get("raised_cents", both["cents"]).gt(0)
        gap = (both["cents"] - both["charge_cents"]).abs().mask(is_void, 0)
        out[f"{name}_differ"] = _of_clients(out, gap.ne(0), both)
        out[f"{name}_difference_cents"] = _of_clients(out, gap, both)
        if name == "ledger":
            out["voided"] = _of_clients(out, is_void, both)
            out["voided_cents"] = _of_clients(out, both["raised_cents"].where(is_void, 0), both)
    return out


def _of_clients(out: pd.DataFrame, values: pd.Series, rows: pd.DataFrame) -> pd.Series:
    return out["client"].map(values.groupby(rows["client"]).sum()).fillna(0).astype("int64")


def _per_claim(rows: nw.LazyFrame, *amounts: str) -> pd.DataFrame:
    sums = [nw.col(amount).sum().alias(name) for amount, name in zip(amounts, ("cents", "raised_cents"), strict=False)]
    return collect(rows.group_by("client", "claim_id").agg(*sums), ["client", "claim_id"])


def _lines_of_whole_claims(tables: Mapping[str, Any]) -> pd.DataFrame:
    lines = source(tables, "claim_lines", ["client", "claim_id", "charge_cents"])
    sent = source(tables, "submissions", ["client", "claim_id", "frequency"])
    added = sent.filter(nw.col("frequency").is_in(list(ADDITIONS))).select("client", "claim_id").unique()
    return _per_claim(lines.join(added, on=["client", "claim_id"], how="anti"), "charge_cents")


def _charged(tables: Mapping[str, Any]) -> pd.DataFrame:
    """Ledger charges of each claim, and what of them raised the balance."""
    rows = source(tables, "transactions", ["client", "claim_id", "kind", "amount_cents"])
    rows = rows.filter(nw.col("kind") == "charge", ~nw.col("claim_id").is_null())
    amount = nw.col("amount_cents")
    raised = nw.when(amount > 0).then(amount).otherwise(0)
    return _per_claim(rows.with_columns(raised_cents=raised), "amount_cents", "raised_cents")


def _submitted(tables: Mapping[str, Any]) -> pd.DataFrame:
    """The charge in force of each claim billed to its primary payer; voided ones are left to a relation."""
    need = ["client", "claim_id", "submission_id", "submitted_on", "payer_order", "payer", "frequency"]
    need += ["charge_cents", "sequence"]
    sent = source(tables, "submissions", need).filter(nw.col("payer_order") == "primary")
    rows = [
        (client, claim_id, charge)
        for (client,), part in sent.collect("polars").to_native().group_by("client")
        for claim_id, bills in bills_of(part).items()
        if (charge := charge_in_force(bills, dt.date.max))
    ]
    return pd.DataFrame(rows, columns=["client", "claim_id", "cents"]).astype({"cents": "int64"})


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
            if row["voided"] and place == "ledger":
                about += f"; {row['voided']} voided stand apart"
            yield f"charges: {place}", "all", row[f"{place}_difference_cents"], about
