"""Every command, unit and task of docs/scheduling.md is parsed, and what a shell can run is run."""

from __future__ import annotations

import configparser
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest
import typer

from builders.night_workspace import PERIOD, ROOT, night_workspace
from rcm_analysis.cli.app import app
from rcm_analysis.notebook import open_report
from rcm_analysis.periods import Period
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.workspace import MAIL, open_workspace

PAGE = (ROOT / "docs" / "scheduling.md").read_text()
COMMAND = re.compile(r"(?<![\w./-])(?:/usr/local/bin/)?(rcm (?:doctor|ingest|packets|alerts|run-one|status)[^\n|\"`]*)")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


def parsed(command: str) -> None:
    """Hold a command to what the command line takes; click refuses what it does not know."""
    name, *words = shlex.split(command)[1:]
    found = typer.main.get_command(app).commands[name]
    words = ["1" if word in ("{}", "{line}") else word for word in words]
    found.make_context(name, words)


@pytest.mark.parametrize(
    "command", [one for kind in ("sh", "cron", "ini") for one in COMMAND.findall("\n".join(blocks(kind)))]
)
def test_a_command_is_one_that_the_command_line_takes(command: str) -> None:
    parsed(command)


def test_the_parser_of_this_test_can_refuse() -> None:
    with pytest.raises(Exception, match="No such option"):
        parsed("rcm packets --werkspace /srv/rcm")


def test_the_exit_codes_are_those_of_the_help() -> None:
    told = re.findall(r"^\| (\d+) \|", PAGE, flags=re.MULTILINE)
    words = " ".join(typer.main.get_command(app).commands["packets"].help.split())
    assert told == ["0", "1", "2", "130"] and all(f"{code}: " in words for code in told)


def test_the_settings_of_mail_are_those_that_are_read() -> None:
    (block,) = blocks("toml")
    mail = tomllib.loads(block)["mail"]
    assert set(mail) == set(MAIL) and all(type(value) is MAIL[name] for name, value in mail.items())


def test_the_lines_of_cron() -> None:
    (block,) = blocks("cron")
    lines = [line for line in block.splitlines() if "=" not in line.split()[0]]
    assert len(lines) == 3
    for line in lines:
        *fields, command = line.split(maxsplit=5)
        bounds = zip(fields, (59, 23, 31, 12, 7), strict=True)
        days = [(day, most) for field, most in bounds for day in field.split("-")]
        assert all(day == "*" or 0 <= int(day) <= most for day, most in days), line
        assert "%" not in command, "cron ends a command there"
        assert subprocess.run(["sh", "-n", "-c", command], check=False).returncode == 0


def test_the_units_of_systemd(tmp_path: Path) -> None:
    service, timer = blocks("ini")
    read = configparser.ConfigParser(interpolation=None)
    read.optionxform = str
    read.read_string(service)
    assert read["Service"]["Type"] == "oneshot"
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    service = service.replace("/usr/local/bin/rcm", "/bin/true").replace("User=rcm\n", "")
    (tmp_path / "rcm-packets.service").write_text(service)
    (tmp_path / "rcm-packets.timer").write_text(timer)
    units = [str(tmp_path / f"rcm-packets.{kind}") for kind in ("service", "timer")]
    said = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert "rcm-packets" not in said.stderr, said.stderr
    when = re.search("OnCalendar=(.*)", timer)[1]
    assert subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, check=False).returncode == 0


class Task:
    """A stand-in for a task of Airflow: it is called, expanded and chained, and keeps what it would run."""

    def __init__(self, function, told: list) -> None:
        self.function, self.told = function, told

    def __call__(self):
        return self.expand()

    def expand(self, **given):
        self.told.append((self.function, dict.fromkeys(given, "{line}")))
        return self

    def __rshift__(self, other):
        return other


def test_the_tasks_of_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a stand-in: Airflow itself is no dependency of ours."""
    told: list = []

    def task(function=None, **_):
        return Task(function, told) if function else lambda inner: Task(inner, told)

    task.bash = task
    stand_in = types.ModuleType("airflow.sdk")
    stand_in.dag, stand_in.task = lambda **_: lambda function: function, task
    monkeypatch.setitem(sys.modules, "airflow", types.ModuleType("airflow"))
    monkeypatch.setitem(sys.modules, "airflow.sdk", stand_in)
    (block,) = blocks("python")
    exec(block, {})  # noqa: S102
    names = [function.__name__ for function, _ in told]
    assert sorted(names) == ["collect", "lines", "plan", "run_one"]
    for function, given in told:
        if function.__name__ != "lines":
            parsed(function(**given))


@pytest.mark.slow
def test_what_a_shell_can_run_runs(tmp_path: Path) -> None:
    """The page's own lines, on a workspace that stands where theirs does; all but the cluster's."""
    workspace = night_workspace(tmp_path / "workspace").folder
    (tmp_path / "bin").mkdir()
    month = Period.month(PERIOD)
    shim = tmp_path / "bin" / "rcm"
    code = f"import sys; from rcm_analysis.cli import main, packets; packets.last_month = lambda: {month.label!r}"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}; main(sys.argv[1:])" "$@"\n')
    shim.chmod(0o700)
    environment = os.environ | {"PATH": f"{shim.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    for block in blocks("sh")[:-1]:
        script = block.replace("/srv/rcm", str(workspace)).replace(" --mail\n", "\n")
        ended = subprocess.run(["sh", "-ec", script], env=environment, capture_output=True, text=True, check=False)
        good = (0, 3) if "rcm alerts" in block else (0,)  # 3: there was something to say
        assert ended.returncode in good, ended.stdout + ended.stderr
    assert "10 asked for: 10 done" in ended.stdout or "10 asked for: 10 reused" in ended.stdout
    assert (workspace / "mail" / "summary.txt").read_text().startswith(f"Packets of {month.title}: 3 in place")


BEYOND = (ROOT / "docs" / "beyond.md").read_text()


def test_the_settings_of_an_object_store_are_those_that_are_read(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```", BEYOND, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "rcm.toml").write_text(block)
    workspace = open_workspace(tmp_path)
    assert workspace.place("store") == "s3://bucket/rcm/store" and workspace.place("runs") == "s3://bucket/rcm/runs"
    assert workspace.runs == Path("/var/tmp/rcm/runs") and workspace.store.folder == Path("/var/tmp/rcm/store")


def test_the_examples_of_a_warehouse_name_what_is_there() -> None:
    for code in re.findall(r"^```python\n(.*?)^```", BEYOND, flags=re.MULTILINE | re.DOTALL):
        compile(code, "docs/beyond.md", "exec")
        assert set(re.findall(r'"(transactions|claims|payer_rules)"', code)) <= set(TABLES)
    assert "tables=warehouse" in BEYOND and "tables" in inspect.signature(open_report).parameters
