"""The books beside what the diaries say they must be. Every fault names its row. Reads plain tables: a
checker that asked the ledger would believe it."""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from django.db import connection

from chaos import events
from chaos.expected import Expected, Key, Line
from club.ledger import queries

SHOWN_MAX = 20
# Of these the books alone know the amounts: expiry, repayment, moves of lots, shares and merges.
UNKEYED = """
    kind in (3, 8) or kind = 11 and starts_with(ref, 'sweep:')
    or kind in (9, 10) and reason in ('merge', 'pot_share')
"""


def proof() -> list[str]:
    """The laws of the books, which hold at any moment."""
    return [
        f"{b.law}: subscriber {b.subscriber_id}, {b.place}, expected {b.expected}, found {b.found}"
        for b in queries.prove()
    ]


def missing(expected: Expected) -> list[str]:
    """What was acknowledged and is not there, or is there with another content."""
    found = _lines()
    return [
        f"lost: {_named(key)} kind {line.kind} of {line.points} was acknowledged, found {found.get(key)}"
        for key, line in expected.lines.items()
        if found.get(key) != line
    ]


def doubled_or_strange(expected: Expected, *, others: Iterable[int]) -> list[str]:
    """What is there and nobody did. Of `others` the lines are somebody else's to check."""
    elsewhere = frozenset(others)
    return [
        f"not asked for: {_named(key)} kind {line.kind} of {line.points}"
        for key, line in _lines().items()
        if key not in expected.lines and key.who not in elsewhere
    ]


def sums(expected: Expected, *, others: Iterable[int]) -> list[str]:
    """Every balance, or of those between whom only the books know the amounts, their sum."""
    posted: Counter[str] = Counter()
    for who, points in _rows("select subscriber_id, posted from ledger.account"):
        posted[expected.group(who)] += points
    wanted = expected.sums()
    elsewhere = frozenset(map(str, others))
    return [
        f"balance of {name}: expected {wanted[name]}, found {posted[name]}"
        for name in sorted({*wanted, *posted} - elsewhere)
        if wanted[name] != posted[name]
    ] + [
        f"left behind by {who}: {points} posted, {held} held"
        for who, points, held in _rows("select subscriber_id, posted, held from ledger.account")
        if who in expected.empty and (points or held)
    ]


def holds(expected: Expected, *, others: Iterable[int]) -> list[str]:
    found = {
        (who, str(hold_id)): (points, {1: None, 2: captured, 3: 0}[state])
        for who, hold_id, points, captured, state in _rows(
            "select subscriber_id, hold_id, points, captured, state from ledger.hold"
        )
    }
    faults = []
    for key, hold in expected.holds.items():
        allowed = [(hold.points, hold.captured)]
        if hold.may_be_swept and hold.captured is None:
            allowed.append((hold.points, 0))
        if found.get(key) not in allowed:
            faults.append(f"hold {key}: expected {allowed}, found {found.get(key)}")
    elsewhere = frozenset(others)
    strange = [key for key in found if key not in expected.holds and key[0] not in elsewhere]
    return faults + [f"a hold nobody placed: {key}" for key in strange]


def the_rest(expected: Expected) -> list[str]:
    """Promises, budgets, freezes, lots that were moved."""
    cast, faults = expected.cast, []
    for who, source, ref, on, points, state in _rows(
        "select subscriber_id, source, ref, occurred_on, points, state from ledger.pending"
        " where subscriber_id = any(%s)",
        [cast.promised],
    ):
        key = Key(who, source, ref, on)
        wanted = (expected.promised.get(key), 3 if key in expected.withdrawn else 2)
        if (points, state) != wanted:
            faults.append(f"promise {_named(key)}: expected {wanted}, found {(points, state)}")
    for code, spent in _rows("select code, spent from ledger.budget"):
        if spent != expected.budgets[code]:
            faults.append(f"budget {code}: expected {expected.budgets[code]} spent, found {spent}")
    frozen = {who for (who,) in _rows("select subscriber_id from ledger.freeze")}
    if frozen != {who for who, is_frozen in expected.frozen.items() if is_frozen}:
        faults.append(f"frozen: expected {expected.frozen}, found {frozen}")
    for who, expires_on, points in _rows(
        "select subscriber_id, expires_on, points from ledger.lot"
        " where subscriber_id = any(%s) and points > 0",
        [[*cast.expiring, *cast.idle, *cast.extended]],
    ):
        if who not in cast.extended or expires_on != cast.moved_to:
            faults.append(f"not swept: {points} points of {who} until {expires_on}")
    faults += [
        f"left behind by a file: {table}"
        for (table,) in _rows(
            "select relname from pg_class where relnamespace = 'ledger'::regnamespace"
            " and relkind = 'r' and starts_with(relname, 'stage_')"
        )
    ]
    return faults


def intake(expected: Expected) -> list[str]:
    """Every event is there once and decided once, and earned what plain arithmetic says."""
    cast, count, faults = expected.cast, expected.delivered, []
    wanted: Counter[int] = Counter()
    for number in range(count):
        wanted[cast.payers[number % len(cast.payers)][0]] += events.points(number, cast=cast)
    taken = count + sum(map(events.is_cancelled, range(count)))
    ((there, decided, queued),) = _rows(
        "select (select count(*) from accrual_event),"
        " (select count(*) from accrual_outcome where state = 'decided'),"
        " (select count(*) from accrual_queued)"
    )
    if (there, decided, queued) != (taken, taken, 0):
        faults.append(
            f"events: expected {taken} taken and decided, found {there} taken, {decided} decided,"
            f" {queued} in the queue"
        )
    posted = dict(_rows("select subscriber_id, posted from ledger.account"))
    faults += [
        f"payer {who}: expected {wanted[who]}, found {posted.get(who, 0)}"
        for who, _ in cast.payers
        if posted.get(who, 0) != wanted[who]
    ]
    faults += [
        f"event {event_id}: {decisions} grants by rule {rule_id}, {postings} postings"
        for event_id, rule_id, decisions, postings in _rows(
            """
            select d.event_id, d.rule_id, count(*), coalesce(sum(p.n), 0)
              from accrual_decision d
              left join lateral (select count(*) as n from ledger.posting p
                                  where p.subscriber_id = d.subscriber_id and p.source = 1
                                    and p.ref = d.event_id || ':' || d.rule_id) p on true
             where d.granted <> 0
             group by 1, 2 having count(*) <> 1 or coalesce(sum(p.n), 0) <> 1
            """
        )
    ]
    return faults


def orders(expected: Expected, *, switched_on: dict[str, int]) -> list[str]:
    """Paid if and only if delivered; nothing is left open, and nothing was delivered twice."""
    found = {str(key): (who, state, price) for key, who, state, price in _rows(
        "select id, subscriber_id, state, price_points from orders_order"
    )}  # fmt: skip
    paid: Counter[str] = Counter()
    for ref, points in _rows(
        "select ref, points from ledger.posting where kind = 7 and subscriber_id = any(%s)",
        [[who for who, _ in expected.cast.buyers]],
    ):
        paid[ref.removeprefix("hold:")] -= points
    faults = [f"an order nobody placed: {key}" for key in found if key not in expected.orders]
    faults += [f"paid without an order: {key}" for key in paid if key not in found]
    for key, who in expected.orders.items():
        _, state, price = found.get(key, (who, "lost", 0))
        on = switched_on.get(key, 0)
        wanted = {"done": (1, price), "refused": (0, 0)}.get(state)
        if wanted != (on, paid[key]):
            faults.append(f"order {key}: {state}, delivered {on} times, {paid[key]} points paid")
    return faults


def named(faults: list[str]) -> list[str]:
    more = len(faults) - SHOWN_MAX
    return faults[:SHOWN_MAX] + ([f"… and {more} more"] if more > 0 else [])


def _lines() -> dict[Key, Line]:
    return {
        Key(who, source, ref, on): Line(kind, points)
        for who, source, ref, on, kind, points in _rows(
            "select subscriber_id, source, ref, occurred_on, kind, points from ledger.posting"
            f" where ({UNKEYED}) is not true"
        )
    }


def _named(key: Key) -> str:
    on: date = key.on
    return f"posting {key.who}/{key.source}/{key.ref}/{on}"


def _rows(sql: str, parameters: list[object] | None = None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
