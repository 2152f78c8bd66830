"""What we write to disk: whole or not at all, for its owner only, and checked when it is read again.

Folders get mode 700 and files 600, whatever the umask says. A text appears under its name when all of it is on the
disk, or not at all. A stored Parquet file is entered with its size and two hashes; every opening compares the size and
the hash of its end, where Parquet keeps the footer, and `rcm verify` the hash of all of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import psutil

OWNER_FOLDER, OWNER_FILE = 0o700, 0o600
PARTIAL = ".new"
"""How the name of a file ends that is not written to its end yet."""
_OF_PROCESS = re.compile(r"rcm-[a-z]+-(?P<pid>\d+)-.*|.*\.(?P<pid2>\d+)-[0-9a-f]{8}\.new")
TAIL_BYTES = 1 << 16
"""How much of a file's end is compared at every opening; a smaller file is compared whole."""


def make_folder(folder: Path) -> Path:
    """The folder, made with all that lead to it; those that were there stay as they are."""
    if not folder.is_dir():
        make_folder(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(OWNER_FOLDER)
    return folder


def only_owner(folder: Path) -> None:
    """Take everybody else's rights from a folder of ours and all that is in it."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(OWNER_FOLDER if path.is_dir() else OWNER_FILE)


def write_text(path: Path, text: str) -> None:
    """The text in place of the file, once it is on the disk."""
    _write(path, text, os.replace)


def write_text_once(path: Path, text: str) -> None:
    """The text as a new file; where another process was faster, its file stays."""
    with contextlib.suppress(FileExistsError):
        _write(path, text, _link)


def _write(path: Path, text: str, place: Callable[[Path, Path], None]) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}{PARTIAL}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        place(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _link(beside: Path, path: Path) -> None:
    """Give a whole file its name unless the name is taken; also where a disk knows no second names."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(str(path)) from None
        os.rename(beside, path)


def temporary_prefix(what: str) -> str:
    """How the name of a temporary folder of this process begins, by which it is known as left over when that is gone.

    >>> temporary_prefix("kernel").startswith("rcm-kernel-")
    True
    """
    return f"rcm-{what}-{os.getpid()}-"


@contextlib.contextmanager
def temporary_folder(what: str) -> Iterator[Path]:
    """A folder of this process that is gone at the end; what killed processes left of the kind goes first.

    >>> with temporary_folder("example") as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """
    for folder in left_over(Path(tempfile.gettempdir()), f"rcm-{what}-*"):
        shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=temporary_prefix(what), ignore_cleanup_errors=True) as name:
        yield Path(name)


def left_over(folder: Path, pattern: str) -> list[Path]:
    """Files and folders that match, half-written or temporary ones of ours, whose process runs no more."""
    found = [(path, _OF_PROCESS.fullmatch(path.name)) for path in sorted(folder.glob(pattern))]
    return [path for path, match in found if match and not psutil.pid_exists(int(match["pid"] or match["pid2"]))]


def write_part(folder: Path, stem: str, rows: pl.DataFrame) -> dict[str, Any]:
    """Write one immutable Parquet file, named after its content, and return its entry for the manifest."""
    path = folder / f"{stem}{PARTIAL}"
    make_folder(path.parent)
    rows.write_parquet(path, compression="zstd", statistics=True)
    path.chmod(OWNER_FILE)
    with path.open("r+b") as file:
        data = file.read()
        os.fsync(file.fileno())
    digest = hashlib.sha256(data).hexdigest()
    name = f"{stem}-{digest[:16]}.parquet"
    os.replace(path, folder / name)
    tail = hashlib.sha256(data[-TAIL_BYTES:]).hexdigest()
    return {"file": name, "rows": rows.height, "sha256": digest, "bytes": len(data), "tail": tail}


def what_is_wrong(folder: Path, entry: Mapping[str, Any], *, whole: bool = False) -> str:
    """What tells a stored file from the one that was written: nothing, where size and end (or all of it) agree."""
    path = folder / entry["file"]
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size != entry.get("bytes", size):
                return f"has {size:,} bytes, and was written with {entry['bytes']:,}"
            if whole:
                same = hashlib.file_digest(file, "sha256").hexdigest() == entry["sha256"]
            else:
                file.seek(max(0, size - TAIL_BYTES))
                same = hashlib.sha256(file.read()).hexdigest() == entry.get("tail") if "tail" in entry else True
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if same else "is not the one that was written: its content differs"
