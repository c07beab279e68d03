"""Training of the local service: reading import files, the trainers, and their evaluations."""
