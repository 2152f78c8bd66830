"""Page two of a care-coordination review: stages, steps, referrals, team, denials, cash to come, plan; the workbook."""

from __future__ import annotations

import pandas as pd

from ...blocks.vocabulary import Table
from ...measures.coordination.stages import STAGES
from ..blocks import Block, for_the_workbook, note, two_by_two
from ..client_review.definitions import glossary_of
from ..formats import as_text, sentence, words_of
from ..pages import page
from ..tables import Shown, narrowed, show
from .answers import asks
from .facts import MONTHS, Facts
from .findings import STEP_WORDS

COVER = {"layout": "brief"}
MEASURES = (
    "referral_quality",
    "not_engaged",
    "months_by_stage",
    "months_given",
    "contacts_not_billed",
    "coordinator_results",
    "care_denials",
)
STAGE_WORDS = {
    "not_given": "contacts did not meet the rule",
    "not_billed": "given and never billed",
    "not_opened": "not opened for billing yet",
    "denied": "denied",
    "paid": "reached us",
    "taken_back": "taken back",
    **{stage: f"given; {words}" if stage in ("given", "documented") else words for stage, words in STEP_WORDS.items()},
}

STEP_ENDS = {
    "given": "Questionnaire completed",
    "documented": "Uploaded by us",
    "uploaded": "Billed by the lead Health Home",
    "lead_billed": "Answered by the payer",
    "paid_to_lead": "Passed on to us",
}


@page
def behind(facts: Facts) -> list[Block]:
    """Where the months stand, how fast they move, who refers, what the team does, what is denied, what is to come."""
    if facts.every_month.empty and facts.sources.empty:
        return []
    whole = denied(facts)
    why = narrowed(whole, ["denial_reason", "denied", "open_cents"], definition=whole.definition)
    pair = two_by_two(table for table in (stages(facts), why) if table.rows)
    wide = [table for table in (steps(facts), sources(facts), team(facts), ahead(facts)) if table.rows]
    return [*pair, *wide, *_plan(facts)]


@page
def in_the_workbook(facts: Facts) -> list[Block]:
    """Everything else that the review knows, in the workbook alone; no list of members."""
    plan = facts.plan.blocks() if facts.plan else []
    if facts.every_month.empty:
        return for_the_workbook([glossary_of(MEASURES)])
    every = [denied(facts), by_month(facts), levels(facts), everything_asked(facts), *plan, glossary_of(MEASURES)]
    return for_the_workbook([block for block in every if not isinstance(block, Table) or block.rows])


def stages(facts: Facts) -> Table:
    """The twelve months' member-months by stage, with their total."""
    rows = facts.months.groupby("stage").agg(member_months=("stage", "size"), amount_cents=("gross_cents", "sum"))
    rows = rows.reindex([stage for stage in STAGES if stage in rows.index]).reset_index()
    rows = pd.concat(
        [rows, pd.DataFrame([{"stage": "total"} | rows[["member_months", "amount_cents"]].sum().to_dict()])],
        ignore_index=True,
    )
    rows["stage"] = [sentence(STAGE_WORDS.get(stage, stage)) for stage in rows["stage"]]
    return show(
        rows if len(rows) > 1 else rows.iloc[:0],
        [
            Shown("stage", "Where they stand"),
            Shown("member_months", "Months", "count"),
            Shown("amount_cents", "Dollars", "usd"),
        ],
        name="months_by_stage",
        title="Member-months by stage",
        emphasis=[len(rows) - 1] if len(rows) > 1 else [],
        definition=f"The {MONTHS} months to {facts.subject.period.title}, before fees.",
    )


def steps(facts: Facts) -> Table:
    """How long each step takes, what waits there, and what of it is late."""
    waits = facts.step_waits[facts.step_waits["who"] == "(all)"]
    way = facts.on_their_way
    sums = way.groupby("stage").agg(waiting=("stage", "size"), cents=("amount_cents", "sum"))
    late = way[way["is_late"]].groupby("stage")["amount_cents"].sum().rename("late_cents")
    rows = waits.merge(sums, on="stage", how="left").merge(late, on="stage", how="left")
    rows = rows.fillna({"waiting": 0, "cents": 0, "late_cents": 0}).astype({"cents": "int64", "late_cents": "int64"})
    rows["stage"] = [STEP_ENDS[stage] for stage in rows["stage"]]
    return show(
        rows,
        [
            Shown("stage", "Step"),
            Shown("usual_days", "Usual days", "days"),
            Shown("late_days", "Nine in ten", "days"),
            Shown("waiting", "Waiting", "count"),
            Shown("cents", "Dollars", "usd"),
            Shown("late_cents", "Late", "usd"),
        ],
        name="steps",
        title="How long each step takes",
        definition="Measured on the last year's months, those still waiting included; late: beyond nine in ten, by "
        "the payer's or lead's own days.",
    )


def sources(facts: Facts) -> Table:
    """Referrals of twelve months by who sent them."""
    rows = facts.sources.sort_values("referrals", ascending=False)
    rows = rows.assign(source=[sentence(words_of(source)) for source in rows["source"]])
    return show(
        rows,
        [
            Shown("source", "Referred by"),
            Shown("referrals", "Referrals", "count"),
            Shown("eligible_share", "Eligible", "rate"),
            Shown("enrolled_share", "Of these enrolled", "rate"),
            Shown("kept_share", "Kept 90 days", "rate"),
            Shown("rate_cents", "Rate a month", "usd"),
        ],
        name="referral_quality",
        title="Referrals and their quality",
        definition=f"Referred in the {MONTHS} months to {facts.subject.period.title}; the latest are still worked. "
        "Rate: mean published rate of the first level.",
    )


def team(facts: Facts) -> Table:
    """Coordinators, fair to the acuity of their members."""
    months = facts.team_span.months()
    rows = facts.team.sort_values("unit_index", ascending=False, na_position="last")
    return show(
        rows,
        [
            Shown("coordinator", "Coordinator"),
            Shown("members", "Members", "count"),
            Shown("contacts_per_month", "Contacts a member", "number"),
            Shown("contact_index", "Of expected", "rate"),
            Shown("unit_rate", "Months billed", "rate"),
            Shown("unit_index", "Of expected", "rate"),
            Shown("not_billed_cents", "Given, not billed", "usd"),
        ],
        name="coordinator_results",
        title="The team",
        definition=f"{as_text(months[0].label, 'month')} to {as_text(months[-1].label, 'month')}. Expected: what "
        "members of the same acuity take in the whole program.",
    )


def denied(facts: Facts) -> Table:
    """Denied bills of twelve months by reason, with their total."""
    rows = facts.denials(("denial_reason",))
    rows = rows[rows["denied"] > 0].sort_values("denied_cents", ascending=False)
    rows = rows.assign(denial_reason=[sentence(words_of(str(reason))) for reason in rows["denial_reason"]])
    counts = ["denied", "billed_again", "denied_cents", "open_cents"]
    if len(rows):
        total = pd.DataFrame([{"denial_reason": "Total"} | rows[counts].sum().to_dict()])
        rows = pd.concat([rows, total], ignore_index=True)
    return show(
        rows,
        [
            Shown("denial_reason", "Denied because"),
            Shown("denied", "Bills", "count"),
            Shown("billed_again", "Billed again", "count"),
            Shown("denied_cents", "Denied", "usd"),
            Shown("open_cents", "Not billed again", "usd"),
        ],
        name="care_denials",
        title="Denied by payers",
        emphasis=[len(rows) - 1] if len(rows) else [],
        definition=f"Bills decided in the {MONTHS} months to {facts.subject.period.title}.",
    )


def ahead(facts: Facts) -> Table:
    """The cash of the next months by where it comes from."""
    return show(
        facts.outlook,
        [
            Shown("month", "Month", "month"),
            Shown("billed_cents", "Billed already", "usd"),
            Shown("to_bill_cents", "To be billed", "usd"),
            Shown("to_come_cents", "Months to come", "usd"),
            Shown("taken_back_cents", "Taken back", "usd"),
            Shown("cash_cents", "Cash", "usd"),
        ],
        name="programme_outlook",
        title="Cash to come",
        definition="At the pace measured, with this month's members in every month to come, after the lead's fee.",
    )


def _plan(facts: Facts) -> list[Block]:
    """The difference from the plan, by what made it."""
    if facts.plan_refused:
        return [
            note(f"The plan on file cannot be used, so results stand beside none. {facts.plan_refused}", tone="warning")
        ]
    if facts.plan is None:
        return []
    table = next(block.table for block in facts.plan.split() if hasattr(block, "table"))
    return [narrowed(table, ["words", "revenue_cents", "cash_cents"], definition=table.definition)]


def by_month(facts: Facts) -> Table:
    """Every month's member-months by stage."""
    rows = facts.every_month.groupby(["month", "stage"]).size().unstack(fill_value=0)
    rows = (
        rows[[stage for stage in STAGES if stage in rows]].assign(total=lambda found: found.sum(axis=1)).reset_index()
    )
    return show(
        rows,
        [
            Shown("month", "Month", "month"),
            *(Shown(name, sentence(STAGE_WORDS[name]), "count") for name in rows.columns if name in STAGE_WORDS),
            Shown("total", "All", "count"),
        ],
        name="stages_by_month",
        title="Member-months by stage, month by month",
        definition="By month of service; each enrolled member and month once.",
        print_it=False,
    )


def levels(facts: Facts) -> Table:
    """Members and contacts by level and month."""
    rows = facts.every_month.groupby(["month", "level"], as_index=False).agg(
        member_months=("stage", "size"),
        contacts=("contacts", "sum"),
        units=("units", "sum"),
        cents=("gross_cents", "sum"),
    )
    rows = rows.assign(level=[sentence(words_of(level)) for level in rows["level"]])
    return show(
        rows,
        [
            Shown("month", "Month", "month"),
            Shown("level", "Acuity"),
            Shown("member_months", "Members", "count"),
            Shown("contacts", "Contacts", "count"),
            Shown("units", "Months billed", "count"),
            Shown("cents", "At their rates", "usd"),
        ],
        name="acuity_by_month",
        title="Acuity by month",
        definition="By month of service; contacts that reached somebody; dollars before fees.",
        print_it=False,
    )


def everything_asked(facts: Facts) -> Table:
    """All that is to be decided and done, also what did not fit on page one."""
    columns = ["title", "why", "amount_cents", "owner", "due"]
    rows = pd.DataFrame([{name: getattr(one, name) for name in columns} for one in asks(facts)], columns=columns)
    return show(
        rows.assign(due=pd.to_datetime(rows["due"])),
        [
            Shown("title", "What"),
            Shown("why", "Why"),
            Shown("amount_cents", "Dollars", "usd"),
            Shown("owner", "Who"),
            Shown("due", "By", "date"),
        ],
        name="all_asks",
        title="What to decide and do, all of it",
        definition="By dollars; one month may stand in two lines.",
        print_it=False,
    )
