"""Compares desired, recorded and live, and says what to do: pure, no I/O, no clock."""
