"""Care coordination over time: months not billed, how long each step takes, what is late, and the cash to come."""

from ...names import public
from .. import HOMES

__getattr__, __dir__ = public(__name__, HOMES["coordination"])
