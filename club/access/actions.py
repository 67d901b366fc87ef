from datetime import datetime, time

from club.access.models import AuditLine, Staff
from club.clock import TASHKENT, day_of

READ = "personal_data.read"


def record(
    action: str,
    *,
    by: Staff | None,
    subject_kind: str,
    subject_id: object,
    now: datetime,
    details: dict[str, object] | None = None,
) -> AuditLine:
    """Write one audit line in the caller's transaction: no deed without it, none of it without the deed.

    `by` is None only for the system itself. `details` holds before, after and why; no personal data.
    """
    return AuditLine.objects.create(
        at=now,
        by=by,
        action=action,
        subject_kind=subject_kind,
        subject_id=str(subject_id),
        details=details or {},
    )


def record_reading(*, by: Staff, subject_kind: str, subject_id: object, now: datetime) -> None:
    """Write that somebody read personal data: one line a member of staff, subject and day.

    Two first readings at the same moment may leave two lines; none leaves no line.
    """
    midnight = datetime.combine(day_of(now), time(), tzinfo=TASHKENT)
    read_today = AuditLine.objects.filter(
        subject_kind=subject_kind,
        subject_id=str(subject_id),
        at__gte=midnight,
        by=by,
        action=READ,
    )
    if not read_today.exists():
        record(READ, by=by, subject_kind=subject_kind, subject_id=subject_id, now=now)
