"""The claims behind the numbers of a client review: the lists, and which of their rows add up to which number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ...blocks.vocabulary import NUMERIC, Behind, Block, Table
from ...measures.denials.reasons import denial_reasons
from ...measures.payers.due import claims_due
from ...measures.receivable import ar
from ...models.drivers.explained import Why, denied_rows
from ...periods import Period
from ...tables.schema import PARTIES
from ..formats import sentence, words_of
from ..register.why import cell_words, span_words
from ..subject import Subject
from ..tables import Shown, show

DUE, OPEN, DENIED, MOVED = "claims_due", "claims_open", "claims_denied", "claims_moved"
EVERYTHING_ELSE = "Everything else"
CLAIM = (
    Shown("claim_id", "Claim"),
    Shown("service_on", "Service", "date"),
    Shown("payer", "Payer"),
    Shown("provider", "Provider"),
    Shown("location", "Location"),
)
STATES = {
    "waiting": "Not answered yet",
    "late": "Not answered, later than usual",
    "refused": "Denied, in whole or in part",
    "short": "Paid less than the contract",
    "otherwise": "Answered",
}
DENIAL_MONTHS = 12


def amounts_behind(table: Table, claims: Table, column: str, amount: str, words: str, where: str = "") -> list[Behind]:
    """What is behind each amount of a column of a printed table: rows of `claims`, whose `amount` adds up to it.

    A row's own are those that bear its name in the column `where` ends with; a total's are all that the rest of `where`
    ("part=Insurance", say) leaves.
    """
    place = [one.name for one in table.columns].index(column)
    *fixed, own = where.split("&")
    return [
        Behind(
            claims.name,
            amount,
            line[place],
            f"{words}: {'all' if row in table.emphasis else text[0]}",
            tuple(fixed) if row in table.emphasis else (*fixed, f"{own}={text[0]}"),
            row,
            column,
        )
        for row, (line, text) in enumerate(zip(table.rows, table.shown, strict=True))
        if line[place]
    ]


def claims_that_fell_due(subject: Subject, parts: Sequence[tuple[str, str]]) -> Table:
    """Every claim that fell due, with its pieces: cents of each column of `parts` (column, words).

    As in the bar, a piece that is negative in sum over all claims is taken off what came in, claim by claim.
    """
    rows = claims_due(subject.tables, period=subject.period)
    rows["ordinary_cents"] = rows["waiting_cents"] - rows["late_cents"]
    rows["refused_or_short_cents"] = rows["refused_cents"] + rows["short_cents"]
    for column, _ in parts:
        if column != "collected_cents" and rows[column].sum() < 0:
            rows["collected_cents"] += rows[column]
            rows[column] = 0
    there = [(column, words) for column, words in parts if rows[column].any()]
    rows["reason"] = rows["claim_id"].map(_reasons(subject)).where(rows["state"] == "refused", "")
    rows["state"] = rows["state"].map(STATES)
    return _list(
        subject,
        rows,
        [
            Shown("state", "State"),
            Shown("reason", "Denied for"),
            Shown("cash_due_cents", "Fell due", "usd", exact=True),
            *(Shown(column, sentence(words), "usd", exact=True) for column, words in there),
        ],
        name=DUE,
        title=f"Claims that fell due in {subject.period.title}",
        definition=f"One row per claim; each row adds up as the bar does; as it stood on {subject.as_of_text}; US "
        "dollars and cents.",
    )


def _reasons(subject: Subject) -> dict[str, str]:
    """The reason with the most dollars of each claim that was denied at first within the year."""
    found = denial_reasons(subject.tables, period=subject.period.trailing(DENIAL_MONTHS), by=["claim_id", "category"])
    found = found.sort_values("denied_cents", kind="stable").drop_duplicates("claim_id", keep="last")
    return {
        claim: sentence(words_of(reason)) for claim, reason in zip(found["claim_id"], found["category"], strict=True)
    }


def open_claims(subject: Subject) -> Table:
    """Every balance above zero behind the table of ages: one row per claim and party."""
    found = []
    for part, clock, parties in (("Insurance", "service", PARTIES[:3]), ("Patients", "responsibility", ("patient",))):
        rows = ar.aged_claims(subject.tables, as_of=subject.as_of, clock=clock, parties=parties)
        found.append(rows.assign(part=part))
    rows = pd.concat(found, ignore_index=True)
    rows = rows[rows["ar_cents"] > 0].sort_values(["claim_id", "part", "party"], ignore_index=True)
    return _list(
        subject,
        rows,
        [Shown("part", "Owed by"), Shown("bucket", "Age in days"), Shown("ar_cents", "Open", "usd", exact=True)],
        name=OPEN,
        title=f"Open balances, as of {subject.as_of_text}",
        definition="One row per claim and who owes it; insurance ages from the day of service, patient balances from "
        "the day the patient became responsible; US dollars and cents.",
    )


def denied_claims(subject: Subject, months: Period) -> Table:
    """Every claim denied at first in the months, under each of its reasons, with the dollars of the last month too."""
    by = ["category", "claim_id"]
    found = denial_reasons(subject.tables, period=months, by=by)
    month = denial_reasons(subject.tables, period=subject.period, by=by).set_index(by)["denied_cents"]
    month = month.rename("month_cents").reset_index()
    rows = found[[*by, "denied_cents"]].merge(month, on=by, how="left")
    rows["month_cents"] = rows["month_cents"].fillna(0).astype("int64")
    rows["reason"] = [sentence(words_of(category)) for category in rows["category"]]
    return _list(
        subject,
        rows.sort_values(["claim_id", "reason"], ignore_index=True),
        [
            Shown("reason", "Reason"),
            Shown("denied_cents", "Denied, three months", "usd", exact=True),
            Shown("month_cents", f"Denied, {subject.month}", "usd", exact=True),
        ],
        name=DENIED,
        title=f"Claims denied at first, three months to {subject.as_of_text}",
        definition="One row per claim and reason, by the day the remittance arrived; US dollars and cents of charges.",
    )


def claims_that_moved(subject: Subject, moved: Why) -> Table:
    """Every claim denied at first in either span, in the part of the change that it stands in."""
    spans = Period(moved.against.first_day, moved.period.end)
    rows = denied_rows(subject.tables, period=spans)
    is_new = rows["day"].astype("datetime64[ns]") >= pd.Timestamp(moved.period.first_day)
    rows["new_cents"], rows["old_cents"] = rows["cents"].where(is_new, 0), rows["cents"].where(~is_new, 0)
    rows["part"] = EVERYTHING_ELSE
    for driver in reversed(moved.account.drivers):
        is_there = pd.concat([rows[name] == value for name, value in driver.where.items()], axis=1).all(axis=1)
        words = sentence(cell_words(moved.figure, driver.where, subject.payer_name))
        rows["part"] = rows["part"].mask(is_there, words)
    found = rows.groupby(["claim_id", "reason", "part"], as_index=False)[["old_cents", "new_cents"]].sum()
    found["change_cents"] = found["new_cents"] - found["old_cents"]
    found["reason"] = [sentence(words_of(reason)) for reason in found["reason"]]
    return _list(
        subject,
        found,
        [
            Shown("part", "Part of the change"),
            Shown("reason", "Reason"),
            Shown("old_cents", sentence(span_words(moved.against)), "usd", exact=True),
            Shown("new_cents", sentence(span_words(moved.period)), "usd", exact=True),
            Shown("change_cents", "Change", "usd", exact=True),
        ],
        name=MOVED,
        title="Claims denied at first, this quarter and the one before",
        definition="One row per claim and reason, by the day the decision became known, refusals as a duplicate left "
        "out; what was denied before counts against the change; US dollars and cents of charges.",
    )


def _list(subject: Subject, rows: pd.DataFrame, columns: Sequence[Shown], **words: Any) -> Table:
    """The rows with what a reader knows each claim by: number, day of service, payer, provider, location."""
    known = subject.pandas("claims")[["claim_id", "service_on", "payer", "provider", "location"]]
    frame = rows.drop(columns=["payer", "provider", "location", "service_on"], errors="ignore")
    frame = subject.with_payer_names(frame.merge(known, on="claim_id", how="left").fillna({"payer": ""}))
    return show(frame, [*CLAIM, *columns], print_it=False, **words)


def traced(page_one: Sequence[Block], name: str, *, whole: str, **followed: str) -> list[Block]:
    """Every figure of a review's page one as a number, with the sheet on which it can be followed.

    `whole` is the table whose last row the bar of the page shows; `followed` names the sheet with the rows behind a
    table (`asks="open_questions"`): numbers beside their past are followed to their months, others to themselves.
    """
    tables = [block for block in page_one if isinstance(block, Table)]
    there = {table.name for table in tables}
    rows = []
    for table in tables:
        if not (table.print or table.name == whole):
            continue
        sheet = followed.get(table.name, f"{table.name}_by_month")
        for row in table.rows[-1:] if table.name == whole else table.rows:
            label = table.title if table.name == whole else row[1] if table.columns[0].unit == "count" else row[0]
            for column, value in zip(table.columns[1:], row[1:], strict=True):
                if column.unit in NUMERIC and column.name not in ("claims", "accounts"):
                    pair = value if column.unit == "mixed" else (value, column.unit)
                    rows.append((str(label), column.heading, pair, sheet if sheet in there else table.name))
    if not rows:
        return []
    return [
        show(
            pd.DataFrame(rows, columns=["where", "figure", "value", "sheet"]),
            [
                Shown("where", "On page one"),
                Shown("figure", "Figure"),
                Shown("value", "Value", "mixed"),
                Shown("sheet", "Rows behind it", link=True),
            ],
            name=name,
            title="Page one, figure by figure",
            print_it=False,
            definition="Every figure of page one as a number, and the sheet on which it can be followed.",
        )
    ]
