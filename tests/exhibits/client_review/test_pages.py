"""The pages of a client review on one invented client, and on clients that lack something."""

from __future__ import annotations

import datetime as dt
import json
import re

import pandas as pd
import polars as pl
import pytest

from builders.acorn import acorn_page
from builders.page_checks import assert_prints
from rcm_analysis.blocks.vocabulary import Split, Table
from rcm_analysis.exhibits.blocks import Block
from rcm_analysis.exhibits.client_review import answers, money, numbers, payers, work
from rcm_analysis.exhibits.client_review import appendix as rest
from rcm_analysis.exhibits.client_review.definitions import glossary_of
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.exhibits.register.causes import PREVENTION
from rcm_analysis.exhibits.register.habits import sweeps, sweeps_words
from rcm_analysis.exhibits.register.months import facts_of, register
from rcm_analysis.ledger import balances as ledger
from rcm_analysis.tables.reference.carc import carc_categories

PAGES = (
    "answers",
    "month_adds_up",
    "denials_and_payers",
    "ahead_and_owed",
    "terms",
    "in_the_workbook",
    "numbers",
    "reconciliation",
    "last_actions",
    "follow_up",
    "cash",
    "aging",
    "denials",
    "payers",
    "written_off",
    "definitions",
    "provenance",
)


def pages(*without: str) -> dict[str, list[Block]]:
    """The pages of the invented client with some tables empty."""
    return {name: acorn_page("client_review", name, *without) for name in PAGES}


def words_of(blocks: list[Block]) -> str:
    return " ".join(json.dumps(block.payload) for block in blocks)


def tables_of(blocks: list[Block]) -> dict[str, dict]:
    found = [block.payload if block.payload["kind"] == "table" else block.payload.get("table") for block in blocks]
    return {table["name"]: table for table in found if table}


@pytest.fixture(scope="module")
def acorn_pages():
    return pages()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_json_and_the_press_can_print_it(acorn_pages, name):
    assert_prints(acorn_pages[name])


def test_every_figure_has_its_picture_description_and_finding(acorn_pages):
    figures = [block for blocks in acorn_pages.values() for block in blocks if block.payload["kind"] == "figure"]
    assert len({block.payload["name"] for block in figures}) == 5
    for block in figures:
        assert block.svg and len(block.payload["alt"]) > 30 and block.payload["finding"].endswith(".")


def test_every_table_says_what_it_counts(acorn_pages):
    for blocks in acorn_pages.values():
        for name, table in tables_of(blocks).items():
            assert len(table["definition"]) > 20, name
            assert all(len(row) == len(table["columns"]) for row in table["rows"] + table.get("text", [])), name


LISTS = {"claims_due", "claims_open", "claims_denied", "asked_claims"}


def test_no_patient_is_named_and_no_single_claim_outside_its_lists(acorn_pages):
    everything = " ".join(words_of(blocks) for blocks in acorn_pages.values())
    assert '"p4"' not in everything
    others = [block for blocks in acorn_pages.values() for block in blocks if getattr(block, "name", "") not in LISTS]
    assert "2026-10-4" not in words_of(others) and "2026-10-4" in everything


def test_lists_are_never_printed_and_hold_no_column_of_patients(acorn_pages):
    lists = [block for blocks in acorn_pages.values() for block in blocks if getattr(block, "name", "") in LISTS]
    assert {block.name for block in lists} == LISTS and not any(block.print for block in lists)
    assert not [column.name for block in lists for column in block.columns if "patient" in column.name
                and column.name != "patient_cents"]  # fmt: skip


def whole(text: str) -> int:
    return int(re.sub(r"[^0-9]", "", text)) * (-1 if text.startswith("(") else 1)


def test_the_rows_behind_every_number_add_up_to_it_to_the_cent(acorn_pages):
    """Each printed number of the review that has rows: the rows' own sum, and the dollars printed."""
    printed = [block for page in PAGES[:6] for block in acorn_pages[page]]
    lists = {block.name: block for block in printed if getattr(block, "name", "") in LISTS}
    numbers = []
    for block in printed:
        if isinstance(block, Split):
            numbers += [(block.behind, block.title.split()[1]), *((one.behind, one.value) for one in block.pieces)]
        for one in block.behind if isinstance(block, Table) else ():
            place = [column.name for column in block.columns].index(one.column)
            numbers.append((one, block.shown[one.row][place]))
    assert {behind.table for behind, _ in numbers} == LISTS
    for behind, text in numbers:
        table = lists[behind.table]
        names = [column.name for column in table.columns]
        for condition in behind.where:
            assert condition.split("=")[0] in names
        rows = [
            dict(zip(names, row, strict=True))
            for row in table.rows
            if all(str(row[names.index(one.split("=")[0])]) == one.split("=")[1] for one in behind.where)
        ]
        assert sum(row[behind.amount] for row in rows) == behind.cents, behind
        assert abs(whole(text) * 100 - behind.cents) < 100, (behind, text)


def test_the_gap_is_split_to_the_cent(acorn):
    gap = answers.gap_of(acorn)
    assert gap["claims"] == 36
    parts = gap["insurance_cents"] + gap["patient_cents"] + gap["written_off_cents"] + gap["denied_cents"]
    assert gap["due_cents"] - gap["cash_cents"] == parts


def test_the_balance_ties_and_a_false_sum_would_be_shouted(acorn, monkeypatch):
    steps = tables_of(money.reconciliation(acorn))["reconciliation"]
    amounts = [row[1] for row in steps["rows"]]
    assert sum(amounts[:8]) == amounts[8] == amounts[9]
    assert amounts[10] == 0
    true = money.roll_forward_check
    monkeypatch.setattr(
        money, "roll_forward_check", lambda *given, **named: true(*given, **named).assign(residual_cents=125)
    )
    warnings = [block.payload["text"] for block in money.reconciliation(acorn) if block.payload["kind"] == "note"]
    assert any("does not tie" in text and "$1.25" in text for text in warnings)


def test_the_ages_add_up_to_the_ledger(acorn):
    aged = money.aging_by_part(acorn)
    owed = ledger.balances(acorn.tables, as_of=acorn.as_of).iloc[0]
    assert aged["insurance_cents"].sum() == owed["primary_cents"] + owed["secondary_cents"] + owed["tertiary_cents"]
    assert aged["patient_cents"].sum() == owed["patient_cents"]
    assert aged["insurance_share"].sum() == pytest.approx(1)


def test_credits_and_unapplied_money_stand_apart(acorn_pages, acorn):
    apart = tables_of(acorn_pages["aging"])["credits"]
    owed = int(money.aging_by_part(acorn)[["insurance_cents", "patient_cents"]].to_numpy().sum())
    assert [row[2] for row in apart["rows"]] == [owed, 0, 0, -5000, owed - 5000]
    closing = tables_of(acorn_pages["reconciliation"])["reconciliation"]["rows"]
    assert ["Open at the end of the month", owed - 5000] in closing, "the bridge ends where the month does"


def test_payers_add_up_and_small_numbers_are_marked(acorn):
    table = tables_of(payers.payers(acorn))["payers"]
    *mix, whole = [row[8] for row in table["rows"]]
    assert sum(mix) == pytest.approx(1) and whole == 1
    assert mix[0] * table["rows"][-1][1] == pytest.approx(table["rows"][0][1])
    assert sum(row[1] for row in table["rows"][:-1]) == table["rows"][-1][1]
    assert all(text[6].endswith("*") for text in table["text"][:-1])
    assert not table["text"][-1][6].endswith("*")
    assert "Lakeshore <Mutual>" in [row[0] for row in table["rows"]]


def test_every_action_of_the_workbook_has_dollars_an_owner_and_a_day(acorn_pages, acorn):
    table = tables_of(acorn_pages["in_the_workbook"])["action_register"]
    names = [column["name"] for column in table["columns"]]
    items = [dict(zip(names, row, strict=True)) for row in table["rows"]]
    assert {"appeal_limit", "unapplied", "right_first_time"} <= {item["action_id"] for item in items}
    for item in items:
        assert item["amount_cents"] > 0 and item["owner"] and dt.date.fromisoformat(item["due"]) > acorn.as_of


def test_every_stage_of_the_reason_list_has_somebody_who_can_prevent_it():
    stages = set(carc_categories()["preventable_stage"]) - {"none"}
    assert stages <= set(PREVENTION)


def test_last_months_actions_and_their_outcome(acorn):
    agreed = work.agreed_actions(acorn)
    assert agreed[["action_id", "state"]].values.tolist() == [["1", "overdue"], ["2", "done"]]
    assert words_of(rest.last_actions(acorn)).count("1 action is overdue") == 1


def test_a_tile_whose_window_reaches_before_the_data_is_empty_not_zero(acorn):
    tile = next(tile for tile in numbers.TILES if tile.name == "net_collection_rate_matured")
    found = numbers.looked_at(acorn, tile)
    assert numbers._value(found["same_month_last_year"], "rate") is None
    assert numbers._value(found["now"], "rate") == pytest.approx(301500 / 727500)


MISSING = {
    "no adjustments in its remittances": ("remit_adjustments", "actions"),
    "no work log, rules or edits": ("work_log", "payer_rules", "claim_edits"),
    "only postings and claims": (
        "claim_lines",
        "submissions",
        "claim_edits",
        "deposits",
        "remit_claims",
        "remit_lines",
        "remit_adjustments",
        "work_log",
        "payer_rules",
        "actions",
    ),
}


@pytest.mark.parametrize("tables", MISSING.values(), ids=MISSING.keys())
def test_a_client_that_lacks_something_still_gets_every_page(tables):
    for blocks in pages(*tables).values():
        assert_prints(blocks)


def test_what_is_missing_is_said_in_a_sentence():
    bare = pages(*MISSING["only postings and claims"])
    assert "What payers denied cannot be told: no remittance is on file." in words_of(bare["denials"])
    assert "cannot be told: no work log is on file." in words_of(bare["follow_up"])
    assert "No action agreed before October 2026" in words_of(bare["last_actions"])
    assert "none of the office's bills is on file and no remittance is on file." in words_of(bare["answers"])


def _changed(subject, table: str, change) -> object:
    import dataclasses

    frame = change(subject.tables[table].collect())
    return dataclasses.replace(subject, tables={**subject.tables, table: frame.lazy()}, _frames={})


def test_a_month_without_denials_says_so(acorn):
    october = pl.col("received_on") >= dt.date(2026, 10, 1)
    paid = pl.when(october & pl.col("carc").is_in(["16", "197"])).then(pl.lit("45")).otherwise(pl.col("carc"))
    clean = _changed(acorn, "remit_adjustments", lambda frame: frame.with_columns(carc=paid))
    said = pages_of("client_review", clean).denials()[0].payload["text"]
    assert said == "No denials were posted in October 2026: all 8 decided claims passed."


def test_a_client_without_patient_balances_says_so(acorn):
    insured = _changed(acorn, "transactions", lambda frame: frame.filter(pl.col("party") != "patient"))
    aging = pages_of("client_review", insured).aging()
    assert "No patient balance is open." in words_of(aging)


def test_nothing_owed_at_all_is_a_sentence_and_no_chart(acorn):
    empty = _changed(
        acorn,
        "transactions",
        lambda frame: frame.filter(pl.col("kind") == "payment").with_columns(claim_id=pl.lit(None, pl.String)),
    )
    blocks = pages_of("client_review", empty).aging()
    assert blocks[0].payload == {
        "kind": "note",
        "tone": "info",
        "text": "Nothing was owed on October 31, 2026, neither by insurance nor by patients.",
    }


def test_half_a_month_of_data_is_marked(acorn):
    half = _changed(acorn, "claims", lambda frame: frame.filter(pl.col("entered_on") < dt.date(2026, 10, 12)))
    assert "This month may be incomplete" in words_of(pages_of("client_review", half).answers())
    assert "This month may be incomplete" not in words_of(acorn_page("client_review", "answers"))


def test_an_old_balance_written_off_in_whole_dollars_is_asked_about(acorn):
    rows = [
        {
            "client": "acorn-clinic",
            "transaction_id": f"sweep-{number}",
            "claim_id": f"2025-09-{number}",
            "kind": "write_off",
            "party": "patient",
            "amount_cents": -2000,
            "happened_on": dt.date(2026, 10, 30),
            "posted_on": dt.date(2026, 10, 30),
            "posted_by": "jd",
            "reason": "administrative",
        }
        for number in range(6)
    ]
    swept = _changed(
        acorn, "transactions", lambda frame: pl.concat([frame, pl.DataFrame(rows)], how="diagonal_relaxed")
    )
    assert "question to ask, not a proof" in words_of(pages_of("client_review", swept).written_off())
    (found,) = [one for one in register(swept) if one.kind == "sweeps"]
    assert (found.title, found.amount_cents) == ("Review the batch write-offs of old balances", 6 * 2000)
    assert "since" not in found.why and "6 write-offs" in found.why and "posted on 1 day," in found.why
    (look,) = sweeps(facts_of(swept))
    assert "$40 of them stand in other actions" in look.tell(look.rows.iloc[2:]).why
    assert "other actions" not in found.why


def test_a_sweep_of_many_months_is_told_as_one_of_many_months():
    days = pd.to_datetime(["2026-03-31", "2026-06-30", "2026-10-31"])
    found = pd.DataFrame({"posted_on": days, "swept": [9, 8, 10], "swept_cents": [1_048_900, 900_000, 155_800]})
    assert sweeps_words(found, dt.date(2026, 10, 1)) == (
        "27 write-offs in whole dollars on services over 120 days old, posted on 3 days since Mar 31, 2026 "
        "($1,558 in the last month)"
    )


@pytest.mark.parametrize("name", rest.MEASURES)
def test_no_definition_shows_the_code_it_was_written_beside(name):
    item = glossary_of((name,)).payload["items"][0]
    for text in (item["formula"], item["title"]):
        assert "_cents" not in text and "`" not in text and "as_of" not in text
