from django.utils import timezone
from procrastinate.contrib.django import app

from club.tiers import actions


@app.task(name="tiers.reconsider", pass_context=False)
def reconsider(subscriber_ids: list[int]) -> None:
    """After a batch was posted: whoever earned enough rises at once."""
    actions.reconsider(subscriber_ids=subscriber_ids, now=timezone.now())
