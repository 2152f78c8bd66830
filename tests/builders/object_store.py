"""Object stores for tests: a real server of each kind on this machine, which the environment names."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """moto's server on a free port: the environment by which a process reaches it, with one empty bucket."""
    pytest.importorskip("s3fs")
    pytest.importorskip("flask")
    moto = pytest.importorskip("moto.server")
    import logging

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        server.stop()


@contextmanager
def gs_server() -> Iterator[dict[str, str]]:
    """The emulator of Google Cloud Storage on a free port."""
    pytest.importorskip("gcsfs")
    pytest.importorskip("gcp_storage_emulator")
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", port := _free_port(), in_memory=True)
    server.start()
    try:
        yield {
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}",
            "FSSPEC_GS_TOKEN": "anon",
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
        }
    finally:
        server.stop()


AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The published key of the emulator's own account, the same on every machine."""


@contextmanager
def abfs_server() -> Iterator[dict[str, str]]:
    """Azurite, Microsoft's emulator of Azure's blobs, on a free port; without its command (npm install -g azurite)
    the test is skipped."""
    pytest.importorskip("adlfs")
    command = shutil.which("azurite-blob")
    if not command:
        pytest.skip("azurite is not installed")
    port = _free_port()
    words = [command, "--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert process.poll() is None and time.monotonic() < until, "azurite did not start"
            time.sleep(0.1)
        yield {
            "AZURE_STORAGE_CONNECTION_STRING": "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
            f"AccountKey={AZURITE_KEY};BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        }
    finally:
        process.terminate()
        process.wait(30)


SERVERS = {"s3": s3_server, "gs": gs_server, "abfs": abfs_server}


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def make_bucket(kind: str, name: str) -> None:
    """An empty bucket on the server that the environment names."""
    import fsspec

    fsspec.get_filesystem_class(kind).clear_instance_cache()
    fsspec.filesystem(kind, use_listings_cache=False).mkdir(name)


def machine(workspace: Path, place: Path, url: str) -> Path:
    """Another machine's copy of a workspace: its settings and raw files, store and runs below the address."""
    shutil.copytree(workspace, place, ignore=shutil.ignore_patterns("store", "runs", "scratch"))
    settings = (place / "rcm.toml").read_text()
    paths = f'[paths]\nstore = "{url}/store"\nruns = "{url}/runs"\n'
    (place / "rcm.toml").write_text(settings.replace("[paths]\n", paths) if "[paths]" in settings else paths + settings)
    return place
