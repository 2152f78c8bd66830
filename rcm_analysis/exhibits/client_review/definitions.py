"""What each measure of a report counts, in the reader's words: from the menu, without the marks of the code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...blocks.vocabulary import Glossary
from ...measures.menu import Measure, named
from ..blocks import glossary
from ..formats import american, sentence

CODE_WORDS = {
    "received_on": "day received",
    "submitted_on": "day sent",
    "entered_on": "day entered",
    "service_on": "day of service",
    "posted_on": "day posted",
    "ar_cents": "receivable",
    "days_in_ar": "days in AR",
    "p90_days": "ninth-tenth days",
    r"ledger\.roll_forward": "the roll-forward",
    r"reference/carc_categories\.csv": "the reason list of this package",
}
UNIT_WORDS = {"usd": "US dollars", "rate": "share", "count": "count", "days": "days"}


def glossary_of(names: tuple[str, ...], more: Sequence[Mapping[str, str]] = ()) -> Glossary:
    """The definitions of these measures, from the menu, in the reader's words; then `more`, as they are."""
    return glossary([*(_term(named(name)) for name in names), *more])


def _term(record: Measure) -> dict[str, str]:
    parameters = inspect.signature(record.function).parameters
    fixed = {name: item.default for name, item in parameters.items()} | dict(record.options)
    values = {name: str(value) for name, value in fixed.items() if type(value) is int}

    def words(text: str) -> str:
        return readable(text, values)

    formula = statements(record.function)
    parts = _of_a_ratio(formula)

    return {
        "name": record.name,
        "title": record.title,
        "unit": UNIT_WORDS.get(record.unit, record.unit),
        "source": words(record.source),
        "formula": f"{words(record.summary)} {sentence(words(formula))}.{words(parts)} Date basis: "
        f"{words(record.date_basis)}.",
    }


def _of_a_ratio(formula: str) -> str:
    """Numerator and denominator of a formula that is one division; nothing of any other.

    >>> _of_a_ratio("denial_rate = denied_claims / remitted_claims; denied: at first")
    ' Numerator: denied_claims. Denominator: remitted_claims.'
    """
    found = re.match(r"[^=;]+ = ([^/;]+) / (\w+)(?![\w(])", formula)
    return f" Numerator: {found[1]}. Denominator: {found[2]}." if found else ""


def statements(function: Callable[..., Any]) -> str:
    """The formula of a measure with a semicolon between its statements; the menu's joins them with a blank."""
    found = re.search(r"^Formula\n((?:    .*\n?)+)", inspect.getdoc(function) or "", flags=re.MULTILINE)
    lines = [line.strip() for line in found[1].splitlines()] if found else []
    parts: list[str] = []
    for line in lines:
        starts = re.match(r'[\w" ,]{1,40}=', line) or re.match(r"clock ", line)
        if parts and not starts:
            parts[-1] += f" {line}"
        else:
            parts.append(line)
    return "; ".join(part.rstrip(";") for part in parts)


def readable(text: str, values: Mapping[str, str]) -> str:
    """A definition without the marks of the code it was written beside.

    >>> readable("cash_cents = insurance_cents - `takebacks_cents`, in `days` days to `as_of`", {"days": "90"})
    'cash = insurance - takebacks, in 90 days to the as-of day'
    >>> readable("missed (in the last 90 days)", {"days": "90"})
    'missed (in the last 90 days)'
    """
    for name, value in values.items():
        bare = rf"\b{name}\b" if "_" in name else rf"(?<!\d )\b{name}\b(?=\)| days)"
        text = re.sub(rf"`{name}`|{bare}", value, text)
    text = re.sub(r"\b(as_of|last_day)\b", "the as-of day", text.replace("`", ""))
    for code, words in CODE_WORDS.items():
        text = re.sub(rf"\b{code}\b", words, text)
    text = re.sub(r"(\w)_cents\b", r"\1", text)
    return american(re.sub(r"(?<=[a-z0-9])_(?=[a-z0-9])", " ", text))
