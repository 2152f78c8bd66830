"""Requests, runs and packets: parameters checked, notebooks executed, outputs signed and kept."""
