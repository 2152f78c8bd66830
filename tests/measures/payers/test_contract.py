"""What a payer should have allowed: golden lines by hand, every rule of exclusion, the inferred reference, every
engine."""

from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.measures.payers.contract import EXPECTED, LINE, expected_allowed, hold
from rcm_analysis.tables.frames import collect

AS_OF = dt.date(2026, 12, 31)
WORDS = [*LINE, "modifiers", "place_of_service", "contract_modifiers", "basis", "method", "excluded"]
WORDS += ["decided_procedure", "change", "change_basis", "unit"]
DATES = ("service_on", "received_on", "contract_from")


def expected(tables, as_of=AS_OF):
    rows = expected_allowed(tables, as_of=as_of)
    rows = rows.drop("decided_units").with_columns(units=(nw.col("units") * 100).cast(nw.Int64))
    return collect(rows, WORDS, dates=DATES)


def one(tables, as_of=AS_OF):
    found = expected(tables, as_of)
    assert len(found) == 1
    return found.iloc[0]


FEES = [
    {"allowed": 10000},
    {"allowed": 15000, "modifiers": "50"},
    {"allowed": 4200, "modifiers": "26", "procedure": "93306"},
    {"allowed": 10000, "procedure": "93306"},
    {"allowed": 3000, "procedure": "97110"},
]
PRICES = [
    pytest.param({"allowed": 9000}, 10000, "", id="the price of the schedule"),
    pytest.param({"allowed": 9000, "units": None}, 10000, "", id="units not stated are one"),
    pytest.param({"allowed": 8000, "procedure": "97110", "units": 3.0}, 9000, "", id="three units cost three times"),
    pytest.param({"allowed": 8000, "charge": 9500}, 9500, "", id="lesser of price and charge"),
    pytest.param(
        {"allowed": 5000, "procedure": "97110", "units": 3.0, "charge": 8000},
        8000,
        "",
        id="lesser of three prices and the charge",
    ),
    pytest.param(
        {"allowed": 9000, "modifiers": "25"},
        10000,
        "",
        id="a modifier that changes no price, without a price of its own",
    ),
    pytest.param({"allowed": 9000, "modifiers": "59:RT"}, 10000, "", id="two modifiers that change no price"),
    pytest.param({"allowed": 9000, "modifiers": "50"}, 15000, "", id="bilateral with a price of its own"),
    pytest.param(
        {"allowed": 4000, "procedure": "93306", "modifiers": "26"},
        4200,
        "",
        id="professional component with a price of its own",
    ),
    pytest.param(
        {"allowed": 4000, "procedure": "93306", "modifiers": "59:26"},
        4200,
        "",
        id="the component's price, whatever stands before it",
    ),
    pytest.param(
        {"allowed": 4000, "procedure": "93306", "modifiers": "TC"},
        None,
        "modifier",
        id="technical component without a price",
    ),
    pytest.param({"allowed": 9000, "modifiers": "52"}, None, "modifier", id="reduced service without a price"),
    pytest.param({"allowed": 9000, "modifiers": "RT:80"}, None, "modifier", id="assistant surgeon without a price"),
    pytest.param({"allowed": 9000, "units": 1.5}, None, "units", id="a fraction of a unit"),
    pytest.param({"allowed": 9000, "procedure": "99999"}, None, "", id="no such code in the schedule"),
    pytest.param({"allowed": 9000, "payer": "cigna"}, None, "", id="no schedule of this payer"),
    pytest.param(
        {"allowed": 9000, "place": "22"}, None, "", id="a professional in a hospital: schedules hold no places"
    ),
    pytest.param({"allowed": 9000, "place": "22", "claim_type": "institutional"}, 10000, "", id="the hospital itself"),
    pytest.param({"allowed": 9000, "billed": False}, 10000, "", id="a line we have no bill of is priced as decided"),
]


@pytest.fixture(scope="module")
def priced(builders_contract):
    """All cases of PRICES in one book, by the words of the case."""
    b = builders_contract
    fees = [b.fee(entry.pop("allowed"), **entry) for entry in map(dict, FEES)]
    return expected(b.tables(*[b.paid(case.id, **case.values[0]) for case in PRICES], fees=fees)).set_index("claim_id")


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in PRICES])
def test_the_price_of_the_contract(priced, case):
    _, contract, excluded = case.values
    found = priced.loc[case.id]
    assert found["excluded"] == excluded
    assert found["basis"] == ("contract" if contract else "")
    if contract:
        assert (found["contract_cents"], found["expected_cents"]) == (contract, contract)


EXCLUDED = [
    pytest.param([("CO", "24", 11000)], 9000, "capitated", id="capitated (24)"),
    pytest.param([("CO", "24", 20000)], 0, "capitated", id="capitated and nothing allowed"),
    pytest.param([("CO", "59", 5000)], 5000, "multiple_procedure", id="multiple procedures (59)"),
    pytest.param([("CO", "253", 180)], 9000, "", id="sequestration (253) is part of what was allowed"),
    pytest.param([("CO", "104", 500)], 9000, "", id="a withhold (104) is part of what was allowed"),
    pytest.param([("PR", "1", 9000)], 9000, "", id="all to the deductible: nothing paid, all allowed"),
    pytest.param([("PR", "2", 1800), ("CO", "253", 144)], 9000, "", id="coinsurance and sequestration"),
    pytest.param([("CO", "237", 1000)], 9000, "lawful_reduction", id="a penalty set by law"),
    pytest.param([("CO", "131", 1000)], 9000, "lawful_reduction", id="a discount negotiated for this claim"),
    pytest.param([("OA", "23", 5000)], 4000, "prior_payer", id="another payer paid first"),
    pytest.param([("CO", "197", 20000)], 0, "denied", id="denied"),
    pytest.param([("CO", "97", 4000)], 6000, "denied", id="denied in part"),
    pytest.param([("PR", "66", 1000)], 8000, "patient_other", id="a blood deductible"),
    pytest.param([("PR", "204", 11000)], 9000, "patient_other", id="the patient's, because not covered"),
    pytest.param([], 0, "zero_allowed", id="all discounted away"),
    pytest.param([("CO", "ZZ9", 1000)], 9000, "other_code", id="a code nobody knows"),
]


@pytest.fixture(scope="module")
def adjusted(builders_contract):
    """All cases of EXCLUDED in one book, by the words of the case."""
    b = builders_contract
    payments = [b.paid(case.id, case.values[1], cas=tuple(case.values[0])) for case in EXCLUDED]
    return expected(b.tables(*payments, fees=[b.fee(10000)])).set_index("claim_id")


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in EXCLUDED])
def test_what_is_not_compared(adjusted, case):
    _, allowed, excluded = case.values
    assert adjusted.loc[case.id, ["excluded", "allowed_cents"]].tolist() == [excluded, allowed]


def test_a_line_that_does_not_balance_is_not_compared(builders_contract):
    b = builders_contract
    assert one(b.tables(b.paid("C", 9000, discount=5000), fees=[b.fee(10000)]))["excluded"] == "unbalanced"


@pytest.mark.parametrize("status,order", [("2", "secondary"), ("3", "tertiary"), ("20", "secondary")])
def test_a_secondary_payer_owes_no_contract_price(builders_contract, status, order):
    b = builders_contract
    assert expected(b.tables(b.paid("C", 9000, status=status, order=order), fees=[b.fee(10000)])).empty


HISTORIES = [
    pytest.param([("paid", 9000, "2026-06-05")], "2026-06-30", 9000, "", id="as first decided"),
    pytest.param(
        [("paid", 9000, "2026-06-05"), ("back", 0, "2026-08-01")],
        "2026-08-31",
        0,
        "recouped",
        id="taken back, the correction is still to come",
    ),
    pytest.param(
        [("paid", 9000, "2026-06-05"), ("back", 0, "2026-08-01"), ("paid", 10000, "2026-08-20")],
        "2026-08-31",
        10000,
        "",
        id="taken back, and corrected weeks later",
    ),
    pytest.param(
        [("paid", 9000, "2026-06-05"), ("back", 0, "2026-08-01"), ("paid", 10000, "2026-08-20")],
        "2026-07-31",
        9000,
        "",
        id="before anybody knew of it",
    ),
    pytest.param(
        [("paid", 9000, "2026-06-05"), ("paid", 10000, "2026-08-01"), ("back", 0, "2026-08-01")],
        "2026-08-31",
        10000,
        "",
        id="the correction stands before the reversal in the file",
    ),
    pytest.param(
        [("paid", 9000, "2026-06-05"), ("paid", 1000, "2026-08-01")],
        "2026-08-31",
        10000,
        "",
        id="the rest paid on top, without a reversal",
    ),
    pytest.param(
        [("denied", 0, "2026-06-05"), ("paid", 10000, "2026-08-01")],
        "2026-08-31",
        10000,
        "",
        id="denied and then paid, without a reversal",
    ),
    pytest.param(
        [("paid", 9000, "2026-06-05"), ("back", 0, "2026-08-01"), ("denied", 0, "2026-08-01")],
        "2026-08-31",
        0,
        "denied",
        id="taken back for good",
    ),
]


@pytest.mark.parametrize(("events", "as_of", "allowed", "excluded"), HISTORIES)
def test_the_latest_net_decision_stands(builders_contract, events, as_of, allowed, excluded):
    b = builders_contract
    first = b.paid("C", 9000)
    made = {
        "paid": lambda cents, on: b.paid("C", cents, on=on),
        "back": lambda _, on: b.taken_back(first, on),
        "denied": lambda _, on: b.paid("C", 0, on=on, cas=(("CO", "197", 20000),)),
    }
    payments = [made[kind](cents, on) for kind, cents, on in events]
    found = one(b.tables(*payments, fees=[b.fee(10000)]), dt.date.fromisoformat(as_of))
    assert (found["allowed_cents"], found["excluded"]) == (allowed, excluded)


def test_every_decision_can_be_asked_for(builders_contract):
    b = builders_contract
    first = b.paid("C", 9000)
    book = b.tables(first, b.taken_back(first, "2026-08-01"), b.paid("C", 10000, on="2026-08-20"), fees=[b.fee(10000)])
    every = collect(expected_allowed(book, as_of=AS_OF, every_decision=True), WORDS, dates=DATES)
    assert sorted(every["allowed_cents"]) == [9000, 10000]


@pytest.mark.parametrize(("service", "price"), [("2026-05-14", 10000), ("2026-05-15", 9600), ("2025-12-31", None)])
def test_the_schedule_in_force_on_the_day_of_service_counts(builders_contract, service, price):
    """The price changes in the middle of May; there was none before January."""
    b = builders_contract
    fees = [b.fee(10000, "2026-01-01", "2026-05-14"), b.fee(9600, "2026-05-15")]
    found = one(b.tables(b.paid("C", 9000, service=service), fees=fees))
    assert found["basis"] == ("contract" if price else "") and found["expected_cents"] == (price or 0)


# -- the inferred reference ------------------------------------------------------------------------


def history(b, amounts, *, on="2026-05-05", **other):
    return [b.paid(f"H{number}", cents, on=on, service="2026-04-20", **other) for number, cents in enumerate(amounts)]


USUAL = [
    pytest.param([10000] * 10, 10000, 10000, "mode", id="ten lines at one price"),
    pytest.param([10000] * 9, None, None, "", id="nine lines are too few"),
    pytest.param([10000] * 11 + [9000] * 9, 10000, 10000, "mode", id="55 % at one price is the mode"),
    pytest.param(
        [8000] * 4 + [9000] * 6 + [10000] * 10, 9000, 10000, "median", id="half at one price is not: the median"
    ),
    pytest.param(
        [9000] * 8 + [10000] * 2, 9000, 10000, "mode", id="mostly underpaid: the mode is the underpayment, P90 shows it"
    ),
    pytest.param([9000] * 19 + [10000], 9000, 9000, "mode", id="one in twenty does not lift P90"),
    pytest.param(
        [10000] * 10 + [CHARGE := 20000] * 30,
        10000,
        10000,
        "mode",
        id="lines held down by their charge say nothing of the price",
    ),
]


@pytest.mark.parametrize(("amounts", "usual", "high", "method"), USUAL)
def test_the_usual_amount(builders_contract, amounts, usual, high, method):
    b = builders_contract
    found = expected(b.tables(*history(b, amounts), b.paid("C", 9500)))
    line = found[found["claim_id"] == "C"].iloc[0]
    assert (line["method"], line["basis"]) == (method, "inferred" if method else "")
    assert (line["inferred_cents"], line["high_cents"], line["expected_cents"]) == (usual or 0, high or 0, usual or 0)


NOT_THE_SAME = [
    pytest.param({"modifiers": "25"}, id="another modifier"),
    pytest.param({"place": "22"}, id="another place"),
    pytest.param({"payer": "cigna"}, id="another payer"),
    pytest.param({"procedure": "99214"}, id="another code"),
    pytest.param({"on": "2026-06-01"}, id="the same month: no history"),
    pytest.param({"cas": (("CO", "59", 100),)}, id="lines not comparable"),
]


@pytest.mark.parametrize("other", NOT_THE_SAME)
def test_only_earlier_lines_of_the_same_kind_make_the_usual_amount(builders_contract, other):
    b = builders_contract
    found = expected(b.tables(*history(b, [10000] * 12, **other), b.paid("C", 9500)))
    assert found.set_index("claim_id").loc["C", "basis"] == ""


def test_last_years_contract_is_no_reference(builders_contract):
    b = builders_contract
    old = [b.paid(f"H{number}", 10000, on="2025-12-05", service="2025-11-20") for number in range(12)]
    found = expected(b.tables(*old, b.paid("C", 9500, on="2026-02-05", service="2026-01-20")))
    assert found.set_index("claim_id").loc["C", "basis"] == ""


def test_units_and_the_charge_hold_for_the_inferred_amount_as_well(builders_contract):
    b = builders_contract
    book = b.tables(
        *history(b, [10000] * 12),
        b.paid("C", 15000, units=2.0, charge=30000),
        b.paid("D", 11000, units=2.0, charge=12000),
    )
    found = expected(book).set_index("claim_id")["inferred_cents"]
    assert (found["C"], found["D"]) == (20000, 12000)


def test_a_price_of_the_contract_comes_before_the_usual_amount(builders_contract):
    b = builders_contract
    found = (
        expected(b.tables(*history(b, [9000] * 12), b.paid("C", 9000), fees=[b.fee(10000)]))
        .set_index("claim_id")
        .loc["C"]
    )
    assert (found["basis"], found["expected_cents"], found["inferred_cents"]) == ("contract", 10000, 0)


# -- every engine ----------------------------------------------------------------------------------


def random_book(b, count=120):
    """Two payers, one with a schedule; units, modifiers, denials, takebacks, a second payer."""
    payments = []
    for number in range(count):
        payer = "aetna" if number % 2 else "cigna"
        on, service = f"2026-{4 + number % 6:02d}-{1 + number % 27:02d}", "2026-03-15"
        units = float(1 + (number % 7 == 0))
        cas = (("CO", "197", 20000),) if number % 17 == 0 else (("PR", "1", 500), ("CO", "253", 30))
        allowed = 0 if number % 17 == 0 else int((8000 if number % 5 == 0 else 9000) * units)
        made = b.paid(
            f"C{number}",
            allowed,
            payer=payer,
            on=on,
            service=service,
            units=units,
            cas=cas,
            modifiers=[None, "25", "52"][number % 11 % 3],
        )
        payments.append(made)
        if number % 23 == 0:
            payments += [
                b.taken_back(made, "2026-10-20"),
                b.paid(f"C{number}", 7000, payer=payer, on="2026-10-21", service=service),
            ]
    return b.tables(
        *payments, fees=[b.fee(9000), b.fee(9500, "2026-03-01")], rules=[b.rule(90), b.rule(60, payer="cigna")]
    )


def test_every_engine_gives_the_same_to_the_cent(builders_contract, as_engine, engine):
    book = random_book(builders_contract)
    ours = expected(book)
    assert len(ours) > 100 and set(ours["basis"]) == {"contract", "inferred", ""}
    assert {*ours.columns, "decided_units"} == {*EXPECTED}
    assert_frame_equal(expected(as_engine(book, engine)), ours)


def test_without_any_table_of_prices_nothing_is_expected_of_young_lines(builders_contract):
    b = builders_contract
    book = b.tables(b.paid("C", 9000))
    del book["fee_schedules"]
    assert one(book)["basis"] == ""
    assert pd.isna(one(book)["contract_from"])


def test_answers_held_for_some_days_are_those_that_would_be_worked_out(builders_contract):
    """Two days held (the later one knows the takebacks of October), and one that is not."""
    book = random_book(builders_contract)
    days = [dt.date(2026, 8, 31), dt.date(2026, 12, 31)]
    held = hold(book, *days)
    assert expected(held, days[0])["allowed_cents"].sum() != expected(held, days[1])["allowed_cents"].sum()
    for day in (*days, dt.date(2026, 10, 20)):
        assert_frame_equal(expected(held, day), expected(book, day))
    assert hold(book) == dict(book)


def test_a_payment_by_line_that_was_reversed_as_a_whole_is_not_compared(builders_contract):
    """Against X12 RFI 1733: what was taken back of which line cannot be known; nothing is called underpaid on a
    guess."""
    b = builders_contract
    first, sound = b.paid("C", 9000), b.paid("D", 9000)
    book = b.tables(first, b.taken_back(first, "2026-08-01"), sound, fees=[b.fee(10000)])
    reversed_id = (
        nw.from_native(book["remit_claims"])
        .lazy()
        .filter(nw.col("status") == "22")
        .collect()
        .to_pandas()["remit_claim_id"]
        .iloc[0]
    )
    lines = nw.from_native(book["remit_lines"]).filter(nw.col("remit_claim_id") != reversed_id)
    assert expected(book | {"remit_lines": lines.to_native()})["claim_id"].tolist() == ["D"]
    assert expected(book | {"remit_lines": lines.to_native()}, dt.date(2026, 7, 31))["claim_id"].tolist() == [
        "C",
        "D",
    ], "before it was reversed"
