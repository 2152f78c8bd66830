"""What the tests of the exhibits may ask for."""

import pytest

from builders.acorn import acorn_without
from rcm_analysis.exhibits.subject import Subject


@pytest.fixture(scope="session")
def acorn() -> Subject:
    """The invented client in October 2026."""
    return acorn_without()


@pytest.fixture
def without():
    """The invented client with some tables empty."""
    return acorn_without
