"""What payers deny, why, and what became of it."""
