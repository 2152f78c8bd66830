"""Calls and messages of the self-pay programme, in and out, within the client's policy; and promises to pay."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ...tables import schema_services as services
from ..practice_book import working_day
from ..services.rows import Luck, numbered, only_where
from .desk import Desk

PARTNERS = np.array(("cp01", "cp02", "cp03", "cp04", "cp05"))
QUIET_DAYS = 7
GRACE_DAYS = 3
CALLS: dict[Any, Any] = {
    "claim": pl.Int64,
    "day": pl.Int64,
    "direction": pl.String,
    "result": pl.String,
    "reason": pl.String,
}
ROUTE_OF = {
    "dispute": ("insurance_follow_up", "billing"),
    "financial_assistance": ("financial_counselling", "financial_counselling"),
    "itemised_statement": ("billing", "billing"),
    "insurance": ("insurance_follow_up", "front_desk"),
    "demographics": ("front_desk", "front_desk"),
}
TALKS = {
    "balance": 34,
    "payment": 22,
    "payment_plan": 14,
    "insurance": 12,
    "demographics": 6,
    "estimate": 4,
    "other": 8,
}


def contacts(
    desk: Desk, sent: pl.DataFrame, raised: dict[str, tuple[pl.DataFrame, pl.DataFrame]]
) -> dict[str, pl.DataFrame]:
    """Interactions and promises. Outgoing calls keep the window, the quiet days and open applications."""
    luck = desk.programme.luck("contacts")
    promises = _promises(desk, sent, luck)
    reasons = {
        "disputes": "dispute",
        "assistance_applications": "financial_assistance",
        "itemised_requests": "itemised_statement",
    }
    parts = [
        _calls(days["claim"], days["day"], "in", "conversation", reasons[name]) for name, (_, days) in raised.items()
    ]
    parts.append(_calls(promises["claim"], promises["day"], "in", "conversation", "promise"))
    asks = luck.uniform("asks", sent["claim"].to_numpy(), sent["day"].to_numpy()) < 0.12
    key = sent["claim"].to_numpy()[asks], sent["day"].to_numpy()[asks]
    parts.append(
        _calls(
            key[0],
            working_day(key[1] + luck.between("asked", 2, 20, *key)),
            "in",
            "conversation",
            luck.word("asks about", TALKS, *key),
        )
    )
    coming = pl.concat(parts)
    calls = pl.concat([coming, _allowed(desk, _outgoing(sent, luck), coming, _spans(promises, raised["disputes"]))])
    calls = calls.filter(pl.col("day") <= desk.last).sort("day", "claim", "direction", "reason", maintain_order=True)
    rows = _described(desk, calls, luck)
    return {"interactions": rows, "promises": _promise_rows(desk, promises, calls)}


def _calls(claims: object, day: object, direction: str, result: object, reason: object) -> pl.DataFrame:
    frame = pl.DataFrame({"claim": claims, "day": day}, schema={"claim": pl.Int64, "day": pl.Int64})
    words = {"direction": direction, "result": result, "reason": reason}
    return frame.with_columns(
        (pl.Series(name, word, dtype=pl.String) if isinstance(word, np.ndarray) else pl.lit(word).alias(name))
        for name, word in words.items()
    ).cast(CALLS)


def _outgoing(sent: pl.DataFrame, luck: Luck) -> pl.DataFrame:
    """Calls after a statement: more after the second and third."""
    claims, stated = sent["claim"].to_numpy(), sent["day"].to_numpy()
    first = sent["sequence"].to_numpy() == 1
    draw = luck.uniform("tries", claims, stated)
    tries = np.where(first, np.searchsorted([0.7, 0.95], draw), np.searchsorted([0.37, 0.74, 0.92], draw))
    rows = np.repeat(np.arange(len(sent)), tries)
    each = claims[rows], stated[rows], np.arange(len(rows)) - np.repeat(np.cumsum(tries) - tries, tries)
    day = working_day(each[1] + luck.between("call day", 2, 21, *each))
    result = luck.word("result", {"no_answer": 45, "voicemail": 25, "wrong_party": 4, "conversation": 26}, *each)
    reason = np.where(luck.uniform("about", *each) < 0.8, "balance", "payment_plan")
    return _calls(each[0], day, "out", result, reason).unique(["claim", "day"], keep="first", maintain_order=True)


def _spans(promises: pl.DataFrame, disputes: tuple[pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
    """Claim, first and last day on which nobody calls: promises with their grace, and disputes; day numbers."""
    rows, raised = disputes
    closed = rows["closed_on"].cast(pl.Int32).cast(pl.Int64).fill_null(10**6)
    return pl.concat(
        [
            promises.select("claim", pl.col("day").alias("from"), (pl.col("due") + GRACE_DAYS).alias("to")),
            raised.select("claim", pl.col("day").alias("from")).with_columns(closed.alias("to")),
        ]
    )


def _allowed(desk: Desk, calls: pl.DataFrame, coming: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Without calls soon after a conversation about the account, in a span of its own, or while an application is
    open."""
    calls = calls.with_row_index("row")
    resting = calls.join(spans, on="claim").filter(pl.col("day").is_between("from", "to"))["row"]
    calls = calls.filter(~pl.col("row").is_in(resting.implode())).drop("row")
    talked = coming.select("claim", "day", pl.col("day").alias("talked")).sort("day")
    own = (
        calls.filter(pl.col("result") == "conversation")
        .select("claim", "day", pl.col("day").alias("talked_before"))
        .sort("day")
    )
    soon: dict[str, Any] = {"by": "claim", "on": "day", "strategy": "backward", "check_sortedness": False}
    calls = calls.sort("day", "claim").join_asof(talked, **soon).join_asof(own, **soon, allow_exact_matches=False)
    for name in ("talked", "talked_before"):
        calls = calls.filter((pl.col("day") - pl.col(name) > QUIET_DAYS).fill_null(True))
    who, asked = desk.book.claims["patient"], desk.programme.applications
    open_now = pl.DataFrame({"patient": who[asked["claim"]], "applied": asked["applied"], "decided": asked["decided"]})
    calls = calls.with_row_index("row").with_columns(patient=pl.Series(who[calls["claim"].to_numpy()]))
    barred = calls.join(open_now, on="patient").filter(pl.col("day").is_between("applied", "decided"))["row"]
    return calls.filter(~pl.col("row").is_in(barred.implode())).select(list(CALLS))


def _promises(desk: Desk, sent: pl.DataFrame, luck: Luck) -> pl.DataFrame:
    """Promises kept, kept late and broken: claim, day, day promised, amount."""
    first = (
        sent.group_by("claim")
        .agg(pl.col("day").min().alias("stated"), pl.col("day").max().alias("final"))
        .sort("claim")
    )
    paid = desk.programme.own.filter((pl.col("kind") == "payment") & (pl.col("reason") == "statement payment"))
    paid = paid.group_by("claim").agg(pl.col("posted").min()).sort("claim")
    both = first.join(paid, on="claim", how="left").sort("claim")
    draw = luck.uniform("promise", both["claim"].to_numpy())
    when = both["posted"].fill_null(0).to_numpy()
    has_paid = both["posted"].is_not_null().to_numpy()
    ahead, grace = (luck.between(*spec, both["claim"].to_numpy()) for spec in (("ahead", 3, 10), ("grace", 0, 4)))
    on_time, late = has_paid & (draw < 0.12), has_paid & (draw >= 0.12) & (draw < 0.15)
    broken = ~has_paid & (draw < 0.2)
    day = working_day(np.select([on_time, late], [when - ahead, when - ahead - 14], both["final"].to_numpy() + ahead))
    due = np.select([on_time, late], [when + grace, when - 8], day + 10)
    keep = (on_time | late | broken) & (day > both["stated"].to_numpy()) & (day <= desk.last)
    claims = both["claim"].to_numpy()[keep]
    amount = desk.programme.balances(claims, day[keep])
    frame = pl.DataFrame({"claim": claims, "day": day[keep], "due": np.maximum(due, day)[keep], "amount": amount})
    return frame.filter(pl.col("amount") > 0).sort("day", "claim")


def _promise_rows(desk: Desk, promises: pl.DataFrame, calls: pl.DataFrame) -> pl.DataFrame:
    told = calls.with_columns(interaction_id=pl.Series(numbered("CL", len(calls)))).filter(
        pl.col("reason") == "promise"
    )
    promises = promises.join(told.select("claim", "day", "interaction_id"), on=["claim", "day"], how="left").sort(
        "day", "claim"
    )
    return desk.rows(
        services.PROMISES,
        {
            "promise_id": numbered("PR", len(promises)),
            **desk.account(promises["claim"].to_numpy()),
            "interaction_id": promises["interaction_id"],
            "promised_on": promises["day"],
            "due_on": promises["due"],
            "amount_cents": promises["amount"],
        },
    )


def _described(desk: Desk, calls: pl.DataFrame, luck: Luck) -> pl.DataFrame:
    """The record of every contact: what was said, by whom, and where it went."""
    count = len(calls)
    reason, talk = calls["reason"].to_numpy(), calls["result"].to_numpy() == "conversation"
    coming = calls["direction"].to_numpy() == "in"
    route = np.full(count, "self_pay", dtype=object)
    day, heard = calls["day"].to_numpy(), np.array([len(word) for word in reason.tolist()], np.int64)
    key = calls["claim"].to_numpy(), day, coming, heard
    coin = luck.uniform("route", *key) < 0.7
    for word, (mostly, else_to) in ROUTE_OF.items():
        route[reason == word] = np.where(coin, mostly, else_to)[reason == word]
    resolution = np.where(
        reason == "promise",
        "promise",
        np.where(
            route != "self_pay",
            "passed_on",
            luck.word("resolution", {"resolved": 55, "plan": 12, "paid": 18, "open": 15}, *key),
        ),
    )
    step = np.where(
        resolution == "passed_on",
        "await_department",
        np.where(
            resolution == "promise",
            "await_payment",
            luck.word("step", {"none": 70, "call_back": 18, "send_document": 12}, *key),
        ),
    )
    minute = luck.between("time", 9 * 60, 19 * 60 + 30, *key)
    time = np.array([f"{at // 60:02d}:{at % 60:02d}" for at in minute.tolist()], dtype=str)
    filled = [luck.uniform(f"filled {field}", *key) < 0.98 for field in range(4)]
    sampled = talk & (luck.uniform("sampled", *key) < 0.1)
    return desk.rows(
        services.INTERACTIONS,
        {
            "interaction_id": numbered("CL", count),
            **desk.account(calls["claim"].to_numpy()),
            "happened_on": day,
            "local_time": time,
            "entered_on": np.minimum(working_day(day + (luck.uniform("late", *key) < 0.06)), desk.last),
            "direction": calls["direction"],
            "channel": np.where(coming & (luck.uniform("portal", *key) < 0.15), "portal", "phone"),
            "result": calls["result"],
            "reason": only_where(filled[0], reason),
            "department": only_where(talk & coming, route.astype(str)),
            "resolution": only_where(talk & filled[1], resolution),
            "next_step": only_where(talk & filled[2], step),
            "is_identity_verified": only_where(talk & filled[3], np.ones(count, bool)),
            "is_disclosure_given": only_where(talk, np.ones(count, bool)),
            "script_version": only_where(talk, np.full(count, "2")),
            "is_script_followed": only_where(sampled, luck.uniform("script", *key) < 0.94),
            "handled_by": luck.word("partner", list(PARTNERS), *key),
            "minutes": np.where(talk, luck.between("minutes", 3, 16, *key), luck.between("short", 1, 3, *key)),
        },
    )
