"""The self-pay review."""
