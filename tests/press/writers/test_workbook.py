"""Workbooks: numbers are numbers, and no text can become a formula."""

from __future__ import annotations

import datetime as dt
import zipfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.workbook import Workbook

from rcm_analysis.blocks.vocabulary import Brand, Column, Figure, Meta, Note, Table, Term
from rcm_analysis.errors import RunError
from rcm_analysis.press.writers import workbook
from rcm_analysis.press.writers.workbook import Section, put_text, section_of, sheet_name, write_workbook

META = Meta(title="Small review", client_name="Cali Care", period_title="October 2026", as_of="2026-10-31", firm="Firm")
HOSTILE_META = Meta("=1+1", "=1+1", "=1+1", "=1+1", "=1+1", "=1+1", "=1+1", brand=Brand(disclaimer="=1+1"))
HOSTILE = [
    "=1+1",
    "=cmd|'/c calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "#N/A",
    "#REF!",
    "'=1",
    "%0A=1",
    "|x",
    " =1",
    '=HYPERLINK("http://x")',
    "{=1}",
    "\x00=1",
    "\ud800=1",
    "\u202e=1",
    "true",
    "1234",
    "2026-10-31",
    "<b>x</b>",
    "x" * 40_000,
    "",
]


def table(rows: list[list[Any]], units: list[str], name: str = "made", **more: Any) -> Table:
    columns = [{"name": f"c{number}", "title": f"Column {number}", "unit": unit} for number, unit in enumerate(units)]
    return Table.read({"name": name, "title": "Made", "columns": columns, "rows": rows, **more})


def opened(path: Path, *tables: Table, meta: Meta = META, terms: tuple = ()) -> Workbook:
    write_workbook([Section("Report", tables, terms)], path / "made.xlsx", meta=meta)
    return openpyxl.load_workbook(path / "made.xlsx")


def cells(book: Workbook) -> list[Any]:
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def test_no_text_becomes_a_formula_wherever_it_stands(tmp_path: Path) -> None:
    made = []
    for text in HOSTILE:
        one = table([[text, text], ["a", text]], ["text", "usd"])
        columns = (Column("a", text), one.columns[1])
        made.append(replace(one, name=text, title=text, definition=text, notes=(text,), columns=columns))
    terms = tuple(Term(text, text, text, text, text) for text in HOSTILE)
    book = opened(
        tmp_path,
        *made,
        meta=Meta(
            "=1+1", client_name="=1+1", period_title="=1+1", as_of="=1+1", firm="=1+1", brand=Brand(disclaimer="=1+1")
        ),
        terms=terms,
    )
    assert {cell.data_type for cell in cells(book)} == {"s"}
    assert all(cell.quotePrefix for cell in cells(book) if str(cell.value).startswith(("=", "+", "-", "@")))
    with zipfile.ZipFile(tmp_path / "made.xlsx") as parts:
        for name in parts.namelist():
            assert b"<f>" not in parts.read(name) and b"<f " not in parts.read(name)
        assert not [name for name in parts.namelist() if "external" in name.lower()]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "'", "|", "%"])
def test_a_text_that_a_sheet_could_run_stays_a_text_when_it_is_edited(tmp_path: Path, first: str) -> None:
    cell = Workbook().active.cell(1, 1)
    put_text(cell, f"{first}SUM(A1)")
    assert cell.quotePrefix and cell.data_type == "s"
    put_text(plain := Workbook().active.cell(1, 1), f"SUM(A1){first}")
    assert not plain.quotePrefix


def test_values_are_typed(tmp_path: Path) -> None:
    row = [-123456, 0.25, 7, 30.5, "2026-10-31", "2026-10", True, "00123", 1.5]
    units = ["usd", "rate", "count", "days", "date", "month", "flag", "text", "number"]
    sheet = opened(tmp_path, table([row, [None] * 9], units))["Made"]
    first = [sheet.cell(5, position) for position in range(1, 10)]
    assert [cell.value for cell in first] == [
        -1234.56,
        0.25,
        7,
        30.5,
        dt.datetime(2026, 10, 31),
        dt.datetime(2026, 10, 1),
        1,
        "00123",
        1.5,
    ]
    assert [cell.data_type for cell in first] == ["n", "n", "n", "n", "d", "d", "n", "s", "n"]
    assert first[0].number_format == '"$"#,##0.00;-"$"#,##0.00'
    assert first[1].number_format == "0.0%" and first[6].number_format == '"Yes";"Yes";"No"'
    assert [sheet.cell(6, position).value for position in range(1, 10)] == [None] * 9


@pytest.mark.parametrize("cents", [1, -1, 10, 29, 121986722, 99_999_999_999_99, 0])
def test_dollars_are_exact(tmp_path: Path, cents: int) -> None:
    opened(tmp_path, table([[cents]], ["usd"]))
    with zipfile.ZipFile(tmp_path / "made.xlsx") as parts:
        text = parts.read("xl/worksheets/sheet2.xml").decode()
    stored = text.split('r="A5"')[1].split("<v>")[1].split("</v>")[0]
    assert float(stored) == float(Decimal(cents) / 100)
    assert round(Decimal(stored) * 100) == cents


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_what_is_no_number_leaves_the_cell_empty(tmp_path: Path, value: Any) -> None:
    assert opened(tmp_path, table([[value]], ["rate"]))["Made"]["A5"].value is None


def test_a_sheet_can_be_filtered_and_totals_stay_out_of_the_filter(tmp_path: Path) -> None:
    sheet = opened(tmp_path, table([["a", 1], ["b", 2], ["Total", 3]], ["text", "usd"], emphasis=[2], notes=["one"]))[
        "Made"
    ]
    assert sheet.freeze_panes == "A6"
    assert sheet.auto_filter.ref == "A5:B7"
    assert [sheet.cell(row, 1).font.bold for row in (6, 7, 8)] == [False, False, True]
    assert all(merged.max_row < 5 for merged in sheet.merged_cells.ranges), "nothing that is filtered is merged"


@pytest.mark.parametrize(("length", "end"), [(32_767, "x"), (32_768, "…")])
def test_a_text_longer_than_a_cell_holds_is_cut_and_says_so(length: int, end: str) -> None:
    value = put_text(Workbook().active["A1"], "x" * length).value
    assert len(value) == 32_767 and value[-1] == end


@pytest.mark.parametrize(("rows", "fits"), [(20, True), (21, False)])
def test_a_table_longer_than_a_sheet_is_refused(tmp_path: Path, monkeypatch, rows: int, fits: bool) -> None:
    """A hundred rows are kept free for title, notes and headings."""
    monkeypatch.setattr(workbook, "MOST_ROWS", 120)
    given = table([["a"]] * rows, ["text"])
    if fits:
        assert opened(tmp_path, given)["Made"].max_row == 4 + rows
    else:
        with pytest.raises(RunError, match="has 21 rows; a sheet holds 120"):
            opened(tmp_path, given)


@pytest.mark.parametrize(("columns", "orientation"), [(6, "portrait"), (7, "landscape")])
def test_a_wide_table_prints_on_its_side(tmp_path: Path, columns: int, orientation: str) -> None:
    sheet = opened(tmp_path, table([["a"] * columns], ["text"] * columns))["Made"]
    assert sheet.page_setup.orientation == orientation


def test_the_contents_sheet_links_to_every_table(tmp_path: Path) -> None:
    book = opened(tmp_path, table([], ["text"], name="it's aging"), terms=(Term("open", "Open"),))
    contents = book["Contents"]
    shown = [cell.value for row in contents.iter_rows() for cell in row if cell.value]
    assert {"Small review", "Cali Care", "October 2026", "2026-10-31"} <= set(shown)
    links = [cell.hyperlink.location for row in contents.iter_rows() for cell in row if cell.hyperlink]
    assert links == ["'It''s aging'!A1", "'Definitions'!A1"]
    assert book.sheetnames == ["Contents", "It's aging", "Definitions"]


def test_tables_behind_figures_and_unprinted_tables_are_there_once() -> None:
    aging = table([["a"]], ["text"], name="aging")
    hidden = table([["b"]], ["text"], name="detail", print=False)
    figure = Figure("chart", "Chart", table=aging)
    untitled = Figure("costs", "Costs", table=table([["c"]], ["text"], name="costs", title=""))
    section = section_of([aging, figure, hidden, Figure("bare", "Bare"), Note("x"), untitled], "Report")
    assert [(made.name, made.title) for made in section.tables] == [
        ("aging", "Made"),
        ("detail", "Made"),
        ("costs", "Costs"),
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(["Aging", "aging"], ["Aging", "aging 2"], id="names differ by more than capitals"),
        pytest.param(["x" * 40, "x" * 40], ["x" * 31, "x" * 29 + " 2"], id="names have 31 characters at most"),
        pytest.param(["a/b:c*d?e[f]g\\h"], ["a b c d e f g h"], id="forbidden characters become spaces"),
        pytest.param(["", "'"], ["Table", "Table 2"], id="an empty name is called Table"),
    ],
)
def test_sheet_names_are_taken_by_excel_and_unique(names: list[str], expected: list[str]) -> None:
    taken: set[str] = set()
    assert [sheet_name(name, taken) for name in names] == expected


def test_history_and_our_own_sheets_are_never_taken(tmp_path: Path) -> None:
    book = opened(tmp_path, *(table([], ["text"], name=name) for name in ("History", "contents", "Definitions")))
    assert book.sheetnames == ["Contents", "History 2", "Contents 2", "Definitions 2"]


def test_a_table_that_two_reports_share_has_one_sheet(tmp_path: Path) -> None:
    inputs = Table("inputs", "Input tables", (Column("rows", "Rows", "count"),), ((3,),))
    other = replace(inputs, rows=((4,),))
    sections = [Section("Review", (inputs,)), Section("Deep dive", (replace(inputs),)), Section("Weekly", (other,))]
    write_workbook(sections, tmp_path / "packet.xlsx", meta=Meta(title="Packet"))
    book = openpyxl.load_workbook(tmp_path / "packet.xlsx")
    assert book.sheetnames == ["Contents", "Inputs", "Inputs 2"]
    named = [(row[0], row[2]) for row in book["Contents"].iter_rows(values_only=True)]
    assert named[-3:] == [("Inputs", "Review"), ("Inputs", "Deep dive"), ("Inputs 2", "Weekly")]
    assert [book[name]["A1"].value for name in ("Inputs", "Inputs 2")] == ["Input tables", "Input tables"]


def test_the_same_tables_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(tmp_path, table([[1]], ["usd"]))
    first = (tmp_path / "made.xlsx").read_bytes()
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    opened(tmp_path, table([[1]], ["usd"]))
    assert (tmp_path / "made.xlsx").read_bytes() == first
    with zipfile.ZipFile(tmp_path / "made.xlsx") as parts:
        assert {entry.date_time for entry in parts.infolist()} == {(2000, 1, 1, 0, 0, 0)}
        assert parts.read("docProps/core.xml").count(b">2000-01-01T00:00:00Z<") == 2


def test_a_table_that_is_not_rectangular_is_refused_without_its_values(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="1 of its 2 rows") as caught:
        opened(tmp_path, table([["a", "b"], ["Jane"]], ["text", "text"]))
    assert "Jane" not in str(caught.value)


def test_small_printed_tables_of_one_heading_share_a_sheet_in_reading_order(tmp_path: Path) -> None:
    """Links and the contents lead to the row where a table begins; a long or hidden table has a sheet of its own."""
    small = [replace(table([[n]], ["count"], name=f"t{n}"), title=f"Table {n}", notes=("one",)) for n in (1, 2)]
    long = table([[n] for n in range(41)], ["count"], name="long_list")
    hidden = table([[1]], ["count"], name="hidden_one", print=False)
    alone = table([["t2"]], ["text"], name="alone")
    alone = replace(alone, columns=(replace(alone.columns[0], link=True),))
    headings = {
        "t1": "Denials, and payers",
        "long_list": "Denials, and payers",
        "t2": "Denials, and payers",
        "alone": "X",
    }
    section = Section("Review", (small[0], long, small[1], hidden, alone), headings=headings)
    write_workbook([section, replace(section, title="Other")], tmp_path / "b.xlsx", meta=META)
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    assert book.sheetnames == ["Contents", "Denials", "Long list", "Hidden one", "Alone"]
    sheet = book["Denials"]
    assert [sheet.cell(row, 1).value for row in (1, 6, 8, 13)] == ["Table 1", 1, "Table 2", 2]
    assert sheet.freeze_panes is None and sheet.auto_filter.ref is None and book["Long list"].freeze_panes == "A5"
    assert book["Alone"].cell(5, 1).hyperlink.location == "'Denials'!A8" and book["Alone"].cell(5, 1).value == "Denials"


def test_a_long_table_is_the_same_cell_by_cell_as_a_short_one(tmp_path: Path) -> None:
    units = ["text", "usd", "count", "rate", "date", "month", "flag", "mixed"]
    plain = ["2026-10-31", "2026-10", True, [12345, "usd"]]
    rows = [[text, text, text, text, text, text, text, [text, "count"]] for text in HOSTILE]
    rows += [[" <a> & \u2026 ", -123456, 7, 0.123456789012345678, *plain]]
    rows += [[None, None, None, float("nan"), None, "no day", None, [None, "usd"]], ["Total", 1, 2.5, 1e-7, *plain]]
    last = ["Total", 5, 5, 0.5, "2026-10-31", "2026-10", 0, [5, "count"]]
    total = len(rows) - 1
    short = table([*rows, last], units, "short", emphasis=[total, total + 1])
    long = table([*rows, *[last] * workbook.SMALL], units, "long", emphasis=[total, total + 1])
    book = opened(tmp_path, short, long)

    def told(sheet: Any) -> list[Any]:
        made = [cell for row in sheet.iter_rows(min_row=5, max_row=4 + len(rows)) for cell in row]
        styles = ("number_format", "quotePrefix", "font", "border", "fill")
        return [
            (one.coordinate, one.value, one.data_type, *(repr(getattr(one, name)) for name in styles)) for one in made
        ]

    assert told(book["Long"]) == told(book["Short"])
    assert book["Long"].dimensions == f"A1:H{4 + len(rows) + workbook.SMALL}"
