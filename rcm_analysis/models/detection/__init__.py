"""What is beyond chance: systemic denials, mix shifts, process shifts, stalled steps."""

from ...names import public
from .. import HOMES

__getattr__, __dir__ = public(__name__, HOMES["detection"])
