"""Payers side by side, and what was written off."""

from __future__ import annotations

import pandas as pd

from ...ledger.ratios import quotient, ratio
from ...measures.collections import rates as collections
from ...measures.collections.written_off import (
    denial_write_off_share,
    small_balance_write_offs,
    whole_dollar_sweeps,
    write_offs,
)
from ...measures.denials.rates import initial_denial_rate_claims_remitted
from ...measures.receivable import ar
from ...tables.clients import SELF_PAY
from ...tables.frames import NO_VALUE
from ...tables.schema import PARTIES
from ..blocks import Block, note
from ..formats import as_text, counted, sentence, words_of
from ..incomplete import NOT_PAID_ON_FILE, patients_untold
from ..pages import page
from ..register.habits import sweeps_words
from ..subject import Subject
from ..tables import Shown, show, with_total
from .denials import FEW

INSURANCE = PARTIES[:3]
WINDOW_DAYS = 90
"""Days of charges that days in AR are reckoned on: the measure's own."""


def payer_numbers(subject: Subject) -> pd.DataFrame:
    """One row per primary insurer: charges and cash of three months, open balance, days in AR, denial rate."""
    quarter, tables, day = subject.period.trailing(3), subject.tables, subject.as_of
    parts = [
        collections.charges(tables, period=quarter, by=["payer"])[["payer", "charge_cents"]],
        collections.cash(tables, period=quarter, by=["payer"])[["payer", "insurance_cents"]],
        ar.open_balances(tables, as_of=day, parties=INSURANCE, by=["payer"])[["payer", "ar_cents"]],
        ar.aged_share(tables, as_of=day, parties=INSURANCE, by=["payer"])[["payer", "aged_share"]],
        ar.days_in_ar(tables, as_of=day, parties=INSURANCE, by=["payer"]).rename(
            columns={"charge_cents": "window_cents"}
        )[["payer", "window_cents", "days_in_ar"]],
        initial_denial_rate_claims_remitted(tables, period=quarter, by=["payer"]).rename(
            columns={"initial_denial_rate_claims_remitted": "denial_rate"}
        ),
    ]
    out = parts[0]
    for part in parts[1:]:
        out = out.merge(part, on="payer", how="outer")
    out = out[~out["payer"].isin([SELF_PAY, NO_VALUE])].copy()
    whole = ["charge_cents", "insurance_cents", "ar_cents", "window_cents", "denied_claims", "remitted_claims"]
    out[whole] = out[whole].fillna(0).astype("int64")
    out["is_few"] = out["remitted_claims"] < FEW
    return out.sort_values(["charge_cents", "payer"], ascending=[False, True], ignore_index=True)


@page
def payers(subject: Subject) -> list[Block]:
    """The payer table, with its total from the measures themselves."""
    found = payer_numbers(subject)
    if found.empty:
        return [note(f"No insurance claim was charged, paid or open in the three months to {subject.as_of_text}.")]
    quarter = subject.period.trailing(3)
    days = ratio(found["ar_cents"].sum() * WINDOW_DAYS, found["window_cents"].sum())
    denied = initial_denial_rate_claims_remitted(subject.tables, period=quarter).iloc[0]
    older = ar.aged_share(subject.tables, as_of=subject.as_of, parties=INSURANCE)["aged_share"].iloc[0]
    whole = pd.Series(found["charge_cents"].sum(), index=found.index)
    table, emphasis = with_total(
        subject.with_payer_names(found.assign(charge_share=quotient(found["charge_cents"], whole))),
        "payer",
        ["charge_cents", "insurance_cents", "ar_cents", "remitted_claims"],
        words="All insurers",
        values={
            "days_in_ar": days,
            "denial_rate": denied["initial_denial_rate_claims_remitted"],
            "aged_share": older,
            "charge_share": ratio(whole.iloc[0], whole.iloc[0]),
            "is_few": False,
        },
    )
    few = counted(int(found["is_few"].sum()), "payer")
    self_pay = (
        collections.charges(subject.tables, period=quarter, by=["payer"])
        .query("payer == @SELF_PAY")["charge_cents"]
        .sum()
    )
    return [
        show(
            table,
            [
                Shown("payer", "Primary payer"),
                Shown("charge_cents", "Charges", "usd"),
                Shown("insurance_cents", "Insurance payments", "usd"),
                Shown("ar_cents", "Open", "usd"),
                Shown("aged_share", "Over 90 days", "rate"),
                Shown("days_in_ar", "Days in AR", "days"),
                Shown("denial_rate", "Denial rate", "rate", marked="is_few"),
                Shown("remitted_claims", "Claims decided", "count"),
                Shown("charge_share", "Payer mix", "rate"),
            ],
            name="payers",
            title=f"Payers, three months to {subject.as_of_text}",
            emphasis=emphasis,
            definition="Charges and payments by posting date; open insurance balances as of the last day, aged "
            "from the day of service; denial rate: claims "
            "denied by their first decision, of claims first decided, by day of remittance; payer mix: share of the "
            "charges of all insurers; US dollars.",
            notes=[
                f"* Fewer than {FEW} claims decided ({few}): one claim more or less moves the rate visibly."
                if found["is_few"].any()
                else "",
                f"Charges of patients without insurance, {as_text(int(self_pay), 'usd')}, stand only in the "
                f"charges of the whole practice."
                if self_pay
                else "",
                _all_days(subject),
            ],
        )
    ]


def _all_days(subject: Subject) -> str:
    """How the days in AR of insurers lead to those of page one, which count patients' balances and all charges."""
    whole = ar.days_in_ar(subject.tables, as_of=subject.as_of).iloc[0]
    patients = ar.days_in_ar(subject.tables, as_of=subject.as_of, parties=("patient",)).iloc[0]
    if pd.isna(whole["days_in_ar"]):
        return ""
    days, owed = as_text(whole["days_in_ar"], "days"), as_text(int(patients["ar_cents"]), "usd")
    if patients_untold(subject):
        return f"{owed} was left to patients, and {NOT_PAID_ON_FILE}: it is in none of these days."
    return f"With the {owed} that patients owe, and all charges, it is {days} days: the measure on page one."


def reasons_written_off(subject: Subject) -> pd.DataFrame:
    """Write-offs by reason: this month, three months, twelve months; without approved contractual adjustments."""
    out = pd.DataFrame({"reason": pd.Series(dtype="object")})
    for months, name in ((1, "month"), (3, "quarter"), (12, "year")):
        found = write_offs(subject.tables, period=subject.period.trailing(months))
        found = found.rename(columns={"write_off_cents": f"{name}_cents", "denial_cents": f"{name}_denial_cents"})
        out = out.merge(found[["reason", f"{name}_cents", f"{name}_denial_cents"]], on="reason", how="outer")
    numbers = [column for column in out.columns if column != "reason"]
    out[numbers] = out[numbers].fillna(0).astype("int64")
    out = out[out[numbers].ne(0).any(axis=1)].copy()
    out["is_denial"] = out["year_denial_cents"] > 0
    return out.sort_values(["year_cents", "reason"], ascending=[False, True], ignore_index=True)


@page
def written_off(subject: Subject) -> list[Block]:
    """Write-offs by reason, the share lost to denials, small balances, and sweeps."""
    found = reasons_written_off(subject)
    if found.empty:
        return [note(f"Nothing was written off in the twelve months to {subject.as_of_text}."), *_sweeps(subject)]
    found["words"] = [sentence(words_of(reason)) for reason in found["reason"]]
    table, emphasis = with_total(found, "words", ["month_cents", "quarter_cents", "year_cents", "year_denial_cents"])
    small = small_balance_write_offs(subject.tables, period=subject.period).iloc[0]
    agreed = int(write_offs(subject.tables, period=subject.period, by=[])["contractual_cents"].iloc[0])
    lost = denial_write_off_share(subject.tables, period=subject.period.trailing(12)).iloc[0]
    notes = [
        f"Contractual adjustments agreed with the payers ({as_text(agreed, 'usd')} in {subject.month}) are "
        f"not write-offs and are left out.",
        f"Lost to denials over twelve months: {as_text(int(lost['denial_cents']), 'usd')}, "
        f"{as_text(lost['denial_write_off_share'], 'rate', reason='nothing collectable')} of what could be "
        f"collected.",
    ]
    if small["small"]:
        notes.append(
            f"{counted(int(small['small']), 'write-off')} of ten dollars or less in "
            f"{subject.month}, {as_text(int(small['small_cents']), 'usd', exact=True)} together."
        )
    return [
        show(
            table,
            [
                Shown("words", "Reason"),
                Shown("month_cents", subject.month, "usd"),
                Shown("quarter_cents", "Three months", "usd"),
                Shown("year_cents", "Twelve months", "usd"),
                Shown("year_denial_cents", "of which lost to denials", "usd"),
            ],
            name="write_offs",
            title=f"Write-offs by reason, to {subject.as_of_text}",
            emphasis=emphasis,
            notes=notes,
            definition="By posting date, reversals taken off; US dollars given up.",
        ),
        *_sweeps(subject),
    ]


def _sweeps(subject: Subject) -> list[Block]:
    found = whole_dollar_sweeps(subject.tables, period=subject.period.trailing(12))
    if not (found["posted_on"] >= pd.Timestamp(subject.period.first_day)).any():
        return []
    return [
        note(
            f"{sweeps_words(found, subject.period.first_day)}, {as_text(int(found['swept_cents'].sum()), 'usd')} "
            "together: many more than is usual. Old balances may have been swept away rather than worked; this is a "
            "question to ask, not a proof.",
            tone="warning",
        )
    ]
