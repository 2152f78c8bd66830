"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / "shared" / "samples"


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real files that none of us wrote; the published project does not carry them."""
    if not SAMPLES.is_dir():
        pytest.skip("the samples folder is not beside this checkout")
    return SAMPLES
