"""Self-pay and care coordination: balances against EOBs, breaches of policy, and contacts that nobody billed.

Each analysis looks once, on the last day. What a monthly report would have seen is told by the day on which
a finding began: these findings need no later month to be made.
"""

from __future__ import annotations

import pandas as pd
import polars as pl

from ...measures.self_pay.eob import eob_check
from ...measures.self_pay.policy import estimate_differences, policy_breaches, scope_guard
from ...models.coordination.unbilled import one_day_contacts, unbilled_contacts
from ...models.coordination.waits import stopped_steps
from ..case import Case
from ..record import PRECISION, RECALL, Tally
from ..scoring import Alarm, PlantedProblem, Watch, sought

BILLED_DENIALS = ("patient_billed_for_denials", "denial_billed")
MISMATCHES = (
    "share_not_transferred",
    "share_written_off",
    "posting_swap",
    "takeback_not_followed",
    "statement_before_remit",
    *BILLED_DENIALS,
)
RULE_OF = {
    "calls_outside_window": "call_window",
    "call_after_conversation": "days_after_conversation",
    "missing_disclosure": "disclosure_given",
    "retry_after_hard_decline": "retry_after_hard_decline",
    "worked_during_application": "worked_while_open",
    "out_of_scope": "scope",
    "estimate_exceeded": "estimate",
}
"""Planted kinds that are found record by record."""
RULE_OF_ACCOUNT = {
    "too_many_calls": "calls_in_seven_days",
    "too_many_retries": "card_retries_in_thirty_days",
    "unapproved_write_offs": "write_off_approval",
}
"""Planted kinds that are found on an account: no single record of it is the one too many."""
NOT_PLANTED = ("dispute_days", "assistance_days", "itemised_days")
"""Requests are settled late in every simulated programme, as in life; only their golden cases judge these rules."""
ID_OF = {"statements": "statement_id", "interactions": "interaction_id", "payment_attempts": "attempt_id"}


def mismatches(case: Case) -> list[Tally]:
    """`eob_check`: claims that do not follow their EOB, claim by claim; information is no alarm."""
    rows = eob_check(case.known, as_of=case.period.last_day)
    planted = set(_accounts(case, _rows(case, *MISMATCHES)))
    found = set(rows.loc[~rows["is_information"], "claim_id"])
    return _exact("EOB mismatches", planted, found, found & planted) + _billed_denials(
        case, rows[rows["rule"] == "co_billed"]
    )


def _billed_denials(case: Case, rows: pd.DataFrame) -> list[Tally]:
    """The claims billed against CO: one alarm for each month in which any began."""
    months = rows.groupby(rows["since_on"].dt.to_period("M"))["difference_cents"].sum()
    alarms = [Alarm(case.client, month.end_time.date(), cents=int(cents)) for month, cents in months.items()]
    planted = case.problems(*BILLED_DENIALS)
    if planted:
        planted = [
            PlantedProblem(
                case.client, min(one.starts_on for one in planted), None, {}, sum(one.cents for one in planted)
            )
        ]
    return sought("patient balances billed against CO", planted, alarms, _watch(case, not planted))


def breaches(case: Case) -> list[Tally]:
    """`policy_breaches`: breaches of the rules that were planted, of the scope, and bills above their estimates."""
    if _is_empty(case, "self_pay_policies"):
        return []
    period = case.period
    rows = policy_breaches(case.known, period=period)
    rows = rows[~rows["rule"].isin(NOT_PLANTED)]
    scope, bills = (look(case.known, period=period) for look in (scope_guard, estimate_differences))
    found = [*rows[["rule", "record_id", "claim_id"]].itertuples(index=False, name=None)]
    found += [("scope", row.change_id, row.claim_id) for row in scope.itertuples()]
    found += [("estimate", row.estimate_id, row.claim_id) for row in bills.itertuples()]
    return _judged(case, found)


def _judged(case: Case, found: list[tuple[str, str, str]]) -> list[Tally]:
    """A planted record that breaks a second rule too is no false alarm: it was planted to break one."""
    records = {kind: set(_rows(case, kind)["claim_id"]) for kind in (*RULE_OF, *RULE_OF_ACCOUNT)}
    planted = {(rule, record) for kind, rule in RULE_OF.items() for record in records[kind]}
    accounts = {(rule, claim) for kind, rule in RULE_OF_ACCOUNT.items() for claim in _accounts(case, _rows(case, kind))}
    named = {record for some in records.values() for record in some}
    true = {one for one in found if one[1] in named or (one[0], one[2]) in accounts}
    hit = planted & {(rule, record) for rule, record, _ in found} | accounts & {
        (rule, claim) for rule, _, claim in found
    }
    return _exact("policy breaches", planted | accounts, set(found), true, hit)


def _exact(name: str, planted: set, found: set, true: set, hit: set | None = None) -> list[Tally]:
    tallies = [Tally(name, RECALL, len(true if hit is None else hit), len(planted))] if planted else []
    return tallies + ([Tally(name, PRECISION, len(true), len(found))] if found else [])


CARE_LOOKS = (
    ("contacts not billed", "contacts_not_billed", unbilled_contacts, "coordinator", "excess_cents"),
    ("services on one day", "services_on_one_day", one_day_contacts, "coordinator", "excess_cents"),
    ("leads that stopped paying on", "lead_stops_paying_on", stopped_steps, "who", "amount_cents"),
)
"""What is told, the planted kind, the analysis, and its columns of whom and of cents."""


def contacts(case: Case) -> list[Tally]:
    """`unbilled_contacts`, `one_day_contacts`, `stopped_steps`: one alarm a coordinator or lead Health Home."""
    if _is_empty(case, "billing_support"):
        return []
    tallies: list[Tally] = []
    for told, kind, look, who, cents in CARE_LOOKS:
        found = look(case.known, as_of=case.period.last_day).to_dict("records")
        alarms = [Alarm(case.client, case.period.last_day, {"provider": row[who]}, int(row[cents])) for row in found]
        planted = case.problems(kind)
        if planted or alarms or kind == "contacts_not_billed":
            tallies += sought(told, planted, alarms, _watch(case, not planted))
    return tallies


def _is_empty(case: Case, table: str) -> bool:
    return case.known[table].select(pl.len()).collect().item() == 0


def _watch(case: Case, is_quiet: bool) -> Watch:
    return Watch(case.client, case.period.first_day, case.period.last_day, is_quiet)


def _rows(case: Case, *kinds: str) -> pl.DataFrame:
    """What planted items of these kinds touched: the record or claim, and the day on which it shows."""
    mine = case.plant_rows(*kinds).select("plant")
    rows = case.truth.rows.join(mine, on="plant", how="semi")
    return rows.filter(pl.col("known_on") <= case.period.last_day)


def _accounts(case: Case, rows: pl.DataFrame) -> list[str]:
    """The claims of the rows, which name a claim, a statement, a contact or an attempt."""
    names: dict[str, str] = {}
    for table, key in ID_OF.items():
        names |= dict(case.known[table].select(key, "claim_id").collect().iter_rows())
    return sorted({names.get(name, name) for name in rows["claim_id"].to_list()})


SCORERS = (mismatches, breaches, contacts)
