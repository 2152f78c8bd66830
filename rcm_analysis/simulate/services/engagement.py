"""The front office's own system: appointments, intake forms, navigators, surveys, feedback, hospital notices.

Every claim is the visit of a kept appointment; missed and cancelled slots are added around them, at rates
that depend on lead time, coverage and the person, so that strata differ and totals follow from them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ...tables import schema_engagement as services
from ...tables.schema_base import Table
from ..company import day_number
from ..files.x12 import claim_ids
from ..practice import Practice
from ..practice_book import working_day
from ..submission import NEVER
from .engagement_plants import shifts_of
from .rows import Luck, day_or_never, numbered, only_where, patients, table_rows

MISS = {0: 0.03, 1: 0.06, 2: 0.09, 3: 0.15}
"""No-show share by lead: same day, one week, four weeks, longer."""
HABIT = {
    "respiratory": 14,
    "musculoskeletal": 13,
    "diabetes": 12,
    "hypertension": 14,
    "mental_health": 9,
    "skin": 7,
    "digestive": 7,
    "injury": 6,
    "infection": 5,
    "pregnancy": 2,
    "preventive": 8,
    "other": 3,
}


THEMES = {
    "complaint": {
        "access": 24,
        "waiting": 20,
        "billing": 18,
        "communication": 16,
        "staff": 10,
        "clinical": 5,
        "facility": 4,
        "other": 3,
    },
    "compliment": {"staff": 50, "clinical": 30, "communication": 20},
}


class Office:
    """One client's front office: visits, places and providers as its files name them, and its planted shifts."""

    def __init__(self, practice: Practice, plants: bool) -> None:
        self.practice, self.book, self.seed = practice, practice.book, practice.seed
        self.last, self.client = practice.book.calendar.last, practice.book.client.id
        claims = self.book.claims
        self.seen = np.flatnonzero(claims["service"] <= self.last)
        self.ids = np.array(claim_ids(self.book))
        self.places = np.array([f"Site {number + 1:02d}" for number in range(99)])
        self.providers = np.array([f"{last}, {first}" for last, first, _ in self.book.providers])
        months = self.book.calendar.months
        self.shifts = shifts_of(practice) if plants else {}
        self.reminders = day_number(months[len(months) // 2].first_day)
        self.first_visit = np.full(len(self.book.patients["payer"]), NEVER)
        np.minimum.at(self.first_visit, claims["patient"], claims["service"])
        self.home = np.zeros(len(self.first_visit), np.int64)
        self.home[claims["patient"][::-1]] = claims["location"][::-1]
        self.high_risk = self.luck("risk").uniform("high", np.arange(len(self.home))) < 0.08

    def luck(self, stage: str) -> Luck:
        return Luck(self.seed, self.client, f"engagement {stage}")

    def struck(self, kind: str, location: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Where a planted shift of this kind holds; nowhere without one."""
        return self.shifts[kind].strikes(location, day) if kind in self.shifts else np.zeros(len(day), bool)

    def rows(self, table: Table, columns: dict[str, Any]) -> pl.DataFrame:
        return table_rows(table, columns, self.last)


def engagement_tables(practice: Practice, plants: bool = True) -> tuple[dict[str, pl.DataFrame], list[dict[str, Any]]]:
    """Every table of patient engagement in the columns of the schema, and what was planted."""
    office = Office(practice, plants)
    slots = _slots(office)
    appointments = _appointments(office, slots)
    kept = appointments.filter(pl.col("status") == "kept")
    intakes, unasked = _intakes(office, kept)
    tables = {
        "appointments": appointments,
        "intakes": intakes,
        "risk_assessments": _risk(office),
        "navigator_contacts": _navigation(office),
        **voices(office, kept),
        "hospital_encounters": _hospital(office),
        "panel_months": _panel(office),
        "access_checks": _access(office),
        "programme_changes": _changes(office),
    }
    return tables, _planted(office, appointments, slots, unasked)


# -- appointments ----------------------------------------------------------------------------------


def _slots(office: Office) -> pl.DataFrame:
    """Kept visits, the slots missed around them, and those still ahead; `planted` names the shift that a row is due
    to."""
    claims, luck, seen = office.book.claims, office.luck("slots"), office.seen
    day, location, person = claims["service"][seen], claims["location"][seen], claims["patient"][seen]
    group = np.searchsorted([0.2, 0.45, 0.8], luck.uniform("lead group", seen))
    width = np.array([[0, 1], [1, 8], [8, 29], [29, 91]])[group]
    lead = width[:, 0] + (luck.uniform("lead", seen) * (width[:, 1] - width[:, 0])).astype(np.int64)
    habit = np.exp(0.7 * luck.normal("habit", person) - 0.245)
    medicaid = np.where(claims["payer"][seen] == office.book.payer_number("medicaid"), 1.4, 1.0)
    no_show = np.minimum(0.5, np.array(list(MISS.values()))[group] * habit * medicaid)
    late = np.where(day >= office.reminders, 0.025, 0.045)
    rates = {"no_show": no_show, "late_cancel": late, "cancelled": np.full(len(seen), 0.08)}
    base = {"claim": seen, "lead": lead}
    parts = [pl.DataFrame(base | {"day": day}).with_columns(status=pl.lit("kept"), planted=pl.lit(""))]
    for stage, (status, rate, kind) in _stages(office, rates, location, day).items():
        odds = rate / (1 - no_show - late - 0.08)
        rows = np.repeat(np.arange(len(seen)), np.floor(odds + luck.uniform(stage, seen)).astype(np.int64))
        first = office.shifts[kind].start if kind else office.book.calendar.first
        moved = day[rows] + luck.between(f"{stage} day", -20, 21, seen[rows])
        # Beyond an end of its time a slot is mirrored into it, so that the rate is the same to the last day.
        moved = np.where(
            moved > office.last, 2 * office.last - moved, np.where(moved < first, 2 * first - moved, moved)
        )
        parts.append(
            pl.DataFrame({"claim": seen[rows], "lead": lead[rows], "day": working_day(moved)}).with_columns(
                status=pl.lit(status), planted=pl.lit(kind)
            )
        )
    recent = np.flatnonzero(day > office.last - 60)
    ahead = pl.DataFrame(
        {"claim": seen[recent], "lead": lead[recent], "day": working_day(day[recent] + 60)}
    ).with_columns(status=pl.lit("cancelled"), planted=pl.lit(""))
    parts.append(ahead.filter(pl.col("day") > office.last))
    return (
        pl.concat(parts)
        .with_columns(booked=pl.col("day") - pl.col("lead"))
        .sort("booked", "day", "claim", "status", maintain_order=True)
    )


def _stages(
    office: Office, rates: dict[str, np.ndarray], location: np.ndarray, day: np.ndarray
) -> dict[str, tuple[str, np.ndarray, str]]:
    """Everything that adds slots to the kept ones: stage -> (status, rate, planted kind)."""
    stages = {status: (status, rate, "") for status, rate in rates.items()}
    for kind, status in (("no_show_rise", "no_show"), ("late_cancel_rise", "late_cancel")):
        if kind in office.shifts:
            stages[kind] = (status, rates[status] * office.shifts[kind].size * office.struck(kind, location, day), kind)
    return stages


def _appointments(office: Office, slots: pl.DataFrame) -> pl.DataFrame:
    claims, luck = office.book.claims, office.luck("appointments")
    claim, day, booked = slots["claim"].to_numpy(), slots["day"].to_numpy(), slots["booked"].to_numpy()
    status, person = slots["status"].to_numpy(), claims["patient"][claim]
    key = claim, day, slots["lead"].to_numpy(), np.array([len(word) for word in status.tolist()], np.int64)
    kept, cancelled = status == "kept", status == "cancelled"
    is_new = kept & (office.first_visit[person] == day)
    kind = np.where(
        is_new,
        "new",
        np.where(
            slots["lead"].to_numpy() == 0,
            "acute",
            luck.word("kind", {"follow_up": 62, "preventive": 22, "procedure": 8, "acute": 8}, *key),
        ),
    )
    hours = np.where(
        cancelled,
        24 + 24 * (luck.uniform("notice", *key) * (day - booked)).astype(np.int64),
        luck.between("late notice", 1, 24, *key),
    )
    settled = np.where(cancelled, np.maximum(booked, day - hours // 24), day)
    usual = luck.uniform("same problem", claim) < 0.6
    problem = np.where(usual, luck.word("usual problem", HABIT, person), luck.word("problem", HABIT, claim))
    return office.rows(
        services.APPOINTMENTS,
        {
            "appointment_id": numbered("AP", len(slots)),
            "patient": patients(person),
            "booked_on": booked,
            "scheduled_on": day,
            "provider": office.providers[claims["provider"][claim]],
            "location": office.places[claims["location"][claim]],
            "visit_type": kind,
            "is_planned_follow_up": (kind == "follow_up") & (luck.uniform("planned", *key) < 0.45),
            "settled_on": settled,
            "status": status,
            "notice_hours": only_where(np.isin(status, ["late_cancel", "cancelled"]), hours.astype(float)),
            "problem": only_where(kept, problem),
            "claim_id": only_where(kept, office.ids[claim]),
        },
    )


def _day(frame: pl.DataFrame, name: str) -> np.ndarray:
    return frame[name].to_physical().cast(pl.Int64).to_numpy()


# -- intake and navigation -------------------------------------------------------------------------


def _intakes(office: Office, kept: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A form at every first visit and at four in ten others; and those on which a planted change left the needs out."""
    luck, key = office.luck("intake"), (_keys(kept["claim_id"]),)
    forms = kept.filter(pl.Series((kept["visit_type"].to_numpy() == "new") | (luck.uniform("form", *key) < 0.4)))
    key, day = (_keys(forms["claim_id"]),), _day(forms, "scheduled_on")
    asked = luck.uniform("needs asked", *key) < np.where(day >= office.reminders, 0.84, 0.72)
    place = office.book.claims["location"][key[0] % 1_000_000 - 1]  # an id ends in the claim's number
    size = office.shifts["social_needs_dropped"].size if "social_needs_dropped" in office.shifts else 0.0
    lost = asked & office.struck("social_needs_dropped", place, day) & (luck.uniform("needs lost", *key) < size)
    asked &= ~lost
    found = np.searchsorted([0.72, 0.9, 0.97], luck.uniform("needs", *key))
    shares = {"demographics": 0.96, "insurance": 0.94, "history": 0.9, "medication": 0.87, "consent": 0.97}
    entered = day + (luck.uniform("late", *key) < 0.1)
    rows = office.rows(
        services.INTAKES,
        {
            "intake_id": numbered("IN", len(forms)),
            "patient": forms["patient"],
            "appointment_id": forms["appointment_id"],
            "location": forms["location"],
            "taken_on": day,
            "entered_on": entered,
            **{f"is_{name}_complete": luck.uniform(name, *key) < share for name, share in shares.items()},
            "is_social_needs_complete": asked,
            "social_needs": only_where(asked, found),
        },
    )
    names = numbered("IN", len(forms))
    return rows, rows.filter(pl.col("intake_id").is_in(names[lost].tolist()))


def _keys(ids: pl.Series) -> np.ndarray:
    """The number in each id, as a key of luck."""
    return ids.str.extract(r"(\d+)$").cast(pl.Int64).to_numpy()


def _navigated(office: Office) -> dict[str, np.ndarray]:
    """High-risk patients: when they were found, and by whom and until when they are looked after."""
    luck = office.luck("navigation")
    who = np.flatnonzero(office.high_risk & (office.first_visit <= office.last))
    found = working_day(office.first_visit[who] + luck.between("found", 0, 40, who))
    has = luck.uniform("has", who) < 0.72
    start = day_or_never(has, working_day(found + luck.between("start", 2, 35, who)))
    end = day_or_never(has & (luck.uniform("ends", who) < 0.25), start + luck.between("length", 90, 300, who))
    return {
        "who": who,
        "found": found,
        "start": start,
        "end": end,
        "navigator": np.where(has, luck.word("navigator", ("nav01", "nav02", "nav03"), who), ""),
    }


def _risk(office: Office) -> pl.DataFrame:
    high, luck = _navigated(office), office.luck("other risk")
    other = np.flatnonzero(~office.high_risk & (office.first_visit <= office.last))
    other = other[luck.uniform("assessed", other) < 0.5]
    everyone = np.concatenate([high["who"], other])
    blank = np.full(len(other), NEVER)
    named = np.concatenate([high["start"] < NEVER, np.zeros(len(other), bool)])
    return office.rows(
        services.RISK_ASSESSMENTS,
        {
            "patient": patients(everyone),
            "assessed_on": np.concatenate([high["found"], office.first_visit[other]]),
            "risk_level": np.concatenate(
                [np.full(len(high["who"]), "high"), luck.word("level", {"low": 8, "rising": 2}, other)]
            ),
            "location": office.places[office.home[everyone]],
            "navigator": only_where(named, np.concatenate([high["navigator"], np.full(len(other), "")])),
            "navigator_from": np.concatenate([high["start"], blank]),
            "navigator_to": np.concatenate([high["end"], blank]),
        },
    )


def _navigation(office: Office) -> pl.DataFrame:
    """A contact about every three weeks while a navigator is in charge; seven in ten reach the patient."""
    high, luck = _navigated(office), office.luck("navigator contacts")
    start, end = high["start"], np.minimum(high["end"], office.last)
    times = np.where(start <= office.last, np.maximum(0, (end - start) // 21), 0)
    row = np.repeat(np.arange(len(start)), times)
    place = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    key = high["who"][row], place
    day = working_day(start[row] + 21 * place + luck.between("day", 0, 15, *key))
    keep = (day <= end[row]) & (luck.uniform("made", *key) < 0.9)
    row, day, key = row[keep], day[keep], (key[0][keep], key[1][keep])
    return office.rows(
        services.NAVIGATOR_CONTACTS,
        {
            "contact_id": numbered("NC", len(row)),
            "patient": patients(high["who"][row]),
            "navigator": high["navigator"][row],
            "contacted_on": day,
            "entered_on": day + (luck.uniform("late", *key) < 0.15),
            "channel": luck.word("channel", {"phone": 7, "in_person": 2, "portal": 1}, *key),
            "is_reached": luck.uniform("reached", *key) < 0.7,
        },
    )


# -- hospital, panel, access -----------------------------------------------------------------------


def _hospital(office: Office) -> pl.DataFrame:
    """Emergency visits and stays by month of life with the practice; one stay in seven is followed by another."""
    luck, first = office.luck("hospital"), office.book.calendar.first
    who = np.flatnonzero(office.first_visit <= office.last)
    span = (office.last - first) // 30 + 1
    person = np.repeat(who, span)
    month = np.tile(np.arange(span), len(who))
    rate = np.where(office.high_risk[person], 0.075, 0.022)
    draw = luck.uniform("goes", person, month)
    goes = (draw < rate * 1.25) & (first + 30 * month >= office.first_visit[person] - 30)
    stay = draw[goes] >= rate[goes]
    person, month = person[goes], month[goes]
    day = first + 30 * month + luck.between("day", 0, 30, person, month)
    length = np.where(stay, luck.between("nights", 1, 8, person, month), 0)
    again = stay & (luck.uniform("again", person, month) < 0.14)
    back = day[again] + length[again] + luck.between("back", 2, 31, person[again], month[again])
    person, stay = np.concatenate([person, person[again]]), np.concatenate([stay, np.ones(again.sum(), bool)])
    day, length = (
        np.concatenate([day, back]),
        np.concatenate([length, luck.between("nights", 1, 8, person[len(day) :], back)]),
    )
    key = person, day
    reported = day + length + luck.between("reported", 1, 15, *key)
    return office.rows(
        services.HOSPITAL_ENCOUNTERS,
        {
            "encounter_id": numbered("HE", len(person)),
            "patient": patients(person),
            "kind": np.where(
                ~stay, "emergency", np.where(luck.uniform("watched", *key) < 0.15, "observation", "inpatient")
            ),
            "admitted_on": day,
            "discharged_on": day + length,
            "reported_on": reported,
            "problem": luck.word("problem", HABIT, person),
            "is_planned": stay & (luck.uniform("planned", *key) < 0.2),
            "ended": luck.word("ended", {"home": 94, "transfer": 4, "died": 2}, *key),
        },
    )


def _panel(office: Office) -> pl.DataFrame:
    claims, rows = office.book.claims, []
    for month in office.book.calendar.months:
        end = day_number(month.last_day)
        here = np.unique(claims["patient"][(claims["service"] <= end) & (claims["service"] > end - 365)])
        for place in range(int(claims["location"].max()) + 1):
            own = here[office.home[here] == place]
            rows.append((month.label, office.places[place], end, len(own), int(office.high_risk[own].sum())))
    names = ("month", "location", "counted_on", "members", "high_risk_members")
    return office.rows(
        services.PANEL_MONTHS, {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
    )


def _access(office: Office) -> pl.DataFrame:
    """Every Monday: how far away the third next open slot is, a little further every quarter."""
    luck, calendar = office.luck("access"), office.book.calendar
    monday = np.arange(calendar.first + (-(calendar.first + 3)) % 7, calendar.last + 1, 7)
    places = int(office.book.claims["location"].max()) + 1
    day = np.repeat(monday, places * 2)
    place = np.tile(np.repeat(np.arange(places), 2), len(monday))
    new = np.tile([True, False], len(monday) * places)
    wait = (
        np.where(new, 13, 5)
        + 3 * place % 4
        + (day - calendar.first) // 120
        + luck.between("wait", -3, 4, day, place, new)
    )
    return office.rows(
        services.ACCESS_CHECKS,
        {
            "checked_on": day,
            "location": office.places[place],
            "visit_type": np.where(new, "new", "follow_up"),
            "third_next_on": working_day(day + np.maximum(1, wait)),
        },
    )


def _changes(office: Office) -> pl.DataFrame:
    """What the practice changed after its reviews, and told."""
    told = [
        ("late_cancel", "patients cancelled on the day", "text reminder three days ahead"),
        ("social_needs", "needs were asked at seven visits in ten", "needs moved to the first page of the form"),
    ]
    return office.rows(
        services.PROGRAMME_CHANGES,
        {
            "change_id": numbered("PC", 2),
            "decided_on": [office.reminders - 14] * 2,
            "started_on": [office.reminders] * 2,
            "measure": [row[0] for row in told],
            "location": pl.Series([None, None], dtype=pl.String),
            "issue": [row[1] for row in told],
            "change": [row[2] for row in told],
        },
    )


# -- what was planted ------------------------------------------------------------------------------


def _planted(
    office: Office, appointments: pl.DataFrame, slots: pl.DataFrame, unasked: pl.DataFrame
) -> list[dict[str, Any]]:
    names = pl.DataFrame({"appointment_id": numbered("AP", len(slots)), "planted": slots["planted"]})
    known = appointments.join(names, on="appointment_id").filter(pl.col("status").is_not_null())
    rows = {
        kind: known.filter(pl.col("planted") == kind).select("appointment_id", "scheduled_on").rows()
        for kind in office.shifts
    }
    rows["social_needs_dropped"] = unasked.select("intake_id", "entered_on").rows()
    return [
        shift.told(number, office.client, [[name, None, str(day), None] for name, day in rows[kind]], office.places)
        for number, (kind, shift) in enumerate(office.shifts.items(), 1)
    ]


def voices(office: Office, kept: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Surveys, their answers, and feedback, all drawn from kept appointments."""
    visit = kept["claim_id"].str.extract(r"(\d+)$").cast(pl.Int64).to_numpy()
    day = kept["scheduled_on"].to_physical().cast(pl.Int64).to_numpy()
    luck = office.luck("surveys")
    asked = luck.uniform("asked", visit) < 0.35
    return {
        **_surveys(office, kept.filter(pl.Series(asked)), visit[asked], day[asked]),
        "feedback": _feedback(office, kept, visit, day),
    }


def _surveys(office: Office, visits: pl.DataFrame, visit: np.ndarray, day: np.ndarray) -> dict[str, pl.DataFrame]:
    luck = office.luck("answers")
    sent = day + 2
    answered = day_or_never(luck.uniform("answers", visit) < 0.28, sent + luck.between("wait", 0, 15, visit))
    ids = np.array([f"SV{number:07d}" for number in visit.tolist()], dtype=str)
    surveys = office.rows(
        services.SURVEYS,
        {
            "survey_id": ids,
            "patient": visits["patient"],
            "appointment_id": visits["appointment_id"],
            "location": visits["location"],
            "sent_on": sent,
            "answered_on": answered,
        },
    )
    rows = np.flatnonzero(answered <= office.last)
    count, items = len(rows), services.SURVEY_ITEMS
    owner, place = np.repeat(rows, len(items)), np.tile(np.arange(len(items)), count)
    mood = luck.normal("mood", visit)[owner] + 0.6 * luck.normal("item", visit[owner], place)
    low = np.searchsorted([-2.1, -1.35, -0.45], mood) + 1
    ten = np.searchsorted([-2.6, -2.4, -2.2, -2.0, -1.8, -1.55, -1.3, -0.9, -0.4, 0.25], mood)
    score = np.where(place < 5, low, ten)
    skipped = luck.uniform("skipped", visit[owner], place) < 0.04
    return {
        "surveys": surveys,
        "survey_answers": office.rows(
            services.SURVEY_ANSWERS,
            {
                "survey_id": ids[owner],
                "item": np.array(items)[place],
                "answered_on": answered[owner],
                "score": only_where(~skipped, score),
            },
        ),
    }


def _feedback(office: Office, kept: pl.DataFrame, visit: np.ndarray, day: np.ndarray) -> pl.DataFrame:
    luck = office.luck("feedback")
    rows = np.flatnonzero(luck.uniform("speaks", visit) < 0.013)
    visits, key = kept[rows.tolist()], visit[rows]
    kind = luck.word("kind", {"complaint": 66, "compliment": 22, "suggestion": 12}, key)
    theme = np.where(
        kind == "compliment",
        luck.word("praise", THEMES["compliment"], key),
        luck.word("theme", THEMES["complaint"], key),
    )
    received = day[rows] + luck.between("received", 0, 12, key)
    wait = np.maximum(1, np.rint(np.exp(1.5 + 0.8 * luck.normal("wait", key)))).astype(np.int64)
    named = luck.uniform("named", key) < 0.8
    return office.rows(
        services.FEEDBACK,
        {
            "feedback_id": [f"FB{number:07d}" for number in key.tolist()],
            "patient": only_where(named, visits["patient"]),
            "received_on": received,
            "kind": kind,
            "theme": theme,
            "location": visits["location"],
            "responded_on": day_or_never(luck.uniform("answered", key) < 0.9, received + wait),
            "outcome": luck.word("outcome", {"explained": 5, "corrected": 3, "changed": 1, "none": 1}, key),
        },
    )
