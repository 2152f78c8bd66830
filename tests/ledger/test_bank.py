"""Remittances beside the bank: each deposit is used once, whatever is left over is left over on its own side."""

import datetime as dt

import polars as pl
import pytest

from rcm_analysis.ledger.bank import LINES, at_the_bank, cash_three_ways, unmatched_by_age
from rcm_analysis.ledger.completeness import relations
from rcm_analysis.periods import Period
from rcm_analysis.tables.schema import BANK_DEPOSITS, DEPOSITS, TRANSACTIONS

OCTOBER = Period(dt.date(2026, 10, 1), dt.date(2026, 11, 1))
LAST = dt.date(2026, 10, 31)


def paid(remit_id, cents, day, *, trace=None, payer="aetna", method="ACH"):
    row = {"client": "a", "remit_id": remit_id, "trace": trace, "payer": payer, "method": method, "paid_cents": cents}
    on = dt.date(2026, 10, day)
    return row | {"claims_paid_cents": cents, "provider_adjustment_cents": 0, "paid_on": on, "received_on": on}


def banked(deposit_id, cents, day, *, trace=None, kind="other", batch=None, reference=None):
    row = {"client": "a", "deposit_id": deposit_id, "amount_cents": cents, "trace": trace, "kind": kind}
    return row | {"batch": batch, "reference": reference, "posted_on": dt.date(2026, 10, day)}


def posted(trace, cents, day=15, *, party="primary"):
    row = {"client": "a", "transaction_id": f"{trace}{cents}{party}", "claim_id": "1", "kind": "payment"}
    row |= {"party": party, "payer": "aetna" if trace else None, "trace": trace, "amount_cents": -cents}
    return row | dict.fromkeys(("happened_on", "posted_on"), dt.date(2026, 10, day))


def tables(remits, bank, postings=()):
    frames = {DEPOSITS: remits, BANK_DEPOSITS: bank, TRANSACTIONS: list(postings)}
    return {table.name: pl.DataFrame(rows, schema=table.polars) for table, rows in frames.items()}


def how(remits, bank) -> dict[str, str]:
    found = at_the_bank(tables(remits, bank), LAST)
    return dict(found.select("id", "how").rows())


END = banked("end", 1, 31)
"""A deposit of the last day, so that all days before it but ten are covered."""


@pytest.mark.parametrize(
    ("remits", "bank", "expected"),
    [
        ([paid("r", 500, 1, trace="0077")], [banked("b", 500, 29, trace="77")], {"r": "trace", "b": "trace"}),
        ([paid("r", 500, 1, trace="77")], [banked("b", 500, 2, reference="77")], {"r": "trace", "b": "trace"}),
        ([paid("r", 500, 5, trace="77")], [banked("b", 500, 2)], {"r": "amount", "b": "amount"}),
        ([paid("r", 500, 5)], [banked("b", 500, 15)], {"r": "amount", "b": "amount"}),
        ([paid("r", 500, 5)], [banked("b", 500, 16)], {"r": "", "b": ""}),
        ([paid("r", 500, 5)], [banked("b", 500, 1)], {"r": "", "b": ""}),
        ([paid("r", 500, 5)], [banked("b", 500, 6), banked("c", 500, 9)], {"r": "amount", "b": "amount", "c": ""}),
        ([paid("r", 500, 5), paid("s", 500, 6)], [banked("b", 500, 7)], {"r": "", "s": "amount", "b": "amount"}),
        ([paid("r", 500, 5, trace="9")], [banked("b", 495, 6, trace="9")], {"r": "differs", "b": "differs"}),
        ([paid("r", 500, 5, trace="9")], [banked("b", 495, 29, trace="9")], {"r": "", "b": ""}),
        (
            [paid("r", 300, 5, trace="9"), paid("s", 200, 5, trace="9")],
            [banked("b", 500, 6, trace="9")],
            {"r": "trace", "s": "trace", "b": "trace"},
        ),
        (
            [paid("r", 300, 5, method="CHK"), paid("s", 200, 5, method="CHK"), paid("t", 70, 5)],
            [banked("b", 500, 8, kind="lockbox")],
            {"r": "lump sum", "s": "lump sum", "t": "", "b": "lump sum"},
        ),
        (
            [paid("r", 500, 5, trace="1"), paid("s", 500, 6, trace="2")],
            [banked("b", 500, 6, trace="1")],
            {"r": "trace", "s": "", "b": "trace"},
        ),
        (
            [paid("r", 100, 1, trace="1")],
            [banked("k", 100, 2, trace="1", kind="check"), banked("l", 30, 2, kind="check"), banked("L", 130, 3)],
            {"r": "trace", "k": "trace", "l": ""},
        ),
        (
            [paid("r", 100, 5, trace="1")],
            [banked("k", 100, 5, trace="1", kind="check"), banked("L", 140, 4), banked("M", 3, 9)],
            {"r": "", "L": "", "M": ""},
        ),
    ],
)
def test_each_payment_is_matched_as_the_module_says(remits, bank, expected):
    found = how(remits, [*bank, END])
    assert {name: way for name, way in found.items() if name != "end"} == expected


def test_a_client_without_statements_has_no_row_at_all():
    nothing = tables([paid("r", 500, 5, trace="1")], [])
    assert at_the_bank(nothing, LAST).is_empty()
    assert cash_three_ways(nothing, as_of=LAST, period=OCTOBER).empty
    found = relations(nothing, as_of=LAST).set_index("relation")
    assert not found.loc[["not_banked", "banked_alone"], "is_asked"].any()


def test_a_month_whose_statement_is_missing_is_not_missed():
    early, late = banked("e", 1, 1) | {"posted_on": dt.date(2026, 7, 31)}, banked("l", 1, 2)
    remits = [paid("r", 5, 1) | {"paid_on": dt.date(2026, month, day)} for month, day in ((7, 25), (9, 15))]
    remits[1]["remit_id"] = "s"
    first = banked("f", 1, 1) | {"posted_on": dt.date(2026, 7, 12)}
    found = at_the_bank(tables([*remits, paid("t", 5, 5)], [first, early, late, END]), LAST)
    assert dict(found.filter(side="remitted").select("id", "is_covered").rows()) == {"r": False, "s": False, "t": True}
    whole = [banked(str(day), 1, day) for day in range(1, 32, 7)]
    found = at_the_bank(tables([paid("t", 5, 5)], [*whole, END]), LAST)
    assert found.filter(side="remitted")["is_covered"].to_list() == [True]


def test_three_columns_add_up_to_what_each_table_holds():
    remits = [
        paid("r", 500, 5, trace="1"),
        paid("s", 300, 6, trace="2"),
        paid("t", 90, 8, trace="3"),
        paid("u", 70, 28, trace="4"),
        paid("z", 0, 9, trace="5"),
    ]
    bank = [
        banked("b", 500, 6, trace="1"),
        banked("c", 295, 7, trace="2"),
        banked("p", 40, 9),
        banked("x", 60, 9, trace="77", kind="claim_payment"),
        banked("n", -25, 12, kind="returned"),
        END,
    ]
    postings = [posted("1", 500), posted("2", 300), posted("99", 11), posted(None, 44, party="patient"), posted("5", 6)]
    found = cash_three_ways(tables(remits, bank, postings), as_of=LAST, period=OCTOBER).set_index("line")
    amounts = found[["posted_cents", "remitted_cents", "banked_cents"]]
    assert {line: tuple(row) for line, row in zip(found.index, amounts.to_numpy().tolist(), strict=True)} == {
        "found": (800, 800, 795),
        "not_found": (0, 90, 0),
        "not_covered": (0, 70, 0),
        "zero": (6, 0, 0),
        "plan_deposits": (0, 0, 60),
        "other_deposits": (0, 0, 41),
        "returned": (0, 0, -25),
        "posted_alone": (11, 0, 0),
        "patients": (44, 0, 0),
    }
    assert list(found.index) == list(LINES)
    assert amounts.sum().tolist() == [
        sum(-row["amount_cents"] for row in postings),
        sum(row["paid_cents"] for row in remits),
        sum(row["amount_cents"] for row in bank),
    ]


def test_what_is_left_over_stands_with_its_age_and_among_the_comparisons_of_records():
    remits = [paid("r", 500, 5, trace="1"), paid("s", 300, 18, trace="2"), paid("u", 70, 28, trace="4")]
    bank = [banked("first", 2, 1), banked("x", 60, 9, kind="claim_payment"), banked("y", 80, 30, kind="lockbox"), END]
    found = tables(remits, bank)
    aged = unmatched_by_age(found, as_of=LAST)
    assert list(zip(aged["side"], aged["age"], aged["amount_cents"], strict=True)) == [
        ("remitted", "11-30", 800),
        ("banked", "0-10", 80),
        ("banked", "11-30", 60),
    ]
    known = relations(found, as_of=LAST).set_index("relation")
    assert known.loc[["not_banked", "banked_alone"], "amount_cents"].tolist() == [800, 60]
    assert known.loc[["not_banked", "banked_alone"], "is_broken"].all()
    assert not known.loc["not_banked", "is_large"]
