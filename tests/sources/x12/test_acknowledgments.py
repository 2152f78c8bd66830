"""277CA, 277, 999 and TA1 of public sources: what they say, whose claims it is about, and what became of them."""

from __future__ import annotations

import datetime as dt
import random

import polars as pl
import pytest

from rcm_analysis.sources.intake import ingest_client
from rcm_analysis.sources.x12.acknowledgments import read_277, read_999, read_ta1
from rcm_analysis.tables.workspace import open_workspace

from .test_odd_rows import REGISTRY

HEAD = "ISA*00*          *00*          *ZZ*810624427      *ZZ*133052274      *{day}*0756*^*00501*{number}*0*T*:~"
# Layouts of the X12 implementation guide 005010X214, as quoted in the source of Open Dental (X277.cs).
CLEARINGHOUSE = """ST*277*0001*005010X214~BHT*0085*08*277X2140001*20060205*1635*TH~HL*1**20*1~
NM1*AY*2*FIRST CLEARINGHOUSE*****46*CLHR00~TRN*1*200102051635S00001ABCDEF~DTP*050*D8*20060205~DTP*009*D8*20060207~
HL*2*1*21*1~NM1*41*2*BEST BILLING SERVICE*****46*S00001~TRN*2*2002020542857~STC*A0:16:PR*20060205*WQ*1000~QTY*90*1~
QTY*AA*2~AMT*YU*200~AMT*YY*800~HL*3*2*19*1~NM1*85*2*SMITH CLINIC*****FI*123456789~HL*4*3*PT~
NM1*QC*1*DOE*JOHN****MI*00ABCD1234~TRN*2*4001/1339~STC*A0:16:PR*20060205*WQ*200~REF*1K*22029500123407X~
DTP*472*RD8*20060128-20060131~HL*5*3*PT~NM1*QC*1*DOE*JANE****MI*45613027602~TRN*2*2890/4~STC*A3:21:82*20060205*U*500~
DTP*472*D8*20060115~SVC*HC:22305:22*350*****1~STC*A3:122**U*******A3:153:82~REF*FJ*11~HL*6*3*PT~
NM1*QC*1*VEST*HELEN****MI*45602708901~TRN*2*00000000000000000000~STC*A3:401*20060205*U*300~
DTP*472*RD8*20060120-20060120~SE*37*0001~"""
BATCH_REFUSED = """ST*277*0002*005010X214~BHT*0085*08*277X2140002*20060201*0405*TH~HL*1**20*1~
NM1*AY*2*FIRST CLEARINGHOUSE*****46*CLHR00~TRN*1*200201312005S00002XYZABC~DTP*050*D8*20060131~DTP*009*D8*20060201~
HL*2*1*21*0~NM1*41*2*LAST BILLING SERVICE*****46*S00002~TRN*2*20020131052389~STC*A3:24:41**U~QTY*AA*3~AMT*YY*800~
SE*14*0002~"""
PAYER = """ST*277*0004*005010X214~BHT*0085*08*277X2140004*20060321*1025*TH~HL*1**20*1~
NM1*PR*2*OUR INSURANCE COMPANY*****PI*OIC02~TRN*1*00911232~DTP*050*D8*20060320~DTP*009*D8*20060321~HL*2*1*21*1~
NM1*41*1*KING*EWELL*B**MD*46*S00005~TRN*2*200203207890~STC*A1:19:PR*20060321*WQ*455~QTY*90*3~QTY*AA*5~AMT*YU*155~
AMT*YY*300~HL*3*2*19*1~NM1*85*1*KING*EWELL*B**MD*XX*5365432101~TRN*2*00098765432~STC*A1:19:PR**WQ*305~HL*4*3*PT~
NM1*QC*1*PATIENT*FEMALE****MI*2222222222~TRN*2*PATIENT22222~STC*A2:20:PR*20060321*WQ*55~REF*1K*220216359803X~
DTP*472*D8*20060314~HL*5*3*PT~NM1*QC*1*PATIENT*MALE****MI*3333333333~TRN*2*PATIENT33333~STC*A3:187:PR*20060321*U*50~
HL*6*3*PT~NM1*QC*1*JONES*MARY****MI*4444444444~TRN*2*JONES44444~STC*A3:116*20060321*U*100~DTP*472*D8*20060311~
HL*7*3*PT~NM1*QC*1*JOHNSON*JIMMY****MI*5555555555~TRN*2*JOHNSON55555~STC*A2:20:PR*20060321*WQ*50~
REF*1K*220216359806X~DTP*472*D8*20060310~HL*8*3*PT~NM1*QC*1*MILLS*HALEY****MI*6666666666~TRN*2*MILLS66666~
STC*A2:20:PR*20060321*WQ*50~REF*1K*200216359807X~DTP*472*D8*20060305~HL*9*2*19*0~
NM1*85*1*REED*I*B**MD*FI*567012345~TRN*2*00023456789~STC*A3:24:85*20060321*U*150~QTY*QC*3~AMT*YY*150~SE*53*0004~"""
# The test of a claims accumulator: a clearinghouse's own file, indented, its claim received and not found.
INDENTED = """ST*277*1001*005010X214~
    BHT*0085*08*124250095*20241025*150002*TH~
    HL*1**20*1~
    NM1*AY*2*AVAILITY LLC*****46*030240928~
    TRN*1*20241025150002316~
    HL*2*1*21*1~
    NM1*41*2*MAVEN CLINIC CO*****46*770465766~
    TRN*2*2RFAUCEKQY2ZFA4X9KEX~
    STC*A1:20*20241025*WQ*600~
    AMT*YU*600~
    HL*3*2*19*1~
    NM1*85*2*MAVEN CLINIC CO*****XX*1285263806~
    TRN*1*0~
    AMT*YU*600~
    HL*4*3*PT~
    NM1*QC*1*DOE*JANE****MI*W123456789~
    TRN*2*2RFAUCEKQY2ZFA4X9KEX~
    STC*A4:20*20241025*WQ*600~
    REF*D9*2RFAUCEKQY2ZFA4X9KEX~
    DTP*472*RD8*20240603-20240608~
    SE*22*1001~"""
# The test of x12parser (Ruby): one transaction taken, two refused.
IN_PART = """ST*999*2870001*005010X231~AK1*HC*17456*004010X098A1~AK2*837*0001~IK5*A~AK2*837*0002~IK3*CLM*22**8~
CTX*CLM01:123456789~IK4*2*782*1~IK5*R*5~AK2*837*0003~IK3*REF*57**3~CTX*SITUATIONAL TRIGGER*CLM*43**5:3*C023:1325~
CTX*CLM01:987654321~IK5*R*5~AK9*P*3*3*1~SE*16*2870001~"""


def interchange(body: str, *, day: str = "260310", number: int = 7, group: str = "HN") -> str:
    head = HEAD.format(day=day, number=f"{number:09d}")
    control = f"GS*{group}*810624427*133052274*20{day}*0756*{number}*X*005010X214~"
    return f"{head}\n{control}\n{body}\nGE*1*{number}~\nIEA*1*{number:09d}~\n"


def told(text: str, read=read_277):
    answers = read(text.encode()).answers
    keys = ["level", "result", "claim_number", "status_codes", "charge_cents"]
    return [
        tuple(None if value is None or value != value else value for value in row)
        for row in answers[keys].astype(object).where(answers[keys].notna(), None).itertuples(index=False)
    ]


def test_a_clearinghouse_sends_on_what_it_takes_and_says_why_it_refuses():
    text = interchange(CLEARINGHOUSE)
    assert told(text) == [
        ("batch", "passed", None, "A0:16:PR", 100000),
        ("claim", "passed", "4001/1339", "A0:16:PR", 20000),
        ("claim", "failed", "2890/4", "A3:21:82 A3:122 A3:153:82", 50000),
        ("claim", "failed", "00000000000000000000", "A3:401", 30000),
    ]
    read = read_277(text.encode())
    assert set(read.answers["said_by"]) == {"clearinghouse"} and read.findings.empty
    assert read.answers["payer_claim_id"][1] == "22029500123407X"


def test_a_payer_that_only_received_a_batch_has_taken_none_of_it():
    text = interchange(PAYER)
    found = told(text)
    assert found[:2] == [
        ("batch", "pending", None, "A1:19:PR", 45500),
        ("provider", "pending", None, "A1:19:PR", 30500),
    ]
    assert [row[1] for row in found[2:]] == ["passed", "failed", "failed", "passed", "passed", "failed"]
    assert found[-1] == ("provider", "failed", None, "A3:24:85", 15000)
    assert read_277(text.encode()).findings.empty  # 55 + 50 + 50 = 155 taken; 50 + 100 and the provider's 150 refused


def test_a_batch_refused_whole_names_its_batch_and_its_dollars():
    read = read_277(interchange(BATCH_REFUSED).encode())
    assert told(interchange(BATCH_REFUSED)) == [("batch", "failed", None, "A3:24:41", 80000)]
    assert read.answers["batch"].tolist() == ["20020131052389"] and read.findings.empty


def test_totals_that_do_not_tie_are_found_with_the_difference():
    read = read_277(interchange(PAYER.replace("AMT*YU*155", "AMT*YU*150")).encode())
    assert read.findings[["rule", "amount_cents"]].values.tolist() == [["batch_balance", 500]]


def test_what_is_not_found_waits_and_indented_segments_are_read():
    assert told(interchange(INDENTED))[-1] == ("claim", "pending", "2RFAUCEKQY2ZFA4X9KEX", "A4:20", 60000)


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("A2:20:PR*20260310*WQ", "passed"),
        ("A5:20*20260310*WQ", "passed"),
        ("A1:20*20260310*WQ", "pending"),
        ("A1:20*20260310*U", "failed"),
        ("A3:21*20260310*WQ", "failed"),
        ("A6:21*20260310*U", "failed"),
        ("A7:21*20260310", "failed"),
        ("A8:21*20260310*U", "failed"),
        ("Z9:1*20260310*WQ", "passed"),
        ("Z9:1*20260310", "pending"),
        ("E1:0*20260310", "pending"),
        ("P1:20*20260310", "passed"),
        ("F2:88*20260310", "passed"),
    ],
)
def test_category_and_action_decide_and_unknown_codes_stay(status, result):
    body = f"ST*277*1*005010X214~BHT*0085*08*1*20260310~NM1*PR*2*P~HL*1*0*PT~TRN*2*C1~STC*{status}*10~SE*7*1~"
    [row] = told(interchange(body))
    assert row[1] == result and row[3] == status.split("*")[0]


def test_a_999_says_which_transactions_of_a_group_are_refused():
    answers = read_999(interchange(IN_PART, group="FA").encode()).answers
    assert answers[["level", "transaction_control", "result"]].fillna("").values.tolist() == [
        ["group", "", "pending"],
        ["transaction", "0001", "passed"],
        ["transaction", "0002", "failed"],
        ["transaction", "0003", "failed"],
    ]
    assert set(answers["group_control"]) == {"17456"}


@pytest.mark.parametrize(("code", "result"), [("A", "passed"), ("E", "passed"), ("R", "failed"), ("", "pending")])
def test_a_ta1_answers_an_envelope(code, result):
    head = HEAD.format(day="260310", number="000000020")
    answers = read_ta1(f"{head}TA1*000000451*260310*0910*{code}*025~IEA*0*000000020~".encode()).answers
    assert answers[["level", "interchange_control", "result"]].values.tolist() == [["interchange", "000000451", result]]


# ---------------------------------------------------------------- into the store
def bills(*claims: tuple[str, int], day: str = "260309", number: int = 451, batch: str = "B451") -> str:
    """An 837 of one transaction; each claim has a number and dollars."""
    body = [f"ST*837*0001*005010X222A1~BHT*0019*00*{batch}*20{day}*1200*CH~HL*1**20*1~NM1*85*2*A*****XX*1234567893~"]
    for place, (claim, amount) in enumerate(claims, 2):
        body.append(
            f"HL*{place}*1*22*0~SBR*P*18*******MB~NM1*IL*1*D*J****MI*M{place}~NM1*PR*2*MEDICARE*****PI*00512~"
            f"CLM*{claim}*{amount}***11:B:1*Y*A*Y*Y~LX*1~SV1*HC:99213*{amount}*UN*1***1~DTP*472*D8*20{day}~"
        )
    return interchange("".join(body) + f"SE*{4 + 8 * len(claims) + 1}*0001~", day=day, number=number, group="HC")


def answer(*statuses: str, day: str = "260310", number: int = 7, source: str = "PR", batch: str = "B451") -> str:
    """A 277CA; each status is claim|STC."""
    body = f"ST*277*0001*005010X214~BHT*0085*08*1*20{day}*0900*TH~HL*1**20*1~NM1*{source}*2*P*****PI*1~HL*2*1*21*1~"
    body += f"TRN*2*{batch}~HL*3*2*19*1~"
    for status in statuses:
        claim, stc = status.split("|")
        body += f"HL*4*3*PT~TRN*2*{claim}~STC*{stc}~"
    return interchange(body + f"SE*{8 + 3 * len(statuses)}*0001~", day=day, number=number)


def refusal(control: int = 451, *, day: str = "260309", code: str = "R:5", number: int = 8) -> str:
    code = code.replace(":", "*")
    body = f"ST*999*0001*005010X231A1~AK1*HC*{control}~AK2*837*0001~IK5*{code}~AK9*{code[0]}*1*1*0~SE*6*0001~"
    return interchange(body, day=day, number=number, group="FA")


@pytest.fixture
def workspace(tmp_path):
    for name, text in {"clients.toml": REGISTRY, "rcm.toml": ""}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "raw" / "acme").mkdir(parents=True)
    return open_workspace(tmp_path)


def taken(workspace, *texts: str):
    """The texts as files without a telling name, taken in one after the other."""
    folder = workspace.paths["raw"] / "acme"
    for text in texts:
        (folder / f"{len(list(folder.iterdir())):03d}.txt").write_text(text)
    return ingest_client(workspace, "acme", sorted(folder.iterdir()))


def edits(workspace):
    rows = workspace.store.open("acme").read("claim_edits").sort("checked_on", "claim_id", "result")
    return rows.select("claim_id", "stage", "result", "charge_cents").rows()


def test_answers_find_their_claims_and_become_checks_in_dollars(workspace):
    report = taken(
        workspace,
        answer("PCN5001|A2:20*20260310*WQ*210", "PCN5002|A7:562:85*20260310*U*200"),
        bills(("PCN5001", 210), ("PCN5002", 200)),
    )
    assert edits(workspace) == [("PCN5001", "payer", "passed", 21000), ("PCN5002", "payer", "failed", 20000)]
    rows = workspace.store.open("acme").read("claim_edits").filter(result="failed")
    assert rows["reason"].to_list() == ["information is invalid, about the billing provider (A7:562:85)"]
    assert rows["sent_on"].to_list() == [dt.date(2026, 3, 9)] and rows["checked_on"].to_list() == [dt.date(2026, 3, 10)]
    assert not report.needs_person
    assert [(item.rows_in, item.rows_stored, item.cents_in) for item in report.files] == [(2, 2, 41000)] * 2


def test_a_refused_999_fails_every_claim_of_its_file_and_no_other(workspace):
    report = taken(workspace, bills(("A", 100), ("B", 50)), bills(("C", 70), number=452, batch="B452"), refusal())
    assert edits(workspace) == [("A", "clearinghouse", "failed", 10000), ("B", "clearinghouse", "failed", 5000)]
    [message] = report.findings.filter(pl.col("rule") == "file_refused").rows(named=True)
    assert (message["amount_cents"], message["rows"]) == (15000, 2)


def test_a_refused_envelope_or_batch_fails_its_claims(workspace):
    head = HEAD.format(day="260309", number="000000020")
    ta1 = f"{head}TA1*451*260309*0910*R*025~IEA*0*000000020~"
    taken(workspace, bills(("A", 100)), ta1)
    assert edits(workspace) == [("A", "clearinghouse", "failed", 10000)]
    whole = interchange(BATCH_REFUSED.replace("20020131052389", "B460").replace("20060201", "20260310"))
    taken(workspace, bills(("D", 30), number=460, batch="B460"), whole)
    assert edits(workspace)[-1] == ("D", "clearinghouse", "failed", 3000)


def test_a_file_sent_again_on_the_same_day_and_taken_is_no_longer_refused(workspace):
    again = bills(("A", 100), number=453, batch="B453")
    report = taken(workspace, bills(("A", 100)), refusal(), again, refusal(453, code="A", number=9))
    assert edits(workspace) == [("A", "clearinghouse", "failed", 10000), ("A", "clearinghouse", "passed", 10000)]
    assert "file_refused" not in report.findings["rule"].to_list()
    assert workspace.store.open("acme").rows("submissions") == 1


def test_control_numbers_that_two_files_of_a_day_share_are_put_to_neither(workspace):
    report = taken(
        workspace, bills(("A", 100)), bills(("B", 50), batch="B2").replace("*000000451*", "*000000999*"), refusal()
    )
    assert edits(workspace) == []
    assert "acknowledged_file_unknown" in report.findings["rule"].to_list()


def test_control_numbers_start_anew_and_mean_the_last_file_before(workspace):
    taken(workspace, bills(("A", 100), day="260105"), bills(("B", 50)), refusal())
    assert [row[0] for row in edits(workspace)] == ["B"]


def test_a_number_in_another_dress_is_known_by_its_charge(workspace):
    taken(workspace, bills(("000777", 100), ("000888", 50)), answer("777|A3:21**U*100", "888|A3:21**U*60"))
    assert [row[0] for row in edits(workspace)] == ["000777"]


def test_what_nobody_of_ours_sent_is_told_in_dollars(workspace):
    report = taken(workspace, bills(("A", 100)), answer("A|A2:20**WQ*100", "X|A2:20**WQ*60"))
    [row] = report.findings.filter(pl.col("rule") == "acknowledged_never_sent").rows(named=True)
    assert (row["amount_cents"], row["rows"]) == (6000, 1)
    late = answer("A|A2:20**WQ*100", day="260401", number=8)
    report = taken(workspace, bills(("S", 40), day="260312", number=455), late)
    [row] = report.findings.filter(pl.col("rule") == "never_acknowledged").rows(named=True)
    assert (row["amount_cents"], row["rows"]) == (4000, 1)


def test_files_in_any_order_and_twice_leave_the_same_checks(workspace, tmp_path_factory):
    texts = [bills(("A", 100), ("B", 50)), refusal(), answer("A|A2:20**WQ*100", day="260311"), answer("B|A3:21**U*50")]
    found = []
    for seed in range(3):
        folder = tmp_path_factory.mktemp("again")
        for name, text in {"clients.toml": REGISTRY, "rcm.toml": ""}.items():
            (folder / name).write_text(text)
        (folder / "raw" / "acme").mkdir(parents=True)
        mine = open_workspace(folder)
        for text in random.Random(seed).sample(texts, 4):
            taken(mine, text)
        taken(mine, texts[2] + "\n")
        found.append(edits(mine))
    assert found[0] == found[1] == found[2] and len(found[0]) == 4


def test_an_export_of_checks_leaves_those_of_the_acknowledgments(workspace, tmp_path):
    (workspace.paths["maps"]).mkdir(exist_ok=True)
    (workspace.paths["maps"] / "pm.toml").write_text(
        'name = "pm"\n[claim_edits]\ndelivery = "month"\ndate_formats = ["%Y-%m-%d"]\n[claim_edits.columns]\n'
        'edit_id = ["Edit"]\nclaim_id = ["Claim"]\nchecked_on = ["Checked"]\nstage = ["Stage"]\nresult = ["Result"]\n'
    )
    (tmp_path / "clients.toml").write_text(REGISTRY + 'column_maps = ["pm"]\n')
    mine = open_workspace(tmp_path)
    taken(mine, bills(("A", 100)), answer("A|A3:21**U*100"))
    for count in (1, 2):
        rows = [f"E{place},A,2026-03-{10 + place},scrubber,passed" for place in range(count)]
        taken(mine, "Edit,Claim,Checked,Stage,Result\n" + "\n".join(rows) + "\n")
        stages = [row[1] for row in edits(mine)]
        assert sorted(stages) == ["payer", *["scrubber"] * count]


DAMAGES = {
    "charge": lambda row: row.replace("*100~", "*1x0~"),
    "number": lambda row: row.replace("TRN*2*A~", "TRN*2~"),
    "status": lambda row: row.replace("STC*A3:21*20260310*U*100~", "STC**20260310*U*100~"),
    "no status": lambda row: row.replace("STC*A3:21*20260310*U*100~", ""),
}


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_answer_is_set_aside_with_its_row_and_dollars_and_the_rest_stays(workspace, how, seed):
    others = [f"O{place}|A3:21*20260310*U*{10 + place}" for place in range(seed + 1)]
    rows = random.Random(seed).sample([*others, "A|A3:21*20260310*U*100"], len(others) + 1)
    known = bills(("A", 100), *((f"O{place}", 10 + place) for place in range(seed + 1)))
    report = taken(workspace, known, DAMAGES[how](answer(*rows)))
    [lost] = report.quarantine.rows(named=True)
    segment = 11 + 3 * rows.index("A|A3:21*20260310*U*100")
    assert lost["row"] == segment and lost["table"] == "acknowledgments"
    assert lost["amount_cents"] == (None if how in ("charge", "no status") else 10000)
    assert [row[0] for row in edits(workspace)] == sorted(f"O{place}" for place in range(seed + 1))
    assert sum(row[3] for row in edits(workspace)) == sum(1000 + 100 * place for place in range(seed + 1))
