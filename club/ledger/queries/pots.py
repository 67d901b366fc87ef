"""Family pots: who is in them, and whose the points are."""

from dataclasses import dataclass
from datetime import date, datetime

from club.ledger.queries.reading import rows
from club.ledger.rules import PotSpender


@dataclass(frozen=True, slots=True)
class Member:
    """`stake_points` would come home if this member left now."""

    subscriber_id: int
    stake_points: int
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Pot:
    """`free_points` can be spent on the day asked for; `members` are in the order of their ids."""

    pot_id: int
    owner_id: int
    spent_by: PotSpender
    closed_at: datetime | None
    free_points: int
    members: tuple[Member, ...]


def pot(*, pot_id: int, day: date) -> Pot | None:
    """A pot as it stands; None when there never was one. A closed pot has no members."""
    found = rows(
        """
        select p.owner_id, p.spent_by, p.closed_at, ledger.spendable(p.pot_id, %(day)s),
               m.subscriber_id, m.stake, m.joined_at
          from ledger.pot p
          left join ledger.pot_member m on m.pot_id = p.pot_id and m.left_at is null
         where p.pot_id = %(pot)s order by m.subscriber_id
        """,
        {"pot": pot_id, "day": day},
    )
    if not found:
        return None
    owner_id, spent_by, closed_at, free, *_ = found[0]
    whole = sum(row[5] or 0 for row in found)
    parts = {row[4]: free * row[5] // whole if whole else 0 for row in found if row[4]}
    if owner_id in parts:
        parts[owner_id] += free - sum(parts.values())
    members = tuple(Member(row[4], parts[row[4]], row[6]) for row in found if row[4])
    return Pot(pot_id, owner_id, PotSpender(spent_by), closed_at, free, members)


def pot_of(*, subscriber_id: int) -> int | None:
    """The pot somebody is in, if any."""
    found = rows(
        "select pot_id from ledger.pot_member where subscriber_id = %s and left_at is null",
        [subscriber_id],
    )
    return found[0][0] if found else None
