"""What a person wrote (a TOML file, an input sheet, a title card) held against types, by pydantic, in our own words.

A type says what it expects with `says`, `one_of` or a ValueError; `checked` gives the value, or every fault at once
with its place, what was expected, what was found, and for a key nobody knows the closest known one. No wording
of pydantic's leaves this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError, WrapValidator
from pydantic_core import InitErrorDetails, PydanticCustomError

from ..errors import closest, listed

KNOWN_KEYS = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
"""`__pydantic_config__` of a dataclass that refuses a key it does not know; an id may be written as a number."""
KEY = "[key]"
"""How pydantic marks a fault of a key itself; the alias of a field that holds the key its section stands under."""
BESIDE = "<beside>"
OURS = {
    "string_type": "text",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "date": "a date such as 2026-10-01",
    "list": "a list",
    "tuple": "a list",
    "dict": "a section of key = value",
    "mapping": "a section of key = value",
    "model": "a section of key = value",
    "dataclass": "a section of key = value",
}
"""What is expected where a type does not say it, by the beginning of pydantic's name for the fault."""


@dataclass(frozen=True)
class Words:
    """How one kind of file is spoken of: the word before what was expected, and the sentence for an unknown key."""

    expects: str = ": expected"
    unknown: str = "{place}: unknown setting.{closest}"
    where: Callable[[str], str] = str
    """The place as the reader finds it, from its dotted key: a cell of a workbook, or the key itself."""

    def told(self, kind: Any, error: Mapping[str, Any]) -> str:
        """One fault as a sentence without its full stop."""
        name, context = error["type"], error.get("ctx", {})
        loc = [part for part in (*error["loc"], *context.get("below", ())) if part != KEY]
        place, section = self.where(context.get("at") or dotted(loc)), self.where(dotted(loc[:-1]))
        if name in ("unknown", "extra_forbidden", "unexpected_keyword_argument"):
            known = sorted(context.get("known") or _keys(kind, loc[:-1]))
            near = closest(str(loc[-1]), known)
            told = self.unknown.format(place=place, section=section, key=loc[-1], closest=near, known=listed(known, 30))
            return told.rstrip(".")
        if name.startswith("missing"):
            return f"{section}: missing {loc[-1]}"
        if name == "sentence":
            return f"{place}{context['text']}"
        if name in ("value_error", "expected"):
            wanted = str(context.get("error") or context["text"])
            wanted = wanted.replace(BESIDE, self.where(dotted([*loc[:-1], context.get("beside", "")])))
        else:
            wanted = next((ours for start, ours in OURS.items() if name.startswith(start)), "another kind of value")
        return f"{place}{self.expects} {wanted}; found {shown(context.get('found', error['input']))}"


def checked(kind: Any, raw: Any, words: Words, **context: Any) -> tuple[Any, list[str]]:
    """The raw value as `kind`, and no fault; or None, and every fault in words.

    >>> from typing import Annotated
    >>> checked(dict[str, Annotated[int, says("a whole number")]], {"weeks": "many"}, Words())
    (None, ["weeks: expected a whole number; found 'many'"])
    """
    try:
        return _adapter(kind).validate_python(raw, context=context), []
    except ValidationError as error:
        return None, list(dict.fromkeys(words.told(kind, fault) for fault in error.errors(include_url=False)))


_adapter = cache(TypeAdapter)


def says(text: str) -> WrapValidator:
    """Whatever is wrong with the annotated value, this was expected; true and false are never a number or a choice."""

    def run(value: Any, check: Callable[[Any], Any]) -> Any:
        try:
            if not isinstance(value, bool):
                return check(value)
        except ValidationError:
            pass
        raise expected(text)

    return WrapValidator(run)


def one_of(words: Iterable[str], show: Callable[[str], str] = str) -> BeforeValidator:
    """A text that is one of these words.

    >>> from typing import Annotated
    >>> checked(Annotated[str, one_of(["weekly", "monthly"])], "yearly", Words(" should be"))
    (None, [" should be one of weekly, monthly; found 'yearly'"])
    """
    words = tuple(words)

    def known(word: Any) -> str:
        if word not in words:
            raise ValueError(f"one of {listed(map(show, words))}")
        return word

    return BeforeValidator(known)


def expected(text: str, **more: Any) -> PydanticCustomError:
    """The fault that something else was expected than what was found.

    Of `more`, `found` stands for the value itself, `below` names parts of the place below it, `at` is another place
    altogether, and `beside` the key next to it whose place the text calls `BESIDE`.
    """
    return PydanticCustomError("expected", "expected", {"text": text, **more})


def said(sentence: str, **more: Any) -> PydanticCustomError:
    """A fault told by a sentence that follows its place as it stands."""
    return PydanticCustomError("sentence", "sentence", {"text": sentence.rstrip("."), **more})


def unknown(key: str, known: Iterable[str]) -> PydanticCustomError:
    """The fault of a key below the value at hand that is none of those known."""
    return PydanticCustomError("unknown", "unknown", {"known": tuple(known), "below": (key,)})


def refuse(faults: Iterable[PydanticCustomError]) -> None:
    """Raise all of these faults at once, if there are any."""
    lines = [InitErrorDetails(type=fault, input=None) for fault in faults]
    if lines:
        raise ValidationError.from_exception_data("", lines)


def dotted(loc: Iterable[str | int]) -> str:
    """The place as it is written in a file.

    >>> dotted(["rates", "rows", 0, "level"]), dotted(["rates", " (low, upstate)"])
    ('rates.rows[0].level', 'rates (low, upstate)')
    """
    out = ""
    for part in loc:
        out += f"[{part}]" if isinstance(part, int) else part if not out or part.startswith(" ") else f".{part}"
    return out


def shown(found: Any) -> str:
    """What was found, cut where it is long."""
    text = "nothing" if found is None else repr(found)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _keys(kind: Any, loc: Iterable[str | int]) -> set[str]:
    """The keys that are known at this place, read from the type's own schema."""
    schema = top = _adapter(kind).json_schema()
    for part in [*loc, None]:
        options = [schema, *schema.get("anyOf", ()), *schema.get("allOf", ())]
        schema = {}
        for option in options:
            schema |= top["$defs"][option["$ref"].rpartition("/")[2]] if "$ref" in option else option
        if isinstance(part, int):
            schema = schema.get("items", {})
        elif part is not None:
            schema = schema.get("properties", {}).get(part) or schema.get("additionalProperties") or {}
    return {key for key in schema.get("properties", ()) if not key.startswith("[")}
