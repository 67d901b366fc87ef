"""The accrual rule: a small typed tree with three readers that agree to the last point.

`model.py` says what a rule is, `facts.py` what it may ask about. `to_python.py` makes a function
for one event, `to_sql.py` an expression for many, `explain.py` tells why. They agree by three
conventions: integers only and one division at the end; a leaf about a missing fact is false; every
product is proved to fit 64 bits before a rule is accepted. `granting.py` says what is granted of what
the rules want: stacking, exclusions, limits. Nothing here knows Django, a clock or
chance. See docs/decisions/003-a-rule-is-a-typed-tree.md.
"""
