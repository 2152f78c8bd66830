"""The pages of a report, found by the name of its template: `report.review.aging()` gives the blocks of one page.

The pages of NAME.ipynb are the functions marked `@page` in `rcm_analysis.exhibits.NAME`; those of an analyst's own
template in NAME.py, or the folder NAME, beside the notebook. Each takes what its report is told from: `Facts(subject)`
where the report has a class `Facts`, computed once and shared by its pages; else the subject itself.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from ..errors import NotThere, ParameterError, closest, listed
from .blocks import Block

Page = TypeVar("Page", bound=Callable[[Any], list[Block]])
HERE = __name__.rpartition(".")[0]
USUAL = "client_review"
OF_A_CLIENT = (USUAL, "ar_deep_dive", "ar_weekly_review", "self_pay_review", "patient_engagement_review")
"""The reports about one client: without a template, their pages are found by the name of each."""
OWN = "rcm_own_exhibits"
"""The name under which exhibits beside an analyst's template are imported."""


def page(function: Page) -> Page:
    """Marks a page of a report: it takes the report's facts, or its subject, and gives blocks in order."""
    vars(function)["is_page"] = True
    return function


class Pages:
    """The pages of one opened report, by name; without a template those of any report of the package, by its name."""

    def __init__(
        self,
        template: str,
        about: Any,
        pages: Mapping[str, Callable[[Any], list[Block]]],
        *,
        anew: Callable[[], Pages] | None = None,
        reports: Mapping[str, Callable[[], Pages]] | None = None,
    ) -> None:
        self._template, self.about, self._pages = template, about, pages
        self._anew, self._reports, self._opened = anew, reports or {}, dict[str, Pages]()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._reports:
            if name not in self._opened:
                self._opened[name] = self._reports[name]()
            return self._opened[name]
        if name not in self._pages:
            known = [*self._pages, *self._reports]
            there = f"It has: {listed(known, 30)}.{closest(name, known)}" if known else "It has none."
            raise NotThere(f"{self._template or 'This report'} has no page {name!r}. {there} {self._how()}")
        return partial(self._pages[name], self.about)

    def _how(self) -> str:
        if not self._template:
            return "Open a template with open_report(..., template=NAME) for its own pages."
        return f"A page is a function marked @page in {self._template}.py beside the notebook {self._template}.ipynb."

    def again(self, made: Any) -> tuple[str, Callable[[], list[Block]]]:
        """The name of a page that this report gave, and the page about facts that are worked out anew.

        Raises
            NotThere for what is no page of this report.
        """
        for report in (self, *self._opened.values()):
            for name, function in report._pages.items():
                if getattr(made, "func", None) is function:
                    path = name if report is self else f"{report._template}.{name}"
                    return path, partial(report._once_more, name)
        raise NotThere("Give a page of this report: its name, or report.review.NAME without calling it.")

    def _once_more(self, name: str) -> list[Block]:
        fresh = self._anew() if self._anew else self
        return fresh._pages[name](fresh.about)

    def __dir__(self) -> list[str]:
        return sorted([*self._pages, *self._reports])


def pages_of(template: str, subject: Any, exhibits: Sequence[ModuleType] | None = None) -> Pages:
    """The pages of a template, about this subject; `exhibits` are its modules, by default those of the package.

    Without a template they are the pages of the client review, and every report of the package by its name.

    Raises
        ParameterError when two modules of the report have a page of one name.
    """
    if not template and exhibits is None or not template and not exhibits:
        usual = pages_of(USUAL, subject)
        return Pages(
            "",
            usual.about,
            usual._pages,
            anew=usual._anew,
            reports={name: partial(pages_of, name, subject) for name in OF_A_CLIENT},
        )
    modules = modules_of(template) if exhibits is None else exhibits
    made = [module.Facts for module in modules if _is_of(module, getattr(module, "Facts", None))]
    about = made[0](subject) if made else subject
    return Pages(template, about, pages_in(modules), anew=lambda: pages_of(template, _fresh(subject), modules))


def _fresh(subject: Any) -> Any:
    """The subject without what was worked out of it."""
    return replace(subject, **({"_frames": {}} if hasattr(subject, "_frames") else {}))


def modules_of(template: str, folder: Path | None = None) -> list[ModuleType]:
    """The modules of a template's exhibits: the analyst's own before those of the package; maybe none."""
    return _own_modules(template, folder) or _our_modules(template)


def service_of(exhibits: Iterable[ModuleType]) -> str:
    """The service that a report is about, by the `SERVICE` of its exhibits; empty where they name none."""
    return next((module.SERVICE for module in exhibits if hasattr(module, "SERVICE")), "")


def cover_of(exhibits: Iterable[ModuleType]) -> Mapping[str, str]:
    """What the `COVER` of a report's exhibits says of its first page; empty where they say nothing."""
    return next((module.COVER for module in exhibits if hasattr(module, "COVER")), {})


def pages_in(modules: Iterable[ModuleType]) -> dict[str, Callable[[Any], list[Block]]]:
    """The functions marked `@page` by name.

    Raises
        ParameterError when two of them bear one name.
    """
    pages: dict[str, Callable[[Any], list[Block]]] = {}
    for module in modules:
        for name, thing in vars(module).items():
            if _is_of(module, thing) and getattr(thing, "is_page", False):
                if name in pages:
                    raise ParameterError(
                        f"{module.__name__.removeprefix(f'{OWN}.').split('.')[0]} has two pages {name!r}; the second "
                        f"stands in {module.__file__}."
                    )
                pages[name] = thing
    return pages


def _is_of(module: ModuleType, thing: Any) -> bool:
    return getattr(thing, "__module__", None) == module.__name__


def _our_modules(template: str) -> list[ModuleType]:
    if not template.isidentifier() or not find_spec(f"{HERE}.{template}"):
        return []
    return _with_parts(import_module(f"{HERE}.{template}"))


def _own_modules(template: str, folder: Path | None) -> list[ModuleType]:
    """The exhibits beside an analyst's template, as they are now: what was edited since is read again."""
    for path in (folder / f"{template}.py", folder / template / "__init__.py") if folder and template else ():
        if path.is_file():
            name = f"{OWN}.{template}"
            for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
                del sys.modules[known]
            loader = SourceFileLoader(name, str(path))
            spec = ModuleSpec(name, loader, origin=str(path), is_package=path.name == "__init__.py")
            spec.has_location = True
            if path.name == "__init__.py":
                spec.submodule_search_locations = [str(path.parent)]
            sys.modules[name] = module = module_from_spec(spec)
            loader.exec_module(module)
            return _with_parts(module)
    return []


def _with_parts(module: ModuleType) -> list[ModuleType]:
    parts = pkgutil.iter_modules(getattr(module, "__path__", []))
    return [module, *(import_module(f"{module.__name__}.{part.name}") for part in parts)]
