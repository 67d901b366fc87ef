"""Reads of clawbacks: how far each is, and what one did about a subscriber's events."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count

from club.accrual.errors import NoSuchClawback
from club.accrual.models import Clawback, Clawed


@dataclass(frozen=True, slots=True)
class Spared:
    """How many lines were left alone, or not given back, and why: a code."""

    state: str
    note: str
    lines: int


@dataclass(frozen=True, slots=True)
class Progress:
    clawback: Clawback
    spared: Sequence[Spared]

    @property
    def percent(self) -> int:
        """Of the lines, how many are done; rounded down, so that 100 is the end."""
        whole = self.clawback.lines_count
        return 100 if not whole else self.clawback.lines_done * 100 // whole

    @property
    def is_running(self) -> bool:
        return self.clawback.ended_at is None

    def sentence(self) -> str:
        """One line of a list."""
        one = self.clawback
        told = (
            f"{one.pk}  {one.campaign_id}  {one.state}  {one.lines_done:,} of {one.lines_count:,}"
            f" ({self.percent} %), {one.taken_points:,} points taken"
        )
        if one.restored_points:
            told += f", {one.restored_points:,} given back"
        return told + "".join(
            f"; {spared.lines:,} {spared.state}: {spared.note}" for spared in self.spared
        )


def clawbacks(*, campaign: str | None = None, limit: int) -> list[Progress]:
    """The latest first. A count of the lines that were spared for each."""
    found = Clawback.objects.order_by("-pk")
    if campaign is not None:
        found = found.filter(campaign=campaign)
    return [_progress(one) for one in found[:limit]]


def clawback(*, clawback_id: int) -> Progress:
    """Raises NoSuchClawback."""
    found = Clawback.objects.filter(pk=clawback_id).first()
    if found is None:
        raise NoSuchClawback(f"there is no clawback {clawback_id}")
    return _progress(found)


def _progress(one: Clawback) -> Progress:
    counted = (
        one.lines.filter(state__in=[Clawed.State.SPARED, Clawed.State.GONE])
        .values_list("state", "note")
        .annotate(Count("event_id"))
        .order_by("state", "note")
    )
    return Progress(one, [Spared(*row) for row in counted])


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a clawback did about one decision, the last one that did something."""

    clawback_id: int
    taken_points: int
    taken_on: date
    restored_points: int
    restored_on: date | None
    """None as long as nothing was given back."""


def taken_back(
    *, subscriber_id: int, event_ids: Collection[int]
) -> dict[tuple[int, str], TakenBack]:
    """By (event_id, rule_id); decisions that no clawback touched are left out. One query."""
    states = [Clawed.State.TAKEN, Clawed.State.RESTORED, Clawed.State.GONE]
    found = (
        Clawed.objects.filter(subscriber_id=subscriber_id, event_id__in=event_ids, state__in=states)
        .select_related("clawback")
        .order_by("clawback_id")
    )
    return {
        (one.event_id, one.rule_id): TakenBack(
            clawback_id=one.clawback_id,
            taken_points=one.taken_points,
            taken_on=one.clawback.taken_on,
            restored_points=one.restored_points,
            restored_on=one.clawback.restored_on if one.state == Clawed.State.RESTORED else None,
        )
        for one in found
    }
