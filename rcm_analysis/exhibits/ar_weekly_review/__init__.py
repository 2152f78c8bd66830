"""The weekly AR review: two pages for the meeting, and the worklist as a file."""
