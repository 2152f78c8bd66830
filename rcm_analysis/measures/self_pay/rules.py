"""The rules of a self-pay policy, one function each: every record that a rule looks at, and whether it breaks the rule.

A rule takes a `Review` (the tables, a period, and the policy by day) and gives one row per record checked:
client, record_id, claim_id, patient, checked_on, is_breach, allowed, found, who. Words hold days, times and
counts only. A rule that needs a value of the policy checks nothing while the policy is silent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.registers import CLAIM, known, rows_of, three_way
from ...periods import Period
from ...tables.frames import NO_VALUE, source

col = nw.col
LOOK_BACK_DAYS = 90
"""Days before the period that are read too, for rolling windows and conversations."""
CARDS = ("visa", "mastercard", "other_card")
PRESSING = ("balance", "payment", "payment_plan", "promise", NO_VALUE)
"""Reasons of an outgoing contact that ask for money; an answer to what the patient has raised does not."""
CONTACT_WORDS = {
    "phone": "call",
    "text": "text message",
    "email": "email",
    "mail": "letter",
    "portal": "portal message",
    "in_person": "talk at the desk",
}
DISCOUNTS = ("self-pay discount", "prompt-pay discount", "discount")
RESULT = ["client", "record_id", "claim_id", "patient", "checked_on", "is_breach", "allowed", "found", "who"]


class Review:
    """What the rules read: registers as known at the end of the period, and the policy in force on each day."""

    def __init__(self, tables: Mapping[str, Any], period: Period) -> None:
        self.tables, self.period, self.as_of = tables, period, period.last_day
        self.since = period.first_day - dt.timedelta(days=LOOK_BACK_DAYS)

    def register(
        self, name: str, texts: Sequence[str], dates: Sequence[str], numbers: Sequence[str] = ()
    ) -> pd.DataFrame:
        """A register row by row, with "(none)" for empty text."""
        rows = known(self.tables, name, [*texts, *dates, *numbers], as_of=self.as_of)
        return rows_of(rows.select("client", *texts, *dates, *numbers), ["client", *texts], dates)

    @cached_property
    def policy(self) -> pd.DataFrame:
        names = ["client", "rule", "effective_from", "effective_to", "value"]
        rows = source(self.tables, "self_pay_policies", names)
        found = rows_of(rows, ["client", "rule", "value"], ["effective_from", "effective_to"])
        return found.sort_values("effective_from", ignore_index=True)

    @cached_property
    def targets(self) -> pd.DataFrame:
        """The rules of the policy with their documents, in the order of days."""
        texts = ["client", "rule", "value", "source"]
        rows = source(self.tables, "self_pay_policies", [*texts, "effective_from", "effective_to"])
        return rows_of(rows, texts, ["effective_from", "effective_to"]).sort_values("effective_from", ignore_index=True)

    def value(self, rule: str, clients: pd.Series, days: pd.Series) -> pd.Series:
        """The policy's words on a rule for each client and day; empty where it is silent."""
        mine = self.policy[self.policy["rule"] == rule].drop(columns="rule")
        asked = pd.DataFrame({"client": clients, "day": days}).reset_index(names="row").sort_values("day")
        found = pd.merge_asof(asked, mine, left_on="day", right_on="effective_from", by="client").sort_values("row")
        held = found["effective_to"].isna() | (found["effective_to"] >= found["day"])
        return found["value"].where(held).set_axis(clients.index)

    @cached_property
    def contacts(self) -> pd.DataFrame:
        texts = [
            "interaction_id",
            "patient",
            "claim_id",
            "local_time",
            "direction",
            "channel",
            "result",
            "reason",
            "script_version",
            "handled_by",
        ]
        rows = known(
            self.tables,
            "interactions",
            [*texts, "happened_on", "is_identity_verified", "is_disclosure_given"],
            as_of=self.as_of,
        )
        flags = {name: three_way(name) for name in ("is_identity_verified", "is_disclosure_given")}
        rows = rows.filter(col("entered_on") >= self.since).with_columns(**flags)
        found = rows_of(
            rows.select("client", *texts, "happened_on", "entered_on", *flags),
            ["client", *texts],
            ["happened_on", "entered_on"],
        )
        at = pd.to_timedelta(found["local_time"] + ":00", errors="coerce").fillna(pd.Timedelta(0))
        found = found.assign(
            stamp=found["happened_on"] + at,
            record_id=found["interaction_id"],
            who=found["handled_by"],
            checked_on=found["entered_on"],
        )
        return found.sort_values(["stamp", "interaction_id"], ignore_index=True)

    @property
    def calls(self) -> pd.DataFrame:
        """Outgoing telephone calls, whatever came of them."""
        return self.contacts[(self.contacts["direction"] == "out") & (self.contacts["channel"] == "phone")].reset_index(
            drop=True
        )

    @property
    def talks(self) -> pd.DataFrame:
        return self.contacts[self.contacts["result"] == "conversation"].reset_index(drop=True)

    @cached_property
    def attempts(self) -> pd.DataFrame:
        """Attempts by card or bank with `first`, the attempt that all of them repeat, in the order of days."""
        texts = ["attempt_id", "patient", "claim_id", "method", "result", "decline_kind", "retry_of"]
        found = self.register("payment_attempts", texts, ["attempted_on"])
        found = found[found["method"].isin([*CARDS, "bank"])].sort_values(
            ["attempted_on", "attempt_id"], ignore_index=True
        )
        before = found.set_index("attempt_id")["retry_of"]
        before = before[before != NO_VALUE].to_dict()
        first = [_first(name, before) for name in found["attempt_id"]]
        return found.assign(first=first, record_id=found["attempt_id"], who=NO_VALUE, checked_on=found["attempted_on"])

    def checked(self, rows: pd.DataFrame, is_breach: Any, allowed: Any, found: Any) -> pd.DataFrame:
        """The rows of the period as the result of a rule."""
        out = rows.assign(is_breach=is_breach, allowed=allowed, found=found).dropna(subset=["checked_on"])
        return out[self.period.holds(out["checked_on"].dt.date)][RESULT].reset_index(drop=True)


def _first(name: str, before: Mapping[str, str]) -> str:
    seen = {name}
    while name in before and before[name] not in seen:
        name = before[name]
        seen.add(name)
    return name


# -- calls and talks -------------------------------------------------------------------------------


def call_window(review: Review) -> pd.DataFrame:
    """Outgoing calls outside the hours of the policy, by the patient's own clock; both ends are inside."""
    calls = review.calls
    first, last = (
        review.value(rule, calls["client"], calls["happened_on"]) for rule in ("call_window_from", "call_window_to")
    )
    ruled = first.notna() & last.notna()
    calls, first, last = calls[ruled], first[ruled], last[ruled]
    outside = (calls["local_time"] < first) | (calls["local_time"] > last)
    return review.checked(calls, outside, first + " to " + last, calls["local_time"])


def calls_in_seven_days(review: Review) -> pd.DataFrame:
    """Calls beyond the number allowed within seven days in a row, to one person about one account; voicemails count."""
    calls = numbered_within(review.calls, ["client", "patient", "claim_id"], "happened_on", 7)
    calls, limit = _ruled(review, calls, "calls_in_seven_days", "happened_on")
    return review.checked(
        calls, calls["within"] > limit, limit.astype(str) + " in 7 days", calls["within"].astype(str) + " in 7 days"
    )


def days_after_conversation(review: Review) -> pd.DataFrame:
    """Calls too soon after a telephone conversation about the account, whose own day is day 1."""
    calls, days = _ruled(review, review.calls, "days_after_conversation", "happened_on")
    talks = review.talks
    talks = talks[talks["channel"] == "phone"][["client", "patient", "claim_id", "stamp", "happened_on"]]
    both = pd.merge_asof(
        calls,
        talks.rename(columns={"happened_on": "talked_on"}),
        on="stamp",
        by=["client", "patient", "claim_id"],
        allow_exact_matches=False,
    )
    passed = (both["happened_on"] - both["talked_on"]).dt.days
    days = days.reset_index(drop=True)
    found = ("day " + (passed + 1).astype("Int64").astype(str)).where(passed.notna(), "no conversation")
    return review.checked(both, (passed < days).fillna(False), "not before day " + (days + 1).astype(str), found)


def promise_grace(review: Review) -> pd.DataFrame:
    """Calls about an account while a promise to pay it ran, or its days of grace."""
    calls = review.calls
    calls = calls[calls["reason"].isin(PRESSING)].reset_index(drop=True)
    promises = review.register("promises", ["claim_id"], ["promised_on", "due_on"])
    promises, grace = _ruled(review, promises, "promise_grace_days", "promised_on")
    promises = promises.assign(
        opened_on=promises["promised_on"], ended_on=promises["due_on"] + pd.to_timedelta(grace + 1, unit="D")
    )
    calls = calls[_is_ruled(review, calls, "promise_grace_days")].reset_index(drop=True)
    day = _day_of_open(calls.assign(day_on=calls["happened_on"]), promises, CLAIM)
    return review.checked(calls, day.notna(), "none while a promise runs", _day_words(day, "of the promise"))


def script_version(review: Review) -> pd.DataFrame:
    """Conversations in which another version of the script was used."""
    talks = review.talks
    talks = talks[talks["script_version"] != NO_VALUE]
    version = review.value("script_version", talks["client"], talks["happened_on"])
    talks, version = talks[version.notna()], version[version.notna()]
    return review.checked(
        talks, talks["script_version"] != version, "version " + version, "version " + talks["script_version"]
    )


def _flag(review: Review, name: str) -> pd.DataFrame:
    talks = review.talks
    talks = talks[talks[name] >= 0]
    return review.checked(talks, talks[name] == 0, "yes", np.where(talks[name] == 0, "no", "yes"))


def disclosure_given(review: Review) -> pd.DataFrame:
    """Conversations whose record says that the required disclosure was not read out."""
    return _flag(review, "is_disclosure_given")


def identity_verified(review: Review) -> pd.DataFrame:
    """Conversations whose record says that the identity was not checked."""
    return _flag(review, "is_identity_verified")


def numbered_within(rows: pd.DataFrame, keys: Sequence[str], day: str, days: int) -> pd.DataFrame:
    """The rows with `within`: how many of the same keys lie in the `days` days up to the row, the row included."""
    rows = rows.assign(group=rows.groupby(list(keys), sort=False).ngroup())
    rows = rows.sort_values(["group", day], kind="stable", ignore_index=True)
    serial = rows["group"].to_numpy(dtype="int64") * 10**6 + (rows[day] - pd.Timestamp(0)).dt.days.to_numpy(
        dtype="int64"
    )
    return rows.assign(within=np.arange(len(rows)) - np.searchsorted(serial, serial - (days - 1)) + 1)


def _is_ruled(review: Review, rows: pd.DataFrame, rule: str, day: str = "happened_on") -> pd.Series:
    return review.value(rule, rows["client"], rows[day]).notna()


def _ruled(review: Review, rows: pd.DataFrame, rule: str, day: str) -> tuple[pd.DataFrame, pd.Series]:
    """The rows on whose day the policy has a whole number for the rule, and those numbers."""
    value = pd.to_numeric(review.value(rule, rows["client"], rows[day]), errors="coerce")
    return rows[value.notna()], value[value.notna()].astype("int64")


# -- work on accounts that should rest --------------------------------------------------------------


def worked_while_open(review: Review) -> pd.DataFrame:
    """Calls and messages for money, statements and new plans on an account under dispute or applied for assistance."""
    work = _work(review)
    disputes = review.register("disputes", ["patient", "claim_id"], ["opened_on", "closed_on"])
    disputes = disputes.assign(ended_on=disputes["closed_on"])
    asked = review.register("assistance_applications", ["patient", "claim_id"], ["applied_on", "decided_on"])
    asked = asked.assign(opened_on=asked["applied_on"], ended_on=asked["decided_on"])
    by_claim = asked[asked["claim_id"] != NO_VALUE]
    by_patient = asked[asked["claim_id"] == NO_VALUE]
    days = {
        "of a dispute": _day_of_open(work, disputes, CLAIM),
        "of an application": _day_of_open(work, by_claim, CLAIM),
        "of an application of the patient": _day_of_open(work, by_patient, ["client", "patient"]),
    }
    hit = pd.DataFrame(days).notna().any(axis=1) if len(work) else pd.Series(dtype="bool")
    words = pd.Series("nothing open", index=work.index)
    for what, day in days.items():
        words = words.where(day.isna(), work["what"] + " on " + _day_words(day, what))
    return review.checked(work, hit, "none while it is open", words)


def _work(review: Review) -> pd.DataFrame:
    contacts = review.contacts
    contacts = contacts[(contacts["direction"] == "out") & contacts["reason"].isin(PRESSING)]
    parts = [
        contacts.assign(day_on=contacts["happened_on"], what=contacts["channel"].map(CONTACT_WORDS).fillna("contact"))
    ]
    for name, key, day, what in (
        ("statements", "statement_id", "statement_on", "statement"),
        ("payment_plans", "plan_id", "opened_on", "plan"),
    ):
        rows = review.register(name, [key, "patient", "claim_id"], [day])
        parts.append(rows.assign(record_id=rows[key], day_on=rows[day], checked_on=rows[day], what=what, who=NO_VALUE))
    names = ["client", "record_id", "claim_id", "patient", "day_on", "checked_on", "what", "who"]
    return pd.concat([part[names] for part in parts], ignore_index=True)


def _day_of_open(rows: pd.DataFrame, spans: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """For each row the number of days since the first span of its keys that was open on its day; empty where none
    was."""
    left = rows[[*keys, "day_on"]].reset_index(names="row")
    both = left.merge(spans[[*keys, "opened_on", "ended_on"]], on=list(keys))
    inside = (both["day_on"] > both["opened_on"]) & (both["ended_on"].isna() | (both["day_on"] < both["ended_on"]))
    both = both[inside]
    passed = (both["day_on"] - both["opened_on"]).dt.days
    return passed.groupby(both["row"]).max().reindex(range(len(rows))).set_axis(rows.index)


def _day_words(day: pd.Series, what: str) -> pd.Series:
    return ("day " + day.astype("Int64").astype(str) + f" {what}").where(day.notna(), "none")


# -- cards -----------------------------------------------------------------------------------------


def card_retries_in_thirty_days(review: Review) -> pd.DataFrame:
    """Retries of one payment on one card beyond the number allowed within thirty days."""
    retries = review.attempts
    retries = retries[(retries["retry_of"] != NO_VALUE) & retries["method"].isin(CARDS)]
    retries = numbered_within(retries, ["client", "first", "method"], "attempted_on", 30)
    retries, limit = _ruled(review, retries, "card_retries_in_thirty_days", "attempted_on")
    found = retries["within"].astype(str) + " in 30 days"
    return review.checked(retries, retries["within"] > limit, limit.astype(str) + " in 30 days", found)


def retry_after_hard_decline(review: Review) -> pd.DataFrame:
    """Payments tried again on a card or account that had been declined for good; the data know its kind, not its
    number."""
    tried = review.attempts
    hard = (tried["decline_kind"] == "hard").astype("int64")
    earlier = hard.groupby([tried["client"], tried["first"], tried["method"]]).cumsum() - hard
    tried = tried.assign(earlier=earlier)[tried["retry_of"] != NO_VALUE]
    may = review.value("retry_after_hard_decline", tried["client"], tried["attempted_on"])
    tried = tried[may == "no"]
    found = tried["earlier"].astype(str) + np.where(
        tried["earlier"] == 1, " hard decline before it", " hard declines before it"
    )
    return review.checked(tried, tried["earlier"] > 0, "none after a hard decline", found)


# -- requests in time ------------------------------------------------------------------------------


def _in_time(review: Review, name: str, key: str, days: tuple[str, str], rule: str) -> pd.DataFrame:
    """Requests whose days were up in the period: a breach where they were not settled by then."""
    start, end = days
    rows = review.register(name, [key, "patient", "claim_id"], [start, end])
    rows, limit = _ruled(review, rows[rows[start].notna()], rule, start)
    due = rows[start] + pd.to_timedelta(limit, unit="D")
    took = (rows[end] - rows[start]).dt.days
    late = rows[end].isna() | (rows[end] > due)
    found = (took.astype("Int64").astype(str) + " days").where(rows[end].notna(), "open")
    rows = rows.assign(record_id=rows[key], who=NO_VALUE, checked_on=due + pd.Timedelta(days=1))
    return review.checked(rows, late, limit.astype(str) + " days", found)


def dispute_days(review: Review) -> pd.DataFrame:
    """Disputes not settled within the days of the policy."""
    return _in_time(review, "disputes", "dispute_id", ("opened_on", "closed_on"), "dispute_days")


def assistance_days(review: Review) -> pd.DataFrame:
    """Complete applications for assistance not decided within the days of the policy."""
    return _in_time(
        review, "assistance_applications", "application_id", ("completed_on", "decided_on"), "assistance_days"
    )


def itemised_days(review: Review) -> pd.DataFrame:
    """Itemised statements not sent within the days of the policy."""
    return _in_time(review, "itemised_requests", "request_id", ("requested_on", "sent_on"), "itemised_days")


# -- write-offs ------------------------------------------------------------------------------------


def write_off_approval(review: Review) -> pd.DataFrame:
    """Patient balances above the limit written off by hand without enough approved by then."""
    names = [
        "client",
        "transaction_id",
        "claim_id",
        "reason",
        "approved_by",
        "posted_on",
        "amount_cents",
        "kind",
        "party",
    ]
    rows = source(review.tables, "transactions", names).filter(
        col("party") == "patient",
        col("kind") == "write_off",
        col("amount_cents") < 0,
        col("posted_on") <= review.as_of,
        ~col("claim_id").is_null(),
    )
    patients = source(review.tables, "claims", ["client", "claim_id", "patient"])
    rows = rows.drop("kind", "party").join(patients, on=CLAIM, how="left")
    off = rows_of(rows, ["client", "transaction_id", "claim_id", "reason", "approved_by", "patient"], ["posted_on"])
    off = off[~off["reason"].str.lower().str.replace("_", " ").isin(DISCOUNTS)].sort_values(
        ["posted_on", "transaction_id"], ignore_index=True
    )
    off = off.assign(
        cents=-off["amount_cents"], so_far=(-off["amount_cents"]).groupby([off["client"], off["claim_id"]]).cumsum()
    )
    off, limit = _ruled(review, off, "write_off_approval_over_cents", "posted_on")
    off, limit = off[off["cents"] > limit], limit[off["cents"] > limit]
    approved = _approved_by(review, off)
    short = approved < off["so_far"]
    found = np.select([~short, approved > 0], ["approved", "more than was approved by then"], "not approved by then")
    off = off.assign(record_id=off["transaction_id"], checked_on=off["posted_on"], who=off["approved_by"])
    return review.checked(off, short, "approval before the posting", found)


def _approved_by(review: Review, off: pd.DataFrame) -> pd.Series:
    """Cents approved on each account, as a write-off or as assistance, by the day of the posting."""
    asked = review.register("write_off_approvals", ["claim_id", "decision"], ["decided_on"], ["amount_cents"])
    asked = asked[asked["decision"] == "approved"].rename(columns={"amount_cents": "yes_cents"})
    helped = review.register("assistance_applications", ["claim_id"], ["decided_on"], ["approved_cents"])
    helped = helped.rename(columns={"approved_cents": "yes_cents"})
    names = [*CLAIM, "decided_on", "yes_cents"]
    both = off[[*CLAIM, "posted_on"]].reset_index(names="row").merge(pd.concat([asked[names], helped[names]]), on=CLAIM)
    both = both[both["decided_on"] <= both["posted_on"]]
    return both.groupby("row")["yes_cents"].sum().reindex(off.index).fillna(0).astype("int64")


def own_approval(review: Review) -> pd.DataFrame:
    """Write-offs approved by the person who had asked for them."""
    texts = ["approval_id", "patient", "claim_id", "requested_by", "decided_by", "decision"]
    rows = review.register("write_off_approvals", texts, ["decided_on"])
    rows = rows[(rows["decision"] == "approved")].assign(
        checked_on=rows["decided_on"], who=rows["decided_by"], record_id=rows["approval_id"]
    )
    is_own = rows["requested_by"] == rows["decided_by"]
    return review.checked(
        rows, is_own, "another person approves", np.where(is_own, "the same person", "another person")
    )


RULES: dict[str, tuple[str, Callable[[Review], pd.DataFrame]]] = {
    "call_window": ("Calls within the hours allowed", call_window),
    "calls_in_seven_days": ("Calls in seven days (internal policy check)", calls_in_seven_days),
    "days_after_conversation": (
        "Days without a call after a conversation (internal policy check)",
        days_after_conversation,
    ),
    "promise_grace_days": ("No calls while a promise runs", promise_grace),
    "script_version": ("Script in its approved version", script_version),
    "disclosure_given": ("Disclosure read out", disclosure_given),
    "identity_verified": ("Identity checked", identity_verified),
    "worked_while_open": ("Accounts at rest while a dispute or application is open", worked_while_open),
    "card_retries_in_thirty_days": ("Card retries in thirty days", card_retries_in_thirty_days),
    "retry_after_hard_decline": ("No retry after a hard decline", retry_after_hard_decline),
    "dispute_days": ("Disputes settled in time", dispute_days),
    "assistance_days": ("Assistance decided in time", assistance_days),
    "itemised_days": ("Itemized statements sent in time", itemised_days),
    "write_off_approval": ("Write-offs approved before posting", write_off_approval),
    "own_approval": ("Write-offs approved by another person", own_approval),
}
"""Every rule with its title, in the order in which it is printed."""
