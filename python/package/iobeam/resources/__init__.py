"""Readings, questions, devices."""
