"""Engagement and care coordination: the rules their rows keep, and planted shifts seen by plain counting."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import polars as pl
import pytest

from rcm_analysis.simulate.company import seed_company
from rcm_analysis.simulate.fees import Calendar
from rcm_analysis.simulate.services.coordination_team import Team


@pytest.fixture
def stored(services) -> dict[str, SimpleNamespace]:
    return {
        client: SimpleNamespace(read=services.stored[client].read, plants=services.plants[client])
        for client in services.stored
    }


@pytest.fixture
def office(stored):
    """The front office with a planted rise in no-shows."""
    return stored["dr-quinn"]


@pytest.fixture
def programme(stored):
    """The care-coordination programme with a coordinator whose contacts are not billed."""
    return stored["st-elsewhere"]


def share(frame: pl.DataFrame, expression: pl.Expr) -> float:
    return frame.select(expression.mean()).item()


def test_appointments_settle_when_they_should(office):
    rows = office.read("appointments")
    ahead = rows.filter(pl.col("status").is_null())
    assert (ahead["scheduled_on"] > dt.date(2026, 10, 31)).all() and len(ahead) > 20
    met = rows.filter(pl.col("status").is_in(["kept", "no_show"]))
    assert (met["settled_on"] == met["scheduled_on"]).all()
    assert (rows["booked_on"] <= rows["scheduled_on"]).all()
    assert (rows.filter(pl.col("status") == "late_cancel")["notice_hours"] < 24).all()
    assert (rows.filter(pl.col("status") == "cancelled")["notice_hours"] >= 24).all()
    kept = rows.filter(pl.col("status") == "kept")
    assert kept["claim_id"].n_unique() == len(kept) and kept["problem"].null_count() == 0
    assert rows.filter(pl.col("status") != "kept")["claim_id"].null_count() == (rows["status"] != "kept").sum()


def test_no_shows_rise_with_lead_time(office):
    met = (
        office.read("appointments")
        .filter(pl.col("status").is_in(["kept", "no_show"]))
        .with_columns(
            lead=(pl.col("scheduled_on") - pl.col("booked_on")).dt.total_days(), missed=pl.col("status") == "no_show"
        )
    )
    rates = [
        share(met.filter(pl.col("lead").is_between(low, high)), pl.col("missed"))
        for low, high in ((0, 0), (1, 7), (8, 28), (29, 120))
    ]
    assert rates == sorted(rates) and rates[3] > 2 * rates[0]


def test_the_planted_rise_in_no_shows_begins_on_its_day_at_its_place(office):
    plant = office.plants["no_show_rise"]
    start, place = dt.date.fromisoformat(plant["start"]), plant["scope"]["location"]
    met = (
        office.read("appointments")
        .filter(pl.col("status").is_in(["kept", "no_show"]))
        .with_columns(missed=pl.col("status") == "no_show")
    )
    here, after = pl.col("location") == place, pl.col("scheduled_on") >= start
    rate = {
        (at, late): share(met.filter((here == at) & (after == late)), pl.col("missed"))
        for at in (True, False)
        for late in (True, False)
    }
    assert rate[True, True] > 1.6 * rate[True, False] and abs(rate[False, True] - rate[False, False]) < 0.03
    assert {row[0] for row in plant["rows"]} <= set(met.filter("missed" and here & after)["appointment_id"])


def test_the_planted_form_stops_asking_for_social_needs(office):
    plant = office.plants["social_needs_dropped"]
    start, place = dt.date.fromisoformat(plant["start"]), plant["scope"]["location"]
    forms = office.read("intakes").filter((pl.col("location") == place) if place else pl.lit(True))
    before, after = (
        share(forms.filter((pl.col("taken_on") >= start) == late), pl.col("is_social_needs_complete"))
        for late in (False, True)
    )
    assert before > 0.7 and after < 0.55
    assert (forms["social_needs"].is_not_null() == forms["is_social_needs_complete"]).all()


def test_navigators_surveys_feedback_and_hospital_rows_hang_together(office):
    risk, contacts = office.read("risk_assessments"), office.read("navigator_contacts")
    high = risk.filter(pl.col("risk_level") == "high")
    assert 0.5 < share(high, pl.col("navigator").is_not_null()) < 0.9
    assert set(contacts["patient"]) <= set(high.filter(pl.col("navigator").is_not_null())["patient"])
    answers, surveys = office.read("survey_answers"), office.read("surveys")
    assert answers.group_by("survey_id").len()["len"].unique().to_list() == [7]
    assert set(answers["survey_id"]) == set(surveys.filter(pl.col("answered_on").is_not_null())["survey_id"])
    top = answers.filter(pl.col("item") == "rating")["score"].drop_nulls()
    assert top.max() == 10 and top.min() >= 0
    stays = office.read("hospital_encounters").filter(pl.col("kind") == "inpatient").sort("patient", "admitted_on")
    gap = (stays["admitted_on"] - stays["discharged_on"].shift(1)).dt.total_days()
    again = ((stays["patient"] == stays["patient"].shift(1)) & gap.is_between(1, 30)).sum()
    assert 2 <= again < len(stays) / 3
    assert office.read("panel_months").group_by("month").agg(pl.col("members").sum())["members"].min() > 50
    assert (office.read("access_checks")["third_next_on"] > office.read("access_checks")["checked_on"]).all()


def test_three_lags_follow_each_other_and_managed_care_is_slower(programme):
    claims = programme.read("care_claims")
    days = ["uploaded_on", "lead_billed_on", "payer_decided_on", "agency_paid_on"]
    for before, after in zip(days, days[1:], strict=False):
        both = claims.filter(pl.col(after).is_not_null())
        assert (both[before] < both[after]).all(), after
    wait = (
        claims.with_columns(wait=(pl.col("payer_decided_on") - pl.col("lead_billed_on")).dt.total_days())
        .group_by("payer")
        .agg(pl.col("wait").mean())
    )
    mean = dict(wait.rows())
    assert mean["harbor"] > mean["medicaid"] + 10
    paid = claims.filter(pl.col("agency_paid_on").is_not_null())
    assert (paid["agency_paid_cents"] + paid["lead_fee_cents"] == paid["payer_paid_cents"]).all()
    assert (paid["payer_paid_cents"] == paid["billed_cents"]).all() and paid["denial_reason"].null_count() == len(paid)
    again = claims.filter(pl.col("replaces").is_not_null()).join(
        claims, left_on="replaces", right_on="care_claim_id", suffix="_first"
    )
    assert (
        len(again)
        and (again["uploaded_on"] > again["payer_decided_on_first"]).all()
        and (again["payer_paid_cents_first"] == 0).all()
    )
    assert set(programme.read("care_recoupments")["care_claim_id"]) <= set(paid["care_claim_id"])


def test_one_coordinator_is_in_charge_at_a_time_and_only_while_employed(programme):
    turns = programme.read("care_assignments").sort("enrolment_id", "assigned_from")
    same = turns["enrolment_id"] == turns["enrolment_id"].shift(1)
    assert (turns.filter(same)["assigned_from"] > turns["assigned_to"].shift(1).filter(same)).all()
    staff = programme.read("staff").group_by("staff").agg(pl.col("hired_on").min(), pl.col("left_on").max())
    both = turns.join(staff, left_on="coordinator", right_on="staff")
    assert len(both) == len(turns) and (both["left_on"].is_null() | (both["assigned_from"] <= both["left_on"])).all()
    assert staff["left_on"].null_count() == len(staff) - 1
    members = programme.read("enrolments")
    assert set(turns["enrolment_id"]) <= set(members["enrolment_id"])
    referrals = programme.read("referrals").filter(pl.col("screening") == "eligible")
    assert set(members["referral_id"]) <= set(referrals["referral_id"])


def test_contacts_of_the_planted_coordinator_are_made_and_not_billed(programme):
    plant = programme.plants["contacts_not_billed"]
    who, start = plant["scope"]["provider"], plant["start"][:7]
    months = programme.read("billing_support").with_columns(
        here=pl.col("coordinator") == who, late=pl.col("month") >= start, sent=pl.col("uploaded_on").is_not_null()
    )
    due = months.filter(pl.col("is_core_service_given"))
    rate = {
        (here, late): share(due.filter((pl.col("here") == here) & (pl.col("late") == late)), pl.col("sent"))
        for here in (True, False)
        for late in (True, False)
    }
    assert rate[True, True] == 0 and min(rate[True, False], rate[False, True], rate[False, False]) > 0.75
    contacts = programme.read("care_contacts").filter(
        (pl.col("coordinator") == who) & (pl.col("contacted_on") >= dt.date.fromisoformat(plant["start"]))
    )
    assert contacts["is_reached"].sum() > 100
    lost = {
        f"{enrolment} {month}"
        for enrolment, month in months.filter(pl.col("here") & pl.col("late"))
        .select("enrolment_id", "month")
        .iter_rows()
    }
    assert {row[0] for row in plant["rows"]} <= lost and plant["amount_cents"] > 0


def drawn_team(seed: int, months: int = 20, plants: bool = True) -> Team:
    company = seed_company(["st-elsewhere"])
    book = SimpleNamespace(client=company.clients[0], company=company, calendar=Calendar.ending("2026-10", months))
    return Team(SimpleNamespace(book=book, seed=seed), plants)


def test_the_planted_coordinator_is_drawn_from_the_seed_among_those_who_stay():
    teams = [drawn_team(seed) for seed in range(1, 25)]
    assert {team.unbilled_coordinator for team in teams} == {"CC01", "CC03", "CC04"}, (
        "CC02 leaves, CC05 is new when the plant begins"
    )
    assert [drawn_team(seed).unbilled_coordinator for seed in range(1, 25)] == [
        team.unbilled_coordinator for team in teams
    ]


def test_a_short_programme_and_one_without_plants_have_no_planted_coordinator():
    assert (
        drawn_team(3, months=12).unbilled_coordinator == "" and drawn_team(3, plants=False).unbilled_coordinator == ""
    )


def test_months_that_are_not_uploaded_say_why_once_their_window_has_closed(programme):
    months = programme.read("billing_support")
    closed = months.filter(pl.col("missed_on").is_not_null())
    assert closed["missed"].null_count() == 0 and closed["uploaded_on"].null_count() == len(closed)
    claims = programme.read("care_claims").filter(pl.col("replaces").is_null())
    assert sorted(claims.select("enrolment_id", "month").rows()) == sorted(
        months.filter(pl.col("uploaded_on").is_not_null()).select("enrolment_id", "month").rows()
    )
