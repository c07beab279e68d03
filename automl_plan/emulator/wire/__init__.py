"""What the JSON of Google's APIs has in common, whichever front speaks it."""
