"""The self-pay review: statements, plans, promises, credits, and every patient balance against its EOB."""
