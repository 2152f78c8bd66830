"""The self-pay programme: what patients owe, pay, promise, dispute and ask."""

from ...names import public
from ..menu import functions

__getattr__, __dir__ = public(__name__, lambda: functions("self_pay"))
