"""Trials of remedies: what is run, and what came of it."""
