"""Findings about denials beyond the usual: their life, their rates, their dollars, in the words of a report."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ...models.detection.finding_lives import NEW, RETURNED
from ..blocks import Finding, finding
from ..client_review.opportunities import PREVENTION, PROCESS_DAYS, due, ours, severity_of, stages
from ..formats import as_text, counted, sentence, words_of
from .facts import Facts


def denials(facts: Facts) -> list[Finding]:
    """One finding for each cause of denials beyond the usual."""
    items = []
    for number, row in enumerate(facts.systemic.to_dict("records"), start=1):
        what, owner = PREVENTION.get(
            stages().get(row["category"], ""), ("Find the cause with the payer", ours(facts.subject))
        )
        cents = int(round(row["excess_cents"]))
        lines = facts.systemic_lines[facts.systemic_lines["number"] == number]
        still = lines.loc[lines["still_open_cents"].notna(), "claim_id"].nunique()
        if row["is_edit"]:
            items.append(_edit(facts, row, number))
            continue
        items.append(
            finding(
                f"{sentence(words_of(row['category']))} denials: {scope_words(facts, row)}",
                f"{life_words(row)} {rate_words(row)}: "
                f"{counted(int(row['denied']), 'denied line')}, "
                f"{as_text(row['excess'], 'count')} more than expected. {what}; "
                f"{counted(still, 'claim is', 'claims are')} still "
                "open to rework. Dollars are what these lines would have been allowed, over the "
                f"usual. Sheet: systemic_denials, no. {number}.",
                amount_cents=cents,
                owner=owner,
                due=due(facts.subject, PROCESS_DAYS),
                severity=severity_of(cents, facts.subject),
            )
        )
    return items


def _edit(facts: Facts, row: dict[str, Any], number: int) -> Finding:
    """A service that a payer has come to bundle into another one that it pays on the same claim."""
    return finding(
        f"New bundling edit: {scope_words(facts, row)}",
        f"{life_words(row)} {rate_words(row)}, nearly all beside a paid line of the same claim. So works a published "
        "edit, which is lawful: look it up, add a modifier where the services were distinct, and "
        f"appeal only what no edit covers. Sheet: systemic_denials, no. {number}.",
        owner="our coders",
        due=due(facts.subject, PROCESS_DAYS),
        severity="low",
    )


def ended(facts: Facts) -> list[Finding]:
    """Denials beyond the usual that are over: told once more, so that nobody has to ask what became of them."""
    rows = facts.denial_lives
    return [
        finding(
            f"Over: {words_of(row['category'])} denials, {scope_words(facts, row)}",
            f"Ended about {as_text(row['ended_on'], 'date')}; began around {as_text(row['onset_on'], 'date')}, first "
            f"told in {month_words(row['first_told'])}. In between {as_text(row['rate_since_onset'], 'rate')} of the "
            f"lines were denied, {as_text(row['excess'], 'count')} more than expected. Dollars are what these lines "
            "would have been allowed, over the usual; what is still open is on the worklist.",
            amount_cents=int(row["excess_cents"]),
            owner=ours(facts.subject),
            due=due(facts.subject, PROCESS_DAYS),
            severity="low",
        )
        for row in rows[rows["is_over"]].to_dict("records")
    ]


def standing(facts: Facts) -> list[Finding]:
    """Denials that are no rise, because there were always more of them than at the peers."""
    items = []
    for row in facts.standing.to_dict("records"):
        what, owner = PREVENTION.get(
            stages().get(row["category"], ""), ("Find the cause with the payer", ours(facts.subject))
        )
        name = facts.subject.payer_name(row["name"]) if row["level"] == "payer" else row["name"]
        cents = int(row["excess_cents"])
        items.append(
            finding(
                f"Always more {words_of(row['category'])} denials than at its peers: {name}",
                f"No rise: {as_text(row['ratio'], 'number')} times as often as others with the same work, all year: "
                f"{as_text(row['rate'], 'rate')} of {counted(int(row['claims']), 'claim')} against "
                f"{as_text(row['peers_rate'], 'rate')}. {what}. Dollars are what the denied lines beyond the others' "
                "rate would have been allowed in twelve months.",
                amount_cents=cents,
                owner=owner,
                due=due(facts.subject, PROCESS_DAYS),
                severity=severity_of(cents, facts.subject),
            )
        )
    return items


def life_words(row: dict[str, Any]) -> str:
    """Whether a finding is new, goes on or came back, and what it cost since the month before."""
    began = f"Began around {as_text(row['onset_on'], 'date')}"
    if row["state"] == NEW:
        return f"New: {began[:1].lower()}{began[1:]}."
    before = f", then as {row['told_as']}" if row["told_as"] else ""
    back = "Came back after it was told as over" if row["state"] == RETURNED else "Goes on"
    return (
        f"{back}: {began[:1].lower()}{began[1:]}, first told in {month_words(row['first_told'])}{before}; "
        f"{as_text(max(0, int(row['month_cents'])), 'usd')} of it in the last month, "
        f"{as_text(max(0, int(row['since_told_cents'])), 'usd')} since it was first told."
    )


def rate_words(row: dict[str, Any]) -> str:
    """The rate since the day it changed, the rate seen before, and the one that is taken as usual."""
    usual, seen = as_text(row["usual_rate"], "rate"), row["observed_rate"]
    before = (
        f"before, {usual} was usual in similar ones"
        if pd.isna(seen)
        else f"before it was {as_text(seen, 'rate')}"
        if as_text(seen, "rate") == usual
        else f"before it was {as_text(seen, 'rate')} ({usual} is taken as usual, as in similar ones)"
    )
    return f"Since then {as_text(row['rate_since_onset'], 'rate')} of the lines were denied, {before}"


def month_words(month: Any) -> str:
    """The month of a period or a day, as a sentence names it.

    >>> month_words(pd.Period("2026-07")), month_words(pd.Timestamp("2026-07-28"))
    ('July 2026', 'July 2026')
    """
    return f"{pd.Period(month, 'M').start_time:%B %Y}"


def scope_words(facts: Facts, row: dict[str, Any]) -> str:
    """Where a systemic denial happens, in words."""
    parts = [
        facts.subject.payer_name(row["payer"]) if row["payer"] else "",
        f"code {row['procedures']}"
        if row["procedures"] and len(row["codes"]) == 1
        else f"codes of {row['procedures']}"
        if row["procedures"]
        else "",
        row["provider"],
        row["location"],
    ]
    return ", ".join(part for part in parts if part) or "all payers and places"
