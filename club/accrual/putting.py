"""Putting an event to the rules that are in force at its moment: which of them want points for it,
and what they are granted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from club.accrual.queries import Version
from club.accrual.rules import occasions
from club.accrual.rules.counting import Counted, Place, Used, counted_by, periods_in, places_of
from club.accrual.rules.facts import Facts
from club.accrual.rules.granting import (
    Candidate,
    Grant,
    award,
    grant,
    is_held_out,
    turn,
)
from club.accrual.rules.model import Rule
from club.accrual.rules.shelves import Shelves, shelved
from club.accrual.rules.to_python import Compiled, compiled
from club.accrual.rules.wanting import want
from club.accrual.taking import Taken
from club.tuples import new


class Asked(NamedTuple):
    """A rule version in a rulebook."""

    rule: Rule
    version: Version
    compiled: Compiled
    counted: Sequence[Counted]
    """By its limits."""
    is_plain: bool
    """It waits for no occasion, and nobody is held out."""


class Rulebook(NamedTuple):
    """The rule versions that are asked together, in their order."""

    hashes: tuple[str, ...]
    asked: Sequence[Asked]
    versions: Mapping[str, Version]
    """By the ids of their rules."""
    shelves: Shelves
    follows_from_facts: bool
    """All are plain: who counts depends on the event alone."""


class Put(NamedTuple):
    """An event that was put to the rules: what they saw, which were asked, and which want points; only
    those that count, where that follows from the facts."""

    facts: Facts
    book: Rulebook
    candidates: Sequence[Candidate]


def rulebook(versions: Sequence[Version], at: datetime, kind: str) -> Rulebook:
    """What is asked about an event of this kind at that moment."""
    asked = sorted(
        (
            Asked(
                one.rule,
                version,
                one,
                counted_by(one.rule, version.campaign),
                not (one.rule.occasion or version.holdout_percent),
            )
            for version in versions
            if version.is_in_force(at) and kind in (one := compiled(version.canonical)).rule.trigger
        ),
        key=lambda one: turn(one.rule),
    )
    return Rulebook(
        tuple(sorted(one.version.hash for one in asked)),
        asked,
        {one.rule.id: one.version for one in asked},
        shelved(tuple(one.version.canonical for one in asked)),
        all(one.is_plain for one in asked),
    )


def put_to(book: Rulebook, payment: Taken, facts: Facts) -> Put:
    """Most rules want nothing of most events; and where the facts alone say which of the others count,
    the counters of the rest need not be looked at."""
    shelf = book.shelves.of(facts)
    points = shelf.points(*facts)
    if book.follows_from_facts:
        wanting = shelf.lineup.counting(points)
    else:
        wanting = [nth for nth, wanted in enumerate(points) if wanted]
    candidates = [
        _candidate(book.asked[shelf.places[nth]], points[nth], payment, facts) for nth in wanting
    ]
    return new(Put, (facts, book, candidates))


def _candidate(asked: Asked, points: int, payment: Taken, facts: Facts) -> Candidate:
    rule, version, functions, counted, is_plain = asked
    who = payment.subscriber_id
    assert who is not None
    wanted = want(functions, points, facts)
    counters = places_of(counted, who, periods_in(payment.day, payment.hour)) if counted else ()
    if is_plain:
        return new(Candidate, (rule, wanted, counters, None, False))
    return Candidate(
        rule,
        wanted,
        counters,
        occasions.place_of(rule, subscriber_id=who, at=payment.occurred_at),
        is_held_out(version.campaign, who, version.holdout_percent),
    )


def granted_of(put: Put, payment: Taken, used: dict[Place, Used]) -> list[tuple[Candidate, Grant]]:
    """What the rules that want points are granted; `used` is counted up."""
    if put.book.follows_from_facts:
        return [(one, grant(one, used=used)) for one in put.candidates]
    amount, at = payment.amount_tiyin, payment.occurred_at
    return award(put.candidates, amount=amount, at=at, used=used)
