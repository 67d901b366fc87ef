"""Reads of the books. Whole points; days are business days in Asia/Tashkent."""

from club.ledger.queries.balances import (
    EARNED,
    Balance,
    Lot,
    Promised,
    balance,
    earned_by_all,
    lots,
    promised,
)
from club.ledger.queries.bookings import Booking, Key, bookings, lots_of
from club.ledger.queries.budgets import Budget, Fund, budgets, funds
from club.ledger.queries.expiries import Expiry, expiry_calendar
from club.ledger.queries.funding import FundedLine, Funding, Part, funded_lines, funding
from club.ledger.queries.leaving import forfeited_points, same_person
from club.ledger.queries.past import balance_at, lots_at
from club.ledger.queries.pots import Member, Pot, pot, pot_of
from club.ledger.queries.programme import (
    Account,
    DayAccount,
    FundAccount,
    Totals,
    counted_until,
    outstanding_points,
    programme_accounts,
    programme_days,
    totals,
)
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
from club.ledger.queries.transfers import Allowance, allowance, gifts_sent
from club.ledger.rules import Breach

__all__ = [
    "EARNED",
    "Account",
    "Allowance",
    "Balance",
    "Booking",
    "Breach",
    "Budget",
    "Coverage",
    "DayAccount",
    "Expiry",
    "Fund",
    "FundAccount",
    "FundedLine",
    "Funding",
    "Key",
    "Line",
    "Lot",
    "Member",
    "Page",
    "Part",
    "Pot",
    "Promised",
    "Proof",
    "Totals",
    "allowance",
    "balance",
    "balance_at",
    "bookings",
    "budgets",
    "counted_until",
    "coverage",
    "earned_by_all",
    "expiry_calendar",
    "forfeited_points",
    "funded_lines",
    "funding",
    "funds",
    "gifts_sent",
    "last_proof",
    "lots",
    "lots_at",
    "lots_of",
    "outstanding_points",
    "pot",
    "pot_of",
    "programme_accounts",
    "programme_days",
    "promised",
    "prove",
    "proven_until",
    "reconcile",
    "same_person",
    "statement",
    "totals",
]
