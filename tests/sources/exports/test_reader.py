"""Exports through a column map: what is stored, what is set aside and why, and that nothing is lost."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcm_analysis.errors import SourceError
from rcm_analysis.sources.exports import reader as exports
from rcm_analysis.sources.exports import text_tables
from rcm_analysis.sources.exports.column_maps import parse_map
from rcm_analysis.tables import schema

MAP = """
name = "layout_a"

[transactions]
delivery = "month"
date_formats = ["%m/%d/%Y"]
sign.by = "kind"
[transactions.columns]
transaction_id = ["Txn ID", "Transaction #"]
claim_id = ["Claim"]
kind = ["Type"]
party = ["Responsible"]
amount_cents = ["Amount"]
happened_on = ["Service Date", "DOS"]
posted_on = ["Posting Date"]
carc = ["Reason Code"]
[transactions.values.kind]
CHG = "charge"
PMT = "payment"
XFR = "transfer"
RFD = "refund"
[transactions.defaults]
party = "primary"

[claims]
delivery = "full"
date_formats = ["%m/%d/%Y"]
[claims.columns]
claim_id = ["Claim"]
patient = ["Account"]
payer = ["Insurance"]
service_on = ["DOS"]
entered_on = ["Entered"]
charge_cents = ["Charge"]
[claims.constants]
claim_type = "professional"
"""
HEADER = "Txn ID,Claim,Patient Name,Type,Responsible,Amount,Service Date,Posting Date,Reason Code"
ROW = "T1,0012,Doe,CHG,primary,100.00,03/01/2026,03/02/2026,"
CLAIMS = "Claim,Account,Insurance,DOS,Entered,Charge"
MAPS = [parse_map(MAP, "layout_a.toml")]


def load(path, content, *, maps=MAPS, name="export.csv"):
    file = path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    (found,) = exports.recognise(file, maps)
    export = exports.read_export(file, found, client="acme")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_tables, "LARGE", 0)
        once = exports.read_export(file, found, client="acme")
    assert export.rows.equals(once.rows), "a large file, of which each different text is read once, says something else"
    assert export.quarantine.equals(once.quarantine)
    assert (export.cents_in, export.rows_in, export.remarks) == (once.cents_in, once.rows_in, once.remarks)
    return export


def lines(*rows, header=HEADER):
    return "\n".join([header, *rows]) + "\n"


# ------------------------------------------------------------------ what is stored
def test_a_good_row_is_stored_as_the_table_wants_it(tmp_path):
    export = load(tmp_path, lines(ROW, "T2,0012,Doe,PMT,PATIENT,$30.00,03/01/2026,03/20/2026,045"))
    assert export.rows.schema == schema.TRANSACTIONS.polars
    schema.check(export.rows, schema.TRANSACTIONS, "export.csv")
    first, second = export.rows.to_dicts()
    assert (first["client"], first["claim_id"], first["kind"], first["amount_cents"]) == (
        "acme",
        "0012",
        "charge",
        10000,
    )
    assert (second["party"], second["amount_cents"], second["carc"]) == ("patient", -3000, "045")
    assert second["posted_on"] == dt.date(2026, 3, 20)
    assert (export.rows_in, export.cents_in, export.delivery) == (2, 7000, "month")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lines(ROW).replace(",", ";"), id="semicolons"),
        pytest.param(lines(ROW).replace(",", "\t"), id="tabs"),
        pytest.param(lines(ROW).replace(",", "|"), id="pipes"),
        pytest.param(lines(ROW).replace("\n", "\r\n"), id="Windows line ends"),
        pytest.param(lines(ROW).replace("\n", "\r"), id="old Macintosh line ends"),
        pytest.param(lines(ROW).rstrip("\n"), id="no line end at the end"),
        pytest.param(b"\xef\xbb\xbf" + lines(ROW).encode(), id="byte order mark"),
        pytest.param(lines(ROW).encode("utf-16"), id="UTF-16, as Excel's Unicode text"),
        pytest.param(lines(ROW.replace("Doe", "Muñoz")).encode("cp1252"), id="Windows-1252 name"),
        pytest.param(lines(ROW.replace("Doe", "Muñoz")).encode(), id="UTF-8 name"),
        pytest.param("sep=,\n" + lines(ROW), id="Excel's separator line"),
        pytest.param("Acme Clinic\nTransactions, March\n\n" + lines(ROW), id="title lines above the header"),
        pytest.param(lines(ROW).replace("Txn ID", " transaction_# "), id="another synonym, spelled otherwise"),
        pytest.param(lines(ROW).replace("Doe", '"Doe, ""Jo"" Ann"'), id="quotes and commas in a cell"),
        pytest.param(lines(ROW).replace("Doe", '"Doe\nsecond line, of two"'), id="a line break in a cell"),
        pytest.param(lines(ROW).replace("Doe", '5" cast'), id="a stray quote inside a cell"),
        pytest.param(lines("", ROW, "", "  ", ",,,,,,,,"), id="blank lines"),
        pytest.param(lines(ROW + ",,"), id="empty fields too many"),
        pytest.param(",".join(f'"{cell}"' for cell in HEADER.split(",")) + "\n" + ROW, id="a quoted header"),
    ],
)
def test_the_same_row_in_many_dresses(tmp_path, content):
    export = load(tmp_path, content)
    assert export.quarantine.is_empty()
    assert export.rows.select("transaction_id", "claim_id", "amount_cents").rows() == [("T1", "0012", 10000)]


@pytest.mark.parametrize(
    ("by", "cents"),
    [
        pytest.param("kind", {"CHG": 1000, "PMT": -1000, "XFR": 1000, "RFD": 1000}, id="magnitudes: the kind decides"),
        pytest.param("file", dict.fromkeys(("CHG", "PMT", "XFR", "RFD"), 1000), id="already the effect"),
        pytest.param("negate", dict.fromkeys(("CHG", "PMT", "XFR", "RFD"), -1000), id="the other way round"),
    ],
)
def test_the_sign_of_an_amount_follows_the_map(tmp_path, by, cents):
    maps = [parse_map(MAP.replace('sign.by = "kind"', f'sign.by = "{by}"'), "x")]
    rows = [f"{kind},1,,{kind},primary,10.00,03/01/2026,03/01/2026," for kind in cents]
    export = load(tmp_path, lines(*rows), maps=maps)
    assert dict(export.rows.select("transaction_id", "amount_cents").rows()) == cents


def test_a_voided_charge_transaction_is_allowed(tmp_path):
    export = load(tmp_path, lines(ROW, ROW.replace("T1", "T2").replace("100.00", "(100.00)")))
    assert export.rows["amount_cents"].to_list() == [10000, -10000]


def test_a_file_with_a_header_only_is_an_empty_month(tmp_path):
    export = load(tmp_path, HEADER + "\n")
    assert (export.rows.height, export.quarantine.height, export.rows_in, export.cents_in) == (0, 0, 0, 0)
    assert load(tmp_path, HEADER).rows_in == 0


# ------------------------------------------------------------------ what is set aside
@pytest.mark.parametrize(
    ("row", "column", "rule", "cents"),
    [
        pytest.param(ROW.replace("100.00", "n/a"), "Amount", "unreadable", None, id="unreadable amount"),
        pytest.param(ROW.replace("100.00", ""), "Amount", "missing", None, id="no amount"),
        pytest.param(ROW.replace("100.00", "100.005"), "Amount", "part_of_a_cent", 10001, id="half a cent"),
        pytest.param(ROW.replace("100.00", "USD 12 CR"), "Amount", "unreadable", 1200, id="words around an amount"),
        pytest.param(ROW.replace("03/02/2026", "13/45/2026"), "Posting Date", "unreadable", 10000, id="no such date"),
        pytest.param(ROW.replace("03/02/2026", ""), "Posting Date", "missing", 10000, id="no date"),
        pytest.param(
            ROW.replace("03/02/2026", "03/02/1926"), "Posting Date", "impossible_date", 10000, id="a century ago"
        ),
        pytest.param(
            ROW.replace("03/02/2026", "03/02/2126"), "Posting Date", "impossible_date", 10000, id="in a century"
        ),
        pytest.param(
            ROW.replace("03/02/2026", "03/02/26"),
            "Posting Date",
            "unreadable",
            10000,
            id="a year of two digits where the map says four",
        ),
        pytest.param(ROW.replace("T1", ""), "Txn ID", "missing", 10000, id="no id"),
        pytest.param(ROW.replace("CHG", "ZZZ"), "Type", "not_listed", 10000, id="an unknown type"),
        pytest.param(ROW.replace("primary", "uncle"), "Responsible", "not_listed", 10000, id="an unknown party"),
        pytest.param(ROW + "x", "Reason Code", None, None, id="an optional code is kept as it is"),
        pytest.param(ROW[:-20], None, "fields", 10000, id="too few fields"),
        pytest.param(ROW + ",one,two", None, "fields", 10000, id="too many fields"),
        pytest.param(ROW + ",one,2.00", None, "fields", None, id="too many fields, two of them amounts"),
        pytest.param("TOTAL,,,,,100.00,,,", "Txn ID", "total_line", None, id="a total line as wide as the rows"),
        pytest.param("Grand Total: 100.00", None, "total_line", None, id="a total line of its own width"),
        pytest.param(",,Subtotal,,,100.00,,,", "Txn ID", "total_line", None, id="a subtotal further right"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_rule(tmp_path, row, column, rule, cents):
    export = load(tmp_path, lines(ROW.replace("T1", "T0"), row))
    if rule is None:
        assert export.rows.height == 2
        return
    (aside,) = export.quarantine.to_dicts()
    assert (aside["file"], aside["row"], aside["rule"], aside["amount_cents"]) == ("export.csv", 3, rule, cents)
    if rule != "total_line":
        assert aside["column"] == column
    assert export.rows["transaction_id"].to_list() == ["T0"]
    assert (export.rows_in, export.cents_in) == (2, 10000 + (cents or 0))


def test_a_patient_named_total_is_not_a_total_line(tmp_path):
    export = load(tmp_path, lines(ROW.replace("Doe", '"Total, Ann"').replace("CHG", "ZZZ")))
    assert export.quarantine["rule"].to_list() == ["not_listed"]
    assert export.quarantine["amount_cents"].to_list() == [10000]


@pytest.mark.parametrize(
    ("row", "column", "rule"),
    [
        pytest.param(
            "C2,A,Aetna,03/02/2026,03/01/2026,10.00", "Entered", "before_service", id="entered before the service"
        ),
        pytest.param("C2,A,Aetna,03/02/2026,03/02/2026,-10.00", "Charge", "negative_charge", id="a charge below zero"),
        pytest.param("C1,A,Aetna,03/02/2026,03/02/2026,10.00", "claim_id", "duplicate_key", id="the same claim again"),
        pytest.param("C2,A,,03/02/2026,03/02/2026,10.00", "Insurance", "missing", id="no payer and no default"),
    ],
)
def test_a_bad_claim_is_set_aside_with_its_rule(tmp_path, row, column, rule):
    export = load(tmp_path, lines("C1,A,Aetna,03/01/2026,03/01/2026,10.00", row, header=CLAIMS))
    (aside,) = export.quarantine.to_dicts()
    assert (aside["rule"], aside["row"]) == (rule, 3)
    assert aside["column"] == ("Claim" if rule == "duplicate_key" else column)
    assert export.rows["claim_id"].to_list() == ["C1"]


def test_a_claim_entered_on_the_day_of_service_for_nothing_is_good(tmp_path):
    export = load(tmp_path, lines("C1,A,Aetna,03/01/2026,03/01/2026,0.00", header=CLAIMS))
    assert export.rows.select("charge_cents", "patient", "claim_type").rows() == [(0, "A", "professional")]


POLICIES = """
name = "policy"

[self_pay_policies]
delivery = "full"
[self_pay_policies.columns]
rule = ["Rule"]
effective_from = ["From"]
value = ["Value"]
"""


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ("call_window_from", "08:00", ["8:00", "24:00", "8am", "08:60"]),
        ("dispute_days", "30", ["thirty", "30.5", "-1", "30 days"]),
        ("eob_target", "99.5", ["99%", "101", "0,9x"]),
        ("retry_after_hard_decline", "no", ["never", "No!"]),
        ("script_version", "B 2026", []),
    ],
)
def test_a_rule_of_the_policy_has_a_value_of_its_kind(tmp_path, rule, good, bad):
    rows = [f'{rule},2026-01-{day:02d},"{value}"' for day, value in enumerate([good, *bad], start=1)]
    export = load(tmp_path, lines(*rows, header="Rule,From,Value"), maps=[parse_map(POLICIES, "policy.toml")])
    assert export.rows["value"].to_list() == [good]
    assert export.quarantine["rule"].to_list() == ["unreadable"] * len(bad)
    assert all(f"as the rule {rule} needs" in message for message in export.quarantine["message"])


def test_the_first_good_row_of_a_key_is_kept(tmp_path):
    export = load(tmp_path, lines(ROW.replace("100.00", "n/a"), ROW, ROW.replace("100.00", "7.00")))
    assert export.rows["amount_cents"].to_list() == [10000]
    assert export.quarantine.select("row", "rule").rows() == [(2, "unreadable"), (4, "duplicate_key")]


def test_several_faults_make_one_row_and_all_are_told(tmp_path):
    export = load(tmp_path, lines(ROW.replace("100.00", "n/a").replace("CHG", "ZZZ")))
    (message,) = export.quarantine["message"]
    assert message.startswith("Type: not one of charge, payment") and "Amount: not an amount such as" in message


def test_quarantine_shows_mapped_cells_only_and_never_the_patient(tmp_path):
    export = load(tmp_path, lines("C1,ACC77,Aetna,03/02/2026,n/a,10.00", header=CLAIMS))
    (aside,) = export.quarantine.to_dicts()
    assert json.loads(aside["text"]) == {
        "claim_id": "C1",
        "payer": "Aetna",
        "service_on": "03/02/2026",
        "entered_on": "n/a",
        "charge_cents": "10.00",
    }
    export = load(tmp_path, lines(ROW.replace("Doe", "Smith").replace("CHG", "secret-type"), "T9,Smith"))
    assert "Smith" not in str(export.quarantine.to_dicts())
    assert "secret" not in "".join(export.quarantine["message"])
    assert export.quarantine["text"].null_count() == 1


def test_a_stray_quote_spoils_its_own_line_only(tmp_path):
    rows = [ROW.replace("T1", f"T{number}") for number in range(6)]
    rows[1] = rows[1].replace("Doe", '"Doe')
    export = load(tmp_path, lines(*rows))
    assert export.rows["transaction_id"].to_list() == ["T0", "T2", "T3", "T4", "T5"]
    assert export.quarantine.select("row", "rule").rows() == [(3, "fields")]


def test_a_quote_that_swallows_a_row_into_one_that_fits_is_set_aside(tmp_path):
    one, two = ROW.replace("Doe", '"Doe'), ROW.replace("T1", "T2").replace("Doe", 'Roe"')
    export = load(tmp_path, lines(one, two, ROW.replace("T1", "T3")))
    assert export.rows["transaction_id"].to_list() == ["T3"]
    assert export.quarantine["rule"].to_list() == ["stray_quote"]


def test_a_ragged_row_with_a_line_break_in_a_cell_is_one_row(tmp_path):
    long = ROW.replace("0012", '"two\nlines"') + ",more"
    export = load(tmp_path, lines(long, ROW))
    assert export.rows["transaction_id"].to_list() == ["T1"]
    assert export.quarantine.select("row", "rule").rows() == [(2, "fields")]
    assert export.cents_unreadable == 1


def test_row_numbers_stay_true_below_titles_blanks_and_broken_lines(tmp_path):
    export = load(tmp_path, "Acme\n\n" + lines(ROW, "", "T2,broken", ROW.replace("T1", "T3").replace("CHG", "?")))
    assert export.quarantine.select("row", "rule").rows() == [(6, "fields"), (7, "not_listed")]


def test_a_truncated_file_loses_its_last_line_to_quarantine_only(tmp_path):
    content = lines(ROW, ROW.replace("T1", "T2"))
    export = load(tmp_path, content[:-12])
    assert export.rows["transaction_id"].to_list() == ["T1"]
    assert export.quarantine.select("row", "rule").rows() == [(3, "fields")]


# ------------------------------------------------------------------ files that are refused whole
@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("", ["is empty"], id="empty"),
        pytest.param("  \n\n ", ["is empty"], id="blanks only"),
        pytest.param(b"\x89PNG\n\x00\x01\x02", ["neither a text file nor an Excel workbook"], id="binary"),
        pytest.param(b"%PDF-1.7\n\x00\x01\x02", ["is a PDF saved as .csv"], id="a PDF"),
        pytest.param(b"PK\x03\x04rubbish", ["no Excel workbook that can be opened"], id="a damaged workbook"),
        pytest.param(
            lines(ROW).replace("Posting Date", "Posted"),
            ["posted_on ('Posting Date')", "1 of 8 columns are missing", "'Posted'", "layout_a.toml"],
            id="a column missing",
        ),
        pytest.param(
            "Doe,Jane,01/02/1960\nRoe,Jim,03/04/1970\n",
            ["none of their headers stands in its first rows", "Txn ID"],
            id="no header row",
        ),
        pytest.param(
            lines(ROW).replace("Patient Name", "DOS"),
            ["finds happened_on in two columns"],
            id="two headers for one column",
        ),
    ],
)
def test_a_file_that_is_no_export_gives_one_message(tmp_path, content, words):
    with pytest.raises(SourceError) as caught:
        load(tmp_path, content)
    for word in ("export.csv", *words):
        assert word in str(caught.value)


def test_headers_of_a_file_without_known_headers_are_not_repeated(tmp_path):
    with pytest.raises(SourceError) as caught:
        load(tmp_path, "Doe,Jane,01/02/1960\nRoe,Type,03/04/1970\n")
    assert "Jane" not in str(caught.value) and "Roe" not in str(caught.value)


def test_an_encoding_that_fits_nowhere_is_named(tmp_path):
    maps = [parse_map(MAP.replace('delivery = "month"', 'delivery = "month"\nencodings = ["utf-8", "ascii"]'), "x")]
    with pytest.raises(SourceError, match=r"not written in any encoding of its column map \(utf-8, ascii\)"):
        load(tmp_path, lines(ROW.replace("Doe", "Muñoz")).encode("cp1252"), maps=maps)


def test_a_missing_file_and_a_missing_map_are_messages(tmp_path):
    with pytest.raises(SourceError, match="nothing.csv cannot be read"):
        exports.recognise(tmp_path / "nothing.csv", MAPS)
    with pytest.raises(SourceError, match="no column map is given"):
        exports.recognise(tmp_path / "nothing.csv", [])


def test_a_file_that_fits_two_maps_is_refused(tmp_path):
    twin = parse_map(MAP.replace("layout_a", "layout_b"), "layout_b.toml")
    with pytest.raises(SourceError, match=r"fits layout_a \[transactions\], layout_b \[transactions\] equally well"):
        load(tmp_path, lines(ROW), maps=[*MAPS, twin])


def test_the_map_that_uses_more_headers_wins(tmp_path):
    poorer = parse_map(MAP.replace("layout_a", "layout_b").replace('carc = ["Reason Code"]', ""), "layout_b.toml")
    file = tmp_path / "export.csv"
    file.write_text(lines(ROW))
    assert [found.map.name for found in exports.recognise(file, [poorer, *MAPS])] == ["layout_a"]


def test_an_optional_column_may_be_missing_and_no_other(tmp_path):
    without = lines(ROW.rsplit(",", 1)[0], header=HEADER.rsplit(",", 1)[0])
    with pytest.raises(SourceError, match="carc"):
        load(tmp_path, without)
    maps = [parse_map(MAP.replace('sign.by = "kind"', 'sign.by = "kind"\noptional = ["carc"]', 1), "x")]
    assert load(tmp_path, without, maps=maps).rows["carc"].to_list() == [None]


# ------------------------------------------------------------------ nothing is lost
CELLS = {
    "Txn ID": ["", "T"],
    "Claim": ["1", "007", ""],
    "Patient Name": ["Doe", 'say "ah"', "a, b", "two\nlines", ""],
    "Type": ["CHG", "PMT", "XFR", "RFD", "zzz", ""],
    "Responsible": ["primary", "patient", "", "uncle"],
    "Amount": ["1.00", "$2,000.50", "(3.01)", "4.005", "x", ""],
    "Service Date": ["03/01/2026", "x", ""],
    "Posting Date": ["03/02/2026", "2026-03-02", "02/30/2026", "03/02/1900"],
    "Reason Code": ["", "045"],
}


@settings(max_examples=40)
@given(
    rows=st.lists(
        st.tuples(
            *(st.sampled_from(cells) for cells in CELLS.values()),
            st.integers(0, 9),
            st.sampled_from(["", "", "", "cut", "long", "total"]),
        ),
        max_size=25,
    )
)
def test_rows_and_dollars_in_are_stored_or_quarantined(rows, tmp_path_factory):
    out, expected, seen, cents, count = io.StringIO(), [], set(), 0, 0
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER.split(","))
    amounts = {"1.00": 100, "$2,000.50": 200050, "(3.01)": -301}
    for number in range(10):  # so that the signs of the others stay in the minority
        for kind, sign in (("CHG", 1), ("PMT", -1)):
            cells = [f"{kind}{number}", "9", "Doe", kind, "primary", "1.00", "03/01/2026", "03/02/2026", ""]
            writer.writerow(cells)
            expected.append((cells[0], "9", sign * 100, "primary", None))
            count += 1
    for *cells, number, broken in rows:
        cells[0] = cells[0] and f"{cells[0]}{number}"
        count += 1
        if broken:
            writer.writerow(
                {
                    "cut": ["T1", *cells[1:4]],
                    "long": [*cells, "more"],
                    "total": ["Total", *[""] * 4, "9.99", "", "", ""],
                }[broken]
            )
            cents += amounts.get(cells[5], 0) if broken == "long" else 0
            continue
        writer.writerow(cells)
        sign = -1 if cells[3] == "PMT" else 1
        cents += sign * {**amounts, "4.005": 401}.get(cells[5], 0)
        good = all(
            cells[i] not in bad
            for i, bad in (
                (0, [""]),
                (3, ["zzz", ""]),
                (4, ["uncle"]),
                (6, ["x", ""]),
                (7, ["02/30/2026", "03/02/1900"]),
            )
        ) and (cells[1] or cells[3] != "CHG")
        if good and cells[5] in amounts and cells[0] not in seen:
            seen.add(cells[0])
            expected.append(
                (cells[0], cells[1] or None, sign * amounts[cells[5]], cells[4] or "primary", cells[8] or None)
            )
    export = load(tmp_path_factory.mktemp("mix"), out.getvalue())
    assert export.rows.select("transaction_id", "claim_id", "amount_cents", "party", "carc").rows() == expected
    assert (export.rows_in, export.cents_in) == (count, cents)
    assert export.rows.height + export.quarantine.height == count
    assert export.rows["amount_cents"].sum() + export.quarantine["amount_cents"].sum() == cents
    assert export.quarantine["row"].n_unique() == export.quarantine.height


def test_a_lost_row_or_cent_is_an_error_of_ours():
    rows = schema.TRANSACTIONS.empty()
    nothing = pl.DataFrame(schema=exports.QUARANTINE)
    with pytest.raises(AssertionError, match="1 rows and 0 cents in, 0 rows and 0 cents out"):
        exports.Export(schema.TRANSACTIONS, "month", rows, nothing, rows_in=1, cents_in=0)
    with pytest.raises(AssertionError, match="0 rows and 5 cents in"):
        exports.Export(schema.TRANSACTIONS, "month", rows, nothing, rows_in=0, cents_in=5)


# ------------------------------------------------------------------ workbooks
def workbook(path, sheets, name="export.xlsx"):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path / name)
    return path / name


def test_a_workbook_keeps_text_dates_and_numbers(tmp_path):
    day = dt.date(2026, 3, 2)
    file = workbook(
        tmp_path,
        {
            "Transactions": [
                [],
                ["Acme Clinic"],
                HEADER.split(","),
                ["T1", "0012", "Doe", "CHG", "primary", 1234.5, day, dt.datetime(2026, 3, 2, 14, 5), "045"],
                [2, "0013", "Doe", "PMT", None, "(30.00)", 46083, "03/02/2026", 45],
                [],
                ["T3", "0014", "Doe", "PMT", None, 0.1 + 0.2, day, day, None],
                ["T4", "0015", "Doe", "PMT", None, 0.125, day, day, None],
                ["Total", None, None, None, None, 9999.99, None, None, None],
            ]
        },
    )
    (found,) = exports.recognise(file, MAPS)
    export = exports.read_export(file, found, client="acme")
    assert export.rows.select("transaction_id", "claim_id", "amount_cents", "carc").rows() == [
        ("T1", "0012", 123450, "045"),
        ("2", "0013", 3000, "45"),
        ("T3", "0014", -30, None),
    ]
    assert export.rows["happened_on"].to_list() == [day] * 3
    assert export.rows["posted_on"].to_list() == [day] * 3
    assert export.quarantine.select("row", "rule").rows() == [(8, "part_of_a_cent"), (9, "total_line")]


def test_a_workbook_may_hold_several_tables_and_other_sheets(tmp_path):
    file = workbook(
        tmp_path,
        {
            "Notes": [["prepared by", "someone"]],
            "Empty": [],
            "Charges": [CLAIMS.split(","), ["C1", "A", "Aetna", "03/01/2026", "03/01/2026", 10]],
            "Ledger": [HEADER.split(","), ROW.split(",")],
        },
    )
    found = exports.recognise(file, MAPS)
    assert [(part.sheet, part.table.name, part.other_sheets) for part in found] == [
        ("Charges", "claims", ("Notes",)),
        ("Ledger", "transactions", ("Notes",)),
    ]
    assert [exports.read_export(file, part, client="acme").rows.height for part in found] == [1, 1]


def test_a_named_sheet_is_the_only_one_read(tmp_path):
    maps = [parse_map(MAP.replace('delivery = "month"', 'delivery = "month"\nsheet = "Ledger"'), "x")]
    same = [HEADER.split(","), ROW.split(",")]
    file = workbook(tmp_path, {"Old": same, "Ledger": same})
    assert [part.sheet for part in exports.recognise(file, maps)] == ["Ledger"]
    with pytest.raises(SourceError, match=r"no sheet 'Ledger'.*; the workbook has Old\."):
        exports.recognise(workbook(tmp_path, {"Old": same}), maps)


def test_a_workbook_without_rows_is_empty(tmp_path):
    with pytest.raises(SourceError, match=r"is empty: none of its sheets \(One\)"):
        exports.recognise(workbook(tmp_path, {"One": []}), MAPS)
