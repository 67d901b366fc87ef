"""Campaigns and their rules. A rule version is immutable and named by the hash of its text; when it is
in force stands beside it. Staff change a campaign by a proposal that somebody else approves."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from pydantic import ValidationError

from club.access import proposals
from club.access.models import Proposal, Staff
from club.accrual import campaign_files, campaign_words, costs, funds, segments
from club.accrual.campaign_files import CampaignFile, Document
from club.accrual.errors import (
    BadRule,
    CampaignOver,
    FundIsFixed,
    IncompleteNames,
    NotSimulated,
    RuleOfAnother,
    RuleOverlaps,
    RulePublished,
)
from club.accrual.models import Campaign, InForce, RuleVersion
from club.accrual.rules.model import Rule, digest
from club.accrual.rules.warnings import doubts
from club.accrual.simulation.queries import is_simulated
from club.documents.problems import Problem, problems_of
from club.documents.words import Told
from club.documents.wrong import Place
from club.languages import Texts, missing_in
from club.ledger import queries as books
from club.savepoints import savepoint

KIND = "accrual.campaign"
RULE_CHARS_MAX = 200_000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""In the time of a version that was always in force."""


# ---- by proposal -----------------------------------------------------------------------------
@transaction.atomic
def propose(*, text: str, why: str, by: Staff, now: datetime) -> Proposal:
    """Ask for a campaign as the file says, new or changed. Nothing is in force until it is approved.

    Raises BadCampaign, whatever would stop it from being put in force today, and as
    `proposals.propose` does.
    """
    return _proposed(campaign_files.read(text).document(), why=why, by=by, now=now)


@transaction.atomic
def roll_back(*, code: str, to: datetime, why: str, by: Staff, now: datetime) -> Proposal:
    """Ask for the campaign as it was in force at the moment `to`, from the approval on.

    Raises NoSuchCampaign, and as `propose` does.
    """
    return _proposed(campaign_files.exported(code=code, at=to), why=why, by=by, now=now)


@transaction.atomic
def check(*, text: str, now: datetime) -> list[Told]:
    """What is doubtful about a campaign as the file says, before it is proposed.

    Raises BadCampaign, and whatever would stop it from being put in force today.
    """
    file = campaign_files.read(text)
    try_out(file.document(), now)
    return doubts_of(file, now)


def doubts_of(file: CampaignFile, now: datetime) -> list[Told]:
    """What of it is allowed and is probably a mistake, at its place, in the language that is active."""
    starts_at = max(file.starts_at or now, now)
    during = DateTimeTZRange(starts_at, max(file.ends_at or starts_at, starts_at), "[]")
    beside = InForce.objects.filter(during__overlap=during).exclude(version__campaign=file.code)
    rules = [
        Rule.model_validate_json(c) for c in beside.values_list("version__canonical", flat=True)
    ]
    rules += [named.rule for named in file.rules.values()]
    before = costs.past(now)
    return [
        campaign_words.told(doubt, under=("rules", rule_id, "rule"))
        for rule_id, named in file.rules.items()
        for doubt in (*doubts(named.rule, rules), *costs.doubts(named.rule, before))
    ]


def _proposed(document: Document, *, why: str, by: Staff, now: datetime) -> Proposal:
    proposal = proposals.propose(
        kind=KIND, subject_id=str(document["code"]), document=document, why=why, by=by, now=now
    )
    try_out(document, now)
    _check_simulated(document, now)
    return proposal


@transaction.atomic
def carry_out(document: Document, now: datetime) -> None:
    """Put in force what was approved. Raises NotSimulated, and as `put_in_force` does."""
    _check_simulated(document, now)
    put_in_force(document, now)


def _check_simulated(document: Document, now: datetime) -> None:
    """Staff have seen what it would do: in a simulation, or when the very same was in force before. What
    has no rules brings nobody anything, and an end must not wait. Raises NotSimulated."""
    named = proposals.digest(document)
    if document["rules"] and not is_simulated(named) and not was_in_force(document, now):
        raise NotSimulated(
            "simulate exactly this campaign first: nobody has seen yet what it would do",
            digest=named,
        )


def was_in_force(document: Document, now: datetime) -> bool:
    """Whether the campaign was exactly this at some moment until now, whatever its dates."""
    code = str(document["code"])
    if not Campaign.objects.filter(code=code).exists():
        return False
    edges = InForce.objects.filter(version__campaign=code).values_list("during", flat=True)
    moments = {edge for during in edges for edge in (during.lower, during.upper) if edge}
    asked = document | {"starts_at": None, "ends_at": None}
    return any(
        campaign_files.exported(code=code, at=moment) == asked
        for moment in (LONG_AGO, *sorted(moment for moment in moments if moment <= now))
    )


@transaction.atomic
def try_out(document: Document, now: datetime) -> None:
    """Puts it in force and takes that back: what would stop it is said to the one who asks."""
    tried = transaction.savepoint()
    put_in_force(document, now)
    transaction.savepoint_rollback(tried)


@transaction.atomic
def put_in_force(document: Document, now: datetime) -> None:
    """Make the campaign what an approved document says, from its start (the past: from now) on.

    What was in force before stays so for events of before, and comes back when the document ends.
    Raises BadCampaign, CampaignOver, FundIsFixed, RuleOfAnother, RuleOverlaps.
    """
    file = campaign_files.read(campaign_files.as_text(document))
    starts_at = max(file.starts_at or now, now)
    if file.ends_at is not None and file.ends_at <= starts_at:
        raise CampaignOver("it would end before it begins", ends_at=file.ends_at)
    during = DateTimeTZRange(starts_at, file.ends_at)
    campaign = _campaign(file)
    wanted = {
        rule_id: _version(named.rule, named.names, campaign, now)
        for rule_id, named in file.rules.items()
    }
    kept = set()
    for row in InForce.objects.filter(
        version__campaign=campaign, during__overlap=during
    ).select_for_update():
        version = wanted.get(row.rule_id)
        is_same = version and (version.hash, file.holdout_percent) == (
            row.version_id,
            row.holdout_percent,
        )
        if is_same and _covers(row.during, during):
            kept.add(row.rule_id)
        else:
            _cut(row, during)
    for rule_id, version in wanted.items():
        if rule_id not in kept:
            _enter(version, during, file.holdout_percent)
    _check_rules(file, during)


def _campaign(file: CampaignFile) -> Campaign:
    fund = funds.number_of((share.fund, share.percent) for share in file.paid_by)
    words = {"names": file.names, "legal": file.legal}
    campaign, is_new = Campaign.objects.select_for_update().get_or_create(
        code=file.code, defaults={**words, "fund": fund}
    )
    if campaign.fund != fund:
        payers = ", ".join(
            f"{name}: {percent} %" for name, percent in funds.shares_of(campaign.fund)
        )
        raise FundIsFixed(
            f"the campaign is paid by fund {payers}; for others make another campaign",
            paid_by=payers,
        )
    if not is_new and words != {"names": campaign.names, "legal": campaign.legal}:
        campaign.names, campaign.legal = file.names, file.legal
        campaign.save(update_fields=[*words])
    return campaign


def _version(rule: Rule, names: Texts, campaign: Campaign, now: datetime) -> RuleVersion:
    """The version of this text. Its names are no part of it: a slip in one is put right in place."""
    canonical = rule.canonical()
    version, _ = RuleVersion.objects.get_or_create(
        hash=digest(canonical),
        defaults={
            "rule_id": rule.id,
            "campaign": campaign,
            "canonical": canonical,
            "names": names,
            "recorded_at": now,
        },
    )
    if version.campaign_id != campaign.code:
        raise RuleOfAnother(
            f"the rule {rule.id} belongs to the campaign {version.campaign_id}",
            rule_id=rule.id,
            campaign=version.campaign_id,
        )
    if version.names != names:
        version.names = names
        version.save(update_fields=["names"])
    return version


def _covers(whole: DateTimeTZRange, part: DateTimeTZRange) -> bool:
    begins_before = whole.lower is None or whole.lower <= part.lower
    return begins_before and (
        whole.upper is None or (part.upper is not None and part.upper <= whole.upper)
    )


def _cut(row: InForce, during: DateTimeTZRange) -> None:
    """Takes `during` out of the time of a row: what was before stays, what comes after comes back."""
    lower, upper = row.during.lower, row.during.upper
    row.delete()
    if lower is None or lower < during.lower:
        _enter(row.version, DateTimeTZRange(lower, during.lower), row.holdout_percent)
    if during.upper is not None and (upper is None or during.upper < upper):
        _enter(row.version, DateTimeTZRange(during.upper, upper), row.holdout_percent)


def _enter(version: RuleVersion, during: DateTimeTZRange, holdout_percent: int) -> None:
    try:
        with savepoint():
            InForce.objects.create(
                version=version,
                rule_id=version.rule_id,
                during=during,
                holdout_percent=holdout_percent,
            )
    except IntegrityError as error:
        # The constraint decides, so two publishing at once cannot both succeed.
        raise RuleOverlaps(
            f"another version of the rule {version.rule_id} is in force then; end it first",
            rule_id=version.rule_id,
        ) from error


# ---- at once: by the program itself ----------------------------------------------------------
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
    if problems := [*_problems_in_company(read, in_force)]:
        raise _refusal(problems)
    if missing := missing_in(names):
        raise IncompleteNames("a rule needs its name in every language", languages=missing)
    if RuleVersion.objects.filter(pk=digest(read.canonical())).exists():
        raise RulePublished("this version was published before", hash=digest(read.canonical()))
    version = _version(read, names, campaign, now)
    _enter(version, in_force, holdout_percent=0)
    return version


def publish_once(
    *, rule: str, campaign: Campaign, names: Texts, in_force: DateTimeTZRange, now: datetime
) -> RuleVersion:
    """As `publish`, but the same text published before is simply answered."""
    try:
        return publish(rule=rule, campaign=campaign, names=names, in_force=in_force, now=now)
    except RulePublished as published:
        return RuleVersion.objects.get(pk=published.values["hash"])


def _check_rules(file: CampaignFile, during: DateTimeTZRange) -> None:
    """What only shows beside everything else that is in force. Raises BadCampaign."""
    unknown = _unknown_funds(file) if file.rules else []  # An end must not wait for a fund.
    problems = unknown + [
        problem._replace(place=("rules", rule_id, "rule", *problem.place))
        for rule_id, named in file.rules.items()
        for problem in _problems_in_company(named.rule, during)
    ]
    if problems:
        raise campaign_files.refusal(problems)


def _unknown_funds(file: CampaignFile) -> list[Problem]:
    """Points of a fund that is not there would be nobody's to settle."""
    known = {fund.fund for fund in books.funds()}
    return [
        Problem(("paid_by", nth, "fund"), "unknown_fund", {"fund": share.fund})
        for nth, share in enumerate(file.paid_by)
        if share.fund not in known
    ]


def _problems_in_company(rule: Rule, during: DateTimeTZRange) -> Iterator[Problem]:
    """All rules of a stacking group are decided in one way, and the lists that are asked for exist."""
    sizes = segments.sizes([*rule.segments()])
    for place, code in _segments_asked(rule.model_dump(mode="json")):
        if not sizes.get(code):
            what = "empty_segment" if code in sizes else "unknown_segment"
            yield Problem(place, what, {"segment": code})
    if rule.stacking is None:
        return
    others = InForce.objects.filter(during__overlap=during).exclude(rule_id=rule.id)
    for canonical in others.values_list("version__canonical", flat=True):
        other = Rule.model_validate_json(canonical)
        if (
            other.stacking
            and other.stacking.group == rule.stacking.group
            and other.stacking.mode != rule.stacking.mode
        ):
            values = {"rule": other.id, "group": other.stacking.group, "mode": other.stacking.mode}
            yield Problem(("stacking", "mode"), "group_mode", values)
            return


def _segments_asked(node: object, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Every segment that a rule, as data, asks for, with the place."""
    match node:
        case {"kind": "in_segment", "segment": str(code)}:
            yield (*place, "segment"), code
        case dict():
            for key, part in node.items():
                yield from _segments_asked(part, (*place, key))
        case list():
            for nth, part in enumerate(node):
                yield from _segments_asked(part, (*place, nth))


def _read(text: str) -> Rule:
    if len(text) > RULE_CHARS_MAX:
        raise _refusal([Problem((), "too_many_characters", {"most": RULE_CHARS_MAX})])
    try:
        return Rule.model_validate_json(text)
    except ValidationError as error:
        raise _refusal(problems_of(error, text)) from error


def _refusal(problems: Sequence[Problem]) -> BadRule:
    return BadRule("this is not a rule", problems=[campaign_words.told(one) for one in problems])
