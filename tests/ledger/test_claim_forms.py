"""A claim answered under another form of its number is the claim that was billed, where nothing else it can be."""

import polars as pl
import pytest
from cases.desk import blank
from cases.files import answer, claim_837, remit_835

from rcm_analysis.ledger.claim_numbers import met_but_for_form

ROWS = {"claim_number": pl.String, "charge_cents": pl.Int64}


def frame(*rows):
    return pl.DataFrame(rows, schema=ROWS, orient="row")


@pytest.mark.parametrize(
    ("billed", "answered", "expected"),
    [
        ([("000777", 100)], [("777", 100)], [("777", "000777")]),
        ([("abc-9", 100)], [("ABC 9", -100)], [("ABC 9", "abc-9")]),
        ([("42", 100)], [("42.0", 100)], [("42.0", "42")]),
        ([("000777", 100)], [("777", 90), ("777", 100)], [("777", "000777")]),
        ([("000777", 100)], [("777", 90)], []),
        ([("000777", 100), ("0777", 100)], [("777", 100)], []),
        ([("000777", 100), ("777", 100)], [("777", 100)], []),
        ([("2026010500017", 100)], [("2.02601E+12", 100)], []),
        ([("---", 100)], [("000", 100)], []),
        ([], [("777", 100)], []),
    ],
    ids=[
        "zeros",
        "case and punctuation, taken back",
        "a spreadsheet's decimal",
        "one of its answers names the charge",
        "another charge",
        "two billed numbers of the form",
        "billed as written",
        "digits lost",
        "no form left",
        "nothing billed",
    ],
)
def test_a_number_meets_a_billed_one_that_is_the_same_but_for_its_form(billed, answered, expected):
    found = met_but_for_form(frame(*answered), frame(*billed))
    assert found.select("claim_number", "billed_number").rows() == expected


@pytest.mark.parametrize("first", ["a.837", "b.835"])
def test_charge_and_answer_are_put_together_in_whatever_order_they_come(tmp_path, first):
    desk = blank(tmp_path)
    files = {"a.837": claim_837("000777", "100"), "b.835": remit_835("80", answer("777", "100", "80", "CO*45*20"))}
    for name in sorted(files, key=lambda name: name != first):
        desk.put(name, files[name])
        desk.ingest()
    assert desk.parts() == {} and desk.holds()
    assert [(row["claim_id"], row["claim_number"]) for row in desk.stored("remit_claims")] == [("000777", "777")]
    assert "1 claim(s) were answered under another form of their number" in desk.all_messages()
    desk.put("c.837", claim_837("777", "100", control=2, member="M2"))  # now a number of its own
    desk.ingest()
    assert desk.parts() == {("000777", "primary"): 10000}
