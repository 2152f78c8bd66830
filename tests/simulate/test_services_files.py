"""The files of the services through intake: nothing lost, nobody named, and only where the service was bought."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from rcm_analysis import open_workspace
from rcm_analysis.simulate import read_truth
from rcm_analysis.simulate.company import EVERY, SYSTEMS, grown_company, seed_company
from rcm_analysis.simulate.fees import Calendar
from rcm_analysis.simulate.files.workspace import Job, live
from rcm_analysis.simulate.plants.draw import services_planted
from rcm_analysis.simulate.plants.kinds import PLANT_KINDS
from rcm_analysis.simulate.practice import exported
from rcm_analysis.simulate.practice_book import LAST
from rcm_analysis.simulate.services.exports import add_services
from rcm_analysis.tables.schema_services import SERVICE_TABLES, TABLES_OF_SERVICE

CLIENTS = {
    "chicago-med": "self_pay",
    "dr-quinn": "patient_engagement",
    "st-elsewhere": "care_coordination",
    "dr-suess": "care_coordination",
}
WITHOUT = "dr-foot-loose"
FEW_KEEP = {
    "programme_costs",
    "appointment_reminders",
    "care_referrals",
    "care_plan_steps",
    "clinical_readings",
    "staff_feedback",
}
"""Tables that few offices deliver, the simulated ones not either."""
MAPS = {"self_pay": "self_pay_desk", "patient_engagement": "front_office", "care_coordination": "care_program"}


def hashes(root: Path, pattern: str) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.glob(pattern))
        if path.is_file()
    }


@pytest.mark.parametrize("client", CLIENTS)
def test_every_row_of_every_file_reaches_the_store(services, client):
    told = json.loads((services.root / "truth" / f"{client}.{CLIENTS[client]}.json").read_text())[
        f"{CLIENTS[client]}_rows"
    ]
    files = [file for file in services.reports[client].files if "services" in file.file]
    assert {file.status for file in files} == {"read"}
    assert all(file.rows_in == file.rows_stored + file.rows_quarantined for file in files)
    assert sum(file.rows_quarantined for file in files) == 0
    assert {name: services.stored[client].rows(name) for name in told} == told
    assert set(told) == {table.name for table in TABLES_OF_SERVICE[CLIENTS[client]]} - FEW_KEEP
    assert [name for name, rows in told.items() if not rows] == []
    assert not services.reports[client].needs_person


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_has_the_files_maps_and_truth_of_its_own_service_only(services, client):
    stored = services.stored[client]
    own = {table.name for table in TABLES_OF_SERVICE[CLIENTS[client]]}
    assert all(stored.rows(name) == 0 for name in SERVICE_TABLES if name not in own)
    assert open_workspace(services.root).registry.client(client).column_maps[1:] == (MAPS[CLIENTS[client]],)


def test_a_client_without_services_has_no_service_files(services):
    assert not (services.root / "raw" / WITHOUT / "services").exists()
    assert list(services.root.glob(f"truth/{WITHOUT}*")) == []
    assert len(open_workspace(services.root).registry.client(WITHOUT).column_maps) == 1


def test_names_and_remarks_stand_in_the_files_and_never_in_the_store(services):
    interactions = next((services.root / "raw/chicago-med/services").glob("interactions_*.csv")).read_text()
    assert "Patient Name" in interactions and "spoke about" in interactions
    for client in CLIENTS:
        stored = services.stored[client]
        for table in TABLES_OF_SERVICE[CLIENTS[client]]:
            rows = stored.read(table.name).select(
                pl.col(pl.String).exclude("provider")
            )  # providers are named, as in claims
            assert not any(rows[name].str.contains("|".join(LAST)).any() for name in rows.columns), table.name
            if "patient" in table.names:
                patients = stored.read(table.name)["patient"].drop_nulls()
                assert patients.str.contains("^p[0-9a-f]{20}$").all(), table.name


def test_one_person_has_one_pseudonym_in_claims_and_in_every_table(services):
    stored = services.stored["chicago-med"]
    claims = stored.read("claims").select("claim_id", "patient")
    for name in ("statements", "payment_plans", "payment_attempts", "disputes", "write_off_approvals"):
        both = stored.read(name).join(claims, on="claim_id", how="left", suffix="_claims")
        assert (both["patient"] == both["patient_claims"]).all(), name


def written(
    folder: Path, client: str, seed: int, *, months: int = 14, plants: bool = True, scale: float = 0.05
) -> dict[str, str]:
    """The hashes of the service files, maps and truth of one small client."""
    company = seed_company([client])
    practice = live(Job(company.clients[0], company, Calendar.ending("2026-10", months), seed, scale), 1.0)
    add_services(folder, practice, plants=services_planted(company.clients[0]) if plants else ())
    return hashes(folder, "**/*")


@pytest.mark.parametrize("client", ["chicago-med", "dr-quinn", "st-elsewhere"])
def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(tmp_path, client):
    one, two, three = (written(tmp_path / str(number), client, seed, months=6) for number, seed in enumerate((3, 3, 4)))
    assert one == two and any("services/" in path for path in one)
    assert one != three


@pytest.mark.parametrize(
    ("client", "touched"),
    [
        pytest.param("st-elsewhere", {"care_program.xlsx"}, id="billing support, claims and recoupments"),
        pytest.param(
            "dr-quinn",
            {"appointments.csv", "intakes", "surveys", "feedback", "survey_answers"},
            id="appointments and forms",
        ),
    ],
)
def test_a_plant_changes_only_files_about_it(tmp_path, client, touched):
    scale = 1.0 if client == "dr-quinn" else 0.05  # a shift of a rate is planted where it stands out
    one, two = (
        written(tmp_path / "with", client, 3, scale=scale),
        written(tmp_path / "without", client, 3, plants=False, scale=scale),
    )
    raw = {path.split("/")[-1] for path in one if path.startswith("raw/") and one[path] != two[path]}
    assert raw and all(any(name.startswith(stem) for stem in touched) for name in raw), raw
    told = json.loads((tmp_path / "without/truth" / f"{client}.{CLIENTS[client]}.json").read_text())
    assert told["plants"] == []


@pytest.mark.parametrize("client", ["st-elsewhere", "dr-quinn", "chicago-med"])
def test_only_a_self_pay_programme_touches_the_ledger(tmp_path, client):
    company = seed_company([client])
    practice = live(Job(company.clients[0], company, Calendar.ending("2026-10", 14), 3, 0.1), 1.0)
    before = exported(practice)
    add_services(tmp_path, practice, plants=services_planted(company.clients[0]))
    after = exported(practice)
    changed = {name for name in before if not before[name].equals(after[name])}
    assert changed == ({"transactions", "work_log", "control_totals"} if client == "chicago-med" else set())


def test_planted_services_are_in_the_truth_and_do_not_unquiet_the_claims(services):
    truth = read_truth(services.root)
    assert {"contacts_not_billed", "no_show_rise", "out_of_scope"} <= set(truth.plants["kind"])
    of_claims = pl.col("is_problem") & pl.col("kind").is_in(list(PLANT_KINDS))
    troubled = set(truth.plants.filter(of_claims)["client"])
    assert {"st-elsewhere", "chicago-med"} <= set(
        truth.clients
    ) - troubled  # no file of the claims' own plants was written here
    assert services.plants["dr-suess"] == {} and services.plants["tx-docs"] == {}


def test_invented_clients_have_services_by_position_and_two_thirds_of_them_something_planted():
    invented = [client for client in grown_company(400, 5).clients if client.number > 12]
    for client in invented:
        own = [service for service, step in EVERY.items() if client.number % step == 0]
        assert client.registry["services"] == ["claims", *own]
        assert client.registry["column_maps"][1:] == [SYSTEMS[service] for service in own]
        assert services_planted(client) == ()
    for service, step in EVERY.items():
        share = sum(service in services_planted(client, 5) for client in invented) / (len(invented) / step)
        assert 0.55 < share < 0.78
