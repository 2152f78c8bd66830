"""Visits that nobody charged, and claims without an appointment; only where the client's appointments are here."""

from __future__ import annotations

from ...measures.collections.visits import OFFICES, claims_without_visit, visits_billed
from ...tables.frames import NO_VALUE
from ..blocks import Block, note
from ..formats import as_text, counted, sentence, words_of
from ..tables import Shown, show, with_total
from .facts import Facts

CUTS = ("provider", "location", "visit_type", "problem")
MISSED = {"": "none that day", "no_show": "no-show", "late_cancel": "canceled late", "cancelled": "canceled"}
PLACES = [
    Shown("provider", "Provider", texts={NO_VALUE: "not given"}),
    Shown("location", "Place", texts={NO_VALUE: "not given"}),
]


def visits(facts: Facts) -> list[Block]:
    """Kept visits that were billed or not, the list of those that were not, and claims without a visit."""
    year = facts.subject.period.trailing(12)
    whole = visits_billed(facts.tables, period=year).iloc[0]
    if not whole["visits"]:
        return []
    words = (
        "Kept appointments of twelve months whose charges are due: older than 95% of the client's visits take to be "
        "entered. Matched with claims by patient and day, and provider where both name one. Dollars: what such visits "
        "are usually charged, no cash. By day of the appointment."
    )
    off = f" {counted(int(whole['a_day_off']), 'visit has', 'visits have')} the claim of a day before or after."
    blocks: list[Block] = [
        note(
            f"{as_text(int(whole['billed']), 'count')} of {counted(int(whole['visits']), 'kept visit')} of twelve "
            f"months whose charges are due have a claim ({as_text(whole['billed_share'], 'rate')})."
            f"{off if whole['a_day_off'] else ''}"
        )
    ]
    if whole["not_billed"]:
        blocks += [_by_place(facts, words), _listed(facts, words)]
    return [*blocks, *_claims(facts)]


def _by_place(facts: Facts, words: str) -> Block:
    found = visits_billed(facts.tables, period=facts.subject.period.trailing(12), by=CUTS[:2])
    found = found[found["not_billed"] > 0].sort_values("not_billed", ascending=False, kind="stable")
    cents = found["missing_cents"].astype("Int64")
    table, emphasis = with_total(
        found.assign(missing_cents=cents), "provider", ["visits", "not_billed", "missing_cents"]
    )
    return show(
        table,
        [
            *PLACES,
            Shown("visits", "Visits due", "count"),
            Shown("not_billed", "Without a claim", "count"),
            Shown("missing_cents", "Usual charges", "usd"),
        ],
        name="visits_without_claim",
        title="Kept visits without a claim",
        emphasis=emphasis,
        notes=["Some are rightly free: after surgery, a nurse only, capitation."],
        definition=words,
    )


def _listed(facts: Facts, words: str) -> Block:
    rows = facts.visits_not_billed
    kinds = {name: rows[name].map(lambda word: sentence(words_of(word))) for name in CUTS[2:]}
    return show(
        rows.assign(**kinds),
        [
            Shown("appointment_id", "Appointment"),
            Shown("scheduled_on", "Day", "date"),
            *PLACES,
            Shown("visit_type", "Kind of visit"),
            Shown("problem", "Problem"),
            Shown("days", "Days ago", "count"),
            Shown("lag_days", "Due after days", "count"),
            Shown("charge_cents", "Usual charge", "usd", exact=True),
            Shown("basis", "Usual of"),
        ],
        name="unbilled_visits",
        title="Kept visits without a claim, one by one",
        print_it=False,
        definition=words,
    )


def _claims(facts: Facts) -> list[Block]:
    found = claims_without_visit(facts.tables, as_of=facts.as_of, since=facts.subject.period.trailing(12).first_day)
    if found.empty:
        return []
    canceled = int((found["appointment"] != "").sum())
    missed = f", {as_text(canceled, 'count')} of them on a day whose appointment was missed or canceled"
    return [
        note(
            f"{counted(len(found), 'claim')} of office visits of twelve months "
            f"({as_text(int(found['charge_cents'].sum()), 'usd')} of charges) "
            f"{'has' if len(found) == 1 else 'have'} no kept appointment{missed if canceled else ''}: see the workbook."
        ),
        show(
            found,
            [
                Shown("claim_id", "Claim"),
                Shown("service_on", "Service", "date"),
                *PLACES,
                Shown("appointment", "Appointment", texts=MISSED),
                Shown("charge_cents", "Charges", "usd", exact=True),
            ],
            name="claims_without_visit",
            title="Claims of office visits without a kept appointment",
            print_it=False,
            definition="Office visits and check-ups (99202-99215, 99381-99397, eye examinations) at places of service "
            f"{', '.join(OFFICES)}, in months in which their provider has appointments; US dollars.",
        ),
    ]
