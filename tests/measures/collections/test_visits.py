"""Kept visits without a claim and claims without a visit: a case worked by hand, what counts as one, what is none."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.measures.collections.visits import claims_without_visit, visits_billed, visits_not_billed
from rcm_analysis.periods import Period
from rcm_analysis.tables import schema

AS_OF = dt.date(2026, 10, 31)
OCTOBER = Period.month("2026-10")


def book(visits, claims):
    """Visits: id, patient, day, provider, status, claim; claims: id, patient, day, provider, entered, cents, code,
    place of service."""
    days = {"scheduled_on", "service_on", "entered_on", "voided_on"}
    names = "appointment_id patient scheduled_on provider status claim_id"
    booked = pd.DataFrame([dict(zip(names.split(), row, strict=True)) for row in visits], columns=names.split())
    names = "claim_id patient service_on provider entered_on charge_cents procedure place_of_service voided_on"
    billed = pd.DataFrame([(*row, None) for row in claims], columns=names.split())
    booked = booked.assign(client="acme", location="East", visit_type="follow_up", problem=None)
    billed = billed.assign(client="acme", location="East")
    frames = {"appointments": booked, "claims": billed, "claim_lines": billed.drop(columns=["patient", "provider"])}
    return {
        name: frame.assign(**{day: pd.to_datetime(frame[day]).astype("datetime64[us]") for day in days & set(frame)})
        for name, frame in frames.items()
    }


def visit(number, day, provider="lee", status="kept", claim=None, patient=None):
    return (f"V{number}", patient or f"P{number}", f"2026-10-{day:02}", provider, status, claim)


def claim(number, day, provider="lee", entered=None, cents=10000, procedure="99213", place="11", patient=None):
    entered = f"2026-10-{entered or min(day + 1, 31):02}"
    day = f"2026-10-{day:02}"
    return (f"C{number}", patient or f"P{number}", day, provider, entered, cents, procedure, place)


LAST = claim(99, 30, entered=31, patient="last")
"""The client enters charges up to the last of the month; without a visit, and no office's."""
LAST = (*LAST[:-1], "21")


def test_twelve_of_383_visits_are_missing():
    """383 visits expected, 371 of them billed at $94.50: 12 missing are 3.13 % and $1,134."""
    visits = [visit(number, 1 + number % 10) for number in range(383)]
    claims = [claim(number, 1 + number % 10, cents=9450) for number in range(371)]
    tables = book(visits, [*claims, LAST])
    found = visits_billed(tables, period=OCTOBER).iloc[0]
    assert (found["visits"], found["billed"], found["not_billed"], found["missing_cents"]) == (383, 371, 12, 113400)
    assert found["billed_share"] == pytest.approx(371 / 383)
    listed = visits_not_billed(tables, as_of=AS_OF)
    assert set(listed["lag_days"]) == {1} and set(listed["basis"]) == {"provider and kind of visit"}
    by = visits_billed(tables, period=OCTOBER, by=["provider", "month"])
    assert by["missing_cents"].tolist() == [113400] and by["month"].iloc[0] == dt.datetime(2026, 10, 1)


FILL = ([visit(number, 2) for number in range(10, 20)], [claim(number, 2) for number in range(10, 20)])
"""Ten visits with their claims: a client whose two systems meet."""


@pytest.mark.parametrize(
    ("claims", "how_many"),
    [
        pytest.param([claim(1, 5)], 0, id="patient, day and provider"),
        pytest.param([claim(1, 5, provider=None)], 0, id="a claim that names no provider"),
        pytest.param([claim(1, 5, provider="poe")], 0, id="under the supervisor, whom no visit explains"),
        pytest.param([claim(1, 6)], 0, id="a day after"),
        pytest.param([claim(1, 4)], 0, id="a day before"),
        pytest.param([claim(1, 7)], 1, id="two days after"),
        pytest.param([claim(1, 5, patient="P2")], 1, id="another patient's"),
        pytest.param([claim(1, 5, entered=31)], 0, id="entered late is entered"),
    ],
)
def test_which_claim_belongs_to_a_visit(claims, how_many):
    tables = book([visit(1, 5), *FILL[0]], [*claims, *FILL[1], LAST])
    assert len(visits_not_billed(tables, as_of=AS_OF)) == how_many


def test_the_claim_of_one_visit_is_not_that_of_another_provider():
    two = [visit(1, 5), visit(2, 5, provider="poe", patient="P1")]
    found = visits_not_billed(book([*two, *FILL[0]], [claim(1, 5), *FILL[1], LAST]), as_of=AS_OF)
    assert found["appointment_id"].tolist() == ["V2"]


def test_two_visits_of_one_provider_may_stand_on_one_claim_and_a_named_claim_counts_on_any_day():
    more = [visit(1, 5), visit(2, 5, patient="P1"), visit(3, 6, claim="C3")]
    tables = book([*more, *FILL[0]], [claim(1, 5), claim(3, 20, patient="other"), *FILL[1], LAST])
    assert visits_not_billed(tables, as_of=AS_OF).empty


def test_a_claim_voided_for_good_is_none():
    tables = book([visit(1, 5), *FILL[0]], [claim(1, 5), *FILL[1], LAST])
    void = tables["claims"]["claim_id"].eq("C1")
    voided = tables["claims"].assign(
        voided_on=pd.Series(pd.NaT, index=void.index).mask(void, pd.Timestamp("2026-10-20"))
    )
    assert len(visits_not_billed({**tables, "claims": voided}, as_of=AS_OF)) == 1
    assert visits_not_billed({**tables, "claims": voided}, as_of=dt.date(2026, 10, 19)).empty


@pytest.mark.parametrize(
    ("day", "last", "is_due"),
    [
        pytest.param(17, 31, True, id="fourteen days before the last entry"),
        pytest.param(18, 31, False, id="thirteen"),
        pytest.param(17, 30, False, id="the entries end a day sooner"),
        pytest.param(1, 31, False, id="before the client's first claim"),
    ],
)
def test_only_what_the_client_usually_has_entered_by_then(day, last, is_due):
    end = (*LAST[:4], f"2026-10-{last}", *LAST[5:])
    found = visits_not_billed(book([visit(1, day), *FILL[0]], [*FILL[1], end]), as_of=AS_OF)
    assert len(found) == is_due and (found["lag_days"] == 14).all()


def test_a_client_whose_systems_name_patients_differently_is_not_judged():
    visits, claims = FILL
    strange = [(name, f"other {patient}", *rest) for name, patient, *rest in claims]
    tables = book(visits, [*strange, LAST])
    assert visits_not_billed(tables, as_of=AS_OF).empty and claims_without_visit(tables, as_of=AS_OF).empty
    found = visits_billed(tables, period=OCTOBER).iloc[0]
    assert found["visits"] == 0 and pd.isna(found["billed_share"]) and pd.isna(found["missing_cents"])


@pytest.mark.parametrize(
    ("one", "said"),
    [
        pytest.param(claim(1, 5), [""], id="nothing that day"),
        pytest.param(claim(2, 6), ["no_show"], id="the appointment was missed"),
        pytest.param(claim(3, 6), [], id="an appointment whose end nobody recorded"),
        pytest.param(claim(50, 3, patient="P10"), [""], id="the day after a visit that has its claim"),
        pytest.param(claim(1, 5, place="21"), [], id="a hospital round"),
        pytest.param(claim(1, 5, place=None), [], id="a place that nobody named"),
        pytest.param(claim(1, 5, procedure="80053"), [], id="a laboratory"),
        pytest.param(claim(1, 5, procedure="99490"), [], id="a month of care by telephone"),
        pytest.param(claim(1, 5, provider="poe"), [], id="a provider without an appointment book"),
        pytest.param(claim(1, 1), [], id="before the first appointment"),
        pytest.param(claim(1, 28), [], id="after the last"),
    ],
)
def test_which_claim_lacks_its_visit(one, said):
    more = [visit(2, 6, status="no_show"), visit(3, 6, status=None), visit(4, 20)]
    tables = book([*more, *FILL[0]], [one, claim(4, 20), *FILL[1], LAST])
    assert claims_without_visit(tables, as_of=AS_OF)["appointment"].tolist() == said


@pytest.mark.parametrize("absent", ["appointments", "claims"])
def test_without_appointments_or_claims_there_is_nothing_to_say(absent):
    tables = book(*FILL)
    tables[absent] = schema.TABLES[absent].empty().to_pandas()
    if absent == "claims":
        tables["claim_lines"] = schema.TABLES["claim_lines"].empty().to_pandas()
    assert visits_not_billed(tables, as_of=AS_OF).empty and claims_without_visit(tables, as_of=AS_OF).empty
    found = visits_billed(tables, period=OCTOBER).iloc[0]
    assert found["visits"] == 0 and pd.isna(found["billed_share"]) and pd.isna(found["missing_cents"])
    assert visits_billed(tables, period=OCTOBER, by=["provider"]).empty
