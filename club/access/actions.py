from datetime import datetime

from club.access.models import AuditLine, Staff


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
