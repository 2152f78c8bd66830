"""The rows behind the numbers of a page: they add up or lead nowhere, and only a page that may hold them does."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest
from lxml import html as lxml_html

from rcm_analysis.blocks.vocabulary import Behind, Column, Meta, Piece, Split, Table, read_block
from rcm_analysis.press.document.document import Document, grid_of, join
from rcm_analysis.press.document.extract import extract
from rcm_analysis.press.writers import claims, html

EVIL = "</script><script>document.title='owned'</script>"
COLUMNS = (
    Column("claim_id", "Claim"),
    Column("service_on", "Service", "date"),
    Column("payer", "Payer"),
    Column("late_cents", "Late", "usd"),
    Column("short_cents", "Short", "usd"),
)
ROWS = tuple((f"00{n:03d}", f"2026-10-{n % 28 + 1:02d}", ("Acme", "Lakeshore", EVIL)[n % 3], 100 * n, n % 2 * 55)
             for n in range(30))  # fmt: skip
DUE = Table(
    name="due",
    title="Claims that fell due",
    columns=COLUMNS,
    rows=ROWS,
    text=tuple((a, b, c, f"${d / 100:.2f}", f"${e / 100:.2f}") for a, b, c, d, e in ROWS),
    definition="One row per claim.",
    print=False,
)
LATE = Behind("due", "late_cents", sum(row[3] for row in ROWS), "Late")
SHORT = Behind("due", "short_cents", 15 * 55, "Short")
ACME = Behind("due", "late_cents", sum(row[3] for row in ROWS[::3]), "Acme, late", ("payer=Acme",), 0, "cents")
BAR = Split("Of $443 due", (Piece("late", "$435", 0.98, "pale", LATE), Piece("short", "$8", 0.02, "alert", SHORT)))
PAYERS = Table(
    name="payers",
    title="By payer",
    columns=(Column("payer", "Payer"), Column("cents", "Late", "usd")),
    rows=(("Acme", ACME.cents),),
    text=(("Acme", "$135"),),
    behind=(ACME,),
)


def document(*blocks, lists=(DUE,)) -> Document:
    return Document(Meta(title="Review"), blocks or (BAR, grid_of(PAYERS)), lists=lists)


def test_blocks_with_rows_behind_them_come_back_from_their_payload():
    for block in (BAR, PAYERS, replace(BAR, behind=LATE)):
        assert read_block(block.payload) == block
    assert "behind" not in replace(BAR, pieces=()).payload and "behind" not in replace(PAYERS, behind=()).payload


def test_each_number_leads_to_its_rows_and_their_sum():
    found = claims.lists_of(document())
    assert [(link.title, link.rows, link.amount) for link in found.links.values()] == [
        ("Late", 29, "$435.00"),
        ("Short", 15, "$8.25"),
        ("Acme, late", 9, f"${ACME.cents / 100:,.2f}"),
    ]
    assert found.warnings == () and found.note == ""
    largest = found.links[LATE].largest
    assert [row[0].text for row in largest.body][:2] == ["00029", "00028"] and len(largest.body) == claims.SHOWN


def test_what_is_packed_is_every_row_as_it_was():
    packed = json.loads(claims.lists_of(document()).packed)
    (table,) = packed["tables"]
    columns = [
        [column["words"][place] for place in column["values"]] if "words" in column else column["values"]
        for column in table["columns"]
    ]
    assert list(zip(*columns, strict=True)) == list(ROWS)
    assert packed["links"][2] == {"title": "Acme, late", "table": 0, "amount": 3, "where": [[2, "Acme"]]}


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(replace(LATE, cents=LATE.cents + 1), id="a cent more than the rows"),
        pytest.param(replace(LATE, amount="nothing"), id="no such column"),
        pytest.param(replace(LATE, where=("reason=x",)), id="no such column in a condition"),
        pytest.param(replace(LATE, amount="payer"), id="a column of texts"),
    ],
)
def test_a_number_whose_rows_do_not_add_up_leads_nowhere_and_that_is_said(wrong):
    found = claims.lists_of(document(Split("x", (Piece("late", "$1", 1.0, "pale", wrong),))))
    assert found.links == {} and found.packed == ""
    assert found.warnings == ("The rows of due do not add up to 'Late': no link leads to them.",)


def test_lists_too_long_for_a_page_are_named_and_stay_out(monkeypatch):
    monkeypatch.setattr(claims, "MOST_ROWS", 29)
    found = claims.lists_of(document())
    assert found.links == {} and found.warnings == ()
    assert found.note == "Too long for this page, and in the workbook: Claims that fell due."
    assert found.note in html.render(document(), lists=found, fonts="system")


def test_without_lists_the_page_has_no_claim_no_link_and_no_script():
    page = html.render(document(), fonts="system")
    assert "00029" not in page and "<script" not in page and "<dialog" not in page
    assert not lxml_html.document_fromstring(page).xpath("//@data-behind")


def test_with_lists_one_script_is_allowed_by_its_hash_and_nothing_else_runs():
    page = html.render(document(), lists=claims.lists_of(document()), fonts="system")
    tree = lxml_html.document_fromstring(page)
    data, script = tree.xpath("//script")
    assert data.get("type") == "application/json" and dict(script.attrib) == {}
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    bytes_run = page[page.rindex("<script>") + len("<script>") : page.rindex("</script>")].encode()
    digest = base64.b64encode(hashlib.sha256(bytes_run).digest()).decode()
    assert re.findall(r"script-src ([^;]*)", policy) == [f"'sha256-{digest}'"]
    assert "unsafe" not in policy and "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert not tree.xpath("//@style|//@onclick|//form|//iframe|//link") and EVIL not in page


def test_the_script_writes_text_only_and_asks_nothing_of_the_network():
    script = html._file("claims.js")
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "eval",
        "Function(",
        "fetch",
        "XMLHttp",
        "import",
        "http:",
    ):
        assert word not in script, word
    assert "textContent" in script


def test_without_a_script_each_number_leads_to_its_largest_rows():
    tree = lxml_html.document_fromstring(html.render(document(), lists=claims.lists_of(document()), fonts="system"))
    links = tree.xpath("//a[@data-behind]")
    assert [link.text_content() for link in links] == ["$435", "$8", "$135"]
    for link in links:
        (target,) = tree.xpath(f"//*[@id='{link.get('href')[1:]}']")
        assert target.xpath("ancestor::details") and target.xpath(".//tbody/tr")
    assert [rect.get("data-behind") for rect in tree.xpath("//*[name()='rect']")] == ["0", "1"]


def test_only_tables_that_numbers_lead_to_are_lists_of_a_document_and_a_packet_keeps_them():
    def output(block):
        return {"output_type": "display_data", "data": block.bundle(), "metadata": {}}

    other = replace(DUE, name="other")
    cell = {"cell_type": "code", "metadata": {}, "source": "", "outputs": [output(one) for one in (BAR, DUE, other)]}
    read = extract({"cells": [cell], "metadata": {}})
    assert [table.name for table in read.lists] == ["due"]
    assert [table.name for table in join([read, read], Meta(), appendix=False).lists] == ["due"]
    assert len(claims.lists_of(join([read], Meta(), appendix=False)).links) == 2
