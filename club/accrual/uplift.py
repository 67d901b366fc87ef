"""What a campaign brought: subscribers in it against those who are held out of it by lot.

Everybody whom the lot put into an arm counts in it, whether they ever met a rule or not: whom the
campaign reached is a choice of theirs, and would blur what the lot made alike.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from club.accrual.errors import EmptySpan, HoldoutChanged, NoHoldout, NoSuchCampaign
from club.accrual.models import Campaign, InForce, RuleVersion
from club.accrual.rows import rows
from club.accrual.rules import comparing
from club.accrual.rules.comparing import Arm, Difference
from club.accrual.rules.granting import lots_of
from club.arrays import literal
from club.programme import queries as programme
from club.programme.rules import worth_tiyin

WEEK = timedelta(weeks=1)
SLACK = timedelta(days=1)
"""A payment may be told by a clock that is a little ahead of ours."""


@dataclass(frozen=True, slots=True)
class Uplift:
    """What subscribers paid from `since` until before `until`, by arms. Amounts in tiyin, a mean is that of
    a subscriber. `granted_points` is what the campaign cost, less what was taken back."""

    campaign: str
    since: datetime
    until: datetime
    holdout_percent: int
    treated: Arm
    held_out: Arm
    mean: Difference
    paying: Difference
    granted_points: int
    cost_tiyin: int

    @property
    def percent(self) -> float | None:
        """The difference of means in percent of what those held out paid."""
        base = self.held_out.mean_tiyin
        return self.mean.value / base * 100 if base > 0 else None

    @property
    def brought_tiyin(self) -> int:
        """What all who were in the campaign paid more, by the difference of means."""
        return round(self.mean.value * self.treated.subscribers) if self.treated.subscribers else 0

    @property
    def return_percent(self) -> int | None:
        """What it brought in percent of what its points are worth; None where it cost nothing."""
        return round(self.brought_tiyin * 100 / self.cost_tiyin) if self.cost_tiyin > 0 else None

    @property
    def weeks_more(self) -> int | None:
        """0: the difference is no chance; else in how many weeks it would show, None: not within a year."""
        return comparing.weeks_more(self.mean, weeks=(self.until - self.since) / WEEK)


def uplift(*, campaign: str, since: datetime, until: datetime) -> Uplift:
    """Compare the arms over a span in which the campaign's holdout was the same.

    Raises EmptySpan, NoSuchCampaign, NoHoldout, HoldoutChanged, ProgrammeNotConfigured. Reads all
    payments of the span: for a report, not for every page.
    """
    if until <= since:
        raise EmptySpan("the span ends before it begins: give a later end")
    if not Campaign.objects.filter(code=campaign).exists():
        raise NoSuchCampaign(f"there is no campaign {campaign}", campaign=campaign)
    percent = _holdout_percent(campaign, since, until)
    arms = _arms(campaign, percent, since, until)
    treated, held_out = arms[False], arms[True]
    points = _granted_points(campaign, since, until)
    worth = programme.current().point_worth_tiyin
    return Uplift(
        campaign=campaign,
        since=since,
        until=until,
        holdout_percent=percent,
        treated=treated,
        held_out=held_out,
        mean=comparing.of_means(treated, held_out),
        paying=comparing.of_shares(treated, held_out),
        granted_points=points,
        cost_tiyin=worth_tiyin(points, point_worth_tiyin=worth),
    )


def _holdout_percent(campaign: str, since: datetime, until: datetime) -> int:
    in_force = InForce.objects.filter(
        version__campaign=campaign, during__overlap=DateTimeTZRange(since, until)
    )
    percents = sorted(set(in_force.values_list("holdout_percent", flat=True)))
    if percents in ([], [0]):
        raise NoHoldout(
            f"the campaign {campaign} held nobody out then: give it a holdout_percent",
            campaign=campaign,
        )
    if len(percents) > 1:
        told = ", ".join(f"{percent} %" for percent in percents)
        raise HoldoutChanged(
            f"the holdout of {campaign} was {told} in this span: choose one in which it is the same",
            campaign=campaign,
            percents=percents,
        )
    return int(percents[0])


def comparable_since(*, campaign: str, since: datetime, until: datetime) -> datetime:
    """`since`, or the later moment from which on the share that is held out was that of `until`."""
    in_force = InForce.objects.filter(
        version__campaign=campaign, during__overlap=DateTimeTZRange(since, until)
    )
    last = in_force.filter(during__contains=until).first()
    others = in_force.exclude(holdout_percent=last.holdout_percent) if last else in_force.none()
    ends: list[datetime] = [row.during.upper for row in others if row.during.upper]
    return max([since, *ends])


IS_HELD_OUT = """
       div(mod(%(factor)b::numeric * s.id + %(summand)b::numeric, 18446744073709551616), 4294967296)
           * 100 < %(percent)b::numeric * 4294967296
"""
"""`granting.is_held_out` of the subscriber `s`, in numbers without an end: 64 bits overflow here."""


def holdout_terms(campaign: str, percent: int) -> dict[str, object]:
    """The parameters of IS_HELD_OUT."""
    factor, summand = lots_of(campaign)
    return {"factor": str(factor), "summand": str(summand), "percent": percent}


def _arms(campaign: str, percent: int, since: datetime, until: datetime) -> dict[bool, Arm]:
    found = rows(
        f"""
        with paid as (
            select e.subscriber_id, sum(e.amount_tiyin) as tiyin
              from accrual_event e
             where e.kind = 'payment' and e.occurred_at >= %(since)b and e.occurred_at < %(until)b
               and e.received_at >= %(told_since)b
               and not exists (select from accrual_event x
                                where x.source = e.source and x.external_id = e.external_id
                                  and x.kind = 'cancellation')
             group by e.subscriber_id)
        select {IS_HELD_OUT} as is_held_out, count(*), count(*) filter (where p.tiyin > 0),
               coalesce(sum(p.tiyin), 0)::text, coalesce(sum(p.tiyin * p.tiyin), 0)::text
          from subscribers_subscriber s
          left join paid p on p.subscriber_id = s.id
         where s.joined_at < %(until)b
         group by 1
        """,  # noqa: S608  of our own pieces
        since=since,
        until=until,
        told_since=since - SLACK,
        **holdout_terms(campaign, percent),
    )
    arms = dict.fromkeys((False, True), Arm(0, 0, 0, 0))
    return arms | {
        is_held_out: Arm(count, paying, int(whole), int(squares))
        for is_held_out, count, paying, whole, squares in found
    }


def _granted_points(campaign: str, since: datetime, until: datetime) -> int:
    hashes = RuleVersion.objects.filter(campaign=campaign).values_list("hash", flat=True)
    ((points,),) = rows(
        """
        select coalesce(sum(d.granted - coalesce(c.points, 0)), 0)::bigint
          from accrual_decision d
          left join lateral (
               select sum(c.taken_points - c.restored_points) as points from accrual_clawed c
                where c.subscriber_id = d.subscriber_id and c.event_id = d.event_id
                  and c.rule_id = d.rule_id) c on true
         where d.decided_at >= %(since)b and d.decided_at < %(until)b
           and d.rule_hash = any(%(hashes)b::text[])
        """,
        since=since,
        until=until,
        hashes=literal(list(hashes)),
    )
    return int(points)
