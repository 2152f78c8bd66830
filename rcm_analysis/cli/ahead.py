"""After an intake: what the latest month's reports will ask of a client is worked out and kept beside its store."""

from __future__ import annotations

import contextlib
import gc
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..periods import Period

if TYPE_CHECKING:
    import polars as pl

    from ..press.runs.templates import Template
    from ..tables.workspace import ClientView, Workspace

_PAGE, _OPENED = re.compile(r"\breview\.(\w+)\("), re.compile(r"\btemplate=\"(\w+)\"")


def work_out_ahead(workspace: Workspace, client: str) -> None:
    """Keep beside the client's store what its packet of the latest month will ask, once for each state of the store.

    Formula
        the pages that the packet's templates show, made and dropped: what was derived for them stays
        (`tables.derived`), and the first report after new files is as cheap as the next
    Counts
        The reports of the package whose service the client has, for the last month with records. Analysts' own pages
        are not run here: nothing holds them to a limit.
    Empty
        Nothing stored, or nothing changed since it was last worked out: nothing is done.
    Errors
        None: a page that fails here says so where it is asked for, in its report.
    """
    view = workspace.client(client)
    month, shelf = _latest(view), view.stored.shelf()
    if month is None or shelf is None:
        return
    with warnings.catch_warnings(action="ignore"), _no_search_for_garbage():
        work = partial(_worked_out, workspace, view, month)
        shelf.table("ahead", work, key=f"{shelf.fingerprint} {month.label} {workspace.registry.fingerprint}")


@contextlib.contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """What is derived is held to the end anyway: the collector's passes over it are a twelfth of the work."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
            gc.collect()


def _latest(view: ClientView) -> Period | None:
    from ..tables.schema import TRANSACTIONS
    from ..tables.store import tables_of

    services = {"claims", *view.settings().services}
    months = [month for table in tables_of(services) for month in view.stored.months(table.name)]
    posted = view.stored.months(TRANSACTIONS.name)
    return Period.month(max(posted or months)) if months else None


def _worked_out(workspace: Workspace, view: ClientView, month: Period) -> pl.DataFrame:
    """The reports and how many of their pages were made; the tables are opened once for all of them."""
    import polars as pl

    from ..notebook.opening import subject_of
    from ..press.runs.templates import read_templates

    services = view.settings(as_of=month.last_day).services
    made: dict[str, int] = {}
    subject = None
    for template in read_templates(workspace.paths.get("templates")):
        if template.scope != "client" or not template.packet or template.service not in services:
            continue
        with contextlib.suppress(Exception):
            subject = subject or subject_of(workspace, view, month, month.last_day)
            made[template.name] = _made(replace(subject, template=template.name), template)
    return pl.DataFrame(list(made.items()), schema={"report": pl.String, "pages": pl.Int64}, orient="row")


def _made(subject: Any, template: Template) -> int:
    from ..exhibits.figures import undrawn
    from ..exhibits.pages import modules_of, pages_of

    source = "\n".join(cell.source for cell in template.notebook().cells if cell.cell_type == "code")
    name = (_OPENED.findall(source) or [template.name])[0]
    pages = pages_of(name, subject, modules_of(name))
    done = 0
    for page in _PAGE.findall(source):
        with contextlib.suppress(Exception), undrawn():
            getattr(pages, page)()
            done += 1
    subject.tables.save()
    return done
