"""Reads of the books. Whole points; days are business days in Asia/Tashkent."""

from dataclasses import dataclass
from datetime import date, datetime

from club.ledger.rules import Kind


@dataclass(frozen=True, slots=True)
class Balance:
    """`spendable_points` can be spent on the day asked for: held and pending points are not in it.
    `next_expiry_on` is None when nothing expires."""

    spendable_points: int
    held_points: int
    pending_points: int
    arrears_points: int
    next_expiry_on: date | None
    next_expiry_points: int


@dataclass(frozen=True, slots=True)
class Lot:
    expires_on: date
    fund: int
    points: int


@dataclass(frozen=True, slots=True)
class Line:
    """One posting. `points` is signed; `lots` is what a debit took, or where a reversal gave (or
    took) them, empty for a plain accrual, which goes to (expires_on, fund) as a whole."""

    posted_at: datetime
    occurred_on: date
    kind: Kind
    points: int
    source: int
    ref: str
    expires_on: date | None
    fund: int
    lots: tuple[Lot, ...]
    reverses_source: int | None
    reverses_ref: str | None
    reverses_on: date | None


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the cursor of the page after this one, None at the end."""

    lines: list[Line]
    next: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """The whole programme. outstanding = issued - redeemed - expired + adjusted."""

    accounts: int
    postings: int
    issued_points: int
    redeemed_points: int
    expired_points: int
    adjusted_points: int
    outstanding_points: int
    spendable_points: int
    held_points: int
    pending_points: int
    arrears_points: int


@dataclass(frozen=True, slots=True)
class Breach:
    """A row that breaks a law of the books: the law in words, whose row, which, and the figures."""

    law: str
    subscriber_id: int
    row: str
    expected: int
    found: int


def balance(*, subscriber_id: int, day: date) -> Balance:
    """What the subscriber can spend on `day`, what else there is, and what is lost next.

    Someone without postings has zero points: that is no error.
    """
    raise NotImplementedError


def lots(*, subscriber_id: int, day: date) -> list[Lot]:
    """The lots still good on `day`, first to expire first."""
    raise NotImplementedError


def statement(*, subscriber_id: int, before: str | None = None, limit: int) -> Page:
    """One page of postings, newest day first; `before` is the cursor of the page before.

    Postings that come meanwhile never repeat or hide a line of a later page. limit: 1 .. 100.
    Raises BadCursor.
    """
    raise NotImplementedError


def totals() -> Totals:
    """The sums of the books, from the journal itself."""
    raise NotImplementedError


def prove() -> list[Breach]:
    """Every row that breaks a law of the books; an empty list proves them."""
    raise NotImplementedError
