"""Finds out what became of interrupted calls, and rebuilds lost states."""
