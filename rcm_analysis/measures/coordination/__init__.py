"""Care coordination: who is referred, who is enrolled, what is given, billed and paid."""

from ...names import public
from ..menu import functions

__getattr__, __dir__ = public(__name__, lambda: functions("coordination"))
