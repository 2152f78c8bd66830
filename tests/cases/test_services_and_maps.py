"""A map for one table leaves the others alone; a late posting is no cut-off file; one service is enough."""

import datetime as dt

import pytest

from .desk import REGISTRY, blank, ingested, opened
from .files import MAP, answer, claim_837, export, posting, remit_835

FEES = """
name = "pm"
[fee_schedules]
delivery = "full"
defaults = { modifiers = "" }
[fee_schedules.columns]
payer = "Payer"
procedure = "Code"
modifiers = "Mod"
effective_from = "From"
allowed_cents = "Allowed"
"""
VISITS = """
name = "pm"
[appointments]
delivery = "full"
constants = { visit_type = "follow_up", is_planned_follow_up = "true" }
[appointments.columns]
appointment_id = "Id"
patient = "Patient"
booked_on = "Booked"
scheduled_on = "Day"
settled_on = "Day"
location = "Place"
status = "Status"
"""


def has_ledger(desk) -> bool:
    """One claim of 100, paid 80, discounted 20."""
    return desk.parts() == {} and desk.stored_kind("charge") == [10000] and desk.stored_kind("payment") == [-8000]


# ------------------------------------------------------------ maps for other tables
def test_a_fee_schedule_leaves_the_ledger_of_837_and_835_alone_d15(tmp_path):
    desk = ingested("d15-fee-schedule-map-kills-ledger", tmp_path)
    assert has_ledger(desk)  # 100 - 80 - 20
    assert desk.cash_by_month() == {"2026-10": 8000}
    assert [row["claim_id"] for row in desk.stored("claims")] == ["A1"]
    assert [row["allowed_cents"] for row in desk.stored("fee_schedules")] == [9200]


@pytest.mark.parametrize(
    ("column_map", "name", "content"),
    [
        pytest.param(FEES, "fees.csv", "", id="a map whose file was not delivered"),
        pytest.param(
            VISITS,
            "visits.csv",
            "Id,Patient,Booked,Day,Place,Status\n1,P1,2026-01-02,2026-01-05,Main,kept\n",
            id="appointments",
        ),
    ],
)
def test_a_map_for_another_table_leaves_the_ledger_alone(tmp_path, column_map, name, content):
    desk = blank(tmp_path, column_map=column_map)
    desk.put("a.837", claim_837("A1", "100"))
    desk.put("b.835", remit_835("80", answer("A1", "100", "80", "CO*45*20")))
    if content:
        desk.put(name, content)
    desk.ingest()
    assert has_ledger(desk)


OPEN = """
name = "pm"
[opening_balances]
delivery = "full"
constants = { taken_over_on = "2026-01-31" }
[opening_balances.columns]
balance_id = "No"
claim_id = "Claim"
party = "Owed by"
payer = "Payer"
aged_from = "Served"
balance_cents = "Open"
"""
LIST = """No,Claim,Owed by,Payer,Served,Open
1,A1,primary,MEDICARE PART B,2026-01-01,100.00
2,B7,patient,,2025-11-03,55.50
"""


def test_a_list_of_open_balances_is_the_opening_and_no_charge(tmp_path):
    """A practice comes to us in February: its 837s of before are not here, its list of open balances is."""
    desk = blank(tmp_path, column_map=OPEN)
    desk.put("open.csv", LIST)
    desk.put("b.835", remit_835("80", answer("A1", "100", "80", "CO*45*20"), day="20260210"))
    desk.ingest()
    assert desk.receivable(dt.date(2026, 1, 30)) == 0
    assert desk.receivable(dt.date(2026, 1, 31)) == 15550  # 100 + 55.50
    assert desk.parts() == {("B7", "patient"): 5550}  # A1: 100 - 80 - 20
    assert desk.stored_kind("charge") == []
    assert desk.cash_by_month() == {"2026-02": 8000}
    assert desk.holds(), desk.check()[1]


def test_a_fee_schedule_added_later_leaves_the_ledger_growing(tmp_path):
    desk = opened("d15-fee-schedule-map-kills-ledger", tmp_path)
    later = desk.without("oct.835", "fees.csv")
    registry = (desk.folder / "clients.toml").read_text()
    desk.configure("clients.toml", registry.replace('column_maps = ["fees"]\n', ""))
    desk.ingest()
    assert desk.receivable() == 10000  # billed, not yet answered
    desk.configure("clients.toml", registry)
    for name, content in later.items():
        desk.put(name, content)
    desk.ingest()
    assert has_ledger(desk)


def _derived_first(tmp_path, export_text: str):
    """A ledger of one 837 and one 835, and an export that comes when there is a map for it."""
    desk = blank(tmp_path)
    desk.put("a.837", claim_837("A1", "100"))
    desk.put("b.835", remit_835("80", answer("A1", "100", "80", "CO*45*20"), day="20260205"))
    desk.ingest()
    registry = (desk.folder / "clients.toml").read_text()
    desk.configure("clients.toml", registry + 'column_maps = ["pm"]\n')
    desk.configure("maps/pm.toml", MAP)
    desk.put("t.csv", export_text)
    return desk.ingest()


def test_an_export_that_comes_later_takes_the_place_of_the_derived_ledger_or_is_told(tmp_path):
    desk = _derived_first(
        tmp_path,
        export(
            posting("c1", "A1", "CHG", "01/05/2026", "100.00"),
            posting("p1", "A1", "PMT", "03/02/2026", "80.00"),
            posting("a1", "A1", "ADJ", "03/02/2026", "20.00"),
        ),
    )
    # The billing system posts in March what the payer paid in February; its posting day stands.
    right = desk.parts() == {} and desk.cash_by_month() == {"2026-03": 8000}
    assert right or desk.tells(8000, 10000)


def test_an_export_of_the_same_months_takes_the_place_of_the_derived_ledger(tmp_path):
    desk = _derived_first(
        tmp_path,
        export(
            posting("c1", "A1", "CHG", "01/05/2026", "100.00"),
            posting("p1", "A1", "PMT", "02/06/2026", "80.00"),
            posting("a1", "A1", "ADJ", "02/06/2026", "20.00"),
        ),
    )
    assert desk.parts() == {} and desk.cash_by_month() == {"2026-02": 8000}


RECEIPTS = """
name = "desk"

[transactions]
delivery = "{delivery}"
date_formats = ["%m/%d/%Y"]
sign.by = "kind"

[transactions.columns]
transaction_id = "Receipt"
claim_id = "Account"
happened_on = "Date"
posted_on = "Date"
amount_cents = "Amount"

[transactions.constants]
kind = "payment"
party = "patient"
"""


@pytest.mark.parametrize("delivery", ["full", "month", "append"])
@pytest.mark.parametrize("is_later", [False, True], ids=["with the 835s", "after them"])
def test_receipts_of_patients_stand_beside_the_ledger_of_837_and_835(tmp_path, delivery, is_later):
    """The desk's own list of what patients paid tells nothing of charges and insurers: it takes nothing's place."""
    desk = blank(tmp_path)
    registry = (desk.folder / "clients.toml").read_text()
    claims = [f"A{number}" for number in range(8)]
    for number, claim in enumerate(claims):
        desk.put(f"{claim}.837", claim_837(claim, "100", control=number + 1))
        said = answer(claim, "100", "60", "CO*45*20", "PR*2*20", icn=f"P{number}")
        desk.put(f"{claim}.835", remit_835("60", said, trace=f"T{number}", control=number + 1))
    if is_later:
        desk.ingest()
        assert desk.receivable() == 16000
    desk.configure("clients.toml", registry + 'column_maps = ["desk"]\n')
    desk.configure("maps/desk.toml", RECEIPTS.format(delivery=delivery))
    rows = ["Receipt,Account,Date,Amount", "R1,A0,02/20/2026,20.00", "R2,A1,02/21/2026,5.00", "R3,A2,03/03/2026,20.00"]
    desk.put("receipts.csv", "\n".join(rows) + "\n")
    desk.ingest()
    assert desk.receivable() == 16000 - 4500 and desk.cash_by_month() == {"2026-02": 50500, "2026-03": 2000}
    assert desk.parts() == {("A1", "patient"): 1500} | {(claim, "patient"): 2000 for claim in claims[3:]}
    assert desk.holds(), desk.check()[1]
    desk.put("next.835", remit_835("0", answer("A9", "50", "0", "PR*1*50", icn="P9"), trace="T9", control=99))
    assert desk.ingest().receivable() == 16000 - 4500 + 5000, "the ledger grows on"


def test_an_export_with_charges_takes_the_place_of_ledger_and_receipts_it_holds(tmp_path):
    desk = _derived_first(
        tmp_path,
        export(posting("c1", "A1", "CHG", "01/05/2026", "100.00"), posting("p1", "A1", "PMT", "02/06/2026", "80.00")),
    )
    assert desk.parts() == {("A1", "primary"): 2000} and desk.cash_by_month() == {"2026-02": 8000}


# ------------------------------------------------------------ monthly deliveries
def late_posting_is_kept(desk) -> bool:
    """20 charges of 100; the January payment of 80 in the February file is posted, or set aside by itself."""
    posted = desk.receivable() == 192000 and desk.cash("2026-01") == 8000
    aside = desk.receivable() == 200000 and desk.aside_cents() == 8000
    return posted or aside


def test_a_late_posting_read_with_its_month_is_kept_r34(tmp_path):
    desk = ingested("r34-late-posting-month-delivery", tmp_path)
    assert late_posting_is_kept(desk)


def test_a_late_posting_in_a_later_delivery_is_no_cut_off_file_r34(tmp_path):
    desk = opened("r34-late-posting-month-delivery", tmp_path)
    later = desk.without("feb.csv")
    desk.ingest()
    desk.put("feb.csv", later["feb.csv"])
    desk.ingest()
    assert late_posting_is_kept(desk)
    told = [row for row in desk.findings(file="feb.csv") if row["amount_cents"] in (8000, -8000) and row["rows"] == 1]
    assert told  # the one late row is named


JANUARY = [posting(f"c{day}", f"C{day}", "CHG", f"01/{day:02d}/2026", "100.00") for day in range(1, 11)]


def test_a_delivery_that_really_is_cut_off_replaces_nothing(tmp_path):
    desk = blank(tmp_path, column_map=MAP)
    desk.put("a.csv", export(*JANUARY))
    desk.ingest()
    desk.put("b.csv", export(*JANUARY[:3]))
    desk.ingest()
    assert desk.receivable() == 100000  # 10 x 100
    assert desk.findings(file="b.csv")


def test_late_postings_of_two_earlier_months_are_kept(tmp_path):
    desk = blank(tmp_path, column_map=MAP)
    december = [posting(f"d{day}", f"D{day}", "CHG", f"12/{day:02d}/2025", "100.00") for day in range(1, 11)]
    desk.put("a.csv", export(*december))
    desk.put("b.csv", export(*JANUARY))
    desk.ingest()
    february = [posting(f"e{day}", f"E{day}", "CHG", f"02/{day:02d}/2026", "100.00") for day in range(1, 11)]
    late = [posting("p1", "D1", "PMT", "12/31/2025", "80.00"), posting("p2", "C1", "PMT", "01/31/2026", "70.00")]
    desk.put("c.csv", export(*february, *late))
    desk.ingest()
    posted = desk.receivable() == 285000  # 30 x 100 - 80 - 70
    aside = desk.receivable() == 300000 and desk.aside_cents() == 15000
    assert posted or aside


# ------------------------------------------------------------ one service
@pytest.mark.slow
def test_a_client_with_appointments_only_gets_its_report_d17(tmp_path):
    desk = ingested("d17-engagement-only-no-packet", tmp_path)
    code, text = desk.rcm("packets", "--period", "2016-05", "--workers", "1")
    assert code == 0, text
    assert list((desk.folder / "runs" / "acme" / "2016-05").glob("patient_engagement_review*/manifest.json"))


def test_a_client_with_appointments_only_is_checked_as_whole_d17(tmp_path):
    desk = ingested("d17-engagement-only-no-packet", tmp_path)
    assert len(desk.stored("appointments")) > 0
    code, text = desk.check()
    assert code == 0, text


def test_a_client_with_appointments_only_opens_its_review_d17(tmp_path):
    desk = ingested("d17-engagement-only-no-packet", tmp_path)
    assert desk.opens("2016-05", "patient_engagement_review")


STATEMENTS = """
name = "pm"
[statements]
delivery = "append"
date_formats = ["%m/%d/%Y"]
[statements.columns]
statement_id = "Statement"
patient = "Patient"
claim_id = "Account"
statement_on = "Sent"
sequence = "Number"
balance_cents = "Balance"
due_on = "Due"
[statements.constants]
channel = "mail"
"""


def with_statements(tmp_path):
    desk = blank(tmp_path, column_map=STATEMENTS, registry=REGISTRY + 'services = ["self_pay"]\n')
    rows = [f"S{day},P{day},A{day},03/{day:02d}/2026,1,45.00,04/{day:02d}/2026" for day in range(1, 11)]
    desk.put("s.csv", "Statement,Patient,Account,Sent,Number,Balance,Due\n" + "\n".join(rows))
    return desk.ingest()


def test_a_self_pay_client_with_statements_only_opens_its_review(tmp_path):
    assert with_statements(tmp_path).opens("2026-03", "self_pay_review")


@pytest.mark.parametrize(
    ("template", "month", "says"),
    [
        ("self_pay_review", "2026-09", "no records in 2026-09; records run from 2026-03"),
        ("client_review", "2026-03", "has not bought the service claims, only self_pay"),
    ],
)
def test_a_report_whose_service_has_nothing_in_the_month_is_refused(tmp_path, template, month, says):
    code, text = with_statements(tmp_path).rcm("run", template, "--client", "acme", "--period", month)
    assert code == 2 and says in " ".join(text.split()), text
