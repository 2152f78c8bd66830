"""Underpayments: golden lines by hand, the tolerance, deadlines, findings and their onset, new prices, laws,
engines."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from rcm_analysis.measures.payers import prices
from rcm_analysis.measures.payers import shortfalls as measures
from rcm_analysis.periods import Period

AS_OF = dt.date(2026, 6, 30)
JUNE = Period.month("2026-06")


def lines(tables, as_of=AS_OF, **other):
    return measures.underpaid_lines(tables, as_of=as_of, **other)


TOLERANCE = [
    pytest.param(10000, 9501, None, id="499 cents of 100 dollars"),
    pytest.param(10000, 9500, None, id="five dollars are not more than five dollars"),
    pytest.param(10000, 9499, 501, id="a cent more is"),
    pytest.param(100000, 97000, None, id="three per cent are not more than three per cent"),
    pytest.param(100000, 96999, 3001, id="a cent more is, of a large line"),
    pytest.param(1000, 600, None, id="forty per cent of ten dollars are only four"),
    pytest.param(10000, 11000, None, id="more than the contract"),
]


def test_a_line_is_short_by_more_than_five_dollars_and_three_per_cent(builders_contract):
    """All cases in one book, each a procedure of its own."""
    b = builders_contract
    book = b.tables(
        *[b.paid(case.id, case.values[1], procedure=case.id, charge=200000) for case in TOLERANCE],
        fees=[b.fee(case.values[0], procedure=case.id) for case in TOLERANCE],
    )
    found = dict(zip(*[lines(book)[name] for name in ("claim_id", "short_cents")], strict=True))
    assert found == {case.id: case.values[2] for case in TOLERANCE if case.values[2]}


TRAPS = [
    pytest.param({"cas": (("CO", "24", 1000),)}, id="capitated (24)"),
    pytest.param({"cas": (("CO", "59", 1000),)}, id="multiple procedures (59)"),
    pytest.param({"cas": (("OA", "23", 1000),)}, id="another payer paid first"),
    pytest.param({"status": "2", "order": "secondary"}, id="a secondary payer"),
    pytest.param({"modifiers": "52"}, id="reduced service"),
    pytest.param({"modifiers": "80"}, id="assistant surgeon"),
    pytest.param({"place": "21"}, id="facility price"),
    pytest.param({"charge": 8000}, id="lesser of price and charge"),
    pytest.param({"service": "2026-06-02"}, id="a lower price since the first of June"),
    pytest.param({"payer": "cigna"}, id="no schedule and no history"),
]


def test_lawfully_less_is_no_underpayment(builders_contract):
    """All traps in one book with one line that is in none of them."""
    b = builders_contract
    fees = [b.fee(10000, end="2026-05-31"), b.fee(8000, "2026-06-01")]
    found = lines(
        b.tables(*[b.paid(case.id, 8000, **case.values[0]) for case in TRAPS], b.paid("short", 8000), fees=fees)
    )
    assert found[["claim_id", "short_cents"]].values.tolist() == [["short", 2000]]


def test_what_is_compared_is_allowed_and_never_paid(builders_contract):
    """All to the deductible: the payer pays nothing, and is not short. Sequestration and withholds neither."""
    b = builders_contract
    cas = [(("PR", "1", 10000),), (("CO", "253", 200), ("PR", "2", 2000)), (("CO", "104", 900),)]
    book = b.tables(*[b.paid(f"C{number}", 10000, cas=one) for number, one in enumerate(cas)], fees=[b.fee(10000)])
    assert lines(book).empty


def test_three_units_are_short_three_times(builders_contract):
    b = builders_contract
    assert lines(b.tables(b.paid("C", 27000, units=3.0, charge=60000), fees=[b.fee(10000)]))[
        "short_cents"
    ].tolist() == [3000]


DEADLINES = [
    pytest.param([], None, False, id="no rule of the payer"),
    pytest.param([("2020-01-01", None, 90)], "2026-09-03", True, id="ninety days from the remittance"),
    pytest.param([("2020-01-01", None, 25)], "2026-06-30", True, id="the last day"),
    pytest.param([("2020-01-01", None, 24)], "2026-06-29", False, id="a day too late"),
    pytest.param(
        [("2020-01-01", "2026-06-04", 30), ("2026-06-05", None, 60)],
        "2026-08-04",
        True,
        id="the rule in force on the day of the remittance",
    ),
    pytest.param([("2026-06-06", None, 60)], None, False, id="a rule that came the day after"),
]


@pytest.fixture(scope="module")
def due(builders_contract):
    """All cases of DEADLINES in one book, each a payer of its own."""
    b = builders_contract
    rules = [b.rule(days, start, end, payer=case.id) for case in DEADLINES for start, end, days in case.values[0]]
    payments = [b.paid(case.id, 9000, payer=case.id) for case in DEADLINES]
    return lines(b.tables(*payments, fees=[b.fee(10000, payer=case.id) for case in DEADLINES], rules=rules)).set_index(
        "payer"
    )


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in DEADLINES])
def test_the_appeal_deadline(due, case):
    _, appeal_by, is_open = case.values
    found = due.loc[case.id]
    assert found["is_appealable"] == is_open
    assert pd.isna(found["appeal_by"]) if appeal_by is None else found["appeal_by"] == pd.Timestamp(appeal_by)


def test_since_and_as_of_bound_the_day_of_receipt(builders_contract):
    b = builders_contract
    book = b.tables(
        *[b.paid(on, 9000, on=on) for on in ("2026-05-31", "2026-06-01", "2026-06-30", "2026-07-01")],
        fees=[b.fee(10000)],
    )
    assert sorted(lines(book, since=JUNE.first_day)["claim_id"]) == ["2026-06-01", "2026-06-30"]


# -- sums ------------------------------------------------------------------------------------------


def golden(b):
    """June: aetna 99213 two of three short by $10 and $20, cigna 99213 in order. April and May: one short line each."""
    return b.tables(
        b.paid("A1", 9000),
        b.paid("A2", 8000),
        b.paid("A3", 10000),
        b.paid("B1", 5000, payer="cigna"),
        b.paid("A0", 9000, on="2026-05-05"),
        b.paid("A9", 9000, on="2026-04-05", service="2026-03-20"),
        b.paid("A8", 9000, on="2026-03-05", service="2026-02-20"),
        fees=[b.fee(10000), b.fee(5000, payer="cigna")],
        rules=[b.rule(30)],
    )


def test_by_payer_and_procedure_by_hand(builders_contract):
    found = measures.underpayments(golden(builders_contract), period=JUNE).set_index("payer")
    names = ["lines", "short_lines", "claims", "expected_cents", "allowed_cents", "short_cents", "months_short"]
    assert found.loc["aetna", names].tolist() == [3, 2, 2, 30000, 27000, 3000, 3]
    assert found.loc["cigna", names].tolist() == [1, 0, 0, 5000, 5000, 0, 0]
    assert found.loc["aetna", ["short_share", "repeat_index"]].tolist() == [0.1, 1.0]
    assert found.loc["aetna", "appeal_by"] == pd.Timestamp("2026-07-05") and pd.isna(found.loc["cigna", "appeal_by"])
    assert found["basis"].tolist() == ["contract", "contract"]


@pytest.mark.parametrize("by", [("payer",), ("month",), ("provider",), ("payer", "month"), ("procedure", "basis")])
def test_groups_add_up(builders_contract, by):
    book = golden(builders_contract)
    whole, split = (
        measures.underpayments(book, period=Period.month("2026-06").trailing(3), by=names) for names in ([], by)
    )
    for name in ("lines", "short_lines", "expected_cents", "allowed_cents", "short_cents"):
        assert split[name].sum() == whole[name].sum(), name


def test_the_share_of_what_was_due(builders_contract):
    found = measures.underpayment_share(golden(builders_contract), period=JUNE).iloc[0]
    assert found.tolist() == [3000, 35000, 3000 / 35000]
    empty = measures.underpayment_share(golden(builders_contract), period=Period.month("2020-01")).iloc[0]
    assert empty["expected_cents"] == 0 and pd.isna(empty["underpayment_share"])


def test_lines_and_sums_say_the_same(builders_contract):
    book = golden(builders_contract)
    assert (
        measures.underpayments(book, period=JUNE, by=[])["short_cents"].sum()
        == lines(book, since=JUNE.first_day)["short_cents"].sum()
    )


# -- again and again -------------------------------------------------------------------------------


def months(b, amounts, *, payer="aetna", start=1, price_day="2026-01-01", **other):
    """One claim a week from January on, allowed what is said in order."""
    first = dt.date(2026, start, 2)
    return [
        b.paid(
            f"{payer}{number}",
            cents,
            payer=payer,
            on=str(first + dt.timedelta(days=7 * number)),
            service=price_day,
            **other,
        )
        for number, cents in enumerate(amounts)
    ]


def repeated(tables, as_of=AS_OF):
    return measures.repeated_underpayments(tables, as_of=as_of)


FULL, SHORT = 10000, 9000
PATTERNS = [
    pytest.param([FULL] * 20 + [SHORT] * 5, (20, 5), id="every line from the twenty-first on"),
    pytest.param([FULL] * 23 + [SHORT] * 2, None, id="two claims are no rule"),
    pytest.param([FULL] * 22 + [SHORT] * 3, (22, 3), id="three claims are"),
    pytest.param([SHORT] * 25, (0, 25), id="from the first line on: with a contract there is no mode trap"),
    pytest.param([FULL, SHORT] * 10 + [FULL] * 5, (1, 10), id="every other line"),
    pytest.param([SHORT] * 5 + [FULL] * 20, None, id="long over"),
    pytest.param(
        [SHORT, *[FULL] * 7, SHORT, *[FULL] * 7, SHORT, *[FULL] * 8], None, id="one in eight, as takebacks do"
    ),
    pytest.param([SHORT, *[FULL] * 20, *[SHORT] * 4], (21, 4), id="a lone one long ago is not its onset"),
    pytest.param([FULL] * 20 + [9700] * 5, (20, 5), id="three per cent: a contract knows no tolerance"),
    pytest.param([FULL] * 20 + [9690] * 5, (20, 5), id="small ones that add up to more than five dollars"),
]


@pytest.fixture(scope="module")
def ruled(builders_contract):
    """All cases of PATTERNS in one book, each a payer of its own."""
    b = builders_contract
    payments = [one for case in PATTERNS for one in months(b, case.values[0], payer=case.id)]
    return repeated(b.tables(*payments, fees=[b.fee(FULL, payer=case.id) for case in PATTERNS]))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in PATTERNS])
def test_what_is_a_rule_and_since_when(ruled, case):
    amounts, found = case.values
    answer = ruled[ruled["payer"] == case.id]
    assert len(answer) == (found is not None)
    if found:
        onset, short_lines = found
        one = answer.iloc[0]
        assert one["onset_on"] == pd.Timestamp("2026-01-02") + pd.Timedelta(days=7 * onset)
        assert (one["short_lines"], one["lines"], one["short_cents"]) == (
            short_lines,
            len(amounts) - onset,
            sum(FULL - cents for cents in amounts[onset:]),
        )
        assert (one["basis"], one["confidence"]) == ("contract", "high")


def test_a_finding_says_what_can_still_be_appealed(builders_contract):
    """Short on 2, 9, 16, 23 and 30 April and 7 May; thirty days to appeal; on 9 May the first is over."""
    b = builders_contract
    book = b.tables(*months(b, [SHORT] * 6, start=4), fees=[b.fee(FULL)], rules=[b.rule(30)])
    one = repeated(book, dt.date(2026, 5, 9)).iloc[0]
    assert (one["appealable_cents"], one["lapsed_cents"], one["short_cents"]) == (5000, 1000, 6000)
    assert one["appeal_by"] == pd.Timestamp("2026-05-09") and one["months_short"] == 2 and one["repeat_index"] == 2 / 3


def test_a_correction_ends_what_it_corrects(builders_contract):
    b = builders_contract
    short = months(b, [FULL] * 20 + [SHORT] * 4)
    corrected = [
        made
        for one in short[20:]
        for made in (b.taken_back(one, "2026-06-28"), b.paid(one.claim_id, FULL, on="2026-06-28", service=one.service))
    ]
    assert len(repeated(b.tables(*short, fees=[b.fee(FULL)]))) == 1
    assert repeated(b.tables(*short, *corrected, fees=[b.fee(FULL)])).empty


def test_a_new_schedule_is_a_rate_change_and_no_underpayment(builders_contract):
    """4 % less for services from 15 March on, in the middle of a month."""
    b = builders_contract
    old, new = (
        [b.paid(f"{cents}-{number}", cents, on=f"2026-0{month}-20", service=day) for number in range(8)]
        for cents, month, day in ((FULL, 3, "2026-03-14"), (9600, 4, "2026-03-15"))
    )
    book = b.tables(*old, *new, fees=[b.fee(FULL, end="2026-03-14"), b.fee(9600, "2026-03-15")])
    assert lines(book).empty and repeated(book).empty
    change = prices.rate_changes(book, as_of=AS_OF)
    assert change[["old_cents", "new_cents", "lines", "effect_cents", "basis"]].values.tolist() == [
        [FULL, 9600, 8, -3200, "contract"]
    ]
    assert change.loc[0, "change_share"] == pytest.approx(-0.04) and change.loc[0, "changed_on"] == pd.Timestamp(
        "2026-03-15"
    )
    assert prices.rate_changes(book, as_of=dt.date(2026, 3, 14)).empty
    assert prices.rate_changes(book, as_of=AS_OF, since=dt.date(2026, 3, 16)).empty


# -- without a schedule ----------------------------------------------------------------------------


def weekly(b, before, after):
    """Four claims a week allowed `before` for weeks, then `after`: a list of four a week."""
    amounts = [cents for week in [before] * 13 + [after] * 12 for cents in week]
    first = dt.date(2026, 1, 2)
    days = [first + dt.timedelta(days=7 * (number // 4)) for number in range(len(amounts))]
    return [
        b.paid(f"C{number}", cents, on=str(day), service=str(day))
        for number, (day, cents) in enumerate(zip(days, amounts, strict=True))
    ]


def test_without_a_schedule_a_step_is_a_rate_change(builders_contract):
    b = builders_contract
    book = b.tables(*weekly(b, [FULL] * 4, [9000] * 4))
    change = prices.rate_changes(book, as_of=AS_OF)
    assert change[["old_cents", "new_cents", "basis"]].values.tolist() == [[FULL, 9000, "inferred"]]
    assert change.loc[0, "changed_on"] == pd.Timestamp("2026-04-03") and change.loc[0, "lines"] == 48
    assert lines(book).empty and repeated(book).empty
    assert measures.underpayments(book, period=JUNE, by=[]).loc[0, ["short_cents", "expected_cents"]].tolist() == [
        0,
        12 * 9000,
    ]


def test_without_a_schedule_less_for_some_lines_is_an_underpayment_labelled_inferred(builders_contract):
    b = builders_contract
    book = b.tables(*weekly(b, [FULL] * 4, [FULL, FULL, 9000, 9000]))
    assert prices.rate_changes(book, as_of=AS_OF).empty
    one = repeated(book).iloc[0]
    assert (one["basis"], one["confidence"], one["short_lines"], one["short_cents"]) == (
        "inferred",
        "medium",
        24,
        24000,
    )
    assert set(lines(book)["basis"]) == {"inferred"}


def test_without_a_schedule_a_second_price_that_was_always_paid_is_that_of_another_plan(builders_contract):
    b = builders_contract
    two_plans = [FULL, FULL, FULL, 9000]
    assert repeated(b.tables(*weekly(b, two_plans, two_plans))).empty


def test_two_plans_whose_usual_price_changes_places_have_no_new_price(builders_contract):
    """Two of five patients have the lesser plan, then three: no more than chance, no step and no shortfall."""
    b = builders_contract
    book = b.tables(*weekly(b, [FULL, FULL, FULL, 9000, 9000], [FULL, FULL, 9000, 9000, 9000]))
    assert prices.rate_changes(book, as_of=AS_OF).empty and repeated(book).empty


def test_a_price_that_falls_for_every_plan_is_told_for_every_plan_and_called_no_underpayment(builders_contract):
    """Ten per cent less for both: the lesser plan's new price is no step down from the usual one."""
    b = builders_contract
    book = b.tables(*weekly(b, [FULL, FULL, FULL, 9000], [9000 - 50, 9000 - 50, 8950, 8055]))
    found = prices.rate_changes(book, as_of=AS_OF)
    assert sorted(found[["old_cents", "new_cents", "lines"]].values.tolist()) == [[9000, 8055, 12], [FULL, 8950, 36]]
    assert repeated(book).empty


def test_a_cut_that_was_taken_back_after_ten_lines_stays_told(builders_contract):
    b = builders_contract
    rows = weekly(b, [FULL] * 4, [FULL] * 4)
    cut = [b.paid(f"X{number}", 9000, on="2026-05-20", service="2026-05-15") for number in range(30)]
    change = prices.rate_changes(b.tables(*rows, *cut), as_of=AS_OF)
    assert change[["old_cents", "new_cents", "lines"]].values.tolist()[0] == [FULL, 9000, 30]


def test_a_change_is_recent_by_the_day_it_was_first_seen(builders_contract):
    """Lines of January decided at the new price in June: of the last month, although the service is old."""
    b = builders_contract
    late = [b.paid(f"L{number}", 9000, on="2026-06-20", service="2026-01-15") for number in range(30)]
    found = prices.rate_changes(
        b.tables(*weekly(b, [FULL] * 4, [FULL] * 4), *late), as_of=AS_OF, since=dt.date(2026, 6, 1)
    )
    assert found["changed_on"].tolist() == [pd.Timestamp("2026-01-15")]


def test_less_than_the_new_price_is_measured_against_the_new_price(builders_contract):
    b = builders_contract
    book = b.tables(*weekly(b, [FULL] * 4, [9000, 9000, 9000, 8000]))
    assert set(lines(book)["short_cents"]) == {1000}


def test_the_trap_of_the_mode_shows_in_the_high_reference(builders_contract):
    """Three of four lines paid short from the start: the usual price is the short one, the P90 is not."""
    b = builders_contract
    found = measures.underpayments(
        b.tables(*weekly(b, [9000, 9000, 9000, FULL], [9000, 9000, 9000, FULL])), period=JUNE, by=[]
    ).iloc[0]
    assert (found["short_cents"], found["high_short_cents"], found["basis"]) == (0, 9 * 1000, "inferred")


# -- laws and engines ------------------------------------------------------------------------------


def test_twice_every_dollar_is_twice_every_short_dollar(builders_contract):
    """Beyond the five dollars, which do not grow: lines short by less than that are short in the doubled book alone."""
    b = builders_contract

    def book(times):
        short = [0, 100, 400, 501, 900, 3000]
        return b.tables(
            *[b.paid(f"C{number}", (FULL - cents) * times, charge=40000 * times) for number, cents in enumerate(short)],
            fees=[b.fee(FULL * times)],
        )

    once, twice = (lines(book(times)).set_index("claim_id")["short_cents"] for times in (1, 2))
    assert (twice[once.index] == 2 * once).all()
    assert set(twice.index) - set(once.index) == {"C2"}


def test_other_clients_change_nothing(builders_contract):
    book = golden(builders_contract)
    both = {name: pd.concat([frame, frame.assign(client="other")], ignore_index=True) for name, frame in book.items()}
    ours, all_of_them = lines(book), lines(both)
    assert_frame_equal(all_of_them[all_of_them["client"] == "acme"].reset_index(drop=True), ours)


MEASURES = [
    pytest.param(lambda t: measures.underpayments(t, period=JUNE), id="by payer and code"),
    pytest.param(lambda t: measures.repeated_underpayments(t, as_of=AS_OF), id="repeated"),
    pytest.param(lambda t: prices.rate_changes(t, as_of=AS_OF), id="rate changes"),
]


def test_every_engine_gives_the_same_lines(mixed, as_engine, engine):
    ours = lines(mixed)
    assert len(ours)
    assert_frame_equal(lines(as_engine(mixed, engine)), ours)


@pytest.mark.slow
@pytest.mark.parametrize("measured", MEASURES)
def test_every_engine_gives_the_same_to_the_cent(mixed, as_engine, engine, measured):
    ours = measured(mixed)
    assert len(ours)
    assert_frame_equal(measured(as_engine(mixed, engine)), ours)


@pytest.fixture(scope="module")
def mixed(builders_contract):
    """A payer by contract, one by habit, one whose usual price steps down."""
    b = builders_contract
    contract = months(b, [FULL] * 18 + [SHORT] * 7)
    inferred = [
        b.paid(
            f"D{number}",
            cents,
            payer="cigna",
            on=str(dt.date(2026, 1, 2) + dt.timedelta(days=3 * number)),
            service="2026-01-01",
        )
        for number, cents in enumerate([FULL, FULL, FULL, SHORT] * 14)
    ]
    step = [
        b.paid(
            f"E{number}",
            cents,
            payer="humana",
            on=f"2026-0{month}-1{number % 5}",
            service=f"2026-0{month}-0{1 + number % 5}",
        )
        for month, cents in ((2, 7000), (3, 7000), (4, 6500), (5, 6500), (6, 6500))
        for number in range(month * 6, month * 6 + 6)
    ]
    fees = [b.fee(9800, "2025-01-01", "2025-12-31"), b.fee(FULL)]
    return b.tables(*contract, *inferred, *step, fees=fees, rules=[b.rule(60), b.rule(30, payer="cigna")])


def test_a_rise_that_was_never_loaded_is_found_though_it_is_small(builders_contract):
    """Two and a half per cent of every line below the contract: no line is worth a letter, the rule is."""
    b = builders_contract
    book = b.tables(*weekly(b, [FULL] * 4, [9750] * 4), fees=[b.fee(FULL)])
    one = repeated(book).iloc[0]
    assert lines(book).empty
    assert (
        one["short_lines"] == one["lines"] and one["short_cents"] == 250 * one["lines"] and one["basis"] == "contract"
    )


def test_a_part_of_the_lines_is_enough_where_it_comes_again_and_again(builders_contract):
    """One line in five, every week."""
    b = builders_contract
    one = repeated(b.tables(*weekly(b, [FULL] * 5, [FULL] * 4 + [9000]), fees=[b.fee(FULL)])).iloc[0]
    assert 5 * one["short_lines"] <= one["lines"] and one["short_cents"] == 1000 * one["short_lines"]


def test_three_short_lines_of_one_day_are_an_incident_and_no_rule(builders_contract):
    b = builders_contract
    few = [b.paid(f"S{number}", 9000, on="2026-06-10") for number in range(3)]
    assert repeated(b.tables(*few, *weekly(b, [FULL] * 4, [FULL] * 4), fees=[b.fee(FULL)])).empty


def test_a_cent_a_unit_is_rounding(builders_contract):
    b = builders_contract
    assert repeated(b.tables(*weekly(b, [FULL] * 4, [FULL - 1] * 4), fees=[b.fee(FULL)])).empty


def test_an_inferred_cut_says_until_when_it_can_be_appealed_and_a_contracts_does_not(builders_contract):
    b = builders_contract
    paid = weekly(b, [FULL] * 4, [9000] * 4)
    cut = prices.rate_changes(b.tables(*paid, rules=[b.rule(60)]), as_of=AS_OF).iloc[0]
    assert cut["basis"] == "inferred" and cut["effect_cents"] == -1000 * cut["units"]
    assert cut["appeal_by"].date() >= AS_OF and 0 < cut["appealable_cents"] <= -cut["effect_cents"]
    fees = [b.fee(FULL, end="2026-03-31"), b.fee(9000, "2026-04-01")]
    known = prices.rate_changes(b.tables(*paid, fees=fees, rules=[b.rule(60)]), as_of=AS_OF)
    assert known["appeal_by"].isna().all() and (known["appealable_cents"] == 0).all()
