"""What payers deny, why, and what became of it."""

from ...names import public
from ..menu import functions

__getattr__, __dir__ = public(__name__, lambda: functions("denials"))
