"""An invented billing company that writes raw files, so that it enters through the same door as everybody."""

from .files.workspace import write_clients, write_company
from .plants.kinds import PLANT_KINDS
from .truth import Truth, read_truth

__all__ = ["PLANT_KINDS", "Truth", "read_truth", "write_clients", "write_company"]
