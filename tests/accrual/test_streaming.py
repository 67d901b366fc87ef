"""From a stream each event is in the inbox before the stream forgets it."""

import json
from collections.abc import Sequence
from threading import Event as Flag
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from club.accrual import intake, streaming
from club.accrual.models import Event, Rejection
from club.accrual.ports import Message, StreamLost
from club.accrual.rules.event_types import EVENT_TYPES
from tests.accrual.conftest import Office
from tests.accrual.event_lines import told
from tests.missing import tries


class Memory:
    """A stream that keeps what is not settled, and notes what had been committed by then."""

    def __init__(self, *octets: bytes) -> None:
        self.kept = [Message(one, number) for number, one in enumerate(octets, 1)]
        self.dead: list[bytes] = []
        self.seen_when_settled: list[int] = []
        self.closed = 0

    def receive(self, *, limit: int, wait_s: float) -> Sequence[Message]:
        return self.kept[:limit]

    def settle(self, messages: Sequence[Message], *, dead: Sequence[Message]) -> None:
        self.seen_when_settled.append(Event.objects.count())
        self.dead += [message.octets for message in dead]
        self.kept = [message for message in self.kept if message not in messages]

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def known_source(settings: Any) -> None:
    settings.EVENT_SOURCES = {"billing": {}}
    settings.IS_DEMO = False


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection of a test stays open."""
    monkeypatch.setattr(streaming, "close_old_connections", lambda: None)


def test_a_batch_is_written_before_it_is_settled(club: Office) -> None:
    stream = Memory(told("1"), told("2"), told("1"))

    counts = streaming.take_batch(stream)

    assert counts.summary() == "received 3, new 2, duplicate 1, conflicting 0, rejected 0"
    assert (stream.kept, stream.dead, stream.seen_when_settled) == ([], [], [2])


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", "unreadable"),
        (b"not json", "unreadable"),
        (b"\xff\xfe\x00", "unreadable"),
        (b"[" * 10_000, "unreadable"),
        (b'{"source": "billing"}', "unreadable"),
        (told("1", amount_tiyin=1.5), "unreadable"),
        (told("1", occurred_at="2026-11-18T12:00:00"), "unreadable"),
        (told("1", details={"x": "x" * 20_000}), "unreadable"),
        (told("1", source="stranger"), "unknown_source"),
        (told("1", source="club"), "unknown_source"),
        (told("1", source="espp"), "unknown_source"),
        (told("1", occurred_at="0001-01-01T00:00:00+14:00"), "too_old"),
        (told("1", occurred_at="9999-12-31T23:59:59-14:00"), "in_the_future"),
        (told("1", type="charge", amount_tiyin=10**40), "too_large"),
        (told("1", details={"x": "\0"}), "bad_details"),
        (told("1", type="cancellation", cancels="payment:x"), "bad_type"),
    ],
)
def test_what_cannot_be_taken_goes_to_the_dead_and_is_kept_and_the_rest_is_taken(
    club: Office, octets: bytes, code: str
) -> None:
    stream = Memory(told("before"), octets, told("after"))

    streaming.take_batch(stream)

    assert stream.dead == [octets]
    assert Rejection.objects.get().code == code
    assert set(Event.objects.values_list("external_id", flat=True)) == {"before", "after"}


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "123456789012345678901234567890.5"])
def test_numbers_that_no_database_has_are_kept_somehow(club: Office, number: str) -> None:
    octets = told("1", details={"x": "number"}).replace(b'"number"', number.encode())

    streaming.take_batch(Memory(octets))

    assert list(Event.objects.get().details) == ["x"]


def test_fields_beside_those_we_know_are_kept_among_the_details(club: Office) -> None:
    streaming.take_batch(Memory(told("1", version=7, weather="rain", details={"mood": "good"})))

    assert Event.objects.get().details == {"version": 7, "weather": "rain", "mood": "good"}


def test_a_message_that_breaks_our_own_code_is_found_and_put_aside(
    club: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = intake.take

    def stumble(some: Sequence[intake.Told], **how: Any) -> Any:
        with transaction.atomic():
            receipts = take(some, **how)
            if any(b"poison" in one.octets for one in some):
                raise ZeroDivisionError("of one's own making")
            return receipts

    monkeypatch.setattr(intake, "take", stumble)
    stream = Memory(*(told(f"{n}") for n in range(5)), told("poison"), told("last"))

    counts = streaming.take_batch(stream)

    assert (counts.new, len(counts.rejected)) == (6, 1)
    assert stream.dead == [told("poison")]
    assert Rejection.objects.get().code == "cannot_be_taken"
    assert not Event.objects.filter(external_id="poison").exists()


@pytest.mark.parametrize("error", [OperationalError("away"), StreamLost("gone")])
def test_what_cannot_be_done_now_comes_again(
    club: Office, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    stream, stopping = Memory(told("1"), told("2")), Flag()
    take, failures = intake.take, iter([error, error])
    monkeypatch.setattr(streaming, "PAUSE_S_MIN", 0.01)

    def fail_twice(some: Sequence[intake.Told], **how: Any) -> Any:
        for failure in failures:
            raise failure
        stopping.set()
        return take(some, **how)

    monkeypatch.setattr(intake, "take", fail_twice)
    streaming.run(stream, stopping=stopping)

    assert stream.closed == 3  # twice to let the messages go back, once at the end
    assert (stream.kept, stream.dead) == ([], [])
    assert Event.objects.count() == 2
    assert connection.is_usable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [*json.loads(told("1")), "amount_tiyin", "channel", "version", "cancels", "details"]
TYPES = st.sampled_from([*EVENT_TYPES, "cancellation", "moon_landing"])


def test_whatever_stands_in_an_event_its_neighbours_are_taken(club: Office) -> None:
    numbers = iter(range(100_000))

    @settings(
        max_examples=tries(300, quick=100),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(TYPES, st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3), st.binary(max_size=9))
    def send(type_: str, odd: dict[str, Any], noise: bytes) -> None:
        first, last = (f"good {next(numbers)}" for _ in range(2))
        event = json.dumps({**json.loads(told("odd", type=type_)), **odd}).encode()
        stream = Memory(told(first), event, event[:-1] + noise, told(last))

        counts = streaming.take_batch(stream)

        assert counts.received == 4
        assert "cannot_be_taken" not in {line.code for line in counts.rejected}
        assert stream.kept == []
        assert len(stream.dead) == len(counts.rejected) <= 2
        assert Event.objects.filter(external_id__in=[first, last]).count() == 2

    send()
