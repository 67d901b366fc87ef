"""What levels need from a room above: what happened, for schemes that do not count points."""

from typing import Protocol


class Happenings(Protocol):
    """What subscribers paid and did, as the room that decides about events knows it.

    A relation instead of rows, because a run over all subscribers is one statement.
    """

    def relation(self) -> str:
        """A select of (subscriber_id, day, amount, event_type): tiyin, by day in Tashkent, without what
        was cancelled. It may skip whatever happened before `%(first)s`, a date."""
        ...
