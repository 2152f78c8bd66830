"""The owner's end of the fork server: started once for a process, restarted when it died or the software changed.

server = fork_server(environment)        # None where forking is not possible
child = server.fork("notebook", environment=environment, folder=folder)
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from . import wire

LOG = logging.getLogger("rcm_analysis.press")
SERVER = f"{__package__}.server"
ALONE = "--alone"
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
READ_AT_START = ("PYTHON", "LD_", "MPL", "LC_", "LANG")
"""Variables that a process reads when it starts or imports: a kernel that wants others cannot be forked."""

START_SECONDS = 120
INLINE = "module://matplotlib_inline.backend_inline"


class NoFork(Exception):
    """The fork server is gone."""


class Refused(NoFork):
    """The fork server did not start, or found that what it imported forbids forking."""


class Child:
    """A forked process, with the face of a `Popen`: signals go through its parent, so none can hit a stranger."""

    stdin = stdout = stderr = None

    def __init__(self, control: socket.socket, job: socket.socket, pid: int) -> None:
        self._control, self.job, self.pid = control, job, pid
        self.returncode: int | None = None
        self.usage: dict[str, float] = {}

    def receive(self) -> Any:
        """The next message of the child, or None when there will be none."""
        return wire.receive(self.job)

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        if self.returncode is None and select.select([self._control], [], [], 0)[0]:
            self._take()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code."""
        if self.returncode is None:
            if not select.select([self._control], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("notebook", timeout or 0)
            self._take()
        return self.returncode  # type: ignore[return-value]

    def send_signal(self, number: int) -> None:
        """Send a signal to the child and what it started."""
        if self.poll() is None:
            with contextlib.suppress(OSError):
                self._control.send(str(int(number)).encode())

    def kill(self) -> None:
        """End it now."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def close(self, seconds: float = 5) -> None:
        """Let it end by itself, within some seconds."""
        self.job.close()
        try:
            self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self.wait(seconds)

    def _take(self) -> None:
        try:
            said = self._control.recv(4096)
        except OSError:
            said = b""
        if said:
            self.usage = json.loads(said)
            self.returncode = int(self.usage.pop("exit"))
        else:
            # Its parent is gone and it with it, by the kernel's hand; not so what it had started.
            self.returncode = -signal.SIGKILL
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        self._control.close()


class ForkServer:
    """One fork server and the socket that is its life line."""

    def __init__(self, environment: Mapping[str, str], imports: tuple[str, ...] = (), *, alone: bool = False) -> None:
        self.imports = imports
        self.starts_with = read_at_start(environment)
        self.stamp = software_stamp()
        # Of the first notebook's environment only what decides how Python starts: the rest may name a client.
        own = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), **self.starts_with}
        # pyarrow would leave a thread behind, and a debugger speak up.
        own |= {"JE_ARROW_MALLOC_CONF": "background_thread:false", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        self._life, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._ready = False
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", SERVER, *([ALONE] if alone else []), *imports],
                stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=own, start_new_session=True,
            )  # fmt: skip

    def fork(self, mode: str, **job: Any) -> Child:
        """A new child, at work on `job`; raises NoFork when there is no server any more."""
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours, child_end = socket.socketpair()
        with theirs, child_end, self._lock:
            self._wait_ready()
            try:
                socket.send_fds(self._life, [mode.encode()], [theirs.fileno(), child_end.fileno()])
            except OSError as error:
                raise NoFork("the fork server is gone") from error
        said = control.recv(4096)
        if not said:
            raise NoFork("the fork server is gone")
        child = Child(control, ours, json.loads(said)["pid"])
        with contextlib.suppress(OSError):  # a child that died at once is found by whoever asks it something
            wire.send(ours, job)
        return child

    def close(self) -> None:
        """End the server and whatever it has forked."""
        self._life.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _wait_ready(self) -> None:
        if self._ready:
            return
        heard = select.select([self._life], [], [], START_SECONDS)[0]
        said = self._life.recv(1 << 16) if heard else b""
        if b"ready" not in said:
            why = json.loads(said)["refused"] if said else ["it did not start"]
            raise Refused("; ".join(why))
        self._ready = True


def possible() -> bool:
    """Whether kernels can be forked here: on Linux, with an ipykernel whose inner parts are known."""
    return sys.platform == "linux" and hasattr(os, "memfd_create") and _known_ipykernel()


def _known_ipykernel() -> bool:
    return metadata.version("ipykernel").partition(".")[0] == "7"


def read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that are fixed when a process starts, as a forked kernel would have them."""
    fixed = {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}
    return {"PYTHONHASHSEED": "0", **fixed, "MPLBACKEND": environment.get("MPLBACKEND") or INLINE}


def software_stamp() -> tuple[float, ...]:
    """When our package and the installed packages last changed: an older server would run what was there before."""
    package = Path(__file__).parents[2]
    ours = max(path.stat().st_mtime for path in package.rglob("*.py"))
    return ours, *(os.stat(sysconfig.get_path(kind)).st_mtime for kind in ("purelib", "platlib"))


_lock = threading.Lock()
_server: ForkServer | None = None
_refused: set[tuple[str, ...]] = set()
"""What could not be imported before a fork: each is tried once."""


def fork_server(
    environment: Mapping[str, str], imports: Iterable[str] = (), *, alone: bool = False
) -> ForkServer | None:
    """This process's fork server, starting or started; None where a kernel with this environment must be an ordinary
    one. Started for one notebook `alone`, it imports the less.
    """
    global _server
    if not possible():
        return None
    with _lock:
        if _server and (_server.process.poll() is not None or _server.stamp != software_stamp()):
            _server.close()
            _server = None
        wanted = tuple(sorted(imports))
        wanted = () if wanted in _refused else wanted
        if wanted in _refused:
            return None
        if _server is None:
            _server = ForkServer(environment, wanted, alone=alone)
        return _server if _server.starts_with == read_at_start(environment) else None


def fork(mode: str, environment: Mapping[str, str], imports: Iterable[str] = (), **job: Any) -> Child | None:
    """A child of this process's fork server; None where there can be none. A server that died is started again once;
    one that refuses to fork what an analyst's templates import is started again without.
    """
    for _ in range(3):
        server = fork_server(environment, imports)
        if server is None:
            return None
        try:
            return server.fork(mode, environment=dict(environment), **job)
        except Refused as error:
            LOG.warning("No warm start%s: %s.", " with the templates' imports" if server.imports else "", error)
            _refused.add(server.imports)
            close(server)
        except NoFork:
            close(server)
    return None


def close(only: ForkServer | None = None) -> None:
    """End this process's fork server (with `only`, if it is still this one)."""
    global _server
    with _lock:
        if _server and only in (None, _server):
            _server.close()
            _server = None


atexit.register(close)
