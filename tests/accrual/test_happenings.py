"""What levels are told of the events: of any type, and nothing of what was cancelled."""

from datetime import timedelta

from django.db import connection

from club.accrual import inbox
from club.accrual.happenings import DecidedEvents
from club.clock import day_of
from tests.accrual.conftest import Office


def told(club: Office) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        first = day_of(club.now - timedelta(days=30))
        relation = DecidedEvents().relation()
        cursor.execute(
            f"select event_type, amount from ({relation}) r order by 1", {"first": first}
        )
        return [(kind, amount) for kind, amount in cursor.fetchall()]


def test_a_cancelled_event_of_any_type_is_as_if_it_had_not_happened(club: Office) -> None:
    who = club.subscriber()

    def tell(kind: str, number: str, amount_tiyin: int, **details: object) -> None:
        one = inbox.Incoming(
            "billing", kind, number, who.msisdn, club.now, amount_tiyin, "app", dict(details)
        )
        (receipt,) = inbox.receive([one], now=club.now)
        assert receipt.verdict == inbox.Verdict.NEW, receipt
        club.decide()

    tell("charge", "1", 500, service="usage")
    tell("payment", "1", 700)  # the same number, of another type
    tell("charge", "2", 900, service="usage")
    assert told(club) == [("charge", 500), ("charge", 900), ("payment", 700)]

    tell("cancellation:charge", "1", 0)
    assert told(club) == [("charge", 900), ("payment", 700)]
    tell("cancellation", "1", 0)
    assert told(club) == [("charge", 900)]
