"""The CARC list: complete, consistent, and true to the public numbers and dates."""

from __future__ import annotations

import datetime as dt

import narwhals.stable.v2 as nw
import polars as pl
import pytest

from rcm_analysis.tables.reference import carc

ROWS = carc.carc_categories()


def family(code: str) -> str:
    return ROWS.filter(pl.col("code") == code)["family"].item()


def category(code: str) -> str:
    return ROWS.filter(pl.col("code") == code)["category"].item()


def test_each_code_stands_once_with_a_known_family_and_stage():
    assert ROWS["code"].is_unique().all()
    assert set(ROWS["family"]) == set(carc.FAMILIES)
    assert set(ROWS["preventable_stage"]) <= set(carc.STAGES)
    assert ROWS.select("code", "category", "note", "source").null_count().sum_horizontal().item() == 0


def test_each_denial_category_has_a_place_in_the_priority():
    denials = set(ROWS.filter(pl.col("family") == "denial")["category"])
    assert denials == set(carc.PRIORITY)


def test_what_cannot_be_a_denial_is_not_actionable():
    others = ROWS.filter(pl.col("family") != "denial", pl.col("category") != "other_payer")
    assert not others["is_actionable"].any()


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        pytest.param("253", ("non_denial", "program_reduction"), id="sequestration is a reduction and not a denial"),
        pytest.param(
            "23", ("cob", "prior_payer_info"), id="what the prior payer did is neither denial nor contractual"
        ),
        pytest.param("45", ("non_denial", "contractual"), id="above the fee schedule is contractual"),
        pytest.param("97", ("denial", "bundling"), id="97 is bundling, whatever some pages say"),
        pytest.param("204", ("denial", "non_covered"), id="204 is not covered, not an authorization"),
        pytest.param("252", ("denial", "documentation"), id="252 asks for documentation"),
        pytest.param("18", ("denial", "duplicate"), id="18 is a duplicate"),
        pytest.param("B13", ("denial", "duplicate"), id="B13 is a duplicate"),
        pytest.param("B4", ("non_denial", "program_reduction"), id="a late-filing penalty is not a denial"),
        pytest.param("29", ("denial", "timely_filing"), id="29 is timely filing"),
        pytest.param("133", ("pend", "pend"), id="133 is open until reviewed"),
        pytest.param("22", ("denial", "other_payer"), id="22 is a denial for the right payer"),
        pytest.param("209", ("cob", "other_payer"), id="209 goes on to the next payer"),
        pytest.param("2", ("non_denial", "patient_responsibility"), id="coinsurance is the patient's"),
        pytest.param("16", ("denial", "documentation"), id="16 is missing information"),
        pytest.param("1", ("non_denial", "patient_responsibility"), id="the deductible is the patient's"),
    ],
)
def test_codes_that_are_often_mistaken(code, wanted):
    assert (family(code), category(code)) == wanted


def test_a_code_that_is_not_on_the_list_is_unmapped():
    frame = nw.from_native(pl.DataFrame({"carc": ["197", "ZZ9", "45", "0197"]}).lazy())
    named = frame.with_columns(category=carc.category_of(nw.col("carc"))).collect()
    assert named["category"].to_list() == ["authorization", "unmapped", "contractual", "unmapped"]


def test_every_listed_code_gets_its_own_category_from_the_expression():
    frame = nw.from_native(ROWS.select("code", pl.col("category").alias("wanted")).lazy())
    named = frame.with_columns(category=carc.category_of(nw.col("code"))).collect()
    assert named["category"].to_list() == named["wanted"].to_list()


def test_the_priority_puts_unlisted_categories_last():
    frame = nw.from_native(pl.DataFrame({"category": ["timely_filing", "duplicate", "unmapped"]}).lazy())
    places = frame.with_columns(place=carc.priority_of(nw.col("category"))).collect()["place"].to_list()
    assert places == [1, len(carc.PRIORITY), len(carc.PRIORITY) + 1]


def test_numbers_and_days_agree_with_the_public_list(samples):
    public = pl.read_csv(samples / "tables" / "carc_rarc_codes" / "carc_codes.csv", infer_schema=False)
    day = {name: pl.col(name).str.to_date("%m/%d/%Y") for name in ("effective_date", "deactivation_date")}
    both = ROWS.join(public.with_columns(**day), on="code")
    assert both.height > 150
    assert both["valid_from"].equals(both["effective_date"].alias("valid_from"), null_equal=True)
    assert both["valid_to"].equals(both["deactivation_date"].alias("valid_to"), null_equal=True)
    newer = ROWS.join(public, on="code", how="anti")
    assert newer["valid_from"].null_count() == newer.height, "a code without a public day must not carry one"
    assert set(ROWS.filter(pl.col("valid_to") < dt.date(2010, 1, 1))["code"]) == {"17", "42", "A2"}
