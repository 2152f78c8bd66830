"""Reporting for healthcare revenue cycle management."""

__version__ = "0.1.0"
