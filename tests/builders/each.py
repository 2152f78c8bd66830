"""A rule that hundreds of things keep, as one test: collecting and reporting each would cost more than asking it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def each(things: Iterable[Any], name: Callable[[Any], str] = str) -> Callable[[Callable[[Any], None]], Callable]:
    """Make a test of a rule: every thing that breaks it is told by its name, not the first alone."""

    def of(rule: Callable[[Any], None]) -> Callable[[], None]:
        def test() -> None:
            things_asked, found = list(things), []
            for thing in things_asked:
                try:
                    rule(thing)
                except AssertionError as error:
                    found.append(f"{name(thing)}: {error}")
            assert things_asked, "there is nothing to ask"
            assert not found, "\n".join(found)

        test.__name__, test.__doc__, test.__module__ = rule.__name__, rule.__doc__, rule.__module__
        return test

    return of
