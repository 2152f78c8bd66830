"""What goes wrong again and again, as actions: denials beyond the usual, short payments, late charges, silent days."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from ...measures.payers.prompt_pay import OWED
from ...measures.payers.shortfalls import low_lines
from ...models.detection.finding_lives import NEW, RETURNED
from ...models.detection.process_shifts import claims_held_up, late_entries
from ...tables.reference.carc import carc_categories
from ..formats import as_text, comma_list, counted, day_text, person, sentence, words_of
from .action import (
    BILLERS,
    CODERS,
    CONTRACT,
    DELAYED,
    FOLLOW_UP_DAYS,
    INTEREST,
    OURS,
    PROCESS_DAYS,
    RECODED,
    SHORT,
    TAKEN_BACK,
    Action,
    Found,
    added,
    due,
    earlier,
    ours,
    severity_of,
    spread,
)
from .facts import MonthFacts

WORTH_A_LETTER = 5_000
"""Interest below this (cents, of a payer) stands in the list alone."""

PREVENTION = {
    "registration": ("Check insurance before the visit", "front desk"),
    "authorization": ("Ask for authorization before the visit", "front desk"),
    "clinical": ("Record in the notes why the service was needed", "physicians"),
    "documentation": ("Send complete notes with the claim", "physicians"),
    "coding": ("Review the codes before the claim goes out", CODERS),
    "billing": ("Send claims in time, and once", BILLERS),
    "credentialing": ("Bring the payer enrollments up to date", "practice manager"),
    "contracting": ("Raise the contract terms with the payer", "practice manager"),
}
"""Stage at which a denial is prevented -> (what to do, who does it)."""

MIX_WORDS = {
    "denials": ("share of lines denied", "rose", "denied"),
    "collections": ("share of charges allowed", "fell", "allowed"),
}
"""Each figure: what it is, its bad direction, and what happens to a line."""


def stages() -> dict[str, str]:
    """Denial category -> the stage at which most of its codes can be prevented."""
    rows = carc_categories().to_pandas()
    rows = rows[rows["preventable_stage"] != "none"]
    return rows.groupby("category")["preventable_stage"].agg(lambda found: found.mode().iloc[0]).to_dict()


def denials(facts: MonthFacts) -> list[Found]:
    """Each cause of denials beyond the usual, said to those it concerns; asked of the practice where it prevents it."""
    out = []
    for number, row in enumerate(facts.systemic.to_dict("records"), start=1):
        if row["is_edit"]:
            out.append(Found("new_edit", partial(_edit_told, facts, row, number), key=", ".join(scope(row))))
            continue
        lines = facts.systemic_lines[facts.systemic_lines["number"] == number]
        claims = lines.groupby("claim_id", as_index=False).agg(
            weight=("expected_cents", "sum"), charge=("charge_cents", "sum"), still=("still_open_cents", "count")
        )
        weights = claims["weight"] if claims["weight"].sum() > 0 else claims["charge"]
        cents = int(round(row["excess_cents"]))
        out.append(
            Found(
                "denials",
                partial(_denials_told, facts, row, number),
                claims.assign(cents=spread(weights, cents)),
                ", ".join(scope(row)),
            )
        )
    return out


def _denials_told(facts: MonthFacts, row: Mapping[str, Any], number: int, claims: pd.DataFrame) -> Action:
    subject = facts.subject
    what, owner = PREVENTION.get(stages().get(row["category"], ""), ("", ""))
    place = row["location"] or person(row["provider"])
    head = what or f"Find the cause of {words_of(row['category'])} denials with the payer"
    is_asked = bool(what) and owner not in OURS
    payer = f" by {subject.payer_name(row['payer'])}" if row["payer"] else ""
    usual, now = as_text(row["usual_rate"], "rate"), as_text(row["rate_since_onset"], "rate")
    cents, still = added(claims), int((claims["still"] > 0).sum())
    who = f"{place} lead" if row["location"] else place or owner
    return Action(
        f"{place}: {head[:1].lower()}{head[1:]}" if place else head,
        f"{sentence(words_of(row['category']))} denials{payer} went from {usual} to {now} of the lines"
        f"{' there' if place else ''} since {day_text(row['onset_on'])}",
        who if is_asked else owner or ours(subject),
        due(subject, FOLLOW_UP_DAYS),
        f"{sentence(words_of(row['category']))} denials, {scope_words(facts, row)}. {life_words(row)} "
        f"{rate_words(row)}: {counted(int(row['denied']), 'denied line')}, {as_text(row['excess'], 'count')} more than "
        f"expected; {counted(still, 'claim is', 'claims are')} still open to rework. Dollars are {CONTRACT}.",
        severity_of(cents, subject),
        CONTRACT,
        f"systemic_denials, no. {number}",
        is_asked,
    )


def _edit_told(facts: MonthFacts, row: Mapping[str, Any], number: int, _: pd.DataFrame) -> Action:
    """A service that a payer has come to bundle into another one that it pays on the same claim."""
    why = (
        f"{life_words(row)} {rate_words(row)}, nearly all beside a paid line of the same claim. So works a published "
        "edit, which is lawful"
    )
    return Action(
        f"New bundling edit: {scope_words(facts, row)}",
        why,
        CODERS,
        due(facts.subject, PROCESS_DAYS),
        f"{why}: look it up, add a modifier where the services were distinct, and appeal only what no edit covers.",
        "low",
        sheet=f"systemic_denials, no. {number}",
    )


def standing(facts: MonthFacts) -> list[Found]:
    """Denials that are no rise, because there were always more of them than at the peers."""
    return [
        Found(
            "standing",
            partial(_standing_told, facts, row),
            key=f"{row['category']}, {row['name']}",
            cents=int(row["excess_cents"]),
        )
        for row in facts.standing.to_dict("records")
    ]


def _standing_told(facts: MonthFacts, row: Mapping[str, Any], _: pd.DataFrame) -> Action:
    what, owner = PREVENTION.get(
        stages().get(row["category"], ""), ("Find the cause with the payer", ours(facts.subject))
    )
    name = facts.subject.payer_name(row["name"]) if row["level"] == "payer" else row["name"]
    why = (
        f"No rise: {as_text(row['ratio'], 'number')} times as often as the others with the same work, all year: "
        f"{as_text(row['rate'], 'rate')} of {counted(int(row['claims']), 'claim')} against "
        f"{as_text(row['peers_rate'], 'rate')}"
    )
    return Action(
        f"Always more {words_of(row['category'])} denials than at its peers: {name}",
        why,
        owner,
        due(facts.subject, PROCESS_DAYS),
        f"{why}. {what}. Dollars are what the denied lines beyond the others' rate would have been allowed in twelve "
        "months.",
        severity_of(int(row["excess_cents"]), facts.subject),
    )


def ended(facts: MonthFacts) -> list[Found]:
    """Denials beyond the usual that are over: told once more, so that nobody has to ask what became of them."""
    rows = facts.denial_lives
    return [
        Found("denials_over", partial(_ended_told, facts, row), key=", ".join(scope(row)))
        for row in rows[rows["is_over"]].to_dict("records")
    ]


def scope(row: Mapping[str, Any]) -> list[str]:
    """What a cause of denials is about: the parts of its name."""
    parts = [row["category"], row["payer"], row["procedures"], row["provider"], row["location"]]
    return [str(part) for part in parts if part]


def _ended_told(facts: MonthFacts, row: Mapping[str, Any], _: pd.DataFrame) -> Action:
    over = f"Ended about {as_text(row['ended_on'], 'date')}; began around {as_text(row['onset_on'], 'date')}"
    return Action(
        f"Over: {words_of(row['category'])} denials, {scope_words(facts, row)}",
        over,
        ours(facts.subject),
        due(facts.subject, PROCESS_DAYS),
        f"{over}, first told in {month_words(row['first_told'])}. In between "
        f"{as_text(row['rate_since_onset'], 'rate')} of the lines were denied, {as_text(row['excess'], 'count')} more "
        f"than expected, {as_text(int(row['excess_cents']), 'usd')} of allowed amounts; what is still open is on the "
        "worklist.",
        "low",
    )


def life_words(row: Mapping[str, Any]) -> str:
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


def rate_words(row: Mapping[str, Any]) -> str:
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


def scope_words(facts: MonthFacts, row: Mapping[str, Any]) -> str:
    """Where a systemic denial happens, in words."""
    parts = [
        facts.subject.payer_name(row["payer"]) if row["payer"] else "",
        f"code {row['procedures']}"
        if row["procedures"] and len(row["codes"]) == 1
        else f"codes of {row['procedures']}"
        if row["procedures"]
        else "",
        person(row["provider"]),
        row["location"],
    ]
    return ", ".join(part for part in parts if part) or "all payers and places"


def underpayments(facts: MonthFacts) -> list[Found]:
    """Each payer that allows too little again and again."""
    if facts.underpayments.empty:
        return []
    low = low_lines(facts.priced, as_of=facts.as_of)
    out = []
    for payer, rows in facts.underpayments.groupby("payer"):
        rows = rows.sort_values("short_cents", ascending=False)
        own = low[low["is_low"]].merge(rows[["payer", "procedure", "onset_on"]], on=["payer", "procedure"])
        own = own[own["received_on"] >= own["onset_on"]]
        claims = own.groupby("claim_id", as_index=False).agg(cents=("short_cents", "sum"))
        out.append(Found("underpaid", partial(_underpayments_told, facts, str(payer), rows), claims, str(payer)))
    return out


def _underpayments_told(facts: MonthFacts, payer: str, rows: pd.DataFrame, claims: pd.DataFrame) -> Action:
    share = " to ".join(
        dict.fromkeys(as_text(edge, "rate") for edge in (rows["short_share"].min(), rows["short_share"].max()))
    )
    is_contract = (rows["basis"] == "contract").all()
    against = "its contract" if is_contract else "what it usually allowed (inferred, not its contract)"
    left = f"{as_text(int(rows['appealable_cents'].sum()), 'usd')} of it can still be appealed"
    left = left if rows[["appealable_cents", "lapsed_cents"]].to_numpy().any() else sentence(NO_DAY)
    why = f"{share} less than {against}, since {as_text(rows['onset_on'].min(), 'date')}"
    return Action(
        f"Claim back what {facts.subject.payer_name(payer)} allowed too little for {_codes(rows['procedure'])}",
        f"{why}, on {counted(len(claims), 'claim')}",
        ours(facts.subject),
        earlier(facts.subject, FOLLOW_UP_DAYS, rows["appeal_by"].min()),
        f"{why}, on {counted(int(rows['short_lines'].sum()), 'line')}. {left}. "
        f"Confidence: {comma_list(sorted(set(rows['confidence'])))}.",
        severity_of(added(claims), facts.subject),
        SHORT if is_contract else "allowed less than usual",
        "underpayments",
    )


NO_DAY = "no day to appeal is on file"


def _until(first: Any) -> str:
    return NO_DAY if pd.isna(first) else f"the first can be disputed until {as_text(first, 'date')}"


def recodes(facts: MonthFacts) -> list[Found]:
    """Each payer that decides another code or fewer units than billed, as far as that can still be disputed."""
    rows = facts.recoded_lines
    rows = rows[(rows["is_appealable"] | rows["appeal_by"].isna()) & (rows["lost_cents"] > 0)]
    return [
        Found("recoded", partial(_recodes_told, facts, str(payer), part), _lost(part), str(payer))
        for payer, part in rows.groupby("payer")
    ]


def _lost(lines: pd.DataFrame, cents: str = "lost_cents") -> pd.DataFrame:
    return lines.groupby("claim_id", as_index=False).agg(cents=(cents, "sum"))


def _recodes_told(facts: MonthFacts, payer: str, lines: pd.DataFrame, claims: pd.DataFrame) -> Action:
    lines = lines[lines["claim_id"].isin(claims["claim_id"])]
    pairs = (lines["procedure"] + " as " + lines["decided_procedure"]).where(
        lines["procedure"] != lines["decided_procedure"], lines["procedure"] + " with fewer units"
    )
    first = lines["appeal_by"].min()
    why = (
        f"{counted(len(claims), 'claim was', 'claims were')} decided otherwise than billed: {_codes(pairs)}; "
        f"{_until(first)}"
    )
    inferred = "" if (lines["basis"] == "contract").all() else " Some prices are inferred from what it usually allows."
    return Action(
        f"Dispute what {facts.subject.payer_name(payer)} recoded or cut",
        why,
        CODERS,
        earlier(facts.subject, FOLLOW_UP_DAYS, first),
        f"{why}. Send the full note with the basis of the level (time, or medical decision making) and all diagnoses "
        f"addressed; where the note does not support the level, correct the coding instead.{inferred}",
        severity_of(added(claims), facts.subject),
        RECODED,
        "recoded_lines",
    )


def takebacks(facts: MonthFacts) -> list[Found]:
    """Each payer that took money back, as far as that can still be disputed."""
    rows = facts.takebacks
    rows = rows.assign(lost_cents=rows["amount_cents"] - rows["repaid_cents"])
    is_open = rows["is_disputable"] | rows["dispute_by"].isna()
    rows = rows[is_open & (rows["lost_cents"] > 0) & (rows["claim_id"] != "")]
    return [
        Found("taken_back", partial(_takebacks_told, facts, str(payer), part), _lost(part), str(payer))
        for payer, part in rows.groupby("payer")
    ]


def _takebacks_told(facts: MonthFacts, payer: str, rows: pd.DataFrame, claims: pd.DataFrame) -> Action:
    rows = rows[rows["claim_id"].isin(claims["claim_id"])]
    first, to_come = rows["dispute_by"].min(), int(rows["to_come_cents"].sum())
    why = f"Money of {counted(len(claims), 'claim')} was taken back and not paid again; {_until(first)}"
    left = f" {as_text(to_come, 'usd')} of it is in no check yet." if to_come else ""
    return Action(
        f"Check, and dispute where it is wrong, what {facts.subject.payer_name(payer)} took back",
        why,
        ours(facts.subject),
        earlier(facts.subject, FOLLOW_UP_DAYS, first),
        f"{why}.{left} Hold each against the payer's reason and its time limit to take money back; bill another payer "
        "where one was responsible.",
        "low" if severity_of(added(claims), facts.subject) == "low" else "medium",
        TAKEN_BACK,
        "takeback_list",
    )


def interest(facts: MonthFacts) -> list[Found]:
    """Each payer that owes interest by law for clean claims it paid late, where it is worth a letter."""
    rows = facts.late_payments
    rows = rows[(rows["standing"] == OWED) & (rows["missing_cents"] > 0)]
    return [
        Found("interest", partial(_interest_told, facts, str(payer)), _lost(part, "missing_cents"), str(payer))
        for payer, part in rows.groupby("payer")
        if part["missing_cents"].sum() >= WORTH_A_LETTER
    ]


def _interest_told(facts: MonthFacts, payer: str, claims: pd.DataFrame) -> Action:
    why = f"{counted(len(claims), 'clean claim was', 'clean claims were')} paid after the days that the law allows"
    return Action(
        f"Ask {facts.subject.payer_name(payer)} for the interest it owes",
        why,
        ours(facts.subject),
        due(facts.subject, PROCESS_DAYS),
        f"{why}, without the interest due. Check that the plans are insured under the state's law before asking.",
        severity_of(added(claims), facts.subject),
        INTEREST,
        "late_payments",
    )


def _codes(codes: pd.Series, most: int = 4) -> str:
    names = list(dict.fromkeys(codes))
    return comma_list(names) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} other codes"


def prices(facts: MonthFacts) -> list[Found]:
    """New prices of the last three months: those of the fee schedule to know, those only seen to ask about."""
    found = facts.new_prices
    rows = found.assign(is_asked=(found["basis"] == "inferred") & (found["change_share"] < 0))
    out = []
    for (payer, is_asked), part in rows.groupby(["payer", "is_asked"]):
        kind, tell = ("price_or_short", _price_asked_told) if is_asked else ("new_prices", _prices_told)
        cents = -int(part["effect_cents"].sum()) if is_asked else None
        out.append(Found(kind, partial(tell, facts, str(payer), part), key=str(payer), cents=cents))
    return out


def _prices_told(facts: MonthFacts, payer: str, rows: pd.DataFrame, _: pd.DataFrame) -> Action:
    known = (
        "The fee schedule on file says so: these prices are agreed, and paying them is no underpayment"
        if (rows["basis"] == "contract").all()
        else "Seen in what it allows, not in a fee schedule: ask for the new contract"
    )
    return Action(
        f"Note the new prices of {facts.subject.payer_name(payer)}",
        _changed(rows),
        "practice manager",
        due(facts.subject, PROCESS_DAYS),
        f"{_changed(rows)}; {as_text(int(rows['effect_cents'].sum()), 'usd')} so far. {known}.",
        "low",
        sheet="new_prices",
    )


def _price_asked_told(facts: MonthFacts, payer: str, rows: pd.DataFrame, _: pd.DataFrame) -> Action:
    """A price that fell without a contract that says so: dollars, and until when they can be appealed."""
    cents, left = -int(rows["effect_cents"].sum()), int(rows["appealable_cents"].sum())
    first = rows["appeal_by"].min()
    until = (
        NO_DAY
        if pd.isna(first)
        else f"{as_text(left, 'usd')} can be appealed, the first of it until {as_text(first, 'date')}"
    )
    return Action(
        f"{facts.subject.payer_name(payer)}: new price or underpayment, ask for the contract",
        f"{_changed(rows)}, and no fee schedule on file says what was agreed",
        ours(facts.subject),
        earlier(facts.subject, FOLLOW_UP_DAYS, first),
        f"{_changed(rows)}; {as_text(cents, 'usd')} less on {counted(int(rows['lines'].sum()), 'line')}. No fee "
        f"schedule on file says what was agreed. If the contract did not change, this is an underpayment: {until}.",
        severity_of(cents, facts.subject),
        "allowed less than usual",
        "new_prices",
    )


def _changed(rows: pd.DataFrame) -> str:
    """How many codes changed, by how much and since when."""
    low, high = rows["change_share"].min(), rows["change_share"].max()
    move = (
        f"by {as_text(high, 'rate')}"
        if as_text(low, "rate") == as_text(high, "rate")
        else f"between {as_text(low, 'rate')} and {as_text(high, 'rate')}"
    )
    return (
        f"{counted(rows['procedure'].nunique(), 'code')} changed {move} from "
        f"{as_text(rows['changed_on'].min(), 'date')} on"
    )


def mixes(facts: MonthFacts) -> list[Found]:
    """Each overall figure that got worse by a change of mix, in whole or in part."""
    out = []
    for row in facts.mix_shifts.to_dict("records"):
        worse = row["change"] > 0 if row["figure"] == "denials" else row["change"] < 0
        if worse and row["verdict"] in ("mix", "both"):
            out.append(Found("mix", partial(_mix_told, facts, row), key=row["figure"]))
    return out


def _mix_told(facts: MonthFacts, row: Mapping[str, Any], _: pd.DataFrame) -> Action:
    name, moved, happens = MIX_WORDS[row["figure"]]
    usual, now, expected = (as_text(row[value], "rate") for value in ("usual", "now", "expected"))
    whole = row["verdict"] == "mix"
    said = (
        "No payer changed: there is nothing to appeal."
        if whole
        else "The rest is no change of mix: see the other findings."
    )
    why = (
        f"From {usual} to {now} in the last three months; the same payers and services at their usual rates would give "
        f"{expected}"
    )
    return Action(
        f"{sentence(name)} {moved} {'with' if whole else 'in part with'} the mix of payers and services",
        why,
        "practice manager",
        due(facts.subject, PROCESS_DAYS),
        f"{why}. {facts.subject.payer_name(row['payer'])}, {row['family']}, of which "
        f"{as_text(row['its_rate'], 'rate')} was usually {happens}, went from {as_text(row['share_before'], 'rate')} "
        f"to {as_text(row['share_now'], 'rate')} of the work. {said}",
        "low",
        sheet="mix",
    )


def late_entry(facts: MonthFacts) -> list[Found]:
    """Charges that are entered later than they used to be: their cash comes later."""
    out = []
    for row in facts.lag_creep.to_dict("records"):
        claims = late_entries(facts.tables, row, as_of=facts.as_of)
        if claims.empty:
            continue
        rows = claims.assign(cents=spread(claims["charge_cents"], int(round(row["late_cents"]))))
        out.append(Found("late_entry", partial(_late_entry_told, facts, row), rows, row["provider"] or row["location"]))
    return out


def _late_entry_told(facts: MonthFacts, row: Mapping[str, Any], claims: pd.DataFrame) -> Action:
    usual, now = as_text(row["usual_days"], "days"), as_text(row["days"], "days")
    since = day_text(row["onset_on"])
    return Action(
        f"{person(row['provider']) or row['location'] or 'The whole practice'}: enter charges sooner",
        f"From {since} on it takes {now} working days, before that {usual}",
        "practice manager",
        due(facts.subject, PROCESS_DAYS),
        f"From {since} on it takes {now} working days from the service to the charge, "
        f"{as_text(row['days_last_month'], 'days')} of late; before it was {usual}. Charges entered later than usual "
        "are shown: their cash comes later.",
        severity_of(added(claims), facts.subject),
        DELAYED,
        "process_changes",
        True,
    )


def silent_days(facts: MonthFacts) -> list[Found]:
    """Days on which no claim left though some were waiting."""
    out = []
    for row in facts.outages.to_dict("records"):
        claims = claims_held_up(facts.tables, row, as_of=facts.as_of).rename(columns={"charge_cents": "cents"})
        rows = claims if len(claims) else None
        key = " ".join(filter(None, [f"{row['onset_on']:%Y-%m-%d}", row["payer"]]))
        out.append(Found("silent_days", partial(_silence_told, facts, row), rows, key))
    return out


def _silence_told(facts: MonthFacts, row: Mapping[str, Any], claims: pd.DataFrame) -> Action:
    over = row["is_over"]
    end = f"claims left again on {as_text(row['resumed_on'], 'date')}" if over else "and none has left since"
    first, last = as_text(row["onset_on"], "date"), as_text(row["last_on"], "date")
    to = f" to {facts.subject.payer_name(row['payer'])}" if row["payer"] else ""
    why = f"No claim left{to} from {first} to {last}; {counted(int(row['claims']), 'claim was', 'claims were')} waiting"
    return Action(
        f"Check that the claims{to} of {first} to {last} were accepted",
        why,
        BILLERS,
        due(facts.subject, FOLLOW_UP_DAYS),
        f"{why}; {end}. Ask the clearinghouse for its report of these days and check that each claim was accepted. "
        "Charges are shown.",
        "low" if over else "high",
        DELAYED,
        "process_changes",
    )
