"""A file of opening balances laid beside the books, in temporary tables of this session.

Nine million lines are compared by the database, which spills to its disk what does not fit into
memory; nothing here touches the books. One plain statement a question. The tables:

    opening_line     the lines that could be read
    opening_booked   what the books have from this source already
    opening_known    a line with its subscriber, its fund, and its like in the books
    opening_fault    what is wrong, by line
    opening_good     the lines without a fault
    opening_ready    of these what the books lack, numbered in the order of the accounts
    opening_difference   by subscriber, where the good lines and the books differ
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any

from django.db import connection, transaction

from club.ledger.opening.lines import Fault, Line, Reader
from club.ledger.rules import Accrual, Kind, Source, fingerprint_of

ROWS_PER_WRITE = 5_000
TABLES = ("opening_line", "opening_booked", "opening_known", "opening_fault", "opening_ready")

Parameters = Mapping[str, Any] | Sequence[Any]


def fill(reader: Reader, *, source: str, day: date) -> None:
    """Reads the whole file and finds what is wrong with it. Raises nothing for a broken line."""
    clear()
    with transaction.atomic():
        # Sorting and joining nine million lines: what is more goes to the disk.
        _run("set local work_mem = '64MB'")
        _run(MAKE)
        _copy(reader)
        _run("analyze opening_line")
        _run(
            BOOKED,
            {"source": int(Source.IMPORT), "kind": int(Kind.OPENING), "prefix": f"{source}:"},
        )
        _run(KNOWN[reader.heading.owner])
        for law in LAWS:
            _run(law, {"owner": reader.heading.owner, "day": day})
        _run("create index on opening_fault (line)")
        _run("analyze opening_fault")
        _run(GOOD)
        _run(READY)


def clear() -> None:
    _run("drop view if exists pg_temp.opening_difference, pg_temp.opening_good")
    _run(f"drop table if exists {', '.join(f'pg_temp.{name}' for name in TABLES)}")


def _copy(reader: Reader) -> None:
    each = iter(reader)
    while chunk := list(islice(each, ROWS_PER_WRITE)):
        lines = [one for one in chunk if isinstance(one, Line)]
        faults = [fault for one in chunk if not isinstance(one, Line) for fault in one]
        _write("opening_line", lines)
        _write("opening_fault", faults)


def _write(table: str, rows: Sequence[Line] | Sequence[Fault]) -> None:
    """Printable texts hold neither tab nor line break, so only backslashes are special."""
    if not rows:
        return
    text = "".join(["\t".join(map(str, row)) + "\n" for row in rows])
    with (
        connection.wrap_database_errors,  # what comes at the end of a copy is psycopg's own
        connection.cursor() as cursor,
        cursor.copy(f"copy pg_temp.{table} from stdin") as copy,
    ):
        copy.write(text.replace("\\", "\\\\"))


# ---- what is asked of it ---------------------------------------------------------------------


def ready(*, source: str, after: int, limit: int) -> tuple[int, list[Accrual]]:
    """The next lines to post after number `after`, and the number of the last of them."""
    found = rows(
        """
        select n, subscriber_id, ref, earned_on, points, expires_on, fund from opening_ready
         where n > %s order by n limit %s
        """,
        [after, limit],
    )
    accruals = [
        Accrual(
            subscriber_id,
            f"{source}:{ref}",
            earned_on,
            points,
            expires_on,
            fund,
            fingerprint_of("opening", points, expires_on, fund),
        )
        for _, subscriber_id, ref, earned_on, points, expires_on, fund in found
    ]
    return (found[-1][0] if found else after), accruals


def rows(sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def stream_csv(query: str) -> Iterator[bytes]:
    """A query's rows as CSV with a heading, in bounded memory."""
    with (
        transaction.atomic(),
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"copy ({query}) to stdout with (format csv, header)") as copy,
    ):
        for block in copy:
            yield bytes(block)


def _run(sql: str, parameters: Parameters | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


# ---- the tables ------------------------------------------------------------------------------

MAKE = """
create temporary table opening_line (
    line bigint, ref text, owner text, points bigint, earned_on date, expires_on date, fund text);
create temporary table opening_fault (line bigint, field text, code text, what text, remedy text)
"""

# Reads the journal once, all of it: a search by subscriber would look into every month each time.
BOOKED = """
create temporary table opening_booked as
select p.subscriber_id, substr(p.ref, length(%(prefix)s) + 1) as ref, p.occurred_on as earned_on,
       p.points, p.expires_on, p.fund
  from ledger.every_posting p
 where p.source = %(source)s and p.kind = %(kind)s and starts_with(p.ref, %(prefix)s);
analyze opening_booked
"""

_KNOWN = """
create temporary table opening_known as
select l.line, l.ref, s.id as subscriber_id, l.points, l.earned_on, l.expires_on, f.fund,
       l.fund as fund_code, b.ref is not null as is_booked,
       (b.subscriber_id, b.points, b.earned_on, b.expires_on, b.fund)
           is not distinct from (s.id, l.points, l.earned_on, l.expires_on, f.fund) as is_same,
       strpos(l.ref, substr(s.msisdn, 4)) > 0 as is_telling
  from opening_line l
  left join subscribers_subscriber s on {whose}
  left join ledger.fund f on f.code = l.fund
  left join opening_booked b on b.ref = l.ref;
analyze opening_known
"""
KNOWN = {
    "msisdn": _KNOWN.format(whose="s.msisdn = l.owner"),
    "subscriber_id": _KNOWN.format(whose="s.id = l.owner::bigint"),
}

GOOD = """
create temporary view opening_good as
select * from opening_known k where not exists (select from opening_fault f where f.line = k.line);
create temporary view opening_difference as
select subscriber_id, sum(points)::bigint as expected_points,
       coalesce(sum(points) filter (where is_booked), 0)::bigint as booked_points
  from opening_good group by subscriber_id having not bool_and(is_booked)
"""

READY = """
create temporary table opening_ready as
select row_number() over (order by subscriber_id, ref) as n, subscriber_id, ref, earned_on, points,
       expires_on, fund
  from opening_good where not is_booked;
alter table opening_ready add primary key (n);
analyze opening_ready
"""

# Each finds one kind of fault. What the books have already is not asked again whether its month or
# its last day are still to come: a file that was written stays clean for ever.
LAWS = (
    """
    insert into opening_fault
    select line, %(owner)s, 'unknown_subscriber', 'nobody in the programme has it',
           'bring the subscriber in first, or leave the line out'
      from opening_known where subscriber_id is null
    """,
    """
    insert into opening_fault
    select line, 'fund', 'unknown_fund', format('the books have no fund %%L', left(fund_code, 40)),
           'give the code of a fund of the books, or make the fund first'
      from opening_known where fund is null
    """,
    """
    insert into opening_fault
    select line, 'ref', 'number_in_ref', 'the ref holds the phone number',
           'give another id: the journal keeps it for ever, also when the person is erased'
      from opening_known where is_telling
    """,
    """
    insert into opening_fault
    select k.line, 'earned_on', 'day_outside_books', format('the books have no month for %%s', k.earned_on),
           format('first make it: club ledger make-months --first %%s --months 1',
                  date_trunc('month', k.earned_on)::date)
      from opening_known k
     where not k.is_booked
       and date_trunc('month', k.earned_on) in (
           select month from (select distinct date_trunc('month', earned_on) as month from opening_known) m
            where not exists (select from pg_inherits
                               where inhparent = 'ledger.posting'::regclass
                                 and inhrelid = to_regclass('ledger.' || ledger.month_of(month::date))))
    """,
    """
    insert into opening_fault
    select line, 'earned_on', 'in_the_future', format('%%s is still to come', earned_on),
           'give the day on which the points were earned'
      from opening_known where earned_on > %(day)s and not is_booked
    """,
    """
    insert into opening_fault
    select line, 'expires_on', 'already_expired', format('they were good until %%s', expires_on),
           'leave the line out: who has lost the points does not get them back'
      from opening_known where expires_on < %(day)s and not is_booked
    """,
    """
    insert into opening_fault
    select line, 'ref', 'booked_otherwise', 'the books have other points under this ref',
           'see the old system: a correction needs a ref of its own, or a reversal first'
      from opening_known where is_booked and not is_same
    """,
    # Exact repetitions count once; of lines that contradict each other nobody knows the right one.
    """
    insert into opening_fault
    with twice as (
        select ref, min(line) as first,
               count(distinct (owner, points, earned_on, expires_on, fund)) = 1 as is_same
          from opening_line group by ref having count(*) > 1)
    select l.line, 'ref', case when t.is_same then 'repeated_line' else 'contradicting_lines' end,
           format('the ref stands in line %%s %%s', t.first,
                  case when t.is_same then 'with the same content' else 'and in others, with other content' end),
           case when t.is_same then 'leave this line out' else 'find out which is right, leave the others out' end
      from opening_line l join twice t on t.ref = l.ref
     where l.line > t.first or not t.is_same
    """,
)
