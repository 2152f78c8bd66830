"""The error tree: what a user can be told in one message.

    RcmError
    ├── SourceError      a raw file cannot be read as what it should be
    ├── TableError       a table lacks columns, or holds what its grain forbids
    ├── ClientError      an unknown client, or a registry that contradicts itself
    ├── ParameterError   a report parameter that is unknown, missing or of the wrong type
    │   └── NotThere     a page, table or public name that does not exist: also what Python expects there
    ├── StoreError       the store cannot be read, or may not be written
    └── RunError         a report that did not finish

Every message says what was expected, what was found, where, how many, and what to do. It never
carries a cell value: column names, rules, counts and row numbers only. `cli.py` prints the
message without a traceback; anything that is not an `RcmError` is a fault of ours.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path


class RcmError(Exception):
    """Root of everything the user can put right."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the message, and not the way to it."""
        return [f"{type(self).__name__}: {self}"]


class SourceError(RcmError):
    """A raw file is not what it should be."""


class TableError(RcmError):
    """A table lacks columns or breaks its own grain."""


class ClientError(RcmError):
    """A client is unknown, or its settings contradict themselves."""


class ParameterError(RcmError):
    """A report parameter is unknown, missing or of the wrong type."""


class NotThere(ParameterError, AttributeError, KeyError):
    """A page, table or public name that does not exist.

    >>> str(NotThere("There is no page agin."))
    'There is no page agin.'
    """

    __str__ = Exception.__str__


class StoreError(RcmError):
    """The store cannot be read or may not be written."""


class RunError(RcmError):
    """A report did not finish."""


def stopped(error: BaseException) -> SourceError:
    """What to tell where a file made a reader of ours stop: its refusal, with the place in our code and no value of it.

    >>> str(stopped(SourceError("the file is empty")))
    'the file is empty'
    """
    if isinstance(error, RcmError):
        return SourceError(str(error))
    if isinstance(error, OSError):
        return SourceError(f"The file cannot be read: {error.strerror}. Look at its permissions, or ask for it again.")
    places = traceback.extract_tb(error.__traceback__)
    where = next((place for place in reversed(places) if "rcm_analysis" in place.filename), None)
    at = f" in {Path(where.filename).name}, line {where.lineno}" if where else ""
    return SourceError(
        f"The file stopped our reader ({type(error).__name__}{at}), which is a fault of ours. Nothing of it was "
        "stored; the "
        "other files were read. Report this line to whoever keeps rcm_analysis, and never the file itself."
    )


def closest(word: str, known: Iterable[str]) -> str:
    """ " Closest: x." for the known word most like `word`, or nothing.

    >>> closest("cleint", ["client", "period"])
    ' Closest: client.'
    >>> closest("zzz", ["client", "period"])
    ''
    """
    match = difflib.get_close_matches(str(word), list(known), n=1)
    return f" Closest: {match[0]}." if match else ""


def listed(words: Iterable[str], limit: int = 12) -> str:
    """The words as one line, cut after `limit` with the number left out.

    >>> listed(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    words = list(words)
    if len(words) <= limit:
        return ", ".join(words)
    return f"{', '.join(words[:limit])} and {len(words) - limit} more"
