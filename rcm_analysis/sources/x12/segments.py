"""X12 bytes to segments, with no meaning: who sent what is for `remit835` and `claim837` to say.

Real files break the envelope rules in every way: prose before ISA, no ISA at all, an ISA that is not
106 characters wide, the newline as terminator, the terminator on the next line, wrapped or indented
segments, a BOM, Latin-1 bytes, several interchanges with different delimiters. So the delimiters are
found by counting the 15 separators of ISA, or without ISA from the segments themselves, and each
interchange is rewritten with the same four control characters. After that nothing depends on them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa

from ...errors import SourceError, listed

ELEMENT, COMPONENT, TERMINATOR = "\x1d", "\x1f", "\x1c"
"""Separators of every segment that leaves this module, whatever the file used."""

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)

_KNOWN = rb"GS|TA1|ST|BPR|BHT|TRN|N1|N3|N4|REF|DTM|PER|LX|CLP|CAS|SVC|HL|NM1|SBR|CLM|SE|GE|IEA"
_FIRST = (
    rb"GS(?P<gs>[^0-9A-Za-z\s])[A-Z]{2}(?P=gs)"
    rb"|ST(?P<st>[^0-9A-Za-z\s])\d{3}[^0-9A-Za-z \t]"
    rb"|BPR(?P<bpr>[^0-9A-Za-z\s])[A-Z](?P=bpr)"
)
_TRAILERS = ("SE", "GE", "IEA")
_SPACE = tuple(bytes([mark]) for mark in b" \t\n\r\f\v\0")
_MARKS = ELEMENT + COMPONENT + TERMINATOR
_BLANKS = re.compile(rb" *([%b]) *" % _MARKS.encode())
_WIDE = "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_WIDE_BLANKS = re.compile(rf"[ {_WIDE}]*([{_MARKS}])[ {_WIDE}]*")


@dataclass(frozen=True)
class Delimiters:
    """The three characters that part a file; `component` may be guessed where ISA does not say."""

    element: bytes
    component: bytes
    terminator: bytes


@dataclass(frozen=True)
class Piece:
    """One interchange, from its ISA (or first segment) up to the next one."""

    start: int
    end: int
    delimiters: Delimiters


@dataclass(frozen=True)
class Segments:
    """The segments of a file.

    `frame` has one row per segment: `number` (from 1, through the whole file), `piece` (interchange,
    from 0), `id`, `elements` (text behind the id; parted by `ELEMENT`, components by `COMPONENT`).
    `incomplete` are the numbers of segments cut off before their terminator: they are left out of
    `frame`, because half an amount is an invented amount. `strange` are numbers of segments without a
    segment id, left out too. `name` is the file's name, for messages. `headed` are the numbers of ST segments that
    were missing or damaged in the file and stand in `frame` as what their transaction holds.
    """

    frame: pl.DataFrame
    incomplete: list[int]
    strange: list[int]
    name: str
    headed: list[int]


def read_bytes(source: Path | str | bytes) -> tuple[bytes, str]:
    """The bytes of a path (or the bytes themselves) and a name for messages."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _as_bytes(bytes(source)), "the X12 data"
    path = Path(source)
    try:
        return _as_bytes(path.read_bytes()), path.name
    except OSError as error:
        raise SourceError(f"{path.name} could not be read as a file: {error.strerror}.") from error


def _as_bytes(data: bytes) -> bytes:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace").encode()
    return data.removeprefix(b"\xef\xbb\xbf")


def kind_of(data: bytes) -> set[str]:
    """What the bytes hold: transaction sets by ST01, `TA1`, `ISA` where an envelope is empty; nothing when not X12.

    >>> sorted(kind_of(b"ST*835*0001~BPR*I*0*C*NON~SE*3*0001~"))
    ['835']
    >>> kind_of(b"Patient,Charge")
    set()
    """
    return set(_kinds_in(_as_bytes(data)))


def transaction_count(data: bytes, kind: str) -> int:
    """How many transactions of one type X12 bytes hold.

    >>> transaction_count(b"ST*835*1~SE*1*1~ST*837*2~SE*1*2~ST*835*3~SE*1*3~", "835")
    2
    """
    return _kinds_in(data).count(kind)


def _kinds_in(data: bytes) -> list[str]:
    """The type of every transaction, in order; where a header may be damaged, by what the transactions hold."""
    pieces = _pieces(data)
    kinds = [kind for piece in pieces for kind in _kinds(data[piece.start : piece.end], piece.delimiters)]
    signs = (("835", b"CLP"), ("837", b"CLM"))
    held = {kind for kind, sign in signs if any(sign + piece.delimiters.element in data for piece in pieces)}
    if held and set(kinds) != held:
        frame = read_segments(data).frame
        kinds = [kind or "" for kind in frame.filter(id="ST").select(_first_element()).to_series()]
        kinds += ["TA1"] * int((frame["id"] == "TA1").sum())
    return kinds


def _kinds(data: bytes, delimiters: Delimiters) -> list[str]:
    """The type of every transaction, in order."""
    element, terminator = re.escape(delimiters.element), re.escape(delimiters.terminator)

    def starting(pattern: bytes) -> list[bytes]:
        found = re.finditer(pattern, data)
        return [each[1] for each in found if _starts(data, each.start(), delimiters.terminator)]

    kinds = starting(rb"ST\s*%b\s*(\d{3})\s*(?:%b|%b)" % (element, element, terminator))
    if not kinds and starting(rb"(BPR)%b" % element):
        kinds = [b"835"]
    kinds += starting(rb"(TA1)%b" % element)
    return [kind.decode() for kind in kinds] or ["ISA"] * data.startswith(b"ISA")


def _starts(data: bytes, place: int, terminator: bytes) -> bool:
    """Whether a segment starts there: behind a terminator, blanks and NULs."""
    while place and data[place - 1 : place] in _SPACE and data[place - 1 : place] != terminator:
        place -= 1
    return not place or data[place - 1 : place] == terminator


def read_segments(source: Path | str | bytes) -> Segments:
    """Every segment of an X12 file, with its delimiters taken away.

    Raises
        SourceError where the file is empty or holds no X12 envelope, transaction or payment header.

    >>> read_segments(b"ISA*...\\nST*835*0001~\\nBPR*I*1.50~").frame["id"].to_list()
    ['ST', 'BPR']
    """
    data, name = read_bytes(source)
    if not data.strip():
        raise SourceError(f"{name} is empty: expected an X12 file. Ask the sender for it again.")
    pieces = _pieces(data)
    if not pieces:
        raise SourceError(
            f"{name} is not an X12 file: expected a segment ISA, GS, ST or BPR to start it, found none that "
            f"can be followed in {len(data):,} bytes. Check that it is the raw file of the clearinghouse, not "
            "a print of it."
        )
    frames, incomplete, strange, numbered = [], [], [], 0
    for index, piece in enumerate(pieces):
        rows, cut = _split(data[piece.start : piece.end], piece.delimiters)
        rows = rows.with_columns(number=pl.int_range(numbered + 1, numbered + rows.height + 1), piece=pl.lit(index))
        numbered += rows.height
        if cut:
            incomplete.append(numbered)
            rows = rows.head(-1)
        odd = [word for word in rows["id"].unique().to_list() if not re.fullmatch("[A-Z][A-Z0-9]{1,2}", word)]
        if odd:
            strange += rows.filter(pl.col("id").is_in(odd))["number"].to_list()
            rows = rows.filter(~pl.col("id").is_in(odd))
        frames.append(rows.select("number", "piece", "id", "elements"))
    frame, headed = _headed(pl.concat(frames))
    return Segments(frame, incomplete, strange, name, headed)


def _headed(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[int]]:
    """The segments with a header (ST) before every 835 and 837, told by what follows it, and the numbers of those that
    the file lacks or spells as something else. Of all transactions only an 835 has CLP, and only an 837 CLM."""
    frame, split = _opened(frame)
    opens = pl.col("id").is_in(["BPR", "BHT"]) & pl.col("id").shift(1).ne_missing("ST")
    numbered = frame.with_columns(turn=2 * pl.int_range(pl.len()))
    bare = numbered.filter(opens)
    kinds = set(frame.filter(id="ST").select(_first_element()).to_series())
    held = {kind for kind, sign in (("835", "CLP"), ("837", "CLM")) if (frame["id"] == sign).any()}
    if bare.is_empty() and (not held or (kinds == held and len(kinds) == 1)):
        return frame, split
    added = bare.with_columns(pl.col("number") - 1, id=pl.lit("ST"), elements=pl.lit(""), turn=pl.col("turn") - 1)
    rows = pl.concat([numbered, added.select(numbered.columns)]).sort("turn")
    rows = rows.with_columns(part=(pl.col("id") == "ST").cum_sum())
    has = {name: (pl.col("id") == name).any().over("part") for name in ("CLP", "CLM", "RMR", "ENT")}
    after = pl.concat_str(pl.col("id").shift(-1), pl.col("elements").shift(-1).str.slice(0, 4), separator=ELEMENT)
    real = (
        pl.when(has["CLP"] & ~has["CLM"])
        .then(pl.lit("835"))
        .when(has["CLM"] & ~has["CLP"])
        .then(pl.lit("837"))
        .when(pl.col("elements") != "")
        .then(None)
        .when(after.str.starts_with(f"BPR{ELEMENT}") & ~has["RMR"] & ~has["ENT"])
        .then(pl.lit("835"))
        .when(after == f"BHT{ELEMENT}0019")
        .then(pl.lit("837"))
    )
    said = _first_element().fill_null("")
    rest = pl.col("elements").str.splitn(ELEMENT, 2).struct.field("field_1").fill_null("")
    rows = rows.with_columns(real=pl.when(pl.col("id") == "ST", real.ne_missing(said)).then(real))
    headed = rows.filter(pl.col("real").is_not_null())["number"].to_list()
    rows = rows.with_columns(
        elements=pl.when(pl.col("real").is_null())
        .then("elements")
        .otherwise(pl.concat_str("real", rest, separator=ELEMENT))
    )
    rows = rows.filter((pl.col("id") != "ST") | (pl.col("elements") != ""))
    return rows.select(frame.columns), sorted({*split, *headed})


def _opened(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[int]]:
    """The segments with a header (ST) that swallowed the segment behind it cut in two, and the numbers of such ones."""
    is_long = (pl.col("id") == "ST") & pl.col("elements").str.contains(rf"(?:BPR|BHT){ELEMENT}")
    if not frame.filter(pl.col("id") == "ST").select(is_long.any()).item():
        return frame, []
    pattern = rf"^(.*?)[^0-9A-Z{ELEMENT}]?(BPR|BHT){ELEMENT}(.*)$"
    parts = [pl.col("elements").str.extract(pattern, place) for place in (1, 2, 3)]
    numbered = frame.with_columns(turn=2 * pl.int_range(pl.len()))
    long = numbered.filter(is_long)
    behind = long.with_columns(id=parts[1], elements=parts[2], turn=pl.col("turn") + 1)
    cut = numbered.with_columns(elements=pl.when(is_long).then(parts[0]).otherwise("elements"))
    return pl.concat([cut, behind]).sort("turn").drop("turn"), long["number"].to_list()


def _split(data: bytes, delimiters: Delimiters) -> tuple[pl.DataFrame, bool]:
    """Rows of `id` and `elements`, and whether the last row lacks its terminator."""
    text = _canonical(data, delimiters)
    tail = text[text.rfind(TERMINATOR.encode()) + 1 :].decode()
    cut = bool(tail) and not re.match(rf"(?:{'|'.join(_TRAILERS)}){ELEMENT}", tail)
    text = text + TERMINATOR.encode() if tail else text
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord(TERMINATOR)) + 1
    offsets = np.concatenate([np.zeros(1, np.int64), ends])
    whole = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(text))
    parts = pl.Series("text", whole).str.strip_suffix(TERMINATOR)
    parts = parts.filter(parts != "") if len(ends) and np.diff(offsets).min() == 1 else parts
    rows = parts.str.splitn(ELEMENT, 2).struct.unnest()
    return rows.select(pl.col("field_0").alias("id"), pl.col("field_1").fill_null("").alias("elements")), cut


def _canonical(data: bytes, delimiters: Delimiters) -> bytes:
    """The text in UTF-8 with our separators and no blank beside them, on one line: newlines part segments or mean
    nothing."""
    table = bytearray(range(256))
    for control in range(32):
        table[control] = ord(" ")
    drop = b"" if delimiters.terminator in b"\r\n" else b"\r\n"
    table[ord("\r")] = table[ord("\n")] = ord(TERMINATOR)
    for ours, theirs in (
        (COMPONENT, delimiters.component),
        (ELEMENT, delimiters.element),
        (TERMINATOR, delimiters.terminator),
    ):
        table[theirs[0]] = ord(ours)
    data = data.translate(bytes(table), drop)
    if not data.isascii():
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode("latin-1")
        data = (_WIDE_BLANKS.sub(r"\1", text) if any(blank in text for blank in _WIDE) else text).encode()
    header, rest = data[: (end := data.find(TERMINATOR.encode()) + 1)], data[end:]
    return _BLANKS.sub(rb"\1", header) + (_BLANKS.sub(rb"\1", rest) if _has_loose_blanks(rest) else rest).strip(b" ")


def _has_loose_blanks(data: bytes) -> bool:
    """True where a blank stands beside a separator: hardly ever, but for ISA."""
    marks = np.frombuffer(data, np.uint8)
    blanks = np.flatnonzero(marks == ord(" "))
    beside = (np.clip(blanks + step, 0, len(marks) - 1) for step in (-1, 1))
    return any(np.isin(marks[places], list(map(ord, _MARKS))).any() for places in beside)


# --- delimiters ------------------------------------------------------------------------------------


def _pieces(data: bytes) -> list[Piece]:
    headers = [
        match.start() for match in re.finditer(rb"ISA(?![0-9A-Za-z \r\n])", data) if _is_header(data, match.start())
    ]
    pieces = []
    before = data[: headers[0]] if headers else data
    start = _headerless_start(before)
    if start is not None:
        delimiters = _guess(before[start:])
        if delimiters:
            pieces.append(Piece(start, len(before), delimiters))
    for start, end in pairwise([*headers, len(data)]):
        delimiters = _from_header(data[start : min(end, start + 100_000)])
        if delimiters:
            pieces.append(Piece(start, end, delimiters))
    return pieces


def _is_header(data: bytes, start: int) -> bool:
    """Whether an ISA at `start` is the segment, not the end of a name such as Isa or Lisa."""
    parts = data[start : start + 1000].split(data[start + 3 : start + 4], 16)
    if len(parts) < 17:
        return False
    short = all(len(parts[place].strip()) <= 2 for place in (1, 3, 5, 7))
    shapes = ((9, rb"\d{6}|\d{8}"), (10, rb"\d{4}"), (12, rb"\d{5}"))
    return short and sum(bool(re.fullmatch(shape, parts[place].strip())) for place, shape in shapes) >= 2


def _from_header(chunk: bytes) -> Delimiters | None:
    """Component separator: ISA16. Terminator: what stands between ISA16 and the next segment."""
    element = chunk[3:4]
    tail = chunk.split(element, 16)[16]
    following = rb"\s*?([^\s0-9A-Za-z]?)(.*?)[A-Z][A-Z0-9]{1,2}%b" % re.escape(element)
    match = re.match(following, tail, re.DOTALL)
    if not match:
        return None
    component, gap = match[1], match[2]
    marks = gap.strip(b" \t\r\n")
    if marks:
        return Delimiters(element, _component(chunk, element, marks[:1], component), marks[:1])
    guessed = _guess_terminator(chunk, element)
    if component and (not gap or guessed == component):
        component, terminator = b"", component
    else:
        terminator = guessed or (b"\n" if b"\n" in gap else b"\r")
    return Delimiters(element, _component(chunk, element, terminator, component), terminator)


def _headerless_start(data: bytes) -> int | None:
    """Where an interchange without a usable ISA starts: the first GS, ST or BPR that looks like one."""
    for match in re.finditer(_FIRST, data):
        start = match.start()
        element, before = match["gs"] or match["st"] or match["bpr"], data[max(start - 1, 0) : start]
        if not before.isalnum() and before != element:
            return start
    return None


def _guess(data: bytes) -> Delimiters | None:
    """The delimiters as the segments show them; nothing where fewer than two kinds of segment do."""
    head = data[:100_000]
    element = re.match(rb"(?:GS|ST|BPR)(.)", head, re.DOTALL)[1]  # type: ignore[index]
    terminator = _guess_terminator(head, element)
    kinds = set(re.findall(rb"(?<![0-9A-Za-z])(%b)%b" % (_KNOWN, re.escape(element)), head))
    if not terminator or len(kinds) < 2:
        return None
    return Delimiters(element, _component(head, element, terminator), terminator)


def _guess_terminator(chunk: bytes, element: bytes) -> bytes:
    """The mark most often found before a known segment id; a newline where there is no mark."""
    found = re.findall(rb"([^\s0-9A-Za-z]?)([ \t]*[\r\n\s]*)(?:%b)%b" % (_KNOWN, re.escape(element)), chunk)
    votes = Counter(
        mark or (b"\n" if b"\n" in space else b"\r" if b"\r" in space else b"")
        for mark, space in found
        if mark != element
    )
    votes.pop(b"", None)
    return votes.most_common(1)[0][0] if votes else b""


def _component(chunk: bytes, element: bytes, terminator: bytes, declared: bytes = b"") -> bytes:
    """What follows a procedure qualifier in fact, else what ISA16 declares, else ':'."""
    no_mark = rb"([^\s0-9A-Za-z%b%b])" % (re.escape(element), re.escape(terminator))
    seen = re.search(
        rb"(?:SVC|SV1|SV3|SV2%b[0-9]*)%b[A-Z]{2}%b" % (re.escape(element), re.escape(element), no_mark), chunk
    )
    if seen:
        return seen[1]
    usual = next(mark for mark in (b":", b">", b"^") if mark not in (element, terminator))
    return usual if declared in (b"", b".", b"-", b" ", element, terminator) else declared


# --- elements --------------------------------------------------------------------------------------


def elements(rows: Frame, width: int) -> Frame:
    """The rows with `e1` to `e<width>` instead of `elements`: trimmed text, empty where nothing is said.

    >>> rows = read_segments(b"ST*835*1~BPR*I* 5**CHK~").frame.filter(id="BPR")
    >>> elements(rows, 4).select("e1", "e2", "e3", "e4").row(0)
    ('I', '5', None, 'CHK')
    """
    names = [f"e{place}" for place in range(1, width + 1)]
    fields = pl.col("elements").str.split_exact(ELEMENT, width - 1).struct.rename_fields(names)
    return rows.with_columns(fields).unnest("elements").with_columns(_said(pl.col(names)))


def components(rows: Frame, column: str, width: int, prefix: str) -> Frame:
    """The rows with the components of a composite element as `<prefix>1` to `<prefix><width>`."""
    names = [f"{prefix}{place}" for place in range(1, width + 1)]
    fields = pl.col(column).str.split_exact(COMPONENT, width - 1).struct.rename_fields(names)
    return rows.with_columns(fields.alias("_fields")).unnest("_fields").with_columns(_said(pl.col(names)))


def place_within(key: str) -> pl.Expr:
    """1, 2, ... within each key, whose rows stand together."""
    index, is_start = pl.int_range(pl.len()), pl.col(key).ne_missing(pl.col(key).shift(1))
    return index - pl.when(is_start | (index == 0)).then(index).forward_fill() + 1


def _said(text: pl.Expr) -> pl.Expr:
    return pl.when(text != "").then(text)


def widest(rows: pl.DataFrame, limit: int = 200) -> int:
    """Elements of the longest of these segments, `limit` at most: CAS and PLB repeat their last ones."""
    most: Any = rows["elements"].str.count_matches(ELEMENT, literal=True).max() if rows.height else 0
    return min((most or 0) + 1, limit)


def said(rows: Frame, segment: str, qualifiers: list[str], width: int) -> Frame:
    """The segments with this id whose first element is one of these, split into elements."""
    first = pl.any_horizontal(pl.col("elements").str.starts_with(word + ELEMENT) for word in qualifiers)
    return elements(rows.filter(pl.col("id") == segment).filter(first), width)


def first_said(rows: Frame, key: str, **values: pl.Expr) -> Frame:
    """One row per key with these values: the first row that says any of them."""
    says = pl.any_horizontal(pl.col(list(values)).is_not_null())
    rows = rows.select(key, **values).filter(pl.col(key).is_not_null(), says)
    return rows.filter(pl.col(key).is_first_distinct())


def beside(rows: pl.DataFrame, key: str, *parts: pl.DataFrame) -> pl.DataFrame:
    """The rows with the columns of each part, which has one row per key; keys are counts, so no join is needed."""
    most: Any = max(frame[key].max() or 0 for frame in (rows, *parts))
    for part in parts:
        place = np.full(most + 1, part.height)
        place[part[key].to_numpy()] = np.arange(part.height)
        of_row = pl.Series(place).gather(rows[key])
        of_row = of_row.set(of_row == part.height, None)
        rows = rows.with_columns(part.select(pl.exclude(key).gather(of_row)))
    return rows


def concatenated(columns: list[str], mark: str) -> pl.Expr:
    """The texts of these columns in one, with `mark` between; empty where all are empty."""
    text = pl.concat_str(columns, separator=mark, ignore_nulls=True)
    return pl.when(text != "").then(text)


def transactions(segments: Segments, kind: str) -> pl.DataFrame:
    """The segments with `transaction`: 1 for the first transaction of this kind, 0 outside of any.

    Envelope segments, and transactions of other kinds, get 0.

    Raises
        SourceError where the file holds no transaction of this kind.
    """
    frame = segments.frame
    starts = frame.filter(id="ST").with_columns(kind=_first_element())
    ordinal = (pl.col("id") == "ST").cum_sum().cast(pl.Int64)
    wanted = starts["kind"] == kind
    if not wanted.any():
        found = sorted({word or "?" for word in starts["kind"].to_list()}) if starts.height else []
        said = f"transactions of kind {listed(found)}" if found else "no transaction header (ST)"
        raise SourceError(f"{segments.name} holds no {kind}: found {said} in {frame.height:,} segments.")
    dense = pl.concat([pl.Series([0]), (wanted.cast(pl.Int64).cum_sum() * wanted.cast(pl.Int64))])
    outside = pl.col("id").is_in(["ISA", "IEA", "GS", "GE", "TA1"])
    frame = frame.with_columns(transaction=ordinal)
    return frame.with_columns(transaction=pl.when(outside).then(0).otherwise(dense.gather(frame["transaction"])))


def _first_element() -> pl.Expr:
    return pl.col("elements").str.split_exact(ELEMENT, 1).struct.field("field_0")
