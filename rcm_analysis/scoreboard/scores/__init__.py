"""The scorers, one module per kind of analysis."""
