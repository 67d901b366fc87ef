"""What subscribers may read of campaigns: those in force that can bring them something.

Read fresh at each question, in few queries: a campaign that was stopped is gone at once. Its rules are
parsed once, like everywhere.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from club.accrual import counters
from club.accrual.models import InForce
from club.accrual.rows import rows
from club.accrual.rules.counting import Place, places
from club.accrual.rules.granting import is_held_out, turn
from club.accrual.rules.model import Limit, Rule
from club.accrual.rules.terms import can_count
from club.accrual.rules.to_python import compiled
from club.accrual.segments import asked_for
from club.accrual.what_if import supposed
from club.languages import UZBEK, Texts
from club.subscribers.models import Subscriber


@dataclass(frozen=True, slots=True)
class OfferedRule:
    canonical: str
    names: Texts

    @property
    def rule(self) -> Rule:
        return compiled(self.canonical).rule


@dataclass(frozen=True, slots=True)
class Offer:
    """A campaign in force, with the rules that can bring the subscriber something, the first to be
    asked first. `legal` is empty where it has no terms; `is_whole` says whether that is all of them.
    Without interruption it is in force from `since` until `until`; None for always."""

    code: str
    names: Texts
    legal: str
    is_whole: bool
    since: datetime | None
    until: datetime | None
    rules: Sequence[OfferedRule]


def offers(
    *,
    subscriber: Subscriber,
    base_tier: str,
    language: str,
    now: datetime,
    legal_chars: int,
    code: str | None = None,
) -> list[Offer]:
    """The campaigns in force for this subscriber, by their codes, with the first `legal_chars` characters
    of their terms in `language`; only that of `code`, if it is given.

    Left out is what cannot bring them anything: rules for others (as their tariff, region, level and
    lists are now), campaigns from which they are held out, and what a limit for ever has used up.
    Five queries at most.
    """
    found = InForce.objects.filter(during__contains=now).select_related("version")
    if code is not None:
        found = found.filter(version__campaign=code)
    asked = [
        row
        for row in found
        if not is_held_out(row.version.campaign_id, subscriber.id, row.holdout_percent)
    ]
    segments = asked_for(tuple(row.version.canonical for row in asked))
    _, facts = supposed(subscriber, now, base_tier, segments, {})
    mine = [row for row in asked if can_count(row.version.canonical, facts)]
    used_up = _used_up(mine, subscriber_id=subscriber.id, at=now)
    by_campaign = defaultdict(list)
    for row in mine:
        if row.rule_id not in used_up:
            version = row.version
            by_campaign[version.campaign_id].append(OfferedRule(version.canonical, version.names))
    return [
        Offer(
            *told,
            rules=sorted(by_campaign[told[0]], key=lambda one: turn(one.rule)),
        )
        for told in _campaigns([*by_campaign], language=language, now=now, legal_chars=legal_chars)
    ]


def _used_up(found: Sequence[InForce], *, subscriber_id: int, at: datetime) -> set[str]:
    """The rules of which a limit that never begins anew has left nothing."""
    limits = [
        (row.rule_id, limit, place)
        for row in found
        for limit, place in _limits_for_ever(row, subscriber_id=subscriber_id, at=at)
    ]
    used = counters.seen_at(place for _, _, place in limits)
    return {
        rule_id
        for rule_id, limit, place in limits
        if limit.most <= (used[place].points if limit.unit == "points" else used[place].times)
    }


def _limits_for_ever(
    row: InForce, *, subscriber_id: int, at: datetime
) -> Iterator[tuple[Limit, Place]]:
    rule = compiled(row.version.canonical).rule
    counted = places(rule, row.version.campaign_id, subscriber_id=subscriber_id, at=at)
    for limit, place in zip(rule.limits, counted, strict=True):
        if limit.period == "ever":
            yield limit, place


def _campaigns(
    codes: Sequence[str], *, language: str, now: datetime, legal_chars: int
) -> list[tuple[str, Texts, str, bool, datetime | None, datetime | None]]:
    """The head of each offer. Only the part of the terms that is asked for leaves the database: in five
    languages they may be long."""
    if not codes:
        return []
    return rows(
        """
        select c.code, c.names, left(legal.text, %(chars)b::int),
               length(legal.text) <= %(chars)b::int, lower(span.during), upper(span.during)
          from accrual_campaign c,
               lateral (select coalesce(nullif(c.legal ->> %(language)b::text, ''),
                                        c.legal ->> %(uzbek)b::text, '') as text) legal,
               lateral (select during
                          from (select unnest(range_agg(f.during)) as during
                                  from accrual_inforce f
                                  join accrual_ruleversion v on v.hash = f.version_id
                                 where v.campaign_id = c.code) spans
                         where during @> %(now)b::timestamptz) span
         where c.code = any(%(codes)b::text[])
         order by c.code
        """,
        chars=legal_chars,
        language=language,
        uzbek=UZBEK,
        now=now,
        codes=list(codes),
    )
