"""Reporting for healthcare revenue cycle management.

    import rcm_analysis as rcm

    workspace = rcm.open_workspace("runs/demo")
    tables = workspace.client("chicago-med").tables(as_of=date(2026, 10, 31))
    rcm.measures.aging(tables, as_of=date(2026, 10, 31))

Public names, each loaded when it is first asked for:
"""

from __future__ import annotations

from .names import public

__version__ = "0.3.0"

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
    "open_portfolio": "notebook",
    "own_tables": "notebook.own",
    "measures": "measures",
    "models": "models",
    "exhibits": "exhibits",
    "simulate": "simulate",
}
"""Public name -> the module that holds it (a package of that name is the public name itself)."""

__all__ = ["__version__", *_HOMES]
__doc__ += "".join(f"\n    {name:<16} rcm_analysis.{home}" for name, home in _HOMES.items()) + "\n"
__getattr__, __dir__ = public(__name__, _HOMES)
