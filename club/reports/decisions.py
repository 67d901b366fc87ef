"""Why points came, and why they did not: events with the decisions about them, explained."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated

from pydantic import Field, TypeAdapter

from club.accrual import queries as accrual
from club.accrual.clawback import queries as clawbacks
from club.accrual.clawback.queries import TakenBack
from club.accrual.models import Decision, Event, RuleVersion
from club.accrual.rules.counting import period_after
from club.accrual.rules.explain import Explanation, Reason, explain
from club.accrual.rules.facts import Facts, remembered
from club.accrual.rules.granting import Because, Bid, contest
from club.accrual.rules.model import Limit, Occasion, Streak
from club.accrual.rules.near_misses import clauses_failed
from club.accrual.rules.nearest import Change, nearest
from club.accrual.rules.to_python import compiled, together
from club.accrual.rules.wanting import Want, want
from club.languages import Texts

OCCASION: TypeAdapter[Occasion] = TypeAdapter(Annotated[Occasion, Field(discriminator="kind")])


@dataclass(frozen=True)
class ExplainedDecision:
    """What one rule version decided. How is worked out again from the facts that were kept, when it is
    asked: of fifty rules few are told."""

    rule_id: str
    rule_hash: str
    names: Texts
    wanted: int
    granted: int
    reason: str
    because: Because | None
    """The other rule, the limit or the occasion to come that made it less than wanted."""
    resets_at: datetime | None
    """When that limit, or the counting towards that occasion, begins anew, in Tashkent; None for never."""
    canonical: str
    facts: Facts | None
    """None where there are none to work from: the event was never put to a rule."""
    clauses_failed: int
    """How many clauses kept its condition from holding: the fewer, the nearer it was."""
    taken_back: TakenBack | None = None
    """What a clawback did about it afterwards."""

    @cached_property
    def steps(self) -> Explanation | None:
        """None without facts."""
        if self.facts is None:
            return None
        return explain(compiled(self.canonical).rule, self.facts, version=self.rule_hash)

    def changes(self, levels: Sequence[str]) -> tuple[Change, ...] | None:
        """The least that would have made it count; None where there is no such small thing, or where
        its condition did not stop it. `levels` are the codes of the programme's levels."""
        if self.facts is None or self.wanted:
            return None
        return nearest(self.canonical, self.facts, levels=tuple(levels))


@dataclass(frozen=True)
class ExplainedEvent:
    event: Event
    decisions: Sequence[ExplainedDecision]

    @property
    def granted(self) -> int:
        return sum(decision.granted for decision in self.decisions)


def explained(
    *, subscriber_id: int, event_ids: Iterable[int], fruitless_max: int
) -> dict[int, ExplainedEvent]:
    """The events asked for, and the newest `fruitless_max` that moved no points, by their ids.

    Six queries at most, whatever the number of events; newest event first, and of each event the decisions
    that moved points, then those that nearly did.
    """
    mine = Decision.objects.filter(subscriber_id=subscriber_id)
    of_subscriber = Event.objects.filter(subscriber_id=subscriber_id)
    wanted = {*event_ids}
    if fruitless_max:
        wanted |= {*accrual.fruitless(subscriber_id=subscriber_id, limit=fruitless_max)}
    events = (
        of_subscriber.select_related("outcome__rulebook")
        .filter(id__in=wanted)
        .order_by("-occurred_at", "-id")
    )
    found = {event.id: event for event in events}

    by_event = defaultdict(list)
    fruitful: set[int] = set()  # a clawback takes back nothing of others
    for decision in mine.filter(event_id__in=found).order_by("rule_id"):
        by_event[decision.event_id].append(decision)
        if decision.granted > 0:
            fruitful.add(decision.event_id)
    asked = {event.id: _asked(event) for event in found.values()}
    hashes = {hash_ for versions in asked.values() for hash_ in versions}
    hashes |= {d.rule_hash for decisions in by_event.values() for d in decisions}
    known = RuleVersion.objects.only("rule_id", "canonical", "names")
    versions = known.in_bulk(hashes) if hashes else {}
    taken = clawbacks.taken_back(subscriber_id=subscriber_id, event_ids=fruitful)
    return {
        event.id: ExplainedEvent(
            event=event,
            decisions=sorted(
                _all_of(event, by_event[event.id], asked[event.id], versions, taken), key=nearness
            ),
        )
        for event in found.values()
    }


def _asked(event: Event) -> Sequence[str]:
    outcome = getattr(event, "outcome", None)
    return outcome.rulebook.versions if outcome and outcome.rulebook else ()


def _all_of(
    event: Event,
    decisions: Sequence[Decision],
    asked: Sequence[str],
    versions: Mapping[str, RuleVersion],
    taken: Mapping[tuple[int, str], TakenBack],
) -> Iterator[ExplainedDecision]:
    """What was decided, and what the other rules that were asked said: they wanted nothing, or another
    one counted in their place. That follows from the facts and needs no row to be told again. A
    cancellation asks none: it takes back what one gave before."""
    decided = {decision.rule_hash: decision for decision in decisions}
    facts = None if event.facts is None else remembered(event.facts)
    hashes = [*dict.fromkeys([*asked, *decided])]
    canonicals = tuple(versions[hash_].canonical for hash_ in hashes)
    failed = dict(zip(hashes, clauses_failed(canonicals)(*facts), strict=True)) if facts else {}
    for hash_, decision in decided.items():
        clawed = taken.get((event.id, decision.rule_id))
        yield _explained(decision, event, versions[hash_], facts, failed.get(hash_, 0), clawed)
    if facts is None:
        return
    wants = {
        hash_: want(compiled(canonical), points, facts)
        for hash_, canonical, points in zip(
            hashes, canonicals, together(canonicals)(*facts), strict=True
        )
    }
    _, lost = contest(
        [
            _bid(versions[hash_], wanted, decided.get(hash_))
            for hash_, wanted in wants.items()
            if wanted.points and not _stood_aside(decided.get(hash_))
        ]
    )
    for hash_, wanted in wants.items():
        if hash_ in decided:
            continue
        version = versions[hash_]
        other = lost.get(version.rule_id)
        yield ExplainedDecision(
            rule_id=version.rule_id,
            rule_hash=hash_,
            names=version.names,
            wanted=wanted.wanted,
            granted=0,
            reason=other.reason if other else wanted.reason,
            because=other.because if other else None,
            resets_at=None,
            canonical=version.canonical,
            facts=facts,
            clauses_failed=failed[hash_],
        )


def _stood_aside(decision: Decision | None) -> bool:
    """Its occasion had not come, or its subscriber was held out: others counted as if it were not there."""
    return decision is not None and decision.reason in (Reason.NOT_YET, Reason.HOLDOUT)


def _bid(version: RuleVersion, told: Want, decision: Decision | None) -> Bid:
    """An occasion may have come several times over; then the decision alone knows what was wanted."""
    rule = compiled(version.canonical).rule
    wanted = decision.wanted if decision else told.wanted
    return Bid(rule, min(wanted, rule.reward.cap_per_event))


def nearness(decision: ExplainedDecision) -> tuple[int, str]:
    """What moved points first, then what wanted some, then the nearest miss."""
    if decision.granted or decision.facts is None:
        return 0, decision.rule_id
    if decision.wanted:
        return 1, decision.rule_id
    return 1 + decision.clauses_failed, decision.rule_id


def _explained(
    decision: Decision,
    event: Event,
    version: RuleVersion,
    facts: Facts | None,
    failed: int,
    taken_back: TakenBack | None,
) -> ExplainedDecision:
    because = _because(decision)
    return ExplainedDecision(
        rule_id=decision.rule_id,
        rule_hash=decision.rule_hash,
        names=version.names,
        wanted=decision.wanted,
        granted=decision.granted,
        reason=decision.reason,
        because=because,
        resets_at=resets_at(because, event.occurred_at),
        canonical=version.canonical,
        facts=facts,
        clauses_failed=failed,
        taken_back=taken_back,
    )


def _because(decision: Decision) -> Because | None:
    stored = decision.because
    if stored is None:
        return None
    known = {"used": stored["used"], "period": stored["period"]}
    if "limit" in stored:
        return Because(limit=Limit.model_validate(stored["limit"]), **known)
    return Because(occasion=OCCASION.validate_python(stored["occasion"]), **known)


def resets_at(because: Because | None, at: datetime) -> datetime | None:
    """When the limit, or the counting towards the occasion, that bit at `at` begins anew."""
    counted = because and (because.limit or because.occasion)
    if counted is None or isinstance(counted, Streak):
        return None
    return period_after(counted.period, at)
