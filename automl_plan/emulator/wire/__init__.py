"""The JSON of Google's APIs: what the fronts have in common."""
