"""Buying a reward: hold, send, then capture or release, or stay unknown until somebody knows.

Locks are taken in one order everywhere: the order's row, then the account inside the ledger.
Every action may run twice, also at once: the state under the row's lock decides.
"""

import logging
from datetime import datetime, timedelta
from typing import assert_never, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from club.catalogue import queries as catalogue
from club.clock import day_of
from club.languages import in_language
from club.ledger import actions as ledger
from club.ledger.rules import fingerprint_of
from club.messages import actions as messages
from club.orders import queries, rules, tasks
from club.orders.errors import BadKey, KeyReused, PriceChanged
from club.orders.models import OPEN, Order, State
from club.orders.ports import Outcome, Provisioning
from club.outcomes import Done, Refused, Unknown, Waiting
from club.ports import bound
from club.subscribers.models import Subscriber
from club.tiers import queries as tiers
from club.tiers.errors import LevelTooLow

ASKABLE = (State.WAITING, State.UNKNOWN)
SWEPT_ORDERS_MAX = 500

log = logging.getLogger(__name__)


# ---- placing ---------------------------------------------------------------------------------


@transaction.atomic
def place(
    *, subscriber_id: int, reward_code: str, key: str, price_points: int | None, now: datetime
) -> Order:
    """Hold the price of one reward and ask for its delivery.

    `key` is the client's idempotency key, of the subscriber: the same key returns the first order,
    even when the reward is no longer on sale. `price_points` is the price that the client showed.
    A refusal leaves nothing behind, so the same key may be tried again.
    Raises BadKey, KeyReused (the key came with another order), RewardUnavailable, LevelTooLow,
    PriceChanged and the ledger's NotEnoughPoints.
    """
    if not 1 <= len(key) <= rules.KEY_CHARACTERS_MAX:
        raise BadKey(
            "an idempotency key has 1 to 80 characters", characters_max=rules.KEY_CHARACTERS_MAX
        )
    if earlier := queries.by_key(subscriber_id=subscriber_id, key=key):
        return _the_same_request(earlier, reward_code=reward_code, price_points=price_points)

    reward = catalogue.reward_on_sale(code=reward_code, now=now)
    privileges = tiers.privileges(subscriber_id=subscriber_id)
    if reward.level_min and not privileges.reach(reward.level_min):
        raise LevelTooLow(
            f"this reward is from level {reward.level_min_id} on", level=reward.level_min.names
        )
    price_now = privileges.price_points(reward.price_points)
    if price_points not in (None, price_now):
        raise PriceChanged(
            "the price has changed; confirm the new one",
            price_points=price_now,
            shown_points=price_points,
        )
    # Between the look above and here the key may have come by another way: the constraint decides.
    order, is_first = Order.objects.get_or_create(
        subscriber_id=subscriber_id,
        key=key,
        defaults={
            "reward": reward,
            "price_points": price_now,
            "placed_at": now,
            "overdue_at": now + rules.JOB_SLACK,
        },
    )
    if not is_first:
        return _the_same_request(order, reward_code=reward_code, price_points=price_points)

    ledger.hold(
        subscriber_id=subscriber_id,
        hold_id=order.id,
        day=day_of(now),
        points=order.price_points,
        now=now,
        lifetime=timedelta(hours=settings.ORDER_HOLD_HOURS),
        fingerprint=fingerprint_of(reward.code, order.price_points),
    )
    tasks.provision.defer(order_id=str(order.id), attempt=0)
    return order


def _the_same_request(order: Order, *, reward_code: str, price_points: int | None) -> Order:
    if order.reward.code != reward_code or price_points not in (None, order.price_points):
        raise KeyReused("this idempotency key belongs to another order", order_id=str(order.id))
    return order


# ---- sending and asking ----------------------------------------------------------------------


def provision(*, order_id: UUID, now: datetime, attempt: int | None = None) -> None:
    """Send the order once, and settle it by the answer. Does nothing unless it is placed.

    A job says for which `attempt` it was made, so that a doubled job does not use up the next one.
    """
    order = _begin_sending(order_id=order_id, attempt=attempt, now=now)
    if order is None:
        return
    msisdn = Subscriber.objects.values_list("msisdn", flat=True).get(id=order.subscriber_id)
    # Outside of any transaction: no lock waits for somebody else's machine, and after a crash
    # from here on the order is found as "sending", which means unknown.
    outcome = _provisioning().submit(
        service_code=order.reward.service_code, msisdn=msisdn, request_id=str(order.id)
    )
    settle(order_id=order_id, outcome=outcome, now=now)


def check(*, order_id: UUID, now: datetime, question: int | None = None) -> None:
    """Ask what became of an order that was sent, and settle it by what that proves.

    A job says for which `question` it was made, so that doubled jobs do not double themselves.
    """
    order = Order.objects.get(id=order_id)
    number = order.checks if question is None else question
    is_ours = Order.objects.filter(id=order_id, state__in=ASKABLE, checks=number).update(
        checks=F("checks") + 1, overdue_at=now + rules.SENDING_MAX
    )
    if not is_ours:
        return
    assert order.sent_at is not None, "an order that can be asked about was sent"
    answer = _provisioning().status(request_id=str(order_id))
    outcome = rules.proved(
        answer, is_accepted=order.state == State.WAITING, sent_for=now - order.sent_at
    )
    settle(order_id=order_id, outcome=outcome, now=now)


@transaction.atomic
def sweep(*, now: datetime, limit: int = SWEPT_ORDERS_MAX) -> int:
    """Take up orders whose next step no job has taken, and answer how many.

    An order still "sending" lost its worker between the call and the answer: it becomes unknown.
    """
    overdue = (
        Order.objects.select_for_update(skip_locked=True)
        .filter(state__in=OPEN, overdue_at__lte=now)
        .order_by("overdue_at", "id")[:limit]
    )
    for order in overdue:
        if order.state == State.SENDING:
            order.state, order.outcome_text = State.UNKNOWN, "the worker died while sending"
        order.overdue_at = now + rules.SENDING_MAX
        order.save(update_fields=["state", "outcome_text", "overdue_at"])
        if order.state == State.PLACED:
            tasks.provision.defer(order_id=str(order.id), attempt=order.attempts)
        else:
            tasks.check.defer(order_id=str(order.id), question=order.checks)
    return len(overdue)


@transaction.atomic(durable=True)
def _begin_sending(*, order_id: UUID, attempt: int | None, now: datetime) -> Order | None:
    """Commit that it is about to be sent, before the socket is touched. None: not to be sent."""
    order = _locked(order_id)
    if order.state != State.PLACED or attempt not in (None, order.attempts):
        return None
    # From here on nobody may know for long whether it was delivered: no sweep takes the points.
    if not ledger.pin_hold(subscriber_id=order.subscriber_id, hold_id=order.id):
        # It lay so long that its hold ended: the points are back, so nothing may be delivered.
        _refuse(order, Refused("hold_expired", "it was not sent in time"), now=now)
        return None
    order.state = State.SENDING
    order.attempts += 1
    order.sent_at = now
    order.overdue_at = now + rules.SENDING_MAX
    order.save(update_fields=["state", "attempts", "sent_at", "overdue_at"])
    return order


def _provisioning() -> Provisioning:
    return cast(Provisioning, bound("provisioning"))


# ---- settling --------------------------------------------------------------------------------


@transaction.atomic(durable=True)
def settle(*, order_id: UUID, outcome: Outcome, now: datetime) -> Order:
    """Bring the order and the books to what an outcome proves. A settled order stays as it is."""
    order = _locked(order_id)
    if order.state not in OPEN:
        if isinstance(outcome, Done) and order.state == State.REFUSED:
            log.error("order %s was refused and its points released, yet it is done", order.id)
        return order
    match outcome:
        case Done():
            _deliver(order, outcome, now=now)
        case Waiting():
            order.state = State.WAITING
            _ask_later(order, now=now)
        case Unknown():
            # Accepted stays accepted: that the other side cannot be asked takes nothing back.
            if order.state != State.WAITING:
                order.state = State.UNKNOWN
            order.outcome_text = outcome.why[:300]
            _ask_later(order, now=now)
        case Refused(is_for_now=True):
            _send_later(order, outcome, now=now)
        case Refused():
            _refuse(order, outcome, now=now)
        case _:
            assert_never(outcome)
    return order


def _locked(order_id: UUID) -> Order:
    return Order.objects.select_for_update(of=("self",)).select_related("reward").get(id=order_id)


def _deliver(order: Order, outcome: Done[str], *, now: datetime) -> None:
    ledger.capture(subscriber_id=order.subscriber_id, hold_id=order.id, day=day_of(now))
    _close(order, State.DONE, code="", text=outcome.value, now=now)


def _refuse(order: Order, outcome: Refused, *, now: datetime) -> None:
    ledger.release(
        subscriber_id=order.subscriber_id,
        hold_id=order.id,
        day=day_of(now),
        grace_until=day_of(now + rules.GRACE),
    )
    _close(order, State.REFUSED, code=outcome.code, text=outcome.text, now=now)


def _close(order: Order, state: State, *, code: str, text: str, now: datetime) -> None:
    order.state, order.settled_at, order.overdue_at = state, now, None
    order.outcome_code, order.outcome_text = code[:60], text[:300]
    order.save(update_fields=["state", "settled_at", "overdue_at", "outcome_code", "outcome_text"])
    subscriber = Subscriber.objects.get(id=order.subscriber_id)
    messages.queue(
        f"order_{state.value}",
        msisdn=subscriber.msisdn,
        language=subscriber.language,
        values={
            "reward": in_language(order.reward.names, subscriber.language),
            "points": order.price_points,
        },
        dedupe_key=f"order:{order.id}:{state.value}",
        now=now,
        subscriber_id=subscriber.id,
    )


def _send_later(order: Order, outcome: Refused, *, now: datetime) -> None:
    """Not a byte left, so another attempt is safe; after the last one it is refused for good."""
    pause = rules.retry_after(attempts=order.attempts)
    if pause is None:
        _refuse(order, outcome, now=now)
        return
    ledger.unpin_hold(
        subscriber_id=order.subscriber_id,
        hold_id=order.id,
        until=now + timedelta(hours=settings.ORDER_HOLD_HOURS),
    )
    order.state, order.overdue_at = State.PLACED, now + pause + rules.JOB_SLACK
    order.outcome_code, order.outcome_text = outcome.code[:60], outcome.text[:300]
    order.save(update_fields=["state", "overdue_at", "outcome_code", "outcome_text"])
    tasks.provision.configure(schedule_at=now + pause).defer(
        order_id=str(order.id), attempt=order.attempts
    )


def _ask_later(order: Order, *, now: datetime) -> None:
    """Never sent again: ask what became of it. The points stay held until somebody knows: their
    hold was pinned before it was sent."""
    assert order.sent_at is not None, "nothing is asked about an order that was never sent"
    pause = rules.ask_after(
        is_accepted=order.state == State.WAITING,
        checks=order.checks,
        sent_for=now - order.sent_at,
    )
    order.overdue_at = now + pause + rules.JOB_SLACK
    order.save(update_fields=["state", "overdue_at", "outcome_text"])
    tasks.check.configure(schedule_at=now + pause).defer(
        order_id=str(order.id), question=order.checks
    )
