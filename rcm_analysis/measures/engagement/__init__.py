"""Visits, care, hospital use and what patients say."""
