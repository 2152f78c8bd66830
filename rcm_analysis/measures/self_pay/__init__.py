"""The self-pay programme: what patients owe, pay, promise, dispute and ask."""
