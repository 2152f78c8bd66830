"""The forked process at work: an IPython kernel without sockets, or one with them for whoever speaks Jupyter.

The kernel without sockets is ipykernel's own (`IPythonKernel`, `ZMQInteractiveShell`): its session appends to a list
instead of sending, and one answer per cell goes to the owner. Magics, displays, widgets' messages, tracebacks and
top-level await are therefore what they are in any Jupyter notebook; that they stay so is held by a test that runs a
notebook of everything both ways. Imported by the fork server, before the fork.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import ipykernel.kernelapp
from ipykernel.ipkernel import IPythonKernel
from jupyter_client.session import Session, json_packer
from traitlets import Any as AnyTrait
from traitlets.config import Config

from . import wire

KEPT = frozenset(
    ("display_data", "execute_result", "update_display_data", "clear_output", "comm_open", "comm_msg", "comm_close")
)
LOG = logging.getLogger("ipykernel")
LONGEST_ERROR = 20_000
"""Characters of each line of an error; a longer one is cut."""


class Outbox:
    """What a cell says, in order and bounded: texts of one stream in a row are one message.

    What processes started by the notebook write to the descriptors 1 and 2 lands in two files in memory, which are
    read before anything else is added.
    """

    def __init__(self, limit: int, over: Callable[[], None]) -> None:
        self.cell = ""
        self._limit, self._over, self._used = limit, over, 0
        self._messages: list[bytes] = []
        self._stream, self._parts = "", list[str]()
        self._lock = threading.RLock()
        self._files = {1: os.memfd_create("stdout"), 2: os.memfd_create("stderr")}
        self._read = {1: 0, 2: 0}
        for number, file in self._files.items():
            appending = os.open(f"/proc/self/fd/{file}", os.O_RDWR | os.O_APPEND)
            os.dup2(appending, number)
            os.close(appending)

    def text(self, stream: str, text: str) -> None:
        """Add what was printed."""
        with self._lock:
            self.take_files()
            self._text(stream, text)

    def message(self, kind: str, message: dict[str, Any]) -> None:
        """Add a display, an error or a widget's message, as it is now."""
        with self._lock:
            self.take_files()
            buffers = [base64.b64encode(bytes(one)).decode() for one in message.get("buffers") or ()]
            content = message["content"]
            if kind == "error":
                content = {"ename": content["ename"], "evalue": content["evalue"][:LONGEST_ERROR],
                           "traceback": [line[:LONGEST_ERROR] for line in content["traceback"]]}  # fmt: skip
            packed = json_packer({"msg_type": kind, "content": content, "buffers": buffers})
            if kind == "error" or self._fits(len(packed)):
                self._end_stream()
                self._messages.append(packed)

    def take_files(self) -> None:
        """Add what was written past Python."""
        for number, file in self._files.items():
            size = os.fstat(file).st_size
            if size < self._read[number]:
                self._read[number] = 0
            if size > self._read[number]:
                wanted = min(size - self._read[number], self._limit)
                data = os.pread(file, wanted, self._read[number])
                self._read[number] = size
                self._text("stdout" if number == 1 else "stderr", data.decode("utf-8", "replace"))

    def drain(self) -> bytes:
        """All messages as one JSON list; the outbox is empty again."""
        with self._lock:
            self.take_files()
            self._end_stream()
            messages, self._messages = self._messages, []
        return b"[" + b",".join(messages) + b"]"

    def _text(self, stream: str, text: str) -> None:
        if self._fits(len(text)):
            if stream != self._stream:
                self._end_stream()
                self._stream = stream
            self._parts.append(text)

    def _end_stream(self) -> None:
        if self._parts:
            content = {"name": self._stream, "text": "".join(self._parts)}
            self._messages.append(json_packer({"msg_type": "stream", "content": content}))
        self._stream, self._parts = "", []

    def _fits(self, size: int) -> bool:
        before = self._used
        self._used += size
        if self._used > self._limit >= before:
            self._over()
        return self._used <= self._limit


class Printed(io.TextIOBase):
    """stdout or stderr of the notebook."""

    encoding, errors = "utf-8", "replace"

    def __init__(self, outbox: Outbox, stream: str) -> None:
        self._outbox, self._stream, self._owner = outbox, stream, os.getpid()

    @property
    def name(self) -> str:
        return f"<{self._stream}>"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1 if self._stream == "stdout" else 2

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if os.getpid() != self._owner:  # a process that the notebook forked
            os.write(self.fileno(), text.encode("utf-8", "replace"))
        elif text:
            self._outbox.text(self._stream, text)
        return len(text)


class OutboxSession(Session):
    """A session whose wire is the outbox; what belongs to a cell that has ended is dropped, as clients do."""

    outbox: Any = None

    def send(self, stream: Any, msg_or_type: Any, content: Any = None, parent: Any = None, *_: Any, **more: Any) -> Any:
        message = msg_or_type if isinstance(msg_or_type, dict) else self.msg(msg_or_type, content, parent)
        kind, of = message["msg_type"], message.get("parent_header") or {}
        if more.get("buffers"):
            message["buffers"] = more["buffers"]
        if kind == "stream":
            self.outbox.text(message["content"]["name"], message["content"]["text"])
        elif kind == "error" or (kind in KEPT and of.get("msg_id", self.outbox.cell) == self.outbox.cell):
            self.outbox.message(kind, message)
        return message


class Loop:
    """What ipykernel asks of its event loop: wake up and do this. Nothing is put off, as nothing runs between cells."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def add_callback(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)

    def call_later(self, *_: Any) -> None:
        """Only asked when the notebook wants to quit, which its runner sees by itself."""

    def stop(self) -> None:
        """As `call_later`."""


class SocketlessKernel(IPythonKernel):
    """ipykernel's kernel, wired to an outbox."""

    session = AnyTrait()
    iopub_socket = AnyTrait(None)
    iopub_thread = AnyTrait(None)
    shell_stream = AnyTrait(None)
    control_stream = AnyTrait(None)
    debugpy_stream = AnyTrait(None)


class Runner:
    """Runs cells one by one and packs what each said."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._number = 0
        session = OutboxSession(key=b"", username="")
        session.outbox = outbox
        sys.stdout, sys.stderr = Printed(outbox, "stdout"), Printed(outbox, "stderr")
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        sys.modules["ipykernel.debugger"]._is_debugpy_available = False  # type: ignore[attr-defined]
        settings = Config({"HistoryManager": {"enabled": False}})
        self.kernel = SocketlessKernel.instance(session=session, config=settings, log=LOG)
        self.kernel.io_loop = Loop(self._loop)  # type: ignore[assignment]
        self.kernel.shell_channel_thread = SimpleNamespace(parent_thread=threading.current_thread())
        shell: Any = self.kernel.shell
        self.shell = shell
        shell.exit_now = False
        shell.extension_manager.load_extension("storemagic")
        outbox.drain()

    def run(self, source: str, cell_id: str | None) -> bytes:
        """Execute one cell; the reply as JSON, with the messages of the cell."""
        self._number += 1
        self._outbox.cell = f"cell-{self._number}"
        parent = {"header": {"msg_id": self._outbox.cell, "session": "press"}, "content": {}, "metadata": {}}
        self.kernel.set_parent([b""], parent)
        try:
            reply = self._loop.run_until_complete(
                self.kernel.do_execute(source, silent=False, allow_stdin=False, cell_id=cell_id)
            )
        except (KeyboardInterrupt, asyncio.CancelledError) as stop:
            self.shell.showtraceback()
            reply = {"status": "error", "ename": type(stop).__name__, "evalue": "", "traceback": []}
        told = {key: reply.get(key) for key in ("status", "ename", "evalue", "traceback")}
        told |= {"execution_count": self.shell.execution_count - 1, "quit": bool(self.shell.exit_now)}
        told |= {"evalue": str(told["evalue"] or "")[:LONGEST_ERROR]}
        return json_packer(told)[:-1] + b',"messages":' + self._outbox.drain() + b"}"


def notebook(job: socket.socket, asked: dict[str, Any]) -> int:
    """Cells come in, answers go out, until the owner closes."""
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    sys.argv = [os.path.join(os.path.dirname(ipykernel.kernelapp.__file__), "..", "ipykernel_launcher.py")]
    with_own_folder: Any = SimpleNamespace(ignore_cwd=False)
    ipykernel.kernelapp.InteractiveShellApp.init_path(with_own_folder)
    owner = os.getpid()

    def over() -> None:
        wire.send(job, {"over": "output"})
        os.kill(owner, signal.SIGINT)

    runner = Runner(Outbox(asked["output_bytes"], over))
    wire.send(job, {"language_info": dict(runner.kernel.language_info)})
    while (cell := wire.receive(job)) is not None:
        wire.send(job, runner.run(cell["source"], cell.get("id")))
    return 0


def kernel(job: socket.socket, asked: dict[str, Any]) -> int:
    """An ordinary kernel on its connection file, for whoever speaks Jupyter."""
    # Without the server's number the kernel would take the owner's for its parent's, and end.
    arguments = [*asked["arguments"], f"--IPKernelApp.parent_handle={os.getppid()}"]
    sys.argv = ["ipykernel_launcher", *arguments]
    app = ipykernel.kernelapp.IPKernelApp.instance()
    app.initialize(arguments)
    with contextlib.suppress(OSError):
        job.send(b"r")  # the sockets are bound: whoever connects now need not try again
    job.close()
    # Its own clean-up waits for a thread that is busy ending; this process is about to end as a whole.
    import atexit

    atexit.unregister(app.close)
    app.start()
    return 0
