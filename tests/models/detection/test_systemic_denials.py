"""Systemic denials: the lines that are counted, the cell that is named, its dollars, and silence where all is usual."""

from __future__ import annotations

import datetime as dt
import functools
from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from rcm_analysis.errors import ParameterError
from rcm_analysis.models.detection.denial_cells import first_lines, usual_rates, with_expected
from rcm_analysis.models.detection.denial_shifts import (
    Floors,
    denial_history,
    denial_rates,
    evidence,
    findings,
    systemic_denials,
)
from rcm_analysis.models.detection.finding_lives import finding_lives, lives
from rcm_analysis.models.detection.mixes import mix_shifts
from rcm_analysis.tables import schema

END = dt.date(2026, 12, 31)
NAMES = ("claims", "claim_lines", "remit_claims", "remit_lines", "remit_adjustments", "fee_schedules")


def frames(**rows: list[dict]) -> dict[str, pl.DataFrame]:
    """The tables of the schema that systemic denials read, from rows that say only what matters."""
    found = {}
    for name in NAMES:
        kinds = schema.TABLES[name].polars
        given = [{"client": "acme"} | row for row in rows.get(name, [])]
        found[name] = pl.DataFrame([{key: row.get(key) for key in kinds} for row in given], schema=kinds)
    return found


# -- which lines count, and as what ----------------------------------------------------------------


def payment(
    claim: str, on: str, *lines: tuple, status: str = "1", order: str = "primary", payer: str = "summit"
) -> dict[str, list[dict]]:
    """One claim payment; a line is (number, charge, paid, [(group, carc, amount), ...]), number None for the claim
    itself."""
    name, day = f"{claim} {on} {status}", dt.date.fromisoformat(on)
    common = {"remit_claim_id": name, "claim_id": claim, "received_on": day}
    charge, paid = (sum(line[place] for line in lines) for place in (1, 2))
    remit = common | {
        "remit_id": "r",
        "sequence": 1,
        "status": status,
        "payer": payer,
        "payer_order": order,
        "charge_cents": charge,
        "paid_cents": paid,
    }
    made = {"remit_claims": [remit], "remit_lines": [], "remit_adjustments": []}
    for number, line_charge, line_paid, reasons in lines:
        unit = None if number is None else f"{name}-{number}"
        if unit:
            made["remit_lines"].append(
                common
                | {
                    "remit_line_id": unit,
                    "line_number": number,
                    "procedure": "99213",
                    "charge_cents": line_charge,
                    "paid_cents": line_paid,
                }
            )
        for place, (group, carc, amount) in enumerate(reasons):
            made["remit_adjustments"].append(
                common
                | {
                    "remit_adjustment_id": f"{unit or name}/{place}",
                    "remit_line_id": unit,
                    "group_code": group,
                    "carc": carc,
                    "amount_cents": amount,
                }
            )
    return made


def together(*made: dict[str, list[dict]]) -> dict[str, pl.DataFrame]:
    return frames(
        **{
            name: [row for one in made for row in one[name]]
            for name in ("remit_claims", "remit_lines", "remit_adjustments")
        }
    )


PAID = (1, 100, 80, [("CO", "45", 20)])
DENIED = (1, 100, 0, [("CO", "197", 100)])
BACK = (1, -100, 0, [("CO", "197", -100)])
PAID_BACK = (1, -100, -80, [("CO", "45", -20)])
MARCH, APRIL = "2026-03-03", "2026-04-07"
CASES = [
    pytest.param([payment("1", MARCH, PAID)], [None], id="a paid line is counted and not denied"),
    pytest.param([payment("1", MARCH, DENIED)], ["authorization"], id="a denied line"),
    pytest.param(
        [payment("1", MARCH, (1, 100, 0, [("CO", "45", 20), ("PR", "1", 80)]), status="4")],
        [None],
        id="status 4 is no denial by itself",
    ),
    pytest.param([payment("1", MARCH, DENIED, status="4")], ["authorization"], id="status 4 with a denial code is"),
    pytest.param(
        [payment("1", MARCH, (1, 100, 0, [("PR", "204", 100)]))], [None], id="group PR is the patient's, not a denial"
    ),
    pytest.param(
        [payment("1", MARCH, (1, 100, 0, [("CO", "45", 20), ("PR", "1", 80)]))],
        [None],
        id="zero paid for the deductible",
    ),
    pytest.param([payment("1", MARCH, (1, 100, 0, [("OA", "18", 100)]))], [], id="refused as a duplicate: no decision"),
    pytest.param([payment("1", MARCH, (1, 100, 0, [("OA", "133", 100)]))], [], id="pended: no decision"),
    pytest.param(
        [payment("1", MARCH, (1, 100, 0, [("OA", "133", 100)])), payment("1", APRIL, DENIED)],
        ["authorization"],
        id="pended, then denied",
    ),
    pytest.param(
        [payment("1", MARCH, DENIED), payment("1", APRIL, BACK, status="22"), payment("1", APRIL, PAID)],
        ["authorization"],
        id="denied, reversed, paid: denied once, at first",
    ),
    pytest.param(
        [
            payment("1", MARCH, DENIED),
            payment("1", APRIL, (None, -100, 0, [("CO", "197", -100)]), status="22"),
            payment("1", APRIL, PAID),
        ],
        ["authorization"],
        id="reversed as a whole though it was denied by line (against X12 RFI 1733)",
    ),
    pytest.param(
        [
            payment("1", MARCH, DENIED),
            payment("1", APRIL, (1, -100, 0, [("OA", "16", -100)]), status="22"),
            payment("1", APRIL, PAID),
        ],
        ["authorization"],
        id="reversed with another code than it was denied with (against X12 RFI 2442)",
    ),
    pytest.param(
        [payment("1", MARCH, PAID), payment("1", APRIL, PAID_BACK, status="22")],
        [None],
        id="taken back in full: recouped, never denied",
    ),
    pytest.param(
        [payment("1", MARCH, (1, 100, 0, [("PI", "50", 100)]))],
        ["medical_necessity"],
        id="PI, the payer's own initiative, is a denial",
    ),
    pytest.param(
        [payment("1", MARCH, (1, 100, 0, [("OA", "109", 100)]))],
        ["other_payer"],
        id="OA with a denial code is a denial",
    ),
    pytest.param(
        [payment("1", MARCH, (1, 100, 0, [("OA", "23", 100)]))], [None], id="OA-23: the prior payer paid it all"
    ),
    pytest.param(
        [payment("1", MARCH, (1, 100, 0, [("CR", "197", 100)]))],
        ["authorization"],
        id="CR, a group of the older standard, is read by its code",
    ),
    pytest.param(
        [payment("1", MARCH, (1, 100, 0, [("CO", "45", 100)]))],
        [None],
        id="45 for the whole charge: a hidden denial, shown elsewhere",
    ),
    pytest.param(
        [payment("1", MARCH, DENIED), payment("1", APRIL, BACK, status="22"), payment("1", APRIL, DENIED)],
        ["authorization"],
        id="denied again after the reversal: counts once",
    ),
    pytest.param(
        [payment("1", MARCH, PAID), payment("1", APRIL, PAID_BACK, status="22"), payment("1", APRIL, DENIED)],
        [None],
        id="taken back months later: it was paid at first",
    ),
    pytest.param(
        [
            payment("1", MARCH, DENIED),
            payment("1", APRIL, BACK, status="22"),
            payment("1", APRIL, PAID, (2, 50, 0, [("CO", "16", 50)])),
        ],
        ["authorization"],
        id="a line that the correction adds is no first decision",
    ),
    pytest.param(
        [payment("1", MARCH, DENIED), payment("1", APRIL, PAID)],
        ["authorization"],
        id="paid on resubmission, without a reversal",
    ),
    pytest.param(
        [payment("1", MARCH, PAID), payment("1", APRIL, (2, 50, 0, [("CO", "16", 50)]))],
        [None, "documentation"],
        id="a claim decided in two parts: each line at its first",
    ),
    pytest.param(
        [payment("1", MARCH, (1, 100, 0, [("CO", "16", 40), ("CO", "197", 60)]))],
        ["authorization"],
        id="two reasons: the larger amount",
    ),
    pytest.param(
        [payment("1", MARCH, (1, 100, 0, [("CO", "16", 50), ("CO", "197", 50)]))],
        ["authorization"],
        id="equal amounts: by priority",
    ),
    pytest.param([payment("1", MARCH, (1, 100, 40, [("CO", "97", 60)]))], ["bundling"], id="denied in part"),
    pytest.param(
        [payment("1", MARCH, (None, 100, 0, [("CO", "27", 100)]))],
        ["eligibility"],
        id="a claim without lines is a line of its own",
    ),
    pytest.param(
        [payment("1", MARCH, PAID), payment("1", APRIL, DENIED, status="2", order="secondary", payer="aetna")],
        [None],
        id="the secondary payer is not counted",
    ),
    pytest.param([payment("1", MARCH, DENIED, status="25")], [], id="a price enquiry decides nothing"),
    pytest.param([payment("1", MARCH, DENIED, status="23")], [], id="not our claim, sent on: decides nothing"),
]


@pytest.mark.parametrize(("made", "categories"), CASES)
def test_first_decisions(made, categories):
    found = first_lines(together(*made), as_of=END)
    assert [value if isinstance(value, str) else None for value in found["category"]] == categories
    if categories and len(made) > 1 and made[0]["remit_adjustments"][0]["carc"] != "133":
        assert found["received_on"][0] == pd.Timestamp(MARCH)


def test_nothing_is_known_before_its_day():
    made = together(payment("1", MARCH, DENIED))
    assert first_lines(made, as_of=dt.date(2026, 3, 2)).empty
    assert len(first_lines(made, as_of=dt.date(2026, 3, 3))) == 1


def priced(units: float, modifiers: str | None, charge: int, fees: list[dict], paid: int = 0) -> pd.Series:
    """The expected amount of one line of 2026-02-10, beside `paid` paid lines of the same code at 60 cents a unit."""
    made = [payment("1", MARCH, (1, charge, 0, [("CO", "197", charge)]))]
    made += [payment(f"p{number}", MARCH, (1, 100, 60, [("CO", "45", 40)])) for number in range(paid)]
    tables = together(*made)
    names = tables["remit_claims"]["claim_id"]
    lines = [
        {
            "claim_id": name,
            "line_number": 1,
            "procedure": "99213",
            "units": units if name == "1" else 1.0,
            "charge_cents": 1,
            "service_on": dt.date(2026, 2, 10),
            "entered_on": dt.date(2026, 2, 11),
        }
        for name in names
    ]
    tables |= {
        name: table
        for name, table in frames(
            claim_lines=lines,
            fee_schedules=fees,
            claims=[
                {"claim_id": name, "service_on": dt.date(2026, 2, 10), "entered_on": dt.date(2026, 2, 11)}
                for name in names
            ],
        ).items()
        if name in ("claim_lines", "fee_schedules", "claims")
    }
    tables["remit_lines"] = tables["remit_lines"].with_columns(
        modifiers=pl.when(pl.col("claim_id") == "1").then(pl.lit(modifiers)).otherwise(None).cast(pl.String)
    )
    found = with_expected(tables, first_lines(tables, as_of=END))
    return found[found["claim_id"] == "1"].iloc[0]


def fee(cents: int, start: str = "2025-01-01", end: str | None = None, modifiers: str = "") -> dict:
    return {
        "payer": "summit",
        "procedure": "99213",
        "modifiers": modifiers,
        "effective_from": dt.date.fromisoformat(start),
        "effective_to": dt.date.fromisoformat(end) if end else None,
        "allowed_cents": cents,
    }


@pytest.mark.parametrize(
    ("line", "expected", "basis"),
    [
        pytest.param((1, None, 100, [fee(70)]), 70, "contract", id="the fee of the contract"),
        pytest.param((2, None, 200, [fee(70)]), 140, "contract", id="times the units"),
        pytest.param((1, None, 50, [fee(70)]), 50, "contract", id="the charge if that is less"),
        pytest.param(
            (1, None, 100, [fee(70, end="2026-01-31"), fee(75, "2026-02-01")]),
            75,
            "contract",
            id="the fee in force on the day of service",
        ),
        pytest.param((1, "26", 100, [fee(70), fee(30, modifiers="26")]), 30, "contract", id="the fee of the modifier"),
        pytest.param((1, "25", 100, [fee(70)]), 70, "contract", id="a modifier that changes no price"),
        pytest.param(
            (2, None, 200, [], 5), 120, "inferred", id="without a contract, what five paid lines were allowed"
        ),
        pytest.param(
            (1, None, 100, [], 4), 60, "inferred", id="of fewer, the share of the charge that the payer allows"
        ),
        pytest.param((1, None, 100, [], 0), 100, "inferred", id="nothing was ever paid: the charge"),
    ],
)
def test_what_a_denied_line_would_have_brought(line, expected, basis):
    found = priced(*line)
    assert (found["expected_cents"], found["basis"]) == (expected, basis)


# -- a small practice with a known past ------------------------------------------------------------

PAYERS, CODES = ("summit", "lakeshore", "medicare"), ("99213", "99214", "73721", "73030", "97110")
PROVIDERS, SITES = ("Lee", "Cruz", "Diaz"), ("North", "South")
CHARGE, FEE = 20_000, 12_000


def practice(
    struck=lambda row: False,
    *,
    months: int = 14,
    each: int = 2,
    usual: float = 0.03,
    seed: int = 1,
    share: float = 0.7,
    wobble: float = 0.0,
    last: float = 1.0,
    schedule: bool = True,
) -> dict[str, pl.DataFrame]:
    """Claims of one line, `each` a month for every payer, code, provider and site, ending 2026-12.

    A share of `usual` is denied for seven reasons alike; of those that `struck` names, another `share` for want of
    an authorization. The last month holds `last` of its claims.
    """
    rng = np.random.default_rng(seed)
    first = pd.Period("2026-12", "M") - (months - 1)
    rows = []
    for month in pd.period_range(first, periods=months, freq="M"):
        rate = max(0.0, usual * (1 + wobble * rng.normal()))
        for payer, code, provider, site, number in product(PAYERS, CODES, PROVIDERS, SITES, range(each)):
            if month == pd.Period("2026-12", "M") and rng.random() > last:
                continue
            day = (month.start_time + pd.Timedelta(days=int(rng.integers(0, 28)))).date()
            row = {
                "payer": payer,
                "code": code,
                "provider": provider,
                "site": site,
                "month": str(month),
                "day": day,
                "number": number,
            }
            carc = str(rng.choice(["197", "16", "27", "11", "97", "50", "29"])) if rng.random() < rate else None
            draw = rng.random()
            rows.append(
                row
                | {
                    "carc": "197" if carc is None and struck(row) and draw < share else carc,
                    "hit": carc is None and struck(row) and draw < share,
                }
            )
    return _tables(rows, schedule)


def _tables(rows: list[dict], schedule: bool) -> dict[str, pl.DataFrame]:
    rows = [row | {"claim_id": f"C{number:05d}"} for number, row in enumerate(rows)]
    service = dt.date(2025, 1, 5)
    money = {
        row["claim_id"]: (0, [("CO", row["carc"], CHARGE)]) if row["carc"] else (FEE, [("CO", "45", CHARGE - FEE)])
        for row in rows
    }
    common = {
        row["claim_id"]: {
            "claim_id": row["claim_id"],
            "remit_claim_id": f"R{row['claim_id']}",
            "received_on": row["day"],
        }
        for row in rows
    }
    return frames(
        claims=[
            {
                "claim_id": row["claim_id"],
                "provider": row["provider"],
                "location": row["site"],
                "service_on": service,
                "entered_on": service,
            }
            for row in rows
        ],
        claim_lines=[
            {
                "claim_id": row["claim_id"],
                "line_number": 1,
                "procedure": row["code"],
                "units": 1.0,
                "service_on": service,
                "entered_on": service,
                "charge_cents": CHARGE,
            }
            for row in rows
        ],
        remit_claims=[
            common[row["claim_id"]]
            | {
                "remit_id": "r",
                "sequence": 1,
                "status": "1",
                "payer": row["payer"],
                "payer_order": "primary",
                "charge_cents": CHARGE,
                "paid_cents": money[row["claim_id"]][0],
            }
            for row in rows
        ],
        remit_lines=[
            common[row["claim_id"]]
            | {
                "remit_line_id": f"L{row['claim_id']}",
                "line_number": 1,
                "procedure": row["code"],
                "charge_cents": CHARGE,
                "units": 1.0,
                "paid_cents": money[row["claim_id"]][0],
            }
            for row in rows
        ],
        remit_adjustments=[
            common[row["claim_id"]]
            | {
                "remit_adjustment_id": f"A{row['claim_id']}",
                "remit_line_id": f"L{row['claim_id']}",
                "group_code": group,
                "carc": carc,
                "amount_cents": amount,
            }
            for row in rows
            for group, carc, amount in money[row["claim_id"]][1]
        ],
        fee_schedules=[
            {
                "payer": payer,
                "procedure": code,
                "modifiers": "",
                "effective_from": dt.date(2024, 1, 1),
                "allowed_cents": FEE,
            }
            for payer, code in product(PAYERS, CODES)
        ]
        if schedule
        else [],
    )


@functools.cache
def of_summit(each: int = 1) -> dict[str, pl.DataFrame]:
    """Summit denies from October on."""
    return practice(since("2026-10", payer="summit"), each=each)


def since(month: str, **names):
    """Whether a row lies in these names, from a month on."""
    return lambda row: row["month"] >= month and all(row[name] in np.atleast_1d(value) for name, value in names.items())


SCOPES = [
    pytest.param(
        {"payer": "summit", "code": ["73721", "73030"]},
        "payer and code family",
        ("summit", "radiology", "", ""),
        id="a payer and a code family",
    ),
    pytest.param(
        {"payer": "summit", "code": "73721"},
        "payer and code",
        ("summit", "73721", "", ""),
        id="one code of a payer, not its family",
    ),
    pytest.param({"payer": "summit"}, "payer", ("summit", "", "", ""), id="all of a payer, not its codes one by one"),
    pytest.param(
        {"code": "97110"}, "code family", ("", "medicine", "", ""), id="a code that is its family: the family"
    ),
    pytest.param({"code": "73721"}, "code", ("", "73721", "", ""), id="one code of every payer"),
    pytest.param({"site": "South"}, "location", ("", "", "", "South"), id="a location"),
    pytest.param({"provider": "Cruz"}, "provider", ("", "", "Cruz", ""), id="a provider"),
    pytest.param(
        {"payer": "summit", "provider": "Cruz"},
        "payer and provider",
        ("summit", "", "Cruz", ""),
        id="one provider with one payer",
    ),
    pytest.param(
        {"payer": "summit", "site": "South"},
        "payer and location",
        ("summit", "", "", "South"),
        id="one location with one payer",
    ),
    pytest.param({}, "whole client", ("", "", "", ""), id="everywhere"),
]


@pytest.mark.parametrize(("names", "level", "scope"), SCOPES)
def test_one_cause_has_one_name_and_it_is_the_right_one(names, level, scope):
    found = systemic_denials(practice(since("2026-10", **names)), as_of=END)
    assert found[["level", "category"]].to_numpy().tolist() == [[level, "authorization"]]
    row = found.iloc[0]
    assert (row["payer"], row["procedures"], row["provider"], row["location"]) == scope
    assert (row["first_month"], row["last_month"]) == ("2026-10", "2026-12")
    assert pd.Timestamp("2026-10-01") <= row["onset_on"] <= pd.Timestamp("2026-10-12")
    assert not row["is_new"] and row["contract_share"] == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_dollars_are_the_contract_over_expectation(seed):
    tables = practice(since("2026-09", payer="summit", code=["73721", "73030"]), seed=seed, each=3)
    row = systemic_denials(tables, as_of=END).iloc[0]
    assert row["denied_cents"] == row["denied"] * FEE
    assert row["expected"] == pytest.approx(row["usual_rate"] * row["lines"])
    assert row["excess_cents"] == pytest.approx((row["denied"] - row["expected"]) * FEE, abs=1)
    months = 13 - int(row["first_month"][-2:])
    assert row["lines"] == months * 2 * 3 * 2 * 3 and row["rate"] == row["denied"] / row["lines"]
    assert row["usual_rate"] < 0.02 < 0.5 < row["rate"]


def test_without_a_contract_the_dollars_are_inferred_and_said_to_be():
    strike = since("2026-10", payer="summit", code=["73721", "73030"])
    contract, inferred = (
        systemic_denials(practice(strike, schedule=schedule), as_of=END).iloc[0] for schedule in (True, False)
    )
    assert inferred["contract_share"] == 0
    assert inferred["excess_cents"] == contract["excess_cents"]


def test_it_is_raised_by_the_second_month_and_goes_on_while_it_lasts():
    history = denial_history(practice(since("2026-08", site="South"), share=0.5), as_of=END)
    raised = {month: len(findings(history, as_of=dt.date(2026, month, 28))) for month in range(6, 13)}
    assert raised[6] == raised[7] == 0
    assert all(raised[month] == 1 for month in range(9, 13))
    assert findings(history, as_of=dt.date(2026, 9, 30))["is_new"].all()


def test_a_history_replayed_gives_what_was_known_then():
    tables = practice(since("2026-09", payer="summit"))
    day = dt.date(2026, 10, 31)
    replayed = findings(denial_history(tables, as_of=END), as_of=day)
    pd.testing.assert_frame_equal(replayed, systemic_denials(tables, as_of=day))


def test_what_was_mended_is_no_longer_raised():
    tables = practice(lambda row: "2026-06" <= row["month"] <= "2026-08" and row["payer"] == "summit")
    assert len(systemic_denials(tables, as_of=dt.date(2026, 8, 31))) == 1
    assert "summit" not in set(systemic_denials(tables, as_of=dt.date(2026, 10, 31))["payer"])


def test_two_causes_in_one_category_are_two_findings_without_a_common_line():
    tables = practice(
        lambda row: (
            row["month"] >= "2026-10"
            and (
                (row["payer"] == "summit" and row["code"] == "97110")
                or (row["payer"] == "medicare" and row["code"] in ("73721", "73030"))
            )
        ),
        each=3,
    )
    found = systemic_denials(tables, as_of=END).sort_values("payer")
    assert found[["payer", "procedures"]].to_numpy().tolist() == [["medicare", "radiology"], ["summit", "medicine"]]


@pytest.mark.parametrize("wobble", [0.0, 0.3])
def test_quiet_clients_are_left_in_peace(wobble):
    """At most one false alarm a client-year, and in fact far fewer: eight quiet practices, asked twice."""
    alarms = set()
    for seed in range(8):
        history = denial_history(practice(seed=seed, each=1, usual=0.08, wobble=wobble), as_of=END)
        for month in (8, 12):
            found = findings(history, as_of=dt.date(2026, month, 28))
            alarms |= {
                (seed, row.category, row.payer, row.procedures, row.provider, row.location)
                for row in found.itertuples()
            }
    assert len(alarms) <= 1


@pytest.mark.parametrize(
    "floors",
    [
        pytest.param(Floors(cents=10**9), id="too few dollars"),
        pytest.param(Floors(claims=10**6), id="too few claims"),
        pytest.param(Floors(points=1, ratio=10**6), id="too small an effect"),
    ],
)
def test_floors(floors):
    tables = of_summit()
    assert len(systemic_denials(tables, as_of=END)) == 1
    assert systemic_denials(tables, as_of=END, floors=floors).empty


def test_an_incomplete_month_is_left_out_and_that_is_said():
    tables = practice(since("2026-12", payer="summit"), last=0.5)
    found = systemic_denials(tables, as_of=END)
    assert found.empty and found.attrs["left_out"].startswith("Of denials December 2026 is left out: ")
    assert "% of the usual 180" in found.attrs["left_out"]
    whole = systemic_denials(practice(since("2026-12", payer="summit")), as_of=END)
    assert len(whole) == 1 and whole.attrs["left_out"] == "" and whole["is_new"].all()


def test_half_a_year_of_past_is_needed():
    strike = since("2026-12", payer="summit")
    assert len(systemic_denials(practice(strike, months=7), as_of=END)) == 1
    assert systemic_denials(practice(strike, months=6), as_of=END).empty


def test_lines_of_one_claim_are_one_witness():
    """Six lines denied on one claim are one denied claim, and no finding."""
    tables = practice(usual=0.02)
    many = [payment("X", "2026-12-15", *[(number, CHARGE, 0, [("CO", "197", CHARGE)]) for number in range(1, 13)])]
    added = {
        name: pl.concat([tables[name], table]) for name, table in together(*many).items() if name.startswith("remit")
    }
    assert systemic_denials(tables | added, as_of=END).empty


def test_the_evidence_is_the_denied_lines_and_nothing_else():
    tables = practice(since("2026-10", payer="summit", code=["73721", "73030"]))
    row = systemic_denials(tables, as_of=END).iloc[0]
    behind = evidence(tables, row, as_of=END)
    assert len(behind) == row["denied"]
    assert (
        set(behind["carc"]) == {"197"}
        and set(behind["payer"]) == {"summit"}
        and set(behind["procedure"]) == set(row["codes"])
    )
    assert behind["expected_cents"].sum() == row["denied_cents"]
    assert behind["received_on"].min() == row["onset_on"]
    assert list(behind) == [
        "claim_id",
        "line_number",
        "payer",
        "procedure",
        "carc",
        "received_on",
        "charge_cents",
        "expected_cents",
        "status",
    ]


@pytest.mark.parametrize(("by", "periods"), [("month", 14), ("week", 55)])
def test_the_rate_behind_a_finding_month_by_month(by, periods):
    tables = of_summit(2)
    row = systemic_denials(tables, as_of=END).iloc[0]
    rates = denial_rates(tables, row, as_of=END, by=by)
    assert len(rates) >= periods
    assert rates["denied"].tail(3 if by == "month" else 14).sum() >= row["denied"] * 0.9
    if by == "month":
        assert rates["is_signal"].tail(3).all() and rates["is_signal"].head(11).sum() <= 1
        assert rates["denied"].tail(3).sum() == row["denied"]


def test_rates_by_anything_else_are_refused():
    with pytest.raises(ParameterError, match="month or week"):
        denial_rates(frames(), {}, as_of=END, by="day")


def test_an_empty_client_has_no_findings():
    found = systemic_denials(frames(), as_of=END)
    assert found.empty and "excess_cents" in found and found.attrs["left_out"] == ""


def test_one_client_at_a_time():
    tables = practice(months=7, each=1)
    tables = {
        name: table.with_columns(
            client=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("a")).otherwise(pl.lit("b"))
        )
        for name, table in tables.items()
    }
    with pytest.raises(ParameterError, match="client by client"):
        systemic_denials(tables, as_of=END)


def test_pandas_frames_give_the_same():
    tables = of_summit()
    ours = systemic_denials(tables, as_of=END)
    pd.testing.assert_frame_equal(
        systemic_denials({name: table.to_pandas() for name, table in tables.items()}, as_of=END), ours
    )


# -- a change of mix is no denial -------------------------------------------------------------------


def of_mix(
    hard_now: int, *, hard_rate: float = 0.30, hard_rate_now: float | None = None, months: int = 14
) -> dict[str, pl.DataFrame]:
    """Aetna denies 1 claim in 20, Medicaid 3 in 10 (or `hard_rate_now` of late), all for an authorization, exactly.

    Both decide 100 a month; from October on Medicaid decides `hard_now`. The claims of a month are spread alike over
    codes, providers and sites.
    """
    rows = []
    for month in pd.period_range(pd.Period("2026-12", "M") - (months - 1), periods=months, freq="M"):
        late = str(month) >= "2026-10"
        rates = {"aetna": 0.05, "medicaid": hard_rate if not late or hard_rate_now is None else hard_rate_now}
        for payer, count in (("aetna", 100), ("medicaid", hard_now if late else 100)):
            # Every n-th claim is denied, so that the rate of each month is the same to the claim.
            denied = np.floor(np.arange(1, count + 1) * rates[payer] + 1e-9) > np.floor(
                np.arange(count) * rates[payer] + 1e-9
            )
            for number in range(count):
                code, provider, site = (
                    CODES[number // 7 % len(CODES)],
                    PROVIDERS[number // 3 % len(PROVIDERS)],
                    SITES[number // 5 % len(SITES)],
                )
                rows.append(
                    {
                        "payer": payer,
                        "code": code,
                        "provider": provider,
                        "site": site,
                        "month": str(month),
                        "number": number,
                        "day": (month.start_time + pd.Timedelta(days=number % 28)).date(),
                        "carc": "197" if denied[number] else None,
                    }
                )
    return _tables(rows, schedule=True)


def test_more_of_what_was_always_denied_more_is_mix_and_no_systemic_denial():
    """100 + 100 claims at 5 % and 30 % are 17.5 %; 100 + 400 are 25 %, and no payer denies more than it did."""
    tables = of_mix(400)
    assert systemic_denials(tables, as_of=END).empty
    found = mix_shifts(tables, as_of=END).set_index("figure").loc["denials"]
    assert (found["usual"], found["now"], found["verdict"]) == (0.175, 0.25, "mix")
    assert found["expected"] == pytest.approx(0.25, abs=0.005) and found["mix_change"] + found[
        "rest_change"
    ] == pytest.approx(found["change"])
    assert found["payer"] == "medicaid" and found["share_now"] > 1.4 * found["share_before"]


def test_the_same_rise_without_a_change_of_mix_is_a_systemic_denial():
    """Medicaid denies 45 % from October on: 25 % of all, as above, and no claim more."""
    tables = of_mix(100, hard_rate_now=0.45)
    found = systemic_denials(tables, as_of=END)
    assert found[["payer", "category"]].to_numpy().tolist() == [["medicaid", "authorization"]]
    shift = mix_shifts(tables, as_of=END).set_index("figure").loc["denials"]
    assert (shift["now"], shift["verdict"], shift["mix_change"]) == (0.25, "rate", pytest.approx(0, abs=0.003))


def test_a_rise_in_the_midst_of_a_change_of_mix_is_found_and_its_dollars_leave_the_mix_out():
    tables = of_mix(400, hard_rate_now=0.45)
    found = systemic_denials(tables, as_of=END)
    assert found[["payer", "category"]].to_numpy().tolist() == [["medicaid", "authorization"]]
    assert found.iloc[0]["excess"] == pytest.approx((0.45 - 0.30) * 1200, rel=0.03), (
        "against its own 30 %, not against the 17.5 % of all"
    )
    assert mix_shifts(tables, as_of=END).set_index("figure").loc["denials", "verdict"] == "both"


def test_collections_fall_with_the_mix_as_well_and_a_steady_client_is_steady():
    """Half of a charge is allowed where nothing is denied: 0.5 x (1 - denied)."""
    mixed, steady = (mix_shifts(of_mix(count), as_of=END).set_index("figure") for count in (900, 100))
    share = FEE / CHARGE
    assert mixed.loc["collections", ["usual", "now"]].tolist() == pytest.approx([share * 0.825, share * 0.725])
    assert mixed.loc["collections", "expected"] == pytest.approx(share * 0.725, rel=0.01)
    assert steady["verdict"].tolist() == ["steady", "steady"] and steady["change"].tolist() == [0, 0]
    assert steady["expected"].tolist() == pytest.approx(steady["usual"].tolist(), abs=1e-12), (
        "the same mix is expected to be as usual, to the last digit"
    )


def test_too_few_lines_say_nothing_of_the_mix():
    assert mix_shifts(of_mix(100, months=3), as_of=END).empty and list(mix_shifts(frames(), as_of=END).columns)[:2] == [
        "client",
        "figure",
    ]


# -- what is usual in a cell -------------------------------------------------------------------------


def test_the_usual_rate_of_a_cell_by_hand():
    """Two payers of 100 claims with 5 denied each: they differ by less than chance, so each is worth its 100 of 3,100
    claims."""
    cells = SimpleNamespace(steps=[(np.array([1, 2]), np.array([[0], [0]]))])
    rates, strength = usual_rates(cells, np.array([[10.0, 5.0, 5.0]]), np.array([200.0, 100.0, 100.0]))
    whole = 10.5 / 201
    assert rates[0].tolist() == pytest.approx([whole, *[(5 + 3000 * whole) / 3100] * 2]), (
        "of all: with half a denial more in one claim more"
    )
    assert strength[0].tolist() == [201, 201, 201], "known from no more claims than all are"


def test_the_usual_rates_of_cells_that_differ_borrow_little():
    """0 and 20 of 100 each: correlation (14.1 - 1) / 99 with the prior 20.5 / 201; m = 1 / correlation - 1 is below 30,
    so 30."""
    cells = SimpleNamespace(steps=[(np.array([1, 2]), np.array([[0], [0]]))])
    rates, _ = usual_rates(cells, np.array([[20.0, 0.0, 20.0]]), np.array([200.0, 100.0, 100.0]))
    whole = 20.5 / 201
    assert rates[0, 1:].tolist() == pytest.approx([30 * whole / 130, (20 + 30 * whole) / 130])


# -- the life of a finding -------------------------------------------------------------------------


@functools.cache
def of_a_summer():
    """Summit denies from June to August, and never again."""
    tables = practice(lambda row: "2026-06" <= row["month"] <= "2026-08" and row["payer"] == "summit", each=3)
    return denial_history(tables, as_of=END)


@pytest.mark.parametrize(
    ("month", "states"),
    [
        pytest.param(5, [], id="before it began"),
        pytest.param(6, ["new"], id="told for the first time"),
        pytest.param(7, ["continuing"], id="goes on"),
        pytest.param(8, ["continuing"], id="and on"),
        pytest.param(9, ["over"], id="over in the first month without it"),
        pytest.param(10, ["over"], id="told as over once more"),
        pytest.param(11, [], id="then it is history"),
        pytest.param(12, [], id="and nothing else takes its place"),
    ],
)
def test_a_finding_is_new_goes_on_and_is_over_and_then_leaves_no_echo(month, states):
    found = lives(of_a_summer(), as_of=(pd.Period(f"2026-{month:02d}").end_time).date())
    assert found["state"].tolist() == states
    assert set(found["payer"]) <= {"summit"} and set(found["first_told"]) <= {"2026-06"}
    if states == ["over"]:
        assert pd.Timestamp("2026-08-20") <= found["ended_on"].iloc[0] <= pd.Timestamp("2026-08-31")
        assert found["month_denied"].iloc[0] <= 2


def test_a_finding_that_ended_counts_nothing_after_its_end():
    now, later = (lives(of_a_summer(), as_of=day).iloc[0] for day in (dt.date(2026, 8, 31), dt.date(2026, 10, 31)))
    assert later["denied"] == now["denied"] and later["excess_cents"] == pytest.approx(now["excess_cents"], rel=0.1)


def test_what_comes_back_is_told_as_returned_under_its_name():
    struck = lambda row: row["month"] in ("2026-05", "2026-06", "2026-11", "2026-12") and row["site"] == "South"  # noqa: E731
    history = denial_history(practice(struck, each=3), as_of=END)
    told = {
        month: lives(history, as_of=pd.Period(f"2026-{month:02d}").end_time.date())["state"].tolist()
        for month in (6, 8, 12)
    }
    assert told == {6: ["continuing"], 8: ["over"], 12: ["returned"]}


def test_the_dollars_of_each_month_add_up_to_those_since_it_was_told():
    tables = practice(since("2026-09", payer="summit"), each=2)
    history = denial_history(tables, as_of=END)
    ends = [pd.Period(f"2026-{month}").end_time.date() for month in ("10", "11", "12")]
    rows = [lives(history, as_of=day).iloc[0] for day in ends]
    assert rows[0]["first_told"] == "2026-09"
    assert rows[-1]["since_told_cents"] == pytest.approx(sum(row["month_cents"] for row in rows), abs=3)
    assert finding_lives(tables, as_of=END)["state"].tolist() == ["continuing"]


def test_the_rate_since_the_onset_counts_no_day_before_it():
    """From the twentieth on all are denied: the month's rate is diluted, that since the onset is not."""
    tables = practice(lambda row: row["month"] >= "2026-10" and row["day"] >= dt.date(2026, 10, 20), share=1.0)
    row = systemic_denials(tables, as_of=END).iloc[0]
    assert row["rate_since_onset"] > 0.95 > row["rate"] + 0.1 and row["observed_rate"] < 0.02


@pytest.mark.parametrize(("beside", "is_edit"), [(True, True), (False, False)])
def test_bundling_beside_a_paid_line_is_a_new_edit_and_no_systemic_denial(beside, is_edit):
    """From October on Summit bundles one code: into a paid visit of the same claim, or for no visible reason."""
    made = []
    for month in pd.period_range("2025-11", "2026-12", freq="M"):
        for number in range(24):
            day = str((month.start_time + pd.Timedelta(days=number)).date())
            bundled = str(month) >= "2026-10" and number % 2 == 0
            line = (2, CHARGE, 0, [("CO", "97", CHARGE)]) if bundled else (2, CHARGE, FEE, [])
            visit = [(1, CHARGE, FEE, [])] if beside else []
            made.append(payment(f"{month}-{number}", day, *visit, line))
    found = finding_lives(together(*made), as_of=END)
    assert found["category"].tolist() == ["bundling"] and found["is_edit"].tolist() == [is_edit]
