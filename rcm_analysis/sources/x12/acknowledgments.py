"""277CA, 277, 999, 997 and TA1: what clearinghouses and payers answer before they decide about a claim.

    TA1        the envelope (ISA13) was taken or refused
    999, 997   a group (GS06) or transaction (ST02) was taken or refused for its syntax
    277CA      a claim (CLM01), all of a provider, or a batch (BHT03) was taken, refused, or only received
    277        where a claim stands: not with the payer, undecided, decided

All are read into one frame of answers. The loops of a 277 are told by HL03; files that write HL03 as 22 instead of
PT, or no HL at all, are read too. No name, birth date or member id is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import polars as pl

from ...errors import SourceError
from ...tables.reference.claim_status import CATEGORIES, FAILED, PASSED, PENDING, category_of
from .claim837 import heads_of
from .envelope import check_envelopes
from .segments import ELEMENT, components, elements, first_said, read_segments, said, transactions
from .values import cents, day, dollars, findings, gathered, to_pandas

ANSWERS = {
    "transaction": pl.Int64,
    "kind": pl.String,
    "level": pl.String,
    "result": pl.String,
    "claim_number": pl.String,
    "other_number": pl.String,
    "batch": pl.String,
    "interchange_control": pl.String,
    "group_control": pl.String,
    "transaction_control": pl.String,
    "billing_npi": pl.String,
    "status_codes": pl.String,
    "charge_cents": pl.Int64,
    "charge_fault": pl.String,
    "payer_claim_id": pl.String,
    "service_on": pl.Date,
    "said_by": pl.String,
    "answered_on": pl.Date,
    "received_on": pl.Date,
    "segment": pl.Int64,
}
_LEVELS = {"20": "batch", "21": "batch", "19": "provider"}
_REFUSED, _TAKEN = ("R", "M", "W", "X"), ("A", "E")
_CLAIMS = "HC"


@dataclass(frozen=True)
class Acknowledgments:
    """The frames of one file.

    answers
        One row per claim, provider, batch, transaction, group or interchange answered, with the columns of
        `tables.schema.ACKNOWLEDGMENTS` as sent, `transaction` (1, 2, ... in the file), `charge_fault` (why an
        amount could not be read) and `segment`.
    findings
        As in `remit835.Remittance`.
    """

    answers: pd.DataFrame
    findings: pd.DataFrame


def _result(answers: pl.DataFrame, found: list[pl.DataFrame]) -> Acknowledgments:
    absent = [pl.lit(None).alias(name) for name in ANSWERS if name not in answers.columns]
    answers = answers.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in ANSWERS.items())
    return Acknowledgments(
        to_pandas(answers.sort("segment"), ("charge_cents",)),
        to_pandas(gathered(found), ("amount_cents", "transaction", "position", "segment")),
    )


# --- 277CA and 277 ----------------------------------------------------------------------------------


def read_277(source: Path | str | bytes) -> Acknowledgments:
    """Every answer of a claim acknowledgment (277CA) or claim status response (277).

    Formula
        failed where the action is U (STC03) or a category says so; passed where a category does, where a 277CA takes
        the claim (WQ) with a category that we do not know, and where a clearinghouse (NM1*AY), which decides nothing,
        takes it with A0 or A1; else pending
        AMT*YU of a batch = charges of its claims that did not fail, AMT*YY = of those that did

    Source
        ASC X12 005010X214 and 005010X212

    Raises
        SourceError where the file is not X12 or holds no 277.

    >>> found = read_277(b"ST*277*1*005010X214~BHT*0085*08*7*20261102*0915*TH~HL*1**20*1~NM1*PR*2*NORTH~HL*4*3*PT~"
    ...     b"TRN*2*PCN5002~STC*A7:562:85*20261102*U*200~SE*8*1~").answers
    >>> found[["kind", "claim_number", "result", "status_codes", "charge_cents"]].values.tolist()
    [['277CA', 'PCN5002', 'failed', 'A7:562:85', 20000]]
    """
    segments = read_segments(source)
    rows = transactions(segments, "277")
    heads = heads_of(rows)
    rows = _placed(rows.filter(pl.col("transaction") > 0))
    statuses = _statuses(rows)
    units = _units(rows, heads).join(_summed(statuses), on="unit", how="left", maintain_order="left")
    answers = _judged(units)
    answers = answers.filter((pl.col("level") == "claim") | pl.col("status_codes").is_not_null())
    lost = statuses.filter(pl.col("unit_id").is_in(["ST", "HL"]) & (pl.col("level") == "claim"))
    found = [
        check_envelopes(segments),
        findings(
            "orphan_segment",
            lost.rename({"number": "segment"}),
            "A status (STC) stands outside of any claim (TRN) and was left out.",
            amount=cents(pl.col("e4")),
        ),
        _check_totals(rows, answers),
    ]
    return _result(answers, found)


def _placed(rows: pl.DataFrame) -> pl.DataFrame:
    """The segments with the loop in which they stand: `unit`, its first segment, its level, and above it `batch_at`."""
    third = pl.col("elements").str.split_exact(ELEMENT, 3).struct.field("field_2").str.strip_chars()
    is_start = pl.col("id").is_in(["ST", "HL"])
    levels = pl.when(pl.col("id") == "HL").then(third.replace_strict(_LEVELS, default="claim"))
    rows = rows.with_columns(level=pl.when(pl.col("id") == "ST").then(pl.lit("claim")).otherwise(levels).forward_fill())
    begins = is_start | ((pl.col("id") == "TRN") & (pl.col("level") == "claim"))
    above = (pl.col("id") == "HL") & (third == "21") | (pl.col("id") == "ST")
    rows = rows.with_columns(unit=begins.cum_sum(), batch_at=above.cum_sum())
    provider = (pl.col("id") == "HL") & (third.is_in(["21", "19"])) | (pl.col("id") == "ST")
    return rows.with_columns(
        unit_id=pl.col("id").first().over("unit"),
        provider_at=provider.cum_sum(),
        in_line=(pl.col("id") == "SVC").cum_sum().over("unit") > 0,
    )


def _units(rows: pl.DataFrame, heads: pl.DataFrame) -> pl.DataFrame:
    """One row per loop that can hold a status, with what it and the loops above it say."""
    traces = elements(rows.filter(pl.col("id") == "TRN"), 2)
    references = said(rows, "REF", ["1K", "EJ"], 2)
    names = said(rows, "NM1", ["AY", "PR", "85", "1P"], 9)
    is_provider = pl.col("e1").is_in(["85", "1P"]) & (pl.col("e8") == "XX")
    starts = rows.filter(pl.col("unit") != pl.col("unit").shift(1).fill_null(0)).select(
        "transaction", "unit", "unit_id", "level", "batch_at", "provider_at", segment="number"
    )
    parts = {
        "unit": [
            first_said(traces, "unit", trace=pl.col("e2")),
            first_said(references.filter(e1="1K"), "unit", payer_claim_id=pl.col("e2")),
            first_said(references.filter(e1="EJ"), "unit", account=pl.col("e2")),
            first_said(said(rows, "DTP", ["472"], 3), "unit", service_on=day(pl.col("e3"))),
            first_said(said(rows, "AMT", ["YY"], 2), "unit", refused_cents=cents(pl.col("e2"))),
        ],
        "provider_at": [first_said(names.filter(is_provider), "provider_at", billing_npi=pl.col("e9"))],
        "batch_at": [first_said(traces.filter(level="batch"), "batch_at", batch=pl.col("e2"))],
        "transaction": [
            first_said(names.filter(pl.col("e1").is_in(["AY", "PR"])), "transaction", source=pl.col("e1")),
            heads.select("transaction", "guide", "begun_as", received_on="submitted_on"),
        ],
    }
    for key, frames in parts.items():
        for frame in frames:
            starts = starts.join(frame, on=key, how="left", maintain_order="left")
    is_acknowledgment = pl.coalesce(pl.col("guide").is_in(["X214", "X167"]), pl.col("begun_as") == "0085", False)
    starts = starts.filter((pl.col("unit_id") == "TRN") | (pl.col("level") != "claim"))
    own, other = pl.col("account"), pl.col("trace")
    first = pl.when(is_acknowledgment).then(pl.coalesce(other, own)).otherwise(pl.coalesce(own, other))
    is_claim = pl.col("level") == "claim"
    return starts.with_columns(
        kind=pl.when(is_acknowledgment).then(pl.lit("277CA")).otherwise(pl.lit("277")),
        claim_number=pl.when(is_claim).then(first),
        other_number=pl.when(is_claim, own != other).then(pl.when(is_acknowledgment).then(own).otherwise(other)),
        said_by=pl.when(pl.col("source") == "AY").then(pl.lit("clearinghouse")).otherwise(pl.lit("payer")),
    )


def _statuses(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per STC: its codes, joined, and what they say."""
    rows = elements(rows.filter(pl.col("id") == "STC"), 11)
    for place in ("e1", "e10", "e11"):
        rows = components(rows, place, 3, f"{place}_")
        codes = [f"{place}_{number}" for number in (1, 2, 3)]
        rows = rows.with_columns(pl.concat_str(codes, separator=":", ignore_nulls=True).alias(f"{place}_codes"))
    codes = [pl.when(pl.col(f"{place}_codes") != "").then(f"{place}_codes") for place in ("e1", "e10", "e11")]
    known = {code: category_of(code)[0] for place in ("e1", "e10", "e11") for code in rows[f"{place}_1"].drop_nulls()}
    worth = [
        pl.col(f"{place}_1").replace_strict(known, default=None, return_dtype=pl.String)
        for place in ("e1", "e10", "e11")
    ]
    fails = (pl.col("e3") == "U").fill_null(False) | pl.any_horizontal(
        (one == FAILED).fill_null(False) for one in worth
    )
    is_taken = (pl.col("e3") == "WQ").fill_null(False)
    return rows.with_columns(
        codes=pl.concat_str(codes, separator=" ", ignore_nulls=True),
        fails=fails,
        passes=pl.any_horizontal((one == PASSED).fill_null(False) for one in worth),
        received=is_taken & pl.col("e1_1").is_in(["A0", "A1"]),
        unknown=is_taken & ~pl.col("e1_1").is_in(list(CATEGORIES)),
    )


def _summed(statuses: pl.DataFrame) -> pl.DataFrame:
    """One row per loop: its codes (those of its lines too where it fails), what they make of it, its charge and day."""
    own = ~pl.col("in_line")
    charge = cents(pl.col("e4"))
    return (
        statuses.with_columns(charge=charge, codes=pl.when(pl.col("codes") != "").then("codes"))
        .group_by("unit", maintain_order=True)
        .agg(
            status_codes=pl.col("codes").filter(own).drop_nulls().unique(maintain_order=True).str.join(" "),
            all_codes=pl.col("codes").drop_nulls().unique(maintain_order=True).str.join(" "),
            **{name: (own & pl.col(name)).any() for name in ("fails", "passes", "received", "unknown")},
            charge_cents=pl.col("charge").filter(own).drop_nulls().first(),
            unread=(own & pl.col("e4").is_not_null() & pl.col("charge").is_null()).any(),
            answered_on=day(pl.col("e2").filter(own).drop_nulls().first()),
        )
        .with_columns(status_codes=pl.when(pl.col("fails")).then("all_codes").otherwise("status_codes"))
        .with_columns(status_codes=pl.when(pl.col("status_codes") != "").then("status_codes"))
    )


def _judged(units: pl.DataFrame) -> pl.DataFrame:
    """What each answer makes of what it answers, and its dollars."""
    passes = (
        pl.col("passes")
        | (pl.col("received") & (pl.col("said_by") == "clearinghouse"))
        | (pl.col("unknown") & (pl.col("kind") == "277CA"))
    )
    fails = pl.col("fails").fill_null(False)
    return units.with_columns(
        result=pl.when(fails).then(pl.lit(FAILED)).when(passes).then(pl.lit(PASSED)).otherwise(pl.lit(PENDING)),
        charge_cents=pl.when(pl.col("level") == "claim")
        .then("charge_cents")
        .when(fails)
        .then(pl.coalesce("refused_cents", "charge_cents"))
        .otherwise("charge_cents"),
        charge_fault=pl.when(pl.col("unread").fill_null(False)).then(pl.lit("unreadable")),
    )


def _check_totals(rows: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """The dollars taken and refused that a batch states, against those of its claims and refused providers."""
    stated = said(rows.filter(level="batch"), "AMT", ["YU", "YY"], 2)
    stated = stated.with_columns(fails=pl.col("e1") == "YY", stated=cents(pl.col("e2"))).drop_nulls("stated")
    has_claims = pl.col("level").eq("claim").any().over("provider_at")
    told = answers.filter((pl.col("level") == "claim") | ((pl.col("level") == "provider") & ~has_claims))
    told = told.with_columns(fails=pl.col("result") == FAILED)
    sums = told.group_by("batch_at", "fails").agg(told=pl.col("charge_cents").sum())
    whole = answers.filter((pl.col("level") == "batch") & (pl.col("result") == FAILED)).select("batch_at")
    both = stated.join(whole, on="batch_at", how="anti").join(sums, on=["batch_at", "fails"], how="left")
    gap = pl.col("told").fill_null(0) - pl.col("stated")
    off = both.filter(gap != 0).rename({"number": "segment"})
    message = pl.format("The claims of the batch differ from its total (AMT*{}) by {} USD.", pl.col("e1"), dollars(gap))
    return findings("batch_balance", off, message, amount=gap)


# --- 999, 997 and TA1 -------------------------------------------------------------------------------


def read_999(source: Path | str | bytes, kind: str = "999") -> Acknowledgments:
    """Every answer of an implementation acknowledgment (999) or functional acknowledgment (997) to groups of claims.

    Formula
        failed where IK501 (AK501) or AK901 is R, M, W or X; passed where A or E; a group taken in part (P) is pending:
        its transactions say which
    Counts
        Groups of claims alone (AK101 HC); what answers other groups is counted in a finding.

    Source
        ASC X12 005010X231

    Raises
        SourceError where the file is not X12 or holds none of them.

    >>> found = read_999(b"ST*999*1~AK1*HC*451~AK2*837*0001~IK5*A~AK2*837*0002~IK5*R*5~AK9*P*2*2*1~SE*8*1~").answers
    >>> found[["level", "group_control", "result", "status_codes"]].values.tolist()[::2]
    [['group', '451', 'pending', '999:P'], ['transaction', '451', 'failed', '999:R:5']]
    """
    segments = read_segments(source)
    rows = transactions(segments, kind)
    heads = heads_of(rows)
    rows = rows.filter(pl.col("transaction") > 0)
    starts = pl.col("id").is_in(["ST", "AK1", "AK2"])
    rows = rows.with_columns(
        unit=starts.cum_sum(), group=pl.col("id").is_in(["ST", "AK1"]).cum_sum(), unit_id=pl.col("id")
    )
    heard = elements(rows.filter(pl.col("id").is_in(["AK1", "AK2", "IK5", "AK5", "AK9"])), 3)
    of_group = first_said(heard.filter(id="AK1"), "group", function=pl.col("e1"), group_control=pl.col("e2"))
    units = heard.filter(pl.col("id").is_in(["AK1", "AK2"])).join(of_group, on="group", how="left")
    ends = heard.with_columns(code=pl.concat_str(["e1", "e2"], separator=":", ignore_nulls=True))
    codes = [
        first_said(ends.filter(pl.col("id").is_in(["IK5", "AK5"])), "unit", own=pl.col("code")),
        first_said(elements(rows.filter(id="AK9"), 1), "group", whole=pl.col("e1")),
    ]
    units = units.join(codes[0], on="unit", how="left").join(codes[1], on="group", how="left")
    is_group = pl.col("id") == "AK1"
    code = pl.when(is_group).then("whole").otherwise("own")
    heads = heads.select("transaction", received_on="submitted_on")
    units = units.join(heads, on="transaction", how="left", maintain_order="left").with_columns(
        kind=pl.lit(kind),
        level=pl.when(is_group).then(pl.lit("group")).otherwise(pl.lit("transaction")),
        transaction_control=pl.when(~is_group).then("e2"),
        status_codes=pl.lit(f"{kind}:") + code,
        result=_taken(code.str.head(1)),
        said_by=pl.lit("clearinghouse"),
        segment="number",
    )
    ours = (pl.col("function") == _CLAIMS).fill_null(True)
    others = units.filter(~ours & is_group)
    message = "An answer to something else than claims (AK101) was left out."
    return _result(units.filter(ours), [check_envelopes(segments), findings("other_group", others, message)])


def _taken(code: pl.Expr) -> pl.Expr:
    return (pl.when(code.is_in(_REFUSED)).then(pl.lit(FAILED)).when(code.is_in(_TAKEN)).then(pl.lit(PASSED))).otherwise(
        pl.lit(PENDING)
    )


def read_997(source: Path | str | bytes) -> Acknowledgments:
    """`read_999` of a functional acknowledgment (997)."""
    return read_999(source, "997")


def read_ta1(source: Path | str | bytes) -> Acknowledgments:
    """Every interchange acknowledgment (TA1): the envelope of an 837 that was taken (A, E) or refused (R).

    Raises
        SourceError where the file is not X12 or holds no TA1.

    >>> header = b"ISA*00**00**ZZ*R*ZZ*S*261102*0912*^*00501*000000007*0*P*:~"
    >>> found = read_ta1(header + b"TA1*000000451*261102*0910*R*025~IEA*0*000000007~").answers
    >>> found[["interchange_control", "result", "status_codes"]].values.tolist()
    [['000000451', 'failed', 'TA1:R:025']]
    """
    segments = read_segments(source)
    rows = elements(segments.frame.filter(pl.col("id").is_in(["ISA", "TA1"])), 9)
    if not (rows["id"] == "TA1").any():
        raise SourceError(f"{segments.name} holds no TA1.")
    made_on = pl.when(pl.col("id") == "ISA").then(day(pl.col("e9"))).forward_fill().over("piece")
    answers = rows.with_columns(made_on=made_on).filter(id="TA1")
    answers = answers.with_columns(
        transaction=pl.int_range(1, pl.len() + 1),
        kind=pl.lit("TA1"),
        level=pl.lit("interchange"),
        interchange_control="e1",
        result=_taken(pl.col("e4").fill_null("")),
        status_codes=pl.lit("TA1:") + pl.concat_str(["e4", "e5"], separator=":", ignore_nulls=True),
        said_by=pl.lit("clearinghouse"),
        received_on=pl.coalesce("made_on", day(pl.col("e2"))),
        segment="number",
    )
    return _result(answers, [check_envelopes(segments)])


READERS = {"277": read_277, "999": read_999, "997": read_997, "TA1": read_ta1}
"""The reader of each transaction set."""
