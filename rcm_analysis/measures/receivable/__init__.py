"""What is owed on a day, how it moves, and which claims wait for whom."""

from ...names import public
from ..menu import functions

__getattr__, __dir__ = public(__name__, lambda: functions("receivable"))
