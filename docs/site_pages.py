"""Pages that the package tells of itself: reference, KPI dictionary, worked notebooks, gallery of figures."""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from typing import Any

import griffe
import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import rcm_analysis
from rcm_analysis import open_report, simulate
from rcm_analysis.blocks.vocabulary import Figure
from rcm_analysis.exhibits.care_coordination_plan.answers import CarePlan
from rcm_analysis.exhibits.formats import words_of
from rcm_analysis.exhibits.pages import OF_A_CLIENT
from rcm_analysis.measures.menu import SUBJECTS, menu
from rcm_analysis.models import HOMES
from rcm_analysis.models.plan.assumptions import example_assumptions
from rcm_analysis.notebook.desk import Desk
from rcm_analysis.press.exporters import RcmHTMLExporter
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.workspace import open_workspace

ROOT = Path(__file__).parents[1]
BESIDE = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changes.md"}
"""Pages of the checkout's own folder -> where they stand in the site."""
SHOWN_CLIENT, SHOWN_MONTHS, SHOWN_SCALE = "tx-docs", 18, 0.15
GOOD = {"up": "more is better", "down": "less is better", "none": ""}
UNITS = {"usd": "US dollars; in frames whole cents", "rate": "rate, 0 to 1"}
LINE_BY_LINE = ("Formula", "Columns")
DRAWN_OF_A_PLAN = ("cash", "members", "tornado", "futures")
LINKED = r"\]\((?:\.\./)*((?:benchmarks|notebooks|LICENSE)[^)#]*)\)"


# ---------------------------------------------------------------- docstrings
class AsMarkdown(griffe.Extension):
    """Docstrings in the house's form (a heading, then indented text; examples after >>>) as Markdown."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """A docstring as Markdown: headings in bold, formulas line by line, examples as a console shows them."""
    out: list[str] = []
    heading, example = "", False
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if example and not line.strip():
            out.append("```")
            example = False
        if line.startswith(">>>") and not example:
            out += ["", "```pycon"]
            example = True
        if example:
            out.append(line)
        elif line and not line.startswith(" ") and following.startswith("    ") and not line.endswith((".", ":")):
            heading = line
            out += ["", f"**{line}**", ""]
        else:
            out.append(line.removeprefix("    ") + ("  " if heading in LINE_BY_LINE and line.strip() else ""))
    return "\n".join([*out, *(["```"] if example else [])])


# ---------------------------------------------------------------- pages
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Every page and picture that is made, not stored."""
    for name, there in BESIDE.items():
        files.append(File.generated(config, there, content=moved((ROOT / name).read_text(encoding="utf-8"))))
    for name, content in (*reference(), *worked(), *gallery(), *linked_files()):
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    return moved(markdown)


def moved(text: str) -> str:
    """The text with links as the site has them."""
    for name, there in BESIDE.items():
        text = re.sub(rf"\]\((?:\.\./)*{name}", f"]({there}", text)
    text = re.sub(r"\]\(docs/", "](", text)
    text = re.sub(r"\]\((?:\.\./)*notebooks/(\w+)\.ipynb\)", r"](notebooks/\1.html)", text)
    return re.sub(LINKED, lambda link: f"]({link[1]})", text)


def linked_files() -> Iterator[tuple[str, str]]:
    """Files outside docs/ to which a page links, but for notebooks, which are printed."""
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / name for name in BESIDE)]
    names = {name for page in pages for name in re.findall(LINKED, page.read_text(encoding="utf-8"))}
    for name in sorted(names):
        if (ROOT / name).is_file() and not name.endswith(".ipynb"):
            yield name, (ROOT / name).read_text(encoding="utf-8")


def places() -> dict[str, tuple[str, Any]]:
    """Where `<TAB>` lists public names: the page of each place, its title, and the place."""
    found: dict[str, tuple[str, Any]] = {"api/rcm.md": ("rcm", rcm_analysis)}
    for kind, subjects in (("measures", SUBJECTS), ("models", HOMES)):
        room = getattr(rcm_analysis, kind)
        found |= {f"api/{kind}_{one}.md": (f"rcm.{kind}.{one}", getattr(room, one)) for one in subjects}
    return found


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The pages of public names take their place in the reference."""
    (group,) = (one["Reference"] for one in config.nav if "Reference" in one)
    (python,) = (one["Python"] for one in group if "Python" in one)
    python[:] = ["api/report.md", *places()]
    return config


def reference() -> Iterator[tuple[str, str]]:
    """The pages of public names, and the KPI dictionary."""
    for name, (title, room) in places().items():
        things = [thing for thing in (getattr(room, one) for one in dir(room)) if callable(thing)]
        ours = [thing for thing in things if getattr(thing, "__module__", "").startswith("rcm_analysis")]
        calls = [f"::: {thing.__module__}.{thing.__qualname__}" for thing in ours]
        yield name, "\n\n".join([f"# {title}", room.__doc__.split("\n\n")[0], *calls])
    methods = [name for name in vars(Desk) if not name.startswith("_") and callable(getattr(Desk, name))]
    calls = [f"::: {Desk.__module__}.Desk.{name}" for name in methods]
    yield "api/report.md", "\n\n".join(["# An opened report", Desk.__doc__ or "", *calls])
    yield "kpis.md", "\n".join(dictionary())


def dictionary() -> Iterator[str]:
    """Every measure of the menu with its definition, as its docstring has it."""
    yield "# KPI dictionary\n\nEvery measure of the menu, from its own definition in the code. "
    yield "For clients, `rcm reference` makes one PDF of what their reports count ([commands](commands.md)).\n"
    for subject in SUBJECTS:
        yield f"## {words_of(subject).capitalize()}\n\n{import_module(f'rcm_analysis.measures.{subject}').__doc__}\n"
        for name, record in menu().items():
            if record.subject == subject:
                unit = ", ".join(filter(None, [UNITS.get(record.unit, record.unit), GOOD[record.good]]))
                yield f"### {record.title}\n\n`{name}` ({unit})\n\n{record.summary}\n"
                text = inspect.getdoc(record.function) or ""
                for heading, lines in re.findall(r"^([A-Z][a-z ]+)\n((?:    .*\n?)+)", text, flags=re.MULTILINE):
                    end = "  \n" if heading in LINE_BY_LINE else "\n"
                    yield f"**{heading}.** {end.join(dedent(lines).splitlines())}\n"


def worked() -> Iterator[tuple[str, str]]:
    """The stored notebooks, printed by the press, and the page that lists them."""
    lines = ["# Worked notebooks", "", "Stored with what they gave, in `notebooks/`; each runs again in a test.", ""]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        first = nbformat.read(path, as_version=4).cells[0].source
        title, _, rest = first.partition("\n")
        yield f"notebooks/{path.stem}.html", RcmHTMLExporter().from_filename(str(path))[0]
        lines += [f"## [{title.lstrip('# ')}](notebooks/{path.stem}.html)", "", rest.strip(), ""]
    yield "worked.md", "\n".join(lines)


def gallery() -> Iterator[tuple[str, Any]]:
    """Every figure of a client's reports and of the plan, of a small simulated client, with the call that gives it."""
    lines = [
        "# Gallery of figures",
        "",
        "Made by the package when this site was built, of a small simulated client.",
        "",
    ]
    seen: set[str] = set()
    for call, figure in figures():
        if figure.name not in seen:
            seen.add(figure.name)
            yield f"figures/{figure.name}.svg", figure.svg
            lines += [f"## {figure.title}", "", f"![{figure.alt}](figures/{figure.name}.svg)", ""]
            lines += [figure.finding, "", f"`{call}`", ""]
    yield "gallery.md", "\n".join(lines)


def figures() -> Iterator[tuple[str, Figure]]:
    """The figures, each with the call that gives it."""
    with tempfile.TemporaryDirectory() as folder:
        simulate.write_company(Path(folder), clients=[SHOWN_CLIENT], months=SHOWN_MONTHS, scale=SHOWN_SCALE)
        workspace = open_workspace(folder)
        ingest_client(workspace, SHOWN_CLIENT, find_files(workspace)[SHOWN_CLIENT])
        report = open_report(folder, SHOWN_CLIENT, max(open_workspace(folder).store.open(SHOWN_CLIENT).posted_months()))
        yield 'report.trend("days_in_ar").plot()', report.trend("days_in_ar").plot()
        yield 'report.compare("cash", by="payer").plot()', report.compare("cash", by="payer").plot()
        pages = {f"report.review.{name}": getattr(report.review, name) for name in OF_A_CLIENT}
        pages |= {"open_plan(...).review": CarePlan(example_assumptions())}
        for place, review in pages.items():
            for name in DRAWN_OF_A_PLAN if isinstance(review, CarePlan) else dir(review):
                shown = getattr(review, name)()
                yield from ((f"{place}.{name}()", one) for one in shown if isinstance(one, Figure) and one.svg)
