"""Answers of front ends on their way into the store: which of our claims each is about, and what it makes of them.

An answer about a claim finds it by its number, and of several bills of that number the one of its batch, else the last
one before it. An answer about a file finds its claims by the control numbers of the 837 that was sent. What was
answered becomes a row of `claim_edits` for each claim; files that were taken make none, unless they come after a
refusal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import polars as pl

from ...errors import listed
from ...ledger.derived import DERIVED
from ...ledger.records import Records
from ...ledger.relations import UNACKNOWLEDGED_DAYS, acknowledged_never_sent, never_acknowledged
from ...ledger.settle import Told
from ...tables.ids import plain
from ...tables.reference.claim_status import FAILED, PASSED, in_words
from ...tables.schema import ACKNOWLEDGMENTS, CLAIM_EDITS, CLAIMS, REMIT_CLAIMS, SUBMISSIONS, TRANSMISSIONS
from .remittances import shaped, stacked

TABLES = (ACKNOWLEDGMENTS, CLAIM_EDITS, TRANSMISSIONS, SUBMISSIONS, CLAIMS, REMIT_CLAIMS)
"""The tables from which the state of acknowledgments is made."""
ANSWER_DAYS = 60
"""Control numbers start anew: a file is answered within so many days, or the answer is about another one."""
_CONTROLS = ("interchange_control", "group_control", "transaction_control")
_NAMED_BY = {
    "claim": ("claim_number",),
    "provider": ("batch",),
    "batch": ("batch",),
    "transaction": ("group_control", "transaction_control"),
    "group": ("group_control",),
    "interchange": ("interchange_control",),
}
"""What an answer at each level has to name, so that anybody can tell what it is about."""
col = pl.col


# --- from files to rows -----------------------------------------------------------------------------


def acknowledgment_rows(read: Sequence[pd.DataFrame], client: str) -> pl.DataFrame:
    """The answers of many files as rows of `acknowledgments`, with `file_number`, `segment` and `charge_fault`."""
    rows = pl.from_pandas(stacked(read)).with_columns(col("service_on", "answered_on", "received_on").cast(pl.Date))
    beside = rows.select("file_number", "segment", "charge_fault")
    same = [name for name in ACKNOWLEDGMENTS.names if name in rows.columns]
    rows = rows.with_columns(pl.int_range(pl.len()).over("file_number", *same).alias("_nth"))
    ids = [
        hashlib.sha256(json.dumps(row, default=str).encode()).hexdigest()[:24]
        for row in rows.select(*same, "_nth").rows()
    ]
    rows = rows.with_columns(acknowledgment_id=pl.Series(ids, dtype=pl.String))
    return shaped(rows, ACKNOWLEDGMENTS, client).hstack(beside)


def fit_answers(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The answers that say what they are about and what became of it, and the others as a quarantine.

    Counts
        Set aside: an amount that cannot be read, no status, no number of what is answered (of a batch or provider
        only where it was refused), no day. Dollars are those that the answer names.
    """
    named = pl.coalesce(
        pl.when(col("level") == level).then(pl.all_horizontal(col(list(names)).is_not_null()))
        for level, names in _NAMED_BY.items()
    )
    is_needed = ~col("level").is_in(["batch", "provider"]) | (col("result") == FAILED)
    faults = (
        ("unreadable_amount", "charge_cents", "is no amount of dollars and cents", col("charge_fault").is_not_null()),
        ("missing", "status_codes", "the answer holds no status", col("status_codes").is_null()),
        ("missing", "claim_number", "the answer does not name what it is about", ~named & is_needed),
        ("missing", "received_on", "neither the file nor its envelope names a day", col("received_on").is_null()),
    )
    rule, column, message = (
        pl.coalesce(pl.when(bad).then(pl.lit(fault[place])) for *fault, bad in faults) for place in (0, 1, 2)
    )
    judged = rows.with_columns(rule=rule, column=column, message=pl.concat_str([column, message], separator=": "))
    aside = judged.filter(col("rule").is_not_null()).select(
        "file_number",
        "column",
        "rule",
        "message",
        row="segment",
        amount_cents="charge_cents",
        text=pl.lit(None),
        known_on="received_on",
    )
    return rows.filter(judged["rule"].is_null()), aside


def transmission_rows(read: Sequence[pd.DataFrame], submissions: pl.DataFrame, client: str) -> pl.DataFrame:
    """Which 837 transaction carried each bill; `submissions` is the table made of the same frames, in their order."""
    heads = (
        pl.from_pandas(stacked(read))
        .select(*_CONTROLS, "batch", "billing_npi")
        .with_columns(col(_CONTROLS).fill_null(""))
    )
    rows = submissions.select("submission_id", sent_on="submitted_on").hstack(heads)
    return shaped(rows, TRANSMISSIONS, client).unique(TRANSMISSIONS.key, keep="first", maintain_order=True)


# --- from rows to claims ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Acknowledged:
    """The answers with their claims, the checks that they make of them, and what somebody should know."""

    acknowledgments: pl.DataFrame
    claim_edits: pl.DataFrame
    told: list[Told]


def acknowledged(tables: Mapping[str, pl.DataFrame], client: str) -> Acknowledged:
    """All stored answers put to their claims; `tables` holds those of `TABLES`.

    Formula
        claim = by number as sent, else by the other number, else in another form (`tables.ids.plain`) where one number
        of ours has it and the charge is the same; of its bills that of the same batch, else the last one before
        file = by ISA13, GS06 and ST02, or BHT03, of the last 837 sent with them at most 60 days before
    Counts
        A check for each answer about a claim of ours, and for each claim of a refused file; where a file was sent again
        and taken, that too. Answers that fit two files of one day are put to neither.
    """
    answers = tables[ACKNOWLEDGMENTS.name]
    bills = _bills(tables)
    of_claims = _of_claims(answers.filter(level="claim"), bills, tables[TRANSMISSIONS.name])
    of_files, lost = _of_files(answers.filter(col("level") != "claim"), tables[TRANSMISSIONS.name], bills)
    answers = answers.drop("claim_id").join(
        of_claims.select("acknowledgment_id", "claim_id"), on="acknowledgment_id", how="left"
    )
    answers = answers.select(ACKNOWLEDGMENTS.names)
    derived = _edits(pl.concat([of_claims, of_files], how="diagonal"), client)
    own = tables[CLAIM_EDITS.name].filter(~col("edit_id").str.starts_with(DERIVED))
    told = [*_told_of_files(of_files, bills, derived), *_told_of_lost(lost)]
    edits = pl.concat([own, derived])
    told += _told_of_relations({**tables, ACKNOWLEDGMENTS.name: answers, CLAIM_EDITS.name: edits})
    return Acknowledged(answers, edits, told)


def _bills(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Every bill of ours, and every claim without one: `number`, claim_id, submission_id, sent_on, billed_cents."""
    sent = tables[SUBMISSIONS.name].select(
        "claim_id",
        "submission_id",
        number=pl.coalesce("claim_number", "claim_id"),
        sent_on="submitted_on",
        billed_cents="charge_cents",
    )
    others = tables[CLAIMS.name].join(sent, on="claim_id", how="anti")
    others = others.select("claim_id", number="claim_id", billed_cents="charge_cents")
    return pl.concat([sent, others], how="diagonal")


def _of_claims(answers: pl.DataFrame, bills: pl.DataFrame, transmissions: pl.DataFrame) -> pl.DataFrame:
    """The answers about claims that are ours, each with the bill that it answers."""
    numbers = bills.select("number", "billed_cents").unique("number", keep="last", maintain_order=True)
    forms = numbers.with_columns(form=plain(col("number"))).filter(col("form") != "", pl.len().over("form") == 1)
    names = pl.concat(
        answers.select("acknowledgment_id", "charge_cents", place=pl.lit(place), said=name).drop_nulls("said")
        for place, name in enumerate(("claim_number", "other_number"))
    )
    exact = names.join(numbers, left_on="said", right_on="number", how="inner", coalesce=False)
    alike = names.with_columns(form=plain(col("said"))).join(forms, on="form", how="inner")
    alike = alike.filter(col("charge_cents").is_null() | (col("charge_cents") == col("billed_cents")))
    found = pl.concat(
        part.select("acknowledgment_id", "number", turn=2 * col("place") + form)
        for form, part in enumerate((exact, alike))
    )
    found = found.sort("turn").unique("acknowledgment_id", keep="first", maintain_order=True)
    rows = (
        answers.drop("claim_id").join(found, on="acknowledgment_id", how="inner").join(bills, on="number", how="inner")
    )
    carried = transmissions.select("submission_id", "batch", same_batch=pl.lit(True)).drop_nulls("batch").unique()
    rows = rows.join(carried, on=["submission_id", "batch"], how="left")
    late = (col("sent_on") > col("received_on")).fill_null(True)
    days = (col("received_on") - col("sent_on")).dt.total_days().abs()
    rows = rows.with_columns(col("same_batch").fill_null(False), late=late, days=days)
    rows = rows.sort(
        "same_batch", "late", "days", "submission_id", descending=[True, False, False, False], nulls_last=True
    )
    return rows.unique("acknowledgment_id", keep="first", maintain_order=True)


def _of_files(
    answers: pl.DataFrame, transmissions: pl.DataFrame, bills: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per answer and bill of the file that it refused, or took after a refusal; and answers whose file is not
    known."""
    files = transmissions.select(*_CONTROLS, "batch", "billing_npi", "sent_on").unique(maintain_order=True)
    parts = []
    for level, names in list(_NAMED_BY.items())[1:]:
        keys = [*names, *(["billing_npi"] if level == "provider" else [])]
        theirs = answers.filter(level=level).select(
            "acknowledgment_id", "received_on", *(plain(col(key)).alias(f"_{key}") for key in keys)
        )
        ours = files.with_columns(plain(col(key)).alias(f"_{key}") for key in keys)
        both = theirs.join(ours, on=[f"_{key}" for key in keys], how="inner")
        parts.append(both.select("acknowledgment_id", "received_on", *files.columns))
    pairs = pl.concat(parts).filter(
        col("sent_on") <= col("received_on"), col("sent_on") >= col("received_on") - pl.duration(days=ANSWER_DAYS)
    )
    pairs = pairs.filter(col("sent_on") == col("sent_on").max().over("acknowledgment_id"))
    pairs = pairs.filter(col("interchange_control").n_unique().over("acknowledgment_id") == 1)
    lost = answers.join(pairs, on="acknowledgment_id", how="anti")
    carried = pairs.drop("received_on").join(
        transmissions, on=[*_CONTROLS, "sent_on", "batch", "billing_npi"], how="inner", nulls_equal=True
    )
    rows = (
        answers.drop("claim_id", "batch", "billing_npi", *_CONTROLS)
        .join(carried.select("acknowledgment_id", "submission_id", *_CONTROLS), on="acknowledgment_id", how="inner")
        .join(bills, on="submission_id", how="inner")
        .with_columns(charge_cents="billed_cents")
    )
    failed = rows.filter(result=FAILED)
    once = failed.sort("level").unique(["submission_id", "received_on", "kind"], keep="last", maintain_order=True)
    first = failed.group_by("submission_id").agg(failed_on=col("received_on").min())
    again = rows.filter(result=PASSED).join(first, on="submission_id", how="inner")
    again = again.join(failed.select("submission_id", *_CONTROLS), on=["submission_id", *_CONTROLS], how="anti")
    again = again.filter(col("received_on") >= col("failed_on")).unique(["submission_id", "received_on", "kind"])
    return pl.concat([once, again], how="diagonal"), lost


def _edits(rows: pl.DataFrame, client: str) -> pl.DataFrame:
    """One check of a claim for each answer that concerns it."""
    words = {codes: in_words(codes) for codes in rows["status_codes"].unique().drop_nulls()}
    reason = col("status_codes").replace_strict(words, default=None, return_dtype=pl.String)
    about_file = pl.when(col("level") != "claim").then(pl.format(":{}", "submission_id")).otherwise(pl.lit(""))
    rows = rows.with_columns(
        edit_id=pl.format(f"{DERIVED}{{}}{{}}", "acknowledgment_id", about_file),
        checked_on="received_on",
        stage="said_by",
        reason=pl.when(col("result") == FAILED).then(reason),
        charge_cents=pl.coalesce("charge_cents", "billed_cents"),
    )
    return shaped(rows, CLAIM_EDITS, client).unique("edit_id", keep="first", maintain_order=True)


# --- what somebody should know ----------------------------------------------------------------------


def _told_of_files(of_files: pl.DataFrame, bills: pl.DataFrame, edits: pl.DataFrame) -> list[Told]:
    """Refused files whose claims nobody has sent again and no front end has taken since."""
    last = bills.group_by("claim_id").agg(last_sent_on=col("sent_on").max())
    taken = edits.filter(result=PASSED).group_by("claim_id").agg(taken_on=col("checked_on").max())
    rows = of_files.filter(result=FAILED).join(last, on="claim_id").join(taken, on="claim_id", how="left")
    left = rows.filter(
        col("last_sent_on") <= col("sent_on"), (col("taken_on") < col("received_on")).fill_null(True)
    ).unique("claim_id")
    if left.is_empty():
        return []
    message = (
        f"{left.height} claim(s) were in {left['acknowledgment_id'].n_unique()} file(s) that were refused whole "
        f"({listed(left['kind'].unique().sort())}): no payer has seen them, and they were not sent again. Mend the "
        "files, and send them anew."
    )
    return [Told("file_refused", int(left["charge_cents"].sum()), left.height, message)]


def _told_of_lost(lost: pl.DataFrame) -> list[Told]:
    lost = lost.filter(~col("level").is_in(["batch", "provider"]) | (col("result") == FAILED))
    if lost.is_empty():
        return []
    refused = lost.filter(result=FAILED)
    message = (
        f"{lost.height} answer(s) ({listed(lost['kind'].unique().sort())}) to whole files or batches, {refused.height} "
        f"of them refusals, name control numbers that no 837 of the {ANSWER_DAYS} days before has, or that two have. "
        "Put the 837s to the raw files; rcm repair reads those again that an earlier version took in."
    )
    return [
        Told("acknowledged_file_unknown", int(refused["charge_cents"].sum()), lost.height, message, refused.height > 0)
    ]


def _told_of_relations(tables: Mapping[str, pl.DataFrame]) -> list[Told]:
    """What the relations between acknowledgments and bills say on the last day on which anything was answered."""
    as_of = tables[ACKNOWLEDGMENTS.name]["received_on"].max()
    records = Records(tables, as_of)  # type: ignore[arg-type]
    words = {
        "acknowledged_never_sent": (
            acknowledged_never_sent,
            "claim(s) were acknowledged that no 837 of ours holds: a claim file is missing, or they are not ours.",
        ),
        "never_acknowledged": (
            never_acknowledged,
            f"claim(s) were sent over {UNACKNOWLEDGED_DAYS} days before the last acknowledgment and neither "
            "acknowledged nor answered: ask the clearinghouse whether it has them.",
        ),
    }
    found = {rule: (find(records), says) for rule, (find, says) in words.items()}
    return [
        Told(rule, int(rows["amount_cents"].sum()), rows.height, f"{rows.height} {says}")
        for rule, (rows, says) in found.items()
        if rows.height
    ]
