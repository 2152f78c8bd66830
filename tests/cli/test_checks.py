"""`rcm check`: the arithmetic and the records' completeness are two answers."""

import openpyxl
from cases.desk import blank
from cases.files import answer, claim_837, remit_835

from rcm_analysis.cli.checks import relation_words

PAID = answer("A1", "100", "80", "CO*45*20")
STRANGE = answer("Z9", "90", "60", "CO*45*30", icn="PCN2")


def desk_with(tmp_path, *claims, paid):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    desk.put("b.835", remit_835(paid, [segment for claim in claims for segment in claim]))
    return desk.ingest()


def test_a_sound_client_holds_in_both_answers(tmp_path):
    desk = desk_with(tmp_path, PAID, paid="80")
    assert desk.exit_code == 0
    code, text = desk.rcm("check")
    assert code == 0
    for words in ("Arithmetic holds", "Complete: no record", "Every sum holds, and every record has its counterpart"):
        assert words in text


def test_arithmetic_may_hold_where_records_are_missing(tmp_path):
    desk = desk_with(tmp_path, PAID, STRANGE, paid="140")
    assert desk.exit_code == 1
    assert "1 claim paid but never billed [60.00, 42.86 % of payments] (paid_never_billed)" in desk.said
    code, text = desk.rcm("check")
    assert code == 1
    assert "Arithmetic holds: residual 0.00 everywhere." in text and "Every sum holds" not in text
    assert "Not complete: 3 relation(s)" in text  # paid, answered and posted without a claim


def test_the_list_behind_a_relation_is_printed_or_written(tmp_path):
    desk = desk_with(tmp_path, PAID, STRANGE, paid="140")
    code, text = desk.rcm("check", "--list", "paid_never_billed")
    assert code == 1 and "Z9" in text and "1 record(s) of paid_never_billed, 60.00." in text
    to = tmp_path / "list.xlsx"
    desk.rcm("check", "--list", "paid_never_billed", "--to", str(to))
    rows = list(openpyxl.load_workbook(to)["paid_never_billed"].values)
    assert any("Z9" in row and 60 in row for row in rows)
    assert desk.rcm("check", "--list", "same_money_twice")[0] == 0


def test_a_list_of_an_unknown_relation_or_without_one_is_one_message(tmp_path):
    desk = desk_with(tmp_path, PAID, paid="80")
    code, text = desk.rcm("check", "--list", "paid_never_bild")
    assert code == 2 and "Closest: paid_never_billed" in text
    assert desk.rcm("check", "--to", "x.xlsx")[0] == 2
    code, text = desk.rcm("check", "--list", "paid_never_billed", "--to", "x.csv")
    assert code == 2 and ".xlsx" in text


def test_all_prints_every_relation_and_says_which_were_not_asked(tmp_path):
    desk = desk_with(tmp_path, PAID, paid="80")
    text = desk.rcm("check", "--all")[1]
    assert "0 claims paid but never billed [0.00, 0.00 % of payments]" in text


def test_a_relation_that_lacks_a_side_was_not_asked():
    row = {"unit": "claim", "what": "that no 837 carries", "count": 0, "is_asked": False, "relation": "not_in_837"}
    assert relation_words(row) == "claims that no 837 carries: not asked, as one side was never delivered (not_in_837)"
