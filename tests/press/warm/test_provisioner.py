"""Forked kernels for whoever speaks Jupyter: papermill, nbclient, JupyterLab."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import nbformat
import pytest

from rcm_analysis.press.warm import client, provisioner

pytestmark = pytest.mark.skipif(not client.possible(), reason="nothing is forked here")
ROOT = Path(__file__).parents[3]
GROUP = "jupyter_client.kernel_provisioners"
ENTRY = EntryPoint(
    provisioner.NAME,
    tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][GROUP][provisioner.NAME],
    GROUP,
)
CELLS = (
    "x: int = 1",
    "import os\nprint(x, open(f'/proc/{os.getppid()}/cmdline').read().replace('\\0', ' '))",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    "import rcm_analysis as rcm\nprint(os.getcwd(), os.environ['PROBE'], len(rcm.measures.menu.menu()) > 50)",
)
DRIVERS = {
    "papermill": (
        "import papermill\n"
        "papermill.execute_notebook('in.ipynb', 'out.ipynb', {'x': 7}, kernel_name='python3', language='python')"
    ),
    "nbclient": (
        "import nbformat\nfrom nbclient import NotebookClient\nmade = nbformat.read('in.ipynb', 4)\n"
        "NotebookClient(made, kernel_name='python3', shutdown_kernel='graceful').execute()\n"
        "nbformat.write(made, 'out.ipynb')"
    ),
}


def test_the_entry_point_names_the_provisioner() -> None:
    assert ENTRY.load() is provisioner.ForkProvisioner


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_plain_driver_gets_forked_kernels_by_one_variable(driver: str, tmp_path: Path) -> None:
    said, _ = driven(DRIVERS[driver], tmp_path)
    assert "press.warm.server" in said[0] and said[0].startswith("7 " if driver == "papermill" else "1 ")
    assert said[1].startswith("image/png")
    assert said[2] == f"{tmp_path} here True\n"


def test_a_kernel_of_another_interpreter_is_started_as_ever(tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    other.chmod(0o755)
    kernels = tmp_path / "share" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text(
        f'{{"argv": ["{other}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], "display_name": "x", '
        '"language": "python"}'
    )
    said, _ = driven(DRIVERS["nbclient"], tmp_path, JUPYTER_PATH=str(tmp_path / "share"))
    assert "press.warm.server" not in said[0]


INTERRUPTED = """
import asyncio, os
from jupyter_client.manager import AsyncKernelManager
async def main():
    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=120)
    asked = client.execute("import time\\nprint('started', flush=True)\\ntime.sleep(60)")
    while True:
        message = await client.get_iopub_msg(timeout=60)
        if message["msg_type"] == "stream":
            await manager.interrupt_kernel()
        if message["msg_type"] == "error":
            print(message["content"]["ename"])
            break
    reply = await client._async_get_shell_msg(timeout=60)
    client.stop_channels()
    await manager.restart_kernel(now=True)
    print(await manager.is_alive())
    await manager.shutdown_kernel(now=True)
    print(await manager.is_alive())
asyncio.run(main())
"""


def test_a_forked_kernel_is_interrupted_restarted_and_shut_down(tmp_path: Path) -> None:
    _, printed = driven(INTERRUPTED, tmp_path)
    assert printed.split() == ["KeyboardInterrupt", "True", "False"]


SERVED = """
import asyncio, json, sys, uuid
from jupyter_server.serverapp import ServerApp
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

app = ServerApp.instance()
app.initialize(["--no-browser", "--allow-root", "--ServerApp.port=0", "--ServerApp.ip=127.0.0.1",
                "--IdentityProvider.token=t", "--ServerApp.root_dir=."], find_extensions=False)
ASK = {"Authorization": "token t"}

async def call(method, path, body=None):
    asked = HTTPRequest(f"http://127.0.0.1:{app.port}/api/{path}", method, ASK, body, allow_nonstandard_methods=True,
                        request_timeout=120)
    answer = await AsyncHTTPClient().fetch(asked)
    return json.loads(answer.body or b"null")

async def run(kernel, code, on_start=None):
    line = await websocket_connect(HTTPRequest(
        f"ws://127.0.0.1:{app.port}/api/kernels/{kernel}/channels", headers=ASK))
    number = uuid.uuid4().hex
    header = {"msg_id": number, "msg_type": "execute_request", "session": "s", "username": "u", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    await line.write_message(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content,
                                         "channel": "shell", "buffers": []}))
    said, answer, idle = "", None, False
    while answer is None or not idle:  # the reply and what the cell printed come by two channels, in either order
        message = json.loads(await asyncio.wait_for(line.read_message(), 120))
        if message["parent_header"].get("msg_id") != number:
            continue
        if message["msg_type"] == "stream":
            said += message["content"]["text"]
            if on_start:
                await on_start()
        elif message["msg_type"] == "execute_reply":
            answer = message["content"].get("ename", "")
        elif message["msg_type"] == "status":
            idle = message["content"]["execution_state"] == "idle"
    line.close()
    return said + answer

PARENT = "import os; print(open('/proc/%d/cmdline' % os.getppid()).read())"

async def main():
    first = (await call("POST", "kernels", json.dumps({"name": "python3"})))["id"]
    second = (await call("POST", "kernels", json.dumps({"name": "python3"})))["id"]
    for kernel in (first, second):
        print("forked" if "press.warm.server" in await run(kernel, PARENT) else "started")
    await run(first, "x = 1")
    print(await run(second, "x"))
    stop = lambda: call("POST", f"kernels/{first}/interrupt")
    print(await run(first, "import time\\nprint('.', flush=True)\\ntime.sleep(60)", stop))
    await call("POST", f"kernels/{first}/restart")
    print(await run(first, "x"))
    print("forked" if "press.warm.server" in await run(first, PARENT) else "started")
    await call("DELETE", f"kernels/{first}")
    await call("DELETE", f"kernels/{second}")
    print(len(await call("GET", "kernels")))
    app.io_loop.stop()

async def once():
    try:
        await main()
    except BaseException:
        import traceback; traceback.print_exc()
        app.io_loop.stop()

app.io_loop.add_callback(once)
app.start()
"""


@pytest.mark.slow
def test_kernels_of_jupyterlab_s_server_are_forked(tmp_path: Path) -> None:
    """Started, asked, interrupted, restarted and ended by the calls that JupyterLab makes, over HTTP and a socket."""
    pytest.importorskip("jupyter_server")
    _, printed = driven(SERVED, tmp_path, HOME=str(tmp_path), JUPYTER_RUNTIME_DIR=str(tmp_path / "runtime"))
    forked = ["forked", "forked"]
    assert printed.split() == [*forked, "NameError", ".", "KeyboardInterrupt", "NameError", "forked", "0"]


def driven(script: str, folder: Path, **environment: str) -> tuple[list[str], str]:
    """Run a script with the provisioner as default: what the cells showed, and what the script printed."""
    installed = folder / "installed" / "rcm_fork_test-0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: rcm_fork_test\nVersion: 0\n")
    (installed / "entry_points.txt").write_text(f"[{GROUP}]\n{ENTRY.name} = {ENTRY.value}\n")
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    made.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(made, folder / "in.ipynb")
    here = {
        "JUPYTER_DEFAULT_PROVISIONER_NAME": provisioner.NAME, "PROBE": "here",
        "PYTHONPATH": os.pathsep.join([str(folder / "installed"), str(ROOT)]),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=os.environ | here | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    if not (folder / "out.ipynb").exists():
        return [], done.stdout
    shown = [output for cell in nbformat.read(folder / "out.ipynb", 4).cells for output in cell.get("outputs", [])]
    return [output.text if "text" in output else " ".join(sorted(output.data)) for output in shown], done.stdout
