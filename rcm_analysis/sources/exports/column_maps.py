"""Column maps: what each column of one billing system's export means, as a TOML file that is checked when read.

A map has a `name` (and may say its `source` and the day `seen_on`), and one section for each kind of export. A section is named after the table it
fills; two exports that fill one table get two sections, each with `table = "..."`.

| key of a section | meaning |
|---|---|
| `table` | table of the store, where the section has another name |
| `delivery` | `month`: the rows replace every stored row of the months they touch; `full`: the table; `append`: by key |
| `columns` | our column = header, or list of header synonyms; `{join = [header, ...], with = ":"}` joins the filled ones of several columns, `{first = [header, ...]}` takes the first filled one; `{sum = [header, ...]}` adds amounts, of those headers that the file has; `{sum = [...], less = [...]}` takes the second ones away, as in a ledger of debits and credits. Case, blanks and punctuation of headers do not count |
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
| `from_name` | our column = regular expression with one group: the value stands in the file's name (or in `folder/name`), such as `received_on = '([0-9]{8})'` |
| `defaults` | our column = the value of an empty cell |
| `sign.by` | transactions only: `kind` (amounts are magnitudes; charges, refunds and takebacks raise the receivable, payments, contractual and write-offs lower it, a transfer keeps its sign), `file` (already the effect), or `negate` |
| `amount_by` | transactions only: list of `{when = [...], amount = [header, ...], sign = "+" or "-"}`: which column holds the amount of rows whose `kind` cell is in `when`; `sign` (optional) overrides `sign.by` |
| `carry.<column>` | our column within whose equal values the last value is carried down to the empty cells below it; a ragged row between them stops it |
| `number.<column>` | our column within whose equal values the rows are numbered from 1, in file order |
| `content_id` | our column = none of the file: the id of each row is made of what it says, and of its place among equal rows, so that two equal payments both count |
| `take` | `header`, `rows`, `leave`: only rows whose cell is in `rows` belong to this table; those in `leave` belong to another; anything else is quarantined |
| `one_row_per` | `claim`, `visit` or `line`: a row says how a claim, a visit or a service line stands, with what was charged, paid and adjusted side by side (the columns are those of `visits`); it becomes a claim and postings. `delivery` is then `append` (default: a claim that comes again takes the place of what was stored of it) or `full`. In a section of `remittance_rows` (EOBs and payments of payers and clearinghouses): `claim`, `line` or `adjustment`. `aging_balance`: a row of an aging report, with a column for each age (those of `exports.aging`) |
| `negate` | with `one_row_per`: columns of money whose ordinary amounts stand with a minus in the file |
| `join` | list of `{key = header, other = header, columns = {our column = header, ...}}`: these columns stand in another file of the delivery, in the row whose `other` is this row's `key` |
| `beside` | the section of the map whose file this one reads too: without it, a file is read by the section that uses most of its headers |
| `fill` | required columns this system does not export and intake completes: `claims.charge_cents`, from the charges posted |
"""  # noqa: E501

from __future__ import annotations

import datetime as dt
import functools
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, ValidationInfo

from ...errors import SourceError, closest, listed
from ...tables.checking import KEY, KNOWN_KEYS, Words, checked, one_of, refuse, said, says
from ...tables.schema import (
    BANK_DEPOSITS,
    CLAIM_LINES,
    CLAIMS,
    DEPOSITS,
    REMIT_ADJUSTMENTS,
    REMIT_CLAIMS,
    REMIT_LINES,
    TABLES,
    TRANSACTIONS,
    Table,
)
from ...tables.schema_services import AGING_BALANCES
from ...tables.workspace import Workspace
from ..bank.statements import BANK_STATEMENT
from .aging import AGING_GRAIN, AGING_REPORT, AMOUNTS_OF_BUCKETS
from .remittance_rows import GRAINS as ANSWER_GRAINS
from .remittance_rows import REMITTANCE_ROWS
from .values import SERIAL, is_monthly
from .visits import AMOUNTS, BALANCES, GRAINS, VISITS

DELIMITERS = (",", ";", "\t", "|")
FILLS = {"claims": ("charge_cents",)}
READ: dict[str, Table] = {
    **TABLES,
    **{table.name: table for table in (VISITS, REMITTANCE_ROWS, BANK_STATEMENT, AGING_REPORT)},
}
"""What a section can describe: a table of the store, or rows that become several of them."""
GROWING = (REMITTANCE_ROWS.name, BANK_STATEMENT.name, AGING_REPORT.name)
"""What comes file by file, each row known again when it comes twice: delivery is "append"."""
MAP = "[map]"
"""Where a section is handed the name of its map: no key of a file is called so."""


@dataclass(frozen=True)
class Source:
    """The headers that hold a column: one list of synonyms; or several columns, joined, added, or the first filled."""

    parts: tuple[tuple[str, ...], ...]
    join: str | None = None
    adds: bool = False
    less: int = 0
    """How many of the parts, the last ones, are taken away."""

    @property
    def title(self) -> str:
        """The headers as a person would look for them.

        >>> Source((("DOS", "Service Date"),)).title
        "'DOS' or 'Service Date'"
        """
        return " + ".join(" or ".join(repr(header) for header in part) for part in self.parts)


def _source(value: Any) -> Source:
    ways = ("join", "first", "sum")
    several = next((key for key in ways if isinstance(value, dict) and isinstance(value.get(key), list)), "")
    less = value.get("less", []) if several == "sum" else []
    wanted = {"join", "with"} if several == "join" else {several} | ({"less"} if less else set())
    if several and (set(value) != wanted or not isinstance(less, list)):
        raise ValueError('{join = [...], with = "..."}, {first = [...]} or {sum = [...]}')
    parts = tuple(map(_synonyms, [*value[several], *less] if several else [value]))
    return Source(parts, str(value["with"]) if several == "join" else None, several == "sum", len(less))


def _synonyms(value: Any) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not all(isinstance(word, str) and word.strip() for word in words):
        raise ValueError('a header, a list of headers, {join = [...], with = "..."}, {first = [...]} or {sum = [...]}')
    return tuple(words)


def _ours(name: str, info: ValidationInfo) -> str:
    """A column of the section's table that a file can give; a table nobody knows has been said already."""
    table: Any = info.data.get("table")
    known = [column for column in table.names if column != "client"] if table else [name]
    if name not in known:
        raise said(f": {table.name} has no column {name!r} that a file can give.{closest(name, known)}")
    return name


def _date_formats(patterns: tuple[str, ...]) -> tuple[str, ...]:
    bad = [pattern for pattern in patterns if pattern != SERIAL and not _reads_back(pattern)]
    faults = [f": {pattern!r} is not a date format such as '%m/%d/%Y'" for pattern in bad]
    for place, pattern in enumerate(patterns):
        turned = re.sub("%[dm]", lambda match: "%m" if match[0] == "%d" else "%d", pattern)
        if turned != pattern and turned in patterns[:place]:
            faults.append(f": {turned!r} and {pattern!r} read the same text as two different days; name one")
    refuse(map(said, faults))
    return patterns


def _encodings(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        try:
            "".encode(name)
        except LookupError:
            raise said(f": {name!r} is unknown") from None
    return names or ("utf-8", "cp1252")


def _values(values: dict[str, dict[str, str]], info: ValidationInfo) -> dict[str, dict[str, str]]:
    faults = []
    table: Any = info.data.get("table")
    for name, pairs in values.items() if table else ():
        allowed = table.column(name).values
        for value in sorted(set(pairs.values()) - {"", *allowed}) if allowed else ():
            fault = f": {value!r} is not one of {listed(allowed)}.{closest(value, allowed)}"
            faults.append(said(fault, below=(name,)))
    refuse(faults)
    return values


def _patterns(patterns: Mapping[str, str]) -> Mapping[str, str]:
    faults = []
    for name, pattern in patterns.items():
        try:
            fault = "" if re.compile(pattern).groups == 1 else "a pattern with one group in parentheses"
        except re.error:
            fault = r"a regular expression such as '(\d{8})'"
        faults += [said(f" should be {fault}; found {pattern!r}", below=(name,))] if fault else []
    refuse(faults)
    return patterns


def _rules(rules: Any) -> Any:
    keys = {"when", "amount"}
    rule: Any
    for rule in rules if isinstance(rules, list) else [None]:
        fits = isinstance(rule, dict) and keys <= set(rule) <= keys | {"sign"} and isinstance(rule["when"], list)
        if not fits or rule.get("sign", "+") not in ("+", "-"):
            raise said(': each needs when = [...] and amount = [...], and may have sign = "+" or "-"')
    return rules


def _take(take: Any) -> Any:
    if not isinstance(take, dict) or set(take) != {"header", "rows", "leave"}:
        raise said(" needs header, rows and leave")
    return take


def _table(name: Any) -> Table:
    if not isinstance(name, str) or name not in READ:
        raise said(f": {name!r} is no table of the store.{closest(str(name), READ)}")
    return READ[name]


Text = Annotated[str, BeforeValidator(lambda value: str(value).lower() if isinstance(value, bool) else value)]
"""A value as the text a cell would hold, so that one reader serves both."""
Cell = Annotated[Text, AfterValidator(lambda text: text.strip().casefold())]
Headers = Annotated[Source, BeforeValidator(_source)]
Ours = Annotated[str, AfterValidator(_ours)]
Texts = Mapping[Ours, Text]


@dataclass(frozen=True)
class AmountRule:
    """The column that holds the amount of rows of certain kinds, and its sign where that is fixed."""

    when: tuple[Cell, ...]
    amount: Headers
    sign: str | None = None


@dataclass(frozen=True)
class Take:
    """Which rows of a file that feeds several tables belong to this one."""

    header: Headers
    rows: tuple[Cell, ...]
    leave: tuple[Cell, ...]


@dataclass(frozen=True)
class Join:
    """Columns that stand in another file of the delivery: the key here, the key there, and their headers there."""

    __pydantic_config__ = KNOWN_KEYS
    key: Headers
    other: Headers
    columns: Mapping[Ours, Headers]


@dataclass(frozen=True)
class Sign:
    """What an amount of the file means for the receivable."""

    __pydantic_config__ = KNOWN_KEYS
    by: Annotated[str, one_of(("kind", "file", "negate"), repr)]


@dataclass(frozen=True)
class Section:
    """One kind of export and the table it fills. The keys are those of the module's table."""

    __pydantic_config__ = KNOWN_KEYS
    map_name: Annotated[str, Field(alias=MAP)]
    name: Annotated[str, Field(alias=KEY)]
    table: Annotated[InstanceOf[Table], BeforeValidator(_table)]
    delivery: Annotated[str, one_of(("month", "full", "append"), repr)]
    columns: Mapping[Ours, Headers] = field(default_factory=dict)
    optional: tuple[Ours, ...] = ()
    date_formats: Annotated[tuple[str, ...], AfterValidator(_date_formats)] = ()
    encodings: Annotated[tuple[str, ...], AfterValidator(_encodings)] = ("utf-8", "cp1252")
    delimiter: Annotated[str, one_of(DELIMITERS, repr)] | None = None
    decimal: Annotated[str, one_of((".", ","), repr)] = "."
    sheet: str | None = None
    empty: tuple[str, ...] = ()
    values: Annotated[Mapping[Ours, Mapping[Cell, Text]], AfterValidator(_values)] = field(default_factory=dict)
    constants: Texts = field(default_factory=dict)
    from_name: Annotated[Texts, AfterValidator(_patterns)] = field(default_factory=dict)
    defaults: Texts = field(default_factory=dict)
    sign: Sign | None = None
    amount_by: Annotated[tuple[AmountRule, ...], BeforeValidator(_rules)] = ()
    carry: Texts = field(default_factory=dict)
    number: Texts = field(default_factory=dict)
    take: Annotated[Take, BeforeValidator(_take)] | None = None
    one_row_per: Annotated[str, one_of((*GRAINS, *ANSWER_GRAINS[2:], AGING_GRAIN), repr)] | None = None
    negate: tuple[Ours, ...] = ()
    beside: str | None = None
    join: tuple[Join, ...] = ()
    content_id: Ours | None = None
    fill: tuple[Ours, ...] = ()
    earliest: Annotated[dt.date, Field(strict=True), says("a date such as 1990-01-01, without quotes")] = dt.date(
        1990, 1, 1
    )

    @property
    def title(self) -> str:
        return f"{self.map_name} [{self.name}]"

    @property
    def fills(self) -> tuple[Table, ...]:
        """The tables of the store that the rows of this section end in."""
        if self.table is REMITTANCE_ROWS:
            return (DEPOSITS, REMIT_CLAIMS, REMIT_LINES, REMIT_ADJUSTMENTS)
        if self.table is BANK_STATEMENT:
            return (BANK_DEPOSITS,)
        if self.table is AGING_REPORT:
            return (AGING_BALANCES,)
        if self.table is not VISITS:
            return (self.table,)
        return (CLAIMS, TRANSACTIONS, *([CLAIM_LINES] if "procedure" in self.columns else []))

    @property
    def sources(self) -> dict[str, Source]:
        """Everything the file must hold: our columns, and the columns of `amount_by` and `take`."""
        rules = {f"amount_by {position}": rule.amount for position, rule in enumerate(self.amount_by)}
        keys = {f"join {position}": join.key for position, join in enumerate(self.join)}
        return {**self.columns, **rules, **keys, **({"take": self.take.header} if self.take else {})}

    @functools.cached_property
    def wanted(self) -> tuple[tuple[str, tuple[frozenset[str], ...]], ...]:
        """Of each of `sources` its parts, each with the plain headers that it may have."""
        return tuple(
            (name, tuple(frozenset(map(plain, part)) for part in source.parts)) for name, source in self.sources.items()
        )

    @functools.cached_property
    def headings(self) -> frozenset[str]:
        """All plain headers that the section looks for."""
        return frozenset(header for _, parts in self.wanted for part in parts for header in part)

    @functools.cached_property
    def beginnings(self) -> tuple[frozenset[str], ...]:
        """Of each column that the section needs, all beginnings of its plain headers: one of them stands in a cell."""
        return tuple(
            frozenset(header[:end] for part in parts for header in part for end in range(1, len(header) + 1))
            for name, parts in self.wanted
            if name not in self.optional
        )

    @property
    def joined(self) -> dict[str, Source]:
        """Our columns that stand in another file of the delivery."""
        return {name: source for join in self.join for name, source in join.columns.items()}


@dataclass(frozen=True)
class ColumnMap:
    """The exports of one billing system; `source` and `seen_on` say where a shipped map's headings were seen."""

    name: str
    sections: tuple[Section, ...]
    path: str = ""
    source: str = ""
    seen_on: str = ""


@functools.lru_cache(maxsize=100_000)
@functools.lru_cache(maxsize=4096)
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
    name, source, seen_on = (content.pop(key, None) for key in ("name", "source", "seen_on"))
    given = {
        key: {MAP: str(name), KEY: key, **_unsaid(key, value), **value} if isinstance(value, dict) else value
        for key, value in content.items()
    }
    sections, faults = checked(dict[str, Annotated[Section, AfterValidator(_whole)]], given, WORDS)
    if not isinstance(name, str) or not name.strip():
        faults.append('it needs a name, such as name = "layout_a"')
    if not content:
        faults.append("it has no section; name one after a table, such as [transactions]")
    if faults:
        raise SourceError(f"The column map {where} cannot be used: {'; '.join(faults)}.")
    return ColumnMap(str(name), tuple(sections.values()), where, str(source or ""), str(seen_on or ""))


def map_files(workspace: Workspace, client: str) -> list[Path]:
    """The client's column maps: its own in the workspace's folder, else those that are shipped.

    Raises
        SourceError where a map that the registry names is in neither.
    """
    folder = workspace.paths["maps"]
    shipped = Path(__file__).parent / "maps"
    found = []
    for name in workspace.registry.client(client).column_maps:
        options = [folder / f"{name}.toml", shipped / f"{name}.toml"]
        path = next((option for option in options if option.is_file()), None)
        if path is None:
            raise SourceError(
                f"{client} uses the column map {name!r}, but there is no {name}.toml in {folder.name}/ "
                f"and none is shipped under that name."
            )
        found.append(path)
    return found


def _unsaid(key: str, section: Mapping[str, Any]) -> dict[str, Any]:
    """What a section means where it does not say so."""
    if section.get("one_row_per") == AGING_GRAIN:
        return {"table": AGING_REPORT.name, "delivery": "append"}
    if "one_row_per" not in section and key not in GROWING:
        return {"table": key, "delivery": None}
    return {"table": key if key in GROWING else VISITS.name, "delivery": "append"}


def _place(key: str) -> str:
    """A place as [section] and the key below it."""
    section, _, rest = key.partition(".")
    return f"[{section}] {rest}".rstrip()


WORDS = Words(" should be", "{section} has no key {key!r}.{closest}", _place)


def _whole(section: Section) -> Section:
    """A section whose parts are right, seen as a whole."""
    refuse(said(f" {sentence}") for sentence in _contradictions(section))
    return section


def _contradictions(section: Section) -> Iterator[str]:
    table, columns = section.table, section.columns
    given = {
        *columns,
        *section.constants,
        *section.from_name,
        *section.joined,
        *section.number,
        *section.fill,
        "client",
    }
    given |= set(table.money[:1]) if section.amount_by else set()
    given |= {section.content_id} if section.content_id else set()
    if section.content_id and (section.content_id in columns or section.content_id != table.key[-1]):
        yield f"content_id makes {table.key[-1]}, which then stands under no columns; found {section.content_id!r}"
    for column in table.columns:
        if not column.empty and column.name not in given:
            yield f"{column.name} ({column.note}) is required and has no source; give it under columns or constants"
    if table.name in GROWING and section.delivery != "append":
        yield f'delivery should be "append": what comes again of {table.name} is known by its content'
    for name in columns.keys() & section.joined.keys():
        yield f"{name} is given twice: under columns and by join"
    for key in set(section.fill) - set(FILLS.get(table.name, ())):
        yield f"fill: intake cannot complete {key}"
    yield from _unfit_within(section)
    if table is VISITS:
        yield from _unfit_for_visits(section, given)
    elif table is REMITTANCE_ROWS:
        yield from _unfit_for_answers(section, given)
    elif table is AGING_REPORT:
        yield from _unfit_for_aging(section, given)
    elif section.one_row_per or section.negate:
        yield f"one_row_per and negate belong to the tables visits and remittance_rows, not to {table.name}"
    if table.name != "transactions":
        yield from (f"{key} belongs to transactions only" for key in ("sign", "amount_by") if getattr(section, key))
    elif not section.sign and not (section.amount_by and all(rule.sign for rule in section.amount_by)):
        yield 'needs [transactions.sign] with by = "kind", "file" or "negate"'
    if section.amount_by and "kind" not in columns:
        yield "amount_by goes by the kind of a row, and kind is not under columns"
    if section.amount_by and table.money[:1] and table.money[0] in columns:
        yield f"{table.money[0]} is given twice: under columns and by amount_by"


def _unfit_within(section: Section) -> Iterator[str]:
    for key, within in (*section.carry.items(), *section.number.items()):
        if within not in section.columns:
            yield f"carry and number need a column of the file to work within; {key} names {within!r}"
    for key in section.carry.keys() - section.columns.keys():
        yield f"carry: {key} is not under columns"


def _unfit_for_answers(section: Section, given: set[str]) -> Iterator[str]:
    if section.one_row_per not in ANSWER_GRAINS:
        yield f"needs one_row_per, one of {listed(map(repr, ANSWER_GRAINS))}"
    for name in ("charge_cents", "paid_cents"):
        if not given & {name, f"claim_{name}"}:
            yield f"{name} (or claim_{name}, where each line repeats its claim's) is required and has no source"
    if not given & {"paid_on", "received_on"}:
        yield "needs the day of the check (paid_on), or that of the file (received_on)"
    for name in set(section.negate) - set(REMITTANCE_ROWS.money):
        yield f"negate: {name} is no amount"


def _unfit_for_aging(section: Section, given: set[str]) -> Iterator[str]:
    if section.one_row_per != AGING_GRAIN:
        yield f'needs one_row_per = "{AGING_GRAIN}"'
    if not given & set(AMOUNTS_OF_BUCKETS) and not {"bucket", "balance_cents"} <= given:
        yield f"needs a column for each age, {listed(AMOUNTS_OF_BUCKETS, 9)}; or bucket and balance_cents"


def _unfit_for_visits(section: Section, given: set[str]) -> Iterator[str]:
    if section.one_row_per not in GRAINS:
        yield f"needs one_row_per, one of {listed(map(repr, GRAINS))}"
    if section.delivery == "month":
        yield 'delivery "month" says nothing of rows that tell how claims stand; it should be "append" or "full"'
    if "claim_id" not in given and (section.one_row_per != "visit" or "patient" not in given):
        yield 'claim_id is required and has no source; only with one_row_per = "visit" patient and service_on will do'
    paid = [name for name in AMOUNTS if name.endswith("paid_cents") and name in given]
    if paid and not given & {"paid_on", "exported_on", *(name.replace("_cents", "_on") for name in paid)}:
        yield f"{listed(paid)} needs a day: give paid_on, or exported_on (the day of the export)"
    for name in set(section.negate) - {*AMOUNTS, *BALANCES, "charge_cents"}:
        yield f"negate: {name} is no amount"


def _reads_back(pattern: str) -> bool:
    day = dt.date(2026, 11, 30)
    written = day.strftime(pattern)
    if is_monthly(pattern):
        pattern, written, day = f"%d {pattern}", f"01 {written}", day.replace(day=1)
    try:
        return pl.Series([written]).str.to_date(pattern, strict=False)[0] == day
    except pl.exceptions.PolarsError:
        return False
