"""Exports with one row per claim, visit or service line: what was charged, paid and adjusted side by side, as postings.

Such a row says how a claim stands, not what happened to it. It becomes one posting for each amount that is neither
empty nor zero:

| amount | posting | day |
|---|---|---|
| `charge_cents` | charge | `entered_on`, else `service_on` |
| `paid_cents`, `secondary_paid_cents`, `tertiary_paid_cents` | payment of that payer | its own day |
| `patient_paid_cents` | payment of the patient | its own day |
| `adjusted_cents` | contractual; without it, charge less `allowed_cents` where a payer has answered | its own day |
| `written_off_cents`, `refunded_cents` | write-off, refund to the patient | its own day |

What a later payer paid was passed on to it (a transfer), and so is the patient's share: `patient_balance_cents` and
what the patient paid, else what the patient paid, at most what was open. A day that is empty is that of the payment
(`paid_on`), else of the export (`exported_on`), for what is no payment also that of entry; such days are counted and
told. A payment without any day sets its row aside.

The id of a posting is made of what it says, and of its place among equal ones: two equal payments both count, and the
same row delivered again is the same posting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ...errors import SourceError
from ...tables.schema import CLAIM_LINES, CLAIMS, TRANSACTIONS, Table
from ...tables.schema_base import columns

GRAINS = ("claim", "visit", "line")
OF_ROW = "row:"
"""What the ids of these postings begin with."""
ENOUGH = 3
CONTRARY_SHARE = 0.9

VISITS = Table(
    "visits",
    "one row per claim, visit or service line of an export, its amounts side by side; stored as claims and postings",
    ("client",),
    columns(
        ("claim_id", "text", "claim; made from patient and day where one_row_per is visit and there is none", True),
        ("line_number", "count", "service line", True),
        ("patient", "text", "patient, as in the file", True),
        ("provider", "text", "rendering provider", True),
        ("location", "text", "place where the service was given", True),
        (
            "claim_type",
            "text",
            "professional (when empty), institutional or dental",
            True,
            CLAIMS.column("claim_type").values,
        ),
        ("payer", "text", "primary payer; self_pay where there is none"),
        ("secondary_payer", "text", "secondary payer", True),
        ("tertiary_payer", "text", "tertiary payer", True),
        ("service_on", "date", "first day of service"),
        ("entered_on", "date", "day on which the charge was entered; service_on when empty", True),
        ("procedure", "text", "CPT/HCPCS or revenue code", True),
        ("modifiers", "text", "modifiers joined by ':'", True),
        ("units", "number", "units of service", True),
        ("place_of_service", "text", "place of service code", True),
        ("charge_cents", "cents", "billed"),
        ("allowed_cents", "cents", "allowed by the primary payer", True),
        ("paid_cents", "cents", "paid by the primary payer, or by all payers", True),
        ("secondary_paid_cents", "cents", "paid by the secondary payer", True),
        ("tertiary_paid_cents", "cents", "paid by the tertiary payer", True),
        ("patient_paid_cents", "cents", "paid by the patient", True),
        ("adjusted_cents", "cents", "contractual adjustments", True),
        ("written_off_cents", "cents", "write-offs beside the contractual ones", True),
        ("refunded_cents", "cents", "refunded to the patient", True),
        ("paid_on", "date", "day of the payer's payment", True),
        ("secondary_paid_on", "date", "day of the secondary payer's payment", True),
        ("tertiary_paid_on", "date", "day of the tertiary payer's payment", True),
        ("patient_paid_on", "date", "day of the patient's payment", True),
        ("adjusted_on", "date", "day of the adjustment", True),
        ("trace", "text", "check or EFT number of the payer's payment", True),
        ("insurance_balance_cents", "cents", "open with the payers, as the file says", True),
        ("patient_balance_cents", "cents", "open with the patient, as the file says", True),
        (
            "balance_cents",
            "cents",
            "open in all, as the file says: of the row, or running on from the patient's visit before",
            True,
        ),
        ("exported_on", "date", "day on which the export was made", True),
    ),
    known_on="service_on",
)

PAYMENTS = (
    ("paid_cents", "paid_on", "primary"),
    ("secondary_paid_cents", "secondary_paid_on", "secondary"),
    ("tertiary_paid_cents", "tertiary_paid_on", "tertiary"),
    ("patient_paid_cents", "patient_paid_on", "patient"),
)
OTHERS = (
    ("adjusted_cents", "adjusted_on", "contractual", "primary", -1),
    ("written_off_cents", "adjusted_on", "write_off", "primary", -1),
    ("refunded_cents", "patient_paid_on", "refund", "patient", 1),
)
AMOUNTS = tuple(name for name, *_ in (*PAYMENTS, *OTHERS))
SELF_PAY = "self_pay"
REST = "rest_without_owner"
"""The rule of intake by which a page knows that the files do not say what patients owe."""

BALANCES = ("insurance_balance_cents", "patient_balance_cents", "balance_cents")


@dataclass(frozen=True)
class Posted:
    """What rows side by side become, and what is to be said of them: rule, how many, dollars, message."""

    claims: pl.DataFrame
    lines: pl.DataFrame
    transactions: pl.DataFrame
    remarks: tuple[tuple[str, int, int | None, str], ...]


def refuse_contrary(rows: pl.DataFrame, negate: Sequence[str], name: str) -> None:
    """Nothing for rows whose amounts are magnitudes; `negate` names the columns that stand with a minus in the file.

    Raises
        SourceError where nearly all amounts of a column stand with the other sign than the map says.
    """
    for column in ("charge_cents", *AMOUNTS):
        some = rows[column].filter(rows[column] != 0)
        contrary = int((some < 0).sum())
        if contrary >= ENOUGH and contrary >= CONTRARY_SHARE * some.len():
            turned = "take it out of" if column in negate else "add it to"
            raise SourceError(
                f"{name}: {contrary:,} of {some.len():,} amounts of {column} would count the other way around, "
                f"{int(some.sum()) / 100:,.2f} in all. None of its {rows.height:,} rows was stored; {turned} negate in "
                "the map if these are ordinary charges, payments and adjustments."
            )


def posted(rows: pl.DataFrame, client: str) -> Posted:
    """Claims, lines and postings of rows side by side; patients are pseudonyms and payers our ids by now.

    >>> import datetime as dt
    >>> row = {"claim_id": "A1", "payer": "aetna", "service_on": dt.date(2026, 10, 1), "charge_cents": 20000,
    ...        "paid_cents": 12000, "paid_on": dt.date(2026, 10, 20), "adjusted_cents": 5000, "balance_cents": 3000}
    >>> found = posted(pl.DataFrame([row], schema=VISITS.polars), "acme")
    >>> found.transactions.select("kind", "amount_cents").rows()
    [('charge', 20000), ('payment', -12000), ('contractual', -5000)]
    """
    rows = _identified(rows).with_columns(entered_on=pl.coalesce("entered_on", "service_on"), client=pl.lit(client))
    if rows["adjusted_cents"].null_count() == rows.height:
        answered = pl.col("allowed_cents").is_not_null() & (
            pl.col("paid_on").is_not_null() | (pl.col("paid_cents").fill_null(0) != 0)
        )
        rows = rows.with_columns(
            adjusted_cents=pl.when(answered).then(pl.col("charge_cents") - pl.col("allowed_cents"))
        )
    rows = rows.with_columns(_shares())
    parts = [_charges(rows), *(_payments(rows, *spec) for spec in PAYMENTS), *(_others(rows, *spec) for spec in OTHERS)]
    parts += [_passed_on(rows, party) for party in ("secondary", "tertiary", "patient")]
    postings = _numbered(pl.concat(parts))
    return Posted(
        _claims(rows),
        _lines(rows),
        postings.with_columns(client=pl.lit(client)).select(
            pl.col(name).cast(kind) if name in postings.columns or name == "client" else pl.lit(None, kind).alias(name)
            for name, kind in TRANSACTIONS.polars.items()
        ),
        tuple(_remarks(rows, postings)),
    )


def without_day() -> pl.Expr:
    """True where a payment has no day at all, neither its own nor that of another payment or of the export."""
    none = [
        (pl.col(amount).fill_null(0) != 0) & pl.all_horizontal(pl.col(day).is_null(), *_no_other_day())
        for amount, day, _ in PAYMENTS
    ]
    return pl.any_horizontal(none)


def _no_other_day() -> list[pl.Expr]:
    return [pl.col("paid_on").is_null(), pl.col("exported_on").is_null()]


def _identified(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with a claim number; a visit without one is its patient's, on its day, by its place among equal ones."""
    place = pl.int_range(1, pl.len() + 1).over("patient", "service_on")
    made = pl.format("visit:{}:{}:{}", pl.col("patient").fill_null(""), "service_on", place)
    rows = rows.with_columns(claim_id=pl.coalesce("claim_id", made))
    named = pl.col("procedure").is_not_null()
    again = (
        (pl.col("line_number").is_null() | pl.struct("claim_id", "line_number").is_duplicated()).any().over("claim_id")
    )
    nth = pl.int_range(1, pl.len() + 1).over("claim_id")
    return rows.with_columns(line_number=pl.when(named & again).then(nth).otherwise("line_number"))


def _cents(name: str) -> pl.Expr:
    return pl.col(name).fill_null(0)


def _owed() -> pl.Expr:
    """What the parts leave open."""
    paid = sum((_cents(name) for name, *_ in PAYMENTS), pl.lit(0))
    return (
        _cents("charge_cents")
        - paid
        - _cents("adjusted_cents")
        - _cents("written_off_cents")
        + _cents("refunded_cents")
    )


def _shares() -> list[pl.Expr]:
    """What was passed on from the primary payer to each later party."""
    is_self_pay = pl.col("payer") == SELF_PAY
    kept = _cents("patient_paid_cents") - _cents("refunded_cents")
    most = pl.max_horizontal(_owed() + kept, pl.lit(0))
    patient = pl.coalesce(pl.col("patient_balance_cents") + kept, pl.min_horizontal(kept, most))
    return [
        _cents("secondary_paid_cents").alias("to_secondary"),
        _cents("tertiary_paid_cents").alias("to_tertiary"),
        pl.when(is_self_pay).then(0).otherwise(patient).alias("to_patient"),
    ]


def _first_party() -> pl.Expr:
    return pl.when(pl.col("payer") == SELF_PAY).then(pl.lit("patient")).otherwise(pl.lit("primary"))


def _posting(
    rows: pl.DataFrame, kind: str, party: pl.Expr, cents: pl.Expr, day: pl.Expr, **more: pl.Expr
) -> pl.DataFrame:
    empty = {"payer": pl.lit(None, pl.String), "trace": pl.lit(None, pl.String), "is_assumed": pl.lit(False)}
    found = rows.select(
        "claim_id",
        "line_number",
        kind=pl.lit(kind),
        party=party,
        amount_cents=cents,
        happened_on=day,
        posted_on=day,
        **{name: more.get(name, value) for name, value in empty.items()},
    )
    return found.filter(pl.col("amount_cents").fill_null(0) != 0)


def _charges(rows: pl.DataFrame) -> pl.DataFrame:
    charges = _posting(
        rows, "charge", _first_party(), pl.col("charge_cents"), pl.col("entered_on"), payer=_payer("primary")
    )
    days = rows.filter(_cents("charge_cents") != 0)["service_on"]
    return charges.with_columns(happened_on=days)


def _payer(party: str) -> pl.Expr:
    names = {"primary": "payer", "secondary": "secondary_payer", "tertiary": "tertiary_payer"}
    if party not in names:
        return pl.lit(None, pl.String)
    return pl.when(pl.col(names[party]) != "self_pay").then(names[party])


def _payments(rows: pl.DataFrame, amount: str, day: str, party: str) -> pl.DataFrame:
    whose = _first_party() if party == "primary" else pl.lit(party)
    trace = pl.col("trace") if party == "primary" else pl.lit(None, pl.String)
    when = pl.coalesce(day, "paid_on", "exported_on")
    assumed = pl.col(day).is_null()
    return _posting(rows, "payment", whose, -pl.col(amount), when, payer=_payer(party), trace=trace, is_assumed=assumed)


def _others(rows: pl.DataFrame, amount: str, day: str, kind: str, party: str, effect: int) -> pl.DataFrame:
    whose = _first_party() if party == "primary" else pl.lit(party)
    when = pl.coalesce(day, "paid_on", "exported_on", "entered_on")
    assumed = pl.coalesce(day, "paid_on").is_null()
    return _posting(rows, kind, whose, pl.col(amount) * effect, when, payer=_payer(party), is_assumed=assumed)


def _passed_on(rows: pl.DataFrame, party: str) -> pl.DataFrame:
    """From the primary payer to a later party, with equal effect and opposite sign."""
    cents = pl.col(f"to_{party}")
    when = pl.coalesce("paid_on", "exported_on", "entered_on")
    to = _posting(rows, "transfer", pl.lit(party), cents, when, payer=_payer(party))
    away = _posting(rows, "transfer", pl.lit("primary"), -cents, when, payer=_payer("primary"))
    return pl.concat([to, away])


def _numbered(postings: pl.DataFrame) -> pl.DataFrame:
    says = ["claim_id", "line_number", "kind", "party", "posted_on", "amount_cents"]
    text = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in says], separator=":")
    place = pl.int_range(1, pl.len() + 1).over(says)
    return postings.with_columns(transaction_id=pl.format(f"{OF_ROW}{{}}:{{}}", text, place))


def _claims(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per claim: the first row's words, the earliest days, the sum of the charges."""
    words = ("patient", "provider", "location", "claim_type", "payer", "secondary_payer", "tertiary_payer")
    found = rows.group_by("claim_id", maintain_order=True).agg(
        pl.first("client"),
        *(pl.col(name).drop_nulls().first() for name in words),
        pl.col("service_on", "entered_on").min(),
        pl.col("charge_cents").sum(),
    )
    return found.with_columns(pl.col("claim_type").fill_null("professional")).select(
        pl.col(name).cast(kind) if name in found.columns else pl.lit(None, kind).alias(name)
        for name, kind in CLAIMS.polars.items()
    )


def _lines(rows: pl.DataFrame) -> pl.DataFrame:
    """Service lines where the file names procedures; numbered in file order where it numbers none, or one twice."""
    found = rows.filter(pl.col("procedure").is_not_null())
    return found.select(
        pl.col(name).cast(kind) if name in found.columns else pl.lit(None, kind).alias(name)
        for name, kind in CLAIM_LINES.polars.items()
    )


def _remarks(rows: pl.DataFrame, postings: pl.DataFrame) -> list[tuple[str, int, int | None, str]]:
    out = [*_balance_remark(rows)]
    assumed = postings.filter("is_assumed")
    if assumed.height:
        message = (
            "payment(s) and adjustment(s) have no day of their own in the file: they stand on the day of the payment, "
            "of the export, or of entry. Months and days to pay follow those days"
        )
        out.append(("assumed_day", assumed.height, int(assumed["amount_cents"].abs().sum()), message))
    out += _rest_remark(rows)
    again = rows.filter(pl.struct("claim_id", "line_number").is_duplicated())
    if again.height:
        message = (
            "row(s) share their claim (and line) with another row; all of them count. If the export repeats rows, ask "
            "for one without repetitions"
        )
        out.append(("rows_of_one_claim", again.height, int(again["charge_cents"].sum()), message))
    return out


def _rest_remark(rows: pl.DataFrame) -> list[tuple[str, int, int | None, str]]:
    """What is open of claims that an insurer answered, where no column says whether the insurer or the patient owes
    it."""
    answered = (_cents("paid_cents") != 0) | (_cents("adjusted_cents") != 0)
    unsaid = pl.all_horizontal(pl.col("patient_balance_cents", "insurance_balance_cents").is_null())
    rest = rows.filter(answered, unsaid, pl.col("payer") != SELF_PAY).select(cents=_owed()).filter(pl.col("cents") > 0)
    if rest.is_empty():
        return []
    message = (
        "row(s) were paid or adjusted by an insurer and leave a rest, and the file does not say who owes it: it stands "
        "with the insurer, also where it is the patient's share. Ask for a column of what patients owe"
    )
    return [(REST, rest.height, int(rest["cents"].sum()), message)]


def _balance_remark(rows: pl.DataFrame) -> list[tuple[str, int, int | None, str]]:
    """Rows whose balance is not what their parts leave."""
    parts = pl.col("insurance_balance_cents") + pl.col("patient_balance_cents")
    stated = pl.coalesce("balance_cents", parts)
    checked = rows.select("patient", stated=stated, owed=_owed()).drop_nulls(["stated", "owed"])
    off = checked.filter(pl.col("stated") != pl.col("owed"))
    if off.is_empty():
        return []
    running = _running_balance(checked)
    if running is not None:
        return running
    stated, owed = int(checked["stated"].sum()), int(checked["owed"].sum())
    message = (
        f"row(s) of {checked.height:,} with a balance: it is not charge less payments and adjustments. The file says "
        f"{stated / 100:,.2f} in all, its parts leave {owed / 100:,.2f}. They are stored as their parts say; see "
        "whether the map lacks a column of money, or has a sign the wrong way around (negate)"
    )
    return [("balance_differs", off.height, int((off["stated"] - off["owed"]).sum()), message)]


def _running_balance(rows: pl.DataFrame) -> list[tuple[str, int, int | None, str]] | None:
    """Rows that do not follow from the patient's row before, where the balance runs on from visit to visit: in most
    rows that have one before (or after, where the newest stands first) it moves by what the row leaves. None where the
    balance is that of each row by itself."""
    known = rows.drop_nulls("patient").with_columns(alone=pl.col("stated") == pl.col("owed"))
    ways = [
        known.with_columns(gap=pl.col("stated") - pl.col("stated").shift(turn).over("patient") - pl.col("owed"))
        for turn in (1, -1)
    ]
    steps = max((way.drop_nulls("gap") for way in ways), key=lambda way: way.filter(pl.col("gap") == 0).height)
    follow = steps.filter(pl.col("gap") == 0).height
    if follow * 2 <= steps.height or follow <= steps["alone"].sum():
        return None
    off = steps.filter(pl.col("gap") != 0)
    if off.is_empty():
        return []
    message = (
        f"row(s) of {steps.height:,} whose balance runs on from the patient's visit before: it does not move by the "
        "charge less payments and adjustments. They are stored as their parts say; see whether a row is missing between"
    )
    return [("balance_differs", off.height, int(off["gap"].sum()), message)]
