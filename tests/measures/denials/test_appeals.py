"""Appeals: what was appealed, what came of it, and what denied money came back."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from rcm_analysis.measures.denials import recovery
from rcm_analysis.periods import Period

OCTOBER = Period.month("2026-10")
AS_OF = dt.date(2026, 12, 31)
COUNTS = ["appealed_claims", "overturned_claims", "upheld_claims", "open_claims"]


@pytest.fixture
def b(builders_remit):
    return builders_remit


def note(
    claim: str = "C1", on: str = "2026-10-12", action: str = "appeal", outcome: str | None = "in_process", **other
) -> dict:
    return {"claim_id": claim, "worked_on": on, "action": action, "outcome": outcome, **other}


def counts(given, **options) -> list[int]:
    return recovery.appeals(given, **{"period": OCTOBER, "as_of": AS_OF, **options}).loc[0, COUNTS].tolist()


class TestOutcome:
    @pytest.mark.parametrize(
        ("later", "notes", "wanted"),
        [
            pytest.param(lambda b: [], [note()], [1, 0, 0, 1], id="no answer yet"),
            pytest.param(lambda b: [b.paid("C1", on="2026-11-03")], [note()], [1, 1, 0, 0], id="paid after the appeal"),
            pytest.param(lambda b: [b.denied("C1", "193", on="2026-11-03")], [note()], [1, 0, 1, 0], id="denied again"),
            pytest.param(
                lambda b: [],
                [note(), note(on="2026-11-01", action="follow_up", outcome="overturned")],
                [1, 1, 0, 0],
                id="a note says overturned",
            ),
            pytest.param(
                lambda b: [],
                [note(), note(on="2026-11-01", action="follow_up", outcome="upheld")],
                [1, 0, 1, 0],
                id="a note says upheld",
            ),
            pytest.param(
                lambda b: [], [note(outcome="upheld")], [1, 0, 1, 0], id="the outcome stands on the appeal's own note"
            ),
            pytest.param(
                lambda b: [b.paid("C1", on="2026-12-03")],
                [note(), note(on="2026-11-01", outcome="upheld")],
                [1, 1, 0, 0],
                id="upheld at first and paid on the second level",
            ),
            pytest.param(
                lambda b: [b.denied("C1", "18", on="2026-11-03")],
                [note()],
                [1, 0, 0, 1],
                id="a duplicate refusal is no answer",
            ),
            pytest.param(
                lambda b: [b.paid("C1", on="2026-11-03"), b.reversal(b.paid("C1"), "2026-11-20")],
                [note()],
                [1, 0, 0, 1],
                id="paid and taken back again",
            ),
            pytest.param(
                lambda b: [b.paid("C1", on="2026-10-08")],
                [note()],
                [1, 0, 0, 1],
                id="a payment before the appeal is not its outcome",
            ),
            pytest.param(
                lambda b: [],
                [note(on="2026-10-12"), note(on="2026-10-25")],
                [1, 0, 0, 1],
                id="two appeals of one claim count once",
            ),
            pytest.param(
                lambda b: [],
                [note(on="2026-10-01")],
                [0, 0, 0, 0],
                id="an appeal before the denial belongs to something else",
            ),
            pytest.param(lambda b: [], [note(on="2026-10-05")], [1, 0, 0, 1], id="appealed on the day of the denial"),
            pytest.param(lambda b: [], [note(on="2026-11-01")], [0, 0, 0, 0], id="appealed after the period"),
            pytest.param(lambda b: [], [note(action="follow_up")], [0, 0, 0, 0], id="a follow-up is no appeal"),
            pytest.param(
                lambda b: [],
                [note(on="2026-10-12", entered_on="2027-01-02")],
                [0, 0, 0, 0],
                id="a note entered after as_of is not known",
            ),
            pytest.param(
                lambda b: [],
                [note(on="2026-10-12", entered_on="2026-12-31")],
                [1, 0, 0, 1],
                id="a note entered on as_of itself is known",
            ),
            pytest.param(
                lambda b: [b.paid("C1", on="2026-10-12")],
                [note()],
                [1, 1, 0, 0],
                id="a payment on the day of the appeal is its outcome",
            ),
            pytest.param(
                lambda b: [b.paid("C1", on="2026-12-31")],
                [note()],
                [1, 1, 0, 0],
                id="a payment on as_of itself is known",
            ),
            pytest.param(
                lambda b: [b.paid("C1", on="2027-01-02")],
                [note()],
                [1, 0, 0, 1],
                id="a payment after as_of is not known",
            ),
        ],
    )
    def test_what_came_of_it(self, b, later, notes, wanted):
        assert counts(b.tables(b.denied("C1"), *later(b), work_log=notes)) == wanted

    def test_a_claim_that_was_not_denied_has_nothing_to_overturn(self, b):
        assert counts(b.tables(b.paid("C1"), work_log=[note()])) == [0, 0, 0, 0]

    def test_first_appealed_the_month_before_is_not_counted_again(self, b):
        given = b.tables(b.denied("C1", on="2026-09-02"), work_log=[note(on="2026-09-20"), note(on="2026-10-12")])
        assert counts(given) == [0, 0, 0, 0]

    def test_resolved_and_open_are_all_there_is(self, b):
        given = b.tables(
            b.denied("C1"), b.denied("C2"), b.paid("C1", on="2026-11-03"), work_log=[note("C1"), note("C2")]
        )
        found = recovery.appeals(given, period=OCTOBER, as_of=AS_OF).loc[0]
        assert found["resolved_claims"] + found["open_claims"] == found["appealed_claims"] == 2
        assert found["appealed_cents"] == 20000 and found["resolved_cents"] == 10000


class TestRates:
    def given(self, b):
        return b.tables(
            b.denied("C1"),
            b.denied("C2", "50"),
            b.bare("C3", 500, 0, b.cas("CO", "29", 500)),
            b.denied("C4"),
            b.paid("C1", on="2026-11-03"),
            b.denied("C2", "193", on="2026-11-03"),
            b.denied("C3", "29", on="2026-11-03"),
            work_log=[note("C1"), note("C2"), note("C3"), note("C4")],
        )

    def test_by_count_leaves_open_appeals_out(self, b):
        found = recovery.overturn_rate_claims(self.given(b), period=OCTOBER, as_of=AS_OF)
        assert found.iloc[0].tolist() == [1, 3, pytest.approx(1 / 3)]

    def test_by_dollars_goes_by_what_was_denied(self, b):
        found = recovery.overturn_rate_dollars(self.given(b), period=OCTOBER, as_of=AS_OF)
        assert found.iloc[0].tolist() == [10000, 20500, pytest.approx(10000 / 20500)]

    def test_by_category_of_the_denial(self, b):
        found = recovery.overturn_rate_claims(self.given(b), period=OCTOBER, as_of=AS_OF, by=("category",))
        assert found.iloc[:, :3].values.tolist() == [
            ["authorization", 1, 1],
            ["medical_necessity", 0, 1],
            ["timely_filing", 0, 1],
        ]

    def test_nothing_resolved_gives_an_empty_rate(self, b):
        found = recovery.overturn_rate_claims(b.tables(b.denied("C1"), work_log=[note()]), period=OCTOBER, as_of=AS_OF)
        assert found.loc[0, "resolved_claims"] == 0 and pd.isna(found.loc[0, "overturn_rate_claims"])

    def test_days_from_denial_to_appeal(self, b):
        given = b.tables(
            b.denied("C1", on="2026-09-30"),
            b.denied("C2"),
            work_log=[note("C1", on="2026-10-10"), note("C2", on="2026-10-07")],
        )
        found = recovery.denial_response_days(given, period=OCTOBER, as_of=AS_OF)
        assert found.iloc[0].tolist() == [12, 2, 6.0]


class TestRecovery:
    @pytest.mark.parametrize(
        ("later", "wanted"),
        [
            pytest.param(lambda b: [], [1, 0, 0, 10000], id="nothing came back"),
            pytest.param(
                lambda b: [b.paid("C1", on="2026-11-03")],
                [1, 1, 8000, 10000],
                id="paid on resubmission at the contract rate",
            ),
            pytest.param(
                lambda b: [b.clp("C1", b.line(15000, 15000), on="2026-11-03")],
                [1, 1, 10000, 10000],
                id="never more than was denied",
            ),
            pytest.param(
                lambda b: [b.paid("C1", on="2026-11-03"), b.reversal(b.paid("C1"), "2026-11-20")],
                [1, 0, 0, 10000],
                id="paid and taken back",
            ),
            pytest.param(lambda b: [b.paid("C1", on="2027-01-02")], [1, 0, 0, 10000], id="paid after as_of"),
            pytest.param(
                lambda b: [b.paid("C1", status="2", on="2026-11-03")],
                [1, 0, 0, 10000],
                id="the secondary's payment is its own",
            ),
            pytest.param(
                lambda b: [b.paid("C1", payer="cigna", on="2026-11-03")],
                [1, 1, 8000, 10000],
                id="rebilled to the right primary payer",
            ),
            pytest.param(
                lambda b: [b.reversal(b.denied("C1"), b.DAY), b.paid("C1")],
                [1, 1, 8000, 10000],
                id="corrected in the very same file",
            ),
        ],
    )
    def test_a_denied_claim(self, b, later, wanted):
        found = recovery.denial_recovery(b.tables(b.denied("C1"), *later(b)), period=OCTOBER, as_of=AS_OF)
        assert found.iloc[0, :4].tolist() == wanted

    def test_a_line_paid_by_reversal_and_correction_recovers_the_difference(self, b):
        first = b.clp("C1", b.line(10000, 8000, b.cas("CO", "45", 2000)), b.line(5000, 0, b.cas("CO", "97", 5000)))
        corrected = b.clp(
            "C1",
            b.line(10000, 8000, b.cas("CO", "45", 2000)),
            b.line(5000, 4000, b.cas("CO", "45", 1000)),
            on="2026-11-03",
        )
        found = recovery.denial_recovery(
            b.tables(first, b.reversal(first, "2026-11-03"), corrected), period=OCTOBER, as_of=AS_OF
        )
        assert found.iloc[0].tolist() == [1, 1, 4000, 5000, 0.8]

    def test_more_taken_back_than_paid_recovers_nothing(self, b):
        first = b.clp("C1", b.line(10000, 8000, b.cas("CO", "45", 2000)), b.line(5000, 0, b.cas("CO", "97", 5000)))
        found = recovery.denial_recovery(b.tables(first, b.reversal(first, "2026-11-03")), period=OCTOBER, as_of=AS_OF)
        assert found.iloc[0].tolist() == [1, 0, 0, 5000, 0.0]

    def test_nothing_denied_gives_an_empty_rate(self, b):
        found = recovery.denial_recovery(b.tables(b.paid("C1")), period=OCTOBER, as_of=AS_OF)
        assert found.loc[0, "denied_cents"] == 0 and pd.isna(found.loc[0, "denial_recovery"])


def mixed(b):
    return b.tables(
        b.denied("C1"),
        b.denied("C2", "50", payer="cigna"),
        b.denied("C3", "97"),
        b.denied("C4", "50", payer="cigna"),
        b.paid("C5"),
        b.paid("C1", on="2026-11-03"),
        b.denied("C2", "193", payer="cigna", on="2026-11-03"),
        work_log=[note("C1"), note("C2"), note("C3"), note("C5"), note("C3", on="2026-11-10", outcome="overturned")],
        claims=[{"claim_id": "C1", "provider": "lee"}],
    )


MEASURES = {
    name: lambda given, by, measure=measure: measure(given, period=OCTOBER, as_of=AS_OF, by=by)
    for name, measure in {
        "appeals": recovery.appeals,
        "by count": recovery.overturn_rate_claims,
        "by dollars": recovery.overturn_rate_dollars,
        "recovery": recovery.denial_recovery,
        "days": recovery.denial_response_days,
    }.items()
}


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_laws(b, measure):
    given = mixed(b)
    before = {name: frame.copy(deep=True) for name, frame in given.items()}
    whole, split = measure(given, ()), measure(given, ("payer",))
    counted = list(whole.select_dtypes("int64"))
    assert split[counted].sum().to_dict() == whole[counted].loc[0].to_dict(), "payers add up to the whole"
    shuffled = {name: frame.sample(frac=1, random_state=7) for name, frame in given.items()}
    pd.testing.assert_frame_equal(measure(shuffled, ("payer",)), split)
    doubled = {
        name: frame.assign(**{col: frame[col] * 2 for col in frame if col.endswith("_cents")})
        for name, frame in given.items()
    }
    rates = [name for name in split if not name.endswith("_cents")]
    pd.testing.assert_frame_equal(measure(doubled, ("payer",))[rates], split[rates], obj="doubling every dollar")
    for name, frame in given.items():
        pd.testing.assert_frame_equal(frame, before[name], obj=f"{name} came back changed")


def test_every_engine_gives_the_same_numbers(b, as_engine, engine):
    given = mixed(b)
    converted = as_engine(given, engine)
    names = MEASURES if engine != "spark" else ("appeals", "recovery")
    for name in names:
        pd.testing.assert_frame_equal(
            MEASURES[name](converted, ("provider", "category")),
            MEASURES[name](given, ("provider", "category")),
            obj=name,
        )


class TestCorrections:
    """Corrected claims apart from appeals: the first correction after the denial, by note or by a replacing bill."""

    NAMES = ("corrected_claims", "paid_claims", "denied_again_claims", "open_claims")

    def counts(self, given) -> list[int]:
        found = recovery.corrected_claim_success(given, period=OCTOBER, as_of=AS_OF)
        return found.loc[0, list(self.NAMES)].tolist()

    @pytest.mark.parametrize(
        ("later", "notes", "bills", "wanted"),
        [
            pytest.param(
                lambda b: [b.paid("C1", on="2026-11-03")],
                [note(action="corrected_claim")],
                [],
                [1, 1, 0, 0],
                id="corrected and paid",
            ),
            pytest.param(
                lambda b: [b.denied("C1", "193", on="2026-11-03")],
                [],
                [{"claim_id": "C1", "submitted_on": "2026-10-12", "frequency": "7"}],
                [1, 0, 1, 0],
                id="replaced and denied again",
            ),
            pytest.param(
                lambda b: [],
                [note(action="corrected_claim")],
                [{"claim_id": "C1", "submitted_on": "2026-10-13", "frequency": "7"}],
                [1, 0, 0, 1],
                id="note and bill are one correction",
            ),
            pytest.param(
                lambda b: [b.paid("C1", on="2026-11-03")],
                [note(action="corrected_claim"), note(on="2026-10-20")],
                [],
                [0, 0, 0, 0],
                id="what was appealed as well is the appeal's success",
            ),
            pytest.param(
                lambda b: [],
                [],
                [{"claim_id": "C1", "submitted_on": "2026-10-12", "frequency": "1"}],
                [0, 0, 0, 0],
                id="sent again as it was is no correction",
            ),
            pytest.param(
                lambda b: [],
                [],
                [{"claim_id": "C1", "submitted_on": "2026-10-01", "frequency": "7"}],
                [0, 0, 0, 0],
                id="replaced before the denial",
            ),
        ],
    )
    def test_outcome(self, b, later, notes, bills, wanted):
        given = b.tables(b.denied("C1", "16", on="2026-10-05"), *later(b), work_log=notes, submissions=bills)
        assert self.counts(given) == wanted

    def test_the_share_is_of_what_was_decided(self, b):
        claims = ["C1", "C2", "C3"]
        given = b.tables(
            *(b.denied(claim, "16", on="2026-10-05") for claim in claims),
            b.paid("C1", on="2026-11-03"),
            b.denied("C2", "16", on="2026-11-03"),
            work_log=[note(claim, action="corrected_claim") for claim in claims],
        )
        found = recovery.corrected_claim_success(given, period=OCTOBER, as_of=AS_OF).iloc[0]
        assert found["corrected_claim_success"] == 0.5 and found["open_claims"] == 1
        assert found["recovered_cents"] == b.paid("C1").paid
