"""The ledger that bills and answers imply: what is owed by whom on every day between the events, worked by hand."""

from __future__ import annotations

import polars as pl
import pytest

from builders.claim_histories import bill, clp, day, remits, rows
from rcm_analysis.ledger import derived
from rcm_analysis.ledger.balances import balances
from rcm_analysis.ledger.settle import settle
from rcm_analysis.tables.schema import CLAIM_LINES, CLAIMS, DEPOSITS, OPENING_BALANCES, SUBMISSIONS, TRANSACTIONS

NOTHING = (CLAIMS.empty(), CLAIM_LINES.empty().with_columns(submission_id=pl.lit(None, pl.String)))


def settled(
    *given: dict, bills: list[dict] = (), claims: list[dict] = (), opening: list[dict] = ()
) -> dict[str, pl.DataFrame]:
    """The tables of one client, settled; claims come from the bills unless given."""
    tables = {
        **remits(*given),
        "claims": rows(CLAIMS, [{"payer": "aetna", "claim_type": "professional", **claim} for claim in claims]),
        "claim_lines": CLAIM_LINES.empty(),
        "submissions": rows(SUBMISSIONS, list(bills)),
        "deposits": DEPOSITS.empty(),
        "transactions": TRANSACTIONS.empty(),
        "opening_balances": rows(OPENING_BALANCES, list(opening)),
    }
    found, _ = settle(tables, None if claims else NOTHING, client="acme", derive_ledger=True)
    again, _ = settle(found, None if claims else NOTHING, client="acme", derive_ledger=True)
    assert all(frame.sort(frame.columns).equals(found[name].sort(frame.columns)) for name, frame in again.items())
    return found


def owed(tables: dict[str, pl.DataFrame], on: str) -> dict[str, int]:
    """What each party owes at the end of a day, in dollars; credits under `credit`."""
    found = balances(tables, as_of=day(on))
    if found.empty:
        return {}
    row = found.iloc[0].drop(["client", "receivable_cents"])
    return {name.removesuffix("_cents"): int(cents) // 100 for name, cents in row.items() if cents}


def dollars(*cas: tuple) -> tuple:
    return tuple((group, carc, amount * 100) for group, carc, amount in cas)


def answer(name: str, on: str, charge: int, paid: int, *cas: tuple, **other) -> dict:
    """A claim payment in dollars, with its adjustments at the claim."""
    return clp(name, on, charge * 100, paid * 100, *dollars(*cas), **other)


def sent(on: str, charge: int, frequency: str = "1", **other) -> dict:
    return bill(on, charge * 100, frequency, **other)


ORIGINAL = sent("01-05", 100)
PAID = answer("a", "02-05", 100, 64, ("CO", "45", 20), ("PR", "2", 16))
SECOND = {"payer": "blue", "payer_order": "secondary"}
BY_BLUE = {"payer": "blue", "status": "2"}
HISTORIES = [
    pytest.param(
        {"bills": [ORIGINAL, sent("01-20", 150, "7")]},
        [answer("a", "02-05", 150, 120, ("CO", "45", 30))],
        {"01-04": {}, "01-05": {"primary": 100}, "01-20": {"primary": 150}, "02-04": {"primary": 150}, "02-05": {}},
        id="a replacement posts the difference",
    ),
    pytest.param(
        {"bills": [ORIGINAL, sent("02-10", 150, "7")]},
        [
            answer("a", "01-25", 100, 80, ("CO", "45", 20)),
            answer("r", "03-10", -100, -80, ("CO", "45", -20), status="22"),
            answer("b", "03-10", 150, 120, ("CO", "45", 30), sequence=2),
        ],
        {"01-25": {}, "02-09": {}, "02-10": {"primary": 50}, "03-09": {"primary": 50}, "03-10": {}},
        id="replaced after it was paid",
    ),
    pytest.param(
        {"bills": [ORIGINAL, sent("01-20", 100, "8")]},
        [],
        {"01-19": {"primary": 100}, "01-20": {}},
        id="a void takes the charge back",
    ),
    pytest.param(
        {"bills": [ORIGINAL, sent("01-20", 100, "8")]},
        [
            answer("a", "01-10", 100, 80, ("CO", "45", 20)),
            answer("r", "02-10", -100, -80, ("CO", "45", -20), status="22"),
        ],
        {"01-10": {}, "01-20": {"credit": -100}, "02-09": {"credit": -100}, "02-10": {}},
        id="a void after payment is a credit until the payer takes it back",
    ),
    pytest.param(
        {"bills": [ORIGINAL]},
        [
            answer("a", "02-05", 100, 0, ("CO", "45", 20), ("CO", "16", 80)),
            answer("b", "03-05", 100, 80, ("CO", "45", 20)),
        ],
        {"02-05": {"primary": 80}, "03-04": {"primary": 80}, "03-05": {}},
        id="answered twice, discounted once",
    ),
    pytest.param(
        {"bills": [ORIGINAL]},
        [PAID, answer("r", "03-05", -100, -64, status="22")],
        {"02-05": {"patient": 16}, "03-05": {"primary": 100}},
        id="a reversal without its adjustments takes all of the answer back",
    ),
    pytest.param(
        {"bills": [sent("01-05", 300)]},
        [answer("a", "02-05", 200, 120, ("CO", "45", 80)), answer("b", "03-05", 100, 0, ("PR", "1", 100), sequence=2)],
        {"02-05": {"primary": 100}, "03-05": {"patient": 100}},
        id="a claim answered in two months",
    ),
    pytest.param(
        {"bills": [ORIGINAL]},
        [PAID, answer("b", "03-05", 100, 0, ("OA", "18", 100))],
        {"03-05": {"patient": 16}},
        id="a refusal as a duplicate changes nothing",
    ),
    # ------------------------------------------------------------ the next payer
    pytest.param(
        {"bills": [ORIGINAL, sent("02-20", 100, **SECOND)]},
        [PAID, answer("b", "03-05", 100, 16, ("CO", "45", 20), ("OA", "23", 64), **BY_BLUE)],
        {"02-05": {"patient": 16}, "02-19": {"patient": 16}, "02-20": {"secondary": 16}, "03-05": {}},
        id="a secondary repeats the discount; it was asked after the patient",
    ),
    pytest.param(
        {"bills": [ORIGINAL]},
        [PAID, answer("b", "03-05", 100, 10, ("CO", "45", 20), ("OA", "23", 64), ("PR", "2", 6), **BY_BLUE)],
        {"02-05": {"patient": 16}, "03-05": {"patient": 6}},
        id="a secondary that answers without an 837 takes its share from the patient",
    ),
    pytest.param(
        {"bills": [ORIGINAL]},
        [PAID | {"status": "19"}, answer("b", "03-05", 100, 0, ("CO", "29", 16), ("OA", "23", 84), **BY_BLUE)],
        {"02-05": {"secondary": 16}, "03-05": {"secondary": 16}},
        id="forwarded, and denied by the secondary",
    ),
    pytest.param(
        {"bills": [ORIGINAL]},
        [PAID | {"status": "19"}, answer("b", "03-05", 100, 5, ("CO", "45", 95), **BY_BLUE)],
        {"03-05": {}},
        id="a secondary that speaks as if it were the first discounts no more than what is open",
    ),
    pytest.param(
        {"bills": [ORIGINAL]},
        [PAID | {"status": "19"}, answer("b", "03-05", 100, 6, ("PR", "2", 40), ("CO", "45", 54), **BY_BLUE)],
        {"03-05": {"patient": 10}},
        id="and leaves no more to the patient",
    ),
    pytest.param(
        {"bills": [ORIGINAL]},
        [
            PAID | {"status": "19"},
            answer("b", "03-05", 100, 16, ("OA", "23", 84), **BY_BLUE),
            answer("r", "04-05", -100, -64, ("CO", "45", -20), ("PR", "2", -16), status="22"),
            answer("c", "04-05", 100, 70, ("CO", "45", 20), ("PR", "2", 10), status="19", sequence=2),
        ],
        {"03-05": {}, "04-05": {"credit": -6}},
        id="the first payer corrects what the second one has paid already",
    ),
    # ------------------------------------------------------------ no bill
    pytest.param({}, [PAID], {"02-04": {}, "02-05": {"patient": 16}}, id="the charge of the answer"),
    pytest.param(
        {},
        [answer("b", "03-05", 100, 16, ("CO", "45", 20), ("OA", "23", 64), **BY_BLUE)],
        {"03-05": {}},
        id="a secondary alone: what the first payer did was never ours to post",
    ),
    pytest.param(
        {},
        [answer("a", "02-05", 200, 120, ("CO", "45", 80)), answer("b", "02-05", 100, 0, ("CO", "50", 100), sequence=2)],
        {"02-05": {"primary": 100}},
        id="the charge of both parts",
    ),
    pytest.param(
        {},
        [PAID, answer("r", "03-05", -100, -64, ("CO", "45", -20), ("PR", "2", -16), status="22")],
        {"03-05": {"primary": 100}},
        id="taken back, the charge of the answer stays",
    ),
    pytest.param(
        {"bills": [sent("03-01", 120, "7")]},
        [PAID],
        {"02-05": {"patient": 16}, "03-01": {"primary": 20, "patient": 16}},
        id="a bill that comes after the answer says what the charge is",
    ),
    pytest.param(
        {},
        [answer("r", "02-05", -90, -60, ("CO", "45", -30), status="22")],
        {"02-05": {"primary": 90}},
        id="a takeback of a claim from before our time",
    ),
    pytest.param(
        {},
        [
            answer("r", "02-05", -90, -60, ("CO", "45", -20), ("PR", "2", -10), status="22"),
            answer("b", "02-05", 90, 70, ("CO", "45", 20), sequence=2),
        ],
        {"02-05": {}},
        id="with its correction; what had been left to the patient was open before",
    ),
    pytest.param(
        {},
        [
            answer("r", "02-05", -90, 0, ("CO", "50", -90), status="22"),
            answer("b", "02-05", 90, 70, ("CO", "45", 20), sequence=2),
        ],
        {"02-05": {}},
        id="a denial from before our time taken back and paid",
    ),
    pytest.param(
        {},
        [
            answer("d", "01-05", 90, 0, ("OA", "18", 90)),
            answer("r", "02-05", -90, 0, ("OA", "18", -90), status="22"),
            answer("b", "02-05", 90, 70, ("CO", "45", 20), sequence=2),
        ],
        {"02-05": {}},
        id="a refusal as a duplicate taken back is no claim from before our time",
    ),
    # ------------------------------------------------------------ claims of an export
    pytest.param(
        {"claims": [{"claim_id": "C", "service_on": day("01-01"), "entered_on": day("01-03"), "charge_cents": 11000}]},
        [PAID],
        {"01-03": {"primary": 110}, "02-05": {"primary": 10, "patient": 16}},
        id="the claim table's charge where no 837 is stored",
    ),
]


@pytest.mark.parametrize(("sides", "answers", "expected"), HISTORIES)
def test_what_is_owed_on_every_day(sides, answers, expected):
    tables = settled(*answers, **sides)
    assert {on: owed(tables, on) for on in expected} == expected


def test_money_moves_on_the_day_of_the_payment_not_of_the_file():
    late = PAID | {"paid_on": day("01-31"), "received_on": day("02-03")}
    postings = settled(late, bills=[ORIGINAL])["transactions"]
    assert set(postings.filter(pl.col("kind") != "charge")["posted_on"]) == {day("01-31")}


def test_a_charge_that_no_bill_made_says_so():
    postings = settled(PAID)["transactions"].filter(pl.col("kind") == "charge")
    assert postings.select("amount_cents", "reason").rows() == [(10000, derived.CLP03_REASON)]
    postings = settled(PAID, bills=[ORIGINAL])["transactions"].filter(pl.col("kind") == "charge")
    assert postings.select("amount_cents", "reason").rows() == [(10000, None)]


def test_discounts_keep_their_codes():
    postings = settled(answer("a", "02-05", 100, 70, ("CO", "45", 20), ("CO", "253", 10)), bills=[ORIGINAL])
    found = postings["transactions"].filter(pl.col("kind") == "contractual").sort("carc")
    assert found.select("group_code", "carc", "amount_cents").rows() == [("CO", "253", -1000), ("CO", "45", -2000)]


CLAIMS_OF = [
    pytest.param([ORIGINAL], ("01-05", 10000, None), id="an original"),
    pytest.param(
        [ORIGINAL, sent("01-20", 150, "7")], ("01-05", 15000, None), id="as last billed, known from the first"
    ),
    pytest.param([sent("01-20", 150, "7")], ("01-20", 15000, None), id="a replacement alone"),
    pytest.param([ORIGINAL, sent("01-20", 100, "8")], ("01-05", 10000, "01-20"), id="voided"),
    pytest.param(
        [ORIGINAL, sent("01-20", 100, "8"), sent("01-22", 90)], ("01-05", 9000, None), id="voided and billed anew"
    ),
]


@pytest.mark.parametrize(("bills", "expected"), CLAIMS_OF)
def test_the_claim_as_it_was_last_billed(bills, expected):
    row = settled(bills=bills)["claims"].row(0, named=True)
    entered, charge, voided = expected
    assert (row["entered_on"], row["charge_cents"], row["voided_on"]) == (day(entered), charge, voided and day(voided))


def test_claims_that_only_answers_name_have_a_row_of_their_own():
    tables = settled(PAID, answer("r", "03-05", -90, -60, ("CO", "45", -30), status="22", claim_id="Z"))
    found = {row["claim_id"]: row for row in tables["claims"].iter_rows(named=True)}
    assert {name: row["charge_cents"] for name, row in found.items()} == {"C": 10000, "Z": 0}
    assert {row["submission_id"] for row in found.values()} == {derived.ANSWERED}
    assert found["C"]["payer"] == "aetna" and found["C"]["entered_on"] == day("02-05")


def test_the_second_payer_is_who_was_billed_else_who_answered():
    billed = settled(bills=[ORIGINAL, sent("02-20", 100, **SECOND)])["claims"]
    answered = settled(PAID, answer("b", "03-05", 100, 10, **BY_BLUE), bills=[ORIGINAL])["claims"]
    assert billed["secondary_payer"].to_list() == answered["secondary_payer"].to_list() == ["blue"]


def test_a_claim_billed_to_a_secondary_alone_waits_for_its_answer():
    tables = settled(bills=[sent("02-20", 100, **SECOND)])
    assert tables["claims"].is_empty() and tables["transactions"].is_empty()


# ------------------------------------------------------------ when an export comes
def posting(name: str, claim: str, on: str, kind: str = "charge") -> dict:
    common = {"claim_id": claim, "kind": kind, "party": "primary", "amount_cents": 100}
    return {**common, "transaction_id": name, "happened_on": day(on), "posted_on": day(on)}


def test_an_export_takes_the_place_of_what_was_derived_from_its_first_month_on():
    stored = rows(
        TRANSACTIONS,
        [posting(f"x12:{claim}", claim, on) for claim, on in (("A", "01-31"), ("B", "01-31"), ("D", "02-01"))],
    )
    export = rows(TRANSACTIONS, [posting("1", "B", "02-20"), posting("2", "A", "02-21", "payment")])
    kept, dropped, left = derived.replaced_by_export(stored, export, TRANSACTIONS)
    assert kept["claim_id"].to_list() == ["A"] and left == 1, "known before the export, whose charge it does not hold"
    assert sorted(dropped["claim_id"]) == ["B", "D"], "charged by the export; and of a month that it covers"
