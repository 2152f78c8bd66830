"""Intake and social needs, patients at high risk and their navigators, and the care team's list of complex cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.postings import one_if, optional, sums
from ...ledger.ratios import quotient
from ...periods import Period
from ...tables.frames import collect, days_before, month_of, source
from ..menu import measure

INTAKE_PARTS = ("demographics", "insurance", "history", "medication", "consent", "social_needs")
CONTACT_DAYS = 30
HUDDLE_DAYS = 90


def _forms(tables: Mapping[str, Any], period: Period, by: Sequence[str]) -> nw.LazyFrame:
    words = [name for name in by if name not in ("month", "part")]
    flags = [f"is_{part}_complete" for part in INTAKE_PARTS]
    rows = source(tables, "intakes", ["client", "taken_on", "social_needs", *flags], by=words).filter(
        period.holds(nw.col("taken_on"))
    )
    return rows.with_columns(month_of(nw.col("taken_on"))) if "month" in by else rows


@measure("Complete intake forms", value="complete_share", unit="rate", good="up")
def intake_completeness(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Intake forms with all six parts complete, of all forms.

    Formula
        complete_share = complete / forms
    Counts
        Forms taken in the period; complete: demographics, insurance, history, medication, consent and
        social needs. `by` may hold `month`, `location`, and `part`: then one row a part, complete in that
        part alone.
    Date basis
        day of the intake
    Unit
        rate; forms and complete are counts
    Empty
        No form: empty, never 0.
    Source
        our own

    >>> from rcm_analysis.examples.office import example_office
    >>> intake_completeness(example_office(), period=Period.month("2026-10"), by=["part"]).iloc[[1, 5]]
               part  forms  complete  complete_share
    1  demographics      3         2        0.666667
    5  social_needs      3         2        0.666667
    """
    rows, rest = _forms(tables, period, by), [name for name in by if name != "part"]
    flags = {part: nw.col(f"is_{part}_complete") for part in INTAKE_PARTS}
    if "part" not in by:
        whole = flags["demographics"]
        for part in INTAKE_PARTS[1:]:
            whole = whole & flags[part]
        found = sums(rows.with_columns(forms=nw.lit(1), complete=one_if(whole)), by, ["forms", "complete"])
    else:
        wide = sums(
            rows.with_columns(forms=nw.lit(1), **{part: one_if(flag) for part, flag in flags.items()}),
            rest,
            ["forms", *INTAKE_PARTS],
        )
        found = wide.melt([*rest, "forms"], list(INTAKE_PARTS), var_name="part", value_name="complete")
        found = found[[*by, "forms", "complete"]].sort_values(list(by), ignore_index=True)
    return found.assign(complete_share=quotient(found["complete"], found["forms"]))


@measure("Social needs asked", value="asked_share", unit="rate", good="up")
def social_needs_asked(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Forms on which the social needs were asked, and those on which at least one was found.

    Formula
        asked_share = asked / forms
        with_need_share = with_need / asked
    Counts
        Forms taken in the period; asked: housing, food, transport and safety all asked.
    Date basis
        day of the intake
    Unit
        rate; forms, asked and with_need are counts
    Empty
        No form: empty, never 0.
    Source
        our own

    >>> from rcm_analysis.examples.office import example_office
    >>> social_needs_asked(example_office(), period=Period.month("2026-10"))
       forms  asked  with_need  asked_share  with_need_share
    0      3      2          1     0.666667              0.5
    """
    asked = nw.col("is_social_needs_complete")
    found_one = asked & (nw.col("social_needs") > 0).fill_null(False)
    rows = _forms(tables, period, by).with_columns(forms=nw.lit(1), asked=one_if(asked), with_need=one_if(found_one))
    found = sums(rows, by, ["forms", "asked", "with_need"])
    return found.assign(
        asked_share=quotient(found["asked"], found["forms"]),
        with_need_share=quotient(found["with_need"], found["asked"]),
    )


@measure("Patients at high risk", value="is_covered", unit="words")
def high_risk_patients(tables: Mapping[str, Any], *, as_of: dt.date, days: int = CONTACT_DAYS) -> pd.DataFrame:
    """The patients at high risk on a day, one row each: navigator in charge, and reached of late or not.

    Formula
        is_covered = has_navigator and is_reached
    Counts
        Patients whose latest assessment by `as_of` says high, without those known to have died in hospital.
        has_navigator: one is in charge on `as_of`; is_reached: a contact that reached the patient within
        the `days` days that end on `as_of`.
    Date basis
        as of the day
    Unit
        count
    Empty
        None at high risk: no row.
    Source
        our own

    >>> from rcm_analysis.examples.office import example_office
    >>> high_risk_patients(example_office(), as_of=dt.date(2026, 10, 31))[
    ...     ["patient", "has_navigator", "is_reached", "is_covered"]
    ... ]
      patient  has_navigator  is_reached  is_covered
    0      P2           True        True        True
    1      P3           True       False       False
    2      P4          False       False       False
    """
    columns = ["client", "patient", "assessed_on", "risk_level", "navigator_from", "navigator_to"]
    rows = source(tables, "risk_assessments", columns, by=["location"]).filter(nw.col("assessed_on") <= as_of)
    newest = rows.group_by("client", "patient").agg(nw.col("assessed_on").max())
    rows = rows.join(newest, on=["client", "patient", "assessed_on"], how="inner").filter(
        nw.col("risk_level") == "high"
    )
    started = (nw.col("navigator_from") <= as_of).fill_null(False)
    rows = rows.with_columns(
        has=one_if(started & (nw.col("navigator_to").is_null() | (nw.col("navigator_to") >= as_of)))
    )
    found = collect(rows.select("client", "patient", "location", "has"), ["client", "patient", "location"])
    reached = _patients(
        source(tables, "navigator_contacts", ["client", "patient", "contacted_on", "is_reached"]).filter(
            nw.col("is_reached"), nw.col("contacted_on") <= as_of, nw.col("contacted_on") > days_before(as_of, days)
        )
    )
    found = found[~found["patient"].isin(_died(tables, as_of))].reset_index(drop=True)
    out = found.assign(has_navigator=found["has"] == 1, is_reached=found["patient"].isin(reached))
    return out.assign(is_covered=out["has_navigator"] & out["is_reached"])[
        ["client", "patient", "location", "has_navigator", "is_reached", "is_covered"]
    ]


def _patients(rows: nw.LazyFrame) -> set[str]:
    return set(collect(rows.select("patient").unique(), ["patient"])["patient"])


def _died(tables: Mapping[str, Any], as_of: dt.date) -> set[str]:
    if optional(tables, "hospital_encounters") is None:
        return set()
    rows = source(tables, "hospital_encounters", ["patient", "admitted_on", "ended"])
    return _patients(rows.filter(nw.col("ended") == "died", nw.col("admitted_on") <= as_of))


@measure("High-risk navigation coverage", value="coverage", unit="rate", good="up")
def navigation_coverage(
    tables: Mapping[str, Any], *, as_of: dt.date, days: int = CONTACT_DAYS, by: Sequence[str] = ()
) -> pd.DataFrame:
    """High-risk patients with a navigator in charge who reached them in the last thirty days, of all at high risk.

    Formula
        coverage = covered / high_risk
        covered: has a navigator, and was reached within 30 days
    Counts
        As `high_risk_patients`; with_navigator and reached are shown beside. `by` may hold `location` (home).
    Date basis
        as of the day
    Unit
        rate; all else are counts of patients
    Empty
        None at high risk: empty, never 0.
    Source
        our own

    >>> from rcm_analysis.examples.office import example_office
    >>> navigation_coverage(example_office(), as_of=dt.date(2026, 10, 31))
       high_risk  with_navigator  reached  covered  coverage
    0          3               2        1        1  0.333333
    """
    people = high_risk_patients(tables, as_of=as_of, days=days)
    marks = pd.DataFrame(
        {
            **{name: people[name] for name in by},
            "high_risk": 1,
            "with_navigator": people["has_navigator"].astype("int64"),
            "reached": people["is_reached"].astype("int64"),
            "covered": people["is_covered"].astype("int64"),
        },
        index=people.index,
    )
    names = ["high_risk", "with_navigator", "reached", "covered"]
    found = (
        marks.groupby(list(by), as_index=False)[names].sum() if by else marks[names].sum().to_frame().T.astype("int64")
    )
    return found.assign(coverage=quotient(found["covered"], found["high_risk"]))


@measure("Complex cases for the huddle", value="signals", unit="count")
def complex_cases(
    tables: Mapping[str, Any], *, as_of: dt.date, days: int = HUDDLE_DAYS, most: int = 20, with_navigation: bool = True
) -> pd.DataFrame:
    """The patients to talk about in the care team's next huddle, by pseudonym, with the reasons counted.

    Formula
        signals = one each for: emergency visits, a hospital stay, two or more missed slots (all in the last
        90 days), a social need found, no navigator in charge, not reached for 30 days
    Counts
        Patients at high risk on `as_of` with at least two signals, the most signals first, then the most
        emergency visits; at most `most` of them. It is a list for care, not a statistic. Without
        `with_navigation` the last two signals count nothing and are left empty: whoever counts the list then
        learns nothing of how many have no navigator.
    Date basis
        the `days` days that end on `as_of`, by day of the event; social needs at any time
    Unit
        count
    Empty
        Nobody has two signals: no row.
    Source
        our own

    >>> from rcm_analysis.examples.office import example_office
    >>> complex_cases(example_office(), as_of=dt.date(2026, 10, 31))[["patient", "stays", "signals"]]
      patient  stays  signals
    0      P4      1        3
    1      P3      1        2
    """
    people = high_risk_patients(tables, as_of=as_of)
    window = Period.days_ending(as_of, days)
    met = source(tables, "hospital_encounters", ["patient", "kind", "admitted_on"]).filter(
        window.holds(nw.col("admitted_on"))
    )
    missed = source(tables, "appointments", ["patient", "status", "scheduled_on"]).filter(
        window.holds(nw.col("scheduled_on")), nw.col("status") == "no_show"
    )
    need = source(tables, "intakes", ["patient", "taken_on", "social_needs"]).filter(
        nw.col("taken_on") <= as_of, nw.col("social_needs") > 0
    )
    counts = {
        "emergency_visits": _counted(met.filter(nw.col("kind") == "emergency")),
        "stays": _counted(met.filter(nw.col("kind") != "emergency")),
        "missed": _counted(missed),
        "needs": _counted(need),
    }
    found = people.assign(
        **{name: people["patient"].map(values).fillna(0).astype("int64") for name, values in counts.items()}
    )
    signs = [found["emergency_visits"] > 0, found["stays"] > 0, found["missed"] > 1, found["needs"] > 0]
    if with_navigation:
        signs += [~found["has_navigator"], ~found["is_reached"]]
    else:
        found = found.assign(has_navigator=pd.NA, is_reached=pd.NA)
    found = found.assign(
        has_need=found["needs"] > 0,
        signals=np.sum([sign.astype("int64") for sign in signs], axis=0) if len(found) else 0,
    )
    order = ["signals", "emergency_visits", "stays", "patient"]
    found = found[found["signals"] >= 2].sort_values(order, ascending=[False, False, False, True], ignore_index=True)
    return found[
        [
            "client",
            "patient",
            "location",
            "emergency_visits",
            "stays",
            "missed",
            "has_need",
            "has_navigator",
            "is_reached",
            "signals",
        ]
    ].head(most)


def _counted(rows: nw.LazyFrame) -> dict[str, int]:
    found = collect(rows.with_columns(number=nw.lit(1)).group_by("patient").agg(nw.col("number").sum()), ["patient"])
    return dict(zip(found["patient"], found["number"], strict=True))
