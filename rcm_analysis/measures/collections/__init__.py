"""What came in, how long each step took, and what was written off."""
