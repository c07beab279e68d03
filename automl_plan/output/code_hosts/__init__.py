"""Where pull requests are reviewed."""
