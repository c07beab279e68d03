"""A machine of random steps: see README.md."""
