"""What can be asked of a report: every number to its claims, to the cent; how it moved; in an analyst's own words."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.errors import ParameterError, RcmError, TableError
from rcm_analysis.measures.menu import menu
from rcm_analysis.notebook import own_tables
from rcm_analysis.notebook.questions import NO_CLAIM
from rcm_analysis.periods import Period

BY_CLAIM = [name for name, one in menu().items() if "by" in one.parameters]
OF_SOMETHING_ELSE = {
    "correct_posting", "quality_scores", "eob_interpretation", "third_next_available", "intake_completeness",
    "social_needs_asked", "navigation_coverage", "satisfaction", "net_promoter", "survey_response_rate",
    "feedback_themes", "feedback_answered_in_time", "readmissions", "emergency_visits", "reported_aging",
    "care_plan_adherence", "preferences_recorded", "care_denials", "referral_quality", "months_by_stage",
}  # fmt: skip
"""Measures of slots, surveys, people, member-months and balances by age, which are no claims."""


def cents_of(frame: pd.DataFrame) -> dict[str, int]:
    return {name: int(frame[name].sum()) for name in frame.columns if name.endswith("_cents") and "_per_" not in name}


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_CLAIM)
def test_the_claims_behind_a_measure_add_up_to_it_to_the_cent(report, name):
    if name in OF_SOMETHING_ELSE:
        with pytest.raises(ParameterError, match="cannot be told apart by claim_id"):
            report.claims(name)
        return
    whole, claims = report.measure(name, by=[]), report.claims(name)
    wanted = {key: cents for key, cents in cents_of(whole).items() if pd.api.types.is_integer_dtype(whole[key])}
    found = cents_of(claims)
    assert {key: found[key] for key in wanted} == wanted
    assert "claim_id" in claims and list(claims.columns)[:2] == ["claim_id", "service_on"]


@pytest.mark.slow
def test_the_claims_of_one_payer_add_up_to_that_payers_number(report):
    by_payer = report.measure("days_in_ar", by="payer").set_index("payer")
    payer = by_payer["ar_cents"].idxmax()
    claims = report.claims("days_in_ar", payer=payer)
    assert claims["ar_cents"].sum() == by_payer.loc[payer, "ar_cents"]
    assert claims["charge_cents"].sum() == by_payer.loc[payer, "charge_cents"]
    assert set(claims["payer"]) == {payer} and claims.total["days_in_ar"] == by_payer.loc[payer, "days_in_ar"]
    again = report.claims("days_in_ar", payer=report.subject.payer_name(payer))
    assert again["ar_cents"].tolist() == claims["ar_cents"].tolist(), "by its name as by its id"


@pytest.mark.slow
def test_what_belongs_to_no_single_claim_stands_in_a_row_of_its_own(report):
    claims = report.claims("credits_and_unapplied")
    if (claims["claim_id"] == NO_CLAIM).any():
        assert claims["claim_id"].iloc[-1] == NO_CLAIM


@pytest.mark.slow
def test_a_measure_that_lists_claims_is_its_own_list(report):
    claims = report.claims("open_claims")
    assert claims["open_cents"].sum() == report.measure("open_claims")["open_cents"].sum()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["days_in_ar", "cash", "initial_denial_rate_dollars_remitted", "aging"])
def test_a_trend_is_each_months_own_number(report, name):
    found = report.trend(name, months=3)
    for month in report.period.trailing(3).months():
        when = {"period": month} if "period" in menu()[name].parameters else {"as_of": month.last_day}
        own = report.measure(name, **when)
        rows = found[found["month"] == pd.Timestamp(month.first_day)].drop(columns="month").reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, pd.DataFrame(own), check_frame_type=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["days_in_ar", "cash", "net_collection_rate_posted", "open_balances"])
def test_a_comparison_adds_up_to_the_change_of_the_whole(report, name):
    then = report.period.shift(-3)
    found = report.compare(name, since=then.label, by="payer")
    value = menu()[name].value
    when = [{"period": one} if "period" in menu()[name].parameters else {"as_of": one.last_day}
            for one in (then, report.period)]  # fmt: skip
    old, new = (report.measure(name, **one)[value].iloc[0] for one in when)
    assert found["of_the_change"].sum() == pytest.approx(new - old, rel=1e-9, abs=1e-9)
    assert found.total["change"] == pytest.approx(new - old)
    sizes = found["of_the_change"].abs().tolist()
    assert sizes == sorted(sizes, reverse=True), "the largest move first"


@pytest.mark.slow
def test_a_median_has_no_share_in_the_whole(report):
    assert "of_the_change" not in report.compare("charge_lag", by="payer")


@pytest.mark.slow
def test_why_says_where_and_the_parts_of_denials_add_up(report):
    why = report.why("initial_denial_rate_dollars_remitted", since=report.period.shift(-1).label)
    old, new = (
        report.measure("denial_reasons", period=month, by=["category"]).query("category != 'duplicate'")
        for month in (report.period.shift(-1), report.period)
    )
    assert why.table["now_cents"].sum() == new["denied_cents"].sum()
    assert why.table["then_cents"].sum() == old["denied_cents"].sum()
    other = report.why("days_in_ar")
    assert "By payer:" in other.said[0].text and set(other.table["by"]) == {"payer", "provider", "location"}


# ---------------------------------------------------------------- in an analyst's own words
@pytest.mark.slow
def test_one_column_is_a_word_and_days_and_months_are_texts(report):
    day, month = report.period.shift(-1).last_day, report.period.shift(-1)
    assert report.measure("days_in_ar", by="payer").equals(report.measure("days_in_ar", by=["payer"]))
    assert report.measure("days_in_ar", as_of=day.isoformat()).equals(report.measure("days_in_ar", as_of=day))
    assert report.measure("cash", period=month.label).equals(report.measure("cash", period=month))
    two = Period(month.first_day, report.period.end)
    assert report.measure("cash", period=f"{month.label} to {report.period.label}").equals(
        report.measure("cash", period=two)
    )


@pytest.mark.slow
def test_what_is_kept_is_a_column_of_claims(report):
    by = report.measure("charges", by=["payer", "location"])
    payer, place = by.loc[0, "payer"], by.loc[0, "location"]
    kept = report.measure("charges", payer=payer, location=place)
    assert kept["charge_cents"].tolist() == [by.loc[0, "charge_cents"]]
    assert report.measure("charges", payer="").equals(report.measure("charges")), "nothing given keeps everything"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ask", "words"),
    [
        pytest.param(lambda r: r.measure("charges", payer="nobody"), "No claim has the payer 'nobody'", id="payer"),
        pytest.param(lambda r: r.measure("charges", payr="x"), "takes no payr.*Closest: payer", id="option"),
        pytest.param(lambda r: r.measure("charges", by="colour"), "cannot be told apart by colour", id="column"),
        pytest.param(lambda r: r.measure("quality_scores", by="claim_id"), "cannot be told apart", id="no claims"),
        pytest.param(lambda r: r.measure("cash", period="Oct"), "YYYY-MM", id="month"),
        pytest.param(lambda r: r.trend("cash", by="payer", as_if=1), "takes no as_if", id="trend"),
        pytest.param(lambda r: r.claims("payer_scorecard"), "has no claims behind it", id="not of claims"),
        pytest.param(lambda r: r.sql("select * from clams"), "DuckDB cannot answer.*Closest: claims", id="sql"),
        pytest.param(lambda r: r.sql(" "), "begins with select", id="no question"),
        pytest.param(lambda r: r.measure(None), "No measure None", id="no name"),
        pytest.param(lambda r: r.measure("cash", by=3), "by names a column", id="no column"),
        pytest.param(lambda r: r.trend("cash", months="13"), "months is a whole number", id="no count"),
        pytest.param(lambda r: r.trend("cash", months=0), "months is a whole number", id="no month"),
        pytest.param(
            lambda r: r.measure("cash").first("cahs_cents"), "no column 'cahs_cents'.*Closest: cash_cents", id="first"
        ),
        pytest.param(lambda r: r.measure("cash").largest("x", "cash_cents"), "no column 'x'", id="largest"),
        pytest.param(lambda r: r.measure("cash").to_excel("days"), "ends in .xlsx", id="file name"),
        pytest.param(lambda r: r.measure("cash").to_excel("no/such.xlsx"), "cannot be written: No such", id="folder"),
        pytest.param(lambda r: r.review.agin(), "no page 'agin'.*Closest: aging", id="page"),
        pytest.param(lambda r: r.apart("agin"), "no page 'agin'", id="page apart"),
        pytest.param(lambda r: r.tables.clams, "no table 'clams'.*Closest: claims", id="table"),
        pytest.param(lambda r: r.tables["clams"], "^no table 'clams'", id="table by name"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_way_out(report, ask, words):
    with pytest.raises(RcmError, match=words) as stopped:
        ask(report)
    assert stopped.value._render_traceback_() == [f"{type(stopped.value).__name__}: {stopped.value}"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "ask",
    [
        lambda r: r.measure("cash", period="2010-01"),
        lambda r: r.measure("days_in_ar", as_of="2010-01-31"),
        lambda r: r.measure("days_in_ar", as_of=r.as_of + dt.timedelta(days=1)),
        lambda r: r.claims("cash", period=r.period.shift(1)),
        lambda r: r.compare("cash", since="2010-01", by="payer"),
        lambda r: r.compare("cash", since=r.period),
        lambda r: r.why("cash", since=r.period.shift(1)),
        lambda r: r.why("charges", since="2010-01"),
    ],
)
def test_a_month_of_which_nothing_is_known_is_no_month_of_zeros(report, ask):
    with pytest.raises(ParameterError, match="What this report knows begins on"):
        ask(report)


@pytest.mark.slow
def test_a_trend_begins_with_the_first_month_that_has_records(report):
    first = report.tables.transactions["posted_on"].min()
    found = report.trend("cash", months=400)
    assert pd.Timestamp(found["month"].iloc[0]) == pd.Timestamp(first).replace(day=1)
    assert f"Nothing is known of months before {first:%B %Y}." in found.block().notes
    assert found.about.title.endswith(f"{len(found)} months") and not report.trend("cash", months=2).block().notes


@pytest.mark.slow
def test_whatever_sql_gives_is_shown_and_written(report, tmp_path):
    found = report.sql("select [1, 2] as l, {'a': 1} as s, interval 3 day as i, null as n, 1e300 as big, true as b")
    assert found.block().text[0][:2] == ("[1, 2]", "{'a': 1}") and "[1, 2]" in repr(found)
    found.to_excel(tmp_path / "odd.xlsx")


@pytest.mark.slow
def test_what_tab_offers(report, made):
    assert {"measure", "claims", "trend", "compare", "why", "sql", "apart", "review"} <= set(dir(report))
    assert "claims" in dir(report.tables) and "claims" in report.tables._ipython_key_completions_()
    assert made._ipython_key_completions_() == made.clients() and made["tx-docs"].client == "tx-docs"
    rows = report.tables.claims
    assert isinstance(rows, pd.DataFrame) and len(rows) == report.tables["claims"].collect().height


# ---------------------------------------------------------------- an analyst's own frames
POSTED = pd.DataFrame(
    {
        "client": ["a"] * 2, "transaction_id": ["1", "2"], "claim_id": ["9"] * 2, "kind": ["charge", "payment"],
        "party": ["primary"] * 2, "amount_cents": [50000, -20000], "happened_on": ["2026-03-01"] * 2,
        "posted_on": ["2026-03-01", "2026-03-20"],
    }
)  # fmt: skip
CLAIMS = pd.DataFrame(
    {
        "client": ["a"], "claim_id": ["9"], "claim_type": ["professional"], "payer": ["acme"],
        "service_on": pd.to_datetime(["2026-03-01"]), "entered_on": pd.to_datetime(["2026-03-01"]),
        "charge_cents": [50000],
    }
)  # fmt: skip


def test_own_frames_are_tables_for_any_measure():
    import rcm_analysis as rcm

    tables = own_tables({"transactions": POSTED, "claims": CLAIMS})
    found = rcm.measures.open_balances(tables, as_of=dt.date(2026, 3, 31), by=["payer"])
    assert found[["payer", "ar_cents"]].to_numpy().tolist() == [["acme", 30000]]
    assert rcm.measures.denial_reasons(tables, period=Period.month("2026-03")).empty


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        pytest.param({"transaction": POSTED}, "No table is called transaction. Closest: transactions", id="a name"),
        pytest.param({"transactions": POSTED.drop(columns="kind")}, "'kind'.*missing|missing.*kind", id="a column"),
        pytest.param(
            {"transactions": POSTED.assign(amount_cents=[500.25, -200.0])}, "holds fractions.*whole cents", id="dollars"
        ),
        pytest.param({"transactions": POSTED.assign(posted_on="3/1/26")}, "posted_on", id="days in another form"),
        pytest.param({}, "Give at least one frame", id="nothing"),
    ],
)
def test_own_frames_that_lack_something_are_refused_with_what(frames, words):
    with pytest.raises(RcmError, match=words):
        own_tables(frames)


def test_a_missing_column_is_said_as_the_schema_says_it():
    with pytest.raises(TableError, match="Your frame 'transactions' is not a 'transactions' table"):
        own_tables({"transactions": POSTED.drop(columns=["kind", "posted_on"])})
