"""Our own format of an event: one JSON object, the same by HTTP, in a file and from a broker.

`docs/events.md` is for whoever writes it. Strict about what it names, open for what it does not: a
field that nobody here knows is kept among the details.
"""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from club.accrual.inbox import Incoming
from club.accrual.rules.event_types import CANCELLATION, PAYMENT, cancellation_of
from club.errors import ClubError

EVENT_BYTES_MAX = 16 * 1024
FAULTS_MAX = 5


class UnreadableEvent(ClubError):
    """It is no event in our format; the message says where and why."""

    code = "unreadable"


class _Event(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    source: str
    type: str
    id: str
    occurred_at: AwareDatetime
    msisdn: str = ""
    amount_tiyin: int = 0
    channel: str = ""
    version: Annotated[int, Field(ge=1, le=1_000)] | None = None
    cancels: str = PAYMENT
    """Of a cancellation: the type of the event that is cancelled."""
    details: dict[str, JsonValue] = Field(default_factory=dict)


def read(octets: bytes, *, line: int | None = None) -> Incoming:
    """The event that this JSON object tells. `line` says where it stood. Raises UnreadableEvent."""
    if len(octets) > EVENT_BYTES_MAX:
        raise UnreadableEvent(f"an event has at most {EVENT_BYTES_MAX:,} bytes")
    try:
        event = _Event.model_validate_json(octets)
    except ValidationError as error:
        raise UnreadableEvent(_told(error)) from error
    return Incoming(
        source=event.source,
        kind=cancellation_of(event.cancels) if event.type == CANCELLATION else event.type,
        external_id=event.id,
        msisdn=event.msisdn,
        occurred_at=event.occurred_at,
        amount_tiyin=event.amount_tiyin,
        channel=event.channel,
        details=_details(event),
        line=line,
        raw=octets.decode(errors="replace"),
    )


def _details(event: _Event) -> dict[str, object]:
    """What the sender wrote there, the version, and whatever stood beside what we know."""
    details: dict[str, object] = {**(event.model_extra or {}), **event.details}
    if event.version is not None:
        details["version"] = event.version
    return details


def _told(error: ValidationError) -> str:
    """
    >>> try:
    ...     read(b'{"source": "billing", "type": "charge", "id": 7}')
    ... except UnreadableEvent as error:
    ...     print(error)
    id: Input should be a valid string; occurred_at: Field required
    """
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(
        f"{'.'.join(map(str, one['loc']))}: {one['msg']}" if one["loc"] else one["msg"]
        for one in faults[:FAULTS_MAX]
    )
