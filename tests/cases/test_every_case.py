"""Every shared case is a test here, or is named below with the issue that it waits for."""

from pathlib import Path

import pytest

from .desk import CASES

WAITING = {
    "d04-277ca-skipped-in-silence": "issue 16",
    "d05-wide-export-sections-unread": "issue 16",
    "d11-other-inputs": "issue 16",
    "d14-eob-csv": "issue 16",
    "notebooks": "issues 13 and 14",
    "r41-notebook-torture": "issues 13 and 14",
    "r70-plan-share-pasted-as-70": "issue 17",
}
"""Cases that belong to later issues."""


def test_every_shared_case_is_tested_here_or_waits_for_a_later_issue():
    if not CASES.is_dir():
        pytest.skip("the shared cases are not beside this checkout")
    here = Path(__file__)
    text = "\n".join(path.read_text(encoding="utf-8") for path in here.parent.glob("test_*.py") if path != here)
    folders = {path.name for path in CASES.iterdir() if path.is_dir()}
    tested = {name for name in folders if f'"{name}"' in text}
    assert folders - tested == set(WAITING) & folders
    assert set(WAITING) <= folders
