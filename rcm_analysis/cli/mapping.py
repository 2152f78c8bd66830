"""`rcm map`: a column map proposed from the files themselves, shown, asked about, written, and tried."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ..errors import ParameterError, RcmError, SourceError, listed
from .terminal import FAILED, FINDINGS, HERE, WorkspaceOption, console, errors, table_of

if TYPE_CHECKING:
    from ..sources.exports.column_maps import ColumnMap
    from ..sources.mapping.proposal import Proposed, Question
    from ..sources.mapping.trial import Trial


def map_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="exports of one system, CSV or XLSX")],
    workspace: WorkspaceOption = HERE,
    name: Annotated[str, typer.Option("--name", "-n", metavar="NAME", help="the map's name: maps/NAME.toml")] = "",
    answer: Annotated[
        list[str] | None,
        typer.Option("--answer", "-a", metavar="KEY=VALUE", help="an answer to what a file leaves open"),
    ] = None,
    total: Annotated[
        list[str] | None,
        typer.Option("--total", "-t", metavar="SUM=AMOUNT", help="a total of your own report, such as charges=1234.50"),
    ] = None,
    own: Annotated[bool, typer.Option("--own", help="propose from the file, also where a shipped map fits")] = False,
    force: Annotated[bool, typer.Option("--force", help="overwrite a map of that name")] = False,
) -> None:
    """Propose a column map for files that no map describes.

    Reads headings and values, shows what each column is taken to be and why, asks only where two readings are
    possible, writes the map into the workspace, and reads the files through it without storing anything. Values of the
    files are shown on your own terminal and nowhere else.
    Exit code 0: read whole; 1: something is set aside, or a total is another; 2: open questions, or unreadable.
    """
    absent = [str(path) for path in files if not path.is_file()]
    if absent:
        raise RcmError(f"Nothing to read at {listed(absent)}: no such file.")
    desk = _Desk(_pairs(answer or [], "--answer"))
    known = None if own else _known_system(files)
    title = name or (known.name if known else _title(files[0]))
    text = _copied(known, title) if known else _proposed(desk, files, title)
    target = _written(workspace, title, text, force)
    trials = _tried(files, text, target)
    differing = _confirm(trials, _pairs(total or [], "--total"), desk.is_terminal)
    console.print(escape(f'Next: column_maps = ["{title}"] under the client in clients.toml, then rcm ingest.'))
    if differing or any(trial.set_aside for trial in trials):
        raise typer.Exit(FINDINGS)


@dataclass
class _Desk:
    """Whoever answers: options of the command first, then the person at the terminal."""

    answers: dict[str, str]
    used: set[str] = field(default_factory=set)

    @property
    def is_terminal(self) -> bool:
        return sys.stdin.isatty() and console.is_terminal

    def ask(self, questions: Sequence[Question]) -> None:
        """Answers to the questions, from the terminal; without one, an error that names them all.

        Raises
            ParameterError where nobody can answer.
        """
        if not self.is_terminal:
            told = "\n".join(f"  --answer {_shell(q.key)}=...   {q.text}{_options(q)}" for q in questions)
            raise ParameterError(f"{len(questions)} question(s) are open; answer each with an option:\n{told}")
        for question in questions:
            while True:
                said = str(typer.prompt(f"{question.text}{_options(question)}\n ")).strip()
                fitting = [option for option in question.options if option.casefold() == said.casefold()]
                if fitting or (said and not question.options):
                    self.answers[question.key] = fitting[0] if fitting else said
                    break


def _options(question: Question) -> str:
    return f" [{', '.join(question.options)}]" if question.options else ""


def _shell(key: str) -> str:
    return f'"{key}"' if set(key) & set(" '\"()&;$#*") else key


def _pairs(options: Sequence[str], option: str) -> dict[str, str]:
    out = {}
    for pair in options:
        key, found, value = pair.partition("=")
        if not found or not key.strip():
            raise ParameterError(f"{option} {pair!r}: it should be KEY=VALUE.")
        out[key.strip()] = value.strip()
    return out


def _title(path: Path) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in path.stem.lower()).split()
    return "_".join(word for word in words if not word.isdigit()) or "export"


# ---------------------------------------------------------------- what the files are
def _known_system(files: Sequence[Path]) -> ColumnMap | None:
    """The shipped map that describes all the files; none where several do, or one file fits none."""
    from ..sources.exports.column_maps import read_map
    from ..sources.exports.headers import recognise
    from ..sources.mapping.written import shipped_maps

    fitting = []
    for path in shipped_maps():
        try:
            found = read_map(path)
            for file in files:
                recognise(file, [found])
        except SourceError:
            continue
        fitting.append(found)
    if not fitting:
        return None
    known = max(fitting, key=lambda found: max(len(section.columns) for section in found.sections))
    console.print(escape(f"The headings are those of a known system: {known.name}."))
    if known.source:
        console.print(escape(f"Seen on {known.seen_on}: {known.source}."))
    return known


def _copied(known: ColumnMap, title: str) -> str:
    text = Path(known.path).read_text(encoding="utf-8")
    told = f"# Taken by rcm map from the shipped map {known.name}, whose headings the files have.\n#\n"
    return told + text.replace(f'name = "{known.name}"', f'name = "{title}"', 1)


def _proposed(desk: _Desk, files: Sequence[Path], title: str) -> str:
    """The text of a map for all files; a file that an earlier section reads needs none of its own."""
    from ..sources.exports.column_maps import parse_map
    from ..sources.exports.headers import recognise
    from ..sources.mapping.proposal import propose
    from ..sources.mapping.written import map_text

    parts: list[Proposed] = []
    for path in files:
        if parts:
            if any(part.join and part.join.file.path == path for part in parts):
                continue
            try:
                recognise(path, [parse_map(map_text(title, parts), title)], files)
                continue
            except SourceError:
                pass
        part = propose(path, desk.answers, files)
        while part.questions:
            _show(part, desk.is_terminal)
            desk.ask(part.questions)
            part = propose(path, desk.answers, files)
        _show(part, desk.is_terminal)
        parts.append(part)
    return map_text(title, parts)


def _show(part: Proposed, on_screen: bool) -> None:
    """What each column is taken to be, beside the fullest row of the file."""
    console.print(escape(f"{part.file.path.name}: {part.table.grain}."))
    names = [name for name in part.file.rows.columns if name != "row"]
    filled = part.file.rows.select(
        sum((part.file.rows[name].fill_null("").str.strip_chars() != "").cast(int) for name in names)
    ).to_series()
    row = part.file.rows.row(int(filled.arg_max() or 0), named=True) if part.file.rows.height else {}
    table = table_of("Column of the file", "One row", "What it is taken as", "Because")
    ours: dict[str, str] = {}
    for name in ("modifiers", "amount_cents"):
        several = part.settings.get(name)
        ours |= dict.fromkeys(several if isinstance(several, list) else [], name)
    ours |= {heading: name for name, heading in part.columns.items()}
    for held in part.file.columns:
        column = ours.get(held.heading, "")
        value = str(row.get(str(held.place)) or "") if on_screen else ""
        note = part.table.column(column).note if column else "not read"
        table.add_row(
            *(escape(text) for text in (held.heading, value[:30], f"{column}: {note}" if column else note)),
            escape(part.why.get(column, "")),
        )
    console.print(table)
    if not on_screen:
        console.print("(Values are shown on a terminal only.)")
    for key, why in part.why.items():
        if key in part.settings:
            console.print(escape(f"  {key} = {part.settings[key]}: {why}"))


# ---------------------------------------------------------------- written and tried
def _written(workspace: Path, title: str, text: str, force: bool) -> Path:
    from ..tables.workspace import open_workspace

    folder = open_workspace(workspace).paths["maps"]
    target = folder / f"{title}.toml"
    if target.exists() and not force and target.read_text(encoding="utf-8") != text:
        raise RcmError(f"{target} exists and says something else; name another with --name, or overwrite with --force.")
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    console.print(escape(f"Written: {target}"))
    return target


def _tried(files: Sequence[Path], text: str, target: Path) -> list[Trial]:
    from ..sources.exports.column_maps import parse_map
    from ..sources.exports.joins import partners
    from ..sources.mapping.trial import tried

    maps = [parse_map(text, str(target))]
    out: list[Trial] = []
    for path in files:
        try:
            out += tried(path, maps, files)
        except SourceError as error:
            if partners(path, maps):
                console.print(escape(f"{path.name}: its columns are looked up by the rows of the other files."))
                continue
            errors.print(escape(str(error)))
            raise typer.Exit(FAILED) from error
    for trial in out:
        console.print(
            escape(f"{trial.file} through {trial.section}: {trial.rows_stored:,} of {trial.rows_in:,} row(s) read.")
        )
        for rule, count, cents in trial.set_aside:
            dollars = f" [{cents / 100:,.2f}]" if cents else ""
            console.print(escape(f"  set aside: {count:,} by {rule}{dollars}"))
        for remark in trial.remarks:
            console.print(escape(f"  {remark}"))
    return out


def _confirm(trials: Sequence[Trial], totals: dict[str, str], is_terminal: bool) -> bool:
    """Show the sums and ask whether they are those of the office's own report; True where one is another."""
    sums: dict[str, int] = {}
    for trial in trials:
        for name, cents in trial.sums.items():
            sums[name] = sums.get(name, 0) + cents
    for name, cents in sums.items():
        console.print(escape(f"  {name} {cents / 100:,.2f}; is this your report's total?"))
    differing = []
    for name, amount in totals.items():
        try:
            cents = int(Decimal(amount.replace(",", "").lstrip("$")) * 100)
        except InvalidOperation:
            raise ParameterError(f"--total {name}={amount}: not an amount such as 1234.50.") from None
        if name not in sums:
            raise ParameterError(f"--total {name}: there is no such sum; there are {listed(sums)}.")
        if sums[name] != cents:
            differing.append(f"{name}: yours {cents / 100:,.2f}, the files' {sums[name] / 100:,.2f}")
    for line in differing:
        errors.print(escape(f"Another total: {line}. See which column of money is not read, or read twice."))
    if is_terminal and not totals and sums:
        differing += [] if typer.confirm("Are these the totals of your own report?", default=True) else ["as you said"]
    return bool(differing)
