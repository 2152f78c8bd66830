"""Why a number moved: an exact account of a change, and the fewest cells that explain what chance does not."""

from ...names import public
from .. import HOMES

__getattr__, __dir__ = public(__name__, HOMES["drivers"])
