"""Care that goes on: reminders, continuity, follow-up after the hospital, referral loops, care plans, indicators."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import one_if, sums
from ...ledger.ratios import quotient
from ...ledger.registers import known
from ...periods import Period
from ...tables.frames import collect, source
from ..menu import measure
from .appointments import appointment_rows

FEWEST_VISITS, FOLLOW_UP_DAYS, LOOP_DAYS = 3, (7, 14), 90
LIMITS = {"hba1c": 8.0, "systolic": 140.0, "diastolic": 90.0}
"""Below these a reading is controlled: HbA1c in percent, blood pressure in mm Hg."""
VISIT = ["client", "patient", "scheduled_on"]


@measure("Appointments reminded and confirmed", value="reminded_share", unit="rate", good="up")
def reminders(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Slots that were reminded of before their day, those that the patient confirmed, and how many were missed.

    Formula
        reminded_share = reminded / slots; confirmed_share = confirmed / reminded
        missed_reminded, missed_others: no-shows of the slots reminded of and of the others
    Counts
        Slots as `appointment_outcomes`; each once, however often it was reminded of. A reminder counts that was sent
        before the day of the appointment; a confirmation that came by that day. `by` as in `appointments`. Patients
        who are reminded differ from the others: the two no-shows beside each other are no effect.
    Date basis
        day of the appointment
    Unit
        rates, 0 to 1; counts of slots
    Empty
        No slot: empty shares.
    Source
        our own; slots after IHI, Percentage of No-Show Appointments

    >>> from rcm_analysis.examples.office import example_office
    >>> reminders(example_office(), period=Period.month("2026-10"))[["slots", "reminded", "confirmed", "missed_others"]]
       slots  reminded  confirmed  missed_others
    0      6         2          1              1
    """
    sent = source(tables, "appointment_reminders", ["client", "appointment_id", "sent_on", "confirmed_on"])
    slots = appointment_rows(tables, period=period, by=[*by, "appointment_id"]).filter(nw.col("slots") == 1)
    both = sent.join(slots.select("client", "appointment_id", "scheduled_on"), on=["client", "appointment_id"])
    both = both.filter(nw.col("sent_on") < nw.col("scheduled_on")).with_columns(
        reminded=nw.lit(1), confirmed=one_if((nw.col("confirmed_on") <= nw.col("scheduled_on")).fill_null(False))
    )
    once = both.group_by("client", "appointment_id").agg(nw.col("reminded").max(), nw.col("confirmed").max())
    rows = slots.join(once, on=["client", "appointment_id"], how="left").with_columns(
        nw.col("reminded").fill_null(0), nw.col("confirmed").fill_null(0)
    )
    rows = rows.with_columns(missed_reminded=nw.col("no_shows") * nw.col("reminded"))
    found = sums(rows, by, ["slots", "reminded", "confirmed", "no_shows", "missed_reminded"])
    found["missed_others"] = found.pop("no_shows") - found["missed_reminded"]
    return found.assign(
        reminded_share=quotient(found["reminded"], found["slots"]),
        confirmed_share=quotient(found["confirmed"], found["reminded"]),
    )


@measure("Continuity of care", value="continuity", unit="rate", good="up")
def continuity(tables: Mapping[str, Any], *, as_of: dt.date, months: int = 12) -> pd.DataFrame:
    """How far patients see the same provider: the Bice-Boxerman index and the usual provider's share.

    Formula
        of a patient with N visits, n_j of them to provider j
        Bice-Boxerman: (sum of n_j squared - N) / (N (N - 1)); 1: always the same, 0: never the same twice
        usual provider: largest n_j / N
        continuity and usual_provider are the means of the patients
    Counts
        Kept appointments with a named provider in the `months` months up to the end of `as_of`'s month; patients with
        at least three of them, as with fewer the index says little.
    Date basis
        day of the appointment, by `as_of`
    Unit
        index, 0 to 1; patients and visits are counts
    Empty
        No such patient: empty values.
    Source
        Bice and Boxerman, A quantitative measure of continuity of care, Medical Care 1977;15(4):347-349;
        usual provider continuity: Breslau and Reeb, Journal of Medical Education 1975;50(10):965-969

    >>> visits = pd.DataFrame({"client": "a", "patient": "P1", "status": "kept", "provider": ["lee", "lee", "kim"],
    ...     "scheduled_on": pd.to_datetime(["2026-08-03", "2026-09-03", "2026-10-03"])})
    >>> continuity({"appointments": visits}, as_of=dt.date(2026, 10, 31))
       patients  visits  continuity  usual_provider
    0         1       3    0.333333        0.666667
    """
    window = Period.of(as_of).trailing(months)
    rows = source(tables, "appointments", [*VISIT, "status", "provider"]).filter(
        window.holds(nw.col("scheduled_on")), nw.col("scheduled_on") <= as_of, nw.col("status") == "kept"
    )
    rows = rows.filter(~nw.col("provider").is_null()).group_by("client", "patient", "provider").agg(n=nw.len())
    each = collect(rows, ["client", "patient", "provider"])
    each = each.assign(square=each["n"] ** 2)
    people = each.groupby(["client", "patient"]).agg(n=("n", "sum"), square=("square", "sum"), most=("n", "max"))
    people = people[people["n"] >= FEWEST_VISITS]
    index = quotient(people["square"] - people["n"], people["n"] * (people["n"] - 1))
    usual = quotient(people["most"], people["n"])
    counts = {"patients": [len(people)], "visits": [int(people["n"].sum())]}
    return pd.DataFrame({**counts, "continuity": [index.mean()], "usual_provider": [usual.mean()]})


@measure("Seen after a hospital stay", value="within_14_share", unit="rate", good="up")
def follow_up_after_stay(tables: Mapping[str, Any], *, period: Period, as_of: dt.date) -> pd.DataFrame:
    """Stays that ended at home, and how many of the patients were seen within 7 and within 14 days.

    Formula
        within_7_share = within_7 / stays; within_14_share = within_14 / stays
    Counts
        Inpatient and observation stays that ended at home in the period, at least 14 days before `as_of`, reported
        by `as_of`. Seen: an appointment kept (telehealth, too) 1 to 7, or 1 to 14, days after the discharge. Stays
        after which the patient was admitted again before being seen, within those 14 days, are left out.
    Date basis
        day of the discharge
    Unit
        rates, 0 to 1; counts of stays
    Empty
        No such stay: empty shares.
    Source
        the 7 and 14 days of transitional care management (CPT 99496, 99495); observed, not adjusted

    >>> from rcm_analysis.examples.office import example_office
    >>> follow_up_after_stay(example_office(), period=Period.month("2026-08"), as_of=dt.date(2026, 10, 31))
       stays  within_7  within_14  within_7_share  within_14_share
    0      3         0          0             0.0              0.0
    """
    columns = ["encounter_id", "patient", "kind", "admitted_on", "discharged_on", "ended"]
    stays = known(tables, "hospital_encounters", columns, as_of=as_of).filter(
        nw.col("kind").is_in(["inpatient", "observation"])
    )
    days = ["admitted_on", "discharged_on"]
    every = collect(stays, ["client", "patient", "encounter_id", "kind", "ended"], dates=[*days, "reported_on"])
    last = pd.Timestamp(as_of) - pd.Timedelta(days=FOLLOW_UP_DAYS[-1])
    is_in = every["discharged_on"].between(pd.Timestamp(period.first_day), min(pd.Timestamp(period.last_day), last))
    index = every[is_in & (every["ended"] == "home")].reset_index(drop=True)
    kept = source(tables, "appointments", [*VISIT, "status"]).filter(
        nw.col("status") == "kept", nw.col("scheduled_on") <= as_of
    )
    seen = collect(kept.select(*VISIT), ["client", "patient"], dates=["scheduled_on"])
    first_seen = _days_to_next(index, seen.rename(columns={"scheduled_on": "day"}))
    again = _days_to_next(index, every[["client", "patient", "admitted_on"]].rename(columns={"admitted_on": "day"}))
    stays_left = ~((again <= FOLLOW_UP_DAYS[-1]) & ~(first_seen <= again))
    row: dict[str, Any] = {"stays": int(stays_left.sum())}
    for most in FOLLOW_UP_DAYS:
        row[f"within_{most}"] = int((stays_left & (first_seen <= most)).sum())
    out = pd.DataFrame([row])
    return out.assign(
        **{f"within_{most}_share": quotient(out[f"within_{most}"], out["stays"]) for most in FOLLOW_UP_DAYS}
    )


def _days_to_next(stays: pd.DataFrame, events: pd.DataFrame) -> pd.Series:
    """Days from each discharge to the patient's next event on a later day; empty where there is none."""
    both = stays[["client", "patient", "encounter_id", "discharged_on"]].merge(events, on=["client", "patient"])
    after = both[both["day"] > both["discharged_on"]].groupby("encounter_id", as_index=False)["day"].min()
    found = stays[["encounter_id", "discharged_on"]].merge(after, on="encounter_id", how="left")
    return (found["day"] - found["discharged_on"]).dt.days


@measure("Referral loops closed", value="closed_share", unit="rate", good="up")
def referral_loops(tables: Mapping[str, Any], *, period: Period, as_of: dt.date) -> pd.DataFrame:
    """Referrals to specialists: how many patients were seen, and of how many the report came back, within 90 days.

    Formula
        seen_share = seen / referrals; closed_share = closed / referrals
    Counts
        Referrals made in the period and at least 90 days before `as_of`, withdrawn ones left out. seen: the visit took
        place within 90 days. closed: the specialist's report came within 90 days.
    Date basis
        day of the referral; what is known by `as_of`
    Unit
        rates, 0 to 1; counts of referrals
    Empty
        No such referral: empty shares.
    Source
        after CMS 50, Closing the Referral Loop: Receipt of Specialist Report; the 90 days are our own

    >>> from rcm_analysis.examples.office import example_office
    >>> found = referral_loops(example_office(), period=Period.month("2026-06"), as_of=dt.date(2026, 10, 31))
    >>> found[["referrals", "seen", "closed", "closed_share"]]
       referrals  seen  closed  closed_share
    0          2     1       1           0.5
    """
    rows = known(
        tables, "care_referrals", ["referral_id", "referred_on", "seen_on", "report_on", "withdrawn_on"], as_of=as_of
    ).filter(period.holds(nw.col("referred_on")), nw.col("withdrawn_on").is_null())
    days = ["referred_on", "seen_on", "report_on", "withdrawn_on"]
    found = collect(rows, ["client", "referral_id"], dates=days)
    found = found[found["referred_on"] <= pd.Timestamp(as_of) - pd.Timedelta(days=LOOP_DAYS)]
    limit = found["referred_on"] + pd.Timedelta(days=LOOP_DAYS)
    counts = [len(found), int((found["seen_on"] <= limit).sum()), int((found["report_on"] <= limit).sum())]
    out = pd.DataFrame([counts], columns=["referrals", "seen", "closed"])
    return out.assign(
        seen_share=quotient(out["seen"], out["referrals"]), closed_share=quotient(out["closed"], out["referrals"])
    )


@measure("Care-plan steps done by their day", value="care_plan_adherence", unit="rate", good="up")
def care_plan_adherence(
    tables: Mapping[str, Any], *, period: Period, as_of: dt.date, by: Sequence[str] = ()
) -> pd.DataFrame:
    """Steps of patients' care plans that fell due in a period and were done by their day.

    Formula
        care_plan_adherence = done_in_time / due_steps
    Counts
        Steps whose day lies in the period and is over on `as_of`, and that were agreed by then. done_late: done after
        their day, by `as_of`. `by`: kind.
    Date basis
        day on which the step was due
    Unit
        rate, 0 to 1; counts of steps
    Empty
        Nothing due: an empty value.
    Source
        our own

    >>> from rcm_analysis.examples.office import example_office
    >>> care_plan_adherence(example_office(), period=Period.month("2026-10"), as_of=dt.date(2026, 10, 31))
       due_steps  done_in_time  done_late  care_plan_adherence
    0          3             1          1             0.333333
    """
    rows = known(tables, "care_plan_steps", ["step_id", "due_on", "done_on"], as_of=as_of, by=by).filter(
        period.holds(nw.col("due_on")), nw.col("due_on") < as_of
    )
    is_done = ~nw.col("done_on").is_null()
    rows = rows.with_columns(
        due_steps=nw.lit(1),
        done_in_time=one_if((nw.col("done_on") <= nw.col("due_on")).fill_null(False)),
        done_late=one_if((is_done & (nw.col("done_on") > nw.col("due_on"))).fill_null(False)),
    )
    found = sums(rows, by, ["due_steps", "done_in_time", "done_late"])
    return found.assign(care_plan_adherence=quotient(found["done_in_time"], found["due_steps"]))


@measure("Readings under control", value="controlled_share", unit="rate", good="up")
def clinical_control(tables: Mapping[str, Any], *, as_of: dt.date, months: int = 12) -> pd.DataFrame:
    """Of the patients with a reading in the past year, those whose latest one is under control.

    Formula
        controlled_share = controlled / patients
        blood sugar: HbA1c below 8 %; blood pressure: systolic below 140 and diastolic below 90, of one day
    Counts
        The latest day with a reading (for blood pressure with both) of each patient in the `months` months up to
        `as_of`; of several readings of that day the lowest.
    Date basis
        day of the reading, recorded by `as_of`
    Unit
        rate, 0 to 1; counts of patients
    Empty
        No reading of the kind: no row.
    Source
        limits of HEDIS: Glycemic Status Assessment (below 8 %), Controlling High Blood Pressure (below 140/90);
        without their rules on who belongs in, so that these are no HEDIS rates

    >>> from rcm_analysis.examples.office import example_office
    >>> clinical_control(example_office(), as_of=dt.date(2026, 10, 31))
            indicator  patients  controlled  controlled_share
    0  blood pressure         1           0               0.0
    1     blood sugar         2           1               0.5
    """
    start = Period.of(as_of).shift(-months).last_day
    columns = ["patient", "taken_on", "indicator", "value"]
    rows = known(tables, "clinical_readings", columns, as_of=as_of).filter(
        nw.col("taken_on") > start, nw.col("taken_on") <= as_of
    )
    rows = (
        rows.with_columns(is_under=_under())
        .group_by("client", "patient", "taken_on", "indicator")
        .agg(nw.col("is_under").max())
    )
    keys = ["client", "patient", "indicator"]
    found = collect(rows, keys, dates=["taken_on"])
    wide = found.pivot_table(index=["client", "patient", "taken_on"], columns="indicator", values="is_under")
    parts = []
    for name, needed in (("blood pressure", ["systolic", "diastolic"]), ("blood sugar", ["hba1c"])):
        if set(needed) <= set(wide.columns):
            days = wide[needed].dropna().min(axis=1).reset_index(name="controlled").sort_values("taken_on")
            last = days.drop_duplicates(["client", "patient"], keep="last")
            if len(last):
                parts.append((name, len(last), int(last["controlled"].sum())))
    out = pd.DataFrame(parts, columns=["indicator", "patients", "controlled"]).astype(
        {"patients": "int64", "controlled": "int64"}
    )
    return out.assign(controlled_share=quotient(out["controlled"], out["patients"]))


def _under() -> nw.Expr:
    is_under = nw.lit(False)
    for indicator, limit in LIMITS.items():
        is_under = is_under | ((nw.col("indicator") == indicator) & (nw.col("value") < limit))
    return one_if(is_under)


@measure("Language and preferences recorded", value="language_share", unit="rate", good="up")
def preferences_recorded(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Intake forms on which the patient's language, and the patient's preferences for care and contact, are recorded.

    Formula
        language_share = with_language / forms; preference_share = with_preferences / forms
    Counts
        Forms taken in the period that say whether it is recorded; systems that do not say it have none. `by`: location.
    Date basis
        day of the intake
    Unit
        rates, 0 to 1; counts of forms
    Empty
        No such form: empty shares.
    Source
        our own; the model of patient client management: individual preferences and cultural context

    >>> from rcm_analysis.examples.office import example_office
    >>> found = preferences_recorded(example_office(), period=Period.month("2026-10"))
    >>> found[["forms", "with_language", "language_share"]]
       forms  with_language  language_share
    0      3              2        0.666667
    """
    columns = ["client", "taken_on", "is_language_recorded", "is_preference_recorded"]
    rows = source(tables, "intakes", columns, by=by).filter(
        period.holds(nw.col("taken_on")),
        ~nw.col("is_language_recorded").is_null() | ~nw.col("is_preference_recorded").is_null(),
    )
    rows = rows.with_columns(
        forms=nw.lit(1),
        with_language=one_if(nw.col("is_language_recorded").fill_null(False)),
        with_preferences=one_if(nw.col("is_preference_recorded").fill_null(False)),
    )
    found = sums(rows, by, ["forms", "with_language", "with_preferences"])
    return found.assign(
        language_share=quotient(found["with_language"], found["forms"]),
        preference_share=quotient(found["with_preferences"], found["forms"]),
    )


@measure("What staff say", value="favourable_share", unit="rate", good="up")
def staff_feedback(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Answers of the practice's staff, item by item, with the share that agrees.

    Formula
        favourable_share = answers of 4 or 5 / answers
    Counts
        Answers given in the period, on a scale from 1 to 5; skipped items count in neither. Nobody is named.
    Date basis
        day of the answer
    Unit
        rate, 0 to 1; counts of answers
    Empty
        No answer: no row.
    Source
        our own; the share of the two best answers as AHRQ's surveys on patient safety culture count it

    >>> from rcm_analysis.examples.office import example_office
    >>> staff_feedback(example_office(), period=Period.month("2026-10"))
                   item  answers  favourable  favourable_share
    0  workload_is_fair        3           2          0.666667
    """
    rows = source(tables, "staff_feedback", ["client", "answered_on", "item", "score"]).filter(
        period.holds(nw.col("answered_on")), ~nw.col("score").is_null()
    )
    rows = rows.with_columns(answers=nw.lit(1), favourable=one_if(nw.col("score") >= 4))
    found = sums(rows, ["item"], ["answers", "favourable"])
    return found.assign(favourable_share=quotient(found["favourable"], found["answers"]))
