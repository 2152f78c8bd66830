"""What holds for every page of every report."""

from __future__ import annotations

import json
from collections.abc import Iterable

from rcm_analysis.exhibits.blocks import Block
from rcm_analysis.press.document.payloads import block_of


def assert_prints(page: Iterable[Block]) -> None:
    """There is something on the page, all of it is plain JSON, and the press can set what is to be printed."""
    page = list(page)
    assert page
    for block in page:
        json.dumps(block.payload, allow_nan=False)
        assert (
            block.payload["kind"] in ("meta", "inputs")
            or block.payload.get("print") is False
            or block_of(block.payload) is not None
        )
