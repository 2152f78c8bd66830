"""Estimators and control charts that know nothing of billing."""

from ...names import public
from .. import HOMES

__getattr__, __dir__ = public(__name__, HOMES["statistics"])
