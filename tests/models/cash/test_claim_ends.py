"""How each claim stands on a day, read from the tables: one named claim for every way it can be."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.errors import ParameterError, TableError
from rcm_analysis.models.cash.payment_lag import claim_ends, incidence_by
from rcm_analysis.models.statistics.estimators import day_by_which

DAY = dt.date(2026, 3, 31)


def tables(*claims: tuple, **changes) -> dict[str, pd.DataFrame]:
    """Claims as (id, payer, bill day or None, postings), a posting as (day, kind, party, dollars[, carc])."""
    entered = "2026-01-01"
    rows = [
        (claim, day, kind, party, round(dollars * 100), carc[0] if carc else None)
        for claim, _, _, postings in claims
        for day, kind, party, dollars, *carc in [(entered, "charge", "primary", 100), *postings]
    ]
    transactions = pd.DataFrame(rows, columns=["claim_id", "posted_on", "kind", "party", "amount_cents", "carc"])
    known = pd.DataFrame([(claim, payer) for claim, payer, _, _ in claims], columns=["claim_id", "payer"])
    sent = pd.DataFrame([(claim, bill) for claim, _, bill, _ in claims if bill], columns=["claim_id", "submitted_on"])
    found = {
        "transactions": transactions.assign(posted_on=pd.to_datetime(transactions["posted_on"])),
        "claims": known.assign(
            entered_on=pd.Timestamp(entered),
            service_on=pd.Timestamp("2025-12-20"),
            charge_cents=10_000,
            location="main",
        ),
        "submissions": sent.assign(
            submitted_on=pd.to_datetime(sent["submitted_on"]), payer_order="primary", frequency="1"
        ),
    }
    return {name: table.assign(client="acme") for name, table in {**found, **changes}.items()}


PAID = [("2026-02-10", "payment", "primary", -60), ("2026-02-10", "contractual", "primary", -40, "45")]
PASSED = [
    ("2026-02-10", "transfer", "primary", -70),
    ("2026-02-10", "transfer", "patient", 70),
    ("2026-02-10", "contractual", "primary", -30, "45"),
]


@pytest.mark.parametrize(
    ("postings", "end", "days"),
    [
        pytest.param([], "open", 80, id="nothing happened yet: its age on the day"),
        pytest.param(PAID, "paid", 31, id="paid on the first payment"),
        pytest.param([*PAID, ("2026-03-01", "takeback", "primary", 60)], "paid", 31, id="paid, and taken back later"),
        pytest.param([("2026-02-10", "payment", "primary", -10)], "paid", 31, id="paid in part, the rest still open"),
        pytest.param([("2026-03-05", "write_off", "primary", -100)], "written_off", 54, id="written off"),
        pytest.param(
            [("2026-02-10", "contractual", "primary", -100, "197")],
            "denied",
            31,
            id="a denial posted as if it were contractual",
        ),
        pytest.param(
            [("2026-02-10", "contractual", "primary", -100, "45")], "written_off", 31, id="discounted to nothing"
        ),
        pytest.param(PASSED, "patient", 31, id="all of it is the patient's deductible"),
        pytest.param(
            [("2026-02-10", "transfer", "primary", -50), ("2026-02-10", "write_off", "primary", -50)],
            "patient",
            31,
            id="half of it passed to the patient, half written off",
        ),
        pytest.param(
            [("2026-02-10", "transfer", "primary", -49), ("2026-02-10", "write_off", "primary", -51)],
            "written_off",
            31,
            id="less than half of it passed to the patient",
        ),
        pytest.param(
            [("2026-02-10", "transfer", "primary", -80), ("2026-02-10", "transfer", "secondary", 80)],
            "open",
            80,
            id="passed to the secondary and open there",
        ),
        pytest.param([("2026-04-10", "payment", "primary", -60)], "open", 80, id="paid after the day: not yet known"),
        pytest.param([("2026-03-31", "payment", "primary", -60)], "paid", 80, id="paid on the day itself"),
        pytest.param([("2026-04-01", "payment", "primary", -60)], "open", 80, id="paid on the day after it"),
        pytest.param([("2026-02-10", "payment", "primary", 0)], "open", 80, id="a payment of nothing is none"),
        pytest.param(
            [("2026-02-10", "payment", "primary", -60), ("2026-03-31", "payment", "primary", 60)],
            "open",
            80,
            id="a payment posted by mistake and reversed on the day itself",
        ),
        pytest.param(
            [("2026-02-10", "payment", "primary", -60), ("2026-04-01", "payment", "primary", 60)],
            "paid",
            31,
            id="a payment that is reversed on the day after it",
        ),
        pytest.param([("2026-02-10", "payment", "patient", -20)], "open", 80, id="a copay is no payer's payment"),
    ],
)
def test_ways_to_stand(postings, end, days):
    found = claim_ends(tables(("1", "aetna", "2026-01-10", postings)), as_of=DAY)
    assert found[["end", "days"]].values.tolist() == [[end, days]]


def test_a_standing_denial_makes_a_write_off_a_denial():
    remits = {
        "remit_claims": pd.DataFrame(
            {
                "client": "acme",
                "remit_claim_id": ["r1"],
                "remit_id": "r",
                "claim_id": "1",
                "sequence": 1,
                "status": "1",
                "payer": "aetna",
                "payer_order": "primary",
                "charge_cents": 10_000,
                "paid_cents": 0,
                "patient_responsibility_cents": 0,
                "payer_claim_id": None,
                "paid_on": pd.Timestamp("2026-02-10"),
                "received_on": pd.Timestamp("2026-02-10"),
            }
        ),
        "remit_adjustments": pd.DataFrame(
            {
                "client": "acme",
                "remit_adjustment_id": ["a1"],
                "remit_claim_id": "r1",
                "remit_line_id": None,
                "claim_id": "1",
                "group_code": "CO",
                "carc": "197",
                "amount_cents": 10_000,
                "quantity": None,
                "remark_codes": None,
                "received_on": pd.Timestamp("2026-02-10"),
            }
        ),
    }
    postings = [("2026-03-05", "write_off", "primary", -100)]
    closed = claim_ends(tables(("1", "aetna", "2026-01-10", postings), **remits), as_of=DAY)
    assert closed[["end", "days"]].values.tolist() == [["denied", 54]]
    still_open = claim_ends(tables(("1", "aetna", "2026-01-10", []), **remits), as_of=DAY)
    assert still_open["end"].tolist() == ["open"]


def test_who_is_in():
    found = claim_ends(
        tables(
            ("billed", "aetna", "2026-01-10", []),
            ("unbilled", "aetna", None, []),
            ("billed later", "aetna", "2026-04-02", []),
            ("self-pay", "self_pay", "2026-01-10", []),
            ("paid before it was billed", "aetna", "2026-02-20", PAID),
        ),
        as_of=DAY,
    )
    assert found["claim_id"].tolist() == ["billed"]
    assert found.attrs["out_of_order"] == 1


def test_a_claim_whose_charge_was_taken_back_is_not_there():
    voided = [("2026-02-10", "charge", "primary", -100)]
    found = claim_ends(tables(("1", "aetna", "2026-01-10", voided), ("2", "aetna", "2026-01-10", [])), as_of=DAY)
    assert found["claim_id"].tolist() == ["2"] and found.attrs["voided"] == 1


def test_a_claim_without_a_posting_is_open():
    known = tables(("1", "aetna", "2026-01-10", []), ("2", "aetna", "2026-01-10", []))
    postings = known["transactions"]
    found = claim_ends({**known, "transactions": postings[postings["claim_id"] == "2"]}, as_of=DAY)
    assert found["end"].tolist() == ["open", "open"]


@pytest.mark.parametrize(("as_of", "days"), [("2026-01-10", [0]), ("2026-01-09", [])])
def test_the_clock_starts_on_the_day_of_the_bill(as_of, days):
    known = tables(("1", "aetna", "2026-01-10", []))
    assert claim_ends(known, as_of=dt.date.fromisoformat(as_of))["days"].tolist() == days


@pytest.mark.parametrize(("as_of", "days"), [("2026-01-01", [0]), ("2025-12-31", [])])
def test_the_clock_starts_on_the_day_of_entry(as_of, days):
    known = tables(("1", "aetna", None, []))
    assert claim_ends(known, as_of=dt.date.fromisoformat(as_of), clock="entered")["days"].tolist() == days


@pytest.mark.parametrize(("clock", "days"), [("first_bill", 31), ("entered", 40), ("service", 52)])
def test_clocks(clock, days):
    assert claim_ends(tables(("1", "aetna", "2026-01-10", PAID)), as_of=DAY, clock=clock)["days"].tolist() == [days]


def test_money_and_groups():
    found = claim_ends(
        tables(("1", "aetna", "2026-01-10", PAID), ("2", "cigna", "2026-01-10", [])),
        as_of=DAY,
        by=["location", "size", "month"],
    )
    assert found[["location", "size"]].drop_duplicates().values.tolist() == [["main", "$100 to $249"]]
    assert found["month"].unique().tolist() == [pd.Timestamp("2026-01-01")]
    assert found["allowed_cents"].tolist() == [6000, pd.NA]
    assert found["paid_cents"].tolist() == [6000, 0]
    shares = incidence_by(found, by=["location"], weight="charge_cents")
    assert shares[["location", "claims", "paid", "open"]].iloc[-1].tolist() == ["main", 2, 0.5, 0.5]
    assert day_by_which(shares, 0.25) == 31.0


def test_early_in_the_year_fewer_claims_are_paid_and_the_quarter_knows():
    """Deductibles begin anew in January: of 100 claims the patient has 20 in the first quarter, and 4 in the last
    one."""
    rows = [
        ("Q1", "patient", 20),
        ("Q1", "paid", 80),
        ("Q2", "patient", 12),
        ("Q2", "paid", 88),
        ("Q3", "paid", 92),
        ("Q3", "patient", 8),
        ("Q4", "patient", 4),
        ("Q4", "paid", 96),
    ]
    ends = pd.DataFrame(
        [(quarter, 20, end, 1) for quarter, end, count in rows for _ in range(count * 20)],
        columns=["quarter", "days", "end", "claims"],
    )
    by_quarter = incidence_by(ends, by=["quarter"]).groupby("quarter")["paid"].last()
    assert by_quarter.tolist() == pytest.approx([0.80, 0.88, 0.92, 0.96], abs=0.01)
    assert incidence_by(ends, by=[])["paid"].iloc[-1] == pytest.approx(0.89)


def test_the_quarter_is_that_of_the_first_bill():
    found = claim_ends(
        tables(("1", "aetna", "2025-12-31", []), ("2", "aetna", "2026-01-01", [])), as_of=DAY, by=["quarter"]
    )
    assert dict(zip(found["claim_id"], found["quarter"], strict=True)) == {"1": "Q4", "2": "Q1"}


@pytest.mark.parametrize("shrink", [True, False])
@pytest.mark.parametrize("weight", [None, "charge_cents"])
@pytest.mark.parametrize(
    "index",
    [
        pytest.param([2, 1, 0], id="turned round"),
        pytest.param([7, 7, 7], id="the same for all"),
        pytest.param(list("xyz"), id="words"),
    ],
)
def test_any_index_gives_the_same_shares(index, weight, shrink):
    ends = pd.DataFrame(
        {
            "payer": ["a", "a", "b"],
            "days": [1, 2, 5],
            "end": ["paid", "open", "denied"],
            "charge_cents": [100, 200, 300],
        }
    )
    again = incidence_by(ends.set_axis(index), weight=weight, shrink=shrink)
    pd.testing.assert_frame_equal(again, incidence_by(ends, weight=weight, shrink=shrink))


def test_claims_without_a_payer_are_a_group_of_their_own():
    ends = pd.DataFrame({"payer": ["a", None], "days": [1, 1], "end": ["paid", "denied"]})
    found = incidence_by(ends, shrink=False).query("day == 1")
    assert found["payer"].isna().tolist() == [False, True]
    assert found["paid"].tolist() == [1, 0]


def test_duckdb_and_polars_give_the_same_claims():
    duckdb, pl = pytest.importorskip("duckdb"), pytest.importorskip("polars")
    given = tables(
        ("1", "aetna", "2026-01-10", PAID), ("2", "cigna", "2026-01-12", PASSED), ("3", "cigna", "2026-01-14", [])
    )
    expected = claim_ends(given, as_of=DAY)
    typed = {
        name: pl.from_pandas(table).with_columns(pl.col(pl.Datetime).cast(pl.Date), pl.col(pl.Null).cast(pl.String))
        for name, table in given.items()
    }
    pd.testing.assert_frame_equal(
        claim_ends({name: table.lazy() for name, table in typed.items()}, as_of=DAY), expected
    )
    connection = duckdb.connect()
    for name, table in typed.items():
        connection.register(f"{name}_given", table.to_arrow())
        connection.execute(f"create table {name} as select * from {name}_given")
    pd.testing.assert_frame_equal(claim_ends({name: connection.table(name) for name in typed}, as_of=DAY), expected)


def test_bad_questions_are_refused():
    with pytest.raises(ParameterError, match="Closest: first_bill"):
        claim_ends(tables(("1", "aetna", "2026-01-10", [])), as_of=DAY, clock="first_bil")
    with pytest.raises(TableError, match="submissions"):
        claim_ends(
            {name: table for name, table in tables(("1", "aetna", None, [])).items() if name != "submissions"},
            as_of=DAY,
        )


def test_no_claims_no_rows():
    found = claim_ends(tables(("1", "aetna", "2026-05-01", [])), as_of=DAY)
    assert len(found) == len(incidence_by(found)) == 0
