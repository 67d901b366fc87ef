"""What makes no sense is refused, with an error that says what, and nothing is half done: every verb of
the books with every wrong value of each of its arguments, one at a time among good ones."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError

from club.ledger import actions as ledger
from club.ledger import errors, queries
from club.ledger.rules import Source
from tests.ledger import bad_input
from tests.ledger.bad_input import CONTENT, DAY, GOOD, OTHER_CONTENT, POINTS, SPENT, World
from tests.ledger.people import LATER, NEXT_WEEK, NOW, SOON
from tests.ledger.plain import rows, run

pytestmark = pytest.mark.django_db
Refusal = type[errors.LedgerError]
BIGINT_MAX = 2**63 - 1
NUL, HALF_A_PAIR, LONG = "a\0b", "\ud800", "x" * 201
YEAR_1, YEAR_2019, YEAR_9999 = date(1, 1, 1), date(2019, 1, 1), date(9999, 12, 31)
FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
NOBODY = 10**15

# ---- by argument: what is wrong, and what is said about it

AMOUNTS: dict[object, Refusal] = dict.fromkeys(
    (0, -1, 10**12 + 1, BIGINT_MAX, BIGINT_MAX + 1, -BIGINT_MAX - 2), errors.BadAmount
)
TEXTS: dict[object, Refusal] = dict.fromkeys((NUL, HALF_A_PAIR), errors.BadPosting)
REFS: dict[object, Refusal] = {**TEXTS, "": errors.BadPosting, LONG: errors.BadPosting}
OUTSIDE: dict[object, Refusal] = dict.fromkeys((YEAR_1, YEAR_2019), errors.DayOutsideBooks)
NO_MORE_GOOD: dict[object, Refusal] = {**OUTSIDE, YEAR_9999: errors.NotEnoughPoints}
NUMBERS: dict[object, Refusal] = {BIGINT_MAX + 1: errors.BadAmount}
LIMITS: dict[object, Refusal] = {-1: errors.BadPosting, 2**31: errors.BadAmount}

WRONG: dict[str, dict[object, Refusal]] = {
    "points": AMOUNTS,
    "ref": REFS,
    "of_ref": {**TEXTS, "": errors.NoSuchPosting, LONG: errors.NoSuchPosting},
    "fingerprint": dict.fromkeys((b"", b"x" * 15, b"x" * 33), errors.BadPosting),
    "source": {2**15: errors.BadAmount},
    "of_source": {2**15: errors.BadAmount, 9: errors.NoSuchPosting},
    "day": OUTSIDE | {YEAR_9999: errors.DayOutsideBooks},
    "occurred_on": OUTSIDE | {YEAR_9999: errors.DayOutsideBooks},
    "of_day": {YEAR_1: errors.NoSuchPosting, SOON: errors.BadPosting},
    "expires_on": {None: errors.BadPosting},
    "fund": {-1: errors.WrongFund, 2**31: errors.BadAmount},
    "subscriber_id": NUMBERS,
    "from_subscriber_id": NUMBERS | {0: errors.BadPosting, -5: errors.BadPosting},
    "to_subscriber_id": NUMBERS
    | {0: errors.BadPosting, -5: errors.BadPosting, NOBODY: errors.UnknownSubscriber},
    "pot_id": {-99: errors.NoSuchPot, 5: errors.NoSuchPot, BIGINT_MAX + 1: errors.BadAmount},
    "by": {NOBODY: errors.NotInPot, 0: errors.NotInPot, BIGINT_MAX + 1: errors.BadAmount},
    "owner_id": NUMBERS | {0: errors.BadPosting, -5: errors.BadPosting},
    "hold_id": {UUID(int=1): errors.NoSuchHold},
    "lifetime": dict.fromkeys(
        (timedelta(0), timedelta(days=-1), timedelta(days=41)), errors.BadPosting
    ),
    "now": {LAST_MOMENT: errors.BadPosting},
    "budget": {**TEXTS, "none": errors.NoSuchBudget},
    "code": {**TEXTS, "": errors.BadPosting, "x" * 61: errors.BadPosting},
    "name": REFS,
    "actor": TEXTS,
    "reason": TEXTS,
    "limit": LIMITS,
    "after": NUMBERS,
    "prefix": {**TEXTS, "": errors.BadPosting, "x" * 41: errors.BadPosting},
    "blocks": {(b"",): errors.BadPosting, (b"ref\n",): errors.BadPosting},
    "months": {0: errors.BadPosting, 241: errors.BadPosting, 2**31: errors.BadAmount},
    "to": {DAY: errors.BadPosting, YEAR_1: errors.BadPosting},
    "ending_from": {LATER: errors.BadPosting},
    "ending_until": {YEAR_1: errors.BadPosting, YEAR_9999: errors.BadPosting},
    "ending_on": {YEAR_2019: errors.BadPosting, YEAR_9999: errors.BadPosting},
    "valid_until": {YEAR_2019: errors.BadPosting},
    "spent_by": {0: errors.BadPosting, 3: errors.BadPosting},
    "subscriber_ids": {(BIGINT_MAX + 1,): errors.BadAmount},
}
"""Left out, because no value is wrong: moments that only say what is due (`until`, `active_since`,
`promised_at`), days that only say what lapses (`grace_until`), and a `key`, which any UUID is."""

NAMED = {"": errors.BadPosting, "x" * 151: errors.BadPosting}
DRAWN: dict[str, dict[object, Refusal]] = {
    "day": NO_MORE_GOOD, "fund": {-1: errors.WrongFund, 99: errors.WrongFund, 2**31: errors.BadAmount}
}  # fmt: skip
# Where a verb says something else about a value, or takes it.
OF_VERB: dict[str, dict[str, dict[object, Refusal]]] = {
    "spend": DRAWN | {"subscriber_id": NUMBERS | {NOBODY: errors.NotEnoughPoints}},
    "hold": {
        "day": {YEAR_9999: errors.NotEnoughPoints},  # Nothing is posted before its capture.
        "fund": DRAWN["fund"],
        "hold_id": {},
        "subscriber_id": NUMBERS | {NOBODY: errors.NotEnoughPoints, 0: errors.NotEnoughPoints},
    },
    "hold_from_pot": {"day": {YEAR_9999: errors.NotEnoughPoints}, "hold_id": {}},
    "spend_from_pot": {"day": NO_MORE_GOOD, "now": {}},
    "pay_into_pot": {
        "day": NO_MORE_GOOD, "now": {}, "subscriber_id": NUMBERS | {NOBODY: errors.NotInPot}
    },
    "capture": {
        "points": {0: errors.BadAmount, -1: errors.BadAmount, BIGINT_MAX + 1: errors.BadAmount}
        | {11: errors.MoreThanLeft, BIGINT_MAX: errors.MoreThanLeft},
        "subscriber_id": NUMBERS | {NOBODY: errors.NoSuchHold},
    },
    "release": {"day": {}, "subscriber_id": NUMBERS | {NOBODY: errors.NoSuchHold}},
    "extend_hold": {"hold_id": {}},
    "pin_hold": {"hold_id": {}},
    "unpin_hold": {"hold_id": {}},
    "release_expired_holds": {"day": {}, "now": {}},
    "keep_promises": {"now": {}},
    "withdraw_promise": {
        "ref": {**TEXTS, "other": errors.NoSuchPosting},
        "occurred_on": dict.fromkeys((YEAR_1, YEAR_9999), errors.NoSuchPosting),
        "subscriber_id": NUMBERS | {NOBODY: errors.NoSuchPosting},
    },
    "reverse": {
        "points": AMOUNTS | {SPENT + 1: errors.MoreThanLeft, 10**12: errors.MoreThanLeft},
        "day": dict.fromkeys((YEAR_1, DAY - timedelta(days=1)), errors.BadPosting)
        | {YEAR_9999: errors.DayOutsideBooks},
        "subscriber_id": NUMBERS | {NOBODY: errors.NoSuchPosting},
    },
    "reverse_transfer": {
        "points": AMOUNTS | {11: errors.MoreThanLeft, 10**12: errors.MoreThanLeft},
        "day": dict.fromkeys((YEAR_1, DAY - timedelta(days=1)), errors.BadPosting)
        | {YEAR_9999: errors.DayOutsideBooks},
        "subscriber_id": NUMBERS | {NOBODY: errors.NoSuchPosting},
    },
    "transfer": {
        "day": NO_MORE_GOOD,
        "now": {},
        "subscriber_id": NUMBERS | {0: errors.BadPosting, NOBODY: errors.NotEnoughPoints},
        "reason": TEXTS | dict.fromkeys(("merge", "pot", "pot_share"), errors.BadPosting),
    },
    "adjust": {
        "points": {
            **{n: e for n, e in AMOUNTS.items() if n != -1},
            -(10**12) - 1: errors.BadAmount, -POINTS: errors.NotEnoughPoints,
        },
        "day": OUTSIDE | {YEAR_9999: errors.BadPosting},
        "expires_on": {None: errors.BadPosting, YEAR_2019: errors.BadPosting},
        "fund": DRAWN["fund"],
        "actor": TEXTS | NAMED,
        "reason": TEXTS | {"because": errors.BadPosting},
    },
    "goodwill": {
        "day": dict.fromkeys((YEAR_1, YEAR_2019, YEAR_9999), errors.BudgetSpent),
        "points": AMOUNTS | {501: errors.BudgetSpent},
        "expires_on": {None: errors.BadPosting, YEAR_2019: errors.BadPosting},
        "actor": TEXTS | NAMED,
    },
    "make_fund": {"fund": {-1: errors.BadPosting, 2**31: errors.BadAmount}},
    "make_budget": {"fund": DRAWN["fund"]},
    "extend": {
        "day": {YEAR_1: errors.DayOutsideBooks, YEAR_9999: errors.BadPosting},
        "fund": {2**31: errors.BadAmount},
    },
    "extend_many": {
        "day": {YEAR_1: errors.DayOutsideBooks, YEAR_9999: errors.BadPosting},
        "fund": {2**31: errors.BadAmount},
    },
    "expire_due": {"day": {YEAR_9999: errors.DayOutsideBooks}},
    "expire_inactive": {"day": OUTSIDE},
    "follow_successors": {"day": {}},
    "freeze": {"reason": TEXTS | {"": errors.BadPosting}},
    "merge": {
        "day": OUTSIDE | {YEAR_9999: errors.DayOutsideBooks},
        "to_subscriber_id": NUMBERS
        | {0: errors.BadPosting, -5: errors.BadPosting, NOBODY: errors.UnknownSubscriber},
    },
    "invite_to_pot": {
        "now": {}, "subscriber_id": {NOBODY: errors.UnknownSubscriber, BIGINT_MAX + 1: errors.BadAmount}
    },
    "join_pot": {
        "now": {LAST_MOMENT: errors.NotInPot},
        "subscriber_id": NUMBERS | {NOBODY: errors.NotInPot},
    },
    "leave_pot": {
        "day": {YEAR_1: errors.DayOutsideBooks}, "subscriber_id": NUMBERS | {NOBODY: errors.NotInPot}
    },
    "close_pot": {"day": OUTSIDE | {YEAR_9999: errors.DayOutsideBooks}},
}  # fmt: skip


def wrong_arguments(name: str, good: dict[str, Any]) -> Iterator[tuple[str, object, Refusal]]:
    for argument in good:
        wrong = OF_VERB.get(name, {}).get(argument, WRONG.get(argument, {}))
        yield from ((argument, value, refusal) for value, refusal in wrong.items())


@pytest.fixture
def world() -> World:
    return bad_input.made()


def call(name: str, world: World, **changes: Any) -> object:
    verb, good = GOOD[name]
    return verb(**good(world) | changes)


Everything = list[tuple[object, ...]]


def everything() -> Everything:
    """All tables of the books, by their contents, in one order (workers may read them in any)."""
    tables = rows(
        "select oid::regclass::text from pg_class where relnamespace = 'ledger'::regnamespace"
        " and relkind in ('r', 'p') and not relispartition order by 1"
    )
    return rows(
        " union all ".join(
            f"select '{table}', count(*), md5(string_agg(t::text, '|' order by t::text)) from {table} t"
            for (table,) in tables
        )
        + " order by 1"
    )


def refused(verb: Callable[[], object], *, before: Everything | None = None) -> str:
    """The error that came; and if it did not leave everything as it was, what it changed, too."""
    before = before or everything()
    with pytest.raises((errors.LedgerError, DatabaseError, ValueError, OverflowError)) as told:
        verb()
    after = everything()  # The transaction goes on, or this could not be asked.
    changed = [row for row, old in zip(after, before, strict=True) if row != old]
    name = type(told.value).__name__
    assert isinstance(told.value, errors.LedgerError), f"{name}: {told.value}"
    assert told.value.code != errors.LedgerError.code
    return f"{name}, but {changed}" if changed else name


@pytest.mark.parametrize("name", GOOD)
def test_with_good_arguments_every_verb_succeeds(name: str, world: World) -> None:
    call(name, world)
    assert queries.prove() == []


def test_no_verb_is_left_out() -> None:
    words = {"Accrual", "Booked", "Detached", "Extended", "Posted", "Promise", "Source", "Swept"}
    no_verbs = words | {"walk"}
    needs_an_old_month = {"detach_month"}  # which its own stories have
    tried = {*GOOD} - {"accrue", "accrue_many"} | {"post_many"}
    assert tried | needs_an_old_month == {*ledger.__all__} - no_verbs


@pytest.mark.parametrize("name", GOOD)
def test_a_wrong_argument_is_refused_and_nothing_is_half_done(name: str, world: World) -> None:
    verb, good = GOOD[name]
    before = everything()
    for argument, value, refusal in wrong_arguments(name, good(world)):
        answer = refused(partial(verb, **good(world) | {argument: value}), before=before)
        assert answer == refusal.__name__, f"{argument}={value!r}"


# ---- what is wrong only together with what was before


def test_a_key_that_was_used_with_other_content_is_refused_by_every_verb(world: World) -> None:
    keyed = [name for name, (_, good) in GOOD.items() if "fingerprint" in good(world)]
    assert len(keyed) == 14
    for name in keyed:
        verb, good = GOOD[name]
        verb(**good(world))
        again = partial(verb, **good(world) | {"fingerprint": OTHER_CONTENT})
        if name in ("accrue", "accrue_many", "promise_many"):  # A batch answers it, and goes on.
            before = everything()
            assert again().conflicts == ("new",)  # type: ignore[attr-defined]
            assert everything() == before
        else:
            assert refused(again) == "KeyReused", name


def test_a_reversal_is_not_reversed(world: World) -> None:
    call("reverse", world, ref="back")
    call("reverse_transfer", world, ref="sent back")
    for ref in ("back", "sent back"):
        again = {"of_source": Source.STAFF, "of_ref": ref}
        assert refused(partial(call, "reverse", world, **again)) == "NotReversible"
        assert refused(partial(call, "reverse_transfer", world, **again)) == "NotReversible"
    for of in ("sent", "spent"):  # Each has a verb of its own.
        verb = "reverse" if of == "sent" else "reverse_transfer"
        assert refused(partial(call, verb, world, of_ref=of)) == "NotReversible"


def test_nobody_spends_or_gives_more_than_there_is(world: World) -> None:
    has = queries.balance(subscriber_id=world.aziza, day=DAY).spendable_points
    for name in ("spend", "hold", "transfer", "pay_into_pot"):
        assert refused(partial(call, name, world, points=has + 1)) == "NotEnoughPoints", name
    assert refused(partial(call, "adjust", world, points=-has - 1)) == "NotEnoughPoints"
    assert refused(partial(call, "spend_from_pot", world, points=106)) == "NotEnoughPoints"
    assert refused(partial(call, "hold_from_pot", world, points=106)) == "NotEnoughPoints"
    assert refused(partial(call, "capture", world, points=11)) == "MoreThanLeft"


def test_a_balance_beyond_what_can_be_counted_is_refused(world: World) -> None:
    def bek_has(points: int) -> None:
        assert run(
            "update ledger.account set posted = %s, lot_keys = array[ledger.lot_key(%s, 0)],"
            " lot_points = array[%s::bigint] where subscriber_id = %s",
            points, SOON, points, world.bek,
        ) == 1  # fmt: skip

    bek_has(BIGINT_MAX - 10**6)
    for name in ("accrue", "accrue_many", "adjust"):
        over = partial(call, name, world, subscriber_id=world.bek, points=10**12)
        assert refused(over) == "BadAmount", name

    bek_has(BIGINT_MAX - 5)
    before = everything()
    for over in (partial(call, "transfer"), partial(call, "merge", to_subscriber_id=world.bek)):
        with pytest.raises(errors.BadAmount):
            over(world=world)
        assert everything() == before


def test_a_clock_that_goes_back_makes_nothing_due_and_undoes_nothing(world: World) -> None:
    yesterday, day_before = NOW - timedelta(days=1), DAY - timedelta(days=1)
    before = everything()
    assert ledger.keep_promises(now=yesterday, limit=10) == 0
    assert ledger.keep_promises(now=FIRST_MOMENT, limit=10) == 0
    assert ledger.release_expired_holds(now=yesterday, day=day_before, limit=10) == 0
    assert ledger.expire_due(day=day_before, limit=10).taken == 0
    assert everything() == before

    ledger.freeze(subscriber_id=world.aziza, until=NEXT_WEEK, reason="staff")
    frozen = everything()
    assert ledger.freeze(subscriber_id=world.aziza, until=yesterday, reason="staff") == NEXT_WEEK
    assert refused(partial(call, "transfer", world, now=yesterday)) == "TransfersFrozen"
    assert everything() == frozen

    assert ledger.keep_promises(now=NOW, limit=10) == 1
    kept = everything()
    assert ledger.keep_promises(now=yesterday, limit=10) == 0
    assert everything() == kept
    assert ledger.withdraw_promise(
        subscriber_id=world.aziza, source=Source.ACCRUAL, ref="promised", occurred_on=DAY
    ) is False  # fmt: skip
    assert queries.prove() == []


def test_more_than_a_call_takes_is_refused(world: World) -> None:
    one = ledger.Accrual(world.aziza, "new", DAY, 1, SOON, 0, CONTENT)
    for many in (5_001, 20_000):
        batch = [one._replace(ref=str(n)) for n in range(many)]
        too_many = partial(ledger.post_many, source=Source.ACCRUAL, accruals=batch)
        assert refused(too_many) == "TooMany"
