"""The menu of measures: one record each, in the part of the work that they belong to."""
