"""A spreadsheet is read as it shows itself, or the row or file is refused with the reason and its dollars."""

import datetime as dt
import re

import pytest

from .desk import blank, ingested
from .files import HEADER, MAP, claim_837, export, posting, workbook

DAY = dt.datetime(2026, 1, 5)


def given(tmp_path, name: str, content: str | bytes, *, column_map: str = MAP):
    """One export in a workspace of its own, taken in."""
    desk = blank(tmp_path, column_map=column_map)
    desk.put(name, content)
    return desk.ingest()


# ------------------------------------------------------------ ids
def test_an_id_is_read_as_the_cell_shows_it_or_told_r22(tmp_path):
    desk = ingested("r22-xlsx-numeric-ids", tmp_path)
    ids = {row["claim_id"] for row in desk.stored("transactions")}
    assert {"778", "9"} <= ids
    assert ("000777" in ids and "777" not in ids) or desk.tells(30)  # its charge is 0.30


def test_ids_of_nineteen_digits_are_refused_because_a_spreadsheet_lost_digits_r22(tmp_path):
    desk = ingested("r22-xlsx-numeric-ids", tmp_path)
    assert not any("12345678901234" in row["claim_id"] for row in desk.stored("transactions"))
    assert desk.aside_cents() == 1100  # 5.00 + 6.00
    assert desk.receivable() == 6727  # 0.30 + 59.97 + 0.00 + 7.00


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        pytest.param("000000", "000777", id="zeros in front"),
        pytest.param('"AB-"0000', "AB-0777", id="letters in front"),
        pytest.param("00-0000", "00-0777", id="a dash inside"),
        pytest.param("0", "777", id="plain"),
        pytest.param("@", "777", id="text"),
    ],
)
def test_an_id_with_a_number_format_is_read_as_shown_or_told(tmp_path, shown, text):
    row = posting("T1", 777, "CHG", DAY, 64)
    desk = given(tmp_path, "t.xlsx", workbook(row, formats={"B2": shown}))
    assert desk.parts() == {(text, "primary"): 6400} or desk.tells(6400)


@pytest.mark.parametrize("text", ["2.02601E+12", "2,02601E+12", "1.2E5"])
def test_an_id_in_scientific_notation_is_set_aside(tmp_path, text):
    rows = [posting("T1", f'"{text}"', "CHG", "01/05/2026", "64.00"), posting("T2", "A2", "CHG", "01/05/2026", "50.00")]
    desk = given(tmp_path, "t.csv", export(*rows))
    assert desk.parts() == {("A2", "primary"): 5000}
    assert desk.aside_cents() == 6400


def test_an_id_with_letters_that_looks_like_a_number_is_an_id(tmp_path):
    desk = given(tmp_path, "t.csv", export(posting("T1", "12E5678", "CHG", "01/05/2026", "64.00")))
    assert desk.parts() == {("12E5678", "primary"): 6400}


# ------------------------------------------------------------ days
def test_a_day_number_in_a_1904_workbook_is_read_right_or_refused_r23(tmp_path):
    desk = ingested("r23-date-1904", tmp_path)
    days = {row["claim_id"]: row["happened_on"] for row in desk.stored("transactions")}
    assert days.pop("A") == dt.date(2026, 1, 5)
    # 44,565 days after January 1, 1904 is January 5, 2026.
    assert days == {"B": dt.date(2026, 1, 5)} or (days == {} and desk.aside_cents() == 20000)


def test_a_day_number_in_a_usual_workbook_is_read(tmp_path):
    desk = given(tmp_path, "t.xlsx", workbook(posting("T1", "B", "CHG", 46027, 200)))  # days after 1899-12-30
    assert [row["happened_on"] for row in desk.stored("transactions")] == [dt.date(2026, 1, 5)]


def refused_as_day_first(desk, file: str, cents: int) -> bool:
    """Nothing of the file is stored, and a finding says why, with or without its dollars."""
    why = [row for row in desk.findings(file=file) if re.search(r"(?i)day|month|date", row["message"])]
    told = any(row["amount_cents"] in (None, cents) for row in why)
    return desk.stored("transactions") == [] and bool(why) and told


def test_a_day_first_file_under_a_month_first_map_is_refused_whole_or_read_right_d12(tmp_path):
    desk = ingested("d12-day-first", tmp_path)
    if desk.stored("transactions"):
        days = sorted(row["posted_on"] for row in desk.stored("transactions"))
        assert days == [dt.date(2026, 10, day) for day in range(1, 29)]  # 28 charges of October
        assert desk.receivable() == 280000
    else:
        assert refused_as_day_first(desk, "t.csv", 280000)  # 28 x 100


def test_days_and_months_are_not_swapped_row_by_row_r30(tmp_path):
    desk = ingested("r30-day-month-swap", tmp_path)
    if desk.stored("transactions"):
        days = {row["claim_id"]: row["posted_on"] for row in desk.stored("transactions")}
        assert days["B"] == dt.date(2026, 2, 1) and days["C"] == dt.date(2026, 2, 5)
    else:
        assert refused_as_day_first(desk, "t.csv", 90000)  # 100 + 200 + 300 + 300


def test_one_mistyped_day_does_not_refuse_a_month_first_file(tmp_path):
    rows = [posting(f"T{day}", f"C{day}", "CHG", f"10/{day:02d}/2026", "100.00") for day in range(1, 29)]
    desk = given(tmp_path, "t.csv", export(*rows, posting("T29", "C29", "CHG", "31/10/2026", "40.00")))
    assert desk.receivable() == 280000  # 28 x 100
    assert desk.aside_cents() == 4000


@pytest.mark.parametrize("day", ["01/05/2062", "01/05/2097"])
def test_a_day_decades_away_is_set_aside(tmp_path, day):
    rows = [posting("T1", "A1", "CHG", "01/05/2026", "64.00"), posting("T2", "A2", "CHG", day, "50.00")]
    desk = given(tmp_path, "t.csv", export(*rows))
    assert {row["posted_on"].year for row in desk.stored("transactions")} == {2026}
    assert desk.aside_cents() == 5000


# ------------------------------------------------------------ formulas
def test_a_formula_without_a_result_is_called_so_r24(tmp_path):
    desk = ingested("r24-formulas", tmp_path)
    assert desk.stored("transactions") == []
    said = " ".join(row["message"] for row in [*desk.aside(), *desk.findings()])
    assert re.search(r"(?i)formula", said)
    assert desk.aside_cents() == 20000  # the one amount that is there: row 3
    [row] = [row for row in desk.aside() if row["row"] == 3]
    assert "Date" in row["column"] and re.search(r"(?i)formula", row["message"])


def test_an_error_of_the_spreadsheet_is_called_so_r24(tmp_path):
    desk = ingested("r24-formulas", tmp_path)
    [row] = [row for row in desk.aside() if row["row"] == 4]
    assert re.search(r"(?i)#REF|error|formula", row["message"])


def test_a_payment_whose_claim_is_a_formula_without_a_result_is_set_aside(tmp_path):
    rows = [posting("T1", "A1", "CHG", DAY, 100), posting("T2", "=B2", "PMT", DAY, 80)]
    desk = given(tmp_path, "t.xlsx", workbook(*rows))
    assert desk.parts() == {("A1", "primary"): 10000}
    assert desk.owed()["unapplied"] == 0
    assert desk.aside_cents() == 8000


# ------------------------------------------------------------ hidden, merged and total cells
def test_a_merged_claim_cell_is_read_or_refused_and_a_charge_without_a_claim_set_aside_r25(tmp_path):
    desk = ingested("r25-hidden-rows-merged-total", tmp_path)
    assert desk.owed()["unapplied"] == 0
    assert desk.exit_code == 1
    # B4:B5 shows A for 100 and 200; C has 150; the last charge of 150 names no claim; totals are no rows.
    read = desk.parts() == {("A", "primary"): 30000, ("C", "primary"): 15000} and desk.aside_cents() == 15000
    refused = desk.parts() == {("A", "primary"): 10000, ("C", "primary"): 15000} and desk.aside_cents() == 35000
    assert read or refused


def test_a_charge_without_a_claim_is_set_aside(tmp_path):
    rows = [posting("T1", "A1", "CHG", "01/05/2026", "64.00"), posting("T2", "", "CHG", "01/05/2026", "50.00")]
    desk = given(tmp_path, "t.csv", export(*rows))
    assert desk.parts() == {("A1", "primary"): 6400} and desk.owed()["unapplied"] == 0
    assert desk.aside_cents() == 5000


def test_a_payment_without_a_claim_is_unapplied_money(tmp_path):
    rows = [posting("T1", "A1", "CHG", "01/05/2026", "64.00"), posting("T2", "", "PMT", "01/05/2026", "50.00")]
    desk = given(tmp_path, "t.csv", export(*rows))
    assert desk.owed()["unapplied"] == -5000 and desk.receivable() == 1400  # 64 - 50


def test_a_hidden_sheet_is_told(tmp_path):
    old = [HEADER, posting("T9", "A9", "CHG", DAY, 500)]
    rows = workbook(posting("T1", "A1", "CHG", DAY, 64), sheets={"Old": old}, hidden=["Old"])
    desk = given(tmp_path, "t.xlsx", rows)
    assert re.search(r"(?i)hidden", desk.messages())


# ------------------------------------------------------------ amounts
def test_float_residue_is_rounded_with_a_finding_or_set_aside_with_its_dollars_d08(tmp_path):
    desk = ingested("d08-float-residue", tmp_path)
    assert desk.balance_of("B") == 5000
    assert "[0.00]" not in desk.said
    # A: 1,769.00 - 988.37 = 780.63
    rounded = desk.balance_of("A") == 78063 and bool(desk.findings(file="t.csv"))
    aside = desk.balance_of("A") == 0 and desk.aside_cents() == 176900 + 98837
    assert rounded or aside


@pytest.mark.parametrize(
    ("amount", "near"), [("12.345", {1234, 1235}), ("-7.001", {700}), ("$1,000.999", {100099, 100100})]
)
def test_a_true_third_decimal_is_set_aside_with_its_dollars(tmp_path, amount, near):
    rows = [posting("T1", "A1", "CHG", "01/05/2026", f'"{amount}"'), posting("T2", "A2", "CHG", "01/05/2026", "50.00")]
    desk = given(tmp_path, "t.csv", export(*rows))
    assert desk.parts() == {("A2", "primary"): 5000}
    assert desk.aside_cents() in near and "[0.00]" not in desk.said


def test_a_row_with_a_field_too_many_is_not_told_as_nothing(tmp_path):
    good, long = (posting("T1", "A1", "CHG", "01/05/2026", "64.00"), posting("T2", "A2", "CHG", "01/05/2026", "50.00"))
    desk = given(tmp_path, "t.csv", export(good, [*long, "stray"]))
    assert desk.receivable() == 6400
    assert "[0.00]" not in desk.said


def sign_is_told(desk, cents: int) -> bool:
    """Nothing is stored and the file is named, or the dollars with the wrong sign are told."""
    refused = desk.stored("transactions") == [] and bool(desk.findings())
    return refused or desk.tells(cents, 2 * cents)


def test_a_sign_set_twice_is_read_right_or_told_r26(tmp_path):
    desk = ingested("r26-negative-payments-sign-by-kind", tmp_path)
    # 3 x (100 - 80 - 20) = 0 with cash of 240; 3 x (80 + 20) = 300 stand with the wrong sign.
    right = desk.parts() == {} and desk.cash("2026-01") == 24000
    assert right or sign_is_told(desk, 30000) or sign_is_told(desk, 24000)


def test_a_sign_set_not_at_all_is_read_right_or_told(tmp_path):
    rows = [
        row
        for number in (1, 2, 3)
        for row in (
            posting(f"c{number}", f"C{number}", "CHG", "01/05/2026", "100.00"),
            posting(f"p{number}", f"C{number}", "PMT", "01/15/2026", "80.00"),
            posting(f"a{number}", f"C{number}", "ADJ", "01/15/2026", "20.00"),
        )
    ]
    desk = given(tmp_path, "t.csv", export(*rows), column_map=MAP.replace('sign.by = "kind"', 'sign.by = "file"'))
    right = desk.parts() == {} and desk.cash("2026-01") == 24000
    assert right or sign_is_told(desk, 30000) or sign_is_told(desk, 24000)


def test_one_reversed_payment_among_others_keeps_its_sign(tmp_path):
    rows = [
        posting("c1", "C1", "CHG", "01/05/2026", "100.00"),
        posting("p1", "C1", "PMT", "01/10/2026", "80.00"),
        posting("p2", "C1", "PMT", "01/11/2026", "-80.00"),
        posting("p3", "C1", "PMT", "01/12/2026", "70.00"),
    ]
    desk = given(tmp_path, "t.csv", export(*rows))
    assert desk.parts() == {("C1", "primary"): 3000} and desk.cash("2026-01") == 7000  # 100 - 80 + 80 - 70


# ------------------------------------------------------------ what the file is
def test_a_web_page_named_xls_is_called_so_r28(tmp_path):
    desk = ingested("r28-html-as-xls", tmp_path)
    assert desk.parts() == {("A", "primary"): 10000}  # u.csv is a workbook and is read
    assert re.search(r"(?i)html|web page", desk.messages(file="t.xls"))


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("t.csv", "\ufeff<!DOCTYPE html>\n<html><body><p>Session expired</p></body></html>", r"(?i)html|web page"),
        (
            "t.xls",
            '<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
            r"(?i)\bxml\b",
        ),
    ],
    ids=["a web page with a mark in front", "an XML spreadsheet"],
)
def test_a_file_that_is_no_export_is_told_for_what_it_is(tmp_path, name, content, word):
    desk = given(tmp_path, name, content)
    assert re.search(word, desk.messages(file=name))


# ------------------------------------------------------------ ids of 16 and 17 digits in a CSV
def long_ids(desk, *ids):
    desk.put("jan.csv", export(*(posting(place, name, "CHG", "01/05/2026", 100) for place, name in enumerate(ids, 1))))
    return desk.ingest()


def test_ids_of_which_a_spreadsheet_kept_fifteen_digits_are_told_with_their_dollars(tmp_path):
    desk = long_ids(blank(tmp_path, column_map=MAP), *(f"123456789012{turn}0" for turn in (345, 346, 347)))
    (told,) = desk.findings("rounded_ids")
    assert told["amount_cents"] == 30000 and "'Claim #'" in told["message"]
    assert len(desk.parts()) == 3  # read as they stand


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param(["1234567890123450", "1234567890123461", "1234567890123470"], id="one does not end in a zero"),
        pytest.param(["1234567890123450", "1234567890123460"], id="two may end so by chance"),
        pytest.param(["123456789012340", "123456789012350", "123456789012360"], id="fifteen digits"),
        pytest.param(["A234567890123450", "A234567890123460", "A234567890123470"], id="no numbers"),
    ],
)
def test_ids_that_no_spreadsheet_rounded_are_not_told(tmp_path, ids):
    assert long_ids(blank(tmp_path, column_map=MAP), *ids).findings("rounded_ids") == []


def test_a_payment_under_the_rounded_form_of_a_billed_number_is_a_pair_of_the_relation(tmp_path):
    desk = blank(tmp_path, column_map=MAP)
    desk.put("a.837", claim_837("1234567890123456", "100"))
    long_ids(desk, "1234567890123450")
    code, text = desk.rcm("check", "--list", "id_forms")
    assert code == 1 and "1234567890123456" in text


# ------------------------------------------------------------ the same rows under new ids
def numbered_from(first: int, count: int = 6, day: str = "01/05/2026") -> str:
    return export(*(posting(first + place, f"A{place}", "CHG", day, "100") for place in range(count)))


@pytest.mark.parametrize("at_once", [True, False], ids=["in one intake", "in two"])
def test_an_export_that_numbers_its_rows_anew_is_told_with_its_dollars(tmp_path, at_once):
    desk = blank(tmp_path, column_map=MAP.replace('"month"', '"append"'))
    desk.put("a.csv", numbered_from(1))
    if not at_once:
        desk.ingest()
    desk.put("b.csv", numbered_from(101))
    desk.ingest()
    (told,) = desk.findings("rows_again")
    assert told["amount_cents"] == 60000 and told["file"] == "b.csv"


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(numbered_from(1), id="the same ids"),
        pytest.param(numbered_from(101, day="01/06/2026"), id="another day"),
        pytest.param(numbered_from(101, count=4), id="four rows"),
        pytest.param(export(*(posting(50 + n, f"A{n}", "PMT", "01/05/2026", "100") for n in range(6))), id="payments"),
    ],
)
def test_rows_of_their_own_are_none_again(tmp_path, second):
    desk = blank(tmp_path, column_map=MAP.replace('"month"', '"append"'))
    desk.put("a.csv", numbered_from(1))
    desk.put("b.csv", second + "\n")
    assert desk.ingest().findings("rows_again") == []
