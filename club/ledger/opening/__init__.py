"""Balances brought over from the system before: a file is read, checked against the books in a shadow
run, and posted through the door of the ledger."""
