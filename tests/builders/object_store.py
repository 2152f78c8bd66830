"""An object store for tests: a real S3 server in this process, or a folder behind fsspec's own file addresses."""

from __future__ import annotations

import shutil
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


def make_bucket(name: str) -> None:
    """An empty bucket on the server that the environment names."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem(use_listings_cache=False).mkdir(name)


def machine(workspace: Path, place: Path, url: str) -> Path:
    """Another machine's copy of a workspace: its settings and raw files, store and runs below the address."""
    shutil.copytree(workspace, place, ignore=shutil.ignore_patterns("store", "runs", "scratch"))
    settings = (place / "rcm.toml").read_text()
    paths = f'[paths]\nstore = "{url}/store"\nruns = "{url}/runs"\n'
    (place / "rcm.toml").write_text(settings.replace("[paths]\n", paths) if "[paths]" in settings else paths + settings)
    return place
