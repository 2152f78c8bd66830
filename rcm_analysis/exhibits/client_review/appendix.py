"""Work, agreed actions, limits and provenance: what stands behind the numbers of a client review."""

from __future__ import annotations

import pandas as pd

from ...ledger.adjudications import claim_adjudications
from ..blocks import Block, facts, note
from ..formats import as_text, counted, sentence, words_of
from ..subject import Subject
from ..tables import Shown, show, with_total
from . import work
from .answers import HOLDS

ACTION_WORDS = {
    "follow_up": "Asked the payer",
    "corrected_claim": "Sent a corrected claim",
    "appeal": "Appealed",
    "resubmit": "Sent the claim again",
    "bill_secondary": "Billed the second insurer",
    "request_documents": "Asked for documents",
    "transfer_to_patient": "Moved the balance to the patient",
    "write_off_request": "Asked for a write-off",
    "statement": "Sent a statement",
    "other": "Other",
}
COMPLETE_SHARE = 70
"""A month with fewer claims entered than this percentage of its usual number is marked as possibly incomplete."""


def follow_up(subject: Subject) -> list[Block]:
    """What was done in the month, and what waits for the client."""
    return [*_done(subject), *_waiting(subject)]


def _done(subject: Subject) -> list[Block]:
    done = work.work_by_action(subject)
    if done.empty:
        return [note(f"The work log holds no entry for {subject.period.title}.")]
    done["words"] = [ACTION_WORDS.get(action, words_of(action)) for action in done["action"]]
    has_minutes = bool((done["minutes"] > 0).any())
    table, emphasis = with_total(done, "words", ["notes", "minutes"])
    columns = [Shown("words", "What was done"), Shown("notes", "Times", "count"), Shown("claims", "Claims", "count")]
    return [
        show(
            table,
            [*columns, *([Shown("minutes", "Minutes", "number")] if has_minutes else [])],
            name="work_done",
            title=f"Follow-up in {subject.period.title}",
            emphasis=emphasis,
            definition="Entries of the work log by the day of the work. A claim may stand under several kinds of "
            "work, so claims are not added up.",
        )
    ]


def _waiting(subject: Subject) -> list[Block]:
    waiting = work.waiting_on_client(subject)
    if waiting.empty:
        return [note(f"No claim was waiting for you on {subject.as_of_text}.")]
    waiting["words"] = [sentence(HOLDS.get(reason, words_of(reason))) for reason in waiting["hold_reason"]]
    table, emphasis = with_total(waiting, "words", ["claims", "open_cents"])
    return [
        show(
            table,
            [
                Shown("words", "What we need from you"),
                Shown("claims", "Claims", "count"),
                Shown("open_cents", "Open balance", "usd"),
                Shown("oldest_on", "Waiting since", "date"),
            ],
            name="waiting_on_client",
            title=f"Claims waiting for you, as of {subject.as_of_text}",
            emphasis=emphasis,
            definition="Claims on which the last thing done was to ask the practice; since the first question; "
            "what is still owed on them; US dollars.",
        )
    ]


def last_actions(subject: Subject) -> list[Block]:
    """Actions agreed before this month with their state, and the new ones."""
    agreed = work.agreed_actions(subject)
    columns = [
        Shown("title", "Action"),
        Shown("owner", "Owner"),
        Shown("due_on", "Due", "date"),
        Shown("amount_cents", "At stake", "usd"),
        Shown("state", "State"),
        Shown("outcome", "Outcome"),
        Shown("recovered_cents", "Recovered", "usd"),
    ]
    if agreed.empty:
        blocks: list[Block] = [note(f"No action agreed before {subject.period.title} was open in the month.")]
    else:
        late = int((agreed["state"] == "overdue").sum())
        blocks = [
            show(
                agreed,
                columns,
                name="last_actions",
                title="Actions agreed before this month",
                definition=f"Action register as known on {subject.as_of_text}: actions still open, and those "
                f"closed in the month; US dollars.",
                notes=[f"{sentence(counted(late, 'action is', 'actions are'))} overdue."] if late else [],
            )
        ]
    new = work.new_actions(subject)
    if len(new):
        blocks.append(
            show(
                new,
                columns[:4],
                name="new_actions",
                title=f"Actions agreed in {subject.period.title}",
                definition="Action register by the day on which the action was agreed; US dollars at stake.",
            )
        )
    return blocks


def completeness(subject: Subject) -> tuple[bool, str]:
    """Whether the month looks complete, and why: claims entered beside the usual number, last day posted."""
    claims, rows = subject.pandas("claims"), subject.pandas("transactions")
    entered = int(work.held(subject.period, claims["entered_on"]).sum())
    before = [
        int(work.held(month, claims["entered_on"]).sum()) for month in subject.period.shift(-1).trailing(12).months()
    ]
    before = [count for count in before if count]
    last = rows["posted_on"].max()
    usual = int(pd.Series(before).median()) if before else 0
    text = (
        f"{counted(entered, 'claim')} entered, {as_text(usual, 'count')} in a usual month; last posting on "
        f"{as_text(last, 'date')}"
    )
    if not before:
        return True, f"{counted(entered, 'claim')} entered; there is no earlier month to compare with"
    return entered * 100 >= usual * COMPLETE_SHARE, text


def completeness_note(subject: Subject) -> list[Block]:
    """A warning when the month looks incomplete; nothing otherwise."""
    is_complete, text = completeness(subject)
    if is_complete:
        return []
    return [note(f"This month may be incomplete: {text}. Read its numbers as a first look.", tone="warning")]


def provenance(subject: Subject) -> list[Block]:
    """As-of, data through, fingerprints, versions, findings."""
    is_complete, text = completeness(subject)
    through = {
        name: subject.pandas(name)[column].max()
        for name, column in (
            ("transactions", "posted_on"),
            ("deposits", "received_on"),
            ("submissions", "submitted_on"),
            ("work_log", "entered_on"),
        )
    }
    words = {
        "transactions": "postings",
        "deposits": "remittances",
        "submissions": "claims sent",
        "work_log": "work log",
    }
    decided = claim_adjudications(subject.tables, as_of=subject.as_of).select("claim_id").collect("pandas").to_native()
    items = [
        ("Client", f"{subject.client.name} ({subject.client.client})"),
        ("Period", subject.period.title),
        ("As of", f"{subject.as_of_text}: nothing that became known later is in this report"),
        (
            "Data through",
            "; ".join(f"{words[name]} {as_text(day, 'date', reason='none')}" for name, day in through.items()),
        ),
        ("Month complete", f"{'yes' if is_complete else 'perhaps not'}: {text}"),
        ("Payer decisions read", counted(len(decided), "claim payment")),
        (
            "Findings at intake",
            f"{counted(len(subject.findings), 'finding')}, "
            f"{counted(len(subject.quarantine), 'row')} refused and kept aside",
        ),
        ("Parameters", ", ".join(f"{name}={value}" for name, value in subject.parameters.items())),
        ("Versions", ", ".join(f"{name} {number}" for name, number in subject.versions.items())),
    ]
    tables = pd.DataFrame(
        [
            {"table": words_of(name), "rows": rows, "fingerprint": subject.fingerprints[name][:12]}
            for name, rows in subject.rows.items()
            if rows
        ],
        columns=["table", "rows", "fingerprint"],
    )
    return [
        facts("Where these numbers come from", items),
        show(
            tables,
            [Shown("table", "Table"), Shown("rows", "Rows stored", "count"), Shown("fingerprint", "Fingerprint")],
            name="inputs",
            title="Input tables",
            definition="All rows stored for the client, whenever they became known; first twelve characters of "
            "the SHA-256 fingerprint.",
        ),
    ]
