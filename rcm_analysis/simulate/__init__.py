"""An invented billing company that writes raw files, so that it enters through the same door as everybody."""

from .plants import PLANT_KINDS
from .truth import Truth, read_truth
from .workspace_files import write_clients, write_company

__all__ = ["PLANT_KINDS", "Truth", "read_truth", "write_clients", "write_company"]
