from typing import Protocol

from club.outcomes import Done, Refused, Unknown, Waiting

Outcome = Done[str] | Waiting | Refused | Unknown
"""`Done.value` is what the other side says about it, for the incident desk."""


class Provisioning(Protocol):
    """Switches a service on for a subscriber. Bound as "provisioning" in settings.CLUB_PORTS."""

    def submit(self, *, service_code: str, msisdn: str, request_id: str) -> Outcome:
        """Ask once. The same `request_id` never switches on twice, but after Unknown ask `status`."""
        ...

    def status(self, *, request_id: str) -> Outcome:
        """What became of it. Refused with code "unknown_request" proves that it never arrived."""
        ...
