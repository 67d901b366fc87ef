"""The contract with the operator's message centre, as the settings tell it."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from club.integrations.smsc.pdu import Command, ShortMessage
from club.integrations.smsc.session import Link
from club.integrations.smsc.text import Piece

VALIDITY_DAYS_MAX: Final = 30


@dataclass(frozen=True)
class Contract:
    """`links` holds one transceiver, or a transmitter and a receiver in this order."""

    centre: str
    links: tuple[Link, ...]
    sender: str
    sender_ton: int = 5
    sender_npi: int = 0
    destination_ton: int = 1
    destination_npi: int = 1
    answer_id: str = "text"
    receipt_id: str = "text"

    def submit(self, msisdn: str, piece: Piece, *, lifetime: timedelta) -> ShortMessage:
        """One part for one number; the centre forgets it when its lifetime is over."""
        return ShortMessage(
            source_ton=self.sender_ton,
            source_npi=self.sender_npi,
            source=self.sender,
            destination_ton=self.destination_ton,
            destination_npi=self.destination_npi,
            destination=msisdn,
            esm_class=piece.esm_class,
            validity_period=relative_time(lifetime),
            registered_delivery=1,
            data_coding=piece.data_coding,
            octets=piece.octets,
        )


def contract() -> Contract:
    link = Link(
        host=settings.SMSC_HOST,
        port=settings.SMSC_PORT,
        system_id=settings.SMSC_SYSTEM_ID,
        password=settings.SMSC_PASSWORD,
        system_type=settings.SMSC_SYSTEM_TYPE,
        window=settings.SMSC_WINDOW,
        rate_per_s=settings.SMSC_RATE_PER_S,
        answer_timeout_s=settings.SMSC_ANSWER_TIMEOUT_S,
        enquire_s=settings.SMSC_ENQUIRE_S,
        later=frozenset(int(status, 0) for status in settings.SMSC_LATER.split(",") if status),
    )
    return Contract(
        centre=f"{settings.SMSC_SYSTEM_ID}@{settings.SMSC_HOST}"[:60],
        links=_links(link, settings.SMSC_BIND),
        sender=settings.SMSC_SENDER,
        sender_ton=settings.SMSC_SENDER_TON,
        sender_npi=settings.SMSC_SENDER_NPI,
        destination_ton=settings.SMSC_DESTINATION_TON,
        destination_npi=settings.SMSC_DESTINATION_NPI,
        answer_id=settings.SMSC_ANSWER_ID,
        receipt_id=settings.SMSC_RECEIPT_ID,
    )


def _links(link: Link, bind: str) -> tuple[Link, ...]:
    if bind == "transceiver":
        return (link,)
    if bind == "pair":
        receiver = replace(link, bind=Command.BIND_RECEIVER)
        return (replace(link, bind=Command.BIND_TRANSMITTER), receiver)
    raise ImproperlyConfigured(f"CLUB_SMSC_BIND is {bind!r}, not transceiver or pair")


def relative_time(lifetime: timedelta) -> str:
    """A validity_period counted from now, rounded up to whole seconds and at most 30 days.

    >>> relative_time(timedelta(minutes=3)), relative_time(timedelta(days=1, seconds=0.5))
    ('000000000300000R', '000001000001000R')
    """
    seconds = min(-(-lifetime // timedelta(seconds=1)), VALIDITY_DAYS_MAX * 86_400)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    day, hour = divmod(hours, 24)
    return f"0000{day:02}{hour:02}{minute:02}{second:02}000R"
