"""Estimators and control charts that know nothing of billing."""
