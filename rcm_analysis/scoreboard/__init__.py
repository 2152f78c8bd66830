"""The scoreboard: every analysis that claims to find or project something, scored where the truth is known.

Seeds become simulated companies with planted problems; their raw files go through the same intake as
anybody's; the analyses answer; the answers are compared with the truth, which only this package and
the simulation may read. To fill an empty row, write a scorer (`Case` to tallies) beside the others and
name it in its module's SCORERS; the figures and aims are those of `record.FIGURES`.
"""

from .record import FIGURES, Row, as_json, history_line, keep, machine, table_text, worlds_text
from .run import CLIENTS, parse_seeds, run

__all__ = [
    "CLIENTS",
    "FIGURES",
    "Row",
    "as_json",
    "history_line",
    "keep",
    "machine",
    "parse_seeds",
    "run",
    "table_text",
    "worlds_text",
]
