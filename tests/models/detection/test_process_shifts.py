"""Charges entered later and later, and silent days: what is raised, from when, and what is only a holiday."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from rcm_analysis.errors import ParameterError
from rcm_analysis.models.detection.process_shifts import charge_lag_creep, submission_outages
from rcm_analysis.tables import schema

END = dt.date(2026, 12, 31)
PROVIDERS, SITES = ("Lee", "Cruz", "Diaz"), ("North", "South")


def frame(name: str, rows: list[dict]) -> pl.DataFrame:
    kinds = schema.TABLES[name].polars
    return pl.DataFrame([{key: ({"client": "acme"} | row).get(key) for key in kinds} for row in rows], schema=kinds)


def entries(late=lambda row, months: 0, *, each: int = 3, months: int = 14, seed: int = 1) -> dict[str, pl.DataFrame]:
    """Claims of every working day of the months, entered a day or two later, and by `late` working days more."""
    rng = np.random.default_rng(seed)
    first = (pd.Period("2026-12", "M") - (months - 1)).start_time
    rows = []
    for day in pd.bdate_range(first, END):
        for number in range(each):
            row = {"provider": PROVIDERS[rng.integers(3)], "location": SITES[rng.integers(2)]}
            lag = (
                int(rng.geometric(0.5))
                - 1
                + (20 if rng.random() < 0.03 else 0)
                + late(row, (day.year - 2026) * 12 + day.month)
            )
            entered = np.busday_offset(day.date(), lag, roll="forward").astype(object)
            if entered <= END:
                rows.append(
                    row
                    | {
                        "claim_id": f"{day:%Y%m%d}{number}",
                        "service_on": day.date(),
                        "entered_on": entered,
                        "charge_cents": 10_000,
                    }
                )
    return {"claims": frame("claims", rows)}


@pytest.mark.parametrize(
    ("late", "named"),
    [
        pytest.param(
            lambda row, month: max(0, month - 8), ("whole client", "", ""), id="everybody, a day more every month"
        ),
        pytest.param(
            lambda row, month: 2 * max(0, month - 9) * (row["provider"] == "Cruz"),
            ("provider", "Cruz", ""),
            id="one provider",
        ),
        pytest.param(
            lambda row, month: 2 * max(0, month - 9) * (row["location"] == "South"),
            ("location", "", "South"),
            id="one location",
        ),
        pytest.param(lambda row, month: 3 * (month >= 10), ("whole client", "", ""), id="a lasting step is raised too"),
    ],
)
def test_who_enters_later(late, named):
    found = charge_lag_creep(entries(late), as_of=END)
    assert len(found) == 1
    row = found.iloc[0]
    assert (row["level"], row["provider"], row["location"]) == named
    assert "2026-08" <= row["first_month"] <= "2026-11" and row["last_month"] == "2026-12"
    assert row["days"] >= row["usual_days"] + 1 and row["late_claims"] > 10
    assert row["late_cents"] == pytest.approx(row["late_claims"] * 10_000, abs=1)


def test_a_doctor_is_named_though_the_rest_of_a_small_office_wavers():
    """South enters a day later from July to September, too little to be told of it alone."""

    def late(row: dict, month: int) -> int:
        wavers = row["location"] == "South" and 7 <= month < 10
        return 2 * max(0, month - 9) if row["provider"] == "Cruz" else int(wavers)

    found = charge_lag_creep(entries(late, seed=5, each=2), as_of=END)
    assert found[["provider", "first_month"]].values.tolist() == [["Cruz", "2026-10"]]


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(lambda row, month: 0, id="as ever"),
        pytest.param(lambda row, month: 6 * (month == 12), id="one late month is an incident"),
        pytest.param(lambda row, month: 4 * (month in (7, 8, 9)), id="over since October"),
        pytest.param(lambda row, month: -1 * (month >= 10), id="entered earlier than usual"),
    ],
)
def test_what_is_no_creep(late):
    tables = entries(late)
    assert charge_lag_creep(tables, as_of=END).empty


def test_quiet_clients_are_left_in_peace():
    found = [
        len(charge_lag_creep(entries(seed=seed, each=2), as_of=dt.date(2026, month, 28)))
        for seed in range(6)
        for month in (8, 12)
    ]
    assert sum(found) == 0


def test_a_creep_is_raised_within_two_months_and_told_by_its_slope():
    tables = entries(lambda row, month: 2 * max(0, month - 8))
    assert charge_lag_creep(tables, as_of=dt.date(2026, 8, 31)).empty
    row = charge_lag_creep(tables, as_of=dt.date(2026, 10, 31)).iloc[0]
    assert row["first_month"] == "2026-09" and row["is_new"] and row["onset_on"] >= pd.Timestamp("2026-09-01")
    assert charge_lag_creep(tables, as_of=END).iloc[0]["days_a_month"] == pytest.approx(2, abs=0.8)


def test_nothing_is_known_before_its_entry():
    tables = entries(lambda row, month: 2 * max(0, month - 8))
    cut = {"claims": tables["claims"].filter(pl.col("entered_on") <= dt.date(2026, 10, 31))}
    day = dt.date(2026, 10, 31)
    pd.testing.assert_frame_equal(charge_lag_creep(tables, as_of=day), charge_lag_creep(cut, as_of=day))


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param({"claims": frame("claims", [])}, id="no claims"),
        pytest.param(entries(lambda row, month: 5 * (month >= 12), months=3), id="too short a past"),
    ],
)
def test_too_little_to_say(tables):
    found = charge_lag_creep(tables, as_of=END)
    assert found.empty and "late_cents" in found


def test_one_client_at_a_time():
    two = frame(
        "claims",
        [{"client": name, "claim_id": "1", "service_on": END, "entered_on": END, "charge_cents": 1} for name in "ab"],
    )
    with pytest.raises(ParameterError, match="client by client"):
        charge_lag_creep({"claims": two}, as_of=END)


# -- silent days -----------------------------------------------------------------------------------


def office(
    silent: tuple[str, str] | None = None,
    *,
    each: int = 6,
    closed: tuple[str, str] | None = None,
    end: str = "2026-06-30",
    send=lambda day: True,
    seed: int = 1,
) -> dict[str, pl.DataFrame]:
    """Charges of every working day of half a year, sent a day or two later on days that `send` allows.

    In `silent` (first and last day) nothing leaves; in `closed` nothing is entered either.
    """
    rng = np.random.default_rng(seed)
    last = pd.Timestamp(end)
    claims, sent = [], []
    for day in pd.bdate_range("2026-01-05", last):
        if closed and pd.Timestamp(closed[0]) <= day <= pd.Timestamp(closed[1]):
            continue
        for number in range(each):
            name = f"{day:%Y%m%d}{number}"
            leaves = day + pd.Timedelta(days=int(rng.integers(0, 3)))
            while (
                leaves.weekday() > 4
                or not send(leaves)
                or any(span and pd.Timestamp(span[0]) <= leaves <= pd.Timestamp(span[1]) for span in (silent, closed))
            ):
                leaves += pd.Timedelta(days=1)
            claims.append(
                {
                    "claim_id": name,
                    "payer": "summit",
                    "service_on": day.date(),
                    "entered_on": day.date(),
                    "charge_cents": 5_000,
                }
            )
            if leaves <= last and rng.random() > 0.03:
                sent.append({"claim_id": name, "submission_id": name, "submitted_on": leaves.date(), "payer": "summit"})
    return {"claims": frame("claims", claims), "submissions": frame("submissions", sent)}


def asked(tables: dict[str, pl.DataFrame], end: str = "2026-06-30") -> pd.DataFrame:
    return submission_outages(tables, as_of=dt.date.fromisoformat(end))


def test_a_silent_week_with_its_days_claims_and_cents():
    found = asked(office(("2026-03-09", "2026-03-15"))).iloc[0]
    assert (found["onset_on"], found["last_on"], found["resumed_on"]) == tuple(
        map(pd.Timestamp, ("2026-03-09", "2026-03-13", "2026-03-16"))
    )
    assert found["days"] == 5 and found["is_over"]
    assert 30 <= found["claims"] <= 42 and found["cents"] == found["claims"] * 5_000


def test_claims_and_cents_of_an_outage_by_hand():
    """Every claim leaves on the day of its entry; from Monday to Wednesday none does: three days of four claims
    wait."""
    tables = office(each=4, send=lambda day: True)
    same_day = tables["claims"].select(
        "client", "claim_id", submission_id="claim_id", submitted_on="entered_on", payer="payer"
    )
    stuck = pl.col("submitted_on").is_between(dt.date(2026, 3, 9), dt.date(2026, 3, 11))
    moved = same_day.with_columns(
        submitted_on=pl.when(stuck).then(dt.date(2026, 3, 12)).otherwise(pl.col("submitted_on"))
    )
    found = asked(tables | {"submissions": moved})
    assert found[["claims", "cents", "days"]].to_numpy().tolist() == [[12, 60_000, 3]]


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param(office(), id="nothing happened"),
        pytest.param(office(("2026-03-10", "2026-03-11")), id="two silent days are a day off and a lost batch"),
        pytest.param(
            office(closed=("2026-03-09", "2026-03-15")), id="the office was closed: nothing was entered, nothing waits"
        ),
        pytest.param(office(send=lambda day: day.weekday() == 4), id="a client that sends on Fridays only"),
        pytest.param(office(("2026-05-23", "2026-05-26")), id="a weekend, a holiday and one silent day"),
        pytest.param(office(each=0), id="no claims at all"),
    ],
)
def test_what_is_no_outage(tables):
    assert asked(tables).empty


def test_two_silent_fridays_of_a_client_that_sends_on_fridays_are_too_few_and_four_are_not():
    friday = {"send": lambda day: day.weekday() == 4, "each": 3}
    assert asked(office(("2026-03-09", "2026-03-21"), **friday)).empty
    found = asked(office(("2026-03-09", "2026-04-04"), **friday))
    assert found["days"].tolist() == [4]


def test_an_outage_that_goes_on_is_raised_before_it_is_over():
    found = asked(office(("2026-06-24", "2026-07-15"))).iloc[0]
    assert not found["is_over"] and pd.isna(found["resumed_on"]) and found["onset_on"] == pd.Timestamp("2026-06-24")


def test_claims_that_leave_on_a_holiday_or_a_saturday_end_the_run():
    """Presidents' Day is no usual sending day, but here claims left on it."""
    tables = office(("2026-02-09", "2026-02-15"))
    assert (tables["submissions"]["submitted_on"] == dt.date(2026, 2, 16)).any()
    found = asked(tables).iloc[0]
    assert found["days"] == 5 and found["resumed_on"] == pd.Timestamp("2026-02-16") and found["claims"] >= 20
    saturday = pl.DataFrame(
        [{"client": "acme", "claim_id": "x", "submission_id": "x", "submitted_on": dt.date(2026, 3, 14)}]
    )
    split = office(("2026-03-12", "2026-03-17"))
    split["submissions"] = pl.concat([split["submissions"], saturday], how="diagonal")
    assert asked(split).empty


def test_claims_held_by_a_note_do_not_wait_and_a_note_of_later_changes_nothing():
    silent = ("2026-03-09", "2026-03-15")
    tables = office(silent)
    stuck = tables["claims"].filter(pl.col("entered_on").is_between(dt.date(2026, 3, 4), dt.date(2026, 3, 15)))
    note = {"client": "acme", "action": "follow_up", "hold_reason": "documents"}
    notes = [
        note | {"claim_id": claim, "work_id": claim, "worked_on": entered, "entered_on": entered}
        for claim, entered in stuck.select("claim_id", "entered_on").iter_rows()
    ]
    assert asked(tables | {"work_log": frame("work_log", notes)}).empty
    july = {"worked_on": dt.date(2026, 7, 1), "entered_on": dt.date(2026, 7, 1)}
    found = asked(tables | {"work_log": frame("work_log", [one | july for one in notes])})
    assert found[["claims", "days"]].equals(asked(tables)[["claims", "days"]]) and len(found) == 1


def test_claims_without_an_insurer_do_not_wait():
    tables = office(("2026-03-09", "2026-03-15"))
    away = tables["claims"].with_columns(payer=pl.lit("self_pay"))
    assert asked(tables | {"claims": away}).empty


def test_a_small_office_is_not_accused_of_its_pauses():
    found = [len(asked(office(each=1, seed=seed, send=lambda day: day.toordinal() % 3 > 0))) for seed in range(8)]
    assert sum(found) == 0


def of_two_payers(silent: tuple[str, str] | None = None, *, closed: tuple[str, str] | None = None):
    """An office that bills two payers; in `silent` nothing leaves to the second one."""
    first, second = office(closed=closed), office(silent, closed=closed, seed=2)
    renamed = {
        name: table.with_columns(
            claim_id=pl.lit("L") + pl.col("claim_id"),
            payer=pl.lit("lakeshore"),
            **({"submission_id": pl.lit("L") + pl.col("submission_id")} if name == "submissions" else {}),
        )
        for name, table in second.items()
    }
    return {name: pl.concat([first[name], renamed[name]]) for name in first}


def test_an_outage_of_one_payers_claims_is_told_with_its_payer():
    found = asked(of_two_payers(("2026-03-09", "2026-03-15")))
    assert found["payer"].tolist() == ["lakeshore"] and found["days"].tolist() == [5]
    assert found["onset_on"].iloc[0] == pd.Timestamp("2026-03-09") and 30 <= found["claims"].iloc[0] <= 42


def test_a_vacation_is_no_outage_of_any_part():
    assert asked(of_two_payers(closed=("2026-03-09", "2026-03-20"))).empty


def test_an_outage_of_the_whole_is_not_told_again_for_each_payer():
    tables = of_two_payers(("2026-03-09", "2026-03-15"))
    stuck = pl.col("submitted_on").is_between(dt.date(2026, 3, 9), dt.date(2026, 3, 15))
    moved = tables["submissions"].with_columns(
        submitted_on=pl.when(stuck).then(dt.date(2026, 3, 16)).otherwise(pl.col("submitted_on"))
    )
    assert asked(tables | {"submissions": moved})["payer"].tolist() == [""]
