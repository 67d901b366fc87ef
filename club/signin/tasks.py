from django.utils import timezone
from procrastinate.contrib.django import app

from club.signin import actions

ROWS_MAX = 10_000


@app.periodic(cron="*/10 * * * *", periodic_id="signin.forget_old")
@app.task(name="signin.forget_old", queueing_lock="signin.forget_old", pass_context=False)
def forget_old(timestamp: int) -> None:
    """Codes, counts and tokens that decide nothing any more; a backlog is worked off in turns."""
    actions.forget_old(now=timezone.now(), rows_max=ROWS_MAX)
