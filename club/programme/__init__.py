"""The programme itself as configuration: its name, what a point is worth and how long it lives."""
