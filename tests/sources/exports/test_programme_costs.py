"""A programme's general ledger and payroll, through a column map: accounts to lines of its plan."""

from cases.desk import blank

MAP = """
name = "books"

[ledger]
table = "programme_costs"
delivery = "append"
content_id = "cost_id"
date_formats = ["%m/%d/%Y"]

[ledger.columns]
posted_on = "Date"
line = "Account"
account = "Account"
amount_cents = { sum = ["Debit"], less = ["Credit"] }

[ledger.values.line]
"4000" = "receipts"
"6010" = "salaries"
"6110" = "fringe"
"7200" = "overhead"

[ledger.take]
header = "Account"
rows = ["4000", "6010", "6110", "7200"]
leave = ["1000"]

[payroll]
table = "programme_costs"
delivery = "append"
content_id = "cost_id"

[payroll.columns]
posted_on = "Pay Date"
amount_cents = "Gross Pay"
account = "Pay Type"

[payroll.constants]
line = "incentive"
"""
LEDGER = """Date,Account,Debit,Credit
01/31/2027,6010,"$5,000.00",
01/31/2027,6010,,200.50
01/31/2027,6110,1400.00,
01/31/2027,4000,,900.00
01/31/2027,1000,,6200.00
01/31/2027,6999,75.00,
"""


def test_accounts_become_lines_of_the_plan_and_a_strange_account_is_set_aside(tmp_path):
    desk = blank(tmp_path)
    settings = (desk.folder / "clients.toml").read_text()
    desk.configure("clients.toml", settings + 'services = ["care_coordination"]\ncolumn_maps = ["books"]\n')
    desk.configure("maps/books.toml", MAP)
    desk.put("ledger.csv", LEDGER)
    desk.store()
    desk.put("payroll.csv", "Pay Date,Pay Type,Gross Pay\n2027-01-31,Bonus,60.00\n")
    desk.store()
    rows = sorted((row["line"], row["account"], row["amount_cents"]) for row in desk.stored("programme_costs"))
    assert rows == [
        ("fringe", "6110", 140_000),
        ("incentive", "Bonus", 6_000),
        ("receipts", "4000", -90_000),
        ("salaries", "6010", -20_050),
        ("salaries", "6010", 500_000),
    ]
    assert len(desk.aside("ledger.csv")) == 1, "6999 stands for no line and is in no list"
