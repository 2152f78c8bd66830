"""The numbers of a patient engagement review, worked out once, with everything small hidden already.

Series are by calendar month, each month decided by itself; everything else is of a block of months that is
over (`published`). The tables of one block have nothing in common but their total, and are protected with
that total shown; the months inside it may not open it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from ...ledger.ratios import quotient
from ...ledger.suppression import LEAST, sum_is_safe
from ...measures.engagement import appointments, care_risk, hospital_use
from ...measures.engagement import experience as patient_experience
from ...measures.engagement import worth as engagement_money
from ...models.patients import engagement_effects, rate_shifts, waiting
from ...periods import Period
from ...tables.frames import NO_VALUE
from ..subject import Subject
from . import published
from .small import each_alone, guarded, known, parts_of, total_of

MONTHS = 12
SLOT_PARTS = ("kept", "no_shows", "late_cancels")
SLOT_RATES = {
    "no_show_rate": ("no_shows", "slots"),
    "late_cancel_rate": ("late_cancels", "slots"),
    "appointment_adherence": ("kept", "slots"),
}


class Facts:
    """One client's numbers of patient engagement; nothing in here is a count from 1 to 10 unless it says `raw`."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.year = subject.period.trailing(MONTHS)
        self.block = published.last_block(subject.period, published.block_months(subject.client.providers))
        self.quarter = published.last_block(subject.period, 3)
        self.half_year = published.last_block(subject.period, published.RARE_MONTHS)

    @cached_property
    def tables(self) -> Mapping[str, Any]:
        """The client's tables, each month as it is published."""
        return published.as_published(self.subject.tables, as_of=self.subject.as_of)

    # -- appointments ------------------------------------------------------------------------------

    @cached_property
    def months(self) -> pd.DataFrame:
        """No-shows and slots by month, each month by itself, with the total where all are shown."""
        return each_alone(
            self._raw_months(self.year),
            counts=["no_shows"],
            by="month",
            of="slots",
            rates={"no_show_rate": ("no_shows", "slots")},
        )

    def _raw_months(self, period: Period) -> pd.DataFrame:
        return appointments.no_show_rate(self.tables, period=period, by=["month"])

    @property
    def month(self) -> pd.Series:
        """The row of the month reported; empty without slots."""
        rows = parts_of(self.months, "month")
        rows = rows[pd.to_datetime(rows["month"]) == pd.Timestamp(self.subject.period.first_day)]
        return pd.Series(dtype=object) if rows.empty else rows.iloc[0]

    @property
    def twelve_months(self) -> pd.Series:
        """The total of the months; empty without slots."""
        return total_of(self.months, "month")

    @cached_property
    def is_withheld(self) -> bool:
        """Would the block's total open one of its months, or one table a total that another hides? Then it is not
        broken down."""
        raw = self._raw_months(self.block)
        if not all(sum_is_safe(values) for values in (raw["no_shows"], raw["slots"], raw["slots"] - raw["no_shows"])):
            return True
        totals = [total_of(table, by) for table, by in self._tables if len(table)]
        shown = [[known(row, name) for row in totals] for name in ("slots", *SLOT_PARTS)]
        return any(any(each) and not all(each) for each in shown)

    @property
    def _tables(self) -> list[tuple[pd.DataFrame, str]]:
        return [
            (self.leads, "lead"),
            (self.visit_types, "visit_type"),
            (self.locations, "location"),
            (self.telehealth, "is_telehealth"),
        ]

    def strata(self, by: str) -> pd.DataFrame:
        """Slots by outcome for each value of a column, with the total."""
        found = appointments.appointment_outcomes(self.tables, period=self.block, by=[by])
        return guarded(found, counts=SLOT_PARTS, by=[by], of="slots", rates=SLOT_RATES, guard="kept")

    @cached_property
    def leads(self) -> pd.DataFrame:
        return self.strata("lead")

    @cached_property
    def visit_types(self) -> pd.DataFrame:
        return self.strata("visit_type")

    @cached_property
    def locations(self) -> pd.DataFrame:
        return self.strata("location")

    @cached_property
    def telehealth(self) -> pd.DataFrame:
        """Slots by video or telephone and in person; empty where nobody records it."""
        recorded = set(
            appointments.appointment_outcomes(self.tables, period=self.block, by=["is_telehealth"])["is_telehealth"]
        )
        found = self.strata("is_telehealth")
        return found if recorded - {NO_VALUE} else found.iloc[:0]

    @property
    def slots(self) -> pd.Series:
        """The block's total; empty without slots."""
        if self.leads.empty:
            return pd.Series(dtype=object)
        row = total_of(self.leads, "lead")
        return _blank(row) if self.is_withheld else row

    @cached_property
    def repeats(self) -> pd.DataFrame:
        """Visits for a problem and those that repeat; hidden where all but a few of the kept ones are in it."""
        found = appointments.repeat_visits(self.tables, period=self.block, by=["problem"])
        kept = appointments.appointment_outcomes(self.tables, period=self.block)["kept"].iloc[0]
        out = guarded(
            found, counts=["repeats"], by=["problem"], of="visits", rates={"repeat_rate": ("repeats", "visits")}
        )
        is_narrow = len(found) and 0 < kept - found["visits"].sum() < LEAST
        return (
            out.assign(**dict.fromkeys(("repeats", "visits", "repeat_rate"), pd.NA), is_suppressed=True)
            if is_narrow
            else out
        )

    @cached_property
    def access(self) -> pd.DataFrame:
        """Third next available slot in the month and three months before; no patient is in it."""
        by = ["location", "visit_type"]
        now = appointments.third_next_available(self.tables, period=self.subject.period, by=by)
        before = appointments.third_next_available(self.tables, period=self.subject.period.shift(-3), by=by)
        return now.merge(before[[*by, "median_days"]].rename(columns={"median_days": "before_days"}), on=by, how="left")

    # -- intake, risk, hospital --------------------------------------------------------------------

    @cached_property
    def intake_parts(self) -> pd.DataFrame:
        """Complete forms by part; each part is a table of its own, and none may open a month of the needs."""
        found = care_risk.intake_completeness(self.tables, period=self.block, by=["part"])
        if not len(found) or not found["forms"].sum():
            return found.iloc[:0].assign(is_suppressed=False)
        rows = [
            guarded(
                found[found["part"] == part],
                counts=["complete"],
                of="forms",
                rates={"complete_share": ("complete", "forms")},
            ).assign(part=part)
            for part in care_risk.INTAKE_PARTS
        ]
        out = pd.concat(rows, ignore_index=True)
        names = ["forms", "complete", "complete_share"]
        if out["forms"].isna().any() or not self._needs_are_safe:
            return out.assign(**dict.fromkeys(names, pd.NA), is_suppressed=True)
        return out

    @cached_property
    def _needs_are_safe(self) -> bool:
        """May the forms of the block, and those on which the needs were asked, be shown beside its months?"""
        raw = care_risk.social_needs_asked(self.tables, period=self.block, by=["month"])
        return all(sum_is_safe(values) for values in (raw["asked"], raw["forms"], raw["forms"] - raw["asked"]))

    @cached_property
    def needs(self) -> pd.DataFrame:
        """Forms on which the social needs were asked, by month."""
        found = care_risk.social_needs_asked(self.tables, period=self.year, by=["month"])
        return each_alone(found, counts=["asked"], by="month", of="forms", rates={"asked_share": ("asked", "forms")})

    @cached_property
    def found_needs(self) -> pd.Series:
        """Of the forms of the block that asked, those that found a need."""
        found = care_risk.social_needs_asked(self.tables, period=self.block)
        out = guarded(found, counts=["with_need"], of="asked", rates={"with_need_share": ("with_need", "asked")}).iloc[
            0
        ]
        return out if self._needs_are_safe else _blank(out)

    @cached_property
    def navigation(self) -> pd.DataFrame:
        """High-risk patients by location: covered, in charge but not reached, without a navigator. A stock: two months
        have no sum in common."""
        found = care_risk.high_risk_patients(self.tables, as_of=self.subject.as_of)
        marks = pd.DataFrame(
            {
                "location": found["location"],
                "high_risk": 1,
                "covered": found["is_covered"].astype(int),
                "not_reached": (found["has_navigator"] & ~found["is_reached"]).astype(int),
                "without": (~found["has_navigator"]).astype(int),
            }
        )
        sums = marks.groupby("location", as_index=False).sum() if len(marks) else marks
        return guarded(
            sums,
            counts=["covered", "not_reached", "without"],
            by=["location"],
            of="high_risk",
            rates={"coverage": ("covered", "high_risk")},
        )

    @cached_property
    def is_navigation_open(self) -> bool:
        """Is every number of the navigation table shown?"""
        return not self.navigation["is_suppressed"].any()

    @cached_property
    def cases(self) -> pd.DataFrame:
        """The huddle list: a list for care, by pseudonym. It tells of navigators only where the table of them hides
        nothing."""
        return care_risk.complex_cases(self.tables, as_of=self.subject.as_of, with_navigation=self.is_navigation_open)

    @cached_property
    def stay_block(self) -> Period:
        """The half-year whose stays have been over for two months: thirty days to come back, and the rest for the
        report to arrive."""
        return published.last_block(self.subject.period.shift(-1), published.RARE_MONTHS)

    @cached_property
    def stays(self) -> pd.Series:
        day = published.month_end_after(self.stay_block.last_day, 2)
        tables = published.hospital_as_of(self.subject.tables, day)
        found = hospital_use.readmissions(tables, period=self.stay_block, as_of=day)
        return guarded(
            found, counts=["readmitted"], of="index_stays", rates={"readmission_rate": ("readmitted", "index_stays")}
        ).iloc[0]

    @cached_property
    def emergency(self) -> pd.DataFrame:
        """Emergency visits by month to the month before the one reported, and per 1,000 members and year."""
        raw = hospital_use.emergency_visits(
            self.tables, period=self.subject.period.shift(-1).trailing(MONTHS), by=["month"]
        )
        visits = each_alone(raw, counts=["visits"], by="month")
        members = each_alone(raw, counts=["member_months"], by="month")
        found = visits.assign(
            member_months=members["member_months"], is_suppressed=visits["is_suppressed"] | members["is_suppressed"]
        )
        return found.assign(emergency_per_1000=quotient(found["visits"] * hospital_use.PER, found["member_months"]))

    # -- voices ------------------------------------------------------------------------------------

    @cached_property
    def promoter(self) -> pd.Series:
        found = patient_experience.net_promoter(self.tables, period=self.quarter)
        out = guarded(found, counts=["promoters", "detractors"], of="answers").iloc[0]
        names = ["net_promoter", "low", "high"]
        scores = found.iloc[0][names] if not out["is_suppressed"] else pd.Series(float("nan"), index=names)
        return pd.concat([out, scores])

    @cached_property
    def items(self) -> pd.DataFrame:
        """Each survey item with its interval; items are never added together, so each is protected by itself."""
        found = patient_experience.satisfaction(self.tables, period=self.quarter)
        rows = []
        for row in found.to_dict("records"):
            one = guarded(pd.DataFrame([row]), counts=["top_box"], of="answers").iloc[0]
            is_small = bool(one["is_suppressed"]) or (
                row["item"] == "would_recommend" and bool(self.promoter["is_suppressed"])
            )
            rows.append(
                {
                    "item": row["item"],
                    "answers": one["answers"],
                    "is_suppressed": is_small,
                    **{name: None if is_small else row[name] for name in ("top_box", "top_box_share", "low", "high")},
                }
            )
        return pd.DataFrame(
            rows, columns=["item", "answers", "top_box", "top_box_share", "low", "high", "is_suppressed"]
        )

    @cached_property
    def response(self) -> pd.Series:
        found = patient_experience.survey_response_rate(self.tables, period=self.quarter)
        return guarded(found, counts=["answered"], of="sent", rates={"response_rate": ("answered", "sent")}).iloc[0]

    @cached_property
    def themes(self) -> pd.DataFrame:
        """Complaints by theme in the half-year, and in the one before as that one's own report showed it."""
        now, before = (
            self._themes(block)
            for block in (
                self.half_year,
                published.last_block(Period.of(self.half_year.first_day), published.RARE_MONTHS),
            )
        )
        both = now.merge(before.rename(columns={"entries": "before", "is_suppressed": "was"}), on="theme", how="outer")
        if both.empty:
            return both.assign(share=pd.Series(dtype=float))
        both = both.assign(
            **{name: _or_zero(both, name, mark) for name, mark in (("entries", "is_suppressed"), ("before", "was"))}
        )
        both = both.assign(is_suppressed=both["is_suppressed"].eq(True) | both["was"].eq(True)).drop(columns="was")
        both = both.sort_values("theme", key=lambda names: names.where(names != "(all)", "~"), ignore_index=True)
        total = total_of(both, "theme")["entries"]
        return both.assign(
            share=quotient(both["entries"], pd.Series([total] * len(both), index=both.index, dtype="Int64"))
        )

    def _themes(self, block: Period) -> pd.DataFrame:
        found = patient_experience.feedback_themes(self.tables, period=block)
        found = found[found["entries"] > 0].reset_index(drop=True)
        return guarded(found, counts=["entries"], by=["theme"])[["theme", "entries", "is_suppressed"]]

    @cached_property
    def answered(self) -> pd.Series:
        """Complaints of the half-year, all due by now, that were answered in time."""
        tables, watched = published.complaints_until(self.tables, self.half_year)
        raw = patient_experience.feedback_answered_in_time(tables, period=watched)
        return guarded(raw, counts=["in_time"], of="due", rates={"in_time_share": ("in_time", "due")}).iloc[0]

    @cached_property
    def waits(self) -> pd.Series:
        tables, watched = published.complaints_until(self.tables, self.half_year)
        raw = waiting.answer_time(tables, period=watched).iloc[0]
        return raw if raw["complaints"] >= LEAST else raw.where(raw.index.isin([]))

    @cached_property
    def returning(self) -> pd.DataFrame:
        """Retention by quarter that is over; a share is shown once everybody of the quarter was watched so long, and
        never changes after that."""
        watched_to = self.subject.period.first_day - dt.timedelta(days=1)
        raw = waiting.retention(self.tables, as_of=watched_to)
        rows = [
            _marked(row, watched_to) for row in raw.to_dict("records") if _quarter_end(row["quarter"]) <= watched_to
        ]
        return pd.DataFrame(
            rows,
            columns=[
                "quarter",
                "patients",
                *(f"back_{mark}" for mark in waiting.MARKS),
                "low",
                "high",
                "is_suppressed",
            ],
        )

    # -- what changed, and what it is worth --------------------------------------------------------

    @cached_property
    def shifts(self) -> pd.DataFrame:
        """Changes of a rate, newest first, in whole percent; one made of fewer than eleven on any side is left out."""
        found = rate_shifts.engagement_shifts(self.subject.tables, as_of=self.subject.as_of)
        sides = [
            part
            for side in ("before", "after")
            for part in (found[f"count_{side}"], found[f"of_{side}"] - found[f"count_{side}"])
        ]
        sides = pd.concat(sides, axis=1).astype("float64")
        found = found[((sides == 0) | (sides >= LEAST)).all(axis=1)]
        found = found.assign(**{name: found[name].astype(float).round(2) for name in ("rate_before", "rate_after")})
        return found.sort_values("onset_on", ascending=False, ignore_index=True)

    @cached_property
    def loop(self) -> pd.DataFrame:
        """Changes made after reviews, with their effect in whole points; small counts take the effect with them."""
        found = engagement_effects.review_loop(self.subject.tables, as_of=self.subject.as_of)
        numbers = found[["count_before", "of_before", "count_since", "of_since"]].astype("float64")
        sides = pd.concat(
            [numbers, numbers["of_before"] - numbers["count_before"], numbers["of_since"] - numbers["count_since"]],
            axis=1,
        )
        hidden = ((sides > 0) & (sides < LEAST)).any(axis=1)
        shares = ["rate_before", "rate_since", "effect", "low", "high", "others_effect"]
        return found.assign(
            is_suppressed=hidden, **{name: found[name].astype("float64").round(2).where(~hidden) for name in shares}
        )

    @cached_property
    def recovered(self) -> pd.Series:
        """What fewer no-shows may bring, where the no-shows of the twelve months are shown."""
        found = engagement_money.visits_recovered(self.tables, period=self.year, as_of=self.subject.as_of).iloc[0]
        return (
            found
            if known(self.twelve_months, "no_shows", "slots")
            else found.where(found.index.isin(["target_rate", "visit_cents"]))
        )

    @cached_property
    def avoidable(self) -> pd.DataFrame:
        """What hospital use may have cost: of the emergency visits of twelve months, and the readmissions of the
        half-year."""
        visits = total_of(self.emergency, "month") if len(self.emergency) else {"visits": 0}
        events = [visits["visits"], self.stays["readmitted"]]
        hidden = pd.Series([not known({"events": value}, "events") for value in events])
        found = engagement_money.cost_of(
            events=[0 if is_hidden else int(value) for value, is_hidden in zip(events, hidden, strict=True)]
        )
        numbers = ["events", *engagement_money.RANGE]
        return found.assign(
            is_suppressed=hidden, **{name: found[name].astype("Int64").mask(hidden) for name in numbers}
        )


def _blank(row: pd.Series) -> pd.Series:
    """The row with all its numbers hidden."""
    return pd.Series({name: True if name == "is_suppressed" else pd.NA for name in row.index})


def _or_zero(both: pd.DataFrame, name: str, mark: str) -> pd.Series:
    """The counts, zero where the theme was not in that half-year at all."""
    return both[name].astype("Int64").mask(both[mark].isna(), 0)


def _quarter_end(quarter: str) -> dt.date:
    return pd.Period(quarter.replace("-", ""), "Q").end_time.date()


def _marked(row: Mapping[str, Any], watched_to: dt.date) -> dict[str, Any]:
    """One quarter's patients: the shares that may be shown."""
    patients, end = int(row["patients"]), _quarter_end(row["quarter"])
    counts = [
        round(row[f"back_{mark}"] * patients) if end + dt.timedelta(days=mark) <= watched_to else None
        for mark in waiting.MARKS
    ]
    shown = published.marks_shown(counts, patients=patients)
    is_hidden = (
        any(count is not None and not is_shown for count, is_shown in zip(counts, shown, strict=True))
        or 0 < patients < LEAST
    )
    whole = None if 0 < patients < LEAST else patients
    out = {"quarter": row["quarter"], "patients": whole, "is_suppressed": is_hidden}
    for mark, is_shown in zip(waiting.MARKS, shown, strict=True):
        out[f"back_{mark}"] = row[f"back_{mark}"] if is_shown and whole else float("nan")
    return out | {name: row[name] if shown[-1] and whole else float("nan") for name in ("low", "high")}
