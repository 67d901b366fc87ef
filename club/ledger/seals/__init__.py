"""Seals: what each closed day held, kept outside the database, and found again or named.

`leaves.py` reads a day's digests from the journal, `files.py` keeps them, `sealing.py` does it day by
day, `checking.py` compares, `naming.py` says which rows differ.
"""
