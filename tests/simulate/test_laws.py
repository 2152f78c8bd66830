"""Worlds that differ in kind: how busy offices are, when payers answer, what happens to whom."""

from __future__ import annotations

import numpy as np
import pytest

from rcm_analysis.errors import ParameterError
from rcm_analysis.simulate.adjudication import contract
from rcm_analysis.simulate.company import grown_company
from rcm_analysis.simulate.fees import Calendar
from rcm_analysis.simulate.files.workspace import Job, _months_of, live
from rcm_analysis.simulate.laws import HEAVY_TAIL, TWO_HUMPS, USUAL, WORLDS, Laws, lag_days, laws_of
from rcm_analysis.simulate.plants.draw import LASTING, drawn
from rcm_analysis.simulate.plants.kinds import DENIALS
from rcm_analysis.simulate.practice_book import succession_day

CALENDAR = Calendar.ending("2026-10", 20)
NAMES = [laws.name for laws in WORLDS]


def plants(world: str, seeds=range(12), clients=6):
    company = [grown_company(clients, seed, laws_of(world)) for seed in seeds]
    return [
        plant
        for seed, one in zip(seeds, company, strict=True)
        for client in one.clients
        for plant in drawn(client, one, CALENDAR, seed)
    ]


def life(world: str, seed: int = 3):
    company = grown_company(2, seed, laws_of(world))
    return live(Job(company.clients[1], company, CALENDAR, seed, 0.2), factor=1.0)


def test_the_usual_world_has_no_law_of_its_own():
    assert Laws("usual") == USUAL and grown_company(2, 1).laws is USUAL
    found = plants("usual", seeds=range(4))
    kinds = {plant.kind for plant in found}
    assert "bundling_edit" not in kinds and all(plant.share == 1 for plant in found)
    assert all(plant.end is None for plant in found if plant.kind in LASTING)


def test_a_world_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ParameterError, match="slow and seasonal"):
        laws_of("slow and seasonl")


def test_problems_last_as_long_as_the_law_says():
    for world in ("slow and seasonal", "young and unsettled"):
        least, most = laws_of(world).problem_days
        lasting = [plant for plant in plants(world) if plant.kind in LASTING]
        assert lasting and all(least <= plant.end - plant.start <= most for plant in lasting)


def test_small_print_strikes_a_part_of_the_lines_and_some_problems_were_always_there():
    found = plants("batches and small print")
    parts = [plant.share for plant in found if plant.kind == "underpayment" and "unloaded" not in plant.id]
    assert parts and all(0.2 <= share <= 0.4 for share in parts)
    assert {plant.size for plant in found if "unloaded" in plant.id} == {0.025}
    standing = [plant for plant in found if plant.kind in DENIALS and plant.start < CALENDAR.first]
    assert 0 < len(standing) < sum(plant.kind in DENIALS for plant in found)
    assert any(plant.kind == "bundling_edit" for plant in found)


def test_outages_of_a_part_name_a_payer_and_some_clients_are_new():
    found = [plant for plant in plants("young and unsettled") if plant.kind == "clearinghouse_outage"]
    assert found and all(plant.scope.payer for plant in found)
    company = grown_company(12, 1, laws_of("young and unsettled"))
    months = [_months_of(client, company, 20, 1) for client in company.clients]
    assert {20} < set(months) and all(4 <= count <= 6 or count == 20 for count in months)


def test_lags_differ_in_kind():
    rng = np.random.default_rng(1)
    tail, bulk, slow = rng.lognormal(0, 0.5, 20_000), rng.lognormal(0, 0.3, 20_000), rng.random(20_000) < 0.05
    fast = np.full(20_000, 20.0)
    heavy = lag_days(Laws("h", lag=HEAVY_TAIL), fast, slow, tail, bulk)
    humps = lag_days(Laws("t", lag=TWO_HUMPS), fast, slow, tail, bulk)
    assert np.quantile(heavy, 0.99) > 4 * np.median(heavy) and (heavy <= 201).all()
    between = np.mean((humps > 22) & (humps < 32))
    assert np.mean(humps <= 22) > 0.5 and np.mean(humps >= 32) > 0.2 and between < 0.15


def test_monthly_payers_pay_in_the_first_days_of_a_month_and_some_payers_at_christmas():
    practice = life("batches and small print")
    ids = [payer.id for payer in practice.book.company.payers]
    paid = practice.remits.payments
    monthly = paid.filter(paid["payer"].is_in([ids.index(name) for name in ("harbor", "northwind")]))["day"]
    days = monthly.to_numpy().astype("datetime64[D]")
    in_month = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1
    assert len(days) and np.mean((in_month <= 7) | (in_month >= 28)) > 0.9
    christmas = np.arange("2025-12-24", "2026-01-02", dtype="datetime64[D]").astype(int)
    assert set(life("slow and seasonal").remits.payments["day"].to_list()) & set(christmas.tolist())
    assert not set(life("usual").remits.payments["day"].to_list()) & set(christmas.tolist())


def test_a_small_practice_takes_a_vacation_and_visits_follow_the_season():
    practice = life("slow and seasonal")
    service = practice.book.claims["service"].astype("datetime64[D]")
    month = service.astype("datetime64[M]").astype(str)
    winter, summer = (np.isin(month, labels).sum() for labels in (["2026-01", "2026-02"], ["2025-07", "2025-08"]))
    assert winter > summer


def test_patients_drift_to_a_plan():
    book = life("batches and small print").book
    target = book.payer_number("harbor")
    half = (book.calendar.first + book.calendar.last) / 2
    early, late = (
        np.mean(book.claims["payer"][book.claims["service"] < half] == target),
        np.mean(book.claims["payer"][book.claims["service"] >= half] == target),
    )
    assert late > early


def test_without_schedules_none_is_exported():
    from rcm_analysis.simulate.practice import exported

    assert exported(life("young and unsettled"))["fee_schedules"].is_empty()
    assert not exported(life("usual"))["fee_schedules"].is_empty()


def test_payers_are_renamed_and_merge_and_the_prices_of_a_renamed_one_stay():
    world = "mergers and late books"
    practice, company = life(world), grown_company(2, 3, laws_of(world))
    book, ids = practice.book, [payer.id for payer in company.payers]
    assert ids[-1] == "crestview" and "crestview" not in {payer.id for payer in grown_company(2, 3).payers}
    for old, new in (("summit", "crestview"), ("bluemesa", "lakeshore")):
        day = succession_day(old, CALENDAR, 3)
        late, payer = book.claims["service"] >= day, book.claims["payer"]
        assert not (payer[late] == ids.index(old)).any() and (payer[late] == ids.index(new)).any()
        assert (payer[~late] == ids.index(old)).any()
    assert not (book.claims["payer"] == book.claims["secondary"]).any()
    pays = book.fees.pays
    assert (pays[ids.index("crestview")] == pays[ids.index("summit")]).all()


def test_a_lesser_plan_pays_less_for_the_same_patients_every_time():
    book = life("mergers and late books").book
    lines = np.arange(len(book.lines["claim"]))
    claim = book.lines["claim"]
    fee = book.fees.allowed(
        book.claims["payer"][claim],
        *(book.lines[name] for name in ("code", "modifier", "units")),
        book.claims["service"][claim],
    )
    share = contract(book, lines) / fee
    lesser = book.patients["lesser_plan"][book.claims["patient"][claim]]
    below = contract(book, lines) < book.lines["charge"]
    assert lesser.any() and np.allclose(share[lesser & below], 0.88, atol=0.01)
    assert (share[~lesser & below] == 1).all()


def test_some_offices_post_the_end_of_a_month_when_they_close_it():
    company = grown_company(12, 3, laws_of("mergers and late books"))
    lives = [live(Job(client, company, CALENDAR, 3, 0.05), factor=1.0) for client in company.clients[1:5]]
    days = [one.remits.payments["posted"].to_numpy().astype("datetime64[D]") for one in lives]
    in_month = [(day - day.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1 for day in days]
    late = [(day > 22).sum() == 0 for day in in_month]
    assert 0 < sum(late) < len(late)
