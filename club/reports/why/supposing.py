"""What if: the decisions about an event that has not happened, explained like real ones."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from club.accrual import what_if
from club.accrual.errors import UnknownLevel
from club.accrual.models import RuleVersion
from club.accrual.rules.facts import Facts
from club.accrual.rules.model import Scalar
from club.accrual.rules.near_misses import clauses_failed
from club.languages import Texts
from club.programme import queries as programmes
from club.reports.decisions import ExplainedDecision, nearness, resets_at
from club.subscribers.models import Subscriber


@dataclass(frozen=True)
class Supposition:
    """What the rules would see, and what each would decide; the first would bring points."""

    at: datetime
    facts: Facts
    decisions: Sequence[ExplainedDecision]

    @property
    def points(self) -> int:
        return sum(decision.granted for decision in self.decisions)


def suppose(
    *,
    subscriber: Subscriber,
    at: datetime,
    facts: Mapping[str, Scalar | None],
    levels: Collection[str],
) -> Supposition:
    """What `subscriber` would get for an event at `at` with these facts; `levels` are the codes of the
    programme's levels. Five queries at most. Raises UnknownLevel and ProgrammeNotConfigured.
    """
    if facts.get("tier") not in (None, *levels):
        raise UnknownLevel("the programme has no such level", levels=", ".join(levels))
    outcome = what_if.what_if(
        subscriber=subscriber, at=at, facts=facts, base_tier=programmes.current().base_tier
    )
    hashes = [answer.version.hash for answer in outcome.answers]
    names = dict(RuleVersion.objects.filter(hash__in=hashes).values_list("hash", "names"))
    decisions = [_explained(answer, names, outcome.facts, at) for answer in outcome.answers]
    return Supposition(at, outcome.facts, sorted(decisions, key=nearness))


def _explained(
    answer: what_if.Answer, names: Mapping[str, Texts], facts: Facts, at: datetime
) -> ExplainedDecision:
    version, steps, granted = answer
    return ExplainedDecision(
        rule_id=version.rule_id,
        rule_hash=version.hash,
        names=names[version.hash],
        wanted=steps.wanted,
        granted=granted.points,
        reason=granted.reason,
        because=granted.because,
        resets_at=resets_at(granted.because, at),
        canonical=version.canonical,
        facts=facts,
        clauses_failed=clauses_failed((version.canonical,))(*facts)[0],
    )
