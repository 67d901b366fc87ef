"""Levels and what counted for them stay under the subscriber_id, which stands for nobody after an erasure;
what staff gave goes, because its reason is in a person's words."""

from club.tiers.models import GivenLevel


def erase_subscriber(*, subscriber_id: int) -> None:
    GivenLevel.objects.filter(subscriber_id=subscriber_id).delete()
