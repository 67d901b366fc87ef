from django.db import transaction

from club.languages import CODES
from club.subscribers.models import Subscriber


@transaction.atomic
def choose_language(*, subscriber_id: int, language: str) -> None:
    """The language in which we write to this subscriber from now on; one of languages.CODES."""
    assert language in CODES, "the door lets only languages of the programme through"
    Subscriber.objects.filter(id=subscriber_id).update(language=language)
