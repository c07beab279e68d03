"""Trainings: import files, trainers, and evaluations."""
