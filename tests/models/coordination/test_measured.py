"""Assumptions measured on a programme's own records: by hand, near the truth of a simulated one, nothing invented."""

import datetime as dt
import tomllib
from dataclasses import replace

import polars as pl
import pytest

from builders.care_programmes import RATE, paid_bill, programme
from rcm_analysis.errors import ParameterError
from rcm_analysis.models.coordination.measured import LAGS, WORTH, measured_assumptions, measured_sources, with_measured
from rcm_analysis.models.plan.assumptions import as_toml, example_assumptions, parse
from rcm_analysis.models.plan.fields import SHARE
from rcm_analysis.simulate.company import seed_company
from rcm_analysis.simulate.fees import Calendar
from rcm_analysis.simulate.files.workspace import Job, live
from rcm_analysis.simulate.services.coordination import coordination_tables

AS_OF = dt.date(2026, 12, 31)
PRIOR = example_assumptions()


def measured(*months, prior=PRIOR, **more):
    return measured_assumptions(programme(*months, **more), prior, as_of=AS_OF).set_index("key")


def settled(count, **support):
    month = {"month": "2026-09", "opened_on": "2026-10-01", **support}
    return [month | {"member": f"{sorted(support)}{number}"} for number in range(count)]


def test_a_share_is_drawn_towards_what_stood_there_by_twenty():
    given = {"completed_on": "2026-10-02", "uploaded_on": "2026-10-05"}
    months = [
        *settled(28, **given),
        *settled(8, is_core_service_given=False),
        *settled(4, missed="no_questionnaire", missed_on="2026-10-30"),
    ]
    found = measured(*months, {"month": "2026-12"})
    row = found.loc["billable.no_core_service"]
    prior = PRIOR.values["billable.no_core_service"][-1][1] / SHARE
    assert (row["measured"], row["count"], row["prior"]) == (8 / 40, 40, prior)
    assert row["used"] == pytest.approx((8 + WORTH * prior) / (40 + WORTH))
    assert row["low"] < row["used"] < row["high"]
    assert found.loc["billable.support_late", "measured"] == 4 / 40
    assert found.loc["enrolment.disenrolment", ["measured", "count"]].tolist() == [0.0, 41]


def test_a_lag_is_the_middle_of_the_steps_and_keeps_their_mean():
    """Nine answers after 30 days and one after 90: one in ten is slow, and takes 90."""
    days = [90, *[30] * 9]
    bills = [{"month": "2026-05", "bills": [paid_bill("2026-06-01", 5, 5 + wait, 100)]} for wait in days]
    found = measured(*bills)
    assert found.loc["lag.billed_to_paid.days", ["measured", "count"]].tolist() == [30, 10]
    assert found.loc["lag.billed_to_paid.slow_days", "measured"] == pytest.approx(90)
    stood = found.loc["lag.billed_to_paid.days", "prior"]
    assert found.loc["lag.billed_to_paid.days", "used"] == pytest.approx((30 * 10 + stood * WORTH) / (10 + WORTH))


def test_denials_fees_and_takebacks_are_counted_where_they_belong():
    denied = {"uploaded_on": "2026-06-01", "lead_billed_on": "2026-06-05", "payer_decided_on": "2026-07-01",
              "payer_paid_cents": 0, "denial_reason": "late"}  # fmt: skip
    again = paid_bill("2026-07-10", 5, 30, 40) | {"replaces": "A-2026-05-0"}
    months = [
        {"member": "A", "month": "2026-05", "bills": [denied, again]},
        {"member": "B", "month": "2026-05", "bills": [denied]},
        *({"month": "2026-05", "bills": [paid_bill("2026-06-01", 5, 30, 40)]} for _ in range(2)),
    ]
    ours = paid_bill("2026-06-01", 5, 30, 40)["agency_paid_cents"]
    back = {"recoupment_id": "R", "care_claim_id": "x", "taken_on": "2026-12-01", "amount_cents": ours}
    found = measured(*months, care_recoupments=[back])
    assert found.loc["denials.rate", ["measured", "count"]].tolist() == [2 / 4, 4], "first bills alone"
    assert found.loc["denials.recovered", ["measured", "count"]].tolist() == [1 / 2, 2]
    assert found.loc["fees.lead_health_home", "measured"] == pytest.approx(round(RATE * 0.05) / RATE)
    assert found.loc["recoupment.rate", ["measured", "count"]].tolist() == [1 / 3, 3]


def test_a_new_programme_keeps_its_plan():
    nothing = programme()
    found = measured_assumptions(nothing, PRIOR, as_of=AS_OF)
    assert found.empty and with_measured(PRIOR, found) == PRIOR
    assert measured_sources(nothing, PRIOR, as_of=AS_OF) == PRIOR.sources


def test_a_level_that_the_plan_does_not_know_is_refused():
    with pytest.raises(ParameterError, match="high_fidelity_wraparound"):
        measured({"level": "high_fidelity_wraparound"})


def simulated(seed):
    company = seed_company(["st-elsewhere"])
    practice = live(Job(company.clients[0], company, Calendar.ending("2026-10", 20), seed, 1.0), 1.0)
    tables, _ = coordination_tables(practice, plants=False)
    return {name: frame.select(pl.lit("acme").alias("client"), pl.all()) for name, frame in tables.items()}


@pytest.mark.parametrize("seed", [11, 12])
def test_what_was_measured_holds_the_truth_of_a_simulated_programme(seed):
    """The lead bills 4 to 18 days after the upload and pays on 9 to 36 days after the payer, on working days."""
    tables = simulated(seed)
    levels = (*PRIOR.levels, "high_fidelity_wraparound")
    wide = replace(PRIOR, levels=levels, mix={**PRIOR.mix, "high_fidelity_wraparound": ((PRIOR.start, 0),)})
    found = measured_assumptions(tables, wide, as_of=dt.date(2026, 10, 31)).set_index("key")
    assert abs(found.loc["lag.uploaded_to_billed.days", "measured"] - 11) <= 1.5
    assert abs(found.loc["lag.paid_to_agency.days", "measured"] - 23) <= 2.5
    row = found.loc["denials.rate"]
    assert row["low"] <= 0.085 + 0.02 and row["high"] >= 0.05
    assert found.loc["fees.lead_health_home", "measured"] == pytest.approx(0.05, abs=1e-4)
    made = with_measured(wide, found.reset_index())
    assert sum(steps[0][1] for steps in made.mix.values()) == SHARE
    made = replace(made, caseload={**PRIOR.caseload, "high_fidelity_wraparound": 10_000})
    made = replace(made, rates={**made.rates, "high_fidelity_wraparound": made.rates["high"]})
    read = parse(tomllib.loads(as_toml(made)), "measured.toml")
    assert read.value("lag.uploaded_to_billed.days") == round(found.loc["lag.uploaded_to_billed.days", "used"])
    assert set(LAGS.values()) == {key.split(".")[1] for key in found.index if key.startswith("lag.")}


def test_the_ramp_is_what_coordinators_came_to_carry_month_by_month():
    """One carries 2, 4, 4, 6, 8, 8 members and then 10; one with half a year behind her does not count."""
    staff = [
        {"staff": who, "role": "coordinator", "effective_from": day, "hired_on": day}
        for who, day in (("CC01", "2025-06-02"), ("CC02", "2026-08-03"))
    ]
    starts = ["2025-06"] * 2 + ["2025-07"] * 2 + ["2025-09"] * 2 + ["2025-10"] * 2 + ["2025-12"] * 2 + ["2026-09"] * 5
    held = [
        {"enrolment_id": f"M{nth}", "coordinator": "CC01", "assigned_from": f"{month}-15"}
        for nth, month in enumerate(starts)
    ]
    found = measured({"month": "2026-09"}, staff=staff, care_assignments=held)
    ramp = found[found.index.str.startswith("staffing.ramp")]
    assert ramp["measured"].tolist() == [0.2, 0.4, 0.4, 0.6, 0.8, 0.8] and set(ramp["count"]) == {10}
    prior = [0.25, 0.6, 1, 1, 1, 1]
    drawn = [(share * 10 + stood * WORTH) / 30 for share, stood in zip(ramp["measured"], prior, strict=True)]
    assert ramp["used"].tolist() == pytest.approx([max(drawn[: nth + 1]) for nth in range(6)])
    made = with_measured(PRIOR, found.reset_index())
    assert len(made.ramp) == 7 and made.ramp[0] == round(drawn[0] * SHARE) and made.ramp[-1] == SHARE
    read = parse(tomllib.loads(as_toml(made)), "measured.toml")
    assert read.ramp == made.ramp
