"""Reads of the books. Whole points; days are business days in Asia/Tashkent."""

from club.ledger.queries.balances import (
    Balance,
    Lot,
    Promised,
    balance,
    earned_since,
    lots,
    promised,
)
from club.ledger.queries.budgets import Budget, Fund, budgets, funds
from club.ledger.queries.expiries import Expiry, expiry_calendar
from club.ledger.queries.leaving import forfeited_points, same_person
from club.ledger.queries.pots import Member, Pot, pot, pot_of
from club.ledger.queries.programme import Totals, outstanding_points, totals
from club.ledger.queries.proof import (
    Coverage,
    Proof,
    coverage,
    last_proof,
    prove,
    proven_until,
    reconcile,
)
from club.ledger.queries.statements import Line, Page, statement
from club.ledger.queries.transfers import Allowance, allowance
from club.ledger.rules import Breach

__all__ = [
    "Allowance",
    "Balance",
    "Breach",
    "Budget",
    "Coverage",
    "Expiry",
    "Fund",
    "Line",
    "Lot",
    "Member",
    "Page",
    "Pot",
    "Promised",
    "Proof",
    "Totals",
    "allowance",
    "balance",
    "budgets",
    "coverage",
    "earned_since",
    "expiry_calendar",
    "forfeited_points",
    "funds",
    "last_proof",
    "lots",
    "outstanding_points",
    "pot",
    "pot_of",
    "promised",
    "prove",
    "proven_until",
    "reconcile",
    "same_person",
    "statement",
    "totals",
]
