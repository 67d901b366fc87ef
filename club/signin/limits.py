"""How often something may be asked, counted in the database so that every process counts together.

Windows are fixed (they end at multiples of their length), so up to twice the limit may pass round
the turn of one; in return a limit is one row and one statement, and asking costs no history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils.crypto import salted_hmac

from club.signin.errors import TooFast
from club.signin.models import Tally


@dataclass(frozen=True)
class Limit:
    times_max: int
    window_s: int


@dataclass(frozen=True)
class Use:
    """One thing counted: `kind` names what is done, `key` who does it."""

    kind: str
    key: str
    limits: Sequence[Limit]


def parse(text: str) -> tuple[Limit, ...]:
    """Limits as configuration writes them: times/seconds, with spaces between.

    >>> parse("3/600 10/86400")
    (Limit(times_max=3, window_s=600), Limit(times_max=10, window_s=86400))
    """
    pairs = (part.split("/") for part in text.split())
    return tuple(Limit(times_max=int(times), window_s=int(seconds)) for times, seconds in pairs)


def ends_at(*, now: datetime, window_s: int) -> datetime:
    """The end of the window in which `now` lies.

    >>> from datetime import UTC
    >>> ends_at(now=datetime(2026, 11, 22, 10, 5, tzinfo=UTC), window_s=600).isoformat()
    '2026-11-22T10:10:00+00:00'
    """
    elapsed_s = int(now.timestamp()) % window_s
    return now.replace(microsecond=0) + timedelta(seconds=window_s - elapsed_s)


# Not ORM: `count + 1` on conflict is what makes the count exact when many ask at once.
COUNT = """
insert into signin_tally (kind, key, window_s, ends_at, count)
select kind, key, window_s, ends_at, 1
from unnest(%s::text[], %s::text[], %s::int[], %s::timestamptz[]) as use (kind, key, window_s, ends_at)
on conflict (kind, key, window_s, ends_at) do update set count = signin_tally.count + 1
returning kind, window_s, ends_at, count
"""


def take(uses: Sequence[Use], *, now: datetime) -> None:
    """Count these uses, in one statement that commits by itself.

    Raises TooFast with `retry_after_s` when one of the limits is exceeded. What was refused is
    counted, too: that changes nothing, the window ends when it ends.
    """
    # One order for everybody, or two who count the same rows would lock each other out.
    rows = sorted((use.kind, _hashed(use), limit.window_s) for use in uses for limit in use.limits)
    kinds, keys, windows = zip(*rows, strict=True)
    ends = [ends_at(now=now, window_s=window_s) for window_s in windows]
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [list(kinds), list(keys), list(windows), ends])
        counted = cursor.fetchall()

    allowed = {(use.kind, limit.window_s): limit.times_max for use in uses for limit in use.limits}
    over = [end for kind, window_s, end, count in counted if count > allowed[kind, window_s]]
    if over:
        retry_after_s = max(1, int((max(over) - now).total_seconds() + 0.999))
        raise TooFast("too many requests; wait and try again", retry_after_s=retry_after_s)


def forget(kind: str, key: str) -> None:
    """Take back everything counted of one key: who is erased is not even counted."""
    Tally.objects.filter(kind=kind, key=_hashed(Use(kind, key, ()))).delete()


def _hashed(use: Use) -> str:
    return salted_hmac(f"club.signin.tally.{use.kind}", use.key, algorithm="sha256").hexdigest()
