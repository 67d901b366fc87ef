"""The erasure's job: a shell round an action, safe to run twice."""

from django.utils import timezone
from procrastinate.contrib.django import app

from club.erasure import actions

ACCOUNTS_PER_CHUNK = 100


@app.periodic(cron="45 * * * *")  # after the hour's expiry and the merged accounts' late comers
@app.task(name="erasure.forfeit_what_came_later", queueing_lock="erasure.forfeit_what_came_later")
def forfeit_what_came_later(timestamp: int) -> None:
    """`timestamp` is the moment it was made for; what is there now is forfeited now."""
    del timestamp
    while actions.forfeit_what_came_later(now=timezone.now(), limit=ACCOUNTS_PER_CHUNK):
        pass
