"""The self-pay programme's own system: statements, plans, payments, calls, disputes, requests and approvals."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ...tables import schema_services as services
from ..patients import as_date
from ..practice_book import working_day
from ..services.rows import Luck, day_or_never, numbered, only_where
from .contacts import contacts
from .desk import Desk, Programme
from .ledger import MISSED, resting
from .quality import quality_reviews

DAYS_TO_PAY = 25
DISPUTED = 0.022
"""Share of statements that are disputed."""
PARTNERS = np.array(("cp01", "cp02", "cp03", "cp04", "cp05"))
SOFT_CODES, HARD_CODES = {"51": 6, "05": 3, "65": 1}, {"54": 5, "14": 2, "41": 2, "43": 1}
POLICIES = {
    "call_window_from": "08:00",
    "call_window_to": "21:00",
    "calls_in_seven_days": "7",
    "days_after_conversation": "7",
    "card_retries_in_thirty_days": "20",
    "retry_after_hard_decline": "no",
    "promise_grace_days": "3",
    "dispute_days": "30",
    "assistance_days": "30",
    "itemised_days": "10",
    "write_off_approval_over_cents": "1000",
    "estimate_difference_cents": "40000",
    "script_version": "2",
    "posting_days": "3",
    "refund_days": "30",
    "contact_target": "25",
    "engagement_target": "70",
    "resolution_target": "75",
    "documentation_target": "95",
    "script_target": "95",
    "posting_target": "99",
    "eob_target": "90",
}


def selfpay_tables(programme: Programme) -> dict[str, pl.DataFrame]:
    """Every table of the programme, in the columns of the schema."""
    desk = Desk(programme)
    raised = _raised(desk, _sent(programme))
    sent = _sent(programme)
    talks = contacts(desk, sent, raised)
    return {
        "statements": _statements(desk, sent),
        "payment_plans": _plans(desk),
        "plan_instalments": _instalments(desk),
        "payment_attempts": _attempts(desk, sent),
        **talks,
        "quality_reviews": quality_reviews(desk, talks["interactions"]),
        **{name: rows for name, (rows, _) in raised.items()},
        "account_changes": _changes(desk, sent),
        "write_off_approvals": _approvals(desk),
        "estimates": _estimates(desk),
        "self_pay_policies": _policies(desk),
    }


def _sent(programme: Programme) -> pl.DataFrame:
    """Statements as sent: claim, day, sequence and the balance of the ledger on that day."""
    notes = programme.practice.notes.filter(pl.col("action") == "statement").select("claim", "day").sort("claim", "day")
    notes = notes.with_columns(
        balance=pl.Series(programme.balances(notes["claim"].to_numpy(), notes["day"].to_numpy()))
    )
    notes = notes.filter(pl.col("balance") > 0)
    return notes.with_columns(sequence=pl.int_range(1, pl.len() + 1).over("claim")).sort("day", "claim")


def _statements(desk: Desk, sent: pl.DataFrame) -> pl.DataFrame:
    claims, day = sent["claim"].to_numpy(), sent["day"].to_numpy()
    luck = desk.programme.luck("statements")
    return desk.rows(
        services.STATEMENTS,
        {
            "statement_id": numbered("ST", len(sent)),
            **desk.account(claims),
            "statement_on": day,
            "sequence": sent["sequence"],
            "balance_cents": sent["balance"],
            "due_on": day + DAYS_TO_PAY,
            "channel": luck.word("channel", {"mail": 5, "email": 3, "text": 2}, claims),
        },
    )


def plan_ids(desk: Desk) -> np.ndarray:
    """The id of every plan."""
    return numbered("PL", len(desk.programme.plans["claim"]))


def _plans(desk: Desk) -> pl.DataFrame:
    plans = desk.programme.plans
    return desk.rows(
        services.PAYMENT_PLANS,
        {
            "plan_id": plan_ids(desk),
            **desk.account(plans["claim"]),
            "opened_on": plans["opened"],
            "amount_cents": plans["amount"],
            "instalments": plans["instalments"],
            "is_autopay": plans["autopay"],
            "closed_on": plans["closed"],
            "outcome": plans["outcome"],
        },
    )


def _instalments(desk: Desk) -> pl.DataFrame:
    plans, parts = desk.programme.plans, desk.programme.instalments
    return desk.rows(
        services.PLAN_INSTALMENTS,
        {
            "plan_id": plan_ids(desk)[parts["plan"]],
            "number": parts["number"],
            "agreed_on": plans["opened"][parts["plan"]],
            "due_on": parts["due"],
            "amount_cents": parts["amount"],
            "paid_on": parts["paid"],
            "paid_cents": parts["amount"],
        },
    )


# -- payments and declines -------------------------------------------------------------------------


def _attempts(desk: Desk, sent: pl.DataFrame) -> pl.DataFrame:
    """Every approved payment of the ledger with the declines before it, and declines that nothing followed."""
    luck, asked = desk.programme.luck("attempts"), _asked(desk, sent)
    count, autopay = len(asked), asked["autopay"].to_numpy()
    key = asked["claim"].to_numpy(), asked["number"].fill_null(0).to_numpy(), asked["paid"].to_numpy()
    method = np.where(
        autopay,
        luck.word("card on file", {"visa": 6, "mastercard": 3, "bank": 1}, key[0]),
        luck.word("method", {"visa": 42, "mastercard": 24, "other_card": 8, "bank": 8, "check": 15, "cash": 3}, *key),
    )
    channel = np.select(
        [method == "check", method == "cash", autopay],
        ["mail", "in_person", "portal"],
        luck.word("channel", {"portal": 5, "phone": 3, "text": 2}, *key),
    )
    paid = key[2] != MISSED
    hard = luck.uniform("hard", *key) < 0.15
    troubled = np.where(paid, luck.uniform("declined", *key) < 0.08, True) & ~np.isin(method, ["check", "cash"])
    declines = np.where(troubled, np.where(hard, 1, np.where(paid, luck.between("times", 1, 4, *key), 3)), 0)
    tries = declines + paid
    owner = np.repeat(np.arange(count), tries)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(tries) - tries, tries)
    approved = paid[owner] & (place == declines[owner])
    gap = luck.between("gap", 2, 5, *key)[owner]
    start = np.where(paid, asked["paid"].to_numpy(), asked["due"].fill_null(0).to_numpy())[owner]
    day = np.where(paid[owner], start - gap * (declines[owner] - place), start + gap * place)
    ids = numbered("PA", len(owner))
    first = ids[(np.cumsum(tries) - tries).clip(0, max(0, len(ids) - 1))][owner]
    code = np.where(hard, luck.word("hard code", HARD_CODES, *key), luck.word("soft code", SOFT_CODES, *key))[owner]
    again = approved & hard[owner] & (declines[owner] > 0)
    spread = asked[owner.tolist()]
    return desk.rows(
        services.PAYMENT_ATTEMPTS,
        {
            "attempt_id": ids,
            **desk.account(spread["claim"].to_numpy()),
            "plan_id": spread["plan_id"],
            "number": spread["number"],
            "attempted_on": day,
            "due_on": spread["due"],
            "amount_cents": spread["amount"],
            "method": np.where(again, np.where(method[owner] == "visa", "mastercard", "visa"), method[owner]),
            "channel": channel[owner],
            "result": np.where(approved, "approved", "declined"),
            "decline_code": only_where(~approved, code),
            "decline_kind": only_where(~approved, np.where(hard[owner], "hard", "soft")),
            "retry_of": only_where(place > 0, first),
            "posted_on": day_or_never(approved, day),
        },
    )


def _asked(desk: Desk, sent: pl.DataFrame) -> pl.DataFrame:
    """Amounts that were paid or should have been: statement payments, prepayments and due instalments."""
    programme = desk.programme
    free = programme.own.filter(
        (pl.col("kind") == "payment") & pl.col("reason").is_in(["statement payment", "prepayment"])
    )
    free = free.select("claim", (-pl.col("amount")).alias("amount"), pl.col("posted").alias("paid")).sort(
        "paid", "claim"
    )
    due = sent.select("claim", (pl.col("day") + DAYS_TO_PAY).alias("due"), pl.col("day").alias("paid")).sort("paid")
    free = free.join_asof(due, on="paid", by="claim", strategy="backward", check_sortedness=False).sort(
        "paid", "claim", "amount"
    )
    plans, parts = programme.plans, programme.instalments
    tried = (parts["paid"] <= desk.last) | (
        (parts["paid"] == MISSED)
        & plans["autopay"][parts["plan"]]
        & (parts["due"] < plans["closed"][parts["plan"]])
        & (parts["due"] <= desk.last)
    )
    number = parts["plan"][tried]
    planned = pl.DataFrame(
        {
            "claim": plans["claim"][number],
            "amount": parts["amount"][tried],
            "paid": parts["paid"][tried],
            "due": parts["due"][tried],
            "plan_id": plan_ids(desk)[number],
            "number": parts["number"][tried],
            "autopay": plans["autopay"][number],
        }
    )
    free = free.with_columns(plan_id=pl.lit(None, pl.String), number=pl.lit(None, pl.Int64), autopay=pl.lit(False))
    order = ["claim", "amount", "paid", "due", "plan_id", "number", "autopay"]
    kinds: dict[Any, Any] = {
        "claim": pl.Int64,
        "amount": pl.Int64,
        "paid": pl.Int64,
        "due": pl.Int64,
        "number": pl.Int64,
    }
    return pl.concat([free.select(order).cast(kinds), planned.select(order).cast(kinds)])


# -- what patients raise ---------------------------------------------------------------------------


def _raised(desk: Desk, sent: pl.DataFrame) -> dict[str, tuple[pl.DataFrame, pl.DataFrame]]:
    """Disputes, applications and requests, each with the (claim, day) on which it was raised."""
    sent = _undisturbed(desk, sent)
    luck, key = desk.programme.luck("requests"), (sent["claim"].to_numpy(), sent["sequence"].to_numpy())
    draw, day = luck.uniform("what", *key), _raised_on(luck, sent)
    result = {}
    for name, low, high in (("disputes", 0.0, DISPUTED), ("itemised_requests", DISPUTED, 0.04)):
        chosen = np.flatnonzero((draw >= low) & (draw < high) & (day <= desk.last))
        chosen = chosen[np.argsort(day[chosen], kind="stable")]
        claims, when = sent["claim"].to_numpy()[chosen], day[chosen]
        make = _disputes if name == "disputes" else _itemised
        result[name] = (
            make(desk, claims, when, sent["balance"].to_numpy()[chosen], luck),
            pl.DataFrame({"claim": claims, "day": when}),
        )
    asked = desk.programme.applications
    frame = desk.rows(
        services.ASSISTANCE_APPLICATIONS,
        {
            "application_id": numbered("FA", len(asked["claim"])),
            **desk.account(asked["claim"]),
            "applied_on": asked["applied"],
            "amount_cents": asked["amount"],
            "completed_on": asked["completed"],
            "decided_on": asked["decided"],
            "decision": asked["decision"],
            "approved_cents": asked["relieved"],
        },
    )
    result["assistance_applications"] = (frame, pl.DataFrame({"claim": asked["claim"], "day": asked["applied"]}))
    return result


def _raised_on(luck: Luck, sent: pl.DataFrame) -> np.ndarray:
    key = sent["claim"].to_numpy(), sent["sequence"].to_numpy()
    return working_day(sent["day"].to_numpy() + luck.between("day", 2, 22, *key))


def _undisturbed(desk: Desk, sent: pl.DataFrame) -> pl.DataFrame:
    """The statements, without those that would have gone out while a dispute was open: they never leave.

    A dispute during which a plan is agreed is settled by the plan, and none is recorded.
    """
    programme, luck = desk.programme, desk.programme.luck("requests")
    planned = pl.DataFrame({"claim": programme.plans["claim"], "opened": programme.plans["opened"]}).cast(pl.Int64)
    last: Any = sent["sequence"].max()
    for number in range(1, (last or 0) + 1):
        draw = luck.uniform("what", sent["claim"].to_numpy(), sent["sequence"].to_numpy())
        own = sent.filter(pl.Series(draw < DISPUTED, dtype=pl.Boolean) & (pl.col("sequence") == number))
        opened = _raised_on(luck, own)
        spans = pl.DataFrame(
            {"claim": own["claim"], "from": opened, "to": _settled_on(luck, own["claim"].to_numpy(), opened)}
        )
        met = spans.join(planned, on="claim").filter(pl.col("opened").is_between("from", "to"))["claim"]
        sent = sent.filter(~(pl.col("claim").is_in(met.implode()) & (pl.col("sequence") == number)))
        spans = spans.filter(~pl.col("claim").is_in(met.implode()))
        programme.practice.notes = resting(programme.practice.notes, spans)
        barred = sent.join(spans, on="claim").filter(pl.col("day").is_between("from", "to", closed="none"))
        sent = sent.join(
            barred.select("claim", "sequence"), on=["claim", "sequence"], how="anti", maintain_order="left"
        )
    return sent


def _settled_on(luck: Luck, claims: np.ndarray, day: np.ndarray) -> np.ndarray:
    long = np.where(luck.uniform("long", claims, day) < 0.12, 40, 0)
    wait = np.rint(np.exp(2.3 + 0.6 * luck.normal("wait", claims, day)))
    return working_day(day + np.maximum(1, wait).astype(np.int64) + long)


def _disputes(desk: Desk, claims: np.ndarray, day: np.ndarray, balance: np.ndarray, luck: Luck) -> pl.DataFrame:
    count = len(claims)
    outcome = luck.word("outcome", {"upheld": 45, "adjusted": 20, "rebilled": 25, "withdrawn": 10}, claims, day)
    closed = _settled_on(luck, claims, day)
    return desk.rows(
        services.DISPUTES,
        {
            "dispute_id": numbered("DP", count),
            **desk.account(claims),
            "opened_on": day,
            "reason": luck.word(
                "reason",
                {
                    "insurance_should_pay": 45,
                    "amount": 20,
                    "already_paid": 15,
                    "service_not_received": 10,
                    "duplicate": 7,
                    "identity": 3,
                },
                claims,
                day,
            ),
            "amount_cents": balance,
            "closed_on": closed,
            "outcome": outcome,
            "adjusted_cents": np.where(outcome == "adjusted", balance // 2, 0),
        },
    )


def _itemised(desk: Desk, claims: np.ndarray, day: np.ndarray, balance: np.ndarray, luck: Luck) -> pl.DataFrame:
    count = len(claims)
    slow = np.where(luck.uniform("slow", claims, day) < 0.1, 12, 0)
    sent_on = working_day(day + luck.between("sent", 1, 10, claims, day) + slow)
    return desk.rows(
        services.ITEMISED_REQUESTS,
        {
            "request_id": numbered("IR", count),
            **desk.account(claims),
            "requested_on": day,
            "sent_on": day_or_never(luck.uniform("ever", claims, day) < 0.97, sent_on),
        },
    )


# -- rework, approvals, estimates, policy ----------------------------------------------------------


def _changes(desk: Desk, sent: pl.DataFrame) -> pl.DataFrame:
    """Rework of accounts: plans adjusted, insurance and addresses updated, early payments put right."""
    programme, luck = desk.programme, desk.programme.luck("changes")
    draw = luck.uniform("what", sent["claim"].to_numpy(), sent["sequence"].to_numpy())
    parts = []
    for kind, low, high, reason in (
        ("insurance_update", 0.0, 0.025, "new coverage"),
        ("demographic_update", 0.025, 0.05, "new address"),
    ):
        rows = sent.filter(pl.Series((draw >= low) & (draw < high)))
        asked = working_day(rows["day"].to_numpy() + 3)
        parts.append(_change(rows["claim"].to_numpy(), asked, kind, reason))
    plans = programme.plans
    moved = np.flatnonzero(luck.uniform("moved", plans["claim"]) < 0.15)
    parts.append(
        _change(plans["claim"][moved], working_day(plans["opened"][moved] + 35), "plan_adjustment", "due day moved")
    )
    own = programme.own.sort("posted", "claim")
    early = own.filter(pl.col("reason") == "prepayment")
    parts.append(
        _change(
            early["claim"].to_numpy(),
            early["posted"].to_numpy(),
            "ledger_correction",
            "payment before due date",
            -early["amount"].to_numpy(),
        )
    )
    moves = own.filter((pl.col("kind") == "transfer") & (pl.col("amount") > 0) & (pl.col("group_code") == "PR"))
    moves = moves.filter(pl.Series(luck.uniform("by hand", moves["claim"].to_numpy()) < 0.05))
    parts.append(
        _change(
            moves["claim"].to_numpy(),
            moves["posted"].to_numpy(),
            "balance_transfer",
            "insurer left it to the patient",
            moves["amount"].to_numpy(),
        )
    )
    frame = pl.concat(parts).sort("asked", "claim", "kind")
    count = len(frame)
    key = frame["claim"].to_numpy(), frame["asked"].to_numpy()
    done = working_day(key[1] + np.array([0, 0, 1, 2, 4])[luck.between("done", 0, 5, *key)])
    return desk.rows(
        services.ACCOUNT_CHANGES_TABLE,
        {
            "change_id": numbered("CH", count),
            **desk.account(frame["claim"].to_numpy()),
            "requested_on": frame["asked"],
            "done_on": done,
            "kind": frame["kind"],
            "amount_cents": frame["amount"],
            "reason": frame["reason"],
            "done_by": luck.word("partner", list(PARTNERS), *key),
        },
    )


def _change(
    claims: np.ndarray, asked: np.ndarray, kind: str, reason: str, amount: np.ndarray | None = None
) -> pl.DataFrame:
    frame = pl.DataFrame({"claim": claims, "asked": asked}, schema={"claim": pl.Int64, "asked": pl.Int64})
    money = pl.Series("amount", [None] * len(frame) if amount is None else amount, dtype=pl.Int64)
    return frame.with_columns(money, kind=pl.lit(kind), reason=pl.lit(reason))


def _approvals(desk: Desk) -> pl.DataFrame:
    """A request for every bad debt written off, and some that were refused."""
    luck = desk.programme.luck("approvals")
    off = desk.programme.own.filter((pl.col("kind") == "write_off") & (pl.col("reason") == "bad debt")).sort(
        "posted", "claim"
    )
    count, claims = len(off), off["claim"].to_numpy()
    decided = off["posted"].to_numpy() - luck.between("decided", 0, 3, claims)
    refused = luck.uniform("refused", claims) < 0.04
    parts = [
        pl.DataFrame(
            {
                "claim": claims,
                "asked": decided - luck.between("asked", 1, 5, claims),
                "decided": decided,
                "amount": -off["amount"].to_numpy(),
                "decision": np.full(count, "approved"),
                "by": off["approved_by"],
            }
        )
    ]
    parts.append(
        parts[0].filter(pl.Series(refused)).with_columns(pl.col("asked", "decided") - 30, decision=pl.lit("refused"))
    )
    frame = pl.concat(parts).sort("asked", "claim")
    return desk.rows(
        services.WRITE_OFF_APPROVALS,
        {
            "approval_id": numbered("WA", len(frame)),
            **desk.account(frame["claim"].to_numpy()),
            "requested_on": frame["asked"],
            "requested_by": luck.word("partner", list(PARTNERS), frame["claim"].to_numpy()),
            "amount_cents": frame["amount"],
            "reason": np.full(len(frame), "bad debt"),
            "decided_on": frame["decided"],
            "decision": frame["decision"],
            "decided_by": frame["by"],
        },
    )


def _estimates(desk: Desk) -> pl.DataFrame:
    """Good-faith estimates for patients without insurance, near what was billed to them in the end."""
    luck, book = desk.programme.luck("estimates"), desk.book
    own = np.flatnonzero(book.claims["payer"] == book.payer_number("self_pay"))
    own = own[luck.uniform("given", own) < 0.85]
    discount = (
        desk.programme.own.filter(pl.col("reason") == "self-pay discount").group_by("claim").agg(pl.col("amount").sum())
    )
    less = np.zeros(book.size, np.int64)
    less[discount["claim"].to_numpy()] = discount["amount"].to_numpy()
    bill = (book.claims["charge"] + less)[own]
    service = book.claims["service"][own]
    error = np.clip(luck.normal("error", own) * 0.08 * bill, -30_000, 30_000)
    known = (book.claims["entered"][own] <= desk.last) & (luck.uniform("linked", own) < 0.97)
    account = desk.account(own)
    return desk.rows(
        services.ESTIMATES,
        {
            "estimate_id": numbered("GE", len(own)),
            "patient": account["patient"],
            "claim_id": only_where(known, account["claim_id"]),
            "given_on": working_day(service - luck.between("ahead", 3, 18, own)),
            "planned_on": service,
            "amount_cents": np.maximum(500, np.rint((bill - error) / 500).astype(np.int64) * 500),
        },
    )


def _policies(desk: Desk) -> pl.DataFrame:
    first = desk.book.calendar.first - 365
    return desk.rows(
        services.SELF_PAY_POLICIES,
        {
            "rule": list(POLICIES),
            "effective_from": [first] * len(POLICIES),
            "value": list(POLICIES.values()),
            "source": [f"self-pay policy of {as_date(first).year}"] * len(POLICIES),
        },
    )
