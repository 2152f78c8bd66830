"""Visits, care, hospital use and what patients say."""

from ...names import public
from ..menu import functions

__getattr__, __dir__ = public(__name__, lambda: functions("engagement"))
