"""Cash reports of banks: layouts as BAI's manual and banks' own guides print them, and what is wrong with a file."""

import datetime as dt

import pytest

from rcm_analysis.sources.bank.bai2 import is_bai2, read_bai2
from rcm_analysis.sources.bank.statements import banked

MANUAL = b"""01,122099999,123456789,040621,0200,1,65,,2/
02,031001234,122099999,1,040620,2359,,2/
03,0123456789,,010,+4350000,,,040,2830000,,/
88,072,1020000,,,074,500000,,/
16,115,450000,S,100000,200000,150000,,,/
49,9150000,4/
03,9876543210,,010,-500000,,,100,1000000,,,400,2000000,,,190/
88,500000,,,110,1000000,,,072,500000,,,074,500000,,,040/
88,-1500000,,/
16,115,500000,S,,200000,300000,,,LOCK BOX NO.68751/
49,4000000,5/
98,13150000,2,11/
02,053003456,122099999,1,040620,2359,,2/
03,4589761203,,010,10000000,,,040,5000000,,,074,4000000,,/
88,400,50000000,,,100,60000000,,,110,20000000,,,072,1000000,,/
16,218,20000000,V,040622,,SP4738,YRC065321/
88,PROCEEDS OF LETTER OF CREDIT FROM THE ARAMCO OIL CO/
16,195,10000000,1,,,/
49,180000000,6/
98,180000000,1,8/
02,071207890,122099999,1,040620,2359,,2/
03,0975312468,,010,500000,,,190,70000000,4,0,110/
88,70000000,15,D,3,0,20000000,1,30000000,3,20000000/
49,140500000,3/
98,140500000,1,5/
02,071207890,122099999,3,040620,2359,,2/
03,7890654321,,010,800000,,,040,6000000,,,110,5000000/
88,4,/
49,11800000,3/
98,11800000,1,5/
99,345450000,4,31/
"""
"""The sample of the manual (Cash Management Balance Reporting), with every funds type and continuation."""
DETAILS = b"""01,103100195,103100195,220919,2112,4,,,2/   02,103100195,103100195,1,220919,2400,USD,2/
03,1111111,,010,-3500,,,015,-3600,,,040,-3500,,,060,-3600,,,100,3100,3,,400,3200,3,,/
16,142,2500,Z,,,TRANSFER   PAYPAL             PPD/ 16,142,500,Z,,,TRANSFER   MSPBNA BANK        PPD/
16,142,100,Z,,,Ext Trnsfr JPMorgan Chase     PPD/
16,451,2500,Z,,,111111     ACH_SETL           1111111111                    111111111111111        /
88,       1111111111/
16,451,600,Z,,,111111     ACH_SETL           1111111111                    111111111111111         /
88,      1111111111/
16,451,100,Z,,,Ext Trnsfr JPMorgan Chase     1111111111                    111111111111111         /
88,      11111111111/         49,-1600,11/  98,-1600,1,13/
99,-1600,1,15/
"""
"""A bank that writes several records into one line."""


def file_of(*records: str, total: int = 1000, status: str = "1", currency: str = "USD") -> bytes:
    lines = len(records) + sum(record.count("\n") for record in records) + 2
    head = f"01,B,C,261103,0600,1,,,2/\n02,C,B,{status},261102,2359,{currency},2/\n03,000123456,,015,1000,,/\n"
    body = "".join(f"{record}\n" for record in records)
    ends = f"49,{total},{lines}/\n98,{total},1,{lines + 2}/\n99,{total},1,{lines + 4}/\n"
    return (head + body + ends).encode()


def test_the_manuals_own_sample_is_read_to_the_cent_and_every_total_holds():
    found = read_bai2(MANUAL)
    assert found.findings == []
    assert found.rows["amount_cents"].to_list() == [450000, 500000, 20000000, 10000000]
    assert found.rows["posted_on"].unique().to_list() == [dt.date(2004, 6, 20)]
    assert found.rows.row(2, named=True) | {"client": ""} == {
        "client": "",
        "amount_cents": 20000000,
        "posted_on": dt.date(2004, 6, 20),
        "kind": None,
        "trace": "YRC065321",
        "reference": "SP4738",
        "batch": None,
        "account": "4589761203",
        "description": "PROCEEDS OF LETTER OF CREDIT FROM THE ARAMCO OIL CO",
    }


def test_several_records_in_a_line_are_several_records():
    found = read_bai2(DETAILS)
    assert found.findings == []
    deposits = banked(found.rows, "acme")
    assert deposits.rows["amount_cents"].to_list() == [2500, 500, 100]
    assert [(rule, count, cents) for rule, count, cents, _ in deposits.remarks] == [("bank_debits", 3, 3200)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_trace_is_found_wherever_the_bank_puts_it(end):
    records = (
        "16,142,35000,0,BR1,9001,NORTH PLAN HCCLAIMPMT/\n88,TRN*1*0042*1512345678/",
        "16,165,8010,Z,NOTPROVIDED,TRN*1*CHK77*1999999999~/",
        "16,165,500,Z,,,HCCLAIMPMT ZP PLAN TRN*1*736886274*1470858530\\",
        "16,116,700,,,10077,/",
    )
    data = file_of(*records, total=1000 + 35000 + 8010 + 500 + 700).replace(b"\n", end.encode())
    assert read_bai2(data).findings == []
    rows = banked(read_bai2(data).rows, "acme").rows
    assert rows.select("trace", "kind", "account_end").rows() == [
        ("0042", "claim_payment", "3456"),
        ("CHK77", "claim_payment", "3456"),
        ("736886274", "claim_payment", "3456"),
        ("10077", "check", "3456"),
    ]


def test_no_text_of_the_bank_is_kept():
    rows = banked(read_bai2(file_of("16,195,500,0,R,,ZELLE FROM JANE DOE/", total=1500)).rows, "acme").rows
    assert "JANE" not in rows.write_csv()


@pytest.mark.parametrize(
    ("data", "rule", "cents"),
    [
        (file_of("16,142,500,,,,/", total=1501), "bank_totals", 1),
        (file_of("16,142,500,,,,/", total=1500).replace(b"49,1500,3", b"49,1500,4"), "bank_records", None),
        (file_of("16,142,500,,,,/", total=1500).split(b"98,")[0], "bank_totals", None),
        (file_of("16,142,5.00,,,,/"), "bank_amount", None),
        (file_of("16,142,500,,,,/", total=1500, currency="CAD"), "bank_left_out", 500),
        (file_of("16,142,500,,,,/", total=1500, status="4"), "bank_left_out", 500),
        (file_of("16,890,,,,,NOTE/"), "bank_left_out", 0),
        (file_of("16,142,500,,,,/", total=1500).replace(b"261102", b"26XX02"), "bank_day", None),
    ],
)
def test_what_does_not_add_up_or_is_no_deposit_is_told(data, rule, cents):
    findings = read_bai2(data).findings
    assert (rule, cents) in [(found[0], found[2]) for found in findings]
    assert all(found[1] or found[0] != rule or "file ends" in found[3] or rule == "bank_left_out" for found in findings)


def test_a_returned_deposit_is_taken_off_and_other_debits_are_not():
    rows = read_bai2(file_of("16,555,300,,,,/", "16,475,900,,,,RENT/", total=2200)).rows
    assert banked(rows, "acme").rows.select("amount_cents", "kind").rows() == [(-300, "returned")]


def test_a_table_is_no_bank_file():
    assert not is_bai2(b"01,name,amount\n02,a,b\n") and is_bai2(MANUAL)


@pytest.mark.parametrize("gap", [b"", b"   "])
def test_a_file_on_one_line_is_parted_by_its_record_delimiters(gap):
    whole, one_line = read_bai2(MANUAL), read_bai2(MANUAL.replace(b"\n", gap))
    assert one_line.rows.equals(whole.rows) and one_line.findings == whole.findings
