"""The local service: AutoML v1 over HTTP on loopback, with real or simulated training.

It runs as a process of its own (`python -m automl_plan.emulator`) and keeps everything in SQLite,
so that a client that dies finds its operations still running, as in the cloud.
"""
