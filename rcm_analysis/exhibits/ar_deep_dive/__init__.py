"""The AR deep dive: what goes wrong again and again, in dollars, and the working list behind it."""
