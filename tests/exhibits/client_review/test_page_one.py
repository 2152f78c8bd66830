"""Page one of a client review: figures that add up, sentences at their edges, work counted as work."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcm_analysis.blocks.vocabulary import Cards, Headline, Split, Table
from rcm_analysis.exhibits.client_review import answers, asks, behind, beside_past, effort, fell_due, moved
from rcm_analysis.exhibits.formats import whole_dollars
from rcm_analysis.exhibits.register.action import CHARGES, CONTRACT, Action
from rcm_analysis.periods import Period

CENTS = st.integers(-5_000_000, 5_000_000)
COLUMNS = [column for column, _, _ in fell_due.PIECES]


def whole(text: str) -> int:
    """Printed dollars as a number."""
    return int(text.replace("$", "").replace(",", ""))


@pytest.fixture(scope="module")
def page_one(acorn):
    return answers.answers(acorn)


@given(st.lists(st.integers(-(10**9), 10**9), max_size=9))
def test_whole_dollars_add_up_and_each_is_within_a_dollar(cents):
    dollars = whole_dollars(cents)
    assert abs(sum(dollars) - sum(cents)) <= 50
    assert all(dollar % 100 == 0 and abs(dollar - cent) < 100 for dollar, cent in zip(dollars, cents, strict=True))


@given(st.lists(st.tuples(*[CENTS] * len(COLUMNS)), min_size=1, max_size=5))
def test_the_pieces_add_up_whatever_their_signs(rows):
    due = pd.DataFrame(rows, columns=COLUMNS)
    found = fell_due.pieces(due)
    assert sum(found[column] for column in COLUMNS) == due.sum().sum()
    assert all(found[column] >= 0 for column in COLUMNS if column != "collected_cents")
    assert found["over_cents"] >= 0


def test_what_fell_due_is_split_to_the_cent_and_to_the_printed_dollar(acorn, page_one):
    due = fell_due.fell_due(acorn)
    assert (due[COLUMNS].sum(axis=1) == due["cash_due_cents"]).all()
    for block in page_one:
        if isinstance(block, Split):
            total = whole(block.title.split()[1])
            assert sum(whole(piece.value) for piece in block.pieces) == total
            assert sum(piece.share for piece in block.pieces) == pytest.approx(1)


def test_each_claim_that_fell_due_adds_up_as_the_bar_does(acorn):
    table = behind.claims_that_fell_due(acorn, [(column, words) for column, words, _ in fell_due.PIECES])
    names = [column.name for column in table.columns]
    parts = [names.index(column) for column in COLUMNS if column in names]
    assert table.rows and all(
        row[names.index("cash_due_cents")] == sum(row[part] for part in parts) for row in table.rows
    )


def test_a_piece_that_is_negative_in_sum_is_taken_off_what_came_in_claim_by_claim(acorn, monkeypatch):
    """As in the bar: $60 due, $70 came, so $10 beyond what was reckoned stands in no piece."""
    columns = {"claim_id": ["1", "2"], "payer": ["acme", "acme"], "state": ["otherwise", "late"]}
    cents = {name: [0, 0] for name in ("waiting_cents", "refused_cents", "short_cents", "patient_cents")}
    given = pd.DataFrame(columns | cents | {
        "cash_due_cents": [6000, 500], "collected_cents": [7000, 0], "late_cents": [0, 500],
        "otherwise_cents": [-1000, 0],
    }).assign(waiting_cents=[0, 500])  # fmt: skip
    monkeypatch.setattr(behind, "claims_due", lambda tables, period: given.copy())
    table = behind.claims_that_fell_due(acorn, [(column, words) for column, words, _ in fell_due.PIECES])
    names = [column.name for column in table.columns]
    assert "otherwise_cents" not in names
    assert [row[names.index("collected_cents")] for row in table.rows] == [6000, 0]
    due = given.assign(ordinary_cents=0, refused_or_short_cents=0)
    assert fell_due.pieces(due)["collected_cents"] == 6000


def test_a_claim_that_moved_stands_in_one_part_and_what_was_denied_before_counts_against_it(acorn, monkeypatch):
    rows = [
        ("1", dt.date(2026, 8, 1), "Site 03", "documentation", 500),
        ("1", dt.date(2026, 7, 31), "Site 03", "documentation", 200),
        ("2", dt.date(2026, 10, 31), "Site 03", "coding", 300),
        ("3", dt.date(2026, 5, 1), "Site 01", "documentation", 100),
    ]
    tops = pl.DataFrame(rows, schema=["claim_id", "day", "location", "reason", "cents"], orient="row")
    asked = []
    monkeypatch.setattr(behind, "denied_rows", lambda tables, *, period: asked.append(period) or tops.to_pandas())
    period = Period.month("2026-10").trailing(3)
    driver = SimpleNamespace(where={"location": "Site 03", "reason": "documentation"})
    account = SimpleNamespace(drivers=(driver,))
    found = SimpleNamespace(figure="denied_charges", period=period, against=period.shift(-3), account=account)
    table = behind.claims_that_moved(acorn, found)
    assert asked == [Period(dt.date(2026, 5, 1), dt.date(2026, 11, 1))]
    names = [column.name for column in table.columns]
    wanted = [names.index(name) for name in ("claim_id", "part", "old_cents", "new_cents", "change_cents")]
    assert sorted(tuple(row[place] for place in wanted) for row in table.rows) == [
        ("1", "Documentation denials at Site 03", 200, 500, 300),
        ("2", "Everything else", 0, 300, 300),
        ("3", "Everything else", 100, 0, -100),
    ]


def test_the_page_leads_with_its_finding_and_every_part_is_there(page_one):
    kinds = [block.kind for block in page_one]
    assert kinds.index("headline") < kinds.index("cards") < kinds.index("table", kinds.index("cards"))
    headline = next(block for block in page_one if isinstance(block, Headline))
    assert headline.text.startswith("$1,005 came in during October")
    cards = next(block for block in page_one if isinstance(block, Cards)).items
    assert [card.title for card in cards] == ["What we did", "What we missed"]
    assert cards[0].answer == "2 claims worked by hand"
    asked = next(block for block in page_one if isinstance(block, Table) and block.name == "asks")
    assert asked.text and asked.text[0][1].startswith("Send what 2 claims wait for. 2 documents")
    assert asked.text[0][2:4] == ("$520", "Practice manager")
    assert asked.text[1][1].startswith("Approve or refuse 20 write-offs. All are past a time limit")


def months(cents: list[int]) -> pd.DataFrame:
    first = Period.month("2026-10").shift(1 - len(cents))
    starts = [pd.Timestamp(first.shift(place).first_day) for place in range(len(cents))]
    return pd.DataFrame({"month": starts, "cash_cents": [cent * 100 for cent in cents]})


@pytest.mark.parametrize(
    ("cents", "said"),
    [
        ([500], "$500 came in during October."),
        ([900, 500], "$500 came in during October."),
        ([100, 900, 200, 300, 400, 700], "$700 came in during October, the most since June."),
        ([100, 200, 300, 400, 700], "$700 came in during October, the most in 5 months."),
        ([800, 100, 900, 800, 700, 600, 200], "$200 came in during October, the least since May."),
        ([100, 300, 100, 300, 100, 300, 200], "$200 came in during October, about as much as in a usual month ($200)."),
        ([100, 100, 100, 100, 900, 100, 500], "$500 came in during October, $400 more than in a usual month."),
        ([900, 900, 900, 900, 900, 100, 500], "$500 came in during October, $400 less than in a usual month."),
        ([0, 0, 0, 0, 0], "$0 came in during October, about as much as in a usual month ($0)."),
    ],
)
def test_cash_beside_its_own_past(acorn, monkeypatch, cents, said):
    monkeypatch.setattr(moved, "cash_by_month", lambda subject: months(cents))
    assert moved.cash_sentence(acorn) == said


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"refused_cents": 500_00}, "Of what fell due, $500 was refused or paid short."),
        ({"refused_cents": 9, "late_cents": 200_00}, "Of what fell due, $200 waits longer for an answer than usual."),
        ({}, "Nothing else stands out."),
    ],
)  # fmt: skip
def test_without_a_driver_the_largest_piece_is_the_finding(acorn, found, said):
    due = pd.DataFrame([dict.fromkeys(COLUMNS, 0) | {"refused_or_short_cents": found.get("refused_cents", 0)} | found])
    assert moved.finding_sentence(acorn, None, due, []) == said


def test_a_mailed_statement_is_no_claim_worked(acorn):
    log = acorn.tables["work_log"].collect()
    mailed = log.with_columns(action=pl.lit("statement"))
    card = effort.did(with_tables(acorn, work_log=mailed.lazy()))
    assert card[1] == "no claims worked by hand"
    assert "got only a patient statement" in card[2]
    assert "worked by hand in" not in card[2]


def test_an_empty_work_log_is_said(acorn):
    card = effort.did(with_tables(acorn, work_log=acorn.tables["work_log"].filter(False)))
    assert card[1:] == ("cannot be told", "What was worked cannot be told: no work log is on file.")
    early = acorn.tables["work_log"].filter(pl.col("worked_on") < pl.date(2026, 10, 1))
    card = effort.did(with_tables(acorn, work_log=early))
    assert card[2].startswith("The work log holds no entry for October 2026.")


def test_at_most_three_asks_the_proven_first(acorn, monkeypatch):
    day = dt.date(2026, 11, 14)
    many = [
        Action(f"{name}", "why", "manager", day, basis=basis, amount_cents=cents, is_asked=name != "e")
        for name, cents, basis in (
            ("a", 1, CHARGES),
            ("b", 900, CHARGES),
            ("c", 5, CONTRACT),
            ("d", 20, CHARGES),
            ("e", 9999, CHARGES),
        )
    ]
    monkeypatch.setattr(asks, "register", lambda subject, service: many)
    (table,) = asks.asks_table(acorn)
    assert isinstance(table, Table) and [row[1] for row in table.rows] == ["c. why.", "b. why.", "d. why."]
    assert table.definition.endswith(
        "Dollars of 1: what the contracts would have allowed, over the usual; 2 and 3: open balances, as billed."
    )


def test_no_ask_is_a_sentence(acorn, monkeypatch):
    monkeypatch.setattr(asks, "register", lambda subject, service: [])
    (said,) = asks.asks_table(acorn)
    assert said.payload["text"].startswith("We need nothing from you")


@pytest.mark.parametrize(
    ("now", "usual", "band", "unit", "good", "said"),
    [
        (50.0, 45.0, [44.0, 46.0], "days", "down", "! 5.0 days more"),
        (40.0, 45.0, [44.0, 46.0], "days", "down", "✓ 5.0 days less"),
        (44.0, 45.0, [44.0, 46.0], "days", "down", "as usual"),
        (0.12, 0.09, [0.08, 0.10], "rate", "down", "! 3.0 points more"),
        (200_00, 100_00, [90_00, 110_00], "usd", "up", "✓ $100 more"),
        (100_40, 100_20, [90_00, 100_30], "usd", "up", "as usual"),
        (1.0, None, [], "days", "down", ""),
    ],
)
def test_the_verdict_beside_the_past(now, usual, band, unit, good, said):
    number = beside_past.Number("x", unit, good, lambda subject, months: {}, 0, "{} more", "{} less")
    assert beside_past._verdict(number, now, usual, band) == said


def with_tables(subject, **tables):
    from dataclasses import replace

    return replace(subject, tables={**subject.tables, **tables}, _frames={})


def test_without_the_payers_limits_no_limit_is_said_to_have_held(acorn):
    unruled = with_tables(acorn, payer_rules=acorn.tables["payer_rules"].filter(False))
    card = effort.missed(unruled)
    assert "no limit ran out" not in card[1] and "No time limit ran out" not in card[2]
