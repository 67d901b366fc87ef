"""What the inbox knows of an agent's payment."""

from dataclasses import dataclass
from datetime import datetime

from club.accrual.models import Event, Kind

SOURCE = "espp"


@dataclass(frozen=True)
class Payment:
    """`number` is ours; `espp_id` the one under which it was accepted first."""

    number: int
    external_id: str
    espp_id: str
    msisdn: str
    amount_tiyin: int
    accepted_at: datetime
    is_cancelled: bool


def external_id(agent: str, payment_id: str) -> str:
    """Two agents may count their payments alike: an id is one agent's."""
    return f"{agent}:{payment_id}"


def details(agent: str, espp_id: str, terminal: str) -> dict[str, object]:
    """What is kept with the event beside its essentials, alike from the feed and the register."""
    return {"agent": agent, "document": espp_id, "terminal": terminal}


def payment(*, external_id: str, kind: str = Kind.PAYMENT) -> Payment | None:
    """The payment, or with another `kind` its cancellation, by the id it has in the inbox."""
    event = Event.objects.filter(source=SOURCE, external_id=external_id, kind=kind).first()
    return _payment(event) if event else None


def payment_of_document(*, agent: str, espp_id: str) -> Payment | None:
    """One of this agent's payments by the ESPP id, the oldest if an agent used one twice."""
    events = Event.objects.filter(
        details__document=espp_id, details__agent=agent, source=SOURCE, kind=Kind.PAYMENT
    )
    event = events.order_by("id").first()
    return _payment(event) if event else None


def _payment(event: Event) -> Payment:
    return Payment(
        number=event.pk,
        external_id=event.external_id,
        espp_id=event.details.get("document", ""),
        msisdn=event.msisdn,
        amount_tiyin=event.amount_tiyin,
        accepted_at=event.received_at,
        is_cancelled=Event.objects.filter(
            source=SOURCE, kind=Kind.CANCELLATION, external_id=event.external_id
        ).exists(),
    )
