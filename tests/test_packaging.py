"""A wheel holds everything that a checkout runs with: templates, fonts, page styles, maps, code tables."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from rcm_analysis import __version__

ROOT = Path(__file__).parents[1]


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
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == there


def test_the_wheel_has_the_command_and_the_exporters(wheel):
    (place,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    told = wheel.read(place).decode()
    assert "rcm = rcm_analysis.cli:main" in told and "rcm_html = " in told and "rcm_pdf = " in told


def test_the_version_is_that_of_the_newest_release_in_the_changelog():
    releases = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert releases[0] == __version__ and len(set(releases)) == len(releases)
