"""Patients over time: engagement shifts and effects, retention, self-pay survival."""

from ...names import public
from .. import HOMES

__getattr__, __dir__ = public(__name__, HOMES["patients"])
