"""Levels: who stands on which, since when, and why."""
