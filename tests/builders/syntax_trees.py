"""The syntax trees of the package's files, each parsed once, and not before a test asks for it."""

import ast
from functools import cache
from pathlib import Path


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())
