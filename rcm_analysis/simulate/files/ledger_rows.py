"""The billing system's ledger: charges, and everything a remittance makes it post."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..adjudication import SHARES, Decisions, DenialCodes
from ..corrections import unit_charge
from ..practice_book import ChargeBook, struck
from ..submission import NEVER, Submitted
from .remits import Remits

PARTY = ("primary", "secondary", "tertiary")
COLUMNS = {
    "claim": pl.Int64,
    "line_number": pl.Int64,
    "kind": pl.String,
    "party": pl.String,
    "amount": pl.Int64,
    "happened": pl.Int64,
    "posted": pl.Int64,
    "payer": pl.Int64,
    "group_code": pl.String,
    "carc": pl.String,
    "reason": pl.String,
    "trace": pl.String,
    "approved_by": pl.String,
}
SHARE_CARC = dict(zip(SHARES, ("1", "2", "3"), strict=True))


def postings(**columns: object) -> pl.DataFrame:
    """Postings with the columns given; the others are empty."""
    return shaped(pl.DataFrame(columns))


def shaped(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every posting column, in order, and no other."""
    absent = [pl.lit(None, dtype=kind).alias(name) for name, kind in COLUMNS.items() if name not in frame.columns]
    return frame.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())


def charges(book: ChargeBook, sent: Submitted) -> pl.DataFrame:
    """One charge a line, owed by the primary payer, or by the patient who has none; wrong ones are put right later."""
    lines = np.arange(len(book.lines["claim"]))
    wrong = np.flatnonzero(sent.wrong_units)
    extra = sent.wrong_units[wrong] * unit_charge(book, wrong)
    amount = book.lines["charge"].copy()
    amount[book.first_line[wrong]] += extra
    void_lines = np.flatnonzero(sent.voided[book.lines["claim"]] < NEVER)
    void_day = sent.voided[book.lines["claim"][void_lines]]
    return pl.concat(
        [
            _charged(book, lines, amount, book.claims["entered"][book.lines["claim"]]),
            _charged(book, book.first_line[wrong], -extra, sent.replaced[wrong]),
            _charged(book, void_lines, -book.lines["charge"][void_lines], void_day),
        ]
    )


def _charged(book: ChargeBook, line: np.ndarray, amount: np.ndarray, posted: np.ndarray) -> pl.DataFrame:
    claim = book.lines["claim"][line]
    payer = book.claims["payer"][claim]
    own = payer == book.payer_number("self_pay")
    frame = postings(
        claim=claim,
        line_number=book.lines["number"][line],
        kind=np.full(len(claim), "charge"),
        amount=amount,
        party=np.where(own, "patient", "primary"),
        happened=book.claims["service"][claim],
        posted=posted,
        payer=payer,
    )
    return frame.with_columns(pl.when(pl.col("party") == "primary").then("payer"))


def remitted_lines(book: ChargeBook, remits: Remits, decisions: Decisions) -> pl.DataFrame:
    """Remitted lines with what posting them needs: claim, party, dates, trace, and who owes the rest."""
    known = remits.decisions.select(
        "decision", "remit", "claim", "payer", "order", "status", "rank", "kind", "day"
    ).join(remits.payments.select("remit", "paid_day", "posted", "trace"), on="remit")
    frame = remits.lines.join(known, on="decision").sort("remit", "claim", "rank", "line")
    codes = DenialCodes.of(book)
    code = frame["code"].to_numpy()
    order = frame["order"].to_numpy()
    claim = frame["claim"].to_numpy()
    secondary = book.claims["secondary"][claim] >= 0
    unworked = (order == 0) & (code >= 0)
    return frame.with_columns(
        pl.Series("line_number", book.lines["number"][frame["line"].to_numpy()]),
        pl.Series("party", np.array(PARTY)[order]),
        pl.Series("next_party", np.where((order == 0) & secondary, "secondary", "patient")),
        pl.Series("denial_group", np.where(code >= 0, codes.group[code], "")),
        pl.Series("denial_carc", np.where(code >= 0, codes.carc[code], "")),
        pl.Series("posted_away", unworked & decisions.posted_away[claim]),
        pl.Series("to_patient", unworked & decisions.to_patient[claim]),
        pl.col("paid_day").alias("happened"),
    )


def insurance(book: ChargeBook, lines: pl.DataFrame) -> pl.DataFrame:
    """Payments, takebacks, contractual adjustments and transfers, line by line, as remitted."""
    paid = lines.filter(pl.col("paid") != 0).with_columns(
        pl.when(pl.col("status") == "22").then(pl.lit("takeback")).otherwise(pl.lit("payment")).alias("kind"),
        (-pl.col("paid")).alias("amount"),
    )
    parts = [shaped(paid.drop("carc", strict=False))]
    for name, carc in (("contractual", "45"), ("sequestration", "253")):
        part = lines.filter(pl.col(name) != 0).with_columns(
            kind=pl.lit("contractual"), amount=-pl.col(name), group_code=pl.lit("CO"), carc=pl.lit(carc)
        )
        parts.append(shaped(part.with_columns(trace=pl.lit(None, pl.String))))
    for name, carc in SHARE_CARC.items():
        parts += _transfer(lines.filter(pl.col(name) != 0).with_columns(moved=pl.col(name), carc=pl.lit(carc)))
    not_covered = lines.filter((pl.col("denied") != 0) & (pl.col("denial_group") == "PR"))
    parts += _transfer(not_covered.with_columns(moved=pl.col("denied"), carc=pl.col("denial_carc")))
    return pl.concat([*parts, *_bad_habits(book, lines)])


def _bad_habits(book: ChargeBook, lines: pl.DataFrame) -> list[pl.DataFrame]:
    """Denials posted as contractual, or moved to the patient though the provider is liable."""
    away = lines.filter(pl.col("posted_away") & (pl.col("denied") != 0))
    billed = lines.filter(pl.col("to_patient") & (pl.col("denied") != 0))
    for kind, rows in (("denials_as_contractual", away), ("patient_billed_for_denials", billed)):
        for plant in book.plant_log.of(kind):
            own = rows.filter(
                pl.Series(struck(book, plant, rows["claim"].to_numpy(), rows["day"].to_numpy()), dtype=pl.Boolean)
            )
            book.plant_log.note(plant, *(own[name].to_numpy() for name in ("claim", "posted", "denied", "line")))
    posted = away.with_columns(
        kind=pl.lit("contractual"), amount=-pl.col("denied"), group_code=pl.lit("CO"), carc=pl.lit("45")
    )
    moved = _transfer(billed.with_columns(moved=pl.col("denied"), carc=pl.col("denial_carc")))
    return [
        shaped(posted.with_columns(trace=pl.lit(None, pl.String))),
        *(part.with_columns(group_code=pl.lit("CO")) for part in moved),
    ]


def _transfer(lines: pl.DataFrame) -> list[pl.DataFrame]:
    """Two postings that cancel: off the payer who remitted, onto whoever owes next."""
    base = lines.with_columns(kind=pl.lit("transfer"), group_code=pl.lit("PR"), trace=pl.lit(None, pl.String))
    return [
        shaped(base.with_columns(amount=-pl.col("moved"))),
        shaped(base.with_columns(amount=pl.col("moved"), party=pl.col("next_party"))),
    ]
