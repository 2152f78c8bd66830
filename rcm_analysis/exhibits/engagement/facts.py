"""The numbers of a patient engagement review, worked out once, with everything small hidden already.

All tables of appointments cover the same twelve months, so that they have nothing in common but their
total; each is protected with that total shown. A table over another span would open the others.
"""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from ...measures import appointments, care_risk, engagement_money, hospital_use, patient_experience
from ...measures.ratios import quotient
from ...models import engagement_effects, engagement_shifts, retention
from ...periods import Period
from ..subject import Subject
from .small import guarded, known, parts_of, total_of

MONTHS = 12
ANSWER_DAYS = patient_experience.ANSWER_DAYS
SLOT_PARTS = ("kept", "no_shows", "late_cancels")
SLOT_RATES = {"no_show_rate": ("no_shows", "slots"), "late_cancel_rate": ("late_cancels", "slots"), "appointment_adherence": ("kept", "slots")}


class EngagementFacts:
    """One client's numbers of patient engagement; nothing in here is a count from 1 to 10 unless it says `raw`."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.tables = subject, subject.tables
        self.year = subject.period.trailing(MONTHS)
        self.quarter = subject.period.trailing(3)

    # -- appointments ------------------------------------------------------------------------------

    @cached_property
    def months(self) -> pd.DataFrame:
        """No-shows and slots by month, with the total."""
        found = appointments.no_show_rate(self.tables, period=self.year, by=["month"])
        return guarded(found, counts=["no_shows"], by=["month"], of="slots", rates={"no_show_rate": ("no_shows", "slots")})

    @property
    def month(self) -> pd.Series:
        """The row of the month reported; empty without slots."""
        rows = parts_of(self.months, "month")
        rows = rows[pd.to_datetime(rows["month"]) == pd.Timestamp(self.subject.period.first_day)]
        return pd.Series(dtype=object) if rows.empty else _blank(rows.iloc[0]) if self.is_withheld else rows.iloc[0]

    @cached_property
    def is_withheld(self) -> bool:
        """Does a table hide a total that another would show? Then there are too few slots to break down at all."""
        totals = [total_of(table, by) for table, by in self._tables if len(table)]
        for name in ("slots", *SLOT_PARTS):
            shown = [known(row, name) for row in totals if name in row]
            if any(shown) and not all(shown):
                return True
        return False

    @property
    def _tables(self) -> list[tuple[pd.DataFrame, str]]:
        return [(self.months, "month"), (self.leads, "lead"), (self.visit_types, "visit_type"), (self.locations, "location")]

    def strata(self, by: str) -> pd.DataFrame:
        """Slots by outcome for each value of a column, with the total."""
        found = appointments.appointment_outcomes(self.tables, period=self.year, by=[by])
        return guarded(found, counts=SLOT_PARTS, by=[by], of="slots", rates=SLOT_RATES)

    @cached_property
    def leads(self) -> pd.DataFrame:
        return self.strata("lead")

    @cached_property
    def visit_types(self) -> pd.DataFrame:
        return self.strata("visit_type")

    @cached_property
    def locations(self) -> pd.DataFrame:
        return self.strata("location")

    @property
    def slots(self) -> pd.Series:
        """The twelve months' total; empty without slots."""
        if self.leads.empty:
            return pd.Series(dtype=object)
        row = total_of(self.leads, "lead")
        return _blank(row) if self.is_withheld else row

    @cached_property
    def repeats(self) -> pd.DataFrame:
        found = appointments.repeat_visits(self.tables, period=self.year, by=["problem"])
        return guarded(found, counts=["repeats"], by=["problem"], of="visits", rates={"repeat_rate": ("repeats", "visits")})

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
        """Complete forms by part; each part is a table of its own."""
        found = care_risk.intake_completeness(self.tables, period=self.year, by=["part"])
        if not len(found) or not found["forms"].sum():
            return found.iloc[:0].assign(is_suppressed=False)
        rows = [guarded(found[found["part"] == part], counts=["complete"], of="forms", rates={"complete_share": ("complete", "forms")}).assign(part=part)
                for part in care_risk.INTAKE_PARTS]
        out = pd.concat(rows, ignore_index=True)
        return out if out["forms"].notna().all() else out.assign(forms=pd.NA)

    @cached_property
    def needs(self) -> pd.DataFrame:
        """Forms on which the social needs were asked, by month."""
        found = care_risk.social_needs_asked(self.tables, period=self.year, by=["month"])
        return guarded(found, counts=["asked"], by=["month"], of="forms", rates={"asked_share": ("asked", "forms")})

    @cached_property
    def found_needs(self) -> pd.Series:
        """Of the forms that asked, those that found a need."""
        found = care_risk.social_needs_asked(self.tables, period=self.year)
        return guarded(found, counts=["with_need"], of="asked", rates={"with_need_share": ("with_need", "asked")}).iloc[0]

    @cached_property
    def navigation(self) -> pd.DataFrame:
        """High-risk patients by location: covered, in charge but not reached, without a navigator."""
        found = care_risk.high_risk_patients(self.tables, as_of=self.subject.as_of)
        marks = pd.DataFrame({
            "location": found["location"], "high_risk": 1, "covered": found["is_covered"].astype(int),
            "not_reached": (found["has_navigator"] & ~found["is_reached"]).astype(int), "without": (~found["has_navigator"]).astype(int)})
        sums = marks.groupby("location", as_index=False).sum() if len(marks) else marks
        return guarded(sums, counts=["covered", "not_reached", "without"], by=["location"], of="high_risk", rates={"coverage": ("covered", "high_risk")})

    @cached_property
    def cases(self) -> pd.DataFrame:
        """The huddle list: a list for care, by pseudonym."""
        return care_risk.complex_cases(self.tables, as_of=self.subject.as_of)

    @cached_property
    def stays(self) -> pd.Series:
        found = hospital_use.readmissions(self.tables, period=self.year, as_of=self.subject.as_of)
        return guarded(found, counts=["readmitted"], of="index_stays", rates={"readmission_rate": ("readmitted", "index_stays")}).iloc[0]

    @cached_property
    def emergency(self) -> pd.DataFrame:
        """Emergency visits by month, with the total, and per 1,000 members and year."""
        raw = hospital_use.emergency_visits(self.tables, period=self.year, by=["month"])
        found = guarded(raw, counts=["visits"], by=["month"])
        members = [*raw["member_months"], *([raw["member_months"].sum()] if len(raw) else [])]
        return found.assign(member_months=members, emergency_per_1000=quotient(found["visits"] * hospital_use.PER, pd.Series(members, index=found.index)))

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
            is_small = bool(one["is_suppressed"]) or (row["item"] == "would_recommend" and bool(self.promoter["is_suppressed"]))
            rows.append({"item": row["item"], "answers": one["answers"], "is_suppressed": is_small, **{
                name: None if is_small else row[name] for name in ("top_box", "top_box_share", "low", "high")}})
        return pd.DataFrame(rows, columns=["item", "answers", "top_box", "top_box_share", "low", "high", "is_suppressed"])

    @cached_property
    def response(self) -> pd.Series:
        found = patient_experience.survey_response_rate(self.tables, period=self.quarter)
        return guarded(found, counts=["answered"], of="sent", rates={"response_rate": ("answered", "sent")}).iloc[0]

    @cached_property
    def themes(self) -> pd.DataFrame:
        """Complaints by theme in twelve months, and in the twelve before."""
        found = patient_experience.feedback_themes(self.tables, period=self.year)
        now, before = (guarded(found, counts=[name], by=["theme"]) for name in ("entries", "before"))
        both = now.assign(before=before["before"], is_suppressed=now["is_suppressed"] | before["is_suppressed"])
        total = total_of(both, "theme")["entries"] if len(both) else 0
        return both.assign(share=quotient(both["entries"], pd.Series([total] * len(both), index=both.index, dtype="Int64")))

    @cached_property
    def answered(self) -> pd.Series:
        """Complaints of the twelve months that ended a week ago: all of them are due."""
        last = self.subject.as_of - pd.Timedelta(days=ANSWER_DAYS).to_pytimedelta()
        raw = patient_experience.feedback_answered_in_time(self.tables, period=Period(Period.days_ending(last, 365).first_day, self.subject.period.end))
        return guarded(raw, counts=["in_time"], of="due", rates={"in_time_share": ("in_time", "due")}).iloc[0]

    @cached_property
    def waits(self) -> pd.Series:
        raw = retention.answer_time(self.tables, period=self.year).iloc[0]
        return raw if raw["complaints"] >= 11 else raw.where(raw.index.isin([]))

    @cached_property
    def returning(self) -> pd.DataFrame:
        """Retention by quarter; a quarter's patients are a group of their own."""
        raw = retention.retention(self.tables, as_of=self.subject.as_of)
        rows = [guarded(raw.iloc[[place]], counts=["returned"], of="patients").iloc[0] for place in range(len(raw))]
        hidden = pd.Series([bool(row["is_suppressed"]) for row in rows], dtype=bool)
        out = raw.assign(returned=[row["returned"] for row in rows], patients=[row["patients"] for row in rows], is_suppressed=hidden.tolist())
        shares = [name for name in raw.columns if name.startswith("back_") or name in ("low", "high")]
        return out.assign(**{name: out[name].where(~hidden) for name in shares})

    # -- what changed, and what it is worth --------------------------------------------------------

    @cached_property
    def shifts(self) -> pd.DataFrame:
        """Changes of a rate, newest first; one made of fewer than eleven on any side is left out."""
        found = engagement_shifts.engagement_shifts(self.tables, as_of=self.subject.as_of)
        for side in ("before", "after"):
            for rest in (found[f"count_{side}"], found[f"of_{side}"] - found[f"count_{side}"]):
                found = found[(rest == 0) | (rest >= 11)]
        return found.sort_values("onset_on", ascending=False, ignore_index=True)

    @cached_property
    def loop(self) -> pd.DataFrame:
        """Changes made after reviews, with their effect; small counts take the effect with them."""
        found = engagement_effects.review_loop(self.tables, as_of=self.subject.as_of)
        numbers = found[["count_before", "of_before", "count_since", "of_since"]].astype("float64")
        sides = pd.concat([numbers, numbers["of_before"] - numbers["count_before"], numbers["of_since"] - numbers["count_since"]], axis=1)
        hidden = ((sides > 0) & (sides < 11)).any(axis=1)
        shares = ["rate_before", "rate_since", "effect", "low", "high", "others_effect"]
        return found.assign(is_suppressed=hidden, **{name: found[name].astype("float64").where(~hidden) for name in shares})

    @cached_property
    def recovered(self) -> pd.Series:
        """What fewer no-shows may bring, where the no-shows are shown."""
        found = engagement_money.visits_recovered(self.tables, period=self.year, as_of=self.subject.as_of).iloc[0]
        return found if known(self.slots, "no_shows", "slots") else found.where(found.index.isin(["target_rate"]))

    @cached_property
    def avoidable(self) -> pd.DataFrame:
        """What hospital use may have cost; the cost of a hidden count is hidden."""
        found = engagement_money.avoidable_hospital_cost(self.tables, period=self.year, as_of=self.subject.as_of)
        total = total_of(self.emergency, "month") if len(self.emergency) else {}
        raw = found["events"].tolist()
        shown = [known(total, "visits") or not raw[0], known(self.stays, "readmitted") and not 0 < raw[1] < 11]
        if not len(self.emergency):
            shown[0] = not 0 < raw[0] < 11
        hidden = ~pd.Series(shown)
        numbers = ["events", *engagement_money.RANGE]
        return found.assign(is_suppressed=hidden, **{name: found[name].astype("Int64").mask(hidden) for name in numbers})


def _blank(row: pd.Series) -> pd.Series:
    """The row with all its numbers hidden."""
    return pd.Series({name: True if name == "is_suppressed" else pd.NA for name in row.index})
