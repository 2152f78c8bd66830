"""An invented billing company that writes raw files, so that it enters through the same door as everybody."""

from .workspace_files import write_clients, write_company

__all__ = ["write_clients", "write_company"]
