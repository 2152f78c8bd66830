"""The client ratings under their public name; they live in `portfolio/ratings.py`."""

import sys
from types import ModuleType
from typing import Any

import pandas as pd

from .portfolio.ratings import client_ratings

__all__ = ["client_ratings"]


class _Called(ModuleType):
    """This module stands where the function of its name is looked for, and answers as the function does."""

    def __call__(self, clients: Any) -> pd.DataFrame:
        return client_ratings(clients)


sys.modules[__name__].__class__ = _Called
