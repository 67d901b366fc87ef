"""Buying a reward: hold the points, have it delivered, then capture or release them."""
