"""How clients are served, and each beside the others: every number worked out by hand."""

import datetime as dt

import pandas as pd
import pytest

from builders.account_rows import frame
from rcm_analysis.measures.portfolio import benchmark
from rcm_analysis.measures.portfolio.client_service import account_effort, meetings_held, service_levels
from rcm_analysis.periods import Period

OCTOBER = Period.month("2026-10")
END = dt.date(2026, 10, 31)


def registry(cadence="weekly", day="tuesday"):
    return pd.DataFrame({"client": ["acme"], "meeting_cadence": [cadence], "meeting_day": [day]})


def meetings(*days, status="held"):
    return {"meetings": frame("meetings", [{"meets_on": day, "status": status} for day in days], "meeting_id")}


@pytest.mark.parametrize(
    ("days", "wanted"),
    [
        # Tuesdays of October: 6, 13, 20, 27
        (["2026-10-06", "2026-10-13", "2026-10-20", "2026-10-27"], [4, 4, 0, 0]),
        (["2026-10-07", "2026-10-23"], [4, 2, 2, 0]),  # Wednesday for the 6th, Friday for the 20th
        (["2026-10-06", "2026-10-07", "2026-10-08"], [4, 1, 3, 2]),  # one meeting stands for one day
        (["2026-10-09", "2026-10-10"], [4, 2, 2, 0]),  # three days from the 6th, three from the 13th
        (["2026-09-29"], [4, 0, 4, 0]),  # another month's
    ],
)
def test_a_meeting_stands_for_the_nearest_day_of_the_cadence(days, wanted):
    found = meetings_held(meetings(*days), clients=registry(), period=OCTOBER).iloc[0]
    assert found[["expected", "held", "missed", "extra"]].tolist() == wanted


def test_the_calendar_alone_is_said_and_cancelled_meetings_are_none():
    both = [meetings(day, status=status)["meetings"] for day, status in CALENDAR.items()]
    rows = pd.concat(both, ignore_index=True)
    found = meetings_held({"meetings": rows}, clients=registry(), period=OCTOBER).iloc[0]
    assert found[["held", "by_calendar", "missed", "cancelled"]].tolist() == [1, 1, 3, 1]
    assert meetings_held(meetings(), clients=registry(), period=OCTOBER).empty, "nobody keeps a record"
    unknown = meetings_held(meetings("2026-10-06"), clients=registry(day=None), period=OCTOBER).iloc[0]
    assert unknown["expected"] == 0 and unknown["extra"] == 1 and pd.isna(unknown["meetings_held_share"])


CALENDAR = {"2026-10-06": "scheduled", "2026-10-13": "cancelled", "2026-10-20": "missed"}


def contact(day, **other):
    return {"happened_on": day, "channel": "email", **other}


def contacts(*rows):
    return {"client_contacts": frame("client_contacts", list(rows), "contact_id")}


def test_effort_is_what_the_records_say():
    fortnight = Period.days_ending(dt.date(2026, 10, 14), 14)
    rows = [contact("2026-10-05", minutes=20.0), contact("2026-10-06", minutes=None)]
    rows += [contact("2026-10-07", channel="call", minutes=40.0), contact("2026-09-30", minutes=500.0)]
    met = [{"meets_on": "2026-10-06", "status": "held", "minutes": 60.0}]
    met += [{"meets_on": "2026-10-13", "status": "cancelled", "minutes": 60.0}]
    given = contacts(*rows) | {"meetings": frame("meetings", met, "meeting_id")}
    found = account_effort(given, period=fortnight).iloc[0]
    assert found["emails_per_week"] == 1.0 and found["hours_per_week"] == 1.0, "2 e-mails, 120 minutes, two weeks"
    without = account_effort(contacts(rows[1]) | meetings(), period=fortnight).iloc[0]
    assert without["emails_per_week"] == 0.5 and pd.isna(without["hours_per_week"])
    assert account_effort(contacts() | meetings("2026-10-06"), period=fortnight).empty


def step(found, name):
    return found.set_index("step").loc[name, ["due", "in_time"]].tolist()


def test_messages_are_answered_by_business_days_and_young_ones_are_not_due():
    given = contacts(
        contact("2026-10-02", thread="a", direction="in"),  # Friday
        contact("2026-10-05", thread="a", direction="out"),  # Monday: one business day
        contact("2026-10-06", thread="b", direction="in"),
        contact("2026-10-08", thread="b", direction="out"),  # two
        contact("2026-10-06", thread="c", direction="in"),  # never
        contact("2026-10-30", thread="d", direction="in"),  # Friday; Saturday is the as-of day
    )
    assert step(service_levels(given, period=OCTOBER, as_of=END), "message_answered") == [3, 1]
    kinder = service_levels(given, period=OCTOBER, as_of=END, days={"message_answered": 2})
    assert step(kinder, "message_answered") == [3, 2]
    only_in = contacts(contact("2026-10-06", thread="c", direction="in"))
    assert service_levels(only_in, period=OCTOBER, as_of=END).empty, "our side is not recorded"


def test_claims_rejections_and_remittances():
    day = {"claim_type": "professional", "service_on": "2026-09-01", "charge_cents": 1}
    claims = [{"claim_id": name, "payer": "aetna", "entered_on": "2026-10-01", **day} for name in "123"]
    claims += [{"claim_id": "4", "payer": "self_pay", "entered_on": "2026-10-01", **day}]
    sent = [("1", "2026-10-05"), ("2", "2026-10-09"), ("2", "2026-10-12"), ("1", "2026-10-20")]
    bill = {"payer": "aetna", "payer_order": "primary", "frequency": "1", "charge_cents": 1}
    checks = [("1", "2026-10-05", "failed"), ("1", "2026-10-06", "passed"), ("2", "2026-10-09", "failed")]
    remits = [("T1", "2026-10-01"), ("T2", "2026-10-01")]
    posted = [("T1", "2026-10-02"), ("T2", "2026-10-07")]
    deposit = {"payer": "aetna", "paid_cents": 5, "claims_paid_cents": 5, "provider_adjustment_cents": 0}
    money = {"kind": "payment", "party": "primary", "amount_cents": -5, "happened_on": "2026-10-01"}
    given = {
        "claims": frame("claims", claims, "claim_id"),
        "submissions": frame(
            "submissions", [{"claim_id": one, "submitted_on": on, **bill} for one, on in sent], "submission_id"
        ),
        "claim_edits": frame(
            "claim_edits",
            [{"claim_id": one, "checked_on": on, "stage": "payer", "result": what} for one, on, what in checks],
            "edit_id",
        ),
        "deposits": frame("deposits", [{"trace": one, "received_on": on, **deposit} for one, on in remits], "remit_id"),
        "transactions": frame(
            "transactions", [{"trace": one, "posted_on": on, **money} for one, on in posted], "transaction_id"
        ),
    }
    found = service_levels(given, period=OCTOBER, as_of=END)
    assert step(found, "claim_sent") == [3, 1], "Thursday to Monday is two days; to Friday week six; one never"
    assert step(found, "rejection_reworked") == [2, 2], "passed the next day; sent again on Monday, one day later"
    assert step(found, "payment_posted") == [2, 1]


def rates(*pairs):
    rows = [{"client": f"c{n}", "denied_claims": a, "remitted_claims": b} for n, (a, b) in enumerate(pairs)]
    return pd.DataFrame(rows)


def beside(monkeypatch, *pairs):
    monkeypatch.setattr(benchmark, "initial_denial_rate_claims_remitted", lambda *_, **__: rates(*pairs))
    return benchmark.denials_beside_others({}, period=OCTOBER)


def test_a_client_stands_beside_at_least_five_others_none_of_them_large(monkeypatch):
    found = beside(monkeypatch, (30, 100), *[(10, 100)] * 5)
    first = found.iloc[0]
    assert first["others"] == 5 and first["others_rate"] == 0.1, "50 of 500, without its own 30"
    # Of 100 claims at 10 %: P(X <= 2) = 0.00194 > 0.001 and P(X <= 1) = 0.0003, so the lower limit is 2
    assert first["lower"] == 0.02 and first["upper"] == 0.2 and first["stands"] == "above"
    assert found["stands"].tolist()[1:] == ["as the others"] * 5
    assert beside(monkeypatch, (30, 100), *[(10, 100)] * 4)["others_rate"].isna().all()
    assert beside(monkeypatch, (30, 100), *[(10, 100)] * 4, (1, 29))["others_rate"].isna().all(), "29 claims are few"


def test_where_one_client_is_most_of_the_others_nothing_is_shown(monkeypatch):
    found = beside(monkeypatch, (10, 100), (40, 400), (9, 90), (8, 80), (7, 70), (6, 60))
    assert found["others_rate"].isna().tolist() == [True, False, True, True, True, True]
    assert found["stands"].tolist() == [None, "as the others", None, None, None, None]


def standing(monkeypatch, *, denied, late=None, others=5, their=5, size=100, payer="p"):
    """A client with 200 claims a year of a payer beside others with 100 each, 5 of them denied for authorization."""

    sizes = size if isinstance(size, list) else [size] * others

    def claims(name, period):
        return pd.DataFrame(
            [
                ("me", payer, 200),
                *((f"o{number}", "p", each) for number, each in zip(range(others), sizes, strict=True)),
            ],
            columns=["client", "payer", name],
        )

    def reasons(tables, *, period, by):
        mine = denied if late is None or period.first_day.month < 7 else late
        found = claims("claims", period).assign(category="authorization")
        return found.assign(claims=[mine, *[their] * others])

    monkeypatch.setattr(
        benchmark,
        "initial_denial_rate_claims_remitted",
        lambda tables, *, period, by: claims("remitted_claims", period),
    )
    monkeypatch.setattr(benchmark, "primary_denial_reasons", reasons)
    year = Period(dt.date(2026, 1, 1), dt.date(2027, 1, 1))
    return benchmark.standing_beside_others({}, period=year)


def test_a_standing_rate_beside_the_other_clients_by_hand(monkeypatch):
    """24 of 200 denied where 5 of 100 are elsewhere: 10 expected; the tail beyond 23 is 0.0001, of six clients."""
    row = standing(monkeypatch, denied=24).iloc[0]
    assert row[["client", "category", "denied_claims", "expected"]].tolist() == ["me", "authorization", 24, 10.0]
    assert row[["ratio", "denial_rate", "others_rate", "excess_claims"]].tolist() == [2.4, 0.12, 0.05, 14.0]
    assert row["q_value"] == pytest.approx(6 * 0.0001225, rel=0.05)


def test_a_large_client_is_no_more_than_one_of_the_others(monkeypatch):
    """Six times the claims and the same five denied: the mean of 5/100 four times and 5/600 once, not 25 / 1,000."""
    found = standing(monkeypatch, denied=24, size=[100, 100, 100, 100, 600])
    assert found["expected"].tolist() == [pytest.approx(200 * (4 * 0.05 + 5 / 600) / 5)]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"denied": 19}, id="less than twice as often"),
        pytest.param({"denied": 24, "late": 10}, id="not in the second half"),
        pytest.param({"denied": 24, "others": 4}, id="four others"),
        pytest.param({"denied": 2, "their": 1, "size": 200}, id="as chance has it"),
        pytest.param({"denied": 60, "payer": "q"}, id="nobody else has the payer"),
    ],
)
def test_what_does_not_stand_beside_the_other_clients(monkeypatch, other):
    assert standing(monkeypatch, **other).empty
