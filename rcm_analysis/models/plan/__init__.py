"""The care-coordination plan: assumptions, months, scenarios, and results against it."""
