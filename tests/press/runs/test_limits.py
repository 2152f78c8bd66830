"""What a notebook may use, in a forked process and in a kernel of its own: each limit ends in one line."""

from __future__ import annotations

import re
import time
from pathlib import Path

import nbformat
import pytest

from rcm_analysis.errors import RcmError
from rcm_analysis.press.runs import kernels, watch
from rcm_analysis.tables.workspace import open_workspace

HANG = "import time\ndef wait_for_ever():\n    time.sleep(60)\nwait_for_ever()"
DEAF = "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except KeyboardInterrupt:\n        pass"
GREEDY = "import time\nheld = []\nwhile True:\n    held.append(bytearray(20 << 20))\n    time.sleep(0.05)"
CHILD = (
    "import subprocess, sys\nkid = 'import time\\nheld = bytearray(600 << 20)\\ntime.sleep(60)'\n"
    "subprocess.run([sys.executable, '-c', kid])"
)
LOUD = "while True:\n    print('x' * 1000)"
SHOWY = "from IPython.display import HTML\nwhile True:\n    display(HTML('x' * 100_000))"
PIPED = "import subprocess\nsubprocess.run('head -c 9000000 /dev/zero | tr \\\\0 y; sleep 60', shell=True)"
STUBBORN = "while True:\n    try:\n        print('x' * 1000)\n    except KeyboardInterrupt:\n        pass"


def small(*cells: str) -> nbformat.NotebookNode:
    parameters = nbformat.v4.new_code_cell("x: int = 1", metadata={"tags": ["parameters"]})
    return nbformat.v4.new_notebook(cells=[parameters, *map(nbformat.v4.new_code_cell, cells)])


@pytest.mark.parametrize("engine", kernels.ENGINES)
@pytest.mark.parametrize(
    ("cell", "limits", "error", "line"),
    [
        pytest.param(
            HANG, {"cell_seconds": 1}, "CellTimeoutError",
            "The cell did not finish within 1 seconds. Its limit is cell_seconds under [limits] in rcm.toml.",
            id="a cell that hangs",
        ),
        pytest.param(
            HANG, {"notebook_seconds": 2}, "NotebookTimeoutError",
            "The notebook did not finish within 2 seconds. Its limit is notebook_seconds under [limits] in rcm.toml.",
            id="a notebook that takes too long",
        ),
        pytest.param(DEAF, {"cell_seconds": 1}, "CellTimeoutError", "The cell did", id="a cell that will not stop"),
        pytest.param(
            GREEDY, {"memory_mb": 500}, "MemoryLimitError",
            "The notebook used more than 500 MB of memory. Its limit is memory_mb under [limits] in rcm.toml.",
            id="memory",
        ),
        pytest.param(CHILD, {"memory_mb": 500}, "MemoryLimitError", "The notebook used", id="memory of its children"),
        pytest.param(
            LOUD, {"output_mb": 1}, "OutputLimitError",
            "The notebook wrote more than 1 MB of output. Its limit is output_mb under [limits] in rcm.toml.",
            id="prints",
        ),
        pytest.param(SHOWY, {"output_mb": 1}, "OutputLimitError", "The notebook wrote", id="displays"),
        pytest.param(PIPED, {"output_mb": 1}, "OutputLimitError", "The notebook wrote", id="a program that prints"),
        pytest.param(STUBBORN, {"output_mb": 1}, "OutputLimitError", "The notebook wrote", id="prints on and on"),
    ],
)  # fmt: skip
def test_a_limit_that_is_passed_is_one_line_and_the_notebook_as_far_as_it_got(
    engine: str, cell: str, limits: dict, error: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "GRACE_SECONDS", 1.0)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # ipykernel would leave what programs write to pytest
    started = time.monotonic()
    executed = kernels.execute(small("print('so far')", cell, "2"), {"x": 3}, kernels.Settings(**limits), engine=engine)
    assert time.monotonic() - started < 40
    assert executed.stopped is not None
    assert (executed.stopped.error, executed.stopped.cell) == (error, 4)
    assert executed.stopped.line.startswith(line) and "\n" not in executed.stopped.line
    assert executed.notebook.cells[-1].get("outputs", []) == []
    assert "so far" in str(executed.notebook)
    assert len(nbformat.writes(executed.notebook)) < (4 << 20)


@pytest.mark.parametrize("engine", kernels.ENGINES)
def test_a_cell_that_hangs_shows_where(engine: str) -> None:
    executed = kernels.execute(small(HANG), {}, kernels.Settings(cell_seconds=1), engine=engine)
    shown = [output for cell in executed.notebook.cells for output in cell.get("outputs", [])]
    assert [output.ename for output in shown] == ["CellTimeoutError"]
    assert "wait_for_ever" in "".join(shown[0].traceback)


@pytest.mark.parametrize("engine", kernels.ENGINES)
def test_what_stays_within_its_limits_is_not_disturbed(engine: str) -> None:
    limits = kernels.Settings(cell_seconds=30, notebook_seconds=60, memory_mb=4000, output_mb=1)
    executed = kernels.execute(
        small("print('x' * 900_000)", "held = bytearray(50 << 20)\n1"), {}, limits, engine=engine
    )
    assert executed.stopped is None


def test_limits_stand_in_the_workspaces_settings(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reports.md").read_text()
    (tmp_path / "rcm.toml").write_text(re.search(r"```toml\n(\[limits\].*?)```", page, re.DOTALL)[1])
    assert kernels.Settings(**open_workspace(tmp_path).limits) == kernels.Settings()
    (tmp_path / "rcm.toml").write_text("[limits]\nmemory_mb = 500\n")
    assert kernels.Settings(**open_workspace(tmp_path).limits) == kernels.Settings(memory_mb=500)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("memroy_mb = 1", "unknown setting memroy_mb.*Closest: memory_mb", id="a limit that is none"),
        pytest.param('cell_seconds = "1 h"', "cell_seconds must be a whole number above 0", id="a text"),
        pytest.param("output_mb = 0", "output_mb must be a whole number above 0", id="nothing at all"),
        pytest.param("output_mb = true", "output_mb must be a whole number above 0", id="a flag"),
    ],
)
def test_a_limit_that_cannot_be_one_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "rcm.toml").write_text(f"[limits]\n{text}\n")
    with pytest.raises(RcmError, match=said):
        open_workspace(tmp_path)
