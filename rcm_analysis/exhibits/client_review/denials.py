"""The denial pages of a client review: the rate by month, the reasons with dollars, what hides elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from ...blocks.vocabulary import Table
from ...ledger.ratios import ratio
from ...measures.denials import reasons
from ...measures.denials.rates import initial_denial_rate_claims_remitted
from ...measures.denials.recovery import denial_recovery
from ...models.drivers.explained import why
from .. import figures
from ..blocks import Block, for_the_workbook, note
from ..formats import as_text, comma_list, counted, sentence, words_of
from ..incomplete import untold
from ..pages import page
from ..register.events import denial_events
from ..register.why import why_blocks
from ..subject import Subject
from ..tables import Shown, show, with_total
from .behind import amounts_behind, denied_claims

RATE = "Initial denial rate (claims denied by their first decision, of claims first decided in the month)"
RECENT = 3
"""Months of denials in which payers have mostly not answered an appeal yet."""

FEW = 30
"""Claims decided below which a rate moves visibly by one claim more or less: a line of such months shows chance."""
BASIS = "First decisions by the day the remittance arrived"


@page
def denials(subject: Subject) -> list[Block]:
    """Trend, categories, payers, and denials in disguise."""
    trend = reasons.denial_trend(subject.tables, period=subject.period.trailing(13))
    trend = trend[trend["remitted_claims"].gt(0).cummax()].reset_index(drop=True)
    if trend.empty:
        none = (
            f"No payer decision arrived in the thirteen months to {subject.period.title}, so there is no denial rate."
        )
        return [figures.nothing_to_draw(untold(subject, "What payers denied", "remit_claims") or none)]
    return [
        *_trend(subject, trend),
        *_why(subject, trend),
        *_recovery(subject),
        *_categories(subject),
        *_by_payer(subject),
        *_disguised(subject),
        *_unmapped(subject),
    ]


def _trend(subject: Subject, trend: pd.DataFrame) -> list[Block]:
    columns = [
        Shown("month", "Month", "month"),
        Shown("remitted_claims", "Claims decided", "count"),
        Shown("denied_claims", "Denied", "count"),
        Shown("denial_rate", "Rate", "rate"),
        Shown("denied_cents", "Dollars denied", "usd"),
        Shown("duplicate_remits", "Refused as duplicate", "count"),
    ]
    words: dict[str, Any] = {
        "name": "denial_trend",
        "title": "Initial denials by month",
        "definition": f"{BASIS}; US dollars of charges. {RATE}.",
        "notes": ["Refusals as a duplicate are counted apart and are in no rate."]
        if trend["duplicate_remits"].any()
        else [],
    }
    if len(trend) < 3:
        return [show(trend, columns, **words)]
    events = denial_events(subject, since=trend["month"].iloc[0])
    days = [one.day for one in events]
    finding = _trend_sentence(subject, trend) + figures.marked(events)
    if trend["remitted_claims"].median() < FEW:
        return [note(finding), *for_the_workbook([show(trend, columns, **words)])]
    axes = figures.plot_months(trend, figures.new_axes(1.7), series={"denial_rate": "Denied"}, unit="rate", events=days)
    return [
        figures.figure_block(
            axes,
            name="denial_chart",
            title=f"Initial denial rate by month, {subject.client.name} (share of claims decided, day of remittance)",
            alt=f"Line chart of the initial denial rate for {counted(len(trend), 'month')} to "
            f"{subject.period.title}. {finding}",
            finding=finding,
            table=show(trend, columns, **words),
        )
    ]


def _trend_sentence(subject: Subject, trend: pd.DataFrame) -> str:
    now, before = trend.iloc[-1], trend.iloc[:-1]
    if pd.Timestamp(subject.period.first_day) != now["month"] or not now["remitted_claims"]:
        return f"No payer decision arrived in {subject.period.title}."
    if not now["denied_claims"]:
        return f"No denials were posted in {subject.period.title}: {_all_passed(int(now['remitted_claims']))}."
    usual = initial_denial_rate_claims_remitted(subject.tables, period=subject.period.shift(-1).trailing(12)).iloc[0]
    text = (
        f"{counted(int(now['denied_claims']), 'claim')} of {as_text(int(now['remitted_claims']), 'count')} "
        f"decided in {subject.period.title} "
        f"{'was' if now['denied_claims'] == 1 else 'were'} denied at first "
        f"({as_text(now['denial_rate'], 'rate')}), {as_text(int(now['denied_cents']), 'usd')} of charges"
    )
    if not before["remitted_claims"].sum():
        return f"{text}."
    earlier = "in the month before" if len(before) == 1 else f"over the {counted(min(len(before), 12), 'month')} before"
    claims = counted(int(usual["remitted_claims"]), "claim")
    return f"{text}; {earlier} it was {as_text(usual.iloc[-1], 'rate')} of {claims}."


def _all_passed(claims: int) -> str:
    return "the one decided claim passed" if claims == 1 else f"all {counted(claims, 'decided claim')} passed"


def _why(subject: Subject, trend: pd.DataFrame) -> list[Block]:
    """What moved denied charges between the last two quarters, once there are two."""
    if len(trend) < 2 * RECENT or not trend["denied_cents"].any():
        return []
    blocks = why_blocks(subject, why(subject.tables, "denied_charges", period=subject.period.trailing(RECENT)))
    return for_the_workbook(blocks)


def recovery_by_month(subject: Subject) -> pd.DataFrame:
    """Denied dollars by month and what was paid on them since; the last three months are marked as too recent."""
    span = subject.period.trailing(13)
    found = denial_recovery(subject.tables, period=span, as_of=subject.as_of, by=["month"])
    recent = pd.Timestamp(subject.period.shift(1 - RECENT).first_day)
    return found.assign(is_recent=pd.to_datetime(found["month"]) >= recent).reset_index(drop=True)


def _recovery(subject: Subject) -> list[Block]:
    found = recovery_by_month(subject)
    if len(found) <= RECENT:
        return [note("What came back of denied claims is shown once a month of denials is three months old.")]
    old = found[~found["is_recent"]]
    share = ratio(old["recovered_cents"].sum(), old["denied_cents"].sum())
    finding = (
        f"Of {as_text(int(old['denied_cents'].sum()), 'usd')} denied in the months that are at least three "
        f"months old, {as_text(int(old['recovered_cents'].sum()), 'usd')} "
        f"({as_text(share, 'rate')}) was paid later, on "
        f"{counted(int(old['recovered_claims'].sum()), 'claim')} of "
        f"{as_text(int(old['denied_claims'].sum()), 'count')}. "
        "The shaded months are too recent to judge."
    )
    events = [one.day for one in denial_events(subject, since=pd.Timestamp(found["month"].iloc[0]))]
    axes = figures.plot_months(
        found,
        figures.new_axes(1.9),
        series={"denial_recovery": "Paid later"},
        unit="rate",
        immature="is_recent",
        events=events,
    )
    payload = show(
        found,
        [
            Shown("month", "Month of denial", "month"),
            Shown("denied_claims", "Denied", "count"),
            Shown("denied_cents", "Dollars denied", "usd"),
            Shown("recovered_claims", "Claims paid since", "count"),
            Shown("recovered_cents", "Dollars paid since", "usd"),
            Shown("denial_recovery", "Share", "rate", marked="is_recent"),
        ],
        name="denial_recovery",
        title="What came back of denied dollars",
        definition=f"By the month of the first decision; payments to {subject.as_of_text}; "
        "US dollars, denied at charges and paid at the payer's rates, so that 100% is out of reach.",
        notes=["* Too recent to judge: payers have not answered yet."],
    )
    return [
        figures.figure_block(
            axes,
            name="denial_recovery_chart",
            title=f"Denied dollars paid later, by month of denial, {subject.client.name} (share, as of "
            f"{subject.as_of_text})",
            alt=f"Line chart of the share of denied dollars paid later. {finding}",
            finding=finding,
            table=payload,
        )
    ]


def _categories(subject: Subject) -> list[Block]:
    found = reasons.denial_reasons(subject.tables, period=subject.period.trailing(3), by=["category"])
    if found.empty:
        return [note(f"No denials arrived in the three months to {subject.period.title}.")]
    month = reasons.denial_reasons(subject.tables, period=subject.period, by=["category"]).set_index("category")
    found = found.sort_values(["denied_cents", "category"], ascending=[False, True], ignore_index=True)
    found["reason"] = [sentence(words_of(category)) for category in found["category"]]
    found["month_claims"] = found["category"].map(month["claims"]).fillna(0).astype("int64")
    found["month_cents"] = found["category"].map(month["denied_cents"]).fillna(0).astype("int64")
    table, emphasis = with_total(found, "reason", ["denied_cents", "month_cents"], values={"denied_share": 1.0})
    by_reason = show(
        table,
        [
            Shown("reason", "Reason"),
            Shown("claims", "Claims, three months", "count"),
            Shown("denied_cents", "Dollars, three months", "usd"),
            Shown("denied_share", "Share", "rate"),
            Shown("month_claims", f"Claims, {subject.month}", "count"),
            Shown("month_cents", f"Dollars, {subject.month}", "usd"),
        ],
        name="denial_reasons",
        title="Why claims were denied",
        emphasis=emphasis,
        definition=f"{BASIS}, three months to {subject.as_of_text}; US dollars of charges denied.",
        notes=[
            "A claim denied for two reasons stands under both, so claims are not added up; dollars are.",
            "Refusals as a duplicate stand here and are counted in no denial rate."
            if (found["category"] == "duplicate").any()
            else "",
        ],
    )
    top = found.iloc[0]
    finding = (
        f"{top['reason']} leads with {as_text(int(top['denied_cents']), 'usd')} "
        f"({as_text(top['denied_share'], 'rate')} of the dollars denied) "
        f"on {counted(int(top['claims']), 'claim')} in the three months to {subject.period.title}."
    )
    shown = found.head(8)
    axes = figures.plot_bars(
        shown, figures.new_axes(0.5 + 0.27 * len(shown)), label="reason", value="denied_cents", strong=[0]
    )
    return [
        figures.figure_block(
            axes,
            name="denial_reasons_chart",
            title="Dollars denied by reason, last three months (US dollars of charges, day of remittance)",
            alt=f"Bars of dollars denied by reason. {finding}",
            finding=finding,
        ),
        *_with_claims(subject, by_reason),
    ]


def _with_claims(subject: Subject, by_reason: Table) -> list[Block]:
    """The table of reasons with the claims behind each of its dollars."""
    claims = denied_claims(subject, subject.period.trailing(RECENT))
    linked = [
        one
        for column, when in (("denied_cents", "three months"), ("month_cents", subject.month))
        for one in amounts_behind(by_reason, claims, column, column, f"Denied at first, {when}", "reason")
    ]
    return [replace(by_reason, behind=tuple(linked)), claims]


def _by_payer(subject: Subject) -> list[Block]:
    found = reasons.denial_reasons(subject.tables, period=subject.period.trailing(3), by=["payer", "category", "carc"])
    if found.empty:
        return []
    found = subject.with_payer_names(
        found.sort_values(["denied_cents", "payer", "carc"], ascending=[False, True, True], ignore_index=True)
    )
    found["reason"] = [sentence(words_of(category)) for category in found["category"]]
    shown = found.head(12)
    columns = [
        Shown("payer", "Payer"),
        Shown("reason", "Reason"),
        Shown("carc", "Code"),
        Shown("claims", "Claims", "count"),
        Shown("denied_cents", "Dollars denied", "usd"),
        Shown("denied_share", "Share", "rate"),
    ]
    left = len(found) - len(shown)
    words: dict[str, Any] = {
        "definition": f"{BASIS}, three months to {subject.as_of_text}; US dollars of charges. Code: "
        f"claim adjustment reason code of the remittance."
    }
    blocks: list[Block] = [
        show(
            shown,
            columns,
            name="denials_by_payer",
            title="Denials by payer and reason",
            notes=[f"{counted(left, 'smaller line')} in the workbook only."] if left else [],
            **words,
        )
    ]
    if left:
        blocks.append(
            show(
                found,
                columns,
                name="denials_by_payer_all",
                title="Denials by payer and reason, all lines",
                print_it=False,
                **words,
            )
        )
    return blocks


def _disguised(subject: Subject) -> list[Block]:
    found = reasons.disguised_denials(subject.tables, period=subject.period.trailing(3))
    if found.empty:
        return []
    words: dict[str, Any] = {
        "whole_charge_discount": "the whole charge taken off as a contract discount",
        "posted_as_contractual": "a denial posted as a contract discount",
        "posted_under_discount_code": "an amount that the payer denied, posted under the code of a discount",
    }
    parts = [
        f"{words[row['kind']]}: {counted(int(row['claims']), 'claim')}, {as_text(int(row['amount_cents']), 'usd')}"
        for row in found.to_dict("records")
    ]
    return [
        note(
            f"Denials that do not look like denials, three months to {subject.as_of_text}: {comma_list(parts)}. They "
            f"are in no denial rate and should be reviewed.",
            tone="warning",
        )
    ]


def _unmapped(subject: Subject) -> list[Block]:
    found = reasons.unmapped_codes(subject.tables, period=subject.period.trailing(3))
    if found.empty:
        return []
    total = int(found["amount_cents"].sum())
    return [
        note(
            f"{counted(len(found), 'adjustment code')} not on our list ({comma_list(found['carc'].head(8))}) with "
            f"{as_text(total, 'usd')}: "
            "nobody has decided whether they are denials, so they count as none.",
            tone="warning",
        )
    ]
