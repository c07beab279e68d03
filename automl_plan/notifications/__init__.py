"""Sends messages to the receivers that a configuration declares under `notify`."""
