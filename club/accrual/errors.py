"""What can be wrong with a campaign or a request about events."""

from club.errors import ClubError


class AccrualError(ClubError):
    code = "accrual_error"


class BadRule(AccrualError):
    """The text is no rule. Value: problems, a list of {where, what}."""

    code = "bad_rule"


class IncompleteNames(AccrualError):
    """A subscriber would read an empty reason. Value: languages."""

    code = "incomplete_names"


class RuleOverlaps(AccrualError):
    """Another version of this rule is in force at some moment of the time asked for."""

    code = "rule_overlaps"


class RulePublished(AccrualError):
    """Exactly this text was published before: a version is never changed. Value: hash."""

    code = "rule_published"


class BadCampaign(AccrualError):
    """The file is no campaign. Value: problems, a list of {where, what}."""

    code = "bad_campaign"


class NoSuchCampaign(AccrualError):
    code = "no_such_campaign"


class CampaignOver(AccrualError):
    """It would end before it could begin. Value: ends_at."""

    code = "campaign_over"


class FundIsFixed(AccrualError):
    """What a campaign granted was paid by its fund: another purse is another campaign. Value: fund."""

    code = "fund_is_fixed"


class RuleOfAnother(AccrualError):
    """The rule's name belongs to another campaign. Values: rule_id, campaign."""

    code = "rule_of_another_campaign"


class NoSuchSegment(AccrualError):
    code = "no_such_segment"


class BadSegment(AccrualError):
    """The code or the name cannot be one, or there is no file."""

    code = "bad_segment"


class NobodyOnList(AccrualError):
    """No line of the file names a subscriber. Value: report."""

    code = "nobody_on_list"


class TooManyBroken(AccrualError):
    """Of the lines of a list too many cannot be used. Value: report."""

    code = "too_many_broken_lines"


class SegmentInUse(AccrualError):
    """Rules ask for it. Value: rules, their ids."""

    code = "segment_in_use"
