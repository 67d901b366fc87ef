"""What a subscriber sees first: who they are, what they have, what it is worth, what is lost next.

Called at every start of the app, so it is two statements for most subscribers and at most four, and the
one that joins four small tables is SQL: the ORM would take twice the time to say the same.
"""

from dataclasses import dataclass
from datetime import date

from django.db import connection

from club.errors import ClubError
from club.ledger import queries as ledger
from club.programme import queries as programme

EXPIRY_DATES_MAX = 24
PROMISES_MAX = 24


class SubscriberNotFound(ClubError):
    code = "session_ended"


@dataclass(frozen=True)
class Level:
    code: str
    name: str
    rank: int


@dataclass(frozen=True)
class Me:
    msisdn: str
    language: str
    balance: ledger.Balance
    worth_tiyin: int
    level: Level
    expiries: tuple[ledger.Expiry, ...]
    promised: tuple[ledger.Promised, ...]


# The level's name is taken in SQL, so that four other languages need not be carried and parsed.
ABOUT = """
select subscriber.msisdn, subscriber.language, programme.point_worth_tiyin, programme.inactive_months,
       tier.code, tier.rank,
       coalesce(
           nullif(tier.names ->> coalesce(%(language)s, subscriber.language), ''),
           tier.names ->> 'uz'
       )
from subscribers_subscriber subscriber
cross join programme_programme programme
join tiers_tier base on base.code = programme.base_tier
left join tiers_standing standing
    on standing.subscriber_id = subscriber.id and standing.until is null
   and standing.scheme_id = base.scheme_id
join tiers_tier tier on tier.code = coalesce(standing.tier_id, programme.base_tier)
where subscriber.id = %(subscriber_id)s
"""


def of(*, subscriber_id: int, language: str | None, day: date) -> Me:
    """One subscriber on a business day; the level's name in `language`, else in their own.

    The worth is that of the spendable points. Expiries are by date, the first 24 of them.
    Raises SubscriberNotFound and ProgrammeNotConfigured.
    """
    with connection.cursor() as cursor:
        cursor.execute(ABOUT, {"subscriber_id": subscriber_id, "language": language})
        about = cursor.fetchone()
    if about is None:
        programme.current()
        raise SubscriberNotFound("nobody has this number any more")
    msisdn, own_language, point_worth_tiyin, inactive_months, code, rank, name = about
    balance = ledger.balance(subscriber_id=subscriber_id, day=day)
    return Me(
        msisdn=msisdn,
        language=own_language,
        balance=balance,
        worth_tiyin=balance.spendable_points * point_worth_tiyin,
        level=Level(code=code, name=name, rank=rank),
        expiries=_expiries(subscriber_id, day, balance, inactive_months=inactive_months),
        promised=_promised(subscriber_id=subscriber_id, balance=balance),
    )


def _promised(*, subscriber_id: int, balance: ledger.Balance) -> tuple[ledger.Promised, ...]:
    if not balance.pending_points:
        return ()
    return tuple(ledger.promised(subscriber_id=subscriber_id, limit=PROMISES_MAX))


def _expiries(
    subscriber_id: int, day: date, balance: ledger.Balance, *, inactive_months: int | None
) -> tuple[ledger.Expiry, ...]:
    if inactive_months is None:
        if balance.next_expiry_on is None:
            return ()
        if balance.next_expiry_points == balance.spendable_points:
            return (ledger.Expiry(balance.next_expiry_on, balance.next_expiry_points),)
    calendar = ledger.expiry_calendar(
        subscriber_id=subscriber_id, day=day, inactive_months=inactive_months
    )
    return tuple(calendar[:EXPIRY_DATES_MAX])
