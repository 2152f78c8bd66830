"""A column map proposed from the files themselves: headings, values, sums, and the layouts of known systems."""
