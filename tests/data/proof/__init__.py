"""Proves the rules: clean data, defects that are put in by a seed, and what is found of them."""
