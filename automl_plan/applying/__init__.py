"""Makes plans of an opened workspace and carries them out."""
