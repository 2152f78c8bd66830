"""A kernel provisioner for jupyter_client: kernels of this interpreter are forked, all others started as ever.

Chosen by the environment variable JUPYTER_DEFAULT_PROVISIONER_NAME=rcm-fork, or in a kernelspec:
`"metadata": {"kernel_provisioner": {"provisioner_name": "rcm-fork"}}`. Works under papermill, nbclient, nbconvert and
JupyterLab, whose process then has one fork server.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from . import client

NAME = "rcm-fork"


class ForkProvisioner(LocalProvisioner):
    """Forks the kernel where that gives the same kernel, and starts it where it would not."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        child = await asyncio.to_thread(self._forked, cmd, kwargs) if is_our_kernel(cmd) else None
        if child is None:
            return await super().launch_kernel(cmd, **kwargs)
        await asyncio.to_thread(child.job.recv, 1)  # one byte when its sockets are bound, none when it has died
        child.job.close()
        self.process = child  # type: ignore[assignment]
        self.pid = self.pgid = child.pid  # type: ignore[assignment]
        self.cwd = kwargs.get("cwd") or os.getcwd()  # type: ignore[assignment]
        return self.connection_info

    def _forked(self, cmd: list[str], kwargs: dict[str, Any]) -> client.Child | None:
        environment = kwargs.get("env") or dict(os.environ)
        folder = str(kwargs.get("cwd") or os.getcwd())
        return client.fork("kernel", environment, folder=folder, arguments=cmd[cmd.index("-f") :])

    async def send_signal(self, signum: int) -> None:
        if isinstance(self.process, client.Child):
            self.process.send_signal(signum)
        else:
            await super().send_signal(signum)


def is_our_kernel(cmd: list[str]) -> bool:
    """Whether a command starts an ipykernel of this very interpreter (of a virtual environment, its own)."""
    return (
        len(cmd) > 3
        and cmd[1:3] == ["-m", "ipykernel_launcher"]
        and "-f" in cmd
        and os.path.normcase(os.path.abspath(cmd[0])) == os.path.normcase(os.path.abspath(sys.executable))
    )
