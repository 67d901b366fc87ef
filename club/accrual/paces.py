"""How fast rules grant: points and times an hour, by when it was decided.

Hours that are over are counted once, by a job; what is younger is counted when somebody asks. A week
of decisions may be tens of millions of rows, and a page shows it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from club.accrual.models import RuleHour
from club.accrual.rows import rows
from club.accrual.rules.budgeting import HOUR, HOURS_A_WEEK
from club.arrays import literal

SETTLED_AFTER = timedelta(minutes=15)
"""So long after an hour nothing is decided in it any more: a batch lasts seconds."""
KEPT = timedelta(hours=2 * HOURS_A_WEEK)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
WHOLE = ""
"""In place of a rule: the mark that an hour is counted, whether anything was granted in it or not."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What one rule granted in one hour, less what cancellations took back."""

    hour: datetime
    points: int
    times: int
    last_at: datetime | None
    """Of its last grant."""


def note_hours(*, now: datetime) -> int:
    """Count each hour that is over and not counted yet, of a week at most; answers how many."""
    end = _hour_of(now - SETTLED_AFTER)
    first = max(_counted_until(end), end - HOURS_A_WEEK * HOUR)
    for nth in range((end - first) // HOUR):
        _note(first + nth * HOUR)
    RuleHour.objects.filter(hour__lt=now - KEPT).delete()
    return max((end - first) // HOUR, 0)


def paces(rule_ids: Iterable[str], *, since: datetime) -> dict[str, list[Pace]]:
    """What these rules granted from the whole hour `since` on."""
    asked = sorted(rule_ids)
    counted_until = max(_counted_until(None), since)
    found: dict[str, list[Pace]] = defaultdict(list)
    for hour in RuleHour.objects.filter(
        rule_id__in=asked, hour__gte=since, hour__lt=counted_until
    ).order_by("hour"):
        found[hour.rule_id].append(Pace(hour.hour, hour.points, hour.times, hour.last_at))
    young = rows(
        f"{GRANTED} and decided_at >= %(since)b and rule_id = any(%(rules)b::text[]) group by 1, 2",
        since=counted_until,
        rules=literal(asked),
    )
    for rule_id, hour, points, times, last_at in young:
        found[rule_id].append(Pace(hour, points, times, last_at))
    return found


GRANTED = """
    select rule_id, date_trunc('hour', decided_at), sum(granted)::bigint,
           (count(*) filter (where granted > 0) - count(*) filter (where granted < 0))::bigint,
           max(decided_at) filter (where granted > 0)
      from accrual_decision
     where granted <> 0
"""
"""The table's moments lie in order, so some hours of it are read and no more."""


@transaction.atomic
def _note(hour: datetime) -> None:
    """All of an hour and its mark, or nothing."""
    counted = rows(
        f"{GRANTED} and decided_at >= %(first)b and decided_at < %(end)b group by 1, 2",
        first=hour,
        end=hour + HOUR,
    )
    RuleHour.objects.bulk_create(
        [
            RuleHour(rule_id=rule_id, hour=hour, points=points, times=times, last_at=last_at)
            for rule_id, _, points, times, last_at in [*counted, (WHOLE, hour, 0, 0, None)]
        ],
        ignore_conflicts=True,
    )


def _counted_until(end: datetime | None) -> datetime:
    """The first hour that is not counted; the beginning of time where none is."""
    marks = RuleHour.objects.filter(rule_id=WHOLE)
    if end is not None:
        marks = marks.filter(hour__lt=end)
    last = marks.order_by("-hour").values_list("hour", flat=True).first()
    return last + HOUR if last is not None else LONG_AGO


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
