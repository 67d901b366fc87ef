"""Builders for the stories between several people: who they are, what they have, what they send."""

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from django.db import connection

from club.ledger import actions as ledger
from club.ledger import queries
from club.ledger.queries import Line, Lot
from club.ledger.rules import Source, TransferPolicy, fingerprint_of
from club.subscribers.models import Subscriber

DAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
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


def journal_rows() -> int:
    """How many postings there are: a refusal adds none."""
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from ledger.posting")
        return int(cursor.fetchone()[0])
