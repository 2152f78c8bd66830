"""The client review: one client's month, page by page."""
