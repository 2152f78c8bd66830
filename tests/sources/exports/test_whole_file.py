"""What shows only when a file is seen as a whole: day and month, signs, ids as shown, hidden and merged cells."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from rcm_analysis.errors import SourceError
from rcm_analysis.sources.exports import reader as exports
from rcm_analysis.sources.exports.column_maps import parse_map
from rcm_analysis.sources.exports.values import cents, nearest_cents
from rcm_analysis.sources.exports.workbooks import shown

MAP = """
name = "pm"
[transactions]
delivery = "month"
date_formats = ["%m/%d/%Y"]
sign.by = "kind"
[transactions.columns]
transaction_id = "Txn"
claim_id = "Claim"
kind = "Type"
party = "Resp"
happened_on = "Done"
posted_on = "Posted"
amount_cents = "Amount"
[transactions.values.kind]
CHG = "charge"
PMT = "payment"
ADJ = "contractual"
WO = "write_off"
"""
HEADER = ["Txn", "Claim", "Type", "Resp", "Done", "Posted", "Amount"]
DAY = dt.datetime(2026, 1, 5)


def row(number: int, day="01/05/2026", amount="100.00", kind="CHG", claim="C1") -> list:
    return [f"T{number}", claim, kind, "primary", day, day, amount]


def load(path: Path, column_map: str = MAP) -> exports.Export:
    [part] = exports.recognise(path, [parse_map(column_map, "pm.toml")])
    return exports.read_export(path, part, client="acme")


def csv_of(folder: Path, rows: list[list], column_map: str = MAP) -> exports.Export:
    path = folder / "t.csv"
    path.write_text("\n".join(",".join(map(str, cells)) for cells in [HEADER, *rows]))
    return load(path, column_map)


def book_of(folder: Path, rows: list[list], change=lambda book, sheet: None, column_map: str = MAP) -> exports.Export:
    book = openpyxl.Workbook()
    sheet = book.active
    for cells in [HEADER, *rows]:
        sheet.append(cells)
    change(book, sheet)
    book.save(folder / "t.xlsx")
    return load(folder / "t.xlsx", column_map)


def told(export: exports.Export) -> list[tuple]:
    return export.quarantine.select("row", "rule", "amount_cents").rows()


# ------------------------------------------------------------ amounts
@pytest.mark.parametrize(
    ("text", "exact", "about"),
    [
        ("1769.0000000000002", 176900, 176900),
        ("988.3699951171875", 98837, 98837),
        ("-988.3699951171875", -98837, -98837),
        ("0.30000000000000004", 30, 30),
        ("9.9990000", None, 1000),
        ("1.00001", None, 100),  # a thousandth of a cent above
        ("1.000009", 100, 100),  # just within it
        ("12.345", None, 1235),
        ("-12.345", None, -1235),
        ("12.3449", None, 1234),
        (".005", None, 1),
        ("85.5500", 8555, 8555),
        ("USD 12", 1200, 1200),
        ("EUR 12", None, 1200),
        ("12.00 CR", None, 1200),
        ("1e3", None, None),
        ("2026-01-05", None, None),
        ("n/a", None, None),
    ],
)
def test_what_an_amount_is_and_what_it_is_about(text, exact, about):
    frame = pl.DataFrame({"text": [text]})
    read = frame.select(cents(pl.col("text")).alias("exact"), nearest_cents(pl.col("text")).alias("about"))
    assert read.row(0) == (exact, about)


def test_the_residue_of_a_float_is_rounded_and_told(tmp_path):
    export = csv_of(tmp_path, [row(1, amount="1769.0000000000002"), row(2)])
    assert export.rows["amount_cents"].to_list() == [176900, 10000]
    assert [remark[:3] for remark in export.remarks] == [("float_residue", 1, 176900)]


# ------------------------------------------------------------ days
DAYS_OF_MARCH = [f"03/{day:02d}/2026" for day in range(13, 29)]


@pytest.mark.parametrize(
    ("days", "is_read"),
    [
        pytest.param([f"{day:02d}/10/2026" for day in range(1, 29)], False, id="a whole month, day first"),
        pytest.param(["31/01/2026", "01/02/2026", "05/02/2026"], False, id="one day that decides, the others fit both"),
        pytest.param(["01/02/2026", "05/02/2026"], True, id="nothing decides: the map's word stands"),
        pytest.param([*DAYS_OF_MARCH, "31/03/2026"], True, id="one slip among many"),
        pytest.param([*DAYS_OF_MARCH, "29/03/2026", "30/03/2026", "31/03/2026"], True, id="three slips of nineteen"),
        pytest.param(
            [*DAYS_OF_MARCH[:12], "29/03/2026", "30/03/2026", "31/03/2026"], False, id="three of fifteen: mixed"
        ),
        pytest.param(["13/45/2026", "99/99/2026", "03/02/2026"], True, id="rubbish in both orders"),
    ],
)
def test_the_order_of_day_and_month_is_judged_over_the_file(tmp_path, days, is_read):
    rows = [row(number, day) for number, day in enumerate(days)]
    if is_read:
        assert csv_of(tmp_path, rows).rows_in == len(days)
        return
    with pytest.raises(SourceError, match=r"Posted|Done.*Day and month stand in the other order, or are mixed"):
        csv_of(tmp_path, rows)


def test_a_day_first_map_is_judged_the_same_way(tmp_path):
    rows = [row(number, f"10/{day:02d}/2026") for number, day in enumerate(range(1, 29))]
    with pytest.raises(SourceError, match="the map reads 'Done' as %d/%m/%Y"):
        csv_of(tmp_path, rows, MAP.replace("%m/%d/%Y", "%d/%m/%Y"))


@pytest.mark.parametrize(
    ("days", "aside"),
    [
        (["01/05/2026", "01/05/2062"], {3: "impossible_date"}),
        (["01/05/2026", "01/05/2097"], {3: "impossible_date"}),
        (["01/05/2026", "01/06/2026", "01/05/2036"], {4: "far_day"}),
        (["01/05/2026", "01/06/2026", "01/05/2034"], {}),
        (["01/05/2026", "01/06/2026", "01/13/2035"], {}),  # nine years to the day are no gap
        (["01/05/2026", "01/06/2026", "01/14/2035"], {4: "far_day"}),
        (["01/05/2026", "01/05/2036"], {3: "far_day"}),  # half of the days lie behind the gap
        (["01/05/2026", "01/05/2036", "01/06/2036"], {}),  # more than half: the first is the odd one
        ([f"01/05/{year}" for year in range(1995, 2027)], {}),  # a long history has no gap
        (["01/05/2005", "01/06/2026", "01/07/2026"], {}),  # an old row among new ones
    ],
)
def test_a_day_decades_away_is_set_aside(tmp_path, days, aside):
    export = csv_of(tmp_path, [row(number, day) for number, day in enumerate(days)])
    assert {number: rule for number, rule, _ in told(export)} == aside


# ------------------------------------------------------------ signs
def signed(payments: list[str], kind: str = "PMT") -> list[list]:
    charges = [row(100 + number) for number in range(5)]
    return charges + [row(number, amount=amount, kind=kind) for number, amount in enumerate(payments)]


@pytest.mark.parametrize(
    ("payments", "is_read"),
    [
        (["-80.00"] * 3, False),
        (["-80.00"] * 2, True),  # two reversals
        (["-80.00"] * 9 + ["70.00"], False),
        (["-80.00"] * 8 + ["70.00"] * 2, True),
        (["-80.00"] * 3 + ["0.00"] * 9, False),  # nothing paid decides nothing
    ],
)
def test_a_sign_set_twice_refuses_the_file(tmp_path, payments, is_read):
    if is_read:
        assert csv_of(tmp_path, signed(payments)).rows.height == 5 + len(payments)
        return
    with pytest.raises(SourceError, match=r"payment row\(s\) would raise the receivable.*sign.by"):
        csv_of(tmp_path, signed(payments))


@pytest.mark.parametrize(
    ("by", "kind", "amount"),
    [("file", "PMT", "80.00"), ("file", "ADJ", "20.00"), ("negate", "PMT", "-80.00"), ("kind", "WO", "-20.00")],
)
def test_every_way_of_signing_is_judged(tmp_path, by, kind, amount):
    charges = "-100.00" if by == "negate" else "100.00"
    rows = [row(100, amount=charges), *(row(number, amount=amount, kind=kind) for number in range(3))]
    with pytest.raises(SourceError, match="would raise the receivable"):
        csv_of(tmp_path, rows, MAP.replace('"kind"\n[', f'"{by}"\n['))


def test_charges_that_lower_the_receivable_refuse_the_file(tmp_path):
    with pytest.raises(SourceError, match=r"3 of 3 charge row\(s\) would lower the receivable, by 300.00"):
        csv_of(tmp_path, [row(number, amount="-100.00") for number in range(3)])


# ------------------------------------------------------------ ids
@pytest.mark.parametrize(
    ("number", "code", "text"),
    [
        (777, "000000", "000777"),
        (1234567, "000000", "1234567"),
        (777, '"AB-"0000', "AB-0777"),
        (777, "00-0000", "00-0777"),
        (123456789, "000\\-00\\-0000", "123-45-6789"),
        (777, "0", "777"),
        (7, "##", "7"),
        (777, "General", None),
        (777, "#,##0.00", None),
        (46027, "yyyy-mm-dd", None),
        (0.5, "0%", None),
        (777.5, "000000", None),
        (-777, "000000", None),
    ],
)
def test_a_number_is_shown_as_its_format_shows_it(number, code, text):
    assert shown(number, code) == text


def test_ids_are_read_as_the_sheet_shows_them_and_amounts_as_they_are(tmp_path):
    def change(book, sheet):
        sheet["B2"].number_format = sheet["G2"].number_format = "000000"

    export = book_of(tmp_path, [row(1, DAY, 64, claim=777), row(2, DAY, 50, claim="0042")], change)
    assert export.rows.select("claim_id", "amount_cents").rows() == [("000777", 6400), ("0042", 5000)]


def test_shown_ids_stand_in_their_column_when_the_sheet_starts_further_right(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for line, cells in enumerate([HEADER, row(1, DAY, 64, claim=777)], start=3):
        for place, cell in enumerate(cells, start=4):
            sheet.cell(line, place, cell)
    sheet["E4"].number_format = "000000"
    book.save(tmp_path / "t.xlsx")
    assert load(tmp_path / "t.xlsx").rows["claim_id"].to_list() == ["000777"]


@pytest.mark.parametrize(
    ("claim", "is_told"),
    [
        (10**15, True),
        (10**15 - 1, False),
        (1234567890123456789, True),
        ("1234567890123456789", False),  # text keeps its digits
    ],
)
def test_a_number_too_long_for_a_spreadsheet_is_no_id(tmp_path, claim, is_told):
    export = book_of(tmp_path, [row(1, DAY, 64, claim=claim)])
    assert told(export) == ([(2, "lost_digits", 6400)] if is_told else [])


@pytest.mark.parametrize(
    ("claims", "aside"),
    [
        (["1.23457E+15"], 1),
        (["1.2E5"], 1),
        (["5E+10"], 1),
        (["12E5678"], 0),
        (["E10"], 0),
        (["123456789012345000"], 1),  # 18 digits, the last three lost
        (["123456789012345000", "123456789012345678"], 0),  # the column has its digits
        (["12345678901234500"], 0),  # 17 digits may end in two zeros
    ],
)
def test_an_id_that_a_spreadsheet_shortened_is_set_aside(tmp_path, claims, aside):
    export = csv_of(tmp_path, [row(number, claim=claim) for number, claim in enumerate(claims)])
    assert told(export) == [(2, "lost_digits", 10000)][:aside]


# ------------------------------------------------------------ postings without a claim
@pytest.mark.parametrize(("kind", "is_stored"), [("CHG", False), ("ADJ", False), ("WO", False), ("PMT", True)])
def test_only_money_may_lack_a_claim(tmp_path, kind, is_stored):
    export = csv_of(tmp_path, [row(1, kind=kind, claim="")])
    assert [rule for _, rule, _ in told(export)] == ([] if is_stored else ["no_claim"])


# ------------------------------------------------------------ sheets
def test_a_1904_workbook_counts_its_day_numbers_from_1904(tmp_path):
    def change(book, sheet):
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904

    export = book_of(tmp_path, [row(1, 44565, 100), row(2, DAY, 100)], change)
    assert export.rows["posted_on"].to_list() == [DAY.date()] * 2


def test_a_formula_without_a_result_is_named_and_the_rest_of_its_row_told(tmp_path):
    rows = [row(1, DAY, "=50*2"), row(2, DAY, 64, claim="=B2", kind="PMT"), row(3, DAY, 50), row(4, "=E2", 30)]
    rows[2][6] = "#REF!"
    export = book_of(tmp_path, rows)
    assert told(export) == [(2, "formula", None), (3, "formula", -6400), (4, "error", None), (5, "formula", 3000)]
    assert "never saved" in export.quarantine["message"][0] and export.quarantine["column"][1] == "Claim"


def test_merged_cells_belong_to_all_their_rows_but_merged_amounts_to_none_alone(tmp_path):
    def change(book, sheet):
        sheet.merge_cells("B2:B3")
        sheet.merge_cells("E2:E4")
        sheet.merge_cells("G3:G4")

    export = book_of(tmp_path, [row(1, DAY, 100, claim="A"), row(2, DAY, 200, claim=""), row(3, DAY, 30)], change)
    assert export.rows.select("claim_id", "happened_on", "amount_cents").rows() == [
        ("A", DAY.date(), 10000),
        ("A", DAY.date(), 20000),
    ]
    assert told(export) == [(4, "missing", None)]


def test_hidden_rows_are_read_and_told_with_their_dollars(tmp_path):
    def change(book, sheet):
        sheet.row_dimensions[3].hidden = True

    export = book_of(tmp_path, [row(1, DAY, 100), row(2, DAY, 200), row(3, DAY, 50)], change)
    assert export.rows.height == 3
    assert [remark[:3] for remark in export.remarks] == [("hidden_rows", 1, 20000)]


def with_hidden_sheet(book, sheet):
    other = book.create_sheet("Old")
    for cells in [HEADER, row(9, DAY, 500)]:
        other.append(cells)
    other.sheet_state = "hidden"


def test_a_hidden_sheet_is_not_read_unless_the_map_names_it(tmp_path):
    export = book_of(tmp_path, [row(1, DAY, 100)], with_hidden_sheet)
    assert export.rows["amount_cents"].to_list() == [10000]
    [part] = exports.recognise(tmp_path / "t.xlsx", [parse_map(MAP, "pm.toml")])
    assert part.hidden_sheets == ("Old",) and part.other_sheets == ()
    named = load(tmp_path / "t.xlsx", MAP.replace('delivery = "month"', 'delivery = "month"\nsheet = "Old"'))
    assert named.rows["amount_cents"].to_list() == [50000]


def test_a_workbook_whose_only_fitting_sheet_is_hidden_says_so(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Summary", "Total"])
    with_hidden_sheet(book, book.active)
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(SourceError, match=r"1 hidden sheet\(s\) with rows were not read; unhide them"):
        load(tmp_path / "t.xlsx")


# ------------------------------------------------------------ files that are no export
@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("t.xls", b"<html><table><tr><td>Txn</td></tr></table></html>", "a web page (HTML) saved as .xls"),
        ("t.xls", b"\xef\xbb\xbf\n<!DOCTYPE html><html></html>", "a web page (HTML) saved as .xls"),
        ("t.xls", "<html><table></table></html>".encode("utf-16"), "a web page (HTML) saved as .xls"),
        ("t.xls", b"MIME-Version: 1.0\nX-Document-Type: Workbook", "a web archive"),
        ("t.xml", b'<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "2003"),
        ("t.xml", b'<?xml version="1.0"?><Bundle/>', "an XML file"),
        ("t.csv", b"%PDF-1.4\n", "a PDF saved as .csv"),
        ("t.ndjson", b'{"resourceType": "ExplanationOfBenefit"}', "a JSON file"),
        ("t", b"{\\rtf1 hello}", "a text document (RTF)"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_export_is_told_for_what_it_is(tmp_path, name, content, what):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        load(tmp_path / name)
    assert what in str(caught.value) and name in str(caught.value)
