"""How claims end: worked examples, laws, other people's estimators, and a set of invoices whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rcm_analysis.errors import ParameterError
from rcm_analysis.models.statistics.estimators import cumulative_incidence, day_by_which, kaplan_meier, share_by
from rcm_analysis.models.worklist.chances import IncidenceCurves

ENDS = ["paid", "denied", "written_off"]
CLAIMS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([*ENDS, "open"]), st.integers(1, 900)), min_size=1, max_size=60
)


def simulated(seed: int, size: int = 6000) -> pd.DataFrame:
    """86 % are paid, 10 % denied, 4 % written off in the end; half the claims are seen for less than 120 days."""
    rng = np.random.default_rng(seed)
    end = rng.choice(ENDS, size, p=[0.86, 0.10, 0.04])
    days = {
        "paid": rng.lognormal(3.4, 0.6, size),
        "denied": rng.lognormal(3.9, 0.5, size),
        "written_off": 90 + 60 * rng.random(size),
    }
    day = np.select([end == name for name in ENDS], [np.floor(days[name]) for name in ENDS]).astype(int)
    watched = rng.integers(0, 400, size)
    return pd.DataFrame(
        {
            "days": np.minimum(day, watched),
            "end": np.where(day <= watched, end, "open"),
            "truth": end,
            "watched": watched,
        }
    )


@pytest.mark.parametrize(
    ("days", "end", "shares"),
    [
        pytest.param([5], ["open"], (0, 0, 0, 1), id="one open claim says nothing"),
        pytest.param([0], ["paid"], (1, 0, 0, 0), id="a payment on the day of the bill counts"),
        pytest.param([3, 3], ["paid", "denied"], (0.5, 0.5, 0, 0), id="two ends on one day share it"),
        pytest.param([3, 3], ["paid", "open"], (0.5, 0, 0, 0.5), id="a claim cut off on day 3 is at risk on day 3"),
        pytest.param([2, 3], ["open", "paid"], (1, 0, 0, 0), id="a claim cut off before says nothing about later days"),
        pytest.param(
            [1, 2, 4], ["denied", "open", "paid"], (2 / 3, 1 / 3, 0, 0), id="who is left stands for who was cut off"
        ),
        pytest.param([1, 2], ["written_off", "written_off"], (0, 0, 1, 0), id="nothing is ever paid"),
    ],
)
def test_shares_worked_by_hand(days, end, shares):
    last = cumulative_incidence(days, end).iloc[-1]
    assert [last[name] for name in (*ENDS, "open")] == pytest.approx(list(shares))


def test_one_row_for_every_day():
    table = cumulative_incidence([2, 7], ["paid", "open"])
    assert table["day"].tolist() == list(range(8))
    assert table["at_risk"].tolist() == [2, 2, 2, 1, 1, 1, 1, 1]


COLUMNS = [
    pytest.param(tuple, tuple, id="tuples"),
    pytest.param(iter, iter, id="what can be read once"),
    pytest.param(np.array, np.array, id="arrays"),
    pytest.param(
        lambda days: np.array(days, dtype=float), lambda end: np.array(end, dtype=object), id="floats and objects"
    ),
    pytest.param(
        lambda days: pd.Series(days, index=[9, 9, 8, 2, 1]),
        lambda end: pd.Series(end, index=list("edcba")),
        id="columns with other indexes",
    ),
    pytest.param(
        lambda days: pd.Series(days, dtype="Int64"),
        lambda end: pd.Series(end, dtype="category"),
        id="nullable and categorical columns",
    ),
    pytest.param(pd.Index, lambda end: pd.Series(end, dtype="string"), id="an index and a string column"),
    pytest.param(pl.Series, lambda end: pl.Series(end, dtype=pl.Categorical), id="polars columns"),
    pytest.param(
        lambda days: pl.Series(days, dtype=pl.Int16),
        lambda end: pl.Series(end, dtype=pl.Enum(sorted(set(end)))),
        id="polars enumerations",
    ),
]


@pytest.mark.parametrize(("as_days", "as_end"), COLUMNS)
def test_whatever_holds_the_claims_the_shares_are_the_same(as_days, as_end):
    days, end, cents = [0, 3, 3, 5, 5], ["paid", "denied", "paid", "open", "written_off"], [100, 200, 300, 400, 500]
    expected = cumulative_incidence(days, end)
    pd.testing.assert_frame_equal(cumulative_incidence(as_days(days), as_end(end)), expected)
    weighed = cumulative_incidence(as_days(days), as_end(end), weight=as_days(cents))
    pd.testing.assert_frame_equal(weighed, cumulative_incidence(days, end, weight=cents))
    # By hand: of 15 dollars 1 paid on day 0; of 14, 3 paid and 2 denied on day 3; of 9, 5 written off on day 5.
    assert weighed.iloc[-1][[*ENDS, "open"]].tolist() == pytest.approx(
        [1 / 15 + 14 / 15 * 3 / 14, 14 / 15 * 2 / 14, 9 / 15 * 5 / 9, 4 / 15]
    )


def test_claims_that_weigh_nothing_change_nothing():
    table = cumulative_incidence([1, 2, 2], ["paid", "paid", "open"], weight=[0, 1, 3])
    assert table["at_risk"].tolist() == [4, 4, 4]
    assert table["paid"].tolist() == [0, 0, 0.25]
    nothing = cumulative_incidence([1, 2], ["paid", "open"], weight=[0, 0])
    assert nothing[["paid", "open"]].values.tolist() == [[0, 1]] * 3


def test_no_claims_no_rows():
    assert cumulative_incidence([], []).columns.tolist() == ["day", "at_risk", *ENDS, "open"]
    assert len(kaplan_meier([], [])) == 0


def test_passed_on_to_the_patient_has_a_column_where_it_occurs():
    table = cumulative_incidence([1, 2], ["patient", "paid"])
    assert table["patient"].iloc[-1] == 0.5
    assert table[[*ENDS, "patient", "open"]].sum(axis=1).tolist() == pytest.approx([1, 1, 1])


def test_dollars_weigh_claims():
    table = cumulative_incidence([1, 2], ["paid", "denied"], weight=[300, 100])
    assert table["at_risk"].tolist() == [400, 400, 100]
    assert table["paid"].iloc[-1] == 0.75


def test_claims_watched_from_a_later_age_stand_in_from_there_only():
    table = cumulative_incidence([1, 2, 5], ["paid", "paid", "denied"], entry=[0, 0, 3])
    assert table["at_risk"].tolist() == [2, 2, 1, 1, 1, 1]
    everyone = cumulative_incidence([4, 9, 9], ["paid", "denied", "open"], entry=[0, 0, 0])
    pd.testing.assert_frame_equal(everyone, cumulative_incidence([4, 9, 9], ["paid", "denied", "open"]))


@settings(max_examples=60)
@given(CLAIMS)
def test_shares_sum_to_one_and_never_fall(claims):
    days, end, cents = zip(*claims, strict=True)
    for weight in (None, cents):
        table = cumulative_incidence(days, end, weight=weight)
        assert np.abs(table[[*ENDS, "open"]].sum(axis=1) - 1).max() <= 1e-12
        assert (table[ENDS].diff().fillna(0) >= -1e-15).all().all()
        assert (table[[*ENDS, "open"]] >= 0).all().all()


@settings(max_examples=30)
@given(CLAIMS, st.randoms(use_true_random=False))
def test_order_of_claims_unit_of_weights_and_names_of_ends_do_not_matter(claims, random):
    days, end, cents = zip(*claims, strict=True)
    table = cumulative_incidence(days, end, weight=cents)
    shuffled = list(claims)
    random.shuffle(shuffled)
    again = cumulative_incidence(
        *zip(*[(day, name) for day, name, _ in shuffled], strict=True), weight=[c for *_, c in shuffled]
    )
    pd.testing.assert_frame_equal(table, again)
    scaled = cumulative_incidence(days, end, weight=np.array(cents) / 100)
    pd.testing.assert_frame_equal(table.drop(columns="at_risk"), scaled.drop(columns="at_risk"))
    turned = {"paid": "denied", "denied": "written_off", "written_off": "paid", "open": "open"}
    other = cumulative_incidence(days, [turned[name] for name in end], weight=cents)
    for name, new in turned.items():
        np.testing.assert_allclose(table[name], other[new], atol=1e-14)


@settings(max_examples=30)
@given(CLAIMS)
def test_twice_every_claim_and_one_weight_for_all_change_nothing(claims):
    days, end, _ = zip(*claims, strict=True)
    once, twice = cumulative_incidence(days, end), cumulative_incidence(days * 2, end * 2)
    np.testing.assert_allclose(once[[*ENDS, "open"]], twice[[*ENDS, "open"]], atol=1e-14)
    np.testing.assert_allclose(
        once[[*ENDS, "open"]], cumulative_incidence(days, end, weight=[7] * len(days))[[*ENDS, "open"]], atol=1e-13
    )
    np.testing.assert_allclose(kaplan_meier(days, end)["open"], once["open"], atol=1e-14)


def test_old_claims_are_less_likely_to_be_paid_and_the_parts_make_the_whole():
    """`IncidenceCurves.given_open` against claims that were watched from an age on."""
    claims = simulated(3)
    table = cumulative_incidence(claims["days"], claims["end"])
    ages = pd.Series([0, 30, 45, 60, 90])
    shares, _ = IncidenceCurves(claims.assign(stream="all")).given_open(pd.Series("all", index=ages.index), ages)
    assert list(shares) == sorted(shares, reverse=True)
    whole = share_by(table, 45) + share_by(table, 45, "open") * shares[2]
    assert whole == pytest.approx(table["paid"].iloc[-1], abs=1e-14)
    still = claims[(claims["days"] > 45) & (claims["watched"] > 45)]
    alone = cumulative_incidence(still["days"], still["end"], entry=[46] * len(still))
    assert shares[2] == pytest.approx(alone["paid"].iloc[-1], abs=1e-12)


def test_denials_left_open_promise_money_that_never_comes():
    claims = simulated(1)
    paid = cumulative_incidence(claims["days"], claims["end"])["paid"].iloc[-1]
    wrong = 1 - kaplan_meier(claims["days"], claims["end"].where(claims["end"] == "paid", "open"))["open"].iloc[-1]
    assert paid == pytest.approx(0.86, abs=0.02)
    assert wrong > 0.96


def test_the_truth_is_found_again():
    found = [
        cumulative_incidence(c["days"], c["end"]).iloc[-1][ENDS].tolist()
        for c in (simulated(seed, 1500) for seed in range(30))
    ]
    assert np.mean(found, axis=0) == pytest.approx([0.86, 0.10, 0.04], abs=0.006)


def test_intervals_hold_what_they_promise():
    rng, inside = np.random.default_rng(5), 0
    for _ in range(300):
        days, watched = rng.geometric(0.05, 150), rng.integers(0, 60, 150)
        table = kaplan_meier(np.minimum(days, watched), np.where(days <= watched, "paid", "open"))
        low, high = table[["low", "high"]].iloc[20]
        inside += low <= 0.95**20 <= high
    assert 0.91 <= inside / 300 <= 0.985


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param({"days": [-1], "end": ["paid"]}, "position 0", id="paid before it was billed"),
        pytest.param({"days": [1.5], "end": ["paid"]}, "whole days", id="half a day"),
        pytest.param({"days": [float("nan")], "end": ["open"]}, "whole days", id="no age"),
        pytest.param({"days": [1, 2], "end": ["paid"]}, "one word per claim", id="an end is missing"),
        pytest.param({"days": [1], "end": ["payed"]}, "Closest: paid", id="a word that is none"),
        pytest.param({"days": [1], "end": [None]}, "1 of 1", id="no end"),
        pytest.param({"days": [1, 2], "end": ["open", ["paid"]]}, "1 of 2", id="a list for an end"),
        pytest.param({"days": [1], "end": "paid"}, "a single word", id="one word for all"),
        pytest.param({"days": 3, "end": ["paid"]}, "a single value", id="one day for all"),
        pytest.param({"days": ["soon"], "end": ["paid"]}, "should hold numbers", id="words for days"),
        pytest.param({"days": np.array([1], "timedelta64[h]"), "end": ["paid"]}, "found durations", id="hours"),
        pytest.param({"days": pd.to_datetime(["2026-01-01"]), "end": ["paid"]}, "found dates", id="dates"),
        pytest.param(
            {"days": [-1, None, 0.5, 1e9], "end": ["paid"] * 4},
            "1 missing, 1 below zero, 1 too large, 1 not whole",
            id="all at once",
        ),
        pytest.param({"days": [1], "end": ["paid"], "weight": 2.0}, "a single value", id="one weight for all"),
        pytest.param(
            {"days": [1, 1], "end": ["paid"] * 2, "weight": [float("inf"), None]},
            "1 missing, 1 too large",
            id="endless dollars",
        ),
        pytest.param({"days": [1], "end": ["paid"], "weight": [-5]}, "zero or more", id="negative dollars"),
        pytest.param({"days": [1], "end": ["paid"], "weight": [1, 2]}, "one number per claim", id="too many weights"),
        pytest.param(
            {"days": [1], "end": ["paid"], "entry": [2]}, "before they were watched", id="gone before it was watched"
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(arguments, says):
    with pytest.raises(ParameterError, match=says):
        cumulative_incidence(**arguments)


def test_scipy_agrees_on_what_is_open():
    stats = pytest.importorskip("scipy.stats")
    claims = simulated(2)
    ended = claims["end"] != "open"
    theirs = stats.ecdf(stats.CensoredData.right_censored(claims["days"], ~ended)).sf
    ours = kaplan_meier(claims["days"], claims["end"])
    np.testing.assert_allclose(
        ours.set_index("day").loc[theirs.quantiles.astype(int), "open"], theirs.probabilities, atol=1e-14
    )


@pytest.mark.oracle
def test_lifelines_agrees_on_what_is_open_and_its_interval():
    lifelines = pytest.importorskip("lifelines")
    claims = simulated(2)
    theirs = lifelines.KaplanMeierFitter().fit(claims["days"], claims["end"] != "open")
    ours = kaplan_meier(claims["days"], claims["end"]).set_index("day")
    days = theirs.survival_function_.index[1:].astype(int)
    np.testing.assert_allclose(ours.loc[days, "open"], theirs.survival_function_.iloc[1:, 0], atol=1e-13)
    band = theirs.confidence_interval_.loc[days]
    inside = ours.loc[days, "low"].notna().to_numpy()
    np.testing.assert_allclose(ours.loc[days, "low"][inside], band.iloc[:, 0][inside], atol=1e-10)
    np.testing.assert_allclose(ours.loc[days, "high"][inside], band.iloc[:, 1][inside], atol=1e-10)


@pytest.mark.oracle
def test_lifelines_agrees_on_each_end():
    """Without ties it is exact; lifelines loses ends at 0 days, so that all days are moved by one."""
    lifelines = pytest.importorskip("lifelines")
    rng = np.random.default_rng(8)
    days = rng.permutation(3000)
    end = rng.choice([*ENDS, "open"], 3000, p=[0.6, 0.1, 0.05, 0.25])
    ours = cumulative_incidence(days, end)
    codes = pd.Series(end).map({"open": 0, "paid": 1, "denied": 2, "written_off": 3})
    for name, code in (("paid", 1), ("denied", 2), ("written_off", 3)):
        theirs = (
            lifelines.AalenJohansenFitter(calculate_variance=False)
            .fit(days + 1, codes, event_of_interest=code)
            .cumulative_density_
        )
        np.testing.assert_allclose(
            ours[name].to_numpy()[(theirs.index[1:] - 1).astype(int)], theirs.iloc[1:, 0], atol=1e-12
        )


@pytest.mark.oracle
def test_lifelines_agrees_within_its_jitter_where_days_tie():
    lifelines = pytest.importorskip("lifelines")
    claims = simulated(4)
    codes = claims["end"].map({"open": 0, "paid": 1, "denied": 2, "written_off": 3})
    theirs = lifelines.AalenJohansenFitter(calculate_variance=False, seed=1).fit(
        claims["days"] + 1, codes, event_of_interest=1
    )
    ours = cumulative_incidence(claims["days"], claims["end"])["paid"].iloc[-1]
    assert theirs.cumulative_density_.iloc[-1, 0] == pytest.approx(ours, abs=1e-3)


@pytest.fixture(scope="module")
def invoices(samples) -> pd.DataFrame:
    """Invoices of a public sample as they stood on 2013-06-30."""
    file = next((samples / "tables" / "ibm_accounts_receivable").glob("*.csv"))
    rows = pd.read_csv(file)
    billed, settled = (pd.to_datetime(rows[name], format="%m/%d/%Y") for name in ("InvoiceDate", "SettledDate"))
    cut = pd.Timestamp("2013-06-30")
    known = billed <= cut
    paid = (settled <= cut)[known]
    until = settled[known].where(paid, cut)
    return pd.DataFrame(
        {
            "days": (until - billed[known]).dt.days,
            "end": np.where(paid, "paid", "open"),
            "amount": rows.loc[known, "InvoiceAmount"],
        }
    )


def test_invoices_whose_truth_is_known(invoices):
    assert len(invoices) == 1930
    assert (invoices["end"] == "open").sum() == 84
    table = kaplan_meier(invoices["days"], invoices["end"])
    assert day_by_which(table, 0.5, "open") == 26
    assert share_by(table, 30, "open") == pytest.approx(0.3767, abs=5e-5)
    incidence = cumulative_incidence(invoices["days"], invoices["end"])
    assert 1 - share_by(incidence, 30) == pytest.approx(0.3767, abs=5e-5)
    assert invoices.loc[invoices["end"] == "paid", "days"].mean() < (1 - incidence["paid"]).sum()
