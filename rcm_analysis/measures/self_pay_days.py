"""The days that the client's self-pay policy gives, for the measures that count them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ..periods import Period
from .self_pay_policy import policy_value


def days_in_policy(tables: Mapping[str, Any], rule: str, default: int, *, as_of: dt.date) -> int:
    """The whole number that the client's policy in force on `as_of` gives for a rule; `default` where it is silent."""
    found = policy_value(tables, rule, as_of=as_of)
    return default if found is None else int(found)


def day_within(period: Period, as_of: dt.date) -> dt.date:
    """The day whose policy holds for a period: its last day, or `as_of` when the period is not over."""
    return min(period.last_day, as_of)
