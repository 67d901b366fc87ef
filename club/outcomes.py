"""How an outside call can end. Unknown is a state of its own (law 3).

`Done` is proof in hand, `Refused` is proof that nothing happened, `Waiting` is a promise by the
other side that it took the request, `Unknown` is everything else: a time-out after the request
left, a reset, a server error without a body, an answer nobody can read.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value", covariant=True)


@dataclass(frozen=True)
class Done(Generic[Value]):
    value: Value


@dataclass(frozen=True)
class Waiting:
    """Accepted, not finished; ask again with the same request id."""


@dataclass(frozen=True)
class Refused:
    """Nothing happened, and sending the same again would be refused again.

    `is_for_now` marks a refusal that time may cure (connection refused, throttled).
    """

    code: str
    text: str = ""
    is_for_now: bool = False


@dataclass(frozen=True)
class Unknown:
    why: str
