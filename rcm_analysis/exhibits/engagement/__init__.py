"""The patient engagement review."""
