"""Contacts whose month was never billed: which months count, what they are worth, and coordinators who stopped
billing."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.exhibits.care_coordination_plan.results import not_billed
from rcm_analysis.measures.coordination.billed import contacts_not_billed, months_given
from rcm_analysis.models.coordination.unbilled import unbilled_contacts
from rcm_analysis.tables.schema import TABLES

AS_OF = dt.date(2026, 10, 31)


@pytest.fixture(scope="module")
def b(builders_self_pay):
    return builders_self_pay


def month(label="2026-08", **other):
    return {
        "enrolment_id": "E",
        "month": label,
        "coordinator": "CC01",
        "opened_on": "2026-09-01",
        "is_core_service_given": True,
        **other,
    }


def given(b, *support, level="medium", region="upstate", claims=(), contacts=()):
    labels = sorted({row["month"] for row in support})
    names = ("billing_support", "acuity_months", "enrolments", "care_claims", "care_contacts")
    rows = {
        "billing_support": list(support),
        "care_claims": list(claims),
        "care_contacts": list(contacts),
        "acuity_months": [
            {"enrolment_id": "E", "month": label, "level": level, "recorded_on": "2026-01-01"} for label in labels
        ],
        "enrolments": [{"enrolment_id": "E", "region": region, "recorded_on": "2026-01-01"}],
    }
    return {name: b.table(name, rows[name]) if rows[name] else TABLES[name].empty().to_pandas() for name in names}


CASES = [
    pytest.param(
        month(missed="no_questionnaire", missed_on="2026-09-30"),
        {},
        ("no_questionnaire", 48500),
        id="the window closed without an upload",
    ),
    pytest.param(month(), {}, ("open", 48500), id="sixty days later nothing is recorded"),
    pytest.param(month("2026-09", opened_on="2026-10-01"), {}, ("open", 48500), id="thirty days are over"),
    pytest.param(month("2026-09", opened_on="2026-10-02"), {}, None, id="the thirtieth day is still to come"),
    pytest.param(month(uploaded_on="2026-09-12"), {}, None, id="uploaded"),
    pytest.param(month(uploaded_on="2026-11-02"), {}, ("open", 48500), id="uploaded after the day asked for"),
    pytest.param(
        month(),
        {"claims": [{"enrolment_id": "E", "month": "2026-08", "uploaded_on": "2026-09-12"}]},
        None,
        id="a claim exists",
    ),
    pytest.param(
        month(is_core_service_given=False, missed="no_core_service", missed_on="2026-09-30"),
        {},
        None,
        id="too few contacts: nothing to bill",
    ),
    pytest.param(month("2023-12", opened_on="2024-01-01"), {}, ("open", 45450), id="the rate of the month of service"),
    pytest.param(month(), {"level": "high", "region": "downstate"}, ("open", 92100), id="the rate of level and region"),
    pytest.param(month(), {"level": "unknown"}, ("open", 0), id="a level without a published rate"),
]


@pytest.mark.parametrize(("row", "other", "expected"), CASES)
def test_golden_cases(b, row, other, expected):
    found = contacts_not_billed(given(b, row, **other), as_of=AS_OF)
    assert found[["reason", "rate_cents"]].values.tolist() == ([] if expected is None else [list(expected)])


def test_contacts_of_the_month_in_which_somebody_was_reached(b):
    reached = {"enrolment_id": "E", "coordinator": "CC01", "is_reached": True}
    contacts = [reached | {"contacted_on": on, "entered_on": on} for on in ("2026-08-01", "2026-08-31", "2026-09-01")]
    contacts.append(reached | {"contacted_on": "2026-08-10", "entered_on": "2026-08-10", "is_reached": False})
    assert contacts_not_billed(given(b, month(), contacts=contacts), as_of=AS_OF)["contacts"].tolist() == [2]


def programme(b, lost, *, size=10, months=12):
    """Three coordinators of `size` members each; lost(coordinator, month, member) says what was not billed."""
    support, levels, members = [], [], []
    for who in ("CC01", "CC02", "CC03"):
        members += [
            {"enrolment_id": f"{who}-{member}", "region": "upstate", "recorded_on": "2025-01-01"}
            for member in range(size)
        ]
        for place in range(months):
            label = f"2025-{place + 1:02d}"
            for member in range(size):
                row = {"enrolment_id": f"{who}-{member}", "month": label}
                levels.append(row | {"level": "low", "recorded_on": f"{label}-02"})
                end = (
                    {"missed": "no_questionnaire", "missed_on": f"{label}-28"}
                    if lost(who, place, member)
                    else {"uploaded_on": f"{label}-28"}
                )
                support.append(
                    row | {"coordinator": who, "opened_on": f"{label}-27", "is_core_service_given": True} | end
                )
    rows = {"billing_support": support, "acuity_months": levels, "enrolments": members}
    return {
        name: b.table(name, rows[name]) if name in rows else TABLES[name].empty().to_pandas()
        for name in ("billing_support", "acuity_months", "enrolments", "care_claims", "care_contacts")
    }


def test_a_coordinator_who_stopped_billing_is_named_with_month_and_dollars(b):
    (found,) = unbilled_contacts(
        programme(b, lambda who, place, member: who == "CC03" and place >= 8), as_of=AS_OF
    ).itertuples()
    assert (found.coordinator, found.onset_month, found.last_month, found.months, found.not_billed) == (
        "CC03",
        "2025-09",
        "2025-12",
        40,
        40,
    )
    # One lost of 320 and three added: 1 of 323.
    assert found.usual_rate == pytest.approx(1 / 323) and found.not_billed_cents == 40 * 24300
    assert found.excess_cents == 40 * 24300 - round(40 * 24300 / 323)


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(lambda who, place, member: False, id="everything was billed"),
        pytest.param(lambda who, place, member: member == 0, id="a tenth is lost by everybody, always"),
        pytest.param(
            lambda who, place, member: who == "CC03" and place == 11 and member < 4, id="four lost months are too few"
        ),
        pytest.param(lambda who, place, member: who == "CC03" and place >= 6 and member < 2, id="a fifth is no habit"),
        pytest.param(lambda who, place, member: who == "CC03" and place in (2, 3), id="it stopped long ago"),
    ],
)
def test_what_is_not_called_a_coordinator_who_stopped_billing(b, lost):
    assert unbilled_contacts(programme(b, lost), as_of=AS_OF).empty


def test_every_engine_gives_the_same(b, as_engine, engine):
    tables = programme(b, lambda who, place, member: who == "CC03" and place >= 8, size=3)
    ours = months_given(tables, as_of=AS_OF)
    assert len(ours) == 108
    assert_frame_equal(months_given(as_engine(tables, engine), as_of=AS_OF), ours)


def test_a_client_without_the_service(b):
    nothing = {
        name: TABLES[name].empty().to_pandas()
        for name in ("billing_support", "acuity_months", "enrolments", "care_claims", "care_contacts")
    }
    assert contacts_not_billed(nothing, as_of=AS_OF).empty and unbilled_contacts(nothing, as_of=AS_OF).empty
    assert isinstance(unbilled_contacts(nothing, as_of=AS_OF), pd.DataFrame)


def test_the_results_page_shows_what_was_not_billed_and_who_stopped(b):
    table, stopped = not_billed(programme(b, lambda who, place, member: who == "CC03" and place >= 8), as_of=AS_OF)
    assert table.payload["rows"] == [["CC03", "no questionnaire", 40, 0, 40 * 24300]]
    assert "$9,720" in table.payload["definition"]
    assert stopped.payload["text"].startswith("CC03: 40 of 40 member-months since Sep 2025 were not billed")
    (nothing,) = not_billed(programme(b, lambda who, place, member: False), as_of=AS_OF)
    assert nothing.payload["kind"] == "note"


@pytest.mark.parametrize(
    ("level", "days", "counts"),
    [
        pytest.param("medium", ["2026-08-03", "2026-08-03"], False, id="twice on one day is one day"),
        pytest.param("medium", ["2026-08-03", "2026-08-04"], True, id="two days"),
        pytest.param("high", ["2026-08-03"], False, id="high needs two as well"),
        pytest.param("low", ["2026-08-03"], True, id="low needs one"),
    ],
)
def test_core_services_are_counted_by_day(b, level, days, counts):
    reached = {"enrolment_id": "E", "coordinator": "CC01", "is_reached": True}
    contacts = [
        reached | {"contact_id": f"T{number}", "contacted_on": day, "entered_on": day}
        for number, day in enumerate(days)
    ]
    found = contacts_not_billed(given(b, month(), level=level, contacts=contacts), as_of=AS_OF)
    assert len(found) == counts
