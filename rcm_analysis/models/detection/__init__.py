"""What is beyond chance: systemic denials, mix shifts, process shifts, stalled steps."""
