"""What is derived from a client's tables is worked out once: in memory, and beside the store."""

import datetime as dt
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import narwhals.stable.v2 as nw
import pandas as pd
import polars as pl
import pytest

from rcm_analysis.exhibits.tables import Shown
from rcm_analysis.models.drivers.explained import Why
from rcm_analysis.models.drivers.search import Account, Driver
from rcm_analysis.periods import Period
from rcm_analysis.tables import derived
from rcm_analysis.tables.derived import Shelf
from rcm_analysis.tables.frames import kept
from rcm_analysis.tables.schema import TABLES, TRANSACTIONS
from rcm_analysis.tables.store import Store, Tables

DAY = dt.date(2026, 10, 31)
ROWS = pl.DataFrame({"claim": ["1", "2", None], "day": [DAY] * 3, "cents": [1, -2, 3]})


def opened() -> Tables:
    frames = {table.name: table.empty().lazy() for table in TABLES.values()}
    return Tables(frames, DAY).in_memory()


@pytest.fixture
def asked() -> list[dt.date]:
    return []


@pytest.fixture
def counted(asked):
    @kept
    def rows(tables, *, as_of, by=()):
        asked.append(as_of)
        return nw.from_native(ROWS.lazy()).with_columns(nw.lit(as_of).alias("as_of"))

    return rows


def test_the_same_question_is_worked_out_once(counted, asked):
    tables, other = opened(), opened()
    for _ in range(3):
        found = counted(tables, as_of=DAY)
        assert isinstance(found, nw.LazyFrame) and found.collect("polars").to_native().height == 3
    counted(tables, as_of=DAY, by=[])
    assert asked == [DAY]
    counted(tables, as_of=dt.date(2026, 9, 30))
    counted(tables, as_of=DAY, by=["claim"])
    counted(other, as_of=DAY)
    assert len(asked) == 4


@pytest.mark.parametrize("part", [dict(opened()), {name: opened()[name] for name in ("claims",)}], ids=["plain", "few"])
def test_tables_that_are_restricted_keep_nothing(counted, asked, part):
    for _ in range(2):
        counted(part, as_of=DAY)
    assert len(asked) == 2


def test_a_caller_may_add_columns_to_what_it_was_given():
    @kept
    def frame(tables):
        return pd.DataFrame({"a": [1, 2]})

    tables = opened()
    first = frame(tables)
    first["b"] = 5
    first.loc[0, "a"] = 9
    assert frame(tables).to_dict("list") == {"a": [1, 2]}


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    (tmp_path / "acorn").mkdir()
    return Shelf(tmp_path / "acorn" / "derived", "one state")


def made(shelf: Shelf, name: str = "events", rows: pl.DataFrame = ROWS, **options) -> tuple[bool, pl.DataFrame]:
    """Whether it had to be worked out, and the rows."""
    done = []
    found = shelf.table(name, lambda: done.append(1) or rows, **options)
    return bool(done), found


def test_a_stored_table_is_read_and_not_worked_out(shelf):
    assert made(shelf)[0]
    again, found = made(shelf)
    assert not again and found.equals(ROWS) and found.schema == ROWS.schema
    assert made(Shelf(shelf.folder, "another state"))[0]
    assert made(shelf, key="of its own")[0]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-7], id="cut short"),
        pytest.param(lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:], id="one bit"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[32:], id="without its checksum"),
    ],
)
def test_a_damaged_file_is_worked_out_again_without_a_word(shelf, damage):
    made(shelf)
    (path,) = shelf.folder.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    again, found = made(shelf)
    assert again and found.equals(ROWS)
    assert not made(shelf)[0]


def test_what_cannot_be_written_is_worked_out_each_time(shelf, tmp_path):
    nowhere = Shelf(tmp_path / "gone" / "derived", "one state")
    assert made(nowhere)[0] and made(nowhere)[0]
    assert not (tmp_path / "gone").exists()  # a client that was deleted does not come back
    shelf.folder.write_text("a file where the folder should be")
    assert made(shelf)[0]


def test_older_states_leave_and_what_is_used_stays(shelf):
    for number in range(6):
        made(shelf, key=f"month {number}", keep=3)
        made(shelf, key="month 0", keep=3)
    assert len(list(shelf.folder.iterdir())) == 3
    assert not made(shelf, key="month 0", keep=3)[0]
    assert made(shelf, key="month 2", keep=3)[0]


def test_builders_at_the_same_time_find_whole_tables(shelf):
    wrong, start = [], threading.Barrier(6)

    def work(number: int) -> None:
        start.wait()
        for turn in range(30):
            rows = ROWS.with_columns(turn=pl.lit(turn))
            if not made(shelf, key=str(turn), rows=rows, keep=2)[1].equals(rows):
                wrong.append((number, turn))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not list(shelf.folder.glob("*.new"))


def posting(number: str, day: dt.date) -> dict:
    given = {"client": "a", "transaction_id": number, "kind": "charge", "party": "primary", "amount_cents": 5}
    return dict.fromkeys(TRANSACTIONS.names) | given | {"happened_on": day, "posted_on": day}


def stored(store: Store, *days: dt.date) -> Shelf:
    rows = [posting(f"t{day:%m%d}", day) for day in days]
    with store.change("a") as change:
        change.replace(TRANSACTIONS, pl.DataFrame(rows, schema=TRANSACTIONS.polars))
    return store.tables(["a"]).shelf


def test_a_changed_month_is_another_state_and_the_client_takes_all_of_it_along(tmp_path):
    store = Store(tmp_path)
    first = stored(store, dt.date(2026, 1, 5))
    made(first)
    assert not made(store.tables(["a"], as_of=DAY).in_memory().shelf)[0]
    second = stored(store, dt.date(2026, 2, 5))
    assert second.fingerprint != first.fingerprint and made(second)[0]
    assert [path.name for path in second.folder.iterdir()] and len(list(second.folder.iterdir())) == 1
    store.delete("a")
    assert not (tmp_path / "a").exists()


def test_tables_of_several_clients_have_no_place_of_their_own(tmp_path):
    store = Store(tmp_path)
    stored(store, dt.date(2026, 1, 5))
    assert store.tables(["a", "b"]).shelf is None


ANSWER = pd.DataFrame(
    {
        "payer": pd.array(["a", None], dtype="str"),
        "reason": pd.Series(["x", None], dtype=object),
        "codes": [("18", "45"), ()],
        "cents": [3, -4],
        "rate": [0.1, float("nan")],
        "rank": pd.array([1, None], dtype="Int64"),
        "is_new": [True, False],
        "month": pd.to_datetime(["2026-10-01", None]).astype("datetime64[us]"),
        **{unit: pd.to_datetime(["2026-10-01", None]).astype(f"datetime64[{unit}]") for unit in ("s", "ms", "ns")},
        "bucket": pd.Categorical(["0-30", "31-60"], categories=["0-30", "31-60", "over"], ordered=True),
    }
)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ANSWER, id="every kind of column"),
        pytest.param(ANSWER.iloc[:0].drop(columns="bucket"), id="no row"),
        pytest.param(ANSWER.drop(columns=list(ANSWER)), id="no column"),
        pytest.param(ANSWER.assign(codes=[(), ()]), id="tuples of nothing"),
    ],
)
def test_an_answer_comes_back_as_it_was(shelf, answer):
    given = answer.copy()
    given.attrs = {"left_out": "October", "voided": 3}
    shelf.answers("a day").add("q", given)  # not saved: not there
    assert shelf.answers("a day").get("q") is None
    one = shelf.answers("a day")
    one.add("q", given)
    one.save()
    found = shelf.answers("a day").get("q")
    pd.testing.assert_frame_equal(found, given, check_exact=True)
    assert found.attrs == given.attrs
    assert list(map(type, found["reason"])) == list(map(type, given["reason"])) if "reason" in given else True
    assert shelf.answers("another day").get("q") is None
    assert Shelf(shelf.folder, "another state").answers("a day").get("q") is None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ANSWER.set_index("payer"), id="an index of its own"),
        pytest.param(pd.DataFrame({"a": [dt.date(2026, 1, 1)]}), id="objects that are no text"),
        pytest.param(pd.DataFrame({"a": pd.Series(["x", float("nan")], dtype=object)}), id="text and no number"),
        pytest.param(ANSWER.iloc[1:], id="rows cut out"),
        pytest.param(ANSWER.iloc[:0], id="categories without a row"),
    ],
)
def test_an_answer_that_would_come_back_otherwise_is_not_stored(shelf, answer):
    answers = shelf.answers("a day")
    answers.add("q", answer)
    answers.save()
    assert shelf.answers("a day").get("q") is None


MONTH = Period.month("2026-10")
DRIVER = Driver({"payer": "acorn"}, 1.0, -2.5, 0.1, float("inf"), 3, 0.25, 0.5, 1 / 3, DAY, None)
WHY = Why("cash", MONTH, MONTH.shift(-1), Account(1.0, 2.0, (DRIVER, DRIVER), DRIVER, 0.0), None, (DRIVER,))


def test_a_record_comes_back_as_it_was(shelf):
    answers = shelf.answers("a day")
    answers.add("q", WHY)
    answers.save()
    found = shelf.answers("a day").get("q")
    assert found == WHY and found.account.drivers[0].since == DAY and isinstance(found.period, Period)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(replace(WHY, figure=pd.Timestamp(DAY)), id="a moment"),
        pytest.param(replace(WHY, standing=[DRIVER]), id="a list"),
        pytest.param(replace(WHY, account=ANSWER), id="a frame"),
        pytest.param(replace(WHY, period=Shown("a", "A")), id="a record of another room"),
        pytest.param({"figure": "cash"}, id="no record"),
    ],
)
def test_a_record_that_would_come_back_otherwise_is_not_stored(shelf, record):
    answers = shelf.answers("a day")
    answers.add("q", record)
    answers.save()
    assert shelf.answers("a day").get("q") is None and not list(shelf.folder.glob("*"))


def test_other_code_derives_anew(tmp_path, monkeypatch):
    """A byte in any file that derives, the periods among them, is another hash; one that only shows is not."""
    package = tmp_path / "rcm_analysis"
    shutil.copytree(Path(derived.__file__).parents[1], package, ignore=shutil.ignore_patterns("simulate", "press"))
    monkeypatch.setattr(derived, "__file__", str(package / "tables" / "derived.py"))
    hashes = [derived.code.__wrapped__()]
    for name in ("periods.py", "ledger/ratios.py", "tables/reference/carc.py", "exhibits/formats.py"):
        with (package / name).open("a") as file:
            file.write("# other\n")
        hashes.append(derived.code.__wrapped__())
    assert len(set(hashes)) == 4 and hashes[3] == hashes[4]


def test_a_large_answer_has_a_file_of_its_own(shelf):
    large = pd.DataFrame({"cents": range(40_000)})
    answers = shelf.answers("a day")
    answers.add("large", large)
    answers.add("small", ANSWER)
    answers.save()
    assert len(list(shelf.folder.iterdir())) == 2
    assert shelf.answers("a day").get("large").equals(large)


def test_reports_add_to_the_answers_of_each_other(shelf):
    one, other = shelf.answers("a day"), shelf.answers("a day")
    for answers, question in ((one, "first"), (other, "second")):
        assert answers.get(question) is None
        answers.add(question, ANSWER)
    one.save()
    other.save()
    assert all(shelf.answers("a day").get(question) is not None for question in ("first", "second"))


def test_what_was_derived_beside_other_payers_is_derived_anew(tmp_path):
    """The registry says which payers are insured, by whose law: an edit there is another question."""
    asked = []

    def answer(funding: str) -> None:
        payers = pl.DataFrame({"payer": ["p"], "funding": [funding]})
        tables = Tables({}, None, Shelf(tmp_path, "state")).with_payers(payers).in_memory()
        tables.once("q", lambda: asked.append(funding) or pd.DataFrame({"a": [1]}), "q")
        tables.save()

    for funding in ("insured", "insured", "self_funded", "insured"):
        answer(funding)
    assert asked == ["insured", "self_funded"]
