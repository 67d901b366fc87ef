"""Jobs of this room: shells round the actions. Each may run twice."""

from django.utils import timezone
from procrastinate.contrib.django import app

from club.accrual import actions, inbox, kept, notices, own_events, paces, segments
from club.accrual.clawback import proposing as clawbacks
from club.accrual.clawback import working

BATCH_EVENTS = 2_000
# Some seconds: a register of a million lines must not keep the worker from orders and messages.
BATCHES_PER_JOB_MAX = 5
ADOPTIONS_PER_JOB_MAX = 50


@app.task(name="accrual.decide", queueing_lock="accrual.decide")
def decide() -> None:
    for _ in range(BATCHES_PER_JOB_MAX):
        if not actions.decide_batch(now=timezone.now(), limit=BATCH_EVENTS).taken:
            return
    inbox.ask_for_decisions()


@app.periodic(cron="* * * * *")
@app.task(name="accrual.adopt_waiting", queueing_lock="accrual.adopt_waiting")
def adopt_waiting(timestamp: int) -> None:
    """Each minute: whoever waited and can go on, and what a decision job may have just missed."""
    for _ in range(ADOPTIONS_PER_JOB_MAX):
        if not actions.adopt_waiting(now=timezone.now(), limit=BATCH_EVENTS):
            break
    inbox.ask_for_decisions()


@app.task(name="accrual.tell")
def tell(event_ids: list[int]) -> None:
    notices.tell(event_ids=event_ids, now=timezone.now())


@app.periodic(cron="40 21 * * *")
@app.task(name="accrual.forget_counters", queueing_lock="accrual.forget_counters")
def forget_counters(timestamp: int) -> None:
    """At 02:40 in Tashkent: the counters of limits whose periods are long over."""
    while actions.forget_counters(now=timezone.now()):
        pass


@app.periodic(cron="0 4 * * *")
@app.task(name="accrual.make_events", queueing_lock="accrual.make_events")
def make_events(timestamp: int) -> None:
    """At 09:00 in Tashkent: birthdays and anniversaries, of the days when nobody made them, too."""
    own_events.make_birthdays(now=timezone.now())
    own_events.make_tenure(now=timezone.now())


@app.periodic(cron="35 * * * *")
@app.task(name="accrual.adopt_kept", queueing_lock="accrual.adopt_kept")
def adopt_kept(timestamp: int) -> None:
    """Each hour: events of types that a release has declared since they came."""
    for _ in range(ADOPTIONS_PER_JOB_MAX):
        if not kept.adopt(now=timezone.now(), limit=BATCH_EVENTS):
            break


@app.periodic(cron="20 * * * *")
@app.task(name="accrual.note_hours", queueing_lock="accrual.note_hours")
def note_hours(timestamp: int) -> None:
    """Each hour: what rules granted in the one before, for the forecast of budgets."""
    paces.note_hours(now=timezone.now())


@app.periodic(cron="50 21 * * *")
@app.task(name="accrual.sweep_lists", queueing_lock="accrual.sweep_lists")
def sweep_lists(timestamp: int) -> None:
    """At 02:50 in Tashkent: lists that were refused, with whoever is on them."""
    segments.sweep()


SLICES_PER_JOB_MAX = 10


@app.task(name="accrual.claw_back")
def claw_back(clawback_id: int) -> None:
    """Some slices of a clawback, or of giving it back; then a new job, so that others have their turn."""
    for _ in range(SLICES_PER_JOB_MAX):
        if not working.work(clawback_id=clawback_id, now=timezone.now()):
            return
    clawbacks.ask_for_work(clawback_id)
