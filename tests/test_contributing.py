"""CONTRIBUTING.md is followed to the letter, in a copy of the checkout: files written, commands run, answers read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STEP = re.compile(
    r"^(?:(?P<verb>Create|Append to) `(?P<path>[^`]+)`|(?P<run>Run|Then in Python)):\n\n```\w+\n(?P<block>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
COPIED = ("rcm_analysis", "tests", "templates", "docs", "pyproject.toml", "README.md", "CONTRIBUTING.md")


def steps(chapters: tuple[str, ...]) -> list[re.Match[str]]:
    """What the chapters say to do, in order."""
    parts = re.split(r"^## ", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.MULTILINE)
    found = [step for part in parts if part.startswith(chapters) for step in STEP.finditer(part)]
    assert found
    return found


@pytest.fixture
def copy(tmp_path) -> Path:
    for name in COPIED:
        given = ROOT / name
        if given.is_dir():
            shutil.copytree(given, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(given, tmp_path / name)
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace" / "rcm.toml").touch()
    return tmp_path


def follow(step: re.Match[str], copy: Path) -> str:
    """Do one step as it is written; what it printed."""
    if step["verb"]:
        path = copy / step["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text() if step["verb"] == "Append to" else ""
        path.write_text(f"{before}\n\n{step['block']}" if before else step["block"])
        return ""
    if step["run"] == "Then in Python":
        return run([sys.executable, "-c", step["block"]], copy)
    programs = {"pytest": ["pytest", "-p", "no:cacheprovider"], "rcm": ["rcm_analysis"]}
    lines = [line.split() for line in step["block"].replace("\\\n", "").splitlines()]
    return "".join(run([sys.executable, "-m", *programs[first], *rest], copy) for first, *rest in lines)


def run(command: list[str], copy: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=600)
    findings = command[2:4] == ["rcm_analysis", "ingest"]  # 1: something needs a person
    assert done.returncode in ((0, 1) if findings else (0,)), done.stdout + done.stderr
    return done.stdout


def test_a_measure(copy):
    said = [follow(step, copy) for step in steps(("A measure",))]
    assert "passed" in said[-1] and "failed" not in said[-1]
    assert int(re.search(r"(\d+) passed", said[-1])[1]) > 5  # its example, its test, and what the menu asks of each
    page = "from test_readme import measure_tables; print(measure_tables())"
    found = run([sys.executable, "-c", f"import sys; sys.path.insert(0, 'tests'); {page}"], copy)
    assert "| `takeback_share` | Takebacks as a share of insurance payments | rate | down |" in found


@pytest.mark.slow
def test_a_template(copy):
    shutil.rmtree(copy / "workspace")
    said = [follow(step, copy) for step in steps(("A template",))]
    (page,) = (copy / "workspace" / "runs").rglob("report.html")
    assert "taken_back" in said[-1] and "Taken back by payer" in page.read_text()


def test_a_source_and_a_rule_of_a_payer(copy):
    *_, ingested, answered = [follow(step, copy) for step in steps(("A source", "A payer's rule"))]
    assert re.search(
        r"acme +2 +0 +0 +4 +4 +0 +0", ingested
    )  # files, unchanged, refused, rows in, stored, aside, findings
    assert answered.splitlines() == ["[125000]", "[120, 90]"]


def test_every_file_that_the_guide_names_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for name in re.findall(r"`((?:rcm_analysis|tests|docs|templates)/[\w./]*)`", text):
        made = [step["path"] for step in STEP.finditer(text)]
        assert (ROOT / name).exists() or name in made, name
