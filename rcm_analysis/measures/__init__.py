"""Measures: one function, one number, with its numerator and denominator.

`rcm.measures.days_in_ar(...)` is any measure of the menu by its name; `rcm.measures.denials.<TAB>` lists those of one
subject. `glossary` gives their definitions, `comparisons` one of them beside its own past.
"""

from importlib import import_module

from ..names import public


def _homes() -> dict[str, str]:
    menu = import_module(f"{__name__}.menu")
    subjects = {subject: subject for subject in menu.SUBJECTS}
    return {**menu.functions(), **subjects, "comparisons": "windows", "glossary": "menu"}


__getattr__, __dir__ = public(__name__, _homes)
