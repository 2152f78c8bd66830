"""papermill's engine for the press: this interpreter, private sockets, own environment, no fixed saves."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

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


class PressEngine(NBClientEngine):
    """Runs one notebook under `kernels.Settings`; a dead or stuck kernel becomes a failed cell."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        settings: Any,
        private: Path,
        environment: Mapping[str, str],
        **_: Any,
    ) -> None:
        client = PapermillNotebookClient(
            nb_man, km=kernel_manager(private), kernel_name=kernel_name, timeout=settings.cell_timeout,
            startup_timeout=settings.start_timeout, shutdown_kernel="immediate", record_timing=False, log=LOG,
            raise_on_iopub_timeout=False, iopub_timeout=30, extra_arguments=_arguments(),
        )  # fmt: skip
        folder = str(settings.folder) if settings.folder else None
        try:
            # nbclient leaves a manager that it did not make running; this one is made for this notebook only.
            client.execute(cleanup_kc=True, env=dict(environment), cwd=folder)
        except DeadKernelError:
            _fail(nb_man, "DeadKernelError", "The notebook's process died (killed, or out of memory).")
        except CellTimeoutError:
            line = f"The cell did not finish within {settings.cell_timeout} seconds."
            _fail(nb_man, "CellTimeoutError", line)
        except (RuntimeError, TimeoutError, OSError) as error:
            if any(cell.metadata.papermill["status"] != nb_man.PENDING for cell in nb_man.nb.cells):
                raise
            text = (
                f"No kernel started within {settings.start_timeout} seconds; see: rcm doctor ({type(error).__name__})."
            )
            raise KernelStartError(text) from error


def _arguments() -> list[str]:
    # Without sockets in folders ipykernel warns about TCP once per notebook: 500 lines in a month's log.
    quiet = [] if sockets_in_folders() else ["--log-level=40"]
    return ["--HistoryManager.enabled=False", *quiet]


def _fail(nb_man: NotebookExecutionManager, error: str, line: str) -> None:
    """Mark the cell that was running, so that papermill reports it like any other failed cell."""
    cells = nb_man.nb.cells
    last = [number for number, cell in enumerate(cells) if cell.metadata.papermill["status"] != nb_man.PENDING][-1:]
    for number in last:
        cells[number].setdefault("outputs", []).append(nbformat.v4.new_output("error", ename=error, evalue=line))
        nb_man.cell_exception(cells[number], cell_index=number)


papermill_engines.register(NAME, PressEngine)
