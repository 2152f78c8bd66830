"""What every command prints with: consoles, tables, money, progress, and the options that several share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

FINDINGS, FAILED = 1, 2
"""Exit codes: done with something that needs a person; nothing could be done."""

WIDE = None if sys.stdout.isatty() else 160
"""Columns of a table that goes to a file or a pipe: no client's name is folded."""
console = Console(highlight=False, soft_wrap=True, width=WIDE)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

HERE = Path(".")
WorkspaceOption = Annotated[Path, typer.Option("--workspace", "-w", metavar="DIR", help="folder with rcm.toml")]
ClientsOption = Annotated[
    list[str] | None, typer.Option("--client", "-c", metavar="ID", help="only this client; may be repeated")
]
WorkersOption = Annotated[int, typer.Option("--workers", "-j", min=1, metavar="N", help="processes side by side")]
PeriodOption = Annotated[
    str,
    typer.Option(
        "--period", metavar="YYYY-MM", help="month to report, e.g. 2026-10; by default the month before today's"
    ),
]


def table_of(*headings: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    is_prose = any(heading.startswith("What") for heading in headings)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 or is_prose else "right", overflow="fold")
    return table


def dollars(cents: int) -> str:
    whole, rest = divmod(abs(int(cents)), 100)
    return f"{'-' if cents < 0 else ''}{whole:,}.{rest:02d}"


def progress_bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


@contextmanager
def step(text: str) -> Iterator[None]:
    with console.status(text) if console.is_terminal else _plainly(text):
        yield


@contextmanager
def _plainly(text: str) -> Iterator[None]:
    console.print(f"{text} ...")
    yield
