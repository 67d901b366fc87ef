"""Which release made the books. Before the first release the verbs change in place, so a database
from an earlier checkout must be told apart by its content: a wrong verb would fail at night."""

from hashlib import sha256
from pathlib import Path

from django.db import connection

from club.errors import ClubError

SQL = Path(__file__).resolve().parent / "sql"


class OtherBooks(ClubError):
    """The database's verbs are not this release's."""

    code = "other_books"


def digest() -> str:
    """Stands for the tables and verbs in `sql/`; the migration leaves it in the database."""
    content = "\0".join(file.read_text() for file in sorted(SQL.glob("*.sql")))
    return sha256(content.encode()).hexdigest()[:16]


def require_these_books() -> None:
    """Raises OtherBooks when the database was made from other SQL than this release has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'ledger'"
        )
        (made_from,) = cursor.fetchone() or (None,)
    if made_from != digest():
        raise OtherBooks(
            "this database's books were made by another development release, and its verbs differ"
            " from this one's: check that release out again, or start with a fresh database"
            " (for `club run`: remove the folder .club)"
        )
