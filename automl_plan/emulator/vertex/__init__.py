"""Vertex AI v1 over HTTP: a front of the engine, below a path of its own."""
