"""Google's services: transport, credentials, errors, and a folder for each API."""
