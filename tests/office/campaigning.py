"""What tests of pages about campaigns have in common."""

import re

from club.accrual import campaign_files, campaigns
from tests.builders import Club

FIFTY = {"kind": "fixed", "points": 50, "cap_per_event": 50}


def changed(club: Club, *limits: object, **more: object) -> None:
    """The demo's campaign with one rule, of fifty points a payment, as if it had been approved."""
    file = campaign_files.exported(code="everyday", at=club.now)
    rules = file["rules"]
    assert isinstance(rules, dict)
    top_up = rules["top-up"]
    top_up["rule"] |= {"limits": list(limits), "reward": FIFTY}
    campaigns.put_in_force(file | {"rules": {"top-up": top_up}} | more, club.now)


def text_of(page: str) -> str:
    """What a reader of the page reads."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
