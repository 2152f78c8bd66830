"""What the payers decide: first adjudications, denials, rework, secondaries and takebacks.

Every decision is a row of `claims` (one CLP of an 835) with its `lines`, whose amounts always add up:
charge = paid + contractual + sequestration + deductible + coinsurance + copay + prior payer + denied.
A reversal is the same row with every amount negated.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from .company import stream
from .corrections import SPLIT, SPLIT_APART
from .laws import TWO_SPEEDS, lag_days
from .practice_book import ChargeBook, claims_in_scope, codes_in_scope, struck, working_day
from .submission import NEVER, Submitted, add_submissions, sending_days

AMOUNTS = ("charge", "paid", "contractual", "sequestration", "deductible", "coinsurance", "copay", "prior", "denied")
REVIEWED = {"ortho": 1.08, "surgery": 1.1, "multi": 1.04, "pediatric": 0.95}
"""How much longer payers take over the claims of a specialty: operations are reviewed, check-ups are not."""
SHARES = ("deductible", "coinsurance", "copay")


@dataclass
class Decisions:
    """Claim payments so far, and for each claim what its owner must know later.

    `posted_away` and `to_patient` mark claims whose first denial the office will post as contractual,
    or bill to the patient, instead of working it.
    """

    book: ChargeBook
    sent: Submitted
    claims: list[dict[str, np.ndarray]] = field(default_factory=list)
    lines: list[dict[str, np.ndarray]] = field(default_factory=list)
    count: int = 0
    posted_away: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    to_patient: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    def add(self, claims: dict[str, np.ndarray], lines: dict[str, np.ndarray]) -> None:
        """Keep the decisions; `lines["owner"]` counts within `claims`."""
        numbers = np.arange(len(claims["claim"])) + self.count
        self.claims.append(claims | {"decision": numbers})
        self.lines.append(
            {name: values for name, values in lines.items() if name != "owner"} | {"decision": numbers[lines["owner"]]}
        )
        self.count += len(numbers)


@dataclass(frozen=True)
class DenialCodes:
    """The denial table of the company as arrays: one row per group, CARC and RARC."""

    group: np.ndarray
    carc: np.ndarray
    rarc: np.ndarray
    weight: np.ndarray
    category: np.ndarray
    whole: np.ndarray
    reworked: np.ndarray
    overturned: np.ndarray
    appeal: np.ndarray
    reason: np.ndarray

    @classmethod
    def of(cls, book: ChargeBook) -> DenialCodes:
        rows = []
        for entry in book.company.denials:
            total = sum(code[3] for code in entry["codes"])
            rows += [
                (
                    group,
                    carc,
                    rarc,
                    entry["weight"] * weight / total,
                    entry["category"],
                    entry["whole"],
                    entry["reworked"],
                    entry["overturned"],
                    entry["how"] == "appeal",
                    entry["reason"],
                )
                for group, carc, rarc, weight in entry["codes"]
            ]
        return cls(*(np.array(column) for column in zip(*rows, strict=True)))


def decide(book: ChargeBook, sent: Submitted) -> Decisions:
    """Every decision on every claim, in the order in which they depend on each other."""
    decisions = Decisions(book, sent)
    codes = DenialCodes.of(book)
    first, first_lines, denial = _first(book, sent, codes)
    decisions.add(first, first_lines)
    _habits(decisions, codes, first, first_lines, denial)
    final, final_lines = _rework(decisions, codes, first, first_lines, denial)
    _secondaries(decisions, final, final_lines)
    _takebacks(decisions, codes, final, final_lines)
    return decisions


def remit_day(book: ChargeBook, payer: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """The payer's next weekly remittance; from Christmas to New Year and around Thanksgiving there is none."""
    laws, ids = book.company.laws, [entry.id for entry in book.company.payers]
    weekday = np.array([entry.remit_weekday for entry in book.company.payers])[payer]
    monthly = np.isin(ids, laws.monthly_payers)[payer]
    decided = np.where(monthly, month_end(decided), decided)
    day = decided + (weekday - (decided + 3)) % 7
    pauses = ~np.isin(ids, laws.pays_at_year_end)[payer]
    for _ in range(2):
        day = day + np.where(pauses & _closed(day), 7, 0)
    return day


def month_end(day: np.ndarray) -> np.ndarray:
    """The last day of each day's month.

    >>> int(month_end(np.array([0]))[0])
    30
    """
    months = np.asarray(day, np.int64).astype("datetime64[D]").astype("datetime64[M]") + 1
    return months.astype("datetime64[D]").astype(np.int64) - 1


def _closed(day: np.ndarray) -> np.ndarray:
    """From 24 December to 1 January, and from the fourth Thursday of November to the Sunday after.

    >>> _closed(
    ...     np.array(["2025-12-23", "2025-12-24", "2026-01-01", "2025-11-27", "2025-11-21"], "datetime64[D]").astype(
    ...         int
    ...     )
    ... )
    array([False,  True,  True,  True, False])
    """
    dates = day.astype("datetime64[D]")
    in_month = (dates - dates.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    month = dates.astype("datetime64[M]").astype(np.int64) % 12 + 1
    thursday = in_month - day % 7  # the latest Thursday, in days of the month: 1970-01-01 was one
    thanksgiving = (month == 11) & (thursday >= 22) & (thursday <= 28) & (in_month - thursday <= 3)
    return thanksgiving | ((month == 12) & (in_month >= 24)) | ((month == 1) & (in_month == 1))


def lag(book: ChargeBook, claims: np.ndarray, payer: np.ndarray, stage: str) -> np.ndarray:
    """Days from acceptance to decision: a quick log-normal bulk and a slow tail, by payer and specialty."""
    draws = book.draws(f"lag of {stage}")
    fast = np.array([entry.fast_days for entry in book.company.payers])[payer] * REVIEWED.get(book.client.codes, 1.0)
    slow = draws.uniform("slow")[claims] < np.array([entry.slow_share for entry in book.company.payers])[payer]
    tail, bulk = draws.lognormal("tail", 0.5)[claims], draws.lognormal("bulk", 0.3)[claims]
    if book.company.laws.lag == TWO_SPEEDS:
        days = np.where(slow, fast * 2.4 * tail, (fast - 6) * bulk + 3)
    else:
        days = lag_days(book.company.laws, fast, slow, tail, bulk)
    return np.maximum(2, np.rint(days)).astype(np.int64)


def contract(book: ChargeBook, line: np.ndarray, without: str | None = None) -> np.ndarray:
    """What the contract allows for the lines: its fee, or the charge if that is less."""
    claim = book.lines["claim"][line]
    fee = book.fees.allowed(
        book.claims["payer"][claim],
        book.lines["code"][line],
        book.lines["modifier"][line],
        book.lines["units"][line],
        book.claims["service"][claim],
        without,
    )
    laws = book.company.laws
    if laws.lesser_plan:
        units = book.lines["units"][line]
        less = np.rint(fee / units * (1 - laws.lesser_plan[1])).astype(np.int64) * units
        fee = np.where(book.patients["lesser_plan"][book.claims["patient"][claim]], less, fee)
    return np.minimum(book.lines["charge"][line], fee)


def _priced(book: ChargeBook, line: np.ndarray, paid: np.ndarray, day: np.ndarray, factor: float) -> np.ndarray:
    """What the payer allows, decided on `day`: by contract, unless an underpayment is planted."""
    expected = contract(book, line)
    allowed = (
        expected if factor == 1 else np.minimum(book.lines["charge"][line], np.rint(expected * factor).astype(np.int64))
    )
    claim = book.lines["claim"][line]
    for plant in book.plant_log.of("rate_cut"):
        less = contract(book, line, plant.id) - expected
        rows = np.flatnonzero(paid & (less > 0))
        book.plant_log.note(plant, claim[rows], day[rows], less[rows], line[rows])
    for plant in book.plant_log.of("underpayment") if factor == 1 else ():
        part = book.draws(f"plant {plant.id}").uniform("part")[claim] < plant.share
        held = plant.holds(day) & claims_in_scope(book, plant, claim) & codes_in_scope(book, plant, line)
        rows = np.flatnonzero(paid & held & part)
        short = np.rint(allowed[rows] * plant.size).astype(np.int64)
        allowed[rows] -= short
        book.plant_log.note(plant, claim[rows], day[rows], short, line[rows])
    return np.where(paid, allowed, 0)


def settle(
    book: ChargeBook, decision: dict[str, np.ndarray], denial: np.ndarray, factor: float = 1.0
) -> dict[str, np.ndarray]:
    """Price the lines of the claims as primary; `denial` is a code row per line, -1 where it is paid."""
    line, owner = book.lines_of(decision["claim"])
    claim = book.lines["claim"][line]
    charge = book.lines["charge"][line]
    claims = book.claims
    allowed = _priced(book, line, denial < 0, decision["day"][owner], factor)
    deductible = np.rint(allowed * claims["deductible"][claim]).astype(np.int64)
    flat = claims["copay"][claim] > 0
    coinsurance = np.where(flat, 0, np.rint((allowed - deductible) * claims["coinsurance"][claim])).astype(np.int64)
    first = book.lines["number"][line] == 1
    copay = np.where(flat & first & (deductible == 0), np.minimum(claims["copay"][claim], allowed), 0)
    medicare = claims["payer"][claim] == book.payer_number("medicare")
    due = allowed - deductible - coinsurance - copay
    sequestration = np.where(medicare, np.rint(due * 0.02), 0).astype(np.int64)
    denied = np.where(denial >= 0, charge, 0)
    return {
        "owner": owner,
        "line": line,
        "charge": charge,
        "paid": due - sequestration,
        "contractual": charge - allowed - denied,
        "sequestration": sequestration,
        "deductible": deductible,
        "coinsurance": coinsurance,
        "copay": copay,
        "prior": np.zeros_like(charge),
        "denied": denied,
        "code": denial,
    }


def picked(claims: dict[str, np.ndarray], lines: dict[str, np.ndarray], rows: np.ndarray) -> tuple[dict, dict]:
    """The claims at `rows` with their lines."""
    place = np.full(len(claims["claim"]), -1)
    place[rows] = np.arange(len(rows))
    keep = place[lines["owner"]] >= 0
    kept = {name: values[keep] for name, values in lines.items()}
    return {name: values[rows] for name, values in claims.items()}, kept | {"owner": place[kept["owner"]]}


def reversed_of(claims: dict, lines: dict, day: np.ndarray, kind: str) -> tuple[dict, dict]:
    """The same decisions taken back: status 22 and every amount negated."""
    count = len(claims["claim"])
    back = claims | {
        "status": np.full(count, "22"),
        "day": day,
        "rank": np.zeros(count, np.int64),
        "kind": np.full(count, kind),
    }
    return back, lines | {name: -lines[name] for name in AMOUNTS}


def _decision(
    claim: np.ndarray, payer: np.ndarray, order: int, day: np.ndarray, kind: str, status: np.ndarray
) -> dict[str, np.ndarray]:
    count = len(claim)
    return {
        "claim": claim,
        "payer": payer,
        "order": np.full(count, order),
        "day": day,
        "status": status,
        "rank": np.ones(count, np.int64),
        "kind": np.full(count, kind),
    }


def _first(book: ChargeBook, sent: Submitted, codes: DenialCodes) -> tuple[dict, dict, np.ndarray]:
    draws = book.draws("adjudication")
    accepted = np.flatnonzero((sent.accepted < NEVER) & (draws.uniform("answered") > 0.009))
    payer = book.claims["payer"][accepted]
    day = remit_day(book, payer, sent.accepted[accepted] + lag(book, accepted, payer, "first decisions"))
    heavier = [1.0, 1.2, 1.35, 0.9, 1.0, 1.15, 0.8, 1.25, 1.5, 0.0]
    heavier += [heavier[book.payer_number(old)] for old, _ in book.company.renamed]
    is_denied = draws.uniform("denied")[accepted] < book.client.denial_rate * np.array(heavier)[payer]
    heap = np.cumsum(codes.weight / codes.weight.sum())
    drawn = np.minimum(np.searchsorted(heap, draws.uniform("code")[accepted], side="right"), len(heap) - 1)
    denial = np.where(is_denied, drawn, -1)
    line, owner = book.lines_of(accepted)
    struck_line = 1 + (draws.uniform("line")[accepted] * book.line_count[accepted]).astype(np.int64)
    on_line = (denial[owner] >= 0) & (codes.whole[denial[owner]] | (book.lines["number"][line] == struck_line[owner]))
    denial, on_line = _systemic(book, codes, accepted, day, denial, on_line)
    crossover = (
        (book.claims["secondary"][accepted] >= 0)
        & (payer == book.payer_number("medicare"))
        & (draws.uniform("crossover")[accepted] < 0.72)
    )
    fully = np.bincount(owner, weights=~on_line, minlength=len(accepted)) == 0
    says_four = (
        fully
        & np.isin(payer, [book.payer_number("northwind"), book.payer_number("medicaid")])
        & (draws.uniform("status 4")[accepted] < 0.6)
    )
    status = np.select([says_four, crossover & ~fully], ["4", "19"], "1")
    decision = _decision(accepted, payer, 0, day, "first", status)
    return decision, settle(book, decision, np.where(on_line, denial[owner], -1)), denial


SYSTEMIC = {
    "authorization_denials": ("197", lambda book, claims, decided: decided),
    "documentation_denials": ("252", lambda book, claims, decided: book.claims["service"][claims]),
    "eligibility_denials": ("27", lambda book, claims, decided: book.claims["service"][claims]),
    "bundling_edit": ("97", lambda book, claims, decided: decided),
}
"""The CARC of each planted denial, and the days that decide whether its time has come."""


def _systemic(
    book: ChargeBook,
    codes: DenialCodes,
    claims: np.ndarray,
    decided: np.ndarray,
    denial: np.ndarray,
    on_line: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Planted denials of claims that would have been paid: the lines in scope, the others untouched."""
    line, owner = book.lines_of(claims)
    for kind, (carc, days) in SYSTEMIC.items():
        code = int(np.flatnonzero(codes.carc == carc)[0])
        for plant in book.plant_log.of(kind):
            hit = (denial < 0) & struck(book, plant, claims, days(book, claims, decided))
            denial = np.where(hit, code, denial)
            rows = np.flatnonzero(hit[owner] & codes_in_scope(book, plant, line))
            on_line[rows] = True
            book.plant_log.note(
                plant, claims[owner[rows]], decided[owner[rows]], contract(book, line[rows]), line[rows]
            )
    return denial, on_line


def _habits(decisions: Decisions, codes: DenialCodes, first: dict, lines: dict, denial: np.ndarray) -> None:
    """Denials that the office will not work: posted as contractual, or billed to the patient."""
    book, claims = decisions.book, first["claim"]
    decisions.posted_away, decisions.to_patient = np.zeros(book.size, bool), np.zeros(book.size, bool)
    denied = (denial >= 0) & (codes.group[denial] == "CO")
    for plant in book.plant_log.of("denials_as_contractual"):
        hit = denied & struck(book, plant, claims, first["day"])
        decisions.posted_away[claims[hit]] = True
        denied &= ~hit
    alone = book.claims["secondary"][claims] < 0
    for plant in book.plant_log.of("patient_billed_for_denials"):
        hit = denied & alone & struck(book, plant, claims, first["day"])
        decisions.to_patient[claims[hit]] = True


def _rework(
    decisions: Decisions, codes: DenialCodes, first: dict, lines: dict, denial: np.ndarray
) -> tuple[dict, dict]:
    """Corrected claims and appeals. Returns for every claim the decision that stood at the end."""
    book, sent = decisions.book, decisions.sent
    draws = book.draws("rework")
    denied = np.flatnonzero(denial >= 0)
    owner_of, code = first["claim"][denied], denial[denied]
    whole = np.bincount(lines["owner"], weights=lines["code"] < 0, minlength=len(denial))[denied] == 0
    partial_secondary = (book.claims["secondary"][owner_of] >= 0) & ~whole
    left_alone = decisions.posted_away[owner_of] | decisions.to_patient[owner_of] | partial_secondary
    worked = (draws.uniform("worked")[owner_of] < codes.reworked[code]) & ~left_alone & (codes.group[code] != "PR")
    rows, claim, code = denied[worked], owner_of[worked], code[worked]
    won = draws.uniform("won")[claim] < codes.overturned[code]
    appeal, payer = codes.appeal[code], first["payer"][rows]
    work_day = working_day(first["day"][rows] + 3 + draws.geometric("wait", 0.09)[claim])
    work_day[~appeal] = sending_days(book, claim[~appeal], work_day[~appeal])
    answer = remit_day(book, payer, work_day + lag(book, claim, payer, "rework") + appeal * 14)
    add_submissions(sent, claim[~appeal], work_day[~appeal], payer[~appeal], "primary", "7")
    _rework_notes(sent, claim, work_day, answer, appeal, won)
    again = np.flatnonzero(won | ~appeal)
    old, old_lines = picked(first, lines, rows[again])
    decisions.add(*reversed_of(old, old_lines, answer[again], "rework"))
    new = _decision(claim[again], old["payer"], 0, answer[again], "rework", np.full(len(again), "1"))
    new_lines = settle(book, new, np.where(won[again][old_lines["owner"]], -1, old_lines["code"]))
    decisions.add(new, new_lines)
    stays = np.setdiff1d(np.arange(len(first["claim"])), rows[again])
    kept, kept_lines = picked(first, lines, stays)
    merged = {name: np.concatenate([kept[name], new[name]]) for name in kept}
    shifted = new_lines | {"owner": new_lines["owner"] + len(stays)}
    return merged, {name: np.concatenate([kept_lines[name], shifted[name]]) for name in kept_lines}


def _rework_notes(
    sent: Submitted, claim: np.ndarray, work_day: np.ndarray, answer: np.ndarray, appeal: np.ndarray, won: np.ndarray
) -> None:
    empty = np.full(len(claim), "")
    sent.notes.append(
        {
            "claim": claim,
            "action": np.where(appeal, "appeal", "corrected_claim"),
            "day": work_day,
            "outcome": np.full(len(claim), "in_process"),
            "hold": empty,
        }
    )
    outcome = np.where(appeal, np.where(won, "overturned", "upheld"), np.where(won, "paid", "denied"))
    sent.notes.append(
        {
            "claim": claim,
            "action": np.where(appeal, "appeal", "corrected_claim"),
            "day": working_day(answer + 2),
            "outcome": outcome,
            "hold": empty,
        }
    )


def _secondaries(decisions: Decisions, final: dict, lines: dict) -> None:
    """Crossovers arrive by themselves; other secondaries are billed by the office, and some never are."""
    book, sent = decisions.book, decisions.sent
    draws = book.draws("secondary")
    rows, bill_day, crossed = _to_secondary(book, final, lines)
    claim = final["claim"][rows]
    payer = book.claims["secondary"][claim]
    by_office = np.flatnonzero(~crossed)
    bill_day[by_office] = sending_days(book, claim[by_office], bill_day[by_office])
    add_submissions(sent, claim[by_office], bill_day[by_office], payer[by_office], "secondary", "1")
    sent.notes.append(
        {
            "claim": claim[by_office],
            "action": np.full(len(by_office), "bill_secondary"),
            "day": bill_day[by_office],
            "outcome": np.full(len(by_office), "in_process"),
            "hold": np.full(len(by_office), ""),
        }
    )
    day = remit_day(book, payer, bill_day + lag(book, claim, payer, "secondary"))
    decision = _decision(claim, payer, 1, day, "secondary", np.full(len(rows), "2"))
    _, primary = picked(final, lines, rows)
    due = sum(primary[name] for name in SHARES)
    draw = draws.uniform("outcome")[claim]
    denied = (draw < 0.04)[primary["owner"]]
    to_deductible = ((draw > 0.04) & (draw < 0.12))[primary["owner"]]
    medicaid = (payer == book.payer_number("medicaid"))[primary["owner"]]
    limit = np.where(medicaid & ~denied & ~to_deductible, np.rint(due * 0.45).astype(np.int64), 0)
    zero = np.zeros_like(due)
    decisions.add(
        decision,
        primary
        | {
            "prior": primary["charge"] - due,
            "contractual": limit,
            "sequestration": zero,
            "coinsurance": zero,
            "copay": zero,
            "deductible": np.where(to_deductible, due, 0),
            "denied": np.where(denied, due, 0),
            "paid": np.where(denied | to_deductible, 0, due - limit),
            "code": np.where(denied, np.flatnonzero(DenialCodes.of(book).carc == "22")[0], -1),
        },
    )


def _to_secondary(book: ChargeBook, final: dict, lines: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decisions whose rest reaches a secondary payer, the day on which it is sent there, and which cross over."""
    draws = book.draws("secondary")
    left = np.bincount(lines["owner"], weights=sum(lines[name] for name in SHARES), minlength=len(final["claim"]))
    secondary = book.claims["secondary"][final["claim"]]
    rows = np.flatnonzero((secondary >= 0) & (left > 0) & (draws.uniform("owed")[final["claim"]] > 0.02))
    claim = final["claim"][rows]
    crossed = final["status"][rows] == "19"
    billed = crossed | (draws.uniform("billed")[claim] > 0.08)
    bill_day = working_day(final["day"][rows] + np.where(crossed, 1, 4 + draws.integers("wait", 0, 15)[claim]))
    for plant in book.plant_log.of("secondary_not_billed"):
        forgotten = billed & ~crossed & struck(book, plant, claim, final["day"][rows], secondary[rows])
        billed &= ~forgotten
        book.plant_log.note(plant, claim[forgotten], bill_day[forgotten], left[rows][forgotten])
    return rows[billed], bill_day[billed], crossed[billed]


def _takebacks(decisions: Decisions, codes: DenialCodes, final: dict, lines: dict) -> None:
    """Paid claims taken back months later: for coverage that had ended, or repriced lower."""
    book, claims = decisions.book, final["claim"]
    draws = book.draws("takebacks")
    paid = np.bincount(lines["owner"], weights=lines["paid"], minlength=len(claims))
    clean = np.bincount(lines["owner"], weights=lines["denied"], minlength=len(claims)) == 0
    taken = (draws.uniform("taken")[claims] < 0.009) | _in_wave(book, final, draws.uniform("wave")[claims])
    rows = np.flatnonzero((paid > 0) & clean & (book.claims["secondary"][claims] < 0) & taken)
    claim = claims[rows]
    day = remit_day(book, final["payer"][rows], final["day"][rows] + draws.integers("days", 45, 260)[claim])
    old, old_lines = picked(final, lines, rows)
    decisions.add(*reversed_of(old, old_lines, day, "takeback"))
    reasons = np.flatnonzero(np.isin(codes.carc, ["27", "22"]))
    whole = draws.uniform("whole")[claim] < 0.6
    denial = np.where(whole, reasons[draws.integers("reason", 0, len(reasons))[claim]], -1)
    new = _decision(old["claim"], old["payer"], 0, day, "takeback", np.full(len(rows), "1"))
    decisions.add(new, settle(book, new, denial[old_lines["owner"]], 0.82))


def _in_wave(book: ChargeBook, final: dict, draw: np.ndarray) -> np.ndarray:
    """Claims of one quarter and payer that a sweep takes back; none where the world has no such waves."""
    if not book.company.laws.takeback_wave:
        return np.zeros(len(draw), bool)
    rng = stream(book.seed, book.client.id, "takeback wave")
    start = int(rng.integers(book.calendar.first, max(book.calendar.first + 1, book.calendar.last - 270)))
    payer = int(rng.integers(len(book.company.payers)))
    held = (final["payer"] == payer) & (final["day"] >= start) & (final["day"] < start + 91)
    return held & (draw < book.company.laws.takeback_wave)


def tables(decisions: Decisions) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decisions known by the last day simulated, and their lines."""
    last = decisions.book.calendar.last
    claims = pl.concat([pl.DataFrame(part) for part in decisions.claims], how="vertical_relaxed").filter(
        pl.col("day") <= last
    )
    lines = pl.concat(
        [pl.DataFrame(part).select("decision", "line", *AMOUNTS, "code") for part in decisions.lines],
        how="vertical_relaxed",
    )
    return _split(decisions, claims, lines.join(claims.select("decision"), on="decision", how="semi"))


def _split(decisions: Decisions, claims: pl.DataFrame, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Some first answers cut in two after their first line (`part` A and B); some of the first parts a week earlier.

    Only answers that are never taken back, to claims without a second payer.
    """
    book = decisions.book
    draws = book.draws("split answers")
    whole = np.isin(np.arange(book.size), claims.filter(pl.col("status") == "22")["claim"].to_numpy())
    chosen = (draws.uniform("split") < SPLIT) & (book.line_count > 1) & (book.claims["secondary"] < 0) & ~whole
    is_cut = pl.Series(chosen[claims["claim"].to_numpy()], dtype=pl.Boolean) & (claims["kind"] == "first")
    first = claims.filter(is_cut)
    claim, day = first["claim"].to_numpy(), first["day"].to_numpy()
    week_before = (
        (draws.uniform("apart")[claim] < SPLIT_APART) & (day - 7 > decisions.sent.accepted[claim]) & ~_closed(day - 7)
    )
    first = first.with_columns(
        pl.Series("day", day - 7 * week_before),
        (pl.int_range(pl.len(), dtype=pl.Int64) + decisions.count).alias("decision"),
        part=pl.lit("A"),
    )
    claims = claims.with_columns(part=pl.when(is_cut).then(pl.lit("B")).otherwise(pl.lit("")))
    numbers = dict(zip(claims.filter(is_cut)["decision"].to_list(), first["decision"].to_list(), strict=True))
    on_first = pl.Series(book.lines["number"][lines["line"].to_numpy()] == 1, dtype=pl.Boolean)
    renumbered = pl.when(on_first).then(pl.col("decision").replace(numbers)).otherwise("decision")
    return pl.concat([claims, first.select(claims.columns)]), lines.with_columns(renumbered.alias("decision"))
