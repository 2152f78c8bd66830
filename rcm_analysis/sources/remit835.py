"""The reader of remittances under its public name; it lives in `x12/remit835.py`."""

from .x12.remit835 import Remittance, read_835

__all__ = ["Remittance", "read_835"]
