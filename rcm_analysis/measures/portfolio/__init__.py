"""The client manager's book and the A to D rating."""
