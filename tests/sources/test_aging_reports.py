"""Aging reports alone, in layouts of two vendors' manuals: from the file to the page, with the sums of pandas."""

import dataclasses

import pandas as pd
import pytest

from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.measures.receivable.aging_reports import left_after_a_month, reported_aging
from rcm_analysis.notebook.opening import open_report
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.schema_services import AGING_BALANCES
from rcm_analysis.tables.workspace import open_workspace

REGISTRY = """
[payers.aetna]
name = "Aetna"
payer_class = "commercial"
aliases = ["AETNA PPO"]
[clients.acme]
name = "Acme"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
services = ["{service}"]
column_maps = ["aging"]
"""
MAP = r"""
name = "aging"
[insurance]
one_row_per = "aging_balance"
from_name = { reported_on = '(\d{4}-\d\d-\d\d)' }
[insurance.columns]
payer = "Financial Class"
bucket_0_30_cents = "Days 0 - 30"
bucket_31_60_cents = "31 - 60"
bucket_61_90_cents = "61 - 90"
bucket_91_120_cents = "91 - 120"
bucket_over_120_cents = { sum = ["121 - 150", "151+"] }
balance_cents = "Totals"
[patients]
one_row_per = "aging_balance"
from_name = { reported_on = '(\d{4}-\d\d-\d\d)' }
[patients.columns]
patient = "Guarantor"
bucket_0_30_cents = "0-30 Days"
bucket_31_60_cents = "31-60 Days"
bucket_61_90_cents = "61-90 Days"
bucket_91_120_cents = "> 90 Days"
balance_cents = "Total"
"""
CLASSES = """AR AGING REPORT,,,,,,,
Financial Class,Days 0 - 30,31 - 60,61 - 90,91 - 120,121 - 150,151+,Totals
AETNA PPO,"1,200.00",300.10,0.00,50.00,10.00,5.00,"1,565.10"
Total Health Plan,100.00,,(20.00),,,,80.00
MEDICARE,400.00,10.00,,,,1.00,411.00
Totals,"1,700.00",310.10,(20.00),50.00,10.00,6.00,"2,056.10"
"""
FAMILIES = """Guarantor,0-30 Days,31-60 Days,61-90 Days,> 90 Days,Total
"Doe, Jane",100.00,0.00,0.00,25.50,125.50
"Roe, Al",0.00,40.00,0.00,0.00,40.00
,100.00,40.00,0.00,25.50,165.50
"""
LATER = CLASSES.replace('"1,200.00",300.10', "900.00,600.00").replace('"1,565.10"', '"1,565.00"')
LATER = "\n".join(line for line in LATER.splitlines() if not line.startswith("Totals")) + "\n"


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "rcm.toml").write_text("")
    (tmp_path / "clients.toml").write_text(REGISTRY.format(service="aging_reports"))
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "aging.toml").write_text(MAP)
    (tmp_path / "raw" / "acme").mkdir(parents=True)
    return open_workspace(tmp_path)


def take(workspace, files):
    for name, text in files.items():
        (workspace.paths["raw"] / "acme" / name).write_text(text)
    return ingest_client(workspace, "acme", find_files(workspace, client="acme")["acme"])


def aging(workspace, by=()):
    return reported_aging(workspace.client("acme").tables(), as_of=pd.Timestamp("2026-12-31").date(), by=by)


NOTHING = {"aging_balances": AGING_BALANCES.empty().lazy()}
TWO = {"classes 2026-09-30.csv": CLASSES, "families 2026-09-30.csv": FAMILIES}


def plain_sum(text: str, skip: int, names: list[str]) -> int:
    """The cents of these columns, without the last row, as pandas reads them."""
    frame = pd.read_csv(pd.io.common.StringIO(text), skiprows=skip, thousands=",")[names].iloc[:-1]
    cells = frame.astype(str).replace({r"\(": "-", r"\)": "", ",": "", "nan": "0"}, regex=True)
    return round(cells.astype(float).sum().sum() * 100)


def test_both_layouts_are_stored_to_the_cent_and_their_totals_are_not(workspace):
    report = take(workspace, TWO)
    found = aging(workspace).iloc[0]
    young = ["Days 0 - 30"]
    assert found["0-30"] == plain_sum(CLASSES, 1, young) + plain_sum(FAMILIES, 0, ["0-30 Days"]) == 180000
    assert found["over 120"] == plain_sum(CLASSES, 1, ["121 - 150", "151+"]) == 1600
    assert found["91-120"] == plain_sum(CLASSES, 1, ["91 - 120"]) + plain_sum(FAMILIES, 0, ["> 90 Days"]) == 7550
    assert found["balance_cents"] == plain_sum(CLASSES, 1, ["Totals"]) + plain_sum(FAMILIES, 0, ["Total"]) == 222160
    assert report.quarantine["rule"].to_list() == ["total_line", "total_line"]
    assert set(report.findings.filter(needs_person=True)["rule"]) == {"unmapped_payer"}


def test_patients_are_pseudonyms_and_a_plan_called_total_is_a_payer(workspace):
    take(workspace, TWO)
    rows = workspace.client("acme").tables()["aging_balances"].collect()
    assert "Doe" not in rows.write_csv() and "Roe" not in rows.write_csv()
    by_payer = aging(workspace, by=("payer",)).set_index("payer")["balance_cents"]
    assert by_payer.to_dict() == {
        "(none)": 16550,
        "aetna": 156510,
        "unmapped:total health plan": 8000,
        "unmapped:medicare": 41100,
    }


def test_a_later_delivery_of_a_report_takes_its_place_and_other_days_stay(workspace):
    take(workspace, {**TWO, "classes 2026-10-31.csv": LATER})
    assert aging(workspace)["balance_cents"].tolist() == [222160, 205600]
    (workspace.paths["raw"] / "acme" / "classes 2026-10-31.csv").unlink()
    take(workspace, {"again 2026-10-31.csv": CLASSES})
    assert aging(workspace)["balance_cents"].tolist() == [222160, 205610]


def test_two_files_of_one_day_and_part_are_told_and_not_added(workspace):
    report = take(workspace, {"a 2026-09-30.csv": CLASSES, "b 2026-09-30.csv": LATER})
    assert aging(workspace)["balance_cents"].tolist() == [205600]
    assert "aging_twice" in report.findings["rule"].to_list()


def test_a_total_that_is_not_its_ages_and_a_client_without_the_service_are_told(workspace):
    (workspace.folder / "clients.toml").write_text(REGISTRY.format(service="claims"))
    report = take(open_workspace(workspace.folder), {"x 2026-09-30.csv": CLASSES.replace("411.00", "412.00")})
    told = report.findings.select("rule", "amount_cents").rows()
    assert ("aging_total_differs", 100) in told and ("aging_not_asked_for", 205610) in told


def test_what_is_left_a_month_later_is_one_age_older(workspace):
    take(workspace, {"classes 2026-09-30.csv": CLASSES, "classes 2026-10-31.csv": LATER})
    left = left_after_a_month(aging(workspace)).set_index("age")
    assert left.loc["0-30", ["before_cents", "left_cents"]].tolist() == [170000, 61000]
    assert left.loc["0-30", "left_share"] == pytest.approx(61000 / 170000)
    assert left.loc["over 90", ["before_cents", "left_cents"]].tolist() == [6600, 1600]
    assert left_after_a_month(aging(workspace).head(1)).empty


def test_the_page_says_what_is_owed_how_it_moved_and_what_is_not_known(workspace):
    take(workspace, {**TWO, "classes 2026-10-31.csv": LATER, "families 2026-10-31.csv": FAMILIES})
    report = open_report(str(workspace.folder), "acme", "2026-10", template="aging_review")
    blocks = {block.payload.get("name", block.kind): block.payload for block in report.review.answers()}
    assert "$2,222 was open on October 31, 2026" in str(blocks["headline"])
    assert list(blocks["aging"]["rows"][-1][1:4]) == [222160, 222150, -10]
    assert "Denials and their reasons" in str(blocks["not_known"])
    assert not {"cash", "denials"} & set(blocks)


def test_the_first_report_says_nothing_of_a_move_and_none_is_said(workspace):
    take(workspace, TWO)
    first = open_report(str(workspace.folder), "acme", "2026-09", template="aging_review")
    assert "nothing can be said of how it moved" in str(first.review.answers()[0].payload)
    none = pages_of("aging_review", dataclasses.replace(first.subject, tables={**first.subject.tables, **NOTHING}))
    assert "No aging report" in str([block.payload for block in none.answers()])
