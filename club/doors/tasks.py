"""Upkeep of the jobs themselves."""

from procrastinate import JobContext
from procrastinate.contrib.django import app


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="retry_what_a_dead_worker_left", pass_context=True)
async def retry_what_a_dead_worker_left(context: JobContext, timestamp: int) -> None:
    """A worker that was killed leaves its jobs half done; every job of ours may run twice."""
    for job in await context.app.job_manager.get_stalled_jobs():
        await context.app.job_manager.retry_job(job)
