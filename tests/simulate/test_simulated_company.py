"""The simulated company as a whole: registry, reproducibility, what its files must and must not hold."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from rcm_analysis.errors import ClientError, ParameterError
from rcm_analysis.periods import Period
from rcm_analysis.simulate import write_clients, write_company
from rcm_analysis.simulate.company import npi, registry_toml, seed_company
from rcm_analysis.sources.exports.reader import read_export, read_map, recognise
from rcm_analysis.sources.x12.remit835 import read_835
from rcm_analysis.tables.clients import read_registry

PRINTED = {
    "chicago-med": (5, 827990, "0.055", "monthly", "Jane Smith", "A"),
    "2020-vision": (2, 64166, "0.055", "monthly", "Jane Smith", "C"),
    "ortho-group": (20, 2620262, "0.0575", "weekly", "Jane Smith", "B"),
    "dr-quinn": (5, 301108, "0.0575", "monthly", "Jane Smith", "C"),
    "st-elsewhere": (5, 153059, "0.09", "monthly", "Jane Smith", "C"),
    "cali-care": (4, 500000, "0.05", "weekly", "John Doe", "B"),
    "greys-anatomy": (1, 135434, "0.06", "monthly", "John Doe", "A"),
    "dr-suess": (1, 150322, "0.0713", "monthly", "John Doe", "A"),
    "dr-doogie-howser": (2, 64058, "0.065", "monthly", "John Doe", "D"),
    "tx-docs": (28, 3674834, "0.035", "weekly", "Joe Schmo", "B"),
    "dr-foot-loose": (1, 82933, "0.041", "weekly", "Joe Schmo", "D"),
    "abc-obgyn": (3, 209691, "0.035", "weekly", "Joe Schmo", "D"),
}


def hashes(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def registry():
    return tomllib.loads(registry_toml(seed_company(), Period.month("2026-10")))


@pytest.mark.parametrize("name", PRINTED)
def test_the_registry_gives_the_printed_overview_in_the_last_month(registry, name):
    providers, revenue, rate, cadence, manager, rating = PRINTED[name]
    entry = dict(registry["clients"][name])
    for change in sorted(entry.pop("changes", []), key=lambda change: change["effective"]):
        assert Period.month("2026-09").first_day <= change["effective"] <= Period.month("2026-10").first_day
        entry |= change
    assert entry["providers"] == providers and entry["revenue"] == f"{revenue}.00"
    assert (entry["commission_rate"], entry["meeting_cadence"], entry["assigned_to"]) == (rate, cadence, manager)
    assert entry["is_estimate"] == (name == "cali-care")
    high = revenue >= 125_000 * providers
    close = cadence != "monthly" or entry["emails_per_week"] >= 10 or entry["hours_per_week"] >= 4
    assert {(True, False): "A", (True, True): "B", (False, False): "C", (False, True): "D"}[high, close] == rating


def test_the_registry_moves_in_the_last_two_months_and_differs_in_levels_and_services(registry):
    clients = registry["clients"].values()
    assert sum(len(client.get("changes", [])) for client in clients) >= 3
    assert {client["assigned_level"] for client in clients} == {"coordinator", "manager", "senior_manager"}
    assert sum(len(client["services"]) > 1 for client in clients) >= 3
    assert Counter(client["column_maps"][0] for client in clients)["layout_b"] >= 4


def test_payers_are_named_differently_in_each_source_and_never_shared(registry):
    words = [
        word
        for payer in registry["payers"].values()
        for word in (*payer["aliases"], *payer["identifiers"], payer["name"])
    ]
    assert len(words) == len({word.casefold() for word in words}) and len(registry["payers"]) == 10


def test_every_billing_number_has_a_valid_check_digit(registry):
    for client in registry["clients"].values():
        assert all(npi(int(number[:9])) == number for number in client["npis"])


def test_the_billing_number_stands_in_every_835_and_837(client):
    assert {remit.npi for remit in client.remits} | {sent.npi for sent in client.sent} == set(client.entry["npis"])


def test_the_last_twelve_months_collect_what_the_registry_says(client):
    months = client.truth["months"][-12:]
    collected = sum(month["payments_cents"] - month["refunds_cents"] - month["takebacks_cents"] for month in months)
    assert collected == pytest.approx(float(client.entry["revenue"]) * 100 * client.scale, rel=0.08)


def test_the_truth_agrees_with_the_month_end_reports(client):
    for told, month in zip(client.truth["months"], client.month_end, strict=True):
        assert told["closing_cents"] == month["closing"] * 100 and told["charges_cents"] == month["charges"] * 100
        assert told["refunds_cents"] + told["takebacks_cents"] == month["refunds"] * 100
    assert client.truth["deposits_cents"] == sum(remit.paid for remit in client.remits) * 100
    assert client.truth["submissions"] == len(client.sent)


def test_life_is_varied_enough_to_try_every_measure(company):
    everything = list(company.clients.values())
    statuses = Counter(claim.status for client in everything for remit in client.remits for claim in remit.claims)
    assert set(statuses) == {"1", "2", "4", "19", "22"} and min(statuses.values()) >= 5
    reasons = {pair[0] for client in everything for remit in client.remits for pair in remit.plb}
    assert reasons >= {"FB", "L6", "WO"}
    assert {(sent.order, sent.frequency) for client in everything for sent in client.sent} == {
        ("P", "1"),
        ("P", "7"),
        ("P", "8"),
        ("S", "1"),
    }
    written = {row["reason"] for client in everything for row in client.transactions if row["kind"] == "write_off"}
    assert written >= {"timely filing", "small balance", "bad debt", "denial", "administrative", "self-pay discount"}
    assert {row["kind"] for client in everything for row in client.transactions} == {
        "charge",
        "payment",
        "contractual",
        "write_off",
        "transfer",
        "refund",
        "takeback",
    }
    assert any(not row["claim"] for client in everything for row in client.transactions)
    assert any("X223" in sent.path.read_text("ascii") for sent in company.clients["st-elsewhere"].sent)


def test_write_offs_have_a_reason_and_an_approver(client):
    for row in client.transactions:
        if row["kind"] == "write_off":
            assert row["reason"] and row["approved"] and row["amount"] < 0


def test_names_and_birth_dates_are_there_to_be_dropped(client):
    assert all(row["name"] and row["birth"] for row in client.claims)
    text = (client.remits[0].path).read_text("ascii")
    assert re.search(r"NM1\*QC\*1\*[A-Z]+\*[A-Z]+", text)


@pytest.mark.parametrize("client", ["dr-suess", "dr-foot-loose"], indirect=True)
def test_every_export_is_recognised_and_only_total_lines_are_set_aside(client):
    maps = [read_map(client.root / "maps" / f"{name}.toml") for name in client.entry["column_maps"]]
    seen = Counter()
    for path in sorted((client.root / "raw" / client.id / "exports").iterdir()):
        for found in recognise(path, maps):
            export = read_export(path, found, client=client.id)
            assert set(export.quarantine["rule"]) <= {"total_line"}
            seen[found.table.name] += export.rows.height
    assert seen["transactions"] == len(client.transactions) == client.truth["transactions"]
    assert set(seen) == {
        "claims",
        "claim_lines",
        "transactions",
        "claim_edits",
        "work_log",
        "control_totals",
        "actions",
        "fee_schedules",
        "payer_rules",
    }


def test_the_same_seed_writes_the_same_bytes_whoever_else_is_written(company, tmp_path):
    write_company(tmp_path, clients=["dr-suess"], months=18, scale=company.scale)
    alone = {path: digest for path, digest in hashes(tmp_path).items() if "dr-suess" in path}
    together = hashes(company.root)
    assert len(alone) > 150 and all(together[path] == digest for path, digest in alone.items())


def test_another_seed_writes_other_claims(tmp_path):
    for seed in (1, 2):
        write_company(tmp_path / str(seed), clients=["dr-foot-loose"], months=6, scale=0.2, seed=seed)
    one, two = hashes(tmp_path / "1"), hashes(tmp_path / "2")
    assert one["clients.toml"] == two["clients.toml"]
    raw = {path for path in one if "claims_" in path or path.endswith(".837")}
    assert raw and all(one.get(path) != two.get(path) for path in raw)


def test_the_whole_dollar_sweep_is_one_clients_habit(tmp_path):
    write_company(tmp_path, clients=["dr-quinn"], months=18, scale=0.3)
    text = "".join(path.read_text() for path in sorted(tmp_path.glob("raw/dr-quinn/exports/transactions_*.csv")))
    swept = re.findall(r",WO,[PS],\"?\$([\d,.]+)\"?,.*?,administrative,", text)
    assert len(swept) > 10 and all(value.endswith(".00") for value in swept)


def test_more_clients_than_the_overview_are_invented(tmp_path):
    write_clients(tmp_path, clients=14, months=1, seed=5, scale=0.02, plants=False)
    registry = tomllib.loads((tmp_path / "clients.toml").read_text())["clients"]
    assert len(registry) == 14 and list(registry)[:2] == ["chicago-med", "2020-vision"]
    assert all((tmp_path / "raw" / name / "837").is_dir() for name in registry)
    assert len(read_registry(tmp_path / "clients.toml").clients) == 14


@pytest.mark.slow
def test_all_twelve_collect_what_the_overview_prints_and_our_reader_finds_no_fault(tmp_path):
    write_company(tmp_path, scale=0.25)
    for name, (_, revenue, *_) in PRINTED.items():
        told = json.loads((tmp_path / "truth" / f"{name}.json").read_text())
        months = told["months"][-12:]
        collected = sum(month["payments_cents"] - month["refunds_cents"] - month["takebacks_cents"] for month in months)
        assert collected == pytest.approx(revenue * 100 * 0.25, rel=0.08), name
    for path in sorted(tmp_path.glob("raw/*/835/*"))[::25]:
        assert read_835(path).findings.empty, path.name


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        pytest.param(
            {"clients": ["dr-sues"]},
            ClientError,
            "Closest: dr-suess",
            id="an unknown client is named with the closest known one",
        ),
        pytest.param({"last_month": "2026-13"}, ParameterError, "YYYY-MM", id="a month that is none is refused"),
        pytest.param({"months": 0}, ParameterError, "at least", id="no months at all are refused"),
        pytest.param({"scale": 0}, ParameterError, "above zero", id="a scale of nothing is refused"),
    ],
)
def test_what_cannot_be_simulated_is_refused_before_anything_is_written(tmp_path, arguments, error, words):
    with pytest.raises(error, match=words):
        write_company(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()
