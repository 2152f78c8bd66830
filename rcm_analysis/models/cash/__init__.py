"""How long payers take, and what cash is to come."""

from ...names import public
from .. import HOMES

__getattr__, __dir__ = public(__name__, HOMES["cash"])
