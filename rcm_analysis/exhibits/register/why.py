"""Why a figure moved, in plain sentences: where, how much, since when, and what moved no more than usual."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from ...blocks.vocabulary import Block
from ...models.drivers.account import whole_cents
from ...models.drivers.cells import FEWEST_CLAIMS
from ...models.drivers.explained import Why
from ...models.drivers.search import Driver
from ...periods import Period
from ..blocks import note
from ..formats import as_text, counted, person, sentence, whole_dollars, words_of
from ..subject import Subject
from ..tables import Shown, show, with_total

NAMES = {"denied_charges": ("denied charges", "were"), "cash": ("cash collected on claims", "was")}
FAMILIES = {"visits": "office visits", "radiology": "imaging", "laboratory": "lab tests", "medicine": "medicine codes"}
MORE_WORK = 0.25
"""Where more or less work is this share of a driver's change, it is said."""

MOSTLY, PARTLY = 0.60, 0.30
QUIET_Z = 2.0


def why_blocks(subject: Subject, found: Why, *, brief: bool = False) -> list[Block]:
    """The sentences; where parts stand out beneath the table of all parts, which add up to the change.

    A `brief` table holds the changes alone, and of the sentences the first.
    """
    drivers = found.account.shown()
    if not drivers:
        return [note(" ".join(why_sentences(found, subject.payer_name)))]
    table, emphasis = _parts(subject, found, drivers)
    title, name = f"What moved {NAMES[found.figure][0]}", f"why_{found.figure}"
    change = Shown("change_cents", "Change", "usd", drawn="bar")
    if brief:
        span = f"{span_words(found.period)} against {span_words(found.against)}"
        lines = [_driver(found, driver, subject.payer_name) for driver in drivers[:1]]
        return [
            show(
                table,
                [Shown("part", "Where"), change],
                name=f"{name}_in_brief",
                title=title,
                emphasis=emphasis,
                definition=f"{sentence(span)}. US dollars of charges.",
                notes=[*lines, _everything_else(found)],
            )
        ]
    return [
        show(
            table,
            [
                Shown("part", title),
                Shown("old_cents", sentence(span_words(found.against)), "usd"),
                Shown("new_cents", sentence(span_words(found.period)), "usd"),
                change,
            ],
            name=name,
            title=title,
            emphasis=emphasis,
            definition="Each claim stands in one part; the parts add up to the total. A part is named where its rise "
            "or fall is larger than chance explains; it says where, not why. US dollars.",
            notes=why_sentences(found, subject.payer_name),
        )
    ]


def _parts(subject: Subject, found: Why, drivers: Sequence[Driver]) -> tuple[pd.DataFrame, list[int]]:
    """part, old_cents, new_cents, change_cents: every driver, everything else, and the total."""
    names = [sentence(cell_words(found.figure, driver.where, subject.payer_name)) for driver in drivers]
    columns = ["part", "old_cents", "new_cents", "change_cents"]
    parts = pd.DataFrame([_cents_of(driver) for driver in drivers], columns=columns[1:], dtype="int64")
    whole = [int(cents) for cents in whole_cents([found.account.old_cents, found.account.new_cents])]
    rest = [whole[0] - int(parts["old_cents"].sum()), whole[1] - int(parts["new_cents"].sum())]
    parts.loc[len(parts)] = [*rest, rest[1] - rest[0]]
    return with_total(parts.assign(part=[*names, "Everything else"])[columns], "part", columns[1:])


def _cents_of(driver: Driver) -> list[int]:
    old, new = whole_cents([driver.old_cents]), whole_cents([driver.new_cents])
    return [int(old[0]), int(new[0]), int(new[0] - old[0])]


def why_sentences(found: Why, payer_name: Callable[[str], str]) -> list[str]:
    """What moved, the most important first; it says where and since when, and claims no cause."""
    said = [_total(found)]
    drivers = found.account.shown()
    said += [_driver(found, driver, payer_name) for driver in drivers]
    if drivers:
        said.append(_everything_else(found))
    elif found.is_unusual:
        said.append(_kind(found))
    return said + [_standing(found, driver, payer_name) for driver in found.standing]


def span_words(period: Period) -> str:
    """The months of a period in a sentence.

    >>> from rcm_analysis.periods import Period
    >>> span_words(Period.month("2026-10")), span_words(Period.month("2026-10").trailing(3))
    ('October 2026', 'August through October 2026')
    >>> span_words(Period.month("2026-01").trailing(3))
    'November 2025 through January 2026'
    """
    first, last = period.first_day, period.last_day
    if (first.year, first.month) == (last.year, last.month):
        return f"{first:%B %Y}"
    return f"{first:%B}{'' if first.year == last.year else f' {first.year}'} through {last:%B %Y}"


def _dollars(cents: float) -> str:
    return as_text(abs(cents), "usd")


def _before(now: float, change: float) -> str:
    """What there was before, so that it and the printed change add up to what there is now."""
    return as_text(whole_dollars([round(now)])[0] - whole_dollars([round(change)])[0], "usd")


def _total(found: Why) -> str:
    account, (name, was) = found.account, NAMES[found.figure]
    now, before = span_words(found.period), span_words(found.against)
    change = account.change_cents
    if _dollars(change) == "$0":
        return sentence(f"{name} {was} {_dollars(account.new_cents)} in {now}, the same as in {before}.")
    if found.is_unusual or account.drivers or found.usual_cents is None:
        went = "rose" if change > 0 else "fell"
        text = (
            f"{name} {went} {_dollars(change)}, from {_before(account.new_cents, change)} in {before} to "
            f"{_dollars(account.new_cents)} in {now}."
        )
        if account.drivers and found.usual_cents is not None and not found.is_unusual:
            parts = "one part of it is" if len(account.drivers) == 1 else "parts of it are"
            text += f" As a total that is no more than usual, but {parts} not chance."
        return sentence(text)
    more = "more" if change > 0 else "less"
    return sentence(
        f"{name} {was} {_dollars(account.new_cents)} in {now}, {_dollars(change)} {more} than in {before}: no more "
        f"than usual (it commonly moves by up to {_dollars(found.usual_cents)})."
    )


def _driver(found: Why, driver: Driver, payer_name: Callable[[str], str]) -> str:
    words, change = cell_words(found.figure, driver.where, payer_name), driver.change_cents
    if not driver.old_cents:
        text = f"{words} are new: {_dollars(driver.new_cents)}"
    else:
        went = "rose" if change > 0 else "fell"
        text = (
            f"{words} {went} {_dollars(change)}, from {_before(driver.new_cents, change)} to "
            f"{_dollars(driver.new_cents)} ({_part_of(change, found.account.change_cents)})"
        )
    if driver.since:
        text += f", since about {_day(driver.since)}"
    work = driver.volume_cents + driver.mix_cents
    if change and work / change >= MORE_WORK:
        text += f"; {_dollars(work)} of that is because {'more' if change > 0 else 'less'} of this work was done"
    if driver.is_seasonal:
        text += "; the same happened a year ago"
    return sentence(text) + "."


def _part_of(change: float, whole: float) -> str:
    if change * whole <= 0:
        return f"while the total {'fell' if whole < 0 else 'rose' if whole else 'stayed'}"
    share = change / whole
    if share > 1.005:
        return "more than the whole change"
    return "all of the change" if share >= 0.995 else f"{as_text(share * 100, 'count')}% of the change"


def _everything_else(found: Why) -> str:
    others = found.account.everything_else
    if abs(others.z) < QUIET_Z:
        sign = "+" if others.change_cents >= 0 else "−"
        return f"Everything else moved no more than usual ({sign}{_dollars(others.change_cents)} together)."
    went = "rose" if others.change_cents > 0 else "fell"
    return (
        f"Everything else together {went} {_dollars(others.change_cents)}, spread over many places: no single cause "
        "stands out."
    )


def _kind(found: Why) -> str:
    account, others = found.account, found.account.everything_else
    change = account.change_cents
    if not account.new_cents and found.figure == "denied_charges":
        return f"No denials arrived in {span_words(found.period)}."
    if others.claims < FEWEST_CLAIMS["flow"]:
        lie = "lies" if others.claims == 1 else "lie"
        return f"Only {counted(others.claims, 'claim')} {lie} behind it: too few to tell a cause from chance."
    if account.largest_claim_cents >= change / 2 > 0:
        return f"One claim of {_dollars(account.largest_claim_cents)} is most of it; without it nothing is unusual."
    kinds = {"volume": others.volume_cents, "mix": others.mix_cents, "rate": others.rate_cents}
    largest = max(kinds, key=lambda kind: kinds[kind] / change)
    share = kinds[largest] / change
    work = "more" if others.volume_cents > 0 else "less"
    if largest == "volume" and share >= MOSTLY:
        return (
            f"That is mostly volume: {_dollars(others.volume_cents)} of it comes from {work} work, at the usual rate."
        )
    if largest == "mix" and share >= MOSTLY:
        return f"That is mostly mix: {_dollars(others.mix_cents)} of it comes from work that always came out this way."
    if largest == "volume" and share >= PARTLY:
        return f"{sentence(work)} work explains {_dollars(others.volume_cents)} of it; the rest is spread."
    return "It is spread over many payers, places and codes; no single cause stands out."


def _standing(found: Why, driver: Driver, payer_name: Callable[[str], str]) -> str:
    words = cell_words(found.figure, driver.where, payer_name)
    since = f", since about {_day(driver.since)}" if driver.since else ""
    return f"Still there: {words}, {_dollars(driver.new_cents)} in {span_words(found.period)}{since}."


def _day(day: dt.date) -> str:
    return f"{day:%B} {day.day}"


def cell_words(figure: str, where: Mapping[str, str], payer_name: Callable[[str], str]) -> str:
    """The name of a cell in the words of its figure.

    >>> where = {"location": "Site 03", "reason": "documentation"}
    >>> cell_words("denied_charges", where, str), cell_words("cash", {"payer": "summit", "reason": "insurers"}, str)
    ('documentation denials at Site 03', 'payments of insurers on summit claims')
    """
    payer = payer_name(where["payer"]) if "payer" in where else ""
    tail = [
        f"on {FAMILIES.get(where['family'], where['family'])}" if "family" in where else "",
        f"at {where['location']}" if "location" in where else "",
        f"for {person(where['provider'])}" if "provider" in where else "",
    ]
    reason = where.get("reason")
    if figure == "denied_charges":
        head = [f"{words_of(reason)} denials" if reason else "denials", f"by {payer}" if payer else ""]
    else:
        head = [f"payments of {reason}" if reason else "payments", f"on {payer} claims" if payer else ""]
    return " ".join(filter(None, [*head, *tail]))
