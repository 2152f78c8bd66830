"""What a report is asked, over four claims that fit on a napkin: every number checked by hand.

July: Aetna owes 1,000 of 1,000 charged, Cigna paid its 500: 90 x 1,000 / 1,500 = 60 days in AR.
October: Aetna owes 600, Cigna 300; 600 and 1,200 were charged in the 90 days before: 90 x 900 / 1,800 = 45 days.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders.acorn import OCTOBER, subject_of
from builders.ledger_tables import claim, post, tables
from rcm_analysis.errors import ParameterError
from rcm_analysis.notebook.opening import Report

POSTINGS = [
    post("1", "charge", 100000, "2026-07-01"), post("1", "payment", -40000, "2026-08-15"),
    post("2", "charge", 50000, "2026-07-10", payer="cigna"), post("2", "payment", -50000, "2026-07-30", payer="cigna"),
    post("3", "charge", 60000, "2026-09-01"), post("3", "payment", -60000, "2026-09-20"),
    post("4", "charge", 120000, "2026-09-05", payer="cigna"), post("4", "payment", -90000, "2026-10-05", payer="cigna"),
]  # fmt: skip
CLAIMS = [claim("1"), claim("2", payer="cigna"), claim("3"), claim("4", payer="cigna", location="annex")]


@pytest.fixture(scope="module")
def report() -> Report:
    held = tables(
        post("0", "charge", 1, "2026-01-02"), post("0", "payment", -1, "2026-01-03"), *POSTINGS, claims=CLAIMS
    )
    return Report(replace(subject_of({}, OCTOBER), tables=held), review=None)


def test_the_claims_behind_the_days(report):
    found = report.claims("days_in_ar")
    assert found[["claim_id", "ar_cents"]].values.tolist()[:2] == [["1", 60000], ["4", 30000]]
    assert (found["ar_cents"].sum(), found["charge_cents"].sum(), found.total["days_in_ar"]) == (90000, 180000, 45)
    cash = report.claims("cash")
    assert cash[["claim_id", "payer", "location", "cash_cents"]].values.tolist() == [["4", "cigna", "annex", 90000]]
    assert report.claims("cash", payer="aetna").empty


def test_a_trend_month_by_month(report):
    found = report.trend("cash", months=4)
    assert found["month"].dt.month.tolist() == [7, 8, 9, 10]
    assert found["cash_cents"].tolist() == [50000, 40000, 60000, 90000]
    assert report.trend("days_in_ar", months=4)["days_in_ar"].iloc[[0, -1]].tolist() == [60, 45]
    by_payer = report.trend("cash", months=2, by="payer")
    assert by_payer[["payer", "cash_cents"]].values.tolist() == [["aetna", 60000], ["cigna", 90000]]


def test_then_and_now_and_the_parts_of_the_change(report):
    found = report.compare("days_in_ar", since="2026-07", by="payer").set_index("payer")
    assert found[["days_in_ar_then", "days_in_ar_now"]].values.tolist() == [[90, 90], [0, 22.5]]
    assert found["by_top"].tolist() == pytest.approx([-22, 16.5])
    assert found["by_base"].tolist() == pytest.approx([38 / 3, -66.5 / 3])
    assert found["of_the_change"].tolist() == pytest.approx([-28 / 3, -17 / 3])
    cash = report.compare("cash", since="2026-07", by="payer")
    assert cash[["payer", "of_the_change"]].values.tolist() == [["cigna", 40000]]


def test_why_adds_up_by_payer_and_by_place(report):
    why = report.why("days_in_ar", since="2026-07")
    sums = why.table.groupby("by")[["by_top", "by_base", "of_the_change"]].sum()
    assert set(sums.index) == {"payer", "provider", "location"}
    for name, whole in (("by_top", -5.5), ("by_base", -9.5), ("of_the_change", -15)):
        assert sums[name].tolist() == pytest.approx([whole] * 3)
    assert "60.0 in July 2026, 45.0 in October 2026 (-15.0: Receivable -5.5 and Charge -9.5)" in why.said[0].text


def test_rows_of_a_measures_own_are_told_apart_and_add_up(report):
    found = report.compare("aging", since="2026-07", by="payer")
    assert not found.duplicated(["payer", "bucket"]).any()
    assert found["of_the_change"].sum() == found.total["change"] == -10000
    parts = report.why("aging", since="2026-07").table
    assert parts[parts["by"] == "payer"].set_index("part")["of_the_change"].to_dict() == {
        "aetna": -40000,
        "cigna": 30000,
    }


def test_more_than_three_parts_are_three_and_all_others(report):
    postings = [
        post(str(n), "charge", cents, "2026-10-01", payer=f"p{n}") for n, cents in enumerate((90, 70, 50, 30, 10))
    ]
    held = tables(*postings, claims=[claim(str(n), payer=f"p{n}") for n in range(5)])
    parts = Report(replace(report.subject, tables=held), review=None).why("charges").table
    told = parts[parts["by"] == "payer"][["part", "of_the_change"]].values.tolist()
    assert told == [["p0", 90], ["p1", 70], ["p2", 50], ["Everything else", 40]]


@pytest.mark.parametrize("name", ["emergency_visits", "policy_breaches"])
def test_what_cannot_be_compared_is_refused_in_a_sentence(report, name):
    with pytest.raises(ParameterError):
        report.why(name)
