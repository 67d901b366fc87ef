from django.db import connection


def accounts_with_points(*, limit: int) -> list[int]:
    """Erased accounts that have points, or owe some, and wait for no order; in ascending order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select e.subscriber_id from subscribers_erasure e
              join ledger.account a on a.subscriber_id = e.subscriber_id
             where a.held = 0 and (a.posted <> 0 or a.arrears <> 0)
             order by e.subscriber_id limit %s
            """,
            [limit],
        )
        return [subscriber_id for (subscriber_id,) in cursor.fetchall()]
