"""What stands behind a line of the books that came from an accrual."""

from collections.abc import Iterable
from dataclasses import dataclass

from club.accrual.models import Decision, Event, RuleVersion
from club.languages import Texts


@dataclass(frozen=True, slots=True)
class Grant:
    """The event and the rule version that one posting was granted for."""

    event_id: int
    event_type: str
    rule_id: str
    rule_hash: str
    rule_names: Texts
    amount_tiyin: int
    channel: str


def ref(event_id: int, rule_id: str, deed: str = "") -> str:
    """Under which the ledger knows what one rule moved for one event; `deed` tells what was done about
    that later, and is never empty then.

    >>> parse_ref(ref(7, "top-up")), parse_ref(ref(7, "top-up", "claw3.1"))
    ((7, 'top-up'), (7, 'top-up'))
    """
    return f"{event_id}:{rule_id}:{deed}" if deed else f"{event_id}:{rule_id}"


def parse_ref(ref: str) -> tuple[int, str] | None:
    """The event and the rule in a ledger ref of ours; None for anybody else's.

    >>> parse_ref("17:top-up"), parse_ref("hold:1")
    ((17, 'top-up'), None)
    """
    event, separator, rest = ref.partition(":")
    if not (separator and event.isascii() and event.isdigit()):
        return None
    return int(event), rest.partition(":")[0]


CLAWED, RESTORED = "claw", "back"


def deed_of(ref: str) -> str:
    """What a ledger ref of ours did about a grant: CLAWED, RESTORED, or nothing special.

    >>> deed_of("17:top-up:claw3.1"), deed_of("17:top-up:back3.2"), deed_of("17:top-up")
    ('claw', 'back', '')
    """
    _, _, deed = ref.partition(":")[2].partition(":")
    return next((one for one in (CLAWED, RESTORED) if deed.startswith(one)), "")


def grants(*, subscriber_id: int, keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], Grant]:
    """What each (event_id, rule_id) of one subscriber was granted for; three queries at most."""
    wanted = set(keys)
    events = Event.objects.filter(subscriber_id=subscriber_id).in_bulk(
        [event_id for event_id, _ in wanted]
    )
    decisions = [
        one
        for one in Decision.objects.filter(subscriber_id=subscriber_id, event_id__in=list(events))
        if (one.event_id, one.rule_id) in wanted
    ]
    versions = RuleVersion.objects.in_bulk({one.rule_hash for one in decisions})
    return {
        (one.event_id, one.rule_id): Grant(
            event_id=one.event_id,
            event_type=events[one.event_id].kind,
            rule_id=one.rule_id,
            rule_hash=one.rule_hash,
            rule_names=versions[one.rule_hash].names,
            amount_tiyin=events[one.event_id].amount_tiyin,
            channel=events[one.event_id].channel,
        )
        for one in decisions
    }
