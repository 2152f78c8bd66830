"""The invented front office and care-coordination programme."""
