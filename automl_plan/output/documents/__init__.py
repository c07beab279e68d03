"""What programs read: a type for the document of each command with `--json`, and for each event."""
