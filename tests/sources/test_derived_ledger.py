"""A client without exports: the ledger that its 837s and 835s imply, worked by hand."""

import datetime as dt

import pytest

from rcm_analysis.ledger.balances import balances
from rcm_analysis.ledger.reconciliation import check_client
from rcm_analysis.periods import Period
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.workspace import open_workspace

REGISTRY = """
[payers.medicare]
name = "Medicare"
payer_class = "medicare"
identifiers = ["00512"]
[payers.plus]
name = "Plus Health"
identifiers = ["77"]
[clients.acme]
name = "Acme"
providers = 2
revenue = "1.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
"""


def envelope(kind: str, group: str, day: str, *segments: str) -> str:
    head = (
        f"ISA*00*          *00*          *ZZ*S              *ZZ*R              *{day[2:]}*1200*^*00501*000000001*0*P*:"
    )
    body = [f"ST*{kind}*0001", *segments]
    return "~".join(
        [
            head,
            f"GS*{group}*S*R*{day}*1200*1*X*005010X221A1",
            *body,
            f"SE*{len(body) + 1}*0001",
            "GE*1*1",
            "IEA*1*000000001",
            "",
        ]
    )


def claim(
    order: str = "P",
    payer: str = "MEDICARE*****PI*00512",
    day: str = "20260302",
    patient: str = "M1",
    frequency: int = 1,
) -> str:
    return envelope(
        "837",
        "HC",
        day,
        f"BHT*0019*00*1*{day}*1200*CH",
        "HL*1**20*1",
        "NM1*85*2*ACME*****XX*1234567893",
        "HL*2*1*22*0",
        f"SBR*{order}*18*******MB",
        f"NM1*IL*1*DOE*JANE****MI*{patient}",
        f"NM1*PR*2*{payer}",
        f"CLM*00017*150***11:B:{frequency}",
        "LX*1",
        "SV1*HC:99213:25*100*UN*1***1",
        "DTP*472*D8*20260301",
        "LX*2",
        "SV1*HC:85025*50*UN*1***1",
        "DTP*472*D8*20260301",
    )


def remit(
    trace: str,
    status: str,
    paid: str,
    *adjustments: str,
    payer: str = "MEDICARE*XV*00512",
    day: str = "20260320",
    charge: str = "150",
) -> str:
    return envelope(
        "835",
        "HP",
        day,
        f"BPR*I*{paid}*C*ACH************{day}",
        f"TRN*1*{trace}*1512345678",
        f"N1*PR*{payer}",
        "N1*PE*ACME*XX*1234567893",
        "LX*1",
        f"CLP*00017*{status}*{charge}*{paid}**MB*ICN1",
        *adjustments,
    )


@pytest.fixture
def take(tmp_path):
    (tmp_path / "rcm.toml").write_text("")
    (tmp_path / "clients.toml").write_text(REGISTRY)
    folder = tmp_path / "raw" / "acme"
    folder.mkdir(parents=True)
    workspace = open_workspace(tmp_path)

    def run(*files: str):
        for number, text in enumerate(files):
            (folder / f"{number}.x12").write_text(text)
        ingest_client(workspace, "acme", find_files(workspace)["acme"])
        return workspace.client("acme").tables()

    return run


def owed(tables, day: dt.date = dt.date(2026, 12, 31)) -> dict[str, int]:
    row = balances(tables, as_of=day).iloc[0].drop("client")
    return {
        name.removesuffix("_cents"): int(cents) for name, cents in row.items() if cents and name != "receivable_cents"
    }


CO45 = "CAS*CO*45*30"
CASES = [
    pytest.param([], {"primary": 15000}, id="a claim that nobody answered is open with the payer"),
    pytest.param(
        [remit("1", "1", "100", CO45, "CAS*PR*2*20")],
        {"patient": 2000},
        id="paid, discounted, and the coinsurance is the patient's",
    ),
    pytest.param(
        [remit("1", "19", "100", CO45, "CAS*PR*2*20")],
        {"secondary": 2000},
        id="a claim forwarded to the next payer waits for it",
    ),
    pytest.param(
        [remit("1", "4", "0", "CAS*CO*197*150")], {"primary": 15000}, id="a denial posts nothing: the claim stays open"
    ),
    pytest.param([remit("1", "1", "0", "CAS*PR*1*150")], {"patient": 15000}, id="all deductible"),
    pytest.param(
        [remit("1", "1", "120", CO45), remit("2", "22", "-120", "CAS*CO*45*-30", day="20260410", charge="-150")],
        {"primary": 15000},
        id="a full reversal opens the claim again",
    ),
    pytest.param(
        [
            remit("1", "1", "100", CO45, "CAS*PR*2*20"),
            claim("S", "PLUS HEALTH*****PI*77", "20260325"),
            remit("2", "2", "15", "CAS*OA*23*130", "CAS*PR*3*5", payer="PLUS HEALTH*XV*77", day="20260420"),
        ],
        {"patient": 500},
        id="the secondary pays, OA 23 is no discount, the rest is the patient's",
    ),
]


@pytest.mark.parametrize(("remits", "expected"), CASES)
def test_balances_worked_by_hand(take, remits, expected):
    assert owed(take(claim(), *remits)) == expected


@pytest.mark.parametrize(("remits", "expected"), CASES)
def test_every_sum_holds(take, remits, expected):
    tables = take(claim(), *remits)
    checks = check_client(tables, client="acme", period=Period.month("2026-05").trailing(4))
    assert [item for item in checks if not item.holds] == []


def test_claims_and_lines_come_from_the_first_original(take):
    tables = take(claim(), claim(frequency=7, day="20260401"))
    row = tables.pandas("claims").iloc[0]
    assert (row["claim_id"], row["charge_cents"], row["payer"], str(row["entered_on"])[:10]) == (
        "00017",
        15000,
        "medicare",
        "2026-03-02",
    )
    lines = tables.pandas("claim_lines")
    assert lines[["line_number", "procedure", "modifiers", "charge_cents"]].fillna("").values.tolist() == [
        [1, "99213", "25", 10000],
        [2, "85025", "", 5000],
    ]
    assert owed(tables) == {"primary": 15000}, "a corrected claim charges nothing again"


def test_the_past_is_replayed(take):
    tables = take(claim(), remit("1", "1", "100", CO45, "CAS*PR*2*20"))
    assert owed(tables, dt.date(2026, 3, 19)) == {"primary": 15000}


def test_families_do_not_share_a_pseudonym(take):
    child = claim(patient="M1").replace("SBR*P*18", "SBR*P*19").replace("CLM*00017", "CLM*00018")
    patients = take(claim(), child).pandas("claims")["patient"]
    assert patients.nunique() == 2 and not patients.str.contains("M1").any()
