"""Moves what a state records to another provider, without a training."""
