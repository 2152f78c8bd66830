"""The client manager's book and the A to D rating."""

from ...names import public
from ..menu import functions

__getattr__, __dir__ = public(__name__, lambda: functions("portfolio"))
