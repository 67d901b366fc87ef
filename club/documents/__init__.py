"""Files that staff write, as JSON: what is wrong with one is told in words of theirs, at its place."""
