"""X12 files: segments, envelopes, the 835 and the 837, and what does not balance."""
