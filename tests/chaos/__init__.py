"""Runs that are killed, stopped, starved and lied to: nothing is paid twice, nothing is lost."""
