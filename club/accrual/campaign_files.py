"""A campaign as one readable file: for review, for moving from test to live, and as what is proposed
and approved. JSON, its rules by their ids, so that two files compare line by line."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from club.accrual import campaign_words, funds
from club.accrual.errors import BadCampaign, NoSuchCampaign
from club.accrual.models import Campaign, InForce, SharedFund
from club.accrual.rules.model import Node, Rule, RuleId, Text
from club.documents import reading
from club.documents.problems import Problem
from club.documents.words import in_one_line
from club.documents.wrong import Wrong
from club.languages import missing_in

FILE_CHARS_MAX = 1_000_000
RULES_MAX = 200
LEGAL_CHARS_MAX = 20_000

Document = dict[str, object]
"""A CampaignFile as JSON."""


def _whole(names: dict[str, str]) -> dict[str, str]:
    if missing := missing_in(names):
        what = f"a name is missing in {', '.join(missing)}"
        raise Wrong("names_missing", what, languages=missing)
    return names


Names = Annotated[dict[str, Text], Field(max_length=5), AfterValidator(_whole)]


def _complete(texts: dict[str, str]) -> dict[str, str]:
    if texts and (missing := missing_in(texts)):
        what = f"the text is missing in {', '.join(missing)}"
        raise Wrong("names_missing", what, languages=missing)
    return texts


def _whole_fund(shares: tuple["Share", ...]) -> tuple["Share", ...]:
    if sum(share.percent for share in shares) != 100:
        total = sum(share.percent for share in shares)
        raise Wrong("shares_not_whole", "the shares do not add up to 100 percent", total=total)
    if len({share.fund for share in shares}) < len(shares):
        raise Wrong("fund_twice", "a fund is named twice")
    return tuple(sorted(shares, key=lambda share: share.fund))


class Share(Node):
    """A fund, and the percent of the points that it pays."""

    fund: Annotated[int, Field(ge=0, lt=SharedFund.FIRST)]
    percent: Annotated[int, Field(ge=1, le=100)]


PaidBy = Annotated[
    tuple[Share, ...], Field(min_length=1, max_length=10), AfterValidator(_whole_fund)
]
LegalText = Annotated[str, Field(min_length=1, max_length=LEGAL_CHARS_MAX)]
Legal = Annotated[dict[str, LegalText], Field(max_length=5), AfterValidator(_complete)]


class NamedRule(Node):
    """`names` is what a subscriber reads as the reason, in every language."""

    names: Names
    rule: Rule


class CampaignFile(Node):
    """All rules of a campaign from one moment on (None: at once), for good or until another one, after
    which those it replaced are in force again. A campaign without rules has ended."""

    form: Literal[1] = 1
    code: RuleId
    names: Names
    legal: Legal = {}
    """The terms a subscriber may read, in every language, or none at all."""
    paid_by: PaidBy = (Share(fund=0, percent=100),)
    holdout_percent: Annotated[int, Field(ge=0, le=50)] = 0
    """Of the subscribers, so many are kept out by lot, to measure what the campaign brings."""
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    rules: Annotated[dict[RuleId, NamedRule], Field(max_length=RULES_MAX)]

    @model_validator(mode="after")
    def _says_each_id_alike(self) -> "CampaignFile":
        for rule_id, named in self.rules.items():
            if named.rule.id != rule_id:
                what = f"the rule under {rule_id} calls itself {named.rule.id}"
                raise Wrong("id_differs", what, key=rule_id, id=named.rule.id)
        return self

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "CampaignFile":
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise Wrong("ends_before", "ends_at is later than starts_at")
        return self

    def document(self) -> Document:
        return self.model_dump(mode="json")


def read(text: str) -> CampaignFile:
    """Raises BadCampaign, with every problem and its place."""
    return reading.read(text, CampaignFile, chars_max=FILE_CHARS_MAX, refusal=refusal)


def refusal(problems: Sequence[Problem]) -> BadCampaign:
    """All the problems of a file at once, in the language that is active."""
    told = [campaign_words.told(one) for one in problems]
    lines = [f"    {in_one_line(one)}" for one in told]
    return BadCampaign("\n".join(["this is not a campaign:", *lines]), problems=told)


def exported(*, code: str, at: datetime) -> Document:
    """The campaign with the rules that are in force at a moment. Raises NoSuchCampaign."""
    campaign = Campaign.objects.filter(code=code).first()
    if campaign is None:
        raise NoSuchCampaign(f"there is no campaign {code}", campaign=code)
    found = InForce.objects.filter(during__contains=at, version__campaign=campaign)
    rows = found.select_related("version").order_by("rule_id")
    return CampaignFile(
        code=code,
        names=campaign.names,
        legal=campaign.legal,
        paid_by=tuple(
            Share(fund=fund, percent=percent) for fund, percent in funds.shares_of(campaign.fund)
        ),
        holdout_percent=max((row.holdout_percent for row in rows), default=0),
        rules={
            row.rule_id: NamedRule(
                names=row.version.names, rule=Rule.model_validate_json(row.version.canonical)
            )
            for row in rows
        },
    ).document()


def as_text(document: Document) -> str:
    """The file: indented and in the order of its names, whatever wrote it."""
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
