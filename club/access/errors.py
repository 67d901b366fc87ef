"""What stands in the way of a member of staff."""

from club.errors import ClubError


class NotPermitted(ClubError):
    """The member of staff has not the right to this. Value: permission."""

    code = "not_permitted"


class ProposalError(ClubError):
    code = "proposal_error"


class MayNotPropose(ProposalError):
    """The member of staff has not the permission to ask for this. Value: permission."""

    code = "may_not_propose"


class MayNotAnswer(ProposalError):
    """The member of staff has not the permission to answer this. Value: permission."""

    code = "may_not_answer"


class OwnProposal(ProposalError):
    """Whoever asked never approves, nor refuses: they withdraw."""

    code = "own_proposal"


class NotYours(ProposalError):
    """Only the one who asked withdraws."""

    code = "not_your_proposal"


class NothingChanges(ProposalError):
    """It is so already."""

    code = "nothing_changes"


class AlreadyProposed(ProposalError):
    """Another proposal about the same subject waits for its answer. Value: proposal_id."""

    code = "already_proposed"


class NoSuchProposal(ProposalError):
    code = "no_such_proposal"


class ProposalClosed(ProposalError):
    """It was answered or withdrawn before. Value: state."""

    code = "proposal_closed"


class OtherContent(ProposalError):
    """What was looked at is not what is proposed: the digests differ. Value: digest."""

    code = "other_content"


class Outdated(ProposalError):
    """What the proposal would change has changed since: its comparison is no longer true."""

    code = "proposal_outdated"


class ReasonMissing(ProposalError):
    """A proposal and a refusal say why, in at most 300 characters."""

    code = "reason_missing"
