"""Checks and the log."""
