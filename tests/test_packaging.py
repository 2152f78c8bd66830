"""A wheel holds everything that a checkout runs with: templates, fonts, page styles, maps, code tables."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from rcm_analysis import __version__

ROOT = Path(__file__).parents[1]
JUPYTER = "etc/jupyter/jupyter_server_config.d/rcm_analysis.json"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """A wheel built from this checkout, by the build's own library."""
    builder = pytest.importorskip("hatchling.builders.wheel")
    (path,) = builder.WheelBuilder(str(ROOT)).build(
        directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"]
    )
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    ours = [
        path
        for path in (ROOT / "rcm_analysis").rglob("*")
        if path.is_file() and not path.parent.name.startswith((".", "__"))
    ]
    there = {path.relative_to(ROOT).as_posix() for path in ours}
    folder = ROOT / "templates"
    there |= {f"rcm_analysis/_templates/{path.relative_to(folder)}" for path in folder.rglob("*.ipynb")}
    there.add(f"rcm_analysis-{__version__}.data/data/{JUPYTER}")
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == there


def test_the_wheel_has_the_command_and_the_exporters(wheel):
    (place,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    told = wheel.read(place).decode()
    assert "rcm = rcm_analysis.cli:main" in told and "rcm_html = " in told and "rcm_pdf = " in told


@pytest.mark.slow
def test_every_jupyter_of_the_installation_hides_the_key(wheel, tmp_path):
    """A server as `jupyter lab` starts one, with the wheel's data where pip puts it."""
    pytest.importorskip("jupyterlab")
    wheel.extractall(tmp_path)
    folder = (tmp_path / f"rcm_analysis-{__version__}.data/data/{JUPYTER}").parents[1]
    script = (
        "import asyncio; from jupyterlab.labapp import LabApp;"
        "server = LabApp.initialize_server(['--no-browser', '--port=0', '--ServerApp.allow_root=True']);"
        "print([one['name'] for one in asyncio.run(server.contents_manager.get(''))['content']])"
    )
    (tmp_path / "workspace").mkdir()
    for name in ("pseudonym.key", "clients.toml"):
        (tmp_path / "workspace" / name).touch()
    environment = {"HOME": str(tmp_path), "JUPYTER_CONFIG_PATH": str(folder), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", script]
    told = subprocess.run(command, cwd=tmp_path / "workspace", env=environment, capture_output=True, text=True)
    assert told.stdout.splitlines()[-1:] == ["['clients.toml']"], told.stdout + told.stderr


def test_the_version_is_that_of_the_newest_release_in_the_changelog():
    releases = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert releases[0] == __version__ and len(set(releases)) == len(releases)


# The conda environment ------------------------------------------------------------------------------------------

CONDA_NAMES = {"matplotlib": "matplotlib-base", "duckdb": "python-duckdb", "tomli_w": "tomli-w"}
THROUGH_PIP = {
    "typst", "fastexcel", "oxedi", "page-validation", "playwright", "axe-playwright-python", "manimgx-fonts",
    "noto-cjk-sans-jp-regular", "aiosmtpd", "coloraide", "latex2mathml", "msoffcrypto-tool",
}  # fmt: skip
"""What pip brings into the conda environment, with the package itself."""

NO_PYTHON = {"pip", "make", "poppler", "openjdk"}


def named(requirement: str) -> tuple[str, str]:
    """Name and bounds of a requirement; which extras of it are wanted is another matter."""
    found = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?\s*(.*)", requirement)
    assert found is not None
    return found[1], found[2].replace(" ", "")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def environment() -> list:
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]


def wanted(project: dict) -> dict[str, set[str]]:
    """Every package that the project asks for, but for the oracles' own environment, with its bounds."""
    extras = project["optional-dependencies"]
    lists = [project["dependencies"], *(extras[name] for name in extras if name not in ("all", "oracles"))]
    bounds: dict[str, set[str]] = {}
    for name, bound in (named(requirement) for one in lists for requirement in one):
        bounds.setdefault(name, set()).add(bound)
    return bounds


def test_one_package_has_one_bound_wherever_it_is_asked_for(project):
    assert not {name: bounds for name, bounds in wanted(project).items() if len(bounds) > 1}


def test_the_conda_environment_lists_the_projects_packages_with_the_projects_bounds(project, environment):
    listed = dict(named(one) for one in environment if isinstance(one, str))
    ours = {CONDA_NAMES.get(name, name): min(bounds) for name, bounds in wanted(project).items()}
    unlisted = {name for name in ours if name not in listed}
    assert unlisted == THROUGH_PIP, "list it in environment.yml, or here what only pip brings"
    assert {name: bound for name, bound in listed.items() if name not in NO_PYTHON | {"python"}} == {
        name: bound for name, bound in ours.items() if name not in THROUGH_PIP
    }
    assert listed["python"] == project["requires-python"]
    assert {"pip": ["-e .[all]"]} in environment


# A wheel by itself ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_wheel_outside_the_checkout_makes_a_packet(wheel, tmp_path):
    """Only the package is new in the environment; its libraries are those of this one."""
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    (packages,) = (tmp_path / "env").glob("lib/python*/site-packages")
    wheel.extractall(packages)
    others = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (packages / "libraries.pth").write_text("\n".join(others), encoding="utf-8")
    (tmp_path / "work").mkdir()
    command = [str(tmp_path / "env" / "bin" / "python"), "-m", "rcm_analysis", "demo", "demo", "--client", "dr-suess"]
    done = subprocess.run(command, cwd=tmp_path / "work", env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    (packet,) = (tmp_path / "work" / "demo" / "runs" / "dr-suess").glob("*/packet")
    assert {path.suffix for path in packet.iterdir()} >= {".html", ".pdf", ".xlsx"}
    asked = [command[0], "-c", "import rcm_analysis; print(rcm_analysis.__file__)"]
    where = subprocess.run(asked, cwd=tmp_path / "work", env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert where.stdout.startswith(str(packages))
