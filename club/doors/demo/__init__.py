"""Doors that stand only where the demo runs: a phone on the screen, and a page of addresses."""
