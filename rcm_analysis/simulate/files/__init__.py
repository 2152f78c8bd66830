"""The invented company as raw files: 835, 837, exports, registry."""
