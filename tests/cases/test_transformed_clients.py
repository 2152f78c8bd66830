"""A simulated client whose files life has changed: its balances and cash stay, or what changed is told in dollars.

Each test draws claims, days and amounts, changes the client's raw 837s and 835s (`builders.transformations`), takes
both clients in, and compares the balance of every claim and party and the cash of every month.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from builders import transformations as life
from builders.misposts import mispost
from builders.x12_files import ClientFiles, read_files, write_files

from .desk import CLIENT, LATER, Desk, simulated

CLIENTS = (("dr-quinn", 0.08, 11), ("dr-foot-loose", 0.25, 5))
"""Simulated clients by name, scale and seed: some 110 claims each over seven months."""
MONTHS = [dt.date(2026, month, calendar.monthrange(2026, month)[1]) for month in range(4, 11)]
MONTH_FOUR = dt.date(2026, 7, 1)
PHASES = (Phase.explicit, Phase.generate)
"""Every example takes a client in: a failing one is told as it was drawn, not made smaller."""
EXAMPLES = settings(max_examples=3, phases=PHASES)
FEW = settings(max_examples=2, phases=PHASES)

clients = st.sampled_from(CLIENTS)
picks = st.lists(st.integers(0, 999), min_size=1, max_size=5, unique=True)
some_days = st.integers(2, 45)
cents = st.integers(1, 2500)
Parts = dict[tuple[str, str], int]


@dataclass
class Figures:
    """What a client's tables say: balances in the end, cash by month."""

    parts: Parts
    cash: dict[str, int]


@dataclass
class Untouched:
    """A client as it was simulated."""

    folder: Path
    files: ClientFiles
    figures: Figures
    at_month_ends: dict[dt.date, Parts]
    exit_code: int


@pytest.fixture(scope="module")
def untouched(tmp_path_factory) -> Callable[[tuple[str, float, int]], Untouched]:
    """The clients as simulated, each taken in once."""
    made: dict[tuple[str, float, int], Untouched] = {}

    def of(which: tuple[str, float, int]) -> Untouched:
        if which not in made:
            name, scale, seed = which
            folder = tmp_path_factory.mktemp(name)
            desk = simulated(folder, name, exports=False, months=len(MONTHS), scale=scale, seed=seed)
            raw = folder / "raw" / CLIENT
            texts = {str(path.relative_to(raw)): path.read_text() for path in sorted(raw.rglob("*.*"))}
            right = figures(desk.store())
            made[which] = Untouched(folder, by_month(read_files(texts)), right, at_month_ends(desk), desk.check()[0])
        return made[which]

    return of


def by_month(files: ClientFiles) -> ClientFiles:
    """The same transactions in one file a month: fewer files are taken in sooner."""
    for transaction in files.transactions:
        transaction.file = f"{transaction.kind}/{transaction.day:%Y-%m}.{transaction.kind}"
    return files


def figures(desk: Desk) -> Figures:
    return Figures(_nonzero(desk.parts()), desk.cash_by_month())


def at_month_ends(desk: Desk) -> dict[dt.date, Parts]:
    return {day: _nonzero(desk.parts(day)) for day in MONTHS}


def _nonzero(parts: Parts) -> Parts:
    """Open parts; a claim is named by its digits, or as it is spelt where two spellings stand side by side."""
    spellings: dict[str, set[str]] = {}
    for claim, _ in parts:
        spellings.setdefault(_digits(claim), set()).add(claim)
    return {
        (_digits(claim) if len(spellings[_digits(claim)]) == 1 else claim, party): value
        for (claim, party), value in parts.items()
        if value
    }


def _digits(claim: str) -> str:
    return re.sub(r"\.0$|\D", "", claim).lstrip("0")


def taken_in(client: Untouched, files: ClientFiles, folder: str) -> Desk:
    """The client's files in a workspace of their own, taken in."""
    desk = Desk(Path(folder))
    for name in ("rcm.toml", "clients.toml"):
        desk.configure(name, (client.folder / name).read_text())
    for name, content in write_files(files).items():
        desk.put(name, content)
    return desk.store()


def expected(client: Untouched, change: life.Change) -> tuple[Parts, dict[str, int]]:
    """Balances of the untouched client with what the change itself means, and the cash that the payers deposit."""
    gone, to_patient = (_bare(claims) for claims in (change.gone, change.to_patient))
    parts: Parts = {}
    for (claim, party), value in client.figures.parts.items():
        party = "patient" if claim in to_patient and party == "secondary" else party
        if claim not in gone:
            parts[claim, party] = parts.get((claim, party), 0) + value
    once = change.files.copy()
    once.transactions = [remit for remit in once.transactions if not remit.file.startswith("835/again")]
    return {key: value for key, value in parts.items() if value}, once.deposited()


def _bare(claims: set[str]) -> set[str]:
    return {_digits(claim) for claim in claims}


def differences(found: dict, right: dict) -> dict:
    """Found less right, where they differ."""
    sums = {key: found.get(key, 0) - right.get(key, 0) for key in found.keys() | right.keys()}
    return {key: value for key, value in sums.items() if value}


def judge(client: Untouched, change: life.Change, *, may_tell: bool = False, is_complete: bool = True) -> None:
    """The same figures as the untouched client, and the same word of `rcm check` where nothing is missing.

    Where `may_tell`, a difference that is told in dollars will do.
    """
    with TemporaryDirectory() as folder:
        desk = taken_in(client, change.files, folder)
        found = figures(desk)
        parts, cash = expected(client, change)
        wrong_parts, wrong_cash = differences(found.parts, parts), differences(found.cash, cash)
        if may_tell and (wrong_parts or wrong_cash):
            told(desk, wrong_parts, wrong_cash)
            return
        assert not wrong_cash
        assert not wrong_parts
        if change.every_day:
            for day, owed in at_month_ends(desk).items():
                assert not differences(owed, client.at_month_ends[day]), day
        if is_complete:
            assert desk.check()[0] == client.exit_code


def told(desk: Desk, wrong_parts: dict, wrong_cash: dict) -> None:
    """What differs is told: its sum with signs, without, or of what is too much or too little alone."""
    for differing in (wrong_parts, wrong_cash):
        values = list(differing.values())
        sums = [
            sum(values),
            sum(map(abs, values)),
            *(sum(max(0, sign * value) for value in values) for sign in (1, -1)),
        ]
        assert not differing or desk.tells(*filter(None, sums)), differing


def chosen(names: list[str], places: list[int]) -> list[str]:
    assume(names)
    return sorted({names[place % len(names)] for place in places})


# ------------------------------------------------------------ nothing
@pytest.mark.parametrize("which", CLIENTS, ids=lambda which: which[0])
def test_the_same_transactions_written_anew_are_the_same_client(untouched, which):
    client = untouched(which)
    assert len(client.figures.parts) > 30 and len(client.figures.cash) == len(MONTHS)
    assert client.exit_code == 0
    assert client.figures.cash == client.files.copy().deposited()
    judge(client, life.Change(client.files.copy(), every_day=True))


# ------------------------------------------------------------ the payer
@EXAMPLES
@given(which=clients, places=picks)
def test_a_claim_answered_in_two_parts_on_one_day(untouched, which, places):
    client = untouched(which)
    judge(client, life.split(client.files, chosen(life.answered_once(client.files, lines=2), places), 0))


@EXAMPLES
@given(which=clients, places=picks, days=some_days)
def test_a_claim_answered_in_two_parts_on_several_days(untouched, which, places, days):
    client = untouched(which)
    judge(client, life.split(client.files, chosen(life.answered_once(client.files, lines=2), places), days))


@pytest.mark.parametrize(
    "signs",
    [
        pytest.param(life.ALL, id="signed"),
        *(
            pytest.param(signs, id=" ".join(signs) or "unsigned")
            for signs in [(), ("CLP",), ("CLP", "SVC"), ("SVC", "CAS")]
        ),
    ],
)
@FEW
@given(which=clients, places=picks, days=some_days, short=cents, apart=st.sampled_from([0, 0, 20]))
def test_an_answer_reversed_and_corrected(untouched, signs, which, places, days, short, apart):
    client = untouched(which)
    claims = chosen(life.answered_once(client.files), places)
    may_tell = signs not in (life.ALL, ())
    judge(client, life.reverse(client.files, claims, days, short, signs, apart), may_tell=may_tell)


@pytest.mark.parametrize("spelling", ["000{}", " {} ", "{}"], ids=["zeros", "spaces", "no leading zeros"])
@EXAMPLES
@given(which=clients, places=picks, days=st.sampled_from([0, 3, 60]))
def test_a_remittance_that_comes_again_under_another_spelling_of_its_trace(untouched, spelling, which, places, days):
    client = untouched(which)
    traces = sorted(remit.of("TRN")[2] for remit in client.files.transactions if remit.kind == "835")
    judge(client, life.duplicate(client.files, chosen(traces, places), spelling, days), may_tell=True)


# ------------------------------------------------------------ the office
@EXAMPLES
@given(which=clients, places=picks, extra=cents, days=st.integers(0, 3))
def test_a_claim_replaced_before_its_answer(untouched, which, places, extra, days):
    client = untouched(which)
    judge(client, life.replace(client.files, chosen(life.answered_once(client.files), places), extra, days))


@EXAMPLES
@given(which=clients, places=picks, extra=cents, short=cents, days=some_days)
def test_a_claim_replaced_after_its_answer(untouched, which, places, extra, short, days):
    client = untouched(which)
    claims = chosen(life.answered_once(client.files), places)
    judge(client, life.replace_after_answer(client.files, claims, extra, short, days))


@EXAMPLES
@given(which=clients, places=picks, days=some_days)
def test_a_claim_voided_after_its_answer(untouched, which, places, days):
    client = untouched(which)
    judge(client, life.void(client.files, chosen(life.answered_once(client.files), places), days))


@EXAMPLES
@given(which=clients, places=picks, days=some_days)
def test_a_claim_voided_without_an_answer(untouched, which, places, days):
    client = untouched(which)
    judge(client, life.void(client.files, chosen(life.never_answered(client.files), places), days))


@EXAMPLES
@given(which=clients, places=picks, days=some_days)
def test_a_claim_sent_by_mistake_and_voided(untouched, which, places, days):
    client = untouched(which)
    judge(client, life.void_another(client.files, chosen(life.answered_once(client.files), places), days))


@EXAMPLES
@given(which=clients, places=picks, days=st.integers(0, 60))
def test_an_original_sent_again_unchanged(untouched, which, places, days):
    client = untouched(which)
    judge(client, life.resend(client.files, chosen(life.answered_once(client.files), places), 0, days))


@EXAMPLES
@given(which=clients, places=picks, extra=cents, days=st.integers(1, 3))
def test_an_original_sent_again_with_another_charge(untouched, which, places, extra, days):
    client = untouched(which)
    judge(client, life.resend(client.files, chosen(life.answered_once(client.files), places), extra, days))


# ------------------------------------------------------------ the files
@pytest.mark.parametrize("which", CLIENTS, ids=lambda which: which[0])
def test_a_client_without_its_837s(untouched, which):
    client = untouched(which)
    judge(client, life.drop_837s(client.files), is_complete=False)


@EXAMPLES
@given(which=clients, places=picks)
def test_a_client_without_the_837s_of_some_claims(untouched, which, places):
    client = untouched(which)
    claims = chosen(sorted(life.first_answered(client.files)), places)
    judge(client, life.drop_837s(client.files, claims), is_complete=False)


@pytest.mark.parametrize("which", CLIENTS, ids=lambda which: which[0])
def test_a_client_that_starts_in_month_four(untouched, which):
    """What began before is as the payers' answers tell it, or told; what began after, and all cash, is the same."""
    client = untouched(which)
    sent, answered = life.first_sent(client.files), life.first_answered(client.files)
    old = {claim for claim, day in sent.items() if day < MONTH_FOUR}
    half_known = {claim for claim in old if answered.get(claim, LATER) < MONTH_FOUR}
    unknown = {claim for claim in old if claim not in answered}
    with TemporaryDirectory() as folder:
        desk = taken_in(client, life.start_at(client.files, MONTH_FOUR), folder)
        found = figures(desk)
        assert found.cash == {month: value for month, value in client.figures.cash.items() if month >= "2026-07"}
        known, right = _totals(found.parts), _totals(client.figures.parts)
        wrong = differences(known, {claim: value for claim, value in right.items() if claim not in _bare(unknown)})
        assert wrong.keys() <= _bare(half_known)
        seen = {claim: value for claim, value in wrong.items() if claim in known}
        told(desk, seen, {})


def _totals(parts: Parts) -> dict[str, int]:
    sums: dict[str, int] = {}
    for (claim, _), value in parts.items():
        sums[claim] = sums.get(claim, 0) + value
    return {claim: value for claim, value in sums.items() if value}


@pytest.mark.parametrize("kind", ["835", "837"])
@pytest.mark.parametrize(
    "spelling", ["{bare}", "{client}-{number}", "{whole}.0", "0{whole}"], ids=["bare", "dash", "decimal", "zeros"]
)
@FEW
@given(which=clients)
def test_claim_ids_spelt_in_another_way_on_one_side(untouched, kind, spelling, which):
    client = untouched(which)
    judge(client, life.rename(client.files, kind, spelling), may_tell=True)


@FEW
@given(which=clients)
def test_claim_ids_in_capitals_on_one_side(untouched, which):
    client = untouched(which)
    small = life.rename(client.files, "837", "cl{whole}").files
    judge(client, life.rename(small, "835", "CL{whole}"), may_tell=True)


@pytest.mark.parametrize("kinds", [("835",), ("837",), ("835", "837")], ids=" ".join)
@FEW
@given(which=clients, day=st.dates(dt.date(2026, 11, 1), dt.date(2027, 6, 30)))
def test_a_history_downloaded_again_later(untouched, kinds, which, day):
    client = untouched(which)
    judge(client, life.download_later(client.files, day, kinds))


# ------------------------------------------------------------ exports
EXPORTED = ("dr-foot-loose", 0.25, 5)


@EXAMPLES
@given(places=picks, days=st.integers(0, 45), step=st.integers(1, 999))
def test_a_payment_posted_to_another_claim_and_reversed(exported, places, days, step):
    desk, right = exported
    with TemporaryDirectory() as folder:
        again = Desk(Path(folder) / "case")
        shutil.copytree(desk.folder, again.folder, ignore=shutil.ignore_patterns("store"))
        raw = again.folder / "raw" / CLIENT / "exports"
        texts = {path.name: path.read_text() for path in sorted(raw.glob("transactions_*.csv"))}
        for name, content in mispost(texts, places, days, step).items():
            (raw / name).write_text(content)
        found = figures(again.store())
        assert not differences(found.cash, right.cash)
        assert not differences(found.parts, right.parts)
        assert again.check()[0] == 0


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[Desk, Figures]:
    """A client with the exports of its billing system, and its figures."""
    name, scale, seed = EXPORTED
    desk = simulated(tmp_path_factory.mktemp(name), name, exports=True, months=len(MONTHS), scale=scale, seed=seed)
    right = figures(desk.store())
    assert desk.check()[0] == 0 and len(right.cash) == len(MONTHS)
    return desk, right
