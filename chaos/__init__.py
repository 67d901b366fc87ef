"""Real programs on a real database, killed at random points; afterwards everything is accounted for."""
