"""The care-coordination plan: when it breaks even, how deep the cash hole gets, and what happened beside it."""
