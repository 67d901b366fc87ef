"""Campaigns as their subscriber reads them: what each gives in one plain sentence, from when to when, and
its terms. The API shows these and decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import translation

from club.accrual import offers
from club.clock import day_of
from club.errors import ClubError
from club.programme import queries as programmes
from club.reports.offer_words import asked, sentence
from club.reports.why import telling
from club.reports.why.reader import Reader
from club.subscribers.models import Subscriber

LEGAL_START_CHARS = 280
"""Of the terms, as much as a list shows."""
LEGAL_CHARS_MAX = 20_000


class NoSuchOffer(ClubError):
    """No campaign of this code is in force for the subscriber."""

    code = "not_found"


@dataclass(frozen=True, slots=True)
class Given:
    """What one rule of a campaign gives, under the name that its lines of the history have."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class ToldCampaign:
    """`gives` is the sentence to show; `offers` are all of its sentences. `legal` is as much of the terms
    as was asked for, the whole where `legal_is_whole`; empty where there are none."""

    key: str
    name: str
    gives: str
    offers: Sequence[Given]
    valid_from: datetime | None
    valid_to: datetime | None
    legal: str
    legal_is_whole: bool


def in_force(*, subscriber_id: int, language: str, now: datetime) -> list[ToldCampaign]:
    """The campaigns in force for the subscriber, with the beginnings of their terms. Eight queries at
    most, however many there are."""
    return _told(subscriber_id, language, now, legal_chars=LEGAL_START_CHARS)


def one(*, subscriber_id: int, key: str, language: str, now: datetime) -> ToldCampaign:
    """A campaign in force for the subscriber, with all of its terms. Raises NoSuchOffer."""
    found = _told(subscriber_id, language, now, legal_chars=LEGAL_CHARS_MAX, key=key)
    if not found:
        raise NoSuchOffer("no such campaign is in force for the subscriber")
    return found[0]


def _told(
    subscriber_id: int, language: str, now: datetime, *, legal_chars: int, key: str | None = None
) -> list[ToldCampaign]:
    subscriber = Subscriber.objects.filter(id=subscriber_id).first()
    if subscriber is None:
        return []
    found = offers.offers(
        subscriber=subscriber,
        base_tier=programmes.current().base_tier,
        language=language,
        now=now,
        legal_chars=legal_chars,
        code=key,
    )
    reader = telling.reader(subscriber, language=language, today=day_of(now))
    with translation.override(language):
        return [_campaign(offer, reader) for offer in found]


def _campaign(offer: offers.Offer, reader: Reader) -> ToldCampaign:
    """What goes first by its priority is told first, and of equals what asks the least."""
    rules = sorted(offer.rules, key=lambda one: (-one.rule.priority, asked(one.canonical, reader)))
    given = [Given(reader.text(one.names), sentence(one.canonical, reader)) for one in rules]
    return ToldCampaign(
        key=offer.code,
        name=reader.text(offer.names),
        gives=given[0].text,
        offers=given,
        valid_from=offer.since,
        valid_to=offer.until,
        legal=offer.legal,
        legal_is_whole=offer.is_whole,
    )
