"""What came in, how long each step took, and what was written off."""

from ...names import public
from ..menu import functions

__getattr__, __dir__ = public(__name__, lambda: functions("collections"))
