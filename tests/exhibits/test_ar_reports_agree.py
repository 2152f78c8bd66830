"""What the three reports on one client's month say of the same thing is the same: page one, tables, workbook, and each
other."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import openpyxl
import polars as pl
import pytest

from rcm_analysis.blocks.vocabulary import Column, Meta, Table
from rcm_analysis.exhibits.formats import as_text
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.exhibits.register.months import register
from rcm_analysis.measures.receivable import ar
from rcm_analysis.models.worklist.ranking import to_do
from rcm_analysis.press.writers.workbook import Section, section_of, write_workbook
from rcm_analysis.tables.schema import WORK_LOG

MONTH_END = dt.date(2026, 10, 31)


class Report:
    """A review's blocks, by page and by the name of the table."""

    def __init__(self, review, pages: tuple[str, ...]) -> None:
        self.review = review
        self.blocks = [block for page in pages for block in getattr(review, page)()]
        self.tables = {
            block.payload["name"]: block.payload for block in self.blocks if block.payload["kind"] == "table"
        }

    def column(self, table: str, name: str, *, total: bool = False) -> list:
        payload = self.tables[table]
        place = [column["name"] for column in payload["columns"]].index(name)
        return [row[place] for number, row in enumerate(payload["rows"]) if (number in payload["emphasis"]) == total]

    def total(self, table: str, name: str) -> int:
        (cents,) = self.column(table, name, total=True)
        return cents

    def card(self, title: str) -> dict:
        return next(
            item
            for block in self.blocks
            if block.payload["kind"] == "cards"
            for item in block.payload["items"]
            if item["title"] == title
        )

    def finding(self, words: str) -> dict:
        return next(
            item
            for block in self.blocks
            if block.payload["kind"] == "findings"
            for item in block.payload["items"]
            if words in item["title"]
        )


def dollars(text: str) -> list[int]:
    return [int(found.replace(",", "")) for found in re.findall(r"\$([\d,]+)", text)]


def whole(cents: int) -> int:
    """The dollars that a page shows for so many cents."""
    return dollars(as_text(cents, "usd"))[0]


@pytest.fixture(scope="module")
def deep(acorn) -> Report:
    return Report(
        pages_of("ar_deep_dive", acorn),
        (
            "answers",
            "all_findings",
            "limits",
            "waits",
            "aging",
            "movement",
            "worth",
            "key_accounts",
            "trail",
            "worklist",
        ),
    )


@pytest.fixture(scope="module")
def weekly(acorn) -> Report:
    return Report(pages_of("ar_weekly_review", acorn), ("answers", "moved", "blockers", "decisions", "working_file"))


@pytest.fixture(scope="module")
def monthly(acorn) -> Report:
    return Report(pages_of("client_review", acorn), ("aging", "follow_up"))


def test_what_is_owed_is_one_number(acorn, deep, weekly, monthly):
    owed = int(ar.open_balances(acorn.tables, as_of=MONTH_END)["ar_cents"].sum())
    insurance, patients = monthly.total("aging", "insurance_cents"), monthly.total("aging", "patient_cents")
    assert (
        owed
        == insurance + patients
        == deep.total("collectable_value", "open_cents")
        == deep.total("days_since_touch", "open_cents")
    )
    assert insurance == deep.total("aging_by_payer", "ar_cents") == sum(deep.column("aging_by_payer", "ar_cents"))
    assert (
        weekly.column("what_moved", "now", total=True)[1]
        == owed
        == sum(weekly.column("moved_by_payer", "closing_cents"))
    )
    assert (
        dollars(deep.card("What is owed, and what is it worth?")["answer"])[0]
        == dollars(weekly.card("What moved?")["answer"])[0]
        == whole(owed)
    )


def test_what_moved_adds_up_in_words_and_in_the_matrix(deep):
    text = next(
        block.payload["text"]
        for block in deep.blocks
        if block.payload["kind"] == "note" and "was owed at the start" in block.payload["text"]
    )
    opened, *gone, new, closed = dollars(text.split(" What was charged")[0])
    assert abs(opened - sum(gone) + new - closed) <= len(gone) + 1, "to the rounding of each part"
    from_opening = sum(
        cents
        for name, cents in zip(
            deep.column("roll_matrix", "from_bucket"), deep.column("roll_matrix", "total_cents"), strict=True
        )
        if "in the month" not in name
    )
    assert (
        whole(from_opening) == opened
        and whole(sum(deep.total("roll_matrix", bucket) for bucket in ar.BUCKETS)) == closed
    )


def test_time_limits_on_page_one_in_the_table_and_claim_by_claim(deep):
    rows = list(
        zip(
            *(
                deep.column("time_limits", name)
                for name in ("kind", "is_alert", "is_recoverable", "is_missed", "open_cents")
            ),
            strict=True,
        )
    )
    near = [row for row in rows if row[1] and row[2]]
    assert dollars(deep.card("What can still be lost to a time limit?")["answer"]) == [
        whole(sum(row[4] for row in near))
    ]
    assert deep.total("time_limits_summary", "near") == len(near) and deep.total(
        "time_limits_summary", "near_cents"
    ) == sum(row[4] for row in near)
    assert deep.total("time_limits_summary", "missed_cents") == sum(row[4] for row in rows if row[3])
    appeals = [row[4] for row in near if row[0] == "To appeal a denial"]
    assert 0 < deep.finding("Appeal")["amount_cents"] <= sum(appeals)


def test_what_waits_for_the_practice_is_the_same_in_all_three(deep, weekly, monthly):
    cents = sum(deep.column("open_questions", "open_cents"))
    assert (
        cents
        == deep.total("questions", "cents")
        == sum(weekly.column("documents", "open_cents"))
        == monthly.total("waiting_on_client", "open_cents")
    )
    bridge = dollars(monthly.tables["waiting_on_client"]["notes"][0])
    ask = deep.finding("wait for")["amount_cents"]
    assert whole(ask) in bridge and sum(bridge) == whole(cents), "each claim is in one action, and they add up"
    assert whole(ask) in dollars(deep.card("What do we need from you?")["detail"])
    asked = sorted(deep.column("open_questions", "claim_id"))
    assert asked == sorted(weekly.column("documents", "claim_id")) and monthly.total(
        "waiting_on_client", "claims"
    ) == len(set(asked))
    held = [
        (claims, cents)
        for who, claims, cents in zip(
            *(weekly.column("blockers", name) for name in ("who", "claims", "open_cents")), strict=True
        )
        if who == "practice"
    ]
    assert (sum(claims for claims, _ in held), sum(each for _, each in held)) == (len(set(asked)), cents)


def test_what_is_stuck_adds_up_claim_by_claim(weekly):
    assert sum(weekly.column("blockers", "open_cents")) == sum(weekly.column("stuck", "open_cents"))
    assert sum(weekly.column("blockers", "claims")) == len(weekly.column("stuck", "claim_id"))
    each = dict(zip(weekly.column("stuck", "claim_id"), weekly.column("stuck", "open_cents"), strict=True))
    assert dollars(weekly.card("What is stuck?")["answer"]) == [whole(sum(each.values()))]


def test_decisions_and_their_lists(weekly):
    shown = weekly.card("What is to be decided?")
    assert whole(sum(weekly.column("limits", "open_cents"))) in dollars(shown["detail"])
    given_up = dict(
        zip(*(weekly.column("write_offs_to_approve", name) for name in ("claim_id", "open_cents")), strict=True)
    )
    row = next(row for row in weekly.tables["decisions"]["rows"] if row[0].startswith("Approve or refuse"))
    (action,) = [one for one in register(weekly.review.about.subject) if one.kind == "write_offs"]
    assert row[2] == action.amount_cents == sum(given_up[claim] for claim in action.claims)
    assert f"{len(action.claims)} write-off" in row[0]


def test_one_worklist_in_both_workbooks(deep, weekly):
    columns = ("claim_id", "party", "check", "action_words", "assigned_to", "recoverable_cents", "open_cents")
    both = [list(zip(*(report.column("worklist", name) for name in columns), strict=True)) for report in (deep, weekly)]
    assert both[0] == both[1] and len(both[0]) == len(to_do(weekly.review.about.items)) > 0
    adds = whole(int(to_do(weekly.review.about.items)["recoverable_cents"].sum()))
    assert dollars(deep.card("What is owed, and what is it worth?")["detail"])[-1] == adds
    assert [row for row in deep.tables["worklist"]["columns"] if row.get("editable")] == [
        row for row in weekly.tables["worklist"]["columns"] if row.get("editable")
    ]


def test_every_finding_leads_to_its_claims_in_the_workbook(deep, tmp_path):
    printed = next(block.payload["items"] for block in deep.blocks if block.payload["kind"] == "findings")
    assert deep.column("findings", "title")[: len(printed)] == [item["title"] for item in printed]
    assert deep.column("findings", "amount_cents")[: len(printed)] == [item["amount_cents"] for item in printed]
    taken = Section("Before", (Table("escalations", "t", (Column("a", "A"),), (("x",),)),))
    review = Report(deep.review, ("all_findings", "limits", "waits", "denials", "underpayments", "key_accounts"))
    path = tmp_path / "packet.xlsx"
    write_workbook([taken, section_of(review.blocks, "Deep dive")], path, meta=Meta(title="Packet"))
    book = openpyxl.load_workbook(path)
    rows = [row for row in book["Findings"].iter_rows(min_row=5) if row[10].value != "unapplied"]
    leads = {row[6].value: row[6].hyperlink.location for row in rows}
    assert len(leads) > 1 and all(
        location == f"'{name}'!A1" and name in book.sheetnames for name, location in leads.items()
    )
    assert "Escalations 2" in leads, "the sheet as this workbook calls it"


def test_a_next_step_that_was_noted_stands_on_the_list_until_its_day_and_is_stuck_after_it(acorn):
    claim = Report(pages_of("ar_weekly_review", acorn), ("working_file",)).column("worklist", "claim_id")[0]
    log = acorn.tables["work_log"].collect()

    def stuck(next_on: dt.date, *, later_note: bool = False) -> tuple[list, list]:
        notes = [{"next_action": "appeal", "next_on": next_on, "worked_on": dt.date(2026, 10, 1)}]
        notes += [{"next_action": None, "next_on": None, "worked_on": dt.date(2026, 10, 20)}] if later_note else []
        fixed = {"client": log["client"][0], "claim_id": claim, "worked_by": "kim", "action": "follow_up"}
        rows = [
            dict.fromkeys(WORK_LOG.names) | fixed | note | {"note_id": f"x{number}", "entered_on": note["worked_on"]}
            for number, note in enumerate(notes)
        ]
        with_notes = pl.concat([log, pl.DataFrame(rows, schema=log.schema)])
        review = pages_of(
            "ar_weekly_review", replace(acorn, tables={**acorn.tables, "work_log": with_notes.lazy()}, _frames={})
        )
        found = Report(review, ("blockers",))
        late = [
            name
            for name, what in zip(found.column("stuck", "claim_id"), found.column("stuck", "what"), strict=True)
            if "next step" in what
        ]
        due = review.about.items.loc[review.about.items["reason"].str.startswith("Due since "), "claim_id"].tolist()
        assert due == ([] if later_note else [claim]), "the list says so too, from the day itself on"
        return found.column("next_steps", "claim_id") if "next_steps" in found.tables else [], late

    assert stuck(dt.date(2026, 10, 30)) == ([claim], [claim])
    assert stuck(MONTH_END) == ([claim], []), "its day is not past"
    assert stuck(dt.date(2026, 10, 5), later_note=True) == ([], []), "a later note took it up"
