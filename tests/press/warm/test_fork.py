"""Forked notebooks: alone with their data, and with the same promises as a kernel of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
import pytest

from rcm_analysis.press.runs import kernels, manifest
from rcm_analysis.press.runs.run import RunRequest, run
from rcm_analysis.press.warm import client

pytestmark = pytest.mark.skipif(not client.possible(), reason="nothing is forked here")


def notebook(*cells: str) -> nbformat.NotebookNode:
    parameters = nbformat.v4.new_code_cell("x: object = 1", metadata={"tags": ["parameters"]})
    return nbformat.v4.new_notebook(cells=[parameters, *map(nbformat.v4.new_code_cell, cells)])


def printed(executed: kernels.Executed) -> str:
    assert executed.stopped is None, executed.stopped
    outputs = [output for cell in executed.notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def server() -> client.ForkServer:
    found = client.fork_server(dict(os.environ))
    assert found is not None
    return found


SPOIL = """
import builtins, gc, json, os, random, sys
import matplotlib as mpl, numpy as np, pandas as pd, seaborn as sns
leak = "mine"
builtins.leak = json.leak = "mine"
os.environ["LEAK"] = "mine"
sys.modules["leak"] = json
sys.path.append("/leak")
os.chdir("/")
os.umask(0)
gc.disable()
pd.set_option("display.max_rows", 3)
pd.read_parquet = pd.DataFrame.sum = lambda *_: "mine"
mpl.rcParams["lines.linewidth"] = 77
sns.set_theme(style="dark", palette="rocket")
random.seed(1)
np.random.seed(1)
import rcm_analysis.exhibits.formats as formats
formats.leak = "mine"
"""
PROBE = """
import builtins, gc, json, os, random, sys
import matplotlib as mpl, numpy as np, pandas as pd
import rcm_analysis.exhibits.formats as formats
print(
    "leak" in globals(), hasattr(builtins, "leak"), hasattr(json, "leak"), "LEAK" in os.environ, "leak" in sys.modules,
    "/leak" in sys.path, os.getcwd(), os.umask(0o22), gc.isenabled(), pd.get_option("display.max_rows"),
    pd.read_parquet.__name__, pd.DataFrame.sum.__name__, mpl.rcParams["lines.linewidth"],
    mpl.rcParams["axes.facecolor"], str(mpl.rcParams["axes.prop_cycle"])[:40], hasattr(formats, "leak"),
)
"""


def test_a_notebook_sees_nothing_of_the_one_before(tmp_path: Path) -> None:
    settings = kernels.Settings(folder=tmp_path)
    before = printed(kernels.execute(notebook(PROBE), {}, settings, engine="fork"))
    printed(kernels.execute(notebook(SPOIL), {}, settings, engine="fork"))
    assert printed(kernels.execute(notebook(PROBE), {}, settings, engine="fork")) == before
    assert printed(kernels.execute(notebook(PROBE), {}, settings, engine="papermill")) == before


def test_every_notebook_has_chance_of_its_own() -> None:
    draw = "import random, uuid, tempfile\nimport numpy as np\nprint(random.random(), np.random.rand(), uuid.uuid4())"
    drawn = [printed(kernels.execute(notebook(draw), {}, engine="fork")).split() for _ in range(3)]
    assert all(len(set(values)) == 3 for values in zip(*drawn, strict=True))


def test_every_notebook_has_the_threads_it_is_given() -> None:
    for threads in (1, 3):
        cell = "import os, polars as pl\nprint(pl.thread_pool_size(), os.environ['OMP_NUM_THREADS'])"
        executed = kernels.execute(notebook(cell), {}, kernels.Settings(threads=threads), engine="fork")
        assert printed(executed) == f"{threads} {threads}\n"


def test_what_is_left_open_is_written_and_what_is_to_be_done_at_the_end_is_done(tmp_path: Path) -> None:
    cell = (
        "import atexit\nfrom pathlib import Path\nheld = open('open.txt', 'w')\nheld.write('whole')\n"
        "atexit.register(lambda: Path('end.txt').write_text('done'))"
    )
    printed(kernels.execute(notebook(cell), {}, kernels.Settings(folder=tmp_path), engine="fork"))
    assert [(tmp_path / name).read_text() for name in ("open.txt", "end.txt")] == ["whole", "done"]


def test_programs_that_write_past_python_are_heard() -> None:
    cell = "import os, subprocess\nos.write(1, b'one\\n')\nsubprocess.run(['sh', '-c', 'echo two; echo three >&2'])"
    executed = kernels.execute(notebook(cell), {}, engine="fork")
    outputs = [(output.name, output.text) for output in executed.notebook.cells[-1].outputs if "name" in output]
    assert outputs == [("stdout", "one\ntwo\n"), ("stderr", "three\n")]


TOKEN = "".join(("Jane", "-Doe-", "84093571"))
"""Written in parts, so that this file's own text is not found in anybody's memory."""


def test_no_data_of_a_client_stay_in_the_servers_memory() -> None:
    client.close()  # so that the first of these notebooks starts one
    for _ in range(2):
        cell = f"import os\nprint({TOKEN!r}[:4], x[:4], os.environ['PATIENT'][:4])"
        settings = kernels.Settings(environment={"PATIENT": TOKEN})
        assert printed(kernels.execute(notebook(cell), {"x": TOKEN}, settings, engine="fork")) == "Jane Jane Jane\n"
    pid = server().process.pid
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    searched = found = 0
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            if "w" not in line.split()[1]:
                continue
            try:
                memory.seek(start)
                part = memory.read(end - start) or b""
            except (OSError, ValueError, OverflowError):
                continue
            searched += len(part)
            found += part.count(TOKEN.encode())
    assert searched > 10 << 20 and found == 0


USED = """
import polars as pl
pl.DataFrame({"a": [1, 1, 2]}).lazy().group_by("a").len().collect()
---
pl.DataFrame({"a": [1]}).write_parquet("p")
pl.scan_parquet("p").collect()
---
import pandas as pd
pd.DataFrame({"a": [1]}).to_parquet("q")
pd.read_parquet("q")
---
import pyarrow, pyarrow.dataset, pyarrow.parquet
pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), "r")
pyarrow.dataset.dataset("r").to_table()
---
import importlib.util
if importlib.util.find_spec("duckdb"):
    import duckdb
    duckdb.sql("select 1").fetchall()
---
import numpy as np
np.linalg.svd(np.ones((400, 400)))
---
from scipy.optimize import linprog
linprog([1], bounds=[(0, 1)])
---
import seaborn as sns
sns.barplot(x=["a"], y=[1])
---
from multiprocessing import get_context
get_context("fork").Pool(2).map(print, ["printed in another process"])
---
import logging
logging.basicConfig()
logging.warning("x")
---
import datetime as dt
from rcm_analysis import measures
from rcm_analysis.examples.ledger import example_ledger
measures.aging(example_ledger(), as_of=dt.date(2026, 1, 31))
---
print("through")
"""
"""The hang table: each of these has hung in a child of a process that had used it (polars, DuckDB, OpenMP)."""


def test_nothing_that_reports_use_hangs_after_the_fork(tmp_path: Path) -> None:
    settings = kernels.Settings(folder=tmp_path, cell_seconds=60)
    executed = kernels.execute(notebook(*USED.split("---\n")), {}, settings, engine="fork")
    assert printed(executed).endswith("through\n") and "printed in another process\n" in printed(executed)


FORBIDDEN = """
import sys, threading, time
from rcm_analysis.press.warm import server
{}
print(server.what_forbids_forking())
"""


@pytest.mark.parametrize(
    ("done", "said"),
    [
        pytest.param("threading.Thread(target=time.sleep, args=(9,), daemon=True).start()", "thread", id="a thread"),
        pytest.param("import polars; polars.DataFrame({'a': [1]}).lazy().collect()", "polars-0", id="Polars used"),
        pytest.param("held = open(server.__file__)", "open file", id="an open file"),
        pytest.param(
            "import matplotlib_inline.backend_inline", "matplotlib_inline", id="inline figures without a shell"
        ),
    ],
)
def test_what_would_hang_or_spoil_children_is_refused(done: str, said: str) -> None:
    quiet = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
    for code, expected in ((done, said), ("import polars, rcm_analysis.notebook", "[]")):
        told = subprocess.run(
            [sys.executable, "-c", FORBIDDEN.format(code)], capture_output=True, text=True, env=os.environ | quiet
        )
        assert expected in told.stdout, told.stderr


def test_a_server_that_is_killed_costs_one_report(request_for: Callable[..., RunRequest]) -> None:
    first = server()
    cell = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(30)"
    executed = kernels.execute(notebook(cell), {}, engine="fork")
    assert executed.stopped is not None and executed.stopped.error == "DeadKernelError"
    assert executed.stopped.line == "The notebook's process died (killed, or out of memory)."
    assert run(request_for(), engine="fork").good
    assert server().process.pid != first.process.pid and first.process.wait(5) == -signal.SIGKILL


def test_a_server_that_died_between_reports_is_started_again() -> None:
    server().process.kill()
    executed = kernels.execute(notebook("print('again')"), {}, engine="fork")
    assert printed(executed) == "again\n" and executed.usage["cpu_seconds"] > 0


OWNER = """
import sys
from pathlib import Path
import nbformat
from rcm_analysis.press.runs import kernels
from rcm_analysis.press.warm import client
cell = "import os, subprocess, time\\nfrom pathlib import Path\\nkid = subprocess.Popen(['sleep', '60'])\\n"
cell += "Path('pids').write_text(f'{os.getpid()} {os.getppid()} {kid.pid}')\\ntime.sleep(60)"
made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
kernels.execute(made, {}, kernels.Settings(folder=Path(sys.argv[1])), engine="fork")
"""


def test_an_owner_that_is_killed_leaves_no_orphans(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)])
    pids = [int(pid) for pid in waited(tmp_path / "pids").split()]
    assert len(pids) == 3 and all(psutil.pid_exists(pid) for pid in pids)
    owner.kill()
    owner.wait()
    assert gone(pids), "an orphan of a killed owner"


BATCH = """
import sys
from pathlib import Path
from rcm_analysis.press.runs.batch import run_batch
from rcm_analysis.press.runs.run import RunRequest
run_batch([RunRequest("slow", "a", "2026-10", Path("runs"), templates=Path("templates"))])
"""


def test_a_batch_that_is_killed_leaves_no_orphans_and_nothing_half_made(tmp_path: Path) -> None:
    cells = [
        nbformat.v4.new_code_cell('client: str = ""', metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(
            "import os, psutil, time\nfrom pathlib import Path\nhere = psutil.Process()\n"
            "Path('pids').write_text(' '.join(str(one.pid) for one in [here, *here.parents()[:2]]))\ntime.sleep(60)"
        ),
    ]
    (tmp_path / "templates").mkdir()
    slow = nbformat.v4.new_notebook(cells=cells, metadata={"rcm": {"title": "Slow"}})
    nbformat.write(slow, tmp_path / "templates" / "slow.ipynb")
    parent = subprocess.Popen([sys.executable, "-c", BATCH], cwd=tmp_path)
    pids = [int(pid) for pid in waited(tmp_path / "pids").split()]
    parent.kill()
    parent.wait()
    assert gone(pids), "the notebook, its fork server or its worker outlived the batch"
    assert not list((tmp_path / "runs").rglob("*slow*"))


def waited(path: Path, seconds: float = 120) -> str:
    end = time.monotonic() + seconds
    while not (path.exists() and path.read_text().count(" ") >= 2) and time.monotonic() < end:
        time.sleep(0.1)
    return path.read_text()


def gone(pids: list[int]) -> bool:
    """Whether they all end within some seconds; one that waits to be buried by init counts as gone."""
    end = time.monotonic() + 15
    while time.monotonic() < end:
        left = [pid for pid in pids if psutil.pid_exists(pid)]
        if all(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE for pid in left):
            return True
        time.sleep(0.1)
    return False


def test_a_report_is_the_same_whether_its_kernel_was_forked_or_started(
    request_for: Callable[..., RunRequest], tmp_path: Path
) -> None:
    made = {engine: run(request_for(runs=tmp_path / engine), engine=engine).folder for engine in ("fork", "papermill")}
    for name in ("notebook.ipynb", "report.html", "report.pdf", "workbook.xlsx"):
        assert (made["fork"] / name).read_bytes() == (made["papermill"] / name).read_bytes(), name
    assert manifest.read(made["fork"])["usage"]["peak_kb"] > 0


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda patch: patch.setattr(client, "possible", lambda: False), id="where nothing can be forked"),
        pytest.param(lambda patch: patch.setenv("PYTHONUTF8", "0"), id="with another start of Python"),
        pytest.param(lambda patch: patch.setenv("MPLBACKEND", "agg"), id="with another way to draw"),
    ],
)
def test_an_ordinary_kernel_takes_over(change: Callable[[pytest.MonkeyPatch], None], monkeypatch) -> None:
    server()
    change(monkeypatch)
    executed = kernels.execute(notebook("import os\nprint(os.environ.get('MPLBACKEND'))"), {}, engine="fork")
    assert executed.usage == {} and re.search("agg|inline", printed(executed))


def test_a_server_that_refuses_is_asked_again_without_what_templates_import(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    class Refusing:
        starts_with = client.read_at_start(os.environ)
        stamp = client.software_stamp()
        process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)

        def __init__(self, environment: object, imports: tuple[str, ...], *, alone: bool) -> None:
            self.imports = imports
            tried.append(imports)

        def fork(self, mode: str, **_: object) -> None:
            raise client.Refused("thread x")

        def close(self) -> None:
            pass

    monkeypatch.setattr(client, "ForkServer", Refusing)
    monkeypatch.setattr(client, "_server", None)
    monkeypatch.setattr(client, "_refused", set())
    assert client.fork("notebook", os.environ, ("threads_at_import",)) is None
    assert tried == [("threads_at_import",), ()]
    assert client.fork("notebook", os.environ, ("threads_at_import",)) is None and len(tried) == 2
    Refusing.process.kill()


def test_a_server_is_replaced_when_the_software_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = server().process.pid
    monkeypatch.setattr(client, "software_stamp", lambda: (1.0,))
    assert server().process.pid != before
    monkeypatch.undo()
    client.close()
