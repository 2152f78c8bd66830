"""What holds for every page of every report."""

from __future__ import annotations

import json
from collections.abc import Iterable

from rcm_analysis.blocks.vocabulary import Block, read_block
from rcm_analysis.press.document.extract import extract
from rcm_analysis.press.writers import html


def assert_prints(page: Iterable[Block]) -> None:
    """There is something on the page, all of it is plain JSON that comes back as it was, and the press prints it."""
    page = list(page)
    assert page
    cells = []
    for block in page:
        json.dumps(block.payload, allow_nan=False)
        read = read_block(block.payload)
        assert read.payload.keys() == block.payload.keys() and read_block(read.payload) == read
        outputs = [{"output_type": "display_data", "data": block.bundle(), "metadata": {}}]
        cells.append({"cell_type": "code", "metadata": {}, "source": "", "outputs": outputs})
    document = extract({"cells": cells, "metadata": {}})
    assert not document.warnings and "</html>" in html.render(document, fonts="system")
