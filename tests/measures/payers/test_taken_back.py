"""The ledger of takebacks: the guide's worked examples as X12 texts through the reader, and that no dollar is twice."""

from __future__ import annotations

import datetime as dt

import pytest

from rcm_analysis.measures.collections.rates import cash
from rcm_analysis.measures.payers.taken_back import money_taken_back, takebacks
from rcm_analysis.periods import Period
from tests.cases.desk import blank
from tests.cases.files import answer, claim_837, remit_835

AS_OF = dt.date(2026, 6, 30)
PAID = [1, "20260120", 500, answer("C1", "800", "500", "CO*45*300", icn="ICN00012345"), []]
TAKEN = [
    *answer("C1", "-800", "-500", "CO*45*-300", status="22", icn="ICN00012345"),
    *answer("C1", "800", "300", "CO*45*500", icn="ICN00012345"),
    *answer("C2", "200", "150", "CO*45*50", icn="ICN2"),
]


def other(check, day, paid, *pairs, cents=0):
    """A later check that pays another claim."""
    claim = f"D{check}"
    return [check, day, paid, answer(claim, "900", str(cents or paid), "CO*45*1", icn=f"OTHER{check}"), list(pairs)]


@pytest.fixture
def found(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("C1", "800"))

    def read(*checks):
        for number, day, paid, claims, pairs in checks:
            plb = [f"PLB*1234567893*20261231*{'*'.join(pairs)}"] if pairs else []
            text = remit_835(str(paid), claims, trace=f"T{number}", day=day, provider=plb, control=number)
            desk.put(f"{number}.835", text)
        desk.ingest()
        return lambda day=AS_OF: takebacks(desk.tables(day), as_of=day), desk

    return read


def told(rows):
    names = ["claim_id", "kind", "amount_cents", "to_come_cents", "taken_from"]
    return [tuple(row) for row in rows[names].itertuples(index=False)]


def test_a_balance_carried_forward_and_taken_from_the_next_check(found):
    ask, desk = found(
        PAID,
        [2, "20260210", 0, TAKEN, ["FB:ICN00012345", "-50"]],
        other(3, "20260310", 350, "FB:ICN00012345", "50", cents=400),
    )
    assert told(ask(dt.date(2026, 2, 28))) == [("C1", "reversal", 20000, 5000, "T2")]
    assert told(ask()) == [("C1", "reversal", 20000, 0, "T2 T3")]
    row = ask().iloc[0]
    assert (row["reversed_cents"], row["reason"], row["age_days"]) == (50000, "lower price", 140)
    month = Period.month("2026-02")
    sums = money_taken_back(desk.tables(AS_OF), period=month, by=["payer", "month"])
    assert sums[["takebacks", "reversed_cents", "amount_cents", "to_come_cents"]].values.tolist() == [
        [1, 50000, 20000, 5000]
    ]
    assert cash(desk.tables(AS_OF), period=month)["takebacks_cents"].item() == sums["reversed_cents"].item()


def test_a_notice_and_two_checks_that_take_it_are_the_one_reversal(found):
    ask, _ = found(
        PAID,
        [2, "20260210", 150, TAKEN, ["WO:ICN-00012345", "-200"]],
        other(3, "20260310", 280, "WO:C120260115ICN00012345", "120", cents=400),
        other(4, "20260410", 220, "WO:icn 00012345", "80", cents=300),
    )
    days = [dt.date(2026, month, 28) for month in (2, 3, 4)]
    assert [ask(day)["to_come_cents"].tolist() for day in days] == [[20000], [8000], [0]]
    assert told(ask()) == [("C1", "reversal", 20000, 0, "T3 T4")]
    assert ask()["tie"].tolist() == ["CLP07"]


@pytest.mark.parametrize(
    ("pairs", "rows"),
    [
        pytest.param(["WO:ICN00012345", "200", "72:ICN00012345", "-200"], [], id="our refund, confirmed"),
        pytest.param(["WO:C1", "200"], [("C1", "recoupment", 20000, 0, "T3")], id="no reversal at all"),
        pytest.param(["WO:", "70"], [("", "recoupment", 7000, 0, "T3")], id="names no claim"),
        pytest.param(["FB:X", "30"], [("", "forwarded balance", 3000, 0, "T3")], id="carried from before"),
        pytest.param(["L6:C1", "4.5"], [("C1", "recoupment", 450, 0, "T3")], id="interest taken back"),
        pytest.param(["L6:C1", "-4.5", "CS:C1", "9", "IR", "7", "LE", "5"], [], id="no takeback"),
    ],
)
def test_what_a_pair_alone_is(found, pairs, rows):
    ask, _ = found(PAID, other(3, "20260310", 100, *pairs))
    assert told(ask()) == rows


def test_what_was_taken_before_the_reversal_was_told_is_one_takeback(found):
    ask, _ = found(
        PAID,
        other(3, "20260205", 200, "WO:C1", "200", cents=400),
        [4, "20260310", 150, TAKEN, ["WO:ICN00012345", "-200"]],
    )
    assert told(ask()) == [("C1", "reversal", 20000, 0, "T3")]


def test_an_amount_that_one_takeback_has_ties_a_reference_that_names_nothing(found):
    ask, _ = found(
        PAID, [2, "20260210", 150, TAKEN, ["WO:LTR77", "-200"]], other(3, "20260310", 200, "WO:LTR78", "200", cents=400)
    )
    assert told(ask(dt.date(2026, 2, 28))) == [("C1", "reversal", 20000, 20000, "")]
    assert told(ask()) == [("C1", "reversal", 20000, 0, "T3")]
    assert ask()["tie"].tolist() == ["amount"]


def test_a_balance_is_carried_again_and_a_later_payment_is_paid_again(found):
    back = answer("C1", "-800", "-500", "CO*45*-300", status="22", icn="ICN00012345")
    again = answer("C1", "800", "450", "CO*45*350", icn="ICN00012345")
    ask, _ = found(
        PAID,
        [2, "20260210", 0, back, ["FB", "-500"]],
        other(3, "20260310", 0, "FB", "500", "FB", "-380", cents=120),
        [4, "20260410", 70, again, ["FB", "380"]],
    )
    assert told(ask(dt.date(2026, 3, 31))) == [("C1", "reversal", 50000, 38000, "T3")]
    row = ask().iloc[0]
    assert (row["to_come_cents"], row["repaid_cents"], row["reason"]) == (0, 45000, "no correction")


def test_a_correction_that_pays_more_takes_nothing(found):
    up = [*TAKEN[:3], *answer("C1", "800", "600", "CO*45*200")]
    ask, _ = found(PAID, [2, "20260210", 100, up, []])
    assert told(ask()) == [("C1", "reversal", 0, 0, "")]
    assert ask()["reversed_cents"].tolist() == [50000]
