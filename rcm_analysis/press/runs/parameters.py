"""Parameters of a report, checked before a kernel starts.

papermill only warns about an unknown name and turns numpy integers, flags and dates into text. For a
house with many clients that is a disclosure, so here a name the template does not declare is refused,
and a value either becomes exactly what the template declares or is refused as well. Dates and periods
travel as ISO text.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ...errors import ParameterError
from ...periods import Period
from .templates import DAY, Parameter, Template


def check_parameters(template: Template, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter of the template with its value: the given ones converted, the others by default.

    Raises ParameterError for an unknown name, a wrong type and a required parameter that is missing;
    all of a template's faults are told at once.
    """
    faults: list[str] = []
    values: dict[str, Any] = {}
    for name, value in given.items():
        parameter = template.parameter(str(name))
        try:
            values[parameter.name] = convert(parameter, value)
        except ParameterError as error:
            faults.append(str(error))
    for parameter in template.parameters:
        values.setdefault(parameter.name, parameter.default)
        if parameter.required and values[parameter.name] == "" and not any(parameter.name in fault for fault in faults):
            note = f" ({parameter.help})" if parameter.help else ""
            faults.append(f"{parameter.name} must be given{note}.")
    if faults:
        raise ParameterError(f"{template.name}: {' '.join(faults)} Nothing was run.")
    return {parameter.name: values[parameter.name] for parameter in template.parameters}


def convert(parameter: Parameter, value: Any) -> Any:
    """`value` as the type the template declares, or ParameterError; the value itself is never printed.

    >>> convert(Parameter("as_of", "str", ""), dt.date(2026, 10, 31))
    '2026-10-31'
    >>> convert(Parameter("weeks", "int", 4), True)
    Traceback (most recent call last):
    ...
    rcm_analysis.errors.ParameterError: weeks must be int; found bool.
    >>> convert(Parameter("week_ending", "str", "month end", "last day of the week, YYYY-MM-DD"), "month end")
    'month end'
    """
    plain = _plain(value)
    if plain is None and parameter.may_be_none:
        return None
    try:
        made = _as_kind(plain, parameter.kind, parameter.items)
    except (TypeError, ValueError, OverflowError) as error:
        found = type(value).__name__ + (f" with {error}" if str(error) else "")
        raise ParameterError(f"{parameter.name} must be {parameter.type_text}; found {found}.") from error
    if parameter.form and made not in ("", parameter.default):
        _check_date(parameter, made)
    return made


def _check_date(parameter: Parameter, text: str) -> None:
    """A day or a month that is none would otherwise be found by the kernel, minutes later."""
    try:
        if parameter.form == DAY:
            dt.date.fromisoformat(text)
        else:
            Period.month(text)
        good = len(text) == len(parameter.form)  # ISO knows more ways to write a day: 20261016, 2026-W42-5
    except (ValueError, ParameterError):
        good = False
    if not good:
        other = f", or {parameter.default!r}" if parameter.default else ""
        what, example = ("day", "2026-10-16") if parameter.form == DAY else ("month", "2026-10")
        raise ParameterError(
            f"{parameter.name} must be a {what} written {parameter.form}, such as {example}{other}; the text "
            "given is not one."
        )


def from_text(parameter: Parameter, text: str) -> Any:
    """A value typed on a command line, as the type the template declares.

    >>> from_text(Parameter("weeks", "int", 4), "12"), from_text(Parameter("payers", "list", [], items="str"), "A,B")
    (12, ['A', 'B'])
    """
    try:
        return convert(parameter, _read(parameter, text.strip()))
    except ValueError as error:
        raise ParameterError(f"{parameter.name} must be {parameter.type_text}; the text given is not one.") from error


def _read(parameter: Parameter, text: str) -> Any:
    if parameter.may_be_none and text.lower() in ("none", "null"):
        return None
    if parameter.kind == "bool":
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in words:
            raise ValueError
        return words[text.lower()]
    if parameter.kind == "list" and not text.startswith("["):
        item = Parameter(parameter.name, parameter.items or "str", None)
        return [_read(item, part.strip()) for part in text.split(",") if part.strip()]
    if parameter.kind in ("list", "dict"):
        return json.loads(text)
    return {"int": int, "float": float}.get(parameter.kind, str)(text)


def _plain(value: Any) -> Any:
    """numpy, pandas, dates, periods and decimals as Python's own values; the rest unchanged."""
    if type(value).__module__.partition(".")[0] == "numpy":
        value = value.tolist()
    if isinstance(value, Period):
        return value.label
    if type(value).__name__ == "Period":
        return str(value)
    if isinstance(value, dt.datetime):
        whole_day = value == value and value.tzinfo is None and value.time() == dt.time()
        return value.date().isoformat() if whole_day else (value.isoformat() if value == value else None)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [_plain(item) for item in items]
    return value


def _as_kind(value: Any, kind: str, items: str | None = None) -> Any:
    if isinstance(value, bool) != (kind == "bool"):
        raise TypeError
    if kind == "int" and isinstance(value, (int, Decimal)) and value == int(value):
        return int(value)
    if kind == "float" and isinstance(value, (int, float, Decimal)):
        if not math.isfinite(value):
            raise ValueError("no finite value")
        return float(value)
    if kind == "str" and isinstance(value, (str, Decimal)):
        return str(value)
    if kind == "bool":
        return value
    if kind == "list" and isinstance(value, list):
        return [_as_kind(item, items) if items else _json(item) for item in value]
    if kind == "dict" and isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("keys that are not text")
        return {key: _as_kind(item, items) if items else _json(item) for key, item in value.items()}
    raise TypeError


def _json(value: Any) -> Any:
    """An item of an untyped list or dict: anything JSON can hold."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise TypeError(f"an item of type {type(value).__name__}")
