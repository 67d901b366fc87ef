"""Jobs of this room: shells round the actions. Each may run twice."""

from django.utils import timezone
from procrastinate.contrib.django import app

from club.engagement import levels


@app.periodic(cron="0 6 * * *")
@app.task(
    name="engagement.tell_who_falls", queueing_lock="engagement.tell_who_falls", pass_context=False
)
def tell_who_falls(timestamp: int) -> None:
    """At 11:00 in Tashkent, when people read their messages."""
    levels.tell_who_falls(now=timezone.now())
