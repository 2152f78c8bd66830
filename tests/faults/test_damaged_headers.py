"""A damaged or missing header (ST) of an 835 or 837: its dollars are stored and told, whatever became of it."""

import random
import re
from itertools import product

import pytest

from builders.small_clients import NPIS, put, take, workspace_of

PAYMENT = """BPR*I*{paid}*C*ACH************20260410~TRN*1*{trace}*1512345678~N1*PR*MEDICARE*XV*00512~
N1*PE*ACME*XX*1234567893~LX*1~CLP*{claim}*1*100.00*{paid}**MB*ICN1~SVC*HC:99213*100.00*{paid}~CAS*CO*45*{cut}~"""
BILL = """BHT*0019*00*1*20260401*1200*CH~NM1*41*2*ACME~HL*1**20*1~NM1*85*2*ACME*****XX*1234567893~HL*2*1*22*0~
SBR*P*18*******MB~NM1*IL*1*DOE*JANE****MI*M{claim}~NM1*PR*2*MEDICARE*****PI*00512~CLM*{claim}*{charge}***11:B:1*Y*A*Y*Y~
LX*1~SV1*HC:99213*{charge}*UN*1***1~DTP*472*D8*20260330~"""


def envelope(kind: str, bodies: list[str]) -> str:
    group, version = ("HP", "005010X221A1") if kind == "835" else ("HC", "005010X222A1")
    parts = []
    for number, body in enumerate(bodies, start=1):
        count = body.count("~") + 2
        parts.append(f"ST*{kind}*{number:04d}~{body}SE*{count}*{number:04d}~")
    return (
        "ISA*00*          *00*          *ZZ*S              *ZZ*R              *260410*1200*^*00501*000000001*0*P*:~"
        f"GS*{group}*S*R*20260410*1200*1*X*{version}~{''.join(parts)}GE*{len(bodies)}*1~IEA*1*000000001~"
    ).replace("\n", "")


def remits(count: int = 3) -> str:
    bodies = [
        PAYMENT.format(paid=f"{80 + number}.00", cut=f"{20 - number}.00", trace=700 + number, claim=f"C{number}")
        for number in range(count)
    ]
    return envelope("835", bodies)


def bills(count: int = 3) -> str:
    return envelope("837", [BILL.format(claim=f"B{number}", charge=f"{100 + number}.00") for number in range(count)])


HEADER = re.compile(r"ST\*83[57]\*(\d{4})~")
DAMAGES = {
    "another number": lambda header, chance: re.sub(r"83[57]", chance.choice(["853", "831", "277", "999"]), header),
    "a letter in the number": lambda header, chance: re.sub(r"83[57]", chance.choice(["83X", "B35", "8 5"]), header),
    "no number": lambda header, chance: re.sub(r"83[57]", "", header),
    "835 for 837": lambda header, chance: header.replace("835", "x").replace("837", "835").replace("x", "837"),
    "another id": lambda header, chance: chance.choice(["SU", "XT", "S", "STT", "st", "5T"]) + header[2:],
    "no separator": lambda header, chance: header.replace("*", "", 1),
    "no terminator": lambda header, chance: header.replace("~", "x"),
    "gone": lambda header, chance: "",
    "half of it": lambda header, chance: header[chance.randrange(1, 5) :],
}


@pytest.fixture
def workspace(tmp_path):
    assert NPIS["acme"] == "1234567893"
    return workspace_of(tmp_path)


def damaged(text: str, which: int, how: str, seed: int) -> str:
    header = list(HEADER.finditer(text))[which]
    return text[: header.start()] + DAMAGES[how](header[0], random.Random(seed)) + text[header.end() :]


def cases(write) -> list:
    """Three draws of each damage, of files of one and of three transactions; a text drawn twice is one case."""
    drawn = {}
    for count, seed, how in product((1, 3), range(3), DAMAGES):
        which = random.Random(seed).randrange(count)
        case = pytest.param(damaged(write(count), which, how, seed), which, how, count, id=f"{how}-{seed}-of {count}")
        drawn.setdefault(case.values[0], case)
    return list(drawn.values())


@pytest.mark.parametrize(("text", "which", "how", "count"), cases(remits))
def test_no_dollar_of_a_remittance_is_lost_and_the_damage_is_told(workspace, text, which, how, count):
    put(workspace, "acme", "damaged.835", text)
    put(workspace, "acme", "other.835", remits(4).replace("*70", "*90"))
    report = take(workspace, "acme")
    stored = workspace.store.open("acme")
    paid = sum(8000 + 100 * number for number in range(count))
    claims = stored.read("remit_claims")
    assert stored.rows("deposits") == count + 4
    assert claims["paid_cents"].sum() == paid + sum(8000 + 100 * number for number in range(4))
    told = report.findings.filter(report.findings["file"] == "damaged.835", report.findings["needs_person"])
    cents = 8000 + 100 * which
    assert cents in told["amount_cents"].abs().to_list(), told.rows()
    assert "other.835" not in report.findings.filter(report.findings["needs_person"])["file"].to_list()
    assert not report.findings.filter(report.findings["rule"] == "other_transaction").height


@pytest.mark.parametrize(("text", "which", "how", "count"), cases(bills))
def test_no_dollar_of_a_claim_file_is_lost_and_the_damage_is_told(workspace, text, which, how, count):
    put(workspace, "acme", "damaged.837", text)
    report = take(workspace, "acme")
    sent = workspace.store.open("acme").read("submissions")
    assert sorted(sent["charge_cents"]) == [10000 + 100 * number for number in range(count)]
    told = report.findings.filter(report.findings["needs_person"])
    assert told.height and (how == "no terminator" or 10000 + 100 * which in told["amount_cents"].to_list()), (
        told.rows()
    )
    assert not report.findings.filter(report.findings["rule"] == "other_transaction").height


def test_the_same_payments_with_whole_headers_are_known_again(workspace):
    put(workspace, "acme", "damaged.835", damaged(remits(), 1, "gone", 0))
    take(workspace, "acme")
    put(workspace, "acme", "whole.835", remits())
    report = take(workspace, "acme")
    again = report.findings.filter(report.findings["rule"] == "duplicate_remittance")
    assert again["rows"].sum() == 3 and workspace.store.open("acme").rows("deposits") == 3


@pytest.mark.parametrize("text", [remits(), bills()], ids=["835", "837"])
def test_whole_headers_are_no_finding(workspace, text):
    put(workspace, "acme", "whole.txt", text)
    assert "missing_header" not in take(workspace, "acme").findings["rule"].to_list()


def test_other_transactions_with_a_payment_in_them_are_none_of_ours(workspace):
    premium = envelope("835", ["BPR*C*500.00*C*ACH~TRN*3*9~ENT*1~RMR*IK*1**500.00~"]).replace("ST*835", "ST*820")
    put(workspace, "acme", "premium.820", premium)
    report = take(workspace, "acme")
    assert report.findings["rule"].to_list() == ["other_transaction"] and report.files[0].status == "skipped"


def test_a_file_whose_837_is_another_practice_s_keeps_its_835(workspace):
    foreign = bills().replace("1234567893", "1999999984")
    put(workspace, "acme", "both.txt", remits() + foreign)
    report = take(workspace, "acme")
    stored = workspace.store.open("acme")
    assert (stored.rows("deposits"), stored.rows("submissions")) == (3, 0)
    assert "refused" in report.findings["rule"].to_list()
