"""Notebooks without waiting: kernels forked from a process that has imported everything."""
