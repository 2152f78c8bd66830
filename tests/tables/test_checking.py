"""What a person wrote is refused in our words, never in those of the library that found the fault."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from dataclasses import fields

import pytest

from rcm_analysis.errors import ClientError, SourceError
from rcm_analysis.sources.exports.column_maps import Section, parse_map
from rcm_analysis.tables.checking import dotted, shown
from rcm_analysis.tables.clients import read_registry

SETTINGS = (
    "name", "providers", "revenue", "commission_rate", "meeting_cadence", "specialty", "services", "is_estimate",
    "meeting_day", "emails_per_week", "hours_per_week", "high_complexity", "assigned_to", "assigned_level", "npis",
    "column_maps", "changes",
)  # fmt: skip
WRONG = ("true", "-1", "1.5", "nan", '"some text"', "[[1]]", "[{a = 1}]", "{a = 1}", "2026-10-01", "10:00:00")
FOREIGN = ("Input should", "input_value", "pydantic", "valid", "Unexpected keyword", "Extra inputs", "Field required")


def refused(read, error) -> str:
    try:
        read()
    except error as fault:
        return str(fault)
    return ""


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_wrong_setting_is_told_with_its_place_and_in_our_words(tmp_path, setting):
    for value in WRONG:
        (tmp_path / "clients.toml").write_text(f"[clients.acme]\n{setting} = {value}\n")
        text = refused(lambda: read_registry(tmp_path / "clients.toml"), ClientError)
        assert text.startswith("clients.toml has ")
        assert not [word for word in FOREIGN if word in text], text


@pytest.mark.parametrize("key", sorted({item.name for item in fields(Section)} - {"map_name", "name"}))
def test_a_wrong_key_of_a_map_is_told_in_our_words(key):
    for value in WRONG:
        text = refused(lambda: parse_map(f'name = "x"\n[transactions]\n{key} = {value}\n', "x.toml"), SourceError)  # noqa: B023
        assert "x.toml" in text and "[transactions]" in text
        assert not [word for word in FOREIGN if word in text], text


def test_faults_of_every_section_come_at_once(tmp_path):
    (tmp_path / "clients.toml").write_text(
        '[payers.a]\naliases = ["X"]\n[payers.b]\naliases = ["x"]\npayer_class = "none"\n'
        '[clients.acme]\nproviders = 0\nrevenu = "1"\n[[clients.acme.changes]]\nprovider = 2\n'
    )
    text = refused(lambda: read_registry(tmp_path / "clients.toml"), ClientError)
    for told in (
        "payers.b.payer_class is one of medicare",
        "clients.acme.providers is a whole number from 1; found 0",
        "clients.acme.revenu: unknown setting. Closest: revenue",
        "clients.acme: missing name",
        "clients.acme.changes[0].provider: unknown setting. Closest: providers",
        "clients.acme.changes[0].effective is a date such as 2026-10-01",
        "a and b share a name or identifier",
    ):
        assert told in text


def test_a_change_holds_only_what_it_names(tmp_path):
    (tmp_path / "clients.toml").write_text(
        '[clients.acme]\nname = "A"\nproviders = 2\nrevenue = "1.10"\ncommission_rate = "0.05"\n'
        'meeting_cadence = "weekly"\n[[clients.acme.changes]]\neffective = 2026-10-01\nrevenue = "2.20"\n'
    )
    client = read_registry(tmp_path / "clients.toml").client("acme", as_of=dt.date(2026, 10, 1))
    assert (client.revenue_cents, client.providers, client.commission_rate) == (220, 2, 0.05)


@pytest.mark.parametrize(
    ("loc", "written"),
    [
        pytest.param(
            ("clients", "acme", "changes", 0, "npis", 1), "clients.acme.changes[0].npis[1]", id="a list in a list"
        ),
        pytest.param(("rates", " (low, upstate)"), "rates (low, upstate)", id="a place in words"),
        pytest.param((), "", id="the whole file"),
    ],
)
def test_a_place_is_written_as_in_the_file(loc, written):
    assert dotted(loc) == written


def test_what_was_found_is_cut_where_it_is_long():
    assert len(shown("x" * 500)) == 80 and shown(None) == "nothing"


def test_the_package_alone_loads_no_checks():
    code = "import sys, rcm_analysis; print(sorted({'pydantic', 'polars'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
