"""Past events as files, and drafts that were put to them."""

from django.db import models

from club.access.models import Staff


class Export(models.Model):
    """One row: until which moment of deciding the events are exported. Whoever exports locks it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    until = models.DateTimeField(null=True)


class ExportFile(models.Model):
    """A Parquet file that is whole and counts. What else lies in the folder is nobody's."""

    name = models.CharField(max_length=80, primary_key=True)
    month = models.DateField()
    """Of its events, by their own day in Tashkent; cancellations stand in their payment's month."""
    events = models.PositiveBigIntegerField()
    first_us = models.BigIntegerField(null=True)
    last_us = models.BigIntegerField(null=True)
    """When the first and the last of its events occurred, in microseconds since 1970; None: of a file
    with nothing but cancellations."""
    until = models.DateTimeField()
    """The moment of deciding before which everything in it was decided."""

    class Meta:
        indexes = [models.Index(fields=["month"], name="exportfile_month")]


class ExportErased(models.Model):
    """Somebody erased whose events the next tidying takes out of the files."""

    subscriber_id = models.BigIntegerField(primary_key=True)


class Simulation(models.Model):
    """A campaign's document put to past events, beside what was in force for them."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    digest = models.CharField(max_length=64)
    """Of the document, as a proposal of it is named."""
    code = models.SlugField(max_length=60)
    document = models.JSONField()
    first_day = models.DateField()
    last_day = models.DateField()
    """Business days in Tashkent, both included."""
    engine = models.CharField(max_length=64)
    """What decided: another release may decide otherwise (club/accrual/simulation/engine.py)."""
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    progress_percent = models.PositiveSmallIntegerField(default=0)
    results = models.JSONField(null=True)
    note = models.CharField(max_length=300, default="")
    """Why it failed."""
    asked_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["digest", "state"], name="simulation_of_document"),
            models.Index(fields=["code", "-asked_at"], name="simulation_of_campaign"),
        ]
