"""The cash of the next months: what must hold for any ledger, what comes true on invented ones, and what is refused."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from rcm_analysis.errors import ParameterError, TableError
from rcm_analysis.examples.cash import example_daily_charges
from rcm_analysis.examples.remittances import example_takebacks
from rcm_analysis.ledger import balances as ledger
from rcm_analysis.measures.collections import rates as collections
from rcm_analysis.models.cash.billing_ahead import expected_charges, holidays
from rcm_analysis.models.cash.curves import LONGEST_AGE, fit_curves, on_weekdays, project, value_of_dollar
from rcm_analysis.models.cash.flows import day_of, read_flows
from rcm_analysis.models.cash.next_months import outlook
from rcm_analysis.models.cash.past_months import backtest
from rcm_analysis.models.cash.paths import _errors_of_months as errors_of_months
from rcm_analysis.models.cash.paths import _in_season as in_season
from rcm_analysis.models.cash.paths import _scaled as scaled_to
from rcm_analysis.models.statistics.seasons import pause_share, postponed, repeated
from rcm_analysis.periods import Period
from rcm_analysis.tables.derived import Shelf
from rcm_analysis.tables.store import Tables

LAST = dt.date(2026, 6, 30)
FIRST = dt.date(2024, 7, 1)
PAYERS = {"aetna": (22.0, 1), "cigna": (34.0, 3), "medicare": (18.0, 2)}
"""Payer: median days to answer, and the weekday on which its remittances come (0 is Monday)."""


def invented(
    seed: int, *, per_day: float = 10, outage: tuple[str, str, str] | None = None, client: str = "acme"
) -> dict[str, pd.DataFrame]:
    """Two years of a client whose payers pay 86 % of claims on their weekday; patients owe a fifth of some of them.

    `outage`: payer, first day, first day after it; what the payer would have answered between them comes then.
    """
    rng = np.random.default_rng(seed)
    days = pd.date_range(FIRST, LAST)
    days = days[days.day_of_week < 5].to_numpy().astype("datetime64[D]").astype(int)
    entered = np.repeat(days, rng.poisson(per_day, len(days)))
    size = len(entered)
    payer = rng.choice(list(PAYERS), size, p=[0.4, 0.25, 0.35])
    median, weekday = (np.array([PAYERS[name][place] for name in payer]) for place in (0, 1))
    answered = entered + np.maximum(4, median * rng.lognormal(0, 0.35, size)).astype(int)
    answered += ((weekday - (answered + 3)) % 7).astype(int)
    if outage:
        start, end = (day_of(dt.date.fromisoformat(day)) for day in outage[1:])
        answered = np.where((payer == outage[0]) & (answered >= start) & (answered < end), end, answered)
    charge = (rng.lognormal(5.2, 0.5, size) * 100).astype(int)
    fate = rng.random(size)
    paid, share = fate < 0.86, rng.random(size) < 0.3
    allowed = (charge * 0.6).astype(int)
    owed = np.where(paid & share, allowed // 5, 0)
    pays = paid & share & (rng.random(size) < 0.6)
    later = answered + rng.geometric(1 / 40, size)
    lost_on = entered + np.where(fate < 0.96, 120, 90)
    claim = np.array([f"{client}-{number}" for number in range(size)])

    def rows(mask, day, kind, party, cents):
        return pd.DataFrame(
            {"claim_id": claim, "day": day, "kind": kind, "party": party, "amount_cents": cents, "payer": payer}
        )[mask]

    everyone = np.ones(size, bool)
    moved = [
        rows(everyone, entered, "charge", "primary", charge),
        rows(paid, answered, "payment", "primary", owed - allowed),
        rows(paid, answered, "contractual", "primary", allowed - charge),
        rows(owed > 0, answered, "transfer", "primary", -owed),
        rows(owed > 0, answered, "transfer", "patient", owed),
        rows(pays, later, "payment", "patient", -owed),
        rows(~paid, lost_on, "write_off", "primary", -charge),
    ]
    transactions = pd.concat(moved, ignore_index=True).query("day <= @last", local_dict={"last": day_of(LAST)})
    transactions = transactions.assign(
        posted_on=pd.to_datetime(transactions.pop("day"), unit="D"), client=client, carc=None
    )
    claims = pd.DataFrame({"client": client, "claim_id": claim, "payer": payer, "secondary_payer": None})
    return {"transactions": transactions, "claims": claims}


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return invented(1)


@pytest.fixture(scope="module")
def found(tables):
    return outlook(tables, as_of=dt.date(2026, 3, 31), months=3)


def test_flows_tie_to_the_ledger(tables):
    day = dt.date(2026, 2, 15)
    flows = read_flows(tables, as_of=day)
    owed = ledger.balances(tables, as_of=day)
    by_party = (
        flows.streams.assign(open=fit_curves(flows, as_of=day_of(day)).open_by_age.sum(axis=1))
        .groupby("party")["open"]
        .sum()
    )
    assert by_party["primary"] == pytest.approx(owed["primary_cents"].sum())
    assert by_party["patient"] == pytest.approx(owed["patient_cents"].sum())
    ever = Period(FIRST, day + dt.timedelta(days=1))
    assert flows.cash_cents.sum() == collections.cash(tables, period=ever)["cash_cents"].sum()


def test_more_than_can_be_collected_is_never_projected(found):
    owed = found.receivable
    assert (owed["collectible_cents"] <= owed["open_cents"]).all()
    assert (owed["collectible_cents"] >= 0).all()
    assert found.months["existing_cents"].sum() <= owed["collectible_cents"].sum()
    long = outlook(invented(1), as_of=dt.date(2026, 3, 31), months=24).months["existing_cents"].sum()
    assert 0.97 * owed["collectible_cents"].sum() <= long <= owed["collectible_cents"].sum()


def test_collectible_is_what_the_balances_bring_in_the_end(tables, found):
    came = tables["transactions"]
    open_claims = came[came["posted_on"] <= "2026-03-31"].groupby("claim_id")["amount_cents"].sum()
    still = came[
        (came["posted_on"] > "2026-03-31")
        & came["claim_id"].isin(open_claims[open_claims > 0].index)
        & (came["kind"] == "payment")
    ]
    assert -still["amount_cents"].sum() == pytest.approx(found.receivable["collectible_cents"].sum(), rel=0.12)


def test_parts_payers_and_months_add_up(found):
    parts = found.months[["existing_cents", "billing_cents", "other_cents", "announced_cents"]]
    assert (found.months["cash_cents"] == parts.sum(axis=1)).all() and not parts["announced_cents"].any()
    assert found.payers.groupby("month")["cash_cents"].sum().tolist() == found.months["cash_cents"].tolist()
    assert found.through["cash_cents"].tolist() == found.months["cash_cents"].cumsum().tolist()
    assert found.months["days"].tolist() == [30, 31, 30]
    assert (found.months["low_cents"] <= found.months["cash_cents"]).all()
    assert (found.months["high_cents"] >= found.months["cash_cents"]).all()
    assert set(found.payers["payer"]) == {*PAYERS, "patient"}
    shares = found.curves[["cash", "adjusted", "written_off", "passed_on", "open"]].sum(axis=1)
    assert np.abs(shares - 1).max() < 1e-12


def test_a_month_under_way_counts_from_tomorrow(tables):
    assert outlook(tables, as_of=dt.date(2026, 4, 20), months=2).months["days"].tolist() == [10, 31]


def test_what_is_posted_later_is_not_used(tables, found):
    cut = {**tables, "transactions": tables["transactions"].query("posted_on <= '2026-03-31'")}
    again = outlook(cut, as_of=dt.date(2026, 3, 31), months=3)
    pd.testing.assert_frame_equal(again.payers, found.payers)
    pd.testing.assert_frame_equal(again.receivable, found.receivable)


def test_the_order_of_rows_does_not_matter_and_the_tables_stay(tables, found):
    before = tables["transactions"].copy()
    shuffled = {**tables, "transactions": tables["transactions"].sample(frac=1, random_state=3)}
    pd.testing.assert_frame_equal(outlook(shuffled, as_of=dt.date(2026, 3, 31), months=3).payers, found.payers)
    pd.testing.assert_frame_equal(tables["transactions"], before)


def test_a_seed_makes_the_band_and_not_the_expectation(tables, found):
    same, other = (outlook(tables, as_of=dt.date(2026, 3, 31), months=3, seed=seed).months for seed in (1, 2))
    pd.testing.assert_frame_equal(same, found.months)
    assert other["cash_cents"].tolist() == found.months["cash_cents"].tolist()
    assert other["low_cents"].tolist() != found.months["low_cents"].tolist()


def test_a_wider_level_gives_a_wider_band(tables, found):
    wide = outlook(tables, as_of=dt.date(2026, 3, 31), months=3, level=0.95).months
    assert (wide["low_cents"] < found.months["low_cents"]).all()
    assert (wide["high_cents"] > found.months["high_cents"]).all()


def test_ten_times_the_dollars_are_ten_times_the_cash(tables, found):
    scaled = {
        **tables,
        "transactions": tables["transactions"].assign(amount_cents=tables["transactions"]["amount_cents"] * 10),
    }
    again = outlook(scaled, as_of=dt.date(2026, 3, 31), months=3)
    assert (again.months["cash_cents"] / 10).tolist() == pytest.approx(found.months["cash_cents"].tolist(), rel=1e-4)


def test_two_clients_together_are_the_two_apart(tables, found):
    second = invented(2, per_day=4, client="bravo")
    both = {name: pd.concat([tables[name], second[name]], ignore_index=True) for name in tables}
    together = outlook(both, as_of=dt.date(2026, 3, 31), months=3).payers
    apart = pd.concat([found.payers, outlook(second, as_of=dt.date(2026, 3, 31), months=3).payers], ignore_index=True)
    for column in ("cash_cents", "existing_cents", "charge_cents"):
        np.testing.assert_allclose(together[column], apart[column], atol=2)


def test_stated_billing_takes_the_place_of_the_expected(tables, found):
    months = ["2026-04", "2026-05", "2026-06"]
    half = pd.DataFrame({"month": months, "charge_cents": found.months["charge_cents"] // 2})
    stated = outlook(tables, as_of=dt.date(2026, 3, 31), months=3, billing=half).months
    assert stated["charge_cents"].tolist() == pytest.approx(half["charge_cents"].tolist(), rel=1e-6)
    assert stated["existing_cents"].tolist() == found.months["existing_cents"].tolist()
    assert stated["billing_cents"].sum() == pytest.approx(found.months["billing_cents"].sum() / 2, rel=0.01)
    with pytest.raises(ParameterError, match="lacks 2026-06"):
        outlook(tables, as_of=dt.date(2026, 3, 31), months=3, billing=half.head(2))
    with pytest.raises(TableError, match="charge_cents"):
        outlook(tables, as_of=dt.date(2026, 3, 31), months=3, billing=half[["month"]])


def test_an_outage_widens_the_band_and_does_not_break_it(found):
    """Aetna, 40 % of claims, answers nothing for five weeks and everything after: the outlook of a quarter later
    holds."""
    hit = invented(1, outage=("aetna", "2026-01-12", "2026-02-16"))
    after = outlook(hit, as_of=dt.date(2026, 3, 31), months=3)

    def width(one):
        return (one.months["high_cents"] - one.months["low_cents"]).sum()

    assert width(after) > 1.25 * width(found)
    assert after.months["cash_cents"].tolist() == pytest.approx(found.months["cash_cents"].tolist(), rel=0.12)
    during = outlook(hit, as_of=dt.date(2026, 1, 31), months=3)
    came = (
        hit["transactions"]
        .query("kind == 'payment' and posted_on >= '2026-02-01' and posted_on <= '2026-04-30'")["amount_cents"]
        .sum()
    )
    assert during.through["low_cents"].iloc[-1] <= -came <= during.through["high_cents"].iloc[-1] * 1.1


def test_the_value_of_a_dollar_is_its_cash_in_the_end(tables):
    flows = read_flows(tables, as_of=LAST)
    curves = fit_curves(flows, as_of=day_of(LAST))
    opening = np.zeros((len(flows.streams), LONGEST_AGE))
    opening[:, 30] = 1000.0
    late = project(curves, opening, np.zeros((700, len(flows.streams))), np.zeros(700, int))[0].sum()
    assert late == pytest.approx(1000 * value_of_dollar(curves)[:, 31].sum(), rel=0.005)


def test_cash_moves_to_the_payers_weekday_and_none_is_lost(tables):
    flows = read_flows(tables, as_of=LAST)
    curves = fit_curves(flows, as_of=day_of(LAST))
    cash = np.random.default_rng(1).random((2, 60, len(flows.streams)))
    cash[:, -4:] = 0
    moved = on_weekdays(cash, curves, first_day=day_of(LAST) + 1)
    np.testing.assert_allclose(moved.sum(axis=1), cash.sum(axis=1))
    aetna = flows.streams.index[flows.streams["payer"] == "aetna"][0]
    weekday = (day_of(LAST) + 1 + np.arange(60) + 3) % 7
    from_then_on = np.arange(60) >= 4  # the first days have no Tuesday to go to
    assert moved[:, (weekday != 1) & from_then_on, aetna].sum() < 1e-9
    assert moved[:, weekday == 1, aetna].sum() > 50


def test_a_client_that_stopped_long_ago_brings_nothing(tables):
    gone = outlook(tables, as_of=dt.date(2028, 6, 30), months=2)
    assert gone.months[["cash_cents", "low_cents", "high_cents"]].to_numpy().sum() == 0
    assert (gone.receivable["collectible_cents"] <= gone.receivable["open_cents"]).all()


def test_three_claims_are_enough_not_to_fail():
    few = {name: table[table["claim_id"].isin(["acme-0", "acme-5", "acme-9"])] for name, table in invented(1).items()}
    found = outlook(few, as_of=dt.date(2024, 10, 31), months=2)
    assert found.months["cash_cents"].notna().all()


@pytest.mark.parametrize("cents", [8000, 100_000_000])
def test_what_a_payer_announced_to_take_back_lowers_its_next_money(tables, found, cents):
    """$80.00 in no check yet, off the payer's first month and its band; never more than the payer is to pay."""
    told = example_takebacks()
    told["provider_adjustments"]["amount_cents"] = -cents
    told = {name: frame.assign(client="acme") for name, frame in told.items()}
    for name in ("remit_claims", "deposits"):
        told[name] = told[name].assign(payer="cigna")
    less = outlook(tables | told, as_of=dt.date(2026, 3, 31), months=3)
    before, after = (one.payers[one.payers["payer"] == "cigna"].reset_index(drop=True) for one in (found, less))
    rest, expected = cents, []
    for own in before["cash_cents"]:
        expected.append(-min(rest, own))
        rest += expected[-1]
    assert after["announced_cents"].tolist() == expected
    for name in ("cash_cents", "low_cents", "high_cents"):
        assert (after[name] - before[name]).tolist() == expected
        whole = less.months[name] - found.months[name]
        assert whole.tolist() == expected
        assert (less.through[name] - found.through[name]).tolist() == np.cumsum(expected).tolist()
    others = [one.payers[one.payers["payer"] != "cigna"].reset_index(drop=True) for one in (found, less)]
    pd.testing.assert_frame_equal(*others)


def test_duckdb_gives_the_same_outlook(tables, found):
    duckdb, pl = pytest.importorskip("duckdb"), pytest.importorskip("polars")
    connection = duckdb.connect()
    for name, table in tables.items():
        typed = pl.from_pandas(table).with_columns(pl.col(pl.Datetime).cast(pl.Date), pl.col(pl.Null).cast(pl.String))
        connection.register(f"{name}_given", typed.to_arrow())
        connection.execute(f"create table {name} as select * from {name}_given")
    given = {name: connection.table(name) for name in tables}
    pd.testing.assert_frame_equal(outlook(given, as_of=dt.date(2026, 3, 31), months=3).payers, found.payers)


def test_a_gap_that_came_twice_is_expected_again_and_chance_is_not():
    rng = np.random.default_rng(2)
    chance = rng.normal(0, 0.1, 150)
    ahead, _ = repeated(chance, 52)
    assert np.abs(ahead).max() < 0.1
    gap = chance.copy()
    gap[[20, 72, 124]] -= 0.9
    ahead, past = repeated(gap, 52)
    assert ahead[72 - 46] < -0.4  # the week 52 after the last gap
    assert past[72] < -0.4
    assert past[20] == 0
    assert repeated(gap[:77], 52)[0].tolist() == [0.0] * 52


@pytest.mark.parametrize("works_on_holidays", [False, True])
def test_a_holiday_is_no_working_day_where_the_office_is_closed(works_on_holidays):
    """A dollar every working day for two years: the 30 weekdays from 25 November hold Thanksgiving, Christmas and New
    Year."""
    days = pd.date_range("2023-11-27", "2025-11-24")
    day = days[days.day_of_week < 5].to_numpy().astype("datetime64[D]").astype(int)
    if not works_on_holidays:
        day = day[~holidays(int(day[0]), int(day[-1]))[day - day[0]]]
    rows = pd.DataFrame(
        {"claim_id": [str(number) for number in range(len(day))], "posted_on": pd.to_datetime(day, unit="D")}
    )
    rows = rows.assign(client="acme", kind="charge", party="primary", payer="aetna", amount_cents=100)
    claims = rows[["client", "claim_id", "payer"]].assign(secondary_payer=None)
    flows = read_flows({"transactions": rows, "claims": claims}, as_of=dt.date(2025, 11, 24))
    ahead = expected_charges(flows, as_of=day_of(dt.date(2025, 11, 24)), days=42).charges.sum(axis=1)
    assert ahead.sum() / 100 == pytest.approx(30 if works_on_holidays else 27, rel=0.01)
    assert ahead[2] == pytest.approx(100 if works_on_holidays else 0, abs=4)  # Thanksgiving


YEAR_END = day_of(dt.date(2025, 12, 24))


def _year_end(share: float, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray, int]:
    """Forty weeks before and ten after a Christmas Eve; the share of what is due over the year's end came after it."""
    first = YEAR_END - 280
    expected = np.full(350, 100.0)
    came = postponed(expected[:, None], np.array([share]), first_day=first)[:, 0]
    return came + np.random.default_rng(1).normal(0, noise, 350), expected, first


@pytest.mark.parametrize(
    ("actual", "expected", "first", "share", "give_or_take"),
    [
        pytest.param(*_year_end(1.0), 1.0, 0.12, id="payers that paid nothing pay nothing again"),
        pytest.param(*_year_end(0.0), 0.0, 0.01, id="payers that paid on pay on"),
        pytest.param(*_year_end(1.0, noise=3000), 0.0, 0.3, id="cash that jumps about says little: drawn towards none"),
        pytest.param(np.ones(70), np.ones(70), YEAR_END - 80, 0.0, 0.0, id="no year's end was seen: none"),
        pytest.param(np.zeros(70), np.zeros(70), YEAR_END - 30, 0.0, 0.0, id="nothing was due at the year's end: none"),
        pytest.param(np.array([]), np.array([]), YEAR_END, 0.0, 0.0, id="no day at all: none"),
    ],
)
def test_what_waits_over_the_year_s_end_is_learned_from_its_like(actual, expected, first, share, give_or_take):
    assert pause_share(actual, expected, first_day=first) == pytest.approx(share, abs=give_or_take)


def test_what_waits_over_the_year_s_end_comes_on_its_weekday_and_none_is_lost():
    cash = np.zeros((2, 40, 1))
    cash[0, 8:17, 0] = np.arange(1, 10)
    moved = postponed(cash, np.ones(1), first_day=YEAR_END - 8)
    assert moved.sum() == cash.sum()
    assert moved[0, 8:17].sum() == 0  # Christmas Eve, a Wednesday, to New Year's Day
    assert moved[0, 17:24, 0].tolist() == [3, 4, 5, 6, 7, 1 + 8, 2 + 9]  # Friday 2 January to Thursday 8 January


def test_a_first_year_s_end_moves_nothing_and_widens_the_band(monkeypatch):
    """Made at the end of October, with seven months of records: whether insurers pay on over the year's end was never
    seen. Nothing is moved; that it may be widens the bands of December and January, downward and upward."""
    rows = invented(3, per_day=20)
    known = {**rows, "transactions": rows["transactions"][rows["transactions"]["posted_on"] >= "2025-04-01"]}

    def months() -> pd.DataFrame:
        return outlook(known, as_of=dt.date(2025, 10, 31), months=3).months

    unsure = months()
    monkeypatch.setattr("rcm_analysis.models.cash.paths.PAUSE_SPREAD", 1e-9)
    sure = months()
    assert (unsure["cash_cents"] == sure["cash_cents"]).all()
    lower, higher = sure["low_cents"] - unsure["low_cents"], unsure["high_cents"] - sure["high_cents"]
    assert lower[1] > 0.02 * sure["cash_cents"][1] and higher[2] > 0.02 * sure["cash_cents"][2]
    assert abs(lower[0]) < 0.01 * sure["cash_cents"][0]


def test_a_payer_that_pays_once_in_each_month_widens_no_band():
    tables = example_daily_charges()
    rows = tables["transactions"]
    later = rows["kind"] != "charge"
    once = rows["posted_on"] + pd.offsets.MonthBegin(1) + pd.Timedelta(days=24)
    rows.loc[later, "posted_on"] = once[later]
    found = outlook(tables, as_of=LAST, months=6).months.iloc[:6]
    assert ((found["high_cents"] - found["low_cents"]) / found["cash_cents"]).max() < 0.4


@pytest.mark.parametrize(("as_of", "to_come"), [("2026-06-30", 100), ("2026-06-19", 100), ("2026-06-20", 0)])
def test_errors_are_those_of_whole_months_and_of_the_days_still_to_come(as_of, to_come):
    """100 more than expected come on the 20th, in May 130."""
    last = day_of(dt.date.fromisoformat(as_of))
    days = (last + np.arange(-363, 1)).astype("datetime64[D]")
    errors = np.where((days - days.astype("datetime64[M]")).astype(int) == 19, 100.0, 0.0)
    errors[days == np.datetime64("2026-05-20")] = 130
    under_way, whole = errors_of_months(errors[:, None], last)
    assert whole.shape == (11, 1) and whole.sum() == pytest.approx(0)
    assert whole.max() == pytest.approx(30 - 30 / 11)
    assert under_way.max() == pytest.approx(whole.max() if to_come else 0)


def test_a_few_weeks_of_errors_stand_for_months():
    under_way, whole = errors_of_months(np.repeat([7.0, -7.0] * 4, 7)[:, None], day_of(dt.date(2026, 6, 20)))
    assert whole.std() == pytest.approx(49 * (365.25 / 12 / 7) ** 0.5)
    assert under_way.std() == pytest.approx(49 * (10 / 7) ** 0.5)


def test_the_bands_hold_through_an_outage_and_after_it():
    """Aetna answers nothing for five weeks of summer and everything after: made in the midst of it and later, eight of
    ten outlooks hold."""
    until = dt.date(2026, 1, 31)
    calm, hit = (
        backtest(invented(1, per_day=20, outage=outage), as_of=until, snapshots=6).rows
        for outage in (None, ("aetna", "2025-07-14", "2025-08-18"))
    )
    wide, narrow = ((one["high_cents"] - one["low_cents"]).sum() for one in (hit, calm))
    assert wide > 1.25 * narrow
    assert hit["inside"].mean() >= 0.75
    after = hit["snapshot"] >= "2025-08-31"
    missed, calmly = ((one["forecast_cents"] - one["actual_cents"])[after].abs().sum() for one in (hit, calm))
    assert missed < 1.3 * calmly


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param({"as_of": dt.date(2024, 8, 1)}, "91 days", id="a month of history is not enough"),
        pytest.param({"as_of": dt.date(2020, 1, 1)}, "no posting by", id="before the first posting"),
        pytest.param({"as_of": LAST, "months": 0}, "from 1 to 24", id="no month"),
        pytest.param({"as_of": LAST, "level": 80}, "between 0 and 1", id="a level in percent"),
    ],
)
def test_bad_questions_are_refused(tables, arguments, says):
    with pytest.raises((ParameterError, TableError), match=says):
        outlook(tables, **arguments)


@pytest.fixture(scope="module")
def tested(tables):
    return backtest(tables, as_of=LAST)


def test_every_month_that_is_over_has_its_row(tested):
    assert tested.rows.groupby("ahead").size().tolist() == [12, 11, 10]
    assert tested.skipped == 0
    assert tested.summary["ahead"].tolist() == ["1", "2", "3", "all"]


def test_actuals_are_the_cash_of_the_month(tables, tested):
    for row in tested.rows.drop_duplicates("month").itertuples():
        assert row.actual_cents == collections.cash(tables, period=Period.of(row.month.date()))["cash_cents"].sum()


def test_last_three_is_the_average_of_three_months(tables, tested):
    row = tested.rows.iloc[0]
    month = Period.of(row["snapshot"].date())
    cash = collections.cash(tables, period=month.trailing(3))["cash_cents"].sum()
    assert row["last_three_cents"] == pytest.approx(cash / 3, abs=1)


def test_it_beats_the_naive_ways_and_its_band_holds():
    found = backtest(invented(3, per_day=40), as_of=LAST)
    summary = found.summary.set_index("ahead")
    assert (summary.loc[["1", "2", "3"], "of_better"] < 0.6).all()
    assert (summary["outlook_bias"].abs() < 0.03).all()
    assert 0.6 <= found.rows["inside"].mean() <= 0.95


def test_a_snapshot_knows_only_its_past(tables, tested):
    cut = {**tables, "transactions": tables["transactions"].query("posted_on <= '2026-04-30'")}
    early = backtest(cut, as_of=dt.date(2026, 4, 30), snapshots=4).rows
    both = early.merge(tested.rows, on=["snapshot", "ahead"], suffixes=("", "_later"))
    assert len(both) == len(early) == 9
    for column in early.columns[2:]:  # the band too: the whole horizon is drawn, whether or not it is over
        assert both[column].tolist() == both[f"{column}_later"].tolist(), column


@pytest.fixture
def stored_tables(tables, tmp_path):
    """The tables as a store gives them, as known on a day: with a place for what is derived."""
    (tmp_path / "acme").mkdir()
    claims, postings = (pl.from_pandas(tables[name]) for name in ("claims", "transactions"))

    def known(as_of: dt.date, postings: pl.DataFrame = postings) -> Tables:
        frames = {"claims": claims.lazy(), "transactions": postings.filter(pl.col("posted_on") <= as_of).lazy()}
        return Tables(frames, as_of, Shelf(tmp_path / "acme" / "derived", "any"))

    return SimpleNamespace(known=known, postings=postings, folder=tmp_path / "acme" / "derived")


def equal(one, other) -> bool:
    return all(getattr(one, name).equals(getattr(other, name)) for name in ("rows", "summary", "payers"))


def test_month_ends_are_tested_once_and_then_read(stored_tables, tested, monkeypatch):
    earlier = backtest(stored_tables.known(dt.date(2026, 5, 31)), as_of=dt.date(2026, 5, 31))
    assert earlier.skipped == 0 and len(list(stored_tables.folder.iterdir())) == 12
    assert equal(backtest(stored_tables.known(LAST), as_of=LAST), tested)
    assert len(list(stored_tables.folder.iterdir())) == 13
    monkeypatch.setattr("rcm_analysis.models.cash.past_months.forecast", None)
    assert equal(backtest(stored_tables.known(LAST), as_of=LAST), tested)


def test_a_posting_that_is_sent_again_otherwise_is_tested_again_from_its_month_on(stored_tables):
    backtest(stored_tables.known(LAST), as_of=LAST)
    late = (pl.col("posted_on") == dt.date(2026, 3, 31)) & (pl.col("kind") == "payment")
    changed = stored_tables.postings.with_columns(
        amount_cents=pl.when(late).then(pl.col("amount_cents") - 100_000).otherwise("amount_cents")
    )
    found = backtest(stored_tables.known(LAST, changed), as_of=LAST)
    assert len(list(stored_tables.folder.iterdir())) == 12 + 3  # the ends of March, April and May
    plain = {"claims": stored_tables.known(LAST)["claims"], "transactions": changed.lazy()}
    assert equal(found, backtest(plain, as_of=LAST))


def test_snapshots_without_history_are_skipped_and_counted(tables):
    young = backtest(tables, as_of=dt.date(2024, 12, 31), snapshots=12, horizon=1)
    assert young.skipped == 9
    assert len(young.rows) == 3
    none = backtest(tables, as_of=dt.date(2024, 9, 30), snapshots=12)
    assert none.skipped == 12
    assert len(none.rows) == len(none.summary) == len(none.payers) == 0


def test_chance_is_what_a_forecast_that_knows_the_mean_is_off_by():
    """Months of 30 claims on average, of two sizes: the mean absolute error around the true mean, 300 times."""
    rng, days = np.random.default_rng(5), pd.date_range("2026-07-01", "2026-07-31")
    claims = pd.DataFrame(
        {"claim_id": [str(number) for number in range(60)], "client": "acme", "payer": "aetna", "secondary_payer": None}
    )
    charged = pd.DataFrame(
        {
            "claim_id": claims["claim_id"],
            "kind": "charge",
            "posted_on": pd.Timestamp("2026-03-02"),
            "amount_cents": 50_000,
        }
    )
    sizes = np.where(np.arange(60) % 2, 30_000, 10_000)
    paid = charged.assign(kind="payment", amount_cents=-sizes, posted_on=days[np.arange(60) % len(days)])
    rows = pd.concat([charged, paid, charged.assign(claim_id="old", posted_on=pd.Timestamp("2026-01-05"))]).assign(
        client="acme", party="primary", payer="aetna"
    )
    claims = pd.concat([claims, claims.head(1).assign(claim_id="old")])
    found = backtest({"transactions": rows, "claims": claims}, as_of=dt.date(2026, 7, 31), snapshots=1, horizon=1).rows
    counts = rng.poisson(1, (4000, 60))
    assert found["chance_cents"].iloc[0] == pytest.approx(np.abs((counts - 1) @ sizes).mean(), rel=0.03)


def test_by_bucket_counts_new_claims_too():
    """A client that is the same every month: each naive way is right, up to the length of the months."""
    from rcm_analysis.examples.cash import example_daily_charges

    summary = backtest(example_daily_charges(), as_of=LAST, snapshots=3, horizon=1).summary
    assert summary["by_bucket_wape"].iloc[0] < 0.03
    assert summary["last_three_wape"].iloc[0] < 0.03
    assert summary["outlook_wape"].iloc[0] < 0.001


@pytest.mark.slow
def test_four_of_five_months_fall_into_the_band():
    rows = pd.concat(
        [backtest(invented(seed, per_day=size), as_of=LAST).rows for seed in range(10, 16) for size in (8, 40)]
    )
    assert 0.73 <= rows["inside"].mean() <= 0.87
    error = rows["forecast_cents"].sum() / rows["actual_cents"].sum() - 1
    assert abs(error) < 0.015


@pytest.mark.slow
def test_fifty_thousand_claims_take_seconds():
    import time

    large = invented(5, per_day=100)
    assert len(large["claims"]) > 50_000
    start = time.perf_counter()
    outlook(large, as_of=LAST)
    middle = time.perf_counter()
    backtest(large, as_of=LAST)
    assert middle - start < 15
    assert time.perf_counter() - middle < 60


def test_a_season_moves_money_of_today_in_time_and_adds_none():
    """Rows: balances of today, and two of what is billed later; 100 of today's can be collected."""
    cash = np.array([[60.0, 40.0], [10.0, 10.0]])
    moved = in_season(cash, np.array([0.5, 0.5]), 100.0)
    assert moved[0].sum() == pytest.approx(100) and moved[1].tolist() == [15.0, 15.0]
    assert in_season(cash, np.array([-0.5, 0.0]), 100.0)[0].tolist() == [30.0, 40.0]


@pytest.mark.parametrize(
    ("last", "factor"),
    [
        pytest.param(6200, 2.0, id="twice the billing: twice the charges, also of the days after the last month"),
        pytest.param(3100, 1.0, id="the billing of the last month goes on at its own level"),
    ],
)
def test_billing_that_is_given_scales_the_days_of_its_month_and_those_after_the_last(last, factor):
    """A hundred a day in a month of 30 days, one of 31 and sixty days after them."""
    month = np.repeat([0, 1, 2], [30, 31, 60])
    scaled = scaled_to(np.full((121, 1), 100.0), month, np.array([6000.0, last]))[:, 0]
    assert scaled[:30].tolist() == [200.0] * 30
    assert scaled[30:] == pytest.approx(100.0 * factor)


def test_billing_where_nothing_was_expected_stays_nothing():
    month = np.repeat([0, 1], [30, 60])
    charges = np.where(month == 0, 100.0, 0.0)[:, None]
    assert scaled_to(charges, month, np.array([6000.0]))[30:].tolist() == [[0.0]] * 60
