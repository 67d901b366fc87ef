from django.db import models

from club.languages import LANGUAGES, UZBEK


class Status(models.TextChoices):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Subscriber(models.Model):
    """One SIM's owner in the programme. `id` is the distribution key of the whole money path."""

    id = models.BigAutoField(primary_key=True)
    msisdn = models.CharField(max_length=12)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    tariff = models.CharField(max_length=40, default="")
    region = models.CharField(max_length=10, default="")
    language = models.CharField(max_length=8, choices=LANGUAGES, default=UZBEK)
    birth_date = models.DateField(null=True)
    joined_at = models.DateTimeField()

    class Meta:
        permissions = [
            ("view_msisdn", "Can see whole numbers"),
            ("erase_subscriber", "Can erase a person"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["msisdn"], name="one_subscriber_per_msisdn"),
            models.CheckConstraint(
                condition=models.Q(msisdn__regex=r"^998[0-9]{9}$"), name="msisdn_is_international"
            ),
        ]


class Erasure(models.Model):
    """This id stood for somebody who was erased: all that is left of them here."""

    subscriber_id = models.BigIntegerField(primary_key=True)
    erased_at = models.DateTimeField()
