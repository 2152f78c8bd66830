"""Clean claims and first passes: two numbers that must never be taken for one another."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.measures.denials import first_pass
from rcm_analysis.periods import Period

SEPTEMBER = Period.month("2026-09")
AS_OF = dt.date(2026, 12, 31)


@pytest.fixture
def b(builders_remit):
    return builders_remit


def check(claim: str = "C1", on: str = "2026-09-10", result: str = "passed", **other) -> dict:
    return {"claim_id": claim, "checked_on": on, "result": result, **other}


def sent(claim: str = "C1", on: str = "2026-09-10", **other) -> dict:
    return {"claim_id": claim, "submitted_on": on, **other}


class TestCleanClaims:
    @pytest.mark.parametrize(
        ("checks", "wanted"),
        [
            pytest.param([check()], [1, 1], id="passed at once"),
            pytest.param([check(result="failed"), check(on="2026-09-11")], [0, 1], id="passed after it was mended"),
            pytest.param(
                [check(), check(on="2026-09-12", result="failed")], [1, 1], id="a later check does not undo the first"
            ),
            pytest.param(
                [check(), check(stage="clearinghouse", result="failed")], [0, 1], id="the clearinghouse turned it back"
            ),
            pytest.param(
                [check(), check(stage="payer", result="failed")],
                [1, 1],
                id="the payer's front end is not pre-submission",
            ),
            pytest.param([check(stage="payer")], [0, 0], id="never checked before submission"),
            pytest.param(
                [check(on="2026-08-31", result="failed"), check()], [0, 0], id="first checked the month before"
            ),
            pytest.param(
                [check(on="2026-09-30"), check(stage="clearinghouse", on="2026-10-01", result="failed")],
                [1, 1],
                id="a failure after the month is not known in it",
            ),
            pytest.param([check(on="2026-10-01")], [0, 0], id="after the month"),
            pytest.param([check("C1"), check("C2", result="failed")], [1, 2], id="one of two"),
            pytest.param([check(client="acme"), check(client="other")], [2, 2], id="one claim id of two clients"),
            pytest.param([check(stage="clearinghouse", result="pending")], [0, 0], id="only received"),
            pytest.param([], [0, 0], id="no checks"),
        ],
    )
    def test_what_counts(self, b, checks, wanted):
        found = first_pass.clean_claim_rate(b.tables(claim_edits=checks), period=SEPTEMBER)
        assert found.iloc[0, :2].tolist() == wanted

    def test_a_denial_does_not_make_a_claim_unclean(self, b):
        given = b.tables(b.denied("C1", on="2026-09-20"), claim_edits=[check()])
        assert first_pass.clean_claim_rate(given, period=SEPTEMBER).loc[0, "clean_claim_rate"] == 1.0

    def test_by_payer_of_the_claim(self, b):
        given = b.tables(
            claim_edits=[check("C1"), check("C2", result="failed")],
            claims=[{"claim_id": "C1", "payer": "aetna"}, {"claim_id": "C2", "payer": "cigna"}],
        )
        found = first_pass.clean_claim_rate(given, period=SEPTEMBER, by=("payer",))
        assert found.values.tolist() == [["aetna", 1, 1, 1.0], ["cigna", 0, 1, 0.0]]


class TestAcceptance:
    TWO = (check("C1", stage="payer"), check("C2", stage="payer", result="failed"))

    @pytest.mark.parametrize(
        ("checks", "wanted"),
        [
            pytest.param(TWO, [1, 2, 0, 21000, 41000], id="one of two"),
            pytest.param(
                [*TWO, check("C2", on="2026-09-12", stage="payer")],
                [1, 2, 0, 21000, 41000],
                id="mended and taken is one claim and one rejection",
            ),
            pytest.param(
                [check("C1", stage="clearinghouse"), check("C1", on="2026-09-11", stage="payer", result="failed")],
                [0, 1, 0, 0, 21000],
                id="passed by the clearinghouse and rejected by the payer",
            ),
            pytest.param(
                [*TWO, check("C3", stage="payer", result="pending")],
                [1, 2, 1, 21000, 41000],
                id="received is in neither",
            ),
            pytest.param(
                [check("C1", on="2026-08-31", stage="payer", result="pending"), check("C1", stage="payer")],
                [1, 1, 0, 21000, 21000],
                id="counted when it is taken",
            ),
            pytest.param(
                [check("C1", stage="scrubber", result="failed")], [0, 0, 0, 0, 0], id="our own scrubber is none"
            ),
            pytest.param([check("C1", on="2026-10-01", stage="payer")], [0, 0, 0, 0, 0], id="after the month"),
        ],
    )
    def test_what_counts(self, b, checks, wanted):
        charges = {"C1": 21000, "C2": 20000, "C3": 500}
        claims = [{"claim_id": claim, "charge_cents": cents} for claim, cents in charges.items()]
        given = b.tables(claim_edits=list(checks), claims=claims)
        found = first_pass.first_pass_acceptance_rate(given, period=SEPTEMBER)
        assert found.iloc[0, :5].tolist() == wanted

    def test_both_rates_and_nothing_without_acknowledgments(self, b):
        claims = [{"claim_id": "C1", "charge_cents": 21000}, {"claim_id": "C2", "charge_cents": 20000}]
        found = first_pass.first_pass_acceptance_rate(
            b.tables(claim_edits=list(self.TWO), claims=claims), period=SEPTEMBER
        )
        assert found.iloc[0, 5:].tolist() == [0.5, 21 / 41]
        none = first_pass.first_pass_acceptance_rate(b.tables(claims=claims), period=SEPTEMBER)
        assert none.iloc[0, 5:].isna().all()


def rate(given, **options):
    found = first_pass.first_pass_resolution_rate(given, **{"period": SEPTEMBER, "as_of": AS_OF, **options})
    return found.iloc[0, :3].tolist()


class TestFirstPass:
    @pytest.mark.parametrize(
        ("decisions", "others", "wanted"),
        [
            pytest.param(lambda b: [b.paid("C1")], {}, [1, 1, 0], id="paid"),
            pytest.param(
                lambda b: [b.clp("C1", b.line(100, 0, b.cas("PR", "1", 100)))],
                {},
                [1, 1, 0],
                id="all to the patient's deductible",
            ),
            pytest.param(
                lambda b: [b.clp("C1", b.line(100, 0, b.cas("OA", "23", 100)))],
                {},
                [1, 1, 0],
                id="covered by a prior payer",
            ),
            pytest.param(lambda b: [b.denied("C1")], {}, [0, 1, 0], id="denied"),
            pytest.param(
                lambda b: [b.clp("C1", b.line(100, 80, b.cas("CO", "45", 20)), b.line(5, 0, b.cas("CO", "97", 5)))],
                {},
                [0, 1, 0],
                id="denied in part",
            ),
            pytest.param(
                lambda b: [b.denied("C1"), b.paid("C1", on="2026-11-01")], {}, [0, 1, 0], id="denied and then paid"
            ),
            pytest.param(
                lambda b: [b.clp("C1", b.line(100, 0, b.cas("CO", "45", 100)))],
                {},
                [0, 1, 0],
                id="discounted in whole is not settled",
            ),
            pytest.param(lambda b: [b.denied("C1", "133")], {}, [0, 1, 0], id="only pended"),
            pytest.param(
                lambda b: [b.denied("C1", "18"), b.paid("C1", on="2026-11-01")],
                {},
                [1, 1, 0],
                id="a stray duplicate before the payment",
            ),
            pytest.param(lambda b: [], {}, [0, 1, 0], id="no answer after ninety days"),
            pytest.param(lambda b: [b.paid("C1", on="2027-01-01")], {}, [0, 1, 0], id="paid after as_of"),
            pytest.param(
                lambda b: [b.paid("C1")],
                {"submissions": [sent(), sent(on="2026-09-20", frequency="7")]},
                [0, 1, 0],
                id="corrected before it was paid",
            ),
            pytest.param(
                lambda b: [b.paid("C1")], {"submissions": [sent(), sent(on="2026-09-20")]}, [0, 1, 0], id="sent twice"
            ),
            pytest.param(
                lambda b: [b.paid("C1")],
                {"submissions": [sent(), sent(on="2026-10-20", payer_order="secondary")]},
                [1, 1, 0],
                id="sent on to the secondary",
            ),
            pytest.param(
                lambda b: [b.paid("C1")],
                {"submissions": [sent(on="2026-08-20"), sent()]},
                [0, 0, 0],
                id="first sent the month before",
            ),
            pytest.param(
                lambda b: [b.paid("C1")],
                {"claim_edits": [check(stage="clearinghouse", result="failed")]},
                [0, 1, 0],
                id="rejected by the clearinghouse",
            ),
            pytest.param(
                lambda b: [b.paid("C1")],
                {"claim_edits": [check(stage="payer", result="failed")]},
                [0, 1, 0],
                id="rejected by the payer's front end",
            ),
            pytest.param(
                lambda b: [b.paid("C1")],
                {"claim_edits": [check(stage="scrubber", result="failed")]},
                [1, 1, 0],
                id="caught by our own scrubber",
            ),
            pytest.param(lambda b: [b.denied("C1", status="2")], {}, [0, 1, 0], id="only the secondary answered"),
        ],
    )
    def test_what_counts(self, b, decisions, others, wanted):
        assert rate(b.tables(*decisions(b), **{"submissions": [sent()], **others})) == wanted

    @pytest.mark.parametrize(
        ("as_of", "wanted"),
        [
            pytest.param(dt.date(2026, 12, 9), [1, 1, 0], id="ninety days old"),
            pytest.param(dt.date(2026, 12, 8), [0, 0, 1], id="eighty-nine days old, though paid"),
        ],
    )
    def test_maturity_is_age_and_not_an_answer(self, b, as_of, wanted):
        assert rate(b.tables(b.paid("C1"), submissions=[sent()]), as_of=as_of) == wanted

    def test_all_immature_gives_an_empty_rate(self, b):
        found = first_pass.first_pass_resolution_rate(
            b.tables(submissions=[sent()]), period=SEPTEMBER, as_of=dt.date(2026, 9, 30)
        )
        assert found.loc[0, "immature_claims"] == 1 and pd.isna(found.loc[0, "first_pass_resolution_rate"])

    def test_without_any_table_of_edits(self, b):
        given = b.tables(b.paid("C1"), submissions=[sent()])
        del given["claim_edits"]
        assert rate(given) == [1, 1, 0]


def mixed(b):
    return b.tables(
        b.paid("C1"),
        b.denied("C2"),
        b.paid("C3", payer="cigna"),
        b.clp("C4", b.line(100, 0, b.cas("PR", "1", 100)), payer="cigna"),
        submissions=[
            sent("C1"),
            sent("C2"),
            sent("C3", payer="cigna"),
            sent("C4", payer="cigna"),
            sent("C5", on="2026-09-29"),
            sent("C3", on="2026-09-30", payer="cigna"),
        ],
        claim_edits=[
            check("C1"),
            check("C2", result="failed"),
            check("C3"),
            check("C4", stage="clearinghouse", result="failed"),
        ],
        claims=[{"claim_id": "C1", "provider": "lee"}, {"claim_id": "C4", "provider": "cruz", "payer": "cigna"}],
    )


MEASURES = {
    "clean claims": lambda given, by: first_pass.clean_claim_rate(given, period=SEPTEMBER, by=by),
    "first pass": lambda given, by: first_pass.first_pass_resolution_rate(
        given, period=SEPTEMBER, as_of=dt.date(2026, 12, 20), by=by
    ),
}


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_laws(b, measure):
    given = mixed(b)
    before = {name: frame.copy(deep=True) for name, frame in given.items()}
    whole, split = measure(given, ()), measure(given, ("payer",))
    counts = list(whole.select_dtypes("int64"))
    assert split[counts].sum().to_dict() == whole[counts].loc[0].to_dict(), "payers add up to the whole"
    shuffled = {name: frame.sample(frac=1, random_state=7) for name, frame in given.items()}
    pd.testing.assert_frame_equal(measure(shuffled, ("payer",)), split)
    for name, frame in given.items():
        pd.testing.assert_frame_equal(frame, before[name], obj=f"{name} came back changed")


def test_every_engine_gives_the_same_numbers(b, as_engine, engine):
    given = mixed(b)
    converted = as_engine(given, engine)
    for name, measure in MEASURES.items():
        pd.testing.assert_frame_equal(measure(converted, ("provider",)), measure(given, ("provider",)), obj=name)
