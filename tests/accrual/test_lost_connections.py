"""What is answered as done is done, wherever the database goes away."""

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from procrastinate.exceptions import AlreadyEnqueued

from club.accrual import inbox
from club.accrual.inbox import Incoming, Verdict
from club.accrual.models import Event, Kind, Queued
from club.savepoints import savepoint
from club.subscribers.models import Subscriber
from tests.accrual.conftest import Office

pytestmark = pytest.mark.django_db(transaction=True)


def lose(url: str) -> None:
    """Ends this test's session of the database, from another one."""
    pid = connection.connection.info.backend_pid
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("select pg_terminate_backend(%s, 5000)", [pid])


def test_payments_are_not_answered_as_taken_when_the_connection_is_lost_after_the_last_statement(
    club: Office, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aziza = club.subscriber()
    payment = Incoming("espp", Kind.PAYMENT, "p-1", aziza.msisdn, club.now, 500_000, "bank", {})

    class Queue:
        def configure_task(self, *_: object, **__: object) -> "Queue":
            return self

        def defer(self) -> None:
            lose(database_url)
            raise AlreadyEnqueued

    with monkeypatch.context() as patched:
        patched.setattr(inbox, "app", Queue())
        with pytest.raises(OperationalError):
            inbox.receive([payment], now=club.now)
    connection.close()
    assert not Event.objects.exists()

    (receipt,) = inbox.receive([payment], now=club.now)

    assert receipt.verdict is Verdict.NEW
    assert Queued.objects.count() == 1


def test_an_error_in_a_savepoint_goes_on_as_it_came_and_takes_only_the_savepoint_along(
    club: Office,
) -> None:
    def fails() -> None:
        with savepoint():
            club.subscriber()
            raise ZeroDivisionError

    with transaction.atomic():
        with pytest.raises(ZeroDivisionError):
            fails()
        aziza = club.subscriber()
    with pytest.raises(ZeroDivisionError):
        fails()

    assert [one.id for one in Subscriber.objects.all()] == [aziza.id]


def test_a_savepoint_that_cannot_be_undone_says_so(club: Office, database_url: str) -> None:
    @transaction.atomic
    def swallows() -> None:
        try:
            with savepoint():
                lose(database_url)
                raise KeyError
        except KeyError:
            pass

    with pytest.raises(OperationalError):
        swallows()
    connection.close()
