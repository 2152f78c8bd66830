"""Answers: seen as tables in dollars with title, day and total, and still numbers; drawn, exported, asked in SQL."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest
from matplotlib.axes import Axes

from builders.bench_workspace import CLIENTS
from rcm_analysis import open_report
from rcm_analysis.blocks.vocabulary import MIME, Figure
from rcm_analysis.exhibits import figures

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def by_payer(report):
    return report.measure("days_in_ar", by="payer")


def test_an_answer_says_what_it_is_and_its_whole(report, by_payer):
    table, whole = by_payer.block(), report.measure("days_in_ar")
    assert (table.title, table.columns[0].heading) == ("Days in AR by payer", "Payer")
    assert "as of" in table.definition and table.definition.endswith("Days.")
    assert table.text[-1][0] == "Total" and table.rows[-1][1] == whole["ar_cents"].iloc[0]
    assert table.rows[-1][3] == pytest.approx(whole["days_in_ar"].iloc[0])
    names = {report.subject.payer_name(payer) for payer in by_payer["payer"]}
    assert {row[0] for row in table.text[:-1]} == names, "payers by their names"
    assert "90" in by_payer.definition and "Source:" in by_payer.definition
    assert repr(by_payer).startswith("Days in AR by payer\n")


def test_an_answer_is_a_frame_of_numbers(by_payer):
    assert by_payer["ar_cents"].dtype == "int64" and by_payer["ar_cents"].sum() > 0
    for part in (
        by_payer.head(),
        by_payer.sort_values("ar_cents"),
        by_payer[by_payer["ar_cents"] > 0],
        by_payer.copy(),
    ):
        assert type(part) is pd.DataFrame, "what is made of it says nothing that is no longer so"
    assert by_payer.groupby("payer")["ar_cents"].sum().to_dict() == dict(
        zip(by_payer["payer"], by_payer["ar_cents"], strict=True)
    )


def test_rates_and_medians_get_their_total_from_the_measure_and_lists_theirs_by_adding(report):
    rates = report.measure("denial_write_off_share", by="payer")
    assert rates.total == report.measure("denial_write_off_share").to_dict("records")[0]
    claims = report.measure("open_claims")
    assert claims.total == {"open_cents": claims["open_cents"].sum()}
    assert report.measure("days_in_ar").total is not None and len(report.measure("days_in_ar").block().rows) == 1


def test_a_long_answer_shows_its_first_rows_and_keeps_all_for_the_workbook(report):
    claims = report.claims("days_in_ar")
    seen, whole = claims.blocks()
    assert len(claims) > 40 and len(seen.rows) == 41 and "rows more" in seen.notes[0]
    assert len(whole.rows) == len(claims) + 1 and not whole.print


def test_it_is_shown_once_with_its_title_first(report, made, month, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw=False: shown.append(bundle))
    fresh = open_report(made.folder, CLIENTS[0], month)
    assert shown == []
    fresh.measure("cash")._ipython_display_()
    fresh.measure("cash")._ipython_display_()
    assert [one[MIME]["kind"] for one in shown] == ["meta", "inputs", "table", "table"]
    assert [bool(one["text/html"]) for one in shown] == [True, False, True, True]
    assert all("mathjax_ignore" in one["text/html"] for one in shown if one["text/html"])


def test_it_draws_itself_and_into_axes_of_your_own_and_as_pandas_does(report, by_payer):
    figure = report.trend("cash", months=4).plot()
    assert isinstance(figure, Figure) and figure.svg and figure.alt and "in " in figure.finding
    assert isinstance(by_payer.plot(), Figure) and isinstance(report.trend("cash", months=3, by="payer").plot(), Figure)
    axes = figures.new_axes()
    assert by_payer.plot(ax=axes) is axes and axes.patches
    assert isinstance(by_payer.plot(x="payer", y="ar_cents", kind="bar"), Axes)
    assert isinstance(by_payer.plot.bar(x="payer", y="ar_cents"), Axes)
    assert isinstance(by_payer["ar_cents"].plot(), Axes)
    nothing = report.measure("unmapped_codes")
    assert report.readable(nothing.head(0)).plot().payload["kind"] == "note"


def test_it_writes_a_workbook_with_typed_cells_and_its_definition(by_payer, tmp_path):
    by_payer.to_excel(tmp_path / "days.xlsx")
    book = openpyxl.load_workbook(tmp_path / "days.xlsx")
    sheet = book[book.sheetnames[1]]
    cells = {cell.value for row in sheet.iter_rows() for cell in row}
    assert any(isinstance(value, (int, float)) and value == by_payer["ar_cents"].iloc[0] / 100 for value in cells)
    assert "Definitions" in book.sheetnames
    by_payer.to_excel(tmp_path / "plain.xlsx", index=False)
    assert pd.read_excel(tmp_path / "plain.xlsx")["ar_cents"].tolist() == by_payer["ar_cents"].tolist()


def test_sql_asks_the_tables_of_the_day_in_cents_or_dollars(report, by_payer):
    found = report.sql("select sum(amount_cents) as cents, sum(amount_dollars) as all_dollars from transactions")
    rows = report.tables.transactions
    assert found["cents"].iloc[0] == rows["amount_cents"].sum()
    assert round(float(found["all_dollars"].iloc[0]) * 100) == rows["amount_cents"].sum()
    latest = report.sql("select max(posted_on) as day from transactions")["day"].iloc[0]
    assert pd.Timestamp(latest).date() <= report.as_of
    again = by_payer.sql("select count(*) as n, sum(ar_dollars) as open_dollars from result join claims using (payer)")
    assert again["n"].iloc[0] > 0
    one = by_payer.sql("select payer, ar_dollars from result order by 2 desc limit 1").block()
    assert (
        one.text[0][1]
        == report.readable(by_payer.nlargest(1, "ar_cents"))
        ._in_cents()["ar_cents"]
        .map(lambda cents: f"${round(cents / 100):,}")
        .iloc[0]
    )


def test_a_frame_of_your_own_is_readable_and_still_plots(report):
    frame = pd.DataFrame({"payer": ["Acme"], "open_cents": [123456], "day_on": [pd.Timestamp("2026-10-31")]})
    readable = report.readable(frame)
    assert "$1,235" in repr(readable) and "Oct 31, 2026" in repr(readable)
    assert readable["open_cents"].tolist() == [123456] and isinstance(readable.plot.bar(), Axes)
    assert report.readable(readable) is readable
