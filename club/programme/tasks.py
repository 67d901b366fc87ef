"""Jobs of this room: shells round the actions. Each may run twice."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from club.clock import day_of
from club.programme import actions


@app.periodic(cron="20 1 * * *")
@app.task(
    name="programme.expire_inactive", queueing_lock="programme.expire_inactive", pass_context=False
)
def expire_inactive(timestamp: int) -> None:
    """`timestamp` is when it was due, so that a late run does the work of its own day."""
    actions.expire_inactive(day=day_of(datetime.fromtimestamp(timestamp, UTC)))
