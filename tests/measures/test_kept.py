"""Tables that keep what is derived from them give the same answers as plain ones, measure by measure."""

import inspect

import pytest

from builders.acorn import OCTOBER, invented, subject_of
from rcm_analysis.measures.menu import menu
from rcm_analysis.models.worklist.ranking import worklist
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.store import Tables, known_by

DAY = OCTOBER.last_day
GIVEN = {"period": OCTOBER, "as_of": DAY}


@pytest.fixture(scope="module")
def plain():
    return dict(subject_of(invented()).tables)


@pytest.fixture(scope="module")
def keeping():
    frames = {name: known_by(frame.lazy(), TABLES[name], DAY) for name, frame in invented().items()}
    return Tables(frames, DAY).in_memory()


def answered(record, tables, **other):
    takes = inspect.signature(record.function).parameters
    given = {name: value for name, value in (GIVEN | other).items() if name in takes} | dict(record.options)
    lacking = [n for n, p in takes.items() if p.default is p.empty and n not in given and n != "tables"]
    if "tables" not in takes or lacking:
        pytest.skip("needs more than tables, month and day")
    return record.function(tables, **given)


@pytest.mark.parametrize("name", sorted(menu()))
def test_a_measure_gives_the_same_with_memory_and_without(name, plain, keeping):
    record = menu()[name]
    expected = answered(record, plain)
    assert answered(record, keeping).equals(expected)
    assert answered(record, keeping).equals(expected)  # from memory


@pytest.mark.parametrize(
    "name", ["initial_denial_rate_lines_remitted", "denial_reasons", "net_collection_rate_matured"]
)
def test_memory_of_one_day_answers_for_earlier_days(name, plain, keeping):
    for months in (1, 3):
        earlier = OCTOBER.shift(-months)
        given = {"period": earlier, "as_of": earlier.last_day}
        assert answered(menu()[name], keeping, **given).equals(answered(menu()[name], plain, **given))


def test_the_worklist_is_the_same_with_memory_and_without(plain, keeping):
    assert worklist(keeping, as_of=DAY).equals(worklist(plain, as_of=DAY))
