"""What every test may ask for."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["builders.fixtures"]

# A red build means a change broke something: the same examples every run, however busy the machine.
# To look for new ones: pytest --hypothesis-profile=explore
settings.register_profile("same", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", derandomize=False, deadline=None, print_blob=True, max_examples=1000)
settings.load_profile("same")

os.environ["RCM_WORK_AHEAD"] = "no"
"""An intake stores and does no more, but where a test asks what it works out ahead."""

os.fsync = os.fstat  # type: ignore[assignment]
"""No test pulls the plug: what a killed process wrote is there without waiting for the disk. The file must be open."""

SAMPLES = Path(__file__).parents[2] / "shared" / "samples"


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real files that none of us wrote; the published project does not carry them."""
    if not SAMPLES.is_dir():
        pytest.skip("the samples folder is not beside this checkout")
    return SAMPLES


ONE_AT_A_TIME = ("browser", "spark")
"""Marks whose tests share a program that does not like company: one worker runs them all (`--dist loadgroup`)."""


LONG = (
    "cli/test_bench.py",
    "notebook/test_in_lab.py",
    "notebook/test_questions.py",
    "notebook/test_results.py",
    "notebook/test_taken_apart.py",
    "press/night/test_object_store.py",
    "press/runs/test_six_packets.py",
)
"""Files whose slow tests take minutes: marked `long` as well, run by `make long`, not with every change."""


SPARK = ("ledger/test_adjudications.py", "measures/test_elsewhere.py")
"""Files whose tests on Spark run with every change; those of the other measures are `long`, as the same measures run on
three other engines with every change."""


TOGETHER = ("faults/test_isolation.py", "press/night/test_seam.py", "test_docs.py")
"""Files whose slow tests share what takes a minute to make: one worker runs them, so that it is made once."""


FIRST = (
    "exhibits/test_totals_add_up.py",
    "faults/test_isolation.py",
    "ledger/test_suppression.py",
    "press/night/test_seam.py",
    "scoreboard/test_scoreboard.py",
    "test_docs.py",
    "test_packaging.py",
    "test_templates.py",
)
"""Files with a slow test of a minute: they are begun first, so that no worker waits in the end for one of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here, first = Path(__file__).parent, []
    for item in items:
        is_slow = item.get_closest_marker("slow") or item.get_closest_marker("browser")
        place = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        if (is_slow and place in LONG) or (item.get_closest_marker("spark") and place not in SPARK):
            item.add_marker(pytest.mark.long)
        if is_slow and place in FIRST:
            first.append(item)
        if is_slow and place in TOGETHER:
            item.add_marker(pytest.mark.xdist_group(place))
        for mark in ONE_AT_A_TIME:
            if item.get_closest_marker(mark):
                item.add_marker(pytest.mark.xdist_group(mark))
    begun = set(first)
    items[:] = first + [item for item in items if item not in begun]


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the collector of garbage need not look at it again."""
    gc.collect()
    gc.freeze()
