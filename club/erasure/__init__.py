"""Erasing a person: what every room knows of them goes, the books stay and balance."""
