"""What the billing system holds: every exported table of one client, as the system knows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ..tables.schema import ACTIONS, KINDS
from .adjudication import DenialCodes, decide, tables
from .company import Draws, stream
from .corrections import misposted, sent_again
from .fees import MODIFIER_PAYS, fee_schedule
from .files.ledger_rows import charges, insurance, remitted_lines
from .files.remits import Remits, pay
from .files.x12 import claim_ids
from .patients import insurer_write_offs, month_ends, patient_side
from .practice_book import FIRST, LAST, ChargeBook, working_day
from .submission import stacked, submit, submitted

POSTERS = np.array(("kmoss", "trivera", "jbell"))
KEEPS = {
    "payer": ("filing_limit_days", "appeal_limit_days", "secondary_filing_limit_days"),
    "medicare": (365, 120, 365),
    "medicaid": (180, 90, 180),
    "managed_care": (120, 60, 120),
    "commercial": (180, 180, 90),
    "workers_compensation": (365, 90, 365),
}


class Practice:
    """One client's life, worked out once: submissions, remittances, ledger, notes.

    `misposted` tells of every claim whether its payment went to another claim first.

    `everything` holds the postings that come after the last day simulated, too: what would have come is part of the
    truth.
    """

    def __init__(self, book: ChargeBook) -> None:
        self.book, self.seed = book, book.seed
        last = book.calendar.last
        sent = submit(book)
        decisions = decide(book, sent)
        self.remits: Remits = pay(book, *tables(decisions))
        lines = remitted_lines(book, self.remits, decisions)
        paid, self.misposted = misposted(book, insurance(book, lines))
        parts = [charges(book, sent), paid, *patient_side(book, sent, lines), *insurer_write_offs(book, sent, lines)]
        self.sent, self.decisions, self.everything = sent, decisions, pl.concat(parts)
        self.ledger = self.everything.filter(pl.col("posted") <= last).sort("posted", maintain_order=True)
        self.submissions = sent_again(book, submitted(sent, last))
        self.edits = stacked(sent.edits, last, "checked").sort("checked", "claim", maintain_order=True)
        self.notes = stacked(sent.notes, last, "day").sort("day", "claim", maintain_order=True)

    def collected(self, first: int, end: int) -> int:
        """Payments less takebacks and refunds posted from `first` up to, and without, `end`."""
        cash = self.ledger.filter(
            pl.col("kind").is_in(["payment", "takeback", "refund"]) & pl.col("posted").is_between(first, end - 1)
        )
        return -int(cash["amount"].sum())


def date(name: str) -> pl.Expr:
    """A day number as a date."""
    return pl.col(name).cast(pl.Int32).cast(pl.Date)


def exported(practice: Practice) -> dict[str, pl.DataFrame]:
    """The tables that the billing system exports, in the columns of the schema (payers by id)."""
    schedule = fee_schedule(practice.book.fees, practice.book.company)
    return {
        "claims": _claims(practice.book),
        "claim_lines": _lines(practice.book),
        "transactions": _transactions(practice),
        "claim_edits": _edits(practice),
        "work_log": _notes(practice),
        "control_totals": control_totals(practice),
        "actions": _actions(practice),
        "fee_schedules": schedule if practice.book.company.laws.has_fee_schedules else schedule.clear(),
        "payer_rules": _rules(practice.book),
    }


def _payers(book: ChargeBook, numbers: np.ndarray | pl.Series) -> pl.Series:
    names = pl.Series([payer.id for payer in book.company.payers])
    numbers = pl.Series(numbers).cast(pl.Int64)
    return names.gather(numbers.clip(0).fill_null(0)).zip_with(
        numbers.is_not_null() & (numbers >= 0), pl.Series([None] * len(numbers), dtype=pl.String)
    )


def _ids(book: ChargeBook, claims: pl.Series) -> pl.Series:
    """Claim ids by row number; empty stays empty."""
    return (
        pl.Series(claim_ids(book), dtype=pl.String)
        .gather(claims.fill_null(0))
        .zip_with(claims.is_not_null(), pl.Series([None] * len(claims), dtype=pl.String))
    )


def _claims(book: ChargeBook) -> pl.DataFrame:
    claims, patients = book.claims, book.patients
    who = claims["patient"]
    frame = pl.DataFrame(
        {
            "claim_id": claim_ids(book),
            "patient": [f"C{number:06d}" for number in (who + 1).tolist()],
            "last_name": np.array(LAST)[patients["last"][who]],
            "first_name": np.array(FIRST)[patients["first"][who]],
            "birth": patients["birth"][who],
            "provider": np.array(book.provider_names)[claims["provider"]],
            "location": np.array(book.location_names)[claims["location"]],
            "claim_type": np.where(claims["institutional"], "institutional", "professional"),
            "payer": _payers(book, claims["payer"]),
            "secondary_payer": _payers(book, claims["secondary"]),
            "tertiary_payer": pl.Series([None] * book.size, dtype=pl.String),
            "service_on": claims["service"],
            "entered_on": claims["entered"],
            "charge_cents": claims["charge"],
        }
    )
    frame = frame.filter(pl.col("entered_on") <= book.calendar.last)
    return frame.with_columns(date("service_on"), date("entered_on"), date("birth")).sort("entered_on", "claim_id")


def _lines(book: ChargeBook) -> pl.DataFrame:
    lines, claim = book.lines, book.lines["claim"]
    modifiers = np.array(list(MODIFIER_PAYS))[lines["modifier"]]
    frame = pl.DataFrame(
        {
            "claim_id": _ids(book, pl.Series(claim)),
            "line_number": lines["number"],
            "procedure": np.array(book.fees.procedures)[lines["code"]],
            "modifiers": modifiers,
            "units": lines["units"],
            "place_of_service": lines["place"],
            "service_on": book.claims["service"][claim],
            "entered_on": book.claims["entered"][claim],
            "charge_cents": lines["charge"],
        }
    )
    frame = frame.filter(pl.col("entered_on") <= book.calendar.last)
    return frame.with_columns(date("service_on"), date("entered_on"), pl.col("modifiers").replace("", None)).sort(
        "entered_on", "claim_id", "line_number"
    )


def _transactions(practice: Practice) -> pl.DataFrame:
    book, ledger = practice.book, practice.ledger
    of_day = Draws(book.seed, book.client.id, "posters", book.calendar.last - book.calendar.first + 1).integers(
        "day", 0, len(POSTERS)
    )
    by = POSTERS[
        (of_day[ledger["posted"].to_numpy() - book.calendar.first] + ledger["payer"].fill_null(1).to_numpy())
        % len(POSTERS)
    ]
    return ledger.select(
        (pl.lit("T") + pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(7)).alias("transaction_id"),
        _ids(book, ledger["claim"]).alias("claim_id"),
        "line_number",
        "kind",
        "party",
        pl.col("amount").alias("amount_cents"),
        date("happened").alias("happened_on"),
        date("posted").alias("posted_on"),
        _payers(book, ledger["payer"]).alias("payer"),
        "group_code",
        "carc",
        "reason",
        "trace",
        pl.Series(by).alias("posted_by"),
        "approved_by",
    )


def _edits(practice: Practice) -> pl.DataFrame:
    edits = practice.edits
    return edits.select(
        (pl.lit("E") + pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(7)).alias("edit_id"),
        _ids(practice.book, edits["claim"]).alias("claim_id"),
        date("checked").alias("checked_on"),
        "stage",
        "result",
        pl.col("reason").replace("", None),
    )


NAMED_STEPS = 0.4
"""The part of the claims whose notes say when to ask again: offices do not keep such days for every claim."""

ASKED_AGAIN = {"waiting_on_client": 18, "waiting_on_payer": 30, "in_process": 56}
"""Days after which an office asks again at the earliest: the practice, a payer, and a payer that has something new to
decide."""


def _notes(practice: Practice) -> pl.DataFrame:
    notes, book = practice.notes, practice.book
    luck = book.draws("notes").integers("luck", 0, 1_000_000)[notes["claim"].to_numpy()] + 7 * notes["day"].to_numpy()
    entered = np.minimum(working_day(notes["day"].to_numpy() + (luck % 10 == 0)), book.calendar.last)
    minutes = np.where(notes["action"].to_numpy() == "statement", 1, 3 + luck % 22)
    names_step, step_on = _next_steps(practice)
    return (
        notes.select(
            (pl.lit("N") + pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(7)).alias("note_id"),
            _ids(practice.book, notes["claim"]).alias("claim_id"),
            date("day").alias("worked_on"),
            pl.Series("entered_on", entered),
            pl.Series("worked_by", POSTERS[luck % len(POSTERS)]),
            "action",
            "outcome",
            pl.col("hold").replace("", None).alias("hold_reason"),
            pl.Series("minutes", minutes),
            pl.when(pl.Series(names_step)).then(pl.lit("follow_up")).alias("next_action"),
            pl.when(pl.Series(names_step)).then(pl.Series(step_on)).alias("next_on"),
        )
        .with_columns(date("entered_on"), date("next_on"))
        .sort("entered_on", "note_id")
    )


def _next_steps(practice: Practice) -> tuple[np.ndarray, np.ndarray]:
    """Which notes name a day for asking again, and that day: a part of those that wait for somebody.

    The days are the office's custom and a week of chance, drawn apart from what really came of the claim: a step may
    be taken up earlier, later or never, as in any office.
    """
    notes, draws = practice.notes, practice.book.draws("next steps")
    claim, day, outcome = (notes[name].to_numpy() for name in ("claim", "day", "outcome"))
    names = draws.uniform("named")[claim] < NAMED_STEPS
    waits = np.isin(outcome, list(ASKED_AGAIN))
    custom = np.array([ASKED_AGAIN.get(name, 0) for name in outcome], dtype=np.int64)
    return names & waits & (notes["action"].to_numpy() != "statement"), working_day(
        day + custom + draws.integers("days", 0, 8)[claim]
    )


def control_totals(practice: Practice) -> pl.DataFrame:
    """The month-end close of the billing system: what was posted, and the receivable that remains."""
    month = pl.col("posted").cast(pl.Int32).cast(pl.Date).dt.strftime("%Y-%m")
    sums = practice.ledger.group_by(month.alias("month"), "kind").agg(pl.col("amount").sum())
    posted = {(row[0], row[1]): row[2] for row in sums.iter_rows()}
    rows, closing = [], 0
    for label, last_day in month_ends(practice.book):
        of = {
            kind: posted.get((label, kind), 0)
            for kind in ("charge", "payment", "contractual", "write_off", "refund", "takeback", "transfer")
        }
        closing += sum(of.values())
        rows.append(
            (
                label,
                last_day,
                of["charge"],
                -of["payment"],
                -of["contractual"] - of["write_off"],
                of["refund"] + of["takeback"],
                closing,
            )
        )
    names = [
        "month",
        "closed_on",
        "charges_cents",
        "payments_cents",
        "adjustments_cents",
        "refunds_cents",
        "closing_cents",
    ]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(date("closed_on"))


def _rules(book: ChargeBook) -> pl.DataFrame:
    rows = [
        (payer.id, book.calendar.first - 425, None, *KEEPS[payer.payer_class], f"{payer.name} provider manual")
        for payer in book.company.payers
        if payer.payer_class in KEEPS
    ]
    schema: dict[Any, Any] = (
        {"payer": pl.String, "effective_from": pl.Int64, "effective_to": pl.Date}
        | dict.fromkeys(KEEPS["payer"], pl.Int64)
        | {"source": pl.String}
    )
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(date("effective_from"))


# -- the action register ---------------------------------------------------------------------------

ASKED = {
    "eligibility": ("Check coverage at scheduling and on the day of the visit", "Front desk"),
    "authorization": ("Obtain authorizations before the visit is booked", "Client"),
    "documentation": ("Send the notes with the claim for the payers that ask for them", "Client"),
    "coding": ("Review diagnosis and modifier pairs of the denied codes", "Coding"),
    "bundling": ("Agree when a separate service is billed with a visit", "Coding"),
    "medical_necessity": ("Appeal with the payer's coverage policy attached", "Billing"),
    "non_covered": ("Collect a waiver before services that the plan does not cover", "Front desk"),
    "timely_filing": ("Enter charges within three working days", "Client"),
    "cob": ("Ask patients for other coverage at check-in", "Front desk"),
    "provider_enrolment": ("Finish enrolment of the provider with the payer", "Credentialing"),
    "duplicate": ("Stop resubmission before the payer has answered", "Billing"),
    "benefit_limit": ("Track visit limits for plans that have them", "Front desk"),
}
CAME_OF = (
    "done; denials of this kind fell",
    "done; no change seen yet",
    "partly done; continued next month",
    "dropped by the client",
)


def _actions(practice: Practice) -> pl.DataFrame:
    """Two actions a month on the largest denial categories of the month before."""
    book = practice.book
    category = DenialCodes.of(book).category
    denied = practice.remits.lines.filter((pl.col("code") >= 0) & (pl.col("denied") > 0)).join(
        practice.remits.decisions.select("decision", "day"), on="decision"
    )
    denied = denied.with_columns(
        pl.Series("category", category[denied["code"].to_numpy()] if len(denied) else [], dtype=pl.String),
        date("day").dt.strftime("%Y-%m").alias("month"),
    )
    by_month = (
        denied.group_by("month", "category")
        .agg(pl.col("denied").sum())
        .sort("month", "denied", "category", descending=[False, True, False])
    )
    rows: list[tuple] = []
    for (before, _), (_, last_day) in zip(month_ends(book), month_ends(book)[1:], strict=False):
        rng = stream(book.seed, book.client.id, f"actions after {before}")
        for kind, amount in by_month.filter(pl.col("month") == before).head(2).select("category", "denied").iter_rows():
            title, owner = ASKED[kind]
            opened = int(working_day(np.array([last_day - 20]))[0])
            closed = int(working_day(np.array([opened + rng.integers(18, 60)]))[0])
            came = int(rng.integers(len(CAME_OF)))
            recovered = int(amount * rng.uniform(0.05, 0.5)) if came in (0, 2) else 0
            rows.append(
                (
                    f"A{len(rows) + 1:04d}",
                    opened,
                    title,
                    kind,
                    owner,
                    opened + 30,
                    amount,
                    closed,
                    CAME_OF[came],
                    recovered,
                )
            )
    kinds = {column.name: pl.Int64 if column.kind == "date" else KINDS[column.kind] for column in ACTIONS.columns[1:]}
    return pl.DataFrame(rows, schema=kinds, orient="row").with_columns(
        date("opened_on"), date("due_on"), date("closed_on")
    )
