"""What becomes of messages in the outbox, whatever the channel that empties it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F

from club.messages import actions, outbox
from club.messages.models import EarlyReceipt, Inbound, Message, Template
from club.messages.outbox import Attempt, Incoming, PartReceipt
from club.messages.rules import State
from club.outcomes import Done, Refused, Unknown

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MSISDN = "998901234567"
CENTRE = "club@test"
THROTTLED = Refused("smpp_0x58", is_for_now=True)
SILENCE = Unknown("no answer in 10 s")


def queued(
    key: str = "1", *, text: str = "Hi", is_secret: bool = False, minutes: float = 60
) -> Message:
    Template.objects.get_or_create(code="test", defaults={"texts": {"en": "{text}"}})
    return actions.queue(
        "test",
        msisdn=MSISDN,
        language="en",
        values={"text": text},
        dedupe_key=key,
        now=NOW,
        lifetime=timedelta(minutes=minutes),
        is_secret=is_secret,
    )


def take(*, after_s: float = 0, limit: int = 10) -> list[int]:
    return [due.id for due in outbox.take(now=NOW + timedelta(seconds=after_s), limit=limit)]


def settle(message: Message, *outcomes: outbox.rules.Outcome, total: int = 1, first: int = 1):
    attempt = Attempt(message.pk, total, tuple(enumerate(outcomes, first)))
    outbox.settle([attempt], centre=CENTRE, now=NOW)
    message.refresh_from_db()


def receipt(centre_id: str, state: State = State.DELIVERED, *, error: str = "") -> int:
    return outbox.record_receipts([PartReceipt(centre_id, state, error)], centre=CENTRE, now=NOW)


def test_a_taken_message_is_marked_before_anything_is_sent() -> None:
    message = queued()

    [due] = outbox.take(now=NOW, limit=10)

    message.refresh_from_db()
    assert (due.id, due.msisdn, due.text, due.parts_taken) == (message.pk, MSISDN, "Hi", set())
    assert (message.state, message.attempts) == (State.SENDING, 1)
    assert take() == []


def test_the_nearest_deadline_goes_first() -> None:
    notice, code = queued("notice", minutes=600), queued("code", minutes=3)

    assert take(limit=1) == [code.pk]
    assert take(limit=1) == [notice.pk]


def test_what_is_not_due_yet_waits() -> None:
    message = queued()
    Message.objects.update(next_try_at=F("next_try_at") + timedelta(seconds=5))

    assert take(after_s=4) == []
    assert take(after_s=5) == [message.pk]


def test_a_message_out_of_time_expires_unsent_and_a_code_is_erased() -> None:
    message = queued(text="123456", is_secret=True, minutes=3)

    assert take(after_s=179, limit=0) == []
    assert take(after_s=180) == []

    message.refresh_from_db()
    assert (message.state, message.text, message.attempts) == (State.EXPIRED, "", 0)
    assert message.settled_at == NOW + timedelta(seconds=180)


def test_a_sent_message_is_delivered_when_all_its_parts_are() -> None:
    message = queued()
    take()
    settle(message, Done("A1"), Done("A2"), total=2)
    assert (message.state, message.sent_at) == (State.SENT, NOW)

    assert receipt("A1") == 1
    message.refresh_from_db()
    assert message.state == State.SENT

    assert receipt("A2") == 1
    message.refresh_from_db()
    assert message.state == State.DELIVERED


def test_one_undelivered_part_makes_the_message_undelivered_for_good() -> None:
    message = queued()
    take()
    settle(message, Done("A1"), Done("A2"), total=2)

    receipt("A1", State.UNDELIVERED, error="0A1")
    receipt("A1")
    receipt("A2")

    message.refresh_from_db()
    assert message.state == State.UNDELIVERED
    assert list(message.parts.order_by("number").values_list("state", "error_code")) == [
        ("undelivered", "0A1"),
        ("delivered", ""),
    ]


def test_a_receipt_that_comes_twice_changes_nothing() -> None:
    message = queued()
    take()
    settle(message, Done("A1"))

    assert [receipt("A1"), receipt("A1")] == [1, 1]

    message.refresh_from_db()
    assert message.state == State.DELIVERED
    assert EarlyReceipt.objects.count() == 0


def test_a_receipt_before_the_answer_is_kept_for_it() -> None:
    message = queued()
    take()

    assert [receipt("A1"), receipt("A1")] == [0, 0]
    settle(message, Done("A1"))

    assert message.state == State.DELIVERED
    assert EarlyReceipt.objects.count() == 0


def test_an_old_early_receipt_belongs_to_another_message() -> None:
    receipt("A1", State.UNDELIVERED)
    EarlyReceipt.objects.update(received_at=NOW - timedelta(minutes=11))
    message = queued()
    take()

    settle(message, Done("A1"))

    assert message.state == State.SENT
    assert outbox.sweep(now=NOW + timedelta(days=6)) == 0
    assert outbox.sweep(now=NOW + timedelta(days=7)) == 1


def test_an_id_that_a_centre_gives_twice_means_the_newer_message() -> None:
    older, newer = queued("older"), queued("newer")
    take()
    settle(older, Done("00000001"))
    settle(newer, Done("00000001"))

    receipt("00000001")

    older.refresh_from_db()
    newer.refresh_from_db()
    assert (older.state, newer.state) == (State.SENT, State.DELIVERED)


def test_a_throttled_message_is_tried_later_and_ever_later() -> None:
    message = queued()
    for seconds in (2, 4, 8):
        Message.objects.update(next_try_at=NOW)
        assert take() == [message.pk]
        settle(message, THROTTLED)
        assert (message.state, message.last_error) == (State.QUEUED, "smpp_0x58")
        assert message.next_try_at == NOW + timedelta(seconds=seconds)
    assert message.parts.count() == 0
    assert message.text == "Hi"


def test_a_long_message_goes_on_with_the_parts_that_were_not_taken() -> None:
    message = queued()
    take()
    settle(message, Done("A1"), THROTTLED, total=3)
    assert message.state == State.QUEUED

    [due] = outbox.take(now=NOW + timedelta(minutes=1), limit=10)
    assert due.parts_taken == {1}

    settle(message, Done("A2"), Done("A3"), total=3, first=2)
    assert message.state == State.SENT
    assert list(message.parts.order_by("number").values_list("centre_id", flat=True)) == [
        "A1",
        "A2",
        "A3",
    ]


def test_a_refused_message_is_not_tried_again_and_tells_why() -> None:
    message = queued(text="123456", is_secret=True)
    take()
    settle(message, Refused("smpp_0x0b"))

    assert (message.state, message.last_error, message.text) == (State.REFUSED, "smpp_0x0b", "")
    assert take(after_s=3_000) == []


def test_an_unknown_notice_is_never_sent_again_by_itself() -> None:
    message = queued()
    take()
    settle(message, SILENCE)

    assert (message.state, message.last_error) == (State.UNKNOWN, "no answer in 10 s")
    assert message.unknown_attempts == 1
    assert take(after_s=3_000) == []


def test_an_unknown_code_is_sent_once_more_and_erased_after() -> None:
    message = queued(text="123456", is_secret=True)
    take()
    settle(message, SILENCE)
    assert (message.state, message.text) == (State.QUEUED, "123456")

    assert take(after_s=60) == [message.pk]
    settle(message, SILENCE)

    assert (message.state, message.text) == (State.UNKNOWN, "")
    assert message.unknown_attempts == 2


def test_a_sent_code_is_erased_at_once() -> None:
    message = queued(text="123456", is_secret=True)
    take()
    settle(message, Done("A1"))

    assert (message.state, message.text) == (State.SENT, "")


def test_an_answer_after_its_time_out_proves_that_the_message_was_taken() -> None:
    message = queued()
    take()
    late = [Attempt(message.pk, 1, ((1, SILENCE),)), Attempt(message.pk, 1, ((1, Done("A1")),))]

    outbox.settle(late, centre=CENTRE, now=NOW)
    receipt("A1")

    message.refresh_from_db()
    assert (message.state, message.unknown_attempts) == (State.DELIVERED, 1)


def test_a_late_proof_spares_a_code_its_second_attempt() -> None:
    message = queued(text="123456", is_secret=True)
    take()
    settle(message, SILENCE)
    settle(message, Done("A1"))

    assert (message.state, message.text) == (State.SENT, "")
    assert take(after_s=60) == []


def test_a_late_answer_for_a_middle_part_lets_the_rest_go_out() -> None:
    message = queued()
    take()
    settle(message, Done("A1"), SILENCE, total=3)
    assert message.state == State.UNKNOWN

    settle(message, Done("A2"), total=3, first=2)

    [due] = outbox.take(now=NOW, limit=10)
    assert due.parts_taken == {1, 2}


def test_what_a_dead_sender_left_is_unknown_and_a_code_may_go_once_more() -> None:
    notice, code = queued("notice"), queued("code", text="123456", is_secret=True)
    waiting = queued("waiting", minutes=600)
    assert set(take(limit=2)) == {notice.pk, code.pk}

    assert outbox.settle_interrupted(now=NOW) == 2

    states = dict(Message.objects.values_list("pk", "state"))
    assert states == {
        notice.pk: State.UNKNOWN,
        code.pk: State.QUEUED,
        waiting.pk: State.QUEUED,
    }
    assert outbox.settle_interrupted(now=NOW) == 0


def test_a_receipt_saying_unknown_may_still_be_followed_by_a_delivery() -> None:
    message = queued()
    take()
    settle(message, Done("A1"))

    receipt("A1", State.UNKNOWN)
    message.refresh_from_db()
    assert message.state == State.UNKNOWN

    receipt("A1")
    message.refresh_from_db()
    assert message.state == State.DELIVERED


def test_a_subscribers_message_repeated_by_the_centre_is_kept_once() -> None:
    written = Incoming(MSISDN, "776", "Баланс\0")

    assert outbox.receive([written, written], centre=CENTRE, now=NOW) == 1
    assert outbox.receive([written], centre=CENTRE, now=NOW + timedelta(seconds=119)) == 0
    assert outbox.receive([written], centre=CENTRE, now=NOW + timedelta(seconds=120)) == 1

    assert (
        list(Inbound.objects.values_list("source", "destination", "text"))
        == [(MSISDN, "776", "Баланс\ufffd")] * 2
    )


def test_a_batch_costs_the_same_few_statements_whatever_its_size(
    django_assert_max_num_queries,
) -> None:
    messages = [queued(str(number)) for number in range(50)]
    with django_assert_max_num_queries(9):
        take(limit=50)
    attempts = [Attempt(m.pk, 1, ((1, Done(f"A{m.pk}")),)) for m in messages]
    with django_assert_max_num_queries(9):
        outbox.settle(attempts, centre=CENTRE, now=NOW)
    receipts = [PartReceipt(f"A{m.pk}", State.DELIVERED) for m in messages]
    with django_assert_max_num_queries(9):
        assert outbox.record_receipts(receipts, centre=CENTRE, now=NOW) == 50
    assert set(Message.objects.values_list("state", flat=True)) == {State.DELIVERED}
