"""Looks at import CSVs, and at the images that they name, before anything is paid for."""
