"""Points as money. The books are kept by the functions in `sql/`; `actions.py` is their one door."""
