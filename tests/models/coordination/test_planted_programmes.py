"""What goes wrong in a simulated programme is found and dated; a quiet one accuses nobody."""

import dataclasses
import datetime as dt
import functools

import polars as pl
import pytest

from builders.care_programmes import programme
from rcm_analysis.measures.coordination.billed import months_billed
from rcm_analysis.models.coordination.unbilled import one_day_contacts, unbilled_contacts
from rcm_analysis.models.coordination.waits import stopped_steps
from rcm_analysis.simulate.company import seed_company
from rcm_analysis.simulate.fees import Calendar
from rcm_analysis.simulate.files.workspace import Job, live
from rcm_analysis.simulate.laws import LEAD_STOPS, ONE_DAY, USUAL
from rcm_analysis.simulate.services.coordination import coordination_tables

AS_OF = dt.date(2026, 10, 31)


@functools.cache
def simulated(seed, faults=(LEAD_STOPS, ONE_DAY), plants=True):
    company = seed_company(["st-elsewhere"])
    company = dataclasses.replace(company, laws=dataclasses.replace(USUAL, care_faults=faults))
    practice = live(Job(company.clients[0], company, Calendar.ending("2026-10", 20), seed, 0.5), 1.0)
    tables, planted = coordination_tables(practice, plants)
    named = {name: frame.select(pl.lit("acme").alias("client"), pl.all()) for name, frame in tables.items()}
    return named, {item["kind"]: item for item in planted}


@pytest.mark.parametrize("seed", [7, 8])
def test_each_fault_is_found_named_and_dated(seed):
    tables, planted = simulated(seed)
    assert set(planted) == {"contacts_not_billed", ONE_DAY, LEAD_STOPS}
    for kind, look in (("contacts_not_billed", unbilled_contacts), (ONE_DAY, one_day_contacts)):
        (found,) = look(tables, as_of=AS_OF).to_dict("records")
        assert found["coordinator"] == planted[kind]["scope"]["provider"]
        assert found["onset_month"] == planted[kind]["start"][:7]
    short = one_day_contacts(tables, as_of=AS_OF)["not_billed_cents"].sum()
    assert short == pytest.approx(sum(row[3] for row in planted[ONE_DAY]["rows"]), rel=0.1)
    (stopped,) = stopped_steps(tables, as_of=AS_OF).to_dict("records")
    start = dt.date.fromisoformat(planted[LEAD_STOPS]["start"])
    assert stopped["who"] == planted[LEAD_STOPS]["scope"]["provider"]
    assert 0 <= (start - stopped["last_on"].date()).days <= 7
    assert stopped["waiting"] == len(planted[LEAD_STOPS]["rows"])


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_a_quiet_programme_accuses_nobody(seed):
    tables, planted = simulated(seed, plants=False)
    assert planted == {}
    for look in (unbilled_contacts, one_day_contacts, stopped_steps):
        assert look(tables, as_of=AS_OF).empty


def test_the_usual_company_is_as_it_was():
    usual, planted = simulated(7, faults=())
    other, _ = simulated(7)
    assert set(planted) == {"contacts_not_billed"}
    same = ("referrals", "outreach", "enrolments", "care_assignments", "acuity_months", "billing_support", "staff")
    assert all(usual[name].equals(other[name]) for name in same)
    assert not usual["care_claims"].equals(other["care_claims"])


def test_a_month_billed_on_one_day_is_short_by_hand():
    given = {"month": "2026-08", "opened_on": "2026-09-01", "uploaded_on": "2026-09-05", "level": "medium"}
    days = {"A": ["2026-08-03"] * 2, "B": ["2026-08-03", "2026-08-04"], "C": []}
    contacts = [
        {"contact_id": f"{name}{nth}", "enrolment_id": name, "contacted_on": day, "entered_on": day, "is_reached": True}
        for name, all_days in days.items()
        for nth, day in enumerate(all_days)
    ]
    found = months_billed(programme(*(given | {"member": name} for name in days), care_contacts=contacts), as_of=AS_OF)
    assert found[["enrolment_id", "is_short"]].values.tolist() == [["A", True], ["B", False]]
