"""Jobs of this room: shells round the actions. Each may run twice."""

from django.utils import timezone
from procrastinate.contrib.django import app

from club.tiers import actions


@app.task(name="tiers.reconsider", pass_context=False)
def reconsider(subscriber_ids: str) -> None:
    """After a batch was decided: whoever reached a level rises at once. Numbers with commas between."""
    actions.reconsider(
        subscriber_ids=[int(one) for one in subscriber_ids.split(",")], now=timezone.now()
    )


@app.periodic(cron="20 19 * * *")
@app.task(name="tiers.recompute", queueing_lock="tiers.recompute", pass_context=False)
def recompute(timestamp: int) -> None:
    """At 00:20 in Tashkent: reviews that fall due today, and whatever no batch has told."""
    now = timezone.now()
    actions.recompute(now=now)
    actions.note_forecast(now=now)
