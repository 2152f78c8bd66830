"""What is planted in a self-pay programme: patient balances that do not follow the EOB, and breaches of its policy.

The balances are planted in the ledger before the programme opens. The remittances stay as they are; only postings
change, so that the ledger says something else than the payers. Chosen are claims of one payer whose patient has paid
nothing yet: what a patient does would depend on the bill. Each breach of policy is a handful of records. The truth
names all of them.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl

from ..company import day_number
from ..files.ledger_rows import shaped
from ..files.x12 import claim_ids
from ..services.rows import Luck, patients, planted_item
from .desk import Programme

EOB_KINDS = {
    "share_not_transferred": "shares that the payer left to the patient and nobody moved off the insurance",
    "share_written_off": "shares that the payer left to the patient, posted away as contractual",
    "posting_swap": "CO and PR posted the wrong way round",
    "takeback_not_followed": "decisions taken back by the payer and not on the patient's side",
    "denial_billed": "denials at the provider's cost (CO) moved to the patient",
}
HOW_MANY = 5
SETTLED_DAYS = 30
"""Days before the end in which nothing is planted: it could still be a matter of days until it is posted."""
Touched = list[tuple[int, int, int]]
"""Claim, day and cents of what was planted."""


def plant_mismatches(programme: Programme) -> list[dict[str, Any]]:
    """Put every kind into the ledger, and say what was put in."""
    book, luck = programme.practice.book, programme.luck("eob plants")
    names = claim_ids(book)
    plain = _plain(programme, luck)
    swapped = plain.filter(
        (pl.col("transfers") == 1) & (pl.col("discounts") == 1) & (pl.col("discount") > pl.col("share"))
    )
    swapped = swapped.head(HOW_MANY)
    others = plain.filter(~pl.col("claim").is_in(swapped["claim"].implode()))
    made: dict[str, Touched] = {
        "share_not_transferred": _leave(programme, others[:HOW_MANY]),
        "share_written_off": _post_away(programme, others[HOW_MANY : 2 * HOW_MANY]),
        "posting_swap": _swap(programme, swapped),
        "takeback_not_followed": _keep_after_takeback(programme, luck),
        "denial_billed": _bill_denials(programme, luck),
    }
    return [
        planted_item(
            1,
            book.client.id,
            kind,
            start_basis="posted",
            size=float(len(touched)),
            size_unit="claims",
            amount_means="difference between the patient's bill and the EOB",
            means=EOB_KINDS[kind],
            rows=[[names[claim], None, str(np.datetime64(day, "D")), cents] for claim, day, cents in touched],
        )
        for kind, touched in made.items()
        if touched
    ]


def _chosen(luck: Luck, name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame in an order drawn by claim."""
    frame = frame.sort("claim")
    return frame[np.argsort(luck.uniform(name, frame["claim"].to_numpy()), kind="stable").tolist()]


def _plain(programme: Programme, luck: Luck) -> pl.DataFrame:
    """Claims whose patient side is shares transferred and nothing paid: claim, day, share, discount, and counts of
    both."""
    book, ledger = programme.practice.book, programme.practice.ledger.filter(pl.col("claim").is_not_null())
    own, kind = pl.col("party") == "patient", pl.col("kind")
    moved, discount = own & (kind == "transfer"), kind == "contractual"
    sums = ledger.group_by("claim").agg(
        pl.col("posted").filter(moved).min().alias("day"),
        pl.col("posted").filter(moved).max().alias("final"),
        pl.col("amount").filter(moved).sum().alias("share"),
        moved.sum().alias("transfers"),
        -pl.col("amount").filter(discount).sum().alias("discount"),
        discount.sum().alias("discounts"),
        (
            (own & ~kind.is_in(["transfer", "write_off"]))
            | (kind == "takeback")
            | (moved & (pl.col("amount") <= 0))
            | (moved & (pl.col("group_code") != "PR"))
            | ((pl.col("party") == "primary") & (kind == "write_off"))
        )
        .sum()
        .alias("others"),
    )
    months = book.calendar.months
    start = (months[max(0, len(months) - 8)].first_day - months[0].first_day).days + book.calendar.first
    alone = pl.Series(np.flatnonzero(book.claims["secondary"] < 0))
    found = sums.filter(
        (pl.col("others") == 0)
        & (pl.col("share") > 0)
        & (pl.col("day") >= start)
        & (pl.col("day") == pl.col("final"))
        & (pl.col("day") <= programme.last - SETTLED_DAYS)
        & pl.col("claim").is_in(alone.implode())
    )
    return _chosen(luck, "plain claims", found)


def _touched(frame: pl.DataFrame, cents: str = "share") -> Touched:
    return list(frame.select("claim", "day", cents).iter_rows())


def _quiet(programme: Programme, claims: pl.Series) -> pl.Expr:
    """Nobody sends statements about the claims; returns which postings are theirs."""
    practice, here = programme.practice, pl.col("claim").is_in(claims.implode()).fill_null(False)
    practice.notes = practice.notes.filter(~(here & (pl.col("action") == "statement")))
    return here


def _leave(programme: Programme, chosen: pl.DataFrame) -> Touched:
    """Without the transfer, and without what followed from it."""
    here = _quiet(programme, chosen["claim"])
    gone = here & ((pl.col("kind") == "transfer") | (pl.col("party") == "patient"))
    programme.practice.ledger = programme.practice.ledger.filter(~gone)
    return _touched(chosen)


def _post_away(programme: Programme, chosen: pl.DataFrame) -> Touched:
    """The insurer's half of the transfer becomes a contractual posting."""
    here = _quiet(programme, chosen["claim"])
    away = here & (pl.col("kind") == "transfer")
    words = {"kind": "contractual", "group_code": "CO", "carc": "45"}
    ledger = programme.practice.ledger.filter(~(here & (pl.col("party") == "patient")))
    programme.practice.ledger = ledger.with_columns(
        pl.when(away).then(pl.lit(word)).otherwise(name).alias(name) for name, word in words.items()
    )
    return _touched(chosen)


def _swap(programme: Programme, chosen: pl.DataFrame) -> Touched:
    """Share and discount change places, and whatever was given up at the patient follows."""
    ledger = programme.practice.ledger.join(
        chosen.select("claim", "share", "discount"), on="claim", how="left", maintain_order="left"
    )
    swapped = pl.when(pl.col("kind") == "contractual").then("share").otherwise("discount") * pl.col("amount").sign()
    ledger = ledger.with_columns(
        amount=pl.when(pl.col("share").is_null() | ~pl.col("kind").is_in(["contractual", "transfer", "write_off"]))
        .then("amount")
        .otherwise(swapped)
    )
    programme.practice.ledger = ledger.drop("share", "discount")
    return _touched(chosen.with_columns(pl.col("discount") - pl.col("share")), "discount")


def _keep_after_takeback(programme: Programme, luck: Luck) -> Touched:
    """The patient's side of a reversal is never posted, so nobody sees the credit."""
    ledger = programme.practice.ledger.with_row_index("row")
    taken = ledger.filter(pl.col("kind") == "takeback").group_by("claim").agg(pl.col("posted").max().alias("day"))
    back = ledger.filter(
        (pl.col("kind") == "transfer")
        & (pl.col("party") == "patient")
        & (pl.col("amount") < 0)
        & (pl.col("group_code") == "PR")
    )
    back = (
        back.join(taken, left_on=["claim", "posted"], right_on=["claim", "day"])
        .group_by("claim")
        .agg(-pl.col("amount").sum().alias("share"), pl.col("posted").max().alias("day"))
    )
    last = programme.last - SETTLED_DAYS
    chosen = _chosen(luck, "takebacks", back.filter(pl.col("day") <= last)).head(HOW_MANY)
    rows = ledger.join(chosen, on="claim", how="left", maintain_order="left")
    reversal = (pl.col("kind") == "transfer") & (pl.col("posted") == pl.col("day")) & (pl.col("group_code") == "PR")
    is_old = pl.when(pl.col("party") == "patient").then(pl.col("amount") < 0).otherwise(pl.col("amount") > 0)
    gone = pl.col("day").is_not_null() & (
        (reversal & is_old) | ((pl.col("kind") == "refund") & (pl.col("party") == "patient"))
    )
    programme.practice.ledger = rows.filter(~gone).drop("row", "share", "day")
    return _touched(chosen)


def _bill_denials(programme: Programme, luck: Luck) -> Touched:
    """What was given up of a denial is moved to the patient instead."""
    book, ledger = programme.practice.book, programme.practice.ledger.with_row_index("row")
    alone = pl.Series(np.flatnonzero(book.claims["secondary"] < 0))
    off = ledger.filter(
        (pl.col("kind") == "write_off")
        & (pl.col("party") == "primary")
        & ~pl.col("reason").is_in(["timely filing", "administrative"])
        & pl.col("claim").is_in(alone.implode())
        & (pl.col("posted") >= programme.last - 240)
    )
    chosen = _chosen(luck, "denials", off.unique("claim", keep="none")).head(HOW_MANY)
    here = pl.col("row").is_in(chosen["row"].implode())
    empty = [pl.lit(None, pl.String).alias(name) for name in ("reason", "approved_by")]
    moved = chosen.with_columns(empty).with_columns(kind=pl.lit("transfer"), group_code=pl.lit("CO"))
    other = moved.with_columns(party=pl.lit("patient"), amount=-pl.col("amount"))
    programme.practice.ledger = pl.concat([ledger.filter(~here).drop("row"), shaped(moved), shaped(other)]).sort(
        "posted", maintain_order=True
    )
    return _touched(chosen.select("claim", pl.col("posted").alias("day"), share=-pl.col("amount")))


Rows = list[list[Any]]


class _Breaches:
    """The tables while breaches are put into them; every method plants one kind and returns what it touched."""

    def __init__(self, programme: Programme, tables: dict[str, pl.DataFrame]) -> None:
        self.programme, self.tables = programme, dict(tables)
        self.luck = Luck(programme.practice.seed, programme.practice.book.client.id, "self-pay plants")
        calendar = programme.practice.book.calendar
        self.start, self.last = calendar.months[-6].first_day, calendar.months[-1].last_day

    def some(self, frame: pl.DataFrame, count: int, name: str) -> pl.DataFrame:
        """`count` rows of the frame, by luck; fewer where there are not so many."""
        draw = self.luck.uniform(name, np.arange(len(frame)))
        return frame[np.sort(np.argsort(draw, kind="stable")[:count]).tolist()]

    def recent(self, table: str, day: str, *, spare: int = 0) -> pl.DataFrame:
        """Rows of the last six months, and not of the last `spare` days."""
        return self.tables[table].filter(pl.col(day).is_between(self.start, self.last - dt.timedelta(days=spare)))

    def add(self, table: str, rows: pl.DataFrame, key: str, prefix: str) -> pl.DataFrame:
        """More rows with new ids, in the order of the table."""
        here = self.tables[table]
        rows = rows.with_columns(
            pl.Series(key, [f"{prefix}9{len(here) + number:05d}" for number in range(len(rows))], dtype=pl.String)
        )
        self.tables[table] = pl.concat([here, rows.select(here.columns).cast(here.schema)])
        return rows

    def change(self, table: str, key: str, ids: list[str], **values: Any) -> None:
        """Other values in the rows with these ids."""
        here = pl.col(key).is_in(ids)
        self.tables[table] = self.tables[table].with_columns(
            pl.when(here).then(value if isinstance(value, pl.Expr) else pl.lit(value)).otherwise(name).alias(name)
            for name, value in values.items()
        )

    def _talked(self) -> pl.Series:
        """Accounts about which somebody has talked with the patient."""
        return self.tables["interactions"].filter(pl.col("result") == "conversation")["claim_id"].drop_nulls().unique()

    def calls_outside_window(self) -> Rows:
        calls = self.recent("interactions", "entered_on").filter(
            (pl.col("direction") == "out") & (pl.col("channel") == "phone")
        )
        chosen = self.some(calls, 8, "late calls")
        self.change(
            "interactions",
            "interaction_id",
            chosen["interaction_id"].to_list(),
            local_time=pl.when(pl.col("minutes") > 1).then(pl.lit("21:40")).otherwise(pl.lit("07:15")),
        )
        return _told(chosen, "interaction_id", "entered_on")

    def too_many_calls(self) -> Rows:
        calls = self.recent("interactions", "happened_on", spare=15).filter(
            (pl.col("direction") == "out") & (pl.col("result") == "no_answer")
        )
        one = self.some(calls.filter(~pl.col("claim_id").is_in(self._talked().implode())), 1, "one account")
        days = (
            [one["happened_on"][0] + dt.timedelta(days=number * 6 // 9) for number in range(1, 10)] if len(one) else []
        )
        more = pl.concat([one.with_columns(happened_on=day, entered_on=day) for day in days]) if days else one
        return _told(self.add("interactions", more, "interaction_id", "CL"), "interaction_id", "entered_on")

    def call_after_conversation(self) -> Rows:
        talks = self.recent("interactions", "happened_on", spare=8).filter(
            (pl.col("result") == "conversation") & (pl.col("channel") == "phone")
        )
        applicants = self.tables["assistance_applications"]["patient"]
        chosen = self.some(talks.filter(~pl.col("patient").is_in(applicants.implode())), 5, "talks")
        after = pl.col("happened_on") + dt.timedelta(days=3)
        blank = [
            pl.lit(None).alias(name)
            for name in (
                "department",
                "resolution",
                "next_step",
                "is_identity_verified",
                "is_disclosure_given",
                "script_version",
                "is_script_followed",
            )
        ]
        more = chosen.with_columns(
            blank,
            happened_on=after,
            entered_on=after,
            direction=pl.lit("out"),
            result=pl.lit("voicemail"),
            reason=pl.lit("balance"),
            minutes=pl.lit(1.0),
            local_time=pl.lit("11:05"),
        )
        return _told(self.add("interactions", more, "interaction_id", "CL"), "interaction_id", "entered_on")

    def missing_disclosure(self) -> Rows:
        chosen = self.some(self.recent("interactions", "entered_on").filter("is_disclosure_given"), 9, "disclosure")
        self.change("interactions", "interaction_id", chosen["interaction_id"].to_list(), is_disclosure_given=False)
        return _told(chosen, "interaction_id", "entered_on")

    def out_of_scope(self) -> Rows:
        chosen = self.some(
            self.recent("statements", "statement_on", spare=10).filter(pl.col("sequence") > 1), 3, "scope"
        )
        more = pl.DataFrame(
            {
                "patient": chosen["patient"],
                "claim_id": chosen["claim_id"],
                "requested_on": chosen["statement_on"],
                "done_on": chosen["statement_on"] + dt.timedelta(days=5),
                "kind": ["credit_reporting", "credit_reporting", "third_party_collection"][: len(chosen)],
                "amount_cents": chosen["balance_cents"],
                "reason": ["unpaid balance"] * len(chosen),
                "done_by": ["cp03"] * len(chosen),
            }
        )
        return _told(self.add("account_changes", more, "change_id", "CH"), "change_id", "done_on", "amount_cents")

    def retry_after_hard_decline(self) -> Rows:
        chosen = self.some(
            self.recent("payment_attempts", "attempted_on", spare=6).filter(pl.col("decline_kind") == "hard"), 4, "hard"
        )
        more = pl.concat(
            [
                chosen.with_columns(
                    attempted_on=pl.col("attempted_on") + dt.timedelta(days=days), retry_of=pl.col("attempt_id")
                )
                for days in (2, 4)
            ]
        ).sort("attempted_on", "retry_of")
        return _told(
            self.add("payment_attempts", more, "attempt_id", "PA"), "attempt_id", "attempted_on", "amount_cents"
        )

    def too_many_retries(self) -> Rows:
        soft = self.recent("payment_attempts", "attempted_on", spare=28).filter(
            (pl.col("decline_kind") == "soft") & (pl.col("method") == "visa")
        )
        one = self.some(soft.filter(pl.col("retry_of").is_null()), 1, "soft")
        more = pl.concat(
            [
                one.with_columns(
                    attempted_on=pl.col("attempted_on") + dt.timedelta(days=days), retry_of=pl.col("attempt_id")
                )
                for days in range(1, 25)
            ]
        )
        return _told(
            self.add("payment_attempts", more, "attempt_id", "PA"), "attempt_id", "attempted_on", "amount_cents"
        )

    def unapproved_write_offs(self) -> Rows:
        approved = self.recent("write_off_approvals", "decided_on").filter(
            (pl.col("decision") == "approved") & (pl.col("amount_cents") > 1_000)
        )
        chosen = self.some(approved, 6, "approvals")
        gone = pl.col("approval_id").is_in(chosen["approval_id"].to_list())
        self.tables["write_off_approvals"] = self.tables["write_off_approvals"].filter(~gone)
        return _told(chosen, "claim_id", "decided_on", "amount_cents")

    def worked_during_application(self) -> Rows:
        asked = self.tables["assistance_applications"].filter(
            pl.col("decided_on").is_between(self.start, self.last)
            & (pl.col("decided_on") - pl.col("applied_on") > dt.timedelta(days=9))
        )
        again = (
            self.tables["interactions"]
            .join(asked.select("claim_id", "applied_on"), on="claim_id")
            .filter((pl.col("result") == "conversation") & (pl.col("happened_on") > pl.col("applied_on")))["claim_id"]
        )
        chosen = self.some(asked.filter(~pl.col("claim_id").is_in(again.implode())), 5, "applications")
        day = chosen["applied_on"] + dt.timedelta(days=8)
        count = len(chosen)
        more = pl.DataFrame(
            {
                "patient": chosen["patient"],
                "claim_id": chosen["claim_id"],
                "happened_on": day,
                "local_time": ["10:20"] * count,
                "entered_on": day,
                "direction": ["out"] * count,
                "channel": ["phone"] * count,
                "result": ["voicemail"] * count,
                "reason": ["balance"] * count,
                "handled_by": ["cp02"] * count,
                "minutes": [1.0] * count,
            }
        )
        here = self.tables["interactions"]
        more = more.with_columns(pl.lit(None).alias(name) for name in here.columns if name not in more.columns)
        return _told(self.add("interactions", more, "interaction_id", "CL"), "interaction_id", "entered_on")

    def statement_before_remit(self) -> Rows:
        """A bill for the patient's share while the insurer has not answered, and the ledger says nothing is due."""
        book, own = self.programme.practice.book, self.programme.own
        moved = own.filter((pl.col("kind") == "transfer") & (pl.col("amount") > 0) & (pl.col("group_code") == "PR"))
        first = moved.group_by("claim").agg(pl.col("posted").min(), pl.col("amount").sum()).sort("claim")
        day = book.claims["entered"][first["claim"].to_numpy()] + 4
        desk = own.filter(pl.col("amount") < 0)["claim"].unique()
        early = first.with_columns(day=pl.Series(day)).filter(
            (pl.col("posted") > pl.col("day") + 3)
            & (pl.col("day") >= day_number(self.start))
            & ~pl.col("claim").is_in(desk.implode())
        )
        chosen = self.some(early, 8, "early bills")
        claims, count = chosen["claim"].to_numpy(), len(chosen)
        sent = chosen["day"].cast(pl.Int32).cast(pl.Date)
        more = pl.DataFrame(
            {
                "patient": patients(book.claims["patient"][claims]),
                "claim_id": np.array(claim_ids(book))[claims],
                "statement_on": sent,
                "sequence": [1] * count,
                "balance_cents": chosen["amount"],
                "due_on": sent + dt.timedelta(days=25),
                "channel": ["mail"] * count,
            }
        )
        return _told(
            self.add("statements", more, "statement_id", "ST"), "statement_id", "statement_on", "balance_cents"
        )

    def estimate_exceeded(self) -> Rows:
        """Estimates cut so that the bill came to at least $400 more."""
        billed = self.programme.own.filter((pl.col("kind") == "charge") | (pl.col("reason") == "self-pay discount"))
        sums = billed.group_by("claim").agg(pl.col("amount").sum()).filter(pl.col("amount") > 45_000)
        names = np.array(claim_ids(self.programme.practice.book))[sums["claim"].to_numpy()]
        bills = pl.DataFrame({"claim_id": pl.Series(names, dtype=pl.String), "bill": sums["amount"]})
        chosen = self.some(self.tables["estimates"].join(bills, on="claim_id").sort("estimate_id"), 5, "estimates")
        for name, bill in chosen.select("estimate_id", "bill").iter_rows():
            self.change("estimates", "estimate_id", [name], amount_cents=max(500, (bill - 40_000) // 1_000 * 900))
        return _told(chosen, "estimate_id", "planned_on")


KINDS = {
    "calls_outside_window": "calls before 08:00 or after 21:00 by the patient's clock",
    "too_many_calls": "more than seven calls in seven days about one account",
    "call_after_conversation": "calls within seven days of a conversation about the account",
    "missing_disclosure": "conversations without the required disclosure",
    "out_of_scope": "credit reporting and third-party collection",
    "retry_after_hard_decline": "cards tried again after a decline that forbids it",
    "too_many_retries": "more retries in thirty days than the card network allows",
    "unapproved_write_offs": "balances written off by hand without an approval (rows name the claim)",
    "worked_during_application": "calls while an application for assistance was open",
    "statement_before_remit": "statements before the insurer had answered",
    "estimate_exceeded": "bills of $400 or more above the good-faith estimate",
}


def plant_breaches(
    programme: Programme, tables: dict[str, pl.DataFrame]
) -> tuple[dict[str, pl.DataFrame], list[dict[str, Any]]]:
    """The tables with every kind of breach put in, and the truth about them."""
    book = programme.practice.book
    if len(book.calendar.months) < 8:
        return tables, []
    breaches, plants = _Breaches(programme, tables), []
    for kind, words in KINDS.items():
        rows = getattr(breaches, kind)()
        if rows:
            plants.append(
                planted_item(
                    1,
                    book.client.id,
                    kind,
                    start_basis="posted",
                    size=float(len(rows)),
                    size_unit="records",
                    amount_means="amounts of the records; 0 where they carry none",
                    means=words,
                    rows=rows,
                )
            )
    return breaches.tables, plants


def _told(rows: pl.DataFrame, key: str, day: str, cents: str | None = None) -> Rows:
    return [[row[key], None, str(row[day]), row[cents] if cents else None] for row in rows.iter_rows(named=True)]
