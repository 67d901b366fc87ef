"""Why, and why not, in one plain sentence: for whoever paid, in each of the five languages.

Made from the tree of an explanation whenever somebody asks, never stored: no name of a field, no
code, and nothing of what others were given.
"""
