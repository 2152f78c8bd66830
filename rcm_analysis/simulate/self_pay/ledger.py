"""What a self-pay programme does to the ledger: payment plans, prepayments, financial assistance.

Balances that would have ended as bad debt go on a plan, or are relieved; some patients pay before anybody
asked. The ledger is changed before it is exported, so that the programme's files tie to it to the cent.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ..files.ledger_rows import shaped
from ..patients import APPROVERS
from ..practice import Practice
from ..practice_book import working_day
from ..services.rows import Luck
from ..submission import NEVER
from .desk import Programme
from .plants import plant_mismatches

PLAN_FLOOR = 4_000
MISSED = NEVER


def run_programme(practice: Practice, plants: bool = False) -> Programme:
    """Open the programme and give its payments, relief and write-offs their place in the ledger.

    With `plants` some patient balances do not follow the EOB; the programme knows no better.
    """
    programme = Programme(practice)
    if plants and len(practice.book.calendar.months) >= 8:
        programme.plant_items = plant_mismatches(programme)
    candidates = _unpaid(programme)
    way = programme.luck("ways").uniform("way", candidates["claim"].to_numpy())
    _open_plans(programme, candidates.filter(pl.Series(way < 0.5)))
    _apply_for_assistance(programme, candidates.filter(pl.Series((way >= 0.5) & (way < 0.62))))
    _pay_before_due(programme)
    _rest_while_applied(programme)
    practice.ledger = practice.ledger.sort("posted", maintain_order=True)
    return programme


def _unpaid(programme: Programme) -> pl.DataFrame:
    """Claims with a statement that their patient never paid: claim, amount, first statement, write-off day."""
    practice = programme.practice
    sent = (
        practice.notes.filter(pl.col("action") == "statement")
        .group_by("claim")
        .agg(pl.col("day").min().alias("stated"))
    )
    taken = practice.ledger.filter(pl.col("kind") == "takeback")["claim"].unique()
    off = pl.col("kind") == "write_off"
    rows = programme.own.with_columns(given_up=off & pl.col("reason").is_in(["bad debt", "small balance"]))
    sums = rows.group_by("claim").agg(
        pl.col("amount").filter(~pl.col("given_up")).sum(),
        pl.col("posted").filter(~pl.col("given_up")).max().alias("settled"),
        pl.col("posted").filter(pl.col("given_up")).min().fill_null(NEVER).alias("written_off"),
        (pl.col("reason") == "statement payment").any().alias("paid"),
    )
    found = sums.join(sent, on="claim").filter(
        ~pl.col("paid")
        & (pl.col("amount") >= PLAN_FLOOR)
        & (pl.col("settled") <= pl.col("stated"))
        & ~pl.col("claim").is_in(taken.implode())
    )
    return found.sort("claim")


def _open_plans(programme: Programme, found: pl.DataFrame) -> None:
    luck, claim = programme.luck("plans"), found["claim"].to_numpy()
    opened = working_day(found["stated"].to_numpy() + luck.between("opened", 5, 40, claim))
    fits = (opened < found["written_off"].to_numpy()) & (opened < programme.last)
    found, opened = found.filter(pl.Series(fits)), opened[fits]
    amount, claim, count = found["amount"].to_numpy(), found["claim"].to_numpy(), len(found)
    number = np.select([amount < 15_000, amount < 40_000], [3, 6], 12)
    autopay = luck.uniform("autopay", claim) < 0.6
    breaks = luck.tries("breaks", np.where(autopay, 0.035, 0.08), claim) - 1
    cured = luck.uniform("cured", claim) < 0.4
    ends = ~cured & (breaks < number)
    owner = np.repeat(np.arange(count), number)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(number) - number, number)
    due = opened[owner] + 21 + 30 * place
    part = (amount // number)[owner]
    part = np.where(place == number[owner] - 1, amount[owner] - part * (number[owner] - 1), part)
    each = claim[owner], place
    on_card = np.array([0, 0, 0, 0, 4, 9])[luck.between("card", 0, 6, *each)]
    paid = np.maximum(due + np.where(autopay[owner], on_card, luck.between("hand", -6, 9, *each)), opened[owner] + 1)
    paid = np.where(cured[owner] & (place == breaks[owner]), due + luck.between("late", 34, 50, *each), paid)
    paid = np.where(ends[owner] & (place >= breaks[owner]), MISSED, working_day(paid))
    final = np.zeros(count, np.int64)
    np.maximum.at(final, owner, np.where(paid == MISSED, 0, paid))
    closed = np.where(ends, opened + 21 + 30 * (breaks + 1) + 15, final)
    programme.plans = {
        "claim": claim,
        "opened": opened,
        "amount": amount,
        "instalments": number,
        "autopay": autopay,
        "closed": closed,
        "outcome": np.where(ends, "broken", "completed"),
    }
    programme.instalments = {"plan": owner, "number": place + 1, "due": due, "amount": part, "paid": paid}
    _post_plans(programme, luck)


def _post_plans(programme: Programme, luck: Luck) -> None:
    plans, parts = programme.plans, programme.instalments
    done = parts["paid"] <= programme.last
    claim = plans["claim"][parts["plan"]]
    paid_so_far = np.bincount(parts["plan"][done], weights=parts["amount"][done], minlength=len(plans["claim"])).astype(
        np.int64
    )
    off = working_day(plans["closed"] + luck.between("write-off", 30, 60, plans["claim"]))
    lost = (plans["outcome"] == "broken") & (off <= programme.last)
    _replace_write_offs(
        programme,
        plans["claim"],
        [
            _posted(claim[done], "payment", parts["amount"][done], parts["paid"][done], "plan payment"),
            _posted(
                plans["claim"][lost], "write_off", (plans["amount"] - paid_so_far)[lost], off[lost], "bad debt", luck
            ),
        ],
    )


def _posted(
    claims: np.ndarray, kind: str, amount: np.ndarray, day: np.ndarray, reason: str, luck: Luck | None = None
) -> pl.DataFrame:
    """Postings that lower what the patient owes; with `luck` somebody approved them."""
    approved = {} if luck is None else {"approved_by": luck.word("approver", list(APPROVERS), claims)}
    return shaped(
        pl.DataFrame({"claim": claims, "amount": -amount, "happened": day, "posted": day} | approved).with_columns(
            kind=pl.lit(kind), party=pl.lit("patient"), reason=pl.lit(reason)
        )
    )


def _replace_write_offs(programme: Programme, claims: np.ndarray, parts: list[pl.DataFrame]) -> None:
    ledger = programme.practice.ledger
    old = (
        pl.col("claim").is_in(pl.Series(claims).implode())
        & (pl.col("party") == "patient")
        & (pl.col("kind") == "write_off")
        & pl.col("reason").is_in(["bad debt", "small balance"])
    ).fill_null(False)
    programme.practice.ledger = pl.concat([ledger.filter(~old), *parts])


def _apply_for_assistance(programme: Programme, found: pl.DataFrame) -> None:
    luck, claim = programme.luck("assistance"), found["claim"].to_numpy()
    applied = working_day(found["stated"].to_numpy() + luck.between("applied", 4, 35, claim))
    fits = (applied + 5 < found["written_off"].to_numpy()) & (applied <= programme.last)
    found, applied = found.filter(pl.Series(fits)), applied[fits]
    amount, claim = found["amount"].to_numpy(), found["claim"].to_numpy()
    complete = luck.uniform("complete", claim) < 0.8
    completed = np.where(complete, working_day(applied + luck.between("completed", 0, 16, claim)), NEVER)
    decided = working_day(np.where(complete, completed, applied + 30) + luck.between("decided", 4, 24, claim))
    decision = np.where(
        complete,
        luck.word("decision", {"approved": 55, "partly_approved": 20, "denied": 25}, claim),
        luck.word("incomplete", ("denied", "withdrawn"), claim),
    )
    relieved = np.select([decision == "approved", decision == "partly_approved"], [amount, amount // 2], 0)
    programme.applications = {
        "claim": claim,
        "applied": applied,
        "amount": amount,
        "completed": completed,
        "decided": decided,
        "decision": decision,
        "relieved": relieved,
    }
    helped = np.flatnonzero((relieved > 0) & (decided <= programme.last))
    posted = np.minimum(decided[helped] + 1, programme.last)
    still_owed = amount[helped] - relieved[helped]
    claims = claim[helped]
    off = working_day(decided[helped] + luck.between("write-off", 60, 100, claims))
    lost = (still_owed > 0) & (off <= programme.last)
    _replace_write_offs(
        programme,
        claims,
        [
            _posted(claims, "write_off", relieved[helped], posted, "financial assistance", luck),
            _posted(claims[lost], "write_off", still_owed[lost], off[lost], "bad debt", luck),
        ],
    )


def _rest_while_applied(programme: Programme) -> None:
    """No statement goes out while an application for the account is open."""
    asked = programme.applications
    spans = pl.DataFrame({"claim": asked["claim"], "from": asked["applied"], "to": asked["decided"]}).cast(pl.Int64)
    programme.practice.notes = resting(programme.practice.notes, spans)


def resting(notes: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """The notes without the statements that fall between the days of a span (claim, from, to) of their claim."""
    notes = notes.with_row_index("row")
    sent = notes.filter(pl.col("action") == "statement").join(spans, on="claim")
    barred = sent.filter(pl.col("day").is_between("from", "to", closed="none"))["row"]
    return notes.filter(~pl.col("row").is_in(barred.implode())).drop("row")


def _pay_before_due(programme: Programme) -> None:
    """Some patients pay before their insurer has answered: a credit until the balance is transferred.

    One in eight of them pays more than turns out to be due: a true overpayment, which stays.
    """
    practice, luck = programme.practice, programme.luck("prepayments")
    owing = programme.own.filter(
        (pl.col("kind") == "transfer") & (pl.col("amount") > 0) & pl.col("group_code").is_not_null()
    )
    first = owing.group_by("claim").agg(pl.col("posted").min().alias("due"))
    is_payment = (pl.col("kind") == "payment") & (pl.col("reason") == "statement payment")
    once = practice.ledger.filter(is_payment).group_by("claim").len().filter(pl.col("len") == 1)["claim"]
    can = first.filter(pl.col("claim").is_in(once.implode())).sort("claim")
    chosen = can.filter(pl.Series(luck.uniform("early", can["claim"].to_numpy()) < 0.03))
    claims = chosen["claim"].to_numpy()
    day = working_day(practice.book.claims["entered"][claims] + luck.between("day", 0, 4, claims))
    more = np.where(luck.uniform("more", claims) < 0.125, 1.25, 1.0)
    early = pl.DataFrame({"claim": claims, "day": day, "more": more}).filter(pl.Series(day < chosen["due"].to_numpy()))
    ledger = practice.ledger.join(early, on="claim", how="left", maintain_order="left")
    moved = is_payment & pl.col("day").is_not_null()
    practice.ledger = (
        ledger.with_columns(
            pl.when(moved).then(pl.col("day")).otherwise(pl.col(name)).alias(name) for name in ("happened", "posted")
        )
        .with_columns(
            pl.when(moved).then((pl.col("amount") * pl.col("more")).cast(pl.Int64)).otherwise("amount").alias("amount"),
            pl.when(moved).then(pl.lit("prepayment")).otherwise("reason").alias("reason"),
        )
        .drop("day", "more")
    )
    asked = (pl.col("action") == "statement") & pl.col("claim").is_in(early["claim"].implode())
    practice.notes = practice.notes.filter(~asked)
