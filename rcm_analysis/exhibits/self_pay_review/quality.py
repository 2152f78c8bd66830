"""The quality pages of a self-pay review: targets, contacts, records, sampled reviews, and payments posted right."""

from __future__ import annotations

import pandas as pd

from ...ledger.ratios import quotient
from ...measures.self_pay import contacts as patient_contacts
from ...measures.self_pay import quality as self_pay_quality
from ...measures.self_pay.experience import contact_experience, insurance_updates
from ..blocks import Block, note
from ..formats import as_text, comma_list, counted, sentence, span
from ..pages import page
from ..tables import Shown, show, with_total
from .facts import Facts
from .money import rate_words

TARGET_WORDS = {
    "contact_rate": "Calls that reached the patient",
    "engagement_rate": "Patients spoken with, of those contacted",
    "resolution_rate": "Conversations that settled something",
    "documentation": "Records of contacts that are complete",
    "script_adherence": "Script followed, of sampled conversations",
    "correct_posting": "Payments posted right the first time",
    "eob_interpretation": "Payers' decisions explained rightly (sampled reviews)",
}
FIELDS = {
    "lacks_reason": "What it was about",
    "lacks_resolution": "What was settled",
    "lacks_next_step": "What follows",
    "lacks_is_identity_verified": "Identity checked",
    "lacks_is_disclosure_given": "Disclosure given",
}
SKILLS = {
    "eob_interpretation": "Explains payers' decisions",
    "account_explanation": "Explains the account",
    "professional_conduct": "Conduct",
}
CONTACT_KINDS = {
    ("in", True): "Patient called, conversation",
    ("in", False): "Patient called, message or none",
    ("out", True): "We called, conversation",
    ("out", False): "We called, nobody reached",
}
FAULTS = {"corrected": "A posting was taken back", "late": "Posted late", "missing": "Not on the account in 30 days"}
FEW = "A share of few sampled conversations moves by chance: of ten, one more or less is ten points."


# -- targets and contacts ---------------------------------------------------------------------------


@page
def targets(facts: Facts) -> list[Block]:
    """What the client expects beside what was reached, over three months."""
    rows = facts.targets
    stated = rows[rows["target"].notna()]
    if stated.empty:
        return [
            note(
                f"{_no_target(facts)}, so nothing is called met or missed. Once the policy names one, it stands here "
                "with the day from which it holds."
            )
        ]
    missed = stated[stated["is_met"].eq(False).fillna(False)]
    words = (
        f"{targets_met(facts) or 'Too few records to judge a target by'}."
        if missed.empty
        else f"{targets_met(facts)}. Missed: {comma_list(_lower(TARGET_WORDS[name]) for name in missed['measure'])}."
    )
    rows = rows.assign(
        words=rows["measure"].map(TARGET_WORDS),
        met=[_met(*three) for three in zip(rows["is_met"], rows["target"], rows["counted"], strict=True)],
    )
    documents = sorted({text for text in stated["source"] if text and text != "(none)"})
    return [
        note(words, tone="info" if missed.empty else "warning"),
        show(
            rows,
            [
                Shown("words", "What"),
                Shown("reached", "Number", "count"),
                Shown("counted", "Of", "count"),
                Shown("value", "Three months", "rate"),
                Shown("target", "Target", "rate"),
                Shown("met", "Met"),
                Shown("set_on", "In force since", "date"),
            ],
            name="targets",
            title="Targets of the policy",
            definition=f"{span(facts.quarter)}. The least that the policy asks for; no figure "
            "of ours or of others stands for a missing one. "
            "Payments: those taken 30 days ago or earlier.",
            notes=[f"Stated in: {comma_list(documents)}." if documents else ""],
        ),
    ]


def _no_target(facts: Facts) -> str:
    name = facts.subject.client.name
    if not len(facts.subject.pandas("self_pay_policies")):
        return f"No approved self-pay policy of {name} is on file"
    return f"The policy of {name} on file states no target for engagement, resolution or quality"


def _met(is_met: object, target: float, counted_: int) -> str:
    if pd.isna(target):
        return "no target"
    if pd.isna(is_met):
        return "too few to judge" if counted_ else "nothing to measure"
    return "yes" if is_met else "no"


def targets_met(facts: Facts) -> str:
    """How many of the stated targets were met, as a sentence without its full stop; empty where none is stated."""
    known = facts.targets["is_met"].dropna()
    return f"{int(known.sum())} of {counted(len(known), 'target')} met in three months" if len(known) else ""


def _lower(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


@page
def contacts(facts: Facts) -> list[Block]:
    """Engagement and resolution in the month, beside the three months before."""
    subject = facts.subject
    before = subject.period.shift(-1).trailing(3)
    rates = (
        ("contact_rate", "conversations", "attempts", "calls out"),
        ("engagement_rate", "reached_patients", "contacted_patients", "patients"),
        ("resolution_rate", "settled_conversations", "conversations", "conversations"),
    )
    rows = []
    for name, top, bottom, unit in rates:
        now, earlier = (
            getattr(patient_contacts, name)(subject.tables, period=span_).iloc[0] for span_ in (subject.period, before)
        )
        rows.append(
            {
                "words": TARGET_WORDS[name],
                "top": int(now[top]),
                "of": f"{as_text(int(now[bottom]), 'count')} {unit}",
                "rate": now[name],
                "before": earlier[name],
            }
        )
    if not any(pd.notna(row["rate"]) for row in rows):
        return [note(f"No contact with a patient was recorded in {subject.period.title}.")]
    return [
        show(
            pd.DataFrame(rows),
            [
                Shown("words", "What"),
                Shown("top", "Number", "count"),
                Shown("of", "Of"),
                Shown("rate", subject.month, "rate"),
                Shown("before", "Three months before", "rate"),
            ],
            name="contacts",
            title="Engagement and resolution",
            definition=(
                f"Contacts by the day of the record, {subject.period.title}. Settled: resolved, a "
                "promise, a plan or a payment."
            ),
        ),
        *_experience(facts),
        *_updates(facts),
    ]


def _experience(facts: Facts) -> list[Block]:
    """How contacts were for the patient, in the workbook; nothing where neither ratings nor waits are recorded."""
    found = contact_experience(facts.subject.tables, period=facts.quarter)
    if not found[["ratings", "calls"]].to_numpy().any():
        return []
    return [
        show(
            found,
            [
                Shown("ratings", "Contacts rated", "count"),
                Shown("good", "4 or 5 of 5", "count"),
                Shown("good_share", "Share", "rate"),
                Shown("calls", "Calls in", "count"),
                Shown("abandoned", "Given up", "count"),
                Shown("abandonment_rate", "Share given up", "rate"),
                Shown("mean_wait_seconds", "Wait, seconds", "number"),
                Shown("mean_minutes", "Conversation, minutes", "number"),
            ],
            name="experience",
            title="How contacts were for patients, three months",
            print_it=False,
            definition="Contacts by their day; the wait is that of calls that were answered.",
        )
    ]


def _updates(facts: Facts) -> list[Block]:
    """What updates of insurance brought, in the workbook: those whose 90 days are over."""
    span = facts.subject.period.shift(-3).trailing(3)
    found = insurance_updates(facts.subject.tables, period=span, as_of=facts.subject.as_of)
    if not found[["accounts", "without_account"]].to_numpy().any():
        return []
    return [
        show(
            found,
            [
                Shown("accounts", "Accounts updated", "count"),
                Shown("paid", "Paid by an insurer since", "count"),
                Shown("paid_share", "Share", "rate"),
                Shown("insurer_cents", "Paid within 90 days", "usd", exact=True),
                Shown("without_account", "Updates without an account", "count"),
            ],
            name="insurance_updates",
            title="Insurance updates and what they brought",
            print_it=False,
            definition=f"Updates done {span.first_day:%B} to {span.last_day:%B %Y}; insurers' payments less what they "
            "took back, posted within 90 days of the update; US dollars.",
        )
    ]


# -- records and reviews ----------------------------------------------------------------------------


@page
def quality(facts: Facts) -> list[Block]:
    """Records complete, scripts followed and skills judged, by client partner; and what records leave out."""
    subject, whole = facts.subject, facts.documentation
    if not whole["records"] and facts.skills.empty:
        return [
            note(f"No contact was recorded in the three months to {subject.as_of_text}, so there is nothing to sample.")
        ]
    return [*_by_partner(facts), *_reviews(facts), *_left_out(facts)] if whole["records"] else _reviews(facts)


def _by_partner(facts: Facts) -> list[Block]:
    tables, whole = facts.subject.tables, facts.documentation
    rows = patient_contacts.documentation(tables, period=facts.quarter, by=["handled_by"])
    rows = rows.merge(
        patient_contacts.script_adherence(tables, period=facts.quarter, by=["handled_by"]), on="handled_by", how="left"
    )
    counts = ["conversations", "sampled", "followed"]
    rows[counts] = rows[counts].fillna(0).astype("int64")
    total = patient_contacts.script_adherence(tables, period=facts.quarter).iloc[0]
    table, emphasis = with_total(
        rows,
        "handled_by",
        ["records", "complete_records", "conversations", "sampled", "followed"],
        values={"documentation": whole["documentation"], "script_adherence": total["script_adherence"]},
        words="All",
    )
    return [
        show(
            table,
            [
                Shown("handled_by", "Client partner"),
                Shown("records", "Records", "count"),
                Shown("complete_records", "Complete", "count"),
                Shown("documentation", "Share complete", "rate"),
                Shown("conversations", "Conversations", "count"),
                Shown("sampled", "Sampled", "count"),
                Shown("followed", "Script followed", "count"),
                Shown("script_adherence", "Share followed", "rate"),
            ],
            name="quality",
            title="Records and scripts, by client partner",
            emphasis=emphasis,
            definition=f"Contacts by the day of the record, {span(facts.quarter)}. Complete: every required "
            "field is filled in. Script: conversations that "
            "quality review looked at.",
            notes=[FEW],
        )
    ]


def _reviews(facts: Facts) -> list[Block]:
    rows = facts.skills
    if rows.empty:
        return [
            note(
                "No sampled quality review of how partners explain EOBs and accounts is on file for these three "
                "months, so no score is shown."
            )
        ]
    wide = rows.pivot(index="handled_by", columns="skill", values="quality_score").reset_index()
    sizes = rows.groupby("handled_by", as_index=False)["reviews"].max()
    found = sizes.merge(wide, on="handled_by")
    every = self_pay_quality.quality_scores(facts.subject.tables, period=facts.quarter).set_index("skill")[
        "quality_score"
    ]
    names = [name for name in SKILLS if name in wide]
    table, emphasis = with_total(
        found, "handled_by", ["reviews"], values={name: every[name] for name in names}, words="All"
    )
    return [
        show(
            table,
            [
                Shown("handled_by", "Client partner"),
                Shown("reviews", "Reviews", "count"),
                *(Shown(name, SKILLS[name], "rate") for name in names),
            ],
            name="quality_reviews",
            title="Sampled quality reviews, by client partner",
            emphasis=emphasis,
            definition=(
                "Points given, of the points that could be given, by skill. Reviews by the day of the "
                f"review, {span(facts.quarter)}."
            ),
            notes=["– Not reviewed." if found[names].isna().any(axis=None) else "", FEW],
        )
    ]


def _left_out(facts: Facts) -> list[Block]:
    subject, whole = facts.subject, facts.documentation
    lacks = pd.DataFrame({"words": list(FIELDS.values()), "records": [int(whole[name]) for name in FIELDS]})
    basis = f"Contacts by the day of the record, {span(facts.quarter)}."
    listed = patient_contacts.incomplete_records(subject.tables, period=facts.quarter)
    listed = listed.assign(
        kind=[
            CONTACT_KINDS[way, result == "conversation"]
            for way, result in zip(listed["direction"], listed["result"], strict=True)
        ],
        lacking=[
            comma_list(_lower(words) for name, words in FIELDS.items() if row[name])
            for row in listed.to_dict("records")
        ],
    )
    if listed.empty:
        return [_by_kind(facts), note(f"No record of {span(facts.quarter)} leaves out a required field.")]
    return [
        _by_kind(facts),
        show(
            lacks,
            [Shown("words", "Required field"), Shown("records", "Records without it", "count")],
            name="missing_fields",
            title="What records leave out",
            definition=f"{basis} After a conversation all five are required, otherwise what it was about. A "
            "disclosure recorded as not given is "
            "documented; the policy checks count it.",
        ),
        show(
            listed,
            [
                Shown("entered_on", "Day", "date"),
                Shown("interaction_id", "Record"),
                Shown("claim_id", "Account"),
                Shown("handled_by", "Client partner"),
                Shown("kind", "Contact"),
                Shown("lacking", "What is missing"),
                Shown("missing_fields", "Fields missing", "count"),
                Shown("required_fields", "Fields required", "count"),
            ],
            name="incomplete_records",
            title="Records that lack a field",
            print_it=False,
            definition=basis,
        ),
    ]


def _by_kind(facts: Facts) -> Block:
    """Completeness by kind of contact: a conversation has five fields to fill, a call that reached nobody one."""
    rows = patient_contacts.documentation(facts.subject.tables, period=facts.quarter, by=["direction", "result"])
    rows["words"] = [
        CONTACT_KINDS[way, result == "conversation"]
        for way, result in zip(rows["direction"], rows["result"], strict=True)
    ]
    sums = rows.groupby("words", as_index=False)[
        ["records", "complete_records", "filled_fields", "required_fields"]
    ].sum()
    sums["share"] = quotient(sums["complete_records"], sums["records"])
    sums["field_share"] = quotient(sums["filled_fields"], sums["required_fields"])
    order = list(CONTACT_KINDS.values())
    sums = sums.sort_values("words", key=lambda words: words.map(order.index), ignore_index=True)
    return show(
        sums,
        [
            Shown("words", "Contact"),
            Shown("records", "Records", "count"),
            Shown("complete_records", "Complete", "count"),
            Shown("share", "Share complete", "rate"),
            Shown("required_fields", "Fields required", "count"),
            Shown("field_share", "Fields filled in", "rate"),
        ],
        name="documentation",
        title="Records complete, by kind of contact",
        definition=f"Contacts by the day of the record, {span(facts.quarter)}.",
    )


# -- posting ----------------------------------------------------------------------------------------


@page
def posting(facts: Facts) -> list[Block]:
    """Payments posted right the first time, and those that were not."""
    whole = facts.posting
    young = (
        f" {sentence(counted(int(whole['young_payments']), 'payment'))} of the last 30 days are too young to judge."
        if whole["young_payments"]
        else ""
    )
    if not whole["payments"]:
        return [
            note(
                f"No payment taken in {span(facts.quarter)} is 30 days old yet, so nothing is said about "
                f"posting.{young}"
            )
        ]
    words = (
        f"{rate_words(int(whole['correct_payments']), int(whole['payments']), 'payment')} taken from "
        f"patients were posted right the first time.{young}"
    )
    rows = pd.DataFrame({"words": list(FAULTS.values()), "payments": [int(whole[name]) for name in FAULTS]})
    faults = facts.posting_faults
    rows["cents"] = [int(faults.loc[faults["fault"] == name, "amount_cents"].sum()) for name in FAULTS]
    table, emphasis = with_total(rows, "words", ["payments", "cents"])
    basis = (
        f"Approved payments by the day of the attempt, {span(facts.quarter)}, against the ledger; right: same "
        "account and amount within the "
        "policy's days, and not taken back as a posting within 30 days. US dollars."
    )
    if faults.empty:
        return [note(sentence(words))]
    return [
        note(sentence(words)),
        show(
            table,
            [
                Shown("words", "What went wrong"),
                Shown("payments", "Payments", "count"),
                Shown("cents", "Dollars", "usd"),
            ],
            name="posting",
            title="Payments not posted right at once",
            emphasis=emphasis,
            definition=basis,
        ),
        show(
            faults.assign(words=faults["fault"].map(FAULTS)),
            [
                Shown("attempted_on", "Taken", "date"),
                Shown("attempt_id", "Payment"),
                Shown("claim_id", "Account"),
                Shown("words", "What went wrong"),
                Shown("posted_on", "Posted", "date"),
                Shown("taken_back_on", "Taken back", "date"),
                Shown("amount_cents", "Amount", "usd", exact=True),
            ],
            name="posting_faults",
            title="Payments not posted right at once, all",
            print_it=False,
            definition=basis,
        ),
    ]
