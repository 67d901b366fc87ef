"""What this room needs from outside: a stream of events that somebody else keeps until we have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from club.errors import ClubError


class StreamLost(ClubError):
    """The stream cannot be reached, or not any more; what was not settled will come again."""

    code = "stream_lost"


@dataclass(frozen=True, slots=True)
class Message:
    """An event in our own format, or whatever somebody put there. `number` is the stream's own."""

    octets: bytes
    number: int


class EventStream(Protocol):
    """Every message comes at least once: it is kept out there until it is settled, and comes again to
    whoever asks next when we end or lose the stream before."""

    def receive(self, *, limit: int, wait_s: float) -> Sequence[Message]:
        """Up to `limit` messages; none after `wait_s` without any. Connects where it has to. Raises
        StreamLost."""
        ...

    def settle(self, messages: Sequence[Message], *, dead: Sequence[Message]) -> None:
        """All that `receive` answered is done with; `dead` among it is to be put aside for people. Raises
        StreamLost."""
        ...

    def close(self) -> None:
        """Let go of the stream; `receive` connects anew. Raises nothing."""
        ...
