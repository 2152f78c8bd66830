"""Why claims are denied: reasons by category, payer and code, month by month, and what hides behind other codes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.adjudications import (
    DENIED,
    PAYMENT,
    adjustment_lines,
    claim_adjudications,
    first_adjudications,
    line_adjudications,
    primary_reasons,
)
from ...ledger.postings import (
    IS_DISGUISED,
    is_denial_code,
    one_if,
    side_by_side,
    sums,
    with_disguise,
    with_groups,
    with_rate,
)
from ...periods import Period
from ...tables.frames import source
from ...tables.reference.carc import carc_categories, category_of, codes_of, codes_that_need_a_remark
from ..menu import measure

col = nw.col
WHO = ("client", "claim_id", "payer_order", "payer", "received_on")


def denied_lines(
    tables: Mapping[str, Any], as_of: dt.date, *, since: dt.date | None = None, patient_denials: bool = False
) -> nw.LazyFrame:
    """One row per denied line and code: what every table of denial reasons adds up.

    Columns: client, claim_id, payer_order, payer, received_on, remit_claim_id, unit (the line),
    carc, category, denied_cents. Holds the first decision on each claim, and every refusal as a
    duplicate beside it (category "duplicate"), which no denial rate counts; with `since`, only
    those that became known on that day or later. Lazy, in the engine of the tables.
    """
    chosen = [*WHO, "remit_claim_id"]
    known = claim_adjudications(tables, as_of=as_of, since=since, patient_denials=patient_denials)
    refused = known.filter(col("outcome") == "duplicate").select(chosen)
    if since is not None:
        refused = refused.filter(col("received_on") >= since)
    first = first_adjudications(tables, as_of=as_of, since=since, patient_denials=patient_denials).select(chosen)
    codes = codes_of(family="denial")
    shares = adjustment_lines(tables, as_of=as_of, since=since).filter(col("carc").is_in(codes))
    if not patient_denials:
        shares = shares.filter(col("group_code") != "PR")
    by_line = shares.group_by(*PAYMENT, "unit", "carc").agg(denied_cents=col("amount_cents").sum())
    both = nw.concat([first, refused], how="vertical")
    return both.join(by_line, on=list(PAYMENT), how="inner").with_columns(
        category=category_of(col("carc"), family="denial")
    )


@measure("Denied dollars by reason", value="denied_cents", good="down")
def denial_reasons(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("category",), patient_denials: bool = False
) -> pd.DataFrame:
    """Claims, lines and dollars denied, by any of category, carc, payer, provider, location, month.

    Formula
        claims, lines and denied_cents, counted under each reason; denied_share = denied_cents / their total
    Counts
        First decisions that became known in the period. A claim denied for two reasons stands under
        both: claims and lines do not add up over reasons, dollars do. `primary_denial_reasons` counts
        each claim once. Refusals as a duplicate stand in the category "duplicate", each one.
    Date basis
        received_on of the remittance
    Unit
        claims, lines, cents; share 0 to 1
    Empty
        Nothing denied: no rows.
    Source
        categories as in reference/carc_categories.csv, our own

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(denial_reasons(example_tables(), period=Period.month("2026-10")).to_string(index=False))
         category  claims  lines  denied_cents  denied_share
    authorization       1      1         20000           0.8
         bundling       1      1          5000           0.2
    """
    rows = denied_lines(tables, period.last_day, since=period.first_day, patient_denials=patient_denials)
    grouped = with_groups(rows, tables, by, month_on="received_on")
    claim = list(dict.fromkeys([*by, "client", "claim_id", "payer_order"]))
    per_line = grouped.group_by(*dict.fromkeys([*claim, "unit"])).agg(col("denied_cents").sum())
    per_line = per_line.filter(col("denied_cents") > 0).with_columns(lines=nw.lit(1))
    per_claim = per_line.group_by(*claim).agg(col("lines").sum(), col("denied_cents").sum())
    found = sums(per_claim.with_columns(claims=nw.lit(1)), by, ["claims", "lines", "denied_cents"])
    total = found.assign(total=found["denied_cents"].sum())
    return with_rate(total, "denied_share", "denied_cents", "total").drop(columns="total")


@measure("Denied claims by their main reason", value="claims", unit="count", good="down")
def primary_denial_reasons(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("category",), patient_denials: bool = False
) -> pd.DataFrame:
    """Denied claims under the one reason that names each: claims add up to the denied claims.

    Formula
        reason = the code with the largest denied amount; ties as `reference.carc.PRIORITY` says
        denied_cents = the amount denied for that reason alone
    Counts
        Claims denied, in whole or part, by a first decision of the period; no duplicates.
    Date basis
        received_on of the remittance
    Unit
        claims, cents; share 0 to 1 of the claims
    Empty
        Nothing denied: no rows.
    Source
        our own

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(primary_denial_reasons(
    ...     example_tables(), period=Period.month("2026-10"), by=["carc", "category"]).to_string(index=False))
    carc      category  claims  denied_cents  denied_share
     197 authorization       1         20000           0.5
      97      bundling       1          5000           0.5
    """
    first = (
        first_adjudications(tables, as_of=period.last_day, since=period.first_day, patient_denials=patient_denials)
        .filter(col("outcome").is_in(list(DENIED)))
        .select(*WHO, "remit_claim_id")
    )
    named = primary_reasons(tables, as_of=period.last_day, patient_denials=patient_denials)
    rows = with_groups(first.join(named, on=list(PAYMENT), how="inner"), tables, by, month_on="received_on")
    found = sums(rows.with_columns(claims=nw.lit(1)), by, ["claims", "denied_cents"])
    total = found.assign(total=found["claims"].sum())
    return with_rate(total, "denied_share", "claims", "total").drop(columns="total")


@measure("Initial denial rate by month", value="denial_rate", unit="rate", good="down")
def denial_trend(
    tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = (), patient_denials: bool = False
) -> pd.DataFrame:
    """The initial denial rate and its dollars month by month, every month of the period.

    Formula
        denial_rate = denied_claims / remitted_claims, as `initial_denial_rate_claims_remitted`
    Counts
        By the month in which the first decision became known. `duplicate_remits` counts the
        refusals as a duplicate of the month, which no other column holds.
    Date basis
        received_on of the remittance
    Unit
        claims, cents; rate 0 to 1
    Empty
        A month without decisions has zeros and an empty rate.
    Source
        our own, after HFMA Claim Integrity Task Force 2021

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> trend = denial_trend(example_tables(), period=Period.month("2026-11").trailing(2))
    >>> print(trend[["month", "denied_claims", "remitted_claims", "denial_rate"]].to_string(index=False))
         month  denied_claims  remitted_claims  denial_rate
    2026-10-01              2                4          0.5
    2026-11-01              0                0          NaN
    """
    keys = [*by, "month"]
    options: dict[str, Any] = {"as_of": period.last_day, "since": period.first_day, "patient_denials": patient_denials}
    known = claim_adjudications(tables, **options)
    refused = known.filter(col("outcome") == "duplicate", period.holds(col("received_on")))
    first = first_adjudications(tables, **options).with_columns(
        denied_claims=one_if(col("outcome").is_in(list(DENIED))), remitted_claims=nw.lit(1)
    )
    first = with_groups(first, tables, keys, month_on="received_on")
    refused = with_groups(refused.with_columns(duplicate_remits=nw.lit(1)), tables, keys, month_on="received_on")
    decided = sums(first, keys, ["denied_claims", "remitted_claims", "denied_cents", "charge_cents"])
    found = side_by_side(decided, sums(refused, keys, ["duplicate_remits"]), keys)
    return with_rate(_every_month(found, by, period), "denial_rate", "denied_claims", "remitted_claims")


@measure("Denials that look like contract discounts", value="amount_cents", good="down")
def disguised_denials(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Denials that look like contract discounts: a discount of the whole charge, and denials posted as contractual.

    Formula
        kind = whole_charge_discount: a line of a first decision with 45 equal to its whole charge, nothing paid;
        posted_as_contractual: a ledger posting of kind contractual that carries a denial code;
        posted_under_discount_code: one with any other code, in an amount that the payer had denied on its line
        (on the claim, where no line is known) and never discounted
        amount_cents = the charge discounted; what was posted, less what was reversed
    Counts
        Claims that hold such a line or posting. A claim may stand under several kinds. Group PR is left out.
        Under a discount code: `postings.disguised_postings`, from remittances known by the day of posting.
    Date basis
        received_on of the remittance; posted_on of the ledger
    Unit
        claims, cents
    Empty
        Nothing disguised: no rows.
    Source
        45 may not equal the whole charge: usage notes in openemr/openemr src/Billing/BillingUtilities.php

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(disguised_denials(example_tables(), period=Period.month("2026-10")).to_string(index=False))
                     kind  claims  amount_cents
    posted_as_contractual       1          5000
    """
    kinds = {
        "whole_charge_discount": _whole_discounts(tables, period),
        "posted_as_contractual": _posted(tables, period, is_denial_code()),
        "posted_under_discount_code": _posted(tables, period, ~is_denial_code() & col(IS_DISGUISED)),
    }
    parts = []
    for kind, rows in kinds.items():
        grouped = with_groups(rows, tables, by)
        claim = list(dict.fromkeys([*by, "client", "claim_id"]))
        per_claim = grouped.group_by(*claim).agg(col("amount_cents").sum()).filter(col("amount_cents") > 0)
        found = sums(per_claim.with_columns(claims=nw.lit(1)), by, ["claims", "amount_cents"])
        found.insert(len(by), "kind", pd.array([kind] * len(found), dtype="str"))
        parts.append(found[found["claims"] > 0])
    return pd.concat(parts, ignore_index=True)


@measure("Adjustment codes not on our list", value="amount_cents", good="down")
def unmapped_codes(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Adjustment codes that are not in our list, with counts and dollars: nobody decided what they mean.

    Formula
        adjustments, claims and amount_cents by code
    Counts
        Every adjustment of the period's remittances whose code is unmapped; status 23 and 25 too.
    Date basis
        received_on of the remittance
    Unit
        adjustments, claims, cents
    Empty
        Every code is known: no rows.
    Source
        our own

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> unmapped_codes(example_tables(), period=Period.month("2026-10")).empty
    True
    """
    rows = _adjustments(tables, period).filter(~col("carc").is_in(carc_categories()["code"].to_list()))
    keys = [*by, "carc"]
    grouped = with_groups(rows.with_columns(adjustments=nw.lit(1)), tables, keys, month_on="received_on")
    claim = list(dict.fromkeys([*keys, "client", "claim_id"]))
    per_claim = grouped.group_by(*claim).agg(col("adjustments").sum(), col("amount_cents").sum())
    return sums(per_claim.with_columns(claims=nw.lit(1)), keys, ["adjustments", "claims", "amount_cents"])


@measure("Adjustments that need a remark code and lack it", value="missing_remark_rate", unit="rate", good="down")
def missing_remarks(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("carc",)) -> pd.DataFrame:
    """Adjustments that say nothing without a remark code (16, 96, A1, ...) and came without one.

    Formula
        missing_remark_rate = without_remark / adjustments
    Counts
        Adjustments of the period's remittances whose code needs a remark, group PR left out.
    Date basis
        received_on of the remittance
    Unit
        share, 0 to 1
    Empty
        No such adjustment: no rows, or an empty value.
    Source
        which codes need one: usage notes in openemr/openemr src/Billing/BillingUtilities.php

    >>> from rcm_analysis.examples.remittances import example_tables
    >>> print(missing_remarks(example_tables(), period=Period.month("2026-10"), by=()).to_string(index=False))
     without_remark  adjustments  missing_remark_rate
                  0            0                  NaN
    """
    rows = _adjustments(tables, period).filter(col("carc").is_in(codes_that_need_a_remark()), col("group_code") != "PR")
    without = one_if(col("remark_codes").fill_null("") == "")
    grouped = with_groups(
        rows.with_columns(without_remark=without, adjustments=nw.lit(1)), tables, by, month_on="received_on"
    )
    found = sums(grouped, by, ["without_remark", "adjustments"])
    return with_rate(found, "missing_remark_rate", "without_remark", "adjustments")


def _adjustments(tables: Mapping[str, Any], period: Period) -> nw.LazyFrame:
    columns = [
        "client",
        "remit_claim_id",
        "claim_id",
        "group_code",
        "carc",
        "amount_cents",
        "remark_codes",
        "received_on",
    ]
    rows = source(tables, "remit_adjustments", columns).filter(period.holds(col("received_on")))
    payers = source(tables, "remit_claims", [*PAYMENT, "payer", "payer_order"])
    return rows.join(payers, on=list(PAYMENT), how="left")


def _whole_discounts(tables: Mapping[str, Any], period: Period) -> nw.LazyFrame:
    known: dict[str, Any] = {"as_of": period.last_day, "since": period.first_day}
    first = first_adjudications(tables, **known).select(*PAYMENT)
    lines = line_adjudications(tables, **known).join(first, on=list(PAYMENT), how="semi")
    discounts = adjustment_lines(tables, **known).filter(col("carc") == "45", col("group_code") != "PR")
    by_line = discounts.group_by("client", "unit").agg(col("amount_cents").sum())
    whole = lines.join(by_line, on=["client", "unit"], how="inner")
    return whole.filter(col("amount_cents") == col("charge_cents"), col("paid_cents") == 0)


def _posted(tables: Mapping[str, Any], period: Period, is_denial: nw.Expr) -> nw.LazyFrame:
    columns = ["client", "claim_id", "kind", "payer", "posted_on", "group_code", "carc", "amount_cents"]
    rows = with_disguise(tables, columns).filter(
        period.holds(col("posted_on")),
        col("kind") == "contractual",
        is_denial,
        col("group_code").fill_null("CO") != "PR",
    )
    return rows.with_columns(amount_cents=col("amount_cents") * -1)


def _every_month(found: pd.DataFrame, by: Sequence[str], period: Period) -> pd.DataFrame:
    months = pd.DataFrame(
        {"month": pd.to_datetime([month.first_day for month in period.months()]).astype("datetime64[us]")}
    )
    spine = found[list(by)].drop_duplicates().merge(months, how="cross") if by else months
    whole = spine.merge(found, on=[*by, "month"], how="left")
    amounts = [name for name in whole.columns if name not in (*by, "month")]
    return whole.assign(**{name: whole[name].fillna(0).astype("int64") for name in amounts})
