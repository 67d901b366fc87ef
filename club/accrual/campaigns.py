"""Publishing rules. A version is immutable and named by the hash of its text."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from pydantic import ValidationError

from club.accrual.errors import BadRule, IncompleteNames, RuleOverlaps, RulePublished
from club.accrual.models import Campaign, RuleVersion
from club.accrual.rules.model import Rule, digest
from club.languages import Texts, missing_in

RULE_CHARS_MAX = 200_000


@transaction.atomic
def publish(
    *, rule: str, campaign: Campaign, names: Texts, in_force: DateTimeTZRange, now: datetime
) -> RuleVersion:
    """Store one version of a rule, given as JSON, for events of the time `in_force`.

    `names` is what a subscriber reads as the reason, in every language. Nothing decided before is
    touched by a version that reaches back.
    Raises BadRule, IncompleteNames, RulePublished, RuleOverlaps.
    """
    read = _read(rule)
    canonical = read.canonical()
    _check_group(read, in_force)
    if missing := missing_in(names):
        raise IncompleteNames("a rule needs its name in every language", languages=missing)
    version = RuleVersion(
        hash=digest(canonical),
        rule_id=read.id,
        campaign=campaign,
        canonical=canonical,
        names=names,
        recorded_at=now,
        in_force=in_force,
    )
    try:
        with transaction.atomic():
            version.save(force_insert=True)
    except IntegrityError as error:
        # The constraints decide, so two publishing at once cannot both succeed.
        if RuleVersion.objects.filter(pk=version.hash).exists():
            raise RulePublished("this version was published before", hash=version.hash) from error
        raise RuleOverlaps(
            "another version of this rule is in force then; end it first", rule_id=read.id
        ) from error
    return version


def publish_once(
    *, rule: str, campaign: Campaign, names: Texts, in_force: DateTimeTZRange, now: datetime
) -> RuleVersion:
    """As `publish`, but the same text published before is simply answered."""
    try:
        return publish(rule=rule, campaign=campaign, names=names, in_force=in_force, now=now)
    except RulePublished as published:
        return RuleVersion.objects.get(pk=published.values["hash"])


def _check_group(rule: Rule, in_force: DateTimeTZRange) -> None:
    """All rules of a stacking group are decided in one way. Raises BadRule."""
    if rule.stacking is None:
        return
    others = RuleVersion.objects.filter(in_force__overlap=in_force).exclude(rule_id=rule.id)
    for canonical in others.values_list("canonical", flat=True):
        other = Rule.model_validate_json(canonical)
        if (
            other.stacking
            and other.stacking.group == rule.stacking.group
            and other.stacking.mode != rule.stacking.mode
        ):
            what = (
                f"rule {other.id} decides the group {rule.stacking.group} by {other.stacking.mode}"
            )
            raise BadRule("this is not a rule", problems=[{"where": "stacking/mode", "what": what}])


def _read(text: str) -> Rule:
    if len(text) > RULE_CHARS_MAX:
        raise BadRule(f"a rule has at most {RULE_CHARS_MAX} characters", problems=[])
    try:
        return Rule.model_validate_json(text)
    except ValidationError as error:
        problems = [
            {"where": "/".join(map(str, problem["loc"])), "what": problem["msg"]}
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise BadRule("this is not a rule", problems=problems) from error
