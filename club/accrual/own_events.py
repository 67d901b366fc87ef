"""Events that nobody tells us: birthdays, anniversaries of joining, visits to the app.

They stand in the inbox under the source `club`, each once, whatever runs twice: its id says whose it
is and which year, month or day. Everything behind the inbox treats them as anybody's.
"""

import logging
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import chain

from django.conf import settings
from django.db import DatabaseError, transaction

from club.accrual import inbox
from club.accrual.inbox import Incoming
from club.accrual.models import DayMade, Event
from club.accrual.rows import columns, rows
from club.accrual.rules.facts import birthdays_on, joined_on
from club.accrual.sources import OWN
from club.clock import TASHKENT, day_of
from club.errors import ClubError
from club.subscribers import queries as subscribers

log = logging.getLogger(__name__)

AT = time(9)
"""The hour of these events in Tashkent, and of whatever a subscriber is told about them."""
SUBSCRIBERS_PER_BATCH = 50_000
TENURE_MONTHS_MAX = 50 * 12

Batch = Callable[[date, int, datetime], tuple[int | None, int]]
"""Of a day and the last subscriber of the batch before: the last of this one, how many were made."""


def make_birthdays(*, now: datetime) -> int:
    """An event for each active subscriber whose birthday it is: today's, and those of the days since
    this was done last. Answers how many are new. Raises ProgrammeNotConfigured."""
    return _make("birthday", _birthdays, now=now)


def make_tenure(*, now: datetime) -> int:
    """The same for who is with us for one, three, six months, or for a number of whole years: the
    settings say which. Raises ProgrammeNotConfigured."""
    return _make("tenure", _tenure, now=now)


def visit(*, subscriber_id: int, platform: str, now: datetime) -> bool:
    """Once a day that a subscriber opened the app. Answers whether it was the first time today.

    Whoever signs in must not be stopped by this: what the database or the club says against it is
    logged.
    """
    external_id = f"app_visit:{subscriber_id}:{day_of(now)}"
    try:
        with transaction.atomic():
            if Event.objects.filter(source=OWN, external_id=external_id, kind="app_visit").exists():
                return False
            who = subscribers.by_id(subscriber_id)
            if who is None:
                return False
            one = Incoming(
                source=OWN,
                kind="app_visit",
                external_id=external_id,
                msisdn=who.msisdn,
                occurred_at=now,
                amount_tiyin=0,
                channel="app",
                details={"platform": platform} if platform else {},
            )
            (receipt,) = inbox.receive([one], now=now)
    except (ClubError, DatabaseError) as error:
        log.warning("a visit to the app is not recorded: %s", type(error).__name__)
        return False
    return receipt.verdict == inbox.Verdict.NEW


# ---- a day's -----------------------------------------------------------------------------------
def _make(kind: str, batch: Batch, *, now: datetime) -> int:
    """Every day since the last one that was made, each in batches; a day whose job was cut off is
    made again. The first time there is today alone."""
    made = 0
    for day in _days_to_make(kind, now=now):
        after: int | None = 0
        while after is not None:
            with transaction.atomic():
                after, new = batch(day, after, now)
                if new:
                    inbox.ask_for_decisions()
            made += new
        DayMade.objects.bulk_create([DayMade(kind=kind, day=day)], ignore_conflicts=True)
    return made


def _days_to_make(kind: str, *, now: datetime) -> list[date]:
    """Today only once its hour has come; none that is older than the programme accepts."""
    last = day_of(now)
    if _moment(last) > now:
        last -= timedelta(days=1)
    made = DayMade.objects.filter(kind=kind).order_by("-day").values_list("day", flat=True).first()
    if made is None:
        return [last]
    oldest = day_of(inbox.oldest_at(now)) + timedelta(days=1)
    first = max(made + timedelta(days=1), oldest)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _birthdays(day: date, after: int, now: datetime) -> tuple[int | None, int]:
    return _insert(
        """
        select id, msisdn, 'birthday:' || id || ':' || %(year)b as external_id
          from next_ones
         where status = 'active' and to_char(birth_date, 'MMDD') = any(%(birthdays)b::text[])
           and birth_date < %(day)b and joined_at <= %(at)b
        """,
        kind="birthday",
        day=day,
        after=after,
        now=now,
        year=str(day.year),
        birthdays=birthdays_on(day),
    )


def _tenure(day: date, after: int, now: datetime) -> tuple[int | None, int]:
    every = settings.TENURE_EVERY_MONTHS
    months = {*settings.TENURE_MONTHS, *(range(every, TENURE_MONTHS_MAX, every) if every else ())}
    joined = chain.from_iterable(
        ((on, n) for on in joined_on(n, until=day)) for n in sorted(months)
    )
    return _insert(
        """
        select id, msisdn, 'tenure:' || id || ':' || j.months as external_id
          from next_ones
          join unnest(%(joined)b::date[], %(months)b::integer[]) as j (joined_on, months)
            on j.joined_on = (joined_at at time zone 'Asia/Tashkent')::date
         where status = 'active' and joined_at <= %(at)b
        """,
        kind="tenure",
        day=day,
        after=after,
        now=now,
        **columns("joined months", list(joined)),
    )


def _insert(
    chosen: str, *, kind: str, day: date, after: int, now: datetime, **parameters: object
) -> tuple[int | None, int]:
    """Write the events of those who are `chosen` of the next subscribers; they go straight into the
    queue, for nothing about them can be unknown. Their fingerprint is that of any event."""
    ((last, new),) = rows(
        f"""
        with next_ones as (
            select * from subscribers_subscriber where id > %(after)b order by id limit %(limit)b),
        chosen as ({chosen}),
        written as (
            insert into accrual_event (source, external_id, kind, fingerprint, msisdn,
                   subscriber_id, occurred_at, received_at, amount_tiyin, channel, details)
            select %(source)b, external_id, %(kind)b,
                   sha256(convert_to(msisdn || '|0|' || %(on)b::text, 'UTF8')), msisdn,
                   id, %(at)b, %(now)b, 0, '', '{{}}'
              from chosen order by id
                on conflict (source, external_id, kind) do nothing
            returning id),
        queued as (
            insert into accrual_queued (event_id) select id from written)
        select (select max(id) from next_ones), (select count(*) from written)
        """,  # noqa: S608  what goes in stands above
        source=OWN,
        kind=kind,
        day=day,
        on=day.isoformat(),
        at=_moment(day),
        now=now,
        after=after,
        limit=SUBSCRIBERS_PER_BATCH,
        **parameters,
    )
    return last, new


def _moment(day: date) -> datetime:
    return datetime.combine(day, AT, TASHKENT)
