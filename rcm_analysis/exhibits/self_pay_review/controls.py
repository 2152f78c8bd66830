"""The control pages of a self-pay review: balances, the policy, the scope guard, estimates, write-offs."""

from __future__ import annotations

import pandas as pd

from ...measures.self_pay.policy import policy_value
from ..blocks import Block, note
from ..formats import as_text, comma_list, counted, sentence, span, whole_dollars, words_of
from ..pages import page
from ..tables import Shown, show, with_total
from .facts import Facts

MOST = 8
RULE_WORDS = {
    "before_remit": "Billed before any payer answered",
    "before_secondary": "Billed before the next payer answered",
    "takeback": "Payer took its decision back after the bill",
    "posting_swap": "Discount and patient's share posted the wrong way round",
    "oa209_billed": "Billed although the payer forbids to bill the patient",
    "co_billed": "Discount or denial billed to the patient",
    "above_eob": "More than the payers left to the patient",
    "share_written_off": "Patient's share written off as the insurer's",
    "share_not_transferred": "Patient's share not billed to the patient",
    "statement_before_remit": "Statement sent before the payer answered",
    "pr45_balance": "Out of network: does the patient owe the rest?",
    "waiver_unknown": "Not covered: did the patient sign a waiver?",
}
BREACH_WORDS = {
    "call_window": "Call outside the hours allowed",
    "calls_in_seven_days": "More calls in seven days than allowed",
    "days_after_conversation": "Call too soon after a conversation",
    "promise_grace_days": "Call while a promise ran",
    "script_version": "Another version of the script",
    "disclosure_given": "Disclosure not read out",
    "identity_verified": "Identity not checked",
    "worked_while_open": "Work on an account that should rest",
    "card_retries_in_thirty_days": "More card retries than allowed",
    "retry_after_hard_decline": "Retry after a hard decline",
    "dispute_days": "Dispute not settled in time",
    "assistance_days": "Assistance not decided in time",
    "itemised_days": "Itemized statement not sent in time",
    "write_off_approval": "Write-off posted without approval",
    "own_approval": "Write-off approved by the person who asked for it",
}
SCOPE_WORDS = {"credit_reporting": "Credit reporting", "third_party_collection": "Third-party collection"}
INTERNAL = "Internal policy check: the limits are those the client has approved, not findings of law."
POLICY_WORDS = {
    "calls_in_seven_days": "{} calls",
    "days_after_conversation": "{} days",
    "promise_grace_days": "{} days of grace",
    "script_version": "version {}",
    "card_retries_in_thirty_days": "{} tries",
    "dispute_days": "{} days",
    "assistance_days": "{} days",
    "itemised_days": "{} days",
}
NOT_SET = "not set"
ALWAYS = {
    "disclosure_given": "always",
    "identity_verified": "always",
    "worked_while_open": "always",
    "own_approval": "always",
}
"""Rules that hold whatever number the policy names."""
ACCOUNTED = "Accounts are named by their claim number only, for the people who put them right."


# -- balances -------------------------------------------------------------------------------------


@page
def eob_check(facts: Facts) -> list[Block]:
    """What patients are asked for against what their payers left to them, both ways, with the claims."""
    subject, found, wrong = facts.subject, facts.eob, facts.eob_wrong
    if found.empty:
        return [
            note(
                "Every patient balance with a payer's decision on file follows that decision, as of "
                f"{subject.as_of_text}: "
                "nobody is asked for more, and no share was left out."
            )
        ]
    words = (
        "No patient is asked for more, or for less, than the payers' decisions leave."
        if wrong.empty
        else f"Asked of patients: {asked_wrong(wrong)}."
    )
    blocks = [note(words, tone="warning" if len(wrong) else "info"), *_eob_rules(facts)]
    return [*blocks, *_eob_claims(facts)] if len(wrong) else blocks


def asked_wrong(wrong: pd.DataFrame) -> str:
    """What patients are asked too much and too little, as a part of a sentence."""
    over, under = wrong[wrong["difference_cents"] > 0], wrong[wrong["difference_cents"] < 0]
    parts = []
    if len(over):
        parts.append(
            f"{as_text(int(over['difference_cents'].sum()), 'usd')} too much on {counted(len(over), 'account')}"
        )
    if len(under):
        parts.append(
            f"{as_text(-int(under['difference_cents'].sum()), 'usd')} too little on {counted(len(under), 'account')}"
        )
    return f"{comma_list(parts)}{_stands(wrong)}" if len(over) else comma_list(parts)


def _stands(wrong: pd.DataFrame) -> str:
    """Where the dollars asked too much are: on bills today, paid and to be given back, or neither; they add up."""
    over = wrong[wrong["difference_cents"] > 0]
    asked, today, back = (int(over[name].sum()) for name in ("difference_cents", "open_cents", "refund_cents"))
    if not today and not back:
        return "; nothing stands on a bill today"
    words = ("stands on bills today", "was paid and goes back", "is on no bill and was not paid")
    dollars = whole_dollars([today, back, max(0, asked - today - back)])
    parts = (f"{as_text(each, 'usd')} {said}" for each, said in zip(dollars, words, strict=True) if each)
    return f"; {comma_list(parts)}"


def _eob_rules(facts: Facts) -> list[Block]:
    found = facts.eob.assign(claims=1)
    asks = found.set_index("rule")["is_information"].to_dict()
    amounts = ["difference_cents", "open_cents", "refund_cents"]
    rows = found.groupby("rule", as_index=False, sort=False)[["claims", *amounts]].sum()
    order = {rule: place for place, rule in enumerate(RULE_WORDS)}
    rows = rows.sort_values("rule", key=lambda rules: rules.map(order), ignore_index=True)
    fixes = found.drop_duplicates("rule").set_index("rule")["fix"]
    rows = rows.assign(words=rows["rule"].map(RULE_WORDS), fix=rows["rule"].map(fixes))
    rows[amounts] = rows[amounts].astype("Int64").mask(rows["rule"].map(asks).astype(bool))
    return [
        show(
            rows,
            [
                Shown("words", "What is wrong"),
                Shown("claims", "Accounts", "count"),
                Shown("difference_cents", "Difference", "usd"),
                Shown("open_cents", "On bills today", "usd"),
                Shown("refund_cents", "Paid, to refund", "usd"),
                Shown("fix", "What to do"),
            ],
            name="eob_rules",
            title=f"Patient balances against the payers' decisions, {facts.subject.as_of_text}",
            definition="Billed to the patient less what the latest net decisions of all payers leave to them; "
            "below zero: asked too little; US dollars. "
            "An account stands once, under its gravest fault. Lines that ask a question have no difference: the "
            "data cannot answer it.",
        )
    ]


def _eob_claims(facts: Facts) -> list[Block]:
    subject, rows = facts.subject, facts.eob_wrong
    rows = subject.with_payer_names(
        rows.assign(
            words=rows["rule"].map(RULE_WORDS),
            more=[comma_list(RULE_WORDS[rule] for rule in also.split(", ")) if also else "" for also in rows["also"]],
        )
    )
    paid = rows["paid_cents"].where(rows["rule"] != "statement_before_remit", 0)
    rows = rows.assign(
        asked_cents=rows["patient_billed_cents"] + paid, left_cents=rows["owed_cents"] + paid, counted_cents=paid
    )
    columns = [
        Shown("claim_id", "Account"),
        Shown("payer", "Payer"),
        Shown("words", "What is wrong"),
        Shown("since_on", "Since", "date"),
        Shown("asked_cents", "Billed", "usd", exact=True),
        Shown("left_cents", "Payers leave", "usd", exact=True),
        Shown("difference_cents", "Difference", "usd", exact=True),
        Shown("counted_cents", "Patient paid", "usd", exact=True),
    ]
    left = len(rows) - MOST
    basis = (
        "Largest difference first. Billed: put on the patient in all, less what was taken back; of an early "
        "statement, what it asked for; "
        "US dollars."
    )
    notes = [
        ACCOUNTED,
        f"{sentence(counted(left, 'more account'))} in the workbook, sheet EOB claims." if left > 0 else "",
    ]
    blocks = [
        show(rows.head(MOST), columns, name="eob_largest", title="Accounts to put right", definition=basis, notes=notes)
    ]
    more = [
        *columns,
        Shown("open_cents", "On bills today", "usd", exact=True),
        Shown("refund_cents", "To refund", "usd", exact=True),
        Shown("more", "Also"),
        Shown("fix", "What to do"),
    ]
    return [
        *blocks,
        show(rows, more, name="eob_claims", title="Accounts to put right, all", definition=basis, print_it=False),
    ]


# -- policy ----------------------------------------------------------------------------------------


@page
def compliance(facts: Facts) -> list[Block]:
    """Every check of the client's policy: how many records were checked, how many broke it; and the breaches."""
    subject, rows = facts.subject, facts.checks
    silent = not len(subject.pandas("self_pay_policies"))
    lead = (
        [
            note(
                (
                    f"No approved self-pay policy of {subject.client.name} is on file: limits that only a policy "
                    "can set are not checked."
                ),
                tone="warning",
            )
        ]
        if silent
        else []
    )
    if not rows["checked"].sum() and not rows["breached_quarter"].sum():
        return [*lead, note(f"{subject.period.title} holds no record that a rule of the policy applies to.")]
    rows = rows.assign(value=[_in_force(*pair) for pair in zip(rows["rule"], rows["in_force"], strict=True)])
    broken = int(rows["breached"].sum())
    words = (
        f"No record of {subject.period.title} falls under a rule of the policy."
        if not rows["checked"].sum()
        else (
            f"{sentence(counted(int(rows['checked'].sum()), 'check'))} of "
            f"{counted(int((rows['checked'] > 0).sum()), 'rule')} in "
            f"{subject.period.title}: {counted(broken, 'breach', 'breaches')} of "
            f"{counted(int((rows['breached'] > 0).sum()), 'rule')}."
        )
    )
    return [
        *lead,
        note(words, tone="warning" if broken else "info"),
        show(
            rows,
            [
                Shown("title", "Rule"),
                Shown("value", "In force"),
                Shown("checked", "Checked", "count"),
                Shown("breached", "Breached", "count"),
                Shown("breach_share", "Share", "rate"),
                Shown("breached_quarter", "Breached, three months", "count"),
            ],
            name="policy_checks",
            title=f"The approved policy, {subject.period.title}",
            definition=(
                f"{INTERNAL} Records by the day on which they could break the rule; a record may be "
                "checked by several rules."
            ),
            notes=[
                "– Nothing to check." if rows["breach_share"].isna().any() else "",
                "Not set: the policy names no value, so nothing is checked."
                if (rows["value"] == NOT_SET).any()
                else "",
            ],
        ),
        *_breaches(facts),
    ]


def _in_force(rule: str, value: object) -> str:
    if pd.isna(value):
        return ALWAYS.get(rule, NOT_SET)
    if rule == "write_off_approval":
        return f"above {as_text(int(str(value)), 'usd')}"
    if rule == "retry_after_hard_decline":
        return {"no": "not allowed", "yes": "allowed"}.get(str(value), str(value))
    return POLICY_WORDS.get(rule, "{}").format(value)


def _breaches(facts: Facts) -> list[Block]:
    rows = facts.breaches
    if rows.empty:
        return [note(f"No rule was broken in the three months to {facts.subject.as_of_text}.")]
    rows = rows.assign(
        who=rows["who"].replace("(none)", ""), words=rows["rule"].map(BREACH_WORDS).fillna(rows["title"])
    )
    columns = [
        Shown("broken_on", "Day", "date"),
        Shown("words", "What was broken"),
        Shown("record_id", "Record"),
        Shown("allowed", "Allowed"),
        Shown("found", "Found"),
        Shown("who", "Who"),
    ]
    left = len(rows) - MOST
    return [
        show(
            rows.head(MOST),
            columns if rows.head(MOST)["who"].any() else columns[:-1],
            name="breaches_latest",
            title="Latest breaches",
            definition=f"{span(facts.quarter)}, the latest first.",
            notes=[
                f"{sentence(counted(left, 'earlier breach', 'earlier breaches'))} in the workbook, sheet Breaches."
                if left > 0
                else ""
            ],
        ),
        show(
            rows,
            [*columns, Shown("claim_id", "Account")],
            name="breaches",
            title="Breaches of the policy",
            print_it=False,
            definition=f"{INTERNAL} {span(facts.quarter)}.",
        ),
    ]


@page
def scope_guard(facts: Facts) -> list[Block]:
    """Credit reporting and third-party collection: must be none, and is said either way."""
    subject, rows = facts.subject, facts.out_of_scope
    if rows.empty:
        return [
            note(
                f"Credit reporting: 0. Third-party collection: 0. Neither was recorded in {span(facts.year)}, "
                "as it must be."
            )
        ]
    rows = rows.assign(words=rows["kind"].map(SCOPE_WORDS)).sort_values(
        ["done_on", "change_id"], ascending=[False, True], ignore_index=True
    )
    counts = [f"{words}: {int((rows['kind'] == kind).sum())}" for kind, words in SCOPE_WORDS.items()]
    return [
        note(
            f"{'. '.join(counts)}, in {span(facts.year)}. Both must be zero: they are no part of the self-pay "
            "program. Each is listed and has to be "
            "taken back or explained.",
            tone="warning",
        ),
        show(
            rows,
            [
                Shown("done_on", "Day", "date"),
                Shown("words", "What was recorded"),
                Shown("change_id", "Record"),
                Shown("claim_id", "Account"),
                Shown("amount_cents", "Amount", "usd"),
                Shown("done_by", "Who"),
            ],
            name="scope_guard",
            title="Out of scope",
            definition=f"Changes of accounts by the day done, to {subject.as_of_text}; US dollars.",
        ),
    ]


@page
def estimates(facts: Facts) -> list[Block]:
    """Bills well above their good-faith estimates, with the day until which they may be disputed."""
    subject, rows, share = facts.subject, facts.estimates, facts.estimate_share
    if not share["estimated_bills"]:
        return [note(f"No bill of {span(facts.year)} had a good-faith estimate on file.")]
    limit = policy_value(subject.tables, "estimate_difference_cents", as_of=subject.as_of)
    limit_words = as_text(int(limit) if limit else 400_00, "usd")
    bills = counted(int(share["estimated_bills"]), "bill")
    if rows.empty:
        return [
            note(
                f"None of {bills} with a good-faith estimate came to {limit_words} or more above it "
                f"({span(facts.year)})."
            )
        ]
    verb = "came" if len(rows) == 1 else "came each"
    part = as_text(share["difference_share"], "rate")
    return [
        note(
            f"{len(rows)} of {bills} with a good-faith estimate ({part}) {verb} to {limit_words} or more above "
            f"it ({span(facts.year)}). While a dispute may be "
            "opened, nothing should be collected on them without looking at the bill again.",
            tone="warning",
        ),
        show(
            rows,
            [
                Shown("claim_id", "Account"),
                Shown("given_on", "Estimate given", "date"),
                Shown("billed_on", "Billed", "date"),
                Shown("estimate_cents", "Estimate", "usd"),
                Shown("billed_cents", "Bill", "usd"),
                Shown("difference_cents", "Difference", "usd"),
                Shown("dispute_until", "May be disputed until", "date"),
            ],
            name="estimates",
            title=f"Bills {limit_words} or more above the good-faith estimate",
            definition=(
                "Bills to patients without insurance, by the day of the first bill; 120 days to dispute; US dollars."
            ),
            notes=[ACCOUNTED],
        ),
    ]


# -- write-offs and credits ------------------------------------------------------------------------


@page
def write_offs(facts: Facts) -> list[Block]:
    """Patient balances written off, by reason and approver."""
    subject, rows = facts.subject, facts.write_offs
    if rows.empty:
        return [note(f"No patient balance was written off in the three months to {subject.as_of_text}.")]
    rows = rows.sort_values(["write_off_cents", "approved_by"], ascending=[False, True], ignore_index=True)
    rows = rows.assign(
        words=[sentence(words_of(reason)) for reason in rows["reason"]],
        who=rows["approved_by"].replace("(none)", "nobody named"),
    )
    table, emphasis = with_total(rows, "words", ["write_offs", "write_off_cents", "unapproved", "unapproved_cents"])
    columns = [
        Shown("words", "Reason"),
        Shown("who", "Approved by"),
        Shown("write_offs", "Write-offs", "count"),
        Shown("write_off_cents", "Dollars", "usd"),
    ]
    limit = policy_value(subject.tables, "write_off_approval_over_cents", as_of=subject.as_of)
    if limit is not None:
        columns += [
            Shown("unapproved", "Not approved", "count"),
            Shown("unapproved_cents", "Dollars not approved", "usd"),
        ]
    lacking = int(rows["unapproved"].sum())
    return [
        note(_approval_words(rows, limit), tone="warning" if lacking else "info"),
        show(
            table,
            columns,
            name="patient_write_offs",
            title="Patient balances written off, and who approved them",
            emphasis=emphasis,
            definition=(
                f"Write-offs by posting date, {span(facts.quarter)}; approver as the ledger names them; US dollars."
            )
            + (
                " Not approved: no request granted for the account and amount by the day of posting."
                if limit is not None
                else ""
            ),
        ),
        *_requests(facts),
        _write_off_list(facts, limit),
    ]


def _requests(facts: Facts) -> list[Block]:
    """What was asked for in the quarter, and what became of it."""
    asked = facts.subject.pandas("write_off_approvals")
    asked = asked[facts.quarter.holds(asked["requested_on"].dt.date)] if len(asked) else asked
    if asked.empty:
        return [note(f"No request to write off a balance is on file for {span(facts.quarter)}.")]
    counts = asked["decision"].where(asked["decided_on"].notna()).fillna("open").value_counts()
    words = comma_list(
        f"{as_text(int(counts.get(name, 0)), 'count')} {told}"
        for name, told in (("approved", "approved"), ("refused", "refused"), ("open", "open"))
    )
    return [
        note(
            f"{sentence(counted(len(asked), 'request'))} to write off "
            f"{as_text(int(asked['amount_cents'].sum()), 'usd')} came in in "
            f"{span(facts.quarter)}: {words}."
        )
    ]


def _write_off_list(facts: Facts, limit: str | None) -> Block:
    rows = facts.write_off_list
    rows = rows.assign(
        words=[sentence(words_of(reason)) for reason in rows["reason"]],
        who=rows["approved_by"].replace("(none)", "nobody named"),
        checked=rows["unapproved"].map({0: "yes", 1: "no"}) if limit is not None else "not checked",
    )
    return show(
        rows,
        [
            Shown("posted_on", "Posted", "date"),
            Shown("transaction_id", "Posting"),
            Shown("claim_id", "Account"),
            Shown("words", "Reason"),
            Shown("who", "Approved by"),
            Shown("checked", "Approved or under the limit"),
            Shown("write_off_cents", "Dollars", "usd", exact=True),
        ],
        name="write_off_list",
        title="Patient balances written off, one by one",
        print_it=False,
        definition=f"Write-offs by posting date, {span(facts.quarter)}; US dollars.",
    )


def _approval_words(rows: pd.DataFrame, limit: str | None) -> str:
    if limit is None:
        return "No approved policy on file says which write-offs need an approval, so approvals are not checked."
    lacking, above = int(rows["unapproved"].sum()), as_text(int(limit), "usd")
    if not lacking:
        return f"Every write-off above {above}, the policy's limit, had been approved when it was posted."
    return (
        f"{sentence(counted(lacking, 'write-off'))} ({as_text(int(rows['unapproved_cents'].sum()), 'usd')}) "
        f"above {above}, the policy's limit, "
        f"{'was' if lacking == 1 else 'were'} posted without enough approved by then."
    )
