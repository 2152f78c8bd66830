"""The analyst's bench from the command line: `rcm lab`, `rcm new notebook`, `rcm promote`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..blocks.plain import slug
from ..errors import ParameterError, RcmError, StoreError, closest, listed
from ..periods import Period
from .terminal import HERE, PeriodOption, WorkspaceOption, console, table_of

if TYPE_CHECKING:
    from ..tables.workspace import Workspace

NOTEBOOKS, OWN_TEMPLATES = "notebooks", "templates"
BLANK = "blank"
SETTINGS = Path(__file__).parent / "jupyter"
"""What every JupyterLab of this installation is told, too: its file browser does not show the key."""

new = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Begin something of your own.")

ClientOption = Annotated[str, typer.Option("--client", "-c", metavar="ID", help="the client, by id or name")]


@new.command("notebook")
def new_notebook(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="what the file is called; without, the list of starters")
    ] = "",
    client: ClientOption = "",
    starter: Annotated[
        str, typer.Option("--from", metavar="STARTER", help="which worked question to begin with")
    ] = BLANK,
    period: PeriodOption = "",
    workspace: WorkspaceOption = HERE,
) -> None:
    """Begin a notebook with a worked question.

    It runs as it is, for the client and month given: by default the first client and the latest month with data.
    Without NAME it lists the starters.
    """
    from ..tables.workspace import open_workspace

    if not name:
        table = table_of("Starter", "Question")
        for one in starters():
            table.add_row(one, _heading(starters()[one]))
        console.print(table)
        return
    opened = open_workspace(workspace)
    if starter not in starters():
        raise ParameterError(
            f"There is no starter {starter!r}. Known: {listed(starters())}.{closest(starter, starters())}"
        )
    file = opened.folder / NOTEBOOKS / f"{slug(name.removesuffix('.ipynb'), 'notebook')}.ipynb"
    if file.exists():
        raise ParameterError(f"{file} is there already. Choose another name. Nothing was written.")
    _write(file, filled(starters()[starter], opened, client, period))
    console.print(escape(f"{file}: run it as it is with: rcm lab, or: rcm run {file}"))


def starters() -> dict[str, Path]:
    """The worked questions by name, `blank` last."""
    from ..press.runs.templates import templates_folder

    found = {path.stem.replace("_", "-"): path for path in sorted((templates_folder() / "starters").glob("*.ipynb"))}
    return {name: found[name] for name in sorted(found, key=lambda one: (one == BLANK, one))}


def filled(starter: Path, workspace: Workspace, client: str = "", period: str = "", place: str = ".") -> Any:
    """A starter with workspace, client and month filled in: those given, else the first with data and its latest."""
    import nbformat

    chosen, month = _client_and_month(workspace, client, period)
    notebook = nbformat.read(starter, as_version=4)
    values = {'workspace: str = "."': f'workspace: str = "{place}"', 'client: str = ""': f'client: str = "{chosen}"'}
    values['period: str = ""'] = f'period: str = "{month}"'
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            for empty, value in values.items():
                cell.source = cell.source.replace(empty, value)
    return notebook


def _client_and_month(workspace: Workspace, client: str, period: str) -> tuple[str, str]:
    from ..notebook import asked

    chosen = [asked.client(workspace.registry, client)] if client else workspace.clients()
    for one in chosen:
        try:
            months = workspace.store.open(one).posted_months() or workspace.store.open(one).active_months(
                workspace.registry.client(one).services
            )
        except StoreError:
            if client:
                raise
            continue
        if months:
            return one, Period.month(period).label if period else months[-1]
    raise RcmError(f"Nothing is stored for {listed(chosen)} yet. Take its files in first: rcm ingest")


def _write(file: Path, notebook: Any) -> None:
    import nbformat

    from ..tables.disk import make_folder, write_text

    make_folder(file.parent)
    write_text(file, nbformat.writes(notebook) + "\n")


def _heading(path: Path) -> str:
    import nbformat

    return str(nbformat.read(path, as_version=4).metadata["rcm"]["title"])


# ---------------------------------------------------------------- JupyterLab
def lab(
    workspace: WorkspaceOption = HERE,
    client: ClientOption = "",
    period: PeriodOption = "",
    more: Annotated[list[str] | None, typer.Argument(metavar="[-- JUPYTER...]", help="options for JupyterLab")] = None,
) -> None:
    """Open JupyterLab in a workspace.

    Its launcher offers the starters, filled in for the client and month given; its export menu holds RCM report (HTML)
    and (PDF). What follows `--` goes to JupyterLab, such as `-- --no-browser --port 9999`.
    """
    from ..tables.disk import temporary_folder, write_text
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    if not find_spec("jupyterlab"):
        raise RcmError('JupyterLab is not installed: pip install "rcm_analysis[lab]"')
    with temporary_folder("lab") as tiles:
        for name, path in starters().items():
            _write(tiles / f"{name}.ipynb", filled(path, opened, client, period, str(opened.folder)))
        write_text(tiles / "jp_app_launcher.yaml", json.dumps(launcher(tiles), indent=1))
        command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={opened.folder}", *(more or ())]
        raise typer.Exit(subprocess.run(command, env=_environment(tiles)).returncode)


def launcher(tiles: Path) -> list[dict[str, str]]:
    """The tiles of the launcher, one per starter: each puts a copy into the folder that is open, and opens it."""
    return [
        {
            "title": name.replace("-", " ").capitalize(),
            "description": _heading(path),
            "type": "notebook",
            "source": str(tiles / f"{name}.ipynb"),
            "catalog": "Worked questions",
        }
        for name, path in starters().items()
    ]


def _environment(tiles: Path) -> dict[str, str]:
    """The environment of JupyterLab: our settings before its own, and `!rcm` is this installation's."""

    def first(name: str, place: Path) -> str:
        return os.pathsep.join(filter(None, [str(place), os.environ.get(name, "")]))

    paths = {
        "JUPYTER_CONFIG_PATH": first("JUPYTER_CONFIG_PATH", SETTINGS),
        "PATH": first("PATH", Path(sys.executable).parent),
        "JUPYTER_APP_LAUNCHER_PATH": str(tiles),
    }
    return {**os.environ, **paths}


# ---------------------------------------------------------------- from a notebook to a template
def promote(
    notebook: Annotated[Path, typer.Argument(metavar="NOTEBOOK", help="the notebook, .ipynb")],
    workspace: WorkspaceOption = HERE,
    title: Annotated[str, typer.Option(metavar="TEXT", help="the report's title; by default the first heading")] = "",
    reader: Annotated[
        str, typer.Option(metavar="WHO", help="client: in the client's packet; manager: beside it")
    ] = "manager",
) -> None:
    """Make a notebook a template for every client.

    Checks the house rules, says each change, and writes the template into the workspace's templates folder; the next
    `rcm packets` runs it for every client. The notebook itself stays as it is.
    """
    from ..press.runs.templates import READERS, read_template
    from ..tables.workspace import open_workspace

    opened = open_workspace(workspace)
    if reader not in READERS:
        raise ParameterError(f"--reader is one of: {listed(READERS)}. Nothing was written.")
    made = _promoted(notebook, opened, title, reader)
    folder, said = _templates_of(opened)
    file = folder / f"{made.name}.ipynb"
    was = "replaced" if file.exists() else "written"
    _write(file, made.notebook)
    read_template(file)
    for change in [*made.changes, *said]:
        console.print(escape(f"  {change}"))
    console.print(escape(f"{file} {was}. Try it: rcm run {made.name} --client ID. For every client: rcm packets"))


def _promoted(file: Path, workspace: Workspace, title: str = "", reader: str = "manager") -> Any:
    import nbformat

    from ..press.runs.promotion import promoted

    if not file.is_file():
        raise ParameterError(f"There is no notebook {file}.")
    try:
        notebook = nbformat.read(file, as_version=4)
    except Exception as error:
        raise ParameterError(f"{file.name} is not a notebook of format 4 ({type(error).__name__}).") from None
    name = slug(file.stem, "report").replace("-", "_")
    clients = {*workspace.clients(), *(one.name for one in workspace.registry.clients.values())}
    return promoted(notebook, name, clients=clients, title=title, reader=reader)


def _templates_of(workspace: Workspace) -> tuple[Path, list[str]]:
    """The workspace's own folder of templates; where rcm.toml names none, it does from now on."""
    from ..tables.disk import write_text

    folder = workspace.paths.get("templates")
    if folder:
        return folder, []
    settings = workspace.folder / "rcm.toml"
    text = settings.read_text(encoding="utf-8")
    line = f'templates = "{OWN_TEMPLATES}"'
    parts = text.partition("[paths]") if "[paths]" in text else ("", "", f"\n\n{text}")
    write_text(settings, f"{parts[0]}[paths]\n{line}{parts[2]}")
    return workspace.folder / OWN_TEMPLATES, [f"rcm.toml: under [paths], {line}"]


def as_template(file: Path, workspace: Workspace, folder: Path) -> tuple[str, dict[str, str], list[str]]:
    """A notebook put into `folder` as a template for one run: its name, the client and month that it names itself, and
    the changes."""
    import ast

    import nbformat

    made = _promoted(file, workspace)
    _write(folder / f"{made.name}.ipynb", made.notebook)
    own: dict[str, str] = {}
    for cell in nbformat.read(file, as_version=4).cells:
        if "parameters" in cell.metadata.get("tags", []):
            for node in ast.parse(cell.source).body:
                target = getattr(node, "target", None) or (getattr(node, "targets", None) or [None])[0]
                value = getattr(node, "value", None)
                if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    own[target.id] = value.value
    return made.name, own, made.changes
