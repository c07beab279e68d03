"""AutoML v1 over HTTP: one front of the engine."""
