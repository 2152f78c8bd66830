"""A desk for one case: its files in a workspace of their own, taken in and asked about.

Whatever the cases need of the package is imported here and nowhere else in this folder.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from rcm_analysis.blocks.vocabulary import Headline
from rcm_analysis.cli import app as cli
from rcm_analysis.ledger.adjudications import claim_adjudications
from rcm_analysis.ledger.balances import balances, claim_balances
from rcm_analysis.measures.collections import rates as collections
from rcm_analysis.measures.denials import rates as denials
from rcm_analysis.measures.denials import reasons as denial_reasons
from rcm_analysis.measures.portfolio.book import fee_revenue
from rcm_analysis.models.cash.payment_lag import claim_ends
from rcm_analysis.models.worklist.ranking import Person, worklist
from rcm_analysis.notebook import open_report
from rcm_analysis.periods import Period
from rcm_analysis.simulate import write_company
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.workspace import Workspace, open_workspace

SHARED = Path(os.environ.get("RCM_SHARED") or Path(__file__).parents[3] / "shared")
CASES = SHARED / "cases"
CLIENT = "acme"
LATER = dt.date(2027, 12, 31)
"""A day by which everything in every case is known."""

_SUMMARY = re.compile(rf"^{CLIENT}\s+\d+\s+[\d,]+\s+-?[\d,]+\.\d\d\s+[\d,]+\.\d\d$")
"""The client's line in the table of `rcm check`: its closing receivable is no finding."""

REGISTRY = """
[firm]
name = "Testers"

[payers.medicare]
name = "Medicare Part B"
payer_class = "medicare"
identifiers = ["00512", "PAYER01"]

[payers.bluex]
name = "Blue Example"
payer_class = "commercial"
identifiers = ["BX01"]

[clients.acme]
name = "Acme Ortho"
providers = 4
revenue = "1250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
npis = ["1234567893"]
"""


class Desk:
    """One workspace with one client."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exit_code: int | None = None
        self.said = ""

    # ------------------------------------------------------------ files in
    def put(self, name: str, content: str | bytes) -> Path:
        """One file into the client's raw folder."""
        path = self.folder / "raw" / CLIENT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def without(self, *names: str) -> dict[str, bytes]:
        """Take raw files out of the folder, to deliver them later."""
        paths = {name: self.folder / "raw" / CLIENT / name for name in names}
        out = {name: path.read_bytes() for name, path in paths.items()}
        for path in paths.values():
            path.unlink()
        return out

    def configure(self, name: str, content: str) -> None:
        """A file of the workspace itself: the registry or a column map."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def rcm(self, *words: str) -> tuple[int, str]:
        """A command on this workspace: its exit code, and all that it printed."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), pytest.raises(SystemExit) as stop:
            cli.main([*words, "--workspace", str(self.folder)])
        return int(stop.value.code or 0), out.getvalue()

    def ingest(self) -> Desk:
        """Take in whatever lies in the raw folder."""
        self.exit_code, self.said = self.rcm("ingest", "--workers", "1")
        return self

    def store(self) -> Desk:
        """Take in whatever lies in the raw folder, without what the command prints of it: half the time."""
        opened = self.workspace
        opened.pseudonym_key()
        ingest_client(opened, CLIENT, find_files(opened, client=CLIENT)[CLIENT])
        return self

    @property
    def workspace(self) -> Workspace:
        return open_workspace(self.folder)

    def tables(self, as_of: dt.date | None = None) -> Any:
        return self.workspace.client(CLIENT).tables(as_of=as_of)

    def stored(self, table: str) -> list[dict[str, Any]]:
        """All rows of one stored table."""
        return self.tables()[table].collect().to_dicts()

    # ------------------------------------------------------------ money
    def parts(self, as_of: dt.date = LATER) -> dict[tuple[str, str], int]:
        """The open balance of every claim and party, in cents; credits below zero."""
        rows = claim_balances(self.tables(), as_of=as_of).collect().to_pandas().to_dict("records")
        return {(row["claim_id"], row["party"]): int(row["balance_cents"]) for row in rows}

    def balance_of(self, claim: str, as_of: dt.date = LATER) -> int:
        """What is open on one claim, in cents."""
        return sum(cents for (name, _), cents in self.parts(as_of).items() if name == claim)

    def owed(self, as_of: dt.date = LATER) -> dict[str, int]:
        """What each party owes, `credit`, `unapplied` and the `receivable`, in cents."""
        rows = balances(self.tables(), as_of=as_of).to_dict("records")
        names = ("primary", "secondary", "tertiary", "patient", "credit", "unapplied", "receivable")
        return {name: int(rows[0][f"{name}_cents"]) if rows else 0 for name in names}

    def receivable(self, as_of: dt.date = LATER) -> int:
        return self.owed(as_of)["receivable"]

    def cash(self, month: str) -> int:
        """Cash of a month in cents: payments less takebacks and refunds."""
        return int(collections.cash(self.tables(), period=Period.month(month))["cash_cents"].iloc[0])

    def cash_by_month(self) -> dict[str, int]:
        """Cash of every month that has any."""
        rows = collections.cash(self.tables(), period=everything(), by=["month"]).to_dict("records")
        return {f"{row['month']:%Y-%m}": int(row["cash_cents"]) for row in rows if row["cash_cents"]}

    def received(self, month: str) -> int:
        """All that came in in a month, in cents: money of claims and money of no claim (PLB)."""
        return self.cash(month)

    def fee(self, month: str) -> int:
        """Our fee of a month, in cents."""
        registry = self.workspace.registry.clients_frame(as_of=LATER).to_pandas()
        rows = fee_revenue(self.tables(), clients=registry, period=Period.month(month))
        return int(rows["fee_cents"].iloc[0])

    def headline(self, month: str) -> str:
        """The headline of page one of the monthly review: how much came in."""
        with contextlib.redirect_stdout(io.StringIO()):
            report = open_report(self.folder, CLIENT, month, template="client_review")
            return next(block.text for block in report.review.answers() if isinstance(block, Headline))

    def weekly(self, month: str) -> str:
        """The weekly review of the last seven days of a month, all its blocks as text."""
        with contextlib.redirect_stdout(io.StringIO()):
            review = open_report(self.folder, CLIENT, month, template="ar_weekly_review").review
            pages = (review.answers, review.blockers, review.decisions, review.coming_week)
            return "\n".join(str(block) for page in pages for block in page())

    def stored_kind(self, kind: str) -> list[int]:
        """The amounts of all postings of one kind, in cents."""
        return [row["amount_cents"] for row in self.stored("transactions") if row["kind"] == kind]

    def opens(self, month: str, template: str) -> bool:
        """True where the report of a month can be opened on this client's tables."""
        with contextlib.redirect_stdout(io.StringIO()):
            return open_report(self.folder, CLIENT, month, template=template).review.answers() != []

    # ------------------------------------------------------------ decisions
    def denied_claims(self, first: str, last: str | None = None) -> tuple[int, int]:
        """Claims denied by first decisions, and all that were first decided, from one month to another."""
        rows = denials.initial_denial_rate_claims_remitted(self.tables(), period=months(first, last)).iloc[0]
        return int(rows["denied_claims"]), int(rows["remitted_claims"])

    def denied_lines(self, first: str, last: str | None = None) -> tuple[int, int]:
        rows = denials.initial_denial_rate_lines_remitted(self.tables(), period=months(first, last)).iloc[0]
        return int(rows["denied_lines"]), int(rows["remitted_lines"])

    def denied_dollars(self, first: str, last: str | None = None) -> tuple[int, int]:
        """Cents denied by first decisions, and cents charged on all claims that were first decided."""
        rows = denials.initial_denial_rate_dollars_remitted(self.tables(), period=months(first, last)).iloc[0]
        return int(rows["denied_cents"]), int(rows["charge_cents"])

    def denial_codes(self, first: str, last: str | None = None) -> set[str]:
        """The reason codes behind the first denials."""
        rows = denial_reasons.denial_reasons(self.tables(), period=months(first, last), by=["carc"])
        return set(rows["carc"])

    def primary_denials(self, as_of: dt.date) -> tuple[int, int]:
        """Primary remittances that paid nothing, and all primary remittances, of the four weeks to a day."""
        rows = denials.primary_denial_rate(self.tables(), as_of=as_of).iloc[0]
        return int(rows["zero_pay_remits"]), int(rows["remits"])

    def payer_orders(self, claim: str) -> list[tuple[str, str]]:
        """(payer, payer order) of each answer to a claim, in the order in which they came."""
        rows = claim_adjudications(self.tables(), as_of=LATER).collect().to_pandas()
        rows = rows[rows["claim_id"] == claim].sort_values(["received_on", "sequence"])
        return list(zip(rows["payer"], rows["payer_order"], strict=True))

    def ends(self, as_of: dt.date) -> dict[str, tuple[str, int]]:
        """How each claim stands on a day, and after how many days since its first bill."""
        rows = claim_ends(self.tables(as_of), as_of=as_of).to_dict("records")
        return {row["claim_id"]: (row["end"], int(row["days"])) for row in rows}

    def worklist(self, as_of: dt.date) -> list[str]:
        """The claims on the worklist of a day."""
        return list(worklist(self.tables(as_of), as_of=as_of, people=[Person("Ann", 480)])["claim_id"])

    # ------------------------------------------------------------ what is told
    def findings(self, rule: str | None = None, file: str | None = None) -> list[dict[str, Any]]:
        """Stored findings that need a person, of one rule or one file."""
        found = self.workspace.client(CLIENT).findings()
        rows = found.to_dicts() if found.height else []
        return [
            row for row in rows if row["needs_person"] and rule in (None, row["rule"]) and file in (None, row["file"])
        ]

    def messages(self, file: str | None = None) -> str:
        """All messages of the findings, as one text."""
        return "\n".join(row["message"] for row in self.findings(file=file))

    def all_messages(self) -> str:
        """The messages of all findings, those that need nobody too."""
        found = self.workspace.client(CLIENT).findings()
        return "\n".join(found["message"]) if found.height else ""

    def counts(self) -> dict[str, int]:
        """The client's line in the table that `rcm ingest` prints, by heading."""
        lines = self.said.splitlines()
        place = next(number for number, line in enumerate(lines) if line.startswith("Client"))
        headings = re.split(r"\s{2,}", lines[place].strip())[1:]
        numbers = [int(word.replace(",", "")) for word in lines[place + 1].split()[1:]]
        return dict(zip(headings, numbers, strict=True))

    def aside(self, file: str | None = None) -> list[dict[str, Any]]:
        """The rows that were set aside."""
        found = self.workspace.client(CLIENT).quarantine()
        return [row for row in (found.to_dicts() if found.height else []) if file in (None, row["file"])]

    def aside_cents(self, file: str | None = None) -> int:
        """Dollars of the rows set aside, in cents, each without its sign."""
        return sum(abs(row["amount_cents"] or 0) for row in self.aside(file))

    def check(self) -> tuple[int, str]:
        """`rcm check`: exit code and text."""
        return self.rcm("check")

    def holds(self) -> bool:
        """True where `rcm check` says that all is well."""
        code, text = self.check()
        return code == 0 and "Every sum holds" in text

    def tells(self, *cents: int) -> bool:
        """True where a finding that needs a person, or a line of `rcm check`, tells one of these amounts.

        What is told may not stand beside "Every sum holds": the check must not hold then.
        """
        code, text = self.check()
        if code == 0 and "Every sum holds" in text:
            return False
        amounts = {abs(row["amount_cents"]) for row in self.findings() if row["amount_cents"] is not None}
        lines = [line for line in text.splitlines() if not _SUMMARY.match(line.strip())]
        words = {word.lstrip("-$").rstrip(".,;)") for line in lines for word in re.split(r"[\s\[\]()]+", line)}
        return any(abs(one) in amounts or f"{abs(one) / 100:,.2f}" in words for one in cents)


def wrong(says: str) -> pytest.MarkDecorator:
    """Marks a test that fails on today's code: what the code answers instead."""
    return pytest.mark.xfail(strict=True, reason=says)


def everything() -> Period:
    """A period that holds every case."""
    return Period(dt.date(2024, 1, 1), dt.date(2028, 1, 1))


def months(first: str, last: str | None = None) -> Period:
    """The period from one month through another."""
    return Period(Period.month(first).first_day, Period.month(last or first).end)


def opened(case: str, folder: Path) -> Desk:
    """A copy of a case in a folder of its own; skipped where the shared cases are absent."""
    source = CASES / case
    if not source.is_dir():
        pytest.skip(f"{case}: the shared cases are not beside this checkout")
    shutil.copytree(source, folder / "case")
    return Desk(folder / "case")


def ingested(case: str, folder: Path) -> Desk:
    """A copy of a case, taken in."""
    return opened(case, folder).ingest()


def blank(folder: Path, *, column_map: str = "", registry: str = REGISTRY) -> Desk:
    """A workspace without files; with a column map named `pm` where its text is given."""
    desk = Desk(folder / "case")
    desk.folder.mkdir()
    desk.configure("rcm.toml", "")
    desk.configure("clients.toml", registry + ('column_maps = ["pm"]\n' if column_map else ""))
    if column_map:
        desk.configure("maps/pm.toml", column_map)
    return desk


def simulated(folder: Path, name: str, *, exports: bool, **how: Any) -> Desk:
    """A simulated client under our client's name, not taken in yet; without exports its 837s and 835s alone."""
    write_company(folder, clients=[name], plants=False, **how)
    raw = folder / "raw" / name
    for part in raw.iterdir():
        if part.name not in ("835", "837", *(["exports"] if exports else [])):
            shutil.rmtree(part)
    raw.rename(folder / "raw" / CLIENT)
    registry = (folder / "clients.toml").read_text().replace(f"clients.{name}", f"clients.{CLIENT}")
    if not exports:
        registry = re.sub(r"(?m)^column_maps = .*\n", "", registry)
    (folder / "clients.toml").write_text(registry)
    return Desk(folder)
