"""What to work next: items, chances, waits, steps and queues."""

from ...names import public
from .. import HOMES

__getattr__, __dir__ = public(__name__, HOMES["worklist"])
