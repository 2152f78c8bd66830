"""EOB and payment files of clearinghouses and payers: rows of a CSV or workbook, into remittances as an 835 has them.

A row is a claim, a service line or an adjustment of one. Rows of one check (number, payer and day) are one remittance:

    check    what the file says of its amount, else the sum of its claims
    claim    the rows of one claim number, payer's claim number and status within a check; of lines, their sum
    line     a row; where a row is an adjustment, what the file repeats of its claim or line counts once, and so does
             what each line repeats of its claim (columns that begin with `claim_`)
    reasons  group, reason and amount, up to five beside each other, "CO-45" in one cell too; contractual is CO 45,
             deductible PR 1, coinsurance PR 2, copay PR 3. Without any of these columns, charge less allowed is CO 45
             and what the patient owes is PR, reason "unspecified"

A remittance is then checked and stored as one from an 835, and found to be the same check where its 835 comes too.
"""

from __future__ import annotations

import polars as pl

from ...tables.schema_base import Table, columns

GRAINS = ("claim", "line", "adjustment")
UNSPECIFIED = "unspecified"
"""The reason of an adjustment of which the file says none."""

MOST_REASONS = 5


def _reasons(whose: str, of: str) -> list[tuple]:
    """The columns of up to five adjustments beside each other."""
    out: list[tuple] = []
    for end in _ends():
        out.append((f"{whose}group_code{end}", "text", f"group of an adjustment of {of}: CO, PR, OA, PI", True))
        out.append((f"{whose}carc{end}", "text", f"reason of an adjustment of {of}, with or without its group", True))
        out.append((f"{whose}adjustment_cents{end}", "cents", f"amount of an adjustment of {of}", True))
    return out


def _ends() -> list[str]:
    return ["", *(f"_{number}" for number in range(2, MOST_REASONS + 1))]


REMITTANCE_ROWS = Table(
    "remittance_rows",
    "one row per claim, line or adjustment of a payer's answer; stored as remittances",
    ("client",),
    columns(
        ("paid_cents", "cents", "paid for the claim or line", True),
        ("trace", "text", "check or EFT number", True),
        ("paid_on", "date", "day of the check", True),
        ("received_on", "date", "day on which the file was made", True),
        ("payer", "text", "payer's name"),
        ("payer_id", "text", "payer's id", True),
        ("payee", "text", "practice paid", True),
        ("payee_npi", "text", "its NPI", True),
        ("payee_tax_id", "text", "its tax id", True),
        ("method", "text", "ACH, CHK, NON", True),
        ("check_cents", "cents", "amount of the whole check", True),
        ("claim_id", "text", "patient control number"),
        ("status", "text", "as the 835 has it (1, 2, 3, 4, 19 to 23), or in words", True),
        ("payer_claim_id", "text", "payer's claim number", True),
        ("line_number", "text", "number of the line", True),
        ("procedure", "text", "CPT/HCPCS or revenue code", True),
        ("modifiers", "text", "modifiers joined by ':'", True),
        ("units", "number", "units paid", True),
        ("service_on", "date", "day of service", True),
        ("charge_cents", "cents", "billed for the claim or line", True),
        ("allowed_cents", "cents", "allowed", True),
        ("patient_responsibility_cents", "cents", "what the patient owes", True),
        ("contractual_cents", "cents", "contractual adjustment", True),
        ("deductible_cents", "cents", "deductible", True),
        ("coinsurance_cents", "cents", "coinsurance", True),
        ("copay_cents", "cents", "copay", True),
        *_reasons("", "the row"),
        ("claim_charge_cents", "cents", "billed for the whole claim, where each line repeats it", True),
        ("claim_paid_cents", "cents", "paid for the whole claim, where each line repeats it", True),
        *_reasons("claim_", "the whole claim, where each line repeats it"),
        ("remark_codes", "text", "remark codes, separated by blanks or commas", True),
    ),
    known_on="paid_on",
)

STATUSES = {
    "processed as primary": "1",
    "processed as secondary": "2",
    "processed as tertiary": "3",
    "denied": "4",
    "processed as primary, forwarded to additional payer(s)": "19",
    "processed as secondary, forwarded to additional payer(s)": "20",
    "processed as tertiary, forwarded to additional payer(s)": "21",
    "reversal of previous payment": "22",
    "reversal": "22",
    "reversed": "22",
    "primary": "1",
    "secondary": "2",
    "tertiary": "3",
    "paid": "1",
}
GROUPS = {
    "contractual": "CO",
    "contractual obligation": "CO",
    "contractual obligations": "CO",
    "patient responsibility": "PR",
    "other": "OA",
    "other adjustment": "OA",
    "other adjustments": "OA",
    "payer initiated": "PI",
    "payor initiated reductions": "PI",
    "payer initiated reductions": "PI",
}
METHODS = {"check": "CHK", "non_payment": "NON", "eft": "ACH"}
WIDE = (
    ("contractual_cents", "CO", "45"),
    ("deductible_cents", "PR", "1"),
    ("coinsurance_cents", "PR", "2"),
    ("copay_cents", "PR", "3"),
)
REASONS = ("carc", "claim_carc", *(name for name, *_ in WIDE))
"""Columns of which one is enough for the file to say why less was paid than billed."""
_CHECK = ["trace", "payer", "paid_on"]
_CLAIM = ["transaction", "claim_id", "payer_claim_id", "status"]
_LINE = ["line_number", "procedure", "modifiers", "service_on", "charge_cents", "paid_cents"]


def remittance_frames(rows: pl.DataFrame, grain: str) -> dict[str, pl.DataFrame]:
    """Payments, claims, lines and adjustments of the rows of one file, numbered as the reader of 835s numbers them.

    `grain` says what a row is. Claims have `claim`, lines `claim` and `line`, adjustments both, counted from 0.

    >>> row = {"claim_id": "A1", "payer": "Aetna", "trace": "9", "charge_cents": 10000, "paid_cents": 6400,
    ...        "group_code": "CO", "carc": "45", "adjustment_cents": 2000}
    >>> other = {**row, "group_code": "PR", "carc": "2", "adjustment_cents": 1600}
    >>> frames = remittance_frames(pl.DataFrame([row, other], schema=REMITTANCE_ROWS.polars), "adjustment")
    >>> frames["payments"]["paid_cents"].to_list(), frames["adjustments"]["amount_cents"].to_list()
    ([6400], [2000, 1600])
    """
    by_line = bool(rows["procedure"].count() or rows["line_number"].count())
    said = {name for name in REASONS if rows[name].count()}
    rows = _placed(_plain(rows), grain, by_line)
    units = rows.unique("unit", keep="first", maintain_order=True).with_columns(
        line=pl.when(pl.lit(by_line) & pl.col("charge_cents").is_not_null()).then("unit").rank("dense").cast(pl.Int64)
        - 1
    )
    claims = _claims(rows, units)
    lines = _lines(units, rows)
    adjustments = _adjustments(rows, units, said)
    return {"payments": _payments(rows, claims), "claims": claims, "lines": lines, "adjustments": adjustments}


def _plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Codes as the 835 writes them: status as a number, group and reason apart, remarks separated by blanks."""
    status, method = pl.col("status").str.to_lowercase(), pl.col("method").str.to_lowercase()
    codes = [_code(f"{whose}group_code{end}", f"{whose}carc{end}") for whose in ("", "claim_") for end in _ends()]
    return rows.with_row_index("at").with_columns(
        *(column for pair in codes for column in pair),
        status=status.replace(STATUSES).fill_null("1"),
        method=pl.coalesce(method.replace_strict(METHODS, default=None, return_dtype=pl.String), "method"),
        remark_codes=pl.col("remark_codes").str.replace_all(r"[\s,;|]+", " ").str.strip_chars(),
    )


def _code(group: str, carc: str) -> tuple[pl.Expr, pl.Expr]:
    both = pl.col(carc).str.extract_groups(r"^(?i)\s*(CO|PR|OA|PI|CR)[\s\-:]*([A-Z]?\d+)\s*$")
    alone = pl.coalesce(both.struct["2"], pl.col(carc).str.strip_chars())
    word = pl.coalesce(group, both.struct["1"]).str.to_lowercase().str.replace_all("_", " ", literal=True)
    return (
        word.replace(GROUPS).str.to_uppercase().alias(group),
        pl.when(alone.str.contains(r"^0+\d+$")).then(alone.str.strip_chars_start("0")).otherwise(alone).alias(carc),
    )


def _placed(rows: pl.DataFrame, grain: str, by_line: bool) -> pl.DataFrame:
    """The rows with the number of their check, claim and unit: what the file gives amounts for, once or repeated."""
    rows = rows.with_columns(transaction=_number(_CHECK) + 1)
    own = pl.col("at").cast(pl.Int64)
    if grain == "claim":
        return rows.with_columns(claim=own, unit=own)
    rows = rows.with_columns(claim=_number(_CLAIM))
    if grain == "line":
        return rows.with_columns(unit=own)
    rows = rows.with_columns(unit=_number(["claim", *(_LINE if by_line else ["charge_cents", "paid_cents"])]))
    # a claim with two pairs of sums within a check is two claim payments
    return rows if by_line else rows.with_columns(claim=pl.col("unit"))


def _number(names: list[str]) -> pl.Expr:
    """0, 1, ... for each set of equal values, in order of first appearance."""
    first = pl.col("at").min().over(names)
    return (first.rank("dense") - 1).cast(pl.Int64)


def _payments(rows: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    sums = claims.group_by("transaction").agg(claims_paid_cents=pl.col("paid_cents").sum())
    words = ("paid_on", "trace", "payer", "payer_id", "payee", "payee_npi", "payee_tax_id", "method")
    heads = rows.group_by("transaction", maintain_order=True).agg(
        *(pl.col(name).drop_nulls().first() for name in words),
        created_on=pl.col("received_on").max(),
        check_cents=pl.col("check_cents").drop_nulls().first(),
        segment=pl.col("at").cast(pl.Int64).min() + 1,
    )
    return heads.join(sums, on="transaction", how="left", maintain_order="left").with_columns(
        paid_cents=pl.coalesce("check_cents", "claims_paid_cents"), provider_adjustment_cents=pl.lit(0, pl.Int64)
    )


def _claims(rows: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    owed = pl.col("patient_responsibility_cents")
    owed = pl.when(pl.col("claim_paid_cents").count() > 0).then(owed.first()).otherwise(owed.sum())
    found = units.group_by("claim", maintain_order=True).agg(
        pl.first("transaction", "claim_id", "status", "payer_claim_id"),
        *(pl.coalesce(pl.col(f"claim_{name}").first(), pl.col(name).sum()) for name in ("charge_cents", "paid_cents")),
        patient_responsibility_cents=pl.when(pl.col("patient_responsibility_cents").count() > 0).then(owed),
        service_from=pl.col("service_on").min(),
        service_to=pl.col("service_on").max(),
        segment=pl.col("at").cast(pl.Int64).min() + 1,
    )
    names = {"claim_charge_cents": "charge_cents", "claim_paid_cents": "paid_cents"}
    found = found.rename({name: ours for name, ours in names.items() if name in found.columns})
    found = found.join(_remarks(rows, "claim"), on="claim", how="left", maintain_order="left")
    return found.sort("claim").with_columns(position=pl.int_range(1, pl.len() + 1).over("transaction"))


def _remarks(rows: pl.DataFrame, of: str) -> pl.DataFrame:
    words = rows.select(of, pl.col("remark_codes").str.split(" ")).explode("remark_codes").drop_nulls()
    return words.group_by(of).agg(pl.col("remark_codes").unique(maintain_order=True).str.join(" "))


def _lines(units: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    position = pl.int_range(1, pl.len() + 1).over("claim")
    number = pl.when(pl.col("line_number").str.contains(r"^\d{1,6}$")).then("line_number").cast(pl.Int64, strict=False)
    lines = units.filter(pl.col("line").is_not_null()).select(
        *("transaction", "claim", "line", "unit", "procedure", "modifiers", "service_on"),
        *("charge_cents", "allowed_cents"),
        pl.col("paid_cents").fill_null(0),
        pl.col("units").fill_null(1.0),
        control_number="line_number",
        position=position,
        line_number=pl.coalesce(number, position),
        segment=pl.col("at").cast(pl.Int64) + 1,
    )
    return lines.join(_remarks(rows, "unit"), on="unit", how="left", maintain_order="left")


def _adjustments(rows: pl.DataFrame, units: pl.DataFrame, said: set[str]) -> pl.DataFrame:
    """The row's own reasons for every row; what stands beside them, and what no column explains, once for a unit."""
    rows = rows.join(units.select("unit", "line"), on="unit", how="left", maintain_order="left")
    whole = units.unique("claim", keep="first", maintain_order=True).with_columns(line=pl.lit(None, pl.Int64))
    parts = []
    for source, whose in ((rows, ""), (whole, "claim_")):
        for end in _ends():
            group, carc, cents = (pl.col(f"{whose}{name}{end}") for name in ("group_code", "carc", "adjustment_cents"))
            inferred = pl.when(carc.is_in(["1", "2", "3"])).then(pl.lit("PR")).otherwise(pl.lit("CO"))
            parts.append(_adjusted(source, pl.coalesce(group, inferred), carc.fill_null(UNSPECIFIED), cents))
    parts += [_adjusted(units, pl.lit(group), pl.lit(carc), pl.col(name)) for name, group, carc in WIDE]
    if not said:
        allowed = pl.when(pl.col("allowed_cents").is_not_null()).then(pl.col("charge_cents") - pl.col("allowed_cents"))
        parts.append(_adjusted(units, pl.lit("CO"), pl.lit("45"), allowed))
    if not said - {"contractual_cents"}:
        owed = pl.col("patient_responsibility_cents")
        parts.append(_adjusted(units, pl.lit("PR"), pl.lit(UNSPECIFIED), owed))
    found = pl.concat(parts).sort("claim", "at", maintain_order=True)
    return found.with_columns(
        position=pl.int_range(1, pl.len() + 1).over("claim"),
        quantity=pl.lit(None, pl.Float64),
        segment=pl.col("at").cast(pl.Int64) + 1,
    )


def _adjusted(source: pl.DataFrame, group: pl.Expr, carc: pl.Expr, cents: pl.Expr) -> pl.DataFrame:
    found = source.select("transaction", "claim", "line", "at", group=group, carc=carc, amount_cents=cents)
    return found.filter(pl.col("amount_cents").fill_null(0) != 0)
