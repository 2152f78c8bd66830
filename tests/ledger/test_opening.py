"""A receivable that was taken over: what was open is in every balance from that day on, and never a charge."""

import datetime as dt

import polars as pl
import pytest

from builders.claim_histories import day, rows
from rcm_analysis.ledger.balances import balances, responsible_since, roll_forward
from rcm_analysis.ledger.reconciliation import check_client
from rcm_analysis.ledger.settle import settle
from rcm_analysis.measures.receivable.ar import aging
from rcm_analysis.models.cash.flows import read_flows
from rcm_analysis.periods import Period
from rcm_analysis.tables.schema import OPENING_BALANCES, TABLES, TRANSACTIONS

from .test_derived import PAID, answer, owed, sent, settled


def listed(number: int, dollars: int, **other) -> dict:
    given = {"balance_id": str(number), "taken_over_on": day("03-31"), "claim_id": "C", "party": "primary"}
    return {**given, "payer": "aetna", "aged_from": day("01-01"), "balance_cents": dollars * 100, **other}


BUCKET = {"claim_id": None, "aged_from": None, "bucket": "61-90"}
LATE = {"remit_id": "late", "received_on": day("05-05")}
HISTORIES = [
    pytest.param([listed(1, 100)], {}, [], {"03-30": {}, "03-31": {"primary": 100}}, id="open from its day on"),
    pytest.param(
        [listed(1, 100)],
        {},
        [PAID | LATE],
        {"05-04": {"primary": 100}, "05-05": {"patient": 16}},
        id="answered later: no charge is taken from the answer",
    ),
    pytest.param(
        [listed(1, 16, party="patient", payer=None)],
        {},
        [answer("r", "05-05", -100, -64, ("CO", "45", -20), ("PR", "2", -16), status="22")],
        {"05-04": {"patient": 16}, "05-05": {"primary": 100}},
        id="taken back later, with what the patient still owed",
    ),
    pytest.param(
        [listed(1, 100)],
        {"bills": [sent("05-01", 100, "7"), sent("05-03", 130, "7")]},
        [],
        {"05-01": {"primary": 100}, "05-03": {"primary": 130}},
        id="a bill sent after it is the claim as taken over, the next one changes it",
    ),
    pytest.param(
        [listed(1, 100)],
        {"bills": [sent("01-05", 100)]},
        [],
        {"01-05": {"primary": 100}, "03-31": {"primary": 100}},
        id="what our files hold already is not taken over again",
    ),
    pytest.param(
        [listed(1, 90)],
        {"bills": [sent("01-05", 100)]},
        [PAID | LATE],
        {"03-30": {"primary": 100}, "03-31": {"primary": 90}, "05-05": {"patient": 16, "credit": -10}},
        id="the list is believed, the difference is taken over",
    ),
    pytest.param(
        [listed(1, 16, party="secondary", payer="blue")],
        {},
        [answer("b", "05-05", 100, 10, ("CO", "45", 20), ("OA", "23", 64), ("PR", "2", 6), payer="blue", status="2")],
        {"05-04": {"secondary": 16}, "05-05": {"patient": 6}},
        id="with the secondary, who pays and leaves the rest to the patient",
    ),
    # ------------------------------------------------------------ by bucket
    pytest.param([listed(1, 500, **BUCKET)], {}, [], {"03-31": {"primary": 500}}, id="by bucket, nothing else known"),
    pytest.param(
        [listed(1, 500, **BUCKET)],
        {"bills": [sent("03-05", 100)]},
        [PAID | LATE],
        {"03-05": {"primary": 100}, "03-31": {"primary": 500}, "05-05": {"primary": 400, "patient": 16}},
        id="by bucket: a claim that we know is one of those in it",
    ),
    pytest.param(
        [listed(1, 500, **BUCKET)],
        {},
        [PAID | LATE | {"lines": [("99213", 10000, 6400)]}],
        {"03-31": {"primary": 500}, "05-05": {"primary": 400, "patient": 16}},
        id="by bucket: a claim that an answer makes known was one of those in it",
    ),
    pytest.param(
        [listed(1, 50, **BUCKET)],
        {},
        [PAID | LATE | {"lines": [("99213", 10000, 6400)]}],
        {"05-05": {"primary": 50, "patient": 16}},
        id="by bucket: a claim larger than what is left in it was none of them",
    ),
]


@pytest.mark.parametrize(("opening", "sides", "answers", "expected"), HISTORIES)
def test_what_is_owed_on_every_day(opening, sides, answers, expected):
    tables = settled(*answers, opening=opening, **sides)
    assert {on: owed(tables, on) for on in expected} == expected
    charged = tables["transactions"].filter((pl.col("kind") == "charge") & (pl.col("posted_on") > day("03-31")))
    is_own = len(sides.get("bills", [])) > 1 or opening[0]["balance_cents"] == 5000
    assert bool(charged.height) == is_own, "what was open before is no charge of ours"


def whole(tables):
    return {**{name: table.empty() for name, table in TABLES.items()}, **tables}


def test_it_is_the_opening_of_its_month_and_every_sum_holds():
    tables = whole(settled(PAID | LATE, opening=[listed(1, 100), listed(2, 40, claim_id="D")], bills=[]))
    months = Period(day("03-01"), day("06-01"))
    rolled = roll_forward(tables, period=months)
    assert rolled["opening_cents"].tolist() == [14000, 14000, 14000]
    assert rolled["charges_cents"].tolist() == [0, 0, 0]
    assert rolled["closing_cents"].tolist() == [14000, 14000, 5600]
    assert [item for item in check_client(tables, client="acme", period=months) if not item.holds] == []


@pytest.mark.parametrize(
    ("clock", "given", "bucket"),
    [
        pytest.param("service", {}, "91-120", id="the day of service"),
        pytest.param("responsibility", {}, "91-120", id="when it came to be owed"),
        pytest.param("first_bill", {}, "91-120", id="no bill of it is known: it is not unbilled"),
        pytest.param("service", BUCKET, "61-90", id="the bucket it was taken over in"),
        pytest.param("first_bill", BUCKET | {"bucket": "over 120"}, "over 120", id="and the oldest"),
    ],
)
def test_it_ages_from_its_own_day(clock, given, bucket):
    tables = whole(settled(opening=[listed(1, 100, **given)]))
    found = aging(tables, as_of=day("04-05"), clock=clock)
    assert found.loc[found["ar_cents"] > 0, ["bucket", "ar_cents"]].values.tolist() == [[bucket, 10000]]


def test_a_claim_that_only_the_list_names_has_a_row_with_its_payer():
    claim = settled(opening=[listed(1, 100)])["claims"].row(0, named=True)
    assert (claim["payer"], claim["service_on"], claim["charge_cents"]) == ("aetna", day("01-01"), 0)


def test_responsibility_begins_on_its_day():
    found = responsible_since(settled(opening=[listed(1, 100)]), as_of=day("12-31")).to_native().collect()
    assert found["since_on"].to_list() == [day("01-01")]


def test_it_is_owed_in_the_flows_and_no_charge_there():
    flows = read_flows(whole(settled(opening=[listed(1, 100)])), as_of=day("04-30"))
    assert flows.began.sum() == 10000 and flows.charge_cents.sum() == 0


def test_an_export_keeps_its_postings_and_gets_only_what_it_lacks():
    posting = {"transaction_id": "1", "claim_id": "C", "kind": "charge", "party": "primary", "amount_cents": 6000}
    tables = {
        **settled(),
        "opening_balances": rows(OPENING_BALANCES, [listed(1, 100)]),
        "transactions": rows(TRANSACTIONS, [posting | {"happened_on": day("03-01"), "posted_on": day("03-01")}]),
    }
    found, _ = settle(tables, None, client="acme", derive_ledger=False)
    assert found["transactions"].sort("posted_on").select("kind", "amount_cents").rows() == [
        ("charge", 6000),
        ("opening", 4000),
    ]


def test_without_a_list_nothing_changes():
    tables = settled(PAID)
    assert "opening" not in tables["transactions"]["kind"].to_list()
    assert balances(tables, as_of=dt.date(2026, 3, 1))["receivable_cents"].tolist() == [1600]
