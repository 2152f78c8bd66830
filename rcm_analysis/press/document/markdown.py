"""Markdown to blocks: markdown-it-py makes HTML of it, formulas kept as TeX, and that is read like any other HTML.

A dollar sign is a dollar unless a formula stands between two: `$1.2M, of which $846k` stays what it says.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.dollarmath.index import math_inline_dollar

from ...blocks.plain import clean
from .document import Printed
from .html_blocks import html_blocks, safe_href

DEEPEST_MARKDOWN = 100
"""Lists and quotations inside one another that are read at all."""

_SIGNS = re.compile(r"[\\^_{}=<>|+*/]")
_NAME = re.compile(r"-?\d*[^\W\d]{1,2}\d?'*(\([^()$]*\))?")
_MONEY = re.compile(r"\d[\d,.]*\s*[kKMB]?\b(?!\s*[\\^_={}<>+*/])")


def markdown_blocks(
    source: str, attachments: Mapping[str, Any] | None = None, folder: Path | None = None
) -> list[Printed]:
    """The blocks of one Markdown text; its pictures come from `attachments`, or from files in `folder`.

    >>> [type(block).__name__ for block in markdown_blocks("# Cash\\n\\nUp **$3**.")]
    ['Heading', 'Paragraph']
    """
    return html_blocks(_parser().render(clean(source)), attachments or MappingProxyType({}), folder)


@functools.cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "linkify": False, "maxNesting": DEEPEST_MARKDOWN}).enable(
        ["table", "strikethrough"]
    )
    parser.use(dollarmath_plugin, allow_labels=False, allow_space=False, allow_digits=False, double_inline=True)
    parser.inline.ruler.at("math_inline", _formula_between_dollars)
    return parser.use(amsmath_plugin)


_DOLLARS = math_inline_dollar(allow_space=False, allow_digits=False, allow_double=True)


def _formula_between_dollars(state: StateInline, silent: bool) -> bool:
    """The rule for `$…$`, only where a formula stands between the signs."""
    begin = state.pos
    if not _DOLLARS(state, True):
        return False
    text, end = state.src[begin : state.pos], state.pos
    state.pos = begin
    if not (text.startswith("$$") or _is_formula(text.strip("$"))):
        return False
    if silent:
        state.pos = end
        return True
    return _DOLLARS(state, False)


def _is_formula(text: str) -> bool:
    """Whether what stands between two dollar signs is meant as mathematics.

    >>> [_is_formula(text) for text in ("x", "a*b*c", "f(x)", "5 or 6", "1.2M, of which")]
    [True, True, True, False, False]
    """
    if _MONEY.match(text):
        return False
    return bool(_SIGNS.search(text) or _NAME.fullmatch(text))


__all__ = ["markdown_blocks", "safe_href"]
