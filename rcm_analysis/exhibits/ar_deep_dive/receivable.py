"""What is owed by age, payer, provider and place; how it moved in the month; and what it is worth in cash."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ...ledger.ratios import quotient, ratio
from ...measures.receivable import ar, roll_forward
from ...models.cash.collectable import collectable_value
from ...tables.schema import PARTIES
from ..blocks import Block, note
from ..formats import as_text, comma_list
from ..incomplete import NOT_PAID_ON_FILE, patients_untold
from ..pages import page
from ..tables import Shown, show, with_total
from .facts import INSURANCE, Facts
from .moves import moves

LARGEST = 8
"""Rows of a printed aging table; the rest is added up in one row, and all rows are in the workbook."""

OLD = ["91-120", ar.BUCKETS[-1]]
REST = "All others"
RESOLVED = {
    "paid": "Paid",
    "adjusted": "Adjusted",
    "written off": "Written off",
    "transferred": "Passed on",
    "corrected": "Corrected",
}


@page
def aging(facts: Facts) -> list[Block]:
    """Insurance balances by payer, provider and place, by days from the service."""
    parts = [aging_by(facts, column) for column in ("payer", "provider", "location")]
    if parts[0].empty:
        return [note(f"No insurance balance was open on {facts.subject.as_of_text}.")]
    words = (
        ("payer", "By payer", "aging_by_payer"),
        ("provider", "By provider", "aging_by_provider"),
        ("location", "By place", "aging_by_place"),
    )
    blocks: list[Block] = []
    for frame, (column, title, name) in zip(parts, words, strict=True):
        if column != "payer" and len(frame) < 2:
            only = frame[column].iloc[0]
            blocks.append(
                note(
                    f"{title}: all of it is of {only}." if only != "Not stated" else f"{title}: the claims do not say."
                )
            )
            continue
        blocks += _aging_table(facts, frame, column, title, name)
    return [*blocks, _apart(facts)]


def aging_by(facts: Facts, column: str) -> pd.DataFrame:
    """One row per payer, provider or place: a column of cents per age, the total, and the share over 90 days."""
    aged = ar.aging(facts.tables, as_of=facts.as_of, clock="service", parties=INSURANCE, by=[column])
    if aged.empty:
        return pd.DataFrame(columns=[column, *ar.BUCKETS, "ar_cents", "old_share"])
    wide = aged.assign(bucket=aged["bucket"].astype(str)).pivot_table(
        index=column, columns="bucket", values="ar_cents", aggfunc="sum", fill_value=0, observed=True
    )
    wide = wide.reindex(columns=[*ar.BUCKETS, *[name for name in wide.columns if name not in ar.BUCKETS]], fill_value=0)
    wide["ar_cents"] = wide.sum(axis=1)
    out = wide[wide["ar_cents"] > 0].reset_index().rename_axis(columns=None)
    out["old_share"] = quotient(out[OLD].sum(axis=1), out["ar_cents"])
    out = out.sort_values(["ar_cents", column], ascending=[False, True], ignore_index=True)
    out[column] = out[column].replace({"(none)": "Not stated"})
    return facts.names(out, "payer") if column == "payer" else out


def _aging_table(facts: Facts, frame: pd.DataFrame, column: str, title: str, name: str) -> list[Block]:
    cents = [*ar.BUCKETS, "ar_cents"]
    columns = [
        Shown(column, {"payer": "Payer", "provider": "Provider", "location": "Place"}[column]),
        *[Shown(bucket, bucket, "usd") for bucket in ar.BUCKETS],
        Shown("ar_cents", "Total", "usd"),
        Shown("old_share", "Over 90 days", "rate"),
    ]
    definition = (
        "Days from the day of service, a clock that sending a claim again cannot reset; US dollars of "
        "charges, credits apart."
    )
    top = _with_rest(frame, column, cents)
    table, emphasis = with_total(
        top, column, cents, values={"old_share": ratio(frame[OLD].sum().sum(), frame["ar_cents"].sum())}
    )
    heading = f"Insurance balances {title.lower()}, as of {facts.subject.as_of_text}"
    blocks: list[Block] = [show(table, columns, name=name, title=heading, definition=definition, emphasis=emphasis)]
    if len(frame) > LARGEST + 1:
        blocks.append(
            show(frame, columns, name=f"{name}_all", title=f"{heading}: all", definition=definition, print_it=False)
        )
    return blocks


def _with_rest(frame: pd.DataFrame, column: str, cents: list[str]) -> pd.DataFrame:
    if len(frame) <= LARGEST + 1:
        return frame
    rest = frame.iloc[LARGEST:]
    row = {name: rest[name].sum() for name in cents} | {column: f"{REST} ({len(rest)})"}
    row["old_share"] = ratio(rest[OLD].sum().sum(), rest["ar_cents"].sum())
    return pd.concat([frame.iloc[:LARGEST], pd.DataFrame([row])], ignore_index=True)


def _apart(facts: Facts) -> Block:
    found = roll_forward.credits_and_unapplied(facts.tables, period=facts.subject.period).set_index("kind")
    parts = []
    for kind, words in (("credits", "Credit balances"), ("unapplied", "Money received and not yet applied")):
        row = found.loc[kind]
        change = int(row["change_cents"])
        moved = (
            "as much as a month before"
            if not change
            else (f"{as_text(abs(change), 'usd')} {'more' if change > 0 else 'less'} than a month before")
        )
        parts.append(f"{words}: {as_text(int(row['closing_cents']), 'usd')}, {moved}.")
    return note(f"Apart from these balances, and never netted with them. {' '.join(parts)}")


def _clocks(facts: Facts, by_age: pd.DataFrame) -> list[Block]:
    """From what is over 120 days old by day of service to what is by the day it came to be owed: one label, bridged."""
    oldest = ar.BUCKETS[-1]

    def over(clock: str, parties: Sequence[str]) -> int:
        aged = ar.aging(facts.tables, as_of=facts.as_of, clock=clock, parties=parties)
        return int(aged.loc[aged["bucket"].astype(str) == oldest, "ar_cents"].sum())

    service, patients = over("service", PARTIES), over("service", ("patient",))
    moved = over("responsibility", ("patient",)) - patients
    owed = int(by_age.loc[by_age["bucket"] == oldest, "open_cents"].sum())
    if service == owed:
        return []
    lines = [
        ("By the day of service, insurers and patients", service),
        ("Patients: by the day the balance became theirs", moved),
        ("Insurers: by the day the balance became theirs", owed - service - moved),
    ]
    table, emphasis = with_total(
        pd.DataFrame(lines, columns=["what", "cents"]), "what", ["cents"], words="By the day the party came to owe it"
    )
    return [
        show(
            table,
            [Shown("what", "Over 120 days"), Shown("cents", "Open", "usd")],
            name="over_120_clocks",
            title="Over 120 days: two clocks, and what lies between them",
            emphasis=emphasis,
            definition="Balances above zero. Tables by payer, provider and place, and where each dollar went, count "
            "from the service; what the balances are worth counts from the day the party came to owe. US dollars.",
            beside=True,
        )
    ]


@page
def movement(facts: Facts) -> list[Block]:
    """The roll-rate matrix of the month: where what was owed at the start is at the end."""
    subject = facts.subject
    found = roll_forward.roll_rates(facts.tables, period=subject.period, clock="service")
    if found.empty:
        return [note(f"Nothing was owed at the start or the end of {subject.period.title}.")]
    matrix = found.pivot_table(
        index="from_bucket", columns="to_bucket", values="moved_cents", aggfunc="sum", fill_value=0, observed=True
    )
    matrix = matrix.reindex(columns=[*ar.BUCKETS, *RESOLVED], fill_value=0)
    matrix = matrix.reindex(
        [name for name in (*ar.BUCKETS, roll_forward.NEW, roll_forward.GROWN) if name in matrix.index]
    )
    matrix["total_cents"] = matrix.sum(axis=1)
    words = {"new": "New in the month", "grown": "Grown in the month"}
    table = _without_the_impossible(matrix).reset_index().rename_axis(columns=None)
    table["from_bucket"] = [words.get(name, name) for name in table["from_bucket"].astype(str)]
    shown_to = [name for name in [*ar.BUCKETS, *RESOLVED] if name in ar.BUCKETS or table[name].any()]
    total, emphasis = with_total(table, "from_bucket", [*shown_to, "total_cents"], words="Total")
    columns = [
        Shown("from_bucket", "Owed at the start, age"),
        *[Shown(name, RESOLVED.get(name, name), "usd") for name in shown_to],
        Shown("total_cents", "Total", "usd"),
    ]
    blocks: list[Block] = [
        note(_movement_sentence(facts)),
        show(
            total,
            columns,
            name="roll_matrix",
            title=f"Where each dollar went in {subject.period.title}",
            emphasis=emphasis,
            definition="Rows: age at the start; columns: age at the end, or what resolved it. All parties, by "
            "days from the service; "
            "US dollars, posting date. A row adds up to what was owed at the start, or is new; a column of ages "
            "to what is "
            "owed at the end.",
        ),
    ]
    long = found.assign(from_bucket=found["from_bucket"].astype(str), to_bucket=found["to_bucket"].astype(str))
    return [
        *blocks,
        show(
            long,
            [
                Shown("from_bucket", "From"),
                Shown("to_bucket", "To"),
                Shown("claims", "Balances", "count"),
                Shown("moved_cents", "Dollars", "usd"),
                Shown("roll_rate", "Share of the row", "rate"),
            ],
            name="roll_rates",
            title=f"Roll rates of {subject.period.title}",
            print_it=False,
            definition="One row per age at the start and what became of it; posting date; US dollars.",
        ),
        *moves(facts),
    ]


def _without_the_impossible(matrix: pd.DataFrame) -> pd.DataFrame:
    """Empty where nothing can be: a balance does not grow younger, unless its day of service was corrected."""
    out = matrix.astype("Int64")
    for place, name in enumerate(ar.BUCKETS):
        if name in out.index:
            younger = [bucket for bucket in ar.BUCKETS[:place] if out.at[name, bucket] == 0]
            out.loc[name, younger] = pd.NA
    return out


def _movement_sentence(facts: Facts) -> str:
    moved = roll_forward.ar_movement(facts.tables, period=facts.subject.period).iloc[0]
    opened, closed = int(moved["opening_cents"]), int(moved["closing_cents"])
    new, passed = int(moved["new_cents"] + moved["grown_cents"]), int(moved["transferred_cents"])
    corrected = int(moved["corrected_cents"])
    gone = [
        f"{as_text(int(moved['paid_cents']), 'usd')} was paid",
        f"{as_text(int(moved['adjusted_cents']), 'usd')} taken off by contract",
        f"{as_text(int(moved['written_off_cents']), 'usd')} written off",
    ]
    gone += [f"{as_text(passed, 'usd')} passed on to another payer or the patient"] if passed else []
    gone += [f"{as_text(corrected, 'usd')} taken off by corrected charges"] if corrected else []
    text = (
        f"{as_text(opened, 'usd')} was owed at the start of {facts.subject.month}. Of it {comma_list(gone)}; new "
        "balances of "
        f"{as_text(new, 'usd')} make it {as_text(closed, 'usd')} at the end. What was charged and settled "
        "within the month is in "
        f"none of these, so the cash of the month is more than what was paid here."
    )
    rolled = roll_forward.roll_forward_rates(
        facts.tables, period=facts.subject.period, clock="service", parties=INSURANCE
    )
    late = rolled[rolled["from_bucket"].astype(str) == "61-90"]
    if late.empty or late["roll_rate"].isna().all():
        return text
    one = late.iloc[0]
    return (
        f"{text} Of the insurance dollars that were 61 to 90 days old, {as_text(one['roll_rate'], 'rate')} grew older "
        f"({as_text(int(one['rolled_cents']), 'usd')})."
    )


def cannot_be_told(facts: Facts) -> str:
    """How much of what is owed has no known worth, and what that does to the rest; empty where all is known."""
    cents = facts.collectable["unknown_cents"]
    if pd.isna(cents) or not cents:
        return ""
    why = f": {NOT_PAID_ON_FILE}, and what insurers will leave to them counts as lost" * patients_untold(facts.subject)
    return f" What {as_text(int(cents), 'usd')} more is worth cannot be told{why}."


@page
def worth(facts: Facts) -> list[Block]:
    """What the open balances will probably bring in cash."""
    whole = facts.collectable
    if not whole["open_cents"]:
        return [note(f"Nothing was owed on {facts.subject.as_of_text}.")]
    if pd.isna(whole["collectable_cents"]):
        return [note("There are fewer than 91 days of postings: too few to say what the balances are worth.")]
    cents = ["open_cents", "collectable_cents", "adjusted_cents", "lost_cents", "unknown_cents"]
    titles = ("Open", "Expected cash", "Contract takes off", "Probably lost", "Not known")
    keep = [name for name in cents if name != "unknown_cents" or int(whole[name])]
    shown = [
        *[Shown(name, title, "usd") for name, title in zip(cents, titles, strict=True) if name in keep],
        Shown("collectable_share", "Cash per dollar", "rate"),
    ]
    definition = (
        "Billed charges still owed, all parties, by days since the party came to owe them, and what became of such "
        "dollars in the last twelve months; US dollars. An estimate, not a promise."
    )
    by_age = collectable_value(facts.tables, as_of=facts.as_of, by=("bucket",))
    by_age["bucket"] = by_age["bucket"].astype(str)
    table, emphasis = with_total(by_age, "bucket", keep, values={"collectable_share": whole["collectable_share"]})
    by_payer = facts.names(collectable_value(facts.tables, as_of=facts.as_of, by=("payer",)), "payer")
    by_payer = by_payer.sort_values("open_cents", ascending=False)
    return [
        note(
            f"The {as_text(int(whole['open_cents']), 'usd')} owed should bring "
            f"{as_text(int(whole['collectable_cents']), 'usd')} in cash; "
            f"contracts will take off {as_text(int(whole['adjusted_cents']), 'usd')}, and "
            f"{as_text(int(whole['lost_cents']), 'usd')} is "
            f"probably lost as things went in the past year.{cannot_be_told(facts)}"
        ),
        show(
            table,
            [Shown("bucket", "Age in days"), *shown],
            name="collectable_value",
            title=f"What the balances are worth, as of {facts.subject.as_of_text}",
            definition=definition,
            emphasis=emphasis,
        ),
        *_clocks(facts, by_age),
        show(
            by_payer,
            [Shown("payer", "Payer"), *shown],
            name="collectable_by_payer",
            title=f"What the balances are worth, by payer, as of {facts.subject.as_of_text}",
            definition=definition,
            print_it=False,
        ),
    ]
