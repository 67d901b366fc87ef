"""The books stay fit to be distributed by subscriber (docs/decisions/015-on-several-machines.md)."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.plain import rows

pytestmark = pytest.mark.django_db
SQL = Path("club/ledger/sql")
# By the column that names the account.
DISTRIBUTED = {
    "account": "subscriber_id",
    "posting": "subscriber_id",
    "past": "subscriber_id",
    "hold": "subscriber_id",
    "pending": "subscriber_id",
    "freeze": "subscriber_id",
    "successor": "subscriber_id",
    "pot": "pot_id",
    "pot_invitation": "subscriber_id",
    "pot_member": "subscriber_id",
    "carried": "subscriber_id",
    "carried_lot": "subscriber_id",
}
REFERENCE = {"fund"}  # a copy on every node
LOCAL = {
    "budget",
    "seal",
    "proof",
    "detached_month",
    "programme_total",
    "programme_day",
    "carried_total",
}


def test_each_table_of_the_books_has_its_place() -> None:
    tables = rows(
        "select relname from pg_class where relnamespace = 'ledger'::regnamespace"
        " and relkind in ('r', 'p') and not relispartition"
    )
    assert {name for (name,) in tables} == {*DISTRIBUTED} | REFERENCE | LOCAL


def test_every_key_of_the_money_path_begins_with_the_subscriber() -> None:
    keys = rows(
        """
        select c.relname, i.indexrelid::regclass::text, i.indisprimary, a.attname
          from pg_index i
          join pg_class c on c.oid = i.indrelid
          join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
         where c.relnamespace = 'ledger'::regnamespace and not c.relispartition
           and (i.indisprimary or i.indisunique)
        """
    )
    of_the_money_path = [key for key in keys if key[0] in DISTRIBUTED]
    wrong = [key for key in of_the_money_path if key[3] != DISTRIBUTED[key[0]]]
    assert wrong == []
    assert {table for table, _, is_primary, _ in of_the_money_path if is_primary} == {*DISTRIBUTED}


def test_no_foreign_key_binds_a_subscriber() -> None:
    bound = rows(
        """
        select a.relname, b.relname from pg_constraint f
          join pg_class a on a.oid = f.conrelid join pg_class b on b.oid = f.confrelid
         where f.contype = 'f' and 'ledger'::regnamespace in (a.relnamespace, b.relnamespace)
        """
    )
    assert bound == [("budget", "fund")]  # a local table and a reference table


def locks() -> Iterator[tuple[str, str]]:
    """File and statement of each `for update` in the verbs."""
    for file in sorted(SQL.glob("*.sql")):
        code = re.sub(r"--.*", "", file.read_text())
        for statement in re.split(r";|\bloop\b", code):
            if re.search(r"\bfor (no key )?update\b", statement):
                yield file.name, " ".join(statement.split())


def test_for_update_locks_one_account_and_many_are_locked_by_a_write() -> None:
    found = list(locks())
    assert len(found) >= 9
    one = re.compile(r"from (ledger\.)?account where subscriber_id = [a-z_.]+ for update$")
    assert [lock for lock in found if not one.search(lock[1])] == []


def test_no_verb_takes_a_row_of_a_table_whole() -> None:
    typed = rows(
        """
        select p.oid::regprocedure::text from pg_proc p
         cross join lateral unnest(p.proargtypes) as argument (type)
          join pg_type t on t.oid = argument.type
         where p.pronamespace = 'ledger'::regnamespace and t.typtype = 'c'
        """
    )
    assert typed == []


def test_what_a_subscriber_may_ask_for_is_named_by_the_first_parameter() -> None:
    """Such a function can be sent whole to the machine that has the subscriber."""
    named = rows(
        """
        select p.proname, p.proargnames[1] from pg_proc p
         where p.pronamespace = 'ledger'::regnamespace and 'p_subscriber' = any (p.proargnames)
           and has_function_privilege('club_app', p.oid, 'execute')
        """
    )
    seats = {
        "invite_to_pot",
        "join_pot",
        "pay_into_pot",
        "leave_pot",
    }  # two accounts, pot and member
    assert len(named) >= 20
    assert {name for name, first in named if first != "p_subscriber"} == seats
