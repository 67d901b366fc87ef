"""What staff propose about levels, and how it is carried out (club/access/proposals.py)."""

from datetime import datetime

from club.access.proposals import Kind
from club.tiers import giving, scheme_files, schemes
from club.tiers.errors import NoSuchScheme
from club.tiers.scheme_files import Document


def _current_scheme(document: Document, now: datetime) -> Document | None:
    try:
        return scheme_files.exported(code=str(document["code"]))
    except NoSuchScheme:
        return None


KINDS = {
    "scheme": Kind(
        may_ask="tiers.propose_scheme",
        may_answer="tiers.approve_scheme",
        current=_current_scheme,
        carry_out=schemes.put_in_force,
    ),
    "level": Kind(
        may_ask="tiers.propose_level",
        may_answer="tiers.approve_level",
        current=giving.current,
        carry_out=giving.give,
    ),
}
