"""The command line: words into requests, errors into one line and an exit code."""

from .app import main

__all__ = ["main"]
