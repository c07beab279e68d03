"""YAML text → Configuration: read, merged, variables filled in, checked; positions on demand."""
