"""The AR deep dive: what goes wrong again and again, its cause, and what it is worth."""
