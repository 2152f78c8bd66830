"""Payer decisions: the edge cases of remittances, each by name."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from rcm_analysis.errors import TableError
from rcm_analysis.ledger import adjudications

LATER = dt.date(2026, 12, 31)


def rows(frame) -> list[dict]:
    return frame.to_native().collect(engine="streaming").sort("client", "claim_id").to_dicts()


def only(frame) -> dict:
    found = rows(frame)
    assert len(found) == 1
    return found[0]


@pytest.fixture
def b(builders_remit):
    return builders_remit


def decision(b, *lines, **other):
    return only(adjudications.claim_adjudications(b.tables(b.clp("C1", *lines, **other)), as_of=LATER))


class TestOutcome:
    CASES = [
        pytest.param([(10000, 8000, [("CO", "45", 2000)])], {}, "paid", 8000, 0, id="paid with a contract discount"),
        pytest.param([(10000, 0, [("CO", "197", 10000)])], {}, "fully_denied", 0, 10000, id="the whole charge denied"),
        pytest.param(
            [(10000, 0, [("CO", "45", 2000), ("CO", "97", 8000)])],
            {},
            "fully_denied",
            0,
            8000,
            id="discounted first and denied for the rest is denied in full",
        ),
        pytest.param(
            [(10000, 8000, [("CO", "45", 2000)]), (5000, 0, [("CO", "97", 5000)])],
            {},
            "partially_denied",
            8000,
            5000,
            id="one line of two denied is a denial in part",
        ),
        pytest.param(
            [(10000, 0, [("PR", "1", 6000), ("CO", "45", 4000)])],
            {},
            "zero_pay_non_denial",
            6000,
            0,
            id="all of it to the deductible pays nothing and denies nothing",
        ),
        pytest.param(
            [(10000, 0, [("PR", "1", 6000), ("CO", "16", 4000)])],
            {},
            "partially_denied",
            6000,
            4000,
            id="deductible and a denial together is a denial in part",
        ),
        pytest.param(
            [(10000, 7840, [("CO", "45", 2000), ("CO", "253", 160)])],
            {},
            "paid",
            8000,
            0,
            id="sequestration is part of the allowed amount and no denial",
        ),
        pytest.param(
            [(10000, 7500, [("CO", "45", 2000), ("CO", "104", 500)])],
            {},
            "paid",
            8000,
            0,
            id="a withhold is part of the allowed amount",
        ),
        pytest.param(
            [(10000, 1000, [("OA", "23", 7000), ("CO", "45", 2000)])],
            {"status": "2"},
            "paid",
            8000,
            0,
            id="what the prior payer paid counts as allowed by the secondary",
        ),
        pytest.param(
            [(10000, 0, [("OA", "23", 10000)])],
            {"status": "2"},
            "zero_pay_non_denial",
            10000,
            0,
            id="nothing left by the prior payer is no denial",
        ),
        pytest.param(
            [(10000, 8000, [("CO", "45", 2000)])],
            {"status": "4"},
            "paid",
            8000,
            0,
            id="status 4 with a payment is no denial",
        ),
        pytest.param(
            [(10000, 0, [("PR", "2", 10000)])],
            {"status": "4"},
            "zero_pay_non_denial",
            10000,
            0,
            id="status 4 without a denial code is no denial",
        ),
        pytest.param(
            [(10000, 0, [("CO", "29", 10000)])],
            {"status": "4"},
            "fully_denied",
            0,
            10000,
            id="status 4 with a denial code",
        ),
        pytest.param(
            [(10000, 0, [("PR", "204", 10000)])],
            {},
            "zero_pay_non_denial",
            0,
            0,
            id="a denial code in group PR is the patient's",
        ),
        pytest.param([(10000, 0, [("OA", "18", 10000)])], {}, "duplicate", 0, 0, id="refused only as a duplicate"),
        pytest.param(
            [(10000, 8000, [("CO", "45", 2000)]), (5000, 0, [("OA", "18", 5000)])],
            {},
            "paid",
            8000,
            0,
            id="a duplicate line on a paid claim denies nothing",
        ),
        pytest.param(
            [(10000, 0, [("OA", "133", 10000)])], {}, "pended", 0, 0, id="held open for review is no decision"
        ),
        pytest.param(
            [(10000, 0, [("CO", "45", 10000)])],
            {},
            "zero_pay_non_denial",
            0,
            0,
            id="45 for the whole charge is no denial by itself",
        ),
        pytest.param(
            [(10000, 0, [("CO", "ZZ9", 10000)])],
            {},
            "zero_pay_non_denial",
            0,
            0,
            id="an unmapped code is not counted as a denial",
        ),
        pytest.param(
            [(10000, 9000, [("CO", "29", 1000)])],
            {"status": "19"},
            "partially_denied",
            9000,
            1000,
            id="a crossover is decided like any other",
        ),
        pytest.param(
            [(10000, 10500, [("CO", "94", -500)])],
            {},
            "paid",
            10500,
            0,
            id="a negative adjustment pays above the charge",
        ),
    ]

    @pytest.mark.parametrize(("lines", "other", "outcome", "allowed", "denied"), CASES)
    def test_claim(self, b, lines, other, outcome, allowed, denied):
        made = [b.line(charge, paid, *[b.cas(*one) for one in cas]) for charge, paid, cas in lines]
        found = decision(b, *made, **other)
        assert (found["outcome"], found["allowed_cents"], found["denied_cents"]) == (outcome, allowed, denied)
        assert found["unexplained_cents"] == 0

    @pytest.mark.parametrize(
        ("lines", "other", "outcome", "allowed", "denied"), [case for case in CASES if len(case.values[0]) == 1]
    )
    def test_a_claim_of_one_line_and_its_line_agree(self, b, lines, other, outcome, allowed, denied):
        charge, paid, cas = lines[0]
        given = b.tables(b.clp("C1", b.line(charge, paid, *[b.cas(*one) for one in cas]), **other))
        found = only(adjudications.line_adjudications(given, as_of=LATER))
        assert (found["outcome"], found["allowed_cents"], found["denied_cents"]) == (outcome, allowed, denied)

    def test_patient_denials_on_request(self, b):
        given = b.tables(b.denied("C1", "204", status="1"), b.clp("C2", b.line(10000, 0, b.cas("PR", "204", 10000))))
        found = rows(adjudications.claim_adjudications(given, as_of=LATER, patient_denials=True))
        assert [row["outcome"] for row in found] == ["fully_denied", "fully_denied"]

    @pytest.mark.parametrize(
        "status", [pytest.param("23", id="forwarded, not our claim"), pytest.param("25", id="predetermination")]
    )
    def test_what_is_no_decision_is_dropped(self, b, status):
        given = b.tables(b.denied("C1", status=status), b.paid("C2"))
        assert [row["claim_id"] for row in rows(adjudications.claim_adjudications(given, as_of=LATER))] == ["C2"]

    def test_a_payer_that_does_not_balance_stays_visible(self, b):
        found = decision(b, b.line(10000, 8000, b.cas("CO", "45", 1500)))
        assert found["unexplained_cents"] == 500

    def test_a_decision_after_as_of_is_not_known(self, b):
        given = b.tables(b.paid("C1", on="2026-10-31"), b.paid("C2", on="2026-11-01"))
        found = rows(adjudications.claim_adjudications(given, as_of=dt.date(2026, 10, 31)))
        assert [row["claim_id"] for row in found] == ["C1"]

    def test_a_missing_table_is_named(self, b):
        given = b.tables(b.paid("C1"))
        del given["remit_adjustments"]
        with pytest.raises(TableError, match="remit_adjustments"):
            adjudications.claim_adjudications(given, as_of=LATER)


class TestLines:
    def test_a_claim_without_lines_is_one_line(self, b):
        found = only(
            adjudications.line_adjudications(b.tables(b.bare("C1", 10000, 0, b.cas("CO", "29", 10000))), as_of=LATER)
        )
        assert (found["outcome"], found["denied_cents"], found["line_number"]) == ("fully_denied", 10000, None)

    def test_a_claim_level_denial_is_shared_by_charge_to_the_cent(self, b):
        given = b.tables(
            b.clp("C1", b.line(3333, 0), b.line(3333, 0), b.line(3334, 0), adjustments=(b.cas("CO", "97", 9999),))
        )
        lines = rows(adjudications.line_adjudications(given, as_of=LATER))
        assert sum(line["denied_cents"] for line in lines) == 9999
        assert all(abs(line["denied_cents"] - line["charge_cents"] * 0.9999) <= 1 for line in lines)

    def test_a_claim_level_cut_lowers_the_paid_of_its_lines(self, b):
        two = [b.line(5000, 4000, b.cas("CO", "45", 1000)), b.line(5000, 4000, b.cas("CO", "45", 1000))]
        given = b.tables(b.clp("C1", *two, paid=7840, adjustments=(b.cas("CO", "253", 160),)))
        lines = rows(adjudications.line_adjudications(given, as_of=LATER))
        assert [(line["paid_cents"], line["allowed_cents"], line["outcome"]) for line in lines] == [
            (3920, 4000, "paid")
        ] * 2

    def test_lines_without_charge_put_a_claim_level_adjustment_on_the_first(self, b):
        given = b.tables(b.clp("C1", b.line(0, 0), b.line(0, 0), charge=10000, adjustments=(b.cas("CO", "16", 10000),)))
        lines = rows(
            adjudications.adjustment_lines(given, as_of=LATER).with_columns(claim_id=adjudications.col("unit"))
        )
        assert sorted(line["amount_cents"] for line in lines) == [0, 10000]

    def test_a_negative_claim_level_adjustment_is_shared_too(self, b):
        given = b.tables(b.clp("C1", b.line(100, 0), b.line(200, 0), adjustments=(b.cas("CO", "45", -100),)))
        shares = rows(
            adjudications.adjustment_lines(given, as_of=LATER).with_columns(claim_id=adjudications.col("unit"))
        )
        assert [share["amount_cents"] for share in shares] == [-33, -67]

    def test_the_payers_own_allowed_amount_is_kept_beside_ours(self, b):
        found = only(
            adjudications.line_adjudications(
                b.tables(b.clp("C1", b.line(10000, 8000, b.cas("CO", "45", 2000), allowed=8100))), as_of=LATER
            )
        )
        assert (found["allowed_cents"], found["stated_allowed_cents"]) == (8000, 8100)

    def test_lines_add_up_to_their_claims(self, b):
        given = b.tables(
            b.paid("C1"),
            b.denied("C2"),
            b.bare("C3", 5000, 0, b.cas("CO", "29", 5000)),
            b.clp("C4", b.line(3333, 0), b.line(6667, 0), adjustments=(b.cas("CO", "97", 10000),)),
        )
        lines = adjudications.line_adjudications(given, as_of=LATER).to_native().collect()
        claims = adjudications.claim_adjudications(given, as_of=LATER).to_native().collect()
        for name in ("charge_cents", "paid_cents", "allowed_cents", *adjudications.PARTS):
            assert lines[name].sum() == claims[name].sum(), name


class TestFirst:
    def test_a_second_decision_is_no_first(self, b):
        given = b.tables(b.denied("C1"), b.paid("C1", on="2026-10-20"))
        assert only(adjudications.first_adjudications(given, as_of=LATER))["outcome"] == "fully_denied"

    def test_within_one_day_the_order_of_the_file_decides(self, b):
        given = b.tables(b.paid("C1", sequence=7), b.denied("C1", sequence=3))
        assert only(adjudications.first_adjudications(given, as_of=LATER))["outcome"] == "fully_denied"

    def test_a_duplicate_before_the_real_decision_is_passed_over(self, b):
        given = b.tables(b.denied("C1", "18"), b.paid("C1", on="2026-10-20"))
        assert only(adjudications.first_adjudications(given, as_of=LATER))["outcome"] == "paid"

    def test_a_pended_answer_before_the_real_decision_is_passed_over(self, b):
        held = b.denied("C1", "133")
        given = b.tables(held, b.reversal(held, "2026-10-19"), b.denied("C1", "50", on="2026-10-20"))
        assert only(adjudications.first_adjudications(given, as_of=LATER))["outcome"] == "fully_denied"

    def test_a_reversal_is_no_first_decision(self, b):
        given = b.tables(b.reversal(b.paid("C1"), "2026-10-01"), b.denied("C1", on="2026-10-20"))
        assert only(adjudications.first_adjudications(given, as_of=LATER))["outcome"] == "fully_denied"

    def test_each_payer_order_decides_once(self, b):
        given = b.tables(b.paid("C1"), b.denied("C1", status="2", on="2026-10-20"))
        found = rows(adjudications.first_adjudications(given, as_of=LATER))
        assert {row["payer_order"]: row["outcome"] for row in found} == {"primary": "paid", "secondary": "fully_denied"}

    def test_since_gives_the_same_first_decisions_of_those_days(self, b):
        given = b.tables(
            b.denied("C1", on="2026-09-30"),
            b.paid("C1", on="2026-10-02"),
            b.denied("C2", on="2026-10-01"),
            b.paid("C2", on="2026-10-09"),
            b.denied("C3", "18", on="2026-09-10"),
            b.paid("C3", on="2026-10-05"),
            b.paid("C4", on="2026-09-10"),
        )
        october = dt.date(2026, 10, 1)
        found = rows(adjudications.first_adjudications(given, as_of=LATER, since=october))
        everything = rows(adjudications.first_adjudications(given, as_of=LATER))
        assert found == [row for row in everything if row["received_on"] >= october]
        assert [(row["claim_id"], row["outcome"]) for row in found] == [("C2", "fully_denied"), ("C3", "paid")]

    def test_the_same_claim_id_of_two_clients_is_two_claims(self, b):
        given = b.tables(b.paid("C1"), b.denied("C1", client="other"))
        assert len(rows(adjudications.first_adjudications(given, as_of=LATER))) == 2


def standing(b, *claim_payments):
    return only(adjudications.net_positions(b.tables(*claim_payments), as_of=LATER))


class TestNetPositions:
    def test_a_reversal_nets_to_nothing(self, b):
        first = b.paid("C1")
        found = standing(b, first, b.reversal(first, "2026-10-20"))
        amounts = ("charge_cents", "paid_cents", "unexplained_cents", *adjudications.PARTS)
        assert {found[name] for name in amounts} == {0}
        assert (found["outcome"], found["decisions"], found["reversals"]) == ("recouped", 1, 1)

    def test_reversal_and_correction_leave_the_correction(self, b):
        first = b.paid("C1")
        found = standing(
            b,
            first,
            b.reversal(first, "2026-10-20"),
            b.clp("C1", b.line(10000, 7500, b.cas("CO", "45", 2500)), on="2026-10-20"),
        )
        assert (found["charge_cents"], found["paid_cents"], found["contractual_cents"], found["outcome"]) == (
            10000,
            7500,
            2500,
            "paid",
        )

    def test_a_full_takeback_is_recouped_and_not_denied(self, b):
        first = b.paid("C1")
        found = standing(b, first, b.reversal(first, "2026-10-20"), b.denied("C1", on="2026-10-20"))
        assert (found["paid_cents"], found["outcome"], found["standing_denied_cents"]) == (0, "recouped", 0)

    def test_a_claim_paid_after_a_takeback_is_paid(self, b):
        first = b.paid("C1")
        found = standing(
            b, first, b.reversal(first, "2026-10-20"), b.denied("C1", on="2026-10-20"), b.paid("C1", on="2026-11-20")
        )
        assert (found["paid_cents"], found["outcome"]) == (8000, "paid")

    def test_a_denial_taken_back_and_never_decided_again_is_reversed(self, b):
        first = b.denied("C1")
        found = standing(b, first, b.reversal(first, "2026-10-20"))
        assert (found["outcome"], found["denied_cents"], found["standing_denied_cents"]) == ("reversed", 0, 0)

    def test_denied_and_paid_on_resubmission_is_paid(self, b):
        found = standing(b, b.denied("C1"), b.paid("C1", on="2026-11-20"))
        assert (found["paid_cents"], found["outcome"], found["standing_denied_cents"]) == (8000, "paid", 0)

    def test_denied_twice_stands_denied_once(self, b):
        found = standing(b, b.denied("C1"), b.denied("C1", on="2026-11-20"))
        assert (found["outcome"], found["standing_denied_cents"]) == ("fully_denied", 10000)

    def test_a_duplicate_after_a_payment_changes_nothing(self, b):
        found = standing(b, b.paid("C1"), b.denied("C1", "18", on="2026-11-20"))
        assert (found["outcome"], found["standing_denied_cents"]) == ("paid", 0)

    def test_paid_and_then_a_resubmitted_line_denied_is_denied_in_part(self, b):
        found = standing(b, b.paid("C1"), b.clp("C1", b.line(5000, 0, b.cas("CO", "97", 5000)), on="2026-11-20"))
        assert (found["outcome"], found["standing_denied_cents"]) == ("partially_denied", 5000)

    def test_only_duplicates_so_far_is_undecided(self, b):
        assert standing(b, b.denied("C1", "18"))["outcome"] == "undecided"

    def test_a_reversal_without_its_adjustments_shows_what_does_not_balance(self, b):
        first = b.paid("C1")
        bad = b.clp("C1", b.line(-10000, -8000), status="22", on="2026-10-20")
        found = standing(b, first, bad)
        assert (found["paid_cents"], found["charge_cents"], found["unexplained_cents"]) == (0, 0, -2000)

    def test_the_reversal_may_come_in_a_later_file_than_the_correction(self, b):
        first = b.paid("C1")
        corrected = b.clp("C1", b.line(10000, 7500, b.cas("CO", "45", 2500)), on="2026-10-20")
        found = standing(b, first, corrected, b.reversal(first, "2026-10-27"))
        assert (found["paid_cents"], found["outcome"]) == (7500, "paid")


class TestPrimaryReason:
    @pytest.mark.parametrize(
        ("cas", "carc"),
        [
            pytest.param([("CO", "97", 4000), ("CO", "50", 6000)], "50", id="the largest amount names it"),
            pytest.param([("CO", "16", 5000), ("CO", "29", 5000)], "29", id="a tie goes to what cannot be mended"),
            pytest.param(
                [("CO", "10", 5000), ("CO", "4", 5000)],
                "10",
                id="a tie within a category goes to the first code as text",
            ),
            pytest.param([("CO", "45", 9000), ("CO", "197", 1000)], "197", id="a discount is no reason"),
            pytest.param([("PR", "204", 9000), ("CO", "197", 1000)], "197", id="the patient's share is no reason"),
            pytest.param([("OA", "18", 9000), ("CO", "197", 1000)], "197", id="a duplicate is no reason"),
            pytest.param(
                [("CO", "97", 6000), ("CO", "97", -3000), ("CO", "11", 4000)],
                "11",
                id="amounts of one code are added first",
            ),
        ],
    )
    def test_one_reason(self, b, cas, carc):
        given = b.tables(b.clp("C1", b.line(10000, 0, *[b.cas(*one) for one in cas])))
        found = adjudications.primary_reasons(given, as_of=LATER).to_native().collect()
        assert found["carc"].to_list() == [carc]

    def test_a_reason_spread_over_lines_is_added_up(self, b):
        given = b.tables(
            b.clp("C1", b.line(6000, 0, b.cas("CO", "50", 6000)), *[b.line(4000, 0, b.cas("CO", "97", 4000))] * 2)
        )
        found = adjudications.primary_reasons(given, as_of=LATER).to_native().collect()
        assert found.row(0) == ("acme", "R0001", "97", "bundling", 8000)


def test_the_parts_of_every_charge_add_up(builders_remit):
    b = builders_remit
    codes = ["45", "253", "197", "18", "23", "133", "ZZ9", "109", "209", "94"]
    claims = [
        b.clp(f"C{n}", b.line(10000, 3000, b.cas("CO", code, 5000), b.cas("PR", "2", 2000)))
        for n, code in enumerate(codes)
    ]
    found = adjudications.claim_adjudications(b.tables(*claims), as_of=LATER).to_native().collect()
    parts = sum(found[name] for name in adjudications.PARTS)
    assert (found["charge_cents"] - found["paid_cents"] - parts).to_list() == [0] * len(codes)
    assert found["unexplained_cents"].to_list() == [0] * len(codes)
    assert found["other_cents"].sum() == 10000, "an unmapped code and 209 are neither denied nor contractual"


def test_every_engine_gives_the_same_ledger(builders_remit, as_engine, engine):
    b = builders_remit
    first = b.paid("C1")
    given = b.tables(
        first,
        b.reversal(first, "2026-10-20"),
        b.paid("C1", on="2026-10-21"),
        b.denied("C2"),
        b.denied("C2", "18", on="2026-10-20"),
        b.bare("C3", 10000, 0, b.cas("CO", "29", 10000)),
        b.denied("C4", status="25"),
        b.clp("C5", b.line(3333, 0), b.line(6667, 0), adjustments=(b.cas("CO", "97", 10001), b.cas("CO", "45", -1))),
    )
    converted = as_engine(given, engine)
    for ledger in (
        adjudications.claim_adjudications,
        adjudications.line_adjudications,
        adjudications.adjustment_lines,
        adjudications.first_adjudications,
        adjudications.net_positions,
        adjudications.primary_reasons,
    ):
        wanted = ledger(given, as_of=LATER)
        found = ledger(converted, as_of=LATER)
        assert _rows(found) == _rows(wanted), ledger.__name__


def _rows(frame) -> list[str]:
    table = frame.collect(backend="pyarrow") if "duckdb" in str(frame.implementation).lower() else frame.collect()
    eager = pl.DataFrame(table.to_arrow())
    day = [pl.col(name).cast(pl.Date) for name in eager.columns if name.endswith("_on")]
    whole = [pl.col(name).cast(pl.Int64) for name, kind in eager.schema.items() if kind.is_numeric()]
    return sorted(str(row) for row in eager.select(sorted(eager.columns)).with_columns(*day, *whole).rows())
