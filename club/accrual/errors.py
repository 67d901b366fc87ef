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


class UnknownLevel(AccrualError):
    """The programme has no such level. Value: levels, their codes."""

    code = "unknown_level"


class NoSuchVersion(AccrualError):
    """The campaign never had such a version of a rule, or several begin so. Values: campaign, version."""

    code = "no_such_version"


class EmptySpan(AccrualError):
    """It ends before it begins."""

    code = "empty_span"


class NothingToTake(AccrualError):
    """Nothing that these versions granted in this span still stands."""

    code = "nothing_to_take"


class TooMuchToTake(AccrualError):
    """More decisions than one clawback takes: narrow the span. Value: decisions_max."""

    code = "too_much_to_take"


class NoSuchClawback(AccrualError):
    code = "no_such_clawback"


class ClawbackElsewhere(AccrualError):
    """The clawback is in another state than this needs. Value: state."""

    code = "clawback_elsewhere"


class NoHoldout(AccrualError):
    """Nobody was held out of the campaign in this span, so there is nobody to compare with."""

    code = "no_holdout"


class HoldoutChanged(AccrualError):
    """The share that is held out was not the same in the whole span. Value: percents."""

    code = "holdout_changed"


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


# ---- simulation ------------------------------------------------------------------------------
class NotSimulated(AccrualError):
    """Nobody has seen what exactly this campaign would do, or this release decides otherwise than the
    one that was asked. Value: digest."""

    code = "not_simulated"


class BadSpan(AccrualError):
    """The days end before they begin, are not over yet, or are too many. Value: days_max."""

    code = "bad_span"


class NoEvents(AccrualError):
    """Nothing happened on these days, so nothing can be learnt. Values: first_day, last_day."""

    code = "no_events"


class NoSuchSimulation(AccrualError):
    code = "no_such_simulation"


class SimulationOver(AccrualError):
    """It has ended before. Value: state."""

    code = "simulation_over"


class SimulationCancelled(AccrualError):
    """Somebody cancelled it while it ran."""

    code = "simulation_cancelled"
