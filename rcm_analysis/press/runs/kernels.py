"""Executing a notebook: one process per notebook, forked from one that has imported everything or started anew.

papermill executes, through an engine of ours: the kernel is always this interpreter, with its own environment and
working folder, and every way of stopping (error, limit passed, killed) ends as one `Stopped` with the notebook as far
as it got. An engine registers itself in `ENGINES` and keeps these promises; the notebook that comes back is the same.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ... import errors
from ...blocks.plain import ended_well
from ...errors import RunError, listed
from ...tables.disk import temporary_prefix
from ..notebook_files import nbformat
from ..warm import client
from .settings import Settings as Settings
from .watch import NAMES as LIMITS

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "POLARS_MAX_THREADS",
)
SAFE_ERRORS = frozenset(
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.RcmError)
)


@dataclass(frozen=True)
class Stopped:
    """Where and why a notebook stopped. `line` never carries a value from the data."""

    cell: int | None
    error: str
    line: str


@dataclass(frozen=True)
class Executed:
    """A notebook after execution; `stopped` is None when it ran to its end."""

    notebook: nbformat.NotebookNode
    stopped: Stopped | None
    usage: Mapping[str, float] = field(default_factory=dict)
    """What its process used, where that is known: `cpu_seconds`, `peak_kb`."""


Engine = Callable[[nbformat.NotebookNode, Mapping[str, Any], Settings], Executed]


def execute(
    notebook: nbformat.NotebookNode,
    parameters: Mapping[str, Any],
    settings: Settings | None = None,
    *,
    engine: str = "fork",
) -> Executed:
    """Run the notebook in a process of its own, with `parameters` injected after its parameters cell.

    The notebook that comes back holds no times and no paths of this machine: run twice on the same data,
    it is the same file.
    """
    if engine not in ENGINES:
        raise RunError(f"There is no engine {engine!r}. Known: {listed(ENGINES)}.")
    executed = ENGINES[engine](notebook, parameters, settings or Settings())
    stopped = executed.stopped or first_error(executed.notebook)
    return Executed(without_traces(executed.notebook), stopped, executed.usage)


def kernel_environment(settings: Settings, private: Path) -> dict[str, str]:
    """The environment of one kernel: this process's, with a set seed, limited threads and no user profile."""
    environment = dict(os.environ)
    environment.update(PYTHONHASHSEED="0", IPYTHONDIR=str(private), RCM_REPORT="1", PYDEVD_DISABLE_FILE_VALIDATION="1")
    if settings.threads:
        environment.update(dict.fromkeys(THREAD_VARIABLES, str(settings.threads)))
    environment.update(settings.environment)
    return environment


def without_traces(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without start times, durations, paths, random cell ids, and the moments at which prints arrived."""
    traces = {"start_time", "end_time", "duration", "input_path", "output_path", "environment_variables"}
    for name in traces:
        notebook.metadata.get("papermill", {}).pop(name, None)
    for number, cell in enumerate(notebook.cells):
        cell.metadata.pop("execution", None)
        for name in traces:
            cell.metadata.get("papermill", {}).pop(name, None)
        if "injected-parameters" in cell.metadata.get("tags", []) or not cell.get("id"):
            cell["id"] = f"press-{number}"
        if cell.cell_type == "code":
            cell.outputs = in_one_piece(cell.outputs)
    return notebook


def in_one_piece(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Prints to one stream with nothing between them are one output, however they came in.

    >>> parts = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in ("a", "b")]
    >>> [output.text for output in in_one_piece(parts)]
    ['ab']
    """
    kept: list[nbformat.NotebookNode] = []
    for output in outputs:
        if kept and output.output_type == "stream" and kept[-1].get("name") == output.name:
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def first_error(notebook: nbformat.NotebookNode) -> Stopped | None:
    """The first cell that ended in an error, counted as Jupyter counts them: In [1], In [2], …

    An error that the executor lets pass counts too: no report is made of it. `sys.exit(0)` is none, as in papermill:
    the notebook ended itself, and its report says where.
    """
    number = 0
    for cell in notebook.cells:
        number += cell.cell_type == "code" and bool(cell.source.strip())
        for output in cell.get("outputs", []):
            if output.output_type == "error" and not ended_well(output):
                return stopped_at(number, output.get("ename", ""), output.get("evalue", ""))
    return None


def stopped_at(cell: int | None, error: str, message: str) -> Stopped:
    """The error of a cell as one line: our own messages are safe to show, of others only the type is.

    >>> stopped_at(4, "KeyError", "'Jane Doe'").line
    'KeyError (its message stays in the notebook, as it may hold data).'
    >>> stopped_at(4, "TableError", "claims: 3 empty of 10 rows.").line
    'TableError: claims: 3 empty of 10 rows.'
    >>> stopped_at(4, "ParameterError", "mine.toml: 2 cannot be used.\\n- start: ...\\n- rate: ...").line
    'ParameterError: mine.toml: 2 cannot be used. - start: ... - rate: ...'
    """
    if error in SAFE_ERRORS:
        return Stopped(cell, error, f"{error}: {' '.join(message.split())}".rstrip(": "))
    if error in ("DeadKernelError", "StartError", *LIMITS):
        return Stopped(cell, error, message)
    return Stopped(cell, error, f"{error} (its message stays in the notebook, as it may hold data).")


def with_papermill(
    notebook: nbformat.NotebookNode, parameters: Mapping[str, Any], settings: Settings, *, forked: bool = False
) -> Executed:
    """papermill, with a kernel started for this notebook or, where that is possible, forked for it."""
    private = Path(tempfile.mkdtemp(prefix=temporary_prefix("kernel")))
    environment = kernel_environment(settings, private)
    if forked:
        client.fork_server(
            environment, settings.imports, alone=settings.alone
        )  # it imports what kernels need while this process does
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from . import papermill_engine

    source, output = private / "in.ipynb", private / "out.ipynb"
    nbformat.write(notebook, source)
    stopped = child = None
    try:
        job = {"folder": str(settings.folder or Path.cwd()), "output_bytes": settings.output_mb << 20}
        child = client.fork("notebook", environment, settings.imports, **job) if forked else None
        papermill.execute_notebook(
            str(source), str(output), dict(parameters), engine_name=papermill_engine.NAME, kernel_name="python3",
            language="python", progress_bar=False, request_save_on_cell_execute=False, autosave_cell_every=0,
            settings=settings, private=private, environment=environment, child=child,
        )  # fmt: skip
    except PapermillExecutionError as error:
        stopped = stopped_at(None, error.ename, error.evalue)
    except papermill_engine.KernelStartError as error:
        return Executed(notebook, stopped_at(None, "StartError", str(error)))
    except BaseException:
        if child:
            child.kill()
        raise
    finally:
        if child:
            child.close()
        result = nbformat.read(output, as_version=4) if output.is_file() else notebook
        shutil.rmtree(private, ignore_errors=True)
    return Executed(result, first_error(result) or stopped, child.usage if child else {})


ENGINES: dict[str, Engine] = {"fork": partial(with_papermill, forked=True), "papermill": with_papermill}
