"""Interest owed by prompt-pay laws: the guide's worked examples, the borders of rules, and what nobody can judge."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.examples.remittances import example_late_payments
from rcm_analysis.measures.payers.prompt_pay import late_payments, prompt_pay_interest
from rcm_analysis.periods import Period
from rcm_analysis.tables.reference.prompt_pay import prompt_pay_laws
from tests.cases.desk import REGISTRY, blank
from tests.cases.files import BLUE, answer, claim_837, remit_835

AS_OF = dt.date(2026, 12, 31)


def paid(state="NY", kind="commercial", funding="insured", *, received="2026-03-02", on="2026-05-15", **cents):
    """The example, received and paid on these days by this kind of payer."""
    tables = example_late_payments()
    day = pd.Timestamp(received)
    tables["payers"] = tables["payers"].assign(payer_class=kind, funding=funding, state=state)
    tables["submissions"]["submitted_on"] = day - pd.Timedelta(days=1)
    tables["claim_edits"]["checked_on"] = day
    claims = tables["remit_claims"].assign(paid_on=pd.Timestamp(on), received_on=pd.Timestamp(on), **cents)
    gap = claims["charge_cents"] - claims["paid_cents"]
    tables["remit_adjustments"] = tables["remit_adjustments"].assign(amount_cents=gap, received_on=pd.Timestamp(on))
    return tables | {"remit_claims": claims}


def owed(*words, as_of=AS_OF, **more):
    found = late_payments(paid(*words, **more), as_of=as_of)
    return found["owed_cents"].tolist()


DC = {"received": "2026-01-01", "paid_cents": 100000}


@pytest.mark.parametrize(
    ("expected", "words", "more"),
    [
        pytest.param([1808], ("NY",), {"paid_cents": 125000}, id="guide: New York, 44 days at 12 %"),
        pytest.param(
            [122],
            (None, "medicare", None),
            {"received": "2025-03-01", "on": "2025-04-12", "paid_cents": 80000},
            id="guide: Medicare, 12 days at 4.625 %",
        ),
        pytest.param([1085], ("OH",), {"on": "2026-05-15", "paid_cents": 50000}, id="Ohio, 44 days at 18 %"),
        pytest.param([1447], ("NJ",), {"paid_cents": 100000}, id="New Jersey, 44 days at 12 %"),
        pytest.param([], ("PA",), {"on": "2026-04-16", "paid_cents": 100000}, id="Pennsylvania, paid on day 45"),
        pytest.param([795], ("PA",), {"paid_cents": 100000}, id="Pennsylvania, 29 days at 10 %"),
        pytest.param([], ("OR",), {"on": "2026-04-02", "paid_cents": 608333}, id="Oregon, two dollars are not owed"),
        pytest.param(
            [1085 + 1500],
            ("CA", "managed_care"),
            {"received": "2026-01-05", "on": "2026-03-20", "paid_cents": 60000},
            id="guide: California plan, 44 days at 15 %, and $15",
        ),
        pytest.param(
            [1085],
            ("CA", "managed_care"),
            {"received": "2026-01-05", "on": "2026-03-20", "paid_cents": 60000, "interest_cents": 1085},
            id="guide: the same, paid with its interest",
        ),
        pytest.param(
            [723 + 1500],
            ("CA", "commercial"),
            {"received": "2026-01-05", "on": "2026-03-20", "paid_cents": 60000},
            id="a California insurer at 10 %",
        ),
        pytest.param([3833], ("DC",), {**DC, "on": "2026-04-06"}, id="guide: D.C., day 95, two steps"),
        pytest.param([], ("DC",), {**DC, "on": "2026-01-31"}, id="D.C., day 30 is in time"),
        pytest.param([50], ("DC",), {**DC, "on": "2026-02-01"}, id="D.C., day 31"),
        pytest.param([1500], ("DC",), {**DC, "on": "2026-03-02"}, id="D.C., day 60: the last at 1.5 %"),
        pytest.param([1567], ("DC",), {**DC, "on": "2026-03-03"}, id="D.C., day 61: the first at 2 %"),
        pytest.param([5583], ("DC",), {**DC, "on": "2026-05-02"}, id="D.C., day 121: the first at 2.5 %"),
        pytest.param(
            [30000],
            ("TX",),
            {"on": "2026-04-21", "paid_cents": 40000, "charge_cents": 100000},
            id="guide: Texas, 20 days late, half of charge less contract",
        ),
        pytest.param([30000], ("TX",), {"on": "2026-05-16", "paid_cents": 40000, "charge_cents": 100000}, id="TX 45"),
        pytest.param([60000], ("TX",), {"on": "2026-05-17", "paid_cents": 40000, "charge_cents": 100000}, id="TX 46"),
        pytest.param([60000], ("TX",), {"on": "2026-06-30", "paid_cents": 40000, "charge_cents": 100000}, id="TX 90"),
        pytest.param(
            [62693], ("TX",), {"on": "2026-07-01", "paid_cents": 40000, "charge_cents": 100000}, id="TX 91: 18 % more"
        ),
        pytest.param([10000000], ("TX",), {"on": "2026-04-21", "paid_cents": 1, "charge_cents": 90000000}, id="TX cap"),
        pytest.param([], ("NY",), {"on": "2026-04-02", "paid_cents": 100000}, id="New York owes nothing below $2"),
        pytest.param([], ("NY",), {"on": "2026-04-01"}, id="the thirtieth day is in time"),
        pytest.param([], ("CA", "commercial"), {"received": "2025-08-01", "on": "2025-12-31"}, id="before the law"),
        pytest.param([], (None, "medicare", None), {"on": "2026-09-01"}, id="no rate of Medicare known"),
    ],
)
def test_what_a_law_owes(expected, words, more):
    assert owed(*words, **more) == expected


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        ("owed", ("NY",)),
        ("possible", ("NY", "commercial", None)),
        ("possible", ("NY", "managed_care", None)),
        ("not insured", ("NY", "commercial", "self_funded")),
        ("not insured", ("NY", "managed_care", "government")),
        ("not insured", ("NY", "medicaid", None)),
        ("not insured", ("NY", "workers_compensation", None)),
        ("kind of payer unknown", ("NY", "other", None)),
        ("no state", (None, "commercial", "insured")),
        ("no law on file", ("WY",)),
        ("no law on file", (None, "medicare", None)),
    ],
)
def test_who_can_be_judged(standing, words):
    found = prompt_pay_interest(paid(*words), period=Period.month("2026-05"), by=["standing"])
    judged = standing in ("owed", "possible")
    cents = {"owed": [1808, 0], "possible": [0, 1808]}.get(standing, [0, 0])
    names = ["standing", "judged", "not_judged", "missing_cents", "possible_cents"]
    assert found[names].values.tolist() == [[standing, int(judged), int(not judged), *cents]]


def test_without_the_table_of_payers_nothing_is_judged():
    tables = {name: frame for name, frame in paid().items() if name != "payers"}
    found = prompt_pay_interest(tables, period=Period.month("2026-05"), by=["standing"])
    assert found[["standing", "owed_cents"]].values.tolist() == [["kind of payer unknown", 0]]


@pytest.mark.parametrize("stage", ["clearinghouse", "payer"])
def test_a_bill_that_a_front_end_rejected_is_not_clean(stage):
    tables = paid()
    failed = tables["claim_edits"].assign(stage=stage, result="failed")
    tables["claim_edits"] = pd.concat([tables["claim_edits"], failed])
    assert late_payments(tables, as_of=AS_OF).empty


def test_the_clock_starts_with_the_day_after_the_bill_where_no_front_end_says_more():
    tables = paid()
    tables["claim_edits"] = tables["claim_edits"].assign(stage="scrubber")
    assert late_payments(tables, as_of=AS_OF)["days_late"].tolist() == [44]


def test_interest_is_proportional_and_nothing_is_known_before_the_payment():
    double = late_payments(paid(paid_cents=250000, charge_cents=400000), as_of=AS_OF)["owed_cents"]
    assert double.tolist() == [3616]
    assert late_payments(paid(), as_of=dt.date(2026, 5, 14)).empty
    assert late_payments(paid(), as_of=dt.date(2026, 5, 15), since=dt.date(2026, 5, 15))["claim_id"].tolist() == ["C1"]


@pytest.mark.parametrize(
    ("of_check", "rows"),
    [
        ("10", [["C2", "owed", 44, 1808, 0, 1808], ["C1", "owed", 44, 1808, 1000, 808]]),
        ("12.5", [["C2", "owed", 44, 1808, 0, 1808], ["C1", "owed", 44, 1808, 1250, 558]]),
        (
            "50",
            [
                *(["", "paid without a claim", 0, 0, 1384, 0], ["C1", "owed", 44, 1808, 1808, 0]),
                ["C2", "owed", 44, 1808, 1808, 0],
            ],
        ),
    ],
)
def test_an_835_says_what_interest_came_with_a_claim_and_with_a_check(tmp_path, of_check, rows):
    desk = blank(tmp_path)
    insured = 'payer_class = "commercial"\nfunding = "insured"'
    registry = REGISTRY.replace('payer_class = "commercial"', insured)
    desk.configure("clients.toml", registry.replace('name = "Acme Ortho"', 'name = "Acme Ortho"\nstate = "NY"'))
    for number, claim in enumerate(("C1", "C2"), start=1):
        sent = claim_837(claim, "2000", day="20260301", served="20260220", payer=BLUE, member=claim, control=number)
        desk.put(f"{claim}.837", sent)
    paid_late = [*answer("C1", "2000", "1250", "CO*45*750"), *answer("C2", "2000", "1250", "CO*45*750", icn="B")]
    paid_late.insert(1, "AMT*I*10")
    plb = [f"PLB*1234567893*20261231*L6:X*-{of_check}"]
    desk.put("1.835", remit_835(str(2500 + float(of_check)), paid_late, day="20260515", payer=BLUE, provider=plb))
    desk.ingest()
    found = late_payments(desk.tables(AS_OF), as_of=AS_OF)
    names = ["claim_id", "standing", "days_late", "owed_cents", "interest_cents", "missing_cents"]
    assert found[names].values.tolist() == rows
    sums = prompt_pay_interest(desk.tables(AS_OF), period=Period.month("2026-05"))
    paid_in_all, missing = (sum(row[place] for row in rows) for place in (4, 5))
    assert sums.iloc[0].tolist() == ["bluex", 2, 2, 0, 3616, paid_in_all, missing, 0]
    assert prompt_pay_interest(desk.tables(AS_OF), period=Period.month("2026-06"), by=()).iloc[0].sum() == 0


def test_every_law_has_its_source_and_its_steps_follow_each_other():
    laws = prompt_pay_laws()
    assert laws["source"].str.len().gt(20).all() and laws["source_date"].ne("").all()
    assert laws[["rate", "penalty_share"]].notna().any(axis=1).all()
    held = ["law", "payer_class", "effective_from"]
    firsts = laws.groupby(held, dropna=False)["late_from"].agg(list)
    assert all(steps == sorted(set(steps)) and steps[0] == 1 for steps in firsts)
