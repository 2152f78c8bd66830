"""The finding of the month: how cash stands beside the past, what moved, and the one chart that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ...blocks.vocabulary import Table
from ...ledger.ratios import quotient
from ...measures.denials.rates import initial_denial_rate_claims_remitted
from ...models.detection.denial_cells import LEVELS, family_of
from ...models.drivers.explained import Seed, Why, why
from ...models.drivers.search import Driver
from ...periods import Period
from .. import figures
from ..blocks import Block
from ..formats import as_text, counted, gap, sentence
from ..incomplete import patients_untold, untold
from ..register.events import denial_events
from ..register.months import facts_of
from ..register.why import cell_words, why_blocks
from ..subject import Subject
from .behind import amounts_behind, claims_that_moved
from .beside_past import MONTHS, is_near, monthly_cash, worse_than_usual
from .fell_due import in_dollars, pieces

RECENT = 3
PLACES = ("location", "provider", "payer")
BY_CODE = (LEVELS["procedure",], LEVELS["payer", "procedure"])


def cash_by_month(subject: Subject) -> pd.DataFrame:
    """month, cash_cents: thirteen months, or as many as there are postings."""
    began = subject.pandas("transactions")["posted_on"].min()
    months = subject.period.trailing(MONTHS).months()
    months = [month for month in months if month.first_day >= Period.of(began.date()).first_day]
    found = {pd.Timestamp(month.first_day): cents or 0 for month, cents in monthly_cash(subject, months).items()}
    return pd.DataFrame({"month": list(found), "cash_cents": list(found.values())})


def cash_sentence(subject: Subject) -> str:
    """How much came in, beside the client's own past months.

    "the most since July": July is the last month that brought more.
    """
    found = cash_by_month(subject)
    now = int(found["cash_cents"].iloc[-1])
    payers = " from insurers" if patients_untold(subject) else ""
    head = f"{as_text(now, 'usd')} came in{payers} during {subject.month}"
    past = found.iloc[:-1]
    if len(past) < RECENT:
        return f"{head}."
    usual, low, high = (float(past["cash_cents"].quantile(share)) for share in (0.5, 0.25, 0.75))
    for word, beyond in (("most", past["cash_cents"] >= now), ("least", past["cash_cents"] <= now)):
        back = len(past) - 1 - past.index[beyond].max() if beyond.any() else len(past)
        if back >= RECENT:
            return f"{head}, the {word} {_since(past, beyond)}."
    if low <= now <= high or is_near(now, usual):
        return f"{head}, about as much as in a usual month ({as_text(usual, 'usd')})."
    side = "more" if now > usual else "less"
    return f"{head}, {gap(now, round(usual), 'usd')} {side} than in a usual month."


def _since(past: pd.DataFrame, beyond: pd.Series) -> str:
    if not beyond.any():
        return f"in {counted(len(past) + 1, 'month')}"
    month = past["month"][past.index[beyond].max()]
    return f"since {month:%B %Y}" if month.year != past["month"].iloc[-1].year else f"since {month:%B}"


def what_moved(subject: Subject) -> Why | None:
    """Denied charges of the last three months against the three before; nothing while there are no two quarters."""
    first = pd.Timestamp(subject.period.trailing(2 * RECENT).first_day)
    decided = subject.pandas("remit_claims")["received_on"]
    if decided.empty or not decided.min() < first + pd.Timedelta(days=31):
        return None
    seeds = seeds_of(facts_of(subject).systemic)
    return why(subject.tables, "denied_charges", period=subject.period.trailing(RECENT), seeds=seeds)


def seeds_of(found: pd.DataFrame) -> tuple[Seed, ...]:
    """The cells of systemic denials as the account of denied charges names them: a code by its family."""
    out = []
    for row in found.to_dict("records"):
        family = row["procedures"]
        if family and row["level"] in BY_CODE:
            family = family_of(family) or family
        cell = {name: row[name] for name in PLACES if row[name]} | ({"family": family} if family else {})
        out.append(Seed((*cell.items(), ("reason", row["category"])), row["onset_on"].date()))
    return tuple(out)


def finding_sentence(subject: Subject, moved: Why | None, due: pd.DataFrame, numbers: Sequence[Block]) -> str:
    """The finding: what moved denials where something stands out, else the largest piece that did not come in, else
    the first of the page's numbers that is worse than usual."""
    drivers = moved.account.shown() if moved else []
    if moved and drivers:
        return _of_drivers(subject, moved, drivers)
    found = in_dollars(pieces(due)) if len(due) else {}
    short, late = found.get("refused_or_short_cents", 0), found.get("late_cents", 0)
    if short > late and short:
        return f"Of what fell due, {as_text(short, 'usd')} was refused or paid short."
    if late:
        return f"Of what fell due, {as_text(late, 'usd')} waits longer for an answer than usual."
    return worse_than_usual(numbers) or untold(subject, "Denials", "remit_claims") or "Nothing else stands out."


def _of_drivers(subject: Subject, moved: Why, drivers: list[Driver]) -> str:
    first, change = drivers[0], moved.account.change_cents
    words = sentence(cell_words(moved.figure, first.where, subject.payer_name))
    went = "rose" if first.change_cents > 0 else "fell"
    amount = as_text(abs(first.change_cents), "usd")
    if change * first.change_cents > 0 and moved.is_unusual:
        total = as_text(abs(change), "usd")
        return f"Denials {went} {total} in three months; {amount} of it is {words[:1].lower()}{words[1:]}."
    return f"{words} {went} {amount} in three months."


def why_with_chart(subject: Subject, moved: Why | None) -> list[Block]:
    """The sentences and parts that add up to the change, and at their side the chart of the part that matters most."""
    if moved is None:
        return []
    blocks = why_blocks(subject, moved, brief=True)
    drivers = moved.account.shown()
    if not drivers:
        return blocks
    claims, chart = claims_that_moved(subject, moved), _place_chart(subject, drivers[0])
    linked = [_with_claims(block, claims) if isinstance(block, Table) else block for block in blocks]
    return [*linked, *([chart] if chart else []), claims]


def _with_claims(parts: Table, claims: Table) -> Table:
    """The parts of the change with the claims behind each."""
    linked = amounts_behind(parts, claims, "change_cents", "change_cents", "Denied charges that moved", "part")
    return replace(parts, behind=tuple(linked))


def _place_chart(subject: Subject, driver: Driver) -> Block | None:
    """The denial rate of the place, payer or provider that moved, beside all others; nothing where it names none."""
    where = {name: value for name, value in driver.where.items() if name in PLACES}
    if not where:
        return None
    rates = initial_denial_rate_claims_remitted(
        subject.tables, period=subject.period.trailing(MONTHS), by=["month", *where]
    )
    is_there = pd.concat([rates[name] == value for name, value in where.items()], axis=1).all(axis=1)
    months = pd.DataFrame({"month": sorted(rates["month"].unique())})
    for column, part in (("there", rates[is_there]), ("elsewhere", rates[~is_there])):
        sums = part.groupby("month")[["denied_claims", "remitted_claims"]].sum()
        months[column] = months["month"].map(quotient(sums["denied_claims"], sums["remitted_claims"]))
    name = _name(subject, where)
    known = [one.day for one in denial_events(subject, since=pd.Timestamp(months["month"].iloc[0]))]
    axes = figures.plot_months(
        months,
        figures.new_axes(1.45, width=figures.HALF),
        series={"there": name, "elsewhere": "all others"},
        unit="rate",
        events=sorted({*([driver.since] if driver.since else []), *known}),
    )
    last = months.iloc[-1]
    now, other = as_text(last["there"], "rate"), as_text(last["elsewhere"], "rate")
    finding = f"{name}: {now} denied at first in {subject.month}; all others {other}."
    return figures.figure_block(
        axes,
        name="denied_there",
        title="Share of claims denied at first, by month",
        alt=f"Line chart of the share of claims denied at first, {counted(len(months), 'month')}. {finding}"
        + (f" A line marks about {driver.since:%B %d, %Y}, when it changed." if driver.since else ""),
        finding=finding,
        beside=True,
    )


def _name(subject: Subject, where: dict[str, Any]) -> str:
    return ", ".join(subject.payer_name(value) if name == "payer" else value for name, value in where.items())
