"""What the tests of the exhibits may ask for."""

import pytest

from builders.acorn import invented, subject_of
from rcm_analysis.exhibits.subject import Subject


@pytest.fixture(scope="session")
def acorn() -> Subject:
    """The invented client in October 2026."""
    return subject_of(invented())


@pytest.fixture
def without():
    """The invented client with some tables empty."""
    return lambda *names: subject_of(invented(without=names))
