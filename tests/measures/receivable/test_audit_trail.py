"""The trail of the work: notes, touches, results by person and action, and what came of the last list."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from builders import account_rows as rows
from rcm_analysis.errors import TableError
from rcm_analysis.measures.receivable import ar, audit_trail
from rcm_analysis.periods import Period

AS_OF = dt.date(2026, 3, 31)
MARCH = Period.month("2026-03")


@pytest.mark.parametrize(
    ("day", "noted"),
    [
        pytest.param("2026-03-01", 1, id="thirty days ago"),
        pytest.param("2026-02-28", 0, id="thirty-one days ago"),
        pytest.param(None, 0, id="never"),
    ],
)
def test_note_coverage(builders_ledger, day, noted):
    b = builders_ledger
    book = rows.with_work(
        b.tables(b.post("1", "charge", 90_000, "2026-01-05")), *([rows.note("1", day)] if day else [])
    )
    found = audit_trail.note_coverage(book, as_of=AS_OF).iloc[0]
    assert (found["accounts"], found["noted_accounts"], found["noted_cents"], found["note_coverage"]) == (
        1,
        noted,
        noted * 90_000,
        noted,
    )
    assert pd.isna(audit_trail.note_coverage(rows.with_work(b.tables()), as_of=AS_OF).iloc[0]["note_coverage"])


@pytest.mark.parametrize(
    ("day", "label"),
    [
        pytest.param("2026-03-31", "0-7 days", id="today"),
        pytest.param("2026-03-24", "0-7 days", id="seven days"),
        pytest.param("2026-03-23", "8-14 days", id="eight days"),
        pytest.param("2026-01-30", "31-60 days", id="sixty days"),
        pytest.param("2026-01-29", "over 60 days", id="sixty-one days"),
        pytest.param(None, "never", id="never"),
    ],
)
def test_days_since_touch(builders_ledger, day, label):
    b = builders_ledger
    book = rows.with_work(b.tables(b.post("1", "charge", 700, "2026-01-05")), *([rows.note("1", day)] if day else []))
    found = audit_trail.days_since_touch(book, as_of=AS_OF)
    assert found["since_touch"].tolist() == list(audit_trail.SINCE)
    assert found.query("claims > 0")[["since_touch", "claims", "open_cents", "touch_share"]].to_numpy().tolist() == [
        [label, 1, 700, 1.0]
    ]


PAID = [
    pytest.param(["2026-03-10"], "2026-03-10", 500, id="on the day of the work"),
    pytest.param(["2026-01-09"], "2026-03-10", 500, id="sixty days after"),
    pytest.param(["2026-01-08"], "2026-03-10", 0, id="sixty-one days after"),
    pytest.param(["2026-03-11"], "2026-03-10", 0, id="before the work"),
    pytest.param(["2026-03-01", "2026-03-05"], "2026-03-10", 500, id="two notes, one payment"),
    pytest.param(["2026-03-10"], "2026-04-01", 0, id="posted after the period"),
]


@pytest.mark.parametrize(("notes", "paid", "cents"), PAID)
def test_money_behind_the_work(builders_ledger, notes, paid, cents):
    b = builders_ledger
    book = rows.with_work(
        b.tables(b.post("1", "charge", 900, "2025-12-01"), b.post("1", "payment", -500, paid)),
        *[rows.note("1", day) for day in notes],
    )
    assert audit_trail.work_results(book, period=MARCH, by=[])["recovered_cents"].tolist() == [cents]


def test_a_payment_is_credited_to_the_last_who_worked_and_only_once(builders_ledger):
    b = builders_ledger
    book = rows.with_work(
        b.tables(b.post("1", "charge", 900, "2025-12-01"), b.post("1", "payment", -500, "2026-03-20")),
        rows.note("1", "2026-03-01", "appeal", worked_by="ann", outcome="in_process", minutes=20.0),
        rows.note("1", "2026-03-05", worked_by="bob", outcome="paid", minutes=7.5),
        rows.note("2", "2026-03-05", worked_by="bob"),
    )
    found = audit_trail.work_results(book, period=MARCH).set_index("worked_by")
    assert found.loc["ann", ["action", "notes", "minutes", "in_process", "paid", "recovered_cents"]].tolist() == [
        "appeal",
        1,
        20.0,
        1,
        0,
        0,
    ]
    assert found.loc[
        "bob", ["notes", "claims", "minutes", "paid", "recovered_cents", "recovered_per_hour_cents"]
    ].tolist() == [2, 2, 7.5, 1, 500, 4000.0]


def test_work_of_an_earlier_month_has_a_row_for_what_it_brought(builders_ledger):
    b = builders_ledger
    book = rows.with_work(
        b.tables(b.post("1", "charge", 900, "2025-12-01"), b.post("1", "payment", -500, "2026-03-20")),
        rows.note("1", "2026-02-20"),
    )
    found = audit_trail.work_results(book, period=MARCH).iloc[0]
    assert (found["worked_by"], found["notes"], found["recovered_cents"]) == ("jd", 0, 500) and pd.isna(
        found["recovered_per_hour_cents"]
    )


# -- the last list ---------------------------------------------------------------------------------


def the_list(*claims, on="2026-03-20", **other):
    return pd.DataFrame({"claim_id": list(claims), "listed_on": on, "open_cents": 900, **other})


LISTED = [
    pytest.param([], [], (False, 900, 0, 900), id="nothing happened"),
    pytest.param(
        [("1", "2026-03-23")],
        [("1", "payment", -300, "2026-03-25")],
        (True, 900, 300, 600),
        id="worked, and paid in part",
    ),
    pytest.param(
        [("1", "2026-03-20")], [], (False, 900, 0, 900), id="work on the day of the list was for the list before"
    ),
    pytest.param(
        [("1", "2026-03-23")],
        [("1", "payment", -300, "2026-03-20")],
        (True, 600, 0, 600),
        id="money of the day of the list was there already",
    ),
    pytest.param(
        [], [("1", "payment", -1000, "2026-03-25")], (False, 900, 1000, 0), id="overpaid: the excess lies in credit"
    ),
    pytest.param(
        [("1", "2026-04-01")],
        [("1", "payment", -300, "2026-04-01")],
        (False, 900, 0, 900),
        id="what came later is not known",
    ),
]


@pytest.mark.parametrize(("notes", "postings", "expected"), LISTED)
def test_what_came_of_the_list(builders_ledger, notes, postings, expected):
    b = builders_ledger
    book = rows.with_work(
        b.tables(b.post("1", "charge", 900, "2026-01-05"), *[b.post(*each) for each in postings]),
        *[rows.note(*each) for each in notes],
    )
    found = audit_trail.list_results(book, last_list=the_list("1"), as_of=AS_OF).iloc[0]
    assert tuple(found[["is_worked", "opening_cents", "collected_cents", "open_cents"]]) == expected
    assert found["listed_cents"] == 900


def test_of_several_notes_the_last_one_speaks(builders_ledger):
    b = builders_ledger
    book = rows.with_work(
        b.tables(b.post("1", "charge", 900, "2026-01-05")),
        rows.note("1", "2026-03-23", worked_by="ann", outcome="in_process"),
        rows.note("1", "2026-03-24", "appeal", worked_by="bob", outcome="paid"),
    )
    found = audit_trail.list_results(book, last_list=the_list("1"), as_of=AS_OF).iloc[0]
    assert (found["notes"], found["worked_by"], found["action"], found["outcome"]) == (2, "bob", "appeal", "paid")


def test_one_row_an_item_in_its_order_with_what_the_list_says_beside(builders_ledger):
    b = builders_ledger
    book = rows.with_work(
        b.tables(
            b.post("1", "charge", 900, "2026-01-05"),
            b.post("1", "transfer", -200, "2026-03-22"),
            b.post("1", "transfer", 200, "2026-03-22", party="patient"),
            b.post("2", "charge", 400, "2026-01-05"),
        )
    )
    given = the_list(
        "2", "1", "1", "unknown", party=["primary", "patient", "primary", "primary"], tier="A", action="appeal"
    )
    found = audit_trail.list_results(book, last_list=given, as_of=AS_OF)
    assert found["claim_id"].tolist() == ["2", "1", "1", "unknown"]
    assert found["open_cents"].tolist() == [400, 200, 700, 0] and found["transferred_cents"].tolist() == [
        0,
        -200,
        200,
        0,
    ]
    assert found["tier"].tolist() == ["A"] * 4 and found["action_listed"].tolist() == ["appeal"] * 4
    whole = audit_trail.list_results(book, last_list=the_list("1"), as_of=AS_OF).iloc[0]
    assert (whole["opening_cents"], whole["transferred_cents"], whole["open_cents"]) == (900, 0, 900)


def test_an_empty_list_and_one_that_is_none(builders_ledger):
    book = rows.with_work(builders_ledger.tables())
    found = audit_trail.list_results(book, last_list=the_list().iloc[:0], as_of=AS_OF)
    assert found.empty and "collected_cents" in found
    with pytest.raises(TableError, match="listed_on"):
        audit_trail.list_results(book, last_list=pd.DataFrame({"claim_id": ["1"]}), as_of=AS_OF)


# -- laws ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book(builders_ledger):
    return rows.random_work(builders_ledger.random_book())


def everything(book, on="2026-02-15"):
    return pd.DataFrame({"claim_id": sorted(book["claims"]["claim_id"]), "listed_on": on, "open_cents": 1})


MEASURES = [
    pytest.param(lambda t, _: audit_trail.note_coverage(t, as_of=AS_OF, floor_cents=0, by=["payer"]), id="coverage"),
    pytest.param(lambda t, _: audit_trail.days_since_touch(t, as_of=AS_OF, by=["payer"]), id="since touch"),
    pytest.param(lambda t, _: audit_trail.work_results(t, period=MARCH), id="results"),
    pytest.param(lambda t, last: audit_trail.list_results(t, last_list=last, as_of=AS_OF), id="list"),
]


@pytest.mark.parametrize("measured", MEASURES)
def test_every_engine_gives_the_same_to_the_cent(book, as_engine, engine, measured):
    ours = measured(book, everything(book))
    assert len(ours)
    assert_frame_equal(measured(as_engine(book, engine), everything(book)), ours)


@pytest.mark.parametrize("measured", MEASURES)
def test_with_every_dollar_doubled_dollars_double_and_the_rest_stays(book, measured):
    paid = book["transactions"]
    ours = measured(book, everything(book))
    cents = [name for name in ours if name.endswith("_cents") and name != "listed_cents"]
    doubled = measured({**book, "transactions": paid.assign(amount_cents=paid["amount_cents"] * 2)}, everything(book))
    assert_frame_equal(doubled, ours.assign(**{name: ours[name] * 2 for name in cents}))


def test_the_list_ties_at_both_ends(book):
    found = audit_trail.list_results(book, last_list=everything(book), as_of=AS_OF)
    lost = found["collected_cents"] + found["adjusted_cents"] + found["written_off_cents"] + found["transferred_cents"]
    assert (found["opening_cents"] + found["charged_cents"] - lost + found["credit_cents"] == found["open_cents"]).all()
    for day, column in ((dt.date(2026, 2, 15), "opening_cents"), (AS_OF, "open_cents")):
        assert found[column].sum() == ar.open_balances(book, as_of=day)["ar_cents"].sum()


def test_results_by_person_add_up_to_the_whole_and_to_a_count_by_hand(book):
    """Counted again, the plain way: payments of March on claims with a note in the sixty days before."""
    whole, split = (audit_trail.work_results(book, period=MARCH, by=by) for by in ([], ["worked_by", "action"]))
    for name in ("notes", "recovered_cents", "minutes", "paid"):
        assert split[name].sum() == whole[name].sum(), name
    paid = book["transactions"].query("kind == 'payment' and claim_id == claim_id")
    paid = paid[paid["posted_on"].between("2026-03-01", "2026-03-31")]
    log = book["work_log"]
    worked = [
        (
            (log["claim_id"] == row.claim_id)
            & (log["worked_on"] <= row.posted_on)
            & (log["worked_on"] >= row.posted_on - pd.Timedelta(days=60))
        ).any()
        for row in paid.itertuples()
    ]
    assert whole["recovered_cents"].iloc[0] == -paid.loc[worked, "amount_cents"].sum() > 0
