"""The services' systems as files: registry services decide who has them; headers and code words from their maps.

Files lie in `raw/<client>/services/`, one system a service: CSV files of the self-pay programme and of the
front office, workbooks of the care-coordination programme. Names and remarks stand in them as in real life:
intake has to drop them.
"""

from __future__ import annotations

import io
import json
import re
import tomllib
import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from openpyxl import Workbook

from ...tables.schema_services import SERVICE_TABLES
from ..company import SYSTEMS
from ..files.exports import dollars, map_text
from ..practice import Practice
from ..practice_book import FIRST, LAST, ChargeBook
from ..self_pay.ledger import run_programme
from ..self_pay.plants import plant_breaches
from ..self_pay.programme import selfpay_tables
from ..self_pay.quality import misposted
from .coordination import coordination_tables
from .engagement import engagement_tables

Made = tuple[dict[str, pl.DataFrame], list[dict[str, Any]]]
REMARKS = {"interactions": "Call Notes", "feedback": "Comment", "care_contacts": "Progress Note"}


def _self_pay(practice: Practice, plants: bool) -> Made:
    programme = run_programme(practice, plants)
    tables = selfpay_tables(programme)
    tables, planted = plant_breaches(programme, tables) if plants else (tables, [])
    misposted(programme)
    return tables, [*programme.plant_items, *planted]


MAKERS: dict[str, Callable[[Practice, bool], Made]] = {
    "self_pay": _self_pay,
    "patient_engagement": engagement_tables,
    "care_coordination": coordination_tables,
}


def add_services(folder: Path, practice: Practice, *, plants: Collection[str] = ()) -> None:
    """Write the files, column maps and truth of the services that the client has; others get nothing.

    Call it before the ledger is exported: a self-pay programme posts plans, relief and early payments.
    `plants` names the services in whose files something is planted (`plants.draw.services_planted`).
    """
    client = practice.book.client
    for service, make in MAKERS.items():
        if service not in client.registry["services"]:
            continue
        tables, planted = make(practice, service in plants)
        name = SYSTEMS[service]
        (folder / "maps").mkdir(parents=True, exist_ok=True)
        (folder / "truth").mkdir(parents=True, exist_ok=True)
        _text(folder / "maps" / f"{name}.toml", map_text(name))
        write_service(folder / "raw" / client.id / "services", name, tables, practice.book)
        told = {
            "client": client.id,
            "plants": planted,
            f"{service}_rows": {table: len(rows) for table, rows in tables.items()},
        }
        _text(folder / "truth" / f"{client.id}.{service}.json", json.dumps(told, indent=1) + "\n")


def write_service(folder: Path, system: str, tables: Mapping[str, pl.DataFrame], book: ChargeBook) -> None:
    """The tables as the system exports them: events a month at a time, registers whole."""
    content = tomllib.loads(map_text(system))
    folder.mkdir(parents=True, exist_ok=True)
    sheets: dict[str, dict[str, pl.DataFrame]] = {}
    for name, frame in tables.items():
        cells = _headed(name, frame, content[name], book)
        if content[name]["delivery"] == "full":
            parts = {"": cells}
        else:
            months = frame[SERVICE_TABLES[name].known_on].dt.strftime("%Y-%m")
            parts = {str(month): cells.filter(months == month) for month in months.unique().sort()}
        for month, part in parts.items():
            if "sheet" in content[name]:
                money = [header[0] for ours, header in content[name]["columns"].items() if ours.endswith("_cents")]
                sheets.setdefault(month, {})[content[name]["sheet"]] = part.with_columns((pl.col(money) / 100).round(2))
            else:
                _write_csv(folder / f"{name}{month and '_'}{month}.csv", part, content[name])
    for month, parts in sheets.items():
        _write_workbook(folder / f"{system}{month and '_'}{month}.xlsx", parts)


def _headed(name: str, frame: pl.DataFrame, section: dict[str, Any], book: ChargeBook) -> pl.DataFrame:
    """The rows under the system's headers and in its code words, with the names and remarks it prints."""
    back = {ours: {our: theirs for theirs, our in words.items()} for ours, words in section.get("values", {}).items()}
    columns = [
        frame[ours].replace(back[ours]).alias(header[0]) if ours in back else frame[ours].alias(header[0])
        for ours, header in section["columns"].items()
    ]
    if "patient" in frame.columns:
        number = frame["patient"].str.extract(r"(\d+)$").cast(pl.Int64) - 1
        columns.append(_person(number, book, is_patient=frame["patient"].str.starts_with("C").any() or False))
        if name in REMARKS:
            columns.append(("spoke about " + columns[-1]).alias(REMARKS[name]))
    return pl.DataFrame(columns)


def _person(number: pl.Series, book: ChargeBook, *, is_patient: bool) -> pl.Series:
    last, first = (book.patients["last"], book.patients["first"]) if is_patient else (range(97), range(97))
    names = pl.Series(
        [f"{LAST[int(one) % len(LAST)]}, {FIRST[int(two) % len(FIRST)]}" for one, two in zip(last, first, strict=True)]
    )
    return names.gather(number % len(names)).alias("Patient Name")


def _write_csv(path: Path, cells: pl.DataFrame, section: dict[str, Any]) -> None:
    day = section.get("date_formats", ["%Y-%m-%d"])[0]
    money = [header[0] for ours, header in section["columns"].items() if ours.endswith("_cents")]
    text = []
    for column in cells:
        if column.name in money:
            column = pl.Series(column.name, dollars(column.to_list()), dtype=pl.String)
        elif column.dtype == pl.Date:
            column = column.dt.strftime(day)
        elif column.dtype == pl.Boolean:
            column = column.replace_strict({True: "Yes", False: "No"}, return_dtype=pl.String)
        text.append(column.cast(pl.String))
    _text(path, pl.DataFrame(text).write_csv(None, null_value=""))


def _write_workbook(path: Path, sheets: Mapping[str, pl.DataFrame]) -> None:
    book = Workbook(write_only=True)
    book.properties.creator = "Care program"
    for title, cells in sheets.items():
        sheet = book.create_sheet(title)
        sheet.append(cells.columns)
        for row in cells.iter_rows():
            sheet.append(row)
    path.write_bytes(_steady(book))


def _steady(book: Workbook) -> bytes:
    """The workbook's bytes without the hour of the day in them."""
    made, steady = io.BytesIO(), io.BytesIO()
    book.save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(steady, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            content = old.read(item)
            if item.filename == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", b"2026-01-01T00:00:00Z", content)
            new.writestr(zipfile.ZipInfo(item.filename, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED, 6)
    return steady.getvalue()


def _text(path: Path, text: str) -> None:
    path.write_text(text, "utf-8", newline="")
