"""Secondary claims nobody sent and crossovers that never arrived, case by case."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.measures.receivable import secondary as measures

NOVEMBER = dt.date(2026, 11, 30)


def owing(b, patient=2000, **other):
    """100.00 charged, 20.00 off, the rest paid but for what is left to the patient."""
    return b.clp("C1", b.line(10000, 8000 - patient, b.cas("CO", "45", 2000), b.cas("PR", "2", patient)), **other)


def book(b, *claim_payments, claim=None, **rows):
    claims = [{"claim_id": "C1", "secondary_payer": "medigap", **(claim or {})}]
    rows["submissions"] = [{"claim_id": "C1", "submitted_on": "2026-09-04"}, *rows.get("submissions", [])]
    return b.tables(*claim_payments, claims=claims, **{"payer_rules": [{"payer": "medigap"}], **rows})


def two_halves(b):
    half = b.line(5000, 3000, b.cas("CO", "45", 1000), b.cas("PR", "2", 1000))
    return [b.clp("C1", half), b.clp("C1", half, on="2026-10-09")]


CASES = [
    pytest.param(lambda b: ([owing(b)], {}), 2000, id="settled as primary with coinsurance left"),
    pytest.param(
        lambda b: ([b.clp("C1", b.line(10000, 0, b.cas("CO", "45", 2000), b.cas("PR", "1", 8000)))], {}),
        8000,
        id="nothing paid, all of it deductible",
    ),
    pytest.param(lambda b: ([owing(b)], {"claim": {"secondary_payer": None}}), None, id="no secondary payer"),
    pytest.param(
        lambda b: ([owing(b)], {"claim": {"secondary_payer": "self_pay"}}), None, id="the patient is no secondary payer"
    ),
    pytest.param(lambda b: ([b.paid("C1")], {}), None, id="nothing left to anybody"),
    pytest.param(lambda b: ([owing(b, status="19")], {}), None, id="the primary forwarded it"),
    pytest.param(lambda b: ([owing(b, status="2")], {}), None, id="decided by the secondary only"),
    pytest.param(
        lambda b: ([owing(b), owing(b, status="2", payer="medigap", on="2026-10-20")], {}),
        None,
        id="the secondary answered, with no 837 of ours",
    ),
    pytest.param(
        lambda b: (
            [owing(b)],
            {"submissions": [{"claim_id": "C1", "payer_order": "secondary", "submitted_on": "2026-10-09"}]},
        ),
        None,
        id="sent to the secondary",
    ),
    pytest.param(
        lambda b: (
            [owing(b)],
            {"submissions": [{"claim_id": "C1", "payer_order": "secondary", "submitted_on": "2026-12-01"}]},
        ),
        2000,
        id="sent to the secondary, after the day asked for",
    ),
    pytest.param(
        lambda b: ([owing(b)], {"submissions": [{"claim_id": "C1", "submitted_on": "2026-10-09"}]}),
        2000,
        id="sent to the primary again is not sent on",
    ),
    pytest.param(
        lambda b: (
            [owing(b)],
            {
                "submissions": [
                    {"claim_id": "C1", "payer_order": "secondary", "submitted_on": "2026-10-09", "frequency": "8"}
                ]
            },
        ),
        2000,
        id="a void is no claim sent",
    ),
    pytest.param(lambda b: ([owing(b), b.reversal(owing(b), on="2026-10-20")], {}), None, id="taken back in full"),
    pytest.param(
        lambda b: ([owing(b), b.reversal(owing(b), on="2026-10-20"), owing(b, patient=3500, on="2026-10-20")], {}),
        3500,
        id="reversed and corrected: the corrected amount",
    ),
    pytest.param(
        lambda b: ([owing(b), owing(b, patient=3500, on="2026-10-20")], {}),
        3500,
        id="decided again without a reversal: the last amount, not both",
    ),
    pytest.param(lambda b: (two_halves(b), {}), 2000, id="decided in two halves: both"),
    pytest.param(
        lambda b: ([owing(b), b.denied("C1", "18", on="2026-10-20")], {}),
        2000,
        id="a refusal as a duplicate changes nothing",
    ),
    pytest.param(
        lambda b: ([b.clp("C1", b.line(10000, 0, b.cas("PR", "204", 10000)))], {}),
        None,
        id="a denial in group PR is worked as a denial",
    ),
    pytest.param(lambda b: ([owing(b, on="2026-10-31")], {}), 2000, id="thirty days ago"),
    pytest.param(lambda b: ([owing(b, on="2026-11-01")], {}), None, id="twenty-nine days ago"),
]


@pytest.mark.parametrize(("case", "cents"), CASES)
def test_unaddressed_secondary(builders_remit, case, cents):
    payments, rows = case(builders_remit)
    found = measures.unaddressed_secondary(book(builders_remit, *payments, **rows), as_of=NOVEMBER)
    assert found["patient_cents"].tolist() == ([] if cents is None else [cents])


@pytest.mark.parametrize(
    ("on", "status", "listed"),
    [
        pytest.param("2026-10-16", "19", True, id="forty-five days without an answer"),
        pytest.param("2026-10-17", "19", False, id="forty-four days"),
        pytest.param("2026-09-01", "1", False, id="never forwarded"),
    ],
)
def test_crossovers_that_never_arrived(builders_remit, on, status, listed):
    found = measures.crossovers_not_received(
        book(builders_remit, owing(builders_remit, status=status, on=on)), as_of=NOVEMBER
    )
    assert (len(found) == 1) == listed


@pytest.mark.parametrize(
    ("rules", "deadline", "missed"),
    [
        pytest.param([{"payer": "medigap"}], "2027-01-03", False, id="ninety days from the primary's remittance"),
        pytest.param([{"payer": "medigap", "secondary_filing_limit_days": 55}], "2026-11-29", True, id="yesterday"),
        pytest.param(
            [{"payer": "medigap", "secondary_filing_limit_days": 56}], "2026-11-30", False, id="today is still in time"
        ),
        pytest.param([{"payer": "aetna"}], None, False, id="the primary's rule does not count"),
        pytest.param([{"payer": "medigap", "effective_to": "2026-10-04"}], None, False, id="the rule had ended"),
        pytest.param(
            [
                {"payer": "medigap", "effective_to": "2026-10-04"},
                {"payer": "medigap", "effective_from": "2026-10-05", "secondary_filing_limit_days": 60},
            ],
            "2026-12-04",
            False,
            id="the rule in force on the day of the remittance",
        ),
        pytest.param(
            [{"payer": "medigap", "secondary_filing_limit_days": None}],
            None,
            False,
            id="a rule without a secondary limit",
        ),
    ],
)
def test_the_deadline_is_the_secondary_payers(builders_remit, rules, deadline, missed):
    found = measures.unaddressed_secondary(
        book(builders_remit, owing(builders_remit), payer_rules=rules), as_of=NOVEMBER
    ).iloc[0]
    assert (None if pd.isna(found["deadline_on"]) else f"{found['deadline_on']:%Y-%m-%d}") == deadline
    assert bool(found["is_missed"]) == missed


def test_a_row_says_what_is_needed_to_send_it(builders_remit):
    found = measures.unaddressed_secondary(book(builders_remit, owing(builders_remit)), as_of=NOVEMBER)
    assert found[["client", "claim_id", "payer", "secondary_payer", "waiting_days"]].iloc[0].tolist() == [
        "acme",
        "C1",
        "aetna",
        "medigap",
        56,
    ]


@pytest.mark.parametrize("measured", [measures.unaddressed_secondary, measures.crossovers_not_received])
def test_every_engine_lists_the_same_claims(builders_remit, as_engine, engine, measured):
    b = builders_remit
    payments = [
        b.clp(
            f"C{number}",
            b.line(10000, 6000, b.cas("CO", "45", 2000), b.cas("PR", "2", 2000)),
            status="1" if number % 2 else "19",
        )
        for number in range(8)
    ]
    tables = b.tables(
        *payments,
        payer_rules=[{"payer": "medigap"}],
        claims=[{"claim_id": f"C{number}", "secondary_payer": "medigap"} for number in range(6)],
        submissions=[
            {"claim_id": "C1", "payer_order": "secondary", "submitted_on": "2026-10-09"},
            *({"claim_id": f"C{number}", "submitted_on": "2026-09-04"} for number in range(8)),
        ],
    )
    ours = measured(tables, as_of=NOVEMBER)
    assert len(ours) >= 2
    assert_frame_equal(measured(as_engine(tables, engine), as_of=NOVEMBER), ours)
