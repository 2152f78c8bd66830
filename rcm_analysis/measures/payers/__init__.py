"""What payers should pay by contract, when it falls due, and how good they are to work with."""

from ...names import public
from ..menu import functions

__getattr__, __dir__ = public(__name__, lambda: functions("payers"))
