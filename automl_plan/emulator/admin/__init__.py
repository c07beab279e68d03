"""The emulator's own API: what tests do to the service and ask of it."""
