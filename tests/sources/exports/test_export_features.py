"""What a column map can say beyond names: row types, several columns for one, values carried down, other tables."""

from __future__ import annotations

import pytest

from rcm_analysis.errors import SourceError
from rcm_analysis.sources.exports import reader as exports
from rcm_analysis.sources.exports.column_maps import parse_map
from rcm_analysis.tables import schema

LEDGER = """
name = "grouped"
[transactions]
delivery = "append"
empty = ["N/A"]
optional = ["trace"]
[transactions.columns]
transaction_id = { join = ["Batch", "Seq"], with = "-" }
claim_id = ["Claim"]
kind = { join = ["Type", "Code"], with = "/" }
party = ["Resp"]
happened_on = { first = ["Deposit Date", "DOS"] }
posted_on = ["Posted"]
payer = ["Payer"]
trace = ["Check"]
[transactions.values.kind]
"C" = "charge"
"P/INS" = "payment"
"P/PAT" = "payment"
"T/IN" = "transfer"
"T/OUT" = "transfer"
[transactions.values.party]
"I1" = "primary"
"PT" = "patient"
[transactions.values.payer]
"BCBS OF IL" = "Blue Cross"
"NONE" = ""
[transactions.carry]
party = "claim_id"
[[transactions.amount_by]]
when = ["C", "T/IN"]
amount = ["Debit"]
sign = "+"
[[transactions.amount_by]]
when = ["P/INS", "P/PAT", "T/OUT"]
amount = ["Credit"]
sign = "-"

[claim_lines]
delivery = "append"
[claim_lines.take]
header = ["Type"]
rows = ["C"]
leave = ["P", "T"]
[claim_lines.columns]
claim_id = ["Claim"]
procedure = ["Code"]
modifiers = { join = ["Mod 1", "Mod 2"], with = ":" }
service_on = ["DOS"]
entered_on = ["Posted"]
charge_cents = ["Debit"]
[claim_lines.number]
line_number = "claim_id"
"""
HEADER = "Batch,Seq,Claim,Type,Code,Resp,Debit,Credit,DOS,Deposit Date,Posted,Payer,Check,Mod 1,Mod 2"
ROWS = (
    "B1,1,K1,C,,I1,100.00,,2026-03-01,,2026-03-02,BCBS of IL,N/A,,",
    "B1,2,K1,P,INS,,,60.00,2026-03-01,2026-03-20,2026-03-21,BCBS of IL,0045,,",
    "B1,3,K1,T,OUT,,,40.00,2026-03-01,,2026-03-21,none,,,",
    "B1,4,K1,T,IN,PT,40.00,,2026-03-01,,2026-03-21,Aetna,,,",
    "B1,5,K1,P,PAT,,,40.00,2026-03-01,2026-04-02,2026-04-02,,,,",
)


def load(path, rows, *, text=LEDGER, header=HEADER, table="transactions"):
    file = path / "ledger.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    found = exports.recognise(file, [parse_map(text, "grouped.toml")])
    (part,) = [part for part in found if part.table.name == table]
    return exports.read_export(file, part, client="acme")


def test_amounts_ids_kinds_dates_and_parties_from_several_columns(tmp_path):
    export = load(tmp_path, ROWS)
    rows = schema.check(export.rows, schema.TRANSACTIONS, "ledger.csv")
    assert rows.select("transaction_id", "kind", "party", "amount_cents").rows() == [
        ("B1-1", "charge", "primary", 10000),
        ("B1-2", "payment", "primary", -6000),
        ("B1-3", "transfer", "primary", -4000),
        ("B1-4", "transfer", "patient", 4000),
        ("B1-5", "payment", "patient", -4000),
    ]
    assert [str(day) for day in rows["happened_on"]] == [
        "2026-03-01",
        "2026-03-20",
        "2026-03-01",
        "2026-03-01",
        "2026-04-02",
    ]
    assert rows["payer"].to_list() == ["Blue Cross", "Blue Cross", None, "Aetna", None]
    assert rows["trace"].to_list() == [None, "0045", None, None, None]


def test_a_row_type_without_an_amount_column_is_set_aside(tmp_path):
    export = load(tmp_path, [*ROWS, "B1,6,K1,W,,PT,5.00,,2026-03-01,,2026-04-02,,,,"])
    (aside,) = export.quarantine.to_dicts()
    assert (aside["row"], aside["rule"], aside["column"]) == (7, "not_listed", "Type + Code")
    assert "amount_cents: empty, and a value is required" in aside["message"]


def test_a_value_is_not_carried_across_a_broken_row_nor_into_another_claim(tmp_path):
    rows = [ROWS[0], "B1,9,K1,T,IN,PT", ROWS[1], ROWS[3], ROWS[4], "B1,7,K2,P,INS,,,1.00,2026-03-01,,2026-03-21,,,,"]
    export = load(tmp_path, rows)
    assert export.rows["transaction_id"].to_list() == ["B1-1", "B1-4", "B1-5"]
    assert export.quarantine.select("row", "rule", "column").rows() == [
        (3, "fields", None),
        (4, "missing", "Resp"),
        (7, "missing", "Resp"),
    ]


def test_a_file_may_feed_two_tables_and_every_row_is_claimed(tmp_path):
    charges = [
        "B1,1,K1,C,99213,I1,100.00,,2026-03-01,,2026-03-02,,,25,",
        "B1,2,K2,C,00100,I1,5.00,,2026-03-01,,2026-03-02,,,AA,QK",
        "B1,3,K1,C,36415,I1,10.00,,2026-03-01,,2026-03-02,,,,",
        "B1,4,K1,X,36415,I1,10.00,,2026-03-01,,2026-03-02,,,,",
        "B1,5,K1,P,INS,,,60.00,2026-03-01,,2026-03-21,,,,",
    ]
    export = load(tmp_path, charges, table="claim_lines")
    assert export.rows.select("claim_id", "line_number", "procedure", "modifiers", "charge_cents").rows() == [
        ("K1", 1, "99213", "25", 10000),
        ("K2", 1, "00100", "AA:QK", 500),
        ("K1", 2, "36415", None, 1000),
    ]
    assert export.quarantine.select("row", "rule", "column", "amount_cents").rows() == [(5, "not_listed", "Type", 1000)]
    assert (export.rows_in, export.rows_elsewhere, export.cents_in) == (4, 1, 12500)


OTHERS = """
name = "others"
[control_totals]
delivery = "full"
decimal = ","
date_formats = ["%m/%Y", "%d.%m.%Y"]
[control_totals.columns]
month = "Month"
closed_on = "Closed"
charges_cents = "Charges"
payments_cents = "Payments"
adjustments_cents = "Adjustments"
refunds_cents = "Refunds"
closing_cents = "Closing"

[fee_schedules]
delivery = "full"
[fee_schedules.columns]
payer = "Payer"
procedure = "CPT"
modifiers = "Mod"
effective_from = "From"
effective_to = "To"
allowed_cents = "Allowed"
[fee_schedules.defaults]
modifiers = ""
[fee_schedules.constants]
source = "2026 contract"

[work_log]
delivery = "append"
[work_log.columns]
note_id = "Note"
claim_id = "Claim"
worked_on = "Worked"
entered_on = "Worked"
worked_by = "User"
action = "Action"
outcome = "Outcome"
minutes = "Minutes"
[work_log.values.action]
"Called payer" = "follow_up"
[work_log.values.outcome]
"-" = ""
"""


def test_months_and_decimal_commas_of_control_totals(tmp_path):
    header = "Month;Closed;Charges;Payments;Adjustments;Refunds;Closing"
    rows = ["03/2026;05.04.2026;1.234,50;800,00;100,00;0;334,50", "n/a;05.05.2026;1;1;1;0;(5,00)"]
    export = load(tmp_path, rows, text=OTHERS, header=header, table="control_totals")
    assert export.rows.select("month", "charges_cents", "closing_cents").rows() == [("2026-03", 123450, 33450)]
    assert export.quarantine.select("column", "rule", "amount_cents").rows() == [("Month", "unreadable", 100)]


def test_fee_schedules_may_be_in_force_for_ever_and_without_modifiers(tmp_path):
    rows = [
        "Aetna,99213,,1900-01-01,9999-12-31,75.00",
        "Aetna,99213,25,2026-01-01,,80.00",
        "Aetna,99213,,1900-01-01,,1.00",
    ]
    export = load(tmp_path, rows, text=OTHERS, header="Payer,CPT,Mod,From,To,Allowed", table="fee_schedules")
    assert schema.check(export.rows, schema.FEE_SCHEDULES, "x").select("modifiers", "source").rows() == [
        ("", "2026 contract"),
        ("25", "2026 contract"),
    ]
    assert export.quarantine.select("rule", "column").rows() == [("duplicate_key", "Payer + CPT + Mod + From")]


def test_tables_without_money_count_rows_only(tmp_path):
    header = "Note,Claim,Worked,User,Action,Outcome,Minutes"
    rows = [
        "N1,K1,2026-03-01,ann,called PAYER,-,7.5",
        "N2,K1,2026-03-01,ann,appeal,paid,x",
        "N3,K1,2026-03-01,ann,sang,,",
    ]
    export = load(tmp_path, rows, text=OTHERS, header=header, table="work_log")
    assert export.rows.select("action", "outcome", "minutes").rows() == [("follow_up", None, 7.5)]
    assert export.quarantine.select("row", "rule").rows() == [(3, "unreadable"), (4, "not_listed")]
    assert (export.rows_in, export.cents_in, export.cents_unreadable) == (3, 0, 0)


def test_a_column_named_twice_by_synonyms_is_refused(tmp_path):
    text = OTHERS.replace('payer = "Payer"', 'payer = ["Payer", "Plan"]', 1)
    with pytest.raises(SourceError, match="finds payer in two columns; its headers are 'Payer' or 'Plan'"):
        load(tmp_path, [], text=text, header="Payer,CPT,Mod,From,To,Allowed,Plan", table="fee_schedules")
