"""Public names of a package: each is loaded when it is first asked for, and `<TAB>` lists them instead of modules."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from .errors import NotThere, closest

Homes = Mapping[str, str] | Callable[[], Mapping[str, str]]
"""Public name -> the module below the package that holds it, or a function that says so."""


def public(package: str, homes: Homes) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and the `__dir__` of a package with these public names.

    A name that is a module of the package gives the module; its home is its own name. The package itself imports
    none of its modules, so that whoever imports a module first makes the only object of it.

    Raises
        AttributeError for a name that is neither: it names the closest.
    """

    def table() -> Mapping[str, str]:
        return homes() if callable(homes) else homes

    def get(name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{package} has no {name}")
        if find_spec(f"{package}.{name}"):
            return import_module(f"{package}.{name}")
        known = table()
        if name not in known:
            raise NotThere(f"{package} has no {name!r}.{closest(name, known)}")
        value = getattr(import_module(f"{package}.{known[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: sorted(table())
