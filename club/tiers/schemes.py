"""Schemes of levels: changed by a proposal that somebody else approves, like everything staff change."""

from datetime import datetime

from django.db import OperationalError, transaction
from django.db.models import ProtectedError
from psycopg.errors import QueryCanceled

from club.access import proposals
from club.access.models import Proposal, Staff
from club.clock import day_of
from club.tiers import measuring, scheme_files
from club.tiers.actions import Moved
from club.tiers.errors import FirstLevelIsFixed, LevelInUse, LevelOfAnother, TooManyToCount
from club.tiers.models import Scheme, Tier
from club.tiers.scheme_files import Document, SchemeFile

KIND = "tiers.scheme"


@transaction.atomic
def propose(*, text: str, why: str, by: Staff, now: datetime) -> Proposal:
    """Ask for a scheme as the file says, new or changed. Nobody is moved until it is approved.

    Raises BadScheme, whatever would stop it from being put in force, and as `proposals.propose` does.
    """
    document = scheme_files.read(text).document()
    proposal = proposals.propose(
        kind=KIND, subject_id=str(document["code"]), document=document, why=why, by=by, now=now
    )
    tried = transaction.savepoint()
    put_in_force(document, now)
    transaction.savepoint_rollback(tried)
    return proposal


def preview(document: Document, *, now: datetime, timeout_s: int = 0) -> Moved:
    """How many it would move if it were in force today: puts it in force, looks, and takes that back.

    Reads the books of everybody, in at most `timeout_s` seconds (0: as long as it takes). Raises
    TooManyToCount, and as `put_in_force` does.
    """
    try:
        return _preview(document, now, timeout_s)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise TooManyToCount(
            f"counting takes longer than {timeout_s} s; use club levels preview",
            timeout_s=timeout_s,
        ) from error


def _preview(document: Document, now: datetime, timeout_s: int) -> Moved:
    with transaction.atomic():
        tried = transaction.savepoint()
        put_in_force(document, now)
        if timeout_s:
            measuring.rows(f"set local statement_timeout = '{timeout_s}s'")
        (ladder,) = (one for one in measuring.ladders() if one.scheme.code == document["code"])
        ((risen, fallen),) = measuring.compare(
            ladder,
            """
            select count(*) filter (where rank > had), count(*) filter (where rank < had)
              from compared
            """,
            day=day_of(now),
        )
        transaction.savepoint_rollback(tried)
    return Moved(risen, fallen)


@transaction.atomic
def put_in_force(document: Document, now: datetime) -> None:
    """Make the scheme what a document says. The next run moves whoever stands elsewhere then.

    Raises BadScheme, LevelOfAnother, FirstLevelIsFixed, LevelInUse.
    """
    file = scheme_files.read(scheme_files.as_text(document))
    scheme, _ = Scheme.objects.update_or_create(
        code=file.code,
        defaults={
            "names": file.names,
            "measure": file.measure.value,
            "event_type": file.event_type,
            "period_months": file.period_months,
            "window_months": file.window_months,
            "grace_days": file.grace_days,
            "landing_steps": file.landing_steps,
            "notice_days": file.notice_days,
        },
    )
    _check_first(scheme, file)
    for gone in scheme.tiers.exclude(code__in=[tier.code for tier in file.tiers]):
        _drop(gone)
    for rank, tier in enumerate(file.tiers):
        row, _ = Tier.objects.get_or_create(
            code=tier.code, defaults={"scheme": scheme, "rank": rank, "names": {}, "threshold": 0}
        )
        if row.scheme_id != scheme.code:
            raise LevelOfAnother(
                f"the level {tier.code} belongs to the scheme {row.scheme_id}; give this one another code",
                level=tier.code,
                scheme=row.scheme_id,
            )
        row.rank, row.names, row.threshold = rank, tier.names, tier.threshold
        row.benefits = tier.benefits.model_dump(mode="json")
        row.save()


def _check_first(scheme: Scheme, file: SchemeFile) -> None:
    first = scheme.tiers.filter(rank=0).first()
    if first and first.code != file.tiers[0].code:
        raise FirstLevelIsFixed(
            f"the first level of {scheme.code} stays {first.code}: rename it instead",
            level=first.code,
        )


def _drop(tier: Tier) -> None:
    try:
        tier.delete()
    except ProtectedError as error:
        raise LevelInUse(
            f"somebody has stood on {tier.code}, or a reward asks for it: it cannot go",
            level=tier.code,
        ) from error
