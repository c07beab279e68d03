"""The state: what was made, on disk before the next step is taken."""
