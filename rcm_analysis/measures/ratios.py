"""The only division in the package."""

from __future__ import annotations

import pandas as pd


def quotient(numerator: pd.Series, denominator: pd.Series) -> pd.Series:
    """Numerator over denominator, empty where there is nothing to divide by.

    Formula
        numerator / denominator
    Unit
        that of the two columns; rates are 0 to 1
    Empty
        A denominator of zero, or an empty one, gives an empty value: never 0, never infinite.

    >>> quotient(pd.Series([1, 2]), pd.Series([4, 0])).tolist()
    [0.25, nan]
    """
    top = pd.to_numeric(numerator).astype("float64")
    bottom = pd.to_numeric(denominator).astype("float64")
    return top / bottom.where(bottom != 0)
