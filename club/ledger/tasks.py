"""The ledger's jobs: shells round an action, safe to run twice. Procrastinate tells each when it
was due, so that a late run does the work of its own day."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from club.clock import day_of
from club.ledger import actions
from club.ledger.seals import sealing

SUBSCRIBERS_PER_CHUNK = 2_000  # One transaction each: a lock of a second at most.
HOLDS_PER_CHUNK = 500
SUCCESSORS_PER_CHUNK = 500
MONTHS_AHEAD = 13
DAYS_PER_RUN_MAX = 400


@app.periodic(cron="5 * * * *")  # Each hour, so soon after midnight whatever the server's zone.
@app.task(name="ledger.expire_due", queueing_lock="ledger.expire_due", pass_context=False)
def expire_due(timestamp: int) -> None:
    day = day_of(_at(timestamp))
    actions.walk(
        lambda after: actions.expire_due(day=day, limit=SUBSCRIBERS_PER_CHUNK, after=after)
    )


@app.periodic(cron="* * * * *")
@app.task(
    name="ledger.release_expired_holds",
    queueing_lock="ledger.release_expired_holds",
    pass_context=False,
)
def release_expired_holds(timestamp: int) -> None:
    now = _at(timestamp)
    while actions.release_expired_holds(now=now, day=day_of(now), limit=HOLDS_PER_CHUNK):
        pass


@app.periodic(cron="* * * * *")
@app.task(name="ledger.keep_promises", queueing_lock="ledger.keep_promises", pass_context=False)
def keep_promises(timestamp: int) -> None:
    now = _at(timestamp)
    while actions.keep_promises(now=now, limit=SUBSCRIBERS_PER_CHUNK):
        pass


@app.periodic(cron="20 * * * *")
@app.task(
    name="ledger.follow_successors", queueing_lock="ledger.follow_successors", pass_context=False
)
def follow_successors(timestamp: int) -> None:
    day = day_of(_at(timestamp))
    while actions.follow_successors(day=day, limit=SUCCESSORS_PER_CHUNK):
        pass


@app.periodic(
    cron="10 * * * *"
)  # Each hour: a day is over at 19:00 UTC, or when its last work ends.
@app.task(name="ledger.count_days", queueing_lock="ledger.count_days", pass_context=False)
def count_days(timestamp: int) -> None:
    for _ in range(DAYS_PER_RUN_MAX):
        if not actions.count_day():
            return


@app.periodic(cron="30 0 * * *")
@app.task(name="ledger.make_months", queueing_lock="ledger.make_months", pass_context=False)
def make_months(timestamp: int) -> None:
    actions.make_months(first=day_of(_at(timestamp)), months=MONTHS_AHEAD + 1)


@app.periodic(cron="15 * * * *")  # Each hour: a transaction that is still open delays a seal.
@app.task(
    name="ledger.seal_closed_days",
    queueing_lock="ledger.seal_closed_days",
    lock="ledger.seals",
    pass_context=False,
)
def seal_closed_days(timestamp: int) -> None:
    sealing.seal_closed_days()


@app.periodic(cron="25 22 * * *")  # 03:25 in Tashkent.
@app.task(
    name="ledger.prove_what_is_new",
    queueing_lock="ledger.prove_what_is_new",
    lock="ledger.seals",
    pass_context=False,
)
def prove_what_is_new(timestamp: int) -> None:
    actions.prove_what_is_new()


def _at(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
