"""Files of one layout read together give what each gives by itself: rows, rows set aside, every message."""

import random
import re

import pytest
from polars.testing import assert_frame_equal

from builders.small_clients import MAP
from rcm_analysis.sources.exports import text_tables, together
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.workspace import open_workspace

REGISTRY = """
[clients.acme]
name = "Acme"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
npis = ["1234567893"]
column_maps = ["pm"]
"""
GROUPED = """
name = "pm"
[transactions]
delivery = "append"
content_id = "transaction_id"
optional = ["trace"]
date_formats = ["%m/%d/%Y"]
sign.by = "kind"
[transactions.columns]
claim_id = ["Claim"]
kind = ["Type"]
amount_cents = ["Amount"]
happened_on = ["Date"]
posted_on = ["Posted"]
trace = ["Check"]
[transactions.constants]
party = "primary"
[transactions.carry]
trace = "claim_id"
[transactions.take]
header = ["Row"]
rows = ["ledger"]
leave = ["line"]
[claim_lines]
delivery = "append"
date_formats = ["%m/%d/%Y"]
[claim_lines.columns]
claim_id = ["Claim"]
procedure = ["Code"]
service_on = ["Date"]
entered_on = ["Posted"]
charge_cents = ["Amount"]
[claim_lines.number]
line_number = "claim_id"
[claim_lines.take]
header = ["Row"]
rows = ["line"]
leave = ["ledger"]
"""
NAMED = GROUPED.replace(
    "[transactions.carry]", '[transactions.from_name]\nparty = "_(primary|patient)_"\n[transactions.carry]'
)
NAMED = NAMED.replace('[transactions.constants]\nparty = "primary"\n', "")
HEADS = {MAP: "Txn,Claim,Type,Party,Date,Posted,Amount", GROUPED: "Row,Claim,Type,Code,Date,Posted,Amount,Check"}
HEADS[NAMED] = HEADS[GROUPED]
READ = together.read_together
LAYOUTS = {"ids": MAP, "content, carried, numbered, taken": GROUPED, "named": NAMED}


def a_row(chance: random.Random, number: int, layout: str) -> list[str]:
    day = f"{chance.randint(1, 12):02d}/{chance.randint(1, 28):02d}/2026"
    amount, kind = f"{chance.randint(1, 9)}0.00", chance.choice(["charge", "payment", "contractual"])
    if layout == MAP:
        return [str(number), f"C{number % 7}", kind, "primary", day, day, amount]
    check = chance.choice(["", "", f"00{number}"])
    return [chance.choice(["ledger", "line", "ledger"]), f"C{number % 3}", kind, "99213", day, day, amount, check]


CELLS = (
    ("amount", "1.005"),
    ("amount", "10.000000000001"),
    ("amount", "abc"),
    ("day", "31/12/2026"),
    ("day", "01/05/1999"),
    ("day", "05/01/2062"),
    ("claim", "1.23457E+15"),
    ("claim", "123456789012345000"),
    ("claim", "1234567890123450"),
    ("claim", '"K,1 ""x"""'),
    ("claim", '"open'),
    ("claim", "\xe9t\xe9"),
    ("claim", ""),
    ("claim", "a,more"),
    ("kind", "other"),
    ("first", "somewhere"),
)
"""What one cell of a file may hold, and where."""
WHOLE = (
    lambda lines, header: [*lines, lines[-1]],
    lambda lines, header: [*lines, header, lines[0]],
    lambda lines, header: ["", *lines, "", ","],
    lambda lines, header: [*lines, "Total" + "," * header.count(",")],
    lambda lines, header: [*lines, "Total,10.00"],
    lambda lines, header: [],
    lambda lines, header: [re.sub(r"(\d0\.00)", r"-\1", line) for line in lines],
    lambda lines, header: [re.sub(r"\d\d/\d\d/2026", "13/02/2026", line) for line in lines],
)
"""What may be wrong with a file as a whole."""


def faulty(rows: list[list[str]], chance: random.Random, header: str) -> list[str]:
    """The lines of one file, with one fault."""
    if chance.random() < 0.4:
        return chance.choice(WHOLE)([",".join(row) for row in rows], header)
    what, value = chance.choice(CELLS)
    row, heads = chance.choice(rows), header.split(",")
    place = {"amount": "Amount", "day": "Date", "claim": "Claim", "kind": "Type", "first": heads[0]}[what]
    row[heads.index(place)] = value
    return [",".join(row) for row in rows]


def write_files(folder, layout: str, chance: random.Random) -> None:
    number = 0
    for file in range(chance.randint(6, 40)):
        rows = []
        for _ in range(chance.randint(1, 9)):
            number += 1
            rows.append(a_row(chance, number, layout))
        end, header = chance.choice(["\n", "\n", "\r\n"]), HEADS[layout]
        lines = faulty(rows, chance, header) if chance.random() < 0.4 else [",".join(row) for row in rows]
        text = end.join([header, *lines]) + chance.choice([end, ""])
        name = f"{chance.choice(['a', 'b'])}_{chance.choice(['primary', 'patient'])}_{file}.csv"
        (folder / name).write_bytes(text.encode(chance.choice(["utf-8", "cp1252", "utf-8-sig", "utf-16"])))


def took(root, layout: str, write) -> tuple:
    """Everything an intake of these files says and stores."""
    (root / "maps").mkdir(parents=True)
    (root / "raw" / "acme").mkdir(parents=True)
    for name, text in (("rcm.toml", ""), ("clients.toml", REGISTRY), ("maps/pm.toml", layout)):
        (root / name).write_text(text)
    (root / "pseudonym.key").write_bytes(b"0a" * 32)
    write(root / "raw" / "acme")
    workspace = open_workspace(root)
    report = ingest_client(workspace, "acme", find_files(workspace, client="acme")["acme"])
    store = workspace.client("acme").tables()
    return report.files, report.findings, report.quarantine, {name: store[name].collect() for name in TABLES}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("large", [1 << 20, 200], ids=["plain", "each text once"])
def test_files_read_together_give_what_each_gives_by_itself(tmp_path, monkeypatch, layout, seed, large):
    def write(folder):
        write_files(folder, layout, random.Random(seed))

    monkeypatch.setattr(text_tables, "LARGE", large)
    with monkeypatch.context() as patch:
        patch.setattr(together.Exports, "_pile", lambda *_: [])
        by_themselves = took(tmp_path / "each", layout, write)
    read = []
    monkeypatch.setattr(
        together, "read_together", lambda *words, **more: read.extend(READ(*words, **more)) or read[-len(words[0]) :]
    )
    at_once = took(tmp_path / "all", layout, write)
    assert any(read), "nothing was read together"
    assert at_once[0] == by_themselves[0]
    frames = [(*each[1:3], *each[3].values()) for each in (at_once, by_themselves)]
    for one, other in zip(*frames, strict=True):
        assert_frame_equal(one, other)
