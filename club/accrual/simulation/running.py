"""A simulation from its worlds to its figures, wherever the events come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from club.accrual.campaign_files import CampaignFile
from club.accrual.funds import shares_of
from club.accrual.queries import Version
from club.accrual.rules.to_python import compiled
from club.accrual.simulation.chunks import Chunk, Events
from club.accrual.simulation.figures import BEFORE, DRAFT, Side, Tally
from club.accrual.simulation.granting import settled, settled_turned
from club.accrual.simulation.wants import microseconds
from club.accrual.simulation.worlds import Entrant, Small, World, world_of

READING = 0.8
"""What part of the time goes into reading and asking the events."""


def worlds_of(file: CampaignFile, versions: Sequence[Version]) -> tuple[World, World]:
    """The rules as they were in force for the events, and the same with the draft in its campaign's
    place: as if it had always been in force."""
    before = [
        Entrant(
            compiled(one.canonical).rule,
            one.campaign,
            shares_of(one.fund),
            _us(one.since),
            _us(one.until),
            one.holdout_percent,
        )
        for one in versions
    ]
    others = [one for one in before if one.campaign != file.code and one.rule.id not in file.rules]
    payers = tuple((share.fund, share.percent) for share in file.paid_by)
    draft = [
        Entrant(named.rule, file.code, payers, holdout_percent=file.holdout_percent)
        for named in file.rules.values()
    ]
    return world_of(before), world_of([*others, *draft])


def _us(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)


def simulate(
    events: Events,
    worlds: tuple[World, World],
    *,
    code: str,
    point_worth_tiyin: int,
    told: Callable[[float], None],
) -> dict[str, Any]:
    """`told` hears what part is done, between 0 and 1, and may raise to end it."""
    sides = [Side(world, code, events.span.days, len(events.cohorts)) for world in worlds]
    tally = Tally(events.span, sides, events.cohorts)
    read = events.chunks(worlds, told=lambda part: told(part * READING))
    for chunk, granted, turned in _granted(read, worlds):
        tally.add(chunk, granted)
        tally.add_turned(chunk, granted[DRAFT], turned)
        told(READING)
    return tally.results(events=events.count, point_worth_tiyin=point_worth_tiyin)


def _granted(
    chunks: Iterable[Chunk], worlds: tuple[World, World]
) -> Iterator[tuple[Chunk, list[Small], Small]]:
    """Each chunk with what is granted of the wishes of both worlds, and of the draft's turned round; in
    one piece with a limit that all share, for then everybody's events belong together."""
    if any(world.shared for world in worlds):
        yield from _together([*chunks], worlds)
    else:
        for chunk in chunks:
            yield from _together([chunk], worlds)


def _together(
    chunks: Sequence[Chunk], worlds: tuple[World, World]
) -> Iterator[tuple[Chunk, list[Small], Small]]:
    before, draft = (
        settled([chunk.crowds[place] for chunk in chunks], worlds[place])
        for place in (BEFORE, DRAFT)
    )
    turned = settled_turned([chunk.turned for chunk in chunks], worlds[DRAFT])
    for chunk, was, now, other in zip(chunks, before, draft, turned, strict=True):
        yield chunk, [was, now], other
