"""Every measure of the menu is printed in a report or its workbook, or it is said here why it is not."""

import ast
from pathlib import Path

import rcm_analysis.exhibits
from builders.syntax_trees import tree_of
from rcm_analysis.measures.menu import menu

NOT_PRINTED = {
    "primary_denial_reasons": "for `report.measure`: pages tell reasons in dollars (`denial_reasons`)",
    "recodes": "the sums of `recoded_lines`, which the deep dive prints by payer and code",
    "open_claims": "the claims among which `high_value_accounts` chooses",
    "visit_value": "a factor of `visits_recovered`, which prints it",
    "answer_waits": "the waits behind `waiting.answer_time`, which is printed",
    "months_billed": "the months behind the findings of `models.coordination.unbilled`, which are printed",
}
"""Measures for the bench alone -> why."""


def asked_for(tree: ast.AST) -> set[str]:
    """The measures that a module calls: imported ones, those of imported modules, and by name: from the menu, or
    in the list of what a report's own definitions explain."""
    found, modules, by_name = set(), set(), False
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and "measures" in (node.module or "").split("."):
            names = {one.name: one.asname or one.name for one in node.names}
            found, modules = found | names.keys(), modules | set(names.values())
            by_name |= (node.module or "").endswith((".menu", ".windows"))
        by_name |= isinstance(node, ast.ImportFrom) and any(one.name == "glossary_of" for one in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found.add(node.attr)
        elif by_name and isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def test_every_measure_reaches_a_reader():
    asked = set().union(*(asked_for(tree_of(path)) for path in Path(rcm_analysis.exhibits.__path__[0]).rglob("*.py")))
    unprinted = {name for name, one in menu().items() if not {name, one.function.__name__} & asked}
    assert unprinted == NOT_PRINTED.keys()
