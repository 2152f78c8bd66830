"""Claim numbers that were used more than once: which claim a bill and an answer belong to.

A number is one claim as long as the same patient is billed for the same service. Used again for another
patient, or for another service of the same one, it is a claim of its own, `1001 (2)`, and an answer
goes to the claim whose day of service it names. A claim that was replaced or voided under a new number
stays the claim that it was.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field

import polars as pl

from ..tables.ids import plain
from .claim_state import ADDITIONS, REPLACEMENTS, VOID

SAME_SERVICE_DAYS = 3
"""An original sent again may name a first day of service this far from the one before."""

SAME_STAY_DAYS = 180
"""Interim bills, corrections and answers of a claim name days at most this far from its first."""


@dataclass
class Claim:
    """One claim of a number: what its bills say."""

    number: str
    since: dt.date
    days: set[dt.date] = field(default_factory=set)
    charges: set[int] = field(default_factory=set)
    patients: dict[str, set[str]] = field(default_factory=dict)
    payers: set[str] = field(default_factory=set)
    icns: set[str] = field(default_factory=set)

    def distance(self, day: dt.date | None) -> int:
        """Days from the nearest day of service; 0 where either names none."""
        return min((abs((day - other).days) for other in self.days), default=0) if day else 0

    def holds(self, bill: dict) -> bool:
        """Whether a bill under the same number is about this claim."""
        patients = self.patients.get(bill["payer"], set())
        is_other = bool(patients) and bool(bill["patient"]) and bill["patient"] not in patients
        days = self.distance(bill["service_on"])
        is_revision = bill["frequency"] in (*REPLACEMENTS, VOID)
        if is_other:
            return days == 0 and (is_revision or bill["charge_cents"] in self.charges)
        if is_revision:
            return bool(patients and bill["patient"]) or days <= SAME_STAY_DAYS
        return days <= (SAME_STAY_DAYS if bill["frequency"] in ("2", *ADDITIONS) else SAME_SERVICE_DAYS)

    def take(self, bill: dict) -> None:
        if bill["service_on"]:
            self.days.add(bill["service_on"])
        if bill["patient"]:
            self.patients.setdefault(bill["payer"], set()).add(bill["patient"])
        self.payers.add(bill["payer"])
        self.charges.add(bill["charge_cents"])


@dataclass(frozen=True)
class Numbered:
    """The tables with every claim id set, and the claims whose number was taken already."""

    submissions: pl.DataFrame
    remit_claims: pl.DataFrame
    again: list[tuple[str, int]]
    """Claim id and charge of each second claim of a number."""


def met_but_for_form(rows: pl.DataFrame, billed: pl.DataFrame) -> pl.DataFrame:
    """Numbers that were never billed as written, and the billed number that each of them is in another form.

    Formula
        equal but for zeros in front, case, punctuation, blanks and a spreadsheet's decimal (`tables.ids.plain`)
    Counts
        Only where one billed number has that form, and a row under the number names a charge that was billed
        under it: two claims whose numbers differ by zeros stay two. Lossy forms (scientific notation, lost
        digits) are no proof; they are listed by the relation `id_forms`. `rows` and `billed` hold claim_number
        and charge_cents.
    Shape
        claim_number, billed_number, charge_cents (as billed, the highest)

    >>> sent = pl.DataFrame({"claim_number": ["000777", "A-1"], "charge_cents": [100, 100]})
    >>> answers = pl.DataFrame({"claim_number": ["777", "a1", "A-1"], "charge_cents": [-100, 90, 100]})
    >>> met_but_for_form(answers, sent).rows()
    [('777', '000777', 100)]
    """
    form = plain(pl.col("claim_number"))
    rows = rows.join(billed, on="claim_number", how="anti").with_columns(form=form)
    only = billed.with_columns(form=form).filter(
        pl.col("form") != "", pl.col("claim_number").n_unique().over("form") == 1
    )
    only = only.rename({"claim_number": "billed_number", "charge_cents": "billed_cents"})
    pairs = rows.join(only, on="form", how="inner").filter(pl.col("charge_cents").abs() == pl.col("billed_cents"))
    found = pairs.group_by("claim_number", "billed_number").agg(charge_cents=pl.col("billed_cents").max())
    return found.sort("claim_number")


def renumbered(submissions: pl.DataFrame, remits: pl.DataFrame) -> dict[str, str]:
    """Numbers under which claims were only replaced or voided -> the numbers under which they had been billed.

    Formula
        a replacement or void names its claim by the payer's number (REF*F8 is CLP07 of one stored number of
        that payer); chains of them lead to the first
    """
    revises = pl.col("frequency").is_in([*REPLACEMENTS, VOID])
    only = submissions.filter(revises.all().over("claim_number"), pl.col("original_reference").is_not_null())
    known = remits.filter(pl.col("payer_claim_id").is_not_null()).select(
        "payer", "claim_number", original_reference="payer_claim_id"
    )
    known = known.unique().filter(pl.len().over("payer", "original_reference") == 1)
    pairs = only.join(known, on=["payer", "original_reference"], how="inner", suffix="_of")
    first = dict(pairs.sort("sequence", descending=True).select("claim_number", "claim_number_of").iter_rows())
    found = {}
    for number in first:
        seen = [number]
        while (then := first.get(seen[-1], seen[-1])) not in seen:
            seen.append(then)
        found[number] = seen[-1]
    return {number: then for number, then in found.items() if number != then}


def perhaps_twice(submissions: pl.DataFrame) -> pl.DataFrame:
    """Originals beside a replacement of the same patient, payer and day of service whose own original is not stored.

    Shape
        claim_number, charge_cents: what may stand twice
    """
    number, same = pl.coalesce("claim_number", "claim_id"), ["payer", "patient", "service_on"]
    sent = submissions.filter(pl.col("payer_order") == "primary").with_columns(claim_number=number).drop_nulls(same)
    revises = pl.col("frequency").is_in(REPLACEMENTS)
    lonely = sent.filter(revises.all().over("claim_id"))
    originals = sent.filter(~(revises | (pl.col("frequency") == VOID)).any().over("claim_id"))
    met = originals.join(lonely.select(*same, since="submitted_on"), on=same, how="inner")
    met = met.filter(pl.col("submitted_on") <= pl.col("since"))
    return met.group_by("claim_number").agg(pl.col("charge_cents").max()).sort("claim_number")


def numbered(submissions: pl.DataFrame, remits: pl.DataFrame, lines: pl.DataFrame) -> Numbered:
    """Every bill and every answer under the id of its claim.

    Formula
        A bill is about a claim of its number when the patient is the same (as one payer knows the person)
        and the day of service at most 3 days off, or 180 for interim bills and answers; replacements
        and voids of the same patient at any distance. A corrected member id on the same day and charge is
        no other patient. An answer goes to the claim nearest in days of service, then of its charge,
        its payer, and the last one billed by then; a reversal to the claim of its payer's number (CLP07).
    Counts
        Ids in the order in which the claims were first billed; those known only by answers come last.
    """
    number = pl.coalesce("claim_number", "claim_id")
    submissions = submissions.with_columns(claim_number=number)
    remits = remits.with_columns(claim_number=number)
    doubtful = _doubtful(submissions, remits, lines)
    bills = submissions.join(doubtful, on="claim_number", how="semi").sort("submitted_on", "sequence", "submission_id")
    claims: dict[str, list[Claim]] = defaultdict(list)
    bill_ids: dict[str, str] = {}
    for bill in bills.iter_rows(named=True):
        bill_ids[bill["submission_id"]] = _claim_of_bill(claims[bill["claim_number"]], bill).number
    answer_ids: dict[str, str] = {}
    for answer in _answers(remits, lines, doubtful).iter_rows(named=True):
        answer_ids[answer["remit_claim_id"]] = _claim_of_answer(claims[answer["claim_number"]], answer).number
    again = [(claim.number, max(claim.charges, default=0)) for found in claims.values() for claim in found[1:]]

    def named(rows: pl.DataFrame, key: str, ids: dict[str, str]) -> pl.DataFrame:
        known = pl.DataFrame({key: list(ids), "_id": list(ids.values())}, schema={key: pl.String, "_id": pl.String})
        both = rows.join(known, on=key, how="left", maintain_order="left")
        return both.with_columns(claim_id=pl.coalesce("_id", "claim_number")).drop("_id")

    return Numbered(
        named(submissions, "submission_id", bill_ids), named(remits, "remit_claim_id", answer_ids), sorted(again)
    )


def _doubtful(submissions: pl.DataFrame, remits: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The numbers whose bills name several patients or days, or whose answers name a day far from theirs."""
    sent = submissions.group_by("claim_number").agg(
        first=pl.col("service_on").min(), last=pl.col("service_on").max(), people=pl.col("patient").n_unique()
    )
    served = remits.select("remit_claim_id", "claim_number").join(_served(lines), on="remit_claim_id", how="inner")
    served = served.join(sent.select("claim_number", "first"), on="claim_number", how="inner")
    far = served.filter((pl.col("served_on") - pl.col("first")).dt.total_days().abs() > SAME_STAY_DAYS)
    several = sent.filter((pl.col("people") > 1) | (pl.col("first") != pl.col("last")))
    return pl.concat([several.select("claim_number"), far.select("claim_number")]).unique()


def _served(lines: pl.DataFrame) -> pl.DataFrame:
    return lines.group_by("remit_claim_id").agg(served_on=pl.col("service_on").min()).drop_nulls()


def _answers(remits: pl.DataFrame, lines: pl.DataFrame, doubtful: pl.DataFrame) -> pl.DataFrame:
    rows = remits.join(doubtful, on="claim_number", how="semi").join(_served(lines), on="remit_claim_id", how="left")
    return rows.sort("received_on", "sequence", "remit_claim_id")


def _new(found: list[Claim], number: str, since: dt.date) -> Claim:
    claim = Claim(f"{number} ({len(found) + 1})" if found else number, since)
    found.append(claim)
    return claim


def _claim_of_bill(found: list[Claim], bill: dict) -> Claim:
    fitting = [claim for claim in found if claim.holds(bill)]
    claim = min(fitting, key=lambda claim: claim.distance(bill["service_on"]), default=None)
    claim = claim or _new(found, bill["claim_number"], bill["submitted_on"])
    claim.take(bill)
    return claim


def _claim_of_answer(found: list[Claim], answer: dict) -> Claim:
    def unlikeness(claim: Claim) -> tuple:
        return (
            not (answer["payer_claim_id"] and answer["payer_claim_id"] in claim.icns),
            claim.since > answer["received_on"],
            claim.distance(answer["served_on"]),
            abs(answer["charge_cents"]) not in claim.charges,
            answer["payer"] not in claim.payers,
            -claim.since.toordinal(),
        )

    claim = min(found, key=unlikeness, default=None)
    if claim is None or claim.distance(answer["served_on"]) > SAME_STAY_DAYS:
        claim = _new(found, answer["claim_number"], answer["received_on"])
        claim.days.add(answer["served_on"])
        claim.charges.add(abs(answer["charge_cents"]))
    if answer["payer_claim_id"]:
        claim.icns.add(answer["payer_claim_id"])
    return claim
