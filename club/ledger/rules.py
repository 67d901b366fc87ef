"""The words of the books: sources, kinds, and what goes through the door in either direction.

Points are whole numbers. Days are business days in Asia/Tashkent, `expires_on` is the last day on
which points are good. Nothing here knows the database.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

ACCRUALS_PER_CALL_MAX = 5_000  # Above it a batch gains nothing and holds its locks longer.
POINTS_PER_POSTING_MAX = 1_000_000_000_000  # A ceiling against a slip, far from bigint's end.
REF_BYTES_MAX = 200
HOLD_LIFETIME_MAX = timedelta(days=40)
PAGE_LINES_MAX = 100
PROGRAMME_DAYS_MAX = 1_100  # Three years, to be laid beside each other.
POT_MEMBERS_MAX = 10


class Source(IntEnum):
    """Whose event a posting books; part of its idempotency key, so numbers never change."""

    LEDGER = 0
    ACCRUAL = 1
    ORDER = 2
    STAFF = 3
    PARTNER = 4
    IMPORT = 5


class Kind(IntEnum):
    """What a posting is. `sql/tables.sql` has the same list."""

    ACCRUAL = 1
    SPEND = 2
    EXPIRY = 3
    RETURN = 4  # A debit was reversed: the points went back to their lots.
    CLAWBACK = 5  # A credit was reversed; what was spent already became arrears.
    ADJUSTMENT = 6
    CAPTURE = 7
    REPAYMENT = 8  # Lots repaid arrears. Of 0 points: the balance had gone down before.
    TRANSFER_OUT = 9
    TRANSFER_IN = 10
    EXTENSION = 11  # Lots were moved to a later date. Of 0 points.
    OPENING = 12  # A balance brought over from the system before.
    FEE = 13  # What a transfer costs.
    FORFEIT = 14  # The owner has left the programme.


class Contra(IntEnum):
    """The programme's account on the other side of a posting."""

    NONE = 0
    ISSUED = 10
    REDEEMED = 20
    EXPIRED = 30
    TRANSFERS = 40
    ADJUSTED = 50
    FEES = 60
    OPENING = 70


class ClawbackPolicy(StrEnum):
    """What an earning's clawback takes when its own lot no longer has the points."""

    OTHER_LOTS = "other_lots"  # The other lots, first to expire first; only what they lack is owed.
    ARREARS = "arrears"  # None of them: all that is missing is owed, and paid by the next earnings.


class AdjustmentReason(StrEnum):
    """Why staff put a balance right. A closed list: whoever reads the books can count by it."""

    MISSING_POINTS = "missing_points"  # Earned, and never came.
    WRONG_RULE = "wrong_rule"  # Came by a rate or a rule that was mistaken.
    POINTS_TWICE = "points_twice"  # Came for the same thing twice.
    REWARD_NOT_RECEIVED = "reward_not_received"
    SYSTEM_FAULT = "system_fault"
    FRAUD = "fraud"
    AGREEMENT = "agreement"  # A complaint was settled so.


class PotSpender(IntEnum):
    """Who spends from a family pot; its numbers are the table's."""

    OWNER = 1
    EVERYBODY = 2


class Accrual(NamedTuple):
    """Points to be earned once: the key is (subscriber, source, ref, occurred_on).

    `fingerprint` (16 to 32 bytes) stands for the content behind the key: a repeated key with the
    same fingerprint is a replay, with another one a conflict.
    """

    subscriber_id: int
    ref: str
    occurred_on: date
    points: int
    expires_on: date
    fund: int
    fingerprint: bytes


class Promise(NamedTuple):
    """An accrual that becomes spendable at `promised_at`, and may be withdrawn until then."""

    subscriber_id: int
    ref: str
    occurred_on: date
    points: int
    expires_on: date
    fund: int
    fingerprint: bytes
    promised_at: datetime


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a batch: new ones, harmless repetitions, and refs that were used before with
    other content. Conflicting ones are not posted."""

    fresh: int
    replayed: int
    conflicts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Booked:
    """`is_fresh` is False for a replay, which changed nothing. `available_points` can be spent on
    the day of the call."""

    is_fresh: bool
    available_points: int


@dataclass(frozen=True, slots=True)
class Extended:
    """`is_fresh` is False for a replay, and where there was nothing to extend (0 points)."""

    is_fresh: bool
    extended_points: int


@dataclass(frozen=True, slots=True)
class Swept:
    """How many lots (an extension: how many subscribers' lots) a chunk took, and behind whom the
    next one begins; None: it was the last."""

    taken: int
    last_subscriber_id: int | None


@dataclass(frozen=True, slots=True)
class Detached:
    """`is_fresh` is False where the month was detached before; `is_attached`: its table came under
    the past now."""

    is_fresh: bool
    is_attached: bool
    postings: int
    table: str


@dataclass(frozen=True, slots=True)
class Breach:
    """A row that breaks a law of the books: the law in words, whose row (None: everybody's), which,
    and the figures, or where the rows' contents differ their digests in hexadecimal."""

    law: str
    subscriber_id: int | None
    place: str
    expected: int | str
    found: int | str

    def sentence(self) -> str:
        """
        >>> Breach("no lot is below zero", 7, "lot 2026-12-31 fund 0", 0, -1).sentence()
        'subscriber 7, lot 2026-12-31 fund 0: no lot is below zero; expected 0, found -1'
        """
        whose = "" if self.subscriber_id is None else f"subscriber {self.subscriber_id}, "
        return f"{whose}{self.place}: {self.law}; expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class TransferPolicy:
    """The terms of sending points, by the sender; None is no limit.

    A day and a month are the calendar's, in Asia/Tashkent. Points younger than `min_age_days` stay
    behind. The fee is on top of what is sent: so many points, and so many hundredths of a percent; it is not
    asked for the first `free_times_per_month` that go to people.
    """

    points_per_day_max: int | None = None
    times_per_day_max: int | None = None
    points_per_month_max: int | None = None
    times_per_month_max: int | None = None
    min_age_days: int = 0
    fee_fixed_points: int = 0
    fee_basis_points: int = 0
    free_times_per_month: int = 0

    def __post_init__(self) -> None:
        assert all(limit is None or limit >= 0 for limit in self.limits()), "no limit below zero"
        assert self.fee_fixed_points >= 0, "nobody is paid for sending"
        assert self.fee_basis_points >= 0, "nobody is paid for sending"
        assert self.free_times_per_month >= 0, "nothing is free less than never"

    def fee_points(self, points: int) -> int:
        """What sending so many costs; rounded up, else many small transfers would be free.

        >>> TransferPolicy(fee_fixed_points=5, fee_basis_points=250).fee_points(101)
        8
        >>> TransferPolicy().fee_points(101)
        0
        """
        return self.fee_fixed_points + -(-points * self.fee_basis_points // 10_000)

    def limits(self) -> tuple[int | None, ...]:
        """As the books ask for them."""
        return (
            self.points_per_day_max,
            self.times_per_day_max,
            self.points_per_month_max,
            self.times_per_month_max,
            self.min_age_days,
        )


def grace_until(day: date, *, grace_days: int) -> date | None:
    """How long points live that come back on `day` after their own last day; None: they lapse at
    once.

    >>> grace_until(date(2026, 11, 23), grace_days=7)
    datetime.date(2026, 11, 30)
    >>> grace_until(date(2026, 11, 23), grace_days=0) is None
    True
    """
    assert grace_days >= 0
    return day + timedelta(days=grace_days) if grace_days else None


def hold_ref(hold_id: UUID) -> str:
    """The ref under which a captured hold stands in the journal (source LEDGER).

    >>> hold_ref(UUID(int=1))
    'hold:00000000-0000-0000-0000-000000000001'
    """
    return f"hold:{hold_id}"


def parse_hold_ref(ref: str) -> UUID | None:
    """The hold behind a captured posting's ref; None for any other ref.

    >>> parse_hold_ref(hold_ref(UUID(int=1)))
    UUID('00000000-0000-0000-0000-000000000001')
    >>> parse_hold_ref("payment:7") is None
    True
    """
    word, _, hold_id = ref.partition(":")
    return UUID(hold_id) if word == "hold" else None


def pot_id_of(key: UUID) -> int:
    """The account of the family pot that was opened under this key: always below zero.

    >>> pot_id_of(UUID(int=1)) == pot_id_of(UUID(int=1)) < 0
    True
    """
    return ~(int.from_bytes(sha256(key.bytes).digest()[:8]) >> 1)


def fingerprint_of(*content: object) -> bytes:
    """The fingerprint of what a key stands for: 32 bytes, other for any other content.

    >>> fingerprint_of("a", 1) == fingerprint_of("a", "1")
    False
    >>> fingerprint_of("ab", "c") == fingerprint_of("a", "bc")
    False
    """
    return sha256(repr(content).encode()).digest()
