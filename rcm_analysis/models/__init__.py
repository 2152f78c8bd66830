"""Models: payment lag, cash outlook, care-coordination plan."""
