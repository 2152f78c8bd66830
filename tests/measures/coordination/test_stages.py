"""Every member-month at one stage, with its day and its dollars; referrals and coordinators from the same rows."""

import datetime as dt

import pandas as pd
import pytest

from builders.care_programmes import RATE, paid_bill, programme
from rcm_analysis.measures.coordination.caseloads import care_denials, coordinator_results, member_months_with_contacts
from rcm_analysis.measures.coordination.referrals import not_engaged, referral_quality
from rcm_analysis.measures.coordination.stages import STAGES, member_months, months_by_stage
from rcm_analysis.periods import Period

AS_OF = dt.date(2026, 12, 31)
OPENED = {"opened_on": "2026-09-01"}
GIVEN = OPENED | {"completed_on": "2026-09-04"}
SENT = GIVEN | {"uploaded_on": "2026-09-10"}
UPLOADED = {"uploaded_on": "2026-09-10"}
LEAD = UPLOADED | {"lead_billed_on": "2026-09-20"}
PAYER = LEAD | {"payer_decided_on": "2026-10-20", "payer_paid_cents": RATE}
DENIED = LEAD | {"payer_decided_on": "2026-10-20", "payer_paid_cents": 0, "denial_reason": "late"}
PAID = paid_bill("2026-09-10", 10, 40, 60)
NET = PAID["agency_paid_cents"]

CASES = [
    pytest.param({}, "not_opened", "2026-08-01", RATE, id="no row of billing support yet"),
    pytest.param(OPENED | {"is_core_service_given": False}, "not_given", "2026-09-01", RATE, id="too few contacts"),
    pytest.param(OPENED, "given", "2026-09-01", RATE, id="opened, no questionnaire"),
    pytest.param(GIVEN, "documented", "2026-09-04", RATE, id="questionnaire done"),
    pytest.param(
        GIVEN | {"missed": "no_questionnaire", "missed_on": "2026-09-30"}, "not_billed", "2026-09-30", RATE,
        id="the window closed",
    ),
    pytest.param(SENT, "uploaded", "2026-09-10", RATE, id="uploaded, no claim row yet"),
    pytest.param(SENT | {"bills": [UPLOADED]}, "uploaded", "2026-09-10", RATE, id="a claim"),
    pytest.param(SENT | {"bills": [LEAD]}, "lead_billed", "2026-09-20", RATE, id="billed by the lead"),
    pytest.param(SENT | {"bills": [PAYER]}, "paid_to_lead", "2026-10-20", RATE, id="the payer paid the lead"),
    pytest.param(SENT | {"bills": [DENIED]}, "denied", "2026-10-20", RATE, id="denied"),
    pytest.param(SENT | {"bills": [PAID]}, "paid", "2026-11-09", NET, id="paid to us"),
    pytest.param(
        SENT | {"bills": [DENIED, UPLOADED | {"uploaded_on": "2026-11-02"}]}, "uploaded", "2026-11-02", RATE,
        id="denied and billed again",
    ),
    pytest.param(
        SENT | {"bills": [PAID, DENIED | {"uploaded_on": "2026-11-02"}]}, "paid", "2026-11-09", NET,
        id="paid, and a second bill denied",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("month", "stage", "since", "cents"), CASES)
def test_a_month_stands_at_the_stage_it_has_reached(month, stage, since, cents):
    (row,) = member_months(programme(month), as_of=AS_OF).to_dict("records")
    assert (row["stage"], str(row["since"].date()), row["amount_cents"], row["gross_cents"]) == (
        stage, since, cents, RATE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("day", "stage"),
    [
        ("2026-08-31", "not_opened"),
        ("2026-09-01", "given"),
        ("2026-09-04", "documented"),
        ("2026-09-10", "uploaded"),
        ("2026-09-20", "lead_billed"),
        ("2026-10-20", "paid_to_lead"),
        ("2026-11-08", "paid_to_lead"),
        ("2026-11-09", "paid"),
    ],
)
def test_replayed_on_an_earlier_day_it_stands_where_it_stood(day, stage):
    tables = programme(SENT | {"bills": [PAID]})
    assert member_months(tables, as_of=dt.date.fromisoformat(day))["stage"].tolist() == [stage]


@pytest.mark.parametrize(("taken", "stage", "cents"), [(NET - 1, "paid", 1), (NET, "taken_back", RATE)])
def test_a_payment_wholly_taken_back_is_no_payment(taken, stage, cents):
    back = {"recoupment_id": "R", "care_claim_id": "E0-2026-08-0", "taken_on": "2026-12-01", "amount_cents": taken}
    (row,) = member_months(programme(SENT | {"bills": [PAID]}, care_recoupments=[back]), as_of=AS_OF).to_dict("records")
    assert (row["stage"], row["amount_cents"]) == (stage, cents)


def test_the_stages_add_up_to_all_months_and_all_dollars():
    tables = programme(*[case.values[0] for case in CASES])
    rows, sums = member_months(tables, as_of=AS_OF), months_by_stage(tables, as_of=AS_OF)
    assert sums["member_months"].sum() == len(rows) == len(CASES)
    assert sums["amount_cents"].sum() == rows["amount_cents"].sum()
    assert sums["stage"].tolist() == [stage for stage in STAGES if stage in set(rows["stage"])]


def test_no_programme_gives_no_rows():
    nothing = programme()
    assert member_months(nothing, as_of=AS_OF).empty and months_by_stage(nothing, as_of=AS_OF).empty
    assert coordinator_results(nothing, period=Period.month("2026-08"), as_of=AS_OF).empty
    assert care_denials(nothing, period=Period.month("2026-08"), as_of=AS_OF).empty
    assert referral_quality(nothing, period=Period.month("2026-08"), as_of=AS_OF).empty
    assert not_engaged(nothing, as_of=AS_OF).empty


def contacts(member, count, *, reached=True):
    return [
        {
            "contact_id": f"{member}{reached}{number}",
            "enrolment_id": member,
            "contacted_on": f"2026-08-{number + 1:02d}",
            "entered_on": f"2026-08-{number + 1:02d}",
            "is_reached": reached,
        }
        for number in range(count)
    ]


def test_a_coordinator_is_held_against_what_such_members_take():
    """A has a high and a low member, B two low ones. Low members take (1 + 1 + 4) / 3 = 2 contacts, high ones 6."""
    months = [
        SENT | {"member": "H", "level": "high", "coordinator": "A", "bills": [UPLOADED]},
        OPENED | {"member": "L1", "level": "low", "coordinator": "A"},
        SENT | {"member": "L2", "level": "low", "coordinator": "B", "bills": [UPLOADED]},
        GIVEN | {"member": "L3", "level": "low", "coordinator": "B", "missed": "no_questionnaire",
                 "missed_on": "2026-09-30"},
    ]  # fmt: skip
    made = [*contacts("H", 6), *contacts("L1", 1), *contacts("L2", 1), *contacts("L3", 4)]
    tables = programme(*months, care_contacts=[*made, *contacts("L1", 3, reached=False)])
    found = coordinator_results(tables, period=Period.month("2026-08"), as_of=AS_OF).set_index("coordinator")
    assert found["expected_contacts"].tolist() == [6 + 2, 2 + 2]
    assert found["contacts"].tolist() == [7, 5] and found["contact_index"].tolist() == [7 / 8, 5 / 4]
    assert found["units"].tolist() == [1, 1]
    assert found["expected_units"].round(9).tolist() == [round(1 + 1 / 3, 9), round(2 / 3, 9)]
    assert found["expected_units"].sum() == found["units"].sum()
    assert found["given_not_billed"].tolist() == [0, 1] and found["not_billed_cents"].tolist() == [0, 24_300]


def test_a_month_not_opened_belongs_to_whom_the_member_is_assigned_to_at_its_end():
    held = [
        {"enrolment_id": "E0", "coordinator": "A", "assigned_from": "2026-07-01", "assigned_to": "2026-08-15"},
        {"enrolment_id": "E0", "coordinator": "B", "assigned_from": "2026-08-16"},
    ]
    rows = member_months_with_contacts(programme({}, care_assignments=held), as_of=AS_OF)
    assert rows["coordinator"].tolist() == ["B"]


def test_a_denied_bill_counts_once_and_says_whether_it_was_billed_again():
    again = DENIED | {"uploaded_on": "2026-11-02", "payer_decided_on": "2026-12-01", "replaces": "E0-2026-08-0"}
    tables = programme(SENT | {"bills": [DENIED, again]}, SENT | {"bills": [PAID]})
    (row,) = care_denials(tables, period=Period.month("2026-12").trailing(3), as_of=AS_OF).to_dict("records")
    assert (row["decided"], row["denied"], row["billed_again"]) == (3, 2, 1)
    assert (row["denied_cents"], row["open_cents"], row["denial_rate"]) == (2 * RATE, RATE, 2 / 3)


def referral(name, source="school", screening="eligible", on="2026-09-01"):
    return {
        "referral_id": name, "patient": name, "source": source, "referred_on": on, "received_on": on,
        "is_contact_valid": True, "has_documents": False, "screened_on": on, "screening": screening,
    }  # fmt: skip


def test_quality_of_referrals_by_source_by_hand():
    """Of four: three screened eligible, two reached, one enrolled at a high level and gone on day 89."""
    member = {
        "enrolment_id": "E0", "referral_id": "R0", "region": "upstate", "payer": "harbor",
        "enrolled_on": "2026-09-10", "recorded_on": "2026-09-10", "ended_on": "2026-12-08",
    }  # fmt: skip
    tried = [
        {"outreach_id": f"O{number}", "referral_id": name, "contacted_on": "2026-09-05", "entered_on": "2026-09-05",
         "is_reached": reached, "result": result}
        for number, (name, reached, result) in enumerate(
            [("R0", True, "consented"), ("R1", True, "declined"), ("R2", False, "no_answer")]
        )
    ]  # fmt: skip
    sent = [referral("R0"), referral("R1"), referral("R2"), referral("R3", screening="ineligible")]
    tables = programme(
        {"member": "E0", "month": "2026-09", "level": "high"}, referrals=sent, outreach=tried, enrolments=[member]
    )
    found = referral_quality(tables, period=Period.month("2026-09"), as_of=AS_OF)
    (row,) = found.to_dict("records")
    names = ["referrals", "eligible", "reached", "enrolled", "due", "kept", "high", "rate_cents"]
    assert [row[name] for name in names] == [4, 3, 2, 1, 1, 0, 1, 80_900]
    assert (row["conversion"], row["reached_share"], row["kept_share"]) == (1 / 4, 2 / 3, 0.0)
    assert referral_quality(tables, period=Period.month("2026-09"), as_of=dt.date(2026, 12, 8))["due"].tolist() == [0]
    assert not_engaged(tables, as_of=AS_OF)["referral_id"].tolist() == ["R2"], "R1 declined, R3 is not eligible"


def test_families_are_listed_by_the_rates_of_their_senders_members():
    sent = [referral("R0", "school"), referral("R1", "hospital"), referral("R2", "school"), referral("R3", "hospital")]
    won = [
        {"enrolment_id": f"E{number}", "referral_id": f"R{number}", "region": "upstate", "payer": "harbor",
         "enrolled_on": "2026-09-10", "recorded_on": "2026-09-10"}
        for number in range(2)
    ]  # fmt: skip
    months = [
        {"member": "E0", "level": "low", "month": "2026-09"},
        {"member": "E1", "level": "high", "month": "2026-09"},
    ]
    found = not_engaged(programme(*months, referrals=sent, enrolments=won), as_of=AS_OF)
    assert found[["referral_id", "rate_cents"]].values.tolist() == [["R3", 80_900], ["R2", 24_300]]
    old = referral("R9", "hospital", on="2026-07-03")
    listed = not_engaged(programme(referrals=[old]), as_of=dt.date(2026, 12, 30))
    assert listed["days"].tolist() == [180] and pd.isna(listed["rate_cents"].iloc[0])
    assert not_engaged(programme(referrals=[old]), as_of=AS_OF).empty
