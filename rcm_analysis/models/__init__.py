"""Models: how long payers take, what cash is to come, and what a care-coordination programme will cost.

`payment_lag`, `cash_outlook`, `backtest` and `programme_plan` are the doors; each is loaded when it is
first asked for, because the fits behind them are not cheap to import.
"""

from __future__ import annotations

import importlib
from types import ModuleType

DOORS = (
    "payment_lag",
    "cash_outlook",
    "backtest",
    "programme_plan",
    "assumptions",
    "plan_scenarios",
    "systemic_denials",
    "process_shifts",
    "control_charts",
    "self_pay_survival",
    "worklist",
)
__all__ = list(DOORS)


def __getattr__(name: str) -> ModuleType:
    if name not in DOORS:
        raise AttributeError(f"rcm_analysis.models has no {name!r}; it has {', '.join(DOORS)}")
    return importlib.import_module(f"{__name__}.{name}")
