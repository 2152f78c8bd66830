"""The search for drivers: what was put in is named, quiet is silent, and every cent is in the account."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from rcm_analysis.models.drivers.cells import DIMENSIONS, facts_of
from rcm_analysis.models.drivers.search import Account, account, onset

SITES, PAYERS, FAMILIES, REASONS = (
    ["Site 01", "Site 02", "Site 03", "Site 04"],
    ["aetna", "cigna", "medicare"],
    ["visits", "radiology"],
    ["documentation", "eligibility", "authorization"],
)
OLD_DAY = dt.date(2026, 5, 1)
DAYS = 92


def world(seed: int = 1, *, raised: dict[str, str] | None = None, times: float = 1.0, work: float = 1.0):
    """Claims of two quarters; in the new one the cell `raised` is denied `times` as often, on `work` as much work."""
    draw = np.random.default_rng(seed)
    tops, bases = [], []
    for period in (0, 1):
        for number in range(int(2400 * (work if period else 1))):
            cell = {
                "location": SITES[draw.integers(4)],
                "payer": PAYERS[draw.integers(3)],
                "family": FAMILIES[draw.integers(2)],
                "provider": "Okafor, Dev",
            }
            cents = int(draw.integers(8_000, 60_000))
            day = OLD_DAY + dt.timedelta(days=int(draw.integers(DAYS)) + DAYS * period)
            bases.append({**cell, "period": period, "cents": cents, "day": day})
            for reason in REASONS:
                is_raised = period == 1 and raised and {**cell, "reason": reason}.items() >= raised.items()
                if draw.random() < 0.02 * (times if is_raised else 1):
                    row = {
                        "claim_id": f"{period}-{number}",
                        "reason": reason,
                        "period": period,
                        "cents": cents,
                        "day": day,
                    }
                    tops.append({**cell, **row})
                    break
    return pl.DataFrame(tops), pl.DataFrame(bases)


def found_in(tops: pl.DataFrame, bases: pl.DataFrame, **options) -> Account:
    return account(facts_of(tops, bases, kind="flow", old_weight=1.0), **options)


def adds_up(found: Account) -> None:
    parts = [*found.drivers, found.everything_else]
    assert sum(part.change_cents for part in parts) == pytest.approx(found.change_cents, abs=1e-3)
    for part in parts:
        kinds = part.volume_cents + part.mix_cents + part.rate_cents
        assert kinds == pytest.approx(part.change_cents, abs=1e-3)


@pytest.mark.parametrize(
    "cell",
    [
        {"location": "Site 03", "reason": "documentation"},
        {"payer": "cigna", "family": "radiology", "reason": "authorization"},
        {"reason": "eligibility"},
    ],
    ids=["a site and a reason", "a payer, its imaging and a reason", "a reason everywhere"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_raised_cell_is_named_and_no_other(cell, seed):
    tops, bases = world(seed, raised=cell, times=8)
    found = found_in(tops, bases)
    assert [dict(driver.where) for driver in found.drivers] == [cell]
    hit = tops.filter(*[pl.col(name) == value for name, value in cell.items()])
    old, new = (int(hit.filter(pl.col("period") == period)["cents"].sum()) for period in (0, 1))
    assert (found.drivers[0].old_cents, found.drivers[0].new_cents) == (old, new)
    adds_up(found)


@pytest.mark.parametrize("seed", range(6))
def test_a_quiet_client_gets_no_driver(seed):
    found = found_in(*world(seed))
    assert found.drivers == ()
    adds_up(found)


def test_more_work_at_the_usual_rate_is_volume_and_no_driver():
    found = found_in(*world(3, work=1.6))
    assert found.drivers == ()
    assert found.everything_else.volume_cents > 0.6 * found.change_cents > 0
    adds_up(found)


def test_order_and_names_of_the_rows_do_not_matter():
    tops, bases = world(1, raised={"location": "Site 03", "reason": "documentation"}, times=8)
    plain = found_in(tops, bases)
    mixed = found_in(tops.sample(fraction=1, shuffle=True, seed=5), bases.sample(fraction=1, shuffle=True, seed=6))
    assert [(dict(one.where), one.new_cents) for one in mixed.drivers] == [
        (dict(one.where), one.new_cents) for one in plain.drivers
    ]
    renamed = {name: pl.col(name).str.reverse() for name in ("location", "payer")}
    turned = found_in(tops.with_columns(**renamed), bases.with_columns(**renamed))
    assert [one.new_cents for one in turned.drivers] == [one.new_cents for one in plain.drivers]


def test_a_month_against_a_quarter_counts_the_quarter_at_a_third():
    tops, bases = world(1)
    tripled = (
        pl.concat([rows.filter(pl.col("period") == 0)] * 3 + [rows.filter(pl.col("period") == 1)])
        for rows in (tops, bases)
    )
    found = account(facts_of(*tripled, kind="flow", old_weight=1 / 3))
    assert found.old_cents == pytest.approx(tops.filter(pl.col("period") == 0)["cents"].sum())
    adds_up(found)


def test_a_proved_cell_needs_one_look_only():
    cell = {"location": "Site 03", "reason": "documentation"}
    tops, bases = world(4, raised=cell, times=3.2)
    without, seeded = found_in(tops, bases), found_in(tops, bases, seeds=[cell, {"location": "no such site"}])
    assert cell not in [dict(driver.where) for driver in without.drivers]
    assert cell in [dict(driver.where) for driver in seeded.drivers]
    adds_up(seeded)


def test_one_huge_claim_is_no_pattern():
    tops, bases = world(2)
    huge = (
        tops.filter(pl.col("period") == 1)
        .head(1)
        .with_columns(cents=pl.lit(50_000_000, pl.Int64), claim_id=pl.lit("huge"))
    )
    found = found_in(pl.concat([tops, huge]), bases)
    assert found.drivers == () and found.largest_claim_cents == 50_000_000


def test_the_day_on_which_it_began():
    cell = {"location": "Site 03", "reason": "documentation"}
    tops, bases = world(1, raised=cell, times=8)
    days = {"first": OLD_DAY, "last": OLD_DAY + dt.timedelta(days=2 * DAYS - 1), "earliest": OLD_DAY}
    began = onset(tops, bases, cell, **days, is_up=True)
    assert abs((began - (OLD_DAY + dt.timedelta(days=DAYS))).days) <= 10
    assert onset(tops, bases, cell, **days, is_up=False) is None
    assert onset(tops, bases, cell, **{**days, "earliest": began + dt.timedelta(days=1)}, is_up=True) is None
    assert onset(tops, bases, {"location": "Site 01", "reason": "eligibility"}, **days, is_up=True) is None


def test_nothing_at_all_is_an_account_of_nothing():
    tops, bases = world(1)
    found = found_in(tops.clear(), bases)
    assert found.drivers == () and found.change_cents == 0
    assert set(DIMENSIONS) <= {*tops.columns}
