"""AutoML v1 over HTTP: a front of the engine."""
