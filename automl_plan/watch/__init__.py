"""Follows detached work: takes snapshots, records what finished, reports."""
