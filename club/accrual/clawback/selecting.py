"""What a clawback would take: the grants of some rule versions, decided in a span, that still stand."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter

from club.access.rules import Json
from club.accrual.clawback.standing import (
    IS_CANCELLED,
    LATEST_COLUMNS,
    Grant,
    Latest,
    latest,
    stands,
)
from club.accrual.errors import EmptySpan, NoSuchCampaign, NoSuchVersion, TooMuchToTake
from club.accrual.models import Campaign, RuleVersion
from club.accrual.rows import streamed
from club.accrual.taking import Stand
from club.arrays import literal
from club.clock import day_of
from club.ledger import queries as ledger
from club.ledger.rules import Source

DECISIONS_MAX = 1_000_000  # Some minutes to look through; more is no slip but another programme.
LINES_A_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Grants of these versions (hashes) of one campaign's rules, decided since ≤ at < until."""

    campaign: str
    versions: tuple[str, ...]
    since: datetime
    until: datetime

    def document(self) -> Json:
        return {
            "campaign": self.campaign,
            "versions": list(self.versions),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
        }


def selection_in(document: Json) -> Selection:
    """The selection that wrote this document."""
    versions = document["versions"]
    assert isinstance(versions, list)
    return Selection(
        campaign=str(document["campaign"]),
        versions=tuple(versions),
        since=datetime.fromisoformat(str(document["since"])),
        until=datetime.fromisoformat(str(document["until"])),
    )


def select(
    *,
    campaign: str,
    rule_id: str | None = None,
    versions: Sequence[str] = (),
    since: datetime,
    until: datetime,
) -> Selection:
    """All versions of the campaign, or of one of its rules, or those that begin with these hashes.

    Raises NoSuchCampaign, NoSuchVersion, EmptySpan.
    """
    if until <= since:
        raise EmptySpan("the span ends before it begins: give --until after --since")
    if not Campaign.objects.filter(code=campaign).exists():
        raise NoSuchCampaign(f"there is no campaign {campaign}", campaign=campaign)
    of_campaign = RuleVersion.objects.filter(campaign=campaign)
    if rule_id is not None:
        of_campaign = of_campaign.filter(rule_id=rule_id)
    known = sorted(of_campaign.values_list("hash", flat=True))
    found = {_the_one(prefix, known, campaign) for prefix in versions} if versions else {*known}
    if not found:
        raise NoSuchVersion(
            f"the campaign {campaign} never had a rule {rule_id}",
            campaign=campaign,
            version=rule_id,
        )
    return Selection(campaign, tuple(sorted(found)), since, until)


def _the_one(prefix: str, known: Sequence[str], campaign: str) -> str:
    found = [one for one in known if one.startswith(prefix)]
    if len(found) != 1:
        raise NoSuchVersion(
            f"{len(found)} versions of the campaign {campaign} begin with {prefix}: name one of "
            + ", ".join(one[:12] for one in known[:10]),
            campaign=campaign,
            version=prefix,
        )
    return found[0]


@dataclass(frozen=True, slots=True)
class Line:
    """A grant that stands. `left_points` is what of it nobody has reversed yet; `lots` is where those
    were credited. A promise has credited nothing yet: `fund` is who will pay it."""

    subscriber_id: int
    event_id: int
    rule_id: str
    rule_hash: str
    decided_at: datetime
    granted_points: int
    left_points: int
    is_promise: bool
    lots: tuple[ledger.Lot, ...]
    fund: int

    def by_purse(self) -> dict[int, int]:
        """Its left points by the ledger's number of who pays."""
        if self.is_promise:
            return {self.fund: self.left_points}
        found: dict[int, int] = {}
        for lot in self.lots:
            found[lot.fund] = found.get(lot.fund, 0) + lot.points
        return found


def lines(selection: Selection, *, on: date) -> Iterator[Line]:
    """Every grant that stands on a day, by subscribers; in a transaction, whose moment it shows.

    Raises TooMuchToTake.
    """
    found = streamed(
        f"""
        select d.subscriber_id, d.event_id, d.rule_id, d.rule_hash, d.decided_at, d.granted,
               d.promised_at is not null, e.occurred_at, {LATEST_COLUMNS}
          from accrual_decision d
          join accrual_event e on e.id = d.event_id
          join subscribers_subscriber s on s.id = d.subscriber_id  -- not erased
          {latest()}
         where d.rule_hash = any(%(versions)b::text[]) and d.granted > 0
           and d.decided_at >= %(since)b and d.decided_at < %(until)b
           and (latest.state is null or latest.state = 'restored')
           and not {IS_CANCELLED}
         order by d.subscriber_id, d.event_id, d.rule_id
        """,  # noqa: S608  of our own pieces
        versions=literal(selection.versions),
        since=selection.since,
        until=selection.until,
    )
    count = 0
    for chunk in _chunks(found):
        for line in _lines(chunk, on):
            count += 1
            if count > DECISIONS_MAX:
                raise TooMuchToTake(
                    f"these are more than {DECISIONS_MAX:,} decisions: narrow the span",
                    decisions_max=DECISIONS_MAX,
                )
            yield line


def _chunks(found: Iterable[tuple]) -> Iterator[list[tuple]]:  # type: ignore[type-arg]  # as selected
    chunk: list[tuple] = []  # type: ignore[type-arg]
    for row in found:
        chunk.append(row)
        if len(chunk) == LINES_A_CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _lines(chunk: Sequence[tuple], on: date) -> Iterator[Line]:  # type: ignore[type-arg]
    placed = []
    for subscriber_id, event_id, rule_id, _, _, _, is_promise, occurred_at, *touched in chunk:
        grant = Grant(event_id, rule_id, day_of(occurred_at), is_promise)
        placed.append([key_of(subscriber_id, one) for one in stands(grant, Latest(*touched))])
    booked = ledger.bookings(source=Source.ACCRUAL, keys=[key for keys in placed for key in keys])
    for row, keys in zip(chunk, placed, strict=True):
        bookings = [booked[key] for key in keys if key in booked and is_takable(booked[key], on)]
        left = sum(booking.left_points for booking in bookings)
        if left > 0:
            subscriber_id, event_id, rule_id, rule_hash, decided_at, granted, *_ = row
            yield Line(
                subscriber_id, event_id, rule_id, rule_hash, decided_at, granted, left,
                is_promise=any(booking.is_promised for booking in bookings),
                lots=tuple(
                    ledger.Lot(booking.expires_on, booking.fund, booking.left_points)
                    for booking in bookings
                    if booking.expires_on is not None and not booking.is_promised
                ),
                fund=bookings[0].fund,
            )  # fmt: skip


def is_takable(booking: ledger.Booking, on: date) -> bool:
    """Something of it is left, and its last day is not over: points that expired brought nobody
    anything, and would be a debt for nothing."""
    assert booking.expires_on is not None, "what was granted knows its last day"
    return booking.left_points > 0 and (booking.is_promised or booking.expires_on >= on)


def key_of(subscriber_id: int, stand: Stand) -> ledger.Key:
    return ledger.Key(subscriber_id, stand.ref, stand.day)


# ---- what names exactly this set ---------------------------------------------------------------
class Sum:
    """Counts lines as they pass, and digests them: the same figures and digest are the same set."""

    def __init__(self) -> None:
        self.decisions = self.subscribers = self.points = 0
        self._last_subscriber: int | None = None
        self._digest = hashlib.sha256()

    def add(self, line: Line) -> None:
        """Lines come in the order of `lines`."""
        self.decisions += 1
        self.subscribers += line.subscriber_id != self._last_subscriber
        self._last_subscriber = line.subscriber_id
        self.points += line.left_points
        place = f"{line.subscriber_id}:{line.event_id}:{line.rule_id}:{line.left_points}\n"
        self._digest.update(place.encode())

    def document(self) -> Json:
        return {
            "decisions": self.decisions,
            "subscribers": self.subscribers,
            "points": self.points,
            "digest": self._digest.hexdigest(),
        }


def by_subscriber(found: Iterable[Line]) -> Iterator[tuple[int, list[Line]]]:
    for subscriber_id, mine in groupby(found, key=attrgetter("subscriber_id")):
        yield subscriber_id, list(mine)
