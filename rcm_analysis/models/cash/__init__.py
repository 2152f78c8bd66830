"""How long payers take, and what cash is to come."""
