"""Beeline Club: the loyalty platform of a mobile operator.

The map of this package is `docs/architecture.md`; its floors are checked by import-linter
(`pyproject.toml`): doors › integrations › reports › use cases › programme › ledger › ground.
"""

__version__ = "2.0.0"
