"""Every planted problem shows in the raw files, and changes nothing but what it is about.

One small practice is written without plants, and once with each kind. The files are read here with csv and a
split of our own; only who was touched is asked of the simulation.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections import Counter, defaultdict
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import oxedi
import polars as pl
import pytest

from rcm_analysis.errors import ClientError, SourceError
from rcm_analysis.simulate import PLANT_KINDS, read_truth, write_clients
from rcm_analysis.simulate.company import day_number, grown_company, seed_company
from rcm_analysis.simulate.fees import Calendar
from rcm_analysis.simulate.files.workspace import Job, _write, fee_factor, live, write_files
from rcm_analysis.simulate.plants.draw import drawn, fixed, standing
from rcm_analysis.simulate.plants.kinds import Plant, Scope
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.workspace import open_workspace

CLIENT, MONTHS, SCALE = "chicago-med", 12, 0.2
START = dt.date(2026, 4, 6)
SCOPES = {
    "authorization_denials": (0.8, Scope("summit", ("85025", "81002", "87880"))),
    "documentation_denials": (0.5, Scope(location=1)),
    "eligibility_denials": (0.4, Scope(location=0)),
    "underpayment": (0.1, Scope("lakeshore", ("99213", "99214"))),
    "rate_cut": (0.07, Scope("summit")),
    "bundling_edit": (0.9, Scope("lakeshore", ("87880",))),
    "secondary_not_billed": (0.9, Scope()),
    "document_holds": (0.3, Scope()),
    "charge_lag_creep": (3.0, Scope(provider=1)),
    "clearinghouse_outage": (7, Scope()),
    "denials_as_contractual": (0.8, Scope()),
    "whole_dollar_sweep": (1.0, Scope()),
    "duplicated_remit": (1, Scope()),
    "patient_billed_for_denials": (0.8, Scope()),
}
LAWFUL = {"rate_cut", "bundling_edit"}


class Raw:
    """The raw files of one practice, read as late as they are asked for."""

    def __init__(self, folder: Path, touched: set[str]) -> None:
        self.folder, self.touched = folder / "raw" / CLIENT, touched
        self.truth = json.loads((folder / "truth" / f"{CLIENT}.json").read_text())

    def table(self, name: str) -> list[dict[str, str]]:
        """All months of one export; the total lines left out."""
        rows = []
        for path in sorted((self.folder / "exports").glob(f"{name}_[0-9]*.csv")) + sorted(
            (self.folder / "exports").glob(f"{name}.csv")
        ):
            with path.open(newline="") as file:
                rows += [row for row in csv.DictReader(file) if next(iter(row.values())) != "TOTAL"]
        return rows

    @cached_property
    def claims(self) -> dict[str, dict[str, str]]:
        return {row["Claim #"]: row for row in self.table("claims")}

    @cached_property
    def transactions(self) -> list[dict[str, str]]:
        return self.table("transactions")

    @cached_property
    def decisions(self) -> list[SimpleNamespace]:
        """One object per CLP, in the order of the days; a file sent again is read once more."""
        found = []
        for path in sorted((self.folder / "835").glob("*")):
            for segment in path.read_text("ascii").replace("\n", "").split("~"):
                part = segment.split("*")
                if part[0] == "TRN":
                    trace, payer = part[2], None
                elif part[0] == "DTM" and part[1] == "405":
                    created = dt.datetime.strptime(part[2], "%Y%m%d").date()
                elif part[0] == "N1" and part[1] == "PR":
                    payer = part[2]
                elif part[0] == "CLP":
                    found.append(
                        SimpleNamespace(
                            id=part[1],
                            status=part[2],
                            charge=Decimal(part[3]),
                            paid=Decimal(part[4]),
                            icn=part[7],
                            owed=Decimal(part[5]),
                            day=created,
                            trace=trace,
                            payer=payer,
                            file=path.name,
                            lines=[],
                            text=[segment],
                        )
                    )
                elif part[0] == "SVC":
                    found[-1].lines.append(
                        SimpleNamespace(
                            code=part[1].split(":")[1],
                            modifier="".join(part[1].split(":")[2:]),
                            charge=Decimal(part[2]),
                            paid=Decimal(part[3]),
                            units=int(part[5]),
                            cas=[],
                        )
                    )
                elif part[0] == "CAS":
                    found[-1].lines[-1].cas += [
                        (part[1], part[at], Decimal(part[at + 1])) for at in range(2, len(part), 3)
                    ]
                if (
                    part[0] in ("SVC", "CAS", "NM1", "REF", "LQ", "AMT", "DTM")
                    and found
                    and payer
                    and found[-1].trace == trace
                ):
                    found[-1].text.append(segment)
        return sorted(found, key=lambda claim: claim.day)

    @cached_property
    def first(self) -> dict[str, SimpleNamespace]:
        """First decision of the primary payer on each claim."""
        found = {}
        for claim in self.decisions:
            if claim.status in ("1", "4", "19"):
                found.setdefault(claim.id, claim)
        return found

    @cached_property
    def sent(self) -> list[tuple[str, dt.date, str, str]]:
        """Claim, day, P or S, and frequency of every CLM."""
        found = []
        for path in sorted((self.folder / "837").glob("*")):
            order = None
            for segment in path.read_text("ascii").replace("\n", "").split("~"):
                part = segment.split("*")
                if part[0] == "BHT":
                    day = dt.datetime.strptime(part[4], "%Y%m%d").date()
                elif part[0] == "HL":
                    order = None
                elif part[0] == "SBR" and order is None:
                    order = part[1]
                elif part[0] == "CLM":
                    found.append((part[1], day, order, part[5].split(":")[2]))
        return found

    @cached_property
    def held_by_mistake(self) -> set[str]:
        """Claims on which the payment of another claim stood for a while."""
        return {row["Claim #"] for row in self.transactions if row["Check/EFT #"] and not row["Line"]}

    @cached_property
    def rows(self) -> Counter:
        """Everything that is told about claims, as text that begins with the claim."""
        told = Counter()
        for name in ("claims", "charge_detail", "transactions", "claim_edits", "notes"):
            for row in self.table(name):
                ids = ("Txn ID", "Note ID", "Edit ID")
                told[row["Claim #"], name, *(value for key, value in row.items() if key not in ids)] += 1
        told.update((claim, "837", day, order, frequency) for claim, day, order, frequency in self.sent)
        told.update(
            (claim.id, "835", claim.trace, *claim.text)
            for claim in self.decisions
            if not claim.file.startswith("resent")
        )
        return told


def cents(text: str) -> Decimal:
    return Decimal(re.sub(r"[$,()]", "", text))


def us(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%m/%d/%Y").date()


def plant_of(kind: str) -> Plant:
    size, scope = SCOPES[kind]
    end = day_number(START) + 6 if kind == "clearinghouse_outage" else None
    return Plant(f"{CLIENT}/{kind}/1", kind, CLIENT, day_number(START), size, scope, end)


@pytest.fixture(scope="module")
def practices(tmp_path_factory):
    """Writes the practice with one plant, or with none, once."""
    (client,) = seed_company([CLIENT]).clients
    calendar, kept = Calendar.ending("2026-10", MONTHS), {}
    factor = fee_factor(Job(client, seed_company([CLIENT]), calendar, 11, SCALE))

    def written(kind: str | None) -> Raw:
        if kind not in kept:
            plants = ()
            if kind:
                plants = tuple(plant_of(one) for one in (SCOPES if kind == "everything" else [kind]))
            practice = live(Job(client, seed_company([CLIENT]), calendar, 11, SCALE, plants), factor)
            folder = tmp_path_factory.mktemp(str(kind))
            write_files(folder, practice)
            touched = {
                f"{client.number:03d}{number + 1:06d}"
                for plant in plants
                for number in practice.book.plant_log.rows(plant, 10**8)["claim"]
            }
            kept[kind] = Raw(folder, touched)
        return kept[kind]

    return written


@pytest.fixture(scope="module")
def quiet(practices):
    return practices(None)


# -- the law: a plant changes only what it is about -------------------------------------------------


@pytest.mark.parametrize("kind", SCOPES)
def test_a_plant_changes_only_the_claims_that_it_touched(kind, practices, quiet):
    planted = practices(kind)
    without, along = quiet.rows, planted.rows
    changed = {row[0] for row in (without - along) + (along - without)} - {""}
    assert changed <= planted.touched | quiet.held_by_mistake | planted.held_by_mistake
    (told,) = (plant for plant in planted.truth["plants"] if plant["kind"] == kind and plant["id"].endswith("/1"))
    named = {row[0] for row in told["rows"]}
    assert named and named <= planted.touched
    if kind != "duplicated_remit":
        assert len(named & changed) > 0.95 * len(named)
    assert len(named) < 0.7 * len(planted.claims)


@pytest.mark.parametrize("kind", sorted(set(SCOPES) - {"rate_cut"}))
def test_only_a_lawful_change_shows_in_the_fee_schedule(kind, practices, quiet):
    assert practices(kind).table("fee_schedules") == quiet.table("fee_schedules")
    assert practices("rate_cut").table("fee_schedules") != quiet.table("fee_schedules")


@pytest.mark.parametrize("kind", SCOPES)
def test_the_truth_adds_up_and_names_days_that_the_files_hold(kind, practices):
    (told,) = (plant for plant in practices(kind).truth["plants"] if plant["id"].endswith("/1"))
    assert (
        told["amount_cents"]
        == sum(row[3] for row in told["rows"])
        == sum(month["amount_cents"] for month in told["months"])
        > 0
    )
    assert told["claims_count"] == len({row[0] for row in told["rows"]})
    assert told["first_seen"] == min(row[2] for row in told["rows"]) >= told["start"] == START.isoformat()
    assert max(row[2] for row in told["rows"]) <= "2026-10-31"
    assert told["is_problem"] == (kind not in LAWFUL)


def test_a_quiet_practice_has_nothing_but_the_lawful_cut_that_everybody_has(quiet):
    assert [(plant["kind"], plant["is_problem"], plant["scope"]["payer"]) for plant in quiet.truth["plants"]] == [
        ("rate_cut", False, "northwind")
    ]
    assert standing(seed_company([CLIENT]).clients[0], Calendar.ending("2026-10", MONTHS))[0].start == day_number(
        dt.date(2026, 6, 1)
    )


# -- each problem, seen in the raw files ------------------------------------------------------------


def named(raw: Raw, kind: str) -> SimpleNamespace:
    (told,) = (plant for plant in raw.truth["plants"] if plant["kind"] == kind and plant["id"].endswith("/1"))
    return SimpleNamespace(claims={row[0] for row in told["rows"]}, dollars=Decimal(told["amount_cents"]) / 100)


def shares(pairs) -> tuple[float, float]:
    """Share of true outcomes before the start, and from it."""
    seen = defaultdict(list)
    for day, outcome in pairs:
        seen[day >= START].append(outcome)
    return tuple(sum(seen[late]) / len(seen[late]) for late in (False, True))


def denied(raw: Raw, carc: str, day, wanted) -> tuple[float, float]:
    found = [
        (day(claim), any(code == carc for line in claim.lines for _, code, _ in line.cas))
        for claim in raw.first.values()
        if wanted(claim)
    ]
    return shares(found)


DENIALS = {
    "authorization_denials": (
        "197",
        lambda raw: lambda claim: claim.day,
        lambda raw: (
            lambda claim: (
                claim.payer == "SUMMIT MUTUAL" and any(line.code in ("85025", "81002", "87880") for line in claim.lines)
            )
        ),
    ),
    "documentation_denials": (
        "252",
        lambda raw: lambda claim: us(raw.claims[claim.id]["DOS"]),
        lambda raw: lambda claim: raw.claims[claim.id]["Facility"] == "Site 02",
    ),
    "eligibility_denials": (
        "27",
        lambda raw: lambda claim: us(raw.claims[claim.id]["DOS"]),
        lambda raw: lambda claim: raw.claims[claim.id]["Facility"] == "Site 01",
    ),
    "bundling_edit": (
        "97",
        lambda raw: lambda claim: claim.day,
        lambda raw: (
            lambda claim: claim.payer == "LAKESHORE HEALTH" and any(line.code == "87880" for line in claim.lines)
        ),
    ),
}


@pytest.mark.parametrize("kind", DENIALS)
def test_denials_jump_in_the_scope_and_nowhere_else(kind, practices, quiet):
    raw, (carc, day, wanted) = practices(kind), DENIALS[kind]
    before, after = denied(raw, carc, day(raw), wanted(raw))
    assert before < 0.1 and after > SCOPES[kind][0] * 0.7
    assert denied(quiet, carc, day(quiet), wanted(quiet))[1] < 0.1
    assert denied(raw, carc, day(raw), lambda claim: not wanted(raw)(claim))[1] < 0.06


def short_lines(raw: Raw) -> dict[str, Decimal]:
    """Claims with lines allowed less than the fee schedule, and by how much; takebacks pay far less, and are not
    these."""
    fees = defaultdict(list)
    for row in raw.table("fee_schedules"):
        fees[row["Ins"], row["CPT/HCPCS"], row["Mods"]].append(
            (us(row["From"]), us(row["To"]) if row["To"] else dt.date.max, cents(row["Allowed"]))
        )
    names = {"LAKESHORE HEALTH": "LAKESHORE", "SUMMIT MUTUAL": "SUMMIT"}
    missing: dict[str, Decimal] = defaultdict(Decimal)
    seen = set()
    for claim in raw.decisions:
        if claim.payer not in names or claim.status not in ("1", "19") or claim.icn.endswith("1"):
            continue
        for number, line in enumerate(claim.lines, 1):
            carcs = {carc for _, carc, _ in line.cas}
            if carcs - {"45", "253", "1", "2", "3"} or (claim.id, number) in seen:
                continue
            served = us(raw.claims[claim.id]["DOS"])
            (fee,) = (
                fee for start, end, fee in fees[names[claim.payer], line.code, line.modifier] if start <= served <= end
            )
            allowed = line.paid + sum(value for _, carc, value in line.cas if carc != "45")
            expected = min(line.charge, fee * line.units)
            if expected * Decimal("0.85") < allowed < expected:
                seen.add((claim.id, number))
                missing[claim.id] += expected - allowed
    return dict(missing)


def test_short_payments_are_found_by_the_fee_schedule_to_the_cent(practices, quiet):
    told = named(practices("underpayment"), "underpayment")
    found = short_lines(practices("underpayment"))
    assert set(found) == told.claims and sum(found.values()) == told.dollars
    assert not short_lines(quiet)


def test_a_rate_cut_lowers_what_is_paid_and_is_no_short_payment(practices, quiet):
    raw = practices("rate_cut")
    assert not short_lines(raw)
    told = named(raw, "rate_cut")
    allowed = {
        name: sum(
            line.paid + sum(value for _, carc, value in line.cas if carc in ("1", "2", "3"))
            for claim in told.claims
            for line in either.first[claim].lines
        )
        for name, either in (("cut", raw), ("old", quiet))
    }
    assert 0.92 < allowed["cut"] / allowed["old"] < 0.945


def unbilled(raw: Raw) -> list[tuple[dt.date, bool]]:
    asked = {claim for claim, _, order, _ in raw.sent if order == "S"}
    return [
        (claim.day, claim.id not in asked)
        for claim in raw.first.values()
        if raw.claims[claim.id]["Secondary Ins"]
        and claim.status == "1"
        and claim.owed > 0
        and claim.day < dt.date(2026, 9, 28)
        and not any(carc not in ("45", "253", "1", "2", "3") for line in claim.lines for _, carc, _ in line.cas)
    ]


def test_secondaries_stop_being_billed(practices, quiet):
    before, after = shares(unbilled(practices("secondary_not_billed")))
    assert before < 0.25 and after > 0.8
    assert shares(unbilled(quiet))[1] < 0.3


def held(raw: Raw) -> tuple[float, float]:
    waiting = {
        row["Claim #"]
        for row in raw.table("notes")
        if row["Action"] == "request_documents" and row["Hold"] == "documents"
    }
    return shares((us(row["Entry Date"]), name in waiting) for name, row in raw.claims.items())


def test_claims_wait_for_documents(practices, quiet):
    before, after = held(practices("document_holds"))
    assert before < 0.03 and after > 0.2 and held(quiet)[1] < 0.03


def entry_lag(raw: Raw, provider_of: dict, months: tuple[int, ...]) -> float:
    waits = [
        (us(row["Entry Date"]) - us(row["DOS"])).days
        for row in raw.claims.values()
        if row["Rendering"] == provider_of["provider"]
        and us(row["DOS"]).year == 2026
        and us(row["DOS"]).month in months
    ]
    return sum(waits) / len(waits)


def test_charges_are_entered_later_every_month_by_one_provider(practices, quiet):
    raw = practices("charge_lag_creep")
    (who,) = (plant["scope"] for plant in raw.truth["plants"] if plant["kind"] == "charge_lag_creep")
    early, middle, late = (entry_lag(raw, who, months) for months in ((1, 2, 3), (5, 6), (8, 9)))
    assert early < 5 and early + 2 < middle < late - 3
    assert entry_lag(quiet, who, (8, 9)) < 5


def test_nothing_leaves_in_the_week_without_clearinghouse(practices, quiet):
    week = [START + dt.timedelta(days) for days in range(7)]
    days = Counter(day for _, day, _, _ in practices("clearinghouse_outage").sent)
    assert not any(days[day] for day in week)
    usual = Counter(day for _, day, _, _ in quiet.sent)
    assert (
        sum(usual[day] for day in week) > 10 and days[START + dt.timedelta(7)] > 3 * max(usual[day] for day in week) / 2
    )


def disguised(raw: Raw) -> dict[str, Decimal]:
    """Contractual CO-45 posted beyond what the payers remitted, by claim."""
    more: dict[str, Decimal] = defaultdict(Decimal)
    for row in raw.transactions:
        if row["Type"] == "CON" and row["Adj Reason"] == "45":
            more[row["Claim #"]] += cents(row["Amount"]) * (-1 if row["Amount"].startswith("(") else 1)
    for claim in raw.decisions:
        for line in claim.lines:
            more[claim.id] -= sum(value for group, carc, value in line.cas if (group, carc) == ("CO", "45"))
    return {claim: value for claim, value in more.items() if value}


def test_denials_posted_as_contractual_exceed_what_the_payers_took_off(practices, quiet):
    raw = practices("denials_as_contractual")
    told, found = named(raw, "denials_as_contractual"), disguised(raw)
    assert set(found) == told.claims and sum(found.values()) == told.dollars and len(found) > 8
    assert not disguised(quiet)


def swept(raw: Raw) -> list[tuple[str, Decimal]]:
    return [
        (row["Claim #"], cents(row["Amount"]))
        for row in raw.transactions
        if row["Type"] == "WO"
        and row["Resp"] in "PS"
        and (us(row["Post Date"]) + dt.timedelta(1)).day == 1
        and us(row["Post Date"]) >= START
        and row["Reason"] == "administrative"
        and row["Amount"].endswith(".00")
    ]


def test_old_balances_are_swept_in_whole_dollars_at_the_months_end(practices, quiet):
    raw = practices("whole_dollar_sweep")
    told, found = named(raw, "whole_dollar_sweep"), swept(raw)
    assert (
        {claim for claim, _ in found} == told.claims
        and sum(value for _, value in found) == told.dollars
        and len(found) > 8
    )
    assert len(swept(quiet)) < 2


def copies(raw: Raw) -> list[tuple[str, ...]]:
    same = defaultdict(list)
    for path in sorted((raw.folder / "835").iterdir()):
        text = path.read_text("ascii")
        same[text[text.index("ST*835") : text.rindex("IEA*")]].append(path.name)
    return [tuple(names) for names in same.values() if len(names) > 1]


def test_one_remittance_file_is_delivered_twice_in_another_envelope(practices, quiet):
    raw = practices("duplicated_remit")
    ((original, again),) = copies(raw)
    assert raw.truth["plants"][1]["files"] == [f"835/{again}"] and again == f"resent_{original}"
    assert (raw.folder / "835" / original).read_bytes() != (raw.folder / "835" / again).read_bytes()
    assert {claim.id for claim in raw.decisions if claim.file == again} == named(raw, "duplicated_remit").claims
    assert not copies(quiet)


def moved_to_patients(raw: Raw) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in raw.transactions:
        if row["Type"] == "XFR" and row["Resp"] == "G" and row["Grp"] == "CO":
            sums[row["Claim #"]] += cents(row["Amount"])
    return dict(sums)


def test_what_the_provider_must_bear_is_billed_to_patients(practices, quiet):
    raw = practices("patient_billed_for_denials")
    told, found = named(raw, "patient_billed_for_denials"), moved_to_patients(raw)
    assert set(found) == told.claims and sum(found.values()) == told.dollars and len(found) > 8
    stated = {row["Claim #"] for row in raw.table("notes") if row["Action"] == "statement"}
    assert len(stated & set(found)) > len(found) / 2
    assert not moved_to_patients(quiet)


# -- all of it at once ------------------------------------------------------------------------------


def test_with_everything_planted_every_835_balances_and_oxedi_agrees(practices):
    raw = practices("everything")
    assert {plant["kind"] for plant in raw.truth["plants"] if plant["claims_count"]} == set(SCOPES)
    paid = defaultdict(Decimal)
    for claim in raw.decisions:
        assert claim.charge == sum(line.charge for line in claim.lines) and claim.paid == sum(
            line.paid for line in claim.lines
        )
        assert all(line.charge - sum(value for _, _, value in line.cas) == line.paid for line in claim.lines)
        assert claim.owed == sum(value for line in claim.lines for group, _, value in line.cas if group == "PR")
        paid[claim.file, claim.trace] += claim.paid
    counted = 0
    for path in sorted((raw.folder / "835").iterdir()):
        text = path.read_text("ascii").replace("\n", "")
        for payment in text.split("~BPR*")[1:]:
            adjusted = sum(
                Decimal(part)
                for plb in re.findall(r"~PLB\*[^*]*\*[^*]*\*([^~]*)", payment)
                for part in plb.split("*")[1::2]
            )
            trace = re.search(r"~TRN\*1\*([^*]*)", payment)[1]
            assert Decimal(payment.split("*")[1]) == paid[path.name, trace] - adjusted
        counted += oxedi.parse_file(str(path)).count_claims()
    assert counted == len(raw.decisions) > 1000


def test_with_everything_planted_the_ledger_still_ties_to_its_month_ends_and_remittances(practices):
    raw = practices("everything")
    lowers = {"PMT", "CON", "WO"}
    effect = defaultdict(Decimal)
    traced = defaultdict(Decimal)
    for row in raw.transactions:
        value = (
            cents(row["Amount"]) * (-1 if row["Amount"].startswith("(") else 1) * (-1 if row["Type"] in lowers else 1)
        )
        effect[f"{us(row['Post Date']):%Y-%m}"] += value
        traced[row["Check/EFT #"]] -= value
    closing = Decimal(0)
    for month in raw.table("month_end"):
        closing += effect[month["Period"]]
        assert closing == cents(month["Closing AR"])
    remitted = defaultdict(Decimal)
    for claim in raw.decisions:
        if not claim.file.startswith("resent"):
            remitted[claim.trace] += claim.paid
    assert {trace: value for trace, value in traced.items() if trace and value} == {
        trace: value for trace, value in remitted.items() if value
    }


def test_intake_refuses_the_remittance_sent_again_with_one_message(tmp_path):
    (client,) = seed_company(["dr-suess"]).clients
    plant = Plant("dr-suess/duplicated_remit/1", "duplicated_remit", "dr-suess", day_number(dt.date(2026, 8, 3)), 1)
    _write(tmp_path, [Job(client, seed_company(["dr-suess"]), Calendar.ending("2026-10", 4), 5, 0.1, (plant,))], 1)
    workspace = open_workspace(tmp_path)
    report = ingest_client(workspace, "dr-suess", find_files(workspace)["dr-suess"])
    (found,) = report.findings.filter("needs_person").to_dicts()
    assert found["rule"] == "duplicate_remittance" and found["needs_person"]
    assert found["file"].startswith("835/resent_") and "not counted twice" in found["message"]


# -- who gets what ----------------------------------------------------------------------------------


def test_random_plants_reach_every_kind_of_the_usual_world_and_leave_a_third_of_the_clients_quiet():
    calendar, drawn_for = Calendar.ending("2026-10", 24), {}
    for seed in range(4):
        company = grown_company(60, seed)
        for client in company.clients:
            drawn_for[seed, client.id] = drawn(client, company, calendar, seed)
            assert drawn_for[seed, client.id] == drawn(client, company, calendar, seed)
    plants = [plant for some in drawn_for.values() for plant in some]
    kinds = Counter(plant.kind for plant in plants)
    assert set(PLANT_KINDS) == {*SCOPES, "payer_succeeded"}, "a succession is a law of its world"
    assert set(kinds) == set(SCOPES) - {"bundling_edit"} and min(kinds.values()) >= 10
    quiet = sum(not any(PLANT_KINDS[plant.kind].is_problem for plant in some) for some in drawn_for.values())
    assert 0.25 < quiet / len(drawn_for) < 0.45
    assert all(calendar.month_start(10) <= plant.start <= calendar.month_start(1) for plant in plants)
    assert len({plant.id for some in drawn_for.values() for plant in some}) == len({(p.client, p.id) for p in plants})


def test_the_demo_plants_one_problem_here_and_there_and_leaves_clients_alone():
    calendar = Calendar.ending("2026-10", 20)
    plan = {client.id: fixed(client, calendar) for client in seed_company().clients}
    assert [name for name, plants in plan.items() if not plants] == ["st-elsewhere", "dr-suess", "dr-foot-loose"]
    kinds = [plant.kind for plants in plan.values() for plant in plants]
    assert "duplicated_remit" not in kinds and len(set(kinds)) >= 9


def test_side_by_side_or_one_after_the_other_the_bytes_are_the_same_and_the_truth_is_read(tmp_path):
    for workers in (1, 2):
        write_clients(tmp_path / str(workers), clients=3, months=3, seed=5, scale=0.02, workers=workers)
    files = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*") if path.is_file())
    assert len(files) > 100 and len(files) == sum(path.is_file() for path in (tmp_path / "2").rglob("*"))
    assert all((tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes() for name in files)
    truth = read_truth(tmp_path / "1")
    assert truth.clients == ["2020-vision", "chicago-med", "ortho-group"]
    told = truth.rows.group_by("plant").agg(pl.col("amount_cents").sum()).join(truth.plants, on="plant")
    assert told.height > 0 and (told["amount_cents"] == told["amount_cents_right"]).all()
    assert truth["ortho-group"].plants["client"].unique().to_list() == ["ortho-group"]
    with pytest.raises(ClientError, match="Closest: ortho-group"):
        truth["ortho-grup"]


def test_a_workspace_that_was_not_simulated_has_no_truth(tmp_path):
    with pytest.raises(SourceError, match="expected truth/"):
        read_truth(tmp_path)
