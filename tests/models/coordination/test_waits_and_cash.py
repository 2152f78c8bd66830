"""How long steps take, what is late, what has stopped, and the cash to come: by hand, where every answer is known."""

import datetime as dt

import pandas as pd
import pytest

from builders.care_programmes import RATE, paid_bill, programme
from rcm_analysis.models.coordination.programme_cash import programme_outlook
from rcm_analysis.models.coordination.waits import months_on_their_way, step_waits, stopped_steps

AS_OF = dt.date(2026, 12, 31)
NET = RATE - round(RATE * 0.05)


def sent(uploaded, *bills, **more):
    month = f"{pd.Timestamp(uploaded) - pd.DateOffset(months=1):%Y-%m}"
    support = {"opened_on": f"{uploaded[:7]}-01", "completed_on": uploaded, "uploaded_on": uploaded}
    return {"month": month, "bills": list(bills), **support, **more}


def days_before(count):
    return str(AS_OF - dt.timedelta(days=count))


def settled(count, decided=30, payer="harbor"):
    """Bills of days ago, each answered `decided` days after the lead billed it, and paid to us ten days later."""
    days = [days_before(60 + decided + number) for number in range(count)]
    return [sent(day, paid_bill(day, 5, 5 + decided, 15 + decided), payer=payer) for day in days]


def waiting(days, payer="harbor", **more):
    """A bill that the lead sent to the payer so many days ago."""
    lead = days_before(days)
    return sent(lead, {"uploaded_on": lead, "lead_billed_on": lead}, payer=payer, **more)


def test_the_middle_and_nine_tenths_of_a_step_by_hand():
    """Ten answers after 10, 20, ... 100 days: half are over on day 50, nine tenths on day 90."""
    bills = [
        sent(days_before(200), paid_bill(days_before(200), 0, 10 * number, 10 * number + 1)) for number in range(1, 11)
    ]
    waits = step_waits(programme(*bills), as_of=AS_OF)
    row = waits[(waits["stage"] == "lead_billed") & (waits["who"] == "(all)")].iloc[0]
    assert (row["ended"], row["open"], row["usual_days"], row["late_days"]) == (10, 0, 50.0, 90.0)
    assert waits[waits["who"] == "harbor"].empty, "fewer than twenty of its own"


def test_open_steps_count_as_open_so_that_silence_is_not_speed():
    """Ten answered on day 10, ten silent for 40 days: half never answered, so nine tenths are not known."""
    bills = [sent(days_before(100), paid_bill(days_before(100), 0, 10, 11)) for _ in range(10)]
    waits = step_waits(programme(*bills, *[waiting(40) for _ in range(11)]), as_of=AS_OF)
    row = waits[(waits["stage"] == "lead_billed") & (waits["who"] == "(all)")].iloc[0]
    assert (row["ended"], row["open"]) == (10, 11) and pd.isna(row["usual_days"]) and pd.isna(row["late_days"])


@pytest.mark.parametrize(("days", "is_late"), [(30, False), (31, True)])
def test_late_is_the_day_after_nine_tenths(days, is_late):
    rows = months_on_their_way(programme(*settled(30), waiting(days, member="W")), as_of=AS_OF)
    (row,) = rows[rows["enrolment_id"] == "W"].to_dict("records")
    assert (row["stage"], row["days"], row["is_late"]) == ("lead_billed", days, is_late)
    assert row["expected_on"] == pd.Timestamp(days_before(days)) + pd.Timedelta(days=30)


def test_each_payer_is_held_against_its_own_days_where_it_has_enough():
    fast, slow = settled(25, decided=10, payer="fast"), settled(25, decided=80, payer="slow")
    open_ones = [waiting(40, payer=payer, member=payer) for payer in ("fast", "slow", "new")]
    rows = months_on_their_way(programme(*fast, *slow, *open_ones), as_of=AS_OF).set_index("enrolment_id")
    assert rows.loc[["fast", "slow", "new"], "is_late"].tolist() == [True, False, False]


def test_nothing_measured_is_nothing_late():
    (row,) = months_on_their_way(programme(waiting(300)), as_of=AS_OF).to_dict("records")
    assert not row["is_late"] and pd.isna(row["expected_on"])


def test_a_lead_that_stops_paying_on_is_found_and_dated():
    """It paid every third day until September 2, and since then the payer has paid it and it has paid nobody."""
    days = [f"2026-0{1 + number // 10}-{1 + 2 * (number % 10):02d}" for number in range(60)]
    paid = [sent(day, paid_bill(day, 5, 20, 30)) for day in days]
    bill = {"uploaded_on": "2026-09-10", "lead_billed_on": "2026-09-12", "payer_decided_on": "2026-10-01"}
    held = [sent("2026-09-10", bill | {"payer_paid_cents": RATE}) for _ in range(4)]
    tables = programme(*paid, *held)
    last = tables["care_claims"]["agency_paid_on"].dropna().max()
    found = stopped_steps(tables, as_of=AS_OF)
    (row,) = found[found["stage"] == "paid_to_lead"].to_dict("records")
    assert (row["who"], row["waiting"], row["amount_cents"]) == ("Bridge", 4, 4 * RATE)
    assert row["last_on"] == pd.Timestamp(last) and row["quiet_days"] == (AS_OF - pd.Timestamp(last).date()).days
    early = stopped_steps(tables, as_of=(pd.Timestamp(last) + pd.Timedelta(days=3)).date())
    assert early[early["stage"] == "paid_to_lead"].empty, "three quiet days are usual"


def outlook(*months, **more):
    return programme_outlook(programme(*months, **more), as_of=AS_OF, months=4).set_index("month")


def test_a_bill_at_a_fixed_pace_is_foreseen_in_its_month_less_the_fee():
    """Everything is paid 45 days after the upload; one bill was uploaded 20 days ago, another today."""
    found = outlook(*settled(30, decided=30), sent(days_before(20), {"uploaded_on": days_before(20)}))
    assert found["billed_cents"].tolist() == [NET, 0, 0, 0]
    found = outlook(*settled(30, decided=30), sent(days_before(0), {"uploaded_on": days_before(0)}))
    assert found["billed_cents"].tolist() == [0, NET, 0, 0]
    assert found["cash_cents"].tolist() == found[[name for name in found if name != "cash_cents"]].sum(axis=1).tolist()


def test_what_payers_deny_is_not_foreseen():
    """One of four bills is denied on the day on which the others are paid."""
    done = settled(40, decided=30)
    for place in range(0, 40, 4):
        bill = done[place]["bills"][0]
        day = bill["agency_paid_on"]
        done[place]["bills"] = [
            {"uploaded_on": bill["uploaded_on"], "lead_billed_on": bill["lead_billed_on"], "payer_decided_on": day,
             "payer_paid_cents": 0, "denial_reason": "late"}
        ]  # fmt: skip
    found = outlook(*done, sent(days_before(20), {"uploaded_on": days_before(20)}))
    assert found["billed_cents"].iloc[0] == round(NET * 3 / 4)


def test_months_to_come_are_this_months_members_opened_when_their_month_is_over():
    """Uploaded the day the month is opened, paid 45 days later: December's month is paid on February 14."""
    done = [month | {"opened_on": month["uploaded_on"]} for month in settled(30, decided=30)]
    found = outlook(*done, {"month": "2026-12", "member": "M1"}, {"month": "2026-12", "member": "M2"})
    assert found["to_come_cents"].tolist() == [0, 2 * NET, 2 * NET, 2 * NET]


def test_what_was_taken_back_comes_off_in_proportion():
    done = settled(30, decided=30)
    back = {"recoupment_id": "R", "care_claim_id": "E0-x", "taken_on": days_before(3), "amount_cents": 3 * NET}
    found = outlook(*done, sent(days_before(20), {"uploaded_on": days_before(20)}), care_recoupments=[back])
    assert found["taken_back_cents"].tolist() == [-round(NET * 0.1), 0, 0, 0]


def test_nothing_paid_yet_foresees_nothing():
    assert programme_outlook(programme(waiting(10)), as_of=AS_OF).empty
