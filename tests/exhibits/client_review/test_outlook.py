"""What is to come: the outlook's pages on one invented client, its test in words, and clients with too little to go
by."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pandas as pd
import polars as pl
import pytest

from builders.page_checks import assert_prints
from rcm_analysis.exhibits import figures
from rcm_analysis.exhibits.client_review import outlook as review_outlook
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.ledger import balances as ledger
from rcm_analysis.models.cash.next_months import Backtest, outlook


@pytest.fixture(scope="module")
def page(acorn):
    return pages_of("client_review", acorn).whats_to_come()


def tables_of(blocks):
    return {block.payload["name"]: block.payload for block in blocks if block.payload["kind"] == "table"}


def notes_of(blocks):
    return [block.payload["text"] for block in blocks if block.payload["kind"] == "note"]


def cut(subject, rows):
    """The subject with only these postings."""
    kept = subject.tables["transactions"].collect().filter(rows)
    return dataclasses.replace(subject, tables={**subject.tables, "transactions": kept.lazy()}, _frames={})


def backtested(ratios, *, inside=(8, 10), level=0.8):
    """A back-test whose summary holds these ratios to the better simple way by span."""
    held, cases = inside
    rows = pd.DataFrame({"ahead": [1] * cases + [3] * cases, "inside": ([True] * held + [False] * (cases - held)) * 2})
    summary = pd.DataFrame({"ahead": list(ratios), "of_better": list(ratios.values()), "cases": cases})
    return Backtest(level, rows, summary, pd.DataFrame(), 0)


def test_the_page_is_json_and_the_press_can_print_it(page):
    assert [block.payload["kind"] for block in page] == ["figure", "table", "table", "note", "table", "table"]
    assert_prints(page)


def test_the_description_says_the_finding_in_words_and_no_field_name(page):
    assert page[0].payload["finding"] in page[0].payload["alt"] and "{" not in page[0].payload["alt"]


def test_the_chart_has_its_picture_description_and_finding(page):
    payload = page[0].payload
    assert page[0].svg and "with a band" in payload["alt"]
    assert payload["finding"].startswith("$1,028 is expected in November 2026, and ")
    assert "The last three months brought " in payload["finding"] and payload["finding"].endswith("on average.")


def test_parts_make_the_sum_and_payers_make_the_months(page, acorn):
    tables = tables_of(page)
    months = tables["outlook_months"]["rows"]
    for _, existing, billing, other, expected, low, high in months:
        assert existing + billing + other == expected and low < expected < high
    for place in range(1, 5):
        assert sum(row[place] for row in months[:3]) == months[3][place]
    payers = tables["outlook_payers"]
    assert not payers["print"] and {row[0] for row in payers["rows"]} == {
        "Acme Health",
        "Lakeshore <Mutual>",
        "Patients",
    }
    for month, row in zip(("2026-11", "2026-12", "2027-01"), months, strict=False):
        assert sum(line[5] for line in payers["rows"] if line[1] == month) == row[4]


def test_the_band_of_the_months_together_is_narrower_than_their_sum(page):
    rows = tables_of(page)["outlook_months"]["rows"]
    assert rows[3][6] - rows[3][5] < sum(row[6] - row[5] for row in rows[:3])


def test_posted_cash_ties_to_the_ledger_and_to_what_the_back_test_calls_cash(acorn, page):
    posted = review_outlook.posted_cash(acorn).set_index("month")["posted_cents"]
    moved = ledger.roll_forward(acorn.tables, period=acorn.period.trailing(12)).set_index("month")
    net = moved["payments_cents"] - moved["refunds_cents"] - moved["takebacks_cents"]
    assert posted.tolist() == net.tolist()
    rows = tables_of(page)["outlook_test_rows"]["rows"]
    by_month = {f"{month:%Y-%m}": cents for month, cents in posted.items()}
    assert rows and all(row[3] == by_month[row[1]] for row in rows)


def test_the_test_stands_beside_two_simple_ways(page):
    table = tables_of(page)["outlook_test"]
    assert [column["title"] for column in table["columns"][1:4]] == list(review_outlook.HEADINGS.values())
    assert [row[0] for row in table["rows"]] == ["The next month", "The third month ahead", "The three months together"]
    assert all(row[1] >= abs(row[5]) and row[4] > 0 for row in table["rows"])
    assert "The band should hold 8 of 10 outcomes; it held 10 of 11 times" in table["notes"][0]


@pytest.mark.parametrize(
    ("ratios", "says", "advises"),
    [
        pytest.param(
            {"1": 0.5, "3": 0.6, "all": 0.94},
            "was closer for the next month, the third month ahead and the three",
            "it beats them, and is the better guide",
            id="closer everywhere",
        ),
        pytest.param(
            {"1": 1.2, "3": 1.1, "all": 2.0},
            "was farther off for the next month",
            "it does not beat them",
            id="farther everywhere",
        ),
        pytest.param(
            {"1": 0.7, "3": 1.0, "all": 1.3},
            "about as close for the third month ahead; farther off for the three months together",
            "beats them only in part",
            id="mixed",
        ),
        pytest.param(
            {"1": 0.97, "3": 1.03, "all": 1.0},
            "was about as close for the next month",
            "it does not beat them",
            id="alike is not better",
        ),
        pytest.param({"1": float("nan")}, "no simple way to compare", "", id="nothing to compare with"),
    ],
)
def test_the_verdict_is_honest(ratios, says, advises):
    found = backtested(ratios)
    posted = pd.DataFrame({"posted_cents": [100, 200, 300, 400]})
    assert says in review_outlook.verdict(found)
    assert advises in review_outlook._advice(found, posted)
    assert bool(advises) == bool(review_outlook._advice(found, posted))


@pytest.mark.parametrize(
    ("held", "says"),
    [
        pytest.param(5, "too narrow", id="half of the outcomes outside"),
        pytest.param(10, "too wide", id="never outside"),
        pytest.param(8, "third month ahead.", id="as it should be"),
    ],
)
def test_a_band_that_does_not_hold_is_named(held, says):
    assert review_outlook._coverage(backtested({}, inside=(held, 10))).endswith(
        says if held == 8 else f"{says} for this client."
    )


TOO_LITTLE = {
    "five months of postings": (
        pl.col("posted_on") >= dt.date(2026, 6, 1),
        "postings begin in June 2026. It needs at least 6 months of them; there are 5 months.",
    ),
    "no charges": (pl.col("kind") != "charge", "no charges were posted in the 6 months to October 31, 2026"),
    "no payments": (pl.col("kind") != "payment", "no payments were posted in the 6 months"),
    "only unapplied money": (pl.col("claim_id").is_null(), "no charges were posted"),
    "billing stopped a year ago": (
        (pl.col("kind") != "charge") | (pl.col("posted_on") < dt.date(2025, 11, 1)),
        "no charges were posted",
    ),
    "nothing at all": (pl.lit(False), "no charges were posted"),
}


@pytest.mark.parametrize(("rows", "says"), TOO_LITTLE.values(), ids=TOO_LITTLE.keys())
def test_too_little_to_go_by_is_one_sentence(acorn, rows, says):
    blocks = review_outlook.whats_to_come(cut(acorn, rows))
    assert len(blocks) == 1 and says in notes_of(blocks)[0]


@pytest.mark.parametrize(
    ("since", "months", "judged"),
    [
        pytest.param(dt.date(2026, 5, 1), 6, False, id="half a year: an outlook, not judged on three past months"),
        pytest.param(dt.date(2026, 1, 1), 10, True, id="ten months: judged on seven past months"),
    ],
)
def test_a_young_client_gets_an_outlook_and_a_test_when_there_is_enough_past(acorn, since, months, judged):
    blocks = review_outlook.whats_to_come(cut(acorn, pl.col("posted_on") >= since))
    assert ("outlook_test" in tables_of(blocks)) == judged
    assert ("cannot be said yet" in notes_of(blocks)[-1]) != judged
    assert f"posted in {months} months to" in blocks[0].payload["alt"]


def test_a_very_large_client_is_tested_at_fewer_month_ends_and_the_report_says_how_many(acorn, monkeypatch):
    monkeypatch.setattr(review_outlook, "LARGE", 10)
    table = tables_of(review_outlook.whats_to_come(acorn))["outlook_test"]
    assert table["title"].endswith("at the last 9 month ends")


def test_the_band_is_drawn_from_the_last_posted_month_on(acorn):
    found = outlook(acorn.tables, as_of=acorn.as_of, months=3)
    axes = review_outlook.plot_outlook(review_outlook.posted_cash(acorn), found.months, figures.new_axes())
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 0].min() == 11 and band[:, 0].max() == 14
    assert axes.get_ylim()[1] > found.months["high_cents"].max()


def test_the_appendix_explains_the_outlook(acorn):
    items = pages_of("client_review", acorn).definitions()[0].payload["items"]
    assert [item["title"] for item in items][-3:] == [
        "Cash outlook",
        "Band of the cash outlook",
        "Test of the cash outlook",
    ]
    assert all(item["formula"].endswith(".") and item["unit"] for item in items[-3:])
