"""The EOB check: every way in which a patient's bill may differ from what the payers left to the patient, by hand."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.measures.self_pay.eob import INFORMATION, RULES, eob_check
from rcm_analysis.tables.schema_services import STATEMENTS

AS_OF = dt.date(2026, 10, 31)
EOB, POSTED = "2026-09-10", "2026-09-12"


def move(
    cents: int, on: str = POSTED, group: str | None = "PR", carc: str | None = "1", source: str = "primary"
) -> list[dict]:
    """From the insurer to the patient; negative: back."""
    words = {"claim_id": "C", "kind": "transfer", "posted_on": on, "group_code": group, "carc": carc}
    return [words | {"party": source, "amount_cents": -cents}, words | {"party": "patient", "amount_cents": cents}]


def post(kind: str, cents: int, on: str = POSTED, party: str = "patient", **other) -> list[dict]:
    return [{"claim_id": "C", "kind": kind, "amount_cents": cents, "posted_on": on, "party": party, **other}]


def stated(cents: int, on: str) -> dict:
    return {
        "client": "acme",
        "statement_id": on,
        "patient": "p",
        "claim_id": "C",
        "statement_on": dt.date.fromisoformat(on),
        "sequence": 1,
        "balance_cents": cents,
        "due_on": dt.date.fromisoformat(on),
        "channel": "mail",
    }


@pytest.fixture
def book(builders_remit):
    """book(claim payments, postings, statements, **claim): one client with one claim, C."""

    def make(clps=(), postings=(), statements=(), **claim):
        row = {"claim_id": "C", "patient": "p", "entered_on": "2026-08-20", **claim}
        given = builders_remit.tables(*clps, claims=[row], transactions=[post for posts in postings for post in posts])
        return given | {"statements": pl.DataFrame(list(statements), schema=STATEMENTS.polars).to_pandas()}

    return make


def share(b, cents=3000, group="PR", carc="1", on=EOB, **other):
    """100.00 charged, 50.00 discount, a share of the patient, the rest paid."""
    return b.clp("C", b.line(10000, 5000 - cents, b.cas("CO", "45", 5000), b.cas(group, carc, cents)), on=on, **other)


DISCOUNT = post("contractual", -5000, party="primary", group_code="CO", carc="45")
RIGHT = [DISCOUNT, move(3000)]


def duplicate_first(b) -> list:
    """Refused as a duplicate, the refusal reversed, and the claim decided after all."""
    refused = b.clp("C", b.line(10000, 0, b.cas("OA", "18", 10000)), on="2026-08-20")
    return [refused, b.reversal(refused, EOB), share(b)]


CASES = [
    pytest.param(lambda b: ([share(b)], RIGHT), None, id="the share was moved as the EOB says"),
    pytest.param(lambda b: ([share(b)], [*RIGHT, post("payment", -3000)]), None, id="and paid"),
    pytest.param(lambda b: ([share(b)], [*RIGHT, post("write_off", -3000)]), None, id="and written off as bad debt"),
    pytest.param(
        lambda b: ([share(b)], [post("payment", -3000, "2026-08-20"), *RIGHT]),
        None,
        id="a copay taken at the visit is a payment",
    ),
    pytest.param(
        lambda b: ([share(b)], [*RIGHT, post("payment", -4000), post("refund", 1000)]),
        None,
        id="paid too much and refunded",
    ),
    pytest.param(
        lambda b: ([share(b)], [*RIGHT, post("transfer", -3000, reason="unapplied payment applied")]),
        None,
        id="money found and applied by a transfer is a payment, not a balance moved back",
    ),
    pytest.param(lambda b: ([share(b)], [DISCOUNT, move(2000), move(1000, carc="2")]), None, id="in two parts"),
    pytest.param(
        lambda b: ([share(b)], [DISCOUNT]), ("share_not_transferred", 0, 3000, -3000, 0), id="the share was never moved"
    ),
    pytest.param(
        lambda b: (duplicate_first(b), [DISCOUNT]),
        ("share_not_transferred", 0, 3000, -3000, 0),
        id="a refusal as duplicate was taken back, then decided, and the share never moved",
    ),
    pytest.param(
        lambda b: (duplicate_first(b), RIGHT),
        None,
        id="a refusal as duplicate was taken back, then decided, and the share moved",
    ),
    pytest.param(
        lambda b: ([share(b)], [DISCOUNT, move(1000)]),
        ("share_not_transferred", 1000, 3000, -2000, 0),
        id="only a part was moved",
    ),
    pytest.param(
        lambda b: ([share(b, on="2026-10-20")], [DISCOUNT]), None, id="an EOB eleven days old may still be posted"
    ),
    pytest.param(
        lambda b: ([share(b, on="2026-10-17")], [DISCOUNT]),
        ("share_not_transferred", 0, 3000, -3000, 0),
        id="an EOB fourteen days old is late",
    ),
    pytest.param(
        lambda b: ([share(b)], [DISCOUNT, post("contractual", -3000, party="primary")]),
        ("share_written_off", 0, 3000, -3000, 0),
        id="the share was posted away as contractual",
    ),
    pytest.param(
        lambda b: ([share(b)], [DISCOUNT, post("write_off", -3000, party="primary")]),
        ("share_written_off", 0, 3000, -3000, 0),
        id="the share was written off at the insurance",
    ),
    pytest.param(
        lambda b: ([share(b)], [post("contractual", -3000, party="primary"), move(5000)]),
        ("posting_swap", 5000, 3000, 2000, 2000),
        id="CO and PR posted the wrong way round",
    ),
    pytest.param(
        lambda b: ([share(b, 0)], [move(5000, group="CO", carc="45")]),
        ("co_billed", 5000, 0, 5000, 5000),
        id="the discount was billed",
    ),
    pytest.param(
        lambda b: ([b.denied("C", on=EOB)], [move(10000, group="CO", carc="197")]),
        ("co_billed", 10000, 0, 10000, 10000),
        id="a denial at the provider's cost was billed",
    ),
    pytest.param(
        lambda b: ([b.denied("C", on=EOB)], [move(10000, group="CO", carc="197"), post("payment", -4000)]),
        ("co_billed", 6000, -4000, 10000, 6000),
        id="and partly paid: the paid part is due back",
    ),
    pytest.param(
        lambda b: (
            [b.denied("C", on=EOB)],
            [move(10000, group="CO", carc="197"), move(-10000, "2026-09-20", "CO", "197")],
        ),
        None,
        id="and taken back since",
    ),
    pytest.param(
        lambda b: ([share(b)], [DISCOUNT, move(9000)]),
        ("above_eob", 9000, 3000, 6000, 6000),
        id="more than share and discount together",
    ),
    pytest.param(
        lambda b: ([share(b, group="OA", carc="209")], RIGHT),
        ("oa209_billed", 3000, 0, 3000, 3000),
        id="OA-209 was billed",
    ),
    pytest.param(
        lambda b: ([], [move(3000)]), ("before_remit", 3000, 0, 3000, 3000), id="billed before any payer answered"
    ),
    pytest.param(lambda b: ([], [DISCOUNT, move(3000)]), None, id="an EOB on paper cannot be checked"),
    pytest.param(
        lambda b: ([share(b, on="2026-11-02")], [move(3000)]),
        ("before_remit", 3000, 0, 3000, 3000),
        id="the EOB came later than the day asked for",
    ),
    pytest.param(
        lambda b: (
            [b.clp("C", b.line(10000, 0, b.cas("CO", "45", 4000), b.cas("PR", "45", 6000)), on=EOB)],
            [post("contractual", -4000, party="primary"), move(6000, carc="45")],
        ),
        ("pr45_balance", 6000, 6000, 0, 0),
        id="an out-of-network balance is something to look at",
    ),
    pytest.param(
        lambda b: ([b.clp("C", b.line(10000, 0, b.cas("PR", "96", 10000)), on=EOB)], [move(10000, carc="96")]),
        ("waiver_unknown", 10000, 10000, 0, 0),
        id="a service not covered needs a waiver nobody recorded",
    ),
]


@pytest.fixture(scope="module")
def many(builders_remit):
    """Every golden case as a claim of its own, in one client."""
    b, clps, posts = builders_remit, [], []
    for number, case in enumerate(CASES):
        made, postings = case.values[0](b)
        for one in made:
            one.claim_id = f"C{number:02d}"
        clps += made
        posts += [row | {"claim_id": f"C{number:02d}"} for some in postings for row in some]
    claims = [
        {"claim_id": f"C{number:02d}", "patient": "p", "entered_on": "2026-08-20"} for number in range(len(CASES))
    ]
    tables = b.tables(*clps, claims=claims, transactions=posts)
    return tables | {
        "statements": pl.DataFrame(
            [stated(3000, "2026-09-01") | {"claim_id": "C00"}], schema=STATEMENTS.polars
        ).to_pandas()
    }


@pytest.fixture(scope="module")
def judged(many):
    found = eob_check(many, as_of=AS_OF)
    return dict(iter(found.groupby("claim_id")))


@pytest.mark.parametrize(
    ("number", "expected"),
    [pytest.param(number, case.values[1], id=case.id) for number, case in enumerate(CASES) if number],
)
def test_golden_cases(judged, number, expected):
    assert told(judged.get(f"C{number:02d}", pd.DataFrame())) == expected


def test_a_share_moved_as_the_eob_says_and_nothing_else_fails_nothing(builders_remit, book):
    assert told(eob_check(book([share(builders_remit)], RIGHT), as_of=AS_OF)) is None


def told(found):
    if found.empty:
        return None
    (row,) = found.itertuples()
    assert row.fix == RULES[row.rule] and row.is_information == (row.rule in INFORMATION) and row.patient == "p"
    return row.rule, row.patient_billed_cents, row.owed_cents, row.difference_cents, row.open_cents


SECOND = {"secondary_payer": "cigna"}
LAST = [
    pytest.param(
        [],
        [move(3000)],
        ("before_secondary", 3000, 0, 3000, 3000),
        id="the patient was billed before the secondary answered",
    ),
    pytest.param([], [], None, id="while the secondary has not answered the patient owes nothing"),
    pytest.param(
        [1000], [move(1000, "2026-10-02", source="secondary")], None, id="what the secondary leaves was moved"
    ),
    pytest.param(
        [1000], [], ("share_not_transferred", 0, 1000, -1000, 0), id="what the secondary leaves was not moved"
    ),
    pytest.param(
        [0],
        [move(3000)],
        ("above_eob", 3000, 0, 3000, 3000),
        id="the secondary paid it all and the patient still has the bill",
    ),
]


@pytest.mark.parametrize(("left", "postings", "expected"), LAST)
def test_the_last_payer_decides_what_the_patient_owes(builders_remit, book, left, postings, expected):
    b = builders_remit
    second = [
        b.clp(
            "C",
            b.line(10000, 3000 - cents, b.cas("OA", "23", 7000), b.cas("PR", "2", cents)),
            status="2",
            on="2026-10-01",
            payer="cigna",
        )
        for cents in left
    ]
    assert told(eob_check(book([share(b), *second], [DISCOUNT, *postings], **SECOND), as_of=AS_OF)) == expected


TAKEN = [
    pytest.param(
        "2026-10-01", RIGHT, ("takeback", 3000, 0, 3000, 3000), id="the reversal was not posted at the patient"
    ),
    pytest.param(
        "2026-10-01", [*RIGHT, move(-3000, "2026-10-02")], None, id="the reversal was posted at the patient too"
    ),
    pytest.param(
        "2026-10-01",
        [*RIGHT, post("payment", -3000), move(-3000, "2026-10-02")],
        None,
        id="a credit after a posted reversal is no mismatch",
    ),
    pytest.param("2026-10-25", RIGHT, None, id="six days after the reversal it may still be posted"),
    pytest.param("2026-10-25", [*RIGHT, move(-3000, "2026-10-27")], None, id="and may be posted already"),
    pytest.param(
        "2026-10-01",
        [*RIGHT, post("payment", -3000)],
        ("takeback", 0, -3000, 3000, 0),
        id="the patient had paid: the money is due back",
    ),
]


@pytest.mark.parametrize(("on", "postings", "expected"), TAKEN)
def test_takebacks_after_the_patient_was_billed(builders_remit, book, on, postings, expected):
    b, first = builders_remit, share(builders_remit)
    given = [first, b.reversal(first, on), b.denied("C", "27", on=on)]
    assert told(eob_check(book(given, postings), as_of=AS_OF)) == expected


SENT = [
    pytest.param(
        [],
        ("statement_before_remit", 3000, 0, 3000, 0),
        "2026-09-01",
        id="a statement before the EOB, the ledger in order since",
    ),
    pytest.param([], None, EOB, id="a statement on the day of the EOB"),
    pytest.param(
        SECOND,
        ("statement_before_remit", 3000, 0, 3000, 0),
        "2026-09-20",
        id="a statement between the primary and the secondary",
    ),
]


@pytest.mark.parametrize(("second", "expected", "on"), SENT)
def test_statements_before_the_remittance(builders_remit, book, second, expected, on):
    b = builders_remit
    clps, postings, claim = [share(b)], RIGHT, {}
    if second:
        clps.append(
            b.clp(
                "C",
                b.line(10000, 0, b.cas("OA", "23", 7000), b.cas("PR", "2", 3000)),
                status="2",
                on="2026-10-01",
                payer="cigna",
            )
        )
        postings, claim = [DISCOUNT, move(3000, "2026-10-02", source="secondary")], second
    assert told(eob_check(book(clps, postings, [stated(3000, on)], **claim), as_of=AS_OF)) == expected


BACK = [
    pytest.param(
        lambda b: [b.denied("C", on=EOB)],
        [move(10000, group="CO", carc="197"), post("payment", -4000)],
        (6000, 4000),
        id="a part was paid",
    ),
    pytest.param(
        lambda b: [b.denied("C", on=EOB)],
        [move(10000, group="CO", carc="197"), post("payment", -10000)],
        (0, 10000),
        id="all was paid",
    ),
    pytest.param(
        lambda b: [share(b)],
        [DISCOUNT, move(9000), post("payment", -3000)],
        (6000, 0),
        id="only what was owed was paid",
    ),
    pytest.param(
        lambda b: [share(b)],
        [DISCOUNT, move(9000), post("payment", -4000)],
        (5000, 1000),
        id="a little more than what was owed was paid",
    ),
    pytest.param(
        lambda b: [share(b)],
        [DISCOUNT, move(9000), post("payment", -9900)],
        (0, 6000),
        id="more than was asked: only what was asked too much",
    ),
    pytest.param(
        lambda b: [b.denied("C", on=EOB)],
        [move(10000, group="CO", carc="197"), post("write_off", -10000)],
        (0, 0),
        id="nothing was paid, and it was given up",
    ),
]


@pytest.mark.parametrize(("made", "postings", "expected"), BACK)
def test_what_was_asked_too_much_stands_on_the_bill_or_goes_back(builders_remit, book, made, postings, expected):
    (row,) = eob_check(book(made(builders_remit), postings), as_of=AS_OF).itertuples()
    assert (row.open_cents, row.refund_cents) == expected and row.open_cents + row.refund_cents <= row.difference_cents


def test_the_gravest_rule_names_the_claim_and_the_others_stand_beside_it(builders_remit, book):
    b = builders_remit
    given = book([b.denied("C", on=EOB)], [move(10000, group="CO", carc="197")], [stated(10000, "2026-09-01")])
    (row,) = eob_check(given, as_of=AS_OF).itertuples()
    assert (row.rule, row.also, str(row.since_on.date())) == ("co_billed", "statement_before_remit", POSTED)


def test_patients_without_insurance_have_no_eob(builders_remit, book):
    given = book([], [post("charge", 10000)], [stated(10000, "2026-09-01")], payer="self_pay")
    assert eob_check(given, as_of=AS_OF).empty


def test_without_statements_the_other_rules_hold_and_without_rows_nothing_fails(builders_remit, book):
    b = builders_remit
    given = book([share(b)], [DISCOUNT])
    del given["statements"]
    assert eob_check(given, as_of=AS_OF)["rule"].tolist() == ["share_not_transferred"]
    assert list(eob_check(builders_remit.tables(), as_of=AS_OF)) == list(eob_check(given, as_of=AS_OF))


def test_every_engine_gives_the_same_to_the_cent(many, as_engine, engine):
    ours = eob_check(many, as_of=AS_OF)
    assert len(ours) > 12
    assert_frame_equal(eob_check(as_engine(many, engine), as_of=AS_OF), ours)


def test_the_answer_of_a_day_does_not_change_with_what_comes_later(many):
    early = dt.date(2026, 9, 30)
    known = {
        "transactions": "posted_on",
        "remit_claims": "received_on",
        "remit_lines": "received_on",
        "remit_adjustments": "received_on",
    }
    then = {
        name: frame[pd.to_datetime(frame[known[name]]).dt.date <= early] if name in known else frame
        for name, frame in many.items()
    }
    assert_frame_equal(eob_check(many, as_of=early), eob_check(then, as_of=early))
