"""Recodes and cuts of units: the worked examples of the guide, what is none, and that no dollar stands twice."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

from rcm_analysis.measures.payers.contract import expected_allowed
from rcm_analysis.measures.payers.recoded import _tail, recoded_lines, recodes, recodes_by_doctor
from rcm_analysis.measures.payers.shortfalls import underpaid_lines, underpayments
from rcm_analysis.periods import Period
from tests.builders import contract_tables as b

AS_OF = dt.date(2026, 6, 30)
FEES = [b.fee(9120), b.fee(12850, procedure="99214"), b.fee(3000, procedure="97110"), b.fee(9000, procedure="C")]
LONGER = (("submitted_procedure", "99214"),)


def lines(*payments, fees=FEES, **more):
    return recoded_lines(b.tables(*payments, fees=fees, **more), as_of=AS_OF)


def down(**other):
    """99214 billed for $210.00 and decided as 99213, $20.00 of it the copay."""
    return {"charge": 21000, "cas": (("PR", "3", 2000),), "said": LONGER, "sent": (("procedure", "99214"),)} | other


def test_a_level_lower():
    found = lines(b.paid("C1", 9120, **down()), rules=[b.rule(180)]).iloc[0]
    assert (found["expected_cents"], found["allowed_cents"], found["lost_cents"]) == (12850, 9120, 3730)
    assert (found["change"], found["change_basis"], found["basis"]) == ("recode", "stated", "contract")
    assert found["appeal_by"] == dt.datetime(2026, 12, 2)
    assert (found["procedure"], found["decided_procedure"], found["provider"]) == ("99214", "99213", "lee")


def test_two_units_of_four():
    cut = b.paid("C1", procedure="97110", allowed=6000, charge=20000, units=2.0, cas=(("CO", "151", 10000),))
    cut = replace(cut, lines=(replace(cut.lines[0], said=(("submitted_units", 4.0),), sent=(("units", 4.0),)),))
    found = lines(cut).iloc[0]
    assert (found["change"], found["units"], found["decided_units"], found["lost_cents"]) == ("units", 4, 2, 6000)
    assert (found["denied_cents"], found["reason"]) == (10000, "151")


@pytest.mark.parametrize(
    ("allowed", "other", "change"),
    [
        pytest.param(9120, {"said": LONGER, "billed": False}, "recode", id="no 837: SVC06 alone"),
        pytest.param(9120, {"sent": (("procedure", "99214"),)}, "recode", id="no SVC06: the 837 line"),
        pytest.param(6000, {"procedure": "97110", "units": 2.0, "sent": (("units", 4.0),),
                            "cas": (("CO", "151", 10000),)}, "units", id="no SVC07: the 837 line and the reason"),
        pytest.param(5000, {"said": (*LONGER, ("submitted_units", 2.0))}, "recode, units", id="both"),
    ],
)  # fmt: skip
def test_what_is_one(allowed, other, change):
    found = lines(b.paid("C1", allowed, **other))
    assert found["change"].tolist() == [change]


@pytest.mark.parametrize(
    ("allowed", "other"),
    [
        pytest.param(9120, {}, id="decided as billed"),
        pytest.param(9120, {"said": (("submitted_procedure", "99213"),)}, id="SVC06 says the same"),
        pytest.param(9120, {"said": (("submitted_modifiers", "25"),)}, id="a modifier dropped"),
        pytest.param(5000, {"procedure": "99199", "said": LONGER}, id="a filler for a code nobody could read"),
        pytest.param(
            9120, {"sent": (("procedure", "99214"), ("charge_cents", 9999))}, id="the 837 was corrected since"
        ),
        pytest.param(
            6000, {"procedure": "97110", "units": 1.0, "sent": (("units", 4.0),)}, id="SVC05 left out, no cut"
        ),
        pytest.param(0, {"said": LONGER, "cas": (("CO", "50", 20000),)}, id="denied whole is a denial"),
        pytest.param(12850, {"procedure": "99214", "said": (("submitted_procedure", "99213"),)}, id="raised"),
    ],
)
def test_what_is_none(allowed, other):
    assert lines(b.paid("C1", allowed, **other)).empty


def test_a_bundle_is_no_recode_and_balances():
    first = b.Line(
        12000, "C", charge=10000, cas=(("OA", "94", -6000),), said=(("submitted_procedure", "99213"),), billed=False
    )
    second = b.Line(
        0, "C", charge=6000, cas=(("CO", "97", 6000),), said=(("submitted_procedure", "97110"),), billed=False
    )
    tables = b.tables(b.paid("C1", lines=[first, second]), fees=FEES)
    assert recoded_lines(tables, as_of=AS_OF).empty
    rows = expected_allowed(tables, as_of=AS_OF).collect("pandas").to_native()
    assert sorted(rows["change"]) == ["bundle", "bundle"]


def test_two_visits_of_a_claim_lowered_to_one_code_are_two_recodes():
    each = [b.Line(9120, charge=21000, said=(("submitted_procedure", code),)) for code in ("99214", "99215")]
    assert lines(b.paid("C1", lines=each), fees=[*FEES, b.fee(18000, procedure="99215")])["lost_cents"].tolist() == [
        3730,
        8880,
    ]


def test_the_price_is_inferred_from_lines_decided_as_billed():
    habit = [b.paid(f"H{n}", 12850, procedure="99214", on="2026-05-03", service="2026-04-20") for n in range(10)]
    lowered = [b.paid("C1", 9120, **down())]
    found = lines(*habit, *lowered, fees=[]).iloc[0]
    assert (found["basis"], found["lost_cents"]) == ("inferred", 3730)
    few = recodes(b.tables(*habit[1:], *lowered), period=Period.month("2026-06"), by=())
    assert few[["lines", "unpriced_lines", "lost_cents"]].iloc[0].tolist() == [1, 1, 0]


def test_no_dollar_stands_twice():
    """Too little for the lower code as well: all of it is lost to the recode, none of it is underpaid."""
    tables = b.tables(b.paid("C1", 8000, **down()), b.paid("C2", 8000), fees=FEES)
    assert recoded_lines(tables, as_of=AS_OF)["lost_cents"].tolist() == [4850]
    assert underpaid_lines(tables, as_of=AS_OF)["claim_id"].tolist() == ["C2"]
    assert int(underpayments(tables, period=Period.month("2026-06"), by=())["short_cents"].iloc[0]) == 1120


def test_what_was_allowed_first_and_taken_back_is_lost_to_the_takeback():
    first = b.paid("C1", 12000, procedure="99214", charge=21000, on="2026-05-05")
    assert lines(first, b.taken_back(first, "2026-06-05"), b.paid("C1", 9120, **down()))["lost_cents"].tolist() == [850]


def test_by_reason_and_doctor():
    tables = b.tables(b.paid("C1", 9120, **down()), b.paid("C2", 9120, **down(cas=(("CO", "150", 100),))), fees=FEES)
    found = recodes(tables, period=Period.month("2026-06"), by=["provider", "reason"])
    assert found[["provider", "reason", "claims", "lost_cents"]].values.tolist() == [
        ["lee", "", 1, 3730],
        ["lee", "150", 1, 3730],
    ]
    assert recodes(tables, period=Period.month("2026-05"), by=()).iloc[0].tolist()[:5] == [0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("lines", "rates", "cut", "chance"),
    [
        pytest.param([40, 10], [0.05, 0.2], 8, 0.0396, id="guide: Dr A, twice as often as expected"),
        pytest.param([100], [0.01], 2, 0.2642, id="guide: Dr B, the same ratio and no signal"),
        pytest.param([5], [0.3], 0, 1.0, id="none cut"),
        pytest.param([3], [0.5], 3, 0.125, id="all cut"),
    ],
)
def test_the_chance_of_so_many_cuts(lines, rates, cut, chance):
    own = pd.DataFrame({"lines": lines, "rate": rates, "cut": [cut] + [0] * (len(lines) - 1)})
    assert _tail(own) == pytest.approx(chance, abs=5e-5)


def test_doctors_are_compared_at_the_same_payers_and_codes():
    """The guide's Dr A: 40 x 99214 where others have 5 % and 10 x 99215 where they have 20 %; 8 of hers are cut."""
    higher = (("submitted_procedure", "99215"),)
    kinds = {"99214": down(), "99215": down(said=higher, sent=(("procedure", "99215"),))}
    work = {"A": {"99214": (40, 3), "99215": (10, 5)}, "B": {"99214": (100, 5), "99215": (20, 4)}}
    payments, doctor = [], {}
    for name, codes in work.items():
        for code, (size, cut) in codes.items():
            for number in range(size):
                claim = f"{name}{code}{number}"
                doctor[claim] = name
                is_cut = number < cut
                said = kinds[code] if is_cut else {"procedure": code, "charge": 21000}
                payments.append(b.paid(claim, 9120 if is_cut else 12850, **said))
    tables = b.tables(*payments, fees=[*FEES, b.fee(12850, procedure="99215")])
    tables["claims"]["provider"] = tables["claims"]["claim_id"].map(doctor)
    found = recodes_by_doctor(tables, period=Period.month("2026-06")).set_index("provider")
    assert found.loc["A", ["lines", "recoded_lines", "expected", "ratio"]].tolist() == [50, 8, 4.0, 2.0]
    assert found.loc["A", "p_value"] == pytest.approx(0.0396, abs=5e-5)
