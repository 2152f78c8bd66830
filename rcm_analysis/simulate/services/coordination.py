"""A care-coordination programme for children: referrals, enrolment, caseloads, contacts, and months billed.

A month of a member can be billed when its contacts meet the rule of its level and its questionnaire is
uploaded. Coordinators are few, so members are handed out one by one; the rest is columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ...tables import schema_coordination as services
from ..laws import LEAD_STOPS, ONE_DAY
from ..practice import Practice
from ..practice_book import working_day
from ..submission import NEVER
from .coordination_claims import LEAD, billed, rates
from .coordination_team import Team
from .rows import day_or_never, numbered, only_where, planted_item

SOURCES = {
    "school": 22,
    "hospital": 14,
    "primary_care": 24,
    "child_welfare": 12,
    "health_plan": 14,
    "lead_health_home": 8,
    "family": 6,
}
ELIGIBLE = {
    "school": 0.62,
    "hospital": 0.8,
    "primary_care": 0.78,
    "child_welfare": 0.85,
    "health_plan": 0.5,
    "lead_health_home": 0.9,
    "family": 0.55,
}
REACHED = {
    "school": 0.5,
    "hospital": 0.42,
    "primary_care": 0.52,
    "child_welfare": 0.48,
    "health_plan": 0.3,
    "lead_health_home": 0.55,
    "family": 0.7,
}
LEVELS = {"low": 38, "medium": 42, "high": 18, "high_fidelity_wraparound": 2}
CONTACTS = {"low": 1.6, "medium": 2.8, "high": 4.2, "high_fidelity_wraparound": 6.0}
NEEDED = {"low": 1, "medium": 2, "high": 2, "high_fidelity_wraparound": 3}


def children(numbers: np.ndarray) -> np.ndarray:
    """The members' ids in the programme's own system."""
    return np.array([f"K{number + 1:05d}" for number in np.asarray(numbers).tolist()], dtype=str)


def coordination_tables(
    practice: Practice, plants: bool = True
) -> tuple[dict[str, pl.DataFrame], list[dict[str, Any]]]:
    """Every table of the programme in the columns of the schema, and what was planted."""
    team = Team(practice, plants)
    _refer(team)
    outreach = _enrol(team)
    _hand_out(team)
    months = _member_months(team)
    contacts = _contacts(team, months)
    months = _ready(team, months, contacts)
    tables = {
        "referrals": _referral_rows(team),
        "outreach": outreach,
        "enrolments": _enrolment_rows(team),
        "care_assignments": _assignment_rows(team),
        "acuity_months": _acuity_rows(team, months),
        "care_contacts": _contact_rows(team, contacts),
        "billing_support": _support_rows(team, months),
        **billed(team, months),
        "staff": _staff(team),
    }
    return tables, _planted(team, months, tables["care_claims"])


# -- referrals and enrolment -----------------------------------------------------------------------


def _refer(team: Team) -> None:
    luck = team.luck("referrals")
    start = min(begin for begin, _ in team.coordinators.values()) - 20
    span = max(1, team.last - start)
    number = np.arange(round(span / 30 * 17))
    day = working_day(start + (luck.uniform("day", number) * span).astype(np.int64))
    order = np.argsort(day, kind="stable")
    source = luck.word("source", SOURCES, number)[order]
    sure = np.array([ELIGIBLE[word] for word in source.tolist()])
    draw = luck.uniform("screening", number)
    finding = np.select(
        [draw < sure, draw < sure + (1 - sure) * 0.5, draw < sure + (1 - sure) * 0.8],
        ["eligible", "ineligible", "incomplete"],
        "duplicate",
    )
    received = working_day(day[order] + luck.between("received", 0, 6, number))
    team.referrals = {
        "number": number,
        "referred": day[order],
        "received": received,
        "source": source,
        "finding": finding,
        "valid": luck.uniform("contact", number) < np.where(finding == "incomplete", 0.5, 0.88),
        "papers": luck.uniform("papers", number) < sure,
        "screened": working_day(received + luck.between("screened", 1, 9, number)),
    }


def _referral_rows(team: Team) -> pl.DataFrame:
    sent = team.referrals
    return team.rows(
        services.REFERRALS,
        {
            "referral_id": numbered("RF", len(sent["number"])),
            "patient": children(sent["number"]),
            "referred_on": sent["referred"],
            "received_on": sent["received"],
            "source": sent["source"],
            "is_contact_valid": sent["valid"],
            "has_documents": sent["papers"],
            "screened_on": sent["screened"],
            "screening": sent["finding"],
        },
    )


def _enrol(team: Team) -> pl.DataFrame:
    """Up to five tries to reach each eligible family; the one who consents is enrolled that day."""
    sent, luck = team.referrals, team.luck("outreach")
    tried = np.flatnonzero(sent["finding"] == "eligible")
    chance = np.array([REACHED[word] for word in sent["source"][tried].tolist()]) * np.where(
        sent["valid"][tried], 1.0, 0.3
    )
    reach = np.minimum(luck.tries("reached", chance, tried), 6)
    answer = luck.word("answer", {"consented": 72, "declined": 20, "interested": 8}, tried)
    tries = np.minimum(reach, 5)
    row = np.repeat(np.arange(len(tried)), tries)
    place = np.arange(len(row)) - np.repeat(np.cumsum(tries) - tries, tries)
    day = working_day(sent["screened"][tried[row]] + 2 + 6 * place + luck.between("gap", 0, 4, tried[row], place))
    reached = place == reach[row] - 1
    who = np.array(list(team.coordinators))[luck.between("who", 0, 2, tried)]
    consented = np.flatnonzero(answer == "consented")[
        np.isin(np.flatnonzero(answer == "consented"), np.flatnonzero(reach <= 5))
    ]
    final = np.zeros(len(tried), np.int64)
    np.maximum.at(final, row, day)
    number = tried[consented]
    months_in = luck.tries("leaves", 0.035, number)
    team.members = {
        "number": number,
        "enrolled": final[consented],
        "recorded": working_day(final[consented] + team.luck("enrolments").between("recorded", 0, 5, number)),
        "ended": final[consented] + 30 * months_in + luck.between("last day", 0, 30, number),
        "reason": luck.word(
            "end", {"goals_met": 30, "lost_contact": 32, "moved": 12, "lost_coverage": 18, "declined": 8}, number
        ),
        "payer": luck.word("payer", {"harbor": 74, "medicaid": 26}, number),
    }
    return team.rows(
        services.OUTREACH,
        {
            "outreach_id": numbered("OR", len(row)),
            "referral_id": numbered("RF", len(sent["number"]))[tried[row]],
            "patient": children(tried[row]),
            "coordinator": who[row],
            "contacted_on": day,
            "entered_on": working_day(day + (luck.uniform("late", tried[row], place) < 0.15)),
            "channel": luck.word("channel", {"phone": 70, "in_person": 15, "text": 10, "mail": 5}, tried[row], place),
            "is_reached": reached,
            "result": np.where(
                reached,
                answer[row],
                np.where(luck.uniform("left word", tried[row], place) < 0.2, "call_back", "no_answer"),
            ),
        },
    )


def _enrolment_rows(team: Team) -> pl.DataFrame:
    members = team.members
    number = members["number"]
    return team.rows(
        services.ENROLMENTS,
        {
            "enrolment_id": team.ids,
            "referral_id": numbered("RF", len(team.referrals["number"]))[number],
            "patient": children(number),
            "payer": [team.payers[word] for word in members["payer"].tolist()],
            "region": np.full(len(number), team.region),
            "enrolled_on": members["enrolled"],
            "recorded_on": members["recorded"],
            "ended_on": members["ended"],
            "end_reason": members["reason"],
        },
    )


def _hand_out(team: Team) -> None:
    """Each new member goes to the coordinator with the fewest; whoever leaves hands theirs on."""
    members = team.members
    order = np.argsort(members["recorded"], kind="stable").tolist()
    events = [(int(members["recorded"][row]), 1, row) for row in order]
    events += [(gone + 1, 0, -1) for _, gone in team.coordinators.values() if gone < NEVER]
    mine: dict[int, tuple[str, int]] = {}
    for day, _, row in sorted(events):
        waiting = (
            [row]
            if row >= 0
            else sorted(member for member, (who, _) in mine.items() if team.coordinators[who][1] < day)
        )
        for member in waiting:
            if member in mine:
                who, since = mine.pop(member)
                team.turns.append((member, who, since, min(day - 1, int(members["ended"][member]))))
            if members["ended"][member] >= day:
                mine[member] = (_least(team, mine, day), day)
    team.turns += [(member, who, since, int(members["ended"][member])) for member, (who, since) in mine.items()]
    team.turns.sort()


def _least(team: Team, mine: dict[int, tuple[str, int]], day: int) -> str:
    ended = team.members["ended"]
    here = [who for who, (hired, gone) in team.coordinators.items() if hired <= day <= gone] or list(team.coordinators)[
        :1
    ]
    load = dict.fromkeys(here, 0)
    for member, (who, _) in mine.items():
        if who in load and ended[member] >= day:
            load[who] += 1
    return min(load, key=lambda who: (load[who], who))


def _assignment_rows(team: Team) -> pl.DataFrame:
    member, who, start, end = (np.array(values) for values in zip(*team.turns, strict=True))
    return team.rows(
        services.CARE_ASSIGNMENTS,
        {"enrolment_id": team.ids[member], "coordinator": who, "assigned_from": start, "assigned_to": end},
    )


# -- months of members -----------------------------------------------------------------------------


def _member_months(team: Team) -> pl.DataFrame:
    """One row per member and month since the enrolment was recorded, with level, coordinator and the days enrolled in
    it."""
    members, luck = team.members, team.luck("acuity")
    held = (members["recorded"][:, None] <= team.last_days) & (members["ended"][:, None] >= team.first_days)
    member, month = np.nonzero(held)
    start = np.searchsorted(team.last_days, members["recorded"])[member]
    period = (month - start) // 6
    number = members["number"][member]
    words = list(LEVELS)
    base = np.array([words.index(word) for word in luck.word("level", LEVELS, number).tolist()])
    steps = sum(
        np.where(
            period > turn, np.searchsorted([0.22, 0.9], luck.uniform("step", number, np.full(len(number), turn))) - 1, 0
        )
        for turn in range(int(period.max(initial=0)))
    )
    level = np.array(words)[np.clip(base + steps, np.minimum(base, 0), np.maximum(base, 2))]
    assessed = np.where(
        period == 0,
        members["recorded"][member] + 10,
        team.first_days[np.minimum(start + 6 * period, len(team.months) - 1)] + 8,
    )
    turns = pl.DataFrame(team.turns, schema=["member", "coordinator", "from", "to"], orient="row")
    frame = pl.DataFrame(
        {
            "member": member,
            "month": month,
            "number": number,
            "level": level,
            "assessed": assessed,
            "day": np.minimum(team.last_days[month], members["ended"][member]),
            "begin": np.maximum(team.first_days[month], members["recorded"][member]),
        }
    )
    found = frame.join(turns, on="member").filter(pl.col("day").is_between("from", "to"))
    return found.unique(["member", "month"], keep="first").sort("member", "month")


def _acuity_rows(team: Team, months: pl.DataFrame) -> pl.DataFrame:
    labels = np.array([month.label for month in team.months])
    month, assessed = months["month"].to_numpy(), months["assessed"].to_numpy()
    return team.rows(
        services.ACUITY_MONTHS,
        {
            "enrolment_id": team.ids[months["member"].to_numpy()],
            "month": labels[month],
            "level": months["level"],
            "assessed_on": assessed,
            "recorded_on": np.maximum(assessed, working_day(team.first_days[month] + 3)),
        },
    )


def _contacts(team: Team, months: pl.DataFrame) -> pl.DataFrame:
    """Contacts of each member-month: more at higher levels, and by coordinators who work more."""
    luck = team.luck("contacts")
    number, month, level = months["number"].to_numpy(), months["month"].to_numpy(), months["level"].to_numpy()
    diligence = {who: 0.9 + 0.06 * (position % 4) for position, who in enumerate(team.coordinators)}
    span = months["day"].to_numpy() - months["begin"].to_numpy() + 1
    mean = np.array([CONTACTS[word] for word in level.tolist()]) * np.array(
        [diligence[who] for who in months["coordinator"].to_list()]
    )
    spread = 1 + 0.35 * luck.normal("how many", number, month)
    times = np.clip(np.rint(mean * 1.6 * spread * np.minimum(1, span / 26)), 0, 10).astype(np.int64)
    row = np.repeat(np.arange(len(number)), times)
    place = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    key = number[row], month[row], place
    day = months["begin"].to_numpy()[row] + (luck.uniform("day", *key) * span[row]).astype(np.int64)
    together = (months["coordinator"].to_numpy()[row] == team.one_day_coordinator) & (month[row] >= team.unbilled_from)
    day = np.where(together, months["day"].to_numpy()[row], day)
    reached = luck.uniform("reached", *key) < 0.8
    return (
        months[row.tolist()]
        .with_columns(
            contacted=pl.Series(day),
            reached=pl.Series(reached),
            mode=pl.Series(luck.word("mode", {"face_to_face": 38, "phone": 42, "video": 12, "message": 8}, *key)),
            service=pl.Series(
                only_where(reached, luck.word("service", services.CARE_CONTACTS.column("service").values, *key))
            ),
            minutes=pl.Series(np.where(reached, luck.between("minutes", 15, 75, *key), 5)),
            entered=pl.Series(working_day(day + luck.between("entered", 0, 5, *key))),
        )
        .sort("contacted", "member")
    )


def _contact_rows(team: Team, contacts: pl.DataFrame) -> pl.DataFrame:
    return team.rows(
        services.CARE_CONTACTS,
        {
            "contact_id": numbered("CT", len(contacts)),
            "enrolment_id": team.ids[contacts["member"].to_numpy()],
            "patient": children(contacts["number"].to_numpy()),
            "coordinator": contacts["coordinator"],
            "contacted_on": contacts["contacted"],
            "entered_on": contacts["entered"],
            "mode": contacts["mode"],
            "service": contacts["service"],
            "is_reached": contacts["reached"],
            "minutes": contacts["minutes"],
        },
    )


def _ready(team: Team, months: pl.DataFrame, contacts: pl.DataFrame) -> pl.DataFrame:
    """Which months can be billed, when the questionnaire was done, when the month was uploaded, or why not."""
    luck = team.luck("billing support")
    reached = contacts.filter("reached")
    made = reached.group_by("member", "month").agg(
        pl.len().alias("made"), (pl.col("mode") == "face_to_face").any().alias("in_person")
    )
    months = months.join(made, on=["member", "month"], how="left").sort("member", "month")
    needed = np.array([NEEDED[word] for word in months["level"].to_list()])
    core = (months["made"].fill_null(0).to_numpy() >= needed) & (
        (needed < 2) | months["in_person"].fill_null(False).to_numpy()
    )
    key = months["number"].to_numpy(), months["month"].to_numpy()
    opened = team.last_days[key[1]] + 1
    draw = luck.uniform("questionnaire", *key)
    unbilled = (months["coordinator"].to_numpy() == team.unbilled_coordinator) & (key[1] >= team.unbilled_from)
    done = (draw < 0.95) & ~unbilled
    consent = luck.uniform("consent", *key) > 0.02
    completed = working_day(opened + luck.between("completed", 0, 9, *key))
    uploaded = working_day(completed + luck.between("uploaded", 1, 9, *key))
    sent = core & done & consent
    missed = np.select([~core, ~done, ~consent], ["no_core_service", "no_questionnaire", "consent_missing"], "")
    return months.with_columns(
        core=pl.Series(core),
        opened=pl.Series(opened),
        completed=pl.Series(day_or_never(done, completed)),
        uploaded=pl.Series(day_or_never(sent, uploaded)),
        missed=pl.Series(only_where(~sent, missed)),
        missed_on=pl.Series(day_or_never(~sent, opened + 29)),
        unbilled=pl.Series(unbilled & core & (draw < 0.95) & consent),
    )


def _support_rows(team: Team, months: pl.DataFrame) -> pl.DataFrame:
    labels = np.array([month.label for month in team.months])
    return team.rows(
        services.BILLING_SUPPORT,
        {
            "enrolment_id": team.ids[months["member"].to_numpy()],
            "month": labels[months["month"].to_numpy()],
            "coordinator": months["coordinator"],
            "opened_on": months["opened"],
            "is_core_service_given": months["core"],
            "completed_on": months["completed"],
            "uploaded_on": months["uploaded"],
            "missed": months["missed"],
            "missed_on": months["missed_on"],
        },
    )


# -- staff and what was planted --------------------------------------------------------------------


def _staff(team: Team) -> pl.DataFrame:
    """Salaries as they came into force: hired, and raised on 1 January by 3 %."""
    luck, rows = team.luck("staff"), []
    people = [(who, "coordinator", hired, gone) for who, (hired, gone) in team.coordinators.items()]
    start = people[0][2]
    people += [("SV01", "supervisor", start, NEVER), ("BL01", "billing", start + 30, NEVER)]
    for place, (who, role, hired, gone) in enumerate(people):
        salary = {"coordinator": 5_600_000, "supervisor": 8_200_000, "billing": 5_000_000}[role]
        salary += 50_000 * int(luck.between("salary", 0, 9, np.array([place]))[0])
        share = 0.5 if role == "billing" else 1.0
        januaries = [
            int(day)
            for month, day in zip(team.months, team.first_days, strict=True)
            if month.first_day.month == 1 and hired < day <= gone
        ]
        for day in (hired, *januaries):
            rows.append((who, role, day, hired, gone, share, int(salary * share)))
            salary = salary * 103 // 100
    names = ("staff", "role", "effective_from", "hired_on", "left_on", "full_time_share", "salary_cents")
    return team.rows(
        services.STAFF, {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
    )


def _planted(team: Team, months: pl.DataFrame, claims: pl.DataFrame) -> list[dict[str, Any]]:
    """The coordinator who is not billed, the one whose services fall on one day, and the lead that pays nothing on."""
    if not team.unbilled_coordinator:
        return []
    cents, labels = rates(team.region), [month.label for month in team.months]
    since = str(team.months[team.unbilled_from].first_day)

    def rows(frame: pl.DataFrame) -> list[list[Any]]:
        wanted = frame.filter(pl.col("opened") <= team.last).select("member", "month", "opened", "level")
        return [
            [f"{team.ids[member]} {labels[month]}", None, str(np.datetime64(int(opened), "D")), cents[level]]
            for member, month, opened, level in wanted.iter_rows()
        ]

    short = (pl.col("coordinator") == team.one_day_coordinator) & (pl.col("month") >= team.unbilled_from)
    found = [
        ("contacts_not_billed", since, "share of the coordinator's billable months",
         "published rate of the months that could have been billed", team.unbilled_coordinator,
         rows(months.filter("unbilled"))),
        (ONE_DAY, since, "share of the coordinator's months with all contacts on one day",
         "published rate of the months billed so", team.one_day_coordinator,
         rows(months.filter(short & (pl.col("uploaded") < NEVER) & (pl.col("level") != "low")))),
        (LEAD_STOPS, str(np.datetime64(min(team.lead_stops_from, team.last), "D")), "share of payments not passed on",
         "what the payer paid to the lead and nobody passed on", LEAD, _kept_by_lead(team, claims)),
    ]  # fmt: skip
    return [
        planted_item(
            number, team.client, kind, start=start, start_basis="paid" if kind == LEAD_STOPS else "service",
            size=1.0, size_unit=unit, amount_means=means, scope={"provider": who}, rows=struck,
        )
        for number, (kind, start, unit, means, who, struck) in enumerate((one for one in found if one[-1]), 1)
    ]  # fmt: skip


def _kept_by_lead(team: Team, claims: pl.DataFrame) -> list[list[Any]]:
    """Claims that the payer paid to the lead Health Home in time to be passed on, and that were not."""
    if team.lead_stops_from == NEVER:
        return []
    kept = claims.filter(
        pl.col("payer_decided_on").is_not_null() & pl.col("agency_paid_on").is_null() & (pl.col("payer_paid_cents") > 0)
    )
    return [
        [claim, None, str(day), cents]
        for claim, day, cents in kept.select("care_claim_id", "payer_decided_on", "agency_paid_cents").iter_rows()
    ]
