"""Vertex AI v1 over HTTP: another front of the engine, under a path of its own."""
