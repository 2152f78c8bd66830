"""The money pages of a client review: reconciliation, charges and cash, open balances by age."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from ...blocks.vocabulary import Table
from ...ledger import balances as ledger
from ...ledger.ratios import quotient, ratio
from ...ledger.reconciliation import deposits_check, roll_forward_check
from ...measures.receivable import ar
from ...sources.exports.visits import REST
from ...tables.schema import PARTIES
from .. import figures
from ..blocks import Block, note
from ..formats import as_text, counted, gap, sentence
from ..incomplete import NOT_PAID_ON_FILE, patients_untold, strip, untold
from ..pages import page
from ..subject import Subject
from ..tables import Shown, show, with_total
from .answers import settled
from .bank import NO_BANK, three_ways
from .behind import amounts_behind, open_claims

INSURANCE = PARTIES[:3]
STEPS = (
    ("opening_cents", "Open at the start of the month", 1),
    ("charges_cents", "+ charges", 1),
    ("payments_cents", "− payments", -1),
    ("contractual_cents", "− contractual adjustments (agreed with the payers)", -1),
    ("write_offs_cents", "− write-offs", -1),
    ("refunds_cents", "+ refunds to patients and payers", 1),
    ("takebacks_cents", "+ money taken back by payers", 1),
    ("transfers_cents", "± transfers between payers and patients", 1),
)
FEW_BALANCES = 100
"""Bars of fewer balances show no more than the table: a small practice gets a page less."""

DEPOSITED = (
    "provider_adjustment_cents",
    "claims_paid_cents",
    "deposit_cents",
    "posted_cents",
    "unposted_cents",
    "posting_difference_cents",
)


@page
def reconciliation(subject: Subject) -> list[Block]:
    """Opening to closing with its residual, and deposits beside what was posted from them."""
    found = roll_forward_check(subject.tables, period=subject.period).iloc[0]
    steps = pd.DataFrame([{"step": words, "amount_cents": int(found[name]) * sign} for name, words, sign in STEPS])
    steps.loc[len(steps)] = ["Open at the end of the month", int(found["closing_cents"])]
    steps.loc[len(steps)] = ["The same, counted again claim by claim", int(found["rebuilt_cents"])]
    residual = int(found["residual_cents"])
    steps.loc[len(steps)] = ["Residual (must be $0.00)", residual]
    last = len(steps) - 1
    blocks: list[Block] = [
        show(
            steps,
            [
                Shown("step", f"Receivable in {subject.period.title}"),
                Shown("amount_cents", "US dollars", "usd", exact=True),
            ],
            name="reconciliation",
            title="From opening to closing balance",
            emphasis=[last - 2, last],
            definition="All postings of the month by posting date, credits and unapplied money included; US "
            "dollars and cents.",
            notes=[_close_note(found["close_difference_closing_cents"])],
        )
    ]
    if residual:
        blocks.append(
            note(
                f"The balance does not tie: the movements and the balances counted claim by claim differ by "
                f"{as_text(abs(residual), 'usd', exact=True)}. Do not rely on the balances until this is "
                f"explained.",
                tone="warning",
            )
        )
    checked = deposits_check(subject.tables, as_of=subject.as_of)
    month = checked[checked["month"] == pd.Timestamp(subject.period.first_day)]
    banked = three_ways(subject, month[month["remit_id"].notna()])
    return [*blocks, *banked, _deposits(subject, month, has_bank=bool(banked)), *strip(subject)]


def _close_note(difference: float) -> str:
    if pd.isna(difference):
        return (
            "The billing system's own month-end total was not delivered, so the closing balance is not "
            "compared with it."
        )
    if int(difference) == 0:
        return "The billing system's own month-end total is the same, to the cent."
    return (
        f"Our closing balance and the billing system's own month-end total differ by "
        f"{as_text(int(difference), 'usd', exact=True)}; "
        "this needs an explanation."
    )


def _deposits(subject: Subject, month: pd.DataFrame, *, has_bank: bool) -> Block:
    unknown = untold(subject, "What payers remitted", "remit_claims")
    if unknown and month.empty:
        return note(f"{unknown} {NO_BANK}" if not has_bank else unknown)
    received, loose = month[month["remit_id"].notna()], month[month["remit_id"].isna()]
    sums = {name: int(received[name].sum()) for name in DEPOSITED}
    withheld, paid, deposit = (sums[name] for name in DEPOSITED[:3])
    torn = deposit + withheld - paid
    rows = pd.DataFrame(
        [
            ("Posted from these remittances", sums["posted_cents"]),
            ("+ not yet posted", sums["unposted_cents"]),
            ("+ posted too little, − posted too much", -sums["posting_difference_cents"]),
            ("Paid on claims, as the payers' remittances say", paid),
            ("− held back, or + added, by the payers at practice level", -withheld),
            *([("± in remittances that do not add up", torn)] if torn else []),
            ("Deposits, as the remittances say", deposit),
        ],
        columns=["step", "amount_cents"],
    )
    arrived = sentence(counted(len(received), "remittance payment"))
    otherwise = subject.relations.set_index("relation")["is_broken"].get("posted_otherwise", False)
    notes = [
        f"{arrived} arrived in the month; posted by {subject.as_of_text}.",
        "Of whole payments; claims posted otherwise within a payment stand in the next table." if otherwise else "",
        "" if has_bank else NO_BANK,
    ]
    if len(loose):
        notes.append(
            f"{counted(len(loose), 'check or transfer number')} posted in the month, with "
            f"{as_text(int(loose['posted_cents'].sum()), 'usd', exact=True)}, "
            "came without an electronic remittance."
        )
    return show(
        rows,
        [Shown("step", "Deposits and postings"), Shown("amount_cents", "US dollars", "usd", exact=True)],
        name="deposits",
        beside=not has_bank,
        print_it=not has_bank,
        title="Deposits beside posted payments",
        emphasis=[3, len(rows) - 1],
        notes=notes,
        definition="Remittances by the day they arrived, matched with postings by payer and check or "
        "transfer number; US dollars and cents.",
    )


def months_of_cash(subject: Subject) -> pd.DataFrame:
    """Charges, payments and adjustments of the thirteen months that end with the period.

    Months before the first posting are left out.
    """
    moved = ledger.roll_forward(subject.tables, period=subject.period.trailing(13))
    any_posting = moved[["charges_cents", "payments_cents", "contractual_cents", "write_offs_cents"]].ne(0).any(axis=1)
    return moved[any_posting.cummax()].reset_index(drop=True)


@page
def cash(subject: Subject) -> list[Block]:
    """Charges and payments by month, and what became of settled services."""
    return [*cash_and_charges(subject), *settled(subject)]


def cash_and_charges(subject: Subject) -> list[Block]:
    """Charges and cash over thirteen months: chart, finding, and the numbers."""
    months = months_of_cash(subject)
    columns = [
        Shown("month", "Month", "month"),
        Shown("charges_cents", "Charges", "usd"),
        Shown("payments_cents", "Payments", "usd"),
        Shown("contractual_cents", "Contractual adjustments", "usd"),
        Shown("write_offs_cents", "Write-offs", "usd"),
        Shown("closing_cents", "Open at month end", "usd"),
    ]
    words: dict[str, Any] = {
        "name": "cash_and_charges",
        "title": "Charges, payments and adjustments by month",
        "definition": "By posting date; US dollars. Open at month end holds credits and unapplied money.",
    }
    if len(months) < 2:
        return [
            show(months, columns, **words),
            figures.nothing_to_draw(
                "Charges and payments are drawn from the second month on; this is the first month with postings."
            ),
        ]
    axes = figures.plot_months(
        months, figures.new_axes(2.5), series={"charges_cents": "Charges", "payments_cents": "Payments"}
    )
    finding = _cash_sentence(months, subject)
    return [
        figures.figure_block(
            axes,
            name="cash_chart",
            title=f"Charges and payments by month, {subject.client.name} (US dollars, posting date)",
            alt=f"Line chart of charges and payments for {counted(len(months), 'month')} to "
            f"{subject.period.title}. {finding}",
            finding=finding,
            table=show(months, columns, **words),
        )
    ]


def _cash_sentence(months: pd.DataFrame, subject: Subject) -> str:
    now, before = int(months["payments_cents"].iloc[-1]), months["payments_cents"].iloc[:-1]
    usual = ratio(before.sum(), len(before))
    change = ratio(now - usual, usual)
    last = months.iloc[-1]
    back = int(last["refunds_cents"] + last["takebacks_cents"])
    before_refunds = f" (before {as_text(back, 'usd')} of refunds and money taken back)" if back else ""
    body = f"Payments of {as_text(now, 'usd')} were posted in {subject.period.title}{before_refunds}"
    if pd.isna(change):
        return f"{body}; none were posted in the months before."
    if len(before) == 1:
        usual_words = f"the month before ({as_text(int(usual), 'usd')})"
    else:
        usual_words = f"the average of the {counted(len(before), 'month')} before ({as_text(int(usual), 'usd')})"
    if abs(change) < 0.02:
        return f"{body}, about the same as {usual_words}."
    return f"{body}, {as_text(abs(change), 'rate')} {'above' if change > 0 else 'below'} {usual_words}."


def aging_by_part(subject: Subject) -> pd.DataFrame:
    """Open balances by age: insurance on the service clock, patients from the day they became responsible."""
    out = pd.DataFrame({"bucket": [*ar.BUCKETS, ar.NO_DATE]})
    for part, clock, parties in (("insurance", "service", INSURANCE), ("patient", "responsibility", ("patient",))):
        rows = ar.aged_claims(subject.tables, as_of=subject.as_of, clock=clock, parties=parties)
        owed = rows[rows["ar_cents"] > 0].groupby("bucket")["ar_cents"].agg(["size", "sum"])
        out[f"{part}_claims"] = out["bucket"].map(owed["size"]).fillna(0).astype("int64")
        out[f"{part}_cents"] = out["bucket"].map(owed["sum"]).fillna(0).astype("int64")
        total = pd.Series([out[f"{part}_cents"].sum()] * len(out))
        out[f"{part}_share"] = quotient(out[f"{part}_cents"], total)
    undated = out["bucket"].eq(ar.NO_DATE) & out["insurance_cents"].eq(0) & out["patient_cents"].eq(0)
    return out[~undated].reset_index(drop=True)


@page
def aging(subject: Subject) -> list[Block]:
    """The aging chart and table, and what is apart from it: credits and unapplied money."""
    aged = aging_by_part(subject)
    parts = {
        name: words
        for name, words in (("insurance_cents", "Insurance"), ("patient_cents", "Patients"))
        if aged[name].sum() > 0
    }
    table, emphasis = with_total(
        aged,
        "bucket",
        ["insurance_claims", "insurance_cents", "patient_claims", "patient_cents"],
        values={f"{part}_share": 1.0 if aged[f"{part}_cents"].sum() else None for part in ("insurance", "patient")},
    )
    columns = [
        Shown("bucket", "Age in days"),
        Shown("insurance_claims", "Insurance balances", "count"),
        Shown("insurance_cents", "Insurance", "usd"),
        Shown("insurance_share", "Share", "rate"),
        Shown("patient_claims", "Patient balances", "count"),
        Shown("patient_cents", "Patients", "usd"),
        Shown("patient_share", "Share", "rate"),
    ]
    words: dict[str, Any] = {
        "name": "aging",
        "title": f"Open balances by age, as of {subject.as_of_text}",
        "emphasis": emphasis,
        "definition": "Balances above zero. Insurance ages from the day of service, patient balances from "
        "the day the patient "
        "became responsible; US dollars.",
        "notes": [*_empty_parts(aged, subject), *_from_service(aged, subject)],
    }
    if not parts:
        return [
            figures.nothing_to_draw(f"Nothing was owed on {subject.as_of_text}, neither by insurance nor by patients."),
            _apart(subject),
        ]
    finding = _aging_sentence(aged, subject)
    if aged[["insurance_claims", "patient_claims"]].to_numpy().sum() < FEW_BALANCES:
        return [note(finding), *_with_claims(subject, show(table, columns, **words)), _apart(subject)]
    axes = figures.plot_aging(aged, figures.new_axes(0.5 + 0.45 * len(parts)), parts=parts)
    return [
        figures.figure_block(
            axes,
            name="aging_chart",
            title=f"Open balances by age in days, {subject.client.name}, as of "
            f"{subject.as_of_text} (US dollars, credits left out)",
            alt=f"Stacked bars of open balances by age. {finding}",
            finding=finding,
        ),
        *_with_claims(subject, show(table, columns, **words)),
        _apart(subject),
    ]


def _with_claims(subject: Subject, aged: Table) -> list[Block]:
    """The table of ages with the balances behind each of its amounts."""
    claims = open_claims(subject)
    linked = [
        one
        for column, part in (("insurance_cents", "Insurance"), ("patient_cents", "Patients"))
        for one in amounts_behind(aged, claims, column, "ar_cents", f"{part}, age in days", f"part={part}&bucket")
    ]
    return [replace(aged, behind=tuple(linked)), claims]


def _empty_parts(aged: pd.DataFrame, subject: Subject) -> list[str]:
    lines = []
    if not aged["insurance_cents"].sum():
        lines.append("No insurance balance was open.")
    if not aged["patient_cents"].sum():
        lines.append(_none_of_patients(subject))
    return lines


def _none_of_patients(subject: Subject) -> str:
    if REST not in set(subject.findings.get("rule", ())):
        return "No patient balance is open."
    return (
        "The files do not say what patients owe: what is left of claims that insurers paid stands with insurance here."
    )


def _from_service(aged: pd.DataFrame, subject: Subject) -> list[str]:
    """From this table to the share over 90 days on page one, which counts from the service for patients, too."""
    old = aged["bucket"].isin(["91-120", "over 120"])
    here = int(aged.loc[old, ["insurance_cents", "patient_cents"]].to_numpy().sum())
    found = ar.aged_share(subject.tables, as_of=subject.as_of, days=90).iloc[0]
    there = int(found["older_cents"])
    more = there - here
    if not more or patients_untold(subject):
        return []
    return [
        f"Over 90 days here: {as_text(here, 'usd')}. {gap(there, here, 'usd')} {'more' if more > 0 else 'less'} when "
        f"patient balances, too, age from the day of service: {as_text(there, 'usd')}, the "
        f"{as_text(found['aged_share'], 'rate')} of page one."
    ]


def _aging_sentence(aged: pd.DataFrame, subject: Subject) -> str:
    old = aged["bucket"].isin(["91-120", "over 120"])
    total, older = int(aged["insurance_cents"].sum()), int(aged.loc[old, "insurance_cents"].sum())
    patients = int(aged["patient_cents"].sum())
    tail = f" Patients owe {as_text(patients, 'usd')}." if patients else f" {_none_of_patients(subject)}"
    if patients_untold(subject):
        tail = f" {as_text(patients, 'usd')} was left to patients; {NOT_PAID_ON_FILE}."
    if not total:
        return f"No insurance balance was open on {subject.as_of_text}.{tail}"
    part = f"{as_text(older, 'usd')} of it ({as_text(ratio(older, total), 'rate')})" if older else "none of it"
    return f"Insurance owes {as_text(total, 'usd')}; {part} is older than 90 days from the day of service.{tail}"


def _apart(subject: Subject) -> Block:
    """From the balances above zero to what the postings leave open: credits and unapplied money, line by line."""
    owed = ar.open_balances(subject.tables, as_of=subject.as_of)
    credits = ar.credit_balances(subject.tables, as_of=subject.as_of, by=["party"])
    unapplied = int(ar.unapplied_money(subject.tables, as_of=subject.as_of)["unapplied_cents"].sum())
    missing, by_patient = _never_billed_credits(subject), credits["party"] == "patient"
    lines: list[tuple[str, int | None, int]] = [
        (
            "Balances above zero, insurance and patients",
            int(owed["claims"].sum()) - int(credits["claims"].sum()),
            int(owed["ar_cents"].sum()),
        )
    ]
    for words, mine, none in (
        ("insurance", ~by_patient, missing["party"] != "patient"),
        ("patients", by_patient, missing["party"] == "patient"),
    ):
        claims = int(credits.loc[mine, "claims"].sum()) - int(none.sum())
        cents = int(credits.loc[mine, "credit_cents"].sum()) - int(missing.loc[none, "balance_cents"].sum())
        lines.append((f"Credit balances, {words}", claims, cents))
    if len(missing):
        lines.append(
            ("On claims whose charge is missing: no credit", len(missing), int(missing["balance_cents"].sum()))
        )
    lines.append(("Money received and not yet applied to a claim", None, -unapplied))
    rows = pd.DataFrame(lines, columns=["what", "balances", "amount_cents"]).astype({"balances": object})
    is_apart = bool(rows["amount_cents"].iloc[1:].any())
    table, emphasis = with_total(rows, "what", ["amount_cents"], words="Open at the end, by all postings")
    return show(
        table,
        [
            Shown("what", "From what is owed to all postings"),
            Shown("balances", "Balances", "count"),
            Shown("amount_cents", "Amount", "usd"),
        ],
        name="credits",
        title=f"Credits and unapplied money, as of {subject.as_of_text}",
        emphasis=emphasis,
        definition="Balances below zero, never netted against what is owed; posting date; US dollars.",
        notes=[] if is_apart else ["There were no credit balances and no unapplied money."],
    )


def _never_billed_credits(subject: Subject) -> pd.DataFrame:
    """Balances below zero that are no credits: postings on claims whose charge is missing."""
    balances = ledger.claim_balances(subject.tables, as_of=subject.as_of).collect("pandas").to_native()
    return balances[(balances["balance_cents"] < 0) & balances["claim_id"].isin(subject.never_billed)]
