"""Everybody's rank as one select, for a run over all subscribers as for the few of a batch.

SQL, because a programme has nine million of them. What counts, and how far a level has fallen, is
`rules.spans` here as in Python; this only adds up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from django.db import connection, transaction

from club.clock import TASHKENT
from club.ledger import queries as ledger
from club.ports import bound
from club.tiers import rules
from club.tiers.models import Scheme, Tier
from club.tiers.ports import Happenings
from club.tiers.rules import PACE_DAYS, Measure, Span, Terms

Parameters = dict[str, Any]

ALONE = "set local max_parallel_workers_per_gather = 0; set local jit = off"
"""For everybody at once: parallel workers would each make all the groups."""
IN_PARTS = "set local work_mem = '2MB'; set local enable_sort = off"
"""As many subscribers at a time as the processor's cache holds, the rows of the others laid aside meanwhile:
finding each row's subscriber in the memory of all would take longer."""
AT_ONCE = "set local work_mem = '256MB'; set local enable_sort = on"
"""Where other tables are joined first, or what counts is sorted by days."""
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


def counting_alike(found: Sequence[Ladder]) -> list[list[Ladder]]:
    """The ladders by what they count: one pass over the books serves each of these."""
    alike: dict[tuple[Measure, str], list[Ladder]] = {}
    for ladder in found:
        alike.setdefault((ladder.terms.measure, ladder.scheme.event_type), []).append(ladder)
    return list(alike.values())


def compare(
    ladder: Ladder,
    select: str,
    *,
    day: date,
    only: Sequence[int] | None = None,
    today: date | None = None,
) -> list[tuple[Any, ...]]:
    """As `compare_alike`, for one ladder and without its code."""
    found = compare_alike([ladder], select, day=day, only=only, today=today)
    return [tuple(row) for _, *row in found]


def compare_alike(
    alike: Sequence[Ladder],
    select: str,
    *,
    day: date,
    only: Sequence[int] | None = None,
    today: date | None = None,
) -> list[tuple[Any, ...]]:
    """What `select` answers for each ladder from `compared` (subscriber_id, had, rank, measured, is_given):
    the rank on which each of `only` these subscribers stands now beside the one due on `day`, a level that
    staff gave included. The code of the ladder's scheme comes first.

    The ladders count the same (`counting_alike`). Whoever has rank 0 twice may be left out. With `today`,
    an earlier day, everybody goes on until `day` at their pace of the last PACE_DAYS.
    """
    counting = Counting(alike, day=day, only=only, today=today)
    answers = [
        f"""
        select {counting.named(ladder.scheme.code)}::text, answer.* from (
            with compared as ({counting.compared(ladder)})
            {select}) answer
        """  # noqa: S608  of ours
        for ladder in alike
    ]
    with transaction.atomic():
        if only is None:
            rows(ALONE)
            rows(IN_PARTS if alike[0].terms.measure is Measure.POINTS else AT_ONCE)
        return rows(f"{counting.head()} {' union all '.join(answers)}", counting.parameters)


class Counting:
    """One pass over what some ladders count: a row a subscriber, and a column for each span that any of
    the ladders asks for.

    Spans overlap, so the days are cut wherever one of them begins or ends: each row counts in one such
    piece, and a span is the sum of its pieces.
    """

    def __init__(
        self, alike: Sequence[Ladder], *, day: date, only: Sequence[int] | None, today: date | None
    ) -> None:
        self._measure, self._day, self._today = alike[0].terms.measure, day, today
        self._only, self._is_of_all, self._ladder = _only(only), only is None, alike[0]
        self._columns: dict[tuple[date, date], str] = {}
        self.parameters: Parameters = {
            "only": None if only is None else list(only),
            "day": day,
            "first": day,
            "event_type": alike[0].scheme.event_type,
        }

    def compared(self, ladder: Ladder) -> str:
        """A select of (subscriber_id, had, rank, measured, is_given)."""
        scheme = self.named(ladder.scheme.code)
        return f"""
            with ranked as ({self._ranked(ladder)}),
            given as (
              select g.subscriber_id, t.rank
                from tiers_givenlevel g join tiers_tier t on t.code = g.tier_id
               where g.scheme_id = {scheme} and g.ends_on >= %(day)s and {self._only}),
            due as (
              select subscriber_id, coalesce(r.measured, 0) as measured, greatest(r.rank, g.rank) as rank,
                     coalesce(g.rank, 0) > coalesce(r.rank, 0) as is_given
                from ranked r full join given g using (subscriber_id)),
            had as (
              select s.subscriber_id, t.rank
                from tiers_standing s join tiers_tier t on t.code = s.tier_id
               where s.scheme_id = {scheme} and s.until is null and {self._only})
            select subscriber_id, coalesce(had.rank, 0)::int as had, coalesce(due.rank, 0)::int as rank,
                   coalesce(measured, 0) as measured, coalesce(is_given, false) as is_given
              from due full join had using (subscriber_id)
            """  # noqa: S608  of ours

    def head(self) -> str:
        """`with counted as …`, once the ladders have asked; nothing where they ask for no sum."""
        if not self._columns:
            return ""
        cuts = sorted({cut for first, end in self._columns for cut in (first, end)})
        # Piece n ends before cut n; what is before all of them is piece 0, and counts nowhere.
        pieces = range(1, len(cuts))
        asked = {
            name: [f"piece_{n}" for n in pieces if first <= cuts[n - 1] and cuts[n] <= end]
            for (first, end), name in self._columns.items()
        }
        columns = ", ".join(f"{' + '.join(some)} as {name}" for name, some in asked.items())
        counts = ", ".join(
            f"{AGGREGATES[self._measure]} filter (where piece = {n}) as piece_{n}" for n in pieces
        )
        piece = " ".join(f"when day < date '{cut}' then {n}" for n, cut in enumerate(cuts))
        # Offsets keep apart what is worked out once a row: the day, and its piece.
        return f"""
            with counted as (
              select subscriber_id, {columns}
                from (select subscriber_id, {counts}
                        from (select subscriber_id, day, amount, case {piece} end as piece
                                from (select * from ({self._relation()}) happened
                                       where {self._only} offset 0) counting offset 0) cut
                       group by subscriber_id) pieces)
            """  # noqa: S608  of ours

    def named(self, value: object) -> str:
        """A placeholder for `value`."""
        name = f"value_{len(self.parameters)}"
        self.parameters[name] = value
        return f"%({name})s"

    def _ranked(self, ladder: Ladder) -> str:
        """A select of (subscriber_id, measured, rank). Whoever has nothing that counts is left out: their
        rank is 0."""
        terms = ladder.terms
        thresholds = f"{self.named(list(terms.thresholds))}::bigint[]"
        if terms.measure is Measure.TENURE:
            return self._ranked_by_tenure(terms, thresholds)
        spans = rules.spans(self._day, terms=terms)
        values = [self._value(span) for span in spans]
        ranks = ", ".join(
            f"width_bucket({value}, {thresholds}) - {span.steps_down}"
            for value, span in zip(values, spans, strict=True)
        )
        return f"""
            select subscriber_id, {values[0]} as measured, greatest(0, {ranks}) as rank from counted
            """  # noqa: S608  of ours

    def _ranked_by_tenure(self, terms: Terms, thresholds: str) -> str:
        """`measured` is the threshold that was reached: whoever rises does so on that very day."""
        days = [rules.joined_before(months, self._day) for months in reversed(terms.thresholds)]
        moments = [datetime.combine(day, time.min, TASHKENT) for day in days]
        cuts = f"{self.named(moments)}::timestamptz[]"
        return f"""
            select subscriber_id, coalesce(({thresholds})[rank], 0) as measured, rank
              from (select id as subscriber_id,
                           {len(days)} - width_bucket(joined_at, {cuts}) as rank
                      from subscribers_subscriber) tenure
             where {self._only}
            """  # noqa: S608  of ours

    def _value(self, span: Span) -> str:
        """What counts for a span, with what its days to come bring."""
        value = self._between(span.first, span.last)
        if self._today is None:
            return value
        pace = self._between(self._today - timedelta(days=PACE_DAYS - 1), self._today)
        return f"{value} + {pace} * {_days_ahead(span, self._today)} / {PACE_DAYS}"

    def _between(self, first: date, last: date) -> str:
        """The column of what counts from `first` to `last`."""
        self.parameters["first"] = min(self.parameters["first"], first)
        return self._columns.setdefault(
            (first, last + rules.ONE_DAY), f"column_{len(self._columns)}"
        )

    def _relation(self) -> str:
        if self._is_of_all and self._measure is Measure.POINTS:
            return ledger.earned_by_all(first=self.parameters["first"])
        return _relation(self._ladder)


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
    """A select of (subscriber_id, day, amount), and maybe more: what happened from `first` on."""
    if ladder.terms.measure is Measure.POINTS:
        return ledger.EARNED
    if ladder.terms.measure is Measure.TENURE:
        return ""  # the day of joining stands with the subscriber
    happenings = cast(Happenings, bound("happenings")).relation()
    return f"select * from ({happenings}) any_type where %(event_type)s in ('', event_type)"  # noqa: S608  of ours


def _only(only: Sequence[int] | None) -> str:
    return "true" if only is None else "subscriber_id = any(%(only)s::bigint[])"
