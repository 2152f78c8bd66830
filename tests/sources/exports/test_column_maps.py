"""A column map is checked when it is read: every fault at once, with the closest known word."""

from __future__ import annotations

from dataclasses import fields

import pytest

from rcm_analysis.errors import SourceError
from rcm_analysis.sources.exports import column_maps
from rcm_analysis.tables.schema import TABLES

GOOD = """
name = "layout_a"

[transactions]
delivery = "month"
date_formats = ["%m/%d/%Y"]

[transactions.columns]
transaction_id = ["Txn ID", "Transaction #"]
claim_id = "Claim"
kind = ["Type"]
party = ["Responsible"]
amount_cents = ["Amount"]
happened_on = ["DOS"]
posted_on = ["Post Date"]

[transactions.values.kind]
CHG = "charge"

[transactions.sign]
by = "kind"
"""


def faults(text: str) -> str:
    with pytest.raises(SourceError) as caught:
        column_maps.parse_map(text, "layout_a.toml")
    return str(caught.value)


def test_a_good_map_is_read():
    (section,) = column_maps.parse_map(GOOD, "layout_a.toml").sections
    assert section.table is TABLES["transactions"]
    assert section.columns["transaction_id"].parts == (("Txn ID", "Transaction #"),)
    assert section.columns["claim_id"].parts == (("Claim",),)
    assert section.values["kind"] == {"chg": "charge"}
    assert section.encodings == ("utf-8", "cp1252")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        pytest.param(
            "[transactions",
            "[transactoins",
            ["'transactoins' is no table of the store", "Closest: transactions"],
            id="unknown table",
        ),
        pytest.param(
            "amount_cents = ",
            "amount_cent = ",
            ["no column 'amount_cent'", "Closest: amount_cents"],
            id="unknown column",
        ),
        pytest.param(
            "date_formats", "date_format", ["no key 'date_format'", "Closest: date_formats"], id="unknown key"
        ),
        pytest.param(
            'posted_on = ["Post Date"]',
            "",
            ["posted_on (day of posting (known)) is required and has no source"],
            id="a required column without a source",
        ),
        pytest.param(
            'CHG = "charge"',
            'CHG = "chrage"',
            ["'chrage' is not one of", "Closest: charge"],
            id="a value the table does not know",
        ),
        pytest.param(
            '"month"',
            '"weekly"',
            ["delivery should be one of 'month', 'full', 'append'; found 'weekly'"],
            id="unknown delivery",
        ),
        pytest.param('delivery = "month"', "", ["delivery should be one of", "found nothing"], id="no delivery"),
        pytest.param(
            "%m/%d/%Y",
            "MM/DD/YYYY",
            ["'MM/DD/YYYY' is not a date format such as '%m/%d/%Y'"],
            id="a date format of another language",
        ),
        pytest.param(
            '["%m/%d/%Y"]',
            '["%m/%d/%Y", "%d/%m/%Y"]',
            ["read the same text as two different days"],
            id="ambiguous date formats",
        ),
        pytest.param('by = "kind"', 'by = "type"', ["sign.by should be one of"], id="unknown sign"),
        pytest.param(
            '[transactions.sign]\nby = "kind"',
            "",
            ['needs [transactions.sign] with by = "kind", "file" or "negate"'],
            id="no sign",
        ),
        pytest.param('["Type"]', "[]", ["columns.kind should be a header"], id="no header"),
        pytest.param('["Type"]', "[3]", ["columns.kind should be a header"], id="a number for a header"),
        pytest.param('name = "layout_a"', "", ["it needs a name"], id="no name"),
        pytest.param(
            'name = "layout_a"',
            'name = "layout_a"\ndelivery = "full"',
            ["[delivery] should be a section"],
            id="a key outside any section",
        ),
        pytest.param(
            'delivery = "month"',
            'delivery = "month"\nencodings = ["utf-9"]',
            ["encodings: 'utf-9' is unknown"],
            id="unknown encoding",
        ),
        pytest.param(
            'delivery = "month"',
            'delivery = "month"\nearliest = "1980"',
            ["earliest should be a date"],
            id="earliest as text",
        ),
        pytest.param(
            'delivery = "month"',
            'delivery = "month"\nfill = ["amount_cents"]',
            ["intake cannot complete amount_cents"],
            id="fill of something else",
        ),
        pytest.param(
            'delivery = "month"',
            'delivery = "month"\noptional = ["cliam_id"]',
            ["no column 'cliam_id'", "Closest: claim_id"],
            id="unknown optional column",
        ),
        pytest.param(
            "[transactions.sign]",
            '[transactions.carry]\nparty = "claim"\n[transactions.sign]',
            ["need a column of the file to work within"],
            id="carry within nothing",
        ),
        pytest.param(
            "[transactions.sign]",
            '[transactions.take]\nheader = "Type"\n[transactions.sign]',
            ["take needs header, rows and leave"],
            id="take without rows",
        ),
        pytest.param(
            "[transactions.sign]",
            '[[transactions.amount_by]]\nwhen = ["CHG"]\namount = ["A"]\nsign = "x"\n[transactions.sign]',
            ["amount_by: each needs when"],
            id="amount_by with an odd sign",
        ),
        pytest.param(
            "[transactions.sign]",
            '[[transactions.amount_by]]\nwhen = ["CHG"]\namount = ["A"]\n[transactions.sign]',
            ["amount_cents is given twice"],
            id="the amount from two places",
        ),
        pytest.param(
            'claim_id = "Claim"',
            'claim_id = { join = ["A", "B"] }',
            ["columns.claim_id should be {join"],
            id="join without with",
        ),
        pytest.param(
            'claim_id = "Claim"',
            'client = "Clinic"',
            ["no column 'client' that a file can give"],
            id="the client never comes from the file",
        ),
        pytest.param("[transactions.columns]", "[transactions.columns", ["is not TOML"], id="not TOML"),
    ],
)
def test_a_faulty_map_says_what_is_wrong(before, after, words):
    message = faults(GOOD.replace(before, after))
    assert "layout_a.toml" in message
    for word in words:
        assert word in message


def test_all_faults_come_at_once():
    message = faults(
        GOOD.replace("amount_cents = ", "amount_cent = ").replace('"month"', '"weekly"').replace("%m", "%q")
    )
    assert message.count("[transactions]") == 3


def test_a_map_without_sections_is_refused():
    assert "it has no section" in faults('name = "x"')


def test_sign_belongs_to_transactions_only():
    text = (
        'name = "x"\n[payer_rules]\ndelivery = "full"\nsign.by = "file"\n[payer_rules.columns]\npayer = '
        '"P"\neffective_from = "F"\nfiling_limit_days = "L"\nappeal_limit_days = "A"'
    )
    assert "sign belongs to transactions only" in faults(text)


def test_two_sections_may_fill_one_table():
    second = (
        GOOD.split("\n", 3)[3]
        .replace("[transactions", "[payments")
        .replace("[payments]", '[payments]\ntable = "transactions"')
    )
    sections = column_maps.parse_map(GOOD + second, "x.toml").sections
    assert [(section.name, section.table.name) for section in sections] == [
        ("transactions", "transactions"),
        ("payments", "transactions"),
    ]


def test_a_missing_map_file_is_one_message(tmp_path):
    with pytest.raises(SourceError, match="cannot be read: FileNotFoundError"):
        column_maps.read_map(tmp_path / "nothing.toml")


def test_every_key_is_documented_in_the_table_of_the_module():
    documented = {
        line.split("`")[1].split(".")[0] for line in column_maps.__doc__.splitlines() if line.startswith("| `")
    }
    assert documented == {item.name for item in fields(column_maps.Section)} - {"map_name", "name"}
