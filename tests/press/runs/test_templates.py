"""Templates and their parameters: everything is checked before a kernel starts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

from rcm_analysis.errors import ParameterError
from rcm_analysis.periods import Period
from rcm_analysis.press.runs.parameters import check_parameters, convert, from_text
from rcm_analysis.press.runs.templates import Parameter, find_template, offered, read_template, read_templates

HEAD = 'client: str = ""  # client id'


def written(folder: Path, parameters: str | None, name: str = "made", card: dict[str, Any] | None = None) -> Path:
    notebook = nbformat.v4.new_notebook(metadata={"rcm": {"title": "Made", **(card or {})}})
    if parameters is not None:
        notebook.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


def test_the_parameters_cell_says_name_type_default_and_help(tmp_path: Path) -> None:
    source = f'"""What it takes."""\n{HEAD}\npayers: list[str] = []  # only these\nsince: str | None = None\nrate = 0.5'
    template = read_template(written(tmp_path, source))
    assert template.parameters == (
        Parameter("client", "str", "", "client id"),
        Parameter("payers", "list", [], "only these", items="str"),
        Parameter("since", "str", None, may_be_none=True),
        Parameter("rate", "float", 0.5),
    )
    assert [parameter.required for parameter in template.parameters] == [True, False, False, False]
    assert [parameter.type_text for parameter in template.parameters] == ["str", "list[str]", "str | None", "float"]


@pytest.mark.parametrize(
    ("parameters", "card", "message"),
    [
        pytest.param(None, {}, "expected one code cell tagged 'parameters', found 0", id="no parameters cell"),
        pytest.param("x: int = ", {}, "not Python", id="a parameters cell with a syntax error"),
        pytest.param("import os", {}, "not an assignment", id="an import among the parameters"),
        pytest.param("x: int = len([])", {}, "computed", id="a computed default"),
        pytest.param("x: bytes = b''", {}, "A parameter is one of", id="a type we cannot carry"),
        pytest.param("x: int = 1\nx: int = 2", {}, "more than once", id="a name set twice"),
        pytest.param(HEAD, {"title": " "}, '"title"', id="no title"),
        pytest.param(HEAD, {"scope": "planet"}, "unknown scope", id="an unknown scope"),
        pytest.param(HEAD, {"order": "first"}, "not a whole number", id="an order that is no number"),
    ],
)
def test_a_notebook_that_is_no_template_gets_one_clear_message(
    tmp_path: Path, parameters: str | None, card: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParameterError, match="^made.ipynb") as caught:
        read_template(written(tmp_path, parameters, card=card))
    assert message in str(caught.value)


def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "made.ipynb").write_bytes(b"\xff\xfe not json")
    with pytest.raises(ParameterError, match="not a notebook"):
        read_template(tmp_path / "made.ipynb")


def test_templates_come_in_the_order_of_the_packet(templates_folder: Path) -> None:
    assert [template.name for template in read_templates(templates_folder)] == ["small", "wanderer", "broken", "other"]


@pytest.mark.parametrize("name", ["smal", "../small", "/etc/passwd", "small.ipynb", ""])
def test_an_unknown_template_is_refused_with_the_nearest(templates_folder: Path, name: str) -> None:
    with pytest.raises(ParameterError, match="There is no template") as caught:
        find_template(name, templates_folder)
    said = str(caught.value)
    assert all(known in said for known in ("broken", "other", "small", "wanderer", "client_review")), said


def test_an_own_template_stands_beside_those_of_the_installation(templates_folder: Path, tmp_path: Path) -> None:
    shipped = {template.name for template in read_templates()}
    assert {template.name for template in offered(templates_folder)} == shipped | {
        "small", "wanderer", "broken", "other"
    }  # fmt: skip
    assert find_template("client_review", templates_folder).path.parent != templates_folder
    (tmp_path / "client_review.ipynb").write_bytes((templates_folder / "small.ipynb").read_bytes())
    assert find_template("client_review", tmp_path).path.parent == tmp_path, "of one name, the analyst's own"
    assert len(offered(tmp_path)) == len(shipped)


def test_an_unknown_parameter_is_refused_with_the_list(templates_folder: Path) -> None:
    with pytest.raises(ParameterError) as caught:
        check_parameters(find_template("small", templates_folder), {"cleint": "cali-care"})
    assert str(caught.value) == (
        "small has no parameter 'cleint'. It takes: client, period, weeks. Closest: client. Nothing was run."
    )


def test_a_name_that_is_code_is_refused(templates_folder: Path) -> None:
    with pytest.raises(ParameterError, match="has no parameter"):
        check_parameters(find_template("small", templates_folder), {"weeks; import os": 1})


def test_all_faults_are_told_at_once_and_no_value_is_shown(templates_folder: Path) -> None:
    with pytest.raises(ParameterError) as caught:
        check_parameters(find_template("small", templates_folder), {"weeks": "Jane Doe", "client": 5})
    text = str(caught.value)
    assert "weeks must be int; found str." in text
    assert "client must be str; found int." in text
    assert "period must be given (month YYYY-MM)." in text
    assert "Jane" not in text


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        pytest.param("int", np.int64(3), 3, id="a numpy integer stays a number"),
        pytest.param("bool", np.bool_(False), False, id="a numpy flag stays a flag, and false"),
        pytest.param("float", np.float32(0.5), 0.5, id="a numpy float"),
        pytest.param("float", 2, 2.0, id="a whole number where a float is wanted"),
        pytest.param("float", Decimal("0.055"), 0.055, id="a decimal where a float is wanted"),
        pytest.param("str", Decimal("0.055"), "0.055", id="a decimal travels as exact text"),
        pytest.param("str", dt.date(2026, 10, 31), "2026-10-31", id="a date travels as ISO text"),
        pytest.param("str", pd.Timestamp("2026-10-31"), "2026-10-31", id="a timestamp at midnight is a date"),
        pytest.param("str", dt.datetime(2026, 10, 31, 8, 30), "2026-10-31T08:30:00", id="a time keeps its hours"),
        pytest.param("str", pd.Period("2026-10", "M"), "2026-10", id="a pandas period is a month"),
        pytest.param("str", Period.month("2026-10"), "2026-10", id="our own period is a month"),
        pytest.param("list", np.array([1, 2]), [1, 2], id="an array is a list of numbers"),
        pytest.param("list", {"b", "a"}, ["a", "b"], id="a set comes in order"),
        pytest.param("dict", {"on": dt.date(2026, 1, 2)}, {"on": "2026-01-02"}, id="dates inside a dict"),
    ],
)
def test_values_of_a_table_become_what_the_template_declares(kind: str, value: Any, expected: Any) -> None:
    converted = convert(Parameter("x", kind, None), value)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param("int", True, id="a flag is no number"),
        pytest.param("bool", 1, id="a number is no flag"),
        pytest.param("int", 1.5, id="a fraction is no whole number"),
        pytest.param("int", Decimal("Infinity"), id="infinity is no whole number"),
        pytest.param("int", "3", id="text is no number"),
        pytest.param("str", 3, id="a number is no text"),
        pytest.param("str", pd.NaT, id="no date is no text"),
        pytest.param("str", None, id="nothing is no text"),
        pytest.param("float", float("nan"), id="not a number"),
        pytest.param("list", "a,b", id="text is no list"),
        pytest.param("dict", {1: "a"}, id="keys must be text"),
        pytest.param("list", [object()], id="an object is nothing we can carry"),
    ],
)
def test_a_wrong_type_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=f"^x must be {kind}; found "):
        convert(Parameter("x", kind, None), value)


@pytest.mark.parametrize(
    ("parameter", "text", "expected"),
    [
        pytest.param(Parameter("x", "int", 1), "12", 12, id="a number"),
        pytest.param(Parameter("x", "bool", True), "no", False, id="a flag"),
        pytest.param(Parameter("x", "list", [], items="int"), "1, 2", [1, 2], id="a list with commas"),
        pytest.param(Parameter("x", "list", []), '["a,b"]', ["a,b"], id="a list as JSON"),
        pytest.param(Parameter("x", "dict", {}), '{"a": 1}', {"a": 1}, id="a dict as JSON"),
        pytest.param(Parameter("x", "str", None, may_be_none=True), "none", None, id="nothing"),
        pytest.param(Parameter("x", "str", ""), "=1+1", "=1+1", id="text is taken as it is"),
    ],
)
def test_words_of_a_command_line_become_typed_values(parameter: Parameter, text: str, expected: Any) -> None:
    assert from_text(parameter, text) == expected


WEEK = Parameter("week_ending", "str", "month end", "last day of the week, YYYY-MM-DD; or month end")
MONTH = Parameter("period", "str", "", "month, YYYY-MM")


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        pytest.param(WEEK, "2026-10-16", "2026-10-16", id="a day"),
        pytest.param(WEEK, "month end", "month end", id="the word the template itself uses"),
        pytest.param(WEEK, dt.date(2026, 10, 16), "2026-10-16", id="a date of a program"),
        pytest.param(MONTH, "2026-10", "2026-10", id="a month"),
        pytest.param(MONTH, "", "", id="nothing yet"),
        pytest.param(
            Parameter("x", "str", "", "a word"), "tuesday", "tuesday", id="a text of no form is taken as it is"
        ),
    ],
)
def test_a_date_is_taken_in_the_form_that_the_template_names(parameter: Parameter, value: Any, expected: str) -> None:
    assert convert(parameter, value) == expected


@pytest.mark.parametrize(
    ("parameter", "text", "what"),
    [
        pytest.param(WEEK, "tuesday", "a day written YYYY-MM-DD, such as 2026-10-16, or 'month end'", id="a word"),
        pytest.param(WEEK, "2026-02-30", "a day written YYYY-MM-DD", id="a day that there is not"),
        pytest.param(WEEK, "20261016", "a day written YYYY-MM-DD", id="another way to write it"),
        pytest.param(WEEK, "2026-11", "a day written YYYY-MM-DD", id="a month for a day"),
        pytest.param(MONTH, "2026-13", "a month written YYYY-MM, such as 2026-10; ", id="a month that there is not"),
        pytest.param(MONTH, "2026-10-16", "a month written YYYY-MM", id="a day for a month"),
    ],
)
def test_a_text_that_is_no_date_is_refused_before_a_kernel_starts(parameter: Parameter, text: str, what: str) -> None:
    with pytest.raises(ParameterError, match=f"^{parameter.name} must be {what}.*the text given is not one") as caught:
        from_text(parameter, text)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "text"), [("int", "1.5"), ("bool", "maybe"), ("dict", "{"), ("list", "[1"), ("float", "nan")]
)
def test_words_that_are_no_such_value_are_refused(kind: str, text: str) -> None:
    with pytest.raises(ParameterError, match=f"^x must be {kind}"):
        from_text(Parameter("x", kind, None), text)


def test_a_template_is_another_one_when_the_pages_beside_it_change(tmp_path: Path) -> None:
    path = written(tmp_path, 'period: str = ""')
    alone = read_template(path).sha256
    (tmp_path / "other.py").write_text("of no concern")
    assert read_template(path).sha256 == alone
    (tmp_path / "made.py").write_text("one")
    with_file = read_template(path).sha256
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "answers.py").write_text("two")
    with_folder = read_template(path).sha256
    (tmp_path / "made" / "answers.py").write_text("three")
    assert len({alone, with_file, with_folder, read_template(path).sha256}) == 4
