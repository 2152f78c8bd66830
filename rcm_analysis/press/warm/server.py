"""The fork server: a process that imports everything once and computes nothing, forked for every notebook.

Started by `client`, never the worker itself. Requests come over its standard input, a private socket that no
other process can reach; when it closes, the owner is gone, and the server ends with all its children. What a
notebook is about (its cells, its environment) goes from the owner to the child, after the fork: nothing of a
client is ever in the memory that later children inherit. Linux only.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import importlib.util
import io
import json
import os
import pkgutil
import random
import select
import signal
import socket
import stat
import sys
import sysconfig
import time
import traceback
import warnings
from typing import Any

from . import wire

PACKAGE = __name__.partition(".")[0]
FLOORS = ("ledger", "measures", "models", "exhibits")
OURS = (f"{PACKAGE}.notebook.opening", f"{PACKAGE}.notebook.own", f"{PACKAGE}.press.warm.child")
LATER = (
    "ipykernel.debugger", "IPython.core.pylabtools", "IPython.core.completer", "IPython.core.magics",
    "IPython.extensions.storemagic", "matplotlib.pyplot", "matplotlib.backends.backend_agg", "PIL.PngImagePlugin",
    "matplotlib.backends.backend_svg", "seaborn", "scipy.stats", "scipy.optimize", "scipy.special", "scipy.sparse",
    "pandas.io.formats.style", "pandas.core.methods.to_dict", "pandas.core.reshape.reshape", "pyarrow.parquet",
    "pyarrow.compute", "polars.io.parquet.functions", "narwhals.group_by", "narwhals.stable.v2._namespace",
    "narwhals._interchange.dataframe", "narwhals._polars.namespace", "narwhals._polars.group_by",
    "narwhals._polars.dataframe", "narwhals._pandas_like.namespace", "narwhals._pandas_like.dataframe",
)  # fmt: skip
"""What kernels and reports import while they run, as late as they can; here it is imported before."""

ALONE = "--alone"
FITS = ("scipy.stats", "scipy.optimize", "scipy.sparse")
HARMLESS_THREADS = ("jemalloc_bg_thd", "polars-ooc-clea")
"""Threads that an import leaves and that hold no lock a child could wait for. Any other forbids the fork."""

PR_SET_PDEATHSIG = 1


def preload(wanted: list[str]) -> None:
    """Import what notebooks need: our package with the pages of its reports, and installed packages of `wanted`.

    For one notebook `--alone` only what every report needs: it imports the pages of its own.
    """
    gc.disable()
    alone = ALONE in wanted
    for floor in () if alone else FLOORS:
        home = importlib.import_module(f"{PACKAGE}.{floor}")
        for part in pkgutil.walk_packages(home.__path__, f"{home.__name__}."):
            _try(part.name)
    later = (name for name in LATER if not (alone and name.startswith(FITS)))
    for name in (*OURS, *later, *filter(is_installed, wanted)):
        _try(name)
    with contextlib.suppress(Exception):
        importlib.import_module(f"{PACKAGE}.blocks.vocabulary").bench_template()
        importlib.import_module(f"{PACKAGE}.tables.derived").code()
    gc.enable()


def is_installed(name: str) -> bool:
    """Whether a module comes with Python or an installed package; what an analyst still writes is never preloaded."""
    homes = tuple(os.path.realpath(sysconfig.get_path(kind)) for kind in ("purelib", "platlib", "stdlib", "platstdlib"))
    try:
        spec = importlib.util.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        return False
    origin = spec.origin if spec else None
    return origin in ("built-in", "frozen") or bool(origin and os.path.realpath(origin).startswith(homes))


def _try(name: str) -> None:
    with contextlib.suppress(Exception):  # the notebook that imports it will say what is wrong with it
        importlib.import_module(name)


def what_forbids_forking() -> list[str]:
    """Threads, open files and early imports that would make children hang, share an offset or draw nothing."""
    found = []
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError), open(f"/proc/self/task/{task}/comm") as file:
            name = file.read().strip()
            if int(task) != os.getpid() and name not in HARMLESS_THREADS:
                found.append(f"thread {name}")
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if int(number) > 2 and stat.S_ISREG(os.fstat(int(number)).st_mode):
                found.append(f"open file {os.readlink(f'/proc/self/fd/{number}')}")
    if "matplotlib_inline.backend_inline" in sys.modules:
        found.append("matplotlib_inline, which has met no notebook yet")
    return found


class Server:
    """Forks on request, passes signals on, tells the owner how each child ended."""

    def __init__(self, life: socket.socket) -> None:
        self._life = life
        self._owners: dict[int, socket.socket] = {}
        self._awake, self._wake = os.pipe()
        for end in (self._awake, self._wake):
            os.set_blocking(end, False)
        self._poll = select.poll()
        self._poll.register(life, select.POLLIN)
        self._poll.register(self._awake, select.POLLIN)

    def serve(self) -> None:
        """Serve until the owner is gone."""
        signal.set_wakeup_fd(self._wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            descriptor, _ = self._poll.poll()[0]  # one at a time: handling one may close, and reuse, another
            if descriptor == self._awake:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._awake, 4096)
                self._reap()
            elif descriptor != self._life.fileno():
                self._pass_on(descriptor)
            elif not self._take():
                break
        for pid in list(self._owners):
            _end(pid)

    def _take(self) -> bool:
        try:
            mode, descriptors, _, _ = socket.recv_fds(self._life, 64, 2)
        except ConnectionError:
            return False
        if not mode:
            return False
        owner, job = (socket.socket(fileno=descriptor) for descriptor in descriptors)
        pid = os.fork()
        if pid == 0:
            self._become_child(mode.decode(), owner, job)
        job.close()
        self._owners[pid] = owner
        self._poll.register(owner, select.POLLIN)
        _tell(owner, {"pid": pid})
        return True

    def _become_child(self, mode: str, owner: socket.socket, job: socket.socket) -> None:
        code, complaints = 1, os.dup(2)
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for end in (self._life, owner, *self._owners.values()):
                end.close()
            os.close(self._awake)
            os.close(self._wake)
            code = child_main(mode, job)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        except BaseException:
            with contextlib.suppress(BaseException):
                os.write(complaints, traceback.format_exc().encode("utf-8", "replace"))
        finally:
            try:
                atexit._run_exitfuncs()
                flush_open_files()
            finally:
                os._exit(code)

    def _reap(self) -> None:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            with contextlib.suppress(OSError):
                os.killpg(ended.si_pid, signal.SIGKILL)  # what it left running; its number is not yet anybody else's
            pid, status, usage = os.wait4(ended.si_pid, 0)
            owner = self._owners.pop(pid, None)
            if owner is not None:
                used = {"cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_kb": usage.ru_maxrss}
                _tell(owner, {"exit": os.waitstatus_to_exitcode(status), **used})
                self._forget(owner)

    def _pass_on(self, descriptor: int) -> None:
        """A signal for a child, or its owner's end."""
        for pid, owner in self._owners.items():
            if owner.fileno() == descriptor:
                try:
                    asked = owner.recv(64)
                except OSError:
                    asked = b""
                if asked:
                    with contextlib.suppress(OSError):
                        os.killpg(pid, int(asked))
                else:
                    _end(pid)
                    self._forget(owner)
                    self._owners[pid] = _nobody()
                return

    def _forget(self, owner: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._poll.unregister(owner)
        owner.close()


def _nobody() -> socket.socket:
    """Stands for an owner that is gone, until its child is."""
    ours, theirs = socket.socketpair()
    theirs.close()
    return ours


def _tell(owner: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        owner.send(json.dumps(message).encode())


def _end(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(OSError):
            kill(pid, signal.SIGKILL)


def child_main(mode: str, job: socket.socket) -> int:
    """The forked process: its own session, environment, folder and chance; then a notebook or a kernel."""
    server = os.getppid()
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        return 1
    asked = wire.receive(job)
    if asked is None:
        return 1
    os.environ.clear()
    os.environ.update(asked["environment"])
    read_environment_again()
    if asked["folder"]:
        os.chdir(asked["folder"])
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.close(nothing)
    reseed()
    if not sys.flags.safe_path:
        del sys.path[0]  # the server's folder; a kernel adds its own where kernels have it
    child = importlib.import_module(f"{PACKAGE}.press.warm.child")
    return child.kernel(job, asked) if mode == "kernel" else child.notebook(job, asked)


def read_environment_again() -> None:
    """What was read when it was imported: the time zone, and the settings of Polars, such as its threads."""
    time.tzset()
    reload = getattr(getattr(sys.modules.get("polars"), "Config", None), "reload_env_vars", None)
    if reload:
        reload()


def reseed() -> None:
    """Chance of its own: children would otherwise all draw what the server would have drawn."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def flush_open_files() -> None:
    """What a notebook left open is written: `os._exit` skips the end of the interpreter, which would do it."""
    for thing in gc.get_objects():
        with contextlib.suppress(Exception):
            if isinstance(thing, (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)) and not thing.closed:
                thing.flush()


def main() -> None:
    """Import, look whether forking is safe, say so, serve."""
    life = socket.socket(fileno=os.dup(0))
    warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning)
    preload(sys.argv[1:])
    faults = what_forbids_forking()
    gc.collect()
    gc.freeze()
    _tell(life, {"refused": faults} if faults else {"ready": os.getpid()})
    if not faults:
        Server(life).serve()
    os._exit(0)


if __name__ == "__main__":
    # As the module that others import, so that there are not two of it.
    importlib.import_module(__spec__.name).main()
