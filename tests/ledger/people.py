"""Builders for the stories between several people: who they are, what they have, what they send."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.db import connection

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.queries import Line, Lot
from club.ledger.rules import Kind, PotSpender, Source, TransferPolicy, fingerprint_of
from club.subscribers.models import Subscriber

DAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
NEXT_WEEK = NOW + timedelta(days=7)
SOON, LATER = date(2026, 12, 31), date(2027, 6, 30)
LONG_AGO = date(2026, 6, 1)
FREELY = TransferPolicy()
_numbers = count(1)


def somebody(**attributes: Any) -> int:
    """Someone with a number of their own; answers the subscriber's id."""
    msisdn = f"99890{next(_numbers):07}"
    return Subscriber.objects.create(msisdn=msisdn, joined_at=NOW, **attributes).id


def earns(
    who: int, points: int, *, expires_on: date = SOON, fund: int = 0, on: date = LONG_AGO
) -> None:
    accrual = ledger.Accrual(
        who, f"earned:{next(_numbers)}", on, points, expires_on, fund, fingerprint_of(points)
    )
    ledger.post_many(source=Source.ACCRUAL, accruals=[accrual])


def owes(who: int, points: int) -> None:
    """Points that were spent before they were clawed back."""
    ref = f"cancelled:{next(_numbers)}"
    accrual = ledger.Accrual(who, ref, LONG_AGO, points, SOON, 0, fingerprint_of(points))
    ledger.post_many(source=Source.ACCRUAL, accruals=[accrual])
    spends(who, points)
    ledger.reverse(
        subscriber_id=who,
        source=Source.ACCRUAL,
        ref=f"{ref}:back",
        day=DAY,
        of_source=Source.ACCRUAL,
        of_ref=ref,
        of_day=LONG_AGO,
        points=None,
        fingerprint=fingerprint_of(ref),
    )


def spends(who: int, points: int) -> None:
    ref = f"spent:{next(_numbers)}"
    ledger.spend(
        subscriber_id=who,
        source=Source.ORDER,
        ref=ref,
        day=DAY,
        points=points,
        fingerprint=fingerprint_of(ref),
    )


def sends(who: int, to: int, points: int, **changes: Any) -> ledger.Booked:
    """A transfer under a key of its own, unless told otherwise."""
    ref = changes.get("ref", f"sent:{next(_numbers)}")
    terms: dict[str, Any] = {
        "source": Source.PARTNER,
        "ref": ref,
        "day": DAY,
        "policy": FREELY,
        "now": NOW,
        "fingerprint": fingerprint_of(to, points),
    }
    return ledger.transfer(
        subscriber_id=who, to_subscriber_id=to, points=points, **(terms | changes)
    )


def takes_back(who: int, sent_ref: str, **changes: Any) -> ledger.Booked:
    """The reversal of what `who` sent under `sent_ref`."""
    terms: dict[str, Any] = {
        "source": Source.STAFF,
        "ref": f"back:{sent_ref}",
        "day": DAY,
        "of_source": Source.PARTNER,
        "of_ref": sent_ref,
        "of_day": DAY,
        "points": None,
        "fingerprint": fingerprint_of(sent_ref),
    }
    return ledger.reverse_transfer(subscriber_id=who, **(terms | changes))


def points(who: int, *, day: date = DAY) -> int:
    return queries.balance(subscriber_id=who, day=day).spendable_points


def arrears(who: int) -> int:
    return queries.balance(subscriber_id=who, day=DAY).arrears_points


def lots(who: int, *, day: date = DAY) -> list[tuple[date, int, int]]:
    return [(lot.expires_on, lot.fund, lot.points) for lot in _lots(who, day)]


def _lots(who: int, day: date) -> list[Lot]:
    return queries.lots(subscriber_id=who, day=day)


def lines(who: int) -> list[Line]:
    return queries.statement(subscriber_id=who, limit=100).lines


def line(who: int, kind: Kind) -> Line:
    """The one line of this kind in somebody's statement."""
    (found,) = (line for line in lines(who) if line.kind is kind)
    return found


def journal_rows() -> int:
    """How many postings there are: a refusal adds none."""
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from ledger.posting")
        return int(cursor.fetchone()[0])


# ---- family pots


def pot_of(owner: int, *members: int, spent_by: PotSpender = PotSpender.EVERYBODY) -> int:
    """A pot with everybody in it."""
    pot_id = ledger.open_pot(key=UUID(int=next(_numbers)), owner_id=owner, spent_by=spent_by)
    for who in members:
        joins(pot_id, who, by=owner)
    return pot_id


def invites(pot_id: int, who: int, *, by: int, until: datetime = NEXT_WEEK) -> None:
    ledger.invite_to_pot(pot_id=pot_id, by=by, subscriber_id=who, now=NOW, until=until)


def joins(pot_id: int, who: int, *, by: int) -> None:
    invites(pot_id, who, by=by)
    assert ledger.join_pot(pot_id=pot_id, subscriber_id=who, now=NOW) is True


def pays_in(pot_id: int, who: int, points: int, **changes: Any) -> ledger.Booked:
    terms: dict[str, Any] = {
        "source": Source.PARTNER,
        "ref": f"paid:{next(_numbers)}",
        "day": DAY,
        "policy": FREELY,
        "now": NOW,
        "fingerprint": fingerprint_of(pot_id, points),
    }
    return ledger.pay_into_pot(pot_id=pot_id, subscriber_id=who, points=points, **(terms | changes))


def spends_from(pot_id: int, who: int, points: int, **changes: Any) -> ledger.Booked:
    terms: dict[str, Any] = {
        "source": Source.ORDER,
        "ref": f"bought:{next(_numbers)}",
        "day": DAY,
        "now": NOW,
        "fingerprint": fingerprint_of(points),
    }
    return ledger.spend_from_pot(pot_id=pot_id, by=who, points=points, **(terms | changes))


def leaves(pot_id: int, who: int, *, by: int | None = None, day: date = DAY) -> ledger.Booked:
    return ledger.leave_pot(pot_id=pot_id, subscriber_id=who, by=by or who, day=day)


def stakes(pot_id: int) -> dict[int, int]:
    """What each member would take home today."""
    pot = queries.pot(pot_id=pot_id, day=DAY)
    assert pot is not None
    return {member.subscriber_id: member.stake_points for member in pot.members}
