"""Levels and what counted for them stay under the subscriber_id, which stands for nobody after an erasure;
what staff gave goes, because its reason is in a person's words."""

from club.access import erasure as access
from club.tiers import giving
from club.tiers.models import GivenLevel, Scheme


def erase_subscriber(*, subscriber_id: int) -> None:
    GivenLevel.objects.filter(subscriber_id=subscriber_id).delete()
    codes = Scheme.objects.values_list("code", flat=True)
    access.erase_asked(
        kind=giving.KIND,
        subject_ids=[giving.subject_of(scheme=code, subscriber_id=subscriber_id) for code in codes],
    )
