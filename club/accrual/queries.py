"""Reads of events, rules and decisions. Points are whole numbers, amounts in tiyin."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Sum

from club.accrual.models import Campaign, Decision, EventState, Outcome, Queued
from club.accrual.rows import rows

FRUITLESS_LOOKED_AT = 500


# ---- rules -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Version:
    """A rule version as a batch needs it: its text, its campaign and purse, and when it holds."""

    rule_id: str
    hash: str
    canonical: str
    campaign: str
    fund: int
    since: datetime | None
    until: datetime | None
    holdout_percent: int = 0

    def is_in_force(self, at: datetime) -> bool:
        """since ≤ at < until."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


def versions_between(first: datetime, last: datetime) -> list[Version]:
    """Every version in force at some moment from `first` to `last`, in the order of rule ids."""
    found = rows(
        """
        select f.rule_id, v.hash, v.canonical, v.campaign_id, c.fund, lower(f.during), upper(f.during),
               f.holdout_percent
          from accrual_inforce f
          join accrual_ruleversion v on v.hash = f.version_id
          join accrual_campaign c on c.code = v.campaign_id
         where f.during && tstzrange(%(first)b, %(last)b, '[]')
         order by f.rule_id, f.during
        """,
        first=first,
        last=last,
    )
    return [Version(*one) for one in found]


def campaigns() -> list[Campaign]:
    """All that are or were in force, by their codes."""
    return list(Campaign.objects.order_by("code"))


# ---- events ----------------------------------------------------------------------------------
def fruitless(*, subscriber_id: int, limit: int) -> list[int]:
    """The newest events of a subscriber that moved no points, the newest first; looked for among the
    newest FRUITLESS_LOOKED_AT.

    One read that stops when it has enough. Lateral with a limit of its own, so that each event is looked
    up by the key: an anti-join was planned anew, and badly, at times.
    """
    found = rows(
        """
        select e.id
          from (select id, occurred_at from accrual_event
                 where subscriber_id = %(who)b::bigint
                 order by occurred_at desc, id desc limit %(looked_at)b::int) e
          left join lateral (select true as moved from accrual_decision d
                              where d.subscriber_id = %(who)b::bigint and d.event_id = e.id
                                and d.granted <> 0 limit 1) d on true
         where d.moved is null
         order by e.occurred_at desc, e.id desc limit %(limit)b::int
        """,
        who=subscriber_id,
        looked_at=FRUITLESS_LOOKED_AT,
        limit=limit,
    )
    return [event_id for (event_id,) in found]


# ---- the whole -------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Totals:
    """The inbox and its decisions. `granted_points` is less what cancellations took back."""

    events: dict[str, int]
    decisions: int
    granted_points: int

    def summary(self) -> str:
        counted = ", ".join(f"{count:,} {state}" for state, count in self.events.items() if count)
        return f"{counted or 'no events'}; {self.decisions:,} decisions, {self.granted_points:,} points"


def counts_by_state() -> dict[str, int]:
    """How many events stand in each state; every state is named."""
    counted = dict(Outcome.objects.values_list("state").annotate(Count("event_id")))
    counted[EventState.NEW] = Queued.objects.count()
    return {state.value: counted.get(state.value, 0) for state in EventState}


def totals() -> Totals:
    """Counts whole tables: for a demo, a proof or a nightly report, not for a page."""
    sums = Decision.objects.aggregate(rows=Count("rule_id"), granted=Sum("granted", default=0))
    return Totals(events=counts_by_state(), decisions=sums["rows"], granted_points=sums["granted"])
