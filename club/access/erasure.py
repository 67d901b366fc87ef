"""The audit keeps every act, by whom and when; what it tells about an erased person goes."""

from collections.abc import Sequence

from django.db import connection

from club.access.models import AuditLine


def erase_subject(*, subject_kind: str, subject_id: object) -> None:
    AuditLine.objects.filter(subject_kind=subject_kind, subject_id=str(subject_id)).update(
        details={}
    )


def erase_written(*, pattern: str) -> None:
    """Details never hold a number, but a member of staff may have written one into a reason: they
    go wherever the pattern finds it. Reads the whole audit and all proposals: erasing is rare."""
    with connection.cursor() as cursor:
        cursor.execute(
            "update access_auditline set details = '{}' where details::text ~ %s",
            [pattern],
        )
        cursor.execute(
            """
            update access_proposal
               set why = regexp_replace(why, %(number)s, '…', 'g'),
                   answer = regexp_replace(answer, %(number)s, '…', 'g')
             where concat(why, ' ', answer) ~ %(number)s
            """,
            {"number": pattern},
        )


def erase_asked(*, kind: str, subject_ids: Sequence[str]) -> None:
    """What was asked for about a person, in the words of staff: that it was asked for stays."""
    AuditLine.objects.filter(subject_kind=kind, subject_id__in=subject_ids).update(details={})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            update access_proposal set why = '', answer = '', document = document - 'reason',
                   before = before - 'reason'
             where kind = %s and subject_id = any(%s)
            """,
            [kind, list(subject_ids)],
        )
