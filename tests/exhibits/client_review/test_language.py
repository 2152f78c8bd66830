"""What the four pages say, kept as a file that a reviewer reads in five minutes, and held to the words of the trade.

UPDATE_GOLDEN=1 writes the file anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from builders.acorn import acorn_page, invented, subject_of
from builders.engagement_offices import simulated
from builders.self_pay_programme import programme
from rcm_analysis.blocks.vocabulary import Block, Cards, Figure, Glossary, Headline, Note, Split, Table
from rcm_analysis.exhibits.pages import pages_of

GOLDEN = Path(__file__).with_name("sentences.md")
PAGES = ("answers", "month_adds_up", "denials_and_payers", "ahead_and_owed", "terms")
CLIENTS = {
    "as it is": (),
    "no work log, no actions": ("work_log", "actions"),
    "no remittances": ("remit_claims", "remit_lines", "remit_adjustments", "deposits", "provider_adjustments"),
    "no claim files": ("submissions", "claim_edits"),
}
RIDDLES = {
    "a word twice": r"\b(\w+) \1\b",
    "two spaces": r"\S  \S",
    "a code of the trade": r"\b(CO|PR|OA|PI|EOB|CARC|CLP|ERA)\b",
    "one of many": r"\b1 (claims|denials|appeals|months|days|accounts|balances|questions)\b",
    "a plural in doubt": r"\(s\)",
    "an empty dash in a sentence": r"[a-z] – [a-z]",
    "a machine's name": r"\b[a-z]+_[a-z]+\b",
    "a number that is none": r"\b(nan|None|NaT|inf)\b",
}
MONEY = re.compile(r"(?<![\d$,.])\d{1,3}(,\d{3})+\.\d\d\b")


def texts(blocks: list[Block]) -> list[str]:
    """Every sentence that the page prints, in order."""
    out: list[str] = []
    for block in blocks:
        if isinstance(block, (Note, Headline)):
            out.append(block.text)
        elif isinstance(block, Split):
            out += [block.title, *(f"{piece.value} {piece.label}" for piece in block.pieces), block.definition]
        elif isinstance(block, Cards):
            out += [f"{card.title}: {card.answer}. {card.detail}" for card in block.items]
        elif isinstance(block, Figure):
            out += [block.title, block.finding]
        elif isinstance(block, Glossary):
            out += [f"{term.title}: {term.formula}" for term in block.items if not term.name]
        elif isinstance(block, Table) and block.print:
            out += [block.title, block.definition, *block.notes]
            out += [str(row[1]) for row in block.shown] if block.name == "asks" else []
    return [text for text in out if text]


@pytest.fixture(scope="module")
def said() -> dict[str, list[str]]:
    return {
        name: [text for page in PAGES for text in texts(acorn_page("client_review", page, *lacking))]
        for name, lacking in CLIENTS.items()
    }


def test_the_sentences_are_those_that_were_read(said):
    lines = ["# What the four pages of a client review say", ""]
    for name, sentences in said.items():
        lines += [f"## Acorn Clinic, {name}", "", *sentences, ""]
    now = "\n".join(lines)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(now, encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == now, "read the change, then: UPDATE_GOLDEN=1 pytest " + __file__


@pytest.mark.parametrize("riddle", RIDDLES)
def test_no_sentence_is_a_riddle(said, riddle):
    pattern = re.compile(RIDDLES[riddle])
    found = [text for sentences in said.values() for text in sentences if pattern.search(text)]
    assert found == []


def test_money_has_its_dollar_sign(said):
    assert [text for sentences in said.values() for text in sentences if MONEY.search(text)] == []


@pytest.fixture(scope="module")
def of_services() -> list[str]:
    """What the two pages of each service say."""
    base = subject_of({**invented(), **simulated(1.0, plants=True)})
    reviews = [pages_of("self_pay_review", programme(base)), pages_of("patient_engagement_review", base)]
    return [text for review in reviews for page in ("answers", "behind") for text in texts(getattr(review, page)())]


@pytest.mark.parametrize("riddle", RIDDLES)
def test_no_sentence_of_a_service_is_a_riddle(of_services, riddle):
    assert len(of_services) > 40
    assert [text for text in of_services if re.search(RIDDLES[riddle], text) or MONEY.search(text)] == []
