"""Reporting for healthcare revenue cycle management.

    import rcm_analysis as rcm

    workspace = rcm.open_workspace("runs/demo")
    tables = workspace.client("chicago-med").tables(as_of=date(2026, 10, 31))
    rcm.measures.ar.aging(tables, as_of=date(2026, 10, 31))

Public names, each loaded when it is first asked for:
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "RcmError": "errors",
    "Period": "periods",
    "TABLES": "tables.schema",
    "read_registry": "tables.clients",
    "open_workspace": "tables.workspace",
    "read_835": "sources.x12.remit835",
    "read_837": "sources.x12.claim837",
    "read_map": "sources.exports.reader",
    "read_export": "sources.exports.reader",
    "recognise": "sources.exports.reader",
    "balances": "ledger.balances",
    "roll_forward": "ledger.balances",
    "check_client": "ledger.reconciliation",
    "open_report": "notebook",
    "measures": "measures",
    "models": "models",
    "exhibits": "exhibits",
    "simulate": "simulate",
}
"""Public name -> the module that holds it (a package of that name is the public name itself)."""

__all__ = ["__version__", *_HOMES]
__doc__ += "".join(f"\n    {name:<16} rcm_analysis.{home}" for name, home in _HOMES.items()) + "\n"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rcm_analysis' has no public name {name!r}")
    home = importlib.import_module(f"rcm_analysis.{_HOMES[name]}")
    return home if name == _HOMES[name] else getattr(home, name)


def __dir__() -> list[str]:
    return sorted(__all__)
