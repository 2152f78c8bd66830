"""837 claims (professional, institutional, dental): what was billed, to whom, when, for how much.

No diagnosis, no name and no birth date is read. The loops of an 837 are nested by HL segments:
billing provider (20), subscriber (22), patient (23). Running counts of them say under which provider,
subscriber and patient every claim stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import polars as pl

from .envelope import check_envelopes
from .segments import (
    ELEMENT,
    beside,
    components,
    concatenated,
    elements,
    first_said,
    place_within,
    read_segments,
    said,
    transactions,
)
from .values import day, dollars, findings, gathered, money, number, to_pandas

HEAD_COLUMNS = (
    "transaction",
    "submitted_on",
    "claim_id",
    "payer",
    "payer_id",
    "payer_order",
    "frequency",
    "charge_cents",
    "claim_type",
    "billing_npi",
    "rendering_npi",
    "place_of_service",
    "service_on",
    "position",
    "patient",
    "relationship",
    "purpose",
    "is_predetermination",
    "original_reference",
    "interchange_control",
    "group_control",
    "transaction_control",
    "batch",
    "segment",
)
LINE_COLUMNS = (
    "transaction",
    "claim_index",
    "position",
    "line_number",
    "control_number",
    "procedure",
    "modifiers",
    "revenue_code",
    "units",
    "unit",
    "charge_cents",
    "service_on",
    "place_of_service",
    "segment",
)
_ORDERS = {"P": "primary", "S": "secondary", "T": "tertiary"} | dict.fromkeys("ABCDEFGH", "tertiary")
_TYPES = {
    "X222": "professional",
    "X291": "professional",
    "X298": "professional",
    "X098": "professional",
    "X223": "institutional",
    "X292": "institutional",
    "X299": "institutional",
    "X096": "institutional",
    "X224": "dental",
    "X300": "dental",
    "X097": "dental",
}
_SERVICES = {"SV1": "professional", "SV2": "institutional", "SV3": "dental"}


@dataclass(frozen=True)
class Claims837:
    """The frames of one 837 file; the row number of `submissions` is `claim_index`.

    submissions
        One row per claim (CLM): `transaction` (1, 2, ... in the file), `position` (from 1 in it),
        `submitted_on` (BHT04, else GS04 or ISA09), `claim_id` (CLM01), `payer` and `payer_id` (NM1*PR
        of the destination), `payer_order` (SBR01 of the destination), `frequency` (CLM05-3),
        `charge_cents` (CLM02), `claim_type`, `billing_npi`, `rendering_npi`, `place_of_service`
        (CLM05-1), `service_on` (first day of its lines, else DTP*472, 434 or 435), `patient` (id in
        NM1*QC, else member id of the subscriber, raw), `relationship` (PAT01, else SBR02: 18 self),
        `purpose` (BHT06: CH chargeable, RP reporting), `is_predetermination` (CLM19), `original_reference`
        (REF*F8), `interchange_control` (ISA13), `group_control` (GS06), `transaction_control` (ST02),
        `batch` (BHT03), `segment`.
    lines
        One row per service (SV1, SV2, SV3): `transaction`, `claim_index`, `position` (from 1 in the
        claim), `line_number` (LX01, else the position), `control_number` (REF*6R), `procedure`,
        `modifiers` (joined by ':'), `revenue_code`, `units`, `unit` (UN, MJ, ...), `charge_cents`,
        `service_on` (else that of the claim), `place_of_service`.
    findings
        As in `remit835.Remittance`.
    """

    submissions: pd.DataFrame
    lines: pd.DataFrame
    findings: pd.DataFrame


def read_837(source: Path | str | bytes) -> Claims837:
    """Every claim of an 837 file, with findings where it is damaged or does not add up.

    Formula
        claim: CLM02 = sum of SV102, SV203 or SV302 of its lines

    Source
        ASC X12 005010X222, X223 and X224; 004010X098, X096 and X097

    Raises
        SourceError where the file is not X12 or holds no 837.

    >>> claims = read_837(b"ST*837*1~BHT*0019*00*1*20260105*1200*CH~HL*1**20*1~HL*2*1*22*0~SBR*S*18~"
    ...     b"CLM*A1*120***11:B:1~LX*1~SV1*HC:99213:25*120*UN*1~DTP*472*D8*20260102~SE*10*1~")
    >>> claims.submissions[["claim_id", "payer_order", "charge_cents", "frequency"]].values.tolist()
    [['A1', 'secondary', 12000, '1']]
    """
    segments = read_segments(source)
    rows = transactions(segments, "837")
    heads = heads_of(rows)
    rows = _placed(rows.filter(pl.col("transaction") > 0))
    lines = _lines(rows)
    claims = _claims(rows, heads, lines)
    from_claim = claims.select("claim", claim_service_on="service_on")
    lines = beside(lines, "claim", from_claim).with_columns(service_on=pl.coalesce("service_on", "claim_service_on"))
    billed = claims.group_by("transaction").agg(amount=pl.col("charge_cents").sum())
    billed = rows.filter(id="ST").select("transaction", segment="number").join(billed, on="transaction", how="left")
    found = gathered([check_envelopes(segments, billed.fill_null(0)), *_check(rows, claims, lines)])
    return Claims837(
        to_pandas(claims.select(HEAD_COLUMNS)),
        to_pandas(lines.rename({"claim": "claim_index"}).select(LINE_COLUMNS)),
        to_pandas(found, ("amount_cents", "transaction", "position", "segment")),
    )


def heads_of(rows: pl.DataFrame) -> pl.DataFrame:
    """What the envelope says of each transaction: day of making, version, purpose, and its control numbers."""
    wanted = pl.col("id").is_in(["ISA", "GS"]) | ((pl.col("transaction") > 0) & pl.col("id").is_in(["ST", "BHT"]))
    heads = elements(rows.filter(wanted), 13)

    def latest(segment: str, value: pl.Expr) -> pl.Expr:
        return pl.when(pl.col("id") == segment).then(value).forward_fill().over("piece")

    heads = heads.with_columns(
        group_on=latest("GS", day(pl.col("e4"))),
        interchange_on=latest("ISA", day(pl.col("e9"))),
        group_version=latest("GS", pl.col("e8")),
        group_control=latest("GS", pl.col("e6")),
        interchange_control=latest("ISA", pl.col("e13")),
    )
    starts, begins = heads.filter(pl.col("id") == "ST"), heads.filter(pl.col("id") == "BHT")
    old = said(rows.filter(pl.col("transaction") > 0), "REF", ["87"], 2)
    heads = beside(
        starts.select(
            "transaction",
            "group_on",
            "interchange_on",
            "group_version",
            "group_control",
            "interchange_control",
            version="e3",
            transaction_control="e2",
        ),
        "transaction",
        first_said(
            begins,
            "transaction",
            begun_on=day(pl.col("e4")),
            purpose=pl.col("e6"),
            batch=pl.col("e3"),
            begun_as=pl.col("e1"),
        ),
        first_said(old, "transaction", old_version=pl.col("e2")),
    )
    version = pl.coalesce("version", "group_version", "old_version").str.extract(r"(X\d{3})")
    return heads.select(
        "transaction",
        "purpose",
        "begun_as",
        "batch",
        "interchange_control",
        "group_control",
        "transaction_control",
        guide=version,
        submitted_on=pl.coalesce("begun_on", "group_on", "interchange_on"),
        stated_type=version.replace_strict(_TYPES, default=None, return_dtype=pl.String),
    )


def _placed(rows: pl.DataFrame) -> pl.DataFrame:
    """The segments with the provider, subscriber, patient, claim and line under which they stand.

    `claim` and `line` count from 0 through the file and are empty outside of any. A claim ends at the
    next HL; a line starts at its SV1, SV2 or SV3. `other` marks the loop of another payer (SBR behind
    CLM), whose subscriber and payer are not those of the claim.
    """
    level = pl.when(pl.col("id") == "HL").then(pl.col("elements").str.split_exact(ELEMENT, 3).struct.field("field_2"))
    start = pl.col("id") == "ST"

    def last_seen(condition: pl.Expr) -> pl.Expr:
        return pl.when(condition).then("number").forward_fill().fill_null(-1)

    rows = rows.with_columns(level=level.str.strip_chars().fill_null("")).with_columns(
        provider=(start | (pl.col("level") == "20")).cum_sum(),
        subscriber=(start | pl.col("level").is_in(["20", "22"])).cum_sum(),
        patient=(start | pl.col("level").is_in(["20", "22", "23"])).cum_sum(),
        claim=(pl.col("id") == "CLM").cum_sum().cast(pl.Int64) - 1,
        claim_at=last_seen(pl.col("id") == "CLM"),
        level_at=last_seen(start | (pl.col("id") == "HL")),
        other_at=last_seen(pl.col("id") == "SBR"),
        number_at=last_seen(pl.col("id") == "LX"),
    )
    rows = rows.with_columns(claim=pl.when(pl.col("claim_at") > pl.col("level_at")).then("claim"))
    is_line = pl.col("id").is_in(list(_SERVICES)) & pl.col("claim").is_not_null()
    rows = rows.with_columns(line=is_line.cum_sum().cast(pl.Int64) - 1, line_at=last_seen(is_line))
    inside = pl.col("claim").is_not_null()
    return rows.with_columns(
        line=pl.when(inside & (pl.col("line_at") > pl.col("claim_at"))).then("line"),
        other=inside & (pl.col("other_at") > pl.col("claim_at")),
        has_number=pl.col("number_at") > pl.max_horizontal("claim_at", pl.col("line_at").shift(1).fill_null(-1)),
    ).drop("level", "level_at", "other_at", "line_at")


# --- claims -----------------------------------------------------------------------------------------


def _claims(rows: pl.DataFrame, heads: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    claims = elements(rows.filter((pl.col("id") == "CLM") & pl.col("claim").is_not_null()), 19)
    claims = components(claims, "e5", 3, "place").select(
        "transaction",
        "provider",
        "subscriber",
        "patient",
        "claim",
        *money("e2", "charge"),
        position=place_within("transaction"),
        claim_id="e1",
        place_of_service="place1",
        sent_frequency="place3",
        is_predetermination=(pl.col("e19") == "PB").fill_null(False),
        segment="number",
    )
    detail = rows.filter(pl.col("claim").is_not_null() & pl.col("line").is_null() & ~pl.col("other"))
    rendering = said(detail, "NM1", ["82"], 9).filter(pl.col("e8") == "XX")
    dates = said(detail, "DTP", ["472", "434", "435"], 3)
    claims = _with_parties(claims, rows.filter(pl.col("claim").is_null()))
    claims = beside(claims, "transaction", heads)
    claims = beside(
        claims,
        "claim",
        first_said(rendering, "claim", rendering_npi=pl.col("e9")),
        first_said(said(detail, "REF", ["F8"], 2), "claim", original_reference=pl.col("e2")),
        *(
            first_said(dates.filter(pl.col("e1") == which), "claim", **{f"on_{which}": day(pl.col("e3"))})
            for which in ("472", "434", "435")
        ),
        lines.group_by("claim").agg(first_on=pl.col("service_on").min(), line_type=pl.col("line_type").first()),
    )
    return claims.with_columns(
        service_on=pl.coalesce("first_on", "on_472", "on_434", "on_435"),
        claim_type=pl.coalesce("line_type", "stated_type"),
        frequency=pl.col("sent_frequency").str.replace(r"\.0+$", "").fill_null("1"),
        payer_order=pl.col("sent_order").replace_strict(_ORDERS, default="primary", return_dtype=pl.String),
        patient=pl.coalesce("patient_id", "member_id"),
        relationship=pl.coalesce("patient_relationship", "subscriber_relationship"),
    )


def _with_parties(claims: pl.DataFrame, outside: pl.DataFrame) -> pl.DataFrame:
    """Billing provider, destination payer, subscriber and patient: ids, and the payer's name."""
    billing = said(outside, "NM1", ["85"], 9).filter(pl.col("e8") == "XX")
    payers, members = said(outside, "NM1", ["PR"], 9), said(outside, "NM1", ["IL"], 9)
    patients, relations = said(outside, "NM1", ["QC"], 9), elements(outside.filter(pl.col("id") == "PAT"), 1)
    orders = elements(outside.filter(pl.col("id") == "SBR"), 2)
    claims = beside(claims, "provider", first_said(billing, "provider", billing_npi=pl.col("e9")))
    claims = beside(
        claims,
        "subscriber",
        first_said(payers, "subscriber", payer=pl.col("e3"), payer_id=pl.col("e9")),
        first_said(members, "subscriber", member_id=pl.col("e9")),
        first_said(orders, "subscriber", sent_order=pl.col("e1"), subscriber_relationship=pl.col("e2")),
    )
    return beside(
        claims,
        "patient",
        first_said(patients, "patient", patient_id=pl.col("e9")),
        first_said(relations, "patient", patient_relationship=pl.col("e1")),
    )


# --- lines ------------------------------------------------------------------------------------------


def _lines(rows: pl.DataFrame) -> pl.DataFrame:
    """Service lines: the same facts stand in other elements of SV1, SV2 and SV3."""
    services = rows.filter(pl.col("id").is_in(list(_SERVICES)) & pl.col("claim").is_not_null())
    where = {
        "SV1": ("e1", "e2", "e4", "e3", "e5", None),
        "SV2": ("e2", "e3", "e5", "e4", None, "e1"),
        "SV3": ("e1", "e2", "e6", None, "e3", None),
    }
    parts = []
    for service, (procedure, charge, units, unit, place, revenue) in where.items():
        part = elements(services.filter(pl.col("id") == service), 6)
        parts.append(
            components(part, procedure, 6, "procedure").select(
                "transaction",
                "claim",
                "line",
                "number_at",
                "has_number",
                *money(charge, "charge"),
                procedure=pl.coalesce("procedure2", "procedure1"),
                modifiers=concatenated(["procedure3", "procedure4", "procedure5", "procedure6"], ":"),
                units=number(pl.col(units)),
                unit=_or_empty(unit),
                place_of_service=_or_empty(place),
                revenue_code=_or_empty(revenue),
                line_type=pl.lit(_SERVICES[service]),
                segment="number",
            )
        )
    lines = pl.concat(parts).sort("line").with_columns(position=place_within("claim"))
    numbers = elements(rows.filter(pl.col("id") == "LX"), 1).select(
        number_at="number", stated=pl.col("e1").cast(pl.Int64, strict=False)
    )
    detail = rows.filter(pl.col("line").is_not_null())
    lines = beside(
        beside(lines, "number_at", numbers),
        "line",
        first_said(said(detail, "DTP", ["472"], 3), "line", service_on=day(pl.col("e3"))),
        first_said(said(detail, "REF", ["6R"], 2), "line", control_number=pl.col("e2")),
    )
    return lines.with_columns(line_number=pl.coalesce(pl.when("has_number").then("stated"), "position"))


def _or_empty(column: str | None) -> pl.Expr:
    return pl.col(column) if column else pl.lit(None, pl.String)


# --- findings ---------------------------------------------------------------------------------------


def _check(rows: pl.DataFrame, claims: pl.DataFrame, lines: pl.DataFrame) -> list[pl.DataFrame]:
    """Findings about claims: sums, amounts, and what a claim must say."""
    sums = lines.group_by("claim").agg(lines_cents=pl.col("charge_cents").sum())
    lines = beside(lines.rename({"position": "line_position"}), "claim", claims.select("claim", "position"))
    lost = rows.filter(pl.col("id").is_in(list(_SERVICES)) & pl.col("claim").is_null())
    lost = lost.rename({"number": "segment"})
    return [
        *_check_claims(beside(claims, "claim", sums)),
        *_faults(claims, "CLM02"),
        *_faults(lines, "The charge of the line"),
        findings("orphan_segment", lost, "A service line stands outside of any claim (CLM) and was left out."),
    ]


def _check_claims(claims: pl.DataFrame) -> list[pl.DataFrame]:
    charge, gap = pl.col("charge_cents"), pl.col("lines_cents") - pl.col("charge_cents")
    message = pl.format("The lines of the claim differ from its charge (CLM02) by {} USD.", dollars(gap))
    rules: list[tuple[str, pl.Expr, pl.Expr | str, pl.Expr | None]] = [
        ("claim_balance", gap != 0, message, gap),
        ("claim_without_lines", pl.col("lines_cents").is_null(), "The claim has no service line.", None),
        ("missing_claim_id", pl.col("claim_id").is_null(), "The claim has no id (CLM01).", None),
        ("negative_claim", charge < 0, "The charge (CLM02) is negative.", charge),
        (
            "unknown_payer_order",
            ~pl.col("sent_order").is_in(list(_ORDERS)).fill_null(False),
            "SBR01 does not say whether the payer is primary, secondary or tertiary; read as primary.",
            None,
        ),
        (
            "missing_frequency",
            pl.col("sent_frequency").is_null(),
            "CLM05-3 is empty; read as 1, an original claim.",
            None,
        ),
    ]
    return [findings(rule, claims.filter(broken), text, amount=amount) for rule, broken, text, amount in rules]


def _faults(rows: pl.DataFrame, element: str) -> list[pl.DataFrame]:
    fault = pl.col("charge_fault")
    unreadable = f"{element} is no amount of dollars and cents."
    return [
        findings("unreadable_amount", rows.filter(fault == "unreadable"), unreadable),
        findings("missing_amount", rows.filter(fault == "missing"), f"{element} is empty and was read as 0.00."),
    ]
