"""automl-plan: declare, plan, review and apply AutoML image datasets and models."""

__version__ = "0.2.0"
