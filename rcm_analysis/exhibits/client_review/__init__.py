"""The client's monthly review, part by part."""
