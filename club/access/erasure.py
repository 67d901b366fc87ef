"""The audit keeps every act, by whom and when; what it tells about an erased person goes."""

from django.db import connection

from club.access.models import AuditLine


def erase_subject(*, subject_kind: str, subject_id: object) -> None:
    AuditLine.objects.filter(subject_kind=subject_kind, subject_id=str(subject_id)).update(
        details={}
    )


def erase_written(*, pattern: str) -> None:
    """Details never hold a number, but a member of staff may have written one into a reason: they
    go wherever the pattern finds it. Reads the whole audit: erasing is rare."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update access_auditline set details = '{}' where details::text ~ %s",
            [pattern],
        )
