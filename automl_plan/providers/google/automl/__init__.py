"""Cloud AutoML v1, and services that speak its protocol."""
