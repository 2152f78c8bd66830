"""The few words that the page itself says, the same in HTML and PDF."""

from __future__ import annotations

import datetime as dt

from .blocks import Comparison, Meta, Note


def day_in_words(text: str) -> str:
    """An ISO date as an American reader writes it; anything else unchanged.

    >>> day_in_words("2026-10-31"), day_in_words("soon")
    ('October 31, 2026', 'soon')
    """
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day:%B} {day.day}, {day.year}"


def cover_lines(meta: Meta) -> list[str]:
    """Period and as-of date, as they stand under the title; a day that the period names already is not said twice."""
    period = meta.period_title or meta.period
    day = day_in_words(meta.as_of)
    as_of = f"as of {day}" if day and day not in period else ""
    line = ", ".join(part for part in (period, as_of) if part)
    return [line[:1].upper() + line[1:]] if line else []


def numbered_title(word: str, number: int | None, title: str) -> str:
    """ "Table 3 · Aging by payer", or what of it there is.

    >>> numbered_title("Table", 3, "Aging by payer"), numbered_title("Figure", None, "")
    ('Table 3 · Aging by payer', '')
    """
    return " · ".join(part for part in (f"{word} {number}" if number else "", title) if part)


def change_word(comparison: Comparison) -> str:
    """What the change means, in a word that survives a grey printer.

    >>> change_word(Comparison("Last month", "$3", "up", True)), change_word(Comparison("A year ago", "$3", "flat"))
    ('better', 'same')
    """
    if comparison.good is not None:
        return "better" if comparison.good else "worse"
    return "same" if comparison.direction == "flat" else ""


def note_word(note: Note) -> str:
    return "Please note" if note.tone == "warning" else "Note"
