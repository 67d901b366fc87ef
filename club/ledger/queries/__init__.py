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
from club.ledger.queries.proof import Breach, prove
from club.ledger.queries.statements import Line, Page, statement
from club.ledger.queries.transfers import Allowance, allowance

__all__ = [
    "Allowance",
    "Balance",
    "Breach",
    "Budget",
    "Expiry",
    "Fund",
    "Line",
    "Lot",
    "Member",
    "Page",
    "Pot",
    "Promised",
    "Totals",
    "allowance",
    "balance",
    "budgets",
    "earned_since",
    "expiry_calendar",
    "forfeited_points",
    "funds",
    "lots",
    "outstanding_points",
    "pot",
    "pot_of",
    "promised",
    "prove",
    "same_person",
    "statement",
    "totals",
]
