"""Small books worked out by hand: what the examples in the definitions are computed on."""
