"""Actual months counted from stored tables: each rule with rows around its edge."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from rcm_analysis.errors import ParameterError, TableError
from rcm_analysis.models.plan.actuals import actuals_from_tables
from rcm_analysis.models.plan.assumptions import example_assumptions
from rcm_analysis.models.plan.programme import programme_plan
from rcm_analysis.models.plan.results import spending, variance
from rcm_analysis.tables.schema_services import SERVICE_TABLES

PLAN = example_assumptions()


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def stored(**more: list[dict]) -> dict[str, pl.DataFrame]:
    rows: dict[str, list[dict]] = {
        "referrals": [
            {"referral_id": "r1", "referred_on": day("2027-01-31"), "source": "school", "screening": "eligible"},
            {"referral_id": "r2", "referred_on": day("2027-01-03"), "source": "school", "screening": "ineligible"},
            {"referral_id": "r3", "referred_on": day("2027-02-01"), "source": "family", "screening": None},
            {"referral_id": "r0", "referred_on": day("2026-12-31"), "source": "school", "screening": "eligible"},
        ],
        "outreach": [
            {"referral_id": "r1", "contacted_on": day("2027-01-31"), "is_reached": False},
            {"referral_id": "r1", "contacted_on": day("2027-02-02"), "is_reached": True},
            {"referral_id": "r1", "contacted_on": day("2027-03-02"), "is_reached": True},
        ],
        "enrolments": [
            {"enrolment_id": "e1", "enrolled_on": day("2027-01-05")},
            {"enrolment_id": "e2", "enrolled_on": day("2027-02-28")},
        ],
        "acuity_months": [
            {"enrolment_id": "e1", "month": "2027-01", "level": "high"},
            {"enrolment_id": "e1", "month": "2027-02", "level": "high"},
            {"enrolment_id": "e2", "month": "2027-02", "level": "low"},
            {"enrolment_id": "e2", "month": "2027-03", "level": "low"},
        ],
        "care_contacts": [
            {"enrolment_id": "e1", "contacted_on": day("2027-01-31"), "is_reached": True},
            {"enrolment_id": "e1", "contacted_on": day("2027-01-30"), "is_reached": False},
            {"enrolment_id": "e1", "contacted_on": day("2027-02-01"), "is_reached": True},
        ],
        "care_assignments": [
            {
                "enrolment_id": "e1",
                "coordinator": "zoe",
                "assigned_from": day("2027-01-05"),
                "assigned_to": day("2027-01-20"),
            },
            {
                "enrolment_id": "e1",
                "coordinator": "ann",
                "assigned_from": day("2027-01-21"),
                "assigned_to": day("2027-02-15"),
            },
            {"enrolment_id": "e2", "coordinator": "ben", "assigned_from": day("2027-02-28"), "assigned_to": None},
        ],
        "billing_support": [
            {"enrolment_id": "e1", "month": "2027-01", "uploaded_on": day("2027-02-10")},
            {"enrolment_id": "e1", "month": "2027-02", "missed_on": day("2027-04-10")},
            {"enrolment_id": "e2", "month": "2027-02", "uploaded_on": day("2027-03-10")},
            {"enrolment_id": "e2", "month": "2027-03"},
        ],
        "care_claims": [
            {
                "care_claim_id": "c1",
                "month": "2027-01",
                "level": "high",
                "billed_cents": 92_100,
                "denial_reason": "late",
            },
            {
                "care_claim_id": "c2",
                "month": "2027-01",
                "level": "high",
                "billed_cents": 92_100,
                "replaces": "c1",
                "agency_paid_on": day("2027-02-28"),
                "agency_paid_cents": 87_495,
            },
            {
                "care_claim_id": "c3",
                "month": "2027-02",
                "level": "low",
                "billed_cents": 27_605,
                "agency_paid_on": day("2027-03-01"),
                "agency_paid_cents": 26_000,
            },
        ],
        "care_recoupments": [{"taken_on": day("2027-02-20"), "amount_cents": 10_000}],
        "programme_costs": [],
    }
    return {
        name: pl.DataFrame(more.get(name, found), schema=SERVICE_TABLES[name].polars) for name, found in rows.items()
    }


def test_every_count_by_hand():
    found = actuals_from_tables(stored(), PLAN, through="2027-02")
    assert found.months == ("2027-01", "2027-02")
    assert found.referrals.values.tolist() == [["2027-01", "school", 2000, 1000], ["2027-02", "family", 1000, 0]]
    assert found.outreach.values.tolist() == [["2027-01", 0, 1000], ["2027-02", 1000, 1000]]
    assert found.caseload.values.tolist() == [
        ["2027-01", "ann", "high", 1000, 1000, 1000],
        ["2027-02", "ann", "high", 1000, 1000, 0],
        ["2027-02", "ben", "low", 1000, 0, 1000],
    ]
    assert found.billing.values.tolist() == [["2027-01", "high", 92_100, 92_100], ["2027-02", "low", 27_605, 0]]
    assert found.payments.values.tolist() == [["2027-01", "2027-02", 87_495]], (
        "a payment of the month after is not known yet"
    )
    assert found.expense.empty


def test_a_month_that_is_not_billed_yet_is_left_out():
    assert actuals_from_tables(stored(), PLAN, through="2027-03").months == ("2027-01", "2027-02")


def test_what_was_spent_comes_from_the_ledger_line_by_line():
    """Salaries of both months with a correction, and nothing of any other line: those count as planned."""
    costs = [
        {"posted_on": day("2027-01-31"), "line": "salaries", "amount_cents": 500_000},
        {"posted_on": day("2027-02-28"), "line": "salaries", "amount_cents": 520_000},
        {"posted_on": day("2027-02-28"), "line": "salaries", "amount_cents": -20_050},
    ]
    actual = actuals_from_tables(stored(programme_costs=costs), PLAN, through="2027-02")
    lines = spending(PLAN, actual).set_index(["month", "line"])
    assert lines.loc[("2027-02", "salaries"), ["spent_cents", "is_told"]].tolist() == [499_950, True]
    untold = lines.drop("salaries", level="line")
    assert not untold["is_told"].any() and (untold["spent_cents"] == untold["planned_cents"]).all()
    split = variance(PLAN, actual).query("driver == 'expense'").set_index("month")["cash_cents"]
    over = (lines["planned_cents"] - lines["spent_cents"]).xs("salaries", level="line")
    assert split.to_dict() == over.to_dict() and over["2027-01"] != 0
    planned = programme_plan(PLAN).months["expense"].head(2)
    assert lines.groupby("month")["planned_cents"].sum().tolist() == planned.tolist()


def test_what_came_in_by_the_ledger_stands_beside_the_records_of_the_program():
    """February's payment of 87,495 less 10,000 taken back; the ledger holds it in two postings, 2,505 short."""
    costs = [
        {"posted_on": day("2027-02-10"), "line": "receipts", "amount_cents": -80_000},
        {"posted_on": day("2027-02-20"), "line": "receipts", "amount_cents": 5_010},
        {"posted_on": day("2027-03-01"), "line": "receipts", "amount_cents": -26_000},
    ]
    actual = actuals_from_tables(stored(programme_costs=costs), PLAN, through="2027-02")
    assert actual.receipts.values.tolist() == [["2027-02", 74_990, 77_495]], "March is not compared yet"
    assert actual.expense.empty, "what came in is nothing that was spent"
    assert actuals_from_tables(stored(), PLAN, through="2027-02").receipts.empty


def test_it_feeds_the_variance():
    assert set(variance(PLAN, actuals_from_tables(stored(), PLAN, through="2027-02"))["month"]) == {
        "2027-01",
        "2027-02",
    }


def test_a_programme_that_began_later_is_refused():
    with pytest.raises(TableError, match="caseload.month: expected the months from 2027-01 on without a gap"):
        actuals_from_tables(
            stored(acuity_months=[{"enrolment_id": "e1", "month": "2027-02", "level": "high"}]), PLAN, through="2027-03"
        )


def test_a_missing_table_is_named():
    tables = stored()
    del tables["care_claims"]
    with pytest.raises(TableError, match="care_claims"):
        actuals_from_tables(tables, PLAN, through="2027-02")


@pytest.mark.parametrize(
    ("through", "acuity_months", "told"),
    [
        pytest.param(
            "2026-12",
            None,
            "through 2026-12; the plan is for 2027-01 to .*, the stored tables are of 2027-01 to",
            id="the report is of a month before the plan",
        ),
        pytest.param(
            "2026-06",
            [{"enrolment_id": "e1", "month": "2026-06", "level": "high"}],
            "the stored tables are of 2026-06 to 2026-06",
            id="the plan begins later than the programme",
        ),
        pytest.param("2027-02", [], "the stored tables hold no month with members", id="nobody is enrolled"),
    ],
)
def test_a_plan_without_a_stored_month_is_told_so_before_anything_is_compared(through, acuity_months, told):
    tables = stored() if acuity_months is None else stored(acuity_months=acuity_months)
    with pytest.raises(ParameterError, match=told):
        actuals_from_tables(tables, PLAN, through=through)


def test_a_level_that_the_plan_lacks_is_named():
    wraparound = [{"enrolment_id": "e1", "month": "2027-01", "level": "high_fidelity_wraparound"}]
    with pytest.raises(
        ParameterError, match="acuity: .* and 1 stored rows of coordinators' months are at high_fidelity_wraparound"
    ):
        actuals_from_tables(stored(acuity_months=wraparound), PLAN, through="2027-02")
