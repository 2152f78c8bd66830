"""The weekly meeting on two pages: what moved, what is stuck, what is to be decided; then who works what, and what the
last list brought.

Everything is as known on the last day of the week, the review's as-of day. What does not fit on the pages
stands in the workbook, with the whole worklist as a file to work in.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cached_property

import pandas as pd

from ...measures.collections.rates import cash
from ...measures.denials.rates import initial_denial_rate_claims_remitted, initial_denial_rate_dollars_remitted
from ...measures.receivable.delays import document_requests
from ...measures.receivable.high_value import escalations, high_value_accounts, recovery_progress, touch_compliance
from ...measures.receivable.roll_forward import ar_movement, credits_and_unapplied, roll_rates
from ...measures.receivable.time_limits import deadlines
from ...models.cash.collectable import collectable_value
from ...models.worklist.ranking import worklist
from ...periods import Period
from ..blocks import Block, cards, note
from ..client_review.answers import HOLDS
from ..client_review.review import glossary_of
from ..formats import as_text, counted, joined, sentence, words_of
from ..subject import Subject
from ..tables import Shown, show
from . import lists as weekly_lists
from .lists import plain_days

MEASURES = (
    "ar_movement",
    "cash",
    "initial_denial_rate_claims_remitted",
    "credits_and_unapplied",
    "roll_rates",
    "deadlines",
    "holds",
    "document_requests",
    "high_value_accounts",
    "touch_compliance",
    "escalations",
    "recovery_progress",
    "work_results",
    "list_results",
)
WEEKS_BEFORE = 4
WEEK = dt.timedelta(days=7)
SOON_DAYS = 14
MOST_DOCUMENTS, MOST_ESCALATIONS, MOST_DEADLINES, MOST_ACTIONS = 5, 4, 5, 2
LEAST_CENTS = 100
STEPS = (
    ("opening_cents", "Open a week before"),
    ("raised_cents", "+ New balances"),
    ("paid_cents", "- Paid"),
    ("adjusted_cents", "- Contract adjustments"),
    ("written_off_cents", "- Written off"),
    ("transferred_cents", "- Passed on to another payer or the patient"),
    ("corrected_cents", "- Charges corrected"),
    ("closing_cents", "Open at the end of the week"),
)


class ArWeeklyReview:
    """The exhibits of one client's week; each gives its blocks."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    @property
    def week(self) -> Period:
        """The seven days that end on the as-of day."""
        return Period.days_ending(self.subject.as_of, 7)

    @cached_property
    def items(self) -> pd.DataFrame:
        """The worklist of the as-of day, split among the people who work for the client."""
        people = weekly_lists.people_at(self.subject, self.subject.as_of)
        return worklist(self.subject.tables, as_of=self.subject.as_of, people=people)

    @cached_property
    def limits(self) -> pd.DataFrame:
        """Every time limit that runs."""
        return deadlines(self.subject.tables, as_of=self.subject.as_of)

    @cached_property
    def raised(self) -> pd.DataFrame:
        """The high-value accounts to escalate."""
        return escalations(self.subject.tables, as_of=self.subject.as_of, deadlines=self.limits)

    @property
    def due_soon(self) -> pd.DataFrame:
        """The time limits that end within fourteen days, can still be kept and have a dollar or more behind them."""
        found = self.limits
        is_worth_it = found["open_cents"] >= LEAST_CENTS
        return found[found["is_recoverable"] & found["days_left"].between(0, SOON_DAYS) & is_worth_it].reset_index(
            drop=True
        )

    @cached_property
    def stuck(self) -> pd.DataFrame:
        """What waits: one row per claim and what it waits for."""
        return weekly_lists.stuck_claims(self.subject, self.items)

    @cached_property
    def given_up(self) -> pd.DataFrame:
        """The items to be written off if approved."""
        return weekly_lists.write_offs(self.items)

    def answers(self) -> list[Block]:
        """Three answers on top: what moved, what is stuck, what is to be decided."""
        return [cards([_moved_in_short(self), _stuck_in_short(self), _decisions_in_short(self)])]

    def moved(self) -> list[Block]:
        """From the opening to the close of the week, beside the average of the four weeks before."""
        return [*_movement(self.subject, self.week), *_movement_evidence(self.subject, self.week)]

    def blockers(self) -> list[Block]:
        """What waits for the practice, a payer or us, and the documents asked for with their ages."""
        return [*_blockers(self), *_documents(self.subject), *_next_steps(self)]

    def decisions(self) -> list[Block]:
        """Write-offs to approve, escalations, limits within fourteen days, actions overdue."""
        return [*_decisions(self), *_decision_evidence(self)]

    def lists(self) -> list[Block]:
        """The list of each person for the coming week."""
        return weekly_lists.coming_week(self.subject, self.items)

    def last_list(self) -> list[Block]:
        """What was on the list a week ago, what was done, what it brought."""
        return weekly_lists.last_week(self.subject, self.week)

    def working_file(self) -> list[Block]:
        """The whole worklist, in the workbook only."""
        return weekly_lists.working_file(self.subject, self.items)

    def definitions(self) -> list[Block]:
        """What each measure counts: in the workbook."""
        terms = glossary_of(MEASURES)
        return [replace(terms, print=False)]

    def provenance(self) -> list[Block]:
        """In one line where the numbers come from; the input tables in the workbook."""
        return _provenance(self.subject)


def _movement(subject: Subject, week: Period) -> list[Block]:
    weeks = [Period.days_ending(week.last_day - number * WEEK, 7) for number in range(WEEKS_BEFORE + 1)]
    rows = pd.DataFrame([_week_of(subject, one) for one in weeks])
    now, before = rows.iloc[0], rows.iloc[1:]
    before = before[(before["opening_cents"] > 0) | (before["closing_cents"] > 0)]
    usual = before.mean(numeric_only=True)
    steps = [step for step in STEPS if step[0] != "corrected_cents" or rows["corrected_cents"].any()]
    lines = [(words, now[name], usual.get(name)) for name, words in steps]
    denied = f"Denied at first: charges of {counted(int(now['denied_claims']), 'claim')}"
    if len(before):
        denied += f" (usually {as_text(float(usual['denied_claims']), 'number')})"
    lines += [
        ("Cash, with unapplied money, copays and money without a claim", now["cash_cents"], usual.get("cash_cents")),
        (denied, now["denied_cents"], usual.get("denied_cents")),
    ]
    table = pd.DataFrame(lines, columns=["what", "now", "usual"]).astype({"now": "float64", "usual": "float64"})
    table["change"] = table["now"] - table["usual"]
    few = f"Average of the {counted(len(before), 'week')} before" if len(before) != 1 else "The week before"
    return [
        show(
            table,
            [
                Shown("what", "What moved"),
                Shown("now", "This week", "usd"),
                Shown("usual", few, "usd"),
                Shown("change", "Difference", "usd"),
            ],
            name="what_moved",
            title="What moved this week",
            emphasis=[0, len(steps) - 1],
            definition=f"Balances above zero, by posting date, {as_text(week.first_day, 'date')} to "
            f"{as_text(week.last_day, 'date')}; US dollars. Denials by the day of the payer's first answer.",
            notes=[_worth(subject)],
        )
    ]


def _week_of(subject: Subject, week: Period) -> dict[str, int]:
    found = ar_movement(subject.tables, period=week).iloc[0].to_dict()
    claims = initial_denial_rate_claims_remitted(subject.tables, period=week).iloc[0]
    charges = initial_denial_rate_dollars_remitted(subject.tables, period=week).iloc[0]
    return {
        **found,
        "raised_cents": found["new_cents"] + found["grown_cents"],
        "cash_cents": int(cash(subject.tables, period=week)["cash_cents"].sum()),
        "denied_claims": int(claims["denied_claims"]),
        "denied_cents": int(charges["denied_cents"]),
    }


def _worth(subject: Subject) -> str:
    worth = collectable_value(subject.tables, as_of=subject.as_of).iloc[0]
    if pd.isna(worth["collectable_share"]):
        return ""
    return (
        f"Of the open balance about {as_text(int(worth['collectable_cents']), 'usd')} "
        f"({as_text(float(worth['collectable_share']), 'rate')}) will come in as cash, going by the past year; "
        f"contracts take off {as_text(int(worth['adjusted_cents']), 'usd')}, "
        f"{as_text(int(worth['lost_cents']), 'usd')} is probably lost."
    )


def _movement_evidence(subject: Subject, week: Period) -> list[Block]:
    by_payer = ar_movement(subject.tables, period=week, by=["responsible_payer"]).rename(
        columns={"responsible_payer": "payer"}
    )
    named = subject.with_payer_names(by_payer.assign(raised_cents=by_payer["new_cents"] + by_payer["grown_cents"]))
    matrix = roll_rates(subject.tables, period=week)
    outside = credits_and_unapplied(subject.tables, period=week)
    words = {"credits": "Credit balances", "unapplied": "Money without a claim"}
    return [
        show(
            named,
            [Shown("payer", "Who owes"), *(Shown(name, title.lstrip("+- "), "usd") for name, title in STEPS)],
            name="moved_by_payer",
            title="What moved, by who owes",
            print_it=False,
            definition="As 'What moved this week'; by the payer of the party that owes, or the patient; US dollars.",
        ),
        show(
            matrix,
            [
                Shown("from_bucket", "From"),
                Shown("to_bucket", "To"),
                Shown("claims", "Balances", "count"),
                Shown("moved_cents", "Dollars", "usd"),
                Shown("roll_rate", "Share of the bucket", "rate"),
            ],
            name="roll_rates",
            title="From age bucket to age bucket in the week",
            print_it=False,
            definition="Days since the service, at the opening and the close of the week; US dollars.",
        ),
        show(
            outside,
            [
                Shown("kind", "What", texts=words),
                Shown("opening_cents", "A week before", "usd"),
                Shown("closing_cents", "Now", "usd"),
                Shown("change_cents", "Change", "usd"),
            ],
            name="credits_unapplied",
            title="Credits and unapplied money",
            print_it=False,
            definition="They stand apart and lower no balance; by posting date; US dollars.",
        ),
    ]


def _moved_in_short(review: ArWeeklyReview) -> tuple[str, str, str]:
    now = ar_movement(review.subject.tables, period=review.week).iloc[0]
    opening, closing = int(now["opening_cents"]), int(now["closing_cents"])
    change = closing - opening
    moved = (
        "as much as a week before"
        if not change
        else f"{as_text(abs(change), 'usd')} {'more' if change > 0 else 'less'} than a week before"
    )
    return (
        "What moved?",
        f"{as_text(closing, 'usd')} open",
        f"{sentence(moved)}: {as_text(int(now['new_cents'] + now['grown_cents']), 'usd')} of new balances, "
        f"{as_text(int(now['paid_cents']), 'usd')} paid.",
    )


def _stuck_in_short(review: ArWeeklyReview) -> tuple[str, str, str]:
    rows = review.stuck
    if rows.empty:
        return "What is stuck?", "nothing", "No claim waits for the practice, a payer or us."
    each = rows.drop_duplicates("claim_id")
    waits = rows.drop_duplicates(["who", "claim_id"]).groupby("who")["open_cents"].sum().sort_values(ascending=False)
    words = joined(
        f"{as_text(int(cents), 'usd')} for {'the ' if who in ('practice', 'payer') else ''}{who}"
        for who, cents in waits.items()
    )
    return "What is stuck?", as_text(int(each["open_cents"].sum()), "usd"), f"{counted(len(each), 'claim')}; {words}."


def _decisions_in_short(review: ArWeeklyReview) -> tuple[str, str, str]:
    soon = review.due_soon
    parts = [
        counted(len(frame), word)
        for frame, word in (
            (review.given_up, "write-off"),
            (review.raised[~review.raised["claim_id"].isin(review.given_up["claim_id"])], "escalation"),
            (_overdue(review.subject), "action overdue"),
        )
        if len(frame)
    ]
    if soon.empty:
        return (
            "What is to be decided?",
            parts[0] if parts else "nothing",
            f"Also {joined(parts[1:])}." if parts[1:] else "No limit ends within fourteen days.",
        )
    more = f" Also {joined(parts)}." if parts else ""
    return (
        "What is to be decided?",
        as_text(int(soon["open_cents"].sum()), "usd"),
        (
            f"{counted(len(soon), 'time limit ends', 'time limits end')} within 14 days, the first on "
            f"{as_text(soon['deadline_on'].min(), 'date')}.{more}"
        ),
    )


def _blockers(review: ArWeeklyReview) -> list[Block]:
    subject, stuck = review.subject, review.stuck
    if stuck.empty:
        return [note(f"Nothing was stuck on {subject.as_of_text}: no claim waited for the practice, a payer or us.")]
    table = stuck.groupby(["what", "who"], as_index=False).agg(
        claims=("claim_id", "nunique"), open_cents=("open_cents", "sum"), oldest=("days", "max")
    )
    table = table.sort_values(["open_cents", "what"], ascending=[False, True], ignore_index=True)
    several = len(stuck) - stuck["claim_id"].nunique()
    return [
        show(
            table,
            [
                Shown("what", "What is stuck"),
                Shown("who", "Waits for"),
                Shown("claims", "Claims", "count"),
                Shown("open_cents", "Open balance", "usd"),
                Shown("oldest", "Oldest, days", "count"),
            ],
            name="blockers",
            title="What is stuck",
            definition=f"Open claims as of {subject.as_of_text}"
            + (f"; {counted(several, 'claim stands', 'claims stand')} in two rows" if several else "")
            + "; US dollars.",
        ),
        show(
            subject.with_payer_names(
                stuck.sort_values(["what", "open_cents"], ascending=[True, False], ignore_index=True)
            ),
            [
                Shown("claim_id", "Claim"),
                Shown("payer", "Payer"),
                Shown("what", "What is stuck"),
                Shown("who", "Waits for"),
                Shown("days", "Days", "count"),
                Shown("open_cents", "Open", "usd", exact=True),
            ],
            name="stuck",
            title="What is stuck, claim by claim",
            print_it=False,
            definition=f"One row per claim and what it waits for, as of {subject.as_of_text}; US dollars.",
        ),
    ]


def _next_steps(review: ArWeeklyReview) -> list[Block]:
    """Next steps that somebody noted, for the workbook."""
    steps = weekly_lists.next_steps(review.subject, review.items)
    if steps.empty:
        return []
    return [
        show(
            steps,
            [
                Shown("claim_id", "Claim"),
                Shown("next_action", "Next action", texts=weekly_lists.DO),
                Shown("next_on", "Next on", "date"),
                Shown("is_late", "Day is past", "flag"),
                Shown("worked_by", "Noted by"),
                Shown("worked_on", "Noted on", "date"),
                Shown("open_cents", "Open", "usd", exact=True),
            ],
            name="next_steps",
            title="Next steps noted on open claims",
            print_it=False,
            definition=(
                "The last note of each open claim, where it names a next step; as of "
                f"{review.subject.as_of_text}; US dollars."
            ),
        )
    ]


def _documents(subject: Subject) -> list[Block]:
    asked = document_requests(subject.tables, as_of=subject.as_of)
    asked = asked[asked["is_open"]].sort_values(["open_cents", "claim_id"], ascending=[False, True], ignore_index=True)
    if asked.empty:
        return [note("No question to the practice is open.")]
    asked["what"] = [sentence(HOLDS.get(reason, words_of(reason))) for reason in asked["hold_reason"]]
    recent, later = (asked["days_open"] <= 30).sum(), ((asked["days_open"] > 30) & (asked["days_open"] <= 90)).sum()
    ages = ((recent, "for up to 30 days"), (later, "for 31 to 90"), (len(asked) - recent - later, "for longer"))
    words = joined(f"{age}: {count}" for count, age in ages if count)
    columns = [
        Shown("claim_id", "Claim"),
        Shown("provider", "Provider"),
        Shown("what", "What we need"),
        Shown("asked_on", "Asked", "date"),
        Shown("days_open", "Days", "count"),
        Shown("reminders", "Reminders", "count"),
        Shown("open_cents", "Open", "usd"),
    ]
    return [
        show(
            asked.head(MOST_DOCUMENTS),
            columns,
            name="documents_shown",
            title="Documents and answers we asked the practice for",
            definition=(
                f"{counted(len(asked), 'request')}, {as_text(int(asked['open_cents'].sum()), 'usd')} of "
                f"open balances; open {words}. "
            )
            + (
                f"The {MOST_DOCUMENTS} largest; all are in the workbook (documents)."
                if len(asked) > MOST_DOCUMENTS
                else "All of them:"
            ),
        ),
        show(
            asked,
            columns,
            name="documents",
            title="Documents and answers we asked the practice for, all of them",
            print_it=False,
            definition=f"Every request not answered on {subject.as_of_text}; by the day of the first note; US dollars.",
        ),
    ]


def _decisions(review: ArWeeklyReview) -> list[Block]:
    subject, items = review.subject, review.items
    next_week = subject.as_of + WEEK
    manager = subject.client.assigned_to or "client manager"
    rows, rest = [], []
    given_up = review.given_up
    if len(given_up):
        late = int((given_up["days_left"] < 0).fillna(False).sum())
        why = joined(
            part
            for part in (
                f"time limit over: {late}" if late else "",
                f"next to no chance: {len(given_up) - late}" if late < len(given_up) else "",
            )
            if part
        )
        rows.append(
            (
                f"Approve or refuse {counted(len(given_up), 'write-off')}",
                sentence(why),
                int(given_up["open_cents"].sum()),
                "practice",
                next_week,
            )
        )
    raised = review.raised
    raised = raised[~raised["claim_id"].isin(given_up["claim_id"])]
    rows += [
        (
            f"Escalate claim {row.claim_id}",
            sentence(plain_days(row.reason, subject.as_of)),
            row.open_cents,
            manager,
            next_week,
        )
        for row in raised.head(MOST_ESCALATIONS).itertuples()
    ]
    rest.append((raised.iloc[MOST_ESCALATIONS:], "escalation", "escalations"))
    shown = raised["claim_id"].head(MOST_ESCALATIONS)
    soon = review.due_soon[~review.due_soon["claim_id"].isin(shown)].sort_values(
        ["open_cents", "claim_id"], ascending=[False, True]
    )
    owner = {} if items.empty else items.drop_duplicates("claim_id").set_index("claim_id")["assigned_to"].to_dict()
    rows += [
        (
            f"{DEADLINE_WORDS[row.kind]} claim {row.claim_id}",
            f"{subject.payer_name(row.payer)}, limit {in_days(int(row.days_left))}",
            row.open_cents,
            owner.get(row.claim_id) or manager,
            row.deadline_on,
        )
        for row in soon.head(MOST_DEADLINES).itertuples()
    ]
    rest.append((soon.iloc[MOST_DEADLINES:], "time limit", "limits"))
    overdue = _overdue(subject)
    rows += [
        (row.title, f"Agreed {as_text(row.opened_on, 'date')}, overdue", row.amount_cents, row.owner, row.due_on)
        for row in overdue.head(MOST_ACTIONS).itertuples()
    ]
    rest.append(
        (overdue.iloc[MOST_ACTIONS:].rename(columns={"amount_cents": "open_cents"}), "agreed action", "overdue_actions")
    )
    if not rows:
        return [
            note(
                "Nothing is to be decided: no write-off, no escalation, no limit within fourteen days, no "
                "action overdue."
            )
        ]
    table = pd.DataFrame(rows, columns=["what", "why", "cents", "owner", "due"])
    table["due"] = pd.to_datetime(table["due"])
    more = joined(
        (
            f"{counted(len(frame), f'more {word}')} ({as_text(int(frame['open_cents'].fillna(0).sum()), 'usd')}, "
            f"sheet {sheet})"
        )
        for frame, word, sheet in rest
        if len(frame)
    )
    return [
        show(
            table.sort_values("due", kind="stable", ignore_index=True),
            [
                Shown("what", "Decision"),
                Shown("why", "Why"),
                Shown("cents", "Dollars", "usd"),
                Shown("owner", "Owner"),
                Shown("due", "By", "date"),
            ],
            name="decisions",
            title="Decisions needed",
            definition="Open balances (dollars at stake for agreed actions); US dollars; the earliest day first.",
            notes=[f"In the workbook {more}."] if more else [],
        )
    ]


def in_days(days: int) -> str:
    """How soon, in words.

    >>> in_days(0), in_days(1), in_days(9)
    ('today', 'tomorrow', 'in 9 days')
    """
    return "today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days"


DEADLINE_WORDS = {"filing": "File", "appeal": "Appeal or correct", "secondary_filing": "Bill the second insurer for"}


def _overdue(subject: Subject) -> pd.DataFrame:
    actions, today = subject.pandas("actions"), pd.Timestamp(subject.as_of)
    late = actions[actions["closed_on"].isna() & (actions["due_on"] < today)]
    return late.sort_values(["due_on", "action_id"], ignore_index=True)


def _decision_evidence(review: ArWeeklyReview) -> list[Block]:
    subject = review.subject
    accounts = subject.with_payer_names(high_value_accounts(subject.tables, as_of=subject.as_of))
    raised = subject.with_payer_names(review.raised)
    claim = [Shown("claim_id", "Claim"), Shown("payer", "Payer"), Shown("open_cents", "Open", "usd", exact=True)]
    touches = touch_compliance(subject.tables, as_of=subject.as_of).iloc[0]
    kept = as_text(touches["touch_compliance"], "rate", reason="none due")
    progress = recovery_progress(subject.tables, as_of=subject.as_of)
    money = {
        "opening_cents": "Open then",
        "charged_cents": "Charged since",
        "collected_cents": "Collected",
        "adjusted_cents": "Adjusted",
        "written_off_cents": "Written off",
        "credit_cents": "In credit since",
        "open_cents": "Still open",
    }
    return [
        *weekly_lists.overdue_table(_overdue(subject), subject.as_of_text),
        show(
            weekly_lists.write_offs(subject.with_payer_names(review.items)),
            [*claim, Shown("age_days", "Age, days", "count"), Shown("reason", "Why")],
            name="write_offs_to_approve",
            title="Write-offs for approval",
            print_it=False,
            definition=(
                "Items of the worklist whose limit is over or which have next to no chance, as of "
                f"{subject.as_of_text}; US dollars."
            ),
        ),
        show(
            raised,
            [
                *claim,
                Shown("reason", "Why"),
                Shown("last_touch_on", "Last touch", "date"),
                Shown("deadline_on", "Limit", "date"),
            ],
            name="escalations",
            title="Escalations",
            print_it=False,
            definition=(
                "High-value accounts overdue twice, near a limit, or with a promise passed, as of "
                f"{subject.as_of_text}; US dollars."
            ),
        ),
        show(
            subject.with_payer_names(review.due_soon),
            [
                *claim,
                Shown("kind", "Limit for", texts=LIMIT_WORDS),
                Shown("deadline_on", "Ends", "date"),
                Shown("days_left", "Days left", "count"),
            ],
            name="limits",
            title="Limits within fourteen days",
            print_it=False,
            definition="Time limits of the payers that can still be kept; US dollars.",
        ),
        show(
            accounts,
            [
                *claim,
                Shown("tier", "Tier", "count"),
                Shown("every_days", "Touch every, days", "count"),
                Shown("last_touch_on", "Last touch", "date"),
                Shown("next_touch_on", "Next touch", "date"),
                Shown("notes", "Notes", "count"),
                Shown("age_days", "Age, days", "count"),
            ],
            name="high_value",
            title="High-value accounts and their schedule",
            print_it=False,
            definition=(
                f"Largest open claims as of {subject.as_of_text}. Touches due in the past 28 days that "
                f"were made in time: {kept}; US dollars."
            ),
        ),
        show(
            progress,
            [
                Shown("week_end", "Week to", "date"),
                Shown("accounts", "Accounts", "count"),
                Shown("open_accounts", "Still open, accounts", "count"),
                *(Shown(name, title, "usd", exact=True) for name, title in money.items()),
                Shown("collected_share", "Collected, share", "rate"),
            ],
            name="recovery",
            title="What came of the high-value accounts of eight weeks ago",
            print_it=False,
            definition="Sums since then, by posting date; US dollars.",
        ),
    ]


LIMIT_WORDS = {"filing": "filing", "appeal": "appeal", "secondary_filing": "filing with the second insurer"}


def _provenance(subject: Subject) -> list[Block]:
    last = subject.pandas("transactions")["posted_on"].max()
    tables = pd.DataFrame(
        [
            {"table": words_of(name), "rows": rows, "fingerprint": subject.fingerprints[name][:12]}
            for name, rows in subject.rows.items()
            if rows
        ],
        columns=["table", "rows", "fingerprint"],
    )
    return [
        note(
            f"As known on {subject.as_of_text}; the last posting is of {as_text(last, 'date', reason='none')}; "
            "when the files were "
            f"read, {counted(len(subject.findings), 'doubt')} about them "
            f"{'was' if len(subject.findings) == 1 else 'were'} noted. The workbook holds the worklist to fill "
            "in, every list and the definitions."
        ),
        show(
            tables,
            [Shown("table", "Table"), Shown("rows", "Rows stored", "count"), Shown("fingerprint", "Fingerprint")],
            name="inputs",
            title="Input tables",
            print_it=False,
            definition=(
                "All rows stored for the client, whenever they became known; first twelve characters of "
                "the SHA-256 fingerprint."
            ),
        ),
    ]
