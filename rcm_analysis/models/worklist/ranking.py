"""The worklist: every open item by the dollars that a minute of work adds, what to do with it, and why.

    from rcm_analysis.models.worklist import Person, worklist
    worklist(tables, as_of=day, people=[Person("Ann", 240), Person("Bob", 360)])

The score counts what the work adds, not what is owed: a large claim that the payer is about to pay anyway
scores nothing, a small denial that is mended with one form may stand above it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.ratios import half_up
from ...measures.receivable.limits import with_limit
from ...tables.frames import kept, source
from .actions import actions_of, minutes_of, reasons_of
from .chances import IncidenceCurves, answer_curves, answer_group, expected_cents, overturn_rates, patient_curves
from .items import ITEM, KEY, PATIENT, STATUSES, Decisions, open_items, read
from .queues import Person, people_of, queued
from .settings import WorklistSettings
from .steps import with_steps
from .waits import ANY, HELD, UNHELD, Answers, first_holds, payers_parts, posting_curve, rework_curve, sending_curves

__all__ = ["COLUMNS", "TIERS", "Person", "WorklistSettings", "to_do", "worklist"]

TIERS = ("deadline", "list", "waiting", "small")
"""deadline: a limit ends within days; list: the rest, by score; waiting: not to be touched yet; small: counted, not
listed."""

COLUMNS = (
    "client",
    "claim_id",
    "party",
    "payer",
    "status",
    "age_days",
    "open_cents",
    "expected_cents",
    "chance_to_pay",
    "uplift",
    "minutes",
    "recoverable_cents",
    "score_cents_per_minute",
    "tier",
    "rank",
    "deadline_on",
    "deadline_kind",
    "days_left",
    "action",
    "reason",
    "category",
    "since_on",
    "touched_on",
    "suppressed_until",
    "assigned_to",
    "queue_day",
)
DEADLINES = {
    "filing": ("held", "rejected", "unbilled", "processing"),
    "appeal": ("denied", "denied_again", "underpaid"),
    "secondary_filing": ("secondary_unbilled", "rejected", "processing", "pended"),
}
LIMIT = {
    "filing": "filing_limit_days",
    "appeal": "appeal_limit_days",
    "secondary_filing": "secondary_filing_limit_days",
}
STARTS = {"filing": "service_on", "appeal": "decided_on", "secondary_filing": "primary_on"}


@kept
def worklist(
    tables: Mapping[str, Any],
    *,
    as_of: dt.date,
    people: Sequence[Person] | Mapping[str, float] | None = None,
    settings: WorklistSettings | None = None,
) -> pd.DataFrame:
    """Every open item of the client(s) in the order in which to work, split into queues of a day.

    Formula
        recoverable_cents = expected_cents x chance_to_pay x uplift
        score_cents_per_minute = recoverable_cents / minutes
        expected_cents: allowed amount of the open balance, by contract where known, never the billed charge
        chance_to_pay: the share of it that comes from this party when worked now, given age, payer, status and denial
        category: the chance that it is paid x the part that the payer pays itself (the rest is the next party's)
        uplift: 1 - what would come untouched / chance_to_pay, by the client's own history of items that waited as long
        minutes: the client's own median of the action recommended, else a stated one
    Counts
        One row per claim and responsible party with a debit balance, and per claim paid short of its contract (status
        underpaid, nothing open; expected_cents is what is missing). tier, in this order:
        deadline  the payer's filing, appeal or secondary limit ends within `deadline_days`, and work adds
                  `smallest_cents`
        list      everything else that can be worked
        waiting   left alone until `suppressed_until`: the payer is still within its usual days, or a note, a promise
                  or a payment plan names a later day. Where the last note names a step for a day (`steps`), that day
                  counts instead of the usual days: before it the item waits, unless a deadline is near; from it on
                  the item is listed with that step as its action
        small     less than `smallest_cents`: counted, not listed
        Within a tier by score, then claim and party. `people` gives each a day's minutes (`Person`, or name -> minutes)
        and fills assigned_to and queue_day (0 is the first day) of what is to be done; without people both are empty.
    Date basis
        what was known at the end of `as_of`
    Unit
        whole cents (score_cents_per_minute before they were made whole), minutes; shares 0 to 1; days_left counts days
        from as_of to the deadline
    Empty
        nothing owed: no row
    Source
        expected recoverable cash per unit of effort, not age alone (onepersoncompany.com); the
        difference that work makes, and the tier of near deadlines before it, are our own
    """
    settings = settings or WorklistSettings()
    history = Decisions(tables, as_of)
    items = _with_deadlines(open_items(tables, as_of=as_of, history=history), tables, as_of, settings)
    if items.empty:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    items["expected_cents"] = expected_cents(items, tables, history, settings=settings)
    items = _with_chances(items, tables, history, as_of, settings)
    items = with_steps(items, tables, as_of)
    items["action"] = actions_of(items)
    items["action"] = items["action"].where(~items["is_due"], items["step_action"])
    items["minutes"] = minutes_of(items["action"], history.notes, as_of=as_of, settings=settings)
    items["recoverable_cents"] = items["expected_cents"] * items["chance_to_pay"] * items["uplift"]
    items["score_cents_per_minute"] = items["recoverable_cents"] / items["minutes"]
    items["suppressed_until"] = _suppressed_until(items, tables, as_of, settings)
    items["tier"] = _tier(items, settings)
    items["reason"] = reasons_of(items)
    for name in ("expected_cents", "recoverable_cents"):
        items[name] = half_up(items[name]).astype("int64")
    return _ordered(items, people_of(people))


def to_do(items: pd.DataFrame) -> pd.DataFrame:
    """The rows of `worklist` that can be worked today, in order."""
    return items[items["tier"].isin(TIERS[:2])].reset_index(drop=True)


def _ordered(items: pd.DataFrame, people: Sequence[Person]) -> pd.DataFrame:
    place = items["tier"].map({name: number for number, name in enumerate(TIERS)})
    items = items.assign(place=place, order=-items["score_cents_per_minute"]).sort_values(
        ["place", "order", *ITEM], ignore_index=True
    )
    items["rank"] = np.arange(1, len(items) + 1)
    return queued(items, people, tiers=TIERS[:2])[list(COLUMNS)]


def _with_deadlines(
    items: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date, settings: WorklistSettings
) -> pd.DataFrame:
    """The limit that still binds each item and when its clock ends; is_stale where none is on file and any is over."""
    parts = []
    rest = items
    for kind, statuses in DEADLINES.items():
        by_party = {"filing": rest["party"] == "primary", "secondary_filing": rest["party"] != "primary"}
        bound = rest["status"].isin(statuses) & by_party.get(kind, True)
        rows = rest[bound].assign(starts_on=rest.loc[bound, STARTS[kind]])
        rest = rest[~bound]
        if len(rows):
            parts.append(with_limit(rows, tables, LIMIT[kind], as_of=as_of).assign(deadline_kind=kind))
    out = pd.concat(
        [rest.assign(starts_on=pd.NaT, deadline_on=pd.NaT, deadline_kind="", days_left=pd.NA), *parts],
        ignore_index=True,
    )
    out["deadline_on"] = pd.to_datetime(out["deadline_on"]).astype("datetime64[us]")
    out["days_left"] = out["days_left"].astype("Int64")
    out.loc[out["deadline_on"].isna(), "deadline_kind"] = ""
    unknown_over = (pd.Timestamp(as_of) - out["starts_on"]).dt.days > settings.unknown_limit_days
    out["is_late"] = (out["days_left"] < 0).fillna(False).astype(bool)
    out["is_stale"] = out["deadline_on"].isna() & unknown_over
    return out.sort_values(ITEM, ignore_index=True)


def _with_chances(
    items: pd.DataFrame, tables: Mapping[str, Any], history: Decisions, as_of: dt.date, settings: WorklistSettings
) -> pd.DataFrame:
    """chance_to_pay and uplift, and what the reason quotes: rate, usual_days, waited."""
    today = pd.Timestamp(as_of)
    past = _past(tables, history, as_of, settings)
    items["waits_since"] = _waits_since(items)
    items["waited"] = (today - items["waits_since"]).dt.days.clip(lower=0)
    items["owed_for"] = (today - items["since_on"]).dt.days.clip(lower=0)
    items["usual_days"] = past.answers.days_until(answer_group(items), settings.waiting_share, settings.waiting_days)
    items["rate"] = items["category"].map(past.rates).astype(float).fillna(settings.other_share)
    by_itself, added = _worth(items, past, today, settings)
    added = np.where(items["is_late"] | items["is_stale"], added * settings.late_share, added)
    own = ~items["party"].eq(PATIENT) & ~items["status"].isin(WHOLE)
    part = np.where(own, answer_group(items).map(past.parts).astype(float).fillna(past.part), 1.0)
    chance = np.clip(by_itself + added, 0, 1) * part
    added = added * part
    return items.assign(
        chance_to_pay=chance, uplift=np.divide(added, chance, out=np.zeros(len(items)), where=chance > 0).clip(0, 1)
    )


WHOLE = ("underpaid", "left_to_patient")
"""What is missing of these is one party's alone; of the others a payer leaves a part to the next party."""


@dataclass(frozen=True)
class _Past:
    """What the client's history says: how items end by themselves, and how often work wins."""

    answers: IncidenceCurves
    asked: Answers
    patients: IncidenceCurves
    sending: IncidenceCurves
    posting: IncidenceCurves
    reworks: IncidenceCurves
    holds: pd.DataFrame
    rates: pd.Series
    alone: float
    parts: pd.Series
    part: float


def _past(tables: Mapping[str, Any], history: Decisions, as_of: dt.date, settings: WorklistSettings) -> _Past:
    rates, alone = overturn_rates(history, as_of=as_of, settings=settings)
    parts, part = payers_parts(history, as_of=as_of, settings=settings)
    return _Past(
        answers=answer_curves(tables, history, as_of=as_of, settings=settings),
        asked=Answers(tables, history, as_of=as_of, settings=settings),
        patients=patient_curves(tables, as_of=as_of, settings=settings),
        sending=sending_curves(tables, history, as_of=as_of, settings=settings),
        posting=posting_curve(tables, history, as_of=as_of, settings=settings),
        reworks=rework_curve(history, as_of=as_of, settings=settings),
        holds=first_holds(history),
        rates=rates.set_index("category")["rate"],
        alone=alone,
        parts=parts,
        part=part,
    )


def _waits_since(items: pd.DataFrame) -> pd.Series:
    """The day from which an answer is awaited: of the rework, else last sent, else passed on by the primary, else
    owed."""
    sent_again = items["last_sent_on"].where(items["last_sent_on"] > items["decided_on"])
    rework = items["rework_on"].fillna(sent_again).where(items["status"] == "reworked")
    passed_on = items["primary_on"].where(items["party"] != "primary")
    return rework.fillna(items["last_sent_on"]).fillna(passed_on).fillna(items["since_on"])


def _worth(
    items: pd.DataFrame, past: _Past, today: pd.Timestamp, settings: WorklistSettings
) -> tuple[np.ndarray, np.ndarray]:
    """The chance that an item is paid untouched, and what work adds to it, by its status."""
    rate, alone = items["rate"].to_numpy(), past.alone
    new = past.answers.paid_share(answer_group(items), settings.new_share)
    still_paid, never = past.asked.given_open(items, today)
    own = pd.Series(np.where(items["primary_payer"] == "self_pay", "self_pay", "insured"))
    patient_paid, _ = past.patients.given_open(own, items["owed_for"])
    left_to_them = past.patients.paid_share(own, settings.patient_share)
    persuaded = settings.patient_share * settings.patient_kept_share ** (items["owed_for"] / 90)
    sent, released, posted = _by_themselves(items, past, today)
    unanswered = past.reworks.given_open(pd.Series(ANY, index=items.index), items["waited"])[1]
    refiled = never * settings.refiled_share * new
    short = np.where(items["short_basis"] == "contract", settings.short_share, settings.short_share / 2)
    pairs: dict[str, tuple[Any, Any]] = {
        "patient": (patient_paid, (1 - patient_paid) * persuaded),
        "held": (released * new, (1 - released) * settings.released_share * new),
        "rejected": (0.0, new),
        "unbilled": (sent * new, (1 - sent) * new),
        "processing": (still_paid, refiled),
        "pended": (still_paid, refiled),
        "reworked": (rate * (1 - unanswered), rate * unanswered * settings.refiled_share),
        "denied": (alone, (rate - alone).clip(min=0)),
        "denied_again": (0.0, rate * settings.second_share),
        "unpaid_rest": (posted, (1 - posted) * settings.second_share),
        "left_to_patient": (posted * left_to_them, (1 - posted) * left_to_them),
        "underpaid": (0.0, short),
        "secondary_unbilled": (0.0, new),
    }
    assert set(pairs) == set(STATUSES)
    held = [items["status"] == name for name in pairs]
    untouched, added = (
        np.select(held, [np.broadcast_to(np.asarray(pair[place], float), len(items)) for pair in pairs.values()])
        for place in (0, 1)
    )
    return untouched, added


def _by_themselves(items: pd.DataFrame, past: _Past, today: pd.Timestamp) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of items as old as these, the shares that are sent, released from a hold, and posted away though nobody works
    them."""
    held_on = items[KEY].merge(past.holds, on=KEY, how="left")["held_on"].set_axis(items.index)
    ages = {UNHELD: items["entered_on"], HELD: held_on, ANY: items["decided_on"]}
    curves = {UNHELD: past.sending, HELD: past.sending, ANY: past.posting}
    found = [
        curves[name].given_open(pd.Series(name, index=items.index), (today - day).dt.days.fillna(0).clip(lower=0))[0]
        for name, day in ages.items()
    ]
    return found[0], found[1], found[2]


def _suppressed_until(
    items: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date, settings: WorklistSettings
) -> pd.Series:
    """The day before which nothing is to be done, empty where work may start now; the latest reason counts."""
    today = pd.Timestamp(as_of)

    def days(number: Any) -> pd.Series:
        return pd.to_timedelta(pd.Series(number, index=items.index), unit="D")

    status, waits = items["status"], items["waits_since"]
    crossing = (
        items["crosses_over"].fillna(False).astype(bool) & items["first_sent_on"].isna() & (items["party"] != "primary")
    )
    usual = items["usual_days"].where(~crossing, items["usual_days"].clip(lower=settings.crossover_days))
    usual = usual + np.where(items["rework_action"] == "appeal", settings.appeal_extra_days, 0) * (status == "reworked")
    noted = items["note_outcome"].isin(("in_process", "waiting_on_payer", "waiting_on_client")) & ~status.isin(
        ("denied", "denied_again", "rejected", "secondary_unbilled")
    )
    parts = [
        (waits + days(usual)).where(status.isin(("processing", "reworked", "pended"))),
        (items["note_on"] + days(settings.waiting_days)).where(noted),
        (items["decided_on"] + days(settings.posting_days)).where(status.isin(("unpaid_rest", "left_to_patient"))),
        (items["entered_on"] + days(settings.unbilled_days)).where(status == "unbilled"),
        (items["statement_on"].fillna(items["since_on"]) + days(settings.statement_days)).where(status == "patient"),
        promised := _promised(items, tables, as_of),
    ]
    until = pd.concat([part.rename(number) for number, part in enumerate(parts)], axis=1).max(axis=1)
    stepped = pd.concat([items["step_on"], promised.rename("promised")], axis=1).max(axis=1)
    until = until.where(items["step_on"].isna(), stepped).where(~(items["is_promised"] & _near(items, settings)))
    return until.where(until > today).astype("datetime64[us]")


def _promised(items: pd.DataFrame, tables: Mapping[str, Any], as_of: dt.date) -> pd.Series:
    """The day after which a patient's promise or next instalment is due, while it may still be kept."""
    due = pd.concat([_promises(tables, as_of), _instalments(tables, as_of)], ignore_index=True)
    last = due.groupby(KEY)["due_on"].max().rename("promised") + pd.Timedelta(days=1)
    found = items[KEY].merge(last.reset_index(), on=KEY, how="left")["promised"].set_axis(items.index)
    return found.where(items["status"] == "patient").astype("datetime64[us]")


def _promises(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    if "promises" not in tables:
        return pd.DataFrame({"client": [], "claim_id": [], "due_on": pd.to_datetime([])})
    known = source(tables, "promises", [*KEY, "promised_on", "due_on"]).filter(nw.col("promised_on") <= as_of)
    return read(known)[[*KEY, "due_on"]]


def _instalments(tables: Mapping[str, Any], as_of: dt.date) -> pd.DataFrame:
    """The next unpaid instalment of each open plan; where that is overdue its day lies in the past and holds nothing
    back."""
    if not {"payment_plans", "plan_instalments"} <= set(tables):
        return pd.DataFrame({"client": [], "claim_id": [], "due_on": pd.to_datetime([])})
    plans = source(tables, "payment_plans", [*KEY, "plan_id", "opened_on", "closed_on"])
    plans = plans.filter(nw.col("opened_on") <= as_of, nw.col("closed_on").is_null() | (nw.col("closed_on") > as_of))
    unpaid = source(tables, "plan_instalments", ["client", "plan_id", "agreed_on", "due_on", "paid_on"])
    unpaid = unpaid.filter(nw.col("agreed_on") <= as_of, nw.col("paid_on").is_null() | (nw.col("paid_on") > as_of))
    rows = read(plans.join(unpaid, on=["client", "plan_id"]).select(*KEY, "due_on"))
    return rows.groupby(KEY, as_index=False)["due_on"].min()


def _near(items: pd.DataFrame, settings: WorklistSettings) -> pd.Series:
    return items["days_left"].between(0, settings.deadline_days).fillna(False).astype(bool) & (
        items["recoverable_cents"] >= settings.smallest_cents
    )


def _tier(items: pd.DataFrame, settings: WorklistSettings) -> np.ndarray:
    small = items["open_cents"].where(items["status"] != "underpaid", items["short_cents"]) < settings.smallest_cents
    return np.select(
        [small, items["suppressed_until"].notna(), _near(items, settings)], ["small", "waiting", "deadline"], "list"
    )
