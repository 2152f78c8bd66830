"""The client manager's book."""
