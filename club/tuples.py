"""Named tuples by the thousand."""

new = tuple.__new__
"""`new(Line, (...))` is `Line(...)` in a third of the time: the constructor of a named tuple is a
function in Python, and counts what it is given. For the few kinds of which a batch makes thousands."""
