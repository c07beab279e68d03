"""Vertex AI v1: where these models are trained today."""
