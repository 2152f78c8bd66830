"""The problems that are planted: their kinds, when and where, and what they do to a claim."""
