"""Patients over time: engagement shifts and effects, retention, self-pay survival, contacts not billed."""
