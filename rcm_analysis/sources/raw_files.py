"""Raw files as they lie in a client's folder: whose each is, what archives hold, and what is no data at all.

Months in subfolders, archives in archives, files that an office program or an operating system left behind: each file
is handed on to be read, or named with what it is and what to do.
"""

from __future__ import annotations

import codecs
import contextlib
import functools
import gzip
import hashlib
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from ..errors import SourceError, closest, listed
from ..tables.disk import temporary_folder
from ..tables.workspace import Workspace
from .worklist import notes as worklist_notes
from .x12 import claim837, remit835
from .x12 import segments as x12
from .x12.intake import npis_of

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
MOST_BYTES = 8_000_000_000
"""An archive that unpacks to more is not unpacked."""
MOST_DEPTH = 4
LEFT_BEHIND: tuple[tuple[str, str], ...] = (
    (r"~\$.*|\.~lock\..*", "a lock file: somebody had the workbook of this name open"),
    (r"\._.*|\.DS_Store|__MACOSX|Icon\r?", "a file of macOS"),
    (r"Thumbs\.db|desktop\.ini|ehthumbs\.db", "a file of Windows"),
    (r"\..*", "a hidden file"),
)
"""Names of files that programs leave beside the data, and what they are; nobody has to see them."""


@dataclass(frozen=True)
class RawFile:
    """One file to be read: where its bytes lie, and the file of the raw folder that holds it, itself or as an archive.

    `inside` is its path within the archive. `why` says why the file cannot be read, `what` that it is no data.
    """

    path: Path
    holder: Path
    inside: str = ""
    why: str = ""
    what: str = ""


def find_files(workspace: Workspace, paths: Sequence[Path] = (), *, client: str | None = None) -> dict[str, list[Path]]:
    """The raw files by client: `raw/<client>/**`, or the files and folders named.

    A file belongs to `client` when one is named, else to the registry's client after whom a folder
    above it is called, else, for an 835 or 837, to the client whose NPI it carries.

    Raises
        SourceError: a path does not exist, or a file cannot be given to a client.
        ClientError: an unknown client.
    """
    known = workspace.clients()
    if client is not None:
        workspace.registry.client(client)
    raw = workspace.paths["raw"]
    roots = [Path(path) for path in paths] or ([raw / client] if client else [raw])
    absent = [str(path) for path in roots if not path.exists()]
    if absent:
        raise SourceError(f"Nothing to read at {listed(absent)}: no such file or folder.")
    found: dict[str, list[Path]] = {}
    for root in roots:
        files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
        for path in files:
            if path.name.endswith(worklist_notes.REFUSED_SUFFIX):
                continue
            owner = client or _owner(workspace, path, known)
            if owner:
                found.setdefault(owner, []).append(path)
    return {owner: files for owner, files in found.items() if any(not left_behind(path) for path in files)}


def left_behind(path: Path | PurePosixPath) -> str:
    """What a file is that a program left beside the data; empty for one that may be data.

    >>> left_behind(PurePosixPath("2026-10/~$charges.xlsx"))
    'a lock file: somebody had the workbook of this name open'
    >>> left_behind(PurePosixPath("2026-10/charges (1).xlsx"))
    ''
    """
    names = (path.name, *(part for part in path.parts if part == "__MACOSX"))
    return next((what for pattern, what in LEFT_BEHIND for name in names if re.fullmatch(pattern, name)), "")


def _owner(workspace: Workspace, path: Path, known: Iterable[str]) -> str | None:
    for parent in path.resolve().parents:
        if parent.name in known:
            return parent.name
    if left_behind(path):
        return None
    data = path.read_bytes()
    for reader, kind in ((remit835.read_835, "835"), (claim837.read_837, "837")):
        if kind in x12.kind_of(data):
            owners = {workspace.registry.client_of_npi(npi) for npi in npis_of(reader(data))}
            owner = owners.pop() if len(owners) == 1 else None
            if owner:
                return owner
    raw = workspace.paths["raw"]
    raise SourceError(
        f"{path.name}: no client can be told from its folder or its NPI. Put it under "
        f"{raw.name}/<client>/, or name the client with --client."
        + (closest(path.parent.name, known) if path.parent != raw else "")
    )


def missing_files(workspace: Workspace, client: str, paths: Sequence[Path]) -> list[str]:
    """Names of files that the client's store was made from and that are not among these; none where its manifest is
    damaged, as nobody can tell."""
    taken = workspace.store.taken_files(client)
    with unpacked(paths) as files:
        here = {stamp_of(file.path.read_bytes()) for file in files if not file.why and not file.what}
    return sorted({entry["name"] for stamp, entry in taken.items() if stamp.partition("+")[0] not in here})


def stamp_of(data: bytes) -> str:
    """What tells the contents of files apart; line ends and a byte order mark do not count in a text.

    >>> stamp_of(b"a,b\\r\\n1,2\\r\\n") == stamp_of(codecs.BOM_UTF8 + b"a,b\\n1,2\\n")
    True
    """
    if not data.startswith((ZIP, GZIP)) and b"\0" not in data[:4096]:
        data = data.removeprefix(codecs.BOM_UTF8)
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def unpacked(paths: Iterable[Path]) -> Iterator[list[RawFile]]:
    """The files, archives replaced by what they hold; what was unpacked is gone when the context ends."""
    with contextlib.ExitStack() as stack:
        place = functools.cache(lambda: stack.enter_context(temporary_folder("unpacked")))
        yield [file for path in sorted(paths) for file in _opened(RawFile(path, path), place, 0)]


def _opened(file: RawFile, place: Callable[[], Path], depth: int) -> Iterator[RawFile]:
    """The file itself, or what it holds."""
    what = left_behind(PurePosixPath(file.inside) if file.inside else file.path)
    if what:
        yield RawFile(file.path, file.holder, file.inside, what=what)
        return
    try:
        start = _start(file.path)
        members = _members(file, start)
        if members is None:
            yield file
            return
        if depth == MOST_DEPTH:
            raise SourceError(
                f"archives within archives, more than {MOST_DEPTH} deep; unpack it and put its files here"
            )
        for name, stream in members:
            target = Path(tempfile.mkdtemp(dir=place())) / PurePosixPath(name).name
            with stream, target.open("wb") as out:
                shutil.copyfileobj(stream, out, 1 << 20)
            inside = "/".join(filter(None, (file.inside, name)))
            yield from _opened(RawFile(target, file.holder, inside), place, depth + 1)
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        why = f"an archive that cannot be unpacked ({type(error).__name__}); it is damaged, or uses a method we lack"
        yield RawFile(file.path, file.holder, file.inside, why=f"{why}. Unpack it and put its files here, or ask again")
    except SourceError as error:
        yield RawFile(file.path, file.holder, file.inside, why=str(error))


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _members(file: RawFile, start: bytes) -> Iterator[tuple[str, BinaryIO]] | None:
    """The names and contents of an archive's files; nothing for a file that is none, or a workbook."""
    if start.startswith(GZIP):
        name = PurePosixPath(file.path.name)
        return iter(
            [(name.stem if name.suffix in (".gz", ".gzip") else name.name, cast(BinaryIO, gzip.open(file.path)))]
        )
    if start != ZIP or not zipfile.is_zipfile(file.path):
        return None
    with zipfile.ZipFile(file.path) as archive:
        names = [item.filename for item in archive.infolist()]
        if "[Content_Types].xml" in names or "mimetype" in names:  # an office document is a zip file, too
            return None
        inside = [item for item in archive.infolist() if not item.is_dir()]
        if any(item.flag_bits & 1 for item in inside):
            raise SourceError("an archive with a password; unpack it and put its files here")
        if sum(item.file_size for item in inside) > MOST_BYTES:
            raise SourceError(f"an archive that unpacks to more than {MOST_BYTES:,} bytes; nothing of it was read")
    return _zip_members(file.path)


def _zip_members(path: Path) -> Iterator[tuple[str, BinaryIO]]:
    with zipfile.ZipFile(path) as archive:
        for item in sorted(archive.infolist(), key=lambda item: item.filename):
            if not item.is_dir():
                parts = PurePosixPath(item.filename.replace("\\", "/")).parts
                name = "/".join(part for part in parts if part not in ("/", "..", ".") and not part.endswith(":"))
                yield name or "file", cast(BinaryIO, archive.open(item))
