"""Filled-in worklists: their sheets, and their rows as notes of the work log."""
