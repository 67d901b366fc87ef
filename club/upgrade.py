"""`club migrate`: bring an installation to this release. Runs as the owner of the tables."""

from collections.abc import Callable

from django.core.management import call_command
from django.db import connection, transaction
from psycopg import sql

from club import translations
from club.access import groups
from club.ledger import release

APPLICATION_ROLE = "club_app"
APPEND_ONLY = ("access_auditline",)


def upgrade(*, echo: Callable[[str], object]) -> None:
    """Compile sentences, migrate, make the staff's groups, grant. Running it again changes nothing.

    Raises OtherBooks when the database was made by another development release.
    """
    if compiled := translations.compile_stale():
        echo(f"compiled {len(compiled)} catalogues of sentences")
    call_command("migrate", verbosity=0, interactive=False)
    release.require_these_books()
    groups.ensure()
    if grant_application_role():
        echo(f"the application acts as {APPLICATION_ROLE}")


@transaction.atomic
def grant_application_role() -> bool:
    """Let the application's role work with the tables of `public`; False without the role.

    The ledger has a schema of its own and grants its functions itself. No default privileges: a
    table made later stays closed until it is granted here.
    """
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_roles where rolname = %s", [APPLICATION_ROLE])
        if cursor.fetchone() is None:
            return False
        role = sql.Identifier(APPLICATION_ROLE)
        for statement in (
            "grant usage on schema public to {}",
            "grant select, insert, update, delete on all tables in schema public to {}",
            "grant usage, select on all sequences in schema public to {}",
        ):
            cursor.execute(sql.SQL(statement).format(role))
        for table in APPEND_ONLY:
            cursor.execute(
                sql.SQL("revoke update, delete on {} from {}").format(sql.Identifier(table), role)
            )
    return True
