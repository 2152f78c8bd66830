"""Denial rates and reasons: the cases that decide what a denial is, and the laws every rate obeys."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.errors import ParameterError, TableError
from rcm_analysis.measures.collections import rates as collections
from rcm_analysis.measures.collections import written_off
from rcm_analysis.measures.denials import rates as denials
from rcm_analysis.measures.denials import reasons
from rcm_analysis.periods import Period

OCTOBER = Period.month("2026-10")
AS_OF = dt.date(2026, 10, 31)


@pytest.fixture
def b(builders_remit):
    return builders_remit


def claims_rate(given, **options):
    found = denials.initial_denial_rate_claims_remitted(given, period=OCTOBER, **options)
    return tuple(found.loc[0, ["denied_claims", "remitted_claims"]])


class TestClaimsRemitted:
    @pytest.mark.parametrize(
        ("make", "wanted"),
        [
            pytest.param(lambda b: [b.denied("C1"), b.paid("C2")], (1, 2), id="one of two"),
            pytest.param(
                lambda b: [b.denied("C1"), b.denied("C1", on="2026-10-20"), b.paid("C2")],
                (1, 2),
                id="a resubmission denied again counts once",
            ),
            pytest.param(
                lambda b: [b.denied("C1"), b.paid("C1", on="2026-10-20")],
                (1, 1),
                id="paid on resubmission was denied initially",
            ),
            pytest.param(
                lambda b: [b.denied("C1", on="2026-09-30"), b.denied("C1", on="2026-10-02")],
                (0, 0),
                id="first decided the month before",
            ),
            pytest.param(
                lambda b: [b.denied("C1", on="2026-10-01"), b.denied("C2", on="2026-10-31")],
                (2, 2),
                id="first and last day of the month",
            ),
            pytest.param(
                lambda b: [b.denied("C1", on="2026-11-01"), b.paid("C2", on="2026-09-30")],
                (0, 0),
                id="a day after and a day before",
            ),
            pytest.param(lambda b: [b.denied("C1", "18"), b.paid("C2")], (0, 1), id="a duplicate is in neither number"),
            pytest.param(lambda b: [b.denied("C1", "B13"), b.paid("C2")], (0, 1), id="so is B13"),
            pytest.param(
                lambda b: [b.denied("C1", status="25"), b.denied("C2", status="23")],
                (0, 0),
                id="predetermination and forwarding are no decisions",
            ),
            pytest.param(
                lambda b: [b.clp("C1", b.line(100, 0, b.cas("PR", "1", 100)), status="4")],
                (0, 1),
                id="status 4 with a deductible",
            ),
            pytest.param(lambda b: [b.clp("C1", b.line(100, 98, b.cas("CO", "253", 2)))], (0, 1), id="sequestration"),
            pytest.param(
                lambda b: [b.clp("C1", b.line(100, 0, b.cas("OA", "23", 100)), status="2")],
                (0, 1),
                id="prior payer paid all",
            ),
            pytest.param(
                lambda b: [b.clp("C1", b.line(100, 0, b.cas("CO", "45", 100)))],
                (0, 1),
                id="a whole-charge discount is surfaced elsewhere",
            ),
            pytest.param(
                lambda b: [b.clp("C1", b.line(100, 0, b.cas("PR", "96", 100)))], (0, 1), id="the patient's share"
            ),
            pytest.param(
                lambda b: [b.paid("C1", status="19"), b.denied("C1", status="2", on="2026-10-20")],
                (1, 2),
                id="the secondary of a crossover decides once more",
            ),
            pytest.param(
                lambda b: [b.paid("C1"), b.reversal(b.paid("C1"), "2026-10-20"), b.denied("C1", on="2026-10-20")],
                (0, 1),
                id="a takeback is no initial denial",
            ),
            pytest.param(lambda b: [], (0, 0), id="nothing at all"),
        ],
    )
    def test_what_counts(self, b, make, wanted):
        assert claims_rate(b.tables(*make(b))) == wanted

    def test_nothing_decided_gives_an_empty_rate(self, b):
        found = denials.initial_denial_rate_claims_remitted(b.tables(), period=OCTOBER)
        assert len(found) == 1 and pd.isna(found.loc[0, "initial_denial_rate_claims_remitted"])

    def test_denied_in_part_counts_unless_only_full_denials_are_asked_for(self, b):
        part = b.clp("C1", b.line(10000, 8000, b.cas("CO", "45", 2000)), b.line(5000, 0, b.cas("CO", "97", 5000)))
        given = b.tables(part, b.denied("C2"))
        assert claims_rate(given) == (2, 2)
        assert claims_rate(given, fully=True) == (1, 2)

    def test_patient_denials_on_request(self, b):
        given = b.tables(b.clp("C1", b.line(100, 0, b.cas("PR", "96", 100))))
        assert claims_rate(given, patient_denials=True) == (1, 1)

    def test_by_a_column_of_the_claim(self, b):
        given = b.tables(
            b.denied("C1"),
            b.paid("C2"),
            b.paid("C3"),
            claims=[{"claim_id": "C1", "provider": "lee"}, {"claim_id": "C2"}],
        )
        found = denials.initial_denial_rate_claims_remitted(given, period=OCTOBER, by=("provider",))
        assert found["provider"].tolist() == ["(none)", "lee"]
        assert found["denied_claims"].tolist() == [0, 1]
        assert found["remitted_claims"].tolist() == [2, 1]

    def test_by_month(self, b):
        given = b.tables(b.denied("C1", on="2026-09-10"), b.paid("C2"))
        found = denials.initial_denial_rate_claims_remitted(given, period=OCTOBER.trailing(2), by=("month",))
        assert found["month"].tolist() == [pd.Timestamp("2026-09-01"), pd.Timestamp("2026-10-01")]
        assert found["initial_denial_rate_claims_remitted"].tolist() == [1.0, 0.0]

    def test_an_unknown_column_is_named(self, b):
        with pytest.raises(TableError, match="moon"):
            denials.initial_denial_rate_claims_remitted(b.tables(b.paid("C1")), period=OCTOBER, by=("moon",))


class TestLinesAndDollarsRemitted:
    def test_lines_count_each(self, b):
        given = b.tables(
            b.clp("C1", b.line(100, 80, b.cas("CO", "45", 20)), b.line(50, 0, b.cas("CO", "97", 50))), b.paid("C2")
        )
        found = denials.initial_denial_rate_lines_remitted(given, period=OCTOBER)
        assert found.iloc[0, :2].tolist() == [1, 3]

    def test_a_duplicate_line_is_in_neither_number(self, b):
        given = b.tables(b.clp("C1", b.line(100, 80, b.cas("CO", "45", 20)), b.line(50, 0, b.cas("OA", "18", 50))))
        assert denials.initial_denial_rate_lines_remitted(given, period=OCTOBER).iloc[0, :2].tolist() == [0, 1]

    def test_a_claim_level_denial_denies_every_line(self, b):
        given = b.tables(b.clp("C1", b.line(100, 0), b.line(50, 0), adjustments=(b.cas("CO", "29", 150),)))
        assert denials.initial_denial_rate_lines_remitted(given, period=OCTOBER).iloc[0, :2].tolist() == [2, 2]

    def test_lines_of_a_resubmission_do_not_count(self, b):
        given = b.tables(b.denied("C1"), b.denied("C1", on="2026-10-20"))
        assert denials.initial_denial_rate_lines_remitted(given, period=OCTOBER).iloc[0, :2].tolist() == [1, 1]

    def test_dollars_are_the_denied_part_of_the_charges(self, b):
        given = b.tables(
            b.clp("C1", b.line(10000, 8000, b.cas("CO", "45", 2000)), b.line(5000, 0, b.cas("CO", "97", 5000))),
            b.paid("C2"),
        )
        found = denials.initial_denial_rate_dollars_remitted(given, period=OCTOBER)
        assert found.iloc[0].tolist() == [5000, 25000, 0.2]


def sent(claim: str, on: str, **other) -> dict:
    return {"claim_id": claim, "submitted_on": on, **other}


class TestSubmitted:
    def test_the_three_months_before_make_the_average(self, b):
        days = ["2026-06-30", "2026-07-01", "2026-08-15", "2026-09-30", "2026-10-01"]
        given = b.tables(b.denied("C1"), submissions=[sent(f"C{number}", day) for number, day in enumerate(days)])
        found = denials.initial_denial_rate_claims_submitted(given, period=OCTOBER)
        assert found.iloc[0].tolist() == [1, 3, 1.0]

    @pytest.mark.parametrize(
        ("submissions", "wanted"),
        [
            pytest.param(
                [sent("C1", "2026-08-01"), sent("C1", "2026-09-01", frequency="7")],
                1,
                id="a corrected claim counts once",
            ),
            pytest.param([sent("C1", "2026-06-01"), sent("C1", "2026-08-01")], 0, id="first sent before the window"),
            pytest.param(
                [sent("C1", "2026-08-01"), sent("C1", "2026-08-20", payer_order="secondary")],
                2,
                id="the secondary claim is another",
            ),
        ],
    )
    def test_what_was_submitted(self, b, submissions, wanted):
        found = denials.initial_denial_rate_claims_submitted(b.tables(submissions=submissions), period=OCTOBER)
        assert found.loc[0, "submitted_claims"] == wanted

    def test_dollars_take_the_whole_charge_of_a_claim_denied_in_part(self, b):
        part = b.clp("C1", b.line(10000, 8000, b.cas("CO", "45", 2000)), b.line(5000, 0, b.cas("CO", "97", 5000)))
        given = b.tables(
            part,
            submissions=[sent("C1", "2026-09-01", charge_cents=15000), sent("C2", "2026-08-01", charge_cents=30000)],
        )
        found = denials.initial_denial_rate_dollars_submitted(given, period=OCTOBER)
        assert found.iloc[0].tolist() == [15000, 45000, 1.0]

    def test_a_payer_that_only_was_sent_to_and_one_that_only_denied_both_stay(self, b):
        given = b.tables(b.denied("C1", payer="cigna"), submissions=[sent("C2", "2026-09-01", payer="aetna")])
        found = denials.initial_denial_rate_claims_submitted(given, period=OCTOBER, by=("payer",))
        assert found["payer"].tolist() == ["aetna", "cigna"]
        assert found["denied_claims"].tolist() == [0, 1]
        assert found["initial_denial_rate_claims_submitted"].isna().tolist() == [False, True]

    def test_no_months_within_a_rate_that_looks_back(self, b):
        with pytest.raises(ParameterError, match="one period at a time"):
            denials.initial_denial_rate_claims_submitted(b.tables(), period=OCTOBER, by=("month",))


class TestPrimaryDenialRate:
    @pytest.mark.parametrize(
        ("make", "wanted"),
        [
            pytest.param(lambda b: [b.denied("C1"), b.paid("C2")], [1, 2], id="one of two"),
            pytest.param(
                lambda b: [b.denied("C1"), b.denied("C1", on="2026-10-20")],
                [2, 2],
                id="each remittance counts, not each claim",
            ),
            pytest.param(
                lambda b: [b.clp("C1", b.line(100, 0, b.cas("PR", "1", 100)))],
                [1, 1],
                id="a deductible pays nothing too",
            ),
            pytest.param(
                lambda b: [b.denied("C1", status="2"), b.paid("C2")], [0, 1], id="secondary payers are left out"
            ),
            pytest.param(lambda b: [b.denied("C1", "18"), b.paid("C2")], [0, 1], id="duplicates are left out"),
            pytest.param(
                lambda b: [b.paid("C1"), b.reversal(b.paid("C1"), "2026-10-20")], [0, 1], id="reversals are left out"
            ),
            pytest.param(
                lambda b: [b.denied("C1", on="2026-10-03"), b.denied("C2", on="2026-10-04")],
                [1, 1],
                id="28 days that end on as_of",
            ),
            pytest.param(lambda b: [b.denied("C1", on="2026-11-01")], [0, 0], id="after as_of"),
        ],
    )
    def test_what_counts(self, b, make, wanted):
        found = denials.primary_denial_rate(b.tables(*make(b)), as_of=AS_OF)
        assert found.iloc[0, :2].tolist() == wanted


class TestReasons:
    def test_a_claim_stands_under_each_of_its_reasons(self, b):
        given = b.tables(
            b.clp(
                "C1", b.line(100, 0, b.cas("CO", "97", 60), b.cas("CO", "50", 40)), b.line(50, 0, b.cas("CO", "97", 50))
            )
        )
        found = reasons.denial_reasons(given, period=OCTOBER, by=("category", "carc"))
        assert found.drop(columns="denied_share").values.tolist() == [
            ["bundling", "97", 1, 2, 110],
            ["medical_necessity", "50", 1, 1, 40],
        ]
        assert found["denied_share"].sum() == pytest.approx(1)

    def test_duplicates_have_their_row_each_time(self, b):
        given = b.tables(b.paid("C1"), b.denied("C1", "18", on="2026-10-10"), b.denied("C1", "18", on="2026-10-20"))
        found = reasons.denial_reasons(given, period=OCTOBER)
        assert found[["category", "claims", "lines", "denied_cents"]].values.tolist() == [["duplicate", 1, 2, 20000]]

    def test_a_denial_code_in_group_pr_is_a_reason_only_on_request(self, b):
        given = b.tables(b.clp("C1", b.line(100, 0, b.cas("PR", "96", 60), b.cas("CO", "50", 40))))
        assert reasons.denial_reasons(given, period=OCTOBER)["category"].tolist() == ["medical_necessity"]
        asked = reasons.denial_reasons(given, period=OCTOBER, patient_denials=True)
        assert asked["category"].tolist() == ["medical_necessity", "non_covered"]

    def test_dollars_equal_those_of_the_rate(self, b):
        given = b.tables(
            b.denied("C1"),
            b.denied("C2", "97"),
            b.denied("C1", on="2026-10-20"),
            b.bare("C3", 700, 0, b.cas("CO", "29", 700)),
        )
        found = reasons.denial_reasons(given, period=OCTOBER, by=("payer", "carc"))
        rate = denials.initial_denial_rate_dollars_remitted(given, period=OCTOBER)
        assert found["denied_cents"].sum() == rate.loc[0, "denied_cents"] == 20700

    @pytest.mark.parametrize(
        "by",
        [
            ("payer",),
            ("carc",),
            ("provider",),
            ("location",),
            ("month",),
            ("client",),
            ("payer", "category", "month"),
            (),
        ],
    )
    def test_any_grouping_holds_all_the_dollars(self, b, by):
        given = b.tables(
            b.denied("C1"),
            b.denied("C2", "97", payer="cigna"),
            claims=[{"claim_id": "C1", "provider": "lee", "location": "main"}],
        )
        assert reasons.denial_reasons(given, period=OCTOBER, by=by)["denied_cents"].sum() == 20000

    def test_nothing_denied_gives_no_rows(self, b):
        assert reasons.denial_reasons(b.tables(b.paid("C1")), period=OCTOBER).empty

    def test_primary_reasons_count_each_denied_claim_once(self, b):
        given = b.tables(
            b.clp("C1", b.line(100, 0, b.cas("CO", "97", 60), b.cas("CO", "50", 40))),
            b.denied("C2", "50"),
            b.denied("C3", "18"),
            b.paid("C4"),
        )
        found = reasons.primary_denial_reasons(given, period=OCTOBER)
        assert found[["category", "claims", "denied_cents"]].values.tolist() == [
            ["bundling", 1, 60],
            ["medical_necessity", 1, 10000],
        ]

    def test_a_remark_is_missing_when_empty(self, b):
        cas = [
            b.cas("CO", "16", 100, "M51"),
            b.cas("CO", "96", 100),
            b.cas("CO", "16", 100, ""),
            b.cas("CO", "97", 100),
            b.cas("PR", "96", 100),
        ]
        found = reasons.missing_remarks(b.tables(b.clp("C1", b.line(500, 0, *cas))), period=OCTOBER)
        assert found[["carc", "without_remark", "adjustments"]].values.tolist() == [["16", 1, 2], ["96", 1, 1]]

    def test_unmapped_codes_are_listed_with_their_dollars(self, b):
        given = b.tables(
            b.clp(
                "C1", b.line(100, 0, b.cas("CO", "ZZ9", 60), b.cas("CO", "45", 40)), b.line(5, 0, b.cas("CO", "ZZ9", 5))
            ),
            b.denied("C2", "ZZ9", on="2026-11-01"),
        )
        assert reasons.unmapped_codes(given, period=OCTOBER).values.tolist() == [["ZZ9", 2, 1, 65]]


class TestTrend:
    def test_every_month_has_its_row(self, b):
        given = b.tables(b.denied("C1", on="2026-08-10"), b.paid("C2"), b.denied("C2", "18", on="2026-10-20"))
        found = reasons.denial_trend(given, period=OCTOBER.trailing(3))
        assert found[["denied_claims", "remitted_claims", "duplicate_remits"]].values.tolist() == [
            [1, 1, 0],
            [0, 0, 0],
            [0, 1, 1],
        ]
        assert found["denial_rate"].isna().tolist() == [False, True, False]

    def test_each_group_has_every_month(self, b):
        given = b.tables(b.denied("C1", on="2026-08-10"), b.paid("C2", payer="cigna"))
        found = reasons.denial_trend(given, period=OCTOBER.trailing(3), by=("payer",))
        assert len(found) == 6 and found["remitted_claims"].sum() == 2

    def test_its_months_are_those_of_the_rate(self, b):
        given = b.tables(b.denied("C1", on="2026-09-10"), b.paid("C2", on="2026-09-11"), b.denied("C3"))
        found = reasons.denial_trend(given, period=OCTOBER.trailing(2))
        single = [
            denials.initial_denial_rate_claims_remitted(given, period=month).iloc[0, -1]
            for month in OCTOBER.trailing(2).months()
        ]
        assert found["denial_rate"].tolist() == single


def measured_write_offs(given) -> list[int]:
    return written_off.write_offs(given, period=OCTOBER, by=())["denial_cents"].tolist()


class TestDisguised:
    @pytest.mark.parametrize(
        ("line", "wanted"),
        [
            pytest.param(
                (10000, 0, [("CO", "45", 10000)]), [["whole_charge_discount", 1, 10000]], id="45 for the whole charge"
            ),
            pytest.param((10000, 0, [("CO", "45", 9999), ("CO", "253", 1)]), [], id="45 for nearly all of it"),
            pytest.param((10000, 0, [("CO", "24", 10000)]), [], id="capitation is a whole discount by agreement"),
            pytest.param((0, 0, [("CO", "45", 0)]), [], id="no charge"),
            pytest.param(
                (10000, 8000, [("CO", "45", 10000), ("OA", "94", -8000)]),
                [],
                id="discounted in whole and paid by another adjustment",
            ),
            pytest.param((10000, 0, [("PR", "45", 10000)]), [], id="the patient's"),
        ],
    )
    def test_discounts(self, b, line, wanted):
        charge, paid, cas = line
        given = b.tables(b.clp("C1", b.line(charge, paid, *[b.cas(*one) for one in cas])))
        assert reasons.disguised_denials(given, period=OCTOBER).values.tolist() == wanted

    @pytest.mark.parametrize(
        ("posting", "wanted"),
        [
            pytest.param(
                {"carc": "197"}, [["posted_as_contractual", 1, 4000]], id="a denial code posted as contractual"
            ),
            pytest.param({"carc": "45"}, [], id="a contract discount"),
            pytest.param({"carc": None}, [], id="no code"),
            pytest.param({"carc": "197", "kind": "write_off"}, [], id="an honest write-off"),
            pytest.param({"carc": "197", "posted_on": "2026-11-01"}, [], id="posted after the month"),
            pytest.param({"carc": "204", "group_code": "PR"}, [], id="group PR"),
        ],
    )
    def test_postings(self, b, posting, wanted):
        given = b.tables(transactions=[{"claim_id": "C1", "amount_cents": -4000, **posting}])
        assert reasons.disguised_denials(given, period=OCTOBER).values.tolist() == wanted

    def test_a_posting_and_its_reversal_disguise_nothing(self, b):
        given = b.tables(
            transactions=[{"claim_id": "C1", "carc": "197", "amount_cents": cents} for cents in (-4000, 4000)]
        )
        assert reasons.disguised_denials(given, period=OCTOBER).empty

    UNDER_A_DISCOUNT_CODE = [
        pytest.param({}, [], {}, True, id="the amount denied on the line, posted as 45"),
        pytest.param({"posted_on": "2026-10-05"}, [], {}, True, id="posted on the day of the remittance"),
        pytest.param({"posted_on": "2026-10-04"}, [], {}, False, id="posted before the remittance came"),
        pytest.param({"carc": None}, [], {}, True, id="posted without a code"),
        pytest.param({"line_number": None}, [], {}, True, id="posted without a line"),
        pytest.param({"line_number": 1}, [], {}, False, id="another line was denied"),
        pytest.param({"amount_cents": -3999}, [], {}, False, id="a cent less than was denied"),
        pytest.param({"amount_cents": -2000}, [], {}, False, id="the discount of the other line"),
        pytest.param({"kind": "write_off"}, [], {}, False, id="an honest write-off of it"),
        pytest.param({"group_code": "PR"}, [], {}, False, id="posted in group PR"),
        pytest.param({"posted_on": "2026-10-04"}, [], {}, False, id="posted before the denial was known"),
        pytest.param({"posted_on": "2026-10-05"}, [], {}, True, id="posted on the day of the denial"),
        pytest.param({"posted_on": "2026-11-01"}, [], {}, False, id="posted after the month"),
        pytest.param({"client": "other"}, [], {}, False, id="the claim of another client"),
        pytest.param(
            {"amount_cents": -7000, "line_number": None},
            [("CO", "16", 3000)],
            {},
            True,
            id="the sum of two denials, posted on the claim",
        ),
        pytest.param(
            {"amount_cents": -7000}, [("CO", "16", 3000)], {}, False, id="the sum of two lines, posted on one of them"
        ),
        pytest.param({}, [], {"cas": ("PR", "197", 4000)}, False, id="denied as the patient's"),
        pytest.param({}, [], {"cas": ("CO", "18", 4000)}, False, id="refused as a duplicate"),
        pytest.param({}, [], {"cas": ("CO", "45", 4000)}, False, id="discounted and not denied"),
    ]

    @pytest.mark.parametrize(("posting", "third", "second", "wanted"), UNDER_A_DISCOUNT_CODE)
    def test_postings_under_a_discount_code(self, b, posting, third, second, wanted):
        lines = [
            b.line(10000, 8000, b.cas("CO", "45", 2000)),
            b.line(4000, 0, b.cas(*second.get("cas", ("CO", "197", 4000)))),
        ]
        lines += [b.line(3000, 0, b.cas(*one)) for one in third]
        whole = {
            "claim_id": "C1",
            "line_number": 2,
            "carc": "45",
            "group_code": "CO",
            "amount_cents": -4000,
            "posted_on": "2026-10-06",
        } | posting
        found = reasons.disguised_denials(b.tables(b.clp("C1", *lines), transactions=[whole]), period=OCTOBER)
        found = found[found["kind"] != "whole_charge_discount"]
        assert found.values.tolist() == ([["posted_under_discount_code", 1, -whole["amount_cents"]]] if wanted else [])

    def test_a_discount_of_the_same_amount_on_the_line_is_believed(self, b):
        half = b.line(8000, 0, b.cas("CO", "45", 4000), b.cas("CO", "197", 4000))
        posting = {"claim_id": "C1", "line_number": 1, "carc": "45", "amount_cents": -4000}
        assert reasons.disguised_denials(b.tables(b.clp("C1", half), transactions=[posting]), period=OCTOBER).empty

    def test_a_discount_and_a_program_reduction_posted_together_are_believed(self, b):
        line = b.line(8000, 0, b.cas("CO", "45", 3000), b.cas("CO", "253", 1000), b.cas("CO", "197", 4000))
        posting = {"claim_id": "C1", "line_number": 1, "carc": "45", "amount_cents": -4000}
        assert reasons.disguised_denials(b.tables(b.clp("C1", line), transactions=[posting]), period=OCTOBER).empty

    def test_a_discount_that_the_payer_states_later_does_not_change_the_past(self, b):
        posting = {"claim_id": "C1", "line_number": 1, "carc": "45", "amount_cents": -10000, "posted_on": "2026-10-06"}
        later = b.clp("C1", b.line(10000, 0, b.cas("CO", "45", 10000)), on="2026-10-20")
        for remits in ([b.denied("C1")], [b.denied("C1"), later]):
            found = reasons.disguised_denials(b.tables(*remits, transactions=[posting]), period=OCTOBER)
            assert ["posted_under_discount_code", 1, 10000] in found.values.tolist()

    def test_a_denial_at_claim_level_is_shared_among_the_lines(self, b):
        whole = b.clp("C1", b.line(6000, 0), b.line(4000, 0), adjustments=(b.cas("CO", "197", 10000),))
        postings = [
            {"claim_id": "C1", "line_number": number, "carc": "45", "amount_cents": cents}
            for number, cents in ((1, -6000), (2, -4000))
        ]
        found = reasons.disguised_denials(b.tables(whole, transactions=postings), period=OCTOBER)
        assert found.values.tolist() == [["posted_under_discount_code", 1, 10000]]

    def test_a_claim_payment_without_lines_is_compared_as_a_whole(self, b):
        given = b.tables(
            b.bare("C1", 9000, 0, b.cas("CO", "29", 9000)),
            transactions=[{"claim_id": "C1", "line_number": 3, "carc": "45", "amount_cents": -9000}],
        )
        assert reasons.disguised_denials(given, period=OCTOBER).values.tolist() == [
            ["posted_under_discount_code", 1, 9000]
        ]

    def test_taken_back_in_the_same_month_it_disguises_nothing(self, b):
        rows = [
            {"claim_id": "C1", "line_number": 1, "carc": "45", "amount_cents": cents, "posted_on": "2026-10-06"}
            for cents in (-10000, 10000)
        ]
        assert reasons.disguised_denials(b.tables(b.denied("C1"), transactions=rows), period=OCTOBER).empty

    def test_without_remittances_only_the_code_tells(self, b):
        rows = [
            {"claim_id": "C1", "carc": "45", "amount_cents": -10000},
            {"claim_id": "C1", "carc": "197", "amount_cents": -300},
        ]
        given = {
            name: frame
            for name, frame in b.tables(b.denied("C1"), transactions=rows).items()
            if not name.startswith("remit_")
        }
        assert measured_write_offs(given) == [300]

    def test_it_is_a_denial_given_up_and_no_approved_contractual(self, b):
        """100.00 charged, denied, and posted away; 100.00 charged, 20.00 discounted, 80.00 paid: 80 of 180
        collected."""
        charges = [{"claim_id": name, "kind": "charge", "amount_cents": 10000} for name in ("C1", "C2")]
        rows = [
            {"claim_id": "C1", "line_number": 1, "carc": "45", "amount_cents": -10000},
            {"claim_id": "C2", "line_number": 1, "carc": "45", "amount_cents": -2000},
            {"claim_id": "C2", "kind": "payment", "amount_cents": -8000},
        ]
        given = b.tables(
            b.denied("C1"),
            b.paid("C2"),
            transactions=[*charges, *rows],
            claims=[{"claim_id": "C1"}, {"claim_id": "C2"}],
        )
        posted = collections.net_collection_rate_posted(given, period=OCTOBER).iloc[0]
        matured = collections.net_collection_rate_matured(
            given, period=OCTOBER.trailing(2), as_of=AS_OF, cohort_days=0
        ).iloc[0]
        for found in (posted, matured):
            assert found[["cash_cents", "contractual_cents", "collectable_cents"]].tolist() == [8000, 2000, 18000]
        assert posted["net_collection_rate_posted"] == matured["net_collection_rate_matured"] == pytest.approx(8 / 18)
        assert measured_write_offs(given) == [10000]

    def test_by_payer(self, b):
        given = b.tables(
            b.clp("C1", b.line(100, 0, b.cas("CO", "45", 100))),
            transactions=[{"claim_id": "C2", "carc": "50", "amount_cents": -7, "payer": "cigna"}],
        )
        found = reasons.disguised_denials(given, period=OCTOBER, by=("payer",))
        assert found.values.tolist() == [
            ["aetna", "whole_charge_discount", 1, 100],
            ["cigna", "posted_as_contractual", 1, 7],
        ]


MEASURES = {
    "claims_remitted": lambda given, by: denials.initial_denial_rate_claims_remitted(given, period=OCTOBER, by=by),
    "lines_remitted": lambda given, by: denials.initial_denial_rate_lines_remitted(given, period=OCTOBER, by=by),
    "dollars_remitted": lambda given, by: denials.initial_denial_rate_dollars_remitted(given, period=OCTOBER, by=by),
    "claims_submitted": lambda given, by: denials.initial_denial_rate_claims_submitted(given, period=OCTOBER, by=by),
    "dollars_submitted": lambda given, by: denials.initial_denial_rate_dollars_submitted(given, period=OCTOBER, by=by),
    "primary": lambda given, by: denials.primary_denial_rate(given, as_of=AS_OF, by=by),
    "reasons": lambda given, by: reasons.denial_reasons(given, period=OCTOBER, by=(*by, "category")),
    "primary_reasons": lambda given, by: reasons.primary_denial_reasons(given, period=OCTOBER, by=(*by, "carc")),
    "trend": lambda given, by: reasons.denial_trend(given, period=OCTOBER.trailing(2), by=by),
    "disguised": lambda given, by: reasons.disguised_denials(given, period=OCTOBER, by=by),
    "net_collection": lambda given, by: collections.net_collection_rate_posted(given, period=OCTOBER, by=by),
    "write_offs": lambda given, by: written_off.write_offs(given, period=OCTOBER, by=by),
    "unmapped": lambda given, by: reasons.unmapped_codes(given, period=OCTOBER, by=by),
    "remarks": lambda given, by: reasons.missing_remarks(given, period=OCTOBER, by=by),
}
every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)


def mixed(b, *more):
    """A bit of everything, two payers and two clients."""
    return b.tables(
        b.paid("C1"),
        b.denied("C2"),
        b.denied("C2", on="2026-10-20"),
        b.denied("C3", "18", payer="cigna"),
        b.denied("C4", "29", payer="cigna"),
        b.clp("C5", b.line(333, 0), b.line(667, 0), payer="cigna", adjustments=(b.cas("CO", "97", 1000),)),
        b.clp("C6", b.line(10000, 8000, b.cas("CO", "45", 2000)), b.line(5000, 0, b.cas("CO", "16", 5000))),
        b.clp("C7", b.line(100, 0, b.cas("CO", "45", 100))),
        b.clp("C8", b.line(100, 0, b.cas("CO", "ZZ9", 100)), on="2026-09-30"),
        b.bare("C1", 900, 0, b.cas("CO", "ZZ8", 500), b.cas("PR", "1", 400), client="other"),
        *more,
        submissions=[
            sent(f"C{number}", f"2026-0{7 + number % 3}-10", payer="cigna" if number in (3, 4, 5) else "aetna")
            for number in range(1, 9)
        ],
        transactions=[
            {"claim_id": "C6", "carc": "16", "amount_cents": -5000},
            {"claim_id": "C2", "line_number": 1, "carc": "45", "amount_cents": -10000},
            {"claim_id": "C5", "line_number": 2, "carc": "45", "amount_cents": -667, "payer": "cigna"},
            {"claim_id": "C1", "carc": "45", "amount_cents": -2000},
        ],
        claims=[{"claim_id": f"C{number}", "provider": "lee"} for number in range(1, 5)],
    )


@every_measure
class TestLaws:
    def test_doubling_every_dollar_leaves_counts_and_rates(self, b, measure):
        given = mixed(b)
        doubled = {
            name: frame.assign(**{col: frame[col] * 2 for col in frame if col.endswith("_cents")})
            for name, frame in given.items()
        }
        was, now = measure(given, ("payer",)), measure(doubled, ("payer",))
        cents = [name for name in was if name.endswith("_cents")]
        pd.testing.assert_frame_equal(now.drop(columns=cents), was.drop(columns=cents))
        assert (now[cents] == was[cents] * 2).all(axis=None)

    def test_payers_add_up_to_the_whole(self, b, measure):
        given = mixed(b)
        split, whole = measure(given, ("payer",)), measure(given, ())
        counts = list(whole.select_dtypes("int64"))
        assert split[counts].sum().to_dict() == whole[counts].sum().to_dict()

    def test_the_order_of_rows_does_not_matter(self, b, measure):
        given = mixed(b)
        shuffled = {name: frame.sample(frac=1, random_state=7) for name, frame in given.items()}
        pd.testing.assert_frame_equal(measure(shuffled, ("payer",)), measure(given, ("payer",)))

    def test_inputs_come_back_unchanged(self, b, measure):
        given = mixed(b)
        before = {name: frame.copy(deep=True) for name, frame in given.items()}
        measure(given, ("payer", "provider"))
        for name, frame in given.items():
            pd.testing.assert_frame_equal(frame, before[name])


@pytest.mark.parametrize("name", [name for name in MEASURES if name not in ("primary", "unmapped", "remarks")])
def test_a_reversal_with_the_same_decision_again_changes_nothing(b, name):
    """The three left out count remittances rather than claims, so a repeated one is one more."""
    first = b.denied("C4", "29", payer="cigna")
    again = mixed(b, b.reversal(first, "2026-10-21"), b.denied("C4", "29", payer="cigna", on="2026-10-21"))
    pd.testing.assert_frame_equal(MEASURES[name](again, ("payer",)), MEASURES[name](mixed(b), ("payer",)))


def test_every_engine_gives_the_same_numbers(b, as_engine, engine):
    given = mixed(b)
    converted = as_engine(given, engine)
    measures = (
        MEASURES
        if engine != "spark"
        else {name: MEASURES[name] for name in ("lines_remitted", "claims_submitted", "trend")}
    )
    for name, measure in measures.items():
        pd.testing.assert_frame_equal(
            measure(converted, ("payer", "provider")), measure(given, ("payer", "provider")), obj=name
        )
