"""The only division in the package, and the only rounding below `exhibits/`."""

from __future__ import annotations

import numpy as np
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


def half_up(values: pd.Series) -> pd.Series:
    """Cents that came out of a quotient or a rate, as whole cents: halves go up, empty stays empty.

    Unit
        whole cents (nullable integers)

    >>> half_up(pd.Series([0.5, 1.5, 2.4, None])).tolist()
    [1, 2, 2, <NA>]
    """
    numbers = pd.to_numeric(values).astype("float64")
    return pd.Series(np.floor(numbers + 0.5), index=numbers.index, name=numbers.name).astype("Int64")
