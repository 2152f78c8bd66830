"""The care-coordination plan: assumptions, months, scenarios, and results against it."""

from ...names import public
from .. import HOMES

__getattr__, __dir__ = public(__name__, HOMES["plan"])
