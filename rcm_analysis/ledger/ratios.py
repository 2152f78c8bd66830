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


def ratio(numerator: float, denominator: float) -> float:
    """One number over another; not a number where there is nothing to divide by (`quotient`).

    >>> ratio(1, 4), ratio(2, 0)
    (0.25, nan)
    """
    return float(quotient(pd.Series([numerator]), pd.Series([denominator])).iloc[0])


def half_up(values: pd.Series) -> pd.Series:
    """Cents that came out of a quotient or a rate, as whole cents: halves go up, empty stays empty.

    Unit
        whole cents (nullable integers)

    >>> half_up(pd.Series([0.5, 1.5, 2.4, None])).tolist()
    [1, 2, 2, <NA>]
    """
    numbers = pd.to_numeric(values).astype("float64")
    return pd.Series(np.floor(numbers + 0.5), index=numbers.index, name=numbers.name).astype("Int64")


def adding_up(parts: pd.Series, groups: pd.Series, sums: pd.Series) -> pd.Series:
    """Parts of cents that came out of a rate, as whole cents that add up to the whole cents of their group.

    Every part is rounded down; what then lacks in its group goes, a cent each, to the parts that lost most, of equal
    ones to the first. `sums` holds the whole cents of the group beside each part.

    Unit
        whole cents; an empty part is 0

    >>> third = pd.Series([33.4, 33.3, 33.3])
    >>> adding_up(third, pd.Series(["a", "a", "a"]), pd.Series([100, 100, 100])).tolist()
    [34, 33, 33]
    """
    numbers = pd.to_numeric(parts).astype("float64").fillna(0.0)
    low = pd.Series(np.floor(numbers), index=numbers.index).astype("int64")
    lacking = sums.astype("int64") - low.groupby(groups).transform("sum")
    place = (numbers - low).groupby(groups).rank(method="first", ascending=False)
    return low + (place <= lacking).astype("int64")
