"""`rcm findings`: grouped by rule, the worst first, with what is to be pasted."""

import re
import tomllib

import openpyxl
import polars as pl
import pytest
from cases.desk import REGISTRY, blank
from cases.files import MAP, NPI, answer, claim_837, export, posting, remit_835

from rcm_analysis.cli.findings import groups

PAID = answer("A1", "100", "80", "CO*45*20")
STRANGE = ("SOME HEALTH, INC.", "99999")


def finding(rule, cents, *, file="a.835", needs=True, client="acme"):
    message = f"{file}: {rule} of {cents}"
    return {"client": client, "file": file, "rule": rule, "amount_cents": cents, "message": message} | {
        "needs_person": needs,
        "rows": 1,
    }


def frame(*rows):
    kinds = {"amount_cents": pl.Int64, "needs_person": pl.Boolean, "rows": pl.Int64}
    return pl.DataFrame(list(rows), schema_overrides=kinds)


def test_groups_add_up_without_signs_and_the_worst_comes_first():
    found = groups(
        frame(
            finding("a", 50),
            finding("a", -70, file="b.835"),
            finding("b", 100),
            finding("c", None),
            finding("d", 900, needs=False),
        )
    )
    assert found.select("rule", "times", "cents", "message").rows() == [
        ("a", 2, 120, "b.835: a of -70"),
        ("b", 1, 100, "a.835: b of 100"),
        ("c", 1, None, "a.835: c of None"),
        ("d", 1, 900, "a.835: d of 900"),
    ]
    assert found["files"].to_list()[0] == ["b.835", "a.835"]


def test_many_findings_of_one_rule_are_one_line(tmp_path):
    desk = blank(tmp_path)
    unbalanced = [answer(f"A{number}", "100", "70", "CO*45*20", icn=f"P{number}") for number in range(50)]
    desk.put("a.837", claim_837("A0", "100"))
    desk.put("b.835", remit_835("3500", [segment for claim in unbalanced for segment in claim]))
    desk.ingest()
    lines = [line for line in desk.said.splitlines() if "findings of" in line]
    assert any(re.search(r"50 findings of \w+ in 1 file\(s\) \[500\.00\]", line) for line in lines)
    assert len([line for line in desk.said.splitlines() if "b.835" in line]) <= 3
    assert "rcm findings --client acme" in desk.said
    code, text = desk.rcm("findings")
    assert code == 1 and re.search(r"acme +\w+ +yes +50 +1 +50 +500\.00", text)


def test_refused_files_are_named_with_their_reasons(tmp_path):
    desk = blank(tmp_path)
    desk.put("good.835", remit_835("80", PAID))
    desk.put("empty.835", "")
    desk.put("other.835", remit_835("80", PAID, trace="T2", payee="N1*PE*X*XX*1999999984"))
    desk.ingest()
    text = desk.rcm("findings")[1]
    assert "empty.835 is empty" in text and "other.835 lies with the files of acme" in text


def test_unmapped_payers_come_as_lines_that_can_be_pasted(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100", payer=STRANGE))
    desk.put("b.835", remit_835("80", PAID, payer=STRANGE))
    desk.ingest()
    text = desk.rcm("findings")[1]
    start = text.index("[payers.some-health-inc]")
    pasted = "\n".join(text[start:].splitlines()[:4])
    assert tomllib.loads(pasted)["payers"]["some-health-inc"]["aliases"] == ["some health, inc."]
    desk.configure("clients.toml", f"{pasted}\n{REGISTRY}")
    desk.ingest()
    assert {row["payer"] for row in desk.stored("deposits")} == {"some-health-inc"}
    assert desk.findings("unmapped_payer") == []


def test_words_that_the_map_lacks_come_as_lines_that_can_be_pasted(tmp_path):
    desk = blank(tmp_path, column_map=MAP)
    desk.put(
        "t.csv",
        export(
            posting(1, "A1", "CHG", "01/05/2026", "64.00"),
            posting(2, "A1", "WRT", "01/05/2026", "9.00"),
            posting(3, "A1", "WRT", "01/05/2026", "5.00"),
            posting(4, "A1", "PMT", "01/05/2026", "much"),
        ),
    )
    desk.ingest()
    text = desk.rcm("findings")[1]
    assert "[transactions.values.kind]" in text and '"WRT" = ""  # 2 row(s), 14.00' in text
    assert '"PMT" = ' not in text and '"CHG" = ' not in text
    desk.configure("maps/pm.toml", MAP + 'WRT = "write_off"\n')
    desk.ingest()
    assert '"WRT"' not in desk.rcm("findings")[1]


def test_a_column_of_many_different_words_is_not_printed_word_by_word(tmp_path):
    desk = blank(tmp_path, column_map=MAP)
    rows = [posting(number, "A1", f"Jane Doe {number}", "01/05/2026", "1.00") for number in range(31)]
    desk.put("t.csv", export(posting(99, "A1", "CHG", "01/05/2026", "64.00"), *rows))
    desk.ingest()
    text = desk.rcm("findings")[1]
    assert "31 different words: the map may name the wrong column" in text and "Jane" not in text


def test_codes_that_are_not_in_the_public_list_are_named(tmp_path):
    desk = blank(tmp_path)
    desk.put("b.835", remit_835("80", answer("A1", "100", "80", "CO*XYZ*20")))
    desk.ingest()
    assert "acme: XYZ, 1 time(s), 20.00" in desk.rcm("findings")[1]


def test_one_rule_is_printed_finding_by_finding_or_written(tmp_path):
    desk = blank(tmp_path)
    for number in (1, 2):
        desk.put(f"{number}.835", remit_835("80", answer(f"A{number}", "100", "70", "CO*45*20"), trace=f"T{number}"))
    desk.ingest()
    rules = {row["rule"] for row in desk.findings()}
    rule = sorted(one for one in rules if "balance" in one)[0]
    assert desk.rcm("findings", "--rule", rule)[1].count("acme: ") == len(desk.findings(rule))
    to = tmp_path / "all.xlsx"
    code, _ = desk.rcm("findings", "--to", str(to))
    sheet = openpyxl.load_workbook(to)["Findings"]
    assert code == 1 and sheet.max_row > len(desk.findings())
    code, text = desk.rcm("findings", "--rule", rule[:-1])
    assert code == 2 and f"Closest: {rule}" in text


def test_nothing_noticed_is_said(tmp_path):
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    desk.ingest()
    code, text = desk.rcm("findings")
    assert code == 0 and "Nothing was noticed at intake." in text and NPI not in text


@pytest.mark.parametrize("words", [["findings", "--client", "acm"], ["findings", "--to", "x.csv"]])
def test_a_mistake_is_one_message(tmp_path, words):
    desk = blank(tmp_path)
    assert desk.rcm(*words)[0] == 2
