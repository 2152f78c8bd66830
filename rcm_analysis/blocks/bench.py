"""The copy for the bench: a block as quiet HTML, for JupyterLab and whoever looks at the notebook itself."""

from __future__ import annotations

import base64
import functools
from typing import Any

import jinja2


@functools.cache
def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("rcm_analysis.blocks", ".")
    pages = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    pages.filters["base64"] = lambda data: base64.b64encode(data).decode()
    return pages.get_template("bench.html")


def as_html(block: Any) -> str:
    """The block as escaped HTML without a script; nothing for what is not to be seen."""
    return "" if block.kind in ("inputs", "pagebreak") else _template().render(block=block)
