"""Folders that live on an object store (S3, Google Cloud, Azure), and their copies on this machine.

A `Remote` is a URL that fsspec knows and the local folder that holds copies of what is there. Every object is put
whole, and what says that a set of objects is complete (a manifest) is put last, so that a reader finds the old state,
or the new one, and never half of one. A copy gets its name when all of it is on the disk.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import StoreError, listed
from .disk import OWNER_FILE, PARTIAL, make_folder

AZURE = ("abfs", "abfss", "az")
CONDITIONAL = ("s3", "s3a", *AZURE)
"""Where an object can be replaced on the condition that nobody replaced it since it was read."""
CREATED = (*CONDITIONAL, "gs", "gcs")
"""Where an object can be put on the condition that there is none of that name."""

AT_ONCE = 64
"""Files on their way at a time."""


class Taken(Exception):
    """Somebody else put the object since it was read."""


@dataclass(frozen=True)
class Remote:
    """An address below which objects lie, and the folder of this machine with copies of them under the same names."""

    url: str
    folder: Path

    def below(self, name: str) -> Remote:
        """A folder of this one."""
        return Remote(f"{self.url.rstrip('/')}/{name}", self.folder / name)

    @property
    def kind(self) -> str:
        return self.url.partition("://")[0]

    def names(self, prefix: str = "") -> dict[str, Mapping[str, Any]]:
        """Every object whose name begins so, with what the store tells of it."""
        place = self._at(prefix).rstrip("/")
        with self._reached() as files:
            files.invalidate_cache()
            found = files.find(place, detail=True)
            if not isinstance(found, dict):  # adlfs names a single object alone
                found = {path: files.info(path) for path in found}
            root = self._stripped(files)
            return {path[len(root) :].lstrip("/"): told for path, told in found.items()}

    def folders(self) -> list[str]:
        """The names of the folders directly below."""
        with self._reached() as files:
            files.invalidate_cache()
            try:
                found = files.ls(self.url, detail=True)
            except FileNotFoundError:
                return []
            return sorted(one["name"].rstrip("/").rpartition("/")[2] for one in found if one["type"] == "directory")

    def read(self, name: str) -> bytes | None:
        """One object; None where there is none."""
        return self.read_many([name])[name]

    def read_many(self, names: Iterable[str]) -> dict[str, bytes | None]:
        """Small objects at once, None for each that is not there."""
        places = {self._at(name): name for name in names}
        if not places:
            return {}
        with self._reached() as files:
            given = {files._strip_protocol(place): name for place, name in places.items()}
            found = files.cat(list(given), on_error="return")
            if not isinstance(found, dict):  # one path, one answer
                found = {next(iter(given)): found}
            for answer in found.values():
                if isinstance(answer, Exception) and not isinstance(answer, FileNotFoundError):
                    raise answer
            return {name: data if isinstance(data := found.get(path), bytes) else None for path, name in given.items()}

    def fetch(self, names: Iterable[str], into: Path | None = None) -> None:
        """Copy objects to their places in the folder (or `into` another one); those that are not there stay away."""
        places = {name: (into or self.folder) / name for name in names}
        mark = f".{os.getpid()}-{secrets.token_hex(4)}{PARTIAL}"
        beside = {name: path.with_name(path.name + mark) for name, path in places.items()}
        for path in places.values():
            make_folder(path.parent)
        with self._reached() as files:
            try:
                self._get(files, beside)
                for name, path in beside.items():
                    if path.exists():
                        path.chmod(OWNER_FILE)
                        os.replace(path, places[name])
            finally:
                for path in beside.values():
                    path.unlink(missing_ok=True)

    def _get(self, files: Any, beside: Mapping[str, Path]) -> None:
        """All at once; where one of them is not there, one by one."""
        names = list(beside)
        for start in range(0, len(names), AT_ONCE):
            part = names[start : start + AT_ONCE]
            try:
                files.get([self._at(name) for name in part], [str(beside[name]) for name in part])
            except FileNotFoundError:
                for name in part:
                    with contextlib.suppress(FileNotFoundError):
                        files.get_file(self._at(name), str(beside[name]))

    def put(self, names: Iterable[str]) -> None:
        """Put files of the folder under the same names; each appears when all of it is there."""
        places = list(names)
        with self._reached() as files:
            try:
                for start in range(0, len(places), AT_ONCE):
                    part = places[start : start + AT_ONCE]
                    files.put([str(self.folder / name) for name in part], [self._at(name) for name in part])
            except FileNotFoundError as error:
                raise StoreError(f"Nothing could be put to {self.url}: is there such a bucket? ({error})") from None

    def replace(self, name: str, data: bytes, expected: bytes | None) -> None:
        """Put one small object in the place of the one that was read (`expected`; None: there was none).

        Raises
            Taken where another one is there now: the store refuses it where it can, else we look just before.
        """
        with self._reached() as files:
            files.invalidate_cache()
            tag = self._tag(files, name)
            if self.read(name) != expected:
                raise Taken
            condition: dict[str, Any] = {}
            if expected is None and self.kind in CREATED:
                condition = {"mode": "create"}
            elif tag and self.kind in CONDITIONAL:
                condition = self._unchanged(tag)
            try:
                files.pipe_file(self._at(name), data, **condition)
            except Exception:
                now = self.read(name)
                if now == data:  # it was put, and only the answer was lost
                    return
                if now != expected:
                    raise Taken from None
                raise

    def _tag(self, files: Any, name: str) -> str:
        try:
            told = files.info(self._at(name))
        except FileNotFoundError:
            return ""
        return told.get("ETag") or told.get("etag") or ""

    def _unchanged(self, tag: str) -> dict[str, Any]:
        """What tells the store to put an object only where the one of this tag still stands."""
        if self.kind not in AZURE:
            return {"IfMatch": tag}
        from azure.core import MatchConditions

        return {"etag": tag, "match_condition": MatchConditions.IfNotModified}

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects, those that are not there too."""
        with self._reached() as files:
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    files.rm_file(self._at(name))

    def clear(
        self,
        before: Mapping[str, Mapping[str, Any]],
        manifest: str,
        *,
        keep: Collection[str],
        lasting: str,
        seconds: float,
    ) -> None:
        """Remove what was there `before` a manifest was put and is in use no more: nothing, where the one that it
        replaced had not stood for so many seconds, as somebody may still read what that one did not name.

        `keep` is what the two manifests name; what begins with `lasting` stays, too.
        """
        present = self.put_at(self.names(manifest).get(manifest, {}))
        if present - self.put_at(before.get(manifest, {})) > seconds:
            old = [name for name, told in before.items() if present - self.put_at(told) > seconds]
            self.remove(name for name in old if name not in {*keep, manifest} and not name.startswith(lasting))

    @staticmethod
    def put_at(told: Mapping[str, Any]) -> float:
        """When an object was put, in seconds since 1970, by what `names` says of it; infinity where it is silent."""
        put = told.get("LastModified") or told.get("last_modified") or told.get("mtime") or told.get("updated")
        if isinstance(put, str):
            put = dt.datetime.fromisoformat(put)
        return put.timestamp() if isinstance(put, dt.datetime) else float(put or "inf")

    def _at(self, name: str) -> str:
        return f"{self.url.rstrip('/')}/{name}"

    def _stripped(self, files: Any) -> str:
        return str(files._strip_protocol(self.url)).rstrip("/")

    @contextlib.contextmanager
    def _reached(self) -> Iterator[Any]:
        """The file system behind the address; whatever goes wrong with it is one sentence."""
        try:
            yield file_system(self.kind)
        except (StoreError, Taken, FileNotFoundError):
            raise
        except ImportError:
            raise StoreError(
                f"{self.url} needs a package that is not installed: pip install 'rcm_analysis[cloud]' for S3, "
                "pip install gcsfs for Google Cloud, pip install adlfs for Azure."
            ) from None
        except ValueError as error:
            raise StoreError(f"{self.url} is not an address that fsspec knows ({error}).") from None
        except Exception as error:
            why = " ".join(str(error).split())[:200]
            raise StoreError(
                f"{self.url} cannot be reached ({type(error).__name__}: {why}). Nothing was changed by this step; look "
                "at the address under [paths] in rcm.toml, the network and this machine's right to read and write."
            ) from error


def file_system(kind: str) -> Any:
    """The fsspec file system of a kind of address, which remembers no listing; its settings are the environment's."""
    import fsspec

    if kind not in fsspec.available_protocols():
        raise StoreError(f"{kind}:// is not an address that fsspec knows. Known: {listed(CREATED)}, file.")
    made = {"auto_mkdir": True} if kind in ("file", "local") else {}
    return fsspec.filesystem(kind, use_listings_cache=False, **made)
