"""Everybody's rank as one select, for a run over all subscribers as for the few of a batch.

SQL, because a programme has nine million of them. What counts, and how far a level has fallen, is
`rules.spans` here as in Python; this only adds up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from django.db import connection, transaction

from club.ledger import queries as ledger
from club.ports import bound
from club.tiers import rules
from club.tiers.models import Scheme, Tier
from club.tiers.ports import Happenings
from club.tiers.rules import PACE_DAYS, Measure, Span, Terms

Parameters = dict[str, Any]

ROOM = """
set local work_mem = '256MB'; set local max_parallel_workers_per_gather = 0; set local jit = off
"""
"""For everybody at once: a group each in memory, and no parallel workers, which would each make them all."""
AGGREGATES = {
    Measure.POINTS: "tiers_sum(amount)",
    Measure.MONEY: "tiers_sum(amount)",
    Measure.EVENTS: "count(*)",
    Measure.ACTIVE_DAYS: "count(distinct day)",
}


@dataclass(frozen=True)
class Ladder:
    """A scheme with its levels, the lowest first."""

    scheme: Scheme
    tiers: Sequence[Tier]
    terms: Terms


def ladders() -> list[Ladder]:
    """All schemes, in the order of their codes; two queries."""
    found = []
    for scheme in Scheme.objects.prefetch_related("tiers").order_by("code"):
        tiers = sorted(scheme.tiers.all(), key=lambda tier: tier.rank)
        found.append(Ladder(scheme, tiers, scheme.terms(tiers)))
    return found


def ranked(
    ladder: Ladder,
    *,
    day: date,
    only: Sequence[int] | None,
    today: date | None = None,
) -> tuple[str, Parameters]:
    """A select of (subscriber_id, measured, rank) on `day`, of `only` these subscribers, and what it asks
    for. Whoever has nothing that counts is left out: their rank is 0.

    With `today`, an earlier day, everybody goes on until `day` at their pace of the last PACE_DAYS.
    """
    parameters: Parameters = {
        "thresholds": list(ladder.terms.thresholds),
        "only": None if only is None else list(only),
        "day": day,
        "today": today,
        "event_type": ladder.scheme.event_type,
        "pace_days": PACE_DAYS,
    }
    if ladder.terms.measure is Measure.TENURE:
        cuts = [rules.joined_before(months, day) for months in reversed(ladder.terms.thresholds)]
        return _by_tenure(only), parameters | {"cuts": cuts}
    spans = rules.spans(day, terms=ladder.terms)
    parameters["first"] = min(span.first for span in spans)
    for number, span in enumerate(spans):
        parameters |= {f"first_{number}": span.first, f"last_{number}": span.last}
        parameters |= {f"steps_{number}": span.steps_down}
        parameters |= {f"ahead_{number}": 0 if today is None else _days_ahead(span, today)}
    aggregate = AGGREGATES[ladder.terms.measure]
    sums = ",\n".join(
        f"{aggregate} filter (where day between %(first_{n})s and %(last_{n})s) as value_{n}"
        for n in range(len(spans))
    )
    is_paced = today is not None
    values = [f"value_{n}" for n in range(len(spans))]
    if is_paced:
        sums += f",\n{aggregate} filter (where day > %(today)s::date - %(pace_days)s and day <= %(today)s) as pace"
        values = [
            f"{value} + pace * %(ahead_{n})s / %(pace_days)s" for n, value in enumerate(values)
        ]
    ranks = ", ".join(
        f"width_bucket({value}, %(thresholds)s::bigint[]) - %(steps_{n})s"
        for n, value in enumerate(values)
    )
    return (
        f"""
        select subscriber_id, {values[0]} as measured, greatest(0, {ranks}) as rank
          from (select subscriber_id, {sums}
                  from ({_relation(ladder)}) counting
                 where {_only(only)}
                 group by subscriber_id) counted
        """,  # noqa: S608  of ours
        parameters,
    )


def compare(
    ladder: Ladder,
    select: str,
    *,
    day: date,
    only: Sequence[int] | None = None,
    today: date | None = None,
) -> list[tuple[Any, ...]]:
    """What `select` answers from `compared` (subscriber_id, had, rank, measured, is_given): the rank on which
    each stands now beside the one due on `day`, a level that staff gave included.

    Whoever has rank 0 twice may be left out. The rest as in `ranked`.
    """
    ranks, parameters = ranked(ladder, day=day, only=only, today=today)
    sql = f"""
        with ranked as ({ranks}),
        given as (
            select g.subscriber_id, t.rank from tiers_givenlevel g join tiers_tier t on t.code = g.tier_id
             where g.scheme_id = %(scheme)s and g.ends_on >= %(day)s and {_only(only)}),
        due as (
            select subscriber_id, coalesce(r.measured, 0) as measured, greatest(r.rank, g.rank) as rank,
                   coalesce(g.rank, 0) > coalesce(r.rank, 0) as is_given
              from ranked r full join given g using (subscriber_id)),
        had as (
            select s.subscriber_id, t.rank from tiers_standing s join tiers_tier t on t.code = s.tier_id
             where s.scheme_id = %(scheme)s and s.until is null and {_only(only)}),
        compared as (
            select subscriber_id, coalesce(had.rank, 0)::int as had, coalesce(due.rank, 0)::int as rank,
                   coalesce(measured, 0) as measured, coalesce(is_given, false) as is_given
              from due full join had using (subscriber_id))
        {select}
        """  # noqa: S608  of ours
    with transaction.atomic():
        if only is None:
            rows(ROOM)
        return rows(sql, parameters | {"scheme": ladder.scheme.code})


def by_day(ladder: Ladder, *, subscriber_id: int, day: date) -> dict[date, int]:
    """One subscriber's amounts until `day`, as `rules.rank_on` takes them."""
    spans = rules.spans(day, terms=ladder.terms)
    first = min(min(span.first for span in spans), day - timedelta(days=PACE_DAYS))
    return dict(
        rows(
            f"""
            select day, {AGGREGATES[ladder.terms.measure]}
              from ({_relation(ladder)}) counting
             where {_only([subscriber_id])} and day <= %(day)s
             group by day
            """,  # noqa: S608  of ours
            {
                "only": [subscriber_id],
                "first": first,
                "day": day,
                "event_type": ladder.scheme.event_type,
            },
        )
    )


def rows(sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall()) if cursor.description else []


def _days_ahead(span: Span, today: date) -> int:
    return max(0, (span.last - max(today, span.first - rules.ONE_DAY)).days)


def _relation(ladder: Ladder) -> str:
    if ladder.terms.measure is Measure.POINTS:
        return ledger.EARNED
    happenings = cast(Happenings, bound("happenings")).relation()
    return f"select * from ({happenings}) any_type where %(event_type)s in ('', event_type)"  # noqa: S608  of ours


def _only(only: Sequence[int] | None) -> str:
    return "true" if only is None else "subscriber_id = any(%(only)s::bigint[])"


def _by_tenure(only: Sequence[int] | None) -> str:
    """`measured` is the threshold that was reached: whoever rises does so on that very day."""
    return f"""
        select subscriber_id, coalesce((%(thresholds)s::bigint[])[rank], 0) as measured, rank
          from (select id as subscriber_id, cardinality(%(cuts)s::date[]) - width_bucket(
                       (joined_at at time zone 'Asia/Tashkent')::date, %(cuts)s::date[]) as rank
                  from subscribers_subscriber) tenure
         where {_only(only)}
        """  # noqa: S608  of ours
