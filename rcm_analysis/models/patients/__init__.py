"""Patients over time: engagement shifts and effects, retention, self-pay survival, contacts not billed."""

from ...names import public
from .. import HOMES

__getattr__, __dir__ = public(__name__, HOMES["patients"])
