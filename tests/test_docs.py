"""The pages of docs/ as a reader follows them: every block has its proof, every command is taken, the site builds."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from builders.bench_workspace import CLIENTS, bench_workspace, last_month
from builders.visit_balances import write_visit_balances
from rcm_analysis import cli
from rcm_analysis.cli.app import app
from rcm_analysis.periods import Period
from rcm_analysis.press.writers.locked import password_of
from rcm_analysis.sources.exports.column_maps import parse_map
from rcm_analysis.tables.clients import read_registry
from rcm_analysis.tables.workspace import open_workspace

ROOT = Path(__file__).parents[1]
PAGES = {
    path.name: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", flags=re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|[`;&|]|\.venv/bin/|uv run )\s*(rcm [a-z][^`\n|;&#]*)", flags=re.MULTILINE)
PROVED = {
    ("README.md", "sh"): "make and the set-up are what .ci/run does; commands below",
    ("README.md", "python"): "run below",
    ("bench.md", "python"): "run below; the tour in tests/cli/test_bench.py",
    ("bench.md", "sh"): "the tour in tests/cli/test_bench.py",
    ("bench.md", ""): "tests/press/warm, which starts its kernels by that variable",
    ("beyond.md", "toml"): "tests/test_scheduling.py",
    ("beyond.md", "python"): "tests/test_scheduling.py",
    ("commands.md", "toml"): "below",
    ("first_packet.md", ""): "what two commands print, below",
    ("reports.md", "toml"): "tests/tables/test_clients.py, and below",
    ("scheduling.md", "*"): "tests/test_scheduling.py",
    ("your_data.md", "toml"): "below",
    ("your_data.md", "sh"): "commands below",
}
"""Page and language of a block -> where what it shows is run or read."""


def blocks(page: str, kind: str) -> list[str]:
    """The blocks of one language, without the indentation of the list that they stand in."""
    found = [(indent, text) for indent, named, text in BLOCK.findall(PAGES[page]) if named == kind]
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def test_every_block_of_every_page_has_its_proof():
    there = {(page, kind) for page, text in PAGES.items() for _, kind, _ in BLOCK.findall(text)}
    assert {one for one in there if one not in PROVED and (one[0], "*") not in PROVED} == set()


def told_commands() -> list[tuple[str, str]]:
    """Every `rcm ...` of every page, in tables, texts and blocks, with what may be left out written out."""
    found = []
    for page, text in PAGES.items():
        for command in COMMAND.findall(text.replace("\\\n", " ").replace("\\|", "or")):
            found.append((page, " ".join(re.sub(r"\[(-- )?|\]|\.\.\.", " ", command.strip()).split())))
    return sorted(set(found))


@pytest.mark.parametrize(("page", "told"), told_commands(), ids=lambda one: one[:40])
def test_every_command_has_the_options_that_are_told(page, told):
    """Held to the command line itself: names of commands, of options, and options that take no value."""
    try:
        words = shlex.split(told)[1:]
    except ValueError:
        words = told.split()[1:]
    found = typer.main.get_command(app)
    while words and hasattr(found, "commands"):
        assert words[0] in found.commands, f"{page}: rcm has no {words[0]}"
        found, words = found.commands[words[0]], words[1:]
    known = {name for one in found.params for name in (*one.opts, *one.secondary_opts)} | {"--help", "--"}
    asked = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert asked <= known, f"{page}: {told}"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return bench_workspace(tmp_path_factory.mktemp("docs"))


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "bench.md"])
def test_what_a_page_shows_in_python_runs(workspace, page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    month = last_month(workspace)
    here = {"runs/demo": str(workspace.folder), "chicago-med": CLIENTS[0], "Chicago Med": CLIENTS[0], "2026-10": month}
    here["2026-07"] = Period.month(month).shift(-3).label
    there: dict = {}
    for block in blocks(page, "python"):
        lines = "\n".join(line for line in block.splitlines() if "<TAB>" not in line)
        for told, ours in here.items():
            lines = lines.replace(f'"{told}"', f'"{ours}"')
        exec(compile(ast.parse(lines), page, "exec"), there)  # noqa: S102


def test_the_registry_and_the_maps_of_the_pages_are_read(tmp_path):
    registry, *maps = blocks("your_data.md", "toml")
    (tmp_path / "clients.toml").write_text(registry)
    assert read_registry(tmp_path / "clients.toml").client("acme-ortho").name == "Acme Orthopedics"
    whole, *parts = maps
    read = parse_map(whole, "your_data.md")
    assert [section.table.name for section in read.sections] == ["transactions"]
    for part in parts:
        is_further = "[transactions." in part  # it goes on with the sections of the first
        told = whole.replace('party = ["Resp"]\n', "") + part if is_further else f'name = "told"\n{part}'
        assert parse_map(told, "your_data.md").sections
    (costs,) = blocks("commands.md", "toml")
    assert parse_map(costs if costs.startswith("name") else f'name = "told"\n{costs}', "commands.md").sections


def test_the_settings_of_the_page_of_reports_are_read(tmp_path, monkeypatch):
    _, passwords, limits = blocks("reports.md", "toml")
    file = tmp_path / "passwords.toml"
    file.write_text(passwords)
    file.chmod(0o600)
    monkeypatch.setenv("RCM_PACKET_PASSWORDS", str(file))
    assert password_of("acme-ortho") == "a password of its own"
    (tmp_path / "rcm.toml").write_text(limits)
    assert open_workspace(tmp_path).limits == tomllib.loads(limits)["limits"]


@pytest.mark.slow
def test_the_walk_from_an_unknown_export_says_what_its_page_says(tmp_path, monkeypatch, capsys):
    """docs/first_packet.md, step 2, to the cent: the question, then everything that is printed once it is answered."""
    question, printed = blocks("first_packet.md", "")
    office = tmp_path / "office"
    office.mkdir()
    for name in ("rcm.toml", "clients.toml"):
        (office / name).touch()
    write_visit_balances(tmp_path / "Visit Balances Oct 2026.csv")
    monkeypatch.chdir(office)
    command = ["map", "../Visit Balances Oct 2026.csv", "--name", "visits"]
    assert f"`rcm {shlex.join(command).replace(chr(39), chr(34))}`" in PAGES["first_packet.md"]
    said = []
    for answer, code in ([], 2), (["-a", "column.patient=Chart #"], 1):  # 1: the total line was set aside
        with pytest.raises(SystemExit) as end:
            cli.main([*command, *answer])
        assert end.value.code == code
        out = capsys.readouterr()
        said.append(" ".join(f"{out.out} {out.err}".split()))
    assert " ".join(question.split()) in said[0]
    for line in printed.splitlines():
        assert " ".join(line.replace("Written: office/", "").split()) in said[1], line


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.html")}
    assert {"index.html", "kpis.html", "gallery.html", "worked.html", "api/measures_denials.html"} <= pages
    assert "Days in AR" in (tmp_path / "site" / "kpis.html").read_text()
    figures = list((tmp_path / "site" / "figures").glob("*.svg"))
    assert len(figures) > 10 and all("<svg" in path.read_text() for path in figures)
    asked = re.findall(r'(?:src|href)="(https?:[^"]*)', (tmp_path / "site" / "index.html").read_text())
    assert not [address for address in asked if address.endswith((".js", ".css", ".woff2"))], (
        "it works without a network"
    )
    shutil.rmtree(tmp_path / "site")
