"""Putting an event to the rules that are in force at its moment: which of them want points for it,
and what they are granted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from club.accrual.queries import Version
from club.accrual.rules import occasions
from club.accrual.rules.counting import Place, Used, places
from club.accrual.rules.facts import Facts
from club.accrual.rules.granting import (
    Candidate,
    Grant,
    award,
    contest_in_order,
    grant,
    is_held_out,
    turn,
)
from club.accrual.rules.model import Rule
from club.accrual.rules.shelves import Shelves, shelved
from club.accrual.rules.to_python import Compiled, compiled
from club.accrual.rules.wanting import want
from club.accrual.taking import Taken


class Rulebook(NamedTuple):
    """The rule versions that are asked together, in their order."""

    hashes: tuple[str, ...]
    rules: Sequence[tuple[Version, Compiled]]
    shelves: Shelves
    follows_from_facts: bool
    """No rule waits for an occasion and nobody is held out: who counts depends on the event alone."""


class Wanting(NamedTuple):
    """A rule version that wants points for an event; a Bid with more to it."""

    rule: Rule
    points: int
    version: Version
    compiled: Compiled


class Put(NamedTuple):
    """An event that was put to the rules: what they saw, which were asked, and which want points."""

    facts: Facts
    hashes: tuple[str, ...]
    candidates: Sequence[Candidate]
    is_contested: bool
    """The candidates are those that count."""
    versions: Mapping[str, Version]
    """Of the candidates, by the ids of their rules."""


def rulebook(versions: Sequence[Version], at: datetime, kind: str) -> Rulebook:
    """What is asked about an event of this kind at that moment."""
    asked = sorted(
        (
            (version, rule)
            for version in versions
            if version.is_in_force(at)
            and kind in (rule := compiled(version.canonical)).rule.trigger
        ),
        key=lambda one: turn(one[1].rule),
    )
    return Rulebook(
        tuple(sorted(version.hash for version, _ in asked)),
        asked,
        shelved(tuple(version.canonical for version, _ in asked)),
        not any(rule.rule.occasion or version.holdout_percent for version, rule in asked),
    )


def put_to(book: Rulebook, payment: Taken, facts: Facts) -> Put:
    """Most rules want nothing of most events; and where the facts alone say which of the others count,
    the counters of the rest need not be looked at."""
    assert payment.subscriber_id is not None
    who, at = payment.subscriber_id, payment.occurred_at
    shelf = book.shelves.of(facts)
    wanting: list[Wanting] = []
    for place, points in zip(shelf.places, shelf.points(*facts), strict=True):
        if points:
            version, one = book.rules[place]
            wanting.append(Wanting(one.rule, points, version, one))
    if book.follows_from_facts:
        wanting, _ = contest_in_order(wanting)
    candidates = [
        Candidate(
            rule,
            want(one, points, facts),
            places(rule, version.campaign, subscriber_id=who, at=at),
            occasions.place_of(rule, subscriber_id=who, at=at) if rule.occasion else None,
            version.holdout_percent > 0
            and is_held_out(version.campaign, who, version.holdout_percent),
        )
        for rule, points, version, one in wanting
    ]
    versions = {one.rule.id: one.version for one in wanting}
    return Put(facts, book.hashes, candidates, book.follows_from_facts, versions)


def granted_of(put: Put, payment: Taken, used: dict[Place, Used]) -> list[tuple[Candidate, Grant]]:
    """What the rules that want points are granted; `used` is counted up."""
    if put.is_contested:
        return [(one, grant(one, used=used)) for one in put.candidates]
    amount, at = payment.amount_tiyin, payment.occurred_at
    return award(put.candidates, amount=amount, at=at, used=used)
