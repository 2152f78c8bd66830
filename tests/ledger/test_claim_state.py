"""What is so from what was sent and answered, rule by rule, each case worked by hand."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from builders.claim_histories import bill, clp, day, remits, rows
from rcm_analysis.ledger import claim_numbers, claim_state
from rcm_analysis.ledger.adjudications import claim_adjudications, first_adjudications, net_positions, primary_reasons
from rcm_analysis.tables.schema import CLAIM_LINES, CLAIMS, REMIT_LINES, SUBMISSIONS

LATER = dt.date(2026, 12, 31)


def settled(*given: dict, bills: list[dict] = (), claims: list[dict] = ()) -> dict[str, pl.DataFrame]:
    tables = remits(*given)
    found = claim_state.settle_answers(*tables.values(), rows(SUBMISSIONS, list(bills)), rows(CLAIMS, list(claims)))
    return {**tables, "remit_claims": found}


def answers(*given: dict, **other) -> dict[str, str]:
    """Claim payment -> the answer that it is part of."""
    return dict(settled(*given, **other)["remit_claims"].select("remit_claim_id", "answer_id").iter_rows())


def only(frame) -> dict:
    found = frame.to_native().collect().to_dicts()
    assert len(found) == 1, found
    return found[0]


# ------------------------------------------------------------ signs
CO45, CO45_BACK = ("CO", "45", 10000), ("CO", "45", -10000)
SIGNS = [
    pytest.param((40000, 30000, 10000), (-40000, -30000, -10000), id="nothing has a sign"),
    pytest.param((-40000, -30000, -10000), (-40000, -30000, -10000), id="everything has one"),
    pytest.param((-40000, -30000, 10000), (-40000, -30000, -10000), id="only the adjustments have none"),
    pytest.param((-40000, 30000, -10000), (-40000, -30000, -10000), id="only the payment has none"),
    pytest.param((40000, -30000, -10000), (-40000, -30000, -10000), id="only the charge has none"),
    pytest.param((-40000, 30000, 10000), (-40000, -30000, -10000), id="only the charge has one"),
    pytest.param((40000, 0, 40000), (-40000, 0, -40000), id="a denial taken back without a sign"),
    pytest.param((-40000, -30000, 0), (-40000, -30000, 0), id="without its adjustments, as sent"),
    pytest.param((40000, 30000, 0), (-40000, -30000, 0), id="without its adjustments and without signs"),
    pytest.param((-5000, 2000, -7000), (-5000, 2000, -7000), id="money given back by a reversal that balances"),
]


@pytest.mark.parametrize(("sent", "stored"), SIGNS)
def test_a_reversal_takes_back_however_its_signs_were_sent(sent, stored):
    charge, paid, cut = sent
    line = ("99213", charge, paid, *([("CO", "45", cut)] if cut else []))
    tables = remits(clp("r", "02-01", charge, paid, lines=[line], status="22"))
    claims, lines, adjustments, _ = claim_state.signed_reversals(*tables.values())
    found = (claims["charge_cents"][0], claims["paid_cents"][0], adjustments["amount_cents"].sum())
    assert found == stored
    assert (lines["charge_cents"][0], lines["paid_cents"][0]) == stored[:2]
    again = claim_state.signed_reversals(claims, lines, adjustments)
    assert again[3].is_empty() and again[0].equals(claims) and again[2].equals(adjustments)


def test_a_reversal_without_signs_nets_to_nothing():
    first = clp("a", "01-20", 40000, 30000, CO45)
    claims, lines, adjustments, turned = claim_state.signed_reversals(
        *remits(first, clp("b", "02-20", 40000, 30000, CO45, status="22")).values()
    )
    tables = {"remit_claims": claims, "remit_lines": lines, "remit_adjustments": adjustments}
    found = only(net_positions(tables, as_of=LATER))
    assert (found["paid_cents"], found["charge_cents"], found["contractual_cents"], found["outcome"]) == (
        0,
        0,
        0,
        "recouped",
    )
    assert turned.select("was_cents", "paid_cents").rows() == [(30000, -30000)]


def test_what_is_no_reversal_keeps_its_signs():
    tables = remits(clp("a", "01-20", 40000, 30000, CO45), clp("b", "01-21", -100, -100))
    found = claim_state.signed_reversals(*tables.values())
    assert found[0].equals(tables["remit_claims"])


# ------------------------------------------------------------ bills
HISTORIES = [
    pytest.param([("01-05", "1", 100)], {"01-04": None, "01-05": 100}, id="an original"),
    pytest.param(
        [("01-05", "1", 100), ("01-20", "7", 150)],
        {"01-05": 100, "01-19": 100, "01-20": 150},
        id="a replacement counts from its day",
    ),
    pytest.param([("01-05", "7", 150)], {"01-05": 150}, id="a replacement alone is a claim"),
    pytest.param([("01-05", "1", 100), ("01-09", "8", 100)], {"01-08": 100, "01-09": 0}, id="a void leaves nothing"),
    pytest.param([("01-05", "1", 100), ("01-20", "1", 150)], {"01-19": 100, "01-20": 150}, id="an original sent again"),
    pytest.param(
        [("01-05", "1", 100), ("01-09", "8", 100), ("01-12", "1", 90)],
        {"01-09": 0, "01-12": 90},
        id="billed anew after its void",
    ),
    pytest.param([("01-05", "8", 100), ("01-05", "1", 100)], {"01-05": 0}, id="sent and voided on one day"),
    pytest.param(
        [("01-05", "1", 100), ("01-09", "8", 100), ("01-09", "1", 90)],
        {"01-08": 100, "01-09": 90},
        id="voided and billed anew on one day",
    ),
    pytest.param(
        [("01-05", "7", 150), ("01-05", "1", 100)], {"01-05": 150}, id="sent and replaced on one day, in any order"
    ),
    pytest.param(
        [("01-31", "2", 100), ("02-28", "3", 80), ("03-10", "4", 20)],
        {"01-31": 100, "02-28": 180, "03-10": 200},
        id="interim bills add up",
    ),
    pytest.param([("01-05", "1", 100), ("01-20", "5", 10)], {"01-20": 110}, id="late charges are added"),
]


@pytest.mark.parametrize(("sent", "expected"), HISTORIES)
def test_the_charge_in_force_on_every_day(sent, expected):
    given = [bill(on, charge, frequency) for on, frequency, charge in sent]
    bills = claim_state.bills_of(rows(SUBMISSIONS, given))["C"]
    assert {on: claim_state.charge_in_force(bills, day(on)) for on in expected} == expected


def test_bills_to_the_secondary_do_not_change_the_charge():
    given = [bill("01-05", 100), bill("02-05", 60, payer_order="secondary", payer="blue")]
    bills = claim_state.bills_of(rows(SUBMISSIONS, given))["C"]
    assert claim_state.charge_in_force(bills, LATER) == 100
    assert claim_state.charge_in_force(bills[1:], LATER) == 60, "a claim known by its secondary bill alone"


@pytest.mark.parametrize(("answered", "expected"), [(100, 100), (150, 150), (70, 150)])
def test_of_two_bills_of_one_day_the_answered_one_counts_else_the_one_read_last(answered, expected):
    given = rows(SUBMISSIONS, [bill("01-05", 100, sequence=1), bill("01-05", 150, sequence=2)])
    found = claim_state.in_answered_order(given, remits(clp("a", "02-05", answered, 0))["remit_claims"])
    assert claim_state.charge_in_force(claim_state.bills_of(found)["C"], LATER) == expected


# ------------------------------------------------------------ orders
def orders(*given: dict, bills: list[dict] = (), claims: list[dict] = ()) -> list[str]:
    tables = remits(*given)
    return claim_state.payer_orders(
        tables["remit_claims"], tables["remit_adjustments"], rows(SUBMISSIONS, list(bills)), rows(CLAIMS, list(claims))
    ).to_list()


SENT_SECOND = bill("01-25", payer="blue", payer_order="secondary")
OWN = {"claim_id": "C", "payer": "aetna", "secondary_payer": "blue"}
DENIED = clp("d", "02-20", 200, 0, ("CO", "29", 200), status="4", payer="blue")
ORDERS = [
    pytest.param([DENIED], {"bills": [SENT_SECOND]}, ["secondary"], id="the 837 to this payer says so"),
    pytest.param([DENIED], {"bills": [bill("01-05")]}, ["primary"], id="an 837 to another payer says nothing"),
    pytest.param([DENIED], {"claims": [OWN]}, ["secondary"], id="the claim names it as its second payer"),
    pytest.param(
        [DENIED],
        {"bills": [bill("01-05", payer="blue"), SENT_SECOND], "claims": [OWN]},
        ["secondary"],
        id="the bill sent last before the answer",
    ),
    pytest.param(
        [DENIED],
        {"bills": [bill("01-05", payer="blue"), SENT_SECOND | {"submitted_on": day("02-21")}]},
        ["primary"],
        id="a bill sent after the answer changes nothing",
    ),
    pytest.param(
        [DENIED],
        {"bills": [SENT_SECOND | {"submitted_on": day("02-21")}]},
        ["secondary"],
        id="unless it is the only one known",
    ),
    pytest.param(
        [clp("a", "02-01", 200, 10, payer="blue", status="2"), DENIED],
        {},
        ["secondary", "secondary"],
        id="the payer's other answer says so",
    ),
    pytest.param(
        [clp("a", "02-01", 200, 10, ("OA", "23", 100), payer="blue", status="4")],
        {},
        ["secondary"],
        id="who speaks of a prior payer is not the first",
    ),
    pytest.param([DENIED], {}, ["primary"], id="nobody says anything"),
    pytest.param(
        [DENIED | {"status": "1"}], {"bills": [SENT_SECOND]}, ["primary"], id="CLP02 is believed before the 837"
    ),
    pytest.param(
        [
            clp("a", "02-01", 200, 10, payer="blue", status="20"),
            clp("b", "02-09", -200, -10, payer="blue", status="22"),
        ],
        {"bills": [bill("01-25", payer="blue")]},
        ["secondary", "secondary"],
        id="a reversal stands with the answer it reverses, whatever the 837 says",
    ),
    pytest.param(
        [DENIED, clp("b", "02-28", -200, 0, payer="blue", status="22")],
        {"bills": [SENT_SECOND]},
        ["secondary", "secondary"],
        id="a reversal of an answer without an order",
    ),
]


@pytest.mark.parametrize(("given", "other", "expected"), ORDERS)
def test_whose_order_an_answer_is(given, other, expected):
    assert orders(*given, **other) == expected


# ------------------------------------------------------------ answers
PAID = clp("a", "01-20", 20000, 12000, lines=[("99213", 20000, 12000, ("CO", "45", 8000))])
REST = clp("b", "01-20", 10000, 0, lines=[("20610", 10000, 0, ("CO", "50", 10000))], status="4", sequence=2)
LATE = {"remit_id": "another file", "received_on": day("02-10")}
BILLED = {"bills": [bill("01-05")]}
TOGETHER = [
    pytest.param([PAID, REST], BILLED, {"a": "a", "b": "a"}, id="two payments of one file make the billed charge"),
    pytest.param([PAID, REST | LATE], BILLED, {"a": "a", "b": "a"}, id="two payments months apart"),
    pytest.param([PAID, REST], {}, {"a": "a", "b": "a"}, id="without an 837, other lines in one file"),
    pytest.param([PAID, REST | LATE], {}, {"a": "a", "b": "a"}, id="without an 837, other lines later"),
    pytest.param(
        [PAID, REST],
        {"claims": [{"claim_id": "C", "charge_cents": 30000}]},
        {"a": "a", "b": "a"},
        id="the claim's own charge",
    ),
    pytest.param(
        [PAID, REST | LATE | {"charge_cents": 10001}],
        BILLED,
        {"a": "a", "b": "b"},
        id="one cent beyond the billed charge",
    ),
    pytest.param(
        [PAID, REST | LATE],
        {"bills": [bill("01-05"), bill("02-01", 20000, "7")]},
        {"a": "a", "b": "b"},
        id="replaced by a smaller claim before the second payment",
    ),
    pytest.param(
        [PAID, PAID | LATE | {"remit_claim_id": "b"}],
        {},
        {"a": "a", "b": "b"},
        id="the same lines again, without an 837",
    ),
    pytest.param(
        [PAID, PAID | LATE | {"remit_claim_id": "b"}],
        {"bills": [bill("01-05", 40000)]},
        {"a": "a", "b": "b"},
        id="the same line again is no part, whatever room the charge leaves",
    ),
    pytest.param(
        [PAID, PAID | {"remit_claim_id": "b", "sequence": 2}],
        {"bills": [bill("01-05", 40000)]},
        {"a": "a", "b": "a"},
        id="two equal lines of a claim, split in one file",
    ),
    pytest.param(
        [PAID, clp("b", "02-10", 30000, 20000, lines=[("99213", 20000, 15000), ("20610", 10000, 5000)])],
        BILLED,
        {"a": "a", "b": "b"},
        id="a whole answer after a part",
    ),
    pytest.param(
        [PAID, clp("r", "02-10", -20000, -12000, status="22"), REST | LATE | {"sequence": 2}],
        BILLED,
        {"a": "a", "r": "r", "b": "b"},
        id="after its reversal nothing is left to be a part of",
    ),
    pytest.param(
        [PAID, REST | {"cas": (("OA", "18", 10000),), "lines": []}],
        BILLED,
        {"a": "a", "b": "b"},
        id="a refusal as a duplicate is no part",
    ),
    pytest.param(
        [PAID, REST | {"status": "2", "payer": "blue"}],
        BILLED,
        {"a": "a", "b": "b"},
        id="another payer is another answer",
    ),
]


@pytest.mark.parametrize(("given", "other", "expected"), TOGETHER)
def test_which_payments_answer_together(given, other, expected):
    assert answers(*given, **other) == expected


def test_a_control_number_tells_a_line_answered_again_from_another():
    first = clp("a", "01-20", 10000, 0, lines=[("99213/7", 10000, 0, ("CO", "16", 10000))])
    again = clp("b", "02-20", 10000, 8000, lines=[("99213/7", 10000, 8000, ("CO", "45", 2000))])
    other = clp("b", "02-20", 10000, 8000, lines=[("99213/8", 10000, 8000, ("CO", "45", 2000))])
    assert answers(first, again, **BILLED) == {"a": "a", "b": "b"}
    assert answers(first, other, **BILLED) == {"a": "a", "b": "a"}


def test_a_split_claim_is_one_claim_denied_in_part_on_every_day():
    tables = settled(PAID, REST | LATE, **BILLED)
    before = only(first_adjudications(tables, as_of=day("02-09")))
    assert (before["outcome"], before["charge_cents"], before["denied_cents"]) == ("paid", 20000, 0)
    after = only(first_adjudications(tables, as_of=day("02-10")))
    assert (after["outcome"], after["charge_cents"], after["denied_cents"]) == ("partially_denied", 30000, 10000)
    assert after["received_on"] == day("01-20"), "it was first answered in January"
    reason = only(primary_reasons(tables, as_of=LATER))
    assert (reason["remit_claim_id"], reason["carc"], reason["denied_cents"]) == ("a", "50", 10000)
    standing = only(net_positions(tables, as_of=LATER))
    assert (standing["paid_cents"], standing["outcome"], standing["standing_denied_cents"]) == (
        12000,
        "partially_denied",
        10000,
    )


def test_the_denied_part_taken_back_leaves_the_paid_part():
    back = clp("r", "03-10", -10000, 0, lines=[("20610", -10000, 0, ("CO", "50", -10000))], status="22")
    found = only(net_positions(settled(PAID, REST, back, **BILLED), as_of=LATER))
    assert (found["paid_cents"], found["charge_cents"], found["denied_cents"]) == (12000, 20000, 0)
    assert found["outcome"] != "reversed"


def test_both_parts_taken_back_by_one_reversal_leave_nothing():
    parts = [PAID | {"paid_cents": 0, "lines": [("99213", 20000, 0, ("CO", "50", 20000))]}, REST]
    back = clp("r", "03-10", -30000, 0, ("CO", "50", -30000), status="22")
    assert only(net_positions(settled(*parts, back, **BILLED), as_of=LATER))["outcome"] == "reversed"


def test_an_answer_superseded_without_a_reversal_counts_until_its_day():
    first = clp("a", "01-20", 30000, 0, ("CO", "45", 6000), ("CO", "16", 24000))
    again = clp("b", "02-20", 30000, 20000, ("CO", "45", 6000), ("PR", "2", 4000))
    tables = settled(first, again, **BILLED)
    assert tables["remit_claims"]["superseded_on"].to_list() == [day("02-20"), None]
    on = {when: only(net_positions(tables, as_of=day(when))) for when in ("02-19", "02-20")}
    assert [(found["contractual_cents"], found["denied_cents"]) for found in on.values()] == [(6000, 24000), (6000, 0)]
    assert len(claim_adjudications(tables, as_of=LATER).to_native().collect()) == 2, "both are decisions"


def test_a_reversal_after_its_correction_leaves_the_correction():
    old = clp("a", "01-20", 10000, 8000, ("CO", "45", 2000), payer_claim_id="1")
    new = clp("b", "02-20", 10000, 7500, ("CO", "45", 2500), payer_claim_id="2")
    back = clp("r", "02-27", -10000, -8000, ("CO", "45", -2000), status="22", payer_claim_id="1")
    found = only(net_positions(settled(old, new, back, bills=[bill("01-05", 10000)]), as_of=LATER))
    assert (found["charge_cents"], found["paid_cents"], found["contractual_cents"]) == (10000, 7500, 2500)


def test_a_second_payment_taken_back_leaves_the_first():
    given = [clp(name, on, 10000, 8000, ("CO", "45", 2000)) for name, on in (("a", "01-20"), ("b", "02-20"))]
    back = clp("r", "03-20", -10000, -8000, ("CO", "45", -2000), status="22")
    found = only(net_positions(settled(*given, back, bills=[bill("01-05", 10000)]), as_of=LATER))
    assert (found["charge_cents"], found["paid_cents"], found["contractual_cents"]) == (10000, 8000, 2000)


# ------------------------------------------------------------ lines
def test_an_answered_line_is_the_line_that_was_sent():
    sent = [
        {"claim_id": "C", "line_number": 1, "procedure": "99213", "charge_cents": 200, "control_number": "B2"},
        {"claim_id": "C", "line_number": 2, "procedure": "20610", "charge_cents": 100, "control_number": "1"},
        {"claim_id": "D", "line_number": 1, "procedure": "97110", "charge_cents": 50},
        {"claim_id": "D", "line_number": 2, "procedure": "97110", "charge_cents": 50},
        {"claim_id": "E", "line_number": 1, "procedure": "99214", "charge_cents": 90},
        {"claim_id": "E", "line_number": 2, "procedure": "99213", "charge_cents": 70},
    ]
    answered = [
        ("C-1", "20610", 100, "1", 2, "control numbers are the biller's own"),
        ("C-2", "99213", 200, "B2", 1, "of any kind"),
        ("C-3", "99213", 200, None, 1, "none returned: the procedure"),
        ("D-1", "97110", 50, None, 1, "two alike: the place"),
        ("D-2", "97110", 50, "1", 1, "two alike: the number returned"),
        ("E-1", "99213", 90, "1", 1, "recoded by the payer: the number and the charge"),
        ("E-2", "99213", -70, "9", 2, "a reversal, under a number that is none of ours"),
        ("F-3", "99213", 70, None, 3, "a claim whose 837 is not stored: the place"),
        ("F-4", "99213", 70, "8", 8, "or the number returned"),
    ]
    lines = [
        {
            "remit_line_id": name,
            "claim_id": name[0],
            "procedure": code,
            "charge_cents": cents,
            "control_number": control,
        }
        for name, code, cents, control, _, _ in answered
    ]
    found = claim_state.line_numbers(rows(REMIT_LINES, lines), rows(CLAIM_LINES, sent)).to_list()
    for number, (*_, expected, why) in zip(found, answered, strict=True):
        assert number == expected, why


# ------------------------------------------------------------ numbers used again
FIRST = bill("01-05", 10000)
NUMBERS = [
    pytest.param(bill("02-05", 10000), "C", id="the same patient and day is the claim sent again"),
    pytest.param(bill("02-05", 15000), "C", id="with another charge too"),
    pytest.param(bill("02-05", 10000, service_on=day("01-04")), "C", id="three days off"),
    pytest.param(bill("02-05", 10000, service_on=day("01-05")), "C (2)", id="four days off is another service"),
    pytest.param(bill("2027-01-05", 10000, service_on=day("2027-01-01")), "C (2)", id="another year"),
    pytest.param(bill("02-05", 90000, patient="p2"), "C (2)", id="another patient on the same day"),
    pytest.param(bill("02-05", 10000, patient="p2"), "C", id="a corrected member id: same day, same charge"),
    pytest.param(bill("02-05", 90000, patient="p2", frequency="7"), "C", id="a corrected member id on a replacement"),
    pytest.param(
        bill("02-05", 10000, patient="p2", service_on=day("01-02")), "C (2)", id="another patient, another day"
    ),
    pytest.param(
        bill("02-05", 10000, patient="p9", payer="blue", payer_order="secondary"),
        "C",
        id="the second payer knows the patient under another number",
    ),
    pytest.param(
        bill("2027-02-05", 10000, "7", service_on=day("2027-01-01")), "C", id="a replacement corrects the year"
    ),
    pytest.param(bill("02-28", 10000, "3", service_on=day("02-01")), "C", id="the next interim bill"),
    pytest.param(bill("02-05", 10000, service_on=None, patient=None), "C", id="a bill that says neither"),
]


@pytest.mark.parametrize(("second", "expected"), NUMBERS)
def test_a_number_used_again(second, expected):
    found = claim_numbers.numbered(rows(SUBMISSIONS, [FIRST, second | {"submission_id": "s2"}]), *_none())
    ids = dict(found.submissions.select("submission_id", "claim_id").iter_rows())
    assert ids["s2"] == expected
    assert [name for name, _ in found.again] == ([expected] if expected != "C" else [])
    again = claim_numbers.numbered(found.submissions, *_none())
    assert again.submissions.equals(found.submissions), "settled twice, the same"


def _none():
    return remits()["remit_claims"], remits()["remit_lines"]


def test_an_answer_goes_to_the_claim_whose_day_it_names():
    bills = [FIRST, bill("2027-01-05", 90000, submission_id="s2", service_on=day("2027-01-01"))]
    given = remits(
        clp("a", "02-01", 10000, 8000, lines=[("99213", 10000, 8000)], payer_claim_id="I1"),
        clp("b", "2027-02-01", 10000, 8000),
        clp("c", "2027-02-01", 90000, 8000),
        clp("d", "2027-03-01", -10000, -8000, status="22", payer_claim_id="I1"),
    )
    found = claim_numbers.numbered(rows(SUBMISSIONS, bills), given["remit_claims"], given["remit_lines"])
    ids = dict(found.remit_claims.select("remit_claim_id", "claim_id").iter_rows())
    assert ids == {"a": "C", "b": "C", "c": "C (2)", "d": "C"}


def test_an_answer_about_a_service_long_before_is_a_claim_from_before_our_time():
    old = clp("a", "02-01", 10000, 8000)
    given = remits(old)
    lines = rows(REMIT_LINES, [{"remit_line_id": "a-1", "remit_claim_id": "a", "service_on": day("2024-05-01")}])
    found = claim_numbers.numbered(rows(SUBMISSIONS, [FIRST]), given["remit_claims"], lines)
    assert found.remit_claims["claim_id"].to_list() == ["C (2)"]
