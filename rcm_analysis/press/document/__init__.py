"""The document between notebook and page: blocks, what a notebook holds of them, and their words."""
