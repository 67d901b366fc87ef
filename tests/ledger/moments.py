"""Deeds at chosen moments. The books note the start of a transaction, and a test is one transaction: so
what was just done is moved to its moment afterwards, by the owner of the tables and past the guards."""

from datetime import datetime

from django.db import connection

from club.clock import TASHKENT

NOTED = (
    ("posting", "posted_at"),
    ("hold", "placed_at"),
    ("hold", "closed_at"),
    ("pending", "noted_at"),
    ("pending", "closed_at"),
)


def at(hour: int, minute: int = 0, *, day: int = 22) -> datetime:
    """In November 2026, in Tashkent."""
    return datetime(2026, 11, day, hour, minute, tzinfo=TASHKENT)


def happened(moment: datetime) -> None:
    """All that was done since the last call was done at this moment."""
    with connection.cursor() as cursor:
        cursor.execute("alter table ledger.posting disable trigger user")
        for table, column in NOTED:
            cursor.execute(
                f"update ledger.{table} set {column} = %s where {column} = now()", [moment]
            )
        cursor.execute("alter table ledger.posting enable trigger user")
