"""Work, agreed actions, limits and provenance: what stands behind the numbers of a client review."""

from __future__ import annotations

import pandas as pd

from ...ledger.adjudications import claim_adjudications
from ...measures.menu import named
from ...measures.receivable.delays import document_requests
from ...tables.reference.targets import in_words, targets
from ..blocks import Block, facts, note
from ..formats import as_text, comma_list, counted, sentence, whole_dollars, words_of
from ..incomplete import untold
from ..pages import page
from ..register.months import register
from ..subject import Subject
from ..tables import Shown, show, with_total
from . import outlook, work
from .answers import HOLDS, completeness
from .definitions import glossary_of

MEASURES = (
    "cash",
    "charges",
    "cash_due",
    "net_collection_rate_matured",
    "days_in_ar",
    "aging",
    "open_balances",
    "aged_share_90",
    "credit_balances",
    "unapplied_money",
    "initial_denial_rate_claims_remitted",
    "denial_reasons",
    "denial_recovery",
    "disguised_denials",
    "first_pass_resolution_rate",
    "charge_lag",
    "write_offs",
    "denial_write_off_share",
    "whole_dollar_sweeps",
)
"""The measures that stand in a client review, in the order of its appendix."""

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


@page
def follow_up(subject: Subject) -> list[Block]:
    """What was done in the month, and what waits for the client."""
    return [*_done(subject), *waiting(subject)]


def _done(subject: Subject) -> list[Block]:
    done = work.work_by_action(subject)
    if done.empty:
        none = f"The work log holds no entry for {subject.period.title}."
        return [note(untold(subject, "What was worked, and what waits for you,", "work_log") or none)]
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


def waiting(subject: Subject) -> list[Block]:
    waiting = work.waiting_on_client(subject)
    if waiting.empty:
        return [note(f"No claim was waiting for you on {subject.as_of_text}.")] if subject.holds("work_log") else []
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
            beside=True,
            title=f"Claims waiting for you, as of {subject.as_of_text}",
            emphasis=emphasis,
            definition="Claims on which the last thing done was to ask the practice; since the first question; "
            "what is still owed on them; US dollars.",
            notes=[_in_actions(subject)],
        )
    ]


def _in_actions(subject: Subject) -> str:
    """How the claims that wait are shared among the actions, where they are not all in one."""
    asked = document_requests(subject.tables, as_of=subject.as_of)
    asked = asked[asked["is_open"]].drop_duplicates("claim_id")
    holder = {claim: one for one in register(subject) for claim in one.claims}
    shares = asked.assign(action=[holder.get(claim) for claim in asked["claim_id"]]).dropna(subset=["action"])
    shares = shares.assign(title=[one.title for one in shares["action"]])
    parts = shares.groupby("title", sort=False)["open_cents"].agg(["size", "sum"]).sort_values("sum", ascending=False)
    if len(parts) < 2:
        return ""
    dollars = whole_dollars(parts["sum"].tolist())
    words = comma_list(
        f"{counted(int(size), 'claim')} ({as_text(cents, 'usd')}) under “{title}”"
        for title, size, cents in zip(parts.index, parts["size"], dollars, strict=True)
    )
    return f"Each claim stands in one action only: {words}."


@page
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


@page
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


@page
def definitions(subject: Subject) -> list[Block]:
    """What each measure counts, and published figures with their sources."""
    return [
        glossary_of(MEASURES, more=outlook.TERMS),
        published(subject.client.specialty),
        note(
            "Figures that others have published stand in the workbook (sheet Published figures), each "
            "with its source. None is used as a target here."
        ),
    ]


def published(specialty: str | None) -> Block:
    """Figures others have published, each with its source: an annotation, not a target."""
    known = targets(population=specialty or "")
    known = known[known["measure"].isin(MEASURES)].copy()
    known["indicator"] = [named(name).title for name in known["measure"]]
    known["figure"] = [
        in_words(*edges).replace(" %", "%") for edges in zip(known["low"], known["high"], known["unit"], strict=True)
    ]
    order = {name: place for place, name in enumerate(MEASURES)}
    known["place"] = known["measure"].map(order)
    known = known.sort_values("place", kind="stable").reset_index(drop=True)
    return show(
        pd.DataFrame(known),
        [
            Shown("indicator", "Indicator"),
            Shown("figure", "Published figure"),
            Shown("note", "What the source says of it"),
            Shown("source", "Source"),
            Shown("source_date", "Dated"),
        ],
        name="published_figures",
        title="Published figures, for orientation",
        print_it=False,
        definition="None of them is used as a target here: published figures contradict each other and few "
        "can be traced to a survey.",
    )
