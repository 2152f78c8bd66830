"""Column maps: what each column of one billing system's export means, as a TOML file that is checked when read.

A map has a `name` and one section for each kind of export. A section is named after the table it
fills; two exports that fill one table get two sections, each with `table = "..."`.

| key of a section | meaning |
|---|---|
| `table` | table of the store, where the section has another name |
| `delivery` | `month`: the rows replace every stored row of the months they touch; `full`: the table; `append`: by key |
| `columns` | our column = header, or list of header synonyms; `{join = [header, ...], with = ":"}` joins the filled ones of several columns, `{first = [header, ...]}` takes the first filled one. Case, blanks and punctuation of headers do not count |
| `optional` | our columns whose header may be missing from the file; any other header of the map must be there |
| `date_formats` | strptime patterns, tried in order; `"excel"` reads day numbers. ISO dates and timestamps are always read, real date cells of XLSX too |
| `earliest` | an earlier day is refused as impossible (default 1990-01-01); days in force (`effective_...`) are not checked |
| `encodings` | encodings of a CSV file, tried in order (default utf-8, cp1252) |
| `delimiter` | `","` `";"` `"\\t"` or `"\\|"`; found by itself when not given |
| `decimal` | `"."` (default) or `","` |
| `sheet` | XLSX: the sheet that holds the table; when not given, every sheet is tried |
| `empty` | words that mean an empty cell, such as `["N/A", "-"]` |
| `values.<column>` | file value = our value, in any case of letters; values not named pass unchanged |
| `constants` | our column = one value for every row |
| `defaults` | our column = the value of an empty cell |
| `sign.by` | transactions only: `kind` (amounts are magnitudes; charges, refunds and takebacks raise the receivable, payments, contractual and write-offs lower it, a transfer keeps its sign), `file` (already the effect), or `negate` |
| `amount_by` | transactions only: list of `{when = [...], amount = [header, ...], sign = "+" or "-"}`: which column holds the amount of rows whose `kind` cell is in `when`; `sign` (optional) overrides `sign.by` |
| `carry.<column>` | our column within whose equal values the last value is carried down to the empty cells below it; a ragged row between them stops it |
| `number.<column>` | our column within whose equal values the rows are numbered from 1, in file order |
| `take` | `header`, `rows`, `leave`: only rows whose cell is in `rows` belong to this table; those in `leave` belong to another; anything else is quarantined |
| `fill` | required columns this system does not export and intake completes: `claims.charge_cents`, from the charges posted |
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ...errors import SourceError, closest, listed
from ...tables.schema import TABLES, Table
from .values import SERIAL, is_monthly

DELIVERIES = ("month", "full", "append")
SIGNS = ("kind", "file", "negate")
DELIMITERS = (",", ";", "\t", "|")
FILLS = {"claims": ("charge_cents",)}
KEYS = (
    "table",
    "delivery",
    "columns",
    "optional",
    "date_formats",
    "encodings",
    "delimiter",
    "decimal",
    "sheet",
    "empty",
    "values",
    "constants",
    "defaults",
    "sign",
    "amount_by",
    "carry",
    "number",
    "take",
    "fill",
    "earliest",
)


@dataclass(frozen=True)
class Source:
    """The headers that hold a column: one list of synonyms; or several columns, joined or the first filled."""

    parts: tuple[tuple[str, ...], ...]
    join: str | None = None

    @property
    def title(self) -> str:
        """The headers as a person would look for them.

        >>> Source((("DOS", "Service Date"),)).title
        "'DOS' or 'Service Date'"
        """
        return " + ".join(" or ".join(repr(header) for header in part) for part in self.parts)


@dataclass(frozen=True)
class AmountRule:
    """The column that holds the amount of rows of certain kinds, and its sign where that is fixed."""

    when: tuple[str, ...]
    amount: Source
    sign: str | None = None


@dataclass(frozen=True)
class Take:
    """Which rows of a file that feeds several tables belong to this one."""

    header: Source
    rows: tuple[str, ...]
    leave: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """One kind of export and the table it fills. The keys are those of the module's table."""

    map_name: str
    name: str
    table: Table
    delivery: str
    columns: Mapping[str, Source]
    optional: tuple[str, ...] = ()
    date_formats: tuple[str, ...] = ()
    encodings: tuple[str, ...] = ("utf-8", "cp1252")
    delimiter: str | None = None
    decimal: str = "."
    sheet: str | None = None
    empty: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    sign: str | None = None
    amount_by: tuple[AmountRule, ...] = ()
    carry: Mapping[str, str] = field(default_factory=dict)
    number: Mapping[str, str] = field(default_factory=dict)
    take: Take | None = None
    fill: tuple[str, ...] = ()
    earliest: dt.date = dt.date(1990, 1, 1)

    @property
    def title(self) -> str:
        return f"{self.map_name} [{self.name}]"

    @property
    def sources(self) -> dict[str, Source]:
        """Everything the file must hold: our columns, and the columns of `amount_by` and `take`."""
        rules = {f"amount_by {position}": rule.amount for position, rule in enumerate(self.amount_by)}
        return {**self.columns, **rules, **({"take": self.take.header} if self.take else {})}


@dataclass(frozen=True)
class ColumnMap:
    """The exports of one billing system."""

    name: str
    sections: tuple[Section, ...]
    path: str = ""


@functools.lru_cache(maxsize=100_000)
def plain(header: str) -> str:
    """A header without case, blanks and punctuation.

    >>> plain(" Posting-Date "), plain("Txn #")
    ('postingdate', 'txn')
    """
    return re.sub(r"[\W_]+", "", header.casefold()) or header.strip()


def read_map(path: Path | str) -> ColumnMap:
    """The column map of a TOML file.

    Raises
        SourceError with every fault of the map at once: unknown tables, columns and keys with the
        closest known word, required columns without a source, values that the table does not know.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"The column map {path} cannot be read: {type(error).__name__}.") from error
    return parse_map(text, str(path))


def parse_map(text: str, where: str) -> ColumnMap:
    """The column map of a TOML text; `where` names it in messages."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"The column map {where} is not TOML: {error}.") from error
    faults: list[str] = []
    name = content.pop("name", None)
    if not isinstance(name, str) or not name.strip():
        faults.append('it needs a name, such as name = "layout_a"')
    sections = [_Reader(str(name), key, value, faults).section() for key, value in content.items()]
    if not content:
        faults.append("it has no section; name one after a table, such as [transactions]")
    if faults:
        raise SourceError(f"The column map {where} cannot be used: {'; '.join(faults)}.")
    return ColumnMap(name, tuple(section for section in sections if section), where)


class _Reader:
    """Reads one section and notes every fault with the place where it stands."""

    def __init__(self, map_name: str, name: str, content: Any, faults: list[str]) -> None:
        self.map_name, self.name, self.content, self.faults = map_name, name, content, faults

    def fault(self, message: str) -> None:
        self.faults.append(f"[{self.name}] {message}")

    def section(self) -> Section | None:
        if not isinstance(self.content, dict):
            return self.fault(f"should be a section, not a value.{closest(self.name, ['name', *TABLES])}")
        for key in self.content.keys() - set(KEYS):
            self.fault(f"has no key {key!r}.{closest(key, KEYS)}")
        table_name = self.content.get("table", self.name)
        if table_name not in TABLES:
            return self.fault(f"{table_name!r} is no table of the store.{closest(str(table_name), TABLES)}")
        self.table = TABLES[table_name]
        before = len(self.faults)
        section = self._build()
        if len(self.faults) == before:
            self._check(section)
        return section

    def _build(self) -> Section:
        columns = {key: self.source(value, f"columns.{key}") for key, value in self.mapping("columns").items()}
        self.known("columns", columns)
        return Section(
            map_name=self.map_name,
            name=self.name,
            table=self.table,
            delivery=self.choice("delivery", DELIVERIES, None),
            columns=columns,
            optional=self.words("optional", known=True),
            date_formats=self.formats(),
            encodings=self.encodings(),
            delimiter=self.choice("delimiter", DELIMITERS, ""),
            decimal=self.choice("decimal", (".", ","), "."),
            sheet=self.content.get("sheet"),
            empty=self.words("empty"),
            values=self.values(),
            constants=self.texts("constants"),
            defaults=self.texts("defaults"),
            sign=self.sign(),
            amount_by=self.amount_by(),
            carry=self.texts("carry"),
            number=self.texts("number"),
            take=self.take(),
            fill=self.words("fill", known=True),
            earliest=self.earliest(),
        )

    def _check(self, section: Section) -> None:
        """Faults that show only when the section is seen as a whole."""
        given = {*section.columns, *section.constants, *section.number, *section.fill, "client"}
        given |= set(section.table.money[:1]) if section.amount_by else set()
        for column in section.table.columns:
            if not column.empty and column.name not in given:
                self.fault(
                    f"{column.name} ({column.note}) is required and has no source; give it under columns or constants"
                )
        for key in section.fill:
            if key not in FILLS.get(section.table.name, ()):
                self.fault(f"fill: intake cannot complete {key}")
        for key, within in (*section.carry.items(), *section.number.items()):
            if within not in section.columns:
                self.fault(f"carry and number need a column of the file to work within; {key} names {within!r}")
        for key in section.carry:
            if key not in section.columns:
                self.fault(f"carry: {key} is not under columns")
        signed = section.amount_by and all(rule.sign for rule in section.amount_by)
        if section.table.name == "transactions" and not section.sign and not signed:
            self.fault('needs [transactions.sign] with by = "kind", "file" or "negate"')
        if section.amount_by and "kind" not in section.columns:
            self.fault("amount_by goes by the kind of a row, and kind is not under columns")
        if section.amount_by and section.table.money[0] in section.columns:
            self.fault(f"{section.table.money[0]} is given twice: under columns and by amount_by")

    def mapping(self, key: str) -> dict[str, Any]:
        value = self.content.get(key, {})
        if not isinstance(value, dict):
            self.fault(f"{key} should be a table of our column = ...")
            return {}
        return value

    def known(self, key: str, names: Iterable[str]) -> None:
        ours = [name for name in self.table.names if name != "client"]
        for name in names:
            if name not in ours:
                self.fault(
                    f"{key}: {self.table.name} has no column {name!r} that a file can give.{closest(name, ours)}"
                )

    def words(self, key: str, *, known: bool = False) -> tuple[str, ...]:
        value = self.content.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fault(f"{key} should be a list of texts")
            return ()
        if known:
            self.known(key, value)
        return tuple(value)

    def texts(self, key: str) -> dict[str, str]:
        """Values as the text a cell would hold, so that one reader serves both."""
        value = self.mapping(key)
        self.known(key, value)
        return {name: str(item).lower() if isinstance(item, bool) else str(item) for name, item in value.items()}

    def choice(self, key: str, known: tuple[str, ...], default: str | None) -> Any:
        value = self.content.get(key, default)
        if value == "" and default == "":
            return None
        if value not in known:
            found = "nothing" if value is None else repr(value)
            self.fault(f"{key} should be one of {listed(map(repr, known))}; found {found}")
        return value

    def source(self, value: Any, where: str) -> Source:
        several = isinstance(value, dict) and next(
            (key for key in ("join", "first") if isinstance(value.get(key), list)), None
        )
        if not several:
            return Source((self.synonyms(value, where),))
        if set(value) != ({"join", "with"} if several == "join" else {"first"}):
            self.fault(f'{where} should be {{join = [...], with = "..."}} or {{first = [...]}}')
        parts = tuple(self.synonyms(part, where) for part in value[several])
        return Source(parts, str(value.get("with", "")) if several == "join" else None)

    def earliest(self) -> dt.date:
        value = self.content.get("earliest", dt.date(1990, 1, 1))
        if not isinstance(value, dt.date):
            self.fault("earliest should be a date such as 1990-01-01, without quotes")
            return dt.date(1990, 1, 1)
        return value

    def synonyms(self, value: Any, where: str) -> tuple[str, ...]:
        words = [value] if isinstance(value, str) else value
        if (
            not isinstance(words, list)
            or not words
            or not all(isinstance(word, str) and word.strip() for word in words)
        ):
            self.fault(
                f'{where} should be a header, a list of headers, {{join = [...], with = "..."}} or {{first = [...]}}'
            )
            return ()
        return tuple(words)

    def formats(self) -> tuple[str, ...]:
        patterns = self.words("date_formats")
        for pattern in patterns:
            if pattern != SERIAL and not _reads_back(pattern):
                self.fault(f"date_formats: {pattern!r} is not a date format such as '%m/%d/%Y'")
        turned = {
            re.sub("%[dm]", lambda match: "%m" if match[0] == "%d" else "%d", pattern): pattern for pattern in patterns
        }
        for pattern in patterns:
            if pattern in turned and turned[pattern] != pattern and "%d" in pattern:
                self.fault(
                    f"date_formats: {pattern!r} and {turned[pattern]!r} read the same text as two different days; name one"
                )
                break
        return patterns

    def encodings(self) -> tuple[str, ...]:
        names = self.words("encodings") or ("utf-8", "cp1252")
        for name in names:
            try:
                "".encode(name)
            except LookupError:
                self.fault(f"encodings: {name!r} is unknown")
        return names

    def values(self) -> dict[str, dict[str, str]]:
        out: dict[str, dict[str, str]] = {}
        content = self.mapping("values")
        self.known("values", content)
        for name, pairs in content.items():
            if name not in self.table.names or not isinstance(pairs, dict):
                continue
            out[name] = {str(key).strip().casefold(): str(value) for key, value in pairs.items()}
            allowed = self.table.column(name).values
            for value in dict.fromkeys(out[name].values()):
                if allowed and value and value not in allowed:
                    self.fault(f"values.{name}: {value!r} is not one of {listed(allowed)}.{closest(value, allowed)}")
        return out

    def sign(self) -> str | None:
        if "sign" not in self.content:
            return None
        by = self.mapping("sign").get("by")
        if self.table.name != "transactions":
            self.fault("sign belongs to transactions only")
        if by not in SIGNS:
            self.fault(f"sign.by should be one of {listed(map(repr, SIGNS))}")
        return by

    def amount_by(self) -> tuple[AmountRule, ...]:
        rules = self.content.get("amount_by", [])
        if rules and self.table.name != "transactions":
            self.fault("amount_by belongs to transactions only")
        out = []
        for rule in rules:
            fits = isinstance(rule, dict) and {"when", "amount"} <= set(rule) <= {"when", "amount", "sign"}
            if not fits or not isinstance(rule["when"], list) or rule.get("sign") not in (None, "+", "-"):
                self.fault('amount_by: each needs when = [...] and amount = [...], and may have sign = "+" or "-"')
                continue
            when = tuple(str(word).strip().casefold() for word in rule["when"])
            out.append(AmountRule(when, self.source(rule["amount"], "amount_by.amount"), rule.get("sign")))
        return tuple(out)

    def take(self) -> Take | None:
        if "take" not in self.content:
            return None
        content = self.mapping("take")
        if set(content) != {"header", "rows", "leave"}:
            self.fault("take needs header, rows and leave")
            return None
        rows, leave = (tuple(str(word).strip().casefold() for word in content[key]) for key in ("rows", "leave"))
        return Take(self.source(content["header"], "take.header"), rows, leave)


def _reads_back(pattern: str) -> bool:
    day = dt.date(2026, 11, 30)
    written = day.strftime(pattern)
    if is_monthly(pattern):
        pattern, written, day = f"%d {pattern}", f"01 {written}", day.replace(day=1)
    try:
        return pl.Series([written]).str.to_date(pattern, strict=False)[0] == day
    except pl.exceptions.PolarsError:
        return False
