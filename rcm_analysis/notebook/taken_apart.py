"""A page of a report taken apart: the calls of measures and models that made it, as a cell that gives the same numbers.

The page is made once more while every call that an exhibit makes of measures, models and the ledger is noted with its
arguments; each becomes a line. What one call gives to the next is named, so that the lines stand by themselves.
"""

from __future__ import annotations

import datetime as dt
import enum
import inspect
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from types import FrameType
from typing import Any

import pandas as pd

from ..exhibits.pages import OWN
from ..measures.menu import record_of
from ..periods import Period
from ..tables.store import Tables
from .results import Words

PACKAGE = __name__.split(".")[0]
ABOVE = (f"{PACKAGE}.exhibits", OWN)
BELOW = tuple(f"{PACKAGE}.{room}." for room in ("measures", "models", "ledger"))
KEEPER = (f"{PACKAGE}.tables.frames", "answer")
"""The wrapper that keeps answers: it knows the function that was asked."""
PUBLISHED = (f"{PACKAGE}.exhibits.patient_engagement_review.published", "as_published")
"""What gives the tables whose small numbers are hidden: the only preparation of tables above the measures."""
OF_THE_SUBJECT = ("pandas", "relations", "never_billed")
ARITHMETIC = f"{PACKAGE}.ledger.ratios"
PLAIN = (bool, int, float, str, tuple, dt.date)
NAMELESS = inspect.CO_GENERATOR | inspect.CO_COROUTINE


class Cell(Words):
    """The code of a cell: shown as it is pasted; `.insert()` puts it into the next cell of the notebook."""

    calls: tuple[Call, ...] = ()

    def insert(self) -> None:
        """Put the code into the next cell of the notebook."""
        from IPython import get_ipython

        get_ipython().set_next_input(str(self), replace=False)


@dataclass
class Call:
    """One call that an exhibit made, what came of it, and the name that the cell gives to that."""

    function: Callable[..., Any] | str
    given: Mapping[str, Any]
    result: Any = None
    kept: Any = None
    name: str = ""


def cell_of(report: Any, page: str | Callable[[], Any]) -> Cell:
    """The cell that gives the numbers of a page of an opened report.

    Raises
        NotThere for a page that the report has not: it names the closest.
    """
    name, again = report.review.again(getattr(report.review, page) if isinstance(page, str) else page)
    subject = report.subject
    held = {f"report.subject.{one.name}": one.name for one in fields(subject) if not one.name.startswith("_")}
    known = {place: getattr(subject, name) for place, name in held.items()}
    return taken_apart(report, name, again, {"report.tables": report.tables, **known, "report.subject": subject})


def taken_apart(report: Any, page: str, again: Callable[[], Any], known: Mapping[str, Any]) -> Cell:
    """The calls of a page that `again` makes anew, as a cell; `known` are values that a cell finds, by their names."""
    calls: list[Call] = []
    with _noted(calls):
        again()
    return _written(_Writer(report, known), page, calls)


# ---------------------------------------------------------------- what a page calls
@contextmanager
def _noted(calls: list[Call]) -> Iterator[None]:
    """Note every call from an exhibit into measures, models, the ledger or its subject; not what those call in turn."""
    inside: list[FrameType] = []

    def notice(frame: FrameType, event: str, value: Any) -> None:
        if event == "call" and not inside:
            call = _call_of(frame)
            if call:
                inside.append(frame)
                calls.append(call)
        elif event == "return" and inside and frame is inside[0]:
            inside.clear()
            calls[-1].result = value
            calls[-1].kept = value.copy() if isinstance(value, (pd.DataFrame, pd.Series)) else value

    before = sys.getprofile()
    sys.setprofile(notice)
    try:
        yield
    finally:
        sys.setprofile(before)


def _call_of(frame: FrameType) -> Call | None:
    code, module = frame.f_code, frame.f_globals.get("__name__", "")
    caller = frame.f_back.f_globals.get("__name__", "") if frame.f_back else ""
    if not caller.startswith(ABOVE) or code.co_flags & NAMELESS:
        return None
    if (module, code.co_name) == KEEPER:
        function, named = frame.f_locals["function"], frame.f_locals["named"]
        names = list(inspect.signature(function).parameters)
        given = {"tables": frame.f_locals["tables"], **dict(zip(names[1:], frame.f_locals["places"], strict=False))}
        return Call(function, given | named) if function.__module__.startswith(BELOW) else None
    if module == f"{PACKAGE}.exhibits.subject" and code.co_name in OF_THE_SUBJECT:
        table = frame.f_locals.get("table")
        return Call(f".{code.co_name}" + (f'("{table}")' if table else ""), {"self": frame.f_locals["self"]})
    if (module, code.co_name) == PUBLISHED:
        return Call(frame.f_globals[code.co_name], _arguments(frame))
    if not module.startswith(BELOW) or module == ARITHMETIC:
        return None
    function = frame.f_globals.get(code.co_name)
    if code.co_qualname != code.co_name or not callable(function) or isinstance(function, type):
        return None
    return Call(function, _arguments(frame))


def _arguments(frame: FrameType) -> dict[str, Any]:
    given = inspect.getargvalues(frame)
    named = {name: given.locals[name] for name in given.args}
    more = given.locals[given.varargs] if given.varargs else ()
    return named | ({"*": more} if more else {}) | (given.locals[given.keywords] if given.keywords else {})


# ---------------------------------------------------------------- as code
class _Unsayable(Exception):
    """A value that no line of code gives."""


def _written(writer: _Writer, page: str, calls: list[Call]) -> Cell:
    lines, left_out = [], []
    for call in calls:
        try:
            lines += writer.line(call)
        except _Unsayable:
            left_out.append(getattr(call.function, "__name__", str(call.function)))
    said = [call for call in calls if call.name]
    head = [f"# What made report.review.{page}()", *writer.imports()]
    if left_out:
        head.append(f"# Made of these, with frames that the page prepares: {', '.join(dict.fromkeys(left_out))}")
    if not said:
        head.append("# Nothing is measured on this page: it shows what the report and its settings say.")
    shown = next((call.name for call in said if isinstance(call.result, pd.DataFrame)), "")
    cell = Cell("\n".join([*head, "", *lines, *([f"report.readable({shown})"] if shown else [])]).strip())
    cell.calls = tuple(said)
    return cell


class _Writer:
    """Calls as lines: values that came from earlier calls, or from the report, by their names."""

    def __init__(self, report: Any, known: Mapping[str, Any]) -> None:
        self.report, self.names, self.modules, self.written = report, dict[int, str](), set[str](), dict[str, str]()
        self.held: list[tuple[Any, str]] = []
        for name, value in known.items():
            self._know(value, name)

    def imports(self) -> list[str]:
        return sorted(self.modules)

    def line(self, call: Call) -> list[str]:
        function = call.function
        text = self._of_subject(call) if isinstance(function, str) else self._call(function, call.given)
        if text in self.written:
            self._know(call.result, self.written[text])
            return []
        stem = getattr(call.function, "__name__", text.split(".")[-1].split("(")[0])
        if isinstance(function, str):
            stem = re.sub(r'\w+\("(\w+)"\)', r"\1", function[1:])
        taken = {one.rpartition("_")[0] if one.rpartition("_")[2].isdigit() else one for one in self.written.values()}
        number = sum(one == stem or one.startswith(f"{stem}_") for one in self.written.values()) + 1
        call.name = f"{stem}_{number}" if stem in taken else stem
        if call.name == stem and stem in self.modules_names():
            call.name = f"{stem}_1"
        self.written[text] = call.name
        self._know(call.result, call.name)
        return [f"{call.name} = {text}"]

    def modules_names(self) -> set[str]:
        return {line.split(" import ")[1] for line in self.modules if " import " in line} | {"rcm", "dt"}

    def _of_subject(self, call: Call) -> str:
        """What a report's subject was asked, or the subject at an earlier close."""
        mine, asked = self.report.subject, call.given["self"]
        if (asked.period, asked.as_of) == (mine.period, mine.as_of):
            return f"report.subject{call.function}"
        if asked.as_of != asked.period.last_day:
            raise _Unsayable
        return f"report.subject.at_close({self._period(asked.period)}){call.function}"

    def _call(self, function: Callable[..., Any], given: Mapping[str, Any]) -> str:
        takes = inspect.signature(function).parameters
        parts = []
        for name, value in given.items():
            if name in takes and _same(value, takes[name].default):
                continue
            if name == "*":
                parts += [self.say(one) for one in value]
                continue
            by_place = (
                name in takes
                and takes[name].kind is not inspect.Parameter.KEYWORD_ONLY
                and len(parts) == list(takes).index(name)
            )
            parts.append(self.say(value) if by_place else f"{name}={self.say(value)}")
        return f"{self._function(function)}({', '.join(parts)})"

    def _function(self, function: Callable[..., Any]) -> str:
        if record_of(function):
            self.modules.add("import rcm_analysis as rcm")
            return f"rcm.measures.{function.__name__}"
        self.modules.add(f"from {function.__module__} import {function.__name__}")
        return function.__name__

    def say(self, value: Any) -> str:
        """A value as code.

        Raises
            _Unsayable where no line gives it.
        """
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if value is None or isinstance(value, (bool, int, float, str)) and not isinstance(value, enum.Enum):
            return repr(value)
        if id(value) in self.names:
            return self.names[id(value)]
        if value is pd.NaT:
            return self._stamp(value)
        if isinstance(value, dt.date):
            return self._day(value)
        if isinstance(value, Period):
            return self._period(value)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._several(value)
        if isinstance(value, Tables):
            return self._tables(value)
        if isinstance(value, Mapping):
            said = {
                key: self._stamp(one) if isinstance(one, pd.Timestamp) else self.say(one) for key, one in value.items()
            }
            return "{" + ", ".join(f"{self.say(key)}: {one}" for key, one in said.items()) + "}"
        if isinstance(value, pd.DataFrame):
            return self._equal(value)
        if callable(value) and hasattr(value, "__qualname__") and "<" not in value.__qualname__:
            return self._function(value)
        if is_dataclass(value) and not isinstance(value, type):
            kind = type(value)
            self.modules.add(f"from {kind.__module__} import {kind.__name__}")
            parts = [f"{one.name}={self.say(getattr(value, one.name))}" for one in fields(value) if one.init]
            return f"{kind.__name__}({', '.join(parts)})"
        raise _Unsayable

    def _tables(self, tables: Tables) -> str:
        """The report's tables as they were known on an earlier day."""
        if not isinstance(self.report.tables, Tables) or tables.as_of is None:
            raise _Unsayable
        if self.report.tables.as_known_on(tables.as_of) is not tables:
            raise _Unsayable
        return f"report.tables.as_known_on({self._day(tables.as_of)})"

    def _stamp(self, value: Any) -> str:
        """A day as a row of a frame holds it: it is compared with columns."""
        self.modules.add("import pandas as pd")
        return "pd.NaT" if value is pd.NaT else f'pd.Timestamp("{value}")'

    def _day(self, day: dt.date) -> str:
        if day == self.report.as_of:
            return "report.as_of"
        self.modules.add("import datetime as dt")
        return f"dt.date({day.year}, {day.month}, {day.day})"

    def _period(self, period: Period) -> str:
        mine = self.report.period
        if period == mine:
            return "report.period"
        months = len(period.months())
        if period == mine.trailing(months):
            return f"report.period.trailing({months})"
        self.modules.add("from rcm_analysis import Period")
        if period == Period.of(period.last_day):
            return f'Period.month("{period.label}")'
        return f"Period({self._day(period.first_day)}, {self._day(period.end)})"

    def _several(self, value: Any) -> str:
        inner = ", ".join(self.say(one) for one in value)
        if isinstance(value, tuple):
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        kind = type(value).__name__
        return f"[{inner}]" if kind == "list" else f"{kind}([{inner}])"

    def _equal(self, frame: pd.DataFrame) -> str:
        """A frame that is another object with the same values."""
        for one, name in self.held:
            if isinstance(one, pd.DataFrame) and one.shape == frame.shape and one.equals(frame):
                return name
        raise _Unsayable

    def _know(self, value: Any, name: str) -> None:
        if value is None or isinstance(value, (bool, int, float, str, dt.date, Period)) or id(value) in self.names:
            return
        self.names[id(value)] = name
        self.held.append((value, name))
        if isinstance(value, tuple) and not name.startswith("report."):
            for place, one in enumerate(value):
                self._know(one, f"{name}[{place}]")
        elif is_dataclass(value) and not name.startswith("report."):
            for one in fields(value):
                self._know(getattr(value, one.name, None), f"{name}.{one.name}")


def _same(value: Any, other: Any) -> bool:
    """Whether a value that can be told apart by a glance is the one that a function takes by itself."""
    if isinstance(value, list):
        value = tuple(value)
    return value is other or (type(value) is type(other) and isinstance(value, PLAIN) and value == other)
