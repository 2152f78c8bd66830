"""What the payers decide: first adjudications, denials, rework, secondaries and takebacks.

Every decision is a row of `claims` (one CLP of an 835) with its `lines`, whose amounts always add up:
charge = paid + contractual + sequestration + deductible + coinsurance + copay + prior payer + denied.
A reversal is the same row with every amount negated.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from .book import Book, working_day
from .company import stream
from .submission import NEVER, Submitted, add_submissions

AMOUNTS = ("charge", "paid", "contractual", "sequestration", "deductible", "coinsurance", "copay", "prior", "denied")
SHARES = ("deductible", "coinsurance", "copay")


@dataclass
class Decisions:
    """Claim payments so far, and for each claim what its owner must know later."""

    book: Book
    sent: Submitted
    claims: list[dict[str, np.ndarray]] = field(default_factory=list)
    lines: list[dict[str, np.ndarray]] = field(default_factory=list)
    count: int = 0

    def add(self, claims: dict[str, np.ndarray], lines: dict[str, np.ndarray]) -> None:
        """Keep the decisions; `lines["owner"]` counts within `claims`."""
        numbers = np.arange(len(claims["claim"])) + self.count
        self.claims.append(claims | {"decision": numbers})
        self.lines.append({name: values for name, values in lines.items() if name != "owner"}
                          | {"decision": numbers[lines["owner"]]})
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
    def of(cls, book: Book) -> DenialCodes:
        rows = []
        for entry in book.company.denials:
            total = sum(code[3] for code in entry["codes"])
            rows += [
                (group, carc, rarc, entry["weight"] * weight / total, entry["category"], entry["whole"], entry["reworked"],
                 entry["overturned"], entry["how"] == "appeal", entry["reason"])
                for group, carc, rarc, weight in entry["codes"]
            ]
        return cls(*(np.array(column) for column in zip(*rows, strict=True)))


def decide(book: Book, sent: Submitted, seed: int) -> Decisions:
    """Every decision on every claim, in the order in which they depend on each other."""
    decisions = Decisions(book, sent)
    codes = DenialCodes.of(book)
    first, first_lines, denial = _first(book, sent, codes, stream(seed, book.client.id, "adjudication"))
    decisions.add(first, first_lines)
    final, final_lines = _rework(decisions, codes, first, first_lines, denial, stream(seed, book.client.id, "rework"))
    _secondaries(decisions, final, final_lines, stream(seed, book.client.id, "secondary"))
    _takebacks(decisions, codes, final, final_lines, stream(seed, book.client.id, "takebacks"))
    return decisions


def remit_day(book: Book, payer: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """The payer's next weekly remittance; between the holidays there is none."""
    weekday = np.array([entry.remit_weekday for entry in book.company.payers])[payer]
    day = decided + (weekday - (decided + 3)) % 7
    dates = day.astype("datetime64[D]")
    since_december = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    return day + np.where(since_december >= 357, 7, 0)


def lag(book: Book, payer: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Days from acceptance to decision: a quick log-normal bulk and a slow tail."""
    fast = np.array([entry.fast_days for entry in book.company.payers])[payer]
    slow = rng.random(len(payer)) < np.array([entry.slow_share for entry in book.company.payers])[payer]
    days = np.where(slow, fast * 2.4 * rng.lognormal(0, 0.5, len(payer)), (fast - 6) * rng.lognormal(0, 0.3, len(payer)) + 3)
    return np.maximum(2, np.rint(days)).astype(np.int64)


def settle(book: Book, line: np.ndarray, owner: np.ndarray, denial: np.ndarray, factor: float = 1.0) -> dict[str, np.ndarray]:
    """Price the lines by contract as primary; `denial` is a code row per line, -1 where it is paid."""
    claim = book.lines["claim"][line]
    charge = book.lines["charge"][line]
    claims = book.claims
    contract = book.fees.allowed(claims["payer"][claim], book.lines["code"][line], book.lines["modifier"][line],
                                 book.lines["units"][line], claims["service"][claim])
    allowed = np.where(denial >= 0, 0, np.minimum(charge, np.rint(contract * factor).astype(np.int64)))
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
        "owner": owner, "line": line, "charge": charge, "paid": due - sequestration, "contractual": charge - allowed - denied,
        "sequestration": sequestration, "deductible": deductible, "coinsurance": coinsurance, "copay": copay,
        "prior": np.zeros_like(charge), "denied": denied, "code": denial,
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
    back = claims | {"status": np.full(count, "22"), "day": day, "rank": np.zeros(count, np.int64), "kind": np.full(count, kind)}
    return back, lines | {name: -lines[name] for name in AMOUNTS}


def _decision(claim: np.ndarray, payer: np.ndarray, order: int, day: np.ndarray, kind: str, status: np.ndarray) -> dict[str, np.ndarray]:
    count = len(claim)
    return {"claim": claim, "payer": payer, "order": np.full(count, order), "day": day, "status": status,
            "rank": np.ones(count, np.int64), "kind": np.full(count, kind)}


def _first(book: Book, sent: Submitted, codes: DenialCodes, rng: np.random.Generator) -> tuple[dict, dict, np.ndarray]:
    accepted = np.flatnonzero(sent.accepted < NEVER)
    accepted = accepted[rng.random(len(accepted)) > 0.009]
    payer = book.claims["payer"][accepted]
    day = remit_day(book, payer, sent.accepted[accepted] + lag(book, payer, rng))
    heavier = np.array([1.0, 1.2, 1.35, 0.9, 1.0, 1.15, 0.8, 1.25, 1.5, 0.0])[payer]
    is_denied = rng.random(len(accepted)) < book.client.denial_rate * heavier
    drawn = rng.choice(len(codes.carc), len(accepted), p=codes.weight / codes.weight.sum())
    denial = np.where(is_denied, drawn, -1)
    line, owner = book.lines_of(accepted)
    struck = 1 + (rng.random(len(accepted)) * book.line_count[accepted]).astype(np.int64)
    on_line = (denial[owner] >= 0) & (codes.whole[denial[owner]] | (book.lines["number"][line] == struck[owner]))
    lines = settle(book, line, owner, np.where(on_line, denial[owner], -1))
    crossover = (book.claims["secondary"][accepted] >= 0) & (payer == book.payer_number("medicare")) & (rng.random(len(accepted)) < 0.72)
    fully = np.bincount(owner, weights=~on_line, minlength=len(accepted)) == 0
    says_four = fully & np.isin(payer, [book.payer_number("northwind"), book.payer_number("medicaid")]) & (rng.random(len(accepted)) < 0.6)
    status = np.select([says_four, crossover & ~fully], ["4", "19"], "1")
    return _decision(accepted, payer, 0, day, "first", status), lines, denial


def _rework(decisions: Decisions, codes: DenialCodes, first: dict, lines: dict, denial: np.ndarray,
            rng: np.random.Generator) -> tuple[dict, dict]:
    """Corrected claims and appeals. Returns for every claim the decision that stood at the end."""
    book, sent = decisions.book, decisions.sent
    denied = np.flatnonzero(denial >= 0)
    code = denial[denied]
    partial_secondary = (book.claims["secondary"][first["claim"][denied]] >= 0) & ~codes.whole[code]
    worked = (rng.random(len(denied)) < codes.reworked[code]) & ~partial_secondary & (codes.group[code] != "PR")
    won = rng.random(len(denied)) < codes.overturned[code]
    work_day = working_day(first["day"][denied] + 3 + rng.geometric(0.09, len(denied)))
    answer = remit_day(book, first["payer"][denied], work_day + lag(book, first["payer"][denied], rng) + codes.appeal[code] * 14)
    rows, code, won = denied[worked], code[worked], won[worked]
    work_day, answer = work_day[worked], answer[worked]
    appeal = codes.appeal[code]
    claim = first["claim"][rows]
    add_submissions(sent, claim[~appeal], work_day[~appeal], first["payer"][rows][~appeal], "primary", "7")
    _rework_notes(sent, claim, work_day, answer, appeal, won)
    again = np.flatnonzero(won | ~appeal)
    old, old_lines = picked(first, lines, rows[again])
    decisions.add(*reversed_of(old, old_lines, answer[again], "rework"))
    line, owner = book.lines_of(claim[again])
    still = np.where(won[again][owner], -1, old_lines["code"])
    new = _decision(claim[again], old["payer"], 0, answer[again], "rework", np.full(len(again), "1"))
    new_lines = settle(book, line, owner, still)
    decisions.add(new, new_lines)
    stays = np.setdiff1d(np.arange(len(first["claim"])), rows[again])
    kept, kept_lines = picked(first, lines, stays)
    merged = {name: np.concatenate([kept[name], new[name]]) for name in kept}
    shifted = new_lines | {"owner": new_lines["owner"] + len(stays)}
    return merged, {name: np.concatenate([kept_lines[name], shifted[name]]) for name in kept_lines}


def _rework_notes(sent: Submitted, claim: np.ndarray, work_day: np.ndarray, answer: np.ndarray, appeal: np.ndarray, won: np.ndarray) -> None:
    empty = np.full(len(claim), "")
    sent.notes.append({"claim": claim, "action": np.where(appeal, "appeal", "corrected_claim"), "day": work_day,
                       "outcome": np.full(len(claim), "in_process"), "hold": empty})
    outcome = np.where(appeal, np.where(won, "overturned", "upheld"), np.where(won, "paid", "denied"))
    sent.notes.append({"claim": claim, "action": np.where(appeal, "appeal", "corrected_claim"), "day": working_day(answer + 2),
                       "outcome": outcome, "hold": empty})


def _secondaries(decisions: Decisions, final: dict, lines: dict, rng: np.random.Generator) -> None:
    """Crossovers arrive by themselves; other secondaries are billed by the office, and some never are."""
    book, sent = decisions.book, decisions.sent
    count = len(final["claim"])
    share = sum(lines[name] for name in SHARES)
    left = np.bincount(lines["owner"], weights=share, minlength=count)
    secondary = book.claims["secondary"][final["claim"]]
    rows = np.flatnonzero((secondary >= 0) & (left > 0) & (rng.random(count) > 0.02))
    crossed = final["status"][rows] == "19"
    billed = crossed | (rng.random(len(rows)) > 0.08)
    rows, crossed = rows[billed], crossed[billed]
    claim, payer = final["claim"][rows], secondary[rows]
    bill_day = working_day(final["day"][rows] + np.where(crossed, 1, 4 + rng.integers(0, 15, len(rows))))
    by_office = np.flatnonzero(~crossed)
    add_submissions(sent, claim[by_office], bill_day[by_office], payer[by_office], "secondary", "1")
    sent.notes.append({"claim": claim[by_office], "action": np.full(len(by_office), "bill_secondary"), "day": bill_day[by_office],
                       "outcome": np.full(len(by_office), "in_process"), "hold": np.full(len(by_office), "")})
    day = remit_day(book, payer, bill_day + lag(book, payer, rng))
    decision = _decision(claim, payer, 1, day, "secondary", np.full(len(rows), "2"))
    _, primary = picked(final, lines, rows)
    due = sum(primary[name] for name in SHARES)
    draw = rng.random(len(rows))
    denied = (draw < 0.04)[primary["owner"]]
    to_deductible = ((draw > 0.04) & (draw < 0.12))[primary["owner"]]
    medicaid = (payer == book.payer_number("medicaid"))[primary["owner"]]
    limit = np.where(medicaid & ~denied & ~to_deductible, np.rint(due * 0.45).astype(np.int64), 0)
    zero = np.zeros_like(due)
    decisions.add(decision, primary | {
        "prior": primary["charge"] - due, "contractual": limit, "sequestration": zero, "coinsurance": zero, "copay": zero,
        "deductible": np.where(to_deductible, due, 0), "denied": np.where(denied, due, 0),
        "paid": np.where(denied | to_deductible, 0, due - limit),
        "code": np.where(denied, np.flatnonzero(DenialCodes.of(book).carc == "22")[0], -1),
    })


def _takebacks(decisions: Decisions, codes: DenialCodes, final: dict, lines: dict, rng: np.random.Generator) -> None:
    """Paid claims taken back months later: for coverage that had ended, or repriced lower."""
    book = decisions.book
    count = len(final["claim"])
    paid = np.bincount(lines["owner"], weights=lines["paid"], minlength=count)
    clean = np.bincount(lines["owner"], weights=lines["denied"], minlength=count) == 0
    rows = np.flatnonzero((paid > 0) & clean & (book.claims["secondary"][final["claim"]] < 0) & (rng.random(count) < 0.009))
    day = remit_day(book, final["payer"][rows], final["day"][rows] + rng.integers(45, 260, len(rows)))
    old, old_lines = picked(final, lines, rows)
    decisions.add(*reversed_of(old, old_lines, day, "takeback"))
    whole = rng.random(len(rows)) < 0.6
    denial = np.where(whole, rng.choice(np.flatnonzero(np.isin(codes.carc, ["27", "22"])), len(rows)), -1)
    line, owner = book.lines_of(old["claim"])
    repriced = settle(book, line, owner, denial[owner], 0.82)
    decisions.add(_decision(old["claim"], old["payer"], 0, day, "takeback", np.full(len(rows), "1")), repriced)


def tables(decisions: Decisions) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decisions known by the last day simulated, and their lines."""
    last = decisions.book.calendar.last
    claims = pl.concat([pl.DataFrame(part) for part in decisions.claims], how="vertical_relaxed").filter(pl.col("day") <= last)
    lines = pl.concat([pl.DataFrame(part).select("decision", "line", *AMOUNTS, "code") for part in decisions.lines],
                      how="vertical_relaxed")
    return claims, lines.join(claims.select("decision"), on="decision", how="semi")
