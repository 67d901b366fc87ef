"""Reads that join several nouns: what a person sees on one page."""
