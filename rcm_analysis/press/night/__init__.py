"""A batch that nobody watches: its log, its summary by mail, the index of all months, and the way to other machines."""
