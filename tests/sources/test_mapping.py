"""`rcm map`: layouts of real systems proposed from headings, values and sums; asked where two readings are possible."""

import random
import re
from pathlib import Path

import openpyxl
import pandas as pd
import polars as pl
import pytest

from rcm_analysis.errors import ParameterError, SourceError
from rcm_analysis.sources.exports.column_maps import parse_map, read_map
from rcm_analysis.sources.exports.reader import read_export, recognise
from rcm_analysis.sources.mapping.proposal import propose
from rcm_analysis.sources.mapping.trial import tried
from rcm_analysis.sources.mapping.written import map_text, shipped_maps

ROWS = 60


def money(cents: int) -> str:
    return f"{cents / 100:.2f}"


def cents(frame: pd.DataFrame, name: str) -> int:
    return round(pd.to_numeric(frame[name]).sum() * 100)


def drchrono(draw: random.Random) -> list[dict]:
    """Line items as DrChrono's API and export name them."""
    out = []
    for number in range(ROWS):
        billed = draw.randint(5000, 40000)
        first = draw.choice([0, billed // 2])
        second, adjusted = (draw.choice([0, 1000]), billed // 5) if first else (0, 0)
        patient = draw.choice([0, 2000])
        left = billed - first - second - patient - adjusted
        share = left // 4 if first else 0
        day = f"2026-0{draw.randint(1, 9)}-{draw.randint(10, 28)}"
        amounts = {"billed": billed, "price": billed, "allowed": billed - adjusted, "adjustment": adjusted}
        amounts |= {"ins1_paid": first, "ins2_paid": second, "ins3_paid": 0, "ins_total": first + second}
        amounts |= {"pt_paid": patient, "paid_total": first + second + patient}
        amounts |= {"balance_ins": left - share, "balance_pt": share, "balance_total": left}
        texts = {"id": 1000 + number, "appointment": 50 + number // 2, "doctor": 7, "patient": 300 + number // 3}
        texts |= {"code": draw.choice(["99213", "99214"]), "posted_date": day, "service_date": day}
        out.append({**texts, **{name: money(value) for name, value in amounts.items()}})
    return out


def athena(draw: random.Random) -> list[dict]:
    """The ledger of athenaCollector: one row per transaction, payments negative, transfers in pairs."""
    out = []
    for number in range(ROWS):
        charge, paid = draw.randint(20000, 40000), draw.randint(1000, 9000)
        day = f"{draw.randint(1, 9)}/{draw.randint(1, 28)}/2026"
        rows = [("CHARGE", charge, "Primary"), ("PAYMENT", -paid, "Primary")]
        rows += [("ADJUSTMENT", 500 + paid - charge, "Primary"), ("TRANSFEROUT", -500, "Primary")]
        for kind, amount, whose in [*rows, ("TRANSFERIN", 500, "Patient")]:
            ids = {"transaction_id": len(out), "claim_id": 900 + number, "charge_id": number, "patient_id": number // 2}
            words = {"transaction_type": kind, "transaction_transfer_type": whose, "transaction_reason": ""}
            days = {"charge_from_date": day, "charge_to_date": day, "post_date": f"10/{draw.randint(13, 28)}/2026"}
            out.append({**ids, **words, "amount": money(amount), "procedure_code": "99213", "units": 1, **days})
    return out


def nextgen(draw: random.Random) -> list[dict]:
    """NextGen's ERA Import Posting report."""
    out = []
    for number in range(ROWS):
        billed = draw.randint(5000, 40000)
        adjusted, deductible, share = billed // 4, draw.choice([0, 1000]), draw.choice([0, 500])
        amounts = {"Bill Amt": billed, "Pd Amt": billed - adjusted - deductible - share, "Adj Amt": adjusted}
        amounts |= {"Ded Amt": deductible, "Allwd Amt": billed - adjusted, "CoIns Amt": share}
        texts = {"File": "a.835", "Prac Name": "ACME", "Chk Nbr": f"C{number // 20}", "Pat Name": "Doe, J"}
        texts |= {"Clm Nbr": 700 + number // 2, "Svc Date": f"{draw.randint(1, 9)}/{draw.randint(1, 28)}/2026"}
        texts |= {"CPT4": "99213", "M1": "25", "M2": "", "Clm Sts Cod": "Processed as Primary", "Pyr Nam": "AETNA"}
        out.append({**texts, **{name: money(value) for name, value in amounts.items()}, "Reason Cd": ""})
    return out


def openemr(draw: random.Random) -> list[dict]:
    """OpenEMR's Collections report: adjustments stand with a minus, payments without."""
    out = []
    for number in range(ROWS):
        charge = draw.randint(5000, 40000)
        adjusted, paid = draw.choice([0, charge // 5]), draw.choice([0, charge // 3])
        texts = {"Insurance": "Medicare", "Name": "Doe, J", "Invoice": f"{number}.{100 + number}"}
        texts |= {"Svc Date": f"2026-0{draw.randint(1, 9)}-{draw.randint(10, 28)}", "Provider": "Smith"}
        amounts = {"Charge": charge, "Adjust": -adjusted, "Paid": paid, "Balance": charge - adjusted - paid}
        out.append({**texts, **{name: money(value) for name, value in amounts.items()}, "Inactive Days": 5})
    return out


def written(folder: Path, rows: list[dict], name: str = "export.csv") -> tuple[Path, pd.DataFrame]:
    frame = pd.DataFrame(rows, dtype=object)
    frame.to_csv(folder / name, index=False)
    return folder / name, frame


def read_through(path: Path, answers: dict[str, str]):
    part = propose(path, answers)
    assert [question.key for question in part.questions] == []
    text = map_text("own", [part])
    (trial,) = tried(path, [parse_map(text, "own")])
    assert trial.set_aside == () and trial.rows_stored == trial.rows_in
    return part, text, trial.sums


def test_line_items_of_drchrono(tmp_path):
    path, frame = written(tmp_path, drchrono(random.Random(3)))
    asked = {question.key for question in propose(path, {}).questions}
    assert asked == {"payer", "exported_on"}
    part, text, sums = read_through(path, {"payer": "Medicare", "exported_on": "2026-10-31"})
    assert part.table.name == "visits" and part.settings["one_row_per"] == "line"
    assert sums["charges"] == cents(frame, "billed")
    assert sums["payments"] == cents(frame, "ins1_paid") + cents(frame, "ins2_paid")
    assert sums["patient payments"] == cents(frame, "pt_paid")
    assert sums["contractual adjustments"] == cents(frame, "adjustment")
    assert sums["balance"] == cents(frame, "balance_total")
    assert 'payer = "Medicare"' in text and 'exported_on = "2026-10-31"' in text and "as you said" in text


def test_the_ledger_of_athena(tmp_path):
    path, frame = written(tmp_path, athena(random.Random(3)))
    part, _, sums = read_through(path, {})
    assert part.table.name == "transactions" and part.settings["sign"] == {"by": "file"}
    assert part.columns["happened_on"] == "charge_from_date" and part.columns["posted_on"] == "post_date"
    assert sums["balance"] == cents(frame, "amount")
    assert sums["payments"] == -cents(frame[frame["transaction_type"] == "PAYMENT"], "amount")


def test_the_remittances_of_nextgen(tmp_path):
    path, frame = written(tmp_path, nextgen(random.Random(3)))
    assert [question.key for question in propose(path, {}).questions] == ["paid_on"]
    part, _, sums = read_through(path, {"paid_on": "2026-10-05"})
    assert part.table.name == "remittance_rows" and part.columns["contractual_cents"] == "Adj Amt"
    assert part.settings["modifiers"] == ["M1", "M2"]
    assert sums["checks"] == cents(frame, "Pd Amt") and sums["charges"] == cents(frame, "Bill Amt")
    assert sums["adjustments"] == sum(cents(frame, name) for name in ("Adj Amt", "Ded Amt", "CoIns Amt"))


def test_signs_of_openemr_follow_from_its_balance(tmp_path):
    path, frame = written(tmp_path, openemr(random.Random(3)))
    part, text, sums = read_through(path, {"exported_on": "2026-10-31"})
    assert part.settings["negate"] == ["adjusted_cents"] and "and only then" in text
    assert sums["contractual adjustments"] == -cents(frame, "Adjust")
    assert sums["balance"] == cents(frame, "Balance")


LEDGER = ["Txn,Claim,Type,Resp,Deposit Date,Post Date,Amount"]


def ledger(folder: Path, rows: list[str]) -> Path:
    path = folder / "t.csv"
    path.write_text("\n".join(LEDGER + rows) + "\n")
    return path


def test_day_and_month_are_asked_for_where_no_date_decides_and_only_there(tmp_path):
    rows = [f"{n},C{n},CHG,Ins,0{n}/05/2026,0{n}/06/2026,100.00" for n in range(1, 9)]
    rows += [f"9{n},C{n},PMT,Ins,0{n}/05/2026,0{n}/07/2026,80.00" for n in range(1, 9)]
    path = ledger(tmp_path, rows)
    assert [question.key for question in propose(path, {}).questions] == ["day_order"]
    assert propose(path, {"day_order": "day-first"}).settings["date_formats"] == ["%d/%m/%Y"]
    assert propose(path, {"day_order": "month-first"}).settings["date_formats"] == ["%m/%d/%Y"]
    with pytest.raises(ParameterError, match="day_order: 'sideways' is not one of"):
        propose(path, {"day_order": "sideways"})
    decided = propose(ledger(tmp_path, [*rows, "99,C1,PMT,Ins,01/05/2026,25/12/2026,1.00"]), {})
    assert decided.questions == [] and decided.settings["date_formats"] == ["%d/%m/%Y"]


def test_codes_nobody_knows_are_asked_for_and_stand_in_the_map(tmp_path):
    rows = [f"{n},C{n},CHG,P,01/15/2026,01/16/2026,100.00" for n in range(5)]
    path = ledger(tmp_path, rows + [f"8{n},C{n},QX,P,01/15/2026,01/16/2026,-20.00" for n in range(5)])
    assert {question.key for question in propose(path, {}).questions} >= {"kind.qx", "party.p"}
    part, text, sums = read_through(path, {"kind.qx": "payment", "party.p": "primary"})
    assert part.settings["sign"] == {"by": "file"} and '"qx" = "payment"' in text
    assert sums == {"charges": 50000, "payments": 10000, "balance": 40000}


def test_debits_and_credits_in_two_columns_and_parties_in_the_words_of_the_kind(tmp_path):
    path = tmp_path / "t.csv"
    rows = ["Trans Date,Post Date,Acct No,Type,Debit,Credit"]
    for number in range(5):
        rows.append(f"1/15/2026,1/{16 + number}/2026,A{number},Charge,100.00,")
        rows.append(f"2/15/2026,2/{16 + number}/2026,A{number},Ins Payment,,60.00")
        rows.append(f"2/15/2026,2/{16 + number}/2026,A{number},Patient Payment,,15.50")
    rows.append("2/15/2026,2/16/2026,A1,Ins Payment,10.00,")
    path.write_text("\n".join(rows) + "\n")
    assert [question.key for question in propose(path, {}).questions] == ["claim_id"]
    part, text, sums = read_through(path, {"claim_id": "Acct No"})
    assert part.settings["sign"] == {"by": "file"} and '{ sum = ["Debit"], less = ["Credit"] }' in text
    assert sums == {"charges": 50000, "payments": 29000, "patient payments": 7750, "balance": 13250}
    assert part.values["party"] == {"charge": "primary", "ins payment": "primary", "patient payment": "patient"}


def test_rows_without_an_id_of_their_own_get_one_of_their_content(tmp_path):
    rows = ["7,C1,CHG,Ins,01/15/2026,01/16/2026,100.00"] + ["7,C1,PMT,Ins,01/15/2026,01/20/2026,20.00"] * 2
    part, _, sums = read_through(ledger(tmp_path, rows), {})
    assert part.settings["content_id"] == "transaction_id" and sums["payments"] == 4000


def test_two_headings_for_one_column_are_a_question(tmp_path):
    path = tmp_path / "v.csv"
    path.write_text(
        "Claim No,Claim ID,Patient,Insurance,DOS,Charge,Paid,Paid Date,Balance\n"
        "1,A,P,Medicare,01/15/2026,100.00,60.00,01/20/2026,40.00\n2,B,P,Medicare,01/15/2026,90.00,,,90.00\n"
    )
    (question,) = propose(path, {}).questions
    assert question.key == "column.claim_id" and set(question.options) == {"Claim No", "Claim ID", "none"}
    assert propose(path, {"column.claim_id": "Claim ID"}).columns["claim_id"] == "Claim ID"


def test_a_title_above_the_headings_and_a_workbook_are_no_hindrance(tmp_path):
    book = openpyxl.Workbook()
    for row in (
        ["Acme Orthopedics"],
        ["Printed 10/31/2026", None, "page 1"],
        [],
        ["Claim #", "Patient", "Insurance", "DOS", "Charges", "Ins Paid", "Paid Date", "Adj", "Balance"],
        ["A1", "P", "Medicare", "10/15/2026", 100.5, 60, "10/20/2026", 20, 20.5],
        ["A2", "P", "Medicare", "10/16/2026", 50, None, None, None, 50],
        ["Total", None, None, None, 150.5, 60, None, 20, 70.5],
    ):
        book.active.append(row)
    book.save(tmp_path / "v.xlsx")
    part = propose(tmp_path / "v.xlsx", {})
    assert part.questions == [] and part.file.header_row == 4
    (trial,) = tried(tmp_path / "v.xlsx", [parse_map(map_text("own", [part]), "own")])
    assert trial.sums["charges"] == 15050 and trial.sums["balance"] == 7050
    assert [rule for rule, *_ in trial.set_aside] == ["total_line"]


def test_a_file_without_headings_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "x.csv").write_text("1,2,3\n4,5,6\n")
    with pytest.raises(SourceError, match=r"no header row .* Ask for the export with its headings"):
        propose(tmp_path / "x.csv", {})


def test_shipped_maps_of_at_least_eight_systems_can_be_read_and_say_where_they_were_seen():
    maps = [read_map(path) for path in shipped_maps()]
    seen = [found for found in maps if found.source and found.seen_on >= "2026"]
    assert len({found.name.partition("_")[0] for found in seen}) >= 8
    assert {path.stem for path in shipped_maps()} == {found.name for found in maps}


AGES_BESIDE = """Acme Clinic,,,,,,,
Insurance Aging,,,,,,,
Insurance,Current,1-30,31-60,61-90,91-120,120+,Unapplied,Total
Aetna,100.00,2.50,20.00,,,5.00,(1.00),126.50
Medicare,50.00,,,,3.00,,,53.00
Total,150.00,2.50,20.00,,3.00,5.00,(1.00),179.50
"""


@pytest.mark.parametrize(
    ("name", "text", "answers", "total"),
    [
        pytest.param("ar_2026-10-31.csv", AGES_BESIDE, {}, 17950, id="two youngest ages, the day in the name"),
        pytest.param(
            "ar.csv",
            "Guarantor,Days 0 - 30,31 to 60 Days,61-90,Over 90,Balance\nDoe,100.00,,5.00,2.25,107.25\nRoe,1,,,,1.00\n",
            {"reported_on": "2026-10-31"},
            10825,
            id="patients, over 90 at the end, the day asked for",
        ),
        pytest.param(
            "ar_20261031.csv",
            "Payer,Current,30,60,90,120,Total\nAetna,1.00,2.00,3.00,4.00,5.00,15.00\nB,1.00,,,,,1.00\n",
            {},
            1600,
            id="only where an age begins",
        ),
        pytest.param(
            "ar_2026-10-31.csv",
            "Payer,0-30,31-60,61-90,91-120,120+,Balance\nA,1.00,2.00,3.00,4.00,5.00,15.00\n% of total,7%,13%,20%,,,\n",
            {},
            1500,
            id="shares below the sums",
        ),
        pytest.param(
            "ar.csv",
            "Report Date,Payer,Aging Bucket,Balance\n10/31/2026,Aetna,0-30,100.00\n10/31/2026,Aetna,121+,20.50\n",
            {},
            12050,
            id="one age a row",
        ),
    ],
)
def test_aging_reports_of_many_layouts_are_proposed_with_their_total(tmp_path, name, text, answers, total):
    (tmp_path / name).write_text(text)
    assert [question.key for question in propose(tmp_path / name, {}).questions] == list(answers)
    part = propose(tmp_path / name, answers)
    assert part.table.name == "aging_report"
    (trial,) = tried(tmp_path / name, [parse_map(map_text("own", [part]), "own")])
    assert trial.sums["balance"] == total and {rule for rule, *_ in trial.set_aside} <= {"total_line", "unreadable"}
    ages = sum(cents for name, cents in trial.sums.items() if name != "balance")
    assert ages == (total if "Bucket" not in text else 0)


def test_columns_that_a_file_lacks_are_looked_up_in_the_other_file_of_the_delivery(tmp_path):
    ledger = tmp_path / "postings.csv"
    rows = [f"T{n},C{n // 2},{'PMT' if n % 2 else 'CHG'},10/{n + 10}/2026,{n + 20}.00" for n in range(8)]
    ledger.write_text("\n".join(["Txn ID,Claim,Type,Date,Amount", *rows]) + "\n")
    claims = tmp_path / "claims.csv"
    claims.write_text("Claim,Primary Insurance,Charge\n" + "".join(f"C{n},{'AB'[n % 2]},99.00\n" for n in range(4)))
    part = propose(ledger, {"party": "primary"}, [ledger, claims])
    assert part.join and (part.join.key, part.join.other) == ("Claim", "Claim")
    assert {name: held.heading for name, held in part.join.columns.items()} == {"payer": "Primary Insurance"}
    own = parse_map(map_text("own", [part]), "own")
    (found,) = recognise(ledger, [own], [ledger, claims])
    paid = read_export(ledger, found, client="acme").rows.group_by("payer").agg(pl.col("amount_cents").sum())
    theirs = pd.read_csv(ledger).merge(pd.read_csv(claims), on="Claim")
    theirs["cents"] = (theirs["Amount"] * 100).astype(int) * theirs["Type"].map({"CHG": 1, "PMT": -1})
    assert dict(paid.rows()) == theirs.groupby("Primary Insurance")["cents"].sum().to_dict()
    claims.write_text("Claim,Primary Insurance,Charge\n" + "C0,A,1.00\n" * 5)
    assert propose(ledger, {"party": "primary"}, [ledger, claims]).join is None, "its ids tell no rows apart"


VISITS = (
    "Claim,Patient,Insurance,DOS,Charge,Paid,Paid Date,Adj,Balance\n"
    "A1,P1,Aetna,01/15/2026,200.00,100.00,02/20/2026,50.00,50.00\nA2,P2,Aetna,01/25/2026,90.00,,,,90.00\n"
    "A3,P3,Medicare,01/26/2026,10.00,10.00,02/22/2026,0.00,0.00\n"
)
HEAD = VISITS.partition("\n")[0]
EUROPEAN = re.sub(r"(\d\d)/(\d\d)/(\d{4})", r"\2.\1.\3", VISITS.replace(",", ";")).replace(".00", ",00")
SERIAL = re.sub(r"\d\d/\d\d/\d{4}", lambda day: str((pd.Timestamp(day[0]) - pd.Timestamp("1899-12-30")).days), VISITS)
FORMS = {
    "plain": (VISITS, None),
    "UTF-16": (VISITS.encode("utf-16"), None),
    "mixed line ends": (VISITS.replace("\n", "\r\n", 1).replace("50.00\n", "50.00\r"), None),
    "semicolons, decimal commas, days first": (EUROPEAN, None),
    "the headings again on the second page": (VISITS.replace("A2,", f"{HEAD}\nA2,"), "header_again"),
    "a totals row": (VISITS + "Total,,,,300.00,110.00,,50.00,140.00\n", "total_line"),
    "a totals row without its name": (VISITS + ",,,,300.00,110.00,,50.00,140.00\n", "missing"),
    "adjustments in parentheses": (VISITS.replace(",50.00,50.00", ",(50.00),50.00"), None),
    "currency signs and codes": (VISITS.replace(",200.00", ",$200.00").replace(",100.00", ",USD 100.00"), None),
    "days as a spreadsheet counts them": (SERIAL, None),
}


@pytest.mark.parametrize("form", FORMS)
def test_one_list_of_visits_in_many_forms_has_the_same_totals(tmp_path, form):
    text, rule = FORMS[form]
    path = tmp_path / "visits.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    part = propose(path, {})
    assert part.questions == []
    (trial,) = tried(path, [parse_map(map_text("own", [part]), "own")])
    sums = {"charges": 30000, "payments": 11000, "contractual adjustments": 5000, "balance": 14000}
    assert trial.sums == sums
    assert len(trial.remarks) == 1 and "does not say who owes" in trial.remarks[0], "one visit is paid and not settled"
    assert [(told, count) for told, count, _ in trial.set_aside] == ([(rule, 1)] if rule else [])


BANK = {
    "debit and credit": "Date,Description,Debit,Credit\n01/15/2026,A,,350.00\n01/16/2026,RENT,300.00,\n",
    "a word for the side": "Date,Details,Amount,Dr/Cr\n01/15/2026,A,350.00,CR\n01/16/2026,RENT,300.00,DR\n",
    "signs and words": "Posting Date,Text,Amount,Type\n01/15/2026,A,350,ACH_CREDIT\n01/16/2026,RENT,-300,ACH_DEBIT\n",
    "a balance at the end": "Account,1\n\nDate,Description,Withdrawals,Deposits\n01/15/2026,A,,350.00\n"
    "01/16/2026,RENT,300.00,\nEnding balance,,,1050.00\n",
}


@pytest.mark.parametrize("form", BANK)
def test_only_what_comes_in_is_a_deposit_however_the_bank_says_so(tmp_path, form):
    path = tmp_path / "statement.csv"
    path.write_text(BANK[form])
    part = propose(path, {})
    assert part.table.name == "bank_statement" and part.questions == []
    (trial,) = tried(path, [parse_map(map_text("own", [part]), "own")])
    assert trial.sums == {"deposits": 35000}


def test_ages_of_insurers_beside_ages_of_patients_are_two_sections(tmp_path):
    ages = ("0-30", "31-60", "61-90", "Over 90")
    heads = ["Patient", "Payer", *(f"Ins {age}" for age in ages), *(f"Pat {age}" for age in ages), "Total"]
    path = tmp_path / "ar_2026-10-31.csv"
    path.write_text(",".join(heads) + "\nDoe,Aetna,100.00,2.00,,4.00,5.00,,7.00,8.00,126.00\n")
    part = propose(path, {})
    assert not part.questions
    trials = tried(path, [parse_map(map_text("own", [part]), "own")])
    assert [sum(trial.sums.values()) for trial in trials] == [10600, 2000]


@pytest.mark.parametrize(
    "header", ["Receipt,Account,Date,Amount", "Payment ID,Claim Number,Payment Date,Payment Amount"]
)
def test_a_plain_list_of_payments_is_no_bank_statement_and_no_answer_until_somebody_says_so(tmp_path, header):
    path = tmp_path / "receipts.csv"
    path.write_text(
        "\n".join([header, *(f"R{n},C{1000 + n},10/{n % 28 + 1:02d}/2026,20.00" for n in range(30))]) + "\n"
    )
    assert "table" in {question.key for question in propose(path, {}).questions}
    said = {"table": "transactions", "kind": "payment", "party": "patient", "sign": "kind"}
    _, claim, days, amount = header.split(",")
    said |= {
        "happened_on": days,
        "posted_on": days,
        "amount_cents": header.split(",")[3],
        "claim_id": header.split(",")[1],
    }
    found = propose(path, said)
    assert not found.questions and found.settings["constants"] == {"kind": "payment", "party": "patient"}
