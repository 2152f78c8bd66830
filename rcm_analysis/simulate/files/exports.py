"""The billing systems' exports: layout A (CSV files) and layout B (one workbook a month).

Headers and code words come from the column maps that are shipped with the workspace, so that a map
and the files it describes cannot drift apart. Patients' names and birth dates are added here, as
real systems do: intake has to drop them.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import tomllib
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from ...periods import Period
from ...tables.schema import TABLES
from ..company import Company

PRIVATE = {"last_name": "Patient Last", "first_name": "Patient First", "birth": "DOB"}
PRIVATE_B = {"last_name": "Surname", "first_name": "Given Name", "birth": "Born"}
LOWERS = ("payment", "contractual", "write_off")
TOTALLED = {"claims": "charge_cents", "transactions": "amount_cents"}
FULL = ("fee_schedules", "payer_rules")
FILE_NAMES = {
    "claims": "claims",
    "claim_lines": "charge_detail",
    "transactions": "transactions",
    "claim_edits": "claim_edits",
    "work_log": "notes",
    "control_totals": "month_end",
    "actions": "action_list",
}
_STAMP = (2026, 1, 1, 0, 0, 0)


def map_text(layout: str) -> str:
    """The column map of a layout, as it is written into the workspace."""
    return (files(__package__) / f"{layout}.toml").read_text("utf-8")


def write_exports(
    folder: Path, tables: dict[str, pl.DataFrame], company: Company, layout: str, months: tuple[Period, ...]
) -> None:
    """Every month's export files of one client, and its fee schedules and payer rules."""
    content = tomllib.loads(map_text(layout))
    folder.mkdir(parents=True, exist_ok=True)
    writer = _LayoutA if layout == "layout_a" else _LayoutB
    words = {name: _in_words(frame, content[name], company, layout) for name, frame in tables.items()}
    cut = {name: _by_month(name, words[name]) for name in FILE_NAMES}
    for month in months:
        writer.month(
            folder, month, {name: cut[name].get(month.label, words[name].clear()) for name in FILE_NAMES}, content
        )
    for name in FULL:
        (folder / f"{name}.csv").write_text(
            _csv(_LayoutA.cells(words[name], content[name], name, layout)), "utf-8", newline=""
        )


def _in_words(frame: pl.DataFrame, section: dict[str, Any], company: Company, layout: str) -> pl.DataFrame:
    """Our values as the billing system writes them: payer names and code words."""
    alias = {payer.id: payer.aliases[0] if layout == "layout_a" else payer.aliases[2] for payer in company.payers}
    columns = [name for name in ("payer", "secondary_payer") if name in frame.columns]
    if "kind" in frame.columns and section["sign"]["by"] == "kind":
        frame = frame.with_columns(
            pl.when(pl.col("kind").is_in(LOWERS))
            .then(-pl.col("amount_cents"))
            .otherwise(pl.col("amount_cents"))
            .alias("amount_cents")
        )
    frame = frame.with_columns(pl.col(name).replace(alias) for name in columns)
    back = {name: {ours: theirs for theirs, ours in words.items()} for name, words in section.get("values", {}).items()}
    return frame.with_columns(pl.col(name).replace(words) for name, words in back.items())


def _by_month(name: str, frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    if name == "actions":
        return _action_months(frame)
    known = TABLES[name].known_on
    parts = frame.with_columns(pl.col(known).dt.strftime("%Y-%m").alias("_month")).partition_by(
        "_month", as_dict=True, maintain_order=True
    )
    return {key[0]: part.drop("_month") for key, part in parts.items()}


def _action_months(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The register as it stood at each month's end: rows opened or closed in the month."""
    opened, closed = (frame[name].dt.strftime("%Y-%m") for name in ("opened_on", "closed_on"))
    later = ["closed_on", "outcome", "recovered_cents"]
    result = {}
    for label in sorted(set(opened) | set(closed)):
        rows = frame.filter((opened == label) | (closed == label))
        done = rows["closed_on"].dt.strftime("%Y-%m") <= label
        result[label] = rows.with_columns(pl.when(done).then(pl.col(name)).alias(name) for name in later)
    return result


def _headers(section: dict[str, Any], private: dict[str, str], name: str) -> dict[str, str]:
    headers = {ours: theirs[0] for ours, theirs in section["columns"].items()}
    return headers | private if name == "claims" else headers


class _LayoutA:
    """CSV files: US dates, dollars as text, a TOTAL line at the end."""

    @classmethod
    def month(cls, folder: Path, month: Period, tables: dict[str, pl.DataFrame], content: dict[str, Any]) -> None:
        for name, frame in tables.items():
            if frame.is_empty():
                continue
            cells = cls.cells(frame, content[name], name, "layout_a")
            if name in TOTALLED:
                header = content[name]["columns"][TOTALLED[name]][0]
                total = dict.fromkeys(cells.columns, "") | {
                    cells.columns[0]: "TOTAL",
                    header: dollars([int(frame[TOTALLED[name]].sum())])[0],
                }
                cells = pl.concat([cells, pl.DataFrame(total, schema=cells.schema)])
            path = folder / f"{FILE_NAMES[name]}_{month.label}.csv"
            path.write_text(_csv(cells), "utf-8", newline="")

    @staticmethod
    def cells(frame: pl.DataFrame, section: dict[str, Any], name: str, layout: str) -> pl.DataFrame:
        """Every column as text under the system's own header."""
        formats = "%m/%d/%Y" if layout == "layout_a" else "%Y-%m-%d"
        columns = []
        for ours, header in _headers(section, PRIVATE, name).items():
            values = frame[ours]
            if ours.endswith("_cents"):
                values = pl.Series(dollars(values.to_list()), dtype=pl.String)
            elif values.dtype == pl.Date:
                values = values.dt.strftime(formats)
            columns.append(values.cast(pl.String).alias(header))
        return pl.DataFrame(columns)


def dollars(cents: list[int | None]) -> list[str | None]:
    """Cents as the system prints them.

    >>> dollars([123450, -1200, None])
    ['$1,234.50', '($12.00)', None]
    """
    return [
        None if value is None else f"${value / 100:,.2f}" if value >= 0 else f"(${-value / 100:,.2f})"
        for value in cents
    ]


def _csv(cells: pl.DataFrame) -> str:
    return cells.write_csv(None, null_value="")


class _LayoutB:
    """One workbook a month: title lines, then the header, real dates, signed amounts."""

    @staticmethod
    def month(folder: Path, month: Period, tables: dict[str, pl.DataFrame], content: dict[str, Any]) -> None:
        book, rows = Workbook(), []
        book.remove(book.active)
        book.properties.creator = "Layout B"
        for name, frame in tables.items():
            sheet = book.create_sheet(content[name]["sheet"])
            headers = _headers(content[name], PRIVATE_B, name)
            sheet.append([f"{content[name]['sheet']} for {month.title}"])
            sheet.cell(2, 1).number_format = "yyyy-mm-dd"  # empty: it only makes the style of dates, number 1
            sheet.append(list(headers.values()))
            rows.append(
                _sheet_rows(
                    frame.select(
                        (pl.col(ours) / 100).round(2) if ours.endswith("_cents") else pl.col(ours) for ours in headers
                    ),
                    first=4,
                )
            )
        (folder / f"export_{month.label}.xlsx").write_bytes(_steady(book, rows))


def _sheet_rows(values: pl.DataFrame, first: int) -> str:
    """The rows of a worksheet as its XML, from row `first` on: millions of cells, too many to write one by one.

    >>> _sheet_rows(pl.DataFrame({"a": ["x<y"], "b": [1.5]}), 4)
    '<row r="4"><c r="A4" t="inlineStr"><is><t>x&lt;y</t></is></c><c r="B4"><v>1.5</v></c></row>'
    """
    number = pl.int_range(first, first + pl.len()).cast(pl.String)
    cells = []
    for place, (name, kind) in enumerate(values.schema.items(), 1):
        start = pl.concat_str(pl.lit(f'<c r="{get_column_letter(place)}'), number)
        value = pl.col(name)
        if kind == pl.String:
            text = value.str.replace_all("&", "&amp;", literal=True).str.replace_all("<", "&lt;", literal=True)
            cell = pl.concat_str(start, pl.lit('" t="inlineStr"><is><t>'), text, pl.lit("</t></is></c>"))
        elif kind == pl.Date:
            serial = (value - pl.date(1899, 12, 30)).dt.total_days().cast(pl.String)
            cell = pl.concat_str(start, pl.lit('" s="1"><v>'), serial, pl.lit("</v></c>"))
        else:
            cell = pl.concat_str(start, pl.lit('"><v>'), value.cast(pl.String), pl.lit("</v></c>"))
        cells.append(cell)
    row = pl.concat_str(
        pl.lit('<row r="'), number, pl.lit('">'), pl.concat_str(cells, ignore_nulls=True), pl.lit("</row>")
    )
    return "".join(values.select(row.alias("row"))["row"].to_list())


def _steady(book: Workbook, rows: list[str]) -> bytes:
    """The workbook's bytes with the rows of each sheet, and without the hour of the day in them."""
    made = io.BytesIO()
    book.properties.created = dt.datetime(*_STAMP)
    book.save(made)
    steady = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(steady, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            content = old.read(item)
            if sheet := re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", item.filename):
                content = re.sub(rb"<dimension [^>]*/>", b"", content)  # it counts the first three rows only
                content = content.replace(b"</sheetData>", rows[int(sheet[1]) - 1].encode() + b"</sheetData>")
            if item.filename == "docProps/core.xml":
                stamp = book.properties.modified.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
                content = content.replace(stamp, dt.datetime(*_STAMP).strftime("%Y-%m-%dT%H:%M:%SZ").encode())
            new.writestr(zipfile.ZipInfo(item.filename, _STAMP), content, zipfile.ZIP_DEFLATED, 6)
    return steady.getvalue()
