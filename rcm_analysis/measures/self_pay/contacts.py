"""Contacts with patients: who was reached, what was settled, where inquiries went, and how well it is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ...ledger.postings import one_if, sums, with_groups, with_rate
from ...ledger.ratios import quotient
from ...ledger.registers import known, rows_of
from ...periods import Period
from ..menu import measure

col = nw.col
SETTLED = ("resolved", "promise", "plan", "paid")
ALWAYS = ("reason",)
IN_CONVERSATION = ("resolution", "next_step", "is_identity_verified", "is_disclosure_given")
"""Required fields of the record of a contact: always, and after a conversation, as the tables' notes say."""
REQUIRED = (*ALWAYS, *IN_CONVERSATION)


@measure("Calls that reached the right person", unit="rate", good="up")
def contact_rate(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Outgoing calls that reached the right person (right-party contacts), of all outgoing calls.

    Formula
        contact_rate = conversations / attempts
    Counts
        Outgoing phone contacts in the period; a conversation with the patient counts, a voicemail, a wrong
        party or no answer does not. `by`: columns of the contact (`handled_by`, `reason`) or its claim.
    Date basis
        day of the record
    Unit
        share, 0 to 1; counts
    Empty
        No outgoing call: an empty value.
    Source
        Right-party contact rate, as call centres report it

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> contact_rate(example_self_pay(), period=Period.month("2026-01"))
       conversations  attempts  contact_rate
    0              0         1           0.0
    """
    rows = _contacts(tables, period, by, ["result", "direction", "channel"])
    rows = rows.filter(col("direction") == "out", col("channel") == "phone")
    rows = rows.with_columns(conversations=one_if(col("result") == "conversation"), attempts=nw.lit(1))
    return with_rate(sums(rows, by, ["conversations", "attempts"]), "contact_rate", "conversations", "attempts")


@measure("Patients spoken with, of those contacted", unit="rate", good="up")
def engagement_rate(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Patients with whom a conversation came about, of all patients we called or who called us.

    Formula
        engagement_rate = reached_patients / contacted_patients
    Counts
        Patients with a contact in the period, in or out; reached: at least one conversation. `by`: columns
        of the contact or its claim; a patient may then stand in several groups.
    Date basis
        day of the record
    Unit
        share, 0 to 1; counts of patients
    Empty
        No contact: an empty value.
    Source
        the programme's scope of work: patient engagement and resolution targets

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> engagement_rate(example_self_pay(), period=Period.month("2026-03").trailing(3))
       reached_patients  contacted_patients  engagement_rate
    0                 2                   3         0.666667
    """
    rows = _contacts(tables, period, by, ["patient", "result"]).with_columns(
        talks=one_if(col("result") == "conversation")
    )
    patients = rows.group_by(list(dict.fromkeys(["client", "patient", *by]))).agg(col("talks").sum())
    patients = patients.with_columns(reached_patients=one_if(col("talks") > 0), contacted_patients=nw.lit(1))
    found = sums(patients, by, ["reached_patients", "contacted_patients"])
    return with_rate(found, "engagement_rate", "reached_patients", "contacted_patients")


@measure("Conversations that settled something", unit="rate", good="up")
def resolution_rate(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Conversations that settled something, of all conversations.

    Formula
        resolution_rate = settled_conversations / conversations
        promise_share = promises / conversations
    Counts
        Conversations in the period, in or out. Settled: resolved, a promise, a plan or a payment; passed on
        to a department, left open, or nothing recorded is not. `by`: columns of the contact or its claim.
    Date basis
        day of the record
    Unit
        share, 0 to 1; counts; minutes are not counted
    Empty
        No conversation: an empty value.
    Source
        the programme's scope of work: patient engagement and resolution targets

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = resolution_rate(example_self_pay(), period=Period.month("2026-03").trailing(3))
    >>> found[["promises", "settled_conversations", "conversations", "resolution_rate"]]
       promises  settled_conversations  conversations  resolution_rate
    0         1                      1              2              0.5
    """
    rows = _contacts(tables, period, by, ["result", "resolution"]).filter(col("result") == "conversation")
    rows = rows.with_columns(
        promises=one_if((col("resolution") == "promise").fill_null(False)),
        settled_conversations=one_if(col("resolution").is_in(list(SETTLED)).fill_null(False)),
        conversations=nw.lit(1),
    )
    found = sums(rows, by, ["promises", "settled_conversations", "conversations"])
    found.insert(len(by) + 1, "promise_share", quotient(found["promises"], found["conversations"]))
    return with_rate(found, "resolution_rate", "settled_conversations", "conversations")


@measure("Inquiries by reason and department", value="inquiries", unit="count", is_additive=True)
def triage(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ("reason", "department")) -> pd.DataFrame:
    """What patients called about, and which department took it.

    Formula
        passed_share = passed_on / inquiries
    Counts
        Incoming contacts in the period, by what they were about and the department that took them. passed_on:
        taken by a department other than self-pay. A reason or department that was not recorded is
        "(none)". `by`: columns of the contact or its claim.
    Date basis
        day of the record
    Unit
        counts; share, 0 to 1
    Empty
        No incoming contact: no row; without `by` one row of zeros.
    Source
        the programme's scope of work: triage patient inquiries and route to departments

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> triage(example_self_pay(), period=Period.month("2026-03").trailing(2))
        reason department  passed_on  inquiries  passed_share
    0  dispute    billing          1          1           1.0
    1  promise   self_pay          0          1           0.0
    """
    rows = _contacts(tables, period, by, ["direction", "department"], keep=["department"]).filter(
        col("direction") == "in"
    )
    rows = rows.with_columns(
        passed_on=one_if((col("told_department") != "self_pay").fill_null(False)), inquiries=nw.lit(1)
    )
    return with_rate(sums(rows, by, ["passed_on", "inquiries"]), "passed_share", "passed_on", "inquiries")


@measure("Records of contacts that are complete", unit="rate", good="up")
def documentation(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Records of contacts with every required field filled in, of all records.

    Formula
        documentation = complete_records / records
        field_share = filled_fields / required_fields
    Counts
        Contacts in the period. Required: what it was about; after a conversation also what was settled,
        what follows, whether identity was checked and whether the disclosure was given ("no" is filled
        in too: the breach is counted elsewhere). lacks_ columns count the records that lack a field.
        `by`: columns of the contact (`handled_by`) or its claim.
    Date basis
        day of the record
    Unit
        share, 0 to 1; counts
    Empty
        No contact: an empty value.
    Source
        the programme's scope of work: consistent documentation of all patient interactions

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = documentation(example_self_pay(), period=Period.month("2026-03").trailing(3))
    >>> found[["lacks_next_step", "complete_records", "records", "documentation"]]
       lacks_next_step  complete_records  records  documentation
    0                1                 2        3       0.666667
    """
    rows, lacks = _required(_contacts(tables, period, by, ["result", *REQUIRED], keep=REQUIRED))
    rows = rows.with_columns(
        filled_fields=col("required_fields") - col("missing_fields"),
        complete_records=one_if(col("missing_fields") == 0),
        records=nw.lit(1),
    )
    found = sums(rows, by, [*lacks, "filled_fields", "required_fields", "complete_records", "records"])
    found.insert(len(by), "field_share", quotient(found["filled_fields"], found["required_fields"]))
    return with_rate(found, "documentation", "complete_records", "records")


@measure("Records of contacts that lack a field, one by one", value="missing_fields", unit="count", good="down")
def incomplete_records(tables: Mapping[str, Any], *, period: Period) -> pd.DataFrame:
    """Every record of a contact that lacks a required field, with the partner who kept it and what it lacks.

    Formula
        missing_fields = required_fields - filled_fields, above 0
    Counts
        As `documentation`; the columns lacks_ are 1 where the field is missing.
    Date basis
        day of the record
    Unit
        counts; one row per contact
    Empty
        Every record is complete: no row.
    Source
        the programme's scope of work: consistent documentation of all patient interactions

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> found = incomplete_records(example_self_pay(), period=Period.month("2026-03").trailing(3))
    >>> found[["interaction_id", "handled_by", "lacks_next_step", "missing_fields", "required_fields"]]
      interaction_id handled_by  lacks_next_step  missing_fields  required_fields
    0             I3       cp02                1               1                5
    """
    texts = ["interaction_id", "claim_id", "handled_by", "direction", "channel", "result"]
    rows, lacks = _required(_contacts(tables, period, (), [*texts, *REQUIRED], keep=REQUIRED))
    rows = rows.filter(col("missing_fields") > 0).select(
        "client", *texts, "entered_on", *lacks, "missing_fields", "required_fields"
    )
    found = rows_of(rows, ["client", *texts], ["entered_on"])
    return found.sort_values(["entered_on", "interaction_id"], ignore_index=True)


def _required(rows: nw.LazyFrame) -> tuple[nw.LazyFrame, list[str]]:
    """The contacts with a column lacks_<field> of 0 and 1 for each required field, and their missing_fields and
    required_fields."""
    talked = col("result") == "conversation"
    lacks = {
        f"lacks_{name}": col(f"told_{name}").is_null() if name in ALWAYS else talked & col(f"told_{name}").is_null()
        for name in REQUIRED
    }
    rows = rows.with_columns(**{name: one_if(lack) for name, lack in lacks.items()})
    required = nw.when(talked).then(len(REQUIRED)).otherwise(len(ALWAYS))
    return rows.with_columns(
        missing_fields=nw.sum_horizontal(*[col(name) for name in lacks]), required_fields=required
    ), list(lacks)


@measure("Approved script followed, of sampled conversations", unit="rate", good="up")
def script_adherence(tables: Mapping[str, Any], *, period: Period, by: Sequence[str] = ()) -> pd.DataFrame:
    """Sampled conversations in which the approved script was followed, of those sampled.

    Formula
        script_adherence = followed / sampled
    Counts
        Conversations in the period that quality review looked at; conversations: all of them. `by`:
        columns of the contact (`handled_by`) or its claim.
    Date basis
        day of the record
    Unit
        share, 0 to 1; counts
    Empty
        Nothing was sampled: an empty value.
    Source
        the programme's scope of work: approved scripts and call flows

    >>> from rcm_analysis.examples.self_pay import example_self_pay
    >>> script_adherence(example_self_pay(), period=Period.month("2026-03").trailing(3))
       conversations  followed  sampled  script_adherence
    0              2         1        2               0.5
    """
    rows = _contacts(tables, period, by, ["result", "is_script_followed"]).filter(col("result") == "conversation")
    is_followed = col("is_script_followed")
    rows = rows.with_columns(
        conversations=nw.lit(1), followed=one_if(is_followed.fill_null(False)), sampled=one_if(~is_followed.is_null())
    )
    return with_rate(
        sums(rows, by, ["conversations", "followed", "sampled"]), "script_adherence", "followed", "sampled"
    )


def _contacts(
    tables: Mapping[str, Any], period: Period, by: Sequence[str], columns: Sequence[str], *, keep: Sequence[str] = ()
) -> nw.LazyFrame:
    """Contacts of the period with their groups; `keep` columns also as told_<name>, empty where nothing was
    recorded."""
    rows = known(tables, "interactions", ["claim_id", *columns], as_of=period.last_day, by=by).filter(
        period.holds(col("entered_on"))
    )
    rows = rows.with_columns(**{f"told_{name}": col(name) for name in keep}) if keep else rows
    return with_groups(rows, tables, by, month_on="entered_on")
