"""The patient engagement review; small cells are hidden, also from subtraction."""
