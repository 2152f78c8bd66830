"""papermill's engine for the press: this interpreter, forked where that is possible, under limits, no fixed saves."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from traitlets import Any as AnyTrait

from ..notebook_files import nbformat
from ..warm import client, wire
from .settings import Settings
from .watch import Verdict, Watch

NAME = "rcm"
LOG = logging.getLogger("rcm_analysis.press")
LOG.addHandler(logging.NullHandler())
LONGEST_SOCKET_PATH = 100


class KernelStartError(Exception):
    """No kernel came up; the message says what to do."""


class PressKernelManager(AsyncKernelManager):
    """A kernel of this interpreter, whatever a kernelspec called python3 may point to."""

    @property
    def kernel_spec(self) -> KernelSpec:
        if self._kernel_spec is None:
            self._kernel_spec = KernelSpec(**get_kernel_dict())
        return self._kernel_spec


def sockets_in_folders() -> bool:
    """Whether kernels can be reached through a private folder rather than open TCP ports."""
    return sys.platform != "win32"


def kernel_manager(private: Path) -> PressKernelManager:
    """A manager whose connection file, and sockets where possible, lie in the private folder."""
    connection = {"connection_file": str(private / "kernel.json")}
    if sockets_in_folders() and len(str(private)) <= LONGEST_SOCKET_PATH:
        connection.update(transport="ipc", ip=str(private / "s"))
    return PressKernelManager(kernel_name="python3", **connection)


class PressClient(PapermillNotebookClient):
    """Runs the cells of a notebook in a kernel, under a watch."""

    watch = AnyTrait()

    def execute_cell(self, cell: Any, cell_index: int, **more: Any) -> Any:
        if self.watch.verdict:
            raise DeadKernelError("The kernel was given up.")
        with self.watch.cell():
            return self._execute_cell(cell, cell_index, **more)

    def _execute_cell(self, cell: Any, cell_index: int, **more: Any) -> Any:
        return super().execute_cell(cell, cell_index, **more)

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] not in ("status", "error") and not self.watch.said(len(json.dumps(msg["content"]))):
            return None
        return super().process_message(msg, cell, cell_index)


class ForkedClient(PressClient):
    """Runs the cells of a notebook in a forked process, without sockets of Jupyter's."""

    child = AnyTrait()

    def execute(self) -> Any:
        self.reset_execution_trackers()
        # What an Output widget sends back to its kernel, where nobody waits for it.
        deaf = SimpleNamespace(send=lambda *_: None)
        self.kc = SimpleNamespace(session=SimpleNamespace(msg=lambda *_, **__: None), shell_channel=deaf)
        said = self.child.receive()
        if said is None:
            raise RuntimeError("the forked process died before its first cell")
        self.child.job.settimeout(None)
        self.papermill_execute_cells()
        self.nb.metadata["language_info"] = said["language_info"]
        self.set_widgets_metadata()
        return self.nb

    def _execute_cell(self, cell: Any, cell_index: int, **_: Any) -> Any:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or not cell.source.strip() or self.skip_cells_with_tag in tags:
            return cell
        cell.outputs = []
        self.clear_before_next_output = False
        self.code_cells_executed += 1
        reply = self._ask(cell)
        cell["execution_count"] = reply["execution_count"]
        header = {"msg_id": f"cell-{self.code_cells_executed}"}
        for message in reply["messages"]:
            shape = {"header": {"msg_type": message["msg_type"]}, "parent_header": header, "metadata": {}}
            buffers = [base64.b64decode(one) for one in message.get("buffers", ())]
            PapermillNotebookClient.process_message(self, {**shape, **message, "buffers": buffers}, cell, cell_index)
        if reply["status"] == "error" and "raises-exception" not in tags:
            raise CellExecutionError.from_cell_and_msg(cell, reply)
        if reply["quit"] and any(left.cell_type == "code" for left in self.nb.cells[cell_index + 1 :]):
            raise DeadKernelError("The notebook quit.")
        return cell

    def _ask(self, cell: Any) -> dict[str, Any]:
        with contextlib.suppress(OSError):
            wire.send(self.child.job, {"source": cell.source, "id": cell.get("id")})
        while (reply := self.child.receive()) is not None:
            if "status" in reply:
                return reply
            self.watch.passed_output(ask=False)
        raise DeadKernelError("Kernel died")


class PressEngine(NBClientEngine):
    """Runs one notebook under `kernels.Settings`; a dead, stuck or greedy kernel becomes a failed cell."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        settings: Any,
        private: Path,
        environment: Mapping[str, str],
        child: client.Child | None,
        **_: Any,
    ) -> None:
        """Run it in `child`, a process forked for it, or without one in a kernel that is started now."""
        executor, watch = _in_child(nb_man, settings, child) if child else _in_kernel(nb_man, settings, private)
        folder = str(settings.folder) if settings.folder else None
        died = False
        try:
            with watch:
                # nbclient leaves a manager that it did not make running; this one is made for this notebook only.
                executor.execute(**({} if child else {"cleanup_kc": True, "env": dict(environment), "cwd": folder}))
        except DeadKernelError:
            died = True
        except (RuntimeError, TimeoutError, OSError) as error:
            if any(cell.metadata.papermill["status"] != nb_man.PENDING for cell in nb_man.nb.cells):
                raise
            text = (
                f"No kernel started within {settings.start_timeout} seconds; see: rcm doctor ({type(error).__name__})."
            )
            raise KernelStartError(text) from error
        if died or watch.verdict:
            _fail(nb_man, watch.verdict or DIED)


DIED = Verdict("DeadKernelError", "The notebook's process died (killed, or out of memory).")


def _in_child(nb_man: NotebookExecutionManager, settings: Settings, child: client.Child) -> tuple[ForkedClient, Watch]:
    watch = Watch(
        settings,
        pid=lambda: child.pid,
        interrupt=lambda: child.send_signal(signal.SIGINT),
        kill=child.kill,
        written=partial(_unread, child.pid),
    )
    child.job.settimeout(settings.start_timeout)
    return ForkedClient(nb_man, child=child, watch=watch, record_timing=False, log=LOG), watch


def _unread(pid: int) -> int:
    """Bytes that programs started by the notebook have written past Python, in its memory."""
    try:
        return sum(os.stat(f"/proc/{pid}/fd/{number}").st_size for number in (1, 2))
    except OSError:
        return 0


def _in_kernel(nb_man: NotebookExecutionManager, settings: Settings, private: Path) -> tuple[PressClient, Watch]:
    manager = kernel_manager(private)

    def pid() -> int | None:
        return getattr(manager.provisioner, "pid", None)

    watch = Watch(
        settings, pid=pid, interrupt=lambda: _signal(pid(), signal.SIGINT), kill=lambda: _signal(pid(), _KILL)
    )
    executor = PressClient(
        nb_man, km=manager, kernel_name="python3", watch=watch, timeout=None, startup_timeout=settings.start_timeout,
        shutdown_kernel="immediate", record_timing=False, log=LOG, raise_on_iopub_timeout=False, iopub_timeout=30,
        extra_arguments=_arguments(),
    )  # fmt: skip
    return executor, watch


_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def _signal(pid: int | None, number: int) -> None:
    """Signal a kernel and what it started; where there are no process groups it is ended at once."""
    with contextlib.suppress(OSError, psutil.Error):
        if pid and hasattr(os, "killpg"):
            os.killpg(pid, number)
        elif pid:
            psutil.Process(pid).kill()


def _arguments() -> list[str]:
    # Without sockets in folders ipykernel warns about TCP once per notebook: 500 lines in a month's log.
    quiet = [] if sockets_in_folders() else ["--log-level=40"]
    return ["--HistoryManager.enabled=False", *quiet]


def _fail(nb_man: NotebookExecutionManager, verdict: Verdict) -> None:
    """Mark the cell that was running, so that papermill reports it like any other failed cell. Where it was
    interrupted, its traceback stays, under the name of the limit."""
    cells = nb_man.nb.cells
    last = [number for number, cell in enumerate(cells) if cell.metadata.papermill["status"] != nb_man.PENDING][-1:]
    for number in last:
        outputs = cells[number].setdefault("outputs", [])
        stopped = [one for one in outputs if one.output_type == "error" and one.ename in INTERRUPTED][:1]
        if not stopped:
            stopped = [nbformat.v4.new_output("error")]
            outputs.extend(stopped)
        stopped[0].update(ename=verdict.error, evalue=verdict.line)
        nb_man.cell_exception(cells[number], cell_index=number)


INTERRUPTED = ("KeyboardInterrupt", "CancelledError")

papermill_engines.register(NAME, PressEngine)
