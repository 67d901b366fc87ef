"""What went wrong for somebody, put right by a member of staff.

Each deed is one transaction: the books and the audit line that says who did it, to whom and why.
`key` names the deed (a complaint's number): with the same key on the same business day it counts
once, and leaves one line. Points that are given live as the programme's earned points do.
"""

from collections.abc import Mapping
from datetime import date, datetime

from django.db import transaction

from club.access import actions as audit
from club.access.models import Staff
from club.clock import day_of
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.errors import UnknownSubscriber
from club.ledger.rules import (
    AdjustmentReason,
    Booked,
    ClawbackPolicy,
    Extended,
    Source,
    Swept,
    fingerprint_of,
    grace_until,
)
from club.programme import queries as programme
from club.programme import rules
from club.subscribers.models import Subscriber


@transaction.atomic
def adjust(
    *,
    subscriber_id: int,
    points: int,
    reason: AdjustmentReason,
    key: str,
    by: Staff,
    now: datetime,
    fund: int | None = None,
) -> Booked:
    """Gives points, or takes them where `points` is below zero (never more than may be spent).

    `fund` pays for what is given (None: the operator), or limits what is taken to its points.
    Raises UnknownSubscriber, NotEnoughPoints, WrongFund, KeyReused, BadPosting.
    """
    _must_exist(subscriber_id)
    day = day_of(now)
    booked = ledger.adjust(
        subscriber_id=subscriber_id,
        source=Source.STAFF,
        ref=key,
        day=day,
        points=points,
        reason=reason,
        actor=by.get_username(),
        fund=fund,
        expires_on=rules.expires_on(day, life=programme.life()) if points > 0 else None,
        fingerprint=fingerprint_of("adjust", points, reason, fund),
    )
    why = {"points": points, "reason": reason, "fund": fund, "key": key}
    _recorded("points.adjusted", subscriber_id, why, by=by, now=now, is_fresh=booked.is_fresh)
    return booked


@transaction.atomic
def give_goodwill(
    *, subscriber_id: int, points: int, budget: str, key: str, by: Staff, now: datetime
) -> Booked:
    """Gives points from a goodwill budget.

    Raises UnknownSubscriber, NoSuchBudget, BudgetSpent (with left_points), KeyReused, BadPosting.
    """
    _must_exist(subscriber_id)
    day = day_of(now)
    booked = ledger.goodwill(
        subscriber_id=subscriber_id,
        source=Source.STAFF,
        ref=key,
        day=day,
        points=points,
        budget=budget,
        expires_on=rules.expires_on(day, life=programme.life()),
        actor=by.get_username(),
        fingerprint=fingerprint_of("goodwill", points, budget),
    )
    why = {"points": points, "budget": budget, "key": key}
    _recorded("points.given", subscriber_id, why, by=by, now=now, is_fresh=booked.is_fresh)
    return booked


@transaction.atomic
def reverse(
    *,
    subscriber_id: int,
    of_source: int,
    of_ref: str,
    of_day: date,
    points: int | None,
    key: str,
    by: Staff,
    now: datetime,
) -> Booked:
    """Undoes a line of the statement, wholly (`points` None: what is left of it) or in part.

    What is given back after its own last day, and what is taken where its own lot lacks it, follow
    the programme's terms.
    Raises NoSuchPosting, NotReversible, MoreThanLeft (with left_points), KeyReused, BadPosting.
    """
    day = day_of(now)
    settings = programme.current()
    booked = ledger.reverse(
        subscriber_id=subscriber_id,
        source=Source.STAFF,
        ref=key,
        day=day,
        of_source=of_source,
        of_ref=of_ref,
        of_day=of_day,
        points=points,
        fingerprint=fingerprint_of("reverse", of_source, of_ref, of_day, points),
        grace_until=grace_until(day, grace_days=settings.return_grace_days),
        policy=ClawbackPolicy(settings.clawback_policy),
        actor=by.get_username(),
    )
    why = {
        "source": int(of_source),
        "ref": of_ref,
        "day": of_day.isoformat(),
        "points": points,
        "key": key,
    }
    _recorded("posting.reversed", subscriber_id, why, by=by, now=now, is_fresh=booked.is_fresh)
    return booked


@transaction.atomic
def extend(
    *,
    subscriber_id: int,
    ending_until: date,
    to: date,
    reason: str,
    key: str,
    by: Staff,
    now: datetime,
    fund: int | None = None,
) -> Extended:
    """Lets what would expire from now to `ending_until` live until `to`.

    Raises KeyReused, BadPosting (`to` is not later, or nothing good can end by then).
    """
    day = day_of(now)
    extended = ledger.extend(
        subscriber_id=subscriber_id,
        source=Source.STAFF,
        ref=key,
        day=day,
        ending_from=day,
        ending_until=ending_until,
        to=to,
        reason=reason,
        actor=by.get_username(),
        fund=fund,
        fingerprint=fingerprint_of("extend", ending_until, to, fund),
    )
    why = {
        "points": extended.extended_points,
        "until": ending_until.isoformat(),
        "to": to.isoformat(),
        "reason": reason,
        "fund": fund,
        "key": key,
    }
    _recorded("points.extended", subscriber_id, why, by=by, now=now, is_fresh=extended.is_fresh)
    return extended


@transaction.atomic
def extend_everybody(
    *,
    ending_on: date,
    to: date,
    reason: str,
    key: str,
    by: Staff,
    now: datetime,
    limit: int,
    fund: int | None = None,
    after: int | None = None,
) -> Swept:
    """Lets all lots that end on one day, of up to `limit` subscribers behind `after`, live until `to`.

    Answers of how many, and behind whom to go on; beginning again after a crash is harmless. Each
    call that moved something leaves its line. Raises BadPosting.
    """
    swept = ledger.extend_many(
        source=Source.STAFF,
        ref=key,
        day=day_of(now),
        ending_on=ending_on,
        to=to,
        reason=reason,
        actor=by.get_username(),
        fund=fund,
        limit=limit,
        after=after,
    )
    if swept.taken:
        audit.record(
            "points.extended",
            by=by,
            subject_kind="expiry_day",
            subject_id=ending_on.isoformat(),
            now=now,
            details={"owners": swept.taken, "to": to.isoformat(), "reason": reason, "key": key},
        )
    return swept


@transaction.atomic
def set_fund(*, fund: int, code: str, name: str, by: Staff, now: datetime) -> None:
    """Makes a fund or names it anew. Raises KeyReused (another one has the code), BadPosting."""
    before = next((each for each in books.funds() if each.fund == fund), None)
    ledger.make_fund(fund=fund, code=code, name=name)
    audit.record(
        "fund.set",
        by=by,
        subject_kind="fund",
        subject_id=fund,
        now=now,
        details={
            "before": before and {"code": before.code, "name": before.name},
            "after": {"code": code, "name": name},
        },
    )


@transaction.atomic
def set_budget(
    *,
    code: str,
    fund: int,
    points: int,
    valid_from: date,
    valid_until: date,
    by: Staff,
    now: datetime,
) -> int:
    """Makes a goodwill budget or alters it; answers what is left of it.

    Raises WrongFund, BadAmount, BadPosting (less than it has given already, another payer).
    """
    before = next((each for each in books.budgets() if each.code == code), None)
    left_points = ledger.make_budget(
        code=code, fund=fund, points=points, valid_from=valid_from, valid_until=valid_until
    )
    audit.record(
        "budget.set",
        by=by,
        subject_kind="budget",
        subject_id=code,
        now=now,
        details={
            "before": before
            and _terms(before.fund, before.points, before.valid_from, before.valid_until),
            "after": _terms(fund, points, valid_from, valid_until),
        },
    )
    return left_points


def _terms(fund: int, points: int, valid_from: date, valid_until: date) -> dict[str, object]:
    days = {"from": valid_from.isoformat(), "until": valid_until.isoformat()}
    return {"fund": fund, "points": points, **days}


def _must_exist(subscriber_id: int) -> None:
    if not Subscriber.objects.filter(id=subscriber_id).exists():
        raise UnknownSubscriber("nobody has this number", subscriber_id=subscriber_id)


def _recorded(
    action: str,
    subscriber_id: int,
    why: Mapping[str, object],
    *,
    by: Staff,
    now: datetime,
    is_fresh: bool,
) -> None:
    """One line for one deed: a repetition did nothing."""
    if is_fresh:
        audit.record(
            action,
            by=by,
            subject_kind="subscriber",
            subject_id=subscriber_id,
            now=now,
            details=dict(why),
        )
