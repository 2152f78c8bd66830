"""`rcm check`: the arithmetic and the records' completeness are two answers."""

import re

import openpyxl
import pytest
from cases.desk import blank
from cases.files import MAP, answer, claim_837, export, posting, remit_835

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
    # Paid, answered and posted without a claim: 60 of 140, 60 of 160 billed, 60 of all that was posted.
    assert re.search(r"Not complete: 3 of \d+ comparisons", text) and "3 of them 2 % of its dollars or more" in text
    assert "  paid_never_billed: ask for the charges of these claims" in text


def test_the_list_behind_a_relation_is_printed_or_written(tmp_path):
    desk = desk_with(tmp_path, PAID, STRANGE, paid="140")
    code, text = desk.rcm("check", "--list", "paid_never_billed")
    assert code == 1 and "Z9" in text and "1 record(s) of paid_never_billed, 60.00." in text
    to = tmp_path / "list.xlsx"
    desk.rcm("check", "--list", "paid_never_billed", "--to", str(to))
    rows = list(openpyxl.load_workbook(to)["Paid never billed"].values)
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


BAD_ROW = export(
    posting(1, "A1", "CHG", "01/05/2026", "100.00"),
    posting(2, "A1", "PMT", "01/20/2026", "EUR 80.00"),
    posting(3, "A1", "ADJ", "01/20/2026", "20.00"),
)


def test_a_row_set_aside_is_not_complete_with_its_dollars_and_its_place(tmp_path):
    desk = blank(tmp_path, column_map=MAP)
    desk.put("jan.csv", BAD_ROW)
    assert desk.ingest().exit_code == 1
    # The payment of 80.00 is in no figure; 100 and 20 were stored of the same table.
    said = "1 record set aside at intake [80.00, 40.00 % of what was delivered"
    assert f"{said} of the same kind] (set_aside)" in desk.said
    code, text = desk.check()
    assert code == 1 and said in text and "Not complete: 1 of" in text and "Every sum holds" not in text
    code, text = desk.rcm("check", "--list", "set_aside")
    assert code == 1 and "jan.csv" in text and "transactions, row 3: unreadable" in text and "80.00" in text
    desk.put("jan.csv", BAD_ROW.replace("EUR 80.00", "80.00"))
    assert desk.ingest().exit_code == 0 and desk.holds()


def test_a_row_whose_dollars_nobody_can_read_breaks_the_relation_all_the_same(tmp_path):
    desk = blank(tmp_path, column_map=MAP)
    desk.put("jan.csv", BAD_ROW.replace("EUR 80.00", "see note"))
    desk.ingest()
    code, text = desk.check()
    assert code == 1 and "1 record set aside at intake [0.00 and 1 of an unreadable amount" in text
    assert desk.rcm("check", "--list", "set_aside")[0] == 1


def test_total_lines_are_no_rows_set_aside(tmp_path):
    desk = blank(tmp_path, column_map=MAP)
    desk.put("jan.csv", BAD_ROW.replace("EUR 80.00", "80.00") + "Total,,,,,,200.00\n")
    assert len(desk.ingest().aside()) == 1 and desk.holds()


def test_a_client_of_whom_every_row_was_set_aside_is_told(tmp_path):
    desk = blank(tmp_path, column_map=MAP)
    desk.put("jan.csv", export(posting(1, "A1", "CHG", "01/05/2026", "EUR 100.00")))
    desk.ingest()
    code, text = desk.check()
    assert code == 1 and "1 record set aside at intake [100.00" in text


def test_a_small_rest_is_told_without_alarm(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "1000"))
    desk.put("c.837", claim_837("Z9", "1", member="M2", control=2))
    paid = answer("A1", "1000", "800", "CO*45*200")
    strange = answer("Y9", "1", "1", icn="PCN2")
    desk.put("b.835", remit_835("801", [*paid, *strange]))
    desk.ingest()
    text = desk.check()[1]
    # 1 of 801 paid, 1 of 1001 charged, 1 of 2003 posted
    assert "Not complete: 3 of" in text and "0.12 % of its dollars at most" in text and "too little to change" in text


def test_an_odd_x12_row_is_not_complete_either(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    odd = ["CLP**1*50*40**MB*PCN9*11*1", "SVC*HC:99213*50*40", "CAS*CO*45*10"]
    desk.put("b.835", remit_835("120", [*PAID, *odd]))
    desk.ingest()
    code, text = desk.check()
    assert code == 1 and "1 record set aside at intake [40.00, " in text


def test_a_refused_file_is_not_complete_until_it_is_taken_away(tmp_path):
    desk = desk_with(tmp_path, PAID, paid="80")
    path = desk.put("eob.pdf", b"%PDF-1.4 scanned")
    desk.ingest()
    code, text = desk.check()
    assert code == 1 and "1 record set aside at intake [0.00 and 1 of an unread" in text
    assert "eob.pdf" in desk.rcm("check", "--list", "set_aside")[1]
    path.unlink()
    assert desk.ingest().exit_code == 0 and desk.holds()


def test_a_file_refused_from_elsewhere_is_told_until_it_is_read(tmp_path):
    desk = desk_with(tmp_path, PAID, paid="80")
    path = tmp_path / "late.835"
    path.write_text(remit_835("80", PAID, trace="T9").replace("1234567893", "1999999984"))
    assert desk.rcm("ingest", str(path), "-c", "acme", "--workers", "1")[0] != 0
    desk.ingest()
    assert not desk.holds() and "late.835" in desk.messages()


@pytest.mark.parametrize(("before", "cents"), [("CLP*", "80.00"), ("CAS*", "")], ids=["its claims", "its adjustments"])
def test_a_remittance_that_is_cut_off_is_not_complete(tmp_path, before, cents):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    desk.put("b.835", remit_835("80", PAID).partition(before)[0])
    desk.ingest()
    code, text = desk.check()
    assert code == 1 and "record set aside at intake [0.00 and 1 of an unreadable amount" in text
    # Without its claims the deposit of 80.00 has nothing behind it, in a month of which nothing is posted.
    assert f"835 balances: {cents}" in text if cents else "Arithmetic holds" in text
