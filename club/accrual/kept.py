"""Events of a type that nobody had declared when they came: taken up once somebody does."""

from datetime import datetime

from django.db import transaction

from club.accrual import inbox
from club.accrual.incoming import Accepted, Incoming, Refusal, checked
from club.accrual.models import EventState
from club.accrual.rows import columns, rows
from club.accrual.rules.event_types import known_kinds

NOTE_CHARS_MAX = 300


@transaction.atomic
def adopt(*, now: datetime, limit: int = 1_000) -> int:
    """Let up to `limit` kept events whose type is declared by now be decided, oldest first.

    They go through the checks that an event of today does. What fails them is set aside as failed,
    with the reason, and a person looks. Answers how many were taken up; call until it is 0. Raises
    ProgrammeNotConfigured.
    """
    found = rows(
        """
        select e.id, e.source, e.kind, e.external_id, e.msisdn, e.occurred_at, e.amount_tiyin,
               e.channel, e.details
          from accrual_outcome o join accrual_event e on e.id = o.event_id
         where o.state = 'kept' and e.kind = any(%(known)b::text[])
         order by e.id limit %(limit)b
           for update of o skip locked
        """,
        known=known_kinds(),
        limit=limit,
    )
    good: list[tuple[int, Accepted]] = []
    bad: list[tuple[int, Refusal]] = []
    for event_id, *columns_ in found:
        result = checked(Incoming(*columns_), now=now)
        if isinstance(result, Refusal):
            bad.append((event_id, result))
        else:
            good.append((event_id, result))
    _let_be_decided(good, now=now)
    _set_aside(bad)
    return len(found)


def _let_be_decided(good: list[tuple[int, Accepted]], *, now: datetime) -> None:
    if not good:
        return
    ready = inbox.with_ids([one for _, one in good])
    rows(
        f"""
        with written as (
            update accrual_event e set fingerprint = k.fingerprint, details = k.details::jsonb
              from unnest(%(ids)b::bigint[], %(fingerprints)b::bytea[], %(details)b::text[])
                   as k (id, fingerprint, details)
             where e.id = k.id
            returning e.*),
        judged as ({inbox.JUDGED}),
        gone as (
            delete from accrual_outcome o using judged j where o.event_id = j.id and j.state is null),
        kept_back as (
            update accrual_outcome o set state = j.state, note = j.note
              from judged j where o.event_id = j.id and j.state is not null)
        insert into accrual_queued (event_id) select id from judged where state is null
        """,  # noqa: S608  nothing but a constant goes in
        known=known_kinds(),
        oldest_at=inbox.oldest_at(now),
        **columns(
            "ids fingerprints details",
            [
                (event_id, one.fingerprint, one.details)
                for (event_id, _), one in zip(good, ready, strict=True)
            ],
        ),
    )
    inbox.ask_for_decisions()


def _set_aside(bad: list[tuple[int, Refusal]]) -> None:
    if not bad:
        return
    rows(
        """
        update accrual_outcome o set state = %(failed)b, note = b.note
          from unnest(%(ids)b::bigint[], %(notes)b::text[]) as b (event_id, note)
         where o.event_id = b.event_id
        """,
        failed=EventState.FAILED.value,
        **columns("ids notes", [(id_, why.reason[:NOTE_CHARS_MAX]) for id_, why in bad]),
    )
