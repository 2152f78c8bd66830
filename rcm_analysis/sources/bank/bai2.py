"""BAI2, the cash report of banks: the records of a file as rows of a bank statement, every control total checked.

    01 file, 02 group (the day), 03 account with its totals, 16 one credit or debit, 88 more of the record before,
    49, 98 and 99 the trailers of account, group and file: sums of all amounts, and numbers of records

Amounts are in cents. What a record does not end with `/` goes on in the next line. Codes 100 to 399 are credits, 400 to
699 debits; totals stand in 03 and are no payments. Source: the BAI's published layout and type codes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from .statements import BANK_STATEMENT

START = re.compile(rb"\s*(?:\xef\xbb\xbf)?01,[^,\n]*,[^,\n]*,\d{6},\d{0,4},[^\n]*/")
_CODE = re.compile(r"(?:01|02|03|16|88|49|98|99),")
_SEVERAL = re.compile(r"/[ \t]+(?=(?:01|02|03|16|88|49|98|99),)")
_ON_ONE_LINE = re.compile(r"/[ \t]*(?=(?:01|02|03|16|88|49|98|99),)")
"""Where records part in a file that parts them by `/` alone; elsewhere `/16,` may be the text of a payment."""
KINDS = {"115": "lockbox", "116": "check", "552": "returned", "555": "returned", "557": "returned", "558": "returned"}
"""Type code -> kind of deposit, where the code says it."""
NOT_STORED = {"2": "deletes what was sent before", "4": "is a test"}
"""Status of a group whose rows are no deposits."""


@dataclass
class _Open:
    """An account, group or file between its header and its trailer."""

    total: int = 0
    lines: int = 0
    parts: int = 0


@dataclass
class Bai2:
    """Rows of a bank statement, and findings: rule, where, dollars, message."""

    rows: pl.DataFrame = field(default_factory=BANK_STATEMENT.empty)
    findings: list[tuple[str, str, int | None, str]] = field(default_factory=list)


def is_bai2(data: bytes) -> bool:
    """True for a file that begins with the header of a cash report (that of X9's BTRS is the same).

    >>> is_bai2(b"01,BANK,US,261103,0600,1,,,2/"), is_bai2(b"01,2,3")
    (True, False)
    """
    return bool(START.match(data[:400]))


def read_bai2(data: bytes) -> Bai2:
    """The credits and debits of every account in US dollars, and what does not add up.

    >>> text = b'''01,BANK,US,261103,0600,1,,,2/
    ... 02,US,BANK,1,261102,2359,USD,2/
    ... 03,000123456,USD,015,1845000,,/
    ... 16,142,35000,0,BR1,9001,NORTH PLAN HCCLAIMPMT/
    ... 88,TRN*1*9001*1512345678/
    ... 49,1880000,4/
    ... 98,1880000,1,6/
    ... 99,1880000,1,8/'''
    >>> found = read_bai2(text)
    >>> found.rows.select("posted_on", "amount_cents", "trace", "description").row(0), found.findings
    ((datetime.date(2026, 11, 2), 35000, '9001', 'NORTH PLAN HCCLAIMPMT,TRN*1*9001*1512345678'), [])
    """
    reader = _Reader()
    for code, fields, lines in _records(data.decode("utf-8-sig", "replace")):
        reader.take(code, fields, lines)
    reader.end()
    return reader.done()


def _records(text: str) -> Iterator[tuple[str, list[str], list[int]]]:
    """Each record with its fields and the numbers of its lines."""
    held: tuple[str, str, list[int]] | None = None
    ended, width = True, 0
    parts = _ON_ONE_LINE if _ON_ONE_LINE.search(text.lstrip().partition("\n")[0]) else _SEVERAL
    for number, line in enumerate(parts.sub("/\n", text).splitlines(), 1):
        line = line.rstrip() if line.rstrip().endswith("/") else line.rstrip("\r\n")
        if not line.strip():
            continue
        is_more = not _CODE.match(line) or line.startswith("88,")
        if is_more and held:
            rest = line[3:] if re.match(r"88\D", line) else line
            glue = "," if ended or held[0] != "16" else "" if width and len(held[1]) % width == 0 else " "
            held = (held[0], held[1] + glue + rest.removesuffix("/"), [*held[2], number])
        else:
            if held:
                yield held[0], held[1].split(","), held[2]
            held = (line[:2], line[3:].removesuffix("/"), [number])
            if line.startswith("01,"):
                width = int(found) if (found := f"{line},,,,,,".split(",")[6]).isdigit() else 0
        ended = line.endswith("/")
    if held:
        yield held[0], held[1].split(","), held[2]


class _Reader:
    """The state of one file: what is open, and what was found."""

    def __init__(self) -> None:
        self.open: dict[str, _Open] = {}
        self.found: list[tuple] = []
        self.findings: list[tuple[str, str, int | None, str]] = []
        self.left: dict[str, list[int]] = {}
        self.day: dt.date | None = None
        self.account = self.currency = self.status = ""

    def take(self, code: str, fields: list[str], lines: list[int]) -> None:
        for part in self.open.values():
            part.lines += len(lines)
        where = f"line {lines[0]}"
        if code in ("01", "02", "03"):
            self.open[code] = _Open(lines=len(lines))
        if code == "02":
            self.day, self.status = _day(fields[3:4]), (fields[2:3] or [""])[0]
            self.currency = (fields[5:6] or [""])[0] or "USD"
            if self.day is None:
                self._find("bank_day", where, None, "the group has no day that can be read; its rows are left out")
        elif code == "03":
            self.account = fields[0]
            self.account_currency = (fields[1:2] or [""])[0] or self.currency
            self._add(sum(_cents(amount) or 0 for amount in _amounts(fields[2:])))
        elif code == "16":
            self._transaction(fields, where)
        elif code in TRAILERS:
            self._trailer(code, fields, where)

    def _transaction(self, fields: list[str], where: str) -> None:
        cents = _cents(fields[1]) if len(fields) > 1 else None
        if cents is None and len(fields) > 1 and fields[1].strip():
            self._find("bank_amount", where, None, "the amount cannot be read; the row is left out")
            return
        cents = cents or 0
        self._add(cents)
        kind = int(fields[0]) if fields[0].isdigit() else 0
        reason = self._not_stored(kind)
        if reason:
            self.left.setdefault(reason, []).append(abs(cents))
            return
        rest = _after_funds(fields[2:])
        texts = [text.strip() or None for text in (*rest[:2], ",".join(rest[2:]))] + [None] * 3
        signed = cents if kind < 400 else -abs(cents)
        self.found.append((signed, self.day, KINDS.get(fields[0]), texts[1], texts[0], self.account, texts[2]))

    def _not_stored(self, kind: int) -> str:
        """Why a row is no deposit whatever it says; nothing for one that may be."""
        if self.account_currency != "USD":
            return f"of an account in {self.account_currency}"
        if self.status in NOT_STORED:
            return f"of a group that {NOT_STORED[self.status]}"
        if self.day is None:
            return "of a group without a day"
        return "" if 100 <= kind < 700 else "neither credits nor debits"

    def _add(self, cents: int) -> None:
        if "03" in self.open:
            self.open["03"].total += cents

    def _trailer(self, code: str, fields: list[str], where: str) -> None:
        header, what, outer = TRAILERS[code]
        part = self.open.pop(header, None)
        if part is None:
            self._find("bank_totals", where, None, f"a trailer without its {what}")
            return
        said = [_cents(text) for text in fields]
        counts = [part.lines] if code == "49" else [part.parts, part.lines]
        if said[0] is not None and said[0] != part.total:
            self._find(
                "bank_totals",
                where,
                abs(said[0] - part.total),
                f"the {what} says {said[0] / 100:,.2f} in all, its amounts make {part.total / 100:,.2f}",
            )
        elif [*said[1:], None, None][: len(counts)] != counts and None not in said[1 : 1 + len(counts)]:
            self._find("bank_records", where, None, f"the {what} does not hold as many records as its trailer says")
        if outer in self.open:
            self.open[outer].total += said[0] or 0
            self.open[outer].parts += 1

    def end(self) -> None:
        if self.open:
            what = next(what for header, what, _ in TRAILERS.values() if header in self.open)
            self._find("bank_totals", "", None, f"the file ends before the trailer of its {what}: it may be cut off")

    def _find(self, rule: str, where: str, cents: int | None, message: str) -> None:
        self.findings.append((rule, where, cents, message))

    def done(self) -> Bai2:
        for reason, amounts in self.left.items():
            self._find("bank_left_out", "", sum(amounts), f"{len(amounts)} row(s) {reason} were left out")
        names = ["amount_cents", "posted_on", "kind", "trace", "reference", "account", "description"]
        schema = {name: BANK_STATEMENT.polars[name] for name in names}
        rows = pl.DataFrame(self.found, schema=schema, orient="row")
        return Bai2(
            rows.with_columns(client=pl.lit(None, pl.String), batch=pl.lit(None, pl.String)).select(
                BANK_STATEMENT.names
            ),
            self.findings,
        )


TRAILERS = {"49": ("03", "account", "02"), "98": ("02", "group", "01"), "99": ("01", "file", "")}


def _cents(text: str) -> int | None:
    text = text.strip()
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else None


def _day(text: list[str]) -> dt.date | None:
    try:
        return dt.datetime.strptime("".join(text), "%y%m%d").date()
    except ValueError:
        return None


def _after_funds(fields: list[str]) -> list[str]:
    """What follows the funds type and its availability: three amounts (S), day and time (V), or pairs (D)."""
    funds, rest = (fields[0].strip() if fields else ""), fields[1:]
    pairs = _cents(rest[0]) or 0 if funds == "D" and rest else 0
    return rest[{"S": 3, "V": 2, "D": 1 + 2 * pairs}.get(funds, 0) :]


def _amounts(fields: list[str]) -> Iterator[str]:
    """The amounts of an account's totals: type, amount, count, funds type and availability of each."""
    while len(fields) > 1:
        yield fields[1]
        fields = _after_funds([*fields[3:], ""] if len(fields) == 3 else fields[3:])
