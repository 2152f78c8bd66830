"""The weekly review, and the worklist as a file to work in."""
