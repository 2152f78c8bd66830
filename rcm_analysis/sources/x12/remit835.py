"""835 remittances: what payers paid, adjusted and took back, each claim of it, to the cent.

The reader is columnar. Running counts of ST, CLP and SVC say to which payment, claim and line every
segment belongs, so a file of any size is a handful of column operations. No name of a person is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd
import polars as pl

from . import remit_checks
from .envelope import check_envelopes
from .segments import (
    beside,
    components,
    concatenated,
    elements,
    first_said,
    place_within,
    read_segments,
    said,
    transactions,
    widest,
)
from .values import cents, day, gathered, money, number, to_pandas

_PAYMENTS = (
    "transaction",
    "paid_cents",
    "paid_on",
    "trace",
    "payer",
    "payer_id",
    "payee_npi",
    "payee",
    "payee_tax_id",
    "created_on",
    "method",
    "direction",
    "handling",
    "claims_paid_cents",
    "provider_adjustment_cents",
    "control_number",
    "first_segment",
    "segments",
    "fingerprint",
    "segment",
)
_CLAIMS = (
    "transaction",
    "position",
    "claim_id",
    "status",
    "charge_cents",
    "paid_cents",
    "patient_responsibility_cents",
    "interest_cents",
    "filing",
    "payer_claim_id",
    "frequency",
    "rendering_npi",
    "crossover_payer",
    "service_from",
    "service_to",
    "remark_codes",
    "segment",
)
_LINES = (
    "transaction",
    "claim_index",
    "position",
    "line_number",
    "control_number",
    "procedure",
    "modifiers",
    "revenue_code",
    "submitted_procedure",
    "submitted_modifiers",
    "charge_cents",
    "paid_cents",
    "allowed_cents",
    "units",
    "submitted_units",
    "service_on",
    "remark_codes",
    "segment",
)
_ADJUSTMENTS = (
    "transaction",
    "claim_index",
    "line_index",
    "position",
    "group",
    "carc",
    "amount_cents",
    "quantity",
    "segment",
)
_PROVIDER_ADJUSTMENTS = (
    "transaction",
    "position",
    "provider_id",
    "fiscal_year_end",
    "reason",
    "reference",
    "amount_cents",
    "segment",
)
FRAMES = (_PAYMENTS, _CLAIMS, _LINES, _ADJUSTMENTS, _PROVIDER_ADJUSTMENTS)
"""The columns of the frames of a `Remittance`, in their order."""
_MAY_BE_EMPTY = ("patient_responsibility_cents", "interest_cents", "allowed_cents", "line_index")


@dataclass(frozen=True)
class Remittance:
    """The frames of one 835 file; row numbers of `claims` and `lines` are `claim_index` and `line_index`.

    Money is int64 cents. Dates are datetime64[us]. Ids and codes are text. Missing is NA.

    payments
        One row per payment (ST): `transaction` (1, 2, ... in the file), `paid_cents` (BPR02),
        `paid_on` (BPR16), `trace` (TRN02), `payer` (N1*PR), `payer_id` (N104, else REF*2U, BPR10 or
        TRN03), `payee_npi`, `payee` (N1*PE) and `payee_tax_id` (its N104 under FI, else REF*TJ), `created_on`
        (GS04, else ISA09 or DTM*405), `method` (BPR04), `direction` (BPR03: C credit, D debit), `handling`
        (BPR01: H notification only, I with the payment), `claims_paid_cents`, `provider_adjustment_cents`,
        `control_number` (ST02), `first_segment`, `segments`, `fingerprint` (hash of the segments
        between ST and SE: the same payment sent again in another envelope has the same one),
        `segment` (BPR, else the first).
    claims
        One row per claim payment (CLP): `transaction`, `position` (from 1 in the transaction),
        `claim_id` (CLP01), `status`, `charge_cents`, `paid_cents`, `patient_responsibility_cents`,
        `interest_cents` (AMT*I), `filing` (CLP06), `payer_claim_id`, `frequency` (CLP09), `rendering_npi`,
        `crossover_payer` (organisation in NM1*TT), `service_from`, `service_to`, `remark_codes` (MIA, MOA), `segment`.
    lines
        One row per service line (SVC): `transaction`, `claim_index`, `position` (from 1 in the claim),
        `line_number` (REF*6R where it is a number, else the position), `control_number` (REF*6R), `procedure`,
        `modifiers` (joined by ':'), `revenue_code`, `submitted_procedure` and
        `submitted_modifiers` (SVC06, where the payer changed the code), `charge_cents`, `paid_cents`, `allowed_cents`
        (AMT*B6), `units` (SVC05; 1 where not sent, as the standard says), `submitted_units` (SVC07, where the payer
        changed them), `service_on`, `remark_codes` (LQ*HE), `segment`.
    adjustments
        One row per CAS triplet: `transaction`, `claim_index`, `line_index` (empty at claim level),
        `position` (from 1 in the claim), `group`, `carc`, `amount_cents` (positive reduces the
        payment), `quantity`, `segment`.
    provider_adjustments
        One row per PLB pair: `transaction`, `position` (from 1 in the transaction), `provider_id`,
        `fiscal_year_end`, `reason`, `reference`, `amount_cents` (positive takes money away), `segment`.
    findings
        What does not add up or could not be read: `rule`, `where`, `amount_cents`, `message`,
        `transaction`, `position` (claim), `segment`. See `remit_checks` for the rules.
    """

    payments: pd.DataFrame
    claims: pd.DataFrame
    lines: pd.DataFrame
    adjustments: pd.DataFrame
    provider_adjustments: pd.DataFrame
    findings: pd.DataFrame


def read_835(source: Path | str | bytes) -> Remittance:
    """Every payment of an 835 file, with findings where it is damaged or does not balance.

    Formula
        line: SVC02 - sum of its CAS = SVC03
        claim: CLP03 - sum of all CAS of the claim and its lines = CLP04
        payment: sum of CLP04 - sum of PLB = BPR02

    Counts
        Complete segments only. An amount that was not sent is 0, as the standard says; one that cannot
        be read is 0 with the finding `unreadable_amount`.

    Source
        ASC X12 005010X221, balancing (sections 1.10.2.1)

    Raises
        SourceError where the file is not X12 or holds no 835.

    >>> remittance = read_835(b"ST*835*1~BPR*I*80.10*C*CHK~TRN*1*77~"
    ...     b"CLP*A1*1*100*80.10~CAS*CO*45*19.90~SE*6*1~")
    >>> remittance.claims[["claim_id", "charge_cents", "paid_cents"]].values.tolist()
    [['A1', 10000, 8010]]
    >>> remittance.findings["rule"].tolist()
    ['missing_header']
    """
    segments = read_segments(source)
    rows = transactions(segments, "835")
    created = _created(rows)
    rows = _placed(rows.filter(pl.col("transaction") > 0))
    claims, lines = _claims(rows), _lines(rows)
    adjustments, provider = _adjustments(rows), _provider_adjustments(rows)
    payments = _with_sums(_payments(rows, created), claims, provider)
    findings = gathered(
        [
            check_envelopes(segments, payments.select(segment="first_segment", amount="paid_cents")),
            *remit_checks.check_reading(rows, payments, claims, lines, adjustments, provider),
            *remit_checks.check_balances(payments, claims, lines, adjustments),
        ]
    )
    lines = lines.rename({"claim": "claim_index"})
    adjustments = adjustments.rename({"claim": "claim_index", "line": "line_index"})
    return remittance((payments, claims, lines, adjustments, provider), findings)


def remittance(frames: Sequence[pl.DataFrame], findings: pl.DataFrame) -> Remittance:
    """Payments, claims, lines, adjustments and provider adjustments, and findings, with types that every file has."""
    parts = [_frame(frame, columns) for frame, columns in zip(frames, FRAMES, strict=True)]
    return Remittance(*[*parts, to_pandas(findings, ("amount_cents", "transaction", "position", "segment"))])


def _frame(rows: pl.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    return to_pandas(rows.select(columns), _MAY_BE_EMPTY)


# --- which claim and line a segment belongs to ------------------------------------------------------


def _placed(rows: pl.DataFrame) -> pl.DataFrame:
    """The segments with `claim` and `line` (counted from 0 through the file), empty outside of any.

    A segment belongs to the last CLP of its own transaction, and to the last SVC behind that CLP.
    """
    is_claim = pl.col("id") == "CLP"
    rows = rows.with_columns(
        claim=is_claim.cum_sum().cast(pl.Int64) - 1,
        _transaction=pl.when(is_claim).then("transaction").forward_fill(),
        _claim_at=pl.when(is_claim).then("number").forward_fill(),
    ).with_columns(claim=pl.when(pl.col("_transaction") == pl.col("transaction")).then("claim"))
    is_line = (pl.col("id") == "SVC") & pl.col("claim").is_not_null()
    rows = rows.with_columns(
        line=is_line.cum_sum().cast(pl.Int64) - 1, _line_at=pl.when(is_line).then("number").forward_fill()
    )
    on_line = pl.col("claim").is_not_null() & (pl.col("_line_at") > pl.col("_claim_at"))
    return rows.with_columns(line=pl.when(on_line).then("line")).drop("_transaction", "_claim_at", "_line_at")


# --- payments ---------------------------------------------------------------------------------------


def _created(rows: pl.DataFrame) -> pl.DataFrame:
    """The day on which each transaction's functional group, else its interchange, was made."""
    heads = elements(
        rows.filter(pl.col("id").is_in(["ISA", "GS"]) | (pl.col("transaction") > 0).and_(pl.col("id") == "ST")), 9
    )
    heads = heads.with_columns(
        group_on=day(pl.when(pl.col("id") == "GS").then("e4")).forward_fill().over("piece"),
        interchange_on=day(pl.when(pl.col("id") == "ISA").then("e9")).forward_fill().over("piece"),
    )
    return heads.filter(pl.col("id") == "ST").select("transaction", made_on=pl.coalesce("group_on", "interchange_on"))


def _payments(rows: pl.DataFrame, created: pl.DataFrame) -> pl.DataFrame:
    fingerprints = _fingerprints(rows)
    ends = pl.col("number").filter(pl.col("id") == "SE").first()
    payments = rows.group_by("transaction", maintain_order=True).agg(
        first_segment=pl.col("number").first(),
        segments=ends.fill_null(pl.col("number").last()) - pl.col("number").first() + 1,
    )
    head = rows.filter(pl.col("claim").is_null())
    sent = elements(head.filter(pl.col("id") == "BPR"), 16).unique("transaction", keep="first", maintain_order=True)
    sent = sent.select(
        "transaction",
        *money("e2", "paid"),
        paid_on=day(pl.col("e16")),
        direction="e3",
        handling="e1",
        method="e4",
        sender="e10",
        payment_segment="number",
        is_date_unread=pl.col("e16").is_not_null() & day(pl.col("e16")).is_null(),
    )
    trace = elements(head.filter(pl.col("id") == "TRN"), 3)
    start = elements(head.filter(pl.col("id") == "ST"), 2)
    made = said(head, "DTM", ["405"], 2)
    payments = beside(
        payments,
        "transaction",
        sent,
        created,
        _parties(head),
        fingerprints,
        first_said(trace, "transaction", trace=pl.col("e2"), originator=pl.col("e3")),
        first_said(start, "transaction", control_number=pl.col("e2")),
        first_said(made, "transaction", produced_on=day(pl.col("e2"))),
    )
    return payments.with_columns(
        paid_cents=pl.col("paid_cents").fill_null(0),
        payer_id=pl.coalesce("payer_code", "payer_reference", "sender", "originator"),
        created_on=pl.coalesce("made_on", "produced_on"),
        segment=pl.coalesce("payment_segment", "first_segment"),
        payee_tax_id=pl.coalesce("payee_tax_id", "payee_reference"),
    )


def _parties(head: pl.DataFrame) -> pl.DataFrame:
    """Payer and payee of each payment: N1 with the REF behind it."""
    rows = elements(head.filter(pl.col("id").is_in(["N1", "REF"])), 4)
    party = pl.when(pl.col("id") == "N1").then("e1").forward_fill().over("transaction")
    rows = rows.with_columns(party=party)
    names, references = rows.filter(pl.col("id") == "N1"), rows.filter(pl.col("id") == "REF")
    payer, payee = names.filter(pl.col("e1") == "PR"), names.filter(pl.col("e1") == "PE")
    parts = (
        first_said(payer, "transaction", payer=pl.col("e2")),
        first_said(payer, "transaction", payer_code=pl.col("e4")),
        first_said(
            references.filter((pl.col("party") == "PR") & (pl.col("e1") == "2U")),
            "transaction",
            payer_reference=pl.col("e2"),
        ),
        first_said(payee.filter(pl.col("e3") == "XX"), "transaction", payee_npi=pl.col("e4")),
        first_said(payee, "transaction", payee=pl.col("e2")),
        first_said(payee.filter(pl.col("e3") == "FI"), "transaction", payee_tax_id=pl.col("e4")),
        first_said(
            references.filter((pl.col("party") == "PE") & (pl.col("e1") == "TJ")),
            "transaction",
            payee_reference=pl.col("e2"),
        ),
    )
    return beside(head.select("transaction").unique(maintain_order=True), "transaction", *parts)


def _fingerprints(rows: pl.DataFrame) -> pl.DataFrame:
    body = rows.select("transaction", said=pl.struct("id", "elements").hash()).filter(
        (rows["id"] != "ST") & (rows["id"] != "SE")
    )
    whole = rows["transaction"].unique(maintain_order=True)
    ends = body["transaction"].search_sorted(whole, side="right")
    said = body["said"].to_numpy()
    hashes = [hashlib.sha256(said[start:end].tobytes()).hexdigest() for start, end in pairwise([0, *ends])]
    return pl.DataFrame([whole, pl.Series("fingerprint", hashes, dtype=pl.String)])


def _with_sums(payments: pl.DataFrame, claims: pl.DataFrame, provider: pl.DataFrame) -> pl.DataFrame:
    sums = (
        claims.group_by("transaction").agg(claims_paid_cents=pl.col("paid_cents").sum()),
        provider.group_by("transaction").agg(provider_adjustment_cents=pl.col("amount_cents").sum()),
    )
    payments = beside(payments, "transaction", *sums)
    return payments.with_columns(pl.col("claims_paid_cents", "provider_adjustment_cents").fill_null(0))


# --- claims and lines -------------------------------------------------------------------------------


def _claims(rows: pl.DataFrame) -> pl.DataFrame:
    claims = elements(rows.filter(pl.col("id") == "CLP"), 9).select(
        "transaction",
        "claim",
        *money("e3", "charge"),
        *money("e4", "paid"),
        *money("e5", "patient_responsibility"),
        position=place_within("transaction"),
        claim_id="e1",
        status="e2",
        filing="e6",
        payer_claim_id="e7",
        frequency="e9",
        segment="number",
    )
    claims = claims.with_columns(
        patient_responsibility_cents=pl.when(pl.col("patient_responsibility_fault").is_null()).then(
            "patient_responsibility_cents"
        )
    )
    detail = rows.filter(pl.col("claim").is_not_null() & pl.col("line").is_null())
    people = said(detail, "NM1", ["82", "TT"], 9)
    rendering = people.filter((pl.col("e1") == "82") & (pl.col("e8") == "XX"))
    forwarded = people.filter((pl.col("e1") == "TT") & (pl.col("e2") == "2"))
    dates = said(detail, "DTM", ["232", "233"], 2)
    return beside(
        claims,
        "claim",
        first_said(rendering, "claim", rendering_npi=pl.col("e9")),
        first_said(forwarded, "claim", crossover_payer=pl.col("e3")),
        first_said(dates.filter(pl.col("e1") == "232"), "claim", service_from=day(pl.col("e2"))),
        first_said(dates.filter(pl.col("e1") == "233"), "claim", service_to=day(pl.col("e2"))),
        first_said(said(detail, "AMT", ["I"], 2), "claim", interest_cents=cents(pl.col("e2"))),
        _claim_remarks(detail),
    )


def _claim_remarks(detail: pl.DataFrame) -> pl.DataFrame:
    """Remark codes of a claim: MOA03 to 07 (professional), MIA05 and 20 to 23 (inpatient)."""
    outpatient = elements(detail.filter(pl.col("id") == "MOA"), 7)
    inpatient = elements(detail.filter(pl.col("id") == "MIA"), 23)
    both = pl.concat(
        [
            outpatient.select("claim", words=concatenated([f"e{place}" for place in range(3, 8)], " ")),
            inpatient.select("claim", words=concatenated(["e5", *(f"e{place}" for place in range(20, 24))], " ")),
        ]
    )
    return both.drop_nulls().group_by("claim", maintain_order=True).agg(remark_codes=pl.col("words").str.join(" "))


def _lines(rows: pl.DataFrame) -> pl.DataFrame:
    lines = elements(rows.filter((pl.col("id") == "SVC") & pl.col("claim").is_not_null()), 7)
    lines = components(components(lines, "e1", 6, "procedure"), "e6", 6, "submitted").select(
        "transaction",
        "claim",
        "line",
        *money("e2", "charge"),
        *money("e3", "paid"),
        position=place_within("claim"),
        procedure=pl.coalesce("procedure2", "procedure1"),
        modifiers=concatenated(["procedure3", "procedure4", "procedure5", "procedure6"], ":"),
        revenue_code=pl.coalesce("e4", pl.when(pl.col("procedure1") == "NU").then("procedure2")),
        submitted_procedure="submitted2",
        submitted_modifiers=concatenated(["submitted3", "submitted4", "submitted5", "submitted6"], ":"),
        submitted_units=number(pl.col("e7")),
        units=number(pl.coalesce("e5", pl.lit("1"))),
        segment="number",
    )
    detail = rows.filter(pl.col("line").is_not_null() & pl.col("id").is_in(["DTM", "REF", "AMT", "LQ"]))
    days = said(detail, "DTM", ["472", "150"], 2)
    days = days.select("line", "e1", is_said=pl.col("e2").is_not_null(), on=day(pl.col("e2")))
    unread = days.filter("is_said", pl.col("on").is_null()).select("line", is_date_unread=True).unique()
    remarks = said(detail, "LQ", ["HE"], 2).filter(pl.col("e2").is_not_null())
    lines = beside(
        lines,
        "line",
        first_said(days.filter(pl.col("e1") == "472"), "line", service_472=pl.col("on")),
        first_said(days.filter(pl.col("e1") == "150"), "line", service_150=pl.col("on")),
        unread,
        first_said(said(detail, "REF", ["6R"], 2), "line", control_number=pl.col("e2")),
        first_said(said(detail, "AMT", ["B6"], 2), "line", allowed_cents=cents(pl.col("e2"))),
        remarks.group_by("line", maintain_order=True).agg(remark_codes=pl.col("e2").str.join(" ")),
    )
    return lines.with_columns(
        line_number=pl.coalesce(pl.col("control_number").cast(pl.Int64, strict=False), "position"),
        service_on=pl.coalesce("service_472", "service_150"),
        is_date_unread=pl.col("is_date_unread").fill_null(False),
    )


# --- adjustments ------------------------------------------------------------------------------------


def _adjustments(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per CAS triplet that says anything, in the order of the file."""
    rows = rows.filter((pl.col("id") == "CAS") & pl.col("claim").is_not_null())
    triplets = max(1, (widest(rows) + 1) // 3)
    rows = elements(rows, 1 + 3 * triplets)
    parts = [
        rows.filter(pl.col(f"e{place}").is_not_null() | pl.col(f"e{place + 1}").is_not_null()).select(
            "transaction",
            "claim",
            "line",
            pl.lit(place).alias("place"),
            *money(f"e{place + 1}", "amount"),
            group="e1",
            carc=f"e{place}",
            quantity=number(pl.col(f"e{place + 2}")),
            segment="number",
        )
        for place in range(2, 2 + 3 * triplets, 3)
    ]
    rows = pl.concat(parts).sort("segment", "place")
    return rows.with_columns(position=place_within("claim"))


def _provider_adjustments(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per PLB pair that says anything, in the order of the file."""
    rows = rows.filter(pl.col("id") == "PLB")
    pairs = max(1, (widest(rows) - 1) // 2)
    rows = elements(rows, 2 + 2 * pairs)
    parts = [
        rows.filter(pl.col(f"e{place}").is_not_null() | pl.col(f"e{place + 1}").is_not_null()).select(
            "transaction",
            pl.lit(place).alias("place"),
            *money(f"e{place + 1}", "amount"),
            pl.col(f"e{place}").alias("why"),
            provider_id="e1",
            fiscal_year_end=day(pl.col("e2")),
            segment="number",
        )
        for place in range(3, 3 + 2 * pairs, 2)
    ]
    rows = components(pl.concat(parts).sort("segment", "place"), "why", 2, "why")
    rows = rows.rename({"why1": "reason", "why2": "reference"})
    return rows.with_columns(position=place_within("transaction"))
