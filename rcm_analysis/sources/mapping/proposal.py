"""A column map proposed for unknown files: which table, which heading for which column, in which form, which signs.

What a file leaves open is a question with its possible answers; whatever else is proposed stands in the map with its
reason. Nothing is decided where two readings are possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import ParameterError, SourceError, closest, listed
from ...tables.schema_base import Column, Table
from ..exports.aging import AGING_REPORT, BUCKETS
from ..exports.column_maps import READ
from ..exports.visits import VISITS
from ..exports.whole_file import is_id
from .columns import NEARLY_ALL, Held, Unknown, look_at
from .drafts import Partner, Proposed, Question
from .headings import PHRASES, ages_of, likeness, party_of_age, words_of
from .signs import negated, sign_of
from .vocabulary import KIND_WORDS, PARTY_HINTS, PARTY_WORDS, STATUS_WORDS

ENOUGH_KEYS = 3
MANY_ACCOUNTS = 20
"""No practice has more accounts at its bank."""
CLEARLY = 0.12
"""A heading, or a table, is taken where it is so much better than the next one."""
NEEDED = {
    "visits": ("payer", "service_on", "charge_cents"),
    "transactions": ("kind", "amount_cents", "happened_on"),
    "remittance_rows": ("payer", "claim_id", "charge_cents", "paid_cents", "trace"),
    "bank_statement": ("posted_on", "amount_cents"),
    "aging_report": (),
}
JOINABLE = ("patient", "provider", "location", "claim_type", "payer", "secondary_payer", "tertiary_payer", "service_on")
"""Columns that say the same in every row of a claim, and may be looked up in another file; money never."""
LEDGER_WORDS = frozenset(
    {"chg", "charge", "charges", "chrg", "adj", "adjustment", "contractual", "write off", "writeoff"}
)
"""Words of cells that no bank writes."""


def propose(path: Path, answers: Mapping[str, str], others: Sequence[Path] = ()) -> Proposed:
    """What a file seems to be; the answers given so far are taken, what is open is under `questions`. Columns that it
    lacks are looked up in the `others` of the delivery, where one has the key.

    Raises
        SourceError where the file is no table.
        ParameterError where an answer is none of the possible ones.
    """
    file = look_at(path)
    table, question = _table_of(file, answers)
    out = Proposed(file, table, questions=[question] if question else [])
    _match(out, answers)
    _look_up(out, (found for other in others if other != path and (found := _seen(other))))
    _days(out, answers)
    _codes(out, answers)
    _forms(out, answers)
    return out


def _seen(path: Path) -> Unknown | None:
    try:
        return look_at(path)
    except SourceError:
        return None


def answered(question: Question, answers: Mapping[str, str]) -> str | None:
    """The answer to a question, where it is given.

    Raises
        ParameterError where it is none of the possible ones.
    """
    given = answers.get(question.key)
    if given is None:
        return None
    fitting = [option for option in question.options if option.casefold() == given.casefold()]
    if question.options and not fitting:
        raise ParameterError(f"{question.key}: {given!r} is not one of {listed(question.options, 40)}.")
    return fitting[0] if fitting else given


def _ask(out: Proposed, question: Question, answers: Mapping[str, str]) -> str | None:
    given = answered(question, answers)
    if given is None:
        out.questions.append(question)
    return given


# --- which table -----------------------------------------------------------------------------------


def _table_of(file: Unknown, answers: Mapping[str, str]) -> tuple[Table, Question | None]:
    """The table whose columns the headings name best; a question where two are as good."""
    scores = sorted(((_fitness(file, READ[name]), name) for name in PHRASES), reverse=True)
    best, second = scores[0], scores[1]
    question = Question(
        "table",
        "What is a row of this file: amounts of a claim side by side (visits), one posting (transactions), a payer's "
        "answer (remittance_rows), money at the bank (bank_statement), or what is open by age (aging_report)?",
        tuple(PHRASES),
    )
    given = answers.get("table")
    if given and given not in READ:
        raise ParameterError(f"table: {given!r} is no table.{closest(given, READ)}")
    if given:
        return READ[given], None
    is_close = best[0] - second[0] < CLEARLY * max(best[0], 1)
    return READ[best[1]], question if is_close or _is_poor(file, READ[best[1]]) else None


def _is_poor(file: Unknown, table: Table) -> bool:
    """Whether even the best table fits badly, as with a plain list of payments: the accounts of a bank would differ
    from row to row, or an answer of a payer would name neither a payer nor a charge."""
    found = _assigned(file, table)
    if table.name == "bank_statement":
        return "account" in found and found["account"][0].distinct > MANY_ACCOUNTS
    return table.name == "remittance_rows" and not {"payer", "charge_cents"} & set(found)


def _fitness(file: Unknown, table: Table) -> float:
    """Columns of the table that headings name, each by its likeness, less what the table needs and nothing names."""
    found = _assigned(file, table)
    lacking = sum(name not in found for name in NEEDED[table.name])
    lacking += table.name == "visits" and not {"balance_cents", "paid_cents", "adjusted_cents"} & set(found)
    if table.name == "bank_statement":  # a ledger has a day and an amount, too: and claims, or charges, beside them
        is_ledger = any(LEDGER_WORDS & set(held.words) for held in file.columns)
        lacking += 2 * (is_ledger or "claim_id" in _assigned(file, READ["transactions"]))
    ages = len(set(ages_of([held.heading for held in file.columns]).values()))
    if table is AGING_REPORT:
        is_open = ages > 2 or "bucket" in found
        lacking += 0 if is_open and not {"service_on", "charge_cents"} & set(_assigned(file, VISITS)) else 9
        return sum(score for _, score in found.values()) + ages - 2.5 * lacking
    return sum(score for _, score in found.values()) - 2.5 * lacking


# --- which heading for which column ----------------------------------------------------------------


def _assigned(file: Unknown, table: Table) -> dict[str, tuple[Held, float]]:
    """For each of our columns the heading that names it best; each heading once, the best likeness first."""
    pairs = sorted(
        (
            (likeness(held.heading, table, column.name), -held.place, column.name, held)
            for held in file.columns
            for column in table.columns[1:]
            if _can_be(held, column)
        ),
        key=lambda pair: pair[:2],
        reverse=True,
    )
    found: dict[str, tuple[Held, float]] = {}
    used: set[int] = set()
    for score, _, name, held in pairs:
        if score and name not in found and held.place not in used:
            found[name] = (held, score)
            used.add(held.place)
    return found


def _can_be(held: Held, column: Column) -> bool:
    """True where the column's cells can be what ours holds; an empty column can be anything but an amount."""
    if not held.filled:
        return column.kind == "text"
    if column.kind == "date":
        return held.is_date
    if column.kind == "cents":
        return held.is_money and not held.is_iso
    if column.kind == "text":
        return not held.has_decimals and (not held.is_date or is_id(column.name, VISITS))
    return True


def _match(out: Proposed, answers: Mapping[str, str]) -> None:
    """Headings for our columns; two that name one as well are a question."""
    found = _assigned(out.file, out.table)
    taken = {held.place for held, _ in found.values()}
    for name, (held, score) in found.items():
        column = out.table.column(name)
        rivals = [
            other.heading
            for other in out.file.columns
            if other.place not in taken
            and _can_be(other, column)
            and likeness(other.heading, out.table, name) > score - CLEARLY
        ]
        choice: str | None = held.heading
        if rivals:
            options = (held.heading, *rivals, "none")
            choice = _ask(out, Question(f"column.{name}", f"Which column is {column.note}?", options), answers)
            choice = None if choice == "none" else choice
        if choice:
            out.columns[name] = choice
            out.why[name] = "as you said" if rivals else "its heading" if score == 1 else "most like its heading"
    for key, value in answers.items():
        name = key.removeprefix("column.")
        if key.startswith("column.") and name in out.table.names and value in out.file.header:
            out.columns[name], out.why[name] = value, "as you said"
    if "modifiers" in out.table.names:
        _modifiers(out)


def _look_up(out: Proposed, others: Iterable[Unknown]) -> None:
    """Columns that the file lacks, of the other file whose rows are told apart by a key that stands in this one too;
    other files are read one by one, and none where nothing is lacking."""
    wanted = [name for name in JOINABLE if name in out.table.names and name not in out.columns]
    if not wanted:
        return
    for other in others:
        found = {name: held for name, (held, score) in _assigned(other, out.table).items() if score > 1 - CLEARLY}
        for ours in out.file.columns:
            for theirs in other.columns:
                columns = {name: found[name] for name in wanted if name in found and found[name] is not theirs}
                if columns and _is_key(out.file, ours, other, theirs):
                    out.join = Partner(other, ours.heading, theirs.heading, columns)
                    return


def _is_key(file: Unknown, ours: Held, other: Unknown, theirs: Held) -> bool:
    """True where a column of ids tells the other file's rows apart, and nearly all ids of this file stand there."""
    if theirs.distinct < max(theirs.filled, ENOUGH_KEYS) or theirs.has_decimals or theirs.is_date or ours.is_date:
        return False
    named = words_of(ours.heading) == words_of(theirs.heading) or words_of(theirs.heading) <= {"number"}
    keys = file.rows[str(ours.place)].drop_nulls().str.strip_chars()
    known = other.rows[str(theirs.place)].drop_nulls().str.strip_chars()
    return named and int(keys.is_in(known.implode()).sum()) >= NEARLY_ALL * max(keys.len(), 1)


def _modifiers(out: Proposed) -> None:
    mods = [held.heading for held in out.file.columns if likeness(held.heading, out.table, "modifiers")]
    numbered = [held.heading for held in out.file.columns if _is_modifier(held.heading)]
    if len(numbered) > 1:
        out.columns.pop("modifiers", None)
        out.settings["modifiers"] = numbered
    elif mods and "modifiers" not in out.columns:
        out.columns["modifiers"] = mods[0]


def _is_modifier(heading: str) -> bool:
    text = "".join(letter for letter in heading.lower() if letter.isalnum())
    return text.rstrip("1234") in ("m", "mod", "modifier", "chargemod", "proceduremodifier") and text[-1] in "1234"


# --- days ------------------------------------------------------------------------------------------


def _days(out: Proposed, answers: Mapping[str, str]) -> None:
    """The date formats of the columns taken; day and month are a question where no column decides."""
    names = [*out.columns, *(out.join.columns if out.join else ())]
    held = [found for name in names if (found := out.held(name)) and out.table.column(name).kind == "date"]
    formats: list[str] = []
    is_open = False
    decided = {f for found in held if len(_orders(found.formats)) == 1 for f in found.formats}
    for found in held:
        orders = _orders(found.formats)
        if len(orders) < 2:
            formats += found.formats[:1]
            continue
        orders_known = _orders(tuple(decided)) or (out.file.above if len(out.file.above) == 1 else set())
        fitting = [f for f in found.formats if _orders((f,)) & orders_known]
        if fitting:
            formats.append(fitting[0])
            where = "another date column of the file" if decided else "what stands above the headings"
            out.why["date_formats"] = f"{where} has days after the 12th in this order"
            continue
        is_open = True
        question = Question(
            "day_order",
            "Every date fits both orders: does the month come first (03/04/2026 is 4 March), or the day?",
            ("month-first", "day-first"),
        )
        given = answered(question, answers)
        if given is None and question not in out.questions:
            out.questions.append(question)
        chosen = [f for f in found.formats if given and _orders((f,)) == {given}]
        formats += chosen[:1]
    if formats:
        out.settings["date_formats"] = list(dict.fromkeys(formats))
        out.why.setdefault("date_formats", "as you said" if is_open else "all dates of the file read so, and only so")


def _orders(formats: Sequence[str]) -> set[str]:
    """Which of day and month come first in these formats, as far as they are numbers."""
    numbered = [pattern for pattern in formats if "%d" in pattern and "%m" in pattern and not pattern.startswith("%Y")]
    return {"month-first" if f.index("%m") < f.index("%d") else "day-first" for f in numbered}


# --- codes -----------------------------------------------------------------------------------------


def _codes(out: Proposed, answers: Mapping[str, str]) -> None:
    """Code words of the file for kinds, parties and states; words that nobody knows are questions."""
    for name, known in (("kind", KIND_WORDS), ("party", PARTY_WORDS), ("status", STATUS_WORDS)):
        held = out.held(name) if name in out.table.names else None
        if held is None:
            continue
        options = out.table.column(name).values or tuple(dict.fromkeys(STATUS_WORDS.values()))
        if not held.words:
            out.columns.pop(name)
            continue
        for word in held.words:
            if word in options:
                continue
            meaning = known.get("".join(letter for letter in word if letter.isalnum()))
            if meaning is None:
                question = Question(f"{name}.{word}", f"What is {word!r} in {held.heading!r}?", options)
                meaning = _ask(out, question, answers)
            if meaning:
                out.values.setdefault(name, {})[word] = meaning


# --- forms -----------------------------------------------------------------------------------------


def _forms(out: Proposed, answers: Mapping[str, str]) -> None:
    """What else a section needs, by the table that it fills."""
    if out.file.decimal == ",":
        out.settings["decimal"], out.why["decimal"] = ",", "amounts end in a comma and two digits"
    if out.file.empty:
        out.settings["empty"], out.why["empty"] = list(out.file.empty), "cells that hold nothing but these words"
    if out.file.sheet:
        out.settings["sheet"] = out.file.sheet
    if out.table.name == "bank_statement":
        _two_columns(out, CREDITS, DEBITS)
        _only_credits(out)
    forms = {"visits": _visits, "transactions": _transactions, "remittance_rows": _answers, "aging_report": _aging}
    forms.get(out.table.name, _plain)(out, answers)
    asked = {question.key for question in out.questions}
    given = {*out.columns, *out.settings, *_constants(out), out.settings.get("content_id"), *asked}
    given |= {*(out.join.columns if out.join else ()), *_pairs(out, "from_name")}
    for column in out.table.columns[1:]:
        if not column.empty and column.name not in given:
            _ask_for(out, column, answers)


def _ask_for(out: Proposed, column: Column, answers: Mapping[str, str]) -> None:
    """A required column that no heading names: a heading as the answer, or one value for every row."""
    fitting = [held.heading for held in out.file.columns if _can_be(held, column)]
    text = f"Which heading is {column.note}, or which one value holds for every row? Headings: {listed(fitting, 40)}."
    given = _ask(out, Question(column.name, text), answers)
    if given is None:
        return
    out.why[column.name] = "as you said"
    if given in out.file.header:
        out.columns[column.name] = given
    else:
        _constants(out)[column.name] = given


def _constants(out: Proposed) -> dict[str, str]:
    return _pairs(out, "constants")


def _pairs(out: Proposed, key: str) -> dict[str, str]:
    found = out.settings.setdefault(key, {})
    assert isinstance(found, dict)
    return found


def _plain(out: Proposed, answers: Mapping[str, str]) -> None:
    out.settings["delivery"], out.why["delivery"] = "append", "the table has no other rule"


DAY_IN_NAME = ((r"(\d{4}-\d\d-\d\d)", None), (r"(\d{8})", "%Y%m%d"), (r"(\d{4}_\d\d_\d\d)", "%Y_%m_%d"))


def _aging(out: Proposed, answers: Mapping[str, str]) -> None:
    """Ages side by side, or one age a row; the day of the report of a column, of the file's name, or asked for."""
    out.settings["one_row_per"], out.why["one_row_per"] = "aging_balance", "ages stand side by side, no postings"
    ages: dict[str, list[str]] = {}
    named = ages_of([held.heading for held in out.file.columns if held.is_money or not held.filled])
    owed = {party: [h for h in named if party_of_age(h) == party] for party in ("insurance", "patient")}
    for heading, age in named.items():
        if not owed["insurance"] or heading in owed["insurance"] or not owed["patient"]:
            ages.setdefault(age, []).append(heading)
    if ages:
        out.columns.pop("bucket", None)
        out.columns = {name: heading for name, heading in out.columns.items() if heading not in named}
        out.sums = dict(sorted(ages.items()))
    elif held := out.held("bucket"):
        out.why["one_row_per"] = "each row is one age of an account"
        out.values["bucket"] = {word: BUCKETS[name] for word, name in ages_of(held.words).items()}
    _report_day(out, answers)
    if named and any(owed.values()):
        _by_party(out, owed, named)


def _by_party(out: Proposed, owed: Mapping[str, list[str]], named: Mapping[str, str]) -> None:
    """Ages of insurers and of patients side by side: one section for each, the second beside the first."""
    both = all(owed.values())
    first = next(party for party in owed if owed[party])
    if both:
        out.columns.pop("balance_cents", None)
    parts = [out]
    if both:
        out.twin = replace(out, settings={**out.settings}, columns={**out.columns}, why={**out.why}, questions=[])
        parts.append(out.twin)
    for part, party in zip(parts, (first, "patient"), strict=False):
        part.columns.pop("party", None)
        part.settings["constants"] = {**_constants(part), "party": party}
        part.why["party"] = f"the headings of the ages say {party}"
        if both:
            ages = sorted({named[heading] for heading in owed[party]})
            part.sums = {age: [heading for heading in owed[party] if named[heading] == age] for age in ages}


def _report_day(out: Proposed, answers: Mapping[str, str]) -> None:
    if "reported_on" in out.columns:
        return
    for pattern, form in DAY_IN_NAME:
        if re.search(pattern, out.file.path.name):
            _pairs(out, "from_name")["reported_on"] = pattern
            out.why["from_name"] = "the day of the report stands in the file's name"
            if form:
                out.settings["date_formats"] = [*_list(out, "date_formats"), form]
            return
    question = Question(
        "reported_on",
        "Neither a column nor the file's name tells the day of the report. Which day is it (2026-10-31)? For a report "
        "that comes every month put the day into the file's name, such as aging_2026-10-31.csv.",
    )
    given = _ask(out, question, answers)
    if given:
        _constants(out)["reported_on"], out.why["reported_on"] = given, "as you said; true of this report alone"


def _list(out: Proposed, key: str) -> list[str]:
    found = out.settings.get(key, [])
    return list(found) if isinstance(found, list) else []


def _visits(out: Proposed, answers: Mapping[str, str]) -> None:
    has_claim = "claim_id" in out.columns
    repeats = False
    if has_claim:
        held = out.held("claim_id")
        repeats = bool(held and held.distinct < held.filled)
    grain = "line" if "procedure" in out.columns and repeats else "claim" if has_claim else "visit"
    out.settings["one_row_per"] = grain
    out.why["one_row_per"] = (
        "claims repeat, each row with a procedure"
        if grain == "line"
        else "each row has its claim number"
        if grain == "claim"
        else "no column of claim numbers; patient and day tell visits apart"
    )
    out.settings["delivery"], out.why["delivery"] = "append", "a claim that comes again gives way to itself"
    _payer(out, answers)
    amounts = [name for name in out.columns if name.endswith("paid_cents")]
    days = {"paid_on", "exported_on", *(name.replace("_cents", "_on") for name in amounts)}
    if amounts and not days & out.columns.keys():
        question = Question(
            "exported_on", "No column tells the day of payment. On which day was the export made (2026-10-31)?"
        )
        given = _ask(out, question, answers)
        if given:
            _constants(out)["exported_on"] = given
            out.why["exported_on"] = "as you said; payments stand on this day for want of their own"
    negate, why, open_ = negated(out)
    for question in open_:
        given = _ask(out, question, answers)
        if given == "yes":
            negate.append(question.key.removeprefix("negate."))
    if negate:
        out.settings["negate"], out.why["negate"] = negate, why or "as you said"


def _payer(out: Proposed, answers: Mapping[str, str]) -> None:
    held = out.held("payer")
    rows = out.file.rows.height
    if held and held.filled < rows:
        out.settings["defaults"] = {"payer": "self_pay"}
        out.why["defaults"] = f"{rows - held.filled:,} of {rows:,} rows name no payer and are taken as self-pay"


def _transactions(out: Proposed, answers: Mapping[str, str]) -> None:
    out.settings["delivery"], out.why["delivery"] = "month", "an export replaces the months that it touches"
    if "posted_on" not in out.columns and "happened_on" in out.columns:
        out.columns["posted_on"] = out.columns["happened_on"]
        out.why["posted_on"] = "no other date; the day of the event is taken as the day of posting"
    if "happened_on" not in out.columns and "posted_on" in out.columns:
        out.columns["happened_on"] = out.columns["posted_on"]
        out.why["happened_on"] = "no other date; the day of posting is taken as the day of the event"
    held = out.held("transaction_id")
    if held is None or held.distinct < held.filled:
        if held is not None:
            out.columns.pop("transaction_id")
        out.settings["content_id"] = "transaction_id"
        out.why["content_id"] = "no column tells every row apart: ids are made of what the rows say"
    _two_columns(out, DEBITS, CREDITS)
    if "claim_id" not in out.columns:
        _ask_for(out, out.table.column("claim_id"), answers)
    if "party" not in out.columns and not _party_of_kind(out):
        options = out.table.column("party").values
        given = _ask(out, Question("party", "Whose responsibility do the postings change?", options), answers)
        if given:
            _constants(out)["party"], out.why["party"] = given, "as you said"
    sign, why = sign_of(out)
    given = sign
    if not sign:
        options = ("kind", "file", "negate")
        given = _ask(out, Question("sign", f"{why} What do amounts mean (sign.by)?", options), answers)
        why = "as you said"
    if given:
        out.settings["sign"], out.why["sign"] = {"by": given}, why


def _two_columns(out: Proposed, *sides: frozenset[str]) -> None:
    """Debits and credits in two columns: the amount is one less the other."""
    found = [
        next((held.heading for held in out.file.columns if held.is_money and words & words_of(held.heading)), None)
        for words in sides
    ]
    if None in found or out.columns.get("amount_cents") not in (None, *found):
        return
    out.columns.pop("amount_cents", None)
    out.settings["amount_cents"] = found
    out.why["amount_cents"] = "debits and credits stand in two columns"


def _only_credits(out: Proposed) -> None:
    """A column of words for in and out: rows of money that goes out are left."""
    for held in out.file.columns:
        words = {word: words_of(word.title()) for word in held.words}
        outgoing = [word for word, parts in words.items() if parts & (DEBITS | {"dr", "d"})]
        incoming = [word for word, parts in words.items() if parts & (CREDITS | {"cr", "c", "deposit"})]
        if outgoing and len(outgoing) + len(incoming) == len(words) and not set(outgoing) & set(incoming):
            out.settings["take"] = {"header": held.heading, "rows": incoming, "leave": outgoing}
            out.why["take"] = "its words say which rows go out; they are no deposits"
            return


CREDITS, DEBITS = frozenset({"credit", "credits", "deposits"}), frozenset({"debit", "debits", "withdrawals"})


def _party_of_kind(out: Proposed) -> bool:
    """True where the words for what was posted also say whose it is: "Patient Payment" beside "Insurance Payment"."""
    held = out.held("kind")
    kinds = out.values.get("kind", {})
    if held is None:
        return False
    parties = {}
    for word in held.words:
        named = words_of(word.title())
        party = next((party for name, party in PARTY_HINTS if name in named), None)
        if party is None and kinds.get(word, word) == "payment":
            return False
        parties[word] = party or "primary"
    out.columns["party"], out.values["party"] = held.heading, parties
    out.why["party"] = "the words for what was posted say whose it is; charges and adjustments are the primary payer's"
    return True


def _answers(out: Proposed, answers: Mapping[str, str]) -> None:
    reasons = [found for name in ("carc", "group_code") if (found := out.held(name)) and found.filled]
    if "adjustment_cents" in out.columns and not reasons and "contractual_cents" not in out.columns:
        out.columns["contractual_cents"] = out.columns.pop("adjustment_cents")
        out.why["contractual_cents"] = "no reasons stand beside it: taken as the contractual part (CO 45)"
    held = out.held("claim_id")
    by_line = "procedure" in out.columns or "line_number" in out.columns
    repeats = bool(held and held.distinct < held.filled)
    grain = "claim"
    if by_line:
        grain = "adjustment" if "carc" in out.columns and _repeats_lines(out) else "line"
    elif repeats and "carc" in out.columns:
        grain = "adjustment"
    out.settings["one_row_per"], out.why["one_row_per"] = grain, "what repeats from row to row"
    if not {"paid_on", "received_on"} & out.columns.keys():
        question = Question("paid_on", "No column tells the day of the checks. Which day is it (2026-10-31)?")
        given = _ask(out, question, answers)
        if given:
            _constants(out)["paid_on"], out.why["paid_on"] = given, "as you said"


def _repeats_lines(out: Proposed) -> bool:
    """True where rows repeat claim, line and amounts with another reason each time."""
    names = ("claim_id", "line_number", "procedure", "service_on", "charge_cents", "paid_cents")
    places = [str(held.place) for name in names if (held := out.held(name))]
    return bool(places) and out.file.rows.select(places).unique().height < out.file.rows.height
